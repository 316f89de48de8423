/* store/restore.c: a backup becomes the store.
 *
 *     backup ─► checked ─► FOLDER/.store.db.restore-RANDOM ─► contents that are missing into blobs/, each against its digest
 *            ─► the old database settled and kept as store.db.before-restore ─► rename over store.db
 *
 * The lock of the folder is held alone.  Until the rename the old store is whole; the log of the old database must be gone
 * before it, because SQLite would play it into the new one.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup.h"

#define WAIT_MS 1000

/* ---- contents ---------------------------------------------------------------------------------------------------- */

typedef struct extraction {
    ig_writer *writer;
    crypto_hash_sha256_state digest;
    int64_t bytes;
    bool found;
} extraction;

static ig_status write_part(void *arg, const store_value *v, ig_error *err) {
    extraction *x = arg;
    x->found = true;
    x->bytes += (int64_t)v[0].len;
    if (v[0].len) crypto_hash_sha256_update(&x->digest, (const unsigned char *)v[0].text, v[0].len);
    return ig_writer_write(x->writer, v[0].text, v[0].len, err);
}

static ig_status write_parts(const store_backend *b, store_db *db, const store_digest *d, extraction *x, ig_error *err) {
    uint8_t digest[crypto_hash_sha256_BYTES];
    char hex[65];
    crypto_hash_sha256_init(&x->digest);
    for (int64_t part = 0; part == 0 || x->found; part++) {
        const store_value v[] = {store_text(d->sha256), store_int(part)};
        x->found = false;
        IG_TRY(b->run(db, STORE_Q_PART_GET, v, 2, write_part, x, NULL, err));
    }
    crypto_hash_sha256_final(&x->digest, digest);
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    if (x->bytes != d->bytes || strcmp(hex, d->sha256) != 0)
        return ig_error_set(err, IG_E_FORMAT,
                            "the backup is damaged: the content %.12s… of a file is not what it was; use another backup", d->sha256);
    return ig_writer_commit(x->writer, err);
}

static ig_status extract(const store_backend *b, store_db *db, const char *folder, const store_digest *d, ig_error *err) {
    char path[IG_PATH_MAX], tmp[IG_PATH_MAX];
    extraction x = {0};
    struct stat st;
    IG_TRY(store_blob_path(folder, d->sha256, path, err));
    if (stat(path, &st) == 0 && st.st_size == d->bytes) return IG_OK;
    IG_TRY(store_incoming_path(folder, tmp, err));
    IG_TRY(ig_writer_open(tmp, &x.writer, err));
    ig_status status = write_parts(b, db, d, &x, err);
    ig_writer_close(x.writer);
    if (status == IG_OK) status = store_blob_place(folder, tmp, d->sha256, err);
    if (status != IG_OK) unlink(tmp);
    return status;
}

static ig_status extract_all(const store_backend *b, store_db *db, const char *folder, ig_error *err) {
    store_digests d;
    ig_status status = store_digests_read(b, db, &d, err);
    for (size_t i = 0; i < d.count && status == IG_OK; i++) status = extract(b, db, folder, &d.item[i], err);
    ig_free(d.item);
    return status;
}

/* ---- the new database -------------------------------------------------------------------------------------------- */

static ig_status drop_parts(const store_backend *b, const char *path, ig_error *err) {
    store_db *db;
    IG_TRY(b->open(path, STORE_COPY, &db, err));
    ig_status status = b->run(db, STORE_Q_PART_DROP, NULL, 0, NULL, NULL, NULL, err);
    b->close(db);
    return status;
}

static ig_status skip(void *arg, const store_value *v, ig_error *err) {
    (void)arg, (void)v, (void)err;
    return IG_OK;
}

/* A store itself, copied by hand, has no table of contents; its log may be missing too. */
static ig_status check_backup(const store_backend *b, store_db *backup, const char *from, ig_error *err) {
    const store_value v[] = {store_text(""), store_int(0)};
    ig_status status = b->run(backup, STORE_Q_PART_GET, v, 2, skip, NULL, NULL, err);
    if (status == IG_E_INTERNAL) return ig_error_at(err, IG_E_FORMAT, from, 0, "is no backup: ingot backup FILE makes one");
    return status == IG_OK ? b->check(backup, err) : status;
}

static ig_status unpack(const store_backend *b, store_db *backup, const char *folder, const char *tmp, ig_error *err) {
    IG_TRY(extract_all(b, backup, folder, err));
    IG_TRY(b->copy(backup, tmp, err));
    return drop_parts(b, tmp, err);
}

/* ---- in place of the old one ------------------------------------------------------------------------------------- */

static void with(char out[IG_PATH_MAX], const char *path, const char *end) {
    snprintf(out, IG_PATH_MAX, "%.*s%s", IG_PATH_MAX - 40, path, end);
}

static ig_status set_aside(const char *path, const char *end, ig_error *err) {
    char from[IG_PATH_MAX], to[IG_PATH_MAX], name[40];
    snprintf(name, sizeof name, ".before-restore%s", end);
    with(from, path, end);
    with(to, path, name);
    if (rename(from, to) == 0) return IG_OK;
    if (errno != ENOENT) return ig_error_errno_at(err, from, "cannot be set aside");
    unlink(to); /* nothing of an earlier restore may stand beside this one */
    return IG_OK;
}

/* A second name for the old database; its log, if it is too damaged to be settled, moves beside it. */
static ig_status keep_old(const store_backend *b, const char *path, ig_error *err) {
    char kept[IG_PATH_MAX];
    if (!ig_path_exists(path)) return IG_OK;
    (void)!b->settle(path, NULL);
    with(kept, path, ".before-restore");
    if (unlink(kept) != 0 && errno != ENOENT) return ig_error_errno_at(err, kept, "cannot be replaced");
    if (link(path, kept) != 0) return ig_error_errno_at(err, kept, "cannot be made");
    IG_TRY(set_aside(path, "-wal", err));
    return set_aside(path, "-shm", err);
}

static ig_status replace(const store_backend *b, const char *folder, const char *path, const char *from, ig_error *err) {
    store_db *backup;
    char tmp[IG_PATH_MAX];
    IG_TRY(store_beside(path, "restore", tmp, err));
    IG_TRY(b->open(from, STORE_BACKUP, &backup, err));
    ig_status status = check_backup(b, backup, from, err);
    if (status == IG_OK) status = unpack(b, backup, folder, tmp, err);
    b->close(backup);
    if (status == IG_OK) status = keep_old(b, path, err);
    if (status == IG_OK) status = store_move(tmp, path, err);
    if (status != IG_OK) store_remove(tmp);
    return status;
}

ig_status ig_store_restore(const char *folder, const char *from, ig_error *err) {
    char path[IG_PATH_MAX];
    int fd;
    if (sodium_init() < 0) return ig_error_set(err, IG_E_INTERNAL, "libsodium does not start");
    if (!ig_path_exists(from)) return ig_error_at(err, IG_E_NOT_FOUND, from, 0, "there is no such backup");
    IG_TRY(store_folder_make(folder, path, err));
    IG_TRY(store_lock(folder, "lock", true, WAIT_MS, &fd, err));
    ig_status status = replace(&store_sqlite, folder, path, from, err);
    store_unlock(fd);
    return status;
}
