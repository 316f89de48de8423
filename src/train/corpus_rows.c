/* train/corpus_rows.c: from files of conversations or preferences to rows of ids.
 *
 * The checks of `ingot data check` run first; one bad row refuses the run, and the message lists where they are.  Held-out rows
 * stand behind those that are trained on: from files of their own, or a sample of the training files.
 */
#include <string.h>

#include "train/trainer.h"

#define LISTED_MAX 8

static const char *file_of(const ig_recipe *r, int number) {
    size_t i = (size_t)number;
    return i < r->data.train_count ? r->data.train[i] : r->data.validation[i - r->data.train_count];
}

/* ---- telling what is wrong ---- */

static ig_status refuse(const ig_recipe *r, const ig_problems *p, ig_error *err) {
    ig_buf list = {.max = 600};
    const ig_problem *first = NULL;
    size_t listed = 0, bad = p->count - p->harmless;
    for (size_t i = 0; i < p->len && listed < LISTED_MAX; i++) {
        const ig_problem *q = &p->item[i];
        if (ig_problem_is_harmless(q->kind)) continue;
        if (first) ig_buf_printf(&list, "; %s:%lld ", ig_path_base(file_of(r, q->file)), (long long)q->line);
        else first = q;
        ig_buf_printf(&list, "%s%s%.60s", ig_problem_words(q->kind), *q->detail ? ": " : "", q->detail);
        listed++;
    }
    if (bad > listed) ig_buf_printf(&list, "; and %zu more", bad - listed);
    ig_status status = ig_error_at(err, IG_E_FORMAT, first ? file_of(r, first->file) : r->file, first ? (int)first->line : 0, "this row %s", list.data ? list.data : "");
    ig_buf_fini(&list);
    return status;
}

static void note(train_corpus *c, const ig_problems *p) {
    size_t cut = 0, same = 0;
    for (size_t i = 0; i < p->len; i++) {
        cut += p->item[i].kind == IG_PROBLEM_CUT;
        same += p->item[i].kind == IG_PROBLEM_DUPLICATE;
    }
    const char *more = p->count > p->len ? " or more" : "", *form = ig_chat_format_name(c->format);
    size_t at = 0;
    if (!ig_chat_format_is_own(c->format))
        at = (size_t)snprintf(c->note, sizeof c->note, "the model has no chat template: conversations are written in the %s form", form);
    if (cut) at += (size_t)snprintf(c->note + at, sizeof c->note - at, "%s%zu%s rows are longer than the context and are cut", at ? "; " : "", cut, more);
    if (same) snprintf(c->note + at, sizeof c->note - at, "%s%zu%s rows are the same as an earlier one", at ? "; " : "", same, more);
}

/* ---- reading ---- */

static ig_status read_files(train_corpus *c, char *const *paths, size_t count, const ig_examples_opts *opts, ig_problems *p, ig_error *err) {
    for (size_t i = 0; i < count; i++) IG_TRY(ig_examples_read(paths[i], opts, &c->examples, p, err));
    return IG_OK;
}

/* All files under one digest, and where the training part ends. */
static ig_status digest(train_corpus *c, const ig_recipe *r, ig_error *err) {
    ig_buf all = {.max = (size_t)1 << 20};
    size_t files = r->data.train_count + r->data.validation_count;
    ig_status status = IG_OK;
    for (size_t i = 0; i < files && status == IG_OK; i++) {
        ig_map_file map;
        char one[65];
        status = ig_file_map(file_of(r, (int)i), &map, err);
        if (status != IG_OK) break;
        ig_sha256_hex(map.size ? (const void *)map.data : "", map.size, one);
        ig_file_unmap(&map);
        ig_buf_printf(&all, "%s\n", one);
    }
    ig_buf_printf(&all, "%s %zu\n", ig_example_kind_name(r->data.kind), c->train_rows);
    if (status == IG_OK) status = ig_chat_format_config(c->format, &all, err);
    if (status == IG_OK) ig_sha256_hex(all.data, all.len, c->sha256);
    ig_buf_fini(&all);
    return status;
}

static ig_status read_all(train_corpus *c, const ig_recipe *r, const ig_tokenizer *t, ig_problems *p, ig_error *err) {
    ig_examples_opts opts = {.kind = r->data.kind, .tokenizer = t, .format = c->format, .context = r->train.context, .cut = r->data.cut};
    IG_TRY(read_files(c, r->data.train, r->data.train_count, &opts, p, err));
    c->train_rows = c->examples.count;
    if (r->data.validation_count) IG_TRY(read_files(c, r->data.validation, r->data.validation_count, &opts, p, err));
    else if (c->examples.count) c->train_rows = ig_examples_split(&c->examples, r->data.validation_fraction);
    if (p->count > p->harmless) return refuse(r, p, err);
    note(c, p);
    return digest(c, r, err);
}

ig_status corpus_load_rows(train_corpus *c, const ig_recipe *r, const ig_tokenizer *given, ig_error *err) {
    ig_problems problems = {0};
    if (r->tokenizer.given) IG_TRY(ig_tokenizer_load(r->tokenizer.path, &c->tokenizer, err));
    const ig_tokenizer *t = c->tokenizer ? c->tokenizer : given;
    if (!t) return ig_error_set(err, IG_E_NOT_FOUND, "the model of model.from has no tokenizer; the recipe needs a `tokenizer` part");
    IG_TRY(ig_chat_format_load(r->model.from, t, &c->format, err));
    ig_status status = read_all(c, r, t, &problems, err);
    ig_problems_fini(&problems);
    return status;
}
