/* store/signing.c: the key of the workspace, and what it is good for.
 *
 *     secrets["workspace"]  32 random bytes, made on first use; backups have it, so that tokens outlive a restore
 *        ├─ subkey 1: keyed hash of a user's name           BLAKE2b-256, in hex
 *        └─ subkey 2: base64url(payload).base64url(mac)     HMAC-SHA-512-256 over the payload
 *
 * Without the key nobody can find out by trying names who stands behind a hash.
 */
#include <sodium.h>
#include <string.h>

#include "store/store.h"

enum { SUBKEY_USERS = 1, SUBKEY_TOKENS = 2 };
static const char context[crypto_kdf_CONTEXTBYTES + 1] = "ingotstr";
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define PAYLOAD_BYTES_MAX 4096

_Static_assert(crypto_kdf_KEYBYTES == sizeof((ig_store *)0)->secret, "the secret is a key");

static ig_status read_secret(void *arg, const store_value *v, ig_error *err) {
    ig_store *s = arg;
    if (v[0].type != STORE_BYTES || v[0].len != sizeof s->secret)
        return ig_error_set(err, IG_E_FORMAT, "the key of the workspace is damaged; restore the last backup: ingot restore FILE");
    memcpy(s->secret, v[0].text, sizeof s->secret);
    s->has_secret = true;
    return IG_OK;
}

static ig_status make_secret(ig_store *s, void *arg, ig_error *err) {
    (void)arg;
    uint8_t random[sizeof s->secret];
    const store_value v[] = {store_text("workspace"), store_bytes(random, sizeof random)};
    randombytes_buf(random, sizeof random);
    ig_status status = store_run(s, STORE_Q_SECRET_ADD, v, 2, NULL, NULL, err);
    sodium_memzero(random, sizeof random);
    return status;
}

/* Another process may have been first: what is in the store afterwards counts. */
static ig_status subkey(ig_store *s, uint64_t number, uint8_t out[32], ig_error *err) {
    const store_value name = store_text("workspace");
    pthread_mutex_lock(&s->lock);
    bool known = s->has_secret;
    ig_status status = known ? IG_OK : store_run(s, STORE_Q_SECRET_GET, &name, 1, read_secret, s, err);
    bool missing = status == IG_OK && !s->has_secret;
    pthread_mutex_unlock(&s->lock);
    if (missing) status = store_write(s, make_secret, NULL, err);
    if (missing && status == IG_OK) status = store_read(s, STORE_Q_SECRET_GET, &name, 1, read_secret, s, err);
    if (status == IG_OK) crypto_kdf_derive_from_key(out, 32, number, context, s->secret);
    return status;
}

/* ---- users ------------------------------------------------------------------------------------------------------- */

ig_status ig_store_user_hash(ig_store *s, const char *user, char out[65], ig_error *err) {
    uint8_t key[32], hash[32];
    out[0] = '\0';
    if (!user || !*user) return IG_OK;
    IG_TRY(store_check_text("the user", user, err));
    IG_TRY(subkey(s, SUBKEY_USERS, key, err));
    crypto_generichash(hash, sizeof hash, (const unsigned char *)user, strlen(user), key, sizeof key);
    sodium_bin2hex(out, 65, hash, sizeof hash);
    sodium_memzero(key, sizeof key);
    return IG_OK;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

_Static_assert(crypto_auth_KEYBYTES == 32 && crypto_auth_BYTES == 32, "as drawn above");

ig_status ig_store_sign(ig_store *s, const char *payload, char *out, size_t size, ig_error *err) {
    uint8_t key[crypto_auth_KEYBYTES], mac[crypto_auth_BYTES];
    size_t n = strlen(payload);
    if (size) out[0] = '\0';
    if (n > PAYLOAD_BYTES_MAX) return ig_error_set(err, IG_E_LIMIT, "at most %d bytes can be signed", PAYLOAD_BYTES_MAX);
    size_t head = sodium_base64_encoded_len(n, BASE64), tail = sodium_base64_encoded_len(sizeof mac, BASE64); /* with NULs */
    if (size < head + tail) return ig_error_set(err, IG_E_LIMIT, "the token needs %zu bytes", head + tail);
    IG_TRY(subkey(s, SUBKEY_TOKENS, key, err));
    crypto_auth(mac, (const unsigned char *)payload, n, key);
    sodium_bin2base64(out, head, (const unsigned char *)payload, n, BASE64);
    out[head - 1] = '.';
    sodium_bin2base64(out + head, tail, mac, sizeof mac, BASE64);
    sodium_memzero(key, sizeof key);
    return IG_OK;
}

static ig_status not_ours(ig_error *err) { return ig_error_set(err, IG_E_FORMAT, "the token was not signed by this workspace"); }

/* Into `text` of `size` bytes and its NUL; the base64 must be the one form that sign writes. */
static bool decode(const char *base64, size_t n, uint8_t *out, size_t size, size_t *len) {
    const char *end = NULL;
    return sodium_base642bin(out, size, base64, n, NULL, len, &end, BASE64) == 0 && end == base64 + n;
}

ig_status ig_store_signed(ig_store *s, const char *token, char *payload, size_t size, ig_error *err) {
    uint8_t key[crypto_auth_KEYBYTES], mac[crypto_auth_BYTES + 1], text[PAYLOAD_BYTES_MAX + 1];
    size_t n = 0, m = 0;
    if (size) payload[0] = '\0';
    const char *dot = token ? strchr(token, '.') : NULL;
    if (!dot || !decode(token, (size_t)(dot - token), text, PAYLOAD_BYTES_MAX, &n) ||
        !decode(dot + 1, strlen(dot + 1), mac, sizeof mac, &m) || m != crypto_auth_BYTES)
        return not_ours(err);
    IG_TRY(subkey(s, SUBKEY_TOKENS, key, err));
    int wrong = crypto_auth_verify(mac, text, n, key);
    sodium_memzero(key, sizeof key);
    if (wrong) return not_ours(err);
    if (n >= size) return ig_error_set(err, IG_E_LIMIT, "the payload has %zu bytes", n);
    memcpy(payload, text, n);
    payload[n] = '\0';
    return IG_OK;
}

/* ---- with a key of others ---------------------------------------------------------------------------------------- */

_Static_assert(crypto_auth_hmacsha256_BYTES == 32, "64 digits");

void ig_store_hmac(const char *key, const char *head, const void *bytes, size_t len, char hex[65]) {
    crypto_auth_hmacsha256_state h;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&h, (const uint8_t *)key, strlen(key));
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)head, strlen(head));
    crypto_auth_hmacsha256_update(&h, bytes, len);
    crypto_auth_hmacsha256_final(&h, mac);
    sodium_bin2hex(hex, 65, mac, sizeof mac);
    sodium_memzero(&h, sizeof h);
}
