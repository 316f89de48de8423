/* infer/scheduler.h: the parts of a scheduler, for its two files.
 *
 *     scheduler.c       requests come, wait, are answered; called by the threads of those who ask
 *     scheduler_run.c   the thread that owns the model: admits, reads prompts, decodes, chooses
 *
 *     waiting ─► pages for prompt and answer are free ─► reading, a chunk at a time ─► decoding ─► ended
 *
 * All fields are guarded by `lock`, but for what the running thread alone touches while a request runs: the runner, the pool,
 * and the parts of a sequence under "the model's thread".
 */
#ifndef INGOT_INFER_SCHEDULER_H
#define INGOT_INFER_SCHEDULER_H

#include <pthread.h>

#include "infer/chooser.h"
#include "infer/generator.h"
#include "infer/page_pool.h"
#include "infer/runner.h"

#define CHOICES_MAX 64 /* that nobody has fetched; then the request pauses until its reader has */

typedef enum sequence_state { SEQUENCE_WAITING, SEQUENCE_READING, SEQUENCE_DECODING, SEQUENCE_ENDED } sequence_state;

typedef struct sequence {
    const ig_request *r;
    const ig_generate_opts *o;
    sequence_state state;
    bool cancelled;
    ig_error error;                 /* why it ended, if not well */
    struct {
        ig_choice choice;
        bool last;                  /* nothing can follow */
    } ring[CHOICES_MAX];            /* chosen and not fetched */
    bool stopped;                   /* ended by its grammar, without a token */
    uint64_t chosen, fetched;
    size_t room;                    /* of the context, for the answer */
    size_t tokens_max;              /* to generate; less when an end token has come */
    double prompt_end;              /* ig_clock() when the prompt had been read */
    pthread_cond_t changed;
    struct sequence *next;          /* in the list of waiting ones, then of running ones */

    /* the model's thread */
    int32_t *page;                  /* [pages] */
    int32_t pages;
    int64_t length;                 /* positions that the cache holds */
    uint64_t serial;                /* of the last page that is known */
    ig_ids text;                    /* prompt and answer */
    chooser chooser;
} sequence;

struct ig_scheduler {
    ig_model *m;
    ig_scheduler_opts opts;
    runner r;
    page_pool pool;
    pthread_mutex_t lock;
    pthread_cond_t work;            /* something to do for the model's thread */
    pthread_t thread;
    bool has_thread, closing;
    sequence *waiting, *running;
    int waiting_count, running_count;
    ig_scheduler_stats stats;
};

/* scheduler_run.c */
void *scheduler_main(void *scheduler);
/* Pages for a prompt of n tokens and its answer. */
int32_t scheduler_pages_of(const ig_scheduler *s, const sequence *q);

#endif
