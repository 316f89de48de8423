/* bench/index.c: build time, file size and query latency of the lexical index.   build/bench/index [DOCUMENTS] [FILE]
 *
 * Documents of 60 words of a Zipf-like distribution over 100,000 words; queries of 6 words drawn as the documents' are, top 10.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingot/index.h"

enum { WORDS = 100000, LENGTH = 60, QUERIES = 2000, TERMS = 6 };

static char names[WORDS][8];

static uint32_t word(ig_rng *r) {
    uint32_t w = (uint32_t)exp(ig_rng_uniform(r) * log(WORDS)); /* P(w) ~ 1/w */
    return w < WORDS ? w : WORDS - 1;
}

static ig_status build(const char *path, size_t documents, ig_error *err) {
    ig_index_builder *b;
    IG_TRY(ig_index_builder_new(path, NULL, &b, err));
    ig_status s = IG_OK;
    for (size_t d = 0; d < documents && s == IG_OK; d++) {
        ig_index_term t[LENGTH];
        ig_rng r;
        ig_rng_init(&r, 1, d);
        for (int i = 0; i < LENGTH; i++) {
            uint32_t w = word(&r);
            t[i] = (ig_index_term){names[w], (uint32_t)strlen(names[w]), 0};
        }
        s = ig_index_builder_add(b, t, LENGTH, err);
    }
    if (s == IG_OK) s = ig_index_builder_finish(b, err);
    ig_index_builder_free(b);
    return s;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static ig_status measure(const ig_index *x, ig_error *err) {
    static double ms[QUERIES];
    for (int i = 0; i < QUERIES; i++) {
        ig_index_query q[TERMS];
        ig_index_hit hits[10];
        size_t n;
        ig_rng r;
        ig_rng_init(&r, 2, (uint64_t)i);
        for (int k = 0; k < TERMS; k++) {
            uint32_t w = word(&r);
            q[k] = (ig_index_query){names[w], (uint32_t)strlen(names[w]), 1};
        }
        double start = ig_clock();
        IG_TRY(ig_index_search(x, q, TERMS, NULL, NULL, 10, hits, &n, err));
        ms[i] = (ig_clock() - start) * 1000;
    }
    qsort(ms, QUERIES, sizeof *ms, by_value);
    printf("query: median %.3f ms, p99 %.3f ms\n", ms[QUERIES / 2], ms[QUERIES * 99 / 100]);
    return IG_OK;
}

static ig_status run(const char *path, size_t documents, ig_error *err) {
    ig_index *x;
    double start = ig_clock();
    IG_TRY(build(path, documents, err));
    double built = ig_clock();
    IG_TRY(ig_index_open(path, &x, err));
    printf("%zu documents: built in %.2f s, opened and checked in %.3f s, peak memory %.0f MB\n", documents, built - start,
           ig_clock() - built, (double)ig_process_peak_bytes() / 1e6);
    ig_status s = measure(x, err);
    ig_index_close(x);
    return s;
}

int main(int argc, char **argv) {
    const char *path = argc > 2 ? argv[2] : "bench.index";
    ig_error err;
    for (int w = 0; w < WORDS; w++) snprintf(names[w], sizeof names[w], "%d", w);
    ig_status s = run(path, argc > 1 ? strtoul(argv[1], NULL, 10) : 100000, &err);
    if (s != IG_OK) fprintf(stderr, "%s\n", err.message);
    return s == IG_OK ? 0 : 1;
}
