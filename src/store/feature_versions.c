/* store/feature_versions.c: rows of versions; their files are the loop's.
 *
 *     building ─► complete ─► removed        a version that is live or a candidate is not removed
 *             └─► failed   ─► removed
 *
 * Numbers count within a feature and are never used again, because rows stay.
 */
#include <inttypes.h>

#include "store/store.h"

static const char *const statuses[] = {"building", "complete", "failed", "removed", NULL};

const char *ig_store_version_status_name(ig_store_version_status s) {
    return (unsigned)s <= IG_VERSION_REMOVED ? statuses[s] : "?";
}

void ig_store_feature_version_fini(ig_store_feature_version *v) {
    if (!v) return;
    ig_free(v->card);
    *v = (ig_store_feature_version){0};
}

void ig_store_feature_versions_free(ig_store_feature_version *list, size_t count) {
    for (size_t i = 0; i < count; i++) ig_store_feature_version_fini(&list[i]);
    ig_free(list);
}

static void fini_version(void *item) { ig_store_feature_version_fini(item); }

static ig_status read_version(void *item, const store_value *v, ig_error *err) {
    ig_store_feature_version *r = item;
    int status = 0;
    IG_TRY(store_get_word(statuses, &v[1], &status, err));
    r->number = v[0].integer, r->status = (ig_store_version_status)status;
    IG_TRY(store_get_text(r->reason, sizeof r->reason, &v[2], err));
    r->parent = v[3].integer, r->content = v[4].integer;
    IG_TRY(store_get_text(r->who, sizeof r->who, &v[6], err));
    r->created_at = v[7].integer, r->finished_at = v[8].integer;
    return store_get_copy(&r->card, &v[5], err);
}

static const store_list versions = {
    .thing = "version", .item_bytes = sizeof(ig_store_feature_version), .read = read_version, .fini = fini_version,
};

ig_status ig_store_feature_version_get(ig_store *s, const char *feature, int64_t number, ig_store_feature_version *out, ig_error *err) {
    const store_value v[] = {store_text(feature), store_int(number)};
    ig_store_feature_version *list;
    size_t count;
    *out = (ig_store_feature_version){0};
    IG_TRY(store_all(s, &versions, STORE_Q_VERSION_GET, v, 2, &list, &count, err));
    if (count) *out = list[0];
    ig_free(list);
    return count ? IG_OK : ig_error_set(err, IG_E_NOT_FOUND, "there is no version %" PRId64 " of this feature", number);
}

ig_status ig_store_feature_version_list(ig_store *s, const char *feature, ig_store_feature_version **out, size_t *count,
                                        ig_error *err) {
    const store_value v = store_text(feature);
    return store_all(s, &versions, STORE_Q_VERSION_ALL, &v, 1, out, count, err);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

typedef struct change {
    const char *feature, *text, *who;
    int64_t number, parent, content;
    ig_store_version_status status;
} change;

static ig_status add(ig_store *s, void *arg, ig_error *err) {
    change *c = arg;
    ig_store_feature f;
    IG_TRY(store_feature(s, c->feature, &f, err));
    ig_store_feature_fini(&f);
    const store_value v[] = {store_text(c->feature), store_text(c->text), store_int(c->parent), store_int(c->content),
                             store_text(c->who ? c->who : "local"), store_int(store_now(s))};
    return store_run(s, STORE_Q_VERSION_ADD, v, 6, store_read_number, &c->number, err);
}

ig_status ig_store_feature_version_new(ig_store *s, const char *feature, const char *reason, int64_t parent, int64_t content,
                                       const char *who, int64_t *number, ig_error *err) {
    change c = {.feature = feature, .text = reason, .who = who, .parent = parent, .content = content};
    *number = 0;
    IG_TRY(store_check_name("the reason of a version", reason, IG_STORE_NAME_MAX, err));
    if (who) IG_TRY(store_check_name("who", who, IG_STORE_ID_SIZE - 1, err));
    IG_TRY(store_write(s, add, &c, err));
    *number = c.number;
    return IG_OK;
}

static ig_status finish(ig_store *s, void *arg, ig_error *err) {
    const change *c = arg;
    bool changed;
    const store_value v[] = {store_text(c->feature), store_int(c->number), store_text(statuses[c->status]), store_text(c->text),
                             store_int(store_now(s))};
    IG_TRY(store_change(s, STORE_Q_VERSION_END, v, 5, &changed, err));
    return changed ? IG_OK : ig_error_set(err, IG_E_STATE, "version %" PRId64 " is not being built", c->number);
}

ig_status ig_store_feature_version_finish(ig_store *s, const char *feature, int64_t number, ig_store_version_status status,
                                          const char *card, ig_error *err) {
    if (status != IG_VERSION_COMPLETE && status != IG_VERSION_FAILED)
        return ig_error_set(err, IG_E_ARG, "a version ends as complete or failed");
    if (card && *card) IG_TRY(store_check_json("the card of the version", card, err));
    return store_write(s, finish, &(change){.feature = feature, .number = number, .status = status, .text = card}, err);
}

static ig_status set_card(ig_store *s, void *arg, ig_error *err) {
    const change *c = arg;
    bool changed;
    const store_value v[] = {store_text(c->feature), store_int(c->number), store_text(c->text)};
    IG_TRY(store_change(s, STORE_Q_VERSION_CARD, v, 3, &changed, err));
    return changed ? IG_OK : ig_error_set(err, IG_E_NOT_FOUND, "there is no version %" PRId64 " of this feature", c->number);
}

ig_status ig_store_feature_version_set_card(ig_store *s, const char *feature, int64_t number, const char *card, ig_error *err) {
    IG_TRY(store_check_json("the card of the version", card, err));
    return store_write(s, set_card, &(change){.feature = feature, .number = number, .text = card}, err);
}

static ig_status remove_version(ig_store *s, void *arg, ig_error *err) {
    const change *c = arg;
    ig_store_feature f;
    bool changed;
    IG_TRY(store_feature(s, c->feature, &f, err));
    bool used = f.live == c->number || f.candidate == c->number;
    ig_store_feature_fini(&f);
    if (used) return ig_error_set(err, IG_E_STATE, "version %" PRId64 " answers questions; it cannot be removed", c->number);
    const store_value v[] = {store_text(c->feature), store_int(c->number)};
    IG_TRY(store_change(s, STORE_Q_VERSION_REMOVE, v, 2, &changed, err));
    if (!changed) return ig_error_set(err, IG_E_NOT_FOUND, "there is no version %" PRId64 " of this feature", c->number);
    return store_audit_numbers(s, c->who, "feature.version.remove", c->feature, "version", c->number, 0, err);
}

ig_status ig_store_feature_version_remove(ig_store *s, const char *feature, int64_t number, const char *who, ig_error *err) {
    return store_write(s, remove_version, &(change){.feature = feature, .number = number, .who = who}, err);
}
