/* train/corpus.h: text, conversations and preferences as ids, for the tasks that read them. */
#ifndef INGOT_TRAIN_CORPUS_H
#define INGOT_TRAIN_CORPUS_H

#include "train/trainer.h"

ig_status corpus_load(trainer *t, ig_error *err);
ig_status corpus_load_rows(trainer *t, ig_error *err);
/* That the model has a place for all tokens and the context. */
ig_status corpus_check(const trainer *t, ig_error *err);
/* Conversations: the form that the model has learned, for those who run it. */
ig_status corpus_save_format(const trainer *t, const char *dir, ig_error *err);

#endif
