/* formats/torch.c: opening a PyTorch checkpoint, asking for its tensors and reading them.
 *
 * The forms are told apart by their first bytes.  A storage is loaded when one of its tensors is read and kept until another
 * one is needed, because tensors that share a storage stand beside each other.
 */
#include <string.h>

#include "formats/torch.h"

#define FAIL(code, ...) return ig_error_at(err, code, t->file, 0, __VA_ARGS__)

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static ig_status parse(ig_torch *t, const char *name, const uint8_t *bytes, size_t size, ig_error *err) {
    t->file = ig_strdup(name);
    if (!t->file) return ig_error_nomem(err, strlen(name) + 1);
    if (size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0) return torch_open_zip(t, bytes, size, err);
    if (size >= 2 && bytes[0] == 0x80) return torch_open_legacy(t, bytes, size, err);
    FAIL(IG_E_FORMAT, "the file begins neither like a zip archive nor like a pickle: no checkpoint that torch.save wrote");
}

ig_status ig_torch_open_memory(const char *name, const void *bytes, size_t size, ig_torch **out, ig_error *err) {
    *out = NULL;
    ig_torch *t = ig_calloc(1, sizeof *t);
    if (!t) return ig_error_nomem(err, sizeof *t);
    ig_status status = parse(t, name, bytes, size, err);
    if (status == IG_OK) *out = t;
    else ig_torch_close(t);
    return status;
}

ig_status ig_torch_open(const char *path, ig_torch **out, ig_error *err) {
    ig_map_file map;
    *out = NULL;
    IG_TRY(ig_file_map(path, &map, err));
    ig_status status = ig_torch_open_memory(path, map.data, map.size, out, err);
    if (status == IG_OK) (*out)->map = map;
    else ig_file_unmap(&map);
    return status;
}

void ig_torch_close(ig_torch *t) {
    if (!t) return;
    for (size_t i = 0; i < t->entry_count; i++) {
        ig_free(t->entry[i].name);
        ig_free(t->entry[i].text);
    }
    ig_free(t->entry);
    ig_free(t->by_name);
    ig_free(t->tensor);
    ig_free(t->storage);
    ig_free(t->ref);
    if (t->loaded) ig_free_aligned(t->loaded, t->loaded_bytes);
    torch_close_zip(t);
    ig_buf_fini(&t->pickle);
    ig_file_unmap(&t->map);
    ig_free(t->file);
    ig_free(t);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

size_t ig_torch_count(const ig_torch *t) { return t->named_tensors; }

const char *ig_torch_name(const ig_torch *t, size_t i) { return i < t->named_tensors ? t->entry[i].name : NULL; }

static const torch_entry *find(const ig_torch *t, const char *name, torch_kind kind) {
    size_t low = 0, high = t->entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, t->by_name[middle]->name);
        if (order == 0) return t->by_name[middle]->kind == kind ? t->by_name[middle] : NULL;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}

int64_t ig_torch_find(const ig_torch *t, const char *name) {
    const torch_entry *e = find(t, name, TORCH_TENSOR);
    return e ? e - t->entry : -1;
}

bool ig_torch_number(const ig_torch *t, const char *name, double *out) {
    const torch_entry *e = find(t, name, TORCH_NUMBER);
    if (e) *out = e->number;
    return e != NULL;
}

const char *ig_torch_text(const ig_torch *t, const char *name) {
    const torch_entry *e = find(t, name, TORCH_TEXT);
    return e ? e->text : NULL;
}

static ig_status tensor_at(const ig_torch *t, size_t i, const torch_tensor **out, ig_error *err) {
    *out = NULL;
    if (i >= t->named_tensors) FAIL(IG_E_ARG, "tensor %zu of %zu", i, t->named_tensors);
    const torch_tensor *x = &t->tensor[t->entry[i].tensor];
    const torch_type *type = t->ref[x->ref].type;
    if (type->dtype == TORCH_NOT_OURS)
        FAIL(IG_E_UNSUPPORTED, "tensor %.200s has the type %s, which is not supported", t->entry[i].name, type->name);
    *out = x;
    return IG_OK;
}

ig_status ig_torch_describe(const ig_torch *t, size_t i, ig_tensor *shape, ig_error *err) {
    const torch_tensor *x;
    IG_TRY(tensor_at(t, i, &x, err));
    return ig_tensor_describe(shape, x->view.dtype, x->view.ndim, x->view.shape, err);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The rest of Ingot relies on 0 and 1. */
static ig_status check_bools(const ig_torch *t, const torch_storage *s, const uint8_t *bytes, ig_error *err) {
    if (s->type->dtype != IG_DTYPE_BOOL) return IG_OK;
    for (uint64_t i = 0; i < s->count; i++)
        if (bytes[i] > 1)
            FAIL(IG_E_FORMAT, "storage %.*s: the byte %u is no bool, which is 0 or 1", TORCH_SHOWN(s->key), bytes[i]);
    return IG_OK;
}

static void drop_loaded(ig_torch *t) {
    if (t->loaded) ig_free_aligned(t->loaded, t->loaded_bytes);
    t->loaded = NULL;
}

/* A copy of its bytes, aligned. */
static ig_status load_copy(ig_torch *t, size_t number, const uint8_t **out, ig_error *err) {
    const torch_storage *s = &t->storage[number];
    size_t bytes = (size_t)(s->count * s->type->bytes);
    *out = t->loaded;
    if (t->loaded && t->loaded_storage == number) return IG_OK;
    drop_loaded(t);
    t->loaded = ig_malloc_aligned(bytes + !bytes);
    if (!t->loaded) return ig_error_nomem(err, bytes);
    t->loaded_bytes = bytes + !bytes;
    t->loaded_storage = number;
    ig_status status = IG_OK;
    if (s->data) memcpy(t->loaded, s->data, bytes);
    else status = torch_read_entry(t, s->entry, t->loaded, bytes, err);
    if (status == IG_OK) status = check_bools(t, s, t->loaded, err);
    if (status != IG_OK) drop_loaded(t);
    *out = t->loaded;
    return status;
}

static ig_status load(ig_torch *t, size_t number, const uint8_t **out, ig_error *err) {
    const torch_storage *s = &t->storage[number];
    *out = s->data;
    if (s->data && (uintptr_t)s->data % s->type->bytes == 0) return check_bools(t, s, s->data, err);
    return load_copy(t, number, out, err);
}

ig_status ig_torch_read(ig_context *ctx, ig_torch *t, size_t i, const ig_tensor *dst, ig_error *err) {
    const torch_tensor *x;
    const uint8_t *bytes;
    char have[96], want[96];
    IG_TRY(tensor_at(t, i, &x, err));
    if (!ig_tensor_same_shape(&x->view, dst))
        FAIL(IG_E_SHAPE, "tensor %.200s is %s in the file, %s was expected", t->entry[i].name,
             ig_tensor_shape_text(&x->view, have, sizeof have), ig_tensor_shape_text(dst, want, sizeof want));
    if (ig_tensor_numel(dst) == 0) return IG_OK;
    IG_TRY(load(t, t->ref[x->ref].storage, &bytes, err));
    ig_tensor src = x->view;
    src.data = (void *)(uintptr_t)(bytes + x->begin * ig_dtype_size(src.dtype)); /* only read */
    return ig_tensor_copy(ctx, dst, &src, err);
}
