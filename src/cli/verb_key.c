/* cli/verb_key.c: ingot key new | ls | revoke: who may call the server of this workspace. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/verbs.h"
#include "cli/words.h"
#include "cli/workspace_store.h"
#include "ingot/loop_store.h"

#define DAY_S 86400

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* "30d", "12h", "2w" or "1y" into seconds; false when it is none of them. */
static bool parse_span(const char *text, int64_t *seconds) {
    static const struct { char unit; int64_t s; } units[] = {{'h', 3600}, {'d', DAY_S}, {'w', 7 * DAY_S}, {'y', 365 * DAY_S}};
    char *end = NULL;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (end == text || errno || n < 1 || n > 100000 || strlen(end) != 1) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (*end == units[i].unit) {
            *seconds = n * units[i].s;
            return true;
        }
    return false;
}

static const char *date(int64_t t, char buf[CLI_WORD_MAX]) {
    time_t when = (time_t)t;
    struct tm tm;
    snprintf(buf, CLI_WORD_MAX, "–");
    if (t && localtime_r(&when, &tm)) strftime(buf, CLI_WORD_MAX, "%Y-%m-%d %H:%M", &tm);
    return buf;
}

static void pair_time(ig_json *j, const char *key, int64_t t) {
    ig_json_key(j, key);
    if (t) ig_json_int(j, t);
    else ig_json_null(j);
}

static void key_pairs(ig_json *j, const ig_store_key *k) {
    cli_json_pair_text(j, "id", k->id);
    cli_json_pair_text(j, "name", k->name);
    cli_json_pair_text(j, "role", ig_store_role_name(k->role));
    cli_json_pair_int(j, "requests_per_minute", k->requests_per_minute);
    cli_json_pair_int(j, "concurrent", k->concurrent);
    pair_time(j, "created_at", k->created_at);
    pair_time(j, "expires_at", k->expires_at);
    pair_time(j, "last_used_at", k->last_used_at);
    pair_time(j, "revoked_at", k->revoked_at);
}

/* ---- new --------------------------------------------------------------------------------------------------------- */

static int report_new(cli *c, const char *secret, const ig_store_key *k) {
    char until[CLI_WORD_MAX];
    if (c->json) {
        ig_buf out = {0};
        ig_json j = cli_json_begin(&out);
        cli_json_pair_text(&j, "secret", secret);
        key_pairs(&j, k);
        return cli_json_end(c, &j);
    }
    printf("%s\n", secret);
    fprintf(stderr, cli_say(c, "%s (%s, %s).  The line above is the key: it is shown this once and kept nowhere.\n",
                            "%s（%s，%s）。上面一行就是密钥：只显示这一次，不会保存。\n"), k->id, k->name, ig_store_role_name(k->role));
    if (k->expires_at) fprintf(stderr, cli_say(c, "valid until %s\n", "有效期至 %s\n"), date(k->expires_at, until));
    return 0;
}

/* A public key: the feature that it may ask, the pages that it may be used from, and how often one visitor may. */
static ig_status set_scope(cli *c, ig_store *s, const ig_store_key *k) {
    ig_store_key_scope scope = {.visitor_per_minute = cli_int(c, "visitor-per-minute", 0)};
    ig_store_feature f = {0};
    ig_buf origins = {.max = 1 << 16};
    const char *feature = cli_text(c, "feature", NULL), *origin;
    if (!feature || !cli_flag(c, "origin"))
        return ig_error_set(&c->err, IG_E_ARG, "%s", cli_say(c, "a public key needs --feature NAME and --origin https://… (or '*' for any page)",
                                                             "公开密钥需要 --feature NAME 与 --origin https://…（'*' 表示任意页面）"));
    for (int i = 0; (origin = cli_nth(c, "origin", i)); i++) ig_buf_printf(&origins, "%s%s", i ? " " : "", origin);
    ig_status status = ig_store_feature_get(s, feature, &f, &c->err);
    if (status == IG_OK) status = ig_buf_status(&origins, &c->err);
    if (status == IG_OK) {
        memcpy(scope.feature, f.id, sizeof scope.feature);
        scope.origins = origins.data;
        status = ig_store_key_set_scope(s, k->id, &scope, NULL, &c->err);
    }
    ig_store_feature_fini(&f);
    ig_buf_fini(&origins);
    return status;
}

/* The key, whole: a public one without its scope would be of no use, and is revoked. */
static ig_status make_key(cli *c, ig_store *s, const ig_store_key_opts *o, char secret[IG_STORE_SECRET_SIZE], ig_store_key *k) {
    IG_TRY(ig_store_key_new(s, o, secret, k, &c->err));
    if (o->role != IG_ROLE_PUBLIC) return IG_OK;
    ig_status status = set_scope(c, s, k);
    if (status != IG_OK) (void)ig_store_key_revoke(s, k->id, NULL, NULL);
    return status;
}

static int run_new(cli *c) {
    char secret[IG_STORE_SECRET_SIZE];
    ig_store *s = NULL;
    ig_store_key k;
    ig_store_key_opts o = {.name = cli_text(c, "name", "key"), .requests_per_minute = cli_int(c, "per-minute", 0),
                           .concurrent = cli_int(c, "concurrent", 0)};
    const char *expires = cli_text(c, "expires", NULL);
    int64_t span = 0;
    if (ig_store_role_parse(cli_text(c, "role", "app"), &o.role, &c->err) != IG_OK)
        return cli_usage(c, "%s", cli_say(c, "--role is admin, staff, app or public", "--role 为 admin、staff、app 或 public"));
    if (expires && !parse_span(expires, &span))
        return cli_usage(c, cli_say(c, "--expires needs a span as 12h, 30d, 8w or 1y, not \"%s\"",
                                    "--expires 需要如 12h、30d、8w 或 1y 的时长，而不是“%s”"), expires);
    if (span) o.expires_at = ig_unix_time() + span;
    ig_status status = cli_store(c, &s);
    if (status == IG_OK) status = make_key(c, s, &o, secret, &k);
    ig_store_close(s);
    return status == IG_OK ? report_new(c, secret, &k) : cli_failed(c, cli_say(c, "ingot key new --help shows examples",
                                                                               "ingot key new --help 查看示例"));
}

static const cli_option new_options[] = {
    {"role", CLI_TEXT, "ROLE", "admin, staff, app or public (default: app)", "admin、staff、app 或 public（默认 app）", 0, 0},
    {"name", CLI_TEXT, "NAME", "what the key is for, as people will read it", "密钥的用途，供人阅读", 0, 0},
    {"expires", CLI_TEXT, "SPAN", "how long it is valid: 12h, 30d, 8w, 1y (default: for ever)",
     "有效时长：12h、30d、8w、1y（默认永久）", 0, 0},
    {"per-minute", CLI_INT, "N", "requests in a minute (default: as the server allows)", 
     "每分钟请求数（默认由服务器决定）", 1, 1e6},
    {"concurrent", CLI_INT, "N", "requests at the same time (default: as the server allows)",
     "同时进行的请求数（默认由服务器决定）", 1, 1e6},
    {"feature", CLI_TEXT, "NAME", "of a public key: the feature that it may ask", "公开密钥可提问的功能", 0, 0},
    {"origin", CLI_TEXT, "URL", "of a public key: pages that it may be used from; may be repeated", "公开密钥可用于哪些页面；可重复给出", 0, 0},
    {"visitor-per-minute", CLI_INT, "N", "of a public key: requests of one visitor (default: no limit)", "公开密钥每位访客每分钟的请求数（默认不限）", 1, 1e6},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_key_new = {
    .name = "key new", .args = "",
    .en = "make a key for the server", .zh = "为服务器生成密钥",
    .more_en = "Prints the key.  It is shown once: the workspace keeps a digest of it only.\n\n"
               "examples:\n  ingot key new --name website\n  ingot key new --role admin --name laptop --expires 30d\n"
               "  ingot key new --role public --feature desk --origin https://shop.example",
    .more_zh = "输出密钥。密钥只显示一次：工作区只保存其摘要。\n\n"
               "示例：\n  ingot key new --name website\n  ingot key new --role admin --name laptop --expires 30d\n"
               "  ingot key new --role public --feature desk --origin https://shop.example",
    .options = new_options, .run = run_new,
};

/* ---- ls ---------------------------------------------------------------------------------------------------------- */

static void print_key(const cli *c, const ig_store_key *k) {
    char made[CLI_WORD_MAX], used[CLI_WORD_MAX];
    const char *state = k->revoked_at                                            ? cli_say(c, "revoked", "已吊销")
                        : k->expires_at && k->expires_at <= ig_unix_time() ? cli_say(c, "expired", "已过期")
                                                                                 : cli_say(c, "valid", "有效");
    printf("%-17s %-7s %-17s %-17s %-8s %s\n", k->id, ig_store_role_name(k->role), date(k->created_at, made),
           date(k->last_used_at, used), state, k->name);
}

static void tell_page(cli *c, ig_json *j, const ig_store_key *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!c->json) print_key(c, &list[i]);
        else ig_json_open(j, '{'), key_pairs(j, &list[i]), ig_json_close(j, '}');
    }
}

static ig_status tell_keys(cli *c, ig_store *s, ig_json *j) {
    char after[IG_STORE_ID_SIZE] = "";
    bool more = true;
    size_t total = 0;
    while (more) {
        ig_store_key *list;
        size_t count;
        IG_TRY(ig_store_key_list(s, &(ig_store_page){.after = *after ? after : NULL, .limit = 200}, &list, &count, &more,
                                 &c->err));
        if (!total && count && !c->json)
            printf("%s\n", cli_say(c, "key               role    made              last used         state    name",
                                   "密钥              角色    生成时间          最近使用          状态     名称"));
        tell_page(c, j, list, count);
        if (count) memcpy(after, list[count - 1].id, sizeof after);
        total += count;
        ig_free(list);
    }
    if (!total) fprintf(stderr, "%s\n", cli_say(c, "there is no key yet; ingot key new makes one",
                                                "还没有密钥；ingot key new 可以生成一个"));
    return IG_OK;
}

static int run_list(cli *c) {
    ig_store *s = NULL;
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    ig_json_key(&j, "keys"), ig_json_open(&j, '[');
    ig_status status = cli_store(c, &s);
    if (status == IG_OK) status = tell_keys(c, s, &j);
    ig_store_close(s);
    ig_json_close(&j, ']');
    if (status == IG_OK && c->json) return cli_json_end(c, &j);
    ig_buf_fini(&out);
    return status == IG_OK ? 0 : cli_failed(c, cli_say(c, "ingot init makes a workspace", "ingot init 建立工作区"));
}

const cli_verb cli_verb_key_ls = {
    .name = "key ls", .args = "",
    .en = "list the keys", .zh = "列出密钥",
    .more_en = "Shows the newest first; a key itself cannot be shown again.\n\nexamples:\n  ingot key ls\n  ingot key ls --json",
    .more_zh = "最新的在前；密钥本身无法再次显示。\n\n示例：\n  ingot key ls\n  ingot key ls --json",
    .run = run_list,
};

/* ---- revoke ------------------------------------------------------------------------------------------------------ */

static int report_revoked(cli *c, const ig_store_key *k) {
    if (!c->json) {
        printf(cli_say(c, "revoked %s (%s)\n", "已吊销 %s（%s）\n"), k->id, k->name);
        return 0;
    }
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    key_pairs(&j, k);
    return cli_json_end(c, &j);
}

static int run_revoke(cli *c) {
    ig_store *s = NULL;
    ig_store_key k;
    ig_status status = cli_store(c, &s);
    if (status == IG_OK) status = ig_store_key_revoke(s, c->arg[0], NULL, &c->err);
    if (status == IG_OK) status = ig_store_key_get(s, c->arg[0], &k, &c->err);
    ig_store_close(s);
    return status == IG_OK ? report_revoked(c, &k) : cli_failed(c, cli_say(c, "ingot key ls lists the keys",
                                                                           "ingot key ls 列出全部密钥"));
}

const cli_verb cli_verb_key_revoke = {
    .name = "key revoke", .args = "ID",
    .en = "make a key invalid", .zh = "吊销密钥",
    .more_en = "The key is refused from now on, also by a server that is running.  ID is the key-… of ingot key ls.\n\nexamples:\n  ingot key revoke key-8fK2pQ0aXw3Z",
    .more_zh = "此后该密钥被拒绝，正在运行的服务器也会拒绝。ID 为 ingot key ls 中的 key-…。\n\n示例：\n  ingot key revoke key-8fK2pQ0aXw3Z",
    .min_args = 1, .max_args = 1, .run = run_revoke,
};
