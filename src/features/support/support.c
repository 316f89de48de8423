/* features/support/support.c: the kind: a support desk.  See support.h for how it is made, docs/support.md for how good it is. */
#include "features/support/support.h"

#include <stdlib.h>
#include <string.h>

#include "features/list.h"
#include "features/support/desk.h"
#include "ingot/analyze.h"

#define GROUP_TERMS_MAX 64

static const ig_metric metrics[] = {
    {"accuracy", {"Right answer first", "首位答案正确"}, {"share of questions whose right answer comes first", "正确答案排在首位的问题比例"}, false},
    {"recall_3", {"Right answer among three", "前三包含正确答案"},
     {"share of questions whose right answer is among the first three", "正确答案位列前三的问题比例"}, false},
    {"answered", {"Answered", "已作答"}, {"share of questions that the desk is sure enough to answer", "确信度足以作答的问题比例"}, false},
    {"wrong", {"Answered wrongly", "答错"}, {"share of questions that were answered wrongly", "作答但答错的问题比例"}, true},
    {NULL},
};

static int compare_words(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static ig_status group_of_terms(const ig_term *terms, size_t count, ig_buf *key, ig_error *err) {
    const char *word[GROUP_TERMS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < count && n < GROUP_TERMS_MAX; i++)
        if (terms[i].len > 2 || terms[i].kind == IG_TERM_NUMBER) word[n++] = terms[i].text;
    qsort(word, n, sizeof *word, compare_words);
    for (size_t i = 0; i < n; i++)
        if (!i || strcmp(word[i], word[i - 1])) ig_buf_printf(key, "%s ", word[i]);
    return ig_buf_status(key, err);
}

ig_status support_group(const char *question, char out[IG_STORE_ID_SIZE], ig_error *err) {
    ig_analyzer *a = NULL;
    const ig_term *terms;
    size_t count;
    ig_buf key = {.max = IG_STORE_TEXT_MAX};
    IG_TRY(ig_analyzer_new(&(ig_analyze_opts){.flags = IG_TERM_WORD | IG_TERM_CHINESE | IG_TERM_NUMBER}, &a, err));
    ig_status s = ig_analyze(a, question, strlen(question), &terms, &count, err);
    if (s == IG_OK) s = group_of_terms(terms, count, &key, err);
    if (s == IG_OK) support_id("grp", key.len ? key.data : question, out);
    ig_buf_fini(&key);
    ig_analyzer_free(a);
    return s;
}

const ig_kind ig_kind_support = {
    .name = "support",
    .title = {"Support desk", "客服台"},
    .about = {"answers your customers' questions from your own questions and answers and help pages, says when it does not know, and learns "
              "from thumbs and corrections",
              "根据您自己的问答和帮助页面回答客户问题，不知道时如实告知，并从点赞、点踩和更正中学习"},
    .source_fields = support_sources, .setting_fields = support_settings, .request_fields = support_request,
    .answer_fields = support_answer, .correction_fields = support_correction, .metrics = metrics,
    .read = support_read, .examples = support_examples, .learn = support_learn,
    .build = desk_build, .open = desk_open, .close = desk_close, .answer = desk_answer, .explain = desk_explain, .judge = desk_judge,
};
