/* models/als/family.c: the family's row in the table, its parameters, and the data that a model keeps. */
#include <math.h>
#include <string.h>

#include "models/als/als.h"
#include "models/interactions_file.h"
#include "models/model.h"

/* ---- parameters ---- */

static ig_status add(ig_model *m, const char *side, const char *what, int64_t a, int64_t b, int64_t c, const ig_param **out, ig_error *err) {
    char name[64];
    int64_t shape[3] = {a, b, c};
    snprintf(name, sizeof name, "%s%s", side, what);
    return ig_model_add(m, name, c ? 3 : b ? 2 : 1, shape, out, err);
}

static ig_status add_side(ig_model *m, als *s, int side, ig_error *err) {
    const als_config *c = &s->c;
    als_tensors *t = &s->t[side];
    const char *name = side == ALS_USERS ? "user" : "item";
    IG_TRY(add(m, name, "_factors", c->rows[side], c->parts * c->rank, 0, &t->factors, err));
    if (c->bias) IG_TRY(add(m, name, "_bias", c->rows[side], c->parts, 0, &t->bias, err));
    if (!c->bayesian) return IG_OK;
    IG_TRY(add(m, name, "_prior", c->parts, c->D, 0, &t->prior, err));
    IG_TRY(add(m, name, "_precision", c->parts, c->D, c->D, &t->precision, err));
    return c->linked[side] ? add(m, name, "_link", c->rows[!side], c->parts * c->D, 0, &t->link, err) : IG_OK;
}

static ig_status build(ig_model *m, ig_error *err) {
    als *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    m->state = s;
    IG_TRY(als_read_config(m, &s->c, err));
    IG_TRY(add_side(m, s, ALS_USERS, err));
    IG_TRY(add_side(m, s, ALS_ITEMS, err));
    if (s->c.explicit_values) IG_TRY(add(m, "", "mean", 1, 0, 0, &s->mean, err));
    return s->c.bayesian ? add(m, "", "noise", s->c.parts, 0, 0, &s->noise, err) : IG_OK;
}

static void free_state(void *state) {
    als *s = state;
    if (!s) return;
    ig_interactions_fini(&s->data);
    ig_free(s->offset);
    ig_free(s->user);
    ig_free(s->value);
    ig_free(s);
}

/* ---- data ---- */

ig_status als_keep_data(als *s, ig_interactions *data, ig_error *err) {
    IG_TRY(ig_interactions_by_item(data, &s->offset, &s->user, &s->value, err));
    s->low = data->count ? INFINITY : 0;
    s->high = data->count ? -INFINITY : 0;
    for (size_t k = 0; k < data->count; k++) {
        s->low = fminf(s->low, data->value[k]);
        s->high = fmaxf(s->high, data->value[k]);
    }
    s->data = *data;
    *data = (ig_interactions){0};
    return IG_OK;
}

static ig_status write_more(const ig_model *m, const char *folder, ig_error *err) {
    return interactions_file_save(m->ctx, &((const als *)m->state)->data, folder, err);
}

static ig_status take(ig_model *m, ig_interactions *data, const char *dir, ig_error *err) {
    als *s = m->state;
    if ((int64_t)data->users.count == s->c.rows[ALS_USERS] && (int64_t)data->items.count == s->c.rows[ALS_ITEMS])
        return als_keep_data(s, data, err);
    return ig_error_at(err, IG_E_FORMAT, dir, 0, "interactions.safetensors has %zu users and %zu items, config.json %lld and %lld",
                       data->users.count, data->items.count, (long long)s->c.rows[ALS_USERS], (long long)s->c.rows[ALS_ITEMS]);
}

static ig_status read_more(ig_model *m, const char *dir, ig_error *err) {
    ig_interactions data = {0};
    ig_status s = interactions_file_load(m->ctx, dir, &data, err);
    if (s == IG_OK) s = take(m, &data, dir, err);
    ig_interactions_fini(&data);
    return s;
}

/* ---- the row ---- */

static ig_status initialise(ig_model *m, uint64_t seed, ig_error *err) {
    (void)m, (void)seed;
    return ig_error_set(err, IG_E_UNSUPPORTED, "a model of the family als is made by its own fit: data of the kind interactions");
}

static const char *const model_types[] = {"als", NULL};

const ig_family ig_family_als = {
    .name = "als",
    .doc = "factorisation of interactions by alternating least squares, for recommending",
    .capabilities = IG_CAN_RECOMMEND,
    .model_types = model_types,
    .config_schema = als_schema,
    .build = build,
    .free_state = free_state,
    .initialise = initialise,
    .write_more = write_more,
    .read_more = read_more,
    .recommender = &als_recommender,
};
