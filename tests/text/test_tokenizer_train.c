/* Training: against a plain implementation of the algorithm, and against what must hold of any vocabulary. */
#include "data.h"

#include "ingot/text.h"

static ig_error err;

/* ---- a plain byte-pair trainer: count all pairs, merge the best, count again ---- */

#define WORDS 40
#define LETTERS 12

typedef struct plain {
    int word[WORDS][LETTERS + 1], len[WORDS];
    char token[600][64];
    int tokens;
} plain;

static int plain_find(const plain *p, const char *s) {
    for (int i = 0; i < p->tokens; i++)
        if (!strcmp(p->token[i], s)) return i;
    return -1;
}

static int plain_count(const plain *p, int a, int b) {
    int n = 0;
    for (int w = 0; w < WORDS; w++)
        for (int i = 0; i + 1 < p->len[w]; i++) n += p->word[w][i] == a && p->word[w][i + 1] == b;
    return n;
}

static bool plain_best(const plain *p, int *a, int *b) {
    int best = 1; /* seen twice at least */
    for (int w = 0; w < WORDS; w++)
        for (int i = 0; i + 1 < p->len[w]; i++) {
            int x = p->word[w][i], y = p->word[w][i + 1], n = plain_count(p, x, y);
            if (n < best || (n == best && (best == 1 || x > *a || (x == *a && y >= *b)))) continue;
            best = n, *a = x, *b = y;
        }
    return best > 1;
}

static void plain_merge(plain *p, int a, int b) {
    char made[128];
    snprintf(made, sizeof made, "%s%s", p->token[a], p->token[b]);
    int id = plain_find(p, made);
    if (id < 0) {
        id = p->tokens++;
        snprintf(p->token[id], sizeof p->token[id], "%.63s", made);
    }
    for (int w = 0; w < WORDS; w++) {
        int n = 0;
        for (int i = 0; i < p->len[w]; i++) {
            bool here = i + 1 < p->len[w] && p->word[w][i] == a && p->word[w][i + 1] == b;
            p->word[w][n++] = here ? id : p->word[w][i];
            i += here;
        }
        p->len[w] = n;
    }
}

/* Words of few letters, so that pairs overlap ("aaa"), tie, and make the same token in two ways. */
static void merges_equal_those_of_the_plain_algorithm(void **state) {
    (void)state;
    static plain p;
    ig_rng rng;
    ig_rng_init(&rng, 11, 0);
    for (int round = 0; round < 60; round++) {
        ig_buf text = {.max = 1 << 16};
        ig_tokenizer *t;
        for (int w = 0; w < WORDS; w++) {
            p.len[w] = 1 + (int)ig_rng_below(&rng, LETTERS);
            ig_buf_putc(&text, ' ');
            for (int i = 0; i < p.len[w]; i++) ig_buf_putc(&text, (char)('a' + ig_rng_below(&rng, 1 + (unsigned)round % 4)));
        }
        check_ok(ig_tokenizer_train(IG_TOKENIZER_BPE, 400, text.data, text.len, NULL, &t, &err));
        p.tokens = 256;
        for (int i = 0; i < 256; i++) {
            size_t len;
            snprintf(p.token[i], sizeof p.token[i], "%c", ig_tokenizer_token(t, i, &len)[0]);
        }
        for (int w = 0, at = 0; w < WORDS; w++) {
            p.len[w]++;
            for (int i = 0; i < p.len[w]; i++) {
                char letter[2] = {text.data[at++], 0};
                p.word[w][i] = plain_find(&p, letter);
            }
        }
        int a = 0, b = 0;
        while (p.tokens < 400 && plain_best(&p, &a, &b)) plain_merge(&p, a, b);
        assert_int_equal(ig_tokenizer_count(t), p.tokens);
        for (int i = 256; i < p.tokens; i++) {
            size_t len;
            const char *s = ig_tokenizer_token(t, i, &len);
            assert_int_equal(len, strlen(p.token[i]));
            assert_memory_equal(s, p.token[i], len);
        }
        ig_tokenizer_free(t);
        ig_buf_fini(&text);
    }
}

static void base_bytes_have_the_order_of_gpt2(void **state) {
    (void)state;
    ig_tokenizer *t;
    check_ok(ig_tokenizer_train(IG_TOKENIZER_BPE, 256, "x", 1, NULL, &t, &err));
    assert_int_equal(ig_tokenizer_count(t), 256);
    assert_int_equal(ig_tokenizer_find(t, "!", 1), 0);
    assert_int_equal(ig_tokenizer_find(t, "A", 1), 32);
    assert_int_equal(ig_tokenizer_find(t, "\n", 1), 198);
    assert_int_equal(ig_tokenizer_find(t, " ", 1), 220);
    assert_int_equal(ig_tokenizer_find(t, "\xad", 1), 255);
    ig_tokenizer_free(t);
}

static void special_tokens_are_cut_out_of_the_training_text_and_never_learned(void **state) {
    (void)state;
    const char *special[] = {"<|endoftext|>", "hello"};
    ig_tokenizer_train_opts opts = {.special = special, .special_count = 2, .min_count = 1};
    const char text[] = "one<|endoftext|>two<|endoftext|>hellohe llo he llo he\xc4\xa0hell";
    ig_tokenizer *t, *u;
    check_ok(ig_tokenizer_train(IG_TOKENIZER_BPE, 1000, text, sizeof text - 1, &opts, &t, &err));
    for (size_t id = 2; id < ig_tokenizer_count(t); id++) {
        size_t len;
        const char *s = ig_tokenizer_token(t, (int32_t)id, &len);
        assert_false(len == 5 && !memcmp(s, "hello", 5));
        assert_false(len > 1 && memchr(s, '|', len));
    }
    ig_buf file = {.max = 1 << 20};
    check_ok(ig_tokenizer_format(t, &file, &err));
    check_ok(ig_tokenizer_parse("trained", file.data, file.len, &u, &err)); /* no text stands for two tokens */
    ig_tokenizer_free(u);
    ig_tokenizer_free(t);
    ig_buf_fini(&file);
}

static void a_learned_token_never_has_the_text_of_a_special_one(void **state) {
    (void)state;
    const char *special[] = {"xyz"};
    ig_tokenizer_train_opts opts = {.special = special, .special_count = 1, .min_count = 1};
    ig_tokenizer *t, *u;
    /* "xyz" is cut out wherever it stands, but a pair of the pieces "x" and "yz" may not be joined either */
    const char text[] = "xxyyzz wxy yzw xyw xyyz";
    check_ok(ig_tokenizer_train(IG_TOKENIZER_BPE, 1000, text, sizeof text - 1, &opts, &t, &err));
    ig_ids ids = {0};
    check_ok(ig_tokenizer_encode(t, "xyz", 3, 0, &ids, &err));
    for (size_t i = 0; i < ids.len; i++) assert_int_not_equal(ids.data[i], 0);
    ig_buf file = {.max = 1 << 20};
    check_ok(ig_tokenizer_format(t, &file, &err));
    check_ok(ig_tokenizer_parse("trained", file.data, file.len, &u, &err));
    ig_tokenizer_free(u);
    ig_tokenizer_free(t);
    ig_ids_fini(&ids);
    ig_buf_fini(&file);
}

static void characters_are_sorted_and_complete(void **state) {
    (void)state;
    ig_tokenizer *t;
    check_ok(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, "b\xe4\xbd\xa0" "a b", 7, NULL, &t, &err));
    assert_int_equal(ig_tokenizer_count(t), 4);
    assert_int_equal(ig_tokenizer_find(t, " ", 1), 0);
    assert_int_equal(ig_tokenizer_find(t, "a", 1), 1);
    assert_int_equal(ig_tokenizer_find(t, "b", 1), 2);
    assert_int_equal(ig_tokenizer_find(t, "\xe4\xbd\xa0", 3), 3);
    ig_tokenizer_free(t);
}

static void rare_characters_become_bytes(void **state) {
    (void)state;
    ig_tokenizer *t;
    ig_tokenizer_train_opts opts = {.byte_fallback = true};
    check_ok(ig_tokenizer_train(IG_TOKENIZER_CHAR, 258, "aaabbc\xff\0", 8, &opts, &t, &err));
    assert_int_equal(ig_tokenizer_count(t), 258);
    assert_int_equal(ig_tokenizer_find(t, "a", 1), 256);
    assert_int_equal(ig_tokenizer_find(t, "b", 1), 257);
    ig_ids ids = {0};
    check_ok(ig_tokenizer_encode(t, "ac\xe4", 3, 0, &ids, &err));
    assert_int_equal(ids.len, 3);
    assert_int_equal(ids.data[1], 'c');
    assert_int_equal(ids.data[2], 0xe4);
    ig_ids_fini(&ids);
    ig_tokenizer_free(t);
}

static void wrong_wishes_are_refused(void **state) {
    (void)state;
    ig_tokenizer *t;
    const char *twice[] = {"<s>", "<s>"}, *empty[] = {""}, *one[] = {"\xe4\xbd\xa0"}, *broken[] = {"<\xff>"}, *byte[] = {"<0x41>"};
    ig_tokenizer_train_opts two = {.special = twice, .special_count = 2}, none = {.special = empty, .special_count = 1};
    ig_tokenizer_train_opts single = {.special = one, .special_count = 1}, bad = {.special = broken, .special_count = 1};
    ig_tokenizer_train_opts named = {.special = byte, .special_count = 1, .byte_fallback = true};
    check_fails(ig_tokenizer_train(IG_TOKENIZER_BPE, 255, "abc", 3, NULL, &t, &err), IG_E_ARG);
    check_fails(ig_tokenizer_train(IG_TOKENIZER_BPE, 300, "", 0, NULL, &t, &err), IG_E_ARG);
    check_fails(ig_tokenizer_train(IG_TOKENIZER_BPE, (size_t)1 << 40, "abc", 3, NULL, &t, &err), IG_E_LIMIT);
    check_fails(ig_tokenizer_train(IG_TOKENIZER_BPE, 300, "abc", 3, &two, &t, &err), IG_E_ARG);
    check_fails(ig_tokenizer_train(IG_TOKENIZER_BPE, 300, "abc", 3, &none, &t, &err), IG_E_ARG);
    check_fails(ig_tokenizer_train(IG_TOKENIZER_BPE, 300, "abc", 3, &single, &t, &err), IG_E_ARG);
    check_fails(ig_tokenizer_train(IG_TOKENIZER_BPE, 300, "abc", 3, &bad, &t, &err), IG_E_ARG);
    check_fails(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, "abc", 3, &named, &t, &err), IG_E_ARG);
    check_fails(ig_tokenizer_train(IG_TOKENIZER_CHAR, 2, "abc", 3, NULL, &t, &err), IG_E_ARG);
    check_fails(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, "ab\xff", 3, NULL, &t, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "offset 2"));
    check_fails(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, "a\0b", 3, NULL, &t, &err), IG_E_FORMAT);
    assert_null(t);
}

/* ---- WordPiece ---- */

static const char *const bert_specials[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

static void check_pieces(const ig_tokenizer *t, const char *text, const char *expected) {
    ig_ids ids = {0};
    ig_buf said = {.max = 4096};
    check_ok(ig_tokenizer_encode(t, text, strlen(text), IG_ENCODE_TEMPLATE, &ids, &err));
    for (size_t i = 0; i < ids.len; i++) {
        size_t len;
        const char *s = ig_tokenizer_token(t, ids.data[i], &len);
        ig_buf_printf(&said, "%s%.*s", i ? " " : "", (int)len, s);
    }
    assert_string_equal(said.data, expected);
    ig_buf_fini(&said);
    ig_ids_fini(&ids);
}

/* Worked by hand: characters by count (l o w ##o ##w …), then ##ow 8 times, low 8, ##es 5 (before ##st), ##est 5. */
static void word_pieces_are_merged_by_how_often_they_meet(void **state) {
    (void)state;
    static const char text[] = "low Low low low low lower LOWER lower\nnewest newest newest widest widest";
    ig_tokenizer_train_opts opts = {.special = bert_specials, .special_count = 5};
    ig_tokenizer *t, *again;
    ig_buf json = {.max = 1 << 20};
    check_ok(ig_tokenizer_train(IG_TOKENIZER_WORDPIECE, 24, text, strlen(text), &opts, &t, &err));
    assert_true(ig_tokenizer_find(t, "##ow", 4) >= 0 && ig_tokenizer_find(t, "low", 3) >= 0 && ig_tokenizer_find(t, "##est",
        5) >= 0);
    assert_int_equal(ig_tokenizer_find(t, "[MASK]", 6), 4);
    check_pieces(t, "LOW lowest", "[CLS] low low ##est [SEP]");
    check_pieces(t, "xylophone", "[CLS] [UNK] [SEP]");
    check_ok(ig_tokenizer_format(t, &json, &err));
    check_ok(ig_tokenizer_parse("again", json.data, json.len, &again, &err));
    check_pieces(again, "widest low!", "[CLS] w ##i ##d ##est low [UNK] [SEP]");
    ig_tokenizer_free(t), ig_tokenizer_free(again);
    ig_buf_fini(&json);
}

static void chinese_characters_are_words_and_whole_words_have_no_pieces(void **state) {
    (void)state;
    static const char text[] = "酒店很好 酒店 wifi\n酒店很好 WiFi\nonce 好";
    const char *bare[] = {"<pad>", "<unk>"};
    ig_tokenizer_train_opts pieces = {.special = bert_specials, .special_count = 5},
        words = {.special = bare, .special_count = 2, .whole_words = true};
    ig_tokenizer *t;
    check_ok(ig_tokenizer_train(IG_TOKENIZER_WORDPIECE, 40, text, strlen(text), &pieces, &t, &err));
    check_pieces(t, "酒店好wifi", "[CLS] 酒 店 好 wifi [SEP]");
    ig_tokenizer_free(t);
    check_ok(ig_tokenizer_train(IG_TOKENIZER_WORDPIECE, 7, text, strlen(text), &words, &t, &err));
    assert_int_equal(ig_tokenizer_count(t), 7);
    check_pieces(t, "酒店 wifis wifi once", "酒 店 <unk> wifi <unk>");
    ig_tokenizer_free(t);
    words.keep_case = true;
    check_ok(ig_tokenizer_train(IG_TOKENIZER_WORDPIECE, 30, text, strlen(text), &words, &t, &err));
    check_pieces(t, "wifi", "<unk>"); /* WiFi and wifi are two words, each seen once */
    ig_tokenizer_free(t);
    words.special_count = 1;
    check_fails(ig_tokenizer_train(IG_TOKENIZER_WORDPIECE, 30, text, strlen(text), &words, &t, &err), IG_E_ARG);
}

static bool stop(void *arg, const char *stage, size_t done, size_t total) {
    (void)stage;
    (void)done;
    (void)total;
    return --*(int *)arg >= 0;
}

static void training_stops_when_told_to(void **state) {
    (void)state;
    ig_tokenizer *t;
    for (int kind = 0; kind < 2; kind++) {
        int calls = 0;
        ig_tokenizer_train_opts opts = {.progress = stop, .progress_arg = &calls};
        check_fails(ig_tokenizer_train((ig_tokenizer_kind)kind, 300, "abc abc abc", 11, &opts, &t, &err), IG_E_CANCELLED);
        assert_null(t);
    }
}

/* One word of a megabyte, and a megabyte of different words. */
static void hostile_corpora_are_learned_quickly(void **state) {
    (void)state;
    static const char letters[] = "ACGT";
    for (int words = 0; words < 3; words++) {
        ig_buf text = {.max = 4 << 20};
        ig_rng rng;
        ig_rng_init(&rng, 5, (uint64_t)words);
        while (text.len < 1 << 20) {
            if (words == 2 && text.len % 9 == 0) ig_buf_putc(&text, ' ');
            ig_buf_putc(&text, words ? letters[ig_rng_below(&rng, 4)] : 'a');
        }
        ig_tokenizer *t;
        double start = ig_clock();
        check_ok(ig_tokenizer_train(IG_TOKENIZER_BPE, 4000, text.data, text.len, NULL, &t, &err));
        assert_true(ig_clock() - start < 20);
        ig_tokenizer_free(t);
        ig_buf_fini(&text);
    }
}

static void shakespeare_has_65_characters_in_order(void **state) {
    (void)state;
    char folder[1024], path[1200];
    if (!data_folder("tinyshakespeare", folder, sizeof folder)) skip();
    snprintf(path, sizeof path, "%s/input.txt", folder);
    ig_buf text = {.max = 2 << 20};
    check_ok(ig_file_read(path, 2 << 20, &text, &err));
    ig_tokenizer *t;
    check_ok(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, text.data, text.len, NULL, &t, &err));
    assert_int_equal(ig_tokenizer_count(t), 65);
    ig_ids ids = {0};
    check_ok(ig_tokenizer_encode(t, "hii there", 9, 0, &ids, &err));
    static const int32_t expected[] = {46, 47, 47, 1, 58, 46, 43, 56, 43}; /* as in Karpathy's "Let's build GPT" */
    assert_memory_equal(ids.data, expected, sizeof expected);
    ig_ids_fini(&ids);
    ig_tokenizer_free(t);
    ig_buf_fini(&text);
}

static void thirteen_megabytes_train_8000_tokens_within_20_seconds(void **state) {
    (void)state;
    static const char *const books[] = {"war-and-peace", "bronte", "darwin", "dubois"};
    char folder[1024], path[1200];
    if (!data_folder("lm-gutenberg", folder, sizeof folder)) skip();
    ig_buf text = {.max = 16 << 20}, out = {.max = 16 << 20};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s.txt", folder, books[i]);
        check_ok(ig_file_read(path, 16 << 20, &text, &err));
    }
    ig_tokenizer *t;
    double start = ig_clock();
    check_ok(ig_tokenizer_train(IG_TOKENIZER_BPE, 8000, text.data, text.len, NULL, &t, &err));
    double trained = ig_clock();
    ig_ids ids = {0};
    check_ok(ig_tokenizer_encode(t, text.data, text.len, 0, &ids, &err));
    double encoded = ig_clock();
    check_ok(ig_tokenizer_decode(t, ids.data, ids.len, 0, &out, &err));
    printf("%zu bytes: trained in %.2f s, encoded in %.2f s, %.2f bytes per token\n", text.len, trained - start, encoded - trained,
           (double)text.len / (double)ids.len);
    assert_int_equal(ig_tokenizer_count(t), 8000);
    assert_true(trained - start < 20);
    assert_int_equal(out.len, text.len);
    assert_memory_equal(out.data, text.data, text.len);
    ig_ids_fini(&ids);
    ig_tokenizer_free(t);
    ig_buf_fini(&text);
    ig_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_equal_those_of_the_plain_algorithm),
        cmocka_unit_test(base_bytes_have_the_order_of_gpt2),
        cmocka_unit_test(special_tokens_are_cut_out_of_the_training_text_and_never_learned),
        cmocka_unit_test(a_learned_token_never_has_the_text_of_a_special_one),
        cmocka_unit_test(characters_are_sorted_and_complete),
        cmocka_unit_test(rare_characters_become_bytes),
        cmocka_unit_test(word_pieces_are_merged_by_how_often_they_meet),
        cmocka_unit_test(chinese_characters_are_words_and_whole_words_have_no_pieces),
        cmocka_unit_test(wrong_wishes_are_refused),
        cmocka_unit_test(training_stops_when_told_to),
        cmocka_unit_test(hostile_corpora_are_learned_quickly),
        cmocka_unit_test(shakespeare_has_65_characters_in_order),
        cmocka_unit_test(thirteen_megabytes_train_8000_tokens_within_20_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
