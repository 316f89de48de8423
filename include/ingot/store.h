/* ingot/store.h: what a workspace remembers: keys, files, jobs, and who changed what.
 *
 *     FOLDER/store.db          rows (SQLite, write-ahead log); only the owner may read it
 *     FOLDER/blobs/ab/cdef…    contents of files, named by their SHA-256; equal contents are kept once
 *     FOLDER/lock, open.lock   held shared by whoever has the store open; held while one opens it
 *
 * Several processes may have one store open, and a handle may be used by several threads.  What a call acknowledged is on
 * the disk: it survives kill -9 and a power cut.  A call that failed changed nothing.  A handle must not be used across
 * fork(): open another one in the child.
 *
 * Text is UTF-8 and checked; JSON must parse.  Times are in seconds since 1970, 0 meaning never.  Ids are a prefix and 24
 * random letters and digits.  Lists page as OpenAI's do: `after` an id, at most `limit` of them, the newest first.
 * `who` in a call is who did it, for the audit: the id of a key; NULL stands for the owner of the machine ("local").
 */
#ifndef INGOT_STORE_H
#define INGOT_STORE_H

#include "ingot/base.h"
#include "ingot/limits.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

#define IG_STORE_ID_SIZE 48 /* an id and its NUL */

typedef struct ig_store ig_store;

typedef int64_t ig_store_now_fn(void *arg); /* seconds since 1970 */
typedef struct ig_store_opts {
    bool quick;             /* for a short command: no integrity check, no sweep, no recovery of jobs */
    ig_store_now_fn *now;   /* NULL: the clock of the machine */
    void *now_arg;
} ig_store_opts;

/* Open the store in `folder`, which is made when it is not there, bring its tables to this version, check it, remove blobs
 * that no file uses, and settle jobs whose process is gone.  Fails with IG_E_FORMAT when the database is damaged or is not
 * a store, IG_E_UNSUPPORTED when a newer Ingot made it, IG_E_STATE when somebody restores it or holds it for too long. */
ig_status ig_store_open(const char *folder, const ig_store_opts *opts, ig_store **out, ig_error *err);
void ig_store_close(ig_store *s); /* NULL is allowed */
/* Version of the tables. */
ig_status ig_store_version(ig_store *s, int64_t *version, ig_error *err);

/* Everything, contents of files too, as one file, while the store is in use.  An existing file is replaced when the backup
 * is complete, not before.  A backup is an SQLite database with a further table, `backup_blobs`. */
ig_status ig_store_backup(ig_store *s, const char *path, ig_error *err);
/* Make the store in `folder` what it was when the backup was taken.  Nobody may have it open (IG_E_STATE).  The backup is
 * checked before anything is changed; the database that was there is kept as store.db.before-restore. */
ig_status ig_store_restore(const char *folder, const char *path, ig_error *err);

typedef struct ig_store_page {
    const char *after; /* id of the last one seen; NULL: from the start */
    int limit;         /* 1 … IG_STORE_LIST_MAX; 0 means 20 */
    bool oldest_first;
} ig_store_page;

/* ---- keys -------------------------------------------------------------------------------------------------------- */

typedef enum ig_store_role { IG_ROLE_PUBLIC, IG_ROLE_APP, IG_ROLE_STAFF, IG_ROLE_ADMIN } ig_store_role;

typedef struct ig_store_key {
    char id[IG_STORE_ID_SIZE];          /* "key-…" */
    char name[IG_STORE_NAME_MAX + 1];
    ig_store_role role;
    int64_t requests_per_minute, concurrent; /* 0: what the server allows */
    int64_t created_at, expires_at, last_used_at, revoked_at;
} ig_store_key;

typedef struct ig_store_key_opts {
    const char *name, *who;
    ig_store_role role;
    int64_t requests_per_minute, concurrent;
    int64_t expires_at; /* 0: never */
} ig_store_key_opts;

#define IG_STORE_SECRET_SIZE 72
/* The secret, "ig-…", is in `secret` and nowhere else: the store keeps a digest. */
ig_status ig_store_key_new(ig_store *s, const ig_store_key_opts *opts, char secret[IG_STORE_SECRET_SIZE], ig_store_key *out,
                           ig_error *err);
/* The key of a secret; notes that it was used, at most once a minute.  IG_E_NOT_FOUND when it is unknown, revoked or has
 * expired. */
ig_status ig_store_key_find(ig_store *s, const char *secret, ig_store_key *out, ig_error *err);
ig_status ig_store_key_get(ig_store *s, const char *id, ig_store_key *out, ig_error *err);
/* *out is one block, freed with ig_free. */
ig_status ig_store_key_list(ig_store *s, const ig_store_page *page, ig_store_key **out, size_t *count, bool *more,
                            ig_error *err);
/* From now on it is not found; the row stays.  Fine when it is revoked already. */
ig_status ig_store_key_revoke(ig_store *s, const char *id, const char *who, ig_error *err);
const char *ig_store_role_name(ig_store_role r); /* "public", "app", "staff", "admin" */
ig_status ig_store_role_parse(const char *name, ig_store_role *out, ig_error *err);

/* ---- files ------------------------------------------------------------------------------------------------------- */

typedef enum ig_store_file_status { IG_FILE_UPLOADED, IG_FILE_PROCESSED, IG_FILE_ERROR } ig_store_file_status;

typedef struct ig_store_file {
    char id[IG_STORE_ID_SIZE];          /* "file-…" */
    char filename[IG_STORE_FILENAME_MAX + 1];
    char purpose[IG_STORE_NAME_MAX + 1];
    char sha256[65];
    ig_store_file_status status;
    int64_t bytes, created_at;
} ig_store_file;

/* Content that arrives in pieces.  The file exists when commit returns IG_OK; close without commit leaves nothing. */
typedef struct ig_store_upload ig_store_upload;
ig_status ig_store_upload_open(ig_store *s, ig_store_upload **out, ig_error *err);
ig_status ig_store_upload_write(ig_store_upload *u, const void *bytes, size_t n, ig_error *err);
ig_status ig_store_upload_commit(ig_store_upload *u, const char *filename, const char *purpose, const char *who,
                                 ig_store_file *out, ig_error *err);
void ig_store_upload_close(ig_store_upload *u); /* NULL is allowed */
/* open, write, commit, close */
ig_status ig_store_file_new(ig_store *s, const char *filename, const char *purpose, const void *bytes, size_t n,
                            const char *who, ig_store_file *out, ig_error *err);
ig_status ig_store_file_get(ig_store *s, const char *id, ig_store_file *out, ig_error *err);
/* Where the content lies, for reading or mapping; never change it. */
ig_status ig_store_file_path(ig_store *s, const ig_store_file *f, char *path, size_t size, ig_error *err);
/* purpose NULL: all.  *out is one block, freed with ig_free. */
ig_status ig_store_file_list(ig_store *s, const char *purpose, const ig_store_page *page, ig_store_file **out, size_t *count,
                             bool *more, ig_error *err);
ig_status ig_store_file_set_status(ig_store *s, const char *id, ig_store_file_status status, ig_error *err);
/* The content goes too, unless another file has the same. */
ig_status ig_store_file_delete(ig_store *s, const char *id, const char *who, ig_error *err);
const char *ig_store_file_status_name(ig_store_file_status s); /* "uploaded", "processed", "error" */

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

typedef enum ig_store_job_status {
    IG_JOB_QUEUED,
    IG_JOB_RUNNING,
    IG_JOB_SUCCEEDED,
    IG_JOB_FAILED,
    IG_JOB_CANCELLED
} ig_store_job_status;

typedef struct ig_store_job {
    char id[IG_STORE_ID_SIZE];          /* "ftjob-…" */
    char kind[IG_STORE_NAME_MAX + 1];
    ig_store_job_status status;
    char *spec;                          /* JSON */
    char *result;                        /* JSON; "" until it succeeded */
    char *error;                         /* for a person; "" unless it failed */
    bool cancel;                         /* somebody asked the running job to stop */
    int64_t pid;                         /* of the process that works on it; 0: none */
    int64_t attempts, attempts_max;
    int64_t created_at, started_at, heartbeat_at, finished_at;
} ig_store_job;

void ig_store_job_fini(ig_store_job *j);
void ig_store_jobs_free(ig_store_job *jobs, size_t count);

/* A job whose process ends without a result is queued again until attempts_max starts were made, and has then failed.
 * attempts_max 0 means 1. */
ig_status ig_store_job_new(ig_store *s, const char *kind, const char *spec, int attempts_max, ig_store_job *out, ig_error *err);
ig_status ig_store_job_get(ig_store *s, const char *id, ig_store_job *out, ig_error *err);
ig_status ig_store_job_list(ig_store *s, const char *kind, const ig_store_page *page, ig_store_job **out, size_t *count,
                            bool *more, ig_error *err);
/* Take the oldest queued job of this kind (NULL: of any) for this process: of several callers one gets it.
 * IG_E_NOT_FOUND when none is waiting. */
ig_status ig_store_job_claim(ig_store *s, const char *kind, ig_store_job *out, ig_error *err);
/* This process goes on with a running job that another one claimed, as the child that trains does. */
ig_status ig_store_job_adopt(ig_store *s, const char *id, ig_error *err);
/* Still at work; *cancel tells whether to stop.  IG_E_STATE when it is not running. */
ig_status ig_store_job_heartbeat(ig_store *s, const char *id, bool *cancel, ig_error *err);
/* End a running job: SUCCEEDED with a result (JSON or NULL), FAILED with an error, or CANCELLED.  IG_E_STATE when it is not
 * running. */
ig_status ig_store_job_finish(ig_store *s, const char *id, ig_store_job_status status, const char *result, const char *error,
                              ig_error *err);
/* A queued job is cancelled at once, a running one is asked to stop.  IG_E_STATE when it has ended. */
ig_status ig_store_job_cancel(ig_store *s, const char *id, const char *who, ig_error *err);
/* Queue again, or fail, running jobs whose process is gone; *settled counts them.  Opening does this unless it is quick. */
ig_status ig_store_job_recover(ig_store *s, size_t *settled, ig_error *err);
const char *ig_store_job_status_name(ig_store_job_status s); /* "queued", "running", … */

typedef enum ig_store_level { IG_LEVEL_INFO, IG_LEVEL_WARN, IG_LEVEL_ERROR } ig_store_level;
typedef struct ig_store_event {
    char id[IG_STORE_ID_SIZE]; /* "ftevent-…" */
    int64_t number;            /* within its job, from 1 */
    ig_store_level level;
    char *message, *data;      /* data: JSON, or "" */
    int64_t created_at;
} ig_store_event;
void ig_store_events_free(ig_store_event *events, size_t count);
/* data: JSON or NULL.  At most IG_STORE_EVENTS_MAX of one job. */
ig_status ig_store_event_add(ig_store *s, const char *job, ig_store_level level, const char *message, const char *data,
                             ig_error *err);
ig_status ig_store_event_list(ig_store *s, const char *job, const ig_store_page *page, ig_store_event **out, size_t *count,
                              bool *more, ig_error *err);
const char *ig_store_level_name(ig_store_level l); /* "info", "warn", "error" */

typedef struct ig_store_checkpoint {
    char id[IG_STORE_ID_SIZE]; /* "ftckpt-…" */
    int64_t step;
    char *path, *metrics;      /* metrics: JSON, or "" */
    int64_t created_at;
} ig_store_checkpoint;
void ig_store_checkpoints_free(ig_store_checkpoint *list, size_t count);
/* One row for each step of a job: IG_E_EXISTS for a second one. */
ig_status ig_store_checkpoint_add(ig_store *s, const char *job, int64_t step, const char *path, const char *metrics,
                                  ig_error *err);
ig_status ig_store_checkpoint_list(ig_store *s, const char *job, const ig_store_page *page, ig_store_checkpoint **out,
                                   size_t *count, bool *more, ig_error *err);

/* ---- audit ------------------------------------------------------------------------------------------------------- */

typedef struct ig_store_audit {
    int64_t number, created_at;
    char *who, *what, *object; /* "key-…", "key.revoke", "key-…" */
    char *before, *after;      /* JSON, or "" */
} ig_store_audit;
void ig_store_audits_free(ig_store_audit *rows, size_t count);

typedef struct ig_store_audit_opts {
    const char *who, *what, *object;
    const char *before, *after; /* JSON or NULL */
} ig_store_audit_opts;
/* Append a row.  Keys, files and cancelled jobs write theirs in the transaction of the change itself. */
ig_status ig_store_audit_add(ig_store *s, const ig_store_audit_opts *entry, ig_error *err);
/* Rows after number `after` (0: all), the oldest first, at most `limit` (0: 20). */
ig_status ig_store_audit_list(ig_store *s, int64_t after, int limit, ig_store_audit **out, size_t *count, bool *more,
                              ig_error *err);
/* Each row holds a digest over itself and the digest before it: a row that was changed, removed or slipped in breaks the
 * chain.  IG_E_FORMAT names the first row that does not fit.  *rows counts them; `head` gets the last digest in hex: written
 * down elsewhere, it also shows a chain that was made anew.  Both may be NULL. */
ig_status ig_store_audit_check(ig_store *s, int64_t *rows, char head[65], ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
