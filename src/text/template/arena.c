/* text/template/arena.c: the memory of a template or of one run: blocks that are given back together.
 *
 *     block    next | used | cap | bytes …        cap doubles from 4 KiB to 1 MiB; what is larger gets a block of its own
 *
 * The limit counts the bytes of the blocks, so that it bounds what the process really takes.
 */
#include <string.h>

#include "text/template/value.h"

#define BLOCK_BYTES_MIN ((size_t)4096)
#define BLOCK_BYTES_MAX ((size_t)1 << 20)

struct tpl_block {
    tpl_block *next;
    size_t used, cap;
    max_align_t bytes[];
};

static ig_status add_block(tpl_arena *a, size_t need, ig_error *err) {
    size_t cap = a->blocks ? a->blocks->cap * 2 : BLOCK_BYTES_MIN;
    if (cap > BLOCK_BYTES_MAX) cap = BLOCK_BYTES_MAX;
    if (cap < need) cap = need;
    size_t total;
    if (cap > a->bytes_max - a->bytes) cap = need;
    if (!ig_add_size(cap, sizeof(tpl_block), &total) || cap > a->bytes_max - a->bytes)
        return ig_error_set(err, IG_E_LIMIT, "the template needs more than its %zu bytes of memory", a->bytes_max);
    tpl_block *b = ig_malloc(total);
    if (!b) return ig_error_nomem(err, total);
    *b = (tpl_block){.next = a->blocks, .cap = cap};
    a->blocks = b;
    a->bytes += cap;
    return IG_OK;
}

ig_status ig_tpl_arena_alloc(tpl_arena *a, size_t n, size_t size, void *out, ig_error *err) {
    size_t need, align = sizeof(max_align_t);
    if (!ig_mul_size(n, size, &need) || need > PTRDIFF_MAX - align)
        return ig_error_set(err, IG_E_LIMIT, "the template needs more than its %zu bytes of memory", a->bytes_max);
    need = (need + align - 1) / align * align;
    if (!a->blocks || a->blocks->cap - a->blocks->used < need) IG_TRY(add_block(a, need, err));
    tpl_block *b = a->blocks;
    void *p = (char *)b->bytes + b->used;
    b->used += need;
    memset(p, 0, need);
    memcpy(out, &p, sizeof p);
    return IG_OK;
}

void ig_tpl_arena_fini(tpl_arena *a) {
    while (a->blocks) {
        tpl_block *next = a->blocks->next;
        ig_free(a->blocks);
        a->blocks = next;
    }
    a->bytes = 0;
}
