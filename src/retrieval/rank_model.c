/* retrieval/rank_model.c: the learned part of a ranker as a file; see rank_model.h. */
#include <math.h>
#include <string.h>

#include "retrieval/rank_model.h"

/* From the two collections of docs/support.md: means of what was learned there, rounded. */
const rank_numbers ig_rank_prior = {
    .k1 = {1.2f, 1.2f, 1.2f, 1.2f},
    .b = {0.5f, 0.5f, 0.5f, 0.5f},
    .weight = {[IG_RANK_GRAM] = 0.08f, [IG_RANK_WORD] = 0.15f, [IG_RANK_LONG] = 0.08f, [IG_RANK_BEGIN] = 0.05f,
               [IG_RANK_TRANSLATE] = 0.35f, [IG_RANK_FORM] = 2.0f, [IG_RANK_SAME] = 6.0f, [IG_RANK_EXTRA] = 1.0f},
    .sure = {-1.5f, 0.7f, 1.0f, 0.1f, 1.0f, 3.0f},
    .rest = 0.5f,
};

void ig_rank_model_fini(rank_model *m) {
    ig_rank_translation_fini(&m->translation);
    ig_free(m->quality_own);
    *m = (rank_model){0};
}

ig_status ig_rank_model_save(const rank_model *m, const char *path, ig_error *err) {
    const rank_translation *t = &m->translation;
    rank_section s[RANK_WEIGHTS_SECTIONS] = {{&m->numbers, sizeof m->numbers},
                                             {t->block ? t->block : (const char *)t->q_hash - 3 * sizeof(uint64_t), t->size},
                                             {m->quality, RANK_QUALITY_SIZE * sizeof *m->quality}};
    return ig_rank_file_save(path, s, RANK_WEIGHTS_SECTIONS, err);
}

static bool all_finite(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]) || fabsf(x[i]) > 1e6f) return false;
    }
    return true;
}

static const char *check_numbers(const rank_numbers *n) {
    if (n->extra > IG_RANK_EXTRA_MAX) return "too many extra features";
    for (int i = 0; i < RANK_FORM; i++) {
        if (!(n->k1[i] > 0 && n->k1[i] < 100 && n->b[i] >= 0 && n->b[i] <= 1)) return "k1 or b is out of range";
    }
    if (!all_finite(n->weight, IG_RANK_FEATURES) || !all_finite(n->sure, RANK_SIGNS)) return "a weight is no number";
    return n->rest >= 0 && n->rest <= 1 ? NULL : "a share is out of range";
}

static ig_status open_sections(const rank_file *f, const rank_index *x, rank_model *m, ig_error *err) {
    const char *why = NULL;
    if (f->section[0].size != sizeof m->numbers ||
        f->section[2].size != RANK_QUALITY_SIZE * sizeof(float)) why = "sizes are wrong";
    if (!why) {
        memcpy(&m->numbers, f->section[0].data, sizeof m->numbers);
        m->quality = f->section[2].data;
        why = check_numbers(&m->numbers);
    }
    if (!why && !all_finite(m->quality, RANK_QUALITY_SIZE)) why = "a weight of a word is no number";
    if (why) return ig_error_at(err, IG_E_FORMAT, f->path, 0, "what was learned is damaged (%s): train again", why);
    IG_TRY(ig_rank_translation_open(&f->section[1], f->path, &m->translation, err));
    return ig_rank_translation_bind(&m->translation, x, err);
}

ig_status ig_rank_model_open(const rank_file *f, const rank_index *x, rank_model *out, ig_error *err) {
    *out = (rank_model){0};
    ig_status s = open_sections(f, x, out, err);
    if (s != IG_OK) ig_rank_model_fini(out);
    return s;
}
