/* train/train_plans.c: the step and the evaluation as plans.
 *
 *     accumulate 1     micro:   inputs, key → loss → gradients → update        outputs: loss, gradient norm, what the task watches
 *     accumulate n     micro:   … → gradients → buffers += gradients           outputs: loss, what the task watches
 *                      update:  buffers / n → update, buffers = 0              outputs: gradient norm
 *     evaluation       inputs → loss                                           outputs: loss, what the task watches
 *
 * A shape of the feed has a micro plan of its own.  Recorded and captured once; a step fills the inputs and runs.
 */
#include "train/feed.h"

#define EVALUATION_LOGITS_MAX ((int64_t)32 << 20) /* elements */

ig_var *train_token_loss(trainer *t, const ig_pass *p, const ig_tensor *tokens, const ig_tensor *targets, bool all) {
    ig_var *logits = t->model->family->logits(t->model, p, ig_input(p->g, "tokens", tokens), NULL); /* [B,T,V] */
    ig_cross_entropy_opts opts = {.has_ignore = !all, .ignore_index = IG_NO_TARGET};
    if (p->training) opts.label_smoothing = t->r->regularise.label_smoothing;
    return ig_cross_entropy(p->g, logits, ig_input(p->g, "targets", targets), opts);
}

static ig_status capture(ig_graph *g, ig_var *const *outputs, int count, ig_plan **out, ig_error *err) {
    IG_TRY(ig_graph_status(g, err));
    return ig_capture(g, outputs, count, (ig_plan_opts){0}, out, err);
}

/* Without `count` all micro steps count the same. */
static ig_var *step_loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count) {
    const train_task *task = t->r->data.task;
    ig_var *loss = task->loss(t, p, s, more, count);
    if (!task->count || t->r->train.accumulate == 1) return loss;
    return ig_sum(p->g, ig_mul(p->g, loss, ig_input(p->g, "share", &t->share)), 0, false);
}

static ig_status record_micro(trainer *t, ig_graph *g, train_shape *s, ig_error *err) {
    bool accumulates = t->r->train.accumulate > 1;
    ig_pass pass = {.g = g, .training = true, .bf16 = t->bf16, .recompute = t->r->train.recompute, .key = ig_input(g, "key", &t->key)};
    ig_var *more[TRAIN_OUTPUTS_MAX], *outputs[2 + TRAIN_OUTPUTS_MAX];
    int count = 1;
    outputs[0] = step_loss(t, &pass, s, more, &s->more);
    ig_backward(g, outputs[0]);
    if (accumulates) ig_optim_record_accumulate(t->optim, g);
    else outputs[count++] = ig_optim_record(t->optim, g, 1);
    for (int k = 0; k < s->more; k++) outputs[count++] = more[k];
    return capture(g, outputs, count, &s->plan, err);
}

static ig_status record_update(trainer *t, ig_graph *g, train_shape *s, ig_error *err) {
    (void)s;
    ig_var *norm = ig_optim_record_from_buffers(t->optim, g, 1 / (double)t->r->train.accumulate);
    return capture(g, &norm, 1, &t->update, err);
}

static ig_status record_evaluation(trainer *t, ig_graph *g, train_shape *s, ig_error *err) {
    ig_pass pass = {.g = g};
    ig_var *outputs[1 + TRAIN_OUTPUTS_MAX];
    outputs[0] = t->r->data.task->loss(t, &pass, s, outputs + 1, &s->more);
    return capture(g, outputs, 1 + s->more, &s->plan, err);
}

typedef ig_status record_fn(trainer *t, ig_graph *g, train_shape *s, ig_error *err);

static ig_status make_plan(trainer *t, record_fn *record, train_shape *s, ig_error *err) {
    ig_graph *g = NULL;
    IG_TRY(ig_graph_new(t->ctx, IG_GRAPH_LAZY, &g, err));
    ig_status status = record(t, g, s, err);
    ig_graph_free(g);
    return status;
}

int64_t train_evaluation_rows(const trainer *t, int64_t all, int64_t copies) {
    int64_t rows = EVALUATION_LOGITS_MAX / (t->held.length * t->model->family->vocab_size(t->model) * copies);
    if (rows > EVALUATION_ROWS_MAX) rows = EVALUATION_ROWS_MAX;
    if (rows > all) rows = all;
    return rows < 1 ? 1 : rows;
}

/* The arenas are reserved and not yet touched: a machine that lacks the memory says so here, not by killing the run. */
static ig_status check_memory(const trainer *t, ig_error *err) {
    uint64_t available = ig_memory_available(), needed = train_plans_arena_bytes(t);
    if (!available || needed <= available) return IG_OK;
    return ig_error_set(err, IG_E_LIMIT,
                        "a step needs %.2f GB of memory beside the weights, and %.2f GB are free; a smaller train.batch with train.accumulate, "
                        "or train.recompute: true, needs less",
                        (double)needed / 1e9, (double)available / 1e9);
}

ig_status train_plans_make(trainer *t, ig_error *err) {
    IG_TRY(feed_make_inputs(t, err));
    for (int k = 0; k < t->shapes; k++) IG_TRY(make_plan(t, record_micro, &t->shape[k], err));
    if (t->r->train.accumulate > 1) IG_TRY(make_plan(t, record_update, NULL, err));
    if (t->validates) IG_TRY(make_plan(t, record_evaluation, &t->held, err));
    return check_memory(t, err);
}

static ig_plan_stats stats_of(const ig_plan *p) {
    ig_plan_stats s = {0};
    if (p) ig_plan_stats_get(p, &s);
    return s;
}

size_t train_plans_arena_bytes(const trainer *t) {
    size_t sum = stats_of(t->update).arena_bytes + stats_of(t->held.plan).arena_bytes;
    for (int k = 0; k < t->shapes; k++) sum += stats_of(t->shape[k].plan).arena_bytes;
    return sum;
}

/* As if every micro step had the longest shape. */
double train_plans_flops(const trainer *t) {
    return stats_of(t->shape[t->shapes - 1].plan).flops * (double)t->r->train.accumulate + stats_of(t->update).flops;
}
