/* text/tokenizer_vocab.c: a tokenizer out of the arrays that a GGUF file, a SentencePiece model or a vocab.txt has.
 *
 *   "gpt2"   BPE: tokens in the byte alphabet, merges, and the name of a pre-tokenizer (vocab_pattern.c)
 *   "llama"  SPM: pieces and scores          "t5"  UNIGRAM: pieces, scores and a charsmap
 *   "bert"   WORDPIECE; GGUF marks the beginning of a word by ▁ instead of its continuation by ##, which is turned back here
 *
 * Control, unknown and unused tokens are special: no text of a user's makes one.  User-defined ones are found in every text.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

void ig_vocab_init(ig_vocab *v) {
    *v = (ig_vocab){.bos = -1, .eos = -1, .unk = -1, .sep = -1, .pad = -1, .cls = -1, .mask = -1};
    v->add_bos = v->add_eos = v->add_space_prefix = v->remove_extra_whitespaces = -1;
}

static const char *name_of(const ig_vocab *v) {
    return v->name ? v->name : "vocabulary";
}

static const char *text_of(const ig_vocab *v, size_t i, size_t *len) {
    *len = v->text_len ? v->text_len[i] : strlen(v->text[i]);
    return v->text[i];
}

static int type_of(const ig_vocab *v, size_t i) {
    return v->type ? v->type[i] : IG_VOCAB_NORMAL;
}

static bool flag_of(int given, bool otherwise) {
    return given < 0 ? otherwise : given != 0;
}

static ig_status check_id(const ig_vocab *v, const char *what, int32_t id, ig_error *err) {
    if (id >= -1 && (id < 0 || (size_t)id < v->count)) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, name_of(v), 0, "the id of %s is %d, but there are %zu tokens", what, (int)id,
                       v->count);
}

static ig_status check(const ig_vocab *v, ig_error *err) {
    const struct {
        const char *what;
        int32_t id;
    } id[] = {{"bos", v->bos}, {"eos", v->eos}, {"unk", v->unk},  {"sep", v->sep},
              {"pad", v->pad}, {"cls", v->cls}, {"mask", v->mask}};
    if (!v->count || !v->text) return ig_error_at(err, IG_E_FORMAT, name_of(v), 0, "the vocabulary is empty");
    if (v->count > IG_VOCAB_MAX || v->merges > IG_VOCAB_MAX * (size_t)2)
        return ig_error_at(err, IG_E_LIMIT, name_of(v), 0,
                           "a vocabulary of %zu tokens and %zu merges is too large (at most %d)", v->count, v->merges,
                           IG_VOCAB_MAX);
    for (size_t i = 0; i < sizeof id / sizeof *id; i++) IG_TRY(check_id(v, id[i].what, id[i].id, err));
    for (size_t i = 0; i < v->count; i++)
        if (type_of(v, i) < IG_VOCAB_NORMAL || type_of(v, i) > IG_VOCAB_BYTE)
            return ig_error_at(err, IG_E_FORMAT, name_of(v), 0, "token %zu has the type %d, which there is not", i,
                               type_of(v, i));
    return IG_OK;
}

/* What has no text that could be looked for is special without being looked for. */
static unsigned added_flag(int type, const char *s, size_t len, unsigned user) {
    bool findable = len && len <= TOK_ADDED_BYTES_MAX && !memchr(s, 0, len);
    if (!findable) return TOK_SPECIAL;
    return type == IG_VOCAB_USER_DEFINED ? user : TOK_ADDED | TOK_SPECIAL;
}

/* ---- pieces: SPM and UNIGRAM ---- */

static ig_status add_piece(const ig_vocab *v, tok_table *table, size_t i, ig_error *err) {
    size_t len;
    const char *s = text_of(v, i, &len);
    int type = type_of(v, i), byte = type == IG_VOCAB_BYTE ? ig_tok_byte_token(s, len) : -1;
    char value = (char)byte, quote[64];
    if (byte >= 0) return ig_tok_add(table, &value, 1, TOK_BYTE, err);
    if (type == IG_VOCAB_BYTE)
        return ig_error_at(err, IG_E_FORMAT, name_of(v), 0, "token %zu, %s, is said to be a byte but is not of the form <0x41>",
                           i, ig_tok_quote(s, len, quote));
    if (type == IG_VOCAB_NORMAL && len) return ig_tok_add(table, s, len, 0, err);
    return ig_tok_add(table, s, len, added_flag(type, s, len, TOK_ADDED | TOK_USER), err);
}

static bool has_all_bytes(const ig_tokenizer *t) {
    for (int b = 0; b < 256; b++)
        if (t->byte_id[b] < 0) return false;
    return true;
}

static ig_status copy_scores(const ig_vocab *v, ig_tokenizer *t, ig_error *err) {
    t->score = ig_realloc_array(NULL, v->count, sizeof *t->score);
    if (!t->score) return ig_error_nomem(err, v->count * sizeof *t->score);
    memcpy(t->score, v->score, v->count * sizeof *t->score);
    return ig_tok_unigram_finish(t, name_of(v), err);
}

/* [BOS] a [EOS], and for two texts the same twice. */
static ig_status bos_eos(const ig_vocab *v, ig_tokenizer *t, bool add_bos, bool add_eos, ig_error *err) {
    int32_t bos = add_bos ? v->bos : -1, eos = add_eos ? v->eos : -1;
    for (int32_t i = 0; i < 2; i++) {
        tok_template *m[] = {i ? NULL : &t->single, &t->pair};
        for (int k = 0; k < 2; k++) {
            if (m[k] && bos >= 0) IG_TRY(ig_tok_template_add(m[k], bos, i, err));
            if (m[k]) IG_TRY(ig_tok_template_add(m[k], i ? TOK_TEXT_B : TOK_TEXT_A, i, err));
            if (m[k] && eos >= 0) IG_TRY(ig_tok_template_add(m[k], eos, i, err));
        }
    }
    return IG_OK;
}

static ig_status fill_pieces(const ig_vocab *v, const tok_spm_rules *rules, ig_tokenizer *t, ig_error *err) {
    for (size_t i = 0; i < v->count; i++) IG_TRY(add_piece(v, &t->table, i, err));
    IG_TRY(ig_tok_finish(t, err));
    t->unk = v->unk;
    t->fuse_unk = true;
    t->byte_fallback = has_all_bytes(t);
    IG_TRY(ig_tok_spm_normalizer(t, rules, err));
    t->decoder = (tok_decoder){.metaspace = rules->escape, .strip_first = rules->add_prefix};
    IG_TRY(bos_eos(v, t, v->add_bos > 0, v->add_eos > 0, err));
    if (!v->score) return ig_error_at(err, IG_E_FORMAT, name_of(v), 0, "the vocabulary has no scores");
    return t->kind == IG_TOKENIZER_SPM ? ig_tok_spm_merges(t, name_of(v), v->score, err) : copy_scores(v, t, err);
}

ig_status ig_tok_build_pieces(const ig_vocab *v, ig_tokenizer_kind kind, const tok_spm_rules *rules, ig_tokenizer **out,
                              ig_error *err) {
    IG_TRY(check(v, err));
    IG_TRY(ig_tok_new(kind, out, err));
    return fill_pieces(v, rules, *out, err);
}

static ig_status from_pieces(const ig_vocab *given, ig_tokenizer_kind kind, ig_tokenizer **out, ig_error *err) {
    ig_vocab v = *given;
    bool t5 = kind == IG_TOKENIZER_UNIGRAM;
    tok_spm_rules rules = {.charsmap = v.charsmap, .charsmap_len = v.charsmap_len, .escape = true};
    rules.add_prefix = flag_of(v.add_space_prefix, true);
    rules.remove_extra = flag_of(v.remove_extra_whitespaces, t5);
    v.add_bos = flag_of(v.add_bos, !t5);
    v.add_eos = flag_of(v.add_eos, t5);
    if (v.bos < 0 && !t5) v.bos = 1;
    if (v.eos < 0) v.eos = t5 ? 1 : 2;
    if (v.unk < 0) v.unk = t5 ? 2 : 0;
    return ig_tok_build_pieces(&v, kind, &rules, out, err);
}

/* ---- WORDPIECE ---- */

/* GGUF's way of marking words is recognised by a first token with ▁. */
static bool marks_words(const ig_vocab *v) {
    for (size_t i = 0, len; i < v->count; i++) {
        const char *s = text_of(v, i, &len);
        if (len > 3 && !memcmp(s, TOK_SPACE, 3)) return true;
        if (len > 2 && !memcmp(s, "##", 2)) return false;
    }
    return false;
}

static ig_status add_word(const ig_vocab *v, tok_table *table, size_t i, bool marked, ig_buf *text, ig_error *err) {
    size_t len;
    const char *s = text_of(v, i, &len);
    if (type_of(v, i) != IG_VOCAB_NORMAL || !len)
        return ig_tok_add(table, s, len, added_flag(type_of(v, i), s, len, TOK_ADDED), err);
    bool whole = !marked || (s[0] == '[' && s[len - 1] == ']'), begins = marked && len > 3 && !memcmp(s, TOK_SPACE, 3);
    ig_buf_clear(text);
    if (!whole && !begins) ig_buf_puts(text, "##");
    ig_buf_append(text, begins ? s + 3 : s, begins ? len - 3 : len);
    IG_TRY(ig_buf_status(text, err));
    return ig_tok_add(table, text->data, text->len, 0, err);
}

ig_status ig_tok_bert_parts(ig_tokenizer *t, bool lower_case, int32_t cls, int32_t sep, ig_error *err) {
    tok_step step = {.kind = TOK_STEP_BERT, .flags = TOK_BERT_CLEAN | TOK_BERT_CHINESE | TOK_BERT_ACCENTS_AUTO};
    if (lower_case) step.flags |= TOK_BERT_LOWER | TOK_BERT_ACCENTS;
    IG_TRY(ig_tok_norm_add(&t->norm, &step, false, err));
    IG_TRY(ig_tok_split_add_bert(&t->split, err));
    t->decoder = (tok_decoder){.wordpiece = true, .cleanup = true};
    const int32_t item[][2] = {{cls, 0}, {TOK_TEXT_A, 0}, {sep, 0}, {TOK_TEXT_B, 1}, {sep, 1}};
    for (size_t i = 0; cls >= 0 && sep >= 0 && i < 5; i++) {
        if (i < 3) IG_TRY(ig_tok_template_add(&t->single, item[i][0], item[i][1], err));
        IG_TRY(ig_tok_template_add(&t->pair, item[i][0], item[i][1], err));
    }
    return IG_OK;
}

static ig_status fill_bert(const ig_vocab *v, bool lower_case, ig_tokenizer *t, ig_error *err) {
    ig_buf text = {.max = IG_TOKENIZER_BYTES_MAX};
    ig_status status = IG_OK;
    bool marked = marks_words(v);
    for (size_t i = 0; i < v->count && status == IG_OK; i++) status = add_word(v, &t->table, i, marked, &text, err);
    ig_buf_fini(&text);
    IG_TRY(status);
    IG_TRY(ig_tok_finish(t, err));
    t->unk = v->unk >= 0 ? v->unk : ig_tok_find_any(t, "[UNK]", 5);
    t->word_chars_max = 100;
    t->prefix = ig_strdup("##");
    if (!t->prefix) return ig_error_nomem(err, 3);
    int32_t cls = v->cls >= 0 ? v->cls : v->bos >= 0 ? v->bos : ig_tok_find_any(t, "[CLS]", 5);
    int32_t sep = v->sep >= 0 ? v->sep : v->eos >= 0 ? v->eos : ig_tok_find_any(t, "[SEP]", 5);
    IG_TRY(ig_tok_bert_parts(t, lower_case, cls, sep, err));
    return ig_tok_wordpiece_finish(t, name_of(v), err);
}

ig_status ig_tok_build_bert(const ig_vocab *v, bool lower_case, ig_tokenizer **out, ig_error *err) {
    IG_TRY(check(v, err));
    IG_TRY(ig_tok_new(IG_TOKENIZER_WORDPIECE, out, err));
    return fill_bert(v, lower_case, *out, err);
}

/* ---- BPE ---- */

static ig_status add_bytes(const ig_vocab *v, tok_table *table, size_t i, ig_buf *bytes, ig_error *err) {
    size_t len;
    const char *s = text_of(v, i, &len);
    ig_buf_clear(bytes);
    bool normal = type_of(v, i) == IG_VOCAB_NORMAL && len && ig_tok_alphabet_bytes(s, len, bytes);
    IG_TRY(ig_buf_status(bytes, err));
    if (normal) return ig_tok_add(table, bytes->data, bytes->len, 0, err);
    return ig_tok_add(table, s, len, added_flag(type_of(v, i), s, len, TOK_ADDED), err);
}

static ig_status fill_bpe(const ig_vocab *v, ig_tokenizer *t, ig_buf *bytes, ig_error *err) {
    for (size_t i = 0; i < v->count; i++) IG_TRY(add_bytes(v, &t->table, i, bytes, err));
    IG_TRY(ig_tok_finish(t, err));
    IG_TRY(ig_tok_vocab_pattern(name_of(v), v->pre ? v->pre : "default", &t->split, &t->ignore_merges, err));
    tok_merge_reader reader = {.name = name_of(v), .t = t, .bytes = {.max = IG_TOKENIZER_BYTES_MAX}};
    ig_status status = IG_OK;
    for (size_t i = 0; i < v->merges && status == IG_OK; i++)
        status = ig_tok_read_merge_text(&reader, v->merge[i], strlen(v->merge[i]), i, 0, err);
    ig_buf_fini(&reader.bytes);
    IG_TRY(status);
    return bos_eos(v, t, flag_of(v->add_bos, t->ignore_merges), flag_of(v->add_eos, false), err);
}

static ig_status from_bpe(const ig_vocab *v, ig_tokenizer **out, ig_error *err) {
    ig_buf bytes = {.max = IG_TOKENIZER_BYTES_MAX};
    IG_TRY(check(v, err));
    if (!v->merge) return ig_error_at(err, IG_E_FORMAT, name_of(v), 0, "the vocabulary has no merges");
    IG_TRY(ig_tok_new(IG_TOKENIZER_BPE, out, err));
    ig_status status = fill_bpe(v, *out, &bytes, err);
    ig_buf_fini(&bytes);
    return status;
}

ig_status ig_tokenizer_from_vocab(const ig_vocab *v, ig_tokenizer **out, ig_error *err) {
    const char *model = v->model ? v->model : "";
    ig_tokenizer *t = NULL;
    ig_status status;
    if (!strcmp(model, "gpt2"))
        status = from_bpe(v, &t, err);
    else if (!strcmp(model, "llama"))
        status = from_pieces(v, IG_TOKENIZER_SPM, &t, err);
    else if (!strcmp(model, "t5"))
        status = from_pieces(v, IG_TOKENIZER_UNIGRAM, &t, err);
    else if (!strcmp(model, "bert"))
        status = ig_tok_build_bert(v, true, &t, err);
    else
        status = ig_error_at(err, IG_E_UNSUPPORTED, name_of(v), 0,
                             "the tokenizer model \"%.60s\" is not supported: gpt2, llama, t5 and bert are", model);
    *out = status == IG_OK ? t : NULL;
    if (status != IG_OK) ig_tokenizer_free(t);
    return status;
}
