/* cli/workspace.c: where the workspace is, and which folder a model's name means.
 *
 *     WORKSPACE/ingot.yaml     marks it
 *               models/NAME/   config.json, model.safetensors, …
 *               runs/NAME/     logs, checkpoints, charts
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "ingot/limits.h"
#include "models/model_folder.h"

/* Cut the last part of a path off; false at the root. */
static bool go_up(char *path) {
    char *slash = strrchr(path, '/');
    if (!slash || path[1] == '\0') return false;
    slash[slash == path ? 1 : 0] = '\0';
    return true;
}

static bool has_file(const char *dir, const char *name) {
    char path[IG_PATH_MAX];
    return ig_path_join(path, sizeof path, dir, name, NULL) == IG_OK && ig_path_exists(path) && !ig_path_is_dir(path);
}

ig_status cli_workspace(cli *c, char *path, size_t size, bool must, ig_error *err) {
    char here[IG_PATH_MAX];
    if (!getcwd(here, sizeof here)) return ig_error_errno(err, "the current folder");
    snprintf(path, size, "%s", here);
    do {
        if (has_file(path, "ingot.yaml")) return IG_OK;
    } while (go_up(path));
    path[0] = '\0';
    if (!must) return IG_OK;
    return ig_error_set(err, IG_E_NOT_FOUND, cli_say(c, "there is no workspace here: no ingot.yaml in %s or above it",
                                                     "这里没有工作区：%s 及其上级目录中没有 ingot.yaml"), here);
}

/* The model of the workspace whose name is nearest to `name`, into best; "" when none is near. */
static void nearest_model(const char *workspace, const char *name, char *best, size_t size) {
    char dir[IG_PATH_MAX], **names = NULL;
    size_t count = 0;
    int distance = 4;
    best[0] = '\0';
    if (ig_path_join(dir, sizeof dir, workspace, "models", NULL) != IG_OK) return;
    if (ig_dir_list(dir, &names, &count, NULL) != IG_OK) return;
    for (size_t i = 0; i < count; i++) {
        bool begins = strncmp(names[i], name, strlen(name)) == 0;
        int d = begins ? 1 : ig_edit_distance(name, names[i], distance);
        if (d < distance) distance = d, snprintf(best, size, "%s", names[i]);
    }
    ig_names_free(names, count);
}

static ig_status unknown_model(cli *c, const char *workspace, const char *name, ig_error *err) {
    char best[256];
    nearest_model(workspace, name, best, sizeof best);
    if (best[0])
        return ig_error_set(err, IG_E_NOT_FOUND, cli_say(c, "there is no model \"%s\"; did you mean \"%s\"?", "没有模型“%s”；你是指“%s”吗？"), name, best);
    return ig_error_set(err, IG_E_NOT_FOUND, cli_say(c, "there is no model \"%s\" in the workspace %s (ingot ls lists them)",
                                                     "工作区中没有模型“%s”：%s（ingot ls 列出全部模型）"), name, workspace);
}

static bool is_model(const char *dir) {
    char path[IG_PATH_MAX];
    if (model_file(dir, "config.json", path, NULL) == IG_OK && ig_path_exists(path)) return true;
    return ig_path_join(path, sizeof path, dir, "adapter_config.json", NULL) == IG_OK && ig_path_exists(path);
}

ig_status cli_model_folder(cli *c, const char *arg, char *path, size_t size, ig_error *err) {
    char workspace[IG_PATH_MAX], models[IG_PATH_MAX];
    if (!*arg) return ig_error_set(err, IG_E_ARG, "%s", cli_say(c, "the name of the model is empty", "模型名称为空"));
    bool is_path = strchr(arg, '/') || arg[0] == '.' || is_model(arg);
    IG_TRY(cli_workspace(c, workspace, sizeof workspace, false, err));
    if (is_path || !workspace[0]) IG_TRY(ig_path_join(path, size, "", arg, err));
    else {
        IG_TRY(ig_path_join(models, sizeof models, workspace, "models", err));
        IG_TRY(ig_path_join(path, size, models, arg, err));
        if (!ig_path_exists(path)) return unknown_model(c, workspace, arg, err);
    }
    if (!ig_path_exists(path)) return ig_error_set(err, IG_E_NOT_FOUND, cli_say(c, "there is no folder %s", "没有文件夹 %s"), path);
    if (ig_path_is_dir(path)) return IG_OK;
    return ig_error_set(err, IG_E_ARG, cli_say(c, "%s is a file; a model is a folder with config.json and model.safetensors",
                                               "%s 是文件；模型是含有 config.json 和 model.safetensors 的文件夹"), path);
}

ig_status cli_model_path(cli *c, const char *arg, char *path, size_t size, ig_error *err) {
    IG_TRY(cli_model_folder(c, arg, path, size, err));
    if (is_model(path)) return IG_OK;
    return ig_error_set(err, IG_E_NOT_FOUND, cli_say(c, "%s is no model: there is no config.json in it", "%s 不是模型：其中没有 config.json"), path);
}
