/* text/normalize.c: the normaliser: steps that change a text before it is cut into words.
 *
 * The steps are those of tokenizer.json; SentencePiece's own rules and BERT's are written in them.  Each step reads one
 * buffer and fills another.  What a step makes of a text is bounded by the buffer's limit.  Bytes that are no UTF-8 pass
 * through the steps here; Unicode's normal forms (normalize_icu.c) write U+FFFD for them.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

static ig_status copy_text(char **out, const char *from, size_t n, ig_error *err) {
    *out = from ? ig_strndup(from, n) : NULL;
    return from && !*out ? ig_error_nomem(err, n) : IG_OK;
}

static void step_fini(tok_step *s) {
    ig_free(s->from);
    ig_free(s->to);
    ig_free(s->map);
    ig_tok_pattern_free(s->code);
}

static ig_status step_copy(tok_step *made, const tok_step *step, bool pattern, ig_error *err) {
    IG_TRY(copy_text(&made->from, step->from, step->from_len, err));
    IG_TRY(copy_text(&made->to, step->to, step->to_len, err));
    if (pattern) IG_TRY(ig_tok_pattern_compile(made->from, &made->code, err));
    if (!step->map) return IG_OK;
    IG_TRY(ig_tok_charsmap_check(step->map, step->map_len, err));
    made->map = ig_malloc(step->map_len);
    if (!made->map) return ig_error_nomem(err, step->map_len);
    memcpy(made->map, step->map, step->map_len);
    return IG_OK;
}

ig_status ig_tok_norm_add(tok_norm *m, const tok_step *step, bool pattern, ig_error *err) {
    if (m->count == TOK_STEPS_MAX)
        return ig_error_set(err, IG_E_UNSUPPORTED, "a normalizer of more than %d steps is not supported", TOK_STEPS_MAX);
    if (step->kind == TOK_STEP_REPLACE && !step->from_len)
        return ig_error_set(err, IG_E_FORMAT, "the normalizer Replace needs a text to look for");
    tok_step made = *step;
    made.from = made.to = NULL;
    made.map = NULL;
    ig_status status = step_copy(&made, step, pattern, err);
    if (status == IG_OK)
        m->step[m->count++] = made;
    else
        step_fini(&made);
    return status;
}

void ig_tok_norm_fini(tok_norm *m) {
    for (size_t i = 0; i < m->count; i++) step_fini(&m->step[i]);
    m->count = 0;
}

/* ---- the steps ---- */

static ig_status replace(const tok_step *step, const char *s, size_t n, ig_buf *out, ig_error *err) {
    if (step->code) return ig_tok_replace(step->code, s, n, step->to, step->to_len, out, err);
    while (n) {
        const char *found = memmem(s, n, step->from, step->from_len);
        size_t before = found ? (size_t)(found - s) : n;
        ig_buf_append(out, s, before);
        if (!found) break;
        ig_buf_append(out, step->to, step->to_len);
        s += before + step->from_len;
        n -= before + step->from_len;
    }
    return ig_buf_status(out, err);
}

/* The length of the white space that s[0..n) starts with. */
static size_t space_before(const char *s, size_t n) {
    size_t at = 0, len;
    for (uint32_t cp; at < n; at += len) {
        len = ig_utf8_decode(s + at, n - at, &cp);
        if (!len || !ig_tok_is_space(cp)) break;
    }
    return at;
}

static size_t trimmed_end(const char *s, size_t n) {
    while (n) {
        size_t at = n - 1;
        uint32_t cp;
        while (at && n - at < 4 && ((uint8_t)s[at] & 0xc0) == 0x80) at--;
        if (ig_utf8_decode(s + at, n - at, &cp) != n - at || !ig_tok_is_space(cp)) break;
        n = at;
    }
    return n;
}

static ig_status strip(const tok_step *step, const char *s, size_t n, ig_buf *out, ig_error *err) {
    size_t begin = step->flags & TOK_LEFT ? space_before(s, n) : 0;
    size_t end = step->flags & TOK_RIGHT ? begin + trimmed_end(s + begin, n - begin) : n;
    ig_buf_append(out, s + begin, end - begin);
    return ig_buf_status(out, err);
}

/* Longest rule first; a user-defined piece stays as it is. */
static ig_status charsmap(const ig_tokenizer *t, const tok_step *step, const char *s, size_t n, ig_buf *out, ig_error *err) {
    for (size_t at = 0, len, to_len; at < n; at += len) {
        const char *to;
        int32_t user = ig_tok_added_here(t, s + at, n - at, TOK_USER);
        len = 0;
        if (user >= 0)
            to = tok_bytes(&t->table, (size_t)user, &len), to_len = len;
        else
            len = ig_tok_charsmap_match(step->map, step->map_len, s + at, n - at, &to, &to_len);
        if (!len) {
            uint32_t cp;
            to = s + at;
            len = ig_utf8_decode(s + at, n - at, &cp);
            to_len = len = len ? len : 1;
        }
        ig_buf_append(out, to, to_len);
    }
    return ig_buf_status(out, err);
}

static ig_status run_step(const ig_tokenizer *t, const tok_step *step, const char *s, size_t n, ig_buf *out, ig_error *err) {
    switch (step->kind) {
    case TOK_STEP_NFC:
    case TOK_STEP_NFD:
    case TOK_STEP_NFKC:
    case TOK_STEP_NFKD: return ig_tok_norm_form(step->kind, s, n, out, err);
    case TOK_STEP_NMT:
    case TOK_STEP_LOWERCASE:
    case TOK_STEP_STRIP_ACCENTS:
    case TOK_STEP_BERT: return ig_tok_norm_chars(step, s, n, out, err);
    case TOK_STEP_REPLACE: return replace(step, s, n, out, err);
    case TOK_STEP_STRIP: return strip(step, s, n, out, err);
    case TOK_STEP_CHARSMAP: return charsmap(t, step, s, n, out, err);
    case TOK_STEP_PREPEND: break;
    }
    if (n) ig_buf_append(out, step->to, step->to_len);
    ig_buf_append(out, s, n);
    return ig_buf_status(out, err);
}

ig_status ig_tok_norm_run(const ig_tokenizer *t, const char *s, size_t n, ig_buf *out, ig_buf *spare, ig_error *err) {
    ig_buf_clear(out);
    ig_buf_append(out, s, n);
    IG_TRY(ig_buf_status(out, err));
    for (size_t i = 0; i < t->norm.count; i++) {
        ig_buf_clear(spare);
        IG_TRY(run_step(t, &t->norm.step[i], out->data ? out->data : "", out->len, spare, err));
        ig_buf swap = *out;
        *out = *spare;
        *spare = swap;
    }
    return IG_OK;
}

/* ---- SentencePiece's rules as steps ---- */

/* Runs of spaces become one and those at the ends go: in this order, so that each pattern looks at one space only. */
static ig_status add_white_space(tok_norm *m, ig_error *err) {
    static char runs[] = " {2,}", ends[] = "(?<![\\s\\S]) | (?![\\s\\S])", one[] = " ", none[] = "";
    tok_step join = {.kind = TOK_STEP_REPLACE, .from = runs, .from_len = sizeof runs - 1, .to = one, .to_len = 1};
    tok_step trim = {.kind = TOK_STEP_REPLACE, .from = ends, .from_len = sizeof ends - 1, .to = none};
    IG_TRY(ig_tok_norm_add(m, &join, true, err));
    return ig_tok_norm_add(m, &trim, true, err);
}

ig_status ig_tok_spm_normalizer(ig_tokenizer *t, const tok_spm_rules *rules, ig_error *err) {
    static char space[] = " ", mark[] = TOK_SPACE;
    if (rules->charsmap_len) {
        uint8_t *map = ig_malloc(rules->charsmap_len);
        if (!map) return ig_error_nomem(err, rules->charsmap_len);
        memcpy(map, rules->charsmap, rules->charsmap_len);
        tok_step step = {.kind = TOK_STEP_CHARSMAP, .map = map, .map_len = rules->charsmap_len};
        ig_status status = ig_tok_norm_add(&t->norm, &step, false, err);
        ig_free(map);
        IG_TRY(status);
    }
    if (rules->remove_extra) IG_TRY(add_white_space(&t->norm, err));
    tok_step front = {.kind = TOK_STEP_PREPEND, .to = rules->escape ? mark : space, .to_len = rules->escape ? 3 : 1};
    if (rules->add_prefix) IG_TRY(ig_tok_norm_add(&t->norm, &front, false, err));
    tok_step escape = {.kind = TOK_STEP_REPLACE, .from = space, .from_len = 1, .to = mark, .to_len = 3};
    return rules->escape ? ig_tok_norm_add(&t->norm, &escape, false, err) : IG_OK;
}
