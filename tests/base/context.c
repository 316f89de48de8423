/* tests/base/context.c: the context, its slots, the executor and the clock. */
#include "../check.h"

#define N_MAX 1000

static ig_context *new_context(int threads) {
    ig_error err;
    ig_context *ctx = NULL;
    check_ok(ig_context_new(&(ig_context_opts){.threads = threads, .seed = 42}, &ctx, &err));
    return ctx;
}

static void defaults_are_filled_in(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx;
    check_ok(ig_context_new(NULL, &ctx, &err));
    assert_true(ig_context_threads(ctx) >= 1);
    assert_true(ig_context_cpu(ctx) >= IG_CPU_REFERENCE && ig_context_cpu(ctx) <= IG_CPU_AVX512);
    ig_context_free(ctx);
    ig_context_free(NULL);
    check_fails(ig_context_new(&(ig_context_opts){.threads = -1}, &ctx, &err), IG_E_ARG);
    assert_null(ctx);
}

static void environment_forces_the_instruction_set(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx;
    const char *before = getenv("IG_CPU");
    char *kept = before ? strdup(before) : NULL;
    setenv("IG_CPU", "reference", 1);
    check_ok(ig_context_new(NULL, &ctx, &err));
    assert_int_equal(ig_context_cpu(ctx), IG_CPU_REFERENCE);
    assert_false(ig_context_has_bf16(ctx));
    ig_context_free(ctx);
    setenv("IG_CPU", "pentium", 1);
    check_fails(ig_context_new(NULL, &ctx, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "pentium"));
    if (kept) {
        setenv("IG_CPU", kept, 1);
    } else {
        unsetenv("IG_CPU");
    }
    free(kept);
}

/* ---- slots ---- */

static int freed[4], freed_count;

static void free_part(void *p) {
    freed[freed_count++] = *(int *)p;
    ig_free(p);
}

static ig_status make_tensor(ig_context *ctx, void **out, ig_error *err) {
    (void)ctx;
    int *p = ig_malloc(sizeof *p);
    if (!p) return ig_error_nomem(err, sizeof *p);
    *p = 1;
    *out = p;
    return IG_OK;
}

static ig_status make_graph(ig_context *ctx, void **out, ig_error *err) {
    void *tensor;
    IG_TRY(ig_context_slot(ctx, IG_SLOT_TENSOR, make_tensor, free_part, &tensor, err));
    IG_TRY(make_tensor(ctx, out, err));
    **(int **)out = 2;
    return IG_OK;
}

static ig_status make_nothing(ig_context *ctx, void **out, ig_error *err) {
    (void)ctx, (void)out;
    return ig_error_set(err, IG_E_UNSUPPORTED, "not today");
}

static void slots_are_made_once_and_freed_in_reverse(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx = new_context(1);
    void *a, *b, *c;
    freed_count = 0;
    check_fails(ig_context_slot(ctx, IG_SLOT_GRAPH, make_nothing, free_part, &a, &err), IG_E_UNSUPPORTED);
    check_ok(ig_context_slot(ctx, IG_SLOT_GRAPH, make_graph, free_part, &a, &err));
    check_ok(ig_context_slot(ctx, IG_SLOT_GRAPH, make_graph, free_part, &b, &err));
    check_ok(ig_context_slot(ctx, IG_SLOT_TENSOR, make_tensor, free_part, &c, &err));
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    ig_context_free(ctx);
    assert_int_equal(freed_count, 2);
    assert_int_equal(freed[0], 2);
    assert_int_equal(freed[1], 1);
}

static void log_goes_where_it_is_sent(void *arg, ig_log_level level, const char *message) {
    snprintf(arg, 100, "%d %s", (int)level, message);
}

static void log_function_gets_level_and_text(void **state) {
    (void)state;
    ig_error err;
    char seen[100] = "";
    ig_context *ctx;
    check_ok(ig_context_new(&(ig_context_opts){.log = log_goes_where_it_is_sent, .log_arg = seen}, &ctx, &err));
    ig_log_write(ctx, IG_LOG_INFO, "step %d", 7);
    assert_string_equal(seen, "2 step 7");
    ig_context_free(ctx);
}

/* ---- executor ---- */

typedef struct visit {
    ig_context *ctx;
    int thread[N_MAX];
    int times[N_MAX];
    int nested_times[N_MAX];
    size_t shortest;
    bool nested_elsewhere;
} visit;

typedef struct nested_visit {
    visit *v;
    size_t offset;
    int outer;
} nested_visit;

static void visit_nested(void *arg, size_t begin, size_t end, int thread) {
    nested_visit *n = arg;
    if (thread != n->outer) n->v->nested_elsewhere = true;
    for (size_t i = begin; i < end; i++) n->v->nested_times[n->offset + i]++;
}

static void visit_range(void *arg, size_t begin, size_t end, int thread) {
    visit *v = arg;
    for (size_t i = begin; i < end; i++) {
        v->thread[i] = thread;
        v->times[i]++;
    }
    nested_visit n = {v, begin, thread};
    ig_parallel_for(v->ctx, end - begin, 1, visit_nested, &n);
}

/* The ranges as the header promises them: contiguous, in order, none below the grain unless it is the only one. */
static void check_visit(const visit *v, size_t n, size_t grain, int threads) {
    size_t run = 0;
    int ranges = 0;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(v->times[i], 1);
        assert_int_equal(v->nested_times[i], 1);
        assert_in_range(v->thread[i], 0, threads - 1);
        run++;
        if (i + 1 < n && v->thread[i + 1] == v->thread[i]) continue;
        ranges++;
        if (run < n) assert_true(run >= grain);
        if (i + 1 < n) assert_int_equal(v->thread[i + 1], v->thread[i] + 1);
        run = 0;
    }
    assert_true(ranges <= threads);
    assert_false(v->nested_elsewhere);
}

static void every_item_is_visited_once_in_fixed_ranges(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 7, 64, 999, N_MAX}, grains[] = {0, 1, 3, 10, 2000};
    for (int threads = 1; threads <= 5; threads++) {
        ig_context *ctx = new_context(threads);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) {
                visit *first = calloc(1, sizeof *first), *second = calloc(1, sizeof *second);
                first->ctx = second->ctx = ctx;
                ig_parallel_for(ctx, sizes[s], grains[g], visit_range, first);
                ig_parallel_for(ctx, sizes[s], grains[g], visit_range, second);
                check_visit(first, sizes[s], grains[g], threads);
                assert_memory_equal(first->thread, second->thread, sizeof first->thread);
                free(first);
                free(second);
            }
        }
        ig_context_free(ctx);
    }
}

static void clock_runs_forward_and_memory_is_known(void **state) {
    (void)state;
    double before = ig_clock();
    assert_true(ig_clock() >= before);
    assert_true(ig_process_bytes() > 100000);
    assert_true(ig_process_peak_bytes() > 100000);
    assert_true(ig_memory_available() > 1 << 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(environment_forces_the_instruction_set),
        cmocka_unit_test(slots_are_made_once_and_freed_in_reverse),
        cmocka_unit_test(log_function_gets_level_and_text),
        cmocka_unit_test(every_item_is_visited_once_in_fixed_ranges),
        cmocka_unit_test(clock_runs_forward_and_memory_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
