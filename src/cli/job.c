/* cli/job.c: see job.h.  The job's events tell the progress; a heartbeat goes with each, and asks whether to stop. */
#include <string.h>
#include <unistd.h>

#include "cli/job.h"

static ig_status do_job(cli_loop *l, const ig_store_job *job, cli_job_fn *work, ig_buf *out, ig_error *err) {
    ig_doc *spec = NULL;
    IG_TRY(ig_json_parse("job", job->spec, strlen(job->spec), &spec, err));
    l->doing.who = ig_tree_text(ig_doc_root(spec), "who", NULL);
    l->doing.seed = (uint64_t)ig_tree_int(ig_doc_root(spec), "seed", 0);
    ig_status s = work(l, ig_doc_root(spec), out, err);
    if (s == IG_OK) s = ig_buf_status(out, err);
    ig_doc_free(spec);
    return s;
}

/* A result that is too long for a row is left out: the feature has it. */
static ig_status end_job(cli_loop *l, ig_status done, const ig_buf *out, ig_error *err) {
    char text[1100];
    const char *result = out->len && out->len < IG_STORE_TEXT_MAX ? out->data : "{}";
    if (done == IG_OK) return ig_store_job_finish(l->store, l->job, IG_JOB_SUCCEEDED, result, NULL, err);
    if (done == IG_E_CANCELLED) return ig_store_job_finish(l->store, l->job, IG_JOB_CANCELLED, NULL, NULL, err);
    ig_error_format(err, text, sizeof text);
    (void)ig_store_event_add(l->store, l->job, IG_LEVEL_ERROR, text, NULL, NULL);
    return ig_store_job_finish(l->store, l->job, IG_JOB_FAILED, NULL, text, NULL);
}

int cli_run_job(cli *c, const char *id, cli_job_fn *work) {
    cli_loop l;
    ig_store_job job = {0};
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status s = cli_loop_open(c, &l), ended = IG_OK;
    (void)nice(5); /* answers go first */
    if (s == IG_OK) s = ig_store_job_adopt(l.store, id, &c->err);
    if (s == IG_OK) {
        l.job = id;
        s = ig_store_job_get(l.store, id, &job, &c->err);
        if (s == IG_OK) s = do_job(&l, &job, work, &out, &c->err);
        ended = end_job(&l, s, &out, &c->err);
    }
    ig_store_job_fini(&job);
    ig_buf_fini(&out);
    cli_loop_close(&l);
    return s == IG_OK && ended == IG_OK ? 0 : cli_failed(c, NULL);
}
