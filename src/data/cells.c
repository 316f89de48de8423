/* data/cells.c: the meaning of cells, without regard to the process's locale.
 *
 * Days are counted with the proleptic Gregorian calendar: a year that begins in March puts the leap day at its end, so that the
 * days before a month are (153·m + 2) / 5 (Richards 2013, in the Explanatory Supplement to the Astronomical Almanac).
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "data/cells.h"

#define NUMBER_CHARS 64

const char *const ig_missing_words[] = {"?", "NA", "N/A", "#N/A", "NaN", "null", "\\N", "n.a.", "缺失", "无数据", NULL};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

const char *cell_trim(const char *s, size_t *len) {
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n", s[n - 1])) n--;
    while (n && strchr(" \t\r\n", *s)) s++, n--;
    *len = n;
    return s;
}

bool cell_missing(const char *s, const char *const *words, size_t count) {
    if (!*s) return true;
    if (words) {
        for (size_t i = 0; i < count; i++)
            if (strcasecmp(s, words[i]) == 0) return true;
        return false;
    }
    for (size_t i = 0; ig_missing_words[i]; i++)
        if (strcasecmp(s, ig_missing_words[i]) == 0) return true;
    return false;
}

void cell_fold(const char *s, char *out, size_t size) {
    size_t n = 0;
    for (; *s && n + 1 < size; s++)
        if (!strchr(" \t-_", *s)) out[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
    if (n && out[n - 1] == '.') n--;
    out[n] = '\0';
}

/* ---- numbers ---------------------------------------------------------------------------------------------------------- */

/* Digits, which go to out without the commas between groups of three; the number of digits, 0 when they are wrong. */
static size_t whole_digits(const char **s, char *out, size_t room) {
    size_t n = 0, group = 0, commas = 0;
    for (; is_digit(**s) || (**s == ',' && n); ++*s) {
        if (**s != ',') {
            if (n == room) return 0;
            out[n++] = **s, group++;
            continue;
        }
        if (commas ? group != 3 : group > 3) return 0;
        commas++, group = 0;
    }
    return commas && group != 3 ? 0 : n;
}

static size_t plain_digits(const char **s, char *out, size_t room) {
    size_t n = 0;
    for (; is_digit(**s) && n < room; ++*s) out[n++] = **s;
    return n;
}

bool cell_number(const char *s, double *out) {
    char text[NUMBER_CHARS];
    size_t n = 0, whole, part = 0;
    if (*s == '-') text[n++] = *s;
    if (*s == '-' || *s == '+') s++;
    if (!is_digit(*s) && *s != '.') return false;
    if (*s == '.') text[n++] = '0', whole = 0;
    else {
        whole = whole_digits(&s, text + n, NUMBER_CHARS / 2);
        if (!whole) return false;
        n += whole;
    }
    if (*s == '.') {
        text[n++] = *s++;
        part = plain_digits(&s, text + n, NUMBER_CHARS / 4);
        while (is_digit(*s)) s++; /* past the precision of a double */
        if (!part) text[n++] = '0';
        n += part;
    }
    if (!whole && !part) return false;
    if (*s == 'e' || *s == 'E') {
        text[n++] = *s++;
        if (*s == '-' || *s == '+') text[n++] = *s++;
        size_t digits = plain_digits(&s, text + n, 4);
        if (!digits) return false;
        n += digits;
    }
    text[n] = '\0';
    return !*s && ig_number_parse(text, out);
}

bool cell_integer(double v) { return fabs(v) < 9007199254740992.0 && floor(v) == v; }

bool cell_boolean(const char *s, double *out) {
    static const char *const words[2][9] = {{"false", "no", "n", "f", "0", "off", "否", "假", "无"},
                                            {"true", "yes", "y", "t", "1", "on", "是", "真", "有"}};
    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < sizeof words[v] / sizeof *words[v]; i++)
            if (strcasecmp(s, words[v][i]) == 0) {
                *out = v;
                return true;
            }
    return false;
}

/* ---- dates ------------------------------------------------------------------------------------------------------------ */

/* 1 to 4 digits; the number of them. */
static int date_part(const char **s, int *out) {
    int n = 0;
    for (*out = 0; n < 4 && is_digit(**s); n++) *out = *out * 10 + *(*s)++ - '0';
    return n;
}

static bool skip_text(const char **s, const char *text) {
    size_t n = strlen(text);
    if (strncmp(*s, text, n) != 0) return false;
    *s += n;
    return true;
}

static int month_days(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static int days_since_1970(int year, int month, int day) {
    int y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    int before = 365 * y + y / 4 - y / 100 + y / 400; /* year >= 1 */
    return before + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* The three numbers in the order of the text. */
static bool three_parts(const char **s, int part[3], int digits[3]) {
    digits[0] = date_part(s, &part[0]);
    if (skip_text(s, "年")) {
        digits[1] = date_part(s, &part[1]);
        if (!skip_text(s, "月")) return false;
        digits[2] = date_part(s, &part[2]);
        return skip_text(s, "日") && digits[0] == 4;
    }
    char between = **s;
    if (!between || !strchr("-/.", between)) return false;
    ++*s;
    digits[1] = date_part(s, &part[1]);
    if (**s != between) return false;
    ++*s;
    digits[2] = date_part(s, &part[2]);
    return true;
}

static bool zone(const char *s) {
    int n;
    if (*s == 'Z' && !s[1]) return true;
    if (*s != '+' && *s != '-') return !*s;
    s++;
    int digits = date_part(&s, &n);
    if (digits == 2 && *s == ':') s++, digits += date_part(&s, &n);
    return digits == 4 && !*s;
}

/* " 09:30:15.5": what follows a date.  *day gets the share of the day. */
static bool time_of_day(const char *s, cell_date *d, double *share) {
    int minute, second = 0;
    if (*s != ' ' && *s != 'T') return false;
    s++;
    int digits = date_part(&s, &d->hour);
    if (digits < 1 || digits > 2 || *s++ != ':' || date_part(&s, &minute) != 2) return false;
    if (*s == ':') {
        s++;
        if (date_part(&s, &second) != 2) return false;
        if (*s == '.')
            for (s++; is_digit(*s);) s++;
    }
    *share = (d->hour * 3600 + minute * 60 + second) / 86400.0;
    d->clock = true;
    return d->hour < 24 && minute < 60 && second < 61 && zone(s);
}

bool cell_date_parse(const char *s, ig_date_order order, cell_date *d) {
    int part[3], digits[3];
    double share = 0;
    *d = (cell_date){0};
    if (!is_digit(*s) || !three_parts(&s, part, digits) || !digits[1] || !digits[2] || digits[1] > 2) return false;
    bool year_first = digits[0] == 4;
    if (year_first ? digits[2] > 2 : digits[2] != 4 || digits[0] > 2) return false;
    d->year = part[year_first ? 0 : 2];
    if (year_first) d->month = part[1], d->day = part[2];
    else {
        d->day_first = part[0] > 12, d->month_first = part[1] > 12;
        bool month_first = order == IG_DATE_MDY;
        d->month = part[month_first ? 0 : 1], d->day = part[month_first ? 1 : 0];
    }
    if (d->year < 1 || d->month < 1 || d->month > 12 || d->day < 1 || d->day > month_days(d->year, d->month)) return false;
    if (*s && !time_of_day(s, d, &share)) return false;
    int days = days_since_1970(d->year, d->month, d->day);
    d->weekday = (days % 7 + 10) % 7; /* 1970-01-01 was a Thursday */
    d->days = days + share;
    return true;
}
