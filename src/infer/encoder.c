/* infer/encoder.c: see encoder.h.
 *
 *     sequences ──sort by bucket──► batches of 2^k equal buckets ──plan of (2^k, bucket)──► rows, put back in order
 *
 * A bucket is the length that a sequence is padded to: a multiple of 8 up to 64, of 16 up to 128, and so on, so that from 32
 * tokens on padding stays under a quarter, and few plans are needed.  It depends on the sequence alone, and so do the shapes of
 * everything that mixes its tokens.  Batches are powers of two, so that no row is computed for nothing.
 */
#include "infer/encoder.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_TOKENS 1024
#define PLAN_BYTES_MAX ((size_t)256 << 20)
#define BUCKET_UNIT 8

/* ---- making and freeing ---- */

/* Sentence-Transformers' own limit, often shorter than the model's context. */
static ig_status read_max_tokens(const ig_model *m, int64_t *out, ig_error *err) {
    static const ig_schema_field fields[] = {
        {.key = "max_seq_length", .type = IG_TREE_INT, .nullable = true, .has_range = true, .min = 1,
         .max = 1 << 30}, {.key = "*"}, {0}};
    char path[IG_PATH_MAX];
    ig_doc *d = NULL;
    if (!m->path) return IG_OK;
    IG_TRY(ig_path_join(path, sizeof path, m->path, "sentence_bert_config.json", err));
    if (!ig_path_exists(path)) return IG_OK;
    IG_TRY(ig_doc_load(path, IG_RECIPE_BYTES_MAX, &d, err));
    ig_status status = ig_schema_check(path, ig_doc_root(d), fields, err);
    const ig_tree *v = ig_tree_get(ig_doc_root(d), "max_seq_length");
    if (status == IG_OK && v && v->type == IG_TREE_INT) *out = v->integer;
    ig_doc_free(d);
    return status;
}

ig_status encoder_init(encoder *e, ig_model *m, encoder_output output, const ig_batch_opts *opts, ig_error *err) {
    *e = (encoder){.m = m, .output = output};
    if (opts) e->opts = *opts;
    if (e->opts.max_tokens < 0 || e->opts.batch_tokens < 0)
        return ig_error_set(err, IG_E_ARG, "%s is negative", e->opts.max_tokens < 0 ? "max_tokens" : "batch_tokens");
    int64_t context = m->family->context_length(m);
    if (!e->opts.max_tokens) IG_TRY(read_max_tokens(m, &e->opts.max_tokens, err));
    if (!e->opts.max_tokens || e->opts.max_tokens > context) e->opts.max_tokens = context;
    if (!e->opts.batch_tokens) e->opts.batch_tokens = BATCH_TOKENS;
    if (!e->opts.plan_bytes_max) e->opts.plan_bytes_max = PLAN_BYTES_MAX;
    e->width = output == ENCODER_CLASSES ? m->family->label_count(m) : m->family->hidden_size(m);
    return IG_OK;
}

static void free_plan(encoder_plan *p) {
    if (!p) return;
    ig_plan_free(p->plan);
    ig_tensor_unref(&p->tokens);
    ig_tensor_unref(&p->types);
    ig_tensor_unref(&p->lengths);
    ig_free(p);
}

void encoder_fini(encoder *e) {
    for (size_t i = 0; i < e->count; i++) free_plan(e->plan[i]);
    ig_free(e->plan);
    *e = (encoder){0};
}

/* ---- one plan ---- */

static ig_status make_inputs(const encoder *e, encoder_plan *p, ig_error *err) {
    const ig_family *f = e->m->family;
    ig_context *ctx = e->m->ctx;
    int64_t shape[2] = {p->B, p->T};
    IG_TRY(ig_tensor_zeros(ctx, IG_DTYPE_I64, 2, shape, &p->tokens, err));
    IG_TRY(ig_tensor_zeros(ctx, IG_DTYPE_I64, 1, shape, &p->lengths, err));
    if (!f->type_count || f->type_count(e->m) < 2) return IG_OK;
    return ig_tensor_zeros(ctx, IG_DTYPE_I64, 2, shape, &p->types, err);
}

static ig_var *record(const encoder *e, encoder_plan *p, ig_graph *g) {
    const ig_family *f = e->m->family;
    ig_pass pass = {.g = g, .bf16 = e->opts.bf16};
    ig_var *tokens = ig_input(g, "tokens", &p->tokens), *types = p->types.data ? ig_input(g, "types", &p->types) : NULL;
    ig_var *lengths = ig_input(g, "lengths", &p->lengths);
    if (e->output == ENCODER_CLASSES) return f->classify(e->m, &pass, tokens, types, lengths);     /* [B,L] */
    return f->hidden(e->m, &pass, tokens, types, lengths);                                         /* [B,T,C] */
}

static ig_status capture(const encoder *e, encoder_plan *p, ig_error *err) {
    ig_graph *g = NULL;
    IG_TRY(ig_graph_new(e->m->ctx, IG_GRAPH_LAZY, &g, err));
    ig_var *out = record(e, p, g);
    ig_status status = ig_graph_status(g, err);
    if (status == IG_OK) status = ig_capture(g, &out, 1, (ig_plan_opts){0}, &p->plan, err);
    ig_graph_free(g);
    return status;
}

static ig_status make_plan(const encoder *e, int64_t B, int64_t T, encoder_plan **out, ig_error *err) {
    ig_plan_stats stats;
    *out = ig_calloc(1, sizeof **out);
    if (!*out) return ig_error_nomem(err, sizeof **out);
    (*out)->B = B, (*out)->T = T;
    IG_TRY(make_inputs(e, *out, err));
    IG_TRY(capture(e, *out, err));
    ig_plan_stats_get((*out)->plan, &stats);
    (*out)->bytes = stats.arena_bytes + ig_tensor_bytes(&(*out)->tokens) * 2;
    return IG_OK;
}

/* ---- the plans that are kept ---- */

/* They stand in the order of their last use; the last runs next and stays, however large it is. */
static void forget_the_oldest(encoder *e) {
    while (e->bytes > e->opts.plan_bytes_max && e->count > 1) {
        e->bytes -= e->plan[0]->bytes;
        free_plan(e->plan[0]);
        memmove(e->plan, e->plan + 1, --e->count * sizeof *e->plan);
    }
}

/* Plan i becomes the last. */
static encoder_plan *touch(encoder *e, size_t i) {
    encoder_plan *p = e->plan[i];
    memmove(e->plan + i, e->plan + i + 1, (e->count - i - 1) * sizeof *e->plan);
    return e->plan[e->count - 1] = p;
}

static ig_status grow(encoder *e, ig_error *err) {
    if (e->count < e->cap) return IG_OK;
    size_t cap = e->cap ? e->cap * 2 : 16;
    encoder_plan **plan = ig_realloc_array(e->plan, cap, sizeof *plan);
    if (!plan) return ig_error_nomem(err, cap * sizeof *plan);
    e->plan = plan, e->cap = cap;
    return IG_OK;
}

static ig_status plan_of(encoder *e, int64_t B, int64_t T, encoder_plan **out, ig_error *err) {
    for (size_t i = 0; i < e->count; i++) {
        if (e->plan[i]->B != B || e->plan[i]->T != T) continue;
        *out = touch(e, i);
        return IG_OK;
    }
    IG_TRY(grow(e, err));
    ig_status status = make_plan(e, B, T, out, err);
    if (status != IG_OK) {
        free_plan(*out);
        return status;
    }
    e->bytes += (*out)->bytes;
    e->plan[e->count++] = *out;
    forget_the_oldest(e);
    return IG_OK;
}

/* ---- batches ---- */

static int64_t bucket_of(int64_t length, int64_t longest) {
    int64_t unit = BUCKET_UNIT;
    while (8 * unit < length) unit *= 2;
    int64_t bucket = (length + unit - 1) / unit * unit;
    return bucket < longest ? bucket : longest;
}

typedef struct place {
    int64_t bucket;
    size_t index;
} place;

static int by_bucket(const void *a, const void *b) {
    const place *x = a, *y = b;
    if (x->bucket != y->bucket) return x->bucket < y->bucket ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Behind the text everything stays 0: any token will do. */
static void fill_row(encoder_plan *p, int64_t row, const sequences *s, size_t i) {
    int64_t n = (int64_t)sequence_length(s, i), begin = (int64_t)sequence_begin(s, i);
    int64_t *token = (int64_t *)p->tokens.data + row * p->T, *type = p->types.data ? (int64_t *)p->types.data + row * p->T : NULL;
    for (int64_t t = 0; t < p->T; t++) {
        token[t] = t < n ? s->ids.data[begin + t] : 0;
        if (type) type[t] = t < n && (size_t)(begin + t) >= s->second[i];
    }
    ((int64_t *)p->lengths.data)[row] = n;
}

/* Row `row` of [B,L], or of [B,T,C] the mean of the first n rows, or one of them.  Summed here and not in the plan: in one
 * order, whatever the batch. */
static void pool(const encoder *e, const ig_tensor *y, int64_t row, int64_t n, float *out) {
    const float *from = (const float *)y->data + row * y->stride[0];
    int64_t time = y->ndim > 2 ? y->stride[1] : 0, channel = y->stride[y->ndim - 1];
    if (e->output == ENCODER_LAST) from += (n - 1) * time;
    for (int64_t c = 0; c < e->width; c++) {
        double sum = (double)from[c * channel];
        for (int64_t t = 1; t < n && e->output == ENCODER_MEAN; t++) sum += (double)from[t * time + c * channel];
        out[c] = (float)(e->output == ENCODER_MEAN ? sum / (double)n : sum);
    }
}

static ig_status run_batch(encoder *e, const sequences *s, const place *places, int64_t B, float *out, ig_error *err) {
    encoder_plan *p = NULL;
    IG_TRY(plan_of(e, B, places->bucket, &p, err));
    for (int64_t row = 0; row < B; row++) fill_row(p, row, s, places[row].index);
    IG_TRY(ig_plan_run(p->plan, err));
    const ig_tensor *y = ig_plan_output(p->plan, 0);
    for (int64_t row = 0; row < B; row++) {
        size_t i = places[row].index;
        pool(e, y, row, (int64_t)sequence_length(s, i), out + i * (size_t)e->width);
    }
    return IG_OK;
}

/* The largest power of two that there are sequences of this bucket for, and tokens. */
static int64_t batch_size(const encoder *e, const place *places, size_t left) {
    size_t same = 1;
    int64_t B = 1;
    while (same < left && places[same].bucket == places->bucket) same++;
    while ((size_t)(2 * B) <= same && 2 * B * places->bucket <= e->opts.batch_tokens) B *= 2;
    return B;
}

ig_status encoder_run(encoder *e, const sequences *s, float *out, ig_error *err) {
    ig_status status = IG_OK;
    place *places = ig_calloc(s->count + 1, sizeof *places);
    if (!places) return ig_error_nomem(err, (s->count + 1) * sizeof *places);
    for (size_t i = 0; i < s->count; i++)
        places[i] = (place){bucket_of((int64_t)sequence_length(s, i), e->opts.max_tokens), i};
    qsort(places, s->count, sizeof *places, by_bucket);
    for (size_t at = 0; at < s->count && status == IG_OK;) {
        int64_t B = batch_size(e, places + at, s->count - at);
        status = run_batch(e, s, places + at, B, out, err);
        at += (size_t)B;
    }
    ig_free(places);
    return status;
}
