/* tests/nn/rows.c: an update of the rows that a batch has looked up is the whole update, where other rows have no gradient:
 * exactly with gradient descent and Adagrad, for whom a zero gradient is no step; with moments as long as all rows are touched.
 * And it needs no memory that grows with the table.
 */
#include <math.h>

#include "../check.h"
#include "ingot/nn.h"

#define V 7
#define C 5
#define N 6

static ig_context *ctx;

static int set_up(void **state) {
    (void)state;
    return ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL) != IG_OK;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

/* Loss: Σ c · table[indices], so that the gradients are c. */
typedef struct learner {
    ig_params ps;
    ig_param *table;
    ig_tensor indices, c;
    ig_optim *optim;
    ig_plan *plan;
} learner;

static void make(learner *l, bool by_row, ig_dtype type, int64_t rows, const ig_optim_opts *opts) {
    int64_t shape[2] = {rows, C}, places = N, size[2] = {N, C};
    ig_error err;
    ig_graph *g = NULL;
    ig_params_init(&l->ps, ctx);
    check_ok(ig_params_add(&l->ps, "table", type, 2, shape, true, &l->table, &err));
    l->table->by_row = by_row;
    check_ok(ig_init_tensor(ctx, &l->table->value, "table", 3, IG_INIT_NORMAL, (ig_init_opts){.b = 1}, &err));
    check_ok(ig_tensor_zeros(ctx, IG_DTYPE_I64, 1, &places, &l->indices, &err));
    check_ok(ig_tensor_zeros(ctx, type, 2, size, &l->c, &err));
    check_ok(ig_optim_new(ctx, &l->ps, opts, &l->optim, &err));
    check_ok(ig_graph_new(ctx, IG_GRAPH_LAZY, &g, &err));
    ig_var *y = ig_nn_lookup(&(ig_pass){.g = g}, l->table, ig_input(g, "indices", &l->indices));
    ig_backward(g, ig_sum(g, ig_mul(g, y, ig_input(g, "c", &l->c)), 0, false));
    ig_var *norm = ig_optim_record(l->optim, g, 1);
    check_ok(ig_graph_status(g, &err));
    check_ok(ig_capture(g, &norm, 1, (ig_plan_opts){0}, &l->plan, &err));
    ig_graph_free(g);
}

static void done(learner *l) {
    ig_plan_free(l->plan);
    ig_optim_free(l->optim);
    ig_tensor_unref(&l->indices);
    ig_tensor_unref(&l->c);
    ig_params_fini(&l->ps);
}

static ig_status step(learner *l, const int64_t *indices, uint64_t seed, ig_error *err) {
    ig_rng r;
    ig_rng_init(&r, seed, 0);
    memcpy(l->indices.data, indices, N * sizeof *indices);
    for (int i = 0; i < N * C; i++) ig_tensor_set(&l->c, i, ig_rng_normal(&r));
    ig_optim_begin_step(l->optim, 0.1);
    return ig_plan_run(l->plan, err);
}

static const int64_t some[N] = {5, 1, 5, 2, 1, 5}, others[N] = {0, 0, 0, 0, 0, 6}, all[N] = {6, 5, 4, 3, 2, 1};

static double distance(const learner *a, const learner *b) {
    double most = 0;
    for (int i = 0; i < V * C; i++) most = fmax(most, fabs(ig_tensor_get(&a->table->value, i) - ig_tensor_get(&b->table->value, i)));
    return most;
}

static void an_update_of_rows_is_the_whole_update(void **state) {
    const ig_optim_opts opts[] = {{.kind = IG_OPTIM_GD}, {.kind = IG_OPTIM_SGD}, {.kind = IG_OPTIM_ADAGRAD}};
    ig_error err;
    (void)state;
    for (size_t i = 0; i < 2 * sizeof opts / sizeof *opts; i++) {
        learner rows, whole;
        make(&rows, true, i % 2 ? IG_DTYPE_F64 : IG_DTYPE_F32, V, &opts[i / 2]);
        make(&whole, false, i % 2 ? IG_DTYPE_F64 : IG_DTYPE_F32, V, &opts[i / 2]);
        for (uint64_t k = 0; k < 6; k++) {
            check_ok(step(&rows, k % 2 ? some : others, k, &err));
            check_ok(step(&whole, k % 2 ? some : others, k, &err));
        }
        assert_memory_equal(rows.table->value.data, whole.table->value.data, ig_tensor_bytes(&rows.table->value));
        done(&rows);
        done(&whole);
    }
}

/* Row 0 is never touched, and has no decay then; the others are touched in every step.  Clipping's norm is summed over other
 * tensors, in another order: 1e-6. */
static void moments_of_rows_that_are_always_touched_are_the_whole_moments(void **state) {
    const ig_optim_opts opts[] = {{.kind = IG_OPTIM_ADAM}, {.kind = IG_OPTIM_ADAM, .clip_norm = 0.5, .clip_value = 0.4},
                                  {.kind = IG_OPTIM_SGD, .momentum = 0.9}, {.kind = IG_OPTIM_RMSPROP, .momentum = 0.5}, {.kind = IG_OPTIM_RMSPROP}};
    ig_error err;
    (void)state;
    for (size_t i = 0; i < sizeof opts / sizeof *opts; i++) {
        learner rows, whole;
        make(&rows, true, IG_DTYPE_F32, V, &opts[i]);
        make(&whole, false, IG_DTYPE_F32, V, &opts[i]);
        for (uint64_t k = 0; k < 5; k++) {
            check_ok(step(&rows, all, k, &err));
            check_ok(step(&whole, all, k, &err));
        }
        assert_true(distance(&rows, &whole) < 1e-6);
        done(&rows);
        done(&whole);
    }
}

static void rows_that_are_not_touched_keep_weights_and_moments(void **state) {
    ig_optim_opts opts = {.kind = IG_OPTIM_ADAMW, .weight_decay = 0.1};
    float before[V * C], moment[V * C];
    ig_tensor m;
    ig_error err;
    learner l;
    (void)state;
    make(&l, true, IG_DTYPE_F32, V, &opts);
    check_ok(step(&l, all, 1, &err));
    assert_true(ig_optim_leaf(l.optim, "exp_avg/table", &m));
    memcpy(before, l.table->value.data, sizeof before);
    memcpy(moment, m.data, sizeof moment);
    check_ok(step(&l, others, 2, &err));
    assert_memory_equal(before + C, (float *)l.table->value.data + C, 5 * C * sizeof *before); /* rows 1 … 5 */
    assert_memory_equal(moment + C, (float *)m.data + C, 5 * C * sizeof *moment);
    assert_true(before[0] != ((float *)l.table->value.data)[0]);
    assert_true(before[6 * C] != ((float *)l.table->value.data)[6 * C]);
    done(&l);
}

static void an_index_outside_of_the_table_changes_nothing(void **state) {
    static const int64_t outside[N] = {1, V, 2, 3, 4, 5};
    ig_optim_opts opts = {.kind = IG_OPTIM_SGD};
    float before[V * C];
    ig_error err;
    learner l;
    (void)state;
    make(&l, true, IG_DTYPE_F32, V, &opts);
    memcpy(before, l.table->value.data, sizeof before);
    check_fails(step(&l, outside, 1, &err), IG_E_ARG);
    assert_memory_equal(before, l.table->value.data, sizeof before);
    done(&l);
}

static size_t arena_of(int64_t rows, bool by_row) {
    ig_optim_opts opts = {.kind = IG_OPTIM_ADAM, .clip_norm = 1};
    ig_plan_stats stats;
    ig_error err;
    learner l;
    make(&l, by_row, IG_DTYPE_F32, rows, &opts);
    check_ok(step(&l, some, 1, &err));
    ig_plan_stats_get(l.plan, &stats);
    done(&l);
    return stats.arena_bytes;
}

static void a_step_does_not_grow_with_the_table(void **state) {
    (void)state;
    assert_int_equal(arena_of(1000000, true), arena_of(10, true));
    assert_true(arena_of(1000000, false) >= (size_t)1000000 * C * sizeof(float));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_of_rows_is_the_whole_update),
        cmocka_unit_test(moments_of_rows_that_are_always_touched_are_the_whole_moments),
        cmocka_unit_test(rows_that_are_not_touched_keep_weights_and_moments),
        cmocka_unit_test(an_index_outside_of_the_table_changes_nothing),
        cmocka_unit_test(a_step_does_not_grow_with_the_table),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
