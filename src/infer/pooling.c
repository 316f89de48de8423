/* infer/pooling.c: pooling, by name and as Sentence-Transformers stores it beside a model.
 *
 *     modules.json              [{"path": "", "type": "….Transformer"}, {"path": "1_Pooling", "type": "….Pooling"}, …]
 *     1_Pooling/config.json     {"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true, …}
 *
 * A folder that asks for a step which is not done here (a dense layer, a maximum) would give vectors of another space, so
 * it is refused.
 */
#include "infer/pooling.h"

#include <string.h>

static const char *const names[] = {"default", "mean", "cls", "last"};

const char *ig_pooling_name(ig_pooling pooling) { return names[pooling]; }

bool ig_pooling_parse(const char *name, ig_pooling *out) {
    for (ig_pooling p = IG_POOLING_MEAN; p <= IG_POOLING_LAST; p++) {
        *out = p;
        if (strcmp(name, names[p]) == 0) return true;
    }
    return false;
}

/* NULL when the folder has no such file. */
static ig_status load(const ig_model *m, const char *name, char *path, ig_doc **out, ig_error *err) {
    *out = NULL;
    if (!m->path) return IG_OK;
    IG_TRY(ig_path_join(path, IG_PATH_MAX, m->path, name, err));
    return ig_path_exists(path) ? ig_doc_load(path, IG_RECIPE_BYTES_MAX, out, err) : IG_OK;
}

/* ---- modules.json ---- */

static bool known_module(const char *type) {
    static const char *const known[] = {"Transformer", "Pooling", "Normalize"};
    const char *dot = strrchr(type, '.'), *last = dot ? dot + 1 : type;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(last, known[i]) == 0) return true;
    return false;
}

static ig_status check_modules(const char *path, const ig_tree *t, ig_error *err) {
    if (t->type != IG_TREE_LIST) return ig_error_at(err, IG_E_FORMAT, path, t->line, "expected a list of modules");
    for (const ig_tree *item = t->child; item; item = item->next) {
        const char *type = ig_tree_text(item, "type", "");
        if (!known_module(type))
            return ig_error_at(err, IG_E_UNSUPPORTED, path, item->line,
                               "the module \"%.100s\" is not supported; Transformer, Pooling and Normalize are", type);
    }
    return IG_OK;
}

/* ---- 1_Pooling/config.json ---- */

static const struct {
    const char *key;
    ig_pooling pooling;
} modes[] = {{"pooling_mode_mean_tokens", IG_POOLING_MEAN}, {"pooling_mode_cls_token", IG_POOLING_CLS},
             {"pooling_mode_lasttoken", IG_POOLING_LAST}};

static bool known_mode(const char *key, ig_pooling *out) {
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        *out = modes[i].pooling;
        if (strcmp(key, modes[i].key) == 0) return true;
    }
    return false;
}

/* Exactly one mode is on; two would be joined to a longer vector. */
static ig_status read_modes(const char *path, const ig_tree *t, ig_pooling *out, ig_error *err) {
    int on = 0;
    if (t->type != IG_TREE_MAP) return ig_error_at(err, IG_E_FORMAT, path, t->line, "expected a map");
    for (const ig_tree *v = t->child; v; v = v->next) {
        if (strncmp(v->key, "pooling_mode_", strlen("pooling_mode_")) != 0 || v->type != IG_TREE_BOOL || !v->boolean) continue;
        if (!known_mode(v->key, out))
            return ig_error_at(err, IG_E_UNSUPPORTED, path, v->line,
                               "%.60s is not supported; the mean, the first and the last token are",
                               v->key);
        on++;
    }
    if (on == 1) return IG_OK;
    return ig_error_at(err, on ? IG_E_UNSUPPORTED : IG_E_FORMAT, path, t->line, "%d kinds of pooling are on; it must be one",
                       on);
}

ig_status pooling_of(const ig_model *m, ig_pooling *out, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_doc *d = NULL;
    *out = ig_model_can(m, IG_CAN_GENERATE) ? IG_POOLING_LAST : IG_POOLING_MEAN;
    IG_TRY(load(m, "modules.json", path, &d, err));
    ig_status status = d ? check_modules(path, ig_doc_root(d), err) : IG_OK;
    ig_doc_free(d);
    IG_TRY(status);
    IG_TRY(load(m, "1_Pooling/config.json", path, &d, err));
    status = d ? read_modes(path, ig_doc_root(d), out, err) : IG_OK;
    ig_doc_free(d);
    return status;
}
