/* cli/ways.h: what `ingot run` and `ingot eval` do with a model, by what it can do.  Models that write text are run by verb_run.c
 * itself; every other capability has a row in ways.c.
 */
#ifndef INGOT_CLI_WAYS_H
#define INGOT_CLI_WAYS_H

#include "cli/cli.h"
#include "ingot/models.h"

typedef struct cli_way {
    unsigned can;                       /* IG_CAN_… */
    int (*run)(cli *c, ig_model *m);    /* NULL: not one that runs.  Arguments behind the model: c->arg[1] … */
    int (*eval)(cli *c, ig_model *m);   /* --data is given */
} cli_way;

/* From config.json alone, of families that write no text.  NULL: none of them, or there is no such model, which whoever loads it
 * will tell. */
const cli_way *cli_way_of(cli *c, const char *model);
/* Of a model that is loaded: by what it can do, if it cannot write text. */
const cli_way *cli_way_for(const ig_model *m);
/* Load the model, and go that way. */
int cli_way_run(cli *c, int (*way)(cli *c, ig_model *m));

/* see.c */
int cli_see_run(cli *c, ig_model *m);
int cli_see_eval(cli *c, ig_model *m);

/* predict.c */
int cli_predict_run(cli *c, ig_model *m);
int cli_predict_eval(cli *c, ig_model *m);

#endif
