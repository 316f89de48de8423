/* features/loop/objects.c: a staged version becomes a version.
 *
 * Every file gets its content's name under objects/ and is a hard link to it: versions that share an encoder share its bytes.
 * Order: contents and links on the disk, then the folders, then one rename; whatever stops in between leaves staging, which
 * is swept.  An object that only objects/ links to belongs to no version.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "features/loop/loop.h"

static ig_status sync_file(const char *path, ig_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return ig_error_errno_at(err, path, "opening");
    int failed = fchmod(fd, 0444) != 0 || fsync(fd) != 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return failed ? ig_error_errno_at(err, path, "writing to the disk") : IG_OK;
}

/* The folder is .../objects/ab; its parent is synchronised when it is new. */
static ig_status object_path(const char *objects, const char *file, char out[IG_PATH_MAX], ig_error *err) {
    ig_map_file m;
    char digest[65], folder[IG_PATH_MAX];
    IG_TRY(ig_file_map(file, &m, err));
    ig_sha256_hex(m.data ? (const void *)m.data : "", m.size, digest);
    ig_file_unmap(&m);
    if (snprintf(folder, sizeof folder, "%s/%.2s", objects, digest) >= (int)sizeof folder ||
        snprintf(out, IG_PATH_MAX, "%s/%.2s/%s", objects, digest, digest + 2) >= IG_PATH_MAX)
        return ig_error_at(err, IG_E_LIMIT, objects, 0, "the path is too long");
    return ig_dir_make(folder, err);
}

static ig_status share_file(const char *objects, const char *file, ig_error *err) {
    char object[IG_PATH_MAX], folder[IG_PATH_MAX];
    IG_TRY(object_path(objects, file, object, err));
    IG_TRY(sync_file(file, err));
    if (link(file, object) == 0) {
        memcpy(folder, object, sizeof folder);
        folder[strlen(folder) - strlen(ig_path_base(folder)) - 1] = '\0';
        return ig_dir_sync(folder, err);
    }
    if (errno != EEXIST) return ig_error_errno_at(err, object, "linking");
    if (unlink(file) != 0 || link(object, file) != 0) return ig_error_errno_at(err, file, "linking");
    return IG_OK;
}

static ig_status share_folder(const char *objects, const char *folder, int depth, ig_error *err) {
    char **names = NULL;
    size_t count = 0;
    if (depth > 8) return ig_error_at(err, IG_E_LIMIT, folder, 0, "folders of a version are nested too deep");
    IG_TRY(ig_dir_list(folder, &names, &count, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < count && s == IG_OK; i++) {
        char path[IG_PATH_MAX];
        s = ig_path_join(path, sizeof path, folder, names[i], err);
        if (s == IG_OK) s = ig_path_is_dir(path) ? share_folder(objects, path, depth + 1, err) : share_file(objects, path, err);
    }
    ig_names_free(names, count);
    return s == IG_OK ? ig_dir_sync(folder, err) : s;
}

ig_status loop_publish(const ig_loop *l, const char *name, int64_t number, ig_error *err) {
    char from[IG_PATH_MAX], to[IG_PATH_MAX], objects[IG_PATH_MAX], folder[IG_PATH_MAX], rest[64];
    snprintf(rest, sizeof rest, "staging/%" PRId64, number);
    IG_TRY(loop_path(l, name, rest, from, err));
    IG_TRY(loop_path(l, name, "objects", objects, err));
    IG_TRY(loop_path(l, name, "versions", folder, err));
    IG_TRY(loop_version_path(l, name, number, to, err));
    IG_TRY(ig_dir_make(objects, err));
    IG_TRY(ig_dir_make(folder, err));
    IG_TRY(share_folder(objects, from, 0, err));
    IG_TRY(ig_dir_sync(objects, err));
    IG_TRY(ig_dir_remove(to, err));
    if (rename(from, to) != 0) return ig_error_errno_at(err, to, "publishing the version");
    return ig_dir_sync(folder, err);
}

static ig_status sweep_one(const char *folder, int64_t *removed, ig_error *err) {
    char **names = NULL;
    size_t count = 0;
    IG_TRY(ig_dir_list(folder, &names, &count, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < count && s == IG_OK; i++) {
        char path[IG_PATH_MAX];
        struct stat st;
        s = ig_path_join(path, sizeof path, folder, names[i], err);
        if (s == IG_OK && lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1) {
            if (unlink(path) != 0) s = ig_error_errno_at(err, path, "removing");
            *removed += s == IG_OK;
        }
    }
    ig_names_free(names, count);
    return s;
}

ig_status loop_objects_sweep(const ig_loop *l, const char *name, int64_t *removed, ig_error *err) {
    char objects[IG_PATH_MAX];
    char **names = NULL;
    size_t count = 0;
    *removed = 0;
    IG_TRY(loop_path(l, name, "objects", objects, err));
    if (!ig_path_is_dir(objects)) return IG_OK;
    IG_TRY(ig_dir_list(objects, &names, &count, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < count && s == IG_OK; i++) {
        char path[IG_PATH_MAX];
        s = ig_path_join(path, sizeof path, objects, names[i], err);
        if (s == IG_OK) s = sweep_one(path, removed, err);
    }
    ig_names_free(names, count);
    return s;
}
