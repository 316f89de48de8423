/* base/path.c: names of files, and folders made, listed, removed and synced. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingot/base.h"
#include "ingot/limits.h"

#define REMOVE_DEPTH_MAX 64 /* one open folder per level */

bool ig_path_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

bool ig_path_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

ig_status ig_path_join(char *dst, size_t size, const char *a, const char *b, ig_error *err) {
    size_t len = strlen(a);
    if (*b == '/') len = 0;
    const char *slash = len == 0 || a[len - 1] == '/' ? "" : "/";
    int n = snprintf(dst, size, "%.*s%s%s", (int)len, a, slash, b);
    if (n < 0 || (size_t)n >= size) {
        if (size) dst[0] = '\0';
        return ig_error_set(err, IG_E_LIMIT, "the path is longer than %zu bytes: %.80s%s%.80s", size, a, slash, b);
    }
    return IG_OK;
}

const char *ig_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- folders ---- */

static ig_status make_one(const char *path, ig_error *err) {
    if (mkdir(path, 0777) == 0) return IG_OK;
    int reason = errno;
    if (ig_path_is_dir(path)) return IG_OK; /* EEXIST, or EROFS and EACCES on the way to a folder that is there */
    errno = reason;
    if (reason == EEXIST) return ig_error_at(err, IG_E_EXISTS, path, 0, "is a file, a folder was expected");
    return ig_error_errno_at(err, path, "cannot make the folder");
}

ig_status ig_dir_make(const char *path, ig_error *err) {
    char part[IG_PATH_MAX];
    size_t n = strlen(path);
    if (n == 0) return ig_error_set(err, IG_E_ARG, "an empty name of a folder");
    if (n >= sizeof part) return ig_error_at(err, IG_E_LIMIT, path, 0, "the path is too long");
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        IG_TRY(make_one(part, err));
    }
    return IG_OK;
}

ig_status ig_dir_sync(const char *path, ig_error *err) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return ig_error_errno_at(err, path, "cannot open the folder");
    /* EINVAL: a file system that has nothing to sync for a folder. */
    ig_status status = IG_OK;
    if (fsync(fd) != 0 && errno != EINVAL) status = ig_error_errno_at(err, path, "cannot bring the folder to the disk");
    close(fd);
    return status;
}

static bool is_dot(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool remove_entry(int parent, const char *name, int depth);

/* All that is in the folder fd, which is closed.  false with errno set at the first thing that cannot be removed. */
static bool remove_content(int fd, int depth) {
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return false;
    }
    bool ok = true;
    struct dirent *e;
    while (ok && (errno = 0, e = readdir(dir))) {
        if (!is_dot(e->d_name)) ok = remove_entry(fd, e->d_name, depth);
    }
    int reason = errno;
    if (ok && reason) ok = false;
    closedir(dir);
    errno = reason;
    return ok;
}

/* unlink first: it removes a link itself, never what it points to. */
static bool remove_entry(int parent, const char *name, int depth) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) return false;
    if (depth == REMOVE_DEPTH_MAX) {
        errno = ELOOP;
        return false;
    }
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    return remove_content(fd, depth + 1) && unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

ig_status ig_dir_remove(const char *path, ig_error *err) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return IG_OK;
    if (fd < 0) return ig_error_errno_at(err, path, "cannot open the folder");
    if (!remove_content(fd, 0) || rmdir(path) != 0) return ig_error_errno_at(err, path, "cannot remove the folder");
    return IG_OK;
}

/* ---- names in a folder ---- */

typedef struct name_list {
    char **names;
    size_t count, cap;
} name_list;

static bool add_name(name_list *l, const char *name) {
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 16;
        char **grown = ig_realloc_array(l->names, cap, sizeof *grown);
        if (!grown) return false;
        l->names = grown;
        l->cap = cap;
    }
    char *copy = ig_strdup(name);
    if (!copy) return false;
    l->names[l->count++] = copy;
    return true;
}

static ig_status read_names(DIR *dir, const char *path, name_list *l, ig_error *err) {
    struct dirent *e;
    while ((errno = 0, e = readdir(dir))) {
        if (is_dot(e->d_name)) continue;
        if (!add_name(l, e->d_name)) return ig_error_nomem(err, 0);
    }
    return errno ? ig_error_errno_at(err, path, "cannot list the folder") : IG_OK;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

ig_status ig_dir_list(const char *path, char ***names, size_t *count, ig_error *err) {
    *names = NULL;
    *count = 0;
    DIR *dir = opendir(path);
    if (!dir) return ig_error_errno_at(err, path, "cannot open the folder");
    name_list l = {0};
    ig_status status = read_names(dir, path, &l, err);
    closedir(dir);
    if (status != IG_OK) {
        ig_names_free(l.names, l.count);
        return status;
    }
    if (l.count) qsort(l.names, l.count, sizeof *l.names, by_bytes);
    *names = l.names;
    *count = l.count;
    return IG_OK;
}

void ig_names_free(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) ig_free(names[i]);
    ig_free(names);
}
