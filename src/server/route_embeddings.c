/* server/route_embeddings.c: POST /v1/embeddings.
 *
 * Texts go through in slices, between which other work on the same cores has its turn.  Nothing is cut off in silence: a
 * text that is too long is refused with its number.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

#define INPUTS_MAX 2048
#define SLICE 8

typedef struct embedding {
    call *c;
    loaded *l;
    ig_ids *ids;       /* [n] */
    size_t n;
    float *out;        /* [n,D] */
    int64_t D, kept;   /* numbers of a vector; those that are given */
} embedding;

/* ---- inputs ------------------------------------------------------------------------------------------------------------------------ */

static ig_status take_text(embedding *e, const ig_tree *t, ig_ids *out) {
    if (!t->text_len) return call_fail(e->c, 400, "input", "invalid_value", "'input' has an empty text");
    if (!e->l->m->tokenizer) return call_fail(e->c, 400, "model", "model_not_suitable", "the model has no tokenizer: give token ids");
    ig_error err = {0};
    ig_status s = ig_tokenizer_encode(e->l->m->tokenizer, t->text, t->text_len, 0, out, &err);
    if (s == IG_E_NOT_FOUND) return call_fail(e->c, 400, "input", "invalid_value", "the model's vocabulary lacks a character: %s", err.message);
    if (s != IG_OK) e->c->err = err;
    return s;
}

static ig_status take_ids(embedding *e, const ig_tree *list, ig_ids *out) {
    int64_t V = e->l->m->family->vocab_size(e->l->m);
    for (const ig_tree *t = list->child; t; t = t->next) {
        if (t->type != IG_TREE_INT || t->integer < 0 || t->integer >= V)
            return call_fail(e->c, 400, "input", "invalid_value", "'input' must be texts or token ids from 0 to %lld", (long long)V - 1);
        IG_TRY(ig_ids_push(out, (int32_t)t->integer, &e->c->err));
    }
    return out->len ? IG_OK : call_fail(e->c, 400, "input", "invalid_value", "'input' has an empty list");
}

static ig_status take_one(embedding *e, const ig_tree *t, ig_ids *out) {
    if (t->type == IG_TREE_TEXT) return take_text(e, t, out);
    if (t->type == IG_TREE_LIST) return take_ids(e, t, out);
    return call_fail(e->c, 400, "input", "invalid_type", "'input' must be a text, a list of texts, or lists of token ids");
}

static ig_status take_inputs(embedding *e, const ig_tree *input) {
    bool several = input->type == IG_TREE_LIST && !(input->child && input->child->type == IG_TREE_INT);
    size_t n = several ? input->count : 1;
    if (n == 0 || n > INPUTS_MAX) return call_fail(e->c, 400, "input", "invalid_value", "'input' must have 1 to %d texts, and has %zu", INPUTS_MAX, n);
    e->ids = ig_calloc(n, sizeof *e->ids);
    if (!e->ids) return ig_error_nomem(&e->c->err, n * sizeof *e->ids);
    e->n = n;
    if (!several) return take_one(e, input, &e->ids[0]);
    size_t i = 0;
    for (const ig_tree *t = input->child; t; t = t->next) IG_TRY(take_one(e, t, &e->ids[i++]));
    return IG_OK;
}

/* ---- vectors ------------------------------------------------------------------------------------------------------------------------ */

static ig_status check_uses(embedding *e, size_t from, size_t n, const ig_text_use *use) {
    for (size_t i = 0; i < n; i++) {
        if (use[i].truncated)
            return call_fail(e->c, 400, "input", "context_length_exceeded", "input %zu has %zu tokens; this model reads %lld at most: shorten it",
                             from + i, e->ids[from + i].len, (long long)ig_embedder_max_tokens(e->l->embedder));
        e->c->prompt_tokens += use[i].tokens;
    }
    return IG_OK;
}

static ig_status embed_slice(embedding *e, size_t from, size_t n) {
    ig_text_use use[SLICE];
    ig_context_enter(e->c->s->ctx);
    ig_status s = ig_embed_tokens(e->l->embedder, e->ids + from, n, e->out + from * (size_t)e->D, use, &e->c->err);
    ig_context_leave(e->c->s->ctx);
    return s == IG_OK ? check_uses(e, from, n, use) : s;
}

static ig_status embed_locked(embedding *e) {
    size_t bytes;
    if (!e->l->embedder) IG_TRY(ig_embedder_open(e->l->m, NULL, &e->l->embedder, &e->c->err));
    e->D = ig_embedder_dimensions(e->l->embedder);
    e->kept = ig_tree_int(ig_doc_root(e->c->body), "dimensions", e->D);
    if (e->kept > e->D)
        return call_fail(e->c, 400, "dimensions", "integer_above_max_value", "'dimensions' is %lld; this model's vectors have %lld numbers",
                         (long long)e->kept, (long long)e->D);
    if (!ig_mul_size(e->n, (size_t)e->D * sizeof *e->out, &bytes)) return ig_error_set(&e->c->err, IG_E_LIMIT, "too many vectors");
    e->out = ig_malloc(bytes);
    if (!e->out) return ig_error_nomem(&e->c->err, bytes);
    for (size_t i = 0; i < e->n; i += SLICE) {
        if (ig_http_request_gone(e->c->http)) return ig_error_set(&e->c->err, IG_E_CANCELLED, "nobody waits for the answer");
        IG_TRY(embed_slice(e, i, e->n - i < SLICE ? e->n - i : SLICE));
    }
    return IG_OK;
}

/* The first numbers, made a vector of length 1 again. */
static void shorten(const embedding *e, float *x) {
    double sum = 0;
    if (e->kept == e->D) return;
    for (int64_t i = 0; i < e->kept; i++) sum += (double)x[i] * x[i];
    for (int64_t i = 0; i < e->kept && sum > 0; i++) x[i] = (float)(x[i] / sqrt(sum));
}

/* ---- out ------------------------------------------------------------------------------------------------------------------------------ */

static void put_base64(const float *x, int64_t n, ig_json *j) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *b = (const unsigned char *)x;
    size_t len = (size_t)n * sizeof *x;
    ig_buf text = {.max = len * 2 + 8};
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t v = (uint32_t)b[i] << 16 | (left > 1 ? (uint32_t)b[i + 1] << 8 : 0) | (left > 2 ? b[i + 2] : 0);
        ig_buf_putc(&text, digits[v >> 18]);
        ig_buf_putc(&text, digits[v >> 12 & 63]);
        ig_buf_putc(&text, left > 1 ? digits[v >> 6 & 63] : '=');
        ig_buf_putc(&text, left > 2 ? digits[v & 63] : '=');
    }
    if (text.status != IG_OK) j->out->status = text.status;
    ig_json_text(j, text.data ? text.data : "");
    ig_buf_fini(&text);
}

/* Nine digits give every float back. */
static void put_numbers(const float *x, int64_t n, ig_json *j) {
    char text[32];
    ig_json_open(j, '[');
    for (int64_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "%.9g", (double)x[i]);
        ig_json_real(j, strtod(text, NULL));
    }
    ig_json_close(j, ']');
}

static ig_status reply_vectors(embedding *e) {
    bool base64 = strcmp(ig_tree_text(ig_doc_root(e->c->body), "encoding_format", "float"), "base64") == 0;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    reply_pair_text(&j, "object", "list");
    ig_json_key(&j, "data"), ig_json_open(&j, '[');
    for (size_t i = 0; i < e->n; i++) {
        float *x = e->out + i * (size_t)e->D;
        shorten(e, x);
        ig_json_open(&j, '{');
        reply_pair_text(&j, "object", "embedding");
        reply_pair_int(&j, "index", (int64_t)i);
        ig_json_key(&j, "embedding");
        if (base64) put_base64(x, e->kept, &j);
        else put_numbers(x, e->kept, &j);
        ig_json_close(&j, '}');
    }
    ig_json_close(&j, ']');
    reply_pair_text(&j, "model", e->c->model);
    ig_json_key(&j, "usage"), ig_json_open(&j, '{');
    reply_pair_int(&j, "prompt_tokens", e->c->prompt_tokens);
    reply_pair_int(&j, "total_tokens", e->c->prompt_tokens);
    ig_json_close(&j, '}');
    ig_json_close(&j, '}');
    ig_status s = reply_json(e->c, 200, &b);
    ig_buf_fini(&b);
    return s;
}

static ig_status embed(embedding *e) {
    IG_TRY(take_inputs(e, field_get(ig_doc_root(e->c->body), "input")));
    pthread_mutex_lock(&e->l->lock);
    ig_status s = embed_locked(e);
    pthread_mutex_unlock(&e->l->lock);
    return s == IG_OK ? reply_vectors(e) : s;
}

ig_status run_embeddings(call *c) {
    embedding e = {.c = c};
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), embedding_fields, ""));
    IG_TRY(call_model(c, IG_CAN_EMBED, &e.l));
    ig_status s = embed(&e);
    for (size_t i = 0; i < e.n; i++) ig_ids_fini(&e.ids[i]);
    ig_free(e.ids);
    ig_free(e.out);
    pool_release(c->s->pool, e.l);
    return s;
}
