/* infer/generator.h: what becomes of chosen tokens: text in pieces, stop texts, the end; for one session or for the
 * scheduler. */
#ifndef INGOT_INFER_GENERATOR_H
#define INGOT_INFER_GENERATOR_H

#include "infer/stop_text.h"
#include "ingot/infer.h"

typedef struct generator {
    const ig_model *m;
    const ig_generate_opts *o;
    ig_generation *out;
    stop_text text;
    size_t max_tokens;
    bool done;
} generator;

/* Empties *out and checks the options. */
ig_status generator_init(generator *g, const ig_model *m, const ig_generate_opts *opts, size_t prompt_tokens, size_t max_tokens,
                         ig_generation *out, ig_error *err);
/* The next token; sets done when it ends the text.  full: no position is left for another one; last: nothing can follow. */
ig_status generator_take(generator *g, const ig_choice *choice, bool full, bool last, ig_error *err);
/* The text ends here, without a token that says so. */
void generator_stop(generator *g);
/* Let out what was held back. */
ig_status generator_finish(generator *g, ig_error *err);
void generator_fini(generator *g);
/* Does this token end a text? */
bool generator_ends(const ig_model *m, const ig_generate_opts *o, int32_t id);

#endif
