/* store/blobs.c: contents, named by their digest.
 *
 *     FOLDER/blobs/ab/cdef…      the content whose SHA-256 is abcdef…
 *     FOLDER/blobs/incoming/     on the way in
 *
 * A content is moved to its place before the row that names it is committed, and removed after the row is gone, both while
 * the write lock of the database is held.  So a row never lacks its content, whatever process dies where; what is left is a
 * content without a row, which the sweep at the next opening removes.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#define INCOMING_S 3600 /* an upload that wrote nothing for so long belongs to nobody */

static bool is_digest(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!strchr("0123456789abcdef", text[i]) || !text[i]) return false;
    return text[n] == '\0';
}

static ig_status blobs_path(const char *folder, const char *name, char path[IG_PATH_MAX], ig_error *err) {
    char blobs[IG_PATH_MAX];
    IG_TRY(ig_path_join(blobs, sizeof blobs, folder, "blobs", err));
    return ig_path_join(path, IG_PATH_MAX, blobs, name, err);
}

ig_status store_blob_path(const char *folder, const char *sha256, char path[IG_PATH_MAX], ig_error *err) {
    char name[80];
    if (!is_digest(sha256, 64))
        return ig_error_set(err, IG_E_FORMAT, "a row of the store holds no SHA-256 where one should be");
    snprintf(name, sizeof name, "%.2s/%s", sha256, sha256 + 2);
    return blobs_path(folder, name, path, err);
}

ig_status store_incoming_path(const char *folder, char path[IG_PATH_MAX], ig_error *err) {
    char dir[IG_PATH_MAX], name[33];
    IG_TRY(blobs_path(folder, "incoming", dir, err));
    IG_TRY(ig_dir_make(dir, err));
    store_random_text(name, sizeof name - 1);
    return ig_path_join(path, IG_PATH_MAX, dir, name, err);
}

/* The folder of path, cut off at its last '/'. */
static void parent(const char *path, char out[IG_PATH_MAX]) {
    snprintf(out, IG_PATH_MAX, "%.*s", (int)(ig_path_base(path) - path - 1), path);
}

/* Also the folder above: it may have been made just now. */
static ig_status sync_above(const char *path, ig_error *err) {
    char dir[IG_PATH_MAX], above[IG_PATH_MAX];
    parent(path, dir);
    parent(dir, above);
    IG_TRY(ig_dir_sync(dir, err));
    return ig_dir_sync(above, err);
}

ig_status store_blob_place(const char *folder, const char *tmp, const char *sha256, ig_error *err) {
    char path[IG_PATH_MAX], dir[IG_PATH_MAX];
    IG_TRY(store_blob_path(folder, sha256, path, err));
    parent(path, dir);
    IG_TRY(ig_dir_make(dir, err));
    if (rename(tmp, path) != 0) return ig_error_errno_at(err, path, "cannot be put into place"); /* over equal bytes, or none */
    return sync_above(path, err);
}

static ig_status read_count(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    *(int64_t *)arg = v[0].integer;
    return IG_OK;
}

ig_status store_blob_drop(ig_store *s, const char *sha256, ig_error *err) {
    char path[IG_PATH_MAX];
    int64_t uses = 0;
    store_value digest = store_text(sha256);
    IG_TRY(store_run(s, STORE_Q_FILE_USES, &digest, 1, read_count, &uses, err));
    if (uses > 0) return IG_OK;
    IG_TRY(store_blob_path(s->folder, sha256, path, err));
    if (unlink(path) != 0 && errno != ENOENT) return ig_error_errno_at(err, path, "cannot be removed");
    return IG_OK;
}

/* ---- the sweep --------------------------------------------------------------------------------------------------- */

typedef ig_status each_fn(ig_store *s, const char *dir, const char *name, ig_error *err);

static ig_status each(ig_store *s, const char *dir, each_fn *fn, ig_error *err) {
    char **names = NULL;
    size_t count = 0;
    ig_status status = IG_OK;
    if (!ig_path_is_dir(dir)) return IG_OK;
    IG_TRY(ig_dir_list(dir, &names, &count, err));
    for (size_t i = 0; i < count && status == IG_OK; i++) status = fn(s, dir, names[i], err);
    ig_names_free(names, count);
    return status;
}

static ig_status sweep_incoming(ig_store *s, const char *dir, const char *name, ig_error *err) {
    char path[IG_PATH_MAX];
    struct stat st;
    (void)s;
    IG_TRY(ig_path_join(path, sizeof path, dir, name, err));
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && ig_unix_time() - st.st_mtime > INCOMING_S) unlink(path);
    return IG_OK;
}

static ig_status sweep_blob(ig_store *s, const char *dir, const char *name, ig_error *err) {
    char digest[65];
    if (!is_digest(name, 62)) return IG_OK; /* not ours */
    snprintf(digest, sizeof digest, "%.2s%s", ig_path_base(dir), name);
    return store_blob_drop(s, digest, err);
}

static ig_status sweep_dir(ig_store *s, const char *blobs, const char *name, ig_error *err) {
    char dir[IG_PATH_MAX];
    IG_TRY(ig_path_join(dir, sizeof dir, blobs, name, err));
    if (strcmp(name, "incoming") == 0) return each(s, dir, sweep_incoming, err);
    return is_digest(name, 2) ? each(s, dir, sweep_blob, err) : IG_OK;
}

static ig_status sweep(ig_store *s, void *arg, ig_error *err) {
    char blobs[IG_PATH_MAX];
    (void)arg;
    IG_TRY(ig_path_join(blobs, sizeof blobs, s->folder, "blobs", err));
    return each(s, blobs, sweep_dir, err);
}

ig_status store_blob_sweep(ig_store *s, ig_error *err) { return store_write(s, sweep, NULL, err); }
