/* tests/retrieval/test_cranfield.c: BM25 on the Cranfield collection gives the mean average precision of cranfield_plain.py, which
 * writes it out plainly: words without stems, all of a document as one field, k1 1.2, b 0.75, binary gain: 0.397.
 *
 * The two do not agree on what a word is (hyphens): 0.01 either way is taken.   (Cleverdon 1967)
 */
#include "../text/data.h"

#include <math.h>
#include <unistd.h>

#include "ingot/analyze.h"
#include "ingot/index.h"
#include "ingot/limits.h"

enum { DOCS = 1400, QUERIES = 225, TERMS_MAX = 1000 };

static bool relevant[QUERIES + 1][DOCS + 1];
static char path[64];

/* The next record of a file of ".I" records: its lines but those that begin a field; with `only`, those of that field. */
static const char *next_record(const char *at, char only, ig_buf *out) {
    char field = 0;
    bool begun = false;
    ig_buf_clear(out);
    while (*at) {
        size_t n = strcspn(at, "\n");
        if (!strncmp(at, ".I ", 3) && begun) return at;
        begun = true;
        if (at[0] == '.' && (n == 2 || (n == 3 && strchr("\r ", at[2])))) field = at[1];
        else if (!strncmp(at, ".I ", 3)) field = 'I';
        else if (!only || field == only) ig_buf_append(out, at, n), ig_buf_putc(out, '\n');
        at += n + (at[n] == '\n');
    }
    return at;
}

static void read_part(const char *folder, const char *name, ig_buf *out) {
    ig_error err;
    char file[IG_PATH_MAX];
    check_ok(ig_path_join(file, sizeof file, folder, name, &err));
    check_ok(ig_file_read(file, 16 << 20, out, &err));
}

static void read_judgements(const char *folder) {
    ig_buf text = {.max = 16 << 20};
    read_part(folder, "cranqrel", &text);
    for (const char *at = text.data; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        int q, d;
        if (sscanf(at, "%d %d", &q, &d) == 2 && q >= 1 && q <= QUERIES && d >= 1 && d <= DOCS) relevant[q][d] = true;
    }
    ig_buf_fini(&text);
}

static ig_index *index_documents(const char *folder, ig_analyzer *a) {
    ig_error err;
    ig_index *x;
    ig_index_builder *b;
    ig_buf text = {.max = 16 << 20}, record = {.max = 1 << 20};
    read_part(folder, "cran.all.1400", &text);
    check_ok(ig_index_builder_new(path, NULL, &b, &err));
    for (const char *at = text.data; *at;) {
        static ig_index_term terms[TERMS_MAX * 4];
        const ig_term *t;
        size_t n;
        at = next_record(at, 0, &record);
        check_ok(ig_analyze(a, record.data ? record.data : "", record.len, &t, &n, &err));
        assert_true(n <= TERMS_MAX * 4);
        for (size_t i = 0; i < n; i++) terms[i] = (ig_index_term){t[i].text, t[i].len, 0};
        check_ok(ig_index_builder_add(b, terms, n, &err));
    }
    check_ok(ig_index_builder_finish(b, &err));
    ig_index_builder_free(b);
    check_ok(ig_index_open(path, &x, &err));
    ig_buf_fini(&text);
    ig_buf_fini(&record);
    return x;
}

static double average_precision(const ig_index *x, ig_analyzer *a, const ig_buf *text, int query) {
    static ig_index_hit hits[DOCS];
    static ig_index_query terms[TERMS_MAX];
    ig_error err;
    const ig_term *t;
    size_t n, found;
    check_ok(ig_analyze(a, text->data, text->len, &t, &n, &err));
    for (size_t i = 0; i < n && i < TERMS_MAX; i++) terms[i] = (ig_index_query){t[i].text, t[i].len, 1};
    check_ok(ig_index_search(x, terms, n, NULL, NULL, DOCS, hits, &found, &err));
    int all = 0, good = 0;
    double sum = 0;
    for (int d = 1; d <= DOCS; d++) all += relevant[query][d];
    for (size_t i = 0; i < found; i++)
        if (relevant[query][hits[i].document + 1]) sum += ++good / (double)(i + 1);
    return all ? sum / all : 0;
}

static double mean_average_precision(const char *folder, unsigned flags) {
    ig_error err;
    ig_analyzer *a;
    ig_buf text = {.max = 1 << 20}, record = {.max = 1 << 20};
    check_ok(ig_analyzer_new(&(ig_analyze_opts){.flags = flags}, &a, &err));
    ig_index *x = index_documents(folder, a);
    assert_int_equal(ig_index_documents(x), DOCS);
    read_part(folder, "cran.qry", &text);
    double sum = 0;
    int query = 0; /* judgements count queries by their order */
    for (const char *at = text.data; *at;) {
        at = next_record(at, 'W', &record);
        sum += average_precision(x, a, &record, ++query);
    }
    assert_int_equal(query, QUERIES);
    ig_index_close(x);
    ig_analyzer_free(a);
    ig_buf_fini(&text);
    ig_buf_fini(&record);
    return sum / QUERIES;
}

int main(void) {
    char folder[IG_PATH_MAX];
    if (!data_folder("ir-cranfield", folder, sizeof folder)) return 77;
    snprintf(path, sizeof path, "test-cranfield-%d", (int)getpid());
    read_judgements(folder);
    double plain = mean_average_precision(folder, IG_ANALYZE_NO_STEMS), stemmed = mean_average_precision(folder, 0);
    unlink(path);
    printf("Cranfield MAP: %.4f without stems (0.397 expected), %.4f with them\n", plain, stemmed);
    return fabs(plain - 0.397) <= 0.01 && stemmed > plain ? 0 : 1;
}
