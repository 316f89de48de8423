/* text/spm.c: SentencePiece's BPE, which has scores instead of merges.
 *
 * Two neighbours merge if together they are a piece; the piece with the highest score first.  So every way to cut a piece
 * into two others is a merge, and its rank is the place of the score among all scores: from there on it is BPE over
 * characters.  A character that is no piece is its bytes, <0xNN>, or the unknown token.   (Kudo and Richardson 2018)
 */
#include <math.h>
#include <stdlib.h>

#include "text/tokenizer_impl.h"

#define CUTS_COST_MAX ((uint64_t)1 << 31) /* bytes to hash: a real vocabulary takes some millions */

typedef struct candidate {
    float score;
    int32_t made, left, right;
} candidate;

static int by_score(const void *left, const void *right) {
    const candidate *a = left, *b = right;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    if (a->made != b->made) return a->made < b->made ? -1 : 1;
    return (a->left > b->left) - (a->left < b->left);
}

static ig_status check_piece(const ig_tokenizer *t, const char *name, size_t id, float score, uint64_t *cost, ig_error *err) {
    size_t len;
    tok_bytes(&t->table, id, &len);
    if (isnan(score)) return ig_error_at(err, IG_E_FORMAT, name, 0, "the score of token %zu is not a number", id);
    if (t->table.flag[id]) return IG_OK;
    if (len > TOK_PIECE_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, name, 0, "token %zu has %zu bytes, more than %d", id, len, TOK_PIECE_BYTES_MAX);
    *cost += (uint64_t)len * len;
    return *cost < CUTS_COST_MAX ? IG_OK : ig_error_at(err, IG_E_LIMIT, name, 0, "the vocabulary has too many long pieces");
}

/* All merges that make token `id`; out may be NULL to count them. */
static size_t cuts_of(const ig_tokenizer *t, size_t id, float score, candidate *out) {
    size_t len, n = 0;
    const char *s = tok_bytes(&t->table, id, &len);
    if (t->table.flag[id] || ig_tok_find(&t->table, s, len) != (int32_t)id) return 0;
    for (size_t i = 1; i < len; i++) {
        if (((uint8_t)s[i] & 0xc0) == 0x80) continue;
        int32_t left = ig_tok_find(&t->table, s, i), right = left < 0 ? -1 : ig_tok_find(&t->table, s + i, len - i);
        if (right < 0) continue;
        if (out) out[n] = (candidate){.score = score, .made = (int32_t)id, .left = left, .right = right};
        n++;
    }
    return n;
}

/* Equal scores are one rank, so that of them the leftmost pair of a word comes first. */
static ig_status add_merges(ig_tokenizer *t, const candidate *c, size_t n, ig_error *err) {
    uint32_t rank = 0;
    for (size_t i = 0; i < n; i++) {
        if (i && c[i].score != c[i - 1].score) rank = (uint32_t)i;
        IG_TRY(ig_tok_merge_add(t, c[i].left, c[i].right, c[i].made, err));
        IG_TRY(ig_tok_pairs_set(&t->rank, c[i].left, c[i].right, rank, c[i].made, err));
    }
    return IG_OK;
}

ig_status ig_tok_spm_merges(ig_tokenizer *t, const char *name, const float *score, ig_error *err) {
    uint64_t cost = 0;
    size_t n = 0, at = 0;
    for (size_t i = 0; i < t->table.count; i++) IG_TRY(check_piece(t, name, i, score[i], &cost, err));
    for (size_t i = 0; i < t->table.count; i++) n += cuts_of(t, i, score[i], NULL);
    candidate *c = ig_calloc(n + 1, sizeof *c);
    if (!c) return ig_error_nomem(err, n * sizeof *c);
    for (size_t i = 0; i < t->table.count; i++) at += cuts_of(t, i, score[i], c + at);
    qsort(c, n, sizeof *c, by_score);
    ig_status status = add_merges(t, c, n, err);
    ig_free(c);
    return status;
}

ig_status ig_tok_spm_symbols(const ig_tokenizer *t, const char *word, size_t n, int32_t *id, size_t *count, ig_error *err) {
    *count = 0;
    for (size_t at = 0, len; at < n; at += len) {
        uint32_t cp = 0;
        len = ig_utf8_decode(word + at, n - at, &cp);
        int32_t found = len ? ig_tok_find(&t->table, word + at, len) : -1;
        len = len ? len : 1;
        if (found >= 0) {
            id[(*count)++] = found;
        } else if (t->byte_fallback) {
            for (size_t i = 0; i < len; i++) id[(*count)++] = t->byte_id[(uint8_t)word[at + i]];
        } else if (t->unk >= 0) {
            id[(*count)++] = t->unk;
        } else {
            return ig_error_set(err, IG_E_NOT_FOUND, "the character U+%04X has no token, and there is no unknown token", cp);
        }
    }
    return IG_OK;
}
