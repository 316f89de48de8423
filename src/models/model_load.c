/* models/model_load.c: a folder as Hugging Face's libraries write it, into a model.
 *
 * Every tensor of the files must fill a parameter and every parameter must be filled: a model that runs with one matrix
 * missing gives answers that look like answers.  All that does not fit is told at once, by name.
 */
#include <string.h>

#include "ingot/formats.h"
#include "models/adapter.h"
#include "models/model.h"
#include "models/model_folder.h"

#define NAME_BYTES_MAX 512
#define LISTED_MAX 6 /* names of each kind in the message */

/* ---- telling what does not fit ---- */

typedef struct complaints {
    const char *kind;
    ig_buf names;
    size_t count;
} complaints;

static void complain(complaints *c, const char *fmt, ...) IG_PRINTF(2, 3);
static void complain(complaints *c, const char *fmt, ...) {
    char text[160];
    va_list args;
    if (c->count++ >= LISTED_MAX) return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ig_buf_printf(&c->names, "%s%s", c->count > 1 ? ", " : "", text);
}

static void tell(const complaints *c, ig_buf *out) {
    if (!c->count) return;
    ig_buf_printf(out, "%s%zu %s: %s", out->len ? "; " : "", c->count, c->kind, c->names.data ? c->names.data : "?");
    if (c->count > LISTED_MAX) ig_buf_puts(out, " …");
}

/* ---- tensors ---- */

typedef struct loading {
    ig_model *m;
    const char *dir;
    bool *filled; /* [params.count] */
    complaints missing, unknown, misshapen;
} loading;

static int64_t index_of(const ig_model *m, const char *name) {
    for (size_t i = 0; i < m->params.count; i++)
        if (strcmp(m->params.item[i]->name, name) == 0) return (int64_t)i;
    return -1;
}

/* A tied head that is stored a second time must be the same, or one of the two would be ignored. */
static ig_status compare_again(loading *l, const ig_safetensors *f, size_t i, const ig_tensor *p, ig_error *err) {
    ig_tensor again;
    IG_TRY(ig_tensor_new(l->m->ctx, p->dtype, p->ndim, p->shape, &again, err));
    ig_status status = ig_safetensors_read(l->m->ctx, f, i, &again, err);
    bool same = status == IG_OK && memcmp(again.data, p->data, ig_tensor_bytes(p)) == 0;
    if (status == IG_OK && !same)
        complain(&l->unknown, "%s, which differs from the tensor it is tied to", ig_safetensors_name(f, i));
    ig_tensor_unref(&again);
    return status;
}

static ig_status fill(loading *l, const ig_safetensors *f, size_t i, int64_t param, ig_error *err) {
    char found[96], wanted[96];
    const char *name = ig_safetensors_name(f, i);
    const ig_tensor *p = &l->m->params.item[param]->value;
    bool again = l->filled[param];
    ig_tensor t;
    IG_TRY(ig_safetensors_describe(f, i, &t, err));
    l->filled[param] = true;
    if (!ig_tensor_same_shape(&t, p)) {
        complain(&l->misshapen, "%s is %s, must be %s", name, ig_tensor_shape_text(&t, found, sizeof found),
                 ig_tensor_shape_text(p, wanted, sizeof wanted));
    } else if (!ig_dtype_is_float(t.dtype)) {
        complain(&l->misshapen, "%s is %s, must be a float type", name, ig_dtype_name(t.dtype));
    } else {
        l->m->params.item[param]->stored = t.dtype;
        return again ? compare_again(l, f, i, p, err) : ig_safetensors_read(l->m->ctx, f, i, p, err);
    }
    return IG_OK;
}

static ig_status take(loading *l, const ig_safetensors *f, size_t i, ig_error *err) {
    char own[NAME_BYTES_MAX];
    const char *name = ig_safetensors_name(f, i);
    snprintf(own, sizeof own, "%s", name);
    if (l->m->family->tensor_name) l->m->family->tensor_name(l->m, name, own, sizeof own);
    if (!own[0]) return IG_OK;
    int64_t param = strlen(name) + 32 < sizeof own ? index_of(l->m, own) : -1;
    if (param >= 0) return fill(l, f, i, param, err);
    complain(&l->unknown, "%s", name);
    return IG_OK;
}

static ig_status take_file(loading *l, const char *path, ig_error *err) {
    ig_safetensors *f = NULL;
    ig_status status = IG_OK;
    IG_TRY(ig_safetensors_open(path, &f, err));
    for (size_t i = 0; i < ig_safetensors_count(f) && status == IG_OK; i++) status = take(l, f, i, err);
    ig_safetensors_close(f);
    return status;
}

/* ---- files ---- */

/* A file of the index is named once per tensor: only the first time counts. */
static bool named_before(const ig_tree *map, const ig_tree *t) {
    for (const ig_tree *o = map->child; o != t; o = o->next)
        if (strcmp(o->text, t->text) == 0) return true;
    return false;
}

/* model.safetensors.index.json: {"weight_map": {"name": "model-00001-of-00002.safetensors", …}}.  A name with a '/' could
 * lead out of the folder. */
static ig_status take_shards(loading *l, const char *index, ig_error *err) {
    static const ig_schema_field of_map[] = {{.key = "*", .type = IG_TREE_TEXT}, {0}};
    static const ig_schema_field of_index[] = {
        {.key = "weight_map", .type = IG_TREE_MAP, .required = true, .fields = of_map}, {.key = "*"}, {0}};
    ig_doc *d = NULL;
    char path[IG_PATH_MAX];
    IG_TRY(ig_doc_load(index, IG_SAFETENSORS_HEADER_MAX, &d, err));
    ig_status status = ig_schema_check(index, ig_doc_root(d), of_index, err);
    const ig_tree *map = ig_tree_get(ig_doc_root(d), "weight_map");
    for (const ig_tree *t = status == IG_OK ? map->child : NULL; t && status == IG_OK; t = t->next) {
        if (named_before(map, t)) continue;
        if (strchr(t->text, '/')) status = ig_error_at(err, IG_E_FORMAT, index, t->line, "\"%.80s\" is no file name", t->text);
        if (status == IG_OK) status = ig_path_join(path, sizeof path, l->dir, t->text, err);
        if (status == IG_OK) status = take_file(l, path, err);
    }
    ig_doc_free(d);
    return status;
}

static ig_status take_all(loading *l, ig_error *err) {
    char path[IG_PATH_MAX], index[IG_PATH_MAX];
    IG_TRY(model_file(l->dir, "model.safetensors", path, err));
    IG_TRY(ig_path_join(index, sizeof index, l->dir, "model.safetensors.index.json", err));
    return !ig_path_exists(path) && ig_path_exists(index) ? take_shards(l, index, err) : take_file(l, path, err);
}

static bool is_optional(const loading *l, size_t i) {
    const ig_family *f = l->m->family;
    return f->optional && f->optional(l->m, l->m->params.item[i]->name);
}

/* All optional parameters are in the files, or none. */
static void drop_optional(loading *l) {
    for (size_t i = 0; i < l->m->params.count; i++)
        if (l->filled[i] && is_optional(l, i)) return;
    for (size_t i = l->m->params.count; i-- > 0;) {
        if (!is_optional(l, i)) continue;
        ig_params_drop(&l->m->params, i);
        memmove(l->filled + i, l->filled + i + 1, (l->m->params.count - i) * sizeof *l->filled);
    }
}

static ig_status conclude(loading *l, ig_error *err) {
    ig_buf text = {.max = 700};
    drop_optional(l);
    for (size_t i = 0; i < l->m->params.count; i++)
        if (!l->filled[i]) complain(&l->missing, "%s", l->m->params.item[i]->name);
    tell(&l->missing, &text);
    tell(&l->unknown, &text);
    tell(&l->misshapen, &text);
    ig_status status = IG_OK;
    if (l->missing.count + l->unknown.count + l->misshapen.count)
        status = ig_error_at(err, IG_E_FORMAT, l->dir, 0, "the weights do not fit config.json: %s", text.data ? text.data : "");
    ig_buf_fini(&text);
    return status;
}

static ig_status load_weights(ig_model *m, const char *dir, ig_error *err) {
    loading l = {.m = m, .dir = dir};
    l.missing = (complaints){.kind = "missing", .names.max = 1024};
    l.unknown = (complaints){.kind = "unknown", .names.max = 1024};
    l.misshapen = (complaints){.kind = "misshapen", .names.max = 1024};
    l.filled = ig_calloc(m->params.count + 1, sizeof *l.filled);
    if (!l.filled) return ig_error_nomem(err, m->params.count);
    ig_status status = take_all(&l, err);
    if (status == IG_OK) status = conclude(&l, err);
    ig_buf_fini(&l.missing.names);
    ig_buf_fini(&l.unknown.names);
    ig_buf_fini(&l.misshapen.names);
    ig_free(l.filled);
    return status;
}

/* tokenizer.json, or the pair of files that GPT-2 came with; none is fine. */
static ig_status read_tokenizer(ig_model *m, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX], vocab[IG_PATH_MAX], merges[IG_PATH_MAX];
    IG_TRY(model_file(dir, "tokenizer.json", path, err));
    IG_TRY(ig_path_join(vocab, sizeof vocab, dir, "vocab.json", err));
    IG_TRY(ig_path_join(merges, sizeof merges, dir, "merges.txt", err));
    if (ig_path_exists(path)) return ig_tokenizer_load(path, &m->tokenizer, err);
    if (ig_path_exists(vocab) && ig_path_exists(merges)) return ig_tokenizer_load_gpt2(vocab, merges, &m->tokenizer, err);
    return IG_OK;
}

static ig_status check_tokenizer(const ig_model *m, const char *dir, ig_error *err) {
    int64_t V = m->family->vocab_size ? m->family->vocab_size(m) : 0;
    if (!m->tokenizer || V == 0 || ig_tokenizer_count(m->tokenizer) <= (size_t)V) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, dir, 0, "the tokenizer has %zu tokens, the model %lld", ig_tokenizer_count(m->tokenizer),
                       (long long)V);
}

static ig_status read_config(ig_context *ctx, const char *dir, ig_model **out, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf text = {.max = IG_RECIPE_BYTES_MAX};
    IG_TRY(model_file(dir, "config.json", path, err));
    ig_status status = ig_file_read(path, IG_RECIPE_BYTES_MAX, &text, err);
    if (status == IG_OK) status = ig_model_new(ctx, path, text.data ? text.data : "", text.len, out, err);
    ig_buf_fini(&text);
    return status;
}

static ig_status fill_model(ig_model *m, const char *dir, ig_error *err) {
    m->path = ig_strdup(dir);
    if (!m->path) return ig_error_nomem(err, strlen(dir) + 1);
    IG_TRY(load_weights(m, dir, err));
    IG_TRY(read_tokenizer(m, dir, err));
    return check_tokenizer(m, dir, err);
}

static ig_status load_dense(ig_context *ctx, const char *dir, ig_model **out, ig_error *err) {
    ig_model *m = NULL;
    IG_TRY(read_config(ctx, dir, &m, err));
    ig_status status = fill_model(m, dir, err);
    if (status == IG_OK) *out = m;
    else ig_model_free(m);
    return status;
}

/* The tokenizer that an adapter was trained with stands in its folder. */
static ig_status put_adapter(ig_model *m, const char *dir, ig_error *err) {
    ig_tokenizer *base = m->tokenizer;
    IG_TRY(ig_model_load_adapter(m, dir, err));
    m->tokenizer = NULL;
    ig_status status = read_tokenizer(m, dir, err);
    if (m->tokenizer) ig_tokenizer_free(base);
    else m->tokenizer = base;
    char *path = status == IG_OK ? ig_strdup(dir) : NULL;
    if (status == IG_OK && !path) status = ig_error_nomem(err, strlen(dir) + 1);
    if (path) {
        ig_free(m->path);
        m->path = path;
    }
    return status;
}

ig_status ig_model_load(ig_context *ctx, const char *dir, ig_model **out, ig_error *err) {
    ig_model *m = NULL;
    char base[IG_PATH_MAX];
    bool adapter;
    *out = NULL;
    IG_TRY(adapter_base(dir, base, &adapter, err));
    if (!adapter) return load_dense(ctx, dir, out, err);
    IG_TRY(load_dense(ctx, base, &m, err));
    ig_status status = put_adapter(m, dir, err);
    if (status == IG_OK) *out = m;
    else ig_model_free(m);
    return status;
}
