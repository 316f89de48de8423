/* text/word_split.c: the pre-tokenizer: patterns that cut text into words, in stages.
 *
 * Each stage cuts what the stage before it left: what its pattern matches is a word, and so is what stands between two
 * matches ("Isolated").  PCRE2 sees valid UTF-8 only: bytes that are not are cut out first and are words of their own, so
 * that any file can be encoded.
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

static const char gpt2_pattern[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

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

ig_status ig_tok_split_add(tok_split *s, const char *pattern, ig_error *err) {
    if (s->count == TOK_STAGES_MAX)
        return ig_error_set(err, IG_E_UNSUPPORTED, "a pre-tokenizer of more than %d patterns is not supported", TOK_STAGES_MAX);
    const char *source = pattern ? pattern : gpt2_pattern;
    if (strlen(source) > PATTERN_BYTES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "the pre-tokenizer's pattern is longer than %d bytes", PATTERN_BYTES_MAX);
    ig_buf text = {.max = PATTERN_BYTES_MAX * 8};
    rewrite_spaces(source, &text);
    pcre2_code *code = NULL;
    ig_status status = ig_buf_status(&text, err);
    if (status == IG_OK) status = compile(text.data ? text.data : "", text.len, &code, err);
    ig_buf_fini(&text);
    IG_TRY(status);
    char *copy = ig_strdup(source);
    if (!copy) {
        pcre2_code_free(code);
        return ig_error_nomem(err, strlen(source));
    }
    s->stage[s->count++] = (tok_stage){.pattern = copy, .code = code};
    s->gpt2_last = !pattern;
    return IG_OK;
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

/* Cut s[0..n) by the pattern of this stage and give the parts to the next.  As deep as there are stages. */
static ig_status run_stage(run *r, size_t stage, const char *s, size_t n) {
    if (stage == r->split->count) return r->fn(r->arg, s, n, r->err);
    const pcre2_code *code = r->split->stage[stage].code;
    size_t done = 0, at = 0;
    while (at < n) {
        size_t end;
        IG_TRY(match_end(r, code, s, n, at, &end));
        if (end == at) {
            at += char_len(s + at);
            continue;
        }
        if (at > done) IG_TRY(run_stage(r, stage + 1, s + done, at - done));
        IG_TRY(run_stage(r, stage + 1, s + at, end - at));
        done = at = end;
    }
    return done < n ? run_stage(r, stage + 1, s + done, n - done) : IG_OK;
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

ig_status ig_tok_split_run(const tok_split *s, const char *text, size_t n, tok_word_fn *fn, void *arg, ig_error *err) {
    run r = {.split = s, .fn = fn, .arg = arg, .err = err, .started = ig_clock()};
    r.general = pcre2_general_context_create(pcre_malloc, pcre_free, NULL);
    r.context = r.general ? pcre2_match_context_create(r.general) : NULL;
    r.match = r.general ? pcre2_match_data_create(1, r.general) : NULL;
    ig_status status = IG_OK;
    if (r.context && r.match) {
        pcre2_set_match_limit(r.context, MATCH_STEPS_MAX);
        pcre2_set_heap_limit(r.context, MATCH_HEAP_KIB_MAX);
        status = run_text(&r, text, n);
    } else {
        status = ig_error_nomem(err, 0);
    }
    pcre2_match_data_free(r.match);
    pcre2_match_context_free(r.context);
    pcre2_general_context_free(r.general);
    return status;
}
