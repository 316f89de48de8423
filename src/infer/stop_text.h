/* infer/stop_text.h: text that comes token by token, and ends at a stop text. */
#ifndef INGOT_INFER_STOP_TEXT_H
#define INGOT_INFER_STOP_TEXT_H

#include "ingot/text.h"

/* Zero-initialise, then set tokenizer, stop and stop_count; pending.max limits what is held. */
typedef struct stop_text {
    const ig_tokenizer *tokenizer;
    const char *const *stop;
    size_t stop_count;
    ig_utf8_stream utf8;
    ig_buf pending;      /* decoded and not yet taken */
    bool found;          /* a stop text: pending ends where it began */
} stop_text;

/* Add a token.  *ready is how many bytes of pending may go out. */
ig_status stop_text_push(stop_text *s, int32_t id, size_t *ready, ig_error *err);
/* No token comes any more: everything may go out. */
ig_status stop_text_finish(stop_text *s, size_t *ready, ig_error *err);
/* The first n bytes have gone out. */
void stop_text_take(stop_text *s, size_t n);
void stop_text_fini(stop_text *s);

#endif
