/* train/corpus.c: from the text files of a recipe to token ids.
 *
 * The tokenizer learns from the training part only: what is held out has no influence on anything but its own loss.  A
 * character tokenizer is the exception, as in nanoGPT: a character that occurs in the held-out part only must have a token,
 * else that part could not be measured.
 */
#include <math.h>
#include <string.h>

#include "train/corpus.h"

typedef struct texts {
    ig_buf all;               /* training files */
    ig_buf held;              /* validation files */
    size_t cut;               /* training text ends here */
    const char *validation;   /* in `all` or `held`; NULL: none */
    size_t validation_len;
} texts;

static ig_status load_texts(texts *x, const ig_recipe *r, ig_error *err) {
    IG_TRY(ig_text_load((const char *const *)r->data.train, r->data.train_count, &x->all, err));
    x->cut = x->all.len;
    if (r->data.validation_count) {
        IG_TRY(ig_text_load((const char *const *)r->data.validation, r->data.validation_count, &x->held, err));
        x->validation = x->held.data;
        x->validation_len = x->held.len;
    } else if (r->data.validation_fraction > 0) {
        x->cut = ig_text_split(x->all.data, x->all.len, r->data.validation_fraction);
        x->validation = x->all.data + x->cut;
        x->validation_len = x->all.len - x->cut;
    }
    return IG_OK;
}

/* Characters come from both parts: they stand one behind the other already, unless the validation text has files of its own. */
static ig_status learn_characters(train_corpus *c, const ig_recipe *r, const texts *x, ig_error *err) {
    size_t vocab = (size_t)r->tokenizer.vocab_size;
    ig_tokenizer_train_opts opts = {.byte_fallback = vocab > 0};
    if (!x->held.len) return ig_tokenizer_train(IG_TOKENIZER_CHAR, vocab, x->all.data, x->all.len, &opts, &c->tokenizer, err);
    ig_buf both = {.max = IG_TEXT_BYTES_MAX};
    ig_buf_append(&both, x->all.data, x->all.len);
    ig_buf_append(&both, x->held.data, x->held.len);
    ig_status status = ig_buf_status(&both, err);
    if (status == IG_OK) status = ig_tokenizer_train(IG_TOKENIZER_CHAR, vocab, both.data, both.len, &opts, &c->tokenizer, err);
    ig_buf_fini(&both);
    return status;
}

static ig_status make_tokenizer(train_corpus *c, const ig_recipe *r, const texts *x, ig_error *err) {
    if (r->tokenizer.path) return ig_tokenizer_load(r->tokenizer.path, &c->tokenizer, err);
    if (r->tokenizer.kind == IG_TOKENIZER_CHAR) return learn_characters(c, r, x, err);
    return ig_tokenizer_train(IG_TOKENIZER_BPE, (size_t)r->tokenizer.vocab_size, x->all.data, x->cut, NULL, &c->tokenizer, err);
}

/* Both texts under one digest, which a cut at another place changes too. */
static void digest(train_corpus *c, const texts *x) {
    char parts[2][65];
    ig_sha256_hex(x->all.data, x->cut, parts[0]);
    ig_sha256_hex(x->validation ? x->validation : "", x->validation_len, parts[1]);
    char both[129];
    memcpy(both, parts[0], 64);
    memcpy(both + 64, parts[1], 65);
    ig_sha256_hex(both, 128, c->sha256);
}

static ig_status too_short(const ig_recipe *r, const char *file, const char *what, size_t tokens, int64_t needed, ig_error *err) {
    return ig_error_at(err, IG_E_FORMAT, file, 0, "the %s text has %zu tokens; a context of %lld needs %lld or more", what, tokens,
                       (long long)r->train.context, (long long)needed);
}

static ig_status encode(train_corpus *c, const ig_recipe *r, const texts *x, const ig_tokenizer *tokenizer, ig_error *err) {
    const char *held = r->data.validation_count ? r->data.validation[0] : r->data.train[0];
    IG_TRY(ig_tokenizer_encode(tokenizer, x->all.data, x->cut, IG_ENCODE_SPECIAL, &c->train, err));
    if ((int64_t)c->train.len <= r->train.context) return too_short(r, r->data.train[0], "training", c->train.len, r->train.context + 1, err);
    if (!x->validation) return IG_OK;
    IG_TRY(ig_tokenizer_encode(tokenizer, x->validation, x->validation_len, IG_ENCODE_SPECIAL, &c->validation, err));
    return c->validation.len < 2 ? too_short(r, held, "validation", c->validation.len, 2, err) : IG_OK;
}

static ig_status load(train_corpus *c, const ig_recipe *r, const ig_tokenizer *given, texts *x, ig_error *err) {
    IG_TRY(load_texts(x, r, err));
    if (r->tokenizer.given) IG_TRY(make_tokenizer(c, r, x, err));
    const ig_tokenizer *tokenizer = c->tokenizer ? c->tokenizer : given;
    if (!tokenizer) return ig_error_set(err, IG_E_NOT_FOUND, "the model of model.from has no tokenizer; the recipe needs a `tokenizer` part");
    digest(c, x);
    return encode(c, r, x, tokenizer, err);
}

ig_status corpus_load(trainer *t, ig_error *err) {
    texts x = {0};
    ig_status status = load(&t->corpus, t->r, t->model ? t->model->tokenizer : NULL, &x, err);
    ig_buf_fini(&x.all);
    ig_buf_fini(&x.held);
    return status;
}

ig_status corpus_check(const trainer *t, ig_error *err) {
    int64_t vocab = t->model->family->vocab_size(t->model), tokens = (int64_t)ig_tokenizer_count(t->model->tokenizer);
    int64_t positions = t->model->family->context_length(t->model), context = t->r->train.context;
    if (tokens > vocab)
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0, "the tokenizer has %lld tokens and the model a vocab_size of %lld",
                           (long long)tokens, (long long)vocab);
    if (positions < context)
        return ig_error_at(err, IG_E_FORMAT, t->r->file, 0, "train.context: %lld tokens are more than the model's %lld positions",
                           (long long)context, (long long)positions);
    return IG_OK;
}

void corpus_fini(train_corpus *c) {
    ig_ids_fini(&c->train);
    ig_ids_fini(&c->validation);
    ig_examples_fini(&c->examples);
    ig_chat_format_free(c->format);
    ig_tokenizer_free(c->tokenizer);
    *c = (train_corpus){0};
}
