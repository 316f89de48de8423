/* graph/graph.h: the recording itself, for the files of this room. */
#ifndef INGOT_GRAPH_GRAPH_H
#define INGOT_GRAPH_GRAPH_H

#include "graph/op.h"

typedef struct ig_chunk ig_chunk; /* a block of the recording's memory */

struct ig_graph {
    ig_context *ctx;
    ig_graph_mode mode;
    ig_node **node; /* in recording order: inputs before those who use them */
    int count, cap;
    ig_chunk *chunk, *spare;
    ig_error error; /* the first one; code IG_OK while all is well */
    ig_node dead_node; /* what ops return after an error: its output is a 0-d leaf without memory */
    uint64_t streams;  /* random streams given out */
    int segment, segments; /* current recomputation stretch, and how many there were */
};

extern const ig_op ig_op_leaf, ig_op_full, ig_op_cast, ig_op_matmul, ig_op_linear, ig_op_scatter_rows;
extern const ig_op ig_map_ops[IG_MAP_COUNT];

/* n bytes that live as long as the recording; NULL after poisoning the graph. */
void *ig_graph_alloc(ig_graph *g, size_t n);
/* A node with room for `nin` inputs at the end of the recording; NULL when poisoned. */
ig_node *ig_node_new(ig_graph *g, const ig_op *op, int nin, const ig_attrs *attrs);
/* Give an eager node memory and compute it. */
void ig_node_compute(ig_graph *g, ig_node *n);
/* Record the same op with the same attributes over other inputs; outputs keep their shapes. */
ig_node *ig_node_copy(ig_graph *g, const ig_node *n, ig_var *const *in);
/* Runs an element-wise op by itself (the forward of all rows in ig_map_ops and of cast). */
ig_status ig_map_forward(const ig_run *r, ig_error *err);
bool ig_var_is_leaf(const ig_var *v);
/* Does output k of n share the memory of input 0? */
bool ig_node_is_view(const ig_node *n);
bool ig_node_mutates(const ig_node *n, int input);

#endif
