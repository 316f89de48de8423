/* cli/verb_train.c: ingot train RECIPE.yaml. */
#include <string.h>
#include <unistd.h>

#include "cli/feature.h"
#include "cli/verb_train.h"
#include "cli/verbs.h"
#include "ingot/fit.h"

/* The path from the current folder when it leads down, else as it is. */
static void shorten(char *path, size_t size, const char *full) {
    char here[IG_PATH_MAX];
    size_t len = getcwd(here, sizeof here) ? strlen(here) : 0;
    bool below = len > 1 && strncmp(full, here, len) == 0 && full[len] == '/';
    snprintf(path, size, "%s", below ? full + len + 1 : full);
}

/* A recipe's name is for people; only some are names of folders. */
static ig_status check_name(cli *c, const char *name) {
    if (*name && *name != '.' && !strchr(name, '/')) return IG_OK;
    return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "the recipe's name \"%s\" is no name for a folder; give one with --out DIR",
                                                   "配方名称“%s”不能作文件夹名；请用 --out DIR 指定"), name);
}

/* --out, else models/NAME of the workspace, else runs/NAME here. */
ig_status cli_train_choose_out(cli_train *t, const char *name) {
    cli *c = t->c;
    char workspace[IG_PATH_MAX], models[IG_PATH_MAX];
    const char *out = cli_text(c, "out", NULL);
    if (out && !*out) return ig_error_set(&c->err, IG_E_ARG, "%s", cli_say(c, "--out is empty", "--out 为空"));
    IG_TRY(cli_workspace(c, workspace, sizeof workspace, false, &c->err));
    if (!out) IG_TRY(check_name(c, name));
    t->in_workspace = !out && workspace[0];
    if (t->in_workspace) {
        if (cli_is_feature(c, name))
            return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "there is a feature \"%s\"; features and models share their names: use --out or another name",
                                                           "已有功能“%s”；功能与模型共用名称：请用 --out 或换名"), name);
        IG_TRY(ig_path_join(models, sizeof models, workspace, "models", &c->err));
        IG_TRY(ig_path_join(t->out, sizeof t->out, models, name, &c->err));
    } else if (out) IG_TRY(ig_path_join(t->out, sizeof t->out, "", out, &c->err));
    else IG_TRY(ig_path_join(t->out, sizeof t->out, "runs", name, &c->err));
    shorten(t->shown, sizeof t->shown, t->out);
    return IG_OK;
}

static int check_overrides(cli *c) {
    for (int i = 0; cli_nth(c, "set", i); i++)
        if (!strchr(cli_nth(c, "set", i), '='))
            return cli_usage(c, cli_say(c, "--set needs path=value, for example --set train.steps=100, not \"%s\"",
                                        "--set 需要 path=value，例如 --set train.steps=100，而不是“%s”"), cli_nth(c, "set", i));
    return 0;
}

/* model.from is a path from the recipe's folder, else a name in the workspace. */
static ig_status find_base(cli_train *t) {
    cli *c = t->c;
    char path[IG_PATH_MAX];
    const ig_tree *from = ig_tree_path(ig_doc_root(t->recipe->doc), "model.from");
    if (!from || ig_path_is_dir(t->recipe->model.from) || strchr(from->text, '/')) return IG_OK;
    if (cli_model_path(c, from->text, path, sizeof path, &c->err) != IG_OK) return c->err.code;
    char *copy = ig_strdup(path);
    if (!copy) return ig_error_nomem(&c->err, sizeof path);
    ig_free(t->recipe->model.from);
    t->recipe->model.from = copy;
    return IG_OK;
}

static size_t overrides(cli *c, const char *set[CLI_ARGS_MAX]) {
    size_t count = 0;
    for (const char *s; (s = cli_nth(c, "set", (int)count));) set[count++] = s;
    return count;
}

static ig_status load_recipe(cli_train *t) {
    cli *c = t->c;
    const char *set[CLI_ARGS_MAX];
    size_t count = overrides(c, set);
    if (ig_path_is_dir(c->arg[0]))
        return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "%s is a folder; a recipe is a YAML file", "%s 是文件夹；配方是 YAML 文件"), c->arg[0]);
    IG_TRY(cli_context(c));
    IG_TRY(ig_recipe_load(c->ctx, c->arg[0], set, count, &t->recipe, &c->err));
    return find_base(t);
}

static int failed_to_load(cli *c) {
    if (c->err.code == IG_E_NOT_FOUND)
        return cli_failed(c, cli_say(c, "give the path of a recipe: ingot train RECIPE.yaml", "请给出配方的路径：ingot train RECIPE.yaml"));
    return cli_failed(c, cli_say(c, "correct the recipe or the --set options and start again; docs/RECIPES.md describes every key",
                                 "请修正配方或 --set 选项后重试；docs/RECIPES.md 说明了每个键"));
}

/* What to do next about a run that failed. */
static const char *advice(const cli *c) {
    switch (c->err.code) {
    case IG_E_EXISTS:
    case IG_E_STATE:
        return cli_say(c, "--resume goes on with an earlier run, --overwrite starts anew, --out DIR writes elsewhere",
                       "--resume 继续先前的训练，--overwrite 重新开始，--out DIR 写到别处");
    case IG_E_NUMERIC:
        return cli_say(c, "try a lower optimiser.lr, a longer schedule.warmup or optimiser.clip_norm, with --set and --overwrite",
                       "请用 --set 与 --overwrite 降低 optimiser.lr、延长 schedule.warmup 或设置 optimiser.clip_norm");
    case IG_E_IO: return cli_say(c, "make room or mend the disk, then the same command with --resume goes on", "请腾出或修复磁盘，再用同一命令加 --resume 继续");
    case IG_E_LIMIT:
    case IG_E_NOMEM:
        return cli_say(c, "use a smaller train.batch (and train.accumulate), or train.recompute: true", "请减小 train.batch（并用 train.accumulate），或设 train.recompute: true");
    case IG_E_NOT_FOUND: return cli_say(c, "correct the path in the recipe; paths there are relative to its file", "请修正配方中的路径；路径相对于配方文件所在文件夹");
    default: return cli_say(c, "ingot train RECIPE --check tells what a run will take", "ingot train RECIPE --check 说明训练所需的资源");
    }
}

static int check(cli_train *t) {
    ig_train_report r = {0};
    if (ig_train_check(t->c->ctx, t->recipe, &r, &t->c->err) != IG_OK) return cli_failed(t->c, advice(t->c));
    return cli_train_report_check(t, &r);
}

static int train(cli_train *t) {
    cli *c = t->c;
    ig_train_result r = {0};
    ig_train_opts o = {.resume = cli_flag(c, "resume"), .overwrite = cli_flag(c, "overwrite"), .has_seed = c->has_seed, .seed = c->seed,
                       .progress = cli_train_event, .arg = t, .cancel = &cli_interrupted};
    cli_catch_interrupt();
    cli_progress_begin(&t->progress, c);
    ig_status s = ig_train_run(c->ctx, t->recipe, t->out, &o, &r, &c->err);
    cli_progress_clear(&t->progress);
    if (s == IG_E_CANCELLED) return cli_train_report_stopped(t, &r);
    return s == IG_OK ? cli_train_report_done(t, &r) : cli_failed(c, advice(c));
}

static int run_train(cli *c) {
    cli_train t = {.c = c};
    int bad = check_overrides(c);
    if (bad) return bad;
    if (cli_flag(c, "resume") && cli_flag(c, "overwrite"))
        return cli_usage(c, "%s", cli_say(c, "--resume and --overwrite exclude each other", "--resume 与 --overwrite 不能同时使用"));
    if (cli_enter(c) == IG_OK && ig_fit_recipe_is(c->arg[0])) {
        const char *set[CLI_ARGS_MAX];
        size_t count = overrides(c, set);
        return cli_train_fit(&t, set, count);
    }
    if (load_recipe(&t) != IG_OK) {
        ig_recipe_free(t.recipe);
        return failed_to_load(c);
    }
    int code = cli_train_choose_out(&t, t.recipe->name) != IG_OK ? cli_failed(c, NULL) : cli_flag(c, "check") ? check(&t) : train(&t);
    ig_recipe_free(t.recipe);
    return code;
}

static const cli_option options[] = {
    {"out", CLI_TEXT, "DIR", "folder of the model (default: models/NAME of the workspace, else runs/NAME)", "模型文件夹（默认：工作区的 models/NAME，否则 runs/NAME）", 0, 0},
    {"resume", CLI_FLAG, NULL, "go on from the newest checkpoint", "从最新的检查点继续", 0, 0},
    {"overwrite", CLI_FLAG, NULL, "remove an earlier run in the same folder first", "先删除同一文件夹中先前的训练", 0, 0},
    {"check", CLI_FLAG, NULL, "only tell parameters, memory and time", "只说明参数量、内存与时间", 0, 0},
    {"set", CLI_TEXT, "PATH=VALUE", "change the recipe for this run; may be repeated", "为本次训练修改配方；可重复给出", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_train = {
    .name = "train", .args = "RECIPE.yaml",
    .en = "train a model as a recipe says", .zh = "按配方训练模型",
    .more_en = "Ctrl-C stops after the current step, saves, and prints the command that goes on.\n\n"
               "examples:\n  ingot train recipes/shakespeare.yaml\n  ingot train recipe.yaml --check\n"
               "  ingot train recipe.yaml --set train.steps=200 --set optimiser.lr=3e-4 --out /tmp/try\n  ingot train recipe.yaml --resume",
    .more_zh = "按 Ctrl-C 会在当前步骤后停止并保存，并给出继续训练的命令。\n\n"
               "示例：\n  ingot train recipes/shakespeare.yaml\n  ingot train recipe.yaml --check\n"
               "  ingot train recipe.yaml --set train.steps=200 --set optimiser.lr=3e-4 --out /tmp/try\n  ingot train recipe.yaml --resume",
    .options = options, .min_args = 1, .max_args = 1, .run = run_train,
};
