/* infer/generate.c: read the prompt, choose a token, read it, and so on until something ends the text.
 *
 *     prompt ─► feed ─► choose ─► end of the text? (generator.h)
 *                ▲                   │ no
 *                └───────────────────┘
 *
 * With a grammar, the choice is among the tokens that it allows; where nothing may follow, the text ends without a token.
 *
 * The last token chosen is not read: a caller who goes on feeds it first.
 */
#include "infer/chooser.h"
#include "infer/generator.h"

#define TOKENS_WHEN_SLIDING 1024

static bool context_is_full(const ig_session *s) { return ig_session_length(s) >= ig_session_context(s) && !ig_session_slides(s); }

static ig_status next_token(generator *g, ig_session *s, chooser *c, ig_error *err) {
    ig_choice choice;
    chooser_result result;
    IG_TRY(chooser_next(c, ig_session_logits(s), &choice, &result, err));
    if (result == CHOOSER_NONE) {
        generator_stop(g);
        return IG_OK;
    }
    IG_TRY(generator_take(g, &choice, context_is_full(s), result == CHOOSER_LAST, err));
    return g->done ? IG_OK : ig_session_feed(s, &choice.id, 1, err);
}

static ig_status run(generator *g, ig_session *s, chooser *c, const int32_t *prompt, size_t n, ig_error *err) {
    double start = ig_clock();
    if (n) IG_TRY(ig_session_feed(s, prompt, n, err));
    if (!ig_session_logits(s)) return ig_error_set(err, IG_E_STATE, "nothing was read yet: a prompt is needed");
    for (int64_t i = 0; i < ig_session_length(s); i++) ig_sampler_saw(c->sampler, ig_session_tokens(s)[i]);
    double prompt_end = ig_clock();
    g->out->prompt_seconds = prompt_end - start;
    while (!g->done) IG_TRY(next_token(g, s, c, err));
    IG_TRY(generator_finish(g, err));
    g->out->generate_seconds = ig_clock() - prompt_end;
    return IG_OK;
}

ig_status ig_generate(ig_session *s, const int32_t *prompt, size_t n, const ig_generate_opts *opts, ig_generation *out,
                      ig_error *err) {
    const ig_model *m = ig_session_model(s);
    generator g;
    chooser c;
    ig_status status = generator_init(&g, m, opts, n, ig_session_slides(s) ? TOKENS_WHEN_SLIDING : SIZE_MAX, out, err);
    if (status != IG_OK) return status;
    status = chooser_init(&c, m, g.o, err);
    if (status == IG_OK) status = run(&g, s, &c, prompt, n, err);
    chooser_fini(&c);
    generator_fini(&g);
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
