/* text/tokenizer_files.c: vocabularies in plain files: GPT-2's encoder.json with vocab.bpe, and BERT's vocab.txt. */
#include <string.h>

#include "text/tokenizer_load.h"

/* ---- GPT-2's files ---- */

/* One merge a line; the first may be "#version: …", empty ones are skipped.  A merge may itself begin with '#'. */
static ig_status read_merge_lines(tok_loader *l, const char *s, size_t n, ig_error *err) {
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

static ig_status load_gpt2(tok_loader *l, const ig_tree *vocab, const ig_buf *merges, ig_error *err) {
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
    IG_TRY(ig_tok_read_tokens(l, vocab, end ? &added : NULL, err));
    IG_TRY(ig_tok_split_add(&l->t->split, NULL, err));
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
        tok_loader l;
        ig_tok_loader_init(&l, encoder_path, t);
        l.merge.name = merges_path;
        status = load_gpt2(&l, ig_doc_root(doc), &merges, err);
        ig_tok_loader_fini(&l);
    }
    if (status == IG_OK)
        *out = t;
    else
        ig_tokenizer_free(t);
    ig_buf_fini(&merges);
    ig_doc_free(doc);
    return status;
}

/* ---- BERT's vocab.txt ---- */

/* How many lines there are; *text (may be NULL) gets where each begins, *len its length without the line's end. */
static size_t cut_lines(const char *s, size_t n, const char **text, size_t *len) {
    size_t count = 0;
    for (size_t at = 0; at < n; count++) {
        const char *end = memchr(s + at, '\n', n - at);
        size_t full = end ? (size_t)(end - s) - at : n - at, bare = full && s[at + full - 1] == '\r' ? full - 1 : full;
        if (text) {
            text[count] = s + at;
            len[count] = bare;
        }
        at += full + 1;
    }
    return count;
}

static int32_t bert_type(const char *s, size_t len) {
    static const char *const special[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (len == strlen(special[i]) && !memcmp(s, special[i], len)) return IG_VOCAB_CONTROL;
    return IG_VOCAB_NORMAL;
}

static ig_status load_bert(const char *path, const ig_buf *file, bool lower_case, ig_tokenizer **out, ig_error *err) {
    size_t count = cut_lines(file->data, file->len, NULL, NULL);
    const char **text = ig_calloc(count + 1, sizeof *text);
    size_t *len = ig_calloc(count + 1, sizeof *len);
    int32_t *type = ig_calloc(count + 1, sizeof *type);
    ig_status status = text && len && type ? IG_OK : ig_error_nomem(err, count * 20);
    if (status == IG_OK) cut_lines(file->data, file->len, text, len);
    for (size_t i = 0; i < count && status == IG_OK; i++) {
        type[i] = bert_type(text[i], len[i]);
        if (!len[i] || !ig_utf8_valid(text[i], len[i]))
            status = ig_error_at(err, IG_E_FORMAT, path, (int)i + 1, "a line of a vocab.txt must be one piece in UTF-8");
    }
    ig_vocab v;
    ig_vocab_init(&v);
    v.name = path;
    v.text = text;
    v.text_len = len;
    v.type = type;
    v.count = count;
    if (status == IG_OK) status = ig_tok_build_bert(&v, lower_case, out, err);
    ig_free(text);
    ig_free(len);
    ig_free(type);
    return status;
}

ig_status ig_tokenizer_load_bert(const char *vocab_path, bool lower_case, ig_tokenizer **out, ig_error *err) {
    ig_buf file = {.max = IG_TOKENIZER_BYTES_MAX};
    ig_tokenizer *t = NULL;
    ig_status status = ig_file_read(vocab_path, IG_TOKENIZER_BYTES_MAX, &file, err);
    if (status == IG_OK) status = load_bert(vocab_path, &file, lower_case, &t, err);
    ig_buf_fini(&file);
    *out = status == IG_OK ? t : NULL;
    if (status != IG_OK) ig_tokenizer_free(t);
    return status;
}
