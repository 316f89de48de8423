/* ingot/template.h: chat templates: how a model wants a conversation written down.
 *
 * Published models carry a template in the language Jinja (tokenizer_config.json, key "chat_template").  This is the part of
 * that language that such templates use, with the settings of the transformers library: trim_blocks and lstrip_blocks on,
 * loop controls, one newline at the end of the template dropped, tojson without escapes for other scripts.
 *
 * A template comes from anybody: it reaches nothing but the variables that it is given, and depth, steps, memory and
 * output of a run are bounded.  A parsed template does not change: any number of threads may render it.
 */
#ifndef INGOT_TEMPLATE_H
#define INGOT_TEMPLATE_H

#include "ingot/base.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_template ig_template;

/* What one rendering may use.  Zero means the default. */
typedef struct ig_template_limits {
    int depth;            /* expressions, blocks and macro calls inside each other; 400, at most 2000 */
    uint64_t steps;       /* evaluated nodes, and items and bytes touched; 5 million */
    size_t memory_bytes;  /* values and texts made on the way; 64 MiB */
    size_t output_bytes;  /* 16 MiB */
    bool has_clock;       /* gives the template strftime_now(format); without, that name is undefined */
    int64_t clock_seconds; /* what strftime_now shows: seconds since 1970, already shifted to the reader's time zone */
} ig_template_limits;

/* `name` stands in errors, which carry the line.  text[0..len) is copied; it must be UTF-8 of at most IG_TEMPLATE_BYTES_MAX.
 * IG_E_FORMAT: a mistake in the template; IG_E_UNSUPPORTED: Jinja that chat templates do not need (include, import,
 * extends, recursive loops); IG_E_LIMIT: too long, too deep. */
ig_status ig_template_parse(const char *name, const char *text, size_t len, ig_template **out, ig_error *err);
void ig_template_free(ig_template *t); /* NULL is allowed */

/* Append the text to *out.  `variables` is a map of what the template sees (messages, tools, add_generation_prompt,
 * bos_token, …) and may be NULL; limits may be NULL.  After a failure *out is as long as it was.
 * IG_E_ARG: the template called raise_exception, whose words are the message; IG_E_FORMAT: it did something that the values
 * do not allow (line and reason are told); IG_E_LIMIT. */
ig_status ig_template_render(const ig_template *t, const ig_tree *variables, const ig_template_limits *limits, ig_buf *out,
                             ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
