/* text/component_decoder.c: the decoder of a tokenizer.json: is it what our decoding does, and with which of its switches?
 *
 * A decoder that is a Sequence is taken apart: Replace of ▁ by a space and Strip of one space in front are what Metaspace
 * does in one; ByteFallback and Fuse are always done.
 */
#include <string.h>

#include "text/tokenizer_load.h"

static ig_status read_metaspace(const char *name, const ig_tree *t, tok_decoder *d, ig_error *err) {
    bool prefix;
    IG_TRY(ig_tok_flag(name, t, "add_prefix_space", true, &prefix, err));
    if (strcmp(ig_tree_text(t, "replacement", TOK_SPACE), TOK_SPACE)) return ig_tok_unsupported(name, t, "decoder", err);
    d->metaspace = true;
    d->strip_first = strcmp(ig_tree_text(t, "prepend_scheme", prefix ? "always" : "never"), "never") != 0;
    return IG_OK;
}

static ig_status read_replace(const char *name, const ig_tree *t, tok_decoder *d, ig_error *err) {
    const ig_tree *from;
    bool regex;
    IG_TRY(ig_tok_pattern(name, t, "decoder Replace", &from, &regex, err));
    if (strcmp(from->text, TOK_SPACE) || strcmp(ig_tree_text(t, "content", ""), " "))
        return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line,
                           "the decoder Replace is supported for U+2581 and a space only");
    d->metaspace = true;
    return IG_OK;
}

static ig_status read_strip(const char *name, const ig_tree *t, tok_decoder *d, ig_error *err) {
    if (strcmp(ig_tree_text(t, "content", ""), " ") || ig_tree_int(t, "start", -1) != 1 || ig_tree_int(t, "stop", -1) != 0)
        return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line, "the decoder Strip is supported for one space in front only");
    d->strip_first = true;
    return IG_OK;
}

static ig_status read_pieces(const char *name, const ig_tree *t, tok_decoder *d, ig_error *err) {
    const char *type = tok_type_of(t);
    if (!strcmp(type, "ByteFallback") || !strcmp(type, "Fuse")) return IG_OK;
    if (!strcmp(type, "Metaspace")) return read_metaspace(name, t, d, err);
    if (!strcmp(type, "Replace")) return read_replace(name, t, d, err);
    if (!strcmp(type, "Strip")) return read_strip(name, t, d, err);
    if (strcmp(type, "Sequence")) return ig_tok_unsupported(name, t, "decoder", err);
    const ig_tree *list = ig_tree_get(t, "decoders");
    for (const ig_tree *s = list && list->type == IG_TREE_LIST ? list->child : NULL; s; s = s->next) {
        if (!strcmp(tok_type_of(s), "Sequence")) return ig_tok_unsupported(name, s, "decoder", err);
        IG_TRY(read_pieces(name, s, d, err));
    }
    return IG_OK;
}

static ig_status read_bytes(const char *name, const ig_tree *root, const ig_tree *t, ig_error *err) {
    if (!tok_absent(t) && !strcmp(tok_type_of(t), "ByteLevel")) return IG_OK;
    return tok_absent(t) ? ig_error_at(err, IG_E_UNSUPPORTED, name, root->line,
                                       "a byte-level model without the decoder ByteLevel is not supported")
                         : ig_tok_unsupported(name, t, "decoder", err);
}

static ig_status read_wordpiece(const char *name, const ig_tree *t, ig_tokenizer *tok, ig_error *err) {
    if (strcmp(tok_type_of(t), "WordPiece")) return ig_tok_unsupported(name, t, "decoder", err);
    if (strcmp(ig_tree_text(t, "prefix", "##"), tok->prefix))
        return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line, "the decoder's prefix is another one than the model's");
    tok->decoder.wordpiece = true;
    return ig_tok_flag(name, t, "cleanup", true, &tok->decoder.cleanup, err);
}

ig_status ig_tok_read_decoder(const char *name, const ig_tree *root, ig_tokenizer *t, ig_error *err) {
    const ig_tree *tree = ig_tree_get(root, "decoder");
    if (tok_on_bytes(t)) return read_bytes(name, root, tree, err);
    if (tok_absent(tree) && t->kind == IG_TOKENIZER_CHAR) return IG_OK;
    if (tok_absent(tree))
        return ig_error_at(err, IG_E_UNSUPPORTED, name, root->line, "a model of pieces without a decoder is not supported");
    if (t->kind == IG_TOKENIZER_WORDPIECE) return read_wordpiece(name, tree, t, err);
    return read_pieces(name, tree, &t->decoder, err);
}
