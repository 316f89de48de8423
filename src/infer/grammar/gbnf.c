/* infer/grammar/gbnf.c: llama.cpp's notation of grammars.
 *
 *     root  ::= item ("," item)*     # a comment
 *     item  ::= [a-z]+ | "\"" [^"\\]{1,8} "\""
 *
 *     rules         name "::=" alternatives
 *     alternatives  sequence ("|" sequence)*
 *     sequence      (primary quantifier?)*
 *     primary       name | "literal" | [class] | . | ( alternatives )
 *
 * A rule ends where its line ends, except within brackets, behind "|" or "::=", and before a line that begins with "|".
 */
#include <string.h>

#include "infer/grammar/grammar.h"

#define GROUPS_MAX 64

typedef struct reader {
    gr_builder b;
    const char *p, *end;
    int line, groups;
    uint32_t *slot;      /* names: rule + 1 */
    size_t slots, names;
    bool *defined;       /* [defined_cap] by rule */
    size_t defined_cap;
} reader;

static ig_status fail(reader *r, const char *what) { return gr_fail(&r->b, IG_E_FORMAT, r->line, "%s", what); }

static char peek(const reader *r) { return r->p < r->end ? *r->p : '\0'; }

static bool take(reader *r, const char *text) {
    size_t n = strlen(text);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, text, n)) return false;
    r->p += n;
    return true;
}

static void skip_space(reader *r, bool lines) {
    for (; r->p < r->end; r->p++) {
        if (*r->p == '#') {
            while (r->p < r->end && *r->p != '\n') r->p++;
            if (r->p == r->end) return;
        }
        if (*r->p == '\n') {
            if (!lines) return;
            r->line++;
        } else if (*r->p != ' ' && *r->p != '\t' && *r->p != '\r') {
            return;
        }
    }
}

/* A line may go on with "|" on the next one. */
static void skip_to_bar(reader *r) {
    const char *p = r->p;
    int line = r->line;
    skip_space(r, true);
    if (peek(r) == '|') return;
    r->p = p;
    r->line = line;
}

/* ---- names ---- */

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static size_t name_length(const reader *r) {
    size_t n = 0;
    while (r->p + n < r->end && is_name(r->p[n])) n++;
    return n;
}

static ig_status grow_names(reader *r) {
    size_t size = r->slots ? 2 * r->slots : 64;
    uint32_t *slot = ig_calloc(size, sizeof *slot);
    if (!slot) return r->b.status = ig_error_nomem(r->b.err, size * sizeof *slot);
    for (size_t i = 0; i < r->b.rules; i++) {
        const char *name = r->b.rule[i].name;
        if (!name) continue;
        size_t at = ig_hash64(name, strlen(name), 0) & (size - 1);
        while (slot[at]) at = (at + 1) & (size - 1);
        slot[at] = (uint32_t)i + 1;
    }
    ig_free(r->slot);
    r->slot = slot;
    r->slots = size;
    return IG_OK;
}

/* The rule of this name, made if it is new. */
static uint32_t rule_named(reader *r, const char *name, size_t n) {
    if (2 * r->names >= r->slots && grow_names(r) != IG_OK) return 0;
    size_t at = ig_hash64(name, n, 0) & (r->slots - 1);
    for (; r->slot[at]; at = (at + 1) & (r->slots - 1)) {
        const char *known = r->b.rule[r->slot[at] - 1].name;
        if (strlen(known) == n && memcmp(known, name, n) == 0) return r->slot[at] - 1;
    }
    uint32_t rule = gr_rule_new(&r->b, name, n, r->line, 0);
    if (r->b.status != IG_OK) return 0;
    r->slot[at] = rule + 1;
    r->names++;
    return rule;
}

/* ---- characters ---- */

static ig_status read_hex(reader *r, int digits, uint32_t *cp) {
    *cp = 0;
    for (int i = 0; i < digits; i++) {
        char c = peek(r);
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (d < 0) return gr_fail(&r->b, IG_E_FORMAT, r->line, "an escape needs %d hexadecimal digits", digits);
        *cp = *cp << 4 | (uint32_t)d;
        r->p++;
    }
    if (*cp > GR_CODE_POINT_MAX || (*cp >= 0xD800 && *cp <= 0xDFFF)) return fail(r, "an escape that is no Unicode character");
    return IG_OK;
}

static ig_status read_escape(reader *r, uint32_t *cp) {
    static const char names[] = "nrt\\\"[]-^'/", values[] = "\n\r\t\\\"[]-^'/";
    char c = peek(r);
    const char *found = c ? strchr(names, c) : NULL;
    if (!found && c != 'x' && c != 'u' && c != 'U')
        return fail(r, "an unknown escape after \\: one of n r t \\ \" [ ] - ^ x u U is expected");
    r->p++;
    if (!found) return read_hex(r, c == 'x' ? 2 : c == 'u' ? 4 : 8, cp);
    *cp = (unsigned char)values[found - names];
    return IG_OK;
}

static ig_status read_char(reader *r, uint32_t *cp) {
    if (r->p == r->end || *r->p == '\n') return fail(r, "a literal or class is not closed on its line");
    if (*r->p == '\\') {
        r->p++;
        return read_escape(r, cp);
    }
    size_t n = ig_utf8_decode(r->p, (size_t)(r->end - r->p), cp);
    if (n == 0) return fail(r, "the grammar is not UTF-8");
    r->p += n;
    return IG_OK;
}

static gr_frag literal(reader *r) {
    gr_frag f = gr_nothing(&r->b);
    r->p++;
    while (peek(r) != '"') {
        uint32_t cp;
        char utf8[4];
        if (read_char(r, &cp) != IG_OK || r->b.status != IG_OK) return f;
        f = gr_seq(&r->b, f, gr_literal(&r->b, utf8, ig_utf8_encode(cp, utf8)));
    }
    r->p++;
    return f;
}

static ig_status class_item(reader *r, gr_set *s) {
    uint32_t lo, hi;
    IG_TRY(read_char(r, &lo));
    hi = lo;
    if (r->end - r->p >= 2 && r->p[0] == '-' && r->p[1] != ']') {
        r->p++;
        IG_TRY(read_char(r, &hi));
    }
    if (hi < lo) return fail(r, "a range of a class runs backwards");
    gr_set_add(&r->b, s, lo, hi);
    return r->b.status;
}

static gr_frag class(reader *r) {
    gr_set s = {0};
    gr_frag f = {0, 0};
    r->p++;
    bool negate = take(r, "^");
    while (r->b.status == IG_OK && peek(r) != ']') class_item(r, &s);
    r->p += r->b.status == IG_OK;
    gr_set_settle(&r->b, &s, negate);
    if (r->b.status == IG_OK && s.n == 0) fail(r, "a class without a character");
    if (r->b.status == IG_OK) f = gr_set_frag(&r->b, &s);
    gr_set_fini(&s);
    return f;
}

static gr_frag any_char(reader *r) {
    gr_set s = {0};
    r->p++;
    gr_set_settle(&r->b, &s, true);
    gr_frag f = gr_set_frag(&r->b, &s);
    gr_set_fini(&s);
    return f;
}

/* ---- sequences ---- */

static gr_frag alternatives(reader *r, bool nested);

static gr_frag group(reader *r) {
    gr_frag f = {0, 0};
    r->p++;
    if (++r->groups > GROUPS_MAX) {
        gr_fail(&r->b, IG_E_LIMIT, r->line, "groups are nested deeper than %d", GROUPS_MAX);
        return f;
    }
    skip_space(r, true);
    f = alternatives(r, true);
    r->groups--;
    if (!take(r, ")")) fail(r, "a group is not closed: ')' is missing");
    return f;
}

static gr_frag primary(reader *r) {
    size_t n = name_length(r);
    if (peek(r) == '"') return literal(r);
    if (peek(r) == '[') return class(r);
    if (peek(r) == '.') return any_char(r);
    if (peek(r) == '(') return group(r);
    if (n == 0) {
        fail(r, "expected a rule's name, a literal, a class, '.' or a group");
        return (gr_frag){0, 0};
    }
    uint32_t rule = rule_named(r, r->p, n);
    r->p += n;
    return gr_call(&r->b, rule);
}

static bool read_count(reader *r, uint32_t *out) {
    const char *start = r->p;
    for (*out = 0; peek(r) >= '0' && peek(r) <= '9'; r->p++)
        if (*out <= IG_GRAMMAR_REPEAT_MAX) *out = *out * 10 + (uint32_t)(*r->p - '0');
    return r->p > start;
}

/* {m} {m,} {,n} {m,n} */
static gr_frag counted(reader *r, gr_frag f) {
    uint32_t min = 0, max;
    r->p++;
    skip_space(r, false);
    bool has_min = read_count(r, &min), has_max = false;
    skip_space(r, false);
    max = min;
    if (take(r, ",")) {
        skip_space(r, false);
        has_max = read_count(r, &max);
        if (!has_max) max = GR_UNBOUNDED;
        skip_space(r, false);
    }
    if (!take(r, "}") || (!has_min && !has_max)) fail(r, "a repetition is {m}, {m,}, {,n} or {m,n}");
    else if (max < min) fail(r, "a repetition with a maximum below its minimum");
    return gr_repeat(&r->b, f, min, max);
}

static gr_frag quantified(reader *r) {
    gr_frag f = primary(r);
    skip_space(r, r->groups > 0);
    for (int n = 0; r->b.status == IG_OK; n++) {
        char c = peek(r);
        if (c == '*') f = gr_repeat(&r->b, f, 0, GR_UNBOUNDED);
        else if (c == '+') f = gr_repeat(&r->b, f, 1, GR_UNBOUNDED);
        else if (c == '?') f = gr_repeat(&r->b, f, 0, 1);
        else if (c == '{') f = counted(r, f);
        else break;
        if (c != '{') r->p++;
        skip_space(r, r->groups > 0);
    }
    return f;
}

static gr_frag sequence(reader *r) {
    gr_frag f = gr_nothing(&r->b);
    while (r->b.status == IG_OK && r->p < r->end && !strchr("|)\n", *r->p)) f = gr_seq(&r->b, f, quantified(r));
    return f;
}

static gr_frag alternatives(reader *r, bool nested) {
    gr_frag f = gr_open(&r->b);
    for (;;) {
        gr_branch(&r->b, f, sequence(r));
        if (!nested) skip_to_bar(r);
        if (r->b.status != IG_OK || !take(r, "|")) return f;
        skip_space(r, true);
    }
}

/* ---- rules ---- */

static ig_status mark_defined(reader *r, uint32_t rule) {
    if (rule >= r->defined_cap) {
        size_t cap = r->defined_cap ? 2 * r->defined_cap : 64;
        while (cap <= rule) cap *= 2;
        bool *grown = ig_realloc_array(r->defined, cap, sizeof *grown);
        if (!grown) return r->b.status = ig_error_nomem(r->b.err, cap);
        memset(grown + r->defined_cap, 0, cap - r->defined_cap);
        r->defined = grown;
        r->defined_cap = cap;
    }
    if (r->defined[rule])
        return gr_fail(&r->b, IG_E_FORMAT, r->line, "the rule \"%.200s\" is defined twice", r->b.rule[rule].name);
    r->defined[rule] = true;
    r->b.rule[rule].line = r->line;
    return IG_OK;
}

static ig_status read_rule(reader *r) {
    size_t n = name_length(r);
    if (n == 0) return fail(r, "expected the name of a rule: letters, digits, '-' and '_'");
    uint32_t rule = rule_named(r, r->p, n);
    if (r->b.status != IG_OK) return r->b.status;
    r->p += n;
    IG_TRY(mark_defined(r, rule));
    skip_space(r, false);
    if (!take(r, "::=")) return fail(r, "expected \"::=\" behind the name of a rule");
    skip_space(r, true);
    gr_rule_define(&r->b, rule, alternatives(r, false));
    if (r->b.status != IG_OK) return r->b.status;
    if (r->p < r->end && *r->p != '\n') return fail(r, "a ')' that closes nothing");
    return IG_OK;
}

static ig_status check_defined(reader *r) {
    for (size_t i = 0; i < r->b.rules; i++)
        if (r->b.rule[i].name && (i >= r->defined_cap || !r->defined[i]))
            return gr_fail(&r->b, IG_E_FORMAT, r->b.rule[i].line, "the rule \"%.200s\" is used and never defined",
                           r->b.rule[i].name);
    return IG_OK;
}

static ig_status read_all(reader *r, ig_grammar **out) {
    uint32_t root = rule_named(r, "root", 4);
    for (skip_space(r, true); r->b.status == IG_OK && r->p < r->end; skip_space(r, true)) read_rule(r);
    if (r->b.status != IG_OK) return r->b.status;
    if (root >= r->defined_cap || !r->defined[root])
        return gr_fail(&r->b, IG_E_FORMAT, 0, "there is no rule \"root\", where texts start");
    IG_TRY(check_defined(r));
    return gr_freeze(&r->b, root, IG_GRAMMAR_DEPTH_MAX, false, out);
}

ig_status ig_grammar_parse(const char *name, const char *gbnf, size_t len, ig_grammar **out, ig_error *err) {
    reader r = {.p = gbnf, .end = gbnf + len, .line = 1};
    *out = NULL;
    if (len > IG_GRAMMAR_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, name, 0, "a grammar of more than %u bytes", IG_GRAMMAR_BYTES_MAX);
    gr_builder_init(&r.b, name, err);
    ig_status s = read_all(&r, out);
    gr_builder_fini(&r.b);
    ig_free(r.slot);
    ig_free(r.defined);
    return s;
}
