/* infer/grammar/pattern.c: regular expressions of JSON schemas (ECMA 262, the regular part) as characters of a JSON text.
 *
 *     pattern      alternative ("|" alternative)*           at the top each may begin with ^ and end with $
 *     alternative  (atom quantifier?)*
 *     atom         character | . | [class] | \escape | (…) | (?:…) | (?<name>…)
 *
 * A pattern is searched for, so an end without its anchor is padded with any characters.  Lookaround, references back and word
 * boundaries are refused by name.  A character that JSON escapes is written in its shortest way only.
 */
#include <string.h>

#include "infer/grammar/json_form.h"

#define GROUPS_MAX 64

typedef struct reader {
    gr_json *j;
    const gr_job *at;
    const ig_tree *where;
    const char *p, *end;
    int groups;
} reader;

static ig_status bad(reader *r, ig_status code, const char *what) {
    return gr_fail(&r->j->b, code, r->where->line, "%s: the pattern \"%.100s\": %s", r->at->path, r->where->text, what);
}

static ig_status wrong(reader *r, const char *what) { return bad(r, IG_E_FORMAT, what); }
static ig_status unsupported(reader *r, const char *what) { return bad(r, IG_E_UNSUPPORTED, what); }

static bool fine(const reader *r) { return r->j->b.status == IG_OK; }

static char peek(const reader *r) { return r->p < r->end ? *r->p : '\0'; }

static bool take(reader *r, const char *text) {
    size_t n = strlen(text);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, text, n)) return false;
    r->p += n;
    return true;
}

/* ---- characters ---- */

static const gr_range digit[] = {{'0', '9'}};
static const gr_range word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const gr_range space[] = {{9, 13}, {32, 32}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
                                 {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
static const gr_range line_end[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

static void add_ranges(reader *r, gr_set *s, const gr_range *range, size_t n, bool negate) {
    gr_builder *b = &r->j->b;
    gr_set part = {0};
    for (size_t i = 0; i < n; i++) gr_set_add(b, &part, range[i].lo, range[i].hi);
    gr_set_settle(b, &part, negate);
    for (size_t i = 0; i < part.n; i++) gr_set_add(b, s, part.r[i].lo, part.r[i].hi);
    gr_set_fini(&part);
}

static ig_status read_hex(reader *r, int least, int most, uint32_t *cp) {
    int n = 0;
    for (*cp = 0; n < most; n++, r->p++) {
        char c = peek(r);
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (d < 0) break;
        *cp = *cp << 4 | (uint32_t)d;
    }
    if (n < least) return wrong(r, "an escape lacks hexadecimal digits");
    if (*cp > GR_CODE_POINT_MAX || (*cp >= 0xD800 && *cp <= 0xDFFF)) return wrong(r, "an escape that is no Unicode character");
    return IG_OK;
}

static ig_status read_unicode(reader *r, uint32_t *cp) {
    if (!take(r, "{")) return read_hex(r, 4, 4, cp);
    IG_TRY(read_hex(r, 1, 6, cp));
    return take(r, "}") ? IG_OK : wrong(r, "\\u{ is not closed");
}

/* \d \w \s and their opposites: true when it was one. */
static bool class_escape(reader *r, gr_set *s) {
    switch (peek(r)) {
    case 'd': case 'D': add_ranges(r, s, digit, 1, *r->p == 'D'); break;
    case 'w': case 'W': add_ranges(r, s, word, 4, *r->p == 'W'); break;
    case 's': case 'S': add_ranges(r, s, space, sizeof space / sizeof *space, *r->p == 'S'); break;
    default: return false;
    }
    r->p++;
    return true;
}

/* Behind the backslash. */
static ig_status char_escape(reader *r, bool in_class, uint32_t *cp) {
    static const char names[] = "tnvfr", values[] = "\t\n\v\f\r";
    char c = peek(r);
    const char *found = c ? strchr(names, c) : NULL;
    if (r->p == r->end) return wrong(r, "it ends with a backslash");
    r->p++;
    if (c == 'x') return read_hex(r, 2, 2, cp);
    if (c == 'u') return read_unicode(r, cp);
    if (c == '0' && !(peek(r) >= '0' && peek(r) <= '9')) *cp = 0;
    else if (found) *cp = (unsigned char)values[found - names];
    else if (c == 'b' && in_class) *cp = '\b';
    else if (strchr("^$\\.*+?()[]{}|/-\"'#%&,:;<=>@!~` _", c)) *cp = (unsigned char)c;
    else if (c >= '0' && c <= '9') return unsupported(r, "references back (\\1) are not supported");
    else if (c == 'b' || c == 'B') return unsupported(r, "word boundaries (\\b) are not supported");
    else if (c == 'p' || c == 'P') return unsupported(r, "classes of Unicode (\\p) are not supported");
    else return unsupported(r, "an escape that is not known");
    return IG_OK;
}

static ig_status read_char(reader *r, bool in_class, uint32_t *cp) {
    if (take(r, "\\")) return char_escape(r, in_class, cp);
    size_t n = ig_utf8_decode(r->p, (size_t)(r->end - r->p), cp);
    if (n == 0) return wrong(r, "a class is not closed: ']' is missing");
    r->p += n;
    return IG_OK;
}

static bool is_class_escape(const reader *r) {
    return r->end - r->p >= 2 && r->p[0] == '\\' && strchr("dDwWsS", r->p[1]);
}

static ig_status class_item(reader *r, gr_set *s) {
    uint32_t lo, hi;
    if (is_class_escape(r)) {
        r->p++;
        class_escape(r, s);
        return r->j->b.status;
    }
    IG_TRY(read_char(r, true, &lo));
    hi = lo;
    if (r->end - r->p >= 2 && r->p[0] == '-' && r->p[1] != ']') {
        r->p++;
        if (is_class_escape(r)) return wrong(r, "a range that ends in a class");
        IG_TRY(read_char(r, true, &hi));
    }
    if (hi < lo) return wrong(r, "a range of a class runs backwards");
    gr_set_add(&r->j->b, s, lo, hi);
    return r->j->b.status;
}

static gr_frag settled(reader *r, gr_set *s, bool negate) {
    gr_frag f = {0, 0};
    gr_set_settle(&r->j->b, s, negate);
    if (fine(r)) f = gr_json_set(r->j, s);
    gr_set_fini(s);
    return f;
}

static gr_frag class(reader *r) {
    gr_set s = {0};
    bool negate = take(r, "^");
    while (fine(r) && peek(r) != ']') class_item(r, &s);
    r->p += fine(r);
    return settled(r, &s, negate);
}

static gr_frag single(reader *r) {
    gr_set s = {0};
    uint32_t cp = 0;
    if (take(r, ".")) {
        add_ranges(r, &s, line_end, 3, true);
    } else if (is_class_escape(r)) {
        r->p++;
        class_escape(r, &s);
    } else if (read_char(r, false, &cp) == IG_OK) {
        gr_set_add(&r->j->b, &s, cp, cp);
    }
    return settled(r, &s, false);
}

/* ---- groups and quantifiers ---- */

static gr_frag alternatives(reader *r);

static gr_frag group(reader *r) {
    gr_frag f = {0, 0};
    if (take(r, "?=") || take(r, "?!") || take(r, "?<=") || take(r, "?<!")) unsupported(r, "lookaround is not supported");
    else if (take(r, "?<")) {
        while (r->p < r->end && *r->p != '>') r->p++;
        if (!take(r, ">")) wrong(r, "the name of a group is not closed");
    } else if (take(r, "?") && !take(r, ":")) {
        unsupported(r, "an unknown kind of group");
    }
    if (++r->groups > GROUPS_MAX) bad(r, IG_E_LIMIT, "groups are nested too deep");
    if (!fine(r)) return f;
    f = alternatives(r);
    r->groups--;
    if (!take(r, ")")) wrong(r, "a group is not closed: ')' is missing");
    return f;
}

static gr_frag atom(reader *r) {
    char c = peek(r);
    gr_frag f = {0, 0};
    if (take(r, "(")) return group(r);
    if (take(r, "[")) return class(r);
    if (c == '^' || c == '$') unsupported(r, "^ and $ are supported at the two ends of the pattern only");
    else if (c == '*' || c == '+' || c == '?' || c == '{') wrong(r, "a quantifier with nothing before it");
    else return single(r);
    return f;
}

static bool read_count(reader *r, uint32_t *out) {
    const char *start = r->p;
    for (*out = 0; peek(r) >= '0' && peek(r) <= '9'; r->p++)
        if (*out <= IG_GRAMMAR_REPEAT_MAX) *out = *out * 10 + (uint32_t)(*r->p - '0');
    return r->p > start;
}

static gr_frag quantified(reader *r) {
    gr_frag f = atom(r);
    uint32_t min = 1, max = 1;
    bool any = true;
    if (take(r, "*")) min = 0, max = GR_UNBOUNDED;
    else if (take(r, "+")) max = GR_UNBOUNDED;
    else if (take(r, "?")) min = 0;
    else if (take(r, "{")) {
        bool counted = read_count(r, &min);
        max = min;
        if (take(r, ",") && !read_count(r, &max)) max = GR_UNBOUNDED;
        if (!counted || !take(r, "}") || max < min) wrong(r, "a repetition is {m}, {m,} or {m,n}");
    } else any = false;
    if (any) take(r, "?"); /* to prefer few or many changes nothing in what is matched */
    return fine(r) ? gr_repeat(&r->j->b, f, min, max) : f;
}

static gr_frag sequence(reader *r) {
    gr_builder *b = &r->j->b;
    gr_frag f = gr_nothing(b);
    while (fine(r) && r->p < r->end && *r->p != '|' && *r->p != ')' && !(*r->p == '$' && r->groups == 0))
        f = gr_seq(b, f, quantified(r));
    return f;
}

static gr_frag alternatives(reader *r) {
    gr_frag f = gr_open(&r->j->b);
    do gr_branch(&r->j->b, f, sequence(r));
    while (fine(r) && take(r, "|"));
    return f;
}

static gr_frag padding(reader *r) {
    return gr_repeat(&r->j->b, gr_call(&r->j->b, r->j->character), 0, GR_UNBOUNDED);
}

static gr_frag anchored(reader *r) {
    gr_builder *b = &r->j->b;
    gr_frag f = take(r, "^") ? gr_nothing(b) : padding(r);
    f = gr_seq(b, f, sequence(r));
    if (!take(r, "$")) return gr_seq(b, f, padding(r));
    if (r->p < r->end && *r->p != '|') unsupported(r, "^ and $ are supported at the two ends of the pattern only");
    return f;
}

gr_frag gr_pattern(gr_json *j, const gr_job *at, const ig_tree *where, const char *pattern, size_t len) {
    reader r = {.j = j, .at = at, .where = where, .p = pattern, .end = pattern + len};
    gr_frag f = gr_open(&j->b);
    do gr_branch(&j->b, f, anchored(&r));
    while (fine(&r) && take(&r, "|"));
    if (fine(&r) && r.p < r.end) wrong(&r, "a ')' that closes nothing");
    return f;
}
