/* data/table_json.c: tables of JSON objects: a list of them, an object that holds one such list, or one object per line.
 *
 *     [{"question": …, "answer": …}, …]      {"questions": [{…}, …], "version": 1}      {…}⏎{…}⏎
 *
 * The columns are all keys in the order in which they appear; a key that an object lacks is an empty cell.
 */
#include <string.h>

#include "data/table.h"

/* ---- names: the union of all keys ------------------------------------------------------------------------------------ */

static size_t find_name(const table_cells *names, const char *key) {
    const char *at = names->bytes.data;
    for (size_t i = 0; i < names->count; i++, at += strlen(at) + 1)
        if (strcmp(at, key) == 0) return i;
    return names->count;
}

static ig_status add_names(const ig_table *t, table_cells *names, const ig_tree *map, ig_error *err) {
    for (const ig_tree *c = map->child; c; c = c->next) {
        if (find_name(names, c->key) < names->count) continue;
        if (names->count == IG_TABLE_COLUMNS_MAX)
            return ig_error_at(err, IG_E_LIMIT, t->file, c->line, "the objects have more than %d different keys", IG_TABLE_COLUMNS_MAX);
        table_cells_add(names, c->key, strlen(c->key));
        IG_TRY(ig_buf_status(&names->bytes, err));
    }
    return IG_OK;
}

static ig_status set_names(ig_table *t, const table_cells *names, ig_error *err) {
    if (!names->count)
        return ig_error_at(err, IG_E_FORMAT, t->file, 0, "no object with a key is in it: a list of objects is needed, [{\"question\": …, \"answer\": …}, …]");
    return table_set_names(t, names->bytes.data, names->count, 1, err);
}

/* ---- one object as a row ---------------------------------------------------------------------------------------------- */

void table_put_json(ig_buf *out, const ig_tree *v) {
    ig_json j = {.out = out};
    char number[40];
    if (!v || v->type == IG_TREE_NULL) return;
    if (v->type == IG_TREE_TEXT && strlen(v->text) == v->text_len) ig_buf_puts(out, v->text);
    else if (v->type == IG_TREE_REAL) {
        snprintf(number, sizeof number, "%.15g", v->real);
        ig_buf_puts(out, number);
    } else ig_json_tree(&j, v);
}

static ig_status emit_map(const ig_table *t, table_visit *v, table_cells *cells, const ig_tree *map, int line, ig_error *err) {
    table_cells_clear(cells);
    for (size_t i = 0; i < t->columns; i++) {
        table_put_json(&cells->bytes, ig_tree_get(map, t->names[i]));
        ig_buf_putc(&cells->bytes, '\0');
        cells->count++;
    }
    IG_TRY(ig_buf_status(&cells->bytes, err));
    return table_emit(t, v, cells->bytes.data, cells->count, line, false, err);
}

static ig_status no_object(const ig_table *t, const ig_tree *v, int line, ig_error *err) {
    ig_error problem = {0};
    ig_error_at(&problem, IG_E_FORMAT, t->file, line, "%s stands where an object with the row's values is expected", ig_tree_type_name(v->type));
    return table_problem(t, &problem, err);
}

/* ---- one document ------------------------------------------------------------------------------------------------------ */

static bool holds_objects(const ig_tree *v) {
    return v->type == IG_TREE_LIST && v->child && v->child->type == IG_TREE_MAP;
}

static ig_status find_list(ig_table *t, const ig_tree *root, ig_error *err) {
    if (root->type == IG_TREE_LIST) t->list = root;
    if (root->type == IG_TREE_LIST) return IG_OK;
    for (const ig_tree *c = root->type == IG_TREE_MAP ? root->child : NULL; c; c = c->next) {
        if (!holds_objects(c)) continue;
        if (t->list)
            return ig_error_at(err, IG_E_FORMAT, t->file, c->line, "both \"%.100s\" and \"%.100s\" are lists of objects: keep the one with the rows",
                               t->list->key, c->key);
        t->list = c;
    }
    if (t->list) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, t->file, root->line, "no list of objects is in it; needed is [{\"question\": …, \"answer\": …}, …], or an object "
                       "with one such list");
}

ig_status json_open(ig_table *t, ig_error *err) {
    table_cells names = {.bytes.max = IG_TABLE_BYTES_MAX};
    IG_TRY(ig_json_parse(t->file, t->text.data, t->text.len, &t->doc, err));
    ig_buf_fini(&t->text);
    IG_TRY(find_list(t, ig_doc_root(t->doc), err));
    ig_status status = IG_OK;
    for (const ig_tree *c = t->list->child; c && status == IG_OK; c = c->next)
        if (c->type == IG_TREE_MAP) status = add_names(t, &names, c, err);
    if (status == IG_OK) status = set_names(t, &names, err);
    ig_buf_fini(&names.bytes);
    return status;
}

ig_status json_each(const ig_table *t, table_visit *v, ig_error *err) {
    table_cells cells = {.bytes.max = IG_TABLE_BYTES_MAX};
    ig_status status = IG_OK;
    for (const ig_tree *c = t->list->child; c && status == IG_OK; c = c->next)
        status = c->type == IG_TREE_MAP ? emit_map(t, v, &cells, c, c->line, err) : no_object(t, c, c->line, err);
    ig_buf_fini(&cells.bytes);
    return status;
}

/* ---- a document per line -------------------------------------------------------------------------------------------------- */

typedef ig_status line_fn(const ig_table *t, void *arg, const ig_tree *root, int line, ig_error *err);

/* Calls fn for every line that is JSON.  bad: lines that are not are told; else they are passed over. */
static ig_status each_line(const ig_table *t, bool bad, line_fn *fn, void *arg, ig_error *err) {
    const char *at = t->text.data, *end = t->text.data + t->text.len, *nl;
    for (int line = 1; at < end; at = nl + 1, line++) {
        ig_error problem = {0};
        ig_doc *d;
        nl = memchr(at, '\n', (size_t)(end - at));
        if (!nl) nl = end;
        size_t blank = 0;
        while (at + blank < nl && strchr(" \t\r", at[blank])) blank++;
        if (at + blank == nl) continue;
        ig_status status = ig_json_parse(t->file, at, (size_t)(nl - at), &d, &problem);
        if (status == IG_OK) {
            status = fn(t, arg, ig_doc_root(d), line, err);
            ig_doc_free(d);
            IG_TRY(status);
        } else {
            problem.line = line;
            if (bad || status == IG_E_NOMEM) IG_TRY(table_problem(t, &problem, err));
        }
    }
    return IG_OK;
}

static ig_status names_of_line(const ig_table *t, void *arg, const ig_tree *root, int line, ig_error *err) {
    (void)line;
    return root->type == IG_TREE_MAP ? add_names(t, arg, root, err) : IG_OK;
}

ig_status json_lines_open(ig_table *t, ig_error *err) {
    table_cells names = {.bytes.max = IG_TABLE_BYTES_MAX};
    ig_status status = each_line(t, false, names_of_line, &names, err);
    if (status == IG_OK) status = set_names(t, &names, err);
    ig_buf_fini(&names.bytes);
    return status;
}

typedef struct row_of_line {
    table_visit *visit;
    table_cells cells;
} row_of_line;

static ig_status emit_line(const ig_table *t, void *arg, const ig_tree *root, int line, ig_error *err) {
    row_of_line *r = arg;
    return root->type == IG_TREE_MAP ? emit_map(t, r->visit, &r->cells, root, line, err) : no_object(t, root, line, err);
}

ig_status json_lines_each(const ig_table *t, table_visit *v, ig_error *err) {
    row_of_line r = {.visit = v, .cells.bytes.max = IG_TABLE_BYTES_MAX};
    ig_status status = each_line(t, true, emit_line, &r, err);
    ig_buf_fini(&r.cells.bytes);
    return status;
}
