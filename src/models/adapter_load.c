/* models/adapter_load.c: an adapter as the PEFT library writes it, put upon a model.
 *
 * Every tensor of the file must belong to a matrix of the model, and every A to a B: half an adapter gives answers that look
 * like answers.  What changes the formula (DoRA, biases, trained tables) is refused by its key.
 */
#include <math.h>
#include <string.h>

#include "ingot/formats.h"
#include "models/adapter.h"

#define PREFIX "base_model.model."

static const ig_schema_field config_fields[] = {
    {.key = "peft_type", .type = IG_TREE_TEXT, .required = true, .choices = "LORA"},
    {.key = "base_model_name_or_path", .type = IG_TREE_TEXT, .nullable = true},
    {.key = "r", .type = IG_TREE_INT, .required = true, .has_range = true, .min = 1, .max = 4096},
    {.key = "lora_alpha", .type = IG_TREE_REAL, .required = true, .has_range = true, .min = 0, .max = 1e6},
    {.key = "lora_dropout", .type = IG_TREE_REAL, .has_range = true, .min = 0, .max = 0.999999},
    {.key = "bias", .type = IG_TREE_TEXT, .choices = "none"},
    {.key = "use_rslora", .type = IG_TREE_BOOL, .nullable = true},
    {.key = "*"},
    {0},
};

/* Set, and neither false nor empty. */
static bool asks(const ig_tree *config, const char *key) {
    const ig_tree *t = ig_tree_get(config, key);
    if (!t || t->type == IG_TREE_NULL) return false;
    return t->type == IG_TREE_BOOL ? t->boolean : t->type == IG_TREE_LIST || t->type == IG_TREE_MAP ? t->count > 0 : true;
}

static ig_status check_config(const char *path, const ig_tree *config, ig_error *err) {
    static const char *const not_here[] = {"use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "use_qalora", "lora_bias"};
    IG_TRY(ig_schema_check(path, config, config_fields, err));
    for (size_t i = 0; i < sizeof not_here / sizeof *not_here; i++)
        if (asks(config, not_here[i]))
            return ig_error_at(err, IG_E_UNSUPPORTED, path, ig_tree_get(config, not_here[i])->line, "%s: adapters with it are not supported", not_here[i]);
    return IG_OK;
}

static ig_status read_config(const char *dir, char path[IG_PATH_MAX], ig_doc **out, ig_error *err) {
    IG_TRY(ig_path_join(path, IG_PATH_MAX, dir, ADAPTER_CONFIG, err));
    IG_TRY(ig_doc_load(path, IG_RECIPE_BYTES_MAX, out, err));
    ig_status status = check_config(path, ig_doc_root(*out), err);
    if (status != IG_OK) {
        ig_doc_free(*out);
        *out = NULL;
    }
    return status;
}

/* ---- the base ---- */

/* Where it stands, else beside the adapter, as after both were moved. */
static ig_status find_base(const char *dir, const char *config, const char *named, char base[IG_PATH_MAX], ig_error *err) {
    char beside[IG_PATH_MAX];
    if (strlen(named) < IG_PATH_MAX && ig_path_is_dir(named)) {
        memcpy(base, named, strlen(named) + 1);
        return IG_OK;
    }
    IG_TRY(ig_path_join(beside, sizeof beside, dir, "..", err));
    IG_TRY(ig_path_join(base, IG_PATH_MAX, beside, ig_path_base(named), err));
    if (*named && ig_path_is_dir(base)) return IG_OK;
    return ig_error_at(err, IG_E_NOT_FOUND, config, 0, "the model that this adapter belongs to is not there: \"%.300s\"", named);
}

ig_status adapter_base(const char *dir, char base[IG_PATH_MAX], bool *is_adapter, ig_error *err) {
    char path[IG_PATH_MAX], model[IG_PATH_MAX];
    ig_doc *d;
    IG_TRY(ig_path_join(path, sizeof path, dir, ADAPTER_CONFIG, err));
    IG_TRY(ig_path_join(model, sizeof model, dir, "config.json", err));
    *is_adapter = ig_path_exists(path) && !ig_path_exists(model);
    if (!*is_adapter) return IG_OK;
    IG_TRY(read_config(dir, path, &d, err));
    const ig_tree *named = ig_tree_get(ig_doc_root(d), "base_model_name_or_path");
    ig_status status = find_base(dir, path, named && named->type == IG_TREE_TEXT ? named->text : "", base, err);
    ig_doc_free(d);
    return status;
}

/* ---- the weights ---- */

/* "base_model.model.LAYER.lora_A.weight" → the matrix of LAYER and whether it is A; NULL: none. */
static ig_param *matrix_of(const ig_model *m, const char *name, bool *is_a) {
    char matrix[ADAPTER_NAME_MAX];
    const char *part = strstr(name, ".lora_");
    size_t skip = sizeof PREFIX - 1;
    if (strncmp(name, PREFIX, skip) != 0 || !part || part < name + skip) return NULL;
    *is_a = strcmp(part, ".lora_A.weight") == 0;
    if (!*is_a && strcmp(part, ".lora_B.weight") != 0) return NULL;
    if (strlen(name) + 8 > sizeof matrix) return NULL;
    snprintf(matrix, sizeof matrix, "%.*s.weight", (int)(part - name - (ptrdiff_t)skip), name + skip);
    ig_param *p = ig_params_find(&m->params, matrix);
    return p && adapter_takes(p) ? p : NULL;
}

static ig_status take(ig_model *m, const char *path, const ig_safetensors *f, size_t i, ig_error *err) {
    const char *name = ig_safetensors_name(f, i);
    char found[96], wanted[96];
    bool is_a = false;
    ig_tensor t;
    ig_param *p = matrix_of(m, name, &is_a);
    if (!p) return ig_error_at(err, IG_E_FORMAT, path, 0, "%.200s belongs to no linear layer of the model", name);
    if (!p->lora) IG_TRY(adapter_add(m, p, err));
    const ig_tensor *to = is_a ? &p->lora->a->value : &p->lora->b->value;
    IG_TRY(ig_safetensors_describe(f, i, &t, err));
    if (!ig_tensor_same_shape(&t, to) || !ig_dtype_is_float(t.dtype))
        return ig_error_at(err, IG_E_FORMAT, path, 0, "%.200s is %s %s, must be %s of a float type", name, ig_dtype_name(t.dtype),
                           ig_tensor_shape_text(&t, found, sizeof found), ig_tensor_shape_text(to, wanted, sizeof wanted));
    return ig_safetensors_read(m->ctx, f, i, to, err);
}

/* Names in a file differ, so twice as many tensors as rows means that every row has both. */
static ig_status take_all(ig_model *m, const char *path, const ig_safetensors *f, ig_error *err) {
    size_t n = ig_safetensors_count(f);
    for (size_t i = 0; i < n; i++) IG_TRY(take(m, path, f, i, err));
    if (n == 0) return ig_error_at(err, IG_E_FORMAT, path, 0, "the adapter is empty");
    return n == 2 * m->adapter->count ? IG_OK : ig_error_at(err, IG_E_FORMAT, path, 0, "a lora_A or lora_B is missing: %zu tensors for %zu layers", n, m->adapter->count);
}

static ig_status fill(ig_model *m, const char *dir, const ig_tree *config, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_safetensors *f = NULL;
    int64_t rank = ig_tree_int(config, "r", 0);
    double alpha = ig_tree_real(config, "lora_alpha", 0);
    if (ig_tree_bool(config, "use_rslora", false)) alpha *= sqrt((double)rank);
    IG_TRY(ig_path_join(path, sizeof path, dir, ADAPTER_WEIGHTS, err));
    IG_TRY(ig_safetensors_open(path, &f, err));
    ig_status status = adapter_new(m, m->params.count, rank, alpha, ig_tree_real(config, "lora_dropout", 0), err);
    if (status == IG_OK) {
        status = take_all(m, path, f, err);
        if (status != IG_OK) adapter_free(m);
    }
    ig_safetensors_close(f);
    return status;
}

ig_status ig_model_load_adapter(ig_model *m, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_doc *d;
    IG_TRY(read_config(dir, path, &d, err));
    ig_status status = fill(m, dir, ig_doc_root(d), err);
    ig_doc_free(d);
    return status;
}
