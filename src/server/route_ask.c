/* server/route_ask.c: POST /v1/features/{name}/ask, whole and as a stream, and the same behind /v1/chat/completions.
 *
 *     body ──split──► what is for the loop (user, conversation, consent, stream …)
 *                └──► what is for the kind (its request)  ──► ig_loop_ask ──► text, piece by piece ──► {"delta"} events
 *                                                                      └────► the whole answer
 *
 * A stream begins with the first text, so that what fails before it still has its status.
 */
#include <string.h>

#include "server/kind_fields.h"
#include "server/server.h"

static const field ask_fields[] = {
    {"user", F_TEXT, FIELD_USED, 1, SERVER_USER_SIZE - 1, NULL, false, ""},
    {"conversation", F_TEXT, FIELD_USED, 1, IG_STORE_ID_SIZE - 1, NULL, false, ""},
    {"consent", F_BOOL, FIELD_USED, 0, 0, NULL, false, ""},
    {"stream", F_BOOL, FIELD_USED, 0, 0, NULL, false, ""},
    {"version", F_INT, FIELD_USED, 0, 1e9, NULL, false, ""},
    {"record", F_BOOL, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static bool is_control(const char *key) {
    for (const field *f = ask_fields; f->name; f++)
        if (strcmp(f->name, key) == 0) return true;
    return false;
}

/* The keys of a map that are (or are not) the loop's, as a document of their own. */
static ig_status part_of(const ig_tree *body, bool control, ig_doc **out, ig_error *err) {
    ig_buf b = {.max = 16 << 20};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    for (const ig_tree *v = body->child; v; v = v->next)
        if (is_control(v->key) == control) ig_json_key(&j, v->key), ig_json_tree(&j, v);
    ig_json_close(&j, '}');
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) s = ig_json_parse("request", b.data, b.len, out, err);
    ig_buf_fini(&b);
    return s;
}

/* A conversation exists for a public key only when it is of its feature. */
static ig_status seen(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    (void)i, (void)f, (void)err;
    *(bool *)arg = true;
    return IG_OK;
}

ig_status call_conversation(call *c, const ig_store_feature *f, const char *id) {
    bool found = false;
    ig_store_said_opts o = {.conversation = id, .limit = 1};
    if (!id) return IG_OK;
    IG_TRY(ig_store_said_each(c->s->store, f->id, &o, seen, &found, &c->err));
    return found ? IG_OK : call_fail(c, 404, "conversation", "conversation_not_found", "there is no conversation '%.60s'", id);
}

static ig_status take_control(call *c, const ig_tree *map, const ig_store_feature *f, asking *a) {
    IG_TRY(fields_check(c, map, ask_fields, ""));
    const ig_tree *user = field_get(map, "user"), *conversation = field_get(map, "conversation");
    bool staff = c->role >= IG_ROLE_STAFF;
    if (!staff && (field_get(map, "version") || field_get(map, "record")))
        return call_fail(c, 403, "version", "insufficient_permissions", "'version' and 'record' need a key of the role staff");
    IG_TRY(access_user(c, user ? user->text : NULL, true, a->user, sizeof a->user));
    IG_TRY(call_conversation(c, f, conversation ? conversation->text : NULL));
    a->stream = ig_tree_bool(map, "stream", false);
    a->o.user = a->user[0] ? a->user : NULL;
    a->o.conversation = conversation ? conversation->text : NULL;
    a->o.no_consent = !ig_tree_bool(map, "consent", true);
    a->o.no_record = !ig_tree_bool(map, "record", true);
    a->o.version = ig_tree_int(map, "version", 0);
    return IG_OK;
}

/* ---- the stream -------------------------------------------------------------------------------------------------------------- */

static ig_status begin(asking *a) {
    if (a->begun) return IG_OK;
    a->begun = true;
    return reply_events(a->c);
}

static bool on_text(void *arg, const char *text, size_t len) {
    asking *a = arg;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    ig_json_key(&j, "delta"), ig_json_text_n(&j, text, len);
    ig_json_close(&j, '}');
    bool going = ig_buf_status(&b, NULL) == IG_OK && begin(a) == IG_OK && ig_sse_event(a->c->http, NULL, b.data, b.len, NULL) == IG_OK;
    ig_buf_fini(&b);
    return going;
}

ig_status ask_end_stream(call *c, const char *data, size_t len) {
    IG_TRY(ig_sse_event(c->http, NULL, data, len, &c->err));
    IG_TRY(ig_sse_event(c->http, NULL, "[DONE]", 6, &c->err));
    return ig_http_stream_end(c->http, &c->err);
}

ig_status ask_fail_stream(call *c, ig_status failed) {
    ig_buf b = {.max = 1 << 16};
    failure_json(c, 500, &b);
    (void)ig_sse_event(c->http, NULL, b.data ? b.data : "", b.len, NULL);
    (void)ig_http_stream_end(c->http, NULL);
    ig_buf_fini(&b);
    return failed;
}

/* ---- the call --------------------------------------------------------------------------------------------------------------------- */

ig_status ask_loop(asking *a, const ig_store_feature *f, const ig_tree *request, ig_buf *out) {
    call *c = a->c;
    a->o.key = c->key_id;
    a->o.write = writer_of(c, f, &a->writer);
    a->o.write_arg = &a->writer;
    return ig_loop_ask(c->s->loop, f->name, request, &a->o, out, &c->err);
}

static ig_status ask(asking *a, const ig_store_feature *f, const ig_tree *request) {
    call *c = a->c;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    if (a->stream) a->o.on_text = on_text, a->o.on_text_arg = a;
    ig_status s = ask_loop(a, f, request, &b);
    if (s == IG_OK) s = ig_buf_status(&b, &c->err);
    if (!a->stream) return reply_result(c, 200, s, &b);
    if (s == IG_OK) s = begin(a);
    if (s == IG_OK) s = ask_end_stream(c, b.data, b.len);
    else if (a->begun) s = ask_fail_stream(c, s);
    ig_buf_fini(&b);
    return s;
}

ig_status run_ask(call *c) {
    asking a = {.c = c};
    ig_store_feature f = {0};
    ig_doc *control = NULL, *request = NULL;
    IG_TRY(call_feature(c, c->segment, &f));
    ig_status s = call_body(c);
    if (s == IG_OK) s = part_of(ig_doc_root(c->body), true, &control, &c->err);
    if (s == IG_OK) s = part_of(ig_doc_root(c->body), false, &request, &c->err);
    if (s == IG_OK) s = take_control(c, ig_doc_root(control), &f, &a);
    if (s == IG_OK) s = ask(&a, &f, ig_doc_root(request));
    ig_doc_free(request);
    ig_doc_free(control);
    ig_store_feature_fini(&f);
    return s;
}
