/* text/template/test.c: what may stand after `is`. */
#include "text/template/builtins.h"

static ig_status type_is(const tpl_call *c, bool holds, tpl_value *out) {
    (void)c;
    *out = ig_tpl_bool(holds);
    return IG_OK;
}

/* A test on the type: v is the value at hand. */
#define TYPE_TEST(fn_name, condition)                                                                                     \
    static ig_status fn_name(tpl_run *r, const tpl_call *c, tpl_value *out) {                                             \
        tpl_value v = c->self;                                                                                            \
        (void)r;                                                                                                          \
        return type_is(c, condition, out);                                                                                \
    }

TYPE_TEST(is_defined, v.type != TPL_UNDEFINED)
TYPE_TEST(is_undefined, v.type == TPL_UNDEFINED)
TYPE_TEST(is_none, v.type == TPL_NONE)
TYPE_TEST(is_string, v.type == TPL_TEXT)
TYPE_TEST(is_number, ig_tpl_is_number(v))
TYPE_TEST(is_integer, v.type == TPL_INT)
TYPE_TEST(is_float, v.type == TPL_REAL)
TYPE_TEST(is_boolean, v.type == TPL_BOOL)
TYPE_TEST(is_true, v.type == TPL_BOOL && v.boolean)
TYPE_TEST(is_false, v.type == TPL_BOOL && !v.boolean)
TYPE_TEST(is_mapping, v.type == TPL_DICT)
TYPE_TEST(is_sequence, v.type == TPL_TEXT || ig_tpl_is_list(v) || v.type == TPL_DICT)
TYPE_TEST(is_iterable, v.type == TPL_TEXT || ig_tpl_is_list(v) || v.type == TPL_DICT || v.type == TPL_UNDEFINED)
TYPE_TEST(is_callable, v.type == TPL_CALLABLE)
TYPE_TEST(is_upper, v.type == TPL_TEXT && ig_tpl_has_case(r, v, TPL_UPPER))
TYPE_TEST(is_lower, v.type == TPL_TEXT && ig_tpl_has_case(r, v, TPL_LOWER))

static ig_status remainder_of(tpl_run *r, tpl_value v, tpl_value by, tpl_value *out) {
    return ig_tpl_binary(r, '%', v, by, out);
}

static ig_status is_odd(tpl_run *r, const tpl_call *c, tpl_value *out) {
    IG_TRY(remainder_of(r, c->self, ig_tpl_int(2), out));
    *out = ig_tpl_bool(ig_tpl_as_real(*out) == 1);
    return IG_OK;
}

static ig_status is_even(tpl_run *r, const tpl_call *c, tpl_value *out) {
    IG_TRY(remainder_of(r, c->self, ig_tpl_int(2), out));
    *out = ig_tpl_bool(ig_tpl_as_real(*out) == 0);
    return IG_OK;
}

static ig_status is_divisible(tpl_run *r, const tpl_call *c, tpl_value *out) {
    IG_TRY(remainder_of(r, c->self, *c->arg[0], out));
    *out = ig_tpl_bool(ig_tpl_as_real(*out) == 0);
    return IG_OK;
}

static ig_status is_equal(tpl_run *r, const tpl_call *c, tpl_value *out) {
    bool same;
    IG_TRY(ig_tpl_equal(r, c->self, *c->arg[0], &same));
    *out = ig_tpl_bool(same);
    return IG_OK;
}

static ig_status is_not_equal(tpl_run *r, const tpl_call *c, tpl_value *out) {
    IG_TRY(is_equal(r, c, out));
    out->boolean = !out->boolean;
    return IG_OK;
}

static ig_status is_in(tpl_run *r, const tpl_call *c, tpl_value *out) {
    bool found;
    IG_TRY(ig_tpl_contains(r, *c->arg[0], c->self, &found));
    *out = ig_tpl_bool(found);
    return IG_OK;
}

#define ORDER_TEST(fn_name, condition)                                                                                    \
    static ig_status fn_name(tpl_run *r, const tpl_call *c, tpl_value *out) {                                             \
        int order;                                                                                                        \
        IG_TRY(ig_tpl_compare(r, c->self, *c->arg[0], &order));                                                           \
        *out = ig_tpl_bool(condition);                                                                                    \
        return IG_OK;                                                                                                     \
    }

ORDER_TEST(is_greater, order > 0)
ORDER_TEST(is_less, order < 0)
ORDER_TEST(is_greater_or_equal, order >= 0)
ORDER_TEST(is_less_or_equal, order <= 0)

static const tpl_builtin tests[] = {
    {"defined", is_defined, "", 0},
    {"undefined", is_undefined, "", 0},
    {"none", is_none, "", 0},
    {"string", is_string, "", 0},
    {"number", is_number, "", 0},
    {"integer", is_integer, "", 0},
    {"float", is_float, "", 0},
    {"boolean", is_boolean, "", 0},
    {"true", is_true, "", 0},
    {"false", is_false, "", 0},
    {"mapping", is_mapping, "", 0},
    {"sequence", is_sequence, "", 0},
    {"iterable", is_iterable, "", 0},
    {"callable", is_callable, "", 0},
    {"upper", is_upper, "", 0},
    {"lower", is_lower, "", 0},
    {"odd", is_odd, "", 0},
    {"even", is_even, "", 0},
    {"divisibleby", is_divisible, "num", 1},
    {"in", is_in, "seq", 1},
    {"eq", is_equal, "other", 1},
    {"equalto", is_equal, "other", 1},
    {"==", is_equal, "other", 1},
    {"ne", is_not_equal, "other", 1},
    {"!=", is_not_equal, "other", 1},
    {"gt", is_greater, "other", 1},
    {"greaterthan", is_greater, "other", 1},
    {">", is_greater, "other", 1},
    {"lt", is_less, "other", 1},
    {"lessthan", is_less, "other", 1},
    {"<", is_less, "other", 1},
    {"ge", is_greater_or_equal, "other", 1},
    {">=", is_greater_or_equal, "other", 1},
    {"le", is_less_or_equal, "other", 1},
    {"<=", is_less_or_equal, "other", 1},
};
TPL_LIST_BUILTINS(ig_tpl_tests, tests);
