/* models/new_folder.h: making the folder of a model, whole or not at all; for importing and quantising. */
#ifndef INGOT_MODELS_NEW_FOLDER_H
#define INGOT_MODELS_NEW_FOLDER_H

#include "ingot/base.h"

/* IG_E_EXISTS when `dir` is there and may not be overwritten, or is no model. */
ig_status model_check_new_folder(const char *dir, bool overwrite, ig_error *err);
/* Write into an empty folder, which then takes the place of `dir`. */
typedef ig_status model_write_fn(void *arg, const char *stage, ig_error *err);
ig_status model_make_folder(const char *dir, model_write_fn *write, void *arg, ig_error *err);
/* A file of another folder, where it is there; and what a model may have beside its weights, config and tokenizer. */
ig_status model_copy_file(const char *from_dir, const char *to_dir, const char *name, ig_error *err);
ig_status model_copy_extras(const char *from_dir, const char *to_dir, ig_error *err);

#endif
