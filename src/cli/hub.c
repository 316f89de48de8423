/* cli/hub.c: see hub.h: names, lists and choosing; hub_fetch.c has the bytes. */
#include "cli/hub.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "ingot/net.h"

#define LIST_BYTES_MAX (16u << 20)

static bool is_word(const char *s, size_t n) {
    if (n == 0 || s[0] == '.') return false;
    for (size_t i = 0; i < n; i++) {
        bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= '0' && s[i] <= '9');
        if (!letter && !memchr("-_.", s[i], 3)) return false;
    }
    return true;
}

/* "owner/name", both words that stand in a URL as they are. */
static ig_status parse(hub *h, const char *name, const char *revision, ig_error *err) {
    const char *at = strncmp(name, "hf:", 3) == 0 ? name + 3 : "", *slash = strchr(at, '/');
    if (!slash || !is_word(at, (size_t)(slash - at)) || !is_word(slash + 1, strlen(slash + 1)) || strlen(at) >= sizeof h->repository)
        return ig_error_set(err, IG_E_ARG, "\"%.200s\" is no model of the hub: write hf:OWNER/NAME", name);
    if (revision && (!is_word(revision, strlen(revision)) || strlen(revision) >= sizeof h->revision))
        return ig_error_set(err, IG_E_ARG, "\"%.100s\" is no revision", revision);
    snprintf(h->repository, sizeof h->repository, "%s", at);
    snprintf(h->revision, sizeof h->revision, "%s", revision ? revision : "main");
    return IG_OK;
}

static ig_status read_environment(hub *h, ig_error *err) {
    const char *endpoint = getenv("HF_ENDPOINT"), *token = getenv("HF_TOKEN");
    if (!endpoint || !*endpoint) endpoint = "https://huggingface.co";
    size_t n = strlen(endpoint);
    while (n && endpoint[n - 1] == '/') n--;
    if (n >= sizeof h->endpoint) return ig_error_set(err, IG_E_ARG, "HF_ENDPOINT is too long");
    snprintf(h->endpoint, sizeof h->endpoint, "%.*s", (int)n, endpoint);
    if (!token || !*token) return IG_OK;
    if (strlen(token) > 400) return ig_error_set(err, IG_E_ARG, "HF_TOKEN is too long to be a token");
    snprintf(h->authorization, sizeof h->authorization, "Authorization: Bearer %s", token);
    return IG_OK;
}

/* ---- the list ---- */

static ig_status collect(void *arg, uint64_t at, const void *bytes, size_t len, ig_error *err) {
    (void)at;
    ig_buf_append(arg, bytes, len);
    return ig_buf_status(arg, err);
}

static ig_status check_answer(const hub *h, const ig_http_answer *a, ig_error *err) {
    if (a->status >= 200 && a->status < 300) return IG_OK;
    if (a->status == 401 || a->status == 403)
        return ig_error_set(err, IG_E_NOT_FOUND, "%s is private, needs its terms to be accepted, or does not exist (%d); %s", h->repository, a->status,
                            h->authorization[0] ? "HF_TOKEN gives no access to it" : "if it is yours, set HF_TOKEN");
    if (a->status == 404) return ig_error_set(err, IG_E_NOT_FOUND, "there is no model %s, revision %s, at %s", h->repository, h->revision, h->endpoint);
    return ig_error_set(err, IG_E_IO, "%s answered %d", h->endpoint, a->status);
}

static bool is_hex64(const char *s) { return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64; }

/* Files in folders are not part of a model here; names that could lead out of the folder are no names. */
static void add_file(hub *h, const ig_tree *t) {
    const char *name = ig_tree_text(t, "rfilename", ""), *sha = ig_tree_text(ig_tree_get(t, "lfs"), "sha256", "");
    int64_t size = ig_tree_int(t, "size", ig_tree_int(ig_tree_get(t, "lfs"), "size", 0));
    hub_file *f = &h->file[h->count];
    if (!is_word(name, strlen(name)) || strlen(name) >= sizeof f->name || size < 0) return;
    *f = (hub_file){.size = (uint64_t)size};
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->sha256, sizeof f->sha256, "%s", is_hex64(sha) ? sha : "");
    h->count++;
}

static ig_status read_list(hub *h, const ig_buf *text, ig_error *err) {
    ig_doc *d = NULL;
    IG_TRY(ig_json_parse("the hub's list of files", text->data ? text->data : "", text->len, &d, err));
    const ig_tree *list = ig_tree_get(ig_doc_root(d), "siblings");
    ig_status s = list && list->type == IG_TREE_LIST && list->count <= HUB_FILES_MAX ? IG_OK
                : ig_error_set(err, IG_E_FORMAT, "the hub's answer has no list of files that makes sense");
    if (s == IG_OK && !(h->file = ig_calloc(list->count + 1, sizeof *h->file))) s = ig_error_nomem(err, list->count * sizeof *h->file);
    for (const ig_tree *t = s == IG_OK ? list->child : NULL; t; t = t->next) add_file(h, t);
    ig_doc_free(d);
    return s;
}

static ig_status list_files(hub *h, bool revision, ig_error *err) {
    char url[1024];
    const char *header = h->authorization;
    ig_buf text = {.max = LIST_BYTES_MAX};
    ig_http_answer a = {0};
    snprintf(url, sizeof url, "%s/api/models/%s%s%s?blobs=true", h->endpoint, h->repository, revision ? "/revision/" : "", revision ? h->revision : "");
    ig_http_call call = {.url = url, .headers = &header, .header_count = *header ? 1 : 0, .bytes_max = LIST_BYTES_MAX, .total_timeout_ms = 60000,
                         .on_bytes = collect, .arg = &text};
    ig_status s = ig_http_get(&call, &a, err);
    if (s == IG_OK) s = check_answer(h, &a, err);
    if (s == IG_OK) s = read_list(h, &text, err);
    ig_buf_fini(&text);
    return s;
}

ig_status hub_open(hub *h, const char *name, const char *revision, ig_error *err) {
    *h = (hub){0};
    IG_TRY(parse(h, name, revision, err));
    IG_TRY(read_environment(h, err));
    return list_files(h, revision != NULL, err);
}

void hub_close(hub *h) {
    ig_free(h->file);
    *h = (hub){0};
}

/* ---- choosing ---- */

static size_t mark(hub *h, const char *pattern) {
    size_t n = 0;
    for (size_t i = 0; i < h->count; i++)
        if (fnmatch(pattern, h->file[i].name, 0) == 0) h->file[i].wanted = true, n++;
    return n;
}

static bool has(const hub *h, const char *name) {
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->file[i].name, name) == 0) return true;
    return false;
}

static const hub_file *only_gguf(const hub *h, size_t *count) {
    const hub_file *found = NULL;
    *count = 0;
    for (size_t i = 0; i < h->count; i++)
        if (h->file[i].wanted && fnmatch("*.gguf", h->file[i].name, 0) == 0) found = &h->file[i], ++*count;
    return found;
}

static void mark_folder(hub *h) {
    static const char *const parts[] = {"config.json", "tokenizer.json", "tokenizer.model", "*.bpe.model", "spiece.model", "vocab.json", "vocab.txt",
                                        "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                                        "generation_config.json", "chat_template.jinja", "sentence_bert_config.json", "modules.json",
                                        "README.md", "LICENSE", "LICENSE.txt"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) mark(h, parts[i]);
    if (has(h, "model.safetensors")) mark(h, "model.safetensors");
    else if (has(h, "model.safetensors.index.json")) mark(h, "model.safetensors.index.json"), mark(h, "model-*.safetensors");
    else mark(h, "pytorch_model.bin");
}

ig_status hub_choose(hub *h, const char *pattern, const hub_file **gguf, ig_error *err) {
    size_t count;
    *gguf = NULL;
    if (!pattern && has(h, "config.json") && (has(h, "model.safetensors") || has(h, "model.safetensors.index.json") || has(h, "pytorch_model.bin"))) {
        mark_folder(h);
        return IG_OK;
    }
    if (!mark(h, pattern ? pattern : "*.gguf"))
        return ig_error_set(err, IG_E_NOT_FOUND, "%s has no file that matches %s", h->repository, pattern ? pattern : "config.json with weights, or *.gguf");
    const hub_file *found = only_gguf(h, &count);
    if (count > 1) return ig_error_set(err, IG_E_ARG, "%s has %zu GGUF files: choose one with --file, e.g. --file '*q4_k_m*'", h->repository, count);
    *gguf = found;
    return IG_OK;
}

uint64_t hub_wanted_bytes(const hub *h) {
    uint64_t sum = 0;
    for (size_t i = 0; i < h->count; i++)
        if (h->file[i].wanted) sum += h->file[i].size;
    return sum;
}
