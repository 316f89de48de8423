/* tests/text/gguf_vocab.h: the vocabulary of a GGUF file as an ig_vocab: enough of the format for files that we trust.
 *
 *   "GGUF" │ u32 version │ u64 tensors │ u64 entries │ entry: text key, u32 type, value … (text: u64 length, bytes)
 */
#ifndef TESTS_TEXT_GGUF_VOCAB_H
#define TESTS_TEXT_GGUF_VOCAB_H

#include "data.h"

#include "ingot/text.h"

typedef struct gguf_vocab {
    ig_map_file file;
    ig_vocab v;
    char *own[64]; /* allocations */
    size_t owned;
} gguf_vocab;

static inline uint64_t gguf_uint(const uint8_t **p, int bytes) {
    uint64_t value = 0;
    memcpy(&value, *p, (size_t)bytes);
    *p += bytes;
    return value;
}

static inline char *gguf_own(gguf_vocab *g, size_t bytes) {
    char *p = malloc(bytes + 1);
    assert_true(p && g->owned < 64);
    return g->own[g->owned++] = p;
}

static inline char *gguf_text(gguf_vocab *g, const uint8_t **p) {
    size_t n = gguf_uint(p, 8);
    char *s = gguf_own(g, n);
    memcpy(s, *p, n);
    s[n] = '\0';
    *p += n;
    return s;
}

/* All texts of an array in one block: pointers first, lengths next, then bytes. */
static inline const char **gguf_texts(gguf_vocab *g, const uint8_t **p, size_t n, const size_t **len) {
    const uint8_t *q = *p;
    size_t bytes = 0;
    for (size_t i = 0, k; i < n; i++, q += k, bytes += k + 1) k = gguf_uint(&q, 8);
    const char **text = (const char **)(void *)gguf_own(g, n * (sizeof *text + sizeof **len) + bytes);
    size_t *size = (size_t *)(void *)(text + n);
    char *at = (char *)(size + n);
    for (size_t i = 0; i < n; i++, at++) {
        size[i] = gguf_uint(p, 8);
        text[i] = memcpy(at, *p, size[i]);
        at += size[i];
        *at = '\0';
        *p += size[i];
    }
    if (len) *len = size;
    return text;
}

static inline int gguf_size(uint32_t type) {
    static const int size[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return size[type];
}

static inline void gguf_array(gguf_vocab *g, const char *key, const uint8_t **p) {
    uint32_t type = (uint32_t)gguf_uint(p, 4);
    size_t n = gguf_uint(p, 8);
    if (type == 8) {
        const size_t *len;
        const char **text = gguf_texts(g, p, n, &len);
        if (!strcmp(key, "tokens")) g->v.text = text, g->v.text_len = len, g->v.count = n;
        if (!strcmp(key, "merges")) g->v.merge = text, g->v.merges = n;
        return;
    }
    char *copy = gguf_own(g, n * (size_t)gguf_size(type));
    memcpy(copy, *p, n * (size_t)gguf_size(type));
    *p += n * (size_t)gguf_size(type);
    if (!strcmp(key, "scores")) g->v.score = (const float *)(void *)copy;
    if (!strcmp(key, "token_type")) g->v.type = (const int32_t *)(void *)copy;
}

static inline void gguf_number(gguf_vocab *g, const char *key, uint64_t value) {
    const struct {
        const char *key;
        int32_t *to;
    } field[] = {{"bos_token_id", &g->v.bos}, {"eos_token_id", &g->v.eos}, {"unknown_token_id", &g->v.unk}, {"seperator_token_id", &g->v.sep},
                 {"padding_token_id", &g->v.pad}, {"cls_token_id", &g->v.cls}, {"mask_token_id", &g->v.mask}, {"add_bos_token", &g->v.add_bos},
                 {"add_eos_token", &g->v.add_eos}, {"add_space_prefix", &g->v.add_space_prefix}};
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        if (!strcmp(key, field[i].key)) *field[i].to = (int32_t)value;
}

static inline void gguf_open(gguf_vocab *g, const char *path) {
    ig_error err;
    *g = (gguf_vocab){0};
    ig_vocab_init(&g->v);
    check_ok(ig_file_map(path, &g->file, &err));
    const uint8_t *p = g->file.data + 16;
    for (uint64_t n = gguf_uint(&p, 8); n; n--) {
        const char *key = gguf_text(g, &p), *short_key = strrchr(key, '.') ? strrchr(key, '.') + 1 : key;
        uint32_t type = (uint32_t)gguf_uint(&p, 4);
        if (type == 9)
            gguf_array(g, short_key, &p);
        else if (type == 8) {
            char *s = gguf_text(g, &p);
            if (!strcmp(key, "tokenizer.ggml.model")) g->v.model = s;
            if (!strcmp(key, "tokenizer.ggml.pre")) g->v.pre = s;
        } else
            gguf_number(g, strncmp(key, "tokenizer.ggml.", 15) ? "" : short_key, gguf_uint(&p, gguf_size(type)));
    }
}

static inline void gguf_close(gguf_vocab *g) {
    for (size_t i = 0; i < g->owned; i++) free(g->own[i]);
    ig_file_unmap(&g->file);
}

/* ---- the test strings that come with the files, and the ids that other programs gave them ---- */

static inline void check_vector(const ig_tokenizer *t, const char *file, const char *text, size_t len, char *line) {
    ig_ids ids = {0};
    ig_error err;
    size_t i = 0;
    check_ok(ig_tokenizer_encode(t, text, len, 0, &ids, &err));
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " "), i++) {
        assert_true(i < ids.len);
        if (ids.data[i] != atoi(word)) fail_msg("%s: token %zu of \"%.*s\" is %d, expected %s", file, i, (int)len, text, ids.data[i], word);
    }
    if (i != ids.len) fail_msg("%s: \"%.*s\" gives %zu tokens, expected %zu", file, (int)len, text, ids.len, i);
    ig_ids_fini(&ids);
}

static inline void check_vectors(const ig_tokenizer *t, const char *folder, const char *name) {
    static const char marker[] = "\n__ggml_vocab_test__\n";
    char path[1200];
    ig_error err;
    ig_buf in = {.max = 1 << 20}, out = {.max = 1 << 20};
    snprintf(path, sizeof path, "%s/ggml-vocab-%s.gguf.inp", folder, name);
    check_ok(ig_file_read(path, 1 << 20, &in, &err));
    snprintf(path, sizeof path, "%s/ggml-vocab-%s.gguf.out", folder, name);
    check_ok(ig_file_read(path, 1 << 20, &out, &err));
    char *line = out.data;
    int count = 0;
    for (char *at = in.data, *end; (end = strstr(at, marker)); at = end + sizeof marker - 1, count++) {
        char *stop = strchr(line, '\n');
        assert_non_null(stop);
        *stop = '\0';
        check_vector(t, name, at, (size_t)(end - at), line);
        line = stop + 1;
    }
    assert_int_equal(count, 46);
    ig_buf_fini(&in);
    ig_buf_fini(&out);
}

#endif
