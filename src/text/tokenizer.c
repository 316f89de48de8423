/* text/tokenizer.c: making one, its added tokens, and look-ups.
 *
 * Added tokens are found by their text, never by a model: sorted by their bytes, so that the longest that a text starts with
 * takes one bisection per byte.  tokenizer_encode.c cuts them out.
 */
#include <stdlib.h>
#include <string.h>

#include "text/tokenizer_impl.h"

static const char *const kind_name[] = {"bpe", "char", "wordpiece", "unigram", "spm"}; /* by ig_tokenizer_kind */

const char *ig_tokenizer_kind_name(ig_tokenizer_kind kind) {
    return (size_t)kind < sizeof kind_name / sizeof *kind_name ? kind_name[kind] : "unknown";
}

ig_status ig_tokenizer_kind_parse(const char *name, ig_tokenizer_kind *out, ig_error *err) {
    for (size_t i = 0; name && i < sizeof kind_name / sizeof *kind_name; i++) {
        if (strcmp(name, kind_name[i])) continue;
        *out = (ig_tokenizer_kind)i;
        return IG_OK;
    }
    return ig_error_set(err, IG_E_ARG, "there is no tokenizer of kind \"%s\": choose bpe, char, wordpiece, unigram or spm",
                        name ? name : "");
}

/* ---- making ---- */

ig_status ig_tok_new(ig_tokenizer_kind kind, ig_tokenizer **out, ig_error *err) {
    ig_tokenizer *t = ig_calloc(1, sizeof *t);
    if (!t) return ig_error_nomem(err, sizeof *t);
    t->kind = kind;
    t->unk = -1;
    for (int i = 0; i < 256; i++) t->byte_id[i] = -1;
    *out = t;
    return IG_OK;
}

void ig_tokenizer_free(ig_tokenizer *t) {
    if (!t) return;
    ig_tok_table_fini(&t->table);
    ig_tok_pairs_fini(&t->rank);
    ig_tok_pairs_fini(&t->trie);
    ig_tok_norm_fini(&t->norm);
    ig_tok_split_fini(&t->split);
    ig_free(t->score);
    ig_free(t->prefix);
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

/* Which of the three groups that are looked for at different times. */
static unsigned group_of(unsigned flag) {
    return flag & TOK_SPECIAL ? TOK_SPECIAL : flag & TOK_USER ? TOK_USER : TOK_ADDED;
}

static ig_status sort_added(ig_tokenizer *t, ig_error *err) {
    size_t n = t->added_count;
    if (!n) return IG_OK;
    sort_key *key = ig_calloc(n, sizeof *key);
    if (!key) return ig_error_nomem(err, n * sizeof *key);
    for (size_t i = 0; i < n; i++) {
        key[i].id = t->added[i];
        key[i].bytes = tok_bytes(&t->table, (size_t)key[i].id, &key[i].len);
        t->added_first[(uint8_t)key[i].bytes[0]] |= (uint8_t)group_of(t->table.flag[key[i].id]);
    }
    qsort(key, n, sizeof *key, by_bytes);
    for (size_t i = 0; i < n; i++) t->added[i] = key[i].id;
    ig_free(key);
    return IG_OK;
}

static void set_byte_ids(ig_tokenizer *t) {
    for (int b = 0; b < 256 && tok_on_bytes(t); b++) {
        char byte = (char)b;
        t->byte_id[b] = ig_tok_find(&t->table, &byte, 1);
    }
    for (size_t i = 0; i < t->table.count && !tok_on_bytes(t); i++)
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

int32_t ig_tok_added_here(const ig_tokenizer *t, const char *s, size_t n, unsigned flags) {
    size_t low = 0, high = t->added_count;
    int32_t best = -1;
    if (!n || !(t->added_first[(uint8_t)*s] & flags)) return -1;
    for (size_t depth = 0; depth < n && low < high; depth++) {
        unsigned b = (uint8_t)s[depth];
        low = added_bound(t, low, high, depth, b);
        high = added_bound(t, low, high, depth, b + 1);
        for (size_t i = low, len; i < high; i++) { /* those that end here come first */
            tok_bytes(&t->table, (size_t)t->added[i], &len);
            if (len != depth + 1) break;
            if (flags & group_of(t->table.flag[t->added[i]])) best = t->added[i];
        }
    }
    return best;
}

int32_t ig_tok_next_added(const ig_tokenizer *t, const char *text, size_t n, size_t at, unsigned flags, size_t *where) {
    for (; t->added_count && at < n; at++) {
        int32_t id = ig_tok_added_here(t, text + at, n - at, flags);
        if (id >= 0) {
            *where = at;
            return id;
        }
    }
    *where = n;
    return -1;
}

/* ---- look-ups ---- */

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

int32_t ig_tok_find_any(const ig_tokenizer *t, const void *s, size_t n) {
    int32_t id = ig_tok_find(&t->table, s, n);
    if (id >= 0) return id;
    id = ig_tok_added_here(t, s, n, TOK_ADDED | TOK_SPECIAL | TOK_USER);
    size_t found = 0;
    if (id >= 0) tok_bytes(&t->table, (size_t)id, &found);
    return found == n ? id : -1;
}

int32_t ig_tokenizer_find(const ig_tokenizer *t, const void *token, size_t len) {
    if (!len) return -1;
    int32_t id = ig_tok_find_any(t, token, len);
    return id < 0 && len == 1 ? t->byte_id[*(const uint8_t *)token] : id;
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

bool ig_tokenizer_is_lossless(const ig_tokenizer *t) {
    bool lossless = !tok_has_pieces(t) && !t->norm.count && t->unk < 0 && !t->decoder.metaspace && !t->decoder.strip_first;
    for (size_t i = 0; i < t->split.count; i++)
        lossless = lossless && t->split.stage[i].kind == TOK_STAGE_PATTERN && t->split.stage[i].cut != TOK_CUT_REMOVED;
    for (size_t i = 0; i < t->table.count; i++) lossless = lossless && !(t->table.flag[i] & (TOK_LSTRIP | TOK_RSTRIP));
    return lossless;
}
