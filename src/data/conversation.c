/* data/conversation.c: the forms in which rows come, and what has to hold within each.
 *
 *     chat         {"messages": […], "tools": […]}                                         OpenAI's fine-tuning
 *                  {"prompt": TEXT or […], "completion": TEXT or […]}                      TRL's
 *     preference   {"prompt" or "messages": …, "chosen": TEXT, {…} or […], "rejected": …}  TRL's
 *                  {"chosen": […], "rejected": […]}                                        whole conversations
 *                  {"input": {"messages": […], "tools": […]}, "preferred_output": […], "non_preferred_output": […]}   OpenAI's
 */
#include <string.h>

#include "data/conversation.h"

/* ---- into one form ---- */

/* A text as one turn of a role, a message, or a list of messages: false for anything else. */
static bool put_turns(ig_json *j, const ig_tree *t, const char *role) {
    if (!t || t->type == IG_TREE_NULL) return false;
    if (t->type == IG_TREE_LIST) {
        for (const ig_tree *m = t->child; m; m = m->next) ig_json_tree(j, m);
    } else if (t->type == IG_TREE_MAP) {
        ig_json_tree(j, t);
    } else if (t->type == IG_TREE_TEXT) {
        ig_json_open(j, '{');
        ig_json_key(j, "role");
        ig_json_text(j, role);
        ig_json_key(j, "content");
        ig_json_text_n(j, t->text, t->text_len);
        ig_json_close(j, '}');
    } else return false;
    return true;
}

/* prompt (NULL: none) and answer as one conversation. */
static bool join(row_reader *r, const ig_tree *prompt, const ig_tree *answer, const ig_tree *tools, ig_doc **out) {
    ig_buf text = {.max = 2 * IG_EXAMPLE_BYTES_MAX};
    ig_json j = {.out = &text};
    ig_json_open(&j, '{');
    ig_json_key(&j, "messages");
    ig_json_open(&j, '[');
    bool fits = (!prompt || put_turns(&j, prompt, "user")) && (!answer || put_turns(&j, answer, "assistant"));
    ig_json_close(&j, ']');
    if (tools && tools->type != IG_TREE_NULL) {
        ig_json_key(&j, "tools");
        ig_json_tree(&j, tools);
    }
    ig_json_close(&j, '}');
    if (fits) r->status = ig_buf_status(&text, r->err);
    if (fits && r->status == IG_OK) r->status = ig_json_parse("messages", text.data, text.len, out, r->err);
    ig_buf_fini(&text);
    return fits ? r->status == IG_OK : row_problem(r, IG_PROBLEM_MESSAGES, "expected a text or a list of messages");
}

static bool needs_list(row_reader *r, const ig_tree *t, const char *name) {
    if (t->type != IG_TREE_LIST) return row_problem(r, IG_PROBLEM_MESSAGES, "%s is %s, must be a list", name, ig_tree_type_name(t->type));
    return t->count > 0 || row_problem(r, IG_PROBLEM_MESSAGES, "%s is empty", name);
}

bool conversation_of_chat(row_reader *r, const ig_tree *row, ig_doc **out) {
    const ig_tree *messages = ig_tree_get(row, "messages"), *prompt = ig_tree_get(row, "prompt"), *completion = ig_tree_get(row, "completion");
    const ig_tree *tools = ig_tree_get(row, "tools");
    if (messages) return needs_list(r, messages, "messages") && join(r, messages, NULL, tools, out);
    if (prompt && completion) return join(r, prompt, completion, tools, out);
    if (prompt || completion) return row_problem(r, IG_PROBLEM_FIELDS, "%s without %s", prompt ? "prompt" : "completion", prompt ? "completion" : "prompt");
    return row_problem(r, IG_PROBLEM_FIELDS, "needs messages, or prompt and completion");
}

static bool join_both(row_reader *r, const ig_tree *prompt, const ig_tree *good, const ig_tree *bad, const ig_tree *tools, ig_doc **chosen,
                      ig_doc **rejected) {
    return join(r, prompt, good, tools, chosen) && join(r, prompt, bad, tools, rejected);
}

static bool of_openai(row_reader *r, const ig_tree *input, const ig_tree *row, ig_doc **chosen, ig_doc **rejected) {
    const ig_tree *messages = ig_tree_get(input, "messages"), *good = ig_tree_get(row, "preferred_output"), *bad = ig_tree_get(row, "non_preferred_output");
    if (!messages) return row_problem(r, IG_PROBLEM_FIELDS, "input without messages");
    if (!good || !bad) return row_problem(r, IG_PROBLEM_FIELDS, "input without %s", good ? "non_preferred_output" : "preferred_output");
    return needs_list(r, messages, "input.messages") && join_both(r, messages, good, bad, ig_tree_get(input, "tools"), chosen, rejected);
}

bool conversation_of_preference(row_reader *r, const ig_tree *row, ig_doc **chosen, ig_doc **rejected) {
    const ig_tree *input = ig_tree_get(row, "input"), *prompt = ig_tree_get(row, "messages");
    const ig_tree *good = ig_tree_get(row, "chosen"), *bad = ig_tree_get(row, "rejected");
    if (input) return of_openai(r, input, row, chosen, rejected);
    if (!prompt) prompt = ig_tree_get(row, "prompt");
    if (!good || !bad) return row_problem(r, IG_PROBLEM_FIELDS, "lacks %s", good ? "rejected" : "chosen");
    bool whole = good->type == IG_TREE_LIST && bad->type == IG_TREE_LIST;
    if (!prompt && !whole) return row_problem(r, IG_PROBLEM_FIELDS, "needs prompt or messages beside chosen and rejected");
    return join_both(r, prompt, good, bad, ig_tree_get(row, "tools"), chosen, rejected);
}

/* ---- what has to hold ---- */

static bool one_of(const char *word, const char *const *list) {
    for (; *list; list++)
        if (strcmp(word, *list) == 0) return true;
    return false;
}

static bool is_blank(const ig_tree *t) { return t->text[strspn(t->text, " \t\r\n")] == '\0'; }

static bool check_tool_calls(row_reader *r, const ig_tree *calls, size_t i) {
    if (calls->type != IG_TREE_LIST || !calls->count) return row_problem(r, IG_PROBLEM_TOOLS, "messages[%zu].tool_calls must be a list that is not empty", i);
    for (const ig_tree *c = calls->child; c; c = c->next) {
        const ig_tree *name = ig_tree_path(c, "function.name");
        if (!name || name->type != IG_TREE_TEXT) return row_problem(r, IG_PROBLEM_TOOLS, "messages[%zu].tool_calls: a call without function.name", i);
    }
    return true;
}

/* Text; null or absent only where the assistant calls tools instead. */
static bool check_content(row_reader *r, const ig_tree *m, size_t i, bool calls) {
    const ig_tree *content = ig_tree_get(m, "content");
    if (!content || content->type == IG_TREE_NULL)
        return calls || row_problem(r, IG_PROBLEM_CONTENT, "messages[%zu] (%s) has none", i, ig_tree_text(m, "role", ""));
    if (content->type != IG_TREE_TEXT)
        return row_problem(r, IG_PROBLEM_CONTENT, "messages[%zu].content is %s, must be text", i, ig_tree_type_name(content->type));
    if (strlen(content->text) != content->text_len) return row_problem(r, IG_PROBLEM_CONTENT, "messages[%zu].content has a character with the number 0", i);
    return calls || !is_blank(content) || row_problem(r, IG_PROBLEM_EMPTY, "messages[%zu] (%s)", i, ig_tree_text(m, "role", ""));
}

static bool check_message(row_reader *r, const ig_tree *m, size_t i) {
    static const char *const roles[] = {"system", "developer", "user", "assistant", "tool", NULL};
    const ig_tree *role = ig_tree_get(m, "role"), *weight = ig_tree_get(m, "weight"), *calls = ig_tree_get(m, "tool_calls");
    if (m->type != IG_TREE_MAP) return row_problem(r, IG_PROBLEM_MESSAGES, "messages[%zu] is %s, must be a map", i, ig_tree_type_name(m->type));
    if (!role || role->type != IG_TREE_TEXT) return row_problem(r, IG_PROBLEM_ROLE, "messages[%zu] has none", i);
    if (!one_of(role->text, roles)) return row_problem(r, IG_PROBLEM_ROLE, "messages[%zu].role: \"%.40s\"; known are system, developer, user, assistant, tool", i, role->text);
    if (calls && calls->type == IG_TREE_NULL) calls = NULL;
    bool assistant = strcmp(role->text, "assistant") == 0;
    if (weight && (weight->type != IG_TREE_INT || weight->integer < 0 || weight->integer > 1)) return row_problem(r, IG_PROBLEM_WEIGHT, "messages[%zu].weight", i);
    if (weight && !assistant) return row_problem(r, IG_PROBLEM_WEIGHT, "messages[%zu] (%s): only the assistant's messages have one", i, role->text);
    if (calls && !assistant) return row_problem(r, IG_PROBLEM_TOOLS, "messages[%zu] (%s): only the assistant calls tools", i, role->text);
    if (calls && !check_tool_calls(r, calls, i)) return false;
    return check_content(r, m, i, calls != NULL);
}

static bool follows_a_call(const ig_tree *previous) {
    const char *role = previous ? ig_tree_text(previous, "role", "") : "";
    const ig_tree *calls = ig_tree_get(previous, "tool_calls");
    return strcmp(role, "tool") == 0 || (strcmp(role, "assistant") == 0 && calls && calls->type == IG_TREE_LIST);
}

/* What may stand behind what; `asked` is whether a user has spoken yet. */
static bool check_place(row_reader *r, const ig_tree *m, const ig_tree *previous, size_t i, bool asked) {
    const char *role = ig_tree_text(m, "role", "");
    if ((strcmp(role, "system") == 0 || strcmp(role, "developer") == 0) && i > 0)
        return row_problem(r, IG_PROBLEM_ORDER, "messages[%zu] (%s) must be the first", i, role);
    if (strcmp(role, "assistant") == 0 && !asked) return row_problem(r, IG_PROBLEM_ORDER, "messages[%zu] (assistant) stands before any of a user", i);
    if (strcmp(role, "tool") == 0 && !follows_a_call(previous)) return row_problem(r, IG_PROBLEM_ORDER, "messages[%zu] (tool) answers no call", i);
    return true;
}

bool conversation_check(row_reader *r, const ig_tree *conversation) {
    const ig_tree *previous = NULL, *tools = ig_tree_get(conversation, "tools");
    bool asked = false, answered = false;
    size_t i = 0;
    for (const ig_tree *m = ig_tree_get(conversation, "messages")->child; m; previous = m, m = m->next, i++) {
        if (!check_message(r, m, i) || !check_place(r, m, previous, i, asked)) return false;
        const char *role = ig_tree_text(m, "role", "");
        asked |= strcmp(role, "user") == 0;
        answered |= strcmp(role, "assistant") == 0 && ig_tree_int(m, "weight", 1) == 1;
    }
    if (tools && tools->type != IG_TREE_LIST) return row_problem(r, IG_PROBLEM_TOOLS, "tools is %s, must be a list", ig_tree_type_name(tools->type));
    if (!answered) return row_problem(r, IG_PROBLEM_NO_ANSWER, "no message has the role assistant%s", asked ? " and a weight other than 0" : "");
    bool last = strcmp(ig_tree_text(previous, "role", ""), "assistant") == 0;
    return last || row_problem(r, IG_PROBLEM_ORDER, "the last message is of the role %s, must be assistant", ig_tree_text(previous, "role", ""));
}
