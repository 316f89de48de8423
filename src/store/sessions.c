/* store/sessions.c: signed-in browsers, and links that sign in once.
 *
 *     is-… / il-…  and 43 random letters and digits: a cookie, a link          the row keeps its BLAKE2b digest
 *
 * The digest of 256 random bits can be looked up by an index: its timing tells nothing that helps to guess the secret.
 * A session is worth what its key is worth at that moment: revoked or expired, its sessions are not found.
 */
#include <sodium.h>
#include <string.h>

#include "store/store.h"

#define SECRET_LETTERS 43
#define DIGEST_BYTES 32

_Static_assert(3 + SECRET_LETTERS < IG_STORE_SECRET_SIZE, "the secret fits");

typedef struct session {
    const char *secret, *key;
    bool link;
    int64_t seconds;
    uint8_t digest[DIGEST_BYTES];
    ig_store_key *out;
} session;

static void digest(session *c) {
    const char *secret = c->secret ? c->secret : "";
    crypto_generichash(c->digest, DIGEST_BYTES, (const unsigned char *)secret, strlen(secret), NULL, 0);
}

/* ---- new --------------------------------------------------------------------------------------------------------- */

static ig_status add(ig_store *s, void *arg, ig_error *err) {
    const session *c = arg;
    ig_store_key k;
    int64_t now = store_now(s);
    IG_TRY(store_key_valid(s, c->key, &k, err));
    const store_value old = store_int(now);
    const store_value v[] = {store_bytes(c->digest, DIGEST_BYTES), store_text(c->key), store_int(c->link), store_int(now + c->seconds)};
    IG_TRY(store_run(s, STORE_Q_SESSION_SWEEP, &old, 1, NULL, NULL, err));
    return store_run(s, STORE_Q_SESSION_ADD, v, 4, NULL, NULL, err);
}

static ig_status make(ig_store *s, const char *key, int64_t seconds, bool link, char secret[IG_STORE_SECRET_SIZE], ig_error *err) {
    char random[SECRET_LETTERS + 1], whole[IG_STORE_SECRET_SIZE];
    secret[0] = '\0';
    if (seconds <= 0 || seconds > INT32_MAX) return ig_error_set(err, IG_E_ARG, "a session lasts 1 to %d seconds", INT32_MAX);
    store_random_text(random, SECRET_LETTERS);
    snprintf(whole, sizeof whole, "%s%s", link ? "il-" : "is-", random);
    session c = {.secret = whole, .key = key, .link = link, .seconds = seconds};
    digest(&c);
    ig_status status = store_write(s, add, &c, err);
    if (status == IG_OK) memcpy(secret, whole, strlen(whole) + 1);
    sodium_memzero(random, sizeof random);
    sodium_memzero(whole, sizeof whole);
    return status;
}

ig_status ig_store_session_new(ig_store *s, const char *key, int64_t seconds, char secret[IG_STORE_SECRET_SIZE], ig_error *err) {
    return make(s, key, seconds, false, secret, err);
}

ig_status ig_store_link_new(ig_store *s, const char *key, int64_t seconds, char secret[IG_STORE_SECRET_SIZE], ig_error *err) {
    return make(s, key, seconds, true, secret, err);
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

static ig_status read_id(void *arg, const store_value *v, ig_error *err) {
    return store_get_text(arg, IG_STORE_ID_SIZE, &v[0], err);
}

static ig_status find(ig_store *s, const session *c, ig_error *err) {
    char id[IG_STORE_ID_SIZE] = "";
    const store_value v[] = {store_bytes(c->digest, DIGEST_BYTES), store_int(c->link), store_int(store_now(s))};
    IG_TRY(store_run(s, STORE_Q_SESSION_GET, v, 3, read_id, id, err));
    if (!*id)
        return ig_error_set(err, IG_E_NOT_FOUND, c->link ? "the link is unknown, used or out of date; ask for another one"
                                                         : "the session is unknown or has ended; sign in again");
    return store_key_valid(s, id, c->out, err);
}

ig_status ig_store_session_find(ig_store *s, const char *secret, ig_store_key *out, ig_error *err) {
    session c = {.secret = secret, .out = out};
    memset(out, 0, sizeof *out);
    digest(&c);
    pthread_mutex_lock(&s->lock);
    ig_status status = find(s, &c, err);
    pthread_mutex_unlock(&s->lock);
    if (status != IG_OK) memset(out, 0, sizeof *out);
    return status;
}

static ig_status end(ig_store *s, void *arg, ig_error *err) {
    const session *c = arg;
    const store_value v[] = {store_bytes(c->digest, DIGEST_BYTES), store_int(c->link)};
    return store_run(s, STORE_Q_SESSION_END, v, 2, NULL, NULL, err);
}

ig_status ig_store_session_end(ig_store *s, const char *secret, ig_error *err) {
    session c = {.secret = secret};
    digest(&c);
    return store_write(s, end, &c, err);
}

/* Found and gone in one transaction: of two that take it at once, one gets it. */
static ig_status take(ig_store *s, void *arg, ig_error *err) {
    IG_TRY(find(s, arg, err));
    return end(s, arg, err);
}

ig_status ig_store_link_take(ig_store *s, const char *secret, ig_store_key *out, ig_error *err) {
    session c = {.secret = secret, .link = true, .out = out};
    memset(out, 0, sizeof *out);
    digest(&c);
    ig_status status = store_write(s, take, &c, err);
    if (status != IG_OK) memset(out, 0, sizeof *out);
    return status;
}
