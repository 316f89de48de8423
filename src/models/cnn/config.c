/* models/cnn/config.c: config.json of a convolutional network. */
#include <string.h>

#include "models/cnn/cnn.h"
#include "models/fields.h"
#include "models/model.h"

#define LABELS_MAX 65536
#define SIDE_MAX 4096

static const ig_schema_field text_map[] = {{.key = "*", .type = IG_TREE_TEXT}, {0}};

static const ig_schema_field schema[] = {
    {.key = "model_type", .type = IG_TREE_TEXT, .required = true, .choices = "cnn"},
    {.key = "network", .type = IG_TREE_TEXT, .doc = "a network that comes with Ingot: resnet20, alexnet_small … (docs/models/cnn.md lists them)"},
    {.key = "layers", .type = IG_TREE_LIST, .doc = "the layers of a network of your own, instead of `network`"},
    {.key = "blocks", .type = IG_TREE_MAP, .doc = "lists of layers that `layers` uses by name"},
    {.key = "image_size", .doc = "rows and columns: one number for both, or [rows, columns]", .otherwise = "as the data says"},
    SIZE("num_channels", 4096, false, "1: grey, 3: colour"),
    {.key = "id2label", .type = IG_TREE_MAP, .nullable = true, .fields = text_map, .doc = "names of the classes, by number"},
    SIZE("num_labels", LABELS_MAX, false, "classes, when id2label does not name them"),
    RATE("dropout", "instead of the rates that the layers name"),
    {0},
};

const ig_schema_field *cnn_schema(const char *model_type) {
    (void)model_type;
    return schema;
}

static ig_status read_size(ig_model *m, cnn_shape *s, ig_error *err) {
    const ig_tree *root = ig_doc_root(m->config), *size = ig_tree_get(root, "image_size");
    if (!size) return ig_model_contradiction(m, "model_type", err, "key \"image_size\" is missing: rows and columns of the pictures");
    const ig_tree *rows = size->type == IG_TREE_LIST ? size->child : size, *columns = rows && rows->next && size->type == IG_TREE_LIST ? rows->next : rows;
    bool good = rows && rows->type == IG_TREE_INT && columns->type == IG_TREE_INT && (size->type != IG_TREE_LIST || size->count == 2) &&
                rows->integer >= 1 && rows->integer <= SIDE_MAX && columns->integer >= 1 && columns->integer <= SIDE_MAX;
    if (!good) return ig_model_contradiction(m, "image_size", err, "expected a number from 1 to %d, or [rows, columns]", SIDE_MAX);
    *s = (cnn_shape){rows->integer, columns->integer, ig_tree_int(root, "num_channels", 3)};
    return IG_OK;
}

static ig_status unknown_network(const ig_model *m, const char *name, ig_error *err) {
    char known[400] = "";
    size_t len = 0;
    for (size_t i = 0; cnn_network_at(i) && len < sizeof known; i++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "", cnn_network_at(i)->name);
    return ig_model_contradiction(m, "network", err, "\"%.60s\" is none of %s", name, known);
}

static ig_status read_network(ig_model *m, cnn *s, ig_error *err) {
    const ig_tree *root = ig_doc_root(m->config), *name = ig_tree_get(root, "network");
    if (!name == !ig_tree_get(root, "layers"))
        return ig_model_contradiction(m, name ? "network" : "model_type", err, "expected either network or layers, found %s", name ? "both" : "none");
    if (!name) return cnn_read_layers(m, s, "config.json", root, NULL, err);
    const cnn_network *known = cnn_network_by_name(name->text);
    if (!known) return unknown_network(m, name->text, err);
    ig_doc *d = NULL;
    IG_TRY(ig_yaml_parse(known->name, known->text, strlen(known->text), &d, err));
    ig_status status = cnn_read_layers(m, s, known->name, ig_doc_root(d), known->arguments, err);
    ig_doc_free(d);
    return status;
}

void cnn_read_dropout(const ig_model *m, cnn *s) {
    const ig_tree *rate = ig_tree_get(ig_doc_root(m->config), "dropout");
    s->dropout_given = rate != NULL;
    s->dropout = rate ? rate->real : 0;
}

ig_status cnn_read_config(ig_model *m, cnn *s, ig_error *err) {
    const ig_tree *root = ig_doc_root(m->config), *names = ig_tree_get(root, "id2label");
    s->labels = names && names->type == IG_TREE_MAP ? (int64_t)names->count : ig_tree_int(root, "num_labels", 0);
    if (s->labels < 1 || s->labels > LABELS_MAX)
        return ig_model_contradiction(m, "model_type", err, "expected id2label or num_labels, from 1 to %d classes", LABELS_MAX);
    cnn_read_dropout(m, s);
    IG_TRY(read_size(m, &s->input, err));
    IG_TRY(read_network(m, s, err));
    const cnn_shape *out = s->layers.count ? &s->layers.item[s->layers.count - 1].out : &s->input;
    if (out->height == 0 && out->channels == s->labels) return IG_OK;
    return ig_model_contradiction(m, "model_type", err, "the network ends in %lld %s, expected {linear: labels}: %lld", (long long)out->channels,
                                  out->height ? "channels of a picture" : "numbers", (long long)s->labels);
}
