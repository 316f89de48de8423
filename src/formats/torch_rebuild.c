/* formats/torch_rebuild.c: the names that a checkpoint's pickle may use, and what they make.
 *
 * The list below is all there is.  A name that is not on it is refused before it is called; a call on it fills structs of
 * ours and runs nothing of the file's.  What the functions mean is in PyTorch's torch/_utils.py and torch/serialization.py.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/torch.h"

static const torch_type types[] = {
    {"FloatStorage", IG_DTYPE_F32, 4, "f32"},     {"DoubleStorage", IG_DTYPE_F64, 8, "f64"},
    {"HalfStorage", IG_DTYPE_F16, 2, "f16"},      {"BFloat16Storage", IG_DTYPE_BF16, 2, "bf16"},
    {"LongStorage", IG_DTYPE_I64, 8, "i64"},      {"IntStorage", IG_DTYPE_I32, 4, "i32"},
    {"ByteStorage", IG_DTYPE_U8, 1, "u8"},        {"BoolStorage", IG_DTYPE_BOOL, 1, "bool"},
    {"ShortStorage", TORCH_NOT_OURS, 2, "i16"},   {"CharStorage", TORCH_NOT_OURS, 1, "i8"},
    {"ComplexFloatStorage", TORCH_NOT_OURS, 8, "complex64"}, {"ComplexDoubleStorage", TORCH_NOT_OURS, 16, "complex128"},
};
#define TYPES (sizeof types / sizeof *types)

enum { REBUILD_TENSOR = TYPES, REBUILD_PARAMETER, DICTIONARY, SET, SIZE, BYTES, OTHER }; /* below: a storage of this type */

static const struct {
    const char *module, *name;
    int64_t number;
} names[] = {
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR},
    {"torch._utils", "_rebuild_tensor", REBUILD_TENSOR},
    {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER},
    {"torch._utils", "_rebuild_parameter_with_state", REBUILD_PARAMETER},
    {"collections", "OrderedDict", DICTIONARY},
    {"builtins", "set", SET},
    {"builtins", "frozenset", SET},
    {"__builtin__", "set", SET},
    {"__builtin__", "frozenset", SET},
    {"torch", "Size", SIZE},
    {"_codecs", "encode", BYTES},
    {"builtins", "bytes", BYTES},
    {"__builtin__", "bytes", BYTES},
    {"torch", "device", OTHER},
};

static const char *const dtypes[] = {"float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8",
                                     "uint8", "bool", "complex64", "complex128"};

static ig_status accept_name(void *arg, pickle_text module, pickle_text name, int64_t *number, ig_error *err) {
    (void)arg;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        *number = names[i].number;
        if (pickle_text_is(module, names[i].module) && pickle_text_is(name, names[i].name)) return IG_OK;
    }
    bool torch = pickle_text_is(module, "torch");
    *number = OTHER;
    for (size_t i = 0; torch && i < sizeof dtypes / sizeof *dtypes; i++)
        if (pickle_text_is(name, dtypes[i])) return IG_OK;
    for (size_t i = 0; (torch || pickle_text_is(module, "torch.cuda")) && i < TYPES; i++) {
        *number = (int64_t)i;
        if (pickle_text_is(name, types[i].storage)) return IG_OK;
    }
    return ig_error_set(err, IG_E_UNSUPPORTED,
                        "it names %.*s.%.*s, which is neither a tensor nor a plain container; save a state_dict() instead",
                        TORCH_SHOWN(module), TORCH_SHOWN(name));
}

ig_status torch_grow(void **array, size_t *cap, size_t count, size_t item_bytes, ig_error *err) {
    if (count < *cap) return IG_OK;
    size_t more = *cap ? 2 * *cap : 32;
    void *a = ig_realloc_array(*array, more, item_bytes);
    if (!a) return ig_error_nomem(err, more * item_bytes);
    *array = a;
    *cap = more;
    return IG_OK;
}

static ig_status new_object(pickle_heap *h, int kind, size_t index, pickle_value **out, ig_error *err) {
    IG_TRY(pickle_new(h, PICKLE_OBJECT, out, err));
    (*out)->object.kind = kind;
    (*out)->object.index = index;
    return IG_OK;
}

static const pickle_value *arg_at(const pickle_value *args, size_t i, pickle_type type) {
    return i < args->list.count && args->list.item[i]->type == type ? args->list.item[i] : NULL;
}

/* ---- storages ------------------------------------------------------------------------------------------------------------ */

/* (key, offset, length) of a storage that shows a part of another; files before PyTorch 1.6 have them. */
static ig_status take_part(torch_ref *r, const pickle_value *view, ig_error *err) {
    const pickle_value *offset = arg_at(view, 1, PICKLE_INT), *length = arg_at(view, 2, PICKLE_INT);
    if (!offset || !length || offset->integer < 0 || length->integer < 0 || (uint64_t)offset->integer > r->count ||
        (uint64_t)length->integer > r->count - (uint64_t)offset->integer)
        return ig_error_set(err, IG_E_FORMAT, "a view of a storage that does not lie in it");
    r->base = (uint64_t)offset->integer;
    r->length = (uint64_t)length->integer;
    return IG_OK;
}

/* ("storage", type, key, location, count[, view]) */
static ig_status persistent(void *arg, pickle_heap *h, const pickle_value *id, pickle_value **out, ig_error *err) {
    ig_torch *t = arg;
    if (id->type != PICKLE_TUPLE) return ig_error_set(err, IG_E_FORMAT, "a persistent id that is no tuple");
    const pickle_value *tag = arg_at(id, 0, PICKLE_TEXT), *type = arg_at(id, 1, PICKLE_NAME), *key = arg_at(id, 2, PICKLE_TEXT);
    const pickle_value *count = arg_at(id, 4, PICKLE_INT), *view = arg_at(id, 5, PICKLE_TUPLE);
    if (tag && pickle_text_is(tag->text, "module"))
        return ig_error_set(err, IG_E_UNSUPPORTED, "it holds a whole module with its source; save its state_dict() instead");
    if (!tag || !pickle_text_is(tag->text, "storage") || !type || type->integer >= (int64_t)TYPES || !key || !count ||
        count->integer < 0)
        return ig_error_set(err, IG_E_FORMAT, "a persistent id that is not (\"storage\", type, key, location, count)");
    torch_ref r = {.key = key->text, .type = &types[type->integer], .count = (uint64_t)count->integer};
    r.length = r.count;
    if (view) IG_TRY(take_part(&r, view, err));
    IG_TRY(torch_grow((void **)&t->ref, &t->ref_cap, t->ref_count, sizeof *t->ref, err));
    t->ref[t->ref_count] = r;
    return new_object(h, TORCH_OBJECT_STORAGE, t->ref_count++, out, err);
}

static int compare_keys(pickle_text a, pickle_text b) {
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int by_key(const void *a, const void *b) {
    return compare_keys((*(torch_ref *const *)a)->key, (*(torch_ref *const *)b)->key);
}

static ig_status unite(ig_torch *t, torch_ref **order, ig_error *err) {
    for (size_t i = 0; i < t->ref_count; i++) order[i] = &t->ref[i];
    qsort(order, t->ref_count, sizeof *order, by_key);
    for (size_t i = 0; i < t->ref_count; i++) {
        torch_ref *r = order[i];
        torch_storage *s = t->storage_count ? &t->storage[t->storage_count - 1] : NULL;
        if (!s || compare_keys(s->key, r->key) != 0) {
            s = &t->storage[t->storage_count++];
            *s = (torch_storage){.key = r->key, .type = r->type, .count = r->count};
        }
        if (s->type != r->type || s->count != r->count)
            return ig_error_at(err, IG_E_FORMAT, t->file, 0, "storage %.*s is %llu %s here and %llu %s there",
                               TORCH_SHOWN(r->key), (unsigned long long)s->count, s->type->name, (unsigned long long)r->count,
                               r->type->name);
        r->storage = t->storage_count - 1;
    }
    return IG_OK;
}

ig_status torch_unite(ig_torch *t, ig_error *err) {
    torch_ref **order = ig_calloc(t->ref_count + 1, sizeof *order);
    t->storage = ig_calloc(t->ref_count + 1, sizeof *t->storage);
    ig_status status = order && t->storage ? unite(t, order, err) : ig_error_nomem(err, t->ref_count * sizeof *t->storage);
    ig_free(order);
    return status;
}

torch_storage *torch_find_storage(const ig_torch *t, pickle_text key) {
    size_t low = 0, high = t->storage_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_keys(key, t->storage[middle].key);
        if (order == 0) return &t->storage[middle];
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static ig_status take_shape(torch_tensor *x, const torch_type *type, const pickle_value *size, const pickle_value *stride,
                            ig_error *err) {
    int64_t shape[IG_DIMS_MAX];
    size_t n = size->list.count;
    if (n > IG_DIMS_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a tensor of %zu dimensions, at most %d are supported", n, IG_DIMS_MAX);
    if (stride->list.count != n)
        return ig_error_set(err, IG_E_FORMAT, "a tensor with %zu sizes and %zu strides", n, stride->list.count);
    for (size_t d = 0; d < n; d++) {
        const pickle_value *a = arg_at(size, d, PICKLE_INT), *b = arg_at(stride, d, PICKLE_INT);
        if (!a || !b || a->integer < 0 || b->integer < 0)
            return ig_error_set(err, IG_E_FORMAT, "a size or stride of a tensor is no positive integer");
        shape[d] = a->integer;
    }
    ig_dtype dtype = type->dtype == TORCH_NOT_OURS ? IG_DTYPE_U8 : (ig_dtype)type->dtype;
    ig_error why;
    if (ig_tensor_describe(&x->view, dtype, (int)n, shape, &why) != IG_OK)
        return ig_error_set(err, IG_E_FORMAT, "the shape of a tensor: %s", why.message);
    for (size_t d = 0; d < n; d++) x->view.stride[d] = stride->list.item[d]->integer;
    return IG_OK;
}

/* The last element must lie in what the reference sees of its storage.  Strides of 0 repeat elements, and a small file must
 * not become an endless tensor that way. */
static ig_status check_place(const torch_tensor *x, const torch_ref *r, uint64_t offset, ig_error *err) {
    uint64_t last = offset, step, numel = (uint64_t)ig_tensor_numel(&x->view);
    bool fits = offset <= r->length;
    for (int d = 0; d < x->view.ndim && numel && fits; d++)
        fits = !__builtin_mul_overflow((uint64_t)x->view.shape[d] - 1, (uint64_t)x->view.stride[d], &step) &&
               !__builtin_add_overflow(last, step, &last);
    if (!fits || (numel && last >= r->length))
        return ig_error_set(err, IG_E_FORMAT, "a tensor reaches past the %llu elements of storage %.*s",
                            (unsigned long long)r->length, TORCH_SHOWN(r->key));
    if (numel > r->count && numel > IG_TORCH_REPEATED_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a tensor shows %llu elements as %llu, at most %d are allowed",
                            (unsigned long long)r->count, (unsigned long long)numel, IG_TORCH_REPEATED_MAX);
    return IG_OK;
}

/* (storage, offset, size, stride, …); gradients and hooks follow, which a reader of numbers has no use for */
static ig_status rebuild_tensor(ig_torch *t, pickle_heap *h, const pickle_value *args, pickle_value **out, ig_error *err) {
    const pickle_value *storage = arg_at(args, 0, PICKLE_OBJECT), *offset = arg_at(args, 1, PICKLE_INT);
    const pickle_value *size = arg_at(args, 2, PICKLE_TUPLE), *stride = arg_at(args, 3, PICKLE_TUPLE);
    torch_tensor x = {0};
    if (!storage || storage->object.kind != TORCH_OBJECT_STORAGE || !offset || offset->integer < 0 || !size || !stride)
        return ig_error_set(err, IG_E_FORMAT, "a tensor must be made of a storage, an offset, sizes and strides");
    const torch_ref *r = &t->ref[storage->object.index];
    IG_TRY(take_shape(&x, r->type, size, stride, err));
    IG_TRY(check_place(&x, r, (uint64_t)offset->integer, err));
    x.ref = storage->object.index;
    x.begin = r->base + (uint64_t)offset->integer;
    IG_TRY(torch_grow((void **)&t->tensor, &t->tensor_cap, t->tensor_count, sizeof *t->tensor, err));
    t->tensor[t->tensor_count] = x;
    return new_object(h, TORCH_OBJECT_TENSOR, t->tensor_count++, out, err);
}

static ig_status rebuild_parameter(const pickle_value *args, pickle_value **out, ig_error *err) {
    const pickle_value *tensor = arg_at(args, 0, PICKLE_OBJECT);
    if (!tensor || tensor->object.kind != TORCH_OBJECT_TENSOR)
        return ig_error_set(err, IG_E_FORMAT, "a parameter without a tensor");
    *out = args->list.item[0];
    return IG_OK;
}

/* ---- plain values ------------------------------------------------------------------------------------------------ */

/* OrderedDict(), or OrderedDict([[key, value], …]) as Python 2 wrote it */
static ig_status make_dictionary(pickle_heap *h, const pickle_value *args, pickle_value **out, ig_error *err) {
    IG_TRY(pickle_new(h, PICKLE_DICT, out, err));
    if (!args->list.count) return IG_OK;
    const pickle_value *pairs = arg_at(args, 0, PICKLE_LIST);
    for (size_t i = 0; pairs && i < pairs->list.count; i++) {
        const pickle_value *p = pairs->list.item[i];
        if ((p->type != PICKLE_LIST && p->type != PICKLE_TUPLE) || p->list.count != 2)
            return ig_error_set(err, IG_E_FORMAT, "an ordered dictionary of something else than pairs");
        IG_TRY(pickle_append(h, *out, p->list.item[0], err));
        IG_TRY(pickle_append(h, *out, p->list.item[1], err));
    }
    return pairs ? IG_OK : ig_error_set(err, IG_E_FORMAT, "an ordered dictionary of something else than a list");
}

static ig_status make_set(pickle_heap *h, const pickle_value *args, pickle_value **out, ig_error *err) {
    IG_TRY(pickle_new(h, PICKLE_SET, out, err));
    const pickle_value *items = arg_at(args, 0, PICKLE_LIST);
    if (args->list.count && !items) return ig_error_set(err, IG_E_FORMAT, "a set of something else than a list");
    for (size_t i = 0; items && i < items->list.count; i++) IG_TRY(pickle_append(h, *out, items->list.item[i], err));
    return IG_OK;
}

static ig_status make_size(const pickle_value *args, pickle_value **out, ig_error *err) {
    if (!arg_at(args, 0, PICKLE_TUPLE)) return ig_error_set(err, IG_E_FORMAT, "a torch.Size of something else than a tuple");
    *out = args->list.item[0];
    return IG_OK;
}

static ig_status call(void *arg, pickle_heap *h, int64_t number, const pickle_value *args, pickle_value **out, ig_error *err) {
    switch (number) {
    case REBUILD_TENSOR: return rebuild_tensor(arg, h, args, out, err);
    case REBUILD_PARAMETER: return rebuild_parameter(args, out, err);
    case DICTIONARY: return make_dictionary(h, args, out, err);
    case SET: return make_set(h, args, out, err);
    case SIZE: return make_size(args, out, err);
    case BYTES: return pickle_new(h, PICKLE_BYTES, out, err); /* their content is asked for by nobody */
    case OTHER: return new_object(h, TORCH_OBJECT_OTHER, 0, out, err);
    default: return ig_error_set(err, IG_E_FORMAT, "it calls %s", types[number].storage);
    }
}

pickle_host torch_host(ig_torch *t) { return (pickle_host){t, accept_name, call, persistent}; }
