/* A small program for tests in other languages: train a tokenizer, and print the ids of texts.
 *
 *   tokenizer_tool train KIND SIZE FALLBACK(0|1) CORPUS OUT [SPECIAL …]
 *   tokenizer_tool encode TOKENIZER TEXTS SPECIAL(0|1)     TEXTS: strings that end with a NUL; one line of ids for each
 *   tokenizer_tool decode TOKENIZER TEXTS SPECIAL(0|1)     the same, but the text that the ids give, ended by a NUL
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

static ig_status print_one(const ig_tokenizer *t, const char *s, size_t n, unsigned flags, bool ids_only, ig_error *err) {
    ig_ids ids = {0};
    ig_buf out = {.max = 64 << 20};
    ig_status status = ig_tokenizer_encode(t, s, n, flags, &ids, err);
    if (status == IG_OK && ids_only) {
        for (size_t i = 0; i < ids.len; i++) printf("%s%d", i ? " " : "", (int)ids.data[i]);
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
        status = print_one(t, text.data + at, n, argv[4][0] == '1' ? IG_ENCODE_SPECIAL : 0, argv[1][0] == 'e', &err);
        at += n + 1;
    }
    ig_tokenizer_free(t);
    ig_buf_fini(&text);
    return status == IG_OK ? 0 : fail(&err);
}

int main(int argc, char **argv) {
    if (argc >= 7 && !strcmp(argv[1], "train")) return train(argc, argv);
    if (argc == 5 && (!strcmp(argv[1], "encode") || !strcmp(argv[1], "decode"))) return print_all(argv);
    fprintf(stderr, "see the head of tests/text/tokenizer_tool.c\n");
    return 2;
}
