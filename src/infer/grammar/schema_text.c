/* infer/grammar/schema_text.c: strings: lengths, and formats as patterns.
 *
 * Dates are exact, leap years too (the years 1000 to 9999); what a validator would accept beyond a pattern here (a leap
 * second, a quoted part of an e-mail address) is never let through, what is let through is accepted.
 */
#include <string.h>

#include "infer/grammar/json_form.h"

#define YEAR "[1-9]\\d\\d\\d"
#define LEAP_YEAR "([1-9]\\d(0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)"
#define DAY_OF_MONTH "((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))"
#define DATE "(" YEAR "-" DAY_OF_MONTH "|" LEAP_YEAR "-02-29)"
#define TIME "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)"
#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define BYTE "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define H "[0-9A-Fa-f]{1,4}"
#define N "\\d{1,9}" /* digits of a duration */
#define TIME_SPAN "T(" N "H(" N "M(" N "S)?)?|" N "M(" N "S)?|" N "S)"
#define DAY_SPAN "(" N "Y(" N "M(" N "D)?)?|" N "M(" N "D)?|" N "D)"

static const struct {
    const char *name, *pattern;
} formats[] = {
    {"date", "^" DATE "$"},
    {"time", "^" TIME "$"},
    {"date-time", "^" DATE "T" TIME "$"},
    {"duration", "^P(" DAY_SPAN "(" TIME_SPAN ")?|" TIME_SPAN "|" N "W)$"}, /* RFC 3339, appendix A */
    {"email", "^[A-Za-z0-9_+-]{1,30}(\\.[A-Za-z0-9_+-]{1,15}){0,2}@" LABEL "(\\." LABEL "){1,2}$"},
    {"hostname", "^" LABEL "(\\." LABEL "){0,2}$"},
    {"ipv4", "^" BYTE "(\\." BYTE "){3}$"},
    {"ipv6",
     "^((" H ":){7}" H "|::|(" H ":){1,7}:|(" H ":){1,6}:" H "|(" H ":){1,5}(:" H "){2}|(" H ":){1,4}(:" H "){3}"
     "|(" H ":){1,3}(:" H "){4}|(" H ":){1,2}(:" H "){5}|" H ":(:" H "){6}|:(:" H "){1,7})$"},
    {"uuid", "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"},
};

static gr_frag quoted(gr_builder *b, gr_frag f) {
    return gr_seq(b, gr_seq(b, gr_literal(b, "\"", 1), f), gr_literal(b, "\"", 1));
}

static gr_frag by_format(gr_json *j, const gr_job *at, const ig_tree *format) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats && format->type == IG_TREE_TEXT; i++)
        if (strcmp(format->text, formats[i].name) == 0)
            return gr_pattern(j, at, format, formats[i].pattern, strlen(formats[i].pattern));
    gr_schema_refuse(j, at, format,
                     "must be date, time, date-time, duration, email, hostname, ipv4, ipv6 or uuid; others are not supported");
    return (gr_frag){0, 0};
}

gr_frag gr_schema_text(gr_json *j, const gr_job *at) {
    gr_builder *b = &j->b;
    const ig_tree *pattern = ig_tree_get(at->schema, "pattern"), *format = ig_tree_get(at->schema, "format");
    uint32_t min = gr_schema_count(j, at, at->schema, "minLength", 0);
    uint32_t max = gr_schema_count(j, at, at->schema, "maxLength", GR_UNBOUNDED);
    if (b->status != IG_OK) return (gr_frag){0, 0};
    if (min > max) gr_schema_wrong(j, at, at->schema, "must be longer than it may be");
    else if (pattern && pattern->type != IG_TREE_TEXT) gr_schema_wrong(j, at, pattern, "must be text");
    else if (pattern && format) gr_schema_refuse(j, at, format, "beside \"pattern\" is not supported");
    else if ((pattern || format) && (min > 0 || max != GR_UNBOUNDED))
        gr_schema_refuse(j, at, pattern ? pattern : format, "beside a length is not supported: put the length into a pattern");
    else if (format) return quoted(b, by_format(j, at, format));
    else if (pattern) return quoted(b, gr_pattern(j, at, pattern, pattern->text, pattern->text_len));
    else if (min == 0 && max == GR_UNBOUNDED) return gr_call(b, j->text);
    else return quoted(b, gr_repeat(b, gr_call(b, j->character), min, max));
    return (gr_frag){0, 0};
}
