/* models/model_save.c: a model as a folder that Hugging Face's libraries read too.
 *
 *     config.json        as it was read, with what became true here ("torch_dtype": "float32")
 *     model.safetensors  all parameters, f32, metadata {"format": "pt"}: transformers refuses files without it
 *     tokenizer.json     if the model has one
 *     card.json          family, size, recipe, data digest, metrics, parent; ours
 *
 * The files are written to a stage and put in place together: model_folder.c.
 */
#include <string.h>

#include "ingot/formats.h"
#include "models/adapter.h"
#include "models/model.h"
#include "models/model_folder.h"
#include "models/model_write.h"

/* ---- the files ---- */

static ig_status write_json(const char *folder, const char *name, ig_buf *text, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf_putc(text, '\n');
    IG_TRY(ig_buf_status(text, err));
    IG_TRY(ig_path_join(path, sizeof path, folder, name, err));
    return ig_file_write(path, text->data, text->len, err);
}

/* ---- numbers in the type of the file ---- */

typedef struct converted {
    ig_named_tensor *list; /* [n] */
    ig_tensor *own;        /* [n] */
    size_t n;
} converted;

static ig_status convert(const ig_model *m, const ig_param *p, ig_dtype type, ig_tensor *out, ig_error *err) {
    ig_tensor numbers;
    IG_TRY(p->lora ? adapter_merged(m->ctx, p, &numbers, err) : model_numbers(m->ctx, p, &numbers, err));
    if (type == MODEL_AS_STORED) type = p->stored;
    if (type == numbers.dtype) {
        *out = numbers;
        return IG_OK;
    }
    ig_status s = ig_tensor_new(m->ctx, type, numbers.ndim, numbers.shape, out, err);
    if (s == IG_OK) s = ig_tensor_copy(m->ctx, out, &numbers, err);
    ig_tensor_unref(&numbers);
    return s;
}

static ig_status convert_all(const ig_model *m, ig_dtype type, converted *c, ig_error *err) {
    for (; c->n < m->params.count; c->n++) {
        c->list[c->n] = (ig_named_tensor){m->params.item[c->n]->name, &c->own[c->n]};
        IG_TRY(convert(m, m->params.item[c->n], type, &c->own[c->n], err));
    }
    return IG_OK;
}

ig_status model_write_dense(const ig_model *m, const char *folder, ig_dtype type, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, folder, "model.safetensors", err));
    return model_write_safetensors(m, path, type, err);
}

ig_status model_write_safetensors(const ig_model *m, const char *path, ig_dtype type, ig_error *err) {
    converted c = {0};
    c.list = ig_calloc(m->params.count + 1, sizeof *c.list);
    c.own = ig_calloc(m->params.count + 1, sizeof *c.own);
    ig_status s = c.list && c.own ? IG_OK : ig_error_nomem(err, m->params.count * sizeof *c.list);
    if (s == IG_OK) s = convert_all(m, type, &c, err);
    if (s == IG_OK) s = ig_safetensors_save(m->ctx, path, c.list, c.n, NULL, 0, err);
    for (size_t i = 0; c.own && i < m->params.count; i++) ig_tensor_unref(&c.own[i]);
    ig_free(c.list);
    ig_free(c.own);
    return s;
}

static bool names_the_type(const char *key) { return strcmp(key, "torch_dtype") == 0 || strcmp(key, "dtype") == 0; }

ig_status model_write_config(const ig_model *m, const char *folder, const char *type, ig_error *err) {
    ig_buf text = {.max = 2 * IG_RECIPE_BYTES_MAX};
    ig_json j = {.out = &text, .indent = 2};
    ig_json_open(&j, '{');
    for (const ig_tree *t = ig_doc_root(m->config)->child; t; t = t->next) {
        if (names_the_type(t->key)) continue;
        ig_json_key(&j, t->key);
        ig_json_tree(&j, t);
    }
    ig_json_key(&j, "torch_dtype");
    ig_json_text(&j, type);
    ig_json_close(&j, '}');
    ig_status status = write_json(folder, "config.json", &text, err);
    ig_buf_fini(&text);
    return status;
}

static void put_text(ig_json *j, const char *key, const char *text) {
    ig_json_key(j, key);
    if (text) ig_json_text(j, text);
    else ig_json_null(j);
}

static ig_status put_metrics(ig_json *j, const char *metrics, ig_error *err) {
    ig_doc *d = NULL;
    ig_json_key(j, "metrics");
    if (!metrics) {
        ig_json_null(j);
        return IG_OK;
    }
    IG_TRY(ig_json_parse("metrics", metrics, strlen(metrics), &d, err));
    ig_json_tree(j, ig_doc_root(d));
    ig_doc_free(d);
    return IG_OK;
}

ig_status model_write_card(const ig_model *m, const ig_model_card *card, const char *folder, ig_error *err) {
    static const ig_model_card none = {0};
    ig_buf text = {.max = 4 * IG_RECIPE_BYTES_MAX};
    ig_json j = {.out = &text, .indent = 2};
    if (!card) card = &none;
    ig_json_open(&j, '{');
    put_text(&j, "family", m->family->name);
    ig_json_key(&j, "parameters");
    ig_json_int(&j, ig_params_numel(&m->params));
    put_text(&j, "data_sha256", card->data_sha256);
    put_text(&j, "parent", card->parent);
    ig_status status = put_metrics(&j, card->metrics_json, err);
    put_text(&j, "recipe", card->recipe);
    ig_json_close(&j, '}');
    if (status == IG_OK) status = write_json(folder, "card.json", &text, err);
    ig_buf_fini(&text);
    return status;
}

ig_status model_write_tokenizer(const ig_model *m, const char *folder, ig_error *err) {
    char path[IG_PATH_MAX];
    if (!m->tokenizer) return IG_OK;
    IG_TRY(ig_path_join(path, sizeof path, folder, "tokenizer.json", err));
    return ig_tokenizer_save(m->tokenizer, path, err);
}

/* ---- together ---- */

static ig_status write_all(const ig_model *m, const ig_model_card *card, const char *folder, ig_error *err) {
    IG_TRY(model_write_dense(m, folder, IG_DTYPE_F32, err));
    IG_TRY(model_write_tokenizer(m, folder, err));
    IG_TRY(model_write_card(m, card, folder, err));
    return model_write_config(m, folder, "float32", err);
}

/* A config.json that says no model_type belongs to something else. */
static ig_status check_target(const char *dir, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_doc *d = NULL;
    IG_TRY(model_file(dir, "config.json", path, err));
    if (!ig_path_exists(path)) return IG_OK;
    bool is_model = ig_doc_load(path, IG_RECIPE_BYTES_MAX, &d, NULL) == IG_OK && ig_tree_get(ig_doc_root(d), "model_type");
    ig_doc_free(d);
    return is_model ? IG_OK : ig_error_at(err, IG_E_EXISTS, path, 0, "is no model's; save to another folder, or remove it");
}

static ig_status check_plain(const ig_model *m, ig_error *err) {
    for (size_t i = 0; i < m->params.count; i++)
        if (m->params.item[i]->packed || m->params.item[i]->conv)
            return ig_error_set(err, IG_E_STATE, "%s is packed for running; a folder of this kind holds plain weights", m->params.item[i]->name);
    return IG_OK;
}

ig_status ig_model_save(const ig_model *m, const char *dir, const ig_model_card *card, ig_error *err) {
    char stage[IG_PATH_MAX];
    IG_TRY(check_plain(m, err));
    IG_TRY(check_target(dir, err));
    IG_TRY(ig_dir_make(dir, err));
    IG_TRY(model_settle(dir, err));
    IG_TRY(model_stage(dir, stage, err));
    ig_status status = write_all(m, card, stage, err);
    if (status == IG_OK) return model_commit(dir, err);
    ig_dir_remove(stage, NULL);
    return status;
}
