/* train/table_data.c: see table_data.h.
 *
 *     file ─► frame ─► which rows are held out ─► preparation, fitted on the others ─► numbers, indices, labels
 *
 * A model that the recipe goes on with brings its preparation: its weights mean nothing under another one.
 */
#include "train/table_data.h"

#include <math.h>
#include <string.h>

#define CHOICES_MAX 4096

static const ig_tree *data_part(const trainer *t) { return ig_tree_path(ig_doc_root(t->r->doc), "data"); }
static const char *label_of(const trainer *t) { return ig_tree_text(data_part(t), "label", "label"); }

/* ---- settings ---- */

static bool scaling_parse(const char *name, ig_scaling *out) {
    static const char *const names[] = {"standard", "log", "buckets", "none"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *out = (ig_scaling)i;
        return true;
    }
    return false;
}

/* A word for a column is a type ("category", "id": leave it out) or what becomes of a number ("log"). */
static ig_status read_choice(const trainer *t, const ig_tree *at, ig_scaling scaling, ig_column_choice *out, ig_error *err) {
    *out = (ig_column_choice){.column = at->key, .type = IG_COLUMN_TYPES, .scaling = scaling};
    if (at->type == IG_TREE_TEXT && (ig_column_type_parse(at->text, &out->type) || scaling_parse(at->text, &out->scaling)))
        return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, t->r->file, at->line,
                       "data.types.%.60s: expected a type (boolean, integer, number, date, category; id: the column is left out) or standard, log, buckets, none", at->key);
}

static ig_status read_choices(const trainer *t, const ig_frame *f, ig_preparation_opts *o, ig_column_choice *choice, ig_error *err) {
    const ig_tree *columns = ig_tree_get(data_part(t), "types");
    int column;
    for (const ig_tree *at = columns ? columns->child : NULL; at; at = at->next) {
        if (o->choices == CHOICES_MAX)
            return ig_error_at(err, IG_E_LIMIT, t->r->file, at->line, "data.types: more than %d", CHOICES_MAX);
        IG_TRY(read_choice(t, at, o->scaling, &choice[o->choices], err));
        IG_TRY(ig_frame_column_of(f, at->key, &column, err));
        o->choices++;
    }
    for (size_t k = 0; ig_csr_is_named(t->r->data.train[0]) && k < f->columns && o->choices < CHOICES_MAX; k++)
        if (strcmp(f->column[k].name, label_of(t)) != 0)
            choice[o->choices++] = (ig_column_choice){.column = f->column[k].name, .type = IG_COLUMN_CATEGORY, .scaling = o->scaling};
    o->choice = choice;
    return IG_OK;
}

static ig_status load_frame(const trainer *t, const char *path, ig_frame *out, ig_error *err) {
    ig_frame_opts o = {.table.headless = !ig_tree_bool(data_part(t), "header", true), .drop_stop = label_of(t)};
    return ig_frame_load_any(path, &o, out, err);
}

/* ---- rows ---- */

static ig_status take_all(size_t n, size_t **out, size_t *count, ig_error *err) {
    *out = ig_calloc(n + 1, sizeof **out);
    if (!*out) return ig_error_nomem(err, n * sizeof **out);
    for (*count = 0; *count < n; (*count)++) (*out)[*count] = *count;
    return IG_OK;
}

/* What a row holds, its label apart, decides its side; of every class the same share is held out. */
static ig_status choose_held(const trainer *t, const ig_frame *f, bool *held, ig_error *err) {
    int label;
    double share = t->r->data.validation_fraction;
    IG_TRY(ig_frame_column_of(f, label_of(t), &label, err));
    memset(held, 0, f->rows * sizeof *held);
    if (t->r->data.validation_count || share <= 0) return IG_OK;
    uint64_t *key = ig_calloc(f->rows, sizeof *key);
    if (!key) return ig_error_nomem(err, f->rows * sizeof *key);
    ig_frame_keys(f, label, key);
    bool classes = strcmp(ig_tree_text(data_part(t), "label_is", "class"), "class") == 0;
    ig_row_split split = {.rows = f->rows, .key = key, .seed = t->seed, .stratum = classes ? f->column[label].code : NULL};
    ig_status status = ig_row_split_held_out(&split, share, held, err);
    ig_free(key);
    return status;
}

static ig_status sort_rows(table_data *d, size_t n, const bool *held, ig_error *err) {
    d->row = ig_calloc(n + 1, sizeof *d->row);
    d->held = ig_calloc(n + 1, sizeof *d->held);
    if (!d->row || !d->held) return ig_error_nomem(err, n * sizeof *d->row);
    for (size_t i = 0; i < n; i++) {
        if (held[i]) d->held[d->held_rows++] = i;
        else d->row[d->rows++] = i;
    }
    return IG_OK;
}

/* ---- the preparation ---- */

static ig_status fit(const trainer *t, const ig_frame *f, bool *use, table_data *d, ig_error *err) {
    const ig_tree *data = data_part(t);
    ig_preparation_opts o = {.label = label_of(t), .label_is_number = d->regression, .drop_stop = true,
                             .min_count = (size_t)ig_tree_int(data, "min_count", 0), .use = use};
    ig_column_choice *choice = ig_calloc(CHOICES_MAX, sizeof *choice);
    if (!choice) return ig_error_nomem(err, CHOICES_MAX * sizeof *choice);
    scaling_parse(ig_tree_text(data, "scaling", "standard"), &o.scaling);
    ig_status status = read_choices(t, f, &o, choice, err);
    if (status == IG_OK) status = ig_preparation_fit(f, &o, &d->preparation, err);
    ig_free(choice);
    return status;
}

static ig_status take_over(const trainer *t, table_data *d, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, t->model->path, "preparation.json", err));
    return ig_preparation_load(path, &d->preparation, err);
}

static ig_status prepare(const trainer *t, const ig_frame *f, table_data *d, ig_error *err) {
    bool *held = ig_calloc(f->rows, sizeof *held);
    if (!held) return ig_error_nomem(err, f->rows);
    ig_status status = choose_held(t, f, held, err);
    if (status == IG_OK) status = sort_rows(d, f->rows, held, err);
    for (size_t i = 0; i < f->rows; i++) held[i] = !held[i]; /* now: the rows to fit on */
    if (status == IG_OK) status = t->model ? take_over(t, d, err) : fit(t, f, held, d, err);
    if (status == IG_OK) status = ig_preparation_apply(d->preparation, f, &d->train, err);
    ig_free(held);
    return status;
}

static ig_status check_label(const trainer *t, const table_data *d, const ig_prepared *x, const char *path, ig_error *err) {
    size_t classes = ig_preparation_classes(d->preparation);
    if (!x->label)
        return ig_error_at(err, IG_E_FORMAT, path, 1, "no column \"%s\": data.label names the column that is learned",
                           label_of(t));
    if (!d->regression && classes != 2)
        return ig_error_at(err, IG_E_FORMAT, path, 1,
                           "column \"%s\" has %zu values and two classes are expected; for a number say data.label_is: number", label_of(t), classes);
    for (size_t i = 0; i < x->rows; i++)
        if (!isfinite(x->label[i]))
            return ig_error_at(err, IG_E_FORMAT, path, 0, "row %zu has no label: \"%s\" is empty or unknown", i + 1,
                               label_of(t));
    if (ig_preparation_texts(d->preparation) == 0) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, path, 1,
                       "column \"%s\" holds free text, which no model of this kind reads; leave it out: data.types: {%s: id}",
                       ig_preparation_text_name(d->preparation, 0), ig_preparation_text_name(d->preparation, 0));
}

/* ---- loading ---- */

static ig_status load_validation(const trainer *t, table_data *d, ig_error *err) {
    ig_frame f = {0};
    d->held_in = &d->train;
    if (!t->r->data.validation_count) return IG_OK;
    d->held_in = &d->validation;
    IG_TRY(load_frame(t, t->r->data.validation[0], &f, err));
    ig_status status = ig_preparation_apply(d->preparation, &f, &d->validation, err);
    ig_frame_fini(&f);
    IG_TRY(status);
    IG_TRY(check_label(t, d, &d->validation, t->r->data.validation[0], err));
    ig_free(d->held);
    return take_all(d->validation.rows, &d->held, &d->held_rows, err);
}

static ig_status digest(trainer *t, const table_data *d, ig_error *err) {
    ig_buf more = {.max = (size_t)1 << 30};
    ig_status status = ig_preparation_json(d->preparation, &more, err);
    ig_buf_printf(&more, "\n%zu %zu\n", d->rows, d->held_rows);
    if (status == IG_OK) status = ig_buf_status(&more, err);
    if (status == IG_OK) status = task_digest(t->r, more.data, t->corpus.sha256, err);
    ig_buf_fini(&more);
    return status;
}

ig_status table_data_load(trainer *t, table_data *d, ig_error *err) {
    const ig_recipe *r = t->r;
    ig_frame f = {0};
    if (r->data.train_count > 1 || r->data.validation_count > 1)
        return ig_error_at(err, IG_E_FORMAT, r->file, 0, "data.train: expected one table");
    d->regression = strcmp(ig_tree_text(data_part(t), "label_is", "class"), "number") == 0;
    d->seed = t->seed;
    IG_TRY(load_frame(t, r->data.train[0], &f, err));
    ig_status status = prepare(t, &f, d, err);
    ig_frame_fini(&f);
    IG_TRY(status);
    IG_TRY(check_label(t, d, &d->train, r->data.train[0], err));
    IG_TRY(load_validation(t, d, err));
    if (r->evaluate.windows && (int64_t)d->held_rows > r->evaluate.windows) d->held_rows = (size_t)r->evaluate.windows;
    d->truth = ig_calloc(d->held_rows + 1, sizeof *d->truth);
    d->said = ig_calloc(d->held_rows + 1, sizeof *d->said);
    if (!d->truth || !d->said) return ig_error_nomem(err, d->held_rows * sizeof *d->truth);
    return digest(t, d, err);
}

void table_data_fini(table_data *d) {
    ig_preparation_free(d->preparation);
    ig_prepared_fini(&d->train);
    ig_prepared_fini(&d->validation);
    ig_free(d->row);
    ig_free(d->held);
    ig_free(d->truth);
    ig_free(d->said);
    *d = (table_data){0};
}
