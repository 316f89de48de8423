/* tests/infer/test_scheduler.c: many requests at once give what each gives alone; beginnings are shared within a scope only;
 * guesses change nothing; what is cancelled, too long or too much ends as it should.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "../check.h"
#include "../models/tiny.h"
#include "ingot/infer.h"

#define REQUESTS 24

static ig_context *ctx;
static ig_model *model;

static const char config[] = "{\"model_type\": \"llama\", \"vocab_size\": 65, \"max_position_embeddings\": 256, \"hidden_size\": 32,"
                             " \"intermediate_size\": 40, \"num_hidden_layers\": 2, \"num_attention_heads\": 4,"
                             " \"num_key_value_heads\": 2, \"initializer_range\": 0.2}";

static int set_up(void **state) {
    (void)state;
    if (ig_context_new(&(ig_context_opts){.threads = 2}, &ctx, NULL) != IG_OK) return -1;
    model = tiny_model(ctx, config, 3);
    return ig_model_pack(model, IG_BLOCK_COUNT, NULL) != IG_OK;
}

static int tear_down(void **state) {
    (void)state;
    ig_model_free(model);
    ig_context_free(ctx);
    return 0;
}

static ig_scheduler *open_scheduler(ig_scheduler_opts o) {
    ig_scheduler *s = NULL;
    ig_error err;
    check_ok(ig_scheduler_open(model, &o, &s, &err));
    return s;
}

/* ---- the same alone and together ---- */

typedef struct job {
    ig_scheduler *s;
    int32_t prompt[200];
    size_t n;
    ig_generate_opts o;
    ig_generation alone, together;
    ig_error err;
    ig_status status;
} job;

/* Prompts of 1 to 150 tokens, some with a common beginning of 100; greedy and drawn. */
static void make_job(job *j, int i) {
    *j = (job){.n = (size_t)(i % 3 == 0 ? 101 + i : 1 + i * 7 % 40)};
    for (size_t k = 0; k < j->n; k++) j->prompt[k] = (int32_t)((k * 7 + (i % 3 == 0 && k < 100 ? 0 : (size_t)i)) % TINY_V);
    j->o = (ig_generate_opts){.max_tokens = (size_t)(5 + i * 3 % 60), .ignore_end = true};
    j->o.sampling = (ig_sampling){.temperature = i % 2 ? 0.9 : 0, .seed = (uint64_t)i, .top_k = i % 4 == 1 ? 10 : 0, .logprobs = 2};
}

static void run_alone(job *j) {
    ig_session *s = NULL;
    ig_error err;
    check_ok(ig_session_open(model, NULL, &s, &err));
    check_ok(ig_generate(s, j->prompt, j->n, &j->o, &j->alone, &err));
    ig_session_close(s);
}

static void *run_together(void *arg) {
    job *j = arg;
    ig_request r = {.prompt = j->prompt, .n = j->n, .opts = &j->o, .scope = 1};
    j->status = ig_scheduler_generate(j->s, &r, &j->together, &j->err);
    return NULL;
}

static void check_job(job *j) {
    if (j->status != IG_OK) fail_msg("%s", j->err.message);
    assert_int_equal(j->together.ids.len, j->alone.ids.len);
    assert_memory_equal(j->together.ids.data, j->alone.ids.data, j->alone.ids.len * sizeof *j->alone.ids.data);
    assert_int_equal(j->together.finish, IG_FINISH_LENGTH);
    ig_generation_fini(&j->alone), ig_generation_fini(&j->together);
}

static ig_scheduler_stats run_jobs(ig_scheduler_opts o) {
    static job jobs[REQUESTS];
    pthread_t thread[REQUESTS];
    ig_scheduler_stats stats;
    ig_scheduler *s = open_scheduler(o);
    for (int i = 0; i < REQUESTS; i++) make_job(&jobs[i], i), run_alone(&jobs[i]), jobs[i].s = s;
    for (int i = 0; i < REQUESTS; i++) assert_int_equal(pthread_create(&thread[i], NULL, run_together, &jobs[i]), 0);
    for (int i = 0; i < REQUESTS; i++) pthread_join(thread[i], NULL);
    ig_scheduler_stats_get(s, &stats);
    for (int i = 0; i < REQUESTS; i++) check_job(&jobs[i]);
    ig_scheduler_close(s);
    assert_int_equal(stats.requests, REQUESTS);
    assert_int_equal(stats.running + stats.waiting, 0);
    assert_int_equal(stats.pages_used, 0);
    return stats;
}

static void requests_give_together_what_they_give_alone(void **state) {
    (void)state;
    run_jobs((ig_scheduler_opts){0});
    run_jobs((ig_scheduler_opts){.no_drafts = true});
    run_jobs((ig_scheduler_opts){.running_max = 3});
    run_jobs((ig_scheduler_opts){.cache_bytes_max = 1}); /* one request of full length fits: they wait for each other */
}

/* ---- beginnings, guesses ---- */

static ig_generation ask(ig_scheduler *s, const int32_t *prompt, size_t n, uint64_t scope, ig_generate_opts o) {
    ig_generation out;
    ig_error err;
    ig_request r = {.prompt = prompt, .n = n, .opts = &o, .scope = scope};
    check_ok(ig_scheduler_generate(s, &r, &out, &err));
    return out;
}

static uint64_t shared_by(ig_scheduler *s, size_t n, uint64_t scope, int32_t first) {
    int32_t prompt[200];
    ig_scheduler_stats before, after;
    for (size_t i = 0; i < n; i++) prompt[i] = i ? tiny_token((int64_t)i) : first;
    ig_scheduler_stats_get(s, &before);
    ig_generation g = ask(s, prompt, n, scope, (ig_generate_opts){.max_tokens = 2});
    ig_generation_fini(&g);
    ig_scheduler_stats_get(s, &after);
    return after.shared_tokens - before.shared_tokens;
}

static void beginnings_are_shared_within_a_scope_only(void **state) {
    (void)state;
    ig_scheduler *s = open_scheduler((ig_scheduler_opts){0});
    assert_int_equal(shared_by(s, 150, 1, 0), 0);
    assert_int_equal(shared_by(s, 150, 1, 0), 128);
    assert_int_equal(shared_by(s, 128, 1, 0), 64); /* its last token must be read */
    assert_int_equal(shared_by(s, 150, 2, 0), 0);
    assert_int_equal(shared_by(s, 150, 1, 1), 0);  /* another first token changes all that follows */
    assert_int_equal(shared_by(s, 150, 2, 0), 128);
    ig_scheduler_close(s);
}

static void kept_pages_make_room_when_they_must(void **state) {
    (void)state;
    ig_scheduler *s = open_scheduler((ig_scheduler_opts){.cache_bytes_max = 1});
    for (int i = 0; i < 20; i++) shared_by(s, 190, 1, i % TINY_V);
    assert_int_equal(shared_by(s, 190, 1, 19), 128);
    ig_scheduler_close(s);
}

/* A small model falls into repetition, which the guesses find. */
static void guesses_are_made_and_confirmed(void **state) {
    int32_t prompt[100];
    ig_scheduler_stats stats;
    (void)state;
    for (int i = 0; i < 100; i++) prompt[i] = i % 5;
    ig_scheduler *s = open_scheduler((ig_scheduler_opts){0});
    ig_generation g = ask(s, prompt, 100, 1, (ig_generate_opts){.max_tokens = 150, .ignore_end = true});
    assert_int_equal(g.ids.len, 150);
    ig_generation_fini(&g);
    ig_scheduler_stats_get(s, &stats);
    assert_true(stats.guessed_right > 0 && stats.guessed_right <= stats.guessed);
    assert_int_equal(stats.runs + stats.guessed_right + 1, 150); /* the first token comes from the prompt */
    ig_scheduler_close(s);
}

/* ---- ends ---- */

static bool never(void *arg) {
    (void)arg;
    return false;
}

static bool stop_at_third(void *arg, const ig_piece *p) {
    (void)p;
    return ++*(int *)arg < 3;
}

static void what_is_not_wanted_is_cancelled(void **state) {
    int32_t prompt[4] = {1, 2, 3, 4};
    int calls = 0;
    ig_generation out;
    ig_error err;
    (void)state;
    ig_scheduler *s = open_scheduler((ig_scheduler_opts){0});
    ig_generate_opts o = {.max_tokens = 200, .ignore_end = true, .on_piece = stop_at_third, .arg = &calls};
    check_ok(ig_scheduler_generate(s, &(ig_request){.prompt = prompt, .n = 4, .opts = &o}, &out, &err));
    assert_int_equal(out.finish, IG_FINISH_CANCELLED);
    assert_int_equal(out.ids.len, 3);
    ig_generation_fini(&out);
    o.on_piece = NULL;
    check_ok(ig_scheduler_generate(s, &(ig_request){.prompt = prompt, .n = 4, .opts = &o, .is_wanted = never}, &out, &err));
    assert_int_equal(out.finish, IG_FINISH_CANCELLED);
    ig_generation_fini(&out);
    ig_scheduler_close(s);
}

static void what_does_not_fit_is_refused(void **state) {
    int32_t prompt[300] = {0};
    ig_generation out;
    ig_error err;
    ig_scheduler *s = NULL;
    (void)state;
    assert_int_equal(ig_scheduler_open(model, &(ig_scheduler_opts){.running_max = 17}, &s, &err), IG_E_ARG);
    assert_null(s);
    s = open_scheduler((ig_scheduler_opts){.context_max = 100});
    assert_int_equal(ig_scheduler_context(s), 100);
    ig_generate_opts o = {0};
    assert_int_equal(ig_scheduler_generate(s, &(ig_request){.prompt = prompt, .n = 100, .opts = &o}, &out, &err), IG_E_LIMIT);
    assert_non_null(strstr(err.message, "100 tokens"));
    assert_non_null(strstr(err.message, "99 fit"));
    assert_int_equal(ig_scheduler_generate(s, &(ig_request){.prompt = prompt, .n = 0, .opts = &o}, &out, &err), IG_E_ARG);
    prompt[2] = TINY_V;
    assert_int_equal(ig_scheduler_generate(s, &(ig_request){.prompt = prompt, .n = 3, .opts = &o}, &out, &err), IG_E_ARG);
    prompt[2] = 0, o.sampling.top_p = 2;
    assert_int_equal(ig_scheduler_generate(s, &(ig_request){.prompt = prompt, .n = 3, .opts = &o}, &out, &err), IG_E_ARG);
    o.sampling.top_p = 0, o.ignore_end = true;
    check_ok(ig_scheduler_generate(s, &(ig_request){.prompt = prompt, .n = 90, .opts = &o}, &out, &err));
    assert_int_equal(out.ids.len, 10); /* to the end of the context */
    assert_int_equal(out.finish, IG_FINISH_LENGTH);
    ig_generation_fini(&out);
    ig_scheduler_close(s);
}

typedef struct crowd {
    ig_scheduler *s;
    atomic_int ok, busy, cancelled, other;
} crowd;

static void *ask_in_crowd(void *arg) {
    crowd *c = arg;
    int32_t prompt[2] = {1, 2};
    ig_generation out;
    ig_error err = {0};
    ig_generate_opts o = {.max_tokens = 100, .ignore_end = true};
    switch (ig_scheduler_generate(c->s, &(ig_request){.prompt = prompt, .n = 2, .opts = &o}, &out, &err)) {
    case IG_OK: c->ok++; break;
    case IG_E_BUSY: c->busy++; break;
    case IG_E_CANCELLED: c->cancelled++; break;
    default: c->other++;
    }
    ig_generation_fini(&out);
    return NULL;
}

static void a_crowd_is_told_to_come_back(void **state) {
    pthread_t thread[60];
    (void)state;
    crowd c = {.s = open_scheduler((ig_scheduler_opts){.running_max = 1, .waiting_max = 2})};
    for (int i = 0; i < 60; i++) assert_int_equal(pthread_create(&thread[i], NULL, ask_in_crowd, &c), 0);
    for (int i = 0; i < 60; i++) pthread_join(thread[i], NULL);
    assert_int_equal(c.ok + c.busy, 60);
    assert_true(c.ok >= 3);
    ig_scheduler_close(c.s);
}

/* In either thread: the request fails, or does not notice; nothing hangs or is lost. */
static ig_status ask_once(uint64_t n, ig_error *err) {
    int32_t prompt[70] = {1, 2, 3};
    ig_generation out = {0};
    ig_scheduler *s = NULL;
    ig_generate_opts o = {.max_tokens = 20, .ignore_end = true};
    ig_alloc_fail_at(n);
    ig_status status = ig_scheduler_open(model, NULL, &s, err);
    if (status == IG_OK) status = ig_scheduler_generate(s, &(ig_request){.prompt = prompt, .n = 70, .opts = &o}, &out, err);
    ig_alloc_fail_at(0);
    ig_generation_fini(&out);
    ig_scheduler_close(s);
    return status;
}

static void failed_allocations_are_statuses(void **state) {
    ig_error err;
    uint64_t n = 1;
    (void)state;
    for (; ask_once(n, &err) != IG_OK; n += 1 + n / 40) assert_int_equal(err.code, IG_E_NOMEM);
    assert_true(n > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_give_together_what_they_give_alone),
        cmocka_unit_test(beginnings_are_shared_within_a_scope_only),
        cmocka_unit_test(kept_pages_make_room_when_they_must),
        cmocka_unit_test(guesses_are_made_and_confirmed),
        cmocka_unit_test(what_is_not_wanted_is_cancelled),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_crowd_is_told_to_come_back),
        cmocka_unit_test(failed_allocations_are_statuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
