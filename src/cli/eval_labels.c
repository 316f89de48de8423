/* cli/eval_labels.c: see eval_labels.h.  Rows are those that data of the kind labels trains on: --column text=NAME names a
 * column. */
#include "cli/eval_labels.h"

#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/infer.h"
#include "ingot/stats.h"
#include "ingot/text_rows.h"

#define SLICE 64
#define REPLICATES 2000

typedef struct measure {
    cli *c;
    cli_progress progress;
    ig_classifier *k;
    ig_text_rows x;
    ig_classes classes;
    int32_t *are, *said; /* [rows] */
    double *right;       /* [rows]: 1 or 0 */
    size_t cut;
    ig_interval accuracy, f1;
} measure;

/* ---- rows ---- */

static int read_columns(cli *c, char text[IG_TEXT_ROLES][128], ig_text_rows_opts *o) {
    const char *s;
    for (int i = 0; (s = cli_nth(c, "column", i)); i++) {
        const char *equals = strchr(s, '=');
        ig_text_role k = 0;
        while (k < IG_TEXT_ROLES && !(equals && strncmp(s, ig_text_role_name(k),
                                                        (size_t)(equals - s)) == 0 && !ig_text_role_name(k)[equals - s])) k++;
        if (k == IG_TEXT_ROLES) return cli_usage(c,
                                                 cli_say(c, "--column: expected text=NAME, pair=NAME or label=NAME, found \"%s\"", "--column：应为 text=列名、pair=列名或 label=列名，而不是“%s”"), s);
        snprintf(text[k], 128, "%s", equals + 1);
        o->column[k] = text[k];
    }
    return 0;
}

static ig_status tell_first(measure *w, const ig_problems *p, const char *const *files) {
    const ig_problem *q = p->len ? &p->item[0] : NULL;
    if (!q) return IG_OK;
    return ig_error_at(&w->c->err, IG_E_FORMAT, files[q->file], (int)q->line, "this row %s: %s", ig_problem_words(q->kind),
                       q->detail);
}

static ig_status load(measure *w, ig_model *m, const ig_text_rows_opts *o) {
    const char *files[CLI_ARGS_MAX];
    size_t count = 0;
    ig_problems problems = {0};
    ig_status s = IG_OK;
    const char **names = ig_calloc((size_t)ig_classifier_count(w->k), sizeof *names);
    if (!names) return ig_error_nomem(&w->c->err, 0);
    for (int64_t i = 0; i < ig_classifier_count(w->k); i++) names[i] = m->family->label(m, i);
    for (const char *path; (path = cli_nth(w->c, "data", (int)count)) && s == IG_OK;) {
        files[count++] = path;
        s = ig_text_rows_read(path, o, &w->x, &problems, &w->c->err);
    }
    if (s == IG_OK) s = ig_classes_of_names(names, (size_t)ig_classifier_count(w->k), &w->classes, &w->c->err);
    if (s == IG_OK) s = ig_text_rows_classify(&w->x, &w->classes, &problems, &w->c->err);
    if (s == IG_OK) s = tell_first(w, &problems, files);
    ig_problems_fini(&problems);
    ig_free(names);
    return s;
}

/* ---- measuring ---- */

static ig_status classify_slice(measure *w, size_t from, size_t n, float *out) {
    const char *text[SLICE], *pair[SLICE];
    ig_text_use use[SLICE];
    int64_t L = ig_classifier_count(w->k);
    for (size_t i = 0; i < n; i++) {
        text[i] = ig_text_rows_get(&w->x, from + i, IG_TEXT_FIRST);
        pair[i] = ig_text_rows_get(&w->x, from + i, IG_TEXT_SECOND);
    }
    IG_TRY(ig_classify_pairs(w->k, text, w->x.has[IG_TEXT_SECOND] ? pair : NULL, n, out, use, &w->c->err));
    for (size_t i = 0; i < n; i++) {
        int32_t best = 0;
        for (int32_t c = 1; c < L; c++)
            if (out[(int64_t)i * L + c] > out[(int64_t)i * L + best]) best = c;
        w->are[from + i] = w->x.row[from + i].label;
        w->said[from + i] = best;
        w->right[from + i] = best == w->are[from + i];
        w->cut += use[i].truncated;
    }
    return IG_OK;
}

static ig_status classify_all(measure *w) {
    float *out = ig_calloc(SLICE, (size_t)ig_classifier_count(w->k) * sizeof *out);
    ig_status s = out ? IG_OK : ig_error_nomem(&w->c->err, SLICE * sizeof *out);
    for (size_t i = 0; i < w->x.count && s == IG_OK; i += SLICE) {
        s = cli_interrupted ? ig_error_set(&w->c->err, IG_E_CANCELLED, "stopped") : classify_slice(w, i,
            w->x.count - i < SLICE ? w->x.count - i : SLICE, out);
        if (cli_progress_due(&w->progress)) cli_progress_status(&w->progress, cli_say(w->c, "%zu/%zu rows", "%zu/%zu 行"), i,
                                                                w->x.count);
    }
    cli_progress_clear(&w->progress);
    ig_free(out);
    return s;
}

static ig_status run(measure *w) {
    size_t n = w->x.count;
    w->are = ig_calloc(n + 1, sizeof *w->are), w->said = ig_calloc(n + 1, sizeof *w->said),
        w->right = ig_calloc(n + 1, sizeof *w->right);
    if (!w->are || !w->said || !w->right) return ig_error_nomem(&w->c->err, n * sizeof *w->right);
    IG_TRY(classify_all(w));
    IG_TRY(ig_stats_bootstrap(w->right, n, 0.95, REPLICATES, 1, &w->accuracy, &w->c->err));
    return ig_stats_macro_f1(w->are, w->said, n, w->classes.count, 0.95, REPLICATES, 1, &w->f1, &w->c->err);
}

/* ---- telling ---- */

static void put_interval(ig_json *j, const char *key, const ig_interval *v) {
    char name[40];
    cli_json_pair_real(j, key, v->mean);
    snprintf(name, sizeof name, "%s_low", key), cli_json_pair_real(j, name, v->lo);
    snprintf(name, sizeof name, "%s_high", key), cli_json_pair_real(j, name, v->hi);
}

static int report(const measure *w) {
    if (w->c->json) {
        ig_buf out = {0};
        ig_json j = cli_json_begin(&out);
        cli_json_pair_int(&j, "rows", (int64_t)w->x.count);
        put_interval(&j, "accuracy", &w->accuracy);
        put_interval(&j, "macro_f1", &w->f1);
        cli_json_pair_int(&j, "truncated", (int64_t)w->cut);
        return cli_json_end(w->c, &j);
    }
    printf(cli_say(w->c,
                   "accuracy   %.4f  (95 %% of resamples: %.4f to %.4f)\nmacro F1   %.4f  (%.4f to %.4f)\nrows       %zu in %zu classes\n",
                   "准确率     %.4f  （95 %% 重抽样：%.4f 至 %.4f）\n宏平均 F1  %.4f  （%.4f 至 %.4f）\n行数       %zu，共 %zu 类\n"),
           w->accuracy.mean, w->accuracy.lo, w->accuracy.hi, w->f1.mean, w->f1.lo, w->f1.hi, w->x.count, w->classes.count);
    if (w->cut && !w->c->quiet) fprintf(stderr,
                                        cli_say(w->c, "%zu texts are longer than the model reads; their ends were cut off\n",
                                                "%zu 个文本过长，末尾已截断\n"), w->cut);
    return 0;
}

int cli_eval_labels(cli *c, ig_model *m) {
    measure w = {.c = c};
    char text[IG_TEXT_ROLES][128];
    ig_text_rows_opts o = {.needs = 1u << IG_TEXT_FIRST | 1u << IG_TEXT_LABEL, .may = 1u << IG_TEXT_SECOND,
                           .no_header = cli_flag(c, "no-header"),
                           .no_quotes = cli_flag(c, "no-quotes")};
    int code = read_columns(c, text, &o);
    if (code != 0) return code;
    cli_catch_interrupt();
    cli_progress_begin(&w.progress, c);
    ig_status s = ig_classifier_open(m, NULL, &w.k, &c->err);
    if (s == IG_OK) s = load(&w, m, &o);
    if (s == IG_OK) s = run(&w);
    code = s == IG_OK ? report(&w) : s == IG_E_CANCELLED ? 130 : cli_failed(c,
        cli_say(c, "--data needs a table with texts and labels", "--data 需要含文本和标签的表格"));
    ig_text_rows_fini(&w.x);
    ig_classes_fini(&w.classes);
    ig_classifier_close(w.k);
    ig_free(w.are), ig_free(w.said), ig_free(w.right);
    return code;
}
