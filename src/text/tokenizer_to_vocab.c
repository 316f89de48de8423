/* text/tokenizer_to_vocab.c: a tokenizer as the arrays that a GGUF file has: the way back of tokenizer_vocab.c.
 *
 * What the arrays have no place for (normalisers of BPE, templates with more than one token before or after a text) is left
 * out, as other programs that write such files do.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

typedef struct copying {
    const ig_tokenizer *t;
    ig_vocab_copy *out;
    const char **text;
    size_t *len;
    int32_t *type;
    ig_buf bytes;
} copying;

static void *own(ig_vocab_copy *c, size_t n, size_t size) {
    void *p = ig_calloc(n + 1, size);
    if (p) c->own[c->owned++] = p;
    return p;
}

/* ---- tokens ---- */

static int32_t type_of(const ig_tokenizer *t, size_t id) {
    unsigned flag = t->table.flag[id];
    if ((int32_t)id == t->unk && t->kind != IG_TOKENIZER_BPE) return IG_VOCAB_UNKNOWN;
    if (flag & TOK_BYTE) return IG_VOCAB_BYTE;
    if (flag & TOK_SPECIAL) return IG_VOCAB_CONTROL;
    return flag & (TOK_ADDED | TOK_USER) ? IG_VOCAB_USER_DEFINED : IG_VOCAB_NORMAL;
}

/* GGUF marks the beginning of a word by ▁ and leaves the marks of continuations out. */
static void append_word(const char *s, size_t n, ig_buf *out) {
    bool whole = n && s[0] == '[' && s[n - 1] == ']', continues = n > 2 && memcmp(s, "##", 2) == 0;
    if (!whole && !continues) ig_buf_puts(out, TOK_SPACE);
    ig_buf_append(out, continues ? s + 2 : s, continues ? n - 2 : n);
}

static void append_token(copying *c, size_t id) {
    size_t n;
    if (c->t->kind != IG_TOKENIZER_WORDPIECE || c->type[id] != IG_VOCAB_NORMAL) {
        ig_tok_json_text(c->t, id, &c->bytes);
        return;
    }
    const char *s = tok_bytes(&c->t->table, id, &n);
    append_word(s, n, &c->bytes);
}

static ig_status copy_tokens(copying *c, ig_error *err) {
    size_t n = c->t->table.count;
    c->text = own(c->out, n, sizeof *c->text);
    c->len = own(c->out, n, sizeof *c->len);
    c->type = own(c->out, n, sizeof *c->type);
    if (!c->text || !c->len || !c->type) return ig_error_nomem(err, n * 24);
    for (size_t i = 0; i < n; i++) {
        size_t before = c->bytes.len;
        c->type[i] = type_of(c->t, i);
        append_token(c, i);
        c->len[i] = c->bytes.len - before;
        ig_buf_putc(&c->bytes, '\0');
    }
    IG_TRY(ig_buf_status(&c->bytes, err));
    char *kept = own(c->out, c->bytes.len, 1);
    if (!kept) return ig_error_nomem(err, c->bytes.len);
    memcpy(kept, c->bytes.data, c->bytes.len);
    for (size_t i = 0; i < n; kept += c->len[i++] + 1) c->text[i] = kept;
    c->out->v.text = c->text, c->out->v.text_len = c->len, c->out->v.type = c->type, c->out->v.count = n;
    return IG_OK;
}

/* ---- merges and scores ---- */

static ig_status copy_merges(copying *c, ig_error *err) {
    const ig_tokenizer *t = c->t;
    const char **merge = own(c->out, t->merges, sizeof *merge);
    ig_buf_clear(&c->bytes);
    for (size_t i = 0; i < t->merges; i++) {
        ig_tok_json_text(t, (size_t)t->merge[i].left, &c->bytes);
        ig_buf_putc(&c->bytes, ' ');
        ig_tok_json_text(t, (size_t)t->merge[i].right, &c->bytes);
        ig_buf_putc(&c->bytes, '\0');
    }
    IG_TRY(ig_buf_status(&c->bytes, err));
    char *kept = own(c->out, c->bytes.len, 1);
    if (!merge || !kept) return ig_error_nomem(err, c->bytes.len);
    if (c->bytes.len) memcpy(kept, c->bytes.data, c->bytes.len);
    for (size_t i = 0; i < t->merges; i++, kept += strlen(kept) + 1) merge[i] = kept;
    c->out->v.merge = merge, c->out->v.merges = t->merges;
    return IG_OK;
}

/* A higher score is merged first: the rank of the first merge that makes a token, downwards. */
static ig_status copy_scores(copying *c, ig_error *err) {
    const ig_tokenizer *t = c->t;
    size_t n = t->table.count;
    float *score = own(c->out, n, sizeof *score);
    if (!score) return ig_error_nomem(err, n * sizeof *score);
    if (t->score) memcpy(score, t->score, n * sizeof *score);
    for (size_t i = 0; !t->score && i < n; i++) score[i] = c->type[i] == IG_VOCAB_NORMAL ? -(float)(t->merges + 1) : 0;
    for (size_t i = t->score ? 0 : t->merges; i-- > 0;) {
        const tok_pair_slot *made = ig_tok_pairs_get(&t->rank, t->merge[i].left, t->merge[i].right);
        if (made) score[made->extra] = -(float)(i + 1);
    }
    c->out->v.score = score;
    return IG_OK;
}

/* ---- ids and rules ---- */

/* What the template puts before and after one text. */
static void copy_template(const ig_tokenizer *t, ig_vocab *v) {
    const tok_template *m = &t->single;
    int32_t before = -1, after = -1;
    bool seen = false;
    for (size_t i = 0; i < m->count; i++) {
        int32_t id = m->item[i].id;
        if (id < 0) seen = true;
        else if (seen) after = id;
        else before = id;
    }
    v->add_bos = before >= 0, v->add_eos = after >= 0;
    if (t->kind == IG_TOKENIZER_WORDPIECE) {
        v->cls = before, v->sep = after;
        v->add_bos = v->add_eos = -1;
    } else v->bos = before, v->eos = after;
}

static const void *charsmap_of(const ig_tokenizer *t, size_t *len) {
    for (size_t i = 0; i < t->norm.count; i++)
        if (t->norm.step[i].kind == TOK_STEP_CHARSMAP) {
            *len = t->norm.step[i].map_len;
            return t->norm.step[i].map;
        }
    return NULL;
}

static ig_status copy_rules(copying *c, ig_error *err) {
    const ig_tokenizer *t = c->t;
    ig_vocab *v = &c->out->v;
    copy_template(t, v);
    v->unk = t->unk;
    v->pad = ig_tok_find_any(t, "[PAD]", 5);
    v->mask = ig_tok_find_any(t, "[MASK]", 6);
    if (t->kind == IG_TOKENIZER_SPM || t->kind == IG_TOKENIZER_UNIGRAM) v->add_space_prefix = t->decoder.strip_first;
    v->charsmap = charsmap_of(t, &v->charsmap_len);
    if (t->kind != IG_TOKENIZER_BPE) return IG_OK;
    v->pre = ig_tok_vocab_pattern_name(&t->split);
    if (v->pre) return IG_OK;
    return ig_error_set(err, IG_E_UNSUPPORTED, "the tokenizer cuts words by a pattern that GGUF has no name for");
}

static ig_status copy(copying *c, ig_error *err) {
    static const char *const model[] = {[IG_TOKENIZER_BPE] = "gpt2", [IG_TOKENIZER_CHAR] = NULL, [IG_TOKENIZER_WORDPIECE] = "bert",
                                        [IG_TOKENIZER_UNIGRAM] = "t5", [IG_TOKENIZER_SPM] = "llama"};
    c->out->v.model = model[c->t->kind];
    if (!c->out->v.model) return ig_error_set(err, IG_E_UNSUPPORTED, "GGUF has no form for a tokenizer of one token per character");
    IG_TRY(copy_tokens(c, err));
    IG_TRY(copy_rules(c, err));
    if (c->t->kind == IG_TOKENIZER_BPE) return copy_merges(c, err);
    return c->t->kind == IG_TOKENIZER_WORDPIECE ? IG_OK : copy_scores(c, err);
}

ig_status ig_tokenizer_to_vocab(const ig_tokenizer *t, ig_vocab_copy *out, ig_error *err) {
    copying c = {.t = t, .out = out, .bytes.max = IG_TOKENIZER_BYTES_MAX};
    *out = (ig_vocab_copy){0};
    ig_vocab_init(&out->v);
    ig_status s = copy(&c, err);
    ig_buf_fini(&c.bytes);
    if (s != IG_OK) ig_vocab_copy_fini(out);
    return s;
}

void ig_vocab_copy_fini(ig_vocab_copy *c) {
    for (size_t i = 0; i < c->owned; i++) ig_free(c->own[i]);
    *c = (ig_vocab_copy){0};
}
