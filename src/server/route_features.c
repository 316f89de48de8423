/* server/route_features.c: /v1/kinds and /v1/features: what there is, settings, versions, the gate and the way back.
 *
 * The loop writes the JSON (docs/LOOP.md); here a body is checked, the feature found, and the call made.
 */
#include <string.h>

#include "server/server.h"

static ig_doing doing_of(const call *c) { return (ig_doing){.who = c->key_id}; }

/* ---- lists ------------------------------------------------------------------------------------------------------------- */

ig_status run_kinds(call *c) {
    const ig_kind *const *kinds = c->s->o.kinds ? c->s->o.kinds : ig_kinds;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_status s = IG_OK;
    ig_buf_puts(&b, "{\"kinds\":[");
    for (size_t i = 0; kinds[i] && s == IG_OK; i++) {
        if (i) ig_buf_putc(&b, ',');
        s = ig_kind_describe(kinds[i], &b, &c->err);
    }
    ig_buf_puts(&b, "]}");
    return reply_result(c, 200, s, &b);
}

ig_status run_features(call *c) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(call_loop(c));
    return reply_result(c, 200, ig_loop_list(c->s->loop, &b, &c->err), &b);
}

ig_status run_feature(call *c) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(call_named_feature(c));
    return reply_result(c, 200, ig_loop_show(c->s->loop, c->segment, &b, &c->err), &b);
}

static void put_versions(const ig_tree *feature, ig_buf *out) {
    static const char *const keys[] = {"versions", "live", "candidate", "share"};
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const ig_tree *v = ig_tree_get(feature, keys[i]);
        ig_json_key(&j, keys[i]);
        if (v) ig_json_tree(&j, v);
        else ig_json_null(&j);
    }
    ig_json_close(&j, '}');
}

ig_status run_versions(call *c) {
    ig_buf whole = {.max = SERVER_REPLY_BYTES_MAX}, b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_doc *d = NULL;
    IG_TRY(call_named_feature(c));
    ig_status s = ig_loop_show(c->s->loop, c->segment, &whole, &c->err);
    if (s == IG_OK) s = ig_json_parse("feature", whole.data, whole.len, &d, &c->err);
    if (s == IG_OK) put_versions(ig_doc_root(d), &b);
    ig_doc_free(d);
    ig_buf_fini(&whole);
    return reply_result(c, 200, s, &b);
}

ig_status run_feature_delete(call *c) {
    ig_doing doing = doing_of(c);
    ig_buf b = {.max = 4096};
    ig_json j = {.out = &b};
    IG_TRY(call_named_feature(c));
    IG_TRY(ig_loop_remove(c->s->loop, c->segment, &doing, &c->err));
    ig_json_open(&j, '{');
    reply_pair_text(&j, "name", c->segment);
    ig_json_key(&j, "deleted"), ig_json_bool(&j, true);
    ig_json_close(&j, '}');
    return reply_result(c, 200, IG_OK, &b);
}

/* ---- settings and the candidate's share -------------------------------------------------------------------------------- */

static const field patch_fields[] = {
    {"settings", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {"candidate", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};
static const field candidate_fields[] = {
    {"version", F_INT, FIELD_USED, 0, 1e9, NULL, true, ""},
    {"share", F_REAL | F_INT, FIELD_USED, 0, 1, NULL, true, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

ig_status run_feature_patch(call *c) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_doing doing = doing_of(c);
    IG_TRY(call_named_feature(c));
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), patch_fields, ""));
    const ig_tree *given = field_get(ig_doc_root(c->body), "settings"), *candidate = field_get(ig_doc_root(c->body), "candidate");
    if (candidate) IG_TRY(fields_check(c, candidate, candidate_fields, "candidate."));
    if (!given && !candidate) return call_fail(c, 400, NULL, "missing_required_parameter", "give 'settings' or 'candidate'");
    ig_status s = IG_OK;
    if (given) s = ig_loop_set(c->s->loop, c->segment, given, &doing, &b, &c->err);
    ig_buf_clear(&b);
    if (s == IG_OK && candidate)
        s = ig_loop_share(c->s->loop, c->segment, ig_tree_int(candidate, "version", 0), ig_tree_real(candidate, "share", 0), &doing, &b, &c->err);
    ig_buf_clear(&b);
    if (s == IG_OK) s = ig_loop_show(c->s->loop, c->segment, &b, &c->err);
    return reply_result(c, 200, s, &b);
}

/* ---- the gate ----------------------------------------------------------------------------------------------------------- */

ig_status run_compare(call *c) {
    ig_store_feature f = {0};
    int64_t from, to;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(call_feature(c, c->segment, &f));
    int64_t live = f.live, candidate = f.candidate;
    ig_store_feature_fini(&f);
    IG_TRY(call_query_int(c, "from", 1, INT32_MAX, live, &from));
    IG_TRY(call_query_int(c, "to", 1, INT32_MAX, candidate, &to));
    if (from < 1 || to < 1) return call_fail(c, 400, from < 1 ? "from" : "to", "missing_required_parameter", "give the versions: ?from=1&to=2");
    return reply_result(c, 200, ig_loop_compare(c->s->loop, c->segment, from, to, &b, &c->err), &b);
}

static const field promote_fields[] = {
    {"version", F_INT, FIELD_USED, 0, 1e9, NULL, false, ""},
    {"force", F_BOOL, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

/* A body that may be left out. */
static ig_status optional_body(call *c, const field *fields) {
    size_t n;
    (void)ig_http_request_body(c->http, &n);
    if (!n) return IG_OK;
    IG_TRY(call_body(c));
    return fields_check(c, ig_doc_root(c->body), fields, "");
}

ig_status run_promote(call *c) {
    ig_doing doing = doing_of(c);
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(call_named_feature(c));
    IG_TRY(optional_body(c, promote_fields));
    const ig_tree *body = c->body ? ig_doc_root(c->body) : NULL;
    ig_status s = ig_loop_promote(c->s->loop, c->segment, ig_tree_int(body, "version", 0), ig_tree_bool(body, "force", false), &doing, &b, &c->err);
    return reply_result(c, 200, s, &b);
}

static const field no_fields[] = {{NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL}};

ig_status run_rollback(call *c) {
    ig_doing doing = doing_of(c);
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(call_named_feature(c));
    IG_TRY(optional_body(c, no_fields));
    return reply_result(c, 200, ig_loop_rollback(c->s->loop, c->segment, &doing, &b, &c->err), &b);
}

ig_status run_report(call *c) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    int64_t since;
    IG_TRY(call_named_feature(c));
    IG_TRY(call_query_int(c, "since", 0, INT64_MAX / 20, 0, &since));
    return reply_result(c, 200, ig_loop_report(c->s->loop, c->segment, since, &b, &c->err), &b);
}

/* ---- learning: a job ------------------------------------------------------------------------------------------------------ */

static const field improve_fields[] = {
    {"seed", F_INT, FIELD_USED, 0, 9007199254740992.0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

ig_status run_improve(call *c) {
    ig_buf spec = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &spec};
    IG_TRY(call_named_feature(c));
    IG_TRY(optional_body(c, improve_fields));
    ig_json_open(&j, '{');
    reply_pair_text(&j, "feature", c->segment);
    reply_pair_text(&j, "who", c->key_id);
    reply_pair_int(&j, "seed", ig_tree_int(c->body ? ig_doc_root(c->body) : NULL, "seed", 0));
    ig_json_close(&j, '}');
    ig_store_job job = {0};
    ig_status s = work_new(c, JOB_IMPROVE, &spec, &job);
    if (s == IG_OK) s = reply_work(c, 202, &job);
    ig_store_job_fini(&job);
    ig_buf_fini(&spec);
    return s;
}
