/* server/kind_fields.h: what kinds say of themselves, as options of a command and parts of a form need it. */
#ifndef INGOT_SERVER_KIND_FIELDS_H
#define INGOT_SERVER_KIND_FIELDS_H

#include "ingot/features.h"

const ig_field *kind_field(const ig_field *fields, const char *name); /* NULL: no such field */
/* The first required text, else the first text: what a question, an answer or a correction is when only one text is given. */
const ig_field *kind_text_field(const ig_field *fields);
/* Append "name": value for what was given as text: a number, true or false, JSON for lists and maps.  IG_E_ARG names the field. */
ig_status kind_put_text(ig_json *j, const ig_field *f, const char *text, ig_error *err);
/* Is content taken through this field (and no way to read it)? */
bool kind_is_source(const ig_field *f);
/* The source field for a file, a folder or an address that was given without one; NULL when the kind takes none. */
const ig_field *kind_source_for(const ig_kind *k, const char *path, bool is_folder);
/* Sources as the spec of a job has them: [{"field", "name", "path" or "url"}]; *out borrows both trees, and is freed with ig_free. */
ig_status kind_sources(const ig_tree *list, const ig_tree *options, ig_source **out, size_t *count, ig_error *err);
/* What the answer says, as plain text; NULL when it has no text. */
const char *kind_answer_text(const ig_kind *k, const ig_tree *answer);

#endif
