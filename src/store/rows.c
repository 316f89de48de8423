/* store/rows.c: between the records and the database: checks of values, transactions, and the one way to page. */
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "store/store.h"

int64_t store_now(const ig_store *s) { return s->now(s->now_arg); }

store_value store_text(const char *s) {
    return (store_value){.type = STORE_TEXT, .text = s ? s : "", .len = s ? strlen(s) : 0};
}

store_value store_bytes(const void *p, size_t n) {
    return (store_value){.type = STORE_BYTES, .text = p, .len = n};
}

void store_random_text(char *dst, size_t n) {
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i < n; i++) dst[i] = letters[randombytes_uniform(sizeof letters - 1)];
    dst[n] = '\0';
}

void store_id_new(const char *prefix, char id[IG_STORE_ID_SIZE]) {
    char random[25];
    store_random_text(random, sizeof random - 1);
    snprintf(id, IG_STORE_ID_SIZE, "%s%s", prefix, random);
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

ig_status store_check_text(const char *field, const char *text, ig_error *err) {
    size_t n = text ? strlen(text) : 0;
    if (n > IG_STORE_TEXT_MAX)
        return ig_error_set(err, IG_E_LIMIT, "%s has %zu bytes; at most %zu are kept", field, n, IG_STORE_TEXT_MAX);
    if (n && !ig_utf8_valid(text, n)) return ig_error_set(err, IG_E_FORMAT, "%s is not UTF-8", field);
    return IG_OK;
}

ig_status store_check_name(const char *field, const char *text, size_t max, ig_error *err) {
    if (!text || !*text) return ig_error_set(err, IG_E_ARG, "%s is empty", field);
    size_t n = strlen(text);
    if (n > max) return ig_error_set(err, IG_E_LIMIT, "%s has %zu bytes; at most %zu are allowed", field, n, max);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return ig_error_set(err, IG_E_ARG, "%s holds a control character", field);
    return store_check_text(field, text, err);
}

ig_status store_check_json(const char *field, const char *text, ig_error *err) {
    ig_doc *doc;
    IG_TRY(store_check_text(field, text, err));
    if (!text) return IG_OK;
    IG_TRY(ig_json_parse(field, text, strlen(text), &doc, err));
    ig_doc_free(doc);
    return IG_OK;
}

/* ---- out of a row ------------------------------------------------------------------------------------------------ */

ig_status store_get_text(char *dst, size_t size, const store_value *v, ig_error *err) {
    if (v->type != STORE_TEXT || v->len >= size)
        return ig_error_set(err, IG_E_FORMAT, "a row of the store holds a text that does not fit");
    memcpy(dst, v->text, v->len);
    dst[v->len] = '\0';
    return IG_OK;
}

ig_status store_get_copy(char **dst, const store_value *v, ig_error *err) {
    *dst = ig_strndup(v->text, v->len);
    return *dst ? IG_OK : ig_error_nomem(err, v->len + 1);
}

ig_status store_get_word(const char *const *words, const store_value *v, int *out, ig_error *err) {
    for (int i = 0; words[i]; i++)
        if (v->type == STORE_TEXT && strcmp(words[i], v->text) == 0) {
            *out = i;
            return IG_OK;
        }
    return ig_error_set(err, IG_E_FORMAT, "a row of the store holds the unknown word \"%.40s\"", v->text);
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

static ig_status transact(ig_store *s, store_write_fn *fn, void *arg, ig_error *err) {
    IG_TRY(s->backend->begin(s->db, err));
    ig_status status = fn(s, arg, err);
    if (status == IG_OK) status = s->backend->end(s->db, err);
    if (status != IG_OK) s->backend->undo(s->db);
    return status;
}

ig_status store_write(ig_store *s, store_write_fn *fn, void *arg, ig_error *err) {
    pthread_mutex_lock(&s->lock);
    ig_status status = transact(s, fn, arg, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

ig_status store_run(ig_store *s, store_query q, const store_value *args, int n, store_row_fn *row, void *arg, ig_error *err) {
    return s->backend->run(s->db, q, args, n, row, arg, NULL, err);
}

/* ---- connections beside the first ---------------------------------------------------------------------------------- */

static store_db *take_spare(ig_store *s) {
    pthread_mutex_lock(&s->lock);
    store_db *db = s->spare;
    s->spare = NULL;
    pthread_mutex_unlock(&s->lock);
    return db;
}

static void give_spare(ig_store *s, store_db *db) {
    pthread_mutex_lock(&s->lock);
    store_db *other = s->spare ? db : NULL;
    if (!other) s->spare = db;
    pthread_mutex_unlock(&s->lock);
    s->backend->close(other);
}

ig_status store_stream(ig_store *s, store_query q, const store_value *args, int n, store_row_fn *row, void *arg, ig_error *err) {
    store_db *db = take_spare(s);
    if (!db) IG_TRY(s->backend->open(s->path, STORE_LIVE, &db, err));
    ig_status status = s->backend->run(db, q, args, n, row, arg, NULL, err);
    give_spare(s, db);
    return status;
}

void store_pause(void) {
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
}

ig_store store_view(const ig_store *s, store_db *db) {
    return (ig_store){.backend = s->backend, .db = db, .now = s->now, .now_arg = s->now_arg};
}

static ig_status quick_locked(ig_store *s, store_write_fn *fn, void *arg, ig_error *err) {
    if (!s->quick) IG_TRY(s->backend->open(s->path, STORE_QUICK, &s->quick, err));
    ig_store view = store_view(s, s->quick);
    return transact(&view, fn, arg, err);
}

ig_status store_quick(ig_store *s, store_write_fn *fn, void *arg, ig_error *err) {
    pthread_mutex_lock(&s->quick_lock);
    ig_status status = quick_locked(s, fn, arg, err);
    pthread_mutex_unlock(&s->quick_lock);
    return status;
}

ig_status store_read(ig_store *s, store_query q, const store_value *args, int n, store_row_fn *row, void *arg, ig_error *err) {
    pthread_mutex_lock(&s->lock);
    ig_status status = store_run(s, q, args, n, row, arg, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

ig_status store_change(ig_store *s, store_query q, const store_value *args, int n, bool *changed, ig_error *err) {
    int64_t changes = 0;
    *changed = false;
    IG_TRY(s->backend->run(s->db, q, args, n, NULL, NULL, &changes, err));
    *changed = changes > 0;
    return IG_OK;
}

/* ---- one row, and pages ------------------------------------------------------------------------------------------ */

typedef struct collect {
    const store_list *list;
    char *items; /* room for `room` */
    size_t count, room;
} collect;

static ig_status collect_row(void *arg, const store_value *v, ig_error *err) {
    collect *c = arg;
    if (c->count == c->room) return ig_error_set(err, IG_E_INTERNAL, "the store gave more rows than were asked for");
    c->count++; /* first: what is half read is freed too */
    return c->list->read(c->items + (c->count - 1) * c->list->item_bytes, v, err);
}

static void drop(collect *c, size_t keep) {
    while (c->count > keep) {
        void *item = c->items + --c->count * c->list->item_bytes;
        if (c->list->fini) c->list->fini(item);
    }
}

ig_status store_get(ig_store *s, const store_list *list, store_query get, const char *id, void *item, ig_error *err) {
    char copy[IG_STORE_ID_SIZE]; /* id may stand in the item itself; a longer one is in no row */
    collect c = {list, item, 0, 1};
    snprintf(copy, sizeof copy, "%s", id ? id : "");
    store_value arg = store_text(copy);
    memset(item, 0, list->item_bytes);
    ig_status status = store_run(s, get, &arg, 1, collect_row, &c, err);
    if (status == IG_OK && c.count == 0) return ig_error_set(err, IG_E_NOT_FOUND, "there is no %s \"%s\"", list->thing, copy);
    if (status != IG_OK) {
        drop(&c, 0);
        memset(item, 0, list->item_bytes);
    }
    return status;
}

ig_status store_read_number(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    *(int64_t *)arg = v[0].integer;
    return IG_OK;
}

static ig_status find_start(ig_store *s, const store_list *list, const ig_store_page *page, int64_t *seq, ig_error *err) {
    *seq = page->oldest_first ? 0 : INT64_MAX;
    if (!page->after) return IG_OK;
    store_value id = store_text(page->after);
    *seq = -1;
    IG_TRY(store_run(s, list->seq, &id, 1, store_read_number, seq, err));
    return *seq >= 0 ? IG_OK : ig_error_set(err, IG_E_NOT_FOUND, "after: there is no %s \"%.60s\"", list->thing, page->after);
}

static ig_status page_locked(ig_store *s, const store_value *filter, const ig_store_page *page, collect *c, ig_error *err) {
    int64_t seq;
    IG_TRY(find_start(s, c->list, page, &seq, err));
    store_value args[4] = {store_int(seq), store_int((int64_t)c->room)};
    int filters = !filter ? 0 : c->list->filters ? c->list->filters : 1;
    for (int i = 0; i < filters && i < 2; i++) args[2 + i] = filter[i];
    return store_run(s, page->oldest_first ? c->list->oldest : c->list->newest, args, 2 + filters, collect_row, c, err);
}

ig_status store_page(ig_store *s, const store_list *list, const store_value *filter, const ig_store_page *page, void *out,
                     size_t *count, bool *more, ig_error *err) {
    ig_store_page p = page ? *page : (ig_store_page){0};
    memset(out, 0, sizeof(void *));
    *count = 0, *more = false;
    if (p.limit < 0 || p.limit > IG_STORE_LIST_MAX)
        return ig_error_set(err, IG_E_ARG, "limit must be between 1 and %d, not %d", IG_STORE_LIST_MAX, p.limit);
    size_t limit = p.limit ? (size_t)p.limit : 20;
    collect c = {list, ig_calloc(limit + 1, list->item_bytes), 0, limit + 1}; /* one more tells whether there are more */
    if (!c.items) return ig_error_nomem(err, (limit + 1) * list->item_bytes);
    pthread_mutex_lock(&s->lock);
    ig_status status = page_locked(s, filter, &p, &c, err);
    pthread_mutex_unlock(&s->lock);
    *more = status == IG_OK && c.count > limit;
    drop(&c, status == IG_OK ? limit : 0);
    if (status != IG_OK) {
        ig_free(c.items);
        return status;
    }
    memcpy(out, &c.items, sizeof c.items); /* a pointer to the items, whatever their type */
    *count = c.count;
    return IG_OK;
}

/* ---- all rows ------------------------------------------------------------------------------------------------------ */

static ig_status collect_more(void *arg, const store_value *v, ig_error *err) {
    collect *c = arg;
    if (c->count == STORE_ROWS_MAX)
        return ig_error_set(err, IG_E_LIMIT, "more than %zu rows of the kind %s", STORE_ROWS_MAX, c->list->thing);
    if (c->count == c->room) {
        size_t room = c->room ? c->room * 2 : 16, bytes = room * c->list->item_bytes;
        char *items = ig_realloc(c->items, bytes);
        if (!items) return ig_error_nomem(err, bytes);
        memset(items + c->room * c->list->item_bytes, 0, (room - c->room) * c->list->item_bytes);
        c->items = items, c->room = room;
    }
    return collect_row(c, v, err);
}

ig_status store_all(ig_store *s, const store_list *list, store_query q, const store_value *args, int n, void *out, size_t *count,
                    ig_error *err) {
    collect c = {.list = list};
    memset(out, 0, sizeof(void *));
    *count = 0;
    ig_status status = store_read(s, q, args, n, collect_more, &c, err);
    if (status != IG_OK) {
        drop(&c, 0);
        ig_free(c.items);
        return status;
    }
    memcpy(out, &c.items, sizeof c.items);
    *count = c.count;
    return IG_OK;
}
