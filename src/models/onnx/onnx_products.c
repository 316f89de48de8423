/* models/onnx/onnx_products.c: matrix products, rows of tables, elements by index.
 *
 * Quantised matrices are written as the numbers that they stand for: ONNX's own quantised products round differently.
 */
#include <string.h>

#include "models/model_write.h"
#include "models/onnx/onnx.h"

static void write_matmul(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const char *y = onnx_op2(x, "MatMul", onnx_in(x, n, 0), onnx_in(x, n, 1));
    (void)row;
    onnx_set(x, n, 0, n->nin == 3 ? onnx_op2(x, "Add", y, onnx_in(x, n, 2)) : y);
}

/* ---- quantised ---- */

static const ig_param *packed_param(const onnx_export *x, const ig_node *n) {
    const ig_params *ps = &x->m->params;
    for (size_t i = 0; i < ps->count; i++)
        if (ps->item[i]->packed == (const ig_qweight *)(intptr_t)n->attrs.i[0]) return ps->item[i];
    return NULL;
}

/* The numbers of a packed parameter as rows [N,K], written once: a table may also be the head. */
static const char *rows(onnx_export *x, const ig_node *n) {
    const ig_param *p = packed_param(x, n);
    ig_error err = {0};
    ig_tensor t;
    if (!p) {
        onnx_fail(x, IG_E_UNSUPPORTED, "%s: the weights belong to no parameter of the model", n->op->name);
        return "";
    }
    for (size_t i = 0; i < x->out.weights; i++)
        if (strcmp(x->out.weight[i].name, p->name) == 0) return p->name;
    ig_status s = model_rows(x->m->ctx, p, &t, &err);
    if (s != IG_OK) {
        onnx_fail(x, s, "%s", err.message);
        return "";
    }
    onnx_weight_of(x, p->name, &t);
    ig_tensor_unref(&t);
    return p->name;
}

static void write_linear_quantised(onnx_export *x, const ig_node *n, const onnx_row *row) {
    (void)row;
    const char *w = onnx_permute(x, rows(x, n), (int64_t[]){1, 0}, 2);
    onnx_set(x, n, 0, onnx_op2(x, "MatMul", onnx_in(x, n, 0), w));
}

static void write_embedding_quantised(onnx_export *x, const ig_node *n, const onnx_row *row) {
    (void)row;
    onnx_set(x, n, 0, onnx_op2(x, "Gather", rows(x, n), onnx_in(x, n, 0)));
}

/* ---- by index ---- */

static void write_embedding(onnx_export *x, const ig_node *n, const onnx_row *row) {
    (void)row;
    onnx_set(x, n, 0, onnx_op2(x, "Gather", onnx_in(x, n, 0), onnx_in(x, n, 1)));
}

static void write_gather(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const char *in[] = {onnx_in(x, n, 0), onnx_in(x, n, 1)};
    (void)row;
    onnx_set(x, n, 0, onnx_emit(x, "GatherElements", in, 2, (onnx_attr[]){onnx_int("axis", n->attrs.i[0])}, 1));
}

static void write_scatter_add(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const char *in[] = {onnx_in(x, n, 0), onnx_in(x, n, 1), onnx_in(x, n, 2)};
    (void)row;
    onnx_set(x, n, 0,
             onnx_emit(x, "ScatterElements", in, 3,
                       (onnx_attr[]){onnx_int("axis", n->attrs.i[0]), onnx_text("reduction", "add")}, 2));
}

const onnx_row onnx_rows_products[] = {
    {.op = "matmul", .write = write_matmul},
    {.op = "linear", .write = write_matmul},
    {.op = "linear_quantised", .write = write_linear_quantised},
    {.op = "embedding_quantised", .write = write_embedding_quantised},
    {.op = "embedding", .write = write_embedding},
    {.op = "gather", .write = write_gather},
    {.op = "scatter_add", .write = write_scatter_add},
    {0},
};
