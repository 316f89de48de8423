/* features/support/write.h: an answer written by a chat model from passages, each sentence checked. */
#ifndef INGOT_FEATURES_SUPPORT_WRITE_H
#define INGOT_FEATURES_SUPPORT_WRITE_H

#include "features/support/desk.h"

/* Append the sentences that a passage supports to *text, telling each to ask->on_text; *written: there was one.  A model that
 * fails writes nothing: the stored answer is given instead. */
ig_status support_write(const desk *d, const ig_ask *ask, const char *question, const char *language, const desk_finding *found,
                        ig_buf *text, bool *written, ig_error *err);
/* Share of the sentence's content words that the passages have, 0 … 1; 0 when they lack one of its numbers. */
ig_status support_supported(const char *sentence, size_t len, const char *const *passages, size_t count, double *share, ig_error *err);

#endif
