/* bench/gpt_step.c: times whole training steps of a GPT-2 on random tokens, and prints one JSON line.
 *
 *     gpt_step --layers 6 --width 384 --heads 6 --context 256 --batch 16 --vocab 65 [--bf16] [--recompute] [--seconds 10] [--threads N]
 *
 * The step is the one of `ingot train`: forward, backward, clipping to 1.0, AdamW; captured once.  The best and the median
 * of the steps are printed, the resident peak of the process, and the share of the machine's peak, which a loop of fused
 * multiply-adds in registers measures in the same process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peak.h"
#include "ingot/models.h"

typedef struct options {
    int layers, width, heads, context, batch, vocab, threads;
    bool bf16, recompute, profile;
    double seconds;
} options;

typedef struct step {
    ig_context *ctx;
    ig_model *model;
    ig_optim *optim;
    ig_plan *plan;
    ig_tensor tokens, targets, key;
} step;

static int die(const ig_error *err) {
    char text[1100];
    fprintf(stderr, "gpt_step: %s\n", ig_error_format(err, text, sizeof text));
    return 1;
}

static bool parse(int argc, char **argv, options *o) {
    struct { const char *name; int *value; } ints[] = {{"--layers", &o->layers}, {"--width", &o->width}, {"--heads", &o->heads},
        {"--context", &o->context}, {"--batch", &o->batch}, {"--vocab", &o->vocab}, {"--threads", &o->threads}};
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof ints / sizeof *ints && i + 1 < argc; k++) {
            if (strcmp(argv[i], ints[k].name) != 0) continue;
            *ints[k].value = atoi(argv[++i]);
            known = true;
            break;
        }
        if (known) continue;
        if (strcmp(argv[i], "--bf16") == 0) o->bf16 = true;
        else if (strcmp(argv[i], "--recompute") == 0) o->recompute = true;
        else if (strcmp(argv[i], "--profile") == 0) o->profile = true;
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) o->seconds = atof(argv[++i]);
        else return false;
    }
    return true;
}

static ig_status make_model(const options *o, step *s, ig_error *err) {
    char config[512];
    int n = snprintf(config, sizeof config,
                     "{\"model_type\":\"gpt2\",\"n_layer\":%d,\"n_embd\":%d,\"n_head\":%d,\"n_positions\":%d,\"vocab_size\":%d,"
                     "\"attn_pdrop\":0.0,\"resid_pdrop\":0.0,\"embd_pdrop\":0.0}",
                     o->layers, o->width, o->heads, o->context, o->vocab);
    IG_TRY(ig_model_new(s->ctx, "bench", config, (size_t)n, &s->model, err));
    return s->model->family->initialise(s->model, 1, err);
}

static ig_status make_inputs(const options *o, step *s, ig_error *err) {
    int64_t shape[] = {o->batch, o->context}, two = 2;
    ig_rng r;
    IG_TRY(ig_tensor_zeros(s->ctx, IG_DTYPE_I64, 2, shape, &s->tokens, err));
    IG_TRY(ig_tensor_zeros(s->ctx, IG_DTYPE_I64, 2, shape, &s->targets, err));
    IG_TRY(ig_tensor_zeros(s->ctx, IG_DTYPE_I64, 1, &two, &s->key, err));
    ig_rng_init(&r, 1, 0);
    for (int64_t i = 0; i < ig_tensor_numel(&s->tokens); i++) {
        ((int64_t *)s->tokens.data)[i] = (int64_t)ig_rng_below(&r, (uint64_t)o->vocab);
        ((int64_t *)s->targets.data)[i] = (int64_t)ig_rng_below(&r, (uint64_t)o->vocab);
    }
    return IG_OK;
}

static ig_status capture_step(const options *o, step *s, ig_error *err) {
    ig_graph *g = NULL;
    ig_optim_opts opts = {.kind = IG_OPTIM_ADAMW, .beta2 = 0.95, .weight_decay = 0.1, .clip_norm = 1.0};
    IG_TRY(ig_optim_new(s->ctx, &s->model->params, &opts, &s->optim, err));
    IG_TRY(ig_graph_new(s->ctx, IG_GRAPH_LAZY, &g, err));
    ig_pass pass = {.g = g, .training = true, .bf16 = o->bf16, .recompute = o->recompute, .key = ig_input(g, "key", &s->key)};
    ig_var *logits = s->model->family->logits(s->model, &pass, ig_input(g, "tokens", &s->tokens), NULL);
    ig_var *loss = ig_cross_entropy(g, logits, ig_input(g, "targets", &s->targets), (ig_cross_entropy_opts){0});
    ig_backward(g, loss);
    ig_var *out[] = {loss, ig_optim_record(s->optim, g, 1.0)};
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
    uint64_t peak_bytes = ig_process_peak_bytes();
    double best = time[1], median = time[1 + (n - 1) / 2], peak = bench_peak_gflops(s->ctx);
    ig_plan_stats st;
    ig_plan_stats_get(s->plan, &st);
    double tokens = (double)o->batch * o->context;
    printf("{\"best_ms\":%.3f,\"median_ms\":%.3f,\"steps\":%d,\"tokens_per_s\":%.0f,\"peak_mb\":%.1f,\"arena_mb\":%.1f,"
           "\"unshared_mb\":%.1f,\"gflop\":%.3f,\"gflops\":%.1f,\"peak_gflops\":%.1f,\"share\":%.3f,\"ops\":%d,\"launches\":%d,\"loss\":%.5f,"
           "\"cpu\":\"%s\",\"threads\":%d}\n",
           best * 1e3, median * 1e3, n, tokens / best, (double)peak_bytes / 1e6, (double)st.arena_bytes / 1e6,
           (double)st.unshared_bytes / 1e6, st.flops / 1e9, st.flops / best / 1e9, peak, st.flops / best / 1e9 / peak, st.ops, st.steps, loss,
           ig_cpu_name(ig_context_cpu(s->ctx)), ig_context_threads(s->ctx));
    return IG_OK;
}

int main(int argc, char **argv) {
    options o = {.layers = 4, .width = 128, .heads = 4, .context = 64, .batch = 12, .vocab = 65, .seconds = 10};
    step s = {0};
    ig_error err = {0};
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: gpt_step [--layers N] [--width N] [--heads N] [--context N] [--batch N] [--vocab N] [--bf16] [--recompute] [--seconds S] [--threads N]\n");
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
    ig_tensor_unref(&s.tokens);
    ig_tensor_unref(&s.targets);
    ig_tensor_unref(&s.key);
    ig_context_free(s.ctx);
    return code;
}
