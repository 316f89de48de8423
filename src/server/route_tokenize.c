/* server/route_tokenize.c: POST /tokenize and /detokenize, in the shape of llama.cpp's server. */
#include "server/server.h"

static ig_status reply_tokens(call *c, const loaded *l, const ig_ids *ids) {
    bool pieces = ig_tree_bool(ig_doc_root(c->body), "with_pieces", false);
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    ig_json_key(&j, "tokens"), ig_json_open(&j, '[');
    for (size_t i = 0; i < ids->len; i++) {
        if (!pieces) {
            ig_json_int(&j, ids->data[i]);
            continue;
        }
        ig_buf text = {.max = 1 << 16};
        answer_token_text(l, ids->data[i], &text);
        ig_json_open(&j, '{');
        reply_pair_int(&j, "id", ids->data[i]);
        ig_json_key(&j, "piece"), ig_json_text_n(&j, text.data ? text.data : "", text.len);
        ig_json_close(&j, '}');
        ig_buf_fini(&text);
    }
    ig_json_close(&j, ']');
    ig_json_close(&j, '}');
    ig_status s = reply_json(c, 200, &b);
    ig_buf_fini(&b);
    return s;
}

static ig_status tokenize(call *c, const loaded *l) {
    const ig_tree *body = ig_doc_root(c->body), *text = field_get(body, "content");
    unsigned flags = (ig_tree_bool(body, "add_special", false) ? IG_ENCODE_TEMPLATE : 0u)
                     | (ig_tree_bool(body, "parse_special", false) ? IG_ENCODE_SPECIAL : 0u);
    ig_ids ids = {0};
    ig_error err = {0};
    ig_status s = ig_tokenizer_encode(l->m->tokenizer, text->text, text->text_len, flags, &ids, &err);
    if (s == IG_E_NOT_FOUND) s = call_fail(c, 400, "content", "invalid_value", "the model's vocabulary lacks a character: %s", err.message);
    else if (s != IG_OK) c->err = err;
    c->prompt_tokens = (int64_t)ids.len;
    if (s == IG_OK) s = reply_tokens(c, l, &ids);
    ig_ids_fini(&ids);
    return s;
}

static ig_status take_ids(call *c, const loaded *l, const ig_tree *list, ig_ids *ids) {
    int64_t V = (int64_t)ig_tokenizer_count(l->m->tokenizer);
    for (const ig_tree *t = list->child; t; t = t->next) {
        if (t->type != IG_TREE_INT || t->integer < 0 || t->integer >= V)
            return call_fail(c, 400, "tokens", "invalid_value", "'tokens' must be token ids from 0 to %lld", (long long)V - 1);
        IG_TRY(ig_ids_push(ids, (int32_t)t->integer, &c->err));
    }
    return IG_OK;
}

static ig_status detokenize(call *c, const loaded *l) {
    ig_ids ids = {0};
    ig_buf text = {.max = SERVER_REPLY_BYTES_MAX}, b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    ig_status s = take_ids(c, l, field_get(ig_doc_root(c->body), "tokens"), &ids);
    if (s == IG_OK) s = ig_tokenizer_decode(l->m->tokenizer, ids.data, ids.len, 0, &text, &c->err);
    ig_json_open(&j, '{');
    ig_json_key(&j, "content"), ig_json_text_n(&j, text.data ? text.data : "", text.len);
    ig_json_close(&j, '}');
    if (s == IG_OK) s = reply_json(c, 200, &b);
    ig_ids_fini(&ids);
    ig_buf_fini(&text);
    ig_buf_fini(&b);
    return s;
}

static ig_status with_model(call *c, const field *fields, ig_status (*run)(call *c, const loaded *l)) {
    loaded *l;
    IG_TRY(call_body(c));
    IG_TRY(fields_check(c, ig_doc_root(c->body), fields, ""));
    IG_TRY(call_model(c, 0, &l));
    ig_status s = run(c, l);
    pool_release(c->s->pool, l);
    return s;
}

ig_status run_tokenize(call *c) { return with_model(c, tokenize_fields, tokenize); }
ig_status run_detokenize(call *c) { return with_model(c, detokenize_fields, detokenize); }
