/* bench/lstm_step.c: times whole training steps of a recurrent language model on random tokens, and prints one JSON line.
 *
 *     lstm_step --layers 2 --width 650 --context 35 --batch 20 --vocab 10000 [--gru] [--bf16] [--profile] [--seconds 10] [--threads N]
 *
 * The defaults are the medium network of Zaremba et al. 2014 without its dropout.  The step is that of truncated
 * back-propagation: forward from the carried state, backward, clipping to 0.25, SGD, and the state assigned for the next
 * stretch; captured once.  bench/torch_lstm.py is the same in PyTorch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peak.h"
#include "ingot/models.h"

typedef struct options {
    int layers, width, context, batch, vocab, threads;
    bool gru, bf16, profile;
    double seconds;
} options;

typedef struct step {
    ig_context *ctx;
    ig_model *model;
    ig_optim *optim;
    ig_plan *plan;
    ig_tensor tokens, targets, key, state[IG_STATE_MAX];
} step;

static int die(const ig_error *err) {
    char text[1100];
    fprintf(stderr, "lstm_step: %s\n", ig_error_format(err, text, sizeof text));
    return 1;
}

static bool parse(int argc, char **argv, options *o) {
    struct { const char *name; int *value; } ints[] = {{"--layers", &o->layers}, {"--width", &o->width}, {"--context", &o->context},
        {"--batch", &o->batch}, {"--vocab", &o->vocab}, {"--threads", &o->threads}};
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof ints / sizeof *ints && i + 1 < argc && !known; k++) {
            known = strcmp(argv[i], ints[k].name) == 0;
            if (known) *ints[k].value = atoi(argv[++i]);
        }
        if (known) continue;
        if (strcmp(argv[i], "--bf16") == 0) o->bf16 = true;
        else if (strcmp(argv[i], "--gru") == 0) o->gru = true;
        else if (strcmp(argv[i], "--profile") == 0) o->profile = true;
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) o->seconds = atof(argv[++i]);
        else return false;
    }
    return true;
}

static ig_status make_model(const options *o, step *s, ig_error *err) {
    char config[256];
    int n = snprintf(config, sizeof config, "{\"model_type\":\"%s\",\"num_hidden_layers\":%d,\"hidden_size\":%d,\"vocab_size\":%d}",
                     o->gru ? "gru" : "lstm", o->layers, o->width, o->vocab);
    IG_TRY(ig_model_new(s->ctx, "bench", config, (size_t)n, &s->model, err));
    return s->model->family->initialise(s->model, 1, err);
}

static ig_status make_inputs(const options *o, step *s, ig_error *err) {
    int64_t shape[] = {o->batch, o->context}, two = 2;
    const ig_family *f = s->model->family;
    ig_rng r;
    IG_TRY(ig_tensor_zeros(s->ctx, IG_DTYPE_I64, 2, shape, &s->tokens, err));
    IG_TRY(ig_tensor_zeros(s->ctx, IG_DTYPE_I64, 2, shape, &s->targets, err));
    IG_TRY(ig_tensor_zeros(s->ctx, IG_DTYPE_I64, 1, &two, &s->key, err));
    for (int i = 0; i < f->state_count(s->model); i++) {
        f->state_shape(s->model, i, o->batch, shape);
        IG_TRY(ig_tensor_zeros(s->ctx, IG_DTYPE_F32, 2, shape, &s->state[i], err));
    }
    ig_rng_init(&r, 1, 0);
    for (int64_t i = 0; i < ig_tensor_numel(&s->tokens); i++) {
        ((int64_t *)s->tokens.data)[i] = (int64_t)ig_rng_below(&r, (uint64_t)o->vocab);
        ((int64_t *)s->targets.data)[i] = (int64_t)ig_rng_below(&r, (uint64_t)o->vocab);
    }
    return IG_OK;
}

static ig_status capture_step(const options *o, step *s, ig_error *err) {
    ig_graph *g = NULL;
    ig_var *state[IG_STATE_MAX], *next[IG_STATE_MAX];
    ig_optim_opts opts = {.kind = IG_OPTIM_SGD, .clip_norm = 0.25};
    IG_TRY(ig_optim_new(s->ctx, &s->model->params, &opts, &s->optim, err));
    IG_TRY(ig_graph_new(s->ctx, IG_GRAPH_LAZY, &g, err));
    ig_pass pass = {.g = g, .training = true, .bf16 = o->bf16, .key = ig_input(g, "key", &s->key)};
    int states = s->model->family->state_count(s->model);
    for (int i = 0; i < states; i++) {
        char name[32];
        snprintf(name, sizeof name, "state/%d", i);
        state[i] = ig_input(g, name, &s->state[i]);
    }
    ig_var *logits = s->model->family->logits_carried(s->model, &pass, ig_input(g, "tokens", &s->tokens), state, next);
    ig_var *loss = ig_cross_entropy(g, logits, ig_input(g, "targets", &s->targets), (ig_cross_entropy_opts){0});
    ig_backward(g, loss);
    ig_var *out[] = {loss, ig_optim_record(s->optim, g, 1.0)};
    for (int i = 0; i < states; i++) ig_assign(g, state[i], next[i]);
    ig_status status = ig_capture(g, out, 2, (ig_plan_opts){0}, &s->plan, err);
    ig_graph_free(g);
    return status;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static ig_status profile(step *s, ig_error *err) {
    ig_buf out = {.max = 1 << 20};
    ig_optim_begin_step(s->optim, 1e-4);
    IG_TRY(ig_plan_run(s->plan, err));
    ig_status status = ig_plan_profile(s->plan, 5, &out, err);
    if (status == IG_OK) fprintf(stderr, "%s", out.data);
    ig_buf_fini(&out);
    return status;
}

static ig_status run(const options *o, step *s, ig_error *err) {
    double time[4096];
    int n = 0;
    double start = ig_clock();
    while (n < 4096 && (n < 4 || ig_clock() - start < o->seconds)) {
        double t = ig_clock();
        ig_optim_begin_step(s->optim, 1e-4);
        IG_TRY(ig_plan_run(s->plan, err));
        time[n++] = ig_clock() - t;
    }
    double loss = ig_tensor_get(ig_plan_output(s->plan, 0), 0);
    qsort(time + 1, (size_t)n - 1, sizeof *time, ascending); /* the first warms up */
    double best = time[1], median = time[1 + (n - 1) / 2], peak = bench_peak_gflops(s->ctx);
    ig_plan_stats st;
    ig_plan_stats_get(s->plan, &st);
    printf("{\"best_ms\":%.3f,\"median_ms\":%.3f,\"steps\":%d,\"tokens_per_s\":%.0f,\"peak_mb\":%.1f,\"arena_mb\":%.1f,\"gflop\":%.3f,"
           "\"gflops\":%.1f,\"peak_gflops\":%.1f,\"share\":%.3f,\"loss\":%.5f,\"cpu\":\"%s\",\"threads\":%d}\n",
           best * 1e3, median * 1e3, n, (double)o->batch * o->context / best, (double)ig_process_peak_bytes() / 1e6,
           (double)st.arena_bytes / 1e6, st.flops / 1e9, st.flops / best / 1e9, peak, st.flops / best / 1e9 / peak, loss,
           ig_cpu_name(ig_context_cpu(s->ctx)), ig_context_threads(s->ctx));
    return IG_OK;
}

int main(int argc, char **argv) {
    options o = {.layers = 2, .width = 650, .context = 35, .batch = 20, .vocab = 10000, .seconds = 10};
    step s = {0};
    ig_error err = {0};
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: lstm_step [--layers N] [--width N] [--context N] [--batch N] [--vocab N] [--gru] [--bf16] [--profile] "
                        "[--seconds S] [--threads N]\n");
        return 2;
    }
    ig_context_opts co = {.threads = o.threads, .seed = 1};
    ig_status status = ig_context_new(&co, &s.ctx, &err);
    if (status == IG_OK) status = make_model(&o, &s, &err);
    if (status == IG_OK) status = make_inputs(&o, &s, &err);
    if (status == IG_OK) status = capture_step(&o, &s, &err);
    if (status == IG_OK && o.profile) status = profile(&s, &err);
    if (status == IG_OK) status = run(&o, &s, &err);
    int code = status == IG_OK ? 0 : die(&err);
    ig_plan_free(s.plan);
    ig_optim_free(s.optim);
    ig_model_free(s.model);
    for (int i = 0; i < IG_STATE_MAX; i++) ig_tensor_unref(&s.state[i]);
    ig_tensor_unref(&s.tokens);
    ig_tensor_unref(&s.targets);
    ig_tensor_unref(&s.key);
    ig_context_free(s.ctx);
    return code;
}
