/* text/component_normalizer.c: the normalizer of a tokenizer.json as steps.
 *
 * Precompiled replaces the longest rule at each place, as SentencePiece does; Hugging Face's takes user-perceived characters
 * first, which differs only for letters followed by combining marks that have a rule of their own.
 */
#include <string.h>

#include "text/tokenizer_load.h"

static const ig_tree *text_field(const ig_tree *t, const char *key) {
    const ig_tree *text = ig_tree_get(t, key);
    return text && text->type == IG_TREE_TEXT && !memchr(text->text, 0, text->text_len) ? text : NULL;
}

/* The steps only read what they are given and keep copies. */
static char *borrowed(const ig_tree *text) {
    return (char *)(uintptr_t)text->text;
}

static ig_status add(const char *name, const ig_tree *t, tok_norm *norm, const tok_step *step, bool pattern, ig_error *err) {
    ig_error inner = {0};
    return ig_tok_at_line(name, t, ig_tok_norm_add(norm, step, pattern, &inner), &inner, err);
}

static ig_status read_bert(const char *name, const ig_tree *t, tok_norm *norm, ig_error *err) {
    bool clean, chinese, lower, accents;
    const ig_tree *strip = ig_tree_get(t, "strip_accents");
    IG_TRY(ig_tok_flag(name, t, "clean_text", true, &clean, err));
    IG_TRY(ig_tok_flag(name, t, "handle_chinese_chars", true, &chinese, err));
    IG_TRY(ig_tok_flag(name, t, "lowercase", true, &lower, err));
    IG_TRY(ig_tok_flag(name, t, "strip_accents", lower, &accents, err));
    tok_step step = {.kind = TOK_STEP_BERT};
    step.flags = (clean ? TOK_BERT_CLEAN : 0u) | (chinese ? TOK_BERT_CHINESE : 0u) | (lower ? TOK_BERT_LOWER : 0u) |
                 (accents ? TOK_BERT_ACCENTS : 0u) | (tok_absent(strip) ? TOK_BERT_ACCENTS_AUTO : 0u);
    return add(name, t, norm, &step, false, err);
}

static ig_status read_replace(const char *name, const ig_tree *t, tok_norm *norm, ig_error *err) {
    const ig_tree *from, *to = text_field(t, "content");
    bool regex;
    IG_TRY(ig_tok_pattern(name, t, "normalizer Replace", &from, &regex, err));
    if (!to) return ig_error_at(err, IG_E_FORMAT, name, t->line, "the normalizer Replace needs its content");
    tok_step step = {.kind = TOK_STEP_REPLACE, .from = borrowed(from), .from_len = from->text_len};
    step.to = borrowed(to);
    step.to_len = to->text_len;
    return add(name, t, norm, &step, regex, err);
}

static ig_status read_prepend(const char *name, const ig_tree *t, tok_norm *norm, ig_error *err) {
    const ig_tree *text = text_field(t, "prepend");
    if (!text) return ig_error_at(err, IG_E_FORMAT, name, t->line, "the normalizer Prepend needs its text");
    tok_step step = {.kind = TOK_STEP_PREPEND, .to = borrowed(text), .to_len = text->text_len};
    return add(name, t, norm, &step, false, err);
}

static ig_status read_strip(const char *name, const ig_tree *t, tok_norm *norm, ig_error *err) {
    bool left, right;
    IG_TRY(ig_tok_flag(name, t, "strip_left", true, &left, err));
    IG_TRY(ig_tok_flag(name, t, "strip_right", true, &right, err));
    tok_step step = {.kind = TOK_STEP_STRIP, .flags = (left ? TOK_LEFT : 0u) | (right ? TOK_RIGHT : 0u)};
    return add(name, t, norm, &step, false, err);
}

static ig_status read_precompiled(const char *name, const ig_tree *t, tok_norm *norm, ig_error *err) {
    const ig_tree *text = text_field(t, "precompiled_charsmap");
    ig_buf map = {.max = IG_TOKENIZER_BYTES_MAX};
    bool good = text && ig_tok_base64_decode(text->text, text->text_len, &map);
    ig_status status = ig_buf_status(&map, err);
    tok_step step = {.kind = TOK_STEP_CHARSMAP, .map = (uint8_t *)map.data, .map_len = map.len};
    if (status == IG_OK && (!good || !map.len))
        status = ig_error_at(err, IG_E_FORMAT, name, t->line, "the precompiled_charsmap is not base64");
    if (status == IG_OK) status = add(name, t, norm, &step, false, err);
    ig_buf_fini(&map);
    return status;
}

static ig_status read_sequence(const char *name, const ig_tree *t, tok_norm *norm, ig_error *err) {
    const ig_tree *list = ig_tree_get(t, "normalizers");
    if (!list || list->type != IG_TREE_LIST)
        return ig_error_at(err, IG_E_FORMAT, name, t->line, "a Sequence needs a list of normalizers");
    for (const ig_tree *s = list->child; s; s = s->next) IG_TRY(ig_tok_read_normalizer(name, s, norm, err));
    return IG_OK;
}

ig_status ig_tok_read_normalizer(const char *name, const ig_tree *t, tok_norm *norm, ig_error *err) {
    static const struct {
        const char *type;
        tok_step_kind kind;
    } simple[] = {{"NFC", TOK_STEP_NFC}, {"NFD", TOK_STEP_NFD}, {"NFKC", TOK_STEP_NFKC}, {"NFKD", TOK_STEP_NFKD},
                  {"Nmt", TOK_STEP_NMT}, {"Lowercase", TOK_STEP_LOWERCASE}, {"StripAccents", TOK_STEP_STRIP_ACCENTS}};
    static const struct {
        const char *type;
        ig_status (*read)(const char *, const ig_tree *, tok_norm *, ig_error *);
    } reader[] = {{"BertNormalizer", read_bert}, {"Replace", read_replace}, {"Prepend", read_prepend},
                  {"Strip", read_strip}, {"Precompiled", read_precompiled}, {"Sequence", read_sequence}};
    if (tok_absent(t)) return IG_OK;
    const char *type = tok_type_of(t);
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (!strcmp(type, simple[i].type)) return add(name, t, norm, &(tok_step){.kind = simple[i].kind}, false, err);
    for (size_t i = 0; i < sizeof reader / sizeof *reader; i++)
        if (!strcmp(type, reader[i].type)) return reader[i].read(name, t, norm, err);
    return ig_tok_unsupported(name, t, "normalizer", err);
}
