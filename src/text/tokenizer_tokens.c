/* text/tokenizer_tokens.c: the tokens of a tokenizer.json.
 *
 * First names and ids: every id of 0 … n-1 exactly once, added tokens agreeing with the vocabulary.  Only then tokens are
 * made, in id order: of BPE back from the byte alphabet, of the others as they are written.
 */
#include <string.h>

#include "text/tokenizer_load.h"

void ig_tok_loader_init(tok_loader *l, const char *name, ig_tokenizer *t) {
    *l = (tok_loader){.name = name, .t = t, .bytes = {.max = IG_TOKENIZER_BYTES_MAX}};
    l->merge = (tok_merge_reader){.name = name, .t = t, .bytes = {.max = IG_TOKENIZER_BYTES_MAX}};
}

void ig_tok_loader_fini(tok_loader *l) {
    ig_tok_table_fini(&l->texts);
    ig_free(l->entry);
    ig_buf_fini(&l->bytes);
    ig_buf_fini(&l->merge.bytes);
}

/* ---- names and ids ---- */

/* Unigram: a list of [piece, score]; the id is the place in it. */
static ig_status read_scored(tok_loader *l, const ig_tree *vocab, ig_error *err) {
    for (const ig_tree *v = vocab->child; v; v = v->next) {
        const ig_tree *text = v->type == IG_TREE_LIST && v->count == 2 ? v->child : NULL, *score = text ? text->next : NULL;
        if (!text || text->type != IG_TREE_TEXT || (score->type != IG_TREE_REAL && score->type != IG_TREE_INT))
            return ig_error_at(err, IG_E_FORMAT, l->name, v->line, "entry %zu of the vocabulary must be [text, score]",
                               l->count);
        if (!text->text_len)
            return ig_error_at(err, IG_E_FORMAT, l->name, v->line, "the vocabulary has a token without text");
        IG_TRY(ig_tok_add(&l->texts, text->text, text->text_len, 0, err));
        l->entry[l->count] = (tok_entry){.text = text->text, .len = text->text_len, .id = (int64_t)l->count, .line = v->line};
        l->entry[l->count++].score = (float)score->real;
    }
    return IG_OK;
}

/* Schemas do not look into the vocabulary: its keys are the tokens. */
static ig_status read_vocab(tok_loader *l, const ig_tree *vocab, size_t more, ig_error *err) {
    if (vocab->count > IG_VOCAB_MAX || more > IG_VOCAB_MAX)
        return ig_error_at(err, IG_E_LIMIT, l->name, vocab->line, "a vocabulary of %zu tokens is too large (at most %d)",
                           vocab->count + more, IG_VOCAB_MAX);
    l->cap = vocab->count + more;
    l->entry = ig_calloc(l->cap + 1, sizeof *l->entry);
    if (!l->entry) return ig_error_nomem(err, l->cap * sizeof *l->entry);
    if (vocab->type == IG_TREE_LIST) return read_scored(l, vocab, err);
    for (const ig_tree *v = vocab->child; v; v = v->next) {
        size_t len = strlen(v->key);
        char quote[64];
        if (v->type != IG_TREE_INT)
            return ig_error_at(err, IG_E_FORMAT, l->name, v->line, "the id of the token %s must be an integer, not %s",
                               ig_tok_quote(v->key, len, quote), ig_tree_type_name(v->type));
        if (!len) return ig_error_at(err, IG_E_FORMAT, l->name, v->line, "the vocabulary has a token without text");
        IG_TRY(ig_tok_add(&l->texts, v->key, len, 0, err));
        l->entry[l->count++] = (tok_entry){.text = v->key, .len = len, .id = v->integer, .line = v->line};
    }
    return IG_OK;
}

static ig_status check_added(tok_loader *l, const ig_tree *a, const char *text, size_t len, const char *quote, ig_error *err) {
    if (!len || len > TOK_ADDED_BYTES_MAX || memchr(text, 0, len))
        return ig_error_at(err, IG_E_FORMAT, l->name, a->line, "an added token must have 1 to %d bytes of text",
                           TOK_ADDED_BYTES_MAX);
    if (!ig_tree_bool(a, "single_word", false)) return IG_OK;
    return ig_error_at(err, IG_E_UNSUPPORTED, l->name, a->line, "the added token %s with single_word is not supported", quote);
}

/* In models of pieces what is "normalized" is looked for after normalising, as SentencePiece's user-defined pieces are. */
static unsigned flag_of(const tok_loader *l, const ig_tree *a) {
    unsigned flag = TOK_ADDED;
    bool special = ig_tree_bool(a, "special", false), pieces = tok_has_pieces(l->t) && l->t->kind != IG_TOKENIZER_WORDPIECE;
    if (special) flag |= TOK_SPECIAL;
    if (!special && pieces && ig_tree_bool(a, "normalized", true)) flag |= TOK_USER;
    if (ig_tree_bool(a, "lstrip", false)) flag |= TOK_LSTRIP;
    if (ig_tree_bool(a, "rstrip", false)) flag |= TOK_RSTRIP;
    return flag;
}

static ig_status read_added(tok_loader *l, const ig_tree *a, ig_error *err) {
    const ig_tree *content = ig_tree_get(a, "content");
    const char *text = content->text;
    size_t len = content->text_len;
    char quote[64];
    ig_tok_quote(text, len, quote);
    IG_TRY(check_added(l, a, text, len, quote, err));
    int64_t id = ig_tree_int(a, "id", -1);
    unsigned flag = flag_of(l, a);
    int32_t known = ig_tok_find(&l->texts, text, len);
    if (known < 0) {
        IG_TRY(ig_tok_add(&l->texts, text, len, 0, err));
        l->entry[l->count++] = (tok_entry){.text = text, .len = len, .id = id, .line = a->line, .flag = flag};
        return IG_OK;
    }
    if (l->entry[known].flag)
        return ig_error_at(err, IG_E_FORMAT, l->name, a->line, "the added token %s is there twice", quote);
    if (l->entry[known].id != id)
        return ig_error_at(err, IG_E_FORMAT, l->name, a->line,
                           "the added token %s has id %lld, but id %lld in the vocabulary (line %d)", quote, (long long)id,
                           (long long)l->entry[known].id, l->entry[known].line);
    l->entry[known].flag = flag;
    return IG_OK;
}

/* order[id] = entry.  n different ids inside of 0 … n-1 leave no gap. */
static ig_status order_ids(tok_loader *l, const tok_entry **order, ig_error *err) {
    for (size_t i = 0; i < l->count; i++) {
        const tok_entry *e = &l->entry[i];
        char quote[64], other[64];
        ig_tok_quote(e->text, e->len, quote);
        if (e->id < 0 || (uint64_t)e->id >= l->count)
            return ig_error_at(err, IG_E_FORMAT, l->name, e->line,
                               "the token %s has id %lld, but %zu tokens must have the ids 0 to %zu "
                               "without gaps",
                               quote, (long long)e->id, l->count, l->count - 1);
        if (order[e->id])
            return ig_error_at(err, IG_E_FORMAT, l->name, e->line, "the tokens %s and %s have the same id %lld",
                               ig_tok_quote(order[e->id]->text, order[e->id]->len, other), quote, (long long)e->id);
        order[e->id] = e;
    }
    return IG_OK;
}

/* ---- tokens ---- */

/* BPE: back from the byte alphabet. */
static ig_status make_bpe_token(tok_loader *l, const tok_entry *e, ig_error *err) {
    char quote[64];
    ig_buf_clear(&l->bytes);
    bool inside = ig_tok_alphabet_bytes(e->text, e->len, &l->bytes);
    IG_TRY(ig_buf_status(&l->bytes, err));
    if (!inside)
        return ig_error_at(err, IG_E_FORMAT, l->name, e->line, "the token %s has characters outside of the byte-level alphabet",
                           ig_tok_quote(e->text, e->len, quote));
    return ig_tok_add(&l->t->table, l->bytes.data, l->bytes.len, 0, err);
}

static ig_status make_char_token(tok_loader *l, const tok_entry *e, ig_error *err) {
    int byte = l->t->byte_fallback ? ig_tok_byte_token(e->text, e->len) : -1;
    char quote[64], value = (char)byte;
    if (byte >= 0) return ig_tok_add(&l->t->table, &value, 1, TOK_BYTE, err);
    uint32_t cp;
    if (ig_utf8_decode(e->text, e->len, &cp) != e->len)
        return ig_error_at(
            err, IG_E_UNSUPPORTED, l->name, e->line, "the token %s of a model without merges is not a single character%s",
            ig_tok_quote(e->text, e->len, quote), l->t->byte_fallback ? ", byte token or added token" : " or added token");
    return ig_tok_add(&l->t->table, e->text, e->len, 0, err);
}

static ig_status make_piece(tok_loader *l, const tok_entry *e, ig_error *err) {
    int byte = l->t->byte_fallback ? ig_tok_byte_token(e->text, e->len) : -1;
    char value = (char)byte;
    return byte >= 0 ? ig_tok_add(&l->t->table, &value, 1, TOK_BYTE, err) : ig_tok_add(&l->t->table, e->text, e->len, 0, err);
}

static ig_status make_token(tok_loader *l, const tok_entry *e, ig_error *err) {
    if (e->flag) return ig_tok_add(&l->t->table, e->text, e->len, e->flag, err);
    if (tok_on_bytes(l->t)) return make_bpe_token(l, e, err);
    return l->t->kind == IG_TOKENIZER_CHAR ? make_char_token(l, e, err) : make_piece(l, e, err);
}

static ig_status make_tokens(tok_loader *l, const tok_entry **order, ig_error *err) {
    for (size_t id = 0; id < l->count; id++) IG_TRY(make_token(l, order[id], err));
    if (l->t->kind != IG_TOKENIZER_UNIGRAM) return IG_OK;
    l->t->score = ig_realloc_array(NULL, l->count, sizeof *l->t->score);
    if (!l->t->score) return ig_error_nomem(err, l->count * sizeof *l->t->score);
    for (size_t id = 0; id < l->count; id++) l->t->score[id] = order[id]->score;
    return IG_OK;
}

static ig_status check_bytes(tok_loader *l, ig_error *err) {
    for (int b = 0; b < 256 && l->t->byte_fallback; b++)
        if (l->t->byte_id[b] < 0)
            return ig_error_at(err, IG_E_FORMAT, l->name, 0,
                               "byte_fallback is set, but the vocabulary lacks the token <0x%02X>", (unsigned)b);
    return IG_OK;
}

ig_status ig_tok_read_tokens(tok_loader *l, const ig_tree *vocab, const ig_tree *added, ig_error *err) {
    IG_TRY(read_vocab(l, vocab, added ? added->count : 0, err));
    for (const ig_tree *a = added ? added->child : NULL; a; a = a->next) IG_TRY(read_added(l, a, err));
    if (!l->count) return ig_error_at(err, IG_E_FORMAT, l->name, vocab->line, "the vocabulary is empty");
    if (l->count > IG_VOCAB_MAX)
        return ig_error_at(err, IG_E_LIMIT, l->name, vocab->line, "a vocabulary of %zu tokens is too large (at most %d)",
                           l->count, IG_VOCAB_MAX);
    const tok_entry **order = ig_calloc(l->count, sizeof *order);
    if (!order) return ig_error_nomem(err, l->count * sizeof *order);
    ig_status status = order_ids(l, order, err);
    if (status == IG_OK) status = make_tokens(l, order, err);
    ig_free(order);
    IG_TRY(status);
    IG_TRY(ig_tok_finish(l->t, err));
    return check_bytes(l, err);
}
