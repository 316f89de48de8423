/* tests/features/echo_kind/echo.h: a kind small enough to be seen through, for tests of the loop.
 *
 * A question's first word is its topic; the version is a table topic -> answer, by the greatest sum of weights among the cases
 * of the topic.  So what is said about one question teaches the others of its topic, also those of another fold.
 */
#ifndef TESTS_ECHO_H
#define TESTS_ECHO_H

#include "ingot/features.h"

extern const ig_kind echo_kind;

#endif
