/* data/plain_text.c: the one place where bytes of a table or document become text.  All readers after it may trust that what
 * they see is UTF-8 without a NUL.
 */
#include "data/plain_text.h"

#include <string.h>
#include <strings.h>

#include "ingot/analyze.h"

static int line_of(const char *bytes, size_t at) {
    int line = 1;
    for (const char *p = bytes; (p = memchr(p, '\n', (size_t)(bytes + at - p))); p++) line++;
    return line;
}

ig_status plain_text(const char *file, const void *bytes, size_t len, ig_buf *out, ig_error *err) {
    ig_error why = {0};
    ig_status status = ig_text_to_utf8(bytes, len, NULL, out, NULL, &why);
    if (status == IG_E_NOMEM || status == IG_E_LIMIT) return ig_error_at(err, status, file, 0, "%s", why.message);
    if (status != IG_OK) return ig_error_at(err, status, file, 0, "%s: save it as UTF-8", why.message);
    const char *nul = out->len ? memchr(out->data, '\0', out->len) : NULL;
    if (nul)
        return ig_error_at(err, IG_E_FORMAT, file, line_of(out->data, (size_t)(nul - out->data)), "a zero byte stands in the text: "
                           "save it as UTF-8");
    return IG_OK;
}

bool ends_with(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcasecmp(name + n - m, end) == 0;
}
