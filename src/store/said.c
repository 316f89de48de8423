/* store/said.c: interactions with their feedback, read for training, lists and reports, and swept when their time is over.
 *
 * Reading goes in steps of STEP interactions, each found by the number of the last: a million of them take the memory of one
 * step, and nobody who writes waits.
 */
#include <string.h>

#include "store/said_rows.h"

#define STEP 1000
#define SWEEP 2000 /* removed at a time: others get their turn between */

/* ---- each -------------------------------------------------------------------------------------------------------- */

typedef struct reading {
    ig_store_said_fn *fn;
    void *arg;
    int64_t last, count; /* number of the last interaction; how many there were */
} reading;

static ig_status give_row(void *arg, const store_value *v, ig_error *err) {
    reading *r = arg;
    ig_store_interaction i = {0};
    ig_store_feedback f = {0};
    bool rated = v[STORE_SAID_COLUMNS].type != STORE_NULL;
    ig_status status = store_read_said(&i, v, err);
    if (status == IG_OK && rated) status = store_read_feedback(&f, v + STORE_SAID_COLUMNS, err);
    if (i.number != r->last) r->count++;
    r->last = i.number;
    if (status == IG_OK) status = r->fn(r->arg, &i, rated ? &f : NULL, err);
    ig_store_interaction_fini(&i);
    ig_store_feedback_fini(&f);
    return status;
}

ig_status ig_store_said_each(ig_store *s, const char *feature, const ig_store_said_opts *opts, ig_store_said_fn *fn, void *arg,
                             ig_error *err) {
    ig_store_said_opts o = opts ? *opts : (ig_store_said_opts){0};
    reading r = {.fn = fn, .arg = arg, .last = o.newest_first && !o.after ? INT64_MAX : o.after};
    store_query q = o.conversation ? (o.newest_first ? STORE_Q_TALK_EACH_NEWEST : STORE_Q_TALK_EACH)
                                   : (o.newest_first ? STORE_Q_SAID_EACH_NEWEST : STORE_Q_SAID_EACH);
    for (int64_t left = o.limit > 0 ? o.limit : INT64_MAX; left > 0; left -= r.count) {
        int64_t step = left < STEP ? left : STEP;
        const store_value v[] = {store_text(feature), store_text(o.conversation), store_text(o.outcome), store_text(o.type),
                                 store_int(r.last), store_int(o.since), store_int(o.version), store_int(o.consent),
                                 store_int(o.rated || o.type), store_int(step)};
        r.count = 0;
        IG_TRY(store_stream(s, q, v, 10, give_row, &r, err));
        if (r.count < step) break;
    }
    return IG_OK;
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

static ig_status read_count(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    ig_store_said_count *c = arg;
    c->interactions = v[0].integer, c->answered = v[1].integer, c->unknown = v[2].integer, c->person = v[3].integer;
    c->users = v[4].integer, c->seconds_mean = v[5].real / 1e6;
    return IG_OK;
}

static ig_status read_thumbs(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    ig_store_said_count *c = arg;
    c->likes = v[0].integer, c->dislikes = v[1].integer, c->corrections = v[2].integer;
    return IG_OK;
}

ig_status ig_store_said_count_get(ig_store *s, const char *feature, int64_t since, int64_t until, int64_t version,
                                  ig_store_said_count *out, ig_error *err) {
    const store_value v[] = {store_text(feature), store_int(since), store_int(until ? until : INT64_MAX), store_int(version)};
    *out = (ig_store_said_count){0};
    IG_TRY(store_stream(s, STORE_Q_SAID_COUNT, v, 4, read_count, out, err));
    return store_stream(s, STORE_Q_SAID_THUMBS, v, 4, read_thumbs, out, err);
}

/* ---- sweeping ---------------------------------------------------------------------------------------------------- */

static ig_status sweep(ig_store *view, void *arg, ig_error *err) {
    const store_value v[] = {store_int(store_now(view)), store_int(SWEEP)};
    return view->backend->run(view->db, STORE_Q_SAID_SWEEP, v, 2, NULL, NULL, arg, err);
}

ig_status ig_store_said_sweep(ig_store *s, int64_t *removed, ig_error *err) {
    int64_t all = 0, some = SWEEP;
    while (some == SWEEP) {
        IG_TRY(store_quick(s, sweep, &some, err));
        all += some;
    }
    IG_TRY(ig_store_feature_sweep(s, &some, err));
    if (removed) *removed = all + some;
    return IG_OK;
}
