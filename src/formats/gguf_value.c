/* formats/gguf_value.c: one value at a place in the file, and asking for values by key.
 *
 * A length is compared with what is left of the file before it is used.  Values are not copied: a text or an array is a
 * place in the file, walked once when the file is opened, so that ig_gguf_items_next cannot run past its end.
 */
#include <string.h>

#include "formats/gguf.h"

#define FAIL(code, ...) return ig_error_at(err, code, c->file, 0, __VA_ARGS__)

/* ---- the parts of the format ------------------------------------------------------------------------------------------- */

size_t gguf_left(const gguf_cursor *c) { return (size_t)(c->end - c->at); }

static unsigned long long place(const gguf_cursor *c) { return (unsigned long long)(c->at - c->begin); }

static ig_status take(gguf_cursor *c, void *out, size_t n, ig_error *err) {
    if (n > gguf_left(c))
        FAIL(IG_E_FORMAT, "the file ends at byte %llu, inside its header: it is cut short", place(c) + gguf_left(c));
    memcpy(out, c->at, n);
    c->at += n;
    return IG_OK;
}

ig_status gguf_take_u32(gguf_cursor *c, uint32_t *out, ig_error *err) { return take(c, out, sizeof *out, err); }
ig_status gguf_take_u64(gguf_cursor *c, uint64_t *out, ig_error *err) { return take(c, out, sizeof *out, err); }

ig_status gguf_take_text(gguf_cursor *c, ig_gguf_text *out, ig_error *err) {
    uint64_t len = 0;
    IG_TRY(gguf_take_u64(c, &len, err));
    if (len > gguf_left(c))
        FAIL(IG_E_FORMAT, "at byte %llu a text of %llu bytes, %zu are left: the file is cut short or damaged", place(c),
             (unsigned long long)len, gguf_left(c));
    *out = (ig_gguf_text){(const char *)c->at, (size_t)len};
    c->at += len;
    return IG_OK;
}

ig_status gguf_take_name(gguf_cursor *c, const char *what, size_t max, char **out, ig_error *err) {
    ig_gguf_text t = {0};
    IG_TRY(gguf_take_text(c, &t, err));
    if (t.len > max)
        FAIL(IG_E_LIMIT, "before byte %llu a %s of %zu bytes, at most %zu are allowed", place(c), what, t.len, max);
    if (!t.len) FAIL(IG_E_FORMAT, "before byte %llu an empty %s", place(c), what);
    if (memchr(t.at, 0, t.len) || !ig_utf8_valid(t.at, t.len))
        FAIL(IG_E_FORMAT, "before byte %llu a %s that is not UTF-8 or has a zero byte", place(c), what);
    *out = ig_strndup(t.at, t.len);
    return *out ? IG_OK : ig_error_nomem(err, t.len + 1);
}

/* ---- values -------------------------------------------------------------------------------------------------------------- */

/* `raw` holds the value in its first bytes, the rest is zero. */
static void decode(uint32_t type, uint64_t raw, ig_gguf_value *out) {
    float single;
    uint32_t low = (uint32_t)raw;
    switch (type) {
    case IG_GGUF_I8: out->integer = (int8_t)raw; break;
    case IG_GGUF_I16: out->integer = (int16_t)raw; break;
    case IG_GGUF_I32: out->integer = (int32_t)raw; break;
    case IG_GGUF_F32: memcpy(&single, &low, sizeof single), out->real = single; return;
    case IG_GGUF_F64: memcpy(&out->real, &raw, sizeof raw); return;
    default: out->integer = (int64_t)raw;
    }
    out->real = type == IG_GGUF_U64 ? (double)raw : (double)out->integer;
}

static ig_status take_scalar(gguf_cursor *c, uint32_t type, ig_gguf_value *out, ig_error *err) {
    uint64_t raw = 0;
    IG_TRY(take(c, &raw, gguf_type_bytes(type), err));
    if (type == IG_GGUF_BOOL && raw > 1)
        FAIL(IG_E_FORMAT, "before byte %llu the bool %u, it must be 0 or 1", place(c), (unsigned)raw);
    decode(type, raw, out);
    return IG_OK;
}

/* The shortest that an item can be: this bounds a count by the file's size before anything loops over it. */
static size_t item_bytes_min(uint32_t type) {
    return type == IG_GGUF_TEXT ? 8 : type == IG_GGUF_ARRAY ? 12 : gguf_type_bytes(type);
}

static ig_status walk_items(gguf_cursor *c, const ig_gguf_value *array, int nesting, ig_error *err) {
    ig_gguf_value item;
    if (gguf_type_bytes(array->item) && array->item != IG_GGUF_BOOL) {
        c->at += array->count * gguf_type_bytes(array->item); /* fits: compared by take_array */
        return IG_OK;
    }
    for (uint64_t i = 0; i < array->count; i++) IG_TRY(gguf_take_value(c, array->item, nesting + 1, &item, err));
    return IG_OK;
}

static ig_status take_array(gguf_cursor *c, int nesting, ig_gguf_value *out, ig_error *err) {
    uint32_t type = 0;
    if (nesting >= IG_GGUF_NESTING_MAX)
        FAIL(IG_E_LIMIT, "at byte %llu arrays are nested more than %d deep", place(c), IG_GGUF_NESTING_MAX);
    IG_TRY(gguf_take_u32(c, &type, err));
    if (type >= IG_GGUF_TYPE_COUNT) FAIL(IG_E_FORMAT, "before byte %llu an array of the unknown type %u", place(c), type);
    IG_TRY(gguf_take_u64(c, &out->count, err));
    if (out->count > gguf_left(c) / item_bytes_min(type))
        FAIL(IG_E_FORMAT, "at byte %llu an array of %llu %s, %zu bytes are left: the file is cut short or damaged", place(c),
             (unsigned long long)out->count, ig_gguf_type_name((ig_gguf_type)type), gguf_left(c));
    out->item = (ig_gguf_type)type;
    out->items = c->at;
    IG_TRY(walk_items(c, out, nesting, err));
    out->items_bytes = (size_t)(c->at - out->items);
    return IG_OK;
}

ig_status gguf_take_value(gguf_cursor *c, uint32_t type, int nesting, ig_gguf_value *out, ig_error *err) {
    if (type >= IG_GGUF_TYPE_COUNT) FAIL(IG_E_FORMAT, "before byte %llu a value of the unknown type %u", place(c), type);
    *out = (ig_gguf_value){.type = (ig_gguf_type)type};
    if (type == IG_GGUF_TEXT) return gguf_take_text(c, &out->text, err);
    return type == IG_GGUF_ARRAY ? take_array(c, nesting, out, err) : take_scalar(c, type, out, err);
}

ig_gguf_items ig_gguf_items_of(const ig_gguf_value *array) {
    if (array->type != IG_GGUF_ARRAY) return (ig_gguf_items){0};
    return (ig_gguf_items){array->item, array->count, array->items, array->items + array->items_bytes};
}

bool ig_gguf_items_next(ig_gguf_items *it, ig_gguf_value *out) {
    gguf_cursor c = {"", it->at, it->at, it->end};
    if (!it->left || gguf_take_value(&c, it->type, 0, out, NULL) != IG_OK) return false;
    it->left--;
    it->at = c.at;
    return true;
}

/* ---- by key ------------------------------------------------------------------------------------------------------ */

size_t ig_gguf_key_count(const ig_gguf *g) { return g->pair_count; }

const char *ig_gguf_key(const ig_gguf *g, size_t i) { return i < g->pair_count ? g->pair[i].key : NULL; }

bool ig_gguf_get(const ig_gguf *g, const char *key, ig_gguf_value *out) {
    size_t low = 0, high = g->pair_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(key, g->pair_by_key[middle]->key);
        if (order == 0) {
            *out = g->pair_by_key[middle]->value;
            return true;
        }
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return false;
}

static ig_status get(const ig_gguf *g, const char *key, ig_gguf_value *out, ig_error *err) {
    if (ig_gguf_get(g, key, out)) return IG_OK;
    return ig_error_at(err, IG_E_NOT_FOUND, g->file, 0, "the key %.200s is missing", key);
}

static ig_status wrong_type(const ig_gguf *g, const char *key, const ig_gguf_value *v, const char *wanted, ig_error *err) {
    return ig_error_at(err, IG_E_FORMAT, g->file, 0, "%.200s is of the type %s, %s was expected", key,
                       ig_gguf_type_name(v->type), wanted);
}

static bool is_integer(ig_gguf_type t) {
    return t != IG_GGUF_F32 && t != IG_GGUF_F64 && t != IG_GGUF_BOOL && t != IG_GGUF_TEXT && t != IG_GGUF_ARRAY;
}

ig_status ig_gguf_get_int(const ig_gguf *g, const char *key, int64_t min, int64_t max, int64_t *out, ig_error *err) {
    ig_gguf_value v;
    IG_TRY(get(g, key, &v, err));
    if (!is_integer(v.type)) return wrong_type(g, key, &v, "an integer", err);
    if (v.integer < min || v.integer > max || (v.type == IG_GGUF_U64 && v.integer < 0))
        return ig_error_at(err, IG_E_FORMAT, g->file, 0, "%.200s is %.0f, it must lie between %lld and %lld", key, v.real,
                           (long long)min, (long long)max);
    *out = v.integer;
    return IG_OK;
}

ig_status ig_gguf_get_real(const ig_gguf *g, const char *key, double *out, ig_error *err) {
    ig_gguf_value v;
    IG_TRY(get(g, key, &v, err));
    if (!is_integer(v.type) && v.type != IG_GGUF_F32 && v.type != IG_GGUF_F64) return wrong_type(g, key, &v, "a number", err);
    *out = v.real;
    return IG_OK;
}

ig_status ig_gguf_get_bool(const ig_gguf *g, const char *key, bool *out, ig_error *err) {
    ig_gguf_value v;
    IG_TRY(get(g, key, &v, err));
    if (v.type != IG_GGUF_BOOL) return wrong_type(g, key, &v, "bool", err);
    *out = v.integer != 0;
    return IG_OK;
}

ig_status ig_gguf_get_text(const ig_gguf *g, const char *key, ig_gguf_text *out, ig_error *err) {
    ig_gguf_value v;
    IG_TRY(get(g, key, &v, err));
    if (v.type != IG_GGUF_TEXT) return wrong_type(g, key, &v, "text", err);
    *out = v.text;
    return IG_OK;
}

ig_status ig_gguf_get_array(const ig_gguf *g, const char *key, ig_gguf_type item, ig_gguf_value *out, ig_error *err) {
    ig_gguf_value v;
    IG_TRY(get(g, key, &v, err));
    if (v.type != IG_GGUF_ARRAY) return wrong_type(g, key, &v, "array", err);
    if (v.item != item)
        return ig_error_at(err, IG_E_FORMAT, g->file, 0, "%.200s is an array of %s, one of %s was expected", key,
                           ig_gguf_type_name(v.item), ig_gguf_type_name(item));
    *out = v;
    return IG_OK;
}
