/* models/deepfm/family.c: the family's row in the table, and what commands ask of it. */
#include "models/deepfm/deepfm.h"
#include "models/labels.h"
#include "models/model.h"

/* m->state is set first: whatever fails later, ig_model_free gives back what is there. */
static ig_status build(ig_model *m, ig_error *err) {
    deepfm *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    m->state = s;
    IG_TRY(deepfm_read_config(m, s, err));
    IG_TRY(deepfm_add_parameters(m, s, err));
    return s->shape.regression ? IG_OK : ig_model_name_labels(m, s->L, err);
}

static void free_state(void *state) {
    deepfm *s = state;
    if (!s) return;
    ig_tensor_unref(&s->offsets);
    ig_free(s->size);
    ig_free(s);
}

static ig_status settings(ig_model *m, ig_error *err) {
    (void)err;
    deepfm_read_dropout(m, m->state);
    return IG_OK;
}

static int64_t label_count(const ig_model *m) { return ((const deepfm *)m->state)->L; }

static ig_row_shape row_shape(const ig_model *m) { return ((const deepfm *)m->state)->shape; }

static const char *const model_types[] = {"deepfm", NULL};

const ig_family ig_family_deepfm = {
    .name = "deepfm",
    .doc = "rows of tables: DeepFM, factorisation machines, wide and deep networks, logistic regression",
    .capabilities = IG_CAN_PREDICT,
    .model_types = model_types,
    .config_schema = deepfm_schema,
    .build = build,
    .free_state = free_state,
    .settings = settings,
    .initialise = deepfm_initialise,
    .predict = deepfm_score,
    .row_shape = row_shape,
    .label_count = label_count,
    .label = ig_model_label,
};
