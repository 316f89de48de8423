/* text/word_split.c: the pre-tokenizer: patterns that cut text into words, in stages.
 *
 * Each stage cuts what the stage before it left: what its pattern matches is a word, and so is what stands between two
 * matches ("Isolated"); or a match is left out, or joins the word before or after it.  Two stages are no pattern but change
 * the text: METASPACE writes ▁ for spaces, SPACE_BEFORE puts a space in front.  PCRE2 sees valid UTF-8 only: bytes that are
 * not are cut out first and are words of their own, so that any file can be encoded.
 *
 * Patterns come from model files, texts from anybody.  Each attempt is bounded by PCRE2's match and heap limits, and a
 * pattern that fails at very many places of a text is stopped by the clock.  GPT-2's own pattern matches everywhere, with
 * at most one step back, and meets neither bound.  Where PCRE2 has no JIT it interprets, with the same result.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "text/tokenizer_impl.h"

#define PATTERN_BYTES_MAX   16384
#define MATCH_STEPS_MAX     2000000
#define MATCH_HEAP_KIB_MAX  (64 * 1024)
#define FAILING_SECONDS_MAX 20.0

const char ig_tok_gpt2_pattern[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

static void *pcre_malloc(size_t size, void *arg) {
    (void)arg;
    return ig_malloc(size);
}

static void pcre_free(void *p, void *arg) {
    (void)arg;
    ig_free(p);
}

/* \s is White_Space for the tokenizers of Python, Rust and JavaScript; PCRE2's own \s has U+180E as well. */
static void rewrite_spaces(const char *p, ig_buf *out) {
    for (; *p; p++) {
        if (*p != '\\' || !p[1]) {
            ig_buf_putc(out, *p);
        } else if (*++p == 's' || *p == 'S') {
            ig_buf_puts(out, *p == 's' ? "\\p{White_Space}" : "\\P{White_Space}");
        } else {
            ig_buf_putc(out, '\\');
            ig_buf_putc(out, *p);
        }
    }
}

static ig_status compile(const char *pattern, size_t len, pcre2_code **out, ig_error *err) {
    pcre2_general_context *general = pcre2_general_context_create(pcre_malloc, pcre_free, NULL);
    pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
    int code = PCRE2_ERROR_NOMEMORY;
    size_t at = 0;
    *out = NULL;
    if (context)
        *out = pcre2_compile((PCRE2_SPTR)pattern, len, PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C, &code,
                             &at, context);
    pcre2_compile_context_free(context);
    pcre2_general_context_free(general);
    if (*out) {
        (void)pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE); /* where it fails, matching interprets */
        return IG_OK;
    }
    if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED) return ig_error_nomem(err, len);
    char message[160];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
    return ig_error_set(err, IG_E_FORMAT, "the pre-tokenizer's pattern is wrong near its byte %zu: %s", at, message);
}

ig_status ig_tok_pattern_compile(const char *pattern, void **code, ig_error *err) {
    *code = NULL;
    if (strlen(pattern) > PATTERN_BYTES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "the pre-tokenizer's pattern is longer than %d bytes", PATTERN_BYTES_MAX);
    ig_buf text = {.max = PATTERN_BYTES_MAX * 8};
    rewrite_spaces(pattern, &text);
    pcre2_code *made = NULL;
    ig_status status = ig_buf_status(&text, err);
    if (status == IG_OK) status = compile(text.data ? text.data : "", text.len, &made, err);
    ig_buf_fini(&text);
    *code = made;
    return status;
}

void ig_tok_pattern_free(void *code) {
    pcre2_code_free(code);
}

void ig_tok_pattern_quote(const char *text, size_t n, ig_buf *out) {
    for (size_t i = 0; i < n; i++) {
        if (memchr("\\^$.[]|()?*+{}", text[i], 14)) ig_buf_putc(out, '\\');
        ig_buf_putc(out, text[i]);
    }
}

ig_status ig_tok_split_add_stage(tok_split *s, const tok_stage *stage, ig_error *err) {
    if (s->count == TOK_STAGES_MAX)
        return ig_error_set(err, IG_E_UNSUPPORTED, "a pre-tokenizer of more than %d patterns is not supported", TOK_STAGES_MAX);
    tok_stage made = *stage;
    made.source = NULL;
    if (stage->source) IG_TRY(ig_tok_pattern_compile(stage->source, &made.code, err));
    if (stage->source && !(made.pattern = ig_strdup(stage->source))) {
        pcre2_code_free(made.code);
        return ig_error_nomem(err, strlen(stage->source));
    }
    s->stage[s->count++] = made;
    s->gpt2_last = false;
    return IG_OK;
}

ig_status ig_tok_split_add(tok_split *s, const char *pattern, ig_error *err) {
    tok_stage stage = {.source = pattern ? pattern : ig_tok_gpt2_pattern};
    IG_TRY(ig_tok_split_add_stage(s, &stage, err));
    s->gpt2_last = !pattern;
    return IG_OK;
}

/* Unicode's punctuation and all that is no letter, digit or space in ASCII. */
ig_status ig_tok_split_add_bert(tok_split *s, ig_error *err) {
    tok_stage space = {.name = "BertPreTokenizer", .source = "\\s+", .cut = TOK_CUT_REMOVED};
    tok_stage mark = {.name = "BertPreTokenizer", .source = "[\\p{P}$+<=>^`|~]"};
    IG_TRY(ig_tok_split_add_stage(s, &space, err));
    return ig_tok_split_add_stage(s, &mark, err);
}

void ig_tok_split_fini(tok_split *s) {
    for (size_t i = 0; i < s->count; i++) {
        ig_free(s->stage[i].pattern);
        pcre2_code_free(s->stage[i].code);
    }
    *s = (tok_split){0};
}

/* ---- one run over a text ---- */

typedef struct run {
    const tok_split *split;
    pcre2_general_context *general;
    pcre2_match_context *context;
    pcre2_match_data *match;
    tok_word_fn *fn;
    void *arg;
    ig_error *err;
    size_t failures;
    double started;
    const char *first;          /* the beginning of the text, for METASPACE; NULL: it follows an added token */
    ig_buf own[TOK_STAGES_MAX]; /* texts that a stage made */
} run;

static ig_status match_error(run *r, int code) {
    if (code == PCRE2_ERROR_NOMEMORY) return ig_error_nomem(r->err, 0);
    char message[160];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
    return ig_error_set(r->err, IG_E_LIMIT, "the pre-tokenizer's pattern takes too many steps on this text: %s", message);
}

/* Where the match that starts at `at` ends; `at` itself when there is none or it is empty. */
static ig_status match_end(run *r, const pcre2_code *code, const char *s, size_t n, size_t at, size_t *end) {
    int rc = pcre2_match(code, (PCRE2_SPTR)s, n, at, PCRE2_NO_UTF_CHECK, r->match, r->context);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(code, (PCRE2_SPTR)s, n, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, r->match, r->context);
    *end = at;
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) return match_error(r, rc);
    if (rc >= 0) *end = pcre2_get_ovector_pointer(r->match)[1];
    if (*end > at) return IG_OK;
    *end = at;
    if (++r->failures % 256 == 0 && ig_clock() - r->started > FAILING_SECONDS_MAX)
        return match_error(r, PCRE2_ERROR_MATCHLIMIT);
    return IG_OK;
}

static size_t char_len(const char *s) {
    uint8_t b = (uint8_t)*s;
    return b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
}

static ig_status run_stage(run *r, size_t stage, const char *s, size_t n);

/* What METASPACE and SPACE_BEFORE do before they cut. */
static ig_status rewrite(run *r, size_t stage, const char **s, size_t *n) {
    const tok_stage *how = &r->split->stage[stage];
    bool meta = how->kind == TOK_STAGE_METASPACE, has_space = **s == ' ' || (*n >= 3 && meta && !memcmp(*s, TOK_SPACE, 3));
    bool wanted = !meta || how->prepend == TOK_PREPEND_ALWAYS || (how->prepend == TOK_PREPEND_FIRST && *s == r->first);
    ig_buf *out = &r->own[stage];
    if (!out->data) out->max = IG_TEXT_BYTES_MAX;
    ig_buf_clear(out);
    if (wanted && !has_space) ig_buf_puts(out, meta ? TOK_SPACE : " ");
    for (size_t i = 0, end; i < *n; i = end) {
        const char *space = meta ? memchr(*s + i, ' ', *n - i) : NULL;
        end = space ? (size_t)(space - *s) + 1 : *n;
        ig_buf_append(out, *s + i, end - i - (space != NULL));
        if (space) ig_buf_puts(out, TOK_SPACE);
    }
    *s = out->data;
    *n = out->len;
    return ig_buf_status(out, r->err);
}

/* Where the piece that starts at `at` ends, and whether it is a match (or, inverted, the gap between two). */
static ig_status next_piece(run *r, const tok_stage *how, const char *s, size_t n, size_t at, size_t *end, bool *match) {
    IG_TRY(match_end(r, how->code, s, n, at, end));
    *match = *end > at;
    size_t stop = 0;
    for (; !*match && *end < n && stop <= *end;) {
        *end += char_len(s + *end);
        if (*end >= n) break;
        IG_TRY(match_end(r, how->code, s, n, *end, &stop));
    }
    *match ^= how->invert;
    return IG_OK;
}

/* Cut s[0..n) by the pattern of this stage and give the parts to the next.  [word, at) waits for what joins it. */
static ig_status cut(run *r, size_t stage, const char *s, size_t n) {
    const tok_stage *how = &r->split->stage[stage];
    size_t word = 0, end;
    bool waiting_match = false;
    for (size_t at = 0; at < n; at = end) {
        bool match, joins = false;
        IG_TRY(next_piece(r, how, s, n, at, &end, &match));
        if (at > word) {
            joins = how->cut == TOK_CUT_PREVIOUS ? match && !waiting_match
                    : how->cut == TOK_CUT_NEXT   ? waiting_match && !match
                                                 : how->cut == TOK_CUT_CONTIGUOUS && match && waiting_match;
            if (!joins) IG_TRY(run_stage(r, stage + 1, s + word, at - word));
        }
        if (!joins) word = at;
        if (match && how->cut == TOK_CUT_REMOVED) word = end;
        waiting_match = match;
    }
    return word < n ? run_stage(r, stage + 1, s + word, n - word) : IG_OK;
}

/* As deep as there are stages. */
static ig_status run_stage(run *r, size_t stage, const char *s, size_t n) {
    if (stage == r->split->count) return r->fn(r->arg, s, n, r->err);
    const tok_stage *how = &r->split->stage[stage];
    if (how->kind != TOK_STAGE_PATTERN) IG_TRY(rewrite(r, stage, &s, &n));
    return how->code ? cut(r, stage, s, n) : run_stage(r, stage + 1, s, n);
}

/* Length of the longest beginning of s[0..n) that is UTF-8. */
static size_t valid_prefix(const char *s, size_t n) {
    size_t at = 0;
    while (at < n) {
        uint64_t eight;
        if (n - at >= 8 && (memcpy(&eight, s + at, 8), !(eight & 0x8080808080808080ULL))) {
            at += 8;
            continue;
        }
        uint32_t cp;
        size_t len = ig_utf8_decode(s + at, n - at, &cp);
        if (!len) break;
        at += len;
    }
    return at;
}

static size_t invalid_prefix(const char *s, size_t n) {
    size_t at = 0;
    uint32_t cp;
    while (at < n && !ig_utf8_decode(s + at, n - at, &cp)) at++;
    return at;
}

static ig_status run_text(run *r, const char *s, size_t n) {
    while (n) {
        size_t good = valid_prefix(s, n);
        if (good) IG_TRY(run_stage(r, 0, s, good));
        size_t bad = invalid_prefix(s + good, n - good);
        if (bad) IG_TRY(r->fn(r->arg, s + good, bad, r->err));
        s += good + bad;
        n -= good + bad;
    }
    return IG_OK;
}

static ig_status run_open(run *r, ig_error *err) {
    r->err = err;
    r->started = ig_clock();
    r->general = pcre2_general_context_create(pcre_malloc, pcre_free, NULL);
    r->context = r->general ? pcre2_match_context_create(r->general) : NULL;
    r->match = r->general ? pcre2_match_data_create(1, r->general) : NULL;
    if (!r->context || !r->match) return ig_error_nomem(err, 0);
    pcre2_set_match_limit(r->context, MATCH_STEPS_MAX);
    pcre2_set_heap_limit(r->context, MATCH_HEAP_KIB_MAX);
    return IG_OK;
}

static void run_close(run *r) {
    for (size_t i = 0; i < TOK_STAGES_MAX; i++) ig_buf_fini(&r->own[i]);
    pcre2_match_data_free(r->match);
    pcre2_match_context_free(r->context);
    pcre2_general_context_free(r->general);
}

ig_status ig_tok_split_run(const tok_split *s, const char *text, size_t n, bool at_start, tok_word_fn *fn, void *arg,
                           ig_error *err) {
    run r = {.split = s, .fn = fn, .arg = arg, .first = at_start ? text : NULL};
    ig_status status = run_open(&r, err);
    if (status == IG_OK) status = run_text(&r, text, n);
    run_close(&r);
    return status;
}

static ig_status replace_valid(run *r, const void *code, const char *s, size_t n, const char *to, size_t to_len, ig_buf *out) {
    for (size_t at = 0, end; at < n; at = end) {
        IG_TRY(match_end(r, code, s, n, at, &end));
        if (end > at) {
            ig_buf_append(out, to, to_len);
            continue;
        }
        end = at + char_len(s + at);
        ig_buf_append(out, s + at, end - at);
    }
    return IG_OK;
}

ig_status ig_tok_replace(void *code, const char *s, size_t n, const char *to, size_t to_len, ig_buf *out, ig_error *err) {
    run r = {0};
    ig_status status = run_open(&r, err);
    while (n && status == IG_OK) {
        size_t good = valid_prefix(s, n), bad = invalid_prefix(s + good, n - good);
        status = replace_valid(&r, code, s, good, to, to_len, out);
        ig_buf_append(out, s + good, bad);
        s += good + bad;
        n -= good + bad;
    }
    run_close(&r);
    return status == IG_OK ? ig_buf_status(out, err) : status;
}
