/* data/document.c: a document of any format, plain text, and a folder of documents.
 *
 * A document's own error is told to `problem` and the next one is read; an error of the caller's callback and a failed allocation end
 * the call.
 */
#include <string.h>
#include <sys/stat.h>

#include "data/passages.h"
#include "data/plain_text.h"

typedef struct reading {
    const ig_document_opts *opts;
    ig_passage_fn *fn;
    void *arg;
    ig_document_counts *counts;
    size_t files;
} reading;

ig_document_format ig_document_format_of(const char *path) {
    static const struct { const char *end; ig_document_format format; } known[] = {
        {".txt", IG_DOCUMENT_TEXT}, {".text", IG_DOCUMENT_TEXT}, {".md", IG_DOCUMENT_MARKDOWN}, {".markdown", IG_DOCUMENT_MARKDOWN},
        {".html", IG_DOCUMENT_HTML}, {".htm", IG_DOCUMENT_HTML}, {".xhtml", IG_DOCUMENT_HTML}, {".docx", IG_DOCUMENT_DOCX},
        {".pdf", IG_DOCUMENT_PDF},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (ends_with(path, known[i].end)) return known[i].format;
    return IG_DOCUMENT_AUTO;
}

/* Paragraphs end at an empty line. */
static ig_status text_read(const char *s, size_t len, passages *p, ig_error *err) {
    const char *end = s + len;
    for (int line = 1; s < end; line++) {
        const char *nl = memchr(s, '\n', (size_t)(end - s));
        size_t n = nl ? (size_t)(nl - s) : (size_t)(end - s);
        size_t before = p->block.len;
        passages_put(p, s, n, line);
        if (p->block.len == before) IG_TRY(passages_end(p, err));
        else passages_break(p);
        s += n + (nl != NULL);
    }
    return passages_finish(p, err);
}

static ig_status read_bytes(const char *name, const void *bytes, size_t len, ig_document_format format, passages *p, ig_error *err) {
    if (len > IG_DOCUMENT_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, name, 0, "the document has %zu bytes, at most %zu are read", len, IG_DOCUMENT_BYTES_MAX);
    if (format == IG_DOCUMENT_AUTO) format = ig_document_format_of(name);
    if (format == IG_DOCUMENT_AUTO)
        return ig_error_at(err, IG_E_UNSUPPORTED, name, 0, "no document that can be read: its name must end with .md, .html, .docx, .pdf or .txt");
    if (format == IG_DOCUMENT_DOCX) return docx_read(bytes, len, p, err);
    if (format == IG_DOCUMENT_PDF) return pdf_read(bytes, len, p, err);
    ig_buf text = {.max = IG_DOCUMENT_BYTES_MAX};
    ig_status status = plain_text(name, bytes, len, &text, err);
    const char *s = text.data ? text.data : "";
    if (status == IG_OK && format == IG_DOCUMENT_TEXT) status = text_read(s, text.len, p, err);
    else if (status == IG_OK && format == IG_DOCUMENT_MARKDOWN) status = markdown_read(s, text.len, p, err);
    else if (status == IG_OK) status = html_read(s, text.len, p, err);
    ig_buf_fini(&text);
    return status;
}

/* *ends: the error is not the document's. */
static ig_status parse(reading *r, const char *name, const void *bytes, size_t len, ig_document_format format, bool *ends, ig_error *err) {
    passages p;
    size_t max = r->opts->passage_bytes ? r->opts->passage_bytes : IG_PASSAGE_BYTES_MAX;
    if (max < 64) return ig_error_set(err, IG_E_ARG, "passages of %zu bytes are too short: at least 64 are needed", max);
    passages_init(&p, name, max, r->fn, r->arg);
    ig_status status = read_bytes(name, len ? bytes : "", len, format, &p, err);
    *ends = p.stopped;
    r->counts->passages += p.count;
    r->counts->documents += status == IG_OK;
    passages_fini(&p);
    return status;
}

static ig_status settle(reading *r, ig_status status, const ig_error *problem, bool ends, ig_error *err) {
    if (status == IG_OK) return IG_OK;
    if (!ends && status != IG_E_NOMEM && r->opts->problem) {
        r->counts->failed++;
        r->opts->problem(r->opts->problem_arg, problem);
        return IG_OK;
    }
    if (err) *err = *problem;
    return status;
}

static ig_status read_file(reading *r, const char *path, ig_document_format format, ig_error *err) {
    ig_map_file m = {0};
    ig_error problem = {0};
    bool ends = false;
    ig_status status = ig_file_map(path, &m, &problem);
    if (status == IG_OK) status = parse(r, path, m.data, m.size, format, &ends, &problem);
    ig_file_unmap(&m);
    return settle(r, status, &problem, ends, err);
}

/* ---- folders -------------------------------------------------------------------------------------------------------- */

static ig_status read_folder(reading *r, const char *folder, int depth, ig_error *err);

/* Links are never followed, so nothing outside is read and no folder twice. */
static ig_status read_entry(reading *r, const char *folder, const char *name, int depth, ig_error *err) {
    char path[IG_PATH_MAX];
    struct stat st;
    if (name[0] == '.') return IG_OK;
    IG_TRY(ig_path_join(path, sizeof path, folder, name, err));
    if (lstat(path, &st) != 0) return ig_error_errno_at(err, path, "cannot be looked at");
    if (S_ISDIR(st.st_mode)) return read_folder(r, path, depth + 1, err);
    if (!S_ISREG(st.st_mode) || ig_document_format_of(name) == IG_DOCUMENT_AUTO) {
        r->counts->skipped++;
        return IG_OK;
    }
    if (++r->files > IG_FOLDER_FILES_MAX)
        return ig_error_at(err, IG_E_LIMIT, folder, 0, "there are more than %d documents: give folders one by one", IG_FOLDER_FILES_MAX);
    return read_file(r, path, IG_DOCUMENT_AUTO, err);
}

static ig_status read_folder(reading *r, const char *folder, int depth, ig_error *err) {
    char **names;
    size_t count;
    if (depth > IG_FOLDER_DEPTH_MAX) return ig_error_at(err, IG_E_LIMIT, folder, 0, "folders stand more than %d deep", IG_FOLDER_DEPTH_MAX);
    IG_TRY(ig_dir_list(folder, &names, &count, err));
    ig_status status = IG_OK;
    for (size_t i = 0; i < count && status == IG_OK; i++) status = read_entry(r, folder, names[i], depth, err);
    ig_names_free(names, count);
    return status;
}

/* ---- calls ---------------------------------------------------------------------------------------------------------- */

ig_status ig_document_read(const char *path, const ig_document_opts *opts, ig_passage_fn *fn, void *arg, ig_document_counts *counts,
                           ig_error *err) {
    ig_document_opts none = {0};
    ig_document_counts own, *c = counts ? counts : &own;
    reading r = {.opts = opts ? opts : &none, .fn = fn, .arg = arg, .counts = c};
    *c = (ig_document_counts){0};
    return ig_path_is_dir(path) ? read_folder(&r, path, 1, err) : read_file(&r, path, r.opts->format, err);
}

ig_status ig_document_parse(const char *name, const void *bytes, size_t len, const ig_document_opts *opts, ig_passage_fn *fn,
                            void *arg, ig_document_counts *counts, ig_error *err) {
    ig_document_opts none = {0};
    ig_document_counts own, *c = counts ? counts : &own;
    reading r = {.opts = opts ? opts : &none, .fn = fn, .arg = arg, .counts = c};
    ig_error problem = {0};
    bool ends = false;
    *c = (ig_document_counts){0};
    ig_status status = parse(&r, name, bytes, len, r.opts->format, &ends, &problem);
    return settle(&r, status, &problem, ends, err);
}
