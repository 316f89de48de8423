/* text/template/value.h: values of a running template, and the run they live in.
 *
 *     value    type, and a scalar or a pointer into the arena; copied freely
 *     text     bytes of UTF-8 with a length: in the arena, the template or the caller's tree, never changed
 *     list     items that may grow; a tuple is a list that prints with parentheses
 *     dict     entries in the order they came in; a namespace is a dict that {% set ns.x = … %} may change
 *
 * All memory of a run is one arena with a limit, given back at its end.  Text that is being put together stands at the end
 * of run.text, used as a stack: output of the template lies at the bottom, and whoever builds a text remembers where it
 * began (mark) and takes it off again (ig_tpl_take).  After an error nothing has to be undone.
 */
#ifndef TEXT_TEMPLATE_VALUE_H
#define TEXT_TEMPLATE_VALUE_H

#include <locale.h>

#include "ingot/template.h"

#define TPL_PARAMS_MAX 5
#define TPL_VALUE_DEPTH_MAX 100 /* lists in lists, when printed or compared */

typedef enum tpl_type {
    TPL_UNDEFINED, /* text: the name that was looked for */
    TPL_NONE,
    TPL_BOOL,
    TPL_INT,
    TPL_REAL,
    TPL_TEXT,
    TPL_LIST,
    TPL_TUPLE,
    TPL_DICT,
    TPL_NAMESPACE,
    TPL_LOOP,
    TPL_CALLABLE
} tpl_type;

typedef struct tpl_list tpl_list;
typedef struct tpl_dict tpl_dict;
typedef struct tpl_loop tpl_loop;
typedef struct tpl_callable tpl_callable;

typedef struct tpl_value {
    tpl_type type;
    union {
        bool boolean;
        int64_t integer;
        double real;
        const char *text;
        tpl_list *list;
        tpl_dict *dict;
        tpl_loop *loop;
        const tpl_callable *callable;
    };
    size_t len; /* of text */
} tpl_value;

struct tpl_list {
    tpl_value *item;
    size_t count, cap;
};

typedef struct tpl_entry {
    tpl_value key, value;
} tpl_entry;

struct tpl_dict {
    tpl_entry *entry;
    size_t count, cap;
};

/* The variable `loop` inside a for. */
struct tpl_loop {
    const tpl_value *item;
    size_t count, index;
};

/* ---- memory ---- */

typedef struct tpl_block tpl_block;
typedef struct tpl_arena {
    tpl_block *blocks; /* the newest first */
    size_t bytes, bytes_max;
} tpl_arena;

/* Aligned for any of our types, filled with zeros. */
ig_status ig_tpl_arena_alloc(tpl_arena *a, size_t n, size_t size, void *out, ig_error *err);
void ig_tpl_arena_fini(tpl_arena *a);

/* ---- the run ---- */

typedef struct tpl_var {
    const char *name;
    size_t len;
    tpl_value value;
    struct tpl_var *next;
} tpl_var;

typedef struct tpl_scope {
    tpl_var *vars;
    struct tpl_scope *parent;
} tpl_scope;

typedef enum tpl_flow { TPL_GO_ON, TPL_BREAK, TPL_CONTINUE } tpl_flow;

typedef struct tpl_run {
    const char *name; /* of the template */
    int line;         /* of the node at work */
    ig_error *err;
    tpl_arena arena;
    ig_buf text;
    tpl_scope *scope;
    tpl_flow flow;
    int depth, captures; /* captures: how many texts are being put together above the output */
    uint64_t steps;
    ig_template_limits limits;
    locale_t ctype; /* for case; made when first needed */
} tpl_run;

ig_status ig_tpl_fail(tpl_run *r, ig_status code, const char *fmt, ...) IG_PRINTF(3, 4);
ig_status ig_tpl_work(tpl_run *r, size_t n); /* count n steps */
ig_status ig_tpl_alloc(tpl_run *r, size_t n, size_t size, void *out);
ig_status ig_tpl_take(tpl_run *r, size_t mark, tpl_value *out);
ig_status ig_tpl_check_text(tpl_run *r); /* after appending to run.text */

/* ---- calls ---- */

typedef struct tpl_args {
    const tpl_value *value;
    const char *const *name; /* NULL for a positional one; those come first */
    size_t count;
} tpl_args;

typedef struct tpl_builtin tpl_builtin;

/* Arguments by parameter (arg, NULL where not given), or as they were written (raw) when the builtin names no parameters.
 * self: what a filter or test is applied to, or the owner of a method. */
typedef struct tpl_call {
    tpl_value self;
    const tpl_builtin *fn;
    const tpl_value *arg[TPL_PARAMS_MAX];
    tpl_args raw;
} tpl_call;

typedef ig_status tpl_fn(tpl_run *r, const tpl_call *c, tpl_value *out);

struct tpl_builtin {
    const char *name;
    tpl_fn *fn;
    const char *params; /* "old new count"; "" = none; NULL = raw */
    int required;       /* how many of them must be there */
};

/* ---- values ---- */

static inline tpl_value ig_tpl_none(void) { return (tpl_value){.type = TPL_NONE}; }
static inline tpl_value ig_tpl_bool(bool v) { return (tpl_value){.type = TPL_BOOL, .boolean = v}; }
static inline tpl_value ig_tpl_int(int64_t v) { return (tpl_value){.type = TPL_INT, .integer = v}; }
static inline tpl_value ig_tpl_real(double v) { return (tpl_value){.type = TPL_REAL, .real = v}; }
static inline tpl_value ig_tpl_text(const char *s, size_t n) { return (tpl_value){.type = TPL_TEXT, .text = s, .len = n}; }
static inline tpl_value ig_tpl_undefined(const char *s, size_t n) {
    return (tpl_value){.type = TPL_UNDEFINED, .text = s, .len = n};
}
static inline bool ig_tpl_is_list(tpl_value v) { return v.type == TPL_LIST || v.type == TPL_TUPLE; }
static inline bool ig_tpl_is_dict(tpl_value v) { return v.type == TPL_DICT || v.type == TPL_NAMESPACE; }
static inline bool ig_tpl_is_int(tpl_value v) { return v.type == TPL_INT || v.type == TPL_BOOL; } /* as in Python */
static inline bool ig_tpl_is_number(tpl_value v) { return ig_tpl_is_int(v) || v.type == TPL_REAL; }
static inline int64_t ig_tpl_as_int(tpl_value v) { return v.type == TPL_BOOL ? v.boolean : v.integer; }
static inline double ig_tpl_as_real(tpl_value v) { return v.type == TPL_REAL ? v.real : (double)ig_tpl_as_int(v); }

const char *ig_tpl_type_name(tpl_value v);
bool ig_tpl_truth(tpl_value v);
bool ig_tpl_is_word(tpl_value v, const char *word); /* the text `word` */
ig_status ig_tpl_equal(tpl_run *r, tpl_value a, tpl_value b, bool *out);
ig_status ig_tpl_compare(tpl_run *r, tpl_value a, tpl_value b, int *order); /* <0, 0, >0; an error for what has no order */
ig_status ig_tpl_contains(tpl_run *r, tpl_value whole, tpl_value part, bool *out);

ig_status ig_tpl_list_new(tpl_run *r, tpl_type type, size_t cap, tpl_value *out);
ig_status ig_tpl_list_add(tpl_run *r, tpl_value list, tpl_value item);
ig_status ig_tpl_pair(tpl_run *r, tpl_value a, tpl_value b, tpl_value *out); /* a tuple */
ig_status ig_tpl_dict_new(tpl_run *r, tpl_type type, tpl_value *out);
ig_status ig_tpl_dict_find(tpl_run *r, tpl_value dict, tpl_value key, const tpl_value **out); /* NULL when absent */
ig_status ig_tpl_dict_put(tpl_run *r, tpl_value dict, tpl_value key, tpl_value value);
/* The items to loop over: of a list itself, keys of a dict, characters of a text, nothing of an undefined value. */
ig_status ig_tpl_iterate(tpl_run *r, tpl_value v, tpl_value *list);
ig_status ig_tpl_count(tpl_run *r, tpl_value v, size_t *out);
ig_status ig_tpl_from_tree(tpl_run *r, const ig_tree *t, tpl_value *out);

/* ---- values as text (print.c) ---- */

typedef struct tpl_json_opts {
    bool ensure_ascii, sort_keys;
    int indent; /* -1: on one line */
    tpl_value item_separator, key_separator;
} tpl_json_opts;

ig_status ig_tpl_print(tpl_run *r, tpl_value v);               /* to the end of run.text, as {{ v }} does */
ig_status ig_tpl_to_text(tpl_run *r, tpl_value v, tpl_value *out);
ig_status ig_tpl_print_json(tpl_run *r, tpl_value v, const tpl_json_opts *opts);

/* ---- text (text.c) ---- */

size_t ig_tpl_chars(const char *s, size_t n);                    /* code points */
size_t ig_tpl_char_at(const char *s, size_t n, size_t index);    /* byte where code point `index` begins; n past the end */
bool ig_tpl_is_space(uint32_t cp);                               /* as Python's str.isspace */
typedef enum tpl_side { TPL_LEFT = 1, TPL_RIGHT = 2 } tpl_side;
/* Cut white space, or the code points of *set, from the sides. */
tpl_value ig_tpl_strip(tpl_value v, const tpl_value *set, unsigned sides);
size_t ig_tpl_find(tpl_value v, tpl_value part, size_t from); /* byte offset, or SIZE_MAX */
typedef enum tpl_case { TPL_UPPER, TPL_LOWER, TPL_CAPITALIZE, TPL_TITLE_METHOD, TPL_TITLE_FILTER } tpl_case;
ig_status ig_tpl_change_case(tpl_run *r, tpl_value v, tpl_case how, tpl_value *out);
bool ig_tpl_has_case(tpl_run *r, tpl_value v, tpl_case how); /* all letters are, and there is one */
ig_status ig_tpl_replace(tpl_run *r, tpl_value v, tpl_value old, tpl_value with, int64_t count, tpl_value *out);

#endif
