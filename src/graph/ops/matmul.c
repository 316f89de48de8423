/* graph/ops/matmul.c: matrix products, and the fully connected layer.
 *
 * Transposed views go to the kernel as they are: it takes strides.  Leading dimensions that A and C walk in one stride and
 * B does not have are joined into the rows, so that [B,T,K]·[K,N] is one product of B·T rows.
 *
 *     dA = dC·Bᵀ     dB = Aᵀ·dC     (summed over what was broadcast; for a plain B, one product over all rows)
 */
#include "graph/graph.h"
#include "tensor/gemm.h"

#include <string.h>

/* ---- shape -------------------------------------------------------------------------------------------------------------- */

/* Leading dims of a and b, broadcast, followed by M and N. */
static ig_status product_shape(const ig_tensor *a, const ig_tensor *b, int *ndim, int64_t *shape, ig_error *err) {
    char ta[128], tb[128];
    if (a->ndim < 2 || b->ndim < 2)
        return ig_error_set(err, IG_E_SHAPE, "a product needs matrices, got %s and %s", ig_tensor_shape_text(a, ta, sizeof ta),
                            ig_tensor_shape_text(b, tb, sizeof tb));
    if (a->shape[a->ndim - 1] != b->shape[b->ndim - 2])
        return ig_error_set(err, IG_E_SHAPE, "%s times %s: the inner sizes differ", ig_tensor_shape_text(a, ta, sizeof ta),
                            ig_tensor_shape_text(b, tb, sizeof tb));
    ig_tensor la = *a, lb = *b;
    la.ndim -= 2, lb.ndim -= 2;
    IG_TRY(ig_broadcast_shape(&la, &lb, ndim, shape, err));
    shape[(*ndim)++] = a->shape[a->ndim - 2];
    shape[(*ndim)++] = b->shape[b->ndim - 1];
    return IG_OK;
}

static ig_status product_type(const ig_tensor *a, const ig_tensor *b, ig_dtype *out, ig_error *err) {
    bool known = a->dtype == IG_DTYPE_F32 || a->dtype == IG_DTYPE_F64 || a->dtype == IG_DTYPE_BF16;
    if (a->dtype != b->dtype || !known)
        return ig_error_set(err, IG_E_DTYPE, "a product of %s and %s; both must be f32, f64 or bf16", ig_dtype_name(a->dtype), ig_dtype_name(b->dtype));
    *out = a->dtype == IG_DTYPE_F64 ? IG_DTYPE_F64 : IG_DTYPE_F32;
    return IG_OK;
}

static ig_status matmul_shape(ig_node *n, ig_error *err) {
    int64_t shape[IG_DIMS_MAX + 2];
    int ndim = 0;
    ig_dtype type = IG_DTYPE_F32;
    IG_TRY(product_type(&n->in[0]->t, &n->in[1]->t, &type, err));
    IG_TRY(product_shape(&n->in[0]->t, &n->in[1]->t, &ndim, shape, err));
    if (n->nin == 3) {
        const ig_tensor *bias = &n->in[2]->t;
        if (bias->ndim != 1 || bias->shape[0] != shape[ndim - 1] || bias->dtype != type || !ig_tensor_is_contiguous(bias))
            return ig_error_set(err, IG_E_SHAPE, "the bias must be a contiguous %s [%lld]", ig_dtype_name(type), (long long)shape[ndim - 1]);
    }
    return ig_out_set(n, 0, type, ndim, shape, err);
}

/* ---- describing the product to the kernels ------------------------------------------------------------------------------------ */

static void batch_strides(const ig_tensor *t, int batch_ndim, const int64_t *batch, int64_t *stride) {
    for (int i = 0; i < batch_ndim; i++) {
        int j = i - (batch_ndim - (t->ndim - 2));
        stride[i] = j < 0 || (t->shape[j] == 1 && batch[i] != 1) ? 0 : t->stride[j];
    }
}

/* A stride of a dimension of size 1 is never walked: give it the value that the libraries accept. */
static void matrix_strides(const ig_tensor *t, int64_t *row, int64_t *col) {
    int64_t rows = t->shape[t->ndim - 2], cols = t->shape[t->ndim - 1];
    *row = t->stride[t->ndim - 2], *col = t->stride[t->ndim - 1];
    if (cols == 1 && rows == 1) *row = *col = 1;
    else if (cols == 1) *col = *row == 1 ? rows : 1;
    else if (rows == 1) *row = *col == 1 ? cols : 1;
}

/* Join the last leading dim into the rows while B does not have it. */
static void join_rows(ig_gemm_desc *d) {
    while (d->batch_ndim) {
        int i = d->batch_ndim - 1;
        if (d->batch[i] != 1) {
            bool plain_b = d->b_batch[i] == 0;
            bool joins = d->a_batch[i] == d->a_row * d->m && d->c_batch[i] == d->c_row * d->m;
            if (d->m == 1 && plain_b) d->a_row = d->a_batch[i], d->c_row = d->c_batch[i], joins = true;
            if (!plain_b || !joins || d->a_row == 0) return;
            d->m *= d->batch[i];
        }
        d->batch[i] = d->a_batch[i] = d->b_batch[i] = d->c_batch[i] = 0;
        d->batch_ndim--;
    }
}

static void describe(ig_gemm_desc *d, const ig_tensor *a, const ig_tensor *b, const ig_tensor *c, bool bias) {
    memset(d, 0, sizeof *d); /* the padding too: descriptions are compared by their bytes */
    d->in = a->dtype, d->out = c->dtype, d->bias = bias;
    d->batch_ndim = c->ndim - 2;
    for (int i = 0; i < d->batch_ndim; i++) d->batch[i] = c->shape[i];
    batch_strides(a, d->batch_ndim, d->batch, d->a_batch);
    batch_strides(b, d->batch_ndim, d->batch, d->b_batch);
    batch_strides(c, d->batch_ndim, d->batch, d->c_batch);
    d->m = c->shape[c->ndim - 2], d->n = c->shape[c->ndim - 1], d->k = a->shape[a->ndim - 1];
    matrix_strides(a, &d->a_row, &d->a_col);
    matrix_strides(b, &d->b_row, &d->b_col);
    d->c_row = c->ndim >= 2 && d->n > 0 ? d->n : 1;
    join_rows(d);
}

static ig_status matmul_prepare(ig_context *ctx, ig_node *n, ig_error *err) {
    ig_gemm_desc d;
    ig_gemm *g = NULL;
    describe(&d, &n->in[0]->t, &n->in[1]->t, &n->out[0].t, n->nin == 3);
    IG_TRY(ig_gemm_get(ctx, &d, true, &g, err));
    n->prepared = g;
    return IG_OK;
}

static void matmul_release(ig_node *n) {
    ig_gemm_unpin(n->prepared);
    n->prepared = NULL;
}

static ig_status matmul_forward(const ig_run *r, ig_error *err) {
    const ig_tensor *a = r->in[0], *b = r->in[1], *c = r->out[0];
    bool bias = r->node->nin == 3;
    ig_gemm *g = r->node->prepared;
    if (ig_tensor_numel(c) == 0) return IG_OK;
    if (!g) {
        ig_gemm_desc d;
        describe(&d, a, b, c, bias);
        IG_TRY(ig_gemm_get(r->ctx, &d, false, &g, err));
    }
    return ig_gemm_run(g, c->data, a->data, b->data, bias ? r->in[2]->data : NULL, err);
}

static double matmul_flops(const ig_node *n) {
    const ig_tensor *a = &n->in[0]->t;
    return 2.0 * (double)ig_tensor_numel(&n->out[0].t) * (double)a->shape[a->ndim - 1];
}

/* ---- gradient ------------------------------------------------------------------------------------------------------------------- */

static ig_var *transposed(ig_graph *g, ig_var *x) { return ig_transpose(g, x, -2, -1); }

static ig_var *as_matrix(ig_graph *g, ig_var *x) {
    int64_t shape[] = {-1, ig_dim(x, -1)};
    if (ig_dim(x, -1) == 0) shape[0] = ig_tensor_numel(&x->t);
    return ig_ndim(x) == 2 ? x : ig_reshape(g, x, 2, shape);
}

static ig_var *shaped_like(ig_graph *g, ig_var *gradient, const ig_var *x) {
    if (ig_graph_poisoned(g) || ig_tensor_same_shape(&gradient->t, &x->t)) return gradient;
    return ig_sum_to(g, gradient, x->t.ndim, x->t.shape);
}

/* Aᵀ·dC, made in the layout that b has in memory: the gradient of weights that are stored [N,K] needs no copy on its way back. */
static ig_var *weight_gradient(ig_graph *g, ig_var *a, ig_var *dc, const ig_var *b) {
    bool turned = b->t.stride[0] == 1 && b->t.stride[1] != 1;
    return turned ? transposed(g, ig_matmul(g, transposed(g, dc), a)) : ig_matmul(g, transposed(g, a), dc);
}

static void matmul_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *a = n->in[0], *b = n->in[1], *dy = d[0];
    ig_var *dc = ig_cast(g, dy, a->t.dtype); /* bf16 products take bf16 gradients */
    bool plain_b = b->t.ndim == 2 && ig_tensor_numel(&a->t) > 0;
    if (a->requires_grad) dx[0] = shaped_like(g, ig_matmul(g, dc, transposed(g, b)), a);
    if (b->requires_grad && plain_b) dx[1] = weight_gradient(g, as_matrix(g, a), as_matrix(g, dc), b);
    else if (b->requires_grad) dx[1] = shaped_like(g, ig_matmul(g, transposed(g, a), dc), b);
    if (n->nin == 3 && n->in[2]->requires_grad) dx[2] = ig_sum_to(g, dy, 1, n->in[2]->t.shape);
}

const ig_op ig_op_matmul = {
    .name = "matmul", .doc = "A·B over the last two dims; leading dims broadcast", .nin_min = 2, .nin_max = 2, .nout = 1, .map = -1,
    .shape = matmul_shape, .forward = matmul_forward, .backward = matmul_back, .prepare = matmul_prepare, .release = matmul_release,
    .flops = matmul_flops,
};

const ig_op ig_op_linear = {
    .name = "linear", .doc = "A·B + bias, in one pass", .nin_min = 3, .nin_max = 3, .nout = 1, .map = -1,
    .shape = matmul_shape, .forward = matmul_forward, .backward = matmul_back, .prepare = matmul_prepare, .release = matmul_release,
    .flops = matmul_flops,
};

/* A dim must be walked in unit steps; anything else is copied first. */
static ig_var *usable(ig_graph *g, ig_var *x) {
    if (ig_graph_poisoned(g) || x->t.ndim < 2) return x;
    int64_t row, col, rows = ig_dim(x, -2), cols = ig_dim(x, -1);
    matrix_strides(&x->t, &row, &col);
    bool fits = (col == 1 && row >= cols) || (row == 1 && col >= rows);
    return fits ? x : ig_contiguous(g, x);
}

ig_var *ig_matmul(ig_graph *g, ig_var *a, ig_var *b) {
    ig_var *in[] = {usable(g, a), usable(g, b)};
    return ig_record(g, &ig_op_matmul, in, 2, NULL);
}

ig_var *ig_linear(ig_graph *g, ig_var *a, ig_var *b, ig_var *bias) {
    ig_var *in[] = {usable(g, a), usable(g, b), bias};
    return bias ? ig_record(g, &ig_op_linear, in, 3, NULL) : ig_record(g, &ig_op_matmul, in, 2, NULL);
}
