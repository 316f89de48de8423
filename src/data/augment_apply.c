/* data/augment_apply.c: one picture as the network sees it.
 *
 *     u8 [h,w,C] ──part, size──► u8 [h',w',C] ──window, warp, flips──► f32 [H,W,C], 0 … 255
 *                                             ──colour──► ──(x - mean)/std──► ──erase──► out
 *
 * All random numbers of a picture are drawn before anything is done, each at a place of its own, so that switching one line of
 * the augmentation on does not change what the others do.  What lies outside of the picture is the mean, which becomes 0.
 */
#include <math.h>
#include <string.h>

#include "ingot/pictures.h"

/* Stream of the seed, so that no two uses share numbers. */
enum { STREAM_AUGMENT = 0x61756721 };

/* Places of the random numbers, each uniform in [0,1). */
enum {
    U_Y, U_X, U_AREA, U_ASPECT, U_FLIP, U_FLIP_VERTICAL, U_ROTATE, U_SCALE, U_SHIFT_Y, U_SHIFT_X, U_BRIGHTNESS, U_CONTRAST,
    U_SATURATION, U_ERASE, U_ERASE_AREA, U_ERASE_ASPECT, U_ERASE_Y, U_ERASE_X, U_CUTOUT_Y, U_CUTOUT_X, U_COUNT
};

typedef struct work {
    const ig_augment *a;
    bool training;
    double u[U_COUNT];
    float mean[3]; /* of 0 … 255 */
    float *out;    /* [H,W,C] */
} work;

static void draw(work *w, const ig_augment_key *key) {
    uint32_t word[4];
    ig_rng r;
    w->training = key != NULL;
    if (!key) return;
    ig_philox(key->seed, STREAM_AUGMENT, key->epoch, word);
    ig_rng_init(&r, (uint64_t)word[0] << 32 | word[1], key->example);
    for (int i = 0; i < U_COUNT; i++) w->u[i] = ig_rng_uniform(&r);
}

static double between(double u, double least, double most) { return least + u * (most - least); }

/* A whole number from 0 to `most`. */
static int64_t below_or(double u, int64_t most) { return most > 0 ? (int64_t)(u * (double)(most + 1)) : 0; }

/* ---- part and size ----------------------------------------------------------------------------------------------- */

/* A part of the picture with a random share of its area and a random aspect.   (Szegedy et al. 2015) */
static ig_status random_part(const work *w, const ig_picture *p, ig_picture *out, ig_error *err) {
    double area = between(w->u[U_AREA], (double)w->a->area_min, (double)w->a->area_max) * (double)p->height * (double)p->width;
    double aspect = exp(between(w->u[U_ASPECT], log(3.0 / 4), log(4.0 / 3)));
    int64_t height = (int64_t)(sqrt(area / aspect) + 0.5), width = (int64_t)(sqrt(area * aspect) + 0.5);
    height = height < 1 ? 1 : height > p->height ? p->height : height;
    width = width < 1 ? 1 : width > p->width ? p->width : width;
    ig_picture_box box = {below_or(w->u[U_Y], p->height - height), below_or(w->u[U_X], p->width - width), height, width};
    return ig_picture_resize(p, &box, w->a->height, w->a->width, IG_PICTURE_BILINEAR, out, err);
}

/* The size whose shorter side is `resize`, else the smallest that covers H × W. */
static void covering_size(const ig_augment *a, const ig_picture *p, int64_t *height, int64_t *width) {
    if (a->resize) {
        bool tall = p->height > p->width;
        *height = tall ? a->resize * p->height / p->width : a->resize;
        *width = tall ? a->resize : a->resize * p->width / p->height;
        return;
    }
    bool by_height = a->height * p->width >= a->width * p->height;
    int64_t h = (p->height * a->width + p->width / 2) / p->width, w = (p->width * a->height + p->height / 2) / p->height;
    *height = by_height ? a->height : h > a->height ? h : a->height;
    *width = by_height ? (w > a->width ? w : a->width) : a->width;
}

/* ---- window, warp, flips ----------------------------------------------------------------------------------------- */

/* Where the output's pixel (0,0) lies in the picture. */
static void place_window(const work *w, const ig_picture *p, int64_t *y, int64_t *x) {
    const ig_augment *a = w->a;
    *y = (p->height - a->height) / 2, *x = (p->width - a->width) / 2;
    if (!w->training || a->area_max > 0) return;
    int64_t free_y = p->height + 2 * a->padding - a->height, free_x = p->width + 2 * a->padding - a->width;
    if (free_y >= 0) *y = below_or(w->u[U_Y], free_y) - a->padding;
    if (free_x >= 0) *x = below_or(w->u[U_X], free_x) - a->padding;
}

static bool flips(const work *w, int place, float probability) { return w->training && w->u[place] < (double)probability; }

/* Pixel by pixel, without interpolation. */
static void copy_window(const work *w, const ig_picture *p, int64_t y0, int64_t x0) {
    const ig_augment *a = w->a;
    int c = a->channels;
    bool flip = flips(w, U_FLIP, a->flip), turn = flips(w, U_FLIP_VERTICAL, a->flip_vertical);
    int64_t step = flip ? -1 : 1;
    float *out = w->out;
    for (int64_t i = 0; i < a->height; i++) {
        int64_t y = y0 + (turn ? a->height - 1 - i : i), x = x0 + (flip ? a->width - 1 : 0);
        bool inside_y = y >= 0 && y < p->height;
        const uint8_t *row = p->data + (inside_y ? y : 0) * p->width * c;
        if (inside_y && !flip && x0 >= 0 && x0 + a->width <= p->width) { /* a whole row: this becomes vectors */
            for (int64_t k = 0; k < a->width * c; k++) out[k] = (float)row[x0 * c + k];
            out += a->width * c;
            continue;
        }
        for (int64_t j = 0; j < a->width; j++, x += step, out += c) {
            bool inside = inside_y && x >= 0 && x < p->width;
            for (int k = 0; k < c; k++) out[k] = inside ? (float)row[x * c + k] : w->mean[k];
        }
    }
}

/* Between the centres of four pixels; those outside are the mean. */
static void sample(const work *w, const ig_picture *p, double y, double x, float *out) {
    double top = floor(y - 0.5), left = floor(x - 0.5);
    float fy = (float)(y - 0.5 - top), fx = (float)(x - 0.5 - left);
    const float weight[4] = {(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx};
    for (int k = 0; k < p->channels; k++) out[k] = 0;
    for (int i = 0; i < 4; i++) {
        int64_t r = (int64_t)top + i / 2, q = (int64_t)left + i % 2;
        bool inside = r >= 0 && r < p->height && q >= 0 && q < p->width;
        const uint8_t *in = p->data + (inside ? (r * p->width + q) * p->channels : 0);
        for (int k = 0; k < p->channels; k++) out[k] += weight[i] * (inside ? (float)in[k] : w->mean[k]);
    }
}

/* Rotated and scaled about the centre of the window, then shifted, then flipped: the way back for every pixel. */
static void warp_window(const work *w, const ig_picture *p, int64_t y0, int64_t x0) {
    const ig_augment *a = w->a;
    double angle = between(w->u[U_ROTATE], -1, 1) * (double)a->rotate * 3.14159265358979323846 / 180;
    double scale = a->scale_max > 0 ? between(w->u[U_SCALE], (double)a->scale_min, (double)a->scale_max) : 1;
    double shift_y = between(w->u[U_SHIFT_Y], -1, 1) * (double)a->shift * (double)a->height;
    double shift_x = between(w->u[U_SHIFT_X], -1, 1) * (double)a->shift * (double)a->width;
    double sin_s = sin(angle) / scale, cos_s = cos(angle) / scale, half_y = (double)a->height / 2;
    double half_x = (double)a->width / 2;
    bool flip = flips(w, U_FLIP, a->flip), turn = flips(w, U_FLIP_VERTICAL, a->flip_vertical);
    float *out = w->out;
    for (int64_t i = 0; i < a->height; i++)
        for (int64_t j = 0; j < a->width; j++, out += a->channels) {
            double y = (double)(turn ? a->height - 1 - i : i) + 0.5 - half_y - shift_y;
            double x = (double)(flip ? a->width - 1 - j : j) + 0.5 - half_x - shift_x;
            sample(w, p, (double)y0 + half_y + cos_s * y - sin_s * x, (double)x0 + half_x + sin_s * y + cos_s * x, out);
        }
}

static ig_status geometry(work *w, const ig_picture *p, ig_error *err) {
    const ig_augment *a = w->a;
    ig_picture sized = {0};
    int64_t height = p->height, width = p->width, y, x;
    if (w->training && a->area_max > 0) {
        IG_TRY(random_part(w, p, &sized, err));
        p = &sized;
    } else {
        covering_size(a, p, &height, &width);
        if (height != p->height || width != p->width) {
            IG_TRY(ig_picture_resize(p, NULL, height, width, IG_PICTURE_BILINEAR, &sized, err));
            p = &sized;
        }
    }
    place_window(w, p, &y, &x);
    bool warps = w->training && (a->rotate > 0 || a->scale_max > 0 || a->shift > 0);
    (warps ? warp_window : copy_window)(w, p, y, x);
    ig_picture_fini(&sized);
    return IG_OK;
}

/* ---- colour ------------------------------------------------------------------------------------------------------ */

static float clip(float v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

static float grey_of(const float *p, int channels) {
    return channels == 1 ? *p : 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
}

static float factor(const work *w, int place, float strength) {
    return (float)between(w->u[place], 1 - (double)strength, 1 + (double)strength);
}

/* v ← center + f·(v - center): brightness about black, contrast about the picture's mean grey, saturation about the pixel's
 * own. */
static void color(const work *w) {
    const ig_augment *a = w->a;
    int64_t pixels = a->height * a->width, n = pixels * a->channels;
    float *v = w->out;
    if (a->brightness > 0) {
        float f = factor(w, U_BRIGHTNESS, a->brightness);
        for (int64_t i = 0; i < n; i++) v[i] = clip(f * v[i]);
    }
    if (a->contrast > 0) {
        float f = factor(w, U_CONTRAST, a->contrast);
        double sum = 0;
        for (int64_t i = 0; i < pixels; i++) sum += (double)grey_of(v + i * a->channels, a->channels);
        float center = (float)(sum / (double)pixels);
        for (int64_t i = 0; i < n; i++) v[i] = clip(center + f * (v[i] - center));
    }
    if (a->saturation > 0 && a->channels == 3) {
        float f = factor(w, U_SATURATION, a->saturation);
        for (float *p = v; p < v + n; p += 3) {
            float grey = grey_of(p, 3);
            for (int k = 0; k < 3; k++) p[k] = clip(grey + f * (p[k] - grey));
        }
    }
}

/* ---- normalisation, erasing -------------------------------------------------------------------------------------- */

enum { PERIOD = 12 }; /* values after which both 1 and 3 channels begin again: a loop of this length becomes vectors */

static void normalize(const work *w) {
    const ig_augment *a = w->a;
    float mean[PERIOD], factors[PERIOD];
    int64_t n = a->height * a->width * a->channels, i = 0;
    for (int k = 0; k < PERIOD; k++) {
        float std = a->std[k % a->channels];
        mean[k] = w->mean[k % a->channels];
        factors[k] = 1 / (255 * (std > 0 ? std : 1));
    }
    for (; i + PERIOD <= n; i += PERIOD)
        for (int k = 0; k < PERIOD; k++) w->out[i + k] = (w->out[i + k] - mean[k]) * factors[k];
    for (int k = 0; i < n; i++, k++) w->out[i] = (w->out[i] - mean[k]) * factors[k];
}

static void clear(const work *w, int64_t y, int64_t x, int64_t height, int64_t width) {
    const ig_augment *a = w->a;
    int64_t bottom = y + height < a->height ? y + height : a->height, right = x + width < a->width ? x + width : a->width;
    if (y < 0) y = 0;
    if (x < 0) x = 0;
    for (; y < bottom && x < right; y++)
        memset(w->out + (y * a->width + x) * a->channels, 0, (size_t)((right - x) * a->channels) * sizeof *w->out);
}

static void erase(const work *w) {
    const ig_augment *a = w->a;
    if (w->u[U_ERASE] < (double)a->erase) {
        double area = between(w->u[U_ERASE_AREA], 0.02, 0.33) * (double)(a->height * a->width);
        double aspect = exp(between(w->u[U_ERASE_ASPECT], log(0.3), log(1 / 0.3)));
        int64_t height = (int64_t)(sqrt(area / aspect) + 0.5), width = (int64_t)(sqrt(area * aspect) + 0.5);
        if (height > a->height) height = a->height;
        if (width > a->width) width = a->width;
        clear(w, below_or(w->u[U_ERASE_Y], a->height - height), below_or(w->u[U_ERASE_X], a->width - width), height, width);
    }
    if (a->cutout)
        clear(w, below_or(w->u[U_CUTOUT_Y], a->height - 1) - a->cutout / 2,
              below_or(w->u[U_CUTOUT_X], a->width - 1) - a->cutout / 2, a->cutout, a->cutout);
}

ig_status ig_augment_apply(const ig_augment *a, const ig_picture *p, const ig_augment_key *key, float *out, ig_error *err) {
    work w = {.a = a, .out = out};
    if (a->height < 1 || a->width < 1 || p->channels != a->channels)
        return ig_error_set(err, IG_E_ARG, "a picture with %d channels cannot become one of %lld × %lld pixels with %d",
                            p->channels, (long long)a->width, (long long)a->height, a->channels);
    draw(&w, key);
    for (int c = 0; c < 3; c++) w.mean[c] = 255 * a->mean[c];
    IG_TRY(geometry(&w, p, err));
    if (w.training) color(&w);
    normalize(&w);
    if (w.training) erase(&w);
    return IG_OK;
}
