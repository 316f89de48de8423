/* text/token_table.c: bytes <-> id.
 *
 * Ids are given out in order of adding.  An open-addressing hash finds the tokens that have no flags; added and byte tokens
 * have their own ways of being found, because their bytes may equal those of an ordinary token.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

static size_t slot_of(const tok_table *v, const void *bytes, size_t n) {
    size_t at = ig_hash64(bytes, n, 0) & (v->slots - 1);
    while (v->slot[at]) {
        size_t len;
        const char *token = tok_bytes(v, v->slot[at] - 1, &len);
        if (len == n && !memcmp(token, bytes, n)) break;
        at = (at + 1) & (v->slots - 1);
    }
    return at;
}

int32_t ig_tok_find(const tok_table *v, const void *bytes, size_t n) {
    return v->slots && n ? (int32_t)v->slot[slot_of(v, bytes, n)] - 1 : -1;
}

/* Keep at least half of the slots empty. */
static ig_status grow_slots(tok_table *v, ig_error *err) {
    if (v->hashed * 2 < v->slots) return IG_OK;
    tok_table next = *v;
    next.slots = v->slots ? v->slots * 2 : 512;
    next.slot = ig_calloc(next.slots, sizeof *next.slot);
    if (!next.slot) return ig_error_nomem(err, next.slots * sizeof *next.slot);
    for (size_t i = 0; i < v->slots; i++) {
        if (!v->slot[i]) continue;
        size_t len;
        const char *token = tok_bytes(v, v->slot[i] - 1, &len);
        next.slot[slot_of(&next, token, len)] = v->slot[i];
    }
    ig_free(v->slot);
    *v = next;
    return IG_OK;
}

static ig_status grow_tokens(tok_table *v, ig_error *err) {
    if (v->count < v->cap) return IG_OK;
    if (v->count >= INT32_MAX / 2) return ig_error_set(err, IG_E_LIMIT, "more than %d different words", INT32_MAX / 2);
    size_t cap = v->cap ? v->cap * 2 : 256;
    size_t *start = ig_realloc_array(v->start, cap + 1, sizeof *start);
    if (!start) return ig_error_nomem(err, (cap + 1) * sizeof *start);
    if (!v->start) start[0] = 0;
    v->start = start;
    uint8_t *flag = ig_realloc_array(v->flag, cap, sizeof *flag);
    if (!flag) return ig_error_nomem(err, cap);
    v->flag = flag;
    v->cap = cap;
    return IG_OK;
}

static ig_status grow_bytes(tok_table *v, size_t n, ig_error *err) {
    size_t need;
    if (!ig_add_size(v->bytes_len, n, &need)) return ig_error_nomem(err, SIZE_MAX);
    if (v->bytes && need <= v->bytes_cap) return IG_OK;
    size_t cap = need + need / 2 + 1024;
    char *bytes = ig_realloc(v->bytes, cap);
    if (!bytes) return ig_error_nomem(err, cap);
    v->bytes = bytes;
    v->bytes_cap = cap;
    return IG_OK;
}

ig_status ig_tok_add(tok_table *v, const void *bytes, size_t n, unsigned flag, ig_error *err) {
    IG_TRY(grow_slots(v, err));
    IG_TRY(grow_tokens(v, err));
    IG_TRY(grow_bytes(v, n, err));
    memcpy(v->bytes + v->bytes_len, bytes, n);
    v->bytes_len += n;
    v->start[v->count + 1] = v->bytes_len;
    v->flag[v->count] = (uint8_t)flag;
    if (!flag && n) {
        size_t at = slot_of(v, v->bytes + v->bytes_len - n, n);
        if (!v->slot[at]) {
            v->slot[at] = (uint32_t)v->count + 1;
            v->hashed++;
        }
    }
    v->count++;
    return IG_OK;
}

void ig_tok_table_fini(tok_table *v) {
    ig_free(v->bytes);
    ig_free(v->start);
    ig_free(v->flag);
    ig_free(v->slot);
    *v = (tok_table){0};
}
