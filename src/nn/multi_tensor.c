/* nn/multi_tensor.c: all parameters in one launch.
 *
 * A network has hundreds of parameters, most of them small, and one parallel loop per parameter would spend more time on
 * waking threads than on arithmetic.  Here the tensors lie end to end as chunks of fixed size, and the threads share the
 * chunks:
 *
 *     tuple     0: p g m v          1: p g m v       2: …
 *     chunks    | 0 | 1 | 2 | 3     | 4 |            | 5 | 6 …       first[] = {0, 4, 5, …}
 *
 * Where a tuple's chunks begin is counted anew in each run, into the op's scratch memory: nothing is allocated.
 */
#include "nn/multi_tensor.h"

#include <math.h>
#include <string.h>

#define CHUNK ((size_t)16384) /* elements: four f32 streams of one chunk fit the second cache */

typedef struct job {
    const ig_run *r;
    ig_multi_fn *fn;
    const void *args;
    const size_t *first; /* [tuples + 1] */
    size_t tuples;
} job;

static int fixed_inputs(const ig_node *n) { return n->op->nin_min; }
static size_t tuple_count(const ig_node *n) { return (size_t)(n->nin - fixed_inputs(n)) / (size_t)n->op->mutates_every; }

static ig_status check_tuple(ig_var *const *v, int every, ig_error *err) {
    char a[128], b[128];
    const ig_tensor *p = &v[0]->t;
    if (p->dtype != IG_DTYPE_F32 && p->dtype != IG_DTYPE_F64)
        return ig_error_set(err, IG_E_DTYPE, "takes f32 and f64, not %s", ig_dtype_name(p->dtype));
    for (int k = 0; k < every; k++) {
        const ig_tensor *t = &v[k]->t;
        if (t->dtype != p->dtype || !ig_tensor_same_shape(t, p))
            return ig_error_set(err, IG_E_SHAPE, "%s%s beside %s%s", ig_dtype_name(t->dtype),
                                ig_tensor_shape_text(t, a, sizeof a), ig_dtype_name(p->dtype),
                                ig_tensor_shape_text(p, b, sizeof b));
        if (!ig_tensor_is_contiguous(t))
            return ig_error_set(err, IG_E_SHAPE, "tensor %s is not contiguous", ig_tensor_shape_text(t, a, sizeof a));
    }
    return IG_OK;
}

ig_status ig_multi_shape(ig_node *n, ig_error *err) {
    int fixed = fixed_inputs(n), every = n->op->mutates_every;
    if ((n->nin - fixed) % every != 0)
        return ig_error_set(err, IG_E_ARG, "%d inputs do not make tuples of %d", n->nin - fixed, every);
    for (int i = fixed; i < n->nin; i += every) IG_TRY(check_tuple(n->in + i, every, err));
    return IG_OK;
}

size_t ig_multi_scratch(ig_context *ctx, const ig_node *n) {
    (void)ctx;
    return (tuple_count(n) + 1) * sizeof(size_t);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static const ig_tensor *const *tuple(const job *j, size_t i) {
    return j->r->in + fixed_inputs(j->r->node) + i * (size_t)j->r->node->op->mutates_every;
}

/* The tuple that chunk c belongs to: the last with first[i] <= c (empty ones before it have the same first). */
static size_t find_tuple(const job *j, size_t c) {
    size_t lo = 0, hi = j->tuples;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (j->first[mid] <= c) lo = mid;
        else hi = mid;
    }
    return lo;
}

static void run_chunk(const job *j, size_t i, size_t chunk) {
    const ig_tensor *const *t = tuple(j, i);
    size_t begin = chunk * CHUNK, n = (size_t)ig_tensor_numel(t[0]), size = ig_dtype_size(t[0]->dtype);
    void *at[IG_MULTI_MAX] = {0};
    for (int k = 0; k < j->r->node->op->mutates_every; k++) at[k] = (char *)t[k]->data + begin * size;
    j->fn(j->r->k, j->args, t[0]->dtype, at, n - begin < CHUNK ? n - begin : CHUNK);
}

static void run_range(void *arg, size_t begin, size_t end, int thread) {
    const job *j = arg;
    size_t i = find_tuple(j, begin);
    (void)thread;
    for (size_t c = begin; c < end; c++) {
        while (c >= j->first[i + 1]) i++;
        run_chunk(j, i, c - j->first[i]);
    }
}

ig_status ig_multi_run(const ig_run *r, ig_multi_fn *fn, const void *args) {
    size_t *first = r->scratch;
    job j = {.r = r, .fn = fn, .args = args, .first = first, .tuples = tuple_count(r->node)};
    first[0] = 0;
    for (size_t i = 0; i < j.tuples; i++)
        first[i + 1] = first[i] + ((size_t)ig_tensor_numel(tuple(&j, i)[0]) + CHUNK - 1) / CHUNK;
    ig_parallel_for(r->ctx, first[j.tuples], 1, run_range, &j);
    return IG_OK;
}

/* ---- accumulate, clear, moving average --------------------------------------------------------------------------- */

static void accumulate_piece(const ig_kernels *k, const void *args, ig_dtype dtype, void *const at[IG_MULTI_MAX], size_t n) {
    (void)args;
    if (dtype == IG_DTYPE_F32) {
        k->axpby(at[0], at[1], 1, 1, n);
        return;
    }
    double *y = at[0];
    const double *x = at[1];
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static ig_status accumulate_forward(const ig_run *r, ig_error *err) {
    (void)err;
    return ig_multi_run(r, accumulate_piece, NULL);
}

const ig_op ig_op_multi_accumulate = {
    .name = "multi_accumulate", .doc = "buffers += gradients", .nin_max = -1, .map = -1, .flags = IG_OP_EFFECT | IG_OP_NO_GRAD,
    .mutates = 1, .mutates_every = 2, .shape = ig_multi_shape, .scratch = ig_multi_scratch, .forward = accumulate_forward,
};

static void clear_piece(const ig_kernels *k, const void *args, ig_dtype dtype, void *const at[IG_MULTI_MAX], size_t n) {
    (void)k, (void)args;
    memset(at[0], 0, n * ig_dtype_size(dtype));
}

static ig_status clear_forward(const ig_run *r, ig_error *err) {
    (void)err;
    return ig_multi_run(r, clear_piece, NULL);
}

const ig_op ig_op_multi_clear = {
    .name = "multi_clear", .doc = "buffers = 0", .nin_max = -1, .map = -1, .flags = IG_OP_EFFECT | IG_OP_NO_GRAD,
    .mutates = 1, .mutates_every = 1, .shape = ig_multi_shape, .scratch = ig_multi_scratch, .forward = clear_forward,
};

static void ema_piece(const ig_kernels *k, const void *args, ig_dtype dtype, void *const at[IG_MULTI_MAX], size_t n) {
    double decay = *(const double *)args;
    if (dtype == IG_DTYPE_F32) {
        k->axpby(at[0], at[1], (float)(1 - decay), (float)decay, n);
        return;
    }
    double *y = at[0];
    const double *x = at[1];
    for (size_t i = 0; i < n; i++) y[i] = decay * y[i] + (1 - decay) * x[i];
}

static ig_status ema_shape(ig_node *n, ig_error *err) {
    const ig_tensor *decay = &n->in[0]->t;
    if (decay->dtype != IG_DTYPE_F64 || ig_tensor_numel(decay) != 1 || ig_tensor_numel(&n->in[1]->t) != 1)
        return ig_error_set(err, IG_E_SHAPE, "inputs 0 and 1 must be one number each, the first in f64");
    return ig_multi_shape(n, err);
}

static ig_status ema_forward(const ig_run *r, ig_error *err) {
    (void)err;
    if (!isfinite(ig_tensor_get(r->in[1], 0))) return IG_OK; /* as the update: a bad step leaves no trace */
    return ig_multi_run(r, ema_piece, r->in[0]->data);
}

const ig_op ig_op_multi_ema = {
    .name = "multi_ema", .doc = "averages = decay·averages + (1-decay)·weights", .nin_min = 2, .nin_max = -1, .map = -1,
    .flags = IG_OP_EFFECT | IG_OP_NO_GRAD, .mutates = 1, .mutates_every = 2, .shape = ema_shape, .scratch = ig_multi_scratch,
    .forward = ema_forward,
};
