/* ingot/formats.h: readers and writers of model files.
 *
 * safetensors (https://github.com/huggingface/safetensors):
 *
 *     u64 little-endian: length N of the header
 *     N bytes of JSON:   {"name": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, …, "__metadata__": {"k": "v"}}
 *     data               offsets count from here; tensors lie side by side, without holes, row-major, little-endian
 */
#ifndef INGOT_FORMATS_H
#define INGOT_FORMATS_H

#include "ingot/tensor.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_safetensors ig_safetensors;

/* Map a file and check all of its header: length and limit, JSON, duplicate names, types, shapes against offsets, and that
 * the tensors cover the data exactly, without holes or overlaps.  IG_E_FORMAT names file and tensor.
 * Opening reads the header only.  The file must not be cut by somebody else while it is open: replace files, as
 * ig_safetensors_save does, instead of writing into them. */
ig_status ig_safetensors_open(const char *path, ig_safetensors **out, ig_error *err);
/* The same over memory that must outlive it; `name` is used in errors. */
ig_status ig_safetensors_open_memory(const char *name, const void *bytes, size_t size, ig_safetensors **out,
                                     ig_error *err);
void ig_safetensors_close(ig_safetensors *s);

size_t ig_safetensors_count(const ig_safetensors *s);
const char *ig_safetensors_name(const ig_safetensors *s, size_t i); /* in the order of the header */
/* Type and shape of tensor i, without data.
 * IG_E_UNSUPPORTED for an element type that Ingot has not (F8_E4M3, U16, …), named. */
ig_status ig_safetensors_describe(const ig_safetensors *s, size_t i, ig_tensor *shape, ig_error *err);
/* Index of a tensor, -1 when absent. */
int64_t ig_safetensors_find(const ig_safetensors *s, const char *name);
/* Tensor i as it lies in the file: read-only, valid until close.  IG_E_UNSUPPORTED when it is not aligned to its elements,
 * which the format allows; ig_safetensors_read takes those too. */
ig_status ig_safetensors_view(const ig_safetensors *s, size_t i, ig_tensor *view, ig_error *err);
/* Copy tensor i into dst: same shape (IG_E_SHAPE), converted to dst's type.  BOOL bytes other than 0 and 1 are IG_E_FORMAT. */
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

/* Write atomically, in the order of the reference implementation (the format's types from the widest on, then by name), so
 * that every tensor is aligned to its elements and the same tensors give the same bytes.
 * Without metadata {"format": "pt"} is written, which transformers insists on.
 * IG_E_ARG for names that are not UTF-8, are reserved or stand twice, and for tensors without data. */
ig_status ig_safetensors_save(ig_context *ctx, const char *path, const ig_named_tensor *tensors, size_t count,
                              const ig_text_pair *metadata, size_t metadata_count, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
