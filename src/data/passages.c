/* data/passages.c: joining and cutting blocks of text. */
#include "data/passages.h"

#include <string.h>

void passages_init(passages *p, const char *file, size_t max, ig_passage_fn *fn, void *arg) {
    *p = (passages){.file = file, .fn = fn, .arg = arg, .max = max};
    ig_buf *all[] = {&p->text, &p->block, &p->title, &p->anchor, &p->document_title};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) all[i]->max = IG_OFFICE_ENTRY_BYTES_MAX;
    for (int i = 0; i < HEADING_LEVELS; i++) p->heading[i].max = IG_OFFICE_ENTRY_BYTES_MAX;
}

void passages_fini(passages *p) {
    ig_buf *all[] = {&p->text, &p->block, &p->title, &p->anchor, &p->document_title};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ig_buf_fini(all[i]);
    for (int i = 0; i < HEADING_LEVELS; i++) ig_buf_fini(&p->heading[i]);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

void passages_put(passages *p, const char *s, size_t n, int line) {
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        bool space = is_space(c);
        if (p->block.len == 0) {
            if (space) continue;
            p->block_line = line;
        }
        if (!space || p->verbatim) ig_buf_putc(&p->block, c);
        else if (!is_space(p->block.data[p->block.len - 1])) ig_buf_putc(&p->block, ' ');
        if (p->block.status != IG_OK) return;
    }
}

static void trim(ig_buf *b) {
    while (b->len && is_space(b->data[b->len - 1])) b->data[--b->len] = '\0';
}

void passages_break(passages *p) {
    trim(&p->block);
    if (p->block.len) ig_buf_putc(&p->block, '\n');
}

/* ---- out ------------------------------------------------------------------------------------------------------------ */

static void make_title(passages *p) {
    ig_buf_clear(&p->title);
    for (int i = 0; i < HEADING_LEVELS; i++)
        if (p->heading[i].len) ig_buf_printf(&p->title, "%s%s", p->title.len ? " > " : "", p->heading[i].data);
    if (!p->title.len && p->document_title.len) ig_buf_puts(&p->title, p->document_title.data);
    if (p->title.len) return;
    const char *base = ig_path_base(p->file), *dot = strrchr(base, '.');
    ig_buf_append(&p->title, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

static ig_status emit(passages *p, const char *text, int line, ig_error *err) {
    make_title(p);
    IG_TRY(ig_buf_status(&p->title, err));
    IG_TRY(ig_buf_status(&p->anchor, err));
    ig_passage out = {.file = p->file, .title = p->title.data, .text = text, .anchor = p->anchor.len ? p->anchor.data : "",
                      .line = line, .page = p->page, .index = p->count++};
    ig_status status = p->fn(p->arg, &out, err);
    p->stopped = status != IG_OK;
    return status;
}

static ig_status flush(passages *p, ig_error *err) {
    IG_TRY(ig_buf_status(&p->text, err));
    if (!p->text.len) return IG_OK;
    ig_status status = emit(p, p->text.data, p->line, err);
    ig_buf_clear(&p->text);
    return status;
}

/* Bytes of a sentence end at s: its mark and closing quotes; 0 when there is none. */
static size_t sentence_end(const char *s, size_t n) {
    static const char *const full[] = {"。", "！", "？", "；", "…", NULL}, *const closing[] = {"”", "’", "」", "』", "）", "\"", "'", ")", NULL};
    size_t at = 0;
    bool latin = *s == '.' || *s == '!' || *s == '?' || *s == '\n';
    if (latin) at = 1;
    for (int i = 0; !at && full[i]; i++)
        if (n >= 3 && memcmp(s, full[i], 3) == 0) at = 3;
    for (int i = 0; at && closing[i]; i++) {
        size_t m = strlen(closing[i]);
        if (at + m <= n && memcmp(s + at, closing[i], m) == 0) at += m, i = -1;
    }
    return latin && *s != '\n' && at < n && !is_space(s[at]) ? 0 : at;
}

/* How much of s[0,n), n > max, makes the next passage: past half of it, a sentence, a word, a character. */
static size_t cut(const char *s, size_t n, size_t max) {
    size_t best = 0, space = 0, character = max;
    for (size_t i = 0; i < max; i++) {
        size_t end = sentence_end(s + i, n - i);
        if (end && i + end <= max) best = i + end;
        if (is_space(s[i])) space = i + 1;
    }
    while (character > 1 && ((unsigned char)s[character] & 0xC0) == 0x80) character--;
    return best ? best : space > max / 2 ? space : character;
}

static ig_status emit_pieces(passages *p, ig_error *err) {
    const char *s = p->block.data;
    size_t n = p->block.len;
    while (n > p->max) {
        size_t take = cut(s, n, p->max);
        ig_buf_clear(&p->text);
        ig_buf_append(&p->text, s, take);
        trim(&p->text);
        p->line = p->block_line;
        IG_TRY(flush(p, err));
        s += take, n -= take;
        while (n && is_space(*s)) s++, n--;
    }
    ig_buf_append(&p->text, s, n);
    p->line = p->block_line;
    return ig_buf_status(&p->text, err);
}

ig_status passages_end(passages *p, ig_error *err) {
    IG_TRY(ig_buf_status(&p->block, err));
    trim(&p->block);
    if (!p->block.len) return IG_OK;
    if (p->text.len && p->text.len + 1 + p->block.len > p->max) IG_TRY(flush(p, err));
    if (p->block.len > p->max) IG_TRY(emit_pieces(p, err));
    else {
        if (p->text.len) ig_buf_putc(&p->text, '\n');
        else p->line = p->block_line;
        ig_buf_append(&p->text, p->block.data, p->block.len);
    }
    ig_buf_clear(&p->block);
    return ig_buf_status(&p->text, err);
}

ig_status passages_heading(passages *p, int level, const char *anchor, ig_error *err) {
    IG_TRY(ig_buf_status(&p->block, err));
    trim(&p->block);
    if (!p->block.len) return IG_OK;
    IG_TRY(flush(p, err));
    for (int i = level - 1; i < HEADING_LEVELS; i++) ig_buf_clear(&p->heading[i]);
    size_t n = p->block.len > 200 ? 200 : p->block.len; /* a heading that is a whole text is a mistake of its page */
    while (n < p->block.len && ((unsigned char)p->block.data[n] & 0xC0) == 0x80) n--;
    ig_buf_append(&p->heading[level - 1], p->block.data, n);
    ig_buf_clear(&p->anchor);
    if (anchor) ig_buf_puts(&p->anchor, anchor);
    ig_buf_clear(&p->block);
    return ig_buf_status(&p->heading[level - 1], err);
}

ig_status passages_finish(passages *p, ig_error *err) {
    IG_TRY(passages_end(p, err));
    return flush(p, err);
}
