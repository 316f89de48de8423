/* models/bert/parameters.c: the parameters of BERT and RoBERTa: names, shapes, and how a new model is filled.
 *
 * Names and shapes are those of Hugging Face's files; every matrix is [out,in].  New matrices are normal with deviation
 * initializer_range (Devlin et al. 2019 use 0.02), biases 0, norms 1.
 */
#include <string.h>

#include "models/bert/bert.h"
#include "models/model.h"

#define NAME_MAX_BYTES 128

typedef struct builder {
    ig_model *m;
    const bert_config *c;
    const char *root; /* "bert.", or "" for the bare encoder and for heads */
    int layer;        /* -1 outside of the blocks */
} builder;

static void full_name(const builder *b, const char *part, const char *kind, char *buf) {
    if (b->layer < 0) snprintf(buf, NAME_MAX_BYTES, "%s%s.%s", b->root, part, kind);
    else snprintf(buf, NAME_MAX_BYTES, "%sencoder.layer.%d.%s.%s", b->root, b->layer, part, kind);
}

static ig_status add(const builder *b, const char *part, const char *kind, int ndim, const int64_t *shape, const ig_param **out,
                     ig_error *err) {
    char name[NAME_MAX_BYTES];
    full_name(b, part, kind, name);
    return ig_model_add(b->m, name, ndim, shape, out, err);
}

static ig_status add_table(const builder *b, const char *part, int64_t rows, const ig_param **out, ig_error *err) {
    int64_t shape[2] = {rows, b->c->C};
    return add(b, part, "weight", 2, shape, out, err);
}

static ig_status add_weights(const builder *b, const char *part, int64_t rows, int64_t columns, const ig_param **out, ig_error *err) {
    char name[NAME_MAX_BYTES];
    full_name(b, part, "weight", name);
    return ig_model_add_matrix(b->m, name, rows, columns, IG_PARAM_OUT_IN, out, err);
}

static ig_status add_norm(const builder *b, const char *part, bert_linear *out, ig_error *err) {
    IG_TRY(add(b, part, "weight", 1, &b->c->C, &out->w, err));
    return add(b, part, "bias", 1, &b->c->C, &out->b, err);
}

static ig_status add_linear(const builder *b, const char *part, int64_t in, int64_t out_size, bert_linear *out, ig_error *err) {
    IG_TRY(add_weights(b, part, out_size, in, &out->w, err));
    return add(b, part, "bias", 1, &out_size, &out->b, err);
}

static ig_status add_block(const builder *b, bert_block *k, ig_error *err) {
    const bert_config *c = b->c;
    IG_TRY(add_linear(b, "attention.self.query", c->C, c->C, &k->q, err));
    IG_TRY(add_linear(b, "attention.self.key", c->C, c->C, &k->k, err));
    IG_TRY(add_linear(b, "attention.self.value", c->C, c->C, &k->v, err));
    IG_TRY(add_linear(b, "attention.output.dense", c->C, c->C, &k->out, err));
    IG_TRY(add_norm(b, "attention.output.LayerNorm", &k->norm1, err));
    IG_TRY(add_linear(b, "intermediate.dense", c->C, c->F, &k->up, err));
    IG_TRY(add_linear(b, "output.dense", c->F, c->C, &k->down, err));
    return add_norm(b, "output.LayerNorm", &k->norm2, err);
}

static ig_status add_classifier(const builder *b, bert *s, ig_error *err) {
    const bert_config *c = b->c;
    builder head = {.m = b->m, .c = c, .root = "", .layer = -1};
    if (c->roberta) {
        IG_TRY(add_linear(&head, "classifier.dense", c->C, c->C, &s->dense, err));
        return add_linear(&head, "classifier.out_proj", c->C, c->L, &s->project, err);
    }
    IG_TRY(add_linear(b, "pooler.dense", c->C, c->C, &s->dense, err));
    return add_linear(&head, "classifier", c->C, c->L, &s->project, err);
}

/* The matrix of the masked head is the token table. */
static ig_status add_masked(const builder *b, bert *s, ig_error *err) {
    const bert_config *c = b->c;
    builder head = {.m = b->m, .c = c, .root = c->roberta ? "lm_head." : "cls.predictions.", .layer = -1};
    s->project.w = s->tokens;
    IG_TRY(ig_model_add(b->m, c->roberta ? "lm_head.bias" : "cls.predictions.bias", 1, &c->V, &s->project.b, err));
    IG_TRY(add_linear(&head, c->roberta ? "dense" : "transform.dense", c->C, c->C, &s->dense, err));
    return add_norm(&head, c->roberta ? "layer_norm" : "transform.LayerNorm", &s->norm_head, err);
}

static ig_status add_tags(const builder *b, bert *s, ig_error *err) {
    builder head = {.m = b->m, .c = b->c, .root = "", .layer = -1};
    return add_linear(&head, "classifier", b->c->C, b->c->L, &s->project, err);
}

/* Encoders are published with a pooler or without one.  Only BERT's classification reads it; elsewhere it is kept for
 * those who train on (bert_optional lets files be without it), and no pointer to it is. */
static ig_status add_head(const builder *b, bert *s, ig_error *err) {
    bert_linear kept;
    if (b->c->head == BERT_CLASSIFY) return add_classifier(b, s, err);
    if (b->c->head == BERT_TAG) return add_tags(b, s, err);
    if (b->c->head == BERT_MASKED) IG_TRY(add_masked(b, s, err));
    return add_linear(b, "pooler.dense", b->c->C, b->c->C, &kept, err);
}

ig_status bert_add_parameters(ig_model *m, bert *s, ig_error *err) {
    const bert_config *c = &s->c;
    builder b = {.m = m, .c = c, .root = bert_root(c), .layer = -1};
    IG_TRY(add_weights(&b, "embeddings.word_embeddings", c->V, c->C, &s->tokens, err));
    IG_TRY(add_table(&b, "embeddings.position_embeddings", c->positions, &s->positions, err));
    IG_TRY(add_table(&b, "embeddings.token_type_embeddings", c->types, &s->types, err));
    IG_TRY(add_norm(&b, "embeddings.LayerNorm", &s->norm, err));
    for (b.layer = 0; b.layer < c->layers; b.layer++) IG_TRY(add_block(&b, &s->block[b.layer], err));
    b.layer = -1;
    return add_head(&b, s, err);
}

/* ---- a new model ---- */

static bool is_bias(const char *name) {
    size_t n = strlen(name);
    return n >= 5 && strcmp(name + n - 5, ".bias") == 0;
}

ig_status bert_initialise(ig_model *m, uint64_t seed, ig_error *err) {
    double deviation = ((bert *)m->state)->c.init_deviation;
    for (size_t i = 0; i < m->params.count; i++) {
        const ig_param *p = m->params.item[i];
        ig_init kind = p->value.ndim > 1 ? IG_INIT_NORMAL : is_bias(p->name) ? IG_INIT_ZEROS : IG_INIT_ONES;
        IG_TRY(ig_init_tensor(m->ctx, &p->value, p->name, seed, kind, (ig_init_opts){.b = deviation}, err));
    }
    return IG_OK;
}
