/* text/tokenizer_save.c: tokenizer.json, in the form that the Hugging Face tokenizers read.
 *
 * BPE   model BPE over ByteLevel; where the file had patterns of its own, Split and ByteLevel in a Sequence.
 * CHAR  model BPE without merges and without pre-tokenizer, so that every character is a token; byte_fallback and the
 *       decoder ByteFallback where there are byte tokens.
 */
#include "text/tokenizer_impl.h"

static void put_bool(ig_json *j, const char *key, bool value) {
    ig_json_key(j, key);
    ig_json_bool(j, value);
}

static void put_text(ig_json *j, const char *key, const char *value) {
    ig_json_key(j, key);
    ig_json_text(j, value);
}

static void put_null(ig_json *j, const char *key) {
    ig_json_key(j, key);
    ig_json_null(j);
}

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
        put_bool(j, "lstrip", false);
        put_bool(j, "rstrip", false);
        put_bool(j, "normalized", false);
        put_bool(j, "special", t->table.flag[id] & TOK_SPECIAL);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

static void put_byte_level(ig_json *j, bool use_regex) {
    ig_json_open(j, '{');
    put_text(j, "type", "ByteLevel");
    put_bool(j, "add_prefix_space", false);
    put_bool(j, "trim_offsets", true);
    put_bool(j, "use_regex", use_regex);
    ig_json_close(j, '}');
}

static void put_split(ig_json *j, const char *pattern) {
    ig_json_open(j, '{');
    put_text(j, "type", "Split");
    ig_json_key(j, "pattern");
    ig_json_open(j, '{');
    put_text(j, "Regex", pattern);
    ig_json_close(j, '}');
    put_text(j, "behavior", "Isolated");
    put_bool(j, "invert", false);
    ig_json_close(j, '}');
}

static void put_pre_tokenizer(ig_json *j, const ig_tokenizer *t) {
    size_t own = t->split.count - (t->split.gpt2_last ? 1 : 0);
    ig_json_key(j, "pre_tokenizer");
    if (t->kind == IG_TOKENIZER_CHAR) {
        ig_json_null(j);
        return;
    }
    if (!own) {
        put_byte_level(j, t->split.gpt2_last);
        return;
    }
    ig_json_open(j, '{');
    put_text(j, "type", "Sequence");
    ig_json_key(j, "pretokenizers");
    ig_json_open(j, '[');
    for (size_t i = 0; i < own; i++) put_split(j, t->split.stage[i].pattern);
    put_byte_level(j, t->split.gpt2_last);
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}

static void put_type(ig_json *j, const char *type) {
    ig_json_open(j, '{');
    put_text(j, "type", type);
    ig_json_close(j, '}');
}

static void put_decoder(ig_json *j, const ig_tokenizer *t) {
    ig_json_key(j, "decoder");
    if (t->kind == IG_TOKENIZER_BPE) {
        put_byte_level(j, true);
    } else if (!t->byte_fallback) {
        put_type(j, "Fuse");
    } else {
        ig_json_open(j, '{');
        put_text(j, "type", "Sequence");
        ig_json_key(j, "decoders");
        ig_json_open(j, '[');
        put_type(j, "ByteFallback");
        put_type(j, "Fuse");
        ig_json_close(j, ']');
        ig_json_close(j, '}');
    }
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

static ig_status put_model(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    ig_json_key(j, "model");
    ig_json_open(j, '{');
    put_text(j, "type", "BPE");
    put_null(j, "dropout");
    put_null(j, "unk_token");
    put_null(j, "continuing_subword_prefix");
    put_null(j, "end_of_word_suffix");
    put_bool(j, "fuse_unk", false);
    put_bool(j, "byte_fallback", t->byte_fallback);
    put_bool(j, "ignore_merges", t->ignore_merges);
    IG_TRY(put_vocab(j, t, err));
    IG_TRY(put_merges(j, t, err));
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
    put_null(&j, "normalizer");
    put_pre_tokenizer(&j, t);
    put_null(&j, "post_processor");
    put_decoder(&j, t);
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
