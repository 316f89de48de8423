/* infer/sampling.c: from logits to the next token.
 *
 *     logits ─ bias ─ penalties ─► /temperature ─► weights exp(x - max) ─ top_k ─ top_p ─ min_p ─► draw
 *
 * The order is that of Hugging Face's generation, so that settings found there mean the same here: each cut works on the
 * distribution that the one before it left.  Weights are never normalised; cuts compare with shares of their sum.
 *
 * Vocabularies are large and the kept part is small, so nothing is sorted: a heap gives the most likely tokens one by
 * one, and stops where a cut does.  Equal weights come in the order of their ids, which makes every result exact.
 */
#include <math.h>
#include <string.h>

#include "ingot/infer.h"

/* A sum of weights that should be exactly top_p (0.5 + 0.3 for 0.8) misses it by rounding; the cut must not notice. */
#define TOP_P_SLACK 1e-9

typedef struct candidate {
    double weight;
    int32_t id;
} candidate;

struct ig_sampler {
    ig_sampling o;
    int64_t V;
    ig_rng rng;
    bool *seen;        /* [V] read or generated */
    uint32_t *count;   /* [V] how often generated */
    candidate *heap;   /* [V] */
    float *bias;       /* [V] or NULL */
    const uint32_t *mask; /* of the choice that is being made: bits of the tokens that may be chosen; NULL: all */
};

/* e^x for x <= 0, to about one unit in the last place, 0 below 2^-1000: without branches, so that the compiler makes vectors of
 * it; a vocabulary of them per token was a tenth of the time of a small model.  x = n·ln 2 + r, Taylor in r. */
static inline double exp_down(double x) {
    double c = x > -690 ? x : -690, shifted = c * 1.4426950408889634 + 6755399441055744.0, n = shifted - 6755399441055744.0;
    double r = (c - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10, p = 1.0 / 6227020800.0;
    static const double term[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                  1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1};
    for (int i = 0; i < 13; i++) p = p * r + term[i];
    uint64_t bits;
    double scale;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 52) + 0x3ff0000000000000u; /* n stands in the low bits */
    memcpy(&scale, &bits, sizeof scale);
    return x > -690 ? p * scale : 0;
}

/* ---- making ---- */

static ig_status in_range(const char *name, double v, double least, double most, ig_error *err) {
    if (v >= least && v <= most) return IG_OK;
    return ig_error_set(err, IG_E_ARG, "%s is %g; it must be between %g and %g", name, v, least, most);
}

static ig_status check(const ig_sampling *o, ig_error *err) {
    IG_TRY(in_range("temperature", o->temperature, 0, 100, err));
    IG_TRY(in_range("top_k", o->top_k, 0, IG_VOCAB_MAX, err));
    IG_TRY(in_range("top_p", o->top_p, 0, 1, err));
    IG_TRY(in_range("min_p", o->min_p, 0, 1, err));
    IG_TRY(in_range("repetition_penalty", o->repetition_penalty, 0, 100, err));
    IG_TRY(in_range("frequency_penalty", o->frequency_penalty, -2, 2, err));
    IG_TRY(in_range("presence_penalty", o->presence_penalty, -2, 2, err));
    return in_range("logprobs", o->logprobs, 0, IG_LOGPROBS_MAX, err);
}

static ig_status take_bias(ig_sampler *s, const ig_sampling *o, ig_error *err) {
    if (!o->bias_count) return IG_OK;
    s->bias = ig_calloc((size_t)s->V, sizeof *s->bias);
    if (!s->bias) return ig_error_nomem(err, (size_t)s->V * sizeof *s->bias);
    for (size_t i = 0; i < o->bias_count; i++) {
        const ig_token_bias *b = &o->bias[i];
        if (b->id < 0 || b->id >= s->V)
            return ig_error_set(err, IG_E_ARG, "bias for token %d; the model knows 0 to %lld", (int)b->id, (long long)s->V - 1);
        if (isnan(b->bias) || b->bias == INFINITY) return ig_error_set(err, IG_E_ARG, "the bias of token %d is %g", (int)b->id, (double)b->bias);
        s->bias[b->id] = b->bias;
    }
    return IG_OK;
}

ig_status ig_sampler_new(int64_t vocab, const ig_sampling *opts, ig_sampler **out, ig_error *err) {
    static const ig_sampling greedy = {0};
    *out = NULL;
    if (vocab < 1 || vocab > IG_VOCAB_MAX) return ig_error_set(err, IG_E_ARG, "a vocabulary of %lld tokens", (long long)vocab);
    IG_TRY(check(opts ? opts : &greedy, err));
    ig_sampler *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    s->o = opts ? *opts : greedy;
    s->o.bias = NULL; /* the caller's */
    s->V = vocab;
    ig_rng_init(&s->rng, s->o.seed, 0);
    s->seen = ig_calloc((size_t)vocab, sizeof *s->seen);
    s->count = ig_calloc((size_t)vocab, sizeof *s->count);
    s->heap = ig_calloc((size_t)vocab, sizeof *s->heap);
    ig_status status = s->seen && s->count && s->heap ? IG_OK : ig_error_nomem(err, (size_t)vocab * sizeof *s->heap);
    if (status == IG_OK && opts) status = take_bias(s, opts, err);
    if (status == IG_OK) *out = s;
    else ig_sampler_free(s);
    return status;
}

void ig_sampler_free(ig_sampler *s) {
    if (!s) return;
    ig_free(s->seen);
    ig_free(s->count);
    ig_free(s->heap);
    ig_free(s->bias);
    ig_free(s);
}

void ig_sampler_saw(ig_sampler *s, int32_t id) {
    if (id >= 0 && id < s->V) s->seen[id] = true;
}

/* ---- the model's own distribution ---- */

static ig_status check_logits(const ig_sampler *s, const float *logits, float *max, ig_error *err) {
    *max = -INFINITY;
    for (int64_t i = 0; i < s->V; i++) {
        if (isnan(logits[i]) || logits[i] == INFINITY)
            return ig_error_set(err, IG_E_NUMERIC, "the logit of token %lld is %g", (long long)i, (double)logits[i]);
        if (logits[i] > *max) *max = logits[i];
    }
    return *max > -INFINITY ? IG_OK : ig_error_set(err, IG_E_NUMERIC, "no token is possible: all logits are -infinity");
}

static double log_sum_exp(const ig_sampler *s, const float *logits, float max) {
    double sum = 0;
    for (int64_t i = 0; i < s->V; i++) sum += exp_down((double)logits[i] - max);
    return max + log(sum);
}

/* Keep the list of the most likely so far in order; of equals the smaller id, which comes first, stays first. */
static void insert_top(ig_choice *out, int most, int32_t id, double logprob) {
    int at = out->top_count;
    if (at == most && !(logprob > out->top[at - 1].logprob)) return;
    if (at < most) out->top_count++;
    else at--;
    for (; at > 0 && logprob > out->top[at - 1].logprob; at--) out->top[at] = out->top[at - 1];
    out->top[at] = (ig_token_logprob){id, logprob};
}

static void report(const ig_sampler *s, const float *logits, double sum, ig_choice *out) {
    out->logprob = logits[out->id] - sum;
    out->top_count = 0;
    for (int64_t i = 0; s->o.logprobs > 0 && i < s->V; i++) insert_top(out, s->o.logprobs, (int32_t)i, logits[i] - sum);
}

/* ---- penalties ---- */

static double penalised(const ig_sampler *s, const float *logits, int64_t i) {
    double x = logits[i] + (s->bias ? s->bias[i] : 0), r = s->o.repetition_penalty;
    if (s->mask && !(s->mask[i / 32] >> i % 32 & 1)) return -INFINITY;
    if (s->seen[i] && r > 0) x = x > 0 ? x / r : x * r;
    if (s->count[i]) x -= s->o.presence_penalty + s->o.frequency_penalty * s->count[i];
    return x;
}

static int32_t most_likely(const ig_sampler *s, const float *logits, double *max) {
    int32_t best = 0;
    *max = -INFINITY;
    for (int64_t i = 0; i < s->V; i++) {
        double x = penalised(s, logits, i);
        if (x > *max) *max = x, best = (int32_t)i;
    }
    return best;
}

/* ---- a heap, the heaviest first ---- */

static bool before(const candidate *a, const candidate *b) {
    return a->weight > b->weight || (a->weight == b->weight && a->id < b->id);
}

static void sift_down(candidate *h, int64_t n, int64_t i) {
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&h[child + 1], &h[child])) child++;
        if (!before(&h[child], &h[i])) return;
        candidate t = h[i];
        h[i] = h[child];
        h[child] = t;
    }
}

/* Move the heaviest of n to place n-1. */
static void pop(candidate *h, int64_t n) {
    candidate t = h[0];
    h[0] = h[n - 1];
    h[n - 1] = t;
    sift_down(h, n - 1, 0);
}

/* ---- cuts and the draw ---- */

static double fill_weights(ig_sampler *s, const float *logits, double max) {
    double sum = 0;
    for (int64_t i = 0; i < s->V; i++) {
        double w = exp_down((penalised(s, logits, i) - max) / s->o.temperature);
        s->heap[i] = (candidate){w, (int32_t)i};
        sum += w;
    }
    return sum;
}

/* Walk from the heaviest to the lightest, which stand at the end of the heap, and take what the cuts leave.
 * `popped` of them stand there already; `limit` may be taken; `sum` is what top_p is a share of. */
static int64_t cut_sorted(ig_sampler *s, int64_t popped, int64_t limit, double sum) {
    double reached = 0, top_p = s->o.top_p > 0 ? s->o.top_p : 1;
    int64_t kept = 0;
    while (kept < limit) {
        if (kept >= popped) pop(s->heap, s->V - kept);
        double w = s->heap[s->V - 1 - kept].weight;
        if (kept > 0 && w < s->o.min_p) break; /* the heaviest weight is 1 */
        reached += w;
        kept++;
        if (top_p < 1 && reached >= top_p * sum * (1 - TOP_P_SLACK)) break;
    }
    return kept;
}

/* Only top_k and top_p need an order. */
static int64_t cut(ig_sampler *s, double sum) {
    bool by_k = s->o.top_k > 0 && s->o.top_k < s->V, by_p = s->o.top_p > 0 && s->o.top_p < 1;
    if (!by_k && !by_p) return s->V;
    for (int64_t i = s->V / 2; i-- > 0;) sift_down(s->heap, s->V, i);
    if (!by_k) return cut_sorted(s, 0, s->V, sum);
    sum = 0;
    for (int64_t i = 0; i < s->o.top_k; i++) {
        pop(s->heap, s->V - i);
        sum += s->heap[s->V - 1 - i].weight;
    }
    return cut_sorted(s, s->o.top_k, s->o.top_k, sum);
}

/* One random number over the last `kept` of the heap, heaviest (or highest id, where nothing was sorted) first. */
static int32_t draw(ig_sampler *s, int64_t kept) {
    double sum = 0, at = 0;
    const candidate *chosen = NULL;
    for (int64_t i = 1; i <= kept; i++) sum += s->heap[s->V - i].weight >= s->o.min_p ? s->heap[s->V - i].weight : 0;
    double wanted = ig_rng_uniform(&s->rng) * sum;
    for (int64_t i = 1; i <= kept; i++) {
        const candidate *c = &s->heap[s->V - i];
        if (c->weight < s->o.min_p || c->weight == 0) continue;
        chosen = c;
        at += c->weight;
        if (at > wanted) break;
    }
    return chosen->id;
}

ig_status ig_sampler_choose(ig_sampler *s, const float *logits, ig_choice *out, ig_error *err) {
    return ig_sampler_choose_masked(s, logits, NULL, out, err);
}

ig_status ig_sampler_choose_masked(ig_sampler *s, const float *logits, const uint32_t *mask, ig_choice *out, ig_error *err) {
    float raw_max;
    double max;
    IG_TRY(check_logits(s, logits, &raw_max, err));
    s->mask = mask;
    out->id = most_likely(s, logits, &max);
    if (!(max > -INFINITY))
        return ig_error_set(err, IG_E_NUMERIC,
                            "no token is possible: those that the mask allows have the logit -infinity, or there are none");
    if (s->o.temperature > 0) out->id = draw(s, cut(s, fill_weights(s, logits, max)));
    report(s, logits, log_sum_exp(s, logits, raw_max), out);
    s->seen[out->id] = true;
    s->count[out->id]++;
    return IG_OK;
}
