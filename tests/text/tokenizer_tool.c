/* A small program for tests in other languages: train a tokenizer, and print the ids of texts.
 *
 *   tokenizer_tool train KIND SIZE FALLBACK(0|1) CORPUS OUT [SPECIAL …]
 *   tokenizer_tool convert KIND(bert|bert-cased|sentencepiece) IN OUT     read a plain file, save it as tokenizer.json
 *   tokenizer_tool encode TOKENIZER TEXTS FLAGS     TEXTS: strings that end with a NUL; one line of ids for each
 *   tokenizer_tool decode TOKENIZER TEXTS FLAGS     the same, but the text that the ids give, ended by a NUL
 *   tokenizer_tool pair TOKENIZER TEXTS FLAGS       two texts at a time; ids and, after a bar, their types
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingot/text.h"

static int fail(const ig_error *err) {
    char text[1200];
    fprintf(stderr, "%s\n", ig_error_format(err, text, sizeof text));
    return 1;
}

static int train(int argc, char **argv) {
    ig_error err;
    ig_tokenizer_kind kind;
    ig_tokenizer *t = NULL;
    ig_buf text = {.max = 64 << 20};
    ig_tokenizer_train_opts opts = {.byte_fallback = argv[4][0] == '1', .special = (const char *const *)argv + 7, .special_count = (size_t)argc - 7};
    ig_status status = ig_tokenizer_kind_parse(argv[2], &kind, &err);
    if (status == IG_OK) status = ig_file_read(argv[5], text.max, &text, &err);
    if (status == IG_OK) status = ig_tokenizer_train(kind, strtoul(argv[3], NULL, 10), text.data, text.len, &opts, &t, &err);
    if (status == IG_OK) status = ig_tokenizer_save(t, argv[6], &err);
    ig_tokenizer_free(t);
    ig_buf_fini(&text);
    return status == IG_OK ? 0 : fail(&err);
}

static int convert(char **argv) {
    ig_error err;
    ig_tokenizer *t = NULL;
    ig_status status = !strcmp(argv[2], "sentencepiece") ? ig_tokenizer_load_sentencepiece(argv[3], &t, &err)
                                                         : ig_tokenizer_load_bert(argv[3], !strcmp(argv[2], "bert"), &t, &err);
    if (status == IG_OK) status = ig_tokenizer_save(t, argv[4], &err);
    ig_tokenizer_free(t);
    return status == IG_OK ? 0 : fail(&err);
}

static void print_ids(const ig_ids *ids) {
    for (size_t i = 0; i < ids->len; i++) printf("%s%d", i ? " " : "", (int)ids->data[i]);
}

/* The texts at s and, after its NUL, the next; *n gets the length of both. */
static ig_status print_pair(const ig_tokenizer *t, const char *s, size_t *n, unsigned flags, ig_error *err) {
    ig_ids ids = {0}, types = {0};
    const char *second = s + *n + 1;
    ig_status status = ig_tokenizer_encode_pair(t, s, *n, second, strlen(second), flags, &ids, &types, err);
    *n += strlen(second) + 1;
    print_ids(&ids);
    printf(" | ");
    print_ids(&types);
    printf("\n");
    ig_ids_fini(&ids);
    ig_ids_fini(&types);
    return status;
}

static ig_status print_one(const ig_tokenizer *t, const char *s, size_t n, unsigned flags, bool ids_only, ig_error *err) {
    ig_ids ids = {0};
    ig_buf out = {.max = 64 << 20};
    ig_status status = ig_tokenizer_encode(t, s, n, flags, &ids, err);
    if (status == IG_OK && ids_only) {
        print_ids(&ids);
        printf("\n");
    } else if (status == IG_OK) {
        status = ig_tokenizer_decode(t, ids.data, ids.len, 0, &out, err);
        fwrite(out.data ? out.data : "", 1, out.len + 1, stdout);
    }
    ig_ids_fini(&ids);
    ig_buf_fini(&out);
    return status;
}

static int print_all(char **argv) {
    ig_error err;
    ig_tokenizer *t = NULL;
    ig_buf text = {.max = 64 << 20};
    ig_status status = ig_tokenizer_load(argv[2], &t, &err);
    if (status == IG_OK) status = ig_file_read(argv[3], text.max, &text, &err);
    for (size_t at = 0; status == IG_OK && at < text.len;) {
        size_t n = strlen(text.data + at);
        unsigned flags = (unsigned)strtoul(argv[4], NULL, 10);
        if (argv[1][0] == 'p')
            status = print_pair(t, text.data + at, &n, flags, &err);
        else
            status = print_one(t, text.data + at, n, flags, argv[1][0] == 'e', &err);
        at += n + 1;
    }
    ig_tokenizer_free(t);
    ig_buf_fini(&text);
    return status == IG_OK ? 0 : fail(&err);
}

int main(int argc, char **argv) {
    if (argc >= 7 && !strcmp(argv[1], "train")) return train(argc, argv);
    if (argc == 5 && !strcmp(argv[1], "convert")) return convert(argv);
    if (argc == 5 && (!strcmp(argv[1], "encode") || !strcmp(argv[1], "decode") || !strcmp(argv[1], "pair"))) return print_all(argv);
    fprintf(stderr, "see the head of tests/text/tokenizer_tool.c\n");
    return 2;
}
