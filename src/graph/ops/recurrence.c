/* graph/ops/recurrence.c: packing the recurrent weights, a step over all blocks of units, and the parts of the recording that
 * LSTM and GRU have in common.
 *
 * Forwards a block is 16 units: a strip of columns for each gate.  Backwards it is 32 columns of the gradient of the state (16
 * for networks of up to 16 units).  Packing costs one pass over the weights; T steps read them.
 */
#include "graph/ops/recurrence.h"

#include <string.h>

#define STRIP 16 /* columns: see tensor/kernels/recurrent.c */

/* ---- a sweep ------------------------------------------------------------------------------------------------------------ */

static void block_sizes(ig_recurrence *s, const ig_tensor *w, bool back) {
    s->H = w->shape[1], s->G = w->shape[0] / s->H, s->back = back;
    s->depth = back ? s->G * s->H : s->H;
    s->strips = !back ? s->G : s->H > STRIP ? 2 : 1;
    s->blocks = (s->H + s->strips * STRIP - 1) / (s->strips * STRIP);
    if (!back) s->blocks = (s->H + STRIP - 1) / STRIP;
}

static size_t block_bytes(const ig_recurrence *s, int64_t rows, ig_dtype type) {
    return ig_round64((size_t)(rows * s->strips * STRIP) * ig_dtype_size(type));
}

size_t ig_recurrence_scratch(ig_context *ctx, const ig_tensor *w, int64_t B, bool back) {
    ig_recurrence s;
    block_sizes(&s, w, back);
    return block_bytes(&s, 1, w->dtype) + (size_t)s.blocks * block_bytes(&s, s.depth, w->dtype) +
           (size_t)ig_context_threads(ctx) * block_bytes(&s, B, w->dtype);
}

/* Units of a block: those that its columns stand for. */
static int64_t block_units(const ig_recurrence *s) { return s->back ? s->strips * STRIP : STRIP; }

static void pack_strip(const ig_recurrence *s, char *block, int64_t strip, int64_t u) {
    const ig_kernels *k = s->r->k;
    int64_t first = strip / 2 * 2, size = (int64_t)ig_dtype_size(s->w->dtype), H = s->H;
    size_t width = s->strips - first > 1 ? 2 * STRIP : STRIP;
    int64_t at = first * STRIP * s->depth + (strip - first) * STRIP;
    int64_t unit = s->back ? u + strip * STRIP : u, left = H - unit;
    size_t n = left <= 0 ? 0 : left < STRIP ? (size_t)left : STRIP;
    const char *w = (const char *)s->w->data + (n == 0 ? 0 : s->back ? unit : (strip * H + unit) * H) * size;
    size_t row = s->back ? (size_t)H : 1, col = s->back ? 1 : (size_t)H;
    if (ig_is_f64(s->w))
        k->strip_pack_f64((double *)(void *)(block + at * size), width, (const double *)(const void *)w, row, col,
                          (size_t)s->depth, n);
    else
        k->strip_pack((float *)(void *)(block + at * size), width, (const float *)(const void *)w, row, col, (size_t)s->depth,
                      n);
}

static void pack_range(void *arg, size_t begin, size_t end, int thread) {
    const ig_recurrence *s = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        for (int64_t strip = 0; strip < s->strips; strip++)
            pack_strip(s, s->packed + i * block_bytes(s, s->depth, s->w->dtype), strip, (int64_t)i * block_units(s));
}

static ig_status read_lengths(ig_recurrence *s, const ig_tensor *lengths, ig_error *err) {
    s->lengths = lengths->data;
    for (int64_t b = 0; b < s->B; b++)
        if (s->lengths[b] < 0 || s->lengths[b] > s->T)
            return ig_error_set(err, IG_E_ARG, "length %lld of sequence %lld is not in [0, %lld]", (long long)s->lengths[b],
                                (long long)b, (long long)s->T);
    return IG_OK;
}

ig_status ig_recurrence_start(ig_recurrence *s, const ig_run *r, const ig_tensor *x, const ig_tensor *w,
                              const ig_tensor *lengths, bool reverse, bool back, ig_error *err) {
    *s = (ig_recurrence){.r = r, .w = w, .reverse = reverse, .T = x->shape[0], .B = x->shape[1]};
    block_sizes(s, w, back);
    if (lengths) IG_TRY(read_lengths(s, lengths, err));
    s->zeros = r->scratch;
    s->packed = (char *)r->scratch + block_bytes(s, 1, w->dtype);
    s->sums = s->packed + (size_t)s->blocks * block_bytes(s, s->depth, w->dtype);
    memset(s->zeros, 0, block_bytes(s, 1, w->dtype));
    if (s->T > 0 && s->B > 0)
        ig_parallel_for(r->ctx, (size_t)s->blocks, ig_grain((size_t)(s->depth * s->strips * STRIP)), pack_range, s);
    return IG_OK;
}

static void block_sums(const ig_recurrence *s, size_t block, void *sums) {
    const void *packed = s->packed + block * block_bytes(s, s->depth, s->w->dtype);
    size_t rows = (size_t)s->B, depth = (size_t)s->depth, strips = (size_t)s->strips;
    if (!s->state) memset(sums, 0, block_bytes(s, s->B, s->w->dtype));
    else if (ig_is_f64(s->w)) s->r->k->strips_product_f64(sums, s->state, depth, packed, rows, depth, strips);
    else s->r->k->strips_product(sums, s->state, depth, packed, rows, depth, strips);
}

static void step_range(void *arg, size_t begin, size_t end, int thread) {
    const ig_recurrence *s = arg;
    int64_t size = (int64_t)ig_dtype_size(s->w->dtype), units = block_units(s);
    char *sums = s->sums + (size_t)thread * block_bytes(s, s->B, s->w->dtype);
    for (size_t i = begin; i < end; i++) {
        int64_t u = (int64_t)i * units, n = s->H - u < units ? s->H - u : units;
        block_sums(s, i, sums);
        for (int64_t b = 0; b < s->B; b++) s->row(s, b, u, (size_t)n, sums + b * s->strips * STRIP * size);
    }
}

void ig_recurrence_step(ig_recurrence *s, int64_t t, const void *state, ig_recurrence_row_fn *row) {
    s->t = t, s->state = state, s->row = row;
    ig_parallel_for(s->r->ctx, (size_t)s->blocks, ig_grain((size_t)((s->B + 1) * s->strips * STRIP * (s->depth + 32))),
                    step_range, s);
}

/* ---- recording ---------------------------------------------------------------------------------------------------------- */

/* Step t counts where t < length: [T,1,1] of 1, 2 … T against [1,B,1]. */
ig_var *ig_recurrence_mask(ig_graph *g, ig_var *h, ig_var *lengths) {
    if (!lengths || ig_graph_poisoned(g)) return h;
    ig_dtype type = ig_var_dtype(h);
    int64_t steps[3] = {ig_dim(h, 0), 1, 1}, rows[3] = {1, ig_dim(h, 1), 1};
    ig_var *count = ig_cumsum(g, ig_full(g, type, 3, steps, 1), 0, false);
    ig_var *live = ig_le(g, count, ig_cast(g, ig_reshape(g, lengths, 3, rows), type));
    return ig_select(g, live, h, ig_full(g, type, 0, NULL, 0));
}

ig_var *ig_recurrence_slot(ig_graph *g, ig_var *states, int64_t slot) {
    int64_t shape[2] = {ig_dim(states, 1), ig_dim(states, 2)};
    return ig_reshape(g, ig_slice(g, states, 0, slot, slot + 1), 2, shape);
}

ig_var *ig_recurrence_rows(ig_graph *g, ig_var *states, int64_t first, int64_t T) {
    int64_t shape[2] = {T * ig_dim(states, 1), ig_dim(states, 2)};
    return ig_reshape(g, ig_slice(g, states, 0, first, first + T), 2, shape);
}

/* ---- shape rules -------------------------------------------------------------------------------------------------------- */

ig_status ig_recurrence_need(const ig_node *n, int k, int ndim, const int64_t *shape, ig_error *err) {
    IG_TRY(ig_need_real(n, k, true, err));
    return ig_need_shape(n, k, n->in[0]->t.dtype, ndim, shape, err);
}

ig_status ig_recurrence_shape(const ig_node *n, int x, int w, int64_t G, int64_t *T, int64_t *B, int64_t *H, ig_error *err) {
    const ig_tensor *steps = &n->in[x]->t, *weights = &n->in[w]->t;
    char a[128], b[128];
    IG_TRY(ig_need_real(n, x, true, err));
    if (steps->ndim != 3 || weights->ndim != 2 || weights->shape[1] < 1 || weights->shape[0] / weights->shape[1] != G ||
        weights->shape[0] % weights->shape[1])
        return ig_error_set(err, IG_E_SHAPE, "%s over %s: [T,B,gates] and recurrent weights [%lld·H,H] are needed",
                            ig_tensor_shape_text(steps, a, sizeof a), ig_tensor_shape_text(weights, b, sizeof b), (long long)G);
    *T = steps->shape[0], *B = steps->shape[1], *H = weights->shape[1];
    return ig_recurrence_need(n, w, 2, weights->shape, err);
}

ig_status ig_recurrence_flags(const ig_node *n, int count, int inputs, ig_error *err) {
    for (int i = 0; i < count; i++) {
        if (n->attrs.i[i] != 0 && n->attrs.i[i] != 1)
            return ig_error_set(err, IG_E_ARG, "constant %d is %lld; 0 or 1 is needed", i, (long long)n->attrs.i[i]);
        inputs += i > 0 && n->attrs.i[i];
    }
    return n->nin == inputs ? IG_OK : ig_error_set(err, IG_E_SHAPE, "%d inputs; %d are needed", n->nin, inputs);
}
