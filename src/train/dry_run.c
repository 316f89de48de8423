/* train/dry_run.c: what a run will take, found out by building all of it and timing a few steps. */
#include <math.h>
#include <stdlib.h>

#include "train/feed.h"

#define STEPS_MAX 7
#define SECONDS_MAX 5.0

static uint64_t params_bytes(const ig_params *ps) {
    uint64_t sum = 0;
    for (size_t i = 0; i < ps->count; i++) {
        const ig_param *p = ps->item[i];
        sum += p->packed ? ig_qweight_bytes(p->packed) : p->conv ? ig_conv_weight_bytes(p->conv) : ig_tensor_bytes(&p->value);
    }
    return sum;
}

static uint64_t weight_bytes(const trainer *t) {
    return params_bytes(&t->model->params) + (t->model->adapter ? params_bytes(t->trained) : 0);
}

/* Accumulation has a buffer per weight beside the named state. */
static uint64_t optimiser_bytes(const trainer *t) {
    uint64_t sum = t->r->train.accumulate > 1 ? params_bytes(t->trained) : 0;
    for (size_t i = 0; i < ig_optim_state_count(t->optim); i++) {
        const char *name;
        ig_tensor v;
        ig_optim_state_at(t->optim, i, &name, &v);
        sum += ig_tensor_bytes(&v);
    }
    return sum;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The first step pages the arena in and is not counted. */
static ig_status time_steps(trainer *t, double *median, ig_error *err) {
    double seconds[STEPS_MAX], begin = ig_clock();
    size_t n = 0;
    IG_TRY(train_step(t, err));
    while (n < STEPS_MAX && (n < 2 || ig_clock() - begin < SECONDS_MAX)) {
        double step = ig_clock();
        IG_TRY(train_step(t, err));
        seconds[n++] = ig_clock() - step;
    }
    qsort(seconds, n, sizeof *seconds, by_value);
    *median = seconds[n / 2];
    return IG_OK;
}

static ig_status time_evaluation(trainer *t, double *seconds, ig_error *err) {
    *seconds = 0;
    if (!t->validates) return IG_OK;
    IG_TRY(validate_one_batch(t, err));
    double begin = ig_clock();
    IG_TRY(validate_one_batch(t, err));
    *seconds = (ig_clock() - begin) * (double)t->held_runs;
    return IG_OK;
}

static ig_status measure(trainer *t, ig_train_report *out, ig_error *err) {
    IG_TRY(time_steps(t, &out->seconds_per_step, err));
    IG_TRY(time_evaluation(t, &out->seconds_per_evaluation, err));
    int64_t every = t->r->evaluate.every, evaluations = t->validates ? (t->steps + every - 1) / every : 0;
    out->seconds_total = (double)t->steps * out->seconds_per_step + (double)evaluations * out->seconds_per_evaluation;
    out->tokens_per_second = (double)out->tokens_per_step / out->seconds_per_step;
    return IG_OK;
}

static void describe(const trainer *t, ig_train_report *out) {
    int64_t train = 0, held = 0;
    t->r->data.task->size(t, &train, &held);
    *out = (ig_train_report){
        .parameters = ig_params_numel(&t->model->params),
        .vocab_size = t->model->tokenizer ? t->model->family->vocab_size(t->model) : 0,
        .unit = t->r->data.task->unit, .train_tokens = train, .validation_tokens = held,
        .steps = t->steps, .tokens_per_step = t->units_per_step,
        .epochs = feed_epoch(t, t->steps * t->r->train.accumulate), .bf16 = t->bf16,
        .weight_bytes = weight_bytes(t), .optimiser_bytes = optimiser_bytes(t), .arena_bytes = train_plans_arena_bytes(t),
        .memory_available = ig_memory_available(), .flops_per_step = train_plans_flops(t),
    };
    uint64_t data = (t->corpus.train.cap + t->corpus.validation.cap + t->corpus.examples.ids.cap) * sizeof(int32_t);
    out->memory_bytes = out->weight_bytes + out->optimiser_bytes + out->arena_bytes + data;
}

ig_status ig_train_check(ig_context *ctx, const ig_recipe *r, ig_train_report *out, ig_error *err) {
    trainer t;
    *out = (ig_train_report){0};
    IG_TRY(trainer_init(&t, ctx, r, NULL, err));
    describe(&t, out);
    ig_status status = measure(&t, out, err);
    trainer_fini(&t);
    return status;
}
