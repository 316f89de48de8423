/* models/import/import_gguf_vocab.c: tokenizer.ggml.* of a GGUF file as an ig_vocab, and the tokenizer made of it. */
#include <string.h>

#include "models/import/import.h"

typedef struct arrays {
    ig_vocab v;
    char model[16], pre[64];
    const char **text, **merge;
    size_t *len;
    float *score;
    int32_t *type;
    ig_buf merges; /* NUL-terminated, one after the other */
} arrays;

static ig_status read_texts(const ig_gguf_value *a, arrays *s, ig_error *err) {
    ig_gguf_value v;
    size_t i = 0;
    s->text = ig_calloc(a->count + 1, sizeof *s->text);
    s->len = ig_calloc(a->count + 1, sizeof *s->len);
    if (!s->text || !s->len) return ig_error_nomem(err, a->count * 16);
    for (ig_gguf_items it = ig_gguf_items_of(a); ig_gguf_items_next(&it, &v); i++) s->text[i] = v.text.at, s->len[i] = v.text.len;
    s->v.text = s->text, s->v.text_len = s->len, s->v.count = i;
    return IG_OK;
}

static ig_status read_merges(const ig_gguf_value *a, arrays *s, ig_error *err) {
    ig_gguf_value v;
    size_t i = 0, at = 0;
    s->merge = ig_calloc(a->count + 1, sizeof *s->merge);
    if (!s->merge) return ig_error_nomem(err, a->count * 8);
    for (ig_gguf_items it = ig_gguf_items_of(a); ig_gguf_items_next(&it, &v); i++) {
        ig_buf_append(&s->merges, v.text.at, strnlen(v.text.at, v.text.len));
        ig_buf_putc(&s->merges, '\0');
    }
    IG_TRY(ig_buf_status(&s->merges, err));
    for (size_t k = 0; k < i; k++, at += strlen(s->merges.data + at) + 1) s->merge[k] = s->merges.data + at;
    s->v.merge = s->merge, s->v.merges = i;
    return IG_OK;
}

static ig_status same_count(const arrays *s, const ig_gguf_value *a, const char *what, ig_error *err) {
    if (a->count == s->v.count) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, s->v.name, 0, "tokenizer.ggml.%s has %llu items for %zu tokens", what, (unsigned long long)a->count,
                       s->v.count);
}

static ig_status read_numbers(const ig_gguf *g, arrays *s, ig_error *err) {
    ig_gguf_value a;
    if (ig_gguf_get_array(g, "tokenizer.ggml.scores", IG_GGUF_F32, &a, NULL) == IG_OK) {
        IG_TRY(same_count(s, &a, "scores", err));
        s->score = ig_calloc(a.count + 1, sizeof *s->score);
        if (!s->score) return ig_error_nomem(err, a.count * 4);
        memcpy(s->score, a.items, a.count * sizeof *s->score);
        s->v.score = s->score;
    }
    if (ig_gguf_get_array(g, "tokenizer.ggml.token_type", IG_GGUF_I32, &a, NULL) == IG_OK) {
        IG_TRY(same_count(s, &a, "token_type", err));
        s->type = ig_calloc(a.count + 1, sizeof *s->type);
        if (!s->type) return ig_error_nomem(err, a.count * 4);
        memcpy(s->type, a.items, a.count * sizeof *s->type);
        s->v.type = s->type;
    }
    return IG_OK;
}

static void read_ids(const ig_gguf *g, ig_vocab *v) {
    const struct {
        const char *key;
        int32_t *to;
    } ids[] = {{"bos_token_id", &v->bos}, {"eos_token_id", &v->eos}, {"unknown_token_id", &v->unk}, {"seperator_token_id", &v->sep},
               {"padding_token_id", &v->pad}, {"cls_token_id", &v->cls}, {"mask_token_id", &v->mask}};
    const struct {
        const char *key;
        int *to;
    } flags[] = {{"add_bos_token", &v->add_bos}, {"add_eos_token", &v->add_eos}, {"add_space_prefix", &v->add_space_prefix},
                 {"remove_extra_whitespaces", &v->remove_extra_whitespaces}};
    char key[96];
    int64_t id;
    bool flag;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        snprintf(key, sizeof key, "tokenizer.ggml.%s", ids[i].key);
        if (ig_gguf_get_int(g, key, 0, INT32_MAX, &id, NULL) == IG_OK) *ids[i].to = (int32_t)id;
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        snprintf(key, sizeof key, "tokenizer.ggml.%s", flags[i].key);
        if (ig_gguf_get_bool(g, key, &flag, NULL) == IG_OK) *flags[i].to = flag;
    }
}

/* A text that fits, as a C string; false when it is absent. */
static bool get_text(const ig_gguf *g, const char *key, char *buf, size_t size) {
    ig_gguf_text t;
    if (ig_gguf_get_text(g, key, &t, NULL) != IG_OK) return false;
    snprintf(buf, size, "%.*s", (int)(t.len < size ? t.len : size - 1), t.at);
    return true;
}

static ig_status read_all(const ig_gguf *g, arrays *s, ig_error *err) {
    ig_gguf_value a;
    s->v.model = s->model;
    if (get_text(g, "tokenizer.ggml.pre", s->pre, sizeof s->pre)) s->v.pre = s->pre;
    IG_TRY(ig_gguf_get_array(g, "tokenizer.ggml.tokens", IG_GGUF_TEXT, &a, err));
    IG_TRY(read_texts(&a, s, err));
    if (ig_gguf_get_array(g, "tokenizer.ggml.merges", IG_GGUF_TEXT, &a, NULL) == IG_OK) IG_TRY(read_merges(&a, s, err));
    IG_TRY(read_numbers(g, s, err));
    if (ig_gguf_get_array(g, "tokenizer.ggml.precompiled_charsmap", IG_GGUF_U8, &a, NULL) == IG_OK)
        s->v.charsmap = a.items, s->v.charsmap_len = a.items_bytes;
    read_ids(g, &s->v);
    return IG_OK;
}

ig_status import_gguf_vocab(const ig_gguf *g, const char *source, ig_tokenizer **out, ig_error *err) {
    arrays s = {.merges.max = IG_TOKENIZER_BYTES_MAX};
    ig_vocab_init(&s.v);
    s.v.name = source;
    *out = NULL;
    bool none = !get_text(g, "tokenizer.ggml.model", s.model, sizeof s.model);
    if (none || strcmp(s.model, "none") == 0 || strcmp(s.model, "no_vocab") == 0) return IG_OK;
    ig_status status = read_all(g, &s, err);
    if (status == IG_OK) status = ig_tokenizer_from_vocab(&s.v, out, err);
    ig_free(s.text), ig_free(s.len), ig_free(s.merge), ig_free(s.score), ig_free(s.type);
    ig_buf_fini(&s.merges);
    return status;
}
