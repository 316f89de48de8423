/* infer/generate.c: read the prompt, choose a token, read it, and so on until something ends the text.
 *
 *     prompt ─► feed ─► choose ─► end token? ── yes ─► stop
 *                ▲                   │ no
 *                └── context left ◄──┴─► text ─► stop text? callback says no? max_tokens?
 *
 * With a grammar, the choice is among the tokens that it allows; where nothing may follow, the text ends without a token.
 *
 * The last token chosen is not read: a caller who goes on feeds it first.
 */
#include <string.h>

#include "infer/stop_text.h"
#include "ingot/infer.h"

#define TOKENS_WHEN_SLIDING 1024
#define PENDING_BYTES_MAX ((size_t)16 << 20)

typedef struct generator {
    ig_session *s;
    const ig_generate_opts *o;
    ig_generation *out;
    ig_sampler *sampler;
    stop_text text;
    size_t max_tokens;
    bool done;
    ig_grammar_state *form;     /* with a grammar: */
    ig_vocab_trie *own_trie;    /* made for this call */
    uint32_t *mask;             /* [ig_mask_words(V)] */
} generator;

void ig_generation_fini(ig_generation *r) {
    ig_buf_fini(&r->text);
    ig_ids_fini(&r->ids);
}

/* ---- what starts and ends a text ---- */

static bool is_token(const ig_model *m, const ig_tree *v) {
    return v && v->type == IG_TREE_INT && v->integer >= 0 && v->integer < m->family->vocab_size(m);
}

/* A key of config.json that is a token or a list of them. */
static bool config_has(const ig_model *m, const char *key, int32_t id, bool *said) {
    const ig_tree *v = ig_tree_get(ig_doc_root(m->config), key);
    const ig_tree *first = v && v->type == IG_TREE_LIST ? v->child : v;
    for (const ig_tree *t = first; t; t = v == first ? NULL : t->next) {
        *said |= is_token(m, t);
        if (is_token(m, t) && t->integer == id) return true;
    }
    return false;
}

static bool ends_by_default(const ig_model *m, int32_t id) {
    static const char *const names[] = {"<|endoftext|>", "</s>", "<|end_of_text|>"};
    bool said = false;
    if (config_has(m, "eos_token_id", id, &said)) return true;
    if (said || !m->tokenizer || !ig_tokenizer_is_special(m->tokenizer, id)) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (ig_tokenizer_find(m->tokenizer, names[i], strlen(names[i])) == id) return true;
    return false;
}

static bool ends(const generator *g, int32_t id) {
    if (g->o->ignore_end) return false;
    if (!g->o->end_ids) return ends_by_default(ig_session_model(g->s), id);
    for (size_t i = 0; i < g->o->end_count; i++)
        if (g->o->end_ids[i] == id) return true;
    return false;
}

int32_t ig_start_token(const ig_model *m) {
    static const char *const keys[] = {"bos_token_id", "eos_token_id"};
    for (int i = 0; i < 2; i++) {
        const ig_tree *v = ig_tree_get(ig_doc_root(m->config), keys[i]);
        if (is_token(m, v)) return (int32_t)v->integer;
    }
    if (!m->tokenizer) return 0;
    int32_t id = ig_tokenizer_special_get(m->tokenizer, 0);
    if (id < 0) id = ig_tokenizer_find(m->tokenizer, "\n", 1);
    return id < 0 ? 0 : id;
}

/* ---- text out ---- */

static void finish(generator *g, ig_finish why) {
    g->out->finish = why;
    g->done = true;
}

/* The first n pending bytes: into the result, and to the callback together with the choice. */
static ig_status emit(generator *g, size_t n, const ig_choice *choice, size_t index, ig_error *err) {
    ig_piece piece = {.text = n ? g->text.pending.data : "", .len = n, .choice = choice, .index = index};
    ig_buf_append(&g->out->text, piece.text, n);
    IG_TRY(ig_buf_status(&g->out->text, err));
    if (g->text.found) finish(g, IG_FINISH_STOP);
    bool wanted = !g->o->on_piece || g->o->on_piece(g->o->arg, &piece);
    if (!wanted && !g->done) finish(g, IG_FINISH_CANCELLED);
    stop_text_take(&g->text, n);
    return IG_OK;
}

static ig_status emit_token(generator *g, const ig_choice *choice, ig_error *err) {
    size_t ready = 0;
    if (g->text.tokenizer) IG_TRY(stop_text_push(&g->text, choice->id, &ready, err));
    return emit(g, ready, choice, g->out->ids.len - 1, err);
}

/* What was held back and is no stop text after all. */
static ig_status emit_rest(generator *g, ig_error *err) {
    size_t ready = 0;
    if (!g->text.tokenizer || g->text.found) return IG_OK;
    IG_TRY(stop_text_finish(&g->text, &ready, err));
    return ready || g->text.found ? emit(g, ready, NULL, g->out->ids.len, err) : IG_OK;
}

/* ---- a grammar ---- */

static size_t vocab(const generator *g) {
    const ig_model *m = ig_session_model(g->s);
    return (size_t)m->family->vocab_size(m);
}

static ig_status make_trie(generator *g, ig_error *err) {
    ig_ids end_ids = {0};
    ig_status s = IG_OK;
    for (size_t i = 0; i < vocab(g) && s == IG_OK; i++)
        if (ends(g, (int32_t)i)) s = ig_ids_push(&end_ids, (int32_t)i, err);
    if (s == IG_OK) s = ig_vocab_trie_new(g->text.tokenizer, vocab(g), end_ids.data, end_ids.len, &g->own_trie, err);
    ig_ids_fini(&end_ids);
    return s;
}

static ig_status begin_grammar(generator *g, ig_error *err) {
    if (!g->o->grammar) return IG_OK;
    if (!g->text.tokenizer) return ig_error_set(err, IG_E_ARG, "a grammar needs a tokenizer, and the model has none");
    if (g->o->trie && ig_vocab_trie_vocab(g->o->trie) != vocab(g))
        return ig_error_set(err, IG_E_ARG, "the trie is for %zu tokens, the model has %zu", ig_vocab_trie_vocab(g->o->trie),
                            vocab(g));
    if (!g->o->trie) IG_TRY(make_trie(g, err));
    g->mask = ig_calloc(ig_mask_words(vocab(g)), sizeof *g->mask);
    if (!g->mask) return ig_error_nomem(err, vocab(g) / 8);
    return ig_grammar_state_new(g->o->grammar, &g->form, err);
}

static void end_grammar(generator *g) {
    ig_grammar_state_free(g->form);
    ig_vocab_trie_free(g->own_trie);
    ig_free(g->mask);
}

static bool allows_none(const generator *g) {
    for (size_t i = 0; i < ig_mask_words(vocab(g)); i++)
        if (g->mask[i]) return false;
    return true;
}

/* The grammar allows nothing more: there is no token to choose. */
static ig_status mask_tokens(generator *g, ig_error *err) {
    if (!g->form) return IG_OK;
    if (ig_grammar_is_complete(g->form)) {
        finish(g, IG_FINISH_STOP);
        return IG_OK;
    }
    IG_TRY(ig_grammar_mask(g->form, g->o->trie ? g->o->trie : g->own_trie, g->mask, err));
    if (!allows_none(g)) return IG_OK;
    if (!ig_grammar_can_end(g->form))
        return ig_error_set(err, IG_E_NOT_FOUND, "the vocabulary has no token that the grammar allows here");
    finish(g, IG_FINISH_STOP);
    return IG_OK;
}

static ig_status follow_grammar(generator *g, int32_t id, ig_error *err) {
    size_t n;
    bool fits;
    if (!g->form) return IG_OK;
    const char *bytes = ig_tokenizer_token(g->text.tokenizer, id, &n);
    IG_TRY(ig_grammar_accept(g->form, bytes, n, &fits, err));
    return fits ? IG_OK : ig_error_set(err, IG_E_ARG, "the trie is not of this model's vocabulary: it allowed token %d",
                                       (int)id);
}

/* ---- the loop ---- */

static bool context_is_full(const generator *g) { return ig_session_length(g->s) >= ig_session_context(g->s); }

static ig_status next_token(generator *g, bool slides, ig_error *err) {
    ig_choice choice;
    IG_TRY(mask_tokens(g, err));
    if (g->done) return IG_OK;
    IG_TRY(ig_sampler_choose_masked(g->sampler, ig_session_logits(g->s), g->mask, &choice, err));
    IG_TRY(ig_ids_push(&g->out->ids, choice.id, err));
    if (ends(g, choice.id)) {
        finish(g, IG_FINISH_STOP);
        return IG_OK;
    }
    IG_TRY(follow_grammar(g, choice.id, err));
    IG_TRY(emit_token(g, &choice, err));
    if (!g->done && g->form && ig_grammar_is_complete(g->form)) finish(g, IG_FINISH_STOP);
    if (!g->done && (g->out->ids.len == g->max_tokens || (context_is_full(g) && !slides))) finish(g, IG_FINISH_LENGTH);
    return g->done ? IG_OK : ig_session_feed(g->s, &choice.id, 1, err);
}

static ig_status run(generator *g, const int32_t *prompt, size_t n, ig_error *err) {
    double start = ig_clock();
    if (n) IG_TRY(ig_session_feed(g->s, prompt, n, err));
    if (!ig_session_logits(g->s)) return ig_error_set(err, IG_E_STATE, "nothing was read yet: a prompt is needed");
    for (int64_t i = 0; i < ig_session_length(g->s); i++) ig_sampler_saw(g->sampler, ig_session_tokens(g->s)[i]);
    double prompt_end = ig_clock();
    g->out->prompt_seconds = prompt_end - start;
    while (!g->done) IG_TRY(next_token(g, ig_session_slides(g->s), err));
    IG_TRY(emit_rest(g, err));
    g->out->generate_seconds = ig_clock() - prompt_end;
    return IG_OK;
}

static ig_status check_opts(const generator *g, ig_error *err) {
    if (g->o->stop_count && !g->text.tokenizer)
        return ig_error_set(err, IG_E_ARG, "stop texts need a tokenizer, and the model has none");
    for (size_t i = 0; i < g->o->stop_count; i++) {
        const char *stop = g->o->stop[i];
        if (!*stop || !ig_utf8_valid(stop, strlen(stop)))
            return ig_error_set(err, IG_E_ARG, "stop text %zu is empty or no UTF-8", i);
    }
    return IG_OK;
}

ig_status ig_generate(ig_session *s, const int32_t *prompt, size_t n, const ig_generate_opts *opts, ig_generation *out,
                      ig_error *err) {
    static const ig_generate_opts defaults = {0};
    ig_model *m = ig_session_model(s);
    generator g = {.s = s, .o = opts ? opts : &defaults, .out = out};
    g.text = (stop_text){.tokenizer = m->tokenizer, .stop = g.o->stop, .stop_count = g.o->stop_count};
    g.text.pending.max = PENDING_BYTES_MAX;
    g.max_tokens = g.o->max_tokens ? g.o->max_tokens : ig_session_slides(s) ? TOKENS_WHEN_SLIDING : SIZE_MAX;
    *out = (ig_generation){.text = {.max = IG_TEXT_BYTES_MAX}, .prompt_tokens = n};
    IG_TRY(check_opts(&g, err));
    IG_TRY(ig_sampler_new(m->family->vocab_size(m), &g.o->sampling, &g.sampler, err));
    ig_status status = begin_grammar(&g, err);
    if (status == IG_OK) status = run(&g, prompt, n, err);
    end_grammar(&g);
    ig_sampler_free(g.sampler);
    stop_text_fini(&g.text);
    return status;
}

ig_status ig_generate_text(ig_session *s, const char *prompt, size_t len, const ig_generate_opts *opts, ig_generation *out,
                           ig_error *err) {
    ig_model *m = ig_session_model(s);
    ig_ids ids = {0};
    *out = (ig_generation){0};
    if (!m->tokenizer) return ig_error_set(err, IG_E_STATE, "the model has no tokenizer; give it token ids");
    ig_status status = ig_tokenizer_encode(m->tokenizer, prompt, len, 0, &ids, err);
    if (status == IG_OK && ids.len == 0 && !ig_session_logits(s)) status = ig_ids_push(&ids, ig_start_token(m), err);
    if (status == IG_OK) status = ig_generate(s, ids.data, ids.len, opts, out, err);
    ig_ids_fini(&ids);
    return status;
}
