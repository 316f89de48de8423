/* models/new_folder.c: a model's folder that appears whole.
 *
 *     PARENT/.ingot-import-NAME/   everything is written here         stage
 *     PARENT/NAME                  one rename, or one exchange with the model that is to be replaced
 *
 * A process that is killed leaves the old model or the new one, and perhaps a stage, which the next one clears up.
 */
#include "models/new_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "models/model_folder.h"

static ig_status stage_of(const char *dir, char path[IG_PATH_MAX], ig_error *err) {
    const char *name = ig_path_base(dir);
    int n = snprintf(path, IG_PATH_MAX, "%.*s.ingot-import-%s", (int)(name - dir), dir, name);
    return *name && n < IG_PATH_MAX ? IG_OK : ig_error_set(err, IG_E_ARG, "\"%.200s\" names no folder", dir);
}

/* What a folder of a model may hold besides what is written here; weights only when they are copied as they are. */
static const char *const extra[] = {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json",
                                    "chat_template.jinja", "sentence_bert_config.json", "modules.json", "README.md", "LICENSE",
                                    "preparation.json", "preprocessor_config.json"};

ig_status model_copy_file(const char *from_dir, const char *to_dir, const char *name, ig_error *err) {
    char from[IG_PATH_MAX], to[IG_PATH_MAX];
    ig_map_file map;
    IG_TRY(ig_path_join(from, sizeof from, from_dir, name, err));
    IG_TRY(ig_path_join(to, sizeof to, to_dir, name, err));
    if (!ig_path_exists(from) || ig_path_is_dir(from)) return IG_OK;
    IG_TRY(ig_file_map(from, &map, err));
    ig_status s = ig_file_write(to, map.data ? (const void *)map.data : "", map.size, err);
    ig_file_unmap(&map);
    return s;
}

ig_status model_copy_extras(const char *from_dir, const char *to_dir, ig_error *err) {
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) IG_TRY(model_copy_file(from_dir, to_dir, extra[i], err));
    return IG_OK;
}

ig_status model_check_new_folder(const char *dir, bool overwrite, ig_error *err) {
    char path[IG_PATH_MAX];
    if (!ig_path_exists(dir)) return IG_OK;
    if (!overwrite) return ig_error_at(err, IG_E_EXISTS, dir, 0, "is there already; choose another name, or say that it may be overwritten");
    IG_TRY(model_file(dir, "config.json", path, err));
    if (ig_path_is_dir(dir) && ig_path_exists(path)) return IG_OK;
    return ig_error_at(err, IG_E_EXISTS, dir, 0, "is no model and was left as it is; choose another name");
}

static ig_status put_in_place(const char *stage, const char *dir, ig_error *err) {
    char parent[IG_PATH_MAX];
    const char *name = ig_path_base(dir);
    bool replace = ig_path_exists(dir);
    if (renameat2(AT_FDCWD, stage, AT_FDCWD, dir, replace ? RENAME_EXCHANGE : RENAME_NOREPLACE) != 0)
        return ig_error_errno_at(err, dir, "cannot put the model in its place");
    snprintf(parent, sizeof parent, "%.*s", name == dir ? 1 : (int)(name - dir), name == dir ? "." : dir);
    IG_TRY(ig_dir_sync(parent, err));
    return replace ? ig_dir_remove(stage, err) : IG_OK;
}

static ig_status write_stage(const char *stage, model_write_fn *write, void *arg, ig_error *err) {
    IG_TRY(ig_dir_remove(stage, err));
    IG_TRY(ig_dir_make(stage, err));
    IG_TRY(write(arg, stage, err));
    return ig_dir_sync(stage, err);
}

ig_status model_make_folder(const char *dir, model_write_fn *write, void *arg, ig_error *err) {
    char stage[IG_PATH_MAX];
    IG_TRY(stage_of(dir, stage, err));
    ig_status s = write_stage(stage, write, arg, err);
    if (s == IG_OK) s = put_in_place(stage, dir, err);
    if (s != IG_OK) ig_dir_remove(stage, NULL);
    return s;
}
