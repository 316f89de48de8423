/* features/loop/small.c: pieces of JSON and of progress that several verbs of the loop write. */
#include "features/loop/loop.h"

void loop_json_raw(ig_json *j, const char *json) {
    ig_doc *d = NULL;
    ig_error err = {0};
    ig_status s = json && *json ? ig_json_parse("stored JSON", json, strlen(json), &d, &err) : IG_E_FORMAT;
    if (s == IG_OK) {
        ig_json_tree(j, ig_doc_root(d));
    } else {
        ig_json_null(j);
    }
    if (s == IG_E_NOMEM && j->out->status == IG_OK) j->out->status = IG_E_NOMEM;
    ig_doc_free(d);
}

void loop_json_key_text(ig_json *j, const char *key, const char *text) {
    ig_json_key(j, key);
    ig_json_text(j, text ? text : "");
}

void loop_json_key_int(ig_json *j, const char *key, int64_t v) {
    ig_json_key(j, key);
    ig_json_int(j, v);
}

void loop_json_key_real(ig_json *j, const char *key, double v) {
    ig_json_key(j, key);
    ig_json_real(j, v);
}

void loop_json_key_bool(ig_json *j, const char *key, bool v) {
    ig_json_key(j, key);
    ig_json_bool(j, v);
}

void loop_json_key_raw(ig_json *j, const char *key, const char *json) {
    ig_json_key(j, key);
    loop_json_raw(j, json);
}

void loop_json_words(ig_json *j, const char *key, const char *en, const char *zh) {
    ig_json_key(j, key);
    ig_json_open(j, '{');
    loop_json_key_text(j, "en", en);
    loop_json_key_text(j, "zh", zh);
    ig_json_close(j, '}');
}

void loop_json_key_interval(ig_json *j, const char *key, ig_interval v) {
    ig_json_key(j, key);
    ig_json_open(j, '{');
    loop_json_key_real(j, "mean", v.mean);
    loop_json_key_real(j, "lo", v.lo);
    loop_json_key_real(j, "hi", v.hi);
    ig_json_close(j, '}');
}

/* The card is a JSON object: what it holds stands beside the columns of the row. */
void loop_put_version(ig_json *j, const ig_store_feature_version *v) {
    ig_doc *d = NULL;
    ig_json_open(j, '{');
    loop_json_key_int(j, "number", v->number);
    loop_json_key_text(j, "status", ig_store_version_status_name(v->status));
    loop_json_key_text(j, "reason", v->reason);
    loop_json_key_int(j, "parent", v->parent);
    loop_json_key_int(j, "content", v->content);
    loop_json_key_int(j, "created_at", v->created_at);
    loop_json_key_int(j, "finished_at", v->finished_at);
    loop_json_key_text(j, "who", v->who[0] ? v->who : "local");
    ig_status s = v->card && *v->card ? ig_json_parse("card", v->card, strlen(v->card), &d, NULL) : IG_E_FORMAT;
    if (s == IG_E_NOMEM && j->out->status == IG_OK) j->out->status = IG_E_NOMEM;
    if (s == IG_OK) {
        for (const ig_tree *c = ig_doc_root(d)->child; c; c = c->next) {
            ig_json_key(j, c->key);
            ig_json_tree(j, c);
        }
    }
    ig_doc_free(d);
    ig_json_close(j, '}');
}

ig_status loop_version_json(ig_loop *l, const char *feature, int64_t number, ig_buf *out, ig_error *err) {
    ig_store_feature_version v = {0};
    ig_json j = {.out = out};
    IG_TRY(ig_store_feature_version_get(l->store, feature, number, &v, err));
    loop_put_version(&j, &v);
    ig_store_feature_version_fini(&v);
    return ig_buf_status(out, err);
}

const char *loop_question(const ig_kind *k, const ig_tree *request) {
    for (const ig_field *f = k->request_fields; f && f->name; f++)
        if (f->required && (f->type == IG_FIELD_TEXT || f->type == IG_FIELD_PROSE)) return ig_tree_text(request, f->name, "");
    return "";
}

ig_status loop_tell(const ig_doing *doing, const char *stage, double done, double total, ig_error *err) {
    if (!doing || !doing->progress || doing->progress(doing->arg, stage, done, total, "")) return IG_OK;
    return ig_error_set(err, IG_E_CANCELLED, "stopped on request");
}
