/* infer/tag.c: words to tags: the label of the first piece of each word, as training counts it.
 *
 *     words   李 明 …     ids   [CLS] 李 明 … [SEP]     piece[i] = where word i begins ──► the largest logit of that row
 */
#include <string.h>

#include "infer/sequences.h"

struct ig_tagger {
    ig_model *m;
    framing frame;
    int64_t tokens_max;
};

ig_status ig_tagger_open(ig_model *m, ig_tagger **out, ig_error *err) {
    sequences s = {0};
    *out = NULL;
    if (!ig_model_can(m, IG_CAN_TAG)) return ig_error_set(err, IG_E_UNSUPPORTED,
                                                          "this model of family %s has no head that tags tokens",
                                                              m->family->name);
    if (!m->tokenizer) return ig_error_set(err, IG_E_STATE, "the model has no tokenizer");
    ig_status status = sequences_init(&s, m, m->family->context_length(m), 1, err);
    ig_tagger *t = status == IG_OK ? ig_calloc(1, sizeof *t) : NULL;
    if (status == IG_OK && !t) status = ig_error_nomem(err, sizeof *t);
    if (t) *t = (ig_tagger){.m = m, .frame = s.frame, .tokens_max = m->family->context_length(m)};
    sequences_fini(&s);
    *out = t;
    return status;
}

void ig_tagger_close(ig_tagger *t) { ig_free(t); }

const char *ig_tagger_label(const ig_tagger *t, int32_t i) {
    return i < 0 || i >= t->m->family->label_count(t->m) ? NULL : t->m->family->label(t->m, i);
}

/* A word of which the tokenizer leaves nothing is an unknown one. */
static ig_status push_word(const ig_tagger *t, const char *word, ig_ids *ids, ig_error *err) {
    size_t before = ids->len;
    IG_TRY(ig_tokenizer_encode(t->m->tokenizer, word, strlen(word), 0, ids, err));
    if (ids->len > before) return IG_OK;
    int32_t unknown = ig_tokenizer_find(t->m->tokenizer, "[UNK]", 5);
    if (unknown < 0) unknown = ig_tokenizer_find(t->m->tokenizer, "<unk>", 5);
    return ig_ids_push(ids, unknown < 0 ? 0 : unknown, err);
}

/* piece[i] = -1 for words behind the context. */
static ig_status encode(const ig_tagger *t, const char *const *words, size_t n, ig_ids *ids, int64_t *piece, ig_error *err) {
    size_t most = (size_t)t->tokens_max - (t->frame.framed ? 1 : 0);
    if (t->frame.framed) IG_TRY(ig_ids_push(ids, t->frame.first, err));
    for (size_t i = 0; i < n; i++) {
        piece[i] = ids->len < most ? (int64_t)ids->len : -1;
        if (piece[i] >= 0) IG_TRY(push_word(t, words[i], ids, err));
    }
    if (ids->len > most) ids->len = most;
    return t->frame.framed ? ig_ids_push(ids, t->frame.last, err) : IG_OK;
}

static int32_t largest(const ig_tensor *logits, int64_t row) {
    int64_t L = logits->shape[2], best = 0;
    for (int64_t c = 1; c < L; c++)
        if (ig_tensor_get(logits, row * L + c) > ig_tensor_get(logits, row * L + best)) best = c;
    return (int32_t)best;
}

static ig_status run(const ig_tagger *t, const ig_tensor *tokens, const int64_t *piece, size_t n, int32_t *out, ig_error *err) {
    ig_graph *g = NULL;
    IG_TRY(ig_graph_new(t->m->ctx, IG_GRAPH_EAGER, &g, err));
    ig_var *logits = t->m->family->tag(t->m, &(ig_pass){.g = g}, ig_input(g, "tokens", tokens), NULL, NULL);   /* [1,T,L] */
    ig_status status = ig_graph_status(g, err);
    for (size_t i = 0; i < n && status == IG_OK; i++) out[i] = piece[i] < 0 ? -1 : largest(ig_value(logits), piece[i]);
    ig_graph_free(g);
    return status;
}

static ig_status fill_and_run(const ig_tagger *t, const ig_ids *ids, const int64_t *piece, size_t n, int32_t *out,
                              ig_error *err) {
    ig_tensor tokens;
    int64_t shape[2] = {1, (int64_t)ids->len}, V = t->m->family->vocab_size(t->m);
    IG_TRY(ig_tensor_zeros(t->m->ctx, IG_DTYPE_I64, 2, shape, &tokens, err));
    ig_status status = IG_OK;
    for (size_t i = 0; i < ids->len && status == IG_OK; i++) {
        ((int64_t *)tokens.data)[i] = ids->data[i];
        if (ids->data[i] >= V) status = ig_error_set(err, IG_E_ARG, "token %d; the model knows 0 to %lld", ids->data[i],
                                                     (long long)V - 1);
    }
    if (status == IG_OK) status = run(t, &tokens, piece, n, out, err);
    ig_tensor_unref(&tokens);
    return status;
}

ig_status ig_tag_words(ig_tagger *t, const char *const *words, size_t n, int32_t *out, ig_error *err) {
    ig_ids ids = {0};
    int64_t *piece = ig_calloc(n + 1, sizeof *piece);
    if (!piece) return ig_error_nomem(err, (n + 1) * sizeof *piece);
    ig_status status = n ? encode(t, words, n, &ids, piece, err) : IG_OK;
    if (status == IG_OK && n) status = fill_and_run(t, &ids, piece, n, out, err);
    ig_ids_fini(&ids);
    ig_free(piece);
    return status;
}
