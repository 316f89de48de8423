/* infer/sequences.h: texts as the token sequences that a model reads: framed, cut to length, one behind the other. */
#ifndef INGOT_INFER_SEQUENCES_H
#define INGOT_INFER_SEQUENCES_H

#include "ingot/infer.h"

/* The tokens around a text.
 *
 *     BERT      [CLS] a [SEP]      [CLS] a [SEP] b [SEP]            types 0 up to the first [SEP], then 1
 *     RoBERTa   <s> a </s>         <s> a </s> </s> b </s>           types 0
 *     GPT       a                                                   an empty text is the start token
 *     LSTM      a                                                   an empty text is token 0
 */
typedef struct framing {
    bool framed;          /* false: nothing is added */
    int32_t first, last;
    bool doubled;         /* two `last` between the texts of a pair */
    int32_t empty;        /* what an empty text becomes, not framed; -1: it is refused */
} framing;

typedef struct sequences {
    const ig_model *m;
    framing frame;
    int64_t max_tokens;
    ig_ids ids;           /* all sequences */
    size_t count;         /* of those added so far */
    size_t *end;          /* [count]: where they end in ids */
    size_t *second;       /* [count]: where the second text of a pair begins; = end for a single text */
    bool *truncated;      /* [count] */
} sequences;

/* Room for n sequences.  fini after an error too. */
ig_status sequences_init(sequences *s, const ig_model *m, int64_t max_tokens, size_t n, ig_error *err);
void sequences_fini(sequences *s);
/* Add ids, which are checked against the vocabulary; b NULL: no pair. */
ig_status sequences_add(sequences *s, const ig_ids *a, const ig_ids *b, ig_error *err);
ig_status sequences_add_text(sequences *s, const char *a, const char *b, ig_error *err);
void sequences_tell(const sequences *s, ig_text_use *uses); /* uses NULL: nothing */

static inline size_t sequence_begin(const sequences *s, size_t i) { return i ? s->end[i - 1] : 0; }
static inline size_t sequence_length(const sequences *s, size_t i) { return s->end[i] - sequence_begin(s, i); }

#endif
