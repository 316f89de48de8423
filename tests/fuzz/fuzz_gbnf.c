/* Fuzz target: a grammar from anybody, and a text to follow.
 *
 * The input is the grammar, a line "%%", and the text.  A grammar that is taken must be followed without a dead end: after each
 * byte some byte may come, or the text may end; bytes that may not come change nothing.
 */
#include <string.h>

#include "ingot/grammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

/* False when the grammar is too ambiguous to tell. */
static bool some_byte_fits(ig_grammar_state *s) {
    for (int c = 0; c < 256; c++) {
        ig_grammar_state *copy = NULL;
        uint8_t byte = (uint8_t)c;
        bool fits;
        REQUIRE(ig_grammar_state_copy(s, &copy, NULL) == IG_OK);
        ig_status status = ig_grammar_accept(copy, &byte, 1, &fits, NULL);
        ig_grammar_state_free(copy);
        if (status != IG_OK || fits) return true;
    }
    return false;
}

static void follow(const ig_grammar *g, const uint8_t *text, size_t n) {
    ig_grammar_state *s = NULL;
    if (ig_grammar_state_new(g, &s, NULL) != IG_OK) return;
    for (size_t i = 0; i < n && i < 64; i++) {
        bool fits, could_end = ig_grammar_can_end(s);
        if (ig_grammar_accept(s, text + i, 1, &fits, NULL) != IG_OK) break;
        if (!fits) REQUIRE(ig_grammar_can_end(s) == could_end);
        REQUIRE(ig_grammar_can_end(s) || some_byte_fits(s));
        if (ig_grammar_is_complete(s)) REQUIRE(!some_byte_fits(s));
    }
    ig_grammar_state_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *mark = size ? memmem(data, size, "\n%%\n", 4) : NULL;
    size_t len = mark ? (size_t)(mark - data) : size;
    ig_grammar *g = NULL;
    if (ig_grammar_parse("fuzz.gbnf", (const char *)data, len, &g, NULL) == IG_OK && mark) follow(g, mark + 4, size - len - 4);
    ig_grammar_free(g);
    return 0;
}
