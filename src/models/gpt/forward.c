/* models/gpt/forward.c: the network: tokens in, logits out.
 *
 *     x = tokens (+ positions)                                     [B,T,C]
 *     every block:   x = x + attention(norm1(x))
 *                    x = x + network(norm2(x))
 *     logits = head(norm(x))                                       [B,T,V]
 *
 * The same code trains and generates.  With a cache the keys and values of earlier positions are already there: the new
 * ones are written behind them and attention sees all of it.
 */
#include "graph/op.h"
#include "models/gpt/gpt.h"

typedef struct forward {
    const ig_pass *p;
    ig_graph *g;
    const gpt *s;
    ig_kv_cache *cache; /* NULL in training */
    ig_var *positions;  /* i64 [T]; only Llama, or with a cache */
    int layer;
} forward;

static ig_var *weight(const forward *f, const ig_param *p) { return p ? ig_param_var(f->g, p) : NULL; }

static ig_var *linear(const forward *f, ig_var *x, gpt_linear l) {
    return ig_nn_dense(f->p, x, l.w, l.b);
}

static ig_var *norm(const forward *f, ig_var *x, gpt_linear n) {
    const gpt_config *c = &f->s->c;
    if (c->llama) return ig_rms_norm(f->g, x, weight(f, n.w), c->norm_eps);
    return ig_layer_norm(f->g, x, weight(f, n.w), weight(f, n.b), c->norm_eps);
}

/* ---- attention ---- */

/* [B,T,heads·D] → [B,heads,T,D], as a view */
static ig_var *heads(const forward *f, ig_var *x, int64_t count) {
    int64_t shape[4] = {ig_dim(x, 0), ig_dim(x, 1), count, f->s->c.D};
    return ig_transpose(f->g, ig_reshape(f->g, x, 4, shape), 1, 2);
}

/* GPT-2's c_attn gives [B,T,3C]: first all heads of q, then of k, then of v. */
static void fused_qkv(const forward *f, ig_var *x, const gpt_block *b, ig_var *qkv[3]) {
    ig_split(f->g, heads(f, linear(f, x, b->qkv), 3 * f->s->c.H), 1, 3, qkv);
}

/* [B,T,count·D] → [B,count,T,D], normalised if there is a norm, and turned */
static ig_var *turned(const forward *f, ig_var *x, int64_t count, const ig_param *head_norm) {
    const gpt_config *c = &f->s->c;
    x = heads(f, x, count);
    if (head_norm) x = ig_rms_norm(f->g, x, weight(f, head_norm), c->norm_eps);
    return ig_rope_scaled(f->g, x, f->positions, c->rope_theta, c->rope_scaling, true);
}

static void rotary_qkv(const forward *f, ig_var *x, const gpt_block *b, ig_var *qkv[3]) {
    qkv[0] = turned(f, linear(f, x, b->q), f->s->c.H, b->q_norm);
    qkv[1] = turned(f, linear(f, x, b->k), f->s->c.G, b->k_norm);
    qkv[2] = heads(f, linear(f, x, b->v), f->s->c.G);
}

/* Put new keys or values into their pages; returns all of the pool. */
static ig_var *remember(const forward *f, bool keys, ig_var *x) {
    char name[32];
    snprintf(name, sizeof name, "cache.%d.%s", f->layer, keys ? "k" : "v");
    ig_var *pool = ig_input(f->g, name, keys ? &f->cache->k[f->layer] : &f->cache->v[f->layer]);
    return ig_page_write(f->g, pool, x, ig_input(f->g, "cache.table", &f->cache->table), ig_input(f->g, "cache.places", &f->cache->places),
                         keys);
}

/* q, k, v of the new rows; attention over them and all that the cache holds. */
static ig_var *attend(const forward *f, ig_var *qkv[3]) {
    if (!f->cache) return ig_attention(f->g, qkv[0], qkv[1], qkv[2], (ig_attention_opts){.causal = true});
    ig_var *keys = remember(f, true, qkv[1]), *values = remember(f, false, qkv[2]);
    return ig_attention_pages(f->g, qkv[0], keys, values, ig_input(f->g, "cache.table", &f->cache->table),
                              ig_input(f->g, "cache.places", &f->cache->places), f->cache->chunk);
}

static ig_var *self_attention(const forward *f, const gpt_block *b, ig_var *x) {
    ig_var *qkv[3];
    if (f->s->c.llama) rotary_qkv(f, x, b, qkv);
    else fused_qkv(f, x, b, qkv);
    ig_var *y = attend(f, qkv);                                                    /* [B,H,T,D] */
    int64_t joined[3] = {ig_dim(x, 0), ig_dim(x, 1), f->s->c.H * f->s->c.D};
    y = ig_reshape(f->g, ig_transpose(f->g, y, 1, 2), 3, joined);                  /* [B,T,H·D] */
    return ig_nn_dropout(f->p, linear(f, y, b->out), f->s->dropout.residual);
}

/* ---- the network of a block ---- */

static ig_var *activation(const forward *f, ig_var *x) {
    switch (f->s->c.activation) {
    case GPT_GELU: return ig_gelu(f->g, x);
    case GPT_RELU: return ig_relu(f->g, x);
    case GPT_SILU: return ig_silu(f->g, x);
    case GPT_GELU_TANH: break;
    }
    return ig_gelu_tanh(f->g, x);
}

static ig_var *network(const forward *f, const gpt_block *b, ig_var *x) {
    ig_var *h = activation(f, linear(f, x, b->gate.w ? b->gate : b->up));          /* [B,T,F] */
    if (b->gate.w) h = ig_mul(f->g, h, linear(f, x, b->up));
    return ig_nn_dropout(f->p, linear(f, h, b->down), f->s->dropout.residual);
}

/* ---- all of it ---- */

static ig_var *embed(const forward *f, ig_var *tokens) {
    ig_var *x = ig_nn_lookup(f->p, f->s->tokens, tokens);               /* [B,T,C] */
    if (f->s->positions) {
        ig_var *table = weight(f, f->s->positions);                                /* [context,C] */
        ig_var *at = f->cache ? ig_embedding(f->g, table, f->positions) : ig_slice(f->g, table, 0, 0, ig_dim(tokens, 1));
        x = ig_add(f->g, x, at);
    }
    return ig_nn_dropout(f->p, x, f->s->dropout.embedding);
}

static ig_var *block(const forward *f, const gpt_block *b, ig_var *x) {
    if (f->p->recompute) ig_recompute_begin(f->g);
    x = ig_add(f->g, x, self_attention(f, b, norm(f, x, b->norm1)));
    x = ig_add(f->g, x, network(f, b, norm(f, x, b->norm2)));
    if (f->p->recompute) ig_recompute_end(f->g, &x, 1);
    return x;
}

/* Only the row that the next token is chosen from needs the head, which is the largest product of all. */
static ig_var *last_row(const forward *f, ig_var *x) {
    if (!f->cache || !f->cache->last.data) return x;
    int64_t rows[2] = {ig_dim(x, 1), ig_dim(x, 2)}, one[3] = {1, 1, ig_dim(x, 2)};
    ig_var *row = ig_embedding(f->g, ig_reshape(f->g, x, 2, rows), ig_input(f->g, "cache.last", &f->cache->last));
    return ig_reshape(f->g, row, 3, one);
}

static ig_var *positions(const forward *f, int64_t T) {
    ig_tensor view;
    if (f->cache) return ig_input(f->g, "cache.positions", &f->cache->positions);
    if (ig_tensor_slice(&view, &f->s->range, 0, 0, T, NULL) != IG_OK) return NULL;
    return ig_input(f->g, "positions", &view);
}

/* false: the graph is poisoned with the reason */
static bool possible(const forward *f, ig_var *tokens) {
    int64_t context = f->s->c.context;
    if (f->p->training && f->s->dropout.attention > 0) {
        const char *key = f->s->c.llama ? "attention_dropout" : "attn_pdrop";
        ig_poison(f->g, IG_E_UNSUPPORTED, "%s is %g: dropout of attention probabilities is not supported in training; set it to 0",
                  key, f->s->dropout.attention);
    } else if (ig_ndim(tokens) != 2) {
        ig_poison(f->g, IG_E_SHAPE, "tokens must be [batch,time], they have %d dimensions", ig_ndim(tokens));
    } else if (!f->cache && ig_dim(tokens, 1) > context) {
        ig_poison(f->g, IG_E_LIMIT, "%lld positions; the model knows %lld", (long long)ig_dim(tokens, 1), (long long)context);
    }
    return !ig_graph_poisoned(f->g);
}

/* The blocks and the last norm: [B,T,C], or [B,1,C] when the cache asks for one row. */
static ig_var *trunk(forward *f, ig_var *tokens) {
    if (!possible(f, tokens)) return tokens;
    f->positions = positions(f, ig_dim(tokens, 1));
    ig_var *x = embed(f, tokens);
    for (; f->layer < f->s->c.layers; f->layer++) x = block(f, &f->s->block[f->layer], x);
    return last_row(f, norm(f, x, f->s->norm));
}

ig_var *gpt_logits(ig_model *m, const ig_pass *p, ig_var *tokens, ig_kv_cache *cache) {
    forward f = {.p = p, .g = p->g, .s = m->state, .cache = cache};
    ig_var *x = trunk(&f, tokens);
    if (ig_graph_poisoned(f.g)) return x;
    return ig_nn_dense(p, x, f.s->head, NULL);                  /* [B,T,V] */
}

/* A token sees only what stands before it, so padding behind a text is seen by none of its tokens: no lengths are needed. */
ig_var *gpt_hidden(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    forward f = {.p = p, .g = p->g, .s = m->state};
    (void)types, (void)lengths;
    return trunk(&f, tokens);                                                      /* [B,T,C] */
}
