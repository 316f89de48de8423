/* infer/sequences.c: see sequences.h.  Cutting is done as Hugging Face's tokenizers do it by default: a single text loses
 * its end, of a pair the longer text loses first, and the framing tokens stay.
 */
#include "infer/sequences.h"

#include <string.h>

/* ---- framing ---- */

static int32_t find(const ig_tokenizer *t, const char *token) { return ig_tokenizer_find(t, token, strlen(token)); }

/* The one place that knows which tokens stand around a text. */
static ig_status find_frame(const ig_model *m, framing *f, ig_error *err) {
    static const struct {
        const char *first, *last;
        bool doubled;
    } known[] = {{"[CLS]", "[SEP]", false}, {"<s>", "</s>", true}};
    *f = (framing){.empty = -1};
    if (ig_model_can(m, IG_CAN_GENERATE)) f->empty = ig_start_token(m);
    if (ig_model_can(m, IG_CAN_GENERATE) || !m->tokenizer) return IG_OK;
    if (!m->family->type_count) { /* a network that reads texts as they are */
        f->empty = 0;
        return IG_OK;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int32_t first = find(m->tokenizer, known[i].first), last = find(m->tokenizer, known[i].last);
        if (first < 0 || last < 0) continue;
        *f = (framing){.framed = true, .first = first, .last = last, .doubled = known[i].doubled, .empty = -1};
        return IG_OK;
    }
    return ig_error_at(err, IG_E_FORMAT, m->path ? m->path : "", 0,
                       "the tokenizer has neither [CLS] and [SEP] nor <s> and </s>, and this model's texts stand between them");
}

static size_t frame_size(const framing *f, bool pair) { return !f->framed ? 0 : !pair ? 2 : f->doubled ? 4 : 3; }

/* ---- making and freeing ---- */

ig_status sequences_init(sequences *s, const ig_model *m, int64_t max_tokens, size_t n, ig_error *err) {
    *s = (sequences){.m = m, .max_tokens = max_tokens};
    IG_TRY(find_frame(m, &s->frame, err));
    s->end = ig_calloc(n + 1, sizeof *s->end);
    s->second = ig_calloc(n + 1, sizeof *s->second);
    s->truncated = ig_calloc(n + 1, sizeof *s->truncated);
    return s->end && s->second && s->truncated ? IG_OK : ig_error_nomem(err, (n + 1) * sizeof *s->end);
}

void sequences_fini(sequences *s) {
    ig_ids_fini(&s->ids);
    ig_free(s->end);
    ig_free(s->second);
    ig_free(s->truncated);
}

/* ---- adding ---- */

static ig_status check_ids(const sequences *s, const ig_ids *ids, ig_error *err) {
    int64_t V = s->m->family->vocab_size(s->m);
    for (size_t i = 0; i < ids->len; i++)
        if (ids->data[i] < 0 || ids->data[i] >= V)
            return ig_error_set(err, IG_E_ARG, "text %zu: token %d at place %zu; the model knows 0 to %lld", s->count,
                                ids->data[i], i,
                                (long long)V - 1);
    return IG_OK;
}

/* How much of both stays when there is room for `room` tokens. */
static void cut(size_t *a, size_t *b, size_t room) {
    bool swapped = *a > *b;
    size_t shorter = swapped ? *b : *a, longer;
    if (*a + *b <= room) return;
    longer = room > shorter && room - shorter > shorter ? room - shorter : shorter;
    if (shorter + longer > room) shorter = room / 2, longer = room - room / 2;
    *a = swapped ? longer : shorter;
    *b = swapped ? shorter : longer;
}

static ig_status push(sequences *s, const int32_t *ids, size_t n, ig_error *err) {
    for (size_t i = 0; i < n; i++) IG_TRY(ig_ids_push(&s->ids, ids[i], err));
    return IG_OK;
}

static ig_status push_mark(sequences *s, int32_t id, ig_error *err) { return s->frame.framed ? ig_ids_push(&s->ids, id,
                                                                                                           err) : IG_OK; }

static ig_status push_framed(sequences *s, const int32_t *a, size_t na, const int32_t *b, size_t nb, bool pair, ig_error *err) {
    const framing *f = &s->frame;
    IG_TRY(push_mark(s, f->first, err));
    IG_TRY(push(s, a, na, err));
    IG_TRY(push_mark(s, f->last, err));
    size_t second = s->ids.len;
    if (pair && f->doubled) IG_TRY(push_mark(s, f->last, err));
    if (pair) IG_TRY(push(s, b, nb, err));
    if (pair) IG_TRY(push_mark(s, f->last, err));
    s->second[s->count] = second;
    s->end[s->count++] = s->ids.len;
    return IG_OK;
}

ig_status sequences_add(sequences *s, const ig_ids *a, const ig_ids *b, ig_error *err) {
    size_t frame = frame_size(&s->frame, b != NULL), na = a->len, nb = b ? b->len : 0, none = 0;
    IG_TRY(check_ids(s, a, err));
    if (b) IG_TRY(check_ids(s, b, err));
    if (frame + na + nb == 0) {
        if (s->frame.empty < 0) return ig_error_set(err, IG_E_ARG, "text %zu has no tokens", s->count);
        return push_framed(s, &s->frame.empty, 1, NULL, 0, false, err);
    }
    if ((size_t)s->max_tokens <= frame)
        return ig_error_set(err, IG_E_ARG, "max_tokens %lld leaves no room for a text between its %zu framing tokens",
                            (long long)s->max_tokens, frame);
    size_t room = (size_t)s->max_tokens - frame;
    if (b) cut(&na, &nb, room);
    else cut(&none, &na, room);
    s->truncated[s->count] = na < a->len || (b && nb < b->len);
    return push_framed(s, a->data, na, b ? b->data : NULL, nb, b != NULL, err);
}

ig_status sequences_add_text(sequences *s, const char *a, const char *b, ig_error *err) {
    ig_ids ids = {0}, second = {0};
    if (!s->m->tokenizer) return ig_error_set(err, IG_E_STATE, "the model has no tokenizer; give it token ids");
    ig_status status = ig_tokenizer_encode(s->m->tokenizer, a, strlen(a), 0, &ids, err);
    if (status == IG_OK && b) status = ig_tokenizer_encode(s->m->tokenizer, b, strlen(b), 0, &second, err);
    if (status == IG_OK) status = sequences_add(s, &ids, b ? &second : NULL, err);
    ig_ids_fini(&ids);
    ig_ids_fini(&second);
    return status;
}

void sequences_tell(const sequences *s, ig_text_use *uses) {
    for (size_t i = 0; uses && i < s->count; i++)
        uses[i] = (ig_text_use){.tokens = (int64_t)sequence_length(s, i), .truncated = s->truncated[i]};
}
