/* models/deepfm/deepfm.h: factorisation machines with a network beside them, for the files of this folder.
 *
 *     indices [B,F] ─ + offsets ─ one table [V,K] ─┐
 *     numbers [B,D] ─ · a vector each [D,K] ───────┴► E [B,F+D,K] ─┬─ ½ Σ_k ((Σ v)² - Σ v²) ────────┐
 *                                                                  └─ reshape ─ relu layers ─ 1 ──┤
 *     indices, numbers ─ one weight each ─────────────────────────────────────────────────────────┴► + bias ─► logits [B]
 *
 * All parts: DeepFM (Guo et al. 2017).  linear and fm: a factorisation machine (Rendle 2010).  linear and deep: wide and deep
 * (Cheng et al. 2016).  linear alone: logistic regression.  deep alone: a plain network over embeddings.
 *
 * Shape letters: B batch, F fields (categories), D numbers, V the sum of all vocabularies, K embedding size.
 */
#ifndef INGOT_MODELS_DEEPFM_H
#define INGOT_MODELS_DEEPFM_H

#include "ingot/models.h"

#define DEEPFM_HIDDEN_MAX 16

typedef struct deepfm {
    ig_row_shape shape;
    int64_t *size;                /* [F], shape.sizes */
    int64_t V, K, L;              /* L: labels that config.json names; 0 for a number */
    int hidden;                   /* layers before the last */
    int64_t width[DEEPFM_HIDDEN_MAX];
    bool linear, fm, deep;
    double dropout;
    ig_tensor offsets;            /* i64 [F]: where each field begins in the tables; no data without fields */
    const ig_param *table, *numbers;      /* [V,K], [D,K]; NULL without fm and deep, fields or numbers */
    const ig_param *first, *slope, *bias; /* [V,1], [1,D], [1]; the first two NULL without linear */
    const ig_param *w[DEEPFM_HIDDEN_MAX + 1], *b[DEEPFM_HIDDEN_MAX]; /* [N,K'], [N]; the last layer has the common bias */
} deepfm;

/* config.c */
const ig_schema_field *deepfm_schema(const char *model_type);
ig_status deepfm_read_config(ig_model *m, deepfm *s, ig_error *err);
void deepfm_read_dropout(const ig_model *m, deepfm *s);

/* parameters.c */
ig_status deepfm_add_parameters(ig_model *m, deepfm *s, ig_error *err);
ig_status deepfm_initialise(ig_model *m, uint64_t seed, ig_error *err);

/* forward.c: numbers f32 [B,D], NULL without; indices i64 [B,F], NULL without → [B] */
ig_var *deepfm_score(ig_model *m, const ig_pass *p, ig_var *numbers, ig_var *indices);

#endif
