/* infer/stop_text.c: finding stop texts across the borders of tokens, without letting half of one out.
 *
 *     tokens ─ bytes ─► whole characters ─► pending:  … text that may go out | may be the beginning of a stop text
 *
 * After each token the pending text is searched; if no stop text is in it, its longest end with which a stop text begins
 * is held back, and the rest is ready.  Pending stays shorter than the longest stop text and one token.
 */
#include "infer/stop_text.h"

#include <string.h>

#define TOKEN_BYTES_MAX ((size_t)1 << 16)

/* Where the first stop text begins; pending.len when there is none. */
static size_t find_stop(const stop_text *s) {
    size_t first = s->pending.len;
    for (size_t i = 0; i < s->stop_count && first > 0; i++) {
        const char *at = memmem(s->pending.data, s->pending.len, s->stop[i], strlen(s->stop[i]));
        if (at && (size_t)(at - s->pending.data) < first) first = (size_t)(at - s->pending.data);
    }
    return first;
}

static bool begins_a_stop(const stop_text *s, const char *text, size_t n) {
    for (size_t i = 0; i < s->stop_count; i++)
        if (strlen(s->stop[i]) > n && memcmp(s->stop[i], text, n) == 0) return true;
    return false;
}

/* The earliest place from which the text may be the beginning of a stop text. */
static size_t hold_from(const stop_text *s) {
    size_t longest = 0;
    for (size_t i = 0; i < s->stop_count; i++)
        if (strlen(s->stop[i]) > longest) longest = strlen(s->stop[i]);
    size_t at = s->pending.len > longest ? s->pending.len - longest : 0;
    while (at < s->pending.len && !begins_a_stop(s, s->pending.data + at, s->pending.len - at)) at++;
    return at;
}

/* A stop text is made of whole characters, so its beginning is the beginning of one: what goes out stays UTF-8. */
static void search(stop_text *s, bool last, size_t *ready) {
    *ready = find_stop(s);
    if (*ready < s->pending.len) {
        s->found = true;
        s->pending.len = *ready;
    } else if (!last) {
        *ready = hold_from(s);
    }
}

static ig_status push_token(stop_text *s, int32_t id, ig_error *err) {
    ig_buf text = {.max = TOKEN_BYTES_MAX};
    if ((size_t)id >= ig_tokenizer_count(s->tokenizer)) return IG_OK; /* the model's vocabulary may be padded beyond the tokenizer's */
    ig_status status = ig_tokenizer_decode(s->tokenizer, &id, 1, IG_DECODE_INSIDE, &text, err);
    if (status == IG_OK && text.len) ig_utf8_stream_push(&s->utf8, text.data, text.len, &s->pending);
    ig_buf_fini(&text);
    return status;
}

ig_status stop_text_push(stop_text *s, int32_t id, size_t *ready, ig_error *err) {
    *ready = 0;
    IG_TRY(push_token(s, id, err));
    IG_TRY(ig_buf_status(&s->pending, err));
    search(s, false, ready);
    return IG_OK;
}

ig_status stop_text_finish(stop_text *s, size_t *ready, ig_error *err) {
    *ready = s->pending.len;
    if (s->found) return IG_OK;
    ig_utf8_stream_finish(&s->utf8, &s->pending);
    IG_TRY(ig_buf_status(&s->pending, err));
    search(s, true, ready);
    return IG_OK;
}

void stop_text_take(stop_text *s, size_t n) {
    if (n == 0) return;
    memmove(s->pending.data, s->pending.data + n, s->pending.len - n);
    s->pending.len -= n;
}

void stop_text_fini(stop_text *s) { ig_buf_fini(&s->pending); }
