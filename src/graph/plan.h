/* graph/plan.h: the static plan, for the files of this room.
 *
 *     recording ──capture.c──► own copy of the live nodes ──fuse.c──► steps ──plan.c──► memory, tensors, runs
 *
 * The plan's own recording (`g`) stays op by op, so that it can be saved, printed and unrolled; the steps are what runs.
 */
#ifndef INGOT_GRAPH_PLAN_H
#define INGOT_GRAPH_PLAN_H

#include "graph/graph.h"
#include "tensor/map.h"

/* One kernel launch: a single op, or a chain of element-wise ops.  first…last are positions in `g`; a chain runs at the
 * position of its last member. */
typedef struct plan_step {
    ig_node *node;             /* single op; NULL for a chain */
    ig_node *member[IG_CHAIN_STEPS_MAX];
    int members;               /* of a chain */
    ig_map_program program;
    ig_var **in_var;           /* what the step reads, in the order of its inputs */
    ig_var **out_var;          /* what it writes to memory */
    int inputs, outputs;
    const ig_tensor **in, **out;
    size_t scratch_bytes, scratch_offset;
} plan_step;

/* Memory of one or more variables (views, and results that took the place of an input). */
typedef struct plan_buffer {
    size_t bytes, offset;
    int first, last;           /* steps between which it is alive */
    int merged_into;           /* -1: itself */
    bool keep;                 /* an output of the plan */
} plan_buffer;

struct ig_plan {
    ig_context *ctx;
    ig_graph *g;
    ig_var **output;           /* in g */
    int outputs;
    plan_step *step;
    int steps;
    plan_buffer *buffer;
    int buffers;
    int *buffer_of;            /* [node id * IG_OP_OUT_MAX + k]: buffer, -1 = none (leaf, or only inside a chain) */
    int *step_of;              /* [node id]: the step that runs it, -1 = nothing to run (leaf, view) */
    ig_tensor arena;           /* u8 */
    ig_plan_stats stats;
};

/* Group the nodes of p->g into p->step, p->step_of. */
ig_status ig_plan_fuse(ig_plan *p, bool fusion, ig_error *err);
/* Lay out memory, resolve tensors, choose kernels. */
ig_status ig_plan_layout(ig_plan *p, ig_error *err);
ig_status ig_plan_run_step(const ig_plan *p, int i, ig_error *err);
/* Fuse, lay out: p->g and p->output are there. */
ig_status ig_plan_finish(ig_plan *p, ig_plan_opts opts, ig_error *err);
ig_status ig_plan_new(ig_context *ctx, int outputs, ig_plan **out, ig_error *err);
/* The variable of which v is a view, through any number of views. */
ig_var *ig_view_root(ig_var *v);

#endif
