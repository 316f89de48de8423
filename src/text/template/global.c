/* text/template/global.c: range, namespace, dict, raise_exception and strftime_now: all that a template has besides its
 * variables.  strftime_now shows the time that the caller gave; a template reads no clock.
 */
#include <string.h>
#include <time.h>

#include "text/template/builtins.h"

#define TIME_CHARS_MAX 256

static ig_status do_range(tpl_run *r, const tpl_call *c, tpl_value *out) {
    int64_t first, second, step, start = 0;
    IG_TRY(ig_tpl_arg_int(r, c, 0, 0, &first));
    IG_TRY(ig_tpl_arg_int(r, c, 1, 0, &second));
    IG_TRY(ig_tpl_arg_int(r, c, 2, 1, &step));
    int64_t stop = first;
    if (c->arg[1]) start = first, stop = second;
    if (!step) return ig_tpl_fail(r, IG_E_FORMAT, "the step of range is not 0");
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, 0, out));
    for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
        IG_TRY(ig_tpl_work(r, 1));
        IG_TRY(ig_tpl_list_add(r, *out, ig_tpl_int(i)));
        if (__builtin_add_overflow(i, step, &i)) break;
    }
    return IG_OK;
}

static ig_status put_all(tpl_run *r, tpl_value to, tpl_value from) {
    if (from.type == TPL_DICT) {
        for (size_t i = 0; i < from.dict->count; i++)
            IG_TRY(ig_tpl_dict_put(r, to, from.dict->entry[i].key, from.dict->entry[i].value));
        return IG_OK;
    }
    IG_TRY(ig_tpl_iterate(r, from, &from));
    for (size_t i = 0; i < from.list->count; i++) {
        tpl_value pair = from.list->item[i];
        if (!ig_tpl_is_list(pair) || pair.list->count != 2)
            return ig_tpl_fail(r, IG_E_FORMAT, "a dict is made of pairs, not of %s", ig_tpl_type_name(pair));
        IG_TRY(ig_tpl_dict_put(r, to, pair.list->item[0], pair.list->item[1]));
    }
    return IG_OK;
}

ig_status ig_tpl_dict_of_args(tpl_run *r, const tpl_call *c, tpl_type type, tpl_value *out) {
    IG_TRY(ig_tpl_dict_new(r, type, out));
    for (size_t i = 0; i < c->raw.count; i++) {
        const char *name = c->raw.name[i];
        if (name)
            IG_TRY(ig_tpl_dict_put(r, *out, ig_tpl_text(name, strlen(name)), c->raw.value[i]));
        else
            IG_TRY(put_all(r, *out, c->raw.value[i]));
    }
    return IG_OK;
}

static ig_status do_namespace(tpl_run *r, const tpl_call *c, tpl_value *out) {
    return ig_tpl_dict_of_args(r, c, TPL_NAMESPACE, out);
}

static ig_status do_dict(tpl_run *r, const tpl_call *c, tpl_value *out) {
    return ig_tpl_dict_of_args(r, c, TPL_DICT, out);
}

static ig_status do_raise(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value message;
    (void)out;
    IG_TRY(ig_tpl_to_text(r, *c->arg[0], &message));
    return ig_tpl_fail(r, IG_E_ARG, "%.*s", message.len < 400 ? (int)message.len : 400, message.text);
}

static ig_status do_strftime(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value format;
    char pattern[TIME_CHARS_MAX], text[TIME_CHARS_MAX];
    struct tm broken;
    time_t now = (time_t)r->limits.clock_seconds;
    IG_TRY(ig_tpl_arg_text(r, c, 0, "", &format));
    if (format.len >= sizeof pattern || memchr(format.text, '\0', format.len) || !gmtime_r(&now, &broken))
        return ig_tpl_fail(r, IG_E_FORMAT, "strftime_now cannot show this time in this format");
    memcpy(pattern, format.text, format.len);
    pattern[format.len] = '\0';
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    size_t n = plain && format.len ? strftime_l(text, sizeof text, pattern, &broken, plain) : 0;
    if (plain) freelocale(plain);
    if (!n && format.len) return ig_tpl_fail(r, IG_E_FORMAT, "strftime_now cannot show \"%.40s\"", pattern);
    size_t mark = r->text.len;
    ig_buf_append(&r->text, text, n);
    return ig_tpl_take(r, mark, out);
}

static const tpl_builtin globals[] = {
    {"range", do_range, "start stop step", 1}, {"namespace", do_namespace, NULL, 0},         {"dict", do_dict, NULL, 0},
    {"raise_exception", do_raise, "message", 1}, {"strftime_now", do_strftime, "format", 1},
};
TPL_LIST_BUILTINS(ig_tpl_globals, globals);
