/* text/sentencepiece.c: read a SentencePiece .model.
 *
 *   ModelProto │ 1 piece …        { 1 text, 2 score (float), 3 type }
 *              │ 2 trainer        { 3 model (1 unigram, 2 BPE), 24 space as suffix, 40 … 43 ids of unk, bos, eos, pad }
 *              │ 3 normaliser     { 2 charsmap, 3 add space in front, 4 remove extra spaces, 5 ▁ for spaces }
 *
 * The file is one protocol-buffers message (sentencepiece_model.proto).  Five of its fields are needed, so it is read here:
 * a field is a varint key (number · 8 + wire type) and a varint, 4 bytes, 8 bytes, or a length and bytes; groups are refused.
 * Every length is checked against what is left.  Fields that are not known are passed over, as the format asks.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

typedef struct wire {
    const uint8_t *at, *end;
} wire;

typedef struct field {
    uint64_t number;
    int type;       /* 0 varint, 1 eight bytes, 2 bytes, 5 four bytes */
    uint64_t value; /* of types 0, 1 and 5 */
    wire bytes;     /* of type 2 */
} field;

static bool read_varint(wire *w, uint64_t *out) {
    *out = 0;
    for (int shift = 0; shift < 64 && w->at < w->end; shift += 7) {
        uint8_t b = *w->at++;
        *out |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) return true;
    }
    return false;
}

static bool read_fixed(wire *w, size_t n, uint64_t *out) {
    *out = 0;
    if ((size_t)(w->end - w->at) < n) return false;
    for (size_t i = 0; i < n; i++) *out |= (uint64_t)*w->at++ << (8 * i);
    return true;
}

static bool read_field(wire *w, field *f) {
    uint64_t key, len;
    *f = (field){0};
    if (!read_varint(w, &key)) return false;
    f->number = key >> 3;
    f->type = (int)(key & 7);
    if (!f->number) return false;
    if (f->type == 0) return read_varint(w, &f->value);
    if (f->type == 1 || f->type == 5) return read_fixed(w, f->type == 1 ? 8 : 4, &f->value);
    if (f->type != 2 || !read_varint(w, &len) || len > (uint64_t)(w->end - w->at)) return false;
    f->bytes = (wire){w->at, w->at + len};
    w->at += len;
    return true;
}

/* ---- the model ---- */

typedef struct reader {
    const char *name;
    const uint8_t *start;
    ig_vocab v;
    const char **text;
    size_t *text_len;
    float *score;
    int32_t *type;
    tok_spm_rules rules;
    uint64_t model;
    bool suffix;
} reader;

static ig_status damaged(const reader *r, const wire *w, const char *what, ig_error *err) {
    return ig_error_at(err, IG_E_FORMAT, r->name, 0, "the SentencePiece model is damaged in its %s, near byte %zu", what,
                       (size_t)(w->at - r->start));
}

static ig_status read_piece(reader *r, wire w, ig_error *err) {
    size_t i = r->v.count++;
    field f;
    r->text[i] = "";
    r->type[i] = IG_VOCAB_NORMAL;
    while (w.at < w.end) {
        if (!read_field(&w, &f)) return damaged(r, &w, "pieces", err);
        if (f.number == 1 && f.type == 2) {
            r->text[i] = (const char *)f.bytes.at;
            r->text_len[i] = (size_t)(f.bytes.end - f.bytes.at);
        } else if (f.number == 2 && f.type == 5) {
            uint32_t bits = (uint32_t)f.value;
            memcpy(&r->score[i], &bits, sizeof bits);
        } else if (f.number == 3 && f.type == 0) {
            r->type[i] = f.value <= IG_VOCAB_BYTE ? (int32_t)f.value : 0;
        }
    }
    return r->text_len[i] ? IG_OK : ig_error_at(err, IG_E_FORMAT, r->name, 0, "piece %zu has no text", i);
}

static ig_status read_trainer(reader *r, wire w, ig_error *err) {
    int32_t *const id[] = {&r->v.unk, &r->v.bos, &r->v.eos, &r->v.pad};
    field f;
    while (w.at < w.end) {
        if (!read_field(&w, &f)) return damaged(r, &w, "trainer settings", err);
        if (f.type != 0) continue;
        if (f.number == 3) r->model = f.value;
        if (f.number == 24) r->suffix = f.value != 0;
        if (f.number >= 40 && f.number <= 43) *id[f.number - 40] = (int32_t)(uint32_t)f.value;
    }
    return IG_OK;
}

static ig_status read_normalizer(reader *r, wire w, ig_error *err) {
    field f;
    while (w.at < w.end) {
        if (!read_field(&w, &f)) return damaged(r, &w, "normalizer settings", err);
        if (f.number == 2 && f.type == 2) {
            r->rules.charsmap = f.bytes.at;
            r->rules.charsmap_len = (size_t)(f.bytes.end - f.bytes.at);
        }
        if (f.type != 0) continue;
        if (f.number == 3) r->rules.add_prefix = f.value != 0;
        if (f.number == 4) r->rules.remove_extra = f.value != 0;
        if (f.number == 5) r->rules.escape = f.value != 0;
    }
    return IG_OK;
}

static ig_status count_pieces(const reader *r, wire w, size_t *count, ig_error *err) {
    field f;
    *count = 0;
    while (w.at < w.end) {
        if (!read_field(&w, &f)) return damaged(r, &w, "structure", err);
        *count += f.number == 1 && f.type == 2;
    }
    if (!*count) return ig_error_at(err, IG_E_FORMAT, r->name, 0, "this is no SentencePiece model: it has no pieces");
    if (*count <= IG_VOCAB_MAX) return IG_OK;
    return ig_error_at(err, IG_E_LIMIT, r->name, 0, "a vocabulary of %zu tokens is too large (at most %d)", *count,
                       IG_VOCAB_MAX);
}

static ig_status read_model(reader *r, wire w, ig_error *err) {
    size_t count;
    field f;
    IG_TRY(count_pieces(r, w, &count, err));
    r->text = ig_calloc(count, sizeof *r->text);
    r->text_len = ig_calloc(count, sizeof *r->text_len);
    r->score = ig_calloc(count, sizeof *r->score);
    r->type = ig_calloc(count, sizeof *r->type);
    if (!r->text || !r->text_len || !r->score || !r->type) return ig_error_nomem(err, count * 24);
    while (w.at < w.end && read_field(&w, &f)) {
        if (f.type != 2) continue;
        if (f.number == 1) IG_TRY(read_piece(r, f.bytes, err));
        if (f.number == 2) IG_TRY(read_trainer(r, f.bytes, err));
        if (f.number == 3) IG_TRY(read_normalizer(r, f.bytes, err));
    }
    return IG_OK;
}

/* An id that is there but stands for another kind of piece is none: trainers leave the defaults in. */
static int32_t id_of_type(const reader *r, int32_t id, int32_t type) {
    return id >= 0 && (size_t)id < r->v.count && r->type[id] == type ? id : -1;
}

static ig_status build(reader *r, ig_tokenizer **out, ig_error *err) {
    if (r->model != 1 && r->model != 2)
        return ig_error_at(err, IG_E_UNSUPPORTED, r->name, 0,
                           "a SentencePiece model of type %llu is not supported: 1 (unigram) and 2 (BPE) are",
                           (unsigned long long)r->model);
    if (r->suffix) return ig_error_at(err, IG_E_UNSUPPORTED, r->name, 0, "spaces as suffixes of words are not supported");
    ig_vocab *v = &r->v;
    v->name = r->name;
    v->text = r->text;
    v->text_len = r->text_len;
    v->score = r->score;
    v->type = r->type;
    v->pad = -1;
    v->bos = id_of_type(r, v->bos, IG_VOCAB_CONTROL);
    v->eos = id_of_type(r, v->eos, IG_VOCAB_CONTROL);
    v->unk = id_of_type(r, v->unk, IG_VOCAB_UNKNOWN);
    for (size_t i = 0; v->unk < 0 && i < v->count; i++)
        if (r->type[i] == IG_VOCAB_UNKNOWN) v->unk = (int32_t)i;
    v->add_bos = r->model == 2; /* as Llama; T5 ends a text instead */
    v->add_eos = r->model == 1;
    return ig_tok_build_pieces(v, r->model == 2 ? IG_TOKENIZER_SPM : IG_TOKENIZER_UNIGRAM, &r->rules, out, err);
}

ig_status ig_tokenizer_parse_sentencepiece(const char *name, const void *data, size_t len, ig_tokenizer **out, ig_error *err) {
    *out = NULL;
    if (len > IG_TOKENIZER_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, name, 0, "a SentencePiece model of %zu bytes is too large", len);
    reader r = {.name = name, .start = data, .model = 1, .rules = {.add_prefix = true, .remove_extra = true, .escape = true}};
    ig_vocab_init(&r.v);
    r.v.unk = 0;
    r.v.bos = 1;
    r.v.eos = 2;
    ig_tokenizer *t = NULL;
    ig_status status = read_model(&r, (wire){data, (const uint8_t *)data + len}, err);
    if (status == IG_OK) status = build(&r, &t, err);
    ig_free(r.text);
    ig_free(r.text_len);
    ig_free(r.score);
    ig_free(r.type);
    if (status == IG_OK)
        *out = t;
    else
        ig_tokenizer_free(t);
    return status;
}

ig_status ig_tokenizer_load_sentencepiece(const char *path, ig_tokenizer **out, ig_error *err) {
    ig_buf file = {.max = IG_TOKENIZER_BYTES_MAX};
    *out = NULL;
    ig_status status = ig_file_read(path, IG_TOKENIZER_BYTES_MAX, &file, err);
    if (status == IG_OK) status = ig_tokenizer_parse_sentencepiece(path, file.data ? file.data : "", file.len, out, err);
    ig_buf_fini(&file);
    return status;
}
