/* train/task_table.c: rows of a table with a class or a number each (ingot/tabular.h), for models that predict.
 *
 *     data: {kind: table, train: clients.csv, label: left, validation: 0.2, types: {zip: category, name: id}}
 *
 * A step takes B rows [B,D], [B,F]; every epoch has an order of its own, and a batch may run over its end.
 */
#include <math.h>
#include <string.h>

#include "ingot/data.h"
#include "ingot/stats.h"
#include "train/table_data.h"

#define HELD_BATCH_MAX 256
#define STREAM_ORDER 0x7461626c65 /* of Philox: "table" */

enum { NUMBERS, INDICES, CLASS, NUMBER, WEIGHT };
enum { AUC, LOG_LOSS, ACCURACY, RMSE, MAE };

static table_data *data_of(const trainer *t) { return t->data; }

static ig_status load(trainer *t, ig_error *err) {
    table_data *d = ig_calloc(1, sizeof *d);
    if (!d) return ig_error_nomem(err, sizeof *d);
    t->data = d;
    return table_data_load(t, d, err);
}

/* ---- the model ---- */

static void put_labels(const ig_preparation *p, ig_json *j) {
    ig_json_key(j, "id2label"), ig_json_open(j, '{');
    ig_json_key(j, "0"), ig_json_text(j, ig_preparation_class(p, 0));
    ig_json_key(j, "1"), ig_json_text(j, ig_preparation_class(p, 1));
    ig_json_close(j, '}');
}

static void config(const trainer *t, const ig_schema_field *fields, ig_json *j) {
    const table_data *d = data_of(t);
    const ig_tree *given = t->r->model.config;
    (void)fields;
    if (!ig_tree_get(given, "num_numbers")) ig_json_key(j, "num_numbers"), ig_json_int(j, (int64_t)ig_preparation_numbers(d->preparation));
    if (!ig_tree_get(given, "field_sizes")) {
        ig_json_key(j, "field_sizes"), ig_json_open(j, '[');
        for (size_t i = 0; i < ig_preparation_indices(d->preparation); i++) ig_json_int(j, (int64_t)ig_preparation_vocabulary(d->preparation, i));
        ig_json_close(j, ']');
    }
    if (!ig_tree_get(given, "problem_type")) ig_json_key(j, "problem_type"), ig_json_text(j, d->regression ? "regression" : "single_label_classification");
    if (!d->regression && !ig_tree_get(given, "id2label")) put_labels(d->preparation, j);
}

static ig_status check(const trainer *t, ig_error *err) {
    const table_data *d = data_of(t);
    ig_row_shape s = t->model->family->row_shape(t->model);
    int64_t D = (int64_t)ig_preparation_numbers(d->preparation), F = (int64_t)ig_preparation_indices(d->preparation);
    if (s.regression != d->regression)
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0, "data.label_is: the model predicts %s",
                           s.regression ? "a number" : "a class");
    if (s.numbers != D || s.indices != F)
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0,
                           "the table gives %lld numbers and %lld indices, the model takes %lld and %lld", (long long)D,
                           (long long)F, (long long)s.numbers, (long long)s.indices);
    for (int64_t i = 0; i < F; i++)
        if ((int64_t)ig_preparation_vocabulary(d->preparation, (size_t)i) > s.sizes[i])
            return ig_error_at(err, IG_E_FORMAT, t->r->file, 0,
                               "model.config.field_sizes: field %lld has %zu values, and its size is %lld", (long long)i,
                               ig_preparation_vocabulary(d->preparation, (size_t)i), (long long)s.sizes[i]);
    return IG_OK;
}

static ig_status save(const trainer *t, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, dir, "preparation.json", err));
    return ig_preparation_save(data_of(t)->preparation, path, err);
}

/* ---- batches ---- */

static ig_status make(trainer *t, ig_error *err) {
    const table_data *d = data_of(t);
    (void)err;
    t->shapes = 1;
    t->shape[0].rows = t->r->train.batch;
    t->shape[0].length = 1;
    t->units_per_step = t->r->train.batch * t->r->train.accumulate;
    t->held_rows = (int64_t)d->held_rows;
    t->validates = d->held_rows > 0;
    if (!t->validates) return IG_OK;
    t->held.length = 1;
    t->held.rows = t->held_rows < HELD_BATCH_MAX ? t->held_rows : HELD_BATCH_MAX;
    t->held_runs = (t->held_rows - 1) / t->held.rows + 1;
    return IG_OK;
}

static ig_status inputs(trainer *t, train_shape *s, ig_error *err) {
    ig_row_shape shape = t->model->family->row_shape(t->model);
    int64_t numbers[2] = {s->rows, shape.numbers}, indices[2] = {s->rows, shape.indices};
    if (shape.numbers) IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 2, numbers, &s->in[NUMBERS], err));
    if (shape.indices) IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, indices, &s->in[INDICES], err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, &s->rows, &s->in[CLASS], err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 1, &s->rows, &s->in[NUMBER], err));
    return ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 1, &s->rows, &s->in[WEIGHT], err);
}

static void fill_row(const trainer *t, train_shape *s, int64_t i, const ig_prepared *x, size_t row) {
    ig_row_shape shape = t->model->family->row_shape(t->model);
    size_t D = (size_t)shape.numbers, F = (size_t)shape.indices;
    if (D) memcpy((float *)s->in[NUMBERS].data + (size_t)i * D, x->numbers + row * D, D * sizeof(float));
    for (size_t f = 0; f < F; f++) ((int64_t *)s->in[INDICES].data)[(size_t)i * F + f] = x->indices[row * F + f];
    ((int64_t *)s->in[CLASS].data)[i] = data_of(t)->regression ? 0 : (int64_t)x->label[row];
    ((float *)s->in[NUMBER].data)[i] = (float)x->label[row];
    ((float *)s->in[WEIGHT].data)[i] = 1;
}

static uint64_t order_of_epoch(const table_data *d, uint64_t epoch) {
    uint32_t word[4];
    ig_philox(d->seed, STREAM_ORDER, epoch, word);
    return (uint64_t)word[0] << 32 | word[1];
}

static ig_status fill(trainer *t, int64_t batch, int *shape, int64_t *counted, ig_error *err) {
    const table_data *d = data_of(t);
    int64_t B = t->r->train.batch;
    (void)err;
    for (int64_t i = 0; i < B; i++) {
        uint64_t at = (uint64_t)(batch * B + i), n = d->rows;
        size_t row = d->row[ig_permute(order_of_epoch(d, at / n), n, at % n)];
        t->rows_of_batch[i] = (int64_t)row;
        fill_row(t, &t->shape[0], i, &d->train, row);
    }
    *shape = 0;
    *counted = B;
    return IG_OK;
}

/* What stands behind the last row has no class and no weight. */
static ig_status fill_held(trainer *t, int64_t run, int64_t *counted, ig_error *err) {
    table_data *d = data_of(t);
    int64_t B = t->held.rows, left = t->held_rows - run * B;
    (void)err;
    if (run == 0) d->measured = 0;
    *counted = left < B ? left : B;
    for (int64_t i = 0; i < B; i++) {
        fill_row(t, &t->held, i, d->held_in, d->held[i < *counted ? run * B + i : 0]);
        if (i < *counted) continue;
        ((int64_t *)t->held.in[CLASS].data)[i] = IG_NO_TARGET;
        ((float *)t->held.in[WEIGHT].data)[i] = 0;
    }
    return IG_OK;
}

/* ---- loss ---- */

/* Cross-entropy of the classes' logits (0, z). */
static ig_var *class_loss(const trainer *t, const ig_pass *p, const train_shape *s, ig_var *z) {
    int64_t column[2] = {s->rows, 1};
    ig_var *both[2] = {ig_full(p->g, IG_DTYPE_F32, 2, column, 0), ig_reshape(p->g, z, 2, column)};
    ig_cross_entropy_opts opts = {.has_ignore = true, .ignore_index = IG_NO_TARGET, .label_smoothing = p->training ? t->r->regularise.label_smoothing : 0};
    return ig_cross_entropy(p->g, ig_concat(p->g, both, 2, 1), ig_input(p->g, "class", &s->in[CLASS]), opts);
}

static ig_var *number_loss(const ig_pass *p, const train_shape *s, ig_var *y) {
    ig_graph *g = p->g;
    ig_var *weight = ig_input(g, "weight", &s->in[WEIGHT]), *error = ig_sub(g, y, ig_input(g, "number", &s->in[NUMBER]));
    return ig_div(g, ig_sum(g, ig_mul(g, weight, ig_square(g, error)), 0, false), ig_sum(g, weight, 0, false));
}

static ig_var *loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count) {
    ig_row_shape shape = t->model->family->row_shape(t->model);
    ig_var *numbers = shape.numbers ? ig_input(p->g, "numbers", &s->in[NUMBERS]) : NULL;
    ig_var *indices = shape.indices ? ig_input(p->g, "indices", &s->in[INDICES]) : NULL;
    ig_var *y = t->model->family->predict(t->model, p, numbers, indices);
    if (!p->training) more[(*count)++] = y;
    return shape.regression ? number_loss(p, s, y) : class_loss(t, p, s, y);
}

/* ---- figures ---- */

static void watch(trainer *t, const train_shape *s, const ig_tensor *const *more, task_sums *sums) {
    table_data *d = data_of(t);
    const float *y = more[0]->data, *weight = s->in[WEIGHT].data;
    for (int64_t i = 0; i < s->rows && d->measured < d->held_rows; i++) {
        if (weight[i] == 0) continue;
        d->truth[d->measured] = d->held_in->label[d->held[d->measured]];
        d->said[d->measured++] = d->regression ? (double)y[i] : 1 / (1 + exp(-(double)y[i]));
        sums->count++;
    }
}

static ig_status conclude(trainer *t, const task_sums *sums, double *figures, ig_error *err) {
    static const ig_stats_metric metric[] = {[AUC] = IG_METRIC_AUC, [LOG_LOSS] = IG_METRIC_LOG_LOSS, [RMSE] = IG_METRIC_RMSE, [MAE] = IG_METRIC_MAE};
    const table_data *d = data_of(t);
    ig_cases c = {.target = d->truth, .predicted = d->said, .n = d->measured};
    double right = 0;
    (void)sums;
    for (int k = AUC; k <= MAE; k++) {
        figures[k] = NAN;
        if (k != ACCURACY && d->regression == (k >= RMSE) && c.n) IG_TRY(ig_stats_metric_value(metric[k], &c, &figures[k], err));
    }
    for (size_t i = 0; i < c.n; i++) right += (d->said[i] >= 0.5) == (d->truth[i] == 1);
    if (!d->regression && c.n) figures[ACCURACY] = right / (double)c.n;
    return IG_OK;
}

/* ---- telling ---- */

static double epoch(const trainer *t, int64_t batches) {
    return (double)batches * (double)t->r->train.batch / (double)data_of(t)->rows;
}

static void where(const trainer *t, char *buf, size_t size) {
    snprintf(buf, size, "%lld rows in a random order, the first of them row %lld of the table", (long long)t->r->train.batch,
             (long long)t->rows_of_batch[0] + 1);
}

static void size(const trainer *t, int64_t *train, int64_t *held) {
    *train = (int64_t)data_of(t)->rows;
    *held = t->held_rows;
}

static void release(trainer *t) {
    if (!t->data) return;
    table_data_fini(t->data);
    ig_free(t->data);
}

static const char *const keys[] = {"label", "label_is", "types", "scaling", "min_count", "header", NULL};
static const train_figure figures[] = {[AUC] = {"auc", true}, [LOG_LOSS] = {"log_loss", false}, [ACCURACY] = {"accuracy", true},
                                       [RMSE] = {"rmse", false}, [MAE] = {"mae", false}, {0}};

const train_task train_task_table = {
    .name = "table", .doc = "a table with a column that is learned: one of two classes, or a number", .unit = "rows", .tokens = TASK_NO_TOKENS,
    .needs = IG_CAN_PREDICT, .needs_words = "predict from rows of a table", .keys = keys, .figures = figures,
    .load = load, .config = config, .check = check, .make = make, .inputs = inputs, .loss = loss, .fill = fill, .fill_held = fill_held,
    .watch = watch, .conclude = conclude, .epoch = epoch, .where = where, .size = size, .save = save, .release = release,
};
