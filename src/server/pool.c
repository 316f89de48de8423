/* server/pool.c: the models that are served, and which of them are in memory.
 *
 *     absent ──first request──► loading ──► loaded (refs > 0) ◄──► loaded (idle) ──idle too long, or memory short──► absent
 *
 * One thread loads a model; others that want it wait, and those that want another go on.  A model is unloaded only while
 * nobody uses it.  The workspace's folder is read again when a name is unknown and for every list.
 */
#include <string.h>
#include <sys/stat.h>

#include "models/model_folder.h"
#include "server/server.h"

#define MODELS_MAX 4096
#define MEMORY_SPARE ((uint64_t)64 << 20) /* left to the rest of the machine */

typedef struct entry {
    char name[128];
    char *path;
    bool loading;
    loaded *l;
    int refs;
    double last_used;
} entry;

struct pool {
    ig_server *s;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    entry **entry; /* never removed: threads hold them while they wait */
    size_t count;
};

/* ---- names ------------------------------------------------------------------------------------------------------------------- */

static entry *find(const pool *p, const char *name) {
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->entry[i]->name, name) == 0) return p->entry[i];
    return NULL;
}

static bool is_model(const char *dir) {
    char path[IG_PATH_MAX];
    return model_file(dir, "config.json", path, NULL) == IG_OK && ig_path_exists(path);
}

static ig_status add(pool *p, const char *name, const char *path, ig_error *err) {
    if (find(p, name)) return IG_OK;
    if (!*name || strlen(name) >= sizeof p->entry[0]->name) return ig_error_set(err, IG_E_ARG, "\"%.40s\": a model's name has 1 to 127 bytes", name);
    if (p->count == MODELS_MAX) return ig_error_set(err, IG_E_LIMIT, "more than %d models", MODELS_MAX);
    entry **more = ig_realloc_array(p->entry, p->count + 1, sizeof *more);
    if (!more) return ig_error_nomem(err, sizeof *more);
    p->entry = more;
    entry *e = ig_calloc(1, sizeof *e);
    char *copy = ig_strdup(path);
    if (!e || !copy) {
        ig_free(e);
        ig_free(copy);
        return ig_error_nomem(err, sizeof *e);
    }
    snprintf(e->name, sizeof e->name, "%s", name);
    e->path = copy;
    p->entry[p->count++] = e;
    return IG_OK;
}

static ig_status scan_workspace(pool *p, ig_error *err) {
    char dir[IG_PATH_MAX], path[IG_PATH_MAX], **names = NULL;
    size_t count = 0;
    if (!p->s->o.workspace) return IG_OK;
    IG_TRY(ig_path_join(dir, sizeof dir, p->s->o.workspace, "models", err));
    if (!ig_path_is_dir(dir)) return IG_OK;
    IG_TRY(ig_dir_list(dir, &names, &count, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < count && s == IG_OK; i++) {
        if (names[i][0] == '.' || strlen(names[i]) >= 128) continue;
        s = ig_path_join(path, sizeof path, dir, names[i], err);
        if (s == IG_OK && is_model(path)) s = add(p, names[i], path, err);
    }
    ig_names_free(names, count);
    return s;
}

ig_status pool_open(ig_server *s, pool **out, ig_error *err) {
    pool *p = ig_calloc(1, sizeof *p);
    *out = p;
    if (!p) return ig_error_nomem(err, sizeof *p);
    p->s = s;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    for (size_t i = 0; i < s->o.model_count; i++) {
        if (!is_model(s->o.models[i].path))
            return ig_error_set(err, IG_E_NOT_FOUND, "%s is no model: there is no config.json in it", s->o.models[i].path);
        IG_TRY(add(p, s->o.models[i].name, s->o.models[i].path, err));
    }
    return scan_workspace(p, err);
}

void pool_close(pool *p) {
    if (!p) return;
    for (size_t i = 0; i < p->count; i++) {
        loaded_close(p->entry[i]->l);
        ig_free(p->entry[i]->path);
        ig_free(p->entry[i]);
    }
    ig_free(p->entry);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    ig_free(p);
}

/* ---- memory ------------------------------------------------------------------------------------------------------------------ */

/* What loading takes, about: the weights as f32 at most, and something for the cache. */
static uint64_t bytes_needed(const char *dir) {
    char path[IG_PATH_MAX], **names = NULL;
    size_t count = 0;
    uint64_t sum = 0;
    struct stat st;
    if (ig_dir_list(dir, &names, &count, NULL) != IG_OK) return 0;
    for (size_t i = 0; i < count; i++) {
        const char *dot = strrchr(names[i], '.');
        if (!dot || strcmp(dot, ".safetensors") != 0 || ig_path_join(path, sizeof path, dir, names[i], NULL) != IG_OK) continue;
        if (stat(path, &st) == 0) sum += (uint64_t)st.st_size;
    }
    ig_names_free(names, count);
    return sum * 2 + MEMORY_SPARE;
}

/* The model that nobody has used for longest, taken out of its entry; NULL when all are in use. */
static loaded *take_idlest(pool *p) {
    entry *best = NULL;
    for (size_t i = 0; i < p->count; i++) {
        entry *e = p->entry[i];
        if (e->l && e->refs == 0 && (!best || e->last_used < best->last_used)) best = e;
    }
    loaded *l = best ? best->l : NULL;
    if (best) best->l = NULL;
    return l;
}

static ig_status make_room(pool *p, const entry *e, ig_error *err) {
    uint64_t needed = bytes_needed(e->path), free_bytes;
    while ((free_bytes = ig_memory_available()) != 0 && free_bytes < needed) {
        loaded *l = take_idlest(p);
        if (!l) return ig_error_set(err, IG_E_BUSY, "memory is short: \"%s\" needs about %llu MB, %llu MB are free, and the models in memory "
                                    "are in use; try again later", e->name, (unsigned long long)(needed >> 20), (unsigned long long)(free_bytes >> 20));
        loaded_close(l);
    }
    return IG_OK;
}

void pool_sweep(pool *p) {
    double limit = ig_clock() - p->s->o.idle_seconds;
    for (;;) {
        loaded *l = NULL;
        pthread_mutex_lock(&p->lock);
        for (size_t i = 0; i < p->count && !l; i++) {
            entry *e = p->entry[i];
            if (!e->l || e->refs || e->last_used > limit) continue;
            l = e->l;
            e->l = NULL;
        }
        pthread_mutex_unlock(&p->lock);
        if (!l) return;
        loaded_close(l);
    }
}

/* ---- use --------------------------------------------------------------------------------------------------------------------- */

/* Called and left with the lock held; without it in between. */
static ig_status load(pool *p, entry *e, ig_error *err) {
    loaded *l = NULL;
    IG_TRY(make_room(p, e, err));
    e->loading = true;
    pthread_mutex_unlock(&p->lock);
    ig_status s = loaded_open(p->s->ctx, e->path, &(loaded_opts){.context_max = p->s->o.context_max, .version = p->s->o.version}, &l, err);
    pthread_mutex_lock(&p->lock);
    e->loading = false;
    e->l = l;
    pthread_cond_broadcast(&p->changed);
    return s;
}

static ig_status acquire(pool *p, const char *name, loaded **out, ig_error *err) {
    entry *e = find(p, name);
    if (!e) {
        IG_TRY(scan_workspace(p, err));
        e = find(p, name);
    }
    if (!e || (!e->l && !e->loading && !is_model(e->path)))
        return ig_error_set(err, IG_E_NOT_FOUND, "there is no model '%.100s'; GET /v1/models lists those that are served", name);
    while (e->loading) pthread_cond_wait(&p->changed, &p->lock);
    if (!e->l) IG_TRY(load(p, e, err));
    e->refs++;
    *out = e->l;
    return IG_OK;
}

ig_status pool_acquire(pool *p, const char *name, loaded **out, ig_error *err) {
    *out = NULL;
    pthread_mutex_lock(&p->lock);
    ig_status s = acquire(p, name, out, err);
    pthread_mutex_unlock(&p->lock);
    return s;
}

void pool_release(pool *p, loaded *l) {
    if (!l) return;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->count; i++)
        if (p->entry[i]->l == l) p->entry[i]->refs--, p->entry[i]->last_used = ig_clock();
    pthread_mutex_unlock(&p->lock);
}

static void copy_info(const pool *p, pool_info *out, size_t *count) {
    struct stat st;
    for (size_t i = 0; i < p->count; i++) {
        const entry *e = p->entry[i];
        if (!is_model(e->path)) continue;
        pool_info *info = &out[(*count)++];
        *info = (pool_info){.is_loaded = e->l != NULL, .created = stat(e->path, &st) == 0 ? (int64_t)st.st_mtime : 0};
        memcpy(info->name, e->name, sizeof info->name);
    }
}

ig_status pool_list(pool *p, pool_info **out, size_t *count, ig_error *err) {
    *count = 0;
    pthread_mutex_lock(&p->lock);
    ig_status s = scan_workspace(p, err);
    *out = s == IG_OK ? ig_calloc(p->count + 1, sizeof **out) : NULL;
    if (s == IG_OK && !*out) s = ig_error_nomem(err, sizeof **out);
    if (s == IG_OK) copy_info(p, *out, count);
    pthread_mutex_unlock(&p->lock);
    return s;
}

static const char *capability_word(unsigned capability) {
    if (capability & IG_CAN_GENERATE) return "does not generate text";
    if (capability & IG_CAN_EMBED) return "makes no vectors";
    if (capability & IG_CAN_CLASSIFY) return "has no labels";
    return "scores no pairs";
}

ig_status call_model(call *c, unsigned capability, loaded **out) {
    const char *name = ig_tree_text(ig_doc_root(c->body), "model", "");
    ig_error err = {0};
    ig_status s = pool_acquire(c->s->pool, name, out, &err);
    if (s == IG_E_NOT_FOUND && !err.file[0]) return call_fail(c, 404, "model", "model_not_found", "%s", err.message);
    if (s != IG_OK) {
        c->err = err;
        c->fail_status = s == IG_E_BUSY ? 429 : 500;
        return s;
    }
    snprintf(c->model, sizeof c->model, "%s", name);
    if (capability && !ig_model_can((*out)->m, capability))
        s = call_fail(c, 400, "model", "model_not_suitable", "the model '%s' %s", name, capability_word(capability));
    else if (capability != IG_CAN_EMBED && !(*out)->m->tokenizer)
        s = call_fail(c, 400, "model", "model_not_suitable", "the model '%s' has no tokenizer", name);
    if (s == IG_OK) return s;
    pool_release(c->s->pool, *out);
    *out = NULL;
    return s;
}
