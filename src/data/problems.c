/* data/problems.c: the list of what is wrong with a file of examples. */
#include <stdarg.h>

#include "data/conversation.h"

static const struct {
    const char *name, *words;
    bool harmless;
} kinds[] = {
#define ROW(upper, lower, skip, text) [IG_PROBLEM_##upper] = {#lower, text, skip},
    IG_PROBLEMS(ROW)
#undef ROW
};

const char *ig_problem_name(ig_problem_kind kind) { return kinds[kind].name; }
const char *ig_problem_words(ig_problem_kind kind) { return kinds[kind].words; }
bool ig_problem_is_harmless(ig_problem_kind kind) { return kinds[kind].harmless; }

static bool grow(ig_problems *p) {
    if (p->len < p->cap) return true;
    size_t cap = p->cap ? 2 * p->cap : 16;
    ig_problem *item = ig_realloc_array(p->item, cap, sizeof *item);
    if (!item) return false;
    p->item = item, p->cap = cap;
    return true;
}

bool row_problem(row_reader *r, ig_problem_kind kind, const char *fmt, ...) {
    ig_problems *p = r->problems;
    p->count++;
    p->harmless += kinds[kind].harmless;
    if (p->len == IG_PROBLEMS_MAX) return false;
    if (!grow(p)) {
        r->status = ig_error_nomem(r->err, p->cap * sizeof *p->item);
        return false;
    }
    ig_problem *one = &p->item[p->len++];
    *one = (ig_problem){.kind = kind, .file = r->file, .line = r->line};
    va_list args;
    va_start(args, fmt);
    vsnprintf(one->detail, sizeof one->detail, fmt, args);
    va_end(args);
    return false;
}

void ig_problems_fini(ig_problems *p) {
    ig_free(p->item);
    *p = (ig_problems){0};
}
