/* server/answer.c: one or several answers to a prompt, made in parallel by the model's scheduler, and told as they grow.
 *
 *     g.text   ─────────────── sent ──── sure ── end
 *                              what a stream may have next;  held back: what may be the beginning of a call of a tool
 *
 * The n-th answer has a seed of its own, made from the request's; the first has the request's.
 */
#include <string.h>

#include "server/server.h"

static const char call_mark[] = "<tool_call>", call_end[] = "</tool_call>";

/* ---- while it grows -------------------------------------------------------------------------------------------------------------- */

/* Up to where the text is certain to be content. */
static size_t sure_end(const answer *a) {
    const char *text = a->g.text.data;
    size_t n = a->g.text.len, mark = sizeof call_mark - 1;
    if (!a->s->tools || !n) return n;
    const char *found = memmem(text, n, call_mark, mark);
    size_t end = found ? (size_t)(found - text) : n;
    for (size_t k = mark - 1; !found && k > 0; k--)
        if (k <= n && memcmp(text + n - k, call_mark, k) == 0) {
            end = n - k;
            break;
        }
    while (end > a->sent && (text[end - 1] == '\n' || text[end - 1] == ' ')) end--; /* it may stand before a call */
    return end;
}

static ig_status tell(answer *a, size_t end) {
    if (!a->on_text || (end <= a->sent && a->told == a->token_count)) return IG_OK;
    size_t from = a->sent, told = a->told;
    if (end > a->sent) a->sent = end;
    a->told = a->token_count;
    pthread_mutex_lock(a->lock);
    ig_status s = a->on_text(a->arg, a, a->g.text.data ? a->g.text.data + from : "", a->sent - from, a->tokens ? a->tokens + told : NULL,
                             a->token_count - told);
    pthread_mutex_unlock(a->lock);
    return s;
}

static ig_status keep_token(answer *a, const ig_choice *choice, size_t text_len) {
    if (a->token_count == a->token_cap) {
        size_t cap = a->token_cap ? 2 * a->token_cap : 64;
        answer_token *more = ig_realloc_array(a->tokens, cap, sizeof *more);
        if (!more) return ig_error_nomem(&a->err, cap * sizeof *more);
        a->tokens = more, a->token_cap = cap;
    }
    answer_token *t = &a->tokens[a->token_count];
    *t = (answer_token){.id = choice->id, .logprob = choice->logprob, .top_count = choice->top_count, .at = a->g.text.len - text_len};
    if (choice->top_count) {
        t->top = ig_calloc((size_t)choice->top_count, sizeof *t->top);
        if (!t->top) return ig_error_nomem(&a->err, (size_t)choice->top_count * sizeof *t->top);
        memcpy(t->top, choice->top, (size_t)choice->top_count * sizeof *t->top);
    }
    a->token_count++;
    return IG_OK;
}

static bool on_piece(void *arg, const ig_piece *p) {
    answer *a = arg;
    if (p->choice && a->s->wants_logprobs) a->status = keep_token(a, p->choice, p->len);
    if (a->status == IG_OK) a->status = tell(a, sure_end(a));
    a->enough = a->s->one_call && p->len && memmem(a->g.text.data, a->g.text.len, call_end, sizeof call_end - 1);
    return a->status == IG_OK && !a->enough;
}

static bool is_wanted(void *arg) {
    answer *a = arg;
    pthread_mutex_lock(a->lock);
    bool gone = ig_http_request_gone(a->c->http);
    pthread_mutex_unlock(a->lock);
    return !gone;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------------ */

static ig_status find_calls(answer *a) {
    if (!a->s->tools) return IG_OK;
    const char *text = a->g.text.data ? a->g.text.data : "";
    IG_TRY(ig_tool_calls_parse(text, a->g.text.len, IG_TOOL_STYLE_HERMES, &a->calls, &a->err));
    while (a->s->one_call && a->calls.count > 1) {
        a->calls.count--;
        ig_free(a->calls.call[a->calls.count].name);
        ig_free(a->calls.call[a->calls.count].arguments);
    }
    return IG_OK;
}

static void *make(void *arg) {
    answer *a = arg;
    ig_generate_opts o = a->s->o;
    o.on_piece = on_piece;
    o.arg = a;
    if (a->index > 0) {
        uint32_t word[4];
        ig_philox(o.sampling.seed, 0, (uint64_t)a->index, word);
        o.sampling.seed = (uint64_t)word[0] << 32 | word[1];
    }
    ig_request r = {.prompt = a->prompt->data, .n = a->prompt->len, .opts = &o, .scope = a->c->scope, .is_wanted = is_wanted, .arg = a};
    ig_status s = ig_scheduler_generate(a->l->scheduler, &r, &a->g, &a->err);
    if (a->status == IG_OK) a->status = s;
    if (a->status == IG_OK && a->g.finish == IG_FINISH_CANCELLED && !a->enough)
        a->status = ig_error_set(&a->err, IG_E_CANCELLED, "nobody waits for the answer");
    if (a->status == IG_OK) a->status = find_calls(a);
    if (a->status == IG_OK && !a->calls.count) a->status = tell(a, a->g.text.len);
    return NULL;
}

/* What was asked for cannot be written: the fault of the request, not of the server. */
static ig_status tell_failure(call *c, const answer *a) {
    const settings *s = a->s;
    c->err = a->err;
    if (a->err.code == IG_E_NUMERIC && s->bias)
        return call_fail(c, 400, "logit_bias", "no_token_possible", "'logit_bias' forbids every token that may stand here%s",
                         s->grammar ? " by the form that is asked for" : "");
    if (a->err.code == IG_E_NOT_FOUND && s->grammar)
        return call_fail(c, 400, NULL, "no_token_possible", "the form that is asked for cannot be written: %s", a->err.message);
    return a->status;
}

static ig_status check_length(call *c, const loaded *l, const settings *s, const ig_ids *prompt) {
    int64_t context = ig_scheduler_context(l->scheduler);
    if ((int64_t)prompt->len < context) return IG_OK;
    return call_fail(c, 400, s->prompt_name, "context_length_exceeded", "this model's context has %lld tokens, of which the answer needs one; the prompt "
                     "has %zu: shorten it", (long long)context, prompt->len);
}

static ig_status run_all(answer *a, size_t n) {
    pthread_t thread[SERVER_CHOICES_MAX];
    size_t started = 1;
    for (; started < n; started++)
        if (pthread_create(&thread[started], NULL, make, &a[started]) != 0) break;
    for (size_t i = started; i < n; i++) a[i].status = ig_error_set(&a[i].err, IG_E_BUSY, "no thread could be started; try again later");
    make(&a[0]);
    for (size_t i = 1; i < started; i++) pthread_join(thread[i], NULL);
    for (size_t i = 0; i < n; i++)
        if (a[i].status != IG_OK) return tell_failure(a[0].c, &a[i]);
    return IG_OK;
}

ig_status answers_make(call *c, const loaded *l, const settings *s, const ig_ids *prompt, answer_text_fn *on_text, void *arg,
                       answer *a, size_t n) {
    pthread_mutex_t lock;
    IG_TRY(check_length(c, l, s, prompt));
    pthread_mutex_init(&lock, NULL);
    for (size_t i = 0; i < n; i++)
        a[i] = (answer){.index = (int)i, .c = c, .l = l, .s = s, .prompt = prompt, .on_text = on_text, .arg = arg, .lock = &lock};
    ig_status status = run_all(a, n);
    pthread_mutex_destroy(&lock);
    c->prompt_tokens += (int64_t)prompt->len;
    for (size_t i = 0; i < n; i++) c->completion_tokens += (int64_t)a[i].g.ids.len;
    return status;
}

void answers_fini(answer *a, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < a[i].token_count; k++) ig_free(a[i].tokens[k].top);
        ig_free(a[i].tokens);
        ig_tool_calls_fini(&a[i].calls);
        ig_generation_fini(&a[i].g);
    }
}

const char *answer_finish(const answer *a) {
    if (a->g.finish == IG_FINISH_LENGTH) return "length";
    return a->calls.count ? "tool_calls" : "stop";
}

/* ---- log-probabilities ---------------------------------------------------------------------------------------------------------------- */

void answer_token_text(const loaded *l, int32_t id, ig_buf *out) {
    const ig_tokenizer *t = l->m->tokenizer;
    if ((size_t)id < ig_tokenizer_count(t)) (void)ig_tokenizer_decode(t, &id, 1, IG_DECODE_INSIDE, out, NULL);
}

/* JSON has no infinity; OpenAI writes what is impossible as -9999. */
static double finite_logprob(double x) { return x > -9999 ? x : -9999; }

static void put_token(const loaded *l, int32_t id, double logprob, ig_json *j) {
    ig_buf text = {.max = 1 << 16};
    answer_token_text(l, id, &text);
    reply_pair_text(j, "token", text.data ? text.data : "");
    ig_json_key(j, "logprob"), ig_json_real(j, finite_logprob(logprob));
    ig_json_key(j, "bytes"), ig_json_open(j, '[');
    for (size_t i = 0; i < text.len; i++) ig_json_int(j, (unsigned char)text.data[i]);
    ig_json_close(j, ']');
    ig_buf_fini(&text);
}

void answer_logprobs(const answer *a, const answer_token *t, size_t n, ig_json *j) {
    ig_json_key(j, "logprobs");
    if (!a->s->wants_logprobs) {
        ig_json_null(j);
        return;
    }
    ig_json_open(j, '{');
    ig_json_key(j, "content"), ig_json_open(j, '[');
    for (size_t i = 0; i < n; i++) {
        ig_json_open(j, '{');
        put_token(a->l, t[i].id, t[i].logprob, j);
        ig_json_key(j, "top_logprobs"), ig_json_open(j, '[');
        for (int k = 0; k < t[i].top_count && k < a->s->top_logprobs; k++) {
            ig_json_open(j, '{');
            put_token(a->l, t[i].top[k].id, t[i].top[k].logprob, j);
            ig_json_close(j, '}');
        }
        ig_json_close(j, ']');
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
    ig_json_key(j, "refusal"), ig_json_null(j);
    ig_json_close(j, '}');
}

static void put_token_texts(const answer *a, const answer_token *t, size_t n, ig_json *j) {
    ig_json_key(j, "tokens"), ig_json_open(j, '[');
    for (size_t i = 0; i < n; i++) {
        ig_buf text = {.max = 1 << 16};
        answer_token_text(a->l, t[i].id, &text);
        ig_json_text_n(j, text.data ? text.data : "", text.len);
        ig_buf_fini(&text);
    }
    ig_json_close(j, ']');
}

static void put_top(const answer *a, const answer_token *t, ig_json *j) {
    ig_json_open(j, '{');
    for (int k = 0; k < t->top_count && k < a->s->top_logprobs; k++) {
        ig_buf text = {.max = 1 << 16};
        answer_token_text(a->l, t->top[k].id, &text);
        if (ig_utf8_valid(text.data ? text.data : "", text.len)) {
            ig_json_key(j, text.data ? text.data : "");
            ig_json_real(j, finite_logprob(t->top[k].logprob));
        }
        ig_buf_fini(&text);
    }
    ig_json_close(j, '}');
}

void answer_logprobs_completion(const answer *a, const answer_token *t, size_t n, ig_json *j) {
    ig_json_key(j, "logprobs");
    if (!a->s->wants_logprobs) {
        ig_json_null(j);
        return;
    }
    ig_json_open(j, '{');
    put_token_texts(a, t, n, j);
    ig_json_key(j, "token_logprobs"), ig_json_open(j, '[');
    for (size_t i = 0; i < n; i++) ig_json_real(j, finite_logprob(t[i].logprob));
    ig_json_close(j, ']');
    ig_json_key(j, "top_logprobs"), ig_json_open(j, '[');
    for (size_t i = 0; i < n; i++) put_top(a, &t[i], j);
    ig_json_close(j, ']');
    ig_json_key(j, "text_offset"), ig_json_open(j, '[');
    for (size_t i = 0; i < n; i++) ig_json_int(j, (int64_t)t[i].at);
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}
