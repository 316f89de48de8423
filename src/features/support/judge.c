/* features/support/judge.c: how good a version is on questions whose answer is known; and why it answered as it did. */
#include <math.h>
#include <string.h>

#include "features/support/desk.h"

#define REASONS 8

enum { ACCURACY, RECALL_3, ANSWERED, WRONG, METRICS };

/* Is one of the items of this unit named? */
static bool names(const desk *d, const ig_tree *expected, uint32_t passage) {
    const char *item = ig_tree_text(expected, "item", NULL);
    const ig_tree *wrong = ig_tree_get(expected, "not");
    if (item) return support_units_find(&d->units, item) == (int64_t)passage;
    for (const ig_tree *t = wrong ? wrong->child : NULL; t; t = t->next)
        if (t->type == IG_TREE_TEXT && support_units_find(&d->units, t->text) == (int64_t)passage) return true;
    return false;
}

static ig_status note_answer(const desk *d, const desk_finding *f, bool answered, char **out, ig_error *err) {
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    const support_unit *x = f->count ? &d->units.at[f->result[0].passage] : NULL;
    ig_json_open(&j, '{');
    ig_json_key(&j, "item");
    if (x) ig_json_text(&j, x->id);
    else ig_json_null(&j);
    ig_json_key(&j, "title"), ig_json_text(&j, x ? x->title : "");
    ig_json_key(&j, "answered"), ig_json_bool(&j, answered);
    ig_json_close(&j, '}');
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) *out = b.data; /* the buffer's memory is ig_malloc's */
    else ig_buf_fini(&b);
    return s;
}

static ig_status judge_one(const desk *d, const ig_tree *request, const ig_tree *expected, ig_judgement *out, ig_error *err) {
    desk_finding f;
    const char *question = ig_tree_text(request, "question", "");
    bool known_wrong = ig_tree_get(expected, "not") != NULL, within = false;
    IG_TRY(desk_find(d, &(desk_query){.question = question, .language = support_language(question), .without_exact = true}, &f, err));
    bool answered = f.count && f.confidence >= desk_threshold(d), named = f.count && names(d, expected, f.result[0].passage);
    for (size_t i = 0; i < f.count && i < 3; i++) within = within || names(d, expected, f.result[i].passage);
    out->right = named && !known_wrong;
    for (size_t i = 0; i < 8; i++) out->value[i] = NAN;
    if (!known_wrong) {
        out->value[ACCURACY] = out->right;
        out->value[RECALL_3] = within;
        out->value[ANSWERED] = answered;
        out->value[WRONG] = answered && !out->right;
    }
    return note_answer(d, &f, answered, &out->answer, err);
}

ig_status desk_judge(void *version, const ig_case *cases, size_t count, ig_judgement *out, ig_error *err) {
    for (size_t i = 0; i < count; i++) {
        ig_doc *request = NULL, *expected = NULL;
        ig_status s = ig_json_parse(cases[i].id, cases[i].request, strlen(cases[i].request), &request, err);
        if (s == IG_OK) s = ig_json_parse(cases[i].id, cases[i].expected, strlen(cases[i].expected), &expected, err);
        if (s == IG_OK) s = judge_one(version, ig_doc_root(request), ig_doc_root(expected), &out[i], err);
        ig_doc_free(request), ig_doc_free(expected);
        IG_TRY(s);
    }
    return IG_OK;
}

/* ---- why ---------------------------------------------------------------------------------------------------------------- */

static void put_parts(ig_json *j, const ig_rank_result *r) {
    ig_json_key(j, "parts"), ig_json_open(j, '[');
    for (int i = 0; i < IG_RANK_FEATURES; i++) {
        if (r->part[i] == 0) continue;
        ig_json_open(j, '{');
        ig_json_key(j, "name"), ig_json_text(j, i == IG_RANK_EXTRA ? "matcher" : ig_rank_feature_name(i));
        ig_json_key(j, "value"), ig_json_real(j, r->part[i]);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

static void put_candidates(const desk *d, ig_json *j, const desk_finding *f) {
    ig_json_key(j, "candidates"), ig_json_open(j, '[');
    for (size_t i = 0; i < f->count && i < 5; i++) {
        const support_unit *x = &d->units.at[f->result[i].passage];
        ig_json_open(j, '{');
        ig_json_key(j, "item"), ig_json_text(j, x->id);
        ig_json_key(j, "title"), ig_json_text(j, x->title);
        ig_json_key(j, "probability"), ig_json_real(j, f->result[i].probability);
        ig_json_key(j, "score"), ig_json_real(j, f->result[i].score);
        put_parts(j, &f->result[i]);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

static ig_status put_reasons(const desk *d, ig_json *j, const char *question, const desk_finding *f, ig_error *err) {
    ig_match_reason reason[REASONS];
    ig_match_near near[REASONS];
    size_t reasons = REASONS, nears = REASONS;
    int32_t label = f->count ? d->units.at[f->result[0].passage].label : -1;
    if (!d->matcher || label < 0) return IG_OK;
    IG_TRY(ig_matcher_explain(d->matcher, question, strlen(question), label, reason, &reasons, near, &nears, err));
    ig_json_key(j, "words"), ig_json_open(j, '[');
    for (size_t i = 0; i < reasons; i++) {
        ig_json_open(j, '{');
        ig_json_key(j, "text"), ig_json_text_n(j, question + reason[i].from, reason[i].to - reason[i].from);
        ig_json_key(j, "value"), ig_json_real(j, reason[i].weight);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
    ig_json_key(j, "near"), ig_json_open(j, '[');
    for (size_t i = 0; i < nears; i++) {
        ig_json_open(j, '{');
        ig_json_key(j, "question"), ig_json_text_n(j, near[i].text, near[i].len);
        ig_json_key(j, "similarity"), ig_json_real(j, near[i].similarity);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
    return IG_OK;
}

ig_status desk_explain(void *version, const ig_ask *ask, const ig_tree *answer, ig_buf *out, ig_error *err) {
    const desk *d = version;
    desk_finding f;
    const char *question = ig_tree_text(ask->request, "question", "");
    ig_json j = {.out = out};
    IG_TRY(desk_find(d, &(desk_query){.question = question, .language = ig_tree_text(answer, "language", NULL), .withdrawn = ask->withdrawn,
                                      .withdrawn_arg = ask->withdrawn_arg}, &f, err));
    ig_json_open(&j, '{');
    ig_json_key(&j, "exact"), ig_json_bool(&j, f.exact);
    ig_json_key(&j, "confidence"), ig_json_real(&j, f.confidence);
    ig_json_key(&j, "threshold"), ig_json_real(&j, desk_threshold(d));
    ig_json_key(&j, "familiar"), ig_json_real(&j, f.in_scope);
    put_candidates(d, &j, &f);
    IG_TRY(put_reasons(d, &j, question, &f, err));
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}
