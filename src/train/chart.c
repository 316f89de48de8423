/* train/chart.c: the losses of a run as an SVG that any browser shows: no scripts, no fonts of its own.
 *
 *     train   every logged step, thin and pale; over it the smoothed curve (exponential, bias-corrected as in Adam)
 *     eval    a line with a dot per evaluation, and the best one named
 *
 * Colours follow the reader's light or dark setting by a media query; both pairs keep a contrast of 3:1 and differ for
 * colour-blind readers.  The vertical axis leaves out the first few steps' fall when it would flatten the rest.
 */
#include <math.h>
#include <stdlib.h>

#include "train/run_log.h"

#define WIDTH 800
#define HEIGHT 420
#define LEFT 60
#define RIGHT 20
#define TOP 48
#define BOTTOM 46
#define POINTS_MAX 1500 /* of one curve in the file */

typedef struct chart {
    ig_buf *out;
    double step_max, lo, hi; /* what the axes span */
} chart;

static double x_of(const chart *c, double step) {
    return LEFT + step / c->step_max * (WIDTH - LEFT - RIGHT);
}

static double y_of(const chart *c, double loss) {
    double share = (loss - c->lo) / (c->hi - c->lo);
    return HEIGHT - BOTTOM - fmin(fmax(share, 0), 1) * (HEIGHT - TOP - BOTTOM);
}

/* ---- axes ---- */

/* 1, 2 or 5 times a power of ten, so that `span` has about `parts` of them. */
static double nice_step(double span, double parts) {
    double raw = span / parts, unit = pow(10, floor(log10(raw))), share = raw / unit;
    return unit * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The 98th percentile of the training losses: what lies above is the fall of the first steps. */
static double upper_loss(const log_curve *c, ig_error *err, ig_status *status) {
    double *v = ig_calloc(c->len ? c->len : 1, sizeof *v), upper = 0;
    *status = v ? IG_OK : ig_error_nomem(err, c->len * sizeof *v);
    if (!v) return 0;
    for (size_t i = 0; i < c->len; i++) v[i] = c->at[i].loss;
    qsort(v, c->len, sizeof *v, by_value);
    if (c->len) upper = v[c->len * 98 / 100];
    ig_free(v);
    return upper;
}

static void widen(const log_curve *c, double *lo, double *hi, bool upwards) {
    for (size_t i = 0; i < c->len; i++) {
        *lo = fmin(*lo, c->at[i].loss);
        if (upwards) *hi = fmax(*hi, c->at[i].loss);
    }
}

static ig_status choose_axes(chart *c, const run_log *l, int64_t total, ig_error *err) {
    ig_status status;
    double lo = INFINITY, hi = upper_loss(&l->train, err, &status);
    IG_TRY(status);
    widen(&l->train, &lo, &hi, false);
    widen(&l->eval, &lo, &hi, true);
    if (!isfinite(lo)) lo = 0;
    if (!(hi > lo)) hi = lo + 1;
    double step = nice_step(hi - lo, 6);
    c->lo = floor(lo / step) * step;
    c->hi = ceil(hi / step) * step;
    c->step_max = total > 0 ? (double)total : 1;
    return IG_OK;
}

static void put_axes(const chart *c) {
    double step = nice_step(c->hi - c->lo, 6);
    for (int i = 0; c->lo + i * step <= c->hi + step / 2; i++) {
        double v = c->lo + i * step, y = y_of(c, v);
        ig_buf_printf(c->out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"y\" x=\"%d\" y=\"%.1f\">%.4g</text>\n", LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4, v);
    }
    step = fmax(1, nice_step(c->step_max, 8));
    for (double v = 0; v <= c->step_max; v += step)
        ig_buf_printf(c->out, "<path class=\"axis\" d=\"M%.1f %dv5\"/><text class=\"x\" x=\"%.1f\" y=\"%d\">%.0f</text>\n", x_of(c, v), HEIGHT - BOTTOM, x_of(c, v), HEIGHT - BOTTOM + 19, v);
    ig_buf_printf(c->out, "<path class=\"axis\" d=\"M%d %dH%d\"/>\n", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT);
    ig_buf_printf(c->out, "<text class=\"x\" x=\"%d\" y=\"%d\">step</text>\n", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8);
    ig_buf_printf(c->out, "<text class=\"x\" transform=\"translate(14 %d) rotate(-90)\">loss</text>\n", (TOP + HEIGHT - BOTTOM) / 2);
}

/* ---- curves ---- */

static void put_point(const chart *c, double step, double loss, bool first) {
    ig_buf_printf(c->out, "%s%.1f %.1f", first ? "M" : "L", x_of(c, step), y_of(c, loss));
}

/* Means of equal stretches when there are more points than the picture has room for.  smooth 0: the values themselves. */
static void put_curve(const chart *c, const log_curve *curve, const char *class, double smooth) {
    size_t stride = curve->len / POINTS_MAX + 1;
    double average = 0, weight = 0;
    ig_buf_printf(c->out, "<path class=\"%s\" d=\"", class);
    for (size_t i = 0; i < curve->len; i += stride) {
        double sum = 0;
        size_t n = 0;
        for (; n < stride && i + n < curve->len; n++) {
            double loss = curve->at[i + n].loss;
            average = smooth * average + (1 - smooth) * loss;
            weight = smooth * weight + (1 - smooth);
            sum += average / weight;
        }
        put_point(c, curve->at[i + n - 1].step, sum / (double)n, i == 0);
    }
    ig_buf_puts(c->out, "\"/>\n");
}

static void put_evaluations(const chart *c, const log_curve *curve) {
    const log_point *best = curve->at;
    if (!curve->len) return;
    put_curve(c, curve, "eval", 0);
    for (size_t i = 0; i < curve->len; i++) {
        if (curve->at[i].loss < best->loss) best = &curve->at[i];
        if (i % (curve->len / 200 + 1) == 0)
            ig_buf_printf(c->out, "<circle class=\"dot\" r=\"3\" cx=\"%.1f\" cy=\"%.1f\"/>\n", x_of(c, curve->at[i].step), y_of(c, curve->at[i].loss));
    }
    double x = fmin(x_of(c, best->step), WIDTH - RIGHT - 50);
    ig_buf_printf(c->out, "<text class=\"best\" x=\"%.1f\" y=\"%.1f\">best %.4f</text>\n", x, y_of(c, best->loss) + 18, best->loss);
}

/* ---- the picture ---- */

static const char style[] =
    "<style>\n"
    "svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#333}.title{font-size:15px;font-weight:600}\n"
    ".x{text-anchor:middle}.y{text-anchor:end}.grid{stroke:#e4e4e4}.axis{stroke:#777}path{fill:none}\n"
    ".raw{stroke:#0b6bcb;stroke-opacity:.25}.train{stroke:#0b6bcb;stroke-width:2}\n"
    ".eval{stroke:#c2410c;stroke-width:2}.dot{fill:#c2410c}.best{fill:#c2410c;text-anchor:middle}\n"
    "@media(prefers-color-scheme:dark){svg{background:#16181d}text{fill:#d6d9df}.grid{stroke:#2b2f37}.axis{stroke:#8a9099}\n"
    ".raw{stroke:#6cb6ff}.train{stroke:#6cb6ff}.eval{stroke:#ff9e64}.dot,.best{fill:#ff9e64}}\n"
    "</style>\n";

static void put_escaped(ig_buf *out, const char *text) {
    for (; *text; text++) {
        if (*text == '<') ig_buf_puts(out, "&lt;");
        else if (*text == '&') ig_buf_puts(out, "&amp;");
        else if ((unsigned char)*text >= 0x20) ig_buf_putc(out, *text);
    }
}

static void put_frame(const chart *c, const char *title) {
    ig_buf_printf(c->out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>", WIDTH, HEIGHT);
    put_escaped(c->out, title);
    ig_buf_puts(c->out, "</title>\n");
    ig_buf_puts(c->out, style);
    ig_buf_printf(c->out, "<text class=\"title\" x=\"%d\" y=\"24\">", LEFT);
    put_escaped(c->out, title);
    ig_buf_puts(c->out, "</text>\n");
    ig_buf_printf(c->out, "<path class=\"train\" d=\"M%d 20h24\"/><text x=\"%d\" y=\"24\">training</text>\n", WIDTH - 230, WIDTH - 200);
    ig_buf_printf(c->out, "<path class=\"eval\" d=\"M%d 20h24\"/><text x=\"%d\" y=\"24\">evaluation</text>\n", WIDTH - 120, WIDTH - 90);
}

ig_status run_chart_write(const run_log *l, const char *title, int64_t total_steps, const char *path, ig_error *err) {
    ig_buf svg = {.max = (size_t)16 << 20};
    chart c = {.out = &svg};
    IG_TRY(choose_axes(&c, l, total_steps, err));
    put_frame(&c, title);
    put_axes(&c);
    put_curve(&c, &l->train, "raw", 0);
    put_curve(&c, &l->train, "train", 0.95);
    put_evaluations(&c, &l->eval);
    ig_buf_puts(&svg, "</svg>\n");
    ig_status status = ig_buf_status(&svg, err);
    if (status == IG_OK) status = ig_file_write(path, svg.data, svg.len, err);
    ig_buf_fini(&svg);
    return status;
}
