/* server/admission.c: how much may run at a time, for each key and in all.
 *
 * A key has a bucket of tokens that fills at its rate per minute and holds one minute's worth.  Places for work with a model
 * are fewer than the server's workers, so that health checks and lists always find one.  Buckets that are full and unused are
 * forgotten when the table grows.
 */
#include <math.h>
#include <string.h>

#include "server/server.h"

#define BUCKETS_MAX 65536

typedef struct bucket {
    char id[IG_STORE_ID_SIZE];
    double tokens, at;
    int64_t running, per_minute;
} bucket;

struct admission {
    pthread_mutex_t lock;
    bucket *bucket;
    size_t count, cap;
    int heavy, heavy_max;
};

ig_status admission_open(int heavy_max, admission **out, ig_error *err) {
    admission *a = ig_calloc(1, sizeof *a);
    *out = a;
    if (!a) return ig_error_nomem(err, sizeof *a);
    a->heavy_max = heavy_max;
    pthread_mutex_init(&a->lock, NULL);
    return IG_OK;
}

void admission_close(admission *a) {
    if (!a) return;
    pthread_mutex_destroy(&a->lock);
    ig_free(a->bucket);
    ig_free(a);
}

static void refill(bucket *b, double now) {
    if (b->per_minute <= 0) return;
    b->tokens = fmin((double)b->per_minute, b->tokens + (now - b->at) * (double)b->per_minute / 60);
    b->at = now;
}

static void forget_full(admission *a, double now) {
    size_t kept = 0;
    for (size_t i = 0; i < a->count; i++) {
        bucket *b = &a->bucket[i];
        refill(b, now);
        if (b->running || (b->per_minute > 0 && b->tokens < (double)b->per_minute)) a->bucket[kept++] = *b;
    }
    a->count = kept;
}

static bucket *find(admission *a, const char *id) {
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->bucket[i].id, id) == 0) return &a->bucket[i];
    return NULL;
}

static ig_status find_or_add(admission *a, const char *id, int64_t per_minute, double now, bucket **out, ig_error *err) {
    *out = find(a, id);
    if (*out) return IG_OK;
    if (a->count == a->cap) forget_full(a, now);
    if (a->count == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 16;
        if (cap > BUCKETS_MAX) return ig_error_set(err, IG_E_BUSY, "too many keys are in use at once; try again later");
        bucket *more = ig_realloc_array(a->bucket, cap, sizeof *more);
        if (!more) return ig_error_nomem(err, cap * sizeof *more);
        a->bucket = more, a->cap = cap;
    }
    bucket *b = *out = &a->bucket[a->count++];
    *b = (bucket){.tokens = (double)per_minute, .at = now, .per_minute = per_minute};
    snprintf(b->id, sizeof b->id, "%s", id);
    return IG_OK;
}

static ig_status enter_key(admission *a, const char *id, int64_t per_minute, int64_t concurrent, int *retry_s, ig_error *err) {
    bucket *b;
    double now = ig_clock();
    IG_TRY(find_or_add(a, id, per_minute, now, &b, err));
    b->per_minute = per_minute;
    refill(b, now);
    if (concurrent > 0 && b->running >= concurrent)
        return ig_error_set(err, IG_E_BUSY, "this key has %lld requests running, and may have %lld", (long long)b->running, (long long)concurrent);
    if (per_minute > 0 && b->tokens < 1) {
        *retry_s = (int)ceil((1 - b->tokens) * 60 / (double)per_minute);
        return ig_error_set(err, IG_E_BUSY, "this key may make %lld requests a minute; try again in %d s", (long long)per_minute, *retry_s);
    }
    if (per_minute > 0) b->tokens--;
    b->running++;
    return IG_OK;
}

ig_status admission_enter(admission *a, const char *id, int64_t per_minute, int64_t concurrent, bool heavy, int *retry_s,
                          ig_error *err) {
    ig_status s = IG_OK;
    *retry_s = 1;
    pthread_mutex_lock(&a->lock);
    if (heavy && a->heavy >= a->heavy_max)
        s = ig_error_set(err, IG_E_BUSY, "the server works on %d requests already; try again later", a->heavy);
    if (s == IG_OK && id) s = enter_key(a, id, per_minute, concurrent, retry_s, err);
    if (s == IG_OK && heavy) a->heavy++;
    pthread_mutex_unlock(&a->lock);
    return s;
}

void admission_leave(admission *a, const char *id, bool heavy) {
    pthread_mutex_lock(&a->lock);
    bucket *b = id ? find(a, id) : NULL;
    if (b) b->running--;
    if (heavy) a->heavy--;
    pthread_mutex_unlock(&a->lock);
}
