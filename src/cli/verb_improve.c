/* cli/verb_improve.c: ingot improve, compare, promote, rollback, share, report, gc: learning, the gate and the way back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/job.h"
#include "cli/verbs.h"

#define DAY_S 86400
#define KEEP 5

static ig_status work_improve(cli_loop *l, const ig_tree *spec, ig_buf *out, ig_error *err) {
    return ig_loop_improve(l->loop, ig_tree_text(spec, "feature", ""), &l->doing, out, err);
}

static const char *list_advice(const cli *c) { return cli_say(c, "ingot show NAME lists the versions of a feature", "ingot show NAME 列出功能的版本"); }

static int run_improve(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    const char *job = cli_text(c, "job", NULL);
    if (job) return cli_run_job(c, job, work_improve);
    if (c->args < 1) return cli_usage(c, "%s", cli_say(c, "something is missing: ingot improve NAME", "缺少参数：ingot improve NAME"));
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_improve(l.loop, c->arg[0], &l.doing, &out, &c->err);
    return cli_feature_result(&l, s, &out, cli_print_version, cli_say(c, "nothing was changed; ingot report NAME shows what was said", "没有作任何改动；ingot report NAME 显示收到的反馈"));
}

static const cli_option improve_options[] = {
    {"job", CLI_TEXT, "ID", "work on a queued job of the server", "处理服务器排队的任务", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_improve = {
    .name = "improve", .args = "NAME",
    .en = "learn from feedback: a candidate, measured", .zh = "从反馈中学习：得到经过测量的候选版本",
    .more_en = "Nothing goes live: ingot promote NAME does that.\n\nexamples:\n  ingot improve desk", .more_zh = "不会自动上线：请用 ingot promote NAME。\n\n示例：\n  ingot improve desk",
    .options = improve_options, .max_args = 1, .run = run_improve,
};

/* ---- versions ---------------------------------------------------------------------------------------------------------------- */

/* Argument i as the number of a version; 0, or the exit code after a message. */
static int take_version(cli *c, int i, int64_t *out) {
    char *end = NULL;
    errno = 0;
    *out = strtoll(c->arg[i], &end, 10);
    if (!errno && end != c->arg[i] && !*end && *out >= 1) return 0;
    return cli_usage(c, cli_say(c, "\"%s\" is no number of a version", "“%s”不是版本号"), c->arg[i]);
}

static int run_compare(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    int64_t from, to;
    int bad = take_version(c, 1, &from);
    if (!bad) bad = take_version(c, 2, &to);
    if (bad) return bad;
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_compare(l.loop, c->arg[0], from, to, &out, &c->err);
    return cli_feature_result(&l, s, &out, cli_print_comparison, list_advice(c));
}

const cli_verb cli_verb_compare = {
    .name = "compare", .args = "NAME FROM TO",
    .en = "measure a version beside another", .zh = "对比两个版本",
    .more_en = "Asks both all held-out questions: what is fixed, broken, changed.\n\nexamples:\n  ingot compare desk 1 2",
    .more_zh = "向两个版本提出全部留出问题：列出修正、变坏与改变的回答。\n\n示例：\n  ingot compare desk 1 2",
    .min_args = 3, .max_args = 3, .run = run_compare,
};

static int run_promote(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    int64_t version = 0;
    int bad = c->args > 1 ? take_version(c, 1, &version) : 0;
    if (bad) return bad;
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_promote(l.loop, c->arg[0], version, cli_flag(c, "force"), &l.doing, &out, &c->err);
    return cli_feature_result(&l, s, &out, cli_print_changes, s == IG_E_STATE ? cli_say(c, "ingot compare shows why; --force goes on all the same", "ingot compare 说明原因；--force 仍然上线")
                                                                              : list_advice(c));
}

static const cli_option promote_options[] = {
    {"force", CLI_FLAG, NULL, "also when the gate says that it is worse", "即使评测认为更差也上线", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_promote = {
    .name = "promote", .args = "NAME [VERSION]",
    .en = "put a version live", .zh = "上线一个版本",
    .more_en = "Without VERSION: the newest candidate.\n\nexamples:\n  ingot promote desk\n  ingot promote desk 2", .more_zh = "不给 VERSION 时为最新的候选版本。\n\n示例：\n  ingot promote desk\n  ingot promote desk 2",
    .options = promote_options, .min_args = 1, .max_args = 2, .run = run_promote,
};

static int run_rollback(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_rollback(l.loop, c->arg[0], &l.doing, &out, &c->err);
    return cli_feature_result(&l, s, &out, cli_print_changes, list_advice(c));
}

const cli_verb cli_verb_rollback = {
    .name = "rollback", .args = "NAME",
    .en = "go back to the version that was live before", .zh = "回退到之前的在线版本",
    .more_en = "examples:\n  ingot rollback desk", .more_zh = "示例：\n  ingot rollback desk",
    .min_args = 1, .max_args = 1, .run = run_rollback,
};

static int run_share(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    int64_t version;
    char *end = NULL;
    int bad = take_version(c, 1, &version);
    double percent = strtod(c->arg[2], &end);
    if (bad) return bad;
    if (end == c->arg[2] || (*end && strcmp(end, "%") != 0) || !(percent >= 0 && percent <= 100))
        return cli_usage(c, cli_say(c, "\"%s\" is no share between 0 and 100 %%", "“%s”不是 0 到 100%% 之间的比例"), c->arg[2]);
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_share(l.loop, c->arg[0], version, percent / 100, &l.doing, &out, &c->err);
    return cli_feature_result(&l, s, &out, cli_print_changes, list_advice(c));
}

const cli_verb cli_verb_share = {
    .name = "share", .args = "NAME VERSION PERCENT",
    .en = "let a candidate answer part of the questions", .zh = "让候选版本回答一部分问题",
    .more_en = "examples:\n  ingot share desk 4 10%", .more_zh = "示例：\n  ingot share desk 4 10%",
    .min_args = 3, .max_args = 3, .run = run_share,
};

/* ---- report, gc ---------------------------------------------------------------------------------------------------------------- */

static int run_report(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    int64_t since = ig_unix_time() - cli_int(c, "days", 30) * DAY_S;
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_report(l.loop, c->arg[0], since, &out, &c->err);
    return cli_feature_result(&l, s, &out, cli_print_report, cli_say(c, "ingot ls lists the features", "ingot ls 列出功能"));
}

static const cli_option report_options[] = {
    {"days", CLI_INT, "N", "of the last N days (default 30)", "最近 N 天（默认 30）", 1, 36500},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_report = {
    .name = "report", .args = "NAME",
    .en = "how a feature does: asked, liked, not known", .zh = "功能的表现：提问、好评、未知",
    .more_en = "examples:\n  ingot report desk --days 7", .more_zh = "示例：\n  ingot report desk --days 7",
    .options = report_options, .min_args = 1, .max_args = 1, .run = run_report,
};

static int run_gc(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ig_loop_gc(l.loop, c->arg[0], cli_int(c, "keep", KEEP), &l.doing, &out, &c->err);
    return cli_feature_result(&l, s, &out, cli_print_changes, list_advice(c));
}

static const cli_option gc_options[] = {
    {"keep", CLI_INT, "N", "the N newest versions stay (default 5)", "保留最新的 N 个版本（默认 5）", 0, 1e6},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_gc = {
    .name = "gc", .args = "NAME",
    .en = "remove old versions of a feature", .zh = "删除功能的旧版本",
    .more_en = "The live version, the candidate and the newest ones stay.\n\nexamples:\n  ingot gc desk --keep 3",
    .more_zh = "保留在线版本、候选版本与最新的若干版本。\n\n示例：\n  ingot gc desk --keep 3",
    .options = gc_options, .min_args = 1, .max_args = 1, .run = run_gc,
};
