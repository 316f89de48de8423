/* models/labels.h: the labels of a model that classifies or tags: id2label and num_labels of its config.json. */
#ifndef INGOT_MODELS_LABELS_H
#define INGOT_MODELS_LABELS_H

#include "ingot/models.h"

#define LABELS_MAX 65536

/* How many there are: those that id2label names, 0, 1 …, else num_labels, else 2. */
ig_status ig_model_read_labels(const ig_model *m, int64_t *out, ig_error *err);
/* Name labels without a name "LABEL_0", as Hugging Face does. */
ig_status ig_model_name_labels(ig_model *m, int64_t count, ig_error *err);
/* The name of label i; "" without one. */
const char *ig_model_label(const ig_model *m, int64_t i);

#endif
