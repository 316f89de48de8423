/* models/deepfm/config.c: config.json of factorisation machines and networks over the rows of a table.
 *
 * No library has published a layout for them.  Training writes what the table decides: num_numbers, field_sizes and the labels.
 */
#include <string.h>

#include "models/deepfm/deepfm.h"
#include "models/fields.h"
#include "models/labels.h"
#include "models/model.h"

#define NUMBERS_MAX 65536
#define FIELDS_MAX 4096

static const ig_schema_field text_map[] = {{.key = "*", .type = IG_TREE_TEXT}, {0}};

static const ig_schema_field part_fields[] = {
    FLAG("linear", "a weight for each value and number", "true"),
    FLAG("fm", "products of the embeddings of all pairs", "true"),
    FLAG("deep", "a network over the embeddings", "true"),
    {0},
};

static const ig_schema_field schema[] = {
    {.key = "model_type", .type = IG_TREE_TEXT, .required = true, .choices = "deepfm"},
    {.key = "num_numbers", .type = IG_TREE_INT, .has_range = true, .min = 0, .max = NUMBERS_MAX, .doc = "numbers of a row",
     .otherwise = "as the data says"},
    {.key = "field_sizes", .type = IG_TREE_LIST, .item = IG_TREE_INT, .has_range = true, .min = 1, .max = IG_VOCAB_MAX,
     .doc = "for each category of a row: how many values it has", .otherwise = "as the data says"},
    SIZE("embedding_size", CHANNELS_MAX, false, "numbers of an embedding (10 by default)"),
    {.key = "hidden_sizes", .type = IG_TREE_LIST, .item = IG_TREE_INT, .has_range = true, .min = 1, .max = CHANNELS_MAX,
     .doc = "units of the network's layers", .otherwise = "[400, 400, 400]"},
    RATE("dropout", "dropout behind each layer of the network"),
    {.key = "parts", .type = IG_TREE_MAP, .fields = part_fields, .doc = "which parts are added: all of them are DeepFM", .otherwise = "all"},
    {.key = "problem_type", .type = IG_TREE_TEXT, .choices = "single_label_classification|regression", .doc = "what the result means",
     .otherwise = "single_label_classification"},
    {.key = "id2label", .type = IG_TREE_MAP, .nullable = true, .fields = text_map, .doc = "names of the two classes"},
    {0},
};

const ig_schema_field *deepfm_schema(const char *model_type) {
    (void)model_type;
    return schema;
}

static ig_status read_sizes(const ig_model *m, deepfm *s, ig_error *err) {
    const ig_tree *list = ig_tree_get(ig_doc_root(m->config), "field_sizes");
    size_t n = list ? list->count : 0, i = 0;
    if (n > FIELDS_MAX)
        return ig_model_contradiction(m, "field_sizes", err, "%zu fields; at most %d are possible", n, FIELDS_MAX);
    s->size = ig_calloc(n + 1, sizeof *s->size);
    if (!s->size) return ig_error_nomem(err, n * sizeof *s->size);
    for (const ig_tree *t = list ? list->child : NULL; t; t = t->next) s->V += s->size[i++] = t->integer;
    s->shape.indices = (int64_t)n;
    s->shape.sizes = s->size;
    return IG_OK;
}

static ig_status make_offsets(ig_model *m, deepfm *s, ig_error *err) {
    int64_t at = 0;
    if (s->shape.indices == 0) return IG_OK;
    IG_TRY(ig_tensor_zeros(m->ctx, IG_DTYPE_I64, 1, &s->shape.indices, &s->offsets, err));
    for (int64_t f = 0; f < s->shape.indices; at += s->size[f++]) ((int64_t *)s->offsets.data)[f] = at;
    return IG_OK;
}

static ig_status read_hidden(const ig_model *m, deepfm *s, ig_error *err) {
    const ig_tree *list = ig_tree_get(ig_doc_root(m->config), "hidden_sizes");
    if (list && list->count > DEEPFM_HIDDEN_MAX)
        return ig_model_contradiction(m, "hidden_sizes", err, "%zu layers; at most %d are possible", list->count,
                                      DEEPFM_HIDDEN_MAX);
    for (const ig_tree *t = list ? list->child : NULL; t; t = t->next) s->width[s->hidden++] = t->integer;
    for (; !list && s->hidden < 3; s->hidden++) s->width[s->hidden] = 400;
    return IG_OK;
}

static ig_status read_parts(const ig_model *m, deepfm *s, ig_error *err) {
    const ig_tree *parts = ig_tree_get(ig_doc_root(m->config), "parts");
    s->linear = ig_tree_bool(parts, "linear", !parts);
    s->fm = ig_tree_bool(parts, "fm", !parts);
    s->deep = ig_tree_bool(parts, "deep", !parts);
    if (s->linear || s->fm || s->deep) return IG_OK;
    return ig_model_contradiction(m, "parts", err, "none is true: name linear, fm or deep, or leave parts out for all of them");
}

void deepfm_read_dropout(const ig_model *m, deepfm *s) { s->dropout = ig_tree_real(ig_doc_root(m->config), "dropout", 0); }

ig_status deepfm_read_config(ig_model *m, deepfm *s, ig_error *err) {
    const ig_tree *t = ig_doc_root(m->config);
    s->shape.numbers = ig_tree_int(t, "num_numbers", 0);
    s->shape.regression = strcmp(ig_tree_text(t, "problem_type", ""), "regression") == 0;
    s->K = ig_tree_int(t, "embedding_size", 10);
    deepfm_read_dropout(m, s);
    IG_TRY(read_sizes(m, s, err));
    IG_TRY(read_hidden(m, s, err));
    IG_TRY(read_parts(m, s, err));
    if (s->shape.numbers + s->shape.indices == 0)
        return ig_model_contradiction(m, "model_type", err, "expected num_numbers or field_sizes: what a row holds");
    if (!s->shape.regression) IG_TRY(ig_model_read_labels(m, &s->L, err));
    if (!s->shape.regression && s->L != 2)
        return ig_model_contradiction(m, "id2label", err, "%lld classes; expected two", (long long)s->L);
    return make_offsets(m, s, err);
}
