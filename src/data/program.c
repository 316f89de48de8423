/* data/program.c: spawn, read until the program closes its output, wait for it.
 *
 * Its input is a file in memory rather than a second pipe, so that neither side can wait for the other, and a reader that seeks
 * finds one.  The bounds of memory and time are set on the child from here: between fork and exec hardly anything may be done.
 */
#include "data/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static ig_status make_input(const char *file, const void *bytes, size_t len, int *fd, ig_error *err) {
    *fd = memfd_create("ingot-input", MFD_CLOEXEC);
    if (*fd < 0) return ig_error_errno_at(err, file, "cannot be copied for another program");
    const char *s = bytes;
    while (len) {
        ssize_t n = write(*fd, s, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return ig_error_errno_at(err, file, "cannot be copied for another program");
        s += n, len -= (size_t)n;
    }
    if (lseek(*fd, 0, SEEK_SET) == 0) return IG_OK;
    return ig_error_errno_at(err, file, "cannot be copied for another program");
}

static ig_status spawn(const char *file, const char *const argv[], int in, int out, pid_t *pid, ig_error *err) {
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) return ig_error_nomem(err, 0);
    int bad = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (!bad) bad = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (!bad) bad = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!bad) bad = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (!bad) bad = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    errno = bad;
    return bad ? ig_error_errno_at(err, file, "the program %s cannot be started", argv[0]) : IG_OK;
}

static void bound(pid_t pid, const program_bounds *b) {
    rlim_t seconds = (rlim_t)b->seconds + 1;
    (void)prlimit(pid, RLIMIT_AS, &(struct rlimit){b->memory, b->memory}, NULL);
    (void)prlimit(pid, RLIMIT_CPU, &(struct rlimit){seconds, seconds}, NULL);
    (void)prlimit(pid, RLIMIT_CORE, &(struct rlimit){0, 0}, NULL);
}

static ig_status collect(const char *file, const char *program, int fd, double seconds, ig_buf *out, ig_error *err) {
    double until = ig_clock() + seconds, left;
    char piece[16384];
    while ((left = until - ig_clock()) > 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, (int)(left * 1000) + 1);
        ssize_t n = ready > 0 ? read(fd, piece, sizeof piece) : ready;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return ig_error_errno_at(err, file, "the output of %s cannot be read", program);
        if (ready > 0 && n == 0) return IG_OK;
        ig_buf_append(out, piece, (size_t)n);
        if (out->status == IG_E_LIMIT)
            return ig_error_at(err, IG_E_LIMIT, file, 0, "%s makes more than %zu bytes of it", program, out->max);
        IG_TRY(ig_buf_status(out, err));
    }
    return ig_error_at(err, IG_E_LIMIT, file, 0, "%s takes longer than %g seconds for it", program, seconds);
}

/* One that closed its output is about to end; one that went on without it is killed. */
static ig_status await(const char *file, const char *program, pid_t pid, double seconds, int *code, ig_error *err) {
    double until = ig_clock() + seconds;
    int status;
    pid_t ended;
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && ig_clock() < until) poll(NULL, 0, 1);
    if (ended == 0) {
        kill(pid, SIGKILL);
        do ended = waitpid(pid, &status, 0);
        while (ended < 0 && errno == EINTR);
    }
    if (ended < 0) return ig_error_errno_at(err, file, "the end of %s cannot be waited for", program);
    *code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return IG_OK;
}

static ig_status run(const char *file, const char *const argv[], int in, const program_bounds *bounds, ig_buf *out, int *code,
                     ig_error *err) {
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0) return ig_error_errno_at(err, file, "no pipe to %s can be made", argv[0]);
    ig_status status = spawn(file, argv, in, ends[1], &pid, err);
    close(ends[1]);
    if (status == IG_OK) {
        bound(pid, bounds);
        status = collect(file, argv[0], ends[0], bounds->seconds, out, err);
        if (status != IG_OK) kill(pid, SIGKILL);
        ig_status waited = await(file, argv[0], pid, 1, code, status == IG_OK ? err : NULL);
        if (status == IG_OK) status = waited;
    }
    close(ends[0]);
    return status;
}

ig_status program_run(const char *file, const char *const argv[], const void *bytes, size_t len, const program_bounds *bounds,
                      ig_buf *out, int *code, ig_error *err) {
    int in = -1;
    ig_status status = make_input(file, bytes, len, &in, err);
    if (status == IG_OK) status = run(file, argv, in, bounds, out, code, err);
    if (in >= 0) close(in);
    return status;
}
