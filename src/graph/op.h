/* graph/op.h: what an op is.  One row of the op table serves the dynamic graph, the plan, fusion, the gradient tests,
 * saving and the documentation.
 *
 * The life of an op:  record (ig_record) → shape rule fills the outputs' dtype, shape and strides → eager graphs allocate
 * and run `forward` at once; plans run the same `forward` later, on memory of the arena.  `backward` records the
 * gradient with other ops: it never computes.
 */
#ifndef INGOT_GRAPH_OP_H
#define INGOT_GRAPH_OP_H

#include "ingot/graph.h"
#include "tensor/kernels/kernels.h"

#define IG_OP_OUT_MAX 3
#define IG_OP_INT_MAX 12
#define IG_OP_REAL_MAX 4

typedef struct ig_node ig_node;
typedef struct ig_op ig_op;

/* Constants of a node: what `i` and `f` mean is named by the op's row (attr_names), for printing and saving. */
typedef struct ig_attrs {
    int64_t i[IG_OP_INT_MAX];
    double f[IG_OP_REAL_MAX];
} ig_attrs;

struct ig_var {
    ig_tensor t;      /* dtype, shape, strides; data while computed */
    ig_node *node;
    int index;        /* which output of node */
    bool requires_grad;
    ig_var *grad;     /* recorded by ig_backward */
    ig_var *pending;  /* while ig_backward runs: the part of grad that has not been passed on yet */
    ig_var *cast_to[IG_DTYPE_COUNT]; /* casts already recorded */
};

struct ig_node {
    const ig_op *op;  /* leaves have the op "leaf" */
    int id;           /* position in the recording */
    int nin;
    ig_var **in;
    int nout;
    ig_var out[IG_OP_OUT_MAX];
    ig_attrs attrs;
    const char *name; /* of a leaf */
    int segment;      /* recomputation stretch, 0 = none */
    bool segment_result;
    bool is_param;
    ig_node *again;   /* inside a recomputation stretch: the node that was recorded a second time for the backward pass */
    void *prepared;   /* by op->prepare; given back by op->release */
};

/* What a running op sees: tensors with data, in the plan's memory or the eager graph's. */
typedef struct ig_run {
    ig_context *ctx;
    const ig_kernels *k;
    const ig_node *node;          /* attrs, prepared */
    const ig_tensor *const *in;   /* [nin] */
    const ig_tensor *const *out;  /* [nout] */
    void *scratch;                /* op->scratch bytes, 64-byte aligned */
} ig_run;

enum {
    IG_OP_VIEW = 1,      /* output i is a view of input 0: shape rule set shape, strides and, through `view`, the offset */
    IG_OP_IN_PLACE = 2,  /* output 0 may take the memory of input 0 (same bytes, contiguous) */
    IG_OP_NO_GRAD = 4,   /* nothing flows back */
    IG_OP_EFFECT = 8,    /* changes a leaf: kept although nobody reads its output */
    IG_OP_BORROWS = 16,  /* attrs.i[0] is the address of something of the caller's: a plan with it is not saved or loaded */
};

struct ig_op {
    const char *name, *doc;
    int nin_min, nin_max;   /* nin_max -1: any number */
    int nout;
    unsigned flags;
    uint32_t mutates;       /* bit k: input k is changed in place (must be a leaf); bit 31: see mutates_every */
    int mutates_every;      /* for multi-tensor updates with mutates: pattern repeats every so many inputs (0: no) */
    int map;                /* ig_map of an element-wise op, else -1.  Set by the macro IG_MAP_OP; others: -1 */
    /* Dtype, shape and strides of the outputs, from n->in and n->attrs (which it may complete). */
    ig_status (*shape)(ig_node *n, ig_error *err);
    ig_status (*forward)(const ig_run *r, ig_error *err);
    /* dy[j] is the gradient of output j or NULL; set dx[k] for every input that requires_grad.  NULL: no gradient. */
    void (*backward)(ig_graph *g, ig_node *n, ig_var *const *dy, ig_var **dx);
    size_t (*scratch)(ig_context *ctx, const ig_node *n);                  /* NULL: none */
    ig_status (*prepare)(ig_context *ctx, ig_node *n, ig_error *err);      /* choose kernels for these shapes; for plans */
    void (*release)(ig_node *n);
    size_t (*view)(const ig_node *n, int output);                          /* views: offset in elements from input 0 */
    double (*flops)(const ig_node *n);
    const char *attr_names;  /* "axis,keepdim;eps": ints ; reals */
};

/* Record a node; the general entry behind every ig_* op.  Returns output 0 (the others: v->node->out[k]).
 * A NULL input is only allowed where the op's row says so by taking fewer inputs. */
ig_var *ig_record(ig_graph *g, const ig_op *op, ig_var *const *in, int nin, const ig_attrs *attrs);
/* Poison the graph with an error, and return its dead variable. */
ig_var *ig_poison(ig_graph *g, ig_status code, const char *fmt, ...) IG_PRINTF(3, 4);
bool ig_graph_poisoned(const ig_graph *g);
/* The op's sequence number in this recording, for random streams (does not count gradient ops' recordings twice). */
uint64_t ig_graph_next_stream(ig_graph *g);

/* The op table: all rows, for lookup by name, tests and docs. */
const ig_op *const *ig_ops_all(size_t *count);
const ig_op *ig_op_by_name(const char *name);

/* Output k of node n: element type and row-major shape. */
ig_status ig_out_set(ig_node *n, int k, ig_dtype dtype, int ndim, const int64_t *shape, ig_error *err);
/* Shape rule "same as input 0". */
ig_status ig_shape_same(ig_node *n, ig_error *err);
/* NumPy broadcasting of a and b into shape/ndim. */
ig_status ig_broadcast_shape(const ig_tensor *a, const ig_tensor *b, int *ndim, int64_t *shape, ig_error *err);

#endif
