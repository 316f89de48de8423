/* bench/ratings.c: how far predicted ratings are from the given ones, on MovieLens-100K.
 *
 *     ratings FOLDER [--official] [--seeds N] [--folds N] [key=value …]
 *
 * Five random folds of u.data for each seed, or the five official splits; key=value goes into the model's config.  Prints
 * RMSE and MAE of every split, their mean, and the spread over seeds.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ingot/recommend.h"
#include "ingot/stats.h"

#define FOLDS 5
#define SEEDS_MAX 16

typedef struct rating {
    char user[16], item[16];
    double value;
    int fold;
} rating;

typedef struct bench {
    ig_context *ctx;
    ig_doc *config;
    rating *all;
    size_t count;
    double seconds;
} bench;

static ig_status fail(ig_error *err) {
    char text[1200];
    fprintf(stderr, "ratings: %s\n", ig_error_format(err, text, sizeof text));
    return err->code;
}

/* ---- data ---- */

static ig_status read_all(bench *b, const char *folder, ig_error *err) {
    ig_buf text = {.max = 64 << 20};
    char path[4096];
    IG_TRY(ig_path_join(path, sizeof path, folder, "u.data", err));
    IG_TRY(ig_file_read(path, 64 << 20, &text, err));
    size_t cap = 0;
    for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n")) {
        if (b->count == cap) b->all = ig_realloc_array(b->all, cap = cap ? 2 * cap : 1024, sizeof *b->all);
        if (!b->all) return ig_error_nomem(err, cap);
        rating *r = &b->all[b->count];
        if (sscanf(line, "%15s %15s %lf", r->user, r->item, &r->value) == 3) b->count++;
    }
    ig_buf_fini(&text);
    return IG_OK;
}

static void deal(bench *b, uint64_t seed) {
    ig_rng r;
    ig_rng_init(&r, seed, 1);
    for (size_t i = 0; i < b->count; i++) b->all[i].fold = (int)(i % FOLDS);
    for (size_t i = b->count; i > 1; i--) {
        size_t j = ig_rng_below(&r, i);
        int t = b->all[i - 1].fold;
        b->all[i - 1].fold = b->all[j].fold, b->all[j].fold = t;
    }
}

static ig_status split(const bench *b, int fold, ig_interactions *train, ig_interactions *test, ig_error *err) {
    for (size_t i = 0; i < b->count; i++) {
        const rating *r = &b->all[i];
        IG_TRY(ig_interactions_add(r->fold == fold ? test : train, r->user, r->item, r->value, 0, err));
    }
    IG_TRY(ig_interactions_finish(train, IG_DUPLICATES_LAST, err));
    return ig_interactions_finish(test, IG_DUPLICATES_LAST, err);
}

static ig_status read_split(const char *folder, int fold, const char *end, ig_interactions *x, ig_error *err) {
    char path[4096], name[32];
    snprintf(name, sizeof name, "u%d.%s", fold + 1, end);
    IG_TRY(ig_path_join(path, sizeof path, folder, name, err));
    IG_TRY(ig_interactions_read(x, path, &(ig_interactions_opts){.format = IG_INTERACTIONS_ROWS}, err));
    return ig_interactions_finish(x, IG_DUPLICATES_LAST, err);
}

/* ---- measuring ---- */

/* A user or item that training never shows is predicted too: by folding nothing in. */
static ig_status measure(const ig_model *m, const ig_interactions *test, double *rmse, double *mae, ig_error *err) {
    const ig_interactions *d = ig_recommend_data(m);
    float *score = ig_calloc(d->items.count, sizeof *score);
    double square = 0, absolute = 0, mean = 0;
    if (!score) return ig_error_nomem(err, d->items.count);
    for (size_t k = 0; k < d->count; k++) mean += d->value[k] / (double)d->count;
    for (size_t u = 0; u < test->users.count; u++) {
        const char *id = ig_id_table_at(&test->users, u);
        int64_t user = ig_id_table_find(&d->users, id, strlen(id));
        ig_status s = user < 0 ? IG_OK : ig_recommend_scores(m, (int32_t)user, score, err);
        if (s != IG_OK) return s;
        for (int64_t k = test->offset[u]; k < test->offset[u + 1]; k++) {
            const char *name = ig_id_table_at(&test->items, (size_t)test->item[k]);
            int64_t item = ig_id_table_find(&d->items, name, strlen(name));
            double e = (user < 0 || item < 0 ? mean : score[item]) - test->value[k];
            square += e * e, absolute += fabs(e);
        }
    }
    ig_free(score);
    *rmse = sqrt(square / (double)test->count);
    *mae = absolute / (double)test->count;
    return IG_OK;
}

static ig_status run(bench *b, uint64_t seed, ig_interactions *train, const ig_interactions *test, double *rmse, double *mae, ig_error *err) {
    ig_model *m = NULL;
    ig_fit_opts o = {.seed = seed};
    double began = ig_clock();
    IG_TRY(ig_recommend_fit(b->ctx, "config", ig_doc_root(b->config), train, &o, &m, err));
    b->seconds += ig_clock() - began;
    ig_status s = measure(m, test, rmse, mae, err);
    ig_model_free(m);
    return s;
}

static ig_status one_seed(bench *b, const char *folder, bool official, int folds, uint64_t seed, double *rmse, double *mae, ig_error *err) {
    double each[FOLDS], off[FOLDS];
    if (!official) deal(b, seed);
    for (int f = 0; f < folds; f++) {
        ig_interactions train = {0}, test = {0};
        ig_status s = official ? read_split(folder, f, "base", &train, err) : split(b, f, &train, &test, err);
        if (s == IG_OK && official) s = read_split(folder, f, "test", &test, err);
        if (s == IG_OK) s = run(b, seed, &train, &test, &each[f], &off[f], err);
        ig_interactions_fini(&train), ig_interactions_fini(&test);
        if (s != IG_OK) return s;
        printf("seed %llu split %d: RMSE %.4f MAE %.4f\n", (unsigned long long)seed, f + 1, each[f], off[f]);
        fflush(stdout);
    }
    *rmse = ig_stats_mean(each, (size_t)folds), *mae = ig_stats_mean(off, (size_t)folds);
    return IG_OK;
}

static ig_status all_seeds(bench *b, const char *folder, bool official, int seeds, int folds, ig_error *err) {
    double rmse[SEEDS_MAX], mae[SEEDS_MAX];
    if (!official) IG_TRY(read_all(b, folder, err));
    for (int s = 0; s < seeds; s++) IG_TRY(one_seed(b, folder, official, folds, (uint64_t)s + 1, &rmse[s], &mae[s], err));
    printf("%s: RMSE %.4f (sd of %d seeds %.4f)  MAE %.4f (%.4f)  %.1f s per fit\n", official ? "u1-u5" : "random folds",
           ig_stats_mean(rmse, (size_t)seeds), seeds, ig_stats_sd(rmse, (size_t)seeds), ig_stats_mean(mae, (size_t)seeds),
           ig_stats_sd(mae, (size_t)seeds), b->seconds / (seeds * folds));
    return IG_OK;
}

int main(int argc, char **argv) {
    static const char start[] = "{\"model_type\": \"als\", \"objective\": \"explicit\"}";
    bench b = {0};
    ig_error err = {0};
    bool official = false;
    int seeds = 1, folds = FOLDS;
    if (argc < 2) return fprintf(stderr, "usage: ratings FOLDER [--official] [--seeds N] [--folds N] [key=value …]\n"), 2;
    if (ig_context_new(NULL, &b.ctx, &err) != IG_OK || ig_json_parse("config", start, sizeof start - 1, &b.config, &err) != IG_OK) return fail(&err), 1;
    for (int i = 2; i < argc; i++) {
        char *equal = strchr(argv[i], '=');
        if (strcmp(argv[i], "--official") == 0) official = true;
        else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) seeds = atoi(argv[++i]);
        else if (strcmp(argv[i], "--folds") == 0 && i + 1 < argc) folds = atoi(argv[++i]);
        else if (equal && (*equal = 0, ig_doc_set(b.config, argv[i], equal + 1, &err) != IG_OK)) return fail(&err), 1;
    }
    if (seeds < 1 || seeds > SEEDS_MAX || folds < 1 || folds > FOLDS) return fprintf(stderr, "ratings: 1 to %d seeds, 1 to %d folds\n", SEEDS_MAX, FOLDS), 2;
    ig_status s = all_seeds(&b, argv[1], official, seeds, folds, &err);
    if (s != IG_OK) fail(&err);
    ig_free(b.all);
    ig_doc_free(b.config);
    ig_context_free(b.ctx);
    return s == IG_OK ? 0 : 1;
}
