/* tests/store/loop.c: features and their live version, content, what was said, tickets, sessions, signed tokens. */
#include "folder.h"

#include "ingot/loop_store.h"

static ig_store_feature new_feature(ig_store *s, const char *name) {
    ig_error err = {0};
    ig_store_feature f;
    check_ok(ig_store_feature_new(s, name, "support", "{}", NULL, &f, &err));
    return f;
}

static int64_t new_version(ig_store *s, const char *feature) {
    ig_error err = {0};
    int64_t n;
    check_ok(ig_store_feature_version_new(s, feature, "new", 0, 1, NULL, &n, &err));
    check_ok(ig_store_feature_version_finish(s, feature, n, IG_VERSION_COMPLETE, "{\"a\":1}", &err));
    return n;
}

static void name_is_one_of_a_kind_until_removed(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store *s = open_store("names");
    ig_store_feature f = new_feature(s, "desk"), g;
    check_fails(ig_store_feature_new(s, "desk", "support", NULL, NULL, &g, &err), IG_E_EXISTS);
    check_ok(ig_store_feature_remove(s, f.id, NULL, &err));
    check_fails(ig_store_feature_get(s, "desk", &g, &err), IG_E_NOT_FOUND);
    check_ok(ig_store_feature_get_id(s, f.id, &g, &err));
    assert_int_equal(g.removed_at, now_s);
    ig_store_feature_fini(&g);
    g = new_feature(s, "desk");
    ig_store_feature_fini(&g);
    ig_store_feature_fini(&f);
    ig_store_close(s);
}

static void live_version_is_changed_by_comparing(void **state) {
    (void)state;
    ig_error err = {0};
    int64_t before, revision, later;
    ig_store *s = open_store("live"), *t = open_store("live");
    ig_store_feature f = new_feature(s, "desk");
    for (int i = 1; i <= 3; i++) assert_int_equal(new_version(s, f.id), i);
    check_ok(ig_store_feature_revision(s, f.id, &revision, &err));
    check_ok(ig_store_feature_set_live(s, f.id, 0, 1, "publish", NULL, &err));
    check_fails(ig_store_feature_set_live(t, f.id, 0, 2, "promote", NULL, &err), IG_E_STATE);
    check_fails(ig_store_feature_set_live(t, f.id, 1, 9, "promote", NULL, &err), IG_E_NOT_FOUND);
    check_ok(ig_store_feature_set_live(t, f.id, 1, 2, "promote", NULL, &err));
    check_ok(ig_store_feature_set_candidate(s, f.id, 3, 0.5, NULL, &err));
    check_ok(ig_store_feature_set_live(s, f.id, 2, 3, "promote", NULL, &err));
    check_fails(ig_store_feature_version_remove(s, f.id, 3, NULL, &err), IG_E_STATE);
    check_ok(ig_store_feature_live_before(s, f.id, &before, &err));
    assert_int_equal(before, 2);
    check_ok(ig_store_feature_set_live(s, f.id, 3, 2, "rollback", NULL, &err));
    check_ok(ig_store_feature_live_before(s, f.id, &before, &err));
    assert_int_equal(before, 1);
    check_ok(ig_store_feature_version_remove(s, f.id, 1, NULL, &err));
    check_ok(ig_store_feature_live_before(s, f.id, &before, &err));
    assert_int_equal(before, 0);
    check_ok(ig_store_feature_revision(t, f.id, &later, &err));
    assert_int_equal(later, revision + 5);
    ig_store_feature_fini(&f);
    check_ok(ig_store_feature_get(s, "desk", &f, &err));
    assert_int_equal(f.live, 2);
    assert_int_equal(f.candidate, 0);
    ig_store_feature_fini(&f);
    ig_store_close(t);
    ig_store_close(s);
}

/* ---- content ----------------------------------------------------------------------------------------------------- */

typedef struct seen {
    char ids[200];
    int64_t count, withdrawn;
} seen;

static ig_status see(void *arg, const ig_store_item *item, ig_error *err) {
    (void)err;
    seen *n = arg;
    size_t len = strlen(n->ids);
    snprintf(n->ids + len, sizeof n->ids - len, "%s ", item->id);
    n->count++, n->withdrawn += item->withdrawn_at != 0;
    return IG_OK;
}

static ig_store_put put(ig_store_items *w, const char *id, const char *body) {
    ig_error err = {0};
    ig_store_put what;
    check_ok(ig_store_items_put(w, &(ig_store_item){.id = id, .body = body}, &what, &err));
    return what;
}

static void check_items(ig_store *s, ig_store_items *w, const char *feature, bool all, const char *ids) {
    ig_error err = {0};
    seen n = {0};
    check_ok(ig_store_item_each(s, w, feature, all, see, &n, &err));
    assert_string_equal(n.ids, ids);
}

static void check_found(ig_store *s, const char *feature, const char *query, const char *ids) {
    ig_error err = {0};
    seen n = {0};
    int64_t total;
    check_ok(ig_store_item_find(s, feature, query, 0, 10, see, &n, &total, &err));
    assert_string_equal(n.ids, ids);
    assert_int_equal(total, n.count);
}

static void change_is_whole_and_seen_within(void **state) {
    (void)state;
    ig_error err = {0};
    int64_t content, live, gone;
    char **ids;
    size_t count;
    ig_store *s = open_store("items");
    ig_store_feature f = new_feature(s, "desk");
    ig_store_items *w;
    check_ok(ig_store_items_open(s, f.id, NULL, &w, &err));
    assert_int_equal(put(w, "a", "{\"t\":\"Refund takes days\"}"), IG_PUT_ADDED);
    assert_int_equal(put(w, "b", "{\"t\":\"退款多久到账\"}"), IG_PUT_ADDED);
    assert_int_equal(put(w, "a", "{\"t\":\"Refund takes days\"}"), IG_PUT_SAME);
    check_items(s, w, f.id, false, "a b ");
    check_items(s, NULL, f.id, false, "");
    new_version(s, f.id); /* nobody waits for an open change */
    check_ok(ig_store_items_commit(w, &content, &err));
    assert_int_equal(content, 1);
    ig_store_items_close(w);
    check_ok(ig_store_items_open(s, f.id, NULL, &w, &err));
    check_ok(ig_store_items_withdraw(w, "a", &err));
    check_fails(ig_store_items_withdraw(w, "none", &err), IG_E_NOT_FOUND);
    assert_int_equal(put(w, "c", "{\"t\":\"refund by card\"}"), IG_PUT_ADDED);
    check_items(s, w, f.id, false, "b c ");
    ig_store_items_close(w); /* nothing of it is kept */
    check_items(s, NULL, f.id, false, "a b ");
    check_found(s, f.id, "REFUND days", "a ");
    check_found(s, f.id, "退款", "b ");
    check_found(s, f.id, "退款 多久到", "b ");
    check_found(s, f.id, "\" OR body", "");
    check_found(s, f.id, NULL, "b a ");
    check_ok(ig_store_items_open(s, f.id, NULL, &w, &err));
    check_ok(ig_store_items_withdraw(w, "a", &err));
    assert_int_equal(put(w, "b", "{\"t\":\"改了\"}"), IG_PUT_CHANGED);
    check_ok(ig_store_items_commit(w, &content, &err));
    assert_int_equal(content, 2);
    ig_store_items_close(w);
    check_items(s, NULL, f.id, true, "a b ");
    check_found(s, f.id, "refund", "");
    check_found(s, f.id, "退款", "");
    check_found(s, f.id, "改了", "b ");
    check_ok(ig_store_item_withdrawn(s, f.id, &ids, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(ids[0], "a");
    ig_names_free(ids, count);
    check_ok(ig_store_item_count(s, f.id, &live, &gone, &err));
    assert_int_equal(live, 1);
    assert_int_equal(gone, 1);
    ig_store_feature_fini(&f);
    ig_store_close(s);
}

/* ---- said -------------------------------------------------------------------------------------------------------- */

typedef struct heard {
    int interactions, likes, dislikes, other;
} heard;

static ig_status hear(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    (void)err;
    heard *h = arg;
    assert_true(i->number > 0);
    h->interactions++;
    if (!f) return IG_OK;
    h->likes += strcmp(f->type, "like") == 0, h->dislikes += strcmp(f->type, "dislike") == 0;
    h->other += strcmp(f->type, "correction") == 0;
    return IG_OK;
}

static void rate(ig_store *s, const char *interaction, const char *type, const char *user) {
    ig_error err = {0};
    ig_store_feedback f = {.reason = NULL};
    snprintf(f.interaction, sizeof f.interaction, "%s", interaction);
    snprintf(f.type, sizeof f.type, "%s", type);
    snprintf(f.user, sizeof f.user, "%s", user);
    check_ok(ig_store_feedback_add(s, &f, &err));
}

static ig_store_interaction say(ig_store *s, const char *feature, int64_t keep_until) {
    ig_error err = {0};
    ig_store_interaction i = {.version = 1, .outcome = "answered", .confidence = 0.5, .microseconds = 2000000,
                              .keep_until = keep_until, .user = "u"};
    snprintf(i.feature, sizeof i.feature, "%s", feature);
    check_ok(ig_store_interaction_add(s, &i, &err));
    return i;
}

static heard listen(ig_store *s, const char *feature, ig_store_said_opts o) {
    ig_error err = {0};
    heard h = {0};
    check_ok(ig_store_said_each(s, feature, &o, hear, &h, &err));
    return h;
}

static void later_thumb_stands_for_the_earlier(void **state) {
    (void)state;
    ig_error err = {0};
    int64_t removed;
    ig_store *s = open_store("said");
    ig_store_feature f = new_feature(s, "desk");
    ig_store_interaction a = say(s, f.id, 0), b = say(s, f.id, now_s + 10), got;
    rate(s, a.id, "like", "one"), rate(s, a.id, "dislike", "one"), rate(s, a.id, "like", "two");
    rate(s, b.id, "like", "one"), rate(s, b.id, "none", "one"), rate(s, b.id, "correction", "one");
    heard h = listen(s, f.id, (ig_store_said_opts){0});
    assert_int_equal(h.interactions, 3);
    assert_int_equal(h.likes, 1);
    assert_int_equal(h.dislikes, 1);
    assert_int_equal(h.other, 1);
    assert_int_equal(listen(s, f.id, (ig_store_said_opts){.type = "dislike"}).interactions, 1);
    assert_int_equal(listen(s, f.id, (ig_store_said_opts){.conversation = b.conversation, .newest_first = true}).interactions, 1);
    assert_int_equal(listen(s, f.id, (ig_store_said_opts){.after = a.number, .limit = 1}).interactions, 1);
    ig_store_said_count c;
    check_ok(ig_store_said_count_get(s, f.id, 0, 0, 0, &c, &err));
    assert_int_equal(c.answered, 2);
    assert_int_equal(c.users, 1);
    assert_int_equal(c.likes, 1);
    assert_int_equal(c.corrections, 1);
    assert_true(c.seconds_mean == 2.0);
    now_s += 10;
    check_ok(ig_store_said_sweep(s, &removed, &err));
    assert_int_equal(removed, 1);
    check_fails(ig_store_interaction_get(s, b.id, &got, &err), IG_E_NOT_FOUND);
    check_ok(ig_store_interaction_get(s, a.id, &got, &err));
    ig_store_interaction_fini(&got);
    ig_store_feature_fini(&f);
    ig_store_close(s);
}

static void steps_give_each_interaction_once(void **state) {
    (void)state;
    ig_store *s = open_store("steps");
    ig_store_feature f = new_feature(s, "desk");
    for (int i = 0; i < 2100; i++) say(s, f.id, 0);
    assert_int_equal(listen(s, f.id, (ig_store_said_opts){0}).interactions, 2100);
    assert_int_equal(listen(s, f.id, (ig_store_said_opts){.newest_first = true, .limit = 1500}).interactions, 1500);
    ig_store_feature_fini(&f);
    ig_store_close(s);
}

/* ---- tickets, sessions, tokens ------------------------------------------------------------------------------------- */

static void ticket_moves_with_its_messages(void **state) {
    (void)state;
    ig_error err = {0};
    size_t count;
    bool more;
    ig_store *s = open_store("tickets");
    ig_store_feature f = new_feature(s, "desk");
    ig_store_ticket t = {.subject = NULL}, out, *list;
    ig_store_message *messages;
    snprintf(t.feature, sizeof t.feature, "%s", f.id);
    check_ok(ig_store_ticket_new(s, &t, NULL, &out, &err));
    check_ok(ig_store_message_add(s, out.id, "staff", NULL, "您好", NULL, &err));
    check_ok(ig_store_ticket_list(s, f.id, "answered", NULL, &list, &count, &more, &err));
    assert_int_equal(count, 1);
    ig_store_tickets_free(list, count);
    check_ok(ig_store_message_add(s, out.id, "user", NULL, "thanks", NULL, &err));
    check_ok(ig_store_ticket_list(s, NULL, "answered", NULL, &list, &count, &more, &err));
    assert_int_equal(count, 0);
    ig_store_tickets_free(list, count);
    check_ok(ig_store_ticket_set_status(s, out.id, "closed", NULL, &err));
    check_fails(ig_store_ticket_set_status(s, out.id, "lost", NULL, &err), IG_E_ARG);
    check_ok(ig_store_message_list(s, out.id, &messages, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(messages[0].text, "您好");
    ig_store_messages_free(messages, count);
    ig_store_ticket_fini(&out);
    ig_store_feature_fini(&f);
    ig_store_close(s);
}

static void session_dies_with_its_key_and_a_link_is_taken_once(void **state) {
    (void)state;
    ig_error err = {0};
    char secret[IG_STORE_SECRET_SIZE], link[IG_STORE_SECRET_SIZE], cookie[IG_STORE_SECRET_SIZE];
    ig_store *s = open_store("sessions");
    ig_store_key k, found;
    ig_store_key_opts o = {.name = "a", .role = IG_ROLE_STAFF};
    check_ok(ig_store_key_new(s, &o, secret, &k, &err));
    check_ok(ig_store_session_new(s, k.id, 100, cookie, &err));
    check_ok(ig_store_link_new(s, k.id, 100, link, &err));
    check_fails(ig_store_session_find(s, link, &found, &err), IG_E_NOT_FOUND);
    check_ok(ig_store_link_take(s, link, &found, &err));
    check_fails(ig_store_link_take(s, link, &found, &err), IG_E_NOT_FOUND);
    check_ok(ig_store_session_find(s, cookie, &found, &err));
    assert_string_equal(found.id, k.id);
    now_s += 100;
    check_fails(ig_store_session_find(s, cookie, &found, &err), IG_E_NOT_FOUND);
    check_ok(ig_store_session_new(s, k.id, 100, cookie, &err));
    check_ok(ig_store_key_revoke(s, k.id, NULL, &err));
    check_fails(ig_store_session_find(s, cookie, &found, &err), IG_E_NOT_FOUND);
    ig_store_close(s);
}

static void scope_binds_a_public_key_to_a_feature(void **state) {
    (void)state;
    ig_error err = {0};
    char secret[IG_STORE_SECRET_SIZE], origins[] = "https://shop.example https://www.shop.example";
    ig_store *s = open_store("scopes");
    ig_store_feature f = new_feature(s, "desk");
    ig_store_key open_to_all, staff;
    ig_store_key_scope scope = {.origins = origins, .visitor_per_minute = 7}, got;
    snprintf(scope.feature, sizeof scope.feature, "%s", f.id);
    check_ok(ig_store_key_new(s, &(ig_store_key_opts){.name = "page", .role = IG_ROLE_PUBLIC}, secret, &open_to_all, &err));
    check_ok(ig_store_key_new(s, &(ig_store_key_opts){.name = "staff", .role = IG_ROLE_STAFF}, secret, &staff, &err));
    check_fails(ig_store_key_get_scope(s, open_to_all.id, &got, &err), IG_E_NOT_FOUND);
    check_fails(ig_store_key_set_scope(s, staff.id, &scope, NULL, &err), IG_E_ARG);
    check_ok(ig_store_key_set_scope(s, open_to_all.id, &scope, NULL, &err));
    scope.origins = NULL, scope.visitor_per_minute = 9;
    check_ok(ig_store_key_set_scope(s, open_to_all.id, &scope, NULL, &err));
    check_ok(ig_store_key_get_scope(s, open_to_all.id, &got, &err));
    assert_string_equal(got.feature, f.id);
    assert_string_equal(got.origins, "");
    assert_int_equal(got.visitor_per_minute, 9);
    ig_store_key_scope_fini(&got);
    scope.visitor_per_minute = -1;
    check_fails(ig_store_key_set_scope(s, open_to_all.id, &scope, NULL, &err), IG_E_ARG);
    snprintf(scope.feature, sizeof scope.feature, "feat-none"), scope.visitor_per_minute = 0;
    check_fails(ig_store_key_set_scope(s, open_to_all.id, &scope, NULL, &err), IG_E_NOT_FOUND);
    ig_store_feature_fini(&f);
    ig_store_close(s);
}

static void rows_of_a_removed_feature_are_swept(void **state) {
    (void)state;
    ig_error err = {0};
    int64_t removed, live, gone;
    ig_store *s = open_store("sweep");
    ig_store_feature f = new_feature(s, "desk"), other = new_feature(s, "other"), got;
    const char *both[] = {f.id, other.id};
    for (int i = 0; i < 2; i++) {
        ig_store_items *w;
        check_ok(ig_store_items_open(s, both[i], NULL, &w, &err));
        put(w, "a", "{\"t\":\"refund\"}"), put(w, "b", "{\"t\":\"more\"}");
        check_ok(ig_store_items_commit(w, NULL, &err));
        ig_store_items_close(w);
        ig_store_interaction said = say(s, both[i], 0);
        rate(s, said.id, "like", "one");
        check_ok(ig_store_feature_set_live(s, both[i], 0, new_version(s, both[i]), "publish", NULL, &err));
    }
    check_ok(ig_store_feature_sweep(s, &removed, &err));
    assert_int_equal(removed, 0);
    check_ok(ig_store_feature_remove(s, f.id, NULL, &err));
    check_ok(ig_store_said_sweep(s, &removed, &err));
    assert_int_equal(removed, 5); /* two items, an interaction, a version and its publication */
    check_ok(ig_store_item_count(s, f.id, &live, &gone, &err));
    assert_int_equal(live + gone, 0);
    assert_int_equal(listen(s, f.id, (ig_store_said_opts){0}).interactions, 0);
    assert_int_equal(listen(s, other.id, (ig_store_said_opts){0}).likes, 1);
    check_found(s, other.id, "refund", "a ");
    check_ok(ig_store_feature_get_id(s, f.id, &got, &err)); /* the audit names it */
    ig_store_feature_fini(&got);
    ig_store_feature_fini(&other);
    ig_store_feature_fini(&f);
    ig_store_close(s);
}

static void token_that_was_touched_is_refused(void **state) {
    (void)state;
    ig_error err = {0};
    char token[300], payload[100], hash[65], other[65];
    ig_store *s = open_store("tokens"), *t = open_store("tokens");
    char mac[65];
    ig_store_hmac("Jefe", "what do ya want ", "for nothing?", 12, mac); /* RFC 4231, test case 2 */
    assert_string_equal(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    check_ok(ig_store_sign(s, "visitor:1", token, sizeof token, &err));
    check_ok(ig_store_signed(t, token, payload, sizeof payload, &err));
    assert_string_equal(payload, "visitor:1");
    for (size_t i = 0; token[i]; i++) {
        char kept = token[i];
        token[i] = kept == 'x' ? 'y' : 'x';
        check_fails(ig_store_signed(s, token, payload, sizeof payload, &err), IG_E_FORMAT);
        token[i] = kept;
    }
    check_ok(ig_store_user_hash(s, "alice", hash, &err));
    check_ok(ig_store_user_hash(t, "alice", other, &err));
    assert_string_equal(hash, other);
    ig_store_close(t);
    ig_store_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_is_one_of_a_kind_until_removed),
        cmocka_unit_test(live_version_is_changed_by_comparing),
        cmocka_unit_test(change_is_whole_and_seen_within),
        cmocka_unit_test(later_thumb_stands_for_the_earlier),
        cmocka_unit_test(steps_give_each_interaction_once),
        cmocka_unit_test(ticket_moves_with_its_messages),
        cmocka_unit_test(session_dies_with_its_key_and_a_link_is_taken_once),
        cmocka_unit_test(scope_binds_a_public_key_to_a_feature),
        cmocka_unit_test(rows_of_a_removed_feature_are_swept),
        cmocka_unit_test(token_that_was_touched_is_refused),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
