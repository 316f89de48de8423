/* models/onnx/onnx_emit.c: names, nodes and constants: what the rows are written with. */
#include <string.h>

#include "models/onnx/onnx.h"

/* ---- failing ---- */

void onnx_fail(onnx_export *x, ig_status code, const char *fmt, ...) {
    char text[sizeof x->error.message];
    va_list args;
    if (x->error.code != IG_OK) return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ig_error_set(&x->error, code, "%s", text);
}

bool onnx_failed(const onnx_export *x) { return x->error.code != IG_OK; }

void *onnx_alloc(onnx_export *x, size_t n) {
    void *p = onnx_failed(x) ? NULL : ig_graph_alloc(x->g[0], n);
    if (!p) onnx_fail(x, IG_E_NOMEM, "out of memory (%zu bytes)", n);
    return p;
}

const char *onnx_fresh(onnx_export *x, const char *word) {
    char *name = onnx_alloc(x, strlen(word) + 16);
    if (!name) return "";
    snprintf(name, strlen(word) + 16, "/%s_%d", word, ++x->last); /* no parameter begins with a stroke */
    return name;
}

/* ---- nodes ---- */

const char *onnx_emit(onnx_export *x, const char *op, const char *const *in, int nin, const onnx_attr *attr, int attrs) {
    const char *name = onnx_fresh(x, op);
    if (!onnx_failed(x))
        onnx_put_node(
            &x->out,
            &(onnx_node){.op = op, .name = name, .in = in, .nin = nin, .out = &name, .nout = 1, .attr = attr, .attrs = attrs});
    return name;
}

const char *onnx_op1(onnx_export *x, const char *op, const char *a) { return onnx_emit(x, op, &a, 1, NULL, 0); }
const char *onnx_op2(onnx_export *x, const char *op, const char *a, const char *b) {
    return onnx_emit(x, op, (const char *[]){a, b}, 2, NULL, 0);
}
const char *onnx_op3(onnx_export *x, const char *op, const char *a, const char *b, const char *c) {
    return onnx_emit(x, op, (const char *[]){a, b, c}, 3, NULL, 0);
}

const char *onnx_permute(onnx_export *x, const char *v, const int64_t *order, int n) {
    return onnx_emit(x, "Transpose", &v, 1, (onnx_attr[]){onnx_list("perm", order, n)}, 1);
}

const char *onnx_cast(onnx_export *x, const char *v, ig_dtype from, ig_dtype to) {
    return from == to ? v : onnx_emit(x, "Cast", &v, 1, (onnx_attr[]){onnx_int("to", onnx_type_number(to))}, 1);
}

const char *onnx_slice(onnx_export *x, const char *v, int axis, onnx_size begin, onnx_size end, int64_t step) {
    int64_t at = axis;
    const char *in[] = {v, onnx_size_value(x, begin), onnx_size_value(x, end), onnx_ints(x, &at, 1), onnx_ints(x, &step, 1)};
    return onnx_emit(x, "Slice", in, step == 1 ? 4 : 5, NULL, 0);
}

const char *onnx_reshape(onnx_export *x, const char *v, const int64_t *shape, int n) {
    return onnx_op2(x, "Reshape", v, onnx_ints(x, shape, n));
}

const char *onnx_unsqueeze(onnx_export *x, const char *v, int64_t axis) {
    return onnx_op2(x, "Unsqueeze", v, onnx_ints(x, &axis, 1));
}

/* ---- constants ---- */

const char *onnx_weight_of(onnx_export *x, const char *name, const ig_tensor *t) {
    if (!onnx_failed(x)) onnx_put_weight(&x->out, name, t);
    return name;
}

static const char *add_numbers(onnx_export *x, const char *name, ig_dtype dtype, int ndim, int64_t count, const void *numbers,
                               double value) {
    ig_tensor t;
    ig_error err = {0};
    if (onnx_failed(x)) return "";
    ig_status s = ig_tensor_new(x->m->ctx, dtype, ndim, &count, &t, &err);
    if (s == IG_OK) {
        if (numbers) memcpy(t.data, numbers, ig_tensor_bytes(&t));
        else s = ig_tensor_fill(x->m->ctx, &t, value, &err);
        if (s == IG_OK) onnx_put_weight(&x->out, name, &t);
        ig_tensor_unref(&t);
    }
    if (s != IG_OK) onnx_fail(x, s, "%s", err.message);
    return name;
}

static const char *known_ints(const onnx_export *x, const int64_t *v, int count) {
    for (int i = 0; i < x->constants; i++) {
        const onnx_constant *c = &x->constant[i];
        if (c->count == count && memcmp(c->ints, v, sizeof *v * (size_t)count) == 0) return c->name;
    }
    return NULL;
}

static void remember_ints(onnx_export *x, const int64_t *v, int count, const char *name) {
    int64_t *copy = onnx_alloc(x, sizeof *v * (size_t)count);
    if (x->constants == x->constant_cap) {
        int cap = x->constant_cap ? 2 * x->constant_cap : 32;
        onnx_constant *p = ig_realloc_array(x->constant, (size_t)cap, sizeof *p);
        if (!p) onnx_fail(x, IG_E_NOMEM, "out of memory");
        else x->constant = p, x->constant_cap = cap;
    }
    if (!copy || onnx_failed(x)) return;
    memcpy(copy, v, sizeof *v * (size_t)count);
    x->constant[x->constants++] = (onnx_constant){copy, count, name};
}

const char *onnx_ints(onnx_export *x, const int64_t *v, int count) {
    const char *name = known_ints(x, v, count);
    if (name || onnx_failed(x)) return name ? name : "";
    name = add_numbers(x, onnx_fresh(x, "ints"), IG_DTYPE_I64, 1, count, v, 0);
    remember_ints(x, v, count, name);
    return name;
}

const char *onnx_index(onnx_export *x, int64_t v) { return add_numbers(x, onnx_fresh(x, "index"), IG_DTYPE_I64, 0, 0, &v, 0); }
const char *onnx_real(onnx_export *x, ig_dtype dtype, double v) {
    return add_numbers(x, onnx_fresh(x, "number"), dtype, 0, 0, NULL, v);
}

/* ---- names of a recording's values ---- */

static onnx_names *names_of(const onnx_export *x, const ig_var *v) {
    return &x->names[(size_t)v->node->id * IG_OP_OUT_MAX + (size_t)v->index];
}

bool onnx_only_channels_first(const onnx_export *x, const ig_var *v) {
    const onnx_names *n = names_of(x, v);
    return n->channels_first && !n->plain;
}

int onnx_axis_channels_first(int ndim, int axis) { return axis == 0 ? 0 : axis == ndim - 1 ? 1 : axis + 1; }

/* [N,…,C] → [N,C,…], or back */
static const char *turn(onnx_export *x, const char *name, int ndim, bool to_front) {
    int64_t order[IG_DIMS_MAX];
    for (int d = 0; d < ndim; d++) {
        int at = onnx_axis_channels_first(ndim, d);
        if (to_front) order[at] = d;
        else order[d] = at;
    }
    return onnx_permute(x, name, order, ndim);
}

static const char *plain_name(onnx_export *x, const ig_var *v) {
    onnx_names *n = names_of(x, v);
    if (!n->plain && n->channels_first) n->plain = turn(x, n->channels_first, v->t.ndim, false);
    return n->plain ? n->plain : "";
}

const char *onnx_in(onnx_export *x, const ig_node *n, int k) { return plain_name(x, n->in[k]); }

const char *onnx_in_channels_first(onnx_export *x, const ig_node *n, int k) {
    const ig_var *v = n->in[k];
    onnx_names *name = names_of(x, v);
    if (!name->channels_first) name->channels_first = turn(x, plain_name(x, v), v->t.ndim, true);
    return name->channels_first;
}

void onnx_set(onnx_export *x, const ig_node *n, int k, const char *name) { names_of(x, &n->out[k])->plain = name; }
void onnx_set_channels_first(onnx_export *x, const ig_node *n, int k, const char *name) {
    names_of(x, &n->out[k])->channels_first = name;
}
