/* models/adapter_save.c: an adapter as the PEFT library writes it.
 *
 *     adapter_model.safetensors   "base_model.model.LAYER.lora_A.weight" [rank,K], "….lora_B.weight" [N,rank]
 *     tokenizer.json, card.json
 *     adapter_config.json         last: without it the folder holds no adapter yet
 *
 * During a run all files but the first stay the same, so replacing that one file replaces the adapter.
 */
#include <stdlib.h>
#include <string.h>

#include "ingot/formats.h"
#include "models/adapter.h"
#include "models/model_write.h"

#define NAME_BYTES (ADAPTER_NAME_MAX + 64)

static ig_status write_weights(const ig_model *m, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX];
    const ig_params *ps = &m->adapter->params;
    IG_TRY(ig_path_join(path, sizeof path, dir, ADAPTER_WEIGHTS, err));
    ig_named_tensor *list = ig_calloc(ps->count + 1, sizeof *list);
    char *names = ig_calloc(ps->count + 1, NAME_BYTES);
    ig_status status = list && names ? IG_OK : ig_error_nomem(err, ps->count * NAME_BYTES);
    for (size_t i = 0; i < ps->count && status == IG_OK; i++) {
        snprintf(names + i * NAME_BYTES, NAME_BYTES, "base_model.model.%s", ps->item[i]->name);
        list[i] = (ig_named_tensor){names + i * NAME_BYTES, &ps->item[i]->value};
    }
    if (status == IG_OK) status = ig_safetensors_save(m->ctx, path, list, ps->count, NULL, 0, err);
    ig_free(list);
    ig_free(names);
    return status;
}

/* The last two parts of a layer's name: short, and the same in all blocks. */
static const char *tail(const char *layer) {
    const char *dot = strrchr(layer, '.'), *s = dot;
    while (s && s > layer && s[-1] != '.') s--;
    return s ? s : layer;
}

static bool named_before(const ig_adapter *a, size_t i, const char *name) {
    for (size_t k = 0; k < i; k++) {
        char layer[ADAPTER_NAME_MAX];
        adapter_layer(a->row[k].matrix, layer);
        if (strcmp(tail(layer), name) == 0) return true;
    }
    return false;
}

static void put_targets(ig_json *j, const ig_adapter *a) {
    ig_json_key(j, "target_modules");
    ig_json_open(j, '[');
    for (size_t i = 0; i < a->count; i++) {
        char layer[ADAPTER_NAME_MAX];
        adapter_layer(a->row[i].matrix, layer);
        if (!named_before(a, i, tail(layer))) ig_json_text(j, tail(layer));
    }
    ig_json_close(j, ']');
}

static void put_text(ig_json *j, const char *key, const char *v) {
    ig_json_key(j, key);
    ig_json_text(j, v);
}

static void put_config(ig_json *j, const ig_adapter *a, const char *base) {
    ig_json_open(j, '{');
    put_text(j, "peft_type", "LORA");
    put_text(j, "task_type", "CAUSAL_LM");
    put_text(j, "base_model_name_or_path", base);
    ig_json_key(j, "r");
    ig_json_int(j, a->rank);
    ig_json_key(j, "lora_alpha");
    ig_json_real(j, a->alpha);
    ig_json_key(j, "lora_dropout");
    ig_json_real(j, a->dropout);
    put_text(j, "bias", "none");
    ig_json_key(j, "fan_in_fan_out");
    ig_json_bool(j, a->row[0].matrix->role == IG_PARAM_IN_OUT);
    put_targets(j, a);
    ig_json_key(j, "inference_mode");
    ig_json_bool(j, true);
    ig_json_close(j, '}');
}

static ig_status write_config(const ig_model *m, const char *dir, const char *base, ig_error *err) {
    char path[IG_PATH_MAX], full[IG_PATH_MAX];
    ig_buf text = {.max = IG_RECIPE_BYTES_MAX};
    ig_json j = {.out = &text, .indent = 2};
    IG_TRY(ig_path_join(path, sizeof path, dir, ADAPTER_CONFIG, err));
    put_config(&j, m->adapter, realpath(base, full) ? full : base);
    ig_buf_putc(&text, '\n');
    ig_status status = ig_buf_status(&text, err);
    if (status == IG_OK) status = ig_file_write(path, text.data, text.len, err);
    ig_buf_fini(&text);
    return status;
}

static ig_status write_tokenizer(const ig_model *m, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX];
    if (!m->tokenizer) return IG_OK;
    IG_TRY(ig_path_join(path, sizeof path, dir, "tokenizer.json", err));
    return ig_tokenizer_save(m->tokenizer, path, err);
}

ig_status ig_model_save_adapter(const ig_model *m, const char *dir, const char *base, const ig_model_card *card, ig_error *err) {
    char config[IG_PATH_MAX];
    if (!m->adapter) return ig_error_set(err, IG_E_STATE, "the model has no adapter");
    IG_TRY(ig_path_join(config, sizeof config, dir, "config.json", err));
    if (ig_path_exists(config)) return ig_error_at(err, IG_E_EXISTS, config, 0, "the folder holds a model of its own; save the adapter to another one");
    IG_TRY(ig_dir_make(dir, err));
    IG_TRY(write_weights(m, dir, err));
    IG_TRY(write_tokenizer(m, dir, err));
    IG_TRY(model_write_card(m, card, dir, err));
    return write_config(m, dir, base, err);
}
