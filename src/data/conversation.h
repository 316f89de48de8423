/* data/conversation.h: rows of JSONL as conversations of one form, whatever form they came in. */
#ifndef INGOT_DATA_CONVERSATION_H
#define INGOT_DATA_CONVERSATION_H

#include "ingot/examples.h"

/* A row being read: where it stands, and whom to tell. */
typedef struct row_reader {
    ig_problems *problems;
    int file;
    int64_t line;
    ig_status status;  /* a failure of memory; IG_OK otherwise */
    ig_error *err;
} row_reader;

/* Note a problem of the row; returns false, so that checks read `return row_problem(…)`. */
bool row_problem(row_reader *r, ig_problem_kind kind, const char *fmt, ...) IG_PRINTF(3, 4);

/* {"messages": […], "tools": […]} of a row; *rejected only for preferences.  false: a problem was noted, or r->status is
 * set.  Both are the caller's. */
bool conversation_of_chat(row_reader *r, const ig_tree *row, ig_doc **out);
bool conversation_of_preference(row_reader *r, const ig_tree *row, ig_doc **chosen, ig_doc **rejected);
/* What has to hold within a conversation: roles, content, order, weights, an answer. */
bool conversation_check(row_reader *r, const ig_tree *conversation);

#endif
