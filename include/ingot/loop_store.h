/* ingot/loop_store.h: what the store remembers of the loop: features, their content and versions, what was asked and said.
 *
 *     features ─┬─ items          content, with provenance; withdrawn ones stay as tombstones
 *               ├─ versions       rows; the files lie in WORKSPACE/features/NAME/versions/N
 *               ├─ live           which version answered from when on: the history behind promote and rollback
 *               ├─ interactions ── feedback
 *               └─ tickets ── messages
 *     keys ── sessions, links     signed-in browsers
 *
 * The rules of ingot/store.h hold.  One exception, for speed: interactions and feedback survive kill -9 from the moment that
 * they are acknowledged, and a power cut from the next other commit of the store or checkpoint of its log on.
 */
#ifndef INGOT_LOOP_STORE_H
#define INGOT_LOOP_STORE_H

#include "ingot/store.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- features ----------------------------------------------------------------------------------------------------- */

typedef struct ig_store_feature {
    char id[IG_STORE_ID_SIZE];          /* "feat-…" */
    char name[IG_STORE_NAME_MAX + 1];   /* one of a kind among those that are not removed */
    char kind[IG_STORE_NAME_MAX + 1];
    char *settings;                     /* JSON */
    int64_t live;                       /* version that answers; 0: none yet */
    int64_t candidate;                  /* version that answers `share` of the questions; 0: none */
    double share;
    int64_t revision;                   /* grows with every change of this row and of its content: cheap to poll */
    int64_t content;                    /* grows with every change of its items */
    int64_t created_at, removed_at;
} ig_store_feature;
void ig_store_feature_fini(ig_store_feature *f);
void ig_store_features_free(ig_store_feature *list, size_t count);

/* IG_E_EXISTS when the name is taken. */
ig_status ig_store_feature_new(ig_store *s, const char *name, const char *kind, const char *settings, const char *who,
                               ig_store_feature *out, ig_error *err);
ig_status ig_store_feature_get(ig_store *s, const char *name, ig_store_feature *out, ig_error *err);       /* by name */
ig_status ig_store_feature_get_id(ig_store *s, const char *id, ig_store_feature *out, ig_error *err);      /* also a removed one */
ig_status ig_store_feature_list(ig_store *s, ig_store_feature **out, size_t *count, ig_error *err);        /* by name */
/* Only the number, for polling: one read of one row. */
ig_status ig_store_feature_revision(ig_store *s, const char *id, int64_t *revision, ig_error *err);
ig_status ig_store_feature_set_settings(ig_store *s, const char *id, const char *settings, const char *who, ig_error *err);
/* The live pointer, its history and the audit entry (`what`: "promote", "rollback", "publish"; "feature.promote" there) in one transaction.  Fails with
 * IG_E_STATE when the live version is not `from` any more, IG_E_NOT_FOUND when `to` is not complete. */
ig_status ig_store_feature_set_live(ig_store *s, const char *id, int64_t from, int64_t to, const char *what, const char *who,
                                    ig_error *err);
/* The version that was live before the present one, skipping what a rollback undid; 0: none. */
ig_status ig_store_feature_live_before(ig_store *s, const char *id, int64_t *version, ig_error *err);
ig_status ig_store_feature_set_candidate(ig_store *s, const char *id, int64_t version, double share, const char *who, ig_error *err);
ig_status ig_store_feature_remove(ig_store *s, const char *id, const char *who, ig_error *err); /* its rows stay until swept */
/* Remove the content, versions, interactions and tickets of removed features, in steps; *removed (or NULL): how many rows. */
ig_status ig_store_feature_sweep(ig_store *s, int64_t *removed, ig_error *err);

typedef struct ig_store_live {
    int64_t version, at;
    char what[IG_STORE_NAME_MAX + 1], who[IG_STORE_ID_SIZE];
} ig_store_live;
ig_status ig_store_live_list(ig_store *s, const char *feature, ig_store_live **out, size_t *count, ig_error *err); /* oldest first */

/* ---- versions ------------------------------------------------------------------------------------------------------ */

typedef enum ig_store_version_status { IG_VERSION_BUILDING, IG_VERSION_COMPLETE, IG_VERSION_FAILED, IG_VERSION_REMOVED } ig_store_version_status;
const char *ig_store_version_status_name(ig_store_version_status s); /* "building" … */

typedef struct ig_store_feature_version {
    int64_t number;                     /* 1, 2, … within the feature */
    ig_store_version_status status;
    char reason[IG_STORE_NAME_MAX + 1]; /* "new", "content", "settings", "learn" */
    int64_t parent;                     /* version it was made from; 0: none */
    int64_t content;                    /* the feature's content number that it holds */
    char *card;                         /* JSON: metrics, intervals, gate, counts; "" while building */
    char who[IG_STORE_ID_SIZE];
    int64_t created_at, finished_at;
} ig_store_feature_version;
void ig_store_feature_version_fini(ig_store_feature_version *v);
void ig_store_feature_versions_free(ig_store_feature_version *list, size_t count);

ig_status ig_store_feature_version_new(ig_store *s, const char *feature, const char *reason, int64_t parent, int64_t content,
                                       const char *who, int64_t *number, ig_error *err);
/* From building to COMPLETE or FAILED, with its card. */
ig_status ig_store_feature_version_finish(ig_store *s, const char *feature, int64_t number, ig_store_version_status status,
                                          const char *card, ig_error *err);
ig_status ig_store_feature_version_set_card(ig_store *s, const char *feature, int64_t number, const char *card, ig_error *err);
ig_status ig_store_feature_version_remove(ig_store *s, const char *feature, int64_t number, const char *who, ig_error *err);
ig_status ig_store_feature_version_get(ig_store *s, const char *feature, int64_t number, ig_store_feature_version *out, ig_error *err);
ig_status ig_store_feature_version_list(ig_store *s, const char *feature, ig_store_feature_version **out, size_t *count,
                                        ig_error *err); /* newest first */

/* ---- content ------------------------------------------------------------------------------------------------------- */

typedef struct ig_store_item {
    const char *id;        /* the kind's own, at most IG_STORE_NAME_MAX bytes */
    const char *body;      /* JSON */
    const char *source;    /* file, address or "" */
    int64_t line;
    int64_t added_at, changed_at;
    int64_t withdrawn_at;  /* 0: live */
} ig_store_item;

/* Many changes as one: begin, put and withdraw, commit; close without commit changes nothing.  One writer at a time per
 * store: others wait.  An open change keeps nobody else from reading or writing: a version may be built from it. */
typedef struct ig_store_items ig_store_items;
ig_status ig_store_items_open(ig_store *s, const char *feature, const char *who, ig_store_items **out, ig_error *err);
/* An item of the same id is replaced, and live again. */
typedef enum ig_store_put { IG_PUT_ADDED, IG_PUT_CHANGED, IG_PUT_SAME } ig_store_put;
ig_status ig_store_items_put(ig_store_items *w, const ig_store_item *item, ig_store_put *what, ig_error *err);
ig_status ig_store_items_withdraw(ig_store_items *w, const char *id, ig_error *err); /* IG_E_NOT_FOUND */
/* Iteration inside of the change sees it; its function must not change or iterate the same change.  *content is the feature's new content number,
 * or the present one when nothing was changed. */
ig_status ig_store_items_commit(ig_store_items *w, int64_t *content, ig_error *err);
void ig_store_items_close(ig_store_items *w);

typedef ig_status ig_store_item_fn(void *arg, const ig_store_item *item, ig_error *err);
/* Every live item in the order it was added (withdrawn ones too, when asked for).  w: as within that change; NULL: as committed. */
ig_status ig_store_item_each(ig_store *s, ig_store_items *w, const char *feature, bool withdrawn, ig_store_item_fn *fn, void *arg,
                             ig_error *err);
ig_status ig_store_item_get(ig_store *s, const char *feature, const char *id, ig_store_item_fn *fn, void *arg, ig_error *err);
/* For lists: items whose body has all words of `query` (FTS5, trigrams; NULL: all), the newest first, after `offset`. */
ig_status ig_store_item_find(ig_store *s, const char *feature, const char *query, int64_t offset, int limit, ig_store_item_fn *fn,
                             void *arg, int64_t *total, ig_error *err);
/* Ids of all withdrawn items. */
ig_status ig_store_item_withdrawn(ig_store *s, const char *feature, char ***ids, size_t *count, ig_error *err); /* ig_names_free */
ig_status ig_store_item_count(ig_store *s, const char *feature, int64_t *live, int64_t *withdrawn, ig_error *err);

/* ---- interactions and feedback ----------------------------------------------------------------------------------------- */

typedef struct ig_store_interaction {
    char id[IG_STORE_ID_SIZE];          /* "int-…" */
    char feature[IG_STORE_ID_SIZE], conversation[IG_STORE_ID_SIZE], key[IG_STORE_ID_SIZE];
    char user[65];                      /* keyed hash; "" unknown */
    int64_t version;
    bool candidate;                     /* answered by a candidate for its share */
    bool consent;                       /* may be learned from */
    int64_t keep_until;                 /* then it is swept; 0: no limit */
    char outcome[16];                   /* "answered", "unknown", "person" */
    double confidence;
    int64_t microseconds;
    char *request, *answer;             /* JSON */
    int64_t at;
    int64_t number;                     /* grows; filled in by reads */
} ig_store_interaction;
void ig_store_interaction_fini(ig_store_interaction *i);

/* id and conversation are made when empty; `at` is now. */
ig_status ig_store_interaction_add(ig_store *s, ig_store_interaction *i, ig_error *err);
ig_status ig_store_interaction_get(ig_store *s, const char *id, ig_store_interaction *out, ig_error *err);

typedef struct ig_store_feedback {
    char id[IG_STORE_ID_SIZE];          /* "fb-…" */
    char interaction[IG_STORE_ID_SIZE];
    char type[24];                      /* "like", "dislike", "none", "correction", "rating", "click", "conversion", "label" */
    char user[65];                      /* keyed hash of who said it */
    char who[IG_STORE_ID_SIZE];         /* key */
    bool staff;
    double value;
    char *reason, *body;                /* body: JSON of a correction, or "" */
    int64_t at, number;
} ig_store_feedback;
void ig_store_feedback_fini(ig_store_feedback *f);
/* A later thumb of the same voice on the same interaction stands for the earlier one ("none" takes it back). */
ig_status ig_store_feedback_add(ig_store *s, ig_store_feedback *f, ig_error *err);

/* Interactions with the feedback that stands, oldest first; an interaction comes once per feedback, or once with NULL. */
typedef struct ig_store_said_opts {
    const char *conversation;           /* only of this one; NULL: all */
    const char *outcome, *type;         /* only those; NULL: all */
    int64_t after;                      /* interactions with a greater number, newest first with a smaller one; 0: all */
    int64_t since;                      /* seconds since 1970 */
    int64_t version;                    /* 0: all */
    bool consent;                       /* only what may be learned from */
    bool rated;                         /* only with feedback */
    bool newest_first;
    int64_t limit;                      /* of interactions; 0: all */
} ig_store_said_opts;
typedef ig_status ig_store_said_fn(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err);
ig_status ig_store_said_each(ig_store *s, const char *feature, const ig_store_said_opts *opts, ig_store_said_fn *fn, void *arg,
                             ig_error *err);

typedef struct ig_store_said_count {
    int64_t interactions, answered, unknown, person;
    int64_t likes, dislikes, corrections, users;
    double seconds_mean;
} ig_store_said_count;
/* Counts of [since, until); until 0: now.  version 0: all. */
ig_status ig_store_said_count_get(ig_store *s, const char *feature, int64_t since, int64_t until, int64_t version,
                                  ig_store_said_count *out, ig_error *err);
/* Remove interactions (and their feedback) that may not be kept any longer; and what ig_store_feature_sweep does. */
ig_status ig_store_said_sweep(ig_store *s, int64_t *removed, ig_error *err);
/* Keyed hash (BLAKE2b, key of the workspace) of who uses a feature. */
ig_status ig_store_user_hash(ig_store *s, const char *user, char out[65], ig_error *err);

/* ---- tickets: a person takes over ------------------------------------------------------------------------------------- */

typedef struct ig_store_ticket {
    char id[IG_STORE_ID_SIZE];          /* "tkt-…" */
    char feature[IG_STORE_ID_SIZE], conversation[IG_STORE_ID_SIZE], interaction[IG_STORE_ID_SIZE];
    char status[16];                    /* "open", "answered", "closed" */
    char user[65];
    char *subject, *contact;
    int64_t created_at, changed_at;
} ig_store_ticket;
void ig_store_ticket_fini(ig_store_ticket *t);
void ig_store_tickets_free(ig_store_ticket *list, size_t count);
typedef struct ig_store_message {
    char id[IG_STORE_ID_SIZE];          /* "msg-…" */
    char from[16];                      /* "user", "staff", "desk" */
    char who[IG_STORE_ID_SIZE];
    char *text;
    int64_t at;
} ig_store_message;
void ig_store_messages_free(ig_store_message *list, size_t count);
ig_status ig_store_ticket_new(ig_store *s, const ig_store_ticket *t, const char *who, ig_store_ticket *out, ig_error *err);
ig_status ig_store_ticket_get(ig_store *s, const char *id, ig_store_ticket *out, ig_error *err);
/* feature, status NULL: all */
ig_status ig_store_ticket_list(ig_store *s, const char *feature, const char *status, const ig_store_page *page, ig_store_ticket **out,
                               size_t *count, bool *more, ig_error *err);
ig_status ig_store_ticket_set_status(ig_store *s, const char *id, const char *status, const char *who, ig_error *err);
/* An answer of staff makes an open ticket "answered"; a message of the user makes it "open". */
ig_status ig_store_message_add(ig_store *s, const char *ticket, const char *from, const char *who, const char *text,
                               ig_store_message *out, ig_error *err);
ig_status ig_store_message_list(ig_store *s, const char *ticket, ig_store_message **out, size_t *count, ig_error *err);

/* ---- public keys, browsers ------------------------------------------------------------------------------------------------ */

/* What a public key may do: ask and rate one feature, from pages of these origins. */
typedef struct ig_store_key_scope {
    char feature[IG_STORE_ID_SIZE];
    char *origins;                      /* "https://shop.example https://www.shop.example"; "*": any */
    int64_t visitor_per_minute;         /* 0: no limit */
} ig_store_key_scope;
void ig_store_key_scope_fini(ig_store_key_scope *p);
ig_status ig_store_key_set_scope(ig_store *s, const char *key, const ig_store_key_scope *scope, const char *who, ig_error *err);
ig_status ig_store_key_get_scope(ig_store *s, const char *key, ig_store_key_scope *out, ig_error *err); /* IG_E_NOT_FOUND: none */

/* A signed-in browser: a cookie stands for a key.  The store keeps digests. */
ig_status ig_store_session_new(ig_store *s, const char *key, int64_t seconds, char secret[IG_STORE_SECRET_SIZE], ig_error *err);
ig_status ig_store_session_find(ig_store *s, const char *secret, ig_store_key *out, ig_error *err); /* IG_E_NOT_FOUND also when the key is revoked */
ig_status ig_store_session_end(ig_store *s, const char *secret, ig_error *err);
/* A link that signs in once: taken, it is gone. */
ig_status ig_store_link_new(ig_store *s, const char *key, int64_t seconds, char secret[IG_STORE_SECRET_SIZE], ig_error *err);
ig_status ig_store_link_take(ig_store *s, const char *secret, ig_store_key *out, ig_error *err);
/* A token that the workspace signs (HMAC, key of the workspace): base64url(payload).base64url(mac); payload is text without
 * a NUL.  The same key for all processes; checked in constant time. */
ig_status ig_store_sign(ig_store *s, const char *payload, char *out, size_t size, ig_error *err);
ig_status ig_store_signed(ig_store *s, const char *token, char *payload, size_t size, ig_error *err); /* IG_E_FORMAT: not ours */
/* HMAC-SHA-256 (RFC 2104) of head and the bytes behind it, in hex, with a key that somebody else has too. */
void ig_store_hmac(const char *key, const char *head, const void *bytes, size_t len, char hex[65]);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
