/* data/windows.c: validation: the text in windows, in order, every token but the first a target exactly once. */
#include "ingot/data.h"

ig_status ig_windows_init(ig_windows *w, const int32_t *tokens, size_t count, int64_t context, int64_t limit, ig_error *err) {
    if (context < 1) return ig_error_set(err, IG_E_ARG, "a context of %lld is not possible", (long long)context);
    if (count < 2 || count > INT64_MAX)
        return ig_error_set(err, IG_E_ARG, "the validation text has %zu tokens; two or more are needed", count);
    *w = (ig_windows){.tokens = tokens, .count = (int64_t)count, .context = context};
    w->windows = (w->count - 2) / context + 1;
    w->used = limit > 0 && limit < w->windows ? limit : w->windows;
    return IG_OK;
}

/* The i-th of the used windows: all in order, or spread evenly. */
static int64_t place(const ig_windows *w, int64_t i) {
    return (int64_t)((__int128)i * w->windows / w->used) * w->context;
}

static int64_t fill_row(const ig_windows *w, int64_t at, int64_t *input, int64_t *target) {
    int64_t left = w->count - 1 - at, n = left < w->context ? left : w->context;
    for (int64_t t = 0; t < w->context; t++) {
        input[t] = t < n ? w->tokens[at + t] : 0;
        target[t] = t < n ? w->tokens[at + t + 1] : IG_NO_TARGET;
    }
    return n;
}

static void pad_row(const ig_windows *w, int64_t *input, int64_t *target) {
    for (int64_t t = 0; t < w->context; t++) {
        input[t] = 0;
        target[t] = IG_NO_TARGET;
    }
}

int64_t ig_windows_fill(const ig_windows *w, int64_t at, const ig_tensor *inputs, const ig_tensor *targets) {
    int64_t *input = inputs->data, *target = targets->data, rows = inputs->shape[0], counted = 0;
    for (int64_t row = 0; row < rows; row++, input += w->context, target += w->context) {
        if (at + row < w->used) counted += fill_row(w, place(w, at + row), input, target);
        else pad_row(w, input, target);
    }
    return counted;
}
