/* base/doc.c: documents from files, and values set from the command line (--set train.lr=0.1). */
#include <string.h>

#include "base/tree.h"

static bool has_suffix(const char *s, const char *suffix) {
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

ig_status ig_doc_load(const char *path, size_t max, ig_doc **out, ig_error *err) {
    *out = NULL;
    ig_buf text = {.max = max};
    ig_status status = ig_file_read(path, max, &text, err);
    if (status == IG_OK) {
        bool yaml = has_suffix(path, ".yaml") || has_suffix(path, ".yml");
        status = yaml ? ig_yaml_parse(path, text.data, text.len, out, err) : ig_json_parse(path, text.data, text.len, out, err);
    }
    ig_buf_fini(&text);
    return status;
}

/* Where a value goes: the deepest node of the path that is there, and the keys that are not. */
typedef struct place {
    ig_tree *at;
    const char *rest; /* "" when `at` is the value itself */
    int depth;        /* levels above the value */
} place;

static ig_tree *child_named(ig_tree *map, const char *key, size_t n) {
    for (ig_tree *c = map->child; c; c = c->next) {
        if (strncmp(c->key, key, n) == 0 && c->key[n] == '\0') return c;
    }
    return NULL;
}

static ig_status check_path(const char *path, int *depth, ig_error *err) {
    *depth = 0;
    for (const char *p = path;; p++) {
        size_t n = strcspn(p, ".");
        if (n == 0) return ig_error_set(err, IG_E_ARG, "\"%.80s\": a path is made of keys with dots between them", path);
        ++*depth;
        p += n;
        if (*p == '\0') break;
    }
    if (*depth >= IG_TREE_DEPTH_MAX) return ig_error_set(err, IG_E_LIMIT, "\"%.80s\": too deep", path);
    return IG_OK;
}

static ig_status find_place(ig_tree *root, const char *path, place *out, ig_error *err) {
    IG_TRY(check_path(path, &out->depth, err));
    ig_tree *t = root;
    const char *p = path;
    while (*p) {
        if (t->type == IG_TREE_NULL) break; /* "train:" with nothing after it becomes a map */
        if (t->type != IG_TREE_MAP) {
            size_t n = p > path ? (size_t)(p - path - 1) : 0;
            return ig_error_set(err, IG_E_ARG, "%s: %.*s is %s, not a map", path, n ? (int)n : 12, n ? path : "the document",
                                ig_tree_type_name(t->type));
        }
        size_t n = strcspn(p, ".");
        ig_tree *c = child_named(t, p, n);
        if (!c) break;
        t = c;
        p += p[n] ? n + 1 : n;
    }
    out->at = t;
    out->rest = p;
    return IG_OK;
}

/* The chain of new maps that ends in `value`, from the inside out, not linked to the tree yet. */
static ig_tree *make_chain(ig_doc *d, const char *rest, ig_tree *value) {
    size_t end = strlen(rest);
    for (;;) {
        size_t start = end;
        while (start > 0 && rest[start - 1] != '.') start--;
        char *key = ig_doc_alloc(d, end - start + 1);
        if (!key) return NULL;
        memcpy(key, rest + start, end - start);
        value->key = key;
        if (start == 0) return value;
        ig_tree *map = ig_doc_alloc(d, sizeof *map);
        if (!map) return NULL;
        map->type = IG_TREE_MAP;
        map->child = value;
        map->count = 1;
        value = map;
        end = start - 1;
    }
}

static void append_child(ig_tree *map, ig_tree *child) {
    if (map->type == IG_TREE_NULL) map->type = IG_TREE_MAP;
    ig_tree **link = &map->child;
    while (*link) link = &(*link)->next;
    *link = child;
    map->count++;
}

static void replace(ig_tree *old, const ig_tree *value) {
    const char *key = old->key;
    ig_tree *next = old->next;
    *old = *value;
    old->key = key;
    old->next = next;
}

static int height(const ig_tree *t) {
    int most = 0;
    for (const ig_tree *c = t->child; c; c = c->next) {
        int h = height(c);
        if (h > most) most = h;
    }
    return most + (t->type == IG_TREE_LIST || t->type == IG_TREE_MAP);
}

static ig_status put_value(ig_doc *d, const char *path, ig_tree *value, ig_error *err) {
    place p = {0};
    IG_TRY(find_place(ig_doc_root(d), path, &p, err));
    if (p.depth + height(value) > IG_TREE_DEPTH_MAX) return ig_error_set(err, IG_E_LIMIT, "\"%.80s\": too deep", path);
    if (!*p.rest) {
        replace(p.at, value);
        return IG_OK;
    }
    ig_tree *chain = make_chain(d, p.rest, value);
    if (!chain) return ig_error_nomem(err, 0);
    append_child(p.at, chain);
    return IG_OK;
}

/* All is made before anything is linked: after a failure the document is what it was. */
ig_status ig_doc_set(ig_doc *d, const char *path, const char *yaml_value, ig_error *err) {
    ig_tree_builder b;
    ig_builder_init(&b, d, path, false);
    ig_status status = ig_yaml_build(&b, yaml_value, strlen(yaml_value), err);
    ig_builder_fini(&b);
    if (status != IG_OK) return status;
    return put_value(d, path, b.root, err);
}
