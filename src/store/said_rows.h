/* store/said_rows.h: interactions and feedback out of rows. */
#ifndef STORE_SAID_ROWS_H
#define STORE_SAID_ROWS_H

#include "store/store.h"

#define STORE_SAID_COLUMNS 16

/* Into what is all zero; what is half read is freed by the caller. */
ig_status store_read_said(ig_store_interaction *i, const store_value *v, ig_error *err);     /* SAID columns */
ig_status store_read_feedback(ig_store_feedback *f, const store_value *v, ig_error *err);    /* FEEDBACK columns */

#endif
