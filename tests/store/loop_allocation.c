/* tests/store/loop_allocation.c: every call of ingot/loop_store.h with its n-th allocation failing, n = 1, 2, 3 …
 *
 * A failure must be IG_E_NOMEM, and the store must be whole afterwards.  One feature serves all: each failed call leaves its rows
 * behind, and lists are asked for one entry, so that they do not grow with the walk.
 */
#include "walk.h"

#include "ingot/loop_store.h"

static char feature[IG_STORE_ID_SIZE], interaction[IG_STORE_ID_SIZE], public_key[IG_STORE_ID_SIZE];
static int64_t version, said_before;

static ig_status see(void *arg, const ig_store_item *item, ig_error *err) {
    (void)arg, (void)item, (void)err;
    return IG_OK;
}

static ig_status hear(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    (void)arg, (void)i, (void)f, (void)err;
    return IG_OK;
}

/* ---- features and versions ---------------------------------------------------------------------------------------- */

static ig_status feature_read(ig_store *s, ig_error *err) {
    ig_store_feature f, *list;
    size_t count;
    int64_t revision;
    IG_TRY(ig_store_feature_get(s, "desk", &f, err));
    ig_store_feature_fini(&f);
    IG_TRY(ig_store_feature_get_id(s, feature, &f, err));
    ig_store_feature_fini(&f);
    IG_TRY(ig_store_feature_revision(s, feature, &revision, err));
    IG_TRY(ig_store_feature_list(s, &list, &count, err));
    ig_store_features_free(list, count);
    return IG_OK;
}

static ig_status feature_life(ig_store *s, ig_error *err) {
    static int number;
    char name[20];
    ig_store_feature f;
    snprintf(name, sizeof name, "f%d", number++);
    IG_TRY(ig_store_feature_new(s, name, "k", "{\"a\":1}", NULL, &f, err));
    ig_status status = ig_store_feature_set_settings(s, f.id, "{}", NULL, err);
    if (status == IG_OK) status = ig_store_feature_remove(s, f.id, NULL, err);
    ig_store_feature_fini(&f);
    return status;
}

static ig_status version_life(ig_store *s, ig_error *err) {
    int64_t n;
    ig_store_feature_version v;
    IG_TRY(ig_store_feature_version_new(s, feature, "new", version, 1, NULL, &n, err));
    IG_TRY(ig_store_feature_version_finish(s, feature, n, IG_VERSION_COMPLETE, "{}", err));
    IG_TRY(ig_store_feature_version_set_card(s, feature, n, "{\"a\":1}", err));
    IG_TRY(ig_store_feature_version_get(s, feature, n, &v, err));
    ig_store_feature_version_fini(&v);
    IG_TRY(ig_store_feature_set_candidate(s, feature, n, 0.5, NULL, err));
    IG_TRY(ig_store_feature_set_candidate(s, feature, 0, 0, NULL, err));
    return ig_store_feature_version_remove(s, feature, n, NULL, err);
}

static ig_status live_life(ig_store *s, ig_error *err) {
    ig_store_feature f;
    int64_t before;
    IG_TRY(ig_store_feature_get_id(s, feature, &f, err));
    int64_t live = f.live;
    ig_store_feature_fini(&f);
    IG_TRY(ig_store_feature_set_live(s, feature, live, version, "promote", NULL, err));
    return ig_store_feature_live_before(s, feature, &before, err);
}

/* ---- content ------------------------------------------------------------------------------------------------------ */

static ig_status change(ig_store *s, ig_store_items *w, ig_error *err) {
    int64_t content;
    IG_TRY(ig_store_items_put(w, &(ig_store_item){.id = "a", .body = "{\"text\":\"one body\"}"}, NULL, err));
    IG_TRY(ig_store_items_put(w, &(ig_store_item){.id = "b", .body = "{\"text\":\"another\"}"}, NULL, err));
    IG_TRY(ig_store_items_withdraw(w, "b", err));
    IG_TRY(ig_store_item_each(s, w, feature, true, see, NULL, err));
    return ig_store_items_commit(w, &content, err);
}

static ig_status content_life(ig_store *s, ig_error *err) {
    ig_store_items *w;
    IG_TRY(ig_store_items_open(s, feature, NULL, &w, err));
    ig_status status = change(s, w, err);
    if (status == IG_OK) status = ig_store_items_put(w, &(ig_store_item){.id = "a", .body = "{\"text\":\"two\"}"}, NULL, err);
    if (status == IG_OK) status = ig_store_items_commit(w, NULL, err);
    ig_store_items_close(w);
    return status;
}

static ig_status content_read(ig_store *s, ig_error *err) {
    int64_t total, live, gone;
    char **ids;
    size_t count;
    IG_TRY(ig_store_item_each(s, NULL, feature, false, see, NULL, err));
    IG_TRY(ig_store_item_get(s, feature, "a", see, NULL, err));
    IG_TRY(ig_store_item_find(s, feature, "text tw", 0, 10, see, NULL, &total, err));
    IG_TRY(ig_store_item_count(s, feature, &live, &gone, err));
    IG_TRY(ig_store_item_withdrawn(s, feature, &ids, &count, err));
    ig_names_free(ids, count);
    return IG_OK;
}

/* ---- what is said ------------------------------------------------------------------------------------------------- */

static ig_status said_add(ig_store *s, ig_error *err) {
    ig_store_interaction i = {.outcome = "answered"};
    ig_store_feedback f = {.type = "like", .user = "u"};
    snprintf(i.feature, sizeof i.feature, "%s", feature);
    snprintf(f.interaction, sizeof f.interaction, "%s", interaction);
    IG_TRY(ig_store_interaction_add(s, &i, err));
    return ig_store_feedback_add(s, &f, err);
}

static ig_status said_read(ig_store *s, ig_error *err) {
    ig_store_interaction i;
    ig_store_said_count c;
    char hash[65];
    IG_TRY(ig_store_interaction_get(s, interaction, &i, err));
    ig_store_interaction_fini(&i);
    IG_TRY(ig_store_said_each(s, feature, &(ig_store_said_opts){.after = said_before, .limit = 1}, hear, NULL, err));
    IG_TRY(ig_store_said_count_get(s, feature, 0, 0, 0, &c, err));
    return ig_store_user_hash(s, "user", hash, err);
}

static ig_status ticket_life(ig_store *s, ig_error *err) {
    ig_store_ticket t = {.subject = NULL}, made, *list;
    ig_store_message m, *messages;
    size_t count;
    bool more;
    snprintf(t.feature, sizeof t.feature, "%s", feature);
    IG_TRY(ig_store_ticket_new(s, &t, NULL, &made, err));
    ig_store_ticket_fini(&made);
    IG_TRY(ig_store_ticket_list(s, feature, NULL, &(ig_store_page){.limit = 1}, &list, &count, &more, err));
    snprintf(t.id, sizeof t.id, "%s", list[0].id);
    ig_store_tickets_free(list, count);
    IG_TRY(ig_store_message_add(s, t.id, "staff", NULL, "text", &m, err));
    ig_free(m.text);
    IG_TRY(ig_store_ticket_set_status(s, t.id, "closed", NULL, err));
    IG_TRY(ig_store_message_list(s, t.id, &messages, &count, err));
    ig_store_messages_free(messages, count);
    return IG_OK;
}

/* ---- keys --------------------------------------------------------------------------------------------------------- */

static ig_status scope_life(ig_store *s, ig_error *err) {
    ig_store_key_scope scope = {.origins = (char *)(uintptr_t)"https://shop.example", .visitor_per_minute = 3}, got;
    snprintf(scope.feature, sizeof scope.feature, "%s", feature);
    IG_TRY(ig_store_key_set_scope(s, public_key, &scope, NULL, err));
    IG_TRY(ig_store_key_get_scope(s, public_key, &got, err));
    ig_store_key_scope_fini(&got);
    return IG_OK;
}

static ig_status session_life(ig_store *s, ig_error *err) {
    char secret[IG_STORE_SECRET_SIZE], token[300], payload[100];
    ig_store_key k;
    IG_TRY(ig_store_session_new(s, public_key, 100, secret, err));
    IG_TRY(ig_store_session_find(s, secret, &k, err));
    IG_TRY(ig_store_session_end(s, secret, err));
    IG_TRY(ig_store_link_new(s, public_key, 100, secret, err));
    IG_TRY(ig_store_link_take(s, secret, &k, err));
    IG_TRY(ig_store_sign(s, "visitor", token, sizeof token, err));
    return ig_store_signed(s, token, payload, sizeof payload, err);
}

static ig_status sweep(ig_store *s, ig_error *err) {
    int64_t removed;
    IG_TRY(ig_store_feature_sweep(s, &removed, err));
    return ig_store_said_sweep(s, &removed, err);
}

/* ------------------------------------------------------------------------------------------------------------------- */

static ig_store *store_with_a_feature(void) {
    ig_error err = {0};
    ig_store *s = open_store("loop");
    ig_store_feature f;
    ig_store_key k;
    ig_store_interaction i = {.outcome = "answered"};
    char secret[IG_STORE_SECRET_SIZE];
    check_ok(ig_store_feature_new(s, "desk", "support", "{}", NULL, &f, &err));
    snprintf(feature, sizeof feature, "%s", f.id);
    ig_store_feature_fini(&f);
    check_ok(ig_store_feature_version_new(s, feature, "new", 0, 1, NULL, &version, &err));
    check_ok(ig_store_feature_version_finish(s, feature, version, IG_VERSION_COMPLETE, "{}", &err));
    check_ok(ig_store_key_new(s, &(ig_store_key_opts){.name = "p", .role = IG_ROLE_PUBLIC}, secret, &k, &err));
    snprintf(public_key, sizeof public_key, "%s", k.id);
    snprintf(i.feature, sizeof i.feature, "%s", feature);
    check_ok(ig_store_interaction_add(s, &i, &err));
    snprintf(interaction, sizeof interaction, "%s", i.id);
    said_before = i.number - 1;
    return s;
}

static void every_call_survives_every_failure(void **state) {
    (void)state;
    static const struct { const char *name; step_fn *step; } calls[] = {
        {"feature_read", feature_read}, {"said_read", said_read}, {"content_life", content_life}, {"content_read", content_read},
        {"version_life", version_life}, {"live_life", live_life}, {"said_add", said_add}, {"ticket_life", ticket_life},
        {"scope_life", scope_life}, {"session_life", session_life}, {"feature_life", feature_life}, {"sweep", sweep},
    };
    ig_error err = {0};
    ig_store *s = store_with_a_feature();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) walk(calls[i].name, s, calls[i].step);
    check_ok(ig_store_audit_check(s, NULL, NULL, &err));
    ig_store_close(s);
    s = open_store("loop"); /* checks the database */
    check_ok(content_read(s, &err));
    ig_store_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_survives_every_failure)};
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
