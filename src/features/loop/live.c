/* features/loop/live.c: the versions that are open, and what is known of each feature.
 *
 *     live_feature   row, kind, tombstones; its revision is compared with the store's at most four times a second, so that a
 *                    promotion or a tombstone of another process is seen within that time
 *     live_version   an open version with a count of users; closed when nobody uses it and it neither is live nor a candidate
 *
 * Both lists hang on the loop under its lock.  Opening takes long and happens outside of it, one at a time.
 */
#include <stdlib.h>

#include "features/loop/loop.h"

#define POLL_SECONDS 0.25

typedef struct loop_tombs {
    int users;
    char **ids; /* sorted by byte value */
    size_t count;
} loop_tombs;

struct live_feature {
    live_feature *next;
    ig_store_feature row;
    const ig_kind *kind;
    loop_tombs *tombs;
    double checked;
    bool stale;
};

struct live_version {
    live_version *next;
    char feature[IG_STORE_ID_SIZE];
    int64_t number;
    int users;
    bool wanted; /* live or candidate */
    const ig_kind *kind;
    ig_doc *card;
    const ig_tree *settings;
    void *handle;
};

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tombs_unref(loop_tombs *t) {
    if (!t || --t->users > 0) return;
    ig_names_free(t->ids, t->count);
    ig_free(t);
}

static ig_status tombs_load(ig_loop *l, const char *feature, loop_tombs **out, ig_error *err) {
    loop_tombs *t = ig_calloc(1, sizeof *t);
    if (!t) return ig_error_nomem(err, sizeof *t);
    t->users = 1;
    ig_status s = ig_store_item_withdrawn(l->store, feature, &t->ids, &t->count, err);
    if (s != IG_OK) {
        ig_free(t);
        return s;
    }
    if (t->count) qsort(t->ids, t->count, sizeof *t->ids, by_text);
    *out = t;
    return IG_OK;
}

static void free_feature(live_feature *f) {
    ig_store_feature_fini(&f->row);
    tombs_unref(f->tombs);
    ig_free(f);
}

static void close_version(live_version *v) {
    if (v->handle) v->kind->close(v->handle);
    ig_doc_free(v->card);
    ig_free(v);
}

/* Close what nobody uses and nobody wants.  The lock is held. */
static void drop_unused(ig_loop *l) {
    for (live_version **p = &l->versions; *p;) {
        live_version *v = *p;
        if (v->users > 0 || v->wanted) {
            p = &v->next;
        } else {
            *p = v->next;
            close_version(v);
        }
    }
}

static void mark_wanted(ig_loop *l, const ig_store_feature *f) {
    for (live_version *v = l->versions; v; v = v->next)
        if (strcmp(v->feature, f->id) == 0)
            v->wanted = f->removed_at == 0 && (v->number == f->live || (v->number == f->candidate && f->share > 0));
}

static void forget(ig_loop *l, const char *name) {
    for (live_feature **p = &l->features; *p; p = &(*p)->next) {
        if (strcmp((*p)->row.name, name) != 0) continue;
        live_feature *f = *p;
        *p = f->next;
        for (live_version *v = l->versions; v; v = v->next)
            if (strcmp(v->feature, f->row.id) == 0) v->wanted = false;
        free_feature(f);
        break;
    }
    drop_unused(l);
}

static ig_status read_feature(ig_loop *l, const char *name, live_feature **out, ig_error *err) {
    live_feature *f = ig_calloc(1, sizeof *f);
    loop_feature row;
    if (!f) return ig_error_nomem(err, sizeof *f);
    ig_status s = loop_feature_get(l, name, &row, err);
    if (s != IG_OK) {
        ig_free(f);
        return s;
    }
    f->row = row.row;
    f->kind = row.kind;
    ig_doc_free(row.settings);
    s = tombs_load(l, f->row.id, &f->tombs, err);
    if (s != IG_OK) {
        free_feature(f);
        return s;
    }
    f->checked = ig_clock();
    *out = f;
    return IG_OK;
}

static live_feature *known(ig_loop *l, const char *name) {
    live_feature *f = l->features;
    while (f && strcmp(f->row.name, name) != 0) f = f->next;
    return f;
}

/* The row as it is now, or as it was a quarter of a second ago.  The lock is held. */
static ig_status refresh(ig_loop *l, const char *name, live_feature **out, ig_error *err) {
    live_feature *f = known(l, name);
    if (f && !f->stale && ig_clock() - f->checked < POLL_SECONDS) {
        *out = f;
        return IG_OK;
    }
    int64_t revision = 0;
    if (f && !f->stale && ig_store_feature_revision(l->store, f->row.id, &revision, NULL) == IG_OK &&
        revision == f->row.revision) {
        f->checked = ig_clock();
        *out = f;
        return IG_OK;
    }
    live_feature *fresh = NULL;
    ig_status s = read_feature(l, name, &fresh, err);
    if (s == IG_E_NOT_FOUND && f) forget(l, name);
    IG_TRY(s);
    live_feature **p = &l->features;
    while (*p && *p != f) p = &(*p)->next;
    fresh->next = f ? f->next : NULL;
    *p = fresh;
    if (f) free_feature(f);
    mark_wanted(l, &fresh->row);
    drop_unused(l);
    *out = fresh;
    return IG_OK;
}

static live_version *find_version(ig_loop *l, const char *feature, int64_t number) {
    for (live_version *v = l->versions; v; v = v->next)
        if (v->number == number && strcmp(v->feature, feature) == 0) return v;
    return NULL;
}

static ig_status open_version(ig_loop *l, const char *name, const char *feature, int64_t number, const ig_kind *kind,
                              live_version **out, ig_error *err) {
    char folder[IG_PATH_MAX], path[IG_PATH_MAX];
    IG_TRY(loop_version_path(l, name, number, folder, err));
    IG_TRY(ig_path_join(path, sizeof path, folder, "version.json", err));
    if (!ig_path_is_dir(folder))
        return ig_error_set(err, IG_E_NOT_FOUND, "\"%s\" has no version %lld any more", name, (long long)number);
    live_version *v = ig_calloc(1, sizeof *v);
    if (!v) return ig_error_nomem(err, sizeof *v);
    v->number = number;
    v->kind = kind;
    snprintf(v->feature, sizeof v->feature, "%s", feature);
    ig_status s = ig_doc_load(path, LOOP_ANSWER_BYTES_MAX, &v->card, err);
    if (s == IG_OK) v->settings = ig_tree_get(ig_doc_root(v->card), "settings");
    if (s == IG_OK && !v->settings) s = ig_error_at(err, IG_E_FORMAT, path, 0, "names no settings");
    if (s == IG_OK) s = kind->open(l->ctx, folder, v->settings, &v->handle, err);
    if (s != IG_OK) {
        close_version(v);
        return s;
    }
    *out = v;
    return IG_OK;
}

static void fill_use(loop_use *u, live_version *v) {
    v->users++;
    u->version = v;
    u->handle = v->handle;
    u->settings = v->settings;
}

/* Opens outside of the lock; somebody else may have been quicker. */
static ig_status open_for(ig_loop *l, const char *name, loop_use *u, bool wanted, ig_error *err) {
    pthread_mutex_lock(&l->opening);
    pthread_mutex_lock(&l->lock);
    live_version *v = find_version(l, u->feature, u->number);
    if (v) fill_use(u, v);
    pthread_mutex_unlock(&l->lock);
    ig_status s = v ? IG_OK : open_version(l, name, u->feature, u->number, u->kind, &v, err);
    if (s == IG_OK && !u->version) {
        pthread_mutex_lock(&l->lock);
        v->wanted = wanted;
        v->next = l->versions;
        l->versions = v;
        fill_use(u, v);
        pthread_mutex_unlock(&l->lock);
    }
    pthread_mutex_unlock(&l->opening);
    return s;
}

static int64_t choose(const ig_store_feature *row, int64_t number, double draw, bool *candidate) {
    *candidate = number == 0 && row->candidate && draw < row->share;
    return number ? number : *candidate ? row->candidate : row->live;
}

ig_status loop_use_begin(ig_loop *l, const char *name, int64_t number, double draw, loop_use *out, ig_error *err) {
    live_feature *f = NULL;
    *out = (loop_use){0};
    pthread_mutex_lock(&l->lock);
    ig_status s = refresh(l, name, &f, err);
    if (s != IG_OK) {
        pthread_mutex_unlock(&l->lock);
        return s;
    }
    out->kind = f->kind;
    out->number = choose(&f->row, number, draw, &out->candidate);
    bool wanted = out->number == f->row.live || out->candidate;
    snprintf(out->feature, sizeof out->feature, "%s", f->row.id);
    out->tombs = f->tombs;
    f->tombs->users++;
    live_version *v = find_version(l, out->feature, out->number);
    if (v) fill_use(out, v);
    pthread_mutex_unlock(&l->lock);
    if (out->number == 0) s = ig_error_set(err, IG_E_STATE, "\"%s\" has no version yet", name);
    if (s == IG_OK && !v) s = open_for(l, name, out, wanted, err);
    if (s != IG_OK) loop_use_end(l, out);
    return s;
}

void loop_use_end(ig_loop *l, loop_use *u) {
    pthread_mutex_lock(&l->lock);
    if (u->tombs) tombs_unref(u->tombs);
    if (u->version && --u->version->users == 0 && !u->version->wanted) drop_unused(l);
    pthread_mutex_unlock(&l->lock);
    *u = (loop_use){0};
}

bool loop_use_withdrawn(void *use, const char *item) {
    const loop_tombs *t = ((loop_use *)use)->tombs;
    return t->count && bsearch(&item, t->ids, t->count, sizeof *t->ids, by_text) != NULL;
}

void loop_live_forget(ig_loop *l, const char *name) {
    pthread_mutex_lock(&l->lock);
    live_feature *f = known(l, name);
    if (f) f->stale = true;
    pthread_mutex_unlock(&l->lock);
}

void loop_live_close(ig_loop *l) {
    while (l->features) {
        live_feature *f = l->features;
        l->features = f->next;
        free_feature(f);
    }
    while (l->versions) {
        live_version *v = l->versions;
        l->versions = v->next;
        close_version(v);
    }
}
