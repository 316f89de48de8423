/* infer/embed.c: texts to vectors.
 *
 *     text ──sequences.c──► ids ──encoder.c──► hidden states, pooled [C] ──cut to D──► length 1
 *
 * A model whose vectors were trained to be cut (Kusupati et al. 2022) keeps its meaning in the first dimensions; the length
 * is made 1 after the cut.
 */
#include <math.h>
#include <string.h>

#include "infer/encoder.h"
#include "infer/pooling.h"

struct ig_embedder {
    encoder encoder;
    ig_pooling pooling;
    int64_t dimensions;
    bool raw;
};

/* ---- opening and closing ---- */

static encoder_output output_of(ig_pooling p) {
    return p == IG_POOLING_MEAN ? ENCODER_MEAN : p == IG_POOLING_CLS ? ENCODER_FIRST : ENCODER_LAST;
}

static ig_status set_up(ig_embedder *e, ig_model *m, const ig_embedder_opts *o, ig_error *err) {
    if (!ig_model_can(m, IG_CAN_EMBED))
        return ig_error_set(err, IG_E_UNSUPPORTED, "models of family %s do not embed texts", m->family->name);
    IG_TRY(pooling_of(m, &e->pooling, err));
    if (o->pooling != IG_POOLING_DEFAULT) e->pooling = o->pooling;
    IG_TRY(encoder_init(&e->encoder, m, output_of(e->pooling), &o->batch, err));
    e->raw = o->raw;
    e->dimensions = o->dimensions ? o->dimensions : e->encoder.width;
    if (e->dimensions >= 1 && e->dimensions <= e->encoder.width) return IG_OK;
    return ig_error_set(err, IG_E_ARG, "dimensions %lld; the model's vectors have 1 to %lld", (long long)e->dimensions,
                        (long long)e->encoder.width);
}

ig_status ig_embedder_open(ig_model *m, const ig_embedder_opts *opts, ig_embedder **out, ig_error *err) {
    static const ig_embedder_opts defaults = {0};
    *out = NULL;
    ig_embedder *e = ig_calloc(1, sizeof *e);
    if (!e) return ig_error_nomem(err, sizeof *e);
    ig_status status = set_up(e, m, opts ? opts : &defaults, err);
    if (status == IG_OK) *out = e;
    else ig_embedder_close(e);
    return status;
}

void ig_embedder_close(ig_embedder *e) {
    if (!e) return;
    encoder_fini(&e->encoder);
    ig_free(e);
}

int64_t ig_embedder_dimensions(const ig_embedder *e) { return e->dimensions; }
ig_pooling ig_embedder_pooling(const ig_embedder *e) { return e->pooling; }
int64_t ig_embedder_max_tokens(const ig_embedder *e) { return e->encoder.opts.max_tokens; }
size_t ig_embedder_plan_bytes(const ig_embedder *e) { return e->encoder.bytes; }

/* ---- embedding ---- */

/* A vector of zeros has no direction and stays. */
static ig_status finish_row(const ig_embedder *e, float *out, const float *row, size_t i, ig_error *err) {
    double sum = 0;
    for (int64_t c = 0; c < e->dimensions; c++) sum += (double)row[c] * (double)row[c];
    if (!isfinite(sum)) return ig_error_set(err, IG_E_NUMERIC,
                                            "the vector of text %zu is not finite: the weights may be damaged", i);
    double scale = e->raw || sum == 0 ? 1 : 1 / sqrt(sum);
    for (int64_t c = 0; c < e->dimensions; c++) out[c] = (float)((double)row[c] * scale);
    return IG_OK;
}

static ig_status embed(ig_embedder *e, const sequences *s, float *out, ig_text_use *uses, ig_error *err) {
    size_t width = (size_t)e->encoder.width;
    float *rows = ig_calloc(s->count ? s->count : 1, width * sizeof *rows);
    if (!rows) return ig_error_nomem(err, s->count * width * sizeof *rows);
    ig_status status = encoder_run(&e->encoder, s, rows, err);
    for (size_t i = 0; i < s->count && status == IG_OK; i++)
        status = finish_row(e, out + i * (size_t)e->dimensions, rows + i * width, i, err);
    ig_free(rows);
    if (status == IG_OK) sequences_tell(s, uses);
    return status;
}

ig_status ig_embed_tokens(ig_embedder *e, const ig_ids *texts, size_t n, float *out, ig_text_use *uses, ig_error *err) {
    sequences s;
    ig_status status = sequences_init(&s, e->encoder.m, e->encoder.opts.max_tokens, n, err);
    for (size_t i = 0; i < n && status == IG_OK; i++) status = sequences_add(&s, &texts[i], NULL, err);
    if (status == IG_OK) status = embed(e, &s, out, uses, err);
    sequences_fini(&s);
    return status;
}

ig_status ig_embed_texts(ig_embedder *e, const char *const *texts, size_t n, float *out, ig_text_use *uses, ig_error *err) {
    sequences s;
    ig_status status = sequences_init(&s, e->encoder.m, e->encoder.opts.max_tokens, n, err);
    for (size_t i = 0; i < n && status == IG_OK; i++) status = sequences_add_text(&s, texts[i], NULL, err);
    if (status == IG_OK) status = embed(e, &s, out, uses, err);
    sequences_fini(&s);
    return status;
}
