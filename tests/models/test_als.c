/* tests/models/test_als.c: alternating least squares: rows against numpy's, tables of low rank that must be found again, the same
 * bits for any number of threads and after a stop, folders that are damaged, and every allocation failing.
 */
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "ingot/recommend.h"

#include "../check.h"

static char root[64];

static int set_up(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/ingot-als-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return ig_dir_remove(root, NULL) == IG_OK ? 0 : -1;
}

static const char *at(const char *name) {
    static char path[4][256];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", root, name);
    return path[next];
}

static ig_context *context(int threads) {
    ig_error err;
    ig_context *ctx = NULL;
    check_ok(ig_context_new(&(ig_context_opts){.threads = threads}, &ctx, &err));
    return ctx;
}

/* ---- data ---- */

enum { USERS = 40, ITEMS = 30 };

/* mean + biases + rank 2: what a model with biases and rank 2 can say exactly */
static double truth(int u, int i) {
    return 3 + 0.4 * sin(u) + 0.3 * cos(3 * i) + 0.8 * sin(2 * u + 1) * cos(i) + 0.6 * cos(5 * u) * sin(4 * i + 2);
}

static void add(ig_interactions *x, int u, int i, double v) {
    ig_error err;
    char user[16], item[16];
    snprintf(user, sizeof user, "u%d", u), snprintf(item, sizeof item, "i%d", i);
    check_ok(ig_interactions_add(x, user, item, v, 0, &err));
}

/* Two thirds of the table; the rest is held out. */
static ig_interactions ratings(bool held_out) {
    ig_interactions x = {0};
    ig_error err;
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            if (((u * 7 + i * 11 + u * i) % 3 == 0) == held_out) add(&x, u, i, truth(u, i));
    check_ok(ig_interactions_finish(&x, IG_DUPLICATES_LAST, &err));
    return x;
}

/* Users of two tastes; each lacks some of what his taste likes. */
static ig_interactions clicks(void) {
    ig_interactions x = {0};
    ig_error err;
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            if (u % 2 == i % 2 && (u / 2 + i / 2 * 2) % 5) add(&x, u, i, 1 + (u + i) % 3);
    check_ok(ig_interactions_finish(&x, IG_DUPLICATES_LAST, &err));
    return x;
}

static ig_status fit(ig_context *ctx, const char *config, ig_interactions *data, const ig_fit_opts *o, ig_model **m, ig_error *err) {
    ig_doc *d = NULL;
    ig_status s = ig_json_parse("config", config, strlen(config), &d, err);
    if (s == IG_OK) s = ig_recommend_fit(ctx, "config", ig_doc_root(d), data, o, m, err);
    ig_doc_free(d);
    return s;
}

static ig_model *fitted(ig_context *ctx, const char *config, ig_interactions data, const ig_fit_opts *o) {
    ig_error err;
    ig_model *m = NULL;
    check_ok(fit(ctx, config, &data, o, &m, &err));
    ig_interactions_fini(&data);
    return m;
}

static void check_same_bits(const ig_model *a, const ig_model *b) {
    assert_int_equal(a->params.count, b->params.count);
    for (size_t i = 0; i < a->params.count; i++) {
        const ig_tensor *x = &a->params.item[i]->value, *y = &b->params.item[i]->value;
        assert_memory_equal(x->data, y->data, (size_t)ig_tensor_numel(x) * sizeof(float));
    }
}

#define IMPLICIT "{\"model_type\": \"als\", \"rank\": 3, \"alpha\": 5, \"regularization\": 0.5, \"sweeps\": 8}"
#define DESCENT "{\"model_type\": \"als\", \"rank\": 3, \"alpha\": 5, \"regularization\": 0.5, \"sweeps\": 30, \"solver\": \"conjugate_gradient\", \"cg_steps\": 5}"
#define EXPLICIT "{\"model_type\": \"als\", \"objective\": \"explicit\", \"rank\": 2, \"regularization\": 0.0001, \"sweeps\": 200}"
#define BAYESIAN "{\"model_type\": \"als\", \"objective\": \"explicit\", \"bayesian\": true, \"rank\": 3, \"burn_in\": 20, \"samples\": 10, \"thin\": 2, " \
                 "\"user_history\": true, \"item_audience\": true}"

/* ---- against numpy ---- */

static void put_params(const ig_model *m, const ig_tree *params) {
    for (const ig_tree *t = params->child; t; t = t->next) {
        ig_param *p = ig_params_find(&m->params, t->key);
        assert_non_null(p);
        assert_int_equal(ig_tensor_numel(&p->value), t->count);
        float *out = p->value.data;
        for (const ig_tree *v = t->child; v; v = v->next) *out++ = (float)v->real;
    }
}

static ig_model *model_of_case(ig_context *ctx, const ig_tree *c, int users, int items) {
    ig_buf config = {.max = 1 << 16};
    ig_json j = {.out = &config};
    ig_interactions x = {0};
    ig_error err;
    for (int u = 0; u < users; u++)
        for (int i = 0; i < items; i++) add(&x, u, i, u == 0 ? -1000 : i == 0 ? 1000 : 1); /* so wide that nothing is cut off */
    check_ok(ig_interactions_finish(&x, IG_DUPLICATES_LAST, &err));
    ig_json_open(&j, '{');
    ig_json_key(&j, "model_type"), ig_json_text(&j, "als");
    for (const ig_tree *t = ig_tree_get(c, "config")->child; t; t = t->next) ig_json_key(&j, t->key), ig_json_tree(&j, t);
    ig_json_close(&j, '}');
    ig_model *m = fitted(ctx, config.data, x, NULL);
    ig_buf_fini(&config);
    put_params(m, ig_tree_get(c, "params"));
    return m;
}

/* f32 with condition numbers of some hundred: 1e-4 of scores about 1. */
static void check_case(ig_context *ctx, const ig_tree *c, int users, int items) {
    ig_error err;
    int32_t number[16];
    float value[16];
    ig_recommended out[64];
    size_t n = 0, count;
    ig_model *m = model_of_case(ctx, c, users, items);
    const ig_tree *v = ig_tree_get(c, "values")->child;
    for (const ig_tree *t = ig_tree_get(c, "items")->child; t; t = t->next, v = v->next) number[n] = (int32_t)t->integer, value[n++] = (float)v->real;
    ig_history h = {number, value, n};
    check_ok(ig_recommend_for_history(m, &h, &(ig_recommend_opts){.n = 64, .keep_seen = true}, out, &count, &err));
    assert_int_equal(count, items);
    for (size_t i = 0; i < count; i++) {
        const ig_tree *want = ig_tree_get(c, "scores")->child;
        for (int k = 0; k < out[i].number; k++) want = want->next;
        assert_true(fabs(out[i].score - want->real) < 2e-4);
        assert_true(i == 0 || out[i - 1].score >= out[i].score);
    }
    ig_model_free(m);
}

static void rows_are_those_that_numpy_solves(void **state) {
    (void)state;
    ig_error err;
    ig_doc *d = NULL;
    ig_context *ctx = context(1);
    check_ok(ig_doc_load(ALS_NUMPY, 1 << 20, &d, &err));
    const ig_tree *r = ig_doc_root(d);
    for (const ig_tree *c = ig_tree_get(r, "cases")->child; c; c = c->next)
        check_case(ctx, c, (int)ig_tree_int(r, "users", 0), (int)ig_tree_int(r, "items", 0));
    ig_doc_free(d);
    ig_context_free(ctx);
}

/* ---- what is there to be found ---- */

static double held_out_error(const ig_model *m) {
    ig_error err;
    ig_recommend_metrics r;
    ig_interactions test = ratings(true);
    check_ok(ig_recommend_evaluate(m, &test, NULL, &r, &err));
    assert_int_equal(r.ratings, test.count);
    ig_interactions_fini(&test);
    return r.rmse;
}

static void a_table_of_low_rank_is_found_again(void **state) {
    (void)state;
    ig_context *ctx = context(2);
    ig_model *m = fitted(ctx, EXPLICIT, ratings(false), NULL), *b = fitted(ctx, BAYESIAN, ratings(false), NULL);
    assert_true(held_out_error(m) < 0.02);
    assert_true(held_out_error(b) < 0.1); /* values spread with 0.75 */
    ig_model_free(m), ig_model_free(b);
    ig_context_free(ctx);
}

static void the_taste_of_users_is_found(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx = context(2);
    static const char *const configs[] = {IMPLICIT, DESCENT};
    for (int c = 0; c < 2; c++) {
        ig_model *m = fitted(ctx, configs[c], clicks(), NULL);
        const ig_interactions *d = ig_recommend_data(m);
        for (int u = 0; u < USERS; u++) {
            ig_recommended out[3];
            size_t count;
            check_ok(ig_recommend_for_user(m, u, &(ig_recommend_opts){.n = 3}, out, &count, &err));
            for (size_t i = 0; i < count; i++) {
                const char *user = ig_id_table_at(&d->users, (size_t)u), *item = ig_id_table_at(&d->items, (size_t)out[i].number);
                assert_int_equal(atoi(user + 1) % 2, atoi(item + 1) % 2);
                for (int64_t k = d->offset[u]; k < d->offset[u + 1]; k++) assert_int_not_equal(d->item[k], out[i].number);
            }
        }
        ig_model_free(m);
    }
    ig_context_free(ctx);
}

static void conjugate_gradients_come_to_the_solution(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx = context(1);
    ig_model *a = fitted(ctx, DESCENT, clicks(), NULL);
    const ig_interactions *d = ig_recommend_data(a);
    float stored[ITEMS];
    for (int32_t u = 0; u < USERS; u++) {
        ig_recommended out[ITEMS];
        size_t count, from = (size_t)d->offset[u];
        ig_history h = {d->item + from, d->value + from, (size_t)d->offset[u + 1] - from};
        check_ok(ig_recommend_scores(a, u, stored, &err));
        check_ok(ig_recommend_for_history(a, &h, &(ig_recommend_opts){.n = ITEMS, .keep_seen = true}, out, &count, &err));
        for (size_t i = 0; i < count; i++) assert_true(fabs(out[i].score - stored[out[i].number]) < 1e-3);
    }
    ig_model_free(a);
    ig_context_free(ctx);
}

/* Users are solved last, with the items that the model has. */
static void folding_a_history_in_gives_the_solved_row(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx = context(1);
    static const char *const configs[] = {IMPLICIT, EXPLICIT};
    for (int c = 0; c < 2; c++) {
        ig_model *m = fitted(ctx, configs[c], c ? ratings(false) : clicks(), NULL);
        const ig_interactions *d = ig_recommend_data(m);
        for (int32_t u = 0; u < USERS; u++) {
            ig_recommended own[ITEMS], folded[ITEMS];
            size_t n, k, from = (size_t)d->offset[u];
            ig_history h = {d->item + from, d->value + from, (size_t)d->offset[u + 1] - from};
            check_ok(ig_recommend_for_user(m, u, &(ig_recommend_opts){.n = 5}, own, &n, &err));
            check_ok(ig_recommend_for_history(m, &h, &(ig_recommend_opts){.n = 5}, folded, &k, &err));
            assert_int_equal(n, k);
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(own[i].number, folded[i].number);
                assert_true(own[i].score == folded[i].score);
            }
        }
        ig_model_free(m);
    }
    ig_context_free(ctx);
}

static void reasons_add_up_to_the_score(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx = context(1);
    ig_model *m = fitted(ctx, IMPLICIT, clicks(), NULL);
    int32_t number[] = {1, 4, 9};
    float value[] = {1, 2, 1};
    ig_history h = {number, value, 3};
    ig_recommended out[5];
    size_t count;
    check_ok(ig_recommend_for_history(m, &h, &(ig_recommend_opts){.n = 5, .explain = true}, out, &count, &err));
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        assert_int_equal(out[i].because_count, 3);
        for (int k = 0; k < 3; k++) sum += (double)out[i].because[k].share;
        assert_true(fabs(sum - out[i].score) < 1e-4);
    }
    ig_model_free(m);
    ig_context_free(ctx);
}

static void neighbours_and_users_are_found(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx = context(1);
    ig_model *m = fitted(ctx, IMPLICIT, clicks(), NULL);
    const ig_interactions *d = ig_recommend_data(m);
    ig_recommended out[5];
    size_t count;
    check_ok(ig_recommend_similar(m, 0, &(ig_recommend_opts){.n = 5}, out, &count, &err));
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(out[i].number, 0);
        assert_int_equal(atoi(ig_id_table_at(&d->items, (size_t)out[i].number) + 1) % 2, atoi(ig_id_table_at(&d->items, 0) + 1) % 2);
    }
    check_ok(ig_recommend_users(m, 0, &(ig_recommend_opts){.n = 3}, out, &count, &err));
    assert_int_equal(count, 3);
    int32_t who[] = {out[0].number, out[1].number};
    float value[] = {1, 1};
    ig_history h = {who, value, 2};
    check_ok(ig_recommend_users_of_new(m, &h, &(ig_recommend_opts){.n = 3}, out, &count, &err));
    for (size_t i = 0; i < count; i++) assert_true(out[i].number != who[0] && out[i].number != who[1]);
    check_fails(ig_recommend_similar(m, ITEMS, NULL, out, &count, &err), IG_E_ARG);
    check_fails(ig_recommend_for_user(m, -1, NULL, out, &count, &err), IG_E_ARG);
    ig_model_free(m);
    ig_context_free(ctx);
}

/* ---- bits ---- */

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    static const char *const configs[] = {IMPLICIT, DESCENT, EXPLICIT, BAYESIAN};
    ig_context *one = context(1), *two = context(2);
    for (int c = 0; c < 4; c++) {
        ig_model *a = fitted(one, configs[c], c < 2 ? clicks() : ratings(false), NULL), *b = fitted(two, configs[c], c < 2 ? clicks() : ratings(false), NULL);
        check_same_bits(a, b);
        ig_model_free(a), ig_model_free(b);
    }
    ig_context_free(one), ig_context_free(two);
}

typedef struct stopper {
    volatile sig_atomic_t stop;
    int at;
} stopper;

static void stop_at(void *arg, const ig_fit_progress *p) {
    stopper *s = arg;
    s->stop = p->sweep == s->at;
}

static void a_fit_that_went_on_ends_with_the_same_bits(void **state) {
    (void)state;
    static const char *const configs[] = {IMPLICIT, BAYESIAN};
    ig_error err;
    ig_context *ctx = context(1);
    for (int c = 0; c < 2; c++) {
        stopper s = {.at = c ? 31 : 3};
        ig_fit_opts o = {.seed = 5, .checkpoint = at(c ? "b" : "a"), .progress = stop_at, .arg = &s, .cancel = &s.stop};
        ig_interactions x = c ? ratings(false) : clicks(), y = c ? ratings(false) : clicks();
        ig_model *whole = fitted(ctx, configs[c], c ? ratings(false) : clicks(), &(ig_fit_opts){.seed = 5}), *m = NULL;
        check_fails(fit(ctx, configs[c], &x, &o, &m, &err), IG_E_CANCELLED);
        assert_null(m);
        o.resume = true, s.at = -1, s.stop = 0;
        m = fitted(ctx, configs[c], y, &o);
        check_same_bits(whole, m);
        ig_interactions other = c ? ratings(true) : clicks();
        ig_model_free(m), m = NULL;
        o.seed = 6;
        check_fails(fit(ctx, configs[c], &other, &o, &m, &err), IG_E_STATE);
        ig_interactions_fini(&x), ig_interactions_fini(&other);
        ig_model_free(whole);
    }
    ig_context_free(ctx);
}

/* ---- folders ---- */

static void a_folder_answers_as_the_model_did(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx = context(1);
    ig_model *m = fitted(ctx, BAYESIAN, ratings(false), NULL), *r = NULL;
    float a[ITEMS], b[ITEMS];
    check_ok(ig_model_save(m, at("m"), NULL, &err));
    check_ok(ig_model_load(ctx, at("m"), &r, &err));
    check_same_bits(m, r);
    for (int32_t u = 0; u < USERS; u++) {
        check_ok(ig_recommend_scores(m, u, a, &err));
        check_ok(ig_recommend_scores(r, u, b, &err));
        assert_memory_equal(a, b, sizeof a);
        assert_string_equal(ig_id_table_at(&ig_recommend_data(m)->users, (size_t)u), ig_id_table_at(&ig_recommend_data(r)->users, (size_t)u));
    }
    ig_model_free(m), ig_model_free(r);
    ig_context_free(ctx);
}

/* Each byte of the header and some of the rest, changed one by one: refused, or read as other numbers, and never worse. */
static void damaged_folders_are_refused(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx = context(1);
    ig_model *m = fitted(ctx, IMPLICIT, clicks(), NULL);
    ig_buf whole = {.max = 1 << 20};
    char path[300];
    check_ok(ig_model_save(m, at("m"), NULL, &err));
    ig_model_free(m);
    snprintf(path, sizeof path, "%s/interactions.safetensors", at("m"));
    check_ok(ig_file_read(path, 1 << 20, &whole, &err));
    size_t refused = 0, tried = 0;
    for (size_t i = 0; i < whole.len; i += 1 + whole.len / 500, tried++) {
        char was = whole.data[i];
        whole.data[i] = (char)(was ^ 0x5d);
        check_ok(ig_file_write(path, whole.data, whole.len, &err));
        if (ig_model_load(ctx, at("m"), &m, &err) != IG_OK) refused++;
        ig_model_free(m), m = NULL;
        whole.data[i] = was;
    }
    assert_true(refused > tried / 4);
    check_ok(ig_file_write(path, whole.data, whole.len - 1, &err));
    check_fails(ig_model_load(ctx, at("m"), &m, &err), IG_E_FORMAT);
    assert_true(unlink(path) == 0);
    check_fails(ig_model_load(ctx, at("m"), &m, &err), IG_E_NOT_FOUND);
    ig_buf_fini(&whole);
    ig_context_free(ctx);
}

static void settings_that_contradict_are_refused_by_name(void **state) {
    (void)state;
    static const struct { const char *config, *says; } bad[] = {
        {"{\"model_type\": \"als\", \"bayesian\": true}", "bayesian"},
        {"{\"model_type\": \"als\", \"objective\": \"explicit\", \"alpha\": 2}", "alpha"},
        {"{\"model_type\": \"als\", \"objective\": \"explicit\", \"samples\": 2}", "samples"},
        {"{\"model_type\": \"als\", \"objective\": \"explicit\", \"bayesian\": true, \"sweeps\": 2}", "sweeps"},
        {"{\"model_type\": \"als\", \"rank\": 257}", "rank"},
        {"{\"model_type\": \"als\", \"rank\": 0}", "rank"},
    };
    ig_context *ctx = context(1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ig_error err = {0};
        ig_model *m = NULL;
        ig_interactions x = clicks(), none = {0};
        assert_int_not_equal(fit(ctx, bad[i].config, &x, NULL, &m, &err), IG_OK);
        assert_non_null(strstr(err.message, bad[i].says));
        check_ok(ig_interactions_finish(&none, IG_DUPLICATES_LAST, &err));
        check_fails(fit(ctx, IMPLICIT, &none, NULL, &m, &err), IG_E_ARG);
        ig_interactions_fini(&x), ig_interactions_fini(&none);
    }
    ig_context_free(ctx);
}

static void ranks_up_to_the_largest_work(void **state) {
    (void)state;
    static const int ranks[] = {1, 15, 16, 17, 256};
    ig_context *ctx = context(1);
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        char config[200];
        float score[ITEMS];
        ig_error err;
        snprintf(config, sizeof config, "{\"model_type\": \"als\", \"objective\": \"explicit\", \"rank\": %d, \"sweeps\": 2}", ranks[i]);
        ig_model *m = fitted(ctx, config, ratings(false), NULL);
        check_ok(ig_recommend_scores(m, 0, score, &err));
        for (int k = 0; k < ITEMS; k++) assert_true(isfinite(score[k]));
        ig_model_free(m);
    }
    ig_context_free(ctx);
}

/* ---- figures ---- */

/* One user, four items besides his own; what is to be found stands at the places 1 and 3 of the list. */
static void figures_are_those_of_their_definitions(void **state) {
    (void)state;
    ig_error err;
    ig_context *ctx = context(1);
    ig_interactions x = {0}, test = {0};
    for (int i = 0; i < 5; i++) add(&x, 1, i, 1);
    add(&x, 0, 0, 1);
    check_ok(ig_interactions_finish(&x, IG_DUPLICATES_LAST, &err));
    ig_model *m = fitted(ctx, "{\"model_type\": \"als\", \"rank\": 1, \"sweeps\": 1}", x, NULL);
    float *user = ig_params_find(&m->params, "user_factors")->value.data, *item = ig_params_find(&m->params, "item_factors")->value.data;
    user[1] = 1; /* u0 came second */
    for (int i = 0; i < 5; i++) item[i] = (float)(10 - i);
    add(&test, 0, 1, 1), add(&test, 0, 3, 1), add(&test, 0, 99, 1), add(&test, 7, 1, 1);
    check_ok(ig_interactions_finish(&test, IG_DUPLICATES_LAST, &err));
    ig_recommend_metrics r;
    check_ok(ig_recommend_evaluate(m, &test, &(ig_recommend_eval_opts){.k = 3, .relevant = NAN}, &r, &err));
    assert_int_equal(r.users, 1);
    assert_int_equal(r.unknown, 2);
    assert_true(fabs(r.recall - 1) < 1e-12 && fabs(r.precision - 2.0 / 3) < 1e-12 && r.hit_rate == 1);
    assert_true(fabs(r.ndcg - (1 + 0.5) / (1 + 1 / log2(3))) < 1e-12);
    assert_true(fabs(r.map - (1 + 2.0 / 3) / 2) < 1e-12);
    assert_true(fabs(r.coverage - 3.0 / 5) < 1e-12);
    assert_true(isnan(r.rmse));
    ig_interactions_fini(&test);
    ig_model_free(m);
    ig_context_free(ctx);
}

/* ---- memory ---- */

static ig_status all_of_it(ig_context *ctx, const char *config, ig_interactions *x, ig_error *err) {
    ig_model *m = NULL, *r = NULL;
    ig_recommended out[3];
    size_t count;
    ig_status s = fit(ctx, config, x, &(ig_fit_opts){.seed = 1}, &m, err);
    if (s == IG_OK) s = ig_recommend_for_user(m, 0, &(ig_recommend_opts){.n = 3, .explain = true}, out, &count, err);
    if (s == IG_OK) s = ig_model_save(m, at("m"), NULL, err);
    if (s == IG_OK) s = ig_model_load(ctx, at("m"), &r, err);
    ig_model_free(m), ig_model_free(r);
    return s;
}

static void failed_allocations_are_reported(void **state) {
    (void)state;
    static const char *const configs[] = {"{\"model_type\": \"als\", \"rank\": 2, \"sweeps\": 1}",
        "{\"model_type\": \"als\", \"objective\": \"explicit\", \"bayesian\": true, \"rank\": 2, \"burn_in\": 0, \"samples\": 1, \"thin\": 1, \"user_history\": true}"};
    ig_context *ctx = context(1);
    for (int c = 0; c < 2; c++)
        for (uint64_t n = 1;; n++) {
            ig_error err = {0};
            ig_tensor_stats before, after;
            ig_interactions x = ratings(true);
            check_ok(ig_dir_remove(at("m"), &err));
            ig_tensor_stats_get(ctx, &before);
            ig_alloc_fail_at(n);
            ig_status s = all_of_it(ctx, configs[c], &x, &err);
            ig_alloc_fail_at(0);
            ig_interactions_fini(&x);
            ig_tensor_stats_get(ctx, &after);
            assert_int_equal(before.bytes, after.bytes);
            if (s == IG_OK) break;
            if (s != IG_E_NOMEM && s != IG_E_NUMERIC) fail_msg("allocation %llu: %s: %s", (unsigned long long)n, ig_status_name(s), err.message);
        }
    ig_context_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_that_numpy_solves),
        cmocka_unit_test(a_table_of_low_rank_is_found_again),
        cmocka_unit_test(the_taste_of_users_is_found),
        cmocka_unit_test(conjugate_gradients_come_to_the_solution),
        cmocka_unit_test(folding_a_history_in_gives_the_solved_row),
        cmocka_unit_test(reasons_add_up_to_the_score),
        cmocka_unit_test(neighbours_and_users_are_found),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test_setup_teardown(a_fit_that_went_on_ends_with_the_same_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_answers_as_the_model_did, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_folders_are_refused, set_up, tear_down),
        cmocka_unit_test(settings_that_contradict_are_refused_by_name),
        cmocka_unit_test(ranks_up_to_the_largest_work),
        cmocka_unit_test(figures_are_those_of_their_definitions),
        cmocka_unit_test_setup_teardown(failed_allocations_are_reported, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
