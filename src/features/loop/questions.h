/* features/loop/questions.h: questions that people ask again and again, in groups. */
#ifndef FEATURES_LOOP_QUESTIONS_H
#define FEATURES_LOOP_QUESTIONS_H

#include "features/loop/loop.h"

#define QUESTIONS_MAX 2000

/* Appends "key": [{"title", "count", "examples", "interactions"}…], the largest group first. */
ig_status questions_put(ig_loop *l, const loop_feature *f, const ig_store_said_opts *which, ig_json *j, const char *key,
                        ig_error *err);

#endif
