/* features/loop/cases.c: cases in memory and in a version's cases.jsonl, one JSON object in a line:
 *
 *     {"id": …, "group": …, "request": {…}, "expected": {…}|null, "weight": 1, "origin": "feedback", "confirmed": true}
 *
 * A case is one block: id, group, request and expected, each with its NUL.  Requests and expectations are brought to one form,
 * so that equal ones are equal texts.
 */
#include "features/loop/loop.h"

static const char *const origin_names[] = {"content", "feedback", "staff", "unlabelled"};

static ig_status put_json(ig_buf *b, const char *json, ig_error *err) {
    ig_doc *d = NULL;
    ig_json j = {.out = b};
    IG_TRY(ig_json_parse("case", json, strlen(json), &d, err));
    ig_json_tree(&j, ig_doc_root(d));
    ig_buf_putc(b, '\0');
    ig_doc_free(d);
    return ig_buf_status(b, err);
}

static ig_status make_room(loop_cases *x, ig_error *err) {
    if (x->count < x->cap) return IG_OK;
    if (x->count >= IG_LOOP_CASES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a feature may learn from %u cases", IG_LOOP_CASES_MAX);
    size_t cap = x->cap ? x->cap * 2 : 64;
    ig_case *more = ig_realloc_array(x->at, cap, sizeof *more);
    if (!more) return ig_error_nomem(err, cap * sizeof *more);
    x->at = more;
    x->cap = cap;
    return IG_OK;
}

static ig_status pack(ig_buf *b, const ig_case *c, size_t at[3], ig_error *err) {
    ig_buf_append(b, c->id, strlen(c->id) + 1);
    at[0] = b->len;
    ig_buf_append(b, c->group, strlen(c->group) + 1);
    at[1] = b->len;
    IG_TRY(put_json(b, c->request, err));
    at[2] = b->len;
    return c->expected ? put_json(b, c->expected, err) : ig_buf_status(b, err);
}

ig_status loop_cases_put(loop_cases *x, const ig_case *c, ig_error *err) {
    ig_buf b = {.max = 4 * IG_STORE_TEXT_MAX};
    size_t at[3];
    if (!c->id || !c->group || !c->request || !(c->weight >= 0 && c->weight <= 1))
        return ig_error_set(err, IG_E_ARG, "a case has an id, a group, a request, and a weight of 0 … 1");
    IG_TRY(make_room(x, err));
    ig_status s = pack(&b, c, at, err);
    if (s != IG_OK) {
        ig_buf_fini(&b);
        return s;
    }
    ig_case *n = &x->at[x->count++];
    *n = *c;
    n->id = b.data;
    n->group = b.data + at[0];
    n->request = b.data + at[1];
    n->expected = c->expected ? b.data + at[2] : NULL;
    return IG_OK;
}

ig_status ig_case_put(ig_case_sink *sink, const ig_case *c, ig_error *err) {
    return loop_cases_put(sink->cases, c, err);
}

void loop_cases_fini(loop_cases *x) {
    for (size_t i = 0; i < x->count; i++) ig_free((void *)x->at[i].id);
    ig_free(x->at);
    *x = (loop_cases){0};
}

ig_status loop_cases_of_items(const ig_kind *k, const ig_tree *settings, const loop_items *items, loop_cases *out,
                              ig_error *err) {
    ig_case_sink sink = {out};
    for (size_t i = 0; i < items->count; i++) IG_TRY(k->examples(&items->at[i], settings, &sink, err));
    return IG_OK;
}

static void put_case(ig_buf *b, const ig_case *c) {
    ig_json j = {.out = b};
    ig_json_open(&j, '{');
    loop_json_key_text(&j, "id", c->id);
    loop_json_key_text(&j, "group", c->group);
    loop_json_key_raw(&j, "request", c->request);
    loop_json_key_raw(&j, "expected", c->expected);
    loop_json_key_real(&j, "weight", c->weight);
    loop_json_key_text(&j, "origin", origin_names[c->origin]);
    loop_json_key_bool(&j, "confirmed", c->confirmed);
    ig_json_close(&j, '}');
    ig_buf_putc(b, '\n');
}

ig_status loop_cases_write(const loop_cases *x, const char *folder, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_writer *w = NULL;
    ig_buf b = {.max = LOOP_ANSWER_BYTES_MAX};
    IG_TRY(ig_path_join(path, sizeof path, folder, "cases.jsonl", err));
    IG_TRY(ig_writer_open(path, &w, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < x->count && s == IG_OK; i++) {
        ig_buf_clear(&b);
        put_case(&b, &x->at[i]);
        s = ig_buf_status(&b, err);
        if (s == IG_OK) s = ig_writer_write(w, b.data, b.len, err);
    }
    if (s == IG_OK) s = ig_writer_commit(w, err);
    ig_writer_close(w);
    ig_buf_fini(&b);
    return s;
}

static ig_case_origin origin_of(const char *name) {
    int o = IG_CASE_CONTENT;
    while (o < IG_CASE_UNLABELLED && strcmp(origin_names[o], name) != 0) o++;
    return (ig_case_origin)o;
}

static ig_status tree_text(const ig_tree *t, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    if (!t) return ig_error_set(err, IG_E_FORMAT, "a case without a request");
    ig_json_tree(&j, t);
    return ig_buf_status(out, err);
}

static ig_status read_line(const char *path, const char *line, size_t len, ig_case_origin of, loop_cases *out, ig_error *err) {
    ig_doc *d = NULL;
    ig_buf request = {.max = 2 * IG_STORE_TEXT_MAX}, expected = {.max = 2 * IG_STORE_TEXT_MAX};
    IG_TRY(ig_json_parse(path, line, len, &d, err));
    const ig_tree *t = ig_doc_root(d), *e = ig_tree_get(t, "expected");
    ig_case c = {.id = ig_tree_text(t, "id", ""), .group = ig_tree_text(t, "group", ""), .weight = ig_tree_real(t, "weight", 1),
                 .origin = origin_of(ig_tree_text(t, "origin", "")), .confirmed = ig_tree_bool(t, "confirmed", false)};
    ig_status s = tree_text(ig_tree_get(t, "request"), &request, err);
    if (s == IG_OK && e && e->type != IG_TREE_NULL) s = tree_text(e, &expected, err);
    c.request = request.data;
    c.expected = expected.data;
    if (s == IG_OK && c.origin >= of) s = loop_cases_put(out, &c, err);
    ig_buf_fini(&request);
    ig_buf_fini(&expected);
    ig_doc_free(d);
    return s;
}

ig_status loop_cases_read(const char *folder, ig_case_origin of, loop_cases *out, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_map_file m;
    IG_TRY(ig_path_join(path, sizeof path, folder, "cases.jsonl", err));
    if (!ig_path_exists(path)) return IG_OK;
    IG_TRY(ig_file_map(path, &m, err));
    const char *p = (const char *)m.data, *end = p + m.size;
    ig_status s = IG_OK;
    while (s == IG_OK && m.size && p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) stop = end;
        if (stop > p) s = read_line(path, p, (size_t)(stop - p), of, out, err);
        p = stop + 1;
    }
    ig_file_unmap(&m);
    return s;
}
