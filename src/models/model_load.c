/* models/model_load.c: a folder as Hugging Face's libraries write it, into a model.
 *
 *     config.json       the family and its sizes
 *     model.safetensors, or model.safetensors.index.json and its shards, or model.gguf (quantised: model_quantised.c)
 *     tokenizer.json, or vocab.json and merges.txt
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingot/formats.h"
#include "models/adapter.h"
#include "models/model.h"
#include "models/model_folder.h"
#include "models/weights.h"

/* ---- files ---- */

static ig_status take_file(model_filling *l, const char *path, ig_error *err) {
    ig_safetensors *f = NULL;
    IG_TRY(ig_safetensors_open(path, &f, err));
    model_weights w = model_weights_safetensors(f);
    ig_status status = model_filling_take(l, &w, err);
    ig_safetensors_close(f);
    return status;
}

/* The whole pages between these addresses of a mapped file need not stay in memory: they can be read again. */
static void let_go(const void *from, size_t bytes) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = ((uintptr_t)from + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)from + bytes) / page * page;
    if (end > begin) madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* Matrices of model.gguf stay packed: for running, not for training. */
static ig_status pack_blocks(void *arg, ig_param *p, ig_block_type type, const void *blocks, void **own, ig_error *err) {
    size_t bytes = 0;
    (void)own;
    IG_TRY(ig_param_pack(arg, p, type, blocks, err));
    if (ig_block_row_bytes(type, (size_t)ig_tensor_numel(&p->value), &bytes, NULL) == IG_OK) let_go(blocks, bytes);
    return IG_OK;
}

static ig_status take_gguf(model_filling *l, const char *path, ig_error *err) {
    ig_gguf *f = NULL;
    IG_TRY(ig_gguf_open(path, &f, err));
    model_weights w = model_weights_gguf(f);
    l->on_blocks = pack_blocks;
    l->arg = l->m->ctx;
    ig_status status = model_filling_take(l, &w, err);
    ig_gguf_close(f);
    return status;
}

/* A file of the index is named once per tensor: only the first time counts. */
static bool named_before(const ig_tree *map, const ig_tree *t) {
    for (const ig_tree *o = map->child; o != t; o = o->next)
        if (strcmp(o->text, t->text) == 0) return true;
    return false;
}

/* model.safetensors.index.json: {"weight_map": {"name": "model-00001-of-00002.safetensors", …}}.  A name with a '/' could
 * lead out of the folder. */
static ig_status take_shards(model_filling *l, const char *dir, const char *index, ig_error *err) {
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
        if (status == IG_OK) status = ig_path_join(path, sizeof path, dir, t->text, err);
        if (status == IG_OK) status = take_file(l, path, err);
    }
    ig_doc_free(d);
    return status;
}

static ig_status take_all(model_filling *l, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX], index[IG_PATH_MAX], gguf[IG_PATH_MAX];
    IG_TRY(model_file(dir, "model.safetensors", path, err));
    IG_TRY(ig_path_join(index, sizeof index, dir, "model.safetensors.index.json", err));
    IG_TRY(ig_path_join(gguf, sizeof gguf, dir, "model.gguf", err));
    if (!ig_path_exists(path) && ig_path_exists(index)) return take_shards(l, dir, index, err);
    if (!ig_path_exists(path) && ig_path_exists(gguf)) return take_gguf(l, gguf, err);
    return take_file(l, path, err);
}

static ig_status load_weights(ig_model *m, const char *dir, ig_error *err) {
    model_filling l;
    IG_TRY(model_filling_begin(&l, m, dir, err));
    ig_status s = take_all(&l, dir, err);
    return model_filling_end(&l, s, err);
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
    if (m->family->read_more) IG_TRY(m->family->read_more(m, dir, err));
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
