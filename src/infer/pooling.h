/* infer/pooling.h: what a Sentence-Transformers folder says about how its vectors are made. */
#ifndef INGOT_INFER_POOLING_H
#define INGOT_INFER_POOLING_H

#include "ingot/infer.h"

/* The folder's own pooling, or the usual one of the family.  IG_E_UNSUPPORTED for steps that are not known. */
ig_status pooling_of(const ig_model *m, ig_pooling *out, ig_error *err);

#endif
