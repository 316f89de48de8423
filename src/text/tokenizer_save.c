/* text/tokenizer_save.c: tokenizer.json, in the form that the Hugging Face tokenizers read.
 *
 * BPE        model BPE over ByteLevel; where the file had patterns of its own, Split and ByteLevel in a Sequence.
 * CHAR       model BPE without merges and without pre-tokenizer, so that every character is a token; byte_fallback and the
 *            decoder ByteFallback where there are byte tokens.
 * SPM        model BPE over characters, its merges in order of the scores.  Pieces of equal score, which SentencePiece takes
 *            from the left, are written in order of their ids.
 * WORDPIECE, UNIGRAM: the models of these names.
 */
#include "text/tokenizer_save.h"

static void put_added(ig_json *j, const ig_tokenizer *t) {
    ig_json_key(j, "added_tokens");
    ig_json_open(j, '[');
    for (size_t id = 0; id < t->table.count; id++) {
        if (!(t->table.flag[id] & TOK_ADDED)) continue;
        size_t len;
        const char *s = tok_bytes(&t->table, id, &len);
        ig_json_open(j, '{');
        ig_json_key(j, "id");
        ig_json_int(j, (int64_t)id);
        ig_json_key(j, "content");
        ig_json_text_n(j, s, len);
        put_bool(j, "single_word", false);
        put_bool(j, "lstrip", t->table.flag[id] & TOK_LSTRIP);
        put_bool(j, "rstrip", t->table.flag[id] & TOK_RSTRIP);
        put_bool(j, "normalized", t->table.flag[id] & TOK_USER);
        put_bool(j, "special", t->table.flag[id] & TOK_SPECIAL);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

static ig_status put_vocab(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    ig_buf text = {.max = IG_TOKENIZER_BYTES_MAX};
    ig_json_key(j, "vocab");
    ig_json_open(j, '{');
    for (size_t id = 0; id < t->table.count && text.status == IG_OK; id++) {
        ig_buf_clear(&text);
        ig_tok_json_text(t, id, &text);
        if (text.status != IG_OK) break;
        ig_json_key(j, text.data);
        ig_json_int(j, (int64_t)id);
    }
    ig_json_close(j, '}');
    ig_status status = ig_buf_status(&text, err);
    ig_buf_fini(&text);
    return status;
}

static ig_status put_merges(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    ig_buf text = {.max = IG_TOKENIZER_BYTES_MAX};
    ig_json_key(j, "merges");
    ig_json_open(j, '[');
    for (size_t i = 0; i < t->merges && text.status == IG_OK; i++) {
        ig_buf_clear(&text);
        ig_tok_json_text(t, (size_t)t->merge[i].left, &text);
        ig_buf_putc(&text, ' ');
        ig_tok_json_text(t, (size_t)t->merge[i].right, &text);
        if (text.status == IG_OK) ig_json_text_n(j, text.data, text.len);
    }
    ig_json_close(j, ']');
    ig_status status = ig_buf_status(&text, err);
    ig_buf_fini(&text);
    return status;
}

/* UNIGRAM: [piece, score] in id order. */
static ig_status put_scored(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    ig_buf text = {.max = IG_TOKENIZER_BYTES_MAX};
    ig_json_key(j, "vocab");
    ig_json_open(j, '[');
    for (size_t id = 0; id < t->table.count; id++) {
        ig_buf_clear(&text);
        ig_tok_json_text(t, id, &text);
        if (text.status != IG_OK) break;
        ig_json_open(j, '[');
        ig_json_text_n(j, text.data, text.len);
        ig_json_real(j, (double)t->score[id]);
        ig_json_close(j, ']');
    }
    ig_json_close(j, ']');
    ig_status status = ig_buf_status(&text, err);
    ig_buf_fini(&text);
    return status;
}

static ig_status put_unk(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    ig_buf text = {.max = IG_TOKENIZER_BYTES_MAX};
    ig_json_key(j, "unk_token");
    if (t->unk < 0) {
        ig_json_null(j);
        return IG_OK;
    }
    ig_tok_json_text(t, (size_t)t->unk, &text);
    if (text.status == IG_OK) ig_json_text_n(j, text.data, text.len);
    ig_status status = ig_buf_status(&text, err);
    ig_buf_fini(&text);
    return status;
}

static ig_status put_unigram(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    put_text(j, "type", "Unigram");
    if (t->unk < 0)
        put_null(j, "unk_id");
    else
        put_int(j, "unk_id", t->unk);
    put_bool(j, "byte_fallback", t->byte_fallback);
    return put_scored(j, t, err);
}

static ig_status put_wordpiece(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    put_text(j, "type", "WordPiece");
    IG_TRY(put_unk(j, t, err));
    put_text(j, "continuing_subword_prefix", t->prefix);
    put_int(j, "max_input_chars_per_word", (int64_t)t->word_chars_max);
    return put_vocab(j, t, err);
}

static ig_status put_bpe(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    put_text(j, "type", "BPE");
    put_null(j, "dropout");
    IG_TRY(put_unk(j, t, err));
    put_null(j, "continuing_subword_prefix");
    put_null(j, "end_of_word_suffix");
    put_bool(j, "fuse_unk", t->fuse_unk);
    put_bool(j, "byte_fallback", t->byte_fallback);
    put_bool(j, "ignore_merges", t->ignore_merges);
    IG_TRY(put_vocab(j, t, err));
    return put_merges(j, t, err);
}

static ig_status put_model(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    ig_json_key(j, "model");
    ig_json_open(j, '{');
    if (t->kind == IG_TOKENIZER_UNIGRAM)
        IG_TRY(put_unigram(j, t, err));
    else if (t->kind == IG_TOKENIZER_WORDPIECE)
        IG_TRY(put_wordpiece(j, t, err));
    else
        IG_TRY(put_bpe(j, t, err));
    ig_json_close(j, '}');
    return IG_OK;
}

ig_status ig_tokenizer_format(const ig_tokenizer *t, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out, .indent = 1};
    ig_json_open(&j, '{');
    put_text(&j, "version", "1.0");
    put_null(&j, "truncation");
    put_null(&j, "padding");
    put_added(&j, t);
    IG_TRY(ig_tok_put_normalizer(&j, t, err));
    ig_tok_put_pre_tokenizer(&j, t);
    IG_TRY(ig_tok_put_post_processor(&j, t, err));
    ig_tok_put_decoder(&j, t);
    IG_TRY(put_model(&j, t, err));
    ig_json_close(&j, '}');
    ig_buf_putc(out, '\n');
    return ig_buf_status(out, err);
}

ig_status ig_tokenizer_save(const ig_tokenizer *t, const char *path, ig_error *err) {
    ig_buf out = {.max = IG_TOKENIZER_BYTES_MAX};
    ig_status status = ig_tokenizer_format(t, &out, err);
    if (status == IG_OK) status = ig_file_write(path, out.data, out.len, err);
    ig_buf_fini(&out);
    return status;
}
