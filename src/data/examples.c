/* data/examples.c: a file of JSONL into checked and encoded rows.
 *
 *     line → JSON → one form → checks → duplicate? → chat template, tokenizer → ids, mask
 *
 * A row that fails at any place is noted and left out, and the next is read: a person sees all that is wrong at once.
 */
#include <string.h>

#include "data/conversation.h"
#include "data/seen.h"

bool ig_example_kind_parse(const char *name, ig_example_kind *out) {
    for (int i = 0; i <= IG_EXAMPLES_PREFERENCE; i++) {
        if (strcmp(name, ig_example_kind_name((ig_example_kind)i)) != 0) continue;
        *out = (ig_example_kind)i;
        return true;
    }
    return false;
}

const char *ig_example_kind_name(ig_example_kind kind) {
    static const char *const names[] = {"text", "chat", "preference"};
    return names[kind];
}

typedef struct reading {
    const ig_examples_opts *o;
    ig_examples *x;
    row_reader r;
    seen seen; /* rows so far, for duplicates */
    size_t rows;
} reading;

/* ---- encoding ---- */

static bool failed(reading *g, ig_status status, const ig_error *why) {
    if (status == IG_E_NOMEM) {
        g->r.status = ig_error_nomem(g->r.err, 0);
        return false;
    }
    return row_problem(&g->r, status == IG_E_NOT_FOUND ? IG_PROBLEM_TOKENS : IG_PROBLEM_TEMPLATE, "%.150s", why->message);
}

/* What a person typed must not act as a mark of the template. */
static bool check_special(reading *g, const ig_tree *conversation) {
    const ig_tokenizer *t = g->o->tokenizer;
    for (const ig_tree *m = ig_tree_get(conversation, "messages")->child; m; m = m->next) {
        const char *content = ig_tree_text(m, "content", "");
        for (size_t i = 0; i < ig_tokenizer_special_count(t); i++) {
            size_t len;
            const char *token = ig_tokenizer_token(t, ig_tokenizer_special_get(t, i), &len);
            if (token && len > 2 && strstr(content, token)) return row_problem(&g->r, IG_PROBLEM_SPECIAL, "%.60s", token);
        }
    }
    return true;
}

static size_t count_learned(const ig_examples *x, size_t at, size_t len) {
    size_t n = 0;
    for (size_t i = 1; i < len; i++) n += x->learned.data[at + i] != 0; /* nothing comes before the first to learn it from */
    return n;
}

/* Append a conversation; the first `first` messages are not learned. */
static bool encode(reading *g, const ig_tree *conversation, size_t first, size_t *at, size_t *len) {
    ig_error why = {0};
    ig_examples *x = g->x;
    *at = x->ids.len;
    x->learned.max = SIZE_MAX;
    if (!check_special(g, conversation)) return false;
    ig_status status = ig_chat_encode(g->o->format, g->o->tokenizer, conversation, first, &x->ids, &x->learned, &why);
    if (status != IG_OK) return failed(g, status, &why);
    *len = x->ids.len - *at;
    size_t most = g->o->context ? (size_t)g->o->context + 1 : SIZE_MAX;
    if (*len > most && !g->o->cut) return row_problem(&g->r, IG_PROBLEM_TOO_LONG, "%zu tokens; a context of %lld holds %zu", *len, (long long)g->o->context, most);
    if (*len > most) {
        row_problem(&g->r, IG_PROBLEM_CUT, "%zu tokens; a context of %lld holds %zu", *len, (long long)g->o->context, most);
        *len = most;
        x->ids.len = x->learned.len = *at + most;
    }
    return count_learned(x, *at, *len) > 0 || row_problem(&g->r, IG_PROBLEM_NO_ANSWER, "none of its %zu tokens is learned", *len);
}

static bool room_for_row(reading *g) {
    ig_examples *x = g->x;
    if (x->count < x->cap) return true;
    size_t cap = x->cap ? 2 * x->cap : 64;
    ig_example *row = x->count < IG_EXAMPLES_MAX ? ig_realloc_array(x->row, cap, sizeof *row) : NULL;
    if (!row) {
        g->r.status = ig_error_nomem(g->r.err, cap * sizeof *row);
        return false;
    }
    x->row = row, x->cap = cap;
    return true;
}

static size_t message_count(const ig_doc *d) { return ig_tree_get(ig_doc_root(d), "messages")->count; }

/* How many messages both answers to a question share: they are not learned. */
static size_t shared_messages(const ig_tree *row, const ig_doc *chosen, const ig_doc *rejected) {
    const ig_tree *prompt = ig_tree_path(row, "input.messages");
    if (!prompt) prompt = ig_tree_get(row, "messages");
    if (!prompt) prompt = ig_tree_get(row, "prompt");
    if (prompt) return prompt->type == IG_TREE_LIST ? prompt->count : 1;
    size_t a = message_count(chosen), b = message_count(rejected);
    return (a < b ? a : b) - 1;
}

static bool add(reading *g, const ig_tree *row, const ig_doc *chosen, const ig_doc *rejected) {
    ig_example e = {.file = g->r.file, .line = g->r.line};
    ig_examples *x = g->x;
    if (g->o->tokenizer) {
        size_t ids = x->ids.len, first = rejected ? shared_messages(row, chosen, rejected) : 0;
        bool fits = encode(g, ig_doc_root(chosen), first, &e.at, &e.len);
        if (fits && rejected) fits = encode(g, ig_doc_root(rejected), first, &e.rejected_at, &e.rejected_len);
        if (!fits) {
            x->ids.len = ids;
            if (x->learned.status == IG_OK) x->learned.len = ids;
            return false;
        }
    }
    if (!room_for_row(g)) return false;
    int64_t longer = (int64_t)(e.len > e.rejected_len ? e.len : e.rejected_len);
    if (longer > x->longest) x->longest = longer;
    x->learned_count += count_learned(x, e.at, e.len) + count_learned(x, e.rejected_at, e.rejected_len);
    x->row[x->count++] = e;
    return true;
}

/* ---- rows ---- */

static bool same_text(const ig_doc *a, const ig_doc *b, row_reader *r) {
    ig_buf x = {.max = 2 * IG_EXAMPLE_BYTES_MAX}, y = x;
    ig_json jx = {.out = &x}, jy = {.out = &y};
    ig_json_tree(&jx, ig_tree_get(ig_doc_root(a), "messages"));
    ig_json_tree(&jy, ig_tree_get(ig_doc_root(b), "messages"));
    r->status = ig_buf_status(x.status != IG_OK ? &x : &y, r->err);
    bool same = r->status == IG_OK && x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
    ig_buf_fini(&x);
    ig_buf_fini(&y);
    return same;
}

static bool note_duplicate(reading *g, const ig_tree *row) {
    ig_buf text = {.max = 2 * IG_EXAMPLE_BYTES_MAX};
    ig_json j = {.out = &text};
    int64_t earlier = 0;
    ig_json_tree(&j, row);
    g->r.status = ig_buf_status(&text, g->r.err);
    if (g->r.status == IG_OK) g->r.status = seen_add(&g->seen, text.data, text.len, g->r.line, &earlier, g->r.err);
    ig_buf_fini(&text);
    if (earlier) row_problem(&g->r, IG_PROBLEM_DUPLICATE, "line %lld", (long long)earlier);
    return g->r.status == IG_OK;
}

static bool take_chat(reading *g, const ig_tree *row) {
    ig_doc *d = NULL;
    bool fits = conversation_of_chat(&g->r, row, &d) && conversation_check(&g->r, ig_doc_root(d)) && note_duplicate(g, row) && add(g, row, d, NULL);
    ig_doc_free(d);
    return fits;
}

static bool take_preference(reading *g, const ig_tree *row) {
    ig_doc *chosen = NULL, *rejected = NULL;
    bool fits = conversation_of_preference(&g->r, row, &chosen, &rejected) && conversation_check(&g->r, ig_doc_root(chosen)) &&
                conversation_check(&g->r, ig_doc_root(rejected));
    if (fits && same_text(chosen, rejected, &g->r)) fits = row_problem(&g->r, IG_PROBLEM_SAME, "%s", "");
    fits = fits && g->r.status == IG_OK && note_duplicate(g, row) && add(g, row, chosen, rejected);
    ig_doc_free(chosen);
    ig_doc_free(rejected);
    return fits;
}

static ig_status take_line(reading *g, const char *line, size_t len) {
    ig_doc *d = NULL;
    ig_error why = {0};
    if (len > IG_EXAMPLE_BYTES_MAX) row_problem(&g->r, IG_PROBLEM_LONG_LINE, "%zu bytes", len);
    else if (!ig_utf8_valid(line, len)) row_problem(&g->r, IG_PROBLEM_ENCODING, "%s", "");
    else {
        ig_status status = ig_json_parse("row", line, len, &d, &why);
        if (status == IG_E_NOMEM) return ig_error_nomem(g->r.err, len);
        if (status != IG_OK) row_problem(&g->r, IG_PROBLEM_JSON, "%.150s", why.message);
        else if (ig_doc_root(d)->type != IG_TREE_MAP) row_problem(&g->r, IG_PROBLEM_JSON, "it is %s", ig_tree_type_name(ig_doc_root(d)->type));
        else if (g->o->kind == IG_EXAMPLES_CHAT) take_chat(g, ig_doc_root(d));
        else take_preference(g, ig_doc_root(d));
        ig_doc_free(d);
    }
    return g->r.status;
}

static bool is_blank(const char *s, size_t n) {
    while (n > 0 && (*s == ' ' || *s == '\t' || *s == '\r')) s++, n--;
    return n == 0;
}

ig_status ig_examples_parse(const char *name, const char *text, size_t len, const ig_examples_opts *opts, ig_examples *out,
                            ig_problems *problems, ig_error *err) {
    reading g = {.o = opts, .x = out, .r = {.problems = problems, .file = out->files++, .err = err}};
    ig_status status = IG_OK;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3, len -= 3;
    for (size_t at = 0; at < len && status == IG_OK;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - text) - at : len - at;
        g.r.line++;
        if (!is_blank(text + at, n)) {
            g.rows++;
            status = take_line(&g, text + at, n);
        }
        at += n + 1;
    }
    seen_fini(&g.seen);
    if (status == IG_OK && !g.rows) return ig_error_at(err, IG_E_FORMAT, name, 0, "the file has no rows; each line is a JSON object");
    return status;
}

ig_status ig_examples_read(const char *path, const ig_examples_opts *opts, ig_examples *out, ig_problems *problems, ig_error *err) {
    ig_map_file map;
    IG_TRY(ig_file_map(path, &map, err));
    ig_status status = ig_examples_parse(path, (const char *)map.data, map.size, opts, out, problems, err);
    ig_file_unmap(&map);
    return status;
}

ig_status ig_text_check(const char *text, size_t len, ig_problems *problems, ig_error *err) {
    row_reader r = {.problems = problems, .err = err};
    for (size_t at = 0; at < len && r.status == IG_OK;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - text) - at : len - at;
        r.line++;
        if (!ig_utf8_valid(text + at, n)) row_problem(&r, IG_PROBLEM_ENCODING, "%s", "");
        at += n + 1;
    }
    return r.status;
}

void ig_examples_fini(ig_examples *x) {
    ig_free(x->row);
    ig_ids_fini(&x->ids);
    ig_buf_fini(&x->learned);
    *x = (ig_examples){0};
}
