/* train/task_pairs.c: vectors of texts, learned from texts that belong together: questions and their answers.
 *
 *     lines    [ B first | B second | B negatives ]  ──encoder, pooling──► a, b, n, of length 1
 *     scores   a·[b n]ᵀ / temperature   [B,kB]       row i must choose column i
 *     loss     cross-entropy; symmetric: its mean with that of the columns b choosing their row
 *
 * All other answers of a batch are the wrong ones (Henderson et al. 2017; van den Oord et al. 2018), but not those whose text
 * is
 * that of the right one, nor those to the same question: they get -∞.
 */
#include <math.h>
#include <string.h>

#include "train/corpus.h"
#include "train/task.h"
#include "train/texts.h"

enum { PAIRS_POOL = TEXTS_MORE, PAIRS_BIAS, PAIRS_TARGETS };     /* [R,1,T], [B,kB], [B] */
enum { ACCURACY, RECALL };
#define NEVER (-1e9f)

typedef struct pairs {
    texts d;              /* first: texts_… find it in t->data */
    int64_t C, run;       /* of the evaluation under way */
    float *a, *b;         /* [held,C] */
} pairs;

static const ig_tree *part(const trainer *t) { return ig_tree_get(ig_doc_root(t->r->doc), "pairs"); }
static bool pools_first(const trainer *t) { return strcmp(ig_tree_text(part(t), "pooling", "mean"), "cls") == 0; }

static ig_status load(trainer *t, ig_error *err) {
    pairs *x = ig_calloc(1, sizeof *x);
    if (!x) return ig_error_nomem(err, sizeof *x);
    t->data = x;
    bool negatives = ig_tree_get(ig_tree_path(ig_doc_root(t->r->doc), "data.columns"), "negative") != NULL;
    unsigned needs = 1u << IG_TEXT_FIRST | 1u << IG_TEXT_SECOND;
    return texts_load(t, &x->d, needs | (negatives ? 1u << IG_TEXT_NEGATIVE : 0), 0, err);
}

static ig_status make(trainer *t, ig_error *err) {
    pairs *x = t->data;
    IG_TRY(texts_encode(t, &x->d, true, err));
    IG_TRY(texts_make(t, &x->d, (int64_t)x->d.per, err));
    x->C = t->model->family->hidden_size(t->model);
    size_t n = t->validates ? (size_t)(t->held_rows * x->C) : 1;
    x->a = ig_calloc(n, sizeof *x->a), x->b = ig_calloc(n, sizeof *x->b);
    return x->a && x->b ? IG_OK : ig_error_nomem(err, n * sizeof *x->a);
}

static ig_status inputs(trainer *t, train_shape *s, ig_error *err) {
    int64_t k = (int64_t)((pairs *)t->data)->d.per, pool[3] = {k * s->rows, 1, s->length},
        bias[2] = {s->rows, (k - 1) * s->rows};
    IG_TRY(texts_inputs(t, s, k, err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 3, pool, &s->in[PAIRS_POOL], err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 2, bias, &s->in[PAIRS_BIAS], err));
    return ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, bias, &s->in[PAIRS_TARGETS], err);
}

/* ---- filling ---- */

static void fill_pool(const trainer *t, train_shape *s) {
    int64_t lines = s->in[PAIRS_POOL].shape[0], T = s->length;
    for (int64_t i = 0; i < lines; i++) {
        int64_t n = ((int64_t *)s->in[TEXTS_LENGTHS].data)[i];
        float *weight = (float *)s->in[PAIRS_POOL].data + i * T;
        for (int64_t k = 0; k < T; k++) weight[k] = pools_first(t) ? k == 0 : k < n ? 1 / (float)n : 0;
    }
}

static bool same(const pairs *x, int64_t i, ig_text_role p, int64_t j, ig_text_role q) {
    return strcmp(ig_text_rows_get(&x->d.x, (size_t)i, p), ig_text_rows_get(&x->d.x, (size_t)j, q)) == 0;
}

/* Whether row i may be asked to tell column j (of the second texts, or of the negatives) from its own. */
static bool competes(const pairs *x, const int64_t *rows, int64_t i, int64_t j, ig_text_role column) {
    if (rows[i] < 0 || rows[j] < 0) return false;
    if (same(x, rows[i], IG_TEXT_SECOND, rows[j], column)) return false;
    return column == IG_TEXT_NEGATIVE || !same(x, rows[i], IG_TEXT_FIRST, rows[j], IG_TEXT_FIRST);
}

static void fill_rows(trainer *t, train_shape *s, const int64_t *rows) {
    pairs *x = t->data;
    int64_t B = s->rows, k = (int64_t)x->d.per, *target = s->in[PAIRS_TARGETS].data;
    float *bias = s->in[PAIRS_BIAS].data;
    for (int64_t i = 0; i < B; i++) {
        for (int64_t c = 0; c < k; c++) texts_fill(&x->d, s, c * B + i, rows[i] < 0 ? -1 : rows[i] * k + c);
        for (int64_t c = 1; c < k; c++)
            for (int64_t j = 0; j < B; j++)
                bias[(i * (k - 1) + c - 1) * B + j] = (c == 1 && i == j) || competes(x, rows, i, j,
                    (ig_text_role)c) ? 0 : NEVER;
        target[i] = rows[i] < 0 ? IG_NO_TARGET : i;
    }
    fill_pool(t, s);
}

static ig_status fill(trainer *t, int64_t batch, int *shape, int64_t *counted, ig_error *err) {
    (void)err;
    *shape = ig_row_batches_pick(&t->rows, batch, t->rows_of_batch);
    fill_rows(t, &t->shape[*shape], t->rows_of_batch);
    for (int64_t i = 0; i < t->r->train.batch; i++) *counted += t->rows_of_batch[i] >= 0;
    return IG_OK;
}

static ig_status fill_held(trainer *t, int64_t i, int64_t *counted, ig_error *err) {
    pairs *x = t->data;
    int64_t rows[EVALUATION_ROWS_MAX];
    (void)err;
    x->run = i;
    *counted = texts_held_rows(t, &x->d, i, rows);
    fill_rows(t, &t->held, rows);
    return IG_OK;
}

/* ---- the loss ---- */

/* [R,C], every row of length 1 */
static ig_var *vectors(trainer *t, const ig_pass *p, const train_shape *s) {
    ig_graph *g = p->g;
    ig_var *tokens = ig_input(g, "tokens", &s->in[TEXTS_TOKENS]), *lengths = ig_input(g, "lengths", &s->in[TEXTS_LENGTHS]);
    ig_var *h = t->model->family->hidden(t->model, p, tokens, texts_types(t, p, s), lengths);         /* [R,T,C] */
    if (ig_graph_status(g, NULL) != IG_OK) return h;
    int64_t size[2] = {ig_dim(h, 0), ig_dim(h, 2)};
    ig_var *v = ig_reshape(g, ig_matmul(g, ig_input(g, "pool", &s->in[PAIRS_POOL]), h), 2, size);
    return ig_mul(g, v, ig_rsqrt(g, ig_affine(g, ig_sum(g, ig_square(g, v), 1u << 1, true), 1, 1e-12)));
}

static ig_var *loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count) {
    ig_graph *g = p->g;
    ig_var *v = vectors(t, p, s);
    if (ig_graph_status(g, NULL) != IG_OK) return v;
    int64_t B = s->rows, all = ig_dim(v, 0);
    ig_cross_entropy_opts opts = {.has_ignore = true, .ignore_index = IG_NO_TARGET};
    ig_var *a = ig_slice(g, v, 0, 0, B), *b = ig_slice(g, v, 0, B, all),
        *targets = ig_input(g, "targets", &s->in[PAIRS_TARGETS]);
    ig_var *scores = ig_affine(g, ig_matmul(g, a, ig_transpose(g, b, 0, 1)), 1 / ig_tree_real(part(t), "temperature", 0.05), 0);
    scores = ig_add(g, scores, ig_input(g, "bias", &s->in[PAIRS_BIAS]));                               /* [B,kB] */
    more[(*count)++] = ig_argmax(g, scores, 1);
    if (!p->training) more[(*count)++] = ig_contiguous(g, a), more[(*count)++] = ig_contiguous(g, ig_slice(g, v, 0, B, 2 * B));
    ig_var *rows = ig_cross_entropy(g, scores, targets, opts);
    if (!ig_tree_bool(part(t), "symmetric", true)) return rows;
    ig_var *back = ig_contiguous(g, ig_transpose(g, ig_slice(g, scores, 1, 0, B), 0, 1));
    return ig_affine(g, ig_add(g, rows, ig_cross_entropy(g, back, targets, opts)), 0.5, 0);
}

/* ---- figures ---- */

static void watch(trainer *t, const train_shape *s, const ig_tensor *const *more, task_sums *sums) {
    pairs *x = t->data;
    const int64_t *target = s->in[PAIRS_TARGETS].data, *said = more[0]->data;
    for (int64_t i = 0; i < s->rows; i++) {
        if (target[i] == IG_NO_TARGET) continue;
        sums->sum[ACCURACY] += said[i] == i, sums->count++;
        if (s != &t->held) continue;
        size_t at = (size_t)((x->run * s->rows + i) * x->C), n = (size_t)x->C;
        memcpy(x->a + at, (const float *)more[1]->data + (size_t)i * n, n * sizeof *x->a);
        memcpy(x->b + at, (const float *)more[2]->data + (size_t)i * n, n * sizeof *x->b);
    }
    sums->sum[RECALL] = NAN; /* of a whole evaluation only */
}

static float dot(const float *a, const float *b, int64_t n) {
    float sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* The nearest of all that is held out has the text that belongs to the first. */
static ig_status conclude(trainer *t, const task_sums *sums, double *figures, ig_error *err) {
    const pairs *x = t->data;
    int64_t hits = 0, first = (int64_t)x->d.train_rows;
    (void)sums, (void)err;
    for (int64_t i = 0; i < t->held_rows; i++) {
        int64_t best = 0;
        float most = -INFINITY;
        for (int64_t j = 0; j < t->held_rows; j++) {
            float score = dot(x->a + i * x->C, x->b + j * x->C, x->C);
            if (score > most) most = score, best = j;
        }
        hits += same(x, first + i, IG_TEXT_SECOND, first + best, IG_TEXT_SECOND);
    }
    figures[RECALL] = (double)hits / (double)t->held_rows;
    return IG_OK;
}

/* ---- beside the model ---- */

static ig_status write_text(const char *dir, const char *name, const char *text, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, dir, name, err));
    return ig_file_write(path, text, strlen(text), err);
}

/* What Sentence-Transformers and the embedder read: how the vector of a text is made of those of its tokens. */
static ig_status save(const trainer *t, const char *dir, ig_error *err) {
    char folder[IG_PATH_MAX], text[700];
    bool first = pools_first(t);
    IG_TRY(ig_path_join(folder, sizeof folder, dir, "1_Pooling", err));
    IG_TRY(ig_dir_make(folder, err));
    snprintf(text, sizeof text,
             "{\n  \"word_embedding_dimension\": %lld,\n  \"pooling_mode_cls_token\": %s,\n  \"pooling_mode_mean_tokens\": %s\n}\n",
             (long long)((const pairs *)t->data)->C, first ? "true" : "false", first ? "false" : "true");
    IG_TRY(write_text(folder, "config.json", text, err));
    snprintf(text, sizeof text, "{\n  \"max_seq_length\": %lld,\n  \"do_lower_case\": false\n}\n",
             (long long)t->r->train.context);
    IG_TRY(write_text(dir, "sentence_bert_config.json", text, err));
    return write_text(dir, "modules.json",
                      "[\n  {\"idx\": 0, \"name\": \"0\", \"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"},\n"
                      "  {\"idx\": 1, \"name\": \"1\", \"path\": \"1_Pooling\", \"type\": \"sentence_transformers.models.Pooling\"},\n"
                      "  {\"idx\": 2, \"name\": \"2\", \"path\": \"2_Normalize\", \"type\": \"sentence_transformers.models.Normalize\"}\n]\n", err);
}

static void release(trainer *t) {
    pairs *x = t->data;
    ig_row_batches_fini(&t->rows);
    if (!x) return;
    texts_fini(&x->d);
    ig_free(x->a), ig_free(x->b);
    ig_free(x);
}

static const char *const keys[] = {"columns", "header", "quotes", NULL};
static const char *const parts[] = {"pairs", NULL};
static const train_figure figures[] = {{"accuracy", true}, {"recall_at_1", true}, {0}};

const train_task train_task_pairs = {
    .name = "pairs", .doc = "tables of texts that belong together: vectors that are near each other are learned",
        .unit = "rows",
    .tokens = TASK_LEARNED_WORDS, .needs = IG_CAN_EMBED, .needs_words = "make vectors of texts", .head = "bare", .keys = keys,
    .parts = parts, .figures = figures, .load = load, .check = corpus_check, .make = make, .inputs = inputs, .loss = loss,
    .count = texts_count, .fill = fill, .fill_held = fill_held, .watch = watch, .conclude = conclude, .epoch = texts_epoch,
    .where = texts_where, .size = texts_size, .save = save, .release = release,
};
