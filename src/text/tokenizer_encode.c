/* text/tokenizer_encode.c: text to ids.
 *
 * The added tokens are cut out of the text first: the special ones only on request (so that no user can type one), the
 * others always, as Hugging Face's tokenizers do; SentencePiece's user-defined pieces only after the text was normalised.
 * What is between them is cut into words, and each word goes through the model.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

typedef struct encoder {
    tok_merger m;
    ig_buf text, spare; /* of the normaliser */
} encoder;

static ig_status no_token(const ig_tokenizer *t, const char *s, size_t n, size_t offset, ig_error *err) {
    uint32_t cp = 0;
    size_t len = ig_utf8_decode(s, n, &cp);
    if (!len)
        return ig_error_set(err, IG_E_NOT_FOUND,
                            "the text is not UTF-8 at byte offset %zu (0x%02x), and this vocabulary has no byte tokens", offset,
                            (uint8_t)*s);
    return ig_error_set(err, IG_E_NOT_FOUND,
                        "the character \"%.*s\" (U+%04X) at byte offset %zu is not in the vocabulary of %zu tokens, and it has "
                        "no byte tokens: train it with byte fallback or on text that has this character",
                        (int)len, s, cp, offset, t->table.count);
}

ig_status ig_tok_push_unknown(tok_merger *m, const char *s, size_t n, ig_error *err) {
    const ig_tokenizer *t = m->t;
    if (t->byte_fallback) {
        for (size_t i = 0; i < n; i++) IG_TRY(ig_ids_push(m->ids, t->byte_id[(uint8_t)s[i]], err));
        return IG_OK;
    }
    if (t->unk < 0) return no_token(t, s, n, 0, err);
    if (m->after_unk && t->fuse_unk) return IG_OK;
    m->after_unk = true;
    return ig_ids_push(m->ids, t->unk, err);
}

static ig_status encode_char(tok_merger *m, const char *s, size_t n, size_t offset, ig_error *err) {
    const ig_tokenizer *t = m->t;
    m->after_unk = false;
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t cp = 0;
        len = ig_utf8_decode(s + i, n - i, &cp);
        int32_t id = ig_tok_find(&t->table, s + i, len);
        len = len ? len : 1;
        if (id < 0 && !t->byte_fallback && t->unk < 0) return no_token(t, s + i, n - i, offset + i, err);
        if (id >= 0)
            IG_TRY(ig_ids_push(m->ids, id, err));
        else
            IG_TRY(ig_tok_push_unknown(m, s + i, len, err));
        if (id >= 0) m->after_unk = false;
    }
    return IG_OK;
}

static ig_status encode_words(tok_merger *m, const char *s, size_t n, size_t offset, bool at_start, ig_error *err) {
    tok_word_fn *const word[] = {[IG_TOKENIZER_BPE] = ig_tok_merge_word,
                                 [IG_TOKENIZER_SPM] = ig_tok_merge_word,
                                 [IG_TOKENIZER_WORDPIECE] = ig_tok_wordpiece_word,
                                 [IG_TOKENIZER_UNIGRAM] = ig_tok_unigram_word};
    if (m->t->kind == IG_TOKENIZER_CHAR) return encode_char(m, s, n, offset, err);
    return ig_tok_split_run(&m->t->split, s, n, at_start, word[m->t->kind], m, err);
}

/* Between two added tokens: normalise, and leave user-defined pieces as they are. */
static ig_status encode_section(encoder *e, const char *s, size_t n, size_t offset, ig_error *err) {
    const ig_tokenizer *t = e->m.t;
    bool at_start = offset == 0;
    if (t->norm.count) {
        IG_TRY(ig_tok_norm_run(t, s, n, &e->text, &e->spare, err));
        s = e->text.data;
        n = e->text.len;
    }
    for (size_t at = 0; at < n;) {
        size_t where, len = 0;
        int32_t user = ig_tok_next_added(t, s, n, at, TOK_USER, &where);
        if (where > at) IG_TRY(encode_words(&e->m, s + at, where - at, offset + at, at_start && !at, err));
        if (user >= 0) {
            IG_TRY(ig_ids_push(e->m.ids, user, err));
            tok_bytes(&t->table, (size_t)user, &len);
        }
        at = where + len;
    }
    return IG_OK;
}

static size_t spaces_at(const char *s, size_t n) {
    size_t at = 0, len;
    for (uint32_t cp; at < n; at += len) {
        len = ig_utf8_decode(s + at, n - at, &cp);
        if (!len || !ig_tok_is_space(cp)) break;
    }
    return at;
}

/* s[0..n) without the white space at its end: a token with lstrip stands behind it. */
static size_t without_spaces(const char *s, size_t n) {
    while (n) {
        size_t at = n - 1;
        while (at && n - at < 4 && ((uint8_t)s[at] & 0xc0) == 0x80) at--;
        if (spaces_at(s + at, n - at) != n - at) break;
        n = at;
    }
    return n;
}

static ig_status encode_all(encoder *e, const char *s, size_t n, unsigned flags, ig_error *err) {
    const ig_tokenizer *t = e->m.t;
    unsigned wanted = TOK_ADDED | (flags & IG_ENCODE_SPECIAL ? TOK_SPECIAL : 0u);
    for (size_t at = 0; at < n;) {
        size_t where, len = 0;
        int32_t added = ig_tok_next_added(t, s, n, at, wanted, &where);
        unsigned flag = added >= 0 ? t->table.flag[added] : 0;
        size_t end = flag & TOK_LSTRIP ? at + without_spaces(s + at, where - at) : where;
        if (end > at) IG_TRY(encode_section(e, s + at, end - at, at, err));
        if (added >= 0) {
            IG_TRY(ig_ids_push(e->m.ids, added, err));
            tok_bytes(&t->table, (size_t)added, &len);
        }
        at = where + len;
        if (flag & TOK_RSTRIP) at += spaces_at(s + at, n - at);
    }
    return IG_OK;
}

/* ---- templates ---- */

ig_status ig_tok_template_add(tok_template *m, int32_t id, int32_t type, ig_error *err) {
    if (m->count == TOK_TEMPLATE_MAX)
        return ig_error_set(err, IG_E_UNSUPPORTED, "a template of more than %d tokens is not supported", TOK_TEMPLATE_MAX);
    m->item[m->count].id = id;
    m->item[m->count++].type = type;
    return IG_OK;
}

typedef struct text_part {
    const char *s;
    size_t n;
} text_part;

static ig_status push_types(ig_ids *types, size_t count, int32_t type, ig_error *err) {
    for (; types && count; count--) IG_TRY(ig_ids_push(types, type, err));
    return IG_OK;
}

static ig_status encode_template(encoder *e, const tok_template *m, const text_part part[2], unsigned flags, ig_ids *types,
                                 ig_error *err) {
    for (size_t i = 0; i < m->count; i++) {
        int32_t id = m->item[i].id;
        size_t before = e->m.ids->len;
        const text_part *p = &part[id == TOK_TEXT_B];
        if (id >= 0)
            IG_TRY(ig_ids_push(e->m.ids, id, err));
        else
            IG_TRY(encode_all(e, p->s, p->n, flags, err));
        IG_TRY(push_types(types, e->m.ids->len - before, m->item[i].type, err));
    }
    return IG_OK;
}

static ig_status encode(const ig_tokenizer *t, const text_part part[2], bool two, unsigned flags, ig_ids *ids, ig_ids *types,
                        ig_error *err) {
    static const tok_template plain = {.item = {{TOK_TEXT_A, 0}, {TOK_TEXT_B, 1}}};
    tok_template bare = plain;
    bare.count = two ? 2 : 1;
    const tok_template *own = two ? &t->pair : &t->single, *use = (flags & IG_ENCODE_TEMPLATE) && own->count ? own : &bare;
    for (int i = 0; i < 2; i++)
        if (part[i].n > IG_TEXT_BYTES_MAX)
            return ig_error_set(err, IG_E_LIMIT, "a text of %zu bytes is too long to encode at once (at most %zu)", part[i].n,
                                IG_TEXT_BYTES_MAX);
    size_t before = ids->len, types_before = types ? types->len : 0;
    encoder e = {.m = {.t = t, .ids = ids, .word = {.max = IG_TEXT_BYTES_MAX}},
                 .text = {.max = IG_TEXT_BYTES_MAX},
                 .spare = {.max = IG_TEXT_BYTES_MAX}};
    ig_status status = encode_template(&e, use, part, flags, types, err);
    ig_tok_merger_fini(&e.m);
    ig_buf_fini(&e.text);
    ig_buf_fini(&e.spare);
    if (status != IG_OK) ids->len = before;
    if (status != IG_OK && types) types->len = types_before;
    return status;
}

ig_status ig_tokenizer_encode(const ig_tokenizer *t, const void *text, size_t len, unsigned flags, ig_ids *ids, ig_error *err) {
    return encode(t, (text_part[2]){{text, len}}, false, flags, ids, NULL, err);
}

ig_status ig_tokenizer_encode_pair(const ig_tokenizer *t, const void *a, size_t a_len, const void *b, size_t b_len,
                                   unsigned flags, ig_ids *ids, ig_ids *types, ig_error *err) {
    return encode(t, (text_part[2]){{a, a_len}, {b, b_len}}, true, flags, ids, types, err);
}
