/* infer/chooser.c: see chooser.h. */
#include "infer/chooser.h"

#include "infer/generator.h"

static size_t vocab(const chooser *c) { return (size_t)c->m->family->vocab_size(c->m); }

/* ---- a grammar ---- */

static ig_status make_trie(chooser *c, const ig_generate_opts *o, ig_error *err) {
    ig_ids end_ids = {0};
    ig_status s = IG_OK;
    for (size_t i = 0; i < vocab(c) && s == IG_OK; i++)
        if (generator_ends(c->m, o, (int32_t)i)) s = ig_ids_push(&end_ids, (int32_t)i, err);
    if (s == IG_OK) s = ig_vocab_trie_new(c->m->tokenizer, vocab(c), end_ids.data, end_ids.len, &c->own_trie, err);
    ig_ids_fini(&end_ids);
    return s;
}

static ig_status begin_grammar(chooser *c, const ig_generate_opts *o, ig_error *err) {
    if (!c->m->tokenizer) return ig_error_set(err, IG_E_ARG, "a grammar needs a tokenizer, and the model has none");
    if (o->trie && ig_vocab_trie_vocab(o->trie) != vocab(c))
        return ig_error_set(err, IG_E_ARG, "the trie is for %zu tokens, the model has %zu", ig_vocab_trie_vocab(o->trie), vocab(c));
    if (!o->trie) IG_TRY(make_trie(c, o, err));
    c->trie = o->trie ? o->trie : c->own_trie;
    c->mask = ig_calloc(ig_mask_words(vocab(c)), sizeof *c->mask);
    if (!c->mask) return ig_error_nomem(err, vocab(c) / 8);
    return ig_grammar_state_new(o->grammar, &c->form, err);
}

static bool allows_none(const chooser *c) {
    for (size_t i = 0; i < ig_mask_words(vocab(c)); i++)
        if (c->mask[i]) return false;
    return true;
}

/* Which tokens may follow; *none when there is none, and the text may end. */
static ig_status mask_tokens(chooser *c, bool *none, ig_error *err) {
    if (!c->form) return IG_OK;
    *none = ig_grammar_is_complete(c->form);
    if (*none) return IG_OK;
    IG_TRY(ig_grammar_mask(c->form, c->trie, c->mask, err));
    *none = allows_none(c);
    if (!*none || ig_grammar_can_end(c->form)) return IG_OK;
    return ig_error_set(err, IG_E_NOT_FOUND, "the vocabulary has no token that the grammar allows here");
}

static ig_status follow(chooser *c, int32_t id, bool *complete, ig_error *err) {
    bool fits = false;
    ig_buf text = {.max = 1 << 16};
    if (!c->form) return IG_OK;
    ig_status s = ig_tokenizer_decode(c->m->tokenizer, &id, 1, IG_DECODE_INSIDE, &text, err);
    if (s == IG_OK) s = ig_grammar_accept(c->form, text.data, text.len, &fits, err);
    ig_buf_fini(&text);
    if (s != IG_OK) return s;
    if (!fits) return ig_error_set(err, IG_E_ARG, "the trie is not of this model's vocabulary: it allowed token %d", (int)id);
    *complete = ig_grammar_is_complete(c->form);
    return IG_OK;
}

/* ---- all of it ---- */

ig_status chooser_init(chooser *c, const ig_model *m, const ig_generate_opts *o, ig_error *err) {
    *c = (chooser){.m = m};
    IG_TRY(ig_sampler_new(m->family->vocab_size(m), &o->sampling, &c->sampler, err));
    return o->grammar ? begin_grammar(c, o, err) : IG_OK;
}

void chooser_fini(chooser *c) {
    ig_grammar_state_free(c->form);
    ig_vocab_trie_free(c->own_trie);
    ig_free(c->mask);
    ig_sampler_free(c->sampler);
    *c = (chooser){0};
}

/* An end token stands in the mask only where the text may end, and for no bytes of it. */
static bool is_end(const chooser *c, int32_t id) {
    return c->form && ig_grammar_can_end(c->form) && ig_vocab_trie_ends(c->trie, id);
}

ig_status chooser_next(chooser *c, const float *logits, ig_choice *out, chooser_result *result, ig_error *err) {
    bool none = false, complete = false;
    *result = CHOOSER_NONE;
    IG_TRY(mask_tokens(c, &none, err));
    if (none) return IG_OK;
    IG_TRY(ig_sampler_choose_masked(c->sampler, logits, c->mask, out, err));
    if (!is_end(c, out->id)) IG_TRY(follow(c, out->id, &complete, err));
    *result = complete ? CHOOSER_LAST : CHOOSER_GOES_ON;
    return IG_OK;
}
