/* features/loop/reading.c: sources become items, and what was wrong with them becomes a list for people. */
#include <inttypes.h>

#include "features/loop/loop.h"

static void put_note(ig_item_sink *k, const char *level, const char *file, int64_t line, const char *fmt, va_list args) {
    char text[512];
    ig_json j = {.out = k->notes};
    vsnprintf(text, sizeof text, fmt, args);
    if (k->listed >= LOOP_LISTED_MAX) return;
    if (k->listed++) ig_buf_putc(k->notes, ',');
    ig_json_open(&j, '{');
    loop_json_key_text(&j, "level", level);
    loop_json_key_text(&j, "file", file);
    loop_json_key_int(&j, "line", line);
    loop_json_key_text(&j, "message", text);
    ig_json_close(&j, '}');
}

void ig_item_bad(ig_item_sink *sink, const char *file, int64_t line, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    put_note(sink, "bad", file, line, fmt, args);
    va_end(args);
    sink->bad++;
}

void ig_item_note(ig_item_sink *sink, const char *file, int64_t line, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    put_note(sink, "note", file, line, fmt, args);
    va_end(args);
    sink->noted++;
}

/* A body is kept as it will be read again: one form, checked. */
ig_status ig_item_put(ig_item_sink *sink, const char *id, const char *body, size_t len, const char *file, int64_t line,
                      ig_error *err) {
    size_t n = strlen(id);
    ig_doc *d = NULL;
    if (n == 0 || n > IG_STORE_NAME_MAX)
        return ig_error_set(err, IG_E_ARG, "an item's id has 1 … %d bytes, not %zu", IG_STORE_NAME_MAX, n);
    if (len > IG_STORE_TEXT_MAX) {
        ig_item_bad(sink, file, line, "is larger than %zu bytes: cut it into pieces", IG_STORE_TEXT_MAX);
        return IG_OK;
    }
    IG_TRY(ig_json_parse("item", body, len, &d, err));
    ig_buf b = {.max = 2 * IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    ig_json_tree(&j, ig_doc_root(d));
    ig_doc_free(d);
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) s = loop_items_put(sink->items, &(ig_item){id, b.data, file ? file : "", line}, err);
    ig_buf_fini(&b);
    sink->put += s == IG_OK;
    return s;
}

static ig_status check_source(const loop_feature *f, const ig_source *source, ig_error *err) {
    int given = (source->path != NULL) + (source->url != NULL) + (source->text != NULL);
    if (given != 1) return ig_error_set(err, IG_E_ARG, "a source is a file, an address or items, one of these");
    for (const ig_field *k = f->kind->source_fields; k && k->name; k++)
        if (source->field && strcmp(k->name, source->field) == 0) return IG_OK;
    return ig_error_set(err, IG_E_ARG, "\"%s\" takes no source \"%.60s\"", f->kind->name, source->field ? source->field : "");
}

ig_status loop_read_sources(const loop_feature *f, const ig_tree *settings, const ig_source *sources, size_t count,
                            ig_item_sink *sink, ig_error *err) {
    for (size_t i = 0; i < count; i++) IG_TRY(check_source(f, &sources[i], err));
    for (size_t i = 0; i < count; i++) IG_TRY(f->kind->read(&sources[i], settings, sink, err));
    return ig_buf_status(sink->notes, err);
}

void loop_json_notes(ig_json *j, const ig_item_sink *sink) {
    ig_buf b = {.max = LOOP_ANSWER_BYTES_MAX};
    ig_buf_printf(&b, "[%s]", sink->notes->data ? sink->notes->data : "");
    loop_json_key_int(j, "read", (int64_t)sink->put);
    loop_json_key_int(j, "bad", (int64_t)sink->bad);
    loop_json_key_raw(j, "notes", b.data);
    ig_buf_fini(&b);
}
