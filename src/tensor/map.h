/* tensor/map.h: runs element-wise programs: one map, or a fused chain of them, over strided, broadcast operands of any
 * element type.  The one place where shapes meet the element-wise kernels.
 */
#ifndef INGOT_TENSOR_MAP_H
#define INGOT_TENSOR_MAP_H

#include "ingot/tensor.h"
#include "tensor/kernels/kernels.h"

#define IG_CHAIN_STEPS_MAX 12
#define IG_CHAIN_INPUTS_MAX 12

/* One step y = map(a, b, c).  An operand >= 0 is an input of the program, < 0 is the result of step -(operand+1). */
typedef struct ig_map_step {
    ig_map map;
    int in[3];
    int key;        /* dropout: which input holds {seed, step}; else -1 */
    int out;        /* which output of the program gets the result, or -1 */
    double f[2];
    uint64_t stream;
} ig_map_step;

typedef struct ig_map_program {
    int steps, inputs, outputs;
    ig_map_step step[IG_CHAIN_STEPS_MAX];
} ig_map_program;

/* Inputs broadcast to the shape of the outputs, which all have the same shape.  An output may be the same memory as an
 * input of the same strides that no later step reads.  Computes in f32; in f64 when an operand is f64, i32 or i64. */
void ig_map_run(ig_context *ctx, const ig_map_program *p, const ig_tensor *const *in, const ig_tensor *const *out);

#endif
