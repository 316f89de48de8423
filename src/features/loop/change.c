/* features/loop/change.c: new, add, withdraw, set: content and settings, live at once.
 *
 *     read sources ─► items of today + these ─► build a version ─► known answers still right?
 *       ─► rows of the items ─► row of the version ─► live
 *
 * Everything that can fail for long stands before the first row: a failure, a full disk or a kill leaves the old state.
 */
#include "features/loop/loop.h"

#define WAIT_SECONDS 30.0 /* for somebody else's change */

typedef struct change {
    ig_loop *l;
    const ig_doing *doing;
    const char *reason;
    loop_feature f;
    ig_doc *settings;     /* new ones; NULL: those of the feature */
    loop_items fresh;     /* what was read */
    loop_items all;       /* what the version holds */
    ig_buf notes, broken;
    size_t broken_count;
    ig_item_sink sink;
    loop_draft draft;
    loop_lock lock;
} change;

static void change_init(change *c, ig_loop *l, const char *reason, const ig_doing *doing) {
    *c = (change){.l = l, .doing = doing, .reason = reason, .lock = {-1}};
    c->notes.max = c->broken.max = LOOP_ANSWER_BYTES_MAX;
    c->sink = (ig_item_sink){.items = &c->fresh, .notes = &c->notes};
}

static void change_fini(change *c) {
    loop_lock_drop(&c->lock);
    loop_feature_fini(&c->f);
    ig_doc_free(c->settings);
    loop_items_fini(&c->fresh);
    loop_items_fini(&c->all);
    ig_buf_fini(&c->notes);
    ig_buf_fini(&c->broken);
}

static const char *who_of(const ig_doing *doing) {
    return doing ? doing->who : NULL;
}

static const ig_tree *settings_of(const change *c) {
    return ig_doc_root(c->settings ? c->settings : c->f.settings);
}

/* A feature that is there, locked. */
static ig_status change_begin(change *c, const char *name, ig_error *err) {
    IG_TRY(loop_feature_get(c->l, name, &c->f, err));
    loop_feature_fini(&c->f);
    IG_TRY(loop_lock_take(c->l, name, "build.lock", WAIT_SECONDS, &c->lock, err));
    return loop_feature_get(c->l, name, &c->f, err);
}

static ig_status merge_items(change *c, ig_error *err) {
    IG_TRY(loop_items_load(c->l, c->f.row.id, &c->all, err));
    for (size_t i = 0; i < c->fresh.count; i++) IG_TRY(loop_items_put(&c->all, &c->fresh.at[i], err));
    return IG_OK;
}

static ig_status store_items(change *c, ig_error *err) {
    ig_store_items *w = NULL;
    int64_t content = 0;
    if (c->fresh.count == 0) return IG_OK;
    IG_TRY(ig_store_items_open(c->l->store, c->f.row.id, who_of(c->doing), &w, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < c->fresh.count && s == IG_OK; i++) {
        const ig_item *item = &c->fresh.at[i];
        ig_store_put what;
        s = ig_store_items_put(
            w, &(ig_store_item){.id = item->id, .body = item->body, .source = item->source, .line = item->line}, &what, err);
    }
    if (s == IG_OK) s = ig_store_items_commit(w, &content, err);
    ig_store_items_close(w);
    return s;
}

static ig_status check_known(change *c, bool force, ig_error *err) {
    if (c->f.row.live == 0) return IG_OK;
    IG_TRY(loop_tell(c->doing, "check", 0, 1, err));
    IG_TRY(loop_known_answers(c->l, &c->f, settings_of(c), c->draft.folder, &c->all, &c->broken, &c->broken_count, err));
    if (c->broken_count == 0 || force) return IG_OK;
    return ig_error_set(err, IG_E_STATE, "%zu answers that are known to be right would break; look at them, then use force",
                        c->broken_count);
}

static void put_card(const change *c, ig_buf *card) {
    ig_json j = {.out = card};
    ig_json_open(&j, '{');
    loop_json_key_int(&j, "items", (int64_t)c->all.count);
    loop_json_notes(&j, &c->sink);
    loop_json_key_int(&j, "broken", (int64_t)c->broken_count);
    ig_json_close(&j, '}');
}

static ig_status publish(change *c, ig_error *err) {
    ig_buf card = {.max = IG_STORE_TEXT_MAX};
    put_card(c, &card);
    ig_status s = ig_buf_status(&card, err);
    if (s == IG_OK) s = loop_draft_publish(&c->draft, card.data, err);
    if (s == IG_OK) s = store_items(c, err);
    if (s == IG_OK) s = loop_draft_complete(&c->draft, card.data, err);
    if (s == IG_OK)
        s = ig_store_feature_set_live(c->l->store, c->f.row.id, c->f.row.live, c->draft.number, "publish", who_of(c->doing),
                                      err);
    ig_buf_fini(&card);
    loop_live_forget(c->l, c->f.row.name);
    return s;
}

/* All from the items in memory to the live version. */
static ig_status build_and_publish(change *c, bool force, ig_error *err) {
    ig_error why = {0};
    int64_t content = c->f.row.content + (c->fresh.count > 0);
    c->draft = (loop_draft){.l = c->l, .f = &c->f, .settings = settings_of(c), .doing = c->doing};
    ig_status s = merge_items(c, &why);
    if (s == IG_OK) s = loop_draft_content(&c->draft, c->reason, c->f.row.live, content, &c->all, &why);
    if (s == IG_OK) s = check_known(c, force, &why);
    if (s == IG_OK) s = publish(c, &why);
    if (s == IG_OK) return IG_OK;
    loop_draft_fail(&c->draft, &why);
    if (err) *err = why;
    return s;
}

/* What changed, for whoever called; also when it was refused for known answers. */
static ig_status put_result(const change *c, ig_status s, ig_buf *out, ig_error *err) {
    ig_buf list = {.max = LOOP_ANSWER_BYTES_MAX};
    ig_json j = {.out = out};
    if (s != IG_OK && c->broken_count == 0) return s;
    ig_buf_printf(&list, "[%s]", c->broken.data ? c->broken.data : "");
    ig_json_open(&j, '{');
    loop_json_key_text(&j, "feature", c->f.row.name);
    loop_json_key_text(&j, "kind", c->f.row.kind);
    loop_json_key_int(&j, "version", s == IG_OK ? c->draft.number : 0);
    loop_json_key_int(&j, "items", (int64_t)c->all.count);
    loop_json_notes(&j, &c->sink);
    loop_json_key_raw(&j, "broken", list.data);
    ig_json_close(&j, '}');
    ig_buf_fini(&list);
    return s == IG_OK ? ig_buf_status(out, err) : s;
}

/* ---- new ----------------------------------------------------------------------------------------------------------- */

static ig_status make_row(change *c, const char *name, const char *kind, ig_error *err) {
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    ig_json_tree(&j, ig_doc_root(c->settings));
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) s = ig_store_feature_new(c->l->store, name, kind, b.data, who_of(c->doing), &c->f.row, err);
    ig_buf_fini(&b);
    return s;
}

static ig_status make_feature(change *c, const char *name, const ig_source *sources, size_t count, ig_error *err) {
    IG_TRY(loop_read_sources(&c->f, settings_of(c), sources, count, &c->sink, err));
    IG_TRY(make_row(c, name, c->f.kind->name, err));
    ig_status s = build_and_publish(c, true, err);
    if (s != IG_OK) ig_store_feature_remove(c->l->store, c->f.row.id, who_of(c->doing), NULL);
    return s;
}

ig_status ig_loop_new(ig_loop *l, const char *name, const char *kind, const ig_tree *settings, const ig_source *sources,
                      size_t source_count, const ig_doing *doing, ig_buf *out, ig_error *err) {
    char folder[IG_PATH_MAX];
    change c;
    ig_store_feature there = {0};
    IG_TRY(loop_name_check(name, err));
    const ig_kind *k = ig_kind_find(l->kinds, kind);
    if (!k) return ig_error_set(err, IG_E_NOT_FOUND, "there is no kind \"%.60s\"", kind);
    IG_TRY(loop_path(l, name, "", folder, err));
    change_init(&c, l, "new", doing);
    c.f.kind = k;
    ig_status s = ig_fields_check("settings", k->setting_fields, settings, &c.settings, err);
    bool mine = false; /* the name was free: on failure its folder goes */
    if (s == IG_OK) s = ig_dir_make(folder, err);
    if (s == IG_OK) s = loop_lock_take(l, name, "build.lock", 0, &c.lock, err);
    if (s == IG_OK) {
        s = ig_store_feature_get(l->store, name, &there, err);
        mine = s == IG_E_NOT_FOUND;
        s = mine ? IG_OK : s == IG_OK ? ig_error_set(err, IG_E_EXISTS, "there is a feature \"%s\" already", name) : s;
        ig_store_feature_fini(&there);
    }
    if (s == IG_OK) s = make_feature(&c, name, sources, source_count, err);
    if (s != IG_OK && mine) ig_dir_remove(folder, NULL);
    s = put_result(&c, s, out, err);
    change_fini(&c);
    return s;
}

/* ---- add, withdraw, set --------------------------------------------------------------------------------------------- */

ig_status ig_loop_add(ig_loop *l, const char *name, const ig_source *sources, size_t source_count, bool force,
                      const ig_doing *doing, ig_buf *out, ig_error *err) {
    change c;
    change_init(&c, l, "content", doing);
    ig_status s = change_begin(&c, name, err);
    if (s == IG_OK) s = loop_read_sources(&c.f, settings_of(&c), sources, source_count, &c.sink, err);
    if (s == IG_OK && c.fresh.count == 0)
        s = ig_error_set(err, IG_E_ARG, "nothing could be read from these sources: %zu bad entries", c.sink.bad);
    if (s == IG_OK) s = build_and_publish(&c, force, err);
    s = put_result(&c, s, out, err);
    change_fini(&c);
    return s;
}

static ig_status withdraw_rows(change *c, const char *const *items, size_t count, ig_error *err) {
    ig_store_items *w = NULL;
    int64_t content = 0;
    IG_TRY(ig_store_items_open(c->l->store, c->f.row.id, who_of(c->doing), &w, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < count && s == IG_OK; i++) s = ig_store_items_withdraw(w, items[i], err);
    if (s == IG_OK) s = ig_store_items_commit(w, &content, err);
    ig_store_items_close(w);
    return s;
}

/* Tombstones need no version: those that are there look at them with every answer. */
ig_status ig_loop_withdraw(ig_loop *l, const char *name, const char *const *items, size_t count, const ig_doing *doing,
                           ig_buf *out, ig_error *err) {
    change c;
    ig_json j = {.out = out};
    change_init(&c, l, "content", doing);
    ig_status s = change_begin(&c, name, err);
    if (s == IG_OK) s = withdraw_rows(&c, items, count, err);
    loop_live_forget(l, name);
    if (s == IG_OK) {
        ig_json_open(&j, '{');
        loop_json_key_text(&j, "feature", name);
        loop_json_key_int(&j, "withdrawn", (int64_t)count);
        ig_json_close(&j, '}');
        s = ig_buf_status(out, err);
    }
    change_fini(&c);
    return s;
}

/* Those that are given, over those that are there; null takes one back to its default. */
static ig_status merge_settings(const ig_tree *given, const ig_tree *there, ig_doc **out, ig_error *err) {
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    for (const ig_tree *t = given ? given->child : NULL; t; t = t->next) {
        ig_json_key(&j, t->key);
        ig_json_tree(&j, t);
    }
    for (const ig_tree *t = there->child; t; t = t->next) {
        if (ig_tree_get(given, t->key)) continue;
        ig_json_key(&j, t->key);
        ig_json_tree(&j, t);
    }
    ig_json_close(&j, '}');
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) s = ig_json_parse("settings", b.data, b.len, out, err);
    ig_buf_fini(&b);
    return s;
}

static ig_status store_settings(change *c, ig_error *err) {
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    ig_json_tree(&j, ig_doc_root(c->settings));
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) s = ig_store_feature_set_settings(c->l->store, c->f.row.id, b.data, who_of(c->doing), err);
    ig_buf_fini(&b);
    return s;
}

ig_status ig_loop_set(ig_loop *l, const char *name, const ig_tree *settings, const ig_doing *doing, ig_buf *out,
                      ig_error *err) {
    change c;
    ig_doc *merged = NULL;
    if (settings && settings->type != IG_TREE_MAP) return ig_error_set(err, IG_E_ARG, "settings are a JSON object");
    change_init(&c, l, "settings", doing);
    ig_status s = change_begin(&c, name, err);
    if (s == IG_OK) s = merge_settings(settings, ig_doc_root(c.f.settings), &merged, err);
    if (s == IG_OK) s = ig_fields_check("settings", c.f.kind->setting_fields, ig_doc_root(merged), &c.settings, err);
    if (s == IG_OK) s = build_and_publish(&c, true, err);
    if (s == IG_OK) s = store_settings(&c, err);
    s = put_result(&c, s, out, err);
    ig_doc_free(merged);
    change_fini(&c);
    return s;
}
