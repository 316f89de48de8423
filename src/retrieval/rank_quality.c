/* retrieval/rank_quality.c: AdaGrad (Duchi et al. 2011) over hashed words; see rank_quality.h. */
#include <math.h>
#include <string.h>

#include "retrieval/rank_quality.h"

enum { EPOCHS = 6, FEW = 30 };
static const float RATE = 0.15f, DECAY = 1e-4f;

typedef struct example {
    uint32_t passage;
    float label, weight;
} example;

static uint32_t bucket_of(const rank_index *x, uint32_t term) {
    return (uint32_t)(x->channel[RANK_WORD].hash[term] >> 40) & (RANK_QUALITY_BUCKETS - 1);
}

/* One of 31 lengths, each a fifth longer than the one before, roughly. */
static uint32_t length_bucket(const rank_index *x, uint32_t d) {
    float l = 3.5f * log1pf(x->channel[RANK_WORD].length[d]);
    return RANK_QUALITY_BUCKETS + 1 + (l < 30 ? (uint32_t)l : 30);
}

static float scale_of(const rank_index *x, uint32_t d) {
    uint64_t n = x->word_begin[d + 1] - x->word_begin[d];
    return n ? 1.0f / sqrtf((float)n) : 0;
}

float ig_rank_quality_of(const float *weight, const rank_index *x, uint32_t d) {
    float sum = 0;
    for (uint64_t i = x->word_begin[d]; i < x->word_begin[d + 1]; i++) sum += weight[bucket_of(x, x->word[i])];
    return sum * scale_of(x, d) + weight[length_bucket(x, d)] + weight[RANK_QUALITY_BUCKETS];
}

static void step(float *w, float *g2, float g) {
    *g2 += g * g;
    *w -= RATE * g / (sqrtf(*g2) + 1e-6f);
}

static void learn_one(const rank_index *x, const example *e, float *w, float *g2) {
    float p = 1 / (1 + expf(-ig_rank_quality_of(w, x, e->passage))), g = (p - e->label) * e->weight, s = scale_of(x,
                                                                                                                  e->passage);
    for (uint64_t i = x->word_begin[e->passage]; i < x->word_begin[e->passage + 1]; i++) {
        uint32_t b = bucket_of(x, x->word[i]);
        step(&w[b], &g2[b], g * s + DECAY * w[b]);
    }
    uint32_t l = length_bucket(x, e->passage);
    step(&w[l], &g2[l], g + DECAY * w[l]);
    step(&w[RANK_QUALITY_BUCKETS], &g2[RANK_QUALITY_BUCKETS], g);
}

/* Accepted answers and those that were refused; each at most once a question. */
static size_t gather(const rank_pairs *p, unsigned folds, unsigned fold, example *out, size_t count[2]) {
    size_t n = 0;
    count[0] = count[1] = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (folds && p->key[i] % folds == fold) continue;
        if (p->of[i] && p->passage[i] != RANK_NONE && p->weight[i] > 0 && p->of[i]->not_count) {
            if (out) out[n] = (example){p->passage[i], 1, p->weight[i]};
            n++;
            count[1]++;
        }
        for (size_t k = 0; p->of[i] && k < p->of[i]->not_count; k++) {
            if (out) out[n] = (example){p->of[i]->not_passages[k], 0, p->weight[i]};
            n++;
            count[0]++;
        }
    }
    return n;
}

static void shuffle(example *list, size_t n, ig_rng *rng) {
    for (size_t i = n; i > 1; i--) {
        size_t j = ig_rng_below(rng, i);
        example e = list[i - 1];
        list[i - 1] = list[j];
        list[j] = e;
    }
}

ig_status ig_rank_quality_learn(const rank_index *x, const rank_pairs *pairs, unsigned folds, unsigned fold, uint64_t seed,
                                float *weight, ig_error *err) {
    size_t count[2], n = gather(pairs, folds, fold, NULL, count);
    memset(weight, 0, RANK_QUALITY_SIZE * sizeof *weight);
    if (count[0] < FEW || count[1] < FEW) return IG_OK;
    example *list = ig_calloc(n, sizeof *list);
    float *g2 = ig_calloc(RANK_QUALITY_SIZE, sizeof *g2);
    if (!list || !g2) {
        ig_free(list);
        ig_free(g2);
        return ig_error_nomem(err, n * sizeof *list);
    }
    ig_rng rng;
    ig_rng_init(&rng, seed, fold);
    gather(pairs, folds, fold, list, count);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        shuffle(list, n, &rng);
        for (size_t i = 0; i < n; i++) learn_one(x, &list[i], weight, g2);
    }
    ig_free(list);
    ig_free(g2);
    return IG_OK;
}
