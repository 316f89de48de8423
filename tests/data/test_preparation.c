/* Preparations: types are found, cells become the numbers that were promised, and the same ones from a table, a row and JSON. */
#include "../text/data.h"

#include <math.h>

#include "ingot/tabular.h"

static const char table[] =
    "id,age,job,when,paid,note,one,y\n"
    "1,20,clerk,2026-01-05,yes,the first of all the notes here,k,good\n"
    "2,30,clerk,2026-02-03,no,another note of some more words,k,bad\n"
    "3,?,miner,2026-03-01,yes,this note is longer than others,k,good\n"
    "4,50,,2026-12-31,no,words and words and even words,k,good\n"
    "5,\"1,000\",smith,2026-06-15,yes,nothing is said in this note,k,bad\n";

static ig_frame parse(const char *text) {
    ig_frame f;
    ig_error err = {0};
    check_ok(ig_frame_parse("a.csv", text, strlen(text), NULL, &f, &err));
    return f;
}

static ig_column_type type_of(const char *text) {
    ig_frame f = parse(text);
    ig_column_profile p;
    ig_error err = {0};
    check_ok(ig_profile(&f, 0, IG_COLUMN_TYPES, &p, &err));
    ig_frame_fini(&f);
    return p.type;
}

static void a_frame_codes_its_values(void **state) {
    (void)state;
    ig_frame f = parse(table);
    assert_int_equal(f.rows, 5);
    assert_int_equal(f.columns, 8);
    const ig_frame_column *job = &f.column[ig_frame_find(&f, "job")];
    assert_int_equal(job->distinct, 4);
    assert_string_equal(job->value[job->code[1]], "clerk");
    assert_int_equal(job->count[job->code[0]], 2);
    assert_int_equal(job->missing_rows, 1);
    assert_int_equal(f.line[4], 6);
    ig_frame_fini(&f);
}

static void types_are_found(void **state) {
    static const struct { const char *text; ig_column_type type; } cases[] = {
        {"a,b\n1,\n2,\n3,\n", IG_COLUMN_INTEGER}, {"a,b\n1.5,\n-2e3,\n\"1,234.5\",\n", IG_COLUMN_NUMBER}, {"a,b\nx,\nx,\nNA,\n", IG_COLUMN_CONSTANT},
        {"a,b\n0,\n1,\n1,\n", IG_COLUMN_BOOLEAN}, {"a,b\n是,\n否,\n", IG_COLUMN_BOOLEAN}, {"a,b\n2026-02-28,\n2026/3/1,\n", IG_COLUMN_DATE},
        {"a,b\n2026年2月28日,\n2026年3月1日,\n", IG_COLUMN_DATE}, {"a,b\n2026-02-30,\n2026-02-31,\n", IG_COLUMN_CATEGORY},
        {"a,b\n28.02.2026,\n01.03.2026,\n", IG_COLUMN_DATE}, {"a,b\nred,\nblue,\nred,\n", IG_COLUMN_CATEGORY},
        {"a,b\nthis is a note about something,\nand this is another one,\n", IG_COLUMN_TEXT},
        {"a,b\n快递三天还没有到怎么办,\n我想退货可是找不到入口,\n", IG_COLUMN_TEXT}, {"a,b\n007,\n12,\nx1,\n", IG_COLUMN_CATEGORY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (type_of(cases[i].text) != cases[i].type) fail_msg("case %zu: %s", i, ig_column_type_name(type_of(cases[i].text)));
    ig_buf b = {.max = 10000};
    ig_buf_puts(&b, "id,b\n");
    for (int i = 0; i < 30; i++) ig_buf_printf(&b, "%d,\n", i * 17 % 31);
    assert_int_equal(type_of(b.data), IG_COLUMN_ID);
    memcpy(b.data, "x ", 2);
    assert_int_equal(type_of(b.data), IG_COLUMN_INTEGER);
    ig_buf_fini(&b);
}

static ig_preparation *fit(const ig_frame *f, const ig_preparation_opts *o) {
    ig_preparation *p;
    ig_error err = {0};
    check_ok(ig_preparation_fit(f, o, &p, &err));
    return p;
}

static const ig_column_choice choices[] = {{"id", IG_COLUMN_ID, 0}, {"age", IG_COLUMN_TYPES, IG_SCALING_STANDARD}};
static const ig_preparation_opts options = {.label = "y", .choice = choices, .choices = 2, .impute = IG_IMPUTE_MEAN};

/* age: 20 30 50 1000, mean 275, deviation 483.5; days since 1970-01-01: 2026-01-05 is 20458, a Monday. */
static void cells_become_numbers(void **state) {
    ig_error err = {0};
    ig_prepared x;
    char name[80];
    (void)state;
    ig_frame f = parse(table);
    ig_preparation *p = fit(&f, &options);
    assert_int_equal(ig_preparation_numbers(p), 4); /* age, age missing, when, paid */
    assert_int_equal(ig_preparation_indices(p), 3); /* job, month, weekday */
    assert_int_equal(ig_preparation_texts(p), 1);
    assert_string_equal(ig_preparation_number_name(p, 1, name, sizeof name), "age missing");
    assert_string_equal(ig_preparation_number_name(p, 3, name, sizeof name), "paid");
    assert_string_equal(ig_preparation_index_name(p, 2, name, sizeof name), "when weekday");
    assert_int_equal(ig_preparation_vocabulary(p, 0), 5);
    assert_int_equal(ig_preparation_vocabulary(p, 2), 9);
    check_ok(ig_preparation_apply(p, &f, &x, &err));
    double sd = sqrt((255. * 255 + 245. * 245 + 225. * 225 + 725. * 725) / 3);
    assert_true(fabs(x.numbers[0] - (20 - 275) / sd) < 1e-6 && x.numbers[1] == 0 && x.numbers[3] == 1);
    assert_true(x.numbers[2 * 4] == 0 && x.numbers[2 * 4 + 1] == 1); /* the mean is 0 */
    const int32_t jobs[] = {2, 2, 3, 1, 4};
    for (int r = 0; r < 5; r++) assert_int_equal(x.indices[3 * r], jobs[r]);
    assert_true(x.indices[1] == 2 && x.indices[2] == 2 && x.indices[3 * 3 + 1] == 13 && x.indices[3 * 3 + 2] == 5);
    assert_string_equal(x.texts[1], "another note of some more words");
    assert_true(x.label[0] == 1 && x.label[1] == 0 && ig_preparation_classes(p) == 2);
    ig_prepared_fini(&x);
    ig_preparation_free(p);
    ig_frame_fini(&f);
}

typedef struct comparing {
    const ig_preparation *p;
    const ig_table *t;
    const ig_prepared *x;
    size_t row;
} comparing;

static ig_status compare_row(void *arg, const ig_table_row *row, ig_error *err) {
    comparing *c = arg;
    float numbers[8];
    int32_t indices[8];
    const char *texts[2];
    double label;
    IG_TRY(ig_preparation_row(c->p, "a.csv", c->t, row, &(ig_prepared_row){numbers, indices, texts, &label}, err));
    size_t d = ig_preparation_numbers(c->p), f = ig_preparation_indices(c->p);
    assert_memory_equal(numbers, c->x->numbers + c->row * d, d * sizeof *numbers);
    assert_memory_equal(indices, c->x->indices + c->row * f, f * sizeof *indices);
    assert_true(label == c->x->label[c->row++]);
    return IG_OK;
}

static void saved_and_loaded_a_row_gives_the_same_bits(void **state) {
    static const char json[] = "{\"age\": 1000, \"job\": \"smith\", \"when\": \"2026-06-15\", \"paid\": true, \"note\": \"x\"}";
    ig_error err = {0};
    ig_prepared x;
    ig_preparation *loaded;
    ig_table *t;
    ig_doc *d;
    ig_buf text = {.max = 1 << 20};
    (void)state;
    ig_frame f = parse(table);
    for (int scaling = 0; scaling <= IG_SCALING_NONE; scaling++) {
        ig_preparation_opts o = options;
        o.scaling = (ig_scaling)scaling, o.choices = 1, o.buckets = 3;
        ig_preparation *p = fit(&f, &o);
        ig_buf_clear(&text);
        check_ok(ig_preparation_json(p, &text, &err));
        check_ok(ig_preparation_parse("preparation.json", text.data, text.len, &loaded, &err));
        check_ok(ig_preparation_apply(p, &f, &x, &err));
        check_ok(ig_table_parse("a.csv", table, sizeof table - 1, NULL, &t, &err));
        comparing c = {loaded, t, &x, 0};
        check_ok(ig_table_each(t, compare_row, &c, &err));
        assert_int_equal(c.row, 5);
        float numbers[8];
        int32_t indices[8];
        double label;
        check_ok(ig_json_parse("request", json, strlen(json), &d, &err));
        check_ok(ig_preparation_object(loaded, "request", ig_doc_root(d), &(ig_prepared_row){numbers, indices, NULL, &label}, &err));
        size_t n = ig_preparation_numbers(p), k = ig_preparation_indices(p);
        assert_memory_equal(numbers, x.numbers + 4 * n, n * sizeof *numbers);
        assert_memory_equal(indices, x.indices + 4 * k, k * sizeof *indices);
        assert_true(isnan(label));
        ig_doc_free(d);
        ig_table_close(t);
        ig_prepared_fini(&x);
        ig_preparation_free(p), ig_preparation_free(loaded);
    }
    ig_buf_fini(&text);
    ig_frame_fini(&f);
}

static void rare_unknown_and_hashed_values_have_their_places(void **state) {
    const ig_column_choice job[] = {{"job", IG_COLUMN_CATEGORY, 0}};
    ig_error err = {0};
    ig_prepared x;
    (void)state;
    ig_frame f = parse("job,n\na,1.5\na,2\nb,3\nc,4\nc,5\n"), g = parse("job,n\nz,1\nb,2\n,3\n");
    ig_preparation_opts o = {.min_count = 2, .choice = job, .choices = 1};
    ig_preparation *p = fit(&f, &o);
    check_ok(ig_preparation_apply(p, &g, &x, &err));
    assert_true(ig_preparation_vocabulary(p, 0) == 4 && x.indices[0] == 0 && x.indices[1] == 0 && x.indices[2] == 1);
    ig_prepared_fini(&x);
    ig_preparation_free(p);
    o.hash_above = 2, o.hash_buckets = 10;
    p = fit(&f, &o);
    check_ok(ig_preparation_apply(p, &f, &x, &err));
    assert_true(ig_preparation_vocabulary(p, 0) == 12 && x.indices[0] == x.indices[1] && x.indices[0] >= 2);
    ig_prepared_fini(&x);
    ig_preparation_free(p);
    ig_frame_fini(&f), ig_frame_fini(&g);
}

static void errors_name_column_and_line(void **state) {
    ig_error err = {0};
    ig_prepared x;
    (void)state;
    ig_frame f = parse("n,y\n1.5,a\n2,b\n3,a\n");
    ig_preparation *p = fit(&f, &(ig_preparation_opts){.label = "y"});
    ig_frame bad = parse("n,y\n1,a\nlots,b\n"), stop = parse("n,y\n1,a.\n"), gone = parse("m,y\n1,a\n"), unlabelled = parse("n,y\n1,\n");
    check_fails(ig_preparation_apply(p, &bad, &x, &err), IG_E_FORMAT);
    assert_true(err.line == 3 && strstr(err.message, "\"n\"") && strstr(err.message, "lots"));
    check_fails(ig_preparation_apply(p, &stop, &x, &err), IG_E_FORMAT);
    assert_true(err.line == 2 && strstr(err.message, "full stop"));
    check_fails(ig_preparation_apply(p, &gone, &x, &err), IG_E_NOT_FOUND);
    check_fails(ig_preparation_apply(p, &unlabelled, &x, &err), IG_E_FORMAT);
    ig_preparation_free(p);
    check_fails(ig_preparation_fit(&f, &(ig_preparation_opts){.label = "z"}, &p, &err), IG_E_NOT_FOUND);
    p = fit(&f, &(ig_preparation_opts){.label = "y", .drop_stop = true, .bad_is_missing = true});
    check_ok(ig_preparation_apply(p, &stop, &x, &err));
    ig_prepared_fini(&x);
    check_ok(ig_preparation_apply(p, &bad, &x, &err));
    ig_prepared_fini(&x);
    ig_preparation_free(p);
    ig_frame_fini(&f), ig_frame_fini(&bad), ig_frame_fini(&stop), ig_frame_fini(&gone), ig_frame_fini(&unlabelled);
}

#define FIELDS(text) "{\"preparation\": 1, \"fields\": [" text "]}"
static void damaged_preparations_are_refused(void **state) {
    static const char *const cases[] = {
        "", "{}", "{\"preparation\": 2, \"fields\": []}", FIELDS(""), FIELDS("{\"name\": \"a\"}"),
        FIELDS("{\"name\": \"a\", \"type\": \"number\", \"as\": \"number\"}"),
        FIELDS("{\"name\": \"a\", \"type\": \"number\", \"as\": \"number\", \"sd\": 0}"),
        FIELDS("{\"name\": \"a\", \"type\": \"text\", \"as\": \"number\", \"sd\": 1}"),
        FIELDS("{\"name\": \"a\", \"type\": \"category\", \"as\": \"category\"}"),
        FIELDS("{\"name\": \"a\", \"type\": \"category\", \"as\": \"category\", \"values\": [\"b\", \"a\"]}"),
        FIELDS("{\"name\": \"a\", \"type\": \"category\", \"as\": \"hash\", \"buckets\": 0}"),
        FIELDS("{\"name\": \"a\", \"type\": \"number\", \"as\": \"buckets\", \"edges\": [2, 1]}"),
        FIELDS("{\"name\": \"a\", \"type\": \"number\", \"as\": \"date\", \"order\": \"ymd\", \"sd\": 1}"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_preparation *p;
        ig_error err = {0};
        if (ig_preparation_parse("p.json", cases[i], strlen(cases[i]), &p, &err) != IG_E_FORMAT) fail_msg("case %zu: %s", i, err.message);
        assert_null(p);
    }
}

static ig_status everything(ig_error *err) {
    ig_frame f;
    ig_preparation *p = NULL, *q = NULL;
    ig_prepared x = {0};
    ig_buf text = {.max = 1 << 20};
    IG_TRY(ig_frame_parse("a.csv", table, sizeof table - 1, NULL, &f, err));
    ig_preparation_opts o = options;
    const char *const missing[] = {"?"};
    o.missing = missing, o.missing_count = 1;
    ig_status s = ig_preparation_fit(&f, &o, &p, err);
    if (s == IG_OK) s = ig_preparation_json(p, &text, err);
    if (s == IG_OK) s = ig_preparation_parse("p.json", text.data, text.len, &q, err);
    if (s == IG_OK) s = ig_preparation_apply(q, &f, &x, err);
    ig_prepared_fini(&x);
    ig_preparation_free(p), ig_preparation_free(q);
    ig_buf_fini(&text);
    ig_frame_fini(&f);
    return s;
}

static void failed_allocations_are_reported(void **state) {
    (void)state;
    for (uint64_t n = 1;; n++) {
        ig_error err = {0};
        ig_alloc_fail_at(n);
        ig_status s = everything(&err);
        ig_alloc_fail_at(0);
        if (s == IG_OK) break;
        if (s != IG_E_NOMEM) fail_msg("allocation %d: %s", (int)n, err.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_codes_its_values), cmocka_unit_test(types_are_found), cmocka_unit_test(cells_become_numbers),
        cmocka_unit_test(saved_and_loaded_a_row_gives_the_same_bits),
        cmocka_unit_test(rare_unknown_and_hashed_values_have_their_places), cmocka_unit_test(errors_name_column_and_line),
        cmocka_unit_test(damaged_preparations_are_refused), cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
