/* data/row_batches.c: rows of ids as batches.
 *
 *     rows      [ up to 32 tokens | up to 64 | up to 128 ]           bucket by bucket, as they stand in the file
 *     batches   [ 0 1 2           | 3 4      | 5 6 7 8   ]           of an epoch; the order is the epoch's permutation
 *
 * A row belongs to the shortest bucket that it fits.  Which rows a batch has follows from two permutations of its epoch: of
 * all batches, and of the rows of each bucket.
 */
#include <string.h>

#include "ingot/examples.h"

#define SHORTEST 32
#define SPLIT_KEY 0x73706c6974 /* the same for every seed: what is held out stays so */
enum { STREAM_ROWS = 0x726f7773, STREAM_BATCHES = 0x62617463 };

static uint64_t key_of(uint64_t seed, uint64_t stream, uint64_t i) {
    uint32_t word[4];
    ig_philox(seed, stream, i, word);
    return (uint64_t)word[0] << 32 | word[1];
}

size_t ig_examples_split(ig_examples *x, double share) {
    size_t held = (size_t)(share * (double)x->count + 0.5), n = x->count;
    if (held == 0 && share > 0 && n > 1) held = 1;
    if (held >= n) held = n ? n - 1 : 0;
    for (size_t i = n; held && i > 1; i--) {
        size_t j = (size_t)(key_of(SPLIT_KEY, n, i) % i);
        ig_example e = x->row[i - 1];
        x->row[i - 1] = x->row[j];
        x->row[j] = e;
    }
    return n - held;
}

/* ---- one row ---- */

int64_t ig_examples_fill(const ig_examples *x, int64_t i, bool rejected, int64_t at, const ig_tensor *inputs, const ig_tensor *targets) {
    int64_t T = inputs->shape[1], counted = 0, *input = (int64_t *)inputs->data + at * T, *target = (int64_t *)targets->data + at * T;
    size_t begin = i < 0 ? 0 : rejected ? x->row[i].rejected_at : x->row[i].at, len = i < 0 ? 0 : rejected ? x->row[i].rejected_len : x->row[i].len;
    for (int64_t t = 0; t < T; t++) {
        bool there = (size_t)t + 1 < len, learns = there && x->learned.data[begin + (size_t)t + 1];
        input[t] = there ? x->ids.data[begin + (size_t)t] : 0;
        target[t] = learns ? x->ids.data[begin + (size_t)t + 1] : IG_NO_TARGET;
        counted += learns;
    }
    return counted;
}

/* ---- buckets ---- */

static int64_t tokens_of(const ig_example *e) { return (int64_t)(e->len > e->rejected_len ? e->len : e->rejected_len) - 1; }

static int64_t round_up(int64_t n) { return (n + 7) / 8 * 8; }

/* Lengths from the longest row down, each about half of the one above; then those that no row needs go. */
static void choose_lengths(ig_row_batches *b, const int64_t *lengths, int64_t context) {
    int64_t top = 1, length[IG_ROW_BUCKETS_MAX];
    int n = 0;
    for (size_t i = 0; i < b->count; i++)
        if (lengths[i] > top) top = lengths[i];
    top = round_up(top) < context ? round_up(top) : context;
    for (int64_t t = top; n < IG_ROW_BUCKETS_MAX && (n == 0 || t >= SHORTEST); t = round_up(t / 2)) {
        length[n++] = t;
        if (t <= SHORTEST) break;
    }
    b->buckets = n;
    for (int k = 0; k < n; k++) b->length[k] = length[n - 1 - k];
}

static int bucket_of(const ig_row_batches *b, int64_t tokens) {
    int k = 0;
    while (k < b->buckets - 1 && tokens > b->length[k]) k++;
    return k;
}

static void fill_buckets(ig_row_batches *b, const int64_t *lengths) {
    int64_t n = 0;
    for (int k = 0; k < b->buckets; k++) {
        b->rows_at[k] = n;
        for (size_t i = 0; i < b->count; i++)
            if (bucket_of(b, lengths[i]) == k) b->rows[n++] = (int64_t)i;
        b->batches_at[k + 1] = b->batches_at[k] + (n - b->rows_at[k] + b->batch - 1) / b->batch;
    }
    b->rows_at[b->buckets] = n;
}

static void drop_empty_buckets(ig_row_batches *b) {
    int kept = 0;
    for (int k = 0; k < b->buckets; k++) {
        if (b->rows_at[k] == b->rows_at[k + 1]) continue;
        b->length[kept] = b->length[k];
        b->rows_at[kept + 1] = b->rows_at[k + 1];
        b->batches_at[kept + 1] = b->batches_at[k + 1];
        kept++;
    }
    b->buckets = kept;
}

ig_status ig_row_batches_init_lengths(ig_row_batches *b, const int64_t *lengths, size_t count, int64_t batch, int64_t context,
                                      uint64_t seed, ig_error *err) {
    *b = (ig_row_batches){.count = count, .batch = batch, .seed = seed};
    if (count == 0 || batch < 1 || context < 1) return ig_error_set(err, IG_E_ARG,
                                                                    "batches need a row, and a batch and context of at least 1");
    b->rows = ig_calloc(count, sizeof *b->rows);
    if (!b->rows) return ig_error_nomem(err, count * sizeof *b->rows);
    choose_lengths(b, lengths, context);
    fill_buckets(b, lengths);
    drop_empty_buckets(b);
    return IG_OK;
}

ig_status ig_row_batches_init(ig_row_batches *b, const ig_examples *x, size_t first, size_t count, int64_t batch, int64_t context,
                              uint64_t seed, ig_error *err) {
    *b = (ig_row_batches){0};
    if (first + count > x->count) return ig_error_set(err, IG_E_ARG, "rows %zu to %zu of %zu", first, first + count, x->count);
    int64_t *lengths = ig_calloc(count + 1, sizeof *lengths);
    if (!lengths) return ig_error_nomem(err, count * sizeof *lengths);
    for (size_t i = 0; i < count; i++) lengths[i] = tokens_of(&x->row[first + i]);
    ig_status status = ig_row_batches_init_lengths(b, lengths, count, batch, context, seed, err);
    for (size_t i = 0; i < count && status == IG_OK; i++) b->rows[i] += (int64_t)first;
    b->first = first;
    ig_free(lengths);
    return status;
}

void ig_row_batches_fini(ig_row_batches *b) {
    ig_free(b->rows);
    *b = (ig_row_batches){0};
}

int ig_row_batches_pick(const ig_row_batches *b, int64_t index, int64_t *rows) {
    int64_t all = b->batches_at[b->buckets], epoch = index / all;
    int64_t number = (int64_t)ig_permute(key_of(b->seed, STREAM_BATCHES, (uint64_t)epoch), (uint64_t)all, (uint64_t)(index % all));
    int k = 0;
    while (number >= b->batches_at[k + 1]) k++;
    int64_t n = b->rows_at[k + 1] - b->rows_at[k], at = (number - b->batches_at[k]) * b->batch;
    uint64_t key = key_of(b->seed, STREAM_ROWS + (uint64_t)k, (uint64_t)epoch);
    for (int64_t i = 0; i < b->batch; i++)
        rows[i] = at + i < n ? b->rows[b->rows_at[k] + (int64_t)ig_permute(key, (uint64_t)n, (uint64_t)(at + i))] : -1;
    return k;
}

double ig_row_batches_epoch(const ig_row_batches *b, int64_t batches) { return (double)batches / (double)b->batches_at[b->buckets]; }
