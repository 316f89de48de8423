/* data/column_values.h: the numbers of a column, each value once with its rows, in ascending order. */
#ifndef DATA_COLUMN_VALUES_H
#define DATA_COLUMN_VALUES_H

#include "data/cells.h"

typedef struct value_count {
    double v;
    size_t n;
} value_count;

typedef struct value_counts {
    value_count *item; /* [len] ascending, every v once */
    size_t len, rows;  /* rows: the sum of n */
} value_counts;

/* What a value means as this type: BOOLEAN 0 or 1, DATE days since 1970.  False when it does not fit. */
bool column_number(const char *s, ig_column_type type, ig_date_order order, double *out);
/* *out [distinct]: NaN for what is missing or does not fit.  The caller frees it. */
ig_status column_numbers(const ig_frame_column *c, ig_column_type type, ig_date_order order, double **out, ig_error *err);
/* The numbers in order; count [distinct] says how many rows have each.  The caller frees out->item. */
ig_status values_sort(const double *number, const uint32_t *count, size_t distinct, value_counts *out, ig_error *err);
/* Linear between neighbours (type 7 of Hyndman & Fan 1996); 0 without values. */
double values_quantile(const value_counts *v, double p);
double values_mean(const value_counts *v);
double values_sd(const value_counts *v);
/* The middle distance to the middle.  *out is 0 when more than half of the rows have one value. */
ig_status values_mad(const value_counts *v, double median, double *out, ig_error *err);

#endif
