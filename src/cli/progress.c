/* cli/progress.c: one status line on stderr, rewritten in place on a terminal; else a plain line now and then.
 *
 * On a terminal the line is cut to its width, because a line that wraps cannot be rewritten.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/progress.h"

void cli_progress_begin(cli_progress *p, const cli *c) {
    *p = (cli_progress){.terminal = isatty(STDERR_FILENO) == 1, .quiet = c->quiet, .begun = ig_clock()};
    p->last = p->terminal ? 0 : p->begun - 3;
}

double cli_progress_seconds(const cli_progress *p) { return ig_clock() - p->begun; }

bool cli_progress_due(const cli_progress *p) { return !p->quiet && ig_clock() - p->last >= (p->terminal ? 0.1 : 5.0); }

static int terminal_width(void) {
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col : 80;
}

/* Bytes of `text` that fit into `columns`; characters from Hangul on count two, as they are drawn. */
static size_t fit(const char *text, int columns) {
    size_t at = 0, len = strlen(text);
    while (at < len) {
        uint32_t cp = 0;
        size_t n = ig_utf8_decode(text + at, len - at, &cp);
        columns -= cp >= 0x1100 && cp < 0xFFE8 && (cp < 0x2000 || cp >= 0x2E80) ? 2 : 1;
        if (columns < 0) break;
        at += n ? n : 1;
    }
    return at;
}

void cli_progress_status(cli_progress *p, const char *fmt, ...) {
    char text[1024];
    va_list args;
    if (p->quiet) return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    p->last = ig_clock();
    if (!p->terminal) {
        fprintf(stderr, "%s\n", text);
        return;
    }
    fprintf(stderr, "\r\033[K%.*s", (int)fit(text, terminal_width() - 1), text);
    fflush(stderr);
    p->drawn = true;
}

void cli_progress_clear(cli_progress *p) {
    if (p->drawn) fputs("\r\033[K", stderr);
    p->drawn = false;
}

void cli_progress_line(cli_progress *p, const char *fmt, ...) {
    va_list args;
    if (p->quiet) return;
    cli_progress_clear(p);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    fflush(stderr);
}
