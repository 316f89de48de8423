/* features/support/learn.c: what content and feedback teach, as cases.
 *
 *     an item's question          {"item": its id}            the team wrote it
 *     a thumb up                  {"item": what was answered}
 *     a thumb down                {"not": [what was answered]}
 *     a correction to an item     {"item": that item}
 *     a click on a suggestion     {"item": that item}, for half
 *     no feedback, with consent   no expectation: an unlabelled question
 *
 * A correction in free words teaches nothing by itself: staff make it content.  The group of a case is what its question says,
 * whatever its order and endings: "how do I return it?" and "how can I return it" are held out together or not at all.
 */
#include <string.h>

#include "features/support/support.h"

#define CLICK_WEIGHT 0.5
#define CONFIRMED_WEIGHT 0.5 /* a voice that weighs less confirms nothing */

static void write_request(ig_buf *out, const char *question) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    ig_json_key(&j, "question"), ig_json_text(&j, question);
    ig_json_close(&j, '}');
}

static void write_item(ig_buf *out, const char *item) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    ig_json_key(&j, "item"), ig_json_text(&j, item);
    ig_json_close(&j, '}');
}

static void write_not(ig_buf *out, const char *item) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    ig_json_key(&j, "not"), ig_json_open(&j, '['), ig_json_text(&j, item), ig_json_close(&j, ']');
    ig_json_close(&j, '}');
}

typedef enum saying { SAYS_RIGHT, SAYS_WRONG, SAYS_NOTHING } saying;

typedef struct lesson {
    const char *id, *question, *item;
    saying saying;
    double weight;
    ig_case_origin origin;
    bool confirmed;
} lesson;

static ig_status put(ig_case_sink *sink, const lesson *l, ig_error *err) {
    char group[IG_STORE_ID_SIZE];
    ig_buf request = {.max = IG_STORE_TEXT_MAX}, expected = {.max = IG_STORE_TEXT_MAX};
    ig_status status = support_group(l->question, group, err);
    write_request(&request, l->question);
    if (l->saying == SAYS_RIGHT) write_item(&expected, l->item);
    if (l->saying == SAYS_WRONG) write_not(&expected, l->item);
    if (status == IG_OK) status = ig_buf_status(&request, err);
    if (status == IG_OK) status = ig_buf_status(&expected, err);
    if (status == IG_OK)
        status = ig_case_put(sink, &(ig_case){.id = l->id, .group = group, .request = request.data, .weight = l->weight,
                                              .expected = l->saying == SAYS_NOTHING ? NULL : expected.data, .origin = l->origin,
                                              .confirmed = l->confirmed}, err);
    ig_buf_fini(&request);
    ig_buf_fini(&expected);
    return status;
}

ig_status support_examples(const ig_item *item, const ig_tree *settings, ig_case_sink *sink, ig_error *err) {
    ig_doc *d = NULL;
    size_t n = 0;
    (void)settings;
    IG_TRY(ig_json_parse(item->id, item->body, strlen(item->body), &d, err));
    const ig_tree *forms = ig_tree_get(ig_doc_root(d), "questions");
    ig_status status = IG_OK;
    for (const ig_tree *f = forms ? forms->child : NULL; f && status == IG_OK; f = f->next) {
        char id[2 * IG_STORE_ID_SIZE];
        if (f->type != IG_TREE_TEXT) continue;
        snprintf(id, sizeof id, "%s/%zu", item->id, n++);
        status = put(sink, &(lesson){.id = id, .question = f->text, .item = item->id, .saying = SAYS_RIGHT, .weight = 1,
                                     .origin = IG_CASE_CONTENT, .confirmed = true}, err);
    }
    ig_doc_free(d);
    return status;
}

/* The item that an answer was taken from; NULL when it said that it does not know. */
static const char *answered_item(const ig_tree *answer) {
    const ig_tree *sources = ig_tree_get(answer, "sources");
    return sources && sources->child ? ig_tree_text(sources->child, "item", NULL) : NULL;
}

/* What one piece of feedback says; false: nothing that can be learned. */
static bool understand(const ig_said *s, const ig_tree *answer, const ig_tree *body, lesson *l) {
    const char *type = s->feedback->type, *item = answered_item(answer), *named = body ? ig_tree_text(body, "item", NULL) : NULL;
    l->weight = s->weight;
    l->origin = s->feedback->staff ? IG_CASE_STAFF : IG_CASE_FEEDBACK;
    l->saying = SAYS_RIGHT;
    if (!strcmp(type, "correction") || !strcmp(type, "label")) l->item = named;
    else if (!strcmp(type, "click") || !strcmp(type, "conversion")) l->item = named, l->weight *= CLICK_WEIGHT;
    else if (!strcmp(type, "like")) l->item = item;
    else if (!strcmp(type, "dislike")) l->item = item, l->saying = SAYS_WRONG;
    else return false;
    l->confirmed = l->saying == SAYS_RIGHT && l->weight >= CONFIRMED_WEIGHT;
    return l->item != NULL;
}

static ig_status learn_one(const ig_said *s, ig_case_sink *sink, ig_error *err) {
    const ig_store_interaction *i = s->interaction;
    ig_doc *request = NULL, *answer = NULL, *body = NULL;
    lesson l = {.id = s->feedback ? s->feedback->id : i->id, .saying = SAYS_NOTHING, .weight = 1, .origin = IG_CASE_UNLABELLED};
    ig_status status = ig_json_parse(i->id, i->request, strlen(i->request), &request, err);
    if (status == IG_OK) status = ig_json_parse(i->id, i->answer, strlen(i->answer), &answer, err);
    if (status == IG_OK && s->feedback && s->feedback->body && *s->feedback->body)
        status = ig_json_parse(s->feedback->id, s->feedback->body, strlen(s->feedback->body), &body, err);
    if (status == IG_OK) {
        l.question = ig_tree_text(ig_doc_root(request), "question", "");
        bool says = !s->feedback || understand(s, ig_doc_root(answer), body ? ig_doc_root(body) : NULL, &l);
        if (!says) l = (lesson){.id = i->id, .question = l.question, .saying = SAYS_NOTHING, .weight = 1, .origin = IG_CASE_UNLABELLED};
        if (*l.question) status = put(sink, &l, err);
    }
    ig_doc_free(request), ig_doc_free(answer), ig_doc_free(body);
    return status;
}

ig_status support_learn(const ig_said *said, size_t count, const ig_tree *settings, ig_case_sink *sink, ig_error *err) {
    (void)settings;
    for (size_t i = 0; i < count; i++) IG_TRY(learn_one(&said[i], sink, err));
    return IG_OK;
}
