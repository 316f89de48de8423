/* train/corpus_rows.c: from files of conversations or preferences to rows of ids.
 *
 * The checks of `ingot data check` run first; one bad row refuses the run, and the message lists where they are.  Held-out rows
 * stand behind those that are trained on: from files of their own, or a sample of the training files.
 */
#include <string.h>

#include "train/corpus.h"
#include "train/task.h"

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

/* All files, where the training part ends, and the form of the conversations under one digest. */
static ig_status digest(train_corpus *c, const ig_recipe *r, ig_error *err) {
    ig_buf more = {.max = (size_t)1 << 20};
    ig_buf_printf(&more, "%s %zu\n", r->data.task->name, c->train_rows);
    ig_status status = ig_chat_format_config(c->format, &more, err);
    if (status == IG_OK) status = task_digest(r, more.data, c->sha256, err);
    ig_buf_fini(&more);
    return status;
}

static ig_status read_all(train_corpus *c, const ig_recipe *r, const ig_tokenizer *t, ig_problems *p, ig_error *err) {
    ig_example_kind kind = IG_EXAMPLES_CHAT;
    ig_example_kind_parse(r->data.task->name, &kind);
    ig_examples_opts opts = {.kind = kind, .tokenizer = t, .format = c->format, .context = r->train.context, .cut = r->data.cut};
    IG_TRY(read_files(c, r->data.train, r->data.train_count, &opts, p, err));
    c->train_rows = c->examples.count;
    if (r->data.validation_count) IG_TRY(read_files(c, r->data.validation, r->data.validation_count, &opts, p, err));
    else if (c->examples.count) c->train_rows = ig_examples_split(&c->examples, r->data.validation_fraction);
    if (p->count > p->harmless) return task_refuse(r, p, err);
    note(c, p);
    return digest(c, r, err);
}

ig_status corpus_load_rows(trainer *t, ig_error *err) {
    const ig_recipe *r = t->r;
    train_corpus *c = &t->corpus;
    ig_problems problems = {0};
    if (r->tokenizer.given) IG_TRY(ig_tokenizer_load(r->tokenizer.path, &c->tokenizer, err));
    const ig_tokenizer *tokenizer = c->tokenizer ? c->tokenizer : t->model ? t->model->tokenizer : NULL;
    if (!tokenizer) return ig_error_set(err, IG_E_NOT_FOUND, "the model of model.from has no tokenizer; the recipe needs a `tokenizer` part");
    IG_TRY(ig_chat_format_load(r->model.from, tokenizer, &c->format, err));
    ig_status status = read_all(c, r, tokenizer, &problems, err);
    ig_problems_fini(&problems);
    return status;
}

/* ---- beside the model ---- */

/* The model's own files go along as they are; a form that was chosen for it is written down. */
static ig_status copy_file(const char *from, const char *to, const char *name, ig_error *err) {
    char a[IG_PATH_MAX], b[IG_PATH_MAX];
    ig_buf text = {.max = (size_t)16 << 20};
    IG_TRY(ig_path_join(a, sizeof a, from, name, err));
    IG_TRY(ig_path_join(b, sizeof b, to, name, err));
    if (!ig_path_exists(a) || ig_path_exists(b)) return IG_OK;
    ig_status status = ig_file_read(a, text.max, &text, err);
    if (status == IG_OK) status = ig_file_write(b, text.data ? text.data : "", text.len, err);
    ig_buf_fini(&text);
    return status;
}

static ig_status write_format(const ig_chat_format *f, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf text = {.max = 4 * IG_TEMPLATE_BYTES_MAX};
    IG_TRY(ig_path_join(path, sizeof path, dir, "tokenizer_config.json", err));
    if (ig_path_exists(path)) return IG_OK;
    ig_status status = ig_chat_format_config(f, &text, err);
    if (status == IG_OK) status = ig_file_write(path, text.data, text.len, err);
    ig_buf_fini(&text);
    return status;
}

ig_status corpus_save_format(const trainer *t, const char *dir, ig_error *err) {
    static const char *const files[] = {"tokenizer_config.json", "chat_template.jinja", "generation_config.json"};
    const ig_chat_format *f = t->corpus.format;
    bool own = !f || ig_chat_format_is_own(f);
    for (size_t i = 0; i < 3 && t->r->model.from && own; i++) IG_TRY(copy_file(t->r->model.from, dir, files[i], err));
    return own ? IG_OK : write_format(f, dir, err);
}
