/* tests/infer/test_constrained.c: tokens under a grammar: masks, the sampler, whole generations, tool calls.
 *
 * Masks are compared with what they mean: a token may come exactly if its bytes can be accepted.  Random walks choose random
 * tokens under the mask until the grammar allows nothing more; what comes out must parse, and must be what the schema says.
 */
#include <math.h>

#include "ingot/infer.h"

#include "../check.h"

#define WALK_TOKENS_MAX 400

static ig_context *ctx;
static ig_tokenizer *words; /* bytes and merges of a text with JSON and Chinese, and two special tokens */

static int set_up(void **state) {
    (void)state;
    static const char text[] = "{\"name\": \"value\", \"items\": [1, 2, 33, -4.5e10], \"ok\": true, \"no\": false, \"none\": null} 中文字符 中文字符 \xF0\x9F\x98\x80\xF0\x9F\x98\x80 "
                               "{\"name\": \"value\", \"items\": [1, 2, 33, -4.5e10], \"ok\": true, \"no\": false, \"none\": null} <tool_call> </tool_call> <tool_call> </tool_call>";
    const char *special[] = {"<|endoftext|>", "<|other|>"};
    ig_tokenizer_train_opts o = {.special = special, .special_count = 2};
    if (ig_context_new(NULL, &ctx, NULL) != IG_OK) return -1;
    return ig_tokenizer_train(IG_TOKENIZER_BPE, 400, text, strlen(text), &o, &words, NULL) == IG_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ig_tokenizer_free(words);
    ig_context_free(ctx);
    return 0;
}

static int32_t end_id(void) { return ig_tokenizer_find(words, "<|endoftext|>", 13); }

static ig_vocab_trie *trie(void) {
    ig_vocab_trie *v = NULL;
    ig_error err;
    int32_t end = end_id();
    check_ok(ig_vocab_trie_new(words, ig_tokenizer_count(words), &end, 1, &v, &err));
    return v;
}

static ig_grammar *schema(const char *text, bool spaces) {
    ig_grammar *g = NULL;
    ig_error err;
    check_ok(ig_grammar_from_schema("schema", text, strlen(text), &(ig_grammar_json_opts){.spaces = spaces}, &g, &err));
    return g;
}

static bool has(const uint32_t *bits, int32_t id) { return bits[id / 32] >> id % 32 & 1; }

/* ---- masks ---- */

static bool token_fits(const ig_grammar_state *s, int32_t id) {
    ig_grammar_state *copy = NULL;
    ig_error err;
    size_t n;
    bool fits;
    const char *bytes = ig_tokenizer_token(words, id, &n);
    check_ok(ig_grammar_state_copy(s, &copy, &err));
    check_ok(ig_grammar_accept(copy, bytes, n, &fits, &err));
    ig_grammar_state_free(copy);
    return fits;
}

static void check_mask(ig_grammar_state *s, const ig_vocab_trie *v) {
    uint32_t bits[32], again[32];
    ig_error err;
    check_ok(ig_grammar_mask(s, v, bits, &err));
    check_ok(ig_grammar_mask(s, v, again, &err));
    assert_memory_equal(bits, again, ig_mask_words(ig_tokenizer_count(words)) * 4);
    for (int32_t i = 0; i < (int32_t)ig_tokenizer_count(words); i++) {
        bool wanted = ig_tokenizer_is_special(words, i) ? i == end_id() && ig_grammar_can_end(s) : token_fits(s, i);
        if (has(bits, i) != wanted) fail_msg("token %d: the mask says %d", i, has(bits, i));
    }
}

static void a_mask_holds_the_tokens_that_fit(void **state) {
    (void)state;
    static const char text[] = "{\"name\":\"x\\n中文\",\"items\":[1,2.5,-3e5],\"ok\":true}";
    ig_grammar *g = schema("{\"properties\": {\"name\": {\"type\": \"string\"}, \"items\": {\"items\": {\"type\": \"number\"}}, \"ok\": {}}}", false);
    ig_vocab_trie *v = trie();
    ig_grammar_state *s = NULL;
    ig_error err;
    bool fits;
    check_ok(ig_grammar_state_new(g, &s, &err));
    for (size_t i = 0; text[i]; i++) {
        check_mask(s, v);
        check_ok(ig_grammar_accept(s, text + i, 1, &fits, &err));
        assert_true(fits);
    }
    check_mask(s, v);
    assert_true(ig_grammar_is_complete(s));
    ig_grammar_state_free(s);
    ig_vocab_trie_free(v);
    ig_grammar_free(g);
}

/* ---- random walks ---- */

static int32_t random_token(const uint32_t *bits, ig_rng *r) {
    size_t allowed = 0, count = ig_tokenizer_count(words);
    for (size_t i = 0; i < count; i++) allowed += has(bits, (int32_t)i);
    assert_true(allowed > 0);
    size_t nth = ig_rng_below(r, allowed);
    for (size_t i = 0; i < count; i++)
        if (has(bits, (int32_t)i) && nth-- == 0) return (int32_t)i;
    return -1;
}

/* False when it did not end by itself. */
static bool walk(const ig_grammar *g, const ig_vocab_trie *v, uint64_t seed, ig_buf *out) {
    ig_grammar_state *s = NULL;
    ig_error err;
    ig_rng r;
    bool ended = false, fits;
    ig_rng_init(&r, seed, 0);
    check_ok(ig_grammar_state_new(g, &s, &err));
    for (int n = 0; n < WALK_TOKENS_MAX && !ended; n++) {
        uint32_t bits[32];
        size_t len;
        check_ok(ig_grammar_mask(s, v, bits, &err));
        if (has(bits, end_id()) && ig_rng_below(&r, 3) == 0) break;
        int32_t id = random_token(bits, &r);
        if (id == end_id()) break;
        const char *bytes = ig_tokenizer_token(words, id, &len);
        check_ok(ig_grammar_accept(s, bytes, len, &fits, &err));
        assert_true(fits);
        ig_buf_append(out, bytes, len);
    }
    ended = ig_grammar_can_end(s);
    ig_grammar_state_free(s);
    return ended;
}

/* The schema of the walks, checked by hand: every field has its type and bounds. */
static const char walk_schema[] = "{\"properties\": {\"id\": {\"type\": \"integer\", \"minimum\": -20, \"maximum\": 130}, \"kind\": {\"enum\": [\"ok\", \"no\", null]},"
    " \"name\": {\"type\": \"string\", \"maxLength\": 8}, \"score\": {\"type\": \"number\", \"minimum\": 0, \"maximum\": 1},"
    " \"tags\": {\"items\": {\"type\": \"string\", \"pattern\": \"^[a-f]{1,3}$\"}, \"minItems\": 1, \"maxItems\": 3},"
    " \"next\": {\"anyOf\": [{\"type\": \"null\"}, {\"$ref\": \"#\"}]}}, \"required\": [\"id\", \"name\", \"tags\", \"next\"]}";

static size_t characters(const ig_tree *t) {
    size_t n = 0;
    uint32_t cp;
    for (size_t i = 0; i < t->text_len; n++) i += ig_utf8_decode(t->text + i, t->text_len - i, &cp);
    return n;
}

static void check_tags(const ig_tree *tags) {
    assert_in_range(tags->count, 1, 3);
    for (const ig_tree *t = tags->child; t; t = t->next) {
        assert_in_range(t->text_len, 1, 3);
        assert_int_equal(strspn(t->text, "abcdef"), t->text_len);
    }
}

static void check_instance(const ig_tree *t) {
    const ig_tree *id = ig_tree_get(t, "id"), *kind = ig_tree_get(t, "kind"), *score = ig_tree_get(t, "score"), *next = ig_tree_get(t, "next");
    assert_int_equal(t->type, IG_TREE_MAP);
    assert_int_equal(t->count, 4 + (kind != NULL) + (score != NULL));
    assert_true(id->type == IG_TREE_INT && id->integer >= -20 && id->integer <= 130);
    assert_true(!kind || kind->type == IG_TREE_NULL || strcmp(kind->text, "ok") == 0 || strcmp(kind->text, "no") == 0);
    assert_true(!score || (score->real >= 0 && score->real <= 1));
    assert_true(characters(ig_tree_get(t, "name")) <= 8);
    check_tags(ig_tree_get(t, "tags"));
    if (next->type != IG_TREE_NULL) check_instance(next);
}

static void random_tokens_under_the_mask_write_what_the_schema_says(void **state) {
    (void)state;
    ig_vocab_trie *v = trie();
    size_t ended = 0;
    for (int spaces = 0; spaces < 2; spaces++) {
        ig_grammar *g = schema(walk_schema, spaces);
        for (uint64_t seed = 0; seed < 150; seed++) {
            ig_buf out = {.max = 1 << 20};
            ig_doc *doc = NULL;
            ig_error err;
            if (walk(g, v, seed, &out)) {
                check_ok(ig_json_parse("walk", out.data, out.len, &doc, &err));
                check_instance(ig_doc_root(doc));
                ended++;
            }
            ig_doc_free(doc);
            ig_buf_fini(&out);
        }
        ig_grammar_free(g);
    }
    assert_true(ended > 200);
    ig_vocab_trie_free(v);
}

/* Duplicate names of free keys are the one thing that a grammar cannot see. */
static void random_tokens_write_any_json_object(void **state) {
    (void)state;
    ig_grammar *g = NULL;
    ig_vocab_trie *v = trie();
    ig_error err = {0};
    size_t parsed = 0;
    check_ok(ig_grammar_json_object(&(ig_grammar_json_opts){.spaces = true}, &g, &err));
    for (uint64_t seed = 0; seed < 200; seed++) {
        ig_buf out = {.max = 1 << 20};
        ig_doc *doc = NULL;
        if (walk(g, v, seed, &out)) {
            ig_status s = ig_json_parse("walk", out.data, out.len, &doc, &err);
            if (s != IG_OK && !strstr(err.message, "twice") && !strstr(err.message, "duplicate")) fail_msg("%s: %s", out.data, err.message);
            parsed += s == IG_OK;
        }
        ig_doc_free(doc);
        ig_buf_fini(&out);
    }
    assert_true(parsed > 50);
    ig_vocab_trie_free(v);
    ig_grammar_free(g);
}

/* ---- the sampler ---- */

static void masked_tokens_are_never_chosen(void **state) {
    (void)state;
    static const float logits[6] = {5, 4, 3, 2, -INFINITY, 0};
    const ig_sampling how[] = {{0}, {.temperature = 2}, {.temperature = 2, .top_k = 3}, {.temperature = 2, .top_p = 0.9}, {.temperature = 2, .min_p = 0.01}};
    ig_error err;
    ig_choice c;
    for (size_t k = 0; k < sizeof how / sizeof *how; k++) {
        ig_sampler *s = NULL;
        uint32_t mask = 1u << 2 | 1u << 5, none = 0, impossible = 1u << 4;
        check_ok(ig_sampler_new(6, &how[k], &s, &err));
        for (int i = 0; i < 200; i++) {
            check_ok(ig_sampler_choose_masked(s, logits, &mask, &c, &err));
            assert_true(c.id == 2 || (c.id == 5 && k > 0));
        }
        check_fails(ig_sampler_choose_masked(s, logits, &none, &c, &err), IG_E_NUMERIC);
        check_fails(ig_sampler_choose_masked(s, logits, &impossible, &c, &err), IG_E_NUMERIC);
        ig_sampler_free(s);
    }
}

static void a_mask_of_all_changes_nothing(void **state) {
    (void)state;
    static const float logits[5] = {1, 2, 3, 2, 1};
    ig_sampling how = {.temperature = 1, .seed = 5};
    ig_sampler *a = NULL, *b = NULL;
    ig_choice x, y;
    ig_error err;
    uint32_t all = 0x1F;
    check_ok(ig_sampler_new(5, &how, &a, &err));
    check_ok(ig_sampler_new(5, &how, &b, &err));
    for (int i = 0; i < 100; i++) {
        check_ok(ig_sampler_choose(a, logits, &x, &err));
        check_ok(ig_sampler_choose_masked(b, logits, &all, &y, &err));
        assert_int_equal(x.id, y.id);
        assert_true(x.logprob == y.logprob);
    }
    ig_sampler_free(a);
    ig_sampler_free(b);
}

/* ---- generations of a model with random weights ---- */

static ig_model *random_model(void) {
    char json[300];
    ig_model *m = NULL;
    ig_buf file = {.max = 1 << 20};
    ig_error err;
    snprintf(json, sizeof json, "{\"model_type\": \"gpt2\", \"vocab_size\": %zu, \"n_positions\": 256, \"n_embd\": 16, \"n_layer\": 1, \"n_head\": 2}",
             ig_tokenizer_count(words));
    check_ok(ig_model_new(ctx, "config.json", json, strlen(json), &m, &err));
    check_ok(ig_tokenizer_format(words, &file, &err));
    check_ok(ig_tokenizer_parse("tokenizer.json", file.data, file.len, &m->tokenizer, &err));
    ig_buf_fini(&file);
    return m;
}

static ig_status generate(ig_model *m, const ig_grammar *g, uint64_t seed, ig_generation *r, ig_error *err) {
    ig_session *s = NULL;
    ig_generate_opts o = {.sampling = {.temperature = 1, .seed = seed}, .max_tokens = 250, .grammar = g};
    ig_status status = ig_session_open(m, NULL, &s, err);
    if (status == IG_OK) status = ig_generate_text(s, "{", 1, &o, r, err);
    ig_session_close(s);
    return status;
}

static void a_generation_keeps_to_its_grammar(void **state) {
    (void)state;
    ig_model *m = random_model();
    ig_grammar *g = schema("{\"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": {\"enum\": [\"x\", \"y\"]}, \"c\": {\"type\": \"string\", \"maxLength\": 20}},"
                           " \"required\": [\"a\", \"b\", \"c\"]}", true);
    ig_error err;
    for (uint64_t seed = 0; seed < 10; seed++) {
        ig_generation r = {0};
        ig_doc *doc = NULL;
        check_ok(generate(m, g, seed, &r, &err));
        assert_int_equal(r.finish, IG_FINISH_STOP);
        check_ok(ig_json_parse("text", r.text.data, r.text.len, &doc, &err));
        assert_int_equal(ig_doc_root(doc)->count, 3);
        assert_int_equal(ig_tree_get(ig_doc_root(doc), "a")->type, IG_TREE_INT);
        ig_doc_free(doc);
        ig_generation_fini(&r);
    }
    ig_grammar_free(g);
    ig_model_free(m);
}

/* Pieces of SentencePiece write a space as ▁ and a byte as <0x0A>: the grammar sees what they stand for. */
static ig_tokenizer *pieces(void) {
    enum { N = 3 + 256 + 100 };
    static const char *const words_of[] = {"\xE2\x96\x81", "\xE2\x96\x81{", "\xE2\x96\x81\"", "\xE2\x96\x81the", "the", "\"a", "\":", "{\"", "\xE2\x96\x81" "1", "\xE6\x98\xA5"};
    static char bytes[256][8], letters[90][2];
    const char *token[N];
    float score[N];
    int32_t type[N], n = 0;
    ig_vocab v;
    ig_tokenizer *t = NULL;
    ig_error err;
    token[n++] = "<unk>", token[n++] = "<s>", token[n++] = "</s>";
    for (int i = 0; i < 256; i++) snprintf(bytes[i], sizeof bytes[i], "<0x%02X>", i), token[n++] = bytes[i];
    for (int i = 0; i < 90; i++) letters[i][0] = (char)(33 + i), token[n++] = letters[i];
    for (int i = 0; i < 10; i++) token[n++] = words_of[i];
    for (int i = 0; i < n; i++) score[i] = (float)-i, type[i] = i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1;
    ig_vocab_init(&v);
    v.name = "pieces", v.model = "llama", v.text = token, v.score = score, v.type = type, v.count = (size_t)n;
    v.unk = 0, v.bos = 1, v.eos = 2;
    check_ok(ig_tokenizer_from_vocab(&v, &t, &err));
    return t;
}

/* After {"a": a number may come, also behind a space; no letter may. */
static void a_mask_knows_what_pieces_stand_for(void **state) {
    ig_vocab_trie *v = NULL;
    ig_grammar_state *s = NULL;
    ig_error err;
    bool fits = false;
    uint32_t bits[32] = {0};
    int32_t end = 2;
    ig_tokenizer *t = pieces();
    ig_grammar *g = schema("{\"properties\": {\"a\": {\"type\": \"integer\"}}, \"required\": [\"a\"]}", true);
    (void)state;
    check_ok(ig_vocab_trie_new(t, ig_tokenizer_count(t), &end, 1, &v, &err));
    check_ok(ig_grammar_state_new(g, &s, &err));
    check_ok(ig_grammar_accept(s, "{\"a\":", 5, &fits, &err));
    assert_true(fits);
    check_ok(ig_grammar_mask(s, v, bits, &err));
    assert_true(has(bits, ig_tokenizer_find(t, "\xE2\x96\x81" "1", 4)));
    assert_true(has(bits, ig_tokenizer_find(t, "\xE2\x96\x81", 3)));
    assert_false(has(bits, ig_tokenizer_find(t, "\xE2\x96\x81the", 6)));
    assert_false(has(bits, end));
    ig_grammar_state_free(s);
    ig_vocab_trie_free(v);
    ig_grammar_free(g);
    ig_tokenizer_free(t);
}

static void a_generation_of_pieces_keeps_to_its_grammar(void **state) {
    char json[300];
    ig_model *m = NULL;
    ig_error err;
    ig_tokenizer *t = pieces();
    (void)state;
    snprintf(json, sizeof json, "{\"model_type\": \"gpt2\", \"vocab_size\": %zu, \"n_positions\": 256, \"n_embd\": 16, \"n_layer\": 1, \"n_head\": 2,"
             " \"eos_token_id\": 2}", ig_tokenizer_count(t));
    check_ok(ig_model_new(ctx, "config.json", json, strlen(json), &m, &err));
    m->tokenizer = t;
    ig_grammar *g = schema("{\"properties\": {\"a\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 99}, \"c\": {\"type\": \"string\", \"maxLength\": 12}},"
                           " \"required\": [\"a\", \"c\"]}", true);
    int spaces = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        ig_generation r = {0};
        ig_doc *doc = NULL;
        check_ok(generate(m, g, seed, &r, &err));
        assert_int_equal(r.finish, IG_FINISH_STOP);
        check_ok(ig_json_parse("text", r.text.data, r.text.len, &doc, &err));
        assert_int_equal(ig_tree_get(ig_doc_root(doc), "a")->type, IG_TREE_INT);
        assert_null(strstr(r.text.data, "<0x"));
        spaces += strchr(r.text.data, ' ') != NULL;
        ig_doc_free(doc);
        ig_generation_fini(&r);
    }
    assert_true(spaces > 0); /* written by pieces */
    ig_grammar_free(g);
    ig_model_free(m);
}

static void a_trie_can_be_used_again(void **state) {
    (void)state;
    ig_model *m = random_model();
    ig_grammar *g = schema("{\"enum\": [\"abc\", \"abd\"]}", false);
    ig_vocab_trie *v = trie(), *other = NULL;
    ig_session *s = NULL;
    ig_generation r = {0};
    ig_error err;
    ig_generate_opts o = {.grammar = g, .trie = v};
    check_ok(ig_vocab_trie_new(words, 300, NULL, 0, &other, &err));
    check_ok(ig_session_open(m, NULL, &s, &err));
    for (int i = 0; i < 2; i++) {
        check_ok(ig_generate_text(s, "x", 1, &o, &r, &err));
        assert_true(strcmp(r.text.data, "\"abc\"") == 0 || strcmp(r.text.data, "\"abd\"") == 0);
        ig_generation_fini(&r);
    }
    o.trie = other;
    check_fails(ig_generate_text(s, "x", 1, &o, &r, &err), IG_E_ARG);
    ig_generation_fini(&r);
    ig_session_close(s);
    ig_vocab_trie_free(v);
    ig_vocab_trie_free(other);
    ig_grammar_free(g);
    ig_model_free(m);
}

static void failed_allocations_are_statuses(void **state) {
    (void)state;
    ig_model *m = random_model();
    ig_grammar *g = schema("{\"enum\": [\"abc\", \"abd\"]}", false);
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        ig_generation r = {0};
        ig_alloc_fail_at(n);
        ig_status status = generate(m, g, 1, &r, NULL);
        failed = ig_alloc_fail_at(0) >= n;
        assert_true(status == IG_OK || (failed && status == IG_E_NOMEM)); /* a mask that cannot be kept is no failure */
        ig_generation_fini(&r);
    }
    ig_grammar_free(g);
    ig_model_free(m);
}

/* ---- tool calls ---- */

static const char tools[] = "[{\"type\": \"function\", \"function\": {\"name\": \"weather\", \"description\": \"…\", \"parameters\": {\"type\": \"object\","
    " \"properties\": {\"city\": {\"type\": \"string\", \"maxLength\": 6}, \"days\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 7}}, \"required\": [\"city\"]}}},"
    " {\"type\": \"function\", \"function\": {\"name\": \"clock\"}}]";

static ig_grammar *tool_grammar(ig_tool_mode mode, const char *named) {
    ig_grammar *g = NULL;
    ig_error err;
    check_ok(ig_tool_grammar(tools, strlen(tools), mode, named, IG_TOOL_STYLE_HERMES, &g, &err));
    return g;
}

static bool lets_through(ig_tool_mode mode, const char *named, const char *text) {
    ig_grammar *g = tool_grammar(mode, named);
    ig_grammar_state *s = NULL;
    ig_error err;
    bool fits;
    check_ok(ig_grammar_state_new(g, &s, &err));
    check_ok(ig_grammar_accept(s, text, strlen(text), &fits, &err));
    fits = fits && ig_grammar_can_end(s);
    ig_grammar_state_free(s);
    ig_grammar_free(g);
    return fits;
}

#define WEATHER "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\", \"days\": 3}}\n</tool_call>"
#define CLOCK "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>"

static void modes_decide_what_may_be_said(void **state) {
    (void)state;
    assert_true(lets_through(IG_TOOL_AUTO, NULL, "Hello <tool> <<tool_cal>, <tool_call"));
    assert_true(lets_through(IG_TOOL_AUTO, NULL, ""));
    assert_true(lets_through(IG_TOOL_AUTO, NULL, "Let me see.\n<<tool_call" WEATHER));
    assert_true(lets_through(IG_TOOL_AUTO, NULL, WEATHER "\n" CLOCK));
    assert_false(lets_through(IG_TOOL_AUTO, NULL, "<tool_call>x"));
    assert_false(lets_through(IG_TOOL_AUTO, NULL, WEATHER "and text"));
    assert_true(lets_through(IG_TOOL_REQUIRED, NULL, WEATHER));
    assert_true(lets_through(IG_TOOL_REQUIRED, NULL, CLOCK "\n" WEATHER));
    assert_false(lets_through(IG_TOOL_REQUIRED, NULL, ""));
    assert_false(lets_through(IG_TOOL_REQUIRED, NULL, "Hello"));
    assert_false(lets_through(IG_TOOL_REQUIRED, NULL, "<tool_call>\n{\"name\": \"weather\", \"arguments\": {}}\n</tool_call>"));
    assert_true(lets_through(IG_TOOL_NAMED, "clock", CLOCK));
    assert_false(lets_through(IG_TOOL_NAMED, "clock", WEATHER));
    assert_false(lets_through(IG_TOOL_NAMED, "clock", CLOCK "\n" CLOCK));
}

static void required_calls_parse(void **state) {
    (void)state;
    ig_grammar *g = tool_grammar(IG_TOOL_REQUIRED, NULL);
    ig_vocab_trie *v = trie();
    for (uint64_t seed = 0; seed < 60; seed++) {
        ig_buf out = {.max = 1 << 20};
        ig_tool_calls calls;
        ig_error err;
        if (walk(g, v, seed, &out)) {
            check_ok(ig_tool_calls_parse(out.data, out.len, IG_TOOL_STYLE_HERMES, &calls, &err));
            assert_true(calls.count > 0);
            assert_int_equal(calls.content.len, 0);
            for (size_t i = 0; i < calls.count; i++)
                assert_true(strcmp(calls.call[i].name, "clock") == 0 ? strcmp(calls.call[i].arguments, "{}") == 0 : strstr(calls.call[i].arguments, "{\"city\":") != NULL);
            ig_tool_calls_fini(&calls);
        }
        ig_buf_fini(&out);
    }
    ig_vocab_trie_free(v);
    ig_grammar_free(g);
}

static const struct {
    const char *text, *content;
    size_t count;
    const char *name, *arguments; /* of the first */
} answers[] = {
    {"Hello", "Hello", 0, NULL, NULL},
    {"", "", 0, NULL, NULL},
    {WEATHER, "", 1, "weather", "{\"city\":\"Paris\",\"days\":3}"},
    {"I look.\n\n" WEATHER "\n" CLOCK "\nDone", "I look.\nDone", 2, "weather", "{\"city\":\"Paris\",\"days\":3}"},
    {"<tool_call>{\"name\":\"a\",\"arguments\":{\"x\":\"</tool_call>}\\\"{\"}}</tool_call>", "", 1, "a", "{\"x\":\"</tool_call>}\\\"{\"}"},
    {"<tool_call>\n{\"name\": \"a\"}\n</tool_call>", "<tool_call>\n{\"name\": \"a\"}\n</tool_call>", 0, NULL, NULL},
    {"<tool_call>\n{\"name\": \"a\", \"arguments\": {}", "<tool_call>\n{\"name\": \"a\", \"arguments\": {}", 0, NULL, NULL},
    {"<tool_call>{bad}</tool_call>", "<tool_call>{bad}</tool_call>", 0, NULL, NULL},
    {"<tool_call><tool_call>{\"name\":\"a\",\"arguments\":{}}</tool_call>", "<tool_call>", 1, "a", "{}"},
};

static void calls_are_taken_out_of_a_text(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        ig_tool_calls c;
        ig_error err;
        check_ok(ig_tool_calls_parse(answers[i].text, strlen(answers[i].text), IG_TOOL_STYLE_HERMES, &c, &err));
        assert_int_equal(c.count, answers[i].count);
        assert_string_equal(c.content.data ? c.content.data : "", answers[i].content);
        if (c.count) assert_string_equal(c.call[0].name, answers[i].name);
        if (c.count) assert_string_equal(c.call[0].arguments, answers[i].arguments);
        ig_tool_calls_fini(&c);
    }
}

static void wrong_tools_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *tools;
        ig_status status;
    } bad[] = {{"", IG_E_FORMAT}, {"{}", IG_E_FORMAT}, {"[]", IG_E_FORMAT}, {"[1]", IG_E_UNSUPPORTED}, {"[{\"type\": \"retrieval\"}]", IG_E_UNSUPPORTED},
               {"[{\"type\": \"function\", \"function\": {}}]", IG_E_FORMAT}, {"[{\"function\": {\"name\": \"a\", \"parameters\": {\"not\": {}}}}]", IG_E_UNSUPPORTED}};
    ig_grammar *g = NULL;
    ig_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_fails(ig_tool_grammar(bad[i].tools, strlen(bad[i].tools), IG_TOOL_AUTO, NULL, IG_TOOL_STYLE_HERMES, &g, &err), bad[i].status);
    check_fails(ig_tool_grammar(tools, strlen(tools), IG_TOOL_NAMED, "nobody", IG_TOOL_STYLE_HERMES, &g, &err), IG_E_NOT_FOUND);
    check_fails(ig_tool_grammar(tools, strlen(tools), IG_TOOL_NAMED, NULL, IG_TOOL_STYLE_HERMES, &g, &err), IG_E_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mask_holds_the_tokens_that_fit),
        cmocka_unit_test(random_tokens_under_the_mask_write_what_the_schema_says),
        cmocka_unit_test(random_tokens_write_any_json_object),
        cmocka_unit_test(masked_tokens_are_never_chosen),
        cmocka_unit_test(a_mask_of_all_changes_nothing),
        cmocka_unit_test(a_generation_keeps_to_its_grammar),
        cmocka_unit_test(a_mask_knows_what_pieces_stand_for),
        cmocka_unit_test(a_generation_of_pieces_keeps_to_its_grammar),
        cmocka_unit_test(a_trie_can_be_used_again),
        cmocka_unit_test(failed_allocations_are_statuses),
        cmocka_unit_test(modes_decide_what_may_be_said),
        cmocka_unit_test(required_calls_parse),
        cmocka_unit_test(calls_are_taken_out_of_a_text),
        cmocka_unit_test(wrong_tools_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
