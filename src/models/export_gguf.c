/* models/export_gguf.c: a model as one GGUF file under llama.cpp's names.
 *
 * Matrices are [out,in] there, whatever they are here, and for the architecture llama the rows of q and k are put into the
 * order that its rotation wants (gguf_names.h).
 */
#include <string.h>

#include "models/export_gguf.h"
#include "models/model_write.h"
#include "models/weights.h"

typedef struct exporting {
    const ig_model *m;
    const gguf_names *names;
    ig_block_type type;
    ig_gguf_tensor *tensor; /* [n] */
    void **own;             /* [n] */
    char (*name)[MODEL_NAME_MAX];
    size_t n;
} exporting;

/* A copy of rows [N,…] in GGUF's order; takes *rows. */
static ig_status permute(const exporting *x, const char *name, ig_tensor *rows, ig_error *err) {
    const ig_tree *t = ig_doc_root(x->m->config);
    char which = gguf_permuted(x->names, name);
    ig_tensor moved, a, b;
    if (!which) return IG_OK;
    const ig_tree *kv = ig_tree_get(t, "num_key_value_heads");
    int64_t heads = ig_tree_int(t, "num_attention_heads", 1);
    if (which == 'k' && kv && kv->type == IG_TREE_INT) heads = kv->integer;
    IG_TRY(ig_tensor_new(x->m->ctx, IG_DTYPE_F32, rows->ndim, rows->shape, &moved, err));
    ig_status s = IG_OK;
    for (int64_t i = 0; i < rows->shape[0] && s == IG_OK; i++) {
        int64_t to = gguf_row(i, rows->shape[0] / heads);
        s = ig_tensor_slice(&a, &moved, 0, to, to + 1, err);
        if (s == IG_OK) s = ig_tensor_slice(&b, rows, 0, i, i + 1, err);
        if (s == IG_OK) s = ig_tensor_copy(x->m->ctx, &a, &b, err);
    }
    ig_tensor_unref(rows);
    *rows = moved;
    return s;
}

static ig_status fill(exporting *x, const ig_param *p, ig_tensor *rows, ig_error *err) {
    ig_gguf_tensor *t = &x->tensor[x->n];
    ig_block_type type = model_block_type(p, x->type);
    size_t row;
    IG_TRY(permute(x, x->name[x->n], rows, err));
    int64_t K = rows->ndim ? rows->shape[rows->ndim - 1] : 1, N = ig_tensor_numel(rows) / K;
    IG_TRY(ig_blocks_from_rows(x->m->ctx, type, rows->data, (size_t)N, (size_t)K, &x->own[x->n], err));
    *t = (ig_gguf_tensor){.name = x->name[x->n], .type = model_ggml_number(type), .ndim = rows->ndim, .data = x->own[x->n]};
    for (int d = 0; d < rows->ndim && d < IG_GGUF_DIMS_MAX; d++) t->shape[d] = rows->shape[d];
    IG_TRY(ig_block_row_bytes(type, (size_t)K, &row, err));
    t->bytes = (uint64_t)row * (uint64_t)N;
    return IG_OK;
}

static ig_status add_param(exporting *x, const ig_param *p, ig_error *err) {
    ig_tensor rows;
    bool named = gguf_name_from_hf(x->names, p->name, x->name[x->n], sizeof x->name[x->n]);
    if (!named && x->m->family->optional && x->m->family->optional(x->m, p->name)) return IG_OK; /* a pooler that nothing reads */
    if (!named) return ig_error_set(err, IG_E_UNSUPPORTED, "GGUF has no name for %s: a model with this head cannot be exported", p->name);
    IG_TRY(model_rows(x->m->ctx, p, &rows, err));
    ig_status s = fill(x, p, &rows, err);
    ig_tensor_unref(&rows);
    x->n++;
    return s;
}

static ig_status add_factors(exporting *x, ig_error *err) {
    float *factors = NULL;
    int64_t count = 0;
    IG_TRY(gguf_rope_factors(x->m, &factors, &count, err));
    if (!factors) return IG_OK;
    x->own[x->n] = factors;
    x->tensor[x->n++] = (ig_gguf_tensor){.name = "rope_freqs.weight", .ndim = 1, .shape = {count}, .data = factors, .bytes = 4 * (uint64_t)count};
    return IG_OK;
}

static ig_status write_file(exporting *x, const char *path, ig_error *err) {
    gguf_pairs *pairs = ig_calloc(1, sizeof *pairs);
    if (!pairs) return ig_error_nomem(err, sizeof *pairs);
    ig_status s = gguf_pairs_make(x->m, x->names, x->type, pairs, err);
    for (size_t i = 0; i < x->m->params.count && s == IG_OK; i++) s = add_param(x, x->m->params.item[i], err);
    if (s == IG_OK) s = add_factors(x, err);
    if (s == IG_OK) s = ig_gguf_save(path, pairs->pair, pairs->count, x->tensor, x->n, err);
    gguf_pairs_fini(pairs);
    ig_free(pairs);
    return s;
}

ig_status ig_model_export_gguf(const ig_model *m, const char *path, ig_block_type type, ig_error *err) {
    exporting x = {.m = m, .type = type};
    const char *model_type = ig_tree_text(ig_doc_root(m->config), "model_type", "");
    size_t room = m->params.count + 2;
    x.names = gguf_names_of_model(model_type);
    if (!x.names) return ig_error_set(err, IG_E_UNSUPPORTED, "GGUF has no form for \"%.60s\"; gpt2, llama, mistral, qwen2, qwen3 and bert have", model_type);
    x.tensor = ig_calloc(room, sizeof *x.tensor);
    x.own = ig_calloc(room, sizeof *x.own);
    x.name = ig_calloc(room, sizeof *x.name);
    ig_status s = x.tensor && x.own && x.name ? write_file(&x, path, err) : ig_error_nomem(err, room * sizeof *x.name);
    for (size_t i = 0; x.own && i < room; i++) ig_free(x.own[i]);
    ig_free(x.tensor);
    ig_free(x.own);
    ig_free(x.name);
    return s;
}
