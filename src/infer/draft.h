/* infer/draft.h: guesses at the next tokens, from what the text has said before.   (prompt lookup decoding; Saxena 2023) */
#ifndef INGOT_INFER_DRAFT_H
#define INGOT_INFER_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#define DRAFT_NGRAM_MAX 4
#define DRAFT_NGRAM_MIN 2

/* The last 4, 3 or 2 tokens of text[n] have stood there before: up to `most` tokens that followed them the last time, into
 * out.  Returns how many; 0 when they are new. */
int draft_find(const int32_t *text, size_t n, int most, int32_t *out);

#endif
