/* text/component_pre_tokenizer.c: the pre_tokenizer of a tokenizer.json as stages that cut text into words. */
#include <string.h>

#include "text/tokenizer_load.h"

/* \w of the patterns of Rust: letters, marks, decimal digits, connectors, joiners. */
#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200c}\\x{200d}"

static ig_status add(const char *name, const ig_tree *t, tok_split *split, const tok_stage *stage, ig_error *err) {
    ig_error inner = {0};
    return ig_tok_at_line(name, t, ig_tok_split_add_stage(split, stage, &inner), &inner, err);
}

static ig_status add_gpt2(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    ig_error inner = {0};
    return ig_tok_at_line(name, t, ig_tok_split_add(split, NULL, &inner), &inner, err);
}

static ig_status read_byte_level(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    bool prefix, regex;
    IG_TRY(ig_tok_flag(name, t, "add_prefix_space", true, &prefix, err));
    IG_TRY(ig_tok_flag(name, t, "use_regex", true, &regex, err));
    if (prefix) IG_TRY(add(name, t, split, &(tok_stage){.kind = TOK_STAGE_SPACE_BEFORE}, err));
    return regex ? add_gpt2(name, t, split, err) : IG_OK;
}

static ig_status read_behavior(const char *name, const ig_tree *t, const char *otherwise, tok_cut *cut, ig_error *err) {
    static const char *const behavior[] = {"Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
    const char *given = ig_tree_text(t, "behavior", otherwise);
    for (size_t i = 0; i < sizeof behavior / sizeof *behavior; i++) {
        if (strcmp(given, behavior[i])) continue;
        *cut = (tok_cut)i;
        return IG_OK;
    }
    return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line,
                       "the behavior \"%.40s\" is not supported: Isolated, Removed, MergedWithPrevious, MergedWithNext and "
                       "Contiguous are",
                       given);
}

static ig_status read_split(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    const ig_tree *text;
    bool regex;
    tok_stage stage = {0};
    IG_TRY(ig_tok_flag(name, t, "invert", false, &stage.invert, err));
    IG_TRY(ig_tok_pattern(name, t, "pre-tokenizer Split", &text, &regex, err));
    IG_TRY(read_behavior(name, t, "", &stage.cut, err));
    ig_buf quoted = {.max = IG_TOKENIZER_BYTES_MAX};
    if (!regex) ig_tok_pattern_quote(text->text, text->text_len, &quoted);
    ig_status status = ig_buf_status(&quoted, err);
    stage.source = regex || !quoted.data ? text->text : quoted.data;
    if (status == IG_OK) status = add(name, t, split, &stage, err);
    ig_buf_fini(&quoted);
    return status;
}

static ig_status read_digits(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    bool single;
    IG_TRY(ig_tok_flag(name, t, "individual_digits", false, &single, err));
    return add(name, t, split, &(tok_stage){.source = single ? "\\p{N}" : "\\p{N}+"}, err);
}

static ig_status read_punctuation(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    tok_stage stage = {.source = "[\\p{P}$+<=>^`|~]"};
    IG_TRY(read_behavior(name, t, "Isolated", &stage.cut, err));
    return add(name, t, split, &stage, err);
}

static ig_status read_whitespace(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    tok_stage stage = {.name = "Whitespace", .source = "[" WORD "]+|[^" WORD "\\s]+", .cut = TOK_CUT_REMOVED, .invert = true};
    return add(name, t, split, &stage, err);
}

static ig_status read_whitespace_split(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    return add(name, t, split, &(tok_stage){.name = "WhitespaceSplit", .source = "\\s+", .cut = TOK_CUT_REMOVED}, err);
}

static ig_status read_bert(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    ig_error inner = {0};
    return ig_tok_at_line(name, t, ig_tok_split_add_bert(split, &inner), &inner, err);
}

/* Old files have add_prefix_space instead of prepend_scheme. */
static ig_status read_metaspace(const char *name, const ig_tree *t, tok_split *split, ig_error *err) {
    bool prefix, cut;
    IG_TRY(ig_tok_flag(name, t, "add_prefix_space", true, &prefix, err));
    IG_TRY(ig_tok_flag(name, t, "split", true, &cut, err));
    const char *scheme = ig_tree_text(t, "prepend_scheme", prefix ? "always" : "never");
    tok_stage stage = {.kind = TOK_STAGE_METASPACE, .name = "Metaspace", .source = cut ? TOK_SPACE : NULL, .cut = TOK_CUT_NEXT};
    if (strcmp(ig_tree_text(t, "replacement", TOK_SPACE), TOK_SPACE))
        return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line,
                           "Metaspace with another replacement than U+2581 is not supported");
    if (!strcmp(scheme, "first"))
        stage.prepend = TOK_PREPEND_FIRST;
    else if (!strcmp(scheme, "never"))
        stage.prepend = TOK_PREPEND_NEVER;
    else if (strcmp(scheme, "always"))
        return ig_error_at(err, IG_E_FORMAT, name, t->line, "the prepend_scheme \"%.40s\" must be always, first or never",
                           scheme);
    return add(name, t, split, &stage, err);
}

/* ByteLevel must come last and once: after it, text is the byte alphabet. */
static ig_status read_sequence(const char *name, const ig_tree *t, tok_split *split, bool *bytes, ig_error *err) {
    const ig_tree *list = ig_tree_get(t, "pretokenizers");
    if (!list || list->type != IG_TREE_LIST)
        return ig_error_at(err, IG_E_FORMAT, name, t->line, "a Sequence needs a list of pretokenizers");
    for (const ig_tree *s = list->child; s; s = s->next) {
        if (*bytes)
            return ig_error_at(err, IG_E_UNSUPPORTED, name, s->line, "a pre-tokenizer after ByteLevel is not supported");
        IG_TRY(ig_tok_read_pre_tokenizer(name, s, split, bytes, err));
    }
    return IG_OK;
}

ig_status ig_tok_read_pre_tokenizer(const char *name, const ig_tree *t, tok_split *split, bool *bytes, ig_error *err) {
    static const struct {
        const char *type;
        ig_status (*read)(const char *, const ig_tree *, tok_split *, ig_error *);
    } reader[] = {{"ByteLevel", read_byte_level},  {"Split", read_split},
                  {"Digits", read_digits},         {"Punctuation", read_punctuation},
                  {"Whitespace", read_whitespace}, {"WhitespaceSplit", read_whitespace_split},
                  {"BertPreTokenizer", read_bert}, {"Metaspace", read_metaspace}};
    if (tok_absent(t)) return IG_OK;
    const char *type = tok_type_of(t);
    if (!strcmp(type, "Sequence")) return read_sequence(name, t, split, bytes, err);
    for (size_t i = 0; i < sizeof reader / sizeof *reader; i++) {
        if (strcmp(type, reader[i].type)) continue;
        *bytes = i == 0;
        return reader[i].read(name, t, split, err);
    }
    return ig_tok_unsupported(name, t, "pre-tokenizer", err);
}
