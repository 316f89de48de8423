/* text/unigram.c: SentencePiece's unigram model: of all ways to cut a word into pieces the one with the highest sum of scores.
 *
 * A score is the logarithm of a probability.  Viterbi: the best way to reach each place, left to right; the pieces that start
 * at a place are found by walking a trie.  A character that is no piece costs 10 more than the rarest piece.  Time is the
 * length of the text times that of the longest piece.   (Kudo 2018, "Subword regularization", section 3.2)
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "text/tokenizer_impl.h"

#define UNK_PENALTY     10.0f
#define TRIE_BYTES_MAX  (64u << 20) /* bytes of all pieces together: bounds the trie */
#define NOT_REACHED     (-2)

static ig_status add_piece(ig_tokenizer *t, size_t id, int32_t *nodes, ig_error *err) {
    size_t len;
    const uint8_t *s = (const uint8_t *)tok_bytes(&t->table, id, &len);
    int32_t node = 0;
    for (size_t i = 0; i < len; i++) {
        const tok_pair_slot *slot = ig_tok_pairs_get(&t->trie, node, s[i]);
        uint32_t value = i + 1 < len ? (slot ? slot->value : 0) : (uint32_t)id + 1;
        int32_t child = slot ? slot->extra : ++*nodes;
        if (!slot || slot->value != value) IG_TRY(ig_tok_pairs_set(&t->trie, node, s[i], value, child, err));
        node = child;
    }
    return IG_OK;
}

ig_status ig_tok_unigram_finish(ig_tokenizer *t, const char *name, ig_error *err) {
    int32_t nodes = 0;
    float least = 0;
    if (t->table.bytes_len > TRIE_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, name, 0, "the pieces of the vocabulary have more than %u bytes together",
                           TRIE_BYTES_MAX);
    for (size_t i = 0, len; i < t->table.count; i++) {
        tok_bytes(&t->table, i, &len);
        if (!isfinite(t->score[i])) return ig_error_at(err, IG_E_FORMAT, name, 0, "the score of token %zu is not a number", i);
        if (t->table.flag[i]) continue;
        if (len > TOK_PIECE_BYTES_MAX)
            return ig_error_at(err, IG_E_LIMIT, name, 0, "token %zu has %zu bytes, more than %d", i, len, TOK_PIECE_BYTES_MAX);
        if (t->score[i] < least) least = t->score[i];
        if (ig_tok_find(&t->table, tok_bytes(&t->table, i, &len), len) == (int32_t)i) IG_TRY(add_piece(t, i, &nodes, err));
    }
    t->unk_score = least - UNK_PENALTY;
    return IG_OK;
}

static ig_status reserve(tok_merger *m, size_t n, ig_error *err) {
    if (n > UINT32_MAX / 2) return ig_error_set(err, IG_E_LIMIT, "a single word of %zu bytes is too long", n);
    if (n < m->best_cap) return IG_OK;
    tok_best *best = ig_realloc_array(m->best, n + 1, sizeof *best);
    if (!best) return ig_error_nomem(err, n * sizeof *best);
    m->best = best;
    m->best_cap = n + 1;
    return IG_OK;
}

static void offer(tok_best *best, size_t from, size_t to, double score, int32_t id) {
    if (best[to].id != NOT_REACHED && best[to].score >= score) return;
    best[to] = (tok_best){.score = score, .from = (uint32_t)from, .id = id};
}

/* All pieces that start at `at`, and the character itself where it is none of them. */
static void extend(const ig_tokenizer *t, tok_best *best, const char *s, size_t n, size_t at, size_t char_len) {
    int32_t node = 0;
    bool alone = false;
    for (size_t i = at; i < n; i++) {
        const tok_pair_slot *slot = ig_tok_pairs_get(&t->trie, node, (uint8_t)s[i]);
        if (!slot) break;
        node = slot->extra;
        if (!slot->value) continue;
        alone |= i + 1 - at == char_len;
        offer(best, at, i + 1, best[at].score + (double)t->score[slot->value - 1], (int32_t)slot->value - 1);
    }
    if (!alone) offer(best, at, at + char_len, best[at].score + (double)t->unk_score, -1);
}

/* The chain of places from the end becomes one from the start: best[at].from is where the piece at `at` ends, its id too. */
static void turn_round(tok_best *best, size_t n) {
    uint32_t to = (uint32_t)n, at = best[n].from;
    int32_t id = best[n].id;
    while (to) {
        tok_best here = best[at];
        best[at].from = to;
        best[at].id = id;
        to = at;
        at = here.from;
        id = here.id;
    }
}

ig_status ig_tok_unigram_word(void *merger, const char *word, size_t n, ig_error *err) {
    tok_merger *m = merger;
    if (!n) return IG_OK;
    IG_TRY(reserve(m, n, err));
    for (size_t i = 0; i <= n; i++) m->best[i].id = NOT_REACHED;
    m->best[0] = (tok_best){.id = -1};
    for (size_t at = 0, len; at < n; at += len) {
        uint32_t cp;
        len = ig_utf8_decode(word + at, n - at, &cp);
        if (!len) len = 1;
        if (m->best[at].id != NOT_REACHED) extend(m->t, m->best, word, n, at, len);
    }
    turn_round(m->best, n);
    m->after_unk = false;
    for (size_t at = 0; at < n; at = m->best[at].from) {
        if (m->best[at].id >= 0) {
            IG_TRY(ig_ids_push(m->ids, m->best[at].id, err));
            m->after_unk = false;
        } else {
            IG_TRY(ig_tok_push_unknown(m, word + at, m->best[at].from - at, err));
        }
    }
    return IG_OK;
}
