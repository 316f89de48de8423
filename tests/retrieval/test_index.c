/* tests/retrieval/test_index.c: an index against BM25F written out plainly, damaged files, failing allocations. */
#include "../check.h"

#include <math.h>
#include <unistd.h>

#include "ingot/index.h"

enum { DOCS = 3000, WORDS = 200, LEN = 40, FIELDS = 2, TERMS = 5 };

static int counts[DOCS][FIELDS][WORDS], lengths[DOCS][FIELDS];
static char names[WORDS][8];
static char path[64];

static uint32_t word(ig_rng *r) { /* few words are frequent */
    double u = ig_rng_uniform(r);
    return (uint32_t)(u * u * u * WORDS);
}

static ig_status build(size_t docs, size_t memory, ig_error *err) {
    ig_index_builder *b = NULL;
    ig_index_opts o = {.fields = FIELDS, .weight = {1, 2.5}, .b = {0.75, 0.4}, .k1 = 1.5, .memory_max = memory};
    ig_status s = ig_index_builder_new(path, &o, &b, err);
    memset(counts, 0, sizeof counts);
    memset(lengths, 0, sizeof lengths);
    for (size_t d = 0; d < docs && s == IG_OK; d++) {
        ig_rng r;
        ig_index_term t[LEN];
        ig_rng_init(&r, 7, d);
        size_t n = ig_rng_below(&r, LEN);
        for (size_t i = 0; i < n; i++) {
            uint32_t w = word(&r), f = ig_rng_below(&r, 4) == 0;
            t[i] = (ig_index_term){names[w], (uint32_t)strlen(names[w]), f};
            counts[d][f][w]++;
            lengths[d][f]++;
        }
        s = ig_index_builder_add(b, t, n, err);
    }
    if (s == IG_OK) s = ig_index_builder_finish(b, err);
    ig_index_builder_free(b);
    return s;
}

static double plain_score(size_t d, const uint32_t *q, const ig_index_query *terms) {
    const double weight[] = {1, 2.5}, b[] = {0.75, 0.4}, k1 = 1.5;
    double score = 0, average[FIELDS] = {0};
    for (int f = 0; f < FIELDS; f++) {
        for (size_t i = 0; i < DOCS; i++) average[f] += lengths[i][f];
        average[f] /= DOCS;
    }
    for (size_t k = 0; k < TERMS; k++) {
        double tf = 0, df = 0;
        for (size_t i = 0; i < DOCS; i++) df += counts[i][0][q[k]] || counts[i][1][q[k]];
        for (int f = 0; f < FIELDS; f++) tf += weight[f] * counts[d][f][q[k]] / (1 - b[f] + b[f] * lengths[d][f] / average[f]);
        score += terms[k].weight * log(1 + (DOCS - df + 0.5) / (df + 0.5)) * tf * (k1 + 1) / (tf + k1);
    }
    return score;
}

static bool keep_even(void *arg, uint32_t d) {
    (void)arg;
    return d % 2 == 0;
}

static int by_score(const void *a, const void *b) {
    const ig_index_hit *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1) : x->document < y->document ? -1 : x->document > y->document;
}

/* Scores of all documents, best first; those without any term left out. */
static size_t exhaustive(const ig_index *x, const ig_index_query *terms, bool even, ig_index_hit *all) {
    static uint32_t docs[DOCS];
    static double scores[DOCS];
    ig_error err;
    size_t n = 0;
    for (uint32_t i = 0; i < DOCS; i++) docs[i] = DOCS - 1 - i;
    check_ok(ig_index_score(x, terms, TERMS, docs, DOCS, scores, &err));
    for (size_t i = 0; i < DOCS; i++)
        if (scores[i] > 0 && (!even || docs[i] % 2 == 0)) all[n++] = (ig_index_hit){docs[i], scores[i]};
    qsort(all, n, sizeof *all, by_score);
    return n;
}

static void make_query(uint64_t i, uint32_t *q, ig_index_query *terms) {
    ig_rng r;
    ig_rng_init(&r, 8, i);
    for (int k = 0; k < TERMS; k++) {
        q[k] = k ? word(&r) : (uint32_t)ig_rng_below(&r, WORDS);
        terms[k] = (ig_index_query){names[q[k]], (uint32_t)strlen(names[q[k]]), 0.5 + ig_rng_uniform(&r)};
    }
}

static void searches_find_what_scoring_all_finds(void **state) {
    (void)state;
    static ig_index_hit all[DOCS], hits[DOCS];
    ig_error err;
    ig_index *x;
    check_ok(build(DOCS, 100000, &err));
    check_ok(ig_index_open(path, &x, &err));
    assert_int_equal(ig_index_documents(x), DOCS);
    for (uint64_t i = 0; i < 300; i++) {
        uint32_t q[TERMS];
        ig_index_query terms[TERMS];
        bool even = i % 3 == 0;
        size_t k = i % 5 == 0 ? DOCS : 1 + i % 20, n;
        make_query(i, q, terms);
        size_t total = exhaustive(x, terms, even, all);
        check_ok(ig_index_search(x, terms, TERMS, even ? keep_even : NULL, NULL, k, hits, &n, &err));
        assert_int_equal(n, total < k ? total : k);
        for (size_t h = 0; h < n; h++)
            if (hits[h].document != all[h].document || hits[h].score != all[h].score) fail_msg("query %d, hit %zu", (int)i, h);
        if (n && i % 10 == 0) assert_true(fabs(hits[0].score - plain_score(hits[0].document, q, terms)) < 1e-5 * hits[0].score);
        if (n && i % 10 == 0) assert_true(fabs(all[total - 1].score - plain_score(all[total - 1].document, q, terms)) < 1e-5);
    }
    double idf;
    assert_int_equal(ig_index_df(x, "absent", 6, &idf), 0);
    assert_true(ig_index_df(x, names[0], strlen(names[0]), &idf) > 0 && idf > 0);
    ig_index_close(x);
}

static void read_file(ig_buf *out) {
    ig_error err;
    ig_buf_clear(out);
    check_ok(ig_file_read(path, 64 << 20, out, &err));
}

static void runs_do_not_show_in_the_file(void **state) {
    (void)state;
    ig_error err;
    ig_buf one = {.max = 64 << 20}, many = {.max = 64 << 20};
    check_ok(build(DOCS, 0, &err));
    read_file(&one);
    check_ok(build(DOCS, 4096, &err));
    read_file(&many);
    assert_int_equal(one.len, many.len);
    assert_memory_equal(one.data, many.data, one.len);
    ig_buf_fini(&one);
    ig_buf_fini(&many);
}

static void damaged_files_are_refused(void **state) {
    (void)state;
    ig_error err;
    ig_index *x;
    ig_buf file = {.max = 64 << 20};
    check_ok(build(20, 0, &err));
    read_file(&file);
    for (size_t i = 0; i < file.len; i += 1 + file.len / 500) {
        file.data[i] ^= 0x10;
        check_ok(ig_file_write(path, file.data, file.len, &err));
        check_fails(ig_index_open(path, &x, &err), IG_E_FORMAT);
        file.data[i] ^= 0x10;
        check_ok(ig_file_write(path, file.data, i, &err));
        check_fails(ig_index_open(path, &x, &err), IG_E_FORMAT);
    }
    ig_buf_fini(&file);
}

static void an_index_of_nothing_finds_nothing(void **state) {
    (void)state;
    ig_error err;
    ig_index *x;
    ig_index_hit hit;
    size_t n;
    check_ok(build(0, 0, &err));
    check_ok(ig_index_open(path, &x, &err));
    check_ok(ig_index_search(x, &(ig_index_query){"a", 1, 1}, 1, NULL, NULL, 1, &hit, &n, &err));
    assert_int_equal(n, 0);
    check_fails(ig_index_search(x, &(ig_index_query){"a", 1, -1}, 1, NULL, NULL, 1, &hit, &n, &err), IG_E_ARG);
    ig_index_close(x);
}

static ig_status all_calls(ig_error *err) {
    ig_index *x = NULL;
    ig_index_hit hit;
    size_t n;
    IG_TRY(build(30, 1000, err));
    IG_TRY(ig_index_open(path, &x, err));
    ig_status s = ig_index_search(x, &(ig_index_query){names[0], (uint32_t)strlen(names[0]), 1}, 1, NULL, NULL, 1, &hit, &n, err);
    ig_index_close(x);
    return s;
}

static void failed_allocations_are_reported(void **state) {
    (void)state;
    ig_status s = IG_E_NOMEM;
    for (uint64_t n = 1; s != IG_OK; n++) {
        ig_error err;
        ig_alloc_fail_at(n);
        s = all_calls(&err);
        ig_alloc_fail_at(0);
        assert_true(s == IG_OK || s == IG_E_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches_find_what_scoring_all_finds), cmocka_unit_test(runs_do_not_show_in_the_file),
        cmocka_unit_test(damaged_files_are_refused), cmocka_unit_test(an_index_of_nothing_finds_nothing),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    for (int w = 0; w < WORDS; w++) snprintf(names[w], sizeof names[w], "w%d", w);
    snprintf(path, sizeof path, "test-index-%d", (int)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
