/* cli/table_words.c: findings and types of columns in words, English and Chinese. */
#include <math.h>
#include <string.h>

#include "cli/table_report.h"

const char *cli_table_type(const cli *c, ig_column_type t) {
    static const char *const chinese[IG_COLUMN_TYPES] = {"常量", "布尔", "整数", "数值", "日期", "类别", "文本", "编号"};
    return (unsigned)t < IG_COLUMN_TYPES ? cli_say(c, ig_column_type_name(t), chinese[t]) : "";
}

/* ---- types ------------------------------------------------------------------------------------------------------------------ */

/* Of days since 1970. */
static void put_day(ig_buf *out, double days) {
    int64_t z = (int64_t)floor(days) + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t m = (5 * doy + 2) / 153, month = m < 10 ? m + 3 : m - 9;
    ig_buf_printf(out, "%04d-%02d-%02d", (int)(yoe + era * 400 + (month <= 2)), (int)month, (int)(doy - (153 * m + 2) / 5 + 1));
}

static void put_range(const cli *c, const ig_column_profile *p, ig_buf *out) {
    bool date = p->type == IG_COLUMN_DATE;
    const double v[3] = {p->min, p->max, p->median};
    for (int i = 0; i < 3; i++) {
        if (i) ig_buf_puts(out, i == 1 ? " … " : cli_say(c, ", middle ", "，中位数 "));
        if (date) put_day(out, v[i]);
        else ig_buf_printf(out, "%.6g", v[i]);
    }
}

void cli_table_evidence(const cli_table_report *r, size_t column, ig_buf *out) {
    const cli *c = r->c;
    const ig_column_profile *p = &r->check.profile[column];
    size_t present = p->rows - p->missing;
    switch (p->reason) {
    case IG_REASON_ONE_VALUE: ig_buf_puts(out, p->distinct ? cli_say(c, "one value", "只有一个值") : cli_say(c, "no value", "没有值")); break;
    case IG_REASON_BOOLEAN_WORDS: ig_buf_puts(out, cli_say(c, "two words for yes and no", "两个表示是与否的词")); break;
    case IG_REASON_NAMED_ID: ig_buf_puts(out, cli_say(c, "differs in every row, and is named so", "每行不同，且列名为编号")); break;
    case IG_REASON_COUNTS_ROWS: ig_buf_puts(out, cli_say(c, "counts the rows", "只是给行计数")); break;
    case IG_REASON_ALL_DIFFER: ig_buf_puts(out, cli_say(c, "another word in every row", "每行一个不同的词")); break;
    case IG_REASON_LONG: ig_buf_printf(out, cli_say(c, "%.0f words on average", "平均 %.0f 个词"), p->mean_words); break;
    case IG_REASON_REPEATS: ig_buf_printf(out, cli_say(c, "each value in %.1f rows", "每个值平均出现 %.1f 行"), (double)present / (double)p->distinct); break;
    default: put_range(c, p, out);
    }
}

/* ---- findings ---------------------------------------------------------------------------------------------------------------- */

static double percent(size_t part, size_t all) { return all ? 100.0 * (double)part / (double)all : 0; }

static void put_drift(const cli_table_report *r, const ig_finding *x, ig_buf *out) {
    const cli *c = r->c;
    const ig_drift *d = &r->check.drift[x->column];
    if (d->numeric) {
        bool date = r->check.profile[x->column].type == IG_COLUMN_DATE;
        ig_buf_puts(out, cli_say(c, "moved: the mean was ", "分布改变：均值从 "));
        if (date) put_day(out, d->mean_before);
        else ig_buf_printf(out, "%.5g", d->mean_before);
        ig_buf_puts(out, cli_say(c, " and is ", " 变为 "));
        if (date) put_day(out, d->mean_now);
        else ig_buf_printf(out, "%.5g", d->mean_now);
    } else
        ig_buf_printf(out, cli_say(c, "moved: \"%s\" was %.1f %% of the rows and is %.1f %%", "分布改变：“%s”从 %.1f%% 变为 %.1f%%"),
                      *d->value ? d->value : cli_say(c, "(none)", "（缺失）"), 100 * d->share_before, 100 * d->share_now);
    ig_buf_printf(out, cli_say(c, " (PSI %.2f, %s %.3g, p %.2g): %s", "（PSI %.2f，%s %.3g，p %.2g）：%s"), d->psi, d->numeric ? "KS" : "χ²",
                  d->statistic, d->p, d->psi > 0.25 ? cli_say(c, "a model of the earlier table will not fit", "旧数据上的模型将不适用")
                                                    : cli_say(c, "keep an eye on it", "请留意"));
}

static void put_label_sentence(const cli_table_report *r, const ig_finding *x, ig_buf *out) {
    const cli *c = r->c;
    switch (x->kind) {
    case IG_FINDING_CONTRADICTION:
        ig_buf_printf(out, cli_say(c, "%zu rows equal an earlier one (line %s) in all but the label", "%zu 行与前面的行（第 %s 行）除标签外完全相同"),
                      x->count, x->detail);
        break;
    case IG_FINDING_LABEL_MISSING: ig_buf_printf(out, cli_say(c, "%zu rows have no label", "%zu 行没有标签"), x->count); break;
    case IG_FINDING_IMBALANCE:
        ig_buf_printf(out, cli_say(c, "the class \"%s\" is %.2f %% of the rows (%zu): look at recall and AUC, not at accuracy",
                                   "类别“%s”仅占 %.2f%%（%zu 行）：请看召回率与 AUC，而不是准确率"), x->detail, 100 * x->value, x->count);
        break;
    case IG_FINDING_LEAK:
        ig_buf_printf(out, cli_say(c, "tells %.1f %% of the label alone: is it known when the prediction is made?",
                                   "单独这一列就能确定标签的 %.1f%%：预测时真的已知它吗？"), 100 * x->value);
        break;
    case IG_FINDING_IN_TEST:
        ig_buf_printf(out, cli_say(c, "%zu rows of the test table (%.1f %%) stand here too: the first is its line %s",
                                   "测试表中有 %zu 行（%.1f%%）也在本表中：第一处是测试表第 %s 行"), x->count, 100 * x->value, x->detail);
        break;
    default:
        ig_buf_printf(out, cli_say(c, "%zu labels of the test table are written otherwise: %s (a full stop: --drop-stop COLUMN)",
                                   "测试表有 %zu 个标签写法不同：%s（若只差句点：--drop-stop 列名）"), x->count, x->detail);
    }
}

static void put_column_sentence(const cli_table_report *r, const ig_finding *x, ig_buf *out) {
    const cli *c = r->c;
    ig_column_type type = x->column >= 0 ? r->check.profile[x->column].type : IG_COLUMN_TEXT;
    switch (x->kind) {
    case IG_FINDING_CONSTANT: ig_buf_puts(out, cli_say(c, "has one value only: nothing is to be learned from it", "只有一个值：学不到东西")); break;
    case IG_FINDING_ID: ig_buf_puts(out, cli_say(c, "names the rows: a model leaves it out", "只是行的编号：训练时不使用")); break;
    case IG_FINDING_MISSING:
        ig_buf_printf(out, cli_say(c, "%zu rows (%.1f %%) have no value", "%zu 行（%.1f%%）没有值"), x->count, percent(x->count, r->f.rows));
        if (*x->detail) ig_buf_printf(out, cli_say(c, ", written %s", "，写作 %s"), x->detail);
        break;
    case IG_FINDING_BAD_VALUE:
        ig_buf_printf(out, cli_say(c, "%zu rows do not fit the type (%s): \"%s\"", "%zu 行不符合类型（%s）：“%s”"), x->count, cli_table_type(c, type), x->detail);
        break;
    case IG_FINDING_SPELLING:
        ig_buf_printf(out, cli_say(c, "%zu values differ from another one by case, space or a full stop only: %s",
                                   "%zu 个值与另一个值只差大小写、空格或句点：%s"), x->count, x->detail);
        break;
    case IG_FINDING_MANY_VALUES:
        ig_buf_printf(out, cli_say(c, "%zu different values: join rare ones, or hash them", "有 %zu 个不同的值：请合并少见的值或做哈希"), x->count);
        break;
    default:
        ig_buf_printf(out, cli_say(c, "%zu rows lie far outside: %s is %.0f robust deviations from the middle",
                                   "%zu 行远离其他值：%s 距中位数 %.0f 个稳健标准差"), x->count, x->detail, x->value);
    }
}

static void put_lines(const cli_table_report *r, const ig_finding *x, ig_buf *out) {
    bool test = x->kind == IG_FINDING_LABEL_SPELLING;
    if (!x->lines) return;
    ig_buf_puts(out, x->lines > 1 ? cli_say(r->c, test ? " (its lines " : " (lines ", "（第 ") : cli_say(r->c, test ? " (its line " : " (line ", "（第 "));
    for (int i = 0; i < x->lines; i++) ig_buf_printf(out, "%s%d", i ? cli_say(r->c, ", ", "、") : "", x->line[i]);
    if (x->count > (size_t)x->lines) ig_buf_puts(out, " …");
    ig_buf_puts(out, cli_say(r->c, ")", " 行）"));
}

void cli_table_finding(const cli_table_report *r, const ig_finding *x, ig_buf *out) {
    const cli *c = r->c;
    switch (x->kind) {
    case IG_FINDING_BAD_ROW: ig_buf_printf(out, cli_say(c, "%zu rows could not be read: %s", "%zu 行无法读取：%s"), x->count, x->detail); break;
    case IG_FINDING_NO_HEADER:
        ig_buf_printf(out, cli_say(c, "the first row looks like data (\"%s\") and not like names: use --no-header",
                                   "第一行像数据（“%s”）而不像列名：请用 --no-header"), x->detail);
        break;
    case IG_FINDING_DUPLICATES:
        ig_buf_printf(out, cli_say(c, "%zu rows repeat an earlier one; the first repeats line %s", "%zu 行与前面的行重复；第一处重复第 %s 行"), x->count, x->detail);
        break;
    case IG_FINDING_COLUMN_GONE:
        ig_buf_printf(out, cli_say(c, "the column \"%s\" of the other table is not here", "本表没有另一张表中的列“%s”"), x->detail);
        break;
    case IG_FINDING_DRIFT: put_drift(r, x, out); break;
    default:
        if (x->kind >= IG_FINDING_CONTRADICTION && x->kind <= IG_FINDING_LABEL_SPELLING) put_label_sentence(r, x, out);
        else put_column_sentence(r, x, out);
    }
    put_lines(r, x, out);
}
