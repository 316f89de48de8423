/* cli/verb_tokenizer_train.c: ingot tokenizer train, encode, decode. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/limits.h"
#include "ingot/text.h"

/* ---- train ------------------------------------------------------------------------------------------------------------ */

typedef struct training {
    cli *c;
    cli_progress progress;
} training;

static bool on_progress(void *arg, const char *stage, size_t done, size_t total) {
    training *t = arg;
    if (cli_interrupted) return false;
    if (!cli_progress_due(&t->progress)) return true;
    if (total) cli_progress_status(&t->progress, "%s %zu/%zu  %.0f%%", stage, done, total, 100.0 * (double)done / (double)total);
    else cli_progress_status(&t->progress, "%s %zu", stage, done);
    return true;
}

/* The files one after another, as one text. */
static ig_status read_files(cli *c, ig_buf *text) {
    for (int i = 0; i < c->args; i++) {
        if (ig_path_is_dir(c->arg[i]))
            return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "%s is a folder; name its files", "%s 是文件夹；请给出其中的文件"), c->arg[i]);
        IG_TRY(ig_file_read(c->arg[i], IG_TEXT_BYTES_MAX - text->len, text, &c->err));
    }
    if (text->len == 0) return ig_error_set(&c->err, IG_E_ARG, "%s", cli_say(c, "there is no text in the files", "文件中没有文本"));
    return ig_buf_status(text, &c->err);
}

/* PATH may be a folder, which then gets tokenizer.json. */
static ig_status out_path(cli *c, char *path, size_t size) {
    const char *out = cli_text(c, "out", "tokenizer.json");
    if (ig_path_is_dir(out)) return ig_path_join(path, size, out, "tokenizer.json", &c->err);
    return ig_path_join(path, size, "", out, &c->err);
}

static int report_training(cli *c, const ig_tokenizer *t, const char *path, size_t bytes, double seconds) {
    if (!c->json) {
        char size[CLI_WORD_MAX], time[CLI_WORD_MAX], quoted[IG_PATH_MAX];
        printf(cli_say(c, "%s: %s, %zu tokens, from %s in %s\nnext: ingot tokenizer encode %s \"some text\"\n",
                       "%s：%s，%zu 个词元，取自 %s 文本，用时 %s\n下一步：ingot tokenizer encode %s \"一段文字\"\n"),
               path, ig_tokenizer_kind_name(ig_tokenizer_get_kind(t)), ig_tokenizer_count(t), cli_word_bytes(bytes, size),
               cli_word_seconds(seconds, time), cli_word_quoted(path, quoted, sizeof quoted));
        return 0;
    }
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "path", path);
    cli_json_pair_text(&j, "kind", ig_tokenizer_kind_name(ig_tokenizer_get_kind(t)));
    cli_json_pair_int(&j, "tokens", (int64_t)ig_tokenizer_count(t));
    cli_json_pair_int(&j, "bytes", (int64_t)bytes);
    cli_json_pair_real(&j, "seconds", seconds);
    return cli_json_end(c, &j);
}

static int failed_training(cli *c) {
    if (c->err.code == IG_E_CANCELLED) {
        fprintf(stderr, "%s\n", cli_say(c, "ingot: stopped; nothing was written", "ingot：已停止，没有写入任何文件"));
        return 130;
    }
    return cli_failed(c, cli_say(c, "see: ingot tokenizer train --help", "请看：ingot tokenizer train --help"));
}

static ig_status learn(cli *c, ig_tokenizer_kind kind, const ig_buf *text, ig_tokenizer **out) {
    const char *special[CLI_ARGS_MAX];
    size_t specials = 0;
    for (const char *s; (s = cli_nth(c, "special", (int)specials)) && specials < CLI_ARGS_MAX;) special[specials++] = s;
    training t = {.c = c};
    cli_progress_begin(&t.progress, c);
    ig_tokenizer_train_opts o = {.special = special, .special_count = specials, .min_count = (size_t)cli_int(c, "min-count", 0),
                                 .byte_fallback = cli_flag(c, "byte-fallback"), .progress = on_progress, .progress_arg = &t};
    int64_t size = cli_int(c, "vocab-size", kind == IG_TOKENIZER_BPE ? 8192 : 0);
    ig_status s = ig_tokenizer_train(kind, (size_t)size, text->data, text->len, &o, out, &c->err);
    cli_progress_clear(&t.progress);
    return s;
}

static int run_train(cli *c) {
    ig_tokenizer_kind kind;
    char path[IG_PATH_MAX];
    ig_buf text = {.max = IG_TEXT_BYTES_MAX};
    ig_tokenizer *t = NULL;
    double begun = ig_clock();
    if (ig_tokenizer_kind_parse(cli_text(c, "kind", "bpe"), &kind, &c->err) != IG_OK) return cli_usage(c, "--kind: bpe | char");
    cli_catch_interrupt();
    ig_status s = out_path(c, path, sizeof path);
    if (s == IG_OK) s = read_files(c, &text);
    if (s == IG_OK) s = learn(c, kind, &text, &t);
    if (s == IG_OK) s = ig_tokenizer_save(t, path, &c->err);
    int code = s == IG_OK ? report_training(c, t, path, text.len, ig_clock() - begun) : failed_training(c);
    ig_tokenizer_free(t);
    ig_buf_fini(&text);
    return code;
}

static const cli_option train_options[] = {
    {"kind", CLI_TEXT, "bpe|char", "byte-level BPE (default), or one token per character", "字节级 BPE（默认），或每字符一个词元", 0, 0},
    {"vocab-size", CLI_INT, "N", "tokens at most (default: bpe 8192, char all characters)", "词元数上限（默认：bpe 8192，char 为全部字符）", 1, IG_VOCAB_MAX},
    {"out", CLI_TEXT, "PATH", "where to write (default: tokenizer.json)", "输出位置（默认：tokenizer.json）", 0, 0},
    {"special", CLI_TEXT, "TEXT", "a special token, e.g. '<|endoftext|>'; may be repeated", "特殊词元，例如 '<|endoftext|>'；可重复给出", 0, 0},
    {"min-count", CLI_INT, "N", "bpe: join a pair only if it is seen so often (default 2)", "bpe：字节对至少出现多少次才合并（默认 2）", 1, 1e9},
    {"byte-fallback", CLI_FLAG, NULL, "char: byte tokens for characters outside the vocabulary", "char：词表外的字符用字节词元表示", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_tokenizer_train = {
    .name = "tokenizer train", .args = "FILE…",
    .en = "learn a tokenizer from text files", .zh = "从文本文件学习分词器",
    .more_en = "examples:\n  ingot tokenizer train book.txt --vocab-size 4096 --out tokenizer.json\n"
               "  ingot tokenizer train poems.txt --kind char --byte-fallback",
    .more_zh = "示例：\n  ingot tokenizer train 书.txt --vocab-size 4096 --out tokenizer.json\n"
               "  ingot tokenizer train 诗.txt --kind char --byte-fallback",
    .options = train_options, .min_args = 1, .max_args = CLI_ARGS_MAX, .run = run_train,
};
