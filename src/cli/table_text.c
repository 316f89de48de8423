/* cli/table_text.c: the report of a table on the terminal and as JSON. */
#include <math.h>
#include <string.h>

#include "cli/table_report.h"
#include "cli/words.h"

#define NAME_WIDTH 24
#define TEXT_MAX (1u << 20)

/* Columns that a terminal gives to a text: two to characters of East Asia. */
static int width_of(const char *s) {
    int width = 0;
    for (size_t n = strlen(s); n;) {
        uint32_t cp = 0;
        size_t len = ig_utf8_decode(s, n, &cp);
        if (!len) len = 1;
        width += cp >= 0x2E80 ? 2 : 1;
        s += len, n -= len;
    }
    return width;
}

static void print_padded(const char *s, int width) {
    int n = width - width_of(s);
    printf("%s%*s", s, n > 0 ? n : 0, "");
}

static void print_columns(const cli_table_report *r) {
    const cli *c = r->c;
    ig_buf b = {.max = TEXT_MAX};
    print_padded(cli_say(c, "column", "列"), NAME_WIDTH);
    print_padded(cli_say(c, "type", "类型"), 10);
    printf(cli_say(c, "%9s %9s  %s\n", "%12s %11s  %s\n"), cli_say(c, "values", "不同值"), cli_say(c, "missing", "缺失"), cli_say(c, "what shows it", "依据"));
    for (size_t i = 0; i < r->f.columns; i++) {
        const ig_column_profile *p = &r->check.profile[i];
        ig_buf_clear(&b);
        cli_table_evidence(r, i, &b);
        print_padded(r->f.column[i].name, NAME_WIDTH - 1);
        printf("%s", (int)i == r->check.label ? "*" : " ");
        print_padded(cli_table_type(c, p->type), 10);
        printf("%9zu %9zu  %s\n", p->distinct, p->missing, b.data ? b.data : "");
    }
    ig_buf_fini(&b);
    if (r->check.label < 0) return;
    printf(r->check.label_guessed ? cli_say(c, "* taken for the label; --label COLUMN names another, --label \"\" none\n",
                                            "* 视为标签；用 --label 列名 指定其他列，--label \"\" 表示没有\n") : cli_say(c, "* the label\n", "* 标签\n"));
}

static void print_findings(const cli_table_report *r, bool serious) {
    ig_buf b = {.max = TEXT_MAX};
    bool any = false;
    for (size_t i = 0; i < r->check.findings; i++) {
        const ig_finding *x = &r->check.finding[i];
        if (ig_finding_is_serious(x->kind) != serious) continue;
        if (!any) printf("\n%s\n", serious ? cli_say(r->c, "to mend", "需要处理") : cli_say(r->c, "to look at", "需要留意"));
        any = true;
        ig_buf_clear(&b);
        cli_table_finding(r, x, &b);
        if (x->column >= 0) printf("  %s: %s\n", r->f.column[x->column].name, b.data ? b.data : "");
        else printf("  %s\n", b.data ? b.data : "");
    }
    ig_buf_fini(&b);
}

void cli_table_print(const cli_table_report *r) {
    printf(cli_say(r->c, "%s: %zu rows, %zu columns\n\n", "%s：%zu 行，%zu 列\n\n"), r->c->arg[0], r->f.rows, r->f.columns);
    print_columns(r);
    print_findings(r, true);
    print_findings(r, false);
    if (!r->check.findings) printf("%s\n", cli_say(r->c, "\nnothing to mend", "\n没有发现问题"));
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------------- */

static void put_numbers(ig_json *j, const ig_column_profile *p) {
    cli_json_pair_int(j, "bad", (int64_t)p->bad);
    cli_json_pair_real(j, "min", p->min), cli_json_pair_real(j, "max", p->max);
    cli_json_pair_real(j, "mean", p->mean), cli_json_pair_real(j, "sd", p->sd);
    cli_json_pair_real(j, "q1", p->q1), cli_json_pair_real(j, "median", p->median), cli_json_pair_real(j, "q3", p->q3);
}

static void put_drift(ig_json *j, const ig_drift *d) {
    ig_json_key(j, "drift");
    ig_json_open(j, '{');
    cli_json_pair_real(j, "psi", d->psi);
    cli_json_pair_real(j, d->numeric ? "ks" : "chi2", d->statistic);
    cli_json_pair_real(j, "p", d->p);
    ig_json_close(j, '}');
}

static void put_column(const cli_table_report *r, size_t i, ig_json *j) {
    const ig_column_profile *p = &r->check.profile[i];
    ig_buf b = {.max = TEXT_MAX};
    cli_table_evidence(r, i, &b);
    ig_json_open(j, '{');
    cli_json_pair_text(j, "name", r->f.column[i].name);
    cli_json_pair_text(j, "type", ig_column_type_name(p->type));
    cli_json_pair_text(j, "evidence", b.data ? b.data : "");
    cli_json_pair_int(j, "distinct", (int64_t)p->distinct);
    cli_json_pair_int(j, "missing", (int64_t)p->missing);
    if (p->type >= IG_COLUMN_BOOLEAN && p->type <= IG_COLUMN_DATE) put_numbers(j, p);
    if (r->check.predicts && (int)i != r->check.label) cli_json_pair_real(j, "predicts", r->check.predicts[i]);
    if (r->check.drift && r->check.drift[i].known) put_drift(j, &r->check.drift[i]);
    ig_json_close(j, '}');
    ig_buf_fini(&b);
}

static void put_finding(const cli_table_report *r, const ig_finding *x, ig_json *j) {
    ig_buf b = {.max = TEXT_MAX};
    cli_table_finding(r, x, &b);
    ig_json_open(j, '{');
    cli_json_pair_text(j, "kind", ig_finding_name(x->kind));
    ig_json_key(j, "serious"), ig_json_bool(j, ig_finding_is_serious(x->kind));
    cli_json_pair_text(j, "column", x->column >= 0 ? r->f.column[x->column].name : NULL);
    cli_json_pair_int(j, "count", (int64_t)x->count);
    cli_json_pair_real(j, "value", x->value);
    cli_json_pair_text(j, "detail", x->detail);
    ig_json_key(j, "lines");
    ig_json_open(j, '[');
    for (int i = 0; i < x->lines; i++) ig_json_int(j, x->line[i]);
    ig_json_close(j, ']');
    cli_json_pair_text(j, "message", b.data ? b.data : "");
    ig_json_close(j, '}');
    ig_buf_fini(&b);
}

int cli_table_json(const cli_table_report *r) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "kind", "table");
    cli_json_pair_int(&j, "rows", (int64_t)r->f.rows);
    cli_json_pair_int(&j, "bad", (int64_t)r->bad_rows);
    cli_json_pair_int(&j, "duplicates", (int64_t)r->check.duplicates);
    cli_json_pair_text(&j, "label", r->check.label >= 0 ? r->f.column[r->check.label].name : NULL);
    ig_json_key(&j, "label_guessed"), ig_json_bool(&j, r->check.label_guessed);
    ig_json_key(&j, "columns");
    ig_json_open(&j, '[');
    for (size_t i = 0; i < r->f.columns; i++) put_column(r, i, &j);
    ig_json_close(&j, ']');
    ig_json_key(&j, "findings");
    ig_json_open(&j, '[');
    for (size_t i = 0; i < r->check.findings; i++) put_finding(r, &r->check.finding[i], &j);
    ig_json_close(&j, ']');
    return cli_json_end(r->c, &j);
}
