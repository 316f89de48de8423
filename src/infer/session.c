/* infer/session.c: a model that reads on: its key/value cache, and the plans that fill it.
 *
 *     cache, per layer      k, v f32 [1,G,S,D]
 *                           0 ──────── length ─────────────── context ──────── S
 *                           read        next positions          room of the last padded chunk
 *
 * Two plans read tokens: one at a time, and 64 at a time.  A chunk with fewer tokens is padded: what the padding writes
 * lies behind the positions that count, attention of the real tokens cannot see it (causal), and it is overwritten by what
 * comes next.  Chunks end where the position is a multiple of 64: reading a text from the start in any number of calls
 * that cut it there runs the same plans on the same rows, so the bits are the same and beginnings can be shared.
 */
#include <string.h>

#include "ingot/infer.h"

#define CHUNK 64
#define PAD_FROM 4 /* so many tokens cost about as much one by one as one padded chunk */

typedef struct reader {
    int64_t T;
    ig_tensor tokens;    /* i64 [1,T] */
    ig_tensor positions; /* i64 [T] */
    ig_tensor last;      /* i64 [1] */
    ig_plan *plan;       /* made when first needed */
} reader;

struct ig_session {
    ig_model *m;
    ig_session_opts opts;
    int64_t context;
    ig_kv_cache cache;
    reader one, many;
    ig_ids history;      /* [length] */
    const float *logits; /* of one.plan or many.plan */
};

/* ---- opening and closing ---- */

static ig_status new_i64(ig_session *s, int64_t n, ig_tensor *out, ig_error *err) {
    return ig_tensor_zeros(s->m->ctx, IG_DTYPE_I64, 1, &n, out, err);
}

static ig_status make_reader(ig_session *s, reader *r, int64_t T, ig_error *err) {
    int64_t shape[2] = {1, T};
    r->T = T;
    IG_TRY(ig_tensor_zeros(s->m->ctx, IG_DTYPE_I64, 2, shape, &r->tokens, err));
    IG_TRY(new_i64(s, T, &r->positions, err));
    return new_i64(s, 1, &r->last, err);
}

/* Zeroed: rows of the cache that were never written must be numbers, or their zero weights would give NaN. */
static ig_status make_cache(ig_session *s, ig_error *err) {
    ig_kv_cache *c = &s->cache;
    int layers = s->m->family->cache_layers(s->m);
    int64_t shape[4] = {1, 0, (s->context + CHUNK - 1) / CHUNK * CHUNK + CHUNK, 0};
    s->m->family->cache_shape(s->m, &shape[1], &shape[3]);
    c->k = ig_calloc((size_t)layers, sizeof *c->k);
    c->v = ig_calloc((size_t)layers, sizeof *c->v);
    if (!c->k || !c->v) return ig_error_nomem(err, (size_t)layers * sizeof *c->k);
    for (c->layers = 0; c->layers < layers; c->layers++) {
        IG_TRY(ig_tensor_zeros(s->m->ctx, IG_DTYPE_F32, 4, shape, &c->k[c->layers], err));
        ig_status status = ig_tensor_zeros(s->m->ctx, IG_DTYPE_F32, 4, shape, &c->v[c->layers], err);
        if (status != IG_OK) ig_tensor_unref(&c->k[c->layers]);
        IG_TRY(status);
    }
    IG_TRY(new_i64(s, 1, &c->pos, err));
    return new_i64(s, 1, &c->length, err);
}

static ig_status set_up(ig_session *s, const ig_session_opts *opts, ig_error *err) {
    if (!(s->m->family->capabilities & IG_CAN_GENERATE))
        return ig_error_set(err, IG_E_UNSUPPORTED, "models of family %s do not generate", s->m->family->name);
    if (opts) s->opts = *opts;
    s->context = s->m->family->context_length(s->m);
    if (s->opts.context_max < 0) return ig_error_set(err, IG_E_ARG, "context_max is negative");
    if (s->opts.context_max > 0 && s->opts.context_max < s->context) s->context = s->opts.context_max;
    IG_TRY(make_cache(s, err));
    IG_TRY(make_reader(s, &s->one, 1, err));
    return make_reader(s, &s->many, CHUNK, err);
}

ig_status ig_session_open(ig_model *m, const ig_session_opts *opts, ig_session **out, ig_error *err) {
    *out = NULL;
    ig_session *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    s->m = m;
    ig_status status = set_up(s, opts, err);
    if (status == IG_OK) *out = s;
    else ig_session_close(s);
    return status;
}

static void free_reader(reader *r) {
    ig_plan_free(r->plan);
    ig_tensor_unref(&r->tokens);
    ig_tensor_unref(&r->positions);
    ig_tensor_unref(&r->last);
}

void ig_session_close(ig_session *s) {
    if (!s) return;
    free_reader(&s->one);
    free_reader(&s->many);
    for (int i = 0; i < s->cache.layers; i++) {
        ig_tensor_unref(&s->cache.k[i]);
        ig_tensor_unref(&s->cache.v[i]);
    }
    ig_free(s->cache.k);
    ig_free(s->cache.v);
    ig_tensor_unref(&s->cache.pos);
    ig_tensor_unref(&s->cache.length);
    ig_ids_fini(&s->history);
    ig_free(s);
}

/* ---- reading ---- */

static ig_status record(ig_session *s, reader *r, ig_graph *g, ig_error *err) {
    ig_kv_cache cache = s->cache;
    ig_pass pass = {.g = g, .bf16 = s->opts.bf16 && r->T > 1}; /* for one token the conversion costs more than it saves */
    cache.positions = r->positions;
    if (r->T > 1) cache.last = r->last;
    ig_var *logits = s->m->family->logits(s->m, &pass, ig_input(g, "tokens", &r->tokens), &cache);
    IG_TRY(ig_graph_status(g, err));
    return ig_capture(g, &logits, 1, (ig_plan_opts){0}, &r->plan, err);
}

static ig_status make_plan(ig_session *s, reader *r, ig_error *err) {
    ig_graph *g = NULL;
    IG_TRY(ig_graph_new(s->m->ctx, IG_GRAPH_LAZY, &g, err));
    ig_status status = record(s, r, g, err);
    ig_graph_free(g);
    return status;
}

/* Padding repeats token 0 at the last position: any row of the tables will do. */
static void fill(const ig_session *s, reader *r, const int32_t *tokens, int64_t n) {
    int64_t at = (int64_t)s->history.len;
    int64_t *id = r->tokens.data, *position = r->positions.data;
    for (int64_t i = 0; i < r->T; i++) {
        id[i] = i < n ? tokens[i] : 0;
        position[i] = at + i < s->context ? at + i : s->context - 1;
    }
    *(int64_t *)r->last.data = n - 1;
    *(int64_t *)s->cache.pos.data = at;
    *(int64_t *)s->cache.length.data = at + r->T;
}

/* At most CHUNK tokens that do not cross a multiple of CHUNK. */
static ig_status read_chunk(ig_session *s, const int32_t *tokens, int64_t n, ig_error *err) {
    reader *r = n >= PAD_FROM ? &s->many : &s->one;
    if (!r->plan) IG_TRY(make_plan(s, r, err));
    int64_t step = r->T == 1 ? 1 : n;
    for (int64_t i = 0; i < n; i += step) {
        fill(s, r, tokens + i, step);
        IG_TRY(ig_plan_run(r->plan, err));
        for (int64_t k = 0; k < step; k++) IG_TRY(ig_ids_push(&s->history, tokens[i + k], err));
    }
    s->logits = ig_plan_output(r->plan, 0)->data;
    return IG_OK;
}

static ig_status read_all(ig_session *s, const int32_t *tokens, size_t n, ig_error *err) {
    for (size_t done = 0; done < n;) {
        size_t step = CHUNK - s->history.len % CHUNK;
        if (step > n - done) step = n - done;
        IG_TRY(read_chunk(s, tokens + done, (int64_t)step, err));
        done += step;
    }
    return IG_OK;
}

/* The last half of the context, of what is there and what comes, is read again from position 0: learned positions leave
 * no other way, and rotated keys keep the angles that training has seen. */
static ig_status slide(ig_session *s, const int32_t *tokens, size_t n, ig_error *err) {
    size_t keep = s->context > 1 ? (size_t)s->context / 2 : 1, old = s->history.len;
    if (keep > old + n) keep = old + n;
    int32_t *text = ig_malloc(keep * sizeof *text);
    if (!text) return ig_error_nomem(err, keep * sizeof *text);
    for (size_t i = 0; i < keep; i++) {
        size_t at = old + n - keep + i;
        text[i] = at < old ? s->history.data[at] : tokens[at - old];
    }
    s->history.len = 0;
    ig_status status = read_all(s, text, keep, err);
    ig_free(text);
    return status;
}

static ig_status check_tokens(const ig_session *s, const int32_t *tokens, size_t n, ig_error *err) {
    int64_t V = s->m->family->vocab_size(s->m);
    if (n == 0) return ig_error_set(err, IG_E_ARG, "no tokens to read");
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= V)
            return ig_error_set(err, IG_E_ARG, "token %d at place %zu; the model knows 0 to %lld", tokens[i], i,
                                (long long)V - 1);
    return IG_OK;
}

ig_status ig_session_feed(ig_session *s, const int32_t *tokens, size_t n, ig_error *err) {
    IG_TRY(check_tokens(s, tokens, n, err));
    size_t length = s->history.len;
    bool full = n > (size_t)s->context - length;
    if (full && !s->opts.slide)
        return ig_error_set(err, IG_E_LIMIT, "%zu tokens more than the %zu that were read do not fit in the context of %lld", n,
                            length, (long long)s->context);
    ig_status status = full ? slide(s, tokens, n, err) : read_all(s, tokens, n, err);
    if (status == IG_OK) return IG_OK;
    s->history.len = full ? 0 : length;
    s->logits = NULL;
    return status;
}

/* ---- asking ---- */

const float *ig_session_logits(const ig_session *s) { return s->logits; }
int64_t ig_session_length(const ig_session *s) { return (int64_t)s->history.len; }
int64_t ig_session_context(const ig_session *s) { return s->context; }
bool ig_session_slides(const ig_session *s) { return s->opts.slide; }
ig_model *ig_session_model(const ig_session *s) { return s->m; }
const int32_t *ig_session_tokens(const ig_session *s) { return s->history.data; }

ig_status ig_session_rewind(ig_session *s, int64_t length, ig_error *err) {
    if (length < 0 || length > (int64_t)s->history.len)
        return ig_error_set(err, IG_E_ARG, "cannot go back to %lld of %zu positions", (long long)length, s->history.len);
    if (length < (int64_t)s->history.len) s->logits = NULL;
    s->history.len = (size_t)length;
    return IG_OK;
}
