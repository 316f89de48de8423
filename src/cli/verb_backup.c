/* cli/verb_backup.c: ingot backup and ingot restore: the store of the workspace as one file, and back. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "cli/words.h"
#include "cli/workspace_store.h"

static int report(cli *c, const char *what, const char *path) {
    char size[CLI_WORD_MAX];
    struct stat st;
    uint64_t bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    bool backup = strcmp(what, "backup") == 0;
    if (c->json) {
        ig_buf out = {0};
        ig_json j = cli_json_begin(&out);
        cli_json_pair_text(&j, what, path);
        cli_json_pair_int(&j, "bytes", (int64_t)bytes);
        return cli_json_end(c, &j);
    }
    if (backup) printf(cli_say(c, "wrote %s (%s)\n", "已写入 %s（%s）\n"), path, cli_word_bytes(bytes, size));
    else printf(cli_say(c, "restored %s (%s); what was there before is store/store.db.before-restore\n",
                        "已恢复 %s（%s）；原有数据保存为 store/store.db.before-restore\n"), path, cli_word_bytes(bytes, size));
    return 0;
}

static int run_backup(cli *c) {
    ig_store *s = NULL;
    ig_status status = cli_store(c, &s);
    if (status == IG_OK) status = ig_store_backup(s, c->arg[0], &c->err);
    ig_store_close(s);
    if (status != IG_OK)
        return cli_failed(c, cli_say(c, "name a file in a folder that can be written, with room for it",
                                     "请给出可写且空间足够的文件夹中的文件名"));
    return report(c, "backup", c->arg[0]);
}

const cli_verb cli_verb_backup = {
    .name = "backup", .args = "FILE",
    .en = "save keys, files, jobs and the audit into one file", .zh = "将密钥、文件、任务与审计记录保存为一个文件",
    .more_en = "The server may go on meanwhile.  FILE is replaced when the backup is complete, not before.  Models and runs are\n"
               "folders and are not in it.  Keep it as safe as the workspace itself.\n\nexamples:\n  ingot backup /mnt/usb/ingot.backup",
    .more_zh = "备份期间服务器可以继续运行。备份完成后才会替换 FILE。模型与训练记录是文件夹，不包含在内。\n"
               "请像保护工作区一样保管备份。\n\n示例：\n  ingot backup /mnt/usb/ingot.backup",
    .min_args = 1, .max_args = 1, .run = run_backup,
};

/* 0: yes; else the exit code. */
static int ask(cli *c, const char *folder) {
    char answer[16] = "", db[IG_PATH_MAX];
    bool replaces = ig_path_join(db, sizeof db, folder, "store.db", NULL) == IG_OK && ig_path_exists(db);
    if (!replaces || cli_flag(c, "yes")) return 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return cli_usage(c, "%s", cli_say(c, "nobody is there to ask: add --yes to replace what the workspace has",
                                          "无法询问：请加 --yes 以替换工作区现有数据"));
    fprintf(stderr, cli_say(c, "replace %s by the backup? [y/N] ", "用备份替换 %s？[y/N] "), db);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y')) return 0;
    fprintf(stderr, "%s\n", cli_say(c, "nothing was changed", "未作改动"));
    return 1;
}

static int run_restore(cli *c) {
    char folder[IG_PATH_MAX];
    if (cli_store_folder(c, folder, sizeof folder, &c->err) != IG_OK)
        return cli_failed(c, cli_say(c, "ingot init makes a workspace", "ingot init 建立工作区"));
    int code = ask(c, folder);
    if (code) return code;
    if (ig_store_restore(folder, c->arg[0], &c->err) != IG_OK)
        return cli_failed(c, cli_say(c, "FILE is what ingot backup FILE wrote; nothing else may use the workspace meanwhile",
                                     "FILE 应为 ingot backup FILE 写出的文件；恢复期间不能有其他程序使用工作区"));
    return report(c, "restored", c->arg[0]);
}

static const cli_option restore_options[] = {
    {"yes", CLI_FLAG, NULL, "do not ask", "不询问", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_restore = {
    .name = "restore", .args = "FILE",
    .en = "bring back what ingot backup saved", .zh = "恢复 ingot backup 保存的数据",
    .more_en = "Stop the server first.  The backup is checked before anything is changed, and what was there is kept beside it.\n\n"
               "examples:\n  ingot restore /mnt/usb/ingot.backup\n  ingot restore /mnt/usb/ingot.backup --yes",
    .more_zh = "请先停止服务器。改动之前会检查备份，原有数据会保留在旁边。\n\n"
               "示例：\n  ingot restore /mnt/usb/ingot.backup\n  ingot restore /mnt/usb/ingot.backup --yes",
    .options = restore_options, .min_args = 1, .max_args = 1, .run = run_restore,
};
