/* tests/store/walk.h: a call with its first, second, third … allocation failing, SQLite's own among them.
 *
 * SQLite does without some of its allocations (caches), so that a call may succeed although one failed.  A call ends the walk
 * when it needs fewer than n.  What a call leaves behind when it fails must not make the next one longer.
 */
#ifndef TESTS_STORE_WALK_H
#define TESTS_STORE_WALK_H

#include "folder.h"

typedef ig_status step_fn(ig_store *s, ig_error *err);

static inline void walk(const char *name, ig_store *s, step_fn *step) {
    for (uint64_t n = 1; n < 100000; n++) {
        ig_error err = {0};
        ig_alloc_fail_at(n);
        ig_status status = step(s, &err);
        uint64_t seen = ig_alloc_fail_at(0);
        if (status != IG_OK && status != IG_E_NOMEM) fail_msg("%s, allocation %d: %s: %s", name, (int)n, ig_status_name(status),
                                                              err.message);
        assert_int_equal(status, err.code);
        if (seen < n) {
            assert_int_equal(status, IG_OK);
            return;
        }
    }
    fail_msg("%s never ends", name);
}

#endif
