/* cli/verbs.h: the verbs that there are; verbs.c puts them in the order of the help. */
#ifndef INGOT_CLI_VERBS_H
#define INGOT_CLI_VERBS_H

#include "cli/cli.h"

extern const cli_verb cli_verb_init, cli_verb_data_check, cli_verb_train, cli_verb_merge, cli_verb_run, cli_verb_chat,
    cli_verb_serve, cli_verb_embed, cli_verb_classify, cli_verb_tag, cli_verb_eval, cli_verb_recommend, cli_verb_show, cli_verb_pull,
        cli_verb_import, cli_verb_quantize,
    cli_verb_export, cli_verb_ls, cli_verb_rm, cli_verb_tokenizer_train, cli_verb_tokenizer_encode, cli_verb_tokenizer_decode,
    cli_verb_key_new, cli_verb_key_ls, cli_verb_key_revoke, cli_verb_backup, cli_verb_restore,
    cli_verb_new, cli_verb_add, cli_verb_withdraw, cli_verb_set, cli_verb_ask, cli_verb_explain, cli_verb_feedback, cli_verb_improve,
    cli_verb_compare, cli_verb_promote, cli_verb_rollback, cli_verb_share, cli_verb_report, cli_verb_gc, cli_verb_console;

#endif
