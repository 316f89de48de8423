/* infer/scheduler_run.c: the thread that owns the model.
 *
 *     loop:  admit who fits ─► one chunk of the oldest unread prompt ─► one decoding run of all who decode ─► choose
 *
 * A decoding run has 16 rows at most.  Those that are left when every request has its one are given to guesses at the tokens
 * that come next: row i+1 of a request reads the guess that the token chosen from row i may confirm.  A row has the same bits
 * in any company and draws its random number by its place, so guesses change the speed and never the text.
 */
#include <string.h>

#include "infer/draft.h"
#include "infer/scheduler.h"

#define DRAFT_MAX 7

int32_t scheduler_pages_of(const ig_scheduler *s, const sequence *q) {
    int64_t positions = (int64_t)(q->r->n + q->tokens_max);
    if (positions > s->r.context) positions = s->r.context;
    return (int32_t)((positions + RUNNER_CHUNK - 1) / RUNNER_CHUNK);
}

/* ---- who runs ---- */

/* Whole chunks of the prompt that somebody has read before; its last token is always read, for its logits. */
static void share_beginning(ig_scheduler *s, sequence *q) {
    while ((size_t)(q->length + RUNNER_CHUNK) < q->r->n) {
        int32_t page = page_pool_find(&s->pool, q->r->scope, q->serial, q->text.data + q->length);
        if (page < 0) return;
        q->page[q->pages++] = page;
        q->serial = s->pool.page[page].serial;
        q->length += RUNNER_CHUNK;
    }
}

static void give_pages(ig_scheduler *s, sequence *q) {
    while (q->pages > 0) page_pool_give(&s->pool, q->page[--q->pages]);
}

/* false: not enough pages now */
static bool admit(ig_scheduler *s, sequence *q) {
    int32_t needed = scheduler_pages_of(s, q);
    share_beginning(s, q);
    if (page_pool_available(&s->pool) < needed - q->pages) {
        give_pages(s, q);
        q->length = 0, q->serial = 0;
        return false;
    }
    s->stats.shared_tokens += (uint64_t)q->length;
    while (q->pages < needed) q->page[q->pages++] = page_pool_take(&s->pool);
    q->state = SEQUENCE_READING;
    return true;
}

static void end(ig_scheduler *s, sequence *q) {
    give_pages(s, q);
    s->stats.pages_used = s->pool.owned;
    q->state = SEQUENCE_ENDED;
    pthread_cond_signal(&q->changed);
}

/* In the order in which they came; who does not fit yet holds up those behind. */
static void admit_all(ig_scheduler *s) {
    while (s->waiting && s->running_count < s->opts.running_max) {
        sequence *q = s->waiting, **at = &s->running;
        if (!admit(s, q)) return;
        s->waiting = q->next, q->next = NULL, s->waiting_count--;
        while (*at) at = &(*at)->next;
        *at = q;
        s->running_count++;
    }
    s->stats.pages_used = s->pool.owned;
}

static void end_some(ig_scheduler *s, sequence **list, int *count, bool all) {
    for (sequence **at = list; *at;) {
        sequence *q = *at;
        if (!q->cancelled && !all && q->error.code == IG_OK && !q->stopped &&
            !(q->state == SEQUENCE_DECODING && q->chosen >= q->tokens_max)) {
            at = &q->next;
            continue;
        }
        if (all && !q->error.code) ig_error_set(&q->error, IG_E_CANCELLED, "the model is being closed");
        *at = q->next, q->next = NULL, (*count)--;
        end(s, q);
    }
}

/* ---- reading and choosing ---- */

/* What a step works on; made under the lock, used without it. */
typedef struct step {
    ig_scheduler *s;
    sequence *reading;
    sequence *decoding[RUNNER_ROWS_MAX];
    int first[RUNNER_ROWS_MAX + 1];  /* rows of decoding[i]: first[i] … first[i+1] */
    int count;
    run_row row[RUNNER_ROWS_MAX];
    const float *logits;             /* [rows,V] */
    ig_choice choice[RUNNER_ROWS_MAX];
    chooser_result result[RUNNER_ROWS_MAX]; /* of decoding[i]: of its last choice */
    int chosen[RUNNER_ROWS_MAX];     /* of decoding[i], from choice[first[i]] on */
    ig_error error[RUNNER_ROWS_MAX];
} step;

static bool paused(const sequence *q) { return q->chosen - q->fetched + DRAFT_MAX + 1 > CHOICES_MAX; }

static void pick(ig_scheduler *s, step *w) {
    *w = (step){.s = s};
    for (sequence *q = s->running; q; q = q->next) {
        if (q->state == SEQUENCE_READING && !w->reading) w->reading = q;
        if (q->state == SEQUENCE_DECODING && !paused(q)) w->decoding[w->count++] = q;
    }
}

static ig_status read_chunk(ig_scheduler *s, sequence *q, ig_choice *choice, chooser_result *result, ig_error *err) {
    const float *logits = NULL;
    int64_t n = (int64_t)q->r->n - q->length;
    if (n > RUNNER_CHUNK) n = RUNNER_CHUNK;
    const int32_t *tokens = q->text.data + q->length;
    IG_TRY(runner_read(&s->r, tokens, n, q->length, q->page, &logits, err));
    if (n == RUNNER_CHUNK)
        q->serial = page_pool_know(&s->pool, q->page[q->length / RUNNER_CHUNK], q->r->scope, q->serial, tokens);
    q->length += n;
    if (q->length < (int64_t)q->r->n) return IG_OK;
    IG_TRY(chooser_next(&q->chooser, logits, choice, result, err));
    return *result == CHOOSER_NONE ? IG_OK : ig_ids_push(&q->text, choice->id, err);
}

/* Rows of one request: its last token, and guesses behind it. */
static void fill_rows(step *w, int i, int spare) {
    sequence *q = w->decoding[i];
    int32_t guess[DRAFT_MAX];
    int64_t left = (int64_t)(q->r->n + q->tokens_max) - (int64_t)q->text.len - 1; /* tokens that may follow the next one */
    int most = spare < DRAFT_MAX ? spare : DRAFT_MAX, at = w->first[i], guesses = 0;
    if (most > left) most = (int)left;
    if (most > 0 && !w->s->opts.no_drafts) guesses = draft_find(q->text.data, q->text.len, most, guess);
    for (int k = 0; k <= guesses; k++)
        w->row[at + k] = (run_row){.token = k ? guess[k - 1] : q->text.data[q->text.len - 1], .position = q->length + k, .page = q->page};
    w->first[i + 1] = at + guesses + 1;
}

/* Choose from a request's rows as long as the guesses hold. */
static void choose_range(void *arg, size_t begin, size_t stop, int thread) {
    step *w = arg;
    int64_t V = w->s->m->family->vocab_size(w->s->m);
    (void)thread;
    for (size_t i = begin; i < stop; i++) {
        sequence *q = w->decoding[i];
        for (int k = w->first[i]; k < w->first[i + 1]; k++) {
            ig_choice *c = &w->choice[k];
            if (chooser_next(&q->chooser, w->logits + k * V, c, &w->result[i], &w->error[i]) != IG_OK) break;
            if (w->result[i] == CHOOSER_NONE) break;
            w->chosen[i]++;
            if (w->result[i] == CHOOSER_LAST || generator_ends(w->s->m, q->o, c->id) || (k + 1 < w->first[i + 1] && w->row[k + 1].token != c->id)) break;
        }
    }
}

static ig_status decode(ig_scheduler *s, step *w, ig_error *err) {
    for (int i = 0; i < w->count; i++) fill_rows(w, i, (RUNNER_ROWS_MAX - w->count) / w->count);
    IG_TRY(runner_decode(&s->r, w->row, w->first[w->count], &w->logits, err));
    ig_parallel_for(s->m->ctx, (size_t)w->count, 1, choose_range, w);
    for (int i = 0; i < w->count; i++) {
        sequence *q = w->decoding[i];
        q->length += w->chosen[i];
        for (int k = 0; k < w->chosen[i]; k++) IG_TRY(ig_ids_push(&q->text, w->choice[w->first[i] + k].id, err));
    }
    return IG_OK;
}

/* ---- handing over, under the lock ---- */

static void hand_over(ig_scheduler *s, sequence *q, const ig_choice *choice, bool last) {
    if (q->chosen >= q->tokens_max) return;
    q->ring[q->chosen % CHOICES_MAX].choice = *choice;
    q->ring[q->chosen++ % CHOICES_MAX].last = last;
    s->stats.generated_tokens++;
    if (last || generator_ends(s->m, q->o, choice->id)) q->tokens_max = (size_t)q->chosen; /* nothing follows */
    pthread_cond_signal(&q->changed);
}

static void hand_over_decoded(ig_scheduler *s, step *w, const ig_error *failed) {
    for (int i = 0; i < w->count; i++) {
        sequence *q = w->decoding[i];
        if (failed->code) q->error = *failed;
        else if (w->error[i].code) q->error = w->error[i];
        for (int k = 0; k < w->chosen[i] && !failed->code; k++)
            hand_over(s, q, &w->choice[w->first[i] + k], w->result[i] == CHOOSER_LAST && k == w->chosen[i] - 1);
        q->stopped = !q->error.code && w->result[i] == CHOOSER_NONE;
        s->stats.guessed += (uint64_t)(w->first[i + 1] - w->first[i] - 1);
        s->stats.guessed_right += w->chosen[i] > 1 ? (uint64_t)w->chosen[i] - 1 : 0;
    }
    s->stats.runs += w->count > 0;
}

static void run_step(ig_scheduler *s, step *w) {
    ig_choice choice;
    chooser_result result = CHOOSER_GOES_ON;
    ig_error read_error = {0}, decode_error = {0};
    sequence *q = w->reading;
    int64_t before = q ? q->length : 0;
    pthread_mutex_unlock(&s->lock);
    ig_context_enter(s->m->ctx);
    if (q) read_chunk(s, q, &choice, &result, &read_error);
    if (w->count) decode(s, w, &decode_error);
    ig_context_leave(s->m->ctx);
    pthread_mutex_lock(&s->lock);
    hand_over_decoded(s, w, &decode_error);
    if (!q) return;
    s->stats.prompt_tokens += (uint64_t)(q->length - before);
    q->error = read_error;
    if (read_error.code || q->length < (int64_t)q->r->n) return;
    q->state = SEQUENCE_DECODING;
    q->prompt_end = ig_clock();
    q->stopped = result == CHOOSER_NONE;
    if (!q->stopped) hand_over(s, q, &choice, result == CHOOSER_LAST);
}

void *scheduler_main(void *scheduler) {
    ig_scheduler *s = scheduler;
    step w;
    pthread_mutex_lock(&s->lock);
    while (!s->closing) {
        end_some(s, &s->running, &s->running_count, false);
        end_some(s, &s->waiting, &s->waiting_count, false);
        admit_all(s);
        pick(s, &w);
        if (w.reading || w.count) run_step(s, &w);
        else pthread_cond_wait(&s->work, &s->lock);
    }
    end_some(s, &s->running, &s->running_count, true);
    end_some(s, &s->waiting, &s->waiting_count, true);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}
