/* retrieval/match_bag_train.c: cross-entropy and the supervised contrastive loss (Khosla et al. 2020, eq. 2) by AdamW.
 *
 *     x = bag(text without some words)        h = relu(x·W1 + b1)      z = h / |h|
 *     loss = Σ w·CE(drop(h)·W2 + b2, target) / Σ w
 *            + contrast · mean_i -1/|P(i)| Σ_{p in P(i)} log softmax_{j != i}(z_i·z_j / τ)_p
 *
 * Batches are made of fours of the same label, so that the contrastive term has something to pull together.  Only the
 * embedding rows that a batch touches are updated, each with the bias correction of its own number of updates: a gram that is
 * first met late would otherwise jump.  One thread; several networks train side by side.
 */
#include <math.h>
#include <string.h>

#include "retrieval/match_bag.h"
#include "tensor/kernels/kernels.h"

enum { FOUR = 4 };
#define BETA1 0.9f
#define BETA2 0.999f

/* A dense parameter with its gradient and moments. */
typedef struct dense {
    float *p, *g, *m, *v;
    size_t n;
} dense;

typedef struct trainer {
    const match_bag_set *set;
    const ig_kernels *k;
    match_bag *net;
    dense w1, b1, w2, b2;
    float *m, *v;             /* [terms][D] moments of the embedding */
    uint32_t *updates;        /* [terms] */
    uint32_t *slot, *touched; /* [terms] place of a term in this batch + 1; [occurrences] */
    float *grad;              /* [touched][D] */
    size_t touched_count, grad_cap;
    uint32_t *order, *first, *fours; /* this epoch */
    match_seen *seen;         /* occurrences of the batch, row by row */
    float *weight;
    size_t *start;            /* [batch + 1] */
    size_t seen_cap;
    uint8_t *skip;
    size_t skip_cap;
    float *x, *h, *kept, *z, *y, *dh, *dx, *dz, *s, *turned; /* [batch][D|H|stride]; s [batch][batch]; turned: W transposed */
    ig_rng rng;
    size_t step, steps;
} trainer;

/* ---- memory ---- */

static bool floats(float **p, size_t n) { return (*p = ig_calloc(n ? n : 1, sizeof **p)) != NULL; }

static bool dense_init(dense *d, float *p, size_t n) {
    *d = (dense){.p = p, .n = n};
    return floats(&d->g, n) && floats(&d->m, n) && floats(&d->v, n);
}

static void dense_fini(dense *d) {
    ig_free(d->g);
    ig_free(d->m);
    ig_free(d->v);
}

static void longest(const match_bag_set *s, size_t *seen, size_t *words) {
    *seen = *words = 1;
    for (size_t i = 0; i < s->n; i++) {
        uint32_t row = s->use[i];
        size_t n = (size_t)(s->x->start[row + 1] - s->x->start[row]);
        if (n > *seen) *seen = n;
        if (s->x->words[row] > *words) *words = s->x->words[row];
    }
}

static bool batch_memory(trainer *t) {
    size_t B = t->set->batch, D = t->net->D, H = t->net->H, L = t->net->stride, wide = D > L ? D : L,
        square = (B + 15) / 16 * 16;
    if (square > wide) wide = square;
    return floats(&t->x, B * D) && floats(&t->dx, B * D) && floats(&t->h, B * H) && floats(&t->kept, B * H) &&
           floats(&t->z, square * H) && floats(&t->dz, B * H) && floats(&t->dh, B * H) && floats(&t->y, B * L) &&
           floats(&t->s, B * square) && floats(&t->turned, H * wide);
}

static ig_status trainer_init(trainer *t, ig_context *ctx, const match_bag_set *set, match_bag *net, ig_error *err) {
    size_t terms = net->terms ? net->terms : 1, n = set->n;
    *t = (trainer){.set = set, .k = ig_kernels_of(ctx), .net = net};
    longest(set, &t->seen_cap, &t->skip_cap);
    t->seen_cap *= set->batch;
    t->updates = ig_calloc(terms, sizeof *t->updates);
    t->slot = ig_calloc(terms, sizeof *t->slot);
    t->touched = ig_calloc(t->seen_cap, sizeof *t->touched);
    t->seen = ig_calloc(t->seen_cap, sizeof *t->seen);
    t->start = ig_calloc(set->batch + 1, sizeof *t->start);
    t->order = ig_calloc(n + 1, sizeof *t->order);
    t->first = ig_calloc(set->labels + 2, sizeof *t->first);
    t->fours = ig_calloc(n + 1, sizeof *t->fours);
    t->skip = ig_calloc(t->skip_cap, 1);
    bool fine = t->updates && t->slot && t->touched && t->seen && t->start && t->order && t->first && t->fours && t->skip;
    fine = fine && floats(&t->m, terms * net->D) && floats(&t->v, terms * net->D) && floats(&t->weight, t->seen_cap) &&
        batch_memory(t);
    fine = fine && dense_init(&t->w1, net->w1, net->D * net->H) && dense_init(&t->b1, net->b1, net->H) &&
           dense_init(&t->w2, net->w2, net->H * net->stride) && dense_init(&t->b2, net->b2, net->stride);
    ig_rng_init(&t->rng, set->seed, 1);
    t->steps = set->epochs * ((n + set->batch - 1) / set->batch);
    return fine ? IG_OK : ig_error_nomem(err, terms * net->D * sizeof(float));
}

static void trainer_fini(trainer *t) {
    void *all[] = {t->updates, t->slot, t->touched, t->seen, t->start, t->order, t->first, t->fours, t->skip, t->m, t->v,
                   t->weight,
                   t->x, t->dx, t->h, t->kept, t->z, t->dz, t->dh, t->y, t->s, t->turned, t->grad};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ig_free(all[i]);
    dense_fini(&t->w1), dense_fini(&t->b1), dense_fini(&t->w2), dense_fini(&t->b2);
}

static void fill_normal(ig_rng *rng, float *p, size_t n, double sd) {
    for (size_t i = 0; i < n; i++) p[i] = (float)(sd * ig_rng_normal(rng));
}

/* ---- order of an epoch ---- */

static void shuffle(ig_rng *rng, uint32_t *a, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)ig_rng_below(rng, i);
        uint32_t x = a[i - 1];
        a[i - 1] = a[j], a[j] = x;
    }
}

/* Shuffled, sorted by label, cut into fours (the last of a label may be shorter), the fours shuffled. */
static void new_order(trainer *t) {
    const match_bag_set *s = t->set;
    size_t n = s->n, count = 0;
    uint32_t *mixed = t->fours; /* borrowed until the fours are made */
    for (size_t i = 0; i < n; i++) mixed[i] = s->use[i];
    shuffle(&t->rng, mixed, n);
    memset(t->first, 0, (s->labels + 2) * sizeof *t->first);
    for (size_t i = 0; i < n; i++) t->first[s->label[mixed[i]] + 2]++;
    for (size_t c = 2; c < s->labels + 2; c++) t->first[c] += t->first[c - 1];
    for (size_t i = 0; i < n; i++) t->order[t->first[s->label[mixed[i]] + 1]++] = mixed[i];
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && end < i + FOUR && s->label[t->order[end]] == s->label[t->order[i]]) end++;
        t->fours[count++] = (uint32_t)i;
        i = end;
    }
    shuffle(&t->rng, t->fours, count);
}

/* The rows of the next batch, whole fours from *four on. */
static size_t next_batch(const trainer *t, size_t *four, size_t *done, uint32_t *rows) {
    const match_bag_set *s = t->set;
    size_t n = 0;
    while (*done < s->n) {
        uint32_t at = t->fours[*four];
        size_t end = at + 1;
        while (end < s->n && end < at + FOUR && s->label[t->order[end]] == s->label[t->order[at]]) end++;
        if (n + (end - at) > s->batch) break;
        *done += end - at, ++*four;
        for (size_t i = at; i < end; i++) rows[n++] = t->order[i];
    }
    return n;
}

/* ---- forward ---- */

static void choose_words(trainer *t, uint32_t row) {
    uint32_t words = t->set->x->words[row], left = words;
    memset(t->skip, 0, words);
    for (uint32_t w = 0; w < words; w++)
        if (ig_rng_uniform(&t->rng) < (double)t->set->drop_words && left > 1) t->skip[w] = 1, left--;
}

static void bag_of(trainer *t, size_t i, uint32_t row) {
    const match_bags *x = t->set->x;
    size_t n = (size_t)(x->start[row + 1] - x->start[row]), at = t->start[i];
    const match_seen *seen = x->seen + x->start[row];
    float *sum = t->x + i * t->net->D;
    choose_words(t, row);
    match_bag_weights(t->set->terms, seen, n, t->skip, t->weight + at);
    memset(sum, 0, t->net->D * sizeof *sum);
    size_t kept = at;
    for (size_t k = 0; k < n; k++) {
        float w = t->weight[at + k];
        if (w == 0) continue;
        t->seen[kept] = seen[k], t->weight[kept++] = w;
        t->k->axpby(sum, t->net->embedding + seen[k].term * t->net->D, w, 1, t->net->D);
    }
    t->start[i + 1] = kept;
}

static void forward(trainer *t, const uint32_t *rows, size_t n) {
    match_bag *b = t->net;
    double p = (double)t->set->drop_hidden;
    for (size_t i = 0; i < n; i++) bag_of(t, i, rows[i]);
    for (size_t i = 0; i < n; i++) memcpy(t->h + i * b->H, b->b1, b->H * sizeof(float));
    t->k->product(t->h, t->x, b->D, 1, b->w1, n, b->H, b->D, true);
    for (size_t i = 0; i < n * b->H; i++) {
        t->h[i] = t->h[i] > 0 ? t->h[i] : 0;
        t->kept[i] = ig_rng_uniform(&t->rng) < p ? 0 : t->h[i] / (float)(1 - p);
    }
    for (size_t i = 0; i < n; i++) memcpy(t->y + i * b->stride, b->b2, b->stride * sizeof(float));
    t->k->product(t->y, t->kept, b->H, 1, b->w2, n, b->stride, b->H, true);
}

/* ---- losses, backward ---- */

/* y: logits ─► gradient of the cross-entropy */
static void cross_entropy(trainer *t, const uint32_t *rows, size_t n) {
    const match_bag_set *s = t->set;
    double total = 0;
    for (size_t i = 0; i < n; i++) total += (double)s->weight[rows[i]];
    for (size_t i = 0; i < n; i++) {
        float *y = t->y + i * t->net->stride, scale = s->weight[rows[i]] / (float)total, even = s->smoothing / (float)s->labels;
        int32_t soft = s->target_row ? s->target_row[rows[i]] : -1;
        const float *target = soft < 0 ? NULL : s->target + (size_t)soft * s->labels;
        t->k->softmax_row(y, y, s->labels);
        for (size_t c = 0; c < s->labels; c++) {
            float want = target ? target[c] : (int32_t)c == s->label[rows[i]];
            y[c] = scale * (y[c] - (1 - s->smoothing) * want - even);
        }
    }
}

static size_t partners(const trainer *t, const uint32_t *rows, size_t n, size_t i) {
    size_t count = 0;
    for (size_t j = 0; j < n; j++) count += j != i && t->set->label[rows[j]] == t->set->label[rows[i]];
    return count;
}

/* s: similarities ─► gradient by them, over the rows that have a partner */
static void contrast_rows(trainer *t, const uint32_t *rows, size_t n, size_t width) {
    const match_bag_set *set = t->set;
    size_t anchors = 0;
    for (size_t i = 0; i < n; i++) anchors += partners(t, rows, n, i) > 0;
    for (size_t i = 0; i < n; i++) {
        float *s = t->s + i * width;
        size_t count = partners(t, rows, n, i);
        if (count == 0) {
            memset(s, 0, width * sizeof *s);
            continue;
        }
        for (size_t j = 0; j < n; j++) s[j] /= set->temperature;
        s[i] = -1e30f;
        t->k->softmax_row(s, s, n);
        float scale = set->contrast / (float)anchors / set->temperature;
        for (size_t j = 0; j < n; j++)
            s[j] = j == i ? 0 : scale * (s[j] - (set->label[rows[j]] == set->label[rows[i]] ? 1 / (float)count : 0));
    }
}

static void transpose(float *out, const float *in, size_t rows, size_t cols, size_t out_stride) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) out[j * out_stride + i] = in[i * cols + j];
}

/* Adds to dh. */
static void contrastive(trainer *t, const uint32_t *rows, size_t n) {
    size_t H = t->net->H, width = (n + 15) / 16 * 16;
    memset(t->turned, 0, H * width * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        float *z = t->z + i * H, scale = 1 / (sqrtf(t->k->row_sum_squares(t->h + i * H, H)) + 1e-8f);
        t->k->axpby(z, t->h + i * H, scale, 0, H);
    }
    transpose(t->turned, t->z, n, H, width);
    t->k->product(t->s, t->z, H, 1, t->turned, n, width, H, false);
    contrast_rows(t, rows, n, width);
    t->k->product(t->dz, t->s, width, 1, t->z, n, H, n, false);
    t->k->product(t->dz, t->s, 1, width, t->z, n, H, n, true);
    for (size_t i = 0; i < n; i++) {
        float *dz = t->dz + i * H, *z = t->z + i * H, along = 0;
        float scale = 1 / (sqrtf(t->k->row_sum_squares(t->h + i * H, H)) + 1e-8f);
        for (size_t k = 0; k < H; k++) along += dz[k] * z[k];
        for (size_t k = 0; k < H; k++) t->dh[i * H + k] += scale * (dz[k] - along * z[k]);
    }
}

static void backward(trainer *t, const uint32_t *rows, size_t n) {
    match_bag *b = t->net;
    float keep = 1 / (1 - t->set->drop_hidden);
    cross_entropy(t, rows, n);
    t->k->product(t->w2.g, t->kept, 1, b->H, t->y, b->H, b->stride, n, false);
    t->k->add_rows(t->b2.g, t->y, n, b->stride, b->stride);
    transpose(t->turned, b->w2, b->H, b->stride, b->H);
    t->k->product(t->dh, t->y, b->stride, 1, t->turned, n, b->H, b->stride, false);
    for (size_t i = 0; i < n * b->H; i++) t->dh[i] = t->kept[i] > 0 ? t->dh[i] * keep : 0;
    if (t->set->contrast > 0) contrastive(t, rows, n);
    for (size_t i = 0; i < n * b->H; i++) t->dh[i] = t->h[i] > 0 ? t->dh[i] : 0;
    t->k->product(t->w1.g, t->x, 1, b->D, t->dh, b->D, b->H, n, false);
    t->k->add_rows(t->b1.g, t->dh, n, b->H, b->H);
    transpose(t->turned, b->w1, b->D, b->H, b->D);
    t->k->product(t->dx, t->dh, b->H, 1, t->turned, n, b->D, b->H, false);
}

/* ---- updates ---- */

static ig_status gather(trainer *t, size_t n, ig_error *err) {
    size_t D = t->net->D, seen = t->start[n];
    t->touched_count = 0;
    for (size_t i = 0; i < seen; i++)
        if (!t->slot[t->seen[i].term])
            t->touched[t->touched_count++] = t->seen[i].term, t->slot[t->seen[i].term] = (uint32_t)t->touched_count;
    if (t->touched_count > t->grad_cap) {
        size_t cap = t->touched_count + t->touched_count / 4;
        float *more = ig_realloc_array(t->grad, cap * D, sizeof *more);
        if (!more) return ig_error_nomem(err, cap * D * sizeof *more);
        t->grad = more, t->grad_cap = cap;
    }
    if (t->touched_count) memset(t->grad, 0, t->touched_count * D * sizeof *t->grad);
    for (size_t i = 0; i < n; i++)
        for (size_t k = t->start[i]; k < t->start[i + 1]; k++)
            t->k->axpby(t->grad + (t->slot[t->seen[k].term] - 1) * D, t->dx + i * D, t->weight[k], 1, D);
    return IG_OK;
}

static ig_adam_args adam_args(const trainer *t, size_t updates, float rate, float decay) {
    double warm = (double)t->steps * 0.05 + 1, at = (double)t->step, left = (double)(t->steps - t->step) / (double)t->steps;
    double schedule = at < warm ? at / warm : left;
    return (ig_adam_args){
        .lr = (float)((double)rate * schedule), .beta1 = BETA1, .beta2 = BETA2, .eps = 1e-8f, .weight_decay = decay,
            .grad_scale = 1,
        .correction1 = 1 - powf(BETA1, (float)updates), .correction2 = 1 - powf(BETA2, (float)updates)};
}

static void update(trainer *t) {
    size_t D = t->net->D;
    dense *all[] = {&t->w1, &t->b1, &t->w2, &t->b2};
    for (size_t i = 0; i < 4; i++) {
        ig_adam_args a = adam_args(t, t->step, t->set->lr, i % 2 ? 0 : t->set->decay);
        t->k->adam(all[i]->p, all[i]->g, all[i]->m, all[i]->v, all[i]->n, &a);
    }
    for (size_t i = 0; i < t->touched_count; i++) {
        uint32_t term = t->touched[i];
        ig_adam_args a = adam_args(t, ++t->updates[term], t->set->lr, t->set->decay);
        t->k->adam(t->net->embedding + term * D, t->grad + i * D, t->m + term * D, t->v + term * D, D, &a);
        t->slot[term] = 0;
    }
}

static ig_status run_epoch(trainer *t, uint32_t *rows, ig_error *err) {
    size_t four = 0, done = 0, n;
    new_order(t);
    while ((n = next_batch(t, &four, &done, rows)) > 0) {
        if (t->step < t->steps) t->step++;
        forward(t, rows, n);
        backward(t, rows, n);
        IG_TRY(gather(t, n, err));
        update(t);
    }
    return IG_OK;
}

/* As the file keeps it (matcher_file.c). */
static void round_to_half(const ig_kernels *k, float *x, size_t n) {
    uint16_t half[1024];
    for (size_t at = 0; at < n; at += 1024) {
        size_t part = n - at < 1024 ? n - at : 1024;
        k->f32_to_f16(half, x + at, part);
        k->f16_to_f32(x + at, half, part);
    }
}

static ig_status run(trainer *t, ig_error *err) {
    match_bag *b = t->net;
    uint32_t *rows = ig_calloc(t->set->batch, sizeof *rows);
    if (!rows) return ig_error_nomem(err, t->set->batch * sizeof *rows);
    fill_normal(&t->rng, b->embedding, b->terms * b->D, 0.1);
    fill_normal(&t->rng, b->w1, b->D * b->H, sqrt(2.0 / (double)b->D));
    for (size_t i = 0; i < b->H; i++) fill_normal(&t->rng, b->w2 + i * b->stride, b->labels, sqrt(1.0 / (double)b->H));
    ig_status s = IG_OK;
    for (size_t e = 0; e < t->set->epochs && s == IG_OK; e++) {
        s = run_epoch(t, rows, err);
        if (s == IG_OK && t->set->progress && !t->set->progress(t->set->arg, e + 1, t->set->epochs))
            s = ig_error_set(err, IG_E_CANCELLED, "training was stopped");
    }
    ig_free(rows);
    round_to_half(t->k, b->embedding, b->terms * b->D);
    return s;
}

ig_status match_bag_train(ig_context *ctx, const match_bag_set *set, match_bag *out, ig_error *err) {
    trainer t = {0};
    ig_status s = match_bag_new(set->terms->count, set->labels, set->D, set->H, out, err);
    if (s == IG_OK) {
        s = trainer_init(&t, ctx, set, out, err);
        if (s == IG_OK) s = run(&t, err);
        trainer_fini(&t);
    }
    if (s != IG_OK) match_bag_fini(out);
    return s;
}
