/* net/address.h: what the client shares with the address rules. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

bool net_is_private_sockaddr(const struct sockaddr *a); /* true for what is neither IPv4 nor IPv6 */

#endif
