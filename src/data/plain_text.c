/* data/plain_text.c: the one place where bytes of a table or document become text.  All readers after it may trust that what
 * they see is UTF-8 without a NUL.
 */
#include "data/plain_text.h"

#include <string.h>
#include <strings.h>

static int line_of(const char *bytes, size_t at) {
    int line = 1;
    for (const char *p = bytes; (p = memchr(p, '\n', (size_t)(bytes + at - p))); p++) line++;
    return line;
}

ig_status plain_text(const char *file, const void *bytes, size_t len, ig_buf *out, ig_error *err) {
    const char *s = bytes;
    if (len >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0) s += 3, len -= 3;
    const char *nul = len ? memchr(s, '\0', len) : NULL;
    if (nul)
        return ig_error_at(err, IG_E_FORMAT, file, line_of(s, (size_t)(nul - s)), "a zero byte stands in the text: save it as UTF-8");
    if (!ig_utf8_valid(s, len)) return ig_error_at(err, IG_E_FORMAT, file, 0, "the text is not UTF-8: save it as UTF-8");
    ig_buf_append(out, s, len);
    return ig_buf_status(out, err);
}

bool ends_with(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcasecmp(name + n - m, end) == 0;
}
