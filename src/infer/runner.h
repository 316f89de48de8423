/* infer/runner.h: a model that reads tokens into pages of a key/value cache: the plans and the pools behind sessions and the
 * scheduler.
 *
 *     pool, per layer    keys and values of 64 positions a page; a sequence is a list of pages
 *     chunk              up to 64 tokens of one sequence, from a multiple of 64 on: prompts
 *     decode             up to 16 tokens, each of a sequence of its own
 *
 * A chunk always runs as 64 rows, some of them padding, and decoding as 1, 2, 4, 8 or 16.  One thread at a time.
 */
#ifndef INGOT_INFER_RUNNER_H
#define INGOT_INFER_RUNNER_H

#include "ingot/infer.h"

#define RUNNER_CHUNK 64 /* positions of a page, too */
#define RUNNER_ROWS_MAX 16
#define RUNNER_PLANS 5  /* 1, 2, 4, 8, 16 */

typedef struct run_inputs {
    int64_t rows;
    ig_tensor tokens;                        /* i64 [1,rows] */
    ig_tensor table, places, positions, last; /* of the ig_kv_cache */
    ig_plan *plan;                           /* made when first needed */
} run_inputs;

typedef struct runner {
    ig_model *m;
    bool bf16;        /* products of chunks */
    int64_t context;  /* positions of a sequence at most */
    int64_t pages;    /* of the pools */
    ig_kv_cache cache;
    run_inputs chunk, decode[RUNNER_PLANS];
} runner;

typedef struct run_row {
    int32_t token;
    int64_t position;
    const int32_t *page; /* of its sequence: as many as reach the position */
} run_row;

/* IG_E_UNSUPPORTED for a family that does not generate. */
ig_status runner_open(runner *r, ig_model *m, int64_t context, int64_t pages, bool bf16, ig_error *err);
void runner_close(runner *r);
/* Bytes of one page in all layers. */
size_t runner_page_bytes(const ig_model *m);

/* n tokens from position `from` on, which do not cross a multiple of 64.  *logits [V] of the last one, until the next run. */
ig_status runner_read(runner *r, const int32_t *tokens, int64_t n, int64_t from, const int32_t *page, const float **logits, ig_error *err);
/* n rows of different sequences; *logits [n,V]. */
ig_status runner_decode(runner *r, const run_row *rows, int n, const float **logits, ig_error *err);

#endif
