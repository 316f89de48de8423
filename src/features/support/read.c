/* features/support/read.c: tables and pages as items.
 *
 * Rows of a table with the same answer and language are one item: its questions are the forms of one question.  The item's id
 * comes from its first question (or from an `id` column), so that a table with a corrected answer changes the item.  A page's
 * passage is named by file, heading and its number under that heading.
 */
#include <string.h>
#include <strings.h>

#include "features/support/support.h"
#include "ingot/documents.h"

void support_id(const char *prefix, const char *text, char out[IG_STORE_ID_SIZE]) {
    ig_buf b = {.max = SUPPORT_ANSWER_BYTES_MAX + 16};
    bool space = true;
    for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
        bool white = *s <= ' ';
        if (white && space) continue;
        ig_buf_putc(&b, white ? ' ' : *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : (char)*s);
        space = white;
    }
    while (b.len && b.data[b.len - 1] == ' ') b.len--;
    char hex[65];
    ig_sha256_hex(b.data ? b.data : "", b.len, hex);
    snprintf(out, IG_STORE_ID_SIZE, "%s-%.16s", prefix, hex);
    ig_buf_fini(&b);
}

const char *support_language(const char *text) {
    size_t han = 0, other = 0, len = strlen(text);
    for (size_t at = 0, n; at < len; at += n) {
        uint32_t cp = 0;
        n = ig_utf8_decode(text + at, len - at, &cp);
        if (!n) n = 1;
        else if (cp >= 0x3400 && cp <= 0x9fff) han++;
        else if ((cp | 32) >= 'a' && (cp | 32) <= 'z') other++;
    }
    return 4 * han >= other && han ? "zh" : "en"; /* a Han character says about as much as four letters */
}

/* ---- a table's rows, joined by answer ---------------------------------------------------------------------------- */

typedef struct group {
    char *id, *answer, *language, *category;
    char **form;
    size_t forms, cap;
    int64_t line;
} group;

typedef struct table_reading {
    ig_item_sink *sink;
    const char *file;
    ig_table_columns columns;
    int id_column;
    group *group;
    size_t count, cap;
    uint32_t *slot;             /* open addressing over answers: number of the group + 1 */
    size_t slots;
} table_reading;

static void table_reading_fini(table_reading *r) {
    for (size_t i = 0; i < r->count; i++) {
        group *g = &r->group[i];
        for (size_t k = 0; k < g->forms; k++) ig_free(g->form[k]);
        ig_free(g->form), ig_free(g->id), ig_free(g->answer), ig_free(g->language), ig_free(g->category);
    }
    ig_free(r->group);
    ig_free(r->slot);
}

static size_t slot_of(const table_reading *r, const char *answer, const char *language) {
    size_t at = ig_hash64(answer, strlen(answer), (uint64_t)(unsigned char)language[0]) & (r->slots - 1);
    while (r->slot[at]) {
        const group *g = &r->group[r->slot[at] - 1];
        if (!strcmp(g->answer, answer) && !strcmp(g->language, language)) break;
        at = (at + 1) & (r->slots - 1);
    }
    return at;
}

static ig_status grow(table_reading *r, ig_error *err) {
    if (r->count < r->cap) return IG_OK;
    size_t cap = r->cap ? 2 * r->cap : 256;
    group *g = ig_realloc_array(r->group, cap, sizeof *g);
    if (!g) return ig_error_nomem(err, cap * sizeof *g);
    r->group = g;
    uint32_t *slot = ig_calloc(4 * cap, sizeof *slot);
    if (!slot) return ig_error_nomem(err, 4 * cap * sizeof *slot);
    ig_free(r->slot);
    r->slot = slot, r->slots = 4 * cap, r->cap = cap;
    for (size_t i = 0; i < r->count; i++) r->slot[slot_of(r, r->group[i].answer, r->group[i].language)] = (uint32_t)i + 1;
    return IG_OK;
}

static ig_status new_group(table_reading *r, const char *id, const char *answer, const char *language, const char *category,
                           int64_t line, ig_error *err) {
    group g = {.id = ig_strdup(id), .answer = ig_strdup(answer), .language = ig_strdup(language), .category = ig_strdup(category),
               .line = line};
    if (!g.id || !g.answer || !g.language || !g.category) {
        ig_free(g.id), ig_free(g.answer), ig_free(g.language), ig_free(g.category);
        return ig_error_nomem(err, strlen(answer));
    }
    r->group[r->count++] = g;
    return IG_OK;
}

/* False when the group has this question already. */
static ig_status add_form(group *g, const char *question, bool *added, ig_error *err) {
    *added = false;
    for (size_t i = 0; i < g->forms; i++)
        if (!strcasecmp(g->form[i], question)) return IG_OK;
    if (g->forms == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : 4;
        char **form = ig_realloc_array(g->form, cap, sizeof *form);
        if (!form) return ig_error_nomem(err, cap * sizeof *form);
        g->form = form, g->cap = cap;
    }
    g->form[g->forms] = ig_strdup(question);
    if (!g->form[g->forms]) return ig_error_nomem(err, strlen(question));
    g->forms++;
    *added = true;
    return IG_OK;
}

static bool is_blank(const char *s) {
    return s[strspn(s, " \t\r\n")] == '\0';
}

static const char *language_of(const char *given, const char *answer) {
    if (!strncasecmp(given, "zh", 2) || !strncasecmp(given, "ch", 2) || !strcmp(given, "中文")) return "zh";
    if (!strncasecmp(given, "en", 2)) return "en";
    return support_language(answer);
}

/* NULL, or why a row cannot be taken. */
static const char *row_problem(const char *question, const char *answer) {
    if (is_blank(question)) return "no question in this row";
    if (is_blank(answer)) return "no answer in this row";
    if (strlen(question) > SUPPORT_QUESTION_BYTES_MAX) return "the question is longer than 4,000 bytes";
    if (strlen(answer) > SUPPORT_ANSWER_BYTES_MAX) return "the answer is longer than 60,000 bytes";
    return NULL;
}

static ig_status take_pair(table_reading *r, const char *id, const char *question, const char *answer, const char *given_language,
                           const char *category, int64_t line, ig_error *err) {
    const char *problem = row_problem(question, answer), *language = language_of(given_language, answer);
    char made[IG_STORE_ID_SIZE];
    bool added;
    if (problem) {
        ig_item_bad(r->sink, r->file, line, "%s", problem);
        return IG_OK;
    }
    IG_TRY(grow(r, err));
    size_t at = slot_of(r, answer, language);
    if (!r->slot[at]) {
        support_id("faq", question, made);
        IG_TRY(new_group(r, is_blank(id) ? made : id, answer, language, category, line, err));
        r->slot[at] = (uint32_t)r->count;
    }
    group *g = &r->group[r->slot[at] - 1];
    if (g->forms >= SUPPORT_FORMS_MAX) {
        ig_item_bad(r->sink, r->file, line, "more than %d questions for one answer", SUPPORT_FORMS_MAX);
        return IG_OK;
    }
    IG_TRY(add_form(g, question, &added, err));
    if (!added) ig_item_note(r->sink, r->file, line, "the same question and answer as before");
    return IG_OK;
}

static ig_status take_row(void *arg, const ig_table_row *row, ig_error *err) {
    table_reading *r = arg;
    const char *id = r->id_column >= 0 ? row->values[r->id_column] : "";
    return take_pair(r, id, ig_table_value(&r->columns, row, IG_ROLE_QUESTION), ig_table_value(&r->columns, row, IG_ROLE_ANSWER),
                     ig_table_value(&r->columns, row, IG_ROLE_LANGUAGE), ig_table_value(&r->columns, row, IG_ROLE_CATEGORY),
                     row->line, err);
}

static ig_status put_group(const table_reading *r, const group *g, ig_error *err) {
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    ig_json_key(&j, "type"), ig_json_text(&j, "faq");
    ig_json_key(&j, "title"), ig_json_text(&j, g->form[0]);
    ig_json_key(&j, "questions"), ig_json_open(&j, '[');
    for (size_t i = 0; i < g->forms; i++) ig_json_text(&j, g->form[i]);
    ig_json_close(&j, ']');
    ig_json_key(&j, "answer"), ig_json_text(&j, g->answer);
    ig_json_key(&j, "language"), ig_json_text(&j, g->language);
    if (*g->category) ig_json_key(&j, "category"), ig_json_text(&j, g->category);
    ig_json_close(&j, '}');
    ig_status status = ig_buf_status(&b, err);
    if (status == IG_E_LIMIT) {
        ig_item_bad(r->sink, r->file, g->line, "the questions of this answer are longer than an item may be");
        status = IG_OK;
    } else if (status == IG_OK) status = ig_item_put(r->sink, g->id, b.data, b.len, r->file, g->line, err);
    ig_buf_fini(&b);
    return status;
}

static ig_status put_groups(table_reading *r, ig_error *err) {
    for (size_t i = 0; i < r->count; i++)
        if (r->group[i].forms) IG_TRY(put_group(r, &r->group[i], err));
    return IG_OK;
}

static void tell_problem(void *arg, const ig_error *problem) {
    ig_item_bad(arg, problem->file, problem->line, "%s", problem->message);
}

static int find_id_column(const ig_table *t) {
    for (size_t i = 0; i < ig_table_count(t); i++)
        if (!strcasecmp(ig_table_name(t, i), "id")) return (int)i;
    return -1;
}

static ig_status read_table(const ig_source *source, ig_item_sink *sink, ig_error *err) {
    const char *given[IG_ROLE_COUNT] = {0};
    const char *name = source->name ? source->name : ig_path_base(source->path);
    table_reading r = {.sink = sink, .file = name};
    ig_table *t = NULL;
    if (source->options) {
        given[IG_ROLE_QUESTION] = ig_tree_text(source->options, "question_column", NULL);
        given[IG_ROLE_ANSWER] = ig_tree_text(source->options, "answer_column", NULL);
    }
    ig_status status = ig_table_open(source->path, &(ig_table_opts){.problem = tell_problem, .problem_arg = sink}, &t, err);
    if (status == IG_OK) status = ig_table_find_columns(t, given, &r.columns, err);
    if (status == IG_OK) {
        r.id_column = find_id_column(t);
        status = ig_table_each(t, take_row, &r, err);
    }
    if (status == IG_OK) status = put_groups(&r, err);
    table_reading_fini(&r);
    ig_table_close(t);
    return status;
}

/* ---- pages ---------------------------------------------------------------------------------------------------------- */

static ig_status put_passage(ig_item_sink *sink, const char *file, const char *title, const char *text, const char *anchor, int page,
                             size_t index, int64_t line, ig_error *err) {
    char name[2 * IG_PATH_MAX], id[IG_STORE_ID_SIZE];
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    snprintf(name, sizeof name, "%s#%s#%zu", file, title, index);
    support_id("page", name, id);
    ig_json_open(&j, '{');
    ig_json_key(&j, "type"), ig_json_text(&j, "passage");
    ig_json_key(&j, "title"), ig_json_text(&j, title);
    ig_json_key(&j, "text"), ig_json_text(&j, text);
    if (*anchor) ig_json_key(&j, "anchor"), ig_json_text(&j, anchor);
    if (page) ig_json_key(&j, "page"), ig_json_int(&j, page);
    ig_json_key(&j, "language"), ig_json_text(&j, support_language(text));
    ig_json_close(&j, '}');
    ig_status status = ig_buf_status(&b, err);
    if (status == IG_OK) status = ig_item_put(sink, id, b.data, b.len, file, line, err);
    ig_buf_fini(&b);
    return status;
}

typedef struct page_reading {
    ig_item_sink *sink;
    const char *name;  /* stands for the file's path */
    const char *root;  /* of a folder: what is cut from paths */
    size_t root_len;
} page_reading;

static ig_status take_passage(void *arg, const ig_passage *p, ig_error *err) {
    const page_reading *r = arg;
    const char *file = p->file;
    if (r->root && !strncmp(file, r->root, r->root_len)) {
        file += r->root_len;
        while (*file == '/') file++;
    } else if (r->name) file = r->name;
    return put_passage(r->sink, file, p->title, p->text, p->anchor, p->page, p->index, p->line, err);
}

static ig_status read_pages(const ig_source *source, ig_item_sink *sink, ig_error *err) {
    page_reading r = {.sink = sink, .name = source->name ? source->name : ig_path_base(source->path)};
    if (ig_path_is_dir(source->path)) r.root = source->path, r.root_len = strlen(source->path), r.name = NULL;
    return ig_document_read(source->path, &(ig_document_opts){.problem = tell_problem, .problem_arg = sink}, take_passage, &r, NULL, err);
}

/* ---- items that a caller gives ---------------------------------------------------------------------------------------- */

static ig_status take_given(table_reading *r, const ig_tree *item, int64_t number, ig_error *err) {
    const char *answer = ig_tree_text(item, "answer", NULL), *text = ig_tree_text(item, "text", NULL);
    const char *question = ig_tree_text(item, "question", NULL), *id = ig_tree_text(item, "id", "");
    const char *language = ig_tree_text(item, "language", ""), *category = ig_tree_text(item, "category", "");
    const ig_tree *forms = ig_tree_get(item, "questions");
    if (strlen(id) > IG_STORE_NAME_MAX) {
        ig_item_bad(r->sink, r->file, number, "the id is longer than %d bytes", IG_STORE_NAME_MAX);
        return IG_OK;
    }
    if (!answer && text) return put_passage(r->sink, r->file, ig_tree_text(item, "title", ""), text, "", 0, (size_t)number, number, err);
    if (question || !forms)
        return take_pair(r, id, question ? question : "", answer ? answer : "", language, category, number, err);
    for (const ig_tree *f = forms->child; f; f = f->next)
        IG_TRY(take_pair(r, id, f->type == IG_TREE_TEXT ? f->text : "", answer ? answer : "", language, category, number, err));
    return IG_OK;
}

static ig_status read_given(const ig_source *source, ig_item_sink *sink, ig_error *err) {
    table_reading r = {.sink = sink, .file = source->name ? source->name : "", .id_column = -1};
    ig_doc *d = NULL;
    IG_TRY(ig_json_parse("items", source->text, source->len, &d, err));
    const ig_tree *list = ig_doc_root(d);
    int64_t number = 0;
    ig_status status = IG_OK;
    if (list->type == IG_TREE_MAP && ig_tree_get(list, "items")) list = ig_tree_get(list, "items");
    if (list->type != IG_TREE_LIST) status = ig_error_set(err, IG_E_FORMAT, "items: a JSON list of {\"question\", \"answer\"} is expected");
    for (const ig_tree *i = list->child; status == IG_OK && i; i = i->next) status = take_given(&r, i, ++number, err);
    if (status == IG_OK) status = put_groups(&r, err);
    table_reading_fini(&r);
    ig_doc_free(d);
    return status;
}

ig_status support_read(const ig_source *source, const ig_tree *settings, ig_item_sink *sink, ig_error *err) {
    (void)settings;
    if (source->text) return read_given(source, sink, err);
    if (!source->path) return ig_error_set(err, IG_E_UNSUPPORTED, "%s: an address is not read here", source->field);
    return !strcmp(source->field, "faq") ? read_table(source, sink, err) : read_pages(source, sink, err);
}
