/* retrieval/ranker.c: an open ranker: the mapped files, and questions from several threads at once.
 *
 * Each question borrows a rank_look (the space of one thread, about 30 bytes a passage); as many are made as threads ever
 * asked at
 * the same time.
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "retrieval/rank_look.h"

typedef struct spare {
    rank_look look;
    struct spare *next;
} spare;

struct ig_ranker {
    rank_file index_file, weights_file;
    rank_index x;
    rank_model model;
    pthread_mutex_t lock; /* guards spares */
    spare *spares;
};

const char *ig_rank_feature_name(int feature) {
    static const char *const name[IG_RANK_FEATURES] = {"gram", "word", "long", "begin", "translate", "quality", "length",
                                                       "length2",
                                                       "form", "same", "extra", "extra2", "extra3"};
    return feature >= 0 && feature < IG_RANK_FEATURES ? name[feature] : "";
}

static ig_status open_files(ig_ranker *r, const char *folder, ig_error *err) {
    char path[1024];
    IG_TRY(ig_path_join(path, sizeof path, folder, RANK_INDEX_FILE, err));
    IG_TRY(ig_rank_file_open(path, RANK_INDEX_SECTIONS, &r->index_file, err));
    IG_TRY(ig_rank_index_open(&r->index_file, &r->x, err));
    IG_TRY(ig_path_join(path, sizeof path, folder, RANK_WEIGHTS_FILE, err));
    IG_TRY(ig_rank_file_open(path, RANK_WEIGHTS_SECTIONS, &r->weights_file, err));
    return ig_rank_model_open(&r->weights_file, &r->x, &r->model, err);
}

ig_status ig_ranker_open(const char *folder, ig_ranker **out, ig_error *err) {
    ig_ranker *r = ig_calloc(1, sizeof *r);
    if (!r) return ig_error_nomem(err, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    ig_status s = open_files(r, folder, err);
    if (s == IG_OK) *out = r;
    else ig_ranker_close(r);
    return s;
}

void ig_ranker_close(ig_ranker *r) {
    if (!r) return;
    while (r->spares) {
        spare *s = r->spares;
        r->spares = s->next;
        ig_rank_look_fini(&s->look);
        ig_free(s);
    }
    ig_rank_model_fini(&r->model);
    ig_rank_index_fini(&r->x);
    ig_rank_file_close(&r->weights_file);
    ig_rank_file_close(&r->index_file);
    pthread_mutex_destroy(&r->lock);
    ig_free(r);
}

size_t ig_ranker_passages(const ig_ranker *r) {
    return r->x.passages;
}

const char *ig_ranker_passage_id(const ig_ranker *r, uint32_t passage) {
    if (passage >= r->x.passages) return NULL;
    return r->x.ids + (passage ? r->x.id_end[passage - 1] : 0);
}

static ig_status borrow(ig_ranker *r, spare **out, ig_error *err) {
    pthread_mutex_lock(&r->lock);
    spare *s = r->spares;
    if (s) r->spares = s->next;
    pthread_mutex_unlock(&r->lock);
    *out = s;
    if (s) return IG_OK;
    s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    ig_status status = ig_rank_look_init(&s->look, &r->x, err);
    if (status == IG_OK) *out = s;
    else ig_free(s);
    return status;
}

static void give_back(ig_ranker *r, spare *s) {
    pthread_mutex_lock(&r->lock);
    s->next = r->spares;
    r->spares = s;
    pthread_mutex_unlock(&r->lock);
}

typedef struct candidate {
    float score;
    uint32_t passage;
    const rank_row *row;
} candidate;

static int by_score(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->passage > y->passage) - (x->passage < y->passage);
}

/* The first has what it was calibrated to have; the others share out what is left of the chance to be right. */
static void give_probabilities(const rank_numbers *m, const candidate *list, size_t n, double first, ig_rank_result *out,
                               size_t k) {
    double others = 1e-12;
    for (size_t i = 1; i < n; i++) others += exp((double)list[i].score - list[0].score);
    for (size_t i = 0; i < k; i++) {
        double share = i ? exp((double)list[i].score - list[0].score) / others : 0;
        out[i].probability = (float)(i ? (1 - first) * m->rest * share : first);
    }
}

static ig_status rank(const rank_look *l, const rank_numbers *m, size_t k, ig_rank_result *out, size_t *count, ig_error *err) {
    size_t n = l->n;
    candidate *list = ig_calloc(n + 1, sizeof *list);
    float *score = ig_calloc(n + 1, sizeof *score);
    const rank_row **row = ig_calloc(n + 1, sizeof *row);
    ig_status s = list && score && row ? IG_OK : ig_error_nomem(err, n * sizeof *list);
    if (s == IG_OK) {
        for (size_t i = 0; i < n; i++) list[i] = (candidate){ig_rank_mix(m->weight, l->row[i].x), l->passage[i], &l->row[i]};
        qsort(list, n, sizeof *list, by_score);
        for (size_t i = 0; i < n; i++) {
            score[i] = list[i].score;
            row[i] = list[i].row;
        }
        double sign[RANK_SIGNS];
        ig_rank_signs(score, row, n, l->reach, l->words, sign);
        *count = n < k ? n : k;
        for (size_t i = 0; i < *count; i++) {
            out[i] = (ig_rank_result){.passage = list[i].passage, .score = list[i].score};
            for (int f = 0; f < IG_RANK_FEATURES; f++) out[i].part[f] = m->weight[f] * list[i].row->x[f];
        }
        give_probabilities(m, list, n, ig_rank_sure(m->sure, sign), out, *count);
    }
    ig_free(list);
    ig_free(score);
    ig_free(row);
    return s;
}

ig_status ig_ranker_query(ig_ranker *r, const char *text, size_t len, size_t k, const ig_rank_query *opts,
                          ig_rank_result *results,
                          size_t *count, ig_error *err) {
    static const ig_rank_query none;
    if (!opts) opts = &none;
    spare *s;
    *count = 0;
    IG_TRY(borrow(r, &s, err));
    rank_ask ask = {.text = text, .len = len, .keep = opts->keep, .keep_arg = opts->keep_arg, .extra = opts->extra};
    ig_status status = ig_rank_look_up(&s->look, &r->x, &r->model, &ask, err);
    if (status == IG_OK) status = rank(&s->look, &r->model.numbers, k, results, count, err);
    give_back(r, s);
    return status;
}
