/* infer/page_pool.c: see page_pool.h. */
#include "infer/page_pool.h"

#include <string.h>

ig_status page_pool_init(page_pool *p, int32_t count, ig_error *err) {
    *p = (page_pool){.count = count, .buckets = 16};
    while (p->buckets < (uint32_t)count) p->buckets *= 2;
    p->page = ig_calloc((size_t)count, sizeof *p->page);
    p->bucket = ig_malloc(p->buckets * sizeof *p->bucket);
    if (!p->page || !p->bucket) return ig_error_nomem(err, (size_t)count * sizeof *p->page);
    memset(p->bucket, 0xff, p->buckets * sizeof *p->bucket); /* -1 */
    return IG_OK;
}

void page_pool_fini(page_pool *p) {
    ig_free(p->page);
    ig_free(p->bucket);
    *p = (page_pool){0};
}

int32_t page_pool_available(const page_pool *p) { return p->count - p->owned; }

/* ---- what is known ---- */

/* FNV-1a over what makes a page's content; equality is checked token by token. */
static uint32_t bucket_of(const page_pool *p, uint64_t scope, uint64_t before, const int32_t *tokens) {
    uint64_t h = 0xcbf29ce484222325u ^ scope;
    h = (h ^ before) * 0x100000001b3u;
    for (int i = 0; i < RUNNER_CHUNK; i++) h = (h ^ (uint32_t)tokens[i]) * 0x100000001b3u;
    return (uint32_t)(h ^ h >> 32) & (p->buckets - 1);
}

static int32_t look_up(const page_pool *p, uint64_t scope, uint64_t before, const int32_t *tokens) {
    int32_t at = p->bucket[bucket_of(p, scope, before, tokens)];
    for (; at >= 0; at = p->page[at].next) {
        const page_info *i = &p->page[at];
        if (i->scope == scope && i->before == before && memcmp(i->token, tokens, sizeof i->token) == 0) return at;
    }
    return -1;
}

static void forget(page_pool *p, int32_t page) {
    page_info *i = &p->page[page];
    int32_t *at = &p->bucket[bucket_of(p, i->scope, i->before, i->token)];
    while (*at != page) at = &p->page[*at].next;
    *at = i->next;
    i->known = false;
}

int32_t page_pool_find(page_pool *p, uint64_t scope, uint64_t before, const int32_t *tokens) {
    int32_t page = look_up(p, scope, before, tokens);
    if (page >= 0 && p->page[page].ref++ == 0) p->owned++;
    return page;
}

uint64_t page_pool_know(page_pool *p, int32_t page, uint64_t scope, uint64_t before, const int32_t *tokens) {
    page_info *i = &p->page[page];
    int32_t twin = look_up(p, scope, before, tokens);
    if (twin >= 0) return p->page[twin].serial;
    uint32_t b = bucket_of(p, scope, before, tokens);
    i->known = true, i->scope = scope, i->before = before, i->serial = ++p->serials;
    memcpy(i->token, tokens, sizeof i->token);
    i->next = p->bucket[b];
    p->bucket[b] = page;
    return i->serial;
}

/* ---- who owns it ---- */

/* One that holds nothing; else the kept one that was not used for the longest time. */
int32_t page_pool_take(page_pool *p) {
    int32_t best = -1;
    for (int32_t at = 0; at < p->count; at++) {
        const page_info *i = &p->page[at];
        if (i->ref) continue;
        if (best < 0 || (!i->known && p->page[best].known) || (i->known == p->page[best].known && i->used < p->page[best].used)) best = at;
    }
    if (best < 0) return -1;
    if (p->page[best].known) forget(p, best);
    p->page[best].ref = 1;
    p->owned++;
    return best;
}

void page_pool_give(page_pool *p, int32_t page) {
    page_info *i = &p->page[page];
    i->used = ++p->clock;
    if (--i->ref == 0) p->owned--;
}
