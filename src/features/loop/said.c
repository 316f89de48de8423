/* features/loop/said.c: everything that was said to a feature, in memory, oldest first.
 *
 * Rows of the store are borrowed during a call only: they are copied.  An interaction that has several pieces of feedback is
 * there once per piece.
 */
#include "features/loop/loop.h"

static ig_status copy_text(char **to, const char *from, ig_error *err) {
    *to = from ? ig_strdup(from) : NULL;
    return from && !*to ? ig_error_nomem(err, strlen(from)) : IG_OK;
}

static ig_status make_room(loop_said *s, ig_error *err) {
    if (s->rows < s->cap) return IG_OK;
    size_t cap = s->cap ? s->cap * 2 : 64;
    ig_store_interaction *i = ig_realloc_array(s->interactions, cap, sizeof *i);
    if (i) s->interactions = i;
    ig_store_feedback *f = ig_realloc_array(s->feedbacks, cap, sizeof *f);
    if (f) s->feedbacks = f;
    bool *has = ig_realloc_array(s->has_feedback, cap, sizeof *has);
    if (has) s->has_feedback = has;
    if (!i || !f || !has) return ig_error_nomem(err, cap * sizeof *i);
    s->cap = cap;
    return IG_OK;
}

static ig_status take(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    loop_said *s = arg;
    IG_TRY(make_room(s, err));
    ig_store_interaction *ni = &s->interactions[s->rows];
    ig_store_feedback *nf = &s->feedbacks[s->rows];
    *ni = *i;
    *nf = f ? *f : (ig_store_feedback){0};
    ni->request = ni->answer = NULL;
    nf->reason = nf->body = NULL;
    s->has_feedback[s->rows++] = f != NULL; /* from here on it is freed with the list */
    IG_TRY(copy_text(&ni->request, i->request, err));
    IG_TRY(copy_text(&ni->answer, i->answer, err));
    if (!f) return IG_OK;
    if (f->number > s->last) s->last = f->number;
    IG_TRY(copy_text(&nf->reason, f->reason, err));
    return copy_text(&nf->body, f->body, err);
}

/* The newest come first from the store, so that a limit keeps these; they are turned round here. */
static ig_status order(loop_said *s, int64_t since, ig_error *err) {
    s->at = ig_calloc(s->rows + 1, sizeof *s->at);
    if (!s->at) return ig_error_nomem(err, s->rows * sizeof *s->at);
    for (size_t i = s->rows; i-- > 0;) {
        const ig_store_feedback *f = s->has_feedback[i] ? &s->feedbacks[i] : NULL;
        s->at[s->count++] = (ig_said){&s->interactions[i], f, 1};
        s->fresh += f && f->number > since;
    }
    return IG_OK;
}

ig_status loop_said_load(ig_loop *l, const char *feature, int64_t since, loop_said *out, ig_error *err) {
    ig_store_said_opts o = {.consent = true, .newest_first = true, .limit = IG_LOOP_SAID_MAX};
    *out = (loop_said){.voices_down = {.max = LOOP_ANSWER_BYTES_MAX}};
    ig_status s = ig_store_said_each(l->store, feature, &o, take, out, err);
    if (s == IG_OK) s = order(out, since, err);
    if (s == IG_OK) s = loop_said_weigh(out, err);
    if (s != IG_OK) loop_said_fini(out);
    return s;
}

void loop_said_fini(loop_said *s) {
    for (size_t i = 0; i < s->rows; i++) {
        ig_store_interaction_fini(&s->interactions[i]);
        ig_store_feedback_fini(&s->feedbacks[i]);
    }
    ig_free(s->interactions);
    ig_free(s->feedbacks);
    ig_free(s->has_feedback);
    ig_free(s->at);
    ig_buf_fini(&s->voices_down);
    *s = (loop_said){0};
}

ig_status loop_learned_last(ig_loop *l, const char *feature, int64_t *last, ig_error *err) {
    ig_store_feature_version *v = NULL;
    size_t count = 0;
    *last = 0;
    IG_TRY(ig_store_feature_version_list(l->store, feature, &v, &count, err));
    ig_status s = IG_OK;
    for (size_t i = 0; i < count && *last == 0 && s == IG_OK; i++) {
        ig_doc *d = NULL;
        if (v[i].status == IG_VERSION_FAILED || !v[i].card || !*v[i].card || strcmp(v[i].reason, "learn") != 0) continue;
        s = ig_json_parse("card", v[i].card, strlen(v[i].card), &d, err);
        const ig_tree *n = s == IG_OK ? ig_tree_path(ig_doc_root(d), "learned.last") : NULL;
        if (n && n->type == IG_TREE_INT) *last = n->integer;
        ig_doc_free(d);
    }
    ig_store_feature_versions_free(v, count);
    return s;
}
