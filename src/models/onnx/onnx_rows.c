/* models/onnx/onnx_rows.c: the table of ops that have a form in ONNX, and the walk over a recording. */
#include <string.h>

#include "models/onnx/onnx.h"

static const onnx_row *const groups[] = {
    onnx_rows_leaves,     onnx_rows_elementwise, onnx_rows_shapes,   onnx_rows_products,
    onnx_rows_reductions, onnx_rows_attention,   onnx_rows_pictures, onnx_rows_recurrent,
};

static const onnx_row *row_of(const char *op) {
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        for (const onnx_row *r = groups[i]; r->op; r++)
            if (strcmp(r->op, op) == 0) return r;
    return NULL;
}

static void mark_inputs(onnx_export *x, const ig_node *n, int from) {
    for (int k = from; k < n->nin; k++) x->needed[n->in[k]->node->id] = true;
}

/* What the result is computed from; a node stands behind its inputs. */
static void mark(onnx_export *x) {
    x->needed[x->result->node->id] = true;
    for (int i = x->g[0]->count - 1; i >= 0; i--) {
        const ig_node *n = x->g[0]->node[i], *product = onnx_recurrent_product(n);
        if (!x->needed[i]) continue;
        mark_inputs(x, n, product ? 1 : 0);
        if (product) mark_inputs(x, product, 0);
    }
}

void onnx_write_rows(onnx_export *x) {
    mark(x);
    for (int i = 0; i < x->g[0]->count && !onnx_failed(x); i++) {
        const ig_node *n = x->g[0]->node[i];
        if (!x->needed[i]) continue;
        const onnx_row *row = row_of(n->op->name);
        if (row) row->write(x, n, row);
        else
            onnx_fail(x, IG_E_UNSUPPORTED, "the op %s (%s) has no form in ONNX: this model cannot be exported", n->op->name,
                      n->op->doc);
    }
}
