/* store/store.h: what the files of the store share.
 *
 *     features.c feature_versions.c feature_sweep.c items.c item_find.c interactions.c feedback.c said.c tickets.c scopes.c sessions.c signing.c
 *     keys.c files.c upload.c jobs.c job_notes.c audit.c     records, without SQL: a query by its number, values in and out
 *                      │ store_write, store_read, store_list
 *     rows.c           checks of values, transactions, pages
 *                      │ store_backend: a table of functions
 *     sqlite.c, sqlite_loop.c   the tables and the queries in SQLite's SQL; sqlite_driver.c runs them
 *     folder.c         locks and file names;  blobs.c  contents by digest
 *
 * Another database is another pair of files that fills in store_backend; nothing above it knows.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <pthread.h>

#include "ingot/loop_store.h"

/* ---- values ------------------------------------------------------------------------------------------------------ */

typedef enum store_type { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BYTES, STORE_REAL } store_type;
typedef struct store_value {
    store_type type;
    int64_t integer;
    const char *text; /* borrowed: the caller's on the way in, the backend's until the row function returns */
    size_t len;
    double real;
} store_value;

static inline store_value store_int(int64_t v) {
    return (store_value){.type = STORE_INT, .integer = v};
}
static inline store_value store_real(double v) {
    return (store_value){.type = STORE_REAL, .real = v};
}
store_value store_text(const char *s); /* NULL becomes "" */
store_value store_bytes(const void *p, size_t n);

/* ---- queries: their SQL stands in the backend's file, in this order of arguments and columns --------------------- */

typedef enum store_query {
    STORE_Q_VERSION,        /* → version of the tables */
    STORE_Q_KEY_ADD,        /* id, name, role, digest, per minute, concurrent, created, expires */
    STORE_Q_KEY_GET,        /* id → KEY columns, digest */
    STORE_Q_KEY_SEQ,        /* id → seq */
    STORE_Q_KEY_NEWEST,     /* below seq, limit → KEY columns: id, name, role, per minute, concurrent, created, expires, last used,
                               revoked */
    STORE_Q_KEY_OLDEST,     /* above seq, limit → KEY columns */
    STORE_Q_KEY_USED,       /* id, now */
    STORE_Q_KEY_REVOKE,     /* id, now */
    STORE_Q_FILE_ADD,       /* id, filename, purpose, sha256, status, bytes, created */
    STORE_Q_FILE_GET,       /* id → FILE columns: these seven */
    STORE_Q_FILE_SEQ,
    STORE_Q_FILE_NEWEST,    /* below seq, limit, purpose or "" → FILE columns */
    STORE_Q_FILE_OLDEST,
    STORE_Q_FILE_STATUS,    /* id, status */
    STORE_Q_FILE_DELETE,    /* id */
    STORE_Q_FILE_USES,      /* sha256 → count */
    STORE_Q_FILE_DIGESTS,   /* → sha256, bytes; each once, in order */
    STORE_Q_FILE_FORGET,    /* sha256: all its rows */
    STORE_Q_JOB_ADD,        /* id, kind, spec, attempts_max, created */
    STORE_Q_JOB_GET,        /* id → JOB columns */
    STORE_Q_JOB_SEQ,
    STORE_Q_JOB_NEWEST,     /* below seq, limit, kind or "" → JOB columns */
    STORE_Q_JOB_OLDEST,
    STORE_Q_JOB_NEXT,       /* kind or "" → id of the oldest that is queued */
    STORE_Q_JOB_START,      /* id, pid, process, now */
    STORE_Q_JOB_ADOPT,      /* id, pid, process, now */
    STORE_Q_JOB_BEAT,       /* id, now → cancel */
    STORE_Q_JOB_END,        /* id, status, result, error, now: a running one */
    STORE_Q_JOB_DROP,       /* id, now: a queued one is cancelled */
    STORE_Q_JOB_STOP,       /* id: a running one is asked to stop */
    STORE_Q_JOB_AGAIN,      /* id: a running one is queued */
    STORE_Q_JOB_RUNNING,    /* → id, pid, process, attempts, attempts_max, cancel */
    STORE_Q_EVENT_LAST,     /* job → highest number */
    STORE_Q_EVENT_ADD,      /* id, job, number, level, message, data, created */
    STORE_Q_EVENT_SEQ,
    STORE_Q_EVENT_NEWEST,   /* below seq, limit, job → id, number, level, message, data, created */
    STORE_Q_EVENT_OLDEST,
    STORE_Q_CHECKPOINT_ADD, /* id, job, step, path, metrics, created */
    STORE_Q_CHECKPOINT_SEQ,
    STORE_Q_CHECKPOINT_NEWEST, /* below seq, limit, job → id, step, path, metrics, created */
    STORE_Q_CHECKPOINT_OLDEST,
    STORE_Q_AUDIT_LAST,     /* → number, digest */
    STORE_Q_AUDIT_ADD,      /* number, created, who, what, object, before, after, digest */
    STORE_Q_AUDIT_FROM,     /* above number, limit → these eight */
    STORE_Q_PART_TABLE,     /* make the table of contents in a backup */
    STORE_Q_PART_ADD,       /* sha256, part, bytes */
    STORE_Q_PART_GET,       /* sha256, part → bytes */
    STORE_Q_PART_DROP,      /* remove the table of contents */

    STORE_Q_LOOP,           /* from here on in sqlite_loop.c */
    STORE_Q_FEATURE_ADD = STORE_Q_LOOP, /* id, name, kind, settings, created */
    STORE_Q_FEATURE_GET,    /* id → FEATURE columns: id, name, kind, settings, live, candidate, share, revision, content, created,
                               removed */
    STORE_Q_FEATURE_NAMED,  /* name → FEATURE columns, of the one that is not removed */
    STORE_Q_FEATURE_ALL,    /* → FEATURE columns, by name */
    STORE_Q_FEATURE_REVISION, /* id → revision */
    STORE_Q_FEATURE_SETTINGS, /* id, settings */
    STORE_Q_FEATURE_LIVE,   /* id, version; a candidate that goes live is none any more */
    STORE_Q_FEATURE_CANDIDATE, /* id, version, share */
    STORE_Q_FEATURE_REMOVE, /* id, now */
    STORE_Q_FEATURE_CONTENT, /* id → content, after it has grown by one */
    STORE_Q_SWEEP_TEXT,     /* limit: these items of removed features leave the index; before the next, which removes them */
    STORE_Q_SWEEP_ITEMS,    /* limit */
    STORE_Q_SWEEP_SAID,     /* limit; and their feedback */
    STORE_Q_SWEEP_TICKETS,  /* limit; and their messages */
    STORE_Q_SWEEP_LIVE,     /* limit */
    STORE_Q_SWEEP_VERSIONS, /* limit */
    STORE_Q_LIVE_ADD,       /* feature, version, what, who, now */
    STORE_Q_LIVE_ALL,       /* feature → version, at, what, who, 1 when the version is complete */
    STORE_Q_VERSION_ADD,    /* feature, reason, parent, content, who, now → number */
    STORE_Q_VERSION_GET,    /* feature, number → number, status, reason, parent, content, card, who, created, finished */
    STORE_Q_VERSION_ALL,    /* feature → the same, newest first */
    STORE_Q_VERSION_END,    /* feature, number, status, card, now: one that is being built */
    STORE_Q_VERSION_CARD,   /* feature, number, card */
    STORE_Q_VERSION_REMOVE, /* feature, number */
    STORE_Q_CHANGE_TABLE,   /* make the private table of a change */
    STORE_Q_CHANGE_GET,     /* feature, id → body, source, line, withdrawn at; as within the change */
    STORE_Q_CHANGE_PUT,     /* feature, id, body, source, line, now */
    STORE_Q_CHANGE_WITHDRAW, /* feature, id, now */
    STORE_Q_CHANGE_OLD,     /* feature, withdrawn too → ITEM columns of rows that were there, as within the change */
    STORE_Q_CHANGE_NEW,     /* withdrawn too → ITEM columns of rows that the change adds */
    STORE_Q_CHANGE_LAST,    /* → number of its last row */
    STORE_Q_TEXT_LAST,      /* → last row of the index: base of the next four */
    STORE_Q_CHANGE_INDEX,   /* base, after, up to: bodies of these rows enter the index, where no item points to them yet */
    STORE_Q_CHANGE_UNINDEX, /* the same: they leave it */
    STORE_Q_CHANGE_APPLY,   /* feature, base: into the table of all */
    STORE_Q_REPLACED_TABLE, /* make the private table of what a change replaces in the index */
    STORE_Q_REPLACED_ADD,   /* feature; before CHANGE_APPLY */
    STORE_Q_REPLACED_LAST,  /* → number of its last row */
    STORE_Q_REPLACED_UNINDEX, /* 0, after, up to: these leave the index */
    STORE_Q_REPLACED_CLEAR,
    STORE_Q_CHANGE_CLEAR,   /* the private table is empty again */
    STORE_Q_ITEM_EACH,      /* feature, withdrawn too → ITEM columns: id, body, source, line, added, changed, withdrawn */
    STORE_Q_ITEM_GET,       /* feature, id → ITEM columns */
    STORE_Q_ITEM_NEWEST,    /* feature, offset, limit, four short words or "" → ITEM columns */
    STORE_Q_ITEM_NEWEST_COUNT, /* the same → count */
    STORE_Q_ITEM_MATCH,     /* feature, offset, limit, four short words or "", FTS5 query → ITEM columns */
    STORE_Q_ITEM_MATCH_COUNT,
    STORE_Q_ITEM_WITHDRAWN, /* feature → id */
    STORE_Q_ITEM_COUNT,     /* feature → live, withdrawn */
    STORE_Q_SAID_ADD,       /* id, feature, conversation, key, user, version, candidate, consent, keep until, outcome, confidence,
                               microseconds, request, answer, at → number */
    STORE_Q_SAID_GET,       /* id → SAID columns: number and these fifteen */
    STORE_Q_SAID_EACH,      /* feature, conversation or "", outcome or "", type or "", after, since, version, consent, rated,
                               limit → SAID columns, FEEDBACK columns or NULLs */
    STORE_Q_SAID_EACH_NEWEST, /* the same below `after` */
    STORE_Q_TALK_EACH,      /* the same, of one conversation */
    STORE_Q_TALK_EACH_NEWEST,
    STORE_Q_SAID_COUNT,     /* feature, since, until, version → interactions, answered, unknown, person, users, mean microseconds */
    STORE_Q_SAID_THUMBS,    /* feature, since, until, version → likes, dislikes, corrections */
    STORE_Q_SAID_SWEEP,     /* now, limit */
    STORE_Q_FEEDBACK_ADD,   /* id, interaction, type, user, who, staff, value, reason, body, at, stands → number */
    STORE_Q_FEEDBACK_REPLACE, /* interaction, user, who: thumbs of this voice stand no more */
    STORE_Q_TICKET_ADD,     /* id, feature, conversation, interaction, status, user, subject, contact, created */
    STORE_Q_TICKET_GET,     /* id → these, changed */
    STORE_Q_TICKET_SEQ,
    STORE_Q_TICKET_NEWEST,  /* below seq, limit, feature or "", status or "" → TICKET columns */
    STORE_Q_TICKET_OLDEST,
    STORE_Q_TICKET_STATUS,  /* id, status, now */
    STORE_Q_MESSAGE_ADD,    /* id, ticket, from, who, text, at */
    STORE_Q_MESSAGE_ALL,    /* ticket → id, from, who, text, at */
    STORE_Q_SCOPE_SET,      /* key, feature, origins, visitors per minute */
    STORE_Q_SCOPE_GET,      /* key → feature, origins, visitors per minute */
    STORE_Q_SESSION_ADD,    /* digest, key, link, expires */
    STORE_Q_SESSION_GET,    /* digest, link, now → key */
    STORE_Q_SESSION_END,    /* digest, link */
    STORE_Q_SESSION_SWEEP,  /* now */
    STORE_Q_SECRET_ADD,     /* name, bytes; the first one stays */
    STORE_Q_SECRET_GET,     /* name → bytes */
    STORE_QUERIES
} store_query;

#define STORE_COLUMNS_MAX 32

/* ---- a database -------------------------------------------------------------------------------------------------- */

typedef enum store_mode {
    STORE_LIVE,   /* made when it is not there; brought to this version */
    STORE_QUICK,  /* the live one; a commit does not wait for the disk: it survives kill -9, not yet a power cut */
    STORE_COPY,   /* a private copy, one file, nobody else has it open */
    STORE_BACKUP  /* only read */
} store_mode;

/* May stop the query with an error. */
typedef ig_status store_row_fn(void *arg, const store_value *v, ig_error *err);

typedef struct store_db store_db;
typedef struct store_backend {
    ig_status (*open)(const char *path, store_mode mode, store_db **out, ig_error *err);
    void (*close)(store_db *db);
    ig_status (*check)(store_db *db, ig_error *err); /* is every page what it should be? */
    ig_status (*begin)(store_db *db, ig_error *err); /* the one writer of all processes, until end or undo */
    ig_status (*end)(store_db *db, ig_error *err);   /* on the disk when it returns IG_OK */
    void (*undo)(store_db *db);
    /* row and changes may be NULL */
    ig_status (*run)(store_db *db, store_query q, const store_value *args, int n, store_row_fn *row, void *arg,
                     int64_t *changes,
                     ig_error *err);
    /* All tables of db, at one moment, into a file that is not there yet. */
    ig_status (*copy)(store_db *db, const char *path, ig_error *err);
    ig_status (*settle)(const char *path, ig_error *err); /* leave the database as one file; nobody has it open */
} store_backend;

extern const store_backend store_sqlite;

struct ig_store {
    const store_backend *backend;
    store_db *db;
    pthread_mutex_t lock;   /* a handle does one thing at a time */
    pthread_mutex_t quick_lock;
    store_db *quick;        /* of interactions and feedback; opened on first use */
    store_db *spare;        /* for streams; under `lock`, NULL while one uses it */
    uint8_t secret[32];     /* of the workspace; under `lock` */
    bool has_secret;
    int held;               /* descriptor of FOLDER/lock */
    ig_store_now_fn *now;
    void *now_arg;
    char folder[IG_PATH_MAX], path[IG_PATH_MAX]; /* of the database */
};

/* ---- rows.c ------------------------------------------------------------------------------------------------------ */

int64_t store_now(const ig_store *s);
/* prefix and 24 random letters and digits */
void store_id_new(const char *prefix, char id[IG_STORE_ID_SIZE]);
void store_random_text(char *dst, size_t n); /* n letters and digits, and a NUL */

/* 1 … max bytes of UTF-8 without control characters; `field` is named in the error. */
ig_status store_check_name(const char *field, const char *text, size_t max, ig_error *err);
ig_status store_check_text(const char *field, const char *text, ig_error *err); /* UTF-8, may be NULL */
ig_status store_check_json(const char *field, const char *text, ig_error *err); /* may be NULL */

/* Out of a row.  The second is heap memory of the caller's. */
ig_status store_get_text(char *dst, size_t size, const store_value *v, ig_error *err);
ig_status store_get_copy(char **dst, const store_value *v, ig_error *err);
/* Number of a word in a list that ends with NULL. */
ig_status store_get_word(const char *const *words, const store_value *v, int *out, ig_error *err);

/* Run fn as one transaction: all of it, or nothing when it fails. */
typedef ig_status store_write_fn(ig_store *s, void *arg, ig_error *err);
ig_status store_write(ig_store *s, store_write_fn *fn, void *arg, ig_error *err);
/* One query, outside of a transaction. */
ig_status store_read(ig_store *s, store_query q, const store_value *args, int n, store_row_fn *row, void *arg, ig_error *err);
/* One query inside of a transaction. */
ig_status store_run(ig_store *s, store_query q, const store_value *args, int n, store_row_fn *row, void *arg, ig_error *err);
/* The same, when at least one row must have changed: *changed tells. */
ig_status store_change(ig_store *s, store_query q, const store_value *args, int n, bool *changed, ig_error *err);

/* A kind of list.  `read` fills an item that is all zero; `fini` (may be NULL) frees what is in it. */
typedef struct store_list {
    const char *thing; /* in the error about `after` */
    store_query seq, newest, oldest;
    size_t item_bytes;
    ig_status (*read)(void *item, const store_value *v, ig_error *err);
    void (*fini)(void *item);
    int filters; /* values that `filter` points at; 0 means one */
} store_list;
ig_status store_page(ig_store *s, const store_list *list, const store_value *filter, const ig_store_page *page, void *out,
                     size_t *count, bool *more, ig_error *err);
/* All rows of a query, in a block of the caller's; IG_E_LIMIT beyond STORE_ROWS_MAX. */
#define STORE_ROWS_MAX ((size_t)1 << 20)
ig_status store_all(ig_store *s, const store_list *list, store_query q, const store_value *args, int n, void *out, size_t *count,
                    ig_error *err);
/* The first number of a row, into an int64_t. */
ig_status store_read_number(void *arg, const store_value *v, ig_error *err);
/* A query on a connection of its own: rows of any number, and `row` may call the store. */
ig_status store_stream(ig_store *s, store_query q, const store_value *args, int n, store_row_fn *row, void *arg, ig_error *err);
/* The store seen through another connection, for store_run and what is made of it; no locks. */
/* Between steps of a long work, each of which is a transaction: one who waits for the lock looks every 25 ms at first. */
void store_pause(void);
ig_store store_view(const ig_store *s, store_db *db);
/* As store_write, on the quick connection: fn gets a view. */
ig_status store_quick(ig_store *s, store_write_fn *fn, void *arg, ig_error *err);
/* Read one row into a zeroed item; IG_E_NOT_FOUND names the thing and the id. */
ig_status store_get(ig_store *s, const store_list *list, store_query get, const char *id, void *item, ig_error *err);

/* ---- folder.c ---------------------------------------------------------------------------------------------------- */

ig_status store_folder_make(const char *folder, char path[IG_PATH_MAX], ig_error *err); /* and the path of the database */
/* Take FOLDER/name; *fd stays open as long as the lock is held.  IG_E_STATE after wait_ms. */
ig_status store_lock(const char *folder, const char *name, bool alone, int wait_ms, int *fd, ig_error *err);
void store_unlock(int fd); /* -1 is allowed */

/* ---- blobs.c ----------------------------------------------------------------------------------------------------- */

ig_status store_blob_path(const char *folder, const char *sha256, char path[IG_PATH_MAX], ig_error *err);
ig_status store_incoming_path(const char *folder, char path[IG_PATH_MAX], ig_error *err);
/* Move a finished file to its place; fine when the content is there already. */
ig_status store_blob_place(const char *folder, const char *tmp, const char *sha256, ig_error *err);
/* Remove the content unless a file uses it.  In a transaction. */
ig_status store_blob_drop(ig_store *s, const char *sha256, ig_error *err);
ig_status store_blob_sweep(ig_store *s, ig_error *err);

/* ---- features.c, keys.c, signing.c ----------------------------------------------------------------------------------- */

/* Inside of a transaction; IG_E_NOT_FOUND also when it is removed. */
ig_status store_feature(ig_store *s, const char *id, ig_store_feature *out, ig_error *err);
/* A key that may be used now; IG_E_NOT_FOUND otherwise.  Inside of a transaction, or under the lock. */
ig_status store_key_valid(ig_store *s, const char *id, ig_store_key *out, ig_error *err);
/* Append an audit row: before and after as {"NAME": VALUE}. */
ig_status store_audit_numbers(ig_store *s, const char *who, const char *what, const char *object, const char *name, int64_t before,
                              int64_t after, ig_error *err);

/* ---- audit.c, job_process.c -------------------------------------------------------------------------------------- */

/* Inside of a transaction. */
ig_status store_audit(ig_store *s, const ig_store_audit_opts *entry, ig_error *err);

/* A process that pid alone would not name for long: "BOOT START" of it. */
#define STORE_PROCESS_SIZE 80
void store_process_name(int64_t pid, char out[STORE_PROCESS_SIZE]); /* "" when there is no such process */

#endif
