/* retrieval/rank_translate_block.h: where the parts of a translation's block begin; the layout is drawn in rank_translate.h. */
#ifndef INGOT_RETRIEVAL_RANK_TRANSLATE_BLOCK_H
#define INGOT_RETRIEVAL_RANK_TRANSLATE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct translation_parts {
    size_t q_hash, a_hash, q_begin, background, a, p, size;
} translation_parts;

/* False when the counts cannot be those of a block. */
static inline bool ig_rank_translation_parts(const uint64_t head[3], translation_parts *o) {
    if (head[0] > UINT32_MAX || head[1] > UINT32_MAX || head[2] > (UINT64_C(1) << 36)) return false;
    o->q_hash = 3 * sizeof(uint64_t);
    o->a_hash = o->q_hash + head[0] * 8;
    o->q_begin = o->a_hash + head[1] * 8;
    o->background = o->q_begin + (head[0] + 1) * 8;
    o->a = o->background + head[0] * 4;
    o->p = o->a + head[2] * 4;
    o->size = (o->p + head[2] * 4 + 7) & ~(size_t)7;
    return true;
}

#endif
