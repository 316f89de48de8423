/* train/run_folder.c: the folder of a run.
 *
 * A lock (flock on OUT/run/lock, which the system gives back when the process ends, however it ends) keeps two processes
 * from training into the same folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "train/run.h"

static ig_status set_paths(run_paths *p, const char *out_dir, ig_error *err) {
    struct {
        char *path;
        const char *name;
    } parts[] = {{p->log, "log.jsonl"}, {p->chart, "chart.svg"}, {p->recipe, "recipe.json"}, {p->checkpoints, "checkpoints"}, {p->lock, "lock"}};
    if (!*out_dir) return ig_error_set(err, IG_E_ARG, "the name of the folder to write to is empty");
    if (strlen(out_dir) >= sizeof p->out) return ig_error_set(err, IG_E_LIMIT, "the path of the folder to write to is too long");
    memcpy(p->out, out_dir, strlen(out_dir) + 1);
    IG_TRY(ig_path_join(p->run, sizeof p->run, out_dir, "run", err));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) IG_TRY(ig_path_join(parts[i].path, IG_PATH_MAX, p->run, parts[i].name, err));
    return IG_OK;
}

static ig_status folder_is_ours(const run_paths *p, bool *is_empty, ig_error *err) {
    char config[IG_PATH_MAX];
    char **names;
    size_t count;
    *is_empty = true;
    if (!ig_path_exists(p->out)) return IG_OK;
    if (!ig_path_is_dir(p->out)) return ig_error_at(err, IG_E_EXISTS, p->out, 0, "is a file; a folder to write to is needed");
    IG_TRY(ig_dir_list(p->out, &names, &count, err));
    ig_names_free(names, count);
    *is_empty = count == 0;
    IG_TRY(ig_path_join(config, sizeof config, p->out, "config.json", err));
    if (*is_empty || ig_path_exists(p->run) || ig_path_exists(config)) return IG_OK;
    return ig_error_at(err, IG_E_EXISTS, p->out, 0, "holds files that are neither a run nor a model; choose an empty or new folder");
}

static ig_status check_folder(const run *r, ig_error *err) {
    char config[IG_PATH_MAX];
    bool is_empty;
    IG_TRY(folder_is_ours(&r->at, &is_empty, err));
    if (is_empty || r->opts.resume || r->opts.overwrite) return IG_OK;
    if (ig_path_exists(r->at.log))
        return ig_error_at(err, IG_E_EXISTS, r->at.out, 0, "holds a run; resume it, overwrite it, or choose another folder");
    IG_TRY(ig_path_join(config, sizeof config, r->at.out, "config.json", err));
    if (!ig_path_exists(config)) return IG_OK; /* a run that did not come to its first line */
    return ig_error_at(err, IG_E_EXISTS, r->at.out, 0, "holds a model; overwrite it or choose another folder");
}

static ig_status take_lock(run *r, ig_error *err) {
    r->lock = open(r->at.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (r->lock < 0) return ig_error_errno_at(err, r->at.lock, "cannot make the lock");
    if (flock(r->lock, LOCK_EX | LOCK_NB) == 0) return IG_OK;
    if (errno != EWOULDBLOCK) return ig_error_errno_at(err, r->at.lock, "cannot take the lock");
    return ig_error_at(err, IG_E_STATE, r->at.out, 0, "another process is training into this folder");
}

/* Everything of an earlier run but the lock, which is held. */
static ig_status clear(const run_paths *p, ig_error *err) {
    const char *const files[] = {p->log, p->chart, p->recipe};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (unlink(files[i]) != 0 && errno != ENOENT) return ig_error_errno_at(err, files[i], "cannot remove the earlier run");
    return ig_dir_remove(p->checkpoints, err);
}

ig_status run_folder_check(run *r, const char *out_dir, ig_error *err) {
    IG_TRY(set_paths(&r->at, out_dir, err));
    return check_folder(r, err);
}

ig_status run_folder_open(run *r, ig_error *err) {
    IG_TRY(ig_dir_make(r->at.run, err));
    IG_TRY(take_lock(r, err));
    if (r->opts.overwrite && !r->opts.resume) IG_TRY(clear(&r->at, err));
    return ig_dir_make(r->at.checkpoints, err);
}

void run_folder_close(run *r) {
    if (r->lock >= 0) close(r->lock);
    r->lock = -1;
}

ig_status run_format_recipe(const ig_recipe *recipe, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out, .indent = 2};
    ig_json_tree(&j, ig_doc_root(recipe->doc));
    ig_buf_putc(out, '\n');
    return ig_buf_status(out, err);
}

ig_status run_write_recipe(const run *r, ig_error *err) {
    ig_buf text = {.max = 4 * IG_RECIPE_BYTES_MAX};
    ig_status status = run_format_recipe(r->t.r, &text, err);
    if (status == IG_OK) status = ig_file_write(r->at.recipe, text.data, text.len, err);
    ig_buf_fini(&text);
    return status;
}
