/* server/route_chat.c: POST /v1/chat/completions, whole and as a stream.
 *
 * A stream begins with the first text, so that what fails before it still has its status; what fails later is an event
 * {"error": …}.  Events: the role, deltas of content, calls of tools, the reason to finish, the usage if asked for, [DONE].
 */
#include <string.h>

#include "server/server.h"

typedef struct chat {
    call *c;
    loaded *l;
    settings s;
    ig_ids prompt;
    char id[SERVER_ID_SIZE];
    int64_t created;
    bool begun;
    bool greeted[SERVER_CHOICES_MAX];
} chat;

/* ---- what whole answers and events have in common ------------------------------------------------------------------------------- */

static void open_object(const chat *h, const char *object, ig_json *j) {
    ig_json_open(j, '{');
    reply_pair_text(j, "id", h->id);
    reply_pair_text(j, "object", object);
    reply_pair_int(j, "created", h->created);
    reply_pair_text(j, "model", h->c->model);
    reply_pair_text(j, "system_fingerprint", h->l->fingerprint);
}

static void put_calls(const answer *a, bool with_index, ig_json *j) {
    char id[SERVER_ID_SIZE];
    ig_json_key(j, "tool_calls"), ig_json_open(j, '[');
    for (size_t i = 0; i < a->calls.count; i++) {
        reply_new_id("call_", id);
        ig_json_open(j, '{');
        if (with_index) reply_pair_int(j, "index", (int64_t)i);
        reply_pair_text(j, "id", id);
        reply_pair_text(j, "type", "function");
        ig_json_key(j, "function"), ig_json_open(j, '{');
        reply_pair_text(j, "name", a->calls.call[i].name);
        reply_pair_text(j, "arguments", a->calls.call[i].arguments);
        ig_json_close(j, '}');
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

/* ---- whole ------------------------------------------------------------------------------------------------------------------------ */

static void put_choice(const answer *a, ig_json *j) {
    const ig_buf *text = a->s->tools ? &a->calls.content : &a->g.text;
    ig_json_open(j, '{');
    reply_pair_int(j, "index", a->index);
    ig_json_key(j, "message"), ig_json_open(j, '{');
    reply_pair_text(j, "role", "assistant");
    ig_json_key(j, "content");
    if (a->calls.count && !text->len) ig_json_null(j);
    else ig_json_text_n(j, text->data ? text->data : "", text->len);
    reply_pair_text(j, "refusal", NULL);
    if (a->calls.count) put_calls(a, false, j);
    ig_json_close(j, '}');
    answer_logprobs(a, a->tokens, a->token_count, j);
    reply_pair_text(j, "finish_reason", answer_finish(a));
    ig_json_close(j, '}');
}

static ig_status reply_whole(chat *h, const answer *a) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    open_object(h, "chat.completion", &j);
    ig_json_key(&j, "choices"), ig_json_open(&j, '[');
    for (int i = 0; i < h->s.n; i++) put_choice(&a[i], &j);
    ig_json_close(&j, ']');
    reply_usage(&j, h->c->prompt_tokens, h->c->completion_tokens);
    ig_json_close(&j, '}');
    ig_status s = reply_json(h->c, 200, &b);
    ig_buf_fini(&b);
    return s;
}

/* ---- streamed --------------------------------------------------------------------------------------------------------------------- */

static ig_status begin(chat *h) {
    if (h->begun) return IG_OK;
    h->begun = true;
    return reply_events(h->c);
}

static void open_event(const chat *h, int index, ig_json *j) {
    open_object(h, "chat.completion.chunk", j);
    ig_json_key(j, "choices"), ig_json_open(j, '[');
    ig_json_open(j, '{');
    reply_pair_int(j, "index", index);
    ig_json_key(j, "delta"), ig_json_open(j, '{');
}

/* The delta is written: the rest of the event, and off it goes. */
static ig_status send_event(chat *h, const answer *a, const answer_token *t, size_t n, const char *finish, ig_json *j) {
    ig_json_close(j, '}');
    if (n) answer_logprobs(a, t, n, j);
    else ig_json_key(j, "logprobs"), ig_json_null(j);
    reply_pair_text(j, "finish_reason", finish);
    ig_json_close(j, '}');
    ig_json_close(j, ']');
    if (h->s.usage_chunk) reply_pair_text(j, "usage", NULL);
    ig_json_close(j, '}');
    IG_TRY(ig_buf_status(j->out, &h->c->err));
    return ig_sse_event(h->c->http, NULL, j->out->data, j->out->len, &h->c->err);
}

static ig_status greet(chat *h, const answer *a) {
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    if (h->greeted[a->index]) return IG_OK;
    h->greeted[a->index] = true;
    IG_TRY(begin(h));
    open_event(h, a->index, &j);
    reply_pair_text(&j, "role", "assistant");
    reply_pair_text(&j, "content", "");
    reply_pair_text(&j, "refusal", NULL);
    ig_status s = send_event(h, a, NULL, 0, NULL, &j);
    ig_buf_fini(&b);
    return s;
}

static ig_status on_text(void *arg, answer *a, const char *text, size_t len, const answer_token *tokens, size_t count) {
    chat *h = arg;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(greet(h, a));
    open_event(h, a->index, &j);
    ig_json_key(&j, "content"), ig_json_text_n(&j, text, len);
    ig_status s = send_event(h, a, tokens, count, NULL, &j);
    ig_buf_fini(&b);
    return s;
}

static ig_status send_end(chat *h, const answer *a) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(greet(h, a));
    ig_status s = IG_OK;
    if (a->calls.count) {
        open_event(h, a->index, &j);
        put_calls(a, true, &j);
        s = send_event(h, a, NULL, 0, NULL, &j);
        ig_buf_clear(&b);
        j = (ig_json){.out = &b};
    }
    open_event(h, a->index, &j);
    if (s == IG_OK) s = send_event(h, a, NULL, 0, answer_finish(a), &j);
    ig_buf_fini(&b);
    return s;
}

static ig_status send_usage(chat *h) {
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    if (!h->s.usage_chunk) return IG_OK;
    open_object(h, "chat.completion.chunk", &j);
    ig_json_key(&j, "choices"), ig_json_open(&j, '['), ig_json_close(&j, ']');
    reply_usage(&j, h->c->prompt_tokens, h->c->completion_tokens);
    ig_json_close(&j, '}');
    ig_status s = ig_sse_event(h->c->http, NULL, b.data, b.len, &h->c->err);
    ig_buf_fini(&b);
    return s;
}

static ig_status end_stream(chat *h, const answer *a) {
    for (int i = 0; i < h->s.n; i++) IG_TRY(send_end(h, &a[i]));
    IG_TRY(send_usage(h));
    IG_TRY(ig_sse_event(h->c->http, NULL, "[DONE]", 6, &h->c->err));
    return ig_http_stream_end(h->c->http, &h->c->err);
}

/* ---- the request -------------------------------------------------------------------------------------------------------------------- */

static ig_status take_settings(chat *h, const ig_tree *body) {
    call *c = h->c;
    const ig_tree *newer = field_get(body, "max_completion_tokens"), *older = field_get(body, "max_tokens");
    if (newer && older) return call_fail(c, 400, "max_tokens", "invalid_value", "give 'max_completion_tokens' or 'max_tokens', not both");
    h->s.prompt_name = "messages";
    IG_TRY(settings_common(c, h->l, body, &h->s));
    if (newer || older) h->s.o.max_tokens = (size_t)(newer ? newer : older)->integer;
    h->s.wants_logprobs = ig_tree_bool(body, "logprobs", false);
    h->s.top_logprobs = (int)ig_tree_int(body, "top_logprobs", 0);
    h->s.o.sampling.logprobs = h->s.top_logprobs;
    if (h->s.top_logprobs && !h->s.wants_logprobs)
        return call_fail(c, 400, "top_logprobs", "invalid_value", "'top_logprobs' needs 'logprobs': true");
    if (h->l->plain_chat) h->s.stop[h->s.o.stop_count++] = "\nuser:";
    return settings_form(c, h->l, body, &h->s);
}

static ig_status make_answers(chat *h) {
    answer a[SERVER_CHOICES_MAX] = {0};
    size_t n = (size_t)h->s.n;
    ig_status s = answers_make(h->c, h->l, &h->s, &h->prompt, h->s.stream ? on_text : NULL, h, a, n);
    if (s == IG_OK) s = h->s.stream ? end_stream(h, a) : reply_whole(h, a);
    else if (h->begun) s = reply_late_failure(h->c, s);
    answers_fini(a, n);
    return s;
}

static ig_status answer_chat(chat *h) {
    const ig_tree *body = ig_doc_root(h->c->body), *choice = field_get(body, "tool_choice");
    bool no_tools = choice && choice->type == IG_TREE_TEXT && strcmp(choice->text, "none") == 0;
    IG_TRY(take_settings(h, body));
    IG_TRY(conversation_encode(h->c, h->l, field_get(body, "messages"), no_tools ? NULL : field_get(body, "tools"), &h->prompt));
    return make_answers(h);
}

ig_status run_chat(call *c) {
    chat h = {.c = c, .created = ig_unix_time()};
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), chat_fields, ""));
    bool is_feature = false;
    ig_status told = chat_feature(c, ig_tree_text(ig_doc_root(c->body), "model", ""), &is_feature);
    if (is_feature) return told;
    reply_new_id("chatcmpl-", h.id);
    IG_TRY(call_model(c, IG_CAN_GENERATE, &h.l));
    ig_status s = answer_chat(&h);
    settings_fini(&h.s);
    ig_ids_fini(&h.prompt);
    pool_release(c->s->pool, h.l);
    return s;
}
