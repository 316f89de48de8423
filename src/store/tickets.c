/* store/tickets.c: a person takes over: tickets and their messages.
 *
 *     open ──staff writes──► answered ──user writes──► open          closed by staff; a user's message opens it again
 */
#include <string.h>

#include "store/store.h"

static const char *const statuses[] = {"open", "answered", "closed", NULL};
static const char *const sources[] = {"user", "staff", "desk", NULL};

/* ---- rows -------------------------------------------------------------------------------------------------------- */

void ig_store_ticket_fini(ig_store_ticket *t) {
    if (!t) return;
    ig_free(t->subject), ig_free(t->contact);
    *t = (ig_store_ticket){0};
}

void ig_store_tickets_free(ig_store_ticket *list, size_t count) {
    for (size_t i = 0; i < count; i++) ig_store_ticket_fini(&list[i]);
    ig_free(list);
}

static void fini_ticket(void *item) { ig_store_ticket_fini(item); }

static ig_status read_ticket(void *item, const store_value *v, ig_error *err) {
    ig_store_ticket *t = item;
    IG_TRY(store_get_text(t->id, sizeof t->id, &v[0], err));
    IG_TRY(store_get_text(t->feature, sizeof t->feature, &v[1], err));
    IG_TRY(store_get_text(t->conversation, sizeof t->conversation, &v[2], err));
    IG_TRY(store_get_text(t->interaction, sizeof t->interaction, &v[3], err));
    IG_TRY(store_get_text(t->status, sizeof t->status, &v[4], err));
    IG_TRY(store_get_text(t->user, sizeof t->user, &v[5], err));
    t->created_at = v[8].integer, t->changed_at = v[9].integer;
    IG_TRY(store_get_copy(&t->subject, &v[6], err));
    return store_get_copy(&t->contact, &v[7], err);
}

static const store_list tickets = {
    .thing = "ticket", .seq = STORE_Q_TICKET_SEQ, .newest = STORE_Q_TICKET_NEWEST, .oldest = STORE_Q_TICKET_OLDEST,
    .item_bytes = sizeof(ig_store_ticket), .read = read_ticket, .fini = fini_ticket, .filters = 2,
};

static void fini_message(void *item) { ig_free(((ig_store_message *)item)->text); }

void ig_store_messages_free(ig_store_message *list, size_t count) {
    for (size_t i = 0; i < count; i++) fini_message(&list[i]);
    ig_free(list);
}

static ig_status read_message(void *item, const store_value *v, ig_error *err) {
    ig_store_message *m = item;
    IG_TRY(store_get_text(m->id, sizeof m->id, &v[0], err));
    IG_TRY(store_get_text(m->from, sizeof m->from, &v[1], err));
    IG_TRY(store_get_text(m->who, sizeof m->who, &v[2], err));
    m->at = v[4].integer;
    return store_get_copy(&m->text, &v[3], err);
}

static const store_list messages = {
    .thing = "message", .item_bytes = sizeof(ig_store_message), .read = read_message, .fini = fini_message,
};

static ig_status check_word(const char *const *words, const char *field, const char *word, ig_error *err) {
    for (int i = 0; words[i]; i++)
        if (word && strcmp(words[i], word) == 0) return IG_OK;
    return ig_error_set(err, IG_E_ARG, "%s is %s, %s or %s, not \"%.20s\"", field, words[0], words[1], words[2], word ? word : "");
}

/* ---- tickets ----------------------------------------------------------------------------------------------------- */

typedef struct change {
    const char *id, *word, *who, *text;
    const ig_store_ticket *ticket;
    ig_store_ticket *out;
} change;

static ig_status audit_status(ig_store *s, const change *c, const char *what, const char *id, const char *before, const char *after,
                              ig_error *err) {
    char old[40], new[40];
    snprintf(old, sizeof old, "{\"status\":\"%s\"}", before ? before : "");
    snprintf(new, sizeof new, "{\"status\":\"%s\"}", after);
    return store_audit(s, &(ig_store_audit_opts){.who = c->who, .what = what, .object = id, .before = before ? old : NULL,
                                                 .after = new}, err);
}

static ig_status add_ticket(ig_store *s, void *arg, ig_error *err) {
    const change *c = arg;
    const ig_store_ticket *t = c->ticket;
    char id[IG_STORE_ID_SIZE];
    store_id_new("tkt-", id);
    const store_value v[] = {store_text(id), store_text(t->feature), store_text(t->conversation), store_text(t->interaction),
                             store_text("open"), store_text(t->user), store_text(t->subject), store_text(t->contact),
                             store_int(store_now(s))};
    IG_TRY(store_run(s, STORE_Q_TICKET_ADD, v, 9, NULL, NULL, err));
    IG_TRY(audit_status(s, c, "ticket.new", id, NULL, "open", err));
    return store_get(s, &tickets, STORE_Q_TICKET_GET, id, c->out, err);
}

ig_status ig_store_ticket_new(ig_store *s, const ig_store_ticket *t, const char *who, ig_store_ticket *out, ig_error *err) {
    *out = (ig_store_ticket){0};
    IG_TRY(store_check_text("the conversation", t->conversation, err));
    IG_TRY(store_check_text("the user", t->user, err));
    IG_TRY(store_check_text("the subject of the ticket", t->subject, err));
    IG_TRY(store_check_text("the contact of the ticket", t->contact, err));
    ig_status status = store_write(s, add_ticket, &(change){.ticket = t, .who = who, .out = out}, err);
    if (status != IG_OK) ig_store_ticket_fini(out);
    return status;
}

ig_status ig_store_ticket_get(ig_store *s, const char *id, ig_store_ticket *out, ig_error *err) {
    pthread_mutex_lock(&s->lock);
    ig_status status = store_get(s, &tickets, STORE_Q_TICKET_GET, id, out, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

ig_status ig_store_ticket_list(ig_store *s, const char *feature, const char *status, const ig_store_page *page, ig_store_ticket **out,
                               size_t *count, bool *more, ig_error *err) {
    const store_value filter[] = {store_text(feature), store_text(status)};
    *out = NULL, *count = 0, *more = false;
    if (status) IG_TRY(check_word(statuses, "the status of a ticket", status, err));
    return store_page(s, &tickets, filter, page, out, count, more, err);
}

static ig_status move(ig_store *s, const change *c, const char *to, ig_error *err) {
    const store_value v[] = {store_text(c->id), store_text(to), store_int(store_now(s))};
    return store_run(s, STORE_Q_TICKET_STATUS, v, 3, NULL, NULL, err);
}

static ig_status set_status(ig_store *s, void *arg, ig_error *err) {
    const change *c = arg;
    ig_store_ticket t;
    IG_TRY(store_get(s, &tickets, STORE_Q_TICKET_GET, c->id, &t, err));
    ig_status status = IG_OK;
    if (strcmp(t.status, c->word) != 0) status = move(s, c, c->word, err);
    if (status == IG_OK && strcmp(t.status, c->word) != 0)
        status = audit_status(s, c, "ticket.status", t.id, t.status, c->word, err);
    ig_store_ticket_fini(&t);
    return status;
}

ig_status ig_store_ticket_set_status(ig_store *s, const char *id, const char *status, const char *who, ig_error *err) {
    IG_TRY(check_word(statuses, "the status of a ticket", status, err));
    return store_write(s, set_status, &(change){.id = id, .word = status, .who = who}, err);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

/* What a message makes of its ticket; NULL: what it was. */
static const char *status_after(const char *from, const char *before) {
    if (strcmp(from, "user") == 0) return "open";
    return strcmp(from, "staff") == 0 && strcmp(before, "open") == 0 ? "answered" : before;
}

typedef struct new_message {
    change on;
    ig_store_message *out;
} new_message;

static ig_status add_message(ig_store *s, void *arg, ig_error *err) {
    const new_message *n = arg;
    ig_store_message *m = n->out;
    ig_store_ticket t;
    IG_TRY(store_get(s, &tickets, STORE_Q_TICKET_GET, n->on.id, &t, err));
    const char *after = status_after(m->from, t.status);
    ig_status status = move(s, &n->on, after, err);
    ig_store_ticket_fini(&t);
    const store_value v[] = {store_text(m->id), store_text(n->on.id), store_text(m->from), store_text(m->who), store_text(m->text),
                             store_int(m->at)};
    return status == IG_OK ? store_run(s, STORE_Q_MESSAGE_ADD, v, 6, NULL, NULL, err) : status;
}

ig_status ig_store_message_add(ig_store *s, const char *ticket, const char *from, const char *who, const char *text,
                               ig_store_message *out, ig_error *err) {
    ig_store_message m = {.at = store_now(s)};
    if (out) *out = (ig_store_message){0};
    IG_TRY(check_word(sources, "the source of a message", from, err));
    if (who) IG_TRY(store_check_name("who", who, IG_STORE_ID_SIZE - 1, err));
    if (!text || !*text) return ig_error_set(err, IG_E_ARG, "the message is empty");
    IG_TRY(store_check_text("the message", text, err));
    store_id_new("msg-", m.id);
    snprintf(m.from, sizeof m.from, "%s", from);
    snprintf(m.who, sizeof m.who, "%s", who ? who : "local");
    m.text = ig_strdup(text);
    if (!m.text) return ig_error_nomem(err, strlen(text) + 1);
    ig_status status = store_write(s, add_message, &(new_message){{.id = ticket}, &m}, err);
    if (status == IG_OK && out) *out = m;
    else ig_free(m.text);
    return status;
}

ig_status ig_store_message_list(ig_store *s, const char *ticket, ig_store_message **out, size_t *count, ig_error *err) {
    const store_value v = store_text(ticket);
    return store_all(s, &messages, STORE_Q_MESSAGE_ALL, &v, 1, out, count, err);
}
