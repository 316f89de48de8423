/* data/picture_check.c: every picture of a set decoded once before training, so that a bad one is told now,
 * and not in the night.
 *
 *     block of pictures ──all cores: decode──► results ──in order: told, kept, compared──► the set without bad ones
 *
 * What is told and kept does not depend on the number of threads.  Equal pictures get one key, so that the split keeps them
 * together.
 */
#include <math.h>
#include <string.h>

#include "data/picture_set.h"
#include "data/seen.h"

#define BLOCK 32

typedef struct result {
    ig_picture picture;
    bool owned;
    ig_status status;
    ig_error error;
} result;

typedef struct block {
    const ig_picture_set *s;
    const int64_t *index; /* NULL: first, first + 1 … */
    size_t first, step;
    result result[BLOCK];
} block;

static void decode_range(void *arg, size_t begin, size_t end, int thread) {
    block *b = arg;
    (void)thread;
    for (size_t k = begin; k < end; k++) {
        result *r = &b->result[k];
        size_t at = b->first + k * b->step;
        *r = (result){0};
        r->status = picture_set_get(b->s, b->index ? (size_t)b->index[at] : at, &r->picture, &r->owned, &r->error);
    }
}

static void decode_block(ig_context *ctx, block *b, size_t n) {
    ig_context_enter(ctx);
    ig_parallel_for(ctx, n, 1, decode_range, b);
    ig_context_leave(ctx);
}

static void drop(result *r) {
    if (r->owned) ig_free(r->picture.data);
    r->picture.data = NULL, r->owned = false;
}

static void drop_from(block *b, size_t k, size_t n) {
    for (; k < n; k++) drop(&b->result[k]);
}

/* ---- the check --------------------------------------------------------------------------------------------------- */

typedef struct checking {
    ig_picture_set *s;
    ig_picture_problems *problems;
    seen seen;
    ig_picture *kept;   /* [count]; NULL when they are not kept (any more) */
    size_t good, bad, bytes;
    bool same_size;
    int64_t height, width;
    ig_error first_bad;
} checking;

static ig_status compare(checking *c, const picture_item *item, const ig_picture *p, ig_error *err) {
    int64_t earlier;
    size_t bytes = (size_t)p->height * (size_t)p->width * (size_t)p->channels;
    IG_TRY(seen_add(&c->seen, (const char *)p->data, bytes, (int64_t)c->good + 1, &earlier, err));
    if (!earlier) return IG_OK;
    const picture_item *other = &c->s->item[earlier - 1];
    const char *text = c->s->text.data;
    if (other->label == item->label) {
        c->s->item[c->good].key = other->key;
        return picture_problem_at(c->problems, true, text + item->name, item->line, err, "the same picture as %.300s",
                                  text + other->name);
    }
    return picture_problem_at(
        c->problems, true, text + item->name, item->line, err,
        "the same picture as %.200s, which has the class \"%.100s\" and not \"%.100s\": one of both is wrong",
        text + other->name, c->s->classes[other->label], c->s->classes[item->label]);
}

static void stop_keeping(checking *c) {
    for (size_t i = 0; c->kept && i < c->good; i++) ig_free(c->kept[i].data);
    ig_free(c->kept);
    c->kept = NULL;
}

static ig_status take(checking *c, size_t i, result *r, ig_error *err) {
    if (r->status == IG_E_NOMEM) return *err = r->error, IG_E_NOMEM;
    if (r->status != IG_OK) {
        if (!c->bad++) c->first_bad = r->error;
        return picture_problem_add(c->problems, false, &r->error, err);
    }
    const ig_picture *p = &r->picture;
    if (!c->good) c->height = p->height, c->width = p->width, c->same_size = true;
    c->same_size &= p->height == c->height && p->width == c->width;
    c->s->item[c->good] = c->s->item[i];
    IG_TRY(compare(c, &c->s->item[c->good], p, err));
    c->bytes += (size_t)p->height * (size_t)p->width * (size_t)p->channels;
    if (c->bytes > c->s->memory_max) stop_keeping(c);
    if (c->kept) {
        c->kept[c->good] = *p;
        r->owned = false;
    }
    c->good++;
    return IG_OK;
}

static ig_status check_all(ig_context *ctx, checking *c, ig_error *err) {
    block b = {.s = c->s, .step = 1};
    ig_error inner = {0};
    size_t count = c->s->count;
    for (b.first = 0; b.first < count; b.first += BLOCK) {
        size_t n = count - b.first < BLOCK ? count - b.first : BLOCK;
        decode_block(ctx, &b, n);
        for (size_t k = 0; k < n; k++) {
            ig_status status = take(c, b.first + k, &b.result[k], &inner);
            drop(&b.result[k]);
            if (status == IG_OK) continue;
            drop_from(&b, k, n);
            if (err) *err = inner;
            return status;
        }
        if (c->s->progress && !c->s->progress(c->s->progress_arg, b.first + n, count))
            return ig_error_set(err, IG_E_CANCELLED, "the check of the pictures was stopped");
    }
    return IG_OK;
}

static ig_status judge(const checking *c, ig_error *err) {
    if (!c->bad || (c->good && c->bad * 10 <= c->good + c->bad)) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, c->first_bad.file, c->first_bad.line,
                       "%zu of %zu pictures cannot be read; the first: %.500s", c->bad, c->good + c->bad, c->first_bad.message);
}

ig_status ig_picture_set_check(ig_context *ctx, ig_picture_set *s, ig_picture_problems *problems, ig_error *err) {
    checking *c = ig_calloc(1, sizeof *c);
    if (!c) return ig_error_nomem(err, sizeof *c);
    *c = (checking){.s = s, .problems = problems};
    bool keep = !s->stored && !s->kept;
    if (keep) c->kept = ig_calloc(s->count, sizeof *c->kept);
    ig_status status = keep && !c->kept ? ig_error_nomem(err, s->count * sizeof *c->kept) : check_all(ctx, c, err);
    if (status == IG_OK) status = judge(c, err);
    if (status == IG_OK) {
        s->count = c->good;
        s->same_size = c->same_size, s->height = c->height, s->width = c->width;
        if (keep) s->kept = c->kept;
    } else stop_keeping(c);
    seen_fini(&c->seen);
    ig_free(c);
    return status;
}

/* ---- moments ----------------------------------------------------------------------------------------------------- */

#define MOMENTS_MAX 2000 /* pictures that are decoded for it */

typedef struct sums {
    uint64_t pixels, sum[3], square[3]; /* exact: the order of pictures does not count */
} sums;

static void add_picture(sums *t, const ig_picture *p) {
    int64_t n = p->height * p->width;
    for (int c = 0; c < p->channels; c++) {
        const uint8_t *v = p->data + c;
        uint64_t sum = 0, square = 0;
        for (int64_t i = 0; i < n; i++, v += p->channels) sum += *v, square += (uint64_t)*v * *v;
        t->sum[c] += sum, t->square[c] += square;
    }
    t->pixels += (uint64_t)n;
}

ig_status ig_picture_set_moments(ig_context *ctx, const ig_picture_set *s, const int64_t *index, size_t count, float mean[3],
                                 float std[3], ig_error *err) {
    bool in_memory = s->stored || s->kept;
    block b = {.s = s, .index = index, .step = !in_memory && count > MOMENTS_MAX ? count / MOMENTS_MAX : 1};
    size_t used = count / b.step;
    sums total = {0};
    if (!in_memory && used > MOMENTS_MAX) used = MOMENTS_MAX;
    if (!used) return ig_error_set(err, IG_E_ARG, "no pictures, no mean");
    for (size_t done = 0; done < used; done += BLOCK) {
        size_t n = used - done < BLOCK ? used - done : BLOCK;
        b.first = done * b.step;
        decode_block(ctx, &b, n);
        for (size_t k = 0; k < n; k++) {
            result *r = &b.result[k];
            if (r->status != IG_OK) {
                if (err) *err = r->error;
                ig_status status = r->status;
                drop_from(&b, k, n);
                return status;
            }
            add_picture(&total, &r->picture);
            drop(r);
        }
    }
    for (int c = 0; c < 3; c++) {
        int from = c < s->channels ? c : 0;
        double m = (double)total.sum[from] / (double)total.pixels;
        double variance = (double)total.square[from] / (double)total.pixels - m * m;
        mean[c] = (float)(m / 255);
        std[c] = (float)(sqrt(variance > 0 ? variance : 0) / 255);
    }
    return IG_OK;
}
