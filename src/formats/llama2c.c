/* formats/llama2c.c: llama2.c's checkpoints, version 0.  The layout is drawn in ingot/formats.h.
 *
 * The file has no names and no magic number: seven integers decide where everything lies, so their ranges and the exact
 * size of the file are all that tells a checkpoint from something else.
 */
#include <string.h>

#include "ingot/formats.h"

#define HEADER_BYTES 28
#define FIELD_MAX (1 << 24)
#define NAME_BYTES 64
#define LAYER_TENSORS 9

typedef enum rotation { AS_IT_IS, ROTATE_Q, ROTATE_K } rotation;

typedef struct entry {
    char name[NAME_BYTES];
    ig_tensor view;
    rotation rotation;
} entry;

struct ig_llama2c {
    char *file;
    ig_map_file map; /* empty when the memory is the caller's */
    ig_llama2c_config config;
    entry *item; /* [count] */
    size_t count;
    const uint8_t *at; /* while the tensors are laid out */
};

#define FAIL(code, ...) return ig_error_at(err, code, l->file, 0, __VA_ARGS__)

/* ---- the header ---------------------------------------------------------------------------------------------------------- */

static ig_status check_field(const ig_llama2c *l, const char *name, int32_t value, int32_t max, ig_error *err) {
    if (value < 1 || value > max)
        FAIL(IG_E_FORMAT, "%s is %d, it must lie between 1 and %d: is this a llama2.c checkpoint of version 0?", name, value,
             max);
    return IG_OK;
}

static ig_status read_header(ig_llama2c *l, const int32_t *h, ig_error *err) {
    if (h[0] == 0x616b3432) /* "ak42" */
        FAIL(IG_E_UNSUPPORTED, "version %d of llama2.c's format; export with --version 0", h[1]);
    if (h[5] == INT32_MIN) FAIL(IG_E_FORMAT, "vocab_size is %d", h[5]);
    ig_llama2c_config *c = &l->config;
    *c = (ig_llama2c_config){h[0], h[1], h[2], h[3], h[4], h[5] < 0 ? -h[5] : h[5], h[6], h[5] > 0};
    IG_TRY(check_field(l, "dim", c->dim, FIELD_MAX, err));
    IG_TRY(check_field(l, "hidden_dim", c->hidden_dim, FIELD_MAX, err));
    IG_TRY(check_field(l, "n_layers", c->n_layers, IG_LLAMA2C_LAYERS_MAX, err));
    IG_TRY(check_field(l, "n_heads", c->n_heads, c->dim, err));
    IG_TRY(check_field(l, "n_kv_heads", c->n_kv_heads, c->n_heads, err));
    IG_TRY(check_field(l, "vocab_size", c->vocab_size, IG_VOCAB_MAX, err));
    IG_TRY(check_field(l, "seq_len", c->seq_len, FIELD_MAX, err));
    if (c->dim % c->n_heads || c->dim / c->n_heads % 2)
        FAIL(IG_E_FORMAT, "dim %d does not give %d heads of an even size", c->dim, c->n_heads);
    if (c->n_heads % c->n_kv_heads) FAIL(IG_E_FORMAT, "n_heads %d is no multiple of n_kv_heads %d", c->n_heads, c->n_kv_heads);
    return IG_OK;
}

/* Every factor is at most 2^24 and the sums have few terms: two factors and the layers stay far below 2^64. */
static uint64_t expected_bytes(const ig_llama2c_config *c) {
    uint64_t dim = (uint64_t)c->dim, hidden = (uint64_t)c->hidden_dim, vocab = (uint64_t)c->vocab_size;
    uint64_t head = dim / (uint64_t)c->n_heads, kv = head * (uint64_t)c->n_kv_heads;
    uint64_t layer = 2 * dim + 2 * dim * dim + 2 * kv * dim + 3 * dim * hidden;
    uint64_t floats = vocab * dim * (c->shared_classifier ? 1 : 2) + (uint64_t)c->n_layers * layer + dim +
                      (uint64_t)c->seq_len * head;
    return HEADER_BYTES + 4 * floats;
}

/* ---- where everything lies --------------------------------------------------------------------------------------- */

static ig_status add(ig_llama2c *l, entry *e, int64_t rows, int64_t columns, ig_error *err) {
    int ndim = columns ? 2 : 1;
    IG_TRY(ig_tensor_wrap(&e->view, (void *)(uintptr_t)l->at, IG_DTYPE_F32, ndim, (int64_t[]){rows, columns}, err));
    l->at += ig_tensor_bytes(&e->view);
    return IG_OK;
}

typedef struct part {
    const char *name;
    rotation rotation;
    int64_t rows, columns; /* columns 0: a vector */
} part;

/* The format keeps one kind of tensor of all layers side by side; here a layer's tensors stand together. */
static ig_status lay_out_part(ig_llama2c *l, const part *p, int which, ig_error *err) {
    for (int i = 0; i < l->config.n_layers; i++) {
        entry *e = &l->item[1 + i * LAYER_TENSORS + which];
        snprintf(e->name, sizeof e->name, "model.layers.%d.%s.weight", i, p->name);
        e->rotation = p->rotation;
        IG_TRY(add(l, e, p->rows, p->columns, err));
    }
    return IG_OK;
}

static ig_status lay_out(ig_llama2c *l, ig_error *err) {
    const ig_llama2c_config *c = &l->config;
    int64_t dim = c->dim, hidden = c->hidden_dim, head = dim / c->n_heads, kv = head * c->n_kv_heads;
    const part parts[LAYER_TENSORS] = { /* in the order of the file */
        {"input_layernorm", AS_IT_IS, dim, 0},
        {"self_attn.q_proj", ROTATE_Q, dim, dim},
        {"self_attn.k_proj", ROTATE_K, kv, dim},
        {"self_attn.v_proj", AS_IT_IS, kv, dim},
        {"self_attn.o_proj", AS_IT_IS, dim, dim},
        {"post_attention_layernorm", AS_IT_IS, dim, 0},
        {"mlp.gate_proj", AS_IT_IS, hidden, dim},
        {"mlp.down_proj", AS_IT_IS, dim, hidden},
        {"mlp.up_proj", AS_IT_IS, hidden, dim},
    };
    entry *norm = &l->item[1 + c->n_layers * LAYER_TENSORS];
    snprintf(l->item[0].name, NAME_BYTES, "model.embed_tokens.weight");
    snprintf(norm[0].name, NAME_BYTES, "model.norm.weight");
    IG_TRY(add(l, &l->item[0], c->vocab_size, dim, err));
    for (int i = 0; i < LAYER_TENSORS; i++) IG_TRY(lay_out_part(l, &parts[i], i, err));
    IG_TRY(add(l, &norm[0], dim, 0, err));
    if (c->shared_classifier) return IG_OK;
    l->at += 4 * (uint64_t)c->seq_len * (uint64_t)head; /* cosines and sines, which every reader computes itself */
    snprintf(norm[1].name, NAME_BYTES, "lm_head.weight");
    return add(l, &norm[1], c->vocab_size, dim, err);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static ig_status parse(ig_llama2c *l, const char *name, const uint8_t *bytes, size_t size, ig_error *err) {
    int32_t header[HEADER_BYTES / 4];
    l->file = ig_strdup(name);
    if (!l->file) return ig_error_nomem(err, strlen(name) + 1);
    if ((uintptr_t)bytes % 4) FAIL(IG_E_ARG, "the memory is not aligned to 4 bytes");
    if (size < HEADER_BYTES) FAIL(IG_E_FORMAT, "%zu bytes are too short for a llama2.c checkpoint", size);
    memcpy(header, bytes, HEADER_BYTES);
    IG_TRY(read_header(l, header, err));
    uint64_t expected = expected_bytes(&l->config);
    if (size != expected)
        FAIL(IG_E_FORMAT, "the file has %zu bytes, its header needs %llu: it is %s, or no llama2.c checkpoint of version 0",
             size, (unsigned long long)expected, size < expected ? "cut short" : "too long");
    l->count = 2 + (size_t)l->config.n_layers * LAYER_TENSORS + !l->config.shared_classifier;
    l->item = ig_calloc(l->count, sizeof *l->item);
    if (!l->item) return ig_error_nomem(err, l->count * sizeof *l->item);
    l->at = bytes + HEADER_BYTES;
    return lay_out(l, err);
}

ig_status ig_llama2c_open_memory(const char *name, const void *bytes, size_t size, ig_llama2c **out, ig_error *err) {
    *out = NULL;
    ig_llama2c *l = ig_calloc(1, sizeof *l);
    if (!l) return ig_error_nomem(err, sizeof *l);
    ig_status status = parse(l, name, bytes, size, err);
    if (status == IG_OK) *out = l;
    else ig_llama2c_close(l);
    return status;
}

ig_status ig_llama2c_open(const char *path, ig_llama2c **out, ig_error *err) {
    ig_map_file map;
    *out = NULL;
    IG_TRY(ig_file_map(path, &map, err));
    ig_status status = ig_llama2c_open_memory(path, map.data, map.size, out, err);
    if (status == IG_OK) (*out)->map = map;
    else ig_file_unmap(&map);
    return status;
}

void ig_llama2c_close(ig_llama2c *l) {
    if (!l) return;
    ig_free(l->item);
    ig_free(l->file);
    ig_file_unmap(&l->map);
    ig_free(l);
}

/* ---- asking and reading ------------------------------------------------------------------------------------------ */

const ig_llama2c_config *ig_llama2c_header(const ig_llama2c *l) { return &l->config; }

size_t ig_llama2c_count(const ig_llama2c *l) { return l->count; }

const char *ig_llama2c_name(const ig_llama2c *l, size_t i) { return i < l->count ? l->item[i].name : NULL; }

int64_t ig_llama2c_find(const ig_llama2c *l, const char *name) {
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->item[i].name, name) == 0) return (int64_t)i;
    return -1;
}

ig_status ig_llama2c_describe(const ig_llama2c *l, size_t i, ig_tensor *shape, ig_error *err) {
    if (i >= l->count) FAIL(IG_E_ARG, "tensor %zu of %zu", i, l->count);
    *shape = l->item[i].view;
    shape->data = NULL;
    return IG_OK;
}

/* Rows of a head in the file: x0 y0 x1 y1 …, pairs that are rotated together; wanted: x0 x1 … y0 y1 … */
static ig_status read_rotated(ig_context *ctx, const ig_tensor *src, int64_t heads, const ig_tensor *dst, ig_error *err) {
    ig_tensor pairs, halves, to;
    int64_t half = src->shape[0] / heads / 2, columns = src->shape[1];
    IG_TRY(ig_tensor_reshape(&pairs, src, 4, (int64_t[]){heads, half, 2, columns}, err));
    IG_TRY(ig_tensor_transpose(&halves, &pairs, 1, 2, err));
    IG_TRY(ig_tensor_reshape(&to, dst, 4, (int64_t[]){heads, 2, half, columns}, err));
    return ig_tensor_copy(ctx, &to, &halves, err);
}

ig_status ig_llama2c_read(ig_context *ctx, const ig_llama2c *l, size_t i, const ig_tensor *dst, ig_error *err) {
    char have[96], want[96];
    if (i >= l->count) FAIL(IG_E_ARG, "tensor %zu of %zu", i, l->count);
    const entry *e = &l->item[i];
    if (!ig_tensor_same_shape(&e->view, dst))
        FAIL(IG_E_SHAPE, "tensor %s is %s in the file, %s was expected", e->name,
             ig_tensor_shape_text(&e->view, have, sizeof have), ig_tensor_shape_text(dst, want, sizeof want));
    if (e->rotation == AS_IT_IS) return ig_tensor_copy(ctx, dst, &e->view, err);
    return read_rotated(ctx, &e->view, e->rotation == ROTATE_Q ? l->config.n_heads : l->config.n_kv_heads, dst, err);
}
