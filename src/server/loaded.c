/* server/loaded.c: a model that is in memory, with all that requests share: scheduler, chat template, tokens that end an answer.
 *
 * What the template and the end tokens are, the folder tells: chat_template.jinja or tokenizer_config.json (chat_template,
 * bos_token, eos_token), generation_config.json and config.json (eos_token_id).  A model without a template gets ChatML where
 * its vocabulary has ChatML's tokens, else lines "role: text".
 */
#include <string.h>

#include "infer/generator.h"
#include "models/model_folder.h"
#include "server/server.h"

#define CONFIG_BYTES_MAX ((size_t)16 << 20)

static const char chatml[] =
    "{%- if tools %}{{ '<|im_start|>system\\n' }}{%- if messages[0].role == 'system' %}{{ messages[0].content + '\\n\\n' }}{%- endif %}"
    "{{ 'You may call these functions, given as JSON, one a line:\\n' }}"
    "{%- for tool in tools %}{{ tool | tojson }}{{ '\\n' }}{%- endfor %}"
    "{{ 'Write a call as\\n<tool_call>\\n{\"name\": NAME, \"arguments\": OBJECT}\\n</tool_call><|im_end|>\\n' }}{%- endif %}"
    "{%- for m in messages %}{%- if not (tools and loop.first and m.role == 'system') %}{{ '<|im_start|>' + m.role + '\\n' }}"
    "{%- if m.content %}{{ m.content }}{%- endif %}"
    "{%- for call in m.tool_calls or [] %}{{ '\\n<tool_call>\\n{\"name\": ' }}{{ call.function.name | tojson }}{{ ', \"arguments\": ' }}"
    "{{ call.function.arguments | tojson }}{{ '}\\n</tool_call>' }}{%- endfor %}{{ '<|im_end|>\\n' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{%- endif %}";

static const char plain[] =
    "{%- if tools %}{{ 'system: You may call these functions, given as JSON, one a line:\\n' }}"
    "{%- for tool in tools %}{{ tool | tojson }}{{ '\\n' }}{%- endfor %}{%- endif %}"
    "{%- for m in messages %}{{ m.role + ': ' }}{%- if m.content %}{{ m.content }}{%- endif %}"
    "{%- for call in m.tool_calls or [] %}{{ '\\n<tool_call>\\n{\"name\": ' }}{{ call.function.name | tojson }}{{ ', \"arguments\": ' }}"
    "{{ call.function.arguments | tojson }}{{ '}\\n</tool_call>' }}{%- endfor %}{{ '\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{ 'assistant:' }}{%- endif %}";

/* ---- files of the folder ------------------------------------------------------------------------------------------------------ */

/* A JSON file that need not be there: *out is then NULL. */
static ig_status load_optional(const char *dir, const char *name, ig_doc **out, ig_error *err) {
    char path[IG_PATH_MAX];
    *out = NULL;
    IG_TRY(model_file(dir, name, path, err));
    return ig_path_exists(path) ? ig_doc_load(path, CONFIG_BYTES_MAX, out, err) : IG_OK;
}

/* The text of bos_token or eos_token: a text, or an object with `content`. */
static void token_text(const ig_doc *d, const char *key, char *out, size_t size) {
    const ig_tree *v = d ? ig_tree_get(ig_doc_root(d), key) : NULL;
    if (v && v->type == IG_TREE_MAP) v = ig_tree_get(v, "content");
    snprintf(out, size, "%s", v && v->type == IG_TREE_TEXT ? v->text : "");
}

/* ---- the template --------------------------------------------------------------------------------------------------------------- */

static bool has_token(const loaded *l, const char *text) {
    return l->m->tokenizer && ig_tokenizer_find(l->m->tokenizer, text, strlen(text)) >= 0;
}

static ig_status default_template(loaded *l, ig_error *err) {
    bool is_chatml = has_token(l, "<|im_start|>") && has_token(l, "<|im_end|>");
    const char *text = is_chatml ? chatml : plain;
    l->plain_chat = !is_chatml;
    if (is_chatml && !l->eos[0]) snprintf(l->eos, sizeof l->eos, "<|im_end|>");
    return ig_template_parse("the built-in chat template", text, strlen(text), &l->chat, err);
}

/* chat_template is a text, or a list of {name, template} of which "default" counts. */
static const ig_tree *template_text(const ig_tree *v) {
    for (const ig_tree *i = v && v->type == IG_TREE_LIST ? v->child : NULL; i; i = i->next)
        if (strcmp(ig_tree_text(i, "name", ""), "default") == 0) return ig_tree_get(i, "template");
    return v && v->type == IG_TREE_TEXT ? v : NULL;
}

static ig_status load_template(loaded *l, const char *dir, const ig_doc *config, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_buf text = {.max = IG_TEMPLATE_BYTES_MAX};
    IG_TRY(model_file(dir, "chat_template.jinja", path, err));
    if (ig_path_exists(path)) {
        ig_status s = ig_file_read(path, IG_TEMPLATE_BYTES_MAX, &text, err);
        if (s == IG_OK) s = ig_template_parse("chat_template.jinja", text.data ? text.data : "", text.len, &l->chat, err);
        ig_buf_fini(&text);
        return s;
    }
    const ig_tree *t = config ? template_text(ig_tree_get(ig_doc_root(config), "chat_template")) : NULL;
    return t ? ig_template_parse("tokenizer_config.json: chat_template", t->text, t->text_len, &l->chat, err) : default_template(l, err);
}

/* ---- tokens that end an answer -------------------------------------------------------------------------------------------------- */

static ig_status add_end(loaded *l, int64_t id, ig_error *err) {
    if (id < 0 || id >= l->m->family->vocab_size(l->m)) return IG_OK;
    for (size_t i = 0; i < l->end_ids.len; i++)
        if (l->end_ids.data[i] == id) return IG_OK;
    return ig_ids_push(&l->end_ids, (int32_t)id, err);
}

static ig_status add_ends(loaded *l, const ig_doc *d, ig_error *err) {
    const ig_tree *v = d ? ig_tree_get(ig_doc_root(d), "eos_token_id") : NULL;
    if (v && v->type == IG_TREE_INT) return add_end(l, v->integer, err);
    for (const ig_tree *i = v && v->type == IG_TREE_LIST ? v->child : NULL; i; i = i->next)
        if (i->type == IG_TREE_INT) IG_TRY(add_end(l, i->integer, err));
    return IG_OK;
}

static ig_status find_ends(loaded *l, const char *dir, ig_error *err) {
    ig_doc *generation = NULL;
    IG_TRY(load_optional(dir, "generation_config.json", &generation, err));
    ig_status s = add_ends(l, generation, err);
    ig_doc_free(generation);
    for (int64_t i = 0; i < l->m->family->vocab_size(l->m) && s == IG_OK; i++)
        if (generator_ends(l->m, &(ig_generate_opts){0}, (int32_t)i)) s = add_end(l, i, err);
    if (s == IG_OK && l->eos[0]) s = add_end(l, ig_tokenizer_find(l->m->tokenizer, l->eos, strlen(l->eos)), err);
    return s;
}

/* ---- what tells one model from another -------------------------------------------------------------------------------------------- */

static ig_status hash_file(const char *path, uint64_t *hash, ig_error *err) {
    ig_map_file map;
    IG_TRY(ig_file_map(path, &map, err));
    *hash = ig_hash64(map.data, map.size, *hash);
    ig_file_unmap(&map);
    return IG_OK;
}

static bool matters(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".safetensors") == 0 || strcmp(name, "config.json") == 0 || strcmp(name, "tokenizer.json") == 0);
}

/* Of weights, configuration, processor and program: what may change the bits of an answer. */
static ig_status make_fingerprint(loaded *l, ig_context *ctx, const char *version, const char *dir, ig_error *err) {
    char path[IG_PATH_MAX], **names = NULL, rest[96];
    size_t count = 0;
    uint64_t hash = 0;
    IG_TRY(ig_dir_list(dir, &names, &count, err));
    ig_status status = IG_OK;
    for (size_t i = 0; i < count && status == IG_OK; i++) {
        if (!matters(names[i])) continue;
        status = ig_path_join(path, sizeof path, dir, names[i], err);
        if (status == IG_OK) status = hash_file(path, &hash, err);
    }
    ig_names_free(names, count);
    snprintf(rest, sizeof rest, "%s %d %s", ig_cpu_name(ig_context_cpu(ctx)), ig_context_threads(ctx), version ? version : "");
    hash = ig_hash64(rest, strlen(rest), hash);
    snprintf(l->fingerprint, sizeof l->fingerprint, "fp_%016llx", (unsigned long long)hash);
    return status;
}

/* ---- all of it -------------------------------------------------------------------------------------------------------------------- */

static ig_status prepare_chat(loaded *l, const char *path, ig_error *err) {
    ig_doc *config = NULL;
    IG_TRY(load_optional(path, "tokenizer_config.json", &config, err));
    token_text(config, "bos_token", l->bos, sizeof l->bos);
    token_text(config, "eos_token", l->eos, sizeof l->eos);
    ig_status s = load_template(l, path, config, err);
    ig_doc_free(config);
    IG_TRY(s);
    IG_TRY(find_ends(l, path, err));
    return ig_vocab_trie_new(l->m->tokenizer, (size_t)l->m->family->vocab_size(l->m), l->end_ids.data, l->end_ids.len, &l->trie, err);
}

static ig_status open_all(loaded *l, ig_context *ctx, const loaded_opts *opts, const char *path, ig_error *err) {
    ig_scheduler_opts o = {.context_max = opts->context_max, .running_max = opts->running_max};
    IG_TRY(ig_model_load(ctx, path, &l->m, err));
    IG_TRY(make_fingerprint(l, ctx, opts->version, path, err));
    if (!ig_model_can(l->m, IG_CAN_GENERATE)) return IG_OK;
    if (l->m->tokenizer) IG_TRY(prepare_chat(l, path, err));
    IG_TRY(ig_model_pack(l->m, IG_BLOCK_COUNT, err)); /* else a request would depend on its company */
    return ig_scheduler_open(l->m, &o, &l->scheduler, err);
}

ig_status loaded_open(ig_context *ctx, const char *path, const loaded_opts *opts, loaded **out, ig_error *err) {
    *out = NULL;
    loaded *l = ig_calloc(1, sizeof *l);
    if (!l) return ig_error_nomem(err, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    ig_status status = open_all(l, ctx, opts, path, err);
    if (status == IG_OK) *out = l;
    else loaded_close(l);
    return status;
}

void loaded_close(loaded *l) {
    if (!l) return;
    ig_scheduler_close(l->scheduler);
    ig_embedder_close(l->embedder);
    ig_classifier_close(l->classifier);
    ig_vocab_trie_free(l->trie);
    ig_template_free(l->chat);
    ig_ids_fini(&l->end_ids);
    ig_model_free(l->m);
    pthread_mutex_destroy(&l->lock);
    ig_free(l);
}
