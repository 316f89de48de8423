/* features/support/answer.c: a question's answer, with its sources; or that the desk does not know.
 *
 * A question that follows another ("and to Norway?") is asked again together with the one before it when it is not understood
 * alone; what the two find counts when the question alone speaks for it, too.
 */
#include <string.h>

#include "features/support/desk.h"
#include "features/support/write.h"

#define SUGGESTION_MIN 0.02
#define ALONE_MIN 0.05 /* of a passage that a question and the one before it find together */

typedef struct answering {
    const desk *d;
    const ig_ask *ask;
    const char *question, *language;
    ig_buf both;             /* the question before it and this one */
    desk_finding found;
} answering;

static ig_status find(answering *a, const char *question, desk_finding *out, ig_error *err) {
    return desk_find(a->d, &(desk_query){.question = question, .language = a->language, .withdrawn = a->ask->withdrawn,
                                         .withdrawn_arg = a->ask->withdrawn_arg}, out, err);
}

static ig_status earlier_question(answering *a, ig_error *err) {
    const ig_store_interaction *last = a->ask->earlier[a->ask->earlier_count - 1].interaction;
    ig_doc *d = NULL;
    IG_TRY(ig_json_parse(last->id, last->request, strlen(last->request), &d, err));
    a->both.max = 2 * SUPPORT_QUESTION_BYTES_MAX + 2;
    ig_buf_printf(&a->both, "%s %s", ig_tree_text(ig_doc_root(d), "question", ""), a->question);
    ig_doc_free(d);
    return ig_buf_status(&a->both, err);
}

/* Does the question speak for a passage without the one before it, too?  Else "who won the match?" would be answered with what was
 * asked before. */
static bool alone_too(const desk_finding *alone, const desk_finding *joined) {
    for (size_t i = 0; joined->count && i < alone->count; i++)
        if (alone->result[i].passage == joined->result[0].passage) return alone->result[i].probability >= ALONE_MIN;
    return false;
}

static ig_status understand(answering *a, ig_error *err) {
    desk_finding joined;
    IG_TRY(find(a, a->question, &a->found, err));
    if (a->found.confidence >= desk_threshold(a->d) || !a->ask->earlier_count) return IG_OK;
    IG_TRY(earlier_question(a, err));
    IG_TRY(find(a, a->both.data, &joined, err));
    if (joined.confidence > a->found.confidence && alone_too(&a->found, &joined)) a->found = joined;
    return IG_OK;
}

/* The first item of a unit that was not withdrawn. */
static const char *live_item(const answering *a, const support_unit *x) {
    for (uint32_t i = 0; i < x->items; i++)
        if (!a->ask->withdrawn(a->ask->withdrawn_arg, a->d->units.item_ids[x->first + i])) return a->d->units.item_ids[x->first + i];
    return x->id;
}

static void put_source(const answering *a, ig_json *j, const ig_rank_result *r, double score, bool whole) {
    const support_unit *x = &a->d->units.at[r->passage];
    ig_json_open(j, '{');
    ig_json_key(j, "item"), ig_json_text(j, live_item(a, x));
    ig_json_key(j, "title"), ig_json_text(j, x->title);
    if (whole) ig_json_key(j, "passage"), ig_json_text(j, x->answer);
    ig_json_key(j, "source"), ig_json_text(j, x->source);
    ig_json_key(j, "line"), ig_json_int(j, x->line);
    if (*x->anchor) ig_json_key(j, "anchor"), ig_json_text(j, x->anchor);
    if (x->page) ig_json_key(j, "page"), ig_json_int(j, x->page);
    ig_json_key(j, "language"), ig_json_text(j, x->language);
    ig_json_key(j, "score"), ig_json_real(j, score);
    ig_json_close(j, '}');
}

static void put_sources(const answering *a, ig_json *j, bool known) {
    size_t most = (size_t)ig_tree_int(ig_doc_root(a->d->settings), "suggestions", 3), first = known ? 1 : 0;
    ig_json_key(j, "sources"), ig_json_open(j, '[');
    if (known) put_source(a, j, &a->found.result[0], a->found.confidence, true);
    ig_json_close(j, ']');
    ig_json_key(j, "suggestions"), ig_json_open(j, '[');
    for (size_t i = first, n = 0; i < a->found.count && n < most; i++) {
        if (a->found.result[i].probability < SUGGESTION_MIN) continue;
        put_source(a, j, &a->found.result[i], a->found.result[i].probability, false);
        n++;
    }
    ig_json_close(j, ']');
}

/* The stored answer; in the other language, after saying so. */
static ig_status stored_text(const answering *a, const support_unit *x, bool other, ig_buf *text, ig_error *err) {
    if (other) ig_buf_printf(text, "%s\n\n", support_says(SUPPORT_SAYS_OTHER_LANGUAGE, a->language));
    ig_buf_puts(text, x->answer);
    return ig_buf_status(text, err);
}

static ig_status make_text(const answering *a, bool known, bool *other, bool *written, ig_buf *text, ig_error *err) {
    *other = *written = false;
    if (!known) {
        support_unknown(ig_doc_root(a->d->settings), a->language, text);
        return ig_buf_status(text, err);
    }
    const support_unit *x = &a->d->units.at[a->found.result[0].passage];
    *other = strcmp(x->language, a->language) != 0;
    if (a->ask->write) {
        IG_TRY(support_write(a->d, a->ask, a->question, a->language, &a->found, text, written, err));
        if (*written) return IG_OK;
    }
    return stored_text(a, x, *other, text, err);
}

static ig_status reply_with(answering *a, ig_reply *reply, ig_error *err) {
    bool known = a->found.count && a->found.confidence >= desk_threshold(a->d), other, written;
    ig_buf text = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = reply->json};
    ig_status s = make_text(a, known, &other, &written, &text, err);
    if (s == IG_OK) {
        ig_json_open(&j, '{');
        ig_json_key(&j, "text"), ig_json_text(&j, text.data);
        ig_json_key(&j, "language"), ig_json_text(&j, a->language);
        ig_json_key(&j, "written"), ig_json_bool(&j, written);
        ig_json_key(&j, "other_language"), ig_json_bool(&j, other);
        put_sources(a, &j, known);
        ig_json_close(&j, '}');
        reply->outcome = known ? IG_OUTCOME_ANSWERED : IG_OUTCOME_UNKNOWN;
        reply->confidence = a->found.confidence;
        if (a->ask->on_text && !written) a->ask->on_text(a->ask->on_text_arg, text.data, text.len);
        s = ig_buf_status(reply->json, err);
    }
    ig_buf_fini(&text);
    return s;
}

static const char *language_to_answer_in(const ig_ask *ask, const char *question) {
    const char *asked = ig_tree_text(ask->request, "language", "auto");
    return strcmp(asked, "auto") ? asked : support_language(question);
}

ig_status desk_answer(void *version, const ig_ask *ask, ig_reply *reply, ig_error *err) {
    answering a = {.d = version, .ask = ask, .question = ig_tree_text(ask->request, "question", "")};
    a.language = language_to_answer_in(ask, a.question);
    ig_status s = understand(&a, err);
    if (s == IG_OK) s = reply_with(&a, reply, err);
    ig_buf_fini(&a.both);
    return s;
}
