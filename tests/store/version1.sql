-- A store of the first version of the tables, as it was released: never changed.  tests/store/open.c opens it.
PRAGMA application_id = 1231972212;
PRAGMA user_version = 1;
CREATE TABLE keys (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('public', 'app', 'staff', 'admin')), digest BLOB NOT NULL,
  requests_per_minute INTEGER NOT NULL, concurrent INTEGER NOT NULL, created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL DEFAULT 0, revoked_at INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE files (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, filename TEXT NOT NULL, purpose TEXT NOT NULL,
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64), status TEXT NOT NULL CHECK (status IN ('uploaded', 'processed', 'error')),
  bytes INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE INDEX files_sha256 ON files (sha256, bytes);
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  spec TEXT NOT NULL, result TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '', cancel INTEGER NOT NULL DEFAULT 0,
  pid INTEGER NOT NULL DEFAULT 0, process TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
  attempts_max INTEGER NOT NULL, created_at INTEGER NOT NULL, started_at INTEGER NOT NULL DEFAULT 0,
  heartbeat_at INTEGER NOT NULL DEFAULT 0, finished_at INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX jobs_status ON jobs (status, seq);
CREATE TABLE job_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  number INTEGER NOT NULL, level TEXT NOT NULL CHECK (level IN ('info', 'warn', 'error')), message TEXT NOT NULL,
  data TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (job, number)) STRICT;
CREATE INDEX job_events_job ON job_events (job, seq);
CREATE TABLE job_checkpoints (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  step INTEGER NOT NULL, path TEXT NOT NULL, metrics TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (job, step)) STRICT;
CREATE INDEX job_checkpoints_job ON job_checkpoints (job, seq);
INSERT INTO keys (id, name, role, digest, requests_per_minute, concurrent, created_at, expires_at) VALUES
  ('key-0123456789AB', '第一把钥匙', 'staff', x'0000000000000000000000000000000000000000000000000000000000000000', 60, 4, 1700000000, 0);
INSERT INTO files (id, filename, purpose, sha256, status, bytes, created_at) VALUES
  ('file-000000000000000000000001', 'a.jsonl', 'fine-tune', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'uploaded', 3, 1700000000);
INSERT INTO jobs (id, kind, status, spec, pid, process, attempts, attempts_max, created_at, started_at, heartbeat_at) VALUES
  ('ftjob-000000000000000000000001', 'train', 'running', '{}', 1, '00000000-0000-0000-0000-000000000000 1', 1, 1, 1700000000, 1700000001, 1700000002);
INSERT INTO job_events (id, job, number, level, message, data, created_at) VALUES
  ('ftevent-000000000000000000000001', 'ftjob-000000000000000000000001', 1, 'info', 'started', '', 1700000001);
