/* formats/torch_zip.c: the zip archive that torch.save writes since PyTorch 1.6, through libzip.
 *
 * torch.save compresses nothing.  A compressed entry is refused, and all entries together may not be larger than the file:
 * so nothing that is read from an archive can be larger than the archive, whatever its directory says.  The checksum of an
 * entry is compared when it is read.
 */
#include <string.h>
#include <zip.h>

#include "formats/torch.h"

#define FAIL(code, ...) return ig_error_at(err, code, t->file, 0, __VA_ARGS__)
#define KEY_BYTES_MAX 256
#define PICKLE_NAME_IN_ARCHIVE "data.pkl"

/* ---- the archive ------------------------------------------------------------------------------------------------- */

static ig_status fail_zip(const ig_torch *t, zip_error_t *why, ig_error *err) {
    bool memory = zip_error_code_zip(why) == ZIP_ER_MEMORY;
    ig_status status = ig_error_at(err, memory ? IG_E_NOMEM : IG_E_FORMAT, t->file, 0, "the zip archive is damaged: %s",
                                   zip_error_strerror(why));
    zip_error_fini(why);
    return status;
}

static ig_status open_archive(ig_torch *t, const uint8_t *bytes, size_t size, ig_error *err) {
    zip_error_t why;
    zip_error_init(&why);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &why);
    if (!source) return fail_zip(t, &why, err);
    t->archive = zip_open_from_source(source, ZIP_RDONLY, &why);
    if (!t->archive) {
        zip_source_free(source);
        return fail_zip(t, &why, err);
    }
    zip_error_fini(&why);
    return IG_OK;
}

static ig_status stat_entry(const ig_torch *t, uint64_t entry, zip_stat_t *out, ig_error *err) {
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(t->archive, entry, 0, out) != 0 || (out->valid & needed) != needed)
        FAIL(IG_E_FORMAT, "file %llu of the archive cannot be described", (unsigned long long)entry);
    return IG_OK;
}

/* Also the bound on everything that is read later. */
static ig_status check_entries(const ig_torch *t, uint64_t size, ig_error *err) {
    zip_int64_t count = zip_get_num_entries(t->archive, 0);
    uint64_t sum = 0;
    if (count > (zip_int64_t)IG_TORCH_ENTRIES_MAX)
        FAIL(IG_E_LIMIT, "the archive has %lld files, at most %u are allowed", (long long)count, IG_TORCH_ENTRIES_MAX);
    for (zip_int64_t i = 0; i < count; i++) {
        zip_stat_t st;
        IG_TRY(stat_entry(t, (uint64_t)i, &st, err));
        if (st.comp_method != ZIP_CM_STORE || st.encryption_method != ZIP_EM_NONE)
            FAIL(IG_E_UNSUPPORTED, "%.200s is compressed or encrypted, which torch.save does not do: unpack the archive and "
                 "pack it again with zip -0", st.name);
        if (__builtin_add_overflow(sum, st.size, &sum) || sum > size)
            FAIL(IG_E_FORMAT, "the files of the archive are larger than the archive: it is damaged");
    }
    return IG_OK;
}

/* NAME/data.pkl; prefix_len gets the length of "NAME/". */
static ig_status find_pickle(const ig_torch *t, uint64_t *entry, size_t *prefix_len, ig_error *err) {
    zip_int64_t count = zip_get_num_entries(t->archive, 0);
    int found = 0;
    for (zip_int64_t i = 0; i < count; i++) {
        const char *name = zip_get_name(t->archive, (zip_uint64_t)i, ZIP_FL_ENC_RAW), *slash = name ? strchr(name, '/') : NULL;
        if (!slash || strcmp(slash + 1, PICKLE_NAME_IN_ARCHIVE) != 0) continue;
        *entry = (uint64_t)i;
        *prefix_len = (size_t)(slash + 1 - name);
        found++;
    }
    if (found != 1)
        FAIL(IG_E_FORMAT, "the archive has %s data.pkl in a folder: no checkpoint that torch.save wrote",
             found ? "more than one" : "no");
    return IG_OK;
}

static ig_status fail_entry(const ig_torch *t, const zip_stat_t *st, zip_file_t *f, ig_error *err) {
    const char *why = f ? zip_file_strerror(f) : zip_strerror(t->archive);
    ig_status status = ig_error_at(err, IG_E_FORMAT, t->file, 0, "%.200s cannot be read: %.200s", st->name, why);
    if (f) zip_fclose(f);
    return status;
}

ig_status torch_read_entry(const ig_torch *t, uint64_t entry, void *dst, size_t size, ig_error *err) {
    zip_stat_t st;
    uint8_t past;
    IG_TRY(stat_entry(t, entry, &st, err));
    zip_file_t *f = zip_fopen_index(t->archive, entry, 0);
    if (!f) return fail_entry(t, &st, f, err);
    for (size_t done = 0; done < size;) {
        zip_int64_t n = zip_fread(f, (uint8_t *)dst + done, size - done);
        if (n <= 0) return fail_entry(t, &st, f, err);
        done += (size_t)n;
    }
    if (zip_fread(f, &past, 1) != 0) return fail_entry(t, &st, f, err); /* the checksum is compared at the end */
    zip_fclose(f);
    return IG_OK;
}

/* ---- its content ------------------------------------------------------------------------------------------------- */

static ig_status load_pickle(ig_torch *t, uint64_t entry, ig_error *err) {
    zip_stat_t st;
    IG_TRY(stat_entry(t, entry, &st, err));
    if (st.size > IG_PICKLE_BYTES_MAX)
        FAIL(IG_E_LIMIT, "data.pkl has %llu bytes, at most %u are allowed", (unsigned long long)st.size, IG_PICKLE_BYTES_MAX);
    t->pickle.data = ig_malloc(st.size + 1);
    if (!t->pickle.data) return ig_error_nomem(err, st.size + 1);
    t->pickle.len = st.size;
    t->pickle.cap = st.size + 1;
    return torch_read_entry(t, entry, t->pickle.data, st.size, err);
}

/* PyTorch 2 writes the order of bytes into a file of its own. */
static ig_status check_byte_order(const ig_torch *t, const char *prefix, int prefix_len, ig_error *err) {
    char name[IG_PATH_MAX], order[6] = "";
    zip_stat_t st;
    snprintf(name, sizeof name, "%.*sbyteorder", prefix_len, prefix);
    zip_int64_t i = zip_name_locate(t->archive, name, ZIP_FL_ENC_RAW);
    if (i < 0) return IG_OK;
    IG_TRY(stat_entry(t, (uint64_t)i, &st, err));
    if (st.size == 6) IG_TRY(torch_read_entry(t, (uint64_t)i, order, 6, err));
    if (memcmp(order, "little", 6) != 0)
        FAIL(IG_E_UNSUPPORTED, "the byte order is not \"little\"; only little-endian files are read");
    return IG_OK;
}

static ig_status locate(const ig_torch *t, const char *prefix, int prefix_len, torch_storage *s, ig_error *err) {
    char name[IG_PATH_MAX + KEY_BYTES_MAX];
    zip_stat_t st;
    uint64_t bytes = 0;
    if (!s->key.len || s->key.len > KEY_BYTES_MAX || memchr(s->key.at, 0, s->key.len))
        FAIL(IG_E_FORMAT, "a storage's key has %zu bytes or a zero byte in it", s->key.len);
    snprintf(name, sizeof name, "%.*sdata/%.*s", prefix_len, prefix, (int)s->key.len, s->key.at);
    zip_int64_t i = zip_name_locate(t->archive, name, ZIP_FL_ENC_RAW);
    if (i < 0) FAIL(IG_E_FORMAT, "%.200s is missing in the archive", name);
    IG_TRY(stat_entry(t, (uint64_t)i, &st, err));
    if (__builtin_mul_overflow(s->count, (uint64_t)s->type->bytes, &bytes) || st.size != bytes)
        FAIL(IG_E_FORMAT, "%.200s has %llu bytes, its tensors were told %llu elements of %s", name, (unsigned long long)st.size,
             (unsigned long long)s->count, s->type->name);
    s->entry = (uint64_t)i;
    s->located = true;
    return IG_OK;
}

static ig_status run_pickle(ig_torch *t, pickle_heap *heap, ig_error *err) {
    pickle_host host = torch_host(t);
    pickle_value *root = NULL;
    size_t used = 0;
    IG_TRY(pickle_run(t->file, (const uint8_t *)t->pickle.data, t->pickle.len, heap, &host, &root, &used, err));
    if (used != t->pickle.len) FAIL(IG_E_FORMAT, "data.pkl goes on after its end");
    IG_TRY(torch_name_all(t, root, err));
    return torch_unite(t, err);
}

ig_status torch_open_zip(ig_torch *t, const uint8_t *bytes, size_t size, ig_error *err) {
    uint64_t entry = 0;
    size_t prefix_len = 0;
    pickle_heap heap = {0};
    IG_TRY(open_archive(t, bytes, size, err));
    IG_TRY(check_entries(t, size, err));
    IG_TRY(find_pickle(t, &entry, &prefix_len, err));
    if (prefix_len > IG_PATH_MAX - 16) FAIL(IG_E_LIMIT, "the folder of data.pkl has a name of %zu bytes", prefix_len);
    const char *prefix = zip_get_name(t->archive, entry, ZIP_FL_ENC_RAW);
    IG_TRY(check_byte_order(t, prefix, (int)prefix_len, err));
    IG_TRY(load_pickle(t, entry, err));
    ig_status status = run_pickle(t, &heap, err);
    pickle_heap_fini(&heap);
    for (size_t i = 0; i < t->storage_count && status == IG_OK; i++)
        status = locate(t, prefix, (int)prefix_len, &t->storage[i], err);
    return status;
}

void torch_close_zip(ig_torch *t) {
    if (t->archive) zip_discard(t->archive);
    t->archive = NULL;
}
