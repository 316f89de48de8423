/* tests/base/allocation.c: each call with its first, second, third … allocation failing, until it needs no more.
 *
 * Every failure must come back as IG_E_NOMEM with nothing half made; the sanitizer run of the same test sees the leaks.
 * libyaml's own allocations are not ours to fail.
 */
#include "../check.h"

#include <unistd.h>

typedef ig_status step_fn(ig_error *err);

/* Returns how many allocations could fail. */
static int walk(step_fn *step) {
    for (int n = 1; n < 100000; n++) {
        ig_error err = {0};
        ig_alloc_fail_at((uint64_t)n);
        ig_status status = step(&err);
        ig_alloc_fail_at(0);
        if (status == IG_OK) return n - 1;
        if (status != IG_E_NOMEM) fail_msg("allocation %d: %s: %s", n, ig_status_name(status), err.message);
        assert_int_equal(err.code, IG_E_NOMEM);
    }
    fail_msg("the call never succeeds");
    return 0;
}

/* A map with more keys than are scanned one by one, and enough text for several blocks of the arena. */
static ig_buf big_text(const char *open, const char *format, const char *close) {
    ig_buf b = {.max = 1 << 20};
    ig_buf_puts(&b, open);
    for (int i = 0; i < 300; i++) {
        if (i && *close) ig_buf_putc(&b, ',');
        ig_buf_printf(&b, format, i, i);
    }
    ig_buf_puts(&b, close);
    return b;
}

static ig_buf text;

static ig_status parse_json(ig_error *err) {
    ig_doc *d;
    ig_status status = ig_json_parse("t", text.data, text.len, &d, err);
    assert_int_equal(status == IG_OK, d != NULL);
    ig_doc_free(d);
    return status;
}

static ig_status parse_yaml(ig_error *err) {
    ig_doc *d;
    ig_status status = ig_yaml_parse("t", text.data, text.len, &d, err);
    assert_int_equal(status == IG_OK, d != NULL);
    ig_doc_free(d);
    return status;
}

static void json_parse_survives_every_failure(void **state) {
    (void)state;
    text = big_text("{", "\"key%d\": [%d, true, \"text\"]", "}");
    assert_true(walk(parse_json) >= 6);
    ig_buf_fini(&text);
}

static void yaml_parse_survives_every_failure(void **state) {
    (void)state;
    text = big_text("", "key%d: [%d, true, \"text\"]\n", "");
    assert_true(walk(parse_yaml) >= 6);
    ig_buf_fini(&text);
}

static ig_status set_value(ig_error *err) {
    ig_doc *d;
    IG_TRY(ig_json_parse("t", "{\"a\": 1}", 8, &d, err));
    ig_status status = ig_doc_set(d, "b.c.d", "[1, 2, {x: y}]", err);
    assert_int_equal(ig_tree_path(ig_doc_root(d), "b.c.d") != NULL, status == IG_OK);
    ig_doc_free(d);
    return status;
}

static void set_survives_every_failure(void **state) {
    (void)state;
    assert_true(walk(set_value) >= 3);
}

static ig_status check_schema(ig_error *err) {
    static const ig_schema_field fields[] = {{.key = "b", .type = IG_TREE_INT}, {.key = NULL}};
    ig_doc *d;
    IG_TRY(ig_json_parse("t", "{\"a\": 1}", 8, &d, err));
    ig_status status = ig_schema_check("t", ig_doc_root(d), fields, err);
    ig_doc_free(d);
    if (status == IG_E_FORMAT) return IG_OK; /* the refusal that this text deserves */
    return status == IG_OK ? IG_E_INTERNAL : status;
}

static void schema_refusal_survives_every_failure(void **state) {
    (void)state;
    assert_true(walk(check_schema) >= 4);
}

static char folder[] = "/tmp/ingot-alloc-XXXXXX";

static ig_status use_files(ig_error *err) {
    char path[100];
    IG_TRY(ig_path_join(path, sizeof path, folder, "f.json", err));
    IG_TRY(ig_file_write(path, "[1]", 3, err));
    ig_doc *d;
    IG_TRY(ig_doc_load(path, 100, &d, err));
    ig_doc_free(d);
    char **names;
    size_t count;
    IG_TRY(ig_dir_list(folder, &names, &count, err));
    assert_int_equal(count, 1);
    ig_names_free(names, count);
    return IG_OK;
}

static void files_survive_every_failure(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_true(walk(use_files) >= 6);
    assert_int_equal(ig_dir_remove(folder, NULL), IG_OK);
}

static ig_status make_part(ig_context *ctx, void **out, ig_error *err) {
    (void)ctx;
    *out = ig_malloc(10);
    return *out ? IG_OK : ig_error_nomem(err, 10);
}

static ig_status use_context(ig_error *err) {
    ig_context *ctx;
    void *part;
    IG_TRY(ig_context_new(NULL, &ctx, err));
    ig_status status = ig_context_slot(ctx, IG_SLOT_TENSOR, make_part, ig_free, &part, err);
    ig_context_free(ctx);
    return status;
}

static void context_survives_every_failure(void **state) {
    (void)state;
    assert_int_equal(walk(use_context), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_parse_survives_every_failure), cmocka_unit_test(yaml_parse_survives_every_failure),
        cmocka_unit_test(set_survives_every_failure),        cmocka_unit_test(schema_refusal_survives_every_failure),
        cmocka_unit_test(files_survive_every_failure),       cmocka_unit_test(context_survives_every_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
