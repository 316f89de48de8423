/* server/feature.c: what the routes of features share: the feature that a path or a body names, and results of the loop.
 *
 * For a public key only its own feature exists: another one is "not there" (404), never "not yours" (403).
 */
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

ig_status call_loop(call *c) {
    if (c->s->loop) return IG_OK;
    return call_fail(c, 404, NULL, "no_workspace", "the server runs without a workspace, which is where features are kept");
}

static ig_status no_feature(call *c, const char *name) {
    return call_fail(c, 404, "feature", "feature_not_found", "there is no feature '%.100s'", name);
}

ig_status call_feature(call *c, const char *name, ig_store_feature *out) {
    ig_error err = {0};
    IG_TRY(call_loop(c));
    ig_status s = ig_store_feature_get(c->s->store, name, out, &err);
    if (s == IG_E_NOT_FOUND || s == IG_E_ARG) return no_feature(c, name);
    if (s != IG_OK) {
        c->err = err;
        return s;
    }
    snprintf(c->model, sizeof c->model, "%.127s", out->name);
    if (c->role != IG_ROLE_PUBLIC || strcmp(c->allowed.feature, out->id) == 0) return IG_OK;
    ig_store_feature_fini(out);
    return no_feature(c, name);
}

ig_status call_named_feature(call *c) {
    ig_store_feature f = {0};
    IG_TRY(call_feature(c, c->segment, &f));
    ig_store_feature_fini(&f);
    return IG_OK;
}

const ig_kind *server_kind(const ig_server *s, const char *name) {
    return ig_kind_find(s->o.kinds ? s->o.kinds : ig_kinds, name);
}

ig_status call_kind(call *c, const char *name, const ig_kind **out) {
    *out = server_kind(c->s, name);
    return *out ? IG_OK : call_fail(c, 400, "kind", "unknown_kind", "there is no kind '%.60s'; GET /v1/kinds lists them", name);
}

ig_status reply_result(call *c, int status, ig_status s, ig_buf *b) {
    if (s == IG_OK) s = reply_json(c, status, b);
    ig_buf_fini(b);
    return s;
}

ig_status call_interaction(call *c, const char *id, ig_store_interaction *out) {
    ig_error err = {0};
    IG_TRY(call_loop(c));
    ig_status s = ig_store_interaction_get(c->s->store, id, out, &err);
    bool hidden = s == IG_OK && c->role == IG_ROLE_PUBLIC && strcmp(out->feature, c->allowed.feature) != 0;
    if (hidden) ig_store_interaction_fini(out);
    if (hidden || s == IG_E_NOT_FOUND || s == IG_E_ARG)
        return call_fail(c, 404, "interaction", "interaction_not_found", "there is no interaction '%.60s'", id);
    if (s != IG_OK) c->err = err;
    return s;
}

ig_status call_query_int(call *c, const char *name, int64_t min, int64_t max, int64_t otherwise, int64_t *out) {
    const char *text = ig_http_request_query(c->http, name);
    const char *digits = text && *text == '-' ? text + 1 : text;
    *out = otherwise;
    if (!text) return IG_OK;
    int64_t v = 0;
    bool bad = !*digits;
    for (const char *p = digits; *p && !bad; p++) {
        bad = *p < '0' || *p > '9' || v > INT64_MAX / 10 - 1;
        if (!bad) v = v * 10 + (*p - '0');
    }
    if (digits != text) v = -v;
    if (bad || v < min || v > max)
        return call_fail(c, 400, name, "invalid_value", "'%s' must be a whole number between %lld and %lld", name, (long long)min, (long long)max);
    *out = v;
    return IG_OK;
}

/* ---- settings ------------------------------------------------------------------------------------------------------------ */

void feature_setting(const ig_tree *of, const char *name, char *out, size_t size) {
    const ig_tree *v = ig_tree_get(of, name);
    if (v && v->type == IG_TREE_TEXT && v->text_len < size) snprintf(out, size, "%s", v->text);
}

const char *server_env_key(const char *name) {
    size_t n = strlen(name);
    const char *key = n > 4 && strcmp(name + n - 4, "_KEY") == 0 ? getenv(name) : NULL;
    return key && *key ? key : NULL;
}
