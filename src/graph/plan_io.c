/* graph/plan_io.c: a plan on paper: the table for people, the file, and back into ops.
 *
 * The file is JSON.  It holds the ops in order, with their constants and inputs, and the leaves by name; shapes of
 * intermediate values follow from the ops' shape rules again when it is loaded, and memory is laid out anew, so nothing in
 * the file has to be trusted:
 *
 *     {"format": "ingot-plan", "version": 1,
 *      "leaves": [{"name": "x", "dtype": "f32", "shape": [2,3], "parameter": false}],
 *      "ops":    [{"op": "relu", "in": [[0,0]], "i": [0], "f": [0.5]}],      in: [node, output], leaves first
 *      "outputs": [[5,0]]}
 */
#include "graph/plan.h"

#include <math.h>
#include <string.h>

/* ---- the table ------------------------------------------------------------------------------------------------------------- */

static void print_shapes(ig_buf *out, ig_var *const *v, int count) {
    char text[128];
    for (int i = 0; i < count; i++) {
        if (count > 6 && i == 4) {
            ig_buf_printf(out, " … %d more", count - i);
            return;
        }
        ig_buf_printf(out, "%s%s%s", i ? " " : "", ig_dtype_name(v[i]->t.dtype), ig_tensor_shape_text(&v[i]->t, text, sizeof text));
        if (v[i]->node->name) ig_buf_printf(out, " %s", v[i]->node->name);
    }
}

static void print_name(ig_buf *out, const plan_step *s) {
    if (s->node) {
        ig_buf_puts(out, s->node->op->name);
        return;
    }
    for (int m = 0; m < s->members; m++) ig_buf_printf(out, "%s%s", m ? "+" : "", s->member[m]->op->name);
}

ig_status ig_plan_print(const ig_plan *p, ig_buf *out) {
    ig_buf_printf(out, "%d ops in %d steps, %.2f GFLOP, %.1f MB of memory (%.1f MB without sharing)\n\n", p->stats.ops, p->stats.steps,
                  p->stats.flops / 1e9, (double)p->stats.arena_bytes / 1e6, (double)p->stats.unshared_bytes / 1e6);
    ig_buf_puts(out, "step  op: inputs → outputs\n");
    for (int i = 0; i < p->steps; i++) {
        const plan_step *s = &p->step[i];
        ig_buf_printf(out, "%4d  ", i);
        print_name(out, s);
        ig_buf_puts(out, ": ");
        print_shapes(out, s->in_var, s->inputs);
        ig_buf_puts(out, " → ");
        print_shapes(out, s->out_var, s->outputs);
        ig_buf_putc(out, '\n');
    }
    return ig_buf_status(out, NULL);
}

/* ---- saving ------------------------------------------------------------------------------------------------------------------ */

static void put_ref(ig_json *j, const int *place, const ig_var *v) {
    ig_json_open(j, '[');
    ig_json_int(j, place[v->node->id]);
    ig_json_int(j, v->index);
    ig_json_close(j, ']');
}

static void put_leaf(ig_json *j, const ig_node *n) {
    ig_json_open(j, '{');
    ig_json_key(j, "name"), ig_json_text(j, n->name);
    ig_json_key(j, "dtype"), ig_json_text(j, ig_dtype_name(n->out[0].t.dtype));
    ig_json_key(j, "shape"), ig_json_open(j, '[');
    for (int i = 0; i < n->out[0].t.ndim; i++) ig_json_int(j, n->out[0].t.shape[i]);
    ig_json_close(j, ']');
    ig_json_key(j, "parameter"), ig_json_bool(j, n->is_param);
    ig_json_close(j, '}');
}

static void put_op(ig_json *j, const int *place, const ig_node *n) {
    ig_json_open(j, '{');
    ig_json_key(j, "op"), ig_json_text(j, n->op->name);
    ig_json_key(j, "in"), ig_json_open(j, '[');
    for (int i = 0; i < n->nin; i++) put_ref(j, place, n->in[i]);
    ig_json_close(j, ']');
    ig_json_key(j, "i"), ig_json_open(j, '[');
    for (int i = 0; i < IG_OP_INT_MAX; i++) ig_json_int(j, n->attrs.i[i]);
    ig_json_close(j, ']');
    ig_json_key(j, "f"), ig_json_open(j, '[');
    for (int i = 0; i < IG_OP_REAL_MAX; i++) ig_json_real(j, n->attrs.f[i]);
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}

static void put_plan(ig_json *j, const ig_plan *p, const int *place) {
    ig_json_open(j, '{');
    ig_json_key(j, "format"), ig_json_text(j, "ingot-plan");
    ig_json_key(j, "version"), ig_json_int(j, 1);
    ig_json_key(j, "leaves"), ig_json_open(j, '[');
    for (int i = 0; i < p->g->count; i++)
        if (p->g->node[i]->op == &ig_op_leaf) put_leaf(j, p->g->node[i]);
    ig_json_close(j, ']');
    ig_json_key(j, "ops"), ig_json_open(j, '[');
    for (int i = 0; i < p->g->count; i++)
        if (p->g->node[i]->op != &ig_op_leaf) put_op(j, place, p->g->node[i]);
    ig_json_close(j, ']');
    ig_json_key(j, "outputs"), ig_json_open(j, '[');
    for (int i = 0; i < p->outputs; i++) put_ref(j, place, p->output[i]);
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}

/* In the file leaves come first: place[id] is the node's number there. */
static void number_nodes(const ig_plan *p, int *place) {
    int next = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < p->g->count; i++)
            if ((p->g->node[i]->op == &ig_op_leaf) == (pass == 0)) place[i] = next++;
}

static ig_status check_savable(const ig_plan *p, ig_error *err) {
    for (int i = 0; i < p->g->count; i++) {
        const ig_op *op = p->g->node[i]->op;
        if (op->flags & IG_OP_BORROWS)
            return ig_error_set(err, IG_E_UNSUPPORTED, "a plan with the op \"%s\" cannot be saved: its weights are no leaf; record it anew instead", op->name);
    }
    return IG_OK;
}

ig_status ig_plan_save(const ig_plan *p, const char *path, ig_error *err) {
    ig_buf text = {.max = IG_PLAN_BYTES_MAX};
    ig_json j = {.out = &text};
    IG_TRY(check_savable(p, err));
    int *place = ig_calloc((size_t)p->g->count + 1, sizeof *place);
    if (!place) return ig_error_nomem(err, (size_t)p->g->count * sizeof *place);
    number_nodes(p, place);
    put_plan(&j, p, place);
    ig_free(place);
    ig_status s = ig_buf_status(&text, err);
    if (s == IG_OK) s = ig_file_write(path, text.data, text.len, err);
    ig_buf_fini(&text);
    return s;
}

/* ---- loading ------------------------------------------------------------------------------------------------------------------- */

static const ig_schema_field leaf_fields[] = {
    {.key = "name", .type = IG_TREE_TEXT, .required = true},
    {.key = "dtype", .type = IG_TREE_TEXT, .required = true, .choices = "f32|f64|f16|bf16|i32|i64|u8|bool"},
    {.key = "shape", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_INT},
    {.key = "parameter", .type = IG_TREE_BOOL, .required = true},
    {.key = NULL},
};
static const ig_schema_field op_fields[] = {
    {.key = "op", .type = IG_TREE_TEXT, .required = true},
    {.key = "in", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_LIST},
    {.key = "i", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_INT},
    {.key = "f", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_REAL},
    {.key = NULL},
};
static const ig_schema_field plan_fields[] = {
    {.key = "format", .type = IG_TREE_TEXT, .required = true, .choices = "ingot-plan"},
    {.key = "version", .type = IG_TREE_INT, .required = true, .has_range = true, .min = 1, .max = 1},
    {.key = "leaves", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_MAP, .fields = leaf_fields},
    {.key = "ops", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_MAP, .fields = op_fields},
    {.key = "outputs", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_LIST},
    {.key = NULL},
};

typedef struct loader {
    const char *name;
    ig_plan *p;
    ig_node **node; /* by number in the file */
    int count;
    const ig_plan_source *source;
} loader;

static ig_status load_leaf(loader *l, const ig_tree *t, ig_error *err) {
    int64_t shape[IG_DIMS_MAX] = {0};
    ig_tensor expected, bound = {0};
    ig_dtype dtype = IG_DTYPE_F32;
    const ig_tree *sizes = ig_tree_get(t, "shape");
    int n = 0;
    if (sizes->count > IG_DIMS_MAX) return ig_error_at(err, IG_E_FORMAT, l->name, t->line, "a leaf with %zu dimensions", sizes->count);
    for (const ig_tree *c = sizes->child; c; c = c->next) shape[n++] = c->integer;
    ig_dtype_parse(ig_tree_text(t, "dtype", ""), &dtype);
    IG_TRY(ig_tensor_describe(&expected, dtype, n, shape, err));
    const char *name = ig_tree_text(t, "name", "");
    IG_TRY(l->source->bind(l->source->arg, name, &expected, &bound, err));
    if (bound.dtype != dtype || !ig_tensor_same_shape(&bound, &expected))
        return ig_error_at(err, IG_E_SHAPE, l->name, t->line, "leaf %s was bound to a tensor of another type or shape", name);
    ig_var *v = ig_tree_bool(t, "parameter", false) ? ig_parameter(l->p->g, name, &bound) : ig_input(l->p->g, name, &bound);
    IG_TRY(ig_graph_status(l->p->g, err));
    l->node[l->count++] = v->node;
    return IG_OK;
}

static ig_status find_ref(const loader *l, const ig_tree *t, ig_var **out, ig_error *err) {
    const ig_tree *a = t->child, *b = a ? a->next : NULL;
    if (t->type != IG_TREE_LIST || t->count != 2 || a->type != IG_TREE_INT || b->type != IG_TREE_INT)
        return ig_error_at(err, IG_E_FORMAT, l->name, t->line, "a reference must be [node, output]");
    if (a->integer < 0 || a->integer >= l->count || b->integer < 0 || b->integer >= l->node[a->integer]->nout)
        return ig_error_at(err, IG_E_FORMAT, l->name, t->line, "reference to node %lld output %lld, which does not stand before it",
                           (long long)a->integer, (long long)b->integer);
    *out = &l->node[a->integer]->out[b->integer];
    return IG_OK;
}

static const ig_op *find_op(const loader *l, const char *name) {
    const ig_op *op = ig_op_by_name(name);
    return op || !l->source->more_ops ? op : l->source->more_ops(name);
}

static ig_status load_op(loader *l, const ig_tree *t, ig_error *err) {
    const ig_op *op = find_op(l, ig_tree_text(t, "op", ""));
    const ig_tree *in = ig_tree_get(t, "in");
    ig_attrs attrs = {0};
    int k = 0;
    if (!op) return ig_error_at(err, IG_E_FORMAT, l->name, t->line, "unknown op \"%s\"", ig_tree_text(t, "op", ""));
    if (op->flags & IG_OP_BORROWS) /* its constant would be taken for an address */
        return ig_error_at(err, IG_E_FORMAT, l->name, t->line, "the op \"%s\" cannot stand in a file", op->name);
    for (const ig_tree *c = ig_tree_get(t, "i")->child; c && k < IG_OP_INT_MAX; c = c->next) attrs.i[k++] = c->integer;
    k = 0;
    for (const ig_tree *c = ig_tree_get(t, "f")->child; c && k < IG_OP_REAL_MAX; c = c->next) attrs.f[k++] = c->real;
    ig_var **vars = ig_graph_alloc(l->p->g, sizeof *vars * (in->count + 1));
    if (!vars) return ig_graph_status(l->p->g, err);
    k = 0;
    for (const ig_tree *c = in->child; c; c = c->next) IG_TRY(find_ref(l, c, &vars[k++], err));
    ig_var *v = ig_record(l->p->g, op, vars, k, &attrs);
    IG_TRY(ig_graph_status(l->p->g, err));
    l->node[l->count++] = v->node;
    return IG_OK;
}

static ig_status load_all(loader *l, const ig_tree *root, ig_error *err) {
    int i = 0;
    for (const ig_tree *t = ig_tree_get(root, "leaves")->child; t; t = t->next) IG_TRY(load_leaf(l, t, err));
    for (const ig_tree *t = ig_tree_get(root, "ops")->child; t; t = t->next) IG_TRY(load_op(l, t, err));
    for (const ig_tree *t = ig_tree_get(root, "outputs")->child; t; t = t->next) IG_TRY(find_ref(l, t, &l->p->output[i++], err));
    return ig_plan_finish(l->p, (ig_plan_opts){0}, err);
}

static ig_status load_doc(ig_context *ctx, const char *path, const ig_tree *root, loader *l, ig_error *err) {
    IG_TRY(ig_schema_check(path, root, plan_fields, err));
    size_t nodes = ig_tree_get(root, "leaves")->count + ig_tree_get(root, "ops")->count;
    IG_TRY(ig_plan_new(ctx, (int)ig_tree_get(root, "outputs")->count, &l->p, err));
    l->node = ig_calloc(nodes + 1, sizeof *l->node);
    if (!l->node) return ig_error_nomem(err, nodes * sizeof *l->node);
    return load_all(l, root, err);
}

ig_status ig_plan_load(ig_context *ctx, const char *path, const ig_plan_source *source, ig_plan **out, ig_error *err) {
    ig_doc *doc = NULL;
    IG_TRY(ig_doc_load(path, IG_PLAN_BYTES_MAX, &doc, err));
    loader l = {.name = path, .source = source};
    ig_status s = load_doc(ctx, path, ig_doc_root(doc), &l, err);
    ig_free(l.node);
    ig_doc_free(doc);
    if (s == IG_OK) *out = l.p;
    else ig_plan_free(l.p);
    return s;
}

/* ---- unrolling --------------------------------------------------------------------------------------------------------------------- */

ig_status ig_plan_unroll(const ig_plan *p, ig_graph *g, ig_var **outs, int count, ig_error *err) {
    const ig_graph *from = p->g;
    ig_var **map = ig_calloc((size_t)from->count + 1, sizeof *map);
    if (!map) return ig_error_nomem(err, (size_t)from->count * sizeof *map);
    for (int i = 0; i < from->count && !ig_graph_poisoned(g); i++) {
        const ig_node *n = from->node[i];
        ig_var **in = ig_graph_alloc(g, sizeof *in * (size_t)(n->nin + 1));
        for (int k = 0; in && k < n->nin; k++) in[k] = &map[n->in[k]->node->id]->node->out[n->in[k]->index];
        if (n->op != &ig_op_leaf) map[i] = ig_record(g, n->op, in, n->nin, &n->attrs);
        else map[i] = n->is_param ? ig_parameter(g, n->name, &n->out[0].t) : ig_input(g, n->name, &n->out[0].t);
    }
    ig_status s = ig_graph_status(g, err);
    for (int i = 0; s == IG_OK && i < count && i < p->outputs; i++)
        outs[i] = &map[p->output[i]->node->id]->node->out[p->output[i]->index];
    ig_free(map);
    return s;
}
