/* base/json.c: a strict reader of JSON (RFC 8259).
 *
 * Our own, and not a library's, because every value must know its line (errors in a recipe or a request name it) and
 * because duplicate keys, depth, size and UTF-8 are checked while reading.  No recursion: the builder of tree.h keeps the
 * stack, so that the depth of a hostile text never reaches the C stack.
 *
 * Whole numbers that fit 64 bits become INT, all others REAL; a number too large for a double is refused.  A byte order
 * mark at the start is skipped.  Invariant: the text has been checked to be UTF-8 before the first byte is looked at.
 */
#include <string.h>

#include "base/number.h"
#include "base/tree.h"

typedef struct reader {
    const char *p, *end;
    int line;
    ig_tree_builder *b;
    ig_error *err;
} reader;

static ig_status fail(const reader *r, const char *what) {
    return ig_builder_fail(r->b, r->err, IG_E_FORMAT, r->line, "%s", what);
}

/* "expected ',' or ']', found …" with what stands there. */
static ig_status unexpected(const reader *r, const char *expected) {
    if (r->p == r->end) {
        return ig_builder_fail(r->b, r->err, IG_E_FORMAT, r->line, "expected %s, found the end of the text", expected);
    }
    uint32_t cp = 0;
    size_t n = ig_utf8_decode(r->p, (size_t)(r->end - r->p), &cp);
    if (cp < 0x20 || cp == 0x7F) {
        return ig_builder_fail(r->b, r->err, IG_E_FORMAT, r->line, "expected %s, found control character 0x%02X", expected, cp);
    }
    return ig_builder_fail(r->b, r->err, IG_E_FORMAT, r->line, "expected %s, found '%.*s'", expected, (int)n, r->p);
}

static void skip_space(reader *r) {
    for (; r->p < r->end; r->p++) {
        if (*r->p == '\n') {
            r->line++;
        } else if (*r->p != ' ' && *r->p != '\t' && *r->p != '\r') {
            return;
        }
    }
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The character at p, NUL at the end, so that scanning needs no second check. */
static char peek(const reader *r) {
    return r->p < r->end ? *r->p : '\0';
}

/* ---- text ---- */

static int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The four digits of \uXXXX at p; -1 when they are not there. */
static int32_t read_hex4(const char *p, const char *end) {
    if (end - p < 4) return -1;
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0) return -1;
        v = v << 4 | d;
    }
    return v;
}

/* After "\u"; characters past U+FFFF come as two surrogates, and a lone one stands for nothing. */
static ig_status read_unicode(reader *r, char **out) {
    int32_t cp = read_hex4(r->p, r->end);
    if (cp < 0) return fail(r, "\\u must be followed by four hexadecimal digits");
    r->p += 4;
    if (cp >= 0xD800 && cp <= 0xDFFF) {
        int32_t low = -1;
        if (cp < 0xDC00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') low = read_hex4(r->p + 2, r->end);
        if (low < 0xDC00 || low > 0xDFFF) return fail(r, "half of a surrogate pair without its other half");
        r->p += 6;
        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
    }
    *out += ig_utf8_encode((uint32_t)cp, *out);
    return IG_OK;
}

/* After the backslash. */
static ig_status read_escape(reader *r, char **out) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = peek(r);
    const char *found = c ? strchr(names, c) : NULL;
    if (found) {
        r->p++;
        *(*out)++ = values[found - names];
        return IG_OK;
    }
    if (c != 'u') return unexpected(r, "one of \" \\ / b f n r t u after a backslash");
    r->p++;
    return read_unicode(r, out);
}

/* p at the first byte after the quote: the place of the closing quote, or NULL. */
static const char *find_quote(const reader *r) {
    const char *p = r->p;
    while (p < r->end && *p != '"') p += *p == '\\' ? 2 : 1;
    return p < r->end ? p : NULL;
}

/* No escape makes the text longer, so that the raw length is room enough. */
static ig_status read_text(reader *r, const char **text, size_t *len) {
    r->p++;
    const char *quote = find_quote(r);
    if (!quote) return fail(r, "a text is not closed: '\"' is missing");
    char *copy = ig_doc_alloc(r->b->doc, (size_t)(quote - r->p) + 1), *out = copy;
    if (!copy) return ig_error_nomem(r->err, (size_t)(quote - r->p) + 1);
    while (r->p < quote) {
        if ((unsigned char)*r->p < 0x20) return unexpected(r, "text (line breaks and tabs are written \\n and \\t in JSON)");
        if (*r->p != '\\') {
            *out++ = *r->p++;
            continue;
        }
        r->p++;
        IG_TRY(read_escape(r, &out));
    }
    r->p = quote + 1;
    *text = copy;
    *len = (size_t)(out - copy);
    return IG_OK;
}

/* ---- numbers ---- */

static bool skip_digits(reader *r) {
    if (!is_digit(peek(r))) return false;
    while (is_digit(peek(r))) r->p++;
    return true;
}

/* The grammar of RFC 8259: no leading zeros, no plus, a digit on both sides of the point. */
static ig_status scan_number(reader *r, bool *whole) {
    if (peek(r) == '-') r->p++;
    const char *digits = r->p;
    if (!skip_digits(r)) return unexpected(r, "a digit");
    if (*digits == '0' && r->p - digits > 1) return fail(r, "a number must not start with 0");
    *whole = true;
    if (peek(r) == '.') {
        *whole = false;
        r->p++;
        if (!skip_digits(r)) return unexpected(r, "a digit after the decimal point");
    }
    if (peek(r) == 'e' || peek(r) == 'E') {
        *whole = false;
        r->p++;
        if (peek(r) == '+' || peek(r) == '-') r->p++;
        if (!skip_digits(r)) return unexpected(r, "a digit in the exponent");
    }
    return IG_OK;
}

static ig_status read_number(reader *r, ig_tree *v) {
    const char *start = r->p;
    bool whole;
    IG_TRY(scan_number(r, &whole));
    char copy[512];
    size_t n = (size_t)(r->p - start);
    if (n >= sizeof copy) return fail(r, "a number of more than 500 characters");
    memcpy(copy, start, n);
    copy[n] = '\0';
    if (whole && ig_number_parse_int(copy, &v->integer)) {
        v->type = IG_TREE_INT;
        v->real = (double)v->integer;
        return IG_OK;
    }
    v->type = IG_TREE_REAL;
    if (!ig_number_parse(copy, &v->real)) return fail(r, "a number that is too large");
    return IG_OK;
}

/* ---- values ---- */

static bool take_word(reader *r, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) return false;
    r->p += n;
    return true;
}

static ig_status read_scalar(reader *r, ig_tree *v) {
    char c = peek(r);
    if (c == '"') {
        v->type = IG_TREE_TEXT;
        return read_text(r, &v->text, &v->text_len);
    }
    if (c == '-' || is_digit(c)) return read_number(r, v);
    if (take_word(r, "null")) return IG_OK;
    v->type = IG_TREE_BOOL;
    v->boolean = take_word(r, "true");
    if (v->boolean || take_word(r, "false")) return IG_OK;
    return unexpected(r, "a value");
}

static ig_status read_value(reader *r) {
    char c = peek(r);
    if (c == '{' || c == '[') {
        r->p++;
        return ig_builder_open(r->b, c == '{' ? IG_TREE_MAP : IG_TREE_LIST, r->line, r->err);
    }
    ig_tree v = {.line = r->line};
    IG_TRY(read_scalar(r, &v));
    return ig_builder_scalar(r->b, &v, r->err);
}

static ig_status read_key(reader *r) {
    if (peek(r) != '"') return unexpected(r, "a key in quotes");
    const char *key;
    size_t len;
    int line = r->line;
    IG_TRY(read_text(r, &key, &len));
    IG_TRY(ig_builder_key(r->b, key, len, line, r->err));
    skip_space(r);
    if (peek(r) != ':') return unexpected(r, "':' after the key");
    r->p++;
    skip_space(r);
    return IG_OK;
}

/* One item of the innermost open list or map, or its end. */
static ig_status read_item(reader *r) {
    const ig_tree *top = ig_builder_top(r->b);
    bool map = top->type == IG_TREE_MAP;
    if (peek(r) == (map ? '}' : ']')) {
        r->p++;
        ig_builder_close(r->b);
        return IG_OK;
    }
    if (top->count > 0) {
        if (peek(r) != ',') return unexpected(r, map ? "',' or '}'" : "',' or ']'");
        r->p++;
        skip_space(r);
    }
    if (map) IG_TRY(read_key(r));
    return read_value(r);
}

static ig_status read_document(reader *r) {
    if (r->end - r->p >= 3 && memcmp(r->p, "\xEF\xBB\xBF", 3) == 0) r->p += 3;
    skip_space(r);
    IG_TRY(read_value(r));
    skip_space(r);
    while (r->b->depth > 0) {
        IG_TRY(read_item(r));
        skip_space(r);
    }
    return r->p == r->end ? IG_OK : unexpected(r, "the end of the text");
}

ig_status ig_json_parse(const char *name, const char *text, size_t len, ig_doc **out, ig_error *err) {
    *out = NULL;
    ig_doc *doc;
    IG_TRY(ig_doc_new(name, &doc, err));
    ig_tree_builder b;
    ig_builder_init(&b, doc, ig_doc_name(doc), true);
    reader r = {.p = text, .end = text + len, .line = 1, .b = &b, .err = err};
    ig_status status = ig_tree_check_utf8(&b, text, len, err);
    if (status == IG_OK) status = read_document(&r);
    ig_builder_fini(&b);
    if (status != IG_OK) {
        ig_doc_free(doc);
        return status;
    }
    ig_doc_set_root(doc, b.root);
    *out = doc;
    return IG_OK;
}
