/* train/task_tags.c: a tag for every token: names of people, places and firms in a text   (BIO; Ramshaw & Marcus 1995)
 *
 *     words    李 明 在 上 海          tags   B-PER I-PER O B-LOC I-LOC
 *     row      CLS 李 明 在 上 海 SEP          -    1     2   0   3     4   -
 *
 * Only the first piece of a word has a target (Devlin et al. 2019, section 5.3); a sentence that is longer than the context is
 * cut.  Spans are counted by the rules of conlleval.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/corpus.h"
#include "train/tag_rows.h"
#include "train/task.h"
#include "train/texts.h"

enum { TAGS_TARGETS = TEXTS_MORE };  /* i64 [B,T] */
enum { ACCURACY, F1 };

typedef struct sentence {
    size_t at, len;                  /* tokens, with those around the text */
} sentence;

typedef struct tags {
    tag_rows x;
    size_t train_rows, cut;
    ig_classes classes;
    ig_ids ids, targets;             /* one behind the other; IG_NO_TARGET where there is none */
    sentence *sentence;              /* [rows] */
    tag_spans spans;                 /* of one evaluation */
    int32_t *are, *said;             /* [context]: of one sentence */
} tags;

/* ---- data ---- */

static ig_status read_files(const trainer *t, tags *d, ig_problems *p, ig_error *err) {
    const ig_recipe *r = t->r;
    for (size_t i = 0; i < r->data.train_count; i++) IG_TRY(tag_rows_read(r->data.train[i], &d->x, p, err));
    d->train_rows = d->x.count;
    for (size_t i = 0; i < r->data.validation_count; i++) IG_TRY(tag_rows_read(r->data.validation[i], &d->x, p, err));
    if (p->count > p->harmless) return task_refuse(r, p, err);
    return r->data.validation_count ? IG_OK : tag_rows_split(&d->x, r->data.validation_fraction, &d->train_rows, err);
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Of the model, when it has tags and keeps them; else all that occur, in the order of their names. */
static ig_status find_classes(const trainer *t, tags *d, ig_error *err) {
    const ig_family *f = t->model ? t->model->family : NULL;
    bool keeps = f && !t->r->model.head && ig_model_can(t->model, IG_CAN_TAG);
    size_t n = keeps ? (size_t)f->label_count(t->model) : d->x.tags;
    const char **list = ig_calloc(n + 1, sizeof *list);
    if (!list) return ig_error_nomem(err, n * sizeof *list);
    for (size_t i = 0; i < n; i++) list[i] = keeps ? f->label(t->model, (int64_t)i) : d->x.tag[i];
    if (!keeps) qsort(list, n, sizeof *list, by_name);
    ig_status status = ig_classes_of_names(list, n, &d->classes, err);
    ig_free(list);
    return status;
}

static ig_status to_classes(const trainer *t, tags *d, ig_error *err) {
    int32_t class_of[TAGS_MAX];
    for (size_t i = 0; i < d->x.tags; i++) class_of[i] = ig_classes_find(&d->classes, d->x.tag[i]);
    for (size_t i = 0; i < d->x.count; i++)
        for (size_t k = 0; k < d->x.row[i].count; k++) {
            tag_word *w = &d->x.word[d->x.row[i].at + k];
            int32_t class = class_of[w->tag];
            if (class < 0)
                return ig_error_at(err, IG_E_FORMAT, task_file(t->r, d->x.row[i].file), (int)(d->x.row[i].line + (int64_t)k),
                                   "the tag \"%.60s\" is none of the model's; model.head: tag gives it a head for these",
                                       d->x.tag[w->tag]);
            w->tag = class;
        }
    return IG_OK;
}

static ig_status make_tokenizer(trainer *t, const tags *d, ig_error *err) {
    ig_buf all = {.max = IG_TEXT_BYTES_MAX};
    bool learned = t->r->tokenizer.given && !t->r->tokenizer.path;
    for (size_t i = 0; i < d->train_rows && learned; i++) {
        for (size_t k = 0; k < d->x.row[i].count; k++) ig_buf_printf(&all, "%s ",
                                                                     d->x.bytes.data + d->x.word[d->x.row[i].at + k].at);
        ig_buf_putc(&all, '\n');
    }
    ig_status status = ig_buf_status(&all, err);
    if (status == IG_OK && t->r->tokenizer.given) status = texts_tokenizer(t, all.data, all.len, err);
    ig_buf_fini(&all);
    if (status == IG_OK && !t->corpus.tokenizer && !(t->model && t->model->tokenizer))
        return ig_error_set(err, IG_E_NOT_FOUND,
                            "the model of model.from has no tokenizer; the recipe needs a `tokenizer` part");
    return status;
}

static ig_status load(trainer *t, ig_error *err) {
    ig_problems problems = {0};
    char rows[64];
    tags *d = ig_calloc(1, sizeof *d);
    if (!d) return ig_error_nomem(err, sizeof *d);
    t->data = d;
    if (ig_tree_get(t->r->model.config, "id2label") || ig_tree_get(t->r->model.config, "num_labels"))
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0,
                           "model.config: the tags are those of the data; leave id2label and num_labels out");
    ig_status status = read_files(t, d, &problems, err);
    ig_problems_fini(&problems);
    IG_TRY(status);
    IG_TRY(find_classes(t, d, err));
    IG_TRY(to_classes(t, d, err));
    snprintf(rows, sizeof rows, "tags %zu\n", d->train_rows);
    IG_TRY(task_digest(t->r, rows, t->corpus.sha256, err));
    return make_tokenizer(t, d, err);
}

static void config(const trainer *t, const ig_schema_field *fields, ig_json *j) {
    if (recipe_has_field(fields, "id2label")) texts_put_classes(j, &((const tags *)t->data)->classes);
}

static ig_status check(const trainer *t, ig_error *err) {
    int64_t count = t->model->family->label_count(t->model), wanted = (int64_t)((const tags *)t->data)->classes.count;
    if (count != wanted)
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0,
                           "the model has %lld tags and the data %lld; model.head: tag gives it a head for the data",
                           (long long)count, (long long)wanted);
    return corpus_check(t, err);
}

/* ---- ids ---- */

static ig_status push(tags *d, int32_t id, int32_t target, ig_error *err) {
    IG_TRY(ig_ids_push(&d->ids, id, err));
    return ig_ids_push(&d->targets, target, err);
}

/* A word of which the tokenizer leaves nothing is an unknown one: its tag has a place. */
static ig_status push_word(trainer *t, tags *d, const tag_word *w, ig_ids *pieces, int32_t unknown, ig_error *err) {
    const char *text = d->x.bytes.data + w->at;
    pieces->len = 0;
    IG_TRY(ig_tokenizer_encode(t->model->tokenizer, text, strlen(text), 0, pieces, err));
    if (!pieces->len) return push(d, unknown, w->tag, err);
    for (size_t i = 0; i < pieces->len; i++) IG_TRY(push(d, pieces->data[i], i ? IG_NO_TARGET : w->tag, err));
    return IG_OK;
}

static ig_status encode_row(trainer *t, tags *d, size_t i, const framing *frame, ig_ids *pieces, ig_error *err) {
    const tag_row *r = &d->x.row[i];
    size_t begin = d->ids.len, most = (size_t)t->r->train.context - (frame->framed ? 1 : 0);
    int32_t unknown = ig_tokenizer_find(t->model->tokenizer, "[UNK]", 5);
    if (unknown < 0) unknown = ig_tokenizer_find(t->model->tokenizer, "<unk>", 5);
    if (frame->framed) IG_TRY(push(d, frame->first, IG_NO_TARGET, err));
    for (size_t k = 0; k < r->count && d->ids.len - begin < most; k++)
        IG_TRY(push_word(t, d, &d->x.word[r->at + k], pieces, unknown < 0 ? 0 : unknown, err));
    if (d->ids.len - begin > most) {
        d->ids.len = d->targets.len = begin + most;
        d->cut++;
    }
    if (frame->framed) IG_TRY(push(d, frame->last, IG_NO_TARGET, err));
    d->sentence[i] = (sentence){begin, d->ids.len - begin};
    return IG_OK;
}

static ig_status encode(trainer *t, tags *d, ig_error *err) {
    ig_ids pieces = {0};
    sequences s = {0};
    ig_status status = sequences_init(&s, t->model, t->r->train.context, 1, err); /* for the frame */
    d->sentence = ig_calloc(d->x.count + 1, sizeof *d->sentence);
    d->are = ig_calloc((size_t)t->r->train.context, sizeof *d->are), d->said = ig_calloc((size_t)t->r->train.context,
        sizeof *d->said);
    if (!d->sentence || !d->are || !d->said) status = ig_error_nomem(err, d->x.count * sizeof *d->sentence);
    for (size_t i = 0; i < d->x.count && status == IG_OK; i++) status = encode_row(t, d, i, &s.frame, &pieces, err);
    sequences_fini(&s);
    ig_ids_fini(&pieces);
    if (d->cut) texts_note(t, "%zu of %zu sentences are longer than train.context and are cut", d->cut, d->x.count);
    return status;
}

/* ---- batches ---- */

static void measure_held_out(trainer *t, const tags *d) {
    int64_t longest = 1;
    for (size_t i = d->train_rows; i < d->x.count; i++)
        if ((int64_t)d->sentence[i].len > longest) longest = (int64_t)d->sentence[i].len;
    longest = (longest + 7) / 8 * 8;
    t->held.length = longest < t->r->train.context ? longest : t->r->train.context;
    t->held_rows = (int64_t)(d->x.count - d->train_rows);
    if (t->r->evaluate.windows && t->held_rows > t->r->evaluate.windows) t->held_rows = t->r->evaluate.windows;
    t->held.rows = t->held_rows < EVALUATION_ROWS_MAX ? t->held_rows : EVALUATION_ROWS_MAX;
    t->held_runs = (t->held_rows - 1) / t->held.rows + 1;
}

static ig_status make(trainer *t, ig_error *err) {
    tags *d = t->data;
    const ig_recipe *r = t->r;
    if (r->train.context < 4) return ig_error_at(err, IG_E_FORMAT, r->file, 0, "train.context: tags need 4 tokens or more");
    IG_TRY(encode(t, d, err));
    int64_t *lengths = ig_calloc(d->train_rows + 1, sizeof *lengths);
    if (!lengths) return ig_error_nomem(err, d->train_rows * sizeof *lengths);
    for (size_t i = 0; i < d->train_rows; i++) lengths[i] = (int64_t)d->sentence[i].len;
    ig_status status = ig_row_batches_init_lengths(&t->rows, lengths, d->train_rows, r->train.batch, r->train.context, t->seed,
                                                   err);
    ig_free(lengths);
    IG_TRY(status);
    t->shapes = t->rows.buckets;
    for (int k = 0; k < t->shapes; k++) t->shape[k].rows = r->train.batch, t->shape[k].length = t->rows.length[k];
    t->units_per_step = r->train.batch * r->train.context * r->train.accumulate;
    t->validates = d->x.count > d->train_rows;
    if (t->validates) measure_held_out(t, d);
    return IG_OK;
}

static ig_status inputs(trainer *t, train_shape *s, ig_error *err) {
    int64_t size[2] = {s->rows, s->length};
    IG_TRY(texts_inputs(t, s, 1, err));
    return ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, size, &s->in[TAGS_TARGETS], err);
}

static int64_t fill_row(const tags *d, train_shape *s, int64_t at, int64_t row) {
    int64_t T = s->length, n = row < 0 ? 1 : (int64_t)d->sentence[row].len, counted = 0;
    size_t begin = row < 0 ? 0 : d->sentence[row].at;
    int64_t *token = (int64_t *)s->in[TEXTS_TOKENS].data + at * T, *target = (int64_t *)s->in[TAGS_TARGETS].data + at * T;
    for (int64_t i = 0; i < T; i++) {
        bool there = row >= 0 && i < n;
        token[i] = there ? d->ids.data[begin + (size_t)i] : 0;
        target[i] = there ? d->targets.data[begin + (size_t)i] : IG_NO_TARGET;
        counted += target[i] != IG_NO_TARGET;
    }
    ((int64_t *)s->in[TEXTS_LENGTHS].data)[at] = n < T ? n : T;
    return counted;
}

static int64_t count(trainer *t, int64_t batch, int64_t *units) {
    const tags *d = t->data;
    int64_t n = 0;
    ig_row_batches_pick(&t->rows, batch, t->rows_of_batch);
    for (int64_t i = 0; i < t->r->train.batch; i++) {
        if (t->rows_of_batch[i] < 0) continue;
        const sentence *s = &d->sentence[t->rows_of_batch[i]];
        *units += (int64_t)s->len;
        for (size_t k = 0; k < s->len; k++) n += d->targets.data[s->at + k] != IG_NO_TARGET;
    }
    return n;
}

static ig_status fill(trainer *t, int64_t batch, int *shape, int64_t *counted, ig_error *err) {
    (void)err;
    *shape = ig_row_batches_pick(&t->rows, batch, t->rows_of_batch);
    for (int64_t i = 0; i < t->r->train.batch; i++) *counted += fill_row(t->data, &t->shape[*shape], i, t->rows_of_batch[i]);
    return IG_OK;
}

static ig_status fill_held(trainer *t, int64_t i, int64_t *counted, ig_error *err) {
    tags *d = t->data;
    (void)err;
    if (i == 0) d->spans = (tag_spans){0};
    for (int64_t k = 0; k < t->held.rows; k++) {
        int64_t row = i * t->held.rows + k;
        *counted += fill_row(d, &t->held, k, row < t->held_rows ? (int64_t)d->train_rows + row : -1);
    }
    return IG_OK;
}

static ig_var *loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *outputs) {
    ig_graph *g = p->g;
    ig_var *tokens = ig_input(g, "tokens", &s->in[TEXTS_TOKENS]), *lengths = ig_input(g, "lengths", &s->in[TEXTS_LENGTHS]);
    ig_var *logits = t->model->family->tag(t->model, p, tokens, texts_types(t, p, s), lengths);        /* [B,T,L] */
    ig_cross_entropy_opts opts = {.has_ignore = true, .ignore_index = IG_NO_TARGET};
    if (p->training) opts.label_smoothing = t->r->regularise.label_smoothing;
    more[(*outputs)++] = ig_argmax(g, logits, 2);
    return ig_cross_entropy(g, logits, ig_input(g, "targets", &s->in[TAGS_TARGETS]), opts);
}

/* ---- figures ---- */

static void watch(trainer *t, const train_shape *s, const ig_tensor *const *more, task_sums *sums) {
    tags *d = t->data;
    const int64_t *target = s->in[TAGS_TARGETS].data, *said = more[0]->data;
    for (int64_t row = 0; row < s->rows; row++) {
        size_t n = 0;
        for (int64_t i = row * s->length; i < (row + 1) * s->length; i++) {
            if (target[i] == IG_NO_TARGET) continue;
            sums->sum[ACCURACY] += said[i] == target[i], sums->count++;
            d->are[n] = (int32_t)target[i], d->said[n++] = (int32_t)said[i];
        }
        if (s == &t->held) tag_spans_count(&d->spans, d->classes.name, d->are, d->said, n);
    }
    sums->sum[F1] = NAN; /* of a whole evaluation only */
}

static ig_status conclude(trainer *t, const task_sums *sums, double *figures, ig_error *err) {
    (void)sums, (void)err;
    figures[F1] = tag_spans_f1(&((const tags *)t->data)->spans);
    return IG_OK;
}

/* ---- telling ---- */

static void where(const trainer *t, char *buf, size_t size) {
    const tag_row *r = &((const tags *)t->data)->x.row[t->rows_of_batch[0]];
    snprintf(buf, size, "the sentence of line %lld of %.80s and others, in a random order", (long long)r->line,
             ig_path_base(task_file(t->r, r->file)));
}

static void size(const trainer *t, int64_t *train, int64_t *held) {
    const tags *d = t->data;
    *train = 0, *held = 0;
    for (size_t i = 0; i < d->x.count; i++) *(i < d->train_rows ? train : held) += (int64_t)d->sentence[i].len;
}

static void release(trainer *t) {
    tags *d = t->data;
    ig_row_batches_fini(&t->rows);
    if (!d) return;
    tag_rows_fini(&d->x);
    ig_classes_fini(&d->classes);
    ig_ids_fini(&d->ids);
    ig_ids_fini(&d->targets);
    ig_free(d->sentence), ig_free(d->are), ig_free(d->said);
    ig_free(d);
}

static const char *const keys[] = {NULL};
static const train_figure figures[] = {{"accuracy", true}, {"f1", true}, {0}};

const train_task train_task_tags = {
    .name = "tags", .doc = "lines of a token and its tag: names in texts are learned", .unit = "tokens",
        .tokens = TASK_LEARNED_WORDS,
    .needs = IG_CAN_TAG, .needs_words = "tag tokens", .head = "tag", .keys = keys, .figures = figures, .load = load,
        .config = config,
    .check = check, .make = make, .inputs = inputs, .loss = loss, .count = count, .fill = fill, .fill_held = fill_held,
        .watch = watch,
    .conclude = conclude, .epoch = texts_epoch, .where = where, .size = size, .release = release,
};
