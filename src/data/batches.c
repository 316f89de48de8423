/* data/batches.c: which windows of the text make batch number `index`.
 *
 * Everything is a function of (seed, index, row).  RANDOM draws each window's place; SHUFFLED numbers the windows through
 * all epochs: number = index·B + row is window number % W of epoch number / W, at the place that the epoch's permutation
 * gives it.  An epoch leaves (count - 1) - W·T tokens over; its phase, drawn anew for each epoch, says how many of these
 * stand before the first window, so that no token is left out for ever.  SEQUENTIAL cuts the text into B stretches of equal
 * length, one behind the other, for networks that carry a state from window to window; fewer than T tokens of a stretch, and fewer
 * than B of the text, are left over.
 */
#include <string.h>

#include "ingot/data.h"

/* Streams of the seed, so that no two uses share numbers. */
enum { STREAM_PLACE = 0x6261746368, STREAM_EPOCH = 0x65706f6368, STREAM_PHASE = 0x7068617365 };

bool ig_batch_order_parse(const char *name, ig_batch_order *out) {
    if (strcmp(name, "random") == 0) *out = IG_ORDER_RANDOM;
    else if (strcmp(name, "shuffled") == 0) *out = IG_ORDER_SHUFFLED;
    else if (strcmp(name, "sequential") == 0) *out = IG_ORDER_SEQUENTIAL;
    else return false;
    return true;
}

const char *ig_batch_order_name(ig_batch_order order) {
    return order == IG_ORDER_RANDOM ? "random" : order == IG_ORDER_SHUFFLED ? "shuffled" : "sequential";
}

/* Tokens of one row of SEQUENTIAL, each with the one that follows. */
static int64_t stretch(const ig_batches *b) { return (b->count - 1) / b->batch; }

ig_status ig_batches_init(ig_batches *b, const int32_t *tokens, size_t count, int64_t batch, int64_t context, ig_batch_order order,
                          uint64_t seed, ig_error *err) {
    if (batch < 1 || context < 1)
        return ig_error_set(err, IG_E_ARG, "batch %lld and context %lld must be at least 1", (long long)batch, (long long)context);
    if (count > INT64_MAX || (int64_t)count < context + 1)
        return ig_error_set(err, IG_E_ARG, "the text has %zu tokens; a context of %lld needs %lld or more", count, (long long)context,
                            (long long)context + 1);
    *b = (ig_batches){.tokens = tokens, .count = (int64_t)count, .batch = batch, .context = context, .order = order, .seed = seed};
    b->windows = order == IG_ORDER_RANDOM ? b->count - context : (b->count - 1) / context;
    if (order != IG_ORDER_SEQUENTIAL) return IG_OK;
    b->windows = stretch(b) / context;
    if (b->windows < 1)
        return ig_error_set(err, IG_E_ARG, "the text has %zu tokens; %lld stretches of it give no whole context of %lld", count,
                            (long long)batch, (long long)context);
    return IG_OK;
}

/* The first word pair of (seed, stream, i) as a number below n.  Multiplying instead of a remainder has a bias of n/2^64. */
static uint64_t draw(uint64_t seed, uint64_t stream, uint64_t i, uint64_t n) {
    uint32_t word[4];
    ig_philox(seed, stream, i, word);
    uint64_t bits = (uint64_t)word[0] << 32 | word[1];
    return (uint64_t)((unsigned __int128)bits * n >> 64);
}

static int64_t shuffled_place(const ig_batches *b, uint64_t number) {
    uint64_t epoch = number / (uint64_t)b->windows, window = number % (uint64_t)b->windows;
    uint64_t left_over = (uint64_t)(b->count - 1 - b->windows * b->context);
    uint32_t key[4];
    ig_philox(b->seed, STREAM_EPOCH, epoch, key);
    uint64_t place = ig_permute((uint64_t)key[0] << 32 | key[1], (uint64_t)b->windows, window);
    return (int64_t)place * b->context + (int64_t)draw(b->seed, STREAM_PHASE, epoch, left_over + 1);
}

void ig_batches_offsets(const ig_batches *b, int64_t index, int64_t *offsets) {
    for (int64_t row = 0; row < b->batch; row++) {
        uint64_t number = (uint64_t)index * (uint64_t)b->batch + (uint64_t)row;
        if (b->order == IG_ORDER_RANDOM) offsets[row] = (int64_t)draw(b->seed, STREAM_PLACE, number, (uint64_t)b->windows);
        else if (b->order == IG_ORDER_SHUFFLED) offsets[row] = shuffled_place(b, number);
        else offsets[row] = row * stretch(b) + index % b->windows * b->context;
    }
}

bool ig_batches_begin(const ig_batches *b, int64_t index) {
    return b->order != IG_ORDER_SEQUENTIAL || index % b->windows == 0;
}

void ig_batches_fill(const ig_batches *b, const int64_t *offsets, const ig_tensor *inputs, const ig_tensor *targets) {
    int64_t *input = inputs->data, *target = targets->data;
    for (int64_t row = 0; row < b->batch; row++) {
        const int32_t *window = b->tokens + offsets[row];
        for (int64_t t = 0; t < b->context; t++) {
            *input++ = window[t];
            *target++ = window[t + 1];
        }
    }
}

double ig_batches_epoch(const ig_batches *b, int64_t batches) {
    double seen = (double)batches * (double)b->batch;
    if (b->order == IG_ORDER_SEQUENTIAL) return (double)batches / (double)b->windows;
    return b->order == IG_ORDER_RANDOM ? seen * (double)b->context / (double)b->count : seen / (double)b->windows;
}
