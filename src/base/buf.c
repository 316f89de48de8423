/* base/buf.c: a byte buffer that grows up to a limit it is born with.
 *
 * The first failure sticks: later appends do nothing and the bytes so far stay, so that code which formats a long text
 * checks once, at the end.  A buffer whose max is 0 refuses every byte; that is the trap for a forgotten limit.
 */
#include <string.h>

#include "ingot/base.h"

/* Room for n more bytes and the NUL; doubles, so that a long text is copied a bounded number of times. */
static bool reserve(ig_buf *b, size_t n) {
    if (b->status != IG_OK) return false;
    if (n > b->max || b->len > b->max - n) {
        b->status = IG_E_LIMIT;
        return false;
    }
    size_t need = b->len + n;
    if (b->data && need < b->cap) return true;
    size_t cap = b->cap ? b->cap : 64;
    while (cap <= need) cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
    if (cap > b->max && b->max < SIZE_MAX) cap = b->max + 1;
    char *data = ig_realloc(b->data, cap);
    if (!data) {
        b->status = IG_E_NOMEM;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void ig_buf_append(ig_buf *b, const void *bytes, size_t n) {
    if (!reserve(b, n)) return;
    if (n) memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void ig_buf_puts(ig_buf *b, const char *s) {
    ig_buf_append(b, s, strlen(s));
}

void ig_buf_putc(ig_buf *b, char c) {
    ig_buf_append(b, &c, 1);
}

void ig_buf_printf(ig_buf *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) {
        if (b->status == IG_OK) b->status = IG_E_ARG;
        return;
    }
    if (!reserve(b, (size_t)n)) return;
    va_start(args, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
}

ig_status ig_buf_status(const ig_buf *b, ig_error *err) {
    switch (b->status) {
    case IG_OK: return IG_OK;
    case IG_E_NOMEM: return ig_error_nomem(err, b->len);
    case IG_E_LIMIT: return ig_error_set(err, IG_E_LIMIT, "larger than the limit of %zu bytes", b->max);
    default: return ig_error_set(err, b->status, "text that could not be formatted");
    }
}

void ig_buf_clear(ig_buf *b) {
    b->len = 0;
    b->status = IG_OK;
    if (b->data) b->data[0] = '\0';
}

void ig_buf_fini(ig_buf *b) {
    ig_free(b->data);
    *b = (ig_buf){.max = b->max};
}
