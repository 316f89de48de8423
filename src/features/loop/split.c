/* features/loop/split.c: which cases are for learning and which for judging.
 *
 * By the hash of the group with the feature's id as salt: the same for ever, the same in every process, and another split in
 * another feature.  A group goes as a whole, so that a paraphrase of what was learned is never what is judged by.
 * Content is always learned: what a team wrote must be answered.  Only by folds, whose versions answer nobody, is it judged by too.
 */
#include "features/loop/loop.h"

static uint64_t group_hash(const char *feature, const char *group, char use) {
    char salt[IG_STORE_ID_SIZE + 2];
    snprintf(salt, sizeof salt, "%s%c", feature, use);
    return ig_hash64(group, strlen(group), ig_hash64(salt, strlen(salt), 0));
}

static bool held_out(const char *feature, const char *group) {
    return group_hash(feature, group, 'h') % LOOP_FOLDS == 0;
}

bool loop_held_back(const char *feature, const ig_case *c) {
    return c->origin != IG_CASE_CONTENT && held_out(feature, c->group);
}

int loop_fold(const char *feature, const char *group) {
    return (int)(group_hash(feature, group, 'f') % LOOP_FOLDS);
}

bool loop_case_is_not(const ig_case *c) {
    return c->expected && strncmp(c->expected, "{\"not\"", 6) == 0;
}

bool loop_judged(const ig_case *c) {
    return c->expected && (c->confirmed || loop_case_is_not(c));
}

ig_status loop_cases_to_learn(const char *feature, const loop_cases *all, ig_case **out, size_t *count, ig_error *err) {
    size_t held = 0;
    *count = 0;
    *out = ig_malloc((all->count + 1) * sizeof **out);
    if (!*out) return ig_error_nomem(err, (all->count + 1) * sizeof **out);
    for (size_t i = 0; i < all->count; i++) held += loop_held_back(feature, &all->at[i]) && all->at[i].confirmed;
    for (size_t i = 0; i < all->count; i++)
        if (held < LOOP_HELD_OUT_MIN || !loop_held_back(feature, &all->at[i])) (*out)[(*count)++] = all->at[i];
    return IG_OK;
}
