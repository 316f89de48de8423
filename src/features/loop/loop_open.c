/* features/loop/loop_open.c: opening the loop, and clearing what a process that was stopped left behind.
 *
 * Whoever gets both locks of a feature knows that nobody builds: rows that still say "building" are of the dead, and so are
 * folders of staging, and of versions without a complete row.  A feature that never got a version was never made.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "features/loop/loop.h"

static ig_status fail_building(ig_loop *l, const char *feature, const ig_store_feature_version *v, size_t count,
                               ig_error *err) {
    for (size_t i = 0; i < count; i++)
        if (v[i].status == IG_VERSION_BUILDING)
            IG_TRY(ig_store_feature_version_finish(l->store, feature, v[i].number, IG_VERSION_FAILED,
                                                   "{\"error\":\"the process that built it was stopped\"}", err));
    return IG_OK;
}

static bool is_complete(const ig_store_feature_version *v, size_t count, const char *number) {
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%" PRId64, v[i].number);
        if (strcmp(name, number) == 0) return v[i].status == IG_VERSION_COMPLETE;
    }
    return false;
}

static ig_status sweep_versions(ig_loop *l, const char *name, const ig_store_feature_version *v, size_t count, ig_error *err) {
    char folder[IG_PATH_MAX], path[IG_PATH_MAX];
    char **names = NULL;
    size_t n = 0;
    IG_TRY(loop_path(l, name, "versions", folder, err));
    if (!ig_path_is_dir(folder)) return IG_OK;
    IG_TRY(ig_dir_list(folder, &names, &n, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < n && s == IG_OK; i++) {
        if (is_complete(v, count, names[i])) continue;
        s = ig_path_join(path, sizeof path, folder, names[i], err);
        if (s == IG_OK) s = ig_dir_remove(path, err);
    }
    ig_names_free(names, n);
    return s;
}

static ig_status sweep_folder(ig_loop *l, const char *name, const char *rest, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(loop_path(l, name, rest, path, err));
    return ig_dir_remove(path, err);
}

/* The locks are held. */
static ig_status sweep_feature(ig_loop *l, const char *name, ig_error *err) {
    ig_store_feature row = {0};
    ig_store_feature_version *v = NULL;
    size_t count = 0;
    ig_status s = ig_store_feature_get(l->store, name, &row, err);
    if (s == IG_E_NOT_FOUND) return sweep_folder(l, name, "", err);
    if (s == IG_OK && row.live == 0) {
        s = ig_store_feature_remove(l->store, row.id, NULL, err);
        if (s == IG_OK) s = sweep_folder(l, name, "", err);
    } else if (s == IG_OK) {
        s = ig_store_feature_version_list(l->store, row.id, &v, &count, err);
        if (s == IG_OK) s = fail_building(l, row.id, v, count, err);
        if (s == IG_OK) s = sweep_folder(l, name, "staging", err);
        if (s == IG_OK) s = sweep_folder(l, name, "folds", err);
        if (s == IG_OK) s = sweep_versions(l, name, v, count, err);
    }
    ig_store_feature_versions_free(v, count);
    ig_store_feature_fini(&row);
    return s;
}

static ig_status sweep_when_free(ig_loop *l, const char *name, ig_error *err) {
    loop_lock train = {-1}, build = {-1};
    ig_status s = loop_lock_take(l, name, "train.lock", 0, &train, err);
    if (s == IG_OK) s = loop_lock_take(l, name, "build.lock", 0, &build, err);
    if (s == IG_OK) s = sweep_feature(l, name, err);
    loop_lock_drop(&build);
    loop_lock_drop(&train);
    return s == IG_E_STATE ? IG_OK : s; /* somebody works there: nothing is left behind */
}

static ig_status sweep_all(ig_loop *l, ig_error *err) {
    char **names = NULL;
    size_t count = 0;
    IG_TRY(ig_dir_list(l->folder, &names, &count, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < count && s == IG_OK; i++)
        if (loop_name_check(names[i], NULL) == IG_OK) s = sweep_when_free(l, names[i], err);
    ig_names_free(names, count);
    return s;
}

static ig_status make_folder(ig_loop *l, const char *workspace, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, workspace, "features", err));
    IG_TRY(ig_dir_make(path, err));
    l->folder = ig_strdup(path);
    return l->folder ? IG_OK : ig_error_nomem(err, strlen(path));
}

ig_status ig_loop_open(ig_context *ctx, const ig_loop_opts *opts, ig_loop **out, ig_error *err) {
    *out = NULL;
    ig_loop *l = ig_calloc(1, sizeof *l);
    if (!l) return ig_error_nomem(err, sizeof *l);
    l->ctx = ctx;
    l->store = opts->store;
    l->kinds = opts->kinds ? opts->kinds : ig_kinds;
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->opening, NULL);
    ig_status s = make_folder(l, opts->workspace, err);
    if (s == IG_OK) s = sweep_all(l, err);
    if (s != IG_OK) {
        ig_loop_close(l);
        return s;
    }
    *out = l;
    return IG_OK;
}

void ig_loop_close(ig_loop *l) {
    if (!l) return;
    loop_live_close(l);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->opening);
    ig_free(l->folder);
    ig_free(l);
}
