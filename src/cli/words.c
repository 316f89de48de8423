/* cli/words.c: numbers as people read them, and results as JSON. */
#include <math.h>
#include <string.h>

#include "cli/words.h"

/* At least two digits that say something: "1.5", "15", "150". */
static const char *scaled(double v, const char *unit, char buf[CLI_WORD_MAX]) {
    snprintf(buf, CLI_WORD_MAX, v < 9.95 ? "%.1f%s" : "%.0f%s", v, unit);
    return buf;
}

const char *cli_word_bytes(uint64_t bytes, char buf[CLI_WORD_MAX]) {
    if (bytes < 1000) {
        snprintf(buf, CLI_WORD_MAX, "%d B", (int)bytes);
        return buf;
    }
    static const char *const unit[] = {" kB", " MB", " GB", " TB"};
    double v = (double)bytes / 1e3;
    int i = 0;
    for (; v >= 999.5 && i < 3; i++) v /= 1e3;
    return scaled(v, unit[i], buf);
}

const char *cli_word_count(double n, char buf[CLI_WORD_MAX]) {
    if (n < 1000) {
        snprintf(buf, CLI_WORD_MAX, "%.0f", n);
        return buf;
    }
    static const char *const unit[] = {"k", "M", "B", "T"};
    double v = n / 1e3;
    int i = 0;
    for (; v >= 999.5 && i < 3; i++) v /= 1e3;
    return scaled(v, unit[i], buf);
}

const char *cli_word_seconds(double seconds, char buf[CLI_WORD_MAX]) {
    if (!isfinite(seconds) || seconds < 0) {
        snprintf(buf, CLI_WORD_MAX, "?");
        return buf;
    }
    long long s = seconds < 1e9 ? (long long)(seconds + 0.5) : 1000000000;
    if (s < 60) snprintf(buf, CLI_WORD_MAX, "%llds", s);
    else if (s < 3600) snprintf(buf, CLI_WORD_MAX, "%lldm%02llds", s / 60, s % 60);
    else snprintf(buf, CLI_WORD_MAX, "%lldh%02lldm", s / 3600, s % 3600 / 60);
    return buf;
}

static bool is_plain(const char *s) {
    if (!*s) return false;
    for (; *s; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || (unsigned char)*s >= 0x80;
        if (!letter && !strchr("_-./=,:+@%", *s)) return false;
    }
    return true;
}

const char *cli_word_quoted(const char *text, char *buf, size_t size) {
    ig_buf b = {.max = size > 0 ? size - 1 : 0};
    if (is_plain(text)) ig_buf_puts(&b, text);
    else {
        ig_buf_putc(&b, '\'');
        for (const char *s = text; *s; s++) {
            if (*s == '\'') ig_buf_puts(&b, "'\\''");
            else ig_buf_putc(&b, *s);
        }
        ig_buf_putc(&b, '\'');
    }
    snprintf(buf, size, "%s", b.status == IG_OK && b.data ? b.data : text);
    ig_buf_fini(&b);
    return buf;
}

const char *cli_word_unit(const cli *c, const char *unit) {
    static const char *const words[][2] = {{"tokens", "个词元"}, {"rows", "行"}, {"pictures", "张图片"}, {"texts", "条文本"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], unit) == 0) return cli_say(c, words[i][0], words[i][1]);
    return unit;
}

ig_json cli_json_begin(ig_buf *out) {
    out->max = (size_t)1 << 30;
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    return j;
}

int cli_json_end(cli *c, ig_json *j) {
    ig_json_close(j, '}');
    ig_status s = ig_buf_status(j->out, &c->err);
    if (s == IG_OK) printf("%s\n", j->out->data);
    ig_buf_fini(j->out);
    return s == IG_OK ? 0 : cli_failed(c, NULL);
}

void cli_json_pair_text(ig_json *j, const char *key, const char *value) {
    ig_json_key(j, key);
    if (value) ig_json_text(j, value);
    else ig_json_null(j);
}

void cli_json_pair_int(ig_json *j, const char *key, int64_t value) {
    ig_json_key(j, key);
    ig_json_int(j, value);
}

void cli_json_pair_real(ig_json *j, const char *key, double value) {
    ig_json_key(j, key);
    ig_json_real(j, value);
}
