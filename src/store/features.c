/* store/features.c: features, and which version of them answers.
 *
 * The live pointer is changed by comparing: whoever decided on a version that somebody else has replaced meanwhile is told.
 * Its history is a stack that is read from the beginning:
 *
 *     publish 1, publish 2, promote 3, rollback to 2      1 2 3  →  1 2      before the present one: 1
 *
 * so that two rollbacks in a row go back two steps, and do not go to and fro.
 */
#include <inttypes.h>
#include <string.h>

#include "store/store.h"

/* ---- rows -------------------------------------------------------------------------------------------------------- */

void ig_store_feature_fini(ig_store_feature *f) {
    if (!f) return;
    ig_free(f->settings);
    *f = (ig_store_feature){0};
}

void ig_store_features_free(ig_store_feature *list, size_t count) {
    for (size_t i = 0; i < count; i++) ig_store_feature_fini(&list[i]);
    ig_free(list);
}

static void fini_feature(void *item) { ig_store_feature_fini(item); }

static ig_status read_feature(void *item, const store_value *v, ig_error *err) {
    ig_store_feature *f = item;
    IG_TRY(store_get_text(f->id, sizeof f->id, &v[0], err));
    IG_TRY(store_get_text(f->name, sizeof f->name, &v[1], err));
    IG_TRY(store_get_text(f->kind, sizeof f->kind, &v[2], err));
    f->live = v[4].integer, f->candidate = v[5].integer, f->share = v[6].real;
    f->revision = v[7].integer, f->content = v[8].integer, f->created_at = v[9].integer, f->removed_at = v[10].integer;
    return store_get_copy(&f->settings, &v[3], err);
}

static const store_list features = {
    .thing = "feature", .item_bytes = sizeof(ig_store_feature), .read = read_feature, .fini = fini_feature,
};

ig_status store_feature(ig_store *s, const char *id, ig_store_feature *out, ig_error *err) {
    IG_TRY(store_get(s, &features, STORE_Q_FEATURE_GET, id, out, err));
    if (!out->removed_at) return IG_OK;
    ig_status status = ig_error_set(err, IG_E_NOT_FOUND, "the feature \"%s\" was removed", out->name);
    ig_store_feature_fini(out);
    return status;
}

static ig_status check_feature(ig_store *s, const char *id, ig_error *err) {
    ig_store_feature f;
    IG_TRY(store_feature(s, id, &f, err));
    ig_store_feature_fini(&f);
    return IG_OK;
}

ig_status store_audit_numbers(ig_store *s, const char *who, const char *what, const char *object, const char *name, int64_t before,
                              int64_t after, ig_error *err) {
    char old[120], new[120];
    snprintf(old, sizeof old, "{\"%s\":%" PRId64 "}", name, before);
    snprintf(new, sizeof new, "{\"%s\":%" PRId64 "}", name, after);
    return store_audit(s, &(ig_store_audit_opts){.who = who, .what = what, .object = object, .before = old, .after = new}, err);
}

/* ---- new, get, list ---------------------------------------------------------------------------------------------- */

typedef struct new_feature {
    const char *name, *kind, *settings, *who;
    ig_store_feature *out;
} new_feature;

static ig_status add_feature(ig_store *s, void *arg, ig_error *err) {
    const new_feature *n = arg;
    char id[IG_STORE_ID_SIZE];
    store_id_new("feat-", id);
    const store_value v[] = {store_text(id), store_text(n->name), store_text(n->kind), store_text(n->settings),
                             store_int(store_now(s))};
    ig_status status = store_run(s, STORE_Q_FEATURE_ADD, v, 5, NULL, NULL, err);
    if (status == IG_E_EXISTS)
        return ig_error_set(err, IG_E_EXISTS, "there is a feature \"%s\" already; choose another name, or remove it first", n->name);
    if (status == IG_OK)
        status = store_audit(s, &(ig_store_audit_opts){.who = n->who, .what = "feature.new", .object = id, .after = n->settings},
                             err);
    return status == IG_OK ? store_feature(s, id, n->out, err) : status;
}

ig_status ig_store_feature_new(ig_store *s, const char *name, const char *kind, const char *settings, const char *who,
                               ig_store_feature *out, ig_error *err) {
    new_feature n = {name, kind, settings ? settings : "{}", who, out};
    *out = (ig_store_feature){0};
    IG_TRY(store_check_name("the name of the feature", name, IG_STORE_NAME_MAX, err));
    IG_TRY(store_check_name("the kind of the feature", kind, IG_STORE_NAME_MAX, err));
    IG_TRY(store_check_json("the settings of the feature", n.settings, err));
    ig_status status = store_write(s, add_feature, &n, err);
    if (status != IG_OK) ig_store_feature_fini(out);
    return status;
}

static ig_status get_by(ig_store *s, store_query q, const char *key, ig_store_feature *out, ig_error *err) {
    const store_value v = store_text(key);
    ig_store_feature *list;
    size_t count;
    *out = (ig_store_feature){0};
    IG_TRY(store_all(s, &features, q, &v, 1, &list, &count, err));
    if (count) *out = list[0];
    ig_free(list);
    return count ? IG_OK : ig_error_set(err, IG_E_NOT_FOUND, "there is no feature \"%.128s\"", key ? key : "");
}

ig_status ig_store_feature_get(ig_store *s, const char *name, ig_store_feature *out, ig_error *err) {
    return get_by(s, STORE_Q_FEATURE_NAMED, name, out, err);
}

ig_status ig_store_feature_get_id(ig_store *s, const char *id, ig_store_feature *out, ig_error *err) {
    return get_by(s, STORE_Q_FEATURE_GET, id, out, err);
}

ig_status ig_store_feature_list(ig_store *s, ig_store_feature **out, size_t *count, ig_error *err) {
    return store_all(s, &features, STORE_Q_FEATURE_ALL, NULL, 0, out, count, err);
}

ig_status ig_store_feature_revision(ig_store *s, const char *id, int64_t *revision, ig_error *err) {
    const store_value v = store_text(id);
    *revision = 0; /* of a row it is at least 1 */
    IG_TRY(store_read(s, STORE_Q_FEATURE_REVISION, &v, 1, store_read_number, revision, err));
    return *revision ? IG_OK : ig_error_set(err, IG_E_NOT_FOUND, "there is no feature \"%.128s\"", id);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

typedef struct change {
    const char *id, *text, *who, *what;
    int64_t from, to;
    double share;
} change;

static ig_status set_settings(ig_store *s, void *arg, ig_error *err) {
    const change *c = arg;
    ig_store_feature f;
    IG_TRY(store_feature(s, c->id, &f, err));
    const store_value v[] = {store_text(c->id), store_text(c->text)};
    ig_status status = store_run(s, STORE_Q_FEATURE_SETTINGS, v, 2, NULL, NULL, err);
    if (status == IG_OK)
        status = store_audit(s, &(ig_store_audit_opts){.who = c->who, .what = "feature.settings", .object = c->id,
                                                       .before = f.settings, .after = c->text}, err);
    ig_store_feature_fini(&f);
    return status;
}

ig_status ig_store_feature_set_settings(ig_store *s, const char *id, const char *settings, const char *who, ig_error *err) {
    if (!settings) return ig_error_set(err, IG_E_ARG, "the settings are missing");
    IG_TRY(store_check_json("the settings of the feature", settings, err));
    return store_write(s, set_settings, &(change){.id = id, .text = settings, .who = who}, err);
}

static ig_status is_complete(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    *(bool *)arg = v[1].type == STORE_TEXT && strcmp(v[1].text, "complete") == 0;
    return IG_OK;
}

static ig_status check_complete(ig_store *s, const char *feature, int64_t version, ig_error *err) {
    const store_value v[] = {store_text(feature), store_int(version)};
    bool complete = false;
    IG_TRY(store_run(s, STORE_Q_VERSION_GET, v, 2, is_complete, &complete, err));
    return complete ? IG_OK : ig_error_set(err, IG_E_NOT_FOUND, "version %" PRId64 " is not there, or is not complete", version);
}

static ig_status set_live(ig_store *s, void *arg, ig_error *err) {
    const change *c = arg;
    ig_store_feature f;
    char what[IG_STORE_NAME_MAX + 16];
    IG_TRY(store_feature(s, c->id, &f, err));
    int64_t live = f.live;
    ig_store_feature_fini(&f);
    if (live != c->from)
        return ig_error_set(err, IG_E_STATE, "version %" PRId64 " is live now, not %" PRId64 ": somebody was faster; look again",
                            live, c->from);
    IG_TRY(check_complete(s, c->id, c->to, err));
    const store_value v[] = {store_text(c->id), store_int(c->to), store_text(c->what), store_text(c->who ? c->who : "local"),
                             store_int(store_now(s))};
    IG_TRY(store_run(s, STORE_Q_FEATURE_LIVE, v, 2, NULL, NULL, err));
    IG_TRY(store_run(s, STORE_Q_LIVE_ADD, v, 5, NULL, NULL, err));
    snprintf(what, sizeof what, "feature.%s", c->what);
    return store_audit_numbers(s, c->who, what, c->id, "live", c->from, c->to, err);
}

ig_status ig_store_feature_set_live(ig_store *s, const char *id, int64_t from, int64_t to, const char *what, const char *who,
                                    ig_error *err) {
    IG_TRY(store_check_name("what is done", what, IG_STORE_NAME_MAX - 16, err));
    if (who) IG_TRY(store_check_name("who", who, IG_STORE_ID_SIZE - 1, err));
    return store_write(s, set_live, &(change){.id = id, .from = from, .to = to, .what = what, .who = who}, err);
}

static ig_status set_candidate(ig_store *s, void *arg, ig_error *err) {
    const change *c = arg;
    ig_store_feature f;
    IG_TRY(store_feature(s, c->id, &f, err));
    int64_t before = f.candidate;
    ig_store_feature_fini(&f);
    if (c->to) IG_TRY(check_complete(s, c->id, c->to, err));
    const store_value v[] = {store_text(c->id), store_int(c->to), store_real(c->to ? c->share : 0)};
    IG_TRY(store_run(s, STORE_Q_FEATURE_CANDIDATE, v, 3, NULL, NULL, err));
    return store_audit_numbers(s, c->who, "feature.candidate", c->id, "candidate", before, c->to, err);
}

ig_status ig_store_feature_set_candidate(ig_store *s, const char *id, int64_t version, double share, const char *who, ig_error *err) {
    if (!(share >= 0 && share <= 1)) return ig_error_set(err, IG_E_ARG, "the share of a candidate is between 0 and 1, not %g", share);
    return store_write(s, set_candidate, &(change){.id = id, .to = version, .share = share, .who = who}, err);
}

static ig_status remove_feature(ig_store *s, void *arg, ig_error *err) {
    const change *c = arg;
    IG_TRY(check_feature(s, c->id, err));
    const store_value v[] = {store_text(c->id), store_int(store_now(s))};
    IG_TRY(store_run(s, STORE_Q_FEATURE_REMOVE, v, 2, NULL, NULL, err));
    return store_audit_numbers(s, c->who, "feature.remove", c->id, "removed_at", 0, v[1].integer, err);
}

ig_status ig_store_feature_remove(ig_store *s, const char *id, const char *who, ig_error *err) {
    return store_write(s, remove_feature, &(change){.id = id, .who = who}, err);
}

/* ---- history of the live pointer ----------------------------------------------------------------------------------- */

typedef struct live_row {
    ig_store_live live;
    bool complete;
} live_row;

static ig_status read_live(void *item, const store_value *v, ig_error *err) {
    ig_store_live *l = item;
    l->version = v[0].integer, l->at = v[1].integer;
    IG_TRY(store_get_text(l->what, sizeof l->what, &v[2], err));
    return store_get_text(l->who, sizeof l->who, &v[3], err);
}

static ig_status read_live_row(void *item, const store_value *v, ig_error *err) {
    live_row *l = item;
    l->complete = v[4].integer != 0;
    return read_live(&l->live, v, err);
}

static const store_list lives = {.thing = "change of the live version", .item_bytes = sizeof(ig_store_live), .read = read_live};
static const store_list live_rows = {.thing = "change of the live version", .item_bytes = sizeof(live_row), .read = read_live_row};

ig_status ig_store_live_list(ig_store *s, const char *feature, ig_store_live **out, size_t *count, ig_error *err) {
    const store_value v = store_text(feature);
    return store_all(s, &lives, STORE_Q_LIVE_ALL, &v, 1, out, count, err);
}

/* Turns the history into the stack, in place; returns its height. */
static size_t stack_of(live_row *row, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        size_t keep = n;
        if (strcmp(row[i].live.what, "rollback") == 0)
            while (keep > 0 && row[keep - 1].live.version != row[i].live.version) keep--;
        else
            keep = 0;
        if (keep) n = keep;
        else row[n++] = row[i];
    }
    return n;
}

ig_status ig_store_feature_live_before(ig_store *s, const char *id, int64_t *version, ig_error *err) {
    const store_value v = store_text(id);
    live_row *row;
    size_t count;
    *version = 0;
    IG_TRY(store_all(s, &live_rows, STORE_Q_LIVE_ALL, &v, 1, &row, &count, err));
    size_t n = stack_of(row, count);
    for (size_t i = n; i-- > 0 && !*version;) /* the last that still can answer, and is another one */
        if (row[i].complete && row[i].live.version != row[n - 1].live.version) *version = row[i].live.version;
    ig_free(row);
    return IG_OK;
}
