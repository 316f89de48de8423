/* store/scopes.c: what a public key may do: one feature, from pages of certain origins. */
#include <string.h>

#include "store/store.h"

void ig_store_key_scope_fini(ig_store_key_scope *p) {
    if (!p) return;
    ig_free(p->origins);
    *p = (ig_store_key_scope){0};
}

static void fini_scope(void *item) { ig_store_key_scope_fini(item); }

static ig_status read_scope(void *item, const store_value *v, ig_error *err) {
    ig_store_key_scope *p = item;
    IG_TRY(store_get_text(p->feature, sizeof p->feature, &v[0], err));
    p->visitor_per_minute = v[2].integer;
    return store_get_copy(&p->origins, &v[1], err);
}

static const store_list scopes = {
    .thing = "scope of the key", .item_bytes = sizeof(ig_store_key_scope), .read = read_scope, .fini = fini_scope,
};

ig_status ig_store_key_get_scope(ig_store *s, const char *key, ig_store_key_scope *out, ig_error *err) {
    pthread_mutex_lock(&s->lock);
    ig_status status = store_get(s, &scopes, STORE_Q_SCOPE_GET, key, out, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

typedef struct new_scope {
    const char *key, *who;
    const ig_store_key_scope *scope;
} new_scope;

static ig_status audit_scope(ig_store *s, const new_scope *n, ig_error *err) {
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    ig_json_key(&j, "feature"), ig_json_text(&j, n->scope->feature);
    ig_json_key(&j, "origins"), ig_json_text(&j, n->scope->origins ? n->scope->origins : "");
    ig_json_key(&j, "visitor_per_minute"), ig_json_int(&j, n->scope->visitor_per_minute);
    ig_json_close(&j, '}');
    ig_status status = ig_buf_status(&b, err);
    if (status == IG_OK)
        status = store_audit(s, &(ig_store_audit_opts){.who = n->who, .what = "key.scope", .object = n->key, .after = b.data}, err);
    ig_buf_fini(&b);
    return status;
}

static ig_status set_scope(ig_store *s, void *arg, ig_error *err) {
    const new_scope *n = arg;
    ig_store_feature f;
    ig_store_key k;
    IG_TRY(store_key_valid(s, n->key, &k, err));
    if (k.role != IG_ROLE_PUBLIC) return ig_error_set(err, IG_E_ARG, "the key \"%s\" is not public; only those have a scope", k.name);
    IG_TRY(store_feature(s, n->scope->feature, &f, err));
    ig_store_feature_fini(&f);
    const store_value v[] = {store_text(n->key), store_text(n->scope->feature), store_text(n->scope->origins),
                             store_int(n->scope->visitor_per_minute)};
    IG_TRY(store_run(s, STORE_Q_SCOPE_SET, v, 4, NULL, NULL, err));
    return audit_scope(s, n, err);
}

ig_status ig_store_key_set_scope(ig_store *s, const char *key, const ig_store_key_scope *scope, const char *who, ig_error *err) {
    if (scope->visitor_per_minute < 0) return ig_error_set(err, IG_E_ARG, "the limit of a visitor is 0 or more");
    IG_TRY(store_check_text("the origins of the key", scope->origins, err));
    return store_write(s, set_scope, &(new_scope){key, who, scope}, err);
}
