/* server/uploads.c: content as a request brings it.
 *
 *     multipart/form-data    files, each named by the field of the kind that it is for ("faq"), or "file": the first that reads
 *                            its ending; texts: kind, name, settings (JSON), and options of the sources ("question_column")
 *     JSON                   {"items": […], "url": "https://…", "field": "faq", "options": {…}}
 *
 *     WORKSPACE/jobs/up-…/0/faq.csv     a file under the name that it came with, in a folder of its own
 *                        /items.json
 */
#include <string.h>

#include "server/kind_fields.h"
#include "server/uploads.h"

#define NAME_BYTES_MAX 200

/* ---- a source ------------------------------------------------------------------------------------------------------------ */

static ig_status add_source(call *c, upload *u, const ig_field *f, bool is_url, const char *path, const char *name) {
    if (u->count == UPLOAD_SOURCES_MAX) return call_fail(c, 400, NULL, "too_many_files", "at most %d files at a time", UPLOAD_SOURCES_MAX);
    u->at[u->count][0] = u->names.len;
    ig_buf_append(&u->names, path, strlen(path) + 1);
    u->at[u->count][1] = u->names.len;
    ig_buf_append(&u->names, name, strlen(name) + 1);
    ig_source *s = &u->source[u->count++];
    *s = (ig_source){.field = f->name};
    if (is_url) s->url = ""; /* which of the two the texts are for; settle_names points at them */
    return ig_buf_status(&u->names, &c->err);
}

/* The buffer of names has its last place: let the sources point into it. */
static void settle_names(upload *u) {
    for (size_t i = 0; i < u->count; i++) {
        ig_source *s = &u->source[i];
        const char *text = u->names.data + u->at[i][0];
        s->path = s->url ? NULL : text;
        s->url = s->url ? text : NULL;
        s->name = u->names.data + u->at[i][1];
        s->options = u->options ? ig_doc_root(u->options) : NULL;
    }
}

/* The name of an uploaded file without folders, and without what would hide it or leave its folder. */
static void safe_name(const char *given, char *out, size_t size) {
    const char *base = given;
    for (const char *p = given; *p; p++)
        if (*p == '/' || *p == '\\') base = p + 1;
    size_t n = strnlen(base, size - 6);
    while (n > 0 && ((unsigned char)base[n] & 0xC0) == 0x80) n--;
    snprintf(out, size, "%s%.*s", *base == '.' || !*base ? "file" : "", (int)n, base);
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < 32 || *p == 127) *p = '_';
}

static ig_status make_folder(call *c, upload *u) {
    char dir[IG_PATH_MAX], id[SERVER_ID_SIZE];
    if (u->folder[0]) return IG_OK;
    IG_TRY(ig_path_join(dir, sizeof dir, c->s->o.workspace, "jobs", &c->err));
    reply_new_id("up-", id);
    IG_TRY(ig_path_join(u->folder, sizeof u->folder, dir, id, &c->err));
    return ig_dir_make(u->folder, &c->err);
}

static ig_status write_source(call *c, upload *u, const ig_field *f, const char *name, const void *bytes, size_t len) {
    char dir[IG_PATH_MAX], path[IG_PATH_MAX], number[16];
    IG_TRY(make_folder(c, u));
    snprintf(number, sizeof number, "%zu", u->count);
    IG_TRY(ig_path_join(dir, sizeof dir, u->folder, number, &c->err));
    IG_TRY(ig_dir_make(dir, &c->err));
    IG_TRY(ig_path_join(path, sizeof path, dir, name, &c->err));
    IG_TRY(ig_file_write(path, bytes, len, &c->err));
    return add_source(c, u, f, false, path, name);
}

/* ---- a form -------------------------------------------------------------------------------------------------------------- */

static ig_status add_file(call *c, const ig_kind *k, upload *u, const ig_multipart_part *p) {
    char name[NAME_BYTES_MAX + 8];
    safe_name(p->filename, name, sizeof name);
    bool any = strcmp(p->name, "file") == 0 || strcmp(p->name, "files") == 0;
    const ig_field *f = kind_field(k->source_fields, p->name);
    if (!f && any) f = kind_source_for(k, name, false);
    if (!f || f->type != IG_FIELD_FILES)
        return call_fail(c, 400, p->name, "unknown_parameter", "'%.60s' takes no file; GET /v1/kinds tells what %s takes", p->name, k->name);
    return write_source(c, u, f, name, p->bytes, p->len);
}

static ig_status put_text_part(call *c, ig_json *j, const ig_multipart_part *p) {
    if (memchr(p->bytes, 0, p->len)) return call_fail(c, 400, p->name, "invalid_value", "'%.60s' is no text", p->name);
    ig_json_key(j, p->name), ig_json_text_n(j, p->bytes, p->len);
    return IG_OK;
}

static ig_status read_texts(call *c, const ig_multipart *m, upload *u) {
    ig_json j = {.out = &u->texts};
    u->texts.max = 64 << 20;
    ig_json_open(&j, '{');
    for (size_t i = 0; i < ig_multipart_count(m); i++)
        if (!ig_multipart_at(m, i)->filename) IG_TRY(put_text_part(c, &j, ig_multipart_at(m, i)));
    ig_json_close(&j, '}');
    IG_TRY(ig_buf_status(&u->texts, &c->err));
    return ig_json_parse("form", u->texts.data, u->texts.len, &u->fields, &c->err);
}

/* Texts that name an option of the sources. */
static ig_status read_options(call *c, const ig_kind *k, upload *u) {
    ig_buf b = {.max = 1 << 20};
    ig_json j = {.out = &b};
    ig_status s = IG_OK;
    ig_json_open(&j, '{');
    for (const ig_tree *v = ig_doc_root(u->fields)->child; v && s == IG_OK; v = v->next) {
        const ig_field *f = kind_field(k->source_fields, v->key);
        if (f && !kind_is_source(f)) s = kind_put_text(&j, f, v->text, &c->err);
    }
    ig_json_close(&j, '}');
    if (s == IG_OK) s = ig_buf_status(&b, &c->err);
    if (s == IG_OK) s = ig_json_parse("options", b.data, b.len, &u->options, &c->err);
    ig_buf_fini(&b);
    return s;
}

/* Texts that are sources themselves: an address, or items as JSON. */
static ig_status add_text_sources(call *c, const ig_kind *k, upload *u) {
    for (const ig_tree *v = ig_doc_root(u->fields)->child; v; v = v->next) {
        const ig_field *f = kind_field(k->source_fields, v->key);
        if (!f && strcmp(v->key, "url") == 0) f = kind_source_for(k, "https://", false);
        if (f && f->type == IG_FIELD_URL && v->text_len) IG_TRY(add_source(c, u, f, true, v->text, v->text));
    }
    return IG_OK;
}

static ig_status read_form(call *c, const char *type, const ig_kind **kind, upload *u) {
    size_t n;
    const void *body = ig_http_request_body(c->http, &n);
    ig_multipart *m = NULL;
    u->is_form = true;
    IG_TRY(ig_multipart_parse(type, body ? body : "", n, 2 * UPLOAD_SOURCES_MAX, &m, &c->err));
    ig_status s = read_texts(c, m, u);
    if (s == IG_OK && !*kind) s = call_kind(c, ig_tree_text(ig_doc_root(u->fields), "kind", ""), kind);
    if (s == IG_OK) s = read_options(c, *kind, u);
    if (s == IG_OK) s = add_text_sources(c, *kind, u);
    for (size_t i = 0; i < ig_multipart_count(m) && s == IG_OK; i++)
        if (ig_multipart_at(m, i)->filename) s = add_file(c, *kind, u, ig_multipart_at(m, i));
    ig_multipart_free(m);
    return s;
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------------- */

static ig_status add_items(call *c, const ig_kind *k, const ig_tree *items, const char *named, upload *u) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    const ig_field *f = named ? kind_field(k->source_fields, named) : NULL;
    if (named && !f) return call_fail(c, 400, "field", "invalid_value", "'field' names no source of %s; GET /v1/kinds lists them", k->name);
    for (const ig_field *g = k->source_fields; !f && g && g->name; g++)
        if (g->type == IG_FIELD_LIST) f = g;
    if (!f) f = kind_source_for(k, "items.json", false);
    if (!f) return call_fail(c, 400, "items", "unknown_parameter", "%s takes no items", k->name);
    ig_json_tree(&j, items);
    ig_status s = ig_buf_status(&b, &c->err);
    if (s == IG_OK) s = write_source(c, u, f, "items.json", b.data, b.len);
    ig_buf_fini(&b);
    return s;
}

static ig_status add_url(call *c, const ig_kind *k, const ig_tree *url, upload *u) {
    const ig_field *f = kind_source_for(k, "https://", false);
    if (!f) return call_fail(c, 400, "url", "unknown_parameter", "%s takes no address", k->name);
    return add_source(c, u, f, true, url->text, url->text);
}

static const field content_fields[] = {
    {"kind", F_TEXT, FIELD_USED, 1, IG_STORE_NAME_MAX, NULL, false, ""},
    {"name", F_TEXT, FIELD_USED, 1, IG_STORE_NAME_MAX, NULL, false, ""},
    {"settings", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {"items", F_LIST, FIELD_USED, 0, 0, NULL, false, ""},
    {"url", F_TEXT, FIELD_USED, 1, 4096, NULL, false, ""},
    {"field", F_TEXT, FIELD_USED, 1, IG_STORE_NAME_MAX, NULL, false, ""},
    {"options", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static ig_status copy_tree(const ig_tree *t, ig_doc **out, ig_error *err) {
    ig_buf b = {.max = 16 << 20};
    ig_json j = {.out = &b};
    ig_json_tree(&j, t);
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) s = ig_json_parse("options", b.data, b.len, out, err);
    ig_buf_fini(&b);
    return s;
}

static ig_status read_json(call *c, const ig_kind **kind, upload *u) {
    IG_TRY(call_body(c));
    u->fields = c->body;
    c->body = NULL;
    const ig_tree *body = ig_doc_root(u->fields), *items = field_get(body, "items"), *url = field_get(body, "url");
    IG_TRY(fields_check(c, body, content_fields, ""));
    if (!*kind) IG_TRY(call_kind(c, ig_tree_text(body, "kind", ""), kind));
    if (field_get(body, "options")) IG_TRY(copy_tree(field_get(body, "options"), &u->options, &c->err));
    if (items) IG_TRY(add_items(c, *kind, items, ig_tree_text(body, "field", NULL), u));
    return url ? add_url(c, *kind, url, u) : IG_OK;
}

ig_status upload_read(call *c, const ig_kind **kind, upload *u) {
    const char *type = ig_http_request_header(c->http, "Content-Type");
    u->names.max = (size_t)UPLOAD_SOURCES_MAX * 2 * IG_PATH_MAX;
    IG_TRY(call_loop(c));
    bool form = type && strncmp(type, "multipart/form-data", 19) == 0;
    IG_TRY(form ? read_form(c, type, kind, u) : read_json(c, kind, u));
    settle_names(u);
    return IG_OK;
}

void upload_fini(upload *u, bool keep_files) {
    if (u->folder[0] && !keep_files) (void)ig_dir_remove(u->folder, NULL);
    ig_buf_fini(&u->texts);
    ig_buf_fini(&u->names);
    ig_doc_free(u->options);
    ig_doc_free(u->fields);
}

/* ---- to another process ----------------------------------------------------------------------------------------------------- */

void upload_put_sources(const upload *u, ig_json *j) {
    ig_json_key(j, "sources"), ig_json_open(j, '[');
    for (size_t i = 0; i < u->count; i++) {
        const ig_source *s = &u->source[i];
        ig_json_open(j, '{');
        reply_pair_text(j, "field", s->field);
        reply_pair_text(j, "name", s->name);
        reply_pair_text(j, s->url ? "url" : "path", s->url ? s->url : s->path);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
    if (!u->options) return;
    ig_json_key(j, "options"), ig_json_tree(j, ig_doc_root(u->options));
}
