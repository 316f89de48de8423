/* server/route_tickets.c: a person takes over: tickets, answers of staff, and what a visitor's page asks for.
 *
 *     visitor ── ticket ──► staff ── message ──► visitor (GET /v1/widget/messages)
 *                             └── "learn": a correction of the interaction that the ticket came from: knowledge
 *
 * A visitor is a signed random token that only this workspace can make; tickets keep its keyed hash.
 */
#include <string.h>
#include <sys/random.h>

#include "server/kind_fields.h"
#include "server/server.h"

/* Tickets that are looked through for a visitor's; older ones no longer reach the page. */
#define TICKETS_SEEN 1000

/* ---- JSON ------------------------------------------------------------------------------------------------------------------------- */

static void put_message(ig_json *j, const ig_store_message *m, bool staff) {
    ig_json_open(j, '{');
    reply_pair_text(j, "id", m->id);
    reply_pair_text(j, "from", m->from);
    if (staff) reply_pair_text(j, "who", m->who);
    reply_pair_text(j, "text", m->text);
    reply_pair_int(j, "at", m->at);
    ig_json_close(j, '}');
}

static ig_status put_messages(call *c, const char *ticket, bool staff, ig_json *j) {
    ig_store_message *list = NULL;
    size_t count = 0;
    IG_TRY(ig_store_message_list(c->s->store, ticket, &list, &count, &c->err));
    for (size_t i = 0; i < count; i++) put_message(j, &list[i], staff);
    ig_store_messages_free(list, count);
    return IG_OK;
}

static void put_ticket(ig_json *j, const ig_store_ticket *t, const char *feature) {
    reply_pair_text(j, "id", t->id);
    reply_pair_text(j, "feature", feature);
    reply_pair_text(j, "conversation", t->conversation);
    reply_pair_text(j, "interaction", t->interaction[0] ? t->interaction : NULL);
    reply_pair_text(j, "status", t->status);
    reply_pair_text(j, "subject", t->subject);
    reply_pair_text(j, "contact", t->contact);
    reply_pair_text(j, "user", t->user[0] ? t->user : NULL);
    reply_pair_int(j, "created_at", t->created_at);
    reply_pair_int(j, "changed_at", t->changed_at);
}

typedef struct transcript {
    ig_json *j;
    char last[IG_STORE_ID_SIZE];
} transcript;

static ig_status put_turn(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    transcript *t = arg;
    const char *const texts[][2] = {{"request", i->request}, {"answer", i->answer}};
    (void)f;
    if (strcmp(t->last, i->id) == 0) return IG_OK;
    snprintf(t->last, sizeof t->last, "%s", i->id);
    ig_json_open(t->j, '{');
    reply_pair_text(t->j, "id", i->id);
    reply_pair_text(t->j, "outcome", i->outcome);
    reply_pair_int(t->j, "at", i->at);
    for (size_t k = 0; k < 2; k++) {
        ig_doc *d = NULL;
        IG_TRY(ig_json_parse(texts[k][0], texts[k][1], strlen(texts[k][1]), &d, err));
        ig_json_key(t->j, texts[k][0]), ig_json_tree(t->j, ig_doc_root(d));
        ig_doc_free(d);
    }
    ig_json_close(t->j, '}');
    return IG_OK;
}

static ig_status reply_ticket(call *c, int status, const ig_store_ticket *t) {
    ig_store_feature f = {0};
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    transcript turns = {.j = &j};
    bool staff = c->role >= IG_ROLE_STAFF;
    ig_store_said_opts o = {.conversation = t->conversation};
    IG_TRY(ig_store_feature_get_id(c->s->store, t->feature, &f, &c->err));
    ig_json_open(&j, '{');
    put_ticket(&j, t, f.name);
    ig_json_key(&j, "messages"), ig_json_open(&j, '[');
    ig_status s = put_messages(c, t->id, staff, &j);
    ig_json_close(&j, ']');
    ig_json_key(&j, "interactions"), ig_json_open(&j, '[');
    if (s == IG_OK && staff && t->conversation[0]) s = ig_store_said_each(c->s->store, t->feature, &o, put_turn, &turns, &c->err);
    ig_json_close(&j, ']');
    ig_json_close(&j, '}');
    ig_store_feature_fini(&f);
    return reply_result(c, status, s, &b);
}

/* ---- a visitor ---------------------------------------------------------------------------------------------------------------------- */

/* The field of the kind that takes a text: a question, or a better answer. */
static void put_text_field(ig_json *j, const char *name, const ig_field *fields) {
    const ig_field *f = kind_text_field(fields);
    if (f) reply_pair_text(j, name, f->name);
}

/* What the widget must know of the kind behind its key. */
static ig_status put_kind(call *c, ig_json *j) {
    ig_store_feature f;
    const ig_kind *k;
    if (c->role != IG_ROLE_PUBLIC) return IG_OK;
    IG_TRY(ig_store_feature_get_id(c->s->store, c->allowed.feature, &f, &c->err));
    ig_status s = call_kind(c, f.kind, &k);
    ig_store_feature_fini(&f);
    IG_TRY(s);
    put_text_field(j, "request", k->request_fields);
    put_text_field(j, "correction", k->correction_fields);
    return IG_OK;
}

ig_status run_visitor(call *c) {
    uint64_t word[2];
    char payload[64], token[512];
    ig_buf b = {.max = 4096};
    ig_json j = {.out = &b};
    IG_TRY(call_loop(c));
    if (getrandom(word, sizeof word, 0) != (ssize_t)sizeof word) return ig_error_errno(&c->err, "random numbers");
    snprintf(payload, sizeof payload, "visitor %016llx%016llx", (unsigned long long)word[0], (unsigned long long)word[1]);
    IG_TRY(ig_store_sign(c->s->store, payload, token, sizeof token, &c->err));
    ig_json_open(&j, '{');
    reply_pair_text(&j, "visitor", token);
    ig_status s = put_kind(c, &j);
    ig_json_close(&j, '}');
    return reply_result(c, 200, s, &b);
}

/* The feature that a body or a query names; of a public key it is the one that the key names. */
static ig_status find_feature(call *c, const char *name, ig_store_feature *f) {
    IG_TRY(call_loop(c));
    if (name) return call_feature(c, name, f);
    if (c->role == IG_ROLE_PUBLIC) return ig_store_feature_get_id(c->s->store, c->allowed.feature, f, &c->err);
    return call_fail(c, 400, "feature", "missing_required_parameter", "'feature' is missing");
}

typedef struct mine {
    const char *conversation, *user; /* user: keyed hash */
    char interaction[IG_STORE_ID_SIZE];
    bool found;
} mine;

/* The last interaction of the conversation; it is the visitor's when it has no user or the same. */
static ig_status find_mine(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    mine *m = arg;
    (void)f, (void)err;
    if (i->user[0] && m->user[0] && strcmp(i->user, m->user) != 0) return IG_OK;
    snprintf(m->interaction, sizeof m->interaction, "%s", i->id);
    m->found = true;
    return IG_OK;
}

static const field ticket_fields[] = {
    {"conversation", F_TEXT, FIELD_USED, 1, IG_STORE_ID_SIZE - 1, NULL, false, ""},
    {"contact", F_TEXT, FIELD_USED, 0, 400, NULL, false, ""},
    {"text", F_TEXT, FIELD_USED, 1, 20000, NULL, true, ""},
    {"feature", F_TEXT, FIELD_USED, 1, IG_STORE_NAME_MAX, NULL, false, ""},
    {"user", F_TEXT, FIELD_USED, 1, SERVER_USER_SIZE - 1, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static ig_status new_ticket(call *c, const ig_store_feature *f, const ig_tree *body) {
    char user[SERVER_USER_SIZE], subject[160];
    const ig_tree *conversation = field_get(body, "conversation");
    ig_store_ticket t = {0}, made = {0};
    ig_store_message message = {0};
    IG_TRY(access_user(c, ig_tree_text(body, "user", NULL), true, user, sizeof user));
    if (user[0]) IG_TRY(ig_store_user_hash(c->s->store, user, t.user, &c->err));
    mine m = {.user = t.user};
    ig_store_said_opts o = {.conversation = conversation ? conversation->text : NULL};
    if (conversation) {
        IG_TRY(ig_store_said_each(c->s->store, f->id, &o, find_mine, &m, &c->err));
        if (!m.found) return call_fail(c, 404, "conversation", "conversation_not_found", "there is no conversation '%.60s'", conversation->text);
        snprintf(t.conversation, sizeof t.conversation, "%s", conversation->text);
    }
    const char *text = ig_tree_text(body, "text", "");
    size_t cut = strnlen(text, sizeof subject - 1);
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80) cut--;
    snprintf(subject, sizeof subject, "%.*s", (int)cut, text);
    memcpy(t.feature, f->id, sizeof t.feature);
    memcpy(t.interaction, m.interaction, sizeof t.interaction);
    t.subject = subject;
    t.contact = (char *)(uintptr_t)ig_tree_text(body, "contact", "");
    IG_TRY(ig_store_ticket_new(c->s->store, &t, c->key_id, &made, &c->err));
    ig_status s = ig_store_message_add(c->s->store, made.id, "user", c->key_id, text, &message, &c->err);
    ig_free(message.text);
    if (s == IG_OK) webhooks_ticket(c->s->webhooks, f, &made, text);
    if (s == IG_OK) s = reply_ticket(c, 201, &made);
    ig_store_ticket_fini(&made);
    return s;
}

ig_status run_ticket_new(call *c) {
    ig_store_feature f = {0};
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), ticket_fields, ""));
    IG_TRY(find_feature(c, ig_tree_text(ig_doc_root(c->body), "feature", NULL), &f));
    ig_status s = new_ticket(c, &f, ig_doc_root(c->body));
    ig_store_feature_fini(&f);
    return s;
}

static ig_status put_mine(call *c, const ig_store_feature *f, const mine *m, ig_json *j) {
    ig_store_ticket *list = NULL;
    size_t count = 0;
    bool more;
    ig_status s = IG_OK;
    IG_TRY(ig_store_ticket_list(c->s->store, f->id, NULL, &(ig_store_page){.limit = TICKETS_SEEN}, &list, &count, &more, &c->err));
    const char *status = NULL;
    ig_json_key(j, "messages"), ig_json_open(j, '[');
    for (size_t i = count; i-- > 0 && s == IG_OK;) {
        if (strcmp(list[i].user, m->user) != 0) continue;
        if (m->conversation && strcmp(list[i].conversation, m->conversation) != 0) continue;
        status = list[i].status;
        s = put_messages(c, list[i].id, false, j);
    }
    ig_json_close(j, ']');
    reply_pair_text(j, "status", status);
    ig_store_tickets_free(list, count);
    return s;
}

ig_status run_widget_messages(call *c) {
    const char *visitor = ig_http_request_query(c->http, "visitor");
    char user[SERVER_USER_SIZE], hash[65];
    ig_store_feature f = {0};
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    if (!visitor) return call_fail(c, 400, "visitor", "missing_required_parameter", "'visitor' is missing");
    IG_TRY(access_user(c, visitor, false, user, sizeof user));
    IG_TRY(find_feature(c, ig_http_request_query(c->http, "feature"), &f));
    mine m = {.user = hash, .conversation = ig_http_request_query(c->http, "conversation")};
    ig_status s = ig_store_user_hash(c->s->store, user, hash, &c->err);
    ig_json_open(&j, '{');
    if (s == IG_OK) s = put_mine(c, &f, &m, &j);
    ig_json_close(&j, '}');
    ig_store_feature_fini(&f);
    return reply_result(c, 200, s, &b);
}

/* ---- staff ---------------------------------------------------------------------------------------------------------------------------- */

static ig_status put_listed(call *c, const ig_store_ticket *t, ig_json *j) {
    ig_store_feature f = {0};
    IG_TRY(ig_store_feature_get_id(c->s->store, t->feature, &f, &c->err));
    ig_json_open(j, '{');
    put_ticket(j, t, f.name);
    ig_json_close(j, '}');
    ig_store_feature_fini(&f);
    return IG_OK;
}

ig_status run_tickets(call *c) {
    const char *name = ig_http_request_query(c->http, "feature");
    ig_store_page page = {.limit = 50};
    ig_store_feature f = {0};
    ig_store_ticket *list = NULL;
    size_t count = 0;
    bool more = false;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(call_loop(c));
    IG_TRY(call_page(c, 500, &page));
    if (name) IG_TRY(call_feature(c, name, &f));
    ig_status s = ig_store_ticket_list(c->s->store, name ? f.id : NULL, ig_http_request_query(c->http, "status"), &page, &list, &count, &more, &c->err);
    ig_store_feature_fini(&f);
    ig_json_open(&j, '{');
    ig_json_key(&j, "tickets"), ig_json_open(&j, '[');
    for (size_t i = 0; i < count && s == IG_OK; i++) s = put_listed(c, &list[i], &j);
    ig_json_close(&j, ']');
    ig_json_key(&j, "has_more"), ig_json_bool(&j, more);
    ig_json_close(&j, '}');
    ig_store_tickets_free(list, count);
    return reply_result(c, 200, s, &b);
}

static ig_status find_ticket(call *c, ig_store_ticket *t) {
    ig_error err = {0};
    IG_TRY(call_loop(c));
    ig_status s = ig_store_ticket_get(c->s->store, c->segment, t, &err);
    if (s == IG_E_NOT_FOUND || s == IG_E_ARG) return call_fail(c, 404, "id", "ticket_not_found", "there is no ticket '%.60s'", c->segment);
    if (s != IG_OK) c->err = err;
    return s;
}

ig_status run_ticket(call *c) {
    ig_store_ticket t = {0};
    IG_TRY(find_ticket(c, &t));
    ig_status s = reply_ticket(c, 200, &t);
    ig_store_ticket_fini(&t);
    return s;
}

static const field message_fields[] = {
    {"text", F_TEXT, FIELD_USED, 1, 20000, NULL, true, ""},
    {"learn", F_BOOL, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

/* The answer as a correction, in the first text that the kind's corrections have. */
static ig_status write_correction(call *c, const ig_store_ticket *t, const char *text, ig_doc **out) {
    ig_store_feature f = {0};
    ig_buf b = {.max = 1 << 20};
    ig_json j = {.out = &b};
    IG_TRY(ig_store_feature_get_id(c->s->store, t->feature, &f, &c->err));
    const ig_kind *k = server_kind(c->s, f.kind);
    const ig_field *place = k ? kind_text_field(k->correction_fields) : NULL;
    ig_store_feature_fini(&f);
    if (!place || !t->interaction[0])
        return call_fail(c, 409, "learn", "nothing_to_learn", "this ticket came from no question that an answer could be learned for");
    ig_json_open(&j, '{');
    ig_json_key(&j, place->name), ig_json_text(&j, text);
    ig_json_close(&j, '}');
    ig_status s = ig_buf_status(&b, &c->err);
    if (s == IG_OK) s = ig_json_parse("correction", b.data, b.len, out, &c->err);
    ig_buf_fini(&b);
    return s;
}

static ig_status learn_answer(call *c, const ig_store_ticket *t, const char *text) {
    ig_doc *correction = NULL;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(write_correction(c, t, text, &correction));
    ig_feedback_opts o = {.type = "correction", .correction = ig_doc_root(correction), .who = c->key_id, .staff = true};
    ig_status s = ig_loop_feedback(c->s->loop, t->interaction, &o, &b, &c->err);
    ig_doc_free(correction);
    ig_buf_fini(&b);
    return s;
}

static ig_status reply_changed(call *c, const char *id) {
    ig_store_ticket now = {0};
    IG_TRY(ig_store_ticket_get(c->s->store, id, &now, &c->err));
    ig_status s = reply_ticket(c, 200, &now);
    ig_store_ticket_fini(&now);
    return s;
}

ig_status run_ticket_message(call *c) {
    ig_store_ticket t = {0};
    ig_store_message m = {0};
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), message_fields, ""));
    const char *text = ig_tree_text(ig_doc_root(c->body), "text", "");
    IG_TRY(find_ticket(c, &t));
    ig_status s = IG_OK;
    if (ig_tree_bool(ig_doc_root(c->body), "learn", false)) s = learn_answer(c, &t, text);
    if (s == IG_OK) s = ig_store_message_add(c->s->store, t.id, "staff", c->key_id, text, &m, &c->err);
    ig_free(m.text);
    if (s == IG_OK) s = reply_changed(c, t.id);
    ig_store_ticket_fini(&t);
    return s;
}

ig_status run_ticket_close(call *c) {
    ig_store_ticket t = {0};
    IG_TRY(find_ticket(c, &t));
    ig_status s = ig_store_ticket_set_status(c->s->store, t.id, "closed", c->key_id, &c->err);
    if (s == IG_OK) s = reply_changed(c, t.id);
    ig_store_ticket_fini(&t);
    return s;
}
