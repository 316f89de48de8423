/* text/tokenizer_load.h: what the files that read a tokenizer.json share.
 *
 * `name` is the file's, for errors.  A part that would change the ids or the text and is not implemented is refused with its
 * name and line: a file is either understood or not loaded.
 */
#ifndef TEXT_TOKENIZER_LOAD_H
#define TEXT_TOKENIZER_LOAD_H

#include "text/tokenizer_impl.h"

/* A token as the file has it. */
typedef struct tok_entry {
    const char *text;
    size_t len;
    int64_t id;
    int line;
    unsigned flag;
    float score;
} tok_entry;

typedef struct tok_loader {
    const char *name;
    ig_tokenizer *t;
    tok_table texts; /* text -> index in entry */
    tok_entry *entry;
    size_t count, cap;
    ig_buf bytes; /* scratch */
    tok_merge_reader merge;
} tok_loader;

void ig_tok_loader_init(tok_loader *l, const char *name, ig_tokenizer *t);
void ig_tok_loader_fini(tok_loader *l);
/* Names and ids of a vocabulary and the added tokens (may be NULL), and the tokens made of them. */
ig_status ig_tok_read_tokens(tok_loader *l, const ig_tree *vocab, const ig_tree *added, ig_error *err);

/* Everything around the model that is needed before its tokens: normalizer, pre_tokenizer and decoder.  Tells which kind the
 * file is. */
ig_status ig_tok_components(const char *name, const ig_tree *root, ig_tokenizer *t, ig_error *err);
ig_status ig_tok_read_normalizer(const char *name, const ig_tree *tree, tok_norm *norm, ig_error *err);
/* *bytes: it ends in ByteLevel. */
ig_status ig_tok_read_pre_tokenizer(const char *name, const ig_tree *tree, tok_split *split, bool *bytes, ig_error *err);
ig_status ig_tok_read_decoder(const char *name, const ig_tree *root, ig_tokenizer *t, ig_error *err);
/* And after them: ids must be tokens. */
ig_status ig_tok_read_post_processor(const char *name, const ig_tree *root, ig_tokenizer *t, ig_error *err);

static inline const char *tok_type_of(const ig_tree *t) {
    return ig_tree_text(t, "type", "");
}

static inline bool tok_absent(const ig_tree *t) {
    return !t || t->type == IG_TREE_NULL;
}

ig_status ig_tok_unsupported(const char *name, const ig_tree *t, const char *what, ig_error *err);
/* The value of a boolean field, or the default; another type is an error. */
ig_status ig_tok_flag(const char *name, const ig_tree *map, const char *key, bool otherwise, bool *out, ig_error *err);
/* A pattern of the form {"Regex": …} or {"String": …}; refused otherwise. */
ig_status ig_tok_pattern(const char *name, const ig_tree *t, const char *what, const ig_tree **text, bool *regex,
                         ig_error *err);
/* An error of something made from `t` gets the file and line. */
ig_status ig_tok_at_line(const char *name, const ig_tree *t, ig_status status, const ig_error *inner, ig_error *err);

bool ig_tok_base64_decode(const char *text, size_t n, ig_buf *out);

#endif
