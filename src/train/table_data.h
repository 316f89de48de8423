/* train/table_data.h: what a recipe of the kind `table` learns from: prepared rows, and which of them are held out. */
#ifndef INGOT_TRAIN_TABLE_DATA_H
#define INGOT_TRAIN_TABLE_DATA_H

#include "ingot/tabular.h"
#include "train/task.h"

typedef struct table_data {
    ig_preparation *preparation;
    ig_prepared train, validation; /* validation has rows where data.validation is a file */
    bool regression;
    size_t *row, rows;             /* of train: those to train on */
    size_t *held, held_rows;       /* of `held_in` */
    const ig_prepared *held_in;    /* train or validation */
    double *truth, *said;          /* [held_rows] of an evaluation */
    size_t measured;
    uint64_t seed;
} table_data;

ig_status table_data_load(trainer *t, table_data *d, ig_error *err);
void table_data_fini(table_data *d);

#endif
