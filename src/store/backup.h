/* store/backup.h: between backup.c and restore.c. */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store/store.h"

#define STORE_PART_BYTES ((size_t)1 << 20)

typedef struct store_digest {
    char sha256[65];
    int64_t bytes;
} store_digest;

typedef struct store_digests {
    store_digest *item;
    size_t count, room;
} store_digests;

/* The contents that a database names; free item with ig_free, also after an error. */
ig_status store_digests_read(const store_backend *b, store_db *db, store_digests *out, ig_error *err);
/* A new name in the same folder. */
ig_status store_beside(const char *path, const char *word, char out[IG_PATH_MAX], ig_error *err);
/* A database and its logs. */
void store_remove(const char *path);
/* rename, and fsync of the folder */
ig_status store_move(const char *tmp, const char *path, ig_error *err);

#endif
