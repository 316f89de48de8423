/* infer/see.c: a plan that classifies a batch of pictures, and one that tells where the network looked. */
#include <math.h>
#include <string.h>

#include "ingot/vision.h"

struct ig_seer {
    ig_model *m;
    ig_augment a;
    int64_t batch, classes;
    ig_tensor pictures;      /* f32 [B,H,W,C] */
    ig_plan *plan;           /* → logits [B,L] */
    ig_tensor one, chosen;   /* of the heat map: f32 [1,H,W,C], [1,L] */
    ig_plan *heat;           /* → features [1,h,w,C'], their gradient; NULL until it is asked for */
};

/* ---- opening and closing ---- */

static ig_status capture(ig_graph *g, ig_var *const *outputs, int count, ig_plan **out, ig_error *err) {
    IG_TRY(ig_graph_status(g, err));
    return ig_capture(g, outputs, count, (ig_plan_opts){0}, out, err);
}

static ig_status make_plan(ig_seer *s, ig_error *err) {
    int64_t size[4] = {s->batch, s->a.height, s->a.width, s->a.channels};
    ig_graph *g = NULL;
    IG_TRY(ig_tensor_zeros(s->m->ctx, IG_DTYPE_F32, 4, size, &s->pictures, err));
    IG_TRY(ig_graph_new(s->m->ctx, IG_GRAPH_LAZY, &g, err));
    ig_var *logits = s->m->family->see(s->m, &(ig_pass){.g = g}, ig_input(g, "pictures", &s->pictures), NULL);
    ig_status status = capture(g, &logits, 1, &s->plan, err);
    ig_graph_free(g);
    return status;
}

ig_status ig_seer_open(ig_model *m, int64_t batch, ig_seer **out, ig_error *err) {
    *out = NULL;
    if (!ig_model_can(m, IG_CAN_SEE)) return ig_error_set(err, IG_E_UNSUPPORTED, "models of family %s do not classify pictures", m->family->name);
    if (batch < 1 || batch > 4096) return ig_error_set(err, IG_E_ARG, "a batch of %lld pictures: expected 1 to 4096", (long long)batch);
    ig_seer *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    s->m = m;
    s->batch = batch;
    s->classes = m->family->label_count(m);
    ig_status status = ig_preprocess_read(m, &s->a, err);
    if (status == IG_OK) status = make_plan(s, err);
    if (status == IG_OK) *out = s;
    else ig_seer_close(s);
    return status;
}

void ig_seer_close(ig_seer *s) {
    if (!s) return;
    ig_plan_free(s->plan);
    ig_plan_free(s->heat);
    ig_tensor_unref(&s->pictures);
    ig_tensor_unref(&s->one);
    ig_tensor_unref(&s->chosen);
    ig_free(s);
}

int ig_seer_channels(const ig_seer *s) { return s->a.channels; }
int64_t ig_seer_classes(const ig_seer *s) { return s->classes; }

const char *ig_seer_class(const ig_seer *s, int64_t i) {
    const char *name = i >= 0 && i < s->classes ? s->m->family->label(s->m, i) : NULL;
    return name ? name : "";
}

/* ---- classes ---- */

static void softmax(const float *x, int64_t n, float *out) {
    double most = x[0], sum = 0;
    for (int64_t i = 1; i < n; i++) most = (double)x[i] > most ? (double)x[i] : most;
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i] - most);
    for (int64_t i = 0; i < n; i++) out[i] = (float)(exp((double)x[i] - most) / sum);
}

static size_t pixels(const ig_seer *s) { return (size_t)(s->a.height * s->a.width * s->a.channels); }

ig_status ig_seer_classify(ig_seer *s, const ig_picture *pictures, size_t count, float *probabilities, float *logits, ig_error *err) {
    size_t L = (size_t)s->classes;
    for (size_t at = 0; at < count; at += (size_t)s->batch) {
        size_t here = count - at < (size_t)s->batch ? count - at : (size_t)s->batch;
        for (size_t i = 0; i < here; i++)
            IG_TRY(ig_augment_apply(&s->a, &pictures[at + i], NULL, (float *)s->pictures.data + i * pixels(s), err));
        IG_TRY(ig_plan_run(s->plan, err));
        const float *out = ig_plan_output(s->plan, 0)->data;
        for (size_t i = 0; i < here; i++) softmax(out + i * L, s->classes, probabilities + (at + i) * L);
        if (logits) memcpy(logits + at * L, out, here * L * sizeof *logits);
    }
    return IG_OK;
}

/* ---- where it looked ---- */

static ig_status make_heat(ig_seer *s, ig_error *err) {
    int64_t size[4] = {1, s->a.height, s->a.width, s->a.channels}, row[2] = {1, s->classes};
    ig_var *features = NULL, *outputs[2];
    ig_graph *g = NULL;
    if (s->heat) return IG_OK;
    if (!s->one.data) IG_TRY(ig_tensor_zeros(s->m->ctx, IG_DTYPE_F32, 4, size, &s->one, err));
    if (!s->chosen.data) IG_TRY(ig_tensor_zeros(s->m->ctx, IG_DTYPE_F32, 2, row, &s->chosen, err));
    IG_TRY(ig_graph_new(s->m->ctx, IG_GRAPH_LAZY, &g, err));
    ig_var *picture = ig_parameter(g, "picture", &s->one); /* so that a gradient flows, also where all weights are frozen */
    ig_var *logits = s->m->family->see(s->m, &(ig_pass){.g = g}, picture, &features);
    ig_backward(g, ig_sum(g, ig_mul(g, logits, ig_input(g, "chosen", &s->chosen)), 0, false));
    outputs[0] = features;
    outputs[1] = ig_gradient(g, features);
    ig_status status = ig_graph_status(g, err);
    if (status == IG_OK && !outputs[1]) status = ig_error_set(err, IG_E_UNSUPPORTED, "this network has no feature map that its classes depend on");
    if (status == IG_OK) status = capture(g, outputs, 2, &s->heat, err);
    ig_graph_free(g);
    return status;
}

/* Σ_c ᾱ_c A_c at every place, negative ones 0, scaled so that the largest is 1. */
static void weigh(const ig_tensor *features, const ig_tensor *gradient, float *heat) {
    int64_t places = features->shape[1] * features->shape[2], C = features->shape[3];
    const float *a = features->data, *d = gradient->data;
    float most = 0;
    for (int64_t i = 0; i < places; i++) heat[i] = 0;
    for (int64_t c = 0; c < C; c++) {
        double alpha = 0;
        for (int64_t i = 0; i < places; i++) alpha += (double)d[i * C + c];
        for (int64_t i = 0; i < places; i++) heat[i] += (float)(alpha / (double)places) * a[i * C + c];
    }
    for (int64_t i = 0; i < places; i++) heat[i] = heat[i] > 0 ? heat[i] : 0, most = heat[i] > most ? heat[i] : most;
    for (int64_t i = 0; i < places && most > 0; i++) heat[i] /= most;
}

/* The pixels that the network is given, as a picture again, in colour: grey has the same value three times. */
static ig_status show_seen(const ig_seer *s, ig_picture *seen, ig_error *err) {
    const float *x = s->one.data;
    size_t C = (size_t)s->a.channels;
    IG_TRY(ig_picture_new(s->a.height, s->a.width, 3, seen, err));
    for (size_t i = 0; i < (size_t)(3 * s->a.height * s->a.width); i++) {
        size_t c = C == 1 ? 0 : i % 3;
        float std = s->a.std[c] > 0 ? s->a.std[c] : 1, v = (x[C == 1 ? i / 3 : i] * std + s->a.mean[c]) * 255;
        seen->data[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : lrintf(v));
    }
    return IG_OK;
}

ig_status ig_seer_heat(ig_seer *s, const ig_picture *picture, int64_t label, float **heat, int64_t *rows, int64_t *columns, ig_picture *seen,
                       ig_error *err) {
    *heat = NULL;
    *seen = (ig_picture){0};
    if (label < 0 || label >= s->classes) return ig_error_set(err, IG_E_ARG, "class %lld: the model has %lld", (long long)label, (long long)s->classes);
    IG_TRY(make_heat(s, err));
    IG_TRY(ig_augment_apply(&s->a, picture, NULL, s->one.data, err));
    memset(s->chosen.data, 0, ig_tensor_bytes(&s->chosen));
    ((float *)s->chosen.data)[label] = 1;
    IG_TRY(ig_plan_run(s->heat, err));
    const ig_tensor *features = ig_plan_output(s->heat, 0);
    *rows = features->shape[1], *columns = features->shape[2];
    *heat = ig_malloc((size_t)(*rows * *columns) * sizeof **heat);
    if (!*heat) return ig_error_nomem(err, (size_t)(*rows * *columns) * sizeof **heat);
    weigh(features, ig_plan_output(s->heat, 1), *heat);
    ig_status status = show_seen(s, seen, err);
    if (status != IG_OK) ig_free(*heat), *heat = NULL;
    return status;
}

/* ---- how well ---- */

static void count_batch(const ig_seer *s, const ig_picture_batch *b, int64_t *confusion, ig_seer_score *out) {
    const float *logits = ig_plan_output(s->plan, 0)->data;
    const int64_t *labels = b->labels.data;
    for (int64_t i = 0; i < b->rows; i++) {
        const float *row = logits + i * s->classes;
        int64_t best = 0;
        double sum = 0;
        for (int64_t k = 1; k < s->classes; k++) best = row[k] > row[best] ? k : best;
        for (int64_t k = 0; k < s->classes; k++) sum += exp((double)row[k] - (double)row[best]);
        out->cross_entropy += (double)row[best] + log(sum) - (double)row[labels[i]];
        out->right += best == labels[i];
        out->count++;
        if (confusion) confusion[labels[i] * s->classes + best]++;
    }
}

static ig_status run_batches(ig_seer *s, ig_picture_batches *batches, size_t total, int64_t *confusion, ig_seer_progress_fn *progress, void *arg,
                             ig_seer_score *out, ig_error *err) {
    for (int64_t i = 0; i < ig_picture_batches_per_epoch(batches); i++) {
        const ig_picture_batch *b = NULL;
        IG_TRY(ig_picture_batches_get(batches, i, &b, err));
        memcpy(s->pictures.data, b->pictures.data, ig_tensor_bytes(&s->pictures));
        IG_TRY(ig_plan_run(s->plan, err));
        count_batch(s, b, confusion, out);
        if (progress && !progress(arg, (size_t)out->count, total)) return ig_error_set(err, IG_E_CANCELLED, "stopped");
    }
    return IG_OK;
}

ig_status ig_seer_evaluate(ig_seer *s, const ig_picture_set *set, int64_t *confusion, ig_seer_progress_fn *progress, void *arg, ig_seer_score *out,
                           ig_error *err) {
    ig_picture_batches *batches = NULL;
    size_t total = ig_picture_set_count(set);
    *out = (ig_seer_score){0};
    if ((int64_t)ig_picture_set_classes(set) > s->classes)
        return ig_error_set(err, IG_E_ARG, "the pictures have %zu classes and the model %lld", ig_picture_set_classes(set), (long long)s->classes);
    IG_TRY(ig_picture_batches_open(s->m->ctx, set, &s->a, &(ig_picture_batches_opts){.count = total, .batch = s->batch}, &batches, err));
    ig_status status = run_batches(s, batches, total, confusion, progress, arg, out, err);
    ig_picture_batches_close(batches);
    if (out->count) out->cross_entropy /= (double)out->count;
    return status;
}
