/* tests/store/keys.c: secrets are told once, found by whoever has them, and die when they are revoked or out of date. */
#include "folder.h"

static ig_store_key new_key(ig_store *s, const char *name, int64_t expires, char secret[IG_STORE_SECRET_SIZE]) {
    ig_error err = {0};
    ig_store_key k;
    ig_store_key_opts o = {.name = name, .role = IG_ROLE_APP, .requests_per_minute = 60, .concurrent = 4,
                           .expires_at = expires};
    check_ok(ig_store_key_new(s, &o, secret, &k, &err));
    return k;
}

static void secret_finds_its_key(void **state) {
    (void)state;
    ig_error err = {0};
    char secret[IG_STORE_SECRET_SIZE], other[IG_STORE_SECRET_SIZE];
    ig_store *s = open_store("find");
    ig_store_key k = new_key(s, "网站", 0, secret), found;
    new_key(s, "second", 0, other);
    assert_int_equal(strlen(secret), 58);
    assert_memory_equal(secret, "ig-", 3);
    assert_string_not_equal(secret, other);
    check_ok(ig_store_key_find(s, secret, &found, &err));
    assert_string_equal(found.id, k.id);
    assert_string_equal(found.name, "网站");
    assert_int_equal(found.role, IG_ROLE_APP);
    assert_int_equal(found.requests_per_minute, 60);
    assert_int_equal(found.concurrent, 4);
    ig_store_close(s);
}

static void wrong_secret_is_unknown(void **state) {
    (void)state;
    ig_error err = {0};
    char secret[IG_STORE_SECRET_SIZE];
    ig_store_key k;
    ig_store *s = open_store("wrong");
    new_key(s, "a", 0, secret);
    for (size_t i = 0; i < strlen(secret); i++) { /* any letter that is another one */
        char bad[IG_STORE_SECRET_SIZE];
        memcpy(bad, secret, sizeof bad);
        bad[i] = bad[i] == 'x' ? 'y' : 'x';
        check_fails(ig_store_key_find(s, bad, &k, &err), IG_E_NOT_FOUND);
        assert_null(strstr(err.message, bad + 3));
    }
    check_fails(ig_store_key_find(s, "", &k, &err), IG_E_NOT_FOUND);
    check_fails(ig_store_key_find(s, "ig-", &k, &err), IG_E_NOT_FOUND);
    secret[57] = '\0';
    check_fails(ig_store_key_find(s, secret, &k, &err), IG_E_NOT_FOUND);
    ig_store_close(s);
}

static void secret_is_not_in_the_folder(void **state) {
    (void)state;
    char secret[IG_STORE_SECRET_SIZE], command[800];
    ig_store *s = open_store("hidden");
    new_key(s, "a", 0, secret);
    snprintf(command, sizeof command, "grep -rq %s %s", secret + 15, at("hidden"));
    assert_int_equal(WEXITSTATUS(system(command)), 1);
    struct stat st;
    assert_int_equal(stat(at("hidden/store.db"), &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    assert_int_equal(stat(at("hidden/store.db-wal"), &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    ig_store_close(s);
}

static void revoked_and_expired_keys_are_not_found(void **state) {
    (void)state;
    ig_error err = {0};
    char secret[IG_STORE_SECRET_SIZE], brief[IG_STORE_SECRET_SIZE];
    ig_store *s = open_store("revoked");
    ig_store_key k = new_key(s, "a", 0, secret), found;
    new_key(s, "b", now_s + 100, brief);
    check_ok(ig_store_key_find(s, brief, &found, &err));
    now_s += 100;
    check_fails(ig_store_key_find(s, brief, &found, &err), IG_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "expired"));
    check_ok(ig_store_key_revoke(s, k.id, NULL, &err));
    check_ok(ig_store_key_revoke(s, k.id, NULL, &err));
    check_fails(ig_store_key_find(s, secret, &found, &err), IG_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "revoked"));
    check_ok(ig_store_key_get(s, k.id, &found, &err));
    assert_int_equal(found.revoked_at, now_s);
    check_fails(ig_store_key_revoke(s, "key-none", NULL, &err), IG_E_NOT_FOUND);
    ig_store_close(s);
}

static void last_use_is_written_once_a_minute(void **state) {
    (void)state;
    ig_error err = {0};
    char secret[IG_STORE_SECRET_SIZE];
    ig_store *s = open_store("used");
    ig_store_key k = new_key(s, "a", 0, secret);
    int64_t start = now_s;
    for (int i = 0; i < 119; i++, now_s++) check_ok(ig_store_key_find(s, secret, &k, &err));
    check_ok(ig_store_key_get(s, k.id, &k, &err));
    assert_int_equal(k.last_used_at, start + 60);
    ig_store_close(s);
}

static void keys_are_listed_in_pages(void **state) {
    (void)state;
    ig_error err = {0};
    char secret[IG_STORE_SECRET_SIZE], ids[5][IG_STORE_ID_SIZE];
    ig_store_key *list;
    size_t count;
    bool more;
    ig_store *s = open_store("list");
    for (int i = 0; i < 5; i++) snprintf(ids[i], sizeof ids[i], "%s", new_key(s, "k", 0, secret).id);
    check_ok(ig_store_key_list(s, NULL, &list, &count, &more, &err));
    assert_int_equal(count, 5);
    assert_false(more);
    assert_string_equal(list[0].id, ids[4]);
    ig_free(list);
    check_ok(ig_store_key_list(s, &(ig_store_page){.after = ids[1], .limit = 2, .oldest_first = true}, &list, &count, &more,
                               &err));
    assert_int_equal(count, 2);
    assert_true(more);
    assert_string_equal(list[1].id, ids[3]);
    ig_free(list);
    check_ok(ig_store_key_list(s, &(ig_store_page){.after = ids[0]}, &list, &count, &more, &err));
    assert_int_equal(count, 0);
    ig_free(list);
    check_fails(ig_store_key_list(s, &(ig_store_page){.after = "key-none"}, &list, &count, &more, &err), IG_E_NOT_FOUND);
    check_fails(ig_store_key_list(s, &(ig_store_page){.limit = -1}, &list, &count, &more, &err), IG_E_ARG);
    assert_null(list);
    ig_store_close(s);
}

static void nonsense_is_refused(void **state) {
    (void)state;
    ig_error err = {0};
    char secret[IG_STORE_SECRET_SIZE], longer[200];
    ig_store_role role;
    ig_store *s = open_store("nonsense");
    memset(longer, 'a', sizeof longer);
    longer[IG_STORE_NAME_MAX + 1] = '\0';
    const struct { ig_store_key_opts o; ig_status status; } bad[] = {
        {{.name = NULL}, IG_E_ARG}, {{.name = ""}, IG_E_ARG}, {{.name = "a\nb"}, IG_E_ARG}, {{.name = "\xff"}, IG_E_FORMAT},
        {{.name = longer}, IG_E_LIMIT}, {{.name = "a", .role = (ig_store_role)9}, IG_E_ARG}, {{.name = "a", .concurrent = -1},
                                                                                              IG_E_ARG},
        {{.name = "a", .expires_at = now_s}, IG_E_ARG},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_fails(ig_store_key_new(s, &bad[i].o, secret, NULL, &err), bad[i].status);
        assert_string_equal(secret, "");
    }
    check_fails(ig_store_role_parse("root", &role, &err), IG_E_ARG);
    check_ok(ig_store_role_parse("staff", &role, &err));
    assert_string_equal(ig_store_role_name(role), "staff");
    ig_store_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_finds_its_key), cmocka_unit_test(wrong_secret_is_unknown),
        cmocka_unit_test(secret_is_not_in_the_folder), cmocka_unit_test(revoked_and_expired_keys_are_not_found),
        cmocka_unit_test(last_use_is_written_once_a_minute), cmocka_unit_test(keys_are_listed_in_pages),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
