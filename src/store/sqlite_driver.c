/* store/sqlite_driver.c: runs the queries of sqlite.c.
 *
 * Write-ahead log with synchronous=FULL: a commit that returned is on the disk, and readers never wait for the writer.
 * Each query is prepared on first use and kept.  Every result code becomes a status and a sentence here.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite.h"

#define BUSY_MS 10000 /* another process may hold the write lock for as long as its transaction takes */

struct store_db {
    sqlite3 *sql;
    sqlite3_stmt *query[STORE_QUERIES];
    store_mode mode;
    char path[IG_PATH_MAX];
};

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static ig_status damaged(const store_db *db, const char *what, ig_error *err) {
    if (db->mode == STORE_BACKUP)
        return ig_error_at(err, IG_E_FORMAT, db->path, 0, "the backup is damaged (%s); use another one", what);
    return ig_error_at(err, IG_E_FORMAT, db->path, 0,
                       "the database of the store is damaged (%s); stop what uses it and restore the last backup: "
                       "ingot restore FILE", what);
}

static ig_status fail_io(store_db *db, int rc, ig_error *err) {
    if (rc == SQLITE_IOERR_NOMEM) return ig_error_nomem(err, 0);
    int e = db->sql ? sqlite3_system_errno(db->sql) : 0;
    return ig_error_at(err, IG_E_IO, db->path, 0, "the disk refused (%s); nothing was changed",
                       e ? strerror(e) : sqlite3_errstr(rc));
}

static ig_status fail_constraint(store_db *db, int rc, ig_error *err) {
    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        return ig_error_set(err, IG_E_EXISTS, "it is there already");
    if (rc == SQLITE_CONSTRAINT_FOREIGNKEY) return ig_error_set(err, IG_E_NOT_FOUND, "what it belongs to is not in the store");
    return ig_error_set(err, IG_E_STATE, "the store refuses: %s", sqlite3_errmsg(db->sql));
}

static ig_status fail(store_db *db, int rc, ig_error *err) {
    switch (rc & 0xff) {
    case SQLITE_NOMEM: return ig_error_nomem(err, 0);
    case SQLITE_CORRUPT: return damaged(db, sqlite3_errmsg(db->sql), err);
    case SQLITE_NOTADB: return damaged(db, "it is no SQLite database", err);
    case SQLITE_FULL:
        return ig_error_at(err, IG_E_IO, db->path, 0, "the disk is full; nothing was changed: make room and try again");
    case SQLITE_IOERR: return fail_io(db, rc, err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ig_error_at(err, IG_E_STATE, db->path, 0, "another process has written for more than %d seconds; try again",
                           BUSY_MS / 1000);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return ig_error_at(err, IG_E_IO, db->path, 0,
                           "cannot be opened for writing; check the permissions of the file and its folder");
    case SQLITE_CONSTRAINT: return fail_constraint(db, rc, err);
    case SQLITE_TOOBIG: return ig_error_set(err, IG_E_LIMIT, "larger than a row of the store may be");
    default: return ig_error_at(err, IG_E_INTERNAL, db->path, 0, "SQLite: %s", db->sql ? sqlite3_errmsg(db->sql)
                                : sqlite3_errstr(rc));
    }
}

/* ---- statements of our own --------------------------------------------------------------------------------------- */

static ig_status execute(store_db *db, const char *sql, ig_error *err) {
    int rc = sqlite3_exec(db->sql, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? IG_OK : fail(db, rc, err);
}

/* First column of the first row, as a number and as text. */
static ig_status ask(store_db *db, const char *sql, int64_t *number, char *text, size_t size, ig_error *err) {
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db->sql, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        if (number) *number = sqlite3_column_int64(q, 0);
        const char *t = text ? (const char *)sqlite3_column_text(q, 0) : NULL;
        if (text) snprintf(text, size, "%s", t ? t : "");
    }
    ig_status s = rc == SQLITE_ROW || rc == SQLITE_DONE ? IG_OK : fail(db, rc, err);
    sqlite3_finalize(q);
    return s;
}

/* ---- queries ----------------------------------------------------------------------------------------------------- */

static ig_status bind(store_db *db, sqlite3_stmt *q, const store_value *args, int n, ig_error *err) {
    for (int i = 0; i < n; i++) {
        const store_value *v = &args[i];
        int rc = v->type == STORE_INT    ? sqlite3_bind_int64(q, i + 1, v->integer)
                 : v->type == STORE_TEXT ? sqlite3_bind_text64(q, i + 1, v->text, v->len, SQLITE_STATIC, SQLITE_UTF8)
                 : v->type == STORE_REAL ? sqlite3_bind_double(q, i + 1, v->real)
                 : v->type == STORE_BYTES ? sqlite3_bind_blob64(q, i + 1, v->text, v->len, SQLITE_STATIC)
                                          : sqlite3_bind_null(q, i + 1);
        if (rc != SQLITE_OK) return fail(db, rc, err);
    }
    return IG_OK;
}

static bool column(sqlite3_stmt *q, int i, store_value *v) {
    *v = (store_value){.type = STORE_NULL, .text = ""};
    switch (sqlite3_column_type(q, i)) {
    case SQLITE_INTEGER: *v = store_int(sqlite3_column_int64(q, i)); return true;
    case SQLITE_FLOAT: *v = store_real(sqlite3_column_double(q, i)); return true;
    case SQLITE_TEXT:
        v->type = STORE_TEXT;
        v->text = (const char *)sqlite3_column_text(q, i);
        break;
    case SQLITE_BLOB:
        v->type = STORE_BYTES;
        v->text = sqlite3_column_blob(q, i);
        break;
    default: return true;
    }
    v->len = (size_t)sqlite3_column_bytes(q, i);
    /* Both may have to copy; after a failure the length is 0 too, and only no bytes at all are NULL without one. */
    return v->text || (v->type == STORE_BYTES && sqlite3_errcode(sqlite3_db_handle(q)) != SQLITE_NOMEM);
}

static ig_status give_row(sqlite3_stmt *q, store_row_fn *row, void *arg, ig_error *err) {
    store_value v[STORE_COLUMNS_MAX];
    int n = sqlite3_column_count(q);
    for (int i = 0; i < n && i < STORE_COLUMNS_MAX; i++)
        if (!column(q, i, &v[i])) return ig_error_nomem(err, 0);
    return row ? row(arg, v, err) : IG_OK;
}

static ig_status walk(store_db *db, sqlite3_stmt *q, store_row_fn *row, void *arg, ig_error *err) {
    for (;;) {
        int rc = sqlite3_step(q);
        if (rc == SQLITE_DONE) return IG_OK;
        if (rc != SQLITE_ROW) return fail(db, rc, err);
        IG_TRY(give_row(q, row, arg, err));
    }
}

static ig_status db_run(store_db *db, store_query n, const store_value *args, int count, store_row_fn *row, void *arg,
                        int64_t *changes,
                        ig_error *err) {
    if (!db->query[n]) {
        const char *sql = n < STORE_Q_LOOP ? sqlite_query[n] : sqlite_loop_query[n - STORE_Q_LOOP];
        int rc = sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, &db->query[n], NULL);
        if (rc != SQLITE_OK) return fail(db, rc, err);
    }
    sqlite3_stmt *q = db->query[n];
    ig_status s = bind(db, q, args, count, err);
    if (s == IG_OK) s = walk(db, q, row, arg, err);
    if (changes) *changes = sqlite3_changes64(db->sql);
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return s;
}

static ig_status db_begin(store_db *db, ig_error *err) { return execute(db, sqlite_begin, err); }
static ig_status db_end(store_db *db, ig_error *err) { return execute(db, sqlite_end, err); }

static void db_undo(store_db *db) {
    if (!sqlite3_get_autocommit(db->sql)) sqlite3_exec(db->sql, sqlite_undo, NULL, NULL, NULL);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* SQLite would make the file readable for everybody; the log files take over its mode.  A file that is there is not opened:
 * closing it again would drop the locks that other connections of this process hold on it (POSIX), and the log would be
 * removed under them. */
static ig_status make_private(const char *path, ig_error *err) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST && access(path, R_OK | W_OK) == 0) return IG_OK;
    if (fd < 0) return ig_error_errno_at(err, path, "cannot be opened for writing");
    close(fd);
    return IG_OK;
}

/* Ours, empty, or somebody else's? */
static ig_status identify(store_db *db, int64_t *version, ig_error *err) {
    int64_t app = 0, tables = 0;
    IG_TRY(ask(db, sqlite_get_app, &app, NULL, 0, err));
    IG_TRY(ask(db, sqlite_get_version, version, NULL, 0, err));
    IG_TRY(ask(db, sqlite_count_tables, &tables, NULL, 0, err));
    if (app != SQLITE_STORE_ID && (tables > 0 || app != 0))
        return ig_error_at(err, IG_E_FORMAT, db->path, 0, "is a database of another program, not a store");
    if (*version > SQLITE_MIGRATIONS)
        return ig_error_at(err, IG_E_UNSUPPORTED, db->path, 0,
                           "has tables of version %lld, made by a newer Ingot; this one knows up to %d: update it",
                           (long long)*version, SQLITE_MIGRATIONS);
    if (app == SQLITE_STORE_ID && (*version < 1 || tables == 0)) return damaged(db, "its tables have no version", err);
    return IG_OK;
}

static ig_status migrate_locked(store_db *db, ig_error *err) {
    int64_t version = 0;
    char sql[64];
    IG_TRY(identify(db, &version, err)); /* again: another process may have been first */
    for (int64_t i = version; i < SQLITE_MIGRATIONS; i++) IG_TRY(execute(db, sqlite_migration[i], err));
    snprintf(sql, sizeof sql, sqlite_set_version, SQLITE_MIGRATIONS);
    IG_TRY(execute(db, sqlite_set_app, err));
    return execute(db, sql, err);
}

static ig_status migrate(store_db *db, ig_error *err) {
    int64_t version = 0;
    IG_TRY(identify(db, &version, err));
    if (version == SQLITE_MIGRATIONS) return IG_OK;
    IG_TRY(db_begin(db, err));
    ig_status s = migrate_locked(db, err);
    if (s == IG_OK) s = db_end(db, err);
    if (s != IG_OK) db_undo(db);
    return s;
}

static ig_status prepare_live(store_db *db, ig_error *err) {
    char mode[16];
    int64_t version = 0;
    IG_TRY(identify(db, &version, err)); /* before anything is written */
    IG_TRY(execute(db, sqlite_set_live, err));
    IG_TRY(ask(db, sqlite_get_mode, NULL, mode, sizeof mode, err));
    if (strcmp(mode, "wal") != 0)
        return ig_error_at(err, IG_E_UNSUPPORTED, db->path, 0,
                           "this file system has no shared memory for the log of the store; move the workspace to a local disk");
    return migrate(db, err);
}

static ig_status connect_to(store_db *db, store_mode mode, ig_error *err) {
    int64_t version;
    int flags = mode == STORE_BACKUP ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | (mode == STORE_COPY ? SQLITE_OPEN_CREATE
                                                                                       : 0);
    int rc = sqlite3_open_v2(db->path, &db->sql, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) return fail(db, rc, err);
    sqlite3_extended_result_codes(db->sql, 1);
    sqlite3_busy_timeout(db->sql, BUSY_MS);
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (mode == STORE_LIVE || mode == STORE_QUICK) IG_TRY(prepare_live(db, err));
    if (mode == STORE_QUICK) return execute(db, sqlite_set_quick, err);
    if (mode == STORE_LIVE) return IG_OK;
    if (mode == STORE_COPY) return execute(db, sqlite_set_single, err);
    return identify(db, &version, err);
}

static void db_close(store_db *db) {
    if (!db) return;
    for (int i = 0; i < STORE_QUERIES; i++) sqlite3_finalize(db->query[i]);
    sqlite3_close(db->sql);
    ig_free(db);
}

static ig_status db_open(const char *path, store_mode mode, store_db **out, ig_error *err) {
    *out = NULL;
    IG_TRY(sqlite_start(err));
    if (mode == STORE_LIVE) IG_TRY(make_private(path, err));
    store_db *db = ig_calloc(1, sizeof *db);
    if (!db) return ig_error_nomem(err, sizeof *db);
    db->mode = mode;
    ig_status s = ig_path_join(db->path, sizeof db->path, "", path, err);
    if (s == IG_OK) s = connect_to(db, mode, err);
    if (s != IG_OK) {
        db_close(db);
        return s;
    }
    *out = db;
    return IG_OK;
}

/* The check tells a page that could not be had, for want of memory say, among its findings. */
static int code_in(const char *answer) {
    const char *p = strstr(answer, "error code=");
    int code = 0;
    return p && sscanf(p, "error code=%d", &code) == 1 && (code & 0xff) != SQLITE_CORRUPT ? code : 0;
}

static ig_status db_check(store_db *db, ig_error *err) {
    char answer[400] = "";
    IG_TRY(ask(db, sqlite_check, NULL, answer, sizeof answer, err));
    if (strcmp(answer, "ok") == 0) return IG_OK;
    if (code_in(answer)) return fail(db, code_in(answer), err);
    for (char *c = answer; *c; c++)
        if (*c == '\n') *c = ' ';
    return damaged(db, answer, err);
}

/* ---- copies ------------------------------------------------------------------------------------------------------ */

/* All pages in one step: what others write meanwhile cannot start it anew for ever. */
static ig_status copy_pages(store_db *from, store_db *to, ig_error *err) {
    sqlite3_backup *b = sqlite3_backup_init(to->sql, "main", from->sql, "main");
    if (!b) return fail(to, sqlite3_extended_errcode(to->sql), err);
    int rc = sqlite3_backup_step(b, -1);
    int end = sqlite3_backup_finish(b);
    if (rc == SQLITE_DONE && end == SQLITE_OK)
        return execute(to, sqlite_set_single, err); /* the header said WAL, as in `from` */
    rc = rc == SQLITE_DONE ? end : rc;
    return fail((rc & 0xff) == SQLITE_CORRUPT ? from : to, rc, err);
}

static ig_status db_copy(store_db *db, const char *path, ig_error *err) {
    store_db *to;
    IG_TRY(make_private(path, err));
    IG_TRY(db_open(path, STORE_COPY, &to, err));
    ig_status s = copy_pages(db, to, err);
    db_close(to);
    return s;
}

/* Bring the log into the database; the last one to close it removes the log. */
static ig_status db_settle(const char *path, ig_error *err) {
    store_db *db;
    IG_TRY(db_open(path, STORE_LIVE, &db, err));
    ig_status s = execute(db, sqlite_truncate_log, err);
    db_close(db);
    return s;
}

const store_backend store_sqlite = {
    .open = db_open, .close = db_close, .check = db_check,
    .begin = db_begin, .end = db_end, .undo = db_undo,
    .run = db_run, .copy = db_copy, .settle = db_settle,
};
