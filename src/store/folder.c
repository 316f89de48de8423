/* store/folder.c: the folder of a store, and the locks in it.
 *
 *     lock        held shared while the store is open; restoring wants it alone
 *     open.lock   held alone while somebody opens the store: tables are made, checked and swept by one at a time
 *
 * Locks are flock's: the kernel gives them back when a process ends in whatever way.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

#define POLL_MS 10

/* Others on the machine have no business with questions, answers and digests of keys: a new folder is the owner's. */
ig_status store_folder_make(const char *folder, char path[IG_PATH_MAX], ig_error *err) {
    bool there = ig_path_is_dir(folder);
    IG_TRY(ig_path_join(path, IG_PATH_MAX, folder, "store.db", err));
    if (!*folder) return ig_error_set(err, IG_E_ARG, "the name of the store's folder is empty");
    IG_TRY(ig_dir_make(folder, err));
    if (!there && chmod(folder, 0700) != 0) return ig_error_errno_at(err, folder, "cannot be made private");
    return IG_OK;
}

static ig_status wait_for(int fd, int how, const char *path, int wait_ms, ig_error *err) {
    for (int waited = 0;; waited += POLL_MS) {
        if (flock(fd, how | LOCK_NB) == 0) return IG_OK;
        if (errno != EWOULDBLOCK && errno != EINTR) return ig_error_errno_at(err, path, "cannot be locked");
        if (waited >= wait_ms) break;
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    return ig_error_at(err, IG_E_STATE, path, 0,
                       how == LOCK_EX ? "the store is open in another process; stop it first and try again"
                                                                : "the store is being restored; try again when that is done");
}

ig_status store_lock(const char *folder, const char *name, bool alone, int wait_ms, int *fd, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, folder, name, err));
    int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f < 0) return ig_error_errno_at(err, path, "cannot be opened for writing; check the permissions of the folder");
    ig_status s = wait_for(f, alone ? LOCK_EX : LOCK_SH, path, wait_ms, err);
    if (s != IG_OK) {
        close(f);
        return s;
    }
    *fd = f;
    return IG_OK;
}

void store_unlock(int fd) {
    if (fd >= 0) close(fd);
}
