/* cli/feature.h: what the verbs of features share: the loop of the workspace, options that a kind describes, results. */
#ifndef INGOT_CLI_FEATURE_H
#define INGOT_CLI_FEATURE_H

#include "cli/cli.h"
#include "cli/kinds.h"
#include "cli/progress.h"

typedef struct cli_loop {
    cli *c;
    char workspace[IG_PATH_MAX];
    ig_store *store;
    ig_loop *loop;
    ig_doing doing;
    cli_progress progress;
    const char *job;  /* its id, when the work is a job's: progress goes to its events, too */
    double told;      /* ig_clock of the last event */
    char stage[64];
} cli_loop;

/* Open the store and the loop; the program's progress and Ctrl-C are set up.  An error is in c->err. */
ig_status cli_loop_open(cli *c, cli_loop *l);
void cli_loop_close(cli_loop *l);

/* Is there a feature of this name in the workspace?  False when there is no workspace, or no store in it. */
bool cli_is_feature(cli *c, const char *name);
/* ingot ls, show and rm of features; all return the exit code. */
int cli_list_features(cli *c, ig_json *j);
int cli_show_feature(cli *c, const char *name);
int cli_remove_feature(cli *c, const char *name);

/* ---- options that a kind describes: feature_options.c ------------------------------------------------------------------- */

/* Add the fields of these tables as options of the verb.  IG_E_ARG when two have one name. */
ig_status cli_add_fields(cli *c, const ig_field *const *tables, size_t count);
/* The kind of a feature of the workspace; NULL and an error in c->err when there is none. */
const ig_kind *cli_kind_of(cli *c, const char *feature);
/* What was given for the fields, as a JSON map; `text` is the value of `first` when that is not NULL. */
ig_status cli_take_fields(cli *c, const ig_field *fields, const ig_field *first, const char *text, ig_doc **out);

typedef struct cli_sources {
    ig_source *list;
    size_t count;
    ig_doc *options;
    char *paths; /* absolute ones, IG_PATH_MAX bytes each */
} cli_sources;
/* The sources that were given as options, and the arguments from arg[from] on. */
ig_status cli_take_sources(cli *c, const ig_kind *k, int from, cli_sources *out);
void cli_sources_fini(cli_sources *s);

/* ---- results: feature_words.c ----------------------------------------------------------------------------------------------- */

typedef void cli_print_fn(cli *c, const ig_tree *t);
/* Print the loop's JSON, with --json as it is, else by `print`.  Frees *out, closes the loop; returns the exit code.  An error
 * (s is not IG_OK) is told with `advice`. */
int cli_feature_result(cli_loop *l, ig_status s, ig_buf *out, cli_print_fn *print, const char *advice);
void cli_print_feature(cli *c, const ig_tree *t);
void cli_print_version(cli *c, const ig_tree *t);
void cli_print_comparison(cli *c, const ig_tree *t);
void cli_print_report(cli *c, const ig_tree *t);
void cli_print_changes(cli *c, const ig_tree *t); /* of new, add, withdraw, set: what was taken in, what was wrong */
/* {"en": "…", "zh": "…"} in the user's language; "" when it is absent. */
const char *cli_words(const cli *c, const ig_tree *t);
/* A case's request or answer in one line. */
void cli_print_value(const ig_tree *t);

#endif
