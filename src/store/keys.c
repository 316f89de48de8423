/* store/keys.c: who may call.
 *
 *     ig-AAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB      the secret, told once
 *        └ 12: names the row, "key-AAAAAAAAAAAA"
 *                    └ 43 letters and digits, more than 256 bits of randomness
 *
 * The row keeps a BLAKE2b digest of the whole secret.  A slow hash or a pepper would protect passwords, which can be
 * guessed; 256 random bits cannot, and a pepper beside the database would be copied, or lost, together with it.  The
 * row is found by its public part, so the index sees nothing secret; the digests are compared in constant time.
 */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "store/store.h"

#define NAME_LETTERS 12
#define SECRET_LETTERS 43
#define DIGEST_BYTES 32
#define USED_EVERY_S 60 /* how often the time of the last use is written */

_Static_assert(3 + NAME_LETTERS + SECRET_LETTERS < IG_STORE_SECRET_SIZE, "the secret fits");

/* ---- roles ------------------------------------------------------------------------------------------------------- */

static const char *const roles[] = {"public", "app", "staff", "admin", NULL};

const char *ig_store_role_name(ig_store_role r) { return (unsigned)r <= IG_ROLE_ADMIN ? roles[r] : "?"; }

ig_status ig_store_role_parse(const char *name, ig_store_role *out, ig_error *err) {
    for (int i = 0; roles[i]; i++)
        if (strcmp(name, roles[i]) == 0) {
            *out = (ig_store_role)i;
            return IG_OK;
        }
    return ig_error_set(err, IG_E_ARG, "the role of a key is admin, staff, app or public, not \"%.40s\"", name);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static ig_status read_key(void *item, const store_value *v, ig_error *err) {
    ig_store_key *k = item;
    int role = 0;
    IG_TRY(store_get_text(k->id, sizeof k->id, &v[0], err));
    IG_TRY(store_get_text(k->name, sizeof k->name, &v[1], err));
    IG_TRY(store_get_word(roles, &v[2], &role, err));
    k->role = (ig_store_role)role;
    k->requests_per_minute = v[3].integer, k->concurrent = v[4].integer;
    k->created_at = v[5].integer, k->expires_at = v[6].integer;
    k->last_used_at = v[7].integer, k->revoked_at = v[8].integer;
    return IG_OK;
}

static const store_list keys = {
    .thing = "key", .seq = STORE_Q_KEY_SEQ, .newest = STORE_Q_KEY_NEWEST, .oldest = STORE_Q_KEY_OLDEST,
    .item_bytes = sizeof(ig_store_key), .read = read_key,
};

typedef struct known_key {
    ig_store_key key;
    uint8_t digest[DIGEST_BYTES];
} known_key;

static ig_status read_known(void *item, const store_value *v, ig_error *err) {
    known_key *k = item;
    IG_TRY(read_key(&k->key, v, err));
    if (v[9].len != DIGEST_BYTES) return ig_error_set(err, IG_E_FORMAT, "the digest of key %s is damaged", k->key.id);
    memcpy(k->digest, v[9].text, DIGEST_BYTES);
    return IG_OK;
}

static const store_list known_keys = {.thing = "key", .item_bytes = sizeof(known_key), .read = read_known};

static void digest(const char *secret, uint8_t out[DIGEST_BYTES]) {
    crypto_generichash(out, DIGEST_BYTES, (const unsigned char *)secret, strlen(secret), NULL, 0);
}

/* ---- new --------------------------------------------------------------------------------------------------------- */

typedef struct new_key {
    const ig_store_key_opts *opts;
    ig_store_key *key;
    const char *secret;
} new_key;

static ig_status check_opts(const ig_store *s, const ig_store_key_opts *o, ig_error *err) {
    IG_TRY(store_check_name("the name of the key", o->name, IG_STORE_NAME_MAX, err));
    if ((unsigned)o->role > IG_ROLE_ADMIN) return ig_error_set(err, IG_E_ARG, "there is no role %d", (int)o->role);
    if (o->requests_per_minute < 0 || o->concurrent < 0)
        return ig_error_set(err, IG_E_ARG, "the limits of a key are 0 or more");
    if (o->expires_at && o->expires_at <= store_now(s))
        return ig_error_set(err, IG_E_ARG, "the key would have expired already");
    return IG_OK;
}

static ig_status audit_new(ig_store *s, const new_key *n, ig_error *err) {
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    ig_json_key(&j, "name"), ig_json_text(&j, n->key->name);
    ig_json_key(&j, "role"), ig_json_text(&j, roles[n->key->role]);
    ig_json_key(&j, "expires_at"), ig_json_int(&j, n->key->expires_at);
    ig_json_close(&j, '}');
    ig_status status = ig_buf_status(&b, err);
    if (status == IG_OK)
        status = store_audit(s, &(ig_store_audit_opts){.who = n->opts->who, .what = "key.new", .object = n->key->id,
                                                       .after = b.data}, err);
    ig_buf_fini(&b);
    return status;
}

static ig_status add_key(ig_store *s, void *arg, ig_error *err) {
    const new_key *n = arg;
    const ig_store_key *k = n->key;
    uint8_t d[DIGEST_BYTES];
    digest(n->secret, d);
    const store_value v[] = {store_text(k->id), store_text(k->name), store_text(roles[k->role]), store_bytes(d, sizeof d),
                             store_int(k->requests_per_minute), store_int(k->concurrent), store_int(k->created_at), store_int(k->expires_at)};
    IG_TRY(store_run(s, STORE_Q_KEY_ADD, v, 8, NULL, NULL, err));
    return audit_new(s, n, err);
}

ig_status ig_store_key_new(ig_store *s, const ig_store_key_opts *opts, char secret[IG_STORE_SECRET_SIZE], ig_store_key *out,
                           ig_error *err) {
    ig_store_key k = {.role = opts->role, .requests_per_minute = opts->requests_per_minute, .concurrent = opts->concurrent,
                      .created_at = store_now(s), .expires_at = opts->expires_at};
    char name[NAME_LETTERS + 1], text[SECRET_LETTERS + 1], whole[IG_STORE_SECRET_SIZE];
    secret[0] = '\0';
    IG_TRY(check_opts(s, opts, err));
    store_random_text(name, NAME_LETTERS);
    store_random_text(text, SECRET_LETTERS);
    snprintf(k.id, sizeof k.id, "key-%s", name);
    snprintf(k.name, sizeof k.name, "%s", opts->name);
    snprintf(whole, sizeof whole, "ig-%s%s", name, text);
    ig_status status = store_write(s, add_key, &(new_key){opts, &k, whole}, err);
    if (status == IG_OK) {
        memcpy(secret, whole, sizeof whole);
        if (out) *out = k;
    }
    sodium_memzero(text, sizeof text);
    sodium_memzero(whole, sizeof whole);
    return status;
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

static bool id_of_secret(const char *secret, char id[IG_STORE_ID_SIZE]) {
    if (strncmp(secret, "ig-", 3) != 0 || strlen(secret) != 3 + NAME_LETTERS + SECRET_LETTERS) return false;
    snprintf(id, IG_STORE_ID_SIZE, "key-%.*s", NAME_LETTERS, secret + 3);
    return true;
}

static ig_status unknown_secret(ig_error *err) { return ig_error_set(err, IG_E_NOT_FOUND, "the key is unknown"); }

static ig_status check_valid(const ig_store *s, const ig_store_key *k, ig_error *err) {
    if (k->revoked_at) return ig_error_set(err, IG_E_NOT_FOUND, "the key \"%s\" was revoked", k->name);
    if (k->expires_at && k->expires_at <= store_now(s))
        return ig_error_set(err, IG_E_NOT_FOUND, "the key \"%s\" has expired", k->name);
    return IG_OK;
}

/* An id that is not in the store is told like a wrong secret. */
static ig_status match(ig_store *s, const char *secret, known_key *k, ig_error *err) {
    char id[IG_STORE_ID_SIZE];
    uint8_t d[DIGEST_BYTES];
    if (!id_of_secret(secret, id)) return unknown_secret(err);
    ig_status status = store_get(s, &known_keys, STORE_Q_KEY_GET, id, k, err);
    if (status == IG_E_NOT_FOUND) return unknown_secret(err);
    if (status != IG_OK) return status;
    digest(secret, d);
    if (sodium_memcmp(d, k->digest, sizeof d) != 0) return unknown_secret(err);
    return check_valid(s, &k->key, err);
}

ig_status store_key_valid(ig_store *s, const char *id, ig_store_key *out, ig_error *err) {
    IG_TRY(store_get(s, &keys, STORE_Q_KEY_GET, id, out, err));
    return check_valid(s, out, err);
}

/* A full disk must not lock anybody out: when this cannot be written, the next call tries again. */
static void note_use(ig_store *s, known_key *k) {
    int64_t now = store_now(s);
    if (now - k->key.last_used_at < USED_EVERY_S && now >= k->key.last_used_at) return;
    const store_value v[] = {store_text(k->key.id), store_int(now)};
    if (store_run(s, STORE_Q_KEY_USED, v, 2, NULL, NULL, NULL) == IG_OK) k->key.last_used_at = now;
}

ig_status ig_store_key_find(ig_store *s, const char *secret, ig_store_key *out, ig_error *err) {
    known_key k;
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->lock);
    ig_status status = match(s, secret, &k, err);
    if (status == IG_OK) note_use(s, &k);
    pthread_mutex_unlock(&s->lock);
    if (status == IG_OK) *out = k.key;
    return status;
}

ig_status ig_store_key_get(ig_store *s, const char *id, ig_store_key *out, ig_error *err) {
    pthread_mutex_lock(&s->lock);
    ig_status status = store_get(s, &keys, STORE_Q_KEY_GET, id, out, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

ig_status ig_store_key_list(ig_store *s, const ig_store_page *page, ig_store_key **out, size_t *count, bool *more,
                            ig_error *err) {
    return store_page(s, &keys, NULL, page, out, count, more, err);
}

/* ---- revoking ---------------------------------------------------------------------------------------------------- */

typedef struct revocation {
    const char *id, *who;
} revocation;

static ig_status revoke(ig_store *s, void *arg, ig_error *err) {
    const revocation *r = arg;
    ig_store_key k;
    char after[64];
    IG_TRY(store_get(s, &keys, STORE_Q_KEY_GET, r->id, &k, err));
    if (k.revoked_at) return IG_OK;
    const store_value v[] = {store_text(r->id), store_int(store_now(s))};
    snprintf(after, sizeof after, "{\"revoked_at\":%" PRId64 "}", v[1].integer);
    IG_TRY(store_run(s, STORE_Q_KEY_REVOKE, v, 2, NULL, NULL, err));
    return store_audit(s, &(ig_store_audit_opts){.who = r->who, .what = "key.revoke", .object = r->id,
                                                 .before = "{\"revoked_at\":0}", .after = after}, err);
}

ig_status ig_store_key_revoke(ig_store *s, const char *id, const char *who, ig_error *err) {
    return store_write(s, revoke, &(revocation){id, who}, err);
}
