/* cli/table_page.c: the report of a table as one HTML page that needs nothing else: no script, no address, pictures as SVG.
 *
 *     <h1> file   findings: to mend, to look at   a card per column: type, figures, histogram
 *
 * Whatever comes from the table is escaped; the page forbids scripts and loads for whoever opens it.
 */
#include <math.h>
#include <string.h>

#include "cli/table_report.h"

#define PAGE_MAX ((size_t)64 << 20)
#define BINS 16
#define VALUES 6
#define WIDTH 260
#define HEIGHT 64

static const char style[] =
    "body{font:15px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}ul{padding-left:1.2rem}b{font-weight:600}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(290px,1fr));gap:1rem}"
    ".card{border:1px solid #d5dbe3;border-radius:8px;padding:.8rem 1rem;overflow:hidden}.card h3{margin:0;font-size:1rem;overflow-wrap:anywhere}"
    ".small{color:#55606f;font-size:.85rem}.mend{color:#a3190f}svg{display:block;margin-top:.5rem;max-width:100%}"
    "rect{fill:#3d6fb4}text{font-size:11px;fill:#55606f}"
    "@media(prefers-color-scheme:dark){body{color:#e4e8ee;background:#14181f}.card{border-color:#39424f}.small{color:#a9b3c1}"
    ".mend{color:#ff9a8f}rect{fill:#7aa7e6}text{fill:#a9b3c1}}";

/* Text between tags or in quotes; cut after `max` characters. */
static void put_text(ig_buf *b, const char *s, size_t max) {
    size_t n = strlen(s), chars = 0;
    for (size_t i = 0; i < n; chars++) {
        uint32_t cp = 0;
        size_t len = ig_utf8_decode(s + i, n - i, &cp);
        if (!len) len = 1, cp = 0xFFFD;
        if (chars == max) {
            ig_buf_puts(b, "…");
            return;
        }
        if (cp == '<') ig_buf_puts(b, "&lt;");
        else if (cp == '>') ig_buf_puts(b, "&gt;");
        else if (cp == '&') ig_buf_puts(b, "&amp;");
        else if (cp == '"') ig_buf_puts(b, "&quot;");
        else if (cp < ' ' || cp == 0xFFFD) ig_buf_putc(b, ' ');
        else ig_buf_append(b, s + i, len);
        i += len;
    }
}

static size_t greatest(const ig_histogram *h) {
    size_t most = 1;
    for (size_t i = 0; i < h->bins; i++)
        if (h->count[i] > most) most = h->count[i];
    return most;
}

static void put_bars(ig_buf *b, const ig_histogram *h) {
    double most = (double)greatest(h), step = (double)WIDTH / (double)h->bins;
    for (size_t i = 0; i < h->bins; i++) {
        double height = (double)h->count[i] / most * HEIGHT;
        ig_buf_printf(b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%zu</title></rect>", (double)i * step, HEIGHT - height,
                      step - 1, height, h->count[i]);
    }
}

/* A bar to the right for each value, its name and rows beside it. */
static void put_rows(ig_buf *b, const cli *c, const ig_histogram *h) {
    double most = (double)greatest(h);
    for (size_t i = 0; i < h->bins; i++) {
        int y = (int)i * 17;
        ig_buf_printf(b, "<rect x=\"110\" y=\"%d\" width=\"%.1f\" height=\"12\"/><text x=\"0\" y=\"%d\">", y, (double)h->count[i] / most * 90 + 1, y + 10);
        put_text(b, h->value[i] ? h->value[i] : cli_say(c, "others", "其他"), 16);
        ig_buf_printf(b, "</text><text x=\"206\" y=\"%d\">%zu</text>", y + 10, h->count[i]);
    }
}

static void put_histogram(ig_buf *b, const cli_table_report *r, size_t column, const ig_histogram *h) {
    int height = h->numeric ? HEIGHT : (int)h->bins * 17;
    if (!h->bins) return;
    ig_buf_printf(b, "<svg width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, height, WIDTH, height);
    put_text(b, r->f.column[column].name, 60);
    ig_buf_puts(b, "\">");
    if (h->numeric) put_bars(b, h);
    else put_rows(b, r->c, h);
    ig_buf_puts(b, "</svg>");
}

static void put_finding(ig_buf *b, const cli_table_report *r, const ig_finding *x, bool name) {
    ig_buf words = {.max = 1u << 16};
    cli_table_finding(r, x, &words);
    ig_buf_printf(b, "<li%s>", ig_finding_is_serious(x->kind) ? " class=\"mend\"" : "");
    if (name && x->column >= 0) {
        ig_buf_puts(b, "<b>");
        put_text(b, r->f.column[x->column].name, 60);
        ig_buf_puts(b, "</b>: ");
    }
    put_text(b, words.data ? words.data : "", 600);
    ig_buf_puts(b, "</li>");
    ig_buf_fini(&words);
}

static void put_findings(ig_buf *b, const cli_table_report *r, bool serious) {
    bool any = false;
    for (size_t i = 0; i < r->check.findings; i++) {
        if (ig_finding_is_serious(r->check.finding[i].kind) != serious) continue;
        if (!any) ig_buf_printf(b, "<h2>%s</h2><ul>", serious ? cli_say(r->c, "To mend", "需要处理") : cli_say(r->c, "To look at", "需要留意"));
        any = true;
        put_finding(b, r, &r->check.finding[i], true);
    }
    if (any) ig_buf_puts(b, "</ul>");
}

static ig_status put_card(ig_buf *b, const cli_table_report *r, size_t i, ig_error *err) {
    const cli *c = r->c;
    const ig_column_profile *p = &r->check.profile[i];
    ig_histogram h = {0};
    ig_buf words = {.max = 1u << 16};
    bool pictured = p->type != IG_COLUMN_ID && p->type != IG_COLUMN_TEXT && p->type != IG_COLUMN_CONSTANT;
    bool numeric = p->type >= IG_COLUMN_INTEGER && p->type <= IG_COLUMN_DATE;
    if (pictured) IG_TRY(ig_frame_histogram(&r->f, i, p, numeric ? BINS : VALUES, &h, err));
    cli_table_evidence(r, i, &words);
    ig_buf_puts(b, "<div class=\"card\"><h3>");
    put_text(b, r->f.column[i].name, 60);
    ig_buf_printf(b, "%s</h3><div class=\"small\">%s · ", (int)i == r->check.label ? cli_say(c, " (label)", "（标签）") : "", cli_table_type(c, p->type));
    put_text(b, words.data ? words.data : "", 100);
    ig_buf_printf(b, cli_say(c, "<br>%zu values, %zu missing", "<br>%zu 个不同值，缺失 %zu 行"), p->distinct, p->missing);
    if (r->check.predicts && (int)i != r->check.label)
        ig_buf_printf(b, cli_say(c, ", tells %.0f %% of the label", "，单独可确定标签的 %.0f%%"), 100 * r->check.predicts[i]);
    if (r->check.drift && r->check.drift[i].known) ig_buf_printf(b, cli_say(c, ", PSI %.2f", "，PSI %.2f"), r->check.drift[i].psi);
    ig_buf_puts(b, "</div>");
    put_histogram(b, r, i, &h);
    ig_buf_puts(b, "</div>");
    ig_buf_fini(&words);
    return ig_buf_status(b, err);
}

static ig_status put_page(ig_buf *b, const cli_table_report *r, ig_error *err) {
    const cli *c = r->c;
    ig_buf_printf(b, "<!doctype html><html lang=\"%s\"><head><meta charset=\"utf-8\">"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
                  "<meta name=\"viewport\" content=\"width=device-width\"><title>", cli_say(c, "en", "zh"));
    put_text(b, ig_path_base(c->arg[0]), 200);
    ig_buf_printf(b, "</title><style>%s</style></head><body><h1>", style);
    put_text(b, ig_path_base(c->arg[0]), 200);
    ig_buf_puts(b, "</h1><p>");
    ig_buf_printf(b, cli_say(c, "%zu rows, %zu columns, %zu repeated rows.", "%zu 行，%zu 列，重复 %zu 行。"), r->f.rows, r->f.columns, r->check.duplicates);
    if (!r->check.findings) ig_buf_puts(b, cli_say(c, " Nothing to mend.", "没有发现问题。"));
    ig_buf_puts(b, "</p>");
    put_findings(b, r, true);
    put_findings(b, r, false);
    ig_buf_printf(b, "<h2>%s</h2><div class=\"cards\">", cli_say(c, "Columns", "各列"));
    for (size_t i = 0; i < r->f.columns; i++) IG_TRY(put_card(b, r, i, err));
    ig_buf_puts(b, "</div></body></html>\n");
    return ig_buf_status(b, err);
}

ig_status cli_table_page(const cli_table_report *r, const char *path, ig_error *err) {
    ig_buf b = {.max = PAGE_MAX};
    ig_status status = put_page(&b, r, err);
    if (status == IG_OK) status = ig_file_write(path, b.data, b.len, err);
    ig_buf_fini(&b);
    return status;
}
