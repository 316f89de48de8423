/* data/picture_batches.c: the next batch of pictures, prepared while this one is used.
 *
 *     caller    │ get(k): slot A ready, ask for k+1 │ step with A │ get(k+1): helps with the rows that are left │ step with B │
 *     worker    │                                   │ rows of B … │ …                                           │ rows of A … │
 *
 * Rows are handed out one by one by a counter; the worker takes them, with a low priority so that the step keeps the cores,
 * and whoever waits for the batch takes them too, on all cores.  A row is the same whoever makes it.  There are two slots and
 * one worker.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "data/picture_batches.h"

#define WORKER_NICE 10

typedef struct slot {
    ig_picture_batch batch;
    atomic_long next;       /* row to be handed out */
    bool asked, mixed;      /* batch.index is meant; mixup is done */
    pthread_mutex_t lock;   /* of what follows */
    int64_t failed;         /* row of the error, the first in order; -1 */
    ig_error error;
} slot;

struct ig_picture_batches {
    ig_context *ctx;
    picture_rows rows;
    slot slot[2];
    bool has_worker;
    pthread_t worker;
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    slot *todo;             /* what the worker works on, NULL: it waits */
    bool ends;
};

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void note_error(slot *s, int64_t row, const ig_error *error) {
    pthread_mutex_lock(&s->lock);
    if (s->failed < 0 || row < s->failed) s->failed = row, s->error = *error;
    pthread_mutex_unlock(&s->lock);
}

static void take_rows(const ig_picture_batches *b, slot *s) {
    for (int64_t r; (r = atomic_fetch_add(&s->next, 1)) < b->rows.batch;) {
        ig_error error = {0};
        if (picture_rows_fill(&b->rows, &s->batch, r, &error) != IG_OK) note_error(s, r, &error);
    }
}

typedef struct helping {
    const ig_picture_batches *b;
    slot *s;
} helping;

static void help_range(void *arg, size_t begin, size_t end, int thread) {
    helping *h = arg;
    (void)begin, (void)end, (void)thread;
    take_rows(h->b, h->s);
}

static void help(ig_picture_batches *b, slot *s) {
    helping h = {b, s};
    if (atomic_load(&s->next) >= b->rows.batch) return;
    ig_context_enter(b->ctx);
    ig_parallel_for(b->ctx, (size_t)ig_context_threads(b->ctx), 1, help_range, &h);
    ig_context_leave(b->ctx);
}

/* ---- the worker -------------------------------------------------------------------------------------------------- */

static void *work(void *arg) {
    ig_picture_batches *b = arg;
    setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE); /* of this thread; where it is refused it runs as the others do */
    pthread_mutex_lock(&b->lock);
    for (;;) {
        while (!b->todo && !b->ends) pthread_cond_wait(&b->work, &b->lock);
        if (b->ends) break;
        slot *s = b->todo;
        pthread_mutex_unlock(&b->lock);
        take_rows(b, s);
        pthread_mutex_lock(&b->lock);
        b->todo = NULL;
        pthread_cond_broadcast(&b->idle);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

static void wait_idle(ig_picture_batches *b) {
    if (!b->has_worker) return;
    pthread_mutex_lock(&b->lock);
    while (b->todo) pthread_cond_wait(&b->idle, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static void hand_over(ig_picture_batches *b, slot *s) {
    pthread_mutex_lock(&b->lock);
    b->todo = s;
    pthread_cond_signal(&b->work);
    pthread_mutex_unlock(&b->lock);
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

static void ask(const ig_picture_batches *b, slot *s, int64_t index) {
    s->batch.index = index;
    s->batch.rows = picture_rows_of(&b->rows, index);
    s->failed = -1;
    s->asked = true, s->mixed = false;
    atomic_store(&s->next, 0);
}

ig_status ig_picture_batches_get(ig_picture_batches *b, int64_t index, const ig_picture_batch **out, ig_error *err) {
    if (index < 0 || !picture_rows_of(&b->rows, index))
        return ig_error_set(err, IG_E_NOT_FOUND, "there is no batch %lld of these pictures", (long long)index);
    slot *s = b->slot[1].asked && b->slot[1].batch.index == index ? &b->slot[1] : &b->slot[0];
    slot *other = s == b->slot ? &b->slot[1] : &b->slot[0];
    if (!s->asked || s->batch.index != index) {
        atomic_store(&other->next, b->rows.batch); /* what is prepared there will not be used */
        atomic_store(&s->next, b->rows.batch);
        wait_idle(b);
        other->asked = false;
        ask(b, s, index);
    }
    help(b, s);
    wait_idle(b);
    if (!s->mixed && s->failed < 0) picture_rows_mix(&b->rows, &s->batch), s->mixed = true;
    if (b->has_worker && picture_rows_of(&b->rows, index + 1) && !(other->asked && other->batch.index == index + 1)) {
        ask(b, other, index + 1);
        hand_over(b, other);
    }
    *out = &s->batch;
    if (s->failed < 0) return IG_OK;
    s->asked = false; /* asked for again it is made again */
    if (err) *err = s->error;
    return s->error.code;
}

int64_t ig_picture_batches_per_epoch(const ig_picture_batches *b) {
    return (b->rows.count + b->rows.batch - 1) / b->rows.batch;
}

double ig_picture_batches_epoch(const ig_picture_batches *b, int64_t batches) {
    return (double)batches * (double)b->rows.batch / (double)b->rows.count;
}

/* ---- opening and closing ----------------------------------------------------------------------------------------- */

static ig_status slot_init(ig_context *ctx, slot *s, const ig_augment *a, int64_t batch, ig_error *err) {
    IG_TRY(ig_tensor_new(ctx, IG_DTYPE_F32, 4, (const int64_t[]){batch, a->height, a->width, a->channels}, &s->batch.pictures,
                         err));
    IG_TRY(ig_tensor_new(ctx, IG_DTYPE_I64, 1, &batch, &s->batch.labels, err));
    IG_TRY(ig_tensor_new(ctx, IG_DTYPE_I64, 1, &batch, &s->batch.mixed, err));
    return ig_tensor_new(ctx, IG_DTYPE_F32, 1, &batch, &s->batch.weight, err);
}

static void slot_fini(slot *s) {
    ig_tensor_unref(&s->batch.pictures);
    ig_tensor_unref(&s->batch.labels);
    ig_tensor_unref(&s->batch.mixed);
    ig_tensor_unref(&s->batch.weight);
    pthread_mutex_destroy(&s->lock);
}

static ig_status check_options(const ig_picture_set *s, const ig_augment *a, const ig_picture_batches_opts *o, ig_error *err) {
    size_t count = o->index ? o->count : s->count;
    if (o->batch < 1 || !count)
        return ig_error_set(err, IG_E_ARG, "a batch has one picture or more, and so has what it is made from");
    if (a->height < 1 || a->width < 1 || a->channels != s->channels)
        return ig_error_set(err, IG_E_ARG,
                            "pictures of %d channels cannot become %lld × %lld × %d: say size, and the channels of the set",
                            s->channels, (long long)a->height, (long long)a->width, a->channels);
    for (size_t i = 0; o->index && i < count; i++)
        if (o->index[i] < 0 || (size_t)o->index[i] >= s->count)
            return ig_error_set(err, IG_E_ARG, "there is no picture %lld in a set of %zu", (long long)o->index[i], s->count);
    return IG_OK;
}

static ig_status prepare(ig_picture_batches *b, bool serial, ig_error *err) {
    for (int i = 0; i < 2; i++) IG_TRY(slot_init(b->ctx, &b->slot[i], &b->rows.a, b->rows.batch, err));
    if (serial) return IG_OK;
    int code = pthread_create(&b->worker, NULL, work, b);
    if (code) return ig_error_set(err, IG_E_IO, "no thread for the pictures: %s", strerror(code));
    b->has_worker = true;
    return IG_OK;
}

ig_status ig_picture_batches_open(ig_context *ctx, const ig_picture_set *s, const ig_augment *a,
                                  const ig_picture_batches_opts *opts, ig_picture_batches **out, ig_error *err) {
    IG_TRY(check_options(s, a, opts, err));
    ig_picture_batches *b = ig_calloc(1, sizeof *b);
    if (!b) return ig_error_nomem(err, sizeof *b);
    b->ctx = ctx;
    b->rows = (picture_rows){s,           *a,         opts->index,   (int64_t)(opts->index ? opts->count : s->count),
                             opts->batch, opts->seed, opts->training};
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->work, NULL);
    pthread_cond_init(&b->idle, NULL);
    for (int i = 0; i < 2; i++) {
        b->slot[i].failed = -1;
        atomic_init(&b->slot[i].next, opts->batch);
        pthread_mutex_init(&b->slot[i].lock, NULL);
    }
    ig_status status = prepare(b, opts->serial, err);
    if (status == IG_OK) *out = b;
    else ig_picture_batches_close(b);
    return status;
}

void ig_picture_batches_close(ig_picture_batches *b) {
    if (!b) return;
    if (b->has_worker) {
        for (int i = 0; i < 2; i++) atomic_store(&b->slot[i].next, b->rows.batch);
        pthread_mutex_lock(&b->lock);
        b->ends = true;
        pthread_cond_signal(&b->work);
        pthread_mutex_unlock(&b->lock);
        pthread_join(b->worker, NULL);
    }
    for (int i = 0; i < 2; i++) slot_fini(&b->slot[i]);
    pthread_cond_destroy(&b->idle);
    pthread_cond_destroy(&b->work);
    pthread_mutex_destroy(&b->lock);
    ig_free(b);
}
