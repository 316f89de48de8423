/* models/cnn/family.c: the family's row in the table, and what commands ask of it. */
#include <string.h>

#include "models/cnn/cnn.h"
#include "models/model.h"

/* m->state is set first: whatever fails later, ig_model_free gives back what is there. */
static ig_status build(ig_model *m, ig_error *err) {
    cnn *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    m->state = s;
    return cnn_read_config(m, s, err);
}

static void free_state(void *state) {
    cnn *s = state;
    if (!s) return;
    cnn_list_fini(&s->layers);
    ig_free(s);
}

static ig_status settings(ig_model *m, ig_error *err) {
    (void)err;
    cnn_read_dropout(m, m->state);
    return IG_OK;
}

/* Checkpoints of data-parallel training begin every name with "module."; batch norms count their batches. */
static void tensor_name(const ig_model *m, const char *name, char *buf, size_t size) {
    static const char counter[] = "num_batches_tracked";
    size_t len = strlen(name), n = sizeof counter - 1;
    (void)m;
    if (strncmp(name, "module.", 7) == 0) name += 7;
    snprintf(buf, size, "%s", len >= n && strcmp(name + strlen(name) - n, counter) == 0 ? "" : name);
}

static void picture_size(const ig_model *m, int64_t size[3]) {
    const cnn_shape *s = &((const cnn *)m->state)->input;
    size[0] = s->height, size[1] = s->width, size[2] = s->channels;
}

static int64_t label_count(const ig_model *m) { return ((const cnn *)m->state)->labels; }

static const char *label(const ig_model *m, int64_t i) {
    char key[24];
    snprintf(key, sizeof key, "%lld", (long long)i);
    return ig_tree_text(ig_tree_get(ig_doc_root(m->config), "id2label"), key, "");
}

static const char *const model_types[] = {"cnn", NULL};

const ig_family ig_family_cnn = {
    .name = "cnn",
    .doc = "convolutional networks: AlexNet, ResNet, Inception, SqueezeNet, MobileNet, and your own",
    .capabilities = IG_CAN_SEE,
    .model_types = model_types,
    .config_schema = cnn_schema,
    .build = build,
    .free_state = free_state,
    .settings = settings,
    .tensor_name = tensor_name,
    .initialise = cnn_initialise,
    .prepare = cnn_prepare,
    .see = cnn_see,
    .picture_size = picture_size,
    .label_count = label_count,
    .label = label,
};
