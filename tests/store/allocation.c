/* tests/store/allocation.c: every call of ingot/store.h with its n-th allocation failing, n = 1, 2, 3 …
 *
 * A failure must be IG_E_NOMEM, and the store must be whole afterwards.  Those of the loop: loop_allocation.c.
 */
#include "walk.h"

static char key_id[IG_STORE_ID_SIZE], secret[IG_STORE_SECRET_SIZE], job_id[IG_STORE_ID_SIZE];
static ig_store_file kept;

static ig_status key_new(ig_store *s, ig_error *err) {
    char text[IG_STORE_SECRET_SIZE];
    return ig_store_key_new(s, &(ig_store_key_opts){.name = "n"}, text, NULL, err);
}

static ig_status key_find(ig_store *s, ig_error *err) {
    ig_store_key k;
    now_s += 60;
    return ig_store_key_find(s, secret, &k, err);
}

static ig_status key_list(ig_store *s, ig_error *err) {
    ig_store_key *list;
    size_t count;
    bool more;
    ig_status status = ig_store_key_list(s, &(ig_store_page){.after = key_id, .limit = 5, .oldest_first = true}, &list, &count,
                                         &more, err);
    ig_free(list);
    return status;
}

static ig_status key_revoke(ig_store *s, ig_error *err) {
    ig_store_key *list;
    size_t count;
    bool more;
    IG_TRY(ig_store_key_list(s, &(ig_store_page){.limit = 1}, &list, &count, &more, err));
    ig_status status = ig_store_key_revoke(s, list[0].id, NULL, err);
    ig_free(list);
    return status;
}

static ig_status file_new(ig_store *s, ig_error *err) {
    ig_store_file f;
    IG_TRY(ig_store_file_new(s, "f", "p", "content", 7, NULL, &f, err));
    return ig_store_file_delete(s, f.id, NULL, err);
}

static ig_status file_list(ig_store *s, ig_error *err) {
    ig_store_file *list, f;
    size_t count;
    bool more;
    IG_TRY(ig_store_file_get(s, kept.id, &f, err));
    IG_TRY(ig_store_file_set_status(s, kept.id, IG_FILE_PROCESSED, err));
    ig_status status = ig_store_file_list(s, "fine-tune", NULL, &list, &count, &more, err);
    ig_free(list);
    return status;
}

/* A job that a failure left running is settled first, so that the next claim finds its own. */
static ig_status job_life(ig_store *s, ig_error *err) {
    ig_store_job j;
    IG_TRY(ig_store_job_new(s, "life", "{}", 0, &j, err));
    ig_store_job_fini(&j);
    IG_TRY(ig_store_job_claim(s, "life", &j, err));
    ig_status status = ig_store_job_heartbeat(s, j.id, NULL, err);
    if (status == IG_OK) status = ig_store_job_adopt(s, j.id, err);
    if (status == IG_OK) status = ig_store_job_finish(s, j.id, IG_JOB_SUCCEEDED, "{}", NULL, err);
    ig_store_job_fini(&j);
    return status;
}

static ig_status job_cancel(ig_store *s, ig_error *err) {
    ig_store_job j;
    size_t settled;
    IG_TRY(ig_store_job_new(s, "stop", "{}", 0, &j, err));
    ig_status status = ig_store_job_cancel(s, j.id, NULL, err);
    ig_store_job_fini(&j);
    return status == IG_OK ? ig_store_job_recover(s, &settled, err) : status;
}

static ig_status job_list(ig_store *s, ig_error *err) {
    ig_store_job *list;
    size_t count;
    bool more;
    ig_status status = ig_store_job_list(s, NULL, &(ig_store_page){.limit = 3}, &list, &count, &more, err);
    ig_store_jobs_free(list, count);
    return status;
}

static ig_status job_events(ig_store *s, ig_error *err) {
    ig_store_event *list;
    size_t count;
    bool more;
    IG_TRY(ig_store_event_add(s, job_id, IG_LEVEL_INFO, "m", "{}", err));
    ig_status status = ig_store_event_list(s, job_id, &(ig_store_page){.limit = 3}, &list, &count, &more, err);
    ig_store_events_free(list, count);
    return status;
}

static ig_status job_checkpoints(ig_store *s, ig_error *err) {
    static int64_t step;
    ig_store_checkpoint *list;
    size_t count;
    bool more;
    IG_TRY(ig_store_checkpoint_add(s, job_id, step++, "p", "{}", err));
    ig_status status = ig_store_checkpoint_list(s, job_id, &(ig_store_page){.limit = 3}, &list, &count, &more, err);
    ig_store_checkpoints_free(list, count);
    return status;
}

static ig_status audit(ig_store *s, ig_error *err) {
    ig_store_audit *list;
    size_t count;
    bool more;
    IG_TRY(ig_store_audit_add(s, &(ig_store_audit_opts){.what = "w", .after = "{}"}, err));
    IG_TRY(ig_store_audit_check(s, NULL, NULL, err));
    ig_status status = ig_store_audit_list(s, 0, 3, &list, &count, &more, err);
    ig_store_audits_free(list, count);
    return status;
}

static ig_status open_again(ig_store *s, ig_error *err) {
    ig_store *other;
    (void)s;
    ig_status status = ig_store_open(at("store"), &(ig_store_opts){.now = test_now}, &other, err);
    assert_int_equal(status == IG_OK, other != NULL);
    ig_store_close(other);
    return status;
}

static ig_status open_new(ig_store *s, ig_error *err) {
    static int number;
    ig_store *other;
    char name[20];
    (void)s;
    snprintf(name, sizeof name, "new%d", number++ / 3); /* what a failure left is opened again */
    ig_status status = ig_store_open(at(name), &(ig_store_opts){.now = test_now}, &other, err);
    ig_store_close(other);
    return status;
}

static ig_status backup(ig_store *s, ig_error *err) { return ig_store_backup(s, at("b"), err); }
static ig_status restore(ig_store *s, ig_error *err) {
    (void)s;
    return ig_store_restore(at("restored"), at("b"), err);
}

static ig_store *store_with_rows(void) {
    ig_error err = {0};
    ig_store_key k;
    ig_store_job j;
    ig_store *s = open_store("store");
    check_ok(ig_store_key_new(s, &(ig_store_key_opts){.name = "kept"}, secret, &k, &err));
    check_ok(ig_store_job_new(s, "kept", "{}", 0, &j, &err));
    memcpy(key_id, k.id, sizeof key_id);
    memcpy(job_id, j.id, sizeof job_id);
    kept = new_file(s, "kept", "kept content");
    ig_store_job_fini(&j);
    return s;
}

static void every_call_survives_every_failure(void **state) {
    (void)state;
    static const struct { const char *name; step_fn *step; } calls[] = {
        {"key_new", key_new}, {"key_find", key_find}, {"key_list", key_list}, {"key_revoke", key_revoke}, {"file_new",
                                                                                                           file_new},
        {"file_list", file_list}, {"job_life", job_life}, {"job_cancel", job_cancel}, {"job_list", job_list}, {"job_events",
                                                                                                               job_events},
        {"job_checkpoints", job_checkpoints}, {"audit", audit}, {"open_again", open_again}, {"open_new", open_new}, {"backup",
                                                                                                                     backup},
        {"restore", restore},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        ig_error err = {0};
        ig_store_key k;
        ig_store *s = i ? open_store("store") : store_with_rows();
        walk(calls[i].name, s, calls[i].step);
        check_ok(ig_store_audit_check(s, NULL, NULL, &err));
        check_ok(ig_store_key_find(s, secret, &k, &err));
        assert_true(has_content(s, &kept, "kept content"));
        ig_store_close(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_survives_every_failure)};
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
