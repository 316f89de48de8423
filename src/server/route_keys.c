/* server/route_keys.c: /v1/keys and /v1/session: who may call, and browsers that are signed in.
 *
 * A secret is shown once, when the key is made; the store keeps a digest.  A cookie is out of reach for scripts (HttpOnly) and is
 * not sent from pages of other sites (SameSite=Strict).
 */
#include <string.h>

#include "server/server.h"

#define SIGNED_IN_S ((int64_t)14 * 86400)

static ig_status need_store(call *c) {
    return c->s->store ? IG_OK : call_fail(c, 404, NULL, "no_workspace", "the server runs without a workspace, which is where keys are kept");
}

/* ---- a key as JSON ------------------------------------------------------------------------------------------------------------- */

static void put_origins(ig_json *j, const char *list) {
    ig_json_key(j, "origins"), ig_json_open(j, '[');
    for (const char *at = list; at && *at;) {
        at += strspn(at, " ");
        size_t n = strcspn(at, " ");
        if (n) ig_json_text_n(j, at, n);
        at += n;
    }
    ig_json_close(j, ']');
}

static ig_status put_scope(call *c, const char *key, ig_json *j) {
    ig_store_key_scope scope = {0};
    ig_store_feature f = {0};
    ig_error err = {0};
    ig_status s = ig_store_key_get_scope(c->s->store, key, &scope, &err);
    if (s == IG_E_NOT_FOUND) return IG_OK;
    if (s == IG_OK) s = ig_store_feature_get_id(c->s->store, scope.feature, &f, &err);
    if (s != IG_OK) c->err = err;
    else {
        reply_pair_text(j, "feature", f.name);
        put_origins(j, scope.origins);
        reply_pair_int(j, "visitor_per_minute", scope.visitor_per_minute);
    }
    ig_store_feature_fini(&f);
    ig_store_key_scope_fini(&scope);
    return s;
}

static ig_status put_key(call *c, const ig_store_key *k, const char *secret, ig_json *j) {
    ig_json_open(j, '{');
    reply_pair_text(j, "id", k->id);
    if (secret) reply_pair_text(j, "secret", secret);
    reply_pair_text(j, "name", k->name);
    reply_pair_text(j, "role", ig_store_role_name(k->role));
    reply_pair_int(j, "requests_per_minute", k->requests_per_minute);
    reply_pair_int(j, "concurrent", k->concurrent);
    reply_pair_int(j, "created_at", k->created_at);
    reply_pair_int(j, "expires_at", k->expires_at);
    reply_pair_int(j, "last_used_at", k->last_used_at);
    reply_pair_int(j, "revoked_at", k->revoked_at);
    ig_status s = k->role == IG_ROLE_PUBLIC ? put_scope(c, k->id, j) : IG_OK;
    ig_json_close(j, '}');
    return s;
}

ig_status run_keys(call *c) {
    ig_store_page page = {.limit = 200};
    ig_store_key *list = NULL;
    size_t count = 0;
    bool more = false;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(need_store(c));
    IG_TRY(call_page(c, 1000, &page));
    IG_TRY(ig_store_key_list(c->s->store, &page, &list, &count, &more, &c->err));
    ig_status s = IG_OK;
    ig_json_open(&j, '{');
    ig_json_key(&j, "keys"), ig_json_open(&j, '[');
    for (size_t i = 0; i < count && s == IG_OK; i++) s = put_key(c, &list[i], NULL, &j);
    ig_json_close(&j, ']');
    ig_json_key(&j, "has_more"), ig_json_bool(&j, more);
    ig_json_close(&j, '}');
    ig_free(list);
    return reply_result(c, 200, s, &b);
}

/* ---- making one ------------------------------------------------------------------------------------------------------------------ */

static const field key_fields[] = {
    {"name", F_TEXT, FIELD_USED, 1, IG_STORE_NAME_MAX, NULL, true, ""},
    {"role", F_TEXT, FIELD_USED, 0, 0, "public|app|staff|admin", true, ""},
    {"feature", F_TEXT, FIELD_USED, 1, IG_STORE_NAME_MAX, NULL, false, ""},
    {"origins", F_LIST, FIELD_USED, 1, 64, NULL, false, ""},
    {"visitor_per_minute", F_INT, FIELD_USED, 0, 1e6, NULL, false, ""},
    {"requests_per_minute", F_INT, FIELD_USED, 0, 1e6, NULL, false, ""},
    {"concurrent", F_INT, FIELD_USED, 0, 1e6, NULL, false, ""},
    {"expires_at", F_INT, FIELD_USED, 0, 1e11, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

/* "https://shop.example" or "*": scheme and host, and nothing after them. */
static bool is_origin(const ig_tree *v) {
    if (v->type != IG_TREE_TEXT) return false;
    if (strcmp(v->text, "*") == 0) return true;
    const char *host = strncmp(v->text, "https://", 8) == 0 ? v->text + 8 : strncmp(v->text, "http://", 7) == 0 ? v->text + 7 : "";
    return *host && v->text_len < 256 && !strpbrk(host, "/ *?#@\t\r\n");
}

static ig_status take_origins(call *c, const ig_tree *list, ig_buf *out) {
    if (!list) return call_fail(c, 400, "origins", "missing_required_parameter", "a public key needs 'origins': [\"https://…\"], or [\"*\"] for any page");
    for (const ig_tree *v = list->child; v; v = v->next) {
        if (!is_origin(v)) return call_fail(c, 400, "origins", "invalid_value", "'origins' are as \"https://shop.example\", without a path");
        if (out->len) ig_buf_putc(out, ' ');
        ig_buf_puts(out, v->text);
    }
    return ig_buf_status(out, &c->err);
}

static ig_status take_public(call *c, const ig_tree *body, ig_store_key_scope *scope, ig_buf *pages) {
    ig_store_feature f = {0};
    const ig_tree *name = field_get(body, "feature");
    if (!name) return call_fail(c, 400, "feature", "missing_required_parameter", "a public key needs 'feature': the one that it may ask");
    IG_TRY(take_origins(c, field_get(body, "origins"), pages));
    IG_TRY(call_feature(c, name->text, &f));
    memcpy(scope->feature, f.id, sizeof scope->feature);
    ig_store_feature_fini(&f);
    scope->origins = pages->data;
    scope->visitor_per_minute = ig_tree_int(body, "visitor_per_minute", 0);
    return IG_OK;
}

static ig_status make_key(call *c, const ig_store_key_opts *o, const ig_store_key_scope *scope) {
    char secret[IG_STORE_SECRET_SIZE];
    ig_store_key k;
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    IG_TRY(ig_store_key_new(c->s->store, o, secret, &k, &c->err));
    ig_status s = o->role == IG_ROLE_PUBLIC ? ig_store_key_set_scope(c->s->store, k.id, scope, c->key_id, &c->err) : IG_OK;
    if (s != IG_OK) (void)ig_store_key_revoke(c->s->store, k.id, c->key_id, NULL);
    if (s == IG_OK) s = origins_refresh(c->s, &c->err);
    if (s == IG_OK) s = put_key(c, &k, secret, &j);
    return reply_result(c, 201, s, &b);
}

ig_status run_key_new(call *c) {
    ig_buf pages = {.max = 1 << 16};
    ig_store_key_scope scope = {0};
    IG_TRY(need_store(c));
    IG_TRY(call_body(c));
    const ig_tree *body = ig_doc_root(c->body);
    IG_TRY(fields_check(c, body, key_fields, ""));
    ig_store_key_opts o = {.name = ig_tree_text(body, "name", ""), .requests_per_minute = ig_tree_int(body, "requests_per_minute", 0),
                           .concurrent = ig_tree_int(body, "concurrent", 0), .expires_at = ig_tree_int(body, "expires_at", 0),
                           .who = c->key_id};
    IG_TRY(ig_store_role_parse(ig_tree_text(body, "role", ""), &o.role, &c->err));
    ig_status s = o.role == IG_ROLE_PUBLIC ? take_public(c, body, &scope, &pages) : IG_OK;
    if (s == IG_OK) s = make_key(c, &o, &scope);
    ig_buf_fini(&pages);
    return s;
}

ig_status run_key_delete(call *c) {
    ig_error err = {0};
    ig_store_key k;
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    IG_TRY(need_store(c));
    ig_status s = ig_store_key_revoke(c->s->store, c->segment, c->key_id, &err);
    if (s == IG_E_NOT_FOUND || s == IG_E_ARG) return call_fail(c, 404, "id", "key_not_found", "there is no key '%.60s'", c->segment);
    if (s != IG_OK) c->err = err;
    if (s == IG_OK) s = origins_refresh(c->s, &c->err);
    if (s == IG_OK) s = ig_store_key_get(c->s->store, c->segment, &k, &c->err);
    if (s == IG_OK) s = put_key(c, &k, NULL, &j);
    return reply_result(c, 200, s, &b);
}

/* ---- browsers ------------------------------------------------------------------------------------------------------------------------ */

static const field session_fields[] = {
    {"key", F_TEXT, FIELD_USED, 1, 200, NULL, false, ""},
    {"link", F_TEXT, FIELD_USED, 1, 200, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static ig_status set_cookie(call *c, const char *secret, int64_t seconds) {
    char text[256];
    snprintf(text, sizeof text, ACCESS_COOKIE "=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s", secret, (long long)seconds,
             c->s->o.cert_file ? "; Secure" : "");
    return ig_http_header_add(c->http, "Set-Cookie", text, &c->err);
}

static ig_status reply_signed_in(call *c, const ig_store_key *k) {
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    reply_pair_text(&j, "key", k ? k->id : NULL);
    reply_pair_text(&j, "name", k ? k->name : "local");
    reply_pair_text(&j, "role", ig_store_role_name(k ? k->role : IG_ROLE_ADMIN));
    ig_json_close(&j, '}');
    return reply_result(c, 200, IG_OK, &b);
}

static ig_status not_signed_in(call *c, const char *why) { return call_fail(c, 401, NULL, "not_signed_in", "%s", why); }

static ig_status find_signer(call *c, const ig_tree *body, ig_store_key *k) {
    const ig_tree *key = field_get(body, "key"), *link = field_get(body, "link");
    ig_error err = {0};
    if (!key == !link) return call_fail(c, 400, NULL, "missing_required_parameter", "give 'key' or 'link'");
    ig_status s = key ? ig_store_key_find(c->s->store, key->text, k, &err) : ig_store_link_take(c->s->store, link->text, k, &err);
    if (s == IG_E_NOT_FOUND || s == IG_E_ARG || s == IG_E_FORMAT)
        return not_signed_in(c, key ? "the API key is not valid: it is unknown, revoked or has expired"
                                    : "the link is not valid any more: it was used, or is too old; sign in with a key");
    if (s != IG_OK) c->err = err;
    return s;
}

ig_status run_session_new(call *c) {
    ig_store_key k = {0};
    char secret[IG_STORE_SECRET_SIZE];
    IG_TRY(access_same_origin(c));
    IG_TRY(need_store(c));
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), session_fields, ""));
    IG_TRY(find_signer(c, ig_doc_root(c->body), &k));
    if (k.role < IG_ROLE_STAFF) return call_fail(c, 403, NULL, "insufficient_permissions", "the console needs a key of the role staff or admin");
    IG_TRY(ig_store_session_new(c->s->store, k.id, SIGNED_IN_S, secret, &c->err));
    IG_TRY(set_cookie(c, secret, SIGNED_IN_S));
    return reply_signed_in(c, &k);
}

ig_status run_session_get(call *c) {
    char secret[IG_STORE_SECRET_SIZE];
    ig_store_key k = {0};
    ig_error err = {0};
    if (c->s->o.no_key) return reply_signed_in(c, NULL);
    IG_TRY(need_store(c));
    if (!access_cookie(c, secret, sizeof secret)) return not_signed_in(c, "nobody is signed in");
    ig_status s = ig_store_session_find(c->s->store, secret, &k, &err);
    if (s == IG_E_NOT_FOUND || s == IG_E_ARG || s == IG_E_FORMAT) return not_signed_in(c, "nobody is signed in any more");
    if (s != IG_OK) {
        c->err = err;
        return s;
    }
    return reply_signed_in(c, &k);
}

ig_status run_session_end(call *c) {
    char secret[IG_STORE_SECRET_SIZE];
    ig_buf b = {.max = 64};
    IG_TRY(access_same_origin(c));
    IG_TRY(need_store(c));
    if (access_cookie(c, secret, sizeof secret)) (void)ig_store_session_end(c->s->store, secret, NULL); /* fine when it has ended */
    IG_TRY(set_cookie(c, "", 0));
    ig_buf_puts(&b, "{\"signed_out\":true}");
    return reply_result(c, 200, IG_OK, &b);
}
