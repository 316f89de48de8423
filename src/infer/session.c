/* infer/session.c: a model that reads on: one sequence in the pages of a runner of its own (runner.h), or, of a recurrent
 * network, in the state of a carrier (carrier.h).
 *
 * Chunks end where the position is a multiple of 64, single tokens and short remainders go one by one.  Reading a text from
 * the start in any number of calls that cut it there runs the same plans on the same rows, so the bits are the same.
 */
#include <string.h>

#include "infer/carrier.h"
#include "infer/runner.h"

#define READ_FROM 4 /* so many tokens cost about as much one by one as one padded chunk */

struct ig_session {
    ig_session_opts opts;
    runner r;            /* of a carrier only the model and the context */
    carrier c;
    int32_t *page;       /* [pages] 0, 1, 2 … */
    ig_ids history;      /* [length] */
    const float *logits; /* of the runner's last run */
};

/* ---- opening and closing ---- */

static bool carries(const ig_model *m) { return m->family->logits_carried != NULL; }

static ig_status set_up(ig_session *s, ig_model *m, const ig_session_opts *opts, ig_error *err) {
    if (opts) s->opts = *opts;
    if (s->opts.context_max < 0) return ig_error_set(err, IG_E_ARG, "context_max is negative");
    if (!ig_model_can(m, IG_CAN_GENERATE))
        return ig_error_set(err, IG_E_UNSUPPORTED, "models of family %s do not generate", m->family->name);
    int64_t context = m->family->context_length(m);
    if (s->opts.context_max > 0 && s->opts.context_max < context) context = s->opts.context_max;
    if (carries(m)) {
        s->r.m = m, s->r.context = context;
        return carrier_open(&s->c, m, s->opts.bf16, err);
    }
    int64_t pages = (context + RUNNER_CHUNK - 1) / RUNNER_CHUNK;
    s->page = ig_calloc((size_t)pages, sizeof *s->page);
    if (!s->page) return ig_error_nomem(err, (size_t)pages * sizeof *s->page);
    for (int64_t i = 0; i < pages; i++) s->page[i] = (int32_t)i;
    return runner_open(&s->r, m, context, pages, s->opts.bf16, err);
}

ig_status ig_session_open(ig_model *m, const ig_session_opts *opts, ig_session **out, ig_error *err) {
    *out = NULL;
    ig_session *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    ig_status status = set_up(s, m, opts, err);
    if (status == IG_OK) *out = s;
    else ig_session_close(s);
    return status;
}

void ig_session_close(ig_session *s) {
    if (!s) return;
    runner_close(&s->r);
    carrier_close(&s->c);
    ig_free(s->page);
    ig_ids_fini(&s->history);
    ig_free(s);
}

/* ---- reading ---- */

static ig_status read_one(ig_session *s, int32_t token, ig_error *err) {
    run_row row = {.token = token, .position = (int64_t)s->history.len, .page = s->page};
    IG_TRY(runner_decode(&s->r, &row, 1, &s->logits, err));
    return ig_ids_push(&s->history, token, err);
}

/* At most a chunk of tokens that do not cross a multiple of it. */
static ig_status read_chunk(ig_session *s, const int32_t *tokens, int64_t n, ig_error *err) {
    if (n < READ_FROM) {
        for (int64_t i = 0; i < n; i++) IG_TRY(read_one(s, tokens[i], err));
        return IG_OK;
    }
    IG_TRY(runner_read(&s->r, tokens, n, (int64_t)s->history.len, s->page, &s->logits, err));
    for (int64_t i = 0; i < n; i++) IG_TRY(ig_ids_push(&s->history, tokens[i], err));
    return IG_OK;
}

/* After a rewind or a failure the carrier's state is not that of the history: what remains is read again. */
static ig_status read_on(ig_session *s, const int32_t *tokens, size_t n, ig_error *err) {
    if (s->c.length != s->history.len) {
        carrier_restart(&s->c);
        if (s->history.len) IG_TRY(carrier_read(&s->c, s->history.data, s->history.len, &s->logits, err));
    }
    IG_TRY(carrier_read(&s->c, tokens, n, &s->logits, err));
    for (size_t i = 0; i < n; i++) IG_TRY(ig_ids_push(&s->history, tokens[i], err));
    return IG_OK;
}

static ig_status read_all(ig_session *s, const int32_t *tokens, size_t n, ig_error *err) {
    if (carries(s->r.m)) return read_on(s, tokens, n, err);
    for (size_t done = 0; done < n;) {
        size_t step = RUNNER_CHUNK - s->history.len % RUNNER_CHUNK;
        if (step > n - done) step = n - done;
        IG_TRY(read_chunk(s, tokens + done, (int64_t)step, err));
        done += step;
    }
    return IG_OK;
}

/* The last half of the context, of what is there and what comes, is read again from position 0: learned positions leave
 * no other way, and rotated keys keep the angles that training has seen. */
static ig_status slide(ig_session *s, const int32_t *tokens, size_t n, ig_error *err) {
    size_t keep = s->r.context > 1 ? (size_t)s->r.context / 2 : 1, old = s->history.len;
    if (keep > old + n) keep = old + n;
    int32_t *text = ig_malloc(keep * sizeof *text);
    if (!text) return ig_error_nomem(err, keep * sizeof *text);
    for (size_t i = 0; i < keep; i++) {
        size_t at = old + n - keep + i;
        text[i] = at < old ? s->history.data[at] : tokens[at - old];
    }
    s->history.len = 0;
    ig_status status = read_all(s, text, keep, err);
    ig_free(text);
    return status;
}

static ig_status check_tokens(const ig_session *s, const int32_t *tokens, size_t n, ig_error *err) {
    int64_t V = s->r.m->family->vocab_size(s->r.m);
    if (n == 0) return ig_error_set(err, IG_E_ARG, "no tokens to read");
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= V)
            return ig_error_set(err, IG_E_ARG, "token %d at place %zu; the model knows 0 to %lld", tokens[i], i,
                                (long long)V - 1);
    return IG_OK;
}

ig_status ig_session_feed(ig_session *s, const int32_t *tokens, size_t n, ig_error *err) {
    IG_TRY(check_tokens(s, tokens, n, err));
    size_t length = s->history.len;
    bool full = n > (size_t)s->r.context - length;
    if (full && !s->opts.slide)
        return ig_error_set(err, IG_E_LIMIT, "%zu tokens more than the %zu that were read do not fit in the context of %lld", n,
                            length, (long long)s->r.context);
    ig_status status = full ? slide(s, tokens, n, err) : read_all(s, tokens, n, err);
    if (status == IG_OK) return IG_OK;
    s->history.len = full ? 0 : length;
    s->c.length = SIZE_MAX;
    s->logits = NULL;
    return status;
}

/* ---- asking ---- */

const float *ig_session_logits(const ig_session *s) { return s->logits; }
int64_t ig_session_length(const ig_session *s) { return (int64_t)s->history.len; }
int64_t ig_session_context(const ig_session *s) { return s->r.context; }
bool ig_session_slides(const ig_session *s) { return s->opts.slide; }
ig_model *ig_session_model(const ig_session *s) { return s->r.m; }
const int32_t *ig_session_tokens(const ig_session *s) { return s->history.data; }

ig_status ig_session_rewind(ig_session *s, int64_t length, ig_error *err) {
    if (length < 0 || length > (int64_t)s->history.len)
        return ig_error_set(err, IG_E_ARG, "cannot go back to %lld of %zu positions", (long long)length, s->history.len);
    if (length < (int64_t)s->history.len) s->logits = NULL, s->c.length = SIZE_MAX;
    s->history.len = (size_t)length;
    return IG_OK;
}
