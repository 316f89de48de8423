/* data/document_markdown.c: Markdown through md4c.   (CommonMark, with GitHub's tables and strike-through)
 *
 * md4c tells no lines, but its texts mostly point into the source: lines are counted from there.  Raw HTML is left out.
 * Anchors are GitHub's: letters in lower case, spaces as '-', punctuation dropped, "-1" after the second of a name;
 * "## Title {#name}" gives its own.  Of the front matter only "title:" is read.
 */
#include <md4c.h>
#include <string.h>

#include "data/passages.h"
#include "data/seen.h"

typedef struct markdown {
    passages *p;
    const char *text, *at, *end; /* at: how far lines are counted */
    int line;
    bool cell;                   /* not the first of its row */
    seen anchors;                /* how often each came */
    ig_status status;
    ig_error error;
} markdown;

static int stop(markdown *m, ig_status status) {
    m->status = status;
    return status == IG_OK ? 0 : 1;
}

static void slug(const char *s, char *out, size_t size) {
    size_t n = 0;
    for (; *s && n + 5 < size; s++) {
        unsigned char c = (unsigned char)*s;
        if (c >= 'A' && c <= 'Z') c = (unsigned char)(c - 'A' + 'a');
        if (c == ' ') c = '-';
        if (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_') out[n++] = (char)c;
    }
    while (n && ((unsigned char)out[n - 1] & 0xC0) == 0x80 && *s) n--; /* cut: no part of a character */
    out[n] = '\0';
}

/* "name", then "name-1", "name-2", …, leaving out those that other headings have by themselves. */
static ig_status make_unique(markdown *m, char *anchor, size_t size) {
    char base[256];
    int64_t *times;
    snprintf(base, sizeof base, "%s", anchor);
    for (;;) {
        IG_TRY(seen_slot(&m->anchors, anchor, strlen(anchor), &times, &m->error));
        if (!*times) break;
        IG_TRY(seen_slot(&m->anchors, base, strlen(base), &times, &m->error));
        snprintf(anchor, size, "%.200s-%lld", base, (long long)(*times)++);
    }
    *times = 1;
    return IG_OK;
}

static ig_status heading(markdown *m, int level) {
    char anchor[256] = "";
    ig_buf *b = &m->p->block;
    IG_TRY(ig_buf_status(b, &m->error));
    char *own = b->len && b->data[b->len - 1] == '}' ? strstr(b->data, " {#") : NULL;
    if (own) {
        snprintf(anchor, sizeof anchor, "%.*s", (int)(b->data + b->len - 1 - own - 3), own + 3);
        b->len = (size_t)(own - b->data);
        *own = '\0';
    } else if (b->len) {
        slug(b->data, anchor, 200);
        IG_TRY(make_unique(m, anchor, sizeof anchor));
    }
    return passages_heading(m->p, level, anchor, &m->error);
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg) {
    markdown *m = arg;
    (void)detail;
    if (type == MD_BLOCK_TR) m->cell = false;
    if (type == MD_BLOCK_TD || type == MD_BLOCK_TH) {
        if (m->cell) passages_put(m->p, " | ", 3, m->line);
        m->cell = true;
        return 0;
    }
    int failed = stop(m, passages_end(m->p, &m->error)); /* a text before a list inside of its item */
    m->p->verbatim = type == MD_BLOCK_CODE;
    return failed;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *arg) {
    markdown *m = arg;
    m->p->verbatim = false;
    if (type == MD_BLOCK_TD || type == MD_BLOCK_TH) return 0;
    if (type == MD_BLOCK_H) return stop(m, heading(m, (int)((MD_BLOCK_H_DETAIL *)detail)->level));
    return stop(m, passages_end(m->p, &m->error));
}

static int no_span(MD_SPANTYPE type, void *detail, void *arg) {
    (void)type, (void)detail, (void)arg;
    return 0;
}

static void count_lines(markdown *m, const char *s) {
    if ((uintptr_t)s < (uintptr_t)m->at || (uintptr_t)s > (uintptr_t)m->end) return;
    for (; m->at < s; m->at++) m->line += *m->at == '\n';
}

static void put_entity(markdown *m, const char *s, size_t n) {
    static const char *const known[][2] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&nbsp;", " "}, {"&#39;", "'"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i][0]) == n && memcmp(s, known[i][0], n) == 0) s = known[i][1], n = 1;
    passages_put(m->p, s, n, m->line);
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *s, MD_SIZE n, void *arg) {
    markdown *m = arg;
    count_lines(m, s);
    if (type == MD_TEXT_HTML) return 0;
    if (type == MD_TEXT_BR) passages_break(m->p);
    else if (type == MD_TEXT_SOFTBR) passages_put(m->p, " ", 1, m->line);
    else if (type == MD_TEXT_ENTITY) put_entity(m, s, n);
    else if (type != MD_TEXT_NULLCHAR) passages_put(m->p, s, n, m->line);
    return stop(m, ig_buf_status(&m->p->block, &m->error));
}

/* Bytes of a front matter: "---", lines, "---". */
static size_t front_matter(const char *text, size_t len) {
    size_t line = strcspn(text, "\n") + 1;
    if (len < 5 || strncmp(text, "---", 3) != 0 || strspn(text + 3, "\r") + 4 != line) return 0;
    for (const char *s = text + line; s < text + len; s += line) {
        line = strcspn(s, "\n") + 1;
        if (strncmp(s, "---", 3) == 0 && s[3 + strspn(s + 3, "\r")] == '\n') return (size_t)(s - text) + line;
    }
    return 0;
}

static ig_status read_title(const char *text, size_t len, passages *p, ig_error *err) {
    size_t n = 0;
    for (const char *s = text; s < text + len; s += n + 1) {
        n = strcspn(s, "\n");
        if (strncmp(s, "title:", 6) != 0) continue;
        const char *from = s + 6 + strspn(s + 6, " \t"), *to = s + n;
        while (to > from && strchr(" \t\r", to[-1])) to--;
        if (to - from >= 2 && (*from == '"' || *from == '\'') && to[-1] == *from) from++, to--;
        ig_buf_clear(&p->document_title);
        if (to > from) ig_buf_append(&p->document_title, from, (size_t)(to - from));
    }
    return ig_buf_status(&p->document_title, err);
}

ig_status markdown_read(const char *text, size_t len, passages *p, ig_error *err) {
    size_t skip = front_matter(text, len);
    markdown m = {.p = p, .text = text, .at = text, .end = text + len, .line = 1};
    const MD_PARSER parser = {.flags = MD_DIALECT_GITHUB, .enter_block = enter_block, .leave_block = leave_block,
                              .enter_span = no_span, .leave_span = no_span, .text = on_text};
    IG_TRY(read_title(text, skip, p, err));
    int failed = md_parse(text + skip, (MD_SIZE)(len - skip), &parser, &m);
    seen_fini(&m.anchors);
    if (m.status != IG_OK && err) *err = m.error;
    if (m.status != IG_OK) return m.status;
    return failed ? ig_error_nomem(err, 0) : passages_finish(p, err);
}
