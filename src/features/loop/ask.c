/* features/loop/ask.c: a question to a version, the record of it, and why it answered so. */
#include <stdatomic.h>

#include "features/loop/loop.h"

#define EARLIER_MAX 8                      /* questions of a conversation that a kind sees */
#define UNLEARNED_SECONDS (30 * 86400)     /* how long an interaction without consent is kept to be rated */

static const char *const outcome_names[] = {"answered", "unknown", "person"};

/* Of one user always the same, so that nobody sees two versions in turn. */
static double draw_of(const ig_ask_opts *o) {
    static atomic_ullong counter;
    const char *same = o->user && *o->user ? o->user : o->conversation;
    if (same && *same) return (double)(ig_hash64(same, strlen(same), 7) >> 11) * 0x1p-53;
    uint64_t at[2] = {atomic_fetch_add(&counter, 1), (uint64_t)(ig_clock() * 1e9)};
    return (double)(ig_hash64(at, sizeof at, 7) >> 11) * 0x1p-53;
}

static ig_status take_earlier(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    ig_store_interaction **list = arg;
    (void)f;
    size_t n = 0;
    while (n < EARLIER_MAX && list[0][n].request) n++;
    if (n == EARLIER_MAX || (n > 0 && strcmp(list[0][n - 1].id, i->id) == 0)) return IG_OK; /* once per feedback */
    ig_store_interaction *to = &list[0][n];
    *to = *i;
    to->answer = ig_strdup(i->answer ? i->answer : "");
    to->request = ig_strdup(i->request ? i->request : "{}");
    return to->answer && to->request ? IG_OK : ig_error_nomem(err, 1);
}

static ig_status load_earlier(ig_loop *l, const char *feature, const char *conversation, ig_store_interaction *list,
                              ig_said *said, size_t *count, ig_error *err) {
    ig_store_said_opts o = {.conversation = conversation, .newest_first = true, .limit = EARLIER_MAX};
    if (!conversation || !*conversation) return IG_OK;
    IG_TRY(ig_store_said_each(l->store, feature, &o, take_earlier, &list, err));
    size_t n = 0;
    while (n < EARLIER_MAX && list[n].request) n++;
    for (size_t i = 0; i < n; i++) said[i] = (ig_said){&list[n - 1 - i], NULL, 1};
    *count = n;
    return IG_OK;
}

typedef struct asked {
    const char *name;
    const ig_ask_opts *opts;
    ig_store_interaction row;
    ig_buf answer;
    ig_reply reply;
    double seconds;
} asked;

static ig_status record(ig_loop *l, asked *a, const ig_tree *request, const loop_use *u, ig_error *err) {
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    ig_json_tree(&j, request);
    a->row.request = b.data; /* goes with the row */
    IG_TRY(ig_buf_status(&b, err));
    a->row.answer = ig_strdup(a->answer.data);
    if (!a->row.answer) return ig_error_nomem(err, a->answer.len);
    snprintf(a->row.feature, sizeof a->row.feature, "%s", u->feature);
    snprintf(a->row.conversation, sizeof a->row.conversation, "%s", a->opts->conversation ? a->opts->conversation : "");
    snprintf(a->row.key, sizeof a->row.key, "%s", a->opts->key ? a->opts->key : "");
    snprintf(a->row.outcome, sizeof a->row.outcome, "%s", outcome_names[a->reply.outcome]);
    a->row.version = u->number;
    a->row.candidate = u->candidate;
    a->row.consent = !a->opts->no_consent;
    a->row.keep_until = a->opts->no_consent ? ig_unix_time() + UNLEARNED_SECONDS : 0;
    a->row.confidence = a->reply.confidence;
    a->row.microseconds = (int64_t)(a->seconds * 1e6);
    if (a->opts->user && *a->opts->user) IG_TRY(ig_store_user_hash(l->store, a->opts->user, a->row.user, err));
    return ig_store_interaction_add(l->store, &a->row, err);
}

static ig_status put_answer(const asked *a, const loop_use *u, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    if (!a->opts->no_record) loop_json_key_text(&j, "id", a->row.id);
    loop_json_key_text(&j, "feature", a->name);
    loop_json_key_int(&j, "version", u->number);
    if (!a->opts->no_record) loop_json_key_text(&j, "conversation", a->row.conversation);
    loop_json_key_text(&j, "outcome", outcome_names[a->reply.outcome]);
    loop_json_key_real(&j, "confidence", a->reply.confidence);
    loop_json_key_raw(&j, "answer", a->answer.data);
    loop_json_key_real(&j, "seconds", a->seconds);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

static ig_status answer(ig_loop *l, asked *a, const ig_tree *request, loop_use *u, ig_error *err) {
    ig_store_interaction list[EARLIER_MAX] = {0};
    ig_said said[EARLIER_MAX];
    ig_ask ask = {.request = request,
                  .earlier = said,
                  .withdrawn = loop_use_withdrawn,
                  .withdrawn_arg = u,
                  .write = a->opts->write,
                  .write_arg = a->opts->write_arg,
                  .on_text = a->opts->on_text,
                  .on_text_arg = a->opts->on_text_arg,
                  .language = ig_tree_text(request, "language", NULL)};
    double start = ig_clock();
    a->reply.json = &a->answer;
    ig_status s = load_earlier(l, u->feature, a->opts->conversation, list, said, &ask.earlier_count, err);
    if (s == IG_OK) s = u->kind->answer(u->handle, &ask, &a->reply, err);
    if (s == IG_OK) s = ig_buf_status(&a->answer, err);
    a->seconds = ig_clock() - start;
    for (size_t i = 0; i < EARLIER_MAX; i++) ig_store_interaction_fini(&list[i]);
    return s;
}

ig_status ig_loop_ask(ig_loop *l, const char *name, const ig_tree *request, const ig_ask_opts *opts, ig_buf *out,
                      ig_error *err) {
    loop_use u;
    ig_doc *checked = NULL;
    ig_ask_opts none = {0};
    asked a = {.name = name, .opts = opts ? opts : &none, .answer = {.max = IG_STORE_TEXT_MAX}};
    IG_TRY(loop_use_begin(l, name, a.opts->version, draw_of(a.opts), &u, err));
    ig_status s = ig_fields_check("request", u.kind->request_fields, request, &checked, err);
    if (s == IG_OK) s = answer(l, &a, ig_doc_root(checked), &u, err);
    if (s == IG_OK && !a.opts->no_record) s = record(l, &a, ig_doc_root(checked), &u, err);
    if (s == IG_OK) s = put_answer(&a, &u, out, err);
    ig_store_interaction_fini(&a.row);
    ig_buf_fini(&a.answer);
    ig_doc_free(checked);
    loop_use_end(l, &u);
    return s;
}

/* ---- explain ----------------------------------------------------------------------------------------------------------- */

static ig_status explain(const ig_store_interaction *i, loop_use *u, ig_buf *why, ig_error *err) {
    ig_doc *request = NULL, *given = NULL;
    ig_status s = ig_json_parse("request", i->request, strlen(i->request), &request, err);
    if (s == IG_OK) s = ig_json_parse("answer", i->answer, strlen(i->answer), &given, err);
    if (s == IG_OK) {
        ig_ask ask = {.request = ig_doc_root(request), .withdrawn = loop_use_withdrawn, .withdrawn_arg = u};
        s = u->kind->explain(u->handle, &ask, ig_doc_root(given), why, err);
    }
    ig_doc_free(request);
    ig_doc_free(given);
    return s == IG_OK ? ig_buf_status(why, err) : s;
}

static ig_status put_why(const ig_store_interaction *i, const char *name, const ig_buf *why, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    loop_json_key_text(&j, "id", i->id);
    loop_json_key_text(&j, "feature", name);
    loop_json_key_int(&j, "version", i->version);
    loop_json_key_text(&j, "outcome", i->outcome);
    loop_json_key_raw(&j, "request", i->request);
    loop_json_key_raw(&j, "answer", i->answer);
    loop_json_key_raw(&j, "why", why->data);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

ig_status ig_loop_explain(ig_loop *l, const char *interaction, ig_buf *out, ig_error *err) {
    ig_store_interaction i = {0};
    ig_store_feature f = {0};
    loop_use u = {0};
    ig_buf why = {.max = IG_STORE_TEXT_MAX};
    IG_TRY(ig_store_interaction_get(l->store, interaction, &i, err));
    ig_status s = ig_store_feature_get_id(l->store, i.feature, &f, err);
    if (s == IG_OK && f.removed_at) s = ig_error_set(err, IG_E_NOT_FOUND, "the feature \"%s\" was removed", f.name);
    if (s == IG_OK) s = loop_use_begin(l, f.name, i.version, 1, &u, err);
    if (s == IG_OK) s = explain(&i, &u, &why, err);
    if (s == IG_OK) s = put_why(&i, f.name, &why, out, err);
    loop_use_end(l, &u);
    ig_buf_fini(&why);
    ig_store_feature_fini(&f);
    ig_store_interaction_fini(&i);
    return s;
}
