/* cli/feature.c: from the workspace to its loop, with progress for people and, of a job, for the store. */
#include <string.h>

#include "cli/feature.h"
#include "ingot/limits.h"

#define EVENT_EVERY_S 2.0

static void add_event(cli_loop *l, const char *stage, double done, double total, const char *detail) {
    ig_buf b = {.max = 4096};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    ig_json_key(&j, "stage"), ig_json_text(&j, stage);
    ig_json_key(&j, "share"), ig_json_real(&j, total > 0 ? done / total : 0);
    ig_json_key(&j, "detail"), ig_json_text(&j, detail ? detail : "");
    ig_json_close(&j, '}');
    if (ig_buf_status(&b, NULL) == IG_OK) (void)ig_store_event_add(l->store, l->job, IG_LEVEL_INFO, stage, b.data, NULL);
    ig_buf_fini(&b);
}

/* Tell the job; false when somebody asked it to stop. */
static bool tell_job(cli_loop *l, const char *stage, double done, double total, const char *detail) {
    bool cancel = false, other = strcmp(l->stage, stage) != 0;
    if (!other && ig_clock() - l->told < EVENT_EVERY_S) return true;
    snprintf(l->stage, sizeof l->stage, "%s", stage);
    l->told = ig_clock();
    (void)ig_store_job_heartbeat(l->store, l->job, &cancel, NULL); /* a missed one is made good by the next */
    add_event(l, stage, done, total, detail);
    return !cancel;
}

static bool on_progress(void *arg, const char *stage, double done, double total, const char *detail) {
    cli_loop *l = arg;
    if (cli_interrupted || (l->job && !tell_job(l, stage, done, total, detail))) return false;
    if (!cli_progress_due(&l->progress)) return true;
    if (total > 0) cli_progress_status(&l->progress, "%s %.0f %%  %s", stage, 100 * done / total, detail ? detail : "");
    else cli_progress_status(&l->progress, "%s  %s", stage, detail ? detail : "");
    return true;
}

ig_status cli_loop_open(cli *c, cli_loop *l) {
    char folder[IG_PATH_MAX];
    *l = (cli_loop){.c = c};
    IG_TRY(cli_workspace(c, l->workspace, sizeof l->workspace, true, &c->err));
    IG_TRY(ig_path_join(folder, sizeof folder, l->workspace, "store", &c->err));
    IG_TRY(cli_context(c));
    IG_TRY(ig_store_open(folder, &(ig_store_opts){.quick = true}, &l->store, &c->err));
    ig_loop_opts o = {.workspace = l->workspace, .store = l->store, .kinds = cli_kinds};
    cli_catch_interrupt();
    cli_progress_begin(&l->progress, c);
    l->doing = (ig_doing){.seed = c->seed, .progress = on_progress, .arg = l};
    return ig_loop_open(c->ctx, &o, &l->loop, &c->err);
}

void cli_loop_close(cli_loop *l) {
    cli_progress_clear(&l->progress);
    ig_loop_close(l->loop);
    ig_store_close(l->store);
    l->loop = NULL;
    l->store = NULL;
}
