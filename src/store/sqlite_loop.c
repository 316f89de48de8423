/* store/sqlite_loop.c: the tables of the loop and their queries, in SQLite's SQL; the first ones stand in sqlite.c.
 *
 *     features ─┬─ items ── items_text     FTS5 over the bodies by trigrams: items.text_row is the row there
 *               ├─ feature_versions
 *               ├─ feature_live            one row per promotion, rollback, publication
 *               ├─ interactions ── feedback (stands = 0: replaced by a later one of the same voice)
 *               └─ tickets ── ticket_messages
 *     keys ─┬─ key_scopes                  secrets: keys of the workspace itself
 *           └─ sessions (link = 1: signs in once)
 *
 * A change of content is gathered in a temporary table of its connection, `change`, which takes no lock that others wait
 * for.  Indexing takes most of the time of applying it, so it goes in steps before: an entry of items_text that no item
 * points to is not found.  Then one statement changes the items, and what was replaced (`replaced`) leaves the index in steps.
 * What a kill leaves between is a little of the disk.  Triggers would keep items_text in step too, but a store that does not
 * trust its schema, which may come from a backup, does not run virtual tables out of them.
 */
#include "store/sqlite.h"

const char sqlite_loop_tables[] =
    "CREATE TABLE features ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind TEXT NOT NULL,"
    "  settings TEXT NOT NULL, live INTEGER NOT NULL DEFAULT 0, candidate INTEGER NOT NULL DEFAULT 0,"
    "  share REAL NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 1, content INTEGER NOT NULL DEFAULT 0,"
    "  created_at INTEGER NOT NULL, removed_at INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE UNIQUE INDEX features_name ON features (name) WHERE removed_at = 0;"
    "CREATE TABLE feature_versions ("
    "  feature TEXT NOT NULL REFERENCES features (id), number INTEGER NOT NULL,"
    "  status TEXT NOT NULL CHECK (status IN ('building', 'complete', 'failed', 'removed')), reason TEXT NOT NULL,"
    "  parent INTEGER NOT NULL, content INTEGER NOT NULL, card TEXT NOT NULL DEFAULT '', who TEXT NOT NULL,"
    "  created_at INTEGER NOT NULL, finished_at INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (feature, number)) STRICT;"
    "CREATE TABLE feature_live ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, feature TEXT NOT NULL REFERENCES features (id), version INTEGER NOT NULL,"
    "  at INTEGER NOT NULL, what TEXT NOT NULL, who TEXT NOT NULL) STRICT;"
    "CREATE INDEX feature_live_feature ON feature_live (feature, seq);"
    "CREATE TABLE items ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, feature TEXT NOT NULL REFERENCES features (id), id TEXT NOT NULL,"
    "  body TEXT NOT NULL, source TEXT NOT NULL, line INTEGER NOT NULL, added_at INTEGER NOT NULL, changed_at INTEGER NOT NULL,"
    "  withdrawn_at INTEGER NOT NULL DEFAULT 0, text_row INTEGER UNIQUE, UNIQUE (feature, id)) STRICT;"
    "CREATE INDEX items_feature ON items (feature, seq);"
    "CREATE INDEX items_withdrawn ON items (feature, seq) WHERE withdrawn_at > 0;"
    "CREATE VIRTUAL TABLE items_text USING fts5 (body, content = '', tokenize = 'trigram');"
    "CREATE TABLE interactions ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, feature TEXT NOT NULL REFERENCES features (id),"
    "  conversation TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL, version INTEGER NOT NULL, candidate INTEGER NOT NULL,"
    "  consent INTEGER NOT NULL, keep_until INTEGER NOT NULL, outcome TEXT NOT NULL, confidence REAL NOT NULL,"
    "  microseconds INTEGER NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX interactions_feature ON interactions (feature, seq);"
    "CREATE INDEX interactions_at ON interactions (feature, at);"
    "CREATE INDEX interactions_conversation ON interactions (conversation, seq);"
    "CREATE INDEX interactions_keep ON interactions (keep_until) WHERE keep_until > 0;"
    "CREATE TABLE feedback ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    "  interaction TEXT NOT NULL REFERENCES interactions (id) ON DELETE CASCADE, type TEXT NOT NULL, user TEXT NOT NULL,"
    "  who TEXT NOT NULL, staff INTEGER NOT NULL, value REAL NOT NULL, reason TEXT NOT NULL, body TEXT NOT NULL,"
    "  at INTEGER NOT NULL, stands INTEGER NOT NULL) STRICT;"
    "CREATE INDEX feedback_interaction ON feedback (interaction, seq);"
    "CREATE TABLE tickets ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, feature TEXT NOT NULL REFERENCES features (id),"
    "  conversation TEXT NOT NULL, interaction TEXT NOT NULL,"
    "  status TEXT NOT NULL CHECK (status IN ('open', 'answered', 'closed')), user TEXT NOT NULL, subject TEXT NOT NULL,"
    "  contact TEXT NOT NULL, created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE ticket_messages ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    "  ticket TEXT NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,"
    "  source TEXT NOT NULL CHECK (source IN ('user', 'staff', 'desk')), who TEXT NOT NULL, text TEXT NOT NULL,"
    "  at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX ticket_messages_ticket ON ticket_messages (ticket, seq);"
    "CREATE TABLE key_scopes ("
    "  key TEXT PRIMARY KEY REFERENCES keys (id), feature TEXT NOT NULL REFERENCES features (id), origins TEXT NOT NULL,"
    "  visitor_per_minute INTEGER NOT NULL) STRICT;"
    "CREATE TABLE sessions ("
    "  digest BLOB PRIMARY KEY, key TEXT NOT NULL REFERENCES keys (id), link INTEGER NOT NULL,"
    "  expires_at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX sessions_expires ON sessions (expires_at);"
    "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;";

/* ---- queries ----------------------------------------------------------------------------------------------------- */

#define FEATURE "id, name, kind, settings, live, candidate, share, revision, content, created_at, removed_at"
#define VERSION "number, status, reason, parent, content, card, who, created_at, finished_at"
#define ITEM(t) t "id, " t "body, " t "source, " t "line, " t "added_at, " t "changed_at, " t "withdrawn_at"
#define SAID(t)                                                                                                        \
    t "seq, " t "id, " t "feature, " t "conversation, " t "key, " t "user, " t "version, " t "candidate, " t "consent, " \
    t "keep_until, " t "outcome, " t "confidence, " t "microseconds, " t "request, " t "answer, " t "at"
#define FEEDBACK(t)                                                                                                    \
    t "seq, " t "id, " t "interaction, " t "type, " t "user, " t "who, " t "staff, " t "value, " t "reason, " t "body, " t "at"
#define TICKET "id, feature, conversation, interaction, status, user, subject, contact, created_at, changed_at"
#define TICKETS(compare, order)                                                                                        \
    "SELECT " TICKET " FROM tickets WHERE seq " compare " ?1 AND (?3 = '' OR feature = ?3) AND (?4 = '' OR status = ?4)" \
    " ORDER BY seq " order " LIMIT ?2"

/* The feature, its live items that hold every short word. */
#define SHORT(n) " AND (" n " = '' OR instr(lower(i.body), lower(" n ")) > 0)"
#define SHORTS " i.feature = ?1 AND i.withdrawn_at = 0" SHORT("?4") SHORT("?5") SHORT("?6") SHORT("?7")
/* CROSS: the index first; its rows, when asked for one by one in the order of the items, take a search each. */
#define MATCHING " FROM items_text t CROSS JOIN items i ON i.text_row = t.rowid WHERE t.items_text MATCH ?8 AND" SHORTS
#define NEWEST_FIRST " ORDER BY i.seq DESC LIMIT ?3 OFFSET ?2"
/* ?2 and ?3 belong to the list; a count must name them too, so that both have the same arguments. */
#define COUNTED "SELECT count(*) + 0 * ?2 + 0 * ?3"

/* Rows of a change, that have text to be found, in a step of it. */
#define OF_STEP " FROM change WHERE n > ?2 AND n <= ?3 AND withdrawn_at = 0"

#define OF_REMOVED(number, table)                                                                                      \
    "SELECT " number " FROM " table " WHERE feature IN (SELECT id FROM features WHERE removed_at > 0) ORDER BY " number " LIMIT ?1"
#define SWEEP(number, table) "DELETE FROM " table " WHERE " number " IN (" OF_REMOVED(number, table) ")"

/* Interactions that fit, at most ?10 of them, with what stands of their feedback. */
#define STANDING " f.interaction = i.id AND f.stands = 1 AND (?4 = '' OR f.type = ?4)"
#define SAID_EACH(first, compare, order)                                                                               \
    "SELECT " SAID("i.") ", " FEEDBACK("f.") " FROM (SELECT * FROM interactions i WHERE " first                         \
    " AND i.seq " compare " ?5 AND (?3 = '' OR i.outcome = ?3) AND i.at >= ?6 AND (?7 = 0 OR i.version = ?7)"           \
    " AND (?8 = 0 OR i.consent = 1) AND (?9 = 0 OR EXISTS (SELECT 1 FROM feedback f WHERE" STANDING "))"                \
    " ORDER BY i.seq " order " LIMIT ?10) i LEFT JOIN feedback f ON" STANDING " ORDER BY i.seq " order ", f.seq"
#define OF_FEATURE "i.feature = ?1 AND ?2 = ''"
#define OF_CONVERSATION "i.conversation = ?2 AND i.feature = ?1"
#define PERIOD " i.feature = ?1 AND i.at >= ?2 AND i.at < ?3 AND (?4 = 0 OR i.version = ?4)"
#define HOW_MANY(condition) "coalesce(sum(" condition "), 0)"

#define Q(name) [STORE_Q_##name - STORE_Q_LOOP]

const char *const sqlite_loop_query[STORE_QUERIES - STORE_Q_LOOP] = {
    Q(FEATURE_ADD) = "INSERT INTO features (id, name, kind, settings, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    Q(FEATURE_GET) = "SELECT " FEATURE " FROM features WHERE id = ?1",
    Q(FEATURE_NAMED) = "SELECT " FEATURE " FROM features WHERE name = ?1 AND removed_at = 0",
    Q(FEATURE_ALL) = "SELECT " FEATURE " FROM features WHERE removed_at = 0 ORDER BY name",
    Q(FEATURE_REVISION) = "SELECT revision FROM features WHERE id = ?1",
    Q(FEATURE_SETTINGS) = "UPDATE features SET settings = ?2, revision = revision + 1 WHERE id = ?1",
    Q(FEATURE_LIVE) = "UPDATE features SET live = ?2, share = CASE candidate WHEN ?2 THEN 0 ELSE share END,"
                      " candidate = CASE candidate WHEN ?2 THEN 0 ELSE candidate END, revision = revision + 1 WHERE id = ?1",
    Q(FEATURE_CANDIDATE) = "UPDATE features SET candidate = ?2, share = ?3, revision = revision + 1 WHERE id = ?1",
    Q(FEATURE_REMOVE) = "UPDATE features SET removed_at = ?2, revision = revision + 1 WHERE id = ?1",
    Q(FEATURE_CONTENT) = "UPDATE features SET content = content + 1, revision = revision + 1"
                         " WHERE id = ?1 AND removed_at = 0 RETURNING content",
    Q(SWEEP_TEXT) = "INSERT INTO items_text (items_text, rowid, body) SELECT 'delete', text_row, body FROM items"
                    " WHERE seq IN (" OF_REMOVED("seq", "items") ") AND text_row IS NOT NULL",
    Q(SWEEP_ITEMS) = SWEEP("seq", "items"),
    Q(SWEEP_SAID) = SWEEP("seq", "interactions"),
    Q(SWEEP_TICKETS) = SWEEP("seq", "tickets"),
    Q(SWEEP_LIVE) = SWEEP("seq", "feature_live"),
    Q(SWEEP_VERSIONS) = SWEEP("rowid", "feature_versions"),
    Q(LIVE_ADD) = "INSERT INTO feature_live (feature, version, what, who, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    Q(LIVE_ALL) = "SELECT h.version, h.at, h.what, h.who, coalesce(v.status = 'complete', 0) FROM feature_live h"
                  " LEFT JOIN feature_versions v ON v.feature = h.feature AND v.number = h.version"
                  " WHERE h.feature = ?1 ORDER BY h.seq",
    Q(VERSION_ADD) = "INSERT INTO feature_versions (feature, number, status, reason, parent, content, who, created_at)"
                     " SELECT ?1, coalesce(max(number), 0) + 1, 'building', ?2, ?3, ?4, ?5, ?6 FROM feature_versions"
                     " WHERE feature = ?1 RETURNING number",
    Q(VERSION_GET) = "SELECT " VERSION " FROM feature_versions WHERE feature = ?1 AND number = ?2",
    Q(VERSION_ALL) = "SELECT " VERSION " FROM feature_versions WHERE feature = ?1 ORDER BY number DESC",
    Q(VERSION_END) = "UPDATE feature_versions SET status = ?3, card = ?4, finished_at = ?5"
                     " WHERE feature = ?1 AND number = ?2 AND status = 'building'",
    Q(VERSION_CARD) = "UPDATE feature_versions SET card = ?3 WHERE feature = ?1 AND number = ?2",
    Q(VERSION_REMOVE) = "UPDATE feature_versions SET status = 'removed' WHERE feature = ?1 AND number = ?2",

    Q(CHANGE_TABLE) = "CREATE TEMP TABLE change (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER,"
                      " body TEXT NOT NULL, source TEXT NOT NULL, line INTEGER NOT NULL, added_at INTEGER NOT NULL,"
                      " changed_at INTEGER NOT NULL, withdrawn_at INTEGER NOT NULL)",
    Q(CHANGE_GET) = "SELECT body, source, line, withdrawn_at FROM change WHERE id = ?2 UNION ALL"
                    " SELECT body, source, line, withdrawn_at FROM items WHERE feature = ?1 AND id = ?2"
                    " AND NOT EXISTS (SELECT 1 FROM change WHERE id = ?2)",
    Q(CHANGE_PUT) = "INSERT INTO change (id, seq, body, source, line, added_at, changed_at, withdrawn_at)"
                    " SELECT ?2, i.seq, ?3, ?4, ?5, coalesce(i.added_at, ?6), ?6, 0 FROM (SELECT 1)"
                    " LEFT JOIN items i ON i.feature = ?1 AND i.id = ?2 WHERE true ON CONFLICT (id) DO UPDATE SET"
                    " body = excluded.body, source = excluded.source, line = excluded.line, changed_at = excluded.changed_at,"
                    " withdrawn_at = 0",
    Q(CHANGE_WITHDRAW) = "INSERT INTO change (id, seq, body, source, line, added_at, changed_at, withdrawn_at)"
                         " SELECT ?2, i.seq, coalesce(i.body, ''), coalesce(i.source, ''), coalesce(i.line, 0),"
                         " coalesce(i.added_at, ?3), ?3, ?3 FROM (SELECT 1)"
                         " LEFT JOIN items i ON i.feature = ?1 AND i.id = ?2 WHERE true"
                         " ON CONFLICT (id) DO UPDATE SET withdrawn_at = ?3, changed_at = ?3",
    Q(CHANGE_OLD) = "SELECT i.id, coalesce(c.body, i.body), coalesce(c.source, i.source), coalesce(c.line, i.line), i.added_at,"
                    " coalesce(c.changed_at, i.changed_at), coalesce(c.withdrawn_at, i.withdrawn_at) AS gone FROM items i"
                    " LEFT JOIN change c ON c.id = i.id WHERE i.feature = ?1 AND (?2 = 1 OR gone = 0) ORDER BY i.seq",
    Q(CHANGE_NEW) = "SELECT " ITEM("") " FROM change WHERE seq IS NULL AND (?1 = 1 OR withdrawn_at = 0) ORDER BY n",
    Q(CHANGE_LAST) = "SELECT coalesce(max(n), 0) FROM change",
    Q(TEXT_LAST) = "SELECT coalesce(max(id), 0) FROM items_text_docsize",
    Q(CHANGE_INDEX) = "INSERT INTO items_text (rowid, body) SELECT ?1 + n, body" OF_STEP,
    Q(CHANGE_UNINDEX) = "INSERT INTO items_text (items_text, rowid, body) SELECT 'delete', ?1 + n, body" OF_STEP,
    Q(CHANGE_APPLY) = "INSERT INTO items (feature, id, body, source, line, added_at, changed_at, withdrawn_at, text_row)"
                      " SELECT ?1, " ITEM("") ", CASE withdrawn_at WHEN 0 THEN ?2 + n END FROM change WHERE true ORDER BY n"
                      " ON CONFLICT (feature, id) DO UPDATE SET body = excluded.body, source = excluded.source,"
                      " line = excluded.line, changed_at = excluded.changed_at, withdrawn_at = excluded.withdrawn_at,"
                      " text_row = excluded.text_row",
    Q(REPLACED_TABLE) = "CREATE TEMP TABLE replaced (n INTEGER PRIMARY KEY, text_row INTEGER NOT NULL, body TEXT NOT NULL)",
    Q(REPLACED_ADD) = "INSERT INTO replaced (text_row, body) SELECT i.text_row, i.body FROM change c"
                      " JOIN items i ON i.feature = ?1 AND i.id = c.id WHERE i.text_row IS NOT NULL",
    Q(REPLACED_LAST) = "SELECT coalesce(max(n), 0) FROM replaced",
    Q(REPLACED_UNINDEX) = "INSERT INTO items_text (items_text, rowid, body) SELECT 'delete', text_row, body FROM replaced"
                          " WHERE n > ?2 AND n <= ?3 AND ?1 = 0",
    Q(REPLACED_CLEAR) = "DELETE FROM replaced",
    Q(CHANGE_CLEAR) = "DELETE FROM change",
    Q(ITEM_EACH) = "SELECT " ITEM("") " FROM items WHERE feature = ?1 AND (?2 = 1 OR withdrawn_at = 0) ORDER BY seq",
    Q(ITEM_GET) = "SELECT " ITEM("") " FROM items WHERE feature = ?1 AND id = ?2",
    Q(ITEM_NEWEST) = "SELECT " ITEM("i.") " FROM items i WHERE" SHORTS NEWEST_FIRST,
    Q(ITEM_NEWEST_COUNT) = COUNTED " FROM items i WHERE" SHORTS,
    Q(ITEM_MATCH) = "SELECT " ITEM("i.") MATCHING NEWEST_FIRST,
    Q(ITEM_MATCH_COUNT) = COUNTED MATCHING,
    Q(ITEM_WITHDRAWN) = "SELECT id FROM items WHERE feature = ?1 AND withdrawn_at > 0 ORDER BY seq",
    Q(ITEM_COUNT) = "SELECT (SELECT count(*) FROM items WHERE feature = ?1) - n, n FROM"
                    " (SELECT count(*) AS n FROM items WHERE feature = ?1 AND withdrawn_at > 0)",

    Q(SAID_ADD) = "INSERT INTO interactions (id, feature, conversation, key, user, version, candidate, consent, keep_until,"
                  " outcome, confidence, microseconds, request, answer, at)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) RETURNING seq",
    Q(SAID_GET) = "SELECT " SAID("") " FROM interactions WHERE id = ?1",
    Q(SAID_EACH) = SAID_EACH(OF_FEATURE, ">", "ASC"),
    Q(SAID_EACH_NEWEST) = SAID_EACH(OF_FEATURE, "<", "DESC"),
    Q(TALK_EACH) = SAID_EACH(OF_CONVERSATION, ">", "ASC"),
    Q(TALK_EACH_NEWEST) = SAID_EACH(OF_CONVERSATION, "<", "DESC"),
    Q(SAID_COUNT) = "SELECT count(*), " HOW_MANY("outcome = 'answered'") ", " HOW_MANY("outcome = 'unknown'") ", "
                    HOW_MANY("outcome = 'person'") ", count(DISTINCT nullif(user, '')), coalesce(avg(microseconds), 0.0)"
                    " FROM interactions i WHERE" PERIOD,
    Q(SAID_THUMBS) = "SELECT " HOW_MANY("f.type = 'like'") ", " HOW_MANY("f.type = 'dislike'") ", "
                     HOW_MANY("f.type = 'correction'") " FROM interactions i JOIN feedback f ON f.interaction = i.id"
                     " WHERE f.stands = 1 AND" PERIOD,
    Q(SAID_SWEEP) = "DELETE FROM interactions WHERE seq IN (SELECT seq FROM interactions"
                    " WHERE keep_until > 0 AND keep_until <= ?1 LIMIT ?2)",
    Q(FEEDBACK_ADD) = "INSERT INTO feedback (id, interaction, type, user, who, staff, value, reason, body, at, stands)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING seq",
    Q(FEEDBACK_REPLACE) = "UPDATE feedback SET stands = 0 WHERE interaction = ?1 AND user = ?2 AND (?2 <> '' OR who = ?3)"
                          " AND type IN ('like', 'dislike')",

    Q(TICKET_ADD) = "INSERT INTO tickets (" TICKET ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
    Q(TICKET_GET) = "SELECT " TICKET " FROM tickets WHERE id = ?1",
    Q(TICKET_SEQ) = "SELECT seq FROM tickets WHERE id = ?1",
    Q(TICKET_NEWEST) = TICKETS("<", "DESC"),
    Q(TICKET_OLDEST) = TICKETS(">", "ASC"),
    Q(TICKET_STATUS) = "UPDATE tickets SET status = ?2, changed_at = ?3 WHERE id = ?1",
    Q(MESSAGE_ADD) = "INSERT INTO ticket_messages (id, ticket, source, who, text, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    Q(MESSAGE_ALL) = "SELECT id, source, who, text, at FROM ticket_messages WHERE ticket = ?1 ORDER BY seq",
    Q(SCOPE_SET) = "INSERT INTO key_scopes (key, feature, origins, visitor_per_minute) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT (key) DO UPDATE SET feature = excluded.feature, origins = excluded.origins,"
                   " visitor_per_minute = excluded.visitor_per_minute",
    Q(SCOPE_GET) = "SELECT feature, origins, visitor_per_minute FROM key_scopes WHERE key = ?1",
    Q(SESSION_ADD) = "INSERT INTO sessions (digest, key, link, expires_at) VALUES (?1, ?2, ?3, ?4)",
    Q(SESSION_GET) = "SELECT key FROM sessions WHERE digest = ?1 AND link = ?2 AND expires_at > ?3",
    Q(SESSION_END) = "DELETE FROM sessions WHERE digest = ?1 AND link = ?2",
    Q(SESSION_SWEEP) = "DELETE FROM sessions WHERE expires_at <= ?1",
    Q(SECRET_ADD) = "INSERT INTO secrets (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
    Q(SECRET_GET) = "SELECT value FROM secrets WHERE name = ?1",
};
