/* store/interactions.c: what was asked and answered.
 *
 * They go through the quick connection: write-ahead log with synchronous=NORMAL, where a commit is a write without waiting for
 * the disk.  The kernel has it when the call returns, so kill -9 loses nothing; the disk has it with the next commit of the
 * first connection or checkpoint of the log, whichever is first.  Group commit would make each answer wait for a disk once; fifty
 * requests a second and two hundred disk flushes a second at best do not go together.
 */
#include "store/said_rows.h"

#include <string.h>

void ig_store_interaction_fini(ig_store_interaction *i) {
    if (!i) return;
    ig_free(i->request), ig_free(i->answer);
    *i = (ig_store_interaction){0};
}

ig_status store_read_said(ig_store_interaction *i, const store_value *v, ig_error *err) {
    i->number = v[0].integer;
    IG_TRY(store_get_text(i->id, sizeof i->id, &v[1], err));
    IG_TRY(store_get_text(i->feature, sizeof i->feature, &v[2], err));
    IG_TRY(store_get_text(i->conversation, sizeof i->conversation, &v[3], err));
    IG_TRY(store_get_text(i->key, sizeof i->key, &v[4], err));
    IG_TRY(store_get_text(i->user, sizeof i->user, &v[5], err));
    i->version = v[6].integer, i->candidate = v[7].integer != 0, i->consent = v[8].integer != 0, i->keep_until = v[9].integer;
    IG_TRY(store_get_text(i->outcome, sizeof i->outcome, &v[10], err));
    i->confidence = v[11].real, i->microseconds = v[12].integer, i->at = v[15].integer;
    IG_TRY(store_get_copy(&i->request, &v[13], err));
    return store_get_copy(&i->answer, &v[14], err);
}

static ig_status read_item(void *item, const store_value *v, ig_error *err) { return store_read_said(item, v, err); }

static void fini_item(void *item) { ig_store_interaction_fini(item); }

static const store_list interactions = {
    .thing = "interaction", .item_bytes = sizeof(ig_store_interaction), .read = read_item, .fini = fini_item,
};

ig_status ig_store_interaction_get(ig_store *s, const char *id, ig_store_interaction *out, ig_error *err) {
    pthread_mutex_lock(&s->lock);
    ig_status status = store_get(s, &interactions, STORE_Q_SAID_GET, id, out, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

/* ---- adding ------------------------------------------------------------------------------------------------------ */

static ig_status check(const ig_store_interaction *i, ig_error *err) {
    IG_TRY(store_check_text("the id", i->id, err));
    IG_TRY(store_check_text("the conversation", i->conversation, err));
    IG_TRY(store_check_text("the user", i->user, err));
    if (strcmp(i->outcome, "answered") && strcmp(i->outcome, "unknown") && strcmp(i->outcome, "person"))
        return ig_error_set(err, IG_E_ARG, "the outcome is answered, unknown or person, not \"%.15s\"", i->outcome);
    if (!(i->confidence >= 0 && i->confidence <= 1)) return ig_error_set(err, IG_E_ARG, "a confidence is between 0 and 1");
    IG_TRY(store_check_json("the request", i->request ? i->request : "{}", err));
    return store_check_json("the answer", i->answer ? i->answer : "{}", err);
}

static ig_status add(ig_store *view, void *arg, ig_error *err) {
    ig_store_interaction *i = arg;
    const store_value v[] = {
        store_text(i->id), store_text(i->feature), store_text(i->conversation), store_text(i->key), store_text(i->user),
        store_int(i->version), store_int(i->candidate), store_int(i->consent), store_int(i->keep_until), store_text(i->outcome),
        store_real(i->confidence), store_int(i->microseconds), store_text(i->request ? i->request : "{}"),
        store_text(i->answer ? i->answer : "{}"), store_int(i->at)};
    return store_run(view, STORE_Q_SAID_ADD, v, 15, store_read_number, &i->number, err);
}

ig_status ig_store_interaction_add(ig_store *s, ig_store_interaction *i, ig_error *err) {
    IG_TRY(check(i, err));
    if (!*i->id) store_id_new("int-", i->id);
    if (!*i->conversation) store_id_new("con-", i->conversation);
    i->at = store_now(s);
    return store_quick(s, add, i, err);
}
