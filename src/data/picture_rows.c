/* data/picture_rows.c: what stands in row r of batch `index`: a function of both and of the seed.
 *
 * Training numbers the rows through all epochs: number = index·B + r is place number % n of epoch number / n, and the epoch's
 * permutation says which picture that is.  Mixup joins rows in pairs, both ways at once: each of the pair is the larger part
 * of itself or of the other, as λ says.
 */
#include <math.h>
#include <string.h>

#include "data/picture_batches.h"

/* Streams of the seed, so that no two uses share numbers. */
enum { STREAM_EPOCH = 0x65706f6368, STREAM_MIXUP = 0x6d69787570 };

int64_t picture_rows_of(const picture_rows *p, int64_t index) {
    if (p->training) return p->batch;
    int64_t batches = (p->count + p->batch - 1) / p->batch, left;
    if (index >= batches) return 0;
    left = p->count - index * p->batch;
    return left < p->batch ? left : p->batch;
}

/* The picture of the set, and the epoch it is drawn in. */
static size_t pick(const picture_rows *p, int64_t number, uint64_t *epoch) {
    uint64_t n = (uint64_t)p->count, place = (uint64_t)number % n;
    *epoch = (uint64_t)number / n;
    if (p->training) {
        uint32_t key[4];
        ig_philox(p->seed, STREAM_EPOCH, *epoch, key);
        place = ig_permute((uint64_t)key[0] << 32 | key[1], n, place);
    }
    return p->index ? (size_t)p->index[place] : (size_t)place;
}

static void set_label(ig_picture_batch *b, int64_t r, int64_t label) {
    ((int64_t *)b->labels.data)[r] = label;
    ((int64_t *)b->mixed.data)[r] = label;
    ((float *)b->weight.data)[r] = 1;
}

ig_status picture_rows_fill(const picture_rows *p, ig_picture_batch *b, int64_t r, ig_error *err) {
    size_t values = (size_t)(p->a.height * p->a.width * p->a.channels);
    float *out = (float *)b->pictures.data + (size_t)r * values;
    ig_picture picture = {0};
    uint64_t epoch;
    bool owned;
    if (r >= b->rows) {
        memset(out, 0, values * sizeof *out);
        set_label(b, r, IG_NO_TARGET);
        return IG_OK;
    }
    size_t i = pick(p, b->index * p->batch + r, &epoch);
    set_label(b, r, p->s->item[i].label);
    IG_TRY(picture_set_get(p->s, i, &picture, &owned, err));
    const ig_augment_key key = {p->seed, epoch, i};
    ig_status status = ig_augment_apply(&p->a, &picture, p->training ? &key : NULL, out, err);
    if (owned) ig_picture_fini(&picture);
    return status;
}

/* ---- mixup ------------------------------------------------------------------------------------------------------- */

/* ln of a draw from Gamma(α,1), which for a small α is too small for a number.   (Marsaglia & Tsang 2000) */
static double log_gamma_draw(ig_rng *r, double alpha) {
    double boost = 0, v, x;
    if (alpha < 1) boost = log(1 - ig_rng_uniform(r)) / alpha, alpha += 1;
    double d = alpha - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        x = ig_rng_normal(r);
        v = 1 + c * x;
        if (v <= 0) continue;
        v = v * v * v;
        if (log(1 - ig_rng_uniform(r)) < x * x / 2 + d * (1 - v + log(v))) return log(d * v) + boost;
    }
}

static float beta_draw(ig_rng *r, double alpha) {
    double a = log_gamma_draw(r, alpha), b = log_gamma_draw(r, alpha);
    return (float)(1 / (1 + exp(b - a)));
}

static void mix_pair(const picture_rows *p, ig_picture_batch *b, int64_t i, int64_t j, float keep) {
    int64_t values = p->a.height * p->a.width * p->a.channels, *mixed = b->mixed.data;
    const int64_t *label = b->labels.data;
    float *one = (float *)b->pictures.data + i * values, *two = (float *)b->pictures.data + j * values,
          *weight = b->weight.data;
    for (int64_t k = 0; k < values; k++) {
        float x = one[k], y = two[k];
        one[k] = keep * x + (1 - keep) * y;
        two[k] = keep * y + (1 - keep) * x;
    }
    mixed[i] = label[j], mixed[j] = label[i];
    weight[i] = weight[j] = keep;
}

void picture_rows_mix(const picture_rows *p, ig_picture_batch *b) {
    uint32_t word[4];
    ig_rng r;
    if (!p->training || !(p->a.mixup > 0)) return;
    ig_philox(p->seed, STREAM_MIXUP, (uint64_t)b->index, word);
    uint64_t key = (uint64_t)word[0] << 32 | word[1], n = (uint64_t)b->rows;
    ig_rng_init(&r, p->seed ^ STREAM_MIXUP, (uint64_t)b->index);
    for (uint64_t k = 0; k + 1 < n; k += 2)
        mix_pair(p, b, (int64_t)ig_permute(key, n, k), (int64_t)ig_permute(key, n, k + 1), beta_draw(&r, (double)p->a.mixup));
}
