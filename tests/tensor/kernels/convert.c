/* Half-precision conversions: every one of the 65536 values, the middle between any two neighbours, and both sides of it. */
#include "kernel_check.h"

static uint32_t bits_of(float f) {
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}
static float float_of(uint32_t u) {
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* IEEE 754 binary16, by its definition. */
static float half_value(uint16_t h) {
    int e = h >> 10 & 31, m = h & 1023;
    double v = e == 0 ? ldexp(m, -24) : e == 31 ? (m ? (double)NAN : (double)INFINITY) : ldexp(1024 + m, e - 25);
    return (float)(h & 0x8000 ? -v : v);
}

typedef struct format {
    const char *name;
    uint16_t infinity;
    void (*narrow)(uint16_t *y, const float *x, size_t n);
    void (*widen)(float *y, const uint16_t *x, size_t n);
} format;

static void every_value_survives(const format *f) {
    enum { N = 65536 };
    uint16_t *h = malloc(N * sizeof *h), *back = malloc(N * sizeof *back);
    float *x = malloc(N * sizeof *x);
    for (uint32_t i = 0; i < N; i++) h[i] = (uint16_t)i;
    f->widen(x, h, N);
    f->narrow(back, x, N);
    for (uint32_t i = 0; i < N; i++) {
        bool nan = (i & 0x7fff) > f->infinity;
        float want = f->infinity == 0x7c00 ? half_value((uint16_t)i) : float_of(i << 16);
        if (nan ? !isnan(x[i]) : bits_of(x[i]) != bits_of(want)) fail_msg("%s 0x%04x widened to %g", f->name, i, x[i]);
        if (nan ? (back[i] & 0x7fff) <= f->infinity : back[i] != i) fail_msg("%s 0x%04x came back as 0x%04x", f->name, i, back[i]);
    }
    free(h), free(back), free(x);
}

/* Between neighbours a < b (b may be infinity, whose place is that of the next power): below the middle a, above it b, on it the even one. */
static void rounding_is_to_nearest_even(const format *f) {
    enum { N = 8 * 6 + 5 }; /* vectors and a tail */
    float x[N];
    uint16_t got[N], pair[2];
    for (uint32_t i = 0; i < f->infinity; i++) {
        float a, b;
        pair[0] = (uint16_t)i, pair[1] = (uint16_t)(i + 1);
        f->widen(&a, pair, 1), f->widen(&b, pair + 1, 1);
        double top = isinf(b) ? (f->infinity == 0x7c00 ? 65536.0 : ldexp(1, 128)) : b;
        if (isinf(b) && f->infinity != 0x7c00) continue; /* the middle is not below the range of f32 */
        float middle = (float)((a + top) / 2), values[6] = {middle, nextafterf(middle, 0), nextafterf(middle, INFINITY), -middle, a, b};
        uint16_t even = (uint16_t)(i + (i & 1)), want[6] = {even, pair[0], pair[1], (uint16_t)(even | 0x8000), pair[0], pair[1]};
        if ((double)middle != (a + top) / 2) continue; /* f32 denormals */
        for (int j = 0; j < N; j++) x[j] = values[j % 6];
        f->narrow(got, x, N);
        for (int j = 0; j < N; j++)
            if (got[j] != want[j % 6]) fail_msg("%s: %.9g gave 0x%04x, expected 0x%04x", f->name, x[j], got[j], want[j % 6]);
    }
}

static void extremes(const format *f) {
    float x[] = {INFINITY, -INFINITY, 3.4028235e38f, -3.4028235e38f, 1e-45f, 0.0f, -0.0f, float_of(0x7f800001u), float_of(0xffffffffu)};
    uint16_t y[COUNT(x)];
    f->narrow(y, x, COUNT(x));
    uint16_t want[] = {f->infinity, (uint16_t)(f->infinity | 0x8000), f->infinity, (uint16_t)(f->infinity | 0x8000), 0, 0, 0x8000};
    for (size_t i = 0; i < COUNT(want); i++)
        if (y[i] != want[i]) fail_msg("%s: %g gave 0x%04x", f->name, x[i], y[i]);
    assert_true((y[7] & 0x7fff) > f->infinity);
    assert_true((y[8] & 0x7fff) > f->infinity);
}

static void check_format(format f) {
    every_value_survives(&f);
    rounding_is_to_nearest_even(&f);
    extremes(&f);
}

static void f16_rounds_to_nearest_even(void **state) {
    (void)state;
    EACH_SET(k) check_format((format){"f16", 0x7c00, k->f32_to_f16, k->f16_to_f32});
}

static void bf16_rounds_to_nearest_even(void **state) {
    (void)state;
    EACH_SET(k) check_format((format){"bf16", 0x7f80, k->f32_to_bf16, k->bf16_to_f32});
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(f16_rounds_to_nearest_even), cmocka_unit_test(bf16_rounds_to_nearest_even)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
