/* retrieval/match_members.c: training the learners side by side, and averaging what they say.
 *
 * The support vector machines run one after the other, each over all threads; then all networks of all fits, one thread each.
 */
#include "retrieval/match_members.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

void match_members_fini(match_members *m) {
    match_svm_fini(&m->svm);
    for (size_t i = 0; i < MATCH_BAGS_MAX; i++) match_bag_fini(&m->bag[i]);
    *m = (match_members){0};
}

/* ---- training ---- */

#define SVM_COST 1.0

typedef struct bag_job {
    match_data *d;
    match_fit *fit;
    size_t at; /* which network of the fit */
    atomic_bool *stop;
    const char *stage;
    size_t done, total;
    bool reports;
    ig_status status;
    ig_error error;
} bag_job;

static bool on_epoch(void *arg, size_t epoch, size_t epochs) {
    bag_job *j = arg;
    const ig_match_opts *o = j->d->opts;
    if (j->reports && o->progress && !o->progress(o->arg, j->stage, j->done * epochs + epoch, j->total * epochs))
        *j->stop = true;
    return !*j->stop;
}

static size_t epochs_of(const match_fit *f) {
    size_t steps = f->n / 64 + 1, epochs = f->epochs;
    while (epochs < 60 && epochs * steps < 600) epochs++; /* few questions: at least some hundred steps */
    return epochs;
}

static void train_bag(bag_job *j) {
    const match_data *d = j->d;
    match_bag_set set = {.terms = &d->terms, .x = &d->bags, .use = j->fit->use, .n = j->fit->n, .label = d->label,
                         .weight = d->weight,
                         .target_row = d->target_row, .target = d->target, .labels = d->labels, .D = 128, .H = 256,
                         .epochs = epochs_of(j->fit), .batch = 64, .lr = 2e-3f, .drop_words = 0.2f, .drop_hidden = 0.3f,
                         .smoothing = 0, .contrast = 0.7f, .temperature = 0.2f, .decay = 0.01f,
                         .seed = j->fit->seed + j->at * 1000003, .progress = on_epoch, .arg = j};
    j->status = match_bag_train(d->ctx, &set, &j->fit->out.bag[j->at], &j->error);
}

static void train_bags(void *arg, size_t begin, size_t end, int thread) {
    bag_job *jobs = arg;
    for (size_t i = begin; i < end; i++) {
        if (*jobs[i].stop) {
            jobs[i].status = ig_error_set(&jobs[i].error, IG_E_CANCELLED, "training was stopped");
            continue;
        }
        jobs[i].reports = thread == 0; /* the caller's own thread */
        jobs[i].done = i - begin, jobs[i].total = end - begin;
        train_bag(&jobs[i]);
    }
}

static ig_status all_bags(match_data *d, match_fit *fit, size_t count, const char *stage, ig_error *err) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) n += fit[i].bags;
    atomic_bool stop = false;
    bag_job *jobs = ig_calloc(n ? n : 1, sizeof *jobs);
    if (!jobs) return ig_error_nomem(err, n * sizeof *jobs);
    size_t k = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < fit[i].bags; b++)
            jobs[k++] = (bag_job){.d = d, .fit = &fit[i], .at = b, .stop = &stop, .stage = stage};
    ig_parallel_for(d->ctx, n, 1, train_bags, jobs);
    ig_status s = IG_OK;
    for (size_t i = 0; i < n && s == IG_OK; i++)
        if ((s = jobs[i].status) != IG_OK && err) *err = jobs[i].error;
    ig_free(jobs);
    return s;
}

ig_status match_members_fit(match_data *d, match_fit *fit, size_t count, const char *stage, ig_error *err) {
    for (size_t i = 0; i < count; i++) {
        match_svm_set set = {&d->rows, fit[i].use, fit[i].n, d->label, d->weight, d->terms.count, d->labels, SVM_COST,
                             fit[i].seed};
        fit[i].out.bags = fit[i].bags, fit[i].out.svm_scale = 5, fit[i].out.bag_scale = fit[i].out.scale = 1;
        IG_TRY(match_svm_train(d->ctx, &set, &fit[i].out.svm, err));
    }
    return all_bags(d, fit, count, stage, err);
}

/* ---- reading ---- */

double match_log_softmax(float *x, size_t n, double scale) {
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) top = (double)x[i] > top ? (double)x[i] : top;
    for (size_t i = 0; i < n; i++) sum += exp(scale * ((double)x[i] - top));
    double lse = scale * top + log(sum);
    for (size_t i = 0; i < n; i++) x[i] = (float)(scale * (double)x[i] - lse);
    return lse;
}

size_t match_members_scratch(const match_members *m) { return m->svm.stride + m->bag[0].D + m->bag[0].H; }

void match_members_score(ig_context *ctx, const match_members *m, const match_terms *t, const match_view *v, float *log_p,
                         double *familiarity, float *scratch) {
    size_t L = m->svm.labels;
    float *out = scratch, *hidden = scratch + m->svm.stride;
    double familiar = 0;
    match_svm_margins(&m->svm, v->term, v->value, v->count, out);
    match_log_softmax(out, L, (double)m->svm_scale);
    memcpy(log_p, out, L * sizeof *out);
    for (size_t b = 0; b < m->bags; b++) {
        match_bag_logits(ctx, &m->bag[b], t, v->seen, v->seen_count, out, hidden);
        familiar += match_log_softmax(out, L, (double)m->bag_scale) / (double)m->bag_scale / (double)m->bags;
        for (size_t c = 0; c < L; c++) log_p[c] += out[c];
    }
    match_log_softmax(log_p, L, (double)m->scale / (double)(m->bags + 1));
    float top = log_p[0];
    for (size_t c = 1; c < L; c++) top = log_p[c] > top ? log_p[c] : top;
    *familiarity = familiar + (double)top;
}

match_view match_view_of(const match_data *d, uint32_t row) {
    uint64_t s = d->bags.start[row], r = d->rows.start[row];
    return (match_view){d->bags.seen + s, d->rows.term + r, d->rows.value + r, (size_t)(d->bags.start[row + 1] - s),
                        (size_t)(d->rows.start[row + 1] - r)};
}
