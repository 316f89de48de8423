/* data/column_profile.c: what a column holds, found from its values.
 *
 *     one value ► constant     two words such as yes and no ► boolean     99 % numbers ► integer, number, or id
 *     99 % dates ► date        each row another word ► id                  long, and seldom repeated ► text     else category
 *
 * Integers are an id when every row has another one and either the name says so or they only count the rows.  The share of one
 * in a hundred that may not parse is for typing errors, which are told as bad values.
 */
#include <string.h>
#include <strings.h>

#include "data/column_values.h"

#define BAD_SHARE 0.01
#define ID_ROWS_MIN 20

static const char *const type_names[IG_COLUMN_TYPES] = {"constant", "boolean", "integer", "number", "date", "category", "text", "id"};

const char *ig_column_type_name(ig_column_type t) { return (unsigned)t < IG_COLUMN_TYPES ? type_names[t] : ""; }

bool ig_column_type_parse(const char *name, ig_column_type *out) {
    for (int i = 0; i < IG_COLUMN_TYPES; i++)
        if (strcmp(type_names[i], name) == 0) {
            *out = (ig_column_type)i;
            return true;
        }
    return false;
}

/* Rows whose value parses as each of the types. */
typedef struct tally {
    size_t present, numbers, integers, booleans, dates, clocks;
    bool truth[2];        /* a word for false, for true */
    bool day_first, month_first;
    double chars, words;  /* over the rows */
} tally;

/* Words between spaces; of Chinese, Japanese and Korean two characters are a word. */
static void measure(const char *s, size_t rows, tally *t) {
    size_t len = strlen(s), chars = 0;
    double words = 0;
    bool inside = false;
    for (size_t i = 0; i < len; chars++) {
        uint32_t cp = ' ';
        size_t n = ig_utf8_decode(s + i, len - i, &cp);
        if (cp >= 0x2E80) words += 0.5, inside = false;
        else if (cp == ' ' || cp == '\n' || cp == '\t') inside = false;
        else if (!inside) words++, inside = true;
        i += n ? n : 1;
    }
    t->chars += (double)(chars * rows);
    t->words += words * (double)rows;
}

static void count_value(const char *s, size_t rows, tally *t) {
    double v;
    cell_date d;
    t->present += rows;
    if (cell_number(s, &v)) {
        t->numbers += rows;
        t->integers += cell_integer(v) ? rows : 0;
    }
    if (cell_boolean(s, &v)) t->booleans += rows, t->truth[(int)v] = true;
    if (cell_date_parse(s, IG_DATE_DMY, &d) || cell_date_parse(s, IG_DATE_MDY, &d)) {
        t->dates += rows;
        t->clocks += d.clock ? rows : 0;
        t->day_first |= d.day_first, t->month_first |= d.month_first;
    }
    measure(s, rows, t);
}

static void count_values(const ig_frame_column *c, tally *t, ig_column_profile *p) {
    for (size_t i = 0; i < c->distinct; i++) {
        if (c->missing[i]) continue;
        count_value(c->value[i], c->count[i], t);
        p->distinct++;
    }
    p->missing = c->missing_rows;
    p->mean_chars = t->present ? t->chars / (double)t->present : 0;
    p->mean_words = t->present ? t->words / (double)t->present : 0;
}

static bool nearly_all(size_t part, size_t all) { return all && (double)(all - part) <= BAD_SHARE * (double)all; }

static bool named_id(const char *name) {
    static const char *const whole[] = {"id", "uuid", "guid", "key", "no", "index", "rownumber", "rowid", "unnamed:0", "编号", "序号", "主键", "訂單號", "订单号"};
    char folded[64];
    size_t n = strlen(name);
    cell_fold(name, folded, sizeof folded);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(folded, whole[i]) == 0) return true;
    return n > 3 && (strcasecmp(name + n - 3, "_id") == 0 || strcasecmp(name + n - 3, " id") == 0 || strcmp(name + n - 2, "Id") == 0);
}

/* Row after row one more, as an index that a program wrote does. */
static bool counts_rows(const ig_frame_column *c, size_t rows) {
    double first, v;
    if (!cell_number(c->value[c->code[0]], &first)) return false;
    for (size_t r = 1; r < rows; r++)
        if (!cell_number(c->value[c->code[r]], &v) || v != first + (double)r) return false;
    return true;
}

static ig_column_type integer_or_id(const ig_frame *f, const ig_frame_column *c, ig_column_profile *p) {
    bool all_differ = p->distinct == f->rows && f->rows >= ID_ROWS_MIN;
    p->reason = !all_differ ? IG_REASON_PARSES : named_id(c->name) ? IG_REASON_NAMED_ID
              : counts_rows(c, f->rows) ? IG_REASON_COUNTS_ROWS : IG_REASON_PARSES;
    return p->reason == IG_REASON_PARSES ? IG_COLUMN_INTEGER : IG_COLUMN_ID;
}

static ig_column_type words_type(const tally *t, ig_column_profile *p) {
    double share = (double)p->distinct / (double)t->present;
    if (p->mean_words > 4 && share > 0.2) return p->reason = IG_REASON_LONG, IG_COLUMN_TEXT;
    if (share > 0.99 && t->present >= ID_ROWS_MIN && p->mean_words < 1.5) return p->reason = IG_REASON_ALL_DIFFER, IG_COLUMN_ID;
    if (share > 0.5 && p->mean_words > 1.5 && t->present >= ID_ROWS_MIN) return p->reason = IG_REASON_LONG, IG_COLUMN_TEXT;
    return p->reason = IG_REASON_REPEATS, IG_COLUMN_CATEGORY;
}

static ig_column_type find_type(const ig_frame *f, const ig_frame_column *c, const tally *t, ig_column_profile *p) {
    if (p->distinct <= 1) return p->reason = IG_REASON_ONE_VALUE, IG_COLUMN_CONSTANT;
    if (p->distinct == 2 && t->booleans == t->present && t->truth[0] && t->truth[1])
        return p->reason = IG_REASON_BOOLEAN_WORDS, IG_COLUMN_BOOLEAN;
    if (nearly_all(t->integers, t->present)) return integer_or_id(f, c, p);
    p->reason = IG_REASON_PARSES;
    if (nearly_all(t->numbers, t->present)) return IG_COLUMN_NUMBER;
    if (nearly_all(t->dates, t->present)) return IG_COLUMN_DATE;
    return words_type(t, p);
}

static ig_status measure_numbers(const ig_frame_column *c, ig_column_profile *p, ig_error *err) {
    double *number;
    value_counts v = {0};
    IG_TRY(column_numbers(c, p->type, p->order, &number, err));
    ig_status status = values_sort(number, c->count, c->distinct, &v, err);
    ig_free(number);
    IG_TRY(status);
    p->bad = p->rows - p->missing - v.rows;
    if (v.len) {
        p->min = v.item[0].v, p->max = v.item[v.len - 1].v;
        p->mean = values_mean(&v), p->sd = values_sd(&v);
        p->q1 = values_quantile(&v, 0.25), p->median = values_quantile(&v, 0.5), p->q3 = values_quantile(&v, 0.75);
        status = values_mad(&v, p->median, &p->mad, err);
    }
    ig_free(v.item);
    return status;
}

ig_status ig_profile(const ig_frame *f, size_t column, ig_column_type given, ig_column_profile *out, ig_error *err) {
    const ig_frame_column *c = &f->column[column];
    tally t = {0};
    *out = (ig_column_profile){.rows = f->rows};
    count_values(c, &t, out);
    out->type = given == IG_COLUMN_TYPES ? find_type(f, c, &t, out) : given;
    if (given != IG_COLUMN_TYPES) out->reason = IG_REASON_GIVEN;
    out->order = t.month_first && !t.day_first ? IG_DATE_MDY : IG_DATE_DMY;
    out->clock = t.clocks > 0;
    bool measured = out->type >= IG_COLUMN_BOOLEAN && out->type <= IG_COLUMN_DATE;
    return measured ? measure_numbers(c, out, err) : IG_OK;
}
