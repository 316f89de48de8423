/* cli/verb_init.c: ingot init [DIR]: make a workspace. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/limits.h"

static const char marker[] =
    "# This file marks an Ingot workspace: commands that are started in this folder or below it find it.\n"
    "# 这个文件标记一个 Ingot 工作区：在此文件夹及其子文件夹中启动的命令都会找到它。\n"
    "#\n"
    "#   models/   a folder per model\n"
    "#   runs/     logs, checkpoints and charts of training\n"
    "#   store/    keys, files, jobs and the audit, from their first use on; ingot backup saves it\n"
    "ingot: 1\n";

static ig_status make_workspace(const char *dir, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, dir, "models", err));
    IG_TRY(ig_dir_make(path, err));
    IG_TRY(ig_path_join(path, sizeof path, dir, "runs", err));
    IG_TRY(ig_dir_make(path, err));
    IG_TRY(ig_path_join(path, sizeof path, dir, "ingot.yaml", err));
    if (ig_path_exists(path)) return IG_OK;
    return ig_file_write(path, marker, sizeof marker - 1, err);
}

static int report(cli *c, const char *dir, bool was_there) {
    if (c->json) {
        ig_buf out = {0};
        ig_json j = cli_json_begin(&out);
        cli_json_pair_text(&j, "workspace", dir);
        ig_json_key(&j, "created"), ig_json_bool(&j, !was_there);
        return cli_json_end(c, &j);
    }
    if (was_there) printf(cli_say(c, "%s is a workspace already; nothing was changed\n", "%s 已经是工作区，未作改动\n"), dir);
    else printf(cli_say(c, "made the workspace %s: ingot.yaml, models/, runs/\nnext: ingot train RECIPE.yaml\n",
                        "已建立工作区 %s：ingot.yaml、models/、runs/\n下一步：ingot train RECIPE.yaml\n"), dir);
    return 0;
}

static int run_init(cli *c) {
    char path[IG_PATH_MAX];
    const char *dir = c->args > 0 ? c->arg[0] : ".";
    bool was_there = ig_path_join(path, sizeof path, dir, "ingot.yaml", NULL) == IG_OK && ig_path_exists(path);
    ig_status s = *dir ? make_workspace(dir, &c->err) : ig_error_set(&c->err, IG_E_ARG, "the name of the folder is empty");
    if (s != IG_OK) return cli_failed(c, cli_say(c, "name a folder that can be written: ingot init DIR", "请给出可写的文件夹：ingot init DIR"));
    char *full = realpath(dir, NULL);
    int code = report(c, full ? full : dir, was_there);
    free(full);
    return code;
}

const cli_verb cli_verb_init = {
    .name = "init", .args = "[DIR]",
    .en = "make a workspace: the folder of your models and runs", .zh = "建立工作区：存放模型与训练记录的文件夹",
    .more_en = "DIR is the current folder unless it is given.  What is there already stays as it is.\n\n"
               "examples:\n  ingot init\n  ingot init my-project",
    .more_zh = "不给出 DIR 时用当前文件夹；其中已有的内容保持不变。\n\n示例：\n  ingot init\n  ingot init my-project",
    .max_args = 1, .run = run_init,
};
