/* tests/features/processes.c: several processes over one workspace, allocations that fail, a disk that is full, and processes
 * that are killed while they add, learn and promote.
 *
 * A killed worker tells nobody how far it came.  What must hold: the loop opens, the feature answers, its live version is
 * complete, no version is left building, and no folder without a complete row.  The number of kills is the argument
 * (tests/long/kill_loop.sh asks for more).
 */
#include "workspace.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define TABLE "[{\"q\":\"refund\",\"a\":\"slow\"},{\"q\":\"ship\",\"a\":\"boat\"}]"

static int kills = 15;

static void sleep_ms(int ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static void expect_good(pid_t child) {
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* A child that opens the workspace itself and does one thing. */
static pid_t start(ig_status (*fn)(workspace *w, ig_error *err), const char *folder) {
    pid_t child = fork();
    if (child != 0) return child;
    ig_error err = {0};
    workspace w;
    ig_status s = workspace_try(&w, folder, &err);
    if (s == IG_OK) s = fn(&w, &err);
    if (s != IG_OK) fprintf(stderr, "child: %s\n", err.message);
    workspace_close(&w);
    _exit(s == IG_OK ? 0 : 1);
}

static ig_status promote_it(workspace *w, ig_error *err) {
    ig_buf out = {.max = 1 << 20};
    ig_status s = ig_loop_promote(w->loop, "seen", 0, true, NULL, &out, err);
    ig_buf_fini(&out);
    return s;
}

static void promotion_is_seen_by_another_process_within_a_second(void **state) {
    (void)state;
    ig_error err = {0};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "seen", "{}", TABLE, &err));
    correct_many(&w, "seen", "refund", 0, 5, "fast", true);
    check_ok(improve(&w, "seen", NULL, &err));
    check_answer(&w, "seen", "refund me", "slow");
    expect_good(start(promote_it, root));
    sleep_ms(1000);
    check_answer(&w, "seen", "refund me", "fast");
    workspace_close(&w);
}

static ig_status improve_slowly(workspace *w, ig_error *err) {
    return improve(w, "two", NULL, err);
}

static bool is_training(workspace *w, const char *name) {
    ig_error err = {0};
    ig_buf out = {.max = 1 << 20};
    check_ok(ig_loop_show(w->loop, name, &out, &err));
    bool building = strstr(out.data, "\"building\"") != NULL;
    ig_buf_fini(&out);
    return building;
}

static void second_trainer_is_told_about_the_first(void **state) {
    (void)state;
    ig_error err = {0};
    char pid[32];
    workspace w = workspace_open();
    check_ok(new_feature(&w, "two", "{\"slow_ms\":150}", TABLE, &err));
    correct_many(&w, "two", "refund", 0, 20, "fast", true);
    pid_t child = start(improve_slowly, root);
    for (int i = 0; i < 1000 && !is_training(&w, "two"); i++) sleep_ms(5);
    check_fails(improve(&w, "two", NULL, &err), IG_E_STATE);
    snprintf(pid, sizeof pid, "%ld", (long)child);
    assert_non_null(strstr(err.message, pid));
    check_ok(add_items(&w, "two", "[{\"q\":\"open\",\"a\":\"nine\"}]", false, &err)); /* content does not wait for it */
    expect_good(child);
    workspace_close(&w);
}

/* Every allocation of a question and of its rating fails once: an error each time, and nothing is lost. */
static void every_failed_allocation_is_an_error(void **state) {
    (void)state;
    ig_error err = {0};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "memory", "{}", TABLE, &err));
    check_answer(&w, "memory", "ship it", "boat");
    bool done = false;
    for (uint64_t n = 1; n < 5000 && !done; n++) {
        ig_doc *q = json("{\"question\":\"ship it\"}");
        ig_buf out = {.max = 1 << 20};
        ig_alloc_fail_at(n);
        ig_status s = ig_loop_ask(w.loop, "memory", ig_doc_root(q), &(ig_ask_opts){.user = "anna"}, &out, &err);
        done = ig_alloc_fail_at(0) < n;
        assert_true(s == IG_OK || s == IG_E_NOMEM);
        assert_true(!done || s == IG_OK);
        ig_buf_fini(&out);
        ig_doc_free(q);
    }
    assert_true(done);
    check_answer(&w, "memory", "ship it", "boat");
    workspace_close(&w);
}

static void every_failed_allocation_of_feedback_is_an_error(void **state) {
    (void)state;
    ig_error err = {0};
    char id[IG_STORE_ID_SIZE];
    workspace w = workspace_open();
    check_ok(new_feature(&w, "rated", "{}", TABLE, &err));
    check_ok(ask_try(&w, "rated", "ship it", id, NULL, &err));
    ig_doc *right = json("{\"answer\":\"plane\"}");
    bool done = false;
    for (uint64_t n = 1; n < 5000 && !done; n++) {
        ig_buf out = {.max = 1 << 20};
        ig_alloc_fail_at(n);
        ig_status s = ig_loop_feedback(
            w.loop, id, &(ig_feedback_opts){.type = "correction", .correction = ig_doc_root(right), .user = "b"}, &out, &err);
        done = ig_alloc_fail_at(0) < n;
        assert_true(s == IG_OK || s == IG_E_NOMEM);
        ig_buf_fini(&out);
    }
    assert_true(done);
    ig_doc_free(right);
    workspace_close(&w);
}

/* Adding while its allocations fail, here and there: the old version answers afterwards.  Failed versions stay as rows, so that
 * every attempt allocates a little more: the places are not tried one by one. */
static void failed_allocations_of_building_leave_the_old_state(void **state) {
    (void)state;
    ig_error err = {0};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "builds", "{}", TABLE, &err));
    correct_many(&w, "builds", "refund", 0, 3, "slow", true);
    check_answer(&w, "builds", "ship it", "boat");
    bool done = false;
    for (uint64_t n = 1; n < 200000 && !done; n += 1 + n / 16) {
        ig_alloc_fail_at(n);
        ig_status s = add_items(&w, "builds", "[{\"q\":\"open\",\"a\":\"nine\"}]", true, &err);
        done = ig_alloc_fail_at(0) < n;
        assert_true(s == IG_OK || s == IG_E_NOMEM);
        check_answer(&w, "builds", "ship it", "boat");
    }
    assert_true(done);
    workspace_close(&w);
}

static ig_status add_on_a_full_disk(workspace *w, ig_error *err) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit none = {16, 16};
    if (setrlimit(RLIMIT_FSIZE, &none) != 0) return IG_E_INTERNAL;
    ig_status s = add_items(w, "full", "[{\"q\":\"open\",\"a\":\"nine and a long text that fills the disk\"}]", true, err);
    return s == IG_OK ? IG_E_INTERNAL : IG_OK;
}

static void full_disk_leaves_the_old_state(void **state) {
    (void)state;
    ig_error err = {0};
    workspace w = workspace_open();
    check_ok(new_feature(&w, "full", "{}", TABLE, &err));
    workspace_close(&w);
    expect_good(start(add_on_a_full_disk, root));
    w = workspace_open();
    check_answer(&w, "full", "open when", "");
    check_answer(&w, "full", "ship when", "boat");
    check_ok(add_items(&w, "full", "[{\"q\":\"open\",\"a\":\"nine\"}]", false, &err));
    check_answer(&w, "full", "open when", "nine");
    workspace_close(&w);
}

/* ---- kill -9 -------------------------------------------------------------------------------------------------------- */

/* Until it is killed. */
static ig_status work_for_ever(workspace *w, ig_error *err) {
    ig_buf out = {.max = 1 << 24};
    for (int i = 0;; i++) {
        char items[64];
        snprintf(items, sizeof items, "[{\"q\":\"t%d\",\"a\":\"x\"}]", i % 20);
        IG_TRY(add_items(w, "kill", items, true, err));
        IG_TRY(correct(w, "kill", "refund 1", i % 2 ? "a" : "b", "staff", true, err));
        IG_TRY(improve(w, "kill", NULL, err));
        ig_buf_clear(&out);
        IG_TRY(ig_loop_promote(w->loop, "kill", 0, true, NULL, &out, err));
        ig_buf_clear(&out);
        IG_TRY(i % 3 ? ig_loop_rollback(w->loop, "kill", NULL, &out, err) : ig_loop_gc(w->loop, "kill", 3, NULL, &out, err));
    }
}

static void check_folders(const ig_tree *feature) {
    ig_error err = {0};
    char folder[512];
    char **names = NULL;
    size_t count = 0;
    snprintf(folder, sizeof folder, "%s/features/kill/versions", root);
    check_ok(ig_dir_list(folder, &names, &count, &err));
    for (size_t i = 0; i < count; i++) {
        bool complete = false;
        for (const ig_tree *v = ig_tree_get(feature, "versions")->child; v; v = v->next)
            complete = complete || (ig_tree_int(v, "number", 0) == strtol(names[i], NULL, 10) &&
                                    strcmp(ig_tree_text(v, "status", ""), "complete") == 0);
        assert_true(complete);
    }
    ig_names_free(names, count);
    snprintf(folder, sizeof folder, "%s/features/kill/staging", root);
    assert_false(ig_path_exists(folder));
}

static void check_whole(void) {
    ig_error err = {0};
    ig_doc *d = NULL;
    ig_buf out = {.max = 1 << 24};
    workspace w = workspace_open();
    check_answer(&w, "kill", "ship it", "boat");
    check_ok(ig_loop_show(w.loop, "kill", &out, &err));
    check_ok(ig_json_parse("show", out.data, out.len, &d, &err));
    for (const ig_tree *v = ig_tree_get(ig_doc_root(d), "versions")->child; v; v = v->next)
        assert_string_not_equal(ig_tree_text(v, "status", ""), "building");
    check_folders(ig_doc_root(d));
    ig_doc_free(d);
    ig_buf_fini(&out);
    workspace_close(&w);
}

static void killed_worker_leaves_no_half_version(void **state) {
    (void)state;
    ig_error err = {0};
    ig_rng rng;
    ig_rng_init(&rng, 11, 0);
    workspace w = workspace_open();
    check_ok(new_feature(&w, "kill", "{}", TABLE, &err));
    workspace_close(&w);
    for (int i = 0; i < kills; i++) {
        int status = 0;
        pid_t child = start(work_for_ever, root);
        sleep_ms(20 + (int)ig_rng_below(&rng, 300));
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status)); /* it did not stop with an error of its own */
        check_whole();
    }
}

int main(int argc, char **argv) {
    if (argc > 1) kills = (int)strtol(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promotion_is_seen_by_another_process_within_a_second),
        cmocka_unit_test(second_trainer_is_told_about_the_first),
        cmocka_unit_test(every_failed_allocation_is_an_error),
        cmocka_unit_test(every_failed_allocation_of_feedback_is_an_error),
        cmocka_unit_test(failed_allocations_of_building_leave_the_old_state),
        cmocka_unit_test(full_disk_leaves_the_old_state),
        cmocka_unit_test(killed_worker_leaves_no_half_version),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
