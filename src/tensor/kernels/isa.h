/* tensor/kernels/isa.h: what a kernel source sees of the build it is compiled in.
 *
 * Each source is compiled once per instruction set with -DIG_ISA=reference|avx2|avx512, and once more with -DIG_WIDE for
 * double.  K(name) gives a symbol its suffix, `real` is the element type, FMA(a, b, c) is a·b + c rounded once: an
 * instruction where there is one, libm's fma in the reference build, so that all builds give the same bits.
 */
#ifndef INGOT_TENSOR_ISA_H
#define INGOT_TENSOR_ISA_H

#include <math.h>
#include <string.h>

#include "tensor/kernels/kernels.h"

#define IG_PASTE_(a, b) ig_k_##a##_##b
#define IG_PASTE(a, b) IG_PASTE_(a, b)

#ifdef IG_WIDE
typedef double real;
#define K(name) IG_PASTE(name, f64)
#define FMA(a, b, c) __builtin_fma(a, b, c)
#define R(x) x
#define MATH(name) name
#else
typedef float real;
#define K(name) IG_PASTE(name, IG_ISA)
#define FMA(a, b, c) __builtin_fmaf(a, b, c)
#define R(x) x##f
#define MATH(name) name##f
#endif

#define INLINE static inline __attribute__((always_inline))

/* Iterations are independent although y may be an input: element i is read before it is written.  clang has no such promise and
 * checks for overlap when the loop starts. */
#ifdef __clang__
#define EACH(i, n) for (size_t i = 0; i < (n); i++)
#else
#define EACH(i, n) _Pragma("GCC ivdep") for (size_t i = 0; i < (n); i++)
#endif

#define LANES 16 /* of every sum, whatever the vector width */

#endif
