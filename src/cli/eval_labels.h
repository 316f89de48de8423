/* cli/eval_labels.h: ingot eval of a model that classifies. */
#ifndef INGOT_CLI_EVAL_LABELS_H
#define INGOT_CLI_EVAL_LABELS_H

#include "cli/cli.h"
#include "ingot/models.h"

/* Accuracy and macro F1 over the tables of --data, each with its 95 % bootstrap interval. */
int cli_eval_labels(cli *c, ig_model *m);

#endif
