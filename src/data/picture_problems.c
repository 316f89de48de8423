/* data/picture_problems.c: the list of what is wrong with single pictures of a set. */
#include "data/picture_set.h"

ig_status picture_problem_add(ig_picture_problems *p, bool harmless, const ig_error *error, ig_error *err) {
    if (!p) return IG_OK;
    if (p->len < IG_PROBLEMS_KEPT && p->len == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 8;
        ig_picture_problem *item = ig_realloc_array(p->item, cap, sizeof *item);
        if (!item) return ig_error_nomem(err, cap * sizeof *item);
        p->item = item, p->cap = cap;
    }
    p->count++;
    p->harmless += harmless;
    if (p->len < IG_PROBLEMS_KEPT) p->item[p->len++] = (ig_picture_problem){harmless, *error};
    return IG_OK;
}

ig_status picture_problem_at(ig_picture_problems *p, bool harmless, const char *file, int line, ig_error *err, const char *fmt,
                             ...) {
    char message[600];
    ig_error error = {0};
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    ig_error_at(&error, IG_E_FORMAT, file, line, "%s", message);
    return picture_problem_add(p, harmless, &error, err);
}

void ig_picture_problems_fini(ig_picture_problems *p) {
    ig_free(p->item);
    *p = (ig_picture_problems){0};
}
