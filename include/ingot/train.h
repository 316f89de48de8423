/* ingot/train.h: recipes and runs.
 *
 * A recipe is a YAML file that says how to train a model: data, network, optimiser, schedule, regularisation.  A run is one
 * execution of it and leaves
 *
 *     OUT/                    the best model so far, as a model folder (ingot/models.h), or as an adapter
 *     OUT/run/recipe.json     the recipe with all overrides
 *     OUT/run/log.jsonl       a JSON object per logged step, evaluation, sample and event
 *     OUT/run/chart.svg       the losses so far
 *     OUT/run/checkpoints/step-NNNNNNNN.ckpt
 *
 * The same recipe, seed, processor features and threads give the same weights, bit for bit, however often the run was
 * stopped, killed and resumed on its way.
 */
#ifndef INGOT_TRAIN_H
#define INGOT_TRAIN_H

#include <signal.h>

#include "ingot/examples.h"
#include "ingot/models.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* ---- recipes ---------------------------------------------------------------------------------------------------------- */

#define IG_RECIPE_FILES_MAX 1024
#define IG_RECIPE_GROUPS_MAX 64

typedef enum ig_precision { IG_PRECISION_AUTO, IG_PRECISION_F32, IG_PRECISION_BF16 } ig_precision;

/* A recipe that was read and checked.  Texts live as long as the recipe; paths are absolute or relative to the working
 * directory (in the file they are relative to the file).  Defaults are filled in.  docs/RECIPES.md describes every key. */
typedef struct ig_recipe {
    ig_doc *doc;                    /* as read, with the overrides */
    char *file;
    const char *name;
    uint64_t seed;
    struct {
        const char *family;         /* "gpt" */
        const ig_tree *config;      /* content of config.json; with `from`: NULL, or dropout rates to change */
        char *from;                 /* folder of a model to go on with; NULL */
        const char *head;           /* with `from`: the model gets this head, as the task names it; NULL: it keeps its own */
    } model;
    struct {
        ig_tokenizer_kind kind;
        int64_t vocab_size;         /* BPE; CHAR: 0 = all characters */
        bool words, keep_case;      /* WORDPIECE: whole words only; upper and lower case differ */
        char *path;                 /* of a tokenizer.json; NULL: learn one from the training text */
        bool given;                 /* there is a `tokenizer` part; without it the model of `from` brings its own */
    } tokenizer;
    struct {
        const struct train_task *task; /* what data.kind means; ig_train_kinds lists them */
        bool cut;                   /* rows that are too long are cut, not refused */
        char **train, **validation;
        size_t train_count, validation_count;
        double validation_fraction; /* of the end of the training text; used when there are no validation files */
        ig_batch_order order;
    } data;
    struct {
        int64_t steps;              /* 0: from epochs */
        double epochs;
        int64_t batch, context, accumulate;
        ig_precision precision;
        bool recompute;
    } train;
    struct {
        double lr;
        ig_optim_opts opts;         /* groups[0] is "all others"; groups[i] belongs to match[i-1] */
        int groups;                 /* rows of the recipe's list */
        const char **match;         /* globs on parameter names; the first that matches decides */
    } optimiser;
    struct {
        bool given;
        int64_t rank;
        double alpha, dropout;
        const char **targets;       /* names; none: all linear layers */
        size_t target_count;
        bool merge;
        ig_block_type quantise;     /* IG_BLOCK_COUNT: no */
    } lora;
    struct {
        double beta;
    } dpo;
    ig_schedule schedule;           /* total and, for warm-up by share, warmup are filled in when the steps are known */
    struct {
        bool has_dropout;
        double dropout, label_smoothing;
        int64_t patience;           /* early stopping; 0: off */
        double min_delta;
    } regularise;
    struct {
        int64_t every;              /* steps; 0: at the end only */
        int64_t windows;            /* of what is held out; 0: all */
        int metric;                 /* what the best model is best in: number of the figure; -1: the loss */
        const char *prompt;         /* NULL: no sample */
        int64_t sample_tokens;
        double temperature;
        int64_t top_k;
    } evaluate;
    struct {
        int64_t every;              /* steps; 0: as evaluate.every */
        int64_t keep;               /* at least 2 */
    } checkpoint;
} ig_recipe;

/* overrides: "path.to.key=value" (value is YAML), applied before the check; may be NULL.  What is wrong is told with file,
 * line, key and what was expected (IG_E_FORMAT); paths that are not there are told by the run, not here. */
ig_status ig_recipe_load(ig_context *ctx, const char *path, const char *const *overrides, size_t override_count, ig_recipe **out,
                         ig_error *err);
/* The same from memory; `name` stands for the file in errors, paths are relative to its folder. */
ig_status ig_recipe_parse(ig_context *ctx, const char *name, const char *yaml, size_t len, const char *const *overrides,
                          size_t override_count, ig_recipe **out, ig_error *err);
void ig_recipe_free(ig_recipe *r);
/* Kind i of data that a recipe may name, with a line about it; NULL past the last. */
const char *ig_train_kind(size_t i, const char **doc);
/* The table that recipes are checked against, for --help and the docs. */
const ig_schema_field *ig_recipe_schema(void);

/* ---- before a run: what it will take ------------------------------------------------------------------------------------ */

typedef struct ig_train_report {
    int64_t parameters;
    int64_t vocab_size;
    const char *unit;                 /* "tokens", "rows", "pictures": what is counted here */
    int64_t train_tokens, validation_tokens;
    int64_t steps, tokens_per_step;
    double epochs;                    /* passes over the training tokens */
    bool bf16;
    uint64_t weight_bytes, optimiser_bytes, arena_bytes; /* arena: all intermediate values of a step, and of an evaluation */
    uint64_t memory_bytes;            /* their sum and the data: what the run will take */
    uint64_t memory_available;        /* what the machine can give */
    double seconds_per_step;          /* the median of a few steps */
    double seconds_per_evaluation;
    double seconds_total;             /* steps and evaluations */
    double tokens_per_second;
    double flops_per_step;
} ig_train_report;

/* Load the data, build the model, capture the plans and time a few steps.  Nothing is written. */
ig_status ig_train_check(ig_context *ctx, const ig_recipe *r, ig_train_report *out, ig_error *err);

/* ---- runs --------------------------------------------------------------------------------------------------------------- */

typedef enum ig_train_event {
    IG_TRAIN_STARTED,     /* also after a resume: step is where it goes on */
    IG_TRAIN_STEP,        /* after every step; print as often as you like */
    IG_TRAIN_EVALUATED,   /* eval_loss is new, sample may be */
    IG_TRAIN_CHECKPOINT,  /* `path` was written */
    IG_TRAIN_BEST,        /* `path`, the model folder, was replaced by a better model */
    IG_TRAIN_WARNING,     /* `message`: a damaged checkpoint was passed over … */
    IG_TRAIN_FINISHED
} ig_train_event;

/* "accuracy", "rewards/margins" … */
#define IG_TRAIN_FIGURES_MAX 8
typedef struct ig_train_figure {
    const char *name;
    double value;              /* NAN where there is none */
} ig_train_figure;

typedef struct ig_train_progress {
    ig_train_event event;
    int64_t step, total;       /* steps done, steps in all */
    double share;              /* step / total */
    double loss;               /* of this step; NAN before the first */
    double eval_loss;          /* newest; NAN before the first */
    double best_eval_loss;     /* NAN before the first */
    int64_t best_step;         /* of the best evaluation */
    double lr, grad_norm, epoch;
    double tokens_per_second;  /* over the last steps */
    uint64_t tokens;           /* trained on so far; of kinds of data that have none: rows, pictures … */
    const char *unit;          /* "tokens", "rows", "pictures" */
    uint64_t memory_bytes;     /* peak of the process */
    ig_train_figure figure[IG_TRAIN_FIGURES_MAX]; /* what this kind of data tells beside its loss, of the last step or evaluation */
    int figures;
    double elapsed, left;      /* seconds; elapsed counts what came before a resume too; left is NAN when not known yet */
    const char *sample;        /* EVALUATED: text that the model wrote, prompt included; else NULL */
    const char *path;          /* CHECKPOINT, BEST */
    const char *message;       /* WARNING; FINISHED: why, when it was not the last step */
} ig_train_progress;
typedef void ig_train_progress_fn(void *arg, const ig_train_progress *p);

typedef struct ig_train_opts {
    bool resume;               /* go on from the newest good checkpoint; from the beginning when there is none */
    bool overwrite;            /* an earlier run in OUT is removed first */
    bool has_seed;
    uint64_t seed;             /* instead of the recipe's */
    ig_train_progress_fn *progress;
    void *arg;
    const volatile sig_atomic_t *cancel; /* non-zero: finish the step, save a checkpoint, return IG_E_CANCELLED */
} ig_train_opts;

typedef struct ig_train_result {
    int64_t steps;             /* done in all */
    int64_t first_step;        /* where this call began: 0, or the step of the checkpoint */
    double loss;               /* of the last step */
    double eval_loss;          /* last evaluation; NAN without validation data */
    double best_eval_loss;     /* of the model in OUT; NAN without validation data */
    int64_t best_step;
    ig_train_figure figure[IG_TRAIN_FIGURES_MAX]; /* of the model in OUT, as in progress */
    int figures;
    bool stopped_early;
    const char *unit;
    bool generates;            /* the model writes text: its perplexity means something */
    uint64_t tokens;
    double seconds;            /* of this call */
    double tokens_per_second;
    uint64_t memory_bytes;
    char checkpoint[IG_PATH_MAX]; /* the newest; "" when none was written */
} ig_train_result;

/* Train.  opts may be NULL.  *out is filled on IG_E_CANCELLED too, when the run can be resumed.
 *
 * IG_E_EXISTS   OUT holds a run (resume or overwrite), or a folder that is not ours
 * IG_E_STATE    resume: the checkpoint is of another recipe; the message names the key that differs
 * IG_E_FORMAT   resume: all checkpoints are damaged
 * IG_E_NUMERIC  a loss or gradient was not finite: names step, where in the data, and likely causes.  That update was not
 *               applied; the last good checkpoint and the best model stay.
 * IG_E_IO       the disk is full or fails: the last good checkpoint and the best model stay
 * IG_E_LIMIT    the machine has less memory than the plan needs: told before the first step
 */
ig_status ig_train_run(ig_context *ctx, const ig_recipe *r, const char *out_dir, const ig_train_opts *opts, ig_train_result *out,
                       ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
