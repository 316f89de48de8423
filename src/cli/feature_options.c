/* cli/feature_options.c: what a kind says of itself as options of the command line: "faq" of type files is --faq FILE, which may be
 * repeated; '_' in a name is written '-'.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/feature.h"
#include "cli/workspace_store.h"
#include "ingot/limits.h"
#include "server/kind_fields.h"

/* ---- options ---------------------------------------------------------------------------------------------------------- */

static const char *value_word(const ig_field *f) {
    static const char *const words[] = {
        [IG_FIELD_TEXT] = "TEXT", [IG_FIELD_PROSE] = "TEXT", [IG_FIELD_INT] = "N", [IG_FIELD_REAL] = "X", [IG_FIELD_BOOL] = "true|false",
        [IG_FIELD_CHOICE] = "WORD", [IG_FIELD_FILES] = "FILE", [IG_FIELD_URL] = "URL", [IG_FIELD_MODEL] = "MODEL",
        [IG_FIELD_ITEM] = "ITEM", [IG_FIELD_LIST] = "JSON", [IG_FIELD_MAP] = "JSON",
    };
    return f->type == IG_FIELD_CHOICE && f->choices ? f->choices : words[f->type];
}

static void option_name(const char *field, char *out, size_t size) {
    snprintf(out, size, "%s", field);
    for (char *p = out; *p; p++)
        if (*p == '_') *p = '-';
}

static cli_option option_of(const ig_field *f, const char *name) {
    cli_kind kind = f->type == IG_FIELD_INT ? CLI_INT : f->type == IG_FIELD_REAL ? CLI_REAL : CLI_TEXT;
    bool number = kind != CLI_TEXT;
    return (cli_option){.name = name, .kind = kind, .value = value_word(f), .en = f->help.en ? f->help.en : f->label.en,
                        .zh = f->help.zh ? f->help.zh : f->label.zh, .min = number ? f->min : 0, .max = number ? f->max : 0};
}

ig_status cli_add_fields(cli *c, const ig_field *const *tables, size_t count) {
    size_t n = 0, at = 0;
    for (size_t t = 0; t < count; t++)
        for (const ig_field *f = tables[t]; f && f->name; f++) n++;
    cli_option *list = ig_calloc(n + 1, sizeof *list);
    char *names = ig_calloc(n + 1, IG_STORE_NAME_MAX);
    ig_free(c->more);
    ig_free(c->more_texts);
    c->more = list;
    c->more_texts = names;
    if (!list || !names) return ig_error_nomem(&c->err, (n + 1) * sizeof *list);
    for (size_t t = 0; t < count; t++)
        for (const ig_field *f = tables[t]; f && f->name; f++, at++) {
            char *name = names + at * IG_STORE_NAME_MAX;
            option_name(f->name, name, IG_STORE_NAME_MAX);
            list[at] = option_of(f, name);
        }
    return IG_OK;
}

const ig_kind *cli_kind_of(cli *c, const char *feature) {
    ig_store *s = NULL;
    ig_store_feature f = {0};
    const ig_kind *k = NULL;
    ig_status status = cli_store(c, &s);
    if (status == IG_OK) status = ig_store_feature_get(s, feature, &f, &c->err);
    if (status == IG_OK) {
        k = ig_kind_find(cli_kinds, f.kind);
        if (!k) ig_error_set(&c->err, IG_E_UNSUPPORTED, cli_say(c, "this program has no code for %s, the kind of %s", "本程序没有 %s（%s 的类型）的代码"), f.kind, feature);
    }
    ig_store_feature_fini(&f);
    ig_store_close(s);
    return k;
}

/* ---- values -------------------------------------------------------------------------------------------------------------- */

ig_status cli_take_fields(cli *c, const ig_field *fields, const ig_field *first, const char *text, ig_doc **out) {
    ig_buf b = {.max = 16 << 20};
    ig_json j = {.out = &b};
    ig_status s = IG_OK;
    char name[IG_STORE_NAME_MAX];
    ig_json_open(&j, '{');
    for (const ig_field *f = fields; f && f->name && s == IG_OK; f++) {
        option_name(f->name, name, sizeof name);
        const char *given = f == first ? text : cli_text(c, name, NULL);
        if (given && (f == first || !kind_is_source(f))) s = kind_put_text(&j, f, given, &c->err);
    }
    ig_json_close(&j, '}');
    if (s == IG_OK) s = ig_buf_status(&b, &c->err);
    if (s == IG_OK) s = ig_json_parse("options", b.data, b.len, out, &c->err);
    ig_buf_fini(&b);
    return s;
}

/* ---- sources -------------------------------------------------------------------------------------------------------------- */

static ig_status add_source(cli *c, const ig_field *f, const char *given, cli_sources *out) {
    ig_source *s = &out->list[out->count];
    char *path = out->paths + out->count * IG_PATH_MAX;
    *s = (ig_source){.field = f->name, .name = given, .options = ig_doc_root(out->options)};
    out->count++;
    if (f->type == IG_FIELD_URL) s->url = given;
    else if (f->type == IG_FIELD_LIST) s->text = given, s->len = strlen(given);
    else if (!realpath(given, path)) return ig_error_errno(&c->err, "%s", given);
    else s->path = path;
    return IG_OK;
}

static ig_status add_argument(cli *c, const ig_kind *k, const char *given, cli_sources *out) {
    const ig_field *f = kind_source_for(k, given, ig_path_is_dir(given));
    if (f) return add_source(c, f, given, out);
    return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "%s takes no content as \"%s\"", "%s 不接受“%s”这样的内容"), k->name, given);
}

ig_status cli_take_sources(cli *c, const ig_kind *k, int from, cli_sources *out) {
    char name[IG_STORE_NAME_MAX];
    const char *given;
    size_t most = (size_t)c->givens + (size_t)c->args;
    *out = (cli_sources){.list = ig_calloc(most + 1, sizeof *out->list), .paths = ig_calloc(most + 1, IG_PATH_MAX)};
    if (!out->list || !out->paths) return ig_error_nomem(&c->err, (most + 1) * IG_PATH_MAX);
    IG_TRY(cli_take_fields(c, k->source_fields, NULL, NULL, &out->options));
    for (const ig_field *f = k->source_fields; f && f->name; f++) {
        if (!kind_is_source(f)) continue;
        option_name(f->name, name, sizeof name);
        for (int i = 0; (given = cli_nth(c, name, i)); i++) IG_TRY(add_source(c, f, given, out));
    }
    for (int i = from; i < c->args; i++) IG_TRY(add_argument(c, k, c->arg[i], out));
    return IG_OK;
}

void cli_sources_fini(cli_sources *s) {
    ig_free(s->list);
    ig_free(s->paths);
    ig_doc_free(s->options);
}
