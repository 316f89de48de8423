/* tests/tensor/test_quant_blocks.c: GGUF's blocks against ggml (quant_ggml.json, made by quant_ggml.py), and how well
 * numbers are rounded to them.
 */
#include "../check.h"

#include <math.h>

#include "ingot/quant.h"

#define MANY 65536

static const ig_block_type quantised[] = {IG_BLOCK_Q8_0, IG_BLOCK_Q4_0, IG_BLOCK_Q5_0, IG_BLOCK_Q4_K, IG_BLOCK_Q5_K, IG_BLOCK_Q6_K};
#define EACH_TYPE(t) for (size_t t##_i = 0; t##_i < 6; t##_i++) for (ig_block_type t = quantised[t##_i], *once = &t; once; once = NULL)

static float *gaussian(size_t n, uint64_t stream) {
    float *x = malloc(n * sizeof *x);
    ig_rng r;
    ig_rng_init(&r, 7, stream);
    for (size_t i = 0; i < n; i++) x[i] = (float)ig_rng_normal(&r);
    return x;
}

/* x through blocks and back. */
static void there_and_back(ig_block_type t, const float *x, size_t n, const float *importance, float *back) {
    ig_error err = {0};
    size_t bytes;
    check_ok(ig_block_row_bytes(t, n, &bytes, &err));
    uint8_t *blocks = malloc(bytes);
    check_ok(ig_blocks_from_f32(t, x, n, importance, blocks, &err));
    check_ok(ig_blocks_to_f32(t, blocks, n, back, &err));
    free(blocks);
}

static double rms(const float *a, const float *b, size_t n, const float *w) {
    double sum = 0, all = 0;
    for (size_t i = 0; i < n; i++) sum += (w ? w[i] : 1) * ((double)a[i] - b[i]) * ((double)a[i] - b[i]), all += w ? w[i] : 1;
    return sqrt(sum / all);
}

/* ---- against ggml ------------------------------------------------------------------------------------------------ */

static size_t unhex(const char *text, uint8_t **out) {
    size_t n = strlen(text) / 2;
    *out = malloc(n);
    for (size_t i = 0; i < n; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], 0};
        (*out)[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return n;
}

static ig_doc *reference(ig_buf *text) {
    ig_error err = {0};
    ig_doc *doc = NULL;
    check_ok(ig_file_read(TEST_SOURCE "/quant_ggml.json", 1 << 20, text, &err));
    check_ok(ig_json_parse("quant_ggml.json", text->data, text->len, &doc, &err));
    return doc;
}

/* Every operation of the formula is a product of small integers and an f16 in f32, then one rounded difference. */
static void blocks_of_ggml_give_its_values_to_the_bit(void **state) {
    (void)state;
    ig_error err = {0};
    ig_buf text = {.max = 1 << 20};
    ig_doc *doc = reference(&text);
    EACH_TYPE(t) {
        const ig_tree *entry = ig_tree_get(ig_doc_root(doc), ig_block_name(t));
        uint8_t *blocks, *values;
        size_t bytes = unhex(ig_tree_text(entry, "blocks", ""), &blocks), n = unhex(ig_tree_text(entry, "values", ""), &values) / sizeof(float), want;
        assert_int_equal(n, 1024);
        check_ok(ig_block_row_bytes(t, n, &want, &err));
        assert_int_equal(bytes, want);
        float *got = malloc(n * sizeof *got);
        check_ok(ig_blocks_to_f32(t, blocks, n, got, &err));
        assert_memory_equal(got, values, n * sizeof *got);
        free(got), free(blocks), free(values);
    }
    ig_doc_free(doc);
    ig_buf_fini(&text);
}

/* Over 65,536 gaussian values the error of two samples differs by about 0.3 % by chance; q8_0 rounds as ggml does. */
static void rounding_errs_no_more_than_ggml(void **state) {
    (void)state;
    ig_buf text = {.max = 1 << 20};
    ig_doc *doc = reference(&text);
    float *x = gaussian(MANY, 1), *back = malloc(MANY * sizeof *back);
    EACH_TYPE(t) {
        double theirs = ig_tree_real(ig_tree_get(ig_doc_root(doc), ig_block_name(t)), "error", 0);
        there_and_back(t, x, MANY, NULL, back);
        double ours = rms(x, back, MANY, NULL);
        print_message("%s: error %.6f, ggml's %.6f\n", ig_block_name(t), ours, theirs);
        assert_true(ours <= theirs * (t == IG_BLOCK_Q8_0 ? 1.005 : 1));
    }
    free(x), free(back);
    ig_doc_free(doc);
    ig_buf_fini(&text);
}

/* ---- by themselves ----------------------------------------------------------------------------------------------- */

static void importance_moves_the_error_to_what_matters_less(void **state) {
    (void)state;
    float *x = gaussian(MANY, 2), *w = gaussian(MANY, 3), *plain = malloc(MANY * sizeof *x), *weighed = malloc(MANY * sizeof *x);
    for (size_t i = 0; i < MANY; i++) w[i] = w[i] * w[i] * w[i] * w[i];
    EACH_TYPE(t) {
        there_and_back(t, x, MANY, NULL, plain);
        there_and_back(t, x, MANY, w, weighed);
        if (t == IG_BLOCK_Q8_0) assert_memory_equal(plain, weighed, MANY * sizeof *x); /* its scale covers all values */
        else assert_true(rms(x, weighed, MANY, w) < 0.97 * rms(x, plain, MANY, w));
    }
    free(x), free(w), free(plain), free(weighed);
}

/* An error of at most a step of the coarsest grid over the block's span, whatever the values are. */
static void check_span(ig_block_type t, const float *x, size_t n, double f16_step) {
    float back[512], lo = 0, hi = 0;
    there_and_back(t, x, n, NULL, back);
    for (size_t i = 0; i < n; i++) lo = fminf(lo, x[i]), hi = fmaxf(hi, x[i]);
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(back[i]));
        if (!(fabs((double)back[i] - x[i]) <= (double)(hi - lo) / 4 + f16_step)) fail_msg("%s: %g became %g", ig_block_name(t), (double)x[i], (double)back[i]);
    }
}

static void extreme_values_stay_close_and_finite(void **state) {
    (void)state;
    float *base = gaussian(512, 4), x[512];
    static const float scales[] = {0, 1e-45f, 1e-40f, 1e-9f, 1e-5f, 1, 30000};
    EACH_TYPE(t) {
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
            for (size_t i = 0; i < 512; i++) x[i] = base[i] * scales[s];
            check_span(t, x, 512, 0x1p-24 * 128 * 64); /* f16 ends at 2^-24: a scale below half of it becomes 0 */
            for (size_t i = 0; i < 512; i++) x[i] = -fabsf(x[i]) - scales[s];
            check_span(t, x, 512, 0x1p-24 * 128 * 64);
            for (size_t i = 0; i < 512; i++) x[i] = scales[s];
            check_span(t, x, 512, 0x1p-24 * 128 * 64);
        }
        float back[512];
        for (size_t i = 0; i < 512; i++) x[i] = i % 7 ? base[i] : 3e38f; /* beyond what an f16 scale reaches: finite all the same */
        there_and_back(t, x, 512, NULL, back);
        for (size_t i = 0; i < 512; i++) assert_true(isfinite(back[i]));
    }
    free(base);
}

static void names_and_sizes(void **state) {
    (void)state;
    ig_error err = {0};
    ig_block_type t;
    size_t bytes;
    for (int i = 0; i < IG_BLOCK_COUNT; i++) {
        assert_true(ig_block_parse(ig_block_name((ig_block_type)i), &t));
        assert_int_equal(t, i);
        check_ok(ig_block_row_bytes(t, 1024, &bytes, &err));
        assert_int_equal(bytes, 1024 / ig_block_size(t) * ig_block_bytes(t));
    }
    assert_true(ig_block_parse("Q4_k", &t));
    assert_int_equal(t, IG_BLOCK_Q4_K);
    assert_false(ig_block_parse("q3_K", &t));
}

static void wrong_input_is_refused(void **state) {
    (void)state;
    ig_error err = {0};
    float x[256] = {0}, w[256] = {0}, back[256];
    uint8_t blocks[2048];
    size_t bytes;
    check_fails(ig_block_row_bytes(IG_BLOCK_Q4_K, 32, &bytes, &err), IG_E_SHAPE);
    check_fails(ig_block_row_bytes(IG_BLOCK_F32, SIZE_MAX, &bytes, &err), IG_E_LIMIT);
    check_fails(ig_block_row_bytes((ig_block_type)77, 32, &bytes, &err), IG_E_ARG);
    check_fails(ig_blocks_to_f32(IG_BLOCK_Q8_0, blocks, 33, back, &err), IG_E_SHAPE);
    EACH_TYPE(t) {
        x[7] = NAN;
        check_fails(ig_blocks_from_f32(t, x, 256, NULL, blocks, &err), IG_E_NUMERIC);
        x[7] = -INFINITY;
        check_fails(ig_blocks_from_f32(t, x, 256, NULL, blocks, &err), IG_E_NUMERIC);
        x[7] = 1, w[9] = -1;
        check_fails(ig_blocks_from_f32(t, x, 256, w, blocks, &err), IG_E_ARG);
        w[9] = NAN;
        check_fails(ig_blocks_from_f32(t, x, 256, w, blocks, &err), IG_E_ARG);
        w[9] = 0; /* nothing matters: all alike */
        check_ok(ig_blocks_from_f32(t, x, 256, w, blocks, &err));
    }
}

static void halves_go_there_and_back(void **state) {
    (void)state;
    float x[3] = {1.5f, -0.25f, 3072}, back[3];
    for (int t = IG_BLOCK_F32; t <= IG_BLOCK_BF16; t++) {
        there_and_back((ig_block_type)t, x, 3, NULL, back);
        assert_memory_equal(x, back, sizeof x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_ggml_give_its_values_to_the_bit), cmocka_unit_test(rounding_errs_no_more_than_ggml),
        cmocka_unit_test(importance_moves_the_error_to_what_matters_less), cmocka_unit_test(extreme_values_stay_close_and_finite),
        cmocka_unit_test(names_and_sizes), cmocka_unit_test(wrong_input_is_refused), cmocka_unit_test(halves_go_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
