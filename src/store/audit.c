/* store/audit.c: who changed what, when; a chain that shows when a row of it was touched.
 *
 *     digest(n) = BLAKE2b-256( digest(n-1) ‖ number ‖ time ‖ who ‖ what ‖ object ‖ before ‖ after )
 *
 * each text behind its length; numbers and lengths as 8 bytes, lowest first; digest(0) is 32 zero bytes.  Rows are numbered
 * without gaps.  Triggers refuse to change or delete a row; whoever goes around them breaks the chain, unless he makes all of
 * it anew, which only the head that was written down elsewhere can show.
 */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "store/store.h"

#define DIGEST_BYTES 32
#define STEP 500 /* rows that are read at a time */

/* ---- the chain --------------------------------------------------------------------------------------------------- */

static void add_number(crypto_generichash_state *h, int64_t v) {
    uint8_t b[8];
    for (int i = 0; i < 8; i++) b[i] = (uint8_t)((uint64_t)v >> 8 * i);
    crypto_generichash_update(h, b, sizeof b);
}

static void add_text(crypto_generichash_state *h, const store_value *v) {
    add_number(h, (int64_t)v->len);
    if (v->len) crypto_generichash_update(h, (const unsigned char *)v->text, v->len);
}

/* v: number, created, who, what, object, before, after.  The digest of the row before is replaced. */
static void chain(uint8_t digest[DIGEST_BYTES], const store_value *v) {
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, DIGEST_BYTES);
    crypto_generichash_update(&h, digest, DIGEST_BYTES);
    for (int i = 0; i < 2; i++) add_number(&h, v[i].integer);
    for (int i = 2; i < 7; i++) add_text(&h, &v[i]);
    crypto_generichash_final(&h, digest, DIGEST_BYTES);
}

typedef struct chained {
    int64_t number;
    uint8_t digest[DIGEST_BYTES];
} chained;

static ig_status read_last(void *arg, const store_value *v, ig_error *err) {
    chained *l = arg;
    l->number = v[0].integer;
    if (v[1].len != DIGEST_BYTES)
        return ig_error_set(err, IG_E_FORMAT, "the digest of audit row %" PRId64 " is damaged", l->number);
    memcpy(l->digest, v[1].text, DIGEST_BYTES);
    return IG_OK;
}

/* ---- adding ------------------------------------------------------------------------------------------------------ */

static ig_status check_entry(const ig_store_audit_opts *e, ig_error *err) {
    if (e->who) IG_TRY(store_check_name("who", e->who, IG_STORE_NAME_MAX, err));
    IG_TRY(store_check_name("what", e->what, IG_STORE_NAME_MAX, err));
    IG_TRY(store_check_text("object", e->object, err));
    IG_TRY(store_check_json("before", e->before, err));
    return store_check_json("after", e->after, err);
}

ig_status store_audit(ig_store *s, const ig_store_audit_opts *e, ig_error *err) {
    chained last = {0};
    IG_TRY(check_entry(e, err));
    IG_TRY(store_run(s, STORE_Q_AUDIT_LAST, NULL, 0, read_last, &last, err));
    store_value v[8] = {store_int(last.number + 1), store_int(store_now(s)), store_text(e->who ? e->who : "local"),
                        store_text(e->what),
                        store_text(e->object), store_text(e->before), store_text(e->after)};
    chain(last.digest, v);
    v[7] = store_bytes(last.digest, DIGEST_BYTES);
    return store_run(s, STORE_Q_AUDIT_ADD, v, 8, NULL, NULL, err);
}

static ig_status add(ig_store *s, void *arg, ig_error *err) { return store_audit(s, arg, err); }

ig_status ig_store_audit_add(ig_store *s, const ig_store_audit_opts *entry, ig_error *err) {
    ig_store_audit_opts e = *entry;
    return store_write(s, add, &e, err);
}

/* ---- listing: by number, which is what a page goes by anyway ----------------------------------------------------- */

typedef struct rows {
    ig_store_audit *row;
    size_t count, room;
} rows;

static void fini_row(ig_store_audit *r) {
    ig_free(r->who), ig_free(r->what), ig_free(r->object), ig_free(r->before), ig_free(r->after);
}

void ig_store_audits_free(ig_store_audit *row, size_t count) {
    for (size_t i = 0; i < count; i++) fini_row(&row[i]);
    ig_free(row);
}

static ig_status read_row(void *arg, const store_value *v, ig_error *err) {
    rows *r = arg;
    if (r->count == r->room) return ig_error_set(err, IG_E_INTERNAL, "the store gave more rows than were asked for");
    ig_store_audit *a = &r->row[r->count++];
    char **text[] = {&a->who, &a->what, &a->object, &a->before, &a->after};
    a->number = v[0].integer, a->created_at = v[1].integer;
    for (int i = 0; i < 5; i++) IG_TRY(store_get_copy(text[i], &v[2 + i], err));
    return IG_OK;
}

ig_status ig_store_audit_list(ig_store *s, int64_t after, int limit, ig_store_audit **out, size_t *count, bool *more,
                              ig_error *err) {
    *out = NULL, *count = 0, *more = false;
    if (limit < 0 || limit > IG_STORE_LIST_MAX)
        return ig_error_set(err, IG_E_ARG, "limit must be between 1 and %d, not %d", IG_STORE_LIST_MAX, limit);
    size_t n = limit ? (size_t)limit : 20;
    rows r = {ig_calloc(n + 1, sizeof *r.row), 0, n + 1};
    if (!r.row) return ig_error_nomem(err, (n + 1) * sizeof *r.row);
    const store_value v[] = {store_int(after), store_int((int64_t)r.room)};
    ig_status status = store_read(s, STORE_Q_AUDIT_FROM, v, 2, read_row, &r, err);
    if (status != IG_OK) {
        ig_store_audits_free(r.row, r.count);
        return status;
    }
    *more = r.count > n;
    if (*more) fini_row(&r.row[--r.count]);
    *out = r.row, *count = r.count;
    return IG_OK;
}

/* ---- checking ---------------------------------------------------------------------------------------------------- */

static ig_status check_row(void *arg, const store_value *v, ig_error *err) {
    chained *l = arg;
    if (v[0].integer != l->number + 1)
        return ig_error_set(err, IG_E_FORMAT, "the audit lacks row %" PRId64 ": somebody removed it", l->number + 1);
    l->number++;
    chain(l->digest, v);
    if (v[7].len != DIGEST_BYTES || memcmp(v[7].text, l->digest, DIGEST_BYTES) != 0)
        return ig_error_set(err, IG_E_FORMAT,
                            "row %" PRId64 " of the audit, or one before it, was changed: its digest does not fit", l->number);
    return IG_OK;
}

ig_status ig_store_audit_check(ig_store *s, int64_t *count, char head[65], ig_error *err) {
    chained l = {0};
    for (int64_t before = -1; before != l.number;) {
        before = l.number;
        const store_value v[] = {store_int(before), store_int(STEP)};
        IG_TRY(store_read(s, STORE_Q_AUDIT_FROM, v, 2, check_row, &l, err));
    }
    if (count) *count = l.number;
    if (head) sodium_bin2hex(head, 65, l.digest, DIGEST_BYTES);
    return IG_OK;
}
