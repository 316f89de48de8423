/* cli/verb_ask.c: ingot ask NAME TEXT, ingot explain NAME ID, ingot feedback NAME ID TYPE: a question, why, and what is said of it. */
#include <string.h>

#include "cli/feature.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "server/kind_fields.h"

/* ---- ask ----------------------------------------------------------------------------------------------------------------- */

static ig_status extend_ask(cli *c) {
    if (c->args == 0) return IG_OK;
    const ig_kind *k = cli_kind_of(c, c->arg[0]);
    return k ? cli_add_fields(c, &k->request_fields, 1) : c->err.code;
}

static void print_list(const char *title, const ig_tree *list) {
    if (!list || list->type != IG_TREE_LIST || !list->count) return;
    printf("%s\n", title);
    for (const ig_tree *v = list->child; v; v = v->next) {
        const char *source = ig_tree_text(v, "source", NULL);
        printf("  %.2f  %s", ig_tree_real(v, "score", 0), ig_tree_text(v, "title", ig_tree_text(v, "item", "")));
        if (source && *source) printf("  (%s", source), printf(ig_tree_int(v, "line", 0) ? ":%lld)" : ")", (long long)ig_tree_int(v, "line", 0));
        printf("\n");
    }
}

/* The first text of the answer, its sources and suggestions; other parts by their names. */
static void print_answer(cli *c, const ig_tree *t) {
    const ig_tree *answer = ig_tree_get(t, "answer");
    const char *id = ig_tree_text(t, "id", NULL), *text = ig_tree_text(answer, "text", NULL);
    if (text) printf("%s\n", text);
    for (const ig_tree *v = answer && !text ? answer->child : NULL; v; v = v->next)
        if (v->type != IG_TREE_LIST) printf("%s: ", v->key), cli_print_value(v), printf("\n");
    print_list(cli_say(c, "sources:", "来源："), ig_tree_get(answer, "sources"));
    print_list(cli_say(c, "perhaps:", "也许是："), ig_tree_get(answer, "suggestions"));
    fprintf(stderr, cli_say(c, "%s  version %lld  %s %.2f  %.3f s\n", "%s  版本 %lld  %s %.2f  %.3f 秒\n"), id ? id : "–", (long long)ig_tree_int(t, "version", 0),
            ig_tree_text(t, "outcome", ""), ig_tree_real(t, "confidence", 0), ig_tree_real(t, "seconds", 0));
}

static ig_status ask(cli_loop *l, ig_buf *out) {
    cli *c = l->c;
    ig_doc *request = NULL;
    const ig_kind *k = cli_kind_of(c, c->arg[0]);
    if (!k) return c->err.code;
    ig_ask_opts o = {.user = cli_text(c, "user", NULL), .conversation = cli_text(c, "conversation", NULL), .version = cli_int(c, "version", 0),
                     .no_record = cli_flag(c, "no-record"), .no_consent = cli_flag(c, "no-consent")};
    const char *text = c->args > 1 ? c->arg[1] : NULL;
    const ig_field *first = text ? kind_text_field(k->request_fields) : NULL;
    if (text && !first) return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "%s takes no text; give its options instead", "%s 不接受文本；请改用选项"), k->name);
    IG_TRY(cli_take_fields(c, k->request_fields, first, text, &request));
    ig_status s = ig_loop_ask(l->loop, c->arg[0], ig_doc_root(request), &o, out, &c->err);
    ig_doc_free(request);
    return s;
}

static int run_ask(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = ask(&l, &out);
    return cli_feature_result(&l, s, &out, print_answer, cli_say(c, "ingot ls lists the features; ingot ask NAME --help shows what one takes",
                                                                 "ingot ls 列出功能；ingot ask NAME --help 显示其参数"));
}

static const cli_option ask_options[] = {
    {"user", CLI_TEXT, "NAME", "who asks; only a keyed hash is kept", "提问者；只保存其带密钥的散列", 0, 0},
    {"conversation", CLI_TEXT, "ID", "go on with this conversation", "继续此会话", 0, 0},
    {"version", CLI_INT, "N", "ask this version (default: the live one)", "向此版本提问（默认在线版本）", 1, 1e9},
    {"no-record", CLI_FLAG, NULL, "answer and forget", "回答后不留记录", 0, 0},
    {"no-consent", CLI_FLAG, NULL, "may be rated, not learned from", "可评价，但不用于学习", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_ask = {
    .name = "ask", .args = "NAME [TEXT]",
    .en = "ask a feature", .zh = "向功能提问",
    .more_en = "The last line (on stderr) begins with the id that feedback and explain take.\n\nexamples:\n  ingot ask desk \"How long does a refund take?\"",
    .more_zh = "最后一行（标准错误）以编号开头，供 feedback 与 explain 使用。\n\n示例：\n  ingot ask desk \"退款多久到账？\"",
    .options = ask_options, .min_args = 1, .max_args = 2, .run = run_ask, .extend = extend_ask,
};

/* ---- explain ---------------------------------------------------------------------------------------------------------------- */

/* An interaction of this feature. */
static ig_status check_feature(cli_loop *l, const char *feature, const char *id) {
    ig_store_interaction i = {0};
    ig_store_feature f = {0};
    cli *c = l->c;
    IG_TRY(ig_store_feature_get(l->store, feature, &f, &c->err));
    ig_status s = ig_store_interaction_get(l->store, id, &i, &c->err);
    if (s == IG_OK && strcmp(i.feature, f.id) != 0)
        s = ig_error_set(&c->err, IG_E_NOT_FOUND, cli_say(c, "%s is an answer of another feature than %s", "%s 不是 %s 的回答"), id, feature);
    ig_store_interaction_fini(&i);
    ig_store_feature_fini(&f);
    return s;
}

static void print_tree(const ig_tree *t, int depth) {
    for (const ig_tree *v = t->child; v; v = v->next) {
        printf("%*s%s%s", 2 * depth, "", v->key ? v->key : "-", v->key ? ": " : " ");
        if ((v->type == IG_TREE_MAP || v->type == IG_TREE_LIST) && v->count) printf("\n"), print_tree(v, depth + 1);
        else cli_print_value(v), printf("\n");
    }
}

static void print_why(cli *c, const ig_tree *t) {
    (void)c;
    print_tree(t, 0);
}

static int run_explain(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = check_feature(&l, c->arg[0], c->arg[1]);
    if (s == IG_OK) s = ig_loop_explain(l.loop, c->arg[1], &out, &c->err);
    return cli_feature_result(&l, s, &out, print_why, cli_say(c, "ingot ask prints the id of each answer", "ingot ask 会输出每个回答的编号"));
}

const cli_verb cli_verb_explain = {
    .name = "explain", .args = "NAME ID",
    .en = "tell why a feature answered so", .zh = "说明功能为何这样回答",
    .more_en = "examples:\n  ingot explain desk int-8fK2pQ0aXw3Z", .more_zh = "示例：\n  ingot explain desk int-8fK2pQ0aXw3Z",
    .min_args = 2, .max_args = 2, .run = run_explain,
};

/* ---- feedback --------------------------------------------------------------------------------------------------------------- */

static ig_status extend_feedback(cli *c) {
    if (c->args == 0) return IG_OK;
    const ig_kind *k = cli_kind_of(c, c->arg[0]);
    return k ? cli_add_fields(c, &k->correction_fields, 1) : c->err.code;
}

static ig_status give_feedback(cli_loop *l, ig_buf *out) {
    cli *c = l->c;
    ig_doc *correction = NULL;
    const ig_kind *k = cli_kind_of(c, c->arg[0]);
    if (!k) return c->err.code;
    IG_TRY(check_feature(l, c->arg[0], c->arg[1]));
    const char *text = c->args > 3 ? c->arg[3] : NULL;
    const ig_field *first = text ? kind_text_field(k->correction_fields) : NULL;
    if (text && !first) return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "%s takes no text as a correction; give its options instead", "%s 的纠正不接受文本；请改用选项"), k->name);
    IG_TRY(cli_take_fields(c, k->correction_fields, first, text, &correction));
    ig_feedback_opts o = {.type = c->arg[2], .value = cli_real(c, "value", 0), .reason = cli_text(c, "reason", NULL),
                          .user = cli_text(c, "user", NULL), .staff = !cli_flag(c, "user"),
                          .correction = ig_doc_root(correction)->count ? ig_doc_root(correction) : NULL};
    ig_status s = ig_loop_feedback(l->loop, c->arg[1], &o, out, &c->err);
    ig_doc_free(correction);
    return s;
}

static int run_feedback(cli *c) {
    cli_loop l;
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status s = cli_loop_open(c, &l);
    if (s == IG_OK) s = give_feedback(&l, &out);
    return cli_feature_result(&l, s, &out, cli_print_changes, cli_say(c, "ingot feedback NAME --help shows what can be said", "ingot feedback NAME --help 显示可用的反馈"));
}

static const cli_option feedback_options[] = {
    {"reason", CLI_TEXT, "TEXT", "wrong, incomplete, outdated, unclear, or other words", "wrong、incomplete、outdated、unclear 或其他文字", 0, 0},
    {"value", CLI_REAL, "X", "of a rating", "评分值", 0, 0},
    {"user", CLI_TEXT, "NAME", "who says it (default: the staff)", "反馈者（默认：员工）", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_feedback = {
    .name = "feedback", .args = "NAME ID TYPE [CORRECTION]",
    .en = "say what you think of an answer", .zh = "评价一个回答",
    .more_en = "TYPE: like, dislike, none (taken back), correction, rating, click, conversion, label.\n\n"
               "examples:\n  ingot feedback desk int-8fK2pQ0aXw3Z like\n  ingot feedback desk int-8fK2pQ0aXw3Z correction \"Three days.\"",
    .more_zh = "TYPE：like、dislike、none（撤回）、correction、rating、click、conversion、label。\n\n"
               "示例：\n  ingot feedback desk int-8fK2pQ0aXw3Z like\n  ingot feedback desk int-8fK2pQ0aXw3Z correction \"三天。\"",
    .options = feedback_options, .min_args = 3, .max_args = 4, .run = run_feedback, .extend = extend_feedback,
};
