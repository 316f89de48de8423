/* tests/store/jobs.c: the life of a job, and what becomes of it when its process dies. */
#include "folder.h"

static ig_store_job new_job(ig_store *s, const char *kind, int attempts) {
    ig_error err = {0};
    ig_store_job j;
    check_ok(ig_store_job_new(s, kind, "{\"n\":1}", attempts, &j, &err));
    return j;
}

static void check_status(ig_store *s, const char *id, ig_store_job_status status) {
    ig_error err = {0};
    ig_store_job j;
    check_ok(ig_store_job_get(s, id, &j, &err));
    assert_string_equal(ig_store_job_status_name(j.status), ig_store_job_status_name(status));
    assert_int_equal(j.status == IG_JOB_RUNNING, j.pid != 0);
    ig_store_job_fini(&j);
}

static void job_goes_from_queued_to_succeeded(void **state) {
    (void)state;
    ig_error err = {0};
    bool cancel = true;
    ig_store *s = open_store("life");
    ig_store_job first = new_job(s, "train", 0), second = new_job(s, "train", 0), j;
    assert_memory_equal(first.id, "ftjob-", 6);
    assert_string_equal(first.spec, "{\"n\":1}");
    check_fails(ig_store_job_claim(s, "other", &j, &err), IG_E_NOT_FOUND);
    check_ok(ig_store_job_claim(s, "train", &j, &err));
    assert_string_equal(j.id, first.id);
    assert_int_equal(j.pid, getpid());
    assert_int_equal(j.attempts, 1);
    now_s += 5;
    check_ok(ig_store_job_heartbeat(s, j.id, &cancel, &err));
    assert_false(cancel);
    check_fails(ig_store_job_heartbeat(s, second.id, &cancel, &err), IG_E_STATE);
    check_fails(ig_store_job_finish(s, second.id, IG_JOB_FAILED, NULL, "no", &err), IG_E_STATE);
    assert_non_null(strstr(err.message, "queued"));
    check_fails(ig_store_job_finish(s, j.id, IG_JOB_SUCCEEDED, "{", NULL, &err), IG_E_FORMAT);
    check_fails(ig_store_job_finish(s, j.id, IG_JOB_RUNNING, NULL, NULL, &err), IG_E_ARG);
    check_ok(ig_store_job_finish(s, j.id, IG_JOB_SUCCEEDED, "{\"loss\":0.5}", NULL, &err));
    ig_store_job_fini(&j);
    check_ok(ig_store_job_get(s, first.id, &j, &err));
    assert_int_equal(j.status, IG_JOB_SUCCEEDED);
    assert_string_equal(j.result, "{\"loss\":0.5}");
    assert_int_equal(j.heartbeat_at, j.started_at + 5);
    assert_int_equal(j.finished_at, now_s);
    ig_store_job_fini(&j), ig_store_job_fini(&first), ig_store_job_fini(&second);
    ig_store_close(s);
}

static void cancelling_stops_what_waits_and_asks_what_runs(void **state) {
    (void)state;
    ig_error err = {0};
    bool cancel;
    ig_store *s = open_store("cancel");
    ig_store_job a = new_job(s, "t", 0), b = new_job(s, "t", 0), j;
    check_ok(ig_store_job_claim(s, NULL, &j, &err));
    check_ok(ig_store_job_cancel(s, a.id, NULL, &err));
    check_ok(ig_store_job_cancel(s, b.id, NULL, &err));
    check_status(s, a.id, IG_JOB_RUNNING);
    check_status(s, b.id, IG_JOB_CANCELLED);
    check_ok(ig_store_job_heartbeat(s, a.id, &cancel, &err));
    assert_true(cancel);
    check_ok(ig_store_job_finish(s, a.id, IG_JOB_CANCELLED, NULL, NULL, &err));
    check_fails(ig_store_job_cancel(s, a.id, NULL, &err), IG_E_STATE);
    check_fails(ig_store_job_cancel(s, "ftjob-none", NULL, &err), IG_E_NOT_FOUND);
    ig_store_job_fini(&a), ig_store_job_fini(&b), ig_store_job_fini(&j);
    ig_store_close(s);
}

/* A child claims a job and dies without a word; with `adopt` the parent claims and the child goes on. */
static void claim_and_die(const char *folder, const char *adopt) {
    pid_t child = fork();
    if (child == 0) {
        ig_store *s = NULL;
        ig_store_job j;
        bool good = ig_store_open(at(folder), &(ig_store_opts){.quick = true}, &s, NULL) == IG_OK;
        good = good && (adopt ? ig_store_job_adopt(s, adopt, NULL) : ig_store_job_claim(s, NULL, &j, NULL)) == IG_OK;
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void job_of_a_dead_process_is_tried_again_and_then_failed(void **state) {
    (void)state;
    ig_error err = {0};
    size_t settled;
    ig_store *s = open_store("dead");
    ig_store_job j = new_job(s, "t", 2), mine;
    claim_and_die("dead", NULL);
    check_status(s, j.id, IG_JOB_RUNNING);
    check_ok(ig_store_job_recover(s, &settled, &err));
    assert_int_equal(settled, 1);
    check_status(s, j.id, IG_JOB_QUEUED);
    claim_and_die("dead", NULL);
    ig_store_job other = new_job(s, "t", 0);
    check_ok(ig_store_job_claim(s, NULL, &mine, &err));
    ig_store_close(s);
    s = open_store("dead"); /* opening does the same, and leaves alone what is at work */
    check_status(s, j.id, IG_JOB_FAILED);
    check_status(s, mine.id, IG_JOB_RUNNING);
    claim_and_die("dead", mine.id);
    check_ok(ig_store_job_cancel(s, mine.id, NULL, &err));
    check_ok(ig_store_job_recover(s, &settled, &err));
    assert_int_equal(settled, 1);
    check_status(s, mine.id, IG_JOB_CANCELLED);
    ig_store_job_fini(&j), ig_store_job_fini(&mine), ig_store_job_fini(&other);
    ig_store_close(s);
}

static void events_and_checkpoints_are_told_in_order(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store_event *e;
    ig_store_checkpoint *c;
    size_t count;
    bool more;
    ig_store *s = open_store("notes");
    ig_store_job j = new_job(s, "t", 0), k = new_job(s, "t", 0);
    for (int i = 0; i < 3; i++) check_ok(ig_store_event_add(s, j.id, IG_LEVEL_INFO, "第一步", i ? NULL : "{\"step\":1}", &err));
    check_ok(ig_store_event_add(s, k.id, IG_LEVEL_WARN, "other", NULL, &err));
    check_ok(ig_store_event_list(s, j.id, &(ig_store_page){.limit = 2, .oldest_first = true}, &e, &count, &more, &err));
    assert_int_equal(count, 2);
    assert_true(more);
    assert_int_equal(e[1].number, 2);
    assert_string_equal(e[0].data, "{\"step\":1}");
    char after[IG_STORE_ID_SIZE];
    memcpy(after, e[1].id, sizeof after);
    ig_store_events_free(e, count);
    check_ok(ig_store_event_list(s, j.id, &(ig_store_page){.after = after, .oldest_first = true}, &e, &count, &more, &err));
    assert_int_equal(count, 1);
    assert_int_equal(e[0].number, 3);
    ig_store_events_free(e, count);
    check_fails(ig_store_event_add(s, "ftjob-none", IG_LEVEL_INFO, "x", NULL, &err), IG_E_NOT_FOUND);
    check_fails(ig_store_event_add(s, j.id, IG_LEVEL_INFO, "\xc3(", NULL, &err), IG_E_FORMAT);
    check_fails(ig_store_event_add(s, j.id, IG_LEVEL_INFO, "x", "nope", &err), IG_E_FORMAT);
    check_ok(ig_store_checkpoint_add(s, j.id, 10, "models/a/10", "{\"loss\":1}", &err));
    check_ok(ig_store_checkpoint_add(s, j.id, 20, "models/a/20", NULL, &err));
    check_fails(ig_store_checkpoint_add(s, j.id, 20, "models/a/20", NULL, &err), IG_E_EXISTS);
    check_ok(ig_store_checkpoint_list(s, j.id, NULL, &c, &count, &more, &err));
    assert_int_equal(count, 2);
    assert_int_equal(c[0].step, 20);
    ig_store_checkpoints_free(c, count);
    ig_store_job_fini(&j), ig_store_job_fini(&k);
    ig_store_close(s);
}

static void jobs_are_listed_by_kind(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store_job *list;
    size_t count;
    bool more;
    ig_store *s = open_store("list");
    for (int i = 0; i < 25; i++) {
        ig_store_job j = new_job(s, i % 5 ? "train" : "batch", 0);
        ig_store_job_fini(&j);
    }
    check_ok(ig_store_job_list(s, NULL, NULL, &list, &count, &more, &err));
    assert_int_equal(count, 20);
    assert_true(more);
    ig_store_jobs_free(list, count);
    check_ok(ig_store_job_list(s, "batch", NULL, &list, &count, &more, &err));
    assert_int_equal(count, 5);
    ig_store_jobs_free(list, count);
    ig_store_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(job_goes_from_queued_to_succeeded), cmocka_unit_test(cancelling_stops_what_waits_and_asks_what_runs),
        cmocka_unit_test(job_of_a_dead_process_is_tried_again_and_then_failed),
        cmocka_unit_test(events_and_checkpoints_are_told_in_order), cmocka_unit_test(jobs_are_listed_by_kind),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
