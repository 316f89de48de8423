/* server/route_responses.c: POST /v1/responses, text in and out.  Nothing is stored: a conversation is sent whole as `input`.
 *
 * A stream's events, each with its type and a number:
 *     response.created  response.in_progress  response.output_item.added  response.content_part.added
 *     response.output_text.delta …
 *     response.output_text.done  response.content_part.done  response.output_item.done  response.completed | .incomplete
 */
#include <string.h>

#include "server/server.h"

typedef struct response {
    call *c;
    loaded *l;
    settings s;
    ig_ids prompt;
    ig_doc *messages;
    char id[SERVER_ID_SIZE], item[SERVER_ID_SIZE];
    int64_t created, number;   /* of the next event */
    bool begun;
} response;

/* ---- input -------------------------------------------------------------------------------------------------------------------------- */

static const field item_fields[] = {
    {"type", F_TEXT, FIELD_USED, 0, 0, "message", false, ""},
    {"role", F_TEXT, FIELD_USED, 0, 0, "system|developer|user|assistant", true, ""},
    {"content", F_TEXT | F_LIST, FIELD_USED, 0, 1e6, NULL, true, ""},
    {"id", F_TEXT, FIELD_USED, 0, 0, NULL, false, ""},
    {"status", F_TEXT, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static void put_message(ig_json *j, const char *role, const char *text, size_t len) {
    ig_json_open(j, '{');
    reply_pair_text(j, "role", role);
    ig_json_key(j, "content"), ig_json_text_n(j, text, len);
    ig_json_close(j, '}');
}

static ig_status put_item(call *c, ig_json *j, const ig_tree *item, int i) {
    char where[32], prefix[40];
    ig_buf text = {.max = (size_t)64 << 20};
    snprintf(where, sizeof where, "input[%d]", i);
    snprintf(prefix, sizeof prefix, "input[%d].", i);
    if (item->type != IG_TREE_MAP) return call_fail(c, 400, where, "invalid_type", "'%s' must be an object", where);
    IG_TRY(fields_check(c, item, item_fields, prefix));
    ig_status s = conversation_text(c, ig_tree_get(item, "content"), where, &text);
    if (s == IG_OK) put_message(j, ig_tree_text(item, "role", ""), text.data ? text.data : "", text.len);
    ig_buf_fini(&text);
    return s;
}

static ig_status put_input(call *c, ig_json *j) {
    const ig_tree *body = ig_doc_root(c->body), *input = field_get(body, "input"), *instructions = field_get(body, "instructions");
    int i = 0;
    if (instructions) put_message(j, "system", instructions->text, instructions->text_len);
    if (input->type == IG_TREE_TEXT) put_message(j, "user", input->text, input->text_len);
    else if (!input->count) return call_fail(c, 400, "input", "invalid_value", "'input' is an empty list");
    for (const ig_tree *t = input->type == IG_TREE_LIST ? input->child : NULL; t; t = t->next) IG_TRY(put_item(c, j, t, i++));
    return IG_OK;
}

/* The input as the messages of a chat. */
static ig_status read_input(response *r) {
    ig_buf b = {.max = (size_t)64 << 20};
    ig_json j = {.out = &b};
    ig_json_open(&j, '[');
    ig_status s = put_input(r->c, &j);
    ig_json_close(&j, ']');
    if (s == IG_OK) s = ig_buf_status(&b, &r->c->err);
    if (s == IG_OK) s = ig_json_parse("input", b.data, b.len, &r->messages, &r->c->err);
    ig_buf_fini(&b);
    return s;
}

/* ---- settings --------------------------------------------------------------------------------------------------------------------- */

static const field text_fields[] = {
    {"format", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {"verbosity", 0, FIELD_REFUSED, 0, 0, "medium", false, "it cannot be set"},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};
static const field format_fields[] = {
    {"type", F_TEXT, FIELD_USED, 0, 0, "text|json_object|json_schema", true, ""},
    {"name", F_TEXT, FIELD_USED, 0, 0, NULL, false, ""},
    {"schema", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {"strict", F_BOOL, FIELD_USED, 0, 0, NULL, false, ""},
    {"description", F_TEXT, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static const char *format_type(const response *r) {
    const ig_tree *text = field_get(ig_doc_root(r->c->body), "text");
    return ig_tree_text(text ? field_get(text, "format") : NULL, "type", "text");
}

static ig_status take_format(response *r) {
    const ig_tree *text = field_get(ig_doc_root(r->c->body), "text"), *format = text ? field_get(text, "format") : NULL;
    ig_grammar *g = NULL;
    if (text) IG_TRY(fields_check(r->c, text, text_fields, "text."));
    if (!format) return IG_OK;
    IG_TRY(fields_check(r->c, format, format_fields, "text.format."));
    const char *type = format_type(r);
    if (strcmp(type, "json_schema") == 0) return settings_schema(r->c, r->l, field_get(format, "schema"), "text.format.schema", &r->s);
    if (strcmp(type, "text") == 0) return IG_OK;
    IG_TRY(ig_grammar_json_object(NULL, &g, &r->c->err));
    settings_grammar(r->l, &r->s, g);
    return IG_OK;
}

static ig_status take_settings(response *r) {
    const ig_tree *body = ig_doc_root(r->c->body);
    r->s.prompt_name = "input";
    IG_TRY(settings_common(r->c, r->l, body, &r->s));
    r->s.o.max_tokens = (size_t)ig_tree_int(body, "max_output_tokens", 0);
    if (r->l->plain_chat) r->s.stop[r->s.o.stop_count++] = "\nuser:";
    return take_format(r);
}

/* ---- the response object ------------------------------------------------------------------------------------------------------------ */

static void put_content(ig_json *j, const char *text, size_t len) {
    ig_json_open(j, '{');
    reply_pair_text(j, "type", "output_text");
    ig_json_key(j, "text"), ig_json_text_n(j, text, len);
    ig_json_key(j, "annotations"), ig_json_open(j, '['), ig_json_close(j, ']');
    ig_json_key(j, "logprobs"), ig_json_open(j, '['), ig_json_close(j, ']');
    ig_json_close(j, '}');
}

/* a NULL: it has only begun. */
static void put_item_out(const response *r, const answer *a, ig_json *j) {
    bool cut = a && a->g.finish == IG_FINISH_LENGTH;
    ig_json_open(j, '{');
    reply_pair_text(j, "type", "message");
    reply_pair_text(j, "id", r->item);
    reply_pair_text(j, "status", !a ? "in_progress" : cut ? "incomplete" : "completed");
    reply_pair_text(j, "role", "assistant");
    ig_json_key(j, "content"), ig_json_open(j, '[');
    if (a) put_content(j, a->g.text.data ? a->g.text.data : "", a->g.text.len);
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}

static void put_usage(const response *r, const answer *a, ig_json *j) {
    ig_json_key(j, "usage");
    if (!a) {
        ig_json_null(j);
        return;
    }
    ig_json_open(j, '{');
    reply_pair_int(j, "input_tokens", r->c->prompt_tokens);
    ig_json_key(j, "input_tokens_details"), ig_json_open(j, '{');
    reply_pair_int(j, "cached_tokens", 0); /* that is about prices: every token counts here */
    ig_json_close(j, '}');
    reply_pair_int(j, "output_tokens", r->c->completion_tokens);
    ig_json_key(j, "output_tokens_details"), ig_json_open(j, '{');
    reply_pair_int(j, "reasoning_tokens", 0); /* all output is text of the answer */
    ig_json_close(j, '}');
    reply_pair_int(j, "total_tokens", r->c->prompt_tokens + r->c->completion_tokens);
    ig_json_close(j, '}');
}

static void put_asked(const response *r, ig_json *j) {
    const ig_tree *body = ig_doc_root(r->c->body), *most = field_get(body, "max_output_tokens"), *metadata = field_get(body, "metadata");
    reply_pair_text(j, "instructions", ig_tree_text(body, "instructions", NULL));
    ig_json_key(j, "max_output_tokens");
    if (most) ig_json_int(j, most->integer);
    else ig_json_null(j);
    ig_json_key(j, "metadata");
    if (metadata) ig_json_tree(j, metadata);
    else ig_json_open(j, '{'), ig_json_close(j, '}');
    ig_json_key(j, "temperature"), ig_json_real(j, ig_tree_real(body, "temperature", 1));
    ig_json_key(j, "top_p"), ig_json_real(j, ig_tree_real(body, "top_p", 1));
    ig_json_key(j, "text"), ig_json_open(j, '{');
    ig_json_key(j, "format"), ig_json_open(j, '{');
    reply_pair_text(j, "type", format_type(r));
    ig_json_close(j, '}');
    ig_json_close(j, '}');
}

static void put_fixed(ig_json *j) {
    reply_pair_text(j, "error", NULL);
    reply_pair_text(j, "previous_response_id", NULL);
    ig_json_key(j, "parallel_tool_calls"), ig_json_bool(j, false);
    ig_json_key(j, "store"), ig_json_bool(j, false);
    reply_pair_text(j, "tool_choice", "none");
    ig_json_key(j, "tools"), ig_json_open(j, '['), ig_json_close(j, ']');
    reply_pair_text(j, "truncation", "disabled");
}

static void put_response(const response *r, const answer *a, ig_json *j) {
    bool cut = a && a->g.finish == IG_FINISH_LENGTH;
    ig_json_open(j, '{');
    reply_pair_text(j, "id", r->id);
    reply_pair_text(j, "object", "response");
    reply_pair_int(j, "created_at", r->created);
    reply_pair_text(j, "status", !a ? "in_progress" : cut ? "incomplete" : "completed");
    reply_pair_text(j, "model", r->c->model);
    ig_json_key(j, "incomplete_details");
    if (cut) ig_json_open(j, '{'), reply_pair_text(j, "reason", "max_output_tokens"), ig_json_close(j, '}');
    else ig_json_null(j);
    ig_json_key(j, "output"), ig_json_open(j, '[');
    if (a) put_item_out(r, a, j);
    ig_json_close(j, ']');
    put_asked(r, j);
    put_fixed(j);
    put_usage(r, a, j);
    ig_json_close(j, '}');
}

/* ---- streamed ------------------------------------------------------------------------------------------------------------------------ */

/* What is in an event besides type and number. */
typedef void put_event_fn(const response *r, const answer *a, ig_json *j);

static void event_response(const response *r, const answer *a, ig_json *j) { ig_json_key(j, "response"), put_response(r, a, j); }

static void event_item(const response *r, const answer *a, ig_json *j) {
    reply_pair_int(j, "output_index", 0);
    ig_json_key(j, "item"), put_item_out(r, a, j);
}

static void place(const response *r, ig_json *j) {
    reply_pair_text(j, "item_id", r->item);
    reply_pair_int(j, "output_index", 0);
    reply_pair_int(j, "content_index", 0);
}

static void event_part(const response *r, const answer *a, ig_json *j) {
    place(r, j);
    ig_json_key(j, "part"), put_content(j, a && a->g.text.data ? a->g.text.data : "", a ? a->g.text.len : 0);
}

static void event_text(const response *r, const answer *a, ig_json *j) {
    place(r, j);
    ig_json_key(j, "text"), ig_json_text_n(j, a->g.text.data ? a->g.text.data : "", a->g.text.len);
    ig_json_key(j, "logprobs"), ig_json_open(j, '['), ig_json_close(j, ']');
}

static ig_status send_json(response *r, const char *type, const ig_buf *b) {
    IG_TRY(ig_buf_status(b, &r->c->err));
    return ig_sse_event(r->c->http, type, b->data, b->len, &r->c->err);
}

static ig_status send_event(response *r, const char *type, put_event_fn *put, const answer *a) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    reply_pair_text(&j, "type", type);
    reply_pair_int(&j, "sequence_number", r->number++);
    put(r, a, &j);
    ig_json_close(&j, '}');
    ig_status s = send_json(r, type, &b);
    ig_buf_fini(&b);
    return s;
}

static ig_status begin(response *r) {
    if (r->begun) return IG_OK;
    r->begun = true;
    IG_TRY(reply_events(r->c));
    IG_TRY(send_event(r, "response.created", event_response, NULL));
    IG_TRY(send_event(r, "response.in_progress", event_response, NULL));
    IG_TRY(send_event(r, "response.output_item.added", event_item, NULL));
    return send_event(r, "response.content_part.added", event_part, NULL);
}

static ig_status on_text(void *arg, answer *a, const char *text, size_t len, const answer_token *tokens, size_t count) {
    response *r = arg;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    (void)a, (void)tokens, (void)count;
    IG_TRY(begin(r));
    ig_json_open(&j, '{');
    reply_pair_text(&j, "type", "response.output_text.delta");
    reply_pair_int(&j, "sequence_number", r->number++);
    place(r, &j);
    ig_json_key(&j, "delta"), ig_json_text_n(&j, text, len);
    ig_json_key(&j, "logprobs"), ig_json_open(&j, '['), ig_json_close(&j, ']');
    ig_json_close(&j, '}');
    ig_status s = send_json(r, "response.output_text.delta", &b);
    ig_buf_fini(&b);
    return s;
}

static ig_status end_stream(response *r, const answer *a) {
    bool cut = a->g.finish == IG_FINISH_LENGTH;
    IG_TRY(begin(r));
    IG_TRY(send_event(r, "response.output_text.done", event_text, a));
    IG_TRY(send_event(r, "response.content_part.done", event_part, a));
    IG_TRY(send_event(r, "response.output_item.done", event_item, a));
    IG_TRY(send_event(r, cut ? "response.incomplete" : "response.completed", event_response, a));
    return ig_http_stream_end(r->c->http, &r->c->err);
}

static void event_failed(const response *r, const answer *a, ig_json *j) {
    (void)a;
    int status = failure_status(r->c);
    reply_pair_text(j, "code", failure_code(r->c, status));
    failure_message(r->c, status, j);
    reply_pair_text(j, "param", r->c->param[0] ? r->c->param : NULL);
}

static ig_status end_failed(response *r, ig_status failed) {
    (void)send_event(r, "error", event_failed, NULL);
    (void)ig_http_stream_end(r->c->http, NULL);
    return failed;
}

/* ---- the request --------------------------------------------------------------------------------------------------------------------- */

static ig_status reply_whole(response *r, const answer *a) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    put_response(r, a, &j);
    ig_status s = reply_json(r->c, 200, &b);
    ig_buf_fini(&b);
    return s;
}

static ig_status respond(response *r) {
    answer a = {0};
    IG_TRY(take_settings(r));
    IG_TRY(read_input(r));
    IG_TRY(conversation_encode(r->c, r->l, ig_doc_root(r->messages), NULL, &r->prompt));
    ig_status s = answers_make(r->c, r->l, &r->s, &r->prompt, r->s.stream ? on_text : NULL, r, &a, 1);
    if (s == IG_OK) s = r->s.stream ? end_stream(r, &a) : reply_whole(r, &a);
    else if (r->begun) s = end_failed(r, s);
    answers_fini(&a, 1);
    return s;
}

ig_status run_responses(call *c) {
    response r = {.c = c, .created = ig_unix_time()};
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), response_fields, ""));
    reply_new_id("resp_", r.id);
    reply_new_id("msg_", r.item);
    IG_TRY(call_model(c, IG_CAN_GENERATE, &r.l));
    ig_status s = respond(&r);
    settings_fini(&r.s);
    ig_ids_fini(&r.prompt);
    ig_doc_free(r.messages);
    pool_release(c->s->pool, r.l);
    return s;
}
