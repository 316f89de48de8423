/* text/tokenizer_decode.c: ids to text.
 *
 * BPE and CHAR write the bytes of their tokens one after the other.  The others write pieces: ▁ is a space and the first
 * space of a text is left out (SentencePiece), or every piece that does not begin with ## has a space before it (WordPiece).
 */
#include <string.h>

#include "text/tokenizer_impl.h"

/* Before these WordPiece's clean-up leaves out the space. */
static bool sticks(const char *s, size_t n) {
    static const char *const start[] = {".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"};
    for (size_t i = 0; i < sizeof start / sizeof *start; i++)
        if (n >= strlen(start[i]) && !memcmp(s, start[i], strlen(start[i]))) return true;
    return false;
}

static void put_wordpiece(const ig_tokenizer *t, const char *s, size_t n, bool first, ig_buf *out) {
    size_t prefix = strlen(t->prefix);
    bool continues = n > prefix && !memcmp(s, t->prefix, prefix);
    if (continues && !first)
        ig_buf_append(out, s + prefix, n - prefix);
    else {
        if (!first && !(t->decoder.cleanup && sticks(s, n))) ig_buf_putc(out, ' ');
        ig_buf_append(out, s, n);
    }
}

static void put_metaspace(const char *s, size_t n, ig_buf *out) {
    while (n) {
        const char *mark = memmem(s, n, TOK_SPACE, 3);
        size_t before = mark ? (size_t)(mark - s) : n;
        ig_buf_append(out, s, before);
        if (!mark) return;
        ig_buf_putc(out, ' ');
        s += before + 3;
        n -= before + 3;
    }
}

ig_status ig_tokenizer_decode(const ig_tokenizer *t, const int32_t *ids, size_t n, unsigned flags, ig_buf *out, ig_error *err) {
    size_t start = out->len;
    bool inside = flags & IG_DECODE_INSIDE, first = !inside;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= t->table.count)
            return ig_error_set(err, IG_E_ARG, "token id %d at position %zu is outside of the vocabulary of %zu tokens",
                                (int)ids[i], i, t->table.count);
        if ((flags & IG_DECODE_SKIP_SPECIAL) && (t->table.flag[ids[i]] & TOK_SPECIAL)) continue;
        size_t len;
        const char *s = tok_bytes(&t->table, (size_t)ids[i], &len);
        if (t->decoder.wordpiece)
            put_wordpiece(t, s, len, first, out);
        else if (t->decoder.metaspace && !(t->table.flag[ids[i]] & TOK_BYTE))
            put_metaspace(s, len, out);
        else
            ig_buf_append(out, s, len);
        first = false;
    }
    IG_TRY(ig_buf_status(out, err));
    if (t->decoder.strip_first && !inside && out->len > start && out->data[start] == ' ') {
        memmove(out->data + start, out->data + start + 1, out->len - start); /* the NUL too */
        out->len--;
    }
    return IG_OK;
}
