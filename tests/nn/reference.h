/* tests/nn/reference.h: reading the committed outputs of PyTorch. */
#ifndef TESTS_NN_REFERENCE_H
#define TESTS_NN_REFERENCE_H

#include "../check.h"
#include "ingot/nn.h"

static inline ig_doc *reference_load(const char *name) {
    const char *root = getenv("INGOT_ROOT");
    char path[IG_PATH_MAX];
    ig_error err = {0};
    ig_doc *d = NULL;
    snprintf(path, sizeof path, "%s/tests/nn/%s", root ? root : ".", name);
    check_ok(ig_doc_load(path, 1 << 20, &d, &err));
    return d;
}

static inline size_t reference_numbers(const ig_tree *list, double *out, size_t max) {
    size_t n = 0;
    assert_non_null(list);
    for (const ig_tree *t = list->child; t && n < max; t = t->next) out[n++] = t->real;
    return n;
}

#endif
