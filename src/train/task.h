/* train/task.h: what `data.kind` of a recipe means: a table of functions per kind; tasks.c lists them.
 *
 *     load     files → data, with what is wrong told by file and line        (before the model: a new one may need its labels)
 *     make     batches; which shapes a step may have, and what an evaluation reads
 *     inputs   the tensors of a shape                     fill      the tensors of a batch
 *     loss     the recording from inputs to the loss      watch     what a run says beside its loss: accuracy …
 *
 * Everything that a task fills is a function of (seed, number of the micro step), but for what it has `kept`.  A new task is a file and a line in tasks.c; the
 * loop, checkpoints, logs, progress and the command line know none.
 */
#ifndef INGOT_TRAIN_TASK_H
#define INGOT_TRAIN_TASK_H

#include "train/trainer.h"

typedef enum task_tokens {
    TASK_NO_TOKENS,      /* the recipe has no tokenizer */
    TASK_GIVEN_TOKENS,   /* one is given, or the model of model.from has it */
    TASK_LEARNED_TOKENS, /* one may be learned from the training data as well: char or bpe */
    TASK_LEARNED_WORDS   /* and wordpiece or word */
} task_tokens;

/* Means over all that a run counted.  A task that needs more than means has `conclude`. */
struct task_sums {
    double sum[IG_TRAIN_FIGURES_MAX], count;
};

struct train_task {
    const char *name, *doc;
    const char *unit;             /* what is counted, for progress: "tokens", "pictures", "rows" */
    task_tokens tokens;
    unsigned needs;               /* IG_CAN_…: what the model must be able to do */
    const char *needs_words;      /* "predict the next token" */
    const char *head;             /* of a new model, and of one that model.head asks for; NULL: the task trains no head of its own */
    const char *const *keys;      /* of the recipe's `data`, beside kind, train and validation; NULL-terminated */
    const char *const *parts;     /* further parts of the recipe that are for this task (dpo, augment); NULL: none */
    const train_figure *figures;  /* that an evaluation gives beside its loss, ended by a NULL name; NULL: none */

    /* t->model is there when the recipe has model.from.  Sets corpus.sha256, and corpus.tokenizer where one was made. */
    ig_status (*load)(trainer *t, ig_error *err);
    /* Keys that the data decides of config.json, of a new model or of one that gets a new head, as far as `fields` has them.
     * NULL: none. */
    void (*config)(const trainer *t, const ig_schema_field *fields, ig_json *j);
    /* Whether model and data fit.  NULL: nothing to check. */
    ig_status (*check)(const trainer *t, ig_error *err);
    /* Sets shapes with their rows and length, units_per_step, validates, and of held: rows, length, and held_runs. */
    ig_status (*make)(trainer *t, ig_error *err);
    ig_status (*inputs)(trainer *t, train_shape *s, ig_error *err);
    /* After the inputs, before the plans.  NULL: nothing. */
    ig_status (*prepare)(trainer *t, ig_error *err);
    /* The mean loss over what counts; further outputs go to more[] and are counted in *count (0 when called). */
    ig_var *(*loss)(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count);
    /* What counts in this batch, and units (tokens, rows …) into *units; without it every batch counts the same. */
    int64_t (*count)(trainer *t, int64_t batch, int64_t *units);
    /* Inputs of a micro step, into *shape (its number); returns what counts by *counted. */
    ig_status (*fill)(trainer *t, int64_t batch, int *shape, int64_t *counted, ig_error *err);
    /* Inputs of evaluation run i into held; *counted: the weight of its loss. */
    ig_status (*fill_held)(trainer *t, int64_t i, int64_t *counted, ig_error *err);
    /* Add what a run of s showed, from the values of what `loss` put into more[].  NULL: no figures. */
    void (*watch)(trainer *t, const train_shape *s, const ig_tensor *const *more, task_sums *sums);
    /* From the sums of an evaluation to its figures.  NULL: sum / count. */
    ig_status (*conclude)(trainer *t, const task_sums *sums, double *figures, ig_error *err);
    double (*epoch)(const trainer *t, int64_t batches);        /* passes over the data */
    void (*where)(const trainer *t, char *buf, size_t size);   /* the data of the last micro step, for a message */
    void (*size)(const trainer *t, int64_t *train, int64_t *held); /* units of the data */
    ig_status (*save)(const trainer *t, const char *dir, ig_error *err); /* files of its own in the model folder.  NULL: none */
    /* Tensors that steps leave for the next ones, for checkpoints: name and tensor of number i; NULL past the end.  NULL: none. */
    const char *(*kept)(const trainer *t, size_t i, ig_tensor *out);
    void (*release)(trainer *t);                               /* t->data.  NULL: none */
};

/* Let the task watch what a plan gave: its outputs from number `first` on. */
void task_watch(trainer *t, const train_shape *s, int first, task_sums *sums);

const train_task *train_task_by_name(const char *name);
const train_task *const *train_tasks(size_t *count);

extern const train_task train_task_text, train_task_chat, train_task_preference, train_task_pictures, train_task_table, train_task_labels,
    train_task_scores, train_task_masked, train_task_pairs, train_task_tags;

/* i64 or f32 inputs of shape [rows,length], the first `count` of s->in. */
ig_status task_inputs(trainer *t, train_shape *s, const ig_dtype *types, int count, ig_error *err);
/* Refuse rows that are bad, listing where they are: file number i of problems is train[i], then validation[i - train_count]. */
ig_status task_refuse(const ig_recipe *r, const ig_problems *p, ig_error *err);
const char *task_file(const ig_recipe *r, int number);
/* SHA-256 of all the recipe's data files, and of `more`. */
ig_status task_digest(const ig_recipe *r, const char *more, char out[65], ig_error *err);

#endif
