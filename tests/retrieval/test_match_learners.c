/* The learners' own mathematics: the product kernel against plain sums, the support vector machine's optimum, grams. */
#include <math.h>

#include "../check.h"
#include "retrieval/match_svm.h"
#include "tensor/kernels/kernels.h"

static float noise(uint64_t i) {
    uint32_t w[4];
    ig_philox(5, 1, i, w);
    return (float)w[0] / 2147483648.0f - 1;
}

/* Sums of k products of numbers below 1, each rounded once: k·2^-24 per element, times 2 for the plain sum's own. */
static void products_are_sums(void **state) {
    (void)state;
    enum { M = 7, N = 32, DEPTH = 19 };
    float a[M * DEPTH], b[DEPTH * N], c[M * N];
    for (size_t i = 0; i < M * DEPTH; i++) a[i] = noise(i);
    for (size_t i = 0; i < DEPTH * N; i++) b[i] = noise(1000 + i);
    for (ig_cpu cpu = IG_CPU_REFERENCE; cpu <= IG_CPU_AVX512; cpu++) {
        const ig_kernels *k = ig_kernels_for(cpu);
        for (int turned = 0; k && turned < 2; turned++)
            for (int add = 0; add < 2; add++) {
                for (size_t i = 0; i < M * N; i++) c[i] = 0.5f;
                k->product(c, a, turned ? 1 : DEPTH, turned ? M : 1, b, M, N, DEPTH, add);
                for (size_t i = 0; i < M; i++)
                    for (size_t j = 0; j < N; j++) {
                        double sum = add ? 0.5 : 0;
                        for (size_t d = 0; d < DEPTH; d++)
                            sum += (double)a[turned ? d * M + i : i * DEPTH + d] * (double)b[d * N + j];
                        assert_true(fabs(sum - (double)c[i * N + j]) < 2 * (DEPTH + 1) * 6e-8);
                    }
            }
    }
}

/* At the optimum of ½|w|² + c·Σ max(0, 1 - y·w·x)² the gradient w - 2c·Σ y·x·max(0, …) is 0, up to the solver's tolerance. */
static void the_machine_is_at_its_optimum(void **state) {
    (void)state;
    enum { ROWS = 40, TERMS = 6 };
    ig_error err;
    ig_context *ctx;
    uint64_t start[ROWS + 1];
    uint32_t term[ROWS * TERMS], use[ROWS];
    float value[ROWS * TERMS], weight[ROWS];
    int32_t label[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        use[i] = i, label[i] = (int32_t)(i % 3), weight[i] = i % 4 ? 1 : 0.5f, start[i] = i * TERMS;
        for (uint32_t t = 0; t < TERMS; t++)
            term[i * TERMS + t] = t, value[i * TERMS + t] = noise(i * TERMS + t) + (t == (uint32_t)label[i]);
    }
    start[ROWS] = ROWS * TERMS;
    match_rows x = {.n = ROWS, .start = start, .term = term, .value = value};
    match_svm_set set = {.x = &x, .use = use, .n = ROWS, .label = label, .weight = weight, .terms = TERMS, .labels = 3,
                         .c = 0.3, .seed = 1};
    match_svm m;
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err));
    check_ok(match_svm_train(ctx, &set, &m, &err));
    for (size_t c = 0; c < 3; c++) {
        double gradient[TERMS + 1];
        for (size_t t = 0; t <= TERMS; t++) gradient[t] = (double)m.weight[t * m.stride + c];
        for (uint32_t i = 0; i < ROWS; i++) {
            float margin[16];
            match_svm_margins(&m, term + i * TERMS, value + i * TERMS, TERMS, margin);
            double y = label[i] == (int32_t)c ? 1 : -1, slack = 1 - y * (double)margin[c];
            for (size_t t = 0; slack > 0 && t <= TERMS; t++)
                gradient[t] -= 2 * set.c * (double)weight[i] * slack * y * (t < TERMS ? (double)value[i * TERMS + t] : 1);
        }
        for (size_t t = 0; t <= TERMS; t++) assert_true(fabs(gradient[t]) < 0.5);
    }
    match_svm_fini(&m);
    ig_context_free(ctx);
}

static size_t words_of(const char *text, match_grams *g) {
    ig_error err;
    check_ok(match_grams_read(g, text, strlen(text), &err));
    return g->words;
}

static void grams_do_not_depend_on_case_or_apostrophes(void **state) {
    (void)state;
    match_grams a = {0}, b = {0};
    assert_int_equal(words_of("Can't  FIND it!", &a), 3);
    assert_int_equal(words_of("cant find it", &b), 3);
    assert_int_equal(a.count, b.count);
    for (size_t i = 0; i < a.count; i++) assert_true(a.item[i].hash == b.item[i].hash);
    assert_int_equal(words_of("退款多久", &a), 4);
    assert_int_equal(words_of("转账€50 到账", &a), 6);
    assert_int_equal(words_of("ÄÖ äö", &a), 2);
    assert_true(a.item[0].hash != 0 && words_of("", &a) == 0 && a.count == 0);
    match_grams_fini(&a);
    match_grams_fini(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_sums),
        cmocka_unit_test(the_machine_is_at_its_optimum),
        cmocka_unit_test(grams_do_not_depend_on_case_or_apostrophes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
