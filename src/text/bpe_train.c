/* text/bpe_train.c: learning the merges of a byte-level BPE, and the pieces of WordPiece.   (Sennrich et al. 2016, algorithm 1)
 *
 * The text is cut into words and each different word is kept once, with its count.  All of them lie one after the other in
 * one array of symbols, linked so that a merge removes a symbol in O(1):
 *
 *     id    [l o w l o w e r …]      next/prev: neighbours inside the word      weight: how often the word occurs
 *
 * Every pair of neighbours has a record with its weighted count and a list of its places, threaded through the array
 * (after/ahead).  A merge visits the places of its pair only and repairs the records of the neighbours; so the work is the
 * number of symbols that go away, whatever the words look like.  The largest count comes from a heap whose entries may be
 * too large, never too small: an entry that is not up to date goes back with the count of today.
 *
 * Ties go to the smaller (left, right): the order of Hugging Face's BpeTrainer.  Where two ways make the same bytes the
 * token exists already and the merge adds none; a pair that has a rank keeps it.
 *
 * Pieces are learned the same way from characters: those inside of a word are symbols of their own, "##a", and a merge leaves
 * the
 * mark of its right half out.  Words with a character that is not in the vocabulary are not learned from.
 */
#include <stdlib.h>
#include <string.h>

#include "text/tokenizer_impl.h"

#define NONE (-1)

typedef struct pair {
    int64_t count;
    int32_t left, right;
    int32_t first; /* place */
    bool touched;  /* its count grew in the present merge */
    bool merged;   /* it has a rank */
} pair;

typedef struct entry {
    int64_t count;
    uint32_t pair;
} entry;

typedef struct trainer {
    ig_tokenizer *t;
    const ig_tokenizer_train_opts *opts;
    size_t vocab_size, text_len, text_done, next_call;
    int64_t min_count;

    bool pieces;
    tok_counts counts; /* the words */

    int32_t *id, *next, *prev, *after, *ahead; /* [places] */
    uint32_t *word;                            /* [places] */
    size_t places;

    pair *pairs;
    size_t pair_count, pair_cap;
    tok_pairs index; /* (left, right) -> pair */
    entry *heap;
    size_t heap_len, heap_cap;
    uint32_t *touched;
    size_t touched_count, touched_cap;
    int32_t *work; /* places of the pair being merged */
    size_t work_cap;
    tok_table banned; /* byte strings whose text in tokenizer.json would be that of a special token */
} trainer;

static ig_status grow(void **array, size_t *cap, size_t need, size_t size, ig_error *err) {
    if (need <= *cap) return IG_OK;
    size_t next = need + need / 2 + 64;
    void *p = ig_realloc_array(*array, next, size);
    if (!p) return ig_error_nomem(err, next * size);
    *array = p;
    *cap = next;
    return IG_OK;
}

static ig_status tell(trainer *r, const char *stage, size_t done, size_t total, ig_error *err) {
    if (!r->opts->progress || r->opts->progress(r->opts->progress_arg, stage, done, total)) return IG_OK;
    return ig_error_set(err, IG_E_CANCELLED, "training was stopped");
}

/* ---- words and their counts ---- */

static ig_status count_word(void *arg, const char *word, size_t n, ig_error *err) {
    trainer *r = arg;
    IG_TRY(ig_tok_count_add(&r->counts, word, n, 1, err));
    r->text_done += n;
    if (r->text_done < r->next_call) return IG_OK;
    r->next_call = r->text_done + ((size_t)1 << 20);
    return tell(r, "words", r->text_done, r->text_len, err);
}

static ig_status count_words(trainer *r, const char *s, size_t n, ig_error *err) {
    for (size_t at = 0; at < n;) {
        size_t where, len = 0;
        int32_t added = ig_tok_next_added(r->t, s, n, at, TOK_SPECIAL, &where);
        if (where > at) IG_TRY(ig_tok_split_run(&r->t->split, s + at, where - at, true, count_word, r, err));
        if (added >= 0) tok_bytes(&r->t->table, (size_t)added, &len);
        at = where + len;
    }
    return IG_OK;
}

/* ---- places ---- */

static ig_status make_places(trainer *r, ig_error *err) {
    size_t n = r->counts.words.bytes_len;
    if (n > INT32_MAX / 2)
        return ig_error_set(err, IG_E_LIMIT, "the different words of the text have %zu bytes, more than can be learned from",
                            n);
    r->places = n;
    r->id = ig_calloc(n + 1, sizeof *r->id);
    r->next = ig_calloc(n + 1, sizeof *r->next);
    r->prev = ig_calloc(n + 1, sizeof *r->prev);
    r->after = ig_calloc(n + 1, sizeof *r->after);
    r->ahead = ig_calloc(n + 1, sizeof *r->ahead);
    r->word = ig_calloc(n + 1, sizeof *r->word);
    if (r->id && r->next && r->prev && r->after && r->ahead && r->word) return IG_OK;
    return ig_error_nomem(err, (n + 1) * 6 * sizeof *r->id);
}

static int64_t weight(const trainer *r, int32_t place) {
    return (int64_t)r->counts.count[r->word[place]];
}

static ig_status pair_of(trainer *r, int32_t left, int32_t right, uint32_t *out, ig_error *err) {
    const tok_pair_slot *s = ig_tok_pairs_get(&r->index, left, right);
    if (s) {
        *out = s->value;
        return IG_OK;
    }
    IG_TRY(grow((void **)&r->pairs, &r->pair_cap, r->pair_count + 1, sizeof *r->pairs, err));
    IG_TRY(ig_tok_pairs_set(&r->index, left, right, (uint32_t)r->pair_count, 0, err));
    r->pairs[r->pair_count] = (pair){.left = left, .right = right, .first = NONE};
    *out = (uint32_t)r->pair_count++;
    return IG_OK;
}

/* The pair that starts at `place` is new there: count it and note the place. */
static ig_status link_pair(trainer *r, int32_t place, ig_error *err) {
    if (r->next[place] == NONE) return IG_OK;
    uint32_t k;
    IG_TRY(pair_of(r, r->id[place], r->id[r->next[place]], &k, err));
    pair *p = &r->pairs[k];
    p->count += weight(r, place);
    r->ahead[place] = NONE;
    r->after[place] = p->first;
    if (p->first != NONE) r->ahead[p->first] = place;
    p->first = place;
    if (p->touched) return IG_OK;
    IG_TRY(grow((void **)&r->touched, &r->touched_cap, r->touched_count + 1, sizeof *r->touched, err));
    p->touched = true;
    r->touched[r->touched_count++] = k;
    return IG_OK;
}

/* The pair that starts at `place` is about to go. */
static void unlink_pair(trainer *r, int32_t place) {
    if (r->next[place] == NONE) return;
    pair *p = &r->pairs[ig_tok_pairs_get(&r->index, r->id[place], r->id[r->next[place]])->value];
    p->count -= weight(r, place);
    if (r->ahead[place] != NONE)
        r->after[r->ahead[place]] = r->after[place];
    else
        p->first = r->after[place];
    if (r->after[place] != NONE) r->ahead[r->after[place]] = r->ahead[place];
}

static void put_place(trainer *r, size_t at, int32_t id, size_t word, bool first) {
    r->id[at] = id;
    r->word[at] = (uint32_t)word;
    r->prev[at] = first ? NONE : (int32_t)at - 1;
    r->next[at] = NONE;
    if (!first) r->next[at - 1] = (int32_t)at;
}

/* The characters of a word; false, and nothing, when one of them is unknown. */
static bool put_characters(trainer *r, size_t word, size_t *at) {
    size_t len, begin = *at, k;
    const char *s = tok_bytes(&r->counts.words, word, &len);
    for (size_t i = 0; i < len; i += k) {
        char symbol[6] = "##";
        uint32_t cp;
        k = ig_utf8_decode(s + i, len - i, &cp);
        if (!k) return *at = begin, false;
        memcpy(symbol + 2, s + i, k);
        int32_t id = i ? ig_tok_find(&r->t->table, symbol, k + 2) : ig_tok_find(&r->t->table, symbol + 2, k);
        if (id < 0) return *at = begin, false;
        put_place(r, (*at)++, id, word, i == 0);
    }
    return true;
}

static ig_status fill_places(trainer *r, ig_error *err) {
    size_t at = 0;
    for (size_t w = 0, len; w < r->counts.words.count; w++) {
        const char *s = tok_bytes(&r->counts.words, w, &len);
        if (r->pieces) put_characters(r, w, &at);
        for (size_t i = 0; i < len && !r->pieces; i++) put_place(r, at++, r->t->byte_id[(uint8_t)s[i]], w, i == 0);
    }
    if (at && at < r->places) r->next[at - 1] = NONE; /* of a word that was given up */
    r->places = at;
    for (at = 0; at < r->places; at++) IG_TRY(link_pair(r, (int32_t)at, err));
    return IG_OK;
}

/* ---- the heap of counts ---- */

static bool larger(const trainer *r, entry a, entry b) {
    if (a.count != b.count) return a.count > b.count;
    const pair *p = &r->pairs[a.pair], *q = &r->pairs[b.pair];
    return p->left != q->left ? p->left < q->left : p->right < q->right;
}

static ig_status heap_push(trainer *r, entry e, ig_error *err) {
    IG_TRY(grow((void **)&r->heap, &r->heap_cap, r->heap_len + 1, sizeof *r->heap, err));
    size_t i = r->heap_len++;
    for (; i && larger(r, e, r->heap[(i - 1) / 2]); i = (i - 1) / 2) r->heap[i] = r->heap[(i - 1) / 2];
    r->heap[i] = e;
    return IG_OK;
}

static entry heap_pop(trainer *r) {
    entry top = r->heap[0], last = r->heap[--r->heap_len];
    size_t i = 0;
    for (size_t child = 1; child < r->heap_len; i = child, child = 2 * i + 1) {
        if (child + 1 < r->heap_len && larger(r, r->heap[child + 1], r->heap[child])) child++;
        if (!larger(r, r->heap[child], last)) break;
        r->heap[i] = r->heap[child];
    }
    r->heap[i] = last;
    return top;
}

static ig_status push_touched(trainer *r, ig_error *err) {
    for (size_t i = 0; i < r->touched_count; i++) {
        pair *p = &r->pairs[r->touched[i]];
        p->touched = false;
        if (p->count >= r->min_count) IG_TRY(heap_push(r, (entry){.count = p->count, .pair = r->touched[i]}, err));
    }
    r->touched_count = 0;
    return IG_OK;
}

/* The most frequent pair of today; false when no pair is frequent enough. */
static ig_status pop_best(trainer *r, uint32_t *best, bool *found, ig_error *err) {
    *found = false;
    while (r->heap_len && !*found) {
        entry e = heap_pop(r);
        int64_t now = r->pairs[e.pair].count;
        if (now < r->min_count) continue;
        *found = now == e.count;
        *best = e.pair;
        if (!*found) IG_TRY(heap_push(r, (entry){.count = now, .pair = e.pair}, err));
    }
    return IG_OK;
}

/* ---- merging ---- */

static ig_status merge_place(trainer *r, int32_t at, int32_t made, ig_error *err) {
    int32_t right = r->next[at], before = r->prev[at], behind = r->next[right];
    if (before != NONE) unlink_pair(r, before);
    unlink_pair(r, at);
    unlink_pair(r, right);
    r->id[at] = made;
    r->id[right] = NONE;
    r->next[at] = behind;
    if (behind != NONE) r->prev[behind] = at;
    if (before != NONE) IG_TRY(link_pair(r, before, err));
    return link_pair(r, at, err);
}

static int by_place(const void *a, const void *b) {
    int32_t p = *(const int32_t *)a, q = *(const int32_t *)b;
    return (p > q) - (p < q);
}

/* Places from left to right where they can overlap ("aaa"); elsewhere the order makes no difference. */
static ig_status merge_everywhere(trainer *r, uint32_t k, int32_t made, ig_error *err) {
    pair p = r->pairs[k];
    size_t n = 0;
    for (int32_t at = p.first; at != NONE; at = r->after[at]) {
        IG_TRY(grow((void **)&r->work, &r->work_cap, n + 1, sizeof *r->work, err));
        r->work[n++] = at;
    }
    if (p.left == p.right) qsort(r->work, n, sizeof *r->work, by_place);
    for (size_t i = 0; i < n; i++) {
        int32_t at = r->work[i];
        if (r->id[at] != p.left || r->next[at] == NONE || r->id[r->next[at]] != p.right) continue;
        IG_TRY(merge_place(r, at, made, err));
    }
    return push_touched(r, err);
}

/* The id of the token that the pair makes, which may exist already; NONE when it must not be made. */
static ig_status token_of(trainer *r, const pair *p, int32_t *made, ig_error *err) {
    size_t left_len, right_len;
    const char *left = tok_bytes(&r->t->table, (size_t)p->left, &left_len);
    const char *right = tok_bytes(&r->t->table, (size_t)p->right, &right_len);
    ig_buf text = {.max = SIZE_MAX / 2};
    ig_buf_append(&text, left, left_len);
    size_t mark = r->pieces ? 2 : 0; /* "##" */
    ig_buf_append(&text, right + mark, right_len - mark);
    ig_status status = ig_buf_status(&text, err);
    *made = NONE;
    if (r->pieces && text.len > TOK_PIECE_BYTES_MAX) {
        ig_buf_fini(&text);
        return status;
    }
    if (status == IG_OK && ig_tok_find(&r->banned, text.data, text.len) < 0) {
        *made = ig_tok_find(&r->t->table, text.data, text.len);
        if (*made < 0) {
            *made = (int32_t)r->t->table.count;
            status = ig_tok_add(&r->t->table, text.data, text.len, 0, err);
        }
    }
    ig_buf_fini(&text);
    return status;
}

static ig_status merge_best(trainer *r, uint32_t k, ig_error *err) {
    int32_t made;
    IG_TRY(token_of(r, &r->pairs[k], &made, err));
    if (made == NONE) return IG_OK; /* it left the heap: not looked at again unless its count grows */
    if (!r->pairs[k].merged && !r->pieces) IG_TRY(ig_tok_merge_add(r->t, r->pairs[k].left, r->pairs[k].right, made, err));
    r->pairs[k].merged = true;
    return merge_everywhere(r, k, made, err);
}

static ig_status learn_merges(trainer *r, ig_error *err) {
    size_t start = r->t->table.count;
    IG_TRY(push_touched(r, err));
    for (size_t step = 0; r->t->table.count < r->vocab_size; step++) {
        uint32_t best;
        bool found;
        IG_TRY(pop_best(r, &best, &found, err));
        if (!found) break;
        IG_TRY(merge_best(r, best, err));
        if (step % 64 == 0) IG_TRY(tell(r, "merges", r->t->table.count - start, r->vocab_size - start, err));
    }
    return tell(r, "merges", r->t->table.count - start, r->t->table.count - start, err);
}

/* ---- the whole ---- */

static ig_status ban_specials(trainer *r, ig_error *err) {
    for (size_t i = 0; i < r->t->special_count; i++) {
        size_t len;
        const char *s = tok_bytes(&r->t->table, (size_t)r->t->special[i], &len);
        ig_buf bytes = {.max = TOK_ADDED_BYTES_MAX};
        ig_status status = IG_OK;
        if (ig_tok_alphabet_bytes(s, len, &bytes) && (status = ig_buf_status(&bytes, err)) == IG_OK)
            status = ig_tok_add(&r->banned, bytes.data, bytes.len, 0, err);
        ig_buf_fini(&bytes);
        IG_TRY(status);
    }
    return IG_OK;
}

static ig_status add_base(ig_tokenizer *t, ig_error *err) {
    uint8_t order[256];
    ig_tok_alphabet_order(order);
    for (int i = 0; i < 256; i++) {
        t->byte_id[order[i]] = (int32_t)t->table.count;
        IG_TRY(ig_tok_add(&t->table, &order[i], 1, 0, err));
    }
    return IG_OK;
}

static ig_status run(trainer *r, const char *text, size_t len, ig_error *err) {
    IG_TRY(ban_specials(r, err));
    IG_TRY(count_words(r, text, len, err));
    IG_TRY(make_places(r, err));
    IG_TRY(fill_places(r, err));
    return learn_merges(r, err);
}

static void fini(trainer *r) {
    ig_tok_counts_fini(&r->counts);
    ig_tok_table_fini(&r->banned);
    ig_tok_pairs_fini(&r->index);
    void *all[] = {r->id, r->next, r->prev, r->after, r->ahead, r->word, r->pairs, r->heap, r->touched, r->work};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ig_free(all[i]);
}

ig_status ig_tok_pieces_train(ig_tokenizer *t, size_t vocab_size, tok_counts *words, const ig_tokenizer_train_opts *opts,
                              ig_error *err) {
    trainer r = {.t = t, .opts = opts, .vocab_size = vocab_size, .pieces = true, .counts = *words};
    r.min_count = !opts->min_count ? 2 : opts->min_count > INT64_MAX ? INT64_MAX : (int64_t)opts->min_count;
    *words = (tok_counts){0};
    ig_status status = make_places(&r, err);
    if (status == IG_OK) status = fill_places(&r, err);
    if (status == IG_OK) status = learn_merges(&r, err);
    fini(&r);
    return status;
}

ig_status ig_tok_bpe_train(ig_tokenizer *t, size_t vocab_size, const char *text, size_t len,
                           const ig_tokenizer_train_opts *opts, ig_error *err) {
    if (vocab_size < t->table.count + 256)
        return ig_error_set(err, IG_E_ARG,
                            "a byte-level vocabulary needs at least %zu tokens (256 bytes and %zu special): %zu are too few",
                            t->table.count + 256, t->table.count, vocab_size);
    IG_TRY(ig_tok_split_add(&t->split, NULL, err));
    IG_TRY(add_base(t, err));
    int64_t min_count = opts->min_count > INT64_MAX ? INT64_MAX : (int64_t)opts->min_count;
    trainer r = {.t = t, .opts = opts, .vocab_size = vocab_size, .text_len = len, .min_count = min_count ? min_count : 2};
    ig_status status = run(&r, text, len, err);
    fini(&r);
    return status;
}
