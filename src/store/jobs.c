/* store/jobs.c: what is to be done, who does it, and what came of it.
 *
 *     queued ──claim──► running ──finish──► succeeded · failed · cancelled
 *       │  ▲               │
 *       │  └── recover ────┤ its process is gone, attempts are left
 *       └─ cancel ─► cancelled            none left: failed
 *
 * A claim is a transaction: of several workers one gets the job.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static const char *const statuses[] = {"queued", "running", "succeeded", "failed", "cancelled", NULL};

const char *ig_store_job_status_name(ig_store_job_status s) { return (unsigned)s <= IG_JOB_CANCELLED ? statuses[s] : "?"; }

void ig_store_job_fini(ig_store_job *j) {
    ig_free(j->spec), ig_free(j->result), ig_free(j->error);
    *j = (ig_store_job){0};
}

static void fini_job(void *item) { ig_store_job_fini(item); }

void ig_store_jobs_free(ig_store_job *jobs, size_t count) {
    for (size_t i = 0; i < count; i++) ig_store_job_fini(&jobs[i]);
    ig_free(jobs);
}

static ig_status read_job(void *item, const store_value *v, ig_error *err) {
    ig_store_job *j = item;
    int status = 0;
    IG_TRY(store_get_text(j->id, sizeof j->id, &v[0], err));
    IG_TRY(store_get_text(j->kind, sizeof j->kind, &v[1], err));
    IG_TRY(store_get_word(statuses, &v[2], &status, err));
    IG_TRY(store_get_copy(&j->spec, &v[3], err));
    IG_TRY(store_get_copy(&j->result, &v[4], err));
    IG_TRY(store_get_copy(&j->error, &v[5], err));
    j->status = (ig_store_job_status)status;
    j->cancel = v[6].integer != 0, j->pid = v[7].integer;
    j->attempts = v[8].integer, j->attempts_max = v[9].integer;
    j->created_at = v[10].integer, j->started_at = v[11].integer;
    j->heartbeat_at = v[12].integer, j->finished_at = v[13].integer;
    return IG_OK;
}

static const store_list jobs = {
    .thing = "job", .seq = STORE_Q_JOB_SEQ, .newest = STORE_Q_JOB_NEWEST, .oldest = STORE_Q_JOB_OLDEST,
    .item_bytes = sizeof(ig_store_job), .read = read_job, .fini = fini_job,
};

ig_status ig_store_job_get(ig_store *s, const char *id, ig_store_job *out, ig_error *err) {
    pthread_mutex_lock(&s->lock);
    ig_status status = store_get(s, &jobs, STORE_Q_JOB_GET, id, out, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

ig_status ig_store_job_list(ig_store *s, const char *kind, const ig_store_page *page, ig_store_job **out, size_t *count,
                            bool *more, ig_error *err) {
    store_value filter = store_text(kind);
    return store_page(s, &jobs, &filter, page, out, count, more, err);
}

/* ---- new and claimed --------------------------------------------------------------------------------------------- */

/* What the transactions below are about; a field that one does not need is not set. */
typedef struct work {
    const char *id, *kind, *spec, *who, *result, *error;
    int attempts_max;
    ig_store_job_status status;
    bool cancel;
    ig_store_job *job;
} work;

static ig_status add_job(ig_store *s, void *arg, ig_error *err) {
    const work *w = arg;
    char id[IG_STORE_ID_SIZE];
    store_id_new("ftjob-", id);
    const store_value v[] = {store_text(id), store_text(w->kind), store_text(w->spec), store_int(w->attempts_max),
                             store_int(store_now(s))};
    IG_TRY(store_run(s, STORE_Q_JOB_ADD, v, 5, NULL, NULL, err));
    return store_get(s, &jobs, STORE_Q_JOB_GET, id, w->job, err);
}

/* A transaction that fills in w->job leaves it empty when it fails, at its end too. */
static ig_status write_job(ig_store *s, store_write_fn *fn, work *w, ig_error *err) {
    *w->job = (ig_store_job){0};
    ig_status status = store_write(s, fn, w, err);
    if (status != IG_OK) ig_store_job_fini(w->job);
    return status;
}

ig_status ig_store_job_new(ig_store *s, const char *kind, const char *spec, int attempts_max, ig_store_job *out,
                           ig_error *err) {
    *out = (ig_store_job){0};
    IG_TRY(store_check_name("the kind of the job", kind, IG_STORE_NAME_MAX, err));
    if (!spec) return ig_error_set(err, IG_E_ARG, "a job needs a spec");
    IG_TRY(store_check_json("spec", spec, err));
    if (attempts_max < 0 || attempts_max > 1000)
        return ig_error_set(err, IG_E_ARG, "attempts_max must be between 1 and 1000, not %d", attempts_max);
    return write_job(s, add_job, &(work){.kind = kind, .spec = spec, .attempts_max = attempts_max ? attempts_max : 1,
                                         .job = out}, err);
}

static ig_status read_id(void *arg, const store_value *v, ig_error *err) {
    return store_get_text(arg, IG_STORE_ID_SIZE, &v[0], err);
}

static ig_status run_for_this_process(ig_store *s, store_query q, const char *id, bool *changed, ig_error *err) {
    char process[STORE_PROCESS_SIZE];
    store_process_name(getpid(), process);
    const store_value v[] = {store_text(id), store_int(getpid()), store_text(process), store_int(store_now(s))};
    return store_change(s, q, v, 4, changed, err);
}

static ig_status claim(ig_store *s, void *arg, ig_error *err) {
    const work *w = arg;
    char id[IG_STORE_ID_SIZE] = "";
    bool changed;
    store_value kind = store_text(w->kind);
    IG_TRY(store_run(s, STORE_Q_JOB_NEXT, &kind, 1, read_id, id, err));
    if (!id[0]) return ig_error_set(err, IG_E_NOT_FOUND, "no job is waiting");
    IG_TRY(run_for_this_process(s, STORE_Q_JOB_START, id, &changed, err));
    return store_get(s, &jobs, STORE_Q_JOB_GET, id, w->job, err);
}

ig_status ig_store_job_claim(ig_store *s, const char *kind, ig_store_job *out, ig_error *err) {
    return write_job(s, claim, &(work){.kind = kind, .job = out}, err);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* Why a change that needs a running job found none. */
static ig_status not_running(ig_store *s, const char *id, ig_error *err) {
    ig_store_job j;
    IG_TRY(store_get(s, &jobs, STORE_Q_JOB_GET, id, &j, err));
    ig_error_set(err, IG_E_STATE, "job %s is %s, not running", j.id, statuses[j.status]);
    ig_store_job_fini(&j);
    return IG_E_STATE;
}

static ig_status adopt(ig_store *s, void *arg, ig_error *err) {
    const work *w = arg;
    bool changed;
    IG_TRY(run_for_this_process(s, STORE_Q_JOB_ADOPT, w->id, &changed, err));
    return changed ? IG_OK : not_running(s, w->id, err);
}

ig_status ig_store_job_adopt(ig_store *s, const char *id, ig_error *err) {
    return store_write(s, adopt, &(work){.id = id}, err);
}

static ig_status read_flag(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    *(int64_t *)arg = v[0].integer;
    return IG_OK;
}

static ig_status beat(ig_store *s, void *arg, ig_error *err) {
    work *w = arg;
    int64_t cancel = -1;
    const store_value v[] = {store_text(w->id), store_int(store_now(s))};
    IG_TRY(store_run(s, STORE_Q_JOB_BEAT, v, 2, read_flag, &cancel, err));
    w->cancel = cancel > 0;
    return cancel >= 0 ? IG_OK : not_running(s, w->id, err);
}

ig_status ig_store_job_heartbeat(ig_store *s, const char *id, bool *cancel, ig_error *err) {
    work w = {.id = id};
    ig_status status = store_write(s, beat, &w, err);
    if (cancel) *cancel = w.cancel;
    return status;
}

static ig_status end_job(ig_store *s, const work *w, bool *changed, ig_error *err) {
    const store_value v[] = {store_text(w->id), store_text(statuses[w->status]), store_text(w->result), store_text(w->error),
                             store_int(store_now(s))};
    return store_change(s, STORE_Q_JOB_END, v, 5, changed, err);
}

static ig_status finish(ig_store *s, void *arg, ig_error *err) {
    const work *w = arg;
    bool changed;
    IG_TRY(end_job(s, w, &changed, err));
    return changed ? IG_OK : not_running(s, w->id, err);
}

ig_status ig_store_job_finish(ig_store *s, const char *id, ig_store_job_status status, const char *result, const char *error,
                              ig_error *err) {
    if (status != IG_JOB_SUCCEEDED && status != IG_JOB_FAILED && status != IG_JOB_CANCELLED)
        return ig_error_set(err, IG_E_ARG, "a job ends as succeeded, failed or cancelled, not as %s",
                            ig_store_job_status_name(status));
    IG_TRY(store_check_json("result", result, err));
    IG_TRY(store_check_text("error", error, err));
    return store_write(s, finish, &(work){.id = id, .status = status, .result = result, .error = error}, err);
}

/* ---- cancelled, and left behind ---------------------------------------------------------------------------------- */

static ig_status cancel(ig_store *s, void *arg, ig_error *err) {
    const work *w = arg;
    bool dropped, stopped = false;
    const store_value v[] = {store_text(w->id), store_int(store_now(s))};
    IG_TRY(store_change(s, STORE_Q_JOB_DROP, v, 2, &dropped, err));
    if (!dropped) IG_TRY(store_change(s, STORE_Q_JOB_STOP, v, 1, &stopped, err));
    if (!dropped && !stopped) return not_running(s, w->id, err);
    return store_audit(s, &(ig_store_audit_opts){.who = w->who, .what = "job.cancel", .object = w->id}, err);
}

ig_status ig_store_job_cancel(ig_store *s, const char *id, const char *who, ig_error *err) {
    return store_write(s, cancel, &(work){.id = id, .who = who}, err);
}

/* The jobs whose process is gone.  They are gathered first: a query must not be changed under its feet. */
typedef struct orphan {
    char id[IG_STORE_ID_SIZE];
    bool again, cancel;
} orphan;

typedef struct orphans {
    orphan *item;
    size_t count;
} orphans;

static ig_status gather(void *arg, const store_value *v, ig_error *err) {
    orphans *o = arg;
    char process[STORE_PROCESS_SIZE];
    store_process_name(v[1].integer, process);
    if (process[0] && strcmp(process, v[2].text) == 0) return IG_OK;
    orphan *grown = ig_realloc_array(o->item, o->count + 1, sizeof *grown);
    if (!grown) return ig_error_nomem(err, (o->count + 1) * sizeof *grown);
    o->item = grown;
    orphan *last = &o->item[o->count++];
    last->cancel = v[5].integer != 0;
    last->again = v[3].integer < v[4].integer && !last->cancel;
    return store_get_text(last->id, sizeof last->id, &v[0], err);
}

static ig_status settle(ig_store *s, const orphan *o, ig_error *err) {
    bool changed;
    store_value id = store_text(o->id);
    if (o->again) return store_change(s, STORE_Q_JOB_AGAIN, &id, 1, &changed, err);
    work w = {.id = o->id, .status = o->cancel ? IG_JOB_CANCELLED : IG_JOB_FAILED,
              .error = o->cancel ? NULL : "its process ended without a result: it was killed, or the machine was restarted"};
    return end_job(s, &w, &changed, err);
}

static ig_status recover(ig_store *s, void *arg, ig_error *err) {
    orphans o = {0};
    ig_status status = store_run(s, STORE_Q_JOB_RUNNING, NULL, 0, gather, &o, err);
    for (size_t i = 0; i < o.count && status == IG_OK; i++) status = settle(s, &o.item[i], err);
    *(size_t *)arg = o.count;
    ig_free(o.item);
    return status;
}

ig_status ig_store_job_recover(ig_store *s, size_t *settled, ig_error *err) {
    *settled = 0;
    return store_write(s, recover, settled, err);
}
