/* bench/deepfm_step.c: times whole training steps of DeepFM on random rows, and prints one JSON line.
 *
 *     deepfm_step --rows 1000000 --fields 10 --embedding 10 --width 400 --layers 3 --batch 512 [--dense] [--profile] [--seconds 5] [--threads N]
 *
 * rows are those of the table of embeddings, all fields together.  The step is forward, backward and Adam, captured once.  --dense
 * updates the whole tables, as an update of other parameters does.  bench/torch_deepfm.py is the same in PyTorch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingot/models.h"

#define FIELDS_MAX 256

typedef struct options {
    int rows, fields, embedding, width, layers, batch, threads;
    bool dense, profile;
    double seconds;
} options;

typedef struct step {
    ig_context *ctx;
    ig_model *model;
    ig_optim *optim;
    ig_plan *plan;
    ig_tensor indices, target, key;
} step;

static bool parse(int argc, char **argv, options *o) {
    struct { const char *name; int *value; } ints[] = {{"--rows", &o->rows}, {"--fields", &o->fields}, {"--embedding", &o->embedding},
        {"--width", &o->width}, {"--layers", &o->layers}, {"--batch", &o->batch}, {"--threads", &o->threads}};
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof ints / sizeof *ints && i + 1 < argc && !known; k++) {
            known = strcmp(argv[i], ints[k].name) == 0;
            if (known) *ints[k].value = atoi(argv[++i]);
        }
        if (known) continue;
        if (strcmp(argv[i], "--dense") == 0) o->dense = true;
        else if (strcmp(argv[i], "--profile") == 0) o->profile = true;
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) o->seconds = atof(argv[++i]);
        else return false;
    }
    return o->fields >= 1 && o->fields <= FIELDS_MAX && o->rows >= o->fields && o->batch >= 1 && o->layers <= 8;
}

static ig_status make_model(const options *o, step *s, ig_error *err) {
    ig_buf config = {.max = 1 << 16};
    ig_buf_printf(&config, "{\"model_type\":\"deepfm\",\"embedding_size\":%d,\"field_sizes\":[", o->embedding);
    for (int i = 0; i < o->fields; i++) ig_buf_printf(&config, "%s%d", i ? "," : "", o->rows / o->fields);
    ig_buf_puts(&config, "],\"hidden_sizes\":[");
    for (int i = 0; i < o->layers; i++) ig_buf_printf(&config, "%s%d", i ? "," : "", o->width);
    ig_buf_puts(&config, "]}");
    ig_status status = ig_buf_status(&config, err);
    if (status == IG_OK) status = ig_model_new(s->ctx, "bench", config.data, config.len, &s->model, err);
    ig_buf_fini(&config);
    for (size_t i = 0; status == IG_OK && o->dense && i < s->model->params.count; i++) s->model->params.item[i]->by_row = false;
    return status == IG_OK ? s->model->family->initialise(s->model, 1, err) : status;
}

static ig_status make_inputs(const options *o, step *s, ig_error *err) {
    int64_t shape[2] = {o->batch, o->fields}, two = 2;
    ig_rng r;
    IG_TRY(ig_tensor_zeros(s->ctx, IG_DTYPE_I64, 2, shape, &s->indices, err));
    IG_TRY(ig_tensor_zeros(s->ctx, IG_DTYPE_I64, 1, shape, &s->target, err));
    IG_TRY(ig_tensor_zeros(s->ctx, IG_DTYPE_I64, 1, &two, &s->key, err));
    ig_rng_init(&r, 1, 0);
    for (int64_t i = 0; i < ig_tensor_numel(&s->indices); i++) ((int64_t *)s->indices.data)[i] = (int64_t)ig_rng_below(&r, (uint64_t)(o->rows / o->fields));
    for (int64_t i = 0; i < o->batch; i++) ((int64_t *)s->target.data)[i] = (int64_t)ig_rng_below(&r, 2);
    return IG_OK;
}

static ig_status capture_step(const options *o, step *s, ig_error *err) {
    int64_t column[2] = {o->batch, 1};
    ig_graph *g = NULL;
    ig_optim_opts opts = {.kind = IG_OPTIM_ADAM};
    IG_TRY(ig_optim_new(s->ctx, &s->model->params, &opts, &s->optim, err));
    IG_TRY(ig_graph_new(s->ctx, IG_GRAPH_LAZY, &g, err));
    ig_pass pass = {.g = g, .training = true, .key = ig_input(g, "key", &s->key)};
    ig_var *z = ig_reshape(g, s->model->family->predict(s->model, &pass, NULL, ig_input(g, "indices", &s->indices)), 2, column);
    ig_var *both[2] = {ig_full(g, IG_DTYPE_F32, 2, column, 0), z};
    ig_var *loss = ig_cross_entropy(g, ig_concat(g, both, 2, 1), ig_input(g, "target", &s->target), (ig_cross_entropy_opts){0});
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
    ig_optim_begin_step(s->optim, 1e-3);
    IG_TRY(ig_plan_run(s->plan, err));
    ig_status status = ig_plan_profile(s->plan, 5, &out, err);
    if (status == IG_OK) fprintf(stderr, "%s", out.data);
    ig_buf_fini(&out);
    return status;
}

static ig_status run(const options *o, step *s, ig_error *err) {
    double time[4096], start = ig_clock();
    int n = 0;
    while (n < 4096 && (n < 4 || ig_clock() - start < o->seconds)) {
        double t = ig_clock();
        ig_optim_begin_step(s->optim, 1e-3);
        IG_TRY(ig_plan_run(s->plan, err));
        time[n++] = ig_clock() - t;
    }
    qsort(time + 1, (size_t)n - 1, sizeof *time, ascending); /* the first warms up */
    printf("{\"best_ms\":%.3f,\"median_ms\":%.3f,\"steps\":%d,\"rows_per_s\":%.0f,\"peak_mb\":%.1f,\"loss\":%.5f,\"cpu\":\"%s\",\"threads\":%d}\n",
           time[1] * 1e3, time[1 + (n - 1) / 2] * 1e3, n, (double)o->batch / time[1], (double)ig_process_peak_bytes() / 1e6,
           ig_tensor_get(ig_plan_output(s->plan, 0), 0), ig_cpu_name(ig_context_cpu(s->ctx)), ig_context_threads(s->ctx));
    return IG_OK;
}

int main(int argc, char **argv) {
    options o = {.rows = 100000, .fields = 10, .embedding = 10, .width = 400, .layers = 3, .batch = 512, .seconds = 5};
    step s = {0};
    ig_error err = {0};
    char text[1100];
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: deepfm_step [--rows N] [--fields N] [--embedding N] [--width N] [--layers N] [--batch N] [--dense] [--profile] "
                        "[--seconds S] [--threads N]\n");
        return 2;
    }
    ig_status status = ig_context_new(&(ig_context_opts){.threads = o.threads, .seed = 1}, &s.ctx, &err);
    if (status == IG_OK) status = make_model(&o, &s, &err);
    if (status == IG_OK) status = make_inputs(&o, &s, &err);
    if (status == IG_OK) status = capture_step(&o, &s, &err);
    if (status == IG_OK && o.profile) status = profile(&s, &err);
    if (status == IG_OK) status = run(&o, &s, &err);
    if (status != IG_OK) fprintf(stderr, "deepfm_step: %s\n", ig_error_format(&err, text, sizeof text));
    ig_plan_free(s.plan);
    ig_optim_free(s.optim);
    ig_model_free(s.model);
    ig_tensor_unref(&s.indices);
    ig_tensor_unref(&s.target);
    ig_tensor_unref(&s.key);
    ig_context_free(s.ctx);
    return status == IG_OK ? 0 : 1;
}
