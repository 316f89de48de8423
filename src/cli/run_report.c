/* cli/run_report.c: what is told about a generated text: figures, probabilities, JSON. */
#include <string.h>
#include <unistd.h>

#include "cli/verb_run.h"
#include "cli/words.h"

ig_status cli_run_remember(cli_run *r, const ig_choice *choice) {
    if (!r->opts.sampling.logprobs) return IG_OK;
    if (r->choices_count == r->choices_cap) {
        size_t cap = r->choices_cap ? 2 * r->choices_cap : 64;
        ig_choice *p = ig_realloc_array(r->choices, cap, sizeof *p);
        if (!p) return r->failed = ig_error_nomem(&r->c->err, cap * sizeof *p);
        r->choices = p, r->choices_cap = cap;
    }
    r->choices[r->choices_count++] = *choice;
    return IG_OK;
}

static const char *finish_name(ig_finish f) {
    return f == IG_FINISH_STOP ? "stop" : f == IG_FINISH_LENGTH ? "length" : "cancelled";
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------- */

/* The text that a token adds; false when it has none. */
static bool token_text(const cli_run *r, int32_t id, ig_buf *out) {
    if (!r->tokenizer || (size_t)id >= ig_tokenizer_count(r->tokenizer)) return false;
    return ig_tokenizer_decode(r->tokenizer, &id, 1, IG_DECODE_INSIDE, out, NULL) == IG_OK;
}

static void token_json(const cli_run *r, ig_json *j, int32_t id, double logprob) {
    ig_buf text = {.max = 1 << 16};
    cli_json_pair_int(j, "id", id);
    ig_json_key(j, "token");
    if (token_text(r, id, &text)) ig_json_text_n(j, text.data ? text.data : "", text.len);
    else ig_json_null(j);
    ig_buf_fini(&text);
    cli_json_pair_real(j, "logprob", logprob);
}

static void logprobs_json(const cli_run *r, ig_json *j) {
    ig_json_key(j, "logprobs"), ig_json_open(j, '[');
    for (size_t i = 0; i < r->choices_count; i++) {
        const ig_choice *c = &r->choices[i];
        ig_json_open(j, '{');
        token_json(r, j, c->id, c->logprob);
        ig_json_key(j, "top"), ig_json_open(j, '[');
        for (int k = 0; k < c->top_count; k++) {
            ig_json_open(j, '{');
            token_json(r, j, c->top[k].id, c->top[k].logprob);
            ig_json_close(j, '}');
        }
        ig_json_close(j, ']'), ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

static int report_json(cli_run *r, const ig_generation *g) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    ig_json_key(&j, "text"), ig_json_text_n(&j, g->text.data ? g->text.data : "", g->text.len);
    cli_json_pair_text(&j, "finish_reason", finish_name(g->finish));
    cli_json_pair_int(&j, "prompt_tokens", (int64_t)g->prompt_tokens);
    cli_json_pair_int(&j, "completion_tokens", (int64_t)g->ids.len);
    cli_json_pair_int(&j, "seed", (int64_t)r->seed);
    cli_json_pair_real(&j, "prompt_seconds", g->prompt_seconds);
    cli_json_pair_real(&j, "generate_seconds", g->generate_seconds);
    ig_json_key(&j, "ids"), ig_json_open(&j, '[');
    for (size_t i = 0; i < g->ids.len; i++) ig_json_int(&j, g->ids.data[i]);
    ig_json_close(&j, ']');
    if (r->opts.sampling.logprobs) logprobs_json(r, &j);
    return cli_json_end(r->c, &j);
}

/* ---- for people --------------------------------------------------------------------------------------------------------- */

/* A token in quotes, line breaks and other control bytes as they are written in JSON. */
static void print_token(const cli_run *r, int32_t id, double logprob) {
    ig_buf text = {.max = 1 << 16}, out = {.max = 1 << 19};
    ig_json j = {.out = &out};
    token_text(r, id, &text);
    ig_json_text_n(&j, text.data ? text.data : "", text.len);
    printf("%s %.3f", out.data ? out.data : "", logprob);
    ig_buf_fini(&text);
    ig_buf_fini(&out);
}

static void print_logprobs(const cli_run *r) {
    for (size_t i = 0; i < r->choices_count; i++) {
        const ig_choice *c = &r->choices[i];
        print_token(r, c->id, c->logprob);
        for (int k = 0; k < c->top_count; k++) {
            printf(k ? "  " : "  │ ");
            print_token(r, c->top[k].id, c->top[k].logprob);
        }
        printf("\n");
    }
}

static void print_figures(const cli_run *r, const ig_generation *g) {
    double rate = g->generate_seconds > 0 ? (double)g->ids.len / g->generate_seconds : 0;
    if (r->c->quiet || !isatty(STDERR_FILENO)) return;
    fprintf(stderr, cli_say(r->c, "[prompt %zu tokens, %.2f s; %zu tokens, %.1f tokens/s; seed %llu]\n", "[提示词 %zu 个词元，%.2f 秒；生成 %zu 个，每秒 %.1f 个；种子 %llu]\n"),
            g->prompt_tokens, g->prompt_seconds, g->ids.len, rate, (unsigned long long)r->seed);
}

int cli_run_report(cli_run *r, const ig_generation *g) {
    if (r->c->json) return report_json(r, g);
    bool ends = g->text.len && g->text.data[g->text.len - 1] == '\n';
    if (!ends) printf("\n");
    print_logprobs(r);
    fflush(stdout);
    print_figures(r, g);
    return 0;
}
