/* retrieval/rank_look.h: from a question to its candidates and their features: the same for training and for answering.
 *
 *     question ─► bags ─► dense scores by the rarest terms ─┬─► best LEXICAL ─┬─► the other terms added ─► features of each
 *                     └─► likeliest translations ───────────┴─► best FOUND ───┘   to candidates only
 *
 * So frequent terms, which have most of the postings and say least, cost nothing where nothing was found, and the features of
 * a candidate are the same as if all terms had been looked up everywhere.
 */
#ifndef INGOT_RETRIEVAL_RANK_LOOK_H
#define INGOT_RETRIEVAL_RANK_LOOK_H

#include "retrieval/rank_model.h"

typedef struct rank_look { /* space of one thread */
    rank_terms terms;
    float *channel[RANK_FORM];      /* [passages] */
    rank_picks picks[RANK_CHANNELS]; /* the question's terms in each channel */
    float *form;                    /* [forms] */
    uint32_t *met;                  /* [forms]: those of candidates that share a rare term with the question, ascending */
    float *nearest;                 /* [passages]: cosine of the nearest form */
    float *found;                   /* [passages]: by translation */
    float *mixed;                   /* [passages] */
    float *spread;                  /* [terms of WORD], all zero */
    uint8_t *taken;                 /* [passages], all zero */
    uint32_t *passage;              /* candidates */
    rank_row *row;
    float *column;                  /* [candidates], [candidates * extra] */
    size_t n, cap;
    float form_norm;                /* of the question among the forms */
    double reach, words;            /* of the question; see rank_group */
} rank_look;

typedef struct rank_ask {
    const char *text;
    size_t len;
    unsigned folds, fold;           /* forms of this fold are not looked at; folds 0: all are */
    uint64_t thin;                  /* not 0: drop some of the question's terms, keyed by this */
    bool (*keep)(void *arg, uint32_t passage);
    void *keep_arg;
    ig_rank_extra extra;
    const uint32_t *also;           /* candidates anyway */
    size_t also_n;
    bool narrow;                    /* fewer candidates: enough to learn from */
} rank_ask;

ig_status ig_rank_look_init(rank_look *l, const rank_index *x, ig_error *err);
void ig_rank_look_fini(rank_look *l);
/* Fills passage, row (labels 0) and n. */
ig_status ig_rank_look_up(rank_look *l, const rank_index *x, const rank_model *m, const rank_ask *ask, ig_error *err);
/* A term in more passages than this is left out when candidates are found. */
size_t ig_rank_most(const rank_index *x);

#endif
