/* store/upload.c: content that arrives in pieces.
 *
 *     write ─► blobs/incoming/RANDOM, digest on the way ─► commit: fsync ─► [ write lock: blobs/ab/cdef…, row, audit ] ─► done
 *
 * The slow part, bringing the bytes to the disk, is over before the lock is taken.
 */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"

struct ig_store_upload {
    ig_store *store;
    ig_writer *writer;
    crypto_hash_sha256_state digest;
    uint64_t bytes;
    bool done;
    char tmp[IG_PATH_MAX]; /* "" once it has moved */
};

ig_status ig_store_upload_open(ig_store *s, ig_store_upload **out, ig_error *err) {
    *out = NULL;
    ig_store_upload *u = ig_calloc(1, sizeof *u);
    if (!u) return ig_error_nomem(err, sizeof *u);
    u->store = s;
    crypto_hash_sha256_init(&u->digest);
    ig_status status = store_incoming_path(s->folder, u->tmp, err);
    if (status == IG_OK) status = ig_writer_open(u->tmp, &u->writer, err);
    if (status != IG_OK) {
        ig_store_upload_close(u);
        return status;
    }
    *out = u;
    return IG_OK;
}

ig_status ig_store_upload_write(ig_store_upload *u, const void *bytes, size_t n, ig_error *err) {
    if (n > IG_STORE_FILE_BYTES_MAX - u->bytes)
        return ig_error_set(err, IG_E_LIMIT, "the file is larger than %" PRIu64 " bytes", IG_STORE_FILE_BYTES_MAX);
    IG_TRY(ig_writer_write(u->writer, bytes, n, err));
    if (n) crypto_hash_sha256_update(&u->digest, bytes, n);
    u->bytes += n;
    return IG_OK;
}

void ig_store_upload_close(ig_store_upload *u) {
    if (!u) return;
    ig_writer_close(u->writer);
    if (u->tmp[0]) unlink(u->tmp);
    ig_free(u);
}

typedef struct arrival {
    ig_store_upload *upload;
    ig_store_file *file;
    const char *who;
} arrival;

static ig_status audit_arrival(ig_store *s, const arrival *a, ig_error *err) {
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    ig_json_key(&j, "filename"), ig_json_text(&j, a->file->filename);
    ig_json_key(&j, "sha256"), ig_json_text(&j, a->file->sha256);
    ig_json_close(&j, '}');
    ig_status status = ig_buf_status(&b, err);
    if (status == IG_OK)
        status = store_audit(s, &(ig_store_audit_opts){.who = a->who, .what = "file.new", .object = a->file->id,
                                                       .after = b.data}, err);
    ig_buf_fini(&b);
    return status;
}

static ig_status add_file(ig_store *s, void *arg, ig_error *err) {
    const arrival *a = arg;
    const ig_store_file *f = a->file;
    const store_value v[] = {store_text(f->id), store_text(f->filename), store_text(f->purpose), store_text(f->sha256),
                             store_text(ig_store_file_status_name(f->status)), store_int(f->bytes), store_int(f->created_at)};
    IG_TRY(store_run(s, STORE_Q_FILE_ADD, v, 7, NULL, NULL, err));
    IG_TRY(audit_arrival(s, a, err));
    IG_TRY(store_blob_place(s->folder, a->upload->tmp, f->sha256, err));
    a->upload->tmp[0] = '\0';
    return IG_OK;
}

static void describe(ig_store_upload *u, const char *filename, const char *purpose, ig_store_file *f) {
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&u->digest, digest);
    *f = (ig_store_file){.status = IG_FILE_UPLOADED, .bytes = (int64_t)u->bytes, .created_at = store_now(u->store)};
    store_id_new("file-", f->id);
    sodium_bin2hex(f->sha256, sizeof f->sha256, digest, sizeof digest);
    snprintf(f->filename, sizeof f->filename, "%s", filename);
    snprintf(f->purpose, sizeof f->purpose, "%s", purpose);
}

ig_status ig_store_upload_commit(ig_store_upload *u, const char *filename, const char *purpose, const char *who,
                                 ig_store_file *out, ig_error *err) {
    ig_store_file f;
    if (u->done) return ig_error_set(err, IG_E_STATE, "the upload was committed already");
    IG_TRY(store_check_name("filename", filename, IG_STORE_FILENAME_MAX, err));
    IG_TRY(store_check_name("purpose", purpose, IG_STORE_NAME_MAX, err));
    u->done = true;
    IG_TRY(ig_writer_commit(u->writer, err));
    describe(u, filename, purpose, &f);
    IG_TRY(store_write(u->store, add_file, &(arrival){u, &f, who}, err));
    if (out) *out = f;
    return IG_OK;
}

ig_status ig_store_file_new(ig_store *s, const char *filename, const char *purpose, const void *bytes, size_t n,
                            const char *who, ig_store_file *out, ig_error *err) {
    ig_store_upload *u;
    IG_TRY(ig_store_upload_open(s, &u, err));
    ig_status status = ig_store_upload_write(u, bytes, n, err);
    if (status == IG_OK) status = ig_store_upload_commit(u, filename, purpose, who, out, err);
    ig_store_upload_close(u);
    return status;
}
