/* tests/models/test_onnx_export.c: what is not written in ONNX is refused by name, and nothing is left behind; every failed
 * allocation is a status.  What is written right is seen by ONNX Runtime (onnx.test.mjs).
 */
#include <unistd.h>

#include "formats/onnx.h"
#include "graph/op.h"
#include "onnx_scratch.h"
#include "tiny.h"

#include "../check.h"

static ig_context *ctx;
static ig_error err;
static char folder[] = "/tmp/ingot-onnx-XXXXXX", path[100];

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder) || ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL) != IG_OK) return -1;
    snprintf(path, sizeof path, "%s/m.onnx", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return ig_dir_remove(folder, NULL) == IG_OK ? 0 : -1;
}

/* ---- what is refused ---- */

static ig_var *with_dropout(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    static int64_t key[2] = {1, 1}, two = 2;
    ig_tensor t;
    (void)m, (void)types, (void)lengths;
    check_ok(ig_tensor_wrap(&t, key, IG_DTYPE_I64, 1, &two, &err));
    return ig_dropout(p->g, ig_cast(p->g, tokens, IG_DTYPE_F32), 0.5, ig_input(p->g, "key", &t));
}

/* As many tokens as no sum of products of B and T says. */
static ig_var *a_square(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    (void)m, (void)types, (void)lengths;
    return ig_slice(p->g, tokens, 1, 0, ig_dim(tokens, 1) * ig_dim(tokens, 1) / 16);
}

static ig_var *deeper_for_longer(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    ig_var *x = ig_cast(p->g, tokens, IG_DTYPE_F32);
    (void)m, (void)types, (void)lengths;
    for (int64_t t = 0; t < ig_dim(tokens, 1); t++) x = ig_tanh(p->g, x);
    return x;
}

static ig_var *own_error(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    (void)m, (void)tokens, (void)types, (void)lengths;
    return ig_poison(p->g, IG_E_ARG, "the family's own reason");
}

static void refuse(ig_var *(*hidden)(ig_model *, const ig_pass *, ig_var *, ig_var *, ig_var *), ig_status status,
                   const char *says) {
    ig_model m;
    scratch_init(ctx, 0, &m);
    ig_family family = *m.family;
    family.hidden = hidden;
    m.family = &family;
    check_fails(ig_model_export_onnx(&m, path, IG_DTYPE_F32, &err), status);
    if (!strstr(err.message, says)) fail_msg("%s, expected %s", err.message, says);
    assert_false(ig_path_exists(path));
    scratch_fini(&m);
}

static void what_has_no_form_is_refused_by_name(void **state) {
    (void)state;
    refuse(with_dropout, IG_E_UNSUPPORTED, "the op dropout");
    refuse(a_square, IG_E_UNSUPPORTED, "slice: a size follows");
    refuse(deeper_for_longer, IG_E_UNSUPPORTED, "depends on the sizes of its inputs");
    refuse(own_error, IG_E_ARG, "the family's own reason");
    refuse(NULL, IG_E_UNSUPPORTED, "models of the family scratch have no pass");
}

static void types_of_weights_are_f32_and_f16(void **state) {
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 3);
    check_fails(ig_model_export_onnx(m, path, IG_DTYPE_BF16, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "f32 or f16"));
    ig_model_free(m);
}

/* What a message of protocol buffers cannot hold is told before anything is written, or read. */
static void more_than_2_gib_are_refused(void **state) {
    static float number;
    static const int64_t count = (int64_t)1 << 29;
    onnx_writer w;
    ig_tensor t;
    (void)state;
    onnx_writer_init(&w);
    check_ok(ig_tensor_wrap(&t, &number, IG_DTYPE_F32, 1, &count, &err));
    onnx_put_weight(&w, "w", &t);
    check_fails(onnx_writer_save(&w, path, "g", NULL, &err), IG_E_LIMIT);
    assert_non_null(strstr(err.message, "2 GiB"));
    assert_false(ig_path_exists(path));
    onnx_writer_fini(&w);
}

/* ---- failing allocations ---- */

/* A file that is there is whole, whatever failed on the way. */
static size_t survive(ig_model *m) {
    size_t nodes = 0;
    for (uint64_t n = 1; nodes == 0; n++) {
        ig_onnx *f = NULL;
        ig_alloc_fail_at(n);
        ig_status s = ig_model_export_onnx(m, path, IG_DTYPE_F16, &err);
        bool failed = ig_alloc_fail_at(0) >= n;
        if (s != IG_OK && s != IG_E_NOMEM)
            fail_msg("allocation %llu: %s: %s", (unsigned long long)n, ig_status_name(s), err.message);
        if (s != IG_OK) {
            assert_false(ig_path_exists(path));
            continue;
        }
        check_ok(ig_onnx_open(path, &f, &err));
        if (!failed) nodes = ig_onnx_about(f)->node_count;
        ig_onnx_close(f);
        assert_int_equal(unlink(path), 0);
    }
    return nodes;
}

static void failed_allocations_are_statuses(void **state) {
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_llama_json, 3);
    assert_true(survive(m) > 50);
    ig_model_free(m);
}

static void so_are_those_of_pictures(void **state) {
    ig_model m;
    (void)state;
    for (int i = 0; i < scratch_count(); i++) {
        if (strcmp(scratch_name(i), "borders") != 0) continue;
        scratch_init(ctx, i, &m);
        check_ok(ig_model_export_onnx(&m, path, IG_DTYPE_F32, &err)); /* makes its parameters, with checks that must not fail */
        assert_int_equal(unlink(path), 0);
        assert_true(survive(&m) > 20);
        scratch_fini(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_form_is_refused_by_name),
        cmocka_unit_test(types_of_weights_are_f32_and_f16),
        cmocka_unit_test(more_than_2_gib_are_refused),
        cmocka_unit_test(failed_allocations_are_statuses),
        cmocka_unit_test(so_are_those_of_pictures),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
