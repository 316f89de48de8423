/* infer/grammar/json_form.h: between the files that make grammars of JSON: the rules that all schemas share, and the parts of
 * a schema.
 */
#ifndef INGOT_GRAMMAR_JSON_FORM_H
#define INGOT_GRAMMAR_JSON_FORM_H

#include "infer/grammar/grammar.h"

/* Lists and maps within each other; ig_json_parse takes two more. */
#define GR_JSON_DEPTH_MAX (IG_TREE_DEPTH_MAX - 2)

#define GR_PATH_MAX 128

/* A schema that has a rule, whose body is still to be made. */
typedef struct gr_job {
    const ig_tree *schema, *root; /* root: what "#" is */
    uint32_t rule;
    char path[GR_PATH_MAX];       /* "#/properties/a", its end if it is long */
} gr_job;

typedef struct gr_child gr_child;

typedef struct gr_json {
    gr_builder b;
    bool spaces;
    bool has_basics;
    uint32_t space, character, any, any_object, any_array, text, number, integer; /* rules */
    gr_job *job;
    size_t jobs, jobs_cap, done;
    uint32_t *slot;               /* of jobs by schema: job + 1 */
    size_t slots;
    gr_child *child;              /* of lists and maps that a $ref passed through (schema_ref.c) */
    size_t children, children_size;
    size_t merged;                /* parts of allOf so far */
} gr_json;

void gr_json_init(gr_json *j, const char *file, const ig_grammar_json_opts *opts, ig_error *err);
void gr_json_fini(gr_json *j);

/* ---- json_form.c: what needs no schema ---- */
void gr_json_basics(gr_json *j);          /* makes the rules above, once */
gr_frag gr_json_space(gr_json *j);
gr_frag gr_json_mark(gr_json *j, const char *mark); /* "," or ":" or a bracket that opens, and white space behind it */
gr_frag gr_json_set(gr_json *j, const gr_set *s);   /* the characters as a JSON text writes them, between quotes */
gr_frag gr_json_text(gr_json *j, const char *s, size_t n);  /* with quotes */
gr_frag gr_json_value(gr_json *j, const ig_tree *v);  /* exactly this value */
/* A list or map: its body as a rule that counts as one level. */
gr_frag gr_json_nested(gr_json *j, gr_frag body);

/* ---- schema.c ---- */
/* The rule of a schema within root; its body is made by gr_schema_run. */
uint32_t gr_schema_rule(gr_json *j, const ig_tree *schema, const ig_tree *root, const char *path, const char *step);
ig_status gr_schema_run(gr_json *j);
/* The first says what is not supported here, the second what breaks the rules of JSON schemas (or cannot be fulfilled). */
ig_status gr_schema_refuse(gr_json *j, const gr_job *at, const ig_tree *where, const char *what);
ig_status gr_schema_wrong(gr_json *j, const gr_job *at, const ig_tree *where, const char *what);
/* Groups of keywords. */
enum {
    GR_KEY_NOTE = 1, GR_KEY_TYPE = 2, GR_KEY_OBJECT = 4, GR_KEY_ARRAY = 8, GR_KEY_TEXT = 16, GR_KEY_NUMBER = 32,
    GR_KEY_REF = 64, GR_KEY_VALUE = 128, GR_KEY_ANY = 256, GR_KEY_ALL = 512
};
/* Which groups a schema has keywords of; one that is not known is an error. */
ig_status gr_schema_keys(gr_json *j, const gr_job *at, const ig_tree *schema, unsigned *groups);
/* A count: {minItems: 3}. */
uint32_t gr_schema_count(gr_json *j, const gr_job *at, const ig_tree *schema, const char *key, uint32_t otherwise);

/* ---- schema_ref.c ---- */
/* What the $ref of a schema leads to, one step; NULL after an error. */
const ig_tree *gr_schema_resolve(gr_json *j, const gr_job *at, const ig_tree *schema);

/* ---- schema_object.c, schema_number.c, schema_text.c, pattern.c ---- */
gr_frag gr_schema_object(gr_json *j, const gr_job *at);  /* with what allOf adds */
gr_frag gr_schema_array(gr_json *j, const gr_job *at);
gr_frag gr_schema_integer(gr_json *j, const gr_job *at);
gr_frag gr_schema_number(gr_json *j, const gr_job *at);
gr_frag gr_schema_text(gr_json *j, const gr_job *at);
gr_frag gr_number_basic(gr_json *j);
gr_frag gr_integer_range(gr_json *j, int64_t min, int64_t max);
/* A regular expression of ECMA 262 as the characters between the quotes of a JSON text.  where: for errors. */
gr_frag gr_pattern(gr_json *j, const gr_job *at, const ig_tree *where, const char *pattern, size_t len);

#endif
