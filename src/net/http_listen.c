/* net/http_listen.c: sockets and waiting: the listening socket, who may connect, and conditions by the monotonic clock.
 *
 * The socket is opened here and given to libmicrohttpd, so that an error names the address and the port that was asked for.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "net/http.h"

#define VANISHED_MS 30000 /* unacknowledged data for so long: the machine at the other end is gone */

static int open_socket(const struct addrinfo *a) {
    int on = 1, fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int port_of(int fd) {
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &len) != 0) return -1;
    if (a.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
    return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

ig_status http_listen(const char *host, int port, int *fd, int *bound_port, ig_error *err) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    char service[16];
    if (port < 0 || port > 65535) return ig_error_set(err, IG_E_ARG, "port %d: expected 0 to 65535", port);
    snprintf(service, sizeof service, "%d", port);
    int failed = getaddrinfo(host, service, &hints, &list);
    if (failed) return ig_error_set(err, IG_E_ARG, "cannot listen on \"%s\": %s", host, gai_strerror(failed));
    *fd = -1;
    for (const struct addrinfo *a = list; a && *fd < 0; a = a->ai_next) *fd = open_socket(a);
    int saved = errno;
    freeaddrinfo(list);
    errno = saved;
    if (*fd < 0)
        return ig_error_errno(err, "cannot listen on %s port %d; choose another port, or stop what holds it", host, port);
    *bound_port = port_of(*fd);
    return IG_OK;
}

void http_address_key(const struct sockaddr *address, uint8_t key[16]) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    memset(key, 0, 16);
    if (address->sa_family == AF_INET) {
        memcpy(key, mapped, 12);
        memcpy(key + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const uint8_t *a = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
        memcpy(key, a, memcmp(a, mapped, 12) == 0 ? 16 : 8); /* a customer's line is a /64 */
    }
}

static bool is_loopback_key(const uint8_t key[16]) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, v6[16] = {0}; /* the /64 of ::1 */
    return (memcmp(key, mapped, 12) == 0 && key[12] == 127) || memcmp(key, v6, 16) == 0;
}

bool http_accept(ig_http_server *s, const struct sockaddr *address) {
    uint8_t key[16];
    int count = 0, most = s->opts.per_address_max;
    http_address_key(address, key);
    if (!most && is_loopback_key(key)) return true;
    if (!most) most = 64;
    pthread_mutex_lock(&s->lock);
    for (const http_conn *c = s->conns; c; c = c->next) count += memcmp(c->address, key, 16) == 0;
    pthread_mutex_unlock(&s->lock);
    return count < most;
}

void http_socket_setup(int fd) {
    int on = 1;
    unsigned vanished = VANISHED_MS;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &vanished, sizeof vanished);
}

bool http_cond_init(pthread_cond_t *cond) {
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0) return false;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    bool done = pthread_cond_init(cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return done;
}

bool http_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, double until) {
    double left = until - ig_clock();
    struct timespec t;
    if (left <= 0) return false;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)left;
    t.tv_nsec += (long)((left - (double)(time_t)left) * 1e9);
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    pthread_cond_timedwait(cond, lock, &t);
    return true;
}
