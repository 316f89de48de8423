/* text/bpe_merge.c: the merges of one word: again and again the pair of lowest rank, and of equals the leftmost.
 *
 * The word is bytes (BPE) or characters (SPM, whose symbols spm.c finds); from there on both are the same.
 *
 * Short words (nearly all) scan an array for the lowest rank.  Long ones, which only unusual or hostile text has, keep a
 * linked list of symbols and a heap of pairs: O(n log n).  A heap item is stale when the rank at its place has changed
 * since; it is then skipped.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

#define SHORT_WORD 48
#define NO_RANK    UINT32_MAX
#define NO_SYMBOL  (-1)

static uint32_t rank_of(const ig_tokenizer *t, int32_t left, int32_t right, int32_t *made) {
    const tok_pair_slot *s = ig_tok_pairs_get(&t->rank, left, right);
    if (!s) return NO_RANK;
    *made = s->extra;
    return s->value;
}

static ig_status base_ids(const ig_tokenizer *t, const char *word, size_t n, int32_t *id, size_t *count, ig_error *err) {
    if (!tok_on_bytes(t)) return ig_tok_spm_symbols(t, word, n, id, count, err);
    *count = n;
    for (size_t i = 0; i < n; i++) {
        id[i] = t->byte_id[(uint8_t)word[i]];
        if (id[i] < 0)
            return ig_error_set(err, IG_E_NOT_FOUND, "the vocabulary has no token for the byte 0x%02x", (uint8_t)word[i]);
    }
    return IG_OK;
}

static size_t merge_short(const ig_tokenizer *t, int32_t *id, size_t n) {
    uint32_t rank[SHORT_WORD];
    int32_t made[SHORT_WORD] = {0};
    for (size_t i = 0; i + 1 < n; i++) rank[i] = rank_of(t, id[i], id[i + 1], &made[i]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < rank[best]) best = i;
        if (rank[best] == NO_RANK) break;
        id[best] = made[best];
        n--;
        memmove(id + best + 1, id + best + 2, (n - best - 1) * sizeof *id);
        memmove(rank + best, rank + best + 1, (n - best - 1) * sizeof *rank);
        memmove(made + best, made + best + 1, (n - best - 1) * sizeof *made);
        if (best) rank[best - 1] = rank_of(t, id[best - 1], id[best], &made[best - 1]);
        if (best + 1 < n) rank[best] = rank_of(t, id[best], id[best + 1], &made[best]);
    }
    return n;
}

/* ---- long words ---- */

static bool before(tok_heap_item a, tok_heap_item b) {
    return a.rank != b.rank ? a.rank < b.rank : a.at < b.at;
}

static void heap_push(tok_merger *m, tok_heap_item item) {
    size_t i = m->heap_len++;
    for (; i && before(item, m->heap[(i - 1) / 2]); i = (i - 1) / 2) m->heap[i] = m->heap[(i - 1) / 2];
    m->heap[i] = item;
}

static tok_heap_item heap_pop(tok_merger *m) {
    tok_heap_item top = m->heap[0], last = m->heap[--m->heap_len];
    size_t i = 0;
    for (size_t child = 1; child < m->heap_len; i = child, child = 2 * i + 1) {
        if (child + 1 < m->heap_len && before(m->heap[child + 1], m->heap[child])) child++;
        if (!before(m->heap[child], last)) break;
        m->heap[i] = m->heap[child];
    }
    m->heap[i] = last;
    return top;
}

/* The pair at `at` is new or gone: note its rank and put it on the heap. */
static void offer(tok_merger *m, int32_t at) {
    int32_t made;
    m->rank[at] = m->next[at] < 0 ? NO_RANK : rank_of(m->t, m->id[at], m->id[m->next[at]], &made);
    if (m->rank[at] != NO_RANK) heap_push(m, (tok_heap_item){.rank = m->rank[at], .at = (uint32_t)at});
}

static void merge_at(tok_merger *m, int32_t at) {
    int32_t right = m->next[at], after = m->next[right];
    rank_of(m->t, m->id[at], m->id[right], &m->id[at]);
    m->id[right] = NO_SYMBOL;
    m->rank[right] = NO_RANK;
    m->next[at] = after;
    if (after >= 0) m->prev[after] = at;
    offer(m, at);
    if (m->prev[at] >= 0) offer(m, m->prev[at]);
}

static void merge_fini(tok_merger *m) {
    ig_free(m->id);
    ig_free(m->next);
    ig_free(m->prev);
    ig_free(m->rank);
    ig_free(m->heap);
    m->id = m->next = m->prev = NULL;
    m->rank = NULL;
    m->heap = NULL;
    m->cap = 0;
}

/* A heap of 2n holds: n-1 pairs at first, and each of at most n-1 merges takes one off and puts at most two on. */
static ig_status reserve(tok_merger *m, size_t n, ig_error *err) {
    if (n <= m->cap) return IG_OK;
    if (n > INT32_MAX / 2) return ig_error_set(err, IG_E_LIMIT, "a single word of %zu bytes is too long", n);
    merge_fini(m);
    m->id = ig_realloc_array(NULL, n, sizeof *m->id);
    m->next = ig_realloc_array(NULL, n, sizeof *m->next);
    m->prev = ig_realloc_array(NULL, n, sizeof *m->prev);
    m->rank = ig_realloc_array(NULL, n, sizeof *m->rank);
    m->heap = ig_realloc_array(NULL, 2 * n, sizeof *m->heap);
    if (!m->id || !m->next || !m->prev || !m->rank || !m->heap) return ig_error_nomem(err, n * 32);
    m->cap = n;
    return IG_OK;
}

static void merge_long(tok_merger *m, size_t n) {
    m->heap_len = 0;
    for (size_t i = 0; i < n; i++) {
        m->prev[i] = (int32_t)i - 1;
        m->next[i] = i + 1 < n ? (int32_t)i + 1 : -1;
    }
    for (size_t i = 0; i < n; i++) offer(m, (int32_t)i);
    while (m->heap_len) {
        tok_heap_item top = heap_pop(m);
        if (m->id[top.at] != NO_SYMBOL && m->rank[top.at] == top.rank) merge_at(m, (int32_t)top.at);
    }
}

static ig_status push(tok_merger *m, int32_t id, ig_error *err) {
    bool unknown = id == m->t->unk, again = unknown && m->after_unk && m->t->fuse_unk;
    m->after_unk = unknown;
    return again ? IG_OK : ig_ids_push(m->ids, id, err);
}

static ig_status word_long(tok_merger *m, const char *word, size_t n, ig_error *err) {
    IG_TRY(reserve(m, n, err));
    IG_TRY(base_ids(m->t, word, n, m->id, &n, err));
    merge_long(m, n);
    for (int32_t i = n ? 0 : -1; i >= 0; i = m->next[i]) IG_TRY(push(m, m->id[i], err));
    return IG_OK;
}

ig_status ig_tok_merge_word(void *merger, const char *word, size_t n, ig_error *err) {
    tok_merger *m = merger;
    m->after_unk = false;
    if (m->t->ignore_merges) {
        int32_t whole = ig_tok_find(&m->t->table, word, n);
        if (whole >= 0) return ig_ids_push(m->ids, whole, err);
    }
    if (n > SHORT_WORD) return word_long(m, word, n, err);
    int32_t id[SHORT_WORD];
    IG_TRY(base_ids(m->t, word, n, id, &n, err));
    n = merge_short(m->t, id, n);
    for (size_t i = 0; i < n; i++) IG_TRY(push(m, id[i], err));
    return IG_OK;
}

void ig_tok_merger_fini(tok_merger *m) {
    merge_fini(m);
    ig_free(m->best);
    ig_buf_fini(&m->word);
    m->best = NULL;
    m->best_cap = 0;
}
