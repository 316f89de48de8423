/* data/picture_draw.c: rectangles, lines of text and heat on a picture: what a report shows of a detection or an
 * explanation. */
#include <math.h>

#include "data/picture.h"
#include "data/picture_font.h"

static void put(ig_picture *p, int64_t y, int64_t x, ig_color c) {
    uint8_t *to = p->data + (y * p->width + x) * p->channels;
    if (p->channels == 1) *to = luma(c.r, c.g, c.b);
    else to[0] = c.r, to[1] = c.g, to[2] = c.b;
}

static int64_t clamp(int64_t v, int64_t most) { return v < 0 ? 0 : v > most ? most : v; }

/* The end of a box, which may lie beyond what an integer holds. */
static int64_t end_of(int64_t at, int64_t size, int64_t most) {
    if (size <= 0 || at >= most) return 0;
    return at < 0 ? clamp(at + size, most) : size > most - at ? most : at + size;
}

void ig_picture_fill(ig_picture *p, ig_picture_box box, ig_color c) {
    int64_t bottom = end_of(box.y, box.height, p->height), right = end_of(box.x, box.width, p->width);
    for (int64_t y = clamp(box.y, p->height); y < bottom; y++)
        for (int64_t x = clamp(box.x, p->width); x < right; x++) put(p, y, x, c);
}

void ig_picture_frame(ig_picture *p, ig_picture_box box, int64_t thickness, ig_color c) {
    int64_t t = thickness, shorter = box.height < box.width ? box.height : box.width;
    if (2 * t >= shorter) {
        ig_picture_fill(p, box, c);
        return;
    }
    ig_picture_fill(p, (ig_picture_box){box.y, box.x, t, box.width}, c);
    ig_picture_fill(p, (ig_picture_box){box.y + box.height - t, box.x, t, box.width}, c);
    ig_picture_fill(p, (ig_picture_box){box.y, box.x, box.height, t}, c);
    ig_picture_fill(p, (ig_picture_box){box.y, box.x + box.width - t, box.height, t}, c);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static const char *next_character(const char *s, uint32_t *cp) {
    size_t n = 0;
    while (n < 4 && s[n]) n++;
    size_t used = ig_utf8_decode(s, n, cp);
    if (used) return s + used;
    *cp = 0xFFFD;
    return s + 1;
}

void ig_picture_text(ig_picture *p, int64_t y, int64_t x, int scale, const char *utf8, ig_color c) {
    for (uint32_t cp; *utf8; x += FONT_ADVANCE * scale) {
        utf8 = next_character(utf8, &cp);
        const uint8_t *glyph = font_glyph(cp);
        for (int row = 0; row < FONT_HEIGHT; row++)
            for (int bit = 0; bit < FONT_WIDTH; bit++)
                if (glyph[row] >> (FONT_WIDTH - 1 - bit) & 1)
                    ig_picture_fill(p, (ig_picture_box){y + row * scale, x + bit * scale, scale, scale}, c);
    }
}

int64_t ig_picture_text_width(int scale, const char *utf8) {
    int64_t width = 0;
    for (uint32_t cp; *utf8; width += FONT_ADVANCE * scale) utf8 = next_character(utf8, &cp);
    return width;
}

/* ---- heat -------------------------------------------------------------------------------------------------------- */

ig_color ig_heat_color(double value) {
    static const double stop[][3] = {{22, 18, 88}, {36, 74, 146}, {38, 144, 136}, {124, 202, 82}, {250, 236, 44}};
    double at = isnan(value) || value < 0 ? 0 : value > 1 ? 4 : value * 4;
    int i = at < 4 ? (int)at : 3;
    double f = at - i, rgb[3];
    for (int c = 0; c < 3; c++) rgb[c] = stop[i][c] + f * (stop[i + 1][c] - stop[i][c]) + 0.5;
    return (ig_color){(uint8_t)rgb[0], (uint8_t)rgb[1], (uint8_t)rgb[2]};
}

/* Between the centres of the four values around (y,x), both in units of a value. */
static double heat_at(const float *heat, int64_t rows, int64_t columns, double y, double x) {
    double top = floor(y - 0.5), left = floor(x - 0.5), fy = y - 0.5 - top, fx = x - 0.5 - left, sum = 0;
    for (int i = 0; i < 4; i++) {
        int64_t r = clamp((int64_t)top + i / 2, rows - 1), k = clamp((int64_t)left + i % 2, columns - 1);
        sum += (double)heat[r * columns + k] * (i / 2 ? fy : 1 - fy) * (i % 2 ? fx : 1 - fx);
    }
    return sum;
}

ig_status ig_picture_heat(ig_picture *p, const float *heat, int64_t rows, int64_t columns, double opacity, ig_error *err) {
    if (p->channels != 3 || rows < 1 || columns < 1 || !(opacity >= 0 && opacity <= 1))
        return ig_error_set(err, IG_E_ARG, "heat needs a picture with colours, at least one value, and an opacity from 0 to 1");
    double least = (double)heat[0], most = least;
    for (int64_t i = 0; i < rows * columns; i++) {
        if (!isfinite(heat[i])) return ig_error_set(err, IG_E_NUMERIC, "value %lld of the heat is not finite", (long long)i);
        least = fmin(least, (double)heat[i]), most = fmax(most, (double)heat[i]);
    }
    double range = most > least ? most - least : 1;
    uint8_t *to = p->data;
    for (int64_t y = 0; y < p->height; y++)
        for (int64_t x = 0; x < p->width; x++, to += 3) {
            double v = heat_at(heat, rows, columns, ((double)y + 0.5) * (double)rows / (double)p->height,
                               ((double)x + 0.5) * (double)columns / (double)p->width);
            ig_color c = ig_heat_color((v - least) / range);
            const uint8_t over[3] = {c.r, c.g, c.b};
            for (int k = 0; k < 3; k++) to[k] = (uint8_t)(to[k] + opacity * (over[k] - to[k]) + 0.5);
        }
    return IG_OK;
}
