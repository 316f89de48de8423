/* formats/safetensors_save.c: writing.  Header first, padded with spaces to a multiple of 8, then the tensors, larger
 * elements first and then by name, so that every tensor starts aligned to its element.
 */
#include <stdlib.h>
#include <string.h>

#include "ingot/formats.h"

static const char *type_name(ig_dtype d) {
    static const char *const names[IG_DTYPE_COUNT] = {[IG_DTYPE_F32] = "F32", [IG_DTYPE_F64] = "F64", [IG_DTYPE_F16] = "F16", [IG_DTYPE_BF16] = "BF16",
                                                      [IG_DTYPE_I32] = "I32", [IG_DTYPE_I64] = "I64", [IG_DTYPE_U8] = "U8",   [IG_DTYPE_BOOL] = "BOOL"};
    return names[d];
}

static int order(const void *a, const void *b) {
    const ig_named_tensor *x = a, *y = b;
    size_t sx = ig_dtype_size(x->tensor->dtype), sy = ig_dtype_size(y->tensor->dtype);
    return sx != sy ? (sx < sy ? 1 : -1) : strcmp(x->name, y->name);
}

static void put_metadata(ig_json *j, const ig_text_pair *pairs, size_t count) {
    ig_json_key(j, "__metadata__"), ig_json_open(j, '{');
    if (!count) ig_json_key(j, "format"), ig_json_text(j, "pt");
    for (size_t i = 0; i < count; i++) ig_json_key(j, pairs[i].key), ig_json_text(j, pairs[i].value);
    ig_json_close(j, '}');
}

static ig_status build_header(const ig_named_tensor *t, size_t count, const ig_text_pair *pairs, size_t pair_count, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    int64_t at = 0;
    ig_json_open(&j, '{');
    put_metadata(&j, pairs, pair_count);
    for (size_t i = 0; i < count; i++) {
        if (i && strcmp(t[i].name, t[i - 1].name) == 0) return ig_error_set(err, IG_E_EXISTS, "two tensors are called %s", t[i].name);
        int64_t bytes = (int64_t)ig_tensor_bytes(t[i].tensor);
        ig_json_key(&j, t[i].name), ig_json_open(&j, '{');
        ig_json_key(&j, "dtype"), ig_json_text(&j, type_name(t[i].tensor->dtype));
        ig_json_key(&j, "shape"), ig_json_open(&j, '[');
        for (int d = 0; d < t[i].tensor->ndim; d++) ig_json_int(&j, t[i].tensor->shape[d]);
        ig_json_close(&j, ']');
        ig_json_key(&j, "data_offsets"), ig_json_open(&j, '['), ig_json_int(&j, at), ig_json_int(&j, at + bytes), ig_json_close(&j, ']');
        ig_json_close(&j, '}');
        at += bytes;
    }
    ig_json_close(&j, '}');
    while (out->len % 8 && out->status == IG_OK) ig_buf_putc(out, ' ');
    return ig_buf_status(out, err);
}

static ig_status write_tensor(ig_context *ctx, ig_writer *w, const ig_tensor *t, ig_error *err) {
    if (ig_tensor_numel(t) == 0) return IG_OK;
    if (ig_tensor_is_contiguous(t)) return ig_writer_write(w, t->data, ig_tensor_bytes(t), err);
    ig_tensor dense;
    IG_TRY(ig_tensor_new(ctx, t->dtype, t->ndim, t->shape, &dense, err));
    ig_status s = ig_tensor_copy(ctx, &dense, t, err);
    if (s == IG_OK) s = ig_writer_write(w, dense.data, ig_tensor_bytes(&dense), err);
    ig_tensor_unref(&dense);
    return s;
}

static ig_status write_all(ig_context *ctx, const char *path, const ig_buf *header, const ig_named_tensor *t, size_t count, ig_error *err) {
    ig_writer *w = NULL;
    uint8_t length[8];
    IG_TRY(ig_writer_open(path, &w, err));
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)header->len >> (8 * i));
    ig_status s = ig_writer_write(w, length, 8, err);
    if (s == IG_OK) s = ig_writer_write(w, header->data, header->len, err);
    for (size_t i = 0; i < count && s == IG_OK; i++) s = write_tensor(ctx, w, t[i].tensor, err);
    if (s == IG_OK) s = ig_writer_commit(w, err);
    ig_writer_close(w);
    return s;
}

ig_status ig_safetensors_save(ig_context *ctx, const char *path, const ig_named_tensor *tensors, size_t count, const ig_text_pair *metadata,
                              size_t metadata_count, ig_error *err) {
    ig_buf header = {.max = IG_SAFETENSORS_HEADER_MAX};
    ig_named_tensor *sorted = ig_calloc(count + 1, sizeof *sorted);
    if (!sorted) return ig_error_nomem(err, count * sizeof *sorted);
    if (count) memcpy(sorted, tensors, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, order);
    ig_status s = build_header(sorted, count, metadata, metadata_count, &header, err);
    if (s == IG_OK) s = write_all(ctx, path, &header, sorted, count, err);
    ig_buf_fini(&header);
    ig_free(sorted);
    return s;
}
