/* base/error.c: status codes and the message that goes with them.
 *
 * An ig_error lives in the caller's frame; nothing here is kept between calls and nothing is thread-local.  A message
 * that does not fit is cut at a character border, never inside a UTF-8 sequence, so that it can go into JSON as it is.
 */
#include <errno.h>
#include <string.h>

#include "ingot/base.h"

static const char *const status_names[] = {
    [IG_OK] = "ok",
    [IG_E_NOMEM] = "out of memory",
    [IG_E_ARG] = "bad argument",
    [IG_E_SHAPE] = "shape mismatch",
    [IG_E_DTYPE] = "wrong element type",
    [IG_E_IO] = "input/output error",
    [IG_E_FORMAT] = "bad format",
    [IG_E_LIMIT] = "limit exceeded",
    [IG_E_NOT_FOUND] = "not found",
    [IG_E_EXISTS] = "exists already",
    [IG_E_STATE] = "wrong state",
    [IG_E_UNSUPPORTED] = "not supported",
    [IG_E_NUMERIC] = "not a finite number",
    [IG_E_CANCELLED] = "cancelled",
    [IG_E_BUSY] = "busy",
    [IG_E_INTERNAL] = "internal error",
};

const char *ig_status_name(ig_status s) {
    size_t i = (size_t)s;
    if (i >= sizeof status_names / sizeof *status_names || !status_names[i]) return "unknown status";
    return status_names[i];
}

/* Drop the incomplete sequence that snprintf may have left at the end of a full buffer. */
static void trim_partial_utf8(char *s, size_t len) {
    size_t i = len;
    while (i > 0 && len - i < 3 && ((unsigned char)s[i - 1] & 0xC0) == 0x80) i--;
    if (i == 0 || (unsigned char)s[i - 1] < 0xC0) return;
    unsigned char lead = (unsigned char)s[i - 1];
    size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (len - (i - 1) < want) s[i - 1] = '\0';
}

static void set_message(ig_error *err, const char *fmt, va_list args) {
    int n = vsnprintf(err->message, sizeof err->message, fmt, args);
    if (n < 0) {
        err->message[0] = '\0';
    } else if ((size_t)n >= sizeof err->message) {
        trim_partial_utf8(err->message, sizeof err->message - 1);
    }
}

/* A long name keeps its end, which says more than its beginning. */
static void set_place(ig_error *err, const char *file, int line) {
    err->line = line;
    size_t n = file ? strlen(file) : 0;
    if (n < sizeof err->file) {
        if (n) memcpy(err->file, file, n);
        err->file[n] = '\0';
        return;
    }
    const char *tail = file + n - (sizeof err->file - 4);
    while (((unsigned char)*tail & 0xC0) == 0x80) tail++;
    snprintf(err->file, sizeof err->file, "...%s", tail);
}

ig_status ig_error_set(ig_error *err, ig_status code, const char *fmt, ...) {
    if (!err) return code;
    va_list args;
    va_start(args, fmt);
    err->code = code;
    set_place(err, NULL, 0);
    set_message(err, fmt, args);
    va_end(args);
    return code;
}

ig_status ig_error_at(ig_error *err, ig_status code, const char *file, int line, const char *fmt, ...) {
    if (!err) return code;
    va_list args;
    va_start(args, fmt);
    err->code = code;
    set_place(err, file, line);
    set_message(err, fmt, args);
    va_end(args);
    return code;
}

ig_status ig_error_nomem(ig_error *err, size_t bytes) {
    if (bytes == 0) return ig_error_set(err, IG_E_NOMEM, "out of memory");
    return ig_error_set(err, IG_E_NOMEM, "out of memory: %zu bytes were asked for", bytes);
}

static ig_status status_of_errno(int e) {
    switch (e) {
    case ENOENT: return IG_E_NOT_FOUND;
    case EEXIST: return IG_E_EXISTS;
    case ENOMEM: return IG_E_NOMEM;
    default: return IG_E_IO;
    }
}

/* The message, ": " and the text of `reason`. */
static ig_status set_errno(ig_error *err, int reason, const char *file, const char *fmt, va_list args) {
    ig_status code = status_of_errno(reason);
    if (!err) return code;
    err->code = code;
    set_place(err, file, 0);
    set_message(err, fmt, args);

    char buf[128];
    const char *text = strerror_r(reason, buf, sizeof buf); /* the GNU variant: it returns the text */
    size_t len = strlen(err->message);
    snprintf(err->message + len, sizeof err->message - len, ": %s", text);
    return code;
}

ig_status ig_error_errno(ig_error *err, const char *fmt, ...) {
    int reason = errno;
    va_list args;
    va_start(args, fmt);
    ig_status code = set_errno(err, reason, NULL, fmt, args);
    va_end(args);
    return code;
}

ig_status ig_error_errno_at(ig_error *err, const char *file, const char *fmt, ...) {
    int reason = errno;
    va_list args;
    va_start(args, fmt);
    ig_status code = set_errno(err, reason, file, fmt, args);
    va_end(args);
    return code;
}

const char *ig_error_format(const ig_error *err, char *buf, size_t size) {
    if (size == 0) return buf;
    if (!err->file[0]) {
        snprintf(buf, size, "%s", err->message);
    } else if (err->line > 0) {
        snprintf(buf, size, "%s:%d: %s", err->file, err->line, err->message);
    } else {
        snprintf(buf, size, "%s: %s", err->file, err->message);
    }
    return buf;
}
