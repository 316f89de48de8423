/* train/task_labels.c: texts, or pairs of texts, with a label to predict, or with a number (a cross-encoder: Nogueira & Cho
 * 2019).
 *
 *     labels   logits [B,L]   loss = -Σ q·log softmax(logits)                  q = a label's weight, smoothed, over all weights
 *     scores   logit  [B,1]   loss = Σ w·(softplus(z) - z·y), or Σ w·(z - y)²  w = 1/rows, 0 for padding
 *
 * q is filled per batch, so that class weights and label smoothing are those of PyTorch's CrossEntropyLoss, and a batch that is
 * not full needs no case of its own.
 */
#include <math.h>
#include <string.h>

#include "train/corpus.h"
#include "train/task.h"
#include "train/texts.h"

typedef struct labels {
    texts d;            /* first: texts_… find it in t->data */
    double *weight;     /* [L] of a class in the loss */
    int64_t *hits, *said, *are; /* [L]: of one evaluation */
    double sum[6];      /* scores, of one evaluation: n, x, y, xx, yy, xy */
} labels;

enum { LABELS_Q = TEXTS_MORE, LABELS_ARE };                 /* [B,L], i64 [B]: -1 for padding */
enum { SCORES_TARGET = TEXTS_MORE, SCORES_WEIGHT };         /* [B,1] both */
enum { ACCURACY, MACRO_F1 };
enum { CORRELATION, MAE };

static bool is_scores(const trainer *t) { return t->r->data.task == &train_task_scores; }
static bool is_regression(const trainer *t) {
    return strcmp(ig_tree_text(ig_tree_path(ig_doc_root(t->r->doc), "scores"), "loss", "bce"), "mse") == 0;
}

/* ---- data ---- */

static labels *make_data(trainer *t, ig_error *err) {
    t->data = ig_calloc(1, sizeof(labels));
    if (!t->data) ig_error_nomem(err, sizeof(labels));
    return t->data;
}

/* A model that classifies already keeps its classes, unless the recipe asks for a head of its own. */
static bool keeps_classes(const trainer *t) {
    const ig_family *f = t->model ? t->model->family : NULL;
    return f && !t->r->model.head && f->label_count && f->label_count(t->model) > 0;
}

static ig_status classes_of_model(const trainer *t, labels *x, ig_error *err) {
    size_t n = (size_t)t->model->family->label_count(t->model);
    const char **names = ig_calloc(n, sizeof *names);
    if (!names) return ig_error_nomem(err, n * sizeof *names);
    for (size_t i = 0; i < n; i++) names[i] = t->model->family->label(t->model, (int64_t)i);
    ig_status status = ig_classes_of_names(names, n, &x->d.classes, err);
    ig_free(names);
    return status;
}

static ig_status classify_rows(const trainer *t, labels *x, ig_error *err) {
    ig_problems problems = {0};
    ig_status status = ig_text_rows_classify(&x->d.x, &x->d.classes, &problems, err);
    if (status == IG_OK && problems.count) status = task_refuse(t->r, &problems, err);
    ig_problems_fini(&problems);
    return status;
}

/* n / (L·nᵢ): every class counts the same in the sum of an epoch. */
static void weigh(const trainer *t, labels *x) {
    size_t L = x->d.classes.count;
    bool balanced = strcmp(ig_tree_text(ig_tree_path(ig_doc_root(t->r->doc), "data"), "class_weights", "none"),
                           "balanced") == 0;
    for (size_t i = 0; i < L; i++) x->weight[i] = balanced ? 0 : 1;
    if (!balanced) return;
    for (size_t i = 0; i < x->d.train_rows; i++) x->weight[x->d.x.row[i].label]++;
    for (size_t i = 0; i < L; i++) x->weight[i] = x->weight[i] > 0 ? (double)x->d.train_rows / ((double)L * x->weight[i]) : 0;
}

static ig_status labels_load(trainer *t, ig_error *err) {
    labels *x = make_data(t, err);
    if (!x) return IG_E_NOMEM;
    if (ig_tree_get(t->r->model.config, "id2label") || ig_tree_get(t->r->model.config, "num_labels"))
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0,
                           "model.config: the labels are those of the data; leave id2label and num_labels out");
    IG_TRY(texts_load(t, &x->d, 1u << IG_TEXT_FIRST | 1u << IG_TEXT_LABEL, 1u << IG_TEXT_SECOND, err));
    IG_TRY(keeps_classes(t) ? classes_of_model(t, x, err) : ig_classes_of_rows(&x->d.x, x->d.train_rows, &x->d.classes, err));
    size_t L = x->d.classes.count;
    if (L < 2) return ig_error_at(err, IG_E_FORMAT, t->r->data.train[0], 0,
                                  "there is one label only, \"%.60s\": nothing to tell apart", x->d.classes.name[0]);
    IG_TRY(classify_rows(t, x, err));
    x->weight = ig_calloc(L, sizeof *x->weight);
    x->hits = ig_calloc(L, sizeof *x->hits), x->said = ig_calloc(L, sizeof *x->said), x->are = ig_calloc(L, sizeof *x->are);
    if (!x->weight || !x->hits || !x->said || !x->are) return ig_error_nomem(err, L * sizeof *x->hits);
    weigh(t, x);
    return IG_OK;
}

static ig_status scores_load(trainer *t, ig_error *err) {
    labels *x = make_data(t, err);
    if (!x) return IG_E_NOMEM;
    if (ig_tree_get(t->r->model.config, "id2label") || ig_tree_get(t->r->model.config, "num_labels"))
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0,
                           "model.config: a score has one logit; leave id2label and num_labels out");
    IG_TRY(texts_load(t, &x->d, 1u << IG_TEXT_FIRST | 1u << IG_TEXT_SCORE, 1u << IG_TEXT_SECOND, err));
    for (size_t i = 0; i < x->d.x.count && !is_regression(t); i++) {
        const ig_text_row *row = &x->d.x.row[i];
        if (row->score < 0 || row->score > 1)
            return ig_error_at(err, IG_E_FORMAT, task_file(t->r, row->file), (int)row->line,
                               "the score %g is not between 0 and 1, as scores.loss bce needs it; mse takes any", row->score);
    }
    return IG_OK;
}

/* ---- config.json ---- */

static void labels_config(const trainer *t, const ig_schema_field *fields, ig_json *j) {
    const labels *x = t->data;
    if (recipe_has_field(fields, "id2label")) texts_put_classes(j, &x->d.classes);
    bool said = ig_tree_get(t->r->model.config, "problem_type") != NULL;
    if (recipe_has_field(fields, "problem_type") && !said) ig_json_key(j, "problem_type"),
        ig_json_text(j, "single_label_classification");
}

static void scores_config(const trainer *t, const ig_schema_field *fields, ig_json *j) {
    char *name[] = {(char[]){"score"}};
    if (recipe_has_field(fields, "id2label")) texts_put_classes(j, &(ig_classes){.name = name, .count = 1});
    if (recipe_has_field(fields, "problem_type") && !ig_tree_get(t->r->model.config, "problem_type")) {
        ig_json_key(j, "problem_type");
        ig_json_text(j, is_regression(t) ? "regression" : "multi_label_classification");
    }
}

static ig_status check(const trainer *t, ig_error *err) {
    const labels *x = t->data;
    int64_t count = t->model->family->label_count(t->model), wanted = is_scores(t) ? 1 : (int64_t)x->d.classes.count;
    if (count != wanted)
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0,
                           "the model has %lld labels and the data %lld; model.head: classify gives it a head for the data",
                           (long long)count, (long long)wanted);
    return corpus_check(t, err);
}

/* ---- batches ---- */

static ig_status make(trainer *t, ig_error *err) {
    labels *x = t->data;
    IG_TRY(texts_encode(t, &x->d, false, err));
    return texts_make(t, &x->d, 1, err);
}

static ig_status inputs(trainer *t, train_shape *s, ig_error *err) {
    const labels *x = t->data;
    int64_t size[2] = {s->rows, is_scores(t) ? 1 : (int64_t)x->d.classes.count};
    IG_TRY(texts_inputs(t, s, 1, err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 2, size, &s->in[TEXTS_MORE], err));
    if (is_scores(t)) return ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 2, size, &s->in[SCORES_WEIGHT], err);
    return ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, size, &s->in[LABELS_ARE], err);
}

/* q [B,L] of PyTorch's weighted, smoothed mean. */
static void fill_labels(const trainer *t, const labels *x, train_shape *s, const int64_t *rows, int64_t n) {
    int64_t L = (int64_t)x->d.classes.count, *are = s->in[LABELS_ARE].data;
    bool training = s != &t->held;
    double all = 0, smooth = training ? t->r->regularise.label_smoothing : 0;
    float *q = s->in[LABELS_Q].data;
    for (int64_t i = 0; i < s->rows; i++) {
        are[i] = i < n && rows[i] >= 0 ? x->d.x.row[rows[i]].label : -1;
        if (are[i] >= 0) all += training ? x->weight[are[i]] : 1;
    }
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t c = 0; c < L; c++) {
            double share = (1 - smooth) * (c == are[i]) + smooth / (double)L;
            q[i * L + c] = are[i] < 0 ? 0 : (float)(share * (training ? x->weight[c] : 1) / all);
        }
}

static void fill_scores(const labels *x, train_shape *s, const int64_t *rows, int64_t n) {
    float *target = s->in[SCORES_TARGET].data, *weight = s->in[SCORES_WEIGHT].data;
    int64_t there = 0;
    for (int64_t i = 0; i < n; i++) there += rows[i] >= 0;
    for (int64_t i = 0; i < s->rows; i++) {
        bool is = i < n && rows[i] >= 0;
        target[i] = is ? (float)x->d.x.row[rows[i]].score : 0;
        weight[i] = is ? 1 / (float)there : 0;
    }
}

static void fill_rows(trainer *t, train_shape *s, const int64_t *rows, int64_t n) {
    labels *x = t->data;
    for (int64_t i = 0; i < s->rows; i++) texts_fill(&x->d, s, i, i < n ? rows[i] : -1);
    if (is_scores(t)) fill_scores(x, s, rows, n);
    else fill_labels(t, x, s, rows, n);
}

static ig_status fill(trainer *t, int64_t batch, int *shape, int64_t *counted, ig_error *err) {
    (void)err;
    *shape = ig_row_batches_pick(&t->rows, batch, t->rows_of_batch);
    fill_rows(t, &t->shape[*shape], t->rows_of_batch, t->r->train.batch);
    for (int64_t i = 0; i < t->r->train.batch; i++) *counted += t->rows_of_batch[i] >= 0;
    return IG_OK;
}

/* The first run of an evaluation forgets the one before. */
static ig_status fill_held(trainer *t, int64_t i, int64_t *counted, ig_error *err) {
    labels *x = t->data;
    int64_t rows[EVALUATION_ROWS_MAX];
    (void)err;
    if (i == 0) {
        memset(x->sum, 0, sizeof x->sum);
        for (size_t c = 0; c < x->d.classes.count; c++) x->hits[c] = x->said[c] = x->are[c] = 0;
    }
    *counted = texts_held_rows(t, &x->d, i, rows);
    fill_rows(t, &t->held, rows, t->held.rows);
    return IG_OK;
}

/* ---- losses ---- */

static ig_var *logits_of(trainer *t, const ig_pass *p, const train_shape *s) {
    ig_var *tokens = ig_input(p->g, "tokens", &s->in[TEXTS_TOKENS]), *lengths = ig_input(p->g, "lengths",
        &s->in[TEXTS_LENGTHS]);
    return t->model->family->classify(t->model, p, tokens, texts_types(t, p, s), lengths);
}

static ig_var *labels_loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count) {
    ig_graph *g = p->g;
    ig_var *logits = more[(*count)++] = logits_of(t, p, s);
    return ig_neg(g, ig_sum(g, ig_mul(g, ig_log_softmax(g, logits, 1), ig_input(g, "q", &s->in[LABELS_Q])), 0, false));
}

/* softplus(z) = max(z, 0) + log(1 + exp(-|z|)) is exact where exp(z) overflows. */
static ig_var *binary(ig_graph *g, ig_var *z, ig_var *y) {
    ig_var *softplus = ig_add(g, ig_relu(g, z), ig_log1p(g, ig_exp(g, ig_neg(g, ig_abs(g, z)))));
    return ig_sub(g, softplus, ig_mul(g, z, y));
}

static ig_var *scores_loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count) {
    ig_graph *g = p->g;
    ig_var *z = more[(*count)++] = logits_of(t, p, s), *y = ig_input(g, "target", &s->in[SCORES_TARGET]);
    ig_var *each = is_regression(t) ? ig_square(g, ig_sub(g, z, y)) : binary(g, z, y);
    return ig_sum(g, ig_mul(g, each, ig_input(g, "weight", &s->in[SCORES_WEIGHT])), 0, false);
}

/* ---- figures ---- */

static int64_t largest(const ig_tensor *logits, int64_t row) {
    int64_t L = logits->shape[1], best = 0;
    for (int64_t c = 1; c < L; c++)
        if (ig_tensor_get(logits, row * L + c) > ig_tensor_get(logits, row * L + best)) best = c;
    return best;
}

static void labels_watch(trainer *t, const train_shape *s, const ig_tensor *const *more, task_sums *sums) {
    labels *x = t->data;
    const int64_t *are = s->in[LABELS_ARE].data;
    for (int64_t i = 0; i < s->rows; i++) {
        if (are[i] < 0) continue;
        int64_t said = largest(more[0], i);
        sums->sum[ACCURACY] += said == are[i], sums->count++;
        if (s != &t->held) continue;
        x->said[said]++, x->are[are[i]]++;
        x->hits[said] += said == are[i];
    }
    sums->sum[MACRO_F1] = NAN; /* of a whole evaluation only */
}

/* F1 of a class that is neither said nor there has no value and is left out. */
static ig_status labels_conclude(trainer *t, const task_sums *sums, double *figures, ig_error *err) {
    const labels *x = t->data;
    double f1 = 0, classes = 0;
    (void)sums, (void)err;
    for (size_t c = 0; c < x->d.classes.count; c++) {
        if (!(x->said[c] + x->are[c])) continue;
        f1 += 2 * (double)x->hits[c] / (double)(x->said[c] + x->are[c]), classes++;
    }
    figures[MACRO_F1] = classes > 0 ? f1 / classes : NAN;
    return IG_OK;
}

static void scores_watch(trainer *t, const train_shape *s, const ig_tensor *const *more, task_sums *sums) {
    labels *x = t->data;
    const float *target = s->in[SCORES_TARGET].data, *weight = s->in[SCORES_WEIGHT].data;
    for (int64_t i = 0; i < s->rows; i++) {
        if (weight[i] == 0) continue;
        double z = ig_tensor_get(more[0], i), y = target[i], said = is_regression(t) ? z : 1 / (1 + exp(-z));
        double add[6] = {1, said, y, said * said, y * y, said * y};
        sums->sum[MAE] += fabs(said - y), sums->count++;
        for (int k = 0; k < 6 && s == &t->held; k++) x->sum[k] += add[k];
    }
    sums->sum[CORRELATION] = NAN;
}

/* Pearson's. */
static ig_status scores_conclude(trainer *t, const task_sums *sums, double *figures, ig_error *err) {
    const double *s = ((const labels *)t->data)->sum;
    double xx = s[3] - s[1] * s[1] / s[0], yy = s[4] - s[2] * s[2] / s[0], xy = s[5] - s[1] * s[2] / s[0];
    (void)sums, (void)err;
    figures[CORRELATION] = xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
    return IG_OK;
}

static void release(trainer *t) {
    labels *x = t->data;
    ig_row_batches_fini(&t->rows);
    if (!x) return;
    texts_fini(&x->d);
    ig_free(x->weight);
    ig_free(x->hits), ig_free(x->said), ig_free(x->are);
    ig_free(x);
}

static const char *const keys[] = {"columns", "header", "quotes", "class_weights", NULL};
static const char *const score_keys[] = {"columns", "header", "quotes", NULL};
static const char *const score_parts[] = {"scores", NULL};
static const train_figure label_figures[] = {{"accuracy", true}, {"macro_f1", true}, {0}};
static const train_figure score_figures[] = {{"correlation", true}, {"mae", false}, {0}};

const train_task train_task_labels = {
    .name = "labels", .doc = "tables of texts, or pairs of texts, with a label that is learned", .unit = "rows",
        .tokens = TASK_LEARNED_WORDS,
    .needs = IG_CAN_CLASSIFY, .needs_words = "classify texts", .head = "classify", .keys = keys, .figures = label_figures,
    .load = labels_load, .config = labels_config, .check = check, .make = make, .inputs = inputs, .loss = labels_loss,
        .count = texts_count,
    .fill = fill, .fill_held = fill_held, .watch = labels_watch, .conclude = labels_conclude, .epoch = texts_epoch,
        .where = texts_where,
    .size = texts_size, .release = release,
};

const train_task train_task_scores = {
    .name = "scores", .doc = "tables of texts, or pairs of texts, with a number that is learned, as for reranking",
        .unit = "rows",
    .tokens = TASK_LEARNED_WORDS, .needs = IG_CAN_CLASSIFY, .needs_words = "score texts", .head = "classify",
        .keys = score_keys,
    .parts = score_parts, .figures = score_figures, .load = scores_load, .config = scores_config, .check = check, .make = make,
    .inputs = inputs, .loss = scores_loss, .count = texts_count, .fill = fill, .fill_held = fill_held, .watch = scores_watch,
    .conclude = scores_conclude, .epoch = texts_epoch, .where = texts_where, .size = texts_size, .release = release,
};
