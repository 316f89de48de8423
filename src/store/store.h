/* store/store.h: what the files of the store share.
 *
 *     keys.c files.c upload.c jobs.c job_notes.c audit.c     records, without SQL: a query by its number, values in and out
 *                      │ store_write, store_read, store_list
 *     rows.c           checks of values, transactions, pages
 *                      │ store_backend: a table of functions
 *     sqlite.c         the tables and the queries in SQLite's SQL; sqlite_driver.c runs them
 *     folder.c         locks and file names;  blobs.c  contents by digest
 *
 * Another database is another pair of files that fills in store_backend; nothing above it knows.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <pthread.h>

#include "ingot/store.h"

/* ---- values ------------------------------------------------------------------------------------------------------ */

typedef enum store_type { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BYTES } store_type;
typedef struct store_value {
    store_type type;
    int64_t integer;
    const char *text; /* borrowed: the caller's on the way in, the backend's until the row function returns */
    size_t len;
} store_value;

static inline store_value store_int(int64_t v) {
    return (store_value){.type = STORE_INT, .integer = v};
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
    STORE_QUERIES
} store_query;

#define STORE_COLUMNS_MAX 16

/* ---- a database -------------------------------------------------------------------------------------------------- */

typedef enum store_mode {
    STORE_LIVE,   /* made when it is not there; brought to this version */
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
} store_list;
ig_status store_page(ig_store *s, const store_list *list, const store_value *filter, const ig_store_page *page, void *out,
                     size_t *count, bool *more, ig_error *err);
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

/* ---- audit.c, job_process.c -------------------------------------------------------------------------------------- */

/* Inside of a transaction. */
ig_status store_audit(ig_store *s, const ig_store_audit_opts *entry, ig_error *err);

/* A process that pid alone would not name for long: "BOOT START" of it. */
#define STORE_PROCESS_SIZE 80
void store_process_name(int64_t pid, char out[STORE_PROCESS_SIZE]); /* "" when there is no such process */

#endif
