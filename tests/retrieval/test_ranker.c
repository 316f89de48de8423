/* tests/retrieval/test_ranker.c: the ranker on a shop whose pages are Chinese only and whose customers also write English. */
#include <pthread.h>
#include <unistd.h>

#include "../check.h"
#include "ingot/ranker.h"

enum { TOPICS = 8, MATTERS = 4, PAGES = TOPICS * MATTERS, CASES_MAX = 2 * PAGES, HELD_OUT = 5 };

static const char *const topic[TOPICS][2] = {{"refund", "退款"}, {"invoice", "发票"}, {"delivery", "快递"}, {"coupon", "优惠券"},
                                            {"password", "密码"}, {"warranty", "保修"}, {"battery", "电池"}, {"keyboard", "键盘"}};
static const char *const matter[MATTERS][3] = {{"how long does the %s take", "%s要多久", "%s一般三个工作日完成。"},
                                              {"how can I cancel my %s", "怎么取消%s", "取消%s请点击订单页的按钮。"},
                                              {"where is the address for %s", "%s的地址在哪里", "%s的地址写在帮助中心首页。"},
                                              {"is there a fee on the %s", "%s收费吗", "%s不收任何手续费。"}};

typedef struct shop {
    char id[PAGES][16], page[PAGES][128], english[PAGES][128], chinese[PAGES][128];
    const char *form[PAGES];
    ig_rank_passage passage[PAGES];
    ig_rank_case cases[CASES_MAX];
    size_t count;
    char folder[64], second[64];
} shop;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void fill(shop *s, size_t i) {
    const char *const *t = topic[i / MATTERS], *const *m = matter[i % MATTERS];
    snprintf(s->id[i], sizeof s->id[i], "page-%zu", i);
    snprintf(s->english[i], sizeof s->english[i], m[0], t[0]);
    snprintf(s->chinese[i], sizeof s->chinese[i], m[1], t[1]);
    snprintf(s->page[i], sizeof s->page[i], m[2], t[1]);
}
#pragma GCC diagnostic pop

/* Every page has its Chinese question, and all but one the English one too. */
static int setup(void **state) {
    shop *s = calloc(1, sizeof *s);
    snprintf(s->folder, sizeof s->folder, "/tmp/test_ranker_%ld_a", (long)getpid());
    snprintf(s->second, sizeof s->second, "/tmp/test_ranker_%ld_b", (long)getpid());
    for (size_t i = 0; i < PAGES; i++) {
        fill(s, i);
        s->form[i] = s->chinese[i];
        s->passage[i] = (ig_rank_passage){.id = s->id[i], .text = s->page[i], .questions = &s->form[i], .question_count = 1};
        if (i != HELD_OUT) s->cases[s->count++] = (ig_rank_case){.question = s->english[i], .passage = (int64_t)i, .weight = 1};
    }
    *state = s;
    return 0;
}

static int teardown(void **state) {
    shop *s = *state;
    ig_dir_remove(s->folder, NULL);
    ig_dir_remove(s->second, NULL);
    free(s);
    return 0;
}

static ig_ranker *train(shop *s, const ig_ranker_opts *opts, const char *folder) {
    ig_error err;
    ig_ranker *r = NULL;
    check_ok(ig_ranker_train(s->passage, PAGES, s->cases, s->count, opts, folder, &err));
    check_ok(ig_ranker_open(folder, &r, &err));
    return r;
}

static size_t ask(ig_ranker *r, const char *text, const ig_rank_query *opts, ig_rank_result out[5]) {
    ig_error err;
    size_t n;
    check_ok(ig_ranker_query(r, text, strlen(text), 5, opts, out, &n, &err));
    return n;
}

static void known_questions_come_first(void **state) {
    shop *s = *state;
    ig_ranker *r = train(s, NULL, s->folder);
    ig_rank_result out[5];
    assert_int_equal(ig_ranker_passages(r), PAGES);
    for (size_t i = 0; i < PAGES; i++) {
        assert_true(ask(r, s->chinese[i], NULL, out) > 0);
        assert_int_equal(out[0].passage, i);
        assert_string_equal(ig_ranker_passage_id(r, out[0].passage), s->id[i]);
    }
    assert_null(ig_ranker_passage_id(r, PAGES));
    ig_ranker_close(r);
}

/* The question's words have been seen, in other questions; the page shares none of them. */
static void a_new_english_question_finds_its_chinese_page(void **state) {
    shop *s = *state;
    ig_ranker *r = train(s, NULL, s->folder);
    ig_rank_result out[5];
    size_t n = ask(r, s->english[HELD_OUT], NULL, out);
    bool found = false;
    for (size_t i = 0; i < n && i < 2; i++) found |= out[i].passage == HELD_OUT;
    assert_true(found);
    ig_ranker_close(r);
}

static void parts_add_up_and_probabilities_are_some(void **state) {
    shop *s = *state;
    ig_ranker *r = train(s, NULL, s->folder);
    ig_rank_result out[5];
    double all = 0;
    size_t n = ask(r, s->chinese[3], NULL, out);
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (int f = 0; f < IG_RANK_FEATURES; f++) sum += out[i].part[f];
        assert_true(sum - out[i].score < 1e-3f && out[i].score - sum < 1e-3f);
        assert_true(i == 0 || out[i].score <= out[i - 1].score);
        all += out[i].probability;
    }
    assert_true(all > 0 && all <= 1.0001);
    double known = out[0].probability;
    if (ask(r, "梅西昨天进了几个球", NULL, out)) assert_true(out[0].probability < known);
    assert_int_equal(ask(r, "", NULL, out), 0);
    ig_ranker_close(r);
}

static bool not_page_3(void *arg, uint32_t passage) {
    (void)arg;
    return passage != 3;
}

static void what_is_not_kept_is_not_found(void **state) {
    shop *s = *state;
    ig_ranker *r = train(s, NULL, s->folder);
    ig_rank_result out[5];
    size_t n = ask(r, s->chinese[3], &(ig_rank_query){.keep = not_page_3}, out);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) assert_int_not_equal(out[i].passage, 3);
    ig_ranker_close(r);
}

static void read_whole(const char *folder, const char *name, ig_buf *out) {
    char path[256];
    ig_error err;
    *out = (ig_buf){.max = 16 << 20};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    check_ok(ig_file_read(path, out->max, out, &err));
}

static bool same_file(const shop *s, const char *name) {
    ig_buf a, b;
    read_whole(s->folder, name, &a);
    read_whole(s->second, name, &b);
    bool same = a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
    ig_buf_fini(&a);
    ig_buf_fini(&b);
    return same;
}

static void the_same_seed_gives_the_same_bytes(void **state) {
    shop *s = *state;
    ig_ranker *a = train(s, NULL, s->folder), *b = train(s, NULL, s->second);
    ig_rank_result x[5], y[5];
    memset(x, 0, sizeof x);
    memset(y, 0, sizeof y);
    assert_true(same_file(s, "ranker.index") && same_file(s, "ranker.weights"));
    size_t n = ask(a, s->english[1], NULL, x);
    assert_int_equal(ask(b, s->english[1], NULL, y), n);
    assert_memory_equal(x, y, n * sizeof *x);
    ig_ranker_close(a);
    ig_ranker_close(b);
}

static void new_content_keeps_what_was_learned(void **state) {
    shop *s = *state;
    ig_ranker *a = train(s, NULL, s->folder);
    ig_rank_result out[5];
    s->passage[7].text = "屏幕坏了可以免费更换。";
    ig_ranker *b = train(s, &(ig_ranker_opts){.previous = s->folder}, s->second);
    assert_true(same_file(s, "ranker.weights"));
    assert_false(same_file(s, "ranker.index"));
    assert_true(ask(b, "屏幕坏了怎么更换", NULL, out) > 0);
    assert_int_equal(out[0].passage, 7);
    ig_ranker_close(a);
    ig_ranker_close(b);
}

/* What a classifier might say: sure of the right page, by the question's text. */
static ig_status oracle(void *arg, const char *question, size_t len, const uint32_t *passages, size_t n, float *out,
                        ig_error *err) {
    const shop *s = arg;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        const char *en = s->english[passages[i]], *zh = s->chinese[passages[i]];
        out[i] = (strlen(en) == len && !memcmp(en, question, len)) || (strlen(zh) == len && !memcmp(zh, question, len)) ?
            0 : -5;
    }
    return IG_OK;
}

static void extra_features_are_weighed_too(void **state) {
    shop *s = *state;
    ig_rank_extra extra = {oracle, s, 1};
    ig_ranker *r = train(s, &(ig_ranker_opts){.extra = extra}, s->folder);
    ig_rank_result out[5];
    ig_error err;
    size_t n;
    assert_true(ask(r, s->english[HELD_OUT], &(ig_rank_query){.extra = extra}, out) > 0);
    assert_int_equal(out[0].passage, HELD_OUT);
    assert_true(out[1].part[IG_RANK_EXTRA] < 0);
    check_fails(ig_ranker_query(r, "x", 1, 5, NULL, out, &n, &err), IG_E_ARG);
    ig_ranker_close(r);
}

static void without_cases_the_words_still_find(void **state) {
    shop *s = *state;
    ig_rank_result out[5];
    ig_error err;
    ig_ranker *r;
    for (size_t i = 0; i < PAGES; i++) s->passage[i].question_count = 0;
    check_ok(ig_ranker_train(s->passage, PAGES, NULL, 0, NULL, s->folder, &err));
    check_ok(ig_ranker_open(s->folder, &r, &err));
    assert_true(ask(r, "保修的手续费", NULL, out) > 0);
    assert_int_equal(out[0].passage, 5 * MATTERS + 3);
    ig_ranker_close(r);
    check_ok(ig_ranker_train(NULL, 0, NULL, 0, NULL, s->folder, &err));
    check_ok(ig_ranker_open(s->folder, &r, &err));
    assert_int_equal(ask(r, "保修", NULL, out), 0);
    ig_ranker_close(r);
}

static bool stop(void *arg, const char *stage, size_t done, size_t total) {
    (void)arg, (void)stage, (void)done, (void)total;
    return false;
}

static void bad_arguments_are_named(void **state) {
    shop *s = *state;
    ig_error err;
    ig_rank_case c = {.question = "x", .passage = PAGES, .weight = 1};
    check_fails(ig_ranker_train(s->passage, PAGES, &c, 1, NULL, s->folder, &err), IG_E_ARG);
    c = (ig_rank_case){.question = "x", .passage = 0, .weight = 2};
    check_fails(ig_ranker_train(s->passage, PAGES, &c, 1, NULL, s->folder, &err), IG_E_ARG);
    c = (ig_rank_case){.question = "x", .passage = -1, .weight = 1, .not_passages = (uint32_t[]){PAGES}, .not_count = 1};
    check_fails(ig_ranker_train(s->passage, PAGES, &c, 1, NULL, s->folder, &err), IG_E_ARG);
    ig_ranker_opts opts = {.progress = stop};
    check_fails(ig_ranker_train(s->passage, PAGES, NULL, 0, &opts, s->folder, &err), IG_E_CANCELLED);
    s->passage[0].id = "";
    check_fails(ig_ranker_train(s->passage, PAGES, NULL, 0, NULL, s->folder, &err), IG_E_ARG);
}

static void spoil(const shop *s, const char *name, const ig_buf *good, size_t at, size_t len) {
    char path[256];
    ig_error err;
    ig_ranker *r = NULL;
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    char *copy = malloc(good->len + 1);
    memcpy(copy, good->data, good->len);
    copy[at] = (char)(copy[at] ^ 0x41);
    check_ok(ig_file_write(path, copy, len, &err));
    ig_status status = ig_ranker_open(s->folder, &r, &err);
    ig_ranker_close(status == IG_OK ? r : NULL);
    if (status != IG_E_FORMAT) fail_msg("%s, byte %zu of %zu: %s", name, at, len, ig_status_name(status));
    assert_non_null(strstr(err.file, name));
    check_ok(ig_file_write(path, good->data, good->len, &err));
    free(copy);
}

static void damaged_files_are_refused(void **state) {
    static const char *const name[] = {"ranker.index", "ranker.weights"};
    shop *s = *state;
    ig_ranker_close(train(s, NULL, s->folder));
    for (int f = 0; f < 2; f++) {
        ig_buf good;
        read_whole(s->folder, name[f], &good);
        for (size_t i = 0; i < 40; i++) {
            size_t at = i * 8 % (good.len / 2);
            spoil(s, name[f], &good, at, good.len);
            spoil(s, name[f], &good, 0, good.len * i / 40);
        }
        ig_buf_fini(&good);
    }
}

/* A damaged section whose checksum was made right again: refused, or it answers something, and never reads what it should
 * not. */
static void damage_behind_a_right_checksum_does_no_harm(void **state) {
    static const char *const name[] = {"ranker.index", "ranker.weights"};
    enum { HEAD = 16, ENTRY = 24 };
    shop *s = *state;
    ig_ranker_close(train(s, NULL, s->folder));
    for (int f = 0; f < 2; f++) {
        ig_buf file;
        char path[256];
        uint64_t count, entry[3];
        read_whole(s->folder, name[f], &file);
        snprintf(path, sizeof path, "%s/%s", s->folder, name[f]);
        memcpy(&count, file.data + 8, sizeof count);
        for (size_t i = 0; i < count * 24; i++) {
            char *at = file.data + HEAD + i / 24 * ENTRY;
            memcpy(entry, at, sizeof entry);
            if (!entry[1]) continue;
            char *byte = file.data + entry[0] + (i % 24 < 16 ? i % 24 * 3 : i * 7919) % entry[1], old = *byte;
            uint64_t good = entry[2];
            *byte = (char)(*byte ^ (i % 2 ? 0xFF : 0x01));
            entry[2] = ig_crc32c(0, file.data + entry[0], entry[1]);
            memcpy(at, entry, sizeof entry);
            ig_error err;
            ig_ranker *r = NULL;
            ig_rank_result out[5];
            check_ok(ig_file_write(path, file.data, file.len, &err));
            ig_status status = ig_ranker_open(s->folder, &r, &err);
            size_t n;
            if (status != IG_OK) assert_int_equal(status, IG_E_FORMAT);
            else if (ig_ranker_query(r, s->english[3], strlen(s->english[3]), 5, NULL, out, &n, &err) == IG_OK)
                assert_true(n <= 5);
            ig_ranker_close(r);
            *byte = old;
            entry[2] = good;
            memcpy(at, entry, sizeof entry);
        }
        ig_error err;
        check_ok(ig_file_write(path, file.data, file.len, &err));
        ig_buf_fini(&file);
    }
}

typedef struct asker {
    ig_ranker *r;
    const shop *s;
    size_t wrong;
} asker;

static void *ask_all(void *arg) {
    asker *a = arg;
    ig_rank_result out[3];
    size_t n;
    for (size_t i = 0; i < PAGES; i++) {
        const char *text = a->s->chinese[i];
        if (ig_ranker_query(a->r, text, strlen(text), 3, NULL, out, &n, NULL) != IG_OK || !n || out[0].passage != i) a->wrong++;
    }
    return NULL;
}

static void several_threads_may_ask(void **state) {
    shop *s = *state;
    ig_ranker *r = train(s, NULL, s->folder);
    pthread_t thread[4];
    asker a[4];
    for (int i = 0; i < 4; i++) {
        a[i] = (asker){r, s, 0};
        assert_int_equal(pthread_create(&thread[i], NULL, ask_all, &a[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(a[i].wrong, 0);
    }
    ig_ranker_close(r);
}

static ig_status all_of_it(shop *s, ig_error *err) {
    ig_ranker *r;
    ig_rank_result out[3];
    size_t n;
    IG_TRY(ig_ranker_train(s->passage, 6, NULL, 0, NULL, s->folder, err));
    IG_TRY(ig_ranker_open(s->folder, &r, err));
    ig_status status = ig_ranker_query(r, s->chinese[2], strlen(s->chinese[2]), 3, NULL, out, &n, err);
    ig_ranker_close(r);
    return status;
}

static void every_failed_allocation_is_a_status(void **state) {
    shop *s = *state;
    ig_error err = {0};
    ig_alloc_fail_at(0);
    check_ok(all_of_it(s, &err));
    uint64_t total = ig_alloc_fail_at(0);
    for (uint64_t n = 1; n <= total; n += n < 300 ? 1 : 7) {
        ig_alloc_fail_at(n);
        ig_status status = all_of_it(s, &err);
        ig_alloc_fail_at(0);
        if (status != IG_OK && status != IG_E_NOMEM) fail_msg("allocation %llu: %s", (unsigned long long)n, err.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known_questions_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_english_question_finds_its_chinese_page, setup, teardown),
        cmocka_unit_test_setup_teardown(parts_add_up_and_probabilities_are_some, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_kept_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_seed_gives_the_same_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(new_content_keeps_what_was_learned, setup, teardown),
        cmocka_unit_test_setup_teardown(extra_features_are_weighed_too, setup, teardown),
        cmocka_unit_test_setup_teardown(without_cases_the_words_still_find, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_arguments_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_files_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_behind_a_right_checksum_does_no_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(several_threads_may_ask, setup, teardown),
        cmocka_unit_test_setup_teardown(every_failed_allocation_is_a_status, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
