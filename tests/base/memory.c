/* tests/base/memory.c: errors, the allocator, and growing buffers. */
#include "../check.h"

#include <errno.h>

#include "ingot/limits.h"

static void message_is_cut_at_a_character_border(void **state) {
    (void)state;
    ig_error err;
    char text[2048] = "";
    for (int shift = 0; shift < 3; shift++) { /* three-byte characters, the cut falling on each of their bytes */
        memset(text, 'a', (size_t)shift);
        text[shift] = '\0';
        for (int i = 0; i < 400; i++) strcat(text, "\xE9\x80\x80");
        assert_int_equal(ig_error_set(&err, IG_E_ARG, "%s", text), IG_E_ARG);
        size_t len = strlen(err.message);
        assert_true(len >= sizeof err.message - 4 && len < sizeof err.message);
        assert_true(ig_utf8_valid(err.message, len));
    }
}

static void error_text_names_file_and_line(void **state) {
    (void)state;
    ig_error err;
    char buf[256];
    ig_error_at(&err, IG_E_FORMAT, "a.yaml", 7, "bad %s", "key");
    assert_string_equal(ig_error_format(&err, buf, sizeof buf), "a.yaml:7: bad key");
    ig_error_at(&err, IG_E_IO, "a.yaml", 0, "gone");
    assert_string_equal(ig_error_format(&err, buf, sizeof buf), "a.yaml: gone");
    ig_error_set(&err, IG_E_ARG, "no");
    assert_string_equal(ig_error_format(&err, buf, sizeof buf), "no");
    assert_int_equal(ig_error_set(NULL, IG_E_SHAPE, "no one listens"), IG_E_SHAPE);
}

static void errno_chooses_the_code(void **state) {
    (void)state;
    ig_error err;
    errno = ENOENT;
    assert_int_equal(ig_error_errno(&err, "cannot open %s", "x"), IG_E_NOT_FOUND);
    assert_string_equal(err.message, "cannot open x: No such file or directory");
    errno = EACCES;
    assert_int_equal(ig_error_errno_at(&err, "f", "cannot open"), IG_E_IO);
    assert_string_equal(err.file, "f");
}

static void long_file_name_keeps_its_end(void **state) {
    (void)state;
    ig_error err;
    char name[600];
    memset(name, 'd', sizeof name);
    strcpy(name + 590, "/end.yaml");
    ig_error_at(&err, IG_E_FORMAT, name, 1, "bad");
    assert_int_equal(strlen(err.file), 255);
    assert_string_equal(err.file + 255 - 9, "/end.yaml");
}

static void every_status_has_a_name(void **state) {
    (void)state;
    for (int s = IG_OK; s <= IG_E_INTERNAL; s++) assert_string_not_equal(ig_status_name((ig_status)s), "unknown status");
    assert_string_equal(ig_status_name((ig_status)999), "unknown status");
}

static void sizes_that_overflow_are_refused(void **state) {
    (void)state;
    volatile size_t huge = SIZE_MAX / 2 + 1;
    size_t out = 5;
    assert_null(ig_calloc(huge, 2));
    assert_null(ig_realloc_array(NULL, huge, 2));
    assert_null(ig_malloc(huge + 1));
    assert_null(ig_malloc_aligned(huge));
    assert_false(ig_mul_size(huge, 2, &out));
    assert_false(ig_add_size(huge, huge, &out));
    assert_int_equal(out, 5);
    assert_true(ig_mul_size(6, 7, &out) && out == 42);
}

static void only_the_nth_allocation_fails(void **state) {
    (void)state;
    ig_alloc_fail_at(3);
    void *a = ig_malloc(1), *b = ig_calloc(1, 1), *c = ig_malloc_aligned(64), *d = ig_strdup("d");
    assert_non_null(a);
    assert_non_null(b);
    assert_null(c);
    assert_non_null(d);
    assert_int_equal(ig_alloc_fail_at(0), 4);
    ig_free(a);
    ig_free(b);
    ig_free(d);
}

static void aligned_blocks_are_aligned_at_every_size(void **state) {
    (void)state;
    static const size_t sizes[] = {0,       1,         63,        64,        65,        4096,         (2u << 20) - 1,
                                   2u << 20, (2u << 20) + 1, 5u << 20, 17u << 20, 33u << 20, (100u << 20) + 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int again = 0; again < 3; again++) {
            unsigned char *p = ig_malloc_aligned(sizes[i]);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 64, 0);
            memset(p, 0xA5, sizes[i]);
            ig_free_aligned(p, sizes[i]);
        }
    }
    ig_free_aligned(NULL, 1);
}

static void large_blocks_in_use_never_overlap(void **state) {
    (void)state;
    enum { N = 24 };
    unsigned char *p[N] = {0};
    size_t size[N] = {0};
    ig_rng r;
    ig_rng_init(&r, 1, 0);
    for (int round = 0; round < 400; round++) {
        size_t i = ig_rng_below(&r, N);
        if (p[i]) {
            assert_int_equal(p[i][0], i);
            assert_int_equal(p[i][size[i] - 1], i);
            ig_free_aligned(p[i], size[i]);
            p[i] = NULL;
            continue;
        }
        size[i] = ((size_t)2 << 20) + ig_rng_below(&r, 20u << 20);
        p[i] = ig_malloc_aligned(size[i]);
        assert_non_null(p[i]);
        p[i][0] = p[i][size[i] - 1] = (unsigned char)i;
    }
    for (int i = 0; i < N; i++) ig_free_aligned(p[i], size[i]);
}

static void buffer_is_sticky_after_its_limit(void **state) {
    (void)state;
    ig_error err;
    ig_buf b = {.max = 8};
    ig_buf_puts(&b, "12345");
    ig_buf_printf(&b, "%d", 678);
    check_ok(ig_buf_status(&b, &err));
    assert_string_equal(b.data, "12345678");
    ig_buf_putc(&b, '9');
    ig_buf_puts(&b, "");
    check_fails(ig_buf_status(&b, &err), IG_E_LIMIT);
    assert_string_equal(b.data, "12345678");
    ig_buf_clear(&b);
    ig_buf_puts(&b, "again");
    check_ok(ig_buf_status(&b, &err));
    assert_string_equal(b.data, "again");
    ig_buf_fini(&b);
}

static void buffer_survives_a_failed_allocation(void **state) {
    (void)state;
    ig_error err;
    ig_buf b = {.max = 1 << 20};
    ig_buf_puts(&b, "kept");
    ig_alloc_fail_at(1);
    for (int i = 0; i < 1000; i++) ig_buf_puts(&b, "more");
    ig_alloc_fail_at(0);
    check_fails(ig_buf_status(&b, &err), IG_E_NOMEM);
    assert_memory_equal(b.data, "keptmore", 8);
    assert_int_equal(b.data[b.len], 0);
    ig_buf_fini(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_cut_at_a_character_border),
        cmocka_unit_test(error_text_names_file_and_line),
        cmocka_unit_test(errno_chooses_the_code),
        cmocka_unit_test(long_file_name_keeps_its_end),
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(only_the_nth_allocation_fails),
        cmocka_unit_test(aligned_blocks_are_aligned_at_every_size),
        cmocka_unit_test(large_blocks_in_use_never_overlap),
        cmocka_unit_test(buffer_is_sticky_after_its_limit),
        cmocka_unit_test(buffer_survives_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
