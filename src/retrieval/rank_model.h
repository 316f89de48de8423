/* retrieval/rank_model.h: what a ranker learned, and its file ranker.weights: three sections.
 *
 *     numbers       struct rank_numbers
 *     translations  the block of rank_translate.h
 *     quality       f32 [RANK_QUALITY_SIZE]
 */
#ifndef INGOT_RETRIEVAL_RANK_MODEL_H
#define INGOT_RETRIEVAL_RANK_MODEL_H

#include "retrieval/rank_fuse.h"
#include "retrieval/rank_quality.h"
#include "retrieval/rank_translate.h"

#define RANK_INDEX_FILE "ranker.index"
#define RANK_WEIGHTS_FILE "ranker.weights"
enum { RANK_INDEX_SECTIONS = RANK_CHANNELS + 4, RANK_WEIGHTS_SECTIONS = 3 };

typedef struct rank_numbers { /* 4-byte fields only: no padding */
    uint32_t extra, without;
    float k1[RANK_FORM], b[RANK_FORM];
    float weight[IG_RANK_FEATURES];
    float sure[RANK_SIGNS], rest;
} rank_numbers;

typedef struct rank_model {
    rank_numbers numbers;
    rank_translation translation;
    const float *quality; /* [RANK_QUALITY_SIZE] */
    float *quality_own;   /* owned when learned */
} rank_model;

extern const rank_numbers ig_rank_prior; /* where there is nothing to learn from */

ig_status ig_rank_model_save(const rank_model *m, const char *path, ig_error *err);
ig_status ig_rank_model_open(const rank_file *f, const rank_index *x, rank_model *out, ig_error *err);
void ig_rank_model_fini(rank_model *m);

#endif
