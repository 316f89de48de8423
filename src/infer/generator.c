/* infer/generator.c: see generator.h.
 *
 *     token ─► end token? ── yes ─► stop
 *                │ no
 *                └─► text ─► stop text? callback says no? max_tokens? no position left?
 */
#include "infer/generator.h"

#include <string.h>

#define PENDING_BYTES_MAX ((size_t)16 << 20)

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

bool generator_ends(const ig_model *m, const ig_generate_opts *o, int32_t id) {
    if (o->ignore_end) return false;
    if (!o->end_ids) return ends_by_default(m, id);
    for (size_t i = 0; i < o->end_count; i++)
        if (o->end_ids[i] == id) return true;
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

void generator_stop(generator *g) { finish(g, IG_FINISH_STOP); }

ig_status generator_take(generator *g, const ig_choice *choice, bool full, bool last, ig_error *err) {
    IG_TRY(ig_ids_push(&g->out->ids, choice->id, err));
    if (generator_ends(g->m, g->o, choice->id)) {
        finish(g, IG_FINISH_STOP);
        return IG_OK;
    }
    IG_TRY(emit_token(g, choice, err));
    if (!g->done && last) finish(g, IG_FINISH_STOP);
    if (!g->done && (g->out->ids.len == g->max_tokens || full)) finish(g, IG_FINISH_LENGTH);
    return IG_OK;
}

/* What was held back and is no stop text after all. */
ig_status generator_finish(generator *g, ig_error *err) {
    size_t ready = 0;
    if (!g->text.tokenizer || g->text.found) return IG_OK;
    IG_TRY(stop_text_finish(&g->text, &ready, err));
    return ready || g->text.found ? emit(g, ready, NULL, g->out->ids.len, err) : IG_OK;
}

/* ---- life ---- */

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

ig_status generator_init(generator *g, const ig_model *m, const ig_generate_opts *opts, size_t prompt_tokens, size_t max_tokens,
                         ig_generation *out, ig_error *err) {
    static const ig_generate_opts defaults = {0};
    *g = (generator){.m = m, .o = opts ? opts : &defaults, .out = out};
    g->text = (stop_text){.tokenizer = m->tokenizer, .stop = g->o->stop, .stop_count = g->o->stop_count};
    g->text.pending.max = PENDING_BYTES_MAX;
    g->max_tokens = g->o->max_tokens ? g->o->max_tokens : max_tokens;
    *out = (ig_generation){.text = {.max = IG_TEXT_BYTES_MAX}, .prompt_tokens = prompt_tokens};
    return check_opts(g, err);
}

void generator_fini(generator *g) { stop_text_fini(&g->text); }
