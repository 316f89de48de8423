/* features/loop/promote.c: which version answers: promote, roll back, share. */
#include "features/loop/loop.h"

#define WAIT_SECONDS 30.0

static const char *who_of(const ig_doing *doing) {
    return doing ? doing->who : NULL;
}

static ig_status begin(ig_loop *l, const char *name, loop_feature *f, loop_lock *lock, ig_error *err) {
    IG_TRY(loop_feature_get(l, name, f, err));
    loop_feature_fini(f);
    IG_TRY(loop_lock_take(l, name, "build.lock", WAIT_SECONDS, lock, err));
    return loop_feature_get(l, name, f, err);
}

static ig_status check_version(ig_loop *l, const loop_feature *f, const ig_store_feature_version *v, bool force,
                               ig_error *err) {
    char folder[IG_PATH_MAX];
    ig_doc *d = NULL;
    if (v->status != IG_VERSION_COMPLETE)
        return ig_error_set(err, IG_E_NOT_FOUND, "version %lld of \"%s\" is %s, not complete", (long long)v->number,
                            f->row.name, ig_store_version_status_name(v->status));
    IG_TRY(loop_version_path(l, f->row.name, v->number, folder, err));
    if (!ig_path_is_dir(folder))
        return ig_error_at(err, IG_E_NOT_FOUND, folder, 0, "the files of version %lld are not there", (long long)v->number);
    if (force || !v->card || !*v->card) return IG_OK;
    IG_TRY(ig_json_parse("card", v->card, strlen(v->card), &d, err));
    const char *verdict = ig_tree_text(ig_tree_get(ig_doc_root(d), "comparison"), "verdict", "");
    bool worse = strcmp(verdict, "worse") == 0;
    ig_doc_free(d);
    if (!worse) return IG_OK;
    return ig_error_set(err, IG_E_STATE, "version %lld is worse than the one it was compared with; compare them, or use force",
                        (long long)v->number);
}

/* Its weights over today's content: content that came while it learned is not lost by promoting it. */
static ig_status with_content_of_today(ig_loop *l, const loop_feature *f, const ig_store_feature_version *v,
                                       const ig_doing *doing, int64_t *number, ig_error *err) {
    loop_items items = {0};
    ig_error why = {0};
    loop_draft d = {.l = l, .f = f, .settings = ig_doc_root(f->settings), .doing = doing};
    const char *card = v->card && *v->card ? v->card : "{}"; /* what was measured is what was learned */
    ig_status s = loop_items_load(l, f->row.id, &items, &why);
    if (s == IG_OK) s = loop_draft_content(&d, "learn", v->number, f->row.content, &items, &why);
    if (s == IG_OK) s = loop_draft_publish(&d, card, &why);
    if (s == IG_OK) s = loop_draft_complete(&d, card, &why);
    if (s != IG_OK) loop_draft_fail(&d, &why);
    if (s != IG_OK && err) *err = why;
    loop_items_fini(&items);
    *number = d.number;
    return s;
}

static ig_status put_live(const char *name, int64_t from, int64_t to, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    loop_json_key_text(&j, "feature", name);
    loop_json_key_int(&j, "live", to);
    loop_json_key_int(&j, "before", from);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

static ig_status promote(ig_loop *l, const loop_feature *f, int64_t number, bool force, const ig_doing *doing, int64_t *to,
                         ig_error *err) {
    ig_store_feature_version v = {0};
    *to = number;
    IG_TRY(ig_store_feature_version_get(l->store, f->row.id, number, &v, err));
    ig_status s = check_version(l, f, &v, force, err);
    if (s == IG_OK && v.content < f->row.content) s = with_content_of_today(l, f, &v, doing, to, err);
    if (s == IG_OK) s = ig_store_feature_set_live(l->store, f->row.id, f->row.live, *to, "promote", who_of(doing), err);
    if (s == IG_OK && f->row.candidate == number && *to != number)
        s = ig_store_feature_set_candidate(l->store, f->row.id, 0, 0, who_of(doing), err);
    ig_store_feature_version_fini(&v);
    return s;
}

ig_status ig_loop_promote(ig_loop *l, const char *name, int64_t version, bool force, const ig_doing *doing, ig_buf *out,
                          ig_error *err) {
    loop_feature f = {0};
    loop_lock lock = {-1};
    int64_t to = 0;
    ig_status s = begin(l, name, &f, &lock, err);
    if (s == IG_OK && version == 0) version = f.row.candidate;
    if (s == IG_OK && version == 0) s = ig_error_set(err, IG_E_STATE, "\"%s\" has no candidate; improve makes one", name);
    if (s == IG_OK && version == f.row.live)
        s = ig_error_set(err, IG_E_STATE, "version %lld is live already", (long long)version);
    if (s == IG_OK) s = promote(l, &f, version, force, doing, &to, err);
    loop_live_forget(l, name);
    if (s == IG_OK) s = put_live(name, f.row.live, to, out, err);
    loop_feature_fini(&f);
    loop_lock_drop(&lock);
    return s;
}

ig_status ig_loop_rollback(ig_loop *l, const char *name, const ig_doing *doing, ig_buf *out, ig_error *err) {
    loop_feature f = {0};
    loop_lock lock = {-1};
    ig_store_feature_version v = {0};
    int64_t to = 0;
    ig_status s = begin(l, name, &f, &lock, err);
    if (s == IG_OK) s = ig_store_feature_live_before(l->store, f.row.id, &to, err);
    if (s == IG_OK && to == 0) s = ig_error_set(err, IG_E_STATE, "\"%s\" has no earlier version to go back to", name);
    if (s == IG_OK) s = ig_store_feature_version_get(l->store, f.row.id, to, &v, err);
    if (s == IG_OK) s = check_version(l, &f, &v, true, err);
    if (s == IG_OK) s = ig_store_feature_set_live(l->store, f.row.id, f.row.live, to, "rollback", who_of(doing), err);
    loop_live_forget(l, name);
    if (s == IG_OK) s = put_live(name, f.row.live, to, out, err);
    ig_store_feature_version_fini(&v);
    loop_feature_fini(&f);
    loop_lock_drop(&lock);
    return s;
}

ig_status ig_loop_share(ig_loop *l, const char *name, int64_t version, double share, const ig_doing *doing, ig_buf *out,
                        ig_error *err) {
    loop_feature f = {0};
    loop_lock lock = {-1};
    ig_store_feature_version v = {0};
    ig_json j = {.out = out};
    if (!(share >= 0 && share <= 1)) return ig_error_set(err, IG_E_ARG, "a share is a number of 0 … 1");
    ig_status s = begin(l, name, &f, &lock, err);
    if (s == IG_OK && version == 0) version = f.row.candidate;
    if (s == IG_OK) s = ig_store_feature_version_get(l->store, f.row.id, version, &v, err);
    if (s == IG_OK) s = check_version(l, &f, &v, share == 0, err);
    if (s == IG_OK) s = ig_store_feature_set_candidate(l->store, f.row.id, version, share, who_of(doing), err);
    loop_live_forget(l, name);
    if (s == IG_OK) {
        ig_json_open(&j, '{');
        loop_json_key_text(&j, "feature", name);
        loop_json_key_int(&j, "candidate", version);
        loop_json_key_real(&j, "share", share);
        ig_json_close(&j, '}');
        s = ig_buf_status(out, err);
    }
    ig_store_feature_version_fini(&v);
    loop_feature_fini(&f);
    loop_lock_drop(&lock);
    return s;
}
