/* graph/ops/list.c: the op table: every row, for lookup by name (saved plans), the gradient tests and docs/OPS.md. */
#include "graph/ops/ops.h"

#include <string.h>

#define MAP_ROW(name, arity) &ig_map_ops[IG_MAP_##name],
#define ROW(name) &ig_op_##name,

static const ig_op *const rows[] = {IG_MAPS(MAP_ROW) IG_OPS(ROW)};

const ig_op *const *ig_ops_all(size_t *count) {
    *count = sizeof rows / sizeof *rows;
    return rows;
}

const ig_op *ig_op_by_name(const char *name) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i]->name, name) == 0) return rows[i];
    return NULL;
}
