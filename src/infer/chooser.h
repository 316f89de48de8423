/* infer/chooser.h: the next token of one text: sampling, within the form that a grammar gives. */
#ifndef INGOT_INFER_CHOOSER_H
#define INGOT_INFER_CHOOSER_H

#include "ingot/infer.h"

typedef struct chooser {
    const ig_model *m;
    ig_sampler *sampler;
    ig_grammar_state *form;     /* NULL: any text */
    const ig_vocab_trie *trie;
    ig_vocab_trie *own_trie;    /* made for this text */
    uint32_t *mask;             /* [ig_mask_words(V)] */
} chooser;

typedef enum chooser_result {
    CHOOSER_GOES_ON,
    CHOOSER_LAST,               /* with this token the form is complete: nothing can follow */
    CHOOSER_NONE                /* no token can follow: nothing was chosen */
} chooser_result;

ig_status chooser_init(chooser *c, const ig_model *m, const ig_generate_opts *o, ig_error *err);
void chooser_fini(chooser *c);
/* logits [V] */
ig_status chooser_next(chooser *c, const float *logits, ig_choice *out, chooser_result *result, ig_error *err);

#endif
