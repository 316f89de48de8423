/* models/model.h: for the families: adding parameters to a model. */
#ifndef INGOT_MODELS_MODEL_H
#define INGOT_MODELS_MODEL_H

#include "ingot/models.h"

/* Add a zeroed f32 parameter; weight decay for two and more dimensions.  IG_E_LIMIT where the machine has no memory for
 * it: a config.json from outside may ask for any size. */
ig_status ig_model_add(ig_model *m, const char *name, int ndim, const int64_t *shape, const ig_param **out, ig_error *err);
/* A matrix of ig_nn_dense, or a table of ig_nn_lookup: what ig_model_pack packs. */
ig_status ig_model_add_matrix(ig_model *m, const char *name, int64_t rows, int64_t columns, ig_param_role role,
                              const ig_param **out, ig_error *err);
/* IG_E_UNSUPPORTED at the line of config.json that says it. */
ig_status ig_model_refuse(const ig_model *m, const char *key, ig_error *err, const char *fmt, ...) IG_PRINTF(4, 5);
/* IG_E_FORMAT in the same way. */
ig_status ig_model_contradiction(const ig_model *m, const char *key, ig_error *err, const char *fmt, ...) IG_PRINTF(4, 5);

extern const ig_family ig_family_gpt, ig_family_bert, ig_family_cnn, ig_family_lstm, ig_family_als, ig_family_deepfm;

#endif
