/* cli/verb_serve.c: ingot serve: the workspace's models over HTTP, until Ctrl-C or SIGTERM; what runs then is finished. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/kinds.h"
#include "cli/server_file.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/net.h"
#include "ingot/server.h"

#define MODELS_MAX 32
#define DRAIN_MS 30000

typedef struct serving {
    cli *c;
    ig_server_opts o;
    ig_server_model model[MODELS_MAX];
    char name[MODELS_MAX][128], path[MODELS_MAX][IG_PATH_MAX];
    char workspace[IG_PATH_MAX], program[IG_PATH_MAX];
} serving;

static void on_log(void *arg, const char *line) {
    (void)arg;
    fprintf(stderr, "%s\n", line);
}

/* --model NAME, PATH or NAME=PATH: a path is served under the name of its folder. */
static ig_status take_model(serving *s, const char *arg, size_t i) {
    const char *equals = strchr(arg, '='), *where = equals ? equals + 1 : arg;
    IG_TRY(cli_model_path(s->c, where, s->path[i], sizeof s->path[i], &s->c->err));
    if (equals) snprintf(s->name[i], sizeof s->name[i], "%.*s", (int)(equals - arg), arg);
    else {
        char whole[IG_PATH_MAX];
        size_t len = (size_t)snprintf(whole, sizeof whole, "%s", s->path[i]);
        while (len > 1 && whole[len - 1] == '/') whole[--len] = '\0';
        snprintf(s->name[i], sizeof s->name[i], "%.127s", ig_path_base(whole));
    }
    s->model[i] = (ig_server_model){.name = s->name[i], .path = s->path[i]};
    return IG_OK;
}

static ig_status take_models(serving *s) {
    for (const char *arg; (arg = cli_nth(s->c, "model", (int)s->o.model_count)); s->o.model_count++) {
        if (s->o.model_count == MODELS_MAX)
            return ig_error_set(&s->c->err, IG_E_LIMIT, cli_say(s->c, "--model: %d at most", "--model：最多 %d 个"), MODELS_MAX);
        IG_TRY(take_model(s, arg, s->o.model_count));
    }
    s->o.models = s->model;
    return IG_OK;
}

static ig_status take_options(serving *s) {
    cli *c = s->c;
    ssize_t n = readlink("/proc/self/exe", s->program, sizeof s->program - 1);
    IG_TRY(cli_workspace(c, s->workspace, sizeof s->workspace, !cli_flag(c, "no-key"), &c->err));
    s->o = (ig_server_opts){
        .host = cli_text(c, "host", NULL), .port = (int)cli_int(c, "port", 8080),
        .cert_file = cli_text(c, "cert", NULL), .key_file = cli_text(c, "key", NULL),
        .workspace = s->workspace[0] ? s->workspace : NULL, .program = n > 0 ? s->program : NULL, .version = IG_VERSION,
        .kinds = cli_kinds, .no_key = cli_flag(c, "no-key"), .private_webhooks = cli_flag(c, "private-webhooks"),
        .requests_per_minute = cli_int(c, "requests-per-minute", 0),
        .concurrent = cli_int(c, "concurrent", 0), .context_max = cli_int(c, "context", 0),
        .idle_seconds = (int)(cli_real(c, "idle-minutes", 15) * 60), .log = c->quiet ? NULL : on_log,
    };
    return take_models(s);
}

static void say_ready(const serving *s, const ig_server *server) {
    const char *host = s->o.host ? s->o.host : "127.0.0.1", *scheme = s->o.cert_file ? "https" : "http";
    bool v6 = strchr(host, ':') && host[0] != '[';
    fprintf(stderr, cli_say(s->c, "serving on %s://%s%s%s:%d/v1 (Ctrl-C ends)\n", "服务地址：%s://%s%s%s:%d/v1（Ctrl-C 结束）\n"), scheme,
            v6 ? "[" : "", host, v6 ? "]" : "", ig_server_port(server));
}

/* Commands of this workspace find the server; over HTTPS they do not, as they cannot know whom to trust. */
static void tell_workspace(const serving *s, const ig_server *server) {
    ig_error err = {0};
    if (!s->o.workspace || s->o.cert_file) return;
    if (cli_server_tell(s->o.workspace, s->o.host, ig_server_port(server), !s->o.no_key, &err) != IG_OK && !s->c->quiet)
        fprintf(stderr, cli_say(s->c, "other commands will not find this server: %s\n", "其他命令将找不到此服务器：%s\n"), err.message);
}

static int serve(serving *s) {
    cli *c = s->c;
    ig_server *server = NULL;
    cli_catch_interrupt();
    if (s->o.workspace) cli_server_clear(s->o.workspace);
    if (ig_server_open(c->ctx, &s->o, &server, &c->err) != IG_OK)
        return cli_failed(c, cli_say(c, "see: ingot serve --help", "请看：ingot serve --help"));
    tell_workspace(s, server);
    say_ready(s, server);
    while (!cli_interrupted) usleep(100000);
    if (!c->quiet) fprintf(stderr, "%s\n", cli_say(c, "finishing what runs; Ctrl-C again ends at once", "正在完成进行中的请求；再按 Ctrl-C 立即结束"));
    if (s->o.workspace) cli_server_untell(s->o.workspace);
    ig_status status = ig_server_drain(server, DRAIN_MS, &c->err);
    ig_server_close(server);
    return status == IG_OK ? 0 : cli_failed(c, NULL);
}

static int run_serve(cli *c) {
    serving *s = ig_calloc(1, sizeof *s);
    int code;
    if (!s) {
        ig_error_nomem(&c->err, sizeof *s);
        return cli_failed(c, NULL);
    }
    s->c = c;
    if (take_options(s) != IG_OK || cli_context(c) != IG_OK) code = cli_failed(c, cli_say(c, "ingot init makes a workspace; ingot ls lists its models",
                                                                                       "ingot init 创建工作区；ingot ls 列出其中的模型"));
    else code = serve(s);
    ig_free(s);
    return code;
}

static const cli_option options[] = {
    {"model", CLI_TEXT, "MODEL", "serve this folder too, as NAME=PATH under another name; may be repeated",
     "另外提供此文件夹中的模型，NAME=PATH 可另取名称；可重复给出", 0, 0},
    {"host", CLI_TEXT, "ADDRESS", "address to listen on (default 127.0.0.1: this machine only)", "监听地址（默认 127.0.0.1：仅本机）", 0, 0},
    {"port", CLI_INT, "N", "port; 0: any that is free (default 8080)", "端口；0：任意空闲端口（默认 8080）", 0, 65535},
    {"cert", CLI_TEXT, "FILE", "certificate (PEM) for HTTPS; with --key", "HTTPS 证书（PEM）；与 --key 一起使用", 0, 0},
    {"key", CLI_TEXT, "FILE", "its private key (PEM)", "证书的私钥（PEM）", 0, 0},
    {"no-key", CLI_FLAG, NULL, "ask for no API key; on this machine only", "不要求 API 密钥；仅限本机", 0, 0},
    {"private-webhooks", CLI_FLAG, NULL, "tickets' webhooks may lead into your own network, not only to public addresses",
     "工单 Webhook 可指向内部网络，而不仅限公网地址", 0, 0},
    {"requests-per-minute", CLI_INT, "N", "of a key that has no limit of its own; 0: no limit (default)", "未单独设限的密钥每分钟的请求数；0：不限（默认）", 0, 1e6},
    {"concurrent", CLI_INT, "N", "requests of such a key that run at the same time; 0: no limit (default)", "此类密钥同时进行的请求数；0：不限（默认）", 0, 1e6},
    {"context", CLI_INT, "N", "tokens of a prompt and its answer at most (default: the model's)", "提示词与回答合计的最多词元数（默认：模型上限）", 2, 1e9},
    {"idle-minutes", CLI_REAL, "M", "unload a model that nobody used for so long (default 15)", "模型闲置多久后卸载（默认 15 分钟）", 0.02, 1e5},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_serve = {
    .name = "serve", .args = "",
    .en = "serve models and features over HTTP", .zh = "通过 HTTP 提供模型与功能",
    .more_en = "All models and features of the workspace are served; models are loaded on first use.  Clients need a key: ingot key new --name NAME.\n"
               "One line of JSON for each request goes to standard error; it holds neither texts nor keys.\n\n"
               "examples:\n  ingot serve\n  ingot serve --model ./qwen --no-key --port 9000\n"
               "  ingot serve --host 0.0.0.0 --cert server.pem --key server.key",
    .more_zh = "提供工作区中的全部模型与功能；模型在首次使用时加载。客户端需要密钥：ingot key new --name NAME。\n"
               "每个请求在标准错误输出一行 JSON，其中不含文本和密钥。\n\n"
               "示例：\n  ingot serve\n  ingot serve --model ./qwen --no-key --port 9000\n"
               "  ingot serve --host 0.0.0.0 --cert server.pem --key server.key",
    .options = options, .min_args = 0, .max_args = 0, .run = run_serve,
};
