/* formats/safetensors_save.c: writing.  Header first, padded with spaces to a multiple of 8, then the tensors: the same
 * bytes that the reference implementation writes for the same tensors and metadata.
 */
#include <stdlib.h>
#include <string.h>

#include "ingot/formats.h"

/* rank: place in the reference implementation's list of types.  It sorts by this, descending, which puts wider elements
 * first; as the data begins at a multiple of 8, every tensor is then aligned to its elements. */
typedef struct type_row {
    const char *name;
    int rank;
} type_row;

static const type_row types[IG_DTYPE_COUNT] = {
    [IG_DTYPE_BOOL] = {"BOOL", 0}, [IG_DTYPE_U8] = {"U8", 1},   [IG_DTYPE_F16] = {"F16", 2}, [IG_DTYPE_BF16] = {"BF16", 3},
    [IG_DTYPE_I32] = {"I32", 4},   [IG_DTYPE_F32] = {"F32", 5}, [IG_DTYPE_F64] = {"F64", 6}, [IG_DTYPE_I64] = {"I64", 7},
};

static int by_type_and_name(const void *a, const void *b) {
    const ig_named_tensor *x = a, *y = b;
    int rx = types[x->tensor->dtype].rank, ry = types[y->tensor->dtype].rank;
    return rx != ry ? ry - rx : strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const ig_named_tensor *)a)->name, ((const ig_named_tensor *)b)->name);
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const ig_text_pair *)a)->key, ((const ig_text_pair *)b)->key);
}

static bool is_utf8(const char *s) { return ig_utf8_valid(s, strlen(s)); }

/* ---- what cannot be written ------------------------------------------------------------------------------------------ */

static ig_status check_tensor(const ig_named_tensor *t, ig_error *err) {
    if (!is_utf8(t->name) || strcmp(t->name, "__metadata__") == 0)
        return ig_error_set(err, IG_E_ARG, "a tensor cannot be called \"%.200s\"", is_utf8(t->name) ? t->name : "(not UTF-8)");
    if (!t->tensor->data && ig_tensor_numel(t->tensor) > 0)
        return ig_error_set(err, IG_E_ARG, "tensor %.200s has a shape and no data", t->name);
    return IG_OK;
}

/* The tensors must be sorted by name. */
static ig_status check_tensors(const ig_named_tensor *t, size_t count, ig_error *err) {
    for (size_t i = 0; i < count; i++) {
        IG_TRY(check_tensor(&t[i], err));
        if (i && strcmp(t[i].name, t[i - 1].name) == 0)
            return ig_error_set(err, IG_E_ARG, "two tensors are called %.200s", t[i].name);
    }
    return IG_OK;
}

/* The pairs must be sorted by key. */
static ig_status check_pairs(const ig_text_pair *p, size_t count, ig_error *err) {
    for (size_t i = 0; i < count; i++) {
        if (!is_utf8(p[i].key) || !is_utf8(p[i].value)) return ig_error_set(err, IG_E_ARG, "metadata must be UTF-8");
        if (i && strcmp(p[i].key, p[i - 1].key) == 0)
            return ig_error_set(err, IG_E_ARG, "metadata has the key %.200s twice", p[i].key);
    }
    return IG_OK;
}

/* ---- the header ------------------------------------------------------------------------------------------------------- */

static void put_metadata(ig_json *j, const ig_text_pair *pairs, size_t count) {
    ig_json_key(j, "__metadata__");
    ig_json_open(j, '{');
    for (size_t i = 0; i < count; i++) {
        ig_json_key(j, pairs[i].key);
        ig_json_text(j, pairs[i].value);
    }
    ig_json_close(j, '}');
}

static void put_entry(ig_json *j, const ig_named_tensor *t, int64_t begin) {
    ig_json_key(j, t->name);
    ig_json_open(j, '{');
    ig_json_key(j, "dtype");
    ig_json_text(j, types[t->tensor->dtype].name);
    ig_json_key(j, "shape");
    ig_json_open(j, '[');
    for (int d = 0; d < t->tensor->ndim; d++) ig_json_int(j, t->tensor->shape[d]);
    ig_json_close(j, ']');
    ig_json_key(j, "data_offsets");
    ig_json_open(j, '[');
    ig_json_int(j, begin);
    ig_json_int(j, begin + (int64_t)ig_tensor_bytes(t->tensor));
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}

static ig_status build_header(const ig_named_tensor *t, size_t count, const ig_text_pair *pairs, size_t pair_count, ig_buf *out,
                              ig_error *err) {
    ig_json j = {.out = out};
    int64_t at = 0;
    ig_json_open(&j, '{');
    put_metadata(&j, pairs, pair_count);
    for (size_t i = 0; i < count; i++) {
        put_entry(&j, &t[i], at);
        at += (int64_t)ig_tensor_bytes(t[i].tensor);
    }
    ig_json_close(&j, '}');
    while (out->len % 8 && out->status == IG_OK) ig_buf_putc(out, ' ');
    return ig_buf_status(out, err);
}

/* ---- the file ------------------------------------------------------------------------------------------------------------ */

static ig_status write_tensor(ig_context *ctx, ig_writer *w, const ig_tensor *t, ig_error *err) {
    ig_tensor dense;
    if (ig_tensor_numel(t) == 0) return IG_OK;
    if (ig_tensor_is_contiguous(t)) return ig_writer_write(w, t->data, ig_tensor_bytes(t), err);
    IG_TRY(ig_tensor_new(ctx, t->dtype, t->ndim, t->shape, &dense, err));
    ig_status status = ig_tensor_copy(ctx, &dense, t, err);
    if (status == IG_OK) status = ig_writer_write(w, dense.data, ig_tensor_bytes(&dense), err);
    ig_tensor_unref(&dense);
    return status;
}

static ig_status write_file(ig_context *ctx, const char *path, const ig_buf *header, const ig_named_tensor *t, size_t count,
                            ig_error *err) {
    ig_writer *w;
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)header->len >> (8 * i));
    IG_TRY(ig_writer_open(path, &w, err));
    ig_status status = ig_writer_write(w, length, sizeof length, err);
    if (status == IG_OK) status = ig_writer_write(w, header->data, header->len, err);
    for (size_t i = 0; i < count && status == IG_OK; i++) status = write_tensor(ctx, w, t[i].tensor, err);
    if (status == IG_OK) status = ig_writer_commit(w, err);
    ig_writer_close(w);
    return status;
}

/* Both arrays are the caller's copies, to be sorted. */
static ig_status save(ig_context *ctx, const char *path, ig_named_tensor *t, size_t count, ig_text_pair *pairs,
                      size_t pair_count, ig_error *err) {
    ig_buf header = {.max = IG_SAFETENSORS_HEADER_MAX};
    qsort(pairs, pair_count, sizeof *pairs, by_key);
    qsort(t, count, sizeof *t, by_name);
    IG_TRY(check_pairs(pairs, pair_count, err));
    IG_TRY(check_tensors(t, count, err));
    qsort(t, count, sizeof *t, by_type_and_name);
    ig_status status = build_header(t, count, pairs, pair_count, &header, err);
    if (status == IG_OK) status = write_file(ctx, path, &header, t, count, err);
    ig_buf_fini(&header);
    return status;
}

ig_status ig_safetensors_save(ig_context *ctx, const char *path, const ig_named_tensor *tensors, size_t count,
                              const ig_text_pair *metadata, size_t metadata_count, ig_error *err) {
    static const ig_text_pair otherwise = {"format", "pt"};
    if (!metadata_count) metadata = &otherwise, metadata_count = 1;
    ig_named_tensor *t = ig_calloc(count + 1, sizeof *t);
    ig_text_pair *pairs = ig_calloc(metadata_count, sizeof *pairs);
    ig_status status = t && pairs ? IG_OK : ig_error_nomem(err, count * sizeof *t);
    if (status == IG_OK) {
        if (count) memcpy(t, tensors, count * sizeof *t);
        memcpy(pairs, metadata, metadata_count * sizeof *pairs);
        status = save(ctx, path, t, count, pairs, metadata_count, err);
    }
    ig_free(t);
    ig_free(pairs);
    return status;
}
