/* cli/verb_rm.c: ingot rm NAME: remove a model and its run, or a feature.
 *
 * Only a folder that holds a model, or a run that has not saved one yet, and nothing else is removed: a wrong path must
 * never cost anybody a folder of other things.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/feature.h"
#include "cli/verb_show.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/limits.h"
#include "models/model_folder.h"

/* What Ingot, and the files of models that are passed around, put into a model's folder. */
static const char *const parts[] = {
    "config.json", "card.json", "tokenizer.json", "run", ".ingot-save", ".ingot-save.tmp", "*.safetensors", "model.gguf", "chat_template.jinja", "modules.json", "sentence_bert_config.json", "*.safetensors.index.json",
    "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
    "encoder.json", "vocab.bpe", "tokenizer.model", "*.bin", "*.h5", "*.msgpack", "README.md", "LICENSE*", ".gitattributes",
};

static bool is_part(const char *name) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (fnmatch(parts[i], name, 0) == 0) return true;
    return false;
}

static bool has(const char *dir, const char *name) {
    char path[IG_PATH_MAX];
    return ig_path_join(path, sizeof path, dir, name, NULL) == IG_OK && ig_path_exists(path);
}

static bool has_model(const char *dir) {
    char path[IG_PATH_MAX];
    return has(dir, "run/recipe.json") || (model_file(dir, "config.json", path, NULL) == IG_OK && ig_path_exists(path));
}

static ig_status check_content(cli *c, const char *dir) {
    char **names = NULL;
    size_t count = 0;
    ig_status s = IG_OK;
    if (!has_model(dir)) return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "%s is no model and was left as it is", "%s 不是模型，未作改动"), dir);
    IG_TRY(ig_dir_list(dir, &names, &count, &c->err));
    for (size_t i = 0; i < count && s == IG_OK; i++)
        if (!is_part(names[i]))
            s = ig_error_set(&c->err, IG_E_ARG, cli_say(c, "%s holds %s, which is no part of a model, and was left as it is", "%s 中有不属于模型的 %s，未作改动"), dir, names[i]);
    ig_names_free(names, count);
    return s;
}

/* 0: yes; else the exit code. */
static int ask(cli *c, const char *what, const char *dir) {
    char size[CLI_WORD_MAX], answer[16] = "";
    if (cli_flag(c, "yes")) return 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return cli_usage(c, "%s", cli_say(c, "nobody is there to ask: add --yes to remove it", "无法询问：请加 --yes 以删除"));
    if (dir) fprintf(stderr, cli_say(c, "remove %s (%s)? [y/N] ", "删除 %s（%s）？[y/N] "), what, cli_word_bytes(cli_folder_bytes(dir), size));
    else fprintf(stderr, cli_say(c, "remove the feature %s and all its versions? [y/N] ", "删除功能 %s 及其全部版本？[y/N] "), what);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y')) return 0;
    fprintf(stderr, "%s\n", cli_say(c, "nothing was removed", "没有删除任何内容"));
    return 1;
}

static int report(cli *c, const char *dir) {
    if (!c->json) {
        printf(cli_say(c, "removed %s\n", "已删除 %s\n"), dir);
        return 0;
    }
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "removed", dir);
    return cli_json_end(c, &j);
}

static int run_rm(cli *c) {
    char dir[IG_PATH_MAX];
    if (cli_is_feature(c, c->arg[0])) {
        int no = ask(c, c->arg[0], NULL);
        return no ? no : cli_remove_feature(c, c->arg[0]);
    }
    ig_status s = cli_model_folder(c, c->arg[0], dir, sizeof dir, &c->err);
    if (s == IG_OK) s = check_content(c, dir);
    if (s != IG_OK) return cli_failed(c, cli_say(c, "ingot ls lists the models", "ingot ls 列出全部模型"));
    int code = ask(c, dir, dir);
    if (code) return code;
    if (ig_dir_remove(dir, &c->err) != IG_OK) return cli_failed(c, cli_say(c, "check the permissions of the folder", "请检查文件夹的权限"));
    return report(c, dir);
}

static const cli_option options[] = {
    {"yes", CLI_FLAG, NULL, "do not ask", "不询问", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_rm = {
    .name = "rm", .args = "NAME",
    .en = "remove a model and its run, or a feature", .zh = "删除模型及其训练记录，或功能",
    .more_en = "A folder that is no model, or holds other things too, is never removed.\n\nexamples:\n  ingot rm shakespeare\n  ingot rm runs/try --yes",
    .more_zh = "不是模型或还含有其他内容的文件夹不会被删除。\n\n示例：\n  ingot rm shakespeare\n  ingot rm runs/try --yes",
    .options = options, .min_args = 1, .max_args = 1, .run = run_rm,
};
