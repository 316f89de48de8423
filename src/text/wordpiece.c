/* text/wordpiece.c: BERT's model: the longest piece that a word starts with, then the longest of the rest, marked by ##.
 *
 * A word that cannot be cut up so, or has too many characters, is the unknown token as a whole.  No look-up is longer than
 * the longest piece of the vocabulary.   (Devlin et al. 2018; Wu et al. 2016)
 */
#include <string.h>

#include "text/tokenizer_impl.h"

ig_status ig_tok_wordpiece_finish(ig_tokenizer *t, const char *name, ig_error *err) {
    if (t->unk < 0) return ig_error_at(err, IG_E_FORMAT, name, 0, "a WordPiece vocabulary needs its unknown token, [UNK]");
    for (size_t i = 0, len; i < t->table.count; i++) {
        tok_bytes(&t->table, i, &len);
        if (t->table.flag[i]) continue;
        if (len > TOK_PIECE_BYTES_MAX)
            return ig_error_at(err, IG_E_LIMIT, name, 0, "token %zu has %zu bytes, more than %d", i, len, TOK_PIECE_BYTES_MAX);
        if (len > t->piece_bytes_max) t->piece_bytes_max = len;
    }
    return IG_OK;
}

static bool too_long(const char *s, size_t n, size_t chars_max) {
    size_t chars = 0;
    for (size_t i = 0; i < n && chars <= chars_max; i++) chars += ((uint8_t)s[i] & 0xc0) != 0x80;
    return chars > chars_max;
}

/* The longest piece at word[at]; its length in *len, 0 when there is none.  m->word is the prefix and then the word: to
 * look for a piece that continues, the prefix is written right before it, over bytes that are done. */
static int32_t longest(tok_merger *m, size_t at, size_t n, size_t *len) {
    size_t prefix = strlen(m->t->prefix);
    char *rest = m->word.data + prefix + at;
    size_t mark = at ? prefix : 0, most = m->t->piece_bytes_max > mark ? m->t->piece_bytes_max - mark : 0;
    memcpy(rest - mark, m->t->prefix, mark);
    for (*len = n - at < most ? n - at : most; *len; --*len) {
        if (at + *len < n && ((uint8_t)rest[*len] & 0xc0) == 0x80) continue; /* inside of a character */
        int32_t id = ig_tok_find(&m->t->table, rest - mark, mark + *len);
        if (id >= 0) return id;
    }
    return -1;
}

ig_status ig_tok_wordpiece_word(void *merger, const char *word, size_t n, ig_error *err) {
    tok_merger *m = merger;
    size_t before = m->ids->len, len;
    if (too_long(word, n, m->t->word_chars_max)) return ig_ids_push(m->ids, m->t->unk, err);
    ig_buf_clear(&m->word);
    ig_buf_puts(&m->word, m->t->prefix);
    ig_buf_append(&m->word, word, n);
    IG_TRY(ig_buf_status(&m->word, err));
    for (size_t at = 0; at < n; at += len) {
        int32_t id = longest(m, at, n, &len);
        if (id < 0) {
            m->ids->len = before;
            return ig_ids_push(m->ids, m->t->unk, err);
        }
        IG_TRY(ig_ids_push(m->ids, id, err));
    }
    return IG_OK;
}
