/* train/table_files.h: a file of rows as a frame. */
#ifndef INGOT_TRAIN_TABLE_FILES_H
#define INGOT_TRAIN_TABLE_FILES_H

#include "ingot/tabular.h"

/* Whether the file's name ends as one of sparse rows does: .libfm, .libsvm, .svm. */
bool table_file_is_sparse(const char *path);
/* A table, or sparse rows in which every row has the same number of entries: those become the columns "label", "field 1",
 * "field 2" … of categories.  Values other than 1 are refused, and rows of another length, by their number. */
ig_status table_file_load(const char *path, const ig_frame_opts *opts, ig_frame *out, ig_error *err);

#endif
