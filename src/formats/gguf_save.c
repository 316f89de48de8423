/* formats/gguf_save.c: writing GGUF, version 3.
 *
 * The header is built in memory, so that offsets are known before the first byte is written; tensors follow as they were
 * given, each padded with zeros to the alignment, the last one too, as llama.cpp writes them.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/gguf.h"

#define HEADER_BYTES_MAX (1u << 30)
#define NAME_BYTES_MAX 63 /* ggml keeps 64 bytes with the NUL */

static void put_u32(ig_buf *b, uint32_t v) { ig_buf_append(b, &v, sizeof v); }
static void put_u64(ig_buf *b, uint64_t v) { ig_buf_append(b, &v, sizeof v); }

static void put_text(ig_buf *b, const char *at, size_t len) {
    put_u64(b, len);
    ig_buf_append(b, at, len);
}

/* ---- what cannot be written --------------------------------------------------------------------------------------------- */

static bool integer_fits(ig_gguf_type type, int64_t v) {
    switch (type) {
    case IG_GGUF_U8: return v >= 0 && v <= UINT8_MAX;
    case IG_GGUF_I8: return v >= INT8_MIN && v <= INT8_MAX;
    case IG_GGUF_U16: return v >= 0 && v <= UINT16_MAX;
    case IG_GGUF_I16: return v >= INT16_MIN && v <= INT16_MAX;
    case IG_GGUF_U32: return v >= 0 && v <= UINT32_MAX;
    case IG_GGUF_I32: return v >= INT32_MIN && v <= INT32_MAX;
    case IG_GGUF_BOOL: return v == 0 || v == 1;
    default: return true;
    }
}

static ig_status check_pair(const ig_gguf_pair *p, ig_error *err) {
    size_t len = strlen(p->key);
    if (!len || len > IG_GGUF_KEY_BYTES_MAX || !ig_utf8_valid(p->key, len))
        return ig_error_set(err, IG_E_ARG, "a key must be UTF-8 of 1 to %u bytes", IG_GGUF_KEY_BYTES_MAX);
    if ((unsigned)p->type >= IG_GGUF_TYPE_COUNT || (unsigned)p->item >= IG_GGUF_TYPE_COUNT)
        return ig_error_set(err, IG_E_ARG, "%.200s has an unknown type", p->key);
    if (!integer_fits(p->type, p->integer))
        return ig_error_set(err, IG_E_ARG, "%.200s is %lld, which %s does not hold", p->key, (long long)p->integer,
                            ig_gguf_type_name(p->type));
    if (p->type == IG_GGUF_ARRAY && p->item == IG_GGUF_ARRAY)
        return ig_error_set(err, IG_E_ARG, "%.200s is an array of arrays, which is not written", p->key);
    if (strcmp(p->key, GGUF_ALIGNMENT_KEY) == 0 && (p->type != IG_GGUF_U32 || !gguf_alignment_ok(p->integer)))
        return ig_error_set(err, IG_E_ARG, GGUF_ALIGNMENT_KEY " must be a u32 and a power of two up to %u", GGUF_ALIGNMENT_MAX);
    return IG_OK;
}

static ig_status check_tensor(const ig_gguf_tensor *t, ig_error *err) {
    uint64_t bytes;
    ig_error why;
    size_t len = strlen(t->name);
    const ig_ggml_type *type = ig_ggml_type_find(t->type);
    if (!len || len > NAME_BYTES_MAX || !ig_utf8_valid(t->name, len))
        return ig_error_set(err, IG_E_ARG, "the name of a tensor must be UTF-8 of 1 to %d bytes", NAME_BYTES_MAX);
    if (!type) return ig_error_set(err, IG_E_ARG, "tensor %s has the unknown type %u", t->name, t->type);
    if (gguf_shape_bytes(type, t->ndim, t->shape, &bytes, &why) != IG_OK)
        return ig_error_set(err, IG_E_ARG, "tensor %s: %s", t->name, why.message);
    if (bytes != t->bytes || (bytes && !t->data))
        return ig_error_set(err, IG_E_ARG, "tensor %s needs %llu bytes by its shape and has %llu", t->name,
                            (unsigned long long)bytes, (unsigned long long)(t->data ? t->bytes : 0));
    return IG_OK;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* `names` [count] is sorted in place. */
static ig_status check_distinct(const char **names, size_t count, ig_error *err) {
    qsort(names, count, sizeof *names, by_text);
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i], names[i - 1]) == 0) return ig_error_set(err, IG_E_ARG, "%.200s stands twice", names[i]);
    return IG_OK;
}

static ig_status check_all(const ig_gguf_pair *pairs, size_t pair_count, const ig_gguf_tensor *tensors, size_t count,
                           ig_error *err) {
    for (size_t i = 0; i < pair_count; i++) IG_TRY(check_pair(&pairs[i], err));
    for (size_t i = 0; i < count; i++) IG_TRY(check_tensor(&tensors[i], err));
    const char **names = ig_calloc(pair_count + count + 1, sizeof *names);
    if (!names) return ig_error_nomem(err, (pair_count + count) * sizeof *names);
    for (size_t i = 0; i < pair_count; i++) names[i] = pairs[i].key;
    for (size_t i = 0; i < count; i++) names[pair_count + i] = tensors[i].name;
    ig_status status = check_distinct(names, pair_count, err);
    if (status == IG_OK) status = check_distinct(names + pair_count, count, err);
    ig_free(names);
    return status;
}

/* ---- the header -------------------------------------------------------------------------------------------------- */

static void put_scalar(ig_buf *b, const ig_gguf_pair *p) {
    float single = (float)p->real;
    if (p->type == IG_GGUF_F32) ig_buf_append(b, &single, sizeof single);
    else if (p->type == IG_GGUF_F64) ig_buf_append(b, &p->real, sizeof p->real);
    else ig_buf_append(b, &p->integer, gguf_type_bytes(p->type)); /* little-endian: the low bytes come first */
}

static void put_array(ig_buf *b, const ig_gguf_pair *p) {
    const ig_gguf_text *text = p->items;
    put_u32(b, p->item);
    put_u64(b, p->count);
    if (p->item != IG_GGUF_TEXT) {
        if (p->count > HEADER_BYTES_MAX) b->status = IG_E_LIMIT;
        else if (p->count) ig_buf_append(b, p->items, (size_t)p->count * gguf_type_bytes(p->item));
        return;
    }
    for (uint64_t i = 0; i < p->count && b->status == IG_OK; i++) put_text(b, text[i].at, text[i].len);
}

static void put_pair(ig_buf *b, const ig_gguf_pair *p) {
    put_text(b, p->key, strlen(p->key));
    put_u32(b, p->type);
    if (p->type == IG_GGUF_TEXT) put_text(b, p->text.at, p->text.len);
    else if (p->type == IG_GGUF_ARRAY) put_array(b, p);
    else put_scalar(b, p);
}

static void put_tensor(ig_buf *b, const ig_gguf_tensor *t, uint64_t offset) {
    put_text(b, t->name, strlen(t->name));
    put_u32(b, (uint32_t)t->ndim);
    for (int d = t->ndim; d-- > 0;) put_u64(b, (uint64_t)t->shape[d]);
    put_u32(b, t->type);
    put_u64(b, offset);
}

static uint64_t padding(uint64_t at, uint64_t alignment) { return (alignment - at % alignment) % alignment; }

static ig_status build_header(const ig_gguf_pair *pairs, size_t pair_count, const ig_gguf_tensor *tensors, size_t count,
                              uint64_t alignment, ig_buf *b, ig_error *err) {
    uint64_t at = 0;
    ig_buf_puts(b, "GGUF");
    put_u32(b, 3);
    put_u64(b, count);
    put_u64(b, pair_count);
    for (size_t i = 0; i < pair_count; i++) put_pair(b, &pairs[i]);
    for (size_t i = 0; i < count; i++) {
        put_tensor(b, &tensors[i], at);
        at += tensors[i].bytes;
        at += padding(at, alignment);
    }
    for (uint64_t n = padding(b->len, alignment); n > 0 && b->status == IG_OK; n--) ig_buf_putc(b, '\0');
    return ig_buf_status(b, err);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static ig_status write_padding(ig_writer *w, uint64_t n, ig_error *err) {
    static const uint8_t zeros[256];
    for (uint64_t part; n > 0; n -= part) {
        part = n < sizeof zeros ? n : sizeof zeros;
        IG_TRY(ig_writer_write(w, zeros, (size_t)part, err));
    }
    return IG_OK;
}

static ig_status write_file(const char *path, const ig_buf *header, const ig_gguf_tensor *t, size_t count, uint64_t alignment,
                            ig_error *err) {
    ig_writer *w;
    IG_TRY(ig_writer_open(path, &w, err));
    ig_status status = ig_writer_write(w, header->data, header->len, err);
    for (size_t i = 0; i < count && status == IG_OK; i++) {
        if (t[i].bytes) status = ig_writer_write(w, t[i].data, (size_t)t[i].bytes, err);
        if (status == IG_OK) status = write_padding(w, padding(t[i].bytes, alignment), err);
    }
    if (status == IG_OK) status = ig_writer_commit(w, err);
    ig_writer_close(w);
    return status;
}

ig_status ig_gguf_save(const char *path, const ig_gguf_pair *pairs, size_t pair_count, const ig_gguf_tensor *tensors,
                       size_t tensor_count, ig_error *err) {
    ig_buf header = {.max = HEADER_BYTES_MAX};
    uint64_t alignment = GGUF_ALIGNMENT_DEFAULT;
    IG_TRY(check_all(pairs, pair_count, tensors, tensor_count, err));
    for (size_t i = 0; i < pair_count; i++)
        if (strcmp(pairs[i].key, GGUF_ALIGNMENT_KEY) == 0) alignment = (uint64_t)pairs[i].integer;
    ig_status status = build_header(pairs, pair_count, tensors, tensor_count, alignment, &header, err);
    if (status == IG_OK) status = write_file(path, &header, tensors, tensor_count, alignment, err);
    ig_buf_fini(&header);
    return status;
}
