/* data/plain_text.h: bytes from outside as UTF-8 text. */
#ifndef DATA_PLAIN_TEXT_H
#define DATA_PLAIN_TEXT_H

#include "ingot/base.h"

/* Append the text to *out (its max is set): without byte order mark, and without a NUL.  Errors name `file` and line. */
ig_status plain_text(const char *file, const void *bytes, size_t len, ig_buf *out, ig_error *err);
bool ends_with(const char *name, const char *end); /* without regard to ASCII case */

#endif
