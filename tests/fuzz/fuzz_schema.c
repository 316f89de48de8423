/* Fuzz target: a JSON schema from anybody, as a schema and as a tool's.
 *
 * The input is numbers for a random walk (the first 8 bytes) and the schema.  What a walk over bytes writes under the grammar must
 * be JSON; names of free keys may repeat, which is the one thing that a grammar cannot see.
 */
#include <string.h>

#include "ingot/grammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WALK_BYTES_MAX 200
#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

/* A random byte that fits; -1: none, -2: the grammar is too ambiguous. */
static int next_byte(ig_grammar_state *s, ig_rng *r) {
    uint32_t start = ig_rng_u32(r);
    for (uint32_t k = 0; k < 256; k++) {
        uint8_t byte = (uint8_t)(start + k * 37);
        bool fits;
        if (ig_grammar_accept(s, &byte, 1, &fits, NULL) != IG_OK) return -2;
        if (fits) return byte;
    }
    return -1;
}

static void check_text(const ig_buf *text) {
    ig_doc *doc = NULL;
    ig_error err = {0};
    ig_status s = ig_json_parse("walk", text->data ? text->data : "", text->len, &doc, &err);
    REQUIRE(s == IG_OK || strstr(err.message, "twice"));
    ig_doc_free(doc);
}

static void walk(const ig_grammar *g, uint64_t seed) {
    ig_grammar_state *s = NULL;
    ig_buf text = {.max = 1 << 16};
    ig_rng r;
    ig_rng_init(&r, seed, 0);
    if (ig_grammar_state_new(g, &s, NULL) != IG_OK) return;
    for (int n = 0; n < WALK_BYTES_MAX; n++) {
        if (ig_grammar_can_end(s) && ig_rng_below(&r, 4) == 0) break;
        int byte = next_byte(s, &r);
        REQUIRE(byte != -1 || ig_grammar_can_end(s));
        if (byte < 0) break;
        ig_buf_putc(&text, (char)byte);
    }
    if (ig_grammar_can_end(s)) check_text(&text);
    ig_grammar_state_free(s);
    ig_buf_fini(&text);
}

static void as_tool(const char *schema, size_t len) {
    ig_buf text = {.max = 1 << 22};
    ig_grammar *g = NULL;
    ig_buf_puts(&text, "[{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": ");
    ig_buf_append(&text, schema, len);
    ig_buf_puts(&text, "}}]");
    if (text.status == IG_OK) (void)ig_tool_grammar(text.data, text.len, IG_TOOL_AUTO, NULL, IG_TOOL_STYLE_HERMES, &g, NULL);
    ig_grammar_free(g);
    ig_buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t seed;
    ig_grammar *g = NULL;
    if (size < sizeof seed) return 0;
    memcpy(&seed, data, sizeof seed);
    const char *schema = (const char *)data + sizeof seed;
    size_t len = size - sizeof seed;
    if (ig_grammar_from_schema("fuzz.json", schema, len, &(ig_grammar_json_opts){.spaces = seed & 1}, &g, NULL) == IG_OK) walk(g, seed);
    ig_grammar_free(g);
    as_tool(schema, len);
    return 0;
}
