/* models/onnx/onnx.h: from a recorded forward pass to an ONNX model, for the files of this folder.
 *
 *     onnx_model.c     which pass of the family is recorded, with which inputs; the file around it
 *     onnx_sizes.c     the pass is recorded at five sizes of its inputs, which tells how every size follows them
 *     onnx_rows.c      the table: op of a recording → function that writes ONNX nodes
 *     onnx_emit.c      names, nodes, constants; what a row is written with
 *     onnx_leaves.c    parameters and inputs
 *     onnx_*.c         the rows, by group
 *
 * A value has up to two names in the file: in the order of Ingot's dimensions, and, for a picture that came out of an op which
 * ONNX has only in the order [N,C,H,W], in that one (a 1-D signal: [N,C,T]).  Whoever needs the other order gets a Transpose,
 * written once; ops that can work in either order stay in the one that is there.  So a whole network of convolutions is
 * transposed once.
 *
 * Writing is sticky: the first failure is kept, later calls do nothing, and onnx_model.c asks once.
 */
#ifndef INGOT_MODELS_ONNX_H
#define INGOT_MODELS_ONNX_H

#include "formats/onnx.h"
#include "graph/graph.h"
#include "ingot/models.h"

#define ONNX_RECORDINGS 5
#define ONNX_INPUTS_MAX 4
#define ONNX_MASKS_MAX 8

/* A size as it follows the inputs:  c[0] + c[1]·B + c[2]·T + c[3]·B·T */
typedef struct onnx_size {
    int64_t c[4];
} onnx_size;

typedef struct onnx_input {
    const char *name;  /* in the file */
    ig_dtype dtype;
    int ndim;
    onnx_size shape[IG_DIMS_MAX];
    bool is_mask;      /* i64 [B,T] of 1 and 0 in the file; the leaf is its row sums, i64 [B] */
    ig_tensor t[ONNX_RECORDINGS]; /* what the leaf is bound to */
} onnx_input;

typedef struct onnx_constant { /* integers that are in the file already */
    const int64_t *ints;
    int count;
    const char *name;
} onnx_constant;

typedef struct onnx_mask { /* what attention may see, written once for all layers */
    const ig_var *length;
    onnx_size rows, columns;
    bool causal, grouped;
    const char *name;
} onnx_mask;

typedef struct onnx_names {
    const char *plain, *channels_first;
} onnx_names;

typedef struct onnx_export {
    ig_model *m;
    bool half;             /* matrices are stored as f16 */
    onnx_writer out;
    ig_graph *g[ONNX_RECORDINGS];
    ig_var *result;        /* in g[0] */
    onnx_input input[ONNX_INPUTS_MAX];
    int inputs;
    bool *needed;          /* [nodes of g[0]] */
    onnx_names *names;     /* [nodes of g[0]][IG_OP_OUT_MAX] */
    onnx_constant *constant;
    int constants, constant_cap;
    onnx_mask mask[ONNX_MASKS_MAX];
    int masks;
    const char *symbol[2]; /* i64 [1]: B and T as the model runs */
    int last;              /* number of the last name made */
    ig_error error;        /* the first one */
} onnx_export;

/* ---- onnx_sizes.c ---- */

/* Batch and length of recording r; `longest` is what the model takes. */
int64_t onnx_batch(int r);
int64_t onnx_length(int r, int64_t longest);
/* Whether all recordings are the same but for sizes. */
bool onnx_same_recordings(onnx_export *x);
onnx_size onnx_dim(onnx_export *x, const ig_var *v, int axis);
onnx_size onnx_attr_size(onnx_export *x, const ig_node *n, int k); /* of attrs.i[k] */
static inline onnx_size onnx_fixed(int64_t v) { return (onnx_size){{v, 0, 0, 0}}; }
bool onnx_size_is(onnx_size a, onnx_size b);
bool onnx_is_fixed(onnx_size s);
onnx_size onnx_minus(onnx_size a, onnx_size b);
const char *onnx_size_value(onnx_export *x, onnx_size s);                    /* name of an i64 [1] */
const char *onnx_size_scalar(onnx_export *x, onnx_size s);                   /* of an i64, 0-d */
const char *onnx_shape_value(onnx_export *x, const onnx_size *s, int count); /* of an i64 [count] */
/* A dimension of an input or output in the file. */
onnx_extent onnx_file_dim(onnx_export *x, onnx_size s);

/* ---- onnx_emit.c ---- */

void onnx_fail(onnx_export *x, ig_status code, const char *fmt, ...) IG_PRINTF(3, 4);
bool onnx_failed(const onnx_export *x);
void *onnx_alloc(onnx_export *x, size_t n); /* lives as long as the export; NULL when failed */
const char *onnx_fresh(onnx_export *x, const char *word); /* a name that no other value has */

/* Write a node with one output and return its name.  Texts in `in` are names; "" leaves an optional input out. */
const char *onnx_emit(onnx_export *x, const char *op, const char *const *in, int nin, const onnx_attr *attr, int attrs);
const char *onnx_op1(onnx_export *x, const char *op, const char *a);
const char *onnx_op2(onnx_export *x, const char *op, const char *a, const char *b);
const char *onnx_op3(onnx_export *x, const char *op, const char *a, const char *b, const char *c);
static inline onnx_attr onnx_int(const char *name, int64_t i) {
    return (onnx_attr){.name = name, .type = ONNX_ATTR_INT, .i = i};
}
static inline onnx_attr onnx_float(const char *name, double f) {
    return (onnx_attr){.name = name, .type = ONNX_ATTR_FLOAT, .f = f};
}
static inline onnx_attr onnx_text(const char *name, const char *s) {
    return (onnx_attr){.name = name, .type = ONNX_ATTR_TEXT, .s = s};
}
static inline onnx_attr onnx_list(const char *name, const int64_t *v, int n) {
    return (onnx_attr){.name = name, .type = ONNX_ATTR_INTS, .ints = v, .count = n};
}

const char *onnx_ints(onnx_export *x, const int64_t *v, int count);        /* i64 [count] */
const char *onnx_index(onnx_export *x, int64_t v);                         /* i64, 0-d */
const char *onnx_real(onnx_export *x, ig_dtype dtype, double v);           /* 0-d */
const char *onnx_weight_of(onnx_export *x, const char *name, const ig_tensor *t); /* an initializer; t contiguous */

const char *onnx_permute(onnx_export *x, const char *v, const int64_t *order, int n);
const char *onnx_cast(onnx_export *x, const char *v, ig_dtype from, ig_dtype to);
const char *onnx_slice(onnx_export *x, const char *v, int axis, onnx_size begin, onnx_size end, int64_t step);
const char *onnx_reshape(onnx_export *x, const char *v, const int64_t *shape, int n); /* 0: as it was; -1: what is left */
const char *onnx_unsqueeze(onnx_export *x, const char *v, int64_t axis);

/* Names of an input of a node. */
const char *onnx_in(onnx_export *x, const ig_node *n, int k);
const char *onnx_in_channels_first(onnx_export *x, const ig_node *n, int k);
void onnx_set(onnx_export *x, const ig_node *n, int k, const char *name); /* of its output k */
void onnx_set_channels_first(onnx_export *x, const ig_node *n, int k, const char *name);
/* Does this value exist with its channels in front only? */
bool onnx_only_channels_first(const onnx_export *x, const ig_var *v);
/* Where an axis stands when the channels are in front. */
int onnx_axis_channels_first(int ndim, int axis);

/* ---- the table ---- */

typedef struct onnx_row onnx_row;
struct onnx_row {
    const char *op; /* of the recording; NULL ends a list */
    void (*write)(onnx_export *x, const ig_node *n, const onnx_row *row);
    const char *to; /* ONNX's name, where the row's function serves several */
    /* Of an element-wise op that ONNX has not. */
    const char *(*formula)(onnx_export *x, const ig_node *n, const char *const *in);
};
extern const onnx_row onnx_rows_leaves[], onnx_rows_elementwise[], onnx_rows_shapes[], onnx_rows_products[],
    onnx_rows_reductions[], onnx_rows_attention[], onnx_rows_pictures[], onnx_rows_recurrent[];
/* onnx_recurrent.c: the product before a recurrence, which is taken apart and not written; NULL for other nodes. */
const ig_node *onnx_recurrent_product(const ig_node *n);

/* Write what the result needs. */
void onnx_write_rows(onnx_export *x);

#endif
