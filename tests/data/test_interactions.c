/* tests/data/test_interactions.c: files of interactions: their three forms, pairs that come again, rows that cannot be read. */
#include <math.h>

#include "ingot/interactions.h"

#include "../check.h"

static char root[64];

static int set_up(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/ingot-inter-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return ig_dir_remove(root, NULL) == IG_OK ? 0 : -1;
}

static const char *file(const char *name, const char *text) {
    static char path[256];
    ig_error err;
    snprintf(path, sizeof path, "%s/%s", root, name);
    check_ok(ig_file_write(path, text, strlen(text), &err));
    return path;
}

static double value_of(const ig_interactions *x, const char *user, const char *item) {
    int64_t u = ig_id_table_find(&x->users, user, strlen(user)), i = ig_id_table_find(&x->items, item, strlen(item));
    assert_true(u >= 0 && i >= 0);
    for (int64_t k = x->offset[u]; k < x->offset[u + 1]; k++)
        if (x->item[k] == i) return x->value[k];
    return NAN;
}

static ig_interactions read_one(const char *name, const char *text, ig_interactions_opts o, ig_duplicates d) {
    ig_interactions x = {0};
    ig_error err;
    check_ok(ig_interactions_read(&x, file(name, text), &o, &err));
    check_ok(ig_interactions_finish(&x, d, &err));
    return x;
}

static void three_forms_say_the_same(void **state) {
    (void)state;
    static const struct { const char *name, *text; ig_interaction_format format; } forms[] = {
        {"a.csv", "time,item,user\n5,b,u\n6,\"c,d\",u\n7,b,w\n", IG_INTERACTIONS_TABLE},
        {"a.jsonl", "{\"user\": \"u\", \"item\": \"b\"}\n{\"user\": \"u\", \"item\": \"c,d\"}\n{\"user\": \"w\", \"item\": \"b\"}\n", IG_INTERACTIONS_TABLE},
        {"a.data", "u\tb\t1\t5\nu\tc.d\t1\t6\r\n\nw\tb\t1\t7", IG_INTERACTIONS_ROWS},
        {"b.data", "u::b::1::5\nu::c.d::1\nw::b\n", IG_INTERACTIONS_ROWS},
        {"a.txt", "u b c.d\nw b\n", IG_INTERACTIONS_LINES},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        ig_interactions x = read_one(forms[i].name, forms[i].text, (ig_interactions_opts){.format = forms[i].format}, IG_DUPLICATES_LAST);
        assert_int_equal(x.users.count, 2);
        assert_int_equal(x.items.count, 2);
        assert_int_equal(x.count, 3);
        assert_true(value_of(&x, "u", "b") == 1 && value_of(&x, "w", "b") == 1);
        assert_true(value_of(&x, "u", i < 2 ? "c,d" : "c.d") == 1 && isnan(value_of(&x, "w", i < 2 ? "c,d" : "c.d")));
        ig_interactions_fini(&x);
    }
}

static void columns_are_named(void **state) {
    (void)state;
    ig_error err = {0};
    ig_interactions_opts o = {.user = "guest", .item = "dish", .value = "portions"};
    ig_interactions x = read_one("c.csv", "guest,dish,portions\nana,tea,2\n", o, IG_DUPLICATES_LAST), y = {0};
    assert_true(value_of(&x, "ana", "tea") == 2);
    check_fails(ig_interactions_read(&y, file("c.csv", "user,item\na,b\n"), &o, &err), IG_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "guest"));
    assert_non_null(strstr(err.message, "user, item"));
    ig_interactions_fini(&x), ig_interactions_fini(&y);
}

static void pairs_that_come_again(void **state) {
    (void)state;
    static const char text[] = "u b 2 9\nu b 5 3\nw b 1 1\nu b 4 9\n";
    ig_interactions_opts o = {.format = IG_INTERACTIONS_ROWS};
    ig_interactions last = read_one("d", text, o, IG_DUPLICATES_LAST), sum = read_one("d", text, o, IG_DUPLICATES_SUM);
    assert_int_equal(last.count, 2);
    assert_int_equal(last.repeated, 2);
    assert_true(value_of(&last, "u", "b") == 4); /* the latest time, and of two the one that stands behind */
    assert_true(value_of(&sum, "u", "b") == 11);
    ig_interactions_fini(&last), ig_interactions_fini(&sum);
}

static void the_other_way_round(void **state) {
    (void)state;
    ig_error err;
    ig_interactions x = read_one("e", "a x 1\nb x 2\nb y 3\nc\nd y 4\n", (ig_interactions_opts){.format = IG_INTERACTIONS_LINES}, IG_DUPLICATES_LAST);
    int64_t *offset;
    int32_t *user;
    float *value;
    check_ok(ig_interactions_by_item(&x, &offset, &user, &value, &err));
    for (size_t i = 0; i < x.items.count; i++)
        for (int64_t k = offset[i]; k < offset[i + 1]; k++) {
            assert_true(value_of(&x, ig_id_table_at(&x.users, (size_t)user[k]), ig_id_table_at(&x.items, i)) == value[k]);
            assert_true(k == offset[i] || user[k] > user[k - 1]);
        }
    assert_int_equal(offset[x.items.count], x.count);
    assert_int_equal(x.users.count, 4); /* c has nothing, and is known */
    ig_free(offset), ig_free(user), ig_free(value);
    ig_interactions_fini(&x);
}

typedef struct problems {
    int count, line[16];
} problems;

static void note(void *arg, const ig_error *problem) {
    problems *p = arg;
    if (p->count < 16) p->line[p->count] = problem->line;
    p->count++;
}

static void bad_rows_are_named_and_left_out(void **state) {
    (void)state;
    static const char rows[] = "u b 1\nu\nu c x\nu d 1 2 3\nu e nan\n\x01 f 1\nw b 2\n";
    static const char table[] = "user,item,value\nu,b,1\n,c,1\nu,,2\nu,d,\nu,e,1e99\nw,b,2\n";
    ig_error err = {0};
    for (int t = 0; t < 2; t++) {
        problems p = {0};
        ig_interactions_opts o = {.format = t ? IG_INTERACTIONS_TABLE : IG_INTERACTIONS_ROWS, .problem = note, .problem_arg = &p};
        ig_interactions x = read_one(t ? "f.csv" : "f", t ? table : rows, o, IG_DUPLICATES_LAST), y = {0};
        assert_int_equal(x.count, 2);
        assert_int_equal(p.count, t ? 4 : 5);
        for (int i = 0; i < p.count; i++) assert_int_equal(p.line[i], (t ? 3 : 2) + i);
        o.problem = NULL;
        check_fails(ig_interactions_read(&y, file(t ? "f.csv" : "f", t ? table : rows), &o, &err), IG_E_FORMAT);
        assert_int_equal(err.line, t ? 3 : 2);
        assert_non_null(strstr(err.file, root));
        ig_interactions_fini(&x), ig_interactions_fini(&y);
    }
}

static void the_digest_sees_every_change(void **state) {
    (void)state;
    static const char *const texts[] = {"a b 1\n", "a b 2\n", "a c 1\n", "b b 1\n", "a b 1\na c 1\n"};
    char digest[5][65], again[65];
    for (int i = 0; i < 5; i++) {
        ig_interactions x = read_one("g", texts[i], (ig_interactions_opts){.format = IG_INTERACTIONS_ROWS}, IG_DUPLICATES_LAST);
        ig_interactions_digest(&x, digest[i]);
        ig_interactions_digest(&x, again);
        assert_string_equal(digest[i], again);
        for (int k = 0; k < i; k++) assert_string_not_equal(digest[i], digest[k]);
        ig_interactions_fini(&x);
    }
}

static void failed_allocations_are_reported(void **state) {
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s", file("h", "a x 1\nb y 2\nb x 3\n"));
    for (uint64_t n = 1;; n++) {
        ig_error err = {0};
        ig_interactions x = {0};
        ig_alloc_fail_at(n);
        ig_status s = ig_interactions_read(&x, path, &(ig_interactions_opts){.format = IG_INTERACTIONS_ROWS}, &err);
        if (s == IG_OK) s = ig_interactions_finish(&x, IG_DUPLICATES_LAST, &err);
        ig_alloc_fail_at(0);
        ig_interactions_fini(&x);
        if (s == IG_OK) break;
        assert_int_equal(s, IG_E_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_forms_say_the_same), cmocka_unit_test(columns_are_named), cmocka_unit_test(pairs_that_come_again),
        cmocka_unit_test(the_other_way_round), cmocka_unit_test(bad_rows_are_named_and_left_out),
        cmocka_unit_test(the_digest_sees_every_change), cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
