/* retrieval/match_bag.c: the network's memory, and its way from a text to logits. */
#include "retrieval/match_bag.h"

#include <math.h>
#include <string.h>

#include "tensor/kernels/kernels.h"

ig_status match_bag_new(size_t terms, size_t labels, size_t D, size_t H, match_bag *out, ig_error *err) {
    size_t stride = (labels + 15) / 16 * 16;
    *out = (match_bag){.terms = terms, .labels = labels, .stride = stride, .D = D, .H = H};
    out->embedding = ig_calloc((terms ? terms : 1) * D, sizeof(float));
    out->w1 = ig_calloc(D * H, sizeof(float));
    out->b1 = ig_calloc(H, sizeof(float));
    out->w2 = ig_calloc(H * stride, sizeof(float));
    out->b2 = ig_calloc(stride, sizeof(float));
    if (out->embedding && out->w1 && out->b1 && out->w2 && out->b2) return IG_OK;
    match_bag_fini(out);
    return ig_error_nomem(err, terms * D * sizeof(float));
}

void match_bag_fini(match_bag *b) {
    ig_free(b->embedding);
    ig_free(b->w1);
    ig_free(b->b1);
    ig_free(b->w2);
    ig_free(b->b2);
    *b = (match_bag){0};
}

void match_bag_weights(const match_terms *t, const match_seen *seen, size_t n, const uint8_t *skip, float *weight) {
    double squares[MATCH_KINDS] = {0};
    for (size_t i = 0; i < n; i++) {
        float idf = skip && skip[seen[i].word] ? 0 : t->idf[seen[i].term];
        weight[i] = idf;
        squares[t->kind[seen[i].term]] += (double)idf * (double)idf;
    }
    for (size_t k = 0; k < MATCH_KINDS; k++) squares[k] = squares[k] > 0 ? 1 / sqrt(squares[k]) : 0;
    for (size_t i = 0; i < n; i++) weight[i] *= (float)squares[t->kind[seen[i].term]];
}

static float weight_of(const match_terms *t, const double *scale, uint32_t term) {
    return t->idf[term] * (float)scale[t->kind[term]];
}

void match_bag_logits(ig_context *ctx, const match_bag *b, const match_terms *t, const match_seen *seen, size_t n, float *logit,
                      float *scratch) {
    const ig_kernels *k = ig_kernels_of(ctx);
    float *x = scratch, *h = scratch + b->D;
    double scale[MATCH_KINDS] = {0};
    for (size_t i = 0; i < n; i++) scale[t->kind[seen[i].term]] += (double)t->idf[seen[i].term] * (double)t->idf[seen[i].term];
    for (size_t i = 0; i < MATCH_KINDS; i++) scale[i] = scale[i] > 0 ? 1 / sqrt(scale[i]) : 0;
    memset(x, 0, b->D * sizeof *x);
    for (size_t i = 0; i < n; i++) k->axpby(x, b->embedding + seen[i].term * b->D, weight_of(t, scale, seen[i].term), 1, b->D);
    memcpy(h, b->b1, b->H * sizeof *h);
    k->product(h, x, b->D, 1, b->w1, 1, b->H, b->D, true);
    for (size_t i = 0; i < b->H; i++) h[i] = h[i] > 0 ? h[i] : 0;
    memcpy(logit, b->b2, b->stride * sizeof *logit);
    k->product(logit, h, b->H, 1, b->w2, 1, b->stride, b->H, true);
}
