/* The matcher on a toy desk in two languages: it learns, is calibrated, weighs wrong feedback, and survives its file. */
#include <math.h>
#include <unistd.h>

#include "../check.h"
#include "ingot/matcher.h"

enum { LABELS = 4, FORMS = 24, TEXTS = LABELS * FORMS };

static const char *const subjects[LABELS][4] = {
    {"card", "credit card", "银行卡", "信用卡"}, {"refund", "money back", "退款", "退钱"}, {"password", "login code", "密码", "登录验证码"},
    {"delivery", "parcel", "快递", "包裹"}};
static const char *const frames[6] = {"where is my %s", "I have a problem with the %s please", "how long does the %s take?",
                                      "我的%s在哪里", "%s有问题怎么办", "请问%s要多久"};

typedef struct desk {
    ig_context *ctx;
    char text[TEXTS][128];
    ig_match_case item[TEXTS];
} desk;

static void make_desk(desk *d, int threads) {
    ig_error err;
    check_ok(ig_context_new(&(ig_context_opts){.threads = threads}, &d->ctx, &err));
    for (int i = 0; i < TEXTS; i++) {
        int label = i % LABELS, form = i / LABELS;
        snprintf(d->text[i], sizeof d->text[i], frames[form % 6], subjects[label][form / 6]);
        d->item[i] = (ig_match_case){.text = d->text[i], .len = strlen(d->text[i]), .label = label, .weight = 1};
    }
}

static ig_matcher *learn(const desk *d, size_t n) {
    ig_error err;
    ig_matcher *m = NULL;
    check_ok(ig_matcher_train(d->ctx, d->item, n, LABELS, &(ig_match_opts){.seed = 3, .effort = IG_MATCH_QUICK}, &m, &err));
    return m;
}

static int ask(const ig_matcher *m, const char *text, float *p, double *scope) {
    ig_error err;
    int best = 0;
    check_ok(ig_matcher_score(m, text, strlen(text), p, scope, &err));
    for (int i = 1; i < LABELS; i++) best = p[i] > p[best] ? i : best;
    return best;
}

static void it_learns_in_both_languages(void **state) {
    (void)state;
    desk d;
    float p[LABELS];
    double scope, strange;
    make_desk(&d, 1);
    ig_matcher *m = learn(&d, TEXTS);
    assert_int_equal(ask(m, "my CREDIT CARD hasn't come, where is it?", p, &scope), 0);
    double sum = 0;
    for (int i = 0; i < LABELS; i++) sum += exp((double)p[i]);
    assert_true(fabs(sum - 1) < 1e-4);
    assert_int_equal(ask(m, "退款什么时候到", p, &scope), 1);
    assert_true(scope > 0 && scope <= 1);
    assert_int_equal(ask(m, "I forgot my password", p, &scope), 2);
    assert_int_equal(ask(m, "包裹还没到", p, &scope), 3);
    ask(m, "xylophone 12:34 ∑∑", p, &strange);
    assert_true(strange < scope);
    ask(m, "", p, &strange);
    assert_true(strange == 0);
    ask(m, "\xff\xfe\x80 broken \xc3", p, &strange);
    ig_matcher_free(m);
    ig_context_free(d.ctx);
}

static void threads_change_no_bit(void **state) {
    (void)state;
    desk d;
    float p[3][LABELS];
    double scope[3];
    for (int run = 0; run < 3; run++) {
        make_desk(&d, run == 1 ? 2 : 1);
        ig_matcher *m = learn(&d, TEXTS);
        ask(m, "how long until my parcel and 退款", p[run], &scope[run]);
        ig_matcher_free(m);
        ig_context_free(d.ctx);
    }
    assert_memory_equal(p[0], p[1], sizeof p[0]);
    assert_memory_equal(p[0], p[2], sizeof p[0]);
    assert_memory_equal(&scope[0], &scope[1], sizeof scope[0]);
}

/* Two certain forms of each label; the others are feedback, every fifth of it wrong. */
static void wrong_feedback_is_outweighed(void **state) {
    (void)state;
    desk d;
    float p[LABELS];
    double scope;
    int right = 0;
    static const int32_t no[LABELS] = {0, 1, 2, 3};
    make_desk(&d, 1);
    for (int i = 0; i < TEXTS; i++) {
        if (i < 2 * LABELS) continue;
        int32_t label = d.item[i].label;
        d.item[i].weight = 0.8f;
        if (i % 5 == 0) d.item[i].label = (label + 1) % LABELS;              /* "yes" to a wrong answer */
        else if (i % 5 == 1) d.item[i].label = -1, d.item[i].not_labels = &no[(label + 2) % LABELS], d.item[i].not_count = 1;
        else if (i % 5 == 2) d.item[i].not_labels = &no[(label + 1) % LABELS], d.item[i].not_count = 1;
    }
    ig_matcher *m = learn(&d, TEXTS);
    for (int i = 0; i < TEXTS; i++) right += ask(m, d.text[i], p, &scope) == i % LABELS;
    assert_true(right >= TEXTS * 85 / 100);
    ig_matcher_free(m);
    ig_context_free(d.ctx);
}

static void it_says_why(void **state) {
    (void)state;
    desk d;
    ig_error err;
    make_desk(&d, 1);
    ig_matcher *m = learn(&d, TEXTS);
    ig_match_reason why[2];
    ig_match_near near[3];
    size_t whys = 2, nears = 3;
    const char *text = "tell me about the password";
    check_ok(ig_matcher_explain(m, text, strlen(text), 2, why, &whys, near, &nears, &err));
    assert_int_equal(whys, 2);
    assert_true(why[0].weight > 0 && fabs(why[0].weight) >= fabs(why[1].weight));
    assert_non_null(strstr(text + why[0].from, "password"));
    assert_true(why[0].to <= strlen(text));
    assert_int_equal(nears, 3);
    assert_int_equal(near[0].label, 2);
    assert_true(near[0].similarity >= near[1].similarity && near[0].similarity <= 1.0001);
    check_fails(ig_matcher_explain(m, text, strlen(text), LABELS, why, &whys, near, &nears, &err), IG_E_ARG);
    ig_matcher_free(m);
    ig_context_free(d.ctx);
}

/* ---- its file ---- */

static char folder[] = "/tmp/test_matcher_XXXXXX";
static char path[64];

static void what_was_saved_answers_with_the_same_bits(void **state) {
    (void)state;
    desk d;
    ig_error err;
    float p[2][LABELS];
    double scope[2];
    make_desk(&d, 1);
    ig_matcher *m = learn(&d, TEXTS), *again = NULL;
    check_ok(ig_matcher_save(m, folder, &err));
    check_ok(ig_matcher_open(d.ctx, folder, &again, &err));
    for (int i = 0; i < TEXTS; i += 7) {
        ask(m, d.text[i] + i % 3, p[0], &scope[0]), ask(again, d.text[i] + i % 3, p[1], &scope[1]);
        assert_memory_equal(p[0], p[1], sizeof p[0]);
        assert_memory_equal(&scope[0], &scope[1], sizeof scope[0]);
    }
    ig_matcher_free(m), ig_matcher_free(again);
    ig_context_free(d.ctx);
}

static void refused(ig_context *ctx, const ig_buf *b, size_t len) {
    ig_error err;
    ig_matcher *m = NULL;
    check_ok(ig_file_write(path, b->data, len, &err));
    ig_status s = ig_matcher_open(ctx, folder, &m, &err);
    if (s != IG_E_FORMAT && s != IG_E_UNSUPPORTED) fail_msg("a damaged file: %s", ig_status_name(s));
    assert_null(m);
    assert_non_null(strstr(err.file, "matcher.bin"));
}

static void damaged_files_are_refused(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx;
    ig_buf b = {.max = 1 << 28};
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err));
    check_ok(ig_file_read(path, 1 << 28, &b, &err));
    for (size_t at = 0; at < 104; at++) { /* every byte of the beginning, with a checksum that fits */
        char before = b.data[at];
        b.data[at] ^= 0x40;
        uint32_t crc = ig_crc32c(0, b.data + 16, b.len - 16), old;
        memcpy(&old, b.data + 12, 4);
        if (at >= 16) memcpy(b.data + 12, &crc, 4);
        ig_matcher *m = NULL;
        check_ok(ig_file_write(path, b.data, b.len, &err));
        if (ig_matcher_open(ctx, folder, &m, &err) == IG_OK) assert_true(at >= 88); /* scales may be any number */
        ig_matcher_free(m);
        b.data[at] = before;
        memcpy(b.data + 12, &old, 4);
    }
    for (size_t part = 0; part < 9; part++) refused(ctx, &b, b.len * part / 9);
    b.data[b.len / 2] ^= 1;
    refused(ctx, &b, b.len);
    ig_buf_fini(&b);
    ig_context_free(ctx);
}

/* ---- failing ---- */

static void wrong_cases_are_named(void **state) {
    (void)state;
    desk d;
    ig_error err;
    ig_matcher *m;
    make_desk(&d, 1);
    d.item[5].label = LABELS;
    check_fails(ig_matcher_train(d.ctx, d.item, TEXTS, LABELS, NULL, &m, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "case 5"));
    d.item[5].label = 1, d.item[7].weight = NAN;
    check_fails(ig_matcher_train(d.ctx, d.item, TEXTS, LABELS, NULL, &m, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "case 7"));
    check_fails(ig_matcher_train(d.ctx, d.item, 0, LABELS, NULL, &m, &err), IG_E_LIMIT);
    ig_context_free(d.ctx);
}

static bool never(void *arg, const char *stage, size_t done, size_t total) {
    (void)arg, (void)stage, (void)done, (void)total;
    return false;
}

static void it_can_be_stopped(void **state) {
    (void)state;
    desk d;
    ig_error err;
    ig_matcher *m;
    make_desk(&d, 1);
    check_fails(ig_matcher_train(d.ctx, d.item, TEXTS, LABELS, &(ig_match_opts){.progress = never}, &m, &err), IG_E_CANCELLED);
    assert_null(m);
    ig_context_free(d.ctx);
}

/* A few cases, so that many allocations are tried; the toy's certain and uncertain ones go through all stages. */
static void failed_allocations_are_reported(void **state) {
    (void)state;
    desk d;
    ig_error err;
    make_desk(&d, 1);
    for (int i = 0; i < 4; i++) d.item[i].weight = 0.5f;
    uint64_t n = 1;
    for (ig_status s = IG_E_NOMEM; s != IG_OK; n += n < 400 ? 7 : 61) {
        ig_matcher *m = NULL;
        float p[LABELS];
        ig_alloc_fail_at(n);
        s = ig_matcher_train(d.ctx, d.item, 12, LABELS, &(ig_match_opts){.effort = IG_MATCH_QUICK}, &m, &err);
        if (s == IG_OK) s = ig_matcher_save(m, folder, &err);
        if (s == IG_OK) s = ig_matcher_score(m, "card", 4, p, NULL, &err);
        ig_matcher_free(m), m = NULL;
        if (s == IG_OK) s = ig_matcher_open(d.ctx, folder, &m, &err);
        ig_matcher_free(m);
        ig_alloc_fail_at(0);
        if (s != IG_OK) assert_int_equal(s, IG_E_NOMEM);
    }
    assert_true(n > 100);
    ig_context_free(d.ctx);
}

static void many_labels_are_compared_instead(void **state) {
    (void)state;
    enum { MANY = IG_MATCH_LEARNED_MAX + 100 };
    static char text[MANY][32];
    static ig_match_case item[MANY];
    static float p[MANY];
    ig_error err;
    ig_context *ctx;
    ig_matcher *m, *again;
    double scope;
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err));
    for (int i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof text[i], "question about part %d%c", i * 7919 % 100003, 'a' + i % 26);
        item[i] = (ig_match_case){.text = text[i], .len = strlen(text[i]), .label = i, .weight = 1};
    }
    check_ok(ig_matcher_train(ctx, item, MANY, MANY, NULL, &m, &err));
    check_ok(ig_matcher_save(m, folder, &err));
    check_ok(ig_matcher_open(ctx, folder, &again, &err));
    check_ok(ig_matcher_score(again, text[1234], strlen(text[1234]), p, &scope, &err));
    for (int i = 0; i < MANY; i++) assert_true(i == 1234 || p[i] < p[1234]);
    ig_matcher_free(m), ig_matcher_free(again);
    ig_context_free(ctx);
}

static int remove_folder(void **state) {
    (void)state;
    return ig_dir_remove(folder, NULL) != IG_OK;
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/matcher.bin", folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_in_both_languages),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(wrong_feedback_is_outweighed),
        cmocka_unit_test(it_says_why),
        cmocka_unit_test(what_was_saved_answers_with_the_same_bits),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(wrong_cases_are_named),
        cmocka_unit_test(it_can_be_stopped),
        cmocka_unit_test(failed_allocations_are_reported),
        cmocka_unit_test(many_labels_are_compared_instead),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
