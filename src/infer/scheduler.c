/* infer/scheduler.c: the side of those who ask; see scheduler.h. */
#include "infer/scheduler.h"

#include <errno.h>
#include <time.h>

#define WAITING_MAX 64
#define LOOK_EVERY_MS 100 /* is_wanted */

/* ---- opening and closing ---- */

static int32_t choose_pages(const ig_scheduler *s, int64_t context) {
    size_t page = runner_page_bytes(s->m), free_bytes = (size_t)ig_memory_available() / 4;
    int64_t one = (context + RUNNER_CHUNK - 1) / RUNNER_CHUNK, wanted = one * s->opts.running_max;
    size_t limit = s->opts.cache_bytes_max ? s->opts.cache_bytes_max : free_bytes ? free_bytes : SIZE_MAX;
    if ((uint64_t)wanted > limit / page) wanted = (int64_t)(limit / page);
    if (wanted < one) wanted = one; /* one request of full length must fit */
    return wanted > INT32_MAX ? INT32_MAX : (int32_t)wanted;
}

static ig_status set_up(ig_scheduler *s, const ig_scheduler_opts *opts, ig_error *err) {
    if (opts) s->opts = *opts;
    if (s->opts.running_max < 0 || s->opts.running_max > RUNNER_ROWS_MAX)
        return ig_error_set(err, IG_E_ARG, "running_max is %d; 1 to %d can run together", s->opts.running_max, RUNNER_ROWS_MAX);
    if (s->opts.context_max < 0 || s->opts.waiting_max < 0) return ig_error_set(err, IG_E_ARG, "a limit is negative");
    if (!ig_model_can(s->m, IG_CAN_GENERATE) || !s->m->family->cache_shape)
        return ig_error_set(err, IG_E_UNSUPPORTED, "models of family %s do not generate%s", s->m->family->name,
                            ig_model_can(s->m, IG_CAN_GENERATE) ? " several texts at a time: use `ingot run`" : "");
    if (!s->opts.running_max) s->opts.running_max = RUNNER_ROWS_MAX;
    if (!s->opts.waiting_max) s->opts.waiting_max = WAITING_MAX;
    int64_t context = s->m->family->context_length(s->m);
    if (s->opts.context_max && s->opts.context_max < context) context = s->opts.context_max;
    int32_t pages = choose_pages(s, context);
    s->stats.pages = pages;
    IG_TRY(page_pool_init(&s->pool, pages, err));
    return runner_open(&s->r, s->m, context, pages, s->opts.bf16, err);
}

static ig_status start(ig_scheduler *s, ig_error *err) {
    if (pthread_create(&s->thread, NULL, scheduler_main, s) != 0) return ig_error_set(err, IG_E_LIMIT, "no thread could be started");
    s->has_thread = true;
    return IG_OK;
}

ig_status ig_scheduler_open(ig_model *m, const ig_scheduler_opts *opts, ig_scheduler **out, ig_error *err) {
    *out = NULL;
    ig_scheduler *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    s->m = m;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
    ig_status status = set_up(s, opts, err);
    if (status == IG_OK) status = start(s, err);
    if (status == IG_OK) *out = s;
    else ig_scheduler_close(s);
    return status;
}

void ig_scheduler_close(ig_scheduler *s) {
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    if (s->has_thread) pthread_join(s->thread, NULL);
    runner_close(&s->r);
    page_pool_fini(&s->pool);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    ig_free(s);
}

int64_t ig_scheduler_context(const ig_scheduler *s) { return s->r.context; }

void ig_scheduler_stats_get(ig_scheduler *s, ig_scheduler_stats *out) {
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    out->running = s->running_count, out->waiting = s->waiting_count;
    pthread_mutex_unlock(&s->lock);
}

/* ---- a request ---- */

static ig_status check_prompt(const ig_scheduler *s, const ig_request *r, ig_error *err) {
    int64_t V = s->m->family->vocab_size(s->m);
    if (r->n == 0) return ig_error_set(err, IG_E_ARG, "a prompt of no tokens");
    if (r->n >= (size_t)s->r.context)
        return ig_error_set(err, IG_E_LIMIT, "the prompt has %zu tokens, and the context of %lld leaves no room for an answer; %lld fit",
                            r->n, (long long)s->r.context, (long long)s->r.context - 1);
    for (size_t i = 0; i < r->n; i++)
        if (r->prompt[i] < 0 || r->prompt[i] >= V)
            return ig_error_set(err, IG_E_ARG, "token %d at place %zu; the model knows 0 to %lld", r->prompt[i], i, (long long)V - 1);
    return IG_OK;
}

static ig_status sequence_init(sequence *q, const ig_scheduler *s, const ig_request *r, const ig_generate_opts *o, ig_error *err) {
    size_t room = (size_t)s->r.context - r->n;
    *q = (sequence){.r = r, .o = o, .room = room, .tokens_max = o->max_tokens && o->max_tokens < room ? o->max_tokens : room};
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &attr);
    pthread_condattr_destroy(&attr);
    for (size_t i = 0; i < r->n; i++) IG_TRY(ig_ids_push(&q->text, r->prompt[i], err));
    int32_t pages = scheduler_pages_of(s, q);
    q->page = ig_calloc((size_t)pages, sizeof *q->page);
    if (!q->page) return ig_error_nomem(err, (size_t)pages * sizeof *q->page);
    IG_TRY(chooser_init(&q->chooser, s->m, o, err));
    for (size_t i = 0; i < r->n; i++) ig_sampler_saw(q->chooser.sampler, r->prompt[i]);
    return IG_OK;
}

static void sequence_fini(sequence *q) {
    chooser_fini(&q->chooser);
    ig_ids_fini(&q->text);
    ig_free(q->page);
    pthread_cond_destroy(&q->changed);
}

static ig_status enqueue(ig_scheduler *s, sequence *q, ig_error *err) {
    ig_status status = IG_OK;
    pthread_mutex_lock(&s->lock);
    sequence **at = &s->waiting;
    while (*at) at = &(*at)->next;
    if (s->closing) status = ig_error_set(err, IG_E_CANCELLED, "the model is being closed");
    else if (s->waiting_count >= s->opts.waiting_max)
        status = ig_error_set(err, IG_E_BUSY, "%d requests wait already; try again later", s->waiting_count);
    if (status == IG_OK) {
        *at = q;
        s->waiting_count++;
        s->stats.requests++;
        pthread_cond_signal(&s->work);
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

/* Wait for the next choice, or the end (false). */
static bool fetch(ig_scheduler *s, sequence *q, ig_choice *choice, bool *last) {
    struct timespec until;
    pthread_mutex_lock(&s->lock);
    while (q->fetched == q->chosen && q->state != SEQUENCE_ENDED) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_EVERY_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
        if (pthread_cond_timedwait(&q->changed, &s->lock, &until) != ETIMEDOUT || !q->r->is_wanted) continue;
        pthread_mutex_unlock(&s->lock);
        bool wanted = q->r->is_wanted(q->r->arg);
        pthread_mutex_lock(&s->lock);
        if (!wanted) q->cancelled = true, pthread_cond_signal(&s->work);
    }
    bool there = q->fetched != q->chosen;
    if (there) {
        *choice = q->ring[q->fetched % CHOICES_MAX].choice;
        *last = q->ring[q->fetched++ % CHOICES_MAX].last;
    }
    if (there && q->chosen - q->fetched == CHOICES_MAX / 2) pthread_cond_signal(&s->work); /* it may have paused */
    pthread_mutex_unlock(&s->lock);
    return there;
}

/* No more is wanted: the model's thread lets go of it at its next step. */
static void wait_for_end(ig_scheduler *s, sequence *q) {
    pthread_mutex_lock(&s->lock);
    if (q->state != SEQUENCE_ENDED) q->cancelled = true, pthread_cond_signal(&s->work);
    while (q->state != SEQUENCE_ENDED) pthread_cond_wait(&q->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

static ig_status answer(ig_scheduler *s, sequence *q, generator *g, ig_error *err) {
    double start_time = ig_clock();
    size_t most = g->max_tokens < q->room ? g->max_tokens : q->room;
    ig_choice choice;
    bool last = false;
    ig_status status = IG_OK;
    while (status == IG_OK && !g->done && fetch(s, q, &choice, &last)) {
        if (q->r->is_wanted && !q->r->is_wanted(q->r->arg)) break;
        status = generator_take(g, &choice, g->out->ids.len + 1 == most, last, err);
    }
    wait_for_end(s, q);
    if (q->prompt_end > 0) g->out->prompt_seconds = q->prompt_end - start_time, g->out->generate_seconds = ig_clock() - q->prompt_end;
    if (status == IG_OK && !g->done && q->stopped && q->fetched == q->chosen) generator_stop(g);
    if (status == IG_OK && !g->done) {
        if (err) *err = q->error;
        status = q->error.code;
        g->out->finish = IG_FINISH_CANCELLED;
    }
    return status == IG_OK && g->done ? generator_finish(g, err) : status;
}

ig_status ig_scheduler_generate(ig_scheduler *s, const ig_request *r, ig_generation *out, ig_error *err) {
    generator g;
    sequence q;
    IG_TRY(generator_init(&g, s->m, r->opts, r->n, SIZE_MAX, out, err));
    ig_status status = check_prompt(s, r, err);
    if (status != IG_OK) {
        generator_fini(&g);
        return status;
    }
    status = sequence_init(&q, s, r, g.o, err);
    if (status == IG_OK) status = enqueue(s, &q, err);
    if (status == IG_OK) status = answer(s, &q, &g, err);
    sequence_fini(&q);
    generator_fini(&g);
    return status;
}
