/* ingot/formats.h: readers and writers of model files.
 *
 * safetensors (https://github.com/huggingface/safetensors):
 *
 *     u64 little-endian: length N of the header
 *     N bytes of JSON:   {"name": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, …, "__metadata__": {"k": "v"}}
 *     data               offsets count from here; tensors lie side by side, without holes, in row-major order
 */
#ifndef INGOT_FORMATS_H
#define INGOT_FORMATS_H

#include "ingot/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_safetensors ig_safetensors;

/* Map a file and check all of it: header length and limit, JSON, duplicate names, types, shapes against offsets, and that
 * the tensors cover the data exactly, without holes or overlaps.  IG_E_FORMAT names file and tensor. */
ig_status ig_safetensors_open(const char *path, ig_safetensors **out, ig_error *err);
/* The same over memory that must outlive it; `name` is used in errors. */
ig_status ig_safetensors_open_memory(const char *name, const void *bytes, size_t size, ig_safetensors **out, ig_error *err);
void ig_safetensors_close(ig_safetensors *s);

size_t ig_safetensors_count(const ig_safetensors *s);
const char *ig_safetensors_name(const ig_safetensors *s, size_t i); /* in the order of the header */
/* Type and shape of tensor i, without data.
 * IG_E_UNSUPPORTED for an element type that Ingot has not (F8_E4M3, U16, …), named. */
ig_status ig_safetensors_describe(const ig_safetensors *s, size_t i, ig_tensor *shape, ig_error *err);
/* Index of a tensor, -1 when absent. */
int64_t ig_safetensors_find(const ig_safetensors *s, const char *name);
/* Copy tensor i into dst: same shape, converted to dst's type. */
ig_status ig_safetensors_read(ig_context *ctx, const ig_safetensors *s, size_t i, const ig_tensor *dst, ig_error *err);
/* A text of __metadata__, NULL when absent. */
const char *ig_safetensors_metadata(const ig_safetensors *s, const char *key);

typedef struct ig_named_tensor {
    const char *name;
    const ig_tensor *tensor; /* any strides */
} ig_named_tensor;
typedef struct ig_text_pair {
    const char *key, *value;
} ig_text_pair;

/* Write atomically; larger elements first, then by name, as the reference implementation does, so data stays aligned.
 * Without metadata, {"format": "pt"} is written, which transformers insists on. */
ig_status ig_safetensors_save(ig_context *ctx, const char *path, const ig_named_tensor *tensors, size_t count, const ig_text_pair *metadata,
                              size_t metadata_count, ig_error *err);

#ifdef __cplusplus
}
#endif
#endif
