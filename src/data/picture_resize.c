/* data/picture_resize.c: another size, without aliases.
 *
 *     [h,w] ──each row──► [h,W] ──each column──► [H,W]
 *
 * Output pixel i has its centre at (i + 1/2)·s in the source, s = in/out.  Its value is the mean of the source around it with
 * the weights of a filter that is max(s,1) times as wide as the filter itself: a triangle of half-width 1 (bilinear) or a box
 * of half-width 1/2 (area).  So going down every source pixel counts, and going up it is interpolation.   (Heckbert 1989)
 * Weights are rounded to 22 bits of fraction and each of the passes to 8 bits, as Pillow does: its results are the test's
 * reference.
 */
#include <math.h>
#include <string.h>

#include "ingot/pictures.h"

#define FRACTION 22

typedef struct taps {
    int64_t out;
    int most;        /* weights per output */
    int32_t *weight; /* [out,most] */
    int32_t *first;  /* [out] */
    int32_t *count;  /* [out] */
} taps;

static double filter_at(ig_picture_filter f, double x) {
    if (f == IG_PICTURE_AREA) return x > -0.5 && x <= 0.5 ? 1 : 0;
    return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

static void fill_taps(taps *t, int64_t in, ig_picture_filter f, double *exact) {
    double step = (double)in / (double)t->out, wide = step < 1 ? 1 : step;
    double reach = (f == IG_PICTURE_AREA ? 0.5 : 1.0) * wide;
    for (int64_t i = 0; i < t->out; i++) {
        double center = ((double)i + 0.5) * step, sum = 0;
        int64_t first = (int64_t)(center - reach + 0.5), end = (int64_t)(center + reach + 0.5);
        if (first < 0) first = 0;
        if (end > in) end = in;
        int n = (int)(end - first);
        for (int k = 0; k < n; k++) sum += exact[k] = filter_at(f, ((double)(first + k) - center + 0.5) * (1 / wide));
        for (int k = 0; k < n; k++)
            t->weight[i * t->most + k] = (int32_t)((sum != 0 ? exact[k] * (1 / sum) : 0) * (1 << FRACTION) + 0.5);
        t->first[i] = (int32_t)first;
        t->count[i] = n;
    }
}

static void taps_fini(taps *t) { ig_free(t->weight); }

static ig_status taps_make(taps *t, int64_t in, int64_t out, ig_picture_filter f, ig_error *err) {
    double step = (double)in / (double)out, reach = (f == IG_PICTURE_AREA ? 0.5 : 1.0) * (step < 1 ? 1 : step);
    *t = (taps){.out = out, .most = (int)ceil(reach) * 2 + 1};
    size_t n = (size_t)out * ((size_t)t->most + 2);
    double *exact = ig_malloc((size_t)t->most * sizeof *exact);
    t->weight = exact ? ig_realloc_array(NULL, n, sizeof *t->weight) : NULL;
    if (!t->weight) {
        ig_free(exact);
        return ig_error_nomem(err, n * sizeof *t->weight);
    }
    t->first = t->weight + out * t->most;
    t->count = t->first + out;
    fill_taps(t, in, f, exact);
    ig_free(exact);
    return IG_OK;
}

static uint8_t round_tap(int32_t sum) {
    int32_t v = sum >> FRACTION;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void row_1(const taps *t, const uint8_t *in, uint8_t *out) {
    for (int64_t x = 0; x < t->out; x++) {
        const int32_t *w = t->weight + x * t->most;
        const uint8_t *p = in + t->first[x];
        int32_t a = 1 << (FRACTION - 1);
        for (int k = 0; k < t->count[x]; k++) a += w[k] * p[k];
        out[x] = round_tap(a);
    }
}

static void row_3(const taps *t, const uint8_t *in, uint8_t *out) {
    for (int64_t x = 0; x < t->out; x++) {
        const int32_t *w = t->weight + x * t->most;
        const uint8_t *p = in + 3 * t->first[x];
        int32_t a = 1 << (FRACTION - 1), b = a, c = a;
        for (int k = 0; k < t->count[x]; k++, p += 3) a += w[k] * p[0], b += w[k] * p[1], c += w[k] * p[2];
        out[3 * x] = round_tap(a), out[3 * x + 1] = round_tap(b), out[3 * x + 2] = round_tap(c);
    }
}

/* All n values of row y, from rows that are `stride` apart.  sum [n] */
static void column(const taps *t, int64_t y, const uint8_t *in, int64_t stride, int64_t n, int32_t *restrict sum,
                   uint8_t *restrict out) {
    for (int64_t x = 0; x < n; x++) sum[x] = 1 << (FRACTION - 1);
    for (int k = 0; k < t->count[y]; k++) {
        const uint8_t *p = in + (t->first[y] + k) * stride;
        int32_t w = t->weight[y * t->most + k];
        for (int64_t x = 0; x < n; x++) sum[x] += w * p[x];
    }
    for (int64_t x = 0; x < n; x++) out[x] = round_tap(sum[x]);
}

/* A picture whose rows are `stride` bytes apart. */
typedef struct plane {
    const uint8_t *data;
    int64_t height, width, stride;
    int channels;
} plane;

static ig_status narrow(const plane *in, int64_t width, ig_picture_filter f, ig_picture *out, ig_error *err) {
    taps t;
    IG_TRY(taps_make(&t, in->width, width, f, err));
    ig_status status = ig_picture_new(in->height, width, in->channels, out, err);
    for (int64_t y = 0; status == IG_OK && y < in->height; y++)
        (in->channels == 1 ? row_1 : row_3)(&t, in->data + y * in->stride, out->data + y * width * in->channels);
    taps_fini(&t);
    return status;
}

static ig_status shorten(const plane *in, int64_t height, ig_picture_filter f, ig_picture *out, ig_error *err) {
    taps t;
    int64_t n = in->width * in->channels;
    IG_TRY(taps_make(&t, in->height, height, f, err));
    int32_t *sum = ig_realloc_array(NULL, (size_t)n, sizeof *sum);
    ig_status status =
        sum ? ig_picture_new(height, in->width, in->channels, out, err) : ig_error_nomem(err, (size_t)n * sizeof *sum);
    for (int64_t y = 0; status == IG_OK && y < height; y++) column(&t, y, in->data, in->stride, n, sum, out->data + y * n);
    ig_free(sum);
    taps_fini(&t);
    return status;
}

static ig_status copy(const plane *in, ig_picture *out, ig_error *err) {
    IG_TRY(ig_picture_new(in->height, in->width, in->channels, out, err));
    size_t row = (size_t)in->width * (size_t)in->channels;
    for (int64_t y = 0; y < in->height; y++) memcpy(out->data + (size_t)y * row, in->data + y * in->stride, row);
    return IG_OK;
}

ig_status ig_picture_resize(const ig_picture *src, const ig_picture_box *box, int64_t height, int64_t width,
                            ig_picture_filter filter, ig_picture *out, ig_error *err) {
    ig_picture_box all = {0, 0, src->height, src->width};
    if (!box) box = &all;
    *out = (ig_picture){0};
    if (box->y < 0 || box->x < 0 || box->height < 1 || box->width < 1 || box->height > src->height - box->y ||
        box->width > src->width - box->x)
        return ig_error_set(err, IG_E_ARG, "the part to resize does not lie inside of the picture");
    if (height < 1 || width < 1 || height > IG_PICTURE_SIDE_MAX || width > IG_PICTURE_SIDE_MAX)
        return ig_error_set(err, IG_E_ARG, "a picture cannot be resized to %lld × %lld pixels", (long long)width,
                            (long long)height);
    int64_t stride = src->width * src->channels;
    plane in = {src->data + box->y * stride + box->x * src->channels, box->height, box->width, stride, src->channels};
    if (height == in.height && width == in.width) return copy(&in, out, err);
    if (height == in.height) return narrow(&in, width, filter, out, err);
    if (width == in.width) return shorten(&in, height, filter, out, err);
    ig_picture middle;
    IG_TRY(narrow(&in, width, filter, &middle, err));
    plane next = {middle.data, middle.height, width, width * in.channels, in.channels};
    ig_status status = shorten(&next, height, filter, out, err);
    ig_picture_fini(&middle);
    return status;
}
