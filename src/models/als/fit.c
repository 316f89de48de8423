/* models/als/fit.c: the loop: items, users, items, users …; what is kept of it becomes the model.
 *
 * Items first and users last, so that a user's row is the solution for the items that the model has: folding his history in
 * gives the same row.
 */
#include <math.h>
#include <string.h>

#include "models/als/als.h"

#define CHECKPOINT_SECONDS 30

/* ---- memory ---- */

static void side_free(als_side *s) {
    ig_free(s->x);
    ig_free(s->shift);
    ig_free(s->link);
    ig_free(s->scale);
    ig_free(s->mu);
    ig_free(s->precision);
    ig_free(s->base);
    ig_free(s->prior);
}

static void fit_free(als_fit *f) {
    side_free(&f->side[0]);
    side_free(&f->side[1]);
    ig_free(f->gram);
    ig_free(f->base);
    ig_free(f->error);
    if (f->work) ig_free_aligned(f->work, (size_t)ig_context_threads(f->ctx) * als_work_floats(f->c) * sizeof *f->work);
}

static ig_status floats(float **out, size_t rows, size_t width, ig_error *err) {
    size_t n;
    if (!ig_mul_size(rows, width, &n)) return ig_error_set(err, IG_E_LIMIT, "%zu rows of %zu numbers are too many", rows, width);
    *out = ig_calloc(n + 1, sizeof **out);
    return *out ? IG_OK : ig_error_nomem(err, n * sizeof **out);
}

static ig_status doubles(double **out, size_t n, ig_error *err) {
    *out = ig_calloc(n + 1, sizeof **out);
    return *out ? IG_OK : ig_error_nomem(err, n * sizeof **out);
}

static ig_status add_prior(als_fit *f, int side, ig_error *err) {
    als_side *s = &f->side[side];
    size_t W = (size_t)f->c->width, D = (size_t)f->c->D;
    IG_TRY(doubles(&s->mu, D, err));
    IG_TRY(doubles(&s->precision, D * D, err));
    IG_TRY(floats(&s->base, W, W, err));
    IG_TRY(floats(&s->prior, 1, W, err));
    s->link_precision = 1;
    if (!f->c->linked[side]) return IG_OK;
    IG_TRY(floats(&s->shift, s->rows, W, err));
    IG_TRY(floats(&s->link, f->side[!side].rows, W, err));
    IG_TRY(floats(&s->scale, s->rows, 1, err));
    for (size_t r = 0; r < s->rows; r++) {
        int64_t n = s->offset[r + 1] - s->offset[r];
        s->scale[r] = n ? (float)(1 / sqrt((double)n)) : 0;
    }
    return IG_OK;
}

static ig_status allocate(als_fit *f, ig_error *err) {
    size_t W = (size_t)f->c->width, bytes = (size_t)ig_context_threads(f->ctx) * als_work_floats(f->c) * sizeof *f->work;
    for (int side = 0; side < 2; side++) IG_TRY(floats(&f->side[side].x, f->side[side].rows, W, err));
    for (int side = 0; side < 2; side++)
        if (f->c->bayesian) IG_TRY(add_prior(f, side, err));
    IG_TRY(floats(&f->gram, W, W, err));
    IG_TRY(floats(&f->base, W, W, err));
    IG_TRY(doubles(&f->error, f->side[ALS_USERS].rows, err));
    f->work = ig_malloc_aligned(bytes);
    return f->work ? IG_OK : ig_error_nomem(err, bytes);
}

/* ---- the beginning ---- */

static void start_rows(als_fit *f, int side) {
    als_side *s = &f->side[side];
    for (size_t r = 0; r < s->rows; r++) {
        ig_rng g;
        als_random(f, side, ALS_DRAW_START, r, &g);
        for (int64_t i = f->c->bias; i < f->c->D; i++) s->x[r * (size_t)f->c->width + (size_t)i] = (float)(0.1 * ig_rng_normal(&g));
    }
}

static void start(als_fit *f) {
    const ig_interactions *d = &f->s->data;
    double sum = 0;
    for (size_t k = 0; k < d->count; k++) sum += d->value[k];
    f->mean = f->c->explicit_values && d->count ? sum / (double)d->count : 0;
    f->noise = 1;
    f->sweeps = f->c->sweeps;
    f->side[0].link_precision = f->side[1].link_precision = 1;
    start_rows(f, ALS_USERS);
    start_rows(f, ALS_ITEMS);
    als_measure(f);
}

/* Thread counts do not belong to it: they do not change the bits. */
static ig_status make_digest(als_fit *f, ig_error *err) {
    ig_buf text = {.max = 2 * IG_RECIPE_BYTES_MAX};
    ig_json j = {.out = &text};
    char data[65];
    ig_interactions_digest(&f->s->data, data);
    ig_json_tree(&j, ig_doc_root(f->m->config));
    ig_buf_printf(&text, " %llu %s", (unsigned long long)f->o->seed, data);
    ig_status s = ig_buf_status(&text, err);
    if (s == IG_OK) ig_sha256_hex(text.data, text.len, f->digest);
    ig_buf_fini(&text);
    return s;
}

/* ---- keeping ---- */

static void keep_rows(const als_fit *f, int side, int64_t part) {
    const als_config *c = f->c;
    const als_side *s = &f->side[side];
    const als_tensors *t = &f->s->t[side];
    float *factors = t->factors->value.data, *bias = t->bias ? t->bias->value.data : NULL;
    for (size_t r = 0; r < s->rows; r++) {
        const float *x = s->x + r * (size_t)c->width;
        if (bias) bias[(int64_t)r * c->parts + part] = x[0];
        memcpy(factors + ((int64_t)r * c->parts + part) * c->rank, x + c->bias, (size_t)c->rank * sizeof *x);
    }
}

static void keep_prior(const als_fit *f, int side, int64_t part) {
    const als_config *c = f->c;
    const als_side *s = &f->side[side];
    const als_tensors *t = &f->s->t[side];
    float *prior = (float *)t->prior->value.data + part * c->D, *precision = (float *)t->precision->value.data + part * c->D * c->D;
    for (int64_t i = 0; i < c->D; i++) prior[i] = (float)s->mu[i];
    for (int64_t i = 0; i < c->D * c->D; i++) precision[i] = (float)s->precision[i];
    for (size_t j = 0; s->link && j < f->side[!side].rows; j++)
        memcpy((float *)t->link->value.data + ((int64_t)j * c->parts + part) * c->D, s->link + j * (size_t)c->width, (size_t)c->D * sizeof(float));
}

static void keep(als_fit *f, int64_t part) {
    for (int side = 0; side < 2; side++) {
        keep_rows(f, side, part);
        if (f->c->bayesian) keep_prior(f, side, part);
    }
    if (f->s->mean) *(float *)f->s->mean->value.data = (float)f->mean;
    if (f->c->bayesian) ((float *)f->s->noise->value.data)[part] = (float)f->noise;
}

static void keep_if_due(als_fit *f) {
    int after = f->sweep - f->c->burn_in;
    if (!f->c->bayesian && f->sweep == f->sweeps) keep(f, 0);
    if (f->c->bayesian && after > 0 && after % f->c->thin == 0) keep(f, after / f->c->thin - 1);
}

/* ---- the loop ---- */

static ig_status sweep(als_fit *f, ig_error *err) {
    static const int order[] = {ALS_ITEMS, ALS_USERS};
    f->sweep++;
    if (f->c->bayesian) als_sample_noise(f);
    for (int i = 0; i < 2; i++) {
        if (f->c->bayesian) IG_TRY(als_sample_side(f, order[i], err));
        IG_TRY(als_solve_side(f, order[i], err));
    }
    als_measure(f);
    if (!isfinite(f->loss)) return ig_error_set(err, IG_E_NUMERIC, "sweep %d: the loss is not finite; use a larger regularization", f->sweep);
    keep_if_due(f);
    return IG_OK;
}

static void tell(const als_fit *f, double began, int first) {
    double elapsed = ig_clock() - began;
    ig_fit_progress p = {.sweep = f->sweep, .sweeps = f->sweeps, .loss = f->loss, .elapsed = elapsed};
    p.left = elapsed / (f->sweep - first) * (f->sweeps - f->sweep);
    if (f->o->progress) f->o->progress(f->o->arg, &p);
}

static ig_status run(als_fit *f, ig_error *err) {
    double began = ig_clock(), saved = began;
    int first = f->sweep;
    while (f->sweep < f->sweeps) {
        IG_TRY(sweep(f, err));
        tell(f, began, first);
        bool stop = f->o->cancel && *f->o->cancel && f->sweep < f->sweeps;
        if (f->o->checkpoint && (stop || ig_clock() - saved > CHECKPOINT_SECONDS)) {
            IG_TRY(als_checkpoint_save(f, err));
            saved = ig_clock();
        }
        if (stop) return ig_error_set(err, IG_E_CANCELLED, "stopped after sweep %d of %d", f->sweep, f->sweeps);
    }
    return IG_OK;
}

static ig_status fit(als_fit *f, ig_error *err) {
    IG_TRY(allocate(f, err));
    IG_TRY(make_digest(f, err));
    start(f);
    if (f->o->resume && f->o->checkpoint && ig_path_exists(f->o->checkpoint)) IG_TRY(als_checkpoint_load(f, err));
    return run(f, err);
}

static void take_side(als_side *s, size_t rows, const int64_t *offset, const int32_t *index, const float *value) {
    s->rows = rows;
    s->offset = offset;
    s->index = index;
    s->value = value;
}

ig_status als_fit_model(ig_model *m, ig_interactions *data, const ig_fit_opts *opts, ig_error *err) {
    als *s = m->state;
    als_fit f = {.ctx = m->ctx, .m = m, .s = s, .c = &s->c, .k = ig_kernels_of(m->ctx), .o = opts};
    if (data->count == 0) return ig_error_set(err, IG_E_ARG, "the data holds no interactions; give at least one");
    IG_TRY(als_keep_data(s, data, err));
    take_side(&f.side[ALS_USERS], s->data.users.count, s->data.offset, s->data.item, s->data.value);
    take_side(&f.side[ALS_ITEMS], s->data.items.count, s->offset, s->user, s->value);
    ig_status status = fit(&f, err);
    fit_free(&f);
    return status;
}
