/* retrieval/rank_file.h: a file of numbered sections, mapped and checked.
 *
 *     magic    8 bytes "INGOTRK1"
 *     count    u64
 *     section  count times: offset u64 (a multiple of 8), size u64, CRC-32C u64
 *     bytes of the sections, each padded to 8
 */
#ifndef INGOT_RETRIEVAL_RANK_FILE_H
#define INGOT_RETRIEVAL_RANK_FILE_H

#include "ingot/base.h"

#define RANK_SECTIONS_MAX 16

typedef struct rank_section {
    const void *data;
    size_t size;
} rank_section;

typedef struct rank_file {
    ig_map_file map;
    char path[1024];
    size_t count;
    rank_section section[RANK_SECTIONS_MAX];
} rank_file;

ig_status ig_rank_file_save(const char *path, const rank_section *section, size_t count, ig_error *err);
ig_status ig_rank_file_open(const char *path, size_t count, rank_file *out, ig_error *err);
void ig_rank_file_close(rank_file *f);

#endif
