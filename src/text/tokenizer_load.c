/* text/tokenizer_load.c: read a tokenizer.json.
 *
 * The order: the form of the file (schemas), the parts around the model (component_*.c), the model's settings, its tokens
 * (tokenizer_tokens.c), and what is made of them: merges, a trie.  Nothing of the file is believed before it was checked,
 * and every step is linear in its size.
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

static const ig_schema_field bpe_fields[] = {
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

static const ig_schema_field wordpiece_fields[] = {
    {.key = "type", .type = IG_TREE_TEXT},
    {.key = "unk_token", .type = IG_TREE_TEXT, .required = true},
    {.key = "continuing_subword_prefix", .type = IG_TREE_TEXT},
    {.key = "max_input_chars_per_word", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = TOK_PIECE_BYTES_MAX},
    {.key = "vocab", .type = IG_TREE_MAP, .required = true},
    {0}};

static const ig_schema_field unigram_fields[] = {
    {.key = "type", .type = IG_TREE_TEXT},
    {.key = "unk_id", .type = IG_TREE_INT, .nullable = true, .has_range = true, .min = 0, .max = IG_VOCAB_MAX - 1},
    {.key = "byte_fallback", .type = IG_TREE_BOOL, .nullable = true},
    {.key = "vocab", .type = IG_TREE_LIST, .required = true},
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
    {.key = "model", .type = IG_TREE_MAP, .required = true},
    {0}};

/* ---- the model's settings ---- */

static ig_status refuse_text(tok_loader *l, const ig_tree *model, const char *key, ig_error *err) {
    const ig_tree *t = ig_tree_get(model, key);
    if (tok_absent(t) || !t->text_len) return IG_OK;
    return ig_error_at(err, IG_E_UNSUPPORTED, l->name, t->line, "a model with %s is not supported", key);
}

/* unk_token is harmless where every byte has a token; for characters alone it would lose text. */
static ig_status check_bpe(tok_loader *l, const ig_tree *model, ig_error *err) {
    if (ig_tree_real(model, "dropout", 0) != 0)
        return ig_error_at(err, IG_E_UNSUPPORTED, l->name, model->line, "a model with dropout is not supported");
    IG_TRY(refuse_text(l, model, "continuing_subword_prefix", err));
    IG_TRY(refuse_text(l, model, "end_of_word_suffix", err));
    l->t->ignore_merges = ig_tree_bool(model, "ignore_merges", false);
    l->t->byte_fallback = ig_tree_bool(model, "byte_fallback", false) && !tok_on_bytes(l->t);
    l->t->fuse_unk = ig_tree_bool(model, "fuse_unk", false);
    return l->t->kind != IG_TOKENIZER_CHAR || l->t->byte_fallback ? IG_OK : refuse_text(l, model, "unk_token", err);
}

static ig_status check_wordpiece(tok_loader *l, const ig_tree *model, ig_error *err) {
    const char *prefix = ig_tree_text(model, "continuing_subword_prefix", "##");
    l->t->word_chars_max = (size_t)ig_tree_int(model, "max_input_chars_per_word", 100);
    l->t->prefix = ig_strdup(prefix);
    return l->t->prefix ? IG_OK : ig_error_nomem(err, strlen(prefix));
}

/* The model's unknown token, once there are tokens. */
static ig_status find_unk(tok_loader *l, const ig_tree *model, ig_error *err) {
    const ig_tree *text = ig_tree_get(model, "unk_token"), *id = ig_tree_get(model, "unk_id");
    ig_tokenizer *t = l->t;
    char quote[64];
    if (t->kind == IG_TOKENIZER_UNIGRAM && !tok_absent(id)) {
        if (id->integer >= (int64_t)t->table.count)
            return ig_error_at(err, IG_E_FORMAT, l->name, id->line, "unk_id %lld is not one of the %zu tokens",
                               (long long)id->integer, t->table.count);
        t->unk = (int32_t)id->integer;
    }
    if (tok_absent(text) || (t->kind != IG_TOKENIZER_SPM && t->kind != IG_TOKENIZER_WORDPIECE)) return IG_OK;
    t->unk = ig_tok_find_any(t, text->text, text->text_len);
    if (t->unk >= 0) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, l->name, text->line, "the unknown token %s is not in the vocabulary",
                       ig_tok_quote(text->text, text->text_len, quote));
}

static ig_status read_merges(tok_loader *l, const ig_tree *merges, ig_error *err) {
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

/* What is checked before the tokens are read. */
static ig_status check_model(tok_loader *l, const ig_tree *model, ig_error *err) {
    switch (l->t->kind) {
    case IG_TOKENIZER_WORDPIECE: return check_wordpiece(l, model, err);
    case IG_TOKENIZER_UNIGRAM:
        l->t->byte_fallback = ig_tree_bool(model, "byte_fallback", false);
        l->t->fuse_unk = true;
        return IG_OK;
    default: return check_bpe(l, model, err);
    }
}

static ig_status finish_model(tok_loader *l, const ig_tree *model, ig_error *err) {
    IG_TRY(find_unk(l, model, err));
    switch (l->t->kind) {
    case IG_TOKENIZER_WORDPIECE: return ig_tok_wordpiece_finish(l->t, l->name, err);
    case IG_TOKENIZER_UNIGRAM: return ig_tok_unigram_finish(l->t, l->name, err);
    case IG_TOKENIZER_CHAR: return IG_OK;
    default: return read_merges(l, ig_tree_get(model, "merges"), err);
    }
}

/* The model's own keys are checked first: other models have other ones. */
static ig_status check_forms(tok_loader *l, const ig_tree *root, ig_error *err) {
    if (root->type != IG_TREE_MAP)
        return ig_error_at(err, IG_E_FORMAT, l->name, root->line, "a tokenizer.json must be a map, not %s",
                           ig_tree_type_name(root->type));
    IG_TRY(ig_schema_check(l->name, root, root_fields, err));
    const ig_tree *model = ig_tree_get(root, "model");
    const char *type = ig_tree_text(model, "type", "BPE");
    if (!strcmp(type, "BPE")) return ig_schema_check(l->name, model, bpe_fields, err);
    if (!strcmp(type, "WordPiece")) return ig_schema_check(l->name, model, wordpiece_fields, err);
    if (!strcmp(type, "Unigram")) return ig_schema_check(l->name, model, unigram_fields, err);
    return ig_error_at(err, IG_E_UNSUPPORTED, l->name, model->line,
                       "the model \"%.60s\" is not supported: BPE, WordPiece and Unigram are", type);
}

static ig_status load_tree(tok_loader *l, const ig_tree *root, ig_error *err) {
    IG_TRY(check_forms(l, root, err));
    const ig_tree *model = ig_tree_get(root, "model"), *added = ig_tree_get(root, "added_tokens");
    IG_TRY(ig_tok_components(l->name, root, l->t, err));
    IG_TRY(check_model(l, model, err));
    IG_TRY(ig_tok_read_decoder(l->name, root, l->t, err));
    IG_TRY(ig_tok_read_tokens(l, ig_tree_get(model, "vocab"), tok_absent(added) ? NULL : added, err));
    IG_TRY(finish_model(l, model, err));
    return ig_tok_read_post_processor(l->name, root, l->t, err);
}

static ig_status load_doc(const ig_doc *doc, ig_tokenizer **out, ig_error *err) {
    ig_tokenizer *t;
    IG_TRY(ig_tok_new(IG_TOKENIZER_BPE, &t, err));
    tok_loader l;
    ig_tok_loader_init(&l, ig_doc_name(doc), t);
    ig_status status = load_tree(&l, ig_doc_root(doc), err);
    ig_tok_loader_fini(&l);
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
