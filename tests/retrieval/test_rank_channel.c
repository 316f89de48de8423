/* tests/retrieval/test_rank_channel.c: looking up rare terms everywhere and frequent ones for some documents only gives these
 * documents the scores that looking up everything gives.
 */
#include "../check.h"
#include "retrieval/rank_channel.h"

enum { DOCS = 3000, TERMS = 40, MOST = 2500 };

typedef struct shelf {
    rank_channel channel;
    void *block;
    rank_bag query;
    rank_picks picks;
    float all[DOCS], some[DOCS];
    uint32_t every_third[DOCS / 3];
} shelf;

/* Term t is in about one of t + 1 documents. */
static int setup(void **state) {
    shelf *s = calloc(1, sizeof *s);
    rank_term term[TERMS];
    rank_builder b = {0};
    ig_error err;
    ig_rng rng;
    size_t size;
    ig_rng_init(&rng, 5, 1);
    for (int d = 0; d < DOCS; d++) {
        rank_bag bag = {.term = term};
        for (uint32_t t = 0; t < TERMS; t++) {
            if (!ig_rng_below(&rng, t + 1)) term[bag.n++] = (rank_term){1000 + t, 1 + ig_rng_below(&rng, 3)};
        }
        check_ok(ig_rank_builder_add(&b, &bag, &err));
    }
    check_ok(ig_rank_builder_finish(&b, &s->block, &size, &err));
    ig_rank_builder_fini(&b);
    check_ok(ig_rank_channel_open(&s->channel, s->block, size, "channel", &err));
    s->query.term = calloc(TERMS + 1, sizeof *s->query.term);
    for (uint32_t t = 0; t <= TERMS; t++) s->query.term[s->query.n++] = (rank_term){1000 + t, 1 + t % 2};
    for (uint32_t i = 0; i < DOCS / 3; i++) s->every_third[i] = 3 * i;
    *state = s;
    return 0;
}

static int teardown(void **state) {
    shelf *s = *state;
    ig_free(s->block);
    ig_free(s->picks.pick);
    free(s->query.term);
    free(s);
    return 0;
}

/* The sums are of the same terms in the same order, so they are the same bits. */
static void check_same(const shelf *s) {
    for (size_t d = 0; d < DOCS; d += 3) assert_memory_equal(&s->all[d], &s->some[d], sizeof(float));
}

static void the_rarest_are_early_within_the_budget(void **state) {
    shelf *s = *state;
    ig_error err;
    size_t spent = 0;
    check_ok(ig_rank_channel_pick(&s->channel, &s->query, MOST, 1000, &s->picks, &err));
    assert_int_equal(s->picks.n, TERMS - 1); /* one is in all documents, one in none */
    for (size_t i = 0; i + 1 < s->picks.n; i++) assert_true(s->picks.pick[i].df <= s->picks.pick[i + 1].df);
    for (size_t i = 0; i < s->picks.early; i++) spent += s->picks.pick[i].df;
    assert_true(spent <= 1000 && spent + s->picks.pick[s->picks.early].df > 1000);
    check_ok(ig_rank_channel_pick(&s->channel, &s->query, MOST, 0, &s->picks, &err));
    assert_int_equal(s->picks.early, 1);
}

static void frequent_terms_of_some_documents_give_the_same_bm25(void **state) {
    shelf *s = *state;
    ig_error err;
    check_ok(ig_rank_channel_pick(&s->channel, &s->query, MOST, SIZE_MAX, &s->picks, &err));
    ig_rank_channel_bm25(&s->channel, &s->picks, 1.2, 0.5, s->all);
    check_ok(ig_rank_channel_pick(&s->channel, &s->query, MOST, 500, &s->picks, &err));
    ig_rank_channel_bm25(&s->channel, &s->picks, 1.2, 0.5, s->some);
    assert_true(s->all[0] != s->some[0]);
    ig_rank_channel_bm25_rest(&s->channel, &s->picks, 1.2, 0.5, s->every_third, DOCS / 3, s->some);
    check_same(s);
}

static void frequent_terms_of_some_documents_give_the_same_cosine(void **state) {
    shelf *s = *state;
    ig_error err;
    check_ok(ig_rank_channel_pick(&s->channel, &s->query, MOST, SIZE_MAX, &s->picks, &err));
    ig_rank_channel_dot(&s->channel, &s->picks, s->all);
    check_ok(ig_rank_channel_pick(&s->channel, &s->query, MOST, 500, &s->picks, &err));
    ig_rank_channel_dot(&s->channel, &s->picks, s->some);
    ig_rank_channel_dot_rest(&s->channel, &s->picks, s->every_third, DOCS / 3, s->some);
    check_same(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_rarest_are_early_within_the_budget, setup, teardown),
        cmocka_unit_test_setup_teardown(frequent_terms_of_some_documents_give_the_same_bm25, setup, teardown),
        cmocka_unit_test_setup_teardown(frequent_terms_of_some_documents_give_the_same_cosine, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
