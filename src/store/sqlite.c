/* store/sqlite.c: the tables of the store and every query, in SQLite's SQL.  With sqlite_loop.c the only one that holds any.
 *
 *     keys ─ who may call          files ─ names of blobs          audit ─ who changed what, chained by digests
 *     jobs ─┬─ job_events
 *           └─ job_checkpoints
 *
 * `seq` counts in order of insertion and is never used again (AUTOINCREMENT), so that pages do not shift.  The version of
 * the tables is PRAGMA user_version; migration i brings version i to i+1.  A migration that was released is never
 * changed: tests/store/version1.sql is a store of the first version.
 */
#include "store/sqlite.h"

/* ---- settings ---------------------------------------------------------------------------------------------------- */

const char sqlite_begin[] = "BEGIN IMMEDIATE"; /* the write lock at once: a reader that turns writer could fail halfway */
const char sqlite_end[] = "COMMIT";
const char sqlite_undo[] = "ROLLBACK";
const char sqlite_check[] = "PRAGMA quick_check(1)";
const char sqlite_get_app[] = "PRAGMA application_id";
const char sqlite_get_version[] = "PRAGMA user_version";
const char sqlite_get_mode[] = "PRAGMA journal_mode";
const char sqlite_count_tables[] = "SELECT count(*) FROM sqlite_schema";
const char sqlite_set_live[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                               " PRAGMA trusted_schema = OFF";
const char sqlite_set_quick[] = "PRAGMA synchronous = NORMAL";
const char sqlite_set_single[] = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF";
const char sqlite_set_app[] = "PRAGMA application_id = 1231972212"; /* SQLITE_STORE_ID */
const char sqlite_set_version[] = "PRAGMA user_version = %d";
const char sqlite_truncate_log[] = "PRAGMA wal_checkpoint(TRUNCATE)";

/* ---- tables ------------------------------------------------------------------------------------------------------ */

const char *const sqlite_migration[SQLITE_MIGRATIONS] = {
    "CREATE TABLE keys ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
    "  role TEXT NOT NULL CHECK (role IN ('public', 'app', 'staff', 'admin')), digest BLOB NOT NULL,"
    "  requests_per_minute INTEGER NOT NULL, concurrent INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    "  expires_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL DEFAULT 0, revoked_at INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE files ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, filename TEXT NOT NULL, purpose TEXT NOT NULL,"
    "  sha256 TEXT NOT NULL CHECK (length(sha256) = 64), status TEXT NOT NULL CHECK (status IN ('uploaded', 'processed', 'error')),"
    "  bytes INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX files_sha256 ON files (sha256, bytes);"
    "CREATE TABLE jobs ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
    "  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),"
    "  spec TEXT NOT NULL, result TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '', cancel INTEGER NOT NULL DEFAULT 0,"
    "  pid INTEGER NOT NULL DEFAULT 0, process TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,"
    "  attempts_max INTEGER NOT NULL, created_at INTEGER NOT NULL, started_at INTEGER NOT NULL DEFAULT 0,"
    "  heartbeat_at INTEGER NOT NULL DEFAULT 0, finished_at INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX jobs_status ON jobs (status, seq);"
    "CREATE TABLE job_events ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,"
    "  number INTEGER NOT NULL, level TEXT NOT NULL CHECK (level IN ('info', 'warn', 'error')), message TEXT NOT NULL,"
    "  data TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (job, number)) STRICT;"
    "CREATE INDEX job_events_job ON job_events (job, seq);"
    "CREATE TABLE job_checkpoints ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,"
    "  step INTEGER NOT NULL, path TEXT NOT NULL, metrics TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (job, step)) STRICT;"
    "CREATE INDEX job_checkpoints_job ON job_checkpoints (job, seq);",

    "CREATE TABLE audit ("
    "  number INTEGER PRIMARY KEY, created_at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, object TEXT NOT NULL,"
    "  before TEXT NOT NULL, after TEXT NOT NULL, digest BLOB NOT NULL) STRICT;"
    "CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;"
    "CREATE TRIGGER audit_is_kept BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;",

    sqlite_loop_tables,
};

/* ---- queries ----------------------------------------------------------------------------------------------------- */

#define SEQ(table) "SELECT seq FROM " table " WHERE id = ?1"
#define NEWEST(columns, table, filter) "SELECT " columns " FROM " table " WHERE seq < ?1" filter " ORDER BY seq DESC LIMIT ?2"
#define OLDEST(columns, table, filter) "SELECT " columns " FROM " table " WHERE seq > ?1" filter " ORDER BY seq LIMIT ?2"

#define KEY "id, name, role, requests_per_minute, concurrent, created_at, expires_at, last_used_at, revoked_at"
#define FILE_ROW "id, filename, purpose, sha256, status, bytes, created_at"
#define JOB                                                                                                            \
    "id, kind, status, spec, result, error, cancel, pid, attempts, attempts_max, created_at, started_at,"               \
    " heartbeat_at, finished_at"
#define EVENT "id, number, level, message, data, created_at"
#define CHECKPOINT "id, step, path, metrics, created_at"
#define AUDIT "number, created_at, who, what, object, before, after, digest"

const char *const sqlite_query[STORE_Q_LOOP] = {
    [STORE_Q_VERSION] = "PRAGMA user_version",

    [STORE_Q_KEY_ADD] = "INSERT INTO keys (id, name, role, digest, requests_per_minute, concurrent, created_at, expires_at)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [STORE_Q_KEY_GET] = "SELECT " KEY ", digest FROM keys WHERE id = ?1",
    [STORE_Q_KEY_SEQ] = SEQ("keys"),
    [STORE_Q_KEY_NEWEST] = NEWEST(KEY, "keys", ""),
    [STORE_Q_KEY_OLDEST] = OLDEST(KEY, "keys", ""),
    [STORE_Q_KEY_USED] = "UPDATE keys SET last_used_at = ?2 WHERE id = ?1",
    [STORE_Q_KEY_REVOKE] = "UPDATE keys SET revoked_at = ?2 WHERE id = ?1",

    [STORE_Q_FILE_ADD] = "INSERT INTO files (" FILE_ROW ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STORE_Q_FILE_GET] = "SELECT " FILE_ROW " FROM files WHERE id = ?1",
    [STORE_Q_FILE_SEQ] = SEQ("files"),
    [STORE_Q_FILE_NEWEST] = NEWEST(FILE_ROW, "files", " AND (?3 = '' OR purpose = ?3)"),
    [STORE_Q_FILE_OLDEST] = OLDEST(FILE_ROW, "files", " AND (?3 = '' OR purpose = ?3)"),
    [STORE_Q_FILE_STATUS] = "UPDATE files SET status = ?2 WHERE id = ?1",
    [STORE_Q_FILE_DELETE] = "DELETE FROM files WHERE id = ?1",
    [STORE_Q_FILE_USES] = "SELECT count(*) FROM files WHERE sha256 = ?1",
    [STORE_Q_FILE_DIGESTS] = "SELECT DISTINCT sha256, bytes FROM files ORDER BY sha256",
    [STORE_Q_FILE_FORGET] = "DELETE FROM files WHERE sha256 = ?1",

    [STORE_Q_JOB_ADD] = "INSERT INTO jobs (id, kind, status, spec, attempts_max, created_at)"
                        " VALUES (?1, ?2, 'queued', ?3, ?4, ?5)",
    [STORE_Q_JOB_GET] = "SELECT " JOB " FROM jobs WHERE id = ?1",
    [STORE_Q_JOB_SEQ] = SEQ("jobs"),
    [STORE_Q_JOB_NEWEST] = NEWEST(JOB, "jobs", " AND (?3 = '' OR kind = ?3)"),
    [STORE_Q_JOB_OLDEST] = OLDEST(JOB, "jobs", " AND (?3 = '' OR kind = ?3)"),
    [STORE_Q_JOB_NEXT] = "SELECT id FROM jobs WHERE status = 'queued' AND (?1 = '' OR kind = ?1) ORDER BY seq LIMIT 1",
    [STORE_Q_JOB_START] = "UPDATE jobs SET status = 'running', pid = ?2, process = ?3, started_at = ?4, heartbeat_at = ?4,"
                          " attempts = attempts + 1 WHERE id = ?1 AND status = 'queued'",
    [STORE_Q_JOB_ADOPT] = "UPDATE jobs SET pid = ?2, process = ?3, heartbeat_at = ?4 WHERE id = ?1 AND status = 'running'",
    [STORE_Q_JOB_BEAT] = "UPDATE jobs SET heartbeat_at = ?2 WHERE id = ?1 AND status = 'running' RETURNING cancel",
    [STORE_Q_JOB_END] = "UPDATE jobs SET status = ?2, result = ?3, error = ?4, finished_at = ?5, pid = 0, process = ''"
                        " WHERE id = ?1 AND status = 'running'",
    [STORE_Q_JOB_DROP] = "UPDATE jobs SET status = 'cancelled', finished_at = ?2 WHERE id = ?1 AND status = 'queued'",
    [STORE_Q_JOB_STOP] = "UPDATE jobs SET cancel = 1 WHERE id = ?1 AND status = 'running'",
    [STORE_Q_JOB_AGAIN] = "UPDATE jobs SET status = 'queued', pid = 0, process = '' WHERE id = ?1 AND status = 'running'",
    [STORE_Q_JOB_RUNNING] = "SELECT id, pid, process, attempts, attempts_max, cancel FROM jobs"
                            " WHERE status = 'running' ORDER BY seq",

    [STORE_Q_EVENT_LAST] = "SELECT coalesce(max(number), 0) FROM job_events WHERE job = ?1",
    [STORE_Q_EVENT_ADD] = "INSERT INTO job_events (id, job, number, level, message, data, created_at)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STORE_Q_EVENT_SEQ] = SEQ("job_events"),
    [STORE_Q_EVENT_NEWEST] = NEWEST(EVENT, "job_events", " AND job = ?3"),
    [STORE_Q_EVENT_OLDEST] = OLDEST(EVENT, "job_events", " AND job = ?3"),
    [STORE_Q_CHECKPOINT_ADD] = "INSERT INTO job_checkpoints (id, job, step, path, metrics, created_at)"
                               " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STORE_Q_CHECKPOINT_SEQ] = SEQ("job_checkpoints"),
    [STORE_Q_CHECKPOINT_NEWEST] = NEWEST(CHECKPOINT, "job_checkpoints", " AND job = ?3"),
    [STORE_Q_CHECKPOINT_OLDEST] = OLDEST(CHECKPOINT, "job_checkpoints", " AND job = ?3"),

    [STORE_Q_AUDIT_LAST] = "SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1",
    [STORE_Q_AUDIT_ADD] = "INSERT INTO audit (" AUDIT ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [STORE_Q_AUDIT_FROM] = "SELECT " AUDIT " FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2",

    [STORE_Q_PART_TABLE] = "CREATE TABLE backup_blobs (sha256 TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL,"
                           " PRIMARY KEY (sha256, part)) STRICT, WITHOUT ROWID",
    [STORE_Q_PART_ADD] = "INSERT INTO backup_blobs (sha256, part, bytes) VALUES (?1, ?2, ?3)",
    [STORE_Q_PART_GET] = "SELECT bytes FROM backup_blobs WHERE sha256 = ?1 AND part = ?2",
    [STORE_Q_PART_DROP] = "DROP TABLE backup_blobs",
};
