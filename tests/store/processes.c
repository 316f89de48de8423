/* tests/store/processes.c: several processes with one store; processes that are killed; a disk that gets full.
 *
 * A killed writer tells through a pipe what was acknowledged to it: all of that must be there afterwards.  The number of
 * kills is the second argument (tests/long/kill_store.sh asks for more).
 */
#include "folder.h"

#include <pthread.h>
#include <sys/resource.h>

static int kills = 20;

static ig_store *open_in_child(const char *name, bool quick) {
    ig_store *s = NULL;
    ig_error err = {0};
    if (ig_store_open(at(name), &(ig_store_opts){.quick = quick}, &s, &err) != IG_OK) {
        fprintf(stderr, "%s\n", err.message);
        _exit(10);
    }
    return s;
}

static void expect_good(pid_t child) {
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Each takes jobs until none is left; exit code: how many it got. */
static pid_t start_worker(const char *name) {
    pid_t child = fork();
    if (child != 0) return child;
    ig_store *s = open_in_child(name, true);
    ig_store_job j;
    int got = 0;
    while (ig_store_job_claim(s, NULL, &j, NULL) == IG_OK) {
        if (ig_store_job_finish(s, j.id, IG_JOB_SUCCEEDED, NULL, NULL, NULL) != IG_OK) _exit(100);
        ig_store_job_fini(&j);
        got++;
    }
    _exit(got);
}

static void job_is_claimed_once(void **state) {
    (void)state;
    ig_error err = {0};
    enum { JOBS = 40, WORKERS = 3 };
    pid_t worker[WORKERS];
    int total = 0;
    ig_store *s = open_store("claim");
    for (int i = 0; i < JOBS; i++) {
        ig_store_job j;
        check_ok(ig_store_job_new(s, "t", "{}", 0, &j, &err));
        ig_store_job_fini(&j);
    }
    for (int i = 0; i < WORKERS; i++) worker[i] = start_worker("claim");
    for (int i = 0; i < WORKERS; i++) {
        int status = -1;
        waitpid(worker[i], &status, 0);
        assert_true(WIFEXITED(status));
        total += WEXITSTATUS(status);
    }
    assert_int_equal(total, JOBS);
    ig_store_close(s);
}

static void two_processes_make_and_fill_one_store(void **state) {
    (void)state;
    ig_error err = {0};
    int64_t rows = 0;
    pid_t child[2];
    for (int i = 0; i < 2; i++) {
        if ((child[i] = fork()) != 0) continue;
        ig_store *s = open_in_child("both", false);
        ig_store_file f;
        char name[16];
        for (int k = 0; k < 20; k++) {
            snprintf(name, sizeof name, "same %d", k); /* equal contents from both */
            if (ig_store_file_new(s, name, "p", name, strlen(name), NULL, &f, &err) != IG_OK) _exit(1);
            if (k % 2 && ig_store_file_delete(s, f.id, NULL, &err) != IG_OK) _exit(2);
        }
        ig_store_close(s);
        _exit(0);
    }
    for (int i = 0; i < 2; i++) expect_good(child[i]);
    ig_store *s = open_store("both");
    ig_store_file *list;
    size_t count;
    bool more;
    check_ok(ig_store_audit_check(s, &rows, NULL, &err));
    assert_int_equal(rows, 60);
    check_ok(ig_store_file_list(s, NULL, &(ig_store_page){.limit = 100}, &list, &count, &more, &err));
    assert_int_equal(count, 20);
    for (size_t i = 0; i < count; i++) assert_true(has_content(s, &list[i], list[i].filename));
    ig_free(list);
    ig_store_close(s);
}

/* ---- threads ------------------------------------------------------------------------------------------------------ */

static void *write_and_read(void *arg) {
    ig_store *s = arg;
    ig_store_job *list;
    size_t count;
    bool more, good = true;
    for (int i = 0; i < 30 && good; i++) {
        ig_store_job j;
        good = ig_store_job_new(s, "t", "{}", 0, &j, NULL) == IG_OK && ig_store_event_add(s, j.id, IG_LEVEL_INFO, "m", NULL, NULL) == IG_OK &&
               ig_store_job_list(s, "t", NULL, &list, &count, &more, NULL) == IG_OK && count > 0;
        if (good) ig_store_jobs_free(list, count);
        ig_store_job_fini(&j);
    }
    return good ? s : NULL;
}

static void threads_share_a_handle(void **state) {
    (void)state;
    ig_error err = {0};
    pthread_t thread[4];
    ig_store_job *list;
    size_t count;
    bool more;
    ig_store *s = open_store("threads");
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, write_and_read, s), 0);
    for (int i = 0; i < 4; i++) {
        void *good = NULL;
        pthread_join(thread[i], &good);
        assert_ptr_equal(good, s);
    }
    check_ok(ig_store_job_list(s, NULL, &(ig_store_page){.limit = 1000}, &list, &count, &more, &err));
    assert_int_equal(count, 120);
    ig_store_jobs_free(list, count);
    ig_store_close(s);
}

/* ---- kill -9 ----------------------------------------------------------------------------------------------------- */

/* Writes, and tells the id of every file that was acknowledged, until it is killed. */
static void write_until_killed(int fd) {
    ig_store *s = open_in_child("kill", false);
    ig_store_file f;
    char text[32];
    for (int i = 0;; i++) {
        snprintf(text, sizeof text, "%d %d", (int)getpid(), i);
        if (ig_store_file_new(s, text, "p", text, strlen(text), NULL, &f, NULL) != IG_OK) _exit(1);
        if (write(fd, f.id, sizeof f.id) != sizeof f.id) _exit(2);
    }
}

static void check_one(ig_store *s, const char *id, int *count) {
    ig_error err = {0};
    ig_store_file f;
    check_ok(ig_store_file_get(s, id, &f, &err));
    assert_true(has_content(s, &f, f.filename));
    ++*count;
}

/* first: an id that was read already, or "". */
static void check_acknowledged(int fd, const char *first, int *count) {
    ig_error err = {0};
    char id[IG_STORE_ID_SIZE];
    ig_store *s = open_store("kill");
    if (*first) check_one(s, first, count);
    while (read(fd, id, sizeof id) == sizeof id) check_one(s, id, count);
    check_ok(ig_store_audit_check(s, NULL, NULL, &err));
    ig_store_close(s);
}

static void acknowledged_writes_survive_kill_9(void **state) {
    (void)state;
    int acknowledged = 0;
    for (int round = 0; round < kills; round++) {
        int fd[2], status;
        char first[IG_STORE_ID_SIZE] = "";
        assert_int_equal(pipe(fd), 0);
        pid_t child = fork();
        if (child == 0) write_until_killed(fd[1]);
        close(fd[1]);
        if (round % 4 && read(fd[0], first,
                              sizeof first) != sizeof first) fail_msg("the writer wrote nothing"); /* else: while it opens */
        usleep((useconds_t)(round * 7919 % 40 * 500));
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        check_acknowledged(fd[0], first, &acknowledged);
        close(fd[0]);
    }
    print_message("%d kills, %d acknowledged\n", kills, acknowledged);
    assert_true(acknowledged > 0);
}

/* ---- a full disk ------------------------------------------------------------------------------------------------- */

/* The limit on the size of a file stands in for the end of the disk. */
static void fill_the_disk(const char *name) {
    ig_store *s = open_in_child(name, true);
    ig_error err = {0};
    ig_store_file f;
    int i = 0;
    static char big[2000000];
    char text[32];
    memset(big, 'a', sizeof big);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 1500000, .rlim_max = 1500000});
    if (ig_store_file_new(s, "big", "p", big, sizeof big, NULL, &f, &err) != IG_E_IO) _exit(1);
    ig_status status = IG_OK;
    for (; i < 2000 && status == IG_OK; i++) {
        snprintf(text, sizeof text, "%d", i);
        status = ig_store_file_new(s, text, "p", text, strlen(text), NULL, &f, &err);
    }
    bool told = status == IG_E_IO && strstr(err.message, "nothing was changed");
    if (!told) fprintf(stderr, "%s: %s\n", ig_status_name(status), err.message);
    if (ig_store_file_get(s, f.id, &f, &err) != IG_OK) _exit(2); /* reading goes on, and the last good one is there */
    _exit(told ? 0 : 3);
}

static void full_disk_is_an_error_and_nothing_is_lost(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store *s = open_store("full");
    pid_t child = fork();
    if (child == 0) fill_the_disk("full");
    expect_good(child);
    int64_t rows;
    check_ok(ig_store_audit_check(s, &rows, NULL, &err));
    assert_true(rows > 0);
    ig_store_file f = new_file(s, "after", "room again");
    ig_store_close(s);
    s = open_store("full");
    assert_true(has_content(s, &f, "room again"));
    ig_store_close(s);
}

int main(int argc, char **argv) {
    if (argc > 2) kills = atoi(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(job_is_claimed_once), cmocka_unit_test(two_processes_make_and_fill_one_store),
        cmocka_unit_test(threads_share_a_handle),
        cmocka_unit_test(acknowledged_writes_survive_kill_9), cmocka_unit_test(full_disk_is_an_error_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
