/* models/interactions_file.h: the interactions that a model keeps in its folder; for the families that recommend. */
#ifndef INGOT_MODELS_INTERACTIONS_FILE_H
#define INGOT_MODELS_INTERACTIONS_FILE_H

#include "ingot/interactions.h"
#include "ingot/tensor.h"

#define INTERACTIONS_FILE "interactions.safetensors"

ig_status interactions_file_save(ig_context *ctx, const ig_interactions *x, const char *folder, ig_error *err);
/* `dir` is a model's folder.  out starts from zero and is finished; what is there after an error, ig_interactions_fini frees. */
ig_status interactions_file_load(ig_context *ctx, const char *dir, ig_interactions *out, ig_error *err);

#endif
