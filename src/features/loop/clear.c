/* features/loop/clear.c: removing what is not needed any more: old versions, contents without a version, whole features. */
#include "features/loop/loop.h"

#define WAIT_SECONDS 30.0

static const char *who_of(const ig_doing *doing) {
    return doing ? doing->who : NULL;
}

static ig_status take_both(ig_loop *l, const char *name, loop_lock *train, loop_lock *build, ig_error *err) {
    IG_TRY(loop_lock_take(l, name, "train.lock", 0, train, err));
    return loop_lock_take(l, name, "build.lock", WAIT_SECONDS, build, err);
}

static ig_status remove_version(ig_loop *l, const ig_store_feature *row, int64_t number, const ig_doing *doing, ig_error *err) {
    char folder[IG_PATH_MAX];
    IG_TRY(loop_version_path(l, row->name, number, folder, err));
    IG_TRY(
        ig_store_feature_version_remove(l->store, row->id, number, who_of(doing), err)); /* a folder without a row is swept */
    return ig_dir_remove(folder, err);
}

/* The one before the live one stays as well: a rollback must find it. */
static ig_status remove_old(ig_loop *l, const ig_store_feature *row, int64_t keep, const ig_doing *doing, int64_t *removed,
                            ig_error *err) {
    ig_store_feature_version *v = NULL;
    size_t count = 0;
    int64_t before = 0, seen = 0;
    IG_TRY(ig_store_feature_live_before(l->store, row->id, &before, err));
    IG_TRY(ig_store_feature_version_list(l->store, row->id, &v, &count, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < count && s == IG_OK; i++) {
        if (v[i].status != IG_VERSION_COMPLETE || seen++ < keep) continue;
        if (v[i].number == row->live || v[i].number == row->candidate || v[i].number == before) continue;
        s = remove_version(l, row, v[i].number, doing, err);
        *removed += s == IG_OK;
    }
    ig_store_feature_versions_free(v, count);
    return s;
}

ig_status ig_loop_gc(ig_loop *l, const char *name, int64_t keep, const ig_doing *doing, ig_buf *out, ig_error *err) {
    loop_feature f = {0};
    loop_lock train = {-1}, build = {-1};
    int64_t versions = 0, objects = 0;
    ig_json j = {.out = out};
    if (keep < 0) return ig_error_set(err, IG_E_ARG, "the number of versions to keep must be 0 or more");
    IG_TRY(loop_feature_get(l, name, &f, err));
    loop_feature_fini(&f);
    ig_status s = take_both(l, name, &train, &build, err);
    if (s == IG_OK) s = loop_feature_get(l, name, &f, err);
    if (s == IG_OK) s = remove_old(l, &f.row, keep, doing, &versions, err);
    if (s == IG_OK) s = loop_objects_sweep(l, name, &objects, err);
    if (s == IG_OK) {
        ig_json_open(&j, '{');
        loop_json_key_text(&j, "feature", name);
        loop_json_key_int(&j, "versions", versions);
        loop_json_key_int(&j, "objects", objects);
        ig_json_close(&j, '}');
        s = ig_buf_status(out, err);
    }
    loop_feature_fini(&f);
    loop_lock_drop(&build);
    loop_lock_drop(&train);
    return s;
}

ig_status ig_loop_remove(ig_loop *l, const char *name, const ig_doing *doing, ig_error *err) {
    char folder[IG_PATH_MAX];
    ig_store_feature row = {0};
    loop_lock train = {-1}, build = {-1};
    IG_TRY(loop_name_check(name, err));
    IG_TRY(ig_store_feature_get(l->store, name, &row, err));
    ig_status s = loop_path(l, name, "", folder, err);
    if (s == IG_OK) s = ig_dir_make(folder, err);
    if (s == IG_OK) s = take_both(l, name, &train, &build, err);
    if (s == IG_OK) s = ig_store_feature_remove(l->store, row.id, who_of(doing), err);
    loop_live_forget(l, name);
    if (s == IG_OK) s = ig_dir_remove(folder, err);
    loop_lock_drop(&build);
    loop_lock_drop(&train);
    ig_store_feature_fini(&row);
    return s;
}
