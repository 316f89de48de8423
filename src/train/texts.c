/* train/texts.c: see texts.h. */
#include "train/texts.h"

#include <stdarg.h>
#include <string.h>

#include "train/corpus.h"
#include "train/task.h"

void texts_note(trainer *t, const char *fmt, ...) {
    char *note = t->corpus.note;
    size_t at = strlen(note), size = sizeof t->corpus.note;
    va_list args;
    if (at && at + 3 < size) at += (size_t)snprintf(note + at, size - at, "; ");
    va_start(args, fmt);
    if (at < size) vsnprintf(note + at, size - at, fmt, args);
    va_end(args);
}

/* ---- reading ---- */

/* data.columns: {text: review, label: 2} */
static void read_columns(const trainer *t, texts *d, ig_text_rows_opts *o) {
    const ig_tree *data = ig_tree_get(ig_doc_root(t->r->doc), "data"), *columns = ig_tree_get(data, "columns");
    for (ig_text_role k = 0; k < IG_TEXT_ROLES; k++) {
        const ig_tree *c = ig_tree_get(columns, ig_text_role_name(k));
        if (!c) continue;
        snprintf(d->number[k], sizeof d->number[k], "%lld", (long long)c->integer);
        o->column[k] = c->type == IG_TREE_INT ? d->number[k] : c->text;
    }
    o->no_header = !ig_tree_bool(data, "header", true);
    o->no_quotes = !ig_tree_bool(data, "quotes", true);
}

static ig_status read_files(const trainer *t, texts *d, const ig_text_rows_opts *o, ig_problems *p, ig_error *err) {
    const ig_recipe *r = t->r;
    for (size_t i = 0; i < r->data.train_count; i++) IG_TRY(ig_text_rows_read(r->data.train[i], o, &d->x, p, err));
    d->train_rows = d->x.count;
    for (size_t i = 0; i < r->data.validation_count; i++) IG_TRY(ig_text_rows_read(r->data.validation[i], o, &d->x, p, err));
    if (p->count > p->harmless) return task_refuse(r, p, err);
    return r->data.validation_count ? IG_OK : ig_text_rows_split(&d->x, r->data.validation_fraction, &d->train_rows, err);
}

static ig_status read_rows(trainer *t, texts *d, unsigned needs, unsigned may, ig_error *err) {
    ig_text_rows_opts o = {.needs = needs, .may = may};
    ig_problems problems = {0};
    char rows[64];
    read_columns(t, d, &o);
    ig_status status = read_files(t, d, &o, &problems, err);
    ig_problems_fini(&problems);
    snprintf(rows, sizeof rows, "%s %zu\n", t->r->data.task->name, d->train_rows);
    return status == IG_OK ? task_digest(t->r, rows, t->corpus.sha256, err) : status;
}

/* ---- the tokenizer ---- */

/* A family that knows types of tokens reads texts in BERT's frame. */
const char *const *texts_specials(const ig_family *f, size_t *count) {
    static const char *const framed[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", NULL};
    static const char *const plain[] = {"<pad>", "<unk>", NULL};
    *count = f && f->type_count ? 5 : 2;
    return f && f->type_count ? framed : plain;
}

ig_status texts_tokenizer(trainer *t, const char *text, size_t len, ig_error *err) {
    const ig_recipe *r = t->r;
    if (r->tokenizer.path) return ig_tokenizer_load(r->tokenizer.path, &t->corpus.tokenizer, err);
    size_t vocab = (size_t)r->tokenizer.vocab_size;
    ig_tokenizer_train_opts opts = {.whole_words = r->tokenizer.words, .keep_case = r->tokenizer.keep_case,
                                    .byte_fallback = r->tokenizer.kind == IG_TOKENIZER_CHAR && vocab > 0};
    const ig_family *f = t->model ? t->model->family : ig_family_by_name(r->model.family);
    opts.special = texts_specials(f, &opts.special_count);
    return ig_tokenizer_train(r->tokenizer.kind, vocab, text, len, &opts, &t->corpus.tokenizer, err);
}

static ig_status make_tokenizer(trainer *t, const texts *d, ig_error *err) {
    ig_buf all = {.max = IG_TEXT_BYTES_MAX};
    bool learned = t->r->tokenizer.given && !t->r->tokenizer.path;
    for (size_t i = 0; i < d->train_rows && learned; i++)
        for (ig_text_role k = IG_TEXT_FIRST; k <= IG_TEXT_NEGATIVE; k++)
            if (d->x.row[i].at[k]) ig_buf_printf(&all, "%s\n", ig_text_rows_get(&d->x, i, k));
    ig_status status = ig_buf_status(&all, err);
    if (status == IG_OK && t->r->tokenizer.given) status = texts_tokenizer(t, all.data, all.len, err);
    ig_buf_fini(&all);
    if (status == IG_OK && !t->corpus.tokenizer && !(t->model && t->model->tokenizer))
        return ig_error_set(err, IG_E_NOT_FOUND,
                            "the model of model.from has no tokenizer; the recipe needs a `tokenizer` part");
    return status;
}

ig_status texts_load(trainer *t, texts *d, unsigned needs, unsigned may, ig_error *err) {
    IG_TRY(read_rows(t, d, needs, may, err));
    return make_tokenizer(t, d, err);
}

/* ---- config.json ---- */

void texts_put_classes(ig_json *j, const ig_classes *c) {
    char key[24];
    ig_json_key(j, "id2label"), ig_json_open(j, '{');
    for (size_t i = 0; i < c->count; i++) snprintf(key, sizeof key, "%zu", i), ig_json_key(j, key), ig_json_text(j, c->name[i]);
    ig_json_close(j, '}');
    ig_json_key(j, "label2id"), ig_json_open(j, '{');
    for (size_t i = 0; i < c->count; i++) ig_json_key(j, c->name[i]), ig_json_int(j, (int64_t)i);
    ig_json_close(j, '}');
    ig_json_key(j, "num_labels"), ig_json_int(j, (int64_t)c->count);
}

/* ---- ids ---- */

static ig_status encode_row(const trainer *t, texts *d, size_t i, bool each, ig_error *err) {
    ig_error why = {0};
    const ig_text_row *row = &d->x.row[i];
    const char *text[3];
    for (int k = 0; k < 3; k++) text[k] = ig_text_rows_get(&d->x, i, (ig_text_role)k);
    ig_status status = sequences_add_text(&d->s, text[0], each || !d->x.has[IG_TEXT_SECOND] ? NULL : text[1], &why);
    for (size_t k = 1; k < d->per && status == IG_OK; k++) status = sequences_add_text(&d->s, text[k], NULL, &why);
    if (status == IG_OK) return IG_OK;
    return ig_error_at(err, status, task_file(t->r, row->file), (int)row->line, "this row cannot be read by the model: %.600s",
                       why.message);
}

ig_status texts_encode(trainer *t, texts *d, bool each, ig_error *err) {
    size_t cut = 0;
    d->per = !each ? 1 : d->x.has[IG_TEXT_NEGATIVE] ? 3 : 2;
    IG_TRY(sequences_init(&d->s, t->model, t->r->train.context, d->x.count * d->per, err));
    for (size_t i = 0; i < d->x.count; i++) IG_TRY(encode_row(t, d, i, each, err));
    for (size_t k = 0; k < d->s.count; k++) cut += d->s.truncated[k];
    if (cut) texts_note(t, "%zu of %zu texts are longer than train.context and are cut", cut, d->s.count);
    return IG_OK;
}

void texts_fini(texts *d) {
    ig_text_rows_fini(&d->x);
    ig_classes_fini(&d->classes);
    sequences_fini(&d->s);
}

/* ---- batches ---- */

static int64_t longest_of(const texts *d, size_t row) {
    size_t longest = 1;
    for (size_t k = row * d->per; k < (row + 1) * d->per; k++)
        if (sequence_length(&d->s, k) > longest) longest = sequence_length(&d->s, k);
    return (int64_t)longest;
}

static void measure_held_out(trainer *t, const texts *d, int64_t copies) {
    int64_t longest = 1;
    for (size_t i = d->train_rows; i < d->x.count; i++)
        if (longest_of(d, i) > longest) longest = longest_of(d, i);
    longest = (longest + 7) / 8 * 8;
    t->held.length = longest < t->r->train.context ? longest : t->r->train.context;
    t->held_rows = (int64_t)(d->x.count - d->train_rows);
    if (t->r->evaluate.windows && t->held_rows > t->r->evaluate.windows) t->held_rows = t->r->evaluate.windows;
    t->held.rows = t->held_rows < EVALUATION_ROWS_MAX / copies ? t->held_rows : EVALUATION_ROWS_MAX / copies;
    t->held_runs = (t->held_rows - 1) / t->held.rows + 1;
}

ig_status texts_make(trainer *t, texts *d, int64_t copies, ig_error *err) {
    const ig_recipe *r = t->r;
    int64_t *lengths = ig_calloc(d->train_rows + 1, sizeof *lengths);
    if (!lengths) return ig_error_nomem(err, d->train_rows * sizeof *lengths);
    for (size_t i = 0; i < d->train_rows; i++) lengths[i] = longest_of(d, i);
    ig_status status = ig_row_batches_init_lengths(&t->rows, lengths, d->train_rows, r->train.batch, r->train.context, t->seed,
                                                   err);
    ig_free(lengths);
    IG_TRY(status);
    t->shapes = t->rows.buckets;
    for (int k = 0; k < t->shapes; k++) {
        t->shape[k].rows = r->train.batch;
        t->shape[k].length = t->rows.length[k];
    }
    t->units_per_step = r->train.batch * r->train.accumulate;
    t->validates = d->x.count > d->train_rows;
    if (t->validates) measure_held_out(t, d, copies);
    return IG_OK;
}

ig_status texts_inputs(trainer *t, train_shape *s, int64_t copies, ig_error *err) {
    int64_t size[2] = {copies * s->rows, s->length};
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, size, &s->in[TEXTS_TOKENS], err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, size, &s->in[TEXTS_TYPES], err));
    return ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, size, &s->in[TEXTS_LENGTHS], err);
}

void texts_fill(const texts *d, train_shape *s, int64_t at, int64_t k) {
    int64_t T = s->length, n = k < 0 ? 1 : (int64_t)sequence_length(&d->s, (size_t)k),
        begin = k < 0 ? 0 : (int64_t)sequence_begin(&d->s, (size_t)k);
    int64_t *token = (int64_t *)s->in[TEXTS_TOKENS].data + at * T, *type = (int64_t *)s->in[TEXTS_TYPES].data + at * T;
    if (n > T) n = T;
    for (int64_t i = 0; i < T; i++) {
        bool there = k >= 0 && i < n;
        token[i] = there ? d->s.ids.data[begin + i] : 0;
        type[i] = there && (size_t)(begin + i) >= d->s.second[k];
    }
    ((int64_t *)s->in[TEXTS_LENGTHS].data)[at] = n;
}

int64_t texts_held_rows(const trainer *t, const texts *d, int64_t i, int64_t *rows) {
    int64_t first = i * t->held.rows, n = 0;
    for (int64_t k = 0; k < t->held.rows; k++) {
        bool there = first + k < t->held_rows;
        rows[k] = there ? (int64_t)d->train_rows + first + k : -1;
        n += there;
    }
    return n;
}

ig_var *texts_types(const trainer *t, const ig_pass *p, const train_shape *s) {
    const ig_family *f = t->model->family;
    bool several = f->type_count && f->type_count(t->model) > 1;
    return several ? ig_input(p->g, "types", &s->in[TEXTS_TYPES]) : NULL;
}

/* ---- telling ---- */

int64_t texts_count(trainer *t, int64_t batch, int64_t *units) {
    int64_t n = 0;
    ig_row_batches_pick(&t->rows, batch, t->rows_of_batch);
    for (int64_t i = 0; i < t->r->train.batch; i++) n += t->rows_of_batch[i] >= 0;
    *units += n;
    return n;
}

double texts_epoch(const trainer *t, int64_t batches) { return ig_row_batches_epoch(&t->rows, batches); }

void texts_where(const trainer *t, char *buf, size_t size) {
    const texts *d = t->data;
    const ig_text_row *first = &d->x.row[t->rows_of_batch[0]];
    snprintf(buf, size, "the row of line %lld of %.80s and others, in a random order", (long long)first->line,
             ig_path_base(task_file(t->r, first->file)));
}

void texts_size(const trainer *t, int64_t *train, int64_t *held) {
    const texts *d = t->data;
    *train = (int64_t)d->train_rows;
    *held = (int64_t)(d->x.count - d->train_rows);
}
