/* text/tokenizer_components.c: the parts of a tokenizer.json around its model.
 *
 * A part that would change the ids or the text and is not implemented is refused with its name and line: a file is either
 * understood or not loaded.  ByteLevel as post-processor only moves offsets, which Ingot does not give, and is accepted.
 */
#include <string.h>

#include "text/tokenizer_load.h"

static const char *type_of(const ig_tree *t) {
    return ig_tree_text(t, "type", "");
}

static ig_status unsupported(const char *name, const ig_tree *t, const char *what, ig_error *err) {
    const char *type = type_of(t);
    return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line, "the %s \"%.60s\" is not supported", what,
                       *type ? type : ig_tree_type_name(t->type));
}

static bool absent(const ig_tree *t) {
    return !t || t->type == IG_TREE_NULL;
}

static ig_status must_be_absent(const char *name, const ig_tree *root, const char *key, ig_error *err) {
    const ig_tree *t = ig_tree_get(root, key);
    return absent(t) ? IG_OK : unsupported(name, t, key, err);
}

/* The value of a boolean field, or the default; another type is an error. */
static ig_status flag(const char *name, const ig_tree *map, const char *key, bool otherwise, bool *out, ig_error *err) {
    const ig_tree *t = ig_tree_get(map, key);
    *out = otherwise;
    if (absent(t)) return IG_OK;
    if (t->type != IG_TREE_BOOL)
        return ig_error_at(err, IG_E_FORMAT, name, t->line, "\"%s\" must be true or false, not %s", key,
                           ig_tree_type_name(t->type));
    *out = t->boolean;
    return IG_OK;
}

/* Add a stage; errors of the pattern get the file and line. */
static ig_status add_stage(const char *name, const ig_tree *t, tok_split *split, const char *pattern, ig_error *err) {
    ig_error inner = {0};
    ig_status status = ig_tok_split_add(split, pattern, &inner);
    return status == IG_OK ? IG_OK : ig_error_at(err, status, name, t->line, "%s", inner.message);
}

static ig_status read_byte_level(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    bool prefix, regex;
    IG_TRY(flag(name, t, "add_prefix_space", true, &prefix, err));
    IG_TRY(flag(name, t, "use_regex", true, &regex, err));
    if (prefix)
        return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line,
                           "the pre-tokenizer ByteLevel with add_prefix_space is not supported");
    return regex ? add_stage(name, t, split, NULL, err) : IG_OK;
}

static ig_status read_split(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    const ig_tree *pattern = ig_tree_get(t, "pattern");
    const ig_tree *text = ig_tree_get(pattern, "Regex");
    const char *regex = text && text->type == IG_TREE_TEXT && strlen(text->text) == text->text_len ? text->text : NULL;
    bool invert;
    IG_TRY(flag(name, t, "invert", false, &invert, err));
    if (!regex)
        return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line,
                           "the pre-tokenizer Split needs a pattern of the form {\"Regex\": …}");
    if (invert || strcmp(ig_tree_text(t, "behavior", ""), "Isolated"))
        return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line,
                           "the pre-tokenizer Split is supported with behavior Isolated, not inverted");
    return add_stage(name, t, split, regex, err);
}

static ig_status read_digits(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    bool single;
    IG_TRY(flag(name, t, "individual_digits", false, &single, err));
    return add_stage(name, t, split, single ? "\\p{N}" : "\\p{N}+", err);
}

/* ByteLevel must come last and once: after it, text is the byte alphabet. */
static ig_status read_sequence(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    const ig_tree *list = ig_tree_get(t, "pretokenizers");
    bool bytes = false;
    for (const ig_tree *s = list && list->type == IG_TREE_LIST ? list->child : NULL; s; s = s->next) {
        if (bytes) return ig_error_at(err, IG_E_UNSUPPORTED, name, s->line, "a pre-tokenizer after ByteLevel is not supported");
        bytes = !strcmp(type_of(s), "ByteLevel");
        if (bytes)
            IG_TRY(read_byte_level(name, s, split, err));
        else if (!strcmp(type_of(s), "Split"))
            IG_TRY(read_split(name, s, split, err));
        else if (!strcmp(type_of(s), "Digits"))
            IG_TRY(read_digits(name, s, split, err));
        else
            return unsupported(name, s, "pre-tokenizer", err);
    }
    return bytes ? IG_OK
                 : ig_error_at(err, IG_E_UNSUPPORTED, name, t->line,
                               "a sequence of pre-tokenizers without ByteLevel is not supported");
}

static ig_status read_pre_tokenizer(const char *name, const ig_tree *root, ig_tokenizer_kind *kind, tok_split *split,
                                    ig_error *err) {
    const ig_tree *t = ig_tree_get(root, "pre_tokenizer");
    *kind = absent(t) ? IG_TOKENIZER_CHAR : IG_TOKENIZER_BPE;
    if (absent(t)) return IG_OK;
    if (!strcmp(type_of(t), "ByteLevel")) return read_byte_level(name, t, split, err);
    if (!strcmp(type_of(t), "Sequence")) return read_sequence(name, t, split, err);
    return unsupported(name, t, "pre-tokenizer", err);
}

/* What our decoding does, in HF's words: the decoders of a sequence, each allowed once, in this order. */
static ig_status read_decoder(const char *name, const ig_tree *root, ig_tokenizer_kind kind, ig_error *err) {
    const ig_tree *t = ig_tree_get(root, "decoder");
    if (kind == IG_TOKENIZER_BPE) {
        if (!absent(t) && !strcmp(type_of(t), "ByteLevel")) return IG_OK;
        return absent(t) ? ig_error_at(err, IG_E_UNSUPPORTED, name, root->line,
                                       "a byte-level model without the decoder ByteLevel is not supported")
                         : unsupported(name, t, "decoder", err);
    }
    if (absent(t) || !strcmp(type_of(t), "Fuse") || !strcmp(type_of(t), "ByteFallback")) return IG_OK;
    if (strcmp(type_of(t), "Sequence")) return unsupported(name, t, "decoder", err);
    const ig_tree *list = ig_tree_get(t, "decoders");
    for (const ig_tree *d = list && list->type == IG_TREE_LIST ? list->child : NULL; d; d = d->next)
        if (strcmp(type_of(d), "ByteFallback") && strcmp(type_of(d), "Fuse")) return unsupported(name, d, "decoder", err);
    return IG_OK;
}

static ig_status read_post_processor(const char *name, const ig_tree *root, ig_error *err) {
    const ig_tree *t = ig_tree_get(root, "post_processor");
    return absent(t) || !strcmp(type_of(t), "ByteLevel") ? IG_OK : unsupported(name, t, "post-processor", err);
}

ig_status ig_tok_components(const char *name, const ig_tree *root, ig_tokenizer_kind *kind, tok_split *split, ig_error *err) {
    IG_TRY(must_be_absent(name, root, "normalizer", err));
    IG_TRY(must_be_absent(name, root, "truncation", err));
    IG_TRY(must_be_absent(name, root, "padding", err));
    IG_TRY(read_post_processor(name, root, err));
    IG_TRY(read_pre_tokenizer(name, root, kind, split, err));
    return read_decoder(name, root, *kind, err);
}
