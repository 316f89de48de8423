/* base/file.c: reading and mapping whole files.  Errors carry the path as their file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingot/base.h"

#define CHUNK_BYTES ((size_t)256 << 10)

static ig_status open_regular(const char *path, int *fd, size_t *size, ig_error *err) {
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) return ig_error_errno_at(err, path, "cannot open");
    struct stat st;
    if (fstat(*fd, &st) != 0) {
        ig_status s = ig_error_errno_at(err, path, "cannot look up");
        close(*fd);
        return s;
    }
    if (S_ISDIR(st.st_mode)) {
        close(*fd);
        return ig_error_at(err, IG_E_IO, path, 0, "is a folder, a file was expected");
    }
    *size = st.st_size > 0 ? (size_t)st.st_size : 0;
    return IG_OK;
}

static ig_status too_large(const char *path, size_t max, ig_error *err) {
    return ig_error_at(err, IG_E_LIMIT, path, 0, "larger than the limit of %zu bytes", max);
}

/* To the end, whatever size the file said to have: pipes and /proc say 0, and a file may grow meanwhile. */
static ig_status read_to_end(int fd, const char *path, size_t max, char *chunk, ig_buf *out, ig_error *err) {
    size_t total = 0;
    for (;;) {
        ssize_t got = read(fd, chunk, CHUNK_BYTES);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return ig_error_errno_at(err, path, "cannot read");
        if (got == 0) break;
        if ((size_t)got > max - total) return too_large(path, max, err);
        total += (size_t)got;
        ig_buf_append(out, chunk, (size_t)got);
        if (out->status == IG_E_LIMIT) return too_large(path, out->max, err);
        IG_TRY(ig_buf_status(out, err));
    }
    ig_buf_append(out, "", 0); /* an empty file gives "", not NULL */
    return ig_buf_status(out, err);
}

ig_status ig_file_read(const char *path, size_t max, ig_buf *out, ig_error *err) {
    int fd;
    size_t size;
    IG_TRY(open_regular(path, &fd, &size, err));
    ig_status status = IG_OK;
    char *chunk = NULL;
    if (size > max) {
        status = too_large(path, max, err);
    } else if (!(chunk = ig_malloc(CHUNK_BYTES))) {
        status = ig_error_nomem(err, CHUNK_BYTES);
    } else {
        status = read_to_end(fd, path, max, chunk, out, err);
    }
    ig_free(chunk);
    close(fd);
    return status;
}

ig_status ig_file_map(const char *path, ig_map_file *out, ig_error *err) {
    *out = (ig_map_file){0};
    int fd;
    size_t size;
    IG_TRY(open_regular(path, &fd, &size, err));
    ig_status status = IG_OK;
    if (size > 0) {
        void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            status = ig_error_errno_at(err, path, "cannot map");
        } else {
            *out = (ig_map_file){.data = p, .size = size};
        }
    }
    close(fd); /* the mapping keeps the file */
    return status;
}

void ig_file_unmap(ig_map_file *m) {
    if (m->data) munmap((void *)(uintptr_t)m->data, m->size);
    *m = (ig_map_file){0};
}
