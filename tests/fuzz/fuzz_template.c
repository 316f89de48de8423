/* Fuzz target: a chat template from anybody, and the variables of a request from anybody.
 *
 * The input is the template, a line "%%", and variables as JSON (a small conversation when there is no such line).  What
 * parses must render or say why not, within small limits, and twice to the same text.
 */
#include <string.h>

#include "ingot/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

static const char conversation[] =
    "{\"messages\": [{\"role\": \"system\", \"content\": \"\xe4\xbd\xa0 s\"}, {\"role\": \"user\", \"content\": \" a b \"},"
    "{\"role\": \"assistant\", \"content\": null,"
    " \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": {\"x\": 1.5}}}]}],"
    "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\"}}],"
    " \"add_generation_prompt\": true, \"bos_token\": \"<s>\"}";

static void render_twice(const ig_template *t, const ig_tree *variables) {
    ig_template_limits limits = {.depth = 100, .steps = 20000, .memory_bytes = 1 << 20, .output_bytes = 1 << 16};
    limits.has_clock = true;
    ig_buf first = {.max = 1 << 17}, second = {.max = 1 << 17};
    ig_error err;
    ig_status status = ig_template_render(t, variables, &limits, &first, &err);
    REQUIRE(ig_template_render(t, variables, &limits, &second, &err) == status);
    REQUIRE(status == IG_OK || first.len == 0);
    REQUIRE(first.len == second.len && (!first.len || !memcmp(first.data, second.data, first.len)));
    REQUIRE(ig_utf8_valid(first.data ? first.data : "", first.len));
    ig_buf_fini(&first);
    ig_buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *mark = size ? memmem(data, size, "\n%%\n", 4) : NULL;
    size_t len = mark ? (size_t)(mark - data) : size;
    const char *json = mark ? (const char *)mark + 4 : conversation;
    size_t json_len = mark ? size - len - 4 : sizeof conversation - 1;
    ig_template *t;
    ig_doc *doc;
    ig_error err;
    if (ig_template_parse("fuzz", (const char *)data, len, &t, &err) != IG_OK) return 0;
    if (ig_json_parse("variables", json, json_len, &doc, &err) == IG_OK) {
        const ig_tree *root = ig_doc_root(doc);
        if (root && root->type == IG_TREE_MAP) render_twice(t, root);
        ig_doc_free(doc);
    }
    ig_template_free(t);
    return 0;
}
