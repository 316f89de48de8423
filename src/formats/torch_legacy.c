/* formats/torch_legacy.c: the form before PyTorch 1.6: five pickles and the storages, one after the other.
 *
 * The layout is drawn in ingot/formats.h.  Nothing is copied: a storage is a place in the file.
 */
#include <string.h>

#include "formats/torch.h"

#define FAIL(code, ...) return ig_error_at(err, code, t->file, 0, __VA_ARGS__)
#define PROTOCOL 1001

static const uint8_t magic[10] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

typedef struct reading {
    ig_torch *t;
    const uint8_t *at, *end;
    pickle_heap heap;
    pickle_host host;
} reading;

static ig_status next_pickle(reading *r, pickle_value **out, ig_error *err) {
    size_t used = 0;
    *out = NULL;
    IG_TRY(pickle_run(r->t->file, r->at, (size_t)(r->end - r->at), &r->heap, &r->host, out, &used, err));
    r->at += used;
    return IG_OK;
}

static ig_status check_system(const ig_torch *t, const pickle_value *system, ig_error *err) {
    for (size_t i = 0; system->type == PICKLE_DICT && i + 1 < system->list.count; i += 2) {
        const pickle_value *key = system->list.item[i], *value = system->list.item[i + 1];
        if (key->type == PICKLE_TEXT && pickle_text_is(key->text, "little_endian") &&
            (value->type != PICKLE_BOOL || !value->boolean))
            FAIL(IG_E_UNSUPPORTED, "the file is big-endian; only little-endian files are read");
    }
    return IG_OK;
}

static ig_status take_preamble(reading *r, ig_error *err) {
    const ig_torch *t = r->t;
    pickle_value *v;
    IG_TRY(next_pickle(r, &v, err));
    if (v->type != PICKLE_LONG || v->text.len != sizeof magic || memcmp(v->text.at, magic, sizeof magic) != 0)
        FAIL(IG_E_FORMAT, "the file is a pickle without PyTorch's magic number: no checkpoint that torch.save wrote");
    IG_TRY(next_pickle(r, &v, err));
    if (v->type != PICKLE_INT || v->integer != PROTOCOL)
        FAIL(IG_E_UNSUPPORTED, "the checkpoint's protocol is not %d", PROTOCOL);
    IG_TRY(next_pickle(r, &v, err));
    return check_system(t, v, err);
}

/* u64 count, elements */
static ig_status take_storage(reading *r, pickle_text key, ig_error *err) {
    const ig_torch *t = r->t;
    torch_storage *s = torch_find_storage(t, key);
    uint64_t count = 0, bytes = 0;
    if (!s || s->located)
        FAIL(IG_E_FORMAT, "storage %.*s is %s", TORCH_SHOWN(key), s ? "listed twice" : "listed and used by no tensor");
    if (r->end - r->at < 8) FAIL(IG_E_FORMAT, "the file ends before storage %.*s: it is cut short", TORCH_SHOWN(key));
    memcpy(&count, r->at, 8);
    r->at += 8;
    if (count != s->count)
        FAIL(IG_E_FORMAT, "storage %.*s has %llu elements, its tensors were told %llu", TORCH_SHOWN(key),
             (unsigned long long)count, (unsigned long long)s->count);
    if (__builtin_mul_overflow(count, (uint64_t)s->type->bytes, &bytes) || bytes > (uint64_t)(r->end - r->at))
        FAIL(IG_E_FORMAT, "storage %.*s of %llu elements reaches past the end: the file is cut short", TORCH_SHOWN(key),
             (unsigned long long)count);
    s->data = r->at;
    s->located = true;
    r->at += bytes;
    return IG_OK;
}

static ig_status take_storages(reading *r, ig_error *err) {
    const ig_torch *t = r->t;
    pickle_value *keys;
    IG_TRY(next_pickle(r, &keys, err));
    if (keys->type != PICKLE_LIST) FAIL(IG_E_FORMAT, "the list of storages is %s", pickle_type_name(keys->type));
    for (size_t i = 0; i < keys->list.count; i++) {
        const pickle_value *k = keys->list.item[i];
        if (k->type != PICKLE_TEXT) FAIL(IG_E_FORMAT, "the list of storages has %s in it", pickle_type_name(k->type));
        IG_TRY(take_storage(r, k->text, err));
    }
    if (keys->list.count != t->storage_count)
        FAIL(IG_E_FORMAT, "%zu storages are listed, %zu are used", keys->list.count, t->storage_count);
    if (r->at != r->end) FAIL(IG_E_FORMAT, "the last %zu bytes belong to no storage", (size_t)(r->end - r->at));
    return IG_OK;
}

static ig_status read_all(reading *r, ig_error *err) {
    pickle_value *root;
    IG_TRY(take_preamble(r, err));
    IG_TRY(next_pickle(r, &root, err));
    IG_TRY(torch_name_all(r->t, root, err));
    IG_TRY(torch_unite(r->t, err));
    return take_storages(r, err);
}

ig_status torch_open_legacy(ig_torch *t, const uint8_t *bytes, size_t size, ig_error *err) {
    reading r = {.t = t, .at = bytes, .end = bytes + size, .host = torch_host(t)};
    ig_status status = read_all(&r, err);
    pickle_heap_fini(&r.heap);
    return status;
}
