/* cli/feature_words.c: results of the loop (docs/LOOP.md has their JSON) for people, in their language. */
#include <string.h>
#include <time.h>

#include "cli/feature.h"
#include "cli/words.h"

#define LISTED_MAX 10

int cli_feature_result(cli_loop *l, ig_status s, ig_buf *out, cli_print_fn *print, const char *advice) {
    cli *c = l->c;
    ig_doc *d = NULL;
    cli_loop_close(l);
    if (s == IG_OK) s = ig_buf_status(out, &c->err);
    bool told = s == IG_OK || (s == IG_E_STATE && out->len > 0); /* a refusal lists its reasons */
    if (told && ig_json_parse("result", out->data ? out->data : "", out->len, &d, s == IG_OK ? &c->err : NULL) != IG_OK && s == IG_OK) s = c->err.code;
    if (d && c->json && s == IG_OK) printf("%s\n", out->data);
    else if (d && print && !c->json) print(c, ig_doc_root(d));
    ig_doc_free(d);
    ig_buf_fini(out);
    if (s == IG_OK) return 0;
    if (s == IG_E_CANCELLED && cli_interrupted) {
        fprintf(stderr, "%s\n", cli_say(c, "ingot: stopped; nothing was changed", "ingot：已停止；没有作任何改动"));
        return 130;
    }
    return cli_failed(c, advice);
}

const char *cli_words(const cli *c, const ig_tree *t) {
    if (t && t->type == IG_TREE_TEXT) return t->text;
    const char *en = ig_tree_text(t, "en", "");
    return c->chinese ? ig_tree_text(t, "zh", en) : en;
}

/* ---- small parts ---------------------------------------------------------------------------------------------------------- */

/* A map with one text is that text; anything else its JSON. */
void cli_print_value(const ig_tree *t) {
    ig_buf b = {.max = 4096};
    ig_json j = {.out = &b};
    if (!t || t->type == IG_TREE_NULL) printf("–");
    else if (t->type == IG_TREE_TEXT) printf("%s", t->text);
    else if (t->type == IG_TREE_MAP && t->count == 1 && t->child->type == IG_TREE_TEXT) printf("%s", t->child->text);
    else {
        ig_json_tree(&j, t);
        printf("%s", b.status == IG_OK && b.data ? b.data : "…");
    }
    ig_buf_fini(&b);
}

static void print_interval(const ig_tree *t, bool sign) {
    if (!t || t->type != IG_TREE_MAP) printf("%-24s", "–");
    else {
        char text[64];
        snprintf(text, sizeof text, sign ? "%+.3f (%+.3f … %+.3f)" : "%.3f (%.3f … %.3f)", ig_tree_real(t, "mean", 0), ig_tree_real(t, "lo", 0),
                 ig_tree_real(t, "hi", 0));
        printf("%-24s", text);
    }
}

static const char *date(int64_t at, char buf[CLI_WORD_MAX]) {
    time_t when = (time_t)at;
    struct tm tm;
    snprintf(buf, CLI_WORD_MAX, "–");
    if (at && localtime_r(&when, &tm)) strftime(buf, CLI_WORD_MAX, "%Y-%m-%d %H:%M", &tm);
    return buf;
}

/* ---- content ---------------------------------------------------------------------------------------------------------------- */

/* "bad": [{"file", "line", "message"}] and the like. */
static void print_rows(const cli *c, const char *title, const ig_tree *list) {
    if (!list || list->type != IG_TREE_LIST || !list->count) return;
    printf("%s (%zu)\n", title, list->count);
    int shown = 0;
    for (const ig_tree *v = list->child; v && shown < LISTED_MAX; v = v->next, shown++) {
        const char *file = ig_tree_text(v, "file", NULL);
        printf("  ");
        if (file) printf("%s:%lld: ", file, (long long)ig_tree_int(v, "line", 0));
        if (v->type == IG_TREE_MAP && ig_tree_get(v, "message")) printf("%s\n", ig_tree_text(v, "message", ""));
        else cli_print_value(v), printf("\n");
    }
    if (list->count > LISTED_MAX) printf(cli_say(c, "  … and %zu more (--json has all)\n", "  …… 另有 %zu 项（--json 列出全部）\n"), list->count - LISTED_MAX);
}

/* Every number of the result by its name, then its lists: what was added, changed, refused. */
void cli_print_changes(cli *c, const ig_tree *t) {
    for (const ig_tree *v = t->child; v; v = v->next) {
        if (v->type == IG_TREE_INT) printf("%-14s %lld\n", v->key, (long long)v->integer);
        else if (v->type == IG_TREE_TEXT) printf("%-14s %s\n", v->key, v->text);
    }
    for (const ig_tree *v = t->child; v; v = v->next)
        if (v->type == IG_TREE_LIST && strcmp(v->key, "versions") != 0 && strcmp(v->key, "next") != 0) print_rows(c, v->key, v);
    const ig_tree *next = ig_tree_get(t, "next");
    for (const ig_tree *v = next && next->type == IG_TREE_LIST ? next->child : NULL; v; v = v->next)
        printf(cli_say(c, "next: ingot %s: %s\n", "下一步：ingot %s：%s\n"), ig_tree_text(v, "verb", ""), cli_words(c, ig_tree_get(v, "why")));
}

/* ---- versions and comparisons ---------------------------------------------------------------------------------------------------- */

static void print_metrics(const ig_tree *metrics) {
    for (const ig_tree *m = metrics && metrics->type == IG_TREE_MAP ? metrics->child : NULL; m; m = m->next) {
        printf("  %s ", m->key);
        print_interval(m, false);
    }
}

static void print_voices(const cli *c, const ig_tree *list) {
    for (const ig_tree *v = list && list->type == IG_TREE_LIST ? list->child : NULL; v; v = v->next)
        printf(cli_say(c, "  voice %.12s weighs %.2f: %s\n", "  声音 %.12s 的权重为 %.2f：%s\n"), ig_tree_text(v, "voice", ""), ig_tree_real(v, "weight", 0),
               cli_words(c, ig_tree_get(v, "why")));
}

void cli_print_version(cli *c, const ig_tree *t) {
    const ig_tree *whole = ig_tree_get(t, "version"), *v = whole && whole->type == IG_TREE_MAP ? whole : t, *learned = ig_tree_get(v, "learned");
    char when[CLI_WORD_MAX];
    printf(cli_say(c, "version %lld  %s  %s  %s", "版本 %lld  %s  %s  %s"), (long long)ig_tree_int(v, "number", 0), ig_tree_text(v, "status", ""),
           ig_tree_text(v, "reason", ""), date(ig_tree_int(v, "created_at", 0), when));
    print_metrics(ig_tree_get(v, "metrics"));
    printf("\n");
    if (learned && learned->type == IG_TREE_MAP) {
        printf(cli_say(c, "  learned from %lld cases, %lld pieces of feedback\n", "  学习了 %lld 个样例、%lld 条反馈\n"), (long long)ig_tree_int(learned, "cases", 0),
               (long long)ig_tree_int(learned, "feedback", 0));
        print_voices(c, ig_tree_get(learned, "voices_down"));
    }
    const ig_tree *comparison = ig_tree_get(v, "comparison");
    if (comparison && comparison->type == IG_TREE_MAP) cli_print_comparison(c, comparison);
}

static void print_cases(const cli *c, const char *title, const ig_tree *list, int64_t all) {
    int shown = 0;
    if (!list || list->type != IG_TREE_LIST || !list->count) return;
    printf("\n%s (%lld)\n", title, (long long)all);
    for (const ig_tree *v = list->child; v && shown < LISTED_MAX; v = v->next, shown++) {
        printf("  ? "), cli_print_value(ig_tree_get(v, "request"));
        printf("\n    - "), cli_print_value(ig_tree_get(v, "from"));
        printf("\n    + "), cli_print_value(ig_tree_get(v, "to"));
        printf("\n");
    }
    if (all > LISTED_MAX) printf(cli_say(c, "  … and %lld more (--json has up to 100)\n", "  …… 另有 %lld 项（--json 最多列出 100 项）\n"), (long long)all - LISTED_MAX);
}

static const char *verdict(const cli *c, const char *name) {
    static const char *const words[][3] = {{"better", "better", "更好"}, {"no_worse", "no worse", "不差"}, {"worse", "worse", "更差"},
                                           {"too_little", "too little to tell", "样本不足"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], name) == 0) return cli_say(c, words[i][1], words[i][2]);
    return name;
}

void cli_print_comparison(cli *c, const ig_tree *t) {
    const ig_tree *counts = ig_tree_get(t, "counts"), *metrics = ig_tree_get(t, "metrics");
    printf(cli_say(c, "%s: version %lld beside %lld: %s\n", "%s：版本 %lld 对比 %lld：%s\n"), ig_tree_text(t, "feature", ""), (long long)ig_tree_int(t, "to", 0),
           (long long)ig_tree_int(t, "from", 0), verdict(c, ig_tree_text(t, "verdict", "?")));
    printf("  %s\n", cli_words(c, ig_tree_get(t, "why")));
    printf(cli_say(c, "  %lld held-out questions: %lld fixed, %lld broken, %lld changed, %lld the same\n",
                   "  %lld 个留出问题：修正 %lld，变坏 %lld，改变 %lld，相同 %lld\n"), (long long)ig_tree_int(t, "held_out", 0), (long long)ig_tree_int(counts, "fixed", 0),
           (long long)ig_tree_int(counts, "broken", 0), (long long)ig_tree_int(counts, "changed", 0), (long long)ig_tree_int(counts, "same", 0));
    for (const ig_tree *m = metrics && metrics->type == IG_TREE_LIST ? metrics->child : NULL; m; m = m->next) {
        printf("  %-14s ", ig_tree_text(m, "name", ""));
        print_interval(ig_tree_get(m, "from"), false), printf(" → ");
        print_interval(ig_tree_get(m, "to"), false), printf("  ");
        print_interval(ig_tree_get(m, "difference"), true), printf("\n");
    }
    print_cases(c, cli_say(c, "fixed", "修正"), ig_tree_get(t, "fixed"), ig_tree_int(counts, "fixed", 0));
    print_cases(c, cli_say(c, "broken", "变坏"), ig_tree_get(t, "broken"), ig_tree_int(counts, "broken", 0));
    print_cases(c, cli_say(c, "changed, not yet judged", "已改变，尚未判断"), ig_tree_get(t, "changed"), ig_tree_int(counts, "changed", 0));
}

/* ---- a feature ------------------------------------------------------------------------------------------------------------------- */

static void print_next(const cli *c, const ig_tree *t) {
    const ig_tree *list = ig_tree_get(t, "next");
    for (const ig_tree *v = list && list->type == IG_TREE_LIST ? list->child : NULL; v; v = v->next)
        printf(cli_say(c, "next: ingot %s %s (%s)\n", "下一步：ingot %s %s（%s）\n"), ig_tree_text(v, "verb", ""), ig_tree_text(t, "name", ""),
               cli_words(c, ig_tree_get(v, "why")));
}

void cli_print_feature(cli *c, const ig_tree *t) {
    const ig_tree *week = ig_tree_get(t, "week"), *versions = ig_tree_get(t, "versions");
    int shown = 0;
    printf(cli_say(c, "%s (%s)  live: version %lld", "%s（%s）  在线版本：%lld"), ig_tree_text(t, "name", ""), ig_tree_text(t, "kind", ""),
           (long long)ig_tree_int(t, "live", 0));
    if (ig_tree_int(t, "candidate", 0))
        printf(cli_say(c, ", candidate: %lld for %.0f %%", "，候选：%lld（%.0f %%）"), (long long)ig_tree_int(t, "candidate", 0), 100 * ig_tree_real(t, "share", 0));
    printf(cli_say(c, "\n  %lld items, %lld withdrawn\n", "\n  %lld 项内容，%lld 项已撤回\n"), (long long)ig_tree_int(t, "items", 0), (long long)ig_tree_int(t, "withdrawn", 0));
    if (week && week->type == IG_TREE_MAP)
        printf(cli_say(c, "  this week: %lld asked, %lld not known, %lld liked, %lld disliked\n", "  本周：提问 %lld，未知 %lld，赞 %lld，踩 %lld\n"),
               (long long)ig_tree_int(week, "interactions", 0), (long long)ig_tree_int(week, "unknown", 0), (long long)ig_tree_int(week, "likes", 0),
               (long long)ig_tree_int(week, "dislikes", 0));
    for (const ig_tree *v = versions && versions->type == IG_TREE_LIST ? versions->child : NULL; v && shown < LISTED_MAX; v = v->next, shown++) {
        char when[CLI_WORD_MAX];
        printf(cli_say(c, "  version %-4lld %-9s %-9s %s", "  版本 %-4lld %-9s %-9s %s"), (long long)ig_tree_int(v, "number", 0), ig_tree_text(v, "status", ""),
               ig_tree_text(v, "reason", ""), date(ig_tree_int(v, "created_at", 0), when));
        print_metrics(ig_tree_get(v, "metrics"));
        printf("\n");
    }
    print_next(c, t);
}

/* ---- a report ---------------------------------------------------------------------------------------------------------------------- */

static void print_groups(const cli *c, const char *title, const ig_tree *list) {
    int shown = 0;
    if (!list || list->type != IG_TREE_LIST || !list->count) return;
    printf("\n%s\n", title);
    for (const ig_tree *v = list->child; v && shown < LISTED_MAX; v = v->next, shown++)
        printf("  %5lld  %s\n", (long long)ig_tree_int(v, "count", 0), ig_tree_text(v, "title", ""));
    if (list->count > LISTED_MAX) printf(cli_say(c, "  … and %zu more (--json has all)\n", "  …… 另有 %zu 项（--json 列出全部）\n"), list->count - LISTED_MAX);
}

static void print_days(const cli *c, const ig_tree *list) {
    if (!list || list->type != IG_TREE_LIST || !list->count) return;
    printf("\n%s\n", cli_say(c, "day           asked  answered  unknown  likes  dislikes", "日期           提问      回答     未知     赞        踩"));
    for (const ig_tree *v = list->child; v; v = v->next)
        printf("%-12s %6lld  %8lld  %7lld  %5lld  %8lld\n", ig_tree_text(v, "day", ""), (long long)ig_tree_int(v, "interactions", 0),
               (long long)ig_tree_int(v, "answered", 0), (long long)ig_tree_int(v, "unknown", 0), (long long)ig_tree_int(v, "likes", 0),
               (long long)ig_tree_int(v, "dislikes", 0));
}

void cli_print_report(cli *c, const ig_tree *t) {
    const ig_tree *total = ig_tree_get(t, "total"), *versions = ig_tree_get(t, "versions");
    char from[CLI_WORD_MAX], to[CLI_WORD_MAX];
    printf("%s  %s – %s\n", ig_tree_text(t, "feature", ""), date(ig_tree_int(t, "since", 0), from), date(ig_tree_int(t, "until", 0), to));
    printf(cli_say(c, "  asked %lld by %lld users: answered %lld, not known %lld, to a person %lld\n",
                   "  %2$lld 位用户提问 %1$lld 次：回答 %3$lld，未知 %4$lld，转人工 %5$lld\n"), (long long)ig_tree_int(total, "interactions", 0),
           (long long)ig_tree_int(total, "users", 0), (long long)ig_tree_int(total, "answered", 0), (long long)ig_tree_int(total, "unknown", 0),
           (long long)ig_tree_int(total, "person", 0));
    printf(cli_say(c, "  liked %lld, disliked %lld, corrected %lld; %.3f s on average\n", "  赞 %lld，踩 %lld，纠正 %lld；平均 %.3f 秒\n"), (long long)ig_tree_int(total, "likes", 0),
           (long long)ig_tree_int(total, "dislikes", 0), (long long)ig_tree_int(total, "corrections", 0), ig_tree_real(total, "seconds_mean", 0));
    print_days(c, ig_tree_get(t, "days"));
    for (const ig_tree *v = versions && versions->type == IG_TREE_LIST ? versions->child : NULL; v; v = v->next) {
        printf(cli_say(c, "  version %-4lld asked %-6lld liked ", "  版本 %-4lld 提问 %-6lld 好评率 "), (long long)ig_tree_int(v, "version", 0), (long long)ig_tree_int(v, "interactions", 0));
        print_interval(ig_tree_get(v, "liked"), false);
        printf("\n");
    }
    print_groups(c, cli_say(c, "not answered", "未能回答"), ig_tree_get(t, "unanswered"));
    print_groups(c, cli_say(c, "disliked", "不满意"), ig_tree_get(t, "disliked"));
}
