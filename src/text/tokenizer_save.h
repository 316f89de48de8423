/* text/tokenizer_save.h: what the two files that write a tokenizer.json share. */
#ifndef TEXT_TOKENIZER_SAVE_H
#define TEXT_TOKENIZER_SAVE_H

#include "text/tokenizer_impl.h"

static inline void put_bool(ig_json *j, const char *key, bool value) {
    ig_json_key(j, key);
    ig_json_bool(j, value);
}

static inline void put_text(ig_json *j, const char *key, const char *value) {
    ig_json_key(j, key);
    ig_json_text(j, value);
}

static inline void put_int(ig_json *j, const char *key, int64_t value) {
    ig_json_key(j, key);
    ig_json_int(j, value);
}

static inline void put_null(ig_json *j, const char *key) {
    ig_json_key(j, key);
    ig_json_null(j);
}

ig_status ig_tok_put_normalizer(ig_json *j, const ig_tokenizer *t, ig_error *err);
void ig_tok_put_pre_tokenizer(ig_json *j, const ig_tokenizer *t);
ig_status ig_tok_put_post_processor(ig_json *j, const ig_tokenizer *t, ig_error *err);
void ig_tok_put_decoder(ig_json *j, const ig_tokenizer *t);

void ig_tok_base64_encode(const uint8_t *bytes, size_t n, ig_buf *out);

#endif
