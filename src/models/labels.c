/* models/labels.c: names and number of the labels, which config.json gives as Hugging Face writes them:
 *
 *     "id2label": {"0": "bad", "1": "good"}        or, without names,      "num_labels": 2
 */
#include "models/labels.h"
#include "models/model.h"

static const ig_tree *root(const ig_model *m) { return ig_doc_root(m->config); }

static int64_t size_or(const ig_model *m, const char *key, int64_t otherwise) {
    const ig_tree *v = ig_tree_get(root(m), key);
    return v && v->type == IG_TREE_INT ? v->integer : otherwise;
}

static const char *label_key(int64_t i, char buf[24]) {
    snprintf(buf, 24, "%lld", (long long)i);
    return buf;
}

ig_status ig_model_read_labels(const ig_model *m, int64_t *out, ig_error *err) {
    const ig_tree *names = ig_tree_get(root(m), "id2label");
    char key[24];
    *out = size_or(m, "num_labels", 2);
    if (!names || names->type != IG_TREE_MAP) return IG_OK;
    if (names->count < 1 || names->count > LABELS_MAX)
        return ig_model_contradiction(m, "id2label", err, "%zu labels; 1 to %d are possible", names->count, LABELS_MAX);
    for (int64_t i = 0; i < (int64_t)names->count; i++)
        if (!ig_tree_get(names, label_key(i, key)))
            return ig_model_contradiction(m, "id2label", err, "has %zu labels, but none with the number %s", names->count, key);
    *out = (int64_t)names->count;
    if (size_or(m, "num_labels", *out) == *out) return IG_OK;
    return ig_model_contradiction(m, "num_labels", err, "id2label names %lld labels", (long long)*out);
}

/* {"0": "LABEL_0", "1": "LABEL_1"} */
ig_status ig_model_name_labels(ig_model *m, int64_t count, ig_error *err) {
    const ig_tree *names = ig_tree_get(root(m), "id2label");
    if (names && names->type == IG_TREE_MAP) return IG_OK;
    ig_buf text = {.max = 64 * LABELS_MAX};
    ig_buf_putc(&text, '{');
    for (int64_t i = 0; i < count; i++)
        ig_buf_printf(&text, "%s\"%lld\": \"LABEL_%lld\"", i ? ", " : "", (long long)i, (long long)i);
    ig_buf_putc(&text, '}');
    ig_status status = ig_buf_status(&text, err);
    if (status == IG_OK) status = ig_doc_set(m->config, "id2label", text.data, err);
    ig_buf_fini(&text);
    return status;
}

const char *ig_model_label(const ig_model *m, int64_t i) {
    char key[24];
    return ig_tree_text(ig_tree_get(root(m), "id2label"), label_key(i, key), "");
}
