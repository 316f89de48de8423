/* tests/train/test_checkpoint_damaged.c: checkpoints damaged by hand, each refused with what is wrong, nothing changed by it.
 *
 * Rows with `resealed` have a checksum that fits the damage, as a writer with a mistake would leave it.
 */
#include "tiny.h"

#include "train/checkpoint.h"

static ig_buf good; /* the checkpoint of step 2 */
static char path[IG_PATH_MAX];

static int make_checkpoint(void **state) {
    ig_error err;
    ig_train_result result;
    tiny_told told = {.cancel_at = 2};
    if (tiny_setup(state) != 0) return -1;
    check_fails(tiny_run("run", NULL, false, &told, &result, &err), IG_E_CANCELLED);
    memcpy(path, result.checkpoint, sizeof path);
    good.max = 1 << 26;
    check_ok(ig_file_read(path, good.max, &good, &err));
    return 0;
}

static int drop_checkpoint(void **state) {
    ig_buf_fini(&good);
    return tiny_teardown(state);
}

static void seal(ig_buf *b) {
    uint32_t crc = ig_crc32c(0, b->data, b->len - 4);
    memcpy(b->data + b->len - 4, &crc, 4);
}

typedef struct damage {
    const char *find, *put;  /* in the header, the same length; NULL: see below */
    long cut;                /* bytes that are left; negative: taken from the end; 0: none are cut, unless `empty` */
    long flip;               /* this byte changes by one; negative: from the end */
    const char *append;
    bool empty, resealed;
    const char *says;
} damage;

static const damage rows[] = {
    {.empty = true, .says = "too short"},
    {.cut = 7, .says = "too short"},
    {.cut = 19, .says = "too short"},
    {.cut = 100, .says = "ends inside of its header"},
    {.cut = -1, .says = "checksum"},
    {.cut = -4096, .says = "checksum"},
    {.flip = 3, .says = "does not begin with INGOTCK1"},
    {.flip = 9, .says = "checksum"},
    {.flip = 14, .says = "ends inside of its header"},
    {.flip = 40, .says = "checksum"},
    {.flip = -100, .says = "checksum"},
    {.flip = -1, .says = "checksum"},
    {.append = "more", .says = "checksum"},
    {.append = "more", .resealed = true, .says = "belong to no tensor"},
    {.cut = -400, .resealed = true, .says = "need more bytes than there are"},
    {.flip = 16, .resealed = true, .says = "expected a value"},
    {.find = "\"step\":", .put = "\"stop\":", .resealed = true, .says = "stop: unknown key; did you mean \"step\""},
    {.find = "\"step\":2", .put = "\"step\":x", .resealed = true, .says = "expected a value"},
    {.find = "\"dtype\":\"f32\"", .put = "\"dtype\":\"f33\"", .resealed = true, .says = "unknown type"},
    {.find = "\"dtype\":\"f32\"", .put = "\"dtype\":\"f16\"", .resealed = true, .says = "belong to no tensor"},
    {.find = "\"shape\":[16,16]", .put = "\"shape\":[99,99]", .resealed = true, .says = "need more bytes than there are"},
    {.find = "\"shape\":[16,16]", .put = "\"shape\":[1,-16]", .resealed = true, .says = "whole number"},
    {.find = "\"shape\":[16,16]", .put = "\"shape\":[1,2e9]", .resealed = true, .says = "whole number"},
    {.find = "\"stopped\":false", .put = "\"stopped\":12345", .resealed = true, .says = "expected true or false"},
    {.find = "\"step\":2,\"tokens", .put = "\"step\":2e\"tokens", .resealed = true, .says = "exponent"},
    {.find = "\"settings\":{", .put = "\"settingz\":{", .resealed = true, .says = "settingz: unknown key"},
};

static void apply(const damage *d, ig_buf *b) {
    b->max = good.max;
    ig_buf_append(b, good.data, good.len);
    if (d->find) {
        char *at = memmem(b->data, b->len, d->find, strlen(d->find));
        assert_non_null(at);
        memcpy(at, d->put, strlen(d->find));
    }
    if (d->cut > 0) b->len = (size_t)d->cut;
    if (d->cut < 0) b->len -= (size_t)-d->cut;
    if (d->empty) b->len = 0;
    if (d->flip) b->data[d->flip > 0 ? (size_t)d->flip : b->len - (size_t)-d->flip]++;
    if (d->append) ig_buf_puts(b, d->append);
    if (d->resealed) seal(b);
}

static void damaged_checkpoints_are_refused_with_the_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ig_buf b = {0};
        ig_error err = {0};
        tiny_told told = {0};
        apply(&rows[i], &b);
        check_ok(ig_file_write(path, b.data, b.len, &err));
        ig_status status = tiny_run("run", NULL, true, &told, NULL, &err);
        if (status != IG_E_FORMAT || told.warnings != 1 || told.steps) fail_msg("row %zu: %s after %d steps: %s", i, ig_status_name(status), told.steps, told.warning);
        if (!strstr(told.warning, rows[i].says) || !strstr(told.warning, "step-00000002.ckpt")) fail_msg("row %zu: %s", i, told.warning);
        ig_buf_fini(&b);
    }
}

static void any_flipped_byte_is_noticed(void **state) {
    (void)state;
    ig_error err;
    checkpoint_view v;
    uint8_t *bytes = (uint8_t *)good.data;
    check_ok(checkpoint_parse("good", bytes, good.len, &v, &err));
    checkpoint_view_fini(&v);
    for (size_t i = 0; i < good.len; i += 1 + good.len / 1000) {
        bytes[i] ^= 0x10;
        check_fails(checkpoint_parse("flipped", bytes, good.len, &v, &err), IG_E_FORMAT);
        assert_null(v.header);
        bytes[i] ^= 0x10;
    }
}

static void every_cut_is_noticed(void **state) {
    (void)state;
    ig_error err;
    checkpoint_view v;
    for (size_t n = 0; n < good.len; n += 1 + n / 50) {
        char *copy = malloc(n ? n : 1); /* a block of exactly this size, so that a sanitizer sees a read past the end */
        memcpy(copy, good.data, n);
        check_fails(checkpoint_parse("cut", (uint8_t *)copy, n, &v, &err), IG_E_FORMAT);
        free(copy);
    }
}

/* Good in itself, and not for this run. */
static void a_step_behind_the_end_is_refused(void **state) {
    (void)state;
    ig_buf b = {.max = good.max};
    ig_error err;
    tiny_told told = {0};
    ig_buf_append(&b, good.data, good.len);
    char *at = memmem(b.data, b.len, "\"step\":2,", 9);
    assert_non_null(at);
    /* one more digit, taken from the padding behind the header: the length of the header counts it */
    uint64_t header;
    memcpy(&header, b.data + 8, 8);
    char *end = b.data + 16 + header;
    if (end[-1] != ' ') {
        ig_buf_fini(&b);
        skip();
    }
    memmove(at + 9, at + 8, (size_t)(end - 1 - (at + 8)));
    memcpy(at, "\"step\":99,", 10);
    seal(&b);
    check_ok(ig_file_write(path, b.data, b.len, &err));
    check_fails(tiny_run("run", NULL, true, &told, NULL, &err), IG_E_FORMAT);
    assert_non_null(strstr(told.warning, "behind the end of the run"));
    ig_buf_fini(&b);
}

static void the_undamaged_one_still_works(void **state) {
    (void)state;
    ig_error err;
    tiny_told told = {0};
    check_ok(ig_file_write(path, good.data, good.len, &err));
    check_ok(tiny_run("run", NULL, true, &told, NULL, &err));
    assert_int_equal(told.steps, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_checkpoints_are_refused_with_the_reason),
        cmocka_unit_test(any_flipped_byte_is_noticed),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(a_step_behind_the_end_is_refused),
        cmocka_unit_test(the_undamaged_one_still_works),
    };
    return cmocka_run_group_tests(tests, make_checkpoint, drop_checkpoint);
}
