/* server/route_said.c: what was asked and what was said about it: interactions, why, and feedback in two shapes.
 *
 * The store gives an interaction once per feedback, one after the other; here they become one object with a list.
 */
#include <string.h>

#include "server/server.h"

/* ---- interactions as JSON ----------------------------------------------------------------------------------------------------- */

typedef struct listing {
    ig_json j;
    const char *feature;
    const char *only;              /* this id; NULL: all */
    char open[IG_STORE_ID_SIZE];   /* the interaction whose list of feedback is open; "" none */
} listing;

static ig_status put_parsed(ig_json *j, const char *key, const char *text, ig_error *err) {
    ig_doc *d = NULL;
    ig_json_key(j, key);
    if (!text || !*text) {
        ig_json_null(j);
        return IG_OK;
    }
    IG_TRY(ig_json_parse(key, text, strlen(text), &d, err));
    ig_json_tree(j, ig_doc_root(d));
    ig_doc_free(d);
    return IG_OK;
}

static void close_open(listing *l) {
    if (!l->open[0]) return;
    ig_json_close(&l->j, ']');
    ig_json_close(&l->j, '}');
    l->open[0] = '\0';
}

static ig_status open_interaction(listing *l, const ig_store_interaction *i, ig_error *err) {
    ig_json *j = &l->j;
    snprintf(l->open, sizeof l->open, "%s", i->id);
    ig_json_open(j, '{');
    reply_pair_text(j, "id", i->id);
    reply_pair_int(j, "number", i->number);
    reply_pair_text(j, "feature", l->feature);
    reply_pair_text(j, "conversation", i->conversation);
    reply_pair_int(j, "version", i->version);
    ig_json_key(j, "candidate"), ig_json_bool(j, i->candidate);
    reply_pair_text(j, "user", i->user[0] ? i->user : NULL);
    ig_json_key(j, "consent"), ig_json_bool(j, i->consent);
    reply_pair_text(j, "outcome", i->outcome);
    ig_json_key(j, "confidence"), ig_json_real(j, i->confidence);
    ig_json_key(j, "seconds"), ig_json_real(j, (double)i->microseconds / 1e6);
    reply_pair_int(j, "at", i->at);
    IG_TRY(put_parsed(j, "request", i->request, err));
    IG_TRY(put_parsed(j, "answer", i->answer, err));
    ig_json_key(j, "feedback"), ig_json_open(j, '[');
    return IG_OK;
}

static ig_status put_feedback(ig_json *j, const ig_store_feedback *f, ig_error *err) {
    ig_json_open(j, '{');
    reply_pair_text(j, "id", f->id);
    reply_pair_text(j, "type", f->type);
    reply_pair_text(j, "user", f->user[0] ? f->user : NULL);
    ig_json_key(j, "staff"), ig_json_bool(j, f->staff);
    ig_json_key(j, "value"), ig_json_real(j, f->value);
    reply_pair_text(j, "reason", f->reason && f->reason[0] ? f->reason : NULL);
    IG_TRY(put_parsed(j, "correction", f->body, err));
    reply_pair_int(j, "at", f->at);
    ig_json_close(j, '}');
    return IG_OK;
}

static ig_status on_said(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    listing *l = arg;
    if (l->only && strcmp(l->only, i->id) != 0) return IG_OK;
    if (strcmp(l->open, i->id) != 0) {
        close_open(l);
        IG_TRY(open_interaction(l, i, err));
    }
    if (f) IG_TRY(put_feedback(&l->j, f, err));
    return ig_buf_status(l->j.out, err);
}

/* ---- routes ------------------------------------------------------------------------------------------------------------------------ */

static ig_status take_filters(call *c, ig_store_said_opts *o) {
    const char *rated = ig_http_request_query(c->http, "rated");
    o->outcome = ig_http_request_query(c->http, "outcome");
    o->type = ig_http_request_query(c->http, "type");
    o->conversation = ig_http_request_query(c->http, "conversation");
    o->rated = rated && strcmp(rated, "1") == 0;
    o->newest_first = true;
    IG_TRY(call_query_int(c, "after", 0, INT64_MAX / 20, 0, &o->after));
    IG_TRY(call_query_int(c, "since", 0, INT64_MAX / 20, 0, &o->since));
    IG_TRY(call_query_int(c, "version", 0, INT32_MAX, 0, &o->version));
    return call_query_int(c, "limit", 1, 1000, 50, &o->limit);
}

ig_status run_interactions(call *c) {
    ig_store_feature f = {0};
    ig_store_said_opts o = {0};
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    listing l = {.j = {.out = &b}};
    IG_TRY(take_filters(c, &o));
    IG_TRY(call_feature(c, c->segment, &f));
    l.feature = f.name;
    ig_json_open(&l.j, '{');
    ig_json_key(&l.j, "interactions"), ig_json_open(&l.j, '[');
    ig_status s = ig_store_said_each(c->s->store, f.id, &o, on_said, &l, &c->err);
    close_open(&l);
    ig_json_close(&l.j, ']');
    ig_json_close(&l.j, '}');
    ig_store_feature_fini(&f);
    return reply_result(c, 200, s, &b);
}

ig_status run_interaction(call *c) {
    ig_store_interaction i = {0};
    ig_store_feature f = {0};
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    listing l = {.j = {.out = &b}};
    IG_TRY(call_interaction(c, c->segment, &i));
    ig_store_said_opts o = {.conversation = i.conversation};
    ig_status s = ig_store_feature_get_id(c->s->store, i.feature, &f, &c->err);
    l.only = i.id;
    l.feature = f.name;
    if (s == IG_OK) s = ig_store_said_each(c->s->store, i.feature, &o, on_said, &l, &c->err);
    close_open(&l);
    ig_store_feature_fini(&f);
    ig_store_interaction_fini(&i);
    return reply_result(c, 200, s, &b);
}

ig_status run_why(call *c) {
    ig_store_interaction i = {0};
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(call_interaction(c, c->segment, &i));
    ig_status s = ig_loop_explain(c->s->loop, i.id, &b, &c->err);
    ig_store_interaction_fini(&i);
    return reply_result(c, 200, s, &b);
}

/* ---- feedback ------------------------------------------------------------------------------------------------------------------------ */

static const field feedback_fields[] = {
    {"interaction", F_TEXT, FIELD_USED, 1, IG_STORE_ID_SIZE - 1, NULL, true, ""},
    {"type", F_TEXT, FIELD_USED, 0, 0, "like|dislike|none|correction|rating|click|conversion|label", true, ""},
    {"value", F_REAL | F_INT, FIELD_USED, -1e9, 1e9, NULL, false, ""},
    {"correction", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {"reason", F_TEXT, FIELD_USED, 0, 4000, NULL, false, ""},
    {"user", F_TEXT, FIELD_USED, 1, SERVER_USER_SIZE - 1, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static ig_status give(call *c, const char *interaction, ig_feedback_opts *o, const char *user, ig_buf *out) {
    ig_store_interaction i = {0};
    char who[SERVER_USER_SIZE];
    IG_TRY(access_user(c, user, true, who, sizeof who));
    IG_TRY(call_interaction(c, interaction, &i));
    o->user = who[0] ? who : NULL;
    o->who = c->key_id;
    o->staff = c->role >= IG_ROLE_STAFF;
    ig_status s = ig_loop_feedback(c->s->loop, i.id, o, out, &c->err);
    ig_store_interaction_fini(&i);
    return s;
}

ig_status run_feedback(call *c) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(call_loop(c));
    IG_TRY(call_body(c));
    const ig_tree *body = ig_doc_root(c->body);
    IG_TRY(fields_check(c, body, feedback_fields, ""));
    ig_feedback_opts o = {.type = ig_tree_text(body, "type", ""), .value = ig_tree_real(body, "value", 0),
                          .correction = field_get(body, "correction"), .reason = ig_tree_text(body, "reason", NULL)};
    ig_status s = give(c, ig_tree_text(body, "interaction", ""), &o, ig_tree_text(body, "user", NULL), &b);
    return reply_result(c, 200, s, &b);
}

static const field rating_fields[] = {
    {"rating", F_TEXT, FIELD_USED, 0, 0, "like|dislike", false, ""},
    {"user", F_TEXT, FIELD_USED, 1, SERVER_USER_SIZE - 1, NULL, false, ""},
    {"content", F_TEXT, FIELD_USED, 0, 4000, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

/* Dify's shape: a rating of null takes back. */
ig_status run_feedback_of_message(call *c) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(call_loop(c));
    IG_TRY(call_body(c));
    const ig_tree *body = ig_doc_root(c->body), *rating = field_get(body, "rating");
    IG_TRY(fields_check(c, body, rating_fields, ""));
    if (!ig_tree_get(body, "rating")) return call_fail(c, 400, "rating", "missing_required_parameter", "'rating' is missing: like, dislike or null");
    ig_feedback_opts o = {.type = rating ? rating->text : "none", .reason = ig_tree_text(body, "content", NULL)};
    ig_status s = give(c, c->segment, &o, ig_tree_text(body, "user", NULL), &b);
    ig_buf_clear(&b);
    ig_buf_puts(&b, "{\"result\":\"success\"}");
    return reply_result(c, 200, s, &b);
}
