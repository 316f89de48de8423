/* infer/evaluate.c: loss and perplexity over a whole text.
 *
 *     tokens     t0 t1 t2 … t(T-1) | tT …                windows of T, B of them at a time, one plan for all
 *     targets    t1 t2 t3 … tT     | t(T+1) …
 *
 * Every run has the same shape; what lies behind the end of the text is padding whose targets do not count.  Losses of a
 * run are a mean in f32 over at most B·T targets; runs are added in f64, weighted by their count.
 */
#include <math.h>
#include <string.h>

#include "ingot/infer.h"

#define NO_TARGET (-1)
#define BATCH_MAX 16
#define LOGITS_MAX ((int64_t)64 << 20) /* elements of one run */

typedef struct evaluation {
    ig_model *m;
    const int32_t *text;
    int64_t n, T, B;
    ig_tensor tokens, targets; /* i64 [B,T] */
    ig_plan *plan;
    double sum;                /* of losses so far */
} evaluation;

static ig_status check(const evaluation *e, ig_error *err) {
    if (!ig_model_can(e->m, IG_CAN_GENERATE))
        return ig_error_set(err, IG_E_UNSUPPORTED, "models of family %s do not predict the next token", e->m->family->name);
    int64_t V = e->m->family->vocab_size(e->m);
    if (e->n < 2) return ig_error_set(err, IG_E_ARG, "a text of %lld tokens has nothing to predict", (long long)e->n);
    for (int64_t i = 0; i < e->n; i++)
        if (e->text[i] < 0 || e->text[i] >= V)
            return ig_error_set(err, IG_E_ARG, "token %d at place %lld; the model knows 0 to %lld", e->text[i], (long long)i,
                                (long long)V - 1);
    return IG_OK;
}

static void choose_sizes(evaluation *e, const ig_eval_opts *o) {
    int64_t wanted = o ? o->context_max : 0, windows, fit;
    e->T = e->m->family->context_length(e->m);
    if (wanted > 0 && wanted < e->T) e->T = wanted;
    if (e->T > e->n - 1) e->T = e->n - 1;
    windows = (e->n - 2) / e->T + 1;
    fit = LOGITS_MAX / (e->T * e->m->family->vocab_size(e->m));
    e->B = o && o->batch > 0 ? o->batch : fit < 1 ? 1 : fit > BATCH_MAX ? BATCH_MAX : fit;
    if (e->B > windows) e->B = windows;
}

static ig_status record(evaluation *e, ig_graph *g, ig_error *err) {
    ig_pass pass = {.g = g};
    ig_var *logits = e->m->family->logits(e->m, &pass, ig_input(g, "tokens", &e->tokens), NULL);
    ig_cross_entropy_opts opts = {.has_ignore = true, .ignore_index = NO_TARGET};
    ig_var *loss = ig_cross_entropy(g, logits, ig_input(g, "targets", &e->targets), opts);
    IG_TRY(ig_graph_status(g, err));
    return ig_capture(g, &loss, 1, (ig_plan_opts){0}, &e->plan, err);
}

static ig_status make_plan(evaluation *e, ig_error *err) {
    int64_t shape[2] = {e->B, e->T};
    ig_graph *g = NULL;
    IG_TRY(ig_tensor_new(e->m->ctx, IG_DTYPE_I64, 2, shape, &e->tokens, err));
    IG_TRY(ig_tensor_new(e->m->ctx, IG_DTYPE_I64, 2, shape, &e->targets, err));
    IG_TRY(ig_graph_new(e->m->ctx, IG_GRAPH_LAZY, &g, err));
    ig_status status = record(e, g, err);
    ig_graph_free(g);
    return status;
}

/* B·T predictions from `at` on; returns how many of them exist. */
static int64_t fill(const evaluation *e, int64_t at) {
    int64_t *token = e->tokens.data, *target = e->targets.data, size = e->B * e->T, left = e->n - 1 - at;
    for (int64_t i = 0; i < size; i++) {
        token[i] = i < left ? e->text[at + i] : 0;
        target[i] = i < left ? e->text[at + i + 1] : NO_TARGET;
    }
    return left < size ? left : size;
}

static ig_status run(evaluation *e, const ig_eval_opts *o, ig_error *err) {
    IG_TRY(make_plan(e, err));
    for (int64_t at = 0, count; at < e->n - 1; at += count) {
        count = fill(e, at);
        IG_TRY(ig_plan_run(e->plan, err));
        e->sum += (double)count * ig_tensor_get(ig_plan_output(e->plan, 0), 0);
        bool go_on = !o || !o->progress || o->progress(o->arg, at + count, e->n - 1);
        if (!go_on) return ig_error_set(err, IG_E_CANCELLED, "the evaluation was stopped");
    }
    return IG_OK;
}

/* Token by token: a whole text need not be in memory twice. */
static ig_status predicted_bytes(const evaluation *e, int64_t *bytes, ig_error *err) {
    ig_buf text = {.max = 1 << 16};
    ig_status s = IG_OK;
    for (int64_t i = 1; e->m->tokenizer && i < e->n && s == IG_OK; i++) {
        text.len = 0;
        if ((size_t)e->text[i] < ig_tokenizer_count(e->m->tokenizer))
            s = ig_tokenizer_decode(e->m->tokenizer, &e->text[i], 1, IG_DECODE_INSIDE, &text, err);
        *bytes += (int64_t)text.len;
    }
    ig_buf_fini(&text);
    return s;
}

static ig_status conclude(const evaluation *e, ig_eval_result *out, ig_error *err) {
    int64_t bytes = 0;
    IG_TRY(predicted_bytes(e, &bytes, err));
    *out = (ig_eval_result){.loss = e->sum / (double)(e->n - 1), .tokens = e->n - 1, .bytes = bytes};
    out->perplexity = exp(out->loss);
    if (out->bytes) out->bits_per_byte = e->sum / log(2) / (double)out->bytes;
    return IG_OK;
}

ig_status ig_eval_text(ig_model *m, const int32_t *tokens, size_t n, const ig_eval_opts *opts, ig_eval_result *out,
                       ig_error *err) {
    evaluation e = {.m = m, .text = tokens, .n = (int64_t)n};
    *out = (ig_eval_result){0};
    IG_TRY(check(&e, err));
    choose_sizes(&e, opts);
    ig_status status = run(&e, opts, err);
    if (status == IG_OK) status = conclude(&e, out, err);
    ig_plan_free(e.plan);
    ig_tensor_unref(&e.tokens);
    ig_tensor_unref(&e.targets);
    return status;
}
