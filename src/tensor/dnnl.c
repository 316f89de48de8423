/* tensor/dnnl.c: matrix products by oneDNN 2's matmul primitive.
 *
 * The primitive takes strides, so transposed views need no copy; the bias and the accumulation are post-operations of
 * the same pass.  Memory objects are made once and get their pointers at each run: nothing is allocated in a step.
 * oneDNN takes its scratch memory from a pool of its own, once per primitive.
 */
#include "tensor/dnnl.h"

#include "tensor/dnnl_room.h"

struct dnnl_product {
    dnnl_room *room;
    dnnl_primitive_t primitive;
    dnnl_memory_t a, b, c, bias;
};

ig_status ig_dnnl_failed(ig_error *err, int s, const char *what) {
    if (s == dnnl_out_of_memory) return ig_error_nomem(err, 0);
    ig_status code = s == dnnl_unimplemented ? IG_E_UNSUPPORTED : IG_E_INTERNAL;
    return ig_error_set(err, code, "oneDNN: %s failed with status %d", what, s);
}

ig_status ig_dnnl_open(ig_context *ctx, dnnl_room **out, ig_error *err) {
    if (ig_context_cpu(ctx) == IG_CPU_AVX2) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2); /* refused after first use: the second context of a process keeps the first's */
    dnnl_room *r = ig_calloc(1, sizeof *r);
    if (!r) return ig_error_nomem(err, sizeof *r);
    *out = r;
    DNNL_TRY(dnnl_engine_create(&r->engine, dnnl_cpu, 0), "making the engine");
    DNNL_TRY(dnnl_stream_create(&r->stream, r->engine, dnnl_stream_default_flags), "making the stream");
    return IG_OK;
}

void ig_dnnl_close(dnnl_room *r) {
    if (!r) return;
    if (r->stream) dnnl_stream_destroy(r->stream);
    if (r->engine) dnnl_engine_destroy(r->engine);
    ig_free(r);
}

static dnnl_data_type_t data_type(ig_dtype d) { return d == IG_DTYPE_BF16 ? dnnl_bf16 : dnnl_f32; }

/* Memory descriptor of [batch…, rows, cols].  A batch stride of 0 becomes a dimension of 1, which oneDNN broadcasts. */
static dnnl_status_t describe(dnnl_memory_desc_t *md, const ig_gemm_desc *d, ig_dtype type, const int64_t *batch_stride,
                              int64_t rows, int64_t cols, int64_t row_stride, int64_t col_stride) {
    dnnl_dims_t dims, strides;
    int n = d->batch_ndim;
    for (int i = 0; i < n; i++) {
        dims[i] = batch_stride[i] == 0 ? 1 : d->batch[i];
        strides[i] = batch_stride[i] == 0 ? rows * cols : batch_stride[i];
    }
    dims[n] = rows, dims[n + 1] = cols;
    strides[n] = row_stride, strides[n + 1] = col_stride;
    return dnnl_memory_desc_init_by_strides(md, n + 2, dims, data_type(type), strides);
}

static dnnl_status_t describe_bias(dnnl_memory_desc_t *md, const ig_gemm_desc *d) {
    dnnl_dims_t dims, strides;
    for (int i = 0; i < d->batch_ndim + 2; i++) dims[i] = 1, strides[i] = d->n;
    dims[d->batch_ndim + 1] = d->n, strides[d->batch_ndim + 1] = 1;
    return dnnl_memory_desc_init_by_strides(md, d->batch_ndim + 2, dims, dnnl_f32, strides);
}

typedef struct product_desc {
    dnnl_memory_desc_t a, b, c, bias;
} product_desc;

static dnnl_status_t describe_all(product_desc *m, const ig_gemm_desc *d) {
    dnnl_status_t s = describe(&m->a, d, d->in, d->a_batch, d->m, d->k, d->a_row, d->a_col);
    if (s == dnnl_success) s = describe(&m->b, d, d->in, d->b_batch, d->k, d->n, d->b_row, d->b_col);
    if (s == dnnl_success) s = describe(&m->c, d, d->out, d->c_batch, d->m, d->n, d->c_row, 1);
    if (s == dnnl_success && d->bias) s = describe_bias(&m->bias, d);
    return s;
}

static dnnl_status_t make_primitive(dnnl_product *p, const ig_gemm_desc *d, const product_desc *m) {
    dnnl_matmul_desc_t op;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t post = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_matmul_desc_init(&op, &m->a, &m->b, d->bias ? &m->bias : NULL, &m->c);
    if (s == dnnl_success) s = dnnl_primitive_attr_create(&attr);
    if (s == dnnl_success && d->accumulate) {
        s = dnnl_post_ops_create(&post);
        if (s == dnnl_success) s = dnnl_post_ops_append_sum(post, 1.0f);
        if (s == dnnl_success) s = dnnl_primitive_attr_set_post_ops(attr, post);
    }
    if (s == dnnl_success) s = dnnl_primitive_desc_create(&pd, &op, attr, p->room->engine, NULL);
    if (s == dnnl_success) s = dnnl_primitive_create(&p->primitive, pd);
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (post) dnnl_post_ops_destroy(post);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return s;
}

static dnnl_status_t make_memory(dnnl_product *p, const ig_gemm_desc *d, const product_desc *m) {
    dnnl_engine_t e = p->room->engine;
    dnnl_status_t s = dnnl_memory_create(&p->a, &m->a, e, DNNL_MEMORY_NONE);
    if (s == dnnl_success) s = dnnl_memory_create(&p->b, &m->b, e, DNNL_MEMORY_NONE);
    if (s == dnnl_success) s = dnnl_memory_create(&p->c, &m->c, e, DNNL_MEMORY_NONE);
    if (s == dnnl_success && d->bias) s = dnnl_memory_create(&p->bias, &m->bias, e, DNNL_MEMORY_NONE);
    return s;
}

ig_status ig_dnnl_product_new(dnnl_room *r, const ig_gemm_desc *d, dnnl_product **out, ig_error *err) {
    product_desc m;
    *out = NULL;
    DNNL_TRY(describe_all(&m, d), "describing a product");
    dnnl_product *p = ig_calloc(1, sizeof *p);
    if (!p) return ig_error_nomem(err, sizeof *p);
    p->room = r;
    dnnl_status_t s = make_primitive(p, d, &m);
    if (s == dnnl_success) s = make_memory(p, d, &m);
    if (s != dnnl_success) {
        ig_dnnl_product_free(p);
        return ig_dnnl_failed(err, s, "making a product");
    }
    *out = p;
    return IG_OK;
}

void ig_dnnl_product_free(dnnl_product *p) {
    if (!p) return;
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    if (p->a) dnnl_memory_destroy(p->a);
    if (p->b) dnnl_memory_destroy(p->b);
    if (p->c) dnnl_memory_destroy(p->c);
    if (p->bias) dnnl_memory_destroy(p->bias);
    ig_free(p);
}

/* The library's handles are not const; it only reads A, B and the bias. */
static void *loose(const void *p) { return (void *)(uintptr_t)p; }

ig_status ig_dnnl_product_run(dnnl_product *p, void *c, const void *a, const void *b, const void *bias, ig_error *err) {
    dnnl_exec_arg_t args[4] = {{DNNL_ARG_SRC, p->a}, {DNNL_ARG_WEIGHTS, p->b}, {DNNL_ARG_DST, p->c}, {DNNL_ARG_BIAS, p->bias}};
    DNNL_TRY(dnnl_memory_set_data_handle(p->a, loose(a)), "setting A");
    DNNL_TRY(dnnl_memory_set_data_handle(p->b, loose(b)), "setting B");
    DNNL_TRY(dnnl_memory_set_data_handle(p->c, c), "setting C");
    if (p->bias) DNNL_TRY(dnnl_memory_set_data_handle(p->bias, loose(bias)), "setting the bias");
    DNNL_TRY(dnnl_primitive_execute(p->primitive, p->room->stream, p->bias ? 4 : 3, args), "a product");
    DNNL_TRY(dnnl_stream_wait(p->room->stream), "waiting for a product");
    return IG_OK;
}

ig_status ig_dnnl_sgemm(const ig_gemm_desc *d, float *c, const float *a, const float *b, ig_error *err) {
    bool ta = d->a_col != 1, tb = d->b_col != 1;
    DNNL_TRY(dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', d->m, d->n, d->k, 1.0f, a, ta ? d->a_col : d->a_row, b,
                        tb ? d->b_col : d->b_row, d->accumulate ? 1.0f : 0.0f, c, d->c_row),
             "a product");
    return IG_OK;
}
