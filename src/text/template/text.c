/* text/template/text.c: what templates do to text: code points, white space, case, search and replacement.
 *
 * Everything that a template sees is valid UTF-8: the source and the variables were checked when they were parsed, and texts
 * are only cut between code points.  Case is one code point to one code point by the C library's C.UTF-8 tables; where a
 * system has none, only ASCII letters change.
 */
#include <string.h>
#include <wctype.h>

#include "text/template/value.h"

size_t ig_tpl_chars(const char *s, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += ((uint8_t)s[i] & 0xc0) != 0x80;
    return count;
}

size_t ig_tpl_char_at(const char *s, size_t n, size_t index) {
    size_t at = 0;
    while (at < n && index) {
        at++;
        while (at < n && ((uint8_t)s[at] & 0xc0) == 0x80) at++;
        index--;
    }
    return at;
}

bool ig_tpl_is_space(uint32_t cp) {
    return (cp >= 9 && cp <= 13) || (cp >= 0x1c && cp <= 0x20) || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

static bool in_set(const char *s, size_t n, const tpl_value *set) {
    uint32_t cp;
    if (set) return memmem(set->text, set->len, s, n) != NULL;
    ig_utf8_decode(s, n, &cp);
    return ig_tpl_is_space(cp);
}

static size_t last_char(const char *s, size_t n) {
    size_t len = 1;
    while (len < n && ((uint8_t)s[n - len] & 0xc0) == 0x80) len++;
    return len;
}

tpl_value ig_tpl_strip(tpl_value v, const tpl_value *set, unsigned sides) {
    while ((sides & TPL_LEFT) && v.len) {
        size_t n = ig_tpl_char_at(v.text, v.len, 1);
        if (!in_set(v.text, n, set)) break;
        v.text += n;
        v.len -= n;
    }
    while ((sides & TPL_RIGHT) && v.len) {
        size_t n = last_char(v.text, v.len);
        if (!in_set(v.text + v.len - n, n, set)) break;
        v.len -= n;
    }
    return v;
}

size_t ig_tpl_find(tpl_value v, tpl_value part, size_t from) {
    if (from > v.len) return SIZE_MAX;
    const char *p = part.len ? memmem(v.text + from, v.len - from, part.text, part.len) : v.text + from;
    return p ? (size_t)(p - v.text) : SIZE_MAX;
}

/* ---- case ---- */

static locale_t ctype_of(tpl_run *r) {
    if (!r->ctype) r->ctype = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return r->ctype;
}

static uint32_t to_upper(tpl_run *r, uint32_t cp) {
    if (cp < 0x80) return cp >= 'a' && cp <= 'z' ? cp - 32 : cp;
    return ctype_of(r) ? (uint32_t)towupper_l((wint_t)cp, r->ctype) : cp;
}

static uint32_t to_lower(tpl_run *r, uint32_t cp) {
    if (cp < 0x80) return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    return ctype_of(r) ? (uint32_t)towlower_l((wint_t)cp, r->ctype) : cp;
}

static bool is_cased(tpl_run *r, uint32_t cp) {
    return to_upper(r, cp) != cp || to_lower(r, cp) != cp;
}

/* Does a word begin after this code point?  The filter knows brackets and spaces, the method everything that has no case. */
static bool begins_word(tpl_run *r, tpl_case how, uint32_t before) {
    if (how == TPL_TITLE_FILTER) return ig_tpl_is_space(before) || (before < 0x80 && before && strchr("-({[<", (int)before));
    return !is_cased(r, before);
}

static uint32_t change(tpl_run *r, tpl_case how, uint32_t cp, bool first, bool word) {
    bool upper = how == TPL_UPPER || (how == TPL_CAPITALIZE && first) || (how >= TPL_TITLE_METHOD && word);
    return upper ? to_upper(r, cp) : to_lower(r, cp);
}

ig_status ig_tpl_change_case(tpl_run *r, tpl_value v, tpl_case how, tpl_value *out) {
    size_t mark = r->text.len;
    bool word = true;
    IG_TRY(ig_tpl_work(r, v.len / 8));
    for (size_t at = 0; at < v.len;) {
        char bytes[4];
        uint32_t cp;
        size_t n = ig_utf8_decode(v.text + at, v.len - at, &cp);
        ig_buf_append(&r->text, bytes, ig_utf8_encode(change(r, how, cp, at == 0, word), bytes));
        word = begins_word(r, how, cp);
        at += n;
    }
    return ig_tpl_take(r, mark, out);
}

bool ig_tpl_has_case(tpl_run *r, tpl_value v, tpl_case how) {
    bool any = false;
    for (size_t at = 0; at < v.len;) {
        uint32_t cp;
        at += ig_utf8_decode(v.text + at, v.len - at, &cp);
        if (!is_cased(r, cp)) continue;
        if ((how == TPL_UPPER ? to_upper(r, cp) : to_lower(r, cp)) != cp) return false;
        any = true;
    }
    return any;
}

/* ---- replacement ---- */

/* With an empty `old`, `with` goes before every code point and at the end, as in Python. */
static void replace_empty(tpl_run *r, tpl_value v, tpl_value with, int64_t count) {
    size_t at = 0;
    while (count-- != 0) {
        ig_buf_append(&r->text, with.text, with.len);
        if (at == v.len || r->text.status != IG_OK) break;
        size_t n = ig_tpl_char_at(v.text + at, v.len - at, 1);
        ig_buf_append(&r->text, v.text + at, n);
        at += n;
    }
    ig_buf_append(&r->text, v.text + at, v.len - at);
}

ig_status ig_tpl_replace(tpl_run *r, tpl_value v, tpl_value old, tpl_value with, int64_t count, tpl_value *out) {
    size_t mark = r->text.len, at = 0, next;
    IG_TRY(ig_tpl_work(r, v.len / 16 + 1));
    if (!old.len) {
        replace_empty(r, v, with, count);
        return ig_tpl_take(r, mark, out);
    }
    while (count-- != 0 && (next = ig_tpl_find(v, old, at)) != SIZE_MAX) {
        ig_buf_append(&r->text, v.text + at, next - at);
        ig_buf_append(&r->text, with.text, with.len);
        at = next + old.len;
    }
    ig_buf_append(&r->text, v.text + at, v.len - at);
    return ig_tpl_take(r, mark, out);
}
