/* tests/graph/quantised.c: ops over quantised weights: the products of ingot/quant.h in graphs and plans, the gradient to
 * x, and that no file can bring the address of a weight.
 */
#include "../check.h"

#include <math.h>
#include <unistd.h>

#include "graph/graph.h"
#include "graph/ops/ops.h"

enum { N = 40, K = 64, M = 6 };

typedef struct fixture {
    ig_context *ctx;
    ig_qweight *w;
    float row[N][K], x[M * K], y[M * N];
    ig_tensor t;
} fixture;

static int set_up(void **state) {
    static fixture f;
    ig_error err = {0};
    uint8_t blocks[N * K / 32 * 34];
    float w[N * K];
    ig_rng r;
    ig_rng_init(&r, 3, 1);
    for (size_t i = 0; i < N * K; i++) w[i] = (float)ig_rng_normal(&r);
    for (size_t i = 0; i < M * K; i++) f.x[i] = (float)ig_rng_normal(&r);
    check_ok(ig_context_new(&(ig_context_opts){.threads = 2}, &f.ctx, &err));
    check_ok(ig_blocks_from_f32(IG_BLOCK_Q8_0, w, N * K, NULL, blocks, &err));
    check_ok(ig_qweight_new(f.ctx, IG_BLOCK_Q8_0, N, K, blocks, &f.w, &err));
    check_ok(ig_qweight_matmul(f.ctx, f.w, f.x, M, f.y, &err));
    for (int64_t n = 0; n < N; n++) ig_qweight_row_f32(f.w, n, f.row[n]);
    check_ok(ig_tensor_wrap(&f.t, f.x, IG_DTYPE_F32, 3, (int64_t[]){2, M / 2, K}, &err));
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    ig_qweight_free(f->w);
    ig_context_free(f->ctx);
    return 0;
}

static void graph_and_plan_give_the_bits_of_the_product(void **state) {
    fixture *f = *state;
    ig_error err = {0};
    for (ig_graph_mode mode = IG_GRAPH_EAGER; mode <= IG_GRAPH_LAZY; mode++) {
        ig_graph *g = NULL;
        ig_plan *p = NULL;
        check_ok(ig_graph_new(f->ctx, mode, &g, &err));
        ig_var *y = ig_linear_quantised(g, ig_input(g, "x", &f->t), f->w);
        check_ok(ig_graph_status(g, &err));
        assert_int_equal(ig_ndim(y), 3);
        assert_int_equal(ig_dim(y, 2), N);
        const ig_tensor *out = ig_value(y);
        if (mode == IG_GRAPH_LAZY) {
            check_ok(ig_capture(g, &y, 1, (ig_plan_opts){0}, &p, &err));
            check_ok(ig_plan_run(p, &err));
            out = ig_plan_output(p, 0);
        }
        assert_memory_equal(out->data, f->y, sizeof f->y);
        ig_plan_free(p);
        ig_graph_free(g);
    }
}

/* 40 products of numbers below 4, rounded in f32. */
static void the_gradient_reaches_x(void **state) {
    fixture *f = *state;
    ig_error err = {0};
    ig_graph *g = NULL;
    float up[M * N];
    ig_tensor dy;
    for (size_t i = 0; i < M * N; i++) up[i] = (float)(i % 7) - 3;
    check_ok(ig_tensor_wrap(&dy, up, IG_DTYPE_F32, 3, (int64_t[]){2, M / 2, N}, &err));
    check_ok(ig_graph_new(f->ctx, IG_GRAPH_EAGER, &g, &err));
    ig_var *x = ig_parameter(g, "x", &f->t);
    ig_backward_from(g, ig_linear_quantised(g, x, f->w), ig_input(g, "dy", &dy));
    check_ok(ig_graph_status(g, &err));
    for (int64_t i = 0; i < M * K; i++) {
        double want = 0;
        for (int64_t n = 0; n < N; n++) want += (double)up[i / K * N + n] * f->row[n][i % K];
        assert_true(fabs(ig_tensor_get(ig_value(ig_gradient(g, x)), i) - want) < 40 * 12 * 40 * 0x1p-24);
    }
    ig_graph_free(g);
}

static void rows_are_looked_up(void **state) {
    fixture *f = *state;
    ig_error err = {0};
    ig_graph *g = NULL;
    int64_t ids[4] = {39, 0, 17, 17};
    ig_tensor at;
    check_ok(ig_tensor_wrap(&at, ids, IG_DTYPE_I64, 2, (int64_t[]){2, 2}, &err));
    check_ok(ig_graph_new(f->ctx, IG_GRAPH_EAGER, &g, &err));
    const ig_tensor *y = ig_value(ig_embedding_quantised(g, ig_input(g, "ids", &at), f->w));
    check_ok(ig_graph_status(g, &err));
    for (int i = 0; i < 4; i++) assert_memory_equal((const float *)y->data + i * K, f->row[ids[i]], K * sizeof(float));
    ids[2] = N;
    ig_embedding_quantised(g, ig_input(g, "ids", &at), f->w);
    check_fails(ig_graph_status(g, &err), IG_E_ARG);
    ig_graph_free(g);
}

static void what_does_not_fit_is_refused(void **state) {
    fixture *f = *state;
    ig_error err = {0};
    ig_graph *g = NULL;
    ig_tensor t;
    check_ok(ig_graph_new(f->ctx, IG_GRAPH_EAGER, &g, &err));
    check_ok(ig_tensor_wrap(&t, f->x, IG_DTYPE_F32, 2, (int64_t[]){K, M}, &err));
    ig_linear_quantised(g, ig_input(g, "x", &t), f->w);
    check_fails(ig_graph_status(g, &err), IG_E_SHAPE);
    assert_string_equal(err.message, "linear_quantised: [64,6] times quantised weights: the last size must be 64, without gaps");
    ig_graph_reset(g);
    check_ok(ig_tensor_wrap(&t, f->x, IG_DTYPE_I32, 2, (int64_t[]){M, K}, &err));
    ig_linear_quantised(g, ig_input(g, "x", &t), f->w);
    check_fails(ig_graph_status(g, &err), IG_E_DTYPE);
    ig_graph_reset(g);
    ig_linear_quantised(g, ig_input(g, "x", &f->t), NULL);
    check_fails(ig_graph_status(g, &err), IG_E_ARG);
    ig_graph_free(g);
}

static ig_status bind(void *arg, const char *name, const ig_tensor *expected, ig_tensor *out, ig_error *err) {
    (void)name, (void)expected, (void)err;
    *out = *(const ig_tensor *)arg;
    return IG_OK;
}

static void a_plan_with_a_borrowed_weight_is_neither_saved_nor_loaded(void **state) {
    fixture *f = *state;
    ig_error err = {0};
    ig_graph *g = NULL;
    ig_plan *p = NULL;
    char path[] = "/tmp/ingot_quantised_XXXXXX";
    static const char file[] = "{\"format\":\"ingot-plan\",\"version\":1,\"leaves\":[{\"name\":\"x\",\"dtype\":\"f32\",\"shape\":[2,64],"
                               "\"parameter\":false}],\"ops\":[{\"op\":\"linear_quantised\",\"in\":[[0,0]],\"i\":[4096],\"f\":[]}],\"outputs\":[[1,0]]}";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    check_ok(ig_graph_new(f->ctx, IG_GRAPH_LAZY, &g, &err));
    ig_var *y = ig_linear_quantised(g, ig_input(g, "x", &f->t), f->w);
    check_ok(ig_capture(g, &y, 1, (ig_plan_opts){0}, &p, &err));
    check_fails(ig_plan_save(p, path, &err), IG_E_UNSUPPORTED);
    ig_plan_free(p);
    ig_graph_free(g);
    check_ok(ig_file_write(path, file, sizeof file - 1, &err));
    ig_tensor x;
    check_ok(ig_tensor_wrap(&x, f->x, IG_DTYPE_F32, 2, (int64_t[]){2, K}, &err));
    check_fails(ig_plan_load(f->ctx, path, &(ig_plan_source){.bind = bind, .arg = &x}, &p, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "cannot stand in a file"));
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graph_and_plan_give_the_bits_of_the_product), cmocka_unit_test(the_gradient_reaches_x),
        cmocka_unit_test(rows_are_looked_up), cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_plan_with_a_borrowed_weight_is_neither_saved_nor_loaded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
