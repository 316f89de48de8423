/* data/table_columns.c: which column holds the questions and which the answers, by their names in English and Chinese.
 *
 * Names are compared without case, spaces, '_' and '-'.  The lists are in order of trust: with columns "title" and "question" the
 * second is the question, whatever comes first in the table.
 */
#include <string.h>

#include "data/table.h"

#define NAMES_MAX 24
#define FOLDED_MAX 128

static const struct {
    const char *name;
    const char *known[NAMES_MAX]; /* folded */
} roles[IG_ROLE_COUNT] = {
    [IG_ROLE_QUESTION] = {"question", {"question", "questions", "questiontext", "faqquestion", "query", "ask", "instruction", "prompt",
                                       "utterance", "userquestion", "customerquestion", "q", "问题", "提问", "用户问题", "问题内容", "标准问题",
                                       "标准问", "问句", "询问", "问", "問題", "提問"}},
    [IG_ROLE_TITLE] = {"title", {"title", "subject", "heading", "headline", "summary", "问题标题", "标题", "主题", "題目", "题目", "標題", "主題"}},
    [IG_ROLE_ANSWER] = {"answer", {"answer", "answers", "answertext", "faqanswer", "reply", "response", "solution", "resolution", "body",
                                   "content", "a", "答案", "回答", "回复", "答复", "解答", "回答内容", "标准答案", "答", "解决方案", "内容",
                                   "回覆", "答覆"}},
    [IG_ROLE_LANGUAGE] = {"language", {"language", "lang", "locale", "languagecode", "语言", "语种", "語言"}},
    [IG_ROLE_CATEGORY] = {"category", {"category", "class", "topic", "intent", "label", "tag", "tags", "group", "section", "type", "分类", "类别",
                                       "类型", "主题分类", "标签", "意图", "類別", "分類"}},
};

const char *ig_table_role_name(ig_table_role r) {
    return (unsigned)r < IG_ROLE_COUNT ? roles[r].name : "";
}

/* Folded name; longer ones are cut, which no known name is. */
static void fold(const char *name, char out[FOLDED_MAX]) {
    size_t n = 0;
    for (; *name && n < FOLDED_MAX - 1; name++) {
        if (strchr(" \t_-", *name)) continue;
        out[n++] = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
    }
    out[n] = '\0';
}

static int find_column(const ig_table *t, const char *folded) {
    char name[FOLDED_MAX];
    for (size_t i = 0; i < t->columns; i++) {
        fold(t->names[i], name);
        if (strcmp(name, folded) == 0) return (int)i;
    }
    return -1;
}

static int find_role(const ig_table *t, ig_table_role r) {
    for (int i = 0; i < NAMES_MAX && roles[r].known[i]; i++) {
        int column = find_column(t, roles[r].known[i]);
        if (column >= 0) return column;
    }
    return -1;
}

static ig_status fail_columns(const ig_table *t, const char *what, ig_error *err) {
    char list[480] = "";
    size_t n = 0;
    for (size_t i = 0; i < t->columns && n + 60 < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s\"%.40s\"", i ? ", " : "", t->names[i]);
    return ig_error_at(err, IG_E_NOT_FOUND, t->file, 1, "%s; the table has %zu: %s. Name the columns of questions and answers", what, t->columns, list);
}

static ig_status find_given(const ig_table *t, const char *given, int *out, ig_error *err) {
    char folded[FOLDED_MAX], what[160];
    for (size_t i = 0; i < t->columns; i++)
        if (strcmp(t->names[i], given) == 0) {
            *out = (int)i;
            return IG_OK;
        }
    fold(given, folded);
    *out = find_column(t, folded);
    if (*out >= 0) return IG_OK;
    snprintf(what, sizeof what, "no column is named \"%.100s\"", given);
    return fail_columns(t, what, err);
}

/* A column has one role: the first of the list that claims it. */
static void drop_repeated(ig_table_columns *c) {
    for (int r = 1; r < IG_ROLE_COUNT; r++)
        for (int s = 0; s < r; s++)
            if (c->of[r] == c->of[s]) c->of[r] = -1;
}

ig_status ig_table_find_columns(const ig_table *t, const char *const given[IG_ROLE_COUNT], ig_table_columns *out, ig_error *err) {
    for (int r = 0; r < IG_ROLE_COUNT; r++) {
        if (given && given[r]) IG_TRY(find_given(t, given[r], &out->of[r], err));
        else out->of[r] = find_role(t, (ig_table_role)r);
    }
    drop_repeated(out);
    bool question = out->of[IG_ROLE_QUESTION] >= 0 || out->of[IG_ROLE_TITLE] >= 0, answer = out->of[IG_ROLE_ANSWER] >= 0;
    if (question && answer) return IG_OK;
    return fail_columns(t, question ? "no column of answers was found" : answer ? "no column of questions was found" :
                        "neither a column of questions nor one of answers was found", err);
}

const char *ig_table_value(const ig_table_columns *c, const ig_table_row *row, ig_table_role role) {
    int column = (unsigned)role < IG_ROLE_COUNT ? c->of[role] : -1;
    const char *value = column >= 0 && (size_t)column < row->count ? row->values[column] : "";
    if (role == IG_ROLE_QUESTION && !value[strspn(value, " \t\r\n")]) return ig_table_value(c, row, IG_ROLE_TITLE);
    return value;
}
