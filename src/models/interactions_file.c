/* models/interactions_file.c: interactions.safetensors, what a recommending model has learned from.
 *
 *     user_ids, item_ids  u8 [bytes]     texts in the order of their numbers, each with a NUL behind it
 *     offset              i64 [users+1]  item, value: i32, f32 [count]    one row per user, items rising
 *
 * The file comes from outside: rows must fit together and ids be different before anything is looked up by them.
 */
#include "models/interactions_file.h"

#include <math.h>
#include <string.h>

#include "ingot/formats.h"
#include "models/model_folder.h"

/* ---- writing ---- */

static ig_status wrap(ig_tensor *t, const void *data, ig_dtype type, size_t n, ig_error *err) {
    static char none;
    int64_t shape[1] = {(int64_t)n};
    return ig_tensor_wrap(t, n ? (void *)data : &none, type, 1, shape, err);
}

ig_status interactions_file_save(ig_context *ctx, const ig_interactions *x, const char *folder, ig_error *err) {
    ig_tensor t[5];
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, folder, INTERACTIONS_FILE, err));
    IG_TRY(wrap(&t[0], x->users.bytes, IG_DTYPE_U8, x->users.len, err));
    IG_TRY(wrap(&t[1], x->items.bytes, IG_DTYPE_U8, x->items.len, err));
    IG_TRY(wrap(&t[2], x->offset, IG_DTYPE_I64, x->users.count + 1, err));
    IG_TRY(wrap(&t[3], x->item, IG_DTYPE_I32, x->count, err));
    IG_TRY(wrap(&t[4], x->value, IG_DTYPE_F32, x->count, err));
    ig_named_tensor list[5] = {{"user_ids", &t[0]}, {"item_ids", &t[1]}, {"offset", &t[2]}, {"item", &t[3]}, {"value", &t[4]}};
    return ig_safetensors_save(ctx, path, list, 5, NULL, 0, err);
}

/* ---- reading ---- */

typedef struct reading {
    ig_context *ctx;
    ig_safetensors *f;
    const char *path;
    ig_interactions *x;
} reading;

static ig_status describe(const reading *r, const char *name, ig_dtype type, int64_t *index, size_t *n, ig_error *err) {
    ig_tensor t;
    *index = ig_safetensors_find(r->f, name);
    if (*index < 0) return ig_error_at(err, IG_E_FORMAT, r->path, 0, "%s is missing", name);
    IG_TRY(ig_safetensors_describe(r->f, (size_t)*index, &t, err));
    if (t.dtype != type || t.ndim != 1) return ig_error_at(err, IG_E_FORMAT, r->path, 0, "%s has not the type and shape that it should have", name);
    *n = (size_t)t.shape[0];
    return IG_OK;
}

/* *out gets n elements, and one more for n = 0; the caller's even when reading fails. */
static ig_status read_all(const reading *r, const char *name, ig_dtype type, size_t size, void **out, size_t *n, ig_error *err) {
    int64_t index, shape[1];
    ig_tensor t;
    IG_TRY(describe(r, name, type, &index, n, err));
    *out = ig_calloc(*n + 1, size);
    if (!*out) return ig_error_nomem(err, *n * size);
    shape[0] = (int64_t)*n;
    IG_TRY(ig_tensor_wrap(&t, *out, type, 1, shape, err));
    return *n ? ig_safetensors_read(r->ctx, r->f, (size_t)index, &t, err) : IG_OK;
}

static ig_status take_ids(const reading *r, const char *name, const char *bytes, size_t n, ig_id_table *t, ig_error *err) {
    for (size_t at = 0; at < n;) {
        size_t len = strnlen(bytes + at, n - at), before = t->count;
        int32_t number;
        ig_error what = {0};
        if (at + len == n) return ig_error_at(err, IG_E_FORMAT, r->path, 0, "%s: the last id has no end", name);
        ig_status s = ig_id_table_add(t, bytes + at, len, &number, &what);
        if (s != IG_OK) return ig_error_at(err, s, r->path, 0, "%s, id %zu: %s", name, t->count, what.message);
        if (t->count == before) return ig_error_at(err, IG_E_FORMAT, r->path, 0, "%s: \"%.60s\" stands there twice", name, bytes + at);
        at += len + 1;
    }
    return IG_OK;
}

static ig_status read_ids(const reading *r, const char *name, ig_id_table *t, ig_error *err) {
    char *bytes = NULL;
    size_t n;
    ig_status s = read_all(r, name, IG_DTYPE_U8, 1, (void **)&bytes, &n, err);
    if (s == IG_OK) s = take_ids(r, name, bytes, n, t, err);
    ig_free(bytes);
    return s;
}

static ig_status check_row(const reading *r, size_t u, ig_error *err) {
    const ig_interactions *x = r->x;
    for (int64_t k = x->offset[u]; k < x->offset[u + 1]; k++) {
        bool inside = x->item[k] >= 0 && (size_t)x->item[k] < x->items.count;
        bool rising = k == x->offset[u] || x->item[k] > x->item[k - 1];
        if (!inside || !rising || !isfinite(x->value[k]))
            return ig_error_at(err, IG_E_FORMAT, r->path, 0, "row %zu: the items are not rising numbers below %zu with finite values", u, x->items.count);
    }
    return IG_OK;
}

static ig_status check_rows(const reading *r, size_t offsets, size_t values, ig_error *err) {
    const ig_interactions *x = r->x;
    bool fits = offsets == x->users.count + 1 && values == x->count && x->offset[0] == 0 && x->offset[offsets - 1] == (int64_t)x->count;
    for (size_t u = 0; fits && u < x->users.count; u++) fits = x->offset[u] <= x->offset[u + 1];
    if (!fits) return ig_error_at(err, IG_E_FORMAT, r->path, 0, "offset, item, value and user_ids do not fit together");
    for (size_t u = 0; u < x->users.count; u++) IG_TRY(check_row(r, u, err));
    return IG_OK;
}

static ig_status read_file(reading *r, ig_error *err) {
    size_t offsets, values;
    IG_TRY(read_ids(r, "user_ids", &r->x->users, err));
    IG_TRY(read_ids(r, "item_ids", &r->x->items, err));
    IG_TRY(read_all(r, "offset", IG_DTYPE_I64, sizeof(int64_t), (void **)&r->x->offset, &offsets, err));
    IG_TRY(read_all(r, "item", IG_DTYPE_I32, sizeof(int32_t), (void **)&r->x->item, &r->x->count, err));
    IG_TRY(read_all(r, "value", IG_DTYPE_F32, sizeof(float), (void **)&r->x->value, &values, err));
    return check_rows(r, offsets, values, err);
}

ig_status interactions_file_load(ig_context *ctx, const char *dir, ig_interactions *out, ig_error *err) {
    char path[IG_PATH_MAX];
    reading r = {.ctx = ctx, .path = path, .x = out};
    IG_TRY(model_file(dir, INTERACTIONS_FILE, path, err));
    IG_TRY(ig_safetensors_open(path, &r.f, err));
    ig_status s = read_file(&r, err);
    ig_safetensors_close(r.f);
    return s;
}
