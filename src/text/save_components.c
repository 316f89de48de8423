/* text/save_components.c: normalizer, pre_tokenizer, post_processor and decoder of a tokenizer.json.
 *
 * Each step and stage is written as the component that it was read from, or as a Split with its pattern.  One of them stands
 * alone, several in a Sequence.
 */
#include <string.h>

#include "text/tokenizer_save.h"

static void open_type(ig_json *j, const char *type) {
    ig_json_open(j, '{');
    put_text(j, "type", type);
}

static void put_type(ig_json *j, const char *type) {
    open_type(j, type);
    ig_json_close(j, '}');
}

static void open_sequence(ig_json *j, const char *list) {
    open_type(j, "Sequence");
    ig_json_key(j, list);
    ig_json_open(j, '[');
}

static void close_sequence(ig_json *j) {
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}

static void put_pattern(ig_json *j, const char *kind, const char *text, size_t n) {
    ig_json_key(j, "pattern");
    ig_json_open(j, '{');
    ig_json_key(j, kind);
    ig_json_text_n(j, text, n);
    ig_json_close(j, '}');
}

/* ---- normalizer ---- */

static void put_bert(ig_json *j, unsigned flags) {
    open_type(j, "BertNormalizer");
    put_bool(j, "clean_text", flags & TOK_BERT_CLEAN);
    put_bool(j, "handle_chinese_chars", flags & TOK_BERT_CHINESE);
    if (flags & TOK_BERT_ACCENTS_AUTO)
        put_null(j, "strip_accents");
    else
        put_bool(j, "strip_accents", flags & TOK_BERT_ACCENTS);
    put_bool(j, "lowercase", flags & TOK_BERT_LOWER);
    ig_json_close(j, '}');
}

static ig_status put_charsmap(ig_json *j, const tok_step *s, ig_error *err) {
    ig_buf text = {.max = IG_TOKENIZER_BYTES_MAX};
    ig_tok_base64_encode(s->map, s->map_len, &text);
    open_type(j, "Precompiled");
    if (text.status == IG_OK) put_text(j, "precompiled_charsmap", text.data);
    ig_json_close(j, '}');
    ig_status status = ig_buf_status(&text, err);
    ig_buf_fini(&text);
    return status;
}

static void put_replace(ig_json *j, const tok_step *s) {
    open_type(j, "Replace");
    put_pattern(j, s->code ? "Regex" : "String", s->from, s->from_len);
    ig_json_key(j, "content");
    ig_json_text_n(j, s->to, s->to_len);
    ig_json_close(j, '}');
}

static ig_status put_step(ig_json *j, const tok_step *s, ig_error *err) {
    static const char *const simple[] = {[TOK_STEP_NFC] = "NFC", [TOK_STEP_NFD] = "NFD", [TOK_STEP_NFKC] = "NFKC",
                                         [TOK_STEP_NFKD] = "NFKD", [TOK_STEP_NMT] = "Nmt", [TOK_STEP_LOWERCASE] = "Lowercase",
                                         [TOK_STEP_STRIP_ACCENTS] = "StripAccents"};
    switch (s->kind) {
    case TOK_STEP_CHARSMAP: return put_charsmap(j, s, err);
    case TOK_STEP_BERT: put_bert(j, s->flags); break;
    case TOK_STEP_REPLACE: put_replace(j, s); break;
    case TOK_STEP_PREPEND:
        open_type(j, "Prepend");
        ig_json_key(j, "prepend");
        ig_json_text_n(j, s->to, s->to_len);
        ig_json_close(j, '}');
        break;
    case TOK_STEP_STRIP:
        open_type(j, "Strip");
        put_bool(j, "strip_left", s->flags & TOK_LEFT);
        put_bool(j, "strip_right", s->flags & TOK_RIGHT);
        ig_json_close(j, '}');
        break;
    default: put_type(j, simple[s->kind]);
    }
    return IG_OK;
}

ig_status ig_tok_put_normalizer(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    ig_json_key(j, "normalizer");
    if (!t->norm.count) {
        ig_json_null(j);
        return IG_OK;
    }
    if (t->norm.count > 1) open_sequence(j, "normalizers");
    for (size_t i = 0; i < t->norm.count; i++) IG_TRY(put_step(j, &t->norm.step[i], err));
    if (t->norm.count > 1) close_sequence(j);
    return IG_OK;
}

/* ---- pre_tokenizer ---- */

static void put_byte_level(ig_json *j, bool prefix, bool use_regex) {
    open_type(j, "ByteLevel");
    put_bool(j, "add_prefix_space", prefix);
    put_bool(j, "trim_offsets", true);
    put_bool(j, "use_regex", use_regex);
    ig_json_close(j, '}');
}

static void put_metaspace(ig_json *j, const tok_stage *s) {
    static const char *const scheme[] = {"always", "first", "never"};
    open_type(j, "Metaspace");
    put_text(j, "replacement", TOK_SPACE);
    put_text(j, "prepend_scheme", scheme[s->prepend]);
    put_bool(j, "split", s->code != NULL);
    ig_json_close(j, '}');
}

static void put_stage(ig_json *j, const tok_stage *s) {
    static const char *const behavior[] = {"Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
    if (s->kind == TOK_STAGE_METASPACE) {
        put_metaspace(j, s);
    } else if (s->name) {
        put_type(j, s->name);
    } else {
        open_type(j, "Split");
        put_pattern(j, "Regex", s->pattern, strlen(s->pattern));
        put_text(j, "behavior", behavior[s->cut]);
        put_bool(j, "invert", s->invert);
        ig_json_close(j, '}');
    }
}

/* BertPreTokenizer is two stages. */
static bool is_second_half(const tok_split *s, size_t i) {
    return i && s->stage[i].name && s->stage[i - 1].name && !strcmp(s->stage[i].name, "BertPreTokenizer") &&
           !strcmp(s->stage[i - 1].name, "BertPreTokenizer");
}

void ig_tok_put_pre_tokenizer(ig_json *j, const ig_tokenizer *t) {
    const tok_split *s = &t->split;
    bool bytes = tok_on_bytes(t), gpt2 = bytes && s->gpt2_last, prefix;
    size_t own = s->count - gpt2, parts = bytes;
    prefix = bytes && own && s->stage[own - 1].kind == TOK_STAGE_SPACE_BEFORE;
    own -= prefix;
    for (size_t i = 0; i < own; i++) parts += !is_second_half(s, i);
    ig_json_key(j, "pre_tokenizer");
    if (!parts) ig_json_null(j);
    if (parts > 1) open_sequence(j, "pretokenizers");
    for (size_t i = 0; i < own; i++)
        if (!is_second_half(s, i)) put_stage(j, &s->stage[i]);
    if (bytes) put_byte_level(j, prefix, gpt2);
    if (parts > 1) close_sequence(j);
}

/* ---- post_processor ---- */

/* A special token of a template is named by its text. */
static void put_token_name(ig_json *j, const ig_tokenizer *t, int32_t id, ig_buf *text) {
    ig_buf_clear(text);
    ig_tok_json_text(t, (size_t)id, text);
    if (text->status == IG_OK) ig_json_text_n(j, text->data, text->len);
}

static void put_items(ig_json *j, const ig_tokenizer *t, const char *key, const tok_template *m, ig_buf *text) {
    ig_json_key(j, key);
    ig_json_open(j, '[');
    for (size_t i = 0; i < m->count; i++) {
        int32_t id = m->item[i].id;
        ig_json_open(j, '{');
        ig_json_key(j, id >= 0 ? "SpecialToken" : "Sequence");
        ig_json_open(j, '{');
        ig_json_key(j, "id");
        if (id >= 0)
            put_token_name(j, t, id, text);
        else
            ig_json_text(j, id == TOK_TEXT_A ? "A" : "B");
        put_int(j, "type_id", m->item[i].type);
        ig_json_close(j, '}');
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

/* Each special token once, whichever template it stands in first. */
static bool seen_before(const ig_tokenizer *t, size_t at) {
    size_t single = t->single.count;
    int32_t id = at < single ? t->single.item[at].id : t->pair.item[at - single].id;
    for (size_t i = 0; i < at; i++)
        if ((i < single ? t->single.item[i].id : t->pair.item[i - single].id) == id) return true;
    return id < 0;
}

static void put_specials(ig_json *j, const ig_tokenizer *t, ig_buf *text) {
    ig_json_key(j, "special_tokens");
    ig_json_open(j, '{');
    for (size_t i = 0; i < t->single.count + t->pair.count; i++) {
        if (seen_before(t, i)) continue;
        int32_t id = i < t->single.count ? t->single.item[i].id : t->pair.item[i - t->single.count].id;
        ig_buf_clear(text);
        ig_tok_json_text(t, (size_t)id, text);
        if (text->status != IG_OK) break;
        ig_json_key(j, text->data);
        ig_json_open(j, '{');
        put_text(j, "id", text->data);
        ig_json_key(j, "ids");
        ig_json_open(j, '[');
        ig_json_int(j, id);
        ig_json_close(j, ']');
        ig_json_key(j, "tokens");
        ig_json_open(j, '[');
        ig_json_text(j, text->data);
        ig_json_close(j, ']');
        ig_json_close(j, '}');
    }
    ig_json_close(j, '}');
}

ig_status ig_tok_put_post_processor(ig_json *j, const ig_tokenizer *t, ig_error *err) {
    ig_json_key(j, "post_processor");
    if (!t->single.count && !t->pair.count) {
        ig_json_null(j);
        return IG_OK;
    }
    ig_buf text = {.max = IG_TOKENIZER_BYTES_MAX};
    open_type(j, "TemplateProcessing");
    put_items(j, t, "single", &t->single, &text);
    put_items(j, t, "pair", &t->pair, &text);
    put_specials(j, t, &text);
    ig_json_close(j, '}');
    ig_status status = ig_buf_status(&text, err);
    ig_buf_fini(&text);
    return status;
}

/* ---- decoder ---- */

static void put_space_decoder(ig_json *j) {
    open_type(j, "Replace");
    put_pattern(j, "String", TOK_SPACE, strlen(TOK_SPACE));
    put_text(j, "content", " ");
    ig_json_close(j, '}');
}

static void put_strip_decoder(ig_json *j) {
    open_type(j, "Strip");
    put_text(j, "content", " ");
    put_int(j, "start", 1);
    put_int(j, "stop", 0);
    ig_json_close(j, '}');
}

void ig_tok_put_decoder(ig_json *j, const ig_tokenizer *t) {
    const tok_decoder *d = &t->decoder;
    ig_json_key(j, "decoder");
    if (tok_on_bytes(t)) {
        put_byte_level(j, false, true);
    } else if (d->wordpiece) {
        open_type(j, "WordPiece");
        put_text(j, "prefix", t->prefix);
        put_bool(j, "cleanup", d->cleanup);
        ig_json_close(j, '}');
    } else if (!t->byte_fallback && !d->metaspace && !d->strip_first) {
        put_type(j, "Fuse");
    } else {
        open_sequence(j, "decoders");
        if (d->metaspace) put_space_decoder(j);
        if (t->byte_fallback) put_type(j, "ByteFallback");
        put_type(j, "Fuse");
        if (d->strip_first) put_strip_decoder(j);
        close_sequence(j);
    }
}
