/* text/pair_table.c: (id, id) -> two numbers, by open addressing.  The ranks of merges and the pairs of training. */
#include "text/tokenizer_impl.h"

#define EMPTY UINT64_MAX

static uint64_t key_of(int32_t a, int32_t b) {
    return (uint64_t)(uint32_t)a << 32 | (uint32_t)b;
}

/* The finaliser of MurmurHash3: ids are small and dense, every bit must count. */
static size_t hash_of(uint64_t k) {
    k = (k ^ k >> 33) * 0xff51afd7ed558ccdULL;
    k = (k ^ k >> 33) * 0xc4ceb9fe1a85ec53ULL;
    return (size_t)(k ^ k >> 33);
}

static tok_pair_slot *slot_of(const tok_pairs *p, uint64_t key) {
    size_t at = hash_of(key) & (p->slots - 1);
    while (p->slot[at].key != EMPTY && p->slot[at].key != key) at = (at + 1) & (p->slots - 1);
    return &p->slot[at];
}

const tok_pair_slot *ig_tok_pairs_get(const tok_pairs *p, int32_t a, int32_t b) {
    if (!p->slots) return NULL;
    const tok_pair_slot *s = slot_of(p, key_of(a, b));
    return s->key == EMPTY ? NULL : s;
}

static ig_status grow(tok_pairs *p, ig_error *err) {
    if (p->used * 2 < p->slots) return IG_OK;
    tok_pairs next = {.slots = p->slots ? p->slots * 2 : 256, .used = p->used};
    next.slot = ig_calloc(next.slots, sizeof *next.slot);
    if (!next.slot) return ig_error_nomem(err, next.slots * sizeof *next.slot);
    for (size_t i = 0; i < next.slots; i++) next.slot[i].key = EMPTY;
    for (size_t i = 0; i < p->slots; i++)
        if (p->slot[i].key != EMPTY) *slot_of(&next, p->slot[i].key) = p->slot[i];
    ig_free(p->slot);
    *p = next;
    return IG_OK;
}

ig_status ig_tok_pairs_set(tok_pairs *p, int32_t a, int32_t b, uint32_t value, int32_t extra, ig_error *err) {
    IG_TRY(grow(p, err));
    uint64_t key = key_of(a, b);
    tok_pair_slot *s = slot_of(p, key);
    if (s->key == EMPTY) p->used++;
    *s = (tok_pair_slot){.key = key, .value = value, .extra = extra};
    return IG_OK;
}

void ig_tok_pairs_fini(tok_pairs *p) {
    ig_free(p->slot);
    *p = (tok_pairs){0};
}
