/* store/files.c: the rows of files; their contents are in blobs.c, and they come in through upload.c. */
#include <string.h>

#include "store/store.h"

static const char *const statuses[] = {"uploaded", "processed", "error", NULL};

const char *ig_store_file_status_name(ig_store_file_status s) { return (unsigned)s <= IG_FILE_ERROR ? statuses[s] : "?"; }

static ig_status read_file(void *item, const store_value *v, ig_error *err) {
    ig_store_file *f = item;
    int status = 0;
    IG_TRY(store_get_text(f->id, sizeof f->id, &v[0], err));
    IG_TRY(store_get_text(f->filename, sizeof f->filename, &v[1], err));
    IG_TRY(store_get_text(f->purpose, sizeof f->purpose, &v[2], err));
    IG_TRY(store_get_text(f->sha256, sizeof f->sha256, &v[3], err));
    IG_TRY(store_get_word(statuses, &v[4], &status, err));
    f->status = (ig_store_file_status)status;
    f->bytes = v[5].integer, f->created_at = v[6].integer;
    return IG_OK;
}

static const store_list files = {
    .thing = "file", .seq = STORE_Q_FILE_SEQ, .newest = STORE_Q_FILE_NEWEST, .oldest = STORE_Q_FILE_OLDEST,
    .item_bytes = sizeof(ig_store_file), .read = read_file,
};

ig_status ig_store_file_get(ig_store *s, const char *id, ig_store_file *out, ig_error *err) {
    pthread_mutex_lock(&s->lock);
    ig_status status = store_get(s, &files, STORE_Q_FILE_GET, id, out, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

ig_status ig_store_file_path(ig_store *s, const ig_store_file *f, char *path, size_t size, ig_error *err) {
    char whole[IG_PATH_MAX];
    IG_TRY(store_blob_path(s->folder, f->sha256, whole, err));
    return ig_path_join(path, size, "", whole, err);
}

ig_status ig_store_file_list(ig_store *s, const char *purpose, const ig_store_page *page, ig_store_file **out, size_t *count,
                             bool *more, ig_error *err) {
    store_value filter = store_text(purpose);
    return store_page(s, &files, &filter, page, out, count, more, err);
}

typedef struct change {
    const char *id, *who;
    ig_store_file_status status;
    ig_store_file file;
} change;

static ig_status set_status(ig_store *s, void *arg, ig_error *err) {
    change *c = arg;
    bool changed;
    const store_value v[] = {store_text(c->id), store_text(statuses[c->status])};
    IG_TRY(store_change(s, STORE_Q_FILE_STATUS, v, 2, &changed, err));
    return changed ? IG_OK : ig_error_set(err, IG_E_NOT_FOUND, "there is no file \"%.60s\"", c->id);
}

ig_status ig_store_file_set_status(ig_store *s, const char *id, ig_store_file_status status, ig_error *err) {
    if ((unsigned)status > IG_FILE_ERROR) return ig_error_set(err, IG_E_ARG, "there is no status %d of a file", (int)status);
    return store_write(s, set_status, &(change){.id = id, .status = status}, err);
}

static ig_status delete_row(ig_store *s, void *arg, ig_error *err) {
    change *c = arg;
    store_value id = store_text(c->id);
    IG_TRY(store_get(s, &files, STORE_Q_FILE_GET, c->id, &c->file, err));
    IG_TRY(store_run(s, STORE_Q_FILE_DELETE, &id, 1, NULL, NULL, err));
    return store_audit(s, &(ig_store_audit_opts){.who = c->who, .what = "file.delete", .object = c->id}, err);
}

static ig_status drop_content(ig_store *s, void *arg, ig_error *err) {
    const change *c = arg;
    return store_blob_drop(s, c->file.sha256, err);
}

/* Two transactions: the content may go only when the row is gone for sure.  If the second fails, the file is deleted all
 * the same, and the sweep takes the content. */
ig_status ig_store_file_delete(ig_store *s, const char *id, const char *who, ig_error *err) {
    change c = {.id = id, .who = who};
    IG_TRY(store_write(s, delete_row, &c, err));
    (void)!store_write(s, drop_content, &c, NULL);
    return IG_OK;
}
