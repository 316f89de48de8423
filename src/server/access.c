/* server/access.c: who asks, and what that one may touch.
 *
 *     Authorization: Bearer ig-…      a key
 *     Cookie: ingot=…                 a signed-in browser: stands for a key; anything but reading needs the header X-Ingot: 1,
 *                                     which no page of another origin can send
 *     neither                         only where the server runs without keys: then pages of other origins are refused
 *
 * A public key names one feature and the origins of the pages that it may be used from; another feature does not exist for it.
 * Its id, never a key itself, stands in the log, and the hash of the id separates what prompts share.
 */
#include <string.h>
#include <strings.h>

#include "server/server.h"

bool access_cookie(const call *c, char *out, size_t size) {
    const char *at = ig_http_request_header(c->http, "Cookie");
    while (at && *at) {
        at += strspn(at, "; ");
        size_t len = strcspn(at, ";");
        if (strncmp(at, ACCESS_COOKIE "=", sizeof ACCESS_COOKIE) == 0) {
            snprintf(out, size, "%.*s", (int)(len - sizeof ACCESS_COOKIE), at + sizeof ACCESS_COOKIE);
            return true;
        }
        at += len;
    }
    return false;
}

static bool only_reads(const call *c) {
    const char *method = ig_http_request_method(c->http);
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* A page that this server has served itself, or no page at all. */
static bool is_own_page(const call *c) {
    const char *origin = ig_http_request_header(c->http, "Origin"), *host = ig_http_request_header(c->http, "Host");
    const char *after = origin ? strstr(origin, "://") : NULL;
    return !origin || (after && host && strcasecmp(after + 3, host) == 0);
}

ig_status access_same_origin(call *c) {
    if (only_reads(c) || is_own_page(c)) return IG_OK;
    return call_fail(c, 403, NULL, "foreign_origin", "pages of other origins may not do this");
}

static ig_status found(call *c, ig_status s, const ig_error *err) {
    if (s == IG_E_NOT_FOUND || s == IG_E_ARG || s == IG_E_FORMAT)
        return call_fail(c, 401, NULL, "invalid_api_key", "the API key is not valid: it is unknown, revoked or has expired");
    if (s != IG_OK) c->err = *err;
    return s;
}

static ig_status find_key(call *c, ig_store_key *key) {
    const char *header = ig_http_request_header(c->http, "Authorization");
    char cookie[IG_STORE_SECRET_SIZE];
    ig_error err = {0};
    if (header && strncasecmp(header, "Bearer ", 7) == 0) {
        header += 7 + strspn(header + 7, " ");
        return found(c, ig_store_key_find(c->s->store, header, key, &err), &err);
    }
    if (header || !access_cookie(c, cookie, sizeof cookie))
        return call_fail(c, 401, NULL, "invalid_api_key", "an API key is needed: send the header Authorization: Bearer KEY");
    const char *own = ig_http_request_header(c->http, "X-Ingot");
    if (!only_reads(c) && (!own || strcmp(own, "1") != 0))
        return call_fail(c, 403, NULL, "missing_header", "a signed-in browser sends the header X-Ingot: 1 with everything that changes something");
    return found(c, ig_store_session_find(c->s->store, cookie, key, &err), &err);
}

/* ---- public keys ------------------------------------------------------------------------------------------------------- */

bool access_origin_in(const char *list, const char *origin) {
    size_t len = strlen(origin);
    for (const char *at = list; at && *at;) {
        at += strspn(at, " ");
        size_t n = strcspn(at, " ");
        if ((n == 1 && *at == '*') || (n > 0 && n == len && strncasecmp(at, origin, n) == 0)) return true;
        at += n;
    }
    return false;
}

static ig_status take_scope(call *c) {
    const char *origin = ig_http_request_header(c->http, "Origin");
    ig_error err = {0};
    ig_status s = ig_store_key_get_scope(c->s->store, c->key, &c->allowed, &err);
    if (s == IG_E_NOT_FOUND) return call_fail(c, 403, NULL, "insufficient_permissions", "this public key names no feature; make one that does");
    if (s != IG_OK) {
        c->err = err;
        return s;
    }
    if (!origin || is_own_page(c) || access_origin_in(c->allowed.origins, origin)) return IG_OK;
    return call_fail(c, 403, NULL, "origin_not_allowed", "this key may not be used from pages of %.200s", origin);
}

ig_status access_check(call *c, ig_store_key *key) {
    if (c->route->role < 0) return IG_OK;
    c->role = IG_ROLE_ADMIN;
    if (c->s->o.no_key) return access_same_origin(c);
    IG_TRY(find_key(c, key));
    memcpy(c->key, key->id, sizeof c->key);
    c->key_id = c->key;
    c->role = key->role;
    c->scope = ig_hash64(c->key, strlen(c->key), 0);
    if ((int)key->role < c->route->role)
        return call_fail(c, 403, NULL, "insufficient_permissions", "this needs a key of the role %s; this one is of the role %s",
                         ig_store_role_name((ig_store_role)c->route->role), ig_store_role_name(key->role));
    return key->role == IG_ROLE_PUBLIC ? take_scope(c) : IG_OK;
}

/* ---- visitors ------------------------------------------------------------------------------------------------------------ */

static ig_status limit_visitor(call *c, const char *visitor) {
    char name[IG_STORE_ID_SIZE], text[16];
    int retry;
    if (c->allowed.visitor_per_minute <= 0) return IG_OK;
    snprintf(name, sizeof name, "v-%016llx", (unsigned long long)ig_hash64(visitor, strlen(visitor), c->scope));
    ig_status s = admission_enter(c->s->admission, name, c->allowed.visitor_per_minute, 0, false, &retry, &c->err);
    if (s == IG_OK) admission_leave(c->s->admission, name, false);
    if (s != IG_E_BUSY) return s;
    snprintf(text, sizeof text, "%d", retry);
    (void)ig_http_header_add(c->http, "Retry-After", text, NULL);
    return call_fail(c, 429, NULL, "rate_limit_exceeded", "one visitor may ask %lld times a minute; try again in %d s",
                     (long long)c->allowed.visitor_per_minute, retry);
}

ig_status access_user(call *c, const char *given, bool counts, char *out, size_t size) {
    char payload[SERVER_USER_SIZE];
    out[0] = '\0';
    if (given && strlen(given) >= size) return call_fail(c, 400, "user", "invalid_value", "'user' is longer than %zu bytes", size - 1);
    if (c->role != IG_ROLE_PUBLIC) {
        if (given) snprintf(out, size, "%s", given);
        return IG_OK;
    }
    if (!given) return counts ? limit_visitor(c, ig_http_request_peer(c->http)) : IG_OK;
    ig_error err = {0};
    ig_status s = ig_store_signed(c->s->store, given, payload, sizeof payload, &err);
    if (s != IG_OK || strncmp(payload, "visitor ", 8) != 0)
        return call_fail(c, 400, "user", "invalid_visitor", "with a public key 'user' is a token of POST /v1/widget/visitor");
    snprintf(out, size, "%s", payload);
    return counts ? limit_visitor(c, out) : IG_OK;
}
