/* features/loop/build.c: one version, from an empty folder under staging to a complete row.
 *
 *     begin     row "building", folder staging/N
 *     build     the kind's files, cases.jsonl
 *     publish   version.json; one rename to versions/N
 *     complete  the row; now it exists     or     fail: the row says why, the folders go
 */
#include <inttypes.h>

#include "features/loop/loop.h"

static bool never_stop(void *arg, const char *stage, double done, double total, const char *detail) {
    (void)arg, (void)stage, (void)done, (void)total, (void)detail;
    return true;
}

ig_status loop_build_in(ig_loop *l, const loop_feature *f, const ig_tree *settings, ig_build_mode mode, const char *folder,
                        const char *previous, const loop_items *items, const ig_case *cases, size_t count,
                        const ig_doing *doing, ig_error *err) {
    bool told = doing && doing->progress;
    ig_build b = {.ctx = l->ctx, .mode = mode, .settings = settings, .folder = folder, .previous = previous, .items = items->at,
                  .item_count = items->count, .cases = cases, .case_count = count, .seed = doing ? doing->seed : 0,
                  .progress = told ? doing->progress : never_stop, .arg = told ? doing->arg : NULL};
    return f->kind->build(&b, err);
}

ig_status loop_draft_begin(loop_draft *d, const char *reason, int64_t content, ig_error *err) {
    char rest[64];
    const char *who = d->doing ? d->doing->who : NULL;
    d->number = 0;
    IG_TRY(ig_store_feature_version_new(d->l->store, d->f->row.id, reason, d->parent, content, who, &d->number, err));
    snprintf(rest, sizeof rest, "staging/%" PRId64, d->number);
    ig_status s = loop_path(d->l, d->f->row.name, rest, d->folder, err);
    if (s == IG_OK) s = ig_dir_remove(d->folder, err);
    if (s == IG_OK) s = ig_dir_make(d->folder, err);
    return s;
}

ig_status loop_draft_build(loop_draft *d, ig_build_mode mode, const loop_items *items, const ig_case *cases, size_t count,
                           ig_error *err) {
    char previous[IG_PATH_MAX];
    loop_cases learned = {.at = (ig_case *)cases, .count = count};
    IG_TRY(loop_version_path(d->l, d->f->row.name, d->parent, previous, err));
    IG_TRY(loop_build_in(d->l, d->f, d->settings, mode, d->folder, d->parent ? previous : NULL, items, cases, count, d->doing,
                         err));
    return loop_cases_write(&learned, d->folder, err);
}

static void put_file(const loop_draft *d, const char *card, ig_buf *b) {
    ig_json j = {.out = b, .indent = 2};
    ig_json_open(&j, '{');
    loop_json_key_text(&j, "feature", d->f->row.name);
    loop_json_key_text(&j, "kind", d->f->kind->name);
    loop_json_key_int(&j, "number", d->number);
    loop_json_key_int(&j, "parent", d->parent);
    ig_json_key(&j, "settings");
    ig_json_tree(&j, d->settings);
    loop_json_key_raw(&j, "card", card);
    ig_json_close(&j, '}');
    ig_buf_putc(b, '\n');
}

ig_status loop_draft_publish(loop_draft *d, const char *card, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf b = {.max = LOOP_ANSWER_BYTES_MAX};
    IG_TRY(ig_path_join(path, sizeof path, d->folder, "version.json", err));
    put_file(d, card, &b);
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) s = ig_file_write(path, b.data, b.len, err);
    ig_buf_fini(&b);
    return s == IG_OK ? loop_publish(d->l, d->f->row.name, d->number, err) : s;
}

ig_status loop_draft_complete(loop_draft *d, const char *card, ig_error *err) {
    return ig_store_feature_version_finish(d->l->store, d->f->row.id, d->number, IG_VERSION_COMPLETE, card, err);
}

/* Does what it can: what is left is swept when the loop is opened the next time. */
void loop_draft_fail(loop_draft *d, const ig_error *why) {
    char path[IG_PATH_MAX];
    ig_buf b = {.max = 4096};
    ig_json j = {.out = &b};
    if (d->number == 0) return;
    ig_json_open(&j, '{');
    loop_json_key_text(&j, "error", why && why->message[0] ? why->message : "stopped");
    ig_json_close(&j, '}');
    const char *card = b.status == IG_OK ? b.data : "{}";
    if (loop_version_path(d->l, d->f->row.name, d->number, path, NULL) == IG_OK) ig_dir_remove(path, NULL);
    if (d->folder[0]) ig_dir_remove(d->folder, NULL);
    ig_store_feature_version_finish(d->l->store, d->f->row.id, d->number, IG_VERSION_FAILED, card, NULL);
    ig_buf_fini(&b);
}

/* The lessons of `from` and what the items teach today. */
static ig_status content_cases(loop_draft *d, const loop_items *items, loop_cases *out, ig_error *err) {
    char folder[IG_PATH_MAX];
    IG_TRY(loop_cases_of_items(d->f->kind, d->settings, items, out, err));
    if (d->parent == 0) return IG_OK;
    IG_TRY(loop_version_path(d->l, d->f->row.name, d->parent, folder, err));
    return loop_cases_read(folder, IG_CASE_FEEDBACK, out, err);
}

ig_status loop_draft_content(loop_draft *d, const char *reason, int64_t from, int64_t content, const loop_items *items,
                             ig_error *err) {
    loop_cases all = {0};
    ig_case *learn = NULL;
    size_t count = 0;
    d->parent = from;
    ig_status s = loop_draft_begin(d, reason, content, err);
    if (s == IG_OK) s = content_cases(d, items, &all, err);
    if (s == IG_OK) s = loop_cases_to_learn(d->f->row.id, &all, &learn, &count, err);
    if (s == IG_OK) s = loop_draft_build(d, from ? IG_BUILD_CONTENT : IG_BUILD_FIRST, items, learn, count, err);
    ig_free(learn);
    loop_cases_fini(&all);
    return s;
}
