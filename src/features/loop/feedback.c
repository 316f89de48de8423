/* features/loop/feedback.c: what somebody thinks of an answer. */
#include <math.h>

#include "features/loop/loop.h"

static const char *const types[] = {"like", "dislike", "none", "correction", "rating", "click", "conversion", "label"};

static ig_status check_type(const ig_feedback_opts *o, ig_error *err) {
    bool known = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) known = known || (o->type && strcmp(o->type, types[i]) == 0);
    if (!known)
        return ig_error_set(err, IG_E_ARG,
                            "\"%.40s\" is no type of feedback; take like, dislike, none, correction, rating, click, "
                            "conversion or label",
                            o->type ? o->type : "");
    if (!isfinite(o->value)) return ig_error_set(err, IG_E_ARG, "the value of a feedback must be a finite number");
    if (strcmp(o->type, "rating") == 0 && !(o->value >= 0 && o->value <= 1))
        return ig_error_set(err, IG_E_ARG, "a rating is a number of 0 … 1, not %g", o->value);
    if ((strcmp(o->type, "correction") == 0 || strcmp(o->type, "label") == 0) && !o->correction)
        return ig_error_set(err, IG_E_ARG, "a %s says what would have been right, in \"correction\"", o->type);
    return IG_OK;
}

static ig_status correction_text(const ig_kind *k, const ig_tree *given, char **out, ig_error *err) {
    ig_doc *d = NULL;
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    if (!given) return IG_OK;
    IG_TRY(ig_fields_check("correction", k->correction_fields, given, &d, err));
    ig_json_tree(&j, ig_doc_root(d));
    ig_doc_free(d);
    ig_status s = ig_buf_status(&b, err);
    if (s == IG_OK) {
        *out = b.data;
    } else {
        ig_buf_fini(&b);
    }
    return s;
}

static ig_status fill(ig_loop *l, const ig_kind *k, const char *interaction, const ig_feedback_opts *o, ig_store_feedback *f,
                      ig_error *err) {
    snprintf(f->interaction, sizeof f->interaction, "%s", interaction);
    snprintf(f->type, sizeof f->type, "%s", o->type);
    snprintf(f->who, sizeof f->who, "%s", o->who ? o->who : "");
    f->staff = o->staff;
    f->value = o->value;
    f->reason = ig_strdup(o->reason ? o->reason : "");
    if (!f->reason) return ig_error_nomem(err, 1);
    IG_TRY(correction_text(k, o->correction, &f->body, err));
    if (!f->body) f->body = ig_strdup("");
    if (!f->body) return ig_error_nomem(err, 1);
    return o->user && *o->user ? ig_store_user_hash(l->store, o->user, f->user, err) : IG_OK;
}

ig_status ig_loop_feedback(ig_loop *l, const char *interaction, const ig_feedback_opts *opts, ig_buf *out, ig_error *err) {
    ig_store_interaction i = {0};
    ig_store_feature row = {0};
    ig_store_feedback f = {0};
    ig_json j = {.out = out};
    IG_TRY(check_type(opts, err));
    IG_TRY(ig_store_interaction_get(l->store, interaction, &i, err));
    ig_status s = ig_store_feature_get_id(l->store, i.feature, &row, err);
    const ig_kind *k = s == IG_OK ? ig_kind_find(l->kinds, row.kind) : NULL;
    if (s == IG_OK && (!k || row.removed_at))
        s = ig_error_set(err, IG_E_NOT_FOUND, "the feature \"%s\" is not there any more", row.name);
    if (s == IG_OK) s = fill(l, k, i.id, opts, &f, err);
    if (s == IG_OK) s = ig_store_feedback_add(l->store, &f, err);
    if (s == IG_OK) {
        ig_json_open(&j, '{');
        loop_json_key_text(&j, "id", f.id);
        loop_json_key_text(&j, "interaction", i.id);
        loop_json_key_text(&j, "feature", row.name);
        loop_json_key_text(&j, "type", f.type);
        ig_json_close(&j, '}');
        s = ig_buf_status(out, err);
    }
    ig_store_feedback_fini(&f);
    ig_store_feature_fini(&row);
    ig_store_interaction_fini(&i);
    return s;
}
