/* retrieval/matcher_file.c: a matcher as one file.
 *
 *     "INGMATCH"  u32 version  u32 CRC-32C of all that follows
 *     matcher_head                         sizes and scales
 *     terms     hash u64 [T]  idf f32 [T]  kind u8 [T], padded to 8
 *     svm       f32 [T+1][stride]                                     when learned
 *     networks  embedding f16 [T][D]  w1 [D][H]  b1 [H]  w2 [H][stride]  b2 [stride]      each of them
 *     known     start u64 [N+1]  term u32 [R]  value f32 [R]  label i32 [N]  text_start u64 [N+1]  text [bytes]
 *
 * Little-endian.  Every section is padded to 8 bytes.  Training rounds the embeddings to f16, so that what was trained and what
 * is read answer with the same bits.  Reading checks the length against the sizes, the CRC, and every number that is used
 * as an index.
 */
#include <math.h>
#include <string.h>

#include "ingot/limits.h"
#include "retrieval/matcher_impl.h"
#include "tensor/kernels/kernels.h"

#define MAGIC "INGMATCH"
enum { VERSION = 1, PREFIX = 16, WIDTH_MAX = 4096 };

typedef struct matcher_head {
    uint64_t labels, learned, terms, bags, D, H, known, values, text_bytes;
    float svm_scale, bag_scale, scale, unused;
    float familiar[MATCH_QUANTILES];
} matcher_head;

/* One section: where it lies in memory, and how many bytes.  half: f32 in memory, f16 in the file. */
typedef struct section {
    void **at;
    size_t size, count;
    bool half;
} section;
enum { SECTIONS_MAX = 4 + 5 * MATCH_BAGS_MAX + 6 };

/* The one list that both directions walk. */
static size_t sections_of(ig_matcher *m, const matcher_head *h, section *s) {
    size_t n = 0, T = (size_t)h->terms, N = (size_t)h->known, R = (size_t)h->values, L = ((size_t)h->labels + 15) / 16 * 16;
    size_t D = (size_t)h->D, H = (size_t)h->H;
#define PUT(place, count, half) s[n++] = (section){(void **)&(place), sizeof *(place), count, half}
    PUT(m->terms.hash, T, false), PUT(m->terms.idf, T, false), PUT(m->terms.kind, T, false);
    if (h->learned) PUT(m->members.svm.weight, (T + 1) * L, false);
    for (size_t b = 0; b < h->bags; b++) {
        match_bag *g = &m->members.bag[b];
        PUT(g->embedding, T * D, true), PUT(g->w1, D * H, false), PUT(g->b1, H, false);
        PUT(g->w2, H * L, false), PUT(g->b2, L, false);
    }
    PUT(m->known.rows.start, N + 1, false), PUT(m->known.rows.term, R, false), PUT(m->known.rows.value, R, false);
    PUT(m->known.label, N, false), PUT(m->known.text_start, N + 1, false), PUT(m->known.text, (size_t)h->text_bytes, false);
#undef PUT
    return n;
}

static size_t file_bytes(const section *s) { return (s->count * (s->half ? 2 : s->size) + 7) / 8 * 8; }

/* ---- saving ---- */

static matcher_head head_of(const ig_matcher *m) {
    const match_members *p = &m->members;
    size_t N = m->known.rows.n;
    matcher_head h = {.labels = m->labels, .learned = m->learned, .terms = m->terms.count, .bags = p->bags, .D = p->bag[0].D,
                      .H = p->bag[0].H,
                      .known = N, .values = m->known.rows.start[N], .text_bytes = m->known.text_start[N],
                      .svm_scale = p->svm_scale, .bag_scale = p->bag_scale, .scale = p->scale};
    memcpy(h.familiar, m->familiar, sizeof h.familiar);
    return h;
}

typedef struct sink {
    ig_writer *w; /* NULL: only the CRC */
    uint32_t crc;
} sink;

static ig_status emit(sink *s, const void *bytes, size_t n, ig_error *err) {
    s->crc = ig_crc32c(s->crc, bytes, n);
    return s->w && n ? ig_writer_write(s->w, bytes, n, err) : IG_OK;
}

static ig_status emit_half(sink *s, const ig_kernels *k, const float *x, size_t n, ig_error *err) {
    uint16_t half[1024];
    for (size_t at = 0; at < n; at += 1024) {
        size_t part = n - at < 1024 ? n - at : 1024;
        k->f32_to_f16(half, x + at, part);
        IG_TRY(emit(s, half, part * sizeof *half, err));
    }
    return IG_OK;
}

static ig_status emit_all(const ig_matcher *m, const matcher_head *h, sink *s, ig_error *err) {
    static const char zeros[8];
    section list[SECTIONS_MAX];
    ig_matcher *m_read = (ig_matcher *)(uintptr_t)m; /* the list points into it; nothing is written */
    size_t n = sections_of(m_read, h, list);
    IG_TRY(emit(s, h, sizeof *h, err));
    for (size_t i = 0; i < n; i++) {
        size_t bytes = list[i].count * (list[i].half ? 2 : list[i].size);
        if (list[i].half) IG_TRY(emit_half(s, ig_kernels_of(m->ctx), *list[i].at, list[i].count, err));
        else IG_TRY(emit(s, *list[i].at, bytes, err));
        IG_TRY(emit(s, zeros, file_bytes(&list[i]) - bytes, err));
    }
    return IG_OK;
}

static ig_status write_file(const ig_matcher *m, const matcher_head *h, ig_writer *w, ig_error *err) {
    sink first = {0}, second = {.w = w};
    uint32_t numbers[2] = {VERSION, 0};
    IG_TRY(emit_all(m, h, &first, err));
    numbers[1] = first.crc;
    IG_TRY(ig_writer_write(w, MAGIC, 8, err));
    IG_TRY(ig_writer_write(w, numbers, sizeof numbers, err));
    IG_TRY(emit_all(m, h, &second, err));
    return ig_writer_commit(w, err);
}

ig_status ig_matcher_save(const ig_matcher *m, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_writer *w = NULL;
    matcher_head h = head_of(m);
    IG_TRY(ig_path_join(path, sizeof path, dir, "matcher.bin", err));
    IG_TRY(ig_dir_make(dir, err));
    IG_TRY(ig_writer_open(path, &w, err));
    ig_status s = write_file(m, &h, w, err);
    ig_writer_close(w);
    return s;
}

/* ---- opening ---- */

static ig_status bad(const char *path, const char *what, ig_error *err) {
    return ig_error_at(err, IG_E_FORMAT, path, 0, "%s; train the matcher again or restore the file", what);
}

/* Sizes small enough that no product of two of them, times 8, leaves 64 bits. */
static ig_status check_head(const matcher_head *h, size_t size, const char *path, ig_error *err) {
    bool fine = h->labels >= 1 && h->labels <= IG_MATCH_LABELS_MAX && h->terms <= size / 8 && h->known <= size / 8 &&
                h->values <= size / 8 && h->text_bytes <= size;
    fine = fine && h->learned <= 1 && (!h->learned || h->labels <= IG_MATCH_LEARNED_MAX) && h->bags <= MATCH_BAGS_MAX &&
           (h->learned || !h->bags) && h->D <= WIDTH_MAX && h->H <= WIDTH_MAX && h->D % 16 == 0 && h->H % 16 == 0 &&
           (!h->bags || (h->D && h->H));
    float scales[] = {h->svm_scale, h->bag_scale, h->scale};
    for (size_t i = 0; i < 3; i++) fine = fine && isfinite(scales[i]) && scales[i] >= 0;
    for (size_t i = 0; i < MATCH_QUANTILES; i++)
        fine = fine && isfinite(h->familiar[i]) && (!i || h->familiar[i] >= h->familiar[i - 1]);
    return fine ? IG_OK : bad(path, "the sizes at its beginning are not those of a matcher", err);
}

static ig_status read_section(const ig_matcher *m, const section *s, const uint8_t *from, ig_error *err) {
    size_t bytes = s->count * s->size;
    void *to = ig_malloc(bytes + 8);
    if (!to) return ig_error_nomem(err, bytes);
    *s->at = to;
    if (s->half) ig_kernels_of(m->ctx)->f16_to_f32(to, (const uint16_t *)(const void *)from, s->count);
    else if (bytes) memcpy(to, from, bytes);
    return IG_OK;
}

static bool rises(const uint64_t *start, size_t n, uint64_t last) {
    for (size_t i = 0; i < n; i++)
        if (start[i + 1] < start[i]) return false;
    return start[0] == 0 && start[n] == last;
}

static ig_status check_numbers(const ig_matcher *m, const matcher_head *h, const char *path, ig_error *err) {
    const match_known *k = &m->known;
    for (size_t i = 0; i < h->terms; i++)
        if (m->terms.kind[i] >= MATCH_KINDS || !isfinite(m->terms.idf[i])) return bad(path, "a term is damaged", err);
    if (!rises(k->rows.start, (size_t)h->known, h->values) || !rises(k->text_start, (size_t)h->known, h->text_bytes))
        return bad(path, "the rows of the known questions are damaged", err);
    for (size_t i = 0; i < h->values; i++)
        if (k->rows.term[i] >= h->terms) return bad(path, "a known question has a term that is not there", err);
    for (size_t i = 0; i < h->known; i++)
        if (k->label[i] < 0 || (uint64_t)k->label[i] >= h->labels)
            return bad(path, "a known question has a label that is not there", err);
    return IG_OK;
}

static void set_sizes(ig_matcher *m, const matcher_head *h) {
    size_t T = (size_t)h->terms, L = (size_t)h->labels, stride = (L + 15) / 16 * 16;
    m->labels = L, m->learned = h->learned != 0, m->terms.count = T, m->known.rows.n = (size_t)h->known;
    match_members *p = &m->members;
    p->bags = (size_t)h->bags, p->svm_scale = h->svm_scale, p->bag_scale = h->bag_scale, p->scale = h->scale;
    if (m->learned) p->svm.terms = T, p->svm.labels = L, p->svm.stride = stride;
    for (size_t b = 0; b < p->bags; b++) {
        match_bag *g = &p->bag[b];
        g->terms = T, g->labels = L, g->stride = stride, g->D = (size_t)h->D, g->H = (size_t)h->H;
    }
    memcpy(m->familiar, h->familiar, sizeof m->familiar);
}

static ig_status read_all(ig_matcher *m, const ig_map_file *f, const char *path, ig_error *err) {
    matcher_head h;
    section list[SECTIONS_MAX];
    uint32_t numbers[2];
    size_t at = PREFIX + sizeof h;
    if (f->size < at || memcmp(f->data, MAGIC, 8)) return bad(path, "this is not a matcher", err);
    memcpy(numbers, f->data + 8, sizeof numbers), memcpy(&h, f->data + PREFIX, sizeof h);
    if (numbers[0] != VERSION)
        return ig_error_at(err, IG_E_UNSUPPORTED, path, 0, "version %u of the file; this program reads version %d", numbers[0],
                           VERSION);
    IG_TRY(check_head(&h, f->size, path, err));
    size_t n = sections_of(m, &h, list), total = at;
    for (size_t i = 0; i < n; i++)
        if (list[i].count > f->size || !ig_add_size(total, file_bytes(&list[i]), &total))
            return bad(path, "it is cut off", err);
    if (total != f->size) return bad(path, "its length is not what its beginning says", err);
    if (ig_crc32c(0, f->data + PREFIX, f->size - PREFIX) != numbers[1]) return bad(path, "its checksum is wrong", err);
    for (size_t i = 0; i < n; at += file_bytes(&list[i++])) IG_TRY(read_section(m, &list[i], f->data + at, err));
    IG_TRY(check_numbers(m, &h, path, err));
    set_sizes(m, &h);
    IG_TRY(match_terms_index(&m->terms, err));
    return match_known_index(&m->known, &m->terms, err);
}

ig_status ig_matcher_open(ig_context *ctx, const char *dir, ig_matcher **out, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_map_file f = {0};
    *out = NULL;
    IG_TRY(ig_path_join(path, sizeof path, dir, "matcher.bin", err));
    IG_TRY(ig_file_map(path, &f, err));
    ig_matcher *m = ig_calloc(1, sizeof *m);
    ig_status s = m ? IG_OK : ig_error_nomem(err, sizeof *m);
    if (m) m->ctx = ctx;
    if (s == IG_OK) s = read_all(m, &f, path, err);
    ig_file_unmap(&f);
    if (s == IG_OK) *out = m;
    else ig_matcher_free(m);
    return s;
}
