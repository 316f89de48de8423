/* Fuzz target: the body of a request from anybody, through checks, settings and the chat template to tokens.
 *
 * The first byte chooses the endpoint.  Nothing is generated: what the model would be asked is all that is made.
 */
#include <string.h>

#include "server/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                  \
    do {                                    \
        if (!(condition)) __builtin_trap(); \
    } while (0)

static const char config[] = "{\"model_type\":\"gpt2\",\"vocab_size\":300,\"n_embd\":8,\"n_layer\":1,\"n_head\":2,\"n_positions\":64}";
static const char template_text[] = "{% for m in messages %}<|im_end|>{{ m.role }}{{ m.content }}{{ m.tool_calls | tojson if m.tool_calls }}{% endfor %}";

static ig_context *ctx;
static loaded model;

static void quiet(void *arg, ig_log_level level, const char *message) { (void)arg, (void)level, (void)message; }

static void set_up(void) {
    static const char *const special[] = {"<|im_end|>"};
    ig_tokenizer_train_opts o = {.special = special, .special_count = 1, .byte_fallback = true};
    REQUIRE(ig_context_new(&(ig_context_opts){.threads = 1, .log = quiet}, &ctx, NULL) == IG_OK);
    REQUIRE(ig_model_new(ctx, "config", config, strlen(config), &model.m, NULL) == IG_OK);
    REQUIRE(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, "abc{}\"", 6, &o, &model.m->tokenizer, NULL) == IG_OK);
    REQUIRE(ig_template_parse("template", template_text, strlen(template_text), &model.chat, NULL) == IG_OK);
    REQUIRE(ig_vocab_trie_new(model.m->tokenizer, 300, NULL, 0, &model.trie, NULL) == IG_OK);
}

/* Only the template writes <|im_end|>: as often as there are messages. */
static void check_conversation(call *c, const ig_tree *body) {
    ig_ids ids = {0};
    const ig_tree *messages = field_get(body, "messages");
    size_t ends = 0;
    if (conversation_encode(c, &model, messages, field_get(body, "tools"), &ids) == IG_OK) {
        for (size_t i = 0; i < ids.len; i++) ends += ig_tokenizer_is_special(model.m->tokenizer, ids.data[i]);
        REQUIRE(ends == messages->count);
    }
    ig_ids_fini(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t endpoints = 0;
    if (!ctx) set_up();
    if (size < 1) return 0;
    while (server_endpoints[endpoints].path) endpoints++;
    const endpoint *e = &server_endpoints[data[0] % endpoints];
    call c = {0};
    settings s = {0};
    if (ig_json_parse("body", (const char *)data + 1, size - 1, &c.body, NULL) == IG_OK && ig_doc_root(c.body)->type == IG_TREE_MAP) {
        const ig_tree *body = ig_doc_root(c.body);
        ig_status status = fields_check(&c, body, e->fields, "");
        REQUIRE(status == IG_OK || (c.err.code == status && c.err.message[0]));
        bool is_chat = status == IG_OK && e->fields == chat_fields;
        if (is_chat && settings_common(&c, &model, body, &s) == IG_OK && settings_form(&c, &model, body, &s) == IG_OK) check_conversation(&c, body);
    }
    settings_fini(&s);
    ig_doc_free(c.body);
    return 0;
}
