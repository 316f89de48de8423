/* cli/verb_show.h: between the files of ingot show, ls and rm. */
#ifndef INGOT_CLI_SHOW_H
#define INGOT_CLI_SHOW_H

#include "cli/cli.h"
#include "ingot/models.h"

/* A plan and the tensors that it reads. */
typedef struct cli_plan {
    ig_plan *plan;
    ig_optim *optim;
    ig_tensor tokens, targets; /* i64 [B,T] */
    ig_tensor key;             /* i64 [2], for dropout */
} cli_plan;

/* show_plan.c: one training step, or with --forward a forward pass, of a --batch of --context tokens.  Fini in any case. */
ig_status cli_plan_make(cli *c, ig_model *m, cli_plan *out);
void cli_plan_fini(cli_plan *p);

/* show_onnx.c: what an ONNX file says about itself. */
int cli_show_onnx(cli *c, const char *path);

/* verb_ls.c: bytes of the files in a model's folder, without its run. */
uint64_t cli_folder_bytes(const char *dir);

#endif
