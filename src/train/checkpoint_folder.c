/* train/checkpoint_folder.c: which checkpoints there are, which one to go on from, and which ones may go. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "train/checkpoint.h"

#define PREFIX "step-"
#define SUFFIX ".ckpt"

static bool is_checkpoint(const char *name) {
    size_t n = strlen(name), digits = strspn(name + (strncmp(name, PREFIX, 5) == 0 ? 5 : n), "0123456789");
    return digits >= 8 && n == 5 + digits + 5 && strcmp(name + 5 + digits, SUFFIX) == 0;
}

/* Names of checkpoints in front, the oldest first; *count is how many.  Zeros in front make the order of names that of
 * steps up to 99,999,999, and longer numbers are larger. */
static int by_step(const char *a, const char *b) {
    size_t m = strlen(a), n = strlen(b);
    return m != n ? (m > n) - (m < n) : strcmp(a, b);
}

static size_t sort_checkpoints(char **names, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_checkpoint(names[i])) continue;
        char *name = names[i];
        names[i] = names[kept];
        size_t k = kept++;
        for (; k > 0 && by_step(names[k - 1], name) > 0; k--) names[k] = names[k - 1];
        names[k] = name;
    }
    return kept;
}

/* ---- saving ---- */

static ig_status remove_file(const char *dir, const char *name, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, dir, name, err));
    return unlink(path) == 0 || errno == ENOENT ? IG_OK : ig_error_errno_at(err, path, "cannot remove an old checkpoint");
}

/* A killed process leaves the file that it was writing: ".step-… .tmp". */
static bool is_left_over(const char *name) {
    size_t n = strlen(name);
    return strncmp(name, "." PREFIX, 6) == 0 && n > 4 && strcmp(name + n - 4, ".tmp") == 0;
}

static ig_status prune(const char *dir, int64_t keep, ig_error *err) {
    char **names;
    size_t count;
    IG_TRY(ig_dir_list(dir, &names, &count, err));
    ig_status status = IG_OK;
    for (size_t i = 0; i < count && status == IG_OK; i++)
        if (is_left_over(names[i])) status = remove_file(dir, names[i], err);
    size_t n = sort_checkpoints(names, count);
    for (size_t i = 0; status == IG_OK && (int64_t)(n - i) > keep; i++) status = remove_file(dir, names[i], err);
    ig_names_free(names, count);
    return status;
}

ig_status checkpoint_save(const trainer *t, const char *dir, int64_t keep, char path[IG_PATH_MAX], ig_error *err) {
    char name[64];
    snprintf(name, sizeof name, PREFIX "%08lld" SUFFIX, (long long)t->at.step);
    IG_TRY(ig_dir_make(dir, err));
    IG_TRY(ig_path_join(path, IG_PATH_MAX, dir, name, err));
    IG_TRY(checkpoint_write(t, path, err));
    return prune(dir, keep < 2 ? 2 : keep, err);
}

/* ---- resuming ---- */

static ig_status resume_from(trainer *t, const char *path, ig_error *err) {
    ig_map_file map;
    checkpoint_view v;
    IG_TRY(ig_file_map(path, &map, err));
    ig_status status = checkpoint_parse(path, map.data, map.size, &v, err);
    if (status == IG_OK) {
        status = checkpoint_apply(t, path, &v, err);
        checkpoint_view_fini(&v);
    }
    ig_file_unmap(&map);
    return status;
}

/* So that it neither counts as one of those that are kept nor is tried again. */
static ig_status set_aside(const char *dir, const char *name, ig_error *err) {
    char path[IG_PATH_MAX], aside[IG_PATH_MAX + 16];
    IG_TRY(ig_path_join(path, sizeof path, dir, name, err));
    snprintf(aside, sizeof aside, "%s.damaged", path);
    return rename(path, aside) == 0 ? IG_OK : ig_error_errno_at(err, path, "cannot set a damaged checkpoint aside");
}

static void tell(const ig_error *why, checkpoint_warn_fn *warn, void *arg) {
    char text[1100], message[1200];
    snprintf(message, sizeof message, "%s; it is passed over", ig_error_format(why, text, sizeof text));
    warn(arg, message);
}

/* The newest first; path keeps the one that was taken.  Damaged ones stay where they are until a good one is found. */
static ig_status try_all(trainer *t, const char *dir, char **names, size_t n, checkpoint_warn_fn *warn, void *arg, char *path, ig_error *err) {
    ig_error why = {0};
    ig_status status = IG_E_FORMAT;
    size_t i = n;
    while (i > 0 && status == IG_E_FORMAT) {
        IG_TRY(ig_path_join(path, IG_PATH_MAX, dir, names[--i], err));
        status = resume_from(t, path, &why);
        if (status == IG_E_FORMAT) tell(&why, warn, arg);
    }
    if (status == IG_E_FORMAT) return ig_error_at(err, status, dir, 0, "all %zu checkpoints are damaged; the run can only be started anew", n);
    if (status != IG_OK && err) *err = why;
    for (size_t k = i + 1; k < n && status == IG_OK; k++) status = set_aside(dir, names[k], err);
    return status;
}

ig_status checkpoint_resume(trainer *t, const char *dir, checkpoint_warn_fn *warn, void *arg, char path[IG_PATH_MAX], ig_error *err) {
    char **names;
    size_t count;
    path[0] = '\0';
    if (!ig_path_is_dir(dir)) return IG_OK;
    IG_TRY(ig_dir_list(dir, &names, &count, err));
    size_t n = sort_checkpoints(names, count);
    ig_status status = n ? try_all(t, dir, names, n, warn, arg, path, err) : IG_OK;
    ig_names_free(names, count);
    return status;
}
