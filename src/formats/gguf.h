/* formats/gguf.h: what the files of the GGUF reader and writer share.
 *
 *     gguf_types.c    tables of value types and of ggml's element types
 *     gguf_value.c    one value at a place in the file; asking for values by key
 *     gguf_tensors.c  the tensors' descriptions against the data
 *     gguf.c          opening: header, pairs, tensors
 *     gguf_read.c     a tensor's numbers
 *     gguf_save.c     writing
 */
#ifndef FORMATS_GGUF_H
#define FORMATS_GGUF_H

#include "ingot/formats.h"

#define GGUF_ALIGNMENT_DEFAULT 32
#define GGUF_ALIGNMENT_MAX (1u << 20)
#define GGUF_ALIGNMENT_KEY "general.alignment"

/* A place in the bytes of a file. */
typedef struct gguf_cursor {
    const char *file; /* for errors */
    const uint8_t *begin, *at, *end;
} gguf_cursor;

typedef struct gguf_pair {
    char *key;
    ig_gguf_value value;
} gguf_pair;

struct ig_gguf {
    char *file;
    ig_map_file map; /* empty when the memory is the caller's */
    gguf_pair *pair; /* [pair_count], in the order of the file */
    gguf_pair **pair_by_key;
    size_t pair_count;
    ig_gguf_tensor *tensor; /* [tensor_count]; names are ours */
    uint64_t *offset;       /* [tensor_count], into the data */
    ig_gguf_tensor **tensor_by_name;
    size_t tensor_count;
    uint64_t alignment;
    const uint8_t *data;
    uint64_t data_bytes;
};

size_t gguf_type_bytes(uint32_t type); /* of one value; 0 for texts, arrays and unknown types */

/* Bytes that elements of this shape take, in whole blocks along the last dimension.  IG_E_FORMAT says what is wrong with
 * it, without the tensor's name. */
ig_status gguf_shape_bytes(const ig_ggml_type *type, int ndim, const int64_t *shape, uint64_t *bytes, ig_error *err);
bool gguf_alignment_ok(int64_t alignment);

size_t gguf_left(const gguf_cursor *c);
ig_status gguf_take_u32(gguf_cursor *c, uint32_t *out, ig_error *err);
ig_status gguf_take_u64(gguf_cursor *c, uint64_t *out, ig_error *err);
ig_status gguf_take_text(gguf_cursor *c, ig_gguf_text *out, ig_error *err);
/* A copy of a key or name: UTF-8, without zero bytes, 1 … max bytes. */
ig_status gguf_take_name(gguf_cursor *c, const char *what, size_t max, char **out, ig_error *err);
ig_status gguf_take_value(gguf_cursor *c, uint32_t type, int nesting, ig_gguf_value *out, ig_error *err);

/* The pairs are read, tensor_count is checked against the file's size: read the descriptions, and check them. */
ig_status gguf_read_tensors(ig_gguf *g, gguf_cursor *c, ig_error *err);

#endif
