/* tensor/tensor.c: element types, storage, and the views over it.
 *
 *     ig_tensor ──storage──► ig_storage {references, bytes, memory}      many views, one memory
 *         └────data────────► first element of this view
 *
 * All sizes are computed with overflow checks here, once; whoever holds an ig_tensor may multiply its sizes.
 */
#include "ingot/tensor.h"

#include <stdatomic.h>
#include <string.h>

#include "tensor/storage.h"

static const struct {
    const char *name;
    size_t size;
} dtype_info[IG_DTYPE_COUNT] = {
    [IG_DTYPE_F32] = {"f32", 4}, [IG_DTYPE_F64] = {"f64", 8}, [IG_DTYPE_F16] = {"f16", 2}, [IG_DTYPE_BF16] = {"bf16", 2},
    [IG_DTYPE_I32] = {"i32", 4}, [IG_DTYPE_I64] = {"i64", 8}, [IG_DTYPE_U8] = {"u8", 1},   [IG_DTYPE_BOOL] = {"bool", 1},
};

size_t ig_dtype_size(ig_dtype d) { return (unsigned)d < IG_DTYPE_COUNT ? dtype_info[d].size : 0; }
const char *ig_dtype_name(ig_dtype d) { return (unsigned)d < IG_DTYPE_COUNT ? dtype_info[d].name : "?"; }
bool ig_dtype_is_float(ig_dtype d) { return d <= IG_DTYPE_BF16; }

bool ig_dtype_parse(const char *name, ig_dtype *out) {
    for (int d = 0; d < IG_DTYPE_COUNT; d++) {
        if (strcmp(name, dtype_info[d].name) == 0) {
            *out = (ig_dtype)d;
            return true;
        }
    }
    return false;
}

/* ---- storage ------------------------------------------------------------------------------------------------------- */

struct ig_storage {
    _Atomic int references;
    tensor_room *room;
    size_t bytes;
    void *data;
};

static ig_status room_make(ig_context *ctx, void **out, ig_error *err) {
    (void)ctx;
    *out = ig_calloc(1, sizeof(tensor_room));
    return *out ? IG_OK : ig_error_nomem(err, sizeof(tensor_room));
}

ig_status ig_tensor_room(ig_context *ctx, tensor_room **out, ig_error *err) {
    void *p = NULL;
    IG_TRY(ig_context_slot(ctx, IG_SLOT_TENSOR, room_make, ig_free, &p, err));
    *out = p;
    return IG_OK;
}

static void count_bytes(tensor_room *room, size_t bytes) {
    uint64_t now = atomic_fetch_add(&room->bytes, bytes) + bytes;
    uint64_t peak = atomic_load(&room->peak_bytes);
    while (now > peak && !atomic_compare_exchange_weak(&room->peak_bytes, &peak, now)) {}
    atomic_fetch_add(&room->allocations, 1);
}

static ig_status storage_new(ig_context *ctx, size_t bytes, bool zeroed, ig_storage **out, ig_error *err) {
    tensor_room *room = NULL;
    IG_TRY(ig_tensor_room(ctx, &room, err));
    ig_storage *s = ig_malloc(sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    void *data = zeroed ? ig_calloc_aligned(bytes) : ig_malloc_aligned(bytes);
    if (!data) {
        ig_free(s);
        return ig_error_nomem(err, bytes);
    }
    *s = (ig_storage){.references = 1, .room = room, .bytes = bytes, .data = data};
    count_bytes(room, bytes);
    *out = s;
    return IG_OK;
}

void ig_tensor_ref(const ig_tensor *t) {
    if (t->storage) atomic_fetch_add(&t->storage->references, 1);
}

void ig_tensor_unref(ig_tensor *t) {
    ig_storage *s = t->storage;
    t->storage = NULL;
    t->data = NULL;
    if (!s || atomic_fetch_sub(&s->references, 1) != 1) return;
    atomic_fetch_sub(&s->room->bytes, s->bytes);
    ig_free_aligned(s->data, s->bytes);
    ig_free(s);
}

void ig_tensor_stats_get(ig_context *ctx, ig_tensor_stats *out) {
    tensor_room *room = NULL;
    *out = (ig_tensor_stats){0};
    if (ig_tensor_room(ctx, &room, NULL) != IG_OK) return;
    out->bytes = atomic_load(&room->bytes);
    out->peak_bytes = atomic_load(&room->peak_bytes);
    out->allocations = atomic_load(&room->allocations);
}

/* ---- making ----------------------------------------------------------------------------------------------------------- */

static void row_major(ig_tensor *t) {
    int64_t step = 1;
    for (int i = t->ndim - 1; i >= 0; i--) {
        t->stride[i] = step;
        step *= t->shape[i] > 0 ? t->shape[i] : 1;
    }
}

ig_status ig_tensor_describe(ig_tensor *t, ig_dtype dtype, int ndim, const int64_t *shape, ig_error *err) {
    size_t size = ig_dtype_size(dtype), bytes = size;
    memset(t, 0, sizeof *t);
    if (!size) return ig_error_set(err, IG_E_DTYPE, "unknown element type %d", (int)dtype);
    if (ndim < 0 || ndim > IG_DIMS_MAX)
        return ig_error_set(err, IG_E_SHAPE, "%d dimensions; at most %d are possible", ndim, IG_DIMS_MAX);
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0) return ig_error_set(err, IG_E_SHAPE, "dimension %d has the negative size %lld", i, (long long)shape[i]);
        /* a zero would hide an overflow of the others, whose strides are still computed */
        size_t factor = shape[i] > 0 ? (size_t)shape[i] : 1;
        if (!ig_mul_size(bytes, factor, &bytes) || bytes > PTRDIFF_MAX / 2)
            return ig_error_set(err, IG_E_SHAPE, "a tensor of %d dimensions with size %lld at dimension %d is too large to address",
                                ndim, (long long)shape[i], i);
        t->shape[i] = shape[i];
    }
    t->dtype = dtype;
    t->ndim = ndim;
    row_major(t);
    return IG_OK;
}

ig_status ig_tensor_alloc(ig_context *ctx, ig_tensor *t, ig_error *err) {
    IG_TRY(storage_new(ctx, ig_tensor_bytes(t), false, &t->storage, err));
    t->data = t->storage->data;
    return IG_OK;
}

ig_status ig_tensor_new(ig_context *ctx, ig_dtype dtype, int ndim, const int64_t *shape, ig_tensor *out, ig_error *err) {
    IG_TRY(ig_tensor_describe(out, dtype, ndim, shape, err));
    return ig_tensor_alloc(ctx, out, err);
}

ig_status ig_tensor_zeros(ig_context *ctx, ig_dtype dtype, int ndim, const int64_t *shape, ig_tensor *out, ig_error *err) {
    IG_TRY(ig_tensor_describe(out, dtype, ndim, shape, err));
    IG_TRY(storage_new(ctx, ig_tensor_bytes(out), true, &out->storage, err));
    out->data = out->storage->data;
    return IG_OK;
}

ig_status ig_tensor_wrap(ig_tensor *t, void *data, ig_dtype dtype, int ndim, const int64_t *shape, ig_error *err) {
    IG_TRY(ig_tensor_describe(t, dtype, ndim, shape, err));
    t->data = data;
    return IG_OK;
}

/* ---- asking ------------------------------------------------------------------------------------------------------------- */

int64_t ig_tensor_numel(const ig_tensor *t) {
    int64_t n = 1;
    for (int i = 0; i < t->ndim; i++) n *= t->shape[i];
    return n;
}

size_t ig_tensor_bytes(const ig_tensor *t) { return (size_t)ig_tensor_numel(t) * ig_dtype_size(t->dtype); }

bool ig_tensor_is_contiguous(const ig_tensor *t) {
    int64_t step = 1;
    for (int i = t->ndim - 1; i >= 0; i--) {
        if (t->shape[i] == 0) return true;
        if (t->shape[i] != 1 && t->stride[i] != step) return false;
        step *= t->shape[i];
    }
    return true;
}

bool ig_tensor_same_shape(const ig_tensor *a, const ig_tensor *b) {
    if (a->ndim != b->ndim) return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

const char *ig_tensor_shape_text(const ig_tensor *t, char *buf, size_t size) {
    size_t at = 0;
    if (size) buf[0] = 0;
    for (int i = 0; i <= t->ndim && at < size; i++) {
        const char *before = i == 0 ? "[" : i < t->ndim ? "," : "";
        int n = i < t->ndim ? snprintf(buf + at, size - at, "%s%lld", before, (long long)t->shape[i])
                            : snprintf(buf + at, size - at, "%s]", t->ndim ? "" : "[");
        at += n > 0 ? (size_t)n : 0;
    }
    return buf;
}

/* ---- views -------------------------------------------------------------------------------------------------------------- */

static void *offset_data(const ig_tensor *t, int64_t elements) {
    return t->data ? (char *)t->data + elements * (int64_t)ig_dtype_size(t->dtype) : NULL;
}

/* Complete one -1 in the wished shape; the element counts must then agree. */
static ig_status reshape_sizes(const ig_tensor *t, int ndim, const int64_t *shape, int64_t *sizes, ig_error *err) {
    char from[128];
    int64_t known = 1, numel = ig_tensor_numel(t);
    int hole = -1;
    if (ndim < 0 || ndim > IG_DIMS_MAX)
        return ig_error_set(err, IG_E_SHAPE, "reshape to %d dimensions; at most %d are possible", ndim, IG_DIMS_MAX);
    for (int i = 0; i < ndim; i++) {
        sizes[i] = shape[i];
        if (shape[i] == -1 && hole < 0) hole = i;
        else if (shape[i] < 0) return ig_error_set(err, IG_E_SHAPE, "reshape: dimension %d has the size %lld", i, (long long)shape[i]);
        else if (__builtin_mul_overflow(known, shape[i], &known))
            return ig_error_set(err, IG_E_SHAPE, "reshape: the wished shape is too large");
    }
    if (hole >= 0 && known > 0 && numel % known == 0) sizes[hole] = numel / known;
    if (hole >= 0 ? (known == 0 || numel % known != 0) : known != numel)
        return ig_error_set(err, IG_E_SHAPE, "reshape of %s (%lld elements) to a shape of %lld elements",
                            ig_tensor_shape_text(t, from, sizeof from), (long long)numel, (long long)known);
    return IG_OK;
}

/* Strides of the wished sizes over the same memory: runs of old dims that are dense among themselves are cut anew.
 * False when a new dimension would span two old ones that do not join. */
static bool reshape_strides(const ig_tensor *t, int ndim, const int64_t *sizes, int64_t *stride) {
    int64_t old_size[IG_DIMS_MAX], old_stride[IG_DIMS_MAX];
    int old_n = 0;
    for (int i = 0; i < t->ndim; i++) {
        if (t->shape[i] == 1) continue;
        if (old_n && old_stride[old_n - 1] == t->stride[i] * t->shape[i]) {
            old_size[old_n - 1] *= t->shape[i];
            old_stride[old_n - 1] = t->stride[i];
        } else {
            old_size[old_n] = t->shape[i];
            old_stride[old_n++] = t->stride[i];
        }
    }
    int o = old_n - 1;
    int64_t left = o >= 0 ? old_size[o] : 1, step = o >= 0 ? old_stride[o] : 1;
    for (int i = ndim - 1; i >= 0; i--) {
        stride[i] = step;
        if (sizes[i] == 1) continue;
        if (left == 1) {
            if (--o < 0) return false;
            left = old_size[o];
            step = stride[i] = old_stride[o];
        }
        if (left % sizes[i] != 0) return false;
        left /= sizes[i];
        step *= sizes[i];
    }
    return true;
}

ig_status ig_tensor_reshape(ig_tensor *view, const ig_tensor *t, int ndim, const int64_t *shape, ig_error *err) {
    int64_t sizes[IG_DIMS_MAX];
    char from[128];
    IG_TRY(reshape_sizes(t, ndim, shape, sizes, err));
    ig_tensor v = *t;
    v.ndim = ndim;
    memcpy(v.shape, sizes, sizeof *sizes * (size_t)ndim);
    if (ig_tensor_numel(t) == 0 || ig_tensor_is_contiguous(t)) row_major(&v);
    else if (!reshape_strides(t, ndim, sizes, v.stride))
        return ig_error_set(err, IG_E_SHAPE, "reshape of a strided view %s needs a copy", ig_tensor_shape_text(t, from, sizeof from));
    *view = v;
    return IG_OK;
}

static ig_status check_axis(const ig_tensor *t, int *axis, ig_error *err) {
    if (*axis < -t->ndim || *axis >= t->ndim)
        return ig_error_set(err, IG_E_SHAPE, "axis %d of a tensor with %d dimensions", *axis, t->ndim);
    if (*axis < 0) *axis += t->ndim;
    return IG_OK;
}

ig_status ig_tensor_transpose(ig_tensor *view, const ig_tensor *t, int a, int b, ig_error *err) {
    IG_TRY(check_axis(t, &a, err));
    IG_TRY(check_axis(t, &b, err));
    ig_tensor v = *t;
    v.shape[a] = t->shape[b], v.shape[b] = t->shape[a];
    v.stride[a] = t->stride[b], v.stride[b] = t->stride[a];
    *view = v;
    return IG_OK;
}

ig_status ig_tensor_slice(ig_tensor *view, const ig_tensor *t, int axis, int64_t begin, int64_t end, ig_error *err) {
    IG_TRY(check_axis(t, &axis, err));
    if (begin < 0 || end < begin || end > t->shape[axis])
        return ig_error_set(err, IG_E_SHAPE, "slice %lld…%lld of dimension %d, which has the size %lld", (long long)begin,
                            (long long)end, axis, (long long)t->shape[axis]);
    ig_tensor v = *t;
    v.shape[axis] = end - begin;
    v.data = offset_data(t, begin * t->stride[axis]);
    *view = v;
    return IG_OK;
}

ig_status ig_tensor_broadcast(ig_tensor *view, const ig_tensor *t, int ndim, const int64_t *shape, ig_error *err) {
    ig_tensor v;
    char from[128], to[128];
    IG_TRY(ig_tensor_describe(&v, t->dtype, ndim, shape, err));
    v.data = t->data, v.storage = t->storage;
    for (int i = 0; i < ndim; i++) {
        int j = i - (ndim - t->ndim);
        bool fits = j < 0 || t->shape[j] == shape[i] || t->shape[j] == 1;
        if (!fits || ndim < t->ndim)
            return ig_error_set(err, IG_E_SHAPE, "%s does not broadcast to %s", ig_tensor_shape_text(t, from, sizeof from),
                                ig_tensor_shape_text(&v, to, sizeof to));
        v.stride[i] = j < 0 || (t->shape[j] == 1 && shape[i] != 1) ? 0 : t->stride[j];
    }
    *view = v;
    return IG_OK;
}
