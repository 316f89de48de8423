/* features/fields_describe.c: what a kind says of itself, as JSON (docs/LOOP.md, "What a kind says of itself"). */
#include <string.h>

#include "ingot/features.h"

static const char *const type_names[] = {"text",  "prose", "int",   "real", "bool", "choice",
                                         "files", "url",   "model", "item", "list", "map"};

static void put_words(ig_json *j, const char *key, ig_words w) {
    ig_json_key(j, key);
    ig_json_open(j, '{');
    ig_json_key(j, "en");
    ig_json_text(j, w.en ? w.en : "");
    ig_json_key(j, "zh");
    ig_json_text(j, w.zh ? w.zh : "");
    ig_json_close(j, '}');
}

static void put_choices(ig_json *j, const char *choices) {
    ig_json_key(j, "choices");
    ig_json_open(j, '[');
    for (const char *p = choices; p;) {
        size_t n = strcspn(p, "|");
        ig_json_text_n(j, p, n);
        p = p[n] ? p + n + 1 : NULL;
    }
    ig_json_close(j, ']');
}

static ig_status put_default(ig_json *j, const ig_field *f, ig_error *err) {
    ig_doc *d = NULL;
    if (!f->otherwise) return IG_OK;
    IG_TRY(ig_json_parse(f->name, f->otherwise, strlen(f->otherwise), &d, err));
    ig_json_key(j, "default");
    ig_json_tree(j, ig_doc_root(d));
    ig_doc_free(d);
    return IG_OK;
}

static ig_status put_fields(ig_json *j, const char *key, const ig_field *fields, ig_error *err);

static ig_status put_field(ig_json *j, const ig_field *f, ig_error *err) {
    ig_json_open(j, '{');
    ig_json_key(j, "name");
    ig_json_text(j, f->name);
    ig_json_key(j, "type");
    ig_json_text(j, type_names[f->type]);
    put_words(j, "label", f->label);
    put_words(j, "help", f->help);
    ig_json_key(j, "required");
    ig_json_bool(j, f->required);
    if (f->max > f->min) {
        ig_json_key(j, "min");
        ig_json_real(j, f->min);
        ig_json_key(j, "max");
        ig_json_real(j, f->max);
    }
    if (f->choices) put_choices(j, f->choices);
    IG_TRY(put_default(j, f, err));
    if (f->of) IG_TRY(put_fields(j, "of", f->of, err));
    ig_json_close(j, '}');
    return IG_OK;
}

static ig_status put_fields(ig_json *j, const char *key, const ig_field *fields, ig_error *err) {
    ig_json_key(j, key);
    ig_json_open(j, '[');
    for (; fields && fields->name; fields++) IG_TRY(put_field(j, fields, err));
    ig_json_close(j, ']');
    return IG_OK;
}

static void put_metrics(ig_json *j, const ig_metric *m) {
    ig_json_key(j, "metrics");
    ig_json_open(j, '[');
    for (; m && m->name; m++) {
        ig_json_open(j, '{');
        ig_json_key(j, "name");
        ig_json_text(j, m->name);
        put_words(j, "label", m->label);
        put_words(j, "help", m->help);
        ig_json_key(j, "lower_is_better");
        ig_json_bool(j, m->lower_is_better);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

ig_status ig_kind_describe(const ig_kind *k, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    ig_json_key(&j, "name");
    ig_json_text(&j, k->name);
    put_words(&j, "title", k->title);
    put_words(&j, "about", k->about);
    IG_TRY(put_fields(&j, "source_fields", k->source_fields, err));
    IG_TRY(put_fields(&j, "setting_fields", k->setting_fields, err));
    IG_TRY(put_fields(&j, "request_fields", k->request_fields, err));
    IG_TRY(put_fields(&j, "answer_fields", k->answer_fields, err));
    IG_TRY(put_fields(&j, "correction_fields", k->correction_fields, err));
    put_metrics(&j, k->metrics);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}
