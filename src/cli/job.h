/* cli/job.h: a verb that works on a queued job of the store, as the server starts it: ingot VERB --job ID. */
#ifndef INGOT_CLI_JOB_H
#define INGOT_CLI_JOB_H

#include "cli/feature.h"

/* Does the work of `spec`; the result goes to *out. */
typedef ig_status cli_job_fn(cli_loop *l, const ig_tree *spec, ig_buf *out, ig_error *err);
/* Take the job over, do it, and end it in the store; returns the exit code. */
int cli_run_job(cli *c, const char *id, cli_job_fn *work);

#endif
