/* net/address.c: which addresses are only this machine, and which are not the public internet.
 *
 * Reference: the IANA registries of special-purpose addresses (RFC 6890 and its updates).  Names are never resolved here: the
 * client checks the address that it connects to, after resolution.  What cannot be read counts as not loopback and as private,
 * which is the careful answer to both questions.
 */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "ingot/net.h"

typedef struct range {
    uint8_t bytes[16];
    int bits;
} range;

static const range private4[] = {
    {{0}, 8},        {{10}, 8},            {{100, 64}, 10},      {{127}, 8},          {{169, 254}, 16},
    {{172, 16}, 12}, {{192, 0, 0}, 24},    {{192, 0, 2}, 24},    {{192, 88, 99}, 24}, {{192, 168}, 16},
    {{198, 18}, 15}, {{198, 51, 100}, 24}, {{203, 0, 113}, 24},  {{224}, 4},          {{240}, 4},
};

static const range private6[] = {
    {{0}, 96},                            /* unspecified, loopback, IPv4-compatible */
    {{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48}, /* local translation */
    {{0x01, 0x00}, 64},                   /* discard */
    {{0x20, 0x01, 0x00}, 23},             /* protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation */
    {{0x20, 0x02}, 16},                   /* 6to4, which carries any IPv4 */
    {{0x3f, 0xff}, 20},                   /* documentation */
    {{0xfc}, 7},                          /* unique local */
    {{0xfe, 0x80}, 10},                   /* link-local */
    {{0xfe, 0xc0}, 10},                   /* site-local */
    {{0xff}, 8},                          /* multicast */
};

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};
static const uint8_t nat64_prefix[12] = {0x00, 0x64, 0xff, 0x9b};

static bool in_range(const uint8_t *address, const range *r) {
    int whole = r->bits / 8, rest = r->bits % 8;
    if (memcmp(address, r->bytes, (size_t)whole) != 0) return false;
    return !rest || ((address[whole] ^ r->bytes[whole]) >> (8 - rest)) == 0;
}

static bool is_private4(const uint8_t a[4]) {
    for (size_t i = 0; i < sizeof private4 / sizeof *private4; i++)
        if (in_range(a, &private4[i])) return true;
    return false;
}

static bool is_private6(const uint8_t a[16]) {
    if (memcmp(a, mapped_prefix, 12) == 0 || memcmp(a, nat64_prefix, 12) == 0) return is_private4(a + 12);
    for (size_t i = 0; i < sizeof private6 / sizeof *private6; i++)
        if (in_range(a, &private6[i])) return true;
    return false;
}

bool net_is_private_sockaddr(const struct sockaddr *a) {
    if (a->sa_family == AF_INET) return is_private4((const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr);
    if (a->sa_family == AF_INET6) return is_private6(((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr);
    return true;
}

/* 4 or 6 when it is a numeric address, with or without brackets; else 0. */
static int read_address(const char *text, uint8_t out[16]) {
    char plain[INET6_ADDRSTRLEN + 1];
    size_t len = strlen(text);
    bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    if (bracketed) text++, len -= 2;
    if (len >= sizeof plain) return 0;
    memcpy(plain, text, len);
    plain[len] = '\0';
    if (inet_pton(AF_INET6, plain, out) == 1) return 6;
    return !bracketed && inet_pton(AF_INET, plain, out) == 1 ? 4 : 0;
}

bool ig_net_is_loopback(const char *host) {
    static const uint8_t loopback6[16] = {[15] = 1};
    uint8_t a[16];
    if (strcasecmp(host, "localhost") == 0) return true;
    int version = read_address(host, a);
    if (version == 4) return a[0] == 127;
    return version == 6 && (memcmp(a, loopback6, 16) == 0 || (memcmp(a, mapped_prefix, 12) == 0 && a[12] == 127));
}

bool ig_net_is_private(const char *address) {
    uint8_t a[16];
    int version = read_address(address, a);
    return version == 4 ? is_private4(a) : version == 6 ? is_private6(a) : true;
}
