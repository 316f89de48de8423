/* train/texts.h: rows of texts for the tasks that read them: labels, scores, pairs.
 *
 *     tables ──► ig_text_rows, those held out behind ──► tokenizer (given, of the model, learned) ──► sequences of ids
 *
 * A text becomes what the model reads of it elsewhere too (infer/sequences.h): framed, and cut at train.context.
 */
#ifndef INGOT_TRAIN_TEXTS_H
#define INGOT_TRAIN_TEXTS_H

#include "infer/sequences.h"
#include "ingot/text_rows.h"
#include "train/trainer.h"

typedef struct texts {
    ig_text_rows x;        /* first train_rows to learn from, then those held out */
    size_t train_rows;
    ig_classes classes;    /* of tasks with labels */
    sequences s;           /* row i has the sequences i·per … */
    size_t per;
    char number[IG_TEXT_ROLES][24]; /* columns that the recipe names by number */
} texts;

/* The inputs of a shape that every such task has; what else it has stands behind them. */
enum { TEXTS_TOKENS, TEXTS_TYPES, TEXTS_LENGTHS, TEXTS_MORE };

/* Rows of all files, what is held out, and a tokenizer where the recipe asks for one. */
ig_status texts_load(trainer *t, texts *d, unsigned needs, unsigned may, ig_error *err);
/* After the model: the sequences.  A row has one (its text, or both as a pair), or one for each of its texts. */
ig_status texts_encode(trainer *t, texts *d, bool each, ig_error *err);
/* Batches and shapes, `copies` sequences a row; and what is held out. */
ig_status texts_make(trainer *t, texts *d, int64_t copies, ig_error *err);
void texts_fini(texts *d);

/* [copies·rows,T] tokens and types, and lengths [copies·rows]. */
ig_status texts_inputs(trainer *t, train_shape *s, int64_t copies, ig_error *err);
/* Sequence k (or, when k < 0, one token of padding) into line `at` of a shape. */
void texts_fill(const texts *d, train_shape *s, int64_t at, int64_t k);
/* Rows of evaluation run i into rows[held.rows], -1 for none; how many there are. */
int64_t texts_held_rows(const trainer *t, const texts *d, int64_t i, int64_t *rows);
/* NULL where the model knows one type only. */
ig_var *texts_types(const trainer *t, const ig_pass *p, const train_shape *s);

/* For the table of a task that keeps its texts at the beginning of t->data. */
int64_t texts_count(trainer *t, int64_t batch, int64_t *units);
double texts_epoch(const trainer *t, int64_t batches);
void texts_where(const trainer *t, char *buf, size_t size);
void texts_size(const trainer *t, int64_t *train, int64_t *held);

/* The tokens that a tokenizer needs for a model of this family, NULL-terminated. */
const char *const *texts_specials(const ig_family *f, size_t *count);
/* Learn the tokenizer that the recipe describes, or load it. */
ig_status texts_tokenizer(trainer *t, const char *text, size_t len, ig_error *err);
/* id2label, label2id and num_labels of config.json. */
void texts_put_classes(ig_json *j, const ig_classes *c);
/* Append to what a run tells about its data. */
void texts_note(trainer *t, const char *fmt, ...) IG_PRINTF(2, 3);

#endif
