/* tests/store/scale.c: as much as a busy year brings: 100,000 items in one change, 100,000 interactions read as a stream, and what
 * an interaction waits for while the change is committed.  Times are printed, not asserted.  The quick tests do with a fifth.
 *
 *     test_store_scale FOLDER 100000
 */
#include "folder.h"

#include <pthread.h>
#include <stdatomic.h>

#include "ingot/loop_store.h"

static int many = 20000;

static ig_store_feature new_feature(ig_store *s) {
    ig_error err = {0};
    ig_store_feature f;
    check_ok(ig_store_feature_new(s, "desk", "support", "{}", NULL, &f, &err));
    return f;
}

/* ---- a large change beside interactions --------------------------------------------------------------------------- */

typedef struct talker {
    ig_store *s;
    const char *feature;
    double longest;
    int count;
    atomic_bool stop;
    ig_status status;
} talker;

static void *talk(void *arg) {
    talker *t = arg;
    while (!t->stop && t->status == IG_OK) {
        ig_store_interaction i = {.outcome = "answered", .version = 1};
        snprintf(i.feature, sizeof i.feature, "%s", t->feature);
        double from = ig_clock();
        t->status = ig_store_interaction_add(t->s, &i, NULL);
        double took = ig_clock() - from;
        if (took > t->longest) t->longest = took;
        t->count++;
        usleep(2000);
    }
    return NULL;
}

/* Bodies of about 200 bytes with words of their own, as questions and answers have. */
static void put_many(ig_store_items *w, int from, int round) {
    ig_error err = {0};
    char id[32], body[400];
    for (int i = from; i < many; i++) {
        unsigned a = (unsigned)i * 2654435761u + (unsigned)round, b = a * 40503u + 7, c = b * 2246822519u + 3;
        snprintf(id, sizeof id, "item-%d", i);
        snprintf(body, sizeof body,
                 "{\"question\":\"how do I return order %x with the %x card, series %s\",\"answer\":\"send it back within %u days to "
                 "depot %x, the money follows to account %x after it was checked by %u people\"}", a, b, round == 1 ? "first" : "second", a % 90, c, b, c % 9);
        check_ok(ig_store_items_put(w, &(ig_store_item){.id = id, .body = body, .source = "faq.csv", .line = i}, NULL, &err));
    }
}

static void change(ig_store *s, ig_store *other, const char *feature, int round) {
    ig_error err = {0};
    talker t = {.s = other, .feature = feature};
    ig_store_items *w;
    pthread_t thread;
    int64_t content;
    double from = ig_clock(), put, committed;
    check_ok(ig_store_items_open(s, feature, NULL, &w, &err));
    put_many(w, 0, round);
    put = ig_clock();
    assert_int_equal(pthread_create(&thread, NULL, talk, &t), 0);
    check_ok(ig_store_items_commit(w, &content, &err));
    committed = ig_clock();
    t.stop = true;
    pthread_join(thread, NULL);
    ig_store_items_close(w);
    print_message("%d items %s: put %.2f s, commit %.2f s; beside it %d interactions, the longest took %.2f s\n", many,
                  round == 1 ? "new" : "changed", put - from, committed - put, t.count, t.longest);
    assert_int_equal(t.status, IG_OK);
    assert_int_equal(content, round);
}

static ig_status count_item(void *arg, const ig_store_item *item, ig_error *err) {
    (void)item, (void)err;
    ++*(int *)arg;
    return IG_OK;
}

static void check_found(ig_store *s, const char *feature, const char *query, int64_t expected) {
    ig_error err = {0};
    int count = 0;
    int64_t total;
    double from = ig_clock();
    check_ok(ig_store_item_find(s, feature, query, 0, 10, count_item, &count, &total, &err));
    print_message("%d found in %.2f s\n", (int)total, ig_clock() - from);
    assert_int_equal(total, expected);
}

static void a_large_change_lets_interactions_through(void **state) {
    (void)state;
    ig_error err = {0};
    int64_t live, gone;
    ig_store *s = open_store("large"), *other = open_store("large");
    ig_store_feature f = new_feature(s);
    change(s, other, f.id, 1);
    check_found(s, f.id, "series first", many);
    change(s, other, f.id, 2);
    check_found(s, f.id, "series first", 0);
    check_found(s, f.id, "series second", many);
    check_ok(ig_store_item_count(s, f.id, &live, &gone, &err));
    assert_int_equal(live, many);
    double from = ig_clock();
    int count = 0;
    check_ok(ig_store_item_each(s, NULL, f.id, false, count_item, &count, &err));
    assert_int_equal(count, many);
    print_message("%d items read in %.2f s\n", many, ig_clock() - from);
    ig_store_feature_fini(&f);
    ig_store_close(other);
    ig_store_close(s);
}

/* ---- many interactions -------------------------------------------------------------------------------------------- */

static ig_status count_said(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    (void)f, (void)err;
    int64_t *last = arg;
    assert_true(i->number > *last);
    *last = i->number;
    return IG_OK;
}

static void interactions_stream_in_their_order(void **state) {
    (void)state;
    ig_error err = {0};
    int64_t last = 0;
    ig_store *s = open_store("stream");
    ig_store_feature f = new_feature(s);
    double from = ig_clock(), added;
    for (int k = 0; k < many; k++) {
        ig_store_interaction i = {.outcome = "answered", .version = 1};
        snprintf(i.feature, sizeof i.feature, "%s", f.id);
        check_ok(ig_store_interaction_add(s, &i, &err));
    }
    added = ig_clock();
    check_ok(ig_store_said_each(s, f.id, NULL, count_said, &last, &err));
    assert_int_equal(last, many);
    print_message("%d interactions added in %.2f s, read in %.2f s\n", many, added - from, ig_clock() - added);
    ig_store_feature_fini(&f);
    ig_store_close(s);
}

int main(int argc, char **argv) {
    if (argc > 2) many = atoi(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_change_lets_interactions_through),
        cmocka_unit_test(interactions_stream_in_their_order),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
