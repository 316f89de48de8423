/* tensor/kernels/rope.c: rotary positions of one head's row.   (Su et al. 2021, "RoFormer", eq. 34)
 *
 * Pair i is turned by the angle of which c[i] and s[i] are cosine and sine; sign -1 turns back, which is the gradient.  Models
 * differ in what a pair is: neighbours (the paper, GPT-J), or an element of each half (GPT-NeoX, Llama as converted).
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/table.h"

INLINE void rotate(real *y, const real *x, const real *c, const real *s, size_t pairs, size_t step, size_t apart, real sign) {
    EACH(i, pairs) {
        real a = x[i * step], b = x[i * step + apart], sine = sign * s[i];
        y[i * step] = FMA(a, c[i], -(b * sine));
        y[i * step + apart] = FMA(b, c[i], a * sine);
    }
}

void K(rope_row)(real *y, const real *x, const real *c, const real *s, size_t d, bool half, real sign) {
    size_t pairs = d / 2;
    if (half) rotate(y, x, c, s, pairs, 1, pairs, sign);
    else rotate(y, x, c, s, pairs, 2, 1, sign);
    if (d % 2) y[d - 1] = x[d - 1];
}
