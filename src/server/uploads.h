/* server/uploads.h: content as a request brings it: a form with files, items, or an address. */
#ifndef INGOT_SERVER_UPLOADS_H
#define INGOT_SERVER_UPLOADS_H

#include "server/server.h"

#define UPLOAD_SOURCES_MAX 256

typedef struct upload {
    ig_buf texts;            /* JSON map of the other fields of a form, each as text: "kind", "name", "settings" … */
    ig_doc *fields;          /* parsed: of a form those texts, else the body */
    bool is_form;
    char folder[IG_PATH_MAX]; /* where files were put; "" when there are none */
    ig_source source[UPLOAD_SOURCES_MAX];
    size_t count;
    ig_doc *options;         /* how to read the sources */
    ig_buf names;            /* owns what the sources point to: paths and names */
    size_t at[UPLOAD_SOURCES_MAX][2];
} upload;

/* Read the request's body for a feature of this kind (NULL: found in its field "kind"); files are written under
 * WORKSPACE/jobs/.  *kind is set. */
ig_status upload_read(call *c, const ig_kind **kind, upload *u);
/* The sources as JSON, for the job of another process; see kind_sources. */
void upload_put_sources(const upload *u, ig_json *j);
void upload_fini(upload *u, bool keep_files);

#endif
