/* models/export_gguf.h: the pairs of a GGUF file, for export_gguf.c. */
#ifndef INGOT_MODELS_EXPORT_GGUF_H
#define INGOT_MODELS_EXPORT_GGUF_H

#include "ingot/formats.h"
#include "models/gguf_names.h"
#include "models/model.h"

#define GGUF_PAIRS_MAX 64

typedef struct gguf_pairs {
    ig_gguf_pair pair[GGUF_PAIRS_MAX];
    char key[GGUF_PAIRS_MAX][96];
    size_t count;
    ig_vocab_copy vocab;   /* what the arrays of the tokenizer point to */
    ig_gguf_text *texts, *merges;
    ig_buf chat_template;
} gguf_pairs;

/* All pairs of the model.  Settings that llama.cpp has no key for are refused by name. */
ig_status gguf_pairs_make(const ig_model *m, const gguf_names *n, ig_block_type type, gguf_pairs *out, ig_error *err);
void gguf_pairs_fini(gguf_pairs *p);
/* Llama 3.1's factors of the frequencies: [*count] numbers in memory to be freed, or NULL when the model has none. */
ig_status gguf_rope_factors(const ig_model *m, float **out, int64_t *count, ig_error *err);

#endif
