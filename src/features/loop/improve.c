/* features/loop/improve.c: what was said becomes a candidate, measured beside the live version; compare, by hand.
 *
 *     train.lock ─► said, weighed ─► cases ─► build ─► compare with the live one ─► version, candidate
 *
 * train.lock is held throughout, build.lock is not: content may be added while a version learns.  A candidate whose content is
 * older than the feature's is brought up to it when it is promoted.
 */
#include "features/loop/loop.h"

typedef struct lesson {
    ig_loop *l;
    const ig_doing *doing;
    loop_feature f;
    loop_lock lock;
    loop_said said;
    loop_items items;
    loop_cases cases;   /* of content and of what was said */
    ig_case *learn;     /* those that are learned from */
    size_t learn_count;
    loop_draft draft;
    ig_buf comparison;
} lesson;

static void lesson_fini(lesson *x) {
    loop_lock_drop(&x->lock);
    loop_said_fini(&x->said);
    loop_items_fini(&x->items);
    ig_free(x->learn);
    loop_cases_fini(&x->cases);
    loop_feature_fini(&x->f);
    ig_buf_fini(&x->comparison);
}

static ig_status gather(lesson *x, const char *name, bool only_new, ig_error *err) {
    int64_t last;
    ig_case_sink sink = {&x->cases};
    IG_TRY(loop_feature_get(x->l, name, &x->f, err));
    loop_feature_fini(&x->f);
    IG_TRY(loop_lock_take(x->l, name, "train.lock", only_new ? 0 : 30, &x->lock, err));
    IG_TRY(loop_feature_get(x->l, name, &x->f, err));
    IG_TRY(loop_learned_last(x->l, x->f.row.id, &last, err));
    IG_TRY(loop_said_load(x->l, x->f.row.id, last, &x->said, err));
    if (only_new && x->said.fresh == 0)
        return ig_error_set(err, IG_E_STATE, "nothing new was said to \"%s\" that may be learned from", name);
    IG_TRY(loop_items_load(x->l, x->f.row.id, &x->items, err));
    IG_TRY(loop_cases_of_items(x->f.kind, ig_doc_root(x->f.settings), &x->items, &x->cases, err));
    return x->f.kind->learn(x->said.at, x->said.count, ig_doc_root(x->f.settings), &sink, err);
}

/* {"accuracy": {"mean", "lo", "hi", "n"}} from the comparison's side "to". */
static void put_metrics(ig_json *j, const ig_tree *comparison) {
    const ig_tree *list = ig_tree_get(comparison, "metrics");
    ig_json_key(j, "metrics");
    ig_json_open(j, '{');
    for (const ig_tree *m = list ? list->child : NULL; m; m = m->next) {
        const ig_tree *to = ig_tree_get(m, "to");
        ig_json_key(j, ig_tree_text(m, "name", ""));
        ig_json_open(j, '{');
        loop_json_key_real(j, "mean", ig_tree_real(to, "mean", 0));
        loop_json_key_real(j, "lo", ig_tree_real(to, "lo", 0));
        loop_json_key_real(j, "hi", ig_tree_real(to, "hi", 0));
        loop_json_key_int(j, "n", ig_tree_int(m, "n", 0));
        ig_json_close(j, '}');
    }
    ig_json_close(j, '}');
}

static ig_status make_card(const lesson *x, ig_buf *card, ig_error *err) {
    ig_doc *d = NULL;
    ig_json j = {.out = card};
    IG_TRY(ig_json_parse("comparison", x->comparison.data, x->comparison.len, &d, err));
    ig_json_open(&j, '{');
    put_metrics(&j, ig_doc_root(d));
    ig_json_key(&j, "learned");
    ig_json_open(&j, '{');
    loop_json_key_int(&j, "cases", (int64_t)x->learn_count);
    loop_json_key_int(&j, "feedback", (int64_t)x->said.fresh);
    loop_json_key_int(&j, "last", x->said.last);
    loop_json_key_raw(&j, "voices_down", x->said.voices_down.len ? x->said.voices_down.data : "[]");
    ig_json_close(&j, '}');
    ig_json_key(&j, "comparison");
    ig_json_tree(&j, ig_doc_root(d));
    ig_json_close(&j, '}');
    ig_doc_free(d);
    return ig_buf_status(card, err);
}

static ig_status compare_draft(lesson *x, ig_error *err) {
    char live[IG_PATH_MAX];
    loop_pair p = {.from = x->f.row.live, .to = x->draft.number, .from_folder = live, .to_folder = x->draft.folder,
                   .cases = &x->cases, .items = &x->items, .doing = x->doing};
    IG_TRY(loop_version_path(x->l, x->f.row.name, x->f.row.live, live, err));
    return loop_compare_pair(x->l, &x->f, &p, &x->comparison, err);
}

static ig_status learn(lesson *x, ig_error *err) {
    ig_buf card = {.max = IG_STORE_TEXT_MAX};
    const char *who = x->doing ? x->doing->who : NULL;
    x->draft =
        (loop_draft){.l = x->l, .f = &x->f, .settings = ig_doc_root(x->f.settings), .doing = x->doing, .parent = x->f.row.live};
    ig_status s = loop_draft_begin(&x->draft, "learn", x->f.row.content, err);
    if (s == IG_OK) s = loop_cases_to_learn(x->f.row.id, &x->cases, &x->learn, &x->learn_count, err);
    if (s == IG_OK) s = loop_draft_build(&x->draft, IG_BUILD_LEARN, &x->items, x->learn, x->learn_count, err);
    if (s == IG_OK) s = compare_draft(x, err);
    if (s == IG_OK) s = make_card(x, &card, err);
    if (s == IG_OK) s = loop_draft_publish(&x->draft, card.data, err);
    if (s == IG_OK) s = loop_draft_complete(&x->draft, card.data, err);
    if (s == IG_OK) s = ig_store_feature_set_candidate(x->l->store, x->f.row.id, x->draft.number, 0, who, err);
    ig_buf_fini(&card);
    return s;
}

ig_status ig_loop_improve(ig_loop *l, const char *name, const ig_doing *doing, ig_buf *out, ig_error *err) {
    lesson x = {.l = l, .doing = doing, .lock = {-1}, .comparison = {.max = LOOP_ANSWER_BYTES_MAX}};
    ig_error why = {0};
    ig_status s = gather(&x, name, true, &why);
    if (s == IG_OK) {
        s = learn(&x, &why);
        if (s != IG_OK) loop_draft_fail(&x.draft, &why);
        loop_live_forget(l, name);
    }
    if (s == IG_OK) s = loop_version_json(l, x.f.row.id, x.draft.number, out, &why);
    lesson_fini(&x);
    if (s != IG_OK && err) *err = why;
    return s;
}

static ig_status need_folder(const lesson *x, int64_t number, char path[IG_PATH_MAX], ig_error *err) {
    IG_TRY(loop_version_path(x->l, x->f.row.name, number, path, err));
    if (ig_path_is_dir(path)) return IG_OK;
    return ig_error_set(err, IG_E_NOT_FOUND, "\"%s\" has no version %lld", x->f.row.name, (long long)number);
}

ig_status ig_loop_compare(ig_loop *l, const char *name, int64_t a, int64_t b, ig_buf *out, ig_error *err) {
    char from[IG_PATH_MAX], to[IG_PATH_MAX];
    lesson x = {.l = l, .lock = {-1}, .comparison = {.max = LOOP_ANSWER_BYTES_MAX}};
    ig_status s = gather(&x, name, false, err);
    if (s == IG_OK) s = need_folder(&x, a, from, err);
    if (s == IG_OK) s = need_folder(&x, b, to, err);
    if (s == IG_OK) {
        loop_pair p = {.from = a, .to = b, .from_folder = from, .to_folder = to, .cases = &x.cases, .items = &x.items};
        s = loop_compare_pair(l, &x.f, &p, out, err);
    }
    lesson_fini(&x);
    return s;
}
