/* retrieval/rank_index.c: building, saving and opening the index of a ranker; see rank_index.h. */
#include <stdlib.h>
#include <string.h>

#include "retrieval/rank_index.h"

enum { FORM_PASSAGE = RANK_CHANNELS, FORM_KEY, ID_END, IDS, SECTIONS };
#define BEGIN_BYTES 180u /* the beginning of a passage: a sentence or two */
#define ID_MAX 255u

void ig_rank_index_fini(rank_index *x) {
    for (int i = 0; i < SECTIONS; i++) ig_free(x->block[i]);
    ig_free(x->word_begin);
    ig_free(x->word);
    ig_free(x->word_tf);
    ig_free(x->form_norm);
    *x = (rank_index){0};
}

/* The words of each passage: the WORD channel the other way round. */
static ig_status list_words(rank_index *x, ig_error *err) {
    const rank_channel *c = &x->channel[RANK_WORD];
    x->word_begin = ig_calloc(x->passages + 2, sizeof *x->word_begin);
    x->word = ig_calloc(c->postings + 1, sizeof *x->word);
    x->word_tf = ig_calloc(c->postings + 1, sizeof *x->word_tf);
    x->form_norm = ig_calloc(x->forms + 1, sizeof *x->form_norm);
    if (!x->word_begin || !x->word || !x->word_tf || !x->form_norm) return ig_error_nomem(err, c->postings * 5);
    uint64_t *at = x->word_begin;
    for (size_t i = 0; i < c->postings; i++) at[c->doc[i] + 2]++;
    for (size_t d = 2; d < x->passages + 2; d++) at[d] += at[d - 1];
    for (size_t t = 0; t < c->terms; t++) {
        for (uint64_t i = c->offset[t]; i < c->offset[t + 1]; i++) {
            uint64_t to = at[c->doc[i] + 1]++;
            x->word[to] = (uint32_t)t;
            x->word_tf[to] = c->tf[i];
        }
    }
    ig_rank_channel_norms(&x->channel[RANK_FORM], x->form_norm);
    return IG_OK;
}

static const char *check_sections(const rank_index *x) {
    for (int i = 0; i < RANK_FORM; i++) {
        if (x->channel[i].docs != x->passages) return "its lists are of different passages";
    }
    if (x->size[FORM_PASSAGE] != x->forms * 4 || x->size[FORM_KEY] != x->forms * 8) return "its forms are incomplete";
    if (x->size[ID_END] != x->passages * 8) return "its names are incomplete";
    for (size_t i = 0; i < x->forms; i++) {
        if (x->form_passage[i] >= x->passages) return "a form is of no passage";
    }
    uint64_t at = 0;
    for (size_t i = 0; i < x->passages; i++) {
        if (x->id_end[i] <= at || x->id_end[i] > x->size[IDS] || x->ids[x->id_end[i] - 1] != '\0') return "a name is damaged";
        at = x->id_end[i];
    }
    return NULL;
}

static ig_status attach(rank_index *x, const rank_section *s, const char *file, ig_error *err) {
    for (int i = 0; i < RANK_CHANNELS; i++) IG_TRY(ig_rank_channel_open(&x->channel[i], s[i].data, s[i].size, file, err));
    for (int i = 0; i < SECTIONS; i++) x->size[i] = s[i].size;
    x->passages = x->channel[RANK_GRAM].docs;
    x->forms = x->channel[RANK_FORM].docs;
    x->form_passage = s[FORM_PASSAGE].data;
    x->form_key = s[FORM_KEY].data;
    x->id_end = s[ID_END].data;
    x->ids = s[IDS].data;
    const char *why = check_sections(x);
    if (why) return ig_error_at(err, IG_E_FORMAT, file, 0, "the index is damaged (%s): build it again", why);
    return list_words(x, err);
}

ig_status ig_rank_index_open(const rank_file *f, rank_index *out, ig_error *err) {
    *out = (rank_index){0};
    ig_status s = attach(out, f->section, f->path, err);
    if (s != IG_OK) ig_rank_index_fini(out);
    return s;
}

ig_status ig_rank_index_save(const rank_index *x, const char *path, ig_error *err) {
    rank_section s[SECTIONS];
    for (int i = 0; i < SECTIONS; i++) s[i] = (rank_section){x->block[i], x->size[i]};
    return ig_rank_file_save(path, s, SECTIONS, err);
}

typedef struct making {
    rank_terms terms;
    rank_builder builder[RANK_CHANNELS], words; /* words: the different words of the questions */
    ig_buf text;
} making;

static ig_status add_passage(making *k, const ig_rank_passage *p, ig_error *err) {
    if (!p->id || !*p->id || strlen(p->id) > ID_MAX) return ig_error_set(err, IG_E_ARG,
                                                                         "a passage needs an id of 1 to 255 bytes");
    ig_buf_clear(&k->text);
    if (p->title && *p->title) {
        ig_buf_puts(&k->text, p->title);
        ig_buf_putc(&k->text, '\n');
    }
    const char *text = p->text ? p->text : "";
    ig_buf_append(&k->text, text, ig_rank_cut(text, strlen(text), RANK_TEXT_MAX));
    IG_TRY(ig_buf_status(&k->text, err));
    size_t begin = ig_rank_cut(k->text.data ? k->text.data : "", k->text.len, BEGIN_BYTES);
    const char *all = k->text.data ? k->text.data : "";
    IG_TRY(ig_rank_terms_read(&k->terms, all, k->text.len, err));
    for (int i = 0; i < RANK_BAGS; i++) IG_TRY(ig_rank_builder_add(&k->builder[RANK_GRAM + i], &k->terms.bag[i], err));
    IG_TRY(ig_rank_terms_read(&k->terms, all, begin, err));
    return ig_rank_builder_add(&k->builder[RANK_BEGIN], &k->terms.mixed, err);
}

/* The words of question i as numbers, through the builder's table. */
static ig_status note_words(making *k, rank_pairs *p, size_t i, ig_error *err) {
    size_t from = k->words.postings;
    IG_TRY(ig_rank_builder_add(&k->words, &k->terms.bag[RANK_BAG_WORD], err));
    p->begin[i] = from;
    p->begin[i + 1] = k->words.postings;
    p->key[i] = k->terms.text.len ? ig_hash64(k->terms.text.data, k->terms.text.len, 7) : 0;
    return IG_OK;
}

static bool is_form(const rank_pairs *p, size_t i) {
    return p->passage[i] != RANK_NONE && p->weight[i] >= 0.5f;
}

static ig_status add_pairs(making *k, rank_pairs *p, rank_index *x, ig_error *err) {
    uint32_t *passage = ig_calloc(p->n + 1, sizeof *passage);
    uint64_t *key = ig_calloc(p->n + 1, sizeof *key);
    x->block[FORM_PASSAGE] = passage;
    x->block[FORM_KEY] = key;
    if (!passage || !key) return ig_error_nomem(err, p->n * sizeof *key);
    for (size_t i = 0; i < p->n; i++) {
        IG_TRY(ig_rank_terms_read(&k->terms, p->text[i], strlen(p->text[i]), err));
        IG_TRY(note_words(k, p, i, err));
        if (!is_form(p, i)) continue;
        passage[x->forms] = p->passage[i];
        key[x->forms++] = p->key[i];
        IG_TRY(ig_rank_builder_add(&k->builder[RANK_FORM], &k->terms.mixed, err));
    }
    p->word = k->words.term;
    p->word_hash = k->words.hash;
    p->words = k->words.terms;
    k->words.term = NULL;
    k->words.hash = NULL;
    x->size[FORM_PASSAGE] = x->forms * sizeof *passage;
    x->size[FORM_KEY] = x->forms * sizeof *key;
    return IG_OK;
}

static ig_status put_names(rank_index *x, const ig_rank_passage *passages, size_t n, ig_error *err) {
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += strlen(passages[i].id) + 1;
    uint64_t *end = ig_calloc(n + 1, sizeof *end);
    char *ids = ig_calloc(bytes + 1, 1);
    x->block[ID_END] = end;
    x->block[IDS] = ids;
    if (!end || !ids) return ig_error_nomem(err, bytes);
    for (size_t i = 0, at = 0; i < n; i++) {
        size_t len = strlen(passages[i].id) + 1;
        memcpy(ids + at, passages[i].id, len);
        end[i] = at += len;
    }
    x->size[ID_END] = n * sizeof *end;
    x->size[IDS] = bytes;
    return IG_OK;
}

static ig_status build(making *k, const ig_rank_passage *passages, size_t n, rank_pairs *pairs, const ig_ranker_opts *opts,
                       rank_index *x,
                       ig_error *err) {
    IG_TRY(ig_rank_terms_init(&k->terms, err));
    for (size_t i = 0; i < n; i++) {
        if (i % 256 == 0 && opts->progress && !opts->progress(opts->progress_arg, "index", i, n)) {
            return ig_error_set(err, IG_E_CANCELLED, "stopped while building the index");
        }
        IG_TRY(add_passage(k, &passages[i], err));
    }
    IG_TRY(add_pairs(k, pairs, x, err));
    for (int i = 0; i < RANK_CHANNELS; i++) IG_TRY(ig_rank_builder_finish(&k->builder[i], &x->block[i], &x->size[i], err));
    IG_TRY(put_names(x, passages, n, err));
    rank_section s[SECTIONS];
    for (int i = 0; i < SECTIONS; i++) s[i] = (rank_section){x->block[i], x->size[i]};
    return attach(x, s, "index", err);
}

ig_status ig_rank_index_build(const ig_rank_passage *passages, size_t n, rank_pairs *pairs, const ig_ranker_opts *opts,
                              rank_index *out,
                              ig_error *err) {
    making k = {.text = {.max = 4 * RANK_TEXT_MAX}};
    *out = (rank_index){0};
    ig_status s = build(&k, passages, n, pairs, opts, out, err);
    ig_rank_terms_fini(&k.terms);
    for (int i = 0; i < RANK_CHANNELS; i++) ig_rank_builder_fini(&k.builder[i]);
    ig_rank_builder_fini(&k.words);
    ig_buf_fini(&k.text);
    if (s != IG_OK) ig_rank_index_fini(out);
    return s;
}
