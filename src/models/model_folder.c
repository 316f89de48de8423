/* models/model_folder.c: replacing several files at once.
 *
 *     DIR/.ingot-save.tmp/   new files are written here                         stage
 *     DIR/.ingot-save/       one rename: from here on they are the model        commit
 *     DIR/                   moved here one by one, weights first               settle
 *
 * A reader looks into .ingot-save first.  While the weights are still there nothing has been moved, and only what is there
 * counts; afterwards each file is either there or already in its place.  A save that was killed before its commit leaves
 * the old model, after it the new one; the next save clears up.
 */
#include "models/model_folder.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define STAGE ".ingot-save.tmp"
#define COMMITTED ".ingot-save"
#define WEIGHTS "model.safetensors"

/* The order of moving.  config.json is last: a folder that has none is no model yet. */
static const char *const files[] = {WEIGHTS, "tokenizer.json", "interactions.safetensors", "card.json", "config.json"};
/* Those of them that not every model has. */
static const char *const optional[] = {"tokenizer.json", "interactions.safetensors"};

static ig_status join3(char *path, const char *dir, const char *sub, const char *name, ig_error *err) {
    char folder[IG_PATH_MAX];
    IG_TRY(ig_path_join(folder, sizeof folder, dir, sub, err));
    return ig_path_join(path, IG_PATH_MAX, folder, name, err);
}

ig_status model_file(const char *dir, const char *name, char path[IG_PATH_MAX], ig_error *err) {
    char weights[IG_PATH_MAX];
    IG_TRY(join3(weights, dir, COMMITTED, WEIGHTS, err));
    IG_TRY(join3(path, dir, COMMITTED, name, err));
    if (ig_path_exists(path) || ig_path_exists(weights)) return IG_OK;
    return ig_path_join(path, IG_PATH_MAX, dir, name, err);
}

ig_status model_stage(const char *dir, char path[IG_PATH_MAX], ig_error *err) {
    IG_TRY(ig_path_join(path, IG_PATH_MAX, dir, STAGE, err));
    IG_TRY(ig_dir_remove(path, err));
    return ig_dir_make(path, err);
}

static ig_status rename_to(const char *from, const char *to, ig_error *err) {
    return rename(from, to) == 0 ? IG_OK : ig_error_errno_at(err, to, "cannot put the new file in its place");
}

static ig_status move(const char *dir, const char *name, ig_error *err) {
    char from[IG_PATH_MAX], to[IG_PATH_MAX];
    IG_TRY(join3(from, dir, COMMITTED, name, err));
    IG_TRY(ig_path_join(to, sizeof to, dir, name, err));
    return ig_path_exists(from) ? rename_to(from, to, err) : IG_OK;
}

/* What only the old model has must not stay with the new one.  Once weights have moved this is done. */
static ig_status drop_old(const char *dir, const char *name, ig_error *err) {
    char weights[IG_PATH_MAX], fresh[IG_PATH_MAX], old[IG_PATH_MAX];
    IG_TRY(join3(weights, dir, COMMITTED, WEIGHTS, err));
    IG_TRY(join3(fresh, dir, COMMITTED, name, err));
    IG_TRY(ig_path_join(old, sizeof old, dir, name, err));
    if (!ig_path_exists(weights) || ig_path_exists(fresh)) return IG_OK;
    return unlink(old) == 0 || errno == ENOENT ? IG_OK : ig_error_errno_at(err, old, "cannot remove what the old model had");
}

ig_status model_settle(const char *dir, ig_error *err) {
    char committed[IG_PATH_MAX];
    IG_TRY(ig_path_join(committed, sizeof committed, dir, COMMITTED, err));
    if (!ig_path_exists(committed)) return IG_OK;
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) IG_TRY(drop_old(dir, optional[i], err));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) IG_TRY(move(dir, files[i], err));
    IG_TRY(ig_dir_sync(dir, err));
    return ig_dir_remove(committed, err);
}

ig_status model_commit(const char *dir, ig_error *err) {
    char stage[IG_PATH_MAX], committed[IG_PATH_MAX];
    IG_TRY(ig_path_join(stage, sizeof stage, dir, STAGE, err));
    IG_TRY(ig_path_join(committed, sizeof committed, dir, COMMITTED, err));
    IG_TRY(ig_dir_sync(stage, err));
    IG_TRY(rename_to(stage, committed, err));
    IG_TRY(ig_dir_sync(dir, err));
    return model_settle(dir, err);
}
