/* tests/models/onnx_scratch.c: see onnx_scratch.h.  Each network is written so that its result depends on every op in it. */
#include "onnx_scratch.h"

#include "../check.h"
#include "graph/op.h"

#define C 120 /* numbers of a token; a picture of 6 × 5 pixels and 4 channels */

typedef struct scratch {
    ig_model *m;
    ig_graph *g;
    ig_var *tokens, *lengths;
    ig_var *x;       /* [B,T,C] */
    ig_var *picture; /* [B,6,5,4], of the first token */
} scratch;

/* A parameter of this name, made at its first use. */
static ig_var *param(const scratch *s, const char *name, ig_param_role role, int ndim, const int64_t *shape) {
    ig_param *p = ig_params_find(&s->m->params, name);
    ig_error err;
    if (!p) {
        check_ok(ig_params_add(&s->m->params, name, IG_DTYPE_F32, ndim, shape, true, &p, &err));
        check_ok(ig_init_tensor(s->m->ctx, &p->value, name, 7, IG_INIT_NORMAL, (ig_init_opts){.a = ndim == 1 ? 1 : 0, .b = 0.3},
                                &err));
        p->role = role;
    }
    return ig_param_var(s->g, p);
}

static ig_var *row(const scratch *s, const char *name, int64_t n) { return param(s, name, IG_PARAM_PLAIN, 1, &n); }
static ig_var *kernel(const scratch *s, const char *name, int64_t O, int64_t I, int64_t KH, int64_t KW) {
    return param(s, name, IG_PARAM_CONV, 4, (int64_t[]){O, I, KH, KW});
}

static ig_var *total(ig_graph *g, ig_var *const *v, int n) {
    ig_var *sum = v[0];
    for (int i = 1; i < n; i++) sum = ig_add(g, sum, v[i]);
    return sum;
}

/* ---- op by op ---- */

static ig_var *maps(const scratch *s) {
    ig_graph *g = s->g;
    ig_var *x = s->x, *p = ig_affine(g, ig_abs(g, x), 1, 0.5);
    ig_var *all[] = {ig_neg(g, x),        ig_sign(g, x),
                     ig_square(g, x),     ig_sqrt(g, p),
                     ig_rsqrt(g, p),      ig_reciprocal(g, p),
                     ig_exp(g, x),        ig_log(g, p),
                     ig_log1p(g, p),      ig_sin(g, x),
                     ig_cos(g, x),        ig_floor(g, ig_affine(g, x, 3, 0.1)),
                     ig_sigmoid(g, x),    ig_tanh(g, x),
                     ig_relu(g, x),       ig_leaky_relu(g, x, 0.2),
                     ig_gelu(g, x),       ig_gelu_tanh(g, x),
                     ig_silu(g, x),       ig_clamp(g, x, -0.5, 0.25),
                     ig_hard_swish(g, x), ig_pow(g, p, ig_constant(g, 1.5)),
                     ig_fma(g, x, p, x)};
    return total(g, all, sizeof all / sizeof *all);
}

static ig_var *pairs(const scratch *s) {
    ig_graph *g = s->g;
    ig_var *a = s->x, *b = ig_mul(g, row(s, "pairs.b", C), ig_tanh(g, ig_mean(g, s->x, 4, true)));
    ig_var *(*const compare[])(ig_graph *, ig_var *, ig_var *) = {ig_eq, ig_ne, ig_lt, ig_le, ig_gt, ig_ge};
    ig_var *sum =
        ig_add(g, ig_sub(g, ig_minimum(g, a, b), ig_maximum(g, a, b)), ig_div(g, a, ig_affine(g, ig_square(g, b), 1, 1)));
    for (int k = 0; k < 6; k++) sum = ig_affine(g, ig_add(g, sum, ig_cast(g, compare[k](g, a, b), IG_DTYPE_F32)), 0.5, 0);
    return ig_select(g, ig_gt(g, ig_cast(g, s->tokens, IG_DTYPE_F32), ig_constant(g, 20)), ig_mean(g, sum, 4, false),
                     ig_max(g, sum, 4, false));
}

static ig_var *reductions(const scratch *s) {
    ig_graph *g = s->g;
    ig_var *x = s->x, *parts[3];
    ig_var *y = ig_add(g, ig_softmax(g, x, -1), ig_log_softmax(g, x, -1));
    y = ig_add(g, y, ig_softmax(g, x, 0));
    y = ig_add(g, y, ig_add(g, ig_cumsum(g, x, 2, false), ig_cumsum(g, x, 2, true)));
    y = ig_add(g, y, ig_add(g, ig_sum(g, x, 5, true), ig_max(g, x, 4, true)));
    ig_split(g, y, 2, 3, parts);
    y = ig_concat(g, (ig_var *[]){parts[2], parts[0], ig_sub(g, parts[1], parts[0])}, 3, 2);
    ig_var *where = ig_cast(g, ig_argmax(g, x, 2), IG_DTYPE_F32);                               /* [B,T] */
    ig_var *at = ig_reshape(g, ig_argmax(g, x, 2), 3, (int64_t[]){ig_dim(x, 0), ig_dim(x, 1), 1});
    y = ig_scatter_add(g, y, 2, at, ig_gather(g, x, 2, at));
    return ig_add(g, ig_slice(g, y, 2, 7, 8 + 30), ig_reshape(g, where, 3, (int64_t[]){ig_dim(x, 0), ig_dim(x, 1), 1}));
}

static ig_var *heads(const scratch *s, ig_var *x, int64_t count) {
    return ig_transpose(s->g, ig_reshape(s->g, x, 4, (int64_t[]){ig_dim(x, 0), ig_dim(x, 1), count, ig_dim(x, 2) / count}), 1,
                        2);
}

/* Heads of 10; two of them turn in adjacent pairs, and keys that are valid only. */
static ig_var *attentions(const scratch *s) {
    ig_graph *g = s->g;
    int64_t T = ig_dim(s->x, 1);
    static int64_t numbers[64];
    ig_tensor t;
    for (int64_t i = 0; i < 64; i++) numbers[i] = i;
    ig_tensor_wrap(&t, numbers, IG_DTYPE_I64, 1, &T, NULL);
    ig_var *at = ig_input(g, "positions", &t), *q = ig_rope(g, heads(s, s->x, 12), at, 100, false);
    ig_var *k = heads(s, ig_slice(g, s->x, 2, 0, 40), 4), *v = heads(s, ig_slice(g, s->x, 2, 40, 80), 4);
    ig_var *y = ig_attention(g, q, ig_rope(g, k, at, 100, true), v, (ig_attention_opts){.length = s->lengths, .scale = 0.4});
    y = ig_add(g, y, ig_attention(g, y, k, v, (ig_attention_opts){.causal = true}));
    y = ig_add(g, y, ig_broadcast(g, ig_mean(g, y, 4, true), 4, y->t.shape));
    y = ig_reshape(g, ig_transpose(g, y, 1, 2), 3, (int64_t[]){ig_dim(y, 0), T, C});
    return ig_layer_norm(g, ig_rms_norm(g, y, row(s, "rms", C), 1e-3), row(s, "layer", C), NULL, 1e-3);
}

/* ---- pictures ---- */

static ig_var *norm(const scratch *s, const char *name, ig_var *x, ig_var *residual, bool relu) {
    char part[4][32];
    int64_t n = ig_dim(x, -1);
    for (int k = 0; k < 4; k++) snprintf(part[k], sizeof part[k], "%s.%d", name, k);
    ig_var *var = ig_square(s->g, row(s, part[3], n));
    return ig_batch_norm(s->g, x, row(s, part[0], n), row(s, part[1], n), row(s, part[2], n), var,
                         (ig_batch_norm_opts){.eps = 1e-3, .relu = relu, .residual = residual});
}

/* A small ResNet: only the picture itself is transposed. */
static ig_var *residual(const scratch *s) {
    ig_graph *g = s->g;
    ig_conv_opts same = {.pad_before = {1, 1}, .pad_after = {1, 1}};
    ig_var *x = norm(s, "n1", ig_conv2d(g, s->picture, kernel(s, "k1", 8, 4, 3, 3), row(s, "b1", 8), same), NULL, true);
    x = ig_max_pool2d(g, x, (ig_pool_opts){.kernel = {3, 3}, .stride = {2, 2}, .pad_before = {1, 1}, .pad_after = {1, 1}});
    ig_var *y = norm(s, "n2", ig_conv2d(g, x, kernel(s, "k2", 8, 8, 3, 3), NULL, same), x, true);
    same.groups = 8;
    y = ig_hard_swish(g, norm(s, "n3", ig_conv2d(g, y, kernel(s, "k3", 8, 1, 3, 3), NULL, same), NULL, false));
    y = ig_concat(g, (ig_var *[]){y, ig_slice(g, x, 3, 2, 5)}, 2, 3);                         /* 11 channels */
    y = ig_mul(g, y, ig_sigmoid(g, ig_adaptive_avg_pool2d(g, y, 1, 1)));
    return ig_matmul(g, ig_mean(g, y, 6, false), param(s, "head", IG_PARAM_IN_OUT, 2, (int64_t[]){11, 5}));
}

static ig_var *pools(const scratch *s) {
    ig_graph *g = s->g;
    ig_var *x = s->picture, *v[8];
    ig_pool_opts o = {.kernel = {3, 2}, .stride = {2, 2}, .pad_before = {1, 0}, .pad_after = {0, 1}, .ceil_mode = true};
    int n = 0;
    v[n++] = ig_max_pool2d(g, x, o);
    v[n++] = ig_avg_pool2d(g, x, o);
    o.count_include_pad = true;
    v[n++] = ig_avg_pool2d(g, x, o);
    o.ceil_mode = false;
    v[n++] = ig_avg_pool2d(g, x, o);
    v[n++] = ig_adaptive_avg_pool2d(g, x, 4, 3);
    v[n++] = ig_adaptive_max_pool2d(g, x, 4, 3);
    v[n++] = ig_adaptive_max_pool2d(g, x, 2, 5);
    v[n++] = ig_adaptive_avg_pool2d(g, x, 3, 1);
    for (int k = 0; k < n; k++) v[k] = ig_mean(g, ig_square(g, v[k]), 6, false);                /* [B,4] each */
    return ig_concat(g, v, n, 1);
}

static ig_var *borders(const scratch *s) {
    ig_graph *g = s->g;
    int64_t before[] = {0, 2, 1, 0}, after[] = {0, 1, 3, 2}, inside[] = {0, 1, 2, 0};
    ig_var *x =
        ig_conv_transpose2d(g, s->picture, kernel(s, "up", 4, 3, 3, 2), row(s, "bias", 6),
                            (ig_conv_opts){.stride = {2, 3}, .groups = 2, .pad_before = {1, 0}, .output_padding = {1, 2}});
    ig_var *a = ig_pad(g, x, before, after, IG_PAD_CONSTANT, 0.5), *b = ig_pad(g, x, inside, inside, IG_PAD_REFLECT, 0);
    ig_var *c = ig_pad(g, x, before, inside, IG_PAD_REPLICATE, 0);
    ig_var *v[] = {a,
                   b,
                   c,
                   ig_interpolate(g, x, 7, 9, IG_INTERPOLATE_NEAREST, false),
                   ig_interpolate(g, x, 26, 5, IG_INTERPOLATE_BILINEAR, false),
                   ig_interpolate(g, x, 9, 19, IG_INTERPOLATE_BILINEAR, true),
                   ig_group_norm(g, x, 3, row(s, "gw", 6), row(s, "gb", 6), 1e-3),
                   ig_local_response_norm(g, x, 3, 0.5, 0.75, 1)};
    for (int k = 0; k < 8; k++) {
        v[k] = ig_mean(g, ig_square(g, v[k]), 2, false); /* [B,W,·]: over the rows */
        v[k] = ig_reshape(g, v[k], 2, (int64_t[]){ig_dim(v[k], 0), ig_dim(v[k], 1) * ig_dim(v[k], 2)});
    }
    return ig_concat(g, v, 8, 1);
}

/* Convolutions over the text, whose length stays open. */
static ig_var *text_cnn(const scratch *s) {
    ig_graph *g = s->g;
    ig_var *w = param(s, "conv1", IG_PARAM_CONV, 3, (int64_t[]){16, C, 3});
    ig_var *x = ig_relu(g, ig_conv1d(g, s->x, w, row(s, "bias1", 16), (ig_conv_opts){.pad_before = {1}, .pad_after = {1}}));
    x = ig_avg_pool1d(g, x, (ig_pool_opts){.kernel = {3}, .stride = {1}, .pad_before = {1}, .pad_after = {1}});
    return ig_concat(g, (ig_var *[]){ig_max_over_time(g, x, s->lengths), ig_max_over_time(g, x, NULL)}, 2, 1);
}

/* ---- the family ---- */

static ig_var *(*const networks[])(const scratch *s) = {maps,     pairs, reductions, attentions,
                                                        residual, pools, borders,    text_cnn};
static const char *const names[] = {"maps", "pairs", "reductions", "attentions", "residual", "pools", "borders", "text_cnn"};

static ig_var *scratch_hidden(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    scratch s = {.m = m, .g = p->g, .tokens = tokens, .lengths = lengths};
    (void)types;
    s.x = ig_embedding(p->g, param(&s, "table", IG_PARAM_OUT_IN, 2, (int64_t[]){40, C}), tokens);
    ig_var *first = ig_slice(p->g, s.x, 1, 0, 1);
    s.picture = ig_reshape(p->g, first, 4, (int64_t[]){ig_dim(first, 0), 6, 5, 4});
    return networks[(intptr_t)m->state](&s);
}

static int64_t vocab_size(const ig_model *m) {
    (void)m;
    return 40;
}

static const ig_family scratch_family = {
    .name = "scratch", .doc = "ops of a test", .hidden = scratch_hidden, .vocab_size = vocab_size};

int scratch_count(void) { return (int)(sizeof networks / sizeof *networks); }
const char *scratch_name(int i) { return names[i]; }

void scratch_init(ig_context *ctx, int i, ig_model *out) {
    ig_error err;
    *out = (ig_model){.ctx = ctx, .family = &scratch_family, .state = (void *)(intptr_t)i};
    ig_params_init(&out->params, ctx);
    check_ok(ig_json_parse("config.json", "{}", 2, &out->config, &err));
}

void scratch_fini(ig_model *m) {
    ig_params_fini(&m->params);
    ig_doc_free(m->config);
}
