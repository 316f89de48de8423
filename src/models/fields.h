/* models/fields.h: rows of a family's table of config.json keys, and how large a network may be. */
#ifndef INGOT_MODELS_FIELDS_H
#define INGOT_MODELS_FIELDS_H

#include "ingot/base.h"

#define SIZE(name, most, needed, text)                                                                                 \
    { .key = name, .type = IG_TREE_INT, .required = needed, .has_range = true, .min = 1, .max = most, .doc = text }
#define SIZE_OR_NULL(name, most, text, other)                                                                          \
    { .key = name, .type = IG_TREE_INT, .nullable = true, .has_range = true, .min = 1, .max = most, .doc = text,          \
      .otherwise = other }
#define RATE(name, text)                                                                                               \
    { .key = name, .type = IG_TREE_REAL, .has_range = true, .min = 0, .max = 0.999, .doc = text, .otherwise = "0" }
#define REAL(name, least, most, text, other)                                                                           \
    { .key = name, .type = IG_TREE_REAL, .has_range = true, .min = least, .max = most, .doc = text, .otherwise = other }
#define FLAG(name, text, other) { .key = name, .type = IG_TREE_BOOL, .doc = text, .otherwise = other }
#define TOKEN(name, text) { .key = name, .doc = text }

#define CONTEXT_MAX (1 << 20)
#define CHANNELS_MAX (1 << 16)
#define INNER_MAX (1 << 18)
#define LAYERS_MAX 1024
#define HEADS_MAX 1024

#endif
