/* text/template/filter_value.c: filters on a single value: default, length, numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "text/template/builtins.h"

static ig_status do_default(tpl_run *r, const tpl_call *c, tpl_value *out) {
    bool missing = c->self.type == TPL_UNDEFINED || (ig_tpl_arg_bool(c, 1, false) && !ig_tpl_truth(c->self));
    (void)r;
    *out = !missing ? c->self : c->arg[0] ? *c->arg[0] : ig_tpl_text("", 0);
    return IG_OK;
}

static ig_status do_length(tpl_run *r, const tpl_call *c, tpl_value *out) {
    size_t n;
    IG_TRY(ig_tpl_count(r, c->self, &n));
    *out = ig_tpl_int((int64_t)n);
    return IG_OK;
}

static ig_status do_attr(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value name;
    IG_TRY(ig_tpl_arg_text(r, c, 0, "", &name));
    return ig_tpl_attribute(r, c->self, name.text, name.len, out);
}

/* ---- numbers ---- */

/* A number as text, "12", "-1.5e3", with spaces around it; false when it is none, or whole and not an integer. */
static bool parse_number(tpl_value v, bool whole, int64_t *integer, double *real) {
    char s[64];
    v = ig_tpl_strip(v, NULL, TPL_LEFT | TPL_RIGHT);
    if (!v.len || v.len >= sizeof s) return false;
    memcpy(s, v.text, v.len);
    s[v.len] = '\0';
    size_t sign = s[0] == '+' || s[0] == '-', digits = strspn(s + sign, "0123456789"), n = sign + digits;
    if (whole) return digits && n == v.len && ig_number_parse_int(s, integer);
    if (s[n] == '.') {
        size_t more = strspn(s + n + 1, "0123456789");
        digits += more;
        n += 1 + more;
    }
    if (digits && (s[n] == 'e' || s[n] == 'E')) {
        n += 1 + (s[n + 1] == '+' || s[n + 1] == '-');
        size_t power = strspn(s + n, "0123456789");
        if (!power) return false;
        n += power;
    }
    return digits && n == v.len && ig_number_parse(s, real);
}

static bool fits_int(double v) {
    return v > -9.2e18 && v < 9.2e18; /* false for NaN */
}

static ig_status undefined_number(tpl_run *r, tpl_value v) {
    return ig_tpl_fail(r, IG_E_FORMAT, "'%.*s' is undefined", v.len < 60 ? (int)v.len : 60, v.text);
}

static ig_status do_int(tpl_run *r, const tpl_call *c, tpl_value *out) {
    int64_t integer = 0;
    double real = 0;
    tpl_value v = c->self;
    *out = c->arg[0] ? *c->arg[0] : ig_tpl_int(0);
    if (v.type == TPL_UNDEFINED) return undefined_number(r, v);
    if (ig_tpl_is_int(v))
        *out = ig_tpl_int(ig_tpl_as_int(v));
    else if (v.type == TPL_REAL && fits_int(v.real))
        *out = ig_tpl_int((int64_t)v.real);
    else if (v.type == TPL_TEXT && parse_number(v, true, &integer, &real))
        *out = ig_tpl_int(integer);
    else if (v.type == TPL_TEXT && parse_number(v, false, &integer, &real) && fits_int(real))
        *out = ig_tpl_int((int64_t)real);
    return IG_OK;
}

static ig_status do_float(tpl_run *r, const tpl_call *c, tpl_value *out) {
    int64_t integer;
    double real;
    tpl_value v = c->self;
    *out = c->arg[0] ? *c->arg[0] : ig_tpl_real(0);
    if (v.type == TPL_UNDEFINED) return undefined_number(r, v);
    if (ig_tpl_is_number(v))
        *out = ig_tpl_real(ig_tpl_as_real(v));
    else if (v.type == TPL_TEXT && parse_number(v, false, &integer, &real))
        *out = ig_tpl_real(real);
    return IG_OK;
}

static ig_status not_a_number(tpl_run *r, const tpl_call *c) {
    return ig_tpl_fail(r, IG_E_FORMAT, "%s needs a number, not %s", c->fn->name, ig_tpl_type_name(c->self));
}

static ig_status do_abs(tpl_run *r, const tpl_call *c, tpl_value *out) {
    if (!ig_tpl_is_number(c->self)) return not_a_number(r, c);
    if (c->self.type != TPL_REAL && ig_tpl_as_int(c->self) < 0) return ig_tpl_unary(r, '-', c->self, out);
    *out = c->self.type == TPL_REAL ? ig_tpl_real(fabs(c->self.real)) : ig_tpl_int(ig_tpl_as_int(c->self));
    return IG_OK;
}

/* The decimal form rounds correctly, ties to even as Python does, where v·10^p would add an error of its own. */
static double round_decimal(double v, int digits) {
    char s[400];
    double out = v;
    if (!isfinite(v)) return v;
    if (digits < 0) {
        double unit = pow(10, -digits);
        return nearbyint(v / unit) * unit;
    }
    snprintf(s, sizeof s, "%.*f", digits, v);
    out = strtod(s, NULL); /* written and read in the same locale */
    return out;
}

static ig_status do_round(tpl_run *r, const tpl_call *c, tpl_value *out) {
    int64_t digits;
    tpl_value method;
    IG_TRY(ig_tpl_arg_int(r, c, 0, 0, &digits));
    IG_TRY(ig_tpl_arg_text(r, c, 1, "common", &method));
    if (!ig_tpl_is_number(c->self)) return not_a_number(r, c);
    if (digits < -20 || digits > 20) return ig_tpl_fail(r, IG_E_FORMAT, "round takes -20 to 20 digits");
    double v = ig_tpl_as_real(c->self), unit = pow(10, (double)digits);
    bool up = ig_tpl_is_word(method, "ceil"), down = ig_tpl_is_word(method, "floor");
    if (!up && !down && !ig_tpl_is_word(method, "common"))
        return ig_tpl_fail(r, IG_E_FORMAT, "round knows common, ceil and floor");
    if (!up && !down && ig_tpl_is_int(c->self) && digits >= 0)
        *out = ig_tpl_int(ig_tpl_as_int(c->self));
    else
        *out = ig_tpl_real(up ? ceil(v * unit) / unit : down ? floor(v * unit) / unit : round_decimal(v, (int)digits));
    return IG_OK;
}

static const tpl_builtin value_filters[] = {
    {"default", do_default, "default_value boolean", 0},
    {"d", do_default, "default_value boolean", 0},
    {"length", do_length, "", 0},
    {"count", do_length, "", 0},
    {"attr", do_attr, "name", 1},
    {"int", do_int, "default base", 0},
    {"float", do_float, "default", 0},
    {"abs", do_abs, "", 0},
    {"round", do_round, "precision method", 0},
};
TPL_LIST_BUILTINS(ig_tpl_value_filters, value_filters);
