/* text/template/access.c: a.b, a[b] and a[b:c:d].
 *
 * As in Jinja, a.b looks for a method first and for a key then, a[b] the other way round; what is not there is undefined, and
 * only asking an undefined value for something is an error.  Text is indexed by code point.
 */
#include <string.h>

#include "text/template/run.h"

static ig_status undefined_owner(tpl_run *r, tpl_value owner) {
    return ig_tpl_fail(r, IG_E_FORMAT, "'%.*s' is undefined", owner.len < 60 ? (int)owner.len : 60, owner.text);
}

static bool is_named(const char *name, size_t n, const char *word) {
    return n == strlen(word) && memcmp(name, word, n) == 0;
}

static tpl_value loop_field(const tpl_loop *l, const char *name, size_t n) {
    size_t i = l->index;
    if (is_named(name, n, "index")) return ig_tpl_int((int64_t)i + 1);
    if (is_named(name, n, "index0")) return ig_tpl_int((int64_t)i);
    if (is_named(name, n, "revindex")) return ig_tpl_int((int64_t)(l->count - i));
    if (is_named(name, n, "revindex0")) return ig_tpl_int((int64_t)(l->count - i) - 1);
    if (is_named(name, n, "first")) return ig_tpl_bool(i == 0);
    if (is_named(name, n, "last")) return ig_tpl_bool(i + 1 == l->count);
    if (is_named(name, n, "length")) return ig_tpl_int((int64_t)l->count);
    if (is_named(name, n, "previtem") && i > 0) return l->item[i - 1];
    if (is_named(name, n, "nextitem") && i + 1 < l->count) return l->item[i + 1];
    return ig_tpl_undefined(name, n);
}

static ig_status find_key(tpl_run *r, tpl_value owner, tpl_value key, tpl_value *out, bool *found) {
    const tpl_value *v = NULL;
    if (ig_tpl_is_dict(owner)) IG_TRY(ig_tpl_dict_find(r, owner, key, &v));
    *found = v != NULL;
    if (v) *out = *v;
    return IG_OK;
}

ig_status ig_tpl_attribute(tpl_run *r, tpl_value owner, const char *name, size_t n, tpl_value *out) {
    bool found;
    if (owner.type == TPL_UNDEFINED) return undefined_owner(r, owner);
    const tpl_builtin *method = ig_tpl_find_method(owner, name, n);
    if (method) return ig_tpl_bind(r, method, owner, out);
    *out = ig_tpl_undefined(name, n);
    if (owner.type == TPL_LOOP) *out = loop_field(owner.loop, name, n);
    return find_key(r, owner, ig_tpl_text(name, n), out, &found);
}

/* The place of index i, counted from the end when negative; false when there is none. */
static bool place(int64_t i, size_t count, size_t *out) {
    if (i < 0) i += (int64_t)count;
    *out = (size_t)i;
    return i >= 0 && (uint64_t)i < count;
}

static ig_status char_at(tpl_run *r, tpl_value text, int64_t index, tpl_value *out) {
    size_t i;
    IG_TRY(ig_tpl_work(r, text.len / 64));
    if (!place(index, ig_tpl_chars(text.text, text.len), &i)) return IG_OK;
    size_t at = ig_tpl_char_at(text.text, text.len, i);
    *out = ig_tpl_text(text.text + at, ig_tpl_char_at(text.text + at, text.len - at, 1));
    return IG_OK;
}

ig_status ig_tpl_item(tpl_run *r, tpl_value owner, tpl_value index, tpl_value *out) {
    bool found;
    size_t i;
    if (owner.type == TPL_UNDEFINED) return undefined_owner(r, owner);
    *out = ig_tpl_undefined("an item", 7);
    IG_TRY(find_key(r, owner, index, out, &found));
    if (found) return IG_OK;
    if (index.type == TPL_TEXT) return ig_tpl_attribute(r, owner, index.text, index.len, out);
    if (!ig_tpl_is_int(index)) return IG_OK;
    if (owner.type == TPL_TEXT) return char_at(r, owner, ig_tpl_as_int(index), out);
    if (ig_tpl_is_list(owner) && place(ig_tpl_as_int(index), owner.list->count, &i)) *out = owner.list->item[i];
    return IG_OK;
}

/* "function.name" or "0.role"; a number alone is an index. */
ig_status ig_tpl_attribute_path(tpl_run *r, tpl_value owner, tpl_value path, tpl_value *out) {
    *out = owner;
    if (path.type != TPL_TEXT) return ig_tpl_item(r, owner, path, out);
    for (size_t at = 0; at <= path.len;) {
        const char *part = path.text + at, *dot = memchr(part, '.', path.len - at);
        size_t n = dot ? (size_t)(dot - part) : path.len - at;
        int64_t number = 0;
        bool digits = n > 0 && n < 10;
        for (size_t i = 0; i < n && digits; i++) {
            digits = part[i] >= '0' && part[i] <= '9';
            number = number * 10 + (part[i] - '0');
        }
        IG_TRY(ig_tpl_item(r, *out, digits ? ig_tpl_int(number) : ig_tpl_text(part, n), out));
        at += n + 1;
    }
    return IG_OK;
}

/* ---- slices ---- */

typedef struct range {
    int64_t start, stop, step;
} range;

/* A bound as Python takes it: negative counts from the end, what lies outside is moved to the border. */
static ig_status take_bound(tpl_run *r, tpl_value v, int64_t count, int64_t otherwise, int64_t low, int64_t *out) {
    *out = otherwise;
    if (v.type == TPL_NONE) return IG_OK;
    if (!ig_tpl_is_int(v)) return ig_tpl_fail(r, IG_E_FORMAT, "a slice is made of integers, not of %s", ig_tpl_type_name(v));
    int64_t i = ig_tpl_as_int(v), high = count + low; /* low is -1 when the step is negative: the place before the first */
    if (i < 0) i += count;
    *out = i < low ? low : i > high ? high : i;
    return IG_OK;
}

static ig_status take_range(tpl_run *r, const tpl_value bound[3], int64_t count, range *out) {
    out->step = bound[2].type == TPL_NONE ? 1 : ig_tpl_as_int(bound[2]);
    if (bound[2].type != TPL_NONE && !ig_tpl_is_int(bound[2]))
        return ig_tpl_fail(r, IG_E_FORMAT, "the step of a slice is an integer");
    if (!out->step) return ig_tpl_fail(r, IG_E_FORMAT, "the step of a slice is not 0");
    if (out->step > count + 1) out->step = count + 1;
    if (out->step < -count - 1) out->step = -count - 1;
    int64_t low = out->step < 0 ? -1 : 0;
    IG_TRY(take_bound(r, bound[0], count, low ? count - 1 : 0, low, &out->start));
    return take_bound(r, bound[1], count, low ? -1 : count, low, &out->stop);
}

static ig_status slice_list(tpl_run *r, tpl_value list, const tpl_value bound[3], tpl_value *out) {
    range s;
    IG_TRY(take_range(r, bound, (int64_t)list.list->count, &s));
    IG_TRY(ig_tpl_list_new(r, list.type, 0, out));
    for (int64_t i = s.start; s.step > 0 ? i < s.stop : i > s.stop; i += s.step) {
        IG_TRY(ig_tpl_list_add(r, *out, list.list->item[i]));
        IG_TRY(ig_tpl_work(r, 1));
    }
    return IG_OK;
}

/* Step 1 is a part of the bytes; any other goes through the list of characters. */
static ig_status slice_text(tpl_run *r, tpl_value text, const tpl_value bound[3], tpl_value *out) {
    range s;
    IG_TRY(ig_tpl_work(r, text.len / 64));
    IG_TRY(take_range(r, bound, (int64_t)ig_tpl_chars(text.text, text.len), &s));
    if (s.step == 1) {
        size_t from = ig_tpl_char_at(text.text, text.len, (size_t)s.start);
        size_t n = s.stop > s.start ? ig_tpl_char_at(text.text + from, text.len - from, (size_t)(s.stop - s.start)) : 0;
        *out = ig_tpl_text(text.text + from, n);
        return IG_OK;
    }
    tpl_value list;
    size_t mark = r->text.len;
    IG_TRY(ig_tpl_iterate(r, text, &list));
    IG_TRY(slice_list(r, list, bound, &list));
    for (size_t i = 0; i < list.list->count; i++) ig_buf_append(&r->text, list.list->item[i].text, list.list->item[i].len);
    return ig_tpl_take(r, mark, out);
}

ig_status ig_tpl_slice(tpl_run *r, tpl_value owner, const tpl_value bound[3], tpl_value *out) {
    if (owner.type == TPL_UNDEFINED) return undefined_owner(r, owner);
    if (owner.type == TPL_TEXT) return slice_text(r, owner, bound, out);
    if (ig_tpl_is_list(owner)) return slice_list(r, owner, bound, out);
    return ig_tpl_fail(r, IG_E_FORMAT, "%s cannot be sliced", ig_tpl_type_name(owner));
}
