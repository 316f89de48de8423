/* train/train_plans.c: the step and the evaluation as plans.
 *
 *     accumulate 1     micro:   tokens, targets, key → loss → gradients → update        outputs: loss, gradient norm
 *     accumulate n     micro:   … → gradients → buffers += gradients                    outputs: loss
 *                      update:  buffers / n → update, buffers = 0                       outputs: gradient norm
 *     evaluation       tokens, targets → loss over the targets that count               outputs: loss
 *
 * Recorded and captured once; a step fills the input tensors and runs.
 */
#include "train/trainer.h"

#define EVALUATION_LOGITS_MAX ((int64_t)32 << 20) /* elements */
#define EVALUATION_BATCH_MAX 32

static ig_var *loss_of(trainer *t, const ig_pass *p, const ig_tensor *tokens, const ig_tensor *targets, ig_cross_entropy_opts opts) {
    ig_var *logits = t->model->family->logits(t->model, p, ig_input(p->g, "tokens", tokens), NULL); /* [B,T,V] */
    return ig_cross_entropy(p->g, logits, ig_input(p->g, "targets", targets), opts);
}

static ig_status capture(ig_graph *g, ig_var *const *outputs, int count, ig_plan **out, ig_error *err) {
    IG_TRY(ig_graph_status(g, err));
    return ig_capture(g, outputs, count, (ig_plan_opts){0}, out, err);
}

static ig_status record_micro(trainer *t, ig_graph *g, ig_error *err) {
    bool accumulates = t->r->train.accumulate > 1;
    ig_pass pass = {.g = g, .training = true, .bf16 = t->bf16, .recompute = t->r->train.recompute, .key = ig_input(g, "key", &t->key)};
    ig_var *outputs[2] = {loss_of(t, &pass, &t->tokens, &t->targets, (ig_cross_entropy_opts){.label_smoothing = t->r->regularise.label_smoothing})};
    ig_backward(g, outputs[0]);
    if (accumulates) ig_optim_record_accumulate(t->optim, g);
    else outputs[1] = ig_optim_record(t->optim, g, 1);
    return capture(g, outputs, accumulates ? 1 : 2, &t->micro, err);
}

static ig_status record_update(trainer *t, ig_graph *g, ig_error *err) {
    ig_var *norm = ig_optim_record_from_buffers(t->optim, g, 1 / (double)t->r->train.accumulate);
    return capture(g, &norm, 1, &t->update, err);
}

static ig_status record_evaluation(trainer *t, ig_graph *g, ig_error *err) {
    ig_pass pass = {.g = g};
    ig_cross_entropy_opts opts = {.has_ignore = true, .ignore_index = IG_NO_TARGET};
    ig_var *loss = loss_of(t, &pass, &t->seen, &t->wanted, opts);
    return capture(g, &loss, 1, &t->evaluation, err);
}

typedef ig_status record_fn(trainer *t, ig_graph *g, ig_error *err);

static ig_status make_plan(trainer *t, record_fn *record, ig_error *err) {
    ig_graph *g = NULL;
    IG_TRY(ig_graph_new(t->ctx, IG_GRAPH_LAZY, &g, err));
    ig_status status = record(t, g, err);
    ig_graph_free(g);
    return status;
}

/* Windows of one evaluation run: as many as the logits leave room for. */
static int64_t evaluation_rows(const trainer *t) {
    int64_t rows = EVALUATION_LOGITS_MAX / (t->r->train.context * t->model->family->vocab_size(t->model));
    if (rows > EVALUATION_BATCH_MAX) rows = EVALUATION_BATCH_MAX;
    if (rows > t->windows.used) rows = t->windows.used;
    return rows < 1 ? 1 : rows;
}

static ig_status make_inputs(trainer *t, ig_error *err) {
    int64_t step[2] = {t->r->train.batch, t->r->train.context}, evaluation[2] = {1, t->r->train.context}, two[1] = {2};
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, step, &t->tokens, err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, step, &t->targets, err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, two, &t->key, err));
    if (!t->validates) return IG_OK;
    evaluation[0] = evaluation_rows(t);
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, evaluation, &t->seen, err));
    return ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, evaluation, &t->wanted, err);
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
    IG_TRY(make_inputs(t, err));
    IG_TRY(make_plan(t, record_micro, err));
    if (t->r->train.accumulate > 1) IG_TRY(make_plan(t, record_update, err));
    if (t->validates) IG_TRY(make_plan(t, record_evaluation, err));
    return check_memory(t, err);
}

static ig_plan_stats stats_of(const ig_plan *p) {
    ig_plan_stats s = {0};
    if (p) ig_plan_stats_get(p, &s);
    return s;
}

size_t train_plans_arena_bytes(const trainer *t) {
    return stats_of(t->micro).arena_bytes + stats_of(t->update).arena_bytes + stats_of(t->evaluation).arena_bytes;
}

double train_plans_flops(const trainer *t) {
    return stats_of(t->micro).flops * (double)t->r->train.accumulate + stats_of(t->update).flops;
}
