/* models/model_rehead.c: the same network with another head: an encoder that was pretrained learns to classify.
 *
 *     config.json of the old model, some keys changed ──► a new model, initialised ──► what has the same name and shape is
 * copied
 *
 * Names are compared as a model file's would be: through the family's tensor_name, so that "bert.encoder…" finds "encoder…".
 */
#include <string.h>

#include "models/model.h"

static ig_status format_config(const ig_model *m, const ig_tree *changes, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out, .indent = 2};
    ig_json_open(&j, '{');
    for (const ig_tree *t = ig_doc_root(m->config)->child; t; t = t->next) {
        if (ig_tree_get(changes, t->key)) continue;
        ig_json_key(&j, t->key);
        ig_json_tree(&j, t);
    }
    for (const ig_tree *t = changes->child; t; t = t->next) {
        if (t->type == IG_TREE_NULL) continue;
        ig_json_key(&j, t->key);
        ig_json_tree(&j, t);
    }
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

static int64_t place_of(const ig_model *m, const char *old_name) {
    char name[512];
    snprintf(name, sizeof name, "%s", old_name);
    if (m->family->tensor_name) m->family->tensor_name(m, old_name, name, sizeof name);
    for (size_t i = 0; i < m->params.count && *name; i++)
        if (strcmp(m->params.item[i]->name, name) == 0) return (int64_t)i;
    return -1;
}

static ig_status copy_parameters(const ig_model *from, ig_model *to, bool keep_head, bool *filled, ig_error *err) {
    for (size_t i = 0; i < from->params.count; i++) {
        const ig_param *p = from->params.item[i];
        int64_t at = place_of(to, p->name);
        if (at < 0 || !ig_tensor_same_shape(&p->value, &to->params.item[at]->value)) continue;
        if (!keep_head && to->family->of_head && to->family->of_head(to, to->params.item[at]->name)) continue;
        if (!p->value.data) return ig_error_set(err, IG_E_UNSUPPORTED,
                                                "%s is quantised: start from the model that it was made of", p->name);
        IG_TRY(ig_tensor_copy(to->ctx, &to->params.item[at]->value, &p->value, err));
        filled[at] = true;
    }
    return IG_OK;
}

/* What is new is told; an optional parameter that the old model has not is left out. */
static void conclude(ig_model *m, const bool *filled, ig_buf *fresh) {
    for (size_t i = 0; i < m->params.count; i++)
        if (!filled[i] && !(m->family->optional && m->family->optional(m, m->params.item[i]->name)))
            ig_buf_printf(fresh, "%s%s", fresh->len ? ", " : "", m->params.item[i]->name);
    for (size_t i = m->params.count; i-- > 0;)
        if (!filled[i] && m->family->optional && m->family->optional(m, m->params.item[i]->name)) ig_params_drop(&m->params, i);
}

static ig_status fill(const ig_model *from, ig_model *to, bool keep_head, uint64_t seed, ig_buf *fresh, ig_error *err) {
    bool *filled = ig_calloc(to->params.count + 1, sizeof *filled);
    if (!filled) return ig_error_nomem(err, to->params.count);
    ig_status status = to->family->initialise(to, seed, err);
    if (status == IG_OK) status = copy_parameters(from, to, keep_head, filled, err);
    if (status == IG_OK) conclude(to, filled, fresh);
    ig_free(filled);
    return status;
}

ig_status ig_model_rehead(ig_model **m, const ig_tree *changes, bool keep_head, uint64_t seed, ig_buf *fresh, ig_error *err) {
    ig_buf config = {.max = IG_RECIPE_BYTES_MAX};
    ig_model *made = NULL;
    if ((*m)->adapter) IG_TRY(ig_model_merge(*m, err));
    ig_status status = format_config(*m, changes, &config, err);
    if (status == IG_OK) status = ig_model_new((*m)->ctx, ig_doc_name((*m)->config), config.data, config.len, &made, err);
    ig_buf_fini(&config);
    if (status == IG_OK) status = fill(*m, made, keep_head, seed, fresh, err);
    if (status != IG_OK) {
        ig_model_free(made);
        return status;
    }
    made->tokenizer = (*m)->tokenizer;
    (*m)->tokenizer = NULL;
    ig_model_free(*m);
    *m = made;
    return IG_OK;
}
