/* Fuzz target: files of texts with labels, and of tokens with tags.
 *
 * The first byte chooses: 't' tags, else a table, whose bits say what is needed and how it is read.  What is read must hold
 * what
 * ingot/text_rows.h and train/tag_rows.h promise, and the split must keep every row once.
 */
#include <string.h>

#include "ingot/text_rows.h"
#include "train/tag_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                  \
    do {                                    \
        if (!(condition)) __builtin_trap(); \
    } while (0)

static void check_tags(const char *text, size_t len) {
    tag_rows x = {0};
    ig_problems problems = {0};
    tag_spans s = {0};
    size_t kept = 0, words = 0;
    if (tag_rows_parse("tags", text, len, &x, &problems, NULL) == IG_OK && tag_rows_split(&x, 0.5, &kept, NULL) == IG_OK) {
        REQUIRE(kept <= x.count && (kept > 0 || x.count == 0));
        for (size_t i = 0; i < x.count; i++) {
            int32_t tags[64];
            words += x.row[i].count;
            REQUIRE(x.row[i].count > 0 && x.row[i].line > 0);
            size_t n = x.row[i].count < 64 ? x.row[i].count : 64;
            for (size_t k = 0; k < n; k++) tags[k] = x.word[x.row[i].at + k].tag;
            tag_spans_count(&s, x.tag, tags, tags, n);
        }
        REQUIRE(words == x.words && s.right == s.are && s.are == s.said);
    }
    tag_rows_fini(&x);
    ig_problems_fini(&problems);
}

static void check_rows(unsigned how, const void *bytes, size_t len) {
    ig_text_rows x = {0};
    ig_classes c = {0};
    ig_problems problems = {0};
    size_t kept = 0;
    ig_text_rows_opts o = {.needs = (how & 7) | 1u << IG_TEXT_FIRST, .may = 1u << IG_TEXT_SECOND, .no_header = how >> 5 & 1,
                           .no_quotes = how >> 6 & 1};
    if (how >> 3 & 1) o.needs |= 1u << IG_TEXT_LABEL;
    if (ig_text_rows_parse("rows", bytes, len, &o, &x, &problems, NULL) == IG_OK && ig_text_rows_split(&x, 0.3, &kept,
        NULL) == IG_OK && x.count) {
        REQUIRE(kept > 0 && kept <= x.count);
        for (size_t i = 0; i < x.count; i++) REQUIRE(*ig_text_rows_get(&x, i, IG_TEXT_FIRST) && x.row[i].line > 0);
        REQUIRE(ig_classes_of_rows(&x, x.count, &c, NULL) == IG_OK && ig_text_rows_classify(&x, &c, &problems, NULL) == IG_OK);
        for (size_t i = 0; i < x.count; i++)
            REQUIRE(x.row[i].label >= 0 && strcmp(c.name[x.row[i].label], ig_text_rows_get(&x, i, IG_TEXT_LABEL)) == 0);
    }
    ig_classes_fini(&c);
    ig_text_rows_fini(&x);
    ig_problems_fini(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    if (*data == 't') check_tags((const char *)data + 1, size - 1);
    else check_rows(*data, data + 1, size - 1);
    return 0;
}
