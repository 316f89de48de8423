/* retrieval/ranker_train.c: learning a ranker: from passages and cases to the two files of its folder.
 *
 *     pairs ─► index ─► k1, b of each channel ─► per fold: translations and quality of the other folds,
 *                                                the fold's questions looked up with them and without their own forms
 *                                            ─► weights and sureness from all of these
 *                                            ─► translations and quality from everything
 *
 * Equal questions are one question with several right passages.  From MANY questions on, one fold is enough to learn weights
 * from.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "retrieval/rank_look.h"

enum { FOLDS = 5, MANY = 20000, QUESTIONS_MAX = 4000, TUNE_MAX = 500, KEPT_EVERY = 4, ALSO_MAX = 64 };
static const float KEPT_WEIGHT = 0.3f;

typedef struct training {
    const ig_ranker_opts *opts;
    rank_index x;
    rank_pairs pairs;
    rank_model model;
    rank_look look;
    rank_set set;
    uint32_t *order;    /* [pairs] by key */
    size_t seen;        /* questions so far, for KEPT_EVERY */
} training;

static ig_status tell(const training *t, const char *stage, size_t done, size_t total, ig_error *err) {
    if (!t->opts->progress || t->opts->progress(t->opts->progress_arg, stage, done, total)) return IG_OK;
    return ig_error_set(err, IG_E_CANCELLED, "stopped while training the ranker");
}

typedef struct keyed {
    uint64_t key;
    uint32_t pair;
} keyed;

static int by_key(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->pair > y->pair) - (x->pair < y->pair);
}

static ig_status sort_pairs(training *t, ig_error *err) {
    size_t n = t->pairs.n;
    keyed *list = ig_calloc(n + 1, sizeof *list);
    t->order = ig_calloc(n + 1, sizeof *t->order);
    if (!list || !t->order) {
        ig_free(list);
        return ig_error_nomem(err, n * sizeof *list);
    }
    for (size_t i = 0; i < n; i++) list[i] = (keyed){t->pairs.key[i], (uint32_t)i};
    qsort(list, n, sizeof *list, by_key);
    for (size_t i = 0; i < n; i++) t->order[i] = list[i].pair;
    ig_free(list);
    return IG_OK;
}

/* ---- k1 and b ---------------------------------------------------------------------------------------------------------- */

static const float K1[] = {0.4f, 0.8f, 1.2f, 2.0f, 3.0f}, B[] = {0.0f, 0.25f, 0.5f, 0.75f, 0.9f};

enum { CHOICES = 5 };

/* 1 / rank of the right passage by one channel alone. */
static double worth(training *t, int channel, float k1, float b, uint32_t gold) {
    float *score = t->look.mixed;
    memset(score, 0, t->x.passages * sizeof *score);
    ig_rank_channel_bm25(&t->x.channel[channel], &t->look.picks[channel], k1, b, score);
    if (score[gold] <= 0) return 0;
    size_t better = 0;
    for (size_t d = 0; d < t->x.passages; d++) better += score[d] > score[gold];
    return 1 / (double)(better + 1);
}

/* mean[channel][i]: of 1 / rank of the right passages of every stride-th question, by one channel alone, with k1 and b of
 * choice i:
 * k1 first (b = what was chosen), or b first (k1 as it is). */
static ig_status try_choices(training *t, bool of_b, size_t stride, double mean[RANK_FORM][CHOICES], ig_error *err) {
    static const uint8_t bag_of[RANK_FORM] = {RANK_BAG_GRAM, RANK_BAG_WORD, RANK_BAG_LONG, RANK_BAGS};
    const rank_terms *terms = &t->look.terms;
    for (size_t i = 0; i < t->pairs.n; i += stride) {
        uint32_t pair = t->order[i], gold = t->pairs.passage[pair];
        if (gold == RANK_NONE || t->pairs.weight[pair] < 0.5f) continue;
        IG_TRY(ig_rank_terms_read(&t->look.terms, t->pairs.text[pair], strlen(t->pairs.text[pair]), err));
        for (int channel = 0; channel < RANK_FORM; channel++) {
            if (t->model.numbers.without >> channel & 1) continue;
            const rank_bag *bag = bag_of[channel] == RANK_BAGS ? &terms->mixed : &terms->bag[bag_of[channel]];
            rank_picks *picks = &t->look.picks[channel];
            IG_TRY(ig_rank_channel_pick(&t->x.channel[channel], bag, ig_rank_most(&t->x), SIZE_MAX, picks, err));
            for (int choice = 0; choice < CHOICES; choice++) {
                float k1 = of_b ? t->model.numbers.k1[channel] : K1[choice], b = of_b ? B[choice] : t->model.numbers.b[channel];
                mean[channel][choice] += worth(t, channel, k1, b, gold);
            }
        }
    }
    return IG_OK;
}

/* b for each channel, then k1 with it. */
static ig_status tune(training *t, ig_error *err) {
    size_t wanted = t->x.passages > MANY ? TUNE_MAX / 5 : TUNE_MAX, stride = t->pairs.n / wanted + 1;
    if (t->pairs.n < 2 * KEPT_EVERY) return IG_OK;
    for (int of_b = 1; of_b >= 0; of_b--) {
        double mean[RANK_FORM][CHOICES] = {{0}};
        IG_TRY(tell(t, "tune", (size_t)!of_b, 2, err));
        IG_TRY(try_choices(t, of_b, stride, mean, err));
        for (int c = 0; c < RANK_FORM; c++) {
            int best = 2; /* the middle one, where nothing tells them apart */
            for (int i = 0; i < CHOICES; i++) best = mean[c][i] > mean[c][best] ? i : best;
            if (of_b) t->model.numbers.b[c] = B[best];
            else t->model.numbers.k1[c] = K1[best];
        }
    }
    return IG_OK;
}

/* ---- questions that the features have not seen ------------------------------------------------------------------------- */

typedef struct question { /* equal pairs order[from … to) */
    size_t from, to;
    float weight;
    uint32_t right[ALSO_MAX], also[ALSO_MAX]; /* also: right ones, then refused ones */
    size_t right_n, also_n;
} question;

static void note(question *q, uint32_t passage, bool right) {
    for (size_t i = 0; i < q->also_n; i++) {
        if (q->also[i] == passage) return;
    }
    if (q->also_n == ALSO_MAX) return;
    q->also[q->also_n++] = passage;
    if (right) q->right[q->right_n++] = passage;
}

static void read_question(const training *t, size_t from, question *q) {
    const rank_pairs *p = &t->pairs;
    *q = (question){.from = from, .to = from};
    while (q->to < p->n && p->key[t->order[q->to]] == p->key[t->order[from]]) q->to++;
    for (size_t i = from; i < q->to; i++) {
        uint32_t pair = t->order[i];
        if (p->weight[pair] > q->weight) q->weight = p->weight[pair];
        if (p->passage[pair] != RANK_NONE && p->weight[pair] > 0) note(q, p->passage[pair], true);
    }
    for (size_t i = from; i < q->to; i++) {
        const ig_rank_case *of = p->of[t->order[i]];
        for (size_t k = 0; of && k < of->not_count; k++) note(q, of->not_passages[k], false);
    }
}

static ig_status look_at(training *t, const rank_model *m, const question *q, rank_ask ask, bool kept, ig_error *err) {
    rank_look *l = &t->look;
    ask.text = t->pairs.text[t->order[q->from]];
    ask.len = strlen(ask.text);
    ask.also = q->also;
    ask.also_n = q->also_n;
    ask.narrow = true;
    ask.extra = t->opts->extra;
    IG_TRY(ig_rank_look_up(l, &t->x, m, &ask, err));
    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < q->also_n; k++) {
            if (q->also[k] == l->passage[i]) l->row[i].label = k < q->right_n ? 1 : -1;
        }
    }
    float weight = q->weight * (kept ? KEPT_WEIGHT : 1);
    return ig_rank_set_add(&t->set, l->row, l->n,
                           (rank_group){.weight = weight, .kept = kept, .reach = l->reach, .words = l->words}, err);
}

/* Look up the questions of one fold, at most `most`. */
static ig_status look_fold(training *t, const rank_model *m, unsigned fold, size_t most, ig_error *err) {
    question q;
    for (size_t i = 0; i < t->pairs.n && most; i = q.to) {
        uint64_t key = t->pairs.key[t->order[i]];
        read_question(t, i, &q);
        if (key % FOLDS != fold || q.weight <= 0) continue;
        most--;
        IG_TRY(look_at(t, m, &q, (rank_ask){.folds = FOLDS, .fold = fold}, false, err));
        if (t->seen++ % KEPT_EVERY || !q.right_n) continue;
        IG_TRY(look_at(t, m, &q, (rank_ask){.thin = key | 1}, true, err));
    }
    return IG_OK;
}

static ig_status learn_parts(training *t, unsigned folds, unsigned fold, rank_model *m, ig_error *err) {
    uint32_t without = t->model.numbers.without;
    rank_pairs none = {.n = 0};
    m->numbers = t->model.numbers;
    m->quality = m->quality_own = ig_calloc(RANK_QUALITY_SIZE, sizeof(float));
    if (!m->quality) return ig_error_nomem(err, RANK_QUALITY_SIZE * sizeof(float));
    if (!(without >> IG_RANK_QUALITY & 1)) {
        IG_TRY(ig_rank_quality_learn(&t->x, &t->pairs, folds, fold, t->opts->seed, m->quality_own, err));
    }
    return ig_rank_translation_learn(&t->x, without >> IG_RANK_TRANSLATE & 1 ? &none : &t->pairs, folds, fold,
                                     &m->translation, err);
}

static ig_status learn_fold(training *t, unsigned fold, size_t most, ig_error *err) {
    rank_model m = {0};
    ig_status s = learn_parts(t, FOLDS, fold, &m, err);
    if (s == IG_OK) s = look_fold(t, &m, fold, most, err);
    ig_rank_model_fini(&m);
    return s;
}

static ig_status learn(training *t, ig_error *err) {
    unsigned folds = t->pairs.n > MANY ? 1 : FOLDS;
    rank_numbers *n = &t->model.numbers;
    *n = ig_rank_prior;
    n->without = t->opts->without;
    n->extra = t->opts->extra.fn ? (uint32_t)t->opts->extra.count : 0;
    IG_TRY(sort_pairs(t, err));
    IG_TRY(ig_rank_look_init(&t->look, &t->x, err));
    IG_TRY(tune(t, err));
    for (unsigned f = 0; f < folds; f++) {
        IG_TRY(tell(t, "learn", f, folds + 1, err));
        IG_TRY(learn_fold(t, f, QUESTIONS_MAX / folds, err));
    }
    IG_TRY(ig_rank_fuse(&t->set, n->without, n->weight, err));
    IG_TRY(ig_rank_calibrate(&t->set, n->weight, n->sure, &n->rest, err));
    ig_rank_set_fini(&t->set);
    IG_TRY(tell(t, "learn", folds, folds + 1, err));
    rank_model all = {0};
    ig_status s = learn_parts(t, 0, 0, &all, err);
    if (s == IG_OK) t->model = all;
    else ig_rank_model_fini(&all);
    return s;
}

/* ---- files --------------------------------------------------------------------------------------------------------------- */

static ig_status copy_weights(const training *t, const char *to, ig_error *err) {
    char from[1024];
    rank_file f;
    rank_model m;
    IG_TRY(ig_path_join(from, sizeof from, t->opts->previous, RANK_WEIGHTS_FILE, err));
    IG_TRY(ig_rank_file_open(from, RANK_WEIGHTS_SECTIONS, &f, err));
    ig_status s = ig_rank_model_open(&f, &t->x, &m, err);
    if (s == IG_OK) {
        s = ig_rank_file_save(to, f.section, RANK_WEIGHTS_SECTIONS, err);
        ig_rank_model_fini(&m);
    }
    ig_rank_file_close(&f);
    return s;
}

static ig_status train(training *t, const ig_rank_passage *passages, size_t n, const char *folder, ig_error *err) {
    char index[1024], weights[1024];
    IG_TRY(ig_path_join(index, sizeof index, folder, RANK_INDEX_FILE, err));
    IG_TRY(ig_path_join(weights, sizeof weights, folder, RANK_WEIGHTS_FILE, err));
    IG_TRY(ig_dir_make(folder, err));
    IG_TRY(ig_rank_index_build(passages, n, &t->pairs, t->opts, &t->x, err));
    if (t->opts->previous) {
        IG_TRY(copy_weights(t, weights, err));
    } else {
        IG_TRY(learn(t, err));
        IG_TRY(ig_rank_model_save(&t->model, weights, err));
    }
    return ig_rank_index_save(&t->x, index, err);
}

ig_status ig_ranker_train(const ig_rank_passage *passages, size_t n, const ig_rank_case *cases, size_t m,
                          const ig_ranker_opts *opts, const char *folder, ig_error *err) {
    static const ig_ranker_opts none;
    training t = {.opts = opts ? opts : &none};
    if (!folder || !*folder) return ig_error_set(err, IG_E_ARG, "a ranker needs a folder to be written into");
    if (n >= RANK_NONE) return ig_error_set(err, IG_E_LIMIT, "%zu passages are too many", n);
    if (t.opts->extra.fn && (t.opts->extra.count < 1 || t.opts->extra.count > IG_RANK_EXTRA_MAX)) {
        return ig_error_set(err, IG_E_ARG, "%d extra features; there may be 1 to %d", t.opts->extra.count, IG_RANK_EXTRA_MAX);
    }
    ig_status s = ig_rank_pairs_make(passages, n, cases, m, &t.pairs, err);
    if (s == IG_OK) s = train(&t, passages, n, folder, err);
    ig_rank_model_fini(&t.model);
    ig_rank_look_fini(&t.look);
    ig_rank_set_fini(&t.set);
    ig_rank_index_fini(&t.x);
    ig_rank_pairs_fini(&t.pairs);
    ig_free(t.order);
    return s;
}
