/* data/picture_batches.h: batches of pictures from the inside.
 *
 *     number of a row = index·B + r  ──epoch, permutation──► picture ──decode, augment──► row r        (picture_rows.c)
 *     two slots: one is used while the other is filled by a thread in the background                 (picture_batches.c)
 */
#ifndef DATA_PICTURE_BATCHES_H
#define DATA_PICTURE_BATCHES_H

#include "data/picture_set.h"

typedef struct picture_rows {
    const ig_picture_set *s;
    ig_augment a;
    const int64_t *index; /* NULL: all */
    int64_t count, batch;
    uint64_t seed;
    bool training;
} picture_rows;

/* How many rows of a batch there are; 0 past the end. */
int64_t picture_rows_of(const picture_rows *p, int64_t index);
/* Row r of a batch: pixels and label; rows behind the last are cleared. */
ig_status picture_rows_fill(const picture_rows *p, ig_picture_batch *b, int64_t r, ig_error *err);
/* After all rows: the pairs that mixup joins, in place.   (Zhang et al. 2018) */
void picture_rows_mix(const picture_rows *p, ig_picture_batch *b);

#endif
