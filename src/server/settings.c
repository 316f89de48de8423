/* server/settings.c: from the fields of a request to the settings of a generation.  The fields have passed their table. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/server.h"

void settings_fini(settings *s) {
    ig_grammar_free(s->grammar);
    ig_free(s->bias);
    *s = (settings){0};
}

static uint64_t any_seed(void) {
    static uint64_t calls;
    uint32_t word[4];
    ig_philox((uint64_t)(ig_clock() * 1e9), (uint64_t)getpid(), __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED), word);
    return (uint64_t)word[0] << 32 | word[1];
}

/* ---- stop, logit_bias, stream_options ------------------------------------------------------------------------------------------ */

static ig_status add_stop(call *c, settings *s, const ig_tree *t) {
    if (t->type != IG_TREE_TEXT || t->text_len == 0 || strlen(t->text) != t->text_len)
        return call_fail(c, 400, "stop", "invalid_value", "'stop' must be texts that are not empty and have no zero byte");
    if (s->o.stop_count == SERVER_STOPS_MAX)
        return call_fail(c, 400, "stop", "array_above_max_length", "'stop' may have %d texts at most", SERVER_STOPS_MAX);
    s->stop[s->o.stop_count++] = t->text;
    return IG_OK;
}

static ig_status take_stop(call *c, const ig_tree *body, settings *s) {
    const ig_tree *v = field_get(body, "stop");
    s->o.stop = s->stop;
    if (v && v->type == IG_TREE_TEXT) return add_stop(c, s, v);
    for (const ig_tree *i = v ? v->child : NULL; i; i = i->next) IG_TRY(add_stop(c, s, i));
    return IG_OK;
}

static ig_status bias_of(call *c, const loaded *l, const ig_tree *t, ig_token_bias *out) {
    char *end = NULL;
    errno = 0;
    long id = strtol(t->key, &end, 10);
    if (end == t->key || *end || errno || id < 0 || id >= l->m->family->vocab_size(l->m))
        return call_fail(c, 400, "logit_bias", "invalid_value", "'logit_bias': \"%.40s\" is no token id of this model; it has 0 to %lld", t->key,
                         (long long)l->m->family->vocab_size(l->m) - 1);
    if ((t->type != IG_TREE_INT && t->type != IG_TREE_REAL) || !(t->real >= -100 && t->real <= 100))
        return call_fail(c, 400, "logit_bias", "invalid_value", "'logit_bias.%ld' must be a number between -100 and 100", id);
    *out = (ig_token_bias){.id = (int32_t)id, .bias = t->real <= -100 ? -INFINITY : (float)t->real};
    return IG_OK;
}

static ig_status take_bias(call *c, const loaded *l, const ig_tree *body, settings *s) {
    const ig_tree *v = field_get(body, "logit_bias");
    size_t n = 0;
    if (!v || !v->count) return IG_OK;
    s->bias = ig_calloc(v->count, sizeof *s->bias);
    if (!s->bias) return ig_error_nomem(&c->err, v->count * sizeof *s->bias);
    for (const ig_tree *i = v->child; i; i = i->next) IG_TRY(bias_of(c, l, i, &s->bias[n++]));
    s->o.sampling.bias = s->bias;
    s->o.sampling.bias_count = n;
    return IG_OK;
}

static const field stream_option_fields[] = {
    {"include_usage", F_BOOL, FIELD_USED, 0, 0, NULL, false, ""},
    {"include_obfuscation", 0, FIELD_REFUSED, 0, 0, "false", false, "events are not padded"},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static ig_status take_stream(call *c, const ig_tree *body, settings *s) {
    const ig_tree *v = field_get(body, "stream_options");
    s->stream = ig_tree_bool(body, "stream", false);
    if (!v) return IG_OK;
    if (!s->stream) return call_fail(c, 400, "stream_options", "invalid_value", "'stream_options' needs 'stream': true");
    IG_TRY(fields_check(c, v, stream_option_fields, "stream_options."));
    s->usage_chunk = ig_tree_bool(v, "include_usage", false);
    return IG_OK;
}

/* ---- what chat and completions have in common ------------------------------------------------------------------------------------- */

ig_status settings_common(call *c, const loaded *l, const ig_tree *body, settings *s) {
    const ig_tree *seed = field_get(body, "seed");
    double top_p = ig_tree_real(body, "top_p", 1);
    s->o.sampling = (ig_sampling){
        .temperature = ig_tree_real(body, "temperature", 1),
        .top_p = top_p > 0 ? top_p : 1e-9, /* 0 keeps one token; the sampler's 0 keeps all */
        .top_k = (int)ig_tree_int(body, "top_k", 0),
        .min_p = ig_tree_real(body, "min_p", 0),
        .repetition_penalty = ig_tree_real(body, "repetition_penalty", 0),
        .frequency_penalty = ig_tree_real(body, "frequency_penalty", 0),
        .presence_penalty = ig_tree_real(body, "presence_penalty", 0),
        .seed = seed ? (uint64_t)seed->integer : any_seed(),
    };
    s->n = (int)ig_tree_int(body, "n", 1);
    s->o.end_ids = l->end_ids.data;
    s->o.end_count = l->end_ids.len;
    IG_TRY(take_stop(c, body, s));
    IG_TRY(take_bias(c, l, body, s));
    return take_stream(c, body, s);
}

/* ---- the form of the answer ------------------------------------------------------------------------------------------------------- */

void settings_grammar(const loaded *l, settings *s, ig_grammar *g) {
    s->grammar = g;
    s->o.grammar = g;
    s->o.trie = l->trie;
}

static ig_status grammar_failed(call *c, ig_status status, const char *param, const ig_error *err) {
    if (status == IG_E_NOMEM) return ig_error_nomem(&c->err, 0);
    return call_fail(c, 400, param, "invalid_schema", "'%s': %s", param, err->message);
}

ig_status settings_schema(call *c, const loaded *l, const ig_tree *schema, const char *param, settings *s) {
    ig_buf text = {.max = IG_GRAMMAR_BYTES_MAX};
    ig_json j = {.out = &text};
    ig_error err = {0};
    ig_grammar *g = NULL;
    if (!schema || schema->type != IG_TREE_MAP) return call_fail(c, 400, param, "missing_required_parameter", "'%s' must be a JSON schema", param);
    ig_json_tree(&j, schema);
    ig_status status = ig_buf_status(&text, &err);
    if (status == IG_OK) status = ig_grammar_from_schema("schema", text.data, text.len, NULL, &g, &err);
    ig_buf_fini(&text);
    if (status != IG_OK) return grammar_failed(c, status, param, &err);
    settings_grammar(l, s, g);
    return IG_OK;
}

static const field format_fields[] = {
    {"type", F_TEXT, FIELD_USED, 0, 0, "text|json_object|json_schema", true, ""},
    {"json_schema", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};
static const field schema_fields[] = {
    {"name", F_TEXT, FIELD_USED, 0, 0, NULL, true, ""},
    {"schema", F_MAP, FIELD_USED, 0, 0, NULL, true, ""},
    {"strict", F_BOOL, FIELD_USED, 0, 0, NULL, false, ""},
    {"description", F_TEXT, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static ig_status take_format(call *c, const loaded *l, const ig_tree *body, settings *s) {
    const ig_tree *v = field_get(body, "response_format"), *schema = v ? field_get(v, "json_schema") : NULL;
    ig_grammar *g = NULL;
    if (!v) return IG_OK;
    IG_TRY(fields_check(c, v, format_fields, "response_format."));
    const char *type = ig_tree_text(v, "type", "text");
    if (strcmp(type, "text") == 0) return IG_OK;
    if (strcmp(type, "json_object") == 0) {
        IG_TRY(ig_grammar_json_object(NULL, &g, &c->err));
        settings_grammar(l, s, g);
        return IG_OK;
    }
    if (!schema) return call_fail(c, 400, "response_format.json_schema", "missing_required_parameter", "'response_format.json_schema' is missing");
    IG_TRY(fields_check(c, schema, schema_fields, "response_format.json_schema."));
    return settings_schema(c, l, field_get(schema, "schema"), "response_format.json_schema.schema", s);
}

/* ---- tools ------------------------------------------------------------------------------------------------------------------------ */

static const field tool_fields[] = {
    {"type", F_TEXT, FIELD_USED, 0, 0, "function", true, ""},
    {"function", F_MAP, FIELD_USED, 0, 0, NULL, true, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};
static const field function_fields[] = {
    {"name", F_TEXT, FIELD_USED, 0, 0, NULL, true, ""},
    {"description", F_TEXT, FIELD_USED, 0, 0, NULL, false, ""},
    {"parameters", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {"strict", F_BOOL, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};
static const field choice_fields[] = {
    {"type", F_TEXT, FIELD_USED, 0, 0, "function", true, ""},
    {"function", F_MAP, FIELD_USED, 0, 0, NULL, true, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};
static const field chosen_fields[] = {
    {"name", F_TEXT, FIELD_USED, 0, 0, NULL, true, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static ig_status check_tools(call *c, const ig_tree *tools) {
    char prefix[48];
    int i = 0;
    for (const ig_tree *t = tools->child; t; t = t->next, i++) {
        snprintf(prefix, sizeof prefix, "tools[%d].", i);
        if (t->type != IG_TREE_MAP) return call_fail(c, 400, "tools", "invalid_type", "'tools[%d]' must be an object", i);
        IG_TRY(fields_check(c, t, tool_fields, prefix));
        snprintf(prefix, sizeof prefix, "tools[%d].function.", i);
        IG_TRY(fields_check(c, ig_tree_get(t, "function"), function_fields, prefix));
    }
    return IG_OK;
}

/* tool_choice as a mode; *named is the function of {"type": "function", "function": {"name"}}, *none whether calls are off. */
static ig_status read_choice(call *c, const ig_tree *v, ig_tool_mode *mode, const char **named, bool *none) {
    *mode = IG_TOOL_AUTO;
    *named = NULL;
    *none = false;
    if (!v) return IG_OK;
    if (v->type == IG_TREE_MAP) {
        IG_TRY(fields_check(c, v, choice_fields, "tool_choice."));
        IG_TRY(fields_check(c, ig_tree_get(v, "function"), chosen_fields, "tool_choice.function."));
        *mode = IG_TOOL_NAMED;
        *named = ig_tree_text(ig_tree_get(v, "function"), "name", "");
        return IG_OK;
    }
    *none = strcmp(v->text, "none") == 0;
    if (strcmp(v->text, "required") == 0) *mode = IG_TOOL_REQUIRED;
    else if (!*none && strcmp(v->text, "auto") != 0)
        return call_fail(c, 400, "tool_choice", "invalid_value", "'tool_choice' must be auto, none, required or an object");
    return IG_OK;
}

static ig_status take_tools(call *c, const loaded *l, const ig_tree *body, settings *s) {
    const ig_tree *tools = field_get(body, "tools");
    ig_tool_mode mode;
    const char *named;
    bool none;
    ig_error err = {0};
    ig_grammar *g = NULL;
    IG_TRY(read_choice(c, field_get(body, "tool_choice"), &mode, &named, &none));
    if (!tools || !tools->count)
        return mode == IG_TOOL_AUTO ? IG_OK : call_fail(c, 400, "tool_choice", "invalid_value", "'tool_choice' needs 'tools'");
    IG_TRY(check_tools(c, tools));
    if (none) return IG_OK;
    if (s->grammar) return call_fail(c, 400, "response_format", "unsupported_parameter", "'response_format' and calls of tools do not go together; "
                                     "set 'tool_choice': \"none\" or leave one out");
    ig_buf text = {.max = IG_GRAMMAR_BYTES_MAX};
    ig_json j = {.out = &text};
    ig_json_tree(&j, tools);
    ig_status status = ig_buf_status(&text, &err);
    if (status == IG_OK) status = ig_tool_grammar(text.data, text.len, mode, named, IG_TOOL_STYLE_HERMES, &g, &err);
    ig_buf_fini(&text);
    if (status != IG_OK) return grammar_failed(c, status, status == IG_E_NOT_FOUND ? "tool_choice" : "tools", &err);
    settings_grammar(l, s, g);
    s->tools = true;
    s->one_call = mode == IG_TOOL_NAMED || !ig_tree_bool(body, "parallel_tool_calls", true);
    return IG_OK;
}

ig_status settings_form(call *c, const loaded *l, const ig_tree *body, settings *s) {
    IG_TRY(take_format(c, l, body, s));
    return take_tools(c, l, body, s);
}
