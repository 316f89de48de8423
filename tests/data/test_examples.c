/* tests/data/test_examples.c: what of a conversation is learned, which rows are refused and where, and batches of rows. */
#include "../check.h"
#include "ingot/examples.h"

static ig_context *ctx;
static ig_tokenizer *letters; /* a token per character */

static const char chatml[] =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
static const char llama2[] = /* one prompt ends where the answer begins; nothing is said for add_generation_prompt */
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '[INST] ' + m.content | trim + ' [/INST]' }}"
    "{% elif m.role == 'assistant' %}{{ ' ' + m.content | trim + ' ' + eos_token }}{% else %}{{ raise_exception('no system here') }}{% endif %}{% endfor %}";
static const char llama3[] =
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";
static const char forgetful[] = /* only the newest answer keeps what was thought */
    "{% for m in messages %}{{ m.role + ':' }}{% if m.role == 'assistant' and not loop.last %}{{ m.content.split('#')[-1] }}"
    "{% else %}{{ m.content }}{% endif %}{{ '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}";

static int set_up(void **state) {
    ig_error err = {0};
    char all[128];
    size_t n = 0;
    (void)state;
    for (int c = 32; c < 127; c++) all[n++] = (char)c;
    all[n++] = '\n';
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err));
    check_ok(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, all, n, NULL, &letters, &err));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ig_tokenizer_free(letters);
    ig_context_free(ctx);
    return 0;
}

static ig_chat_format *format_of(const char *text) {
    ig_chat_format *f;
    ig_error err = {0};
    check_ok(ig_chat_format_new("template", text, strlen(text), "<s>", "</s>", &f, &err));
    return f;
}

/* ---- masks ---- */

/* The text with what is learned between braces; encoded letter by letter. */
static void check_mask(const char *template, const char *conversation, const char *expected) {
    ig_chat_format *f = format_of(template);
    ig_doc *d;
    ig_ids ids = {0};
    ig_buf learned = {.max = 1 << 16}, shown = {.max = 1 << 16};
    ig_error err = {0};
    bool open = false;
    check_ok(ig_json_parse("c", conversation, strlen(conversation), &d, &err));
    check_ok(ig_chat_encode(f, letters, ig_doc_root(d), 0, &ids, &learned, &err));
    assert_int_equal(ids.len, learned.len);
    for (size_t i = 0; i < ids.len; i++) {
        if (learned.data[i] != open) ig_buf_putc(&shown, open ? '}' : '{');
        open = learned.data[i];
        check_ok(ig_tokenizer_decode(letters, &ids.data[i], 1, 0, &shown, &err));
    }
    if (open) ig_buf_putc(&shown, '}');
    assert_string_equal(shown.data, expected);
    ig_chat_format_free(f);
    ig_doc_free(d);
    ig_ids_fini(&ids);
    ig_buf_fini(&learned);
    ig_buf_fini(&shown);
}

#define TWO_TURNS "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": \"Hello!\"}," \
                  "{\"role\": \"user\", \"content\": \"Hello!\"}, {\"role\": \"assistant\", \"content\": \"Bye\"}]}"

static void only_what_the_assistant_says_is_learned(void **state) {
    (void)state;
    check_mask(chatml, TWO_TURNS,
               "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n{Hello!<|im_end|>\n}<|im_start|>user\nHello!<|im_end|>\n"
               "<|im_start|>assistant\n{Bye<|im_end|>\n}");
    check_mask(llama2, TWO_TURNS, "<s>[INST] Hi [/INST]{ Hello! </s>}[INST] Hello! [/INST]{ Bye </s>}");
    check_mask(llama3, TWO_TURNS,
               "<s><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n{Hello!<|eot_id|>}"
               "<|start_header_id|>user<|end_header_id|>\n\nHello!<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n{Bye<|eot_id|>}");
}

static void a_turn_of_weight_0_is_read_and_not_learned(void **state) {
    (void)state;
    check_mask(llama2,
               "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\", \"weight\": 0},"
               "{\"role\": \"user\", \"content\": \"c\"}, {\"role\": \"assistant\", \"content\": \"d\", \"weight\": 1}]}",
               "<s>[INST] a [/INST] b </s>[INST] c [/INST]{ d </s>}");
}

static void a_turn_that_the_template_shortens_is_not_learned(void **state) {
    (void)state;
    check_mask(forgetful,
               "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"hm#b\"},"
               "{\"role\": \"user\", \"content\": \"c\"}, {\"role\": \"assistant\", \"content\": \"so#d\"}]}",
               "user:a\nassistant:b\nuser:c\nassistant:{so#d\n}");
}

static void without_a_template_there_is_a_plain_form(void **state) {
    ig_chat_format *f;
    ig_error err = {0};
    ig_buf config = {.max = 4096};
    (void)state;
    check_ok(ig_chat_format_load(NULL, letters, &f, &err));
    assert_string_equal(ig_chat_format_name(f), "plain");
    assert_false(ig_chat_format_is_own(f));
    check_ok(ig_chat_format_config(f, &config, &err));
    assert_non_null(strstr(config.data, "chat_template"));
    ig_buf_fini(&config);
    ig_chat_format_free(f);
}

/* ---- bad rows ---- */

typedef struct bad_row {
    const char *row, *problem, *detail;
} bad_row;

#define USER "{\"role\": \"user\", \"content\": \"q\"}"
#define ASSISTANT "{\"role\": \"assistant\", \"content\": \"a\"}"
#define CHAT(list) "{\"messages\": [" list "]}"

static const bad_row chat_rows[] = {
    {"{", "json", ""},
    {"[1, 2]", "json", "it is a list"},
    {"\"text\"", "json", "it is text"},
    {"{\"messages\": [" USER "], \"messages\": []}", "json", "twice"},
    {"{}", "fields", "needs messages, or prompt and completion"},
    {"{\"prompt\": \"q\"}", "fields", "prompt without completion"},
    {"{\"completion\": \"q\"}", "fields", "completion without prompt"},
    {"{\"prompt\": 5, \"completion\": \"a\"}", "messages", "expected a text or a list"},
    {"{\"messages\": \"q\"}", "messages", "messages is text, must be a list"},
    {"{\"messages\": []}", "messages", "messages is empty"},
    {CHAT("\"q\", " ASSISTANT), "messages", "messages[0] is text, must be a map"},
    {CHAT("{\"content\": \"q\"}"), "role", "messages[0] has none"},
    {CHAT("{\"role\": 1, \"content\": \"q\"}"), "role", "messages[0] has none"},
    {CHAT("{\"role\": \"bot\", \"content\": \"q\"}"), "role", "\"bot\"; known are"},
    {CHAT(USER ", {\"role\": \"assistant\"}"), "content", "messages[1] (assistant) has none"},
    {CHAT(USER ", {\"role\": \"assistant\", \"content\": null}"), "content", "messages[1] (assistant) has none"},
    {CHAT("{\"role\": \"user\", \"content\": [\"q\"]}, " ASSISTANT), "content", "messages[0].content is a list, must be text"},
    {CHAT("{\"role\": \"user\", \"content\": \"a\\u0000b\"}, " ASSISTANT), "content", "a character with the number 0"},
    {CHAT(USER ", {\"role\": \"assistant\", \"content\": \" \\n\"}"), "empty", "messages[1] (assistant)"},
    {CHAT("{\"role\": \"user\", \"content\": \"\"}, " ASSISTANT), "empty", "messages[0] (user)"},
    {CHAT(USER ", {\"role\": \"system\", \"content\": \"s\"}, " ASSISTANT), "order", "messages[1] (system) must be the first"},
    {CHAT(ASSISTANT ", " USER), "order", "messages[0] (assistant) stands before any of a user"},
    {CHAT("{\"role\": \"system\", \"content\": \"s\"}, " ASSISTANT), "order", "messages[1] (assistant) stands before"},
    {CHAT(USER ", " ASSISTANT ", {\"role\": \"tool\", \"content\": \"t\"}, " ASSISTANT), "order", "messages[2] (tool) answers no call"},
    {CHAT(USER ", " ASSISTANT ", " USER), "order", "the last message is of the role user"},
    {CHAT(USER), "no_answer", "no message has the role assistant"},
    {CHAT(USER ", {\"role\": \"assistant\", \"content\": \"a\", \"weight\": 0}"), "no_answer", "weight other than 0"},
    {CHAT(USER ", {\"role\": \"assistant\", \"content\": \"a\", \"weight\": 2}"), "weight", "messages[1].weight"},
    {CHAT(USER ", {\"role\": \"assistant\", \"content\": \"a\", \"weight\": 0.5}"), "weight", "messages[1].weight"},
    {CHAT("{\"role\": \"user\", \"content\": \"q\", \"weight\": 1}, " ASSISTANT), "weight", "only the assistant's"},
    {CHAT(USER ", {\"role\": \"assistant\", \"tool_calls\": []}"), "tools", "must be a list that is not empty"},
    {CHAT(USER ", {\"role\": \"assistant\", \"tool_calls\": [{\"function\": {}}]}"), "tools", "a call without function.name"},
    {CHAT("{\"role\": \"user\", \"content\": \"q\", \"tool_calls\": [1]}"), "tools", "only the assistant calls tools"},
    {"{\"messages\": [" USER ", " ASSISTANT "], \"tools\": {}}", "tools", "tools is a map, must be a list"},
    {CHAT(USER ", {\"role\": \"assistant\", \"content\": \"0123456789 0123456789 0123456789 0123456789 0123456789\"}"), "too_long", "a context of 64 holds 65"},
    {CHAT("{\"role\": \"user\", \"content\": \"\xE4\xBD\xA0\"}, " ASSISTANT), "tokens", ""},
    {CHAT("{\"role\": \"user\", \"content\": \"\xFF\"}, " ASSISTANT), "encoding", ""},
    {CHAT("{\"role\": \"system\", \"content\": \"s\"}, " USER ", " ASSISTANT), "template", "no system here"},
};

static const bad_row preference_rows[] = {
    {"{\"prompt\": \"q\", \"chosen\": \"a\"}", "fields", "lacks rejected"},
    {"{\"prompt\": \"q\", \"rejected\": \"a\"}", "fields", "lacks chosen"},
    {"{\"chosen\": \"a\", \"rejected\": \"b\"}", "fields", "needs prompt or messages"},
    {"{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"a\"}", "same", ""},
    {"{\"prompt\": \"q\", \"chosen\": \"\", \"rejected\": \"a\"}", "empty", "messages[1] (assistant)"},
    {"{\"prompt\": \"q\", \"chosen\": 1, \"rejected\": \"a\"}", "messages", "expected a text or a list"},
    {"{\"input\": {}, \"preferred_output\": [], \"non_preferred_output\": []}", "fields", "input without messages"},
    {"{\"input\": {\"messages\": [" USER "]}, \"preferred_output\": [" ASSISTANT "]}", "fields", "input without non_preferred_output"},
};

/* Behind a line that is good and an empty one. */
static void check_bad(const bad_row *b, ig_example_kind kind, const char *good) {
    ig_chat_format *f = format_of(llama2);
    ig_examples x = {0};
    ig_problems p = {0};
    ig_error err = {0};
    char text[2048];
    snprintf(text, sizeof text, "%s\n\n%s\n", good, b->row);
    ig_examples_opts o = {.kind = kind, .tokenizer = letters, .format = f, .context = 64};
    check_ok(ig_examples_parse("rows.jsonl", text, strlen(text), &o, &x, &p, &err));
    if (p.count != 1 || x.count != 1) fail_msg("%s: %zu problems, %zu rows", b->row, p.count, x.count);
    if (strcmp(ig_problem_name(p.item[0].kind), b->problem) != 0 || !strstr(p.item[0].detail, b->detail))
        fail_msg("%s: %s: %s", b->row, ig_problem_name(p.item[0].kind), p.item[0].detail);
    assert_int_equal(p.item[0].line, 3);
    assert_int_equal(x.ids.len, x.row[0].rejected_len ? x.row[0].rejected_at + x.row[0].rejected_len : x.row[0].len);
    ig_examples_fini(&x);
    ig_problems_fini(&p);
    ig_chat_format_free(f);
}

static void bad_rows_are_named_by_line(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof chat_rows / sizeof *chat_rows; i++)
        check_bad(&chat_rows[i], IG_EXAMPLES_CHAT, "{\"prompt\": \"good\", \"completion\": \"yes\"}");
    for (size_t i = 0; i < sizeof preference_rows / sizeof *preference_rows; i++)
        check_bad(&preference_rows[i], IG_EXAMPLES_PREFERENCE, "{\"prompt\": \"good\", \"chosen\": \"yes\", \"rejected\": \"no\"}");
}

static void duplicates_and_cuts_are_noted_and_kept(void **state) {
    static const char text[] = "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\", \"completion\": \"b\"}\n"
                               "{\"prompt\": \"a\", \"completion\": \"0123456789012345678901234567890123456789\"}";
    ig_chat_format *f = format_of(llama2);
    ig_examples x = {0};
    ig_problems p = {0};
    ig_error err = {0};
    ig_examples_opts o = {.kind = IG_EXAMPLES_CHAT, .tokenizer = letters, .format = f, .context = 32, .cut = true};
    (void)state;
    check_ok(ig_examples_parse("rows.jsonl", text, sizeof text - 1, &o, &x, &p, &err));
    assert_int_equal(x.count, 3);
    assert_int_equal(p.count, 2);
    assert_int_equal(p.harmless, 2);
    assert_string_equal(p.item[0].detail, "line 1");
    assert_int_equal(p.item[1].kind, IG_PROBLEM_CUT);
    assert_int_equal(x.row[2].len, 33);
    check_fails(ig_examples_parse("rows.jsonl", "\n \n", 3, &o, &x, &p, &err), IG_E_FORMAT);
    ig_examples_fini(&x);
    ig_problems_fini(&p);
    ig_chat_format_free(f);
}

/* ---- forms, batches, memory ---- */

static const char pairs[] =
    "{\"prompt\": \"q\", \"chosen\": \"yes\", \"rejected\": \"no\"}\n"
    "{\"messages\": [" USER "], \"chosen\": {\"role\": \"assistant\", \"content\": \"yes\"}, \"rejected\": [{\"role\": \"assistant\", \"content\": \"no\"}]}\n"
    "{\"input\": {\"messages\": [" USER "]}, \"preferred_output\": [{\"role\": \"assistant\", \"content\": \"yes\"}],"
    " \"non_preferred_output\": [{\"role\": \"assistant\", \"content\": \"no\"}]}\n"
    "{\"chosen\": [" USER ", {\"role\": \"assistant\", \"content\": \"yes\"}], \"rejected\": [" USER ", {\"role\": \"assistant\", \"content\": \"no\"}]}\n";

static ig_status read_pairs(const ig_chat_format *f, ig_examples *x, ig_problems *p, ig_error *err) {
    ig_examples_opts o = {.kind = IG_EXAMPLES_PREFERENCE, .tokenizer = letters, .format = f};
    return ig_examples_parse("pairs.jsonl", pairs, sizeof pairs - 1, &o, x, p, err);
}

static void all_forms_of_a_pair_are_the_same(void **state) {
    ig_chat_format *f = format_of(llama2);
    ig_examples x = {0};
    ig_problems p = {0};
    ig_error err = {0};
    (void)state;
    check_ok(read_pairs(f, &x, &p, &err));
    assert_int_equal(p.count, 0);
    assert_int_equal(x.count, 4);
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(x.row[i].len, x.row[0].len);
        assert_memory_equal(x.ids.data + x.row[i].at, x.ids.data + x.row[0].at, x.row[0].len * sizeof(int32_t));
        assert_memory_equal(x.ids.data + x.row[i].rejected_at, x.ids.data + x.row[0].rejected_at, x.row[0].rejected_len * sizeof(int32_t));
        assert_memory_equal(x.learned.data + x.row[i].at, x.learned.data + x.row[0].at, x.row[0].len);
    }
    ig_examples_fini(&x);
    ig_problems_fini(&p);
    ig_chat_format_free(f);
}

static void every_row_comes_once_per_epoch_in_a_bucket_that_holds_it(void **state) {
    ig_chat_format *f = format_of(llama2);
    ig_buf text = {.max = 1 << 20};
    ig_examples x = {0};
    ig_problems p = {0};
    ig_row_batches b;
    ig_error err = {0};
    int64_t rows[3];
    int seen[40] = {0};
    (void)state;
    for (int i = 0; i < 40; i++) ig_buf_printf(&text, "{\"prompt\": \"q\", \"completion\": \"%0*d\"}\n", 1 + i * i % 120, i);
    ig_examples_opts o = {.kind = IG_EXAMPLES_CHAT, .tokenizer = letters, .format = f};
    check_ok(ig_examples_parse("rows.jsonl", text.data, text.len, &o, &x, &p, &err));
    check_ok(ig_row_batches_init(&b, &x, 0, 40, 3, 200, 7, &err));
    assert_true(b.buckets > 1);
    int64_t batches = (int64_t)(1 / ig_row_batches_epoch(&b, 1) + 0.5);
    for (int64_t i = 0; i < 2 * batches; i++) {
        int k = ig_row_batches_pick(&b, i, rows);
        for (int r = 0; r < 3; r++) {
            if (rows[r] < 0) continue;
            seen[rows[r]]++;
            assert_true((int64_t)x.row[rows[r]].len - 1 <= b.length[k]);
        }
    }
    for (int i = 0; i < 40; i++) assert_int_equal(seen[i], 2);
    ig_row_batches_fini(&b);
    ig_examples_fini(&x);
    ig_problems_fini(&p);
    ig_buf_fini(&text);
    ig_chat_format_free(f);
}

static void every_failed_allocation_is_told(void **state) {
    ig_chat_format *f = format_of(llama2);
    bool failed = true;
    (void)state;
    for (uint64_t n = 1; failed; n++) {
        ig_examples x = {0};
        ig_problems p = {0};
        ig_error err = {0};
        ig_alloc_fail_at(n);
        ig_status status = read_pairs(f, &x, &p, &err);
        ig_alloc_fail_at(0);
        failed = status != IG_OK;
        if (failed && status != IG_E_NOMEM) fail_msg("allocation %d: %s", (int)n, ig_status_name(status));
        if (!failed && (p.count || x.count != 4)) fail_msg("allocation %d: %zu problems: %s", (int)n, p.count, p.count ? p.item[0].detail : "");
        ig_examples_fini(&x);
        ig_problems_fini(&p);
    }
    ig_chat_format_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_the_assistant_says_is_learned),
        cmocka_unit_test(a_turn_of_weight_0_is_read_and_not_learned),
        cmocka_unit_test(a_turn_that_the_template_shortens_is_not_learned),
        cmocka_unit_test(without_a_template_there_is_a_plain_form),
        cmocka_unit_test(bad_rows_are_named_by_line),
        cmocka_unit_test(duplicates_and_cuts_are_noted_and_kept),
        cmocka_unit_test(all_forms_of_a_pair_are_the_same),
        cmocka_unit_test(every_row_comes_once_per_epoch_in_a_bucket_that_holds_it),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
