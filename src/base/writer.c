/* base/writer.c: replacing a file so that a reader, or a machine that loses power, sees the old one or the new one.
 *
 *     open    DIR/.NAME.PID-N.tmp is made, beside the target because rename works within one file system only
 *     write   into it, through a buffer
 *     commit  flush, fsync, close, rename over NAME, fsync of DIR (else the rename itself may be lost)
 *     close   without commit: the temporary file is removed
 *
 * A failed write or fsync is final: after a failed fsync the kernel may have dropped the pages and say yes the next time.
 * The mode of an existing target is kept, so that a file of secrets stays unreadable for others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingot/base.h"
#include "ingot/limits.h"

#define BUFFER_BYTES ((size_t)64 << 10)
#define NAME_TRIES 64

struct ig_writer {
    int fd;           /* -1 once closed */
    bool tmp_exists;
    ig_error failed;  /* code IG_OK: nothing has failed yet */
    size_t used;      /* of buffer */
    char path[IG_PATH_MAX], tmp[IG_PATH_MAX], folder[IG_PATH_MAX];
    char buffer[BUFFER_BYTES];
};

/* Remember the failure for all later calls, and report it. */
static ig_status fail(ig_writer *w, ig_error *err) {
    if (err) *err = w->failed;
    return w->failed.code;
}

static ig_status split_path(ig_writer *w, const char *path, ig_error *err) {
    size_t n = strlen(path);
    const char *base = ig_path_base(path);
    if (!*base) return ig_error_at(err, IG_E_ARG, path, 0, "no file name to write to");
    if (n >= sizeof w->path) return ig_error_at(err, IG_E_LIMIT, path, 0, "the path is too long");
    memcpy(w->path, path, n + 1);
    size_t folder = (size_t)(base - path);
    if (folder == 0) {
        memcpy(w->folder, ".", 2);
    } else {
        memcpy(w->folder, path, folder); /* keeps its '/', which is right for "/" too */
        w->folder[folder] = '\0';
    }
    return IG_OK;
}

/* O_EXCL and a new number instead of mkstemp, which would force mode 0600 on every file. */
static ig_status make_tmp(ig_writer *w, ig_error *err) {
    static atomic_uint counter;
    const char *base = ig_path_base(w->path);
    int folder_len = (int)(base - w->path);
    for (int i = 0; i < NAME_TRIES; i++) {
        int n = snprintf(w->tmp, sizeof w->tmp, "%.*s.%.200s.%ld-%u.tmp", folder_len, w->path, base, (long)getpid(),
                         atomic_fetch_add(&counter, 1));
        if (n < 0 || (size_t)n >= sizeof w->tmp) return ig_error_at(err, IG_E_LIMIT, w->path, 0, "the path is too long");
        w->fd = open(w->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd >= 0) {
            w->tmp_exists = true;
            return IG_OK;
        }
        if (errno != EEXIST) break;
    }
    return ig_error_errno_at(err, w->path, "cannot make a file in this folder");
}

static ig_status keep_mode(ig_writer *w, ig_error *err) {
    struct stat st;
    if (stat(w->path, &st) != 0) return IG_OK;
    if (S_ISDIR(st.st_mode)) return ig_error_at(err, IG_E_IO, w->path, 0, "is a folder, a file was expected");
    if (fchmod(w->fd, st.st_mode & 0777) != 0) return ig_error_errno_at(err, w->path, "cannot keep the permissions");
    return IG_OK;
}

ig_status ig_writer_open(const char *path, ig_writer **out, ig_error *err) {
    *out = NULL;
    ig_writer *w = ig_malloc(sizeof *w);
    if (!w) return ig_error_nomem(err, sizeof *w);
    w->fd = -1;
    w->tmp_exists = false;
    w->used = 0;
    w->failed.code = IG_OK;
    ig_status status = split_path(w, path, err);
    if (status == IG_OK) status = make_tmp(w, err);
    if (status == IG_OK) status = keep_mode(w, err);
    if (status != IG_OK) {
        ig_writer_close(w);
        return status;
    }
    *out = w;
    return IG_OK;
}

static bool write_all(ig_writer *w, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t put = write(w->fd, bytes, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            ig_error_errno_at(&w->failed, w->path, "cannot write");
            return false;
        }
        bytes += put;
        n -= (size_t)put;
    }
    return true;
}

static bool flush(ig_writer *w) {
    size_t n = w->used;
    w->used = 0;
    return write_all(w, w->buffer, n);
}

ig_status ig_writer_write(ig_writer *w, const void *bytes, size_t n, ig_error *err) {
    if (w->failed.code != IG_OK) return fail(w, err);
    if (w->fd < 0) return ig_error_at(err, IG_E_STATE, w->path, 0, "written to after it was committed");
    if (n > BUFFER_BYTES - w->used && !flush(w)) return fail(w, err);
    if (n >= BUFFER_BYTES) return write_all(w, bytes, n) ? IG_OK : fail(w, err);
    if (n) memcpy(w->buffer + w->used, bytes, n);
    w->used += n;
    return IG_OK;
}

static bool sync_and_close(ig_writer *w) {
    if (!flush(w)) return false;
    if (fsync(w->fd) != 0) {
        ig_error_errno_at(&w->failed, w->path, "cannot bring it to the disk");
        return false;
    }
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0) {
        ig_error_errno_at(&w->failed, w->path, "cannot close");
        return false;
    }
    return true;
}

ig_status ig_writer_commit(ig_writer *w, ig_error *err) {
    if (w->failed.code != IG_OK) return fail(w, err);
    if (w->fd < 0) return ig_error_at(err, IG_E_STATE, w->path, 0, "committed twice");
    if (!sync_and_close(w)) return fail(w, err);
    if (rename(w->tmp, w->path) != 0) {
        ig_error_errno_at(&w->failed, w->path, "cannot replace the old file");
        return fail(w, err);
    }
    w->tmp_exists = false;
    if (ig_dir_sync(w->folder, &w->failed) != IG_OK) return fail(w, err);
    return IG_OK;
}

void ig_writer_close(ig_writer *w) {
    if (!w) return;
    if (w->fd >= 0) close(w->fd);
    if (w->tmp_exists) unlink(w->tmp);
    ig_free(w);
}

ig_status ig_file_write(const char *path, const void *bytes, size_t n, ig_error *err) {
    ig_writer *w;
    IG_TRY(ig_writer_open(path, &w, err));
    ig_status status = ig_writer_write(w, bytes, n, err);
    if (status == IG_OK) status = ig_writer_commit(w, err);
    ig_writer_close(w);
    return status;
}
