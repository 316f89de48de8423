/* text/template/builtins.h: the lists of functions that the language brings, one for each file that holds some. */
#ifndef TEXT_TEMPLATE_BUILTINS_H
#define TEXT_TEMPLATE_BUILTINS_H

#include "text/template/run.h"

typedef struct tpl_builtin_list {
    const tpl_builtin *item;
    size_t count;
} tpl_builtin_list;

#define TPL_LIST_BUILTINS(name, array) const tpl_builtin_list name = {array, sizeof(array) / sizeof *(array)}

extern const tpl_builtin_list ig_tpl_value_filters, ig_tpl_text_filters, ig_tpl_list_filters, ig_tpl_order_filters;
extern const tpl_builtin_list ig_tpl_tests, ig_tpl_globals;
extern const tpl_builtin_list ig_tpl_text_methods, ig_tpl_dict_methods, ig_tpl_list_methods, ig_tpl_loop_methods;

/* {"name": value, …} of the arguments, as dict( ) and namespace( ) take them. */
ig_status ig_tpl_dict_of_args(tpl_run *r, const tpl_call *c, tpl_type type, tpl_value *out);
/* method and filter share these */
ig_status ig_tpl_do_join(tpl_run *r, tpl_value list, tpl_value between, const tpl_value *attribute, bool convert,
                         tpl_value *out);
ig_status ig_tpl_do_items(tpl_run *r, const tpl_call *c, tpl_value *out);

#endif
