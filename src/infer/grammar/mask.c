/* infer/grammar/mask.c: the vocabulary as a trie over bytes, and the walk through it along a grammar.
 *
 *     nodes in the order of a walk:   "a" "ab" "abc" "b" …      depth 1 2 3 1
 *                                      └─ skip ───────►┘        where to go on when "a" may not come
 *
 * One pass over the nodes, with the place of the grammar after each depth; what may not come is jumped over with all that
 * begins with it.  Several tokens of the same bytes share a node.
 */
#include <stdlib.h>
#include <string.h>

#include "infer/grammar/matcher.h"

#define TOKEN_BYTES_MAX 512 /* longer tokens never come */
#define VOCAB_TEXT_MAX ((size_t)1 << 30)
#define MASK_BYTES_MAX ((size_t)32 << 20)

typedef struct trie_node {
    uint32_t skip, first; /* the next node that does not begin like this one; its tokens: id[first … next node's first) */
    uint16_t depth;
    uint8_t byte;
} trie_node;

struct ig_vocab_trie {
    size_t vocab, nodes;
    trie_node *node;     /* [nodes + 1] */
    int32_t *id;         /* by their bytes */
    size_t ids;
    int32_t *end_id;
    size_t end_ids;
};

void ig_vocab_trie_free(ig_vocab_trie *v) {
    if (!v) return;
    ig_free(v->node);
    ig_free(v->id);
    ig_free(v->end_id);
    ig_free(v);
}

size_t ig_vocab_trie_vocab(const ig_vocab_trie *v) { return v->vocab; }

/* ---- making ---- */

/* What each token adds to a text, which is not always what the vocabulary writes: "▁the" adds " the". */
typedef struct token_texts {
    ig_buf bytes;
    size_t *start; /* [count + 1] */
    size_t count;
} token_texts;

static const char *text_of(const token_texts *x, int32_t id, size_t *len) {
    *len = x->start[id + 1] - x->start[id];
    return x->bytes.data + x->start[id];
}

static void token_texts_fini(token_texts *x) {
    ig_buf_fini(&x->bytes);
    ig_free(x->start);
}

static ig_status token_texts_make(token_texts *x, const ig_tokenizer *t, ig_error *err) {
    *x = (token_texts){.bytes = {.max = VOCAB_TEXT_MAX}, .count = ig_tokenizer_count(t)};
    x->start = ig_calloc(x->count + 1, sizeof *x->start);
    if (!x->start) return ig_error_nomem(err, x->count * sizeof *x->start);
    ig_buf_append(&x->bytes, "", 0);
    for (int32_t i = 0; (size_t)i < x->count; i++) {
        IG_TRY(ig_tokenizer_decode(t, &i, 1, IG_DECODE_INSIDE, &x->bytes, err));
        x->start[i + 1] = x->bytes.len;
    }
    return ig_buf_status(&x->bytes, err);
}

static int by_bytes(const void *x, const void *y, void *texts) {
    int32_t i = *(const int32_t *)x, j = *(const int32_t *)y;
    size_t a, b;
    const char *s = text_of(texts, i, &a), *t = text_of(texts, j, &b);
    int order = memcmp(s, t, a < b ? a : b);
    if (order) return order;
    if (a != b) return a < b ? -1 : 1;
    return (i > j) - (i < j);
}

bool ig_vocab_trie_ends(const ig_vocab_trie *v, int32_t id) {
    for (size_t i = 0; i < v->end_ids; i++)
        if (v->end_id[i] == id) return true;
    return false;
}

/* The ids that stand for bytes; returns how many bytes they have together. */
static size_t gather(ig_vocab_trie *v, const ig_tokenizer *t, const token_texts *x) {
    size_t bytes = 0, len;
    for (size_t i = 0; i < x->count && i < v->vocab; i++) {
        text_of(x, (int32_t)i, &len);
        if (len == 0 || len > TOKEN_BYTES_MAX) continue;
        if (ig_tokenizer_is_special(t, (int32_t)i) || ig_vocab_trie_ends(v, (int32_t)i)) continue;
        v->id[v->ids++] = (int32_t)i;
        bytes += len;
    }
    return bytes;
}

/* Nodes for what a token has beyond the `shared` bytes of the one before. */
static void add_token(ig_vocab_trie *v, uint32_t *path, const char *s, size_t len, size_t depth, size_t shared, size_t index) {
    for (size_t d = depth; d > shared; d--) v->node[path[d]].skip = (uint32_t)v->nodes;
    for (size_t d = shared + 1; d <= len; d++) {
        v->node[v->nodes] = (trie_node){.first = (uint32_t)index, .depth = (uint16_t)d, .byte = (uint8_t)s[d - 1]};
        path[d] = (uint32_t)v->nodes++;
    }
}

static void link_nodes(ig_vocab_trie *v, const token_texts *x) {
    uint32_t path[TOKEN_BYTES_MAX + 1];
    const char *before = "";
    size_t depth = 0, len;
    for (size_t i = 0; i < v->ids; i++) {
        const char *s = text_of(x, v->id[i], &len);
        size_t shared = 0;
        while (shared < depth && shared < len && s[shared] == before[shared]) shared++;
        add_token(v, path, s, len, depth, shared, i);
        before = s;
        depth = len;
    }
    add_token(v, path, "", 0, depth, 0, v->ids);
    v->node[v->nodes].first = (uint32_t)v->ids;
}

static ig_status fill(ig_vocab_trie *v, const ig_tokenizer *t, token_texts *x, const int32_t *end_ids, size_t end_count, ig_error *err) {
    size_t count = x->count;
    v->id = ig_calloc(count + 1, sizeof *v->id);
    v->end_id = ig_calloc(end_count + 1, sizeof *v->end_id);
    if (!v->id || !v->end_id) return ig_error_nomem(err, (count + end_count) * sizeof *v->id);
    for (size_t i = 0; i < end_count; i++)
        if (end_ids[i] >= 0 && (size_t)end_ids[i] < v->vocab) v->end_id[v->end_ids++] = end_ids[i];
    size_t bytes = gather(v, t, x);
    if (bytes >= UINT32_MAX) return ig_error_set(err, IG_E_LIMIT, "a vocabulary of %zu bytes is too large for masks", bytes);
    v->node = ig_calloc(bytes + 1, sizeof *v->node);
    if (!v->node) return ig_error_nomem(err, bytes * sizeof *v->node);
    if (v->ids) qsort_r(v->id, v->ids, sizeof *v->id, by_bytes, x);
    link_nodes(v, x);
    trie_node *fitted = ig_realloc_array(v->node, v->nodes + 1, sizeof *fitted);
    if (fitted) v->node = fitted;
    return IG_OK;
}

ig_status ig_vocab_trie_new(const ig_tokenizer *t, size_t vocab, const int32_t *end_ids, size_t end_count, ig_vocab_trie **out,
                            ig_error *err) {
    *out = NULL;
    if (vocab < 1 || vocab > IG_VOCAB_MAX) return ig_error_set(err, IG_E_ARG, "a vocabulary of %zu tokens", vocab);
    ig_vocab_trie *v = ig_calloc(1, sizeof *v);
    if (!v) return ig_error_nomem(err, sizeof *v);
    v->vocab = vocab;
    token_texts texts;
    ig_status s = token_texts_make(&texts, t, err);
    if (s == IG_OK) s = fill(v, t, &texts, end_ids, end_count, err);
    token_texts_fini(&texts);
    if (s == IG_OK) *out = v;
    else ig_vocab_trie_free(v);
    return s;
}

/* ---- the walk ---- */

static void allow(uint32_t *bits, int32_t id) { bits[id / 32] |= 1u << id % 32; }

static ig_status walk(gr_machine *m, uint32_t at, const ig_vocab_trie *v, uint32_t *bits, ig_error *err) {
    uint32_t place[TOKEN_BYTES_MAX + 1];
    const size_t classes = m->g->classes;
    place[0] = at;
    for (size_t i = 0; i < v->nodes;) {
        const trie_node *n = &v->node[i];
        uint32_t from = place[n->depth - 1], to = m->next[from * classes + m->g->class_of[n->byte]];
        if (to == GR_UNKNOWN) IG_TRY(gr_step(m, from, n->byte, &to, err));
        if (to == GR_DEAD) {
            i = n->skip;
            continue;
        }
        place[n->depth] = to;
        for (uint32_t k = n->first; k < n[1].first; k++) allow(bits, v->id[k]);
        i++;
    }
    return IG_OK;
}

static ig_status compute(gr_machine *m, uint32_t at, const ig_vocab_trie *v, uint32_t *bits, ig_error *err) {
    memset(bits, 0, ig_mask_words(v->vocab) * sizeof *bits);
    if (m->place[at].can_end)
        for (size_t i = 0; i < v->end_ids; i++) allow(bits, v->end_id[i]);
    return m->place[at].count ? walk(m, at, v, bits, err) : IG_OK;
}

/* Keeping is a favour: without memory for it the mask is computed again the next time. */
static void keep(gr_machine *m, uint32_t at, const uint32_t *bits, size_t bytes) {
    if (m->mask_bytes + bytes > MASK_BYTES_MAX) gr_forget_masks(m);
    m->place[at].mask = ig_malloc(bytes);
    if (!m->place[at].mask) return;
    memcpy(m->place[at].mask, bits, bytes);
    m->mask_bytes += bytes;
}

ig_status ig_grammar_mask(ig_grammar_state *s, const ig_vocab_trie *v, uint32_t *bits, ig_error *err) {
    gr_machine *m = s->m;
    size_t bytes = ig_mask_words(v->vocab) * sizeof *bits;
    if (m->masks_of != v) gr_forget_masks(m);
    m->masks_of = v;
    IG_TRY(gr_make_room(m, err));
    if (m->place[s->at].mask) {
        memcpy(bits, m->place[s->at].mask, bytes);
        return IG_OK;
    }
    IG_TRY(compute(m, s->at, v, bits, err));
    keep(m, s->at, bits, bytes);
    return IG_OK;
}
