/* Fuzz target: preparation.json.  What is read can be written, read again to the same text, and applied within its sizes. */
#include <string.h>

#include "ingot/tabular.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                  \
    do {                                    \
        if (!(condition)) __builtin_trap(); \
    } while (0)

static void apply(const ig_preparation *p) {
    static const char *const objects[] = {"{}", "{\"age\": 3.5, \"job\": \"b\", \"when\": \"2026-02-28 23:59\", \"note\": \"x\"}",
                                          "{\"age\": null, \"job\": 7, \"when\": null, \"note\": null, \"y\": \"b\"}"};
    size_t d = ig_preparation_numbers(p), f = ig_preparation_indices(p), s = ig_preparation_texts(p);
    float *numbers = ig_calloc(d + 1, sizeof *numbers);
    int32_t *indices = ig_calloc(f + 1, sizeof *indices);
    const char **texts = ig_calloc(s + 1, sizeof *texts);
    double label;
    REQUIRE(numbers && indices && texts);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        ig_doc *doc;
        ig_error err = {0};
        const ig_prepared_row out = {numbers, indices, texts, &label};
        REQUIRE(ig_json_parse("row", objects[i], strlen(objects[i]), &doc, &err) == IG_OK);
        if (ig_preparation_object(p, "row", ig_doc_root(doc), &out, &err) == IG_OK)
            for (size_t k = 0; k < f; k++) REQUIRE(indices[k] >= 0 && (size_t)indices[k] < ig_preparation_vocabulary(p, k));
        ig_doc_free(doc);
    }
    ig_free(numbers), ig_free(indices), ig_free(texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ig_preparation *p, *again;
    ig_error err = {0};
    ig_buf once = {.max = 64 << 20}, twice = {.max = 64 << 20};
    if (ig_preparation_parse("fuzz", (const char *)data, size, &p, &err) != IG_OK) return 0;
    REQUIRE(ig_preparation_json(p, &once, &err) == IG_OK);
    REQUIRE(ig_preparation_parse("again", once.data, once.len, &again, &err) == IG_OK);
    REQUIRE(ig_preparation_json(again, &twice, &err) == IG_OK);
    REQUIRE(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    apply(again);
    ig_preparation_free(p), ig_preparation_free(again);
    ig_buf_fini(&once), ig_buf_fini(&twice);
    return 0;
}
