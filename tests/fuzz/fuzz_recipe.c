/* Fuzz target: a recipe from anybody.
 *
 * The input is the YAML, a line "%%", and overrides, one a line (there are none when there is no such line).  What is taken must
 * have the settings within their ranges, and must be taken again when it is written as JSON.
 */
#include <string.h>

#include "ingot/train.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OVERRIDES_MAX 8

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

static void check_ranges(const ig_recipe *r) {
    REQUIRE(r->name && r->data.train_count >= 1);
    REQUIRE((r->train.steps > 0) != (r->train.epochs > 0));
    REQUIRE(r->train.batch >= 1 && r->train.context >= 1 && r->train.accumulate >= 1);
    REQUIRE(r->optimiser.lr > 0 && r->schedule.min_lr <= r->optimiser.lr);
    REQUIRE(r->evaluate.every >= 1 && r->checkpoint.every >= 1 && r->checkpoint.keep >= 2);
    REQUIRE(!r->model.config == (r->model.from != NULL));
    REQUIRE(r->optimiser.opts.group_count == r->optimiser.groups + 1);
}

static void check_again(const ig_recipe *r) {
    ig_buf text = {.max = 1 << 24};
    ig_json j = {.out = &text};
    ig_recipe *again = NULL;
    ig_json_tree(&j, ig_doc_root(r->doc));
    REQUIRE(text.status == IG_OK);
    if (text.len <= IG_RECIPE_BYTES_MAX) REQUIRE(ig_recipe_parse(NULL, "again/r.yaml", text.data, text.len, NULL, 0, &again, NULL) == IG_OK);
    ig_recipe_free(again);
    ig_buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *mark = size ? memmem(data, size, "\n%%\n", 4) : NULL;
    size_t yaml = mark ? (size_t)(mark - data) : size, count = 0;
    char *lines = ig_strndup(mark ? (const char *)mark + 4 : "", mark ? size - yaml - 4 : 0), *rest = lines;
    const char *overrides[OVERRIDES_MAX];
    ig_recipe *r = NULL;
    ig_error err;
    for (char *line; rest && count < OVERRIDES_MAX && (line = strsep(&rest, "\n")) != NULL;)
        if (*line) overrides[count++] = line;
    if (ig_recipe_parse(NULL, "fuzz/r.yaml", (const char *)data, yaml, overrides, count, &r, &err) == IG_OK) {
        check_ranges(r);
        check_again(r);
    }
    ig_recipe_free(r);
    ig_free(lines);
    return 0;
}
