/* nn/init/orthogonal.c: a random orthogonal matrix (Saxe et al. 2014): Q of the QR factorisation of a Gaussian one, each
 * column times the sign of R's diagonal, without which Q is not uniformly distributed (Mezzadri 2007).
 *
 * The tensor is read as [rows, cols] = [shape[0], the rest].  LAPACK wants a tall matrix, column by column: m = max, n = min.
 * When rows <= cols, column i of the tall matrix is row i of the tensor, and it is filled in place of it.
 */
#include <math.h>

#include "nn/init.h"

/* Fortran's interface; matrices by column, every argument by address. */
void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork, int *info);
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau, double *work,
             const int *lwork, int *info);

#define BLOCK 64 /* columns that LAPACK handles at once, for the size of its workspace */

typedef struct factor {
    int m, n;
    double *a, *tau, *work, *sign; /* [m·n], [n], [n·BLOCK], [n] */
} factor;

static ig_status make_factor(const ig_tensor *t, factor *f, ig_error *err) {
    int64_t rows = t->shape[0], cols = rows ? ig_tensor_numel(t) / rows : 0;
    int64_t m = rows > cols ? rows : cols, n = rows > cols ? cols : rows;
    if (m > INT32_MAX / 2) return ig_error_set(err, IG_E_LIMIT, "larger than LAPACK's indices");
    f->m = (int)m, f->n = (int)n;
    f->a = ig_calloc((size_t)(m * n) + 1, sizeof *f->a);
    f->tau = ig_calloc((size_t)n * (BLOCK + 2) + 1, sizeof *f->tau);
    if (!f->a || !f->tau) return ig_error_nomem(err, (size_t)(m * n) * sizeof *f->a);
    f->sign = f->tau + n, f->work = f->sign + n;
    return IG_OK;
}

static ig_status factorise(factor *f, ig_error *err) {
    int work = f->n * BLOCK, info = 0;
    dgeqrf_(&f->m, &f->n, f->a, &f->m, f->tau, f->work, &work, &info);
    for (int i = 0; i < f->n; i++) f->sign[i] = f->a[(size_t)i * (size_t)f->m + (size_t)i] < 0 ? -1 : 1;
    if (info == 0) dorgqr_(&f->m, &f->n, &f->n, f->a, &f->m, f->tau, f->work, &work, &info);
    return info == 0 ? IG_OK : ig_error_set(err, IG_E_INTERNAL, "LAPACK's QR returned %d", info);
}

static void store(const init_job *j, const factor *f) {
    int64_t rows = j->t->shape[0], cols = ig_tensor_numel(j->t) / rows;
    double gain = j->opts.a != 0 ? j->opts.a : 1;
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < cols; c++) {
            int64_t i = rows > cols ? r : c, k = rows > cols ? c : r; /* row and column of the tall matrix */
            ig_tensor_set(j->t, r * cols + c, gain * f->sign[k] * f->a[k * f->m + i]);
        }
    }
}

static ig_status orthogonal(const init_job *j, ig_error *err) {
    factor f = {0};
    ig_rng r;
    if (j->t->ndim < 2) return ig_error_set(err, IG_E_SHAPE, "needs at least two dimensions");
    if (ig_tensor_numel(j->t) == 0) return IG_OK;
    ig_status s = make_factor(j->t, &f, err);
    ig_rng_init(&r, j->key, j->stream);
    for (size_t i = 0; s == IG_OK && i < (size_t)f.m * (size_t)f.n; i++) f.a[i] = ig_rng_normal(&r);
    if (s == IG_OK) s = factorise(&f, err);
    if (s == IG_OK) store(j, &f);
    ig_free(f.a);
    ig_free(f.tau);
    return s;
}

extern const init_row ig_init_orthogonal;
const init_row ig_init_orthogonal = {orthogonal};
