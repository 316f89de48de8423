/* models/onnx/onnx_leaves.c: what a recording starts from: inputs of the file, parameters, and positions that count up. */
#include <string.h>

#include "models/onnx/onnx.h"

/* ---- inputs ---- */

static const onnx_input *input_of(const onnx_export *x, const ig_node *n) {
    for (int k = 0; k < x->inputs; k++)
        if (x->input[k].t[0].data == n->out[0].t.data) return &x->input[k];
    return NULL;
}

static const char *input_value(onnx_export *x, const onnx_input *in) {
    const char *of[] = {in->name, in->is_mask ? onnx_ints(x, (int64_t[]){1}, 1) : ""};
    return in->is_mask ? onnx_emit(x, "ReduceSum", of, 2, (onnx_attr[]){onnx_int("keepdims", 0)}, 1) : in->name;
}

/* ---- parameters ---- */

static const ig_param *param_of(const onnx_export *x, const ig_node *n) {
    for (size_t i = 0; i < x->m->params.count; i++)
        if (x->m->params.item[i]->value.data == n->out[0].t.data) return x->m->params.item[i];
    return NULL;
}

static bool is_matrix(const ig_param *p) {
    return p && (p->role == IG_PARAM_OUT_IN || p->role == IG_PARAM_IN_OUT || p->role == IG_PARAM_CONV);
}

static const char *free_name(onnx_export *x, const char *name) {
    for (size_t i = 0; i < x->out.weights; i++)
        if (strcmp(x->out.weight[i].name, name) == 0) return onnx_fresh(x, name);
    return *name ? name : onnx_fresh(x, "constant");
}

/* The numbers of `t` in another type, or without gaps. */
static const char *put_copy(onnx_export *x, const char *name, const ig_tensor *t, ig_dtype dtype) {
    ig_error err = {0};
    ig_tensor copy;
    ig_status s = ig_tensor_new(x->m->ctx, dtype, t->ndim, t->shape, &copy, &err);
    if (s == IG_OK) {
        s = ig_tensor_copy(x->m->ctx, &copy, t, &err);
        if (s == IG_OK) onnx_weight_of(x, name, &copy);
        ig_tensor_unref(&copy);
    }
    if (s != IG_OK) onnx_fail(x, s, "%s: %s", name, err.message);
    return name;
}

static const char *weight(onnx_export *x, const ig_node *n) {
    const ig_tensor *t = &n->out[0].t;
    const char *name = free_name(x, n->name ? n->name : "");
    if (x->half && t->dtype == IG_DTYPE_F32 && is_matrix(param_of(x, n)))
        return onnx_cast(x, put_copy(x, name, t, IG_DTYPE_F16), IG_DTYPE_F16, IG_DTYPE_F32);
    return ig_tensor_is_contiguous(t) ? onnx_weight_of(x, name, t) : put_copy(x, name, t, t->dtype);
}

/* ---- the rest ---- */

static bool counts_up(const ig_tensor *t) {
    if (t->ndim != 1 || t->dtype != IG_DTYPE_I64) return false;
    for (int64_t i = 0; i < t->shape[0]; i++)
        if (((const int64_t *)t->data)[i * t->stride[0]] != i) return false;
    return true;
}

static bool is_fixed(onnx_export *x, const ig_var *v) {
    bool fixed = true;
    for (int d = 0; d < v->t.ndim; d++) fixed &= onnx_is_fixed(onnx_dim(x, v, d));
    return fixed;
}

static void write_leaf(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const onnx_input *in = input_of(x, n);
    (void)row;
    if (in) onnx_set(x, n, 0, input_value(x, in));
    else if (is_fixed(x, &n->out[0])) onnx_set(x, n, 0, weight(x, n));
    else if (counts_up(&n->out[0].t))
        onnx_set(x, n, 0,
                 onnx_op3(x, "Range", onnx_index(x, 0), onnx_size_scalar(x, onnx_dim(x, &n->out[0], 0)), onnx_index(x, 1)));
    else
        onnx_fail(x, IG_E_UNSUPPORTED, "%s follows the sizes of the inputs, and what it holds cannot be written in ONNX",
                  n->name ? n->name : "a tensor");
}

const onnx_row onnx_rows_leaves[] = {{.op = "leaf", .write = write_leaf}, {0}};
