/* store/feature_sweep.c: what removed features leave: items and their entries in the index, what was said, tickets, versions.
 *
 * The feature's own row stays: the audit names it, and its public keys point to it.  Rows go in steps, so that nobody who writes
 * waits for a large feature; a sweep that is stopped goes on with the next one.
 */
#include "store/said_rows.h"

#define STEP 500

typedef struct sweep_step {
    store_query first, q; /* first: runs before q on the same rows; STORE_QUERIES: none */
    int64_t removed;
} sweep_step;

static ig_status sweep(ig_store *view, void *arg, ig_error *err) {
    sweep_step *p = arg;
    const store_value v = store_int(STEP);
    if (p->first != STORE_QUERIES) IG_TRY(store_run(view, p->first, &v, 1, NULL, NULL, err));
    return view->backend->run(view->db, p->q, &v, 1, NULL, NULL, &p->removed, err);
}

ig_status ig_store_feature_sweep(ig_store *s, int64_t *removed, ig_error *err) {
    static const store_query queries[][2] = {
        {STORE_Q_SWEEP_TEXT, STORE_Q_SWEEP_ITEMS}, {STORE_QUERIES, STORE_Q_SWEEP_SAID}, {STORE_QUERIES, STORE_Q_SWEEP_TICKETS},
        {STORE_QUERIES, STORE_Q_SWEEP_LIVE}, {STORE_QUERIES, STORE_Q_SWEEP_VERSIONS},
    };
    int64_t all = 0;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        sweep_step p = {.first = queries[i][0], .q = queries[i][1], .removed = STEP};
        for (; p.removed == STEP; all += p.removed) {
            if (all) store_pause();
            IG_TRY(store_quick(s, sweep, &p, err));
        }
    }
    if (removed) *removed = all;
    return IG_OK;
}
