/* ingot/predict.h: what a model says about the rows of a table: a probability, or a number.
 *
 *     row, table ──preparation.json──► numbers [B,D], indices [B,F] ──plan──► probability of class 1, or the number
 *
 * preparation.json stands beside the model: training has written it (ingot/tabular.h).
 */
#ifndef INGOT_PREDICT_H
#define INGOT_PREDICT_H

#include "ingot/models.h"
#include "ingot/tabular.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* One plan of `batch` rows, 1 to 65536.  *m must outlive it.  IG_E_UNSUPPORTED for a model that does not predict, IG_E_FORMAT
 * where preparation.json does not fit it. */
typedef struct ig_predictor ig_predictor;
ig_status ig_predictor_open(ig_model *m, int64_t batch, ig_predictor **out, ig_error *err);
void ig_predictor_close(ig_predictor *p); /* NULL is allowed */
const ig_preparation *ig_predictor_preparation(const ig_predictor *p);
bool ig_predictor_regression(const ig_predictor *p);
/* The name of class 1, whose probability is told; "" of a number. */
const char *ig_predictor_class(const ig_predictor *p);
/* out [x->rows].  *x is made by the predictor's preparation. */
ig_status ig_predictor_run(ig_predictor *p, const ig_prepared *x, double *out, ig_error *err);
/* One JSON object: {"age": 39, "job": "clerk", …}. */
ig_status ig_predictor_object(ig_predictor *p, const char *name, const ig_tree *object, double *out, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
