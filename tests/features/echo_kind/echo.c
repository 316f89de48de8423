/* tests/features/echo_kind/echo.c: see echo.h.  A version is one file, table.txt, of lines "topic TAB answer". */
#include "echo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TOPICS_MAX = 256, WORD = 64 };

typedef struct vote {
    char topic[WORD], answer[WORD];
    double weight;
} vote;

typedef struct table {
    vote row[TOPICS_MAX];
    size_t count;
} table;

static const ig_field source_fields[] = {{.name = "table", .type = IG_FIELD_FILES}, {0}};
static const ig_field setting_fields[] = {
    {.name = "loud", .type = IG_FIELD_BOOL, .otherwise = "false"},
    {.name = "slow_ms", .type = IG_FIELD_INT, .min = 0, .max = 60000, .otherwise = "0"},
    {.name = "refuse", .type = IG_FIELD_BOOL, .otherwise = "false", .help = {"building fails", "构建失败"}},
    {0}};
static const ig_field request_fields[] = {
    {.name = "question", .type = IG_FIELD_TEXT, .required = true, .min = 1, .max = 200, .label = {"Question", "问题"}}, {0}};
static const ig_field answer_fields[] = {{.name = "text", .type = IG_FIELD_TEXT}, {0}};
static const ig_field correction_fields[] = {{.name = "answer", .type = IG_FIELD_TEXT, .required = true}, {0}};
static const ig_metric metrics[] = {{.name = "accuracy", .label = {"Accuracy", "准确率"}}, {0}};

static void topic_of(const char *question, char out[WORD]) {
    size_t n = strcspn(question, " ");
    snprintf(out, WORD, "%.*s", (int)(n < WORD ? n : WORD - 1), question);
}

/* The list [{"q", "a"}…] of a file or of the text itself. */
static ig_status echo_read(const ig_source *source, const ig_tree *settings, ig_item_sink *sink, ig_error *err) {
    ig_doc *d = NULL;
    (void)settings;
    ig_status s =
        source->path ? ig_doc_load(source->path, 1 << 20, &d, err) : ig_json_parse("items", source->text, source->len, &d, err);
    if (s != IG_OK) return s;
    for (const ig_tree *t = ig_doc_root(d)->child; t && s == IG_OK; t = t->next) {
        char topic[WORD];
        const char *q = ig_tree_text(t, "q", ""), *a = ig_tree_text(t, "a", "");
        if (!*q || !*a) {
            ig_item_bad(sink, source->name, t->line, "has no question or no answer");
            continue;
        }
        ig_buf b = {.max = 4096};
        ig_json j = {.out = &b};
        topic_of(q, topic);
        ig_json_open(&j, '{');
        ig_json_key(&j, "title");
        ig_json_text(&j, q);
        ig_json_key(&j, "answer");
        ig_json_text(&j, a);
        ig_json_close(&j, '}');
        s = ig_buf_status(&b, err);
        if (s == IG_OK) s = ig_item_put(sink, topic, b.data, b.len, source->name, t->line, err);
        ig_buf_fini(&b);
    }
    ig_doc_free(d);
    return s;
}

static ig_status put_case(ig_case_sink *sink, const char *id, const char *question, const char *answer, double weight,
                          ig_case_origin origin, bool confirmed, ig_error *err) {
    char request[512], expected[256];
    snprintf(request, sizeof request, "{\"question\":\"%s\"}", question);
    snprintf(expected, sizeof expected, "{\"answer\":\"%s\"}", answer);
    return ig_case_put(sink, &(ig_case){id, question, request, expected, weight, origin, confirmed}, err);
}

static ig_status echo_examples(const ig_item *item, const ig_tree *settings, ig_case_sink *sink, ig_error *err) {
    ig_doc *d = NULL;
    (void)settings;
    IG_TRY(ig_json_parse("item", item->body, strlen(item->body), &d, err));
    const ig_tree *t = ig_doc_root(d);
    ig_status s =
        put_case(sink, item->id, ig_tree_text(t, "title", ""), ig_tree_text(t, "answer", ""), 1, IG_CASE_CONTENT, false, err);
    ig_doc_free(d);
    return s;
}

static ig_status learn_one(const ig_said *said, ig_case_sink *sink, ig_error *err) {
    ig_doc *q = NULL, *a = NULL;
    const ig_store_feedback *f = said->feedback;
    if (!f || strcmp(f->type, "correction") != 0) return IG_OK;
    ig_status s = ig_json_parse("request", said->interaction->request, strlen(said->interaction->request), &q, err);
    if (s == IG_OK) s = ig_json_parse("body", f->body, strlen(f->body), &a, err);
    if (s == IG_OK)
        s = put_case(sink, f->id, ig_tree_text(ig_doc_root(q), "question", ""), ig_tree_text(ig_doc_root(a), "answer", ""),
                     said->weight, f->staff ? IG_CASE_STAFF : IG_CASE_FEEDBACK, f->staff, err);
    ig_doc_free(q);
    ig_doc_free(a);
    return s;
}

static ig_status echo_learn(const ig_said *said, size_t count, const ig_tree *settings, ig_case_sink *sink, ig_error *err) {
    (void)settings;
    for (size_t i = 0; i < count; i++) IG_TRY(learn_one(&said[i], sink, err));
    return IG_OK;
}

static ig_status add_vote(table *t, const ig_case *c, ig_error *err) {
    ig_doc *q = NULL, *a = NULL;
    vote v = {.weight = c->weight};
    ig_status s = ig_json_parse("request", c->request, strlen(c->request), &q, err);
    if (s == IG_OK) s = ig_json_parse("expected", c->expected, strlen(c->expected), &a, err);
    if (s == IG_OK) {
        topic_of(ig_tree_text(ig_doc_root(q), "question", ""), v.topic);
        snprintf(v.answer, sizeof v.answer, "%s", ig_tree_text(ig_doc_root(a), "answer", ""));
        size_t i = 0;
        while (i < t->count && (strcmp(t->row[i].topic, v.topic) || strcmp(t->row[i].answer, v.answer))) i++;
        if (i < t->count) {
            t->row[i].weight += v.weight;
        } else if (i < TOPICS_MAX) {
            t->row[t->count++] = v;
        }
    }
    ig_doc_free(q);
    ig_doc_free(a);
    return s;
}

static const vote *best(const table *t, const char *topic) {
    const vote *found = NULL;
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->row[i].topic, topic) == 0 && (!found || t->row[i].weight > found->weight)) found = &t->row[i];
    return found;
}

static ig_status wait_slowly(const ig_build *b, ig_error *err) {
    int64_t ms = ig_tree_int(b->settings, "slow_ms", 0);
    for (int64_t i = 0; i < ms; i += 5) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        if (!b->progress(b->arg, "build", (double)i, (double)ms, "")) return ig_error_set(err, IG_E_CANCELLED, "stopped");
    }
    return IG_OK;
}

static ig_status echo_build(const ig_build *b, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf text = {.max = 1 << 20};
    if (ig_tree_bool(b->settings, "refuse", false)) return ig_error_set(err, IG_E_NUMERIC, "refused as asked");
    table *t = ig_calloc(1, sizeof *t);
    if (!t) return ig_error_nomem(err, sizeof *t);
    ig_status s = wait_slowly(b, err);
    for (size_t i = 0; i < b->case_count && s == IG_OK; i++) s = add_vote(t, &b->cases[i], err);
    for (size_t i = 0; i < t->count; i++)
        if (best(t, t->row[i].topic) == &t->row[i]) ig_buf_printf(&text, "%s\t%s\n", t->row[i].topic, t->row[i].answer);
    if (s == IG_OK) s = ig_buf_status(&text, err);
    if (s == IG_OK) s = ig_path_join(path, sizeof path, b->folder, "table.txt", err);
    if (s == IG_OK) s = ig_file_write(path, text.data ? text.data : "", text.len, err);
    ig_buf_fini(&text);
    ig_free(t);
    return s;
}

static ig_status echo_open(ig_context *ctx, const char *folder, const ig_tree *settings, void **out, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf b = {.max = 1 << 20};
    (void)ctx;
    IG_TRY(ig_path_join(path, sizeof path, folder, "table.txt", err));
    ig_status s = ig_file_read(path, 1 << 20, &b, err);
    table *t = s == IG_OK ? ig_calloc(1, sizeof *t) : NULL;
    if (s == IG_OK && !t) s = ig_error_nomem(err, sizeof *t);
    for (char *p = b.data; t && p && *p && t->count < TOPICS_MAX; p += strcspn(p, "\n") + 1)
        t->count += sscanf(p, "%63[^\t]\t%63[^\n]", t->row[t->count].topic, t->row[t->count].answer) == 2;
    if (t) t->row[TOPICS_MAX - 1].weight = ig_tree_bool(settings, "loud", false);
    ig_buf_fini(&b);
    *out = t;
    return s;
}

static void echo_close(void *version) {
    ig_free(version);
}

static ig_status echo_answer(void *version, const ig_ask *ask, ig_reply *reply, ig_error *err) {
    char topic[WORD];
    const table *t = version;
    topic_of(ig_tree_text(ask->request, "question", ""), topic);
    const vote *v = ask->withdrawn(ask->withdrawn_arg, topic) ? NULL : best(t, topic);
    reply->outcome = v ? IG_OUTCOME_ANSWERED : IG_OUTCOME_UNKNOWN;
    reply->confidence = v ? 0.9 : 0;
    ig_buf_printf(reply->json, "{\"text\":\"%s%s\",\"earlier\":%zu}", v ? v->answer : "",
                  t->row[TOPICS_MAX - 1].weight ? "!" : "", ask->earlier_count);
    return ig_buf_status(reply->json, err);
}

static ig_status echo_explain(void *version, const ig_ask *ask, const ig_tree *answer, ig_buf *out, ig_error *err) {
    char topic[WORD];
    (void)version, (void)answer;
    topic_of(ig_tree_text(ask->request, "question", ""), topic);
    ig_buf_printf(out, "{\"topic\":\"%s\"}", topic);
    return ig_buf_status(out, err);
}

static ig_status judge_one(const table *t, const ig_case *c, ig_judgement *out, ig_error *err) {
    ig_doc *q = NULL;
    char topic[WORD], answer[WORD + 32];
    IG_TRY(ig_json_parse("request", c->request, strlen(c->request), &q, err));
    topic_of(ig_tree_text(ig_doc_root(q), "question", ""), topic);
    ig_doc_free(q);
    const vote *v = best(t, topic);
    snprintf(answer, sizeof answer, "{\"answer\":\"%s\"}", v ? v->answer : "");
    out->right = strcmp(answer, c->expected) == 0;
    out->value[0] = out->right;
    out->answer = ig_strdup(answer);
    return out->answer ? IG_OK : ig_error_nomem(err, sizeof answer);
}

static ig_status echo_judge(void *version, const ig_case *cases, size_t count, ig_judgement *out, ig_error *err) {
    for (size_t i = 0; i < count; i++) IG_TRY(judge_one(version, &cases[i], &out[i], err));
    return IG_OK;
}

const ig_kind echo_kind = {
    .name = "echo",
    .title = {"Echo", "回声"},
    .about = {"A table of topics", "主题表"},
    .source_fields = source_fields,
    .setting_fields = setting_fields,
    .request_fields = request_fields,
    .answer_fields = answer_fields,
    .correction_fields = correction_fields,
    .metrics = metrics,
    .read = echo_read,
    .examples = echo_examples,
    .learn = echo_learn,
    .build = echo_build,
    .open = echo_open,
    .close = echo_close,
    .answer = echo_answer,
    .explain = echo_explain,
    .judge = echo_judge,
};
