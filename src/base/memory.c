/* base/memory.c: the one allocator of the library, and the switch that makes its n-th allocation fail.
 *
 * Thin over malloc: what it adds is a size check, a count, and a failure on request, so that a test can walk through
 * every allocation of a call (n = 1, 2, 3 …) and see that each failure comes back as a status.  Aligned blocks are in
 * blocks.c and count here too.  A size of 0 is taken as 1: NULL always means failure.
 */
#include "base/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingot/base.h"

static atomic_uint_fast64_t alloc_seen;    /* allocations since the last ig_alloc_fail_at */
static atomic_uint_fast64_t alloc_fail_at; /* 0: off */

bool ig_alloc_injected(void) {
    uint64_t seen = atomic_fetch_add_explicit(&alloc_seen, 1, memory_order_relaxed) + 1;
    return seen == atomic_load_explicit(&alloc_fail_at, memory_order_relaxed);
}

uint64_t ig_alloc_fail_at(uint64_t n) {
    atomic_store(&alloc_fail_at, n);
    return atomic_exchange(&alloc_seen, 0);
}

bool ig_mul_size(size_t a, size_t b, size_t *out) {
    size_t product;
    if (__builtin_mul_overflow(a, b, &product)) return false;
    *out = product;
    return true;
}

bool ig_add_size(size_t a, size_t b, size_t *out) {
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return false;
    *out = sum;
    return true;
}

void *ig_malloc(size_t size) {
    if (size > PTRDIFF_MAX || ig_alloc_injected()) return NULL;
    return malloc(size ? size : 1);
}

void *ig_calloc(size_t n, size_t size) {
    size_t total;
    if (!ig_mul_size(n, size, &total) || total > PTRDIFF_MAX || ig_alloc_injected()) return NULL;
    return calloc(1, total ? total : 1);
}

void *ig_realloc(void *p, size_t size) {
    if (size > PTRDIFF_MAX || ig_alloc_injected()) return NULL;
    return realloc(p, size ? size : 1);
}

void *ig_realloc_array(void *p, size_t n, size_t size) {
    size_t total;
    if (!ig_mul_size(n, size, &total)) return NULL;
    return ig_realloc(p, total);
}

void ig_free(void *p) {
    free(p);
}

char *ig_strndup(const char *s, size_t n) {
    size_t len = strnlen(s, n);
    char *copy = ig_malloc(len + 1);
    if (!copy) return NULL;
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *ig_strdup(const char *s) {
    return ig_strndup(s, strlen(s));
}
