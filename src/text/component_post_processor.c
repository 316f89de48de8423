/* text/component_post_processor.c: the post_processor of a tokenizer.json as templates for one and for two texts.
 *
 * ByteLevel as post-processor only moves offsets, which Ingot does not give, and is accepted.
 */
#include <string.h>

#include "text/tokenizer_load.h"

static ig_status check_id(const char *name, const ig_tree *t, int64_t id, const ig_tokenizer *tok, ig_error *err) {
    if (id >= 0 && (uint64_t)id < tok->table.count) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, name, t->line, "the post-processor's token id %lld is not one of the %zu tokens",
                       (long long)id, tok->table.count);
}

static ig_status check_type(const char *name, const ig_tree *t, int64_t type, ig_error *err) {
    if (type >= 0 && type <= 255) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, name, t->line, "the type_id %lld must be 0 to 255", (long long)type);
}

/* ["[SEP]", 102] */
static ig_status read_named(const char *name, const ig_tree *t, const char *key, const ig_tokenizer *tok, int32_t *id,
                            ig_error *err) {
    const ig_tree *pair = ig_tree_get(t, key),
                  *value = pair && pair->type == IG_TREE_LIST && pair->count == 2 ? pair->child->next : NULL;
    if (!value || value->type != IG_TREE_INT)
        return ig_error_at(err, IG_E_FORMAT, name, t->line, "the post-processor needs \"%s\": [text, id]", key);
    IG_TRY(check_id(name, value, value->integer, tok, err));
    *id = (int32_t)value->integer;
    return IG_OK;
}

/* [CLS] A [SEP] B [SEP] with types 0 and 1; RoBERTa has two [SEP] between the texts and type 0 throughout. */
static ig_status read_fixed(const char *name, const ig_tree *t, bool roberta, ig_tokenizer *tok, ig_error *err) {
    int32_t cls = 0, sep = 0, other = roberta ? 0 : 1;
    IG_TRY(read_named(name, t, "cls", tok, &cls, err));
    IG_TRY(read_named(name, t, "sep", tok, &sep, err));
    for (int i = 0; i < 2; i++) {
        tok_template *m = i ? &tok->pair : &tok->single;
        IG_TRY(ig_tok_template_add(m, cls, 0, err));
        IG_TRY(ig_tok_template_add(m, TOK_TEXT_A, 0, err));
        IG_TRY(ig_tok_template_add(m, sep, 0, err));
    }
    if (roberta) IG_TRY(ig_tok_template_add(&tok->pair, sep, 0, err));
    IG_TRY(ig_tok_template_add(&tok->pair, TOK_TEXT_B, other, err));
    return ig_tok_template_add(&tok->pair, sep, other, err);
}

static ig_status add(const char *name, const ig_tree *t, tok_template *m, int64_t id, int64_t type, ig_error *err) {
    ig_error inner = {0};
    IG_TRY(check_type(name, t, type, err));
    return ig_tok_at_line(name, t, ig_tok_template_add(m, (int32_t)id, (int32_t)type, &inner), &inner, err);
}

/* {"SpecialToken": {"id": "[CLS]", "type_id": 0}}: all ids that special_tokens gives for it. */
static ig_status read_special(const char *name, const ig_tree *item, const ig_tree *specials, const ig_tokenizer *tok,
                              tok_template *m, ig_error *err) {
    const char *text = ig_tree_text(item, "id", "");
    const ig_tree *ids = ig_tree_get(ig_tree_get(specials, text), "ids");
    if (!ids || ids->type != IG_TREE_LIST)
        return ig_error_at(err, IG_E_FORMAT, name, item->line, "the template's token \"%.60s\" is not among its special_tokens",
                           text);
    for (const ig_tree *id = ids->child; id; id = id->next) {
        IG_TRY(check_id(name, id, id->type == IG_TREE_INT ? id->integer : -1, tok, err));
        IG_TRY(add(name, item, m, id->integer, ig_tree_int(item, "type_id", 0), err));
    }
    return IG_OK;
}

static ig_status read_item(const char *name, const ig_tree *t, const ig_tree *specials, const ig_tokenizer *tok,
                           tok_template *m, ig_error *err) {
    const ig_tree *special = ig_tree_get(t, "SpecialToken"), *text = ig_tree_get(t, "Sequence");
    if (special) return read_special(name, special, specials, tok, m, err);
    const char *id = ig_tree_text(text, "id", "");
    if (strcmp(id, "A") && strcmp(id, "B"))
        return ig_error_at(err, IG_E_FORMAT, name, t->line,
                           "an item of a template must be a SpecialToken or the Sequence A or B");
    return add(name, text, m, *id == 'A' ? TOK_TEXT_A : TOK_TEXT_B, ig_tree_int(text, "type_id", 0), err);
}

static ig_status read_list(const char *name, const ig_tree *t, const char *key, const ig_tokenizer *tok, tok_template *m,
                           ig_error *err) {
    const ig_tree *list = ig_tree_get(t, key);
    if (!list || list->type != IG_TREE_LIST)
        return ig_error_at(err, IG_E_FORMAT, name, t->line, "a TemplateProcessing needs the list \"%s\"", key);
    for (const ig_tree *item = list->child; item; item = item->next)
        IG_TRY(read_item(name, item, ig_tree_get(t, "special_tokens"), tok, m, err));
    return IG_OK;
}

static ig_status read_one(const char *name, const ig_tree *t, ig_tokenizer *tok, ig_error *err) {
    const char *type = tok_type_of(t);
    if (!strcmp(type, "ByteLevel")) return IG_OK;
    if (tok->single.count)
        return ig_error_at(err, IG_E_UNSUPPORTED, name, t->line, "a second post-processor that adds tokens is not supported");
    if (!strcmp(type, "BertProcessing")) return read_fixed(name, t, false, tok, err);
    if (!strcmp(type, "RobertaProcessing")) return read_fixed(name, t, true, tok, err);
    if (strcmp(type, "TemplateProcessing")) return ig_tok_unsupported(name, t, "post-processor", err);
    IG_TRY(read_list(name, t, "single", tok, &tok->single, err));
    return read_list(name, t, "pair", tok, &tok->pair, err);
}

ig_status ig_tok_read_post_processor(const char *name, const ig_tree *root, ig_tokenizer *t, ig_error *err) {
    const ig_tree *tree = ig_tree_get(root, "post_processor");
    if (tok_absent(tree)) return IG_OK;
    if (strcmp(tok_type_of(tree), "Sequence")) return read_one(name, tree, t, err);
    const ig_tree *list = ig_tree_get(tree, "processors");
    for (const ig_tree *p = list && list->type == IG_TREE_LIST ? list->child : NULL; p; p = p->next)
        IG_TRY(read_one(name, p, t, err));
    return IG_OK;
}
