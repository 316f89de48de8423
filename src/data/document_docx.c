/* data/document_docx.c: the paragraphs of word/document.xml.   (ECMA-376 part 1, 17.3)
 *
 *     <w:p><w:pPr><w:pStyle w:val="2"/></w:pPr><w:r><w:t>text</w:t><w:tab/><w:br/></w:r></w:p>
 *     <w:tbl><w:tr><w:tc>…</w:tc></w:tr></w:tbl>       a row is one block, its cells joined by " | "
 *
 * Which style is a heading tells word/styles.xml by the style's name ("heading 2"), since ids are of any language.  Deleted text
 * (w:delText) and field codes (w:instrText) are other elements than w:t, and so left out.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/office.h"
#include "data/passages.h"

#define STYLES_MAX 64

typedef struct docx {
    passages *p;
    char style[STYLES_MAX][64];
    int level[STYLES_MAX];
    int count;
    char current[64];  /* id of the style that is read */
    int paragraph, heading, tables;
    bool text;
} docx;

static ig_status style_start(void *arg, const char *name, const char **attributes, ig_error *err) {
    docx *d = arg;
    (void)err;
    if (strcmp(name, "style") == 0) {
        const char *id = xml_attribute(attributes, "styleId");
        snprintf(d->current, sizeof d->current, "%s", id ? id : "");
    }
    const char *value = xml_attribute(attributes, "val");
    if (strcmp(name, "name") != 0 || !value || d->count == STYLES_MAX) return IG_OK;
    int level = strncasecmp(value, "heading ", 8) == 0 ? (int)strtol(value + 8, NULL, 10) : strcasecmp(value, "Title") == 0;
    if (level < 1 || level > 6 || !*d->current) return IG_OK;
    snprintf(d->style[d->count], sizeof d->style[0], "%s", d->current);
    d->level[d->count++] = level;
    return IG_OK;
}

static void set_style(docx *d, const char *id) {
    for (int i = 0; i < d->count && id; i++)
        if (strcmp(d->style[i], id) == 0) d->heading = d->level[i];
}

static ig_status on_start(void *arg, const char *name, const char **attributes, ig_error *err) {
    docx *d = arg;
    d->text = strcmp(name, "t") == 0;
    if (strcmp(name, "p") == 0) {
        d->paragraph++;
        d->heading = 0;
        if (d->tables && d->p->block.len) passages_put(d->p, " ", 1, d->paragraph);
    } else if (strcmp(name, "pStyle") == 0) set_style(d, xml_attribute(attributes, "val"));
    else if (strcmp(name, "tab") == 0) passages_put(d->p, " ", 1, d->paragraph);
    else if (strcmp(name, "br") == 0) passages_break(d->p);
    else if (strcmp(name, "tbl") == 0) d->tables++;
    else if (strcmp(name, "tc") == 0 && d->p->block.len) passages_put(d->p, " | ", 3, d->paragraph);
    return ig_buf_status(&d->p->block, err);
}

static ig_status on_end(void *arg, const char *name, ig_error *err) {
    docx *d = arg;
    d->text = false;
    if (strcmp(name, "tbl") == 0) d->tables--;
    if (strcmp(name, "tr") == 0) return passages_end(d->p, err);
    if (strcmp(name, "p") != 0 || d->tables) return IG_OK;
    return d->heading ? passages_heading(d->p, d->heading, NULL, err) : passages_end(d->p, err);
}

static ig_status on_text(void *arg, const char *s, size_t n, ig_error *err) {
    docx *d = arg;
    if (d->text) passages_put(d->p, s, n, d->paragraph);
    return ig_buf_status(&d->p->block, err);
}

ig_status docx_read(const void *bytes, size_t len, passages *p, ig_error *err) {
    office o;
    docx d = {.p = p};
    const xml_handlers styles = {.start = style_start, .arg = &d}, body = {on_start, on_end, on_text, &d};
    IG_TRY(office_open(&o, p->file, bytes, len, err));
    ig_status status = office_has(&o, "word/styles.xml") ? office_xml(&o, "word/styles.xml", &styles, err) : IG_OK;
    if (status == IG_OK) status = office_xml(&o, "word/document.xml", &body, err);
    office_close(&o);
    return status == IG_OK ? passages_finish(p, err) : status;
}
