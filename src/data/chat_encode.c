/* data/chat_encode.c: a conversation as ids, and which of them the assistant says.
 *
 *     whole     <|im_start|>user␤Hi<|im_end|>␤<|im_start|>assistant␤Hello!<|im_end|>␤
 *     before    <|im_start|>user␤Hi<|im_end|>␤<|im_start|>assistant␤                      messages before the turn, prompt
 *     after     <|im_start|>user␤Hi<|im_end|>␤<|im_start|>assistant␤Hello!<|im_end|>␤     messages up to the turn
 *
 * What is learned is what stands in `whole` behind `before` and within `after`: exactly what the model has to write when it
 * is asked.  A template may write a turn of the past differently from the newest one; where `before` is no beginning of the
 * whole text, or `after` parts from it before the turn says anything, the turn is looked for by its words, and left
 * unlearned when they are not there.  Text is encoded in one piece; a border is the number of ids that the text before it
 * has in common with the whole.
 */
#include <string.h>

#include "ingot/examples.h"

typedef struct encoding {
    const ig_chat_format *f;
    const ig_tokenizer *t;
    const ig_tree *conversation;
    ig_buf whole;
    ig_buf part;      /* before, or after */
    ig_ids ids, some; /* of the whole, and of a beginning of it */
    size_t cursor;    /* the text up to here is dealt with */
} encoding;

static size_t common(const char *a, size_t m, const char *b, size_t n) {
    size_t i = 0;
    while (i < m && i < n && a[i] == b[i]) i++;
    return i;
}

/* How much of the whole text the rendering of the first `count` messages shares; *all when it is a beginning of it. */
static ig_status shared(encoding *e, size_t count, bool prompt, size_t *out, bool *all, ig_error *err) {
    ig_buf_clear(&e->part);
    IG_TRY(ig_chat_render(e->f, e->conversation, count, prompt, &e->part, err));
    *out = common(e->whole.data ? e->whole.data : "", e->whole.len, e->part.data ? e->part.data : "", e->part.len);
    *all = *out == e->part.len;
    return IG_OK;
}

/* The words of a message in the text from `from` on, without the space around them; -1: not there. */
static int64_t find_words(const encoding *e, const ig_tree *message, size_t from, size_t *end) {
    const ig_tree *content = ig_tree_get(message, "content");
    const char *s = content && content->type == IG_TREE_TEXT ? content->text : "";
    size_t n = strlen(s);
    while (n > 0 && strchr(" \t\r\n", *s)) s++, n--;
    while (n > 0 && strchr(" \t\r\n", s[n - 1])) n--;
    for (size_t i = from; n > 0 && i + n <= e->whole.len; i++) {
        const char *at = memchr(e->whole.data + i, *s, e->whole.len - n + 1 - i);
        if (!at) return -1;
        i = (size_t)(at - e->whole.data);
        if (memcmp(at, s, n) != 0) continue;
        *end = i + n;
        return (int64_t)i;
    }
    return -1;
}

/* The stretch of the whole text that turn i is; empty when it cannot be told. */
static ig_status find_turn(encoding *e, const ig_tree *message, size_t i, size_t *begin, size_t *end, ig_error *err) {
    bool exact, whole_turn;
    size_t words_end = 0;
    IG_TRY(shared(e, i, true, begin, &exact, err));
    IG_TRY(shared(e, i + 1, false, end, &whole_turn, err));
    int64_t words = find_words(e, message, exact ? *begin : e->cursor, &words_end);
    if (!exact) *begin = words >= 0 ? (size_t)words : *end;
    if (!whole_turn && words >= 0 && *end < words_end) *end = words_end;
    if (!whole_turn && words < 0) *end = *begin;
    if (*end < *begin) *end = *begin;
    return IG_OK;
}

/* How many ids the text up to `at` has in common with the whole. */
static ig_status border(encoding *e, size_t at, size_t *out, ig_error *err) {
    e->some.len = 0;
    if (at == e->whole.len) {
        *out = e->ids.len;
        return IG_OK;
    }
    IG_TRY(ig_tokenizer_encode(e->t, e->whole.data, at, IG_ENCODE_SPECIAL, &e->some, err));
    for (*out = 0; *out < e->some.len && *out < e->ids.len && e->some.data[*out] == e->ids.data[*out];) ++*out;
    return IG_OK;
}

static ig_status learn_turn(encoding *e, const ig_tree *message, size_t i, char *learned, ig_error *err) {
    size_t begin, end, first, last;
    IG_TRY(find_turn(e, message, i, &begin, &end, err));
    if (begin == end) return IG_OK;
    e->cursor = end;
    IG_TRY(border(e, begin, &first, err));
    IG_TRY(border(e, end, &last, err));
    if (last > first) memset(learned + first, 1, last - first);
    return IG_OK;
}

static bool is_learned(const ig_tree *message) {
    return strcmp(ig_tree_text(message, "role", ""), "assistant") == 0 && ig_tree_real(message, "weight", 1) != 0;
}

static ig_status mark(encoding *e, size_t first, ig_buf *learned, ig_error *err) {
    size_t at = learned->len, i = 0;
    for (size_t k = 0; k < e->ids.len; k++) ig_buf_putc(learned, 0);
    IG_TRY(ig_buf_status(learned, err));
    for (const ig_tree *m = ig_tree_get(e->conversation, "messages")->child; m; m = m->next, i++)
        if (i >= first && is_learned(m) && e->ids.len) IG_TRY(learn_turn(e, m, i, learned->data + at, err));
    return IG_OK;
}

static ig_status encode(encoding *e, size_t first, ig_buf *learned, ig_error *err) {
    const ig_tree *messages = ig_tree_get(e->conversation, "messages");
    if (!messages || messages->type != IG_TREE_LIST) return ig_error_set(err, IG_E_ARG, "a conversation needs a list of messages");
    IG_TRY(ig_chat_render(e->f, e->conversation, messages->count, false, &e->whole, err));
    IG_TRY(ig_tokenizer_encode(e->t, e->whole.data ? e->whole.data : "", e->whole.len, IG_ENCODE_SPECIAL, &e->ids, err));
    return mark(e, first, learned, err);
}

static ig_status append(ig_ids *out, const ig_ids *more, ig_error *err) {
    size_t before = out->len;
    ig_status status = IG_OK;
    for (size_t i = 0; i < more->len && status == IG_OK; i++) status = ig_ids_push(out, more->data[i], err);
    if (status != IG_OK) out->len = before;
    return status;
}

ig_status ig_chat_encode(const ig_chat_format *f, const ig_tokenizer *t, const ig_tree *conversation, size_t first, ig_ids *ids,
                         ig_buf *learned, ig_error *err) {
    encoding e = {.f = f, .t = t, .conversation = conversation, .whole.max = 2 * IG_EXAMPLE_BYTES_MAX, .part.max = 2 * IG_EXAMPLE_BYTES_MAX};
    size_t before = learned->len;
    ig_status status = encode(&e, first, learned, err);
    if (status == IG_OK) status = append(ids, &e.ids, err);
    if (status != IG_OK && learned->status == IG_OK) learned->len = before;
    ig_buf_fini(&e.whole);
    ig_buf_fini(&e.part);
    ig_ids_fini(&e.ids);
    ig_ids_fini(&e.some);
    return status;
}
