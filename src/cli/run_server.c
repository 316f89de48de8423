/* cli/run_server.c: ingot run through the workspace's running server, where the model is in memory already.
 *
 * Only what the server answers with the same text as this process would: a name of the workspace, and settings that
 * /v1/completions takes.  The prompt goes as token ids, as the server would put a text between the tokens that begin and end
 * one.  When the server cannot answer, nothing was printed yet, and the model is loaded here instead.
 */
#include <string.h>
#include <unistd.h>

#include "cli/server_file.h"
#include "cli/verb_run.h"
#include "cli/words.h"
#include "ingot/net.h"

#define LINE_BYTES_MAX ((size_t)1 << 20)
#define STOPS_MAX 4          /* of /v1/completions, as are the next two */
#define TEMPERATURE_MAX 2
#define TOKENS_MAX 16777216
#define SILENCE_MS (10 * 60 * 1000)

typedef struct asked {
    cli_run *r;
    ig_buf line;             /* of the stream, as far as it is there */
    bool broken;             /* an event that is an error */
    bool is_full;            /* ended before max_tokens without an end: the server's context is full */
    char message[512], last; /* last: the last byte printed */
    int64_t prompt_tokens, completion_tokens;
} asked;

/* ---- may it? ------------------------------------------------------------------------------------------------------------ */

static bool is_plain(const cli_run *r) {
    const ig_sampling *s = &r->opts.sampling;
    return !r->c->json && !r->grammar && !s->logprobs && s->temperature <= TEMPERATURE_MAX && r->opts.stop_count <= STOPS_MAX &&
           r->opts.max_tokens <= TOKENS_MAX;
}

bool cli_run_finds_server(cli_run *r) {
    cli *c = r->c;
    char workspace[IG_PATH_MAX], path[IG_PATH_MAX], own[IG_PATH_MAX + 8], words[IG_PATH_MAX];
    if (cli_flag(c, "no-server") || !is_plain(r) || strchr(c->arg[0], '/')) return false;
    if (cli_workspace(c, workspace, sizeof workspace, false, NULL) != IG_OK || !workspace[0]) return false;
    if (cli_model_path(c, c->arg[0], path, sizeof path, NULL) != IG_OK) return false;
    snprintf(own, sizeof own, "%s/models/", workspace);
    if (strncmp(path, own, strlen(own)) != 0 || !cli_server_find(workspace, &r->server)) return false;
    return ig_path_join(words, sizeof words, path, "tokenizer.json", NULL) == IG_OK && ig_tokenizer_load(words, &r->prompt_words, NULL) == IG_OK;
}

/* ---- the question --------------------------------------------------------------------------------------------------------- */

static void put_some(ig_json *j, const char *key, double value) {
    if (value > 0) cli_json_pair_real(j, key, value);
}

static ig_status put_prompt(const cli_run *r, const char *prompt, size_t len, ig_json *j) {
    ig_ids ids = {0};
    ig_status s = ig_tokenizer_encode(r->prompt_words, prompt, len, 0, &ids, &r->c->err);
    ig_json_key(j, "prompt"), ig_json_open(j, '[');
    for (size_t i = 0; s == IG_OK && i < ids.len; i++) ig_json_int(j, ids.data[i]);
    ig_json_close(j, ']');
    ig_ids_fini(&ids);
    return s;
}

static ig_status write_body(const cli_run *r, const char *prompt, size_t len, ig_buf *b) {
    const ig_sampling *s = &r->opts.sampling;
    ig_json j = {.out = b};
    ig_json_open(&j, '{');
    cli_json_pair_text(&j, "model", r->c->arg[0]);
    IG_TRY(put_prompt(r, prompt, len, &j));
    cli_json_pair_int(&j, "max_tokens", (int64_t)r->opts.max_tokens);
    cli_json_pair_real(&j, "temperature", s->temperature);
    cli_json_pair_int(&j, "top_k", s->top_k);
    cli_json_pair_int(&j, "seed", (int64_t)r->seed);
    put_some(&j, "top_p", s->top_p);
    put_some(&j, "min_p", s->min_p);
    put_some(&j, "repetition_penalty", s->repetition_penalty);
    ig_json_key(&j, "stop"), ig_json_open(&j, '[');
    for (size_t i = 0; i < r->opts.stop_count; i++) ig_json_text(&j, r->stop[i]);
    ig_json_close(&j, ']');
    ig_json_key(&j, "stream"), ig_json_bool(&j, true);
    ig_json_key(&j, "stream_options"), ig_json_open(&j, '{');
    ig_json_key(&j, "include_usage"), ig_json_bool(&j, true);
    ig_json_close(&j, '}');
    ig_json_close(&j, '}');
    return ig_buf_status(b, &r->c->err);
}

/* ---- the answer ----------------------------------------------------------------------------------------------------------- */

static void take_choice(asked *a, const ig_tree *choice) {
    const ig_tree *text = ig_tree_get(choice, "text");
    if (strcmp(ig_tree_text(choice, "finish_reason", ""), "length") == 0) a->is_full = true;
    if (!text || text->type != IG_TREE_TEXT || !text->text_len) return;
    fwrite(text->text, 1, text->text_len, stdout);
    a->last = text->text[text->text_len - 1];
}

static void take_event(asked *a, const ig_tree *e) {
    const ig_tree *choices = ig_tree_get(e, "choices"), *usage = ig_tree_get(e, "usage"), *error = ig_tree_get(e, "error");
    if (error) a->broken = true, snprintf(a->message, sizeof a->message, "%s", ig_tree_text(error, "message", ""));
    if (choices && choices->type == IG_TREE_LIST && choices->child) take_choice(a, choices->child);
    if (!usage || usage->type != IG_TREE_MAP) return;
    a->prompt_tokens = ig_tree_int(usage, "prompt_tokens", 0);
    a->completion_tokens = ig_tree_int(usage, "completion_tokens", 0);
}

static ig_status take_line(asked *a, ig_error *err) {
    static const char mark[] = "data: ";
    ig_doc *d = NULL;
    size_t skip = sizeof mark - 1;
    if (a->line.len <= skip || memcmp(a->line.data, mark, skip) != 0 || a->line.data[skip] != '{') return IG_OK;
    IG_TRY(ig_json_parse("answer", a->line.data + skip, a->line.len - skip, &d, err));
    take_event(a, ig_doc_root(d));
    ig_doc_free(d);
    return fflush(stdout) == 0 ? IG_OK : ig_error_set(err, IG_E_CANCELLED, "the reader is gone");
}

static ig_status on_bytes(void *arg, uint64_t at, const void *bytes, size_t len, ig_error *err) {
    asked *a = arg;
    (void)at;
    for (const char *p = bytes, *end = p + len; p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        ig_buf_append(&a->line, p, (size_t)((stop ? stop : end) - p));
        IG_TRY(ig_buf_status(&a->line, err));
        if (!stop) return IG_OK;
        IG_TRY(take_line(a, err));
        ig_buf_clear(&a->line);
        p = stop + 1;
    }
    return IG_OK;
}

static bool is_cancelled(void *arg) {
    (void)arg;
    return cli_interrupted != 0;
}

/* ---- the whole way ---------------------------------------------------------------------------------------------------------- */

static ig_status post(const cli_run *r, asked *a, const ig_buf *body, ig_http_answer *got) {
    char url[sizeof r->server.url + 32], bearer[sizeof r->server.key + 32];
    const char *headers[] = {"Content-Type: application/json", bearer};
    snprintf(url, sizeof url, "%s/v1/completions", r->server.url);
    snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", r->server.key);
    ig_http_call call = {.url = url, .headers = headers, .header_count = r->server.key[0] ? 2 : 1, .body = body->data, .body_len = body->len,
                         .idle_timeout_ms = SILENCE_MS, .on_bytes = on_bytes, .arg = a, .cancelled = is_cancelled};
    return ig_http_post(&call, got, &r->c->err);
}

static int report(const cli_run *r, const asked *a) {
    cli *c = r->c;
    if (a->last != '\n') printf("\n");
    fflush(stdout);
    if (c->quiet || !isatty(STDERR_FILENO)) return 0;
    fprintf(stderr, cli_say(c, "[by the server, process %lld; prompt %lld tokens; %lld tokens; seed %llu]\n",
                            "[由服务进程 %lld 生成；提示词 %lld 个词元；生成 %lld 个；种子 %llu]\n"),
            (long long)r->server.pid, (long long)a->prompt_tokens, (long long)a->completion_tokens, (unsigned long long)r->seed);
    if (a->is_full && a->completion_tokens < (int64_t)r->opts.max_tokens)
        fprintf(stderr, "%s\n", cli_say(c, "[the server's context is full; --no-server writes on]", "[服务器的上下文已满；--no-server 可继续生成]"));
    return 0;
}

bool cli_run_by_server(cli_run *r, const char *prompt, size_t len, int *code) {
    cli *c = r->c;
    asked a = {.r = r, .line = {.max = LINE_BYTES_MAX}};
    ig_buf body = {.max = (size_t)512 << 20};
    ig_http_answer got = {0};
    ig_status s = write_body(r, prompt, len, &body);
    if (s == IG_OK) s = post(r, &a, &body, &got);
    bool stopped = s != IG_OK && cli_interrupted;
    bool answered = stopped || a.last || (s == IG_OK && got.status == 200 && !a.broken);
    if (answered && s == IG_OK && a.broken) s = ig_error_set(&c->err, IG_E_IO, "%s", a.message);
    if (stopped) *code = 130, printf("\n");
    else if (answered) *code = s == IG_OK ? report(r, &a) : cli_failed(c, cli_say(c, "--no-server runs the model in this process", "--no-server 在本进程内运行模型"));
    ig_buf_fini(&a.line);
    ig_buf_fini(&body);
    return answered;
}
