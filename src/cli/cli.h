/* cli/cli.h: the ingot command.
 *
 * A verb is a row: name, words in both languages, options, and a function.  Parsing, help, suggestions for what was
 * mistyped, and exit codes are written once, in args.c and main.c.
 *
 *     exit 0 done     1 failed     2 wrong usage     130 stopped by Ctrl-C
 *     results on stdout, progress and errors on stderr
 */
#ifndef INGOT_CLI_CLI_H
#define INGOT_CLI_CLI_H

#include "ingot/base.h"

#define CLI_ARGS_MAX 64

typedef enum cli_kind { CLI_FLAG, CLI_TEXT, CLI_INT, CLI_REAL } cli_kind;

typedef struct cli_option {
    const char *name;          /* without the dashes; NULL ends the table */
    cli_kind kind;
    const char *value;         /* word for the value in the help: "FILE" */
    const char *en, *zh;
    double min, max;           /* of INT and REAL, when max > min */
} cli_option;

typedef struct cli cli;
typedef struct cli_verb {
    const char *name;          /* "tokenizer train" for a verb of two words */
    const char *args;          /* "MODEL [PROMPT]" */
    const char *en, *zh;       /* one line */
    const char *more_en, *more_zh; /* further help, with examples; may be NULL */
    const cli_option *options; /* may be NULL */
    int min_args, max_args;
    int (*run)(cli *c);        /* exit code */
    /* Sets c->more from the arguments so far, when an option is not in `options`, and for the help: options that depend on what
     * the verb is about.  May be NULL.  IG_OK with c->more NULL: there are none (yet); else an error in c->err. */
    ig_status (*extend)(cli *c);
} cli_verb;

struct cli {
    const char *program;       /* as it was called, for commands to type next */
    const cli_verb *verb;
    bool json, quiet, chinese;
    uint64_t seed;
    bool has_seed;
    int threads;
    const char *dir;           /* -C */
    bool entered;              /* the current folder is -C's */
    bool extended;             /* verb->extend was asked */
    cli_option *more;          /* further options; texts of `more` are in more_texts */
    char *more_texts;
    const char *arg[CLI_ARGS_MAX];
    int args;
    struct { const cli_option *option; const char *value; double number; } given[CLI_ARGS_MAX];
    int givens;
    ig_context *ctx;           /* made by cli_context on first use */
    ig_error err;
};

extern const cli_verb *const cli_verbs[]; /* NULL-terminated, in the order of the help */

/* The words in the user's language. */
const char *cli_say(const cli *c, const char *en, const char *zh);
bool cli_flag(const cli *c, const char *option);
const char *cli_text(const cli *c, const char *option, const char *otherwise);
double cli_real(const cli *c, const char *option, double otherwise);
int64_t cli_int(const cli *c, const char *option, int64_t otherwise);
/* The i-th use of an option that may be repeated; NULL after the last. */
const char *cli_nth(const cli *c, const char *option, int i);

/* Go to the folder of -C; once. */
ig_status cli_enter(cli *c);
/* Print c->err, and what to do next when `advice` is not NULL; returns 1. */
int cli_failed(cli *c, const char *advice);
/* Print a usage message; returns 2. */
int cli_usage(cli *c, const char *fmt, ...) IG_PRINTF(2, 3);
/* The context with --threads and --seed; IG_OK or an error in c->err. */
ig_status cli_context(cli *c);
/* Set by Ctrl-C (the second one ends the program at once). */
extern volatile int cli_interrupted;
void cli_catch_interrupt(void);

/* The workspace: the folder that holds ingot.yaml, found upwards from -C or the current folder. */
ig_status cli_workspace(cli *c, char *path, size_t size, bool must, ig_error *err);
/* A model argument: a path when it has a '/' or is a folder with config.json, else a name in the workspace. */
ig_status cli_model_path(cli *c, const char *arg, char *path, size_t size, ig_error *err);
/* The same for a folder that may not be a model (yet). */
ig_status cli_model_folder(cli *c, const char *arg, char *path, size_t size, ig_error *err);

#endif
