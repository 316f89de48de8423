/* tests/infer/test_carrier.c: a recurrent model in a session: reading on with its state gives what reading everything at once
 * gives, however the text is cut, after going back, and after a failure.
 *
 * Logits are sums of some tens of products of order 1 behind gates: 1e-5 of their size is far above what another order of
 * additions rounds.
 */
#include <math.h>

#include "ingot/infer.h"

#include "../check.h"

#define V 29
#define TEXT 200

static ig_context *ctx;
static int32_t text[TEXT];

static int set_up(void **state) {
    (void)state;
    for (int i = 0; i < TEXT; i++) text[i] = (i * i + 3 * i) % V;
    return ig_context_new(NULL, &ctx, NULL) == IG_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

static const char *const cells[] = {"lstm", "gru"};

static ig_model *model(const char *cell) {
    char json[256];
    ig_model *m = NULL;
    ig_error err = {0};
    int n = snprintf(json, sizeof json, "{\"model_type\":\"%s\",\"vocab_size\":%d,\"hidden_size\":19,\"num_hidden_layers\":2}",
                     cell, V);
    check_ok(ig_model_new(ctx, "test", json, (size_t)n, &m, &err));
    check_ok(m->family->initialise(m, 5, &err));
    return m;
}

static ig_session *session(ig_model *m) {
    ig_session *s = NULL;
    ig_error err = {0};
    check_ok(ig_session_open(m, NULL, &s, &err));
    return s;
}

static void feed(ig_session *s, int from, int n) {
    ig_error err = {0};
    check_ok(ig_session_feed(s, text + from, (size_t)n, &err));
}

/* The logits behind the first n tokens of the text. */
static void check_logits(ig_model *m, const ig_session *s, int n) {
    int64_t tokens[TEXT], shape[2] = {1, n};
    ig_tensor t;
    ig_graph *g = NULL;
    ig_error err = {0};
    for (int i = 0; i < n; i++) tokens[i] = text[i];
    check_ok(ig_tensor_wrap(&t, tokens, IG_DTYPE_I64, 2, shape, &err));
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_pass p = {.g = g};
    ig_var *logits = m->family->logits(m, &p, ig_input(g, "tokens", &t), NULL);
    check_ok(ig_graph_status(g, &err));
    for (int v = 0; v < V; v++) {
        double want = ig_tensor_get(ig_value(logits), (int64_t)(n - 1) * V + v), have = (double)ig_session_logits(s)[v];
        if (!(fabs(have - want) <= 1e-5 * fmax(1, fabs(want))))
            fail_msg("after %d tokens, logit %d is %.8g, not %.8g", n, v, have, want);
    }
    ig_graph_free(g);
}

static void every_cut_of_a_text_equals_all_at_once(void **state) {
    (void)state;
    static const int cuts[] = {1, 2, 63, 64, 65, 66, 130};
    for (size_t c = 0; c < 2; c++) {
        ig_model *m = model(cells[c]);
        for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
            ig_session *s = session(m);
            feed(s, 0, cuts[i]);
            check_logits(m, s, cuts[i]);
            feed(s, cuts[i], TEXT - cuts[i]);
            check_logits(m, s, TEXT);
            ig_session_close(s);
        }
        ig_model_free(m);
    }
}

static void going_back_reads_again_what_remains(void **state) {
    (void)state;
    ig_model *m = model("lstm");
    ig_session *s = session(m);
    ig_error err = {0};
    feed(s, 0, 90);
    check_ok(ig_session_rewind(s, 70, &err));
    assert_null(ig_session_logits(s));
    feed(s, 70, 1);
    check_logits(m, s, 71);
    check_ok(ig_session_rewind(s, 0, &err));
    feed(s, 0, 5);
    check_logits(m, s, 5);
    ig_session_close(s);
    ig_model_free(m);
}

/* The n-th allocation fails, n = 1, 2, 3 …: the session is as it was, and reads on. */
static void a_failure_leaves_the_session_as_it_was(void **state) {
    (void)state;
    ig_model *m = model("gru");
    ig_status status = IG_E_NOMEM;
    for (uint64_t n = 1; status != IG_OK; n++) {
        ig_session *s = session(m);
        ig_error err = {0};
        feed(s, 0, 3);
        ig_alloc_fail_at(n);
        status = ig_session_feed(s, text + 3, 80, &err);
        ig_alloc_fail_at(0);
        assert_true(status == IG_OK || status == IG_E_NOMEM);
        if (status != IG_OK) feed(s, 3, 80);
        check_logits(m, s, 83);
        ig_session_close(s);
    }
    ig_model_free(m);
}

static void a_recurrent_model_generates(void **state) {
    (void)state;
    ig_model *m = model("lstm");
    ig_session *s = session(m);
    ig_generation out = {0};
    ig_error err = {0};
    ig_generate_opts o = {.max_tokens = 20, .sampling = {.temperature = 0}};
    check_ok(ig_generate(s, text, 4, &o, &out, &err));
    assert_int_equal((int)out.ids.len, 20);
    ig_generation_fini(&out);
    ig_session_close(s);
    ig_model_free(m);
}

static void many_texts_at_a_time_are_refused(void **state) {
    (void)state;
    ig_model *m = model("lstm");
    ig_scheduler *s = NULL;
    ig_error err = {0};
    assert_int_equal(ig_scheduler_open(m, NULL, &s, &err), IG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "several texts at a time"));
    ig_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_of_a_text_equals_all_at_once),
        cmocka_unit_test(going_back_reads_again_what_remains),
        cmocka_unit_test(a_failure_leaves_the_session_as_it_was),
        cmocka_unit_test(a_recurrent_model_generates),
        cmocka_unit_test(many_texts_at_a_time_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
