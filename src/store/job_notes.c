/* store/job_notes.c: what a job tells while it runs, and the checkpoints that it leaves. */
#include <string.h>

#include "store/store.h"

/* ---- events ------------------------------------------------------------------------------------------------------ */

static const char *const levels[] = {"info", "warn", "error", NULL};

const char *ig_store_level_name(ig_store_level l) { return (unsigned)l <= IG_LEVEL_ERROR ? levels[l] : "?"; }

static void fini_event(void *item) {
    ig_store_event *e = item;
    ig_free(e->message), ig_free(e->data);
}

void ig_store_events_free(ig_store_event *events, size_t count) {
    for (size_t i = 0; i < count; i++) fini_event(&events[i]);
    ig_free(events);
}

static ig_status read_event(void *item, const store_value *v, ig_error *err) {
    ig_store_event *e = item;
    int level = 0;
    IG_TRY(store_get_text(e->id, sizeof e->id, &v[0], err));
    IG_TRY(store_get_word(levels, &v[2], &level, err));
    IG_TRY(store_get_copy(&e->message, &v[3], err));
    IG_TRY(store_get_copy(&e->data, &v[4], err));
    e->number = v[1].integer, e->level = (ig_store_level)level, e->created_at = v[5].integer;
    return IG_OK;
}

static const store_list events = {
    .thing = "event", .seq = STORE_Q_EVENT_SEQ, .newest = STORE_Q_EVENT_NEWEST, .oldest = STORE_Q_EVENT_OLDEST,
    .item_bytes = sizeof(ig_store_event), .read = read_event, .fini = fini_event,
};

typedef struct note {
    const char *job, *text, *json; /* message and data, or path and metrics */
    ig_store_level level;
    int64_t step;
} note;

static ig_status read_number(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    *(int64_t *)arg = v[0].integer;
    return IG_OK;
}

static ig_status unknown_job(const char *job, ig_status status, ig_error *err) {
    return status == IG_E_NOT_FOUND ? ig_error_set(err, status, "there is no job \"%.60s\"", job) : status;
}

static ig_status add_event(ig_store *s, void *arg, ig_error *err) {
    const note *n = arg;
    char id[IG_STORE_ID_SIZE];
    int64_t last = 0;
    store_value job = store_text(n->job);
    IG_TRY(store_run(s, STORE_Q_EVENT_LAST, &job, 1, read_number, &last, err));
    if (last >= IG_STORE_EVENTS_MAX)
        return ig_error_set(err, IG_E_LIMIT, "job %s has %d events; no more are kept", n->job, IG_STORE_EVENTS_MAX);
    store_id_new("ftevent-", id);
    const store_value v[] = {store_text(id), job, store_int(last + 1), store_text(levels[n->level]), store_text(n->text),
                             store_text(n->json), store_int(store_now(s))};
    return unknown_job(n->job, store_run(s, STORE_Q_EVENT_ADD, v, 7, NULL, NULL, err), err);
}

ig_status ig_store_event_add(ig_store *s, const char *job, ig_store_level level, const char *message, const char *data,
                             ig_error *err) {
    if ((unsigned)level > IG_LEVEL_ERROR) return ig_error_set(err, IG_E_ARG, "there is no level %d", (int)level);
    IG_TRY(store_check_text("message", message, err));
    IG_TRY(store_check_json("data", data, err));
    return store_write(s, add_event, &(note){.job = job, .text = message, .json = data, .level = level}, err);
}

ig_status ig_store_event_list(ig_store *s, const char *job, const ig_store_page *page, ig_store_event **out, size_t *count,
                              bool *more, ig_error *err) {
    store_value filter = store_text(job);
    return store_page(s, &events, &filter, page, out, count, more, err);
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------- */

static void fini_checkpoint(void *item) {
    ig_store_checkpoint *c = item;
    ig_free(c->path), ig_free(c->metrics);
}

void ig_store_checkpoints_free(ig_store_checkpoint *list, size_t count) {
    for (size_t i = 0; i < count; i++) fini_checkpoint(&list[i]);
    ig_free(list);
}

static ig_status read_checkpoint(void *item, const store_value *v, ig_error *err) {
    ig_store_checkpoint *c = item;
    IG_TRY(store_get_text(c->id, sizeof c->id, &v[0], err));
    IG_TRY(store_get_copy(&c->path, &v[2], err));
    IG_TRY(store_get_copy(&c->metrics, &v[3], err));
    c->step = v[1].integer, c->created_at = v[4].integer;
    return IG_OK;
}

static const store_list checkpoints = {
    .thing = "checkpoint", .seq = STORE_Q_CHECKPOINT_SEQ, .newest = STORE_Q_CHECKPOINT_NEWEST, .oldest = STORE_Q_CHECKPOINT_OLDEST,
    .item_bytes = sizeof(ig_store_checkpoint), .read = read_checkpoint, .fini = fini_checkpoint,
};

static ig_status add_checkpoint(ig_store *s, void *arg, ig_error *err) {
    const note *n = arg;
    char id[IG_STORE_ID_SIZE];
    store_id_new("ftckpt-", id);
    const store_value v[] = {store_text(id), store_text(n->job), store_int(n->step), store_text(n->text), store_text(n->json),
                             store_int(store_now(s))};
    return unknown_job(n->job, store_run(s, STORE_Q_CHECKPOINT_ADD, v, 6, NULL, NULL, err), err);
}

ig_status ig_store_checkpoint_add(ig_store *s, const char *job, int64_t step, const char *path, const char *metrics,
                                  ig_error *err) {
    if (step < 0) return ig_error_set(err, IG_E_ARG, "the step of a checkpoint is 0 or more");
    IG_TRY(store_check_name("path", path, IG_PATH_MAX, err));
    IG_TRY(store_check_json("metrics", metrics, err));
    return store_write(s, add_checkpoint, &(note){.job = job, .text = path, .json = metrics, .step = step}, err);
}

ig_status ig_store_checkpoint_list(ig_store *s, const char *job, const ig_store_page *page, ig_store_checkpoint **out,
                                   size_t *count, bool *more, ig_error *err) {
    store_value filter = store_text(job);
    return store_page(s, &checkpoints, &filter, page, out, count, more, err);
}
