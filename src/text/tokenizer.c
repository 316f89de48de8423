/* text/tokenizer.c: encode, decode and look-ups.
 *
 * Encoding cuts the added tokens out of the text first: the special ones only on request (so that no user can type one),
 * the others always, as Hugging Face's tokenizers do.  What is between them goes through words and merges (BPE) or
 * character by character (CHAR).
 */
#include <stdlib.h>
#include <string.h>

#include "text/tokenizer_impl.h"

const char *ig_tokenizer_kind_name(ig_tokenizer_kind kind) {
    return kind == IG_TOKENIZER_CHAR ? "char" : "bpe";
}

ig_status ig_tokenizer_kind_parse(const char *name, ig_tokenizer_kind *out, ig_error *err) {
    if (!name || (strcmp(name, "bpe") && strcmp(name, "char")))
        return ig_error_set(err, IG_E_ARG, "there is no tokenizer of kind \"%s\": choose bpe or char", name ? name : "");
    *out = name[0] == 'c' ? IG_TOKENIZER_CHAR : IG_TOKENIZER_BPE;
    return IG_OK;
}

/* ---- making ---- */

ig_status ig_tok_new(ig_tokenizer_kind kind, ig_tokenizer **out, ig_error *err) {
    ig_tokenizer *t = ig_calloc(1, sizeof *t);
    if (!t) return ig_error_nomem(err, sizeof *t);
    t->kind = kind;
    for (int i = 0; i < 256; i++) t->byte_id[i] = -1;
    *out = t;
    return IG_OK;
}

void ig_tokenizer_free(ig_tokenizer *t) {
    if (!t) return;
    ig_tok_table_fini(&t->table);
    ig_tok_pairs_fini(&t->rank);
    ig_tok_split_fini(&t->split);
    ig_free(t->merge);
    ig_free(t->added);
    ig_free(t->special);
    ig_free(t);
}

ig_status ig_tok_merge_add(ig_tokenizer *t, int32_t left, int32_t right, int32_t made, ig_error *err) {
    if (t->merges == t->merges_cap) {
        size_t cap = t->merges_cap ? t->merges_cap * 2 : 256;
        tok_merge *merge = ig_realloc_array(t->merge, cap, sizeof *merge);
        if (!merge) return ig_error_nomem(err, cap * sizeof *merge);
        t->merge = merge;
        t->merges_cap = cap;
    }
    IG_TRY(ig_tok_pairs_set(&t->rank, left, right, (uint32_t)t->merges, made, err));
    t->merge[t->merges++] = (tok_merge){left, right};
    return IG_OK;
}

typedef struct sort_key {
    const char *bytes;
    size_t len;
    int32_t id;
} sort_key;

static int by_bytes(const void *left, const void *right) {
    const sort_key *a = left, *b = right;
    int c = memcmp(a->bytes, b->bytes, a->len < b->len ? a->len : b->len);
    if (c) return c;
    return a->len != b->len ? (a->len < b->len ? -1 : 1) : (a->id > b->id) - (a->id < b->id);
}

static ig_status sort_added(ig_tokenizer *t, ig_error *err) {
    size_t n = t->added_count;
    if (!n) return IG_OK;
    sort_key *key = ig_calloc(n, sizeof *key);
    if (!key) return ig_error_nomem(err, n * sizeof *key);
    for (size_t i = 0; i < n; i++) {
        key[i].id = t->added[i];
        key[i].bytes = tok_bytes(&t->table, (size_t)key[i].id, &key[i].len);
        t->added_first[(uint8_t)key[i].bytes[0]] |= t->table.flag[key[i].id] & TOK_SPECIAL ? TOK_SPECIAL : TOK_ADDED;
    }
    qsort(key, n, sizeof *key, by_bytes);
    for (size_t i = 0; i < n; i++) t->added[i] = key[i].id;
    ig_free(key);
    return IG_OK;
}

static void set_byte_ids(ig_tokenizer *t) {
    for (int b = 0; b < 256 && t->kind == IG_TOKENIZER_BPE; b++) {
        char byte = (char)b;
        t->byte_id[b] = ig_tok_find(&t->table, &byte, 1);
    }
    for (size_t i = 0; i < t->table.count && t->kind == IG_TOKENIZER_CHAR; i++)
        if (t->table.flag[i] & TOK_BYTE) t->byte_id[(uint8_t)t->table.bytes[t->table.start[i]]] = (int32_t)i;
}

ig_status ig_tok_finish(ig_tokenizer *t, ig_error *err) {
    for (size_t i = 0; i < t->table.count; i++) {
        t->added_count += (t->table.flag[i] & TOK_ADDED) != 0;
        t->special_count += (t->table.flag[i] & TOK_SPECIAL) != 0;
    }
    t->added = ig_calloc(t->added_count + 1, sizeof *t->added);
    t->special = ig_calloc(t->special_count + 1, sizeof *t->special);
    if (!t->added || !t->special) return ig_error_nomem(err, t->added_count * sizeof *t->added);
    for (size_t i = 0, a = 0, s = 0; i < t->table.count; i++) {
        if (t->table.flag[i] & TOK_ADDED) t->added[a++] = (int32_t)i;
        if (t->table.flag[i] & TOK_SPECIAL) t->special[s++] = (int32_t)i;
    }
    set_byte_ids(t);
    return sort_added(t, err);
}

/* ---- added tokens ---- */

/* First index in added[low..high) whose byte at `depth` is at least b; the range shares its first `depth` bytes. */
static size_t added_bound(const ig_tokenizer *t, size_t low, size_t high, size_t depth, unsigned b) {
    while (low < high) {
        size_t mid = low + (high - low) / 2, len;
        const char *s = tok_bytes(&t->table, (size_t)t->added[mid], &len);
        if (len <= depth || (uint8_t)s[depth] < b)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The longest added token with one of these flags that s[0..n) starts with; -1 when there is none. */
static int32_t added_here(const ig_tokenizer *t, const char *s, size_t n, unsigned flags) {
    size_t low = 0, high = t->added_count;
    int32_t best = -1;
    for (size_t depth = 0; depth < n && low < high; depth++) {
        unsigned b = (uint8_t)s[depth];
        low = added_bound(t, low, high, depth, b);
        high = added_bound(t, low, high, depth, b + 1);
        for (size_t i = low, len; i < high; i++) { /* those that end here come first */
            tok_bytes(&t->table, (size_t)t->added[i], &len);
            if (len != depth + 1) break;
            bool special = t->table.flag[t->added[i]] & TOK_SPECIAL;
            if (flags & (special ? TOK_SPECIAL : TOK_ADDED)) best = t->added[i];
        }
    }
    return best;
}

int32_t ig_tok_next_added(const ig_tokenizer *t, const char *text, size_t n, size_t at, unsigned flags, size_t *where) {
    for (; t->added_count && at < n; at++) {
        if (!(t->added_first[(uint8_t)text[at]] & flags)) continue;
        int32_t id = added_here(t, text + at, n - at, flags);
        if (id >= 0) {
            *where = at;
            return id;
        }
    }
    *where = n;
    return -1;
}

/* ---- encode ---- */

static ig_status encode_char(const ig_tokenizer *t, const char *s, size_t n, size_t offset, ig_ids *ids, ig_error *err) {
    for (size_t i = 0; i < n;) {
        uint32_t cp = 0;
        size_t len = ig_utf8_decode(s + i, n - i, &cp);
        int32_t id = ig_tok_find(&t->table, s + i, len);
        if (id >= 0) {
            IG_TRY(ig_ids_push(ids, id, err));
            i += len;
            continue;
        }
        if (!t->byte_fallback && !len)
            return ig_error_set(err, IG_E_NOT_FOUND,
                                "the text is not UTF-8 at byte offset %zu (0x%02x), and this vocabulary "
                                "has no byte tokens",
                                offset + i, (uint8_t)s[i]);
        if (!t->byte_fallback)
            return ig_error_set(err, IG_E_NOT_FOUND,
                                "the character \"%.*s\" (U+%04X) at byte offset %zu is not in the "
                                "vocabulary of %zu tokens, and it has no byte tokens: train it with byte fallback or on text "
                                "that has this character",
                                (int)len, s + i, cp, offset + i, t->table.count);
        for (size_t end = i + (len ? len : 1); i < end; i++) IG_TRY(ig_ids_push(ids, t->byte_id[(uint8_t)s[i]], err));
    }
    return IG_OK;
}

static ig_status encode_all(tok_merger *m, const char *s, size_t n, unsigned flags, ig_error *err) {
    const ig_tokenizer *t = m->t;
    unsigned wanted = TOK_ADDED | (flags & IG_ENCODE_SPECIAL ? TOK_SPECIAL : 0u);
    for (size_t at = 0; at < n;) {
        size_t where, len = 0;
        int32_t added = ig_tok_next_added(t, s, n, at, wanted, &where);
        if (where > at && t->kind == IG_TOKENIZER_CHAR) IG_TRY(encode_char(t, s + at, where - at, at, m->ids, err));
        if (where > at && t->kind == IG_TOKENIZER_BPE)
            IG_TRY(ig_tok_split_run(&t->split, s + at, where - at, ig_tok_merge_word, m, err));
        if (added >= 0) {
            IG_TRY(ig_ids_push(m->ids, added, err));
            tok_bytes(&t->table, (size_t)added, &len);
        }
        at = where + len;
    }
    return IG_OK;
}

ig_status ig_tokenizer_encode(const ig_tokenizer *t, const void *text, size_t len, unsigned flags, ig_ids *ids, ig_error *err) {
    if (len > IG_TEXT_BYTES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a text of %zu bytes is too long to encode at once (at most %zu)", len,
                            IG_TEXT_BYTES_MAX);
    size_t before = ids->len;
    tok_merger m = {.t = t, .ids = ids};
    ig_status status = encode_all(&m, text, len, flags, err);
    ig_tok_merger_fini(&m);
    if (status != IG_OK) ids->len = before;
    return status;
}

/* ---- decode and look-ups ---- */

ig_status ig_tokenizer_decode(const ig_tokenizer *t, const int32_t *ids, size_t n, unsigned flags, ig_buf *out, ig_error *err) {
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= t->table.count)
            return ig_error_set(err, IG_E_ARG, "token id %d at position %zu is outside of the vocabulary of %zu tokens",
                                (int)ids[i], i, t->table.count);
        if ((flags & IG_DECODE_SKIP_SPECIAL) && (t->table.flag[ids[i]] & TOK_SPECIAL)) continue;
        size_t len;
        const char *s = tok_bytes(&t->table, (size_t)ids[i], &len);
        ig_buf_append(out, s, len);
    }
    return ig_buf_status(out, err);
}

ig_tokenizer_kind ig_tokenizer_get_kind(const ig_tokenizer *t) {
    return t->kind;
}

size_t ig_tokenizer_count(const ig_tokenizer *t) {
    return t->table.count;
}

const char *ig_tokenizer_token(const ig_tokenizer *t, int32_t id, size_t *len) {
    *len = 0;
    return id < 0 || (size_t)id >= t->table.count ? NULL : tok_bytes(&t->table, (size_t)id, len);
}

int32_t ig_tokenizer_find(const ig_tokenizer *t, const void *token, size_t len) {
    if (!len) return -1;
    int32_t id = ig_tok_find(&t->table, token, len);
    if (id >= 0) return id;
    id = added_here(t, token, len, TOK_ADDED | TOK_SPECIAL);
    size_t found = 0;
    if (id >= 0) tok_bytes(&t->table, (size_t)id, &found);
    if (found == len) return id;
    return len == 1 ? t->byte_id[*(const uint8_t *)token] : -1;
}

bool ig_tokenizer_is_special(const ig_tokenizer *t, int32_t id) {
    return id >= 0 && (size_t)id < t->table.count && (t->table.flag[id] & TOK_SPECIAL);
}

size_t ig_tokenizer_special_count(const ig_tokenizer *t) {
    return t->special_count;
}

int32_t ig_tokenizer_special_get(const ig_tokenizer *t, size_t i) {
    return i < t->special_count ? t->special[i] : -1;
}
