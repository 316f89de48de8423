/* cli/hub_fetch.c: the bytes of a hub's files.
 *
 *     DIR/FILE.part    what has arrived so far; a call that breaks is taken up from its end
 *     DIR/FILE         whole, of the size and checksum that the hub tells
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/hub.h"
#include "ingot/net.h"

#define TRIES 4

typedef struct transfer {
    const hub *h;
    const hub_file *file;
    int fd;
    uint64_t before, total; /* of all files: bytes of those that are done, and of all */
    hub_progress_fn *progress;
    void *arg;
} transfer;

static uint64_t size_of(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

static ig_status write_at(int fd, const char *bytes, size_t n, uint64_t at, ig_error *err) {
    while (n > 0) {
        ssize_t k = pwrite(fd, bytes, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return ig_error_errno(err, "cannot write what was fetched");
        bytes += k, n -= (size_t)k, at += (uint64_t)k;
    }
    return IG_OK;
}

static ig_status on_bytes(void *arg, uint64_t at, const void *bytes, size_t len, ig_error *err) {
    transfer *t = arg;
    if (t->file->size && at + len > t->file->size)
        return ig_error_set(err, IG_E_FORMAT, "%s is longer than the %llu bytes that the hub told", t->file->name, (unsigned long long)t->file->size);
    IG_TRY(write_at(t->fd, bytes, len, at, err));
    if (!t->progress || t->progress(t->arg, t->file->name, t->before + at + len, t->total)) return IG_OK;
    return ig_error_set(err, IG_E_CANCELLED, "stopped");
}

static ig_status check_status(const transfer *t, const ig_http_answer *a, ig_error *err) {
    if (a->status >= 200 && a->status < 300) return IG_OK;
    if (a->status == 401 || a->status == 403)
        return ig_error_set(err, IG_E_NOT_FOUND, "%s of %s is not given to you (%d): accept its terms on the hub and set HF_TOKEN", t->file->name,
                            t->h->repository, a->status);
    if (a->status == 404) return ig_error_set(err, IG_E_NOT_FOUND, "%s is missing in %s", t->file->name, t->h->repository);
    return ig_error_set(err, IG_E_IO, "%s: the hub answered %d", t->file->name, a->status);
}

static ig_status get(transfer *t, const char *part, ig_error *err) {
    char url[1536];
    const char *header = t->h->authorization;
    ig_http_answer a = {0};
    snprintf(url, sizeof url, "%s/%s/resolve/%s/%s", t->h->endpoint, t->h->repository, t->h->revision, t->file->name);
    ig_http_call call = {.url = url, .headers = &header, .header_count = *header ? 1 : 0, .offset = size_of(part),
                         .bytes_max = t->file->size ? t->file->size : (uint64_t)1 << 30, .on_bytes = on_bytes, .arg = t};
    IG_TRY(ig_http_get(&call, &a, err));
    return check_status(t, &a, err);
}

/* A connection that breaks is taken up again; every other failure is final. */
static ig_status get_all(transfer *t, const char *part, ig_error *err) {
    ig_status s = IG_OK;
    t->fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (t->fd < 0) return ig_error_errno_at(err, part, "cannot be made");
    for (int i = 0; i < TRIES; i++) {
        s = t->file->size && size_of(part) >= t->file->size ? IG_OK : get(t, part, err);
        if (s != IG_E_IO) break;
    }
    if (close(t->fd) != 0 && s == IG_OK) s = ig_error_errno_at(err, part, "cannot be written");
    return s;
}

static ig_status check_content(const hub_file *f, const char *part, ig_error *err) {
    char sha[65];
    ig_map_file map;
    IG_TRY(ig_file_map(part, &map, err));
    ig_status s = IG_OK;
    if (f->size && map.size != f->size)
        s = ig_error_set(err, IG_E_FORMAT, "%s has %zu bytes and not the %llu that the hub told", f->name, map.size, (unsigned long long)f->size);
    if (s == IG_OK && f->sha256[0]) {
        ig_sha256_hex(map.data, map.size, sha);
        if (strcmp(sha, f->sha256) != 0) s = ig_error_set(err, IG_E_FORMAT, "%s has another checksum than the hub told, and was removed: fetch it again", f->name);
    }
    ig_file_unmap(&map);
    return s;
}

static ig_status fetch_one(transfer *t, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX], part[IG_PATH_MAX + 8];
    IG_TRY(ig_path_join(path, sizeof path, dir, t->file->name, err));
    snprintf(part, sizeof part, "%s.part", path);
    if (ig_path_exists(path)) return IG_OK;
    IG_TRY(get_all(t, part, err));
    ig_status s = check_content(t->file, part, err);
    if (s != IG_OK) {
        unlink(part);
        return s;
    }
    return rename(part, path) == 0 ? IG_OK : ig_error_errno_at(err, path, "cannot be put in its place");
}

ig_status hub_fetch(const hub *h, const char *dir, hub_progress_fn *progress, void *arg, ig_error *err) {
    transfer t = {.h = h, .total = hub_wanted_bytes(h), .progress = progress, .arg = arg};
    IG_TRY(ig_dir_make(dir, err));
    for (size_t i = 0; i < h->count; i++) {
        t.file = &h->file[i];
        if (!t.file->wanted) continue;
        IG_TRY(fetch_one(&t, dir, err));
        t.before += t.file->size;
    }
    return IG_OK;
}
