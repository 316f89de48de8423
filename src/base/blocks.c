/* base/blocks.c: aligned memory for numbers.
 *
 * Below 2 MiB a block is posix_memalign's, on a cache line (64 bytes).  From 2 MiB on it is mapped, aligned to 2 MiB and
 * advised for huge pages, because a fresh 4 KiB page costs about as much as computing on it.  For the same reason a freed
 * large block is kept and handed out again (glibc gives such blocks back to the kernel, and a training step that frees its
 * activations would fault all of them in anew at every step):
 *
 *     size class = size rounded up to 2 MiB below 16 MiB, above that to an eighth of its power of two
 *     shelf      = list of free blocks, newest first (its pages are the likeliest to be in a cache)
 *
 * What is kept never exceeds an eighth of the machine's memory, and is unmapped when a mapping is refused.  The shelf is
 * one of the few things that belong to the process and not to a context: a block may outlive the context it was made in.
 * Under a sanitizer every block is posix_memalign's, so that overruns and leaks are seen.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "ingot/base.h"

#define LINE_BYTES ((size_t)64)
#define HUGE_BYTES ((size_t)2 << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LARGE_BYTES SIZE_MAX
#else
#define LARGE_BYTES HUGE_BYTES
#endif

/* Stands at the start of a free block; the block's own memory is the list. */
typedef struct free_block {
    struct free_block *next;
    size_t size;
} free_block;

static pthread_mutex_t shelf_lock = PTHREAD_MUTEX_INITIALIZER;
static free_block *shelf;
static size_t shelf_bytes;

static size_t round_up(size_t n, size_t step) {
    return (n + step - 1) / step * step;
}

static size_t size_class(size_t size) {
    size_t step = HUGE_BYTES;
    if (size > 8 * HUGE_BYTES) {
        unsigned bits = 63u - (unsigned)__builtin_clzll((unsigned long long)size);
        step = (size_t)1 << (bits - 3);
    }
    return round_up(size, step);
}

static size_t shelf_max(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page <= 0) return (size_t)64 << 20;
    return (size_t)pages / 8 * (size_t)page;
}

static void *shelf_take(size_t size) {
    pthread_mutex_lock(&shelf_lock);
    free_block **link = &shelf;
    while (*link && (*link)->size != size) link = &(*link)->next;
    free_block *b = *link;
    if (b) {
        *link = b->next;
        shelf_bytes -= size;
    }
    pthread_mutex_unlock(&shelf_lock);
    return b;
}

static bool shelf_put(void *p, size_t size) {
    pthread_mutex_lock(&shelf_lock);
    bool fits = size <= shelf_max() && shelf_bytes <= shelf_max() - size;
    if (fits) {
        free_block *b = p;
        *b = (free_block){.next = shelf, .size = size};
        shelf = b;
        shelf_bytes += size;
    }
    pthread_mutex_unlock(&shelf_lock);
    return fits;
}

static void shelf_empty(void) {
    pthread_mutex_lock(&shelf_lock);
    free_block *b = shelf;
    shelf = NULL;
    shelf_bytes = 0;
    pthread_mutex_unlock(&shelf_lock);
    while (b) {
        free_block *next = b->next;
        munmap(b, b->size);
        b = next;
    }
}

/* mmap only promises 4 KiB: map 2 MiB more and give the two ends back. */
static void *map_aligned(size_t size) {
    size_t span = size + HUGE_BYTES;
    void *raw = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    uintptr_t start = (uintptr_t)raw, aligned = round_up(start, HUGE_BYTES);
    size_t head = aligned - start, tail = span - head - size;
    if (head) munmap(raw, head);
    if (tail) munmap((void *)(aligned + size), tail);
    madvise((void *)aligned, size, MADV_HUGEPAGE); /* advice: a kernel without huge pages only makes it slower */
    return (void *)aligned;
}

static void *large_malloc(size_t size) {
    size_t rounded = size_class(size);
    void *p = shelf_take(rounded);
    if (!p) p = map_aligned(rounded);
    if (!p) {
        shelf_empty();
        p = map_aligned(rounded);
    }
    return p;
}

/* Fresh pages of the system are zero already, and cost no memory until they are touched: a model whose weights will be packed
 * never has them all. */
void *ig_calloc_aligned(size_t size) {
    if (size < LARGE_BYTES) {
        void *p = ig_malloc_aligned(size);
        if (p) memset(p, 0, size);
        return p;
    }
    if (size > PTRDIFF_MAX / 2 || ig_alloc_injected()) return NULL;
    void *p = map_aligned(size_class(size));
    if (p) return p;
    shelf_empty();
    return map_aligned(size_class(size));
}

void *ig_malloc_aligned(size_t size) {
    if (size > PTRDIFF_MAX / 2 || ig_alloc_injected()) return NULL;
    if (size >= LARGE_BYTES) return large_malloc(size);
    void *p = NULL;
    size_t rounded = round_up(size ? size : 1, LINE_BYTES);
    return posix_memalign(&p, LINE_BYTES, rounded) == 0 ? p : NULL;
}

void ig_free_aligned(void *p, size_t size) {
    if (!p) return;
    if (size < LARGE_BYTES) {
        free(p);
        return;
    }
    size_t rounded = size_class(size);
    if (!shelf_put(p, rounded)) munmap(p, rounded);
}
