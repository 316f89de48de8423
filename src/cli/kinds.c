/* cli/kinds.c: the kinds of the real program; a program for tests is linked with another file. */
#include "cli/kinds.h"

const ig_kind *const *const cli_kinds = ig_kinds;
