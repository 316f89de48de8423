/* data/sparse_table.c: sparse rows that name one value of each field, as a frame.
 *
 * libFM's files number all values of all fields in one row of numbers, "-1 451:1 4149:1 5041:1".  A row names one value of each
 * field, with a 1; ordered by number, the k-th entry is the k-th field.
 */
#include <math.h>
#include <string.h>

#include "ingot/tabular.h"

#define FIELDS_MAX 1024

bool ig_csr_is_named(const char *path) {
    static const char *const ends[] = {".libfm", ".libsvm", ".svm"};
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (n > strlen(ends[i]) && strcmp(path + n - strlen(ends[i]), ends[i]) == 0) return true;
    return false;
}

static ig_status check_row(const char *path, const ig_csr *x, size_t r, size_t F, ig_error *err) {
    size_t n = x->start[r + 1] - x->start[r];
    if (n != F)
        return ig_error_at(err, IG_E_FORMAT, path, 0,
                           "row %zu has %zu entries and the first row %zu; every row must name a value of each field",
                           r + 1, n, F);
    for (size_t i = x->start[r]; i < x->start[r + 1]; i++)
        if (!(fabsf(x->value[i] - 1) < 1e-6f))
            return ig_error_at(err, IG_E_FORMAT, path, 0,
                               "row %zu: %d:%g; only the value 1 says which value of a field a row has",
                               r + 1, (int)x->index[i], (double)x->value[i]);
    return IG_OK;
}

static ig_status write_csv(const char *path, const ig_csr *x, ig_buf *out, ig_error *err) {
    size_t F = x->rows ? x->start[1] - x->start[0] : 0;
    if (F < 1 || F > FIELDS_MAX)
        return ig_error_at(err, IG_E_FORMAT, path, 0, "%zu entries in the first row; 1 to %d are possible", F, FIELDS_MAX);
    ig_buf_puts(out, "label");
    for (size_t f = 0; f < F; f++) ig_buf_printf(out, ",field %zu", f + 1);
    for (size_t r = 0; r < x->rows; r++) {
        IG_TRY(check_row(path, x, r, F, err));
        ig_buf_printf(out, "\n%.9g", x->label[r]);
        for (size_t i = x->start[r]; i < x->start[r + 1]; i++) ig_buf_printf(out, ",%d", (int)x->index[i]);
    }
    ig_buf_putc(out, '\n');
    return ig_buf_status(out, err);
}

ig_status ig_frame_load_any(const char *path, const ig_frame_opts *opts, ig_frame *out, ig_error *err) {
    ig_frame_opts plain = *opts;
    ig_csr x = {0};
    ig_buf text = {.max = (size_t)1 << 31};
    if (!ig_csr_is_named(path)) return ig_frame_load(path, opts, out, err);
    plain.table.format = IG_TABLE_CSV;
    plain.table.headless = false;
    IG_TRY(ig_csr_load(path, &x, err));
    ig_status status = write_csv(path, &x, &text, err);
    if (status == IG_OK) status = ig_frame_parse(ig_path_base(path), text.data, text.len, &plain, out, err);
    ig_csr_fini(&x);
    ig_buf_fini(&text);
    return status;
}
