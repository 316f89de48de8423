/* tests/net/raw.h: HTTP by hand: sockets that send exactly these bytes, and a server whose handler does what the path says. */
#ifndef TESTS_NET_RAW_H
#define TESTS_NET_RAW_H

#include "../check.h"

#include <pthread.h>
#include <stdatomic.h>

#include "ingot/net.h"

int raw_connect(int port);               /* to 127.0.0.1; fails the test when it cannot */
void raw_send(int fd, const char *text); /* all of it; a broken connection is no failure here */
void raw_send_n(int fd, const char *bytes, size_t n);
size_t raw_read(int fd, char *out, size_t size, int ms); /* what comes within ms, at most once; 0 at the end */
/* One whole answer (by Content-Length or chunks, or until the end), NUL-terminated.  Returns its status, 0 without one. */
int raw_answer(int fd, char *out, size_t size);
int raw_ask(int port, const char *request, char *out, size_t size); /* connect, send, answer, close */
const char *raw_body(const char *answer);
bool raw_ended(int fd, int ms); /* the other side closed within ms */
bool wait_for(atomic_int *value, int at_least, int ms);

/* The handler of the tests:
 *   /echo     method, path, query q, header X-Test and the body     /sleep   until gone (counts it) or ?ms
 *   /count    ten pieces of a stream                               /flood   a stream without end, until it is refused
 *   /sse      events                                                /none   returns without an answer
 *   /open     begins a stream and leaves it                         /size   length of the body */
extern atomic_int started, gone_seen, finished;
void handle(void *arg, ig_http_request *req);
ig_http_server *serve(ig_http_opts opts); /* fails the test when it does not open */

#endif
