/* server/conversation.c: messages → the model's chat template → tokens.
 *
 * What a user writes must not become a special token: "<|im_end|>" in a message would end it and begin another.  So every
 * special token's text in the messages is broken by U+FDD0, a code point that is no character, before the template sees it;
 * behind the template the text is cut there, and the pieces are encoded one by one.
 */
#include <string.h>

#include "server/server.h"

#define RENDERED_BYTES_MAX ((size_t)64 << 20)

static const char marker[] = "\xEF\xB7\x90"; /* U+FDD0 */

/* ---- messages -------------------------------------------------------------------------------------------------------------------- */

static const field message_fields[] = {
    {"role", F_TEXT, FIELD_USED, 0, 0, "system|developer|user|assistant|tool", true, ""},
    {"content", F_TEXT | F_LIST, FIELD_USED, 0, 1e6, NULL, false, ""},
    {"name", F_TEXT, FIELD_USED, 0, 0, NULL, false, ""},
    {"tool_calls", F_LIST, FIELD_USED, 0, 128, NULL, false, ""},
    {"tool_call_id", F_TEXT, FIELD_USED, 0, 0, NULL, false, ""},
    {"refusal", F_TEXT, FIELD_USED, 0, 0, NULL, false, ""},
    {"audio", 0, FIELD_REFUSED, 0, 0, NULL, false, "messages are text"},
    {"annotations", 0, FIELD_REFUSED, 0, 0, NULL, false, "answers have none"},
    {"function_call", 0, FIELD_REFUSED, 0, 0, NULL, false, "use tool_calls"},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};
static const field call_fields[] = {
    {"id", F_TEXT, FIELD_USED, 0, 0, NULL, true, ""},
    {"type", F_TEXT, FIELD_USED, 0, 0, "function", true, ""},
    {"function", F_MAP, FIELD_USED, 0, 0, NULL, true, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};
static const field called_fields[] = {
    {"name", F_TEXT, FIELD_USED, 0, 0, NULL, true, ""},
    {"arguments", F_TEXT, FIELD_USED, 0, 0, NULL, true, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static ig_status append_part(call *c, const ig_tree *part, const char *where, ig_buf *out) {
    const char *type = part->type == IG_TREE_MAP ? ig_tree_text(part, "type", "") : "";
    const ig_tree *text = part->type == IG_TREE_MAP ? ig_tree_get(part, "text") : NULL;
    bool is_text = strcmp(type, "text") == 0 || strcmp(type, "input_text") == 0 || strcmp(type, "output_text") == 0;
    if (!is_text)
        return call_fail(c, 400, where, "unsupported_content", "'%s': parts of the type \"%.40s\" are not supported; text only", where, type);
    if (!text || text->type != IG_TREE_TEXT) return call_fail(c, 400, where, "invalid_type", "'%s': a text part needs 'text'", where);
    ig_buf_append(out, text->text, text->text_len);
    return IG_OK;
}

ig_status conversation_text(call *c, const ig_tree *content, const char *where, ig_buf *out) {
    if (!content) return IG_OK;
    if (content->type == IG_TREE_TEXT) ig_buf_append(out, content->text, content->text_len);
    for (const ig_tree *p = content->type == IG_TREE_LIST ? content->child : NULL; p; p = p->next) IG_TRY(append_part(c, p, where, out));
    return ig_buf_status(out, &c->err);
}

/* Templates want the arguments of a call as an object; what is no JSON object stays text. */
static void put_arguments(ig_json *j, const char *text) {
    ig_doc *d = NULL;
    ig_json_key(j, "arguments");
    if (ig_json_parse("arguments", text, strlen(text), &d, NULL) == IG_OK && ig_doc_root(d)->type == IG_TREE_MAP) ig_json_tree(j, ig_doc_root(d));
    else ig_json_text(j, text);
    ig_doc_free(d);
}

static ig_status put_calls(call *c, ig_json *j, const ig_tree *calls, const char *where) {
    char prefix[64];
    ig_json_key(j, "tool_calls"), ig_json_open(j, '[');
    for (const ig_tree *t = calls->child; t; t = t->next) {
        snprintf(prefix, sizeof prefix, "%s.tool_calls[].", where);
        if (t->type != IG_TREE_MAP) return call_fail(c, 400, where, "invalid_type", "'%s.tool_calls' must be objects", where);
        IG_TRY(fields_check(c, t, call_fields, prefix));
        const ig_tree *f = ig_tree_get(t, "function");
        snprintf(prefix, sizeof prefix, "%s.tool_calls[].function.", where);
        IG_TRY(fields_check(c, f, called_fields, prefix));
        ig_json_open(j, '{');
        reply_pair_text(j, "id", ig_tree_text(t, "id", ""));
        reply_pair_text(j, "type", "function");
        ig_json_key(j, "function"), ig_json_open(j, '{');
        reply_pair_text(j, "name", ig_tree_text(f, "name", ""));
        put_arguments(j, ig_tree_text(f, "arguments", ""));
        ig_json_close(j, '}');
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
    return IG_OK;
}

static ig_status put_message(call *c, ig_json *j, const ig_tree *m, const char *where) {
    const char *role = ig_tree_text(m, "role", "");
    const ig_tree *calls = field_get(m, "tool_calls"), *content = field_get(m, "content");
    ig_buf text = {.max = RENDERED_BYTES_MAX};
    if (!content && !calls) return call_fail(c, 400, where, "missing_required_parameter", "'%s.content' is missing", where);
    if (strcmp(role, "tool") == 0 && !field_get(m, "tool_call_id"))
        return call_fail(c, 400, where, "missing_required_parameter", "'%s.tool_call_id' is missing", where);
    ig_json_open(j, '{');
    reply_pair_text(j, "role", strcmp(role, "developer") == 0 ? "system" : role);
    ig_status s = conversation_text(c, content, where, &text);
    ig_json_key(j, "content"), ig_json_text_n(j, text.data ? text.data : "", text.len);
    ig_buf_fini(&text);
    if (field_get(m, "name")) reply_pair_text(j, "name", ig_tree_text(m, "name", ""));
    if (field_get(m, "tool_call_id")) reply_pair_text(j, "tool_call_id", ig_tree_text(m, "tool_call_id", ""));
    if (s == IG_OK && calls && calls->count) s = put_calls(c, j, calls, where);
    ig_json_close(j, '}');
    return s;
}

static ig_status put_messages(call *c, ig_json *j, const ig_tree *messages) {
    char where[32], prefix[40];
    int i = 0;
    ig_json_key(j, "messages"), ig_json_open(j, '[');
    for (const ig_tree *m = messages->child; m; m = m->next, i++) {
        snprintf(where, sizeof where, "messages[%d]", i);
        snprintf(prefix, sizeof prefix, "%s.", where);
        if (m->type != IG_TREE_MAP) return call_fail(c, 400, where, "invalid_type", "'%s' must be an object", where);
        IG_TRY(fields_check(c, m, message_fields, prefix));
        IG_TRY(put_message(c, j, m, where));
    }
    ig_json_close(j, ']');
    return IG_OK;
}

/* ---- special tokens ---------------------------------------------------------------------------------------------------------------- */

/* Length of the special token that stands at s; 0: none.  They begin with '<' or '[', which no key of ours does. */
static size_t special_at(const ig_tokenizer *t, const char *s, size_t n) {
    if (*s != '<' && *s != '[') return 0;
    for (size_t i = 0; i < ig_tokenizer_special_count(t); i++) {
        size_t len;
        const char *text = ig_tokenizer_token(t, ig_tokenizer_special_get(t, i), &len);
        if (text && len > 1 && len <= n && memcmp(s, text, len) == 0) return len;
    }
    return 0;
}

static void break_special(const ig_tokenizer *t, const ig_buf *in, ig_buf *out) {
    size_t from = 0;
    for (size_t i = 0; i < in->len; i++) {
        if (!special_at(t, in->data + i, in->len - i)) continue;
        ig_buf_append(out, in->data + from, i + 1 - from);
        ig_buf_puts(out, marker);
        from = i + 1;
    }
    ig_buf_append(out, in->data + from, in->len - from);
}

static ig_status encode_pieces(const loaded *l, const ig_buf *text, ig_ids *out, ig_error *err) {
    unsigned flags = IG_ENCODE_SPECIAL;
    const char *at = text->data, *end = text->data + text->len;
    while (at && at < end) {
        const char *cut = memmem(at, (size_t)(end - at), marker, sizeof marker - 1), *to = cut ? cut : end;
        if (to > at) IG_TRY(ig_tokenizer_encode(l->m->tokenizer, at, (size_t)(to - at), flags, out, err));
        at = cut ? cut + sizeof marker - 1 : end;
    }
    return out->len ? IG_OK : ig_ids_push(out, ig_start_token(l->m), err);
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------------------- */

static ig_status write_variables(call *c, const loaded *l, const ig_tree *messages, const ig_tree *tools, ig_buf *out) {
    ig_buf raw = {.max = RENDERED_BYTES_MAX};
    ig_json j = {.out = &raw};
    ig_json_open(&j, '{');
    ig_status s = put_messages(c, &j, messages);
    if (s == IG_OK && tools && tools->count) ig_json_key(&j, "tools"), ig_json_tree(&j, tools);
    if (s == IG_OK) s = ig_buf_status(&raw, &c->err);
    if (s == IG_OK) {
        break_special(l->m->tokenizer, &raw, out);
        j.out = out; /* what follows is the model's own */
        ig_json_key(&j, "add_generation_prompt"), ig_json_bool(&j, true);
        reply_pair_text(&j, "bos_token", l->bos);
        reply_pair_text(&j, "eos_token", l->eos);
        ig_json_close(&j, '}');
        s = ig_buf_status(out, &c->err);
    }
    ig_buf_fini(&raw);
    return s;
}

static ig_status render(call *c, const loaded *l, const ig_buf *variables, ig_buf *out) {
    ig_doc *d = NULL;
    ig_template_limits limits = {.has_clock = true, .clock_seconds = ig_unix_time()};
    IG_TRY(ig_json_parse("messages", variables->data, variables->len, &d, &c->err));
    ig_error err = {0};
    ig_status s = ig_template_render(l->chat, ig_doc_root(d), &limits, out, &err);
    ig_doc_free(d);
    if (s == IG_OK || s == IG_E_NOMEM) return s;
    return call_fail(c, 400, "messages", "invalid_value", "the model's chat template does not take these messages: %s", err.message);
}

ig_status conversation_encode(call *c, const loaded *l, const ig_tree *messages, const ig_tree *tools, ig_ids *out) {
    ig_buf variables = {.max = RENDERED_BYTES_MAX}, text = {.max = RENDERED_BYTES_MAX};
    ig_status s = write_variables(c, l, messages, tools, &variables);
    if (s == IG_OK) s = render(c, l, &variables, &text);
    if (s == IG_OK) {
        ig_error err = {0};
        s = encode_pieces(l, &text, out, &err);
        if (s == IG_E_NOT_FOUND) s = call_fail(c, 400, "messages", "invalid_value", "the model's vocabulary lacks a character: %s", err.message);
        else if (s != IG_OK) c->err = err;
    }
    ig_buf_fini(&variables);
    ig_buf_fini(&text);
    return s;
}
