/* store/store.c: opening and closing a store.
 *
 *     folder ─► lock shared ─► open.lock alone ─► database, migrations
 *            ─► check, sweep of blobs, jobs of the dead ─► open.lock back
 */
#include <sodium.h>

#include "store/store.h"

#define RESTORE_WAIT_MS 2000
#define OPEN_WAIT_MS 60000 /* an integrity check of a large store takes a while */

static int64_t machine_now(void *arg) {
    (void)arg;
    return ig_unix_time();
}

/* What a short command leaves to the next long one. */
static ig_status look_after(ig_store *s, ig_error *err) {
    size_t settled;
    IG_TRY(s->backend->check(s->db, err));
    IG_TRY(store_blob_sweep(s, err));
    return ig_store_job_recover(s, &settled, err);
}

static ig_status open_alone(ig_store *s, bool quick, ig_error *err) {
    int fd;
    IG_TRY(store_lock(s->folder, "open.lock", true, OPEN_WAIT_MS, &fd, err));
    ig_status status = s->backend->open(s->path, STORE_LIVE, &s->db, err);
    if (status == IG_OK && !quick) status = look_after(s, err);
    store_unlock(fd);
    return status;
}

static ig_status open_folder(ig_store *s, const char *folder, bool quick, ig_error *err) {
    IG_TRY(ig_path_join(s->folder, sizeof s->folder, "", folder, err));
    IG_TRY(store_folder_make(s->folder, s->path, err));
    IG_TRY(store_lock(s->folder, "lock", false, RESTORE_WAIT_MS, &s->held, err));
    return open_alone(s, quick, err);
}

ig_status ig_store_open(const char *folder, const ig_store_opts *opts, ig_store **out, ig_error *err) {
    ig_store_opts o = opts ? *opts : (ig_store_opts){0};
    *out = NULL;
    if (sodium_init() < 0) return ig_error_set(err, IG_E_INTERNAL, "libsodium does not start");
    ig_store *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    s->backend = &store_sqlite;
    s->held = -1;
    s->now = o.now ? o.now : machine_now;
    s->now_arg = o.now_arg;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->quick_lock, NULL);
    ig_status status = open_folder(s, folder, o.quick, err);
    if (status != IG_OK) {
        ig_store_close(s);
        return status;
    }
    *out = s;
    return IG_OK;
}

void ig_store_close(ig_store *s) {
    if (!s) return;
    s->backend->close(s->spare);
    s->backend->close(s->quick);
    s->backend->close(s->db);
    store_unlock(s->held);
    pthread_mutex_destroy(&s->quick_lock);
    pthread_mutex_destroy(&s->lock);
    sodium_memzero(s->secret, sizeof s->secret);
    ig_free(s);
}

static ig_status read_version(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    *(int64_t *)arg = v[0].integer;
    return IG_OK;
}

ig_status ig_store_version(ig_store *s, int64_t *version, ig_error *err) {
    *version = 0;
    return store_read(s, STORE_Q_VERSION, NULL, 0, read_version, version, err);
}
