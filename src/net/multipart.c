/* net/multipart.c: a multipart/form-data body, already in memory, cut into parts.  (RFC 7578, RFC 2046 section 5.1)
 *
 *   [preamble CRLF] --boundary CRLF
 *   Content-Disposition: form-data; name="file"; filename="a.csv" CRLF      headers, at most 8 KiB
 *   [Content-Type: text/csv CRLF] CRLF
 *   bytes                                                                   untouched, borrowed from the body
 *   CRLF --boundary CRLF  …next part…  CRLF --boundary-- [epilogue]
 *
 * A delimiter is the line end before it, the boundary and the end of its line; the same text inside a longer line is content.
 * Refused rather than guessed: a part without a name, a header without a colon, a body that ends before the closing delimiter.
 */
#include <string.h>

#include "ingot/limits.h"
#include "ingot/net.h"

#define BOUNDARY_MAX 70

struct ig_multipart {
    ig_multipart_part *part;
    size_t count, cap, max;
};

typedef struct span {
    const char *at;
    size_t len;
} span;

typedef struct parser {
    span body;
    char delimiter[BOUNDARY_MAX + 5]; /* CR LF - - boundary */
    size_t delimiter_len;
    ig_multipart *out;
} parser;

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static span trim(span s) {
    while (s.len && is_space(s.at[0])) s.at++, s.len--;
    while (s.len && is_space(s.at[s.len - 1])) s.len--;
    return s;
}

static bool equals(span s, const char *text) {
    return s.len == strlen(text) && strncasecmp(s.at, text, s.len) == 0;
}

static span skip(span s, size_t n) {
    return (span){s.at + n, s.len - n};
}

/* ---- "form-data; name=a; filename=\"b c\"": a value and its parameters ------------------------------------------------ */

/* The value up to the first ';', which *rest then begins with. */
static span first_value(span header, span *rest) {
    const char *semicolon = memchr(header.at, ';', header.len);
    size_t n = semicolon ? (size_t)(semicolon - header.at) : header.len;
    *rest = skip(header, n);
    return trim((span){header.at, n});
}

/* Length of a quoted string with both quotes, 0 when it does not end. */
static size_t quoted_length(span s) {
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '"') return i + 1;
        if (s.at[i] == '\\' && i + 1 < s.len && (s.at[i + 1] == '"' || s.at[i + 1] == '\\')) i++;
    }
    return 0;
}

/* Takes "; name=value" off *rest.  False at the end; IG_E_FORMAT in *status when it is no parameter. */
static bool next_parameter(span *rest, span *name, span *value, ig_status *status) {
    span s = trim(*rest);
    while (s.len && s.at[0] == ';') s = trim(skip(s, 1));
    if (!s.len) return false;
    const char *equal = memchr(s.at, '=', s.len);
    size_t n = equal ? (size_t)(equal - s.at) : 0;
    *status = IG_E_FORMAT;
    if (!n || memchr(s.at, ';', n)) return false;
    *name = trim((span){s.at, n});
    s = trim(skip(s, n + 1));
    if (s.len && s.at[0] == '"') {
        n = quoted_length(s);
        if (!n) return false;
        *value = (span){s.at + 1, n - 2};
    } else {
        const char *semicolon = memchr(s.at, ';', s.len);
        n = semicolon ? (size_t)(semicolon - s.at) : s.len;
        *value = trim((span){s.at, n});
    }
    *rest = trim(skip(s, n));
    if (rest->len && rest->at[0] != ';') return false;
    *status = IG_OK;
    return true;
}

/* A copy of a parameter: \" and \\ of older clients and %22 of browsers undone.  NULL without memory, "" stays "". */
static char *unquote(span s) {
    char *out = ig_malloc(s.len + 1), *to = out;
    if (!out) return NULL;
    for (size_t i = 0; i < s.len; i++) {
        bool escaped = s.at[i] == '\\' && i + 1 < s.len && (s.at[i + 1] == '"' || s.at[i + 1] == '\\');
        bool percent = s.len - i > 2 && memcmp(s.at + i, "%22", 3) == 0;
        *to++ = percent ? '"' : s.at[escaped ? i + 1 : i];
        i += percent ? 2 : escaped;
    }
    *to = '\0';
    return out;
}

static bool is_clean_text(span s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] < 0x20 || s.at[i] == 0x7f) return false;
    return ig_utf8_valid(s.at, s.len);
}

static ig_status take_text(span s, const char **out, size_t part, const char *what, ig_error *err) {
    if (*out) return ig_error_set(err, IG_E_FORMAT, "part %zu has its %s twice", part, what);
    if (!is_clean_text(s)) return ig_error_set(err, IG_E_FORMAT, "part %zu: the %s is not clean UTF-8 text", part, what);
    *out = unquote(s);
    return *out ? IG_OK : ig_error_nomem(err, s.len);
}

/* ---- the headers of a part -------------------------------------------------------------------------------------------- */

static ig_status read_disposition(span value, ig_multipart_part *p, size_t part, ig_error *err) {
    span rest, name, text;
    ig_status status = IG_OK;
    if (!equals(first_value(value, &rest), "form-data"))
        return ig_error_set(err, IG_E_FORMAT, "part %zu: expected \"Content-Disposition: form-data\"", part);
    while (next_parameter(&rest, &name, &text, &status)) {
        if (equals(name, "name")) IG_TRY(take_text(text, &p->name, part, "name", err));
        else if (equals(name, "filename")) IG_TRY(take_text(text, &p->filename, part, "filename", err));
    }
    return status == IG_OK ? IG_OK : ig_error_set(err, status, "part %zu: Content-Disposition has a broken parameter", part);
}

static ig_status read_header(span line, ig_multipart_part *p, size_t part, ig_error *err) {
    const char *colon = memchr(line.at, ':', line.len);
    if (!colon || colon == line.at || is_space(line.at[0]))
        return ig_error_set(err, IG_E_FORMAT, "part %zu has a broken header", part);
    span name = {line.at, (size_t)(colon - line.at)}, value = trim(skip(line, name.len + 1));
    if (equals(name, "Content-Disposition")) return read_disposition(value, p, part, err);
    if (equals(name, "Content-Type")) return take_text(value, &p->content_type, part, "content type", err);
    if (equals(name, "Content-Transfer-Encoding") && !equals(value, "binary") && !equals(value, "8bit") &&
        !equals(value, "7bit"))
        return ig_error_set(err, IG_E_UNSUPPORTED, "part %zu: only binary content is taken, not %.*s", part,
                            (int)(value.len < 40 ? value.len : 40), value.at);
    return IG_OK;
}

/* Headers from *at on; *at is then the first byte of the content. */
static ig_status read_headers(const parser *p, size_t *at, ig_multipart_part *out, size_t part, ig_error *err) {
    size_t from = *at;
    for (;;) {
        span left = skip(p->body, *at);
        if (left.len > IG_MULTIPART_HEADER_MAX) left.len = IG_MULTIPART_HEADER_MAX;
        const char *end = memmem(left.at, left.len, "\r\n", 2);
        size_t n = end ? (size_t)(end - left.at) : 0;
        if (!end || *at - from + n > IG_MULTIPART_HEADER_MAX)
            return ig_error_set(err, p->body.len - from > IG_MULTIPART_HEADER_MAX ? IG_E_LIMIT : IG_E_FORMAT,
                                "part %zu: its headers do not end", part);
        *at += n + 2;
        if (!n) break;
        IG_TRY(read_header((span){left.at, n}, out, part, err));
    }
    return out->name ? IG_OK : ig_error_set(err, IG_E_FORMAT, "part %zu has no name", part);
}

/* ---- the parts --------------------------------------------------------------------------------------------------------- */

static ig_status read_boundary(const char *content_type, parser *p, ig_error *err) {
    span rest, name, value, boundary = {0};
    ig_status status = IG_OK;
    span type = {content_type ? content_type : "", content_type ? strlen(content_type) : 0};
    if (!equals(first_value(type, &rest), "multipart/form-data"))
        return ig_error_set(err, IG_E_FORMAT, "expected Content-Type: multipart/form-data");
    while (next_parameter(&rest, &name, &value, &status))
        if (equals(name, "boundary")) boundary = value;
    if (status != IG_OK || !boundary.len || boundary.len > BOUNDARY_MAX || !is_clean_text(boundary) ||
        is_space(boundary.at[boundary.len - 1]))
        return ig_error_set(err, IG_E_FORMAT, "the Content-Type has no boundary of 1 to %d characters", BOUNDARY_MAX);
    memcpy(p->delimiter, "\r\n--", 4);
    memcpy(p->delimiter + 4, boundary.at, boundary.len);
    p->delimiter_len = boundary.len + 4;
    return IG_OK;
}

/* Is the text behind a boundary the end of a delimiter?  *after is the first byte behind its line. */
static bool ends_delimiter(const parser *p, size_t at, size_t *after, bool *last) {
    const char *s = p->body.at;
    *last = p->body.len - at >= 2 && s[at] == '-' && s[at + 1] == '-';
    if (*last) at += 2;
    while (at < p->body.len && is_space(s[at])) at++;
    *after = at;
    if (*last) return at == p->body.len || s[at] == '\r' || s[at] == '\n';
    *after = at + 2;
    return p->body.len - at >= 2 && s[at] == '\r' && s[at + 1] == '\n';
}

/* The next delimiter from `at` on; *begin is its line end, where the content before it stops. */
static bool find_delimiter(const parser *p, size_t at, size_t *begin, size_t *after, bool *last) {
    const char *dashes = p->delimiter + 2;
    size_t dashes_len = p->delimiter_len - 2;
    *begin = 0;
    if (at == 0 && p->body.len >= dashes_len && memcmp(p->body.at, dashes, dashes_len) == 0 &&
        ends_delimiter(p, dashes_len, after, last))
        return true;
    while (at < p->body.len) {
        const char *found = memmem(p->body.at + at, p->body.len - at, p->delimiter, p->delimiter_len);
        if (!found) return false;
        *begin = (size_t)(found - p->body.at);
        if (ends_delimiter(p, *begin + p->delimiter_len, after, last)) return true;
        at = *begin + 2;
    }
    return false;
}

static ig_status add_part(ig_multipart *m, ig_multipart_part **out, ig_error *err) {
    if (m->count == m->max) return ig_error_set(err, IG_E_LIMIT, "more than %zu parts", m->max);
    if (m->count == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 8;
        ig_multipart_part *grown = ig_realloc_array(m->part, cap, sizeof *grown);
        if (!grown) return ig_error_nomem(err, cap * sizeof *grown);
        m->part = grown;
        m->cap = cap;
    }
    *out = &m->part[m->count++];
    **out = (ig_multipart_part){0};
    return IG_OK;
}

static ig_status read_parts(const parser *p, ig_error *err) {
    size_t begin, at;
    bool last;
    if (!find_delimiter(p, 0, &begin, &at, &last))
        return ig_error_set(err, IG_E_FORMAT, "the body does not contain its boundary");
    while (!last) {
        ig_multipart_part *part = NULL;
        IG_TRY(add_part(p->out, &part, err));
        IG_TRY(read_headers(p, &at, part, p->out->count, err));
        size_t content = at;
        /* empty content: the line end of the headers is that of the delimiter too */
        if (!find_delimiter(p, content - 2, &begin, &at, &last))
            return ig_error_set(err, IG_E_FORMAT, "part %zu does not end with the boundary", p->out->count);
        part->bytes = p->body.at + content;
        part->len = begin > content ? begin - content : 0;
    }
    return IG_OK;
}

ig_status ig_multipart_parse(const char *content_type, const void *body, size_t len, size_t parts_max, ig_multipart **out,
                             ig_error *err) {
    parser p = {.body = {body, len}};
    *out = NULL;
    IG_TRY(read_boundary(content_type, &p, err));
    ig_multipart *m = ig_calloc(1, sizeof *m);
    if (!m) return ig_error_nomem(err, sizeof *m);
    m->max = parts_max ? parts_max : 64;
    p.out = m;
    ig_status status = read_parts(&p, err);
    if (status == IG_OK) *out = m;
    else ig_multipart_free(m);
    return status;
}

size_t ig_multipart_count(const ig_multipart *m) {
    return m->count;
}

const ig_multipart_part *ig_multipart_at(const ig_multipart *m, size_t i) {
    return i < m->count ? &m->part[i] : NULL;
}

const ig_multipart_part *ig_multipart_get(const ig_multipart *m, const char *name) {
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->part[i].name, name) == 0) return &m->part[i];
    return NULL;
}

void ig_multipart_free(ig_multipart *m) {
    if (!m) return;
    for (size_t i = 0; i < m->count; i++) {
        ig_free((char *)m->part[i].name);
        ig_free((char *)m->part[i].filename);
        ig_free((char *)m->part[i].content_type);
    }
    ig_free(m->part);
    ig_free(m);
}
