/* data/office.h: the files inside of a DOCX or XLSX, and their XML.   (ECMA-376: Open Packaging Conventions)
 *
 * What comes out is bounded: an entry by its size and by its ratio to the packed bytes, XML by its depth; a document type, which could
 * declare entities, is refused.
 */
#ifndef DATA_OFFICE_H
#define DATA_OFFICE_H

#include "ingot/documents.h"

typedef struct office {
    const char *file; /* borrowed */
    void *zip;        /* zip_t */
} office;

/* bytes are borrowed until office_close. */
ig_status office_open(office *o, const char *file, const void *bytes, size_t len, ig_error *err);
void office_close(office *o);
bool office_has(const office *o, const char *entry);
ig_status office_read(const office *o, const char *entry, ig_buf *out, ig_error *err); /* *out is made new: its max is set here */

/* Names come without their namespace prefix: "w:p" is "p".  Any may be NULL.  A status other than IG_OK ends the reading. */
typedef struct xml_handlers {
    ig_status (*start)(void *arg, const char *name, const char **attributes, ig_error *err);
    ig_status (*end)(void *arg, const char *name, ig_error *err);
    ig_status (*text)(void *arg, const char *s, size_t n, ig_error *err);
    void *arg;
} xml_handlers;
/* `part` is the entry's name, for errors; "" when the file itself is XML. */
ig_status xml_read(const char *file, const char *part, const char *bytes, size_t len, const xml_handlers *h, ig_error *err);
/* Value of an attribute, without its prefix; NULL when it is not there. */
const char *xml_attribute(const char **attributes, const char *name);
/* office_read and xml_read. */
ig_status office_xml(const office *o, const char *entry, const xml_handlers *h, ig_error *err);

#endif
