/* tensor/quant_rows.c: a matrix rounded to a block type, row by row, on all threads. */
#include "ingot/quant.h"

typedef struct rounding {
    const float *x;
    size_t K, row_bytes;
    ig_block_type type;
    char *blocks;
    ig_error *error; /* [threads] */
} rounding;

static void round_rows(void *arg, size_t begin, size_t end, int thread) {
    const rounding *r = arg;
    ig_error *e = &r->error[thread];
    for (size_t i = begin; i < end && !e->code; i++)
        e->code = ig_blocks_from_f32(r->type, r->x + i * r->K, r->K, NULL, r->blocks + i * r->row_bytes, e);
}

ig_status ig_blocks_from_rows(ig_context *ctx, ig_block_type type, const float *x, size_t N, size_t K, void **out, ig_error *err) {
    size_t threads = (size_t)ig_context_threads(ctx);
    rounding r = {.x = x, .type = type, .K = K};
    IG_TRY(ig_block_row_bytes(type, r.K, &r.row_bytes, err));
    r.error = ig_calloc(threads, sizeof *r.error);
    r.blocks = ig_calloc(N + 1, r.row_bytes);
    ig_status s = r.error && r.blocks ? IG_OK : ig_error_nomem(err, N * r.row_bytes);
    if (s == IG_OK) ig_parallel_for(ctx, N, 16, round_rows, &r);
    for (size_t i = 0; i < threads && s == IG_OK; i++) {
        s = r.error[i].code;
        if (s != IG_OK && err) *err = r.error[i];
    }
    ig_free(r.error);
    if (s == IG_OK) *out = r.blocks;
    else ig_free(r.blocks);
    return s;
}
