/* server/writer.c: the chat model that a feature may write with: one of the workspace ("chat_model" in its settings), or one behind
 * an OpenAI-compatible address ("chat_url", with "chat_model" as its name there and the key in the environment variable
 * "chat_key_env", whose name ends in _KEY).
 *
 * Messages come from the kind; what is written goes to it piece by piece.  A failure is logged, and what is said instead is up to
 * the kind.
 */
#include <string.h>

#include "server/server.h"

#define WRITE_TOKENS_MAX 800
#define ANSWER_BYTES_MAX ((size_t)4 << 20)
#define SECONDS 120 /* to wait for an address whose kind has no "chat_seconds" */

/* ---- a model of the workspace --------------------------------------------------------------------------------------------------- */

typedef struct pieces {
    ig_text_fn *on_text;
    void *arg;
} pieces;

static ig_status on_piece(void *arg, answer *a, const char *text, size_t len, const answer_token *tokens, size_t count) {
    pieces *p = arg;
    (void)tokens, (void)count;
    return p->on_text(p->arg, text, len) ? IG_OK : ig_error_set(&a->err, IG_E_CANCELLED, "nobody wants more of the answer");
}

static ig_status generate(call *c, loaded *l, const ig_tree *body, pieces *p) {
    settings s = {.prompt_name = "messages"};
    ig_ids prompt = {0};
    answer a[SERVER_CHOICES_MAX] = {0};
    ig_status status = settings_common(c, l, body, &s);
    s.o.max_tokens = WRITE_TOKENS_MAX;
    if (l->plain_chat && s.o.stop_count < SERVER_STOPS_MAX) s.stop[s.o.stop_count++] = "\nuser:";
    if (status == IG_OK) status = conversation_encode(c, l, ig_tree_get(body, "messages"), NULL, &prompt);
    if (status == IG_OK) status = answers_make(c, l, &s, &prompt, on_piece, p, a, 1);
    answers_fini(a, 1);
    settings_fini(&s);
    ig_ids_fini(&prompt);
    return status;
}

/* The body of a chat request with these messages. */
static ig_status chat_body(const char *model, const char *messages, ig_buf *out, ig_doc **doc, ig_error *err) {
    ig_doc *d = NULL;
    ig_json j = {.out = out};
    IG_TRY(ig_json_parse("messages", messages, strlen(messages), &d, err));
    ig_json_open(&j, '{');
    reply_pair_text(&j, "model", model);
    ig_json_key(&j, "temperature"), ig_json_int(&j, 0);
    ig_json_key(&j, "messages"), ig_json_tree(&j, ig_doc_root(d));
    ig_json_close(&j, '}');
    ig_doc_free(d);
    IG_TRY(ig_buf_status(out, err));
    return doc ? ig_json_parse("body", out->data, out->len, doc, err) : IG_OK;
}

static ig_status write_here(writer *w, const char *messages, pieces *p, ig_error *err) {
    ig_buf b = {.max = ANSWER_BYTES_MAX};
    ig_doc *body = NULL;
    loaded *l = NULL;
    call inner = {.s = w->c->s, .http = w->c->http, .key_id = w->c->key_id, .scope = w->c->scope, .start = w->c->start};
    ig_status s = chat_body(w->model, messages, &b, &body, err);
    if (s == IG_OK) s = pool_acquire(w->c->s->pool, w->model, &l, err);
    if (s == IG_OK && !l->scheduler) s = ig_error_set(err, IG_E_ARG, "chat_model: %s writes no text", w->model);
    if (s == IG_OK) {
        s = generate(&inner, l, ig_doc_root(body), p);
        if (s != IG_OK && err) *err = inner.err;
    }
    w->c->prompt_tokens += inner.prompt_tokens;
    w->c->completion_tokens += inner.completion_tokens;
    if (l) pool_release(w->c->s->pool, l);
    ig_doc_free(body);
    ig_buf_fini(&b);
    return s;
}

/* ---- an address ---------------------------------------------------------------------------------------------------------------------- */

static ig_status keep_bytes(void *arg, uint64_t at, const void *bytes, size_t len, ig_error *err) {
    ig_buf *b = arg;
    (void)at;
    ig_buf_append(b, bytes, len);
    return ig_buf_status(b, err);
}

static ig_status tell_answer(const ig_buf *b, pieces *p, ig_error *err) {
    ig_doc *d = NULL;
    IG_TRY(ig_json_parse("chat_url", b->data ? b->data : "", b->len, &d, err));
    const ig_tree *choices = ig_tree_get(ig_doc_root(d), "choices");
    const char *text = ig_tree_text(ig_tree_get(choices ? choices->child : NULL, "message"), "content", NULL);
    ig_status s = text ? IG_OK : ig_error_set(err, IG_E_FORMAT, "chat_url: the answer has no text in choices[0].message.content");
    if (text && !p->on_text(p->arg, text, strlen(text))) s = ig_error_set(err, IG_E_CANCELLED, "nobody wants more of the answer");
    ig_doc_free(d);
    return s;
}

static ig_status write_there(writer *w, const char *messages, pieces *p, ig_error *err) {
    ig_buf body = {.max = ANSWER_BYTES_MAX}, got = {.max = ANSWER_BYTES_MAX};
    char address[1200], bearer[600];
    const char *key = server_env_key(w->key_env);
    const char *headers[2] = {"Content-Type: application/json", bearer};
    ig_http_answer a = {0};
    snprintf(address, sizeof address, "%s/chat/completions", w->url);
    snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", key ? key : "");
    ig_status s = chat_body(w->model, messages, &body, NULL, err);
    ig_http_call h = {.url = address, .headers = headers, .header_count = key ? 2 : 1, .body = body.data, .body_len = body.len,
                      .bytes_max = ANSWER_BYTES_MAX, .idle_timeout_ms = w->wait_ms, .total_timeout_ms = w->wait_ms, .redirects_max = -1,
                      .on_bytes = keep_bytes, .arg = &got};
    if (s == IG_OK) s = ig_http_post(&h, &a, err);
    if (s == IG_OK && a.status != 200) s = ig_error_set(err, IG_E_IO, "chat_url answered %d", a.status);
    if (s == IG_OK) s = tell_answer(&got, p, err);
    ig_buf_fini(&body);
    ig_buf_fini(&got);
    return s;
}

/* ---- choosing -------------------------------------------------------------------------------------------------------------------------- */

static ig_status write_text(void *arg, const char *messages, ig_text_fn *on_text, void *on_text_arg, ig_error *err) {
    writer *w = arg;
    pieces p = {.on_text = on_text, .arg = on_text_arg};
    ig_status s = w->url[0] ? write_there(w, messages, &p, err) : write_here(w, messages, &p, err);
    if (s != IG_OK && s != IG_E_CANCELLED && err)
        ig_log_write(w->c->s->ctx, IG_LOG_WARN, "%s: the chat model failed: %s", w->c->id, err->message);
    return s;
}

ig_writer_fn *writer_of(call *c, const ig_store_feature *f, writer *w) {
    ig_doc *d = NULL;
    *w = (writer){.c = c};
    if (!f->settings || ig_json_parse("settings", f->settings, strlen(f->settings), &d, NULL) != IG_OK) return NULL;
    feature_setting(ig_doc_root(d), "chat_model", w->model, sizeof w->model);
    feature_setting(ig_doc_root(d), "chat_url", w->url, sizeof w->url);
    feature_setting(ig_doc_root(d), "chat_key_env", w->key_env, sizeof w->key_env);
    w->wait_ms = (int)ig_tree_int(ig_doc_root(d), "chat_seconds", SECONDS) * 1000;
    ig_doc_free(d);
    for (size_t n = strlen(w->url); n > 0 && w->url[n - 1] == '/'; n--) w->url[n - 1] = '\0';
    return w->model[0] ? write_text : NULL;
}
