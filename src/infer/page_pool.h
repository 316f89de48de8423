/* infer/page_pool.h: who owns which page of a runner's cache, and which prompts have been read already.
 *
 *     page   free ─► owned by sequences (ref > 0) ─► free, or, if it is known to hold the beginning of a prompt, kept
 *                          ▲                                                             │ until pages run out
 *                          └───────────── the same beginning comes again ────────────────┘
 *
 * A beginning is known by its tokens, the page before it, and a scope: prompts of different scopes share nothing, so that
 * response times tell nobody what others have asked.
 */
#ifndef INGOT_INFER_PAGE_POOL_H
#define INGOT_INFER_PAGE_POOL_H

#include "infer/runner.h"

typedef struct page_info {
    int ref;
    bool known;
    uint64_t scope, before, serial; /* before: serial of the page before it, 0 for the first */
    uint64_t used;                  /* when it was last given back: the oldest goes first */
    int32_t token[RUNNER_CHUNK];
    int32_t next;                   /* in its bucket; -1 ends */
} page_info;

typedef struct page_pool {
    page_info *page; /* [count] */
    int32_t count;
    int32_t *bucket; /* [buckets], a power of two */
    uint32_t buckets;
    uint64_t serials, clock;
    int32_t owned;   /* pages with ref > 0 */
} page_pool;

ig_status page_pool_init(page_pool *p, int32_t count, ig_error *err);
void page_pool_fini(page_pool *p);
/* Pages that nobody owns, kept ones included. */
int32_t page_pool_available(const page_pool *p);
/* A page of one's own; -1 when all are owned. */
int32_t page_pool_take(page_pool *p);
void page_pool_give(page_pool *p, int32_t page);
/* The page that holds these 64 tokens behind `before`, now owned once more; -1: none. */
int32_t page_pool_find(page_pool *p, uint64_t scope, uint64_t before, const int32_t *tokens);
/* Make an owned page known; returns its serial, or that of another page with the same content. */
uint64_t page_pool_know(page_pool *p, int32_t page, uint64_t scope, uint64_t before, const int32_t *tokens);

#endif
