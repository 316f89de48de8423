/* cli/main.c: from the command line to a verb.  Everything else about a verb stands in its own file. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"

volatile int cli_interrupted;

/* The first Ctrl-C asks the verb to stop at a good place; the second ends the program. */
static void on_interrupt(int sig) {
    if (cli_interrupted) {
        signal(sig, SIG_DFL);
        raise(sig);
    }
    cli_interrupted = 1;
}

void cli_catch_interrupt(void) {
    struct sigaction a = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

static bool chinese_environment(void) {
    const char *names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *v = getenv(names[i]);
        if (v && *v) return strncmp(v, "zh", 2) == 0;
    }
    return false;
}

ig_status cli_context(cli *c) {
    if (c->ctx) return IG_OK;
    ig_context_opts o = {.threads = c->threads, .seed = c->seed};
    return ig_context_new(&o, &c->ctx, &c->err);
}

static int run(cli *c, int argc, char **argv) {
    int bad = cli_parse(c, argc, argv);
    if (bad) return bad;
    if (cli_flag(c, "version")) {
        printf("ingot %s\n", IG_VERSION);
        return 0;
    }
    if (cli_flag(c, "help") || !c->verb) {
        cli_help(c);
        return cli_flag(c, "help") ? 0 : 2;
    }
    if (cli_enter(c) != IG_OK) return cli_failed(c, NULL);
    return c->verb->run(c);
}

/* A closed pipe (ingot … | head) or a full disk must not look like success. */
static int flush_results(int code) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (code == 0) fprintf(stderr, "ingot: the results could not be written\n");
        return code ? code : 1;
    }
    return code;
}

int main(int argc, char **argv) {
    cli c = {.program = argc > 0 ? argv[0] : "ingot", .chinese = chinese_environment()};
    int code = flush_results(run(&c, argc, argv));
    ig_context_free(c.ctx);
    ig_free(c.more);
    ig_free(c.more_texts);
    return code;
}
