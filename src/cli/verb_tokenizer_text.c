/* cli/verb_tokenizer_text.c: ingot tokenizer encode and decode. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/verbs.h"
#include "cli/words.h"

static const char *advice(const cli *c) {
    return cli_say(c, "the first argument is a tokenizer.json, a model's folder or its name (ingot ls lists them)",
                   "第一个参数是 tokenizer.json、模型文件夹或模型名称（ingot ls 列出全部模型）");
}

/* ---- encode ----------------------------------------------------------------------------------------------------------- */

static int print_ids(cli *c, const ig_tokenizer *t, const ig_ids *ids) {
    if (!c->json) {
        for (size_t i = 0; i < ids->len; i++) printf(i ? " %d" : "%d", ids->data[i]);
        printf("\n");
        return 0;
    }
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_int(&j, "count", (int64_t)ids->len);
    ig_json_key(&j, "ids"), ig_json_open(&j, '[');
    for (size_t i = 0; i < ids->len; i++) ig_json_int(&j, ids->data[i]);
    ig_json_close(&j, ']');
    ig_json_key(&j, "tokens"), ig_json_open(&j, '[');
    for (size_t i = 0; i < ids->len; i++) {
        size_t len = 0;
        const char *bytes = ig_tokenizer_token(t, ids->data[i], &len);
        ig_json_text_n(&j, bytes, len);
    }
    ig_json_close(&j, ']');
    return cli_json_end(c, &j);
}

static int run_encode(cli *c) {
    ig_tokenizer *t = NULL;
    ig_buf text = {0};
    ig_ids ids = {0};
    unsigned flags = cli_flag(c, "special") ? IG_ENCODE_SPECIAL : 0;
    ig_status s = cli_load_tokenizer(c, c->arg[0], &t);
    if (s == IG_OK) s = cli_input_text(c, 1, &text);
    if (s == IG_OK) s = ig_tokenizer_encode(t, text.data ? text.data : "", text.len, flags, &ids, &c->err);
    int code = s == IG_OK ? print_ids(c, t, &ids) : cli_failed(c, advice(c));
    ig_ids_fini(&ids);
    ig_buf_fini(&text);
    ig_tokenizer_free(t);
    return code;
}

/* ---- decode ----------------------------------------------------------------------------------------------------------- */

/* Whole numbers between spaces, commas and brackets. */
static ig_status parse_ids(cli *c, const char *text, ig_ids *ids) {
    for (const char *s = text + strspn(text, " ,[]\t\r\n"); *s; s += strspn(s, " ,[]\t\r\n")) {
        char *end = NULL;
        errno = 0;
        long v = strtol(s, &end, 10);
        if (end == s || errno || v < 0 || v > INT32_MAX)
            return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "\"%.40s\" does not begin with a token id", "“%.40s”不是以词元编号开头"), s);
        IG_TRY(ig_ids_push(ids, (int32_t)v, &c->err));
        s = end;
    }
    return IG_OK;
}

static ig_status collect_ids(cli *c, ig_ids *ids) {
    ig_buf text = {0};
    ig_status s = IG_OK;
    if (c->args < 2) {
        s = cli_input_text(c, 1, &text);
        if (s == IG_OK) s = parse_ids(c, text.data ? text.data : "", ids);
    }
    for (int i = 1; i < c->args && s == IG_OK; i++) s = parse_ids(c, c->arg[i], ids);
    ig_buf_fini(&text);
    return s;
}

static int print_text(cli *c, const ig_buf *text) {
    if (c->json) {
        ig_buf out = {0};
        ig_json j = cli_json_begin(&out);
        ig_json_key(&j, "text"), ig_json_text_n(&j, text->data ? text->data : "", text->len);
        return cli_json_end(c, &j);
    }
    if (text->len) fwrite(text->data, 1, text->len, stdout);
    printf("\n");
    return 0;
}

static int run_decode(cli *c) {
    ig_tokenizer *t = NULL;
    ig_buf text = {.max = (size_t)1 << 30};
    ig_ids ids = {0};
    ig_status s = cli_load_tokenizer(c, c->arg[0], &t);
    if (s == IG_OK) s = collect_ids(c, &ids);
    if (s == IG_OK) s = ig_tokenizer_decode(t, ids.data, ids.len, 0, &text, &c->err);
    int code = s == IG_OK ? print_text(c, &text) : cli_failed(c, advice(c));
    ig_ids_fini(&ids);
    ig_buf_fini(&text);
    ig_tokenizer_free(t);
    return code;
}

/* ---- rows ------------------------------------------------------------------------------------------------------------- */

static const cli_option encode_options[] = {
    {"special", CLI_FLAG, NULL, "special tokens in the text become those tokens", "文本中的特殊词元按特殊词元编码", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_tokenizer_encode = {
    .name = "tokenizer encode", .args = "TOKENIZER|MODEL [TEXT]",
    .en = "print the token ids of a text", .zh = "输出文本的词元编号",
    .more_en = "TEXT is read from standard input when it is not given.\n\nexamples:\n  ingot tokenizer encode tokenizer.json \"hello\"\n"
               "  ingot tokenizer encode shakespeare --json < text.txt",
    .more_zh = "不给出 TEXT 时从标准输入读取。\n\n示例：\n  ingot tokenizer encode tokenizer.json \"你好\"\n"
               "  ingot tokenizer encode shakespeare --json < text.txt",
    .options = encode_options, .min_args = 1, .max_args = 2, .run = run_encode,
};

const cli_verb cli_verb_tokenizer_decode = {
    .name = "tokenizer decode", .args = "TOKENIZER|MODEL [ID…]",
    .en = "print the text of token ids", .zh = "输出词元编号对应的文本",
    .more_en = "IDs are read from standard input when they are not given.\n\nexamples:\n  ingot tokenizer decode tokenizer.json 15496 995\n"
               "  ingot tokenizer decode tokenizer.json \"[15496, 995]\"",
    .more_zh = "不给出编号时从标准输入读取。\n\n示例：\n  ingot tokenizer decode tokenizer.json 15496 995\n"
               "  ingot tokenizer decode tokenizer.json \"[15496, 995]\"",
    .min_args = 1, .max_args = CLI_ARGS_MAX, .run = run_decode,
};
