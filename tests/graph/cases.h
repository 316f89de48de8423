/* tests/graph/cases.h: the list of op cases, which drives the gradient test, the comparison of f32 with f64, and that of
 * the static plan with the dynamic graph.
 *
 * A case records y from its inputs.  The harness makes the inputs in every layout (row-major, transposed, sliced out of
 * something larger), and once more with one tensor in the place of all inputs of the same shape.
 */
#ifndef TESTS_GRAPH_CASES_H
#define TESTS_GRAPH_CASES_H

#include "../check.h"
#include "graph/graph.h"
#include "graph/ops/ops.h"

#define CASE_INPUTS_MAX 6

typedef struct op_case op_case;
typedef ig_var *case_build_fn(ig_graph *g, ig_var *const *x, const op_case *c);

typedef struct case_shape {
    int ndim;
    int64_t size[IG_DIMS_MAX];
} case_shape;

struct op_case {
    const char *name;
    case_build_fn *build;
    int inputs;
    case_shape in[CASE_INPUTS_MAX];
    int64_t i[4];      /* what the builder makes of them */
    double f[2];
    bool positive;     /* inputs within [0.3, 2.3] instead of ±[0.1, 2.1] */
    double step;       /* of the finite difference; 0: the usual one */
};

extern const op_case op_cases[];
extern const size_t op_case_count;

#endif
