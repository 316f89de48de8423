/* models/model_folder.h: the files of a model on disk; for loading and saving. */
#ifndef INGOT_MODELS_MODEL_FOLDER_H
#define INGOT_MODELS_MODEL_FOLDER_H

#include "ingot/base.h"
#include "ingot/limits.h"

/* Where `name` of the model in `dir` is to be read: in the folder, or in a save that was committed and not yet put in
 * place.  The path may not exist. */
ig_status model_file(const char *dir, const char *name, char path[IG_PATH_MAX], ig_error *err);
/* An empty folder to write the new files into. */
ig_status model_stage(const char *dir, char path[IG_PATH_MAX], ig_error *err);
/* The staged files are complete: make them the model. */
ig_status model_commit(const char *dir, ig_error *err);
/* Finish what a killed process has committed. */
ig_status model_settle(const char *dir, ig_error *err);

#endif
