/* store/sqlite_memory.c: SQLite's memory is ours, so that a test can let each of its allocations fail.
 *
 * SQLite asks for the size of a block, which malloc does not tell: it stands in front of the block.
 *
 *     [ size, padded to 16 bytes ][ what SQLite gets … ]
 *
 * The setting belongs to the process and must come before SQLite's first use.  In a program that has used SQLite before,
 * the setting is refused and SQLite keeps the allocator that it has, which is harmless.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#include "store/sqlite.h"

#define HEAD_BYTES 16

static void *take(int n) {
    char *p = ig_malloc((size_t)n + HEAD_BYTES);
    if (!p) return NULL;
    memcpy(p, &n, sizeof n);
    return p + HEAD_BYTES;
}

static void give(void *p) {
    if (p) ig_free((char *)p - HEAD_BYTES);
}

static int size_of(void *p) {
    int n = 0;
    if (p) memcpy(&n, (char *)p - HEAD_BYTES, sizeof n);
    return n;
}

static void *resize(void *p, int n) {
    char *head = ig_realloc((char *)p - HEAD_BYTES, (size_t)n + HEAD_BYTES);
    if (!head) return NULL;
    memcpy(head, &n, sizeof n);
    return head + HEAD_BYTES;
}

static int round_up(int n) { return (n + 7) & ~7; }

static int start(void *arg) {
    (void)arg;
    return SQLITE_OK;
}

static void stop(void *arg) { (void)arg; }

static void configure(void) {
    static const sqlite3_mem_methods methods = {take, give, resize, size_of, round_up, start, stop, NULL};
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

ig_status sqlite_start(ig_error *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
    int rc = sqlite3_initialize();
    if (rc == SQLITE_NOMEM) return ig_error_nomem(err, 0);
    return rc == SQLITE_OK ? IG_OK : ig_error_set(err, IG_E_INTERNAL, "SQLite does not start: %s", sqlite3_errstr(rc));
}
