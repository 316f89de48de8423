/* cli/predict.c: ingot run MODEL '{"age": 30, …}' and ingot eval MODEL --data TABLE, for models that predict from rows. */
#include <math.h>
#include <string.h>

#include "cli/ways.h"
#include "cli/words.h"
#include "ingot/predict.h"
#include "ingot/stats.h"

#define BATCH 256
#define REPLICATES 200
#define CONFIDENCE 0.95
#define BOOTSTRAP_SEED 1

/* ---- run ---- */

static void tell(cli *c, const ig_predictor *p, double y, ig_json *j) {
    bool number = ig_predictor_regression(p);
    if (c->json) {
        ig_json_open(j, '{');
        if (!number) cli_json_pair_text(j, "label", ig_predictor_class(p));
        cli_json_pair_real(j, number ? "value" : "probability", y);
        ig_json_close(j, '}');
    } else if (number) printf("%.6g\n", y);
    else printf("%6.2f %%  %s\n", 100 * y, ig_predictor_class(p));
}

static ig_status predict_one(cli *c, ig_predictor *p, int i, ig_json *j) {
    char name[32];
    ig_doc *d = NULL;
    double y = NAN;
    snprintf(name, sizeof name, "row %d", i);
    IG_TRY(ig_json_parse(name, c->arg[i], strlen(c->arg[i]), &d, &c->err));
    ig_status status = ig_predictor_object(p, name, ig_doc_root(d), &y, &c->err);
    if (status == IG_OK) tell(c, p, y, j);
    ig_doc_free(d);
    return status;
}

static ig_status predict_all(cli *c, ig_predictor *p) {
    ig_buf out = {.max = (size_t)1 << 26};
    ig_json j = {.out = &out};
    ig_status status = IG_OK;
    ig_json_open(&j, '[');
    for (int i = 1; i < c->args && status == IG_OK; i++) status = predict_one(c, p, i, &j);
    ig_json_close(&j, ']');
    if (status == IG_OK) status = ig_buf_status(&out, &c->err);
    if (status == IG_OK && c->json) printf("%s\n", out.data);
    ig_buf_fini(&out);
    return status;
}

int cli_predict_run(cli *c, ig_model *m) {
    ig_predictor *p = NULL;
    if (c->args < 2)
        return cli_usage(c, "%s", cli_say(c, "give a row: ingot run MODEL '{\"column\": value, …}'",
                                          "请给出一行：ingot run MODEL '{\"列名\": 值, …}'"));
    ig_status status = ig_predictor_open(m, 1, &p, &c->err);
    if (status == IG_OK) status = predict_all(c, p);
    ig_predictor_close(p);
    return status == IG_OK ? 0 : cli_failed(c, cli_say(c, "a row is a JSON object with the columns of the training table",
                                                       "一行是一个 JSON 对象，键为训练表格的列名"));
}

/* ---- eval ---- */

typedef struct figure {
    const char *name, *en, *zh;
    ig_stats_metric metric;
    bool regression;
    ig_interval value;
} figure;

static ig_status measure(cli *c, const ig_cases *cases, bool regression, figure *f) {
    for (; f->name; f++)
        if (f->regression == regression)
            IG_TRY(ig_stats_metric_interval(f->metric, cases, CONFIDENCE, REPLICATES, c->has_seed ? c->seed : BOOTSTRAP_SEED, &f->value, &c->err));
    return IG_OK;
}

static double accuracy(const ig_cases *x) {
    size_t right = 0;
    for (size_t i = 0; i < x->n; i++) right += (x->predicted[i] >= 0.5) == (x->target[i] == 1);
    return (double)right / (double)x->n;
}

static int report(cli *c, const ig_cases *cases, bool regression, const figure *f) {
    ig_buf out = {0};
    ig_json j = {0};
    if (c->json) j = cli_json_begin(&out);
    for (; f->name; f++) {
        if (f->regression != regression) continue;
        if (!c->json) {
            printf("%-10s %.4f  [%.4f, %.4f]\n", cli_say(c, f->en, f->zh), f->value.mean, f->value.lo, f->value.hi);
            continue;
        }
        ig_json_key(&j, f->name), ig_json_open(&j, '{');
        cli_json_pair_real(&j, "value", f->value.mean);
        cli_json_pair_real(&j, "low", f->value.lo);
        cli_json_pair_real(&j, "high", f->value.hi);
        ig_json_close(&j, '}');
    }
    if (!c->json) {
        if (!regression) printf("%-10s %.4f\n", cli_say(c, "accuracy", "准确率"), accuracy(cases));
        printf(cli_say(c, "rows       %zu   (intervals: %.0f %%)\n", "行数       %zu   （区间：%.0f %%）\n"), cases->n, 100 * CONFIDENCE);
        return 0;
    }
    if (!regression) cli_json_pair_real(&j, "accuracy", accuracy(cases));
    cli_json_pair_int(&j, "rows", (int64_t)cases->n);
    return cli_json_end(c, &j);
}

static ig_status check_labels(cli *c, const ig_predictor *p, const ig_prepared *x) {
    const char *label = ig_preparation_label(ig_predictor_preparation(p));
    if (!x->label)
        return ig_error_set(&c->err, IG_E_FORMAT, cli_say(c, "the table has no column \"%s\"", "表格没有列“%s”"),
                            label ? label : "");
    for (size_t i = 0; i < x->rows; i++)
        if (!isfinite(x->label[i]))
            return ig_error_set(&c->err, IG_E_FORMAT, cli_say(c, "row %zu: \"%s\" is empty or unknown", "第 %zu 行：“%s”为空或未知"),
                                i + 1, label);
    return IG_OK;
}

/* A table whose columns were called "column 1" … in training has no header here either. */
static ig_status load(cli *c, const ig_predictor *p, ig_prepared *x) {
    const ig_preparation *r = ig_predictor_preparation(p);
    char first[128] = "";
    if (ig_preparation_indices(r)) ig_preparation_index_name(r, 0, first, sizeof first);
    else ig_preparation_number_name(r, 0, first, sizeof first);
    ig_frame_opts o = {.drop_stop = ig_preparation_label(r), .table.headless = strncmp(first, "column ", 7) == 0};
    ig_frame f = {0};
    IG_TRY(ig_frame_load_any(cli_text(c, "data", NULL), &o, &f, &c->err));
    ig_status status = ig_preparation_apply(r, &f, x, &c->err);
    ig_frame_fini(&f);
    return status == IG_OK ? check_labels(c, p, x) : status;
}

int cli_predict_eval(cli *c, ig_model *m) {
    figure figures[] = {{.name = "auc", .en = "AUC", .zh = "AUC", .metric = IG_METRIC_AUC},
                        {.name = "log_loss", .en = "log loss", .zh = "对数损失", .metric = IG_METRIC_LOG_LOSS},
                        {.name = "rmse", .en = "RMSE", .zh = "RMSE", .metric = IG_METRIC_RMSE, .regression = true},
                        {.name = "mae", .en = "MAE", .zh = "MAE", .metric = IG_METRIC_MAE, .regression = true}, {.name = NULL}};
    ig_predictor *p = NULL;
    ig_prepared x = {0};
    double *said = NULL;
    ig_status status = ig_predictor_open(m, cli_int(c, "batch", BATCH), &p, &c->err);
    if (status == IG_OK) status = load(c, p, &x);
    if (status == IG_OK) said = ig_calloc(x.rows + 1, sizeof *said);
    if (status == IG_OK && !said) status = ig_error_nomem(&c->err, x.rows * sizeof *said);
    if (status == IG_OK) status = ig_predictor_run(p, &x, said, &c->err);
    ig_cases cases = {.target = x.label, .predicted = said, .n = x.rows};
    if (status == IG_OK) status = measure(c, &cases, ig_predictor_regression(p), figures);
    int code = status == IG_OK ? report(c, &cases, ig_predictor_regression(p), figures)
                               : cli_failed(c, cli_say(c, "--data takes a table with the columns of the training table",
                                                       "--data 接受与训练表格同列的表格"));
    ig_free(said);
    ig_prepared_fini(&x);
    ig_predictor_close(p);
    return code;
}
