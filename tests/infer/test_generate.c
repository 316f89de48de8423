/* tests/infer/test_generate.c: how a generation ends and what it lets out.
 *
 * The model here is written by hand so that what it says is known: token i is one-hot in the stream, the blocks add
 * nothing, and the head gives all weight to the successor of i.  The tokenizer has one token per byte, so that every
 * character beyond ASCII takes several tokens, and one that ends the text.
 */
#include "ingot/infer.h"

#include "../check.h"

#define N 257 /* 256 bytes and <|endoftext|> */

static ig_context *ctx;
static ig_tokenizer *bytes;

static int set_up(void **state) {
    (void)state;
    const char *special[] = {"<|endoftext|>"};
    ig_tokenizer_train_opts o = {.special = special, .special_count = 1};
    if (ig_context_new(NULL, &ctx, NULL) != IG_OK) return -1;
    return ig_tokenizer_train(IG_TOKENIZER_BPE, N, "abc", 3, &o, &bytes, NULL) == IG_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ig_tokenizer_free(bytes);
    ig_context_free(ctx);
    return 0;
}

static int32_t id_of(char c) { return ig_tokenizer_find(bytes, &c, 1); }
static int32_t end_id(void) { return ig_tokenizer_find(bytes, "<|endoftext|>", 13); }

static float *weights(ig_model *m, const char *name) { return ig_params_find(&m->params, name)->value.data; }

static void follow(ig_model *m, int32_t a, int32_t b) { weights(m, "lm_head.weight")[b * N + a] = 1; }

/* A model that says `text` (no byte twice in it), then ends it. */
static ig_model *speaker(const char *text, int context) {
    char json[400];
    ig_model *m = NULL;
    ig_error err;
    snprintf(json, sizeof json, "{\"model_type\": \"gpt2\", \"vocab_size\": %d, \"n_positions\": %d, \"n_embd\": %d, \"n_layer\": 1,"
             " \"n_head\": 1, \"n_inner\": 1, \"tie_word_embeddings\": false}", N, context, N);
    check_ok(ig_model_new(ctx, "config.json", json, strlen(json), &m, &err));
    check_ok(ig_tensor_fill(ctx, &ig_params_find(&m->params, "transformer.ln_f.weight")->value, 10, &err));
    for (int i = 0; i < N; i++) weights(m, "transformer.wte.weight")[i * N + i] = 1;
    for (size_t i = 0; text[i]; i++) follow(m, id_of(text[i]), text[i + 1] ? id_of(text[i + 1]) : end_id());
    ig_buf file = {.max = 1 << 20};
    check_ok(ig_tokenizer_format(bytes, &file, &err));
    check_ok(ig_tokenizer_parse("tokenizer.json", file.data, file.len, &m->tokenizer, &err));
    ig_buf_fini(&file);
    return m;
}

/* What one generation did: pieces joined by '|', with rest, tokens, reason. */
typedef struct outcome {
    char pieces[512];
    int calls, cancel_after;
    ig_generation r;
} outcome;

static bool on_piece(void *arg, const ig_piece *p) {
    outcome *o = arg;
    assert_true(ig_utf8_valid(p->text, p->len));
    snprintf(o->pieces + strlen(o->pieces), sizeof o->pieces - strlen(o->pieces), "%.*s|", (int)p->len, p->text);
    return ++o->calls != o->cancel_after;
}

static void generate(ig_model *m, const char *prompt, ig_generate_opts opts, bool slide, outcome *o) {
    ig_session *s = NULL;
    ig_error err;
    opts.on_piece = on_piece;
    opts.arg = o;
    check_ok(ig_session_open(m, &(ig_session_opts){.slide = slide}, &s, &err));
    check_ok(ig_generate_text(s, prompt, strlen(prompt), &opts, &o->r, &err));
    ig_session_close(s);
}

static void assert_outcome(outcome *o, const char *text, const char *pieces, size_t ids, ig_finish finish) {
    assert_string_equal(o->r.text.data ? o->r.text.data : "", text);
    assert_string_equal(o->pieces, pieces);
    assert_int_equal(o->r.ids.len, ids);
    assert_int_equal(o->r.finish, finish);
    ig_generation_fini(&o->r);
}

static void says(const char *speech, ig_generate_opts opts, const char *text, const char *pieces, size_t ids, ig_finish finish) {
    char prompt[2] = {speech[0], 0};
    outcome o = {0};
    ig_model *m = speaker(speech, 64);
    generate(m, prompt, opts, false, &o);
    assert_outcome(&o, text, pieces, ids, finish);
    ig_model_free(m);
}

#define STOPS(...) .stop = (const char *const[]){__VA_ARGS__}, .stop_count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)

static void an_end_token_ends_the_text(void **state) {
    (void)state;
    says("abcd", (ig_generate_opts){0}, "bcd", "b|c|d|", 4, IG_FINISH_STOP);
}

static void max_tokens_end_it(void **state) {
    (void)state;
    says("abcd", (ig_generate_opts){.max_tokens = 2}, "bc", "b|c|", 2, IG_FINISH_LENGTH);
}

static void stop_texts_are_found_across_tokens(void **state) {
    (void)state;
    says("abcdefg", (ig_generate_opts){STOPS("de")}, "bc", "b|c|||", 4, IG_FINISH_STOP);
    says("abcdefg", (ig_generate_opts){STOPS("xyz", "b")}, "", "|", 1, IG_FINISH_STOP);
    says("abcdefg", (ig_generate_opts){STOPS("cdef", "de")}, "bc", "b|||c|", 4, IG_FINISH_STOP);
}

static void what_only_looked_like_a_stop_text_goes_out(void **state) {
    (void)state;
    says("abcdefg", (ig_generate_opts){STOPS("cdx")}, "bcdefg", "b|||cde|f|g|", 7, IG_FINISH_STOP);
    says("abcdefg", (ig_generate_opts){STOPS("fgh")}, "bcdefg", "b|c|d|e|||fg|", 7, IG_FINISH_STOP);
    says("abcdefg", (ig_generate_opts){STOPS("efz"), .max_tokens = 5}, "bcdef", "b|c|d|||ef|", 5, IG_FINISH_LENGTH);
}

/* 退 is E9 80 80 in no byte twice: é C3 A9, and ü is C3 BC, so: é and 中 (E4 B8 AD). */
static void pieces_are_whole_characters(void **state) {
    (void)state;
    says("a\xC3\xA9z\xE4\xB8\xADq", (ig_generate_opts){0}, "éz中q", "|é|z|||中|q|", 8, IG_FINISH_STOP);
    says("a\xC3\xA9z\xE4\xB8\xADq", (ig_generate_opts){STOPS("中q")}, "éz", "|é|z|||||", 7, IG_FINISH_STOP);
}

static void broken_characters_become_replacement_characters(void **state) {
    (void)state;
    says("a\xC3z", (ig_generate_opts){0}, "\xEF\xBF\xBDz", "|\xEF\xBF\xBDz|", 3, IG_FINISH_STOP);
    says("abc\xE4\xB8", (ig_generate_opts){0}, "bc\xEF\xBF\xBD", "b|c|||\xEF\xBF\xBD|", 5, IG_FINISH_STOP);
}

static void the_callback_can_stop_it(void **state) {
    (void)state;
    outcome o = {.cancel_after = 2};
    ig_model *m = speaker("abcdefg", 64);
    generate(m, "a", (ig_generate_opts){0}, false, &o);
    assert_outcome(&o, "bc", "b|c|", 2, IG_FINISH_CANCELLED);
    ig_model_free(m);
}

static void end_tokens_can_be_chosen_or_ignored(void **state) {
    (void)state;
    int32_t d = id_of('d');
    says("abcdefg", (ig_generate_opts){.end_ids = &d, .end_count = 1}, "bc", "b|c|", 3, IG_FINISH_STOP);
    ig_model *m = speaker("abcd", 64);
    follow(m, end_id(), id_of('b'));
    outcome o = {0};
    generate(m, "a", (ig_generate_opts){.ignore_end = true, .max_tokens = 5}, false, &o);
    assert_outcome(&o, "bcd<|endoftext|>b", "b|c|d|<|endoftext|>|b|", 5, IG_FINISH_LENGTH);
    ig_model_free(m);
}

static void eos_token_id_of_the_config_comes_first(void **state) {
    (void)state;
    char value[40];
    ig_error err;
    ig_model *m = speaker("abcdefg", 64);
    snprintf(value, sizeof value, "[%d, %d]", id_of('x'), id_of('e'));
    check_ok(ig_doc_set(m->config, "eos_token_id", value, &err));
    outcome o = {0};
    generate(m, "a", (ig_generate_opts){0}, false, &o);
    assert_outcome(&o, "bcd", "b|c|d|", 4, IG_FINISH_STOP);
    ig_model_free(m);
}

static void a_full_context_ends_it_unless_it_slides(void **state) {
    (void)state;
    ig_model *m = speaker("abcdefghijklmnop", 6);
    outcome o = {0}, sliding = {0};
    generate(m, "ab", (ig_generate_opts){0}, false, &o);
    assert_outcome(&o, "cdefg", "c|d|e|f|g|", 5, IG_FINISH_LENGTH); /* the last one needs no room */
    generate(m, "ab", (ig_generate_opts){0}, true, &sliding);
    assert_outcome(&sliding, "cdefghijklmnop", "c|d|e|f|g|h|i|j|k|l|m|n|o|p|", 15, IG_FINISH_STOP);
    ig_model_free(m);
}

static void an_empty_prompt_starts_from_the_start_token(void **state) {
    (void)state;
    ig_error err;
    char value[20];
    ig_model *m = speaker("abc", 64);
    assert_int_equal(ig_start_token(m), end_id());
    follow(m, end_id(), id_of('a'));
    outcome o = {0};
    generate(m, "", (ig_generate_opts){0}, false, &o);
    assert_outcome(&o, "abc", "a|b|c|", 4, IG_FINISH_STOP);
    snprintf(value, sizeof value, "%d", id_of('b'));
    check_ok(ig_doc_set(m->config, "bos_token_id", value, &err));
    assert_int_equal(ig_start_token(m), id_of('b'));
    ig_model_free(m);
}

static void special_tokens_in_a_prompt_are_plain_text(void **state) {
    (void)state;
    outcome o = {0};
    ig_model *m = speaker(">bc", 64);
    generate(m, "<|endoftext|>", (ig_generate_opts){0}, false, &o);
    assert_int_equal(o.r.prompt_tokens, 13);
    assert_outcome(&o, "bc", "b|c|", 3, IG_FINISH_STOP);
    ig_model_free(m);
}

static void wrong_requests_are_refused(void **state) {
    (void)state;
    ig_error err;
    ig_session *s = NULL;
    ig_generation r = {0};
    ig_model *m = speaker("abc", 64);
    int32_t a = id_of('a');
    check_ok(ig_session_open(m, NULL, &s, &err));
    check_fails(ig_generate(s, NULL, 0, NULL, &r, &err), IG_E_STATE);
    check_fails(ig_generate(s, &a, 1, &(ig_generate_opts){STOPS("")}, &r, &err), IG_E_ARG);
    check_fails(ig_generate(s, &a, 1, &(ig_generate_opts){STOPS("\xC3")}, &r, &err), IG_E_ARG);
    check_fails(ig_generate(s, &a, 1, &(ig_generate_opts){.sampling = {.top_p = 2}}, &r, &err), IG_E_ARG);
    ig_tokenizer_free(m->tokenizer);
    m->tokenizer = NULL;
    check_fails(ig_generate_text(s, "a", 1, NULL, &r, &err), IG_E_STATE);
    check_fails(ig_generate(s, &a, 1, &(ig_generate_opts){STOPS("x")}, &r, &err), IG_E_ARG);
    check_ok(ig_generate(s, &a, 1, &(ig_generate_opts){.max_tokens = 2}, &r, &err));
    assert_int_equal(r.ids.data[1], id_of('c'));
    assert_int_equal(r.text.len, 0);
    ig_generation_fini(&r);
    ig_session_close(s);
    ig_model_free(m);
}

static void failed_allocations_are_statuses(void **state) {
    (void)state;
    ig_model *m = speaker("abcdefg", 64);
    ig_status status = IG_E_NOMEM;
    for (uint64_t n = 1; status != IG_OK; n++) {
        ig_session *s = NULL;
        ig_generation r = {0};
        ig_alloc_fail_at(n);
        status = ig_session_open(m, NULL, &s, NULL);
        if (status == IG_OK) status = ig_generate_text(s, "a", 1, &(ig_generate_opts){STOPS("fx")}, &r, NULL);
        bool failed = ig_alloc_fail_at(0) >= n;
        assert_int_equal(status, failed ? IG_E_NOMEM : IG_OK);
        ig_generation_fini(&r);
        ig_session_close(s);
    }
    ig_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_token_ends_the_text),
        cmocka_unit_test(max_tokens_end_it),
        cmocka_unit_test(stop_texts_are_found_across_tokens),
        cmocka_unit_test(what_only_looked_like_a_stop_text_goes_out),
        cmocka_unit_test(pieces_are_whole_characters),
        cmocka_unit_test(broken_characters_become_replacement_characters),
        cmocka_unit_test(the_callback_can_stop_it),
        cmocka_unit_test(end_tokens_can_be_chosen_or_ignored),
        cmocka_unit_test(eos_token_id_of_the_config_comes_first),
        cmocka_unit_test(a_full_context_ends_it_unless_it_slides),
        cmocka_unit_test(an_empty_prompt_starts_from_the_start_token),
        cmocka_unit_test(special_tokens_in_a_prompt_are_plain_text),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(failed_allocations_are_statuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
