/* store/feedback.c: what people think of answers.
 *
 * A voice is the user, or the key when no user is named.  Its last thumb on an interaction stands, earlier ones stay as rows
 * that do not; "none" only makes them not stand.  Written through the quick connection, as interactions are.
 */
#include <string.h>

#include "store/said_rows.h"

static const char *const types[] = {"like", "dislike", "none", "correction", "rating", "click", "conversion", "label", NULL};

void ig_store_feedback_fini(ig_store_feedback *f) {
    if (!f) return;
    ig_free(f->reason), ig_free(f->body);
    *f = (ig_store_feedback){0};
}

ig_status store_read_feedback(ig_store_feedback *f, const store_value *v, ig_error *err) {
    f->number = v[0].integer;
    IG_TRY(store_get_text(f->id, sizeof f->id, &v[1], err));
    IG_TRY(store_get_text(f->interaction, sizeof f->interaction, &v[2], err));
    IG_TRY(store_get_text(f->type, sizeof f->type, &v[3], err));
    IG_TRY(store_get_text(f->user, sizeof f->user, &v[4], err));
    IG_TRY(store_get_text(f->who, sizeof f->who, &v[5], err));
    f->staff = v[6].integer != 0, f->value = v[7].real, f->at = v[10].integer;
    IG_TRY(store_get_copy(&f->reason, &v[8], err));
    return store_get_copy(&f->body, &v[9], err);
}

static bool is_thumb(const char *type) {
    return strcmp(type, "like") == 0 || strcmp(type, "dislike") == 0 || strcmp(type, "none") == 0;
}

static ig_status check(const ig_store_feedback *f, ig_error *err) {
    int i = 0;
    while (types[i] && strcmp(types[i], f->type) != 0) i++;
    if (!types[i])
        return ig_error_set(err, IG_E_ARG,
                            "the type of feedback is like, dislike, none, correction, rating, click, conversion or label, not \"%.23s\"",
                            f->type);
    if (f->value != f->value) return ig_error_set(err, IG_E_ARG, "the value of feedback is not a number");
    IG_TRY(store_check_text("the user", f->user, err));
    IG_TRY(store_check_text("the reason", f->reason, err));
    return f->body && *f->body ? store_check_json("the correction", f->body, err) : IG_OK;
}

static ig_status add(ig_store *view, void *arg, ig_error *err) {
    ig_store_feedback *f = arg;
    bool stands = strcmp(f->type, "none") != 0;
    const store_value voice[] = {store_text(f->interaction), store_text(f->user), store_text(f->who)};
    const store_value v[] = {
        store_text(f->id), voice[0], store_text(f->type), voice[1], voice[2], store_int(f->staff), store_real(f->value),
        store_text(f->reason), store_text(f->body), store_int(f->at), store_int(stands)};
    if (is_thumb(f->type)) IG_TRY(store_run(view, STORE_Q_FEEDBACK_REPLACE, voice, 3, NULL, NULL, err));
    return store_run(view, STORE_Q_FEEDBACK_ADD, v, 11, store_read_number, &f->number, err);
}

ig_status ig_store_feedback_add(ig_store *s, ig_store_feedback *f, ig_error *err) {
    IG_TRY(check(f, err));
    if (!*f->id) store_id_new("fb-", f->id);
    f->at = store_now(s);
    ig_status status = store_quick(s, add, f, err);
    if (status == IG_E_NOT_FOUND) return ig_error_set(err, IG_E_NOT_FOUND, "there is no interaction \"%s\"", f->interaction);
    return status;
}
