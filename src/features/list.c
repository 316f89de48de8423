/* features/list.c: the kinds of features that this build has.  A new kind is a folder under features/ and a line here. */
#include <string.h>

#include "features/list.h"

const ig_kind *const ig_kinds[] = {&ig_kind_support, NULL};

const ig_kind *ig_kind_find(const ig_kind *const *kinds, const char *name) {
    for (; *kinds; kinds++)
        if (strcmp((*kinds)->name, name) == 0) return *kinds;
    return NULL;
}
