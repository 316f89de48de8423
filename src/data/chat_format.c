/* data/chat_format.c: how a model wants a conversation written down: found beside the model, or one of two common forms.
 *
 *     chat_template.jinja                          newer transformers write it
 *     tokenizer_config.json   "chat_template"      a text, or a list of {"name", "template"} whose "default" counts
 *     ChatML                                       where the tokenizer has <|im_start|> and <|im_end|>
 *     plain                                        everywhere
 */
#include <string.h>

#include "ingot/examples.h"

#define CONFIG_BYTES_MAX ((size_t)16 << 20)

struct ig_chat_format {
    ig_template *template;
    char *name, *text, *bos, *eos;
    bool own;
};

static const char chatml[] =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + (m.content or '') + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

static const char plain[] =
    "{% for m in messages %}{% if m.role == 'assistant' %}{{ 'Assistant:\\n' + (m.content or '') + eos_token + '\\n' }}"
    "{% elif m.role == 'user' %}{{ 'User:\\n' + m.content + '\\n' }}{% elif m.role == 'tool' %}{{ 'Tool:\\n' + m.content + '\\n' }}"
    "{% else %}{{ 'System:\\n' + m.content + '\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:\\n' }}{% endif %}";

/* ---- making ---- */

ig_status ig_chat_format_new(const char *name, const char *text, size_t len, const char *bos, const char *eos, ig_chat_format **out,
                             ig_error *err) {
    *out = NULL;
    ig_chat_format *f = ig_calloc(1, sizeof *f);
    if (!f) return ig_error_nomem(err, sizeof *f);
    f->name = ig_strdup(name), f->text = ig_strndup(text, len), f->bos = ig_strdup(bos), f->eos = ig_strdup(eos);
    bool whole = f->name && f->text && f->bos && f->eos;
    ig_status status = whole ? ig_template_parse(name, text, len, &f->template, err) : ig_error_nomem(err, len);
    if (status == IG_OK) *out = f;
    else ig_chat_format_free(f);
    return status;
}

void ig_chat_format_free(ig_chat_format *f) {
    if (!f) return;
    ig_template_free(f->template);
    ig_free(f->name);
    ig_free(f->text);
    ig_free(f->bos);
    ig_free(f->eos);
    ig_free(f);
}

const char *ig_chat_format_name(const ig_chat_format *f) { return f->name; }
bool ig_chat_format_is_own(const ig_chat_format *f) { return f->own; }

ig_status ig_chat_format_config(const ig_chat_format *f, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out, .indent = 2};
    const char *const pairs[][2] = {{"bos_token", f->bos}, {"eos_token", f->eos}, {"chat_template", f->text}};
    ig_json_open(&j, '{');
    for (size_t i = 0; i < 3; i++) {
        if (!*pairs[i][1]) continue;
        ig_json_key(&j, pairs[i][0]);
        ig_json_text(&j, pairs[i][1]);
    }
    ig_json_close(&j, '}');
    ig_buf_putc(out, '\n');
    return ig_buf_status(out, err);
}

/* ---- finding ---- */

/* "<s>", or {"content": "<s>", …} */
static const char *token_text(const ig_tree *config, const char *key) {
    const ig_tree *t = ig_tree_get(config, key);
    if (t && t->type == IG_TREE_TEXT) return t->text;
    return t ? ig_tree_text(t, "content", "") : "";
}

static bool has_token(const ig_tokenizer *t, const char *token) {
    return t && ig_tokenizer_find(t, token, strlen(token)) >= 0;
}

/* What ends a text, where nobody says so. */
static const char *known_end(const ig_tokenizer *t) {
    static const char *const ends[] = {"<|im_end|>", "<|eot_id|>", "<|endoftext|>", "</s>", "<eos>"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (has_token(t, ends[i])) return ends[i];
    return "";
}

static const ig_tree *template_of(const ig_tree *config) {
    const ig_tree *t = ig_tree_get(config, "chat_template");
    if (!t || t->type == IG_TREE_TEXT) return t;
    for (const ig_tree *row = t->type == IG_TREE_LIST ? t->child : NULL; row; row = row->next)
        if (strcmp(ig_tree_text(row, "name", ""), "default") == 0) return ig_tree_get(row, "template");
    return NULL;
}

typedef struct found {
    ig_doc *config;   /* tokenizer_config.json; NULL */
    ig_buf file;      /* chat_template.jinja */
    bool has_file;
} found;

static ig_status look(const char *dir, found *f, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, dir, "tokenizer_config.json", err));
    if (ig_path_exists(path)) IG_TRY(ig_doc_load(path, CONFIG_BYTES_MAX, &f->config, err));
    IG_TRY(ig_path_join(path, sizeof path, dir, "chat_template.jinja", err));
    f->has_file = ig_path_exists(path);
    return f->has_file ? ig_file_read(path, IG_TEMPLATE_BYTES_MAX, &f->file, err) : IG_OK;
}

static ig_status choose(const found *f, const ig_tokenizer *t, ig_chat_format **out, ig_error *err) {
    const ig_tree *config = f->config ? ig_doc_root(f->config) : NULL, *own = template_of(config);
    const char *bos = token_text(config, "bos_token"), *eos = token_text(config, "eos_token");
    if (!*eos) eos = known_end(t);
    ig_status status;
    if (f->has_file) status = ig_chat_format_new("chat_template.jinja", f->file.data ? f->file.data : "", f->file.len, bos, eos, out, err);
    else if (own && own->type == IG_TREE_TEXT) status = ig_chat_format_new("tokenizer_config.json", own->text, own->text_len, bos, eos, out, err);
    else if (has_token(t, "<|im_start|>") && has_token(t, "<|im_end|>")) return ig_chat_format_new("ChatML", chatml, sizeof chatml - 1, bos, "<|im_end|>", out, err);
    else return ig_chat_format_new("plain", plain, sizeof plain - 1, bos, eos, out, err);
    if (status == IG_OK) (*out)->own = true;
    return status;
}

ig_status ig_chat_format_load(const char *dir, const ig_tokenizer *t, ig_chat_format **out, ig_error *err) {
    found f = {.file.max = IG_TEMPLATE_BYTES_MAX};
    *out = NULL;
    ig_status status = dir ? look(dir, &f, err) : IG_OK;
    if (status == IG_OK) status = choose(&f, t, out, err);
    ig_doc_free(f.config);
    ig_buf_fini(&f.file);
    return status;
}

/* ---- rendering ---- */

/* The variables as a document of their own: the first `count` messages and what the row has beside them. */
static ig_status format_variables(const ig_chat_format *f, const ig_tree *conversation, size_t count, bool prompt, ig_buf *out, ig_error *err) {
    const ig_tree *messages = ig_tree_get(conversation, "messages"), *tools = ig_tree_get(conversation, "tools");
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    ig_json_key(&j, "messages");
    ig_json_open(&j, '[');
    for (const ig_tree *m = messages ? messages->child : NULL; m && count > 0; m = m->next, count--) ig_json_tree(&j, m);
    ig_json_close(&j, ']');
    if (tools) {
        ig_json_key(&j, "tools");
        ig_json_tree(&j, tools);
    }
    ig_json_key(&j, "add_generation_prompt");
    ig_json_bool(&j, prompt);
    ig_json_key(&j, "bos_token");
    ig_json_text(&j, f->bos);
    ig_json_key(&j, "eos_token");
    ig_json_text(&j, f->eos);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

ig_status ig_chat_render(const ig_chat_format *f, const ig_tree *conversation, size_t count, bool prompt, ig_buf *out, ig_error *err) {
    ig_buf text = {.max = 2 * IG_EXAMPLE_BYTES_MAX};
    ig_doc *d = NULL;
    ig_status status = format_variables(f, conversation, count, prompt, &text, err);
    if (status == IG_OK) status = ig_json_parse("messages", text.data, text.len, &d, err);
    if (status == IG_OK) status = ig_template_render(f->template, ig_doc_root(d), NULL, out, err);
    ig_doc_free(d);
    ig_buf_fini(&text);
    return status;
}
