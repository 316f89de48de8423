/* text/merge_text.c: merges as files write them: both halves and what they make must be tokens.
 *
 * Of BPE the halves are in GPT-2's byte alphabet, of SPM they are the characters themselves.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

/* Append the bytes of one half to the scratch; its id, or an error that names it. */
static ig_status merge_half(tok_merge_reader *r, const char *text, size_t len, size_t index, int line, int32_t *id,
                            ig_error *err) {
    size_t start = r->bytes.len;
    char quote[64];
    bool inside = true;
    if (tok_on_bytes(r->t))
        inside = ig_tok_alphabet_bytes(text, len, &r->bytes);
    else
        ig_buf_append(&r->bytes, text, len);
    IG_TRY(ig_buf_status(&r->bytes, err));
    *id = inside && len ? ig_tok_find(&r->t->table, r->bytes.data + start, r->bytes.len - start) : -1;
    if (*id >= 0) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, r->name, line, "merge %zu uses %s, which is not a token of the vocabulary", index,
                       ig_tok_quote(text, len, quote));
}

ig_status ig_tok_read_merge(tok_merge_reader *r, const char *left, size_t left_len, const char *right, size_t right_len,
                            size_t index, int line, ig_error *err) {
    int32_t a, b;
    char one[64], two[64];
    ig_buf_clear(&r->bytes);
    IG_TRY(merge_half(r, left, left_len, index, line, &a, err));
    IG_TRY(merge_half(r, right, right_len, index, line, &b, err));
    int32_t made = ig_tok_find(&r->t->table, r->bytes.data, r->bytes.len);
    if (made < 0)
        return ig_error_at(err, IG_E_FORMAT, r->name, line,
                           "merge %zu of %s and %s makes a token that is not in the vocabulary", index,
                           ig_tok_quote(left, left_len, one), ig_tok_quote(right, right_len, two));
    return ig_tok_merge_add(r->t, a, b, made, err);
}

/* "left right": the old way of writing a merge. */
ig_status ig_tok_read_merge_text(tok_merge_reader *r, const char *s, size_t len, size_t index, int line, ig_error *err) {
    const char *space = memchr(s, ' ', len);
    char quote[64];
    if (!space || memchr(space + 1, ' ', len - (size_t)(space + 1 - s)))
        return ig_error_at(err, IG_E_FORMAT, r->name, line, "merge %zu, %s, must be two tokens with one space between them",
                           index, ig_tok_quote(s, len, quote));
    return ig_tok_read_merge(r, s, (size_t)(space - s), space + 1, len - (size_t)(space + 1 - s), index, line, err);
}
