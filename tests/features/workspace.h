/* tests/features/workspace.h: a workspace with a loop over the echo kind, and short ways to what every test does. */
#ifndef TESTS_WORKSPACE_H
#define TESTS_WORKSPACE_H

#include "../check.h"

#include <sys/wait.h>
#include <unistd.h>

#include "echo_kind/echo.h"
#include "ingot/features.h"

static const ig_kind *const test_kinds[] = {&echo_kind, NULL};
static char root[300];

typedef struct workspace {
    ig_context *ctx;
    ig_store *store;
    ig_loop *loop;
} workspace;

static inline ig_status workspace_try(workspace *w, const char *folder, ig_error *err) {
    char path[400];
    *w = (workspace){0};
    snprintf(path, sizeof path, "%s/store", folder);
    IG_TRY(ig_context_new(&(ig_context_opts){.threads = 1}, &w->ctx, err));
    IG_TRY(ig_store_open(path, &(ig_store_opts){0}, &w->store, err));
    return ig_loop_open(w->ctx, &(ig_loop_opts){.workspace = folder, .store = w->store, .kinds = test_kinds}, &w->loop, err);
}

static inline void workspace_close(workspace *w) {
    ig_loop_close(w->loop);
    ig_store_close(w->store);
    ig_context_free(w->ctx);
}

static inline workspace workspace_open(void) {
    ig_error err = {0};
    workspace w;
    check_ok(workspace_try(&w, root, &err));
    return w;
}

static inline int make_root(void **state) {
    (void)state;
    const char *places[] = {getenv("TMPDIR"), "/dev/shm", "/tmp"};
    for (int i = 0; i < 3; i++) {
        snprintf(root, sizeof root, "%s/ingot-loop-XXXXXX", places[i] ? places[i] : "");
        if (places[i] && mkdtemp(root)) return 0;
    }
    return -1;
}

static inline int remove_root(void **state) {
    (void)state;
    return ig_dir_remove(root, NULL) == IG_OK ? 0 : -1;
}

static inline ig_doc *json(const char *text) {
    ig_error err = {0};
    ig_doc *d = NULL;
    check_ok(ig_json_parse("test", text, strlen(text), &d, &err));
    return d;
}

#define SOURCE(s) (&(ig_source){.field = "table", .text = s, .len = strlen(s), .name = "table.json"})

static inline ig_status new_feature(workspace *w, const char *name, const char *settings, const char *items, ig_error *err) {
    ig_doc *d = json(settings);
    ig_buf out = {.max = 1 << 20};
    ig_status s = ig_loop_new(w->loop, name, "echo", ig_doc_root(d), SOURCE(items), 1, NULL, &out, err);
    ig_buf_fini(&out);
    ig_doc_free(d);
    return s;
}

static inline ig_status add_items(workspace *w, const char *name, const char *items, bool force, ig_error *err) {
    ig_buf out = {.max = 1 << 20};
    ig_status s = ig_loop_add(w->loop, name, SOURCE(items), 1, force, NULL, &out, err);
    ig_buf_fini(&out);
    return s;
}

/* The answer's text into `text`, the interaction's id into `id`; either may be NULL. */
static inline ig_status ask_try(workspace *w, const char *name, const char *question, char id[IG_STORE_ID_SIZE], char text[64],
                                ig_error *err) {
    char request[256];
    ig_buf out = {.max = 1 << 20};
    snprintf(request, sizeof request, "{\"question\":\"%s\"}", question);
    ig_doc *q = json(request), *d = NULL;
    ig_status s = ig_loop_ask(w->loop, name, ig_doc_root(q), &(ig_ask_opts){.user = "anna"}, &out, err);
    if (s == IG_OK) s = ig_json_parse("answer", out.data, out.len, &d, err);
    if (s == IG_OK && id) snprintf(id, IG_STORE_ID_SIZE, "%s", ig_tree_text(ig_doc_root(d), "id", ""));
    if (s == IG_OK && text) snprintf(text, 64, "%s", ig_tree_text(ig_tree_get(ig_doc_root(d), "answer"), "text", "?"));
    ig_doc_free(d);
    ig_doc_free(q);
    ig_buf_fini(&out);
    return s;
}

static inline void check_answer(workspace *w, const char *name, const char *question, const char *expected) {
    ig_error err = {0};
    char text[64];
    check_ok(ask_try(w, name, question, NULL, text, &err));
    assert_string_equal(text, expected);
}

static inline ig_status correct(workspace *w, const char *name, const char *question, const char *answer, const char *user,
                                bool staff, ig_error *err) {
    char id[IG_STORE_ID_SIZE], body[128];
    ig_buf out = {.max = 1 << 20};
    IG_TRY(ask_try(w, name, question, id, NULL, err));
    snprintf(body, sizeof body, "{\"answer\":\"%s\"}", answer);
    ig_doc *d = json(body);
    ig_status s = ig_loop_feedback(
        w->loop, id, &(ig_feedback_opts){.type = "correction", .correction = ig_doc_root(d), .user = user, .staff = staff},
        &out, err);
    ig_doc_free(d);
    ig_buf_fini(&out);
    return s;
}

/* "topic N" for `count` numbers from `from` on. */
static inline void correct_many(workspace *w, const char *name, const char *topic, int from, int count, const char *answer,
                                bool staff) {
    ig_error err = {0};
    for (int i = from; i < from + count; i++) {
        char question[64];
        snprintf(question, sizeof question, "%s %d", topic, i);
        check_ok(correct(w, name, question, answer, staff ? "staff" : "somebody", staff, &err));
    }
}

static inline ig_status improve(workspace *w, const char *name, char verdict[24], ig_error *err) {
    ig_buf out = {.max = 1 << 24};
    ig_doc *d = NULL;
    ig_status s = ig_loop_improve(w->loop, name, NULL, &out, err);
    if (s == IG_OK) s = ig_json_parse("version", out.data, out.len, &d, err);
    if (s == IG_OK && verdict)
        snprintf(verdict, 24, "%s", ig_tree_text(ig_tree_get(ig_doc_root(d), "comparison"), "verdict", "?"));
    ig_doc_free(d);
    ig_buf_fini(&out);
    return s;
}

#endif
