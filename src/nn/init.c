/* nn/init.c: starting values, deterministic in (seed, name): a network's weights do not depend on the order in which its
 * layers were made, and a layer that is added leaves the others as they were.
 *
 * Number i of a stream is computed from i alone (counter-based, base/random.c): normals take one block of four words
 * each, uniforms half a block.  So threads fill chunks independently and agree with one thread.
 */
#include "nn/init.h"

#include <string.h>

#define CHUNK ((size_t)16384) /* even: a chunk of uniforms starts at a whole block */

#define ROW_DECLARE(upper, lower) extern const init_row ig_init_##lower;
IG_INITS(ROW_DECLARE)
#define ROW_ADDRESS(upper, lower) &ig_init_##lower,
static const init_row *const rows[] = {IG_INITS(ROW_ADDRESS)};
#define ROW_NAME(upper, lower) #lower,
static const char *const names[] = {IG_INITS(ROW_NAME)};

const char *ig_init_name(ig_init kind) { return (unsigned)kind < IG_INIT_COUNT ? names[kind] : "?"; }

bool ig_init_parse(const char *name, ig_init *out) {
    for (int i = 0; i < IG_INIT_COUNT; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *out = (ig_init)i;
        return true;
    }
    return false;
}

ig_status ig_init_tensor(ig_context *ctx, const ig_tensor *t, const char *name, uint64_t seed, ig_init kind, ig_init_opts opts,
                         ig_error *err) {
    if ((unsigned)kind >= IG_INIT_COUNT) return ig_error_set(err, IG_E_ARG, "no initialiser has the number %d", (int)kind);
    if (!ig_dtype_is_float(t->dtype))
        return ig_error_set(err, IG_E_DTYPE, "%s: initialisers fill floats, not %s", name, ig_dtype_name(t->dtype));
    init_job j = {.ctx = ctx, .t = t, .key = seed, .stream = ig_hash64(name, strlen(name), 0), .opts = opts};
    ig_error inner = {0};
    ig_status s = rows[kind]->fill(&j, &inner);
    return s == IG_OK ? IG_OK : ig_error_set(err, s, "%s: %s: %s", name, names[kind], inner.message);
}

ig_status ig_init_fans(const init_job *j, double *fan_in, double *fan_out, ig_error *err) {
    const ig_tensor *t = j->t;
    if (t->ndim < 2) return ig_error_set(err, IG_E_SHAPE, "needs at least two dimensions to know its inputs and outputs");
    double field = 1; /* of a convolution */
    for (int i = 2; i < t->ndim; i++) field *= (double)t->shape[i];
    *fan_out = (double)t->shape[j->opts.transposed ? 1 : 0] * field;
    *fan_in = (double)t->shape[j->opts.transposed ? 0 : 1] * field;
    return IG_OK;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

typedef struct draw {
    const init_job *j;
    double a, b;
    bool normal, direct; /* direct: contiguous f32 */
} draw;

static void draw_chunk(const draw *d, size_t begin, size_t end) {
    const ig_tensor *t = d->j->t;
    ig_rng r;
    ig_rng_init(&r, d->j->key, d->j->stream);
    r.next = d->normal ? begin : begin / 2;
    for (size_t i = begin; i < end; i++) {
        double x = d->normal ? d->a + d->b * ig_rng_normal(&r) : d->a + (d->b - d->a) * ig_rng_uniform(&r);
        if (d->direct) ((float *)t->data)[i] = (float)x;
        else ig_tensor_set(t, (int64_t)i, x);
    }
}

static void draw_range(void *arg, size_t begin, size_t end, int thread) {
    const draw *d = arg;
    size_t n = (size_t)ig_tensor_numel(d->j->t);
    (void)thread;
    for (size_t c = begin; c < end; c++) draw_chunk(d, c * CHUNK, (c + 1) * CHUNK < n ? (c + 1) * CHUNK : n);
}

static ig_status draw_all(draw d) {
    d.direct = d.j->t->dtype == IG_DTYPE_F32 && ig_tensor_is_contiguous(d.j->t);
    size_t n = (size_t)ig_tensor_numel(d.j->t);
    ig_parallel_for(d.j->ctx, (n + CHUNK - 1) / CHUNK, 1, draw_range, &d);
    return IG_OK;
}

ig_status ig_init_draw_uniform(const init_job *j, double lo, double hi) { return draw_all((draw){.j = j, .a = lo, .b = hi}); }
ig_status ig_init_draw_normal(const init_job *j, double mean, double deviation) {
    return draw_all((draw){.j = j, .a = mean, .b = deviation, .normal = true});
}
