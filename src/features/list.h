/* features/list.h: every kind of this build. */
#ifndef INGOT_FEATURES_LIST_H
#define INGOT_FEATURES_LIST_H

#include "ingot/features.h"

extern const ig_kind ig_kind_support;

#endif
