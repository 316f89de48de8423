/* The kernels of channel norms, pools and pictures: each instruction set against the double-precision twin, over sizes that
 * leave tails, with guards behind every array; all sets give the same bits; NaN and infinities go through a maximum as torch
 * says.
 */
#include "kernel_check.h"

#define ROWS 3
#define PIXELS 6 /* of a window of two rows and three columns */

static double *widened(const float *x, size_t n) {
    double *y = malloc(n * sizeof *y);
    assert_non_null(y);
    for (size_t i = 0; i < n; i++) y[i] = x[i];
    return y;
}

static float *random_array(size_t n) {
    float *x = guarded(n);
    fill(x, n, -2, 2);
    return x;
}

/* ---- channel norms ------------------------------------------------------------------------------------------------- */

enum { X, DY, ADD, MEAN, SCALE, SHIFT, C0, C1, INPUTS };

typedef struct columns {
    size_t n, count; /* the last of ROWS + 1 rows is cut short */
    float *f[INPUTS];
    double *d[INPUTS];
    ig_columns narrow, wide;
} columns;

static columns make(size_t n) {
    columns t = {.n = n, .count = ROWS * n + n / 2};
    for (int i = 0; i < INPUTS; i++) {
        size_t size = i < MEAN ? t.count : n;
        t.f[i] = random_array(size);
        t.d[i] = widened(t.f[i], size);
    }
    t.narrow = (ig_columns){t.f[MEAN], t.f[SCALE], t.f[SHIFT], t.f[C0], t.f[C1]};
    t.wide = (ig_columns){t.d[MEAN], t.d[SCALE], t.d[SHIFT], t.d[C0], t.d[C1]};
    return t;
}

static void drop(columns *t) {
    for (int i = 0; i < INPUTS; i++) free_guarded(t->f[i], i < MEAN ? t->count : t->n), free(t->d[i]);
}

/* Values are below 14, and a few roundings deep. */
static void compare(const char *what, size_t n, const float *have, const double *want, size_t count) {
    for (size_t i = 0; i < count; i++) check_near(what, n, i, have[i], want[i], EPS * 256);
}

static void sums_of_columns_are_those_in_double(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) {
        columns t = make(n);
        float *a = random_array(n), *b = random_array(n);
        double *wa = widened(a, n), *wb = widened(b, n);
        k->column_sums(a, t.f[X], t.count, n), k->column_sums_f64(wa, t.d[X], t.count, n);
        compare("column_sums", n, a, wa, n);
        k->column_moments(a, b, t.f[X], t.f[MEAN], t.count, n), k->column_moments_f64(wa, wb, t.d[X], t.d[MEAN], t.count, n);
        compare("column_moments, first", n, a, wa, n), compare("column_moments, second", n, b, wb, n);
        for (int c = 0; c < 3; c++) { /* plain, relu recomputed, relu of a given y */
            const float *y = c == 2 ? t.f[ADD] : NULL;
            float *g = guarded(t.count);
            k->column_grad_sums(a, b, y ? g : NULL, t.f[DY], t.f[X], y, &t.narrow, t.count, n, c > 0);
            k->column_grad_sums_f64(wa, wb, NULL, t.d[DY], t.d[X], y ? t.d[ADD] : NULL, &t.wide, t.count, n, c > 0);
            compare("column_grad_sums, sum", n, a, wa, n), compare("column_grad_sums, dot", n, b, wb, n);
            for (size_t i = 0; y && i < t.count; i++)
                check_near("column_grad_sums, g", n, i, g[i], y[i] > 0 ? t.f[DY][i] : 0, 0);
            free_guarded(g, t.count);
        }
        free_guarded(a, n), free_guarded(b, n), free(wa), free(wb);
        drop(&t);
    }
}

static void columns_are_normalised_as_in_double(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) for (int c = 0; c < 4; c++) {
        columns t = make(n);
        float *y = guarded(t.count);
        double *want = malloc(t.count * sizeof *want);
        assert_non_null(want);
        k->column_affine(y, t.f[X], c & 1 ? t.f[ADD] : NULL, &t.narrow, t.count, n, c & 2);
        k->column_affine_f64(want, t.d[X], c & 1 ? t.d[ADD] : NULL, &t.wide, t.count, n, c & 2);
        compare("column_affine", n, y, want, t.count);
        k->column_affine(t.f[X], t.f[X], c & 1 ? t.f[ADD] : NULL, &t.narrow, t.count, n, c & 2); /* in place */
        assert_true(same_bits(t.f[X], y, t.count));
        free_guarded(y, t.count), free(want);
        drop(&t);
    }
}

static void gradients_of_columns_are_those_in_double(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) for (int relu = 0; relu < 2; relu++) {
        columns t = make(n);
        float *dx = guarded(t.count);
        double *want = malloc(t.count * sizeof *want);
        assert_non_null(want);
        k->column_grad(dx, t.f[DY], t.f[X], &t.narrow, t.count, n, relu);
        k->column_grad_f64(want, t.d[DY], t.d[X], &t.wide, t.count, n, relu);
        compare("column_grad", n, dx, want, t.count);
        k->column_grad(t.f[DY], t.f[DY], t.f[X], &t.narrow, t.count, n, relu); /* in place */
        assert_true(same_bits(t.f[DY], dx, t.count));
        free_guarded(dx, t.count), free(want);
        drop(&t);
    }
}

/* ---- pools, blends ------------------------------------------------------------------------------------------------- */

/* Two rows of three pixels in a picture four pixels wide. */
static ig_window window_of(size_t c) {
    return (ig_window){
        .rows = 2, .columns = 3, .row_stride = 4 * (int64_t)c, .column_stride = (int64_t)c, .position = 9, .width = 4};
}
static const size_t pixel_of[PIXELS] = {0, 1, 2, 4, 5, 6}; /* in memory; position is 9 more */

static void maxima_are_the_largest_and_say_where(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(c) {
        ig_window w = window_of(c);
        float *x = random_array(8 * c), *y = guarded(c), *dx = guarded(16 * c);
        int32_t *index = (int32_t *)(void *)guarded(c);
        x[0] = x[c] = 3;                             /* the first of equals */
        if (c > 1) x[5 * c + 1] = NAN;               /* wins */
        if (c > 2) for (size_t p = 0; p < 8; p++) x[p * c + 2] = -INFINITY;
        if (c > 3) x[6 * c + 3] = INFINITY;
        k->max_pool(y, index, x, &w, c);
        for (size_t j = 0; j < c; j++) {
            size_t best = 0;
            for (size_t p = 1; p < PIXELS; p++) {
                float v = x[pixel_of[p] * c + j];
                if (v > x[pixel_of[best] * c + j] || isnan(v)) best = p;
            }
            check_near("max_pool", c, j, y[j], x[pixel_of[best] * c + j], 0);
            assert_int_equal(index[j], 9 + pixel_of[best]);
        }
        for (size_t i = 0; i < 16 * c; i++) dx[i] = 1;
        k->max_pool_grad(dx, x, index, c, c); /* the first pixel of x as dy */
        for (size_t p = 0; p < 16; p++)
            for (size_t j = 0; j < c; j++)
                check_near("max_pool_grad", c, j, dx[p * c + j], (size_t)index[j] == p ? 1 + x[j] : 1, EPS * 4);
        free_guarded(x, 8 * c), free_guarded(y, c), free_guarded(dx, 16 * c), free_guarded((float *)(void *)index, c);
    }
}

static void means_are_those_in_double(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(c) {
        ig_window w = window_of(c);
        float *x = random_array(8 * c), *y = guarded(c), *dy = random_array(c);
        k->avg_pool(y, x, &w, 9, c);
        for (size_t j = 0; j < c; j++) {
            double sum = 0;
            for (size_t p = 0; p < PIXELS; p++) sum += x[pixel_of[p] * c + j];
            check_near("avg_pool", c, j, y[j], sum / 9, EPS * 12);
        }
        float *dx = random_array(8 * c);
        double *want = widened(dx, 8 * c);
        k->avg_pool_grad(dx, dy, &w, 9, c);
        for (size_t p = 0; p < PIXELS; p++)
            for (size_t j = 0; j < c; j++) want[pixel_of[p] * c + j] += dy[j] / 9.0;
        for (size_t i = 0; i < 8 * c; i++) check_near("avg_pool_grad", c, i, dx[i], want[i], EPS * 4);
        free_guarded(x, 8 * c), free_guarded(y, c), free_guarded(dy, c), free_guarded(dx, 8 * c), free(want);
    }
}

static void blends_and_window_sums_are_those_in_double(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) {
        float *x = random_array(4 * n), *y = guarded(n);
        const float *corner[4] = {x, x + n, x + 2 * n, x + 3 * n};
        k->blend(y, corner, 0.25f, 0.625f, n);
        for (size_t i = 0; i < n; i++)
            check_near("blend", n, i, y[i],
                       0.75 * (0.375 * x[i] + 0.625 * x[n + i]) + 0.25 * (0.375 * x[2 * n + i] + 0.625 * x[3 * n + i]),
                       EPS * 12);
        float *z = random_array(n);
        double *want = widened(z, n);
        k->add_scaled(z, x, 0.3f, n);
        for (size_t i = 0; i < n; i++) check_near("add_scaled", n, i, z[i], want[i] + (double)0.3f * x[i], EPS * 4);
        for (size_t before = 0; before < 4; before++) {
            size_t after = 5 - before;
            k->window_sum(y, x, before, after, n);
            for (size_t i = 0; i < n; i++) {
                double sum = 0;
                for (size_t j = i < before ? 0 : i - before; j <= i + after && j < n; j++) sum += x[j];
                check_near("window_sum", n, i, y[i], sum, EPS * 64);
            }
        }
        free_guarded(x, 4 * n), free_guarded(y, n), free_guarded(z, n), free(want);
    }
}

/* ---- the same bits ------------------------------------------------------------------------------------------------- */

static void instruction_sets_give_the_same_bits(void **state) {
    (void)state;
    EACH_SIZE(n) {
        columns t = make(n);
        size_t all = 2 * t.count + 7 * n;
        float *first = guarded(all), *other = guarded(all), *x = random_array(8 * n);
        const float *corner[4] = {x, x + n, x + 2 * n, x + 3 * n};
        ig_window w = window_of(n);
        bool any = false;
        EACH_SET(k) {
            float *to = any ? other : first, *small = to + 2 * t.count;
            memset(to, 0, all * sizeof *to);
            k->column_affine(to, t.f[X], t.f[ADD], &t.narrow, t.count, n, true);
            k->column_grad(to + t.count, t.f[DY], t.f[X], &t.narrow, t.count, n, true);
            k->column_moments(small, small + n, t.f[X], t.f[MEAN], t.count, n);
            k->column_grad_sums(small + 2 * n, small + 3 * n, NULL, t.f[DY], t.f[X], NULL, &t.narrow, t.count, n, true);
            k->avg_pool(small + 4 * n, x, &w, 5, n);
            k->blend(small + 5 * n, corner, 0.3f, 0.7f, n);
            k->window_sum(small + 6 * n, x, 2, 2, n);
            if (any) assert_true(same_bits(first, other, all));
            any = true;
        }
        free_guarded(first, all), free_guarded(other, all), free_guarded(x, 8 * n);
        drop(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_columns_are_those_in_double),
        cmocka_unit_test(columns_are_normalised_as_in_double),
        cmocka_unit_test(gradients_of_columns_are_those_in_double),
        cmocka_unit_test(maxima_are_the_largest_and_say_where),
        cmocka_unit_test(means_are_those_in_double),
        cmocka_unit_test(blends_and_window_sums_are_those_in_double),
        cmocka_unit_test(instruction_sets_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
