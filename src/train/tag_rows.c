/* train/tag_rows.c: see tag_rows.h.
 *
 * A span begins at B-X, S-X or a bare tag X, and at I-X or E-X where no span of X is open; it ends before what begins one, at
 * O,
 * and behind E-X and S-X.  So BIO, IOB and BIOES count alike.
 */
#include "train/tag_rows.h"

#include <stdlib.h>
#include <string.h>

#include "data/conversation.h"

/* ---- reading ---- */

typedef struct reader {
    tag_rows *out;
    row_reader row;
    bool open; /* a sentence is being read */
} reader;

static ig_status grow(void **array, size_t *cap, size_t count, size_t size, ig_error *err) {
    if (count < *cap) return IG_OK;
    size_t next = *cap ? 2 * *cap : 256;
    void *p = ig_realloc_array(*array, next, size);
    if (!p) return ig_error_nomem(err, next * size);
    *array = p, *cap = next;
    return IG_OK;
}

static ig_status number_of(tag_rows *x, const char *s, size_t n, int32_t *out, ig_error *err) {
    for (size_t i = 0; i < x->tags; i++)
        if (strlen(x->tag[i]) == n && memcmp(x->tag[i], s, n) == 0) return *out = (int32_t)i, IG_OK;
    if (x->tags == TAGS_MAX) return ig_error_set(err, IG_E_LIMIT, "more than %d tags: is the last column the tag?", TAGS_MAX);
    IG_TRY(grow((void **)&x->tag, &x->tag_cap, x->tags, sizeof *x->tag, err));
    x->tag[x->tags] = ig_strndup(s, n);
    if (!x->tag[x->tags]) return ig_error_nomem(err, n + 1);
    *out = (int32_t)x->tags++;
    return IG_OK;
}

static ig_status put_word(reader *r, const char *word, size_t n, const char *tag, size_t tag_len, ig_error *err) {
    tag_rows *x = r->out;
    tag_word one = {.at = x->bytes.len};
    IG_TRY(number_of(x, tag, tag_len, &one.tag, err));
    if (!r->open) {
        IG_TRY(grow((void **)&x->row, &x->row_cap, x->count, sizeof *x->row, err));
        x->row[x->count++] = (tag_row){.file = r->row.file, .line = r->row.line, .at = x->words};
        r->open = true;
    }
    IG_TRY(grow((void **)&x->word, &x->word_cap, x->words, sizeof *x->word, err));
    ig_buf_append(&x->bytes, word, n);
    ig_buf_putc(&x->bytes, '\0');
    x->word[x->words++] = one;
    x->row[x->count - 1].count++;
    return ig_buf_status(&x->bytes, err);
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static ig_status take_line(reader *r, const char *s, size_t n, ig_error *err) {
    while (n && is_blank(s[n - 1])) n--;
    bool document = n >= 10 && memcmp(s, "-DOCSTART-", 10) == 0;
    if (!n || document) return r->open = false, IG_OK;
    if (!ig_utf8_valid(s, n)) return row_problem(&r->row, IG_PROBLEM_ENCODING, "%s", ""), r->row.status;
    size_t word = 0, tag = n;
    while (word < n && !is_blank(s[word])) word++;
    while (tag && !is_blank(s[tag - 1])) tag--;
    if (!tag || !word || memchr(s, '\0', n))
        return row_problem(&r->row, IG_PROBLEM_FIELDS, "expected a token and its tag, found \"%.*s\"", (int)(n < 40 ? n : 40),
                           s), r->row.status;
    return put_word(r, s, word, s + tag, n - tag, err);
}

static ig_status take_lines(reader *r, const char *s, size_t n, ig_error *err) {
    for (size_t at = 0, end; at < n; at = end + 1) {
        const char *nl = memchr(s + at, '\n', n - at);
        end = nl ? (size_t)(nl - s) : n;
        r->row.line++;
        IG_TRY(take_line(r, s + at, end - at, err));
    }
    return IG_OK;
}

ig_status tag_rows_parse(const char *name, const char *text, size_t len, tag_rows *out, ig_problems *problems, ig_error *err) {
    reader r = {.out = out, .row = {.problems = problems, .file = out->files++, .err = err}};
    size_t before = out->count, told = problems->count;
    out->bytes.max = TAG_FILE_BYTES_MAX;
    if (len > TAG_FILE_BYTES_MAX) return ig_error_at(err, IG_E_LIMIT, name, 0, "the file has more than 2 GB: split it");
    IG_TRY(take_lines(&r, text, len, err));
    if (out->count > before || problems->count > told) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, name, 0,
                       "the file has no sentence: a token and its tag on each line, an empty line between sentences");
}

ig_status tag_rows_read(const char *path, tag_rows *out, ig_problems *problems, ig_error *err) {
    ig_map_file map;
    IG_TRY(ig_file_map(path, &map, err));
    ig_status status = tag_rows_parse(path, map.size ? (const char *)map.data : "", map.size, out, problems, err);
    ig_file_unmap(&map);
    return status;
}

void tag_rows_fini(tag_rows *x) {
    for (size_t i = 0; i < x->tags; i++) ig_free(x->tag[i]);
    ig_free(x->tag);
    ig_free(x->row);
    ig_free(x->word);
    ig_buf_fini(&x->bytes);
    *x = (tag_rows){0};
}

/* ---- what is held out ---- */

/* The words of a sentence lie one behind the other. */
static bool is_held(const tag_rows *x, const tag_row *r, double share) {
    size_t from = x->word[r->at].at, last = x->word[r->at + r->count - 1].at;
    uint64_t key = ig_hash64(x->bytes.data + from, last - from + strlen(x->bytes.data + last), 0x73706c6974);
    return (double)(key >> 11) * 0x1p-53 < share;
}

/* Those that stay keep their order, and so do those that are held out. */
ig_status tag_rows_split(tag_rows *x, double share, size_t *kept, ig_error *err) {
    size_t n = 0, stay = 0;
    *kept = x->count;
    for (size_t i = 0; i < x->count; i++) n += is_held(x, &x->row[i], share);
    if (!n || n == x->count) return IG_OK;
    tag_row *moved = ig_calloc(n, sizeof *moved);
    if (!moved) return ig_error_nomem(err, n * sizeof *moved);
    n = 0;
    for (size_t i = 0; i < x->count; i++) {
        if (is_held(x, &x->row[i], share)) moved[n++] = x->row[i];
        else x->row[stay++] = x->row[i];
    }
    memcpy(x->row + stay, moved, n * sizeof *moved);
    ig_free(moved);
    *kept = stay;
    return IG_OK;
}

/* ---- spans ---- */

typedef struct mark {
    char kind;        /* B I E S O */
    const char *type; /* "" for O */
} mark;

static mark mark_of(const char *tag) {
    if (strcmp(tag, "O") == 0) return (mark){'O', ""};
    if (tag[0] && (tag[1] == '-' || tag[1] == '_') && strchr("BIESUL", tag[0]))
        return (mark){tag[0] == 'U' ? 'S' : tag[0] == 'L' ? 'E' : tag[0], tag + 2};
    return (mark){'B', tag};
}

static bool ends(mark a, mark b) {
    if (a.kind == 'O') return false;
    return a.kind == 'E' || a.kind == 'S' || b.kind == 'O' || b.kind == 'B' || b.kind == 'S' || strcmp(a.type, b.type) != 0;
}

static bool begins(mark a, mark b) {
    if (b.kind == 'O') return false;
    return b.kind == 'B' || b.kind == 'S' || a.kind == 'O' || a.kind == 'E' || a.kind == 'S' || strcmp(a.type, b.type) != 0;
}

void tag_spans_count(tag_spans *s, char *const *names, const int32_t *are, const int32_t *said, size_t n) {
    mark none = {'O', ""}, a = none, p = none;
    bool both = false; /* the same span is open in both */
    for (size_t i = 0; i <= n; i++) {
        mark b = i < n ? mark_of(names[are[i]]) : none, q = i < n ? mark_of(names[said[i]]) : none;
        bool end = ends(a, b), said_end = ends(p, q), begin = begins(a, b), said_begin = begins(p, q);
        if (both && end && said_end) s->right++;
        if (end || said_end) both = false;
        if (begin && said_begin && strcmp(b.type, q.type) == 0) both = true;
        s->are += begin, s->said += said_begin;
        a = b, p = q;
    }
}

double tag_spans_f1(const tag_spans *s) {
    return s->said + s->are ? 2 * (double)s->right / (double)(s->said + s->are) : 0;
}
