/* server/jobs.c: runs jobs, one at a time, each in a process of its own that runs this program.
 *
 *     fine_tuning     ingot train JOB.yaml            the recipe is written before, the model taken over afterwards
 *     new, improve    ingot new|improve --job JOB     the process takes its job over, tells its progress, and ends the job itself
 *
 *     WORKSPACE/jobs/JOB.yaml   the recipe
 *               jobs/JOB.log    what the process wrote; its last line is the error of a job that failed
 *               jobs/JOB.pid    the process that trains
 *               jobs/up-…/      files that a request brought; gone when the job has ended
 *
 * The row of the store has the id of a process: if that is killed, the next server settles the job.  A fine-tuning job goes on
 * from the newest checkpoint of its run, also when the server was only stopped.  A training process may outlive a server that
 * was killed; it is stopped first (stop_orphan).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/server.h"

#define LOOK_EVERY_MS 200
#define ORPHAN_PATIENCE 150 /* looks until an orphan is killed */
#define LOG_BYTES_MAX ((size_t)64 << 20)

extern char **environ;

struct jobs {
    ig_server *s;
    pthread_t thread;
    bool has_thread, closing;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

static bool wait_a_little(jobs *j) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_EVERY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L, until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&j->lock);
    if (!j->closing) pthread_cond_timedwait(&j->wake, &j->lock, &until);
    bool closing = j->closing;
    pthread_mutex_unlock(&j->lock);
    return !closing;
}

/* ---- the process ------------------------------------------------------------------------------------------------------------------------ */

typedef struct job_paths {
    char recipe[IG_PATH_MAX], log[IG_PATH_MAX], pid[IG_PATH_MAX];
} job_paths;

static ig_status find_paths(jobs *j, const ig_store_job *job, job_paths *at, ig_error *err) {
    char dir[IG_PATH_MAX], name[IG_STORE_ID_SIZE + 8];
    IG_TRY(ig_path_join(dir, sizeof dir, j->s->o.workspace, "jobs", err));
    IG_TRY(ig_dir_make(dir, err));
    snprintf(name, sizeof name, "%s.yaml", job->id);
    IG_TRY(ig_path_join(at->recipe, sizeof at->recipe, dir, name, err));
    snprintf(name, sizeof name, "%s.pid", job->id);
    IG_TRY(ig_path_join(at->pid, sizeof at->pid, dir, name, err));
    snprintf(name, sizeof name, "%s.log", job->id);
    return ig_path_join(at->log, sizeof at->log, dir, name, err);
}

/* Numbers of processes are used again: it must be one that trains this recipe. */
static bool is_training(long pid, const job_paths *at) {
    char path[64];
    ig_buf line = {.max = 1 << 16};
    snprintf(path, sizeof path, "/proc/%ld/cmdline", pid);
    bool found = ig_file_read(path, line.max, &line, NULL) == IG_OK && line.len && memmem(line.data, line.len, at->recipe, strlen(at->recipe));
    ig_buf_fini(&line);
    return found;
}

/* What an earlier server has left running holds the run's lock; it writes a checkpoint and ends. */
static void stop_orphan(const job_paths *at) {
    ig_buf text = {.max = 32};
    long pid = ig_file_read(at->pid, text.max, &text, NULL) == IG_OK && text.len ? strtol(text.data, NULL, 10) : 0;
    ig_buf_fini(&text);
    for (int i = 0; pid > 1 && is_training(pid, at); i++) {
        (void)kill((pid_t)pid, i < ORPHAN_PATIENCE ? SIGTERM : SIGKILL);
        usleep(LOOK_EVERY_MS * 1000);
    }
}

static void note_pid(const job_paths *at, pid_t pid) {
    char text[24];
    int n = snprintf(text, sizeof text, "%ld\n", (long)pid);
    (void)ig_file_write(at->pid, text, (size_t)n, NULL); /* without it a killed server's job waits for its lock in vain, and fails */
}

static bool is_tuning(const ig_store_job *job) { return strcmp(job->kind, JOB_FINE_TUNING) == 0; }
static bool is_known(const ig_store_job *job) {
    return is_tuning(job) || strcmp(job->kind, JOB_NEW) == 0 || strcmp(job->kind, JOB_IMPROVE) == 0;
}

static ig_status spawn(jobs *j, const char *const *args, const char *log, pid_t *pid, ig_error *err) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    int bad = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!bad) bad = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!bad) bad = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (!bad) bad = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (!bad) bad = posix_spawn(pid, j->s->o.program, &actions, NULL, (char *const *)(uintptr_t)args, environ);
    posix_spawn_file_actions_destroy(&actions);
    errno = bad;
    return bad ? ig_error_errno(err, "%s could not be started", j->s->o.program) : IG_OK;
}

static ig_status start(jobs *j, const ig_store_job *job, const job_paths *at, pid_t *pid, ig_error *err) {
    const char *program = j->s->o.program, *workspace = j->s->o.workspace;
    const char *const tuning[] = {program, "train", at->recipe, "-C", workspace, "--resume", NULL};
    const char *const loop[] = {program, job->kind, "--job", job->id, "--lang", "en", "-C", workspace, NULL};
    return spawn(j, is_tuning(job) ? tuning : loop, at->log, pid, err);
}

/* Why it was asked to stop. */
typedef enum job_stop { JOB_RUNS, JOB_CANCELLED, JOB_SERVER_CLOSES } job_stop;

/* Until it ends, by itself or because it was asked to. */
static int attend(jobs *j, const ig_store_job *job, tuning_log *log, pid_t pid, job_stop *stop) {
    int status = 0;
    *stop = JOB_RUNS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        bool closing = !wait_a_little(j), cancel = false;
        (void)ig_store_job_heartbeat(j->s->store, job->id, &cancel, NULL);
        if (log) (void)tuning_log_look(log);
        if (*stop == JOB_RUNS && (cancel || closing)) {
            *stop = cancel ? JOB_CANCELLED : JOB_SERVER_CLOSES;
            (void)kill(pid, SIGTERM); /* it writes a checkpoint first */
        }
        if (closing) usleep(LOOK_EVERY_MS * 100);
    }
    return status;
}

/* ---- its end ---------------------------------------------------------------------------------------------------------------------------- */

/* The last line that says something. */
static void last_words(const char *path, char *out, size_t size) {
    ig_buf text = {.max = LOG_BYTES_MAX};
    snprintf(out, size, "the process ended with an error and wrote nothing");
    if (ig_file_read(path, LOG_BYTES_MAX, &text, NULL) == IG_OK && text.data) {
        char *found = strstr(text.data, "ingot: ");
        if (found) snprintf(out, size, "%.*s", (int)strcspn(found + 7, "\n"), found + 7);
    }
    ig_buf_fini(&text);
}

/* Has the process ended its job itself? */
static bool has_ended(jobs *j, const ig_store_job *job) {
    ig_store_job now = {0};
    if (ig_store_job_get(j->s->store, job->id, &now, NULL) != IG_OK) return false;
    bool ended = now.status > IG_JOB_RUNNING;
    ig_store_job_fini(&now);
    return ended;
}

/* Remove what a request brought: a folder "up-…" of jobs/, whatever the row says. */
static void remove_uploads(jobs *j, const ig_store_job *job) {
    ig_doc *d = NULL;
    char dir[IG_PATH_MAX], path[IG_PATH_MAX];
    if (is_tuning(job) || ig_json_parse("job", job->spec, strlen(job->spec), &d, NULL) != IG_OK) return;
    const char *name = ig_path_base(ig_tree_text(ig_doc_root(d), "folder", ""));
    bool good = strncmp(name, "up-", 3) == 0 && ig_path_join(dir, sizeof dir, j->s->o.workspace, "jobs", NULL) == IG_OK;
    if (good && ig_path_join(path, sizeof path, dir, name, NULL) == IG_OK) (void)ig_dir_remove(path, NULL);
    ig_doc_free(d);
}

static ig_status finish(jobs *j, const ig_store_job *job, const job_paths *at, tuning_log *log, int status, job_stop stop, ig_error *err) {
    char words[512];
    ig_store *store = j->s->store;
    if (!is_tuning(job) && has_ended(j, job)) return IG_OK;
    if (log && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        (void)tuning_take_run(log, NULL); /* for people: the model is there without it */
        IG_TRY(ig_store_event_add(store, job->id, IG_LEVEL_INFO, "the new model is there", NULL, err));
        return ig_store_job_finish(store, job->id, IG_JOB_SUCCEEDED, "{}", NULL, err);
    }
    if (stop == JOB_SERVER_CLOSES && is_tuning(job)) { /* it stays a running job of a process that ends: the next server takes it up */
        ig_log_write(j->s->ctx, IG_LOG_WARN, "job %s was interrupted; it goes on when the server is started again", job->id);
        return ig_store_event_add(store, job->id, IG_LEVEL_WARN, "the server was stopped; the job goes on when it is started again", NULL, err);
    }
    if (stop != JOB_RUNS) {
        IG_TRY(ig_store_event_add(store, job->id, IG_LEVEL_INFO, stop == JOB_CANCELLED ? "the job was cancelled" : "the server was stopped; start the job again", NULL, err));
        return ig_store_job_finish(store, job->id, IG_JOB_CANCELLED, NULL, NULL, err);
    }
    last_words(at->log, words, sizeof words);
    IG_TRY(ig_store_event_add(store, job->id, IG_LEVEL_ERROR, words, NULL, err));
    return ig_store_job_finish(store, job->id, IG_JOB_FAILED, NULL, words, err);
}

static const char *start_words(const ig_store_job *job) {
    if (!is_tuning(job)) return "started";
    return job->attempts > 1 ? "training goes on" : "training has started";
}

static void run_job(jobs *j, const ig_store_job *job) {
    job_paths at;
    tuning_log tuning, *log = is_tuning(job) ? &tuning : NULL;
    pid_t pid;
    job_stop stop = JOB_RUNS;
    ig_error err = {0};
    ig_status s = is_known(job) ? find_paths(j, job, &at, &err) : ig_error_set(&err, IG_E_UNSUPPORTED, "this program runs no %s", job->kind);
    if (s == IG_OK && log) s = tuning_write_recipe(j->s, job, at.recipe, &err);
    if (s == IG_OK && log && job->attempts > 1) stop_orphan(&at);
    if (s == IG_OK && log) s = tuning_log_open(j->s, job, log, &err);
    if (s == IG_OK) s = start(j, job, &at, &pid, &err);
    if (s == IG_OK && is_tuning(job)) note_pid(&at, pid);
    if (s == IG_OK) {
        (void)ig_store_event_add(j->s->store, job->id, IG_LEVEL_INFO, start_words(job), NULL, NULL);
        int status = attend(j, job, log, pid, &stop);
        s = finish(j, job, &at, log, status, stop, &err);
    } else {
        s = ig_store_job_finish(j->s->store, job->id, IG_JOB_FAILED, NULL, err.message, &err);
    }
    remove_uploads(j, job);
    if (s != IG_OK) ig_log_write(j->s->ctx, IG_LOG_ERROR, "job %s: %s", job->id, err.message);
}

/* ---- the thread --------------------------------------------------------------------------------------------------------------------------- */

static void *work(void *arg) {
    jobs *j = arg;
    while (wait_a_little(j)) {
        ig_store_job job = {0};
        if (ig_store_job_claim(j->s->store, NULL, &job, NULL) != IG_OK) continue;
        run_job(j, &job);
        ig_store_job_fini(&job);
    }
    return NULL;
}

ig_status jobs_open(ig_server *s, jobs **out, ig_error *err) {
    *out = NULL;
    if (!s->store || !s->o.program) return IG_OK;
    jobs *j = *out = ig_calloc(1, sizeof *j);
    if (!j) return ig_error_nomem(err, sizeof *j);
    j->s = s;
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, NULL);
    if (pthread_create(&j->thread, NULL, work, j) != 0) return ig_error_set(err, IG_E_LIMIT, "no thread could be started");
    j->has_thread = true;
    return IG_OK;
}

void jobs_wake(jobs *j) {
    if (!j) return;
    pthread_mutex_lock(&j->lock);
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
}

void jobs_close(jobs *j) {
    if (!j) return;
    pthread_mutex_lock(&j->lock);
    j->closing = true;
    pthread_cond_broadcast(&j->wake);
    pthread_mutex_unlock(&j->lock);
    if (j->has_thread) pthread_join(j->thread, NULL);
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->lock);
    ig_free(j);
}
