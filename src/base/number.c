/* base/number.c: see number.h.
 *
 * strtod and printf follow LC_NUMERIC, which a program that embeds the library may have set to a comma.  glibc keeps the
 * "C" locale as a static object, so that asking for it at every call costs no allocation and can fail only in theory.
 */
#include "base/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ig_number_parse(const char *s, double *out) {
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double v = c ? strtod_l(s, NULL, c) : strtod(s, NULL);
    if (c) freelocale(c);
    *out = v;
    return isfinite(v);
}

bool ig_number_parse_int(const char *s, int64_t *out) {
    errno = 0;
    long long v = strtoll(s, NULL, 10);
    if (errno) return false;
    *out = v;
    return true;
}

static size_t shortest(double v, char out[IG_REAL_CHARS]) {
    char text[IG_REAL_CHARS] = "";
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    memcpy(out, text, sizeof text);
    return strlen(text);
}

size_t ig_number_format(double v, char out[IG_REAL_CHARS]) {
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = c ? uselocale(c) : (locale_t)0;
    size_t n = shortest(v, out);
    if (c) {
        uselocale(before);
        freelocale(c);
    }
    return n;
}
