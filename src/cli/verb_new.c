/* cli/verb_new.c: ingot new KIND NAME, ingot add NAME, ingot withdraw NAME ITEM, ingot set NAME: a feature and its content.
 *
 * Options come from the kind (feature_options.c): its sources and settings.
 */
#include <string.h>

#include "cli/job.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "server/kind_fields.h"

/* ---- new --------------------------------------------------------------------------------------------------------------- */

static ig_status unknown_kind(cli *c, const char *name) {
    const char *best = NULL;
    int distance = 4;
    ig_buf all = {.max = 4096};
    for (size_t i = 0; cli_kinds[i]; i++) {
        int d = ig_edit_distance(name, cli_kinds[i]->name, distance);
        if (d < distance) distance = d, best = cli_kinds[i]->name;
        ig_buf_printf(&all, "%s%s", i ? ", " : "", cli_kinds[i]->name);
    }
    ig_status s = best ? ig_error_set(&c->err, IG_E_ARG, cli_say(c, "there is no kind \"%s\"; did you mean \"%s\"?", "没有类型“%s”；你是指“%s”吗？"), name, best)
                       : ig_error_set(&c->err, IG_E_ARG, cli_say(c, "there is no kind \"%s\"; there are: %s", "没有类型“%s”；可用的有：%s"), name, all.data ? all.data : "–");
    ig_buf_fini(&all);
    return s;
}

static ig_status extend_new(cli *c) {
    if (c->args == 0) return IG_OK;
    const ig_kind *k = ig_kind_find(cli_kinds, c->arg[0]);
    if (!k) return unknown_kind(c, c->arg[0]);
    return cli_add_fields(c, (const ig_field *const[]){k->source_fields, k->setting_fields}, 2);
}

/* Features and models share their names. */
static ig_status check_name(cli_loop *l, const char *name) {
    char models[IG_PATH_MAX], path[IG_PATH_MAX];
    cli *c = l->c;
    if (strchr(name, '/') || name[0] == '.' || !*name)
        return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "\"%s\" is no name for a feature: it may not be empty, begin with a dot or hold a slash",
                                                       "“%s”不能作为功能名称：不能为空、以点开头或含有斜杠"), name);
    IG_TRY(ig_path_join(models, sizeof models, l->workspace, "models", &c->err));
    IG_TRY(ig_path_join(path, sizeof path, models, name, &c->err));
    if (!ig_path_exists(path)) return IG_OK;
    return ig_error_set(&c->err, IG_E_EXISTS, cli_say(c, "there is a model \"%s\"; features and models share their names", "已有模型“%s”；功能与模型共用名称"), name);
}

static ig_status make_feature(cli_loop *l, const ig_kind *k, ig_buf *out) {
    cli *c = l->c;
    cli_sources sources = {0};
    ig_doc *given = NULL;
    ig_status s = check_name(l, c->arg[1]);
    if (s == IG_OK) s = cli_take_sources(c, k, 2, &sources);
    if (s == IG_OK) s = cli_take_fields(c, k->setting_fields, NULL, NULL, &given);
    if (s == IG_OK) s = ig_loop_new(l->loop, c->arg[1], k->name, ig_doc_root(given), sources.list, sources.count, &l->doing, out, &c->err);
    ig_doc_free(given);
    cli_sources_fini(&sources);
    return s;
}

static ig_status work_new(cli_loop *l, const ig_tree *spec, ig_buf *out, ig_error *err) {
    ig_source *list = NULL;
    size_t count = 0;
    ig_status s = kind_sources(ig_tree_get(spec, "sources"), ig_tree_get(spec, "options"), &list, &count, err);
    if (s == IG_OK)
        s = ig_loop_new(l->loop, ig_tree_text(spec, "feature", ""), ig_tree_text(spec, "kind", ""), ig_tree_get(spec, "settings"), list, count,
                        &l->doing, out, err);
    ig_free(list);
    return s;
}

static const char *new_advice(const cli *c) {
    if (c->err.code == IG_E_NOT_FOUND) return cli_say(c, "ingot init makes a workspace; ingot ls lists what is in it", "ingot init 建立工作区；ingot ls 列出其中内容");
    if (c->err.code == IG_E_EXISTS) return cli_say(c, "choose another name, or remove the other one with ingot rm", "请换一个名称，或用 ingot rm 删除原有的");
    return cli_say(c, "ingot new KIND --help shows what a kind takes", "ingot new KIND --help 显示该类型所需内容");
}

static int run_new(cli *c) {
    cli_loop l;
    const char *job = cli_text(c, "job", NULL);
    ig_buf out = {.max = (size_t)1 << 30};
    if (job) return cli_run_job(c, job, work_new);
    if (c->args < 2) return cli_usage(c, "%s", cli_say(c, "something is missing: ingot new KIND NAME", "缺少参数：ingot new KIND NAME"));
    const ig_kind *k = ig_kind_find(cli_kinds, c->arg[0]);
    if (!k) {
        unknown_kind(c, c->arg[0]);
        return cli_failed(c, new_advice(c));
    }
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = make_feature(&l, k, &out);
    return cli_feature_result(&l, s, &out, cli_print_changes, s == IG_OK ? NULL : new_advice(c));
}

static const cli_option new_options[] = {
    {"job", CLI_TEXT, "ID", "work on a queued job of the server", "处理服务器排队的任务", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_new = {
    .name = "new", .args = "KIND NAME [FILE …]",
    .en = "make a feature from your data", .zh = "用你的数据创建一个功能",
    .more_en = "Reads the data, trains, and goes live.  The options of a kind are shown by: ingot new KIND --help\n\n"
               "examples:\n  ingot new support desk --faq faq.csv --docs help/",
    .more_zh = "读取数据、训练并上线。各类型的选项请看：ingot new KIND --help\n\n示例：\n  ingot new support desk --faq faq.csv --docs help/",
    .options = new_options, .max_args = CLI_ARGS_MAX, .run = run_new, .extend = extend_new,
};

/* ---- add ----------------------------------------------------------------------------------------------------------------- */

static ig_status extend_add(cli *c) {
    if (c->args == 0) return IG_OK;
    const ig_kind *k = cli_kind_of(c, c->arg[0]);
    return k ? cli_add_fields(c, &k->source_fields, 1) : c->err.code;
}

static ig_status add(cli_loop *l, ig_buf *out) {
    cli *c = l->c;
    cli_sources sources = {0};
    const ig_kind *k = cli_kind_of(c, c->arg[0]);
    if (!k) return c->err.code;
    ig_status s = cli_take_sources(c, k, 1, &sources);
    if (s == IG_OK && !sources.count) s = ig_error_set(&c->err, IG_E_ARG, "%s", cli_say(c, "there is nothing to add: name a file", "没有要添加的内容：请给出文件"));
    if (s == IG_OK) s = ig_loop_add(l->loop, c->arg[0], sources.list, sources.count, cli_flag(c, "force"), &l->doing, out, &c->err);
    cli_sources_fini(&sources);
    return s;
}

static int run_add(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = add(&l, &out);
    const char *advice = s == IG_E_STATE ? cli_say(c, "correct the content, or add it all the same with --force", "请修正内容，或用 --force 仍然添加")
                                         : cli_say(c, "ingot add NAME --help shows what the feature takes", "ingot add NAME --help 显示该功能接受的内容");
    return cli_feature_result(&l, s, &out, cli_print_changes, advice);
}

static const cli_option add_options[] = {
    {"force", CLI_FLAG, NULL, "also when answers that are known to be right break", "即使会破坏已知正确的回答也添加", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_add = {
    .name = "add", .args = "NAME [FILE …]",
    .en = "add content to a feature, live at once", .zh = "为功能添加内容，立即生效",
    .more_en = "A file without an option goes to the first source that reads its ending.\n\nexamples:\n  ingot add desk more.csv\n  ingot add desk --faq prices.csv --force",
    .more_zh = "不带选项的文件归入第一个能读取其扩展名的来源。\n\n示例：\n  ingot add desk more.csv\n  ingot add desk --faq prices.csv --force",
    .options = add_options, .min_args = 1, .max_args = CLI_ARGS_MAX, .run = run_add, .extend = extend_add,
};

/* ---- withdraw, set ----------------------------------------------------------------------------------------------------------- */

static int run_withdraw(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_withdraw(l.loop, c->arg[0], c->arg + 1, (size_t)c->args - 1, &l.doing, &out, &c->err);
    return cli_feature_result(&l, s, &out, cli_print_changes, cli_say(c, "ids of items stand in the sources of an answer (--json)", "内容编号见回答的来源（--json）"));
}

const cli_verb cli_verb_withdraw = {
    .name = "withdraw", .args = "NAME ITEM …",
    .en = "take content out of all versions", .zh = "从所有版本中撤回内容",
    .more_en = "From now on no version answers from these items, after a rollback either.\n\nexamples:\n  ingot withdraw desk faq-12",
    .more_zh = "此后任何版本都不再用这些内容回答，回退之后也一样。\n\n示例：\n  ingot withdraw desk faq-12",
    .min_args = 2, .max_args = CLI_ARGS_MAX, .run = run_withdraw,
};

static ig_status extend_set(cli *c) {
    if (c->args == 0) return IG_OK;
    const ig_kind *k = cli_kind_of(c, c->arg[0]);
    return k ? cli_add_fields(c, &k->setting_fields, 1) : c->err.code;
}

static ig_status set(cli_loop *l, ig_buf *out) {
    cli *c = l->c;
    ig_doc *given = NULL;
    const ig_kind *k = cli_kind_of(c, c->arg[0]);
    if (!k) return c->err.code;
    ig_status s = cli_take_fields(c, k->setting_fields, NULL, NULL, &given);
    if (s == IG_OK && !ig_doc_root(given)->count)
        s = ig_error_set(&c->err, IG_E_ARG, "%s", cli_say(c, "there is nothing to set: give an option", "没有要修改的设置：请给出选项"));
    if (s == IG_OK) s = ig_loop_set(l->loop, c->arg[0], ig_doc_root(given), &l->doing, out, &c->err);
    ig_doc_free(given);
    return s;
}

static int run_set(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = set(&l, &out);
    return cli_feature_result(&l, s, &out, cli_print_changes, cli_say(c, "ingot set NAME --help shows the settings", "ingot set NAME --help 显示各项设置"));
}

const cli_verb cli_verb_set = {
    .name = "set", .args = "NAME",
    .en = "change settings of a feature", .zh = "修改功能的设置",
    .more_en = "A new version with the same weights, live at once.  The settings of a feature are shown by: ingot set NAME --help\n\n"
               "examples:\n  ingot set desk --help",
    .more_zh = "以相同权重生成新版本并立即生效。功能的设置请看：ingot set NAME --help\n\n示例：\n  ingot set desk --help",
    .min_args = 1, .max_args = 1, .run = run_set, .extend = extend_set,
};
