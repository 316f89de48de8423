/* base/json_out.c: writing JSON, one call per bracket, key and value.
 *
 * has_item holds one bit per open bracket: whether it has an item, so that the next one needs a comma.  Whatever is passed
 * in, the result is valid UTF-8; deeper than the readers accept, the buffer turns to IG_E_LIMIT.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "ingot/base.h"
#include "ingot/limits.h"

static uint64_t depth_bit(const ig_json *j) {
    return j->depth >= 1 && j->depth <= 64 ? (uint64_t)1 << (j->depth - 1) : 0;
}

static void new_line(ig_json *j) {
    if (j->indent <= 0) return;
    ig_buf_putc(j->out, '\n');
    for (int i = 0; i < j->indent * j->depth; i++) ig_buf_putc(j->out, ' ');
}

/* Comma and line break before a key, or before a value that has none. */
static void before_item(ig_json *j) {
    if (j->after_key) {
        j->after_key = false;
        return;
    }
    if (j->depth == 0) return;
    if (j->has_item & depth_bit(j)) ig_buf_putc(j->out, ',');
    j->has_item |= depth_bit(j);
    new_line(j);
}

void ig_json_open(ig_json *j, char bracket) {
    before_item(j);
    ig_buf_putc(j->out, bracket);
    j->depth++;
    j->has_item &= ~depth_bit(j);
    if (j->depth > IG_TREE_DEPTH_MAX && j->out->status == IG_OK) j->out->status = IG_E_LIMIT;
}

void ig_json_close(ig_json *j, char bracket) {
    bool had_items = j->has_item & depth_bit(j);
    j->depth--;
    if (had_items) new_line(j);
    ig_buf_putc(j->out, bracket);
}

static void put_escape(ig_buf *b, unsigned char c) {
    switch (c) {
    case '"': ig_buf_puts(b, "\\\""); break;
    case '\\': ig_buf_puts(b, "\\\\"); break;
    case '\n': ig_buf_puts(b, "\\n"); break;
    case '\r': ig_buf_puts(b, "\\r"); break;
    case '\t': ig_buf_puts(b, "\\t"); break;
    default: ig_buf_printf(b, "\\u%04x", c);
    }
}

/* Bytes from s on that can be copied as they are. */
static size_t plain_run(const char *s, size_t n) {
    size_t i = 0;
    while (i < n) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F) break;
        uint32_t cp;
        size_t len = ig_utf8_decode(s + i, n - i, &cp);
        if (len == 0) break;
        i += len;
    }
    return i;
}

static void put_quoted(ig_buf *b, const char *s, size_t n) {
    ig_buf_putc(b, '"');
    while (n > 0) {
        size_t run = plain_run(s, n);
        ig_buf_append(b, s, run);
        s += run;
        n -= run;
        if (n == 0) break;
        if ((unsigned char)*s < 0x80) {
            put_escape(b, (unsigned char)*s);
        } else {
            ig_buf_puts(b, "\xEF\xBF\xBD"); /* U+FFFD for each byte that belongs to no character */
        }
        s++;
        n--;
    }
    ig_buf_putc(b, '"');
}

void ig_json_key(ig_json *j, const char *key) {
    before_item(j);
    put_quoted(j->out, key, strlen(key));
    ig_buf_puts(j->out, j->indent > 0 ? ": " : ":");
    j->after_key = true;
}

void ig_json_text_n(ig_json *j, const char *s, size_t n) {
    before_item(j);
    put_quoted(j->out, s, n);
}

void ig_json_text(ig_json *j, const char *s) {
    if (s) {
        ig_json_text_n(j, s, strlen(s));
    } else {
        ig_json_null(j);
    }
}

void ig_json_int(ig_json *j, int64_t v) {
    before_item(j);
    ig_buf_printf(j->out, "%" PRId64, v);
}

void ig_json_real(ig_json *j, double v) {
    if (!isfinite(v)) {
        ig_json_null(j);
        return;
    }
    char digits[IG_REAL_CHARS];
    before_item(j);
    ig_buf_append(j->out, digits, ig_number_format(v, digits));
}

void ig_json_bool(ig_json *j, bool v) {
    before_item(j);
    ig_buf_puts(j->out, v ? "true" : "false");
}

void ig_json_null(ig_json *j) {
    before_item(j);
    ig_buf_puts(j->out, "null");
}

static void put_children(ig_json *j, const ig_tree *t) {
    bool map = t->type == IG_TREE_MAP;
    ig_json_open(j, map ? '{' : '[');
    for (const ig_tree *c = t->child; c; c = c->next) {
        if (map) ig_json_key(j, c->key);
        ig_json_tree(j, c);
    }
    ig_json_close(j, map ? '}' : ']');
}

/* Recursion is bounded: a tree is never deeper than IG_TREE_DEPTH_MAX. */
void ig_json_tree(ig_json *j, const ig_tree *t) {
    switch (t->type) {
    case IG_TREE_NULL: ig_json_null(j); break;
    case IG_TREE_BOOL: ig_json_bool(j, t->boolean); break;
    case IG_TREE_INT: ig_json_int(j, t->integer); break;
    case IG_TREE_REAL: ig_json_real(j, t->real); break;
    case IG_TREE_TEXT: ig_json_text_n(j, t->text, t->text_len); break;
    case IG_TREE_LIST:
    case IG_TREE_MAP: put_children(j, t); break;
    }
}
