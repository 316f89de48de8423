/* infer/predict.c: a plan over a batch of rows; see ingot/predict.h. */
#include "ingot/predict.h"

#include <math.h>
#include <string.h>

#define BATCH_MAX 65536

struct ig_predictor {
    ig_model *m;
    ig_preparation *preparation;
    ig_row_shape shape;
    int64_t batch;
    ig_tensor numbers, indices; /* f32 [B,D], i64 [B,F]; no data without columns of their kind */
    ig_plan *plan;              /* → [B] */
};

/* ---- opening and closing ---- */

static ig_status load_preparation(ig_predictor *p, ig_error *err) {
    char path[IG_PATH_MAX];
    if (!p->m->path) return ig_error_set(err, IG_E_STATE, "a model without a folder has no preparation.json");
    IG_TRY(ig_path_join(path, sizeof path, p->m->path, "preparation.json", err));
    IG_TRY(ig_preparation_load(path, &p->preparation, err));
    const ig_preparation *r = p->preparation;
    bool fits = (int64_t)ig_preparation_numbers(r) == p->shape.numbers && (int64_t)ig_preparation_indices(r) == p->shape.indices &&
                (ig_preparation_classes(r) == 0) == p->shape.regression && ig_preparation_texts(r) == 0;
    for (int64_t i = 0; fits && i < p->shape.indices; i++) fits = (int64_t)ig_preparation_vocabulary(r, (size_t)i) <= p->shape.sizes[i];
    if (fits) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, path, 0,
                       "it does not fit the model: its columns are not those of config.json; train the model again");
}

static ig_status record(ig_predictor *p, ig_graph *g, ig_error *err) {
    ig_var *numbers = p->shape.numbers ? ig_input(g, "numbers", &p->numbers) : NULL;
    ig_var *indices = p->shape.indices ? ig_input(g, "indices", &p->indices) : NULL;
    ig_var *y = p->m->family->predict(p->m, &(ig_pass){.g = g}, numbers, indices);
    IG_TRY(ig_graph_status(g, err));
    return ig_capture(g, &y, 1, (ig_plan_opts){0}, &p->plan, err);
}

static ig_status make_plan(ig_predictor *p, ig_error *err) {
    int64_t numbers[2] = {p->batch, p->shape.numbers}, indices[2] = {p->batch, p->shape.indices};
    ig_graph *g = NULL;
    if (numbers[1]) IG_TRY(ig_tensor_zeros(p->m->ctx, IG_DTYPE_F32, 2, numbers, &p->numbers, err));
    if (indices[1]) IG_TRY(ig_tensor_zeros(p->m->ctx, IG_DTYPE_I64, 2, indices, &p->indices, err));
    IG_TRY(ig_graph_new(p->m->ctx, IG_GRAPH_LAZY, &g, err));
    ig_status status = record(p, g, err);
    ig_graph_free(g);
    return status;
}

ig_status ig_predictor_open(ig_model *m, int64_t batch, ig_predictor **out, ig_error *err) {
    *out = NULL;
    if (!ig_model_can(m, IG_CAN_PREDICT))
        return ig_error_set(err, IG_E_UNSUPPORTED, "models of family %s do not predict from rows of a table", m->family->name);
    if (batch < 1 || batch > BATCH_MAX)
        return ig_error_set(err, IG_E_ARG, "a batch of %lld rows: expected 1 to %d", (long long)batch, BATCH_MAX);
    ig_predictor *p = ig_calloc(1, sizeof *p);
    if (!p) return ig_error_nomem(err, sizeof *p);
    p->m = m;
    p->batch = batch;
    p->shape = m->family->row_shape(m);
    ig_status status = load_preparation(p, err);
    if (status == IG_OK) status = make_plan(p, err);
    if (status == IG_OK) *out = p;
    else ig_predictor_close(p);
    return status;
}

void ig_predictor_close(ig_predictor *p) {
    if (!p) return;
    ig_plan_free(p->plan);
    ig_tensor_unref(&p->numbers);
    ig_tensor_unref(&p->indices);
    ig_preparation_free(p->preparation);
    ig_free(p);
}

const ig_preparation *ig_predictor_preparation(const ig_predictor *p) { return p->preparation; }
bool ig_predictor_regression(const ig_predictor *p) { return p->shape.regression; }
const char *ig_predictor_class(const ig_predictor *p) { return p->shape.regression ? "" : p->m->family->label(p->m, 1); }

/* ---- rows ---- */

/* What a batch has behind the last row is computed too, from rows that were there before, and not looked at. */
static ig_status run_batch(ig_predictor *p, const float *numbers, const int32_t *indices, size_t rows, double *out, ig_error *err) {
    size_t D = (size_t)p->shape.numbers, F = (size_t)p->shape.indices;
    if (D) memcpy(p->numbers.data, numbers, rows * D * sizeof *numbers);
    for (size_t i = 0; i < rows * F; i++) ((int64_t *)p->indices.data)[i] = indices[i];
    IG_TRY(ig_plan_run(p->plan, err));
    const float *y = ig_plan_output(p->plan, 0)->data;
    for (size_t i = 0; i < rows; i++) out[i] = p->shape.regression ? (double)y[i] : 1 / (1 + exp(-(double)y[i]));
    return IG_OK;
}

ig_status ig_predictor_run(ig_predictor *p, const ig_prepared *x, double *out, ig_error *err) {
    size_t D = (size_t)p->shape.numbers, F = (size_t)p->shape.indices, B = (size_t)p->batch;
    for (size_t at = 0; at < x->rows; at += B) {
        size_t rows = x->rows - at < B ? x->rows - at : B;
        IG_TRY(run_batch(p, D ? x->numbers + at * D : NULL, F ? x->indices + at * F : NULL, rows, out + at, err));
    }
    return IG_OK;
}

ig_status ig_predictor_object(ig_predictor *p, const char *name, const ig_tree *object, double *out, ig_error *err) {
    float *numbers = ig_calloc((size_t)p->shape.numbers + 1, sizeof *numbers);
    int32_t *indices = ig_calloc((size_t)p->shape.indices + 1, sizeof *indices);
    ig_prepared_row row = {.numbers = numbers, .indices = indices};
    ig_status status = numbers && indices ? IG_OK : ig_error_nomem(err, (size_t)p->shape.numbers * sizeof *numbers);
    if (status == IG_OK) status = ig_preparation_object(p->preparation, name, object, &row, err);
    if (status == IG_OK) status = run_batch(p, numbers, indices, 1, out, err);
    ig_free(numbers);
    ig_free(indices);
    return status;
}
