/* graph/ops/pages.c: the key/value cache of generation: pages of 64 positions, of which every sequence has a list.
 *
 *     pools, f32 or f16: keys [P,G,D,64]      values [P,G,64,Dv], Dv = D rounded up to 16        (tensor/kernels/attention_pages.c)
 *     table          i32 [R,N]       row r: the pages of its sequence, in order
 *     positions      i64 [R]         of row r in its sequence; -1: padding, which reads and writes nothing
 *
 * Rows of different sequences stand in one run (decoding), each on its own: the bits of a row do not depend on the others.
 * Or all rows that count follow each other in one sequence (a chunk of a prompt): its pages are laid side by side per key
 * head, and the blockwise kernel takes all rows at once.
 */
#include "graph/ops/ops.h"

#include <math.h>
#include <string.h>

static int64_t at(const ig_tensor *positions, int64_t row) { return ((const int64_t *)positions->data)[row]; }

/* Inputs `table` and `table`+1 of the node. */
static ig_status need_places(const ig_node *n, int table, int64_t rows, ig_error *err) {
    const ig_tensor *t = &n->in[table]->t;
    if (t->dtype != IG_DTYPE_I32 || t->ndim != 2 || t->shape[0] != rows || !ig_tensor_is_contiguous(t))
        return ig_error_set(err, IG_E_SHAPE, "the table must be i32 [%lld,N], contiguous", (long long)rows);
    return ig_need_shape(n, table + 1, IG_DTYPE_I64, 1, &rows, err);
}

/* Input k: [1,heads,R,D] in f32, D contiguous. */
static ig_status need_rows(const ig_node *n, int k, ig_error *err) {
    const ig_tensor *x = &n->in[k]->t;
    if (x->dtype != IG_DTYPE_F32) return ig_error_set(err, IG_E_DTYPE, "input %d must be f32", k);
    if (x->ndim != 4 || x->shape[0] != 1 || (x->shape[3] > 1 && x->stride[3] != 1))
        return ig_error_set(err, IG_E_SHAPE, "input %d must be [1,heads,rows,size], the size contiguous", k);
    return IG_OK;
}

static ig_status need_pool(const ig_node *n, int k, bool keys, int64_t heads, int64_t D, ig_error *err) {
    const ig_tensor *p = &n->in[k]->t;
    char text[128];
    int64_t width = ig_page_width(D), wanted[4] = {0, heads, keys ? D : IG_PAGE, keys ? IG_PAGE : width};
    bool fits = (p->dtype == IG_DTYPE_F32 || p->dtype == IG_DTYPE_F16) && p->ndim == 4 && p->shape[0] <= INT32_MAX && ig_tensor_is_contiguous(p);
    for (int d = 1; d < 4; d++) fits = fits && p->shape[d] == wanted[d];
    if (fits) return IG_OK;
    return ig_error_set(err, IG_E_SHAPE, "a pool %s; %s need [P,%lld,%lld,%lld]", ig_tensor_shape_text(p, text, sizeof text),
                        keys ? "keys" : "values", (long long)wanted[1], (long long)wanted[2], (long long)wanted[3]);
}

/* The pages of a row that sees `keys` positions. */
static ig_status check_row(const ig_tensor *table, int64_t row, int64_t keys, int64_t pages, ig_error *err) {
    const int32_t *page = (const int32_t *)table->data + row * table->shape[1];
    if (keys > table->shape[1] * IG_PAGE)
        return ig_error_set(err, IG_E_ARG, "row %lld: position %lld of %lld", (long long)row, (long long)keys - 1,
                            (long long)(table->shape[1] * IG_PAGE));
    for (int64_t i = 0; i * IG_PAGE < keys; i++)
        if (page[i] < 0 || page[i] >= pages)
            return ig_error_set(err, IG_E_ARG, "row %lld: page %d of %lld", (long long)row, (int)page[i], (long long)pages);
    return IG_OK;
}

/* ---- page_write: pool, x [1,G,R,D], table, positions; i = keys -------------------------------------------------------------- */

static ig_status write_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[1]->t;
    IG_TRY(need_rows(n, 1, err));
    IG_TRY(need_pool(n, 0, n->attrs.i[0] != 0, x->shape[1], x->shape[3], err));
    IG_TRY(need_places(n, 2, x->shape[2], err));
    n->out[0].t = n->in[0]->t;
    n->out[0].t.data = NULL, n->out[0].t.storage = NULL;
    return IG_OK;
}

/* Keys go into a column, values into a row of their page; `at_page` counts elements. */
static void write_row(const ig_tensor *pool, int64_t at_page, const float *x, int64_t slot, int64_t D, bool keys) {
    float *page = (float *)pool->data + at_page;
    if (keys)
        for (int64_t i = 0; i < D; i++) page[i * IG_PAGE + slot] = x[i];
    else memcpy(page + slot * ig_page_width(D), x, sizeof *x * (size_t)D);
}

static void write_row_f16(const ig_run *r, int64_t at_page, const float *x, int64_t slot, int64_t D, bool keys) {
    uint16_t *page = (uint16_t *)r->in[0]->data + at_page, piece[64];
    if (!keys) {
        r->k->f32_to_f16(page + slot * ig_page_width(D), x, (size_t)D);
        return;
    }
    for (int64_t from = 0; from < D; from += 64) {
        int64_t n = D - from < 64 ? D - from : 64;
        r->k->f32_to_f16(piece, x + from, (size_t)n);
        for (int64_t i = 0; i < n; i++) page[(from + i) * IG_PAGE + slot] = piece[i];
    }
}

static ig_status write_forward(const ig_run *r, ig_error *err) {
    const ig_tensor *pool = r->in[0], *x = r->in[1], *table = r->in[2];
    for (int64_t row = 0; row < x->shape[2]; row++) {
        int64_t position = at(r->in[3], row);
        if (position < 0) continue;
        IG_TRY(check_row(table, row, position + 1, pool->shape[0], err));
        int64_t page = ((const int32_t *)table->data)[row * table->shape[1] + position / IG_PAGE];
        for (int64_t g = 0; g < x->shape[1]; g++) {
            int64_t place = page * pool->stride[0] + g * pool->stride[1], slot = position % IG_PAGE;
            const float *from = (const float *)x->data + g * x->stride[1] + row * x->stride[2];
            if (pool->dtype == IG_DTYPE_F16) write_row_f16(r, place, from, slot, x->shape[3], r->node->attrs.i[0] != 0);
            else write_row(pool, place, from, slot, x->shape[3], r->node->attrs.i[0] != 0);
        }
    }
    return IG_OK;
}

const ig_op ig_op_page_write = {
    .name = "page_write", .doc = "pool of pages with keys or values [1,G,R,D] written at their rows' places", .nin_min = 4, .nin_max = 4,
    .nout = 1, .map = -1, .flags = IG_OP_VIEW | IG_OP_EFFECT | IG_OP_NO_GRAD, .mutates = 1, .shape = write_shape,
    .forward = write_forward, .attr_names = "keys;",
};

ig_var *ig_page_write(ig_graph *g, ig_var *pool, ig_var *x, ig_var *table, ig_var *positions, bool keys) {
    ig_var *in[] = {pool, x, table, positions};
    return ig_record(g, &ig_op_page_write, in, 4, &(ig_attrs){.i = {keys}});
}

/* ---- attention_pages: q [1,H,R,D], keys, values, table, positions; i = chunk; f = scale ------------------------------------- */

static int64_t key_heads(const ig_node *n) { return n->in[1]->t.ndim == 4 ? n->in[1]->t.shape[1] : 0; }

static ig_status attention_shape(ig_node *n, ig_error *err) {
    const ig_tensor *q = &n->in[0]->t;
    IG_TRY(need_rows(n, 0, err));
    int64_t G = key_heads(n), D = q->shape[3];
    if (G < 1 || q->shape[1] % G)
        return ig_error_set(err, IG_E_SHAPE, "%lld query heads over %lld key heads", (long long)q->shape[1], (long long)G);
    IG_TRY(need_pool(n, 1, true, G, D, err));
    IG_TRY(need_pool(n, 2, false, G, D, err));
    if (n->in[2]->t.shape[0] != n->in[1]->t.shape[0] || n->in[2]->t.dtype != n->in[1]->t.dtype)
        return ig_error_set(err, IG_E_SHAPE, "two pools of different length or type");
    IG_TRY(need_places(n, 3, q->shape[2], err));
    IG_TRY(ig_out_set(n, 0, IG_DTYPE_F32, 4, q->shape, err));
    n->out[0].t.stride[1] = D, n->out[0].t.stride[2] = q->shape[1] * D; /* in memory [1,R,H,D] */
    return IG_OK;
}

typedef struct pages_job {
    const ig_run *r;
    int64_t R, G, group, D, parts; /* parts: of the query heads of one key head */
    int64_t rows, keys;            /* a chunk's: that count; that the last one sees */
    float scale;
    size_t scratch;                /* bytes per thread */
} pages_job;

static ig_attention_args chunk_args(const ig_node *n, int64_t rows, int64_t keys) {
    const ig_tensor *q = &n->in[0]->t;
    double scale = n->attrs.f[0] != 0 ? n->attrs.f[0] : 1 / sqrt((double)q->shape[3]);
    return (ig_attention_args){.T = rows, .S = keys, .D = q->shape[3], .q_row = q->stride[2], .k_row = q->shape[3], .v_row = q->shape[3],
                               .o_row = n->out[0].t.stride[2], .scale = (float)scale, .causal = true, .offset = keys - rows};
}

static size_t bytes_per_thread(ig_context *ctx, const ig_node *n) {
    const ig_tensor *q = &n->in[0]->t;
    int64_t D = q->shape[3], S = n->in[3]->t.shape[1] * IG_PAGE;
    if (!n->attrs.i[0]) return ig_round64(sizeof(float) * (size_t)(q->shape[1] / key_heads(n) * (ig_page_width(D) + 2)));
    ig_attention_args a = chunk_args(n, q->shape[2], S);
    return ig_round64(sizeof(float) * ((size_t)(2 * S * D + q->shape[2]) + ig_kernels_of(ctx)->attention_scratch(&a)));
}

static float *scratch_of(const pages_job *j, int thread) { return (float *)((char *)j->r->scratch + (size_t)thread * j->scratch); }
static const float *q_at(const pages_job *j, int64_t h, int64_t row) {
    return (const float *)j->r->in[0]->data + h * j->r->in[0]->stride[1] + row * j->r->in[0]->stride[2];
}
static float *y_at(const pages_job *j, int64_t h, int64_t row) {
    return (float *)j->r->out[0]->data + h * j->r->out[0]->stride[1] + row * j->r->out[0]->stride[2];
}

/* Item: one row and one key head. */
static void decode_range(void *arg, size_t begin, size_t end, int thread) {
    const pages_job *j = arg;
    const ig_tensor *k = j->r->in[1], *v = j->r->in[2], *table = j->r->in[3];
    ig_page_args a = {.D = j->D, .heads = j->group, .q_row = j->r->in[0]->stride[1], .o_row = j->r->out[0]->stride[1],
                      .k_stride = k->stride[0], .v_stride = v->stride[0], .half = k->dtype == IG_DTYPE_F16, .scale = j->scale};
    int64_t size = (int64_t)ig_dtype_size(k->dtype);
    for (int64_t i = (int64_t)begin; i < (int64_t)end; i++) {
        int64_t row = i / j->G, g = i % j->G;
        a.page = (const int32_t *)table->data + row * table->shape[1];
        a.keys = at(j->r->in[4], row) + 1;
        j->r->k->attention_pages(y_at(j, g * j->group, row), q_at(j, g * j->group, row), (const char *)k->data + g * k->stride[1] * size,
                                 (const char *)v->data + g * v->stride[1] * size, &a, scratch_of(j, thread));
    }
}

/* n numbers of a pool from element `at_element` on, as f32. */
static const float *numbers(const pages_job *j, const ig_tensor *pool, int64_t at_element, int64_t n, float *room) {
    if (pool->dtype == IG_DTYPE_F32) return (const float *)pool->data + at_element;
    j->r->k->f16_to_f32(room, (const uint16_t *)pool->data + at_element, (size_t)n);
    return room;
}

/* The pages of key head g, side by side: keys and values [keys][D]. */
static void gather_pages(const pages_job *j, int64_t g, float *keys, float *values) {
    const ig_tensor *k = j->r->in[1], *v = j->r->in[2];
    const int32_t *page = j->r->in[3]->data;
    int64_t D = j->D, width = ig_page_width(D);
    float room[IG_PAGE];
    for (int64_t s = 0; s < j->keys; s += IG_PAGE) {
        int64_t n = j->keys - s < IG_PAGE ? j->keys - s : IG_PAGE, at_page = page[s / IG_PAGE];
        for (int64_t d = 0; d < D; d++) {
            const float *column = numbers(j, k, at_page * k->stride[0] + g * k->stride[1] + d * IG_PAGE, n, room);
            for (int64_t i = 0; i < n; i++) keys[(s + i) * D + d] = column[i];
        }
        for (int64_t i = 0; i < n; i++) {
            float *to = values + (s + i) * D;
            const float *row = numbers(j, v, at_page * v->stride[0] + g * v->stride[1] + i * width, D, to);
            if (row != to) memcpy(to, row, sizeof *to * (size_t)D);
        }
    }
}

/* Item: some of the query heads of one key head. */
static void chunk_range(void *arg, size_t begin, size_t end, int thread) {
    const pages_job *j = arg;
    ig_attention_args a = chunk_args(j->r->node, j->rows, j->keys);
    float *keys = scratch_of(j, thread), *values = keys + j->keys * j->D, *lse = values + j->keys * j->D, *rest = lse + j->R;
    int64_t share = j->group / j->parts;
    for (int64_t i = (int64_t)begin; i < (int64_t)end; i++) {
        int64_t g = i / j->parts, first = g * j->group + i % j->parts * share;
        gather_pages(j, g, keys, values);
        for (int64_t h = first; h < first + share; h++)
            j->r->k->attention_forward(y_at(j, h, 0), lse, q_at(j, h, 0), keys, values, &a, rest);
    }
}

/* The rows of a chunk that count come first and follow each other. */
static ig_status read_chunk(pages_job *j, ig_error *err) {
    const ig_tensor *positions = j->r->in[4];
    int64_t first = at(positions, 0);
    while (j->rows < j->R && at(positions, j->rows) >= 0) j->rows++;
    for (int64_t row = 0; row < j->R; row++)
        if (at(positions, row) != (row < j->rows ? first + row : -1))
            return ig_error_set(err, IG_E_ARG, "row %lld of a chunk has position %lld", (long long)row, (long long)at(positions, row));
    j->keys = first + j->rows;
    return j->rows ? check_row(j->r->in[3], 0, j->keys, j->r->in[1]->shape[0], err) : IG_OK;
}

static ig_status run_chunk(pages_job *j, ig_error *err) {
    IG_TRY(read_chunk(j, err));
    for (int64_t row = j->rows; row < j->R; row++) memset(y_at(j, 0, row), 0, sizeof(float) * (size_t)(j->G * j->group * j->D));
    if (j->rows == 0) return IG_OK;
    while (j->G * j->parts < ig_context_threads(j->r->ctx) && j->group % (2 * j->parts) == 0) j->parts *= 2;
    ig_parallel_for(j->r->ctx, (size_t)(j->G * j->parts), ig_grain((size_t)(j->rows * j->keys * j->D)), chunk_range, j);
    return IG_OK;
}

static ig_status run_rows(pages_job *j, ig_error *err) {
    int64_t keys = 1;
    for (int64_t row = 0; row < j->R; row++) {
        int64_t seen = at(j->r->in[4], row) + 1;
        if (seen < 0) return ig_error_set(err, IG_E_ARG, "row %lld has position %lld", (long long)row, (long long)seen - 1);
        IG_TRY(check_row(j->r->in[3], row, seen, j->r->in[1]->shape[0], err));
        if (seen > keys) keys = seen;
    }
    ig_parallel_for(j->r->ctx, (size_t)(j->R * j->G), ig_grain((size_t)(j->group * keys * j->D / 8)), decode_range, j);
    return IG_OK;
}

static ig_status attention_forward(const ig_run *r, ig_error *err) {
    const ig_tensor *q = r->in[0];
    pages_job j = {.r = r, .R = q->shape[2], .G = r->in[1]->shape[1], .D = q->shape[3], .parts = 1};
    if (ig_tensor_numel(q) == 0) return IG_OK;
    j.group = q->shape[1] / j.G;
    j.scale = chunk_args(r->node, 0, 0).scale;
    j.scratch = bytes_per_thread(r->ctx, r->node);
    return r->node->attrs.i[0] ? run_chunk(&j, err) : run_rows(&j, err);
}

static size_t attention_scratch(ig_context *ctx, const ig_node *n) {
    return bytes_per_thread(ctx, n) * (size_t)ig_context_threads(ctx);
}

const ig_op ig_op_attention_pages = {
    .name = "attention_pages", .doc = "attention of q [1,H,R,D] over the pages of each row's sequence", .nin_min = 5, .nin_max = 5, .nout = 1,
    .map = -1, .flags = IG_OP_NO_GRAD, .shape = attention_shape, .forward = attention_forward, .scratch = attention_scratch,
    .attr_names = "chunk;scale",
};

ig_var *ig_attention_pages(ig_graph *g, ig_var *q, ig_var *keys, ig_var *values, ig_var *table, ig_var *positions, bool chunk) {
    ig_var *in[] = {q, keys, values, table, positions};
    return ig_record(g, &ig_op_attention_pages, in, 5, &(ig_attrs){.i = {chunk}});
}
