/* train/trainer.h: a recipe made ready to run: data, model, optimiser, plans; and where the run is.
 *
 *     task*.c        what data.kind means: loading, batches, loss, figures (train/task.h)
 *     corpus.c       text → tokenizer → ids
 *     corpus_rows.c  conversations and preferences → chat template → tokenizer → ids
 *     feed.c         the inputs of a step
 *     trainer.c      all of the parts below, in the order in which they need each other
 *     train_plans.c  recording and capturing the step and the evaluation
 *     preference.c   the loss of pairs of answers
 *     train_step.c   one step, and what its loss says
 *     validate.c     all that is held out
 *     checkpoint*.c  the trainer's state on disk and back
 */
#ifndef INGOT_TRAIN_TRAINER_H
#define INGOT_TRAIN_TRAINER_H

#include "ingot/examples.h"
#include "ingot/train.h"
#include "train/recipe.h"

typedef struct train_task train_task;
typedef struct task_sums task_sums;

/* Text and ids, which are borrowed by batches and windows; every task sets tokenizer, note and sha256 as it has them. */
typedef struct train_corpus {
    ig_ids train, validation;  /* of text */
    ig_examples examples;      /* of other kinds: first train_rows to train on, then those held out */
    size_t train_rows;
    ig_chat_format *format;    /* how conversations are written; NULL for text */
    char note[400];            /* harmless things to tell about the rows; "" */
    char sha256[65];           /* of all data */
    ig_tokenizer *tokenizer;   /* moves to a new model; NULL when the loaded model brought its own */
} train_corpus;

/* What changes from step to step besides tensors; all of it is in a checkpoint. */
typedef struct train_state {
    int64_t step;              /* done */
    uint64_t tokens;           /* trained on */
    double elapsed;            /* seconds, all calls together */
    double loss, grad_norm;    /* of the last step */
    double eval_loss;          /* newest; NAN before the first */
    double best_eval_loss;     /* NAN before the first */
    int64_t best_step;
    ig_schedule schedule;
    ig_early_stop early;
    bool stopped;              /* early stopping said so */
    double best_score;         /* what evaluate.metric says about the best, lower is better; NAN before the first */
    double best_figure[IG_TRAIN_FIGURES_MAX]; /* of the best evaluation; NAN where there is none */
    double figure[IG_TRAIN_FIGURES_MAX]; /* of the last step or evaluation, as the task names them; not in checkpoints */
} train_state;

#define EVALUATION_ROWS_MAX 32
#define TRAIN_INPUTS_MAX 8
#define TRAIN_SHAPES_MAX IG_ROW_BUCKETS_MAX
#define TRAIN_OUTPUTS_MAX 4    /* of a loss, beside itself */

typedef struct train_figure {
    const char *name;          /* in logs: "accuracy"; those of an evaluation begin with eval_ */
    bool higher;               /* is better */
} train_figure;

/* The inputs of a plan, and the plan. */
typedef struct train_shape {
    int64_t rows, length;      /* windows, conversations, pairs, pictures …; T */
    ig_tensor in[TRAIN_INPUTS_MAX]; /* the task knows what they are */
    ig_plan *plan;
    int more;                  /* outputs of the plan that its task watches */
} train_shape;

typedef struct trainer {
    ig_context *ctx;
    const ig_recipe *r;
    uint64_t seed;
    train_corpus corpus;
    ig_model *model;
    ig_optim *optim;
    ig_params *trained;         /* what the optimiser moves and checkpoints keep */
    ig_batches batches;         /* text */
    ig_windows windows;
    ig_row_batches rows;        /* chat, preference */
    int64_t held_rows;          /* that an evaluation reads */
    float *prior;               /* preference: of every row */
    void *data;                 /* of other tasks */
    bool validates, bf16;
    int64_t steps;              /* in all */
    int64_t held_runs;          /* of an evaluation */
    int64_t units_per_step;     /* tokens, rows …: at most */
    int shapes;                 /* that a step may have: their plans have the loss and, without accumulation, the update */
    train_shape shape[TRAIN_SHAPES_MAX];
    train_shape held;           /* of an evaluation: loss only, f32, no dropout */
    ig_tensor key;              /* i64 [2] = {seed, micro step} for dropout */
    ig_tensor share;            /* f32 [1]: of the micro step in its step, times accumulate; not for text */
    int64_t step_counted, step_units; /* of the step under way: what counts, and all that is read */
    int64_t *rows_of_batch;     /* [B]: of the last micro step */
    ig_plan *update;            /* with accumulation: the update from the buffers, and the norm; else NULL */
    train_state at;
} trainer;

void corpus_fini(train_corpus *c);

/* Everything up to and including the plans; the weights are those of step 0.  seed NULL: the recipe's. */
ig_status trainer_init(trainer *t, ig_context *ctx, const ig_recipe *r, const uint64_t *seed, ig_error *err);
void trainer_fini(trainer *t);

ig_status train_plans_make(trainer *t, ig_error *err);
/* Rows of one evaluation run over logits [copies·rows,T,V]: as many as memory is meant for, of `all`. */
int64_t train_evaluation_rows(const trainer *t, int64_t all, int64_t copies);
/* Mean cross-entropy of the next token, over the targets that are not IG_NO_TARGET; all: none is. */
ig_var *train_token_loss(trainer *t, const ig_pass *p, const ig_tensor *tokens, const ig_tensor *targets, bool all);
size_t train_plans_arena_bytes(const trainer *t);
double train_plans_flops(const trainer *t); /* of one step, all micro steps */

/* One step: at.step, loss, grad_norm and tokens advance.  IG_E_NUMERIC leaves the weights as they were. */
ig_status train_step(trainer *t, ig_error *err);
double train_lr(const trainer *t); /* of the next step */

/* Mean loss over what is held out; its figures go to t->at.figure. */
ig_status validate(trainer *t, double *loss, ig_error *err);
/* The first batch only; for timing. */
ig_status validate_one_batch(trainer *t, ig_error *err);

/* Text that the model writes now, prompt included.  Append to *out. */
ig_status write_sample(trainer *t, ig_buf *out, ig_error *err);

/* The settings of the recipe, with seed, data, tokenizer and precision of this run: one JSON object. */
ig_status trainer_settings(const trainer *t, ig_buf *out, ig_error *err);

#endif
