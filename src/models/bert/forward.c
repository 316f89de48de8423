/* models/bert/forward.c: the network: tokens in, one row of channels for each out, and the heads.
 *
 *     x = norm(tokens + positions + types)                         [B,T,C]
 *     every block:   x = norm1(x + attention(x))                   every token sees all tokens of its text
 *                    x = norm2(x + down(act(up(x))))
 *
 * Unlike in GPT the norm stands behind the sum.  Padding takes part as rows that nobody looks at: as keys of attention it
 * is cut off by `lengths`, everything else works row by row.
 */
#include "graph/op.h"
#include "models/bert/bert.h"

typedef struct forward {
    const ig_pass *p;
    ig_graph *g;
    const bert *s;
    ig_var *lengths; /* i64 [B]; NULL: no padding */
} forward;

static ig_var *weight(const forward *f, const ig_param *p) { return ig_param_var(f->g, p); }

static ig_var *linear(const forward *f, ig_var *x, bert_linear l) {
    return ig_nn_dense(f->p, x, l.w, l.b);
}

static ig_var *norm(const forward *f, ig_var *x, bert_linear n) {
    return ig_layer_norm(f->g, x, weight(f, n.w), weight(f, n.b), f->s->c.norm_eps);
}

static ig_var *activation(const forward *f, ig_var *x, bert_activation kind) {
    switch (kind) {
    case BERT_GELU_TANH: return ig_gelu_tanh(f->g, x);
    case BERT_RELU: return ig_relu(f->g, x);
    case BERT_SILU: return ig_silu(f->g, x);
    case BERT_GELU: break;
    }
    return ig_gelu(f->g, x);
}

/* ---- blocks ---- */

/* [B,T,C] → [B,H,T,D], as a view */
static ig_var *heads(const forward *f, ig_var *x) {
    int64_t shape[4] = {ig_dim(x, 0), ig_dim(x, 1), f->s->c.H, f->s->c.D};
    return ig_transpose(f->g, ig_reshape(f->g, x, 4, shape), 1, 2);
}

static ig_var *self_attention(const forward *f, const bert_block *b, ig_var *x) {
    ig_var *q = heads(f, linear(f, x, b->q)), *k = heads(f, linear(f, x, b->k)), *v = heads(f, linear(f, x, b->v));
    int64_t joined[3] = {ig_dim(x, 0), ig_dim(x, 1), f->s->c.C};
    ig_var *y = ig_attention(f->g, q, k, v, (ig_attention_opts){.length = f->lengths});   /* [B,H,T,D] */
    y = ig_reshape(f->g, ig_transpose(f->g, y, 1, 2), 3, joined);                         /* [B,T,C] */
    return ig_nn_dropout(f->p, linear(f, y, b->out), f->s->dropout.hidden);
}

static ig_var *network(const forward *f, const bert_block *b, ig_var *x) {
    ig_var *h = activation(f, linear(f, x, b->up), f->s->c.activation);                   /* [B,T,F] */
    return ig_nn_dropout(f->p, linear(f, h, b->down), f->s->dropout.hidden);
}

static ig_var *block(const forward *f, const bert_block *b, ig_var *x) {
    if (f->p->recompute) ig_recompute_begin(f->g);
    x = norm(f, ig_add(f->g, x, self_attention(f, b, x)), b->norm1);
    x = norm(f, ig_add(f->g, x, network(f, b, x)), b->norm2);
    if (f->p->recompute) ig_recompute_end(f->g, &x, 1);
    return x;
}

/* ---- embeddings ---- */

static ig_var *embed(const forward *f, ig_var *tokens, ig_var *types) {
    int64_t T = ig_dim(tokens, 1), first = f->s->c.first;
    ig_var *x = ig_nn_lookup(f->p, f->s->tokens, tokens);                      /* [B,T,C] */
    ig_var *table = weight(f, f->s->types);
    x = ig_add(f->g, x, types ? ig_embedding(f->g, table, types) : ig_slice(f->g, table, 0, 0, 1));
    x = ig_add(f->g, x, ig_slice(f->g, weight(f, f->s->positions), 0, first, first + T));
    return ig_nn_dropout(f->p, norm(f, x, f->s->norm), f->s->dropout.hidden);
}

/* false: the graph is poisoned with the reason */
static bool possible(const forward *f, ig_var *tokens) {
    int64_t context = f->s->c.positions - f->s->c.first;
    if (f->p->training && f->s->dropout.attention > 0) {
        ig_poison(f->g, IG_E_UNSUPPORTED,
                  "attention_probs_dropout_prob is %g: dropout of attention probabilities is not supported in training; "
                  "set it to 0",
                  f->s->dropout.attention);
    } else if (ig_ndim(tokens) != 2) {
        ig_poison(f->g, IG_E_SHAPE, "tokens must be [batch,time], they have %d dimensions", ig_ndim(tokens));
    } else if (ig_dim(tokens, 1) > context) {
        ig_poison(f->g, IG_E_LIMIT, "%lld positions; the model knows %lld", (long long)ig_dim(tokens, 1), (long long)context);
    }
    return !ig_graph_poisoned(f->g);
}

static ig_var *encode(const forward *f, ig_var *tokens, ig_var *types) {
    if (!possible(f, tokens)) return tokens;
    ig_var *x = embed(f, tokens, types);
    for (int i = 0; i < f->s->c.layers; i++) x = block(f, &f->s->block[i], x);
    return x;                                                                             /* [B,T,C] */
}

ig_var *bert_hidden(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    forward f = {.p = p, .g = p->g, .s = m->state, .lengths = lengths};
    return encode(&f, tokens, types);
}

/* ---- heads ---- */

static bool has_head(const forward *f, bert_head head, const char *architecture) {
    if (f->s->c.head != head) ig_poison(f->g, IG_E_UNSUPPORTED, "the model has no head for it: config.json must name a …%s",
                                        architecture);
    return !ig_graph_poisoned(f->g);
}

/* From the first row of a text, [CLS] or <s>.  BERT drops once, behind the pooler; RoBERTa also before its dense layer. */
ig_var *bert_classify(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    forward f = {.p = p, .g = p->g, .s = m->state, .lengths = lengths};
    if (!has_head(&f, BERT_CLASSIFY, "ForSequenceClassification")) return tokens;
    ig_var *x = encode(&f, tokens, types);
    if (ig_graph_poisoned(f.g)) return x;
    int64_t rows[2] = {ig_dim(x, 0), f.s->c.C};
    double rate = f.s->dropout.classifier;
    x = ig_reshape(f.g, ig_slice(f.g, x, 1, 0, 1), 2, rows);                              /* [B,C] */
    if (f.s->c.roberta) x = ig_nn_dropout(p, x, rate);
    x = ig_nn_dropout(p, ig_tanh(f.g, linear(&f, x, f.s->dense)), rate);
    return linear(&f, x, f.s->project);                                                   /* [B,L] */
}

/* RoBERTa's head is GELU whatever hidden_act says. */
ig_var *bert_masked(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths, ig_var *places) {
    forward f = {.p = p, .g = p->g, .s = m->state, .lengths = lengths};
    if (!has_head(&f, BERT_MASKED, "ForMaskedLM")) return tokens;
    ig_var *x = encode(&f, tokens, types);
    if (ig_graph_poisoned(f.g)) return x;
    if (places) {
        int64_t rows[2] = {ig_dim(x, 0) * ig_dim(x, 1), f.s->c.C};
        x = ig_embedding(f.g, ig_reshape(f.g, x, 2, rows), places);                       /* [N,C] */
    }
    x = activation(&f, linear(&f, x, f.s->dense), f.s->c.roberta ? BERT_GELU : f.s->c.activation);
    return linear(&f, norm(&f, x, f.s->norm_head), f.s->project);                         /* [B,T,V] or [N,V] */
}

/* From every row. */
ig_var *bert_tag(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    forward f = {.p = p, .g = p->g, .s = m->state, .lengths = lengths};
    if (!has_head(&f, BERT_TAG, "ForTokenClassification")) return tokens;
    ig_var *x = encode(&f, tokens, types);
    if (ig_graph_poisoned(f.g)) return x;
    return linear(&f, ig_nn_dropout(p, x, f.s->dropout.classifier), f.s->project);        /* [B,T,L] */
}
