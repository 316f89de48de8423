/* data/cells.h: what the text of a cell means: number, boolean, date. */
#ifndef DATA_CELLS_H
#define DATA_CELLS_H

#include "ingot/tabular.h"

typedef struct cell_date {
    int year, month, day, weekday; /* weekday: 0 Monday … 6 Sunday */
    int hour;
    double days;                   /* since 1970-01-01, with the time of day as a fraction */
    bool clock;
    bool day_first, month_first;   /* of two leading numbers, the other one cannot be the month */
} cell_date;

/* A decimal number with an optional exponent, and with commas between thousands: -1.5e3, 1,234,567.8. */
bool cell_number(const char *s, double *out);
bool cell_integer(double v);
/* true, yes, y, t, 1, 是 … and their opposites, in any case. */
bool cell_boolean(const char *s, double *out);
/* 2026-11-24, 2026/11/24, 2026.11.24, 20261124 is none, 24.11.2026, 24/11/2026, 2026年11月24日; then perhaps T or space and 09:30,
 * 09:30:15, 09:30:15.5, Z or +08:00, which is not added.  order: of what does not begin with a year. */
bool cell_date_parse(const char *s, ig_date_order order, cell_date *out);
/* Without space at the ends: *len gets the length. */
const char *cell_trim(const char *s, size_t *len);
/* One of `words` (or of ig_missing_words), without regard to ASCII case; "" is. */
bool cell_missing(const char *s, const char *const *words, size_t count);
/* Lower case (ASCII), without spaces, '-', '_' and a full stop at the end; cut to size. */
void cell_fold(const char *s, char *out, size_t size);

#endif
