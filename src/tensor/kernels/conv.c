/* tensor/kernels/conv.c: plain convolution, one picture at a time: what the fast ways are compared with, and what computes in double.
 *
 *     y[oh,ow,o] = bias[o] + Σ x[ih,iw,c]·w[o,c,i,j],     ih = oh·stride - before + i·dilation, iw likewise with j; outside is 0
 *
 * c runs over the channels of o's group.  The two gradients are the same sum, arranged by what is written.  Sums are in double.
 */
#include "tensor/kernels/table.h"

INLINE int64_t source(const ig_conv_args *a, int axis, int64_t at, int64_t tap) {
    return at * a->stride[axis] - a->before[axis] + tap * a->dilation[axis];
}

/* The output position whose tap reads `from`; -1: none. */
INLINE int64_t target(const ig_conv_args *a, int axis, int64_t from, int64_t tap, int64_t size) {
    int64_t at = from + a->before[axis] - tap * a->dilation[axis];
    return at >= 0 && at % a->stride[axis] == 0 && at / a->stride[axis] < size ? at / a->stride[axis] : -1;
}

/* ---- y = x∗w: rows [N·OH] ---------------------------------------------------------------------------------------- */

static double window(const real *x, const real *filter, const ig_conv_args *a, int64_t oh, int64_t ow, int64_t first) {
    double sum = 0;
    for (int64_t i = 0; i < a->kh; i++) {
        int64_t ih = source(a, 0, oh, i);
        for (int64_t j = 0; j < a->kw && ih >= 0 && ih < a->h; j++) {
            int64_t iw = source(a, 1, ow, j);
            if (iw < 0 || iw >= a->w) continue;
            const real *pixel = x + (ih * a->w + iw) * a->c + first;
            for (int64_t c = 0; c < a->c / a->groups; c++) sum += (double)pixel[c] * (double)filter[(c * a->kh + i) * a->kw + j];
        }
    }
    return sum;
}

void K(conv_rows)(real *y, const real *x, const real *w, const real *bias, const ig_conv_args *a, size_t begin, size_t end) {
    const int64_t cg = a->c / a->groups, og = a->o / a->groups;
    for (int64_t row = (int64_t)begin; row < (int64_t)end; row++) {
        const real *picture = x + row / a->oh * a->h * a->w * a->c;
        for (int64_t ow = 0; ow < a->ow; ow++)
            for (int64_t o = 0; o < a->o; o++) {
                double sum = window(picture, w + o * cg * a->kh * a->kw, a, row % a->oh, ow, o / og * cg);
                y[(row * a->ow + ow) * a->o + o] = (real)(sum + (bias ? (double)bias[o] : 0));
            }
    }
}

/* ---- dx: rows [N·H] ---------------------------------------------------------------------------------------------- */

static double gathered(const real *dy, const real *w, const ig_conv_args *a, int64_t ih, int64_t iw, int64_t channel) {
    const int64_t cg = a->c / a->groups, og = a->o / a->groups, first = channel / cg * og, c = channel % cg;
    double sum = 0;
    for (int64_t i = 0; i < a->kh; i++) {
        int64_t oh = target(a, 0, ih, i, a->oh);
        for (int64_t j = 0; j < a->kw && oh >= 0; j++) {
            int64_t ow = target(a, 1, iw, j, a->ow);
            if (ow < 0) continue;
            const real *pixel = dy + (oh * a->ow + ow) * a->o;
            for (int64_t o = first; o < first + og; o++) sum += (double)pixel[o] * (double)w[((o * cg + c) * a->kh + i) * a->kw + j];
        }
    }
    return sum;
}

void K(conv_data_rows)(real *dx, const real *dy, const real *w, const ig_conv_args *a, size_t begin, size_t end) {
    for (int64_t row = (int64_t)begin; row < (int64_t)end; row++) {
        const real *picture = dy + row / a->h * a->oh * a->ow * a->o;
        for (int64_t iw = 0; iw < a->w; iw++)
            for (int64_t c = 0; c < a->c; c++) dx[(row * a->w + iw) * a->c + c] = (real)gathered(picture, w, a, row % a->h, iw, c);
    }
}

/* ---- dw: planes [O·C/groups] of KH·KW ---------------------------------------------------------------------------- */

static double correlated(const real *x, const real *dy, const ig_conv_args *a, int64_t i, int64_t j) {
    double sum = 0;
    for (int64_t row = 0; row < a->n * a->oh; row++) {
        int64_t ih = source(a, 0, row % a->oh, i);
        for (int64_t ow = 0; ow < a->ow && ih >= 0 && ih < a->h; ow++) {
            int64_t iw = source(a, 1, ow, j);
            if (iw < 0 || iw >= a->w) continue;
            sum += (double)dy[(row * a->ow + ow) * a->o] * (double)x[((row / a->oh * a->h + ih) * a->w + iw) * a->c];
        }
    }
    return sum;
}

void K(conv_weight_planes)(real *dw, const real *x, const real *dy, const ig_conv_args *a, size_t begin, size_t end) {
    const int64_t cg = a->c / a->groups, og = a->o / a->groups;
    for (int64_t plane = (int64_t)begin; plane < (int64_t)end; plane++) {
        int64_t o = plane / cg, channel = o / og * cg + plane % cg;
        for (int64_t tap = 0; tap < a->kh * a->kw; tap++)
            dw[plane * a->kh * a->kw + tap] = (real)correlated(x + channel, dy + o, a, tap / a->kw, tap % a->kw);
    }
}
