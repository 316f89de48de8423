/* server/chat_feature.c: /v1/chat/completions with a feature's name as the model.
 *
 * The last user message is asked.  A client sends the whole conversation each time and no id of it: `threads` remembers, for the
 * messages up to an answer, which conversation of the loop that answer belongs to.  An entry is used once; after a restart, or
 * when 4096 newer ones came, a question simply begins a new conversation.
 */
#include <string.h>

#include "server/kind_fields.h"
#include "server/server.h"

#define THREADS 4096

struct threads {
    pthread_mutex_t lock;
    size_t next;
    struct { uint64_t messages; char conversation[IG_STORE_ID_SIZE]; } thread[THREADS];
};

ig_status threads_open(threads **out, ig_error *err) {
    threads *t = *out = ig_calloc(1, sizeof *t);
    if (!t) return ig_error_nomem(err, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    return IG_OK;
}

void threads_close(threads *t) {
    if (!t) return;
    pthread_mutex_destroy(&t->lock);
    ig_free(t);
}

static bool threads_take(threads *t, uint64_t messages, char out[IG_STORE_ID_SIZE]) {
    bool found = false;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < THREADS && !found; i++) {
        found = t->thread[i].messages == messages && t->thread[i].conversation[0];
        if (!found) continue;
        memcpy(out, t->thread[i].conversation, IG_STORE_ID_SIZE);
        t->thread[i].conversation[0] = '\0';
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

static void threads_put(threads *t, uint64_t messages, const char *conversation) {
    pthread_mutex_lock(&t->lock);
    size_t i = t->next++ % THREADS;
    t->thread[i].messages = messages;
    snprintf(t->thread[i].conversation, IG_STORE_ID_SIZE, "%s", conversation);
    pthread_mutex_unlock(&t->lock);
}

/* ---- the messages ------------------------------------------------------------------------------------------------------------- */

typedef struct chat {
    asking a;
    const ig_kind *kind;
    ig_buf question;
    uint64_t before;   /* hash of all messages before the question */
    uint64_t with;     /* and with it */
    char conversation[IG_STORE_ID_SIZE], id[SERVER_ID_SIZE];
    int64_t created;
    bool begun, told;
} chat;

static uint64_t mix(uint64_t hash, const char *role, const char *text, size_t len) {
    return ig_hash64(text, len, ig_hash64(role, strlen(role), hash));
}

static ig_status read_messages(chat *h, const ig_tree *messages) {
    call *c = h->a.c;
    uint64_t hash = mix(c->scope, h->a.user, c->model, strlen(c->model));
    bool asked = false;
    for (const ig_tree *m = messages->child; m; m = m->next) {
        const char *role = ig_tree_text(m, "role", "");
        ig_buf text = {.max = 16 << 20};
        ig_status s = conversation_text(c, ig_tree_get(m, "content"), "messages", &text);
        asked = strcmp(role, "user") == 0;
        if (asked) h->before = hash;
        hash = mix(hash, role, text.data ? text.data : "", text.len);
        if (asked) ig_buf_clear(&h->question), ig_buf_append(&h->question, text.data ? text.data : "", text.len);
        ig_buf_fini(&text);
        IG_TRY(s);
    }
    h->with = hash;
    if (!asked) return call_fail(c, 400, "messages", "invalid_value", "the last message must be of the role user: it is what is asked");
    return ig_buf_status(&h->question, &c->err);
}

static ig_status write_request(chat *h, ig_doc **out) {
    call *c = h->a.c;
    const ig_field *f = kind_text_field(h->kind->request_fields);
    ig_buf b = {.max = 32 << 20};
    ig_json j = {.out = &b};
    if (!f) return call_fail(c, 400, "model", "unsupported", "'%.100s' takes no text: use POST /v1/features/%.100s/ask", c->model, c->model);
    ig_json_open(&j, '{');
    ig_json_key(&j, f->name), ig_json_text_n(&j, h->question.data ? h->question.data : "", h->question.len);
    ig_json_close(&j, '}');
    ig_status s = ig_buf_status(&b, &c->err);
    if (s == IG_OK) s = ig_json_parse("request", b.data, b.len, out, &c->err);
    ig_buf_fini(&b);
    return s;
}

/* What a feature cannot do is refused by name. */
static ig_status check_body(call *c, const ig_tree *body) {
    static const char *const refused[] = {"tools", "response_format", "logprobs", "logit_bias"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const ig_tree *v = field_get(body, refused[i]);
        if (v && v->type != IG_TREE_BOOL)
            return call_fail(c, 400, refused[i], "unsupported_parameter", "'%s' is not supported by a feature", refused[i]);
    }
    if (ig_tree_int(body, "n", 1) != 1) return call_fail(c, 400, "n", "unsupported_parameter", "a feature gives one answer");
    return IG_OK;
}

/* ---- the answer ------------------------------------------------------------------------------------------------------------------ */

static void open_object(chat *h, const char *object, const char *part, ig_json *j) {
    ig_json_open(j, '{');
    reply_pair_text(j, "id", h->id);
    reply_pair_text(j, "object", object);
    reply_pair_int(j, "created", h->created);
    reply_pair_text(j, "model", h->a.c->model);
    ig_json_key(j, "choices"), ig_json_open(j, '[');
    ig_json_open(j, '{');
    reply_pair_int(j, "index", 0);
    ig_json_key(j, part), ig_json_open(j, '{');
}

/* The message or delta is written: the rest of the object. */
static void close_object(const char *finish, const ig_tree *whole, ig_json *j) {
    ig_json_close(j, '}');
    ig_json_key(j, "logprobs"), ig_json_null(j);
    reply_pair_text(j, "finish_reason", finish);
    ig_json_close(j, '}');
    ig_json_close(j, ']');
    if (whole) {
        reply_usage(j, 0, 0);
        ig_json_key(j, "ingot"), ig_json_tree(j, whole);
    }
    ig_json_close(j, '}');
}

static ig_status send_delta(chat *h, const char *text, size_t len) {
    call *c = h->a.c;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    if (!h->begun) IG_TRY(reply_events(c));
    open_object(h, "chat.completion.chunk", "delta", &j);
    if (!h->begun) reply_pair_text(&j, "role", "assistant");
    ig_json_key(&j, "content"), ig_json_text_n(&j, text, len);
    close_object(NULL, NULL, &j);
    h->begun = true;
    ig_status s = ig_buf_status(&b, &c->err);
    if (s == IG_OK) s = ig_sse_event(c->http, NULL, b.data, b.len, &c->err);
    ig_buf_fini(&b);
    return s;
}

static bool on_text(void *arg, const char *text, size_t len) {
    chat *h = arg;
    h->told = true;
    return send_delta(h, text, len) == IG_OK;
}

/* The text of the whole answer; of a kind without one, its JSON. */
static ig_status answer_text(const chat *h, const ig_tree *whole, ig_buf *out, ig_error *err) {
    const ig_tree *said = ig_tree_get(whole, "answer");
    const char *text = kind_answer_text(h->kind, said);
    ig_json j = {.out = out};
    if (text) ig_buf_puts(out, text);
    else if (said) ig_json_tree(&j, said);
    return ig_buf_status(out, err);
}

static ig_status reply_chat(chat *h, const ig_tree *whole, const ig_buf *text) {
    call *c = h->a.c;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    ig_status s = IG_OK;
    if (h->a.stream && !h->told) s = send_delta(h, text->data ? text->data : "", text->len);
    open_object(h, h->a.stream ? "chat.completion.chunk" : "chat.completion", h->a.stream ? "delta" : "message", &j);
    if (!h->a.stream) {
        reply_pair_text(&j, "role", "assistant");
        ig_json_key(&j, "content"), ig_json_text_n(&j, text->data ? text->data : "", text->len);
        reply_pair_text(&j, "refusal", NULL);
    }
    close_object("stop", whole, &j);
    if (!h->a.stream) return reply_result(c, 200, s, &b);
    if (s == IG_OK) s = ig_buf_status(&b, &c->err);
    if (s == IG_OK) s = ask_end_stream(c, b.data, b.len);
    ig_buf_fini(&b);
    return s;
}

static ig_status tell(chat *h, const ig_buf *json) {
    call *c = h->a.c;
    ig_doc *d = NULL;
    ig_buf text = {.max = SERVER_REPLY_BYTES_MAX};
    ig_status s = ig_json_parse("answer", json->data ? json->data : "", json->len, &d, &c->err);
    if (s == IG_OK) s = answer_text(h, ig_doc_root(d), &text, &c->err);
    if (s == IG_OK) {
        const char *conversation = ig_tree_text(ig_doc_root(d), "conversation", "");
        threads_put(c->s->threads, mix(h->with, "assistant", text.data ? text.data : "", text.len), conversation);
        s = reply_chat(h, ig_doc_root(d), &text);
    }
    ig_buf_fini(&text);
    ig_doc_free(d);
    return s;
}

static ig_status ask_chat(chat *h, const ig_store_feature *f, const ig_tree *body) {
    call *c = h->a.c;
    const ig_tree *user = field_get(body, "user");
    ig_doc *request = NULL;
    ig_buf json = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(check_body(c, body));
    IG_TRY(access_user(c, user ? user->text : NULL, true, h->a.user, sizeof h->a.user));
    IG_TRY(read_messages(h, field_get(body, "messages")));
    h->a.stream = ig_tree_bool(body, "stream", false);
    h->a.o.user = h->a.user[0] ? h->a.user : NULL;
    if (threads_take(c->s->threads, h->before, h->conversation)) h->a.o.conversation = h->conversation;
    if (h->a.stream) h->a.o.on_text = on_text, h->a.o.on_text_arg = h;
    ig_status s = write_request(h, &request);
    if (s == IG_OK) s = ask_loop(&h->a, f, ig_doc_root(request), &json);
    if (s == IG_OK) s = tell(h, &json);
    if (s != IG_OK && h->begun) s = ask_fail_stream(c, s);
    ig_doc_free(request);
    ig_buf_fini(&json);
    return s;
}

ig_status chat_feature(call *c, const char *name, bool *is_feature) {
    chat h = {.a = {.c = c}, .created = ig_unix_time(), .question = {.max = 16 << 20}};
    ig_store_feature f = {0};
    ig_error err = {0};
    *is_feature = false;
    if (!c->s->loop) return IG_OK;
    ig_status s = ig_store_feature_get(c->s->store, name, &f, &err);
    if (s == IG_E_NOT_FOUND || s == IG_E_ARG) return IG_OK;
    *is_feature = true;
    if (s != IG_OK) {
        c->err = err;
        return s;
    }
    ig_store_feature_fini(&f);
    IG_TRY(call_feature(c, name, &f));
    h.kind = server_kind(c->s, f.kind);
    reply_new_id("chatcmpl-", h.id);
    s = h.kind ? ask_chat(&h, &f, ig_doc_root(c->body))
               : call_fail(c, 409, "model", "unknown_kind", "this program has no code for the kind of '%.100s'", name);
    ig_buf_fini(&h.question);
    ig_store_feature_fini(&f);
    return s;
}
