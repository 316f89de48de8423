/* tests/net/test_address.c: loopback and private addresses, against the examples of the IANA registries. */
#include "../check.h"

#include "ingot/net.h"

static void loopback_is_only_this_machine(void **state) {
    (void)state;
    static const char *const yes[] = {"127.0.0.1", "127.255.0.9", "::1", "[::1]", "::ffff:127.0.0.1", "localhost", "LocalHost"};
    static const char *const no[] = {
        "0.0.0.0",    "::", "192.168.1.1", "10.0.0.1",        "example.com", "localhost.evil.com", "127.0.0.1.nip.io", "127.1",
        "0177.0.0.1", "",   "[127.0.0.1]", "::ffff:10.0.0.1", "*",           "128.0.0.1"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!ig_net_is_loopback(yes[i])) fail_msg("%s is loopback", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (ig_net_is_loopback(no[i])) fail_msg("%s is not loopback", no[i]);
}

static void private_is_all_but_the_public_internet(void **state) {
    (void)state;
    static const char *const yes[] = {"0.0.0.0",
                                      "10.1.2.3",
                                      "100.64.0.1",
                                      "100.127.255.255",
                                      "127.0.0.1",
                                      "169.254.169.254",
                                      "172.16.0.1",
                                      "172.31.255.255",
                                      "192.0.0.1",
                                      "192.0.2.1",
                                      "192.168.0.1",
                                      "198.18.0.1",
                                      "198.19.255.255",
                                      "198.51.100.7",
                                      "203.0.113.7",
                                      "224.0.0.1",
                                      "255.255.255.255",
                                      "::",
                                      "::1",
                                      "::ffff:10.0.0.1",
                                      "::ffff:127.0.0.1",
                                      "64:ff9b::a00:1",
                                      "64:ff9b:1::1",
                                      "100::1",
                                      "2001::1",
                                      "2001:db8::1",
                                      "2002:a00:1::",
                                      "fc00::1",
                                      "fd12::1",
                                      "fe80::1",
                                      "febf::1",
                                      "fec0::1",
                                      "ff02::1",
                                      "[::1]",
                                      "no address",
                                      ""};
    static const char *const no[] = {
        "1.1.1.1",          "8.8.8.8",    "9.255.255.255",   "11.0.0.0",        "100.63.255.255",       "100.128.0.0",
        "126.255.255.255",  "128.0.0.0",  "169.253.0.1",     "172.15.255.255",  "172.32.0.0",           "192.167.1.1",
        "198.17.255.255",   "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8",
        "64:ff9b::808:808", "2a00::1"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!ig_net_is_private(yes[i])) fail_msg("%s is private", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (ig_net_is_private(no[i])) fail_msg("%s is public", no[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_only_this_machine),
        cmocka_unit_test(private_is_all_but_the_public_internet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
