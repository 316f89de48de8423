/* cli/verb_recommend.c: ingot recommend MODEL: items for a user, for a list of items, or like an item; users for an item. */
#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/recommend.h"

#define HISTORY_MAX 4096

typedef struct asking {
    cli *c;
    const ig_model *m;
    const ig_interactions *data;
    ig_recommend_opts o;
    ig_recommended *found;    /* [o.n] */
    size_t count;
    bool users;               /* what was found are users */
    int32_t number[HISTORY_MAX];
    float value[HISTORY_MAX];
    size_t items;
} asking;

/* ---- what is asked for ---- */

static ig_status find(const asking *a, const ig_id_table *t, const char *id, size_t len, const char *what, int32_t *out) {
    int64_t n = ig_id_table_find(t, id, len);
    *out = (int32_t)n;
    if (n >= 0) return IG_OK;
    return ig_error_set(&a->c->err, IG_E_NOT_FOUND, cli_say(a->c, "the model knows no %s \"%.*s\"", "模型不认识%s“%.*s”"), what, (int)len, id);
}

static ig_status find_item(const asking *a, const char *id, size_t len, int32_t *out) {
    return find(a, &a->data->items, id, len, cli_say(a->c, "item", "物品"), out);
}

static bool listed(const asking *a, int32_t item) {
    for (size_t i = 0; i < a->items; i++)
        if (a->number[i] == item) return true;
    return false;
}

/* "ITEM,ITEM=VALUE,…": an id may hold '=': what stands behind the last one counts when it is a number. */
static ig_status take_item(asking *a, const char *text, size_t len) {
    const char *equal = memrchr(text, '=', len);
    char *end;
    int32_t item;
    float value = 1;
    if (equal && ig_id_table_find(&a->data->items, text, len) < 0) {
        double v = strtod(equal + 1, &end);
        if (end == text + len && end > equal + 1) value = (float)v, len = (size_t)(equal - text);
    }
    IG_TRY(find_item(a, text, len, &item));
    if (listed(a, item)) return IG_OK;
    if (a->items == HISTORY_MAX) return ig_error_set(&a->c->err, IG_E_ARG, "--history: more than %d items", HISTORY_MAX);
    a->number[a->items] = item;
    a->value[a->items++] = value;
    return IG_OK;
}

static ig_status take_history(asking *a, const char *list) {
    while (*list) {
        size_t len = strcspn(list, ",");
        if (len) IG_TRY(take_item(a, list, len));
        list += len + (list[len] != 0);
    }
    return a->items ? IG_OK : ig_error_set(&a->c->err, IG_E_ARG, "%s", cli_say(a->c, "--history names no item", "--history 没有给出物品"));
}

static ig_status ask(asking *a) {
    cli *c = a->c;
    const char *user = cli_text(c, "user", NULL), *like = cli_text(c, "similar-to", NULL), *of = cli_text(c, "users-for", NULL);
    int32_t n;
    if (user) {
        IG_TRY(find(a, &a->data->users, user, strlen(user), cli_say(c, "user", "用户"), &n));
        return ig_recommend_for_user(a->m, n, &a->o, a->found, &a->count, &c->err);
    }
    if (like) {
        IG_TRY(find_item(a, like, strlen(like), &n));
        return ig_recommend_similar(a->m, n, &a->o, a->found, &a->count, &c->err);
    }
    if (of) {
        a->users = true;
        IG_TRY(find_item(a, of, strlen(of), &n));
        return ig_recommend_users(a->m, n, &a->o, a->found, &a->count, &c->err);
    }
    IG_TRY(take_history(a, cli_text(c, "history", "")));
    ig_history h = {a->number, a->value, a->items};
    return ig_recommend_for_history(a->m, &h, &a->o, a->found, &a->count, &c->err);
}

/* ---- what was found ---- */

static const char *name_of(const asking *a, int32_t n) { return ig_id_table_at(a->users ? &a->data->users : &a->data->items, (size_t)n); }

static void because_json(const asking *a, const ig_recommended *r, ig_json *j) {
    ig_json_key(j, "because"), ig_json_open(j, '[');
    for (int i = 0; i < r->because_count; i++) {
        ig_json_open(j, '{');
        cli_json_pair_text(j, "item", ig_id_table_at(&a->data->items, (size_t)r->because[i].item));
        cli_json_pair_real(j, "share", (double)r->because[i].share);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

static int print_json(const asking *a) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    ig_json_key(&j, a->users ? "users" : "items"), ig_json_open(&j, '[');
    for (size_t i = 0; i < a->count; i++) {
        ig_json_open(&j, '{');
        cli_json_pair_text(&j, "id", name_of(a, a->found[i].number));
        cli_json_pair_real(&j, "score", a->found[i].score);
        if (a->o.explain) because_json(a, &a->found[i], &j);
        ig_json_close(&j, '}');
    }
    ig_json_close(&j, ']');
    return cli_json_end(a->c, &j);
}

static int print(const asking *a) {
    if (a->c->json) return print_json(a);
    for (size_t i = 0; i < a->count; i++) {
        const ig_recommended *r = &a->found[i];
        printf("%8.4f  %s", r->score, name_of(a, r->number));
        for (int k = 0; k < r->because_count; k++)
            printf("%s%s %+.3f", k ? ", " : cli_say(a->c, "   because of ", "   因为 "), ig_id_table_at(&a->data->items, (size_t)r->because[k].item), (double)r->because[k].share);
        printf("\n");
    }
    return 0;
}

static int answer(asking *a) {
    cli *c = a->c;
    a->data = ig_recommend_data(a->m);
    if (!a->data) {
        ig_error_set(&c->err, IG_E_UNSUPPORTED, cli_say(c, "a model of the family %s does not recommend", "%s 系列的模型不能推荐"), a->m->family->name);
        return cli_failed(c, cli_say(c, "train one with data of the kind interactions: docs/models/als.md", "请用 interactions 类型的数据训练：docs/models/als.md"));
    }
    a->found = ig_calloc(a->o.n, sizeof *a->found);
    ig_status s = a->found ? ask(a) : ig_error_nomem(&c->err, a->o.n * sizeof *a->found);
    int code = s == IG_OK ? print(a) : cli_failed(c, cli_say(c, "ids are those of the training data", "请使用训练数据中的标识"));
    ig_free(a->found);
    return code;
}

static int run_recommend(cli *c) {
    ig_model *m = NULL;
    int asked = cli_flag(c, "user") + cli_flag(c, "history") + cli_flag(c, "similar-to") + cli_flag(c, "users-for");
    if (asked != 1)
        return cli_usage(c, "%s", cli_say(c, "give one of --user ID, --history ITEM,ITEM, --similar-to ITEM and --users-for ITEM",
                                          "请给出 --user ID、--history ITEM,ITEM、--similar-to ITEM 或 --users-for ITEM 之一"));
    asking *a = ig_calloc(1, sizeof *a);
    if (!a) return ig_error_nomem(&c->err, sizeof *a), cli_failed(c, NULL);
    a->c = c;
    a->o = (ig_recommend_opts){.n = (size_t)cli_int(c, "n", 10), .keep_seen = cli_flag(c, "keep-seen"), .explain = cli_flag(c, "explain")};
    int code = cli_open_model(c, c->arg[0], &m);
    a->m = m;
    if (code == 0) code = answer(a);
    ig_model_free(m);
    ig_free(a);
    return code;
}

static const cli_option options[] = {
    {"user", CLI_TEXT, "ID", "items for a user of the training data", "为训练数据中的用户推荐物品", 0, 0},
    {"history", CLI_TEXT, "ITEM,ITEM=VALUE", "items for somebody new who has these", "为拥有这些物品的新用户推荐", 0, 0},
    {"similar-to", CLI_TEXT, "ITEM", "items like this one", "与该物品相似的物品", 0, 0},
    {"users-for", CLI_TEXT, "ITEM", "users who have not got this item and would like it", "可能喜欢但尚无该物品的用户", 0, 0},
    {"n", CLI_INT, "N", "how many (default 10)", "数量（默认 10）", 1, IG_RECOMMEND_MAX},
    {"keep-seen", CLI_FLAG, NULL, "also what the user has already", "也包括用户已有的物品", 0, 0},
    {"explain", CLI_FLAG, NULL, "which of the user's items a score comes from", "说明得分来自用户的哪些物品", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_recommend = {
    .name = "recommend", .args = "MODEL",
    .en = "recommend items to a user, or users for an item", .zh = "向用户推荐物品，或为物品寻找用户",
    .more_en = "examples:\n  ingot recommend cafe --user ana\n  ingot recommend cafe --history espresso,mocha=3 --explain\n  ingot recommend cafe --similar-to espresso --json",
    .more_zh = "示例：\n  ingot recommend cafe --user ana\n  ingot recommend cafe --history espresso,mocha=3 --explain\n  ingot recommend cafe --similar-to espresso --json",
    .options = options, .min_args = 1, .max_args = 1, .run = run_recommend,
};
