/* text/template/operator.c: + - * / // % ** ~ on two values, and signs.
 *
 * Integers have 64 bits: where Python would go on to larger ones, this is an error that says so.  / always gives a float;
 * // and % round towards minus infinity, so that the sign of a % b is that of b.
 */
#include <math.h>
#include <string.h>

#include "text/template/run.h"

static ig_status no_operator(tpl_run *r, unsigned op, tpl_value a, tpl_value b) {
    tpl_value u = a.type == TPL_UNDEFINED ? a : b;
    if (u.type == TPL_UNDEFINED)
        return ig_tpl_fail(r, IG_E_FORMAT, "'%.*s' is undefined", u.len < 60 ? (int)u.len : 60, u.text);
    char name[3] = {(char)(op >> 8 ? op >> 8 : op), (char)(op >> 8 ? op & 255 : 0), '\0'};
    return ig_tpl_fail(r, IG_E_FORMAT, "'%s' does not work on %s and %s", name, ig_tpl_type_name(a), ig_tpl_type_name(b));
}

static ig_status too_large(tpl_run *r) {
    return ig_tpl_fail(r, IG_E_FORMAT, "a result of more than 64 bits");
}

/* ---- numbers ---- */

static ig_status int_power(tpl_run *r, int64_t base, int64_t exponent, int64_t *out) {
    *out = 1;
    while (exponent > 0) {
        if ((exponent & 1) && __builtin_mul_overflow(*out, base, out)) return too_large(r);
        exponent >>= 1;
        if (exponent && __builtin_mul_overflow(base, base, &base)) return too_large(r);
    }
    return IG_OK;
}

static ig_status int_divide(tpl_run *r, unsigned op, int64_t a, int64_t b, int64_t *out) {
    if (a == INT64_MIN && b == -1) {
        *out = 0;
        return op == '%' ? IG_OK : too_large(r);
    }
    int64_t quotient = a / b, rest = a % b;
    if (rest && (rest < 0) != (b < 0)) {
        quotient--;
        rest += b;
    }
    *out = op == '%' ? rest : quotient;
    return IG_OK;
}

static ig_status int_operator(tpl_run *r, unsigned op, int64_t a, int64_t b, tpl_value *out) {
    int64_t v = 0;
    bool overflow = false;
    switch (op) {
    case '+': overflow = __builtin_add_overflow(a, b, &v); break;
    case '-': overflow = __builtin_sub_overflow(a, b, &v); break;
    case '*': overflow = __builtin_mul_overflow(a, b, &v); break;
    case TPL_OP2('*', '*'): IG_TRY(int_power(r, a, b, &v)); break;
    default: IG_TRY(int_divide(r, op, a, b, &v));
    }
    *out = ig_tpl_int(v);
    return overflow ? too_large(r) : IG_OK;
}

static double real_modulo(double a, double b) {
    double rest = fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static ig_status real_operator(tpl_run *r, unsigned op, double a, double b, tpl_value *out) {
    double v = 0;
    switch (op) {
    case '+': v = a + b; break;
    case '-': v = a - b; break;
    case '*': v = a * b; break;
    case '/': v = a / b; break;
    case '%': v = real_modulo(a, b); break;
    case TPL_OP2('/', '/'): v = floor(a / b); break;
    default:
        v = pow(a, b);
        if (!isfinite(v) && isfinite(a) && isfinite(b)) return ig_tpl_fail(r, IG_E_FORMAT, "this power is no float");
    }
    *out = ig_tpl_real(v);
    return IG_OK;
}

static ig_status number_operator(tpl_run *r, unsigned op, tpl_value a, tpl_value b, tpl_value *out) {
    bool divides = op == '/' || op == '%' || op == TPL_OP2('/', '/');
    if (divides && ig_tpl_as_real(b) == 0) return ig_tpl_fail(r, IG_E_FORMAT, "a division by zero");
    bool whole = ig_tpl_is_int(a) && ig_tpl_is_int(b) && op != '/';
    if (whole && !(op == TPL_OP2('*', '*') && ig_tpl_as_int(b) < 0))
        return int_operator(r, op, ig_tpl_as_int(a), ig_tpl_as_int(b), out);
    return real_operator(r, op, ig_tpl_as_real(a), ig_tpl_as_real(b), out);
}

/* ---- text and lists ---- */

static ig_status join_text(tpl_run *r, tpl_value a, tpl_value b, tpl_value *out) {
    size_t n;
    char *joined;
    if (!ig_add_size(a.len, b.len, &n)) return ig_tpl_fail(r, IG_E_LIMIT, "a text that is too long");
    IG_TRY(ig_tpl_work(r, n / 64));
    IG_TRY(ig_tpl_alloc(r, n, 1, &joined));
    if (a.len) memcpy(joined, a.text, a.len);
    if (b.len) memcpy(joined + a.len, b.text, b.len);
    *out = ig_tpl_text(joined, n);
    return IG_OK;
}

static ig_status join_lists(tpl_run *r, tpl_value a, tpl_value b, tpl_value *out) {
    size_t n = a.list->count + b.list->count;
    IG_TRY(ig_tpl_work(r, n / 16));
    IG_TRY(ig_tpl_list_new(r, a.type, n, out));
    tpl_list *list = out->list;
    if (a.list->count) memcpy(list->item, a.list->item, a.list->count * sizeof *list->item);
    if (b.list->count) memcpy(list->item + a.list->count, b.list->item, b.list->count * sizeof *list->item);
    list->count = n;
    return IG_OK;
}

static ig_status repeat(tpl_run *r, tpl_value v, int64_t times, tpl_value *out) {
    size_t count = times > 0 ? (size_t)times : 0, size, unit = v.type == TPL_TEXT ? v.len : v.list->count;
    if (!ig_mul_size(unit, count, &size)) return ig_tpl_fail(r, IG_E_LIMIT, "a repetition that is too long");
    if (!unit) count = 0;
    IG_TRY(ig_tpl_work(r, size / 64 > count ? size / 64 : count));
    if (v.type != TPL_TEXT) {
        IG_TRY(ig_tpl_list_new(r, v.type, size, out));
        for (size_t i = 0; i < count; i++) memcpy(out->list->item + i * unit, v.list->item, unit * sizeof *v.list->item);
        out->list->count = size;
        return IG_OK;
    }
    char *text;
    IG_TRY(ig_tpl_alloc(r, size, 1, &text));
    for (size_t i = 0; i < count; i++) memcpy(text + i * unit, v.text, unit);
    *out = ig_tpl_text(text, size);
    return IG_OK;
}

ig_status ig_tpl_binary(tpl_run *r, unsigned op, tpl_value a, tpl_value b, tpl_value *out) {
    if (op == '~') {
        IG_TRY(ig_tpl_to_text(r, a, &a));
        IG_TRY(ig_tpl_to_text(r, b, &b));
        return join_text(r, a, b, out);
    }
    if (ig_tpl_is_number(a) && ig_tpl_is_number(b)) return number_operator(r, op, a, b, out);
    bool text = a.type == TPL_TEXT, list = ig_tpl_is_list(a);
    if (op == '+' && a.type == b.type && text) return join_text(r, a, b, out);
    if (op == '+' && a.type == b.type && list) return join_lists(r, a, b, out);
    if (op == '*' && (text || list) && ig_tpl_is_int(b)) return repeat(r, a, ig_tpl_as_int(b), out);
    if (op == '*' && (b.type == TPL_TEXT || ig_tpl_is_list(b)) && ig_tpl_is_int(a)) return repeat(r, b, ig_tpl_as_int(a), out);
    return no_operator(r, op, a, b);
}

ig_status ig_tpl_unary(tpl_run *r, unsigned op, tpl_value a, tpl_value *out) {
    if (!ig_tpl_is_number(a)) return no_operator(r, op, ig_tpl_int(0), a);
    if (a.type != TPL_REAL) return int_operator(r, op, 0, ig_tpl_as_int(a), out);
    *out = ig_tpl_real(op == '-' ? -a.real : a.real);
    return IG_OK;
}
