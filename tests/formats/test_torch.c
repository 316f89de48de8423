/* tests/formats/test_torch.c: what PyTorch saved reads with PyTorch's bits (make_torch.py), in every form; real checkpoints
 * give the digest that PyTorch gives; and no failing allocation is lost.
 */
#include "data.h"
#include "ingot/formats.h"

static ig_context *ctx;
static ig_error err;

static int set_up(void **state) {
    (void)state;
    return ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL) != IG_OK;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

static const char *in_folder(const char *name) {
    static char path[2][600];
    static int turn;
    const char *root = getenv("INGOT_ROOT");
    turn ^= 1;
    snprintf(path[turn], sizeof path[turn], "%s/tests/formats/torch/%s", root ? root : ".", name);
    return path[turn];
}

static void read_new(ig_torch *t, size_t i, ig_tensor *out) {
    check_ok(ig_torch_describe(t, i, out, &err));
    check_ok(ig_tensor_alloc(ctx, out, &err));
    check_ok(ig_torch_read(ctx, t, i, out, &err));
}

/* ---- committed checkpoints --------------------------------------------------------------------------------------------- */

static void compare_tensor(ig_torch *t, size_t i, const ig_safetensors *expected) {
    ig_tensor got, want;
    const char *name = ig_torch_name(t, i);
    assert_int_equal(ig_torch_find(t, name), i);
    int64_t k = ig_safetensors_find(expected, name);
    if (k < 0) fail_msg("%s is not expected", name);
    check_ok(ig_safetensors_describe(expected, (size_t)k, &want, &err));
    check_ok(ig_tensor_alloc(ctx, &want, &err));
    check_ok(ig_safetensors_read(ctx, expected, (size_t)k, &want, &err));
    read_new(t, i, &got);
    if (got.dtype != want.dtype || !ig_tensor_same_shape(&got, &want)) fail_msg("%s: type or shape", name);
    if (memcmp(got.data, want.data, ig_tensor_bytes(&got)) != 0) fail_msg("%s: other numbers", name);
    ig_tensor_unref(&got);
    ig_tensor_unref(&want);
}

static void compare_scalars(const ig_torch *t) {
    static const struct { const char *name; double value; } known[] = {
        {"epoch", 7}, {"big", 1099511627776.0}, {"best", 91.5}, {"done", 1}, {"shape.0", 2}, {"shape.1", 3}, {"pair.1.1", -3},
        {"ordered.x", 1}, {"optimizer.param_groups.0.lr", 0.001}, {"optimizer.param_groups.0.betas.1", 0.999},
        {"optimizer.param_groups.0.params.3", 3},
    };
    double v;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!ig_torch_number(t, known[i].name, &v)) fail_msg("%s is missing", known[i].name);
        assert_true(v == known[i].value);
    }
    assert_string_equal(ig_torch_text(t, "arch"), "net 网");
    assert_string_equal(ig_torch_text(t, "tags.0"), "a");
    assert_false(ig_torch_number(t, "arch", &v));
    assert_false(ig_torch_number(t, "nothing", &v));
    assert_null(ig_torch_text(t, "epoch"));
    assert_null(ig_torch_text(t, "raw"));
    assert_int_equal(ig_torch_find(t, "epoch"), -1);
}

static void every_form_gives_the_numbers_of_pytorch(void **state) {
    (void)state;
    static const char *const files[] = {"zip.pt", "zip4.pt", "legacy.pt", "legacy4.pt"};
    ig_safetensors *expected;
    check_ok(ig_safetensors_open(in_folder("expected.safetensors"), &expected, &err));
    for (size_t f = 0; f < 4; f++) {
        ig_torch *t;
        check_ok(ig_torch_open(in_folder(files[f]), &t, &err));
        assert_int_equal(ig_torch_count(t), ig_safetensors_count(expected));
        for (size_t i = 0; i < ig_torch_count(t); i++) {
            assert_string_equal(ig_torch_name(t, i), ig_safetensors_name(expected, i)); /* the order of the checkpoint */
            compare_tensor(t, i, expected);
        }
        assert_null(ig_torch_name(t, ig_torch_count(t)));
        compare_scalars(t);
        ig_torch_close(t);
    }
    ig_safetensors_close(expected);
}

static void reading_converts_and_checks_the_shape(void **state) {
    (void)state;
    ig_torch *t;
    ig_tensor dst;
    check_ok(ig_torch_open(in_folder("lone.pt"), &t, &err));
    assert_int_equal(ig_torch_count(t), 1);
    assert_string_equal(ig_torch_name(t, 0), "tensor");
    check_ok(ig_tensor_new(ctx, IG_DTYPE_BF16, 2, (int64_t[]){2, 3}, &dst, &err));
    check_ok(ig_torch_read(ctx, t, 0, &dst, &err));
    for (int64_t i = 0; i < 6; i++) assert_true(ig_tensor_get(&dst, i) == (double)i);
    ig_tensor_unref(&dst);
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, 1, (int64_t[]){6}, &dst, &err));
    check_fails(ig_torch_read(ctx, t, 0, &dst, &err), IG_E_SHAPE);
    check_fails(ig_torch_read(ctx, t, 1, &dst, &err), IG_E_ARG);
    check_fails(ig_torch_describe(t, 1, &dst, &err), IG_E_ARG);
    ig_tensor_unref(&dst);
    ig_torch_close(t);
}

static void foreign_types_are_named(void **state) {
    (void)state;
    static const char *const names[][2] = {{"i8", "i8"}, {"i16", "i16"}, {"complex", "complex64"}};
    ig_torch *t;
    ig_tensor x;
    check_ok(ig_torch_open(in_folder("foreign.pt"), &t, &err));
    for (size_t i = 0; i < 3; i++) {
        check_fails(ig_torch_describe(t, (size_t)ig_torch_find(t, names[i][0]), &x, &err), IG_E_UNSUPPORTED);
        assert_non_null(strstr(err.message, names[i][1]));
    }
    read_new(t, (size_t)ig_torch_find(t, "w"), &x);
    assert_true(ig_tensor_get(&x, 0) == 4);
    ig_tensor_unref(&x);
    ig_torch_close(t);
}

static void classes_of_others_are_refused_by_name(void **state) {
    (void)state;
    ig_torch *t;
    check_fails(ig_torch_open(in_folder("code.pt"), &t, &err), IG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "it names __main__.Own"));
    assert_non_null(strstr(err.message, "state_dict()"));
    assert_null(t);
}

/* ---- real checkpoints -------------------------------------------------------------------------------------------- */

/* SHA-256 of all tensors, as f64, one after the other: computed with PyTorch 1.13 from the same files. */
static void check_digest(ig_torch *t, const char *digest) {
    ig_buf all = {.max = 64 << 20};
    char hex[65];
    for (size_t i = 0; i < ig_torch_count(t); i++) {
        ig_tensor shape, x;
        check_ok(ig_torch_describe(t, i, &shape, &err));
        check_ok(ig_tensor_new(ctx, IG_DTYPE_F64, shape.ndim, shape.shape, &x, &err));
        check_ok(ig_torch_read(ctx, t, i, &x, &err));
        ig_buf_append(&all, x.data, ig_tensor_bytes(&x));
        ig_tensor_unref(&x);
    }
    check_ok(ig_buf_status(&all, &err));
    ig_sha256_hex(all.data, all.len, hex);
    assert_string_equal(hex, digest);
    ig_buf_fini(&all);
}

typedef struct known_file {
    const char *file;
    size_t tensors;
    const char *first, *last, *digest;
} known_file;

static ig_torch *open_known(const char *data, const known_file *k) {
    char path[700];
    ig_torch *t;
    check_ok(ig_path_join(path, sizeof path, data, k->file, &err));
    check_ok(ig_torch_open(path, &t, &err));
    assert_int_equal(ig_torch_count(t), k->tensors);
    assert_string_equal(ig_torch_name(t, 0), k->first);
    assert_string_equal(ig_torch_name(t, k->tensors - 1), k->last);
    check_digest(t, k->digest);
    return t;
}

static void legacy_checkpoints_of_resnets_read(void **state) {
    (void)state;
    static const known_file known[] = {
        {"resnet20-12fca82f.th", 97, "state_dict.module.conv1.weight", "state_dict.module.linear.bias",
         "43f27a565def9fe35aef845ca1a83e067cf07668b17c7963050dc5b3da5de4a6"},
        {"resnet56-4bfd9763.th", 277, "state_dict.module.conv1.weight", "state_dict.module.linear.bias",
         "240d6b5f29b72b6c42c944892297cd387369355599daae8f3a02757119c118f8"},
    };
    static const double best[] = {91.78, 93.62};
    char data[400];
    double v;
    need_data("resnet-cifar10", data);
    for (size_t i = 0; i < 2; i++) {
        ig_torch *t = open_known(data, &known[i]);
        assert_true(ig_torch_number(t, "best_prec1", &v));
        assert_true(v > best[i] - 0.005 && v < best[i] + 0.005); /* printed with two digits */
        ig_torch_close(t);
    }
}

static void zip_checkpoints_of_yolo_read(void **state) {
    (void)state;
    static const known_file known[] = {
        {"coco2017-0.241078ap-model.pth", 444, "backbone.first_conv.0.weight", "output_cls_layers.bias",
         "0dc066ad73d126a9884632b5b5bf58e0c6b8a12657d4f939e210e59e16f6e015"},
        {"backbone.pth", 330, "first_conv.0.weight", "stage4.3.branch_main.6.num_batches_tracked",
         "3b2b2f554fa8a48ae36384301af332bff8d926e16e6d0ea9d731b9f17509ff41"},
    };
    char data[400];
    need_data("yolo-fastestv2", data);
    for (size_t i = 0; i < 2; i++) ig_torch_close(open_known(data, &known[i]));
}

/* ---- allocations ------------------------------------------------------------------------------------------------- */

/* Ours only: libzip has an allocator of its own. */
static void every_failing_allocation_is_told(void **state) {
    (void)state;
    static const char *const files[] = {"zip.pt", "legacy.pt"};
    for (size_t f = 0; f < 2; f++) {
        int n = 1;
        for (;; n++) {
            ig_torch *t;
            float scalar;
            ig_tensor dst;
            check_ok(ig_tensor_wrap(&dst, &scalar, IG_DTYPE_F32, 0, NULL, &err));
            ig_alloc_fail_at((uint64_t)n);
            ig_status status = ig_torch_open(in_folder(files[f]), &t, &err);
            assert_int_equal(status == IG_OK, t != NULL);
            if (status == IG_OK) status = ig_torch_read(ctx, t, (size_t)ig_torch_find(t, "state_dict.scalar"), &dst, &err);
            ig_alloc_fail_at(0);
            ig_torch_close(t);
            if (status == IG_OK) break;
            if (status != IG_E_NOMEM) fail_msg("allocation %d: %s: %s", n, ig_status_name(status), err.message);
        }
        assert_true(n > 50);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_gives_the_numbers_of_pytorch),
        cmocka_unit_test(reading_converts_and_checks_the_shape),
        cmocka_unit_test(foreign_types_are_named),
        cmocka_unit_test(classes_of_others_are_refused_by_name),
        cmocka_unit_test(legacy_checkpoints_of_resnets_read),
        cmocka_unit_test(zip_checkpoints_of_yolo_read),
        cmocka_unit_test(every_failing_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
