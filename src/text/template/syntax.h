/* text/template/syntax.h: from source to tree: tokens, nodes, and the parser that makes the one from the other.
 *
 *     source ──lexer.c──► tokens ──parse*.c──► nodes ──expression.c, statement.c──► text
 *
 * Tokens and nodes live in the template's arena and point into its copy of the source.
 */
#ifndef TEXT_TEMPLATE_SYNTAX_H
#define TEXT_TEMPLATE_SYNTAX_H

#include "text/template/value.h"

#define TPL_NEST_MAX 150          /* blocks and brackets inside each other in the source */
#define TPL_ARENA_MAX ((size_t)256 << 20)

typedef enum tpl_token_type {
    TOK_END,
    TOK_TEXT,
    TOK_PRINT_BEGIN, /* {{ */
    TOK_PRINT_END,
    TOK_BLOCK_BEGIN, /* {% */
    TOK_BLOCK_END,
    TOK_NAME,
    TOK_CONST,    /* a number or a string: value */
    TOK_OPERATOR  /* op: its characters, the last in the lowest byte */
} tpl_token_type;

#define TPL_OP2(a, b) (((unsigned)(a) << 8) | (unsigned)(b))

typedef struct tpl_token {
    tpl_token_type type;
    int line;
    unsigned op;
    const char *text; /* of TEXT and NAME, and what errors show */
    size_t len;
    tpl_value value;
} tpl_token;

typedef struct tpl_tokens {
    tpl_token *item; /* the last one is TOK_END */
    size_t count, cap;
} tpl_tokens;

typedef enum tpl_node_kind {
    /* expressions */
    TPL_CONST,     /* value */
    TPL_NAME,      /* text */
    TPL_LIST_OF,   /* list; op: TPL_LIST or TPL_TUPLE */
    TPL_DICT_OF,   /* list of nodes with a = key, b = value */
    TPL_UNARY,     /* op a */
    TPL_BINARY,    /* a op b */
    TPL_AND,
    TPL_OR,
    TPL_NOT,
    TPL_COMPARE,   /* a, then list of nodes with op and a */
    TPL_COND,      /* a if b else c (c may be NULL) */
    TPL_ATTRIBUTE, /* a.text */
    TPL_ITEM,      /* a[b] */
    TPL_SLICE,     /* a[b:c:d], each may be NULL */
    TPL_CALL,      /* a(list); an argument with text is a keyword */
    TPL_FILTER,    /* a | fn(list) */
    TPL_TEST,      /* a is fn(list) */
    TPL_CAPTURE,   /* list: statements whose output is the value */
    /* statements */
    TPL_OUTPUT,    /* text as it is */
    TPL_PRINT,     /* {{ a }} */
    TPL_IF,        /* list of nodes with a = condition (NULL: else) and list = body */
    TPL_FOR,       /* for a in b if c: list, else: d */
    TPL_SET,       /* a = b; a is a name, a tuple or an attribute */
    TPL_WITH,      /* a: list of TPL_SET, list: body */
    TPL_MACRO,     /* text(list of names with b = default): c */
    TPL_CALL_BLOCK, /* a: the call, b: a macro for caller() */
    TPL_BREAK_LOOP,
    TPL_CONTINUE_LOOP,
    /* parts */
    TPL_PART
} tpl_node_kind;

typedef struct tpl_node tpl_node;
struct tpl_node {
    tpl_node_kind kind;
    int line;
    unsigned op;
    const char *text; /* NUL-terminated */
    size_t len;
    tpl_value value;
    tpl_node *a, *b, *c, *d, *list, *next;
    size_t count; /* of list */
    const tpl_builtin *fn;
};

/* Operators of TPL_COMPARE that are words. */
#define TPL_OP_IN 'i'
#define TPL_OP_NOT_IN 'n'

struct ig_template {
    char *name;
    char *source;
    size_t len;
    tpl_arena arena;
    tpl_node *body;
};

typedef struct tpl_parser {
    ig_template *t;
    const tpl_token *at;
    int nest;  /* brackets and blocks around this place */
    int loops; /* loops around this place, in the same macro */
    ig_error *err;
} tpl_parser;

ig_status ig_tpl_lex(ig_template *t, tpl_tokens *out, ig_error *err); /* free out->item, also after a failure */
ig_status ig_tpl_parse_error(const tpl_parser *p, ig_status code, int line, const char *fmt, ...) IG_PRINTF(4, 5);
ig_status ig_tpl_parse_statements(tpl_parser *p, tpl_node **out);

/* parse_primary.c */
bool ig_tpl_is_op(const tpl_parser *p, unsigned op);
bool ig_tpl_is_name(const tpl_parser *p, const char *word);
bool ig_tpl_is_word_token(const tpl_token *t, const char *word);
bool ig_tpl_is_keyword(const tpl_token *t);
bool ig_tpl_accept_op(tpl_parser *p, unsigned op);
bool ig_tpl_accept_name(tpl_parser *p, const char *word);
ig_status ig_tpl_expect_op(tpl_parser *p, unsigned op, const char *what);
ig_status ig_tpl_enter(tpl_parser *p); /* one level deeper: p->nest-- on the way out */
ig_status ig_tpl_node(tpl_parser *p, tpl_node_kind kind, int line, tpl_node **out);
ig_status ig_tpl_node_of(tpl_parser *p, tpl_node_kind kind, tpl_node *a, tpl_node **out); /* on the line at hand */
void ig_tpl_append(tpl_node *owner, tpl_node ***tail, tpl_node *item);
ig_status ig_tpl_parse_name(tpl_parser *p, const char *what, tpl_node **out); /* a TPL_NAME */
ig_status ig_tpl_parse_primary(tpl_parser *p, tpl_node **out);
ig_status ig_tpl_parse_attribute(tpl_parser *p, tpl_node *owner, tpl_node **out); /* after the point */
ig_status ig_tpl_parse_postfix(tpl_parser *p, tpl_node **at);                     /* wraps *at, as often as there is something */
ig_status ig_tpl_parse_applied(tpl_parser *p, tpl_node **at);
ig_status ig_tpl_parse_filters(tpl_parser *p, tpl_node *input, bool pipe, tpl_node **out); /* [|] name(args) | … */

/* parse_expression.c */
ig_status ig_tpl_parse_expression(tpl_parser *p, bool with_condition, tpl_node **out);
ig_status ig_tpl_parse_tuple(tpl_parser *p, bool with_condition, tpl_node **out); /* a, b  without brackets */
ig_status ig_tpl_parse_targets(tpl_parser *p, tpl_node **out);                    /* what may stand left of = and in */

/* builtins.c: the names that the language brings. */
const tpl_builtin *ig_tpl_find_filter(const char *name, size_t n);
const tpl_builtin *ig_tpl_find_test(const char *name, size_t n);
const tpl_builtin *ig_tpl_find_global(const char *name, size_t n);
const char *ig_tpl_nearest_filter(const char *name);

#endif
