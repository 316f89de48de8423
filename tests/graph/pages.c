/* tests/graph/pages.c: attention over pages against plain attention over the same keys and values, for every instruction
 * set: odd head sizes, grouped heads, pages in any order, rows of several sequences, chunks; and what is refused.
 */
#include "../check.h"

#include <math.h>

#include "ingot/graph.h"
#include "tensor/kernels/kernels.h"

#define PAGE 64

static ig_context *ctx;

static void open_context(ig_cpu cpu) {
    ig_error err = {0};
    check_ok(ig_context_new(&(ig_context_opts){.threads = 2, .cpu = cpu}, &ctx, &err));
}

static ig_tensor random_tensor(int ndim, const int64_t *shape, uint64_t stream) {
    ig_tensor t;
    ig_error err = {0};
    ig_rng r;
    ig_rng_init(&r, 3, stream);
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, ndim, shape, &t, &err));
    for (int64_t i = 0; i < ig_tensor_numel(&t); i++) ((float *)t.data)[i] = (float)ig_rng_normal(&r);
    return t;
}

static ig_tensor indices(ig_dtype dtype, int ndim, const int64_t *shape, double value) {
    ig_tensor t;
    ig_error err = {0};
    check_ok(ig_tensor_new(ctx, dtype, ndim, shape, &t, &err));
    for (int64_t i = 0; i < ig_tensor_numel(&t); i++) ig_tensor_set(&t, i, value);
    return t;
}

/* `count` sequences of S positions over one pool whose pages they own in turns, the last page first. */
typedef struct fixture {
    int64_t H, G, D, S, count, pages; /* pages: of one sequence */
    bool half;                        /* pools in f16 */
    ig_tensor k, v;                   /* [count,G,S,D] */
    ig_tensor pool_k, pool_v;
} fixture;

static int64_t page_of(const fixture *f, int64_t sequence, int64_t i) { return (f->pages - 1 - i) * f->count + sequence; }

static void put_table(const fixture *f, ig_tensor *table, int64_t row, int64_t sequence) {
    for (int64_t i = 0; i < f->pages; i++) ((int32_t *)table->data)[row * f->pages + i] = (int32_t)page_of(f, sequence, i);
}

static ig_graph *new_graph(void) {
    ig_graph *g = NULL;
    ig_error err = {0};
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    return g;
}

/* All positions of a sequence at once, as one chunk after the other. */
static void write_sequence(fixture *f, int64_t s) {
    ig_tensor k, v, table = indices(IG_DTYPE_I32, 2, (int64_t[]){f->S, f->pages}, 0), at = indices(IG_DTYPE_I64, 1, &f->S, 0);
    ig_error err = {0};
    ig_graph *g = new_graph();
    for (int64_t i = 0; i < f->S; i++) put_table(f, &table, i, s), ig_tensor_set(&at, i, (double)i);
    check_ok(ig_tensor_slice(&k, &f->k, 0, s, s + 1, &err));
    check_ok(ig_tensor_slice(&v, &f->v, 0, s, s + 1, &err));
    ig_var *t = ig_input(g, "table", &table), *p = ig_input(g, "at", &at);
    ig_page_write(g, ig_input(g, "pk", &f->pool_k), ig_input(g, "k", &k), t, p, true);
    ig_page_write(g, ig_input(g, "pv", &f->pool_v), ig_input(g, "v", &v), t, p, false);
    check_ok(ig_graph_status(g, &err));
    ig_graph_free(g);
    ig_tensor_unref(&table), ig_tensor_unref(&at);
}

static fixture make(int64_t H, int64_t G, int64_t D, int64_t S, int64_t count, bool half) {
    fixture f = {.H = H, .G = G, .D = D, .S = S, .count = count, .half = half, .pages = (S + PAGE - 1) / PAGE};
    int64_t shape[4] = {count, G, S, D}, keys[4] = {count * f.pages, G, D, PAGE}, values[4] = {count * f.pages, G, PAGE, (D + 15) / 16 * 16};
    f.k = random_tensor(4, shape, 1), f.v = random_tensor(4, shape, 2);
    ig_dtype pool = half ? IG_DTYPE_F16 : IG_DTYPE_F32;
    f.pool_k = indices(pool, 4, keys, NAN), f.pool_v = indices(pool, 4, values, NAN); /* what was not written is not read */
    for (int64_t s = 0; s < count; s++) write_sequence(&f, s);
    return f;
}

static void drop(fixture *f) { ig_tensor_unref(&f->k), ig_tensor_unref(&f->v), ig_tensor_unref(&f->pool_k), ig_tensor_unref(&f->pool_v); }

/* Attention of T queries that end at position `last` of a sequence, by the op that training uses. */
static void expected(const fixture *f, const ig_tensor *q, int64_t s, int64_t last, float *out) {
    ig_tensor k, v;
    ig_error err = {0};
    ig_graph *g = new_graph();
    check_ok(ig_tensor_slice(&k, &f->k, 0, s, s + 1, &err));
    check_ok(ig_tensor_slice(&v, &f->v, 0, s, s + 1, &err));
    check_ok(ig_tensor_slice(&k, &k, 2, 0, last + 1, &err));
    check_ok(ig_tensor_slice(&v, &v, 2, 0, last + 1, &err));
    ig_var *y = ig_attention(g, ig_input(g, "q", q), ig_input(g, "k", &k), ig_input(g, "v", &v), (ig_attention_opts){.causal = true});
    check_ok(ig_graph_status(g, &err));
    for (int64_t i = 0; i < ig_tensor_numel(q); i++) out[i] = (float)ig_tensor_get(ig_value(y), i);
    ig_graph_free(g);
}

/* Sums of up to S terms of size about 1 in another order; in f16, keys and values are off by 2^-11 each: scores, which are sums
 * of D products over √D, and so the weights, by a few times that. */
static double tolerance(const fixture *f) { return f->half ? 1e-2 : 2e-6 * sqrt((double)f->S + (double)f->D); }

static ig_var *attend(const fixture *f, ig_graph *g, const ig_tensor *q, const ig_tensor *table, const ig_tensor *at, bool chunk) {
    return ig_attention_pages(g, ig_input(g, "q", q), ig_input(g, "pk", &f->pool_k), ig_input(g, "pv", &f->pool_v),
                              ig_input(g, "table", table), ig_input(g, "at", at), chunk);
}

/* Row r of R: sequence r mod count, at another position each. */
static void check_rows(const fixture *f, int64_t R, float *bits) {
    ig_tensor q = random_tensor(4, (int64_t[]){1, f->H, R, f->D}, 5), table = indices(IG_DTYPE_I32, 2, (int64_t[]){R, f->pages}, 0);
    ig_tensor at = indices(IG_DTYPE_I64, 1, &R, 0), one;
    ig_error err = {0};
    ig_graph *g = new_graph();
    float *want = calloc((size_t)(f->H * f->D), sizeof *want);
    for (int64_t r = 0; r < R; r++) put_table(f, &table, r, r % f->count), ig_tensor_set(&at, r, (double)(f->S - 1 - r * 7 % f->S));
    ig_var *y = attend(f, g, &q, &table, &at, false);
    check_ok(ig_graph_status(g, &err));
    for (int64_t r = 0; r < R; r++) {
        check_ok(ig_tensor_slice(&one, &q, 2, r, r + 1, &err));
        expected(f, &one, r % f->count, (int64_t)ig_tensor_get(&at, r), want);
        for (int64_t h = 0; h < f->H; h++)
            for (int64_t d = 0; d < f->D; d++) {
                double got = ig_tensor_get(ig_value(y), (h * R + r) * f->D + d);
                if (!(fabs(got - want[h * f->D + d]) <= tolerance(f)))
                    fail_msg("H %d D %d row %d head %d: %g, not %g", (int)f->H, (int)f->D, (int)r, (int)h, got, want[h * f->D + d]);
                if (r == 0) bits[h * f->D + d] = (float)got;
            }
    }
    free(want);
    ig_graph_free(g);
    ig_tensor_unref(&q), ig_tensor_unref(&table), ig_tensor_unref(&at);
}

static const struct { int64_t H, G, D, S, count; } shapes[] = {
    {1, 1, 16, 1, 1}, {4, 2, 64, 200, 3}, {7, 1, 33, 65, 2}, {6, 3, 128, 130, 2}, {2, 2, 8, 64, 1}, {3, 3, 80, 63, 2},
};
#define SHAPES (sizeof shapes / sizeof *shapes)

static void rows_equal_plain_attention(void **state) {
    const ig_cpu cpus[] = {IG_CPU_REFERENCE, IG_CPU_AVX2, IG_CPU_AVX512};
    (void)state;
    for (size_t c = 0; c < 3; c++) {
        if (!ig_kernels_for(cpus[c])) continue;
        open_context(cpus[c]);
        for (size_t i = 0; i < 2 * SHAPES; i++) {
            float bits[1024];
            fixture f = make(shapes[i / 2].H, shapes[i / 2].G, shapes[i / 2].D, shapes[i / 2].S, shapes[i / 2].count, i % 2);
            check_rows(&f, 5, bits);
            drop(&f);
        }
        ig_context_free(ctx);
    }
}

/* The first row of q lies elsewhere when R changes, its numbers do not: only H = 1 keeps the random stream in place. */
static void a_row_has_the_same_bits_in_any_company(void **state) {
    float alone[64], among[64];
    (void)state;
    open_context(IG_CPU_AUTO);
    fixture f = make(1, 1, 64, 300, 3, false);
    check_rows(&f, 1, alone);
    for (int64_t R = 2; R <= 16; R++) {
        check_rows(&f, R, among);
        assert_memory_equal(alone, among, sizeof alone);
    }
    drop(&f);
    ig_context_free(ctx);
}

static void check_chunk(const fixture *f, int64_t from, int64_t n, int64_t R) {
    ig_tensor q = random_tensor(4, (int64_t[]){1, f->H, R, f->D}, 6), table = indices(IG_DTYPE_I32, 2, (int64_t[]){R, f->pages}, 0);
    ig_tensor at = indices(IG_DTYPE_I64, 1, &R, -1), rows;
    ig_error err = {0};
    ig_graph *g = new_graph();
    float *want = calloc((size_t)(f->H * n * f->D), sizeof *want);
    for (int64_t r = 0; r < n; r++) ig_tensor_set(&at, r, (double)(from + r));
    for (int64_t r = 0; r < R; r++) put_table(f, &table, r, 1 % f->count);
    ig_var *y = attend(f, g, &q, &table, &at, true);
    check_ok(ig_graph_status(g, &err));
    check_ok(ig_tensor_slice(&rows, &q, 2, 0, n, &err));
    expected(f, &rows, 1 % f->count, from + n - 1, want);
    for (int64_t h = 0; h < f->H; h++)
        for (int64_t r = 0; r < R; r++)
            for (int64_t d = 0; d < f->D; d++) {
                double got = ig_tensor_get(ig_value(y), (h * R + r) * f->D + d), wanted = r < n ? want[(h * n + r) * f->D + d] : 0;
                assert_true(fabs(got - wanted) <= tolerance(f));
            }
    free(want);
    ig_graph_free(g);
    ig_tensor_unref(&q), ig_tensor_unref(&table), ig_tensor_unref(&at);
}

static void chunks_equal_plain_attention(void **state) {
    (void)state;
    open_context(IG_CPU_AUTO);
    for (size_t i = 0; i < 2 * SHAPES; i++) {
        fixture f = make(shapes[i / 2].H, shapes[i / 2].G, shapes[i / 2].D, shapes[i / 2].S, shapes[i / 2].count, i % 2);
        for (int64_t from = 0; from < f.S; from += PAGE) check_chunk(&f, from, f.S - from < PAGE ? f.S - from : PAGE, PAGE);
        drop(&f);
    }
    ig_context_free(ctx);
}

#define REFUSED(call, code, text)                                                                                      \
    do {                                                                                                               \
        ig_error err_ = {0};                                                                                           \
        ig_graph_reset(g);                                                                                             \
        call;                                                                                                          \
        assert_int_equal(ig_graph_status(g, &err_), code);                                                             \
        if (!strstr(err_.message, text)) fail_msg("\"%s\" does not say \"%s\"", err_.message, text);                   \
    } while (0)

static void places_that_do_not_exist_are_refused(void **state) {
    (void)state;
    open_context(IG_CPU_REFERENCE);
    fixture f = make(2, 1, 16, 100, 1, false);
    ig_graph *g = new_graph();
    int64_t two = 2;
    ig_tensor q = random_tensor(4, (int64_t[]){1, 2, 2, 16}, 1), wrong = random_tensor(4, (int64_t[]){1, 2, 2, 17}, 1);
    ig_tensor table = indices(IG_DTYPE_I32, 2, (int64_t[]){2, 2}, 0), at = indices(IG_DTYPE_I64, 1, &two, 3);
    REFUSED(attend(&f, g, &wrong, &table, &at, false), IG_E_SHAPE, "keys need [P,1,17,64]");
    REFUSED(attend(&f, g, &q, &at, &at, false), IG_E_SHAPE, "the table must be i32 [2,N]");
    REFUSED(ig_page_write(g, ig_input(g, "p", &f.pool_v), ig_input(g, "q", &q), ig_input(g, "t", &table), ig_input(g, "a", &at), false),
            IG_E_SHAPE, "values need [P,2,64,16]");
    ig_tensor_set(&table, 2, 2);
    REFUSED(attend(&f, g, &q, &table, &at, false), IG_E_ARG, "row 1: page 2 of 2");
    ig_tensor_set(&table, 2, -1);
    REFUSED(attend(&f, g, &q, &table, &at, false), IG_E_ARG, "row 1: page -1 of 2");
    ig_tensor_set(&table, 2, 0), ig_tensor_set(&at, 1, 128);
    REFUSED(attend(&f, g, &q, &table, &at, false), IG_E_ARG, "row 1: position 128 of 128");
    REFUSED(attend(&f, g, &q, &table, &at, true), IG_E_ARG, "row 1 of a chunk has position 128");
    ig_tensor_set(&at, 1, -2);
    REFUSED(attend(&f, g, &q, &table, &at, false), IG_E_ARG, "row 1 has position -2");
    ig_graph_free(g);
    drop(&f);
    ig_tensor_unref(&q), ig_tensor_unref(&wrong), ig_tensor_unref(&table), ig_tensor_unref(&at);
    ig_context_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_equal_plain_attention),
        cmocka_unit_test(a_row_has_the_same_bits_in_any_company),
        cmocka_unit_test(chunks_equal_plain_attention),
        cmocka_unit_test(places_that_do_not_exist_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
