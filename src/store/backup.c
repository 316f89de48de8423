/* store/backup.c: the store as one file, taken while it is used.
 *
 *     rows at one moment ─► DIR/.NAME.backup-RANDOM ─► + contents of files ─► checked, fsync ─► DIR/NAME ─► fsync of DIR
 *
 *     backup_blobs (sha256, part, bytes): each content in parts of at most 1 MiB, part 0, 1, 2 …
 */
#include <string.h>
#include <unistd.h>

#include "store/backup.h"

/* ---- contents into the backup ------------------------------------------------------------------------------------ */

static ig_status add_parts(const store_backend *b, store_db *db, const char *sha256, const ig_map_file *m, ig_error *err) {
    size_t at = 0;
    for (int64_t part = 0; at < m->size; part++) {
        size_t n = m->size - at < STORE_PART_BYTES ? m->size - at : STORE_PART_BYTES;
        const store_value v[] = {store_text(sha256), store_int(part), store_bytes(m->data + at, n)};
        IG_TRY(b->run(db, STORE_Q_PART_ADD, v, 3, NULL, NULL, NULL, err));
        at += n;
    }
    return IG_OK;
}

static ig_status read_number(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    *(int64_t *)arg = v[0].integer;
    return IG_OK;
}

/* A content that is not there any more: its file was deleted while the backup ran, and is left out, or it is lost. */
static ig_status leave_out(ig_store *s, store_db *db, const char *sha256, const char *path, ig_error *err) {
    int64_t uses = 0;
    store_value digest = store_text(sha256);
    IG_TRY(store_read(s, STORE_Q_FILE_USES, &digest, 1, read_number, &uses, err));
    if (uses > 0)
        return ig_error_at(err, IG_E_FORMAT, path, 0,
                           "the content of a file is missing; delete the file, or bring back its content");
    return s->backend->run(db, STORE_Q_FILE_FORGET, &digest, 1, NULL, NULL, NULL, err);
}

static ig_status add_blob(ig_store *s, store_db *db, const store_digest *d, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_map_file m;
    IG_TRY(store_blob_path(s->folder, d->sha256, path, err));
    ig_status status = ig_file_map(path, &m, err);
    if (status == IG_E_NOT_FOUND) return leave_out(s, db, d->sha256, path, err);
    if (status != IG_OK) return status;
    if (m.size != (uint64_t)d->bytes)
        status = ig_error_at(err, IG_E_FORMAT, path, 0, "the content of a file has %zu bytes instead of %lld", m.size,
                             (long long)d->bytes);
    if (status == IG_OK) status = add_parts(s->backend, db, d->sha256, &m, err);
    ig_file_unmap(&m);
    return status;
}

/* ---- the digests that a database names --------------------------------------------------------------------------- */

static ig_status gather(void *arg, const store_value *v, ig_error *err) {
    store_digests *d = arg;
    if (d->count == d->room) {
        size_t room = d->room ? 2 * d->room : 64;
        store_digest *grown = ig_realloc_array(d->item, room, sizeof *grown);
        if (!grown) return ig_error_nomem(err, room * sizeof *grown);
        d->item = grown, d->room = room;
    }
    store_digest *last = &d->item[d->count++];
    last->bytes = v[1].integer;
    return store_get_text(last->sha256, sizeof last->sha256, &v[0], err);
}

ig_status store_digests_read(const store_backend *b, store_db *db, store_digests *out, ig_error *err) {
    *out = (store_digests){0};
    return b->run(db, STORE_Q_FILE_DIGESTS, NULL, 0, gather, out, NULL, err);
}

static ig_status add_blobs(ig_store *s, store_db *db, ig_error *err) {
    store_digests d;
    ig_status status = store_digests_read(s->backend, db, &d, err);
    for (size_t i = 0; i < d.count && status == IG_OK; i++) status = add_blob(s, db, &d.item[i], err);
    ig_free(d.item);
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static ig_status fill(ig_store *s, store_db *db, ig_error *err) {
    IG_TRY(s->backend->begin(db, err));
    ig_status status = s->backend->run(db, STORE_Q_PART_TABLE, NULL, 0, NULL, NULL, NULL, err);
    if (status == IG_OK) status = add_blobs(s, db, err);
    if (status == IG_OK) status = s->backend->end(db, err);
    if (status != IG_OK) {
        s->backend->undo(db);
        return status;
    }
    return s->backend->check(db, err);
}

/* The source is a connection of its own, so that the store goes on meanwhile. */
static ig_status copy_rows(ig_store *s, const char *tmp, ig_error *err) {
    store_db *from;
    IG_TRY(s->backend->open(s->path, STORE_LIVE, &from, err));
    ig_status status = s->backend->copy(from, tmp, err);
    s->backend->close(from);
    return status;
}

static ig_status make(ig_store *s, const char *tmp, ig_error *err) {
    store_db *db;
    IG_TRY(copy_rows(s, tmp, err));
    IG_TRY(s->backend->open(tmp, STORE_COPY, &db, err));
    ig_status status = fill(s, db, err);
    s->backend->close(db);
    return status;
}

ig_status store_beside(const char *path, const char *word, char out[IG_PATH_MAX], ig_error *err) {
    char random[13];
    const char *base = ig_path_base(path);
    store_random_text(random, sizeof random - 1);
    int n = snprintf(out, IG_PATH_MAX, "%.*s.%.150s.%s-%s", (int)(base - path), path, base, word, random);
    return n > 0 && n < IG_PATH_MAX ? IG_OK : ig_error_at(err, IG_E_LIMIT, path, 0, "the path is too long");
}

void store_remove(const char *path) {
    static const char *const ends[] = {"", "-journal", "-wal", "-shm"};
    char whole[IG_PATH_MAX + 16];
    for (int i = 0; i < 4; i++) {
        snprintf(whole, sizeof whole, "%s%s", path, ends[i]);
        unlink(whole);
    }
}

/* The backend has brought the file itself to the disk at its commit. */
ig_status store_move(const char *tmp, const char *path, ig_error *err) {
    char dir[IG_PATH_MAX];
    const char *base = ig_path_base(path);
    if (rename(tmp, path) != 0) return ig_error_errno_at(err, path, "cannot be replaced");
    if (base == path) return ig_dir_sync(".", err);
    snprintf(dir, sizeof dir, "%.*s", (int)(base - path), path);
    return ig_dir_sync(dir, err);
}

static ig_status check_target(const char *path, ig_error *err) {
    char dir[IG_PATH_MAX];
    const char *base = ig_path_base(path);
    if (!*base) return ig_error_at(err, IG_E_ARG, path, 0, "no file name to write to");
    if (ig_path_is_dir(path)) return ig_error_at(err, IG_E_ARG, path, 0, "is a folder, the name of a file was expected");
    snprintf(dir, sizeof dir, "%.*s", (int)(base - path), path);
    if (base != path && !ig_path_is_dir(dir))
        return ig_error_at(err, IG_E_NOT_FOUND, path, 0, "there is no such folder to write into");
    return IG_OK;
}

ig_status ig_store_backup(ig_store *s, const char *path, ig_error *err) {
    char tmp[IG_PATH_MAX];
    IG_TRY(check_target(path, err));
    IG_TRY(store_beside(path, "backup", tmp, err));
    ig_status status = make(s, tmp, err);
    if (status == IG_OK) status = store_move(tmp, path, err);
    if (status != IG_OK) store_remove(tmp);
    return status;
}
