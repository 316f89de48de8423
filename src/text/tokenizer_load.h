/* text/tokenizer_load.h: what the two files that read a tokenizer.json share. */
#ifndef TEXT_TOKENIZER_LOAD_H
#define TEXT_TOKENIZER_LOAD_H

#include "text/tokenizer_impl.h"

/* Check everything around the model: normalizer, pre_tokenizer, decoder, post_processor, truncation, padding.  Tells which
 * kind the file is and, for BPE, fills *split.  `name` is the file's, for errors. */
ig_status ig_tok_components(const char *name, const ig_tree *root, ig_tokenizer_kind *kind, tok_split *split, ig_error *err);

#endif
