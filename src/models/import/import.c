/* models/import/import.c: a model out of a file or folder of another program, as a folder of ours.
 *
 *     PARENT/.ingot-import-NAME/   everything is written here         stage
 *     PARENT/NAME                  one rename, or one exchange with the model that is to be replaced
 *
 * A process that is killed leaves the old model or the new one, and perhaps a stage, which the next import clears up.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "models/import/import.h"
#include "models/model_folder.h"

static const import_format *const formats[] = {&import_folder, &import_gguf, &import_torch, &import_llama2c};

/* ---- for the formats ---- */

bool import_peek(const char *path, void *bytes, size_t n) {
    FILE *f = fopen(path, "rbe");
    if (!f) return false;
    bool whole = fread(bytes, 1, n, f) == n;
    fclose(f);
    return whole;
}

bool import_ends_with(const char *path, const char *end) {
    size_t n = strlen(path), k = strlen(end);
    return n >= k && strcmp(path + n - k, end) == 0;
}

/* Keep the blocks of one matrix, in memory of their own: the file is closed before they are written. */
static ig_status keep_blocks(void *arg, ig_param *p, ig_block_type type, const void *blocks, void **own, ig_error *err) {
    import_job *job = arg;
    size_t i = 0, row, bytes;
    bool turned = p->role == IG_PARAM_IN_OUT;
    while (job->m->params.item[i] != p) i++;
    IG_TRY(ig_block_row_bytes(type, (size_t)p->value.shape[!turned], &row, err));
    if (!ig_mul_size(row, (size_t)p->value.shape[turned], &bytes)) return ig_error_set(err, IG_E_LIMIT, "%s is too large", p->name);
    void *copy = *own;
    if (!copy && !(copy = ig_malloc(bytes))) return ig_error_nomem(err, bytes);
    if (!*own) memcpy(copy, blocks, bytes);
    *own = NULL;
    job->blocks[i] = (model_blocks){.type = type, .data = copy, .own = copy};
    return IG_OK;
}

/* Only files with quantised tensors keep blocks; plain f16 and bf16 become a model.safetensors. */
static bool is_quantised(const model_weights *w) {
    ig_tensor t;
    ig_block_type type;
    for (size_t i = 0; w->blocks && i < w->count; i++)
        if (w->describe(w, i, &t, &type, NULL) == IG_OK && ig_block_size(type) > 1) return true;
    return false;
}

ig_status import_fill(import_job *job, const char *config_name, const char *config, size_t len, const model_weights *w, ig_error *err) {
    model_filling l;
    IG_TRY(ig_model_new(job->ctx, config_name, config, len, &job->m, err));
    if (!job->opts->convert && is_quantised(w)) {
        job->blocks = ig_calloc(job->m->params.count + 1, sizeof *job->blocks);
        if (!job->blocks) return ig_error_nomem(err, job->m->params.count * sizeof *job->blocks);
    }
    IG_TRY(model_filling_begin(&l, job->m, job->source, err));
    l.on_blocks = job->blocks ? keep_blocks : NULL;
    l.arg = job;
    ig_status s = model_filling_take(&l, w, err);
    return model_filling_end(&l, s, err);
}

/* ---- the stage ---- */

static ig_status stage_of(const char *dir, char path[IG_PATH_MAX], ig_error *err) {
    const char *name = ig_path_base(dir);
    int n = snprintf(path, IG_PATH_MAX, "%.*s.ingot-import-%s", (int)(name - dir), dir, name);
    return *name && n < IG_PATH_MAX ? IG_OK : ig_error_set(err, IG_E_ARG, "\"%.200s\" names no folder", dir);
}

/* What a folder of a model may hold besides what is written here; weights only when they are copied as they are. */
static const char *const extra[] = {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json",
                                    "chat_template.jinja", "sentence_bert_config.json", "modules.json", "README.md", "LICENSE"};

static ig_status copy_file(const char *from_dir, const char *to_dir, const char *name, ig_error *err) {
    char from[IG_PATH_MAX], to[IG_PATH_MAX];
    ig_map_file map;
    IG_TRY(ig_path_join(from, sizeof from, from_dir, name, err));
    IG_TRY(ig_path_join(to, sizeof to, to_dir, name, err));
    if (!ig_path_exists(from) || ig_path_is_dir(from)) return IG_OK;
    IG_TRY(ig_file_map(from, &map, err));
    ig_status s = ig_file_write(to, map.data ? (const void *)map.data : "", map.size, err);
    ig_file_unmap(&map);
    return s;
}

static bool is_weights(const char *name) {
    return import_ends_with(name, ".safetensors") || import_ends_with(name, ".safetensors.index.json") || strcmp(name, "model.gguf") == 0;
}

static ig_status copy_weights(const char *from, const char *stage, ig_error *err) {
    char **names = NULL;
    size_t count = 0;
    IG_TRY(ig_dir_list(from, &names, &count, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < count && s == IG_OK; i++)
        if (is_weights(names[i])) s = copy_file(from, stage, names[i], err);
    ig_names_free(names, count);
    return s == IG_OK ? copy_file(from, stage, "config.json", err) : s;
}

static ig_status write_template(const import_job *job, const char *stage, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf text = {.max = 4 * IG_TEMPLATE_BYTES_MAX};
    ig_json j = {.out = &text, .indent = 2};
    if (!job->chat_template.len) return IG_OK;
    ig_json_open(&j, '{');
    ig_json_key(&j, "chat_template");
    ig_json_text_n(&j, job->chat_template.data, job->chat_template.len);
    ig_json_close(&j, '}');
    ig_buf_putc(&text, '\n');
    ig_status s = ig_buf_status(&text, err);
    if (s == IG_OK) s = ig_path_join(path, sizeof path, stage, "tokenizer_config.json", err);
    if (s == IG_OK) s = ig_file_write(path, text.data, text.len, err);
    ig_buf_fini(&text);
    return s;
}

static const char *torch_name(ig_dtype d) {
    return d == IG_DTYPE_F16 ? "float16" : d == IG_DTYPE_BF16 ? "bfloat16" : d == IG_DTYPE_F64 ? "float64" : "float32";
}

/* The type that most numbers have: matrices, where there are any. */
static ig_dtype main_type(const import_job *job) {
    const ig_params *ps = &job->m->params;
    if (job->opts->convert) return job->opts->dtype;
    for (size_t i = 0; i < ps->count; i++)
        if (ps->item[i]->value.ndim > 1) return ps->item[i]->stored;
    return IG_DTYPE_F32;
}

static ig_status write_numbers(const import_job *job, const char *stage, ig_error *err) {
    if (job->weights_as_they_are) return copy_weights(job->source, stage, err);
    if (job->blocks) IG_TRY(model_write_gguf(job->m, job->blocks, stage, err));
    else IG_TRY(model_write_dense(job->m, stage, job->opts->convert ? job->opts->dtype : MODEL_AS_STORED, err));
    return model_write_config(job->m, stage, torch_name(main_type(job)), err);
}

static ig_status write_stage(const import_job *job, const char *stage, ig_error *err) {
    IG_TRY(ig_dir_remove(stage, err));
    IG_TRY(ig_dir_make(stage, err));
    if (ig_path_is_dir(job->source))
        for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) IG_TRY(copy_file(job->source, stage, extra[i], err));
    IG_TRY(write_numbers(job, stage, err));
    IG_TRY(model_write_tokenizer(job->m, stage, err));
    IG_TRY(write_template(job, stage, err));
    IG_TRY(model_write_card(job->m, &(ig_model_card){.parent = job->source}, stage, err));
    return ig_dir_sync(stage, err);
}

/* ---- into place ---- */

static ig_status check_target(const char *dir, bool overwrite, ig_error *err) {
    char path[IG_PATH_MAX];
    if (!ig_path_exists(dir)) return IG_OK;
    if (!overwrite) return ig_error_at(err, IG_E_EXISTS, dir, 0, "is there already; choose another name, or say that it may be overwritten");
    IG_TRY(model_file(dir, "config.json", path, err));
    if (ig_path_is_dir(dir) && ig_path_exists(path)) return IG_OK;
    return ig_error_at(err, IG_E_EXISTS, dir, 0, "is no model and was left as it is; choose another name");
}

static ig_status put_in_place(const char *stage, const char *dir, ig_error *err) {
    char parent[IG_PATH_MAX];
    const char *name = ig_path_base(dir);
    bool replace = ig_path_exists(dir);
    if (renameat2(AT_FDCWD, stage, AT_FDCWD, dir, replace ? RENAME_EXCHANGE : RENAME_NOREPLACE) != 0)
        return ig_error_errno_at(err, dir, "cannot put the model in its place");
    snprintf(parent, sizeof parent, "%.*s", name == dir ? 1 : (int)(name - dir), name == dir ? "." : dir);
    IG_TRY(ig_dir_sync(parent, err));
    return replace ? ig_dir_remove(stage, err) : IG_OK;
}

static ig_status write_model(const import_job *job, const char *dir, ig_error *err) {
    char stage[IG_PATH_MAX];
    IG_TRY(stage_of(dir, stage, err));
    ig_status s = write_stage(job, stage, err);
    if (s == IG_OK) s = put_in_place(stage, dir, err);
    if (s != IG_OK) ig_dir_remove(stage, NULL);
    return s;
}

/* ---- all of it ---- */

static ig_status choose(const char *source, const import_format **out, ig_error *err) {
    if (!ig_path_exists(source)) return ig_error_set(err, IG_E_NOT_FOUND, "there is no file or folder %s", source);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        *out = formats[i];
        if (formats[i]->detect(source)) return IG_OK;
    }
    return ig_error_at(err, IG_E_UNSUPPORTED, source, 0, "is no model that can be imported: a folder with config.json, a GGUF file, a "
                       "PyTorch checkpoint with config.json beside it, or a llama2.c checkpoint");
}

static ig_status read_model(import_job *job, const import_format *format, ig_error *err) {
    IG_TRY(format->read(job, err));
    if (job->opts->tokenizer) {
        ig_tokenizer_free(job->m->tokenizer);
        job->m->tokenizer = NULL;
        IG_TRY(import_tokenizer_file(job->opts->tokenizer, &job->m->tokenizer, err));
    }
    size_t tokens = job->m->tokenizer ? ig_tokenizer_count(job->m->tokenizer) : 0;
    int64_t V = job->m->family->vocab_size ? job->m->family->vocab_size(job->m) : 0;
    if (V == 0 || tokens <= (size_t)V) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, job->source, 0, "the tokenizer has %zu tokens, the model %lld: they do not belong together", tokens,
                       (long long)V);
}

static void tell(const import_job *job, const import_format *format, ig_model_import_report *r) {
    const ig_params *ps = &job->m->params;
    *r = (ig_model_import_report){.format = format->name, .family = job->m->family->name, .tensors = ps->count,
                                  .parameters = ig_params_numel(ps), .chat_template = job->chat_template.len > 0};
    snprintf(r->type, sizeof r->type, "%s", ig_dtype_name(main_type(job)));
    for (size_t i = 0; i < ps->count; i++) {
        if (job->blocks && job->blocks[i].data) r->packed++, snprintf(r->type, sizeof r->type, "%s", ig_block_name(job->blocks[i].type));
        else if (ps->item[i]->packed) r->packed++, snprintf(r->type, sizeof r->type, "%s", ig_block_name(ig_qweight_type(ps->item[i]->packed)));
    }
    r->has_tokenizer = job->m->tokenizer != NULL;
    r->tokenizer = r->has_tokenizer ? ig_tokenizer_get_kind(job->m->tokenizer) : IG_TOKENIZER_BPE;
}

static void fini(import_job *job) {
    for (size_t i = 0; job->blocks && i < job->m->params.count; i++) ig_free(job->blocks[i].own);
    ig_free(job->blocks);
    ig_model_free(job->m);
    ig_buf_fini(&job->chat_template);
}

ig_status ig_model_import(ig_context *ctx, const char *source, const char *dir, const ig_model_import_opts *opts,
                          ig_model_import_report *report, ig_error *err) {
    static const ig_model_import_opts none = {0};
    const import_format *format = NULL;
    import_job job = {.ctx = ctx, .source = source, .opts = opts ? opts : &none, .chat_template.max = IG_TEMPLATE_BYTES_MAX};
    if (job.opts->convert && !ig_dtype_is_float(job.opts->dtype)) return ig_error_set(err, IG_E_ARG, "weights are f32, f16 or bf16");
    IG_TRY(choose(source, &format, err));
    IG_TRY(check_target(dir, job.opts->overwrite, err));
    ig_status s = read_model(&job, format, err);
    if (s == IG_OK) s = write_model(&job, dir, err);
    if (s == IG_OK && report) tell(&job, format, report);
    fini(&job);
    return s;
}
