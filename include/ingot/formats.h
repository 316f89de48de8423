/* ingot/formats.h: readers and writers of model files: safetensors, GGUF, PyTorch's own checkpoints, llama2.c's, and ONNX.
 *
 * A file comes from a stranger: opening it checks all of its structure, and what opened can be asked and read without
 * further surprises.  Errors name the file and the tensor or key.
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

/* ---- safetensors ------------------------------------------------------------------------------------------------- */

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

/* ---- GGUF, versions 2 and 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) ------------------------------------
 *
 *     "GGUF", u32 version, u64 tensors, u64 pairs
 *     pairs:    text key, u32 type, value                            text is u64 length and bytes
 *     tensors:  text name, u32 n, u64 size[n] (fastest first), u32 type, u64 offset into the data
 *     zeros up to a multiple of general.alignment (32 when absent)
 *     data      each tensor at a multiple of the alignment, row-major, in blocks of its type; all little-endian
 */

typedef struct ig_gguf ig_gguf;

typedef enum ig_gguf_type { /* numbers of the format */
    IG_GGUF_U8,
    IG_GGUF_I8,
    IG_GGUF_U16,
    IG_GGUF_I16,
    IG_GGUF_U32,
    IG_GGUF_I32,
    IG_GGUF_F32,
    IG_GGUF_BOOL,
    IG_GGUF_TEXT,
    IG_GGUF_ARRAY,
    IG_GGUF_U64,
    IG_GGUF_I64,
    IG_GGUF_F64,
    IG_GGUF_TYPE_COUNT
} ig_gguf_type;
const char *ig_gguf_type_name(ig_gguf_type t); /* "u8" … "text", "array" */

typedef struct ig_gguf_text { /* in the file: not NUL-terminated, and any bytes */
    const char *at;
    size_t len;
} ig_gguf_text;

typedef struct ig_gguf_value {
    ig_gguf_type type;
    int64_t integer;      /* U8 … I64 and BOOL; of a U64 the bits */
    double real;          /* the same number, and F32 and F64 */
    ig_gguf_text text;    /* TEXT */
    ig_gguf_type item;    /* ARRAY: type of its items, */
    uint64_t count;       /* how many, */
    const uint8_t *items; /* and as they stand in the file, unaligned */
    size_t items_bytes;
} ig_gguf_value;

/* Map a file and check everything but the numbers in it: counts and lengths against the file's size, types, duplicates,
 * shapes, alignment, and that tensors lie inside the file and apart from each other. */
ig_status ig_gguf_open(const char *path, ig_gguf **out, ig_error *err);
/* The same over memory that must outlive it; `name` is used in errors. */
ig_status ig_gguf_open_memory(const char *name, const void *bytes, size_t size, ig_gguf **out, ig_error *err);
void ig_gguf_close(ig_gguf *g);

size_t ig_gguf_key_count(const ig_gguf *g);
const char *ig_gguf_key(const ig_gguf *g, size_t i);                     /* in the order of the file; NULL past the end */
bool ig_gguf_get(const ig_gguf *g, const char *key, ig_gguf_value *out); /* false when absent */
/* With the type asked for: IG_E_NOT_FOUND when absent, IG_E_FORMAT for another type or an integer outside [min, max]. */
ig_status ig_gguf_get_int(const ig_gguf *g, const char *key, int64_t min, int64_t max, int64_t *out, ig_error *err);
ig_status ig_gguf_get_real(const ig_gguf *g, const char *key, double *out, ig_error *err); /* takes integers too */
ig_status ig_gguf_get_bool(const ig_gguf *g, const char *key, bool *out, ig_error *err);
ig_status ig_gguf_get_text(const ig_gguf *g, const char *key, ig_gguf_text *out, ig_error *err);
ig_status ig_gguf_get_array(const ig_gguf *g, const char *key, ig_gguf_type item, ig_gguf_value *out, ig_error *err);

/* Walk an array without copying:  for (ig_gguf_items it = ig_gguf_items_of(&array); ig_gguf_items_next(&it, &v);) … */
typedef struct ig_gguf_items {
    ig_gguf_type type;
    uint64_t left;
    const uint8_t *at, *end;
} ig_gguf_items;
ig_gguf_items ig_gguf_items_of(const ig_gguf_value *array);
bool ig_gguf_items_next(ig_gguf_items *it, ig_gguf_value *out);

/* Element types of ggml: `block` elements share `bytes` bytes; one element and its size for the plain ones. */
typedef struct ig_ggml_type {
    const char *name; /* "f32", "q4_K" … */
    uint32_t block, bytes;
} ig_ggml_type;
const ig_ggml_type *ig_ggml_type_find(uint32_t number); /* NULL for an unknown one */

#define IG_GGUF_DIMS_MAX 4
typedef struct ig_gguf_tensor {
    const char *name;
    uint32_t type;                   /* ggml's number: 0 f32, 1 f16, 2 q4_0, 8 q8_0, 12 q4_K, 30 bf16 … */
    int ndim;
    int64_t shape[IG_GGUF_DIMS_MAX]; /* row-major: dim 0 outermost, blocks along the last */
    const void *data;                /* read-only, valid until close; aligned as the file says */
    uint64_t bytes;
} ig_gguf_tensor;

size_t ig_gguf_count(const ig_gguf *g);
const ig_gguf_tensor *ig_gguf_describe(const ig_gguf *g, size_t i);   /* in the order of the file; NULL past the end */
int64_t ig_gguf_find(const ig_gguf *g, const char *name);             /* -1 when absent */
/* Copy tensor i into dst: same shape (IG_E_SHAPE), converted to dst's type.  For types of one element per block;
 * IG_E_UNSUPPORTED names another type, whose blocks ig_gguf_describe gives as they are. */
ig_status ig_gguf_read(ig_context *ctx, const ig_gguf *g, size_t i, const ig_tensor *dst, ig_error *err);

typedef struct ig_gguf_pair { /* one pair to be written; what `type` does not name is not looked at */
    const char *key;
    ig_gguf_type type;
    int64_t integer;    /* U8 … I64; U64 takes the bits; BOOL is 0 or 1 */
    double real;        /* F32, F64 */
    ig_gguf_text text;
    ig_gguf_type item;  /* ARRAY of this type, of `count` */
    uint64_t count;
    const void *items;  /* uint8_t[] … double[]; BOOL uint8_t[]; TEXT ig_gguf_text[]; arrays of arrays are not written */
} ig_gguf_pair;

/* Write version 3 atomically, pairs and tensors in the order given.  A pair general.alignment (U32) is obeyed.
 * `bytes` of a tensor must be what type and shape need.  IG_E_ARG names the key or tensor that cannot be written: twice the
 * same, not UTF-8, a number outside its type, a name over 63 bytes (llama.cpp takes no longer ones). */
ig_status ig_gguf_save(const char *path, const ig_gguf_pair *pairs, size_t pair_count, const ig_gguf_tensor *tensors,
                       size_t tensor_count, ig_error *err);

/* ---- PyTorch checkpoints: torch.save, as a zip archive and in the form before 1.6 -----------------------------------
 *
 *     NAME/data.pkl    pickle of the object; a tensor names its storage by a persistent id
 *     NAME/data/KEY    the storage's elements, little-endian, not compressed
 *
 * or one after the other: pickles of the magic number 0x1950a86a20f9469cfc6c, of the protocol 1001, of the system, of the
 * object and of the list of keys; then for each key u64 count and the elements.
 *
 * A pickle is a program.  Here it runs on a machine that can make plain containers, numbers, texts and tensors and nothing
 * else: whatever else it names is refused by its name, before anything is made of it.
 */

typedef struct ig_torch ig_torch;

/* Nested containers become a flat list with dotted names: {"state_dict": {"fc.weight": t}} is state_dict.fc.weight; items of
 * lists and tuples are numbered.  A lone tensor is called "tensor".  Opening reads the structure, not the numbers.
 * IG_E_FORMAT, IG_E_UNSUPPORTED (complex numbers, compressed archives, other byte order) and IG_E_LIMIT say what and where. */
ig_status ig_torch_open(const char *path, ig_torch **out, ig_error *err);
/* The same over memory that must outlive it; `name` is used in errors. */
ig_status ig_torch_open_memory(const char *name, const void *bytes, size_t size, ig_torch **out, ig_error *err);
void ig_torch_close(ig_torch *t);

size_t ig_torch_count(const ig_torch *t);                /* tensors */
const char *ig_torch_name(const ig_torch *t, size_t i);  /* in the order of the checkpoint; NULL past the end */
int64_t ig_torch_find(const ig_torch *t, const char *name); /* -1 when absent */
/* Type and shape of tensor i, row-major, without data.  IG_E_UNSUPPORTED for an element type that Ingot has not (i8, i16). */
ig_status ig_torch_describe(const ig_torch *t, size_t i, ig_tensor *shape, ig_error *err);
/* Copy tensor i into dst: same shape (IG_E_SHAPE), converted to dst's type, whatever its strides in the file.
 * Not from two threads at once: the archive has one position, and the last storage is kept for the next call. */
ig_status ig_torch_read(ig_context *ctx, ig_torch *t, size_t i, const ig_tensor *dst, ig_error *err);
/* What else the checkpoint holds, by the same dotted names: int, float or bool; NULL or false when absent. */
bool ig_torch_number(const ig_torch *t, const char *name, double *out);
const char *ig_torch_text(const ig_torch *t, const char *name);

/* ---- llama2.c, version 0 (https://github.com/karpathy/llama2.c) ------------------------------------------------------------
 *
 *     i32 dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size (negative: the classifier is stored), seq_len
 *     f32 embedding [V,C], then for all layers at once: attention norms, q, k, v, o, feed-forward norms, gate, down, up;
 *         final norm [C], two RoPE tables [seq_len, D/2], classifier [V,C] when it is stored
 */

typedef struct ig_llama2c ig_llama2c;
typedef struct ig_llama2c_config {
    int dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len;
    bool shared_classifier;
} ig_llama2c_config;

/* Checks the header's numbers and that the file has exactly the size they give. */
ig_status ig_llama2c_open(const char *path, ig_llama2c **out, ig_error *err);
/* The same over memory, aligned to 4 bytes, that must outlive it. */
ig_status ig_llama2c_open_memory(const char *name, const void *bytes, size_t size, ig_llama2c **out, ig_error *err);
void ig_llama2c_close(ig_llama2c *l);
const ig_llama2c_config *ig_llama2c_header(const ig_llama2c *l);

/* Tensors under the names of Hugging Face's Llama: "model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight" …;
 * "lm_head.weight" only when it is stored.  All f32. */
size_t ig_llama2c_count(const ig_llama2c *l);
const char *ig_llama2c_name(const ig_llama2c *l, size_t i);
int64_t ig_llama2c_find(const ig_llama2c *l, const char *name);
ig_status ig_llama2c_describe(const ig_llama2c *l, size_t i, ig_tensor *shape, ig_error *err);
/* Copy tensor i into dst.  The file rotates neighbours (2i, 2i+1), Hugging Face's Llama halves (i, i + D/2): the rows of
 * q_proj and k_proj are put into the order of the latter. */
ig_status ig_llama2c_read(ig_context *ctx, const ig_llama2c *l, size_t i, const ig_tensor *dst, ig_error *err);

/* ---- ONNX (https://github.com/onnx/onnx/blob/main/docs/IR.md): what a file says about itself ------------------------------------
 *
 * Nodes, inputs, outputs and the names and shapes of weights, as they stand in the main graph; graphs inside of attributes are
 * not entered and no weight is read.  ig_model_export_onnx writes such files. */

typedef struct ig_onnx ig_onnx;

typedef struct ig_onnx_node {
    const char *op, *domain, *name;      /* domain "" is ONNX's own */
    const char *const *inputs, *const *outputs; /* "" for one that is left out */
    size_t input_count, output_count, attribute_count;
} ig_onnx_node;

#define IG_ONNX_DIMS_MAX 8
typedef struct ig_onnx_value { /* an input, an output or a weight */
    const char *name, *type;   /* "f32", "i64" …; as the format calls it where Ingot has no such type */
    int ndim;                  /* -1: not told */
    int64_t shape[IG_ONNX_DIMS_MAX];        /* -1: only known when it runs, */
    const char *symbol[IG_ONNX_DIMS_MAX];   /* under this name, or NULL */
    uint64_t bytes;            /* of a weight, in this file */
} ig_onnx_value;

typedef struct ig_onnx_info {
    int64_t ir_version, opset;
    const char *producer, *doc, *graph; /* "" when absent */
    size_t node_count, input_count, output_count, weight_count, metadata_count;
} ig_onnx_info;

/* Map a file and read its structure.  IG_E_FORMAT says where it is damaged; IG_E_LIMIT what there is too much of. */
ig_status ig_onnx_open(const char *path, ig_onnx **out, ig_error *err);
/* The same over memory, which is not needed afterwards; `name` is used in errors. */
ig_status ig_onnx_open_memory(const char *name, const void *bytes, size_t size, ig_onnx **out, ig_error *err);
void ig_onnx_close(ig_onnx *m);
const ig_onnx_info *ig_onnx_about(const ig_onnx *m);
/* In the order of the file; NULL past the end. */
const ig_onnx_node *ig_onnx_node_at(const ig_onnx *m, size_t i);
const ig_onnx_value *ig_onnx_input_at(const ig_onnx *m, size_t i);
const ig_onnx_value *ig_onnx_output_at(const ig_onnx *m, size_t i);
const ig_onnx_value *ig_onnx_weight_at(const ig_onnx *m, size_t i);
const char *ig_onnx_metadata(const ig_onnx *m, const char *key); /* NULL when absent */

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
