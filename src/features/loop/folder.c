/* features/loop/folder.c: where a feature's files lie, and the locks that keep two processes from building at once.
 *
 * flock goes with the process, however it ends.  A lock file may be removed with its feature while somebody waits for it:
 * a lock counts when the file that it was taken on is still the one that has the name.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "features/loop/loop.h"

ig_status loop_path(const ig_loop *l, const char *name, const char *rest, char out[IG_PATH_MAX], ig_error *err) {
    int n = snprintf(out, IG_PATH_MAX, "%s/%s%s%s", l->folder, name, *rest ? "/" : "", rest);
    if (n < 0 || n >= IG_PATH_MAX - 256)
        return ig_error_at(err, IG_E_LIMIT, l->folder, 0, "the path of the workspace is too long");
    return IG_OK;
}

ig_status loop_version_path(const ig_loop *l, const char *name, int64_t number, char out[IG_PATH_MAX], ig_error *err) {
    char rest[64];
    snprintf(rest, sizeof rest, "versions/%" PRId64, number);
    return loop_path(l, name, rest, out, err);
}

/* A name becomes a folder, a model's name and a part of an address. */
ig_status loop_name_check(const char *name, ig_error *err) {
    size_t n = name ? strlen(name) : 0;
    if (n == 0 || n > 64) return ig_error_set(err, IG_E_ARG, "a feature's name has 1 … 64 characters");
    bool good = name[0] != '-' && name[0] != '_';
    for (const char *p = name; *p; p++)
        good = good && ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '_');
    if (good) return IG_OK;
    return ig_error_set(err, IG_E_ARG,
                        "\"%.64s\" is no name for a feature: take a … z, 0 … 9, '-' and '_', and begin with a letter", name);
}

static ig_status open_lock(const char *path, int *fd, ig_error *err) {
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return *fd >= 0 ? IG_OK : ig_error_errno_at(err, path, "opening the lock");
}

static bool still_there(int fd, const char *path) {
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static ig_status held_elsewhere(int fd, const char *name, const char *file, ig_error *err) {
    char pid[32] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    if (strcmp(file, "train.lock") == 0)
        return ig_error_set(err, IG_E_STATE, "process %s trains \"%s\" already; wait for it, or stop it", pid[0] ? pid : "?",
                            name);
    return ig_error_set(err, IG_E_STATE, "process %s changes \"%s\" at this moment; try again", pid[0] ? pid : "?", name);
}

static void write_pid(int fd) {
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* The number is for people; a full disk must not keep anybody from training. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) errno = 0;
}

ig_status loop_lock_take(const ig_loop *l, const char *name, const char *file, double seconds, loop_lock *out, ig_error *err) {
    char path[IG_PATH_MAX];
    double until = ig_clock() + seconds;
    out->fd = -1;
    IG_TRY(loop_path(l, name, file, path, err));
    for (;;) {
        int fd;
        IG_TRY(open_lock(path, &fd, err));
        bool got = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (got && still_there(fd, path)) {
            write_pid(fd);
            out->fd = fd;
            return IG_OK;
        }
        if (!got && ig_clock() >= until) {
            ig_status s = held_elsewhere(fd, name, file, err);
            close(fd);
            return s;
        }
        close(fd);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
}

void loop_lock_drop(loop_lock *k) {
    if (k->fd >= 0) close(k->fd);
    k->fd = -1;
}
