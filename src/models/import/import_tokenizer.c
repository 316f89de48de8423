/* models/import/import_tokenizer.c: tokenizers in the files of other programs.
 *
 * llama2.c's own:  i32 longest, then for each token f32 score, i32 length, bytes; ▁ is written as a space
 */
#include <string.h>

#include "models/import/import.h"

/* ---- llama2.c ---- */

typedef struct llama2c_vocab {
    const char **text;
    size_t *len;
    float *score;
    int32_t *type;
    size_t count;
    ig_buf bytes;
} llama2c_vocab;

static bool next_token(const ig_map_file *f, size_t *at, float *score, const char **text, int32_t *len) {
    if (f->size - *at < 8) return false;
    memcpy(score, f->data + *at, 4);
    memcpy(len, f->data + *at + 4, 4);
    if (*len < 0 || *len > 65536 || (size_t)*len > f->size - *at - 8) return false;
    *text = (const char *)f->data + *at + 8;
    *at += 8 + (size_t)*len;
    return true;
}

static void append_piece(ig_buf *out, const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (s[i] == ' ') ig_buf_puts(out, "\xe2\x96\x81");
        else ig_buf_putc(out, s[i]);
    }
}

/* The first three are <unk>, BOS and EOS, in every file that llama2.c writes. */
static int32_t type_of(size_t i, const char *s, size_t len) {
    if (i < 3) return i == 0 ? IG_VOCAB_UNKNOWN : IG_VOCAB_CONTROL;
    return len == 6 && memcmp(s, "<0x", 3) == 0 && s[5] == '>' ? IG_VOCAB_BYTE : IG_VOCAB_NORMAL;
}

static ig_status count_tokens(const char *path, const ig_map_file *f, llama2c_vocab *v, ig_error *err) {
    float score;
    const char *s;
    int32_t len;
    size_t at = 4;
    while (f->size > 4 && next_token(f, &at, &score, &s, &len)) v->count++;
    if (v->count >= 3 && at == f->size && v->count <= IG_VOCAB_MAX) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, path, 0, "is no tokenizer of llama2.c: after %zu tokens, at byte %zu, it makes no sense", v->count, at);
}

static ig_status read_tokens(const ig_map_file *f, llama2c_vocab *v, ig_error *err) {
    static const char *const first[] = {"<unk>", "<s>", "</s>"};
    size_t at = 4;
    v->text = ig_calloc(v->count, sizeof *v->text);
    v->len = ig_calloc(v->count, sizeof *v->len);
    v->score = ig_calloc(v->count, sizeof *v->score);
    v->type = ig_calloc(v->count, sizeof *v->type);
    if (!v->text || !v->len || !v->score || !v->type) return ig_error_nomem(err, v->count * 24);
    for (size_t i = 0; i < v->count; i++) {
        const char *s = "";
        int32_t len = 0;
        size_t before = v->bytes.len;
        next_token(f, &at, &v->score[i], &s, &len);
        if (i < 3) ig_buf_puts(&v->bytes, first[i]);
        else append_piece(&v->bytes, s, (size_t)len);
        v->len[i] = v->bytes.len - before;
        v->type[i] = type_of(i, s, (size_t)len);
    }
    IG_TRY(ig_buf_status(&v->bytes, err));
    for (size_t i = 0, start = 0; i < v->count; start += v->len[i++]) v->text[i] = v->bytes.data + start;
    return IG_OK;
}

static ig_status build(const char *path, const llama2c_vocab *l, ig_tokenizer **out, ig_error *err) {
    ig_vocab v;
    ig_vocab_init(&v);
    v.name = path, v.model = "llama";
    v.text = l->text, v.text_len = l->len, v.count = l->count;
    v.score = l->score, v.type = l->type;
    v.unk = 0, v.bos = 1, v.eos = 2;
    return ig_tokenizer_from_vocab(&v, out, err);
}

static ig_status load_llama2c(const char *path, ig_tokenizer **out, ig_error *err) {
    ig_map_file f;
    llama2c_vocab v = {.bytes.max = IG_TOKENIZER_BYTES_MAX};
    IG_TRY(ig_file_map(path, &f, err));
    ig_status s = count_tokens(path, &f, &v, err);
    if (s == IG_OK) s = read_tokens(&f, &v, err);
    if (s == IG_OK) s = build(path, &v, out, err);
    ig_free(v.text), ig_free(v.len), ig_free(v.score), ig_free(v.type);
    ig_buf_fini(&v.bytes);
    ig_file_unmap(&f);
    return s;
}

/* ---- by name ---- */

/* tokenizer_config.json beside a vocab.txt says whether the model is an uncased one; true when nothing is said. */
static bool lower_case(const char *dir) {
    char path[IG_PATH_MAX];
    ig_doc *d = NULL;
    if (ig_path_join(path, sizeof path, dir, "tokenizer_config.json", NULL) != IG_OK || !ig_path_exists(path)) return true;
    bool lower = ig_doc_load(path, IG_RECIPE_BYTES_MAX, &d, NULL) != IG_OK || ig_tree_bool(ig_doc_root(d), "do_lower_case", true);
    ig_doc_free(d);
    return lower;
}

static ig_status load_bert(const char *path, ig_tokenizer **out, ig_error *err) {
    char dir[IG_PATH_MAX];
    snprintf(dir, sizeof dir, "%.*s", (int)(ig_path_base(path) - path), path);
    return ig_tokenizer_load_bert(path, lower_case(dir), out, err);
}

ig_status import_tokenizer_file(const char *path, ig_tokenizer **out, ig_error *err) {
    *out = NULL;
    if (!ig_path_exists(path)) return ig_error_set(err, IG_E_NOT_FOUND, "there is no file %s", path);
    if (import_ends_with(path, ".json")) return ig_tokenizer_load(path, out, err);
    if (import_ends_with(path, ".model")) return ig_tokenizer_load_sentencepiece(path, out, err);
    if (import_ends_with(path, ".txt")) return load_bert(path, out, err);
    if (import_ends_with(path, ".bin")) return load_llama2c(path, out, err);
    return ig_error_at(err, IG_E_UNSUPPORTED, path, 0, "a tokenizer is tokenizer.json, SentencePiece's .model, vocab.txt or llama2.c's .bin");
}

ig_status import_tokenizer_folder(const char *dir, ig_tokenizer **out, ig_error *err) {
    static const char *const names[] = {"tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.txt"};
    char path[IG_PATH_MAX], merges[IG_PATH_MAX];
    *out = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        IG_TRY(ig_path_join(path, sizeof path, dir, names[i], err));
        if (ig_path_exists(path)) return import_tokenizer_file(path, out, err);
    }
    IG_TRY(ig_path_join(path, sizeof path, dir, "vocab.json", err));
    IG_TRY(ig_path_join(merges, sizeof merges, dir, "merges.txt", err));
    return ig_path_exists(path) && ig_path_exists(merges) ? ig_tokenizer_load_gpt2(path, merges, out, err) : IG_OK;
}
