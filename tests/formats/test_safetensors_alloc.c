/* tests/formats/test_safetensors_alloc.c: open, read and save with each of their allocations failing, until they need no
 * more.  Every failure must come back as IG_E_NOMEM with nothing half made; the sanitizer run sees the leaks.
 */
#include <unistd.h>

#include "ingot/formats.h"
#include "make_file.h"

static ig_context *ctx;
static char folder[] = "/tmp/ingot-formats-alloc-XXXXXX", path[100];
static made_file file;

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder) || ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL) != IG_OK) return 1;
    file = make_file("{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                     "\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[1,13]}}       ", 13);
    return ig_path_join(path, sizeof path, folder, "m.safetensors", NULL) != IG_OK;
}

static int tear_down(void **state) {
    (void)state;
    free(file.bytes);
    ig_context_free(ctx);
    return ig_dir_remove(folder, NULL) != IG_OK;
}

/* Returns how many allocations could fail. */
static int walk(ig_status (*step)(ig_error *err)) {
    for (int n = 1; n < 10000; n++) {
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

/* The tensor w lies at an odd address, so that reading needs a copy. */
static ig_status open_and_read(ig_error *err) {
    float got[3];
    ig_tensor dst;
    ig_safetensors *s;
    IG_TRY(ig_tensor_wrap(&dst, got, IG_DTYPE_F32, 1, (int64_t[]){3}, err));
    ig_status status = ig_safetensors_open_memory("m", file.bytes, file.size, &s, err);
    assert_int_equal(status == IG_OK, s != NULL);
    if (status == IG_OK) status = ig_safetensors_read(ctx, s, 1, &dst, err);
    ig_safetensors_close(s);
    return status;
}

static void open_and_read_survive_every_failure(void **state) {
    (void)state;
    assert_true(walk(open_and_read) >= 4);
}

/* Not contiguous, so that writing needs a copy. */
static ig_status save(ig_error *err) {
    float v[6] = {1, 2, 3, 4, 5, 6};
    ig_tensor t, turned;
    char **names = NULL;
    size_t count = 0;
    IG_TRY(ig_tensor_wrap(&t, v, IG_DTYPE_F32, 2, (int64_t[]){2, 3}, err));
    IG_TRY(ig_tensor_transpose(&turned, &t, 0, 1, err));
    ig_status status = ig_safetensors_save(ctx, path, &(ig_named_tensor){"w", &turned}, 1, NULL, 0, err);
    ig_alloc_fail_at(0);
    assert_int_equal(ig_dir_list(folder, &names, &count, NULL), IG_OK);
    assert_int_equal(count, status == IG_OK); /* nothing is left behind */
    ig_names_free(names, count);
    return status;
}

static void save_survives_every_failure(void **state) {
    (void)state;
    assert_true(walk(save) >= 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_and_read_survive_every_failure),
        cmocka_unit_test(save_survives_every_failure),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
