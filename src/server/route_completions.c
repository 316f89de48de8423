/* server/route_completions.c: POST /v1/completions: a text is continued.  Several prompts are answered one after the other;
 * choice `index` counts through all of them. */
#include <string.h>

#include "server/server.h"

#define PROMPTS_MAX 64
#define TOKENS_DEFAULT 16

typedef struct completion {
    call *c;
    loaded *l;
    settings s;
    ig_ids prompt;
    ig_buf echo;          /* text of the prompt, when it is asked for */
    int first;            /* index of the prompt's first choice */
    char id[SERVER_ID_SIZE];
    int64_t created;
    bool begun, echoed[SERVER_CHOICES_MAX];
} completion;

/* ---- prompts ---------------------------------------------------------------------------------------------------------------------- */

static ig_status push_id(completion *h, const ig_tree *t) {
    int64_t V = h->l->m->family->vocab_size(h->l->m);
    if (t->type != IG_TREE_INT || t->integer < 0 || t->integer >= V)
        return call_fail(h->c, 400, "prompt", "invalid_value", "'prompt' must be texts or token ids from 0 to %lld", (long long)V - 1);
    return ig_ids_push(&h->prompt, (int32_t)t->integer, &h->c->err);
}

static ig_status encode_text(completion *h, const ig_tree *t) {
    ig_error err = {0};
    ig_status s = ig_tokenizer_encode(h->l->m->tokenizer, t->text, t->text_len, IG_ENCODE_TEMPLATE, &h->prompt, &err);
    if (s == IG_E_NOT_FOUND) return call_fail(h->c, 400, "prompt", "invalid_value", "the model's vocabulary lacks a character: %s", err.message);
    if (s != IG_OK) h->c->err = err;
    return s;
}

static ig_status take_prompt(completion *h, const ig_tree *t) {
    h->prompt.len = 0;
    ig_buf_clear(&h->echo);
    memset(h->echoed, 0, sizeof h->echoed);
    bool echo = ig_tree_bool(ig_doc_root(h->c->body), "echo", false);
    if (t->type == IG_TREE_TEXT) IG_TRY(encode_text(h, t));
    for (const ig_tree *i = t->type == IG_TREE_LIST ? t->child : NULL; i; i = i->next) IG_TRY(push_id(h, i));
    if (t->type != IG_TREE_TEXT && t->type != IG_TREE_LIST) IG_TRY(push_id(h, t));
    if (echo && t->type == IG_TREE_TEXT) ig_buf_append(&h->echo, t->text, t->text_len);
    if (echo && t->type == IG_TREE_LIST)
        IG_TRY(ig_tokenizer_decode(h->l->m->tokenizer, h->prompt.data, h->prompt.len, 0, &h->echo, &h->c->err));
    IG_TRY(ig_buf_status(&h->echo, &h->c->err));
    return h->prompt.len ? IG_OK : ig_ids_push(&h->prompt, ig_start_token(h->l->m), &h->c->err);
}

/* ---- answers ---------------------------------------------------------------------------------------------------------------------- */

static void open_object(const completion *h, ig_json *j) {
    ig_json_open(j, '{');
    reply_pair_text(j, "id", h->id);
    reply_pair_text(j, "object", "text_completion");
    reply_pair_int(j, "created", h->created);
    reply_pair_text(j, "model", h->c->model);
    reply_pair_text(j, "system_fingerprint", h->l->fingerprint);
    ig_json_key(j, "choices"), ig_json_open(j, '[');
}

static void put_choice(const completion *h, const answer *a, const char *text, size_t len, const answer_token *t, size_t n, const char *finish,
                       ig_json *j) {
    ig_json_open(j, '{');
    reply_pair_int(j, "index", h->first + a->index);
    ig_json_key(j, "text"), ig_json_text_n(j, text, len);
    if (n || !finish || !h->s.stream) answer_logprobs_completion(a, t, n, j);
    else reply_pair_text(j, "logprobs", NULL);
    reply_pair_text(j, "finish_reason", finish);
    ig_json_close(j, '}');
}

static ig_status put_whole(const completion *h, const answer *a, ig_json *j) {
    ig_buf text = {.max = SERVER_REPLY_BYTES_MAX};
    ig_buf_append(&text, h->echo.data ? h->echo.data : "", h->echo.len);
    ig_buf_append(&text, a->g.text.data ? a->g.text.data : "", a->g.text.len);
    ig_status s = ig_buf_status(&text, &h->c->err);
    if (s == IG_OK) put_choice(h, a, text.data ? text.data : "", text.len, a->tokens, a->token_count, answer_finish(a), j);
    ig_buf_fini(&text);
    return s;
}

static ig_status send_choice(completion *h, const answer *a, const char *text, size_t len, const answer_token *t, size_t n, const char *finish) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    if (!h->begun) {
        h->begun = true;
        IG_TRY(reply_events(h->c));
    }
    open_object(h, &j);
    put_choice(h, a, text, len, t, n, finish, &j);
    ig_json_close(&j, ']');
    if (h->s.usage_chunk) reply_pair_text(&j, "usage", NULL);
    ig_json_close(&j, '}');
    ig_status s = ig_buf_status(&b, &h->c->err);
    if (s == IG_OK) s = ig_sse_event(h->c->http, NULL, b.data, b.len, &h->c->err);
    ig_buf_fini(&b);
    return s;
}

static ig_status send_echo(completion *h, const answer *a) {
    if (h->echoed[a->index] || !h->echo.len) return IG_OK;
    h->echoed[a->index] = true;
    return send_choice(h, a, h->echo.data, h->echo.len, NULL, 0, NULL);
}

static ig_status on_text(void *arg, answer *a, const char *text, size_t len, const answer_token *tokens, size_t count) {
    completion *h = arg;
    IG_TRY(send_echo(h, a));
    return send_choice(h, a, text, len, tokens, count, NULL);
}

static ig_status answer_prompt(completion *h, ig_json *whole) {
    answer a[SERVER_CHOICES_MAX] = {0};
    size_t n = (size_t)h->s.n;
    ig_status s = answers_make(h->c, h->l, &h->s, &h->prompt, h->s.stream ? on_text : NULL, h, a, n);
    for (size_t i = 0; i < n && s == IG_OK; i++) {
        if (!h->s.stream) s = put_whole(h, &a[i], whole);
        else s = send_echo(h, &a[i]);
        if (s == IG_OK && h->s.stream) s = send_choice(h, &a[i], "", 0, NULL, 0, answer_finish(&a[i]));
    }
    answers_fini(a, n);
    h->first += (int)n;
    return s;
}

static ig_status end_stream(completion *h) {
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    open_object(h, &j);
    ig_json_close(&j, ']');
    reply_usage(&j, h->c->prompt_tokens, h->c->completion_tokens);
    ig_json_close(&j, '}');
    ig_status s = h->s.usage_chunk ? ig_sse_event(h->c->http, NULL, b.data, b.len, &h->c->err) : IG_OK;
    ig_buf_fini(&b);
    if (s == IG_OK) s = ig_sse_event(h->c->http, NULL, "[DONE]", 6, &h->c->err);
    return s == IG_OK ? ig_http_stream_end(h->c->http, &h->c->err) : s;
}

/* ---- the request -------------------------------------------------------------------------------------------------------------------- */

static ig_status answer_all(completion *h, const ig_tree *prompt, ig_json *j) {
    bool several = prompt->type == IG_TREE_LIST && prompt->child && prompt->child->type != IG_TREE_INT;
    if (several && prompt->count > PROMPTS_MAX)
        return call_fail(h->c, 400, "prompt", "array_above_max_length", "'prompt' may have %d texts at most", PROMPTS_MAX);
    if (!several) {
        IG_TRY(take_prompt(h, prompt));
        return answer_prompt(h, j);
    }
    for (const ig_tree *t = prompt->child; t; t = t->next) {
        if (t->type == IG_TREE_INT) return call_fail(h->c, 400, "prompt", "invalid_type", "'prompt' mixes texts and token ids");
        IG_TRY(take_prompt(h, t));
        IG_TRY(answer_prompt(h, j));
    }
    return IG_OK;
}

static ig_status take_settings(completion *h, const ig_tree *body) {
    const ig_tree *logprobs = field_get(body, "logprobs");
    h->s.prompt_name = "prompt";
    IG_TRY(settings_common(h->c, h->l, body, &h->s));
    h->s.o.max_tokens = (size_t)ig_tree_int(body, "max_tokens", TOKENS_DEFAULT);
    h->s.wants_logprobs = logprobs != NULL;
    h->s.top_logprobs = logprobs ? (int)logprobs->integer : 0;
    h->s.o.sampling.logprobs = h->s.top_logprobs;
    if (h->s.wants_logprobs && ig_tree_bool(body, "echo", false))
        return call_fail(h->c, 400, "echo", "unsupported_parameter", "'echo' with 'logprobs' is not supported: probabilities of the prompt are not kept");
    return IG_OK;
}

static ig_status run_with_model(completion *h) {
    const ig_tree *body = ig_doc_root(h->c->body);
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(take_settings(h, body));
    open_object(h, &j);
    ig_status s = answer_all(h, field_get(body, "prompt"), &j);
    if (h->s.stream) s = s == IG_OK ? end_stream(h) : h->begun ? reply_late_failure(h->c, s) : s;
    else if (s == IG_OK) {
        ig_json_close(&j, ']');
        reply_usage(&j, h->c->prompt_tokens, h->c->completion_tokens);
        ig_json_close(&j, '}');
        s = reply_json(h->c, 200, &b);
    }
    ig_buf_fini(&b);
    return s;
}

ig_status run_completions(call *c) {
    completion h = {.c = c, .created = ig_unix_time(), .echo = {.max = SERVER_REPLY_BYTES_MAX}};
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), completion_fields, ""));
    reply_new_id("cmpl-", h.id);
    IG_TRY(call_model(c, IG_CAN_GENERATE, &h.l));
    ig_status s = run_with_model(&h);
    settings_fini(&h.s);
    ig_ids_fini(&h.prompt);
    ig_buf_fini(&h.echo);
    pool_release(c->s->pool, h.l);
    return s;
}
