/* tests/train/tiny.h: a tiny recipe, its text, and runs of it, for the tests of the room. */
#ifndef TESTS_TRAIN_TINY_H
#define TESTS_TRAIN_TINY_H

#include "../check.h"

#include "ingot/train.h"

extern char tiny_folder[64];       /* made by tiny_setup, removed by tiny_teardown */
extern ig_context *tiny_context;   /* one thread */

int tiny_setup(void **state);
int tiny_teardown(void **state);

/* A path in the folder; four of them may be in use at a time. */
const char *tiny_path(const char *name);
/* The recipe with overrides, NULL-terminated list; fails the test when it is refused. */
ig_recipe *tiny_recipe(const char *const *overrides);

/* What a run told. */
typedef struct tiny_told {
    volatile sig_atomic_t cancel;
    int64_t cancel_at;             /* step; 0: never */
    int steps, evaluations, checkpoints, best, warnings, samples;
    char warning[1300];
} tiny_told;

/* A run of the recipe with these overrides into tiny_path(out). */
ig_status tiny_run(const char *out, const char *const *overrides, bool resume, tiny_told *told, ig_train_result *result, ig_error *err);

/* Both files have the same bytes, and there are some. */
void tiny_check_same(const char *out_a, const char *out_b, const char *name);
/* Both runs ended with the same weights and optimiser state. */
void tiny_check_same_end(const char *out_a, const char *out_b, int64_t step);
/* The names of the checkpoints of a run, "step-00000003.ckpt step-00000006.ckpt". */
const char *tiny_checkpoints(const char *out, char buf[1024]);
/* Every step of the log stands there once, in order, up to `last`. */
void tiny_check_log(const char *out, int64_t last);

#endif
