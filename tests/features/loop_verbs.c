/* tests/features/loop_verbs.c: every verb of the loop, over the echo kind. */
#include "workspace.h"

#define TABLE "[{\"q\":\"refund\",\"a\":\"slow\"},{\"q\":\"ship\",\"a\":\"boat\"},{\"q\":\"\"}]"

static ig_status promote(workspace *w, const char *name, int64_t version, bool force, ig_error *err) {
    ig_buf out = {.max = 1 << 20};
    ig_status s = ig_loop_promote(w->loop, name, version, force, NULL, &out, err);
    ig_buf_fini(&out);
    return s;
}

static ig_status rollback(workspace *w, const char *name, ig_error *err) {
    ig_buf out = {.max = 1 << 20};
    ig_status s = ig_loop_rollback(w->loop, name, NULL, &out, err);
    ig_buf_fini(&out);
    return s;
}

static ig_doc *show(workspace *w, const char *name) {
    ig_error err = {0};
    ig_doc *d = NULL;
    ig_buf out = {.max = 1 << 24};
    check_ok(ig_loop_show(w->loop, name, &out, &err));
    check_ok(ig_json_parse("show", out.data, out.len, &d, &err));
    ig_buf_fini(&out);
    return d;
}

static void new_answers_and_failed_new_leaves_nothing(void **state) {
    (void)state;
    ig_error err = {0};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "first", "{}", TABLE, &err));
    check_answer(&w, "first", "refund please", "slow");
    check_answer(&w, "first", "nothing", "");
    check_fails(new_feature(&w, "first", "{}", TABLE, &err), IG_E_EXISTS);
    check_fails(new_feature(&w, "bad", "{\"refuse\":true}", TABLE, &err), IG_E_NUMERIC);
    check_fails(ask_try(&w, "bad", "x", NULL, NULL, &err), IG_E_NOT_FOUND);
    char folder[512];
    snprintf(folder, sizeof folder, "%s/features/bad", root);
    assert_false(ig_path_exists(folder));
    check_fails(new_feature(&w, "bad", "{\"louder\":true}", TABLE, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "louder"));
    check_fails(new_feature(&w, "Bad Name", "{}", TABLE, &err), IG_E_ARG);
    check_ok(new_feature(&w, "bad", "{}", TABLE, &err));
    workspace_close(&w);
}

static void add_and_set_are_live_at_once(void **state) {
    (void)state;
    ig_error err = {0};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "content", "{}", TABLE, &err));
    check_ok(add_items(&w, "content", "[{\"q\":\"open\",\"a\":\"nine\"}]", false, &err));
    check_answer(&w, "content", "open when", "nine");
    check_answer(&w, "content", "ship how", "boat");
    ig_doc *d = json("{\"loud\":true}");
    ig_buf out = {.max = 1 << 20};
    check_ok(ig_loop_set(w.loop, "content", ig_doc_root(d), NULL, &out, &err));
    check_answer(&w, "content", "ship how", "boat!");
    check_ok(rollback(&w, "content", &err));
    check_answer(&w, "content", "ship how", "boat");
    ig_doc_free(d);
    ig_buf_fini(&out);
    workspace_close(&w);
}

/* Staff said "slow" of 30 questions; then content that turns the topic round must be forced. */
static void content_that_breaks_known_answers_is_refused(void **state) {
    (void)state;
    ig_error err = {0};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "known", "{}", TABLE, &err));
    correct_many(&w, "known", "refund", 0, 3, "slow", true);
    check_fails(add_items(&w, "known", "[{\"q\":\"refund\",\"a\":\"fast\"}]", false, &err), IG_E_STATE);
    assert_non_null(strstr(err.message, "3 answers"));
    check_answer(&w, "known", "refund 1", "slow");
    check_ok(add_items(&w, "known", "[{\"q\":\"refund\",\"a\":\"fast\"}]", true, &err));
    check_answer(&w, "known", "refund 1", "fast");
    workspace_close(&w);
}

static void gate_says_better_and_promote_and_rollback_work(void **state) {
    (void)state;
    ig_error err = {0};
    char verdict[24];
    workspace w = workspace_open();
    check_ok(new_feature(&w, "better", "{}", TABLE, &err));
    check_fails(improve(&w, "better", verdict, &err), IG_E_STATE);
    correct_many(&w, "better", "refund", 0, 40, "fast", true);
    check_ok(improve(&w, "better", verdict, &err));
    assert_string_equal(verdict, "better");
    check_answer(&w, "better", "refund me", "slow");
    check_fails(improve(&w, "better", verdict, &err), IG_E_STATE);
    check_ok(promote(&w, "better", 0, false, &err));
    check_answer(&w, "better", "refund me", "fast");
    check_ok(add_items(&w, "better", "[{\"q\":\"open\",\"a\":\"nine\"}]", false, &err));
    check_answer(&w, "better", "refund me", "fast"); /* content keeps what was learned */
    check_ok(rollback(&w, "better", &err));
    check_ok(rollback(&w, "better", &err));
    check_answer(&w, "better", "refund me", "slow");
    check_fails(rollback(&w, "better", &err), IG_E_STATE);
    workspace_close(&w);
}

/* 40 confirmed answers are right; a hundred unconfirmed corrections of other questions turn the topic round. */
static void worse_is_refused_unless_forced(void **state) {
    (void)state;
    ig_error err = {0};
    char verdict[24];
    workspace w = workspace_open();
    check_ok(new_feature(&w, "worse", "{}", TABLE, &err));
    correct_many(&w, "worse", "refund", 0, 40, "slow", true);
    correct_many(&w, "worse", "refund", 1000, 100, "wrong", false);
    check_ok(improve(&w, "worse", verdict, &err));
    assert_string_equal(verdict, "worse");
    check_fails(promote(&w, "worse", 0, false, &err), IG_E_STATE);
    check_answer(&w, "worse", "refund 5", "slow");
    check_ok(promote(&w, "worse", 0, true, &err));
    check_answer(&w, "worse", "refund 5", "wrong");
    workspace_close(&w);
}

static void too_little_says_so_and_goes_on(void **state) {
    (void)state;
    ig_error err = {0};
    char verdict[24];
    workspace w = workspace_open();
    check_ok(new_feature(&w, "little", "{}", TABLE, &err));
    correct_many(&w, "little", "refund", 0, 5, "fast", true);
    check_ok(improve(&w, "little", verdict, &err));
    assert_string_equal(verdict, "too_little");
    check_ok(promote(&w, "little", 0, false, &err));
    workspace_close(&w);
}

/* 1600 confirmed groups: one in five is held out, more than 300, and judged without folds. */
static void many_cases_are_split_once(void **state) {
    (void)state;
    ig_error err = {0};
    ig_buf out = {.max = 1 << 24};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "many", "{}", TABLE, &err));
    correct_many(&w, "many", "refund", 0, 1700, "fast", true);
    check_ok(ig_loop_improve(w.loop, "many", NULL, &out, &err));
    assert_non_null(strstr(out.data, "\"protocol\":\"held-out\""));
    assert_non_null(strstr(out.data, "\"verdict\":\"better\""));
    ig_buf_clear(&out);
    check_ok(ig_loop_compare(w.loop, "many", 2, 1, &out, &err));
    assert_non_null(strstr(out.data, "\"verdict\":\"worse\""));
    ig_buf_fini(&out);
    workspace_close(&w);
}

static void tombstones_outlive_a_rollback(void **state) {
    (void)state;
    ig_error err = {0};
    ig_buf out = {.max = 1 << 20};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "tomb", "{}", TABLE, &err));
    check_ok(add_items(&w, "tomb", "[{\"q\":\"open\",\"a\":\"nine\"}]", false, &err));
    check_ok(ig_loop_withdraw(w.loop, "tomb", (const char *[]){"ship"}, 1, NULL, &out, &err));
    check_answer(&w, "tomb", "ship it", "");
    check_ok(rollback(&w, "tomb", &err));
    check_answer(&w, "tomb", "ship it", "");
    check_answer(&w, "tomb", "refund it", "slow");
    check_fails(ig_loop_withdraw(w.loop, "tomb", (const char *[]){"nothing"}, 1, NULL, &out, &err), IG_E_NOT_FOUND);
    check_ok(add_items(&w, "tomb", "[{\"q\":\"ship\",\"a\":\"plane\"}]", false, &err));
    check_answer(&w, "tomb", "ship it", "plane");
    ig_buf_fini(&out);
    workspace_close(&w);
}

/* Content that came while a version learned is in it when it is promoted. */
static void promotion_keeps_content_that_came_later(void **state) {
    (void)state;
    ig_error err = {0};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "later", "{}", TABLE, &err));
    correct_many(&w, "later", "refund", 0, 10, "fast", true);
    check_ok(improve(&w, "later", NULL, &err));
    check_ok(add_items(&w, "later", "[{\"q\":\"open\",\"a\":\"nine\"}]", false, &err));
    check_ok(promote(&w, "later", 0, false, &err));
    check_answer(&w, "later", "open when", "nine");
    check_answer(&w, "later", "refund me", "fast");
    ig_doc *d = show(&w, "later");
    assert_int_equal(ig_tree_int(ig_doc_root(d), "candidate", -1), 0);
    ig_doc_free(d);
    workspace_close(&w);
}

/* One voice contradicts three others about the same five questions. */
static void voice_that_contradicts_everybody_is_weighed_down(void **state) {
    (void)state;
    ig_error err = {0};
    ig_buf out = {.max = 1 << 24};
    ig_doc *d = NULL;
    workspace w = workspace_open();
    check_ok(new_feature(&w, "voices", "{}", TABLE, &err));
    for (int i = 0; i < 5; i++) {
        char question[32];
        snprintf(question, sizeof question, "refund %d", i);
        for (int v = 0; v < 3; v++)
            check_ok(correct(&w, "voices", question, "fast", (const char *[]){"b", "c", "d"}[v], false, &err));
        for (int v = 0; v < 9; v++) check_ok(correct(&w, "voices", question, "never", "troll", false, &err));
    }
    check_ok(ig_loop_improve(w.loop, "voices", NULL, &out, &err));
    check_ok(ig_json_parse("version", out.data, out.len, &d, &err));
    const ig_tree *learned = ig_tree_get(ig_doc_root(d), "learned"), *down = ig_tree_get(learned, "voices_down");
    assert_int_equal(down->count, 1);
    assert_true(ig_tree_real(down->child, "weight", 1) < 0.6);
    assert_int_equal(ig_tree_int(learned, "cases", 0), 2 + 20); /* nine times the same is once */
    ig_doc_free(d);
    ig_buf_fini(&out);
    check_ok(promote(&w, "voices", 0, false, &err));
    check_answer(&w, "voices", "refund 1", "fast");
    workspace_close(&w);
}

static void share_of_a_candidate_answers_some(void **state) {
    (void)state;
    ig_error err = {0};
    ig_buf out = {.max = 1 << 20};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "share", "{}", TABLE, &err));
    correct_many(&w, "share", "refund", 0, 5, "fast", true);
    check_ok(improve(&w, "share", NULL, &err));
    check_ok(ig_loop_share(w.loop, "share", 0, 1, NULL, &out, &err));
    check_answer(&w, "share", "refund me", "fast");
    check_ok(ig_loop_share(w.loop, "share", 2, 0, NULL, &out, &err));
    check_answer(&w, "share", "refund me", "slow");
    check_fails(ig_loop_share(w.loop, "share", 2, 1.5, NULL, &out, &err), IG_E_ARG);
    ig_buf_fini(&out);
    workspace_close(&w);
}

static void report_groups_and_explain_explains(void **state) {
    (void)state;
    ig_error err = {0};
    ig_buf out = {.max = 1 << 24};
    char id[IG_STORE_ID_SIZE];
    ig_doc *d = NULL;
    workspace w = workspace_open();
    check_ok(new_feature(&w, "report", "{}", TABLE, &err));
    check_ok(ask_try(&w, "report", "how much is the fish", id, NULL, &err));
    check_ok(ask_try(&w, "report", "How much is the fish?", id, NULL, &err));
    check_ok(ask_try(&w, "report", "退款多久到账", id, NULL, &err));
    check_ok(ig_loop_explain(w.loop, id, &out, &err));
    assert_non_null(strstr(out.data, "\"topic\":\"退款多久到账\""));
    ig_buf_clear(&out);
    check_ok(ig_loop_report(w.loop, "report", 0, &out, &err));
    check_ok(ig_json_parse("report", out.data, out.len, &d, &err));
    const ig_tree *groups = ig_tree_get(ig_doc_root(d), "unanswered");
    assert_int_equal(groups->count, 2);
    assert_int_equal(ig_tree_int(groups->child, "count", 0), 2);
    assert_int_equal(ig_tree_int(ig_tree_get(ig_doc_root(d), "total"), "unknown", 0), 3);
    ig_doc_free(d);
    ig_buf_clear(&out);
    check_ok(ig_loop_list(w.loop, &out, &err));
    check_ok(ig_json_parse("list", out.data, out.len, &d, &err));
    ig_doc_free(d);
    ig_buf_fini(&out);
    workspace_close(&w);
}

static void gc_keeps_what_is_used_and_remove_removes(void **state) {
    (void)state;
    ig_error err = {0};
    ig_buf out = {.max = 1 << 20};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "gc", "{}", TABLE, &err));
    for (int i = 0; i < 4; i++) {
        char items[64];
        snprintf(items, sizeof items, "[{\"q\":\"t%d\",\"a\":\"x\"}]", i);
        check_ok(add_items(&w, "gc", items, false, &err));
    }
    check_ok(ig_loop_gc(w.loop, "gc", 1, NULL, &out, &err));
    assert_non_null(strstr(out.data, "\"versions\":3"));
    check_answer(&w, "gc", "t3 x", "x");
    check_ok(rollback(&w, "gc", &err));
    check_ok(ig_loop_remove(w.loop, "gc", NULL, &err));
    check_fails(ask_try(&w, "gc", "t3 x", NULL, NULL, &err), IG_E_NOT_FOUND);
    check_ok(new_feature(&w, "gc", "{}", TABLE, &err));
    check_answer(&w, "gc", "ship x", "boat");
    ig_buf_fini(&out);
    workspace_close(&w);
}

static void kind_describes_itself(void **state) {
    (void)state;
    ig_error err = {0};
    ig_buf out = {.max = 1 << 20};
    ig_doc *d = NULL;
    check_ok(ig_kind_describe(&echo_kind, &out, &err));
    check_ok(ig_json_parse("kind", out.data, out.len, &d, &err));
    const ig_tree *f = ig_tree_get(ig_doc_root(d), "request_fields")->child;
    assert_string_equal(ig_tree_text(f, "name", ""), "question");
    assert_true(ig_tree_bool(f, "required", false));
    ig_doc_free(d);
    ig_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_answers_and_failed_new_leaves_nothing),
        cmocka_unit_test(add_and_set_are_live_at_once),
        cmocka_unit_test(content_that_breaks_known_answers_is_refused),
        cmocka_unit_test(gate_says_better_and_promote_and_rollback_work),
        cmocka_unit_test(worse_is_refused_unless_forced),
        cmocka_unit_test(too_little_says_so_and_goes_on),
        cmocka_unit_test(many_cases_are_split_once),
        cmocka_unit_test(tombstones_outlive_a_rollback),
        cmocka_unit_test(promotion_keeps_content_that_came_later),
        cmocka_unit_test(voice_that_contradicts_everybody_is_weighed_down),
        cmocka_unit_test(share_of_a_candidate_answers_some),
        cmocka_unit_test(report_groups_and_explain_explains),
        cmocka_unit_test(gc_keeps_what_is_used_and_remove_removes),
        cmocka_unit_test(kind_describes_itself),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
