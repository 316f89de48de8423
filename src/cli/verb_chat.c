/* cli/verb_chat.c: ingot chat MODEL: a conversation in the terminal.
 *
 * It stands on the server's way from messages to tokens, so that a model answers here as it does over HTTP.  What was read
 * in earlier turns is remembered by the scheduler.  Ctrl-C stops an answer, which stays in the conversation as far as it came.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "server/server.h"

#define TURNS_BYTES_MAX ((size_t)16 << 20)

typedef struct chat {
    cli *c;
    loaded *l;
    ig_buf turns;       /* messages as JSON objects, with commas between */
    ig_generate_opts o;
    uint64_t turn;
} chat;

/* ---- the conversation ---------------------------------------------------------------------------------------------------------- */

static void add_turn(chat *h, const char *role, const char *text, size_t len) {
    ig_json j = {.out = &h->turns};
    if (h->turns.len) ig_buf_putc(&h->turns, ',');
    ig_json_open(&j, '{');
    ig_json_key(&j, "role"), ig_json_text(&j, role);
    ig_json_key(&j, "content"), ig_json_text_n(&j, text, len);
    ig_json_close(&j, '}');
}

static void reset(chat *h) {
    const char *system = cli_text(h->c, "system", NULL);
    ig_buf_clear(&h->turns);
    if (system) add_turn(h, "system", system, strlen(system));
}

static ig_status encode(chat *h, ig_ids *out) {
    ig_buf list = {.max = TURNS_BYTES_MAX + 2};
    ig_doc *d = NULL;
    call c = {0};
    IG_TRY(ig_buf_status(&h->turns, &h->c->err));
    ig_buf_putc(&list, '[');
    ig_buf_append(&list, h->turns.data, h->turns.len);
    ig_buf_putc(&list, ']');
    ig_status s = ig_buf_status(&list, &h->c->err);
    if (s == IG_OK) s = ig_json_parse("conversation", list.data, list.len, &d, &h->c->err);
    if (s == IG_OK && (s = conversation_encode(&c, h->l, ig_doc_root(d), NULL, out)) != IG_OK) h->c->err = c.err;
    ig_doc_free(d);
    ig_buf_fini(&list);
    return s;
}

/* ---- an answer -------------------------------------------------------------------------------------------------------------------- */

static bool on_piece(void *arg, const ig_piece *p) {
    (void)arg;
    if (p->len) {
        fwrite(p->text, 1, p->len, stdout);
        if (fflush(stdout) != 0) return false; /* the reader is gone */
    }
    return !cli_interrupted;
}

static bool is_wanted(void *arg) {
    (void)arg;
    return !cli_interrupted;
}

static ig_status answer_turn(chat *h) {
    ig_ids prompt = {0};
    ig_generation g = {0};
    ig_status s = encode(h, &prompt);
    if (s == IG_OK) {
        ig_generate_opts o = h->o;
        o.sampling.seed += h->turn++;
        ig_request r = {.prompt = prompt.data, .n = prompt.len, .opts = &o, .is_wanted = is_wanted};
        s = ig_scheduler_generate(h->l->scheduler, &r, &g, &h->c->err);
    }
    if (s == IG_OK) add_turn(h, "assistant", g.text.data ? g.text.data : "", g.text.len);
    if (s == IG_OK) putchar('\n'), fflush(stdout);
    ig_generation_fini(&g);
    ig_ids_fini(&prompt);
    return s;
}

static int failed(cli *c) {
    const char *advice = cli_say(c, "see: ingot chat --help", "请看：ingot chat --help");
    if (c->err.code == IG_E_LIMIT) advice = cli_say(c, "/reset begins a new conversation", "输入 /reset 开始新的对话");
    return cli_failed(c, advice);
}

/* Takes a turn back that could not be answered, so that the next one can. */
static int take_turn(chat *h, const char *text, size_t len) {
    size_t before = h->turns.len;
    add_turn(h, "user", text, len);
    ig_status s = answer_turn(h);
    cli_interrupted = 0;
    if (s == IG_OK) return 0;
    int code = failed(h->c);
    h->turns.len = before;
    if (h->turns.data) h->turns.data[before] = '\0';
    h->turns.status = IG_OK;
    return code;
}

/* ---- lines -------------------------------------------------------------------------------------------------------------------------- */

/* *code is the last turn's. */
static bool take_line(chat *h, const char *line, size_t n, int *code) {
    if (n == 0) return true;
    if (strcmp(line, "/quit") == 0) return false;
    if (strcmp(line, "/reset") == 0) {
        reset(h);
        fprintf(stderr, "%s\n", cli_say(h->c, "a new conversation", "新的对话"));
    } else if (line[0] == '/') {
        fprintf(stderr, "%s\n", cli_say(h->c, "there are /reset and /quit", "可用命令：/reset 和 /quit"));
    } else {
        *code = take_turn(h, line, n);
    }
    return true;
}

static int converse(chat *h) {
    bool terminal = isatty(STDIN_FILENO);
    char *line = NULL;
    size_t cap = 0;
    int code = 0;
    if (terminal)
        fprintf(stderr, "%s\n", cli_say(h->c, "Ctrl-C stops an answer; /reset forgets, /quit or Ctrl-D ends", "Ctrl-C 停止回答；/reset 清空对话，/quit 或 Ctrl-D 退出"));
    for (bool more = true; more && !cli_interrupted;) {
        if (terminal) fputs("> ", stderr);
        ssize_t n = getline(&line, &cap, stdin);
        if (n < 0) break;
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = '\0';
        more = take_line(h, line, (size_t)n, &code);
    }
    free(line);
    return cli_interrupted ? 130 : code;
}

/* ---- the verb ------------------------------------------------------------------------------------------------------------------------ */

static void take_settings(chat *h) {
    static const char *const stop[] = {"\nuser:"};
    uint32_t word[4];
    ig_philox((uint64_t)(ig_clock() * 1e9), (uint64_t)getpid(), 0, word);
    h->o = (ig_generate_opts){
        .sampling = {.temperature = cli_real(h->c, "temperature", 0.8), .top_p = cli_real(h->c, "top-p", 0.95),
                     .seed = h->c->has_seed ? h->c->seed : word[0]},
        .max_tokens = (size_t)cli_int(h->c, "max-tokens", 1024), .on_piece = on_piece,
        .end_ids = h->l->end_ids.data, .end_count = h->l->end_ids.len, .trie = h->l->trie,
        .stop = stop, .stop_count = h->l->plain_chat ? 1 : 0,
    };
}

static int run_chat_verb(cli *c) {
    chat h = {.c = c, .turns = {.max = TURNS_BYTES_MAX}};
    char path[IG_PATH_MAX];
    loaded_opts o = {.context_max = cli_int(c, "context", 0), .running_max = 1, .version = IG_VERSION};
    ig_status s = cli_model_path(c, c->arg[0], path, sizeof path, &c->err);
    if (s == IG_OK) s = cli_context(c);
    if (s == IG_OK) s = loaded_open(c->ctx, path, &o, &h.l, &c->err);
    if (s == IG_OK && (!h.l->scheduler || !h.l->chat))
        s = ig_error_set(&c->err, IG_E_UNSUPPORTED, cli_say(c, "%s generates no text, or has no tokenizer", "%s 不能生成文本，或没有分词器"), c->arg[0]);
    int code;
    if (s != IG_OK) {
        code = cli_failed(c, cli_say(c, "ingot show tells what a model is", "ingot show 查看模型信息"));
    } else {
        take_settings(&h);
        reset(&h);
        cli_catch_interrupt();
        code = converse(&h);
    }
    ig_buf_fini(&h.turns);
    loaded_close(h.l);
    return code;
}

static const cli_option options[] = {
    {"system", CLI_TEXT, "TEXT", "what the model is told first", "首先告诉模型的内容", 0, 0},
    {"max-tokens", CLI_INT, "N", "tokens of an answer at most (default 1024)", "每个回答最多的词元数（默认 1024）", 1, 1e9},
    {"temperature", CLI_REAL, "T", "0: always the most likely; higher: more surprising (default 0.8)", "0：总取最可能的词元；越高越多变（默认 0.8）", 0, 100},
    {"top-p", CLI_REAL, "P", "choose among the fewest whose probability reaches P (default 0.95)", "只从累计概率达到 P 的最少词元中选（默认 0.95）", 0, 1},
    {"context", CLI_INT, "N", "tokens of the conversation at most (default: the model's)", "对话最多的词元数（默认：模型上限）", 2, 1e9},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_chat = {
    .name = "chat", .args = "MODEL",
    .en = "talk with a model", .zh = "与模型对话",
    .more_en = "Each line is a turn.  Ctrl-C stops an answer; /reset begins a new conversation; /quit ends.  The model's own chat\n"
               "template is used, else a plain form.\n\nexamples:\n  ingot chat ./qwen\n  ingot chat helper --system \"Answer in one sentence.\"",
    .more_zh = "每行是一轮对话。Ctrl-C 停止回答；/reset 开始新的对话；/quit 退出。使用模型自带的对话模板，没有时用普通格式。\n\n"
               "示例：\n  ingot chat ./qwen\n  ingot chat helper --system \"请用一句话回答。\"",
    .options = options, .min_args = 1, .max_args = 1, .run = run_chat_verb,
};
