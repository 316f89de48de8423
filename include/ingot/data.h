/* ingot/data.h: text as training data for language models.
 *
 *     files ──ig_text_load──► bytes ──ig_text_split──► train | validation ──tokenizer──► ids ──ig_batches──► [B,T] i64
 *
 * Batches are a function of (seed, index) and of nothing else: which windows make batch 1,234 does not depend on the
 * batches before it, so a resumed run needs no saved state to go on with the same data.
 */
#ifndef INGOT_DATA_H
#define INGOT_DATA_H

#include "ingot/tensor.h"
#include "ingot/text.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* ---- text ---------------------------------------------------------------------------------------------------------- */

/* Append the bytes of all files, in this order, to *out (zero-initialise it; its limit is set here).  Bytes are taken as
 * they are.  An empty file is refused by name; IG_E_LIMIT past IG_TEXT_BYTES_MAX. */
ig_status ig_text_load(const char *const *paths, size_t count, ig_buf *out, ig_error *err);

/* Where the validation part begins when the last `fraction` of the text is held out: 0 <= fraction < 1.  Never inside of a
 * UTF-8 sequence.  For ASCII it is int(len · (1 - fraction)), nanoGPT's cut. */
size_t ig_text_split(const char *text, size_t len, double fraction);

/* ---- batches of windows ------------------------------------------------------------------------------------------------ */

typedef enum ig_batch_order {
    IG_ORDER_RANDOM,   /* every window begins anywhere (nanoGPT): with repetition, no epochs */
    IG_ORDER_SHUFFLED, /* epochs: the text is cut into windows, each comes once per epoch in a new order */
    IG_ORDER_SEQUENTIAL /* the text is cut into B stretches; row r of each batch reads on where it stopped in the one before */
} ig_batch_order;

bool ig_batch_order_parse(const char *name, ig_batch_order *out); /* "random", "shuffled", "sequential" */
const char *ig_batch_order_name(ig_batch_order order);

/* tokens[count] is borrowed.  Window w: inputs tokens[w … w+T), targets tokens[w+1 … w+T]. */
typedef struct ig_batches {
    const int32_t *tokens;
    int64_t count;         /* of tokens */
    int64_t batch, context; /* B, T */
    ig_batch_order order;
    uint64_t seed;
    int64_t windows;       /* SHUFFLED: (count - 1) / T;  RANDOM: places where a window may begin;  SEQUENTIAL: of a stretch */
} ig_batches;

/* IG_E_ARG, saying how many tokens are needed, for a text shorter than one window. */
ig_status ig_batches_init(ig_batches *b, const int32_t *tokens, size_t count, int64_t batch, int64_t context, ig_batch_order order,
                          uint64_t seed, ig_error *err);
/* The first token of each of the B windows of batch `index` (0, 1, 2 …).
 * SHUFFLED: batches run over the border of two epochs, and each epoch cuts its windows at another phase of the text. */
void ig_batches_offsets(const ig_batches *b, int64_t index, int64_t *offsets /* [B] */);
/* Whether the rows of this batch begin anew: SEQUENTIAL: at the start of an epoch; else always. */
bool ig_batches_begin(const ig_batches *b, int64_t index);
/* The same batch as numbers.  inputs, targets i64 [B,T], contiguous; offsets [B] as above. */
void ig_batches_fill(const ig_batches *b, const int64_t *offsets, const ig_tensor *inputs, const ig_tensor *targets);
double ig_batches_epoch(const ig_batches *b, int64_t batches); /* passes over the text after so many batches */

/* A permutation of 0 … n-1 without a table: the place of i under `key`, by cycle walking over a Feistel network with Philox
 * as its round function (Black & Rogaway 2002).  n >= 1, i < n. */
uint64_t ig_permute(uint64_t key, uint64_t n, uint64_t i);

/* ---- validation: every token once ------------------------------------------------------------------------------------- */

/* The protocol of ig_eval_text: windows of T that do not overlap, in order, the last one shorter; every token but the first
 * is a target exactly once.  Padding behind the text has the target IG_NO_TARGET, which does not count. */
#define IG_NO_TARGET (-1)
typedef struct ig_windows {
    const int32_t *tokens;
    int64_t count, context;
    int64_t windows;        /* all of them: ceil((count - 1) / T) */
    int64_t used;           /* of them, spread evenly over the text; = windows unless limited */
} ig_windows;

/* limit 0: all windows.  IG_E_ARG for fewer than two tokens. */
ig_status ig_windows_init(ig_windows *w, const int32_t *tokens, size_t count, int64_t context, int64_t limit, ig_error *err);
/* Fill inputs, targets [B,T] with the windows `at`, at+1 … of those used.  Returns the number of targets that count; 0 past
 * the end. */
int64_t ig_windows_fill(const ig_windows *w, int64_t at, const ig_tensor *inputs, const ig_tensor *targets);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
