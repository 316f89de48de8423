/* text/tokenizer_load.c: read tokenizer.json, and GPT-2's encoder.json with vocab.bpe.
 *
 * The order: the form of the file (schema), the parts around the model (tokenizer_components.c), then names and ids: every
 * id of 0 … n-1 exactly once, added tokens agreeing with the vocabulary.  Only then tokens are made, in id order, and the
 * merges looked up in them.  Nothing of the file is believed before it was checked, and every step is linear in its size.
 */
#include <string.h>

#include "text/tokenizer_load.h"

static const ig_schema_field added_fields[] = {
    {.key = "id", .type = IG_TREE_INT, .required = true, .has_range = true, .min = 0, .max = IG_VOCAB_MAX - 1},
    {.key = "content", .type = IG_TREE_TEXT, .required = true},
    {.key = "single_word", .type = IG_TREE_BOOL},
    {.key = "lstrip", .type = IG_TREE_BOOL},
    {.key = "rstrip", .type = IG_TREE_BOOL},
    {.key = "normalized", .type = IG_TREE_BOOL},
    {.key = "special", .type = IG_TREE_BOOL},
    {0}};

static const ig_schema_field model_fields[] = {
    {.key = "type", .type = IG_TREE_TEXT},
    {.key = "dropout", .type = IG_TREE_REAL, .nullable = true},
    {.key = "unk_token", .type = IG_TREE_TEXT, .nullable = true},
    {.key = "continuing_subword_prefix", .type = IG_TREE_TEXT, .nullable = true},
    {.key = "end_of_word_suffix", .type = IG_TREE_TEXT, .nullable = true},
    {.key = "fuse_unk", .type = IG_TREE_BOOL, .nullable = true},
    {.key = "byte_fallback", .type = IG_TREE_BOOL, .nullable = true},
    {.key = "ignore_merges", .type = IG_TREE_BOOL, .nullable = true},
    {.key = "vocab", .type = IG_TREE_MAP, .required = true},
    {.key = "merges", .type = IG_TREE_LIST, .required = true},
    {0}};

static const ig_schema_field root_fields[] = {
    {.key = "version", .type = IG_TREE_TEXT, .nullable = true},
    {.key = "truncation", .type = IG_TREE_MAP, .nullable = true},
    {.key = "padding", .type = IG_TREE_MAP, .nullable = true},
    {.key = "added_tokens", .type = IG_TREE_LIST, .nullable = true, .item = IG_TREE_MAP, .fields = added_fields},
    {.key = "normalizer", .type = IG_TREE_MAP, .nullable = true},
    {.key = "pre_tokenizer", .type = IG_TREE_MAP, .nullable = true},
    {.key = "post_processor", .type = IG_TREE_MAP, .nullable = true},
    {.key = "decoder", .type = IG_TREE_MAP, .nullable = true},
    {.key = "model", .type = IG_TREE_MAP, .required = true, .fields = model_fields},
    {0}};

/* A token as the file has it. */
typedef struct entry {
    const char *text;
    size_t len;
    int64_t id;
    int line;
    unsigned flag;
} entry;

typedef struct loader {
    const char *name;
    ig_tokenizer *t;
    tok_table texts; /* text -> index in entry */
    entry *entry;
    size_t count, cap;
    ig_buf bytes; /* scratch */
    tok_merge_reader merge;
} loader;

static void loader_fini(loader *l) {
    ig_tok_table_fini(&l->texts);
    ig_free(l->entry);
    ig_buf_fini(&l->bytes);
    ig_buf_fini(&l->merge.bytes);
}

/* ---- the model's settings ---- */

static ig_status refuse_text(loader *l, const ig_tree *model, const char *key, ig_error *err) {
    const ig_tree *t = ig_tree_get(model, key);
    if (!t || t->type == IG_TREE_NULL || !t->text_len) return IG_OK;
    return ig_error_at(err, IG_E_UNSUPPORTED, l->name, t->line, "a model with %s is not supported", key);
}

/* unk_token is harmless where every byte has a token; for characters it would lose text. */
static ig_status check_model(loader *l, const ig_tree *model, ig_error *err) {
    const char *type = ig_tree_text(model, "type", "BPE");
    if (strcmp(type, "BPE"))
        return ig_error_at(err, IG_E_UNSUPPORTED, l->name, model->line, "the model \"%.60s\" is not supported: only BPE is",
                           type);
    if (ig_tree_real(model, "dropout", 0) != 0)
        return ig_error_at(err, IG_E_UNSUPPORTED, l->name, model->line, "a model with dropout is not supported");
    IG_TRY(refuse_text(l, model, "continuing_subword_prefix", err));
    IG_TRY(refuse_text(l, model, "end_of_word_suffix", err));
    l->t->ignore_merges = ig_tree_bool(model, "ignore_merges", false);
    l->t->byte_fallback = ig_tree_bool(model, "byte_fallback", false) && l->t->kind == IG_TOKENIZER_CHAR;
    if (l->t->kind != IG_TOKENIZER_CHAR) return IG_OK;
    const ig_tree *merges = ig_tree_get(model, "merges");
    if (merges->count)
        return ig_error_at(err, IG_E_UNSUPPORTED, l->name, merges->line,
                           "a BPE with merges but without a ByteLevel pre-tokenizer is not supported");
    return l->t->byte_fallback ? IG_OK : refuse_text(l, model, "unk_token", err);
}

/* ---- names and ids ---- */

/* Schemas do not look into the vocabulary: its keys are the tokens. */
static ig_status read_vocab(loader *l, const ig_tree *vocab, size_t more, ig_error *err) {
    if (vocab->count > IG_VOCAB_MAX || more > IG_VOCAB_MAX)
        return ig_error_at(err, IG_E_LIMIT, l->name, vocab->line, "a vocabulary of %zu tokens is too large (at most %d)",
                           vocab->count + more, IG_VOCAB_MAX);
    l->cap = vocab->count + more;
    l->entry = ig_calloc(l->cap + 1, sizeof *l->entry);
    if (!l->entry) return ig_error_nomem(err, l->cap * sizeof *l->entry);
    for (const ig_tree *v = vocab->child; v; v = v->next) {
        size_t len = strlen(v->key);
        char quote[64];
        if (v->type != IG_TREE_INT)
            return ig_error_at(err, IG_E_FORMAT, l->name, v->line, "the id of the token %s must be an integer, not %s",
                               ig_tok_quote(v->key, len, quote), ig_tree_type_name(v->type));
        if (!len) return ig_error_at(err, IG_E_FORMAT, l->name, v->line, "the vocabulary has a token without text");
        IG_TRY(ig_tok_add(&l->texts, v->key, len, 0, err));
        l->entry[l->count++] = (entry){.text = v->key, .len = len, .id = v->integer, .line = v->line};
    }
    return IG_OK;
}

static ig_status check_added(loader *l, const ig_tree *a, const char *text, size_t len, const char *quote, ig_error *err) {
    if (!len || len > TOK_ADDED_BYTES_MAX || memchr(text, 0, len))
        return ig_error_at(err, IG_E_FORMAT, l->name, a->line, "an added token must have 1 to %d bytes of text",
                           TOK_ADDED_BYTES_MAX);
    const char *not_yet[] = {"single_word", "lstrip", "rstrip"};
    for (int i = 0; i < 3; i++)
        if (ig_tree_bool(a, not_yet[i], false))
            return ig_error_at(err, IG_E_UNSUPPORTED, l->name, a->line, "the added token %s with %s is not supported", quote,
                               not_yet[i]);
    return IG_OK;
}

static ig_status read_added(loader *l, const ig_tree *a, ig_error *err) {
    const ig_tree *content = ig_tree_get(a, "content");
    const char *text = content->text;
    size_t len = content->text_len;
    char quote[64];
    ig_tok_quote(text, len, quote);
    IG_TRY(check_added(l, a, text, len, quote, err));
    int64_t id = ig_tree_int(a, "id", -1);
    unsigned flag = TOK_ADDED | (ig_tree_bool(a, "special", false) ? TOK_SPECIAL : 0u);
    int32_t known = ig_tok_find(&l->texts, text, len);
    if (known < 0) {
        IG_TRY(ig_tok_add(&l->texts, text, len, 0, err));
        l->entry[l->count++] = (entry){.text = text, .len = len, .id = id, .line = a->line, .flag = flag};
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
static ig_status order_ids(loader *l, const entry **order, ig_error *err) {
    for (size_t i = 0; i < l->count; i++) {
        const entry *e = &l->entry[i];
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
static ig_status make_bpe_token(loader *l, const entry *e, ig_error *err) {
    char quote[64];
    ig_buf_clear(&l->bytes);
    bool inside = ig_tok_alphabet_bytes(e->text, e->len, &l->bytes);
    IG_TRY(ig_buf_status(&l->bytes, err));
    if (!inside)
        return ig_error_at(err, IG_E_FORMAT, l->name, e->line, "the token %s has characters outside of the byte-level alphabet",
                           ig_tok_quote(e->text, e->len, quote));
    return ig_tok_add(&l->t->table, l->bytes.data, l->bytes.len, 0, err);
}

static ig_status make_char_token(loader *l, const entry *e, ig_error *err) {
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

static ig_status make_tokens(loader *l, const entry **order, ig_error *err) {
    for (size_t id = 0; id < l->count; id++) {
        const entry *e = order[id];
        if (e->flag)
            IG_TRY(ig_tok_add(&l->t->table, e->text, e->len, e->flag, err));
        else if (l->t->kind == IG_TOKENIZER_BPE)
            IG_TRY(make_bpe_token(l, e, err));
        else
            IG_TRY(make_char_token(l, e, err));
    }
    return IG_OK;
}

static ig_status check_bytes(loader *l, ig_error *err) {
    for (int b = 0; b < 256 && l->t->byte_fallback; b++)
        if (l->t->byte_id[b] < 0)
            return ig_error_at(err, IG_E_FORMAT, l->name, 0,
                               "byte_fallback is set, but the vocabulary lacks the token <0x%02X>", (unsigned)b);
    return IG_OK;
}

static ig_status read_tokens(loader *l, const ig_tree *vocab, const ig_tree *added, ig_error *err) {
    IG_TRY(read_vocab(l, vocab, added ? added->count : 0, err));
    for (const ig_tree *a = added ? added->child : NULL; a; a = a->next) IG_TRY(read_added(l, a, err));
    if (!l->count) return ig_error_at(err, IG_E_FORMAT, l->name, vocab->line, "the vocabulary is empty");
    if (l->count > IG_VOCAB_MAX)
        return ig_error_at(err, IG_E_LIMIT, l->name, vocab->line, "a vocabulary of %zu tokens is too large (at most %d)",
                           l->count, IG_VOCAB_MAX);
    const entry **order = ig_calloc(l->count, sizeof *order);
    if (!order) return ig_error_nomem(err, l->count * sizeof *order);
    ig_status status = order_ids(l, order, err);
    if (status == IG_OK) status = make_tokens(l, order, err);
    ig_free(order);
    IG_TRY(status);
    IG_TRY(ig_tok_finish(l->t, err));
    return check_bytes(l, err);
}

/* ---- merges ---- */

static ig_status read_merges(loader *l, const ig_tree *merges, ig_error *err) {
    size_t index = 0;
    for (const ig_tree *m = merges->child; m; m = m->next, index++) {
        const ig_tree *a = m->type == IG_TREE_LIST && m->count == 2 ? m->child : NULL;
        if (m->type == IG_TREE_TEXT)
            IG_TRY(ig_tok_read_merge_text(&l->merge, m->text, m->text_len, index, m->line, err));
        else if (a && a->type == IG_TREE_TEXT && a->next->type == IG_TREE_TEXT)
            IG_TRY(ig_tok_read_merge(&l->merge, a->text, a->text_len, a->next->text, a->next->text_len, index, m->line, err));
        else
            return ig_error_at(err, IG_E_FORMAT, l->name, m->line, "merge %zu must be two tokens, as text or as a list", index);
    }
    return IG_OK;
}

/* ---- tokenizer.json ---- */

static ig_status load_tree(loader *l, const ig_tree *root, ig_error *err) {
    if (root->type != IG_TREE_MAP)
        return ig_error_at(err, IG_E_FORMAT, l->name, root->line, "a tokenizer.json must be a map, not %s",
                           ig_tree_type_name(root->type));
    const ig_tree *model = ig_tree_get(root, "model");
    const char *type = ig_tree_text(model, "type", "BPE"); /* before the schema: other models have other keys */
    if (strcmp(type, "BPE"))
        return ig_error_at(err, IG_E_UNSUPPORTED, l->name, model->line, "the model \"%.60s\" is not supported: only BPE is",
                           type);
    IG_TRY(ig_schema_check(l->name, root, root_fields, err));
    IG_TRY(ig_tok_components(l->name, root, &l->t->kind, &l->t->split, err));
    IG_TRY(check_model(l, model, err));
    const ig_tree *added = ig_tree_get(root, "added_tokens");
    IG_TRY(read_tokens(l, ig_tree_get(model, "vocab"), added && added->type == IG_TREE_LIST ? added : NULL, err));
    return l->t->kind == IG_TOKENIZER_BPE ? read_merges(l, ig_tree_get(model, "merges"), err) : IG_OK;
}

static ig_status load_doc(const ig_doc *doc, ig_tokenizer **out, ig_error *err) {
    ig_tokenizer *t;
    IG_TRY(ig_tok_new(IG_TOKENIZER_BPE, &t, err));
    loader l = {.name = ig_doc_name(doc), .t = t, .bytes = {.max = IG_TOKENIZER_BYTES_MAX}, .merge = {.name = ig_doc_name(doc), .t = t, .bytes = {.max = IG_TOKENIZER_BYTES_MAX}}};
    ig_status status = load_tree(&l, ig_doc_root(doc), err);
    loader_fini(&l);
    if (status == IG_OK)
        *out = t;
    else
        ig_tokenizer_free(t);
    return status;
}

ig_status ig_tokenizer_load(const char *path, ig_tokenizer **out, ig_error *err) {
    ig_doc *doc;
    *out = NULL;
    IG_TRY(ig_doc_load(path, IG_TOKENIZER_BYTES_MAX, &doc, err));
    ig_status status = load_doc(doc, out, err);
    ig_doc_free(doc);
    return status;
}

ig_status ig_tokenizer_parse(const char *name, const char *json, size_t len, ig_tokenizer **out, ig_error *err) {
    ig_doc *doc;
    *out = NULL;
    if (len > IG_TOKENIZER_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, name, 0, "a tokenizer.json of %zu bytes is too large", len);
    IG_TRY(ig_json_parse(name, json, len, &doc, err));
    ig_status status = load_doc(doc, out, err);
    ig_doc_free(doc);
    return status;
}

/* ---- GPT-2's files ---- */

/* One merge a line; the first may be "#version: …", empty ones are skipped.  A merge may itself begin with '#'. */
static ig_status read_merge_lines(loader *l, const char *s, size_t n, ig_error *err) {
    size_t index = 0;
    int line = 1;
    for (size_t at = 0; at < n; line++) {
        const char *end = memchr(s + at, '\n', n - at);
        size_t len = end ? (size_t)(end - s) - at : n - at, full = len;
        if (len && s[at + len - 1] == '\r') len--;
        bool version = line == 1 && len >= 9 && !memcmp(s, "#version:", 9);
        if (len && !version) IG_TRY(ig_tok_read_merge_text(&l->merge, s + at, len, index++, line, err));
        at += full + 1;
    }
    return IG_OK;
}

static ig_status load_gpt2(loader *l, const ig_tree *vocab, const ig_buf *merges, const char *merges_path, ig_error *err) {
    if (vocab->type != IG_TREE_MAP)
        return ig_error_at(err, IG_E_FORMAT, l->name, vocab->line, "an encoder.json must be a map, not %s",
                           ig_tree_type_name(vocab->type));
    ig_tree id = {.type = IG_TREE_INT, .key = "id"},
            content = {.type = IG_TREE_TEXT, .key = "content", .text = "<|endoftext|>"};
    ig_tree special = {.type = IG_TREE_BOOL, .key = "special", .boolean = true};
    ig_tree item = {.type = IG_TREE_MAP, .child = &id, .count = 3}, added = {.type = IG_TREE_LIST, .child = &item, .count = 1};
    const ig_tree *end = ig_tree_get(vocab, content.text);
    content.text_len = strlen(content.text);
    id.integer = end ? end->integer : 0;
    item.line = end ? end->line : 0;
    id.next = &content;
    content.next = &special;
    IG_TRY(read_tokens(l, vocab, end ? &added : NULL, err));
    IG_TRY(ig_tok_split_add(&l->t->split, NULL, err));
    l->name = merges_path;
    return read_merge_lines(l, merges->data, merges->len, err);
}

ig_status ig_tokenizer_load_gpt2(const char *encoder_path, const char *merges_path, ig_tokenizer **out, ig_error *err) {
    ig_doc *doc = NULL;
    ig_tokenizer *t = NULL;
    ig_buf merges = {.max = IG_TOKENIZER_BYTES_MAX};
    *out = NULL;
    ig_status status = ig_doc_load(encoder_path, IG_TOKENIZER_BYTES_MAX, &doc, err);
    if (status == IG_OK) status = ig_file_read(merges_path, IG_TOKENIZER_BYTES_MAX, &merges, err);
    if (status == IG_OK) status = ig_tok_new(IG_TOKENIZER_BPE, &t, err);
    if (status == IG_OK) {
        loader l = {.name = encoder_path, .t = t, .bytes = {.max = IG_TOKENIZER_BYTES_MAX}, .merge = {.name = merges_path, .t = t, .bytes = {.max = IG_TOKENIZER_BYTES_MAX}}};
        status = load_gpt2(&l, ig_doc_root(doc), &merges, merges_path, err);
        loader_fini(&l);
    }
    if (status == IG_OK)
        *out = t;
    else
        ig_tokenizer_free(t);
    ig_buf_fini(&merges);
    ig_doc_free(doc);
    return status;
}
