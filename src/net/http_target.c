/* net/http_target.c: the target of a request line, "/v1/models/a%2Fb?limit=5", cut into segments and arguments.
 *
 * It is cut before it is decoded, so that an encoded slash stays inside its segment.  Refused: escapes that are none, NUL and
 * other control bytes, text that is not UTF-8, and dot segments, which no client of ours has to send.  (RFC 3986, section 3.3)
 *
 *   text:  decoded segments, each with a NUL | names and values of the query, each with a NUL | the path joined again
 */
#include <string.h>

#include "net/http.h"

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Decodes s[0..n) to *to and a NUL, and moves *to behind it. */
static ig_status decode(const char *s, size_t n, bool plus_is_space, char **to, const char **out, ig_error *err) {
    char *d = *to;
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)s[i];
        if (c == '%') {
            int high = n - i > 2 ? hex_digit(s[i + 1]) : -1, low = n - i > 2 ? hex_digit(s[i + 2]) : -1;
            if (high < 0 || low < 0) return ig_error_set(err, IG_E_FORMAT, "the URL has a '%%' without two hexadecimal digits");
            c = high * 16 + low;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f) return ig_error_set(err, IG_E_FORMAT, "the URL has a control character");
        *d++ = (char)c;
    }
    *d = '\0';
    if (!ig_utf8_valid(*to, (size_t)(d - *to))) return ig_error_set(err, IG_E_FORMAT, "the URL is not UTF-8");
    *out = *to;
    *to = d + 1;
    return IG_OK;
}

/* "http://host/path" is allowed in a request line too. */
static const char *skip_authority(const char *raw) {
    size_t scheme = strncasecmp(raw, "http://", 7) == 0 ? 7 : strncasecmp(raw, "https://", 8) == 0 ? 8 : 0;
    if (!scheme) return raw;
    const char *path = raw + scheme + strcspn(raw + scheme, "/?");
    return *path == '/' ? path : "/";
}

static ig_status cut_path(const char *s, size_t n, http_target *t, char **to, ig_error *err) {
    for (size_t i = 0; i < n;) {
        const char *slash = memchr(s + i, '/', n - i);
        size_t len = slash ? (size_t)(slash - s) - i : n - i;
        if (len) {
            if (t->segment_count == IG_HTTP_SEGMENTS_MAX)
                return ig_error_set(err, IG_E_LIMIT, "the path has more than %d segments", IG_HTTP_SEGMENTS_MAX);
            const char *segment;
            IG_TRY(decode(s + i, len, false, to, &segment, err));
            if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
                return ig_error_set(err, IG_E_FORMAT, "the path has a dot segment");
            t->segment[t->segment_count++] = segment;
        }
        i += len + 1;
    }
    return IG_OK;
}

static ig_status cut_query(const char *s, http_target *t, char **to, ig_error *err) {
    while (*s) {
        size_t len = strcspn(s, "&"), name = strcspn(s, "=&");
        if (len) {
            if (t->arg_count == IG_HTTP_ARGS_MAX)
                return ig_error_set(err, IG_E_LIMIT, "the query has more than %d arguments", IG_HTTP_ARGS_MAX);
            http_pair *p = &t->arg[t->arg_count++];
            size_t value = name < len ? name + 1 : len;
            IG_TRY(decode(s, name, true, to, &p->name, err));
            IG_TRY(decode(s + value, len - value, true, to, &p->value, err));
        }
        s += len + (s[len] == '&');
    }
    return IG_OK;
}

static void join_path(http_target *t, char *to) {
    t->path = to;
    if (!t->segment_count) *to++ = '/';
    for (size_t i = 0; i < t->segment_count; i++) {
        *to++ = '/';
        for (const char *s = t->segment[i]; *s; s++) {
            if (*s != '/') {
                *to++ = *s;
                continue;
            }
            memcpy(to, "%2F", 3);
            to += 3;
        }
    }
    *to = '\0';
}

ig_status http_target_parse(const char *raw, http_target *out, ig_error *err) {
    *out = (http_target){0};
    raw = skip_authority(raw);
    if (*raw != '/' && strcmp(raw, "*") != 0) return ig_error_set(err, IG_E_FORMAT, "the path does not begin with '/'");
    size_t len = strlen(raw), path = strcspn(raw, "?#");
    /* decoding only shrinks; a NUL more for each piece; an encoded slash is as long joined as it was */
    size_t size = 2 * len + IG_HTTP_SEGMENTS_MAX + 2 * IG_HTTP_ARGS_MAX + 16;
    out->text = ig_malloc(size);
    if (!out->text) return ig_error_nomem(err, size);
    char *to = out->text;
    IG_TRY(cut_path(raw, path, out, &to, err));
    if (raw[path] == '?') IG_TRY(cut_query(raw + path + 1, out, &to, err));
    join_path(out, to);
    if (strcmp(raw, "*") == 0) out->path = "*", out->segment_count = 0;
    return IG_OK;
}

void http_target_fini(http_target *t) {
    ig_free(t->text);
    *t = (http_target){0};
}
