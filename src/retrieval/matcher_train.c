/* retrieval/matcher_train.c: from cases to a matcher.
 *
 *     1  hold out a quarter of the certain questions, train quickly on the rest: temperatures, familiarity
 *     2  what is uncertain (feedback, questions without an answer), in rounds: two halves; learners trained on the certain
 *        ones and on what is believed of one half say what they think of the other half;
 *            belief(answer) ∝ prediction · likelihood of what was said
 *        each round believes a larger share of each answer's questions, the most certain first (self-training)
 *     3  train all members on the certain questions and the believed ones, the networks on the whole belief
 *
 * Believing only what the other half taught keeps a wrong label from confirming itself.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ingot/limits.h"
#include "retrieval/matcher_impl.h"

#define TARGETS_MAX ((size_t)1 << 26)   /* floats of beliefs */
#define WEIGHTS_MAX ((size_t)1 << 26)   /* floats of the support vector machines */
enum { TERMS_MAX = 1 << 18, HOLD_OUT = 4, HELD_OUT_MIN = 20, HALVES = 2, SURE_SAMPLE = 300 };

typedef struct effort {
    size_t bags, epochs, rounds, round_epochs;
} effort;
static const effort efforts[] = {{4, 20, 3, 8}, {1, 10, 2, 6}, {8, 30, 4, 10}}; /* by ig_match_effort */

typedef struct job {
    const ig_match_case *cases;
    size_t n, certain;
    match_data d;
    effort effort;
    ig_matcher *m;
    float *scratch, *log_p;
    double sure;  /* mean confidence in uncertain cases of learners that were not taught by beliefs */
    size_t sure_n;
} job;

static bool is_certain(const ig_match_case *c) { return c->label >= 0 && c->weight >= 1; }

/* ---- checks ---- */

static ig_status check_case(const ig_match_case *c, size_t i, size_t labels, ig_error *err) {
    if (c->label < -1 || c->label >= (int64_t)labels)
        return ig_error_set(err, IG_E_ARG, "case %zu has label %d; there are 0 to %zu, and -1 for none", i, c->label,
                            labels - 1);
    if (!(c->weight >= 0 && c->weight <= 1))
        return ig_error_set(err, IG_E_ARG, "case %zu has weight %g, not 0 to 1", i, (double)c->weight);
    for (size_t k = 0; k < c->not_count; k++)
        if (c->not_labels[k] < 0 || c->not_labels[k] >= (int64_t)labels)
            return ig_error_set(err, IG_E_ARG, "case %zu is not label %d; there are 0 to %zu", i, c->not_labels[k], labels - 1);
    return IG_OK;
}

static ig_status check(const ig_match_case *cases, size_t n, size_t labels, ig_error *err) {
    if (labels < 1 || labels > IG_MATCH_LABELS_MAX)
        return ig_error_set(err, IG_E_LIMIT, "%zu labels; 1 to %d are possible", labels, IG_MATCH_LABELS_MAX);
    if (n < 1 || n > IG_MATCH_CASES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "%zu cases; 1 to %d are possible", n, IG_MATCH_CASES_MAX);
    for (size_t i = 0; i < n; i++) IG_TRY(check_case(&cases[i], i, labels, err));
    return IG_OK;
}

/* ---- data ---- */

static size_t terms_max(size_t labels) {
    size_t most = labels <= IG_MATCH_LEARNED_MAX ? WEIGHTS_MAX / ((labels + 15) / 16 * 16) : TERMS_MAX;
    return most < TERMS_MAX ? most : TERMS_MAX;
}

static ig_status read_texts(job *j, ig_error *err) {
    match_text *texts = ig_calloc(j->n, sizeof *texts);
    if (!texts) return ig_error_nomem(err, j->n * sizeof *texts);
    for (size_t i = 0; i < j->n; i++) texts[i] = (match_text){j->cases[i].text, j->cases[i].len};
    ig_status s = match_terms_build(texts, j->n, terms_max(j->d.labels), &j->d.terms, err);
    if (s == IG_OK) s = match_rows_build(&j->d.terms, texts, j->n, &j->d.rows, err);
    if (s == IG_OK) s = match_bags_build(&j->d.terms, texts, j->n, &j->d.bags, err);
    ig_free(texts);
    return s;
}

/* Beliefs about the newest uncertain cases, as many as memory allows. */
static ig_status set_up(job *j, ig_error *err) {
    match_data *d = &j->d;
    size_t L = d->labels, room = d->labels <= IG_MATCH_LEARNED_MAX ? TARGETS_MAX / L : 0, rows = 0;
    d->label = ig_calloc(j->n, sizeof *d->label);
    d->weight = ig_calloc(j->n, sizeof *d->weight);
    d->target_row = ig_calloc(j->n, sizeof *d->target_row);
    if (!d->label || !d->weight || !d->target_row) return ig_error_nomem(err, j->n * sizeof *d->label);
    for (size_t i = j->n; i-- > 0;) {
        const ig_match_case *c = &j->cases[i];
        bool certain = is_certain(c), told = c->label >= 0 && c->weight > 0.5f;
        d->target_row[i] = certain || rows == room ? -1 : (int32_t)rows++;
        d->label[i] = certain || told ? c->label : -1;
        d->weight[i] = certain ? 1 : told ? c->weight : 0;
        j->certain += certain;
    }
    if (rows && !(d->target = ig_calloc(rows * L, sizeof *d->target))) return ig_error_nomem(err, rows * L * sizeof *d->target);
    for (size_t i = 0; i < j->n; i++)
        if (d->target_row[i] >= 0 && d->label[i] >= 0) d->target[(size_t)d->target_row[i] * L + (size_t)d->label[i]] = 1;
    return IG_OK;
}

static void job_fini(job *j) {
    match_terms_fini(&j->d.terms);
    match_rows_fini(&j->d.rows);
    match_bags_fini(&j->d.bags);
    ig_free(j->d.label);
    ig_free(j->d.weight);
    ig_free(j->d.target_row);
    ig_free(j->d.target);
    ig_free(j->scratch);
    ig_free(j->log_p);
}

/* ---- 1: calibration ---- */

static ig_status fit_init(match_fit *f, size_t room, size_t bags, size_t epochs, uint64_t seed, ig_error *err) {
    *f = (match_fit){.use = ig_calloc(room, sizeof *f->use), .bags = bags, .epochs = epochs, .seed = seed};
    return f->use ? IG_OK : ig_error_nomem(err, room * sizeof *f->use);
}

static void fit_fini(match_fit *f) {
    ig_free(f->use);
    match_members_fini(&f->out);
}

/* The scale in (0.05, 20) with the smallest mean -log p of the right labels: golden section over its logarithm. */
static float best_scale(const float *rows, const int32_t *right, size_t n, size_t L) {
    double lo = log(0.05), hi = log(20), part = (sqrt(5) - 1) / 2;
    for (int round = 0; round < 24; round++) {
        double at[2] = {hi - part * (hi - lo), lo + part * (hi - lo)}, loss[2] = {0};
        for (int k = 0; k < 2; k++)
            for (size_t i = 0; i < n; i++) {
                const float *x = rows + i * L;
                double scale = exp(at[k]), sum = 0;
                for (size_t c = 0; c < L; c++) sum += exp(scale * ((double)x[c] - (double)x[right[i]]));
                loss[k] += log(sum);
            }
        if (loss[0] < loss[1]) hi = at[1];
        else lo = at[0];
    }
    return (float)exp((lo + hi) / 2);
}

static int rising(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void set_familiar(ig_matcher *m, float *familiarity, size_t n) {
    qsort(familiarity, n, sizeof *familiarity, rising);
    for (size_t i = 0; i < MATCH_QUANTILES; i++) {
        double at = (double)i / (MATCH_QUANTILES - 1) * (double)(n - 1);
        size_t k = (size_t)at;
        m->familiar[i] = k + 1 < n ? familiarity[k] + (float)(at - (double)k) * (familiarity[k + 1] - familiarity[k])
            : familiarity[n - 1];
    }
}

typedef struct held {
    uint32_t *row;
    int32_t *right;
    size_t n;
    float *out, *familiarity; /* [n][labels], [n] */
} held;

/* Each learner's scale, then that of their mean.  The networks' logits are read by way of a support vector machine's scale of
 * (almost) nothing: the mean of the two is then the network alone. */
static ig_status measure(job *j, match_members *p, held *h, ig_error *err) {
    size_t L = j->d.labels;
    float *scratch = ig_calloc(match_members_scratch(p), sizeof *scratch);
    if (!scratch) return ig_error_nomem(err, match_members_scratch(p) * sizeof *scratch);
    size_t bags = p->bags;
    double familiarity = 0;
    for (int pass = 0; pass < 3; pass++) {
        match_members use = *p;
        use.bags = pass == 0 ? 0 : bags;
        if (pass == 0) use.svm_scale = 1;
        if (pass == 1) use.svm_scale = 1e-12f, use.bag_scale = 1, use.scale = 2;
        for (size_t i = 0; i < h->n; i++) {
            match_view v = match_view_of(&j->d, h->row[i]);
            match_members_score(j->d.ctx, &use, &j->d.terms, &v, h->out + i * L, &familiarity, scratch);
            h->familiarity[i] = (float)familiarity;
        }
        *(pass == 0 ? &p->svm_scale : pass == 1 ? &p->bag_scale : &p->scale) = best_scale(h->out, h->right, h->n, L);
    }
    ig_free(scratch);
    return IG_OK;
}

static ig_status fit_and_measure(job *j, match_fit *f, held *h, ig_error *err) {
    uint32_t *seen = ig_calloc(j->d.labels, sizeof *seen); /* questions of each label so far */
    if (!seen) return ig_error_nomem(err, j->d.labels * sizeof *seen);
    for (size_t i = 0; i < j->n; i++) {
        if (!is_certain(&j->cases[i])) continue;
        if (seen[j->d.label[i]]++ % HOLD_OUT == HOLD_OUT - 2) h->right[h->n] = j->d.label[i], h->row[h->n++] = (uint32_t)i;
        else f->use[f->n++] = (uint32_t)i;
    }
    ig_free(seen);
    if (h->n < HELD_OUT_MIN) return IG_OK;
    size_t floats = 0;
    if (!ig_mul_size(h->n, j->d.labels, &floats)) return ig_error_set(err, IG_E_LIMIT, "too many questions");
    h->out = ig_calloc(floats, sizeof *h->out);
    h->familiarity = ig_calloc(h->n, sizeof *h->familiarity);
    if (!h->out || !h->familiarity) return ig_error_nomem(err, floats * sizeof *h->out);
    IG_TRY(match_members_fit(&j->d, f, 1, "calibrate", err));
    IG_TRY(measure(j, &f->out, h, err));
    set_familiar(j->m, h->familiarity, h->n);
    return IG_OK;
}

static ig_status calibrate(job *j, ig_error *err) {
    match_fit f = {0};
    held h = {.row = ig_calloc(j->n, sizeof *h.row), .right = ig_calloc(j->n, sizeof *h.right)};
    ig_status s = h.row && h.right ? fit_init(&f, j->n, 1, j->effort.epochs, j->m ? 7 : 0, err) : ig_error_nomem(err,
            j->n * sizeof *h.row);
    match_members *to = &j->m->members;
    to->svm_scale = 5, to->bag_scale = to->scale = 1;
    if (s == IG_OK) s = fit_and_measure(j, &f, &h, err);
    if (s == IG_OK && h.n >= HELD_OUT_MIN)
        to->svm_scale = f.out.svm_scale, to->bag_scale = f.out.bag_scale, to->scale = f.out.scale;
    fit_fini(&f);
    ig_free(h.row);
    ig_free(h.right);
    ig_free(h.out);
    ig_free(h.familiarity);
    return s;
}

/* ---- 2: beliefs ---- */

/* p ─► p · likelihood of what was said, made to sum to 1 */
static void weigh_said(const ig_match_case *c, double *p, size_t L) {
    double w = (double)c->weight;
    bool chosen = c->label >= 0 && c->not_count > 0;
    double other = chosen && L > 1 ? (1 - w) / (double)(L - 1) : 1 - w, sum = 0;
    if (c->label >= 0 && w > 0)
        for (size_t k = 0; k < L; k++) p[k] *= k == (size_t)c->label ? w : other;
    else if (w > 0)
        for (size_t k = 0; k < c->not_count; k++) p[c->not_labels[k]] *= (1 - w) / (w > 1e-6 ? w : 1e-6);
    for (size_t k = 0; k < L; k++) sum += p[k];
    for (size_t k = 0; k < L; k++) p[k] = sum > 0 ? p[k] / sum : 1 / (double)L;
}

static void believe(job *j, const match_members *p, uint32_t row, bool first, double *belief) {
    match_view v = match_view_of(&j->d, row);
    size_t L = j->d.labels;
    double familiarity = 0;
    match_members_score(j->d.ctx, p, &j->d.terms, &v, j->log_p, &familiarity, j->scratch);
    double top = 0;
    for (size_t k = 0; k < L; k++) belief[k] = exp((double)j->log_p[k]), top = belief[k] > top ? belief[k] : top;
    if (first) j->sure += (top - j->sure) / (double)++j->sure_n;
    weigh_said(&j->cases[row], belief, L);
    float *target = j->d.target + (size_t)j->d.target_row[row] * L;
    size_t best = 0;
    for (size_t k = 0; k < L; k++) {
        target[k] = (float)belief[k];
        if (belief[k] > belief[best]) best = k;
    }
    j->d.label[row] = (int32_t)best, j->d.weight[row] = (float)belief[best];
}

typedef struct ranked {
    int32_t label;
    float weight;
    uint32_t row;
} ranked;

static int by_label_and_weight(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    if (x->weight != y->weight) return x->weight > y->weight ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Of each label's uncertain questions the surest `share` stays believed; the others count 0 until the next round. */
static ig_status choose(job *j, double share, ig_error *err) {
    ranked *list = ig_calloc(j->n, sizeof *list);
    size_t n = 0;
    if (!list) return ig_error_nomem(err, j->n * sizeof *list);
    for (size_t i = 0; i < j->n; i++)
        if (j->d.target_row[i] >= 0) list[n++] = (ranked){j->d.label[i], j->d.weight[i], (uint32_t)i};
    qsort(list, n, sizeof *list, by_label_and_weight);
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && list[end].label == list[i].label) end++;
        size_t keep = (size_t)ceil(share * (double)(end - i));
        for (size_t k = i + keep; k < end; k++)
            if (list[k].weight < 0.9f) j->d.weight[list[k].row] = 0;
        i = end;
    }
    ig_free(list);
    return IG_OK;
}

/* By a hash: cases may come in any periodic order. */
static int half_of(const job *j, size_t row) { return (int)(ig_hash64(&j->d.target_row[row], sizeof *j->d.target_row,
                                                                      0) % HALVES); }

/* half -1: all; else uncertain ones only of that half. */
static void use_rows(const job *j, match_fit *f, int half) {
    f->n = 0;
    for (size_t i = 0; i < j->n; i++) {
        bool uncertain = j->d.target_row[i] >= 0;
        if (j->d.label[i] < 0 || j->d.weight[i] <= 0) continue;
        if (uncertain && half >= 0 && half_of(j, i) != half) continue;
        f->use[f->n++] = (uint32_t)i;
    }
}

static void take_scales(const job *j, match_members *p) {
    p->svm_scale = j->m->members.svm_scale, p->bag_scale = j->m->members.bag_scale, p->scale = j->m->members.scale;
}

static ig_status believe_all(job *j, match_fit fit[HALVES], bool first, ig_error *err) {
    double *belief = ig_calloc(j->d.labels, sizeof *belief);
    if (!belief) return ig_error_nomem(err, j->d.labels * sizeof *belief);
    for (size_t i = 0; i < j->n; i++)
        if (j->d.target_row[i] >= 0) believe(j, &fit[(half_of(j, i) + 1) % HALVES].out, (uint32_t)i, first, belief);
    ig_free(belief);
    return IG_OK;
}

static ig_status belief_round(job *j, size_t round, ig_error *err) {
    match_fit fit[HALVES] = {0};
    ig_status s = IG_OK;
    for (int h = 0; h < HALVES && s == IG_OK; h++) {
        s = fit_init(&fit[h], j->n, 1, j->effort.round_epochs, 100 + round * HALVES + (size_t)h, err);
        if (s == IG_OK) use_rows(j, &fit[h], h);
    }
    if (s == IG_OK) s = match_members_fit(&j->d, fit, HALVES, "believe", err);
    for (int h = 0; h < HALVES; h++) take_scales(j, &fit[h].out);
    size_t scratch = match_members_scratch(&fit[0].out);
    if (s == IG_OK && !j->scratch && !(j->scratch = ig_calloc(scratch, sizeof *j->scratch)))
        s = ig_error_nomem(err, scratch * sizeof(float));
    if (s == IG_OK) s = believe_all(j, fit, round == 0, err);
    for (int h = 0; h < HALVES; h++) fit_fini(&fit[h]);
    double share = 0.4 + 0.5 * (double)(round + 1) / (double)j->effort.rounds;
    return s == IG_OK ? choose(j, share, err) : s;
}

/* ---- 3: the matcher ---- */

/* What was taught by beliefs agrees with them more than it is right.  So its scale is lowered until its mean confidence in the
 * uncertain questions is that of the first round, whose learners were calibrated on held-out questions. */
static ig_status lower_scale(job *j, ig_error *err) {
    match_members *p = &j->m->members;
    float *scratch = ig_calloc(match_members_scratch(p), sizeof *scratch);
    if (!scratch) return ig_error_nomem(err, match_members_scratch(p) * sizeof *scratch);
    size_t every = j->sure_n / SURE_SAMPLE + 1;
    double lo = log(0.05), hi = log((double)p->scale), familiarity = 0;
    for (int round = 0; round < 12; round++) {
        double sum = 0;
        size_t n = 0, at = 0;
        p->scale = (float)exp((lo + hi) / 2);
        for (size_t i = 0; i < j->n; i++) {
            if (j->d.target_row[i] < 0 || at++ % every) continue;
            match_view v = match_view_of(&j->d, (uint32_t)i);
            match_members_score(j->d.ctx, p, &j->d.terms, &v, j->log_p, &familiarity, scratch);
            float top = j->log_p[0];
            for (size_t k = 1; k < j->d.labels; k++) top = j->log_p[k] > top ? j->log_p[k] : top;
            sum += exp((double)top), n++;
        }
        if (n && sum / (double)n > j->sure) hi = log((double)p->scale);
        else lo = log((double)p->scale);
    }
    ig_free(scratch);
    return IG_OK;
}

static ig_status all_members(job *j, ig_error *err) {
    match_fit f = {0};
    IG_TRY(fit_init(&f, j->n, j->effort.bags, j->effort.epochs, j->d.opts->seed * 7919 + 11, err));
    use_rows(j, &f, -1);
    ig_status s = match_members_fit(&j->d, &f, 1, "train", err);
    if (s == IG_OK) take_scales(j, &f.out), j->m->members = f.out, f.out = (match_members){0};
    fit_fini(&f);
    return s;
}

static ig_status remember_texts(job *j, const match_text *texts, size_t n, ig_error *err) {
    match_known *k = &j->m->known;
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += texts[i].len;
    IG_TRY(match_rows_build(&j->d.terms, texts, n, &k->rows, err));
    k->text_start = ig_calloc(n + 1, sizeof *k->text_start);
    k->text = ig_malloc(bytes + 1);
    if (!k->text_start || !k->text) return ig_error_nomem(err, bytes);
    for (size_t i = 0; i < n; i++) {
        if (texts[i].len) memcpy(k->text + k->text_start[i], texts[i].text, texts[i].len);
        k->text_start[i + 1] = k->text_start[i] + texts[i].len;
    }
    return match_known_index(k, &j->d.terms, err);
}

static ig_status remember(job *j, ig_error *err) {
    match_text *texts = ig_calloc(j->n, sizeof *texts);
    size_t n = 0;
    j->m->known.label = ig_calloc(j->n, sizeof *j->m->known.label);
    if (!texts || !j->m->known.label) {
        ig_free(texts);
        return ig_error_nomem(err, j->n * sizeof *texts);
    }
    for (size_t i = 0; i < j->n; i++)
        if (j->d.label[i] >= 0 && j->d.weight[i] >= 0.5f)
            j->m->known.label[n] = j->d.label[i], texts[n++] = (match_text){j->cases[i].text, j->cases[i].len};
    ig_status s = remember_texts(j, texts, n, err);
    ig_free(texts);
    return s;
}

static ig_status learn(job *j, ig_error *err) {
    size_t uncertain = 0;
    IG_TRY(calibrate(j, err));
    for (size_t i = 0; i < j->n; i++) uncertain += j->d.target_row[i] >= 0;
    if (!(j->log_p = ig_calloc(j->d.labels, sizeof *j->log_p))) return ig_error_nomem(err, j->d.labels * sizeof *j->log_p);
    for (size_t r = 0; uncertain && r < j->effort.rounds; r++) IG_TRY(belief_round(j, r, err));
    IG_TRY(all_members(j, err));
    return uncertain ? lower_scale(j, err) : IG_OK;
}

static ig_status train(job *j, ig_error *err) {
    IG_TRY(read_texts(j, err));
    IG_TRY(set_up(j, err));
    j->m->learned = j->d.labels <= IG_MATCH_LEARNED_MAX;
    if (j->m->learned) IG_TRY(learn(j, err));
    else
        for (size_t i = 0; i < MATCH_QUANTILES; i++) j->m->familiar[i] = (float)i / MATCH_QUANTILES;
    IG_TRY(remember(j, err));
    j->m->terms = j->d.terms, j->d.terms = (match_terms){0};
    return IG_OK;
}

ig_status ig_matcher_train(ig_context *ctx, const ig_match_case *cases, size_t n, size_t labels, const ig_match_opts *opts,
                           ig_matcher **out, ig_error *err) {
    static const ig_match_opts defaults = {0};
    *out = NULL;
    IG_TRY(check(cases, n, labels, err));
    job j = {.cases = cases, .n = n, .d = {.ctx = ctx, .n = n, .labels = labels, .opts = opts ? opts : &defaults}};
    j.effort = efforts[j.d.opts->effort];
    j.m = ig_calloc(1, sizeof *j.m);
    if (!j.m) return ig_error_nomem(err, sizeof *j.m);
    j.m->ctx = ctx, j.m->labels = labels;
    ig_status s = train(&j, err);
    job_fini(&j);
    if (s == IG_OK) *out = j.m;
    else ig_matcher_free(j.m);
    return s;
}
