/* features/support/support.h: what the files of the kind share.
 *
 *     tables, pages ──read.c──► items ──build.c──► units ──retrieval──► version
 *     items, feedback ──learn.c──► cases ──┘                             │
 *     question ──answer.c──► known? ──► text, sources, suggestions ◄─────┘
 *
 * An item is one of
 *     {"type": "faq", "title", "questions": [text…], "answer", "language", "category"}
 *     {"type": "passage", "title", "text", "anchor", "page", "language"}
 * A unit is what an answer is: items with the same answer are one unit.  Its id is that of its first item.
 *
 * A version's folder:
 *     units.jsonl      {"id", "items": […], "type", "title", "answer", "language", "source", "line", "anchor", "page"} a line
 *     exact.bin        digests of all question forms, sorted, with their units: a question that the team wrote is known
 *     rank/            what ingot/ranker.h makes
 *     desk.json        threshold, counts
 */
#ifndef INGOT_FEATURES_SUPPORT_SUPPORT_H
#define INGOT_FEATURES_SUPPORT_SUPPORT_H

#include "ingot/features.h"

#define SUPPORT_QUESTION_BYTES_MAX 4000
#define SUPPORT_ANSWER_BYTES_MAX 60000
#define SUPPORT_FORMS_MAX 10000 /* questions of one answer that come in one source */

extern const ig_field support_sources[], support_settings[], support_request[], support_answer[], support_correction[];

/* kind.read, kind.examples, kind.learn */
ig_status support_read(const ig_source *source, const ig_tree *settings, ig_item_sink *sink, ig_error *err);
ig_status support_examples(const ig_item *item, const ig_tree *settings, ig_case_sink *sink, ig_error *err);
ig_status support_learn(const ig_said *said, size_t count, const ig_tree *settings, ig_case_sink *sink, ig_error *err);
/* "faq-" and 16 hex digits of what a text says, whatever its case and white space. */
void support_id(const char *prefix, const char *text, char out[IG_STORE_ID_SIZE]);
/* What a question says, whatever its order, endings and little words: the group that it is held out with. */
ig_status support_group(const char *question, char out[IG_STORE_ID_SIZE], ig_error *err);
/* "zh" when most letters are Han, else "en". */
const char *support_language(const char *text);

/* ---- words.c ------------------------------------------------------------------------------------------------------- */

typedef enum support_saying { SUPPORT_SAYS_UNKNOWN, SUPPORT_SAYS_PERSON, SUPPORT_SAYS_OTHER_LANGUAGE, SUPPORT_SAYS_COUNT } support_saying;
const char *support_says(support_saying what, const char *language);
/* What is said instead of an answer: the team's own words, else ours; and whether a person is offered. */
void support_unknown(const ig_tree *settings, const char *language, ig_buf *out);

#endif
