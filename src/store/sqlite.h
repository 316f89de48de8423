/* store/sqlite.h: between sqlite.c and sqlite_loop.c, which hold the SQL, and sqlite_driver.c, which runs it. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/store.h"

#define SQLITE_STORE_ID 0x496e6774 /* "Ingt" in the header of the file (PRAGMA application_id) */

extern const char *const sqlite_query[STORE_Q_LOOP];
extern const char *const sqlite_loop_query[STORE_QUERIES - STORE_Q_LOOP];
/* Each brings the tables from version i to i+1; never changed once it was released. */
extern const char *const sqlite_migration[];
extern const char sqlite_loop_tables[]; /* the last of them */
enum { SQLITE_MIGRATIONS = 3 };

extern const char sqlite_begin[], sqlite_end[], sqlite_undo[], sqlite_check[];
extern const char sqlite_get_app[], sqlite_get_version[], sqlite_get_mode[], sqlite_count_tables[];
extern const char sqlite_set_live[];   /* for the store in use */
extern const char sqlite_set_quick[];  /* after it, on the connection that does not wait for the disk */
extern const char sqlite_set_single[]; /* for a copy: everything in one file */
extern const char sqlite_set_app[];
extern const char sqlite_set_version[]; /* takes the number by printf */
extern const char sqlite_truncate_log[];

/* SQLite takes its memory from ig_malloc from now on; once for the process, before its first use. */
ig_status sqlite_start(ig_error *err);

#endif
