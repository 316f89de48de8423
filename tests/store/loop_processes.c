/* tests/store/loop_processes.c: the loop's part of a store under several processes, kill -9, backup and restore.
 *
 * A killed writer tells through a pipe which interactions were acknowledged to it: all of them must be there afterwards.  The number
 * of kills is the second argument (tests/long/kill_loop_store.sh asks for more).
 */
#include "folder.h"

#include "ingot/loop_store.h"

static int kills = 10;

static ig_store *open_in_child(const char *name) {
    ig_store *s = NULL;
    ig_error err = {0};
    if (ig_store_open(at(name), &(ig_store_opts){.quick = true}, &s, &err) == IG_OK) return s;
    fprintf(stderr, "%s\n", err.message);
    _exit(100);
}

static ig_store_feature new_feature(ig_store *s, const char *name, int versions) {
    ig_error err = {0};
    ig_store_feature f;
    int64_t n;
    check_ok(ig_store_feature_new(s, name, "support", "{}", NULL, &f, &err));
    for (int i = 0; i < versions; i++) {
        check_ok(ig_store_feature_version_new(s, f.id, "new", 0, 1, NULL, &n, &err));
        check_ok(ig_store_feature_version_finish(s, f.id, n, IG_VERSION_COMPLETE, "{}", &err));
    }
    return f;
}

/* ---- the live pointer --------------------------------------------------------------------------------------------- */

/* Tries forty times to move it from where it was seen; exit code: how often it was the one who did. */
static pid_t start_mover(const char *name, const char *feature) {
    pid_t child = fork();
    if (child != 0) return child;
    int moved = 0;
    ig_store *s = open_in_child(name);
    for (int i = 0; i < 40; i++) {
        ig_store_feature f;
        if (ig_store_feature_get_id(s, feature, &f, NULL) != IG_OK) _exit(101);
        ig_status status = ig_store_feature_set_live(s, feature, f.live, f.live == 1 ? 2 : 1, "promote", NULL, NULL);
        if (status != IG_OK && status != IG_E_STATE) _exit(102);
        moved += status == IG_OK;
        ig_store_feature_fini(&f);
    }
    _exit(moved);
}

static void live_pointer_is_moved_by_one_at_a_time(void **state) {
    (void)state;
    ig_error err = {0};
    int total = 0, status;
    int64_t before, after;
    ig_store *s = open_store("move");
    ig_store_feature f = new_feature(s, "desk", 2);
    check_ok(ig_store_feature_set_live(s, f.id, 0, 1, "publish", NULL, &err));
    check_ok(ig_store_feature_revision(s, f.id, &before, &err));
    pid_t mover[2] = {start_mover("move", f.id), start_mover("move", f.id)};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waitpid(mover[i], &status, 0), mover[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) > 0 && WEXITSTATUS(status) <= 40);
        total += WEXITSTATUS(status);
    }
    check_ok(ig_store_feature_revision(s, f.id, &after, &err));
    assert_int_equal(after - before, total);
    ig_store_feature_fini(&f);
    check_ok(ig_store_feature_get(s, "desk", &f, &err));
    assert_int_equal(f.live, 1 + total % 2);
    check_ok(ig_store_audit_check(s, NULL, NULL, &err));
    ig_store_feature_fini(&f);
    ig_store_close(s);
}

/* ---- kill -9 ------------------------------------------------------------------------------------------------------ */

/* Half of them as a reader of answers would: with a like.  Told is the id, after both were acknowledged. */
static void talk_until_killed(const char *feature, int fd) {
    ig_store *s = open_in_child("kill");
    for (int k = 0;; k++) {
        ig_store_interaction i = {.outcome = "answered", .answer = NULL};
        ig_store_feedback f = {.type = "like", .user = "u"};
        snprintf(i.feature, sizeof i.feature, "%s", feature);
        if (ig_store_interaction_add(s, &i, NULL) != IG_OK) _exit(1);
        snprintf(f.interaction, sizeof f.interaction, "%s", i.id);
        if (k % 2 && ig_store_feedback_add(s, &f, NULL) != IG_OK) _exit(2);
        if (write(fd, i.id, sizeof i.id) != sizeof i.id) _exit(3);
    }
}

static void check_one(ig_store *s, const char *id, int *count) {
    ig_error err = {0};
    ig_store_interaction i;
    check_ok(ig_store_interaction_get(s, id, &i, &err));
    ig_store_interaction_fini(&i);
    ++*count;
}

/* first: an id that was read already, or "". */
static void check_acknowledged(const char *feature, int fd, const char *first, int *count) {
    ig_error err = {0};
    char id[IG_STORE_ID_SIZE];
    ig_store_said_count c;
    ig_store *s = open_store("kill");
    int before = *count;
    if (*first) check_one(s, first, count);
    while (read(fd, id, sizeof id) == sizeof id) check_one(s, id, count);
    check_ok(ig_store_said_count_get(s, feature, 0, 0, 0, &c, &err));
    assert_true(c.interactions >= *count && c.likes >= (*count - before) / 2);
    ig_store_close(s);
}

static void acknowledged_interactions_survive_kill_9(void **state) {
    (void)state;
    int acknowledged = 0, status;
    ig_store *s = open_store("kill");
    ig_store_feature f = new_feature(s, "desk", 0);
    ig_store_close(s);
    for (int round = 0; round < kills; round++) {
        int fd[2];
        char first[IG_STORE_ID_SIZE] = "";
        assert_int_equal(pipe(fd), 0);
        pid_t child = fork();
        if (child == 0) talk_until_killed(f.id, fd[1]);
        close(fd[1]);
        if (round % 4 && read(fd[0], first, sizeof first) != sizeof first) fail_msg("the writer wrote nothing"); /* else: as it opens */
        usleep((useconds_t)(round * 7919 % 40 * 1000));
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        check_acknowledged(f.id, fd[0], first, &acknowledged);
        close(fd[0]);
    }
    print_message("%d kills, %d acknowledged\n", kills, acknowledged);
    assert_true(acknowledged > 0);
    ig_store_feature_fini(&f);
}

/* ---- backup ------------------------------------------------------------------------------------------------------- */

static ig_status count_item(void *arg, const ig_store_item *item, ig_error *err) {
    (void)item, (void)err;
    ++*(int *)arg;
    return IG_OK;
}

static void add_item(ig_store *s, const char *feature, const char *id, const char *body) {
    ig_error err = {0};
    ig_store_items *w;
    check_ok(ig_store_items_open(s, feature, NULL, &w, &err));
    check_ok(ig_store_items_put(w, &(ig_store_item){.id = id, .body = body}, NULL, &err));
    check_ok(ig_store_items_commit(w, NULL, &err));
    ig_store_items_close(w);
}

static void check_backup_content(ig_store *s, const ig_store_feature *was, const char *said, const char *token) {
    ig_error err = {0};
    ig_store_feature f;
    ig_store_interaction i;
    int64_t total;
    int count = 0;
    char payload[50];
    check_ok(ig_store_feature_get(s, "desk", &f, &err));
    assert_string_equal(f.id, was->id);
    assert_int_equal(f.live, 1);
    assert_int_equal(f.content, 1);
    ig_store_feature_fini(&f);
    check_ok(ig_store_item_find(s, was->id, "refund", 0, 10, count_item, &count, &total, &err));
    assert_int_equal(total, 1);
    check_ok(ig_store_item_find(s, was->id, "later", 0, 10, count_item, &count, &total, &err));
    assert_int_equal(total, 0);
    check_ok(ig_store_interaction_get(s, said, &i, &err));
    ig_store_interaction_fini(&i);
    check_ok(ig_store_signed(s, token, payload, sizeof payload, &err));
    check_ok(ig_store_audit_check(s, NULL, NULL, &err));
}

static void backup_keeps_the_loop(void **state) {
    (void)state;
    ig_error err = {0};
    char token[200];
    ig_store *s = open_store("kept");
    ig_store_feature f = new_feature(s, "desk", 1);
    ig_store_interaction i = {.outcome = "answered"};
    snprintf(i.feature, sizeof i.feature, "%s", f.id);
    check_ok(ig_store_feature_set_live(s, f.id, 0, 1, "publish", NULL, &err));
    add_item(s, f.id, "a", "{\"t\":\"refund by card\"}");
    check_ok(ig_store_interaction_add(s, &i, &err));
    check_ok(ig_store_sign(s, "p", token, sizeof token, &err));
    check_ok(ig_store_backup(s, at("kept.backup"), &err));
    add_item(s, f.id, "b", "{\"t\":\"later than the backup\"}");
    check_ok(ig_store_feature_remove(s, f.id, NULL, &err));
    check_ok(ig_store_feature_sweep(s, NULL, &err));
    ig_store_close(s);
    check_ok(ig_store_restore(at("kept"), at("kept.backup"), &err));
    s = open_store("kept");
    check_backup_content(s, &f, i.id, token);
    add_item(s, f.id, "c", "{\"t\":\"refund again\"}"); /* the index goes on where the backup was */
    int count = 0;
    int64_t total;
    check_ok(ig_store_item_find(s, f.id, "refund", 0, 10, count_item, &count, &total, &err));
    assert_int_equal(total, 2);
    ig_store_feature_fini(&f);
    ig_store_close(s);
}

int main(int argc, char **argv) {
    if (argc > 2) kills = atoi(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_pointer_is_moved_by_one_at_a_time),
        cmocka_unit_test(acknowledged_interactions_survive_kill_9),
        cmocka_unit_test(backup_keeps_the_loop),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
