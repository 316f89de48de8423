/* models/import/import_gguf.c: a GGUF file as llama.cpp writes them: names, order of rows, and the blocks as they are.
 *
 * For the architecture llama the rows of q and k stand in another order (gguf_names.h): a row is whole in its blocks, so
 * they are put back without touching a number.
 */
#include <math.h>
#include <string.h>

#include "models/gguf_names.h"
#include "models/import/import.h"

typedef struct source {
    const gguf_names *names;
    bool tied;
    int64_t heads, kv_heads;
} source;

static bool detect(const char *path) {
    char head[4];
    return !ig_path_is_dir(path) && import_peek(path, head, sizeof head) && memcmp(head, "GGUF", 4) == 0;
}

/* ---- as model_weights ---- */

static void name(const model_weights *w, size_t i, char *buf, size_t size) {
    const source *s = w->more;
    const char *gguf = ig_gguf_describe(w->file, i)->name;
    buf[0] = '\0';
    if (strcmp(gguf, "rope_freqs.weight") == 0) return; /* import_gguf_config.c has read it */
    if (s->tied && strcmp(gguf, "output.weight") == 0) return;
    gguf_name_to_hf(s->names, gguf, buf, size);
}

static ig_status describe(const model_weights *w, size_t i, ig_tensor *shape, ig_block_type *type, ig_error *err) {
    return model_gguf_describe(w->file, i, shape, type, err);
}

/* Rows of a head in q or k; 0: the rows stand as we have them. */
static int64_t rows_of_head(const model_weights *w, const ig_gguf_tensor *t) {
    const source *s = w->more;
    char which = gguf_permuted(s->names, t->name);
    int64_t heads = which == 'q' ? s->heads : s->kv_heads;
    return which && t->shape[0] % heads == 0 && t->shape[0] / heads % 2 == 0 ? t->shape[0] / heads : 0;
}

static ig_status copy_rows(ig_context *ctx, const ig_tensor *dst, const ig_tensor *from, int64_t D, ig_error *err) {
    ig_tensor a, b;
    for (int64_t i = 0; i < dst->shape[0]; i++) {
        int64_t at = gguf_row(i, D);
        IG_TRY(ig_tensor_slice(&a, dst, 0, i, i + 1, err));
        IG_TRY(ig_tensor_slice(&b, from, 0, at, at + 1, err));
        IG_TRY(ig_tensor_copy(ctx, &a, &b, err));
    }
    return IG_OK;
}

static ig_status read(ig_context *ctx, const model_weights *w, size_t i, const ig_tensor *dst, ig_error *err) {
    ig_tensor straight;
    int64_t D = rows_of_head(w, ig_gguf_describe(w->file, i));
    if (!D) return model_gguf_read(ctx, w->file, i, dst, err);
    IG_TRY(ig_tensor_new(ctx, IG_DTYPE_F32, dst->ndim, dst->shape, &straight, err));
    ig_status s = model_gguf_read(ctx, w->file, i, &straight, err);
    if (s == IG_OK) s = copy_rows(ctx, dst, &straight, D, err);
    ig_tensor_unref(&straight);
    return s;
}

static ig_status blocks(const model_weights *w, size_t i, const void **out, void **own, ig_error *err) {
    const ig_gguf_tensor *t = ig_gguf_describe(w->file, i);
    int64_t D = rows_of_head(w, t), N = t->shape[0];
    size_t row = (size_t)(t->bytes / (uint64_t)N);
    *out = t->data;
    *own = NULL;
    if (!D) return IG_OK;
    char *copy = ig_malloc(t->bytes);
    if (!copy) return ig_error_nomem(err, t->bytes);
    for (int64_t r = 0; r < N; r++) memcpy(copy + (size_t)r * row, (const char *)t->data + (size_t)gguf_row(r, D) * row, row);
    *out = *own = copy;
    return IG_OK;
}

/* ---- reading ---- */

/* A head that is stored is tied when it is the token table again, byte for byte. */
static bool is_tied(const ig_gguf *g) {
    int64_t head = ig_gguf_find(g, "output.weight"), table = ig_gguf_find(g, "token_embd.weight");
    if (head < 0 || table < 0) return true;
    const ig_gguf_tensor *a = ig_gguf_describe(g, (size_t)head), *b = ig_gguf_describe(g, (size_t)table);
    return a->type == b->type && a->bytes == b->bytes && memcmp(a->data, b->data, a->bytes) == 0;
}

static ig_status architecture(const ig_gguf *g, const char *path, const gguf_names **out, ig_error *err) {
    ig_gguf_text t;
    char text[64];
    IG_TRY(ig_gguf_get_text(g, "general.architecture", &t, err));
    snprintf(text, sizeof text, "%.*s", (int)(t.len < 60 ? t.len : 60), t.at);
    *out = gguf_names_of_arch(text);
    if (*out) return IG_OK;
    return ig_error_at(err, IG_E_UNSUPPORTED, path, 0, "the architecture \"%s\" is not supported; llama, mistral, qwen2, qwen3, gpt2 and bert are", text);
}

static ig_status read_heads(const ig_gguf *g, source *s, ig_error *err) {
    char key[96];
    snprintf(key, sizeof key, "%s.attention.head_count", s->names->arch);
    IG_TRY(ig_gguf_get_int(g, key, 1, 65536, &s->heads, err));
    s->kv_heads = s->heads;
    snprintf(key, sizeof key, "%s.attention.head_count_kv", s->names->arch);
    ig_gguf_value v;
    return ig_gguf_get(g, key, &v) ? ig_gguf_get_int(g, key, 1, s->heads, &s->kv_heads, err) : IG_OK;
}

static ig_status read_with(import_job *job, ig_gguf *g, ig_buf *config, ig_error *err) {
    source s = {.tied = is_tied(g)};
    ig_gguf_text text;
    IG_TRY(architecture(g, job->source, &s.names, err));
    IG_TRY(read_heads(g, &s, err));
    IG_TRY(import_gguf_config(g, job->source, s.names, s.tied, config, err));
    model_weights w = {.file = g, .more = &s, .count = ig_gguf_count(g), .turned = true, .name = name, .describe = describe, .read = read,
                       .blocks = blocks};
    IG_TRY(import_fill(job, job->source, config->data, config->len, &w, err));
    if (ig_gguf_get_text(g, "tokenizer.chat_template", &text, NULL) == IG_OK) ig_buf_append(&job->chat_template, text.at, text.len);
    IG_TRY(ig_buf_status(&job->chat_template, err));
    return job->opts->tokenizer ? IG_OK : import_gguf_vocab(g, job->source, &job->m->tokenizer, err);
}

static ig_status read_gguf(import_job *job, ig_error *err) {
    ig_gguf *g = NULL;
    ig_buf config = {.max = IG_RECIPE_BYTES_MAX};
    IG_TRY(ig_gguf_open(job->source, &g, err));
    ig_status s = read_with(job, g, &config, err);
    ig_buf_fini(&config);
    ig_gguf_close(g);
    return s;
}

const import_format import_gguf = {.name = "gguf", .detect = detect, .read = read_gguf};
