/* features/loop/judge.c: what a version makes of cases whose answer is known; known answers before content goes live. */
#include "features/loop/loop.h"

#define KNOWN_MAX 2000 /* known answers that a change of content is tried on, spread evenly over all */

void loop_judgements_free(ig_judgement *j, size_t count) {
    for (size_t i = 0; j && i < count; i++) ig_free(j[i].answer);
    ig_free(j);
}

ig_status loop_judge(const ig_kind *k, void *version, const ig_case *cases, size_t count, ig_judgement **out, ig_error *err) {
    ig_judgement *j = ig_calloc(count + 1, sizeof *j);
    *out = NULL;
    if (!j) return ig_error_nomem(err, (count + 1) * sizeof *j);
    ig_status s = count ? k->judge(version, cases, count, j, err) : IG_OK;
    if (s != IG_OK) {
        loop_judgements_free(j, count);
        return s;
    }
    *out = j;
    return IG_OK;
}

ig_status loop_judge_folder(ig_loop *l, const ig_kind *k, const ig_tree *settings, const char *folder, const ig_case *cases,
                            size_t count, ig_judgement **out, ig_error *err) {
    void *version = NULL;
    *out = NULL;
    IG_TRY(k->open(l->ctx, folder, settings, &version, err));
    ig_status s = loop_judge(k, version, cases, count, out, err);
    k->close(version);
    return s;
}

/* What people confirmed, and what the content itself says. */
static ig_status known_cases(ig_loop *l, const loop_feature *f, const ig_tree *settings, const loop_items *items,
                             loop_cases *out, ig_error *err) {
    loop_said said = {0};
    ig_case_sink sink = {out};
    IG_TRY(loop_cases_of_items(f->kind, settings, items, out, err));
    IG_TRY(loop_said_load(l, f->row.id, 0, &said, err));
    ig_status s = f->kind->learn(said.at, said.count, settings, &sink, err);
    loop_said_fini(&said);
    return s;
}

/* Moves the cases to be tried to the front. */
static size_t choose(loop_cases *x) {
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < x->count; i++) {
        ig_case c = x->at[i];
        if (!c.expected || loop_case_is_not(&c) || (c.origin != IG_CASE_CONTENT && !c.confirmed)) continue;
        x->at[i] = x->at[n];
        x->at[n++] = c;
    }
    for (size_t i = 0; i < n && n > KNOWN_MAX && kept < KNOWN_MAX; i = (++kept) * n / KNOWN_MAX) {
        ig_case c = x->at[i];
        x->at[i] = x->at[kept];
        x->at[kept] = c;
    }
    return n > KNOWN_MAX ? KNOWN_MAX : n;
}

static void put_broken(ig_buf *list, const ig_case *c, const ig_judgement *before, const ig_judgement *after, size_t nth) {
    ig_json j = {.out = list};
    if (nth > LOOP_LISTED_MAX) return;
    if (nth > 1) ig_buf_putc(list, ',');
    ig_json_open(&j, '{');
    loop_json_key_raw(&j, "request", c->request);
    loop_json_key_raw(&j, "expected", c->expected);
    loop_json_key_raw(&j, "from", before->answer);
    loop_json_key_raw(&j, "to", after->answer);
    ig_json_close(&j, '}');
}

static ig_status try_both(ig_loop *l, const loop_feature *f, const ig_tree *settings, const char *folder, const ig_case *cases,
                          size_t n, ig_buf *list, size_t *broken, ig_error *err) {
    loop_use live;
    ig_judgement *before = NULL, *after = NULL;
    IG_TRY(loop_use_begin(l, f->row.name, f->row.live, 1, &live, err));
    ig_status s = loop_judge(f->kind, live.handle, cases, n, &before, err);
    if (s == IG_OK) s = loop_judge_folder(l, f->kind, settings, folder, cases, n, &after, err);
    for (size_t i = 0; i < n && s == IG_OK; i++)
        if (before[i].right && !after[i].right) put_broken(list, &cases[i], &before[i], &after[i], ++*broken);
    loop_judgements_free(before, n);
    loop_judgements_free(after, n);
    loop_use_end(l, &live);
    return s == IG_OK ? ig_buf_status(list, err) : s;
}

ig_status loop_known_answers(ig_loop *l, const loop_feature *f, const ig_tree *settings, const char *folder,
                             const loop_items *items, ig_buf *list, size_t *broken, ig_error *err) {
    loop_cases cases = {0};
    *broken = 0;
    ig_status s = known_cases(l, f, settings, items, &cases, err);
    if (s == IG_OK) s = try_both(l, f, settings, folder, cases.at, choose(&cases), list, broken, err);
    loop_cases_fini(&cases);
    return s;
}
