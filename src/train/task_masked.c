/* train/task_masked.c: pretraining of an encoder on plain text: tokens are masked, and predicted from both sides.
 *
 *     text    line␤line␤…  ──►  ids   a a a SEP b b SEP c …          one stream; a SEP behind every line
 *     row     CLS │ T-2 ids of the stream │ SEP                      full rows: nothing is padding
 *     places  15 % of a row: 80 % become MASK, 10 % any token, 10 % stay as they are     (Devlin et al. 2019, section 3.1)
 *
 * Which places, is a function of (seed, micro step), so that every epoch masks others; those of what is held out are always the
 * same.  Whole words: pieces of a word ("##"), and characters of a Chinese word by ICU's dictionary, are masked together (Cui
 * et
 * al. 2021).  The head, whose product is the largest of a small model, runs over the places only.
 */
#include <string.h>

#include "ingot/analyze.h"
#include "train/corpus.h"
#include "train/task.h"
#include "train/texts.h"

enum { TOKENS, PLACES, TARGETS };
enum { INSIDE, BEGINS, SPECIAL };   /* what a token of the stream is */
enum { STREAM_MASKS = 0x6d61736b };
#define HELD_SEED 0x68656c64
#define EVALUATION_LOGITS_MAX ((int64_t)32 << 20)

typedef struct masked {
    ig_buf kind[2];                  /* a byte per id: of what is learned, of what is held out */
    int32_t cls, sep, mask;
    int64_t window, places;          /* of a row: T-2, and how many are masked */
    int32_t *begin, *len;            /* [window]: words of a row */
    ig_batches stream;
    int64_t *offset;                 /* [batch] */
} masked;

static const ig_tree *part(const trainer *t) { return ig_tree_get(ig_doc_root(t->r->doc), "masked"); }

/* ---- the stream ---- */

typedef struct writer {
    const ig_tokenizer *tokenizer;
    ig_analyzer *analyzer;           /* of whole words; NULL: none wanted */
    ig_ids line, word;
    ig_buf marks;                    /* of line */
    ig_ids *ids;
    ig_buf *kind;
    int32_t sep;
} writer;

static bool inside(const writer *w, int32_t id) {
    size_t len;
    const char *s = ig_tokenizer_token(w->tokenizer, id, &len);
    return s && len > 2 && memcmp(s, "##", 2) == 0;
}

/* The tokens of text[from..to), of which the first begins a word.  A part that is no word begins one with each token. */
static ig_status mark_part(writer *w, const char *text, size_t from, size_t to, bool word, ig_error *err) {
    w->word.len = 0;
    if (to > from) IG_TRY(ig_tokenizer_encode(w->tokenizer, text + from, to - from, 0, &w->word, err));
    for (size_t i = 0; i < w->word.len; i++) ig_buf_putc(&w->marks, i && (word || inside(w, w->word.data[i])) ? INSIDE
                                                         : BEGINS);
    return ig_buf_status(&w->marks, err);
}

/* Where the words of the dictionary are cut as the tokens are; elsewhere "##" decides. */
static ig_status mark_words(writer *w, const char *text, size_t n, ig_error *err) {
    const ig_term *term;
    size_t count = 0, at = 0;
    ig_buf_clear(&w->marks);
    IG_TRY(ig_analyze(w->analyzer, text, n, &term, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (term[i].kind != IG_TERM_CHINESE || term[i].begin < at) continue;
        IG_TRY(mark_part(w, text, at, term[i].begin, false, err));
        IG_TRY(mark_part(w, text, term[i].begin, term[i].end, true, err));
        at = term[i].end;
    }
    return mark_part(w, text, at, n, false, err);
}

static ig_status put_line(writer *w, const char *text, size_t n, ig_error *err) {
    w->line.len = 0;
    IG_TRY(ig_tokenizer_encode(w->tokenizer, text, n, 0, &w->line, err));
    if (!w->line.len) return IG_OK;
    if (w->analyzer) IG_TRY(mark_words(w, text, n, err));
    bool fits = w->analyzer && w->marks.len == w->line.len;
    for (size_t i = 0; i < w->line.len; i++) {
        IG_TRY(ig_ids_push(w->ids, w->line.data[i], err));
        ig_buf_putc(w->kind, fits ? w->marks.data[i] : i && w->analyzer && inside(w, w->line.data[i]) ? INSIDE : BEGINS);
    }
    IG_TRY(ig_ids_push(w->ids, w->sep, err));
    ig_buf_putc(w->kind, SPECIAL);
    return ig_buf_status(w->kind, err);
}

static ig_status put_text(writer *w, const char *text, size_t n, ig_error *err) {
    for (size_t at = 0, end; at < n; at = end + 1) {
        const char *nl = memchr(text + at, '\n', n - at);
        end = nl ? (size_t)(nl - text) : n;
        size_t len = end - at < IG_ANALYZE_BYTES_MAX ? end - at : IG_ANALYZE_BYTES_MAX;
        IG_TRY(put_line(w, text + at, len, err));
    }
    return IG_OK;
}

static ig_status encode(trainer *t, masked *x, const char *text[2], const size_t len[2], ig_error *err) {
    ig_ids *ids[2] = {&t->corpus.train, &t->corpus.validation};
    writer w = {.tokenizer = t->corpus.tokenizer ? t->corpus.tokenizer : t->model->tokenizer, .sep = x->sep,
                .marks.max = IG_ANALYZE_BYTES_MAX * 4};
    ig_status status = IG_OK;
    if (ig_tree_bool(part(t), "whole_words", false)) status = ig_analyzer_new(&(ig_analyze_opts){.flags = IG_TERM_CHINESE},
        &w.analyzer, err);
    for (int k = 0; k < 2 && status == IG_OK; k++) {
        x->kind[k].max = IG_TEXT_BYTES_MAX;
        w.ids = ids[k], w.kind = &x->kind[k];
        status = put_text(&w, text[k], len[k], err);
    }
    ig_analyzer_free(w.analyzer);
    ig_ids_fini(&w.line);
    ig_ids_fini(&w.word);
    ig_buf_fini(&w.marks);
    return status;
}

/* ---- loading ---- */

static int32_t either(const ig_tokenizer *k, const char *a, const char *b) {
    int32_t id = ig_tokenizer_find(k, a, strlen(a));
    return id >= 0 ? id : ig_tokenizer_find(k, b, strlen(b));
}

static ig_status find_specials(const trainer *t, masked *x, ig_error *err) {
    const ig_tokenizer *k = t->corpus.tokenizer ? t->corpus.tokenizer : t->model ? t->model->tokenizer : NULL;
    if (!k) return ig_error_set(err, IG_E_NOT_FOUND,
                                "the model of model.from has no tokenizer; the recipe needs a `tokenizer` part");
    x->cls = either(k, "[CLS]", "<s>"), x->sep = either(k, "[SEP]", "</s>"), x->mask = either(k, "[MASK]", "<mask>");
    if (x->cls >= 0 && x->sep >= 0 && x->mask >= 0) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, t->r->file, 0,
                       "the tokenizer lacks [CLS], [SEP] or [MASK] (<s>, </s>, <mask>), which masked pretraining needs");
}

static void digest(trainer *t, const char *text[2], const size_t len[2]) {
    char both[129];
    for (int k = 0; k < 2; k++) ig_sha256_hex(text[k], len[k], both + 64 * k);
    ig_sha256_hex(both, 128, t->corpus.sha256);
}

static ig_status load_texts(trainer *t, masked *x, ig_buf *all, ig_buf *held, ig_error *err) {
    const ig_recipe *r = t->r;
    IG_TRY(ig_text_load((const char *const *)r->data.train, r->data.train_count, all, err));
    if (r->data.validation_count) IG_TRY(ig_text_load((const char *const *)r->data.validation, r->data.validation_count, held,
                                                      err));
    size_t cut = held->len || !(r->data.validation_fraction > 0) ? all->len : ig_text_split(all->data, all->len,
        r->data.validation_fraction);
    const char *text[2] = {all->data, held->len ? held->data : all->data + cut};
    size_t len[2] = {cut, held->len ? held->len : all->len - cut};
    if (r->tokenizer.given) IG_TRY(texts_tokenizer(t, text[0], len[0], err));
    IG_TRY(find_specials(t, x, err));
    digest(t, text, len);
    return encode(t, x, text, len, err);
}

static ig_status load(trainer *t, ig_error *err) {
    masked *x = ig_calloc(1, sizeof *x);
    ig_buf all = {0}, held = {0};
    if (!x) return ig_error_nomem(err, sizeof *x);
    t->data = x;
    ig_status status = load_texts(t, x, &all, &held, err);
    ig_buf_fini(&all);
    ig_buf_fini(&held);
    return status;
}

/* ---- batches ---- */

static ig_status make_held_out(trainer *t, masked *x) {
    int64_t windows = (int64_t)t->corpus.validation.len / x->window;
    if (t->r->evaluate.windows && windows > t->r->evaluate.windows) windows = t->r->evaluate.windows;
    t->validates = windows > 0;
    if (!t->validates) return IG_OK;
    int64_t most = EVALUATION_LOGITS_MAX / (x->places * t->model->family->vocab_size(t->model));
    most = most < 1 ? 1 : most > EVALUATION_ROWS_MAX ? EVALUATION_ROWS_MAX : most;
    t->held_rows = windows;
    t->held.rows = windows < most ? windows : most;
    t->held_runs = (windows - 1) / t->held.rows + 1;
    return IG_OK;
}

static ig_status make(trainer *t, ig_error *err) {
    masked *x = t->data;
    const ig_recipe *r = t->r;
    x->window = r->train.context - 2;
    if (x->window < 4) return ig_error_at(err, IG_E_FORMAT, r->file, 0,
                                          "train.context: masked rows have 6 tokens or more, two of them around the text");
    x->places = (int64_t)(ig_tree_real(part(t), "share", 0.15) * (double)x->window + 0.5);
    if (x->places < 1) x->places = 1;
    x->begin = ig_calloc((size_t)x->window, sizeof *x->begin), x->len = ig_calloc((size_t)x->window, sizeof *x->len);
    x->offset = ig_calloc((size_t)r->train.batch, sizeof *x->offset);
    if (!x->begin || !x->len || !x->offset) return ig_error_nomem(err, (size_t)x->window * sizeof *x->begin);
    IG_TRY(ig_batches_init(&x->stream, t->corpus.train.data, t->corpus.train.len, r->train.batch, x->window, IG_ORDER_SHUFFLED,
                           t->seed, err));
    t->shapes = 1;
    t->shape[0].rows = r->train.batch;
    t->shape[0].length = t->held.length = r->train.context;
    t->units_per_step = r->train.batch * r->train.context * r->train.accumulate;
    return make_held_out(t, x);
}

static ig_status inputs(trainer *t, train_shape *s, ig_error *err) {
    int64_t size[2] = {s->rows, s->length}, places = s->rows * ((masked *)t->data)->places;
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, size, &s->in[TOKENS], err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, &places, &s->in[PLACES], err));
    return ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, &places, &s->in[TARGETS], err);
}

/* ---- masking ---- */

/* The words of a row, which are single tokens unless the marks join them. */
static int64_t find_words(masked *x, const char *kind) {
    int64_t n = 0;
    bool open = false;
    for (int64_t i = 0; i < x->window; i++) {
        bool special = kind[i] == SPECIAL, goes_on = open && kind[i] == INSIDE;
        if (goes_on) x->len[n - 1]++;
        else if (!special) x->begin[n] = (int32_t)i, x->len[n++] = 1;
        open = !special;
    }
    return n;
}

static int32_t any_token(const ig_tokenizer *k, ig_rng *rng) {
    uint64_t count = ig_tokenizer_count(k);
    int32_t id;
    do id = (int32_t)ig_rng_below(rng, count);
    while (ig_tokenizer_is_special(k, id) && ig_tokenizer_special_count(k) < count);
    return id;
}

static void mask_token(const trainer *t, const masked *x, int64_t *token, ig_rng *rng) {
    double u = ig_rng_uniform(rng);
    if (u < 0.8) *token = x->mask;
    else if (u < 0.9) *token = any_token(t->model->tokenizer, rng);
}

/* Words in a random order, as long as they fit; what is left of the places points at the row's first token and does not count.
 * */
static int64_t mask_row(trainer *t, masked *x, train_shape *s, int64_t row, const char *kind, ig_rng *rng) {
    int64_t n = find_words(x, kind), used = 0, T = s->length, *token = (int64_t *)s->in[TOKENS].data + row * T;
    int64_t *place = (int64_t *)s->in[PLACES].data + row * x->places,
        *target = (int64_t *)s->in[TARGETS].data + row * x->places;
    for (int64_t i = 0; i < n && used < x->places; i++) {
        int64_t j = i + (int64_t)ig_rng_below(rng, (uint64_t)(n - i));
        int32_t begin = x->begin[j], len = x->len[j];
        x->begin[j] = x->begin[i], x->len[j] = x->len[i];
        for (int32_t k = 0; k < len && used + len - k <= x->places; k++) {
            int64_t at = 1 + begin + k;
            place[used] = row * T + at, target[used++] = token[at];
            mask_token(t, x, &token[at], rng);
        }
    }
    for (int64_t i = used; i < x->places; i++) place[i] = row * T, target[i] = IG_NO_TARGET;
    return used;
}

static int64_t fill_row(trainer *t, train_shape *s, int64_t row, int held, int64_t offset, uint64_t seed, uint64_t number) {
    masked *x = t->data;
    const ig_ids *ids = held ? &t->corpus.validation : &t->corpus.train;
    int64_t *token = (int64_t *)s->in[TOKENS].data + row * s->length;
    uint32_t word[4];
    ig_rng rng;
    token[0] = x->cls;
    for (int64_t i = 0; i < x->window; i++) token[1 + i] = ids->data[offset + i];
    token[s->length - 1] = x->sep;
    ig_philox(seed, STREAM_MASKS, number, word);
    ig_rng_init(&rng, (uint64_t)word[0] << 32 | word[1], STREAM_MASKS);
    return mask_row(t, x, s, row, x->kind[held].data + offset, &rng);
}

static ig_status fill(trainer *t, int64_t batch, int *shape, int64_t *counted, ig_error *err) {
    masked *x = t->data;
    (void)err;
    ig_batches_offsets(&x->stream, batch, x->offset);
    for (int64_t i = 0; i < t->r->train.batch; i++)
        *counted += fill_row(t, &t->shape[0], i, 0, x->offset[i], t->seed, (uint64_t)(batch * t->r->train.batch + i));
    t->rows_of_batch[0] = x->offset[0];
    *shape = 0;
    return IG_OK;
}

/* Rows past the end are empty: no place of theirs counts. */
static ig_status fill_held(trainer *t, int64_t i, int64_t *counted, ig_error *err) {
    const masked *x = t->data;
    int64_t *place = t->held.in[PLACES].data, *target = t->held.in[TARGETS].data;
    (void)err;
    for (int64_t k = 0; k < t->held.rows; k++) {
        int64_t window = i * t->held.rows + k;
        if (window < t->held_rows) *counted += fill_row(t, &t->held, k, 1, window * x->window, HELD_SEED, (uint64_t)window);
        for (int64_t p = 0; p < x->places && window >= t->held_rows; p++) place[k * x->places + p] = 0,
            target[k * x->places + p] = IG_NO_TARGET;
    }
    return IG_OK;
}

static ig_var *loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count) {
    ig_graph *g = p->g;
    ig_var *tokens = ig_input(g, "tokens", &s->in[TOKENS]), *places = ig_input(g, "places", &s->in[PLACES]);
    ig_var *logits = t->model->family->masked(t->model, p, tokens, NULL, NULL, places);                /* [N,V] */
    more[(*count)++] = ig_argmax(g, logits, 1);
    return ig_cross_entropy(g, logits, ig_input(g, "targets", &s->in[TARGETS]),
                            (ig_cross_entropy_opts){.has_ignore = true, .ignore_index = IG_NO_TARGET});
}

static void watch(trainer *t, const train_shape *s, const ig_tensor *const *more, task_sums *sums) {
    const int64_t *target = s->in[TARGETS].data, *said = more[0]->data, n = ig_tensor_numel(&s->in[TARGETS]);
    (void)t;
    for (int64_t i = 0; i < n; i++) {
        if (target[i] == IG_NO_TARGET) continue;
        sums->sum[0] += said[i] == target[i], sums->count++;
    }
}

/* ---- telling ---- */

static double epoch(const trainer *t, int64_t batches) { return ig_batches_epoch(&((const masked *)t->data)->stream, batches); }

static void where(const trainer *t, char *buf, size_t size) {
    snprintf(buf, size, "the window at token %lld of the training text and others", (long long)t->rows_of_batch[0]);
}

static void size(const trainer *t, int64_t *train, int64_t *held) {
    *train = (int64_t)t->corpus.train.len;
    *held = (int64_t)t->corpus.validation.len;
}

static void release(trainer *t) {
    masked *x = t->data;
    if (!x) return;
    ig_buf_fini(&x->kind[0]);
    ig_buf_fini(&x->kind[1]);
    ig_free(x->begin), ig_free(x->len), ig_free(x->offset);
    ig_free(x);
}

static const char *const keys[] = {NULL};
static const char *const parts[] = {"masked", NULL};
static const train_figure figures[] = {{"accuracy", true}, {0}};

const train_task train_task_masked = {
    .name = "masked", .doc = "plain text: tokens that are masked are learned, as BERT is pretrained", .unit = "tokens",
    .tokens = TASK_LEARNED_WORDS, .needs = IG_CAN_FILL, .needs_words = "predict masked tokens", .head = "masked", .keys = keys,
    .parts = parts, .figures = figures, .load = load, .check = corpus_check, .make = make, .inputs = inputs, .loss = loss,
        .fill = fill,
    .fill_held = fill_held, .watch = watch, .epoch = epoch, .where = where, .size = size, .release = release,
};
