/* text/template/lexer.c: source to tokens.
 *
 *     text {{ print }} text {% block %} text {# comment #}
 *
 * White space at the borders (Jinja with trim_blocks and lstrip_blocks):
 *
 *     {%  {#      spaces before it go when nothing else stands before it on its line;   {%+ keeps them
 *     %}  #}      a newline right after it goes;                                        +%} keeps it
 *     {%- -%} …   all white space on that side goes, also of {{- -}}
 *
 * Inside brackets }} and %} are operators, so that {{ {'a': {}} }} works.  {% raw %} … {% endraw %} is text.
 */
#include <string.h>

#include "base/number.h"
#include "text/template/syntax.h"

typedef struct lexer {
    ig_template *t;
    const char *p, *end;
    int line;
    const char *counted; /* newlines before here are in `line` */
    tpl_tokens *out;
    ig_error *err;
} lexer;

static int line_at(lexer *l, const char *p) {
    for (; l->counted < p; l->counted++) l->line += *l->counted == '\n';
    return l->line;
}

static ig_status add(lexer *l, tpl_token token) {
    tpl_tokens *o = l->out;
    if (o->count == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 64;
        tpl_token *grown = ig_realloc_array(o->item, cap, sizeof *grown);
        if (!grown) return ig_error_nomem(l->err, cap * sizeof *grown);
        o->item = grown;
        o->cap = cap;
    }
    o->item[o->count++] = token;
    return IG_OK;
}

static ig_status add_span(lexer *l, tpl_token_type type, const char *from, const char *to) {
    return add(l, (tpl_token){.type = type, .line = line_at(l, from), .text = from, .len = (size_t)(to - from)});
}

static ig_status add_text(lexer *l, const char *from, const char *to) {
    return to > from ? add_span(l, TOK_TEXT, from, to) : IG_OK;
}

static ig_status bad(lexer *l, const char *at, const char *message) {
    return ig_error_at(l->err, IG_E_FORMAT, l->t->name, line_at(l, at), "%s", message);
}

static bool starts(const lexer *l, const char *p, const char *word) {
    size_t n = strlen(word);
    return (size_t)(l->end - p) >= n && memcmp(p, word, n) == 0;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* ---- borders ---- */

static const char *skip_blank(const lexer *l, const char *p) {
    tpl_value rest = ig_tpl_strip(ig_tpl_text(p, (size_t)(l->end - p)), NULL, TPL_LEFT);
    return rest.text;
}

/* Where the text before a tag ends: `from` is where it began, `tag` points at the brace, lstrip for blocks and comments. */
static const char *text_end(const lexer *l, const char *from, const char *tag, bool lstrip) {
    char sign = tag + 2 < l->end ? tag[2] : '\0';
    if (sign == '-') return from + ig_tpl_strip(ig_tpl_text(from, (size_t)(tag - from)), NULL, TPL_RIGHT).len;
    if (sign == '+' || !lstrip) return tag;
    const char *p = tag;
    while (p > from && is_blank(p[-1]) && p[-1] != '\n') p--;
    bool line_start = p == l->t->source || p[-1] == '\n';
    return line_start ? p : tag;
}

/* What goes after the end of a tag; `close` points at its last two characters. */
static const char *after_tag(const lexer *l, const char *close, bool trim) {
    const char *p = close + 2;
    if (close[-1] == '-') return skip_blank(l, p);
    return trim && close[-1] != '+' && p < l->end && *p == '\n' ? p + 1 : p;
}

/* ---- strings and numbers ---- */

static int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static unsigned hex_value(const char *p, const char *end, int digits, bool *ok) {
    unsigned v = 0;
    for (int i = 0; i < digits; i++, p++) {
        int d = p < end ? hex_digit(*p) : -1;
        *ok = *ok && d >= 0;
        v = v << 4 | (unsigned)(d & 15);
    }
    return v;
}

/* One escape of a string literal, p after the backslash; returns the place after it, NULL when it is wrong. */
static const char *unescape(const char *p, const char *end, char **to) {
    static const char letter[] = "ntr\\'\"abfv", meaning[] = "\n\t\r\\'\"\a\b\f\v";
    const char *simple = strchr(letter, *p);
    int digits = *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
    if (*p && simple) {
        *(*to)++ = meaning[simple - letter];
        return p + 1;
    }
    if (*p == '\n') return p + 1;
    unsigned cp = 0;
    bool ok = true;
    if (digits) {
        cp = hex_value(p + 1, end, digits, &ok);
        p += 1 + digits;
    } else if (*p >= '0' && *p <= '7') {
        for (int i = 0; i < 3 && p < end && *p >= '0' && *p <= '7'; i++) cp = cp * 8 + (unsigned)(*p++ - '0');
    } else { /* unknown: the backslash stays */
        *(*to)++ = '\\';
        return p;
    }
    if (!ok || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) return NULL;
    *to += ig_utf8_encode(cp, *to);
    return p;
}

static ig_status lex_string(lexer *l) {
    const char *start = l->p, *p = start + 1;
    char quote = *start;
    while (p < l->end && *p != quote) p += *p == '\\' && p + 1 < l->end ? 2 : 1;
    if (p >= l->end) return bad(l, start, "this string is never closed");
    char *text, *to;
    IG_TRY(ig_tpl_arena_alloc(&l->t->arena, (size_t)(p - start), 1, &text, l->err)); /* an escape is longer than its text */
    to = text;
    for (const char *from = start + 1; from < p;) {
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        from = unescape(from + 1, p, &to);
        if (!from) return bad(l, start, "an escape in this string is no Unicode character");
    }
    tpl_token token = {.type = TOK_CONST, .line = line_at(l, start), .text = start, .len = (size_t)(p + 1 - start)};
    token.value = ig_tpl_text(text, (size_t)(to - text));
    l->p = p + 1;
    return add(l, token);
}

static const char *digits_end(const lexer *l, const char *p) {
    while (p < l->end && (is_digit(*p) || (*p == '_' && p + 1 < l->end && is_digit(p[1])))) p++;
    return p;
}

/* 12, 1_000, 1.5, 1e3, 1.5e-3.  Integers of other bases are not used by templates. */
static ig_status lex_number(lexer *l) {
    const char *start = l->p, *p = digits_end(l, start);
    bool real = false;
    if (p + 1 < l->end && *p == '.' && is_digit(p[1])) {
        real = true;
        p = digits_end(l, p + 1);
    }
    if (p + 1 < l->end && (*p == 'e' || *p == 'E')) {
        const char *digits = p + 1 + (p[1] == '+' || p[1] == '-');
        if (digits < l->end && is_digit(*digits)) {
            real = true;
            p = digits_end(l, digits);
        }
    }
    char text[64];
    size_t n = 0;
    for (const char *c = start; c < p && n < sizeof text - 1; c++) {
        if (*c != '_') text[n++] = *c;
    }
    text[n] = '\0';
    tpl_token token = {.type = TOK_CONST, .line = line_at(l, start), .text = start, .len = (size_t)(p - start)};
    token.value = real ? ig_tpl_real(0) : ig_tpl_int(0);
    bool ok = token.len < sizeof text && !(p < l->end && is_word(*p));
    if (ok) ok = real ? ig_number_parse(text, &token.value.real) : ig_number_parse_int(text, &token.value.integer);
    if (!ok) return bad(l, start, "this number is malformed or too large");
    l->p = p;
    return add(l, token);
}

/* ---- inside a tag ---- */

static ig_status lex_operator(lexer *l, int *brackets) {
    static const char two[][3] = {"==", "!=", "<=", ">=", "//", "**"};
    const char *start = l->p;
    size_t n = 1;
    for (size_t i = 0; i < sizeof two / sizeof *two; i++) {
        if (starts(l, start, two[i])) n = 2;
    }
    if (n == 1 && !strchr("+-*/%~()[]{}<>=.,:|", *start)) {
        char message[80];
        bool visible = *start > ' ' && *start < 0x7f;
        snprintf(message, sizeof message, visible ? "'%c' means nothing here" : "byte 0x%02x means nothing here",
                 (uint8_t)*start);
        return bad(l, start, message);
    }
    *brackets += strchr("([{", *start) ? 1 : strchr(")]}", *start) ? -1 : 0;
    if (*brackets < 0) return bad(l, start, "this bracket closes nothing");
    tpl_token token = {.type = TOK_OPERATOR, .line = line_at(l, start), .text = start, .len = n};
    token.op = n == 2 ? TPL_OP2(start[0], start[1]) : (unsigned)(uint8_t)*start;
    l->p += n;
    return add(l, token);
}

/* The closing mark at p, with the sign before it, if this is one. */
static const char *close_at(const lexer *l, const char *p, const char *mark) {
    bool sign = p < l->end && (*p == '-' || (*p == '+' && mark[0] == '%'));
    const char *close = p + sign;
    return starts(l, close, mark) ? close : NULL;
}

static ig_status lex_tag(lexer *l, bool block) {
    const char *start = l->p, *close, *mark = block ? "%}" : "}}";
    int brackets = 0;
    IG_TRY(add_span(l, block ? TOK_BLOCK_BEGIN : TOK_PRINT_BEGIN, start, start + 2));
    l->p += 2;
    if (l->p < l->end && (*l->p == '-' || *l->p == '+')) l->p++;
    for (;;) {
        while (l->p < l->end && is_blank(*l->p)) l->p++;
        if (l->p == l->end) return bad(l, start, block ? "this {% is never closed with %}" : "this {{ is never closed with }}");
        if (brackets == 0 && (close = close_at(l, l->p, mark))) break;
        if (*l->p == '"' || *l->p == '\'') {
            IG_TRY(lex_string(l));
        } else if (is_digit(*l->p)) {
            IG_TRY(lex_number(l));
        } else if (is_word(*l->p)) {
            const char *name = l->p;
            while (l->p < l->end && is_word(*l->p)) l->p++;
            IG_TRY(add_span(l, TOK_NAME, name, l->p));
        } else {
            IG_TRY(lex_operator(l, &brackets));
        }
    }
    IG_TRY(add_span(l, block ? TOK_BLOCK_END : TOK_PRINT_END, l->p, close + 2));
    l->p = after_tag(l, close, block);
    return IG_OK;
}

static ig_status lex_comment(lexer *l) {
    const char *start = l->p, *p = start + 2;
    while (p < l->end && !starts(l, p, "#}")) p++;
    if (p >= l->end) return bad(l, start, "this {# is never closed with #}");
    l->p = after_tag(l, p, true);
    return IG_OK;
}

/* ---- raw ---- */

/* A tag that holds one word, as {%- endraw -%}: the place of its closing mark, NULL when this is none. */
static const char *word_tag(const lexer *l, const char *tag, const char *word) {
    const char *p = tag + 2;
    if (!starts(l, tag, "{%")) return NULL;
    if (p < l->end && (*p == '-' || *p == '+')) p++;
    while (p < l->end && is_blank(*p)) p++;
    if (!starts(l, p, word)) return NULL;
    p += strlen(word);
    while (p < l->end && is_blank(*p)) p++;
    return close_at(l, p, "%}");
}

static ig_status lex_raw(lexer *l, const char *close) {
    const char *start = l->p, *from = after_tag(l, close, false), *end = NULL, *p = from; /* no newline goes after {% raw %} */
    for (; p < l->end && !end; p++) end = word_tag(l, p, "endraw");
    if (!end) return bad(l, start, "this {% raw %} is never closed with {% endraw %}");
    const char *tag = p - 1;
    IG_TRY(add_text(l, from, text_end(l, from, tag, true)));
    l->p = after_tag(l, end, true);
    return IG_OK;
}

/* ---- the whole ---- */

static const char *next_tag(const lexer *l) {
    const char *p = l->p;
    while ((p = memchr(p, '{', (size_t)(l->end - p)))) {
        if (p + 1 < l->end && (p[1] == '{' || p[1] == '%' || p[1] == '#')) return p;
        p++;
    }
    return l->end;
}

ig_status ig_tpl_lex(ig_template *t, tpl_tokens *out, ig_error *err) {
    lexer l = {.t = t, .p = t->source, .end = t->source + t->len, .line = 1, .counted = t->source, .out = out, .err = err};
    while (l.p < l.end) {
        const char *from = l.p, *tag = next_tag(&l), *raw;
        bool block = tag < l.end && tag[1] == '%';
        IG_TRY(add_text(&l, from, tag == l.end ? tag : text_end(&l, from, tag, tag[1] != '{')));
        l.p = tag;
        if (tag == l.end) break;
        if (block && (raw = word_tag(&l, tag, "raw")))
            IG_TRY(lex_raw(&l, raw));
        else if (tag[1] == '#')
            IG_TRY(lex_comment(&l));
        else
            IG_TRY(lex_tag(&l, block));
    }
    return add_span(&l, TOK_END, l.end, l.end);
}
