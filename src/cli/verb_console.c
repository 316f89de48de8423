/* cli/verb_console.c: ingot console: a link that signs a browser in, once. */
#include <string.h>

#include "cli/verbs.h"
#include "cli/words.h"
#include "cli/workspace_store.h"
#include "ingot/loop_store.h"

#define LINK_S 600

/* The newest valid key of the role admin. */
static ig_status find_admin(cli *c, ig_store *s, ig_store_key *out) {
    ig_store_key *list = NULL;
    size_t count = 0;
    bool more, found = false;
    IG_TRY(ig_store_key_list(s, &(ig_store_page){.limit = IG_STORE_LIST_MAX}, &list, &count, &more, &c->err));
    for (size_t i = 0; i < count && !found; i++) {
        found = list[i].role == IG_ROLE_ADMIN && !list[i].revoked_at && (!list[i].expires_at || list[i].expires_at > ig_unix_time());
        if (found) *out = list[i];
    }
    ig_free(list);
    return found ? IG_OK : ig_error_set(&c->err, IG_E_NOT_FOUND, "%s", cli_say(c, "there is no key of the role admin", "没有 admin 角色的密钥"));
}

static int report(cli *c, const char *secret) {
    char url[512];
    snprintf(url, sizeof url, "%s/console/#link=%s", cli_text(c, "url", "http://127.0.0.1:8080"), secret);
    if (!c->json) {
        printf("%s\n", url);
        fprintf(stderr, "%s\n", cli_say(c, "it signs in once, within ten minutes, where ingot serve runs", "该链接十分钟内可登录一次，需已运行 ingot serve"));
        return 0;
    }
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "link", url);
    return cli_json_end(c, &j);
}

static int run_console(cli *c) {
    char secret[IG_STORE_SECRET_SIZE];
    ig_store *s = NULL;
    ig_store_key key;
    ig_status status = cli_store(c, &s);
    if (status == IG_OK) status = find_admin(c, s, &key);
    if (status == IG_OK) status = ig_store_link_new(s, key.id, LINK_S, secret, &c->err);
    ig_store_close(s);
    if (status == IG_OK) return report(c, secret);
    return cli_failed(c, cli_say(c, "make one: ingot key new --role admin --name console", "请先生成：ingot key new --role admin --name console"));
}

static const cli_option options[] = {
    {"url", CLI_TEXT, "URL", "where the server is (default http://127.0.0.1:8080)", "服务器地址（默认 http://127.0.0.1:8080）", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_console = {
    .name = "console", .args = "",
    .en = "print a link that opens the console", .zh = "输出打开控制台的链接",
    .more_en = "examples:\n  ingot console\n  ingot console --url https://ai.example", .more_zh = "示例：\n  ingot console\n  ingot console --url https://ai.example",
    .options = options, .run = run_console,
};
