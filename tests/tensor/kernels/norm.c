/* Layer norm, RMS norm and rotary positions against plain loops in double. */
#include "kernel_check.h"

typedef struct row {
    size_t n;
    float *x, *w, *b, *dy, *y, *dw, *db;
    double mean, rstd, magnitude; /* expected; largest |x - mean|·rstd */
} row;

#define LN_EPS 1e-5f

/* `offset`: a mean far from zero, where the mean of squares would lose every digit. */
static row make(size_t n, double offset, bool centred) {
    row r = {.n = n, .x = guarded(n), .w = guarded(n), .b = guarded(n), .dy = guarded(n), .y = guarded(n), .dw = guarded(n), .db = guarded(n)};
    double sum = 0, squares = 0;
    fill(r.x, n, offset - 2, offset + 2), fill(r.w, n, -2, 2), fill(r.b, n, -1, 1), fill(r.dy, n, -1, 1), fill(r.dw, n, -1, 1), fill(r.db, n, -1, 1);
    for (size_t i = 0; i < n; i++) sum += r.x[i];
    r.mean = centred ? sum / (double)n : 0;
    for (size_t i = 0; i < n; i++) squares += (r.x[i] - r.mean) * (r.x[i] - r.mean);
    r.rstd = 1 / sqrt(squares / (double)n + (double)LN_EPS);
    for (size_t i = 0; i < n; i++) r.magnitude = fmax(r.magnitude, (fabs((double)r.x[i]) + fabs(r.mean)) * r.rstd);
    return r;
}

static void drop(row *r) {
    float *all[] = {r->x, r->w, r->b, r->dy, r->y, r->dw, r->db};
    for (size_t i = 0; i < COUNT(all); i++) free_guarded(all[i], r->n);
}

/* The mean is off by its own roundings, the rest by a handful. */
static double tolerance(const row *r) { return EPS * ((double)r->n / 16 + 16) * (1 + r->magnitude) * 2; }

static void layer_norm_is_the_formula(void **state) {
    (void)state;
    static const double offsets[] = {0, 50};
    EACH_SET(k) EACH_SIZE(n) for (int c = 0; c < 8; c++) {
        row r = make(n, offsets[c / 4], true);
        const float *w = c & 1 ? r.w : NULL, *b = c & 2 ? r.b : NULL;
        float mean, rstd;
        if (n == 1) r.x[0] = (float)r.mean; /* a single value has no spread but its eps */
        k->layer_norm_row(r.y, &mean, &rstd, r.x, w, b, LN_EPS, n);
        check_near("mean", n, 0, mean, r.mean, tolerance(&r) / r.rstd);
        check_near("rstd", n, 0, rstd, r.rstd, tolerance(&r) * r.rstd);
        for (size_t i = 0; i < n; i++) {
            double want = (r.x[i] - r.mean) * r.rstd * (w ? w[i] : 1) + (b ? b[i] : 0);
            check_near("layer_norm", n, i, r.y[i], want, tolerance(&r) * (w ? 2 : 1) + EPS * 2);
        }
        drop(&r);
    }
}

/* dx = r·(g - mean(g) - x̂·mean(g·x̂)); without a mean: r·(g - x̂·mean(g·x̂)) */
static void check_gradient(const char *what, const row *r, const float *w, bool centred, const float *dx, const float *dw0, const float *dw) {
    double s0 = 0, s1 = 0, size = 0, n = (double)r->n, mean = (float)r->mean, rstd = (float)r->rstd;
    for (size_t i = 0; i < r->n; i++) {
        double g = r->dy[i] * (double)(w ? w[i] : 1), h = (r->x[i] - mean) * rstd;
        s0 += g / n, s1 += g * h / n, size += (fabs(g) + fabs(g * h)) / n;
    }
    for (size_t i = 0; i < r->n; i++) {
        double g = r->dy[i] * (double)(w ? w[i] : 1), h = (r->x[i] - mean) * rstd;
        check_near(what, r->n, i, dx[i], rstd * (g - (centred ? s0 : 0) - h * s1), EPS * (n / 16 + 16) * rstd * (fabs(g) + size * (1 + r->magnitude)));
        if (dw) check_near("dw", r->n, i, dw[i], dw0[i] + r->dy[i] * h, EPS * 4 * (2 + r->magnitude));
    }
}

static void layer_norm_gradient_is_the_formula(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) for (int c = 0; c < 8; c++) {
        row r = make(n, 0.5, true);
        const float *w = c & 1 ? r.w : NULL;
        float *dw = guarded(n), *db = guarded(n), *dx = c & 4 ? r.y : guarded(n);
        memcpy(dw, r.dw, n * sizeof *dw), memcpy(db, r.db, n * sizeof *db), memcpy(r.y, r.dy, n * sizeof *dx);
        k->layer_norm_grad_row(dx, c & 2 ? dw : NULL, c & 2 ? db : NULL, c & 4 ? r.y : r.dy, r.x, w, (float)r.mean, (float)r.rstd, n); /* also in place */
        check_gradient("layer_norm_grad", &r, w, true, dx, r.dw, c & 2 ? dw : NULL);
        for (size_t i = 0; i < n; i++) check_near("db", n, i, db[i], c & 2 ? r.db[i] + r.dy[i] : r.db[i], 0);
        free_guarded(dw, n), free_guarded(db, n);
        if (!(c & 4)) free_guarded(dx, n);
        drop(&r);
    }
}

static void rms_norm_and_its_gradient_are_the_formulas(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) for (int c = 0; c < 4; c++) {
        row r = make(n, 0.5, false);
        const float *w = c & 1 ? r.w : NULL;
        float rstd, *dw = guarded(n), *dx = guarded(n);
        k->rms_norm_row(r.y, &rstd, r.x, w, LN_EPS, n);
        check_near("rstd", n, 0, rstd, r.rstd, tolerance(&r) * r.rstd);
        for (size_t i = 0; i < n; i++) check_near("rms_norm", n, i, r.y[i], r.x[i] * r.rstd * (w ? w[i] : 1), tolerance(&r) * 2);
        memcpy(dw, r.dw, n * sizeof *dw);
        k->rms_norm_grad_row(dx, c & 2 ? dw : NULL, r.dy, r.x, w, (float)r.rstd, n);
        check_gradient("rms_norm_grad", &r, w, false, dx, r.dw, c & 2 ? dw : NULL);
        free_guarded(dw, n), free_guarded(dx, n);
        drop(&r);
    }
}

static void rotation_turns_pairs_and_turns_them_back(void **state) {
    (void)state;
    static const size_t heads[] = {2, 4, 6, 16, 32, 34, 64, 80, 128, 254};
    EACH_SET(k) for (size_t h = 0; h < COUNT(heads); h++) for (int half = 0; half < 2; half++) {
        size_t d = heads[h], pairs = d / 2;
        float *x = guarded(d), *y = guarded(d), *c = guarded(pairs), *s = guarded(pairs);
        fill(x, d, -2, 2);
        for (size_t i = 0; i < pairs; i++) c[i] = (float)cos((double)i), s[i] = (float)sin((double)i);
        k->rope_row(y, x, c, s, d, half, 1);
        for (size_t i = 0; i < pairs; i++) {
            size_t a = half ? i : 2 * i, b = half ? i + pairs : 2 * i + 1;
            check_near("rope", d, a, y[a], (double)x[a] * c[i] - (double)x[b] * s[i], EPS * 8);
            check_near("rope", d, b, y[b], (double)x[b] * c[i] + (double)x[a] * s[i], EPS * 8);
        }
        k->rope_row(y, y, c, s, d, half, -1); /* in place */
        for (size_t i = 0; i < d; i++) check_near("rope back", d, i, y[i], x[i], EPS * 24);
        free_guarded(x, d), free_guarded(y, d), free_guarded(c, pairs), free_guarded(s, pairs);
    }
}

static void instruction_sets_give_the_same_bits(void **state) {
    (void)state;
    EACH_SIZE(n) {
        row r = make(n, 0.5, true);
        float *y = guarded(4 * n), *first = guarded(4 * n), mean, rstd;
        bool any = false;
        EACH_SET(k) {
            float *to = any ? y : first;
            k->layer_norm_row(to, &mean, &rstd, r.x, r.w, r.b, LN_EPS, n);
            k->layer_norm_grad_row(to + n, NULL, NULL, r.dy, r.x, r.w, mean, rstd, n);
            k->rms_norm_row(to + 2 * n, &rstd, r.x, r.w, LN_EPS, n);
            k->rms_norm_grad_row(to + 3 * n, NULL, r.dy, r.x, r.w, rstd, n);
            if (any) assert_true(same_bits(first, y, 4 * n));
            any = true;
        }
        free_guarded(y, 4 * n), free_guarded(first, 4 * n);
        drop(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_norm_is_the_formula),
        cmocka_unit_test(layer_norm_gradient_is_the_formula),
        cmocka_unit_test(rms_norm_and_its_gradient_are_the_formulas),
        cmocka_unit_test(rotation_turns_pairs_and_turns_them_back),
        cmocka_unit_test(instruction_sets_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
