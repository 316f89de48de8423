/* data/office.c: zip by libzip, XML by expat, both within limits. */
#include "data/office.h"

#include <expat.h>
#include <string.h>
#include <zip.h>

/* ---- zip ------------------------------------------------------------------------------------------------------------ */

static ig_status fail_zip(const char *file, zip_error_t *why, ig_error *err) {
    bool memory = zip_error_code_zip(why) == ZIP_ER_MEMORY;
    ig_status status = ig_error_at(err, memory ? IG_E_NOMEM : IG_E_FORMAT, file, 0, "the file is no whole zip archive, as DOCX and XLSX are: %s: "
                                   "save it again", zip_error_strerror(why));
    zip_error_fini(why);
    return status;
}

ig_status office_open(office *o, const char *file, const void *bytes, size_t len, ig_error *err) {
    zip_error_t why;
    *o = (office){.file = file};
    zip_error_init(&why);
    zip_source_t *source = zip_source_buffer_create(bytes, len, 0, &why);
    if (!source) return fail_zip(file, &why, err);
    o->zip = zip_open_from_source(source, ZIP_RDONLY, &why);
    if (!o->zip) {
        zip_source_free(source);
        return fail_zip(file, &why, err);
    }
    zip_error_fini(&why);
    zip_int64_t count = zip_get_num_entries(o->zip, 0);
    if (count <= IG_OFFICE_ENTRIES_MAX) return IG_OK;
    office_close(o);
    return ig_error_at(err, IG_E_LIMIT, file, 0, "the archive has %lld files, at most %d are allowed", (long long)count, IG_OFFICE_ENTRIES_MAX);
}

void office_close(office *o) {
    if (o->zip) zip_discard(o->zip);
    o->zip = NULL;
}

bool office_has(const office *o, const char *entry) {
    return zip_name_locate(o->zip, entry, 0) >= 0;
}

static ig_status check_entry(const office *o, const zip_stat_t *st, ig_error *err) {
    if (st->encryption_method != ZIP_EM_NONE)
        return ig_error_at(err, IG_E_UNSUPPORTED, o->file, 0, "%.200s is encrypted: save the file without a password", st->name);
    if (st->size > IG_OFFICE_ENTRY_BYTES_MAX || (st->size > 1 << 20 && st->size / IG_OFFICE_RATIO_MAX > st->comp_size))
        return ig_error_at(err, IG_E_LIMIT, o->file, 0, "%.200s unpacks from %llu to %llu bytes, more than an honest document does", st->name,
                           (unsigned long long)st->comp_size, (unsigned long long)st->size);
    return IG_OK;
}

/* Never more than the directory says, whatever the packed bytes hold. */
static ig_status read_all(const office *o, zip_file_t *f, const zip_stat_t *st, ig_buf *out, ig_error *err) {
    char piece[16384];
    zip_int64_t n;
    while ((n = zip_fread(f, piece, sizeof piece)) > 0) {
        if ((zip_uint64_t)n > st->size - out->len) n = -1;
        if (n < 0) break;
        ig_buf_append(out, piece, (size_t)n);
        IG_TRY(ig_buf_status(out, err));
    }
    if (n == 0 && out->len == st->size) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, o->file, 0, "%.200s in the archive is damaged: save the file again", st->name);
}

ig_status office_read(const office *o, const char *entry, ig_buf *out, ig_error *err) {
    zip_stat_t st;
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_ENCRYPTION_METHOD;
    *out = (ig_buf){.max = IG_OFFICE_ENTRY_BYTES_MAX};
    if (zip_stat(o->zip, entry, 0, &st) != 0 || (st.valid & needed) != needed)
        return ig_error_at(err, IG_E_FORMAT, o->file, 0, "%.200s is not in the archive: is it a file of another program?", entry);
    IG_TRY(check_entry(o, &st, err));
    zip_file_t *f = zip_fopen_index(o->zip, st.index, 0);
    if (!f) return ig_error_at(err, IG_E_FORMAT, o->file, 0, "%.200s cannot be read: %.200s", entry, zip_strerror(o->zip));
    ig_status status = read_all(o, f, &st, out, err);
    zip_fclose(f);
    if (status != IG_OK) ig_buf_fini(out);
    return status;
}

/* ---- XML ------------------------------------------------------------------------------------------------------------ */

typedef struct xml_reader {
    XML_Parser parser;
    const xml_handlers *h;
    const char *file, *part;
    int depth;
    ig_status status;
    ig_error error;
} xml_reader;

static const char *local_name(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

const char *xml_attribute(const char **attributes, const char *name) {
    for (; attributes[0]; attributes += 2)
        if (strcmp(local_name(attributes[0]), name) == 0) return attributes[1];
    return NULL;
}

static void stop(xml_reader *r, ig_status status) {
    if (status == IG_OK) return;
    r->status = status;
    XML_StopParser(r->parser, XML_FALSE);
}

/* Handlers may still be called after a stop: each looks at the status first. */
static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes) {
    xml_reader *r = arg;
    if (r->status != IG_OK) return;
    if (++r->depth > IG_XML_DEPTH_MAX)
        stop(r, ig_error_at(&r->error, IG_E_LIMIT, r->file, 0, "%s: elements stand more than %d deep", r->part, IG_XML_DEPTH_MAX));
    else if (r->h->start) stop(r, r->h->start(r->h->arg, local_name(name), attributes, &r->error));
}

static void XMLCALL on_end(void *arg, const XML_Char *name) {
    xml_reader *r = arg;
    if (r->status != IG_OK) return;
    r->depth--;
    if (r->h->end) stop(r, r->h->end(r->h->arg, local_name(name), &r->error));
}

static void XMLCALL on_text(void *arg, const XML_Char *s, int n) {
    xml_reader *r = arg;
    if (r->status == IG_OK && r->h->text) stop(r, r->h->text(r->h->arg, s, (size_t)n, &r->error));
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public_id, int internal) {
    xml_reader *r = arg;
    (void)name, (void)system, (void)public_id, (void)internal;
    if (r->status == IG_OK)
        stop(r, ig_error_at(&r->error, IG_E_FORMAT, r->file, 0, "%s declares a document type, which is refused: it could make a small file "
                            "large", *r->part ? r->part : "the XML"));
}

static ig_status parse(xml_reader *r, const char *bytes, size_t len, ig_error *err) {
    const size_t piece = 1 << 24;
    enum XML_Status ok = XML_STATUS_OK;
    size_t at = 0;
    do {
        size_t n = len - at < piece ? len - at : piece;
        ok = XML_Parse(r->parser, bytes + at, (int)n, at + n == len);
        at += n;
    } while (ok == XML_STATUS_OK && at < len);
    if (r->status != IG_OK) {
        if (err) *err = r->error;
        return r->status;
    }
    if (ok == XML_STATUS_OK) return IG_OK;
    enum XML_Error why = XML_GetErrorCode(r->parser);
    return ig_error_at(err, why == XML_ERROR_NO_MEMORY ? IG_E_NOMEM : IG_E_FORMAT, r->file, (int)XML_GetCurrentLineNumber(r->parser),
                       "%s%sthe XML is damaged: %s", r->part, *r->part ? ": " : "", XML_ErrorString(why));
}

ig_status xml_read(const char *file, const char *part, const char *bytes, size_t len, const xml_handlers *h, ig_error *err) {
    const XML_Memory_Handling_Suite memory = {ig_malloc, ig_realloc, ig_free};
    xml_reader r = {.h = h, .file = file, .part = part, .parser = XML_ParserCreate_MM(NULL, &memory, NULL)};
    if (!r.parser) return ig_error_nomem(err, 0);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    ig_status status = parse(&r, bytes, len, err);
    XML_ParserFree(r.parser);
    return status;
}

ig_status office_xml(const office *o, const char *entry, const xml_handlers *h, ig_error *err) {
    ig_buf bytes;
    IG_TRY(office_read(o, entry, &bytes, err));
    ig_status status = xml_read(o->file, entry, bytes.data ? bytes.data : "", bytes.len, h, err);
    ig_buf_fini(&bytes);
    return status;
}
