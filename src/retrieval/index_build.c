/* retrieval/index_build.c: documents to an index file, in bounded memory.
 *
 * Occurrences are collected as (term, document, field) keys, sorted when memory is full and written beside the file as a run.
 * Runs cover ascending documents, so that merging them is to read, for each term, run after run.  In memory stay the vocabulary,
 * whose size is limited, four bytes per document and field, and one block in 128 postings.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "retrieval/index_file.h"

#define RUNS_MAX 4096

typedef struct record {
    uint64_t key;   /* term << 32 | document */
    uint32_t field, count;
} record;

typedef struct run {
    ig_map_file file;
    const record *at, *end;
} run;

struct ig_index_builder {
    char path[IG_PATH_MAX];
    ig_index_opts opts;
    record *records;
    size_t count, cap;
    uint32_t *lengths; /* [documents, fields] */
    size_t documents, lengths_cap;
    double total[IG_INDEX_FIELDS_MAX];
    index_term *terms; /* while adding: only `name` */
    size_t term_count, terms_cap;
    uint32_t *slots;
    size_t slot_count;
    ig_buf names;
    index_block *blocks;
    size_t block_count, blocks_cap;
    run *runs;
    size_t run_count, written; /* runs on disk */
    ig_writer *writer;
    uint32_t crc;
    uint64_t postings;
    index_posting pending[INDEX_BLOCK];
    size_t pending_count;
};

static ig_status grow(void *array, size_t *cap, size_t need, size_t size, ig_error *err) {
    if (need <= *cap) return IG_OK;
    size_t more = *cap ? *cap * 2 : 256;
    if (more < need) more = need;
    void *old, *made;
    memcpy(&old, array, sizeof old);
    made = ig_realloc_array(old, more, size);
    if (!made) return ig_error_nomem(err, more);
    memcpy(array, &made, sizeof made);
    *cap = more;
    return IG_OK;
}

static ig_status check_opts(ig_index_opts *o, ig_error *err) {
    if (!o->fields) o->fields = 1;
    if (o->fields < 1 || o->fields > IG_INDEX_FIELDS_MAX)
        return ig_error_set(err, IG_E_ARG, "an index of %d fields: give 1 to %d", o->fields, IG_INDEX_FIELDS_MAX);
    if (o->k1 == 0) o->k1 = 1.2;
    bool good = isfinite(o->k1) && o->k1 > 0;
    for (int f = 0; f < o->fields; f++) {
        if (o->weight[f] == 0) o->weight[f] = 1;
        o->b[f] = o->b[f] == 0 ? 0.75 : o->b[f] < 0 ? 0 : o->b[f];
        good = good && isfinite(o->weight[f]) && o->weight[f] > 0 && o->b[f] <= 1;
    }
    if (!o->memory_max) o->memory_max = 64u << 20;
    return good ? IG_OK : ig_error_set(err, IG_E_ARG, "k1 and weights must be positive, b at most 1");
}

ig_status ig_index_builder_new(const char *path, const ig_index_opts *opts, ig_index_builder **out, ig_error *err) {
    if (strlen(path) + 32 > IG_PATH_MAX) return ig_error_set(err, IG_E_LIMIT, "the path of the index is too long");
    ig_index_builder *b = ig_calloc(1, sizeof *b);
    if (!b) return ig_error_nomem(err, sizeof *b);
    memcpy(b->path, path, strlen(path) + 1);
    if (opts) b->opts = *opts;
    b->names.max = IG_INDEX_NAMES_BYTES_MAX;
    b->slot_count = 1024;
    b->slots = ig_calloc(b->slot_count, sizeof *b->slots);
    b->runs = ig_calloc(RUNS_MAX, sizeof *b->runs);
    ig_status s = b->slots && b->runs ? check_opts(&b->opts, err) : ig_error_nomem(err, RUNS_MAX * sizeof *b->runs);
    if (s == IG_OK) *out = b;
    else ig_index_builder_free(b);
    return s;
}

static void run_path(const ig_index_builder *b, size_t i, char *out) {
    snprintf(out, IG_PATH_MAX, "%.*s.run%zu", IG_PATH_MAX - 32, b->path, i);
}

void ig_index_builder_free(ig_index_builder *b) {
    if (!b) return;
    for (size_t i = 0; i < b->written; i++) {
        char path[IG_PATH_MAX];
        run_path(b, i, path);
        ig_file_unmap(&b->runs[i].file);
        unlink(path);
    }
    ig_writer_close(b->writer);
    ig_buf_fini(&b->names);
    ig_free(b->records);
    ig_free(b->lengths);
    ig_free(b->terms);
    ig_free(b->slots);
    ig_free(b->blocks);
    ig_free(b->runs);
    ig_free(b);
}

/* ---- vocabulary ---- */

static bool named(const ig_index_builder *b, size_t term, const char *text, size_t len) {
    size_t from = b->terms[term].name, to = term + 1 < b->term_count ? b->terms[term + 1].name : b->names.len;
    return to - from == len && !memcmp(b->names.data + from, text, len);
}

static ig_status more_slots(ig_index_builder *b, ig_error *err) {
    size_t n = b->slot_count * 2;
    uint32_t *slots = ig_calloc(n, sizeof *slots);
    if (!slots) return ig_error_nomem(err, n * sizeof *slots);
    for (size_t t = 0; t < b->term_count; t++) {
        size_t from = b->terms[t].name, to = t + 1 < b->term_count ? b->terms[t + 1].name : b->names.len;
        size_t at = ig_hash64(b->names.data + from, to - from, INDEX_SEED) & (n - 1);
        while (slots[at]) at = (at + 1) & (n - 1);
        slots[at] = (uint32_t)t + 1;
    }
    ig_free(b->slots);
    b->slots = slots;
    b->slot_count = n;
    return IG_OK;
}

static ig_status intern(ig_index_builder *b, const char *text, size_t len, uint32_t *term, ig_error *err) {
    if (!len || len > IG_INDEX_TERM_BYTES_MAX)
        return ig_error_set(err, IG_E_ARG, "a term of %zu bytes: 1 to %d are taken", len, IG_INDEX_TERM_BYTES_MAX);
    size_t at = ig_hash64(text, len, INDEX_SEED) & (b->slot_count - 1);
    for (; b->slots[at]; at = (at + 1) & (b->slot_count - 1))
        if (named(b, b->slots[at] - 1, text, len)) return *term = b->slots[at] - 1, IG_OK;
    if (b->term_count == IG_INDEX_TERMS_MAX)
        return ig_error_set(err, IG_E_LIMIT, "an index has at most %u different terms", IG_INDEX_TERMS_MAX);
    IG_TRY(grow(&b->terms, &b->terms_cap, b->term_count + 2, sizeof *b->terms, err));
    b->terms[b->term_count] = (index_term){.name = b->names.len};
    ig_buf_append(&b->names, text, len);
    IG_TRY(ig_buf_status(&b->names, err));
    *term = (uint32_t)b->term_count++;
    b->slots[at] = *term + 1;
    return b->term_count * 2 > b->slot_count ? more_slots(b, err) : IG_OK;
}

/* ---- runs ---- */

static int by_key(const void *a, const void *b) {
    const record *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->field < y->field ? -1 : x->field > y->field;
}

static void sort_records(ig_index_builder *b) {
    size_t n = 0;
    if (b->count) qsort(b->records, b->count, sizeof *b->records, by_key);
    for (size_t i = 0; i < b->count; i++)
        if (n && !by_key(&b->records[n - 1], &b->records[i])) b->records[n - 1].count += b->records[i].count;
        else b->records[n++] = b->records[i];
    b->count = n;
}

static ig_status spill(ig_index_builder *b, ig_error *err) {
    char path[IG_PATH_MAX];
    if (b->written + 1 >= RUNS_MAX) return ig_error_set(err, IG_E_LIMIT, "more than %d runs: give the index more memory", RUNS_MAX);
    sort_records(b);
    run_path(b, b->written, path);
    IG_TRY(ig_file_write(path, b->records, b->count * sizeof *b->records, err));
    b->written++;
    b->count = 0;
    return IG_OK;
}

ig_status ig_index_builder_add(ig_index_builder *b, const ig_index_term *terms, size_t n, ig_error *err) {
    size_t fields = (size_t)b->opts.fields;
    if (b->documents == IG_INDEX_DOCUMENTS_MAX)
        return ig_error_set(err, IG_E_LIMIT, "an index has at most %d documents", IG_INDEX_DOCUMENTS_MAX);
    IG_TRY(grow(&b->lengths, &b->lengths_cap, (b->documents + 1) * fields, sizeof *b->lengths, err));
    uint32_t *length = b->lengths + b->documents * fields;
    memset(length, 0, fields * sizeof *length);
    for (size_t i = 0; i < n; i++) {
        uint32_t term = 0;
        if (terms[i].field >= fields) return ig_error_set(err, IG_E_ARG, "field %u: the index has %zu", terms[i].field, fields);
        IG_TRY(intern(b, terms[i].text, terms[i].len, &term, err));
        IG_TRY(grow(&b->records, &b->cap, b->count + 1, sizeof *b->records, err));
        b->records[b->count++] = (record){(uint64_t)term << 32 | b->documents, terms[i].field, 1};
        length[terms[i].field]++;
        b->total[terms[i].field]++;
    }
    b->documents++;
    return b->count * sizeof *b->records >= b->opts.memory_max ? spill(b, err) : IG_OK;
}

/* ---- merging ---- */

static ig_status put(ig_index_builder *b, const void *bytes, size_t n, ig_error *err) {
    static const char zeros[8];
    size_t pad = (8 - n % 8) % 8;
    IG_TRY(ig_writer_write(b->writer, bytes, n, err));
    IG_TRY(ig_writer_write(b->writer, zeros, pad, err));
    b->crc = ig_crc32c(ig_crc32c(b->crc, bytes, n), zeros, pad);
    return IG_OK;
}

static ig_status end_block(ig_index_builder *b, ig_error *err) {
    size_t n = b->pending_count;
    if (!n) return IG_OK;
    IG_TRY(grow(&b->blocks, &b->blocks_cap, b->block_count + 1, sizeof *b->blocks, err));
    float most = 0;
    for (size_t i = 0; i < n; i++) most = b->pending[i].impact > most ? b->pending[i].impact : most;
    b->blocks[b->block_count++] = (index_block){b->pending[n - 1].document, most};
    b->postings += n;
    b->pending_count = 0;
    return put(b, b->pending, n * sizeof *b->pending, err);
}

/* One posting of the records with the key at r->at. */
static ig_status merge_posting(ig_index_builder *b, run *r, ig_error *err) {
    uint64_t key = r->at->key;
    uint32_t document = (uint32_t)key;
    double tf = 0;
    for (; r->at < r->end && r->at->key == key; r->at++) {
        uint32_t f = r->at->field;
        double relative = b->lengths[(size_t)document * (size_t)b->opts.fields + f] * (double)b->documents / b->total[f];
        tf += b->opts.weight[f] * r->at->count / (1 - b->opts.b[f] + b->opts.b[f] * relative);
    }
    b->pending[b->pending_count++] = (index_posting){document, (float)(tf * (b->opts.k1 + 1) / (tf + b->opts.k1))};
    return b->pending_count == INDEX_BLOCK ? end_block(b, err) : IG_OK;
}

static ig_status open_runs(ig_index_builder *b, ig_error *err) {
    for (size_t i = 0; i < b->written; i++) {
        char path[IG_PATH_MAX];
        run_path(b, i, path);
        run *r = &b->runs[i];
        IG_TRY(ig_file_map(path, &r->file, err));
        r->at = (const record *)(const void *)r->file.data;
        r->end = r->at + r->file.size / sizeof *r->at;
    }
    sort_records(b);
    b->runs[b->written].at = b->records;
    b->runs[b->written].end = b->records + b->count;
    b->run_count = b->written + 1;
    return IG_OK;
}

static ig_status merge_terms(ig_index_builder *b, ig_error *err) {
    for (size_t t = 0; t < b->term_count; t++) {
        b->terms[t].posting = b->postings;
        b->terms[t].block = b->block_count;
        for (run *r = b->runs; r < b->runs + b->run_count; r++)
            while (r->at < r->end && r->at->key >> 32 == t) IG_TRY(merge_posting(b, r, err));
        IG_TRY(end_block(b, err));
    }
    IG_TRY(grow(&b->terms, &b->terms_cap, b->term_count + 1, sizeof *b->terms, err));
    b->terms[b->term_count] = (index_term){b->postings, b->block_count, b->names.len};
    return IG_OK;
}

static ig_status write_rest(ig_index_builder *b, ig_error *err) {
    index_tail tail = {.postings = b->postings, .blocks = b->block_count, .terms = b->term_count, .slots = b->slot_count,
                       .names = b->names.len, .documents = (uint32_t)b->documents};
    IG_TRY(put(b, b->blocks, b->block_count * sizeof *b->blocks, err));
    IG_TRY(put(b, b->terms, (b->term_count + 1) * sizeof *b->terms, err));
    IG_TRY(put(b, b->slots, b->slot_count * sizeof *b->slots, err));
    IG_TRY(put(b, b->names.data, b->names.len, err));
    tail.crc = b->crc;
    tail.tail_crc = ig_crc32c(0, &tail, sizeof tail);
    IG_TRY(ig_writer_write(b->writer, &tail, sizeof tail, err));
    return ig_writer_commit(b->writer, err);
}

ig_status ig_index_builder_finish(ig_index_builder *b, ig_error *err) {
    if (b->writer) return ig_error_set(err, IG_E_STATE, "the index is finished already");
    IG_TRY(ig_writer_open(b->path, &b->writer, err));
    IG_TRY(put(b, INDEX_MAGIC, 16, err));
    IG_TRY(open_runs(b, err));
    IG_TRY(merge_terms(b, err));
    return write_rest(b, err);
}
