/* server/route_rerank.c: POST /v1/rerank, in the shape that Cohere's and Jina's clients share.
 *
 * relevance_score is the logistic function of a cross-encoder's score: between 0 and 1, and in the same order.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

#define SLICE 8

typedef struct ranked {
    size_t index;
    const char *text;
    float score;
} ranked;

static ig_status take_documents(call *c, const ig_tree *list, ranked *out) {
    size_t n = 0;
    for (const ig_tree *t = list->child; t; t = t->next) {
        const ig_tree *text = t->type == IG_TREE_MAP ? ig_tree_get(t, "text") : t;
        if (!text || text->type != IG_TREE_TEXT || strlen(text->text) != text->text_len)
            return call_fail(c, 400, "documents", "invalid_type", "'documents[%zu]' must be a text, or an object with 'text'", n);
        out[n] = (ranked){.index = n, .text = text->text};
        n++;
    }
    return IG_OK;
}

static ig_status score_slice(call *c, loaded *l, const char *query, ranked *r, size_t n) {
    const char *queries[SLICE], *documents[SLICE];
    float score[SLICE];
    ig_text_use use[SLICE];
    for (size_t i = 0; i < n; i++) queries[i] = query, documents[i] = r[i].text;
    ig_context_enter(c->s->ctx);
    ig_status s = ig_score_pairs(l->classifier, queries, documents, n, score, use, &c->err);
    ig_context_leave(c->s->ctx);
    for (size_t i = 0; i < n && s == IG_OK; i++) r[i].score = score[i], c->prompt_tokens += use[i].tokens;
    return s;
}

static ig_status score_all(call *c, loaded *l, const char *query, ranked *r, size_t n) {
    ig_status s = IG_OK;
    pthread_mutex_lock(&l->lock);
    if (!l->classifier) s = ig_classifier_open(l->m, NULL, &l->classifier, &c->err);
    for (size_t i = 0; i < n && s == IG_OK; i += SLICE) {
        s = ig_http_request_gone(c->http) ? ig_error_set(&c->err, IG_E_CANCELLED, "nobody waits for the answer")
                                          : score_slice(c, l, query, r + i, n - i < SLICE ? n - i : SLICE);
    }
    pthread_mutex_unlock(&l->lock);
    return s;
}

static int by_score(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static ig_status reply_ranked(call *c, const ranked *r, size_t n) {
    const ig_tree *body = ig_doc_root(c->body);
    char id[SERVER_ID_SIZE];
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    reply_new_id("rerank-", id);
    ig_json_open(&j, '{');
    reply_pair_text(&j, "id", id);
    reply_pair_text(&j, "model", c->model);
    ig_json_key(&j, "results"), ig_json_open(&j, '[');
    for (size_t i = 0; i < n; i++) {
        ig_json_open(&j, '{');
        reply_pair_int(&j, "index", (int64_t)r[i].index);
        ig_json_key(&j, "relevance_score"), ig_json_real(&j, 1 / (1 + exp(-(double)r[i].score)));
        if (ig_tree_bool(body, "return_documents", false)) {
            ig_json_key(&j, "document"), ig_json_open(&j, '{');
            reply_pair_text(&j, "text", r[i].text);
            ig_json_close(&j, '}');
        }
        ig_json_close(&j, '}');
    }
    ig_json_close(&j, ']');
    ig_json_key(&j, "usage"), ig_json_open(&j, '{');
    reply_pair_int(&j, "prompt_tokens", c->prompt_tokens);
    reply_pair_int(&j, "total_tokens", c->prompt_tokens);
    ig_json_close(&j, '}');
    ig_json_close(&j, '}');
    ig_status s = reply_json(c, 200, &b);
    ig_buf_fini(&b);
    return s;
}

static ig_status rerank(call *c, loaded *l) {
    const ig_tree *body = ig_doc_root(c->body), *documents = field_get(body, "documents");
    if (l->m->family->label_count(l->m) != 1)
        return call_fail(c, 400, "model", "model_not_suitable", "the model '%s' is no cross-encoder: it has %lld labels, not one", c->model,
                         (long long)l->m->family->label_count(l->m));
    ranked *r = ig_calloc(documents->count, sizeof *r);
    if (!r) return ig_error_nomem(&c->err, documents->count * sizeof *r);
    size_t top = (size_t)ig_tree_int(body, "top_n", (int64_t)documents->count);
    ig_status s = take_documents(c, documents, r);
    if (s == IG_OK) s = score_all(c, l, ig_tree_text(body, "query", ""), r, documents->count);
    if (s == IG_OK) qsort(r, documents->count, sizeof *r, by_score);
    if (s == IG_OK) s = reply_ranked(c, r, top < documents->count ? top : documents->count);
    ig_free(r);
    return s;
}

ig_status run_rerank(call *c) {
    loaded *l;
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), rerank_fields, ""));
    IG_TRY(call_model(c, IG_CAN_SCORE, &l));
    ig_status s = rerank(c, l);
    pool_release(c->s->pool, l);
    return s;
}
