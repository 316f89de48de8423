/* base/number.h: numbers to text and back, whatever the process's locale says about the decimal point. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IG_REAL_CHARS 32

/* s is NUL-terminated and has been checked to be a number with nothing after it; false when its value is not finite. */
bool ig_number_parse(const char *s, double *out);
/* Decimal digits with an optional sign; false when they do not fit. */
bool ig_number_parse_int(const char *s, int64_t *out);
/* The shortest %g form that reads back as v, which must be finite.  Returns its length. */
size_t ig_number_format(double v, char out[IG_REAL_CHARS]);

#endif
