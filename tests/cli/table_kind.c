/* tests/cli/table_kind.c: the kinds of ingot_table, the program that the tests of the loop's verbs and routes drive: one tiny kind.
 *
 *     content     a table of two columns, "question,answer", or rows as JSON     a line without a comma is a bad row
 *     learned     corrections and likes: question → text; they go before the table
 *     version     FOLDER/table.json: {"rows": [{"question", "text", "item"}], "learned": [{"question", "text"}]}
 *
 * A question that begins with "write" is written by the chat model, when there is one.
 */
#include <string.h>

#include "cli/kinds.h"
#include "ingot/limits.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

static const ig_field source_fields[] = {
    {.name = "table", .type = IG_FIELD_FILES, .label = {"Table", "表格"}, .help = {"a table of question and answer", "问题与回答的表格"}, .choices = "csv|/"},
    {.name = "rows", .type = IG_FIELD_LIST, .label = {"Rows", "行"}, .help = {"rows as JSON", "JSON 格式的行"}},
    {.name = "first_line", .type = IG_FIELD_INT, .label = {"First line", "首行"}, .help = {"line to begin with", "起始行"}, .min = 1, .max = 1000},
    {.name = NULL},
};
static const ig_field setting_fields[] = {
    {.name = "sign_off", .type = IG_FIELD_TEXT, .label = {"Sign-off", "落款"}, .help = {"written after each answer", "写在每个回答之后"}, .otherwise = "\"\""},
    {.name = "chat_model", .type = IG_FIELD_TEXT, .label = {"Chat model", "聊天模型"}, .help = {"model that writes", "用于写作的模型"}, .otherwise = "\"\""},
    {.name = "chat_url", .type = IG_FIELD_TEXT, .label = {"Chat address", "聊天地址"}, .help = {"where that model is", "该模型的地址"}, .otherwise = "\"\""},
    {.name = NULL},
};
static const ig_field request_fields[] = {
    {.name = "question", .type = IG_FIELD_TEXT, .label = {"Question", "问题"}, .help = {"what is asked", "所提的问题"}, .required = true, .min = 1, .max = 1000},
    {.name = NULL},
};
static const ig_field text_fields[] = {
    {.name = "text", .type = IG_FIELD_PROSE, .label = {"Answer", "回答"}, .help = {"the answer", "回答"}},
    {.name = NULL},
};
static const ig_metric metrics[] = {
    {.name = "accuracy", .label = {"accuracy", "准确率"}, .help = {"right answers", "正确回答的比例"}},
    {.name = NULL},
};

/* ---- content ------------------------------------------------------------------------------------------------------------- */

static void id_of(const char *question, size_t len, char id[24]) { snprintf(id, 24, "q-%016llx", (unsigned long long)ig_hash64(question, len, 0)); }

static ig_status put_item(ig_item_sink *sink, const char *q, size_t q_len, const char *a, size_t a_len, const char *file, int64_t line, ig_error *err) {
    char id[24];
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    id_of(q, q_len, id);
    ig_json_open(&j, '{');
    ig_json_key(&j, "title"), ig_json_text_n(&j, q, q_len);
    ig_json_key(&j, "text"), ig_json_text_n(&j, a, a_len);
    ig_json_close(&j, '}');
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) s = ig_item_put(sink, id, b.data, b.len, file, line, err);
    ig_buf_fini(&b);
    return s;
}

static ig_status read_rows(const ig_source *source, const char *text, size_t len, ig_item_sink *sink, ig_error *err) {
    ig_doc *d = NULL;
    int64_t line = 0;
    ig_status s = IG_OK;
    IG_TRY(ig_json_parse(source->name, text, len, &d, err));
    for (const ig_tree *v = ig_doc_root(d)->child; v && s == IG_OK; v = v->next) {
        const char *q = ig_tree_text(v, "question", NULL), *a = ig_tree_text(v, "text", NULL);
        line++;
        if (q && a) s = put_item(sink, q, strlen(q), a, strlen(a), source->name, line, err);
        else ig_item_bad(sink, source->name, line, "a row has question and text");
    }
    ig_doc_free(d);
    return s;
}

static ig_status read_table(const ig_source *source, const char *text, ig_item_sink *sink, ig_error *err) {
    int64_t line = 0, first = ig_tree_int(source->options, "first_line", 1);
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, "\n");
        const char *comma = memchr(at, ',', len);
        line++;
        if (line >= first && comma) IG_TRY(put_item(sink, at, (size_t)(comma - at), comma + 1, (size_t)(at + len - comma - 1), source->name, line, err));
        else if (line >= first && len) ig_item_bad(sink, source->name, line, "a row needs a comma between question and answer");
        at += len + (at[len] != 0);
    }
    return IG_OK;
}

static ig_status read_source(const ig_source *source, const ig_tree *settings, ig_item_sink *sink, ig_error *err) {
    ig_buf b = {.max = FILE_BYTES_MAX};
    (void)settings;
    if (source->url) return ig_error_set(err, IG_E_UNSUPPORTED, "no addresses");
    if (source->text) return read_rows(source, source->text, source->len, sink, err);
    ig_status s = ig_file_read(source->path, FILE_BYTES_MAX, &b, err);
    bool rows = strcmp(source->field, "rows") == 0;
    if (s == IG_OK && rows) s = read_rows(source, b.data ? b.data : "", b.len, sink, err);
    if (s == IG_OK && !rows) s = read_table(source, b.data ? b.data : "", sink, err);
    ig_buf_fini(&b);
    return s;
}

/* ---- cases ------------------------------------------------------------------------------------------------------------------ */

static ig_status examples(const ig_item *item, const ig_tree *settings, ig_case_sink *sink, ig_error *err) {
    ig_doc *d = NULL;
    ig_buf request = {.max = 1 << 16}, expected = {.max = 1 << 16};
    ig_json r = {.out = &request}, e = {.out = &expected};
    (void)settings;
    IG_TRY(ig_json_parse("item", item->body, strlen(item->body), &d, err));
    ig_json_open(&r, '{'), ig_json_key(&r, "question"), ig_json_text(&r, ig_tree_text(ig_doc_root(d), "title", "")), ig_json_close(&r, '}');
    ig_json_open(&e, '{'), ig_json_key(&e, "item"), ig_json_text(&e, item->id), ig_json_close(&e, '}');
    ig_status s = ig_buf_status(&request, err);
    if (s == IG_OK) s = ig_buf_status(&expected, err);
    ig_case c = {.id = item->id, .group = item->id, .request = request.data, .expected = expected.data, .weight = 1, .origin = IG_CASE_CONTENT};
    if (s == IG_OK) s = ig_case_put(sink, &c, err);
    ig_buf_fini(&request);
    ig_buf_fini(&expected);
    ig_doc_free(d);
    return s;
}

static ig_status learn_one(const ig_said *said, ig_case_sink *sink, ig_error *err) {
    const ig_store_feedback *f = said->feedback;
    ig_doc *request = NULL;
    bool corrects = f && strcmp(f->type, "correction") == 0 && f->body && f->body[0];
    char group[24];
    if (!corrects) return IG_OK;
    IG_TRY(ig_json_parse("request", said->interaction->request, strlen(said->interaction->request), &request, err));
    const char *q = ig_tree_text(ig_doc_root(request), "question", "");
    id_of(q, strlen(q), group);
    ig_case c = {.id = f->id, .group = group, .request = said->interaction->request, .expected = f->body, .weight = said->weight,
                 .origin = f->staff ? IG_CASE_STAFF : IG_CASE_FEEDBACK, .confirmed = true};
    ig_status s = ig_case_put(sink, &c, err);
    ig_doc_free(request);
    return s;
}

static ig_status learn(const ig_said *said, size_t count, const ig_tree *settings, ig_case_sink *sink, ig_error *err) {
    (void)settings;
    for (size_t i = 0; i < count; i++) IG_TRY(learn_one(&said[i], sink, err));
    return IG_OK;
}

/* ---- a version ----------------------------------------------------------------------------------------------------------------- */

static ig_status put_rows(const ig_build *b, ig_json *j, ig_error *err) {
    ig_json_key(j, "rows"), ig_json_open(j, '[');
    for (size_t i = 0; i < b->item_count; i++) {
        ig_doc *d = NULL;
        IG_TRY(ig_json_parse("item", b->items[i].body, strlen(b->items[i].body), &d, err));
        ig_json_open(j, '{');
        ig_json_key(j, "question"), ig_json_text(j, ig_tree_text(ig_doc_root(d), "title", ""));
        ig_json_key(j, "text"), ig_json_text(j, ig_tree_text(ig_doc_root(d), "text", ""));
        ig_json_key(j, "item"), ig_json_text(j, b->items[i].id);
        ig_json_close(j, '}');
        ig_doc_free(d);
    }
    ig_json_close(j, ']');
    return IG_OK;
}

static ig_status put_case(const ig_case *c, ig_json *j, ig_error *err) {
    ig_doc *request = NULL, *expected = NULL;
    if (!c->expected) return IG_OK;
    ig_status s = ig_json_parse("case", c->request, strlen(c->request), &request, err);
    if (s == IG_OK) s = ig_json_parse("case", c->expected, strlen(c->expected), &expected, err);
    const char *text = s == IG_OK ? ig_tree_text(ig_doc_root(expected), "text", NULL) : NULL;
    if (text) {
        ig_json_open(j, '{');
        ig_json_key(j, "question"), ig_json_text(j, ig_tree_text(ig_doc_root(request), "question", ""));
        ig_json_key(j, "text"), ig_json_text(j, text);
        ig_json_close(j, '}');
    }
    ig_doc_free(request);
    ig_doc_free(expected);
    return s;
}

static ig_status put_learned(const ig_build *b, ig_json *j, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_doc *d = NULL;
    ig_status s = IG_OK;
    ig_json_key(j, "learned");
    if (b->mode == IG_BUILD_CONTENT && b->previous) {
        IG_TRY(ig_path_join(path, sizeof path, b->previous, "table.json", err));
        IG_TRY(ig_doc_load(path, 16 * FILE_BYTES_MAX, &d, err));
        ig_json_tree(j, ig_tree_get(ig_doc_root(d), "learned"));
        ig_doc_free(d);
        return IG_OK;
    }
    ig_json_open(j, '[');
    for (size_t i = 0; i < b->case_count && s == IG_OK; i++) s = put_case(&b->cases[i], j, err);
    ig_json_close(j, ']');
    return s;
}

static ig_status build(const ig_build *b, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf out = {.max = 16 * FILE_BYTES_MAX};
    ig_json j = {.out = &out};
    if (!b->progress(b->arg, "table", 0, 1, "")) return ig_error_set(err, IG_E_CANCELLED, "stopped");
    ig_json_open(&j, '{');
    ig_status s = put_rows(b, &j, err);
    if (s == IG_OK) s = put_learned(b, &j, err);
    ig_json_close(&j, '}');
    if (s == IG_OK) s = ig_buf_status(&out, err);
    if (s == IG_OK) s = ig_path_join(path, sizeof path, b->folder, "table.json", err);
    if (s == IG_OK) s = ig_file_write(path, out.data, out.len, err);
    ig_buf_fini(&out);
    return s;
}

typedef struct version {
    ig_doc *table;
    char sign_off[200];
} version;

static void close_version(void *arg) {
    version *v = arg;
    ig_doc_free(v->table);
    ig_free(v);
}

static ig_status open_version(ig_context *ctx, const char *folder, const ig_tree *settings, void **out, ig_error *err) {
    char path[IG_PATH_MAX];
    version *v = ig_calloc(1, sizeof *v);
    (void)ctx;
    if (!v) return ig_error_nomem(err, sizeof *v);
    snprintf(v->sign_off, sizeof v->sign_off, "%s", ig_tree_text(settings, "sign_off", ""));
    ig_status s = ig_path_join(path, sizeof path, folder, "table.json", err);
    if (s == IG_OK) s = ig_doc_load(path, 16 * FILE_BYTES_MAX, &v->table, err);
    if (s == IG_OK) *out = v;
    else close_version(v);
    return s;
}

/* ---- answers ---------------------------------------------------------------------------------------------------------------------- */

static const ig_tree *find(const version *v, const char *key, const char *question, const ig_ask *ask) {
    const ig_tree *list = ig_tree_get(ig_doc_root(v->table), key);
    for (const ig_tree *row = list ? list->child : NULL; row; row = row->next) {
        const char *item = ig_tree_text(row, "item", NULL);
        if (strcmp(ig_tree_text(row, "question", ""), question) != 0) continue;
        if (!item || !ask || !ask->withdrawn(ask->withdrawn_arg, item)) return row;
    }
    return NULL;
}

static const ig_tree *look_up(const version *v, const char *question, const ig_ask *ask) {
    const ig_tree *row = find(v, "learned", question, ask);
    return row ? row : find(v, "rows", question, ask);
}

typedef struct written {
    ig_buf text;
    const ig_ask *ask;
} written;

static bool on_written(void *arg, const char *text, size_t len) {
    written *w = arg;
    ig_buf_append(&w->text, text, len);
    return !w->ask->on_text || w->ask->on_text(w->ask->on_text_arg, text, len);
}

static ig_status write_answer(const ig_ask *ask, const char *question, written *w, ig_error *err) {
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    ig_json_open(&j, '['), ig_json_open(&j, '{');
    ig_json_key(&j, "role"), ig_json_text(&j, "user");
    ig_json_key(&j, "content"), ig_json_text(&j, question);
    ig_json_close(&j, '}'), ig_json_close(&j, ']');
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) s = ask->write(ask->write_arg, b.data, on_written, w, err);
    ig_buf_fini(&b);
    return s;
}

static void put_sources(ig_json *j, const ig_tree *row) {
    ig_json_key(j, "sources"), ig_json_open(j, '[');
    if (row && ig_tree_get(row, "item")) {
        ig_json_open(j, '{');
        ig_json_key(j, "item"), ig_json_text(j, ig_tree_text(row, "item", ""));
        ig_json_key(j, "title"), ig_json_text(j, ig_tree_text(row, "question", ""));
        ig_json_key(j, "score"), ig_json_real(j, 1);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

static ig_status answer(void *version_arg, const ig_ask *ask, ig_reply *reply, ig_error *err) {
    const version *v = version_arg;
    const char *question = ig_tree_text(ask->request, "question", "");
    const ig_tree *row = look_up(v, question, ask);
    written w = {.text = {.max = 1 << 20}, .ask = ask};
    ig_json j = {.out = reply->json};
    ig_status s = IG_OK;
    bool writes = ask->write && strncmp(question, "write", 5) == 0;
    if (writes) s = write_answer(ask, question, &w, err);
    else if (row) ig_buf_printf(&w.text, "%s%s", ig_tree_text(row, "text", ""), v->sign_off);
    if (s == IG_OK && row && !writes && ask->on_text) (void)ask->on_text(ask->on_text_arg, w.text.data, w.text.len);
    reply->outcome = row || writes ? IG_OUTCOME_ANSWERED : IG_OUTCOME_UNKNOWN;
    reply->confidence = row || writes ? 1 : 0;
    ig_json_open(&j, '{');
    ig_json_key(&j, "text"), ig_json_text_n(&j, w.text.data ? w.text.data : "", w.text.len);
    ig_json_key(&j, "earlier"), ig_json_int(&j, (int64_t)ask->earlier_count);
    put_sources(&j, row);
    ig_json_close(&j, '}');
    ig_buf_fini(&w.text);
    return s;
}

static ig_status explain(void *version_arg, const ig_ask *ask, const ig_tree *said, ig_buf *out, ig_error *err) {
    const ig_tree *row = look_up(version_arg, ig_tree_text(ask->request, "question", ""), ask);
    ig_json j = {.out = out};
    (void)said;
    ig_json_open(&j, '{');
    ig_json_key(&j, "matched"), ig_json_bool(&j, row != NULL);
    ig_json_key(&j, "learned"), ig_json_bool(&j, row && !ig_tree_get(row, "item"));
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

static ig_status judge_one(const version *v, const ig_case *c, ig_judgement *out, ig_error *err) {
    ig_doc *request = NULL, *expected = NULL;
    ig_status s = ig_json_parse("case", c->request, strlen(c->request), &request, err);
    if (s == IG_OK && c->expected) s = ig_json_parse("case", c->expected, strlen(c->expected), &expected, err);
    if (s == IG_OK) {
        const ig_tree *row = look_up(v, ig_tree_text(ig_doc_root(request), "question", ""), NULL), *e = expected ? ig_doc_root(expected) : NULL;
        const char *item = ig_tree_text(e, "item", NULL), *text = ig_tree_text(e, "text", NULL);
        out->right = row && ((item && strcmp(ig_tree_text(row, "item", ""), item) == 0) || (text && strcmp(ig_tree_text(row, "text", ""), text) == 0));
        out->value[0] = out->right;
        ig_buf b = {.max = 1 << 16};
        ig_json j = {.out = &b};
        ig_json_text(&j, row ? ig_tree_text(row, "text", "") : "");
        out->answer = ig_strdup(b.data ? b.data : "\"\"");
        ig_buf_fini(&b);
        if (!out->answer) s = ig_error_nomem(err, 1);
    }
    ig_doc_free(request);
    ig_doc_free(expected);
    return s;
}

static ig_status judge(void *version_arg, const ig_case *cases, size_t count, ig_judgement *out, ig_error *err) {
    for (size_t i = 0; i < count; i++) IG_TRY(judge_one(version_arg, &cases[i], &out[i], err));
    return IG_OK;
}

static const ig_kind table_kind = {
    .name = "table", .title = {"Table", "表格"}, .about = {"answers from a table of questions", "根据问题表格回答"},
    .source_fields = source_fields, .setting_fields = setting_fields, .request_fields = request_fields, .answer_fields = text_fields,
    .correction_fields = text_fields, .metrics = metrics,
    .read = read_source, .examples = examples, .learn = learn, .build = build, .open = open_version, .close = close_version,
    .answer = answer, .explain = explain, .judge = judge,
};
static const ig_kind *const kinds[] = {&table_kind, NULL};
const ig_kind *const *const cli_kinds = kinds;
