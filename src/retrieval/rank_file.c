/* retrieval/rank_file.c: sections to a file and back; see rank_file.h for the layout. */
#include <string.h>

#include "retrieval/rank_file.h"

static const char MAGIC[8] = "INGOTRK1";
enum { HEAD = 16, ENTRY = 24 };

static size_t padded(size_t n) {
    return (n + 7) & ~(size_t)7;
}

static ig_status write_sections(ig_writer *w, const rank_section *section, size_t count, ig_error *err) {
    static const char zeros[8];
    uint64_t at = HEAD + count * ENTRY, n = count;
    IG_TRY(ig_writer_write(w, MAGIC, sizeof MAGIC, err));
    IG_TRY(ig_writer_write(w, &n, sizeof n, err));
    for (size_t i = 0; i < count; i++) {
        uint64_t entry[3] = {at, section[i].size, ig_crc32c(0, section[i].data, section[i].size)};
        IG_TRY(ig_writer_write(w, entry, sizeof entry, err));
        at += padded(section[i].size);
    }
    for (size_t i = 0; i < count; i++) {
        if (section[i].size) IG_TRY(ig_writer_write(w, section[i].data, section[i].size, err));
        IG_TRY(ig_writer_write(w, zeros, padded(section[i].size) - section[i].size, err));
    }
    return ig_writer_commit(w, err);
}

ig_status ig_rank_file_save(const char *path, const rank_section *section, size_t count, ig_error *err) {
    ig_writer *w;
    IG_TRY(ig_writer_open(path, &w, err));
    ig_status s = write_sections(w, section, count, err);
    ig_writer_close(w);
    return s;
}

static const char *read_sections(rank_file *f, size_t count) {
    const uint8_t *p = f->map.data;
    uint64_t n;
    if (f->map.size < HEAD + count * ENTRY) return "it is cut short";
    memcpy(&n, p + 8, sizeof n);
    if (memcmp(p, MAGIC, sizeof MAGIC) != 0 || n != count) return "it is no file of this kind and version";
    for (size_t i = 0; i < count; i++) {
        uint64_t e[3];
        memcpy(e, p + HEAD + i * ENTRY, sizeof e);
        if (e[0] % 8 || e[0] > f->map.size || e[1] > f->map.size - e[0]) return "a section lies outside of it";
        if (ig_crc32c(0, p + e[0], e[1]) != e[2]) return "a checksum is wrong";
        f->section[i] = (rank_section){p + e[0], e[1]};
    }
    return NULL;
}

ig_status ig_rank_file_open(const char *path, size_t count, rank_file *out, ig_error *err) {
    *out = (rank_file){.count = count};
    snprintf(out->path, sizeof out->path, "%s", path);
    IG_TRY(ig_file_map(path, &out->map, err));
    const char *why = read_sections(out, count);
    if (!why) return IG_OK;
    ig_rank_file_close(out);
    return ig_error_at(err, IG_E_FORMAT, path, 0, "the file is damaged (%s): train or build again", why);
}

void ig_rank_file_close(rank_file *f) {
    ig_file_unmap(&f->map);
    *f = (rank_file){0};
}
