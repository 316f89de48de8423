/* data/document_html.c: the content of a page through gumbo, without what surrounds it.
 *
 * Read is <main>, else the first <article>, else <body>; navigation, buttons, scripts and what is hidden are left out.  A form
 * is read, since some servers wrap the whole page in one.  A page from anywhere may nest a million elements, or make gumbo copy
 * formatting elements without end.  So its tree lives in an arena with a limit of bytes and time, left by longjmp when it is
 * reached, and freed whole; and the walk goes by parent pointers, not by recursion.
 */
#include <gumbo.h>
#include <setjmp.h>
#include <string.h>
#include <strings.h>

#include "data/passages.h"

/* ---- the arena ------------------------------------------------------------------------------------------------------ */

typedef struct arena_block {
    struct arena_block *next;
    max_align_t bytes[];
} arena_block;

typedef struct arena {
    arena_block *first;
    size_t used, size, total, calls; /* used, size: of the first block */
    double until;
    ig_status status;
    jmp_buf out;
} arena;

static void leave(arena *a, ig_status status) {
    a->status = status;
    longjmp(a->out, 1);
}

static void *arena_take(void *arg, size_t n) {
    arena *a = arg;
    if (n > IG_HTML_TREE_BYTES_MAX) leave(a, IG_E_LIMIT);
    n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (++a->calls % 64 == 0 && ig_clock() > a->until) leave(a, IG_E_LIMIT);
    if (!a->first || a->size - a->used < n) {
        size_t size = n > 1 << 18 ? n : 1 << 18;
        if (size > IG_HTML_TREE_BYTES_MAX - a->total) leave(a, IG_E_LIMIT);
        arena_block *b = ig_malloc(sizeof *b + size);
        if (!b) leave(a, IG_E_NOMEM);
        b->next = a->first;
        a->first = b;
        a->used = 0, a->size = size, a->total += size;
    }
    a->used += n;
    return (char *)a->first->bytes + a->used - n;
}

static void arena_keep(void *arg, void *p) {
    (void)arg, (void)p; /* all at once, at the end */
}

static void arena_fini(arena *a) {
    for (arena_block *b = a->first, *next; b; b = next) {
        next = b->next;
        ig_free(b);
    }
}

static const GumboNode *parse_tree(arena *a, const char *text, size_t len) {
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = arena_take;
    options.deallocator = arena_keep;
    options.userdata = a;
    options.max_errors = 0;
    a->until = ig_clock() + IG_HTML_SECONDS_MAX;
    if (setjmp(a->out)) return NULL;
    return gumbo_parse_with_options(&options, text, len)->root;
}

/* ---- the walk ------------------------------------------------------------------------------------------------------- */

static const GumboNode *child(const GumboNode *n, size_t i) {
    if (n->type != GUMBO_NODE_ELEMENT && n->type != GUMBO_NODE_TEMPLATE) return NULL;
    return i < n->v.element.children.length ? n->v.element.children.data[i] : NULL;
}

/* The node after n in the order of the text, within root; `into`: its children too. */
static const GumboNode *next_node(const GumboNode *n, const GumboNode *root, bool into) {
    const GumboNode *c = into ? child(n, 0) : NULL;
    while (!c && n != root) {
        c = child(n->parent, n->index_within_parent + 1);
        n = n->parent;
    }
    return c;
}

static GumboTag tag_of(const GumboNode *n) {
    return n->type == GUMBO_NODE_ELEMENT ? n->v.element.tag : GUMBO_TAG_UNKNOWN;
}

static const char *attribute(const GumboNode *n, const char *name) {
    const GumboAttribute *a = n->type == GUMBO_NODE_ELEMENT ? gumbo_get_attribute(&n->v.element.attributes, name) : NULL;
    return a ? a->value : "";
}

static bool one_of(GumboTag tag, const GumboTag *list) {
    for (; *list != GUMBO_TAG_UNKNOWN; list++)
        if (*list == tag) return true;
    return false;
}

static bool left_out(const GumboNode *n, bool whole_body) {
    static const GumboTag always[] = {GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_NOSCRIPT, GUMBO_TAG_TEMPLATE, GUMBO_TAG_NAV, GUMBO_TAG_ASIDE,
        GUMBO_TAG_BUTTON, GUMBO_TAG_SELECT, GUMBO_TAG_TEXTAREA, GUMBO_TAG_IFRAME, GUMBO_TAG_SVG, GUMBO_TAG_MATH,
        GUMBO_TAG_FOOTER, GUMBO_TAG_HEAD, GUMBO_TAG_UNKNOWN};
    static const char *const roles[] = {"navigation", "banner", "contentinfo", "search", "dialog", "menu"};
    if (n->type == GUMBO_NODE_TEMPLATE) return true;
    if (n->type != GUMBO_NODE_ELEMENT) return false;
    if (one_of(n->v.element.tag, always) || (whole_body && n->v.element.tag == GUMBO_TAG_HEADER)) return true;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcasecmp(attribute(n, "role"), roles[i]) == 0) return true;
    return gumbo_get_attribute(&n->v.element.attributes, "hidden") || strcmp(attribute(n, "aria-hidden"), "true") == 0;
}

static int heading_level(GumboTag tag) {
    if (tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6) return (int)(tag - GUMBO_TAG_H1) + 1;
    return tag == GUMBO_TAG_DT || tag == GUMBO_TAG_SUMMARY ? HEADING_LEVELS : 0;
}

static bool is_block(GumboTag tag) {
    static const GumboTag blocks[] = {GUMBO_TAG_P, GUMBO_TAG_DIV, GUMBO_TAG_LI, GUMBO_TAG_UL, GUMBO_TAG_OL, GUMBO_TAG_DL, GUMBO_TAG_DD,
        GUMBO_TAG_PRE, GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_SECTION, GUMBO_TAG_ARTICLE, GUMBO_TAG_MAIN, GUMBO_TAG_HEADER, GUMBO_TAG_TABLE,
        GUMBO_TAG_TR, GUMBO_TAG_CAPTION, GUMBO_TAG_DETAILS, GUMBO_TAG_FIGURE, GUMBO_TAG_FIGCAPTION, GUMBO_TAG_HR, GUMBO_TAG_ADDRESS,
        GUMBO_TAG_BODY, GUMBO_TAG_UNKNOWN};
    return one_of(tag, blocks) || heading_level(tag);
}

static const GumboNode *find_tag(const GumboNode *root, GumboTag tag) {
    const GumboNode *n = root;
    while (n && tag_of(n) != tag) n = next_node(n, root, true);
    return n;
}

static ig_status enter(passages *p, const GumboNode *n, ig_error *err) {
    GumboTag tag = tag_of(n);
    if (is_block(tag)) IG_TRY(passages_end(p, err));
    if (tag == GUMBO_TAG_PRE) p->verbatim = true;
    if (tag == GUMBO_TAG_BR) passages_break(p);
    if ((tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) && p->block.len) passages_put(p, " | ", 3, 0);
    if (n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE || n->type == GUMBO_NODE_CDATA)
        passages_put(p, n->v.text.text, strlen(n->v.text.text), (int)n->v.text.start_pos.line);
    return ig_buf_status(&p->block, err);
}

static ig_status leave_element(passages *p, const GumboNode *n, ig_error *err) {
    GumboTag tag = tag_of(n);
    if (tag == GUMBO_TAG_PRE) p->verbatim = false;
    if (!is_block(tag)) return IG_OK;
    if (!heading_level(tag)) return passages_end(p, err);
    const char *anchor = attribute(n, "id");
    if (!*anchor && child(n, 0)) anchor = attribute(child(n, 0), "id");
    if (!*anchor && n->index_within_parent <= 1) anchor = attribute(n->parent, "id");
    return passages_heading(p, heading_level(tag), anchor, err);
}

/* Every node is entered once and left once. */
static ig_status walk(passages *p, const GumboNode *root, bool whole_body, ig_error *err) {
    const GumboNode *n = root;
    while (n) {
        bool out = n != root && left_out(n, whole_body);
        if (!out) IG_TRY(enter(p, n, err));
        const GumboNode *next = out ? NULL : child(n, 0);
        while (!next) {
            if (!out) IG_TRY(leave_element(p, n, err));
            if (n == root) return passages_finish(p, err);
            next = child(n->parent, n->index_within_parent + 1);
            if (!next) n = n->parent;
            out = false;
        }
        n = next;
    }
    return passages_finish(p, err);
}

static ig_status read_tree(const GumboNode *root, passages *p, ig_error *err) {
    const GumboNode *title = find_tag(root, GUMBO_TAG_TITLE), *main_part = find_tag(root, GUMBO_TAG_MAIN);
    if (title && child(title, 0) && child(title, 0)->type == GUMBO_NODE_TEXT) {
        passages_put(p, child(title, 0)->v.text.text, strlen(child(title, 0)->v.text.text), 1);
        ig_buf_append(&p->document_title, p->block.data ? p->block.data : "", p->block.len);
        IG_TRY(ig_buf_status(&p->document_title, err));
        ig_buf_clear(&p->block);
    }
    if (!main_part) main_part = find_tag(root, GUMBO_TAG_ARTICLE);
    return walk(p, main_part ? main_part : root, !main_part, err);
}

ig_status html_read(const char *text, size_t len, passages *p, ig_error *err) {
    arena a = {0};
    if (len > IG_HTML_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, p->file, 0, "the page has %zu bytes, at most %zu are read", len, IG_HTML_BYTES_MAX);
    const GumboNode *root = parse_tree(&a, text, len);
    ig_status status;
    if (root) status = read_tree(root, p, err);
    else if (a.status == IG_E_NOMEM) status = ig_error_nomem(err, 0);
    else status = ig_error_at(err, IG_E_LIMIT, p->file, 0, "the page's elements are nested so that its tree takes too much memory or time");
    arena_fini(&a);
    return status;
}
