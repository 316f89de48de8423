/* infer/runner.c: see runner.h. */
#include "infer/runner.h"

#include <string.h>

#include "tensor/kernels/kernels.h"

/* ---- opening and closing ---- */

static void pool_shapes(const ig_model *m, int64_t pages, int64_t keys[4], int64_t values[4]) {
    int64_t G = 0, D = 0;
    m->family->cache_shape(m, &G, &D);
    keys[0] = values[0] = pages, keys[1] = values[1] = G;
    keys[2] = D, keys[3] = IG_PAGE;
    values[2] = IG_PAGE, values[3] = ig_page_width(D);
}

/* Half the bytes where the weights are no finer than that. */
static ig_dtype pool_dtype(const ig_model *m) {
    for (size_t i = 0; i < m->params.count; i++)
        if (m->params.item[i]->packed && ig_qweight_type(m->params.item[i]->packed) != IG_BLOCK_F32) return IG_DTYPE_F16;
    return IG_DTYPE_F32;
}

size_t runner_page_bytes(const ig_model *m) {
    int64_t k[4], v[4];
    pool_shapes(m, 1, k, v);
    return (size_t)(k[1] * k[2] * k[3] + v[1] * v[2] * v[3]) * ig_dtype_size(pool_dtype(m)) * (size_t)m->family->cache_layers(m);
}

/* Not cleared: no row reads a position that was not written. */
static ig_status make_pools(runner *r, ig_error *err) {
    ig_kv_cache *c = &r->cache;
    int layers = r->m->family->cache_layers(r->m);
    int64_t keys[4], values[4];
    pool_shapes(r->m, r->pages, keys, values);
    c->k = ig_calloc((size_t)layers, sizeof *c->k);
    c->v = ig_calloc((size_t)layers, sizeof *c->v);
    if (!c->k || !c->v) return ig_error_nomem(err, (size_t)layers * sizeof *c->k);
    for (c->layers = 0; c->layers < layers; c->layers++) {
        IG_TRY(ig_tensor_new(r->m->ctx, pool_dtype(r->m), 4, keys, &c->k[c->layers], err));
        ig_status status = ig_tensor_new(r->m->ctx, pool_dtype(r->m), 4, values, &c->v[c->layers], err);
        if (status != IG_OK) ig_tensor_unref(&c->k[c->layers]);
        IG_TRY(status);
    }
    return IG_OK;
}

static ig_status make_inputs(runner *r, run_inputs *in, int64_t rows, ig_error *err) {
    ig_context *ctx = r->m->ctx;
    int64_t tokens[2] = {1, rows}, table[2] = {rows, (r->context + IG_PAGE - 1) / IG_PAGE}, one = 1;
    in->rows = rows;
    IG_TRY(ig_tensor_zeros(ctx, IG_DTYPE_I64, 2, tokens, &in->tokens, err));
    IG_TRY(ig_tensor_zeros(ctx, IG_DTYPE_I32, 2, table, &in->table, err));
    IG_TRY(ig_tensor_zeros(ctx, IG_DTYPE_I64, 1, &rows, &in->places, err));
    IG_TRY(ig_tensor_zeros(ctx, IG_DTYPE_I64, 1, &rows, &in->positions, err));
    return ig_tensor_zeros(ctx, IG_DTYPE_I64, 1, &one, &in->last, err);
}

ig_status runner_open(runner *r, ig_model *m, int64_t context, int64_t pages, bool bf16, ig_error *err) {
    *r = (runner){.m = m, .bf16 = bf16, .context = context, .pages = pages};
    if (!ig_model_can(m, IG_CAN_GENERATE) || !m->family->cache_shape)
        return ig_error_set(err, IG_E_UNSUPPORTED, "models of family %s do not generate", m->family->name);
    IG_TRY(make_pools(r, err));
    IG_TRY(make_inputs(r, &r->chunk, RUNNER_CHUNK, err));
    for (int i = 0; i < RUNNER_PLANS; i++) IG_TRY(make_inputs(r, &r->decode[i], 1 << i, err));
    return IG_OK;
}

static void free_inputs(run_inputs *in) {
    ig_plan_free(in->plan);
    ig_tensor *all[] = {&in->tokens, &in->table, &in->places, &in->positions, &in->last};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ig_tensor_unref(all[i]);
}

void runner_close(runner *r) {
    free_inputs(&r->chunk);
    for (int i = 0; i < RUNNER_PLANS; i++) free_inputs(&r->decode[i]);
    for (int i = 0; i < r->cache.layers; i++) {
        ig_tensor_unref(&r->cache.k[i]);
        ig_tensor_unref(&r->cache.v[i]);
    }
    ig_free(r->cache.k);
    ig_free(r->cache.v);
    *r = (runner){0};
}

/* ---- plans ---- */

static ig_status record(runner *r, run_inputs *in, bool chunk, ig_graph *g, ig_error *err) {
    ig_kv_cache cache = r->cache;
    ig_pass pass = {.g = g, .bf16 = r->bf16 && chunk}; /* for single tokens the conversion costs more than it saves */
    cache.table = in->table, cache.places = in->places, cache.positions = in->positions;
    cache.chunk = chunk;
    if (chunk) cache.last = in->last;
    ig_var *logits = r->m->family->logits(r->m, &pass, ig_input(g, "tokens", &in->tokens), &cache);
    IG_TRY(ig_graph_status(g, err));
    return ig_capture(g, &logits, 1, (ig_plan_opts){0}, &in->plan, err);
}

static ig_status need_plan(runner *r, run_inputs *in, bool chunk, ig_error *err) {
    ig_graph *g = NULL;
    if (in->plan) return IG_OK;
    IG_TRY(ig_graph_new(r->m->ctx, IG_GRAPH_LAZY, &g, err));
    ig_status status = record(r, in, chunk, g, err);
    ig_graph_free(g);
    return status;
}

/* ---- running ---- */

static void put_row(run_inputs *in, int64_t row, int32_t token, int64_t position, const int32_t *page) {
    int64_t N = in->table.shape[1], used = position / IG_PAGE + 1;
    ((int64_t *)in->tokens.data)[row] = token;
    ((int64_t *)in->places.data)[row] = position;
    ((int64_t *)in->positions.data)[row] = position;
    if (page) memcpy((int32_t *)in->table.data + row * N, page, sizeof *page * (size_t)used);
}

/* Token 0 at position 0, which is neither written nor seen. */
static void put_padding(run_inputs *in, int64_t from) {
    for (int64_t row = from; row < in->rows; row++) {
        put_row(in, row, 0, 0, NULL);
        ((int64_t *)in->places.data)[row] = -1;
    }
}

ig_status runner_read(runner *r, const int32_t *tokens, int64_t n, int64_t from, const int32_t *page, const float **logits, ig_error *err) {
    run_inputs *in = &r->chunk;
    IG_TRY(need_plan(r, in, true, err));
    for (int64_t i = 0; i < n; i++) put_row(in, i, tokens[i], from + i, page);
    put_padding(in, n);
    *(int64_t *)in->last.data = n - 1;
    IG_TRY(ig_plan_run(in->plan, err));
    *logits = ig_plan_output(in->plan, 0)->data;
    return IG_OK;
}

ig_status runner_decode(runner *r, const run_row *rows, int n, const float **logits, ig_error *err) {
    run_inputs *in = r->decode;
    while (in->rows < n) in++;
    IG_TRY(need_plan(r, in, false, err));
    for (int i = 0; i < n; i++) put_row(in, i, rows[i].token, rows[i].position, rows[i].page);
    put_padding(in, n);
    IG_TRY(ig_plan_run(in->plan, err));
    *logits = ig_plan_output(in->plan, 0)->data;
    return IG_OK;
}
