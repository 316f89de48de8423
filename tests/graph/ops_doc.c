/* tests/graph/ops_doc.c: docs/OPS.md from the op table.
 *
 *     test_graph_ops_doc docs/OPS.md            the file must be what the table says
 *     test_graph_ops_doc --write docs/OPS.md    make it so
 */
#include <stdio.h>
#include <string.h>

#include "graph/op.h"

static const char intro[] =
    "# Ops\n"
    "\n"
    "Every op of the graph, as it stands in the op table (`src/graph/ops/`). This page is made from the table:\n"
    "`build/tests/graph/test_graph_ops_doc --write docs/OPS.md`; a test keeps the two the same. The C functions that record\n"
    "them, with their shapes, are in `include/ingot/graph.h`.\n"
    "\n"
    "- **in**, **out**: how many inputs and outputs; `n+` is n or more.\n"
    "- **constants**: what a node holds besides its inputs, as it is saved in a plan: integers; reals.\n"
    "- **gradient**: whether one flows back through it. Ops without one are either not differentiable, or gradients\n"
    "  themselves.\n"
    "- **view**: costs nothing, shares the memory of input 0. **in place**: may take the memory of input 0 in a plan.\n"
    "  **fuses**: joins an element-wise chain. **changes its leaf**: input 0, in recording order.\n";

static void put_inputs(ig_buf *b, const ig_op *op) {
    if (op->nin_max < 0) ig_buf_printf(b, "%d+", op->nin_min);
    else if (op->nin_min == op->nin_max) ig_buf_printf(b, "%d", op->nin_min);
    else ig_buf_printf(b, "%d–%d", op->nin_min, op->nin_max);
}

static void put_properties(ig_buf *b, const ig_op *op) {
    const char *words[4];
    int n = 0;
    if (op->flags & IG_OP_EFFECT) words[n++] = "changes its leaf";
    else if (op->flags & IG_OP_VIEW) words[n++] = "view";
    if (op->map >= 0) words[n++] = "fuses";
    if (op->flags & IG_OP_IN_PLACE) words[n++] = "in place";
    for (int i = 0; i < n; i++) ig_buf_printf(b, "%s%s", i ? ", " : "", words[i]);
}

/* A bar would end the cell. */
static void put_cell(ig_buf *b, const char *s) {
    for (; *s; s++) {
        if (*s == '|') ig_buf_putc(b, '\\');
        ig_buf_putc(b, *s);
    }
}

static void put_row(ig_buf *b, const ig_op *op) {
    ig_buf_printf(b, "| `%s` | ", op->name);
    put_cell(b, op->doc);
    ig_buf_puts(b, " | ");
    put_inputs(b, op);
    ig_buf_printf(b, " | %d | %s%s%s | %s | ", op->nout, op->attr_names ? "`" : "", op->attr_names ? op->attr_names : "", op->attr_names ? "`" : "",
                  op->backward && !(op->flags & IG_OP_NO_GRAD) ? "yes" : "");
    put_properties(b, op);
    ig_buf_puts(b, " |\n");
}

static void put_table(ig_buf *b, const char *title, bool maps) {
    size_t count;
    const ig_op *const *ops = ig_ops_all(&count);
    ig_buf_printf(b, "\n## %s\n\n| op | formula | in | out | constants | gradient | |\n| --- | --- | --- | --- | --- | --- | --- |\n", title);
    for (size_t i = 0; i < count; i++)
        if ((ops[i]->map >= 0) == maps) put_row(b, ops[i]);
}

static int compare(const ig_buf *want, const char *path) {
    ig_buf have = {.max = 1 << 20};
    ig_error err = {0};
    ig_status s = ig_file_read(path, 1 << 20, &have, &err);
    bool same = s == IG_OK && have.len == want->len && memcmp(have.data, want->data, want->len) == 0;
    if (s != IG_OK) fprintf(stderr, "%s\n", err.message);
    else if (!same) fprintf(stderr, "%s is not what the op table says; make it anew with --write\n", path);
    ig_buf_fini(&have);
    return same ? 0 : 1;
}

int main(int argc, char **argv) {
    bool write = argc == 3 && strcmp(argv[1], "--write") == 0;
    ig_buf b = {.max = 1 << 20};
    ig_error err = {0};
    int code;
    if (argc != 2 && !write) {
        fprintf(stderr, "usage: %s [--write] docs/OPS.md\n", argv[0]);
        return 2;
    }
    ig_buf_puts(&b, intro);
    put_table(&b, "Element-wise", true);
    put_table(&b, "All others", false);
    if (write) code = ig_file_write(argv[2], b.data, b.len, &err) == IG_OK ? 0 : 1;
    else code = compare(&b, argv[1]);
    ig_buf_fini(&b);
    return code;
}
