/* data/split.h: rows in the order in which a split goes through them. */
#ifndef DATA_SPLIT_H
#define DATA_SPLIT_H

#include "ingot/tabular.h"

/* Give every group to one of `bins` parts, of these shares of each stratum: largest groups first, each to the part that is
 * furthest from what it shall hold.  IG_E_ARG with fewer groups than bins. */
ig_status split_groups(const ig_row_split *s, int bins, const double *share, int *bin /* [rows] */, ig_error *err);
uint64_t split_hash(uint64_t key, uint64_t seed);

#endif
