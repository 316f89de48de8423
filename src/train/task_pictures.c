/* train/task_pictures.c: pictures with a class each: folders, a table, or IDX files (ingot/pictures.h).
 *
 *     data:    {kind: pictures, train: folder, validation: 0.1, channels: 3}
 *     augment: {size: 32, padding: 4, flip: 0.5, mixup: 0.2}
 *
 * Size and normalisation come from the model, or else from the data, where the recipe does not say them.  With mixup a row has two classes and the
 * weight of the first.
 */
#include <math.h>
#include <string.h>

#include "ingot/vision.h"
#include "train/task.h"

#define HELD_ROWS_MAX 64
#define DIGEST_PICTURES_MAX 1000

enum { PICTURES, LABELS, MIXED, WEIGHT };

typedef struct picture_data {
    ig_picture_set *train, *held; /* held may be train */
    ig_picture_split split;
    bool own_held;                /* held has pictures of its own */
    ig_augment augment;
    ig_picture_batches *batches, *held_batches;
    int64_t first, rows;          /* of the last micro step, for a message */
    int64_t *confusion;           /* [L,L] of an evaluation */
    char **classes;               /* of the model that the recipe goes on with */
    size_t class_count;
} picture_data;

static picture_data *data_of(const trainer *t) { return t->data; }

static const ig_tree *data_part(const trainer *t) { return ig_tree_get(ig_doc_root(t->r->doc), "data"); }

/* ---- loading ---- */

static ig_status refuse(const trainer *t, const ig_picture_problems *p, ig_error *err) {
    const ig_error *first = NULL;
    for (size_t i = 0; i < p->len && !first; i++)
        if (!p->item[i].harmless) first = &p->item[i].error;
    if (!first) return ig_error_at(err, IG_E_FORMAT, t->r->file, 0, "%zu pictures cannot be used", p->count - p->harmless);
    return ig_error_at(err, IG_E_FORMAT, first->file, first->line, "%.600s (%zu pictures cannot be used)", first->message, p->count - p->harmless);
}

static void tell(trainer *t, const ig_picture_problems *p) {
    if (p->count) snprintf(t->corpus.note, sizeof t->corpus.note, "%zu pictures were passed over or are the same as another: %.250s", p->count,
                           p->item[0].error.message);
}

/* Pictures that cannot be read are left out and told; a table or folder that is wrong as a whole is refused. */
static ig_status open_set(trainer *t, char *const *paths, size_t count, const ig_picture_set_opts *opts, ig_picture_set **out, ig_error *err) {
    ig_picture_problems problems = {0};
    if (count != 1) return ig_error_at(err, IG_E_FORMAT, t->r->file, 0, "data.train and data.validation: expected one folder, table or IDX file, found %zu", count);
    ig_status status = ig_picture_set_open(paths[0], opts, &problems, out, err);
    if (status == IG_OK) status = ig_picture_set_check(t->ctx, *out, &problems, err);
    if (status == IG_OK && ig_picture_set_count(*out) == 0) status = refuse(t, &problems, err);
    if (status == IG_OK) tell(t, &problems);
    ig_picture_problems_fini(&problems);
    return status;
}

/* A model that has learned classes keeps them, in its order. */
static ig_status keep_classes(trainer *t, picture_data *d, ig_error *err) {
    int64_t n = t->model ? t->model->family->label_count(t->model) : 0;
    if (n == 0 || !*t->model->family->label(t->model, 0)) return IG_OK;
    d->classes = ig_calloc((size_t)n, sizeof *d->classes);
    if (!d->classes) return ig_error_nomem(err, (size_t)n * sizeof *d->classes);
    for (; d->class_count < (size_t)n; d->class_count++) {
        d->classes[d->class_count] = ig_strdup(t->model->family->label(t->model, (int64_t)d->class_count));
        if (!d->classes[d->class_count]) return ig_error_nomem(err, 64);
    }
    return IG_OK;
}

/* Pictures of their own that are held out have the classes of those that are trained on, in their order. */
static ig_status open_held(trainer *t, picture_data *d, ig_error *err) {
    size_t count = ig_picture_set_classes(d->train);
    const char **names = ig_calloc(count, sizeof *names);
    if (!names) return ig_error_nomem(err, count * sizeof *names);
    for (size_t i = 0; i < count; i++) names[i] = ig_picture_set_class(d->train, i);
    ig_picture_set_opts opts = {.channels = ig_picture_set_channels(d->train), .classes = names, .class_count = count};
    d->held = NULL;
    d->own_held = true;
    ig_status status = open_set(t, t->r->data.validation, t->r->data.validation_count, &opts, &d->held, err);
    ig_free(names);
    return status;
}

static int channels_of(const trainer *t) {
    int64_t size[3] = {0};
    if (t->model) t->model->family->picture_size(t->model, size);
    return (int)ig_tree_int(data_part(t), "channels", size[2]);
}

static ig_status open_sets(trainer *t, picture_data *d, ig_error *err) {
    const ig_recipe *r = t->r;
    bool own = r->data.validation_count > 0;
    ig_picture_set_opts opts = {.channels = channels_of(t), .classes = (const char *const *)d->classes, .class_count = d->class_count};
    IG_TRY(open_set(t, r->data.train, r->data.train_count, &opts, &d->train, err));
    d->held = d->train;
    if (own) IG_TRY(open_held(t, d, err));
    return ig_picture_split_make(d->train, own ? 0 : r->data.validation_fraction, &d->split, err);
}

/* ---- size and normalisation ---- */

/* The size of config.json, which the family checks; the preparation of the model that the recipe goes on with. */
static ig_status choose(trainer *t, picture_data *d, ig_error *err) {
    ig_augment from, *a = &d->augment;
    const ig_tree *size = ig_tree_get(t->r->model.config, "image_size"), *rows = size && size->type == IG_TREE_LIST ? size->child : size;
    if (rows && !a->height) a->height = rows->integer, a->width = rows->next && rows != size ? rows->next->integer : rows->integer;
    if (t->model) {
        IG_TRY(ig_preprocess_read(t->model, &from, err));
        if (!a->height) a->height = from.height, a->width = from.width;
        if (!a->normalized) memcpy(a->mean, from.mean, sizeof a->mean), memcpy(a->std, from.std, sizeof a->std);
        a->normalized = true;
    }
    ig_status status = ig_augment_complete(t->ctx, d->train, d->split.train, d->split.train_count, a, err);
    return status == IG_E_ARG ? ig_error_at(err, IG_E_FORMAT, t->r->file, 0, "augment.size: the pictures have different sizes; say what the network gets, as 224") : status;
}

/* Names, classes and which side they are on, and the pixels of a sample of a thousand. */
static ig_status digest(trainer *t, picture_data *d, ig_error *err) {
    ig_buf all = {.max = (size_t)1 << 30};
    size_t n = ig_picture_set_count(d->train), step = n / DIGEST_PICTURES_MAX + 1;
    ig_status status = IG_OK;
    for (size_t i = 0; i < n && status == IG_OK; i++) {
        ig_picture p = {0};
        char pixels[65] = "";
        if (i % step == 0) status = ig_picture_set_decode(d->train, i, &p, err);
        if (status == IG_OK && i % step == 0) ig_sha256_hex(p.data, (size_t)(p.height * p.width * p.channels), pixels);
        ig_picture_fini(&p);
        ig_buf_printf(&all, "%s %lld %s\n", ig_picture_set_name(d->train, i), (long long)ig_picture_set_label(d->train, i), pixels);
    }
    ig_buf_printf(&all, "%zu %zu\n", d->split.train_count, d->own_held ? ig_picture_set_count(d->held) : d->split.valid_count);
    if (status == IG_OK) status = ig_buf_status(&all, err);
    if (status == IG_OK) ig_sha256_hex(all.data, all.len, t->corpus.sha256);
    ig_buf_fini(&all);
    return status;
}

static ig_status load(trainer *t, ig_error *err) {
    picture_data *d = ig_calloc(1, sizeof *d);
    if (!d) return ig_error_nomem(err, sizeof *d);
    t->data = d;
    IG_TRY(ig_augment_parse(t->r->file, ig_tree_get(ig_doc_root(t->r->doc), "augment"), &d->augment, err));
    IG_TRY(keep_classes(t, d, err));
    IG_TRY(open_sets(t, d, err));
    IG_TRY(choose(t, d, err));
    return digest(t, d, err);
}

/* ---- the model ---- */

static void config(const trainer *t, const ig_schema_field *fields, ig_json *j) {
    const picture_data *d = data_of(t);
    const ig_tree *given = t->r->model.config;
    (void)fields;
    if (!ig_tree_get(given, "image_size")) {
        ig_json_key(j, "image_size"), ig_json_open(j, '[');
        ig_json_int(j, d->augment.height), ig_json_int(j, d->augment.width);
        ig_json_close(j, ']');
    }
    if (!ig_tree_get(given, "num_channels")) ig_json_key(j, "num_channels"), ig_json_int(j, d->augment.channels);
    if (ig_tree_get(given, "id2label") || ig_tree_get(given, "num_labels")) return;
    ig_json_key(j, "id2label"), ig_json_open(j, '{');
    for (size_t i = 0; i < ig_picture_set_classes(d->train); i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        ig_json_key(j, key), ig_json_text(j, ig_picture_set_class(d->train, i));
    }
    ig_json_close(j, '}');
}

static ig_status check(const trainer *t, ig_error *err) {
    const picture_data *d = data_of(t);
    int64_t size[3], labels = t->model->family->label_count(t->model), classes = (int64_t)ig_picture_set_classes(d->train);
    t->model->family->picture_size(t->model, size);
    if (classes > labels)
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0, "the pictures have %lld classes and the model %lld", (long long)classes, (long long)labels);
    if (size[0] != d->augment.height || size[1] != d->augment.width || size[2] != d->augment.channels)
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0, "the model reads pictures of %lld x %lld x %lld, and augment.size says %lld x %lld x %d",
                           (long long)size[0], (long long)size[1], (long long)size[2], (long long)d->augment.height, (long long)d->augment.width,
                           d->augment.channels);
    return IG_OK;
}

static ig_status save(const trainer *t, const char *dir, ig_error *err) {
    return ig_preprocess_write(&data_of(t)->augment, dir, err);
}

/* ---- batches ---- */

static ig_status make_held(trainer *t, picture_data *d, ig_error *err) {
    int64_t count = (int64_t)(d->own_held ? ig_picture_set_count(d->held) : d->split.valid_count), L = t->model->family->label_count(t->model);
    t->validates = count > 0;
    if (!t->validates) return IG_OK;
    if (t->r->evaluate.windows && count > t->r->evaluate.windows) count = t->r->evaluate.windows;
    t->held_rows = count;
    t->held.length = 1;
    t->held.rows = count < HELD_ROWS_MAX ? count : HELD_ROWS_MAX;
    t->held_runs = (count - 1) / t->held.rows + 1;
    d->confusion = ig_calloc((size_t)(L * L), sizeof *d->confusion);
    if (!d->confusion) return ig_error_nomem(err, (size_t)(L * L) * sizeof *d->confusion);
    ig_picture_batches_opts opts = {.index = d->own_held ? NULL : d->split.valid, .count = (size_t)count, .batch = t->held.rows};
    return ig_picture_batches_open(t->ctx, d->held, &d->augment, &opts, &d->held_batches, err);
}

static ig_status make(trainer *t, ig_error *err) {
    picture_data *d = data_of(t);
    ig_picture_batches_opts opts = {.index = d->split.train, .count = d->split.train_count, .batch = t->r->train.batch, .seed = t->seed, .training = true};
    t->shapes = 1;
    t->shape[0].rows = t->r->train.batch;
    t->shape[0].length = 1;
    t->units_per_step = t->r->train.batch * t->r->train.accumulate;
    IG_TRY(ig_picture_batches_open(t->ctx, d->train, &d->augment, &opts, &d->batches, err));
    return make_held(t, d, err);
}

static ig_status inputs(trainer *t, train_shape *s, ig_error *err) {
    const ig_augment *a = &data_of(t)->augment;
    int64_t size[4] = {s->rows, a->height, a->width, a->channels};
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 4, size, &s->in[PICTURES], err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, size, &s->in[LABELS], err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, size, &s->in[MIXED], err));
    return ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 1, size, &s->in[WEIGHT], err);
}

static void copy(const ig_tensor *to, const ig_tensor *from) { memcpy(to->data, from->data, ig_tensor_bytes(to)); }

static ig_status fill_from(ig_picture_batches *b, int64_t i, train_shape *s, int64_t *counted, ig_error *err) {
    const ig_picture_batch *batch = NULL;
    IG_TRY(ig_picture_batches_get(b, i, &batch, err));
    copy(&s->in[PICTURES], &batch->pictures);
    copy(&s->in[LABELS], &batch->labels);
    copy(&s->in[MIXED], &batch->mixed);
    copy(&s->in[WEIGHT], &batch->weight);
    *counted = batch->rows;
    return IG_OK;
}

static ig_status fill(trainer *t, int64_t batch, int *shape, int64_t *counted, ig_error *err) {
    *shape = 0;
    data_of(t)->first = batch * t->r->train.batch;
    return fill_from(data_of(t)->batches, batch, &t->shape[0], counted, err);
}

static ig_status fill_held(trainer *t, int64_t i, int64_t *counted, ig_error *err) {
    int64_t L = t->model->family->label_count(t->model);
    if (i == 0) memset(data_of(t)->confusion, 0, (size_t)(L * L) * sizeof(int64_t));
    return fill_from(data_of(t)->held_batches, i, &t->held, counted, err);
}

/* ---- loss ---- */

/* -Σ weight·log p(label) + (1 - weight)·log p(mixed), a mean over the rows; smoothing spreads its share over all classes. */
static ig_var *mixed_loss(trainer *t, ig_graph *g, const train_shape *s, ig_var *logits) {
    int64_t column[2] = {s->rows, 1};
    double smoothing = t->r->regularise.label_smoothing;
    ig_var *log_p = ig_log_softmax(g, logits, 1), *weight = ig_reshape(g, ig_input(g, "weight", &s->in[WEIGHT]), 2, column);
    ig_var *a = ig_gather(g, log_p, 1, ig_reshape(g, ig_input(g, "labels", &s->in[LABELS]), 2, column));
    ig_var *b = ig_gather(g, log_p, 1, ig_reshape(g, ig_input(g, "mixed", &s->in[MIXED]), 2, column));
    ig_var *mixed = ig_add(g, b, ig_mul(g, weight, ig_sub(g, a, b)));
    ig_var *loss = ig_affine(g, ig_mean(g, mixed, 0, false), -1, 0);
    if (smoothing == 0) return loss;
    return ig_add(g, ig_affine(g, loss, 1 - smoothing, 0), ig_affine(g, ig_mean(g, log_p, 0, false), -smoothing, 0));
}

static ig_var *loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count) {
    ig_graph *g = p->g;
    ig_var *logits = t->model->family->see(t->model, p, ig_input(g, "pictures", &s->in[PICTURES]), NULL);
    if (p->training && data_of(t)->augment.mixup > 0) return mixed_loss(t, g, s, logits);
    ig_cross_entropy_opts opts = {.has_ignore = true, .ignore_index = IG_NO_TARGET, .label_smoothing = p->training ? t->r->regularise.label_smoothing : 0};
    if (!p->training) more[(*count)++] = ig_argmax(g, logits, 1);
    return ig_cross_entropy(g, logits, ig_input(g, "labels", &s->in[LABELS]), opts);
}

static void watch(trainer *t, const train_shape *s, const ig_tensor *const *more, task_sums *sums) {
    int64_t L = t->model->family->label_count(t->model);
    const int64_t *labels = s->in[LABELS].data, *best = more[0]->data;
    for (int64_t i = 0; i < s->rows; i++) {
        if (labels[i] == IG_NO_TARGET) continue;
        sums->sum[0] += labels[i] == best[i];
        sums->count++;
        data_of(t)->confusion[labels[i] * L + best[i]]++;
    }
}

/* Accuracy, and the mean of F1 over the classes that occur. */
static ig_status conclude(trainer *t, const task_sums *sums, double *figures, ig_error *err) {
    int64_t L = t->model->family->label_count(t->model), classes = 0;
    const int64_t *c = data_of(t)->confusion;
    double f1 = 0;
    (void)err;
    for (int64_t k = 0; k < L; k++) {
        int64_t truth = 0, said = 0;
        for (int64_t i = 0; i < L; i++) truth += c[k * L + i], said += c[i * L + k];
        if (truth + said == 0) continue;
        classes++;
        f1 += 2 * (double)c[k * L + k] / (double)(truth + said);
    }
    figures[0] = sums->count > 0 ? sums->sum[0] / sums->count : NAN;
    figures[1] = classes ? f1 / (double)classes : NAN;
    return IG_OK;
}

/* ---- telling ---- */

static double epoch(const trainer *t, int64_t batches) { return ig_picture_batches_epoch(data_of(t)->batches, batches); }

static void where(const trainer *t, char *buf, size_t size) {
    const picture_data *d = data_of(t);
    snprintf(buf, size, "%lld pictures, numbers %lld and following of the shuffled epochs", (long long)t->r->train.batch, (long long)d->first);
}

static void size(const trainer *t, int64_t *train, int64_t *held) {
    *train = (int64_t)data_of(t)->split.train_count;
    *held = t->held_rows;
}

static void release(trainer *t) {
    picture_data *d = data_of(t);
    if (!d) return;
    ig_picture_batches_close(d->batches);
    ig_picture_batches_close(d->held_batches);
    ig_picture_split_fini(&d->split);
    if (d->held != d->train) ig_picture_set_free(d->held);
    ig_picture_set_free(d->train);
    for (size_t i = 0; i < d->class_count; i++) ig_free(d->classes[i]);
    ig_free(d->classes);
    ig_free(d->confusion);
    ig_free(d);
}

static const char *const keys[] = {"channels", NULL};
static const char *const parts[] = {"augment", NULL};
static const train_figure figures[] = {{"accuracy", true}, {"macro_f1", true}, {0}};

const train_task train_task_pictures = {
    .name = "pictures", .doc = "pictures with a class each: a folder per class, a table, or IDX files", .unit = "pictures", .tokens = TASK_NO_TOKENS,
    .needs = IG_CAN_SEE, .needs_words = "classify pictures", .keys = keys, .parts = parts, .figures = figures,
    .load = load, .config = config, .check = check, .make = make, .inputs = inputs, .loss = loss, .fill = fill, .fill_held = fill_held,
    .watch = watch, .conclude = conclude, .epoch = epoch, .where = where, .size = size, .save = save, .release = release,
};
