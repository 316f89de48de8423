/* The check of tables: each finding is found, with its lines, and not where nothing is wrong; real tables with known flaws. */
#include "../text/data.h"

#include <math.h>

#include "ingot/tabular.h"

typedef struct checked {
    ig_frame f;
    ig_table_check c;
} checked;

static checked check(const char *text, const ig_table_check_opts *o) {
    checked x;
    ig_error err = {0};
    check_ok(ig_frame_parse("a.csv", text, strlen(text), NULL, &x.f, &err));
    check_ok(ig_table_check_run(&x.f, o, &x.c, &err));
    return x;
}

static void end(checked *x) {
    ig_table_check_fini(&x->c);
    ig_frame_fini(&x->f);
}

static const ig_finding *find(const checked *x, ig_finding_kind kind, const char *column) {
    for (size_t i = 0; i < x->c.findings; i++) {
        const ig_finding *f = &x->c.finding[i];
        if (f->kind == kind && (column ? f->column >= 0 && strcmp(x->f.column[f->column].name, column) == 0 : f->column < 0)) return f;
    }
    return NULL;
}

/* 200 rows: an id, a normal number with two wild values, a category with two spellings, a copy of the label, the label. */
static char *sample(bool clean) {
    ig_buf b = {.max = 1 << 20};
    ig_rng rng;
    ig_rng_init(&rng, 3, 0);
    ig_buf_puts(&b, "user_id,height,city,k,outcome,group\n");
    for (int i = 0; i < 200; i++) {
        double height = 170 + 8 * ig_rng_normal(&rng);
        bool won = ig_rng_below(&rng, 100) < 30;
        const char *city = (const char *[]){"Rome", "Oslo", "Lima"}[ig_rng_below(&rng, 3)];
        if (!clean && (i == 17 || i == 90)) height = 17000;
        if (!clean && i == 55) city = "rome";
        ig_buf_printf(&b, "%d,", 1000 + i);
        if (clean || i % 20) ig_buf_printf(&b, "%.1f,", height);
        else ig_buf_puts(&b, i ? "NA," : "tall,");
        ig_buf_printf(&b, "%s,%s,%s,%d\n", city, clean ? city : "x", won ? "won" : "lost", clean ? i % 3 : won);
    }
    if (!clean) ig_buf_puts(&b, "1199,171.0,Oslo,x,won,1\n1199,171.0,Oslo,x,won,1\n1199,171.0,Oslo,x,lost,0\n");
    return b.data;
}

static void what_is_wrong_is_found(void **state) {
    char *text = sample(false);
    (void)state;
    checked x = check(text, NULL);
    assert_int_equal(x.c.label, 4);
    assert_true(x.c.label_guessed);
    const ig_finding *f = find(&x, IG_FINDING_OUTLIERS, "height");
    assert_non_null(f);
    assert_true(f->count == 2 && f->line[0] == 19 && f->line[1] == 92 && f->value > 1000);
    f = find(&x, IG_FINDING_BAD_VALUE, "height");
    assert_true(f && f->count == 1 && f->line[0] == 2);
    assert_string_equal(f->detail, "tall");
    f = find(&x, IG_FINDING_MISSING, "height");
    assert_true(f && f->count == 9 && f->lines == 5 && f->line[0] == 22);
    f = find(&x, IG_FINDING_SPELLING, "city");
    assert_true(f && f->line[0] == 57);
    assert_non_null(find(&x, IG_FINDING_CONSTANT, "k"));
    f = find(&x, IG_FINDING_DUPLICATES, NULL);
    assert_true(f && f->count == 1 && f->line[0] == 203);
    f = find(&x, IG_FINDING_LEAK, "group");
    assert_true(f && f->value > 0.99);
    assert_null(find(&x, IG_FINDING_LEAK, "height"));
    assert_true(ig_finding_is_serious(x.c.finding[0].kind) && x.c.serious == 2);
    end(&x);
    ig_free(text);
}

static void nothing_is_found_where_nothing_is_wrong(void **state) {
    char *text = sample(true);
    (void)state;
    checked x = check(text, NULL);
    for (size_t i = 0; i < x.c.findings; i++)
        if (x.c.finding[i].kind != IG_FINDING_ID) fail_msg("%s: %s", ig_finding_name(x.c.finding[i].kind), x.c.finding[i].detail);
    assert_int_equal(x.c.finding[0].column, 0);
    for (int i = 0; i < 4; i++) assert_true(x.c.predicts[i] < 0.3);
    end(&x);
    ig_free(text);
}

static void contradictions_balance_and_header(void **state) {
    (void)state;
    checked x = check("a,b,label\n1,x,yes\n1,x,no\n2,y,yes\n2,z,\n", NULL);
    const ig_finding *f = find(&x, IG_FINDING_CONTRADICTION, "label");
    assert_true(f && f->count == 1 && f->line[0] == 3);
    f = find(&x, IG_FINDING_LABEL_MISSING, "label");
    assert_true(f && f->line[0] == 5);
    end(&x);
    x = check("39,State,77516\n50,Self,83311\n38,Private,215646\n", &(ig_table_check_opts){.label = ""});
    assert_non_null(find(&x, IG_FINDING_NO_HEADER, NULL));
    end(&x);
    ig_buf b = {.max = 10000};
    ig_buf_puts(&b, "a,y\n");
    for (int i = 0; i < 100; i++) ig_buf_printf(&b, "%d,%s\n", i % 7, i == 40 ? "rare" : "often");
    x = check(b.data, NULL);
    f = find(&x, IG_FINDING_IMBALANCE, "y");
    assert_true(f && f->count == 1 && f->line[0] == 42 && fabs(f->value - 0.01) < 1e-12);
    end(&x);
    ig_buf_fini(&b);
}

/* A label that is a number: y = 2x + 1 leaks through x, not through z. */
static void leaks_of_numbers(void **state) {
    ig_buf b = {.max = 100000};
    (void)state;
    ig_buf_puts(&b, "x,z,y\n");
    for (int i = 0; i < 500; i++) ig_buf_printf(&b, "%d.5,%d,%d\n", i * 7 % 500, i * 13 % 37, i * 7 % 500 * 2 + 1);
    checked x = check(b.data, &(ig_table_check_opts){.label = "y"});
    assert_non_null(find(&x, IG_FINDING_LEAK, "x"));
    assert_null(find(&x, IG_FINDING_LEAK, "z"));
    end(&x);
    ig_buf_fini(&b);
}

static void drift_and_the_test_table(void **state) {
    ig_buf now = {.max = 100000}, before = {.max = 100000};
    ig_error err = {0};
    ig_rng rng;
    (void)state;
    ig_rng_init(&rng, 8, 0);
    ig_buf_puts(&now, "x,same,c,y\n"), ig_buf_puts(&before, "x,same,c,y,gone\n");
    for (int i = 0; i < 2000; i++) {
        ig_buf_printf(&before, "%.3f,%.3f,%s,%d,1\n", ig_rng_normal(&rng), ig_rng_normal(&rng), i % 10 < 5 ? "a" : "b", i % 2);
        ig_buf_printf(&now, "%.3f,%.3f,%s,%d\n", 1 + ig_rng_normal(&rng), ig_rng_normal(&rng), i % 10 < 8 ? "a" : "b", i % 2);
    }
    ig_frame old;
    check_ok(ig_frame_parse("old.csv", before.data, before.len, NULL, &old, &err));
    checked x = check(now.data, &(ig_table_check_opts){.before = &old});
    assert_non_null(find(&x, IG_FINDING_DRIFT, "x"));
    assert_non_null(find(&x, IG_FINDING_DRIFT, "c"));
    assert_null(find(&x, IG_FINDING_DRIFT, "same"));
    assert_null(find(&x, IG_FINDING_DRIFT, "y"));
    const ig_finding *f = find(&x, IG_FINDING_COLUMN_GONE, NULL);
    assert_true(f && strcmp(f->detail, "gone") == 0);
    /* shares 0.5 0.5 → 0.8 0.2: 0.3 ln 1.6 - 0.3 ln 0.4; two normal distributions at distance 1: D = 2Φ(0.5) - 1 = 0.383 */
    assert_true(fabs(x.c.drift[2].psi - 0.3 * log(4)) < 1e-12);
    assert_true(fabs(x.c.drift[0].statistic - 0.383) < 0.05 && x.c.drift[0].p < 1e-6 && x.c.drift[1].p > 0.001);
    assert_true(fabs(x.c.drift[0].mean_now - x.c.drift[0].mean_before - 1) < 0.1);
    end(&x);
    ig_frame_fini(&old);
    const char *test = "a,b,y\n1,p,yes.\n2,q,no.\n7,q,no.\n";
    check_ok(ig_frame_parse("test.csv", test, strlen(test), NULL, &old, &err));
    x = check("a,b,y\n1,p,yes\n2,q,no\n3,r,no\n", &(ig_table_check_opts){.test = &old, .label = "y"});
    f = find(&x, IG_FINDING_IN_TEST, NULL);
    assert_true(f && f->count == 2 && f->line[0] == 2 && f->line[1] == 3);
    f = find(&x, IG_FINDING_LABEL_SPELLING, "y");
    assert_true(f && f->count == 3 && f->line[0] == 2);
    end(&x);
    ig_frame_fini(&old);
    ig_buf_fini(&now), ig_buf_fini(&before);
}

static void histograms_count_all_rows(void **state) {
    char *text = sample(true);
    ig_error err = {0};
    ig_histogram h;
    (void)state;
    checked x = check(text, NULL);
    for (size_t i = 1; i < x.f.columns; i++) {
        size_t sum = 0;
        check_ok(ig_frame_histogram(&x.f, i, &x.c.profile[i], i == 2 ? 2 : 12, &h, &err));
        for (size_t b = 0; b < h.bins; b++) sum += h.count[b];
        assert_int_equal(sum, 200);
    }
    check_fails(ig_frame_histogram(&x.f, 1, &x.c.profile[1], 99, &h, &err), IG_E_ARG);
    end(&x);
    ig_free(text);
}

static void failed_allocations_are_reported(void **state) {
    static const char text[] = "n,c,y,y2\n1.5,a,0,3\n2,A,1,4\n2,b,1,5\n9999,b,,6\n2,b,1,5\n";
    (void)state;
    for (uint64_t n = 1;; n++) {
        ig_frame f;
        ig_table_check c;
        ig_alloc_fail_at(n);
        ig_status s = ig_frame_parse("a.csv", text, sizeof text - 1, NULL, &f, NULL);
        if (s == IG_OK) {
            s = ig_table_check_run(&f, &(ig_table_check_opts){.label = "y", .test = &f, .before = &f}, &c, NULL);
            ig_alloc_fail_at(0);
            if (s == IG_OK) ig_table_check_fini(&c);
            ig_frame_fini(&f);
        }
        ig_alloc_fail_at(0);
        if (s == IG_OK) break;
        assert_int_equal(s, IG_E_NOMEM);
    }
}

/* Adult: 2,399 and 1,221 rows hold a "?"; labels of the test part end in a full stop; 24 rows repeat an earlier one. */
static void adult_has_the_flaws_that_it_is_known_for(void **state) {
    char folder[768], path[1024];
    ig_frame train, test;
    ig_table_check c;
    ig_error err = {0};
    (void)state;
    if (!data_folder("adult", folder, sizeof folder)) return;
    ig_frame_opts o = {.table.headless = true};
    snprintf(path, sizeof path, "%s/adult-train.csv", folder);
    check_ok(ig_frame_load(path, &o, &train, &err));
    snprintf(path, sizeof path, "%s/adult-test.csv", folder);
    check_ok(ig_frame_load(path, &o, &test, &err));
    assert_true(train.rows == 32561 && test.rows == 16281 && train.columns == 15);
    double start = ig_clock();
    check_ok(ig_table_check_run(&train, &(ig_table_check_opts){.test = &test, .before = &test}, &c, &err));
    printf("checked in %.2f s\n", ig_clock() - start);
    size_t missing = 0, spelling = 0;
    for (size_t r = 0; r < train.rows; r++) {
        bool any = false;
        for (size_t i = 0; i < train.columns; i++) any |= train.column[i].missing[train.column[i].code[r]];
        missing += any;
    }
    assert_int_equal(missing, 2399);
    assert_int_equal(c.label, 14);
    assert_int_equal(c.duplicates, 24);
    for (size_t i = 0; i < c.findings; i++) {
        if (c.finding[i].kind == IG_FINDING_LABEL_SPELLING) spelling = c.finding[i].count;
        assert_true(c.finding[i].kind != IG_FINDING_LEAK);
    }
    assert_int_equal(spelling, 16281);
    assert_true(c.profile[0].type == IG_COLUMN_INTEGER && c.profile[1].type == IG_COLUMN_CATEGORY && c.profile[2].type == IG_COLUMN_INTEGER);
    ig_table_check_fini(&c);
    ig_frame_fini(&train), ig_frame_fini(&test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_found), cmocka_unit_test(nothing_is_found_where_nothing_is_wrong),
        cmocka_unit_test(contradictions_balance_and_header), cmocka_unit_test(leaks_of_numbers),
        cmocka_unit_test(drift_and_the_test_table), cmocka_unit_test(histograms_count_all_rows),
        cmocka_unit_test(failed_allocations_are_reported), cmocka_unit_test(adult_has_the_flaws_that_it_is_known_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
