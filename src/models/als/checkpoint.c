/* models/als/checkpoint.c: what a stopped fit goes on from, as one safetensors file that is replaced as a whole.
 *
 *     rows/0, rows/1    f32 [U,W], [I,W]      link/0, link/1  f32 [F,W]
 *     state             f64 [5]: sweep, loss, precision of the noise, of both links
 *     the model's own parameters: the draws that it keeps so far
 *     __metadata__      digest of data, settings and seed
 *
 * Everything else of a sweep is drawn or computed from these and the sweep's number, so that a fit that went on ends with the
 * bits of one that was never stopped.
 */
#include <math.h>
#include <string.h>

#include "ingot/formats.h"
#include "models/als/als.h"

#define TENSORS_MAX 24
#define STATE 5

typedef struct tensors {
    ig_named_tensor list[TENSORS_MAX];
    ig_tensor t[TENSORS_MAX];
    size_t count;
    double state[STATE];
} tensors;

static ig_status add(tensors *ts, const char *name, void *data, ig_dtype type, size_t n, ig_error *err) {
    int64_t shape[1] = {(int64_t)n};
    IG_TRY(ig_tensor_wrap(&ts->t[ts->count], data, type, 1, shape, err));
    ts->list[ts->count] = (ig_named_tensor){name, &ts->t[ts->count]};
    ts->count++;
    return IG_OK;
}

/* The same list for writing and reading. */
static ig_status gather(tensors *ts, const als_fit *f, ig_error *err) {
    static const char *const rows[] = {"rows/0", "rows/1"}, *const links[] = {"link/0", "link/1"};
    size_t W = (size_t)f->c->width;
    for (int side = 0; side < 2; side++) {
        const als_side *s = &f->side[side];
        IG_TRY(add(ts, rows[side], s->x, IG_DTYPE_F32, s->rows * W, err));
        if (s->link) IG_TRY(add(ts, links[side], s->link, IG_DTYPE_F32, f->side[!side].rows * W, err));
    }
    for (size_t i = 0; i < f->m->params.count; i++) {
        const ig_param *p = f->m->params.item[i];
        IG_TRY(add(ts, p->name, p->value.data, IG_DTYPE_F32, (size_t)ig_tensor_numel(&p->value), err));
    }
    return add(ts, "state", ts->state, IG_DTYPE_F64, STATE, err);
}

ig_status als_checkpoint_save(const als_fit *f, ig_error *err) {
    tensors ts = {.state = {f->sweep, f->loss, f->noise, f->side[0].link_precision, f->side[1].link_precision}};
    ig_text_pair digest = {"digest", f->digest};
    IG_TRY(gather(&ts, f, err));
    return ig_safetensors_save(f->ctx, f->o->checkpoint, ts.list, ts.count, &digest, 1, err);
}

static ig_status read_tensors(const als_fit *f, const ig_safetensors *file, tensors *ts, ig_error *err) {
    for (size_t i = 0; i < ts->count; i++) {
        int64_t at = ig_safetensors_find(file, ts->list[i].name);
        if (at < 0) return ig_error_at(err, IG_E_FORMAT, f->o->checkpoint, 0, "%s is missing", ts->list[i].name);
        IG_TRY(ig_safetensors_read(f->ctx, file, (size_t)at, &ts->t[i], err));
    }
    return IG_OK;
}

static ig_status take_state(als_fit *f, const double *state, ig_error *err) {
    bool sane = state[0] >= 0 && state[0] <= f->sweeps && isfinite(state[1]) && state[2] > 0 && state[3] > 0 && state[4] > 0;
    if (!sane) return ig_error_at(err, IG_E_FORMAT, f->o->checkpoint, 0, "its state is not one of a fit; start anew without --resume");
    f->sweep = (int)state[0];
    f->loss = state[1];
    f->noise = state[2];
    f->side[0].link_precision = state[3];
    f->side[1].link_precision = state[4];
    for (int side = 0; side < 2; side++) als_link_shift(f, side);
    return IG_OK;
}

static ig_status read_checkpoint(als_fit *f, const ig_safetensors *file, ig_error *err) {
    tensors ts = {.count = 0};
    const char *digest = ig_safetensors_metadata(file, "digest");
    if (!digest || strcmp(digest, f->digest) != 0)
        return ig_error_at(err, IG_E_STATE, f->o->checkpoint, 0, "is of other data, settings or another seed; start anew without --resume");
    IG_TRY(gather(&ts, f, err));
    IG_TRY(read_tensors(f, file, &ts, err));
    return take_state(f, ts.state, err);
}

ig_status als_checkpoint_load(als_fit *f, ig_error *err) {
    ig_safetensors *file = NULL;
    IG_TRY(ig_safetensors_open(f->o->checkpoint, &file, err));
    ig_status s = read_checkpoint(f, file, err);
    ig_safetensors_close(file);
    return s;
}
