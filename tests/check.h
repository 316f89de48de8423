/* tests/check.h: what every unit test includes: cmocka, and a check that prints an ig_error when a call fails. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingot/base.h"

/* The call must succeed; prints its error otherwise.  `err` must be an ig_error of the caller's. */
#define check_ok(call)                                                                                                 \
    do {                                                                                                               \
        ig_status check_status_ = (call);                                                                              \
        if (check_status_ != IG_OK) {                                                                                  \
            char check_buf_[1200];                                                                                     \
            fail_msg("%s: %s: %s", #call, ig_status_name(check_status_), ig_error_format(&err, check_buf_, sizeof check_buf_)); \
        }                                                                                                              \
    } while (0)

/* The call must fail with this status. */
#define check_fails(call, status) assert_int_equal((call), (status))

#endif
