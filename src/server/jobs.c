/* server/jobs.c: runs fine-tuning jobs, one at a time: `ingot train RECIPE` in a process of its own.
 *
 *     WORKSPACE/jobs/JOB.yaml   the recipe
 *               jobs/JOB.log    what the process wrote; its last line is the error of a job that failed
 *               jobs/JOB.pid    the process that trains
 *               models/NAME/    the new model
 *
 * The row of the store has this process's id: if the server is killed or stopped, the next one goes on with the job from the
 * newest checkpoint of its run.  A training process may outlive a server that was killed; it is stopped first (stop_orphan).
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

#define LOOK_EVERY_MS 500
#define ORPHAN_PATIENCE 60 /* looks until an orphan is killed */
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

static ig_status path_of_file(jobs *j, const ig_tree *id, char *path, size_t size, ig_error *err) {
    ig_store_file f;
    path[0] = '\0';
    if (!id) return IG_OK;
    IG_TRY(ig_store_file_get(j->s->store, id->text, &f, err));
    return ig_store_file_path(j->s->store, &f, path, size, err);
}

static ig_status write_recipe(jobs *j, const ig_store_job *job, const job_paths *at, ig_error *err) {
    char training[IG_PATH_MAX], validation[IG_PATH_MAX];
    ig_doc *d = NULL;
    ig_buf text = {.max = IG_RECIPE_BYTES_MAX};
    IG_TRY(ig_json_parse("job", job->spec, strlen(job->spec), &d, err));
    const ig_tree *spec = ig_doc_root(d);
    ig_status s = path_of_file(j, field_get(spec, "training_file"), training, sizeof training, err);
    if (s == IG_OK) s = path_of_file(j, field_get(spec, "validation_file"), validation, sizeof validation, err);
    if (s == IG_OK) s = job_recipe(spec, training, validation[0] ? validation : NULL, &text, err);
    if (s == IG_OK) s = ig_file_write(at->recipe, text.data, text.len, err);
    ig_buf_fini(&text);
    ig_doc_free(d);
    return s;
}

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

static ig_status start(jobs *j, const job_paths *at, pid_t *pid, ig_error *err) {
    char *args[] = {(char *)(uintptr_t)j->s->o.program, (char *)(uintptr_t)"train", (char *)(uintptr_t)at->recipe, (char *)(uintptr_t)"-C",
                    (char *)(uintptr_t)j->s->o.workspace,
                    (char *)(uintptr_t)"--resume", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    int bad = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!bad) bad = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, at->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!bad) bad = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (!bad) bad = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (!bad) bad = posix_spawn(pid, j->s->o.program, &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    errno = bad;
    return bad ? ig_error_errno(err, "ingot train could not be started") : IG_OK;
}

/* Why it was asked to stop. */
typedef enum job_stop { JOB_RUNS, JOB_CANCELLED, JOB_SERVER_CLOSES } job_stop;

/* Until it ends, by itself or because it was asked to. */
static int attend(jobs *j, const ig_store_job *job, pid_t pid, job_stop *stop) {
    int status = 0;
    *stop = JOB_RUNS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        bool closing = !wait_a_little(j), cancel = false;
        (void)ig_store_job_heartbeat(j->s->store, job->id, &cancel, NULL);
        if (*stop == JOB_RUNS && (cancel || closing)) {
            *stop = cancel ? JOB_CANCELLED : JOB_SERVER_CLOSES;
            (void)kill(pid, SIGTERM); /* it writes a checkpoint first */
        }
        if (closing) usleep(LOOK_EVERY_MS * 100);
    }
    return status;
}

/* ---- what the run has logged ------------------------------------------------------------------------------------------------------------- */

static void tell_loss(jobs *j, const ig_store_job *job, const ig_tree *line) {
    char text[128];
    if (!ig_tree_get(line, "eval_loss")) return;
    snprintf(text, sizeof text, "step %lld of %lld: validation loss %.4f", (long long)ig_tree_int(line, "current_steps", 0),
             (long long)ig_tree_int(line, "total_steps", 0), ig_tree_real(line, "eval_loss", 0));
    (void)ig_store_event_add(j->s->store, job->id, IG_LEVEL_INFO, text, NULL, NULL);
}

/* The evaluations in models/NAME/run/log.jsonl as events; *last is the last step. */
static void tell_log(jobs *j, const ig_store_job *job, const char *text, int64_t *last) {
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, "\n");
        ig_doc *d = NULL;
        if (ig_json_parse("log", at, len, &d, NULL) == IG_OK) {
            tell_loss(j, job, ig_doc_root(d));
            *last = ig_tree_int(ig_doc_root(d), "current_steps", *last);
            ig_doc_free(d);
        }
        at += len + (at[len] != 0);
    }
}

/* The new model is the checkpoint of the last step. */
static ig_status take_run(jobs *j, const ig_store_job *job, ig_error *err) {
    char model[IG_PATH_MAX], path[IG_PATH_MAX];
    ig_doc *d = NULL;
    ig_buf text = {.max = LOG_BYTES_MAX};
    int64_t last = 0;
    IG_TRY(ig_path_join(path, sizeof path, j->s->o.workspace, "models", err));
    IG_TRY(ig_json_parse("job", job->spec, strlen(job->spec), &d, err));
    ig_status s = ig_path_join(model, sizeof model, path, ig_tree_text(ig_doc_root(d), "result", ""), err);
    ig_doc_free(d);
    if (s == IG_OK) s = ig_path_join(path, sizeof path, model, "run/log.jsonl", err);
    if (s == IG_OK) s = ig_file_read(path, LOG_BYTES_MAX, &text, err);
    if (s == IG_OK) tell_log(j, job, text.data ? text.data : "", &last);
    ig_buf_fini(&text);
    return s == IG_OK ? ig_store_checkpoint_add(j->s->store, job->id, last, model, NULL, err) : s;
}

/* ---- its end ---------------------------------------------------------------------------------------------------------------------------- */

/* The last line that says something. */
static void last_words(const char *path, char *out, size_t size) {
    ig_buf text = {.max = LOG_BYTES_MAX};
    snprintf(out, size, "training ended with an error and wrote nothing");
    if (ig_file_read(path, LOG_BYTES_MAX, &text, NULL) == IG_OK && text.data) {
        char *found = strstr(text.data, "ingot: ");
        if (found) snprintf(out, size, "%.*s", (int)strcspn(found + 7, "\n"), found + 7);
    }
    ig_buf_fini(&text);
}

static ig_status finish(jobs *j, const ig_store_job *job, const job_paths *at, int status, job_stop stop, ig_error *err) {
    char words[512];
    ig_store *store = j->s->store;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        (void)take_run(j, job, NULL); /* for people: the model is there without it */
        IG_TRY(ig_store_event_add(store, job->id, IG_LEVEL_INFO, "the new model is there", NULL, err));
        return ig_store_job_finish(store, job->id, IG_JOB_SUCCEEDED, "{}", NULL, err);
    }
    if (stop == JOB_SERVER_CLOSES) { /* it stays a running job of a process that ends: the next server takes it up */
        ig_log_write(j->s->ctx, IG_LOG_WARN, "job %s was interrupted; it goes on when the server is started again", job->id);
        return ig_store_event_add(store, job->id, IG_LEVEL_WARN, "the server was stopped; the job goes on when it is started again", NULL, err);
    }
    if (stop == JOB_CANCELLED) {
        IG_TRY(ig_store_event_add(store, job->id, IG_LEVEL_INFO, "the job was cancelled", NULL, err));
        return ig_store_job_finish(store, job->id, IG_JOB_CANCELLED, NULL, NULL, err);
    }
    last_words(at->log, words, sizeof words);
    IG_TRY(ig_store_event_add(store, job->id, IG_LEVEL_ERROR, words, NULL, err));
    return ig_store_job_finish(store, job->id, IG_JOB_FAILED, NULL, words, err);
}

static void run_job(jobs *j, const ig_store_job *job) {
    job_paths at;
    pid_t pid;
    job_stop stop = JOB_RUNS;
    ig_error err = {0};
    ig_status s = find_paths(j, job, &at, &err);
    if (s == IG_OK) s = write_recipe(j, job, &at, &err);
    if (s == IG_OK && job->attempts > 1) stop_orphan(&at);
    if (s == IG_OK) s = start(j, &at, &pid, &err);
    if (s == IG_OK) note_pid(&at, pid);
    if (s == IG_OK) s = ig_store_event_add(j->s->store, job->id, IG_LEVEL_INFO, job->attempts > 1 ? "training goes on" : "training has started", NULL, NULL), s = IG_OK;
    if (s == IG_OK) {
        int status = attend(j, job, pid, &stop);
        s = finish(j, job, &at, status, stop, &err);
    } else {
        s = ig_store_job_finish(j->s->store, job->id, IG_JOB_FAILED, NULL, err.message, &err);
    }
    if (s != IG_OK) ig_log_write(j->s->ctx, IG_LOG_ERROR, "job %s: %s", job->id, err.message);
}

/* ---- the thread --------------------------------------------------------------------------------------------------------------------------- */

static void *work(void *arg) {
    jobs *j = arg;
    while (wait_a_little(j)) {
        ig_store_job job = {0};
        if (ig_store_job_claim(j->s->store, JOB_KIND, &job, NULL) != IG_OK) continue;
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
