/* server/route_classify.c: POST /v1/classify, in the shape of vLLM's route: the most likely label of each text, and all
 * probabilities.
 *
 * A text that is too long is refused with its number, as for vectors: a label of its beginning may be another.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/server.h"

#define INPUTS_MAX 2048
#define SLICE 8

typedef struct classification {
    call *c;
    loaded *l;
    const char **text;  /* [n] */
    float *out;         /* [n,L] */
    size_t n;
    int64_t L;
} classification;

static ig_status take_text(classification *k, const ig_tree *t) {
    if (t->type != IG_TREE_TEXT || strlen(t->text) != t->text_len)
        return call_fail(k->c, 400, "input", "invalid_type", "'input' must be a text, or a list of texts");
    if (!t->text_len) return call_fail(k->c, 400, "input", "invalid_value", "'input' has an empty text");
    k->text[k->n++] = t->text;
    return IG_OK;
}

static ig_status take_inputs(classification *k, const ig_tree *input) {
    size_t n = input->type == IG_TREE_LIST ? input->count : 1;
    if (n == 0 || n > INPUTS_MAX) return call_fail(k->c, 400, "input", "invalid_value",
                                                   "'input' must have 1 to %d texts, and has %zu", INPUTS_MAX, n);
    k->text = ig_calloc(n, sizeof *k->text);
    if (!k->text) return ig_error_nomem(&k->c->err, n * sizeof *k->text);
    if (input->type != IG_TREE_LIST) return take_text(k, input);
    for (const ig_tree *t = input->child; t; t = t->next) IG_TRY(take_text(k, t));
    return IG_OK;
}

static ig_status classify_slice(classification *k, size_t from, size_t n) {
    ig_text_use use[SLICE];
    ig_context_enter(k->c->s->ctx);
    ig_status s = ig_classify_texts(k->l->classifier, k->text + from, n, k->out + from * (size_t)k->L, use, &k->c->err);
    ig_context_leave(k->c->s->ctx);
    for (size_t i = 0; i < n && s == IG_OK; i++) {
        k->c->prompt_tokens += use[i].tokens;
        if (use[i].truncated)
            s = call_fail(k->c, 400, "input", "context_length_exceeded",
                          "input %zu is longer than the %lld tokens that this model reads: shorten it",
                          from + i, (long long)use[i].tokens);
    }
    return s;
}

static ig_status classify_locked(classification *k) {
    size_t bytes;
    if (!k->l->classifier) IG_TRY(ig_classifier_open(k->l->m, NULL, &k->l->classifier, &k->c->err));
    k->L = ig_classifier_count(k->l->classifier);
    if (!ig_mul_size(k->n, (size_t)k->L * sizeof *k->out, &bytes)) return ig_error_set(&k->c->err, IG_E_LIMIT,
        "too many texts");
    k->out = ig_malloc(bytes);
    if (!k->out) return ig_error_nomem(&k->c->err, bytes);
    for (size_t i = 0; i < k->n; i += SLICE) {
        if (ig_http_request_gone(k->c->http)) return ig_error_set(&k->c->err, IG_E_CANCELLED, "nobody waits for the answer");
        IG_TRY(classify_slice(k, i, k->n - i < SLICE ? k->n - i : SLICE));
    }
    return IG_OK;
}

static void put_result(const classification *k, size_t i, ig_json *j) {
    const float *p = k->out + i * (size_t)k->L;
    char text[32];
    int64_t best = 0;
    for (int64_t c = 1; c < k->L; c++)
        if (p[c] > p[best]) best = c;
    ig_json_open(j, '{');
    reply_pair_int(j, "index", (int64_t)i);
    reply_pair_text(j, "label", ig_classifier_label(k->l->classifier, best));
    ig_json_key(j, "probs"), ig_json_open(j, '[');
    for (int64_t c = 0; c < k->L; c++) {
        snprintf(text, sizeof text, "%.9g", (double)p[c]);
        ig_json_real(j, strtod(text, NULL));
    }
    ig_json_close(j, ']');
    reply_pair_int(j, "num_classes", k->L);
    ig_json_close(j, '}');
}

static ig_status reply_results(classification *k) {
    char id[SERVER_ID_SIZE];
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    reply_new_id("classify-", id);
    ig_json_open(&j, '{');
    reply_pair_text(&j, "id", id);
    reply_pair_text(&j, "object", "list");
    reply_pair_int(&j, "created", (int64_t)time(NULL));
    reply_pair_text(&j, "model", k->c->model);
    ig_json_key(&j, "data"), ig_json_open(&j, '[');
    for (size_t i = 0; i < k->n; i++) put_result(k, i, &j);
    ig_json_close(&j, ']');
    ig_json_key(&j, "usage"), ig_json_open(&j, '{');
    reply_pair_int(&j, "prompt_tokens", k->c->prompt_tokens);
    reply_pair_int(&j, "total_tokens", k->c->prompt_tokens);
    ig_json_close(&j, '}');
    ig_json_close(&j, '}');
    ig_status s = reply_json(k->c, 200, &b);
    ig_buf_fini(&b);
    return s;
}

ig_status run_classify(call *c) {
    classification k = {.c = c};
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), classify_fields, ""));
    IG_TRY(call_model(c, IG_CAN_CLASSIFY, &k.l));
    ig_status s = take_inputs(&k, field_get(ig_doc_root(c->body), "input"));
    if (s == IG_OK) {
        pthread_mutex_lock(&k.l->lock);
        s = classify_locked(&k);
        if (s == IG_OK) s = reply_results(&k);
        pthread_mutex_unlock(&k.l->lock);
    }
    ig_free(k.text);
    ig_free(k.out);
    pool_release(c->s->pool, k.l);
    return s;
}
