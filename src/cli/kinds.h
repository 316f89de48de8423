/* cli/kinds.h: the kinds of features that this program knows. */
#ifndef INGOT_CLI_KINDS_H
#define INGOT_CLI_KINDS_H

#include "ingot/features.h"

extern const ig_kind *const *const cli_kinds; /* NULL ends it */

#endif
