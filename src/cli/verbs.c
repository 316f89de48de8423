/* cli/verbs.c: the verbs, in the order of the help.  A new verb is a file of its own and a row here. */
#include "cli/verbs.h"

const cli_verb *const cli_verbs[] = {
    &cli_verb_init,
    &cli_verb_train,
    &cli_verb_run,
    &cli_verb_chat,
    &cli_verb_serve,
    &cli_verb_embed,
    &cli_verb_eval,
    &cli_verb_show,
    &cli_verb_ls,
    &cli_verb_rm,
    &cli_verb_tokenizer_train,
    &cli_verb_tokenizer_encode,
    &cli_verb_tokenizer_decode,
    &cli_verb_key_new,
    &cli_verb_key_ls,
    &cli_verb_key_revoke,
    &cli_verb_backup,
    &cli_verb_restore,
    NULL,
};
