/* text/template/builtins.c: finding filters, tests, globals and methods by name. */
#include "text/template/builtins.h"

#include <string.h>

static const tpl_builtin_list *const filters[] = {&ig_tpl_value_filters, &ig_tpl_text_filters, &ig_tpl_list_filters,
                                                  &ig_tpl_order_filters};
#define FILTER_LISTS (sizeof filters / sizeof *filters)

static const tpl_builtin *find(const tpl_builtin_list *list, const char *name, size_t n) {
    for (size_t i = 0; i < list->count; i++) {
        if (strlen(list->item[i].name) == n && memcmp(list->item[i].name, name, n) == 0) return &list->item[i];
    }
    return NULL;
}

const tpl_builtin *ig_tpl_find_filter(const char *name, size_t n) {
    const tpl_builtin *found = NULL;
    for (size_t i = 0; i < FILTER_LISTS && !found; i++) found = find(filters[i], name, n);
    return found;
}

/* For "did you mean"; NULL when nothing is near. */
const char *ig_tpl_nearest_filter(const char *name) {
    const char *nearest = NULL;
    int best = 3;
    for (size_t i = 0; i < FILTER_LISTS; i++) {
        for (size_t k = 0; k < filters[i]->count; k++) {
            int distance = ig_edit_distance(name, filters[i]->item[k].name, best);
            if (distance >= best) continue;
            best = distance;
            nearest = filters[i]->item[k].name;
        }
    }
    return nearest;
}

const tpl_builtin *ig_tpl_find_test(const char *name, size_t n) {
    return find(&ig_tpl_tests, name, n);
}

const tpl_builtin *ig_tpl_find_global(const char *name, size_t n) {
    return find(&ig_tpl_globals, name, n);
}

const tpl_builtin *ig_tpl_find_method(tpl_value owner, const char *name, size_t n) {
    const tpl_builtin_list *list = owner.type == TPL_TEXT   ? &ig_tpl_text_methods
                                   : owner.type == TPL_DICT ? &ig_tpl_dict_methods
                                   : owner.type == TPL_LIST ? &ig_tpl_list_methods
                                   : owner.type == TPL_LOOP ? &ig_tpl_loop_methods
                                                            : NULL;
    return list ? find(list, name, n) : NULL;
}
