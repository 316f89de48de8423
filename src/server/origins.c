/* server/origins.c: from which pages a browser may call at all: the origins of every public key together (CORS).
 *
 * A browser asks before it sends a key, and the answer may not wait for the store: the list is kept in memory, read anew every
 * few seconds and when a key is made or revoked here.  Which key may be used from which page access.c decides afterwards.
 */
#include <string.h>

#include "server/server.h"

#define ORIGINS_BYTES_MAX ((size_t)1 << 20)

struct origin_list {
    pthread_mutex_t lock;
    char *list; /* separated by spaces */
};

ig_status origins_open(origin_list **out, ig_error *err) {
    origin_list *o = *out = ig_calloc(1, sizeof *o);
    if (!o) return ig_error_nomem(err, sizeof *o);
    pthread_mutex_init(&o->lock, NULL);
    return IG_OK;
}

void origins_close(origin_list *o) {
    if (!o) return;
    pthread_mutex_destroy(&o->lock);
    ig_free(o->list);
    ig_free(o);
}

static ig_status add_key(ig_store *store, const ig_store_key *key, ig_buf *list, ig_error *err) {
    ig_store_key_scope scope = {0};
    ig_error own = {0};
    if (key->revoked_at || key->role != IG_ROLE_PUBLIC) return IG_OK;
    ig_status s = ig_store_key_get_scope(store, key->id, &scope, &own);
    if (s == IG_E_NOT_FOUND) return IG_OK;
    if (s == IG_OK) ig_buf_puts(list, scope.origins ? scope.origins : ""), ig_buf_putc(list, ' ');
    else if (err) *err = own;
    ig_store_key_scope_fini(&scope);
    return s;
}

static ig_status read_all(ig_store *store, ig_buf *list, ig_error *err) {
    char after[IG_STORE_ID_SIZE] = "";
    bool more = true;
    ig_status s = IG_OK;
    while (more && s == IG_OK) {
        ig_store_key *keys = NULL;
        size_t count = 0;
        ig_store_page page = {.after = *after ? after : NULL, .limit = 500};
        IG_TRY(ig_store_key_list(store, &page, &keys, &count, &more, err));
        for (size_t i = 0; i < count && s == IG_OK; i++) s = add_key(store, &keys[i], list, err);
        if (count) memcpy(after, keys[count - 1].id, sizeof after);
        ig_free(keys);
    }
    return s == IG_OK ? ig_buf_status(list, err) : s;
}

ig_status origins_refresh(ig_server *s, ig_error *err) {
    ig_buf list = {.max = ORIGINS_BYTES_MAX};
    if (!s->store || !s->origins) return IG_OK;
    ig_status status = read_all(s->store, &list, err);
    char *text = status == IG_OK ? ig_strdup(list.data ? list.data : "") : NULL;
    ig_buf_fini(&list);
    if (status != IG_OK) return status;
    if (!text) return ig_error_nomem(err, list.len);
    pthread_mutex_lock(&s->origins->lock);
    char *old = s->origins->list;
    s->origins->list = text;
    pthread_mutex_unlock(&s->origins->lock);
    ig_free(old);
    return IG_OK;
}

bool origins_allow(void *arg, const ig_http_request *req, const char *origin) {
    const ig_server *s = arg;
    (void)req;
    if (s->o.no_key || !s->origins) return false;
    pthread_mutex_lock(&s->origins->lock);
    bool allowed = access_origin_in(s->origins->list, origin);
    pthread_mutex_unlock(&s->origins->lock);
    return allowed;
}
