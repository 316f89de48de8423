/* text/tokenizer_components.c: the parts of a tokenizer.json around its model, and the kind that follows from them.
 *
 *   model BPE with ByteLevel                                   BPE
 *         BPE without merges, normalizer and pre-tokenizer     CHAR
 *         BPE otherwise                                        SPM
 *         WordPiece, Unigram                                   these
 */
#include <string.h>

#include "text/tokenizer_load.h"

ig_status ig_tok_unsupported(const char *name, const ig_tree *t, const char *what, ig_error *err) {
    const char *type = tok_type_of(t);
    return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line, "the %s \"%.60s\" is not supported", what,
                       *type ? type : ig_tree_type_name(t->type));
}

ig_status ig_tok_flag(const char *name, const ig_tree *map, const char *key, bool otherwise, bool *out, ig_error *err) {
    const ig_tree *t = ig_tree_get(map, key);
    *out = otherwise;
    if (tok_absent(t)) return IG_OK;
    if (t->type != IG_TREE_BOOL)
        return ig_error_at(err, IG_E_FORMAT, name, t->line, "\"%s\" must be true or false, not %s", key,
                           ig_tree_type_name(t->type));
    *out = t->boolean;
    return IG_OK;
}

ig_status ig_tok_pattern(const char *name, const ig_tree *t, const char *what, const ig_tree **text, bool *regex,
                         ig_error *err) {
    const ig_tree *pattern = ig_tree_get(t, "pattern");
    *text = ig_tree_get(pattern, "Regex");
    *regex = *text != NULL;
    if (!*regex) *text = ig_tree_get(pattern, "String");
    if (*text && (*text)->type == IG_TREE_TEXT && strlen((*text)->text) == (*text)->text_len) return IG_OK;
    return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line,
                       "the %s needs a pattern of the form {\"Regex\": …} or {\"String\": …}", what);
}

ig_status ig_tok_at_line(const char *name, const ig_tree *t, ig_status status, const ig_error *inner, ig_error *err) {
    return status == IG_OK ? IG_OK : ig_error_at(err, status, name, t->line, "%s", inner->message);
}

static ig_tokenizer_kind kind_of(const ig_tree *root, bool bytes) {
    const ig_tree *model = ig_tree_get(root, "model"), *merges = ig_tree_get(model, "merges");
    const char *type = ig_tree_text(model, "type", "BPE");
    if (!strcmp(type, "WordPiece")) return IG_TOKENIZER_WORDPIECE;
    if (!strcmp(type, "Unigram")) return IG_TOKENIZER_UNIGRAM;
    if (bytes) return IG_TOKENIZER_BPE;
    bool bare = tok_absent(ig_tree_get(root, "normalizer")) && tok_absent(ig_tree_get(root, "pre_tokenizer"));
    return bare && merges && !merges->count ? IG_TOKENIZER_CHAR : IG_TOKENIZER_SPM;
}

ig_status ig_tok_components(const char *name, const ig_tree *root, ig_tokenizer *t, ig_error *err) {
    bool bytes = false;
    const ig_tree *pre = ig_tree_get(root, "pre_tokenizer");
    IG_TRY(ig_tok_read_normalizer(name, ig_tree_get(root, "normalizer"), &t->norm, err));
    IG_TRY(ig_tok_read_pre_tokenizer(name, pre, &t->split, &bytes, err));
    t->kind = kind_of(root, bytes);
    if (bytes && t->kind != IG_TOKENIZER_BPE)
        return ig_error_at(err, IG_E_UNSUPPORTED, name, pre->line, "ByteLevel before another model than BPE is not supported");
    return IG_OK;
}
