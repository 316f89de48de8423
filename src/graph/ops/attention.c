/* graph/ops/attention.c: scaled dot-product attention.   (Vaswani et al. 2017; blockwise as Dao et al. 2022)
 *
 *     q  [B,H,T,D]   k, v [B,G,S,D], H a multiple of G: query head h reads key head h·G/H
 *     y  [B,H,T,D], in memory [B,T,H,D], so that joining the heads is a view
 *     lse [B,H,T]    all that the gradient needs of the T×S scores
 *     length         i64 [1] or [B]: the valid keys of all sequences, or of each; keys behind them are not read
 *
 * The kernel takes one head.  Heads are independent forwards; backwards the query heads of one key head follow each other
 * on one thread, because they add into the same dk and dv.  With fewer heads than threads the rows are cut too.
 */
#include "graph/ops/ops.h"

#include <math.h>
#include <string.h>

#define ROWS_BLOCK 192 /* rows of a cut head: a multiple of the kernel's own block, so that cutting changes no bit */

/* ---- shape --------------------------------------------------------------------------------------------------------------- */

static bool rows_of_d(const ig_tensor *t) { return t->shape[3] <= 1 || t->stride[3] == 1; }

static ig_status need_heads(const ig_node *n, int k, ig_dtype dtype, ig_error *err) {
    const ig_tensor *t = &n->in[k]->t;
    IG_TRY(ig_need_real(n, k, false, err));
    if (t->dtype != dtype) return ig_error_set(err, IG_E_DTYPE, "input %d is %s, the queries are %s", k, ig_dtype_name(t->dtype), ig_dtype_name(dtype));
    if (t->ndim != 4) return ig_error_set(err, IG_E_SHAPE, "input %d has %d dimensions; [batch,heads,time,size] is needed", k, t->ndim);
    return rows_of_d(t) ? IG_OK : ig_error_set(err, IG_E_SHAPE, "the head size of input %d is not contiguous", k);
}

/* One for all sequences, or one for each. */
static ig_status need_length(const ig_node *n, int64_t B, ig_error *err) {
    const ig_tensor *t = &n->in[n->nin - 1]->t;
    int64_t size = t->ndim == 1 && t->shape[0] == 1 ? 1 : B;
    return ig_need_shape(n, n->nin - 1, IG_DTYPE_I64, 1, &size, err);
}

/* q, k, v are inputs `first` … first+2; the length, when there is one, is the last input. */
static ig_status check_inputs(const ig_node *n, int first, bool has_length, ig_error *err) {
    const ig_tensor *q = &n->in[first]->t, *k = &n->in[first + 1]->t;
    char a[128], b[128];
    for (int i = first; i < first + 3; i++) IG_TRY(need_heads(n, i, q->dtype, err));
    IG_TRY(ig_need_shape(n, first + 2, q->dtype, 4, k->shape, err));
    int64_t G = k->shape[1];
    if (q->shape[0] != k->shape[0] || q->shape[3] != k->shape[3] || G < 1 || q->shape[1] % G)
        return ig_error_set(err, IG_E_SHAPE, "queries %s with keys %s: batch and head size must agree, and the query heads be a multiple of the key heads",
                            ig_tensor_shape_text(q, a, sizeof a), ig_tensor_shape_text(k, b, sizeof b));
    if (has_length) IG_TRY(need_length(n, q->shape[0], err));
    int64_t least = n->attrs.i[0] ? q->shape[2] : q->shape[2] > 0;
    if (k->shape[2] < least)
        return ig_error_set(err, IG_E_SHAPE, "%lld queries see only %lld keys", (long long)q->shape[2], (long long)k->shape[2]);
    return IG_OK;
}

/* Output k: shape [B,H,T,D], in memory [B,T,H,D]. */
static ig_status out_heads(ig_node *n, int k, const ig_tensor *like, ig_error *err) {
    ig_tensor *t = &n->out[k].t;
    IG_TRY(ig_out_set(n, k, like->dtype, 4, like->shape, err));
    int64_t H = t->shape[1] > 0 ? t->shape[1] : 1, D = t->shape[3] > 0 ? t->shape[3] : 1;
    t->stride[1] = D, t->stride[2] = H * D;
    return IG_OK;
}

static ig_status attention_shape(ig_node *n, ig_error *err) {
    const ig_tensor *q = &n->in[0]->t;
    IG_TRY(check_inputs(n, 0, n->nin == 4, err));
    IG_TRY(out_heads(n, 0, q, err));
    return ig_out_set(n, 1, q->dtype, 3, q->shape, err);
}

static ig_status attention_grad_shape(ig_node *n, ig_error *err) {
    const ig_tensor *q = &n->in[1]->t;
    IG_TRY(check_inputs(n, 1, n->nin == 7, err));
    for (int k = 0; k <= 4; k += 4) { /* dy and y */
        IG_TRY(ig_need_shape(n, k, q->dtype, 4, q->shape, err));
        IG_TRY(need_heads(n, k, q->dtype, err));
    }
    IG_TRY(ig_need_real(n, 5, true, err));
    IG_TRY(ig_need_shape(n, 5, q->dtype, 3, q->shape, err));
    for (int k = 0; k < 3; k++) IG_TRY(out_heads(n, k, &n->in[1 + k]->t, err));
    return IG_OK;
}

/* ---- running ----------------------------------------------------------------------------------------------------------------- */

typedef struct attention_job {
    const ig_run *r;
    const ig_tensor *q, *k, *v, *y, *lse, *dy; /* dy NULL: forward */
    const ig_tensor *length;                   /* i64 [1] or [B]; NULL: all keys are valid */
    ig_attention_args args;
    int64_t B, H, G, blocks;                   /* blocks of rows per head */
    size_t scratch;                            /* bytes per thread */
} attention_job;

static ig_attention_args args_of(const ig_node *n, const ig_tensor *q, const ig_tensor *k, const ig_tensor *v, const ig_tensor *y) {
    double scale = n->attrs.f[0] != 0 ? n->attrs.f[0] : 1 / sqrt((double)(q->shape[3] > 0 ? q->shape[3] : 1));
    return (ig_attention_args){.T = q->shape[2], .S = k->shape[2], .D = q->shape[3], .q_row = q->stride[2], .k_row = k->stride[2], .v_row = v->stride[2],
                               .o_row = y->stride[2], .scale = (float)scale, .causal = n->attrs.i[0] != 0, .offset = k->shape[2] - q->shape[2]};
}

static size_t scratch_per_thread(ig_context *ctx, const ig_attention_args *a, bool wide) {
    const ig_kernels *k = ig_kernels_of(ctx);
    return ig_round64(wide ? k->attention_scratch_f64(a) * sizeof(double) : k->attention_scratch(a) * sizeof(float));
}

static int64_t valid_keys(const attention_job *j, int64_t b) {
    if (!j->length) return j->args.S;
    return ((const int64_t *)j->length->data)[j->length->shape[0] == 1 ? 0 : b * j->length->stride[0]];
}

/* How many of the keys are valid is read anew at each run. */
static ig_status check_lengths(const attention_job *j, ig_error *err) {
    int64_t least = j->args.causal ? j->args.T : j->args.T > 0;
    for (int64_t b = 0; b < j->length->shape[0]; b++) {
        int64_t valid = valid_keys(j, b);
        if (valid < least || valid > j->args.S)
            return ig_error_set(err, IG_E_ARG, "length %lld: %lld queries over %lld keys need %lld … %lld", (long long)valid, (long long)j->args.T,
                                (long long)j->args.S, (long long)least, (long long)j->args.S);
    }
    return IG_OK;
}

/* The arguments of the heads of batch b. */
static ig_attention_args args_in(const attention_job *j, int64_t b) {
    ig_attention_args a = j->args;
    a.S = valid_keys(j, b);
    a.offset = a.S - a.T;
    return a;
}

static ig_status job_of(const ig_run *r, int first, bool has_length, attention_job *j, ig_error *err) {
    *j = (attention_job){.r = r, .q = r->in[first], .k = r->in[first + 1], .v = r->in[first + 2]};
    j->y = first ? r->in[4] : r->out[0];
    j->lse = first ? r->in[5] : r->out[1];
    j->dy = first ? r->in[0] : NULL;
    j->B = j->q->shape[0], j->H = j->q->shape[1], j->G = j->k->shape[1], j->blocks = 1;
    j->args = args_of(r->node, j->q, j->k, j->v, j->y);
    j->scratch = scratch_per_thread(r->ctx, &j->args, ig_is_f64(j->q));
    j->length = has_length ? r->in[r->node->nin - 1] : NULL;
    return has_length ? check_lengths(j, err) : IG_OK;
}

/* Row `row` of head h in batch b. */
static void *at(const ig_tensor *t, int64_t b, int64_t h, int64_t row) {
    int64_t offset = b * t->stride[0] + h * t->stride[1] + row * t->stride[2];
    return (char *)t->data + offset * (int64_t)ig_dtype_size(t->dtype);
}

static void *scratch_of(const attention_job *j, int thread) { return (char *)j->r->scratch + (size_t)thread * j->scratch; }

static void forward_head(const attention_job *j, int64_t b, int64_t h, int64_t block, void *scratch) {
    ig_attention_args a = args_in(j, b);
    int64_t g = h / (j->H / j->G), row = block * ROWS_BLOCK;
    if (j->blocks > 1) {
        a.T = a.T - row < ROWS_BLOCK ? a.T - row : ROWS_BLOCK;
        a.offset += row;
    }
    void *y = at(j->y, b, h, row), *lse = at(j->lse, b, h, row);
    const void *q = at(j->q, b, h, row), *k = at(j->k, b, g, 0), *v = at(j->v, b, g, 0);
    if (ig_is_f64(j->q)) j->r->k->attention_forward_f64(y, lse, q, k, v, &a, scratch);
    else j->r->k->attention_forward(y, lse, q, k, v, &a, scratch);
}

static void forward_range(void *arg, size_t begin, size_t end, int thread) {
    const attention_job *j = arg;
    for (int64_t i = (int64_t)begin; i < (int64_t)end; i++) {
        int64_t head = i / j->blocks;
        forward_head(j, head / j->H, head % j->H, i % j->blocks, scratch_of(j, thread));
    }
}

static ig_status attention_forward(const ig_run *r, ig_error *err) {
    attention_job j;
    IG_TRY(job_of(r, 0, r->node->nin == 4, &j, err));
    if (ig_tensor_numel(j.y) == 0) return IG_OK;
    if (j.B * j.H < ig_context_threads(r->ctx)) j.blocks = (j.args.T + ROWS_BLOCK - 1) / ROWS_BLOCK;
    ig_parallel_for(r->ctx, (size_t)(j.B * j.H * j.blocks), ig_grain((size_t)(j.args.T * j.args.S * j.args.D)), forward_range, &j);
    return IG_OK;
}

/* ---- gradient ------------------------------------------------------------------------------------------------------------------ */

static void clear_rows(const ig_tensor *t, int64_t b, int64_t g) {
    for (int64_t s = 0; s < t->shape[2]; s++) memset(at(t, b, g, s), 0, (size_t)t->shape[3] * ig_dtype_size(t->dtype));
}

static void backward_head(const attention_job *j, int64_t b, int64_t h, int64_t g, void *scratch) {
    const ig_tensor *dq = j->r->out[0], *dk = j->r->out[1], *dv = j->r->out[2];
    ig_attention_args a = args_in(j, b);
    void *dq0 = at(dq, b, h, 0), *dk0 = at(dk, b, g, 0), *dv0 = at(dv, b, g, 0);
    const void *dy = at(j->dy, b, h, 0), *y = at(j->y, b, h, 0), *lse = at(j->lse, b, h, 0);
    const void *q = at(j->q, b, h, 0), *k = at(j->k, b, g, 0), *v = at(j->v, b, g, 0);
    if (ig_is_f64(j->q))
        j->r->k->attention_backward_f64(dq0, dk0, dv0, dy, y, lse, q, k, v, &a, dq->stride[2], dk->stride[2], dv->stride[2], j->dy->stride[2], scratch);
    else
        j->r->k->attention_backward(dq0, dk0, dv0, dy, y, lse, q, k, v, &a, dq->stride[2], dk->stride[2], dv->stride[2], j->dy->stride[2], scratch);
}

static void backward_range(void *arg, size_t begin, size_t end, int thread) {
    const attention_job *j = arg;
    int64_t group = j->H / j->G;
    for (int64_t i = (int64_t)begin; i < (int64_t)end; i++) {
        int64_t b = i / j->G, g = i % j->G;
        clear_rows(j->r->out[1], b, g);
        clear_rows(j->r->out[2], b, g);
        for (int64_t h = g * group; h < (g + 1) * group && j->args.T > 0; h++) backward_head(j, b, h, g, scratch_of(j, thread));
    }
}

static ig_status attention_grad_forward(const ig_run *r, ig_error *err) {
    attention_job j;
    IG_TRY(job_of(r, 1, r->node->nin == 7, &j, err));
    if (j.args.D == 0) return IG_OK;
    ig_parallel_for(r->ctx, (size_t)(j.B * j.G), ig_grain((size_t)(j.args.T * j.args.S * j.args.D)), backward_range, &j);
    return IG_OK;
}

/* ---- rows of the table ------------------------------------------------------------------------------------------------------------ */

static size_t attention_scratch(ig_context *ctx, const ig_node *n) {
    int first = n->op->nout == 3 ? 1 : 0;
    const ig_tensor *q = &n->in[first]->t;
    ig_attention_args a = args_of(n, q, &n->in[first + 1]->t, &n->in[first + 2]->t, first ? &n->in[4]->t : &n->out[0].t);
    return scratch_per_thread(ctx, &a, ig_is_f64(q)) * (size_t)ig_context_threads(ctx);
}

/* Two products forwards, five backwards; half of it under a causal mask of a square. */
static double products(const ig_node *n, int first, double count) {
    const ig_tensor *q = &n->in[first]->t;
    double T = (double)q->shape[2], S = (double)ig_dim(n->in[first + 1], 2), pairs = n->attrs.i[0] ? T * (S - (T - 1) / 2) : T * S;
    return count * 2 * (double)(q->shape[0] * q->shape[1]) * pairs * (double)q->shape[3];
}

static double attention_flops(const ig_node *n) { return products(n, 0, 2); }
static double attention_grad_flops(const ig_node *n) { return products(n, 1, 5); }

const ig_op ig_op_attention_grad = {
    .name = "attention_grad", .doc = "inputs dy, q, k, v, y, lse, and length; outputs dq, dk, dv, in memory [B,T,H,D]", .nin_min = 6, .nin_max = 7,
    .nout = 3, .map = -1, .flags = IG_OP_NO_GRAD, .shape = attention_grad_shape, .forward = attention_grad_forward, .scratch = attention_scratch,
    .flops = attention_grad_flops, .attr_names = "causal;scale",
};

static ig_var *with_rows(ig_graph *g, ig_var *x) {
    if (ig_graph_poisoned(g) || x->t.ndim != 4 || rows_of_d(&x->t)) return x;
    return ig_contiguous(g, x);
}

static void attention_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    if (!d[0]) return;
    ig_var *in[] = {with_rows(g, d[0]), n->in[0], n->in[1], n->in[2], &n->out[0], &n->out[1], n->nin == 4 ? n->in[3] : NULL};
    ig_var *dq = ig_record(g, &ig_op_attention_grad, in, n->nin == 4 ? 7 : 6, &n->attrs);
    for (int k = 0; k < 3 && !ig_graph_poisoned(g); k++) dx[k] = &dq->node->out[k];
}

const ig_op ig_op_attention = {
    .name = "attention",
    .doc = "softmax(q·kᵀ·scale + mask)·v per head, the first `length` keys (i64 [1], or [B]: of each sequence); outputs y, in memory [B,T,H,D], and lse   (Vaswani et al. 2017)",
    .nin_min = 3, .nin_max = 4, .nout = 2, .map = -1, .shape = attention_shape, .forward = attention_forward, .backward = attention_back,
    .scratch = attention_scratch, .flops = attention_flops, .attr_names = "causal;scale",
};

ig_var *ig_attention(ig_graph *g, ig_var *q, ig_var *k, ig_var *v, ig_attention_opts opts) {
    ig_attrs a = {.i = {opts.causal}, .f = {opts.scale}};
    ig_var *in[] = {with_rows(g, q), with_rows(g, k), with_rows(g, v), opts.length};
    return ig_record(g, &ig_op_attention, in, opts.length ? 4 : 3, &a);
}
