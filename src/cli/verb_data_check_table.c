/* cli/verb_data_check_table.c: ingot data check of a table: read it, and those it is compared with; report. */
#include <string.h>

#include "cli/table_report.h"

#define MISSING_MAX 32

typedef struct missing_words {
    char *text;
    const char *word[MISSING_MAX];
    size_t count;
} missing_words;

/* "?,NA,-": cut at the commas. */
static ig_status read_missing(cli *c, missing_words *m) {
    const char *given = cli_text(c, "missing", NULL);
    if (!given) return IG_OK;
    m->text = ig_strdup(given);
    if (!m->text) return ig_error_nomem(&c->err, strlen(given) + 1);
    for (char *at = m->text, *end; at; at = end) {
        if (m->count == MISSING_MAX) return ig_error_set(&c->err, IG_E_LIMIT, cli_say(c, "--missing takes %d words", "--missing 最多 %d 个词"), MISSING_MAX);
        end = strchr(at, ',');
        if (end) *end++ = '\0';
        m->word[m->count++] = at;
    }
    return IG_OK;
}

static void on_bad_row(void *arg, const ig_error *problem) {
    cli_table_report *r = arg;
    if (r->bad_rows < CLI_TABLE_BAD_ROWS) r->bad[r->bad_rows] = *problem;
    r->bad_rows++;
}

static void ignore_bad_row(void *arg, const ig_error *problem) { (void)arg, (void)problem; }

static ig_status load(cli_table_report *r, ig_frame_opts *o) {
    cli *c = r->c;
    const char *test = cli_text(c, "test", NULL), *before = cli_text(c, "against", NULL);
    IG_TRY(ig_frame_load(c->arg[0], o, &r->f, &c->err));
    o->table.problem = ignore_bad_row; /* those of the others are told when they are checked */
    if (test) IG_TRY(ig_frame_load(test, o, &r->test, &c->err));
    return before ? ig_frame_load(before, o, &r->before, &c->err) : IG_OK;
}

static ig_status check(cli_table_report *r, const missing_words *m) {
    cli *c = r->c;
    ig_frame_opts o = {.table = {.headless = cli_flag(c, "no-header"), .problem = on_bad_row, .problem_arg = r},
                       .missing = m->count ? m->word : NULL, .missing_count = m->count, .drop_stop = cli_text(c, "drop-stop", NULL)};
    IG_TRY(load(r, &o));
    int column;
    if (o.drop_stop) IG_TRY(ig_frame_column_of(&r->f, o.drop_stop, &column, &c->err));
    const ig_table_check_opts k = {.label = cli_text(c, "label", NULL), .test = r->test.rows ? &r->test : NULL,
                                   .before = r->before.rows ? &r->before : NULL, .bad_row = r->bad, .bad_rows = r->bad_rows,
                                   .bad_rows_kept = r->bad_rows < CLI_TABLE_BAD_ROWS ? r->bad_rows : CLI_TABLE_BAD_ROWS};
    return ig_table_check_run(&r->f, &k, &r->check, &c->err);
}

static int report(cli_table_report *r) {
    cli *c = r->c;
    const char *page = cli_text(c, "html", NULL);
    int code = 0;
    if (page && cli_table_page(r, page, &c->err) != IG_OK) return cli_failed(c, NULL);
    if (c->json) code = cli_table_json(r);
    else cli_table_print(r);
    if (page && !c->quiet) fprintf(stderr, cli_say(c, "the page is %s\n", "报告页面：%s\n"), page);
    return code == 0 && r->check.serious ? 1 : code;
}

int cli_check_table(cli *c) {
    cli_table_report r = {.c = c, .check.label = -1};
    missing_words m = {0};
    ig_status status = cli_enter(c);
    if (status == IG_OK) status = read_missing(c, &m);
    if (status == IG_OK) status = check(&r, &m);
    int code = status == IG_OK ? report(&r) : cli_failed(c, NULL);
    ig_table_check_fini(&r.check);
    ig_frame_fini(&r.f), ig_frame_fini(&r.test), ig_frame_fini(&r.before);
    ig_free(m.text);
    return code;
}

bool cli_looks_like_table(const char *path) {
    static const char *const rows[] = {"messages", "prompt", "completion", "chosen", "rejected"};
    const ig_table_opts o = {.problem = ignore_bad_row};
    ig_table *t;
    bool table = false;
    if (ig_table_open(path, &o, &t, NULL) != IG_OK) return false;
    table = true;
    for (size_t i = 0; i < ig_table_count(t); i++)
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) table &= strcmp(ig_table_name(t, i), rows[k]) != 0;
    ig_table_close(t);
    return table;
}
