/* data/batches.c: which windows of the text make batch number `index`.
 *
 * Everything is a function of (seed, index, row).  RANDOM draws each window's place; SHUFFLED numbers the windows through
 * all epochs: number = index·B + row is window number % W of epoch number / W, at the place that the epoch's permutation
 * gives it.  An epoch leaves (count - 1) - W·T tokens over; its phase, drawn anew for each epoch, says how many of these
 * stand before the first window, so that no token is left out for ever.
 */
#include <string.h>

#include "ingot/data.h"

/* Streams of the seed, so that no two uses share numbers. */
enum { STREAM_PLACE = 0x6261746368, STREAM_EPOCH = 0x65706f6368, STREAM_PHASE = 0x7068617365 };

bool ig_batch_order_parse(const char *name, ig_batch_order *out) {
    if (strcmp(name, "random") == 0) *out = IG_ORDER_RANDOM;
    else if (strcmp(name, "shuffled") == 0) *out = IG_ORDER_SHUFFLED;
    else return false;
    return true;
}

const char *ig_batch_order_name(ig_batch_order order) {
    return order == IG_ORDER_RANDOM ? "random" : "shuffled";
}

ig_status ig_batches_init(ig_batches *b, const int32_t *tokens, size_t count, int64_t batch, int64_t context, ig_batch_order order,
                          uint64_t seed, ig_error *err) {
    if (batch < 1 || context < 1)
        return ig_error_set(err, IG_E_ARG, "batch %lld and context %lld must be at least 1", (long long)batch, (long long)context);
    if (count > INT64_MAX || (int64_t)count < context + 1)
        return ig_error_set(err, IG_E_ARG, "the text has %zu tokens; a context of %lld needs %lld or more", count, (long long)context,
                            (long long)context + 1);
    *b = (ig_batches){.tokens = tokens, .count = (int64_t)count, .batch = batch, .context = context, .order = order, .seed = seed};
    b->windows = order == IG_ORDER_RANDOM ? b->count - context : (b->count - 1) / context;
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
        else offsets[row] = shuffled_place(b, number);
    }
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
    return b->order == IG_ORDER_RANDOM ? seen * (double)b->context / (double)b->count : seen / (double)b->windows;
}
