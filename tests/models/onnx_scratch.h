/* tests/models/onnx_scratch.h: a family of networks that are in no model, one for each group of ops, for what is written in
 * ONNX. */
#ifndef TESTS_MODELS_ONNX_SCRATCH_H
#define TESTS_MODELS_ONNX_SCRATCH_H

#include "ingot/models.h"

int scratch_count(void);
const char *scratch_name(int i);
void scratch_init(ig_context *ctx, int i, ig_model *out); /* fails the test on error */
void scratch_fini(ig_model *m);

#endif
