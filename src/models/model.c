/* models/model.c: a model in memory: made from a config.json, asked, freed.
 *
 * config.json comes from outside.  Its model_type chooses the family, the family's table says what the keys may be, and
 * the family's build checks what has to hold between them.
 */
#include <string.h>

#include "models/adapter.h"
#include "models/model.h"

#define SCHEMA_FIELDS_MAX 96

/* ---- config.json ---- */

/* The table plus "any other key": other programs keep keys of their own in a config.json. */
static ig_status check_known_keys(const ig_model *m, const ig_schema_field *fields, ig_error *err) {
    ig_schema_field lenient[SCHEMA_FIELDS_MAX + 2] = {0};
    size_t n = 0;
    for (; fields[n].key; n++) {
        if (n == SCHEMA_FIELDS_MAX)
            return ig_error_set(err, IG_E_INTERNAL, "family %s: more than %d keys", m->family->name, SCHEMA_FIELDS_MAX);
        lenient[n] = fields[n];
    }
    lenient[n].key = "*";
    return ig_schema_check(ig_doc_name(m->config), ig_doc_root(m->config), lenient, err);
}

/* "gpt2, llama" */
static void known_types(ig_buf *out) {
    size_t count;
    const ig_family *const *all = ig_families(&count);
    for (size_t i = 0; i < count; i++)
        for (const char *const *t = all[i]->model_types; *t; t++) ig_buf_printf(out, "%s%s", out->len ? ", " : "", *t);
}

static ig_status no_family(const ig_model *m, const ig_tree *type, ig_error *err) {
    ig_buf known = {.max = 512};
    known_types(&known);
    ig_status status = ig_error_at(err, IG_E_UNSUPPORTED, ig_doc_name(m->config), type->line,
                                   "model_type \"%.60s\" is of no known family; known are %s", type->text,
                                   known.data ? known.data : "");
    ig_buf_fini(&known);
    return status;
}

static ig_status choose_family(ig_model *m, ig_error *err) {
    static const ig_schema_field any[] = {{.key = "model_type", .type = IG_TREE_TEXT, .required = true}, {.key = "*"}, {0}};
    IG_TRY(ig_schema_check(ig_doc_name(m->config), ig_doc_root(m->config), any, err));
    const ig_tree *type = ig_tree_get(ig_doc_root(m->config), "model_type");
    m->family = ig_family_by_model_type(type->text);
    return m->family ? check_known_keys(m, m->family->config_schema(type->text), err) : no_family(m, type, err);
}

/* ---- making and freeing ---- */

static ig_status build(ig_model *m, const char *name, const char *json, size_t len, ig_error *err) {
    IG_TRY(ig_json_parse(name, json, len, &m->config, err));
    IG_TRY(choose_family(m, err));
    return m->family->build(m, err);
}

ig_status ig_model_new(ig_context *ctx, const char *config_name, const char *config_json, size_t len, ig_model **out,
                       ig_error *err) {
    *out = NULL;
    if (len > IG_RECIPE_BYTES_MAX) return ig_error_at(err, IG_E_LIMIT, config_name, 0, "larger than a config.json may be");
    ig_model *m = ig_calloc(1, sizeof *m);
    if (!m) return ig_error_nomem(err, sizeof *m);
    m->ctx = ctx;
    ig_params_init(&m->params, ctx);
    ig_status status = build(m, config_name, config_json, len, err);
    if (status == IG_OK) *out = m;
    else ig_model_free(m);
    return status;
}

void ig_model_free(ig_model *m) {
    if (!m) return;
    adapter_free(m);
    if (m->family) m->family->free_state(m->state);
    ig_params_fini(&m->params);
    ig_tokenizer_free(m->tokenizer);
    ig_doc_free(m->config);
    ig_free(m->path);
    ig_free(m);
}

ig_status ig_model_set(ig_model *m, const char *key, const char *yaml_value, ig_error *err) {
    if (!m->family->settings) return ig_error_set(err, IG_E_UNSUPPORTED, "family %s has no settings", m->family->name);
    IG_TRY(ig_doc_set(m->config, key, yaml_value, err));
    const char *type = ig_tree_text(ig_doc_root(m->config), "model_type", "");
    IG_TRY(check_known_keys(m, m->family->config_schema(type), err));
    return m->family->settings(m, err);
}

bool ig_model_can(const ig_model *m, unsigned capabilities) {
    unsigned can = m->family->can ? m->family->can(m) : m->family->capabilities;
    return (can & capabilities) == capabilities;
}

/* ---- for the families ---- */

static bool fits_memory(const ig_tensor *t) {
    uint64_t available = ig_memory_available();
    return available == 0 || ig_tensor_bytes(t) <= available;
}

ig_status ig_model_add(ig_model *m, const char *name, int ndim, const int64_t *shape, const ig_param **out, ig_error *err) {
    ig_tensor t;
    ig_param *p = NULL;
    char text[64];
    IG_TRY(ig_tensor_describe(&t, IG_DTYPE_F32, ndim, shape, err));
    if (!fits_memory(&t))
        return ig_error_set(err, IG_E_LIMIT, "%s %s needs %.1f GB of memory, and %.1f GB are free", name,
                            ig_tensor_shape_text(&t, text, sizeof text), (double)ig_tensor_bytes(&t) / 1e9,
                            (double)ig_memory_available() / 1e9);
    IG_TRY(ig_params_add(&m->params, name, IG_DTYPE_F32, ndim, shape, ndim > 1, &p, err));
    *out = p;
    return IG_OK;
}

ig_status ig_model_add_matrix(ig_model *m, const char *name, int64_t rows, int64_t columns, ig_param_role role,
                              const ig_param **out, ig_error *err) {
    int64_t shape[2] = {rows, columns};
    IG_TRY(ig_model_add(m, name, 2, shape, out, err));
    m->params.item[m->params.count - 1]->role = role;
    return IG_OK;
}

static ig_status say(const ig_model *m, ig_status code, const char *key, ig_error *err, const char *fmt, va_list args) {
    char message[512];
    const ig_tree *v = ig_tree_get(ig_doc_root(m->config), key);
    vsnprintf(message, sizeof message, fmt, args);
    return ig_error_at(err, code, ig_doc_name(m->config), v ? v->line : 0, "%s: %s", key, message);
}

ig_status ig_model_refuse(const ig_model *m, const char *key, ig_error *err, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    ig_status status = say(m, IG_E_UNSUPPORTED, key, err, fmt, args);
    va_end(args);
    return status;
}

ig_status ig_model_contradiction(const ig_model *m, const char *key, ig_error *err, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    ig_status status = say(m, IG_E_FORMAT, key, err, fmt, args);
    va_end(args);
    return status;
}
