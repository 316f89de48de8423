/* cli/args.h: between main.c and args.c. */
#ifndef INGOT_CLI_ARGS_H
#define INGOT_CLI_ARGS_H

#include "cli/cli.h"

/* 0, or the exit code after a message was printed. */
int cli_parse(cli *c, int argc, char **argv);
int cli_help(const cli *c);

#endif
