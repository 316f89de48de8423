/* tensor/gemm.c: chooses who computes a product, and keeps the prepared ones.
 *
 *     f32, bf16   oneDNN's primitive; its plain sgemm below IG_ROWS_FEW rows (2 to 3 times faster there), and for Aᵀ·B, which is
 *                 what weight gradients are (5 % of a training step)
 *     f32         OpenBLAS where oneDNN has nothing
 *     f64         OpenBLAS
 *     otherwise   loops in this file: IG_CPU=reference, bf16 without the instruction, strides that no library takes
 *
 * The cache is a hash table from the description's bytes.  At IG_GEMM_CACHE_MAX entries those that no plan has pinned are
 * dropped, so growing sequence lengths cannot fill the memory.
 */
#include "tensor/gemm.h"

#include <cblas.h>
#include <string.h>

#include "tensor/dnnl.h"

#define IG_GEMM_CACHE_MAX 2048
#define IG_GEMM_TABLE 4096 /* power of two, at least twice the entries */
#define IG_ROWS_FEW 5

typedef enum gemm_way { WAY_LOOPS, WAY_DNNL, WAY_DNNL_SGEMM, WAY_BLAS } gemm_way;

typedef struct gemm_room gemm_room;
struct ig_gemm {
    ig_gemm_desc d;
    gemm_way way;
    dnnl_product *product;
    int pins;
    uint64_t hash;
};

struct gemm_room {
    ig_context *ctx;
    dnnl_room *dnnl; /* NULL: not used here */
    int count;
    ig_gemm *slot[IG_GEMM_TABLE];
};

/* ---- the room's part of the context -------------------------------------------------------------------------------------- */

static void gemm_free(ig_gemm *g) {
    ig_dnnl_product_free(g->product);
    ig_free(g);
}

static void room_free(void *p) {
    gemm_room *r = p;
    for (int i = 0; i < IG_GEMM_TABLE; i++)
        if (r->slot[i]) gemm_free(r->slot[i]);
    ig_dnnl_close(r->dnnl);
    ig_free(r);
}

static ig_status room_make(ig_context *ctx, void **out, ig_error *err) {
    gemm_room *r = ig_calloc(1, sizeof *r);
    if (!r) return ig_error_nomem(err, sizeof *r);
    r->ctx = ctx;
    if (ig_context_cpu(ctx) != IG_CPU_REFERENCE) {
        ig_status s = ig_dnnl_open(ctx, &r->dnnl, err);
        if (s != IG_OK) {
            room_free(r);
            return s;
        }
    }
    *out = r;
    return IG_OK;
}

/* ---- plain loops ----------------------------------------------------------------------------------------------------------- */

static double load(const void *p, ig_dtype t, int64_t i) {
    switch (t) {
    case IG_DTYPE_F64: return ((const double *)p)[i];
    case IG_DTYPE_BF16: return ig_bf16_to_f32(((const uint16_t *)p)[i]);
    default: return ((const float *)p)[i];
    }
}

static void store(void *p, ig_dtype t, int64_t i, double v) {
    switch (t) {
    case IG_DTYPE_F64: ((double *)p)[i] = v; break;
    case IG_DTYPE_BF16: ((uint16_t *)p)[i] = ig_f32_to_bf16((float)v); break;
    default: ((float *)p)[i] = (float)v; break;
    }
}

/* Sums in double, so that the loops can serve as the reference of the fast ways. */
static void loops_matrix(const ig_gemm_desc *d, void *c, const void *a, const void *b, const void *bias) {
    for (int64_t i = 0; i < d->m; i++) {
        for (int64_t j = 0; j < d->n; j++) {
            double sum = d->accumulate ? load(c, d->out, i * d->c_row + j) : 0;
            for (int64_t l = 0; l < d->k; l++)
                sum += load(a, d->in, i * d->a_row + l * d->a_col) * load(b, d->in, l * d->b_row + j * d->b_col);
            if (d->bias) sum += d->in == IG_DTYPE_F64 ? ((const double *)bias)[j] : ((const float *)bias)[j];
            store(c, d->out, i * d->c_row + j, sum);
        }
    }
}

static void add_bias(const ig_gemm_desc *d, void *c, const void *bias) {
    for (int64_t i = 0; i < d->m; i++) {
        if (d->out == IG_DTYPE_F64)
            for (int64_t j = 0; j < d->n; j++) ((double *)c)[i * d->c_row + j] += ((const double *)bias)[j];
        else
            for (int64_t j = 0; j < d->n; j++) ((float *)c)[i * d->c_row + j] += ((const float *)bias)[j];
    }
}

static void blas_matrix(const ig_gemm_desc *d, void *c, const void *a, const void *b, const void *bias) {
    enum CBLAS_TRANSPOSE ta = d->a_col == 1 ? CblasNoTrans : CblasTrans, tb = d->b_col == 1 ? CblasNoTrans : CblasTrans;
    int m = (int)d->m, n = (int)d->n, k = (int)d->k;
    int lda = (int)(d->a_col == 1 ? d->a_row : d->a_col), ldb = (int)(d->b_col == 1 ? d->b_row : d->b_col), ldc = (int)d->c_row;
    double beta = d->accumulate ? 1 : 0;
    if (d->in == IG_DTYPE_F64) cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
    else cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, (float)beta, c, ldc);
    if (d->bias) add_bias(d, c, bias);
}

/* One matrix after the other. */
static void run_batch(const ig_gemm_desc *d, void *c, const void *a, const void *b, const void *bias,
                      void (*matrix)(const ig_gemm_desc *, void *, const void *, const void *, const void *)) {
    int64_t total = 1;
    size_t in = ig_dtype_size(d->in), out = ig_dtype_size(d->out);
    for (int i = 0; i < d->batch_ndim; i++) total *= d->batch[i];
    for (int64_t t = 0; t < total; t++) {
        int64_t rest = t, ao = 0, bo = 0, co = 0;
        for (int i = d->batch_ndim - 1; i >= 0; i--) {
            int64_t at = rest % d->batch[i];
            rest /= d->batch[i];
            ao += at * d->a_batch[i], bo += at * d->b_batch[i], co += at * d->c_batch[i];
        }
        matrix(d, (char *)c + co * (int64_t)out, (const char *)a + ao * (int64_t)in, (const char *)b + bo * (int64_t)in, bias);
    }
}

/* ---- choosing ----------------------------------------------------------------------------------------------------------------- */

static bool leading(int64_t row, int64_t col, int64_t rows, int64_t cols) {
    return (col == 1 && row >= cols) || (row == 1 && col >= rows);
}

static bool fits_library(const ig_gemm_desc *d) {
    return d->m > 0 && d->n > 0 && d->k > 0 && d->m < INT32_MAX && d->n < INT32_MAX && d->k < INT32_MAX && d->c_row >= d->n &&
           d->c_row < INT32_MAX && leading(d->a_row, d->a_col, d->m, d->k) && leading(d->b_row, d->b_col, d->k, d->n);
}

static ig_status choose(gemm_room *r, ig_gemm *g, ig_error *err) {
    const ig_gemm_desc *d = &g->d;
    bool f32 = d->in == IG_DTYPE_F32 && d->out == IG_DTYPE_F32;
    bool bf16 = d->in == IG_DTYPE_BF16 && ig_context_has_bf16(r->ctx);
    g->way = WAY_LOOPS;
    if (!fits_library(d) || ig_context_cpu(r->ctx) == IG_CPU_REFERENCE) return IG_OK;
    if (d->in == IG_DTYPE_F64) g->way = WAY_BLAS;
    else if (f32 && d->batch_ndim == 0 && (d->m < IG_ROWS_FEW || (d->a_col != 1 && d->b_col == 1))) g->way = WAY_DNNL_SGEMM;
    else if (f32 || bf16) {
        ig_status s = ig_dnnl_product_new(r->dnnl, d, &g->product, err);
        if (s == IG_E_UNSUPPORTED) g->way = f32 ? WAY_BLAS : WAY_LOOPS;
        else if (s != IG_OK) return s;
        else g->way = WAY_DNNL;
    }
    return IG_OK;
}

/* ---- the cache ------------------------------------------------------------------------------------------------------------------ */

static ig_gemm **find_slot(gemm_room *r, const ig_gemm_desc *d, uint64_t hash) {
    size_t i = hash & (IG_GEMM_TABLE - 1);
    while (r->slot[i] && (r->slot[i]->hash != hash || memcmp(&r->slot[i]->d, d, sizeof *d) != 0)) i = (i + 1) & (IG_GEMM_TABLE - 1);
    return &r->slot[i];
}

/* Drop what no plan has pinned and put the others back. */
static void evict(gemm_room *r) {
    ig_gemm *kept[IG_GEMM_TABLE];
    int n = 0;
    for (int i = 0; i < IG_GEMM_TABLE; i++) {
        if (r->slot[i] && r->slot[i]->pins) kept[n++] = r->slot[i];
        else if (r->slot[i]) gemm_free(r->slot[i]);
        r->slot[i] = NULL;
    }
    r->count = n;
    for (int i = 0; i < n; i++) *find_slot(r, &kept[i]->d, kept[i]->hash) = kept[i];
}

ig_status ig_gemm_get(ig_context *ctx, const ig_gemm_desc *desc, bool pin, ig_gemm **out, ig_error *err) {
    void *p = NULL;
    IG_TRY(ig_context_slot(ctx, IG_SLOT_BACKEND, room_make, room_free, &p, err));
    gemm_room *r = p;
    uint64_t hash = ig_hash64(desc, sizeof *desc, 0);
    ig_gemm **slot = find_slot(r, desc, hash);
    if (!*slot) {
        if (r->count >= IG_GEMM_CACHE_MAX) evict(r);
        if (r->count >= IG_GEMM_CACHE_MAX)
            return ig_error_set(err, IG_E_LIMIT, "more than %d different matrix products are captured in plans", IG_GEMM_CACHE_MAX);
        ig_gemm *g = ig_calloc(1, sizeof *g);
        if (!g) return ig_error_nomem(err, sizeof *g);
        g->d = *desc, g->hash = hash;
        ig_status s = choose(r, g, err);
        if (s != IG_OK) {
            gemm_free(g);
            return s;
        }
        slot = find_slot(r, desc, hash);
        *slot = g;
        r->count++;
    }
    if (pin) (*slot)->pins++;
    *out = *slot;
    return IG_OK;
}

void ig_gemm_unpin(ig_gemm *g) {
    if (g) g->pins--;
}

ig_status ig_gemm_run(ig_gemm *g, void *c, const void *a, const void *b, const void *bias, ig_error *err) {
    switch (g->way) {
    case WAY_DNNL: return ig_dnnl_product_run(g->product, c, a, b, bias, err);
    case WAY_DNNL_SGEMM:
        IG_TRY(ig_dnnl_sgemm(&g->d, c, a, b, err));
        if (g->d.bias) add_bias(&g->d, c, bias);
        return IG_OK;
    case WAY_BLAS: run_batch(&g->d, c, a, b, bias, blas_matrix); return IG_OK;
    default: run_batch(&g->d, c, a, b, bias, loops_matrix); return IG_OK;
    }
}
