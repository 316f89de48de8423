/* data/program.h: what another program makes of some bytes.
 *
 *     bytes ── a file without a name, its standard input ──► program ── pipe ──► *out
 *
 * No shell takes part.  Time, memory and output are bounded; past a bound the program is killed.
 */
#ifndef DATA_PROGRAM_H
#define DATA_PROGRAM_H

#include "ingot/base.h"

typedef struct program_bounds {
    double seconds;
    size_t memory; /* address space, in bytes */
} program_bounds;

/* argv[0] is looked up in PATH, argv ends with NULL.  Appends to *out (its max is set).  *code: what the program exited with,
 * or 128 and the signal that ended it.  Fails with IG_E_NOT_FOUND when there is no such program, IG_E_LIMIT past a bound; errors
 * name `file`. */
ig_status program_run(const char *file, const char *const argv[], const void *bytes, size_t len, const program_bounds *bounds,
                      ig_buf *out, int *code, ig_error *err);

#endif
