/* store/items.c: content of a feature, changed as a whole.
 *
 *     open ─► put, withdraw ─► a private table of this connection: reads wait for nothing, writes neither
 *     commit ─► index, step by step      new entries, which no item points to: nobody finds them
 *            ─► BEGIN … COMMIT           items, content number, audit: now everybody does
 *            ─► index, step by step      entries of what was replaced leave it
 *
 * A change may last as long as it takes to build and to judge a version from it: it holds no lock of the database until it
 * is committed, only FOLDER/items.lock, which makes changes follow each other.  Close without commit drops the table.
 */
#include <inttypes.h>
#include <string.h>

#include "store/item_rows.h"

#define TURN_WAIT_MS 600000 /* another change may train or judge a version */
#define STEP 500            /* rows that are indexed at a time, some tens of milliseconds */

struct ig_store_items {
    ig_store *store;
    ig_store view; /* through the connection of this change */
    int held;      /* descriptor of FOLDER/items.lock */
    int64_t written;
    char feature[IG_STORE_ID_SIZE], who[IG_STORE_ID_SIZE];
};

/* ---- rows out ---------------------------------------------------------------------------------------------------- */

ig_status store_give_item(void *arg, const store_value *v, ig_error *err) {
    store_items_to *to = arg;
    const ig_store_item item = {.id = v[0].text, .body = v[1].text, .source = v[2].text, .line = v[3].integer,
                                .added_at = v[4].integer, .changed_at = v[5].integer, .withdrawn_at = v[6].integer};
    to->count++;
    return to->fn(to->arg, &item, err);
}

static ig_status each_within(ig_store_items *w, bool withdrawn, store_items_to *to, ig_error *err) {
    const store_value v[] = {store_text(w->feature), store_int(withdrawn)};
    IG_TRY(store_run(&w->view, STORE_Q_CHANGE_OLD, v, 2, store_give_item, to, err));
    return store_run(&w->view, STORE_Q_CHANGE_NEW, &v[1], 1, store_give_item, to, err);
}

ig_status ig_store_item_each(ig_store *s, ig_store_items *w, const char *feature, bool withdrawn, ig_store_item_fn *fn, void *arg,
                             ig_error *err) {
    store_items_to to = {fn, arg, 0};
    const store_value v[] = {store_text(feature), store_int(withdrawn)};
    if (w && strcmp(w->feature, feature) == 0) return each_within(w, withdrawn, &to, err);
    return store_stream(s, STORE_Q_ITEM_EACH, v, 2, store_give_item, &to, err);
}

ig_status ig_store_item_get(ig_store *s, const char *feature, const char *id, ig_store_item_fn *fn, void *arg, ig_error *err) {
    store_items_to to = {fn, arg, 0};
    const store_value v[] = {store_text(feature), store_text(id)};
    IG_TRY(store_stream(s, STORE_Q_ITEM_GET, v, 2, store_give_item, &to, err));
    return to.count ? IG_OK : ig_error_set(err, IG_E_NOT_FOUND, "there is no item \"%.128s\" in this feature", id ? id : "");
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

void ig_store_items_close(ig_store_items *w) {
    if (!w) return;
    w->store->backend->close(w->view.db);
    store_unlock(w->held);
    ig_free(w);
}

static ig_status start(ig_store_items *w, ig_store *s, ig_error *err) {
    ig_store_feature f;
    store_db *db;
    IG_TRY(store_lock(s->folder, "items.lock", true, TURN_WAIT_MS, &w->held, err));
    IG_TRY(s->backend->open(s->path, STORE_LIVE, &db, err));
    w->view = store_view(s, db);
    IG_TRY(store_feature(&w->view, w->feature, &f, err));
    ig_store_feature_fini(&f);
    IG_TRY(store_run(&w->view, STORE_Q_CHANGE_TABLE, NULL, 0, NULL, NULL, err));
    return store_run(&w->view, STORE_Q_REPLACED_TABLE, NULL, 0, NULL, NULL, err);
}

ig_status ig_store_items_open(ig_store *s, const char *feature, const char *who, ig_store_items **out, ig_error *err) {
    *out = NULL;
    if (who) IG_TRY(store_check_name("who", who, IG_STORE_ID_SIZE - 1, err));
    ig_store_items *w = ig_calloc(1, sizeof *w);
    if (!w) return ig_error_nomem(err, sizeof *w);
    w->store = s;
    w->held = -1;
    snprintf(w->feature, sizeof w->feature, "%s", feature ? feature : "");
    snprintf(w->who, sizeof w->who, "%s", who ? who : "local");
    ig_status status = start(w, s, err);
    if (status != IG_OK) {
        ig_store_items_close(w);
        return status;
    }
    *out = w;
    return IG_OK;
}

/* ---- changing ---------------------------------------------------------------------------------------------------- */

typedef struct known_item {
    const ig_store_item *item;
    bool found, withdrawn, same_text, same_line;
} known_item;

static bool is_text(const store_value *v, const char *text) {
    return v->type == STORE_TEXT && v->len == strlen(text) && memcmp(v->text, text, v->len) == 0;
}

static ig_status compare(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    known_item *k = arg;
    k->found = true;
    k->withdrawn = v[3].integer != 0;
    if (!k->item) return IG_OK;
    k->same_text = is_text(&v[0], k->item->body) && is_text(&v[1], k->item->source ? k->item->source : "");
    k->same_line = v[2].integer == k->item->line;
    return IG_OK;
}

static ig_status look_up(ig_store_items *w, const char *id, known_item *k, ig_error *err) {
    const store_value v[] = {store_text(w->feature), store_text(id)};
    return store_run(&w->view, STORE_Q_CHANGE_GET, v, 2, compare, k, err);
}

static ig_status check_item(const ig_store_item *item, ig_error *err) {
    IG_TRY(store_check_name("the id of an item", item->id, IG_STORE_NAME_MAX, err));
    if (!item->body) return ig_error_set(err, IG_E_ARG, "the item \"%s\" has no body", item->id);
    IG_TRY(store_check_json("the body of an item", item->body, err));
    return store_check_text("the source of an item", item->source, err);
}

ig_status ig_store_items_put(ig_store_items *w, const ig_store_item *item, ig_store_put *what, ig_error *err) {
    known_item k = {.item = item};
    IG_TRY(check_item(item, err));
    IG_TRY(look_up(w, item->id, &k, err));
    bool same = k.found && !k.withdrawn && k.same_text;
    if (what) *what = same ? IG_PUT_SAME : k.found ? IG_PUT_CHANGED : IG_PUT_ADDED;
    if (same && k.same_line) return IG_OK;
    const store_value v[] = {store_text(w->feature), store_text(item->id), store_text(item->body), store_text(item->source),
                             store_int(item->line), store_int(store_now(&w->view))};
    IG_TRY(store_run(&w->view, STORE_Q_CHANGE_PUT, v, 6, NULL, NULL, err));
    w->written++;
    return IG_OK;
}

ig_status ig_store_items_withdraw(ig_store_items *w, const char *id, ig_error *err) {
    known_item k = {0};
    IG_TRY(look_up(w, id, &k, err));
    if (!k.found) return ig_error_set(err, IG_E_NOT_FOUND, "there is no item \"%.128s\" in this feature", id ? id : "");
    if (k.withdrawn) return IG_OK;
    const store_value v[] = {store_text(w->feature), store_text(id), store_int(store_now(&w->view))};
    IG_TRY(store_run(&w->view, STORE_Q_CHANGE_WITHDRAW, v, 3, NULL, NULL, err));
    w->written++;
    return IG_OK;
}

/* ---- commit ------------------------------------------------------------------------------------------------------ */

typedef struct index_step {
    store_query q;
    int64_t base, after, last;
} index_step;

static ig_status run_step(ig_store *view, const index_step *p, ig_error *err) {
    const store_value v[] = {store_int(p->base), store_int(p->after), store_int(p->after + STEP)};
    IG_TRY(view->backend->begin(view->db, err));
    ig_status status = store_run(view, p->q, v, 3, NULL, NULL, err);
    if (status == IG_OK) status = view->backend->end(view->db, err);
    if (status != IG_OK) view->backend->undo(view->db);
    return status;
}

/* p->after tells how far it came. */
static ig_status run_steps(ig_store *view, index_step *p, ig_error *err) {
    for (; p->after < p->last; p->after += STEP) {
        if (p->after) store_pause();
        IG_TRY(run_step(view, p, err));
    }
    return IG_OK;
}

static ig_status index_new(ig_store_items *w, index_step *p, ig_error *err) {
    const store_value v = store_text(w->feature);
    IG_TRY(store_run(&w->view, STORE_Q_CHANGE_LAST, NULL, 0, store_read_number, &p->last, err));
    IG_TRY(store_run(&w->view, STORE_Q_TEXT_LAST, NULL, 0, store_read_number, &p->base, err));
    IG_TRY(store_run(&w->view, STORE_Q_REPLACED_CLEAR, NULL, 0, NULL, NULL, err));
    IG_TRY(store_run(&w->view, STORE_Q_REPLACED_ADD, &v, 1, NULL, NULL, err));
    return run_steps(&w->view, p, err);
}

/* What does not leave the index is found by nobody, so that a failure is none of the change. */
static void unindex(ig_store_items *w, store_query q, int64_t base, int64_t last) {
    index_step p = {.q = q, .base = base, .last = last};
    (void)run_steps(&w->view, &p, NULL);
}

static void unindex_replaced(ig_store_items *w) {
    int64_t last = 0;
    if (store_run(&w->view, STORE_Q_REPLACED_LAST, NULL, 0, store_read_number, &last, NULL) == IG_OK)
        unindex(w, STORE_Q_REPLACED_UNINDEX, 0, last);
}

static ig_status apply(ig_store_items *w, int64_t base, int64_t *content, ig_error *err) {
    const store_value v[] = {store_text(w->feature), store_int(base)};
    IG_TRY(store_run(&w->view, STORE_Q_FEATURE_CONTENT, v, 1, store_read_number, content, err));
    if (!*content) return ig_error_set(err, IG_E_NOT_FOUND, "the feature was removed meanwhile");
    IG_TRY(store_run(&w->view, STORE_Q_CHANGE_APPLY, v, 2, NULL, NULL, err));
    IG_TRY(store_audit_numbers(&w->view, w->who, "feature.content", w->feature, "content", *content - 1, *content, err));
    return store_run(&w->view, STORE_Q_CHANGE_CLEAR, NULL, 0, NULL, NULL, err);
}

static ig_status apply_whole(ig_store_items *w, int64_t base, int64_t *content, ig_error *err) {
    const store_backend *b = w->view.backend;
    IG_TRY(b->begin(w->view.db, err));
    ig_status status = apply(w, base, content, err);
    if (status == IG_OK) status = b->end(w->view.db, err);
    if (status != IG_OK) b->undo(w->view.db);
    return status;
}

static ig_status unchanged(ig_store_items *w, int64_t *content, ig_error *err) {
    ig_store_feature f;
    IG_TRY(store_feature(&w->view, w->feature, &f, err));
    *content = f.content;
    ig_store_feature_fini(&f);
    return IG_OK;
}

/* After it the change goes on from an empty table; a commit of nothing keeps the number. */
ig_status ig_store_items_commit(ig_store_items *w, int64_t *content, ig_error *err) {
    index_step new_ones = {.q = STORE_Q_CHANGE_INDEX};
    int64_t number = 0;
    if (!w->written) return unchanged(w, content ? content : &number, err);
    ig_status status = index_new(w, &new_ones, err);
    if (status == IG_OK) status = apply_whole(w, new_ones.base, &number, err);
    if (status != IG_OK) {
        unindex(w, STORE_Q_CHANGE_UNINDEX, new_ones.base, new_ones.after);
        return status;
    }
    unindex_replaced(w);
    w->written = 0;
    if (content) *content = number;
    return IG_OK;
}
