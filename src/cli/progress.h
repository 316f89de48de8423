/* cli/progress.h: one status line on stderr, rewritten in place on a terminal; else a plain line now and then. */
#ifndef INGOT_CLI_PROGRESS_H
#define INGOT_CLI_PROGRESS_H

#include "cli/cli.h"

typedef struct cli_progress {
    bool terminal, quiet;
    bool drawn;            /* a status line stands on the screen */
    double last, begun;    /* ig_clock of the last line, and of the beginning */
} cli_progress;

void cli_progress_begin(cli_progress *p, const cli *c);
/* Is it time for another status line?  Ten a second on a terminal, else one in five seconds, the first after two. */
bool cli_progress_due(const cli_progress *p);
void cli_progress_status(cli_progress *p, const char *fmt, ...) IG_PRINTF(2, 3);
/* A line that stays. */
void cli_progress_line(cli_progress *p, const char *fmt, ...) IG_PRINTF(2, 3);
/* Remove the status line. */
void cli_progress_clear(cli_progress *p);
double cli_progress_seconds(const cli_progress *p);

#endif
