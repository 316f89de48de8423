/* cli/verb_run.c: ingot run MODEL [PROMPT]: generate text.
 *
 * The prompt is an argument, or all of a pipe, or each line that is typed on a terminal.  Text goes out as it is made;
 * Ctrl-C ends it at a whole character.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/input.h"
#include "cli/verb_run.h"
#include "cli/verbs.h"
#include "cli/ways.h"
#include "cli/words.h"

/* ---- settings --------------------------------------------------------------------------------------------------------- */

/* Without --seed each call gives another text; the seed is told, so that it can be had again. */
static uint64_t any_seed(void) {
    uint32_t words[4];
    ig_philox((uint64_t)(ig_clock() * 1e9), (uint64_t)getpid(), 0, words);
    return words[0];
}

static void take_settings(cli *c, cli_run *r) {
    r->seed = c->has_seed ? c->seed : any_seed();
    r->opts.sampling = (ig_sampling){
        .temperature = cli_flag(c, "greedy") ? 0 : cli_real(c, "temperature", 0.8),
        .top_k = (int)cli_int(c, "top-k", cli_flag(c, "greedy") ? 0 : 40),
        .top_p = cli_real(c, "top-p", 0),
        .min_p = cli_real(c, "min-p", 0),
        .repetition_penalty = cli_real(c, "repetition-penalty", 0),
        .seed = r->seed,
        .logprobs = (int)cli_int(c, "logprobs", 0),
    };
    r->opts.max_tokens = (size_t)cli_int(c, "max-tokens", 256);
    for (const char *s; (s = cli_nth(c, "stop", (int)r->opts.stop_count));) r->stop[r->opts.stop_count++] = s;
    r->opts.stop = r->stop;
}

/* --grammar FILE or --json-schema FILE. */
static int take_grammar(cli *c, cli_run *r) {
    const char *schema = cli_text(c, "json-schema", NULL), *gbnf = cli_text(c, "grammar", NULL), *path = schema ? schema : gbnf;
    ig_buf text = {.max = IG_GRAMMAR_BYTES_MAX};
    if (!path) return 0;
    if (schema && gbnf) {
        ig_error_set(&c->err, IG_E_ARG, "%s", cli_say(c, "--grammar and --json-schema do not go together", "--grammar 与 --json-schema 不能同时使用"));
        return cli_failed(c, cli_say(c, "give one of them", "请只给出其中之一"));
    }
    ig_status s = ig_file_read(path, IG_GRAMMAR_BYTES_MAX, &text, &c->err);
    const char *data = text.data ? text.data : "";
    if (s == IG_OK && schema) s = ig_grammar_from_schema(path, data, text.len, &(ig_grammar_json_opts){.spaces = true}, &r->grammar, &c->err);
    if (s == IG_OK && gbnf) s = ig_grammar_parse(path, data, text.len, &r->grammar, &c->err);
    ig_buf_fini(&text);
    r->opts.grammar = r->grammar;
    return s == IG_OK ? 0 : cli_failed(c, NULL);
}

/* ---- the model ---------------------------------------------------------------------------------------------------------- */

static int open_session(cli_run *r) {
    cli *c = r->c;
    ig_session_opts o = {.slide = true};
    if (r->session) return 0;
    if (!r->model && cli_open_model(c, c->arg[0], &r->model) != 0) return 1;
    ig_model *m = r->model;
    if (!ig_model_can(m, IG_CAN_GENERATE)) {
        ig_error_set(&c->err, IG_E_UNSUPPORTED, cli_say(c, "%s is a model of the family %s, which generates no text", "%s 属于 %s 系列，不能生成文本"), c->arg[0],
                     m->family->name);
        return cli_failed(c, ig_model_can(m, IG_CAN_CLASSIFY) ? cli_say(c,
            "ingot classify MODEL TEXT tells the labels of a text", "ingot classify 模型 文本 给出文本的标签")
                                                      : cli_say(c, "ingot show tells what a model is", "ingot show 查看模型信息"));
    }
    if (ig_model_pack(m, IG_BLOCK_COUNT, &c->err) != IG_OK || ig_session_open(m, &o, &r->session, &c->err) != IG_OK) return cli_failed(c, NULL);
    r->tokenizer = m->tokenizer;
    return 0;
}

/* ---- one text --------------------------------------------------------------------------------------------------------- */

static bool on_piece(void *arg, const ig_piece *p) {
    cli_run *r = arg;
    if (p->choice && cli_run_remember(r, p->choice) != IG_OK) return false;
    if (!r->c->json && p->len) {
        fwrite(p->text, 1, p->len, stdout);
        if (fflush(stdout) != 0) return false; /* the reader is gone */
    }
    return !cli_interrupted;
}

static const char *advice(const cli *c) {
    if (c->err.code == IG_E_NOT_FOUND)
        return cli_say(c, "the model's vocabulary lacks this character: use characters of its training text", "模型词表中没有该字符：请使用训练文本中的字符");
    if (c->err.code == IG_E_LIMIT) return cli_say(c, "shorten the prompt", "请缩短提示词");
    return cli_say(c, "see: ingot run --help", "请看：ingot run --help");
}

static int generate(cli_run *r, const char *prompt, size_t len) {
    cli *c = r->c;
    ig_generation g = {0};
    int code = 0;
    if (r->by_server && cli_run_by_server(r, prompt, len, &code)) return code;
    r->by_server = false;
    if (open_session(r) != 0) return 1;
    r->choices_count = 0;
    ig_status s = ig_session_rewind(r->session, 0, &c->err);
    if (s == IG_OK) s = ig_generate_text(r->session, prompt, len, &r->opts, &g, &c->err);
    if (s == IG_OK) s = r->failed;
    code = s == IG_OK ? cli_run_report(r, &g) : cli_failed(c, advice(c));
    if (code == 0 && g.finish == IG_FINISH_CANCELLED && cli_interrupted) code = 130;
    ig_generation_fini(&g);
    return code;
}

static int from_pipe(cli_run *r) {
    ig_buf text = {0};
    if (cli_read_stdin(&text, (size_t)64 << 20, &r->c->err) != IG_OK) return cli_failed(r->c, NULL);
    if (text.len && text.data[text.len - 1] == '\n') text.len--; /* that of echo */
    int code = generate(r, text.data ? text.data : "", text.len);
    ig_buf_fini(&text);
    return code;
}

/* Line by line until Ctrl-D, or Ctrl-C while nothing is being written. */
static int interactive(cli_run *r) {
    char *line = NULL;
    size_t cap = 0;
    int code = 0;
    fprintf(stderr, "%s\n", cli_say(r->c, "type the beginning of a text; Ctrl-C stops it, Ctrl-D ends", "请输入文本的开头；Ctrl-C 停止生成，Ctrl-D 退出"));
    for (;;) {
        fputs("> ", stderr);
        ssize_t n = getline(&line, &cap, stdin);
        if (n < 0) break;
        if (n > 0 && line[n - 1] == '\n') n--;
        code = generate(r, line, (size_t)n);
        if (code == 1) break;
        cli_interrupted = 0;
    }
    if (cli_interrupted) code = 130;
    else if (code == 130) code = 0;
    fputs("\n", stderr);
    free(line);
    return code;
}

/* ---- the verb --------------------------------------------------------------------------------------------------------- */

static int run_run(cli *c) {
    const cli_way *way = cli_way_of(c, c->arg[0]);
    if (way && way->run) return cli_way_run(c, way->run);
    if (c->args > 2) return cli_usage(c, "%s", cli_say(c, "a prompt of several words needs quotes", "含多个词的提示词需加引号"));
    cli_run r = {.c = c, .opts = {.on_piece = on_piece}};
    take_settings(c, &r);
    r.opts.arg = &r;
    int code = take_grammar(c, &r);
    r.by_server = code == 0 && cli_run_finds_server(&r);
    if (code == 0 && !r.by_server) code = open_session(&r);
    if (code == 0) {
        cli_catch_interrupt();
        if (c->args > 1) code = generate(&r, c->arg[1], strlen(c->arg[1]));
        else code = isatty(STDIN_FILENO) ? interactive(&r) : from_pipe(&r);
    }
    ig_free(r.choices);
    ig_grammar_free(r.grammar);
    ig_tokenizer_free(r.prompt_words);
    ig_session_close(r.session);
    ig_model_free(r.model);
    return code;
}

static const cli_option options[] = {
    {"max-tokens", CLI_INT, "N", "tokens to make at most (default 256)", "最多生成的词元数（默认 256）", 1, 1e9},
    {"temperature", CLI_REAL, "T", "0: always the most likely; higher: more surprising (default 0.8)", "0：总取最可能的词元；越高越多变（默认 0.8）", 0, 100},
    {"greedy", CLI_FLAG, NULL, "the same as --temperature 0", "等同于 --temperature 0", 0, 0},
    {"top-k", CLI_INT, "K", "choose among the K most likely; 0: all (default 40)", "只从最可能的 K 个中选；0：全部（默认 40）", 0, IG_VOCAB_MAX},
    {"top-p", CLI_REAL, "P", "choose among the fewest whose probability reaches P", "只从累计概率达到 P 的最少词元中选", 0, 1},
    {"min-p", CLI_REAL, "P", "choose among those with at least this share of the largest probability", "只从概率不低于最大概率此比例的词元中选", 0, 1},
    {"repetition-penalty", CLI_REAL, "R", "make tokens that were seen less likely; 1: off (default)", "降低已出现词元的概率；1：关闭（默认）", 0.01, 100},
    {"stop", CLI_TEXT, "TEXT", "end before this text; may be repeated", "在此文本之前停止；可重复给出", 0, 0},
    {"json-schema", CLI_TEXT, "FILE", "write JSON that this JSON schema describes", "按此 JSON Schema 输出 JSON", 0, 0},
    {"grammar", CLI_TEXT, "FILE", "write what this grammar (GBNF) describes", "按此语法（GBNF）输出", 0, 0},
    {"no-server", CLI_FLAG, NULL, "load the model here, even where the workspace's server has it", "在本进程加载模型，即使工作区的服务器已加载", 0, 0},
    {"top", CLI_INT, "N", "pictures: the N most likely classes (default 5)", "图片：最可能的 N 个类别（默认 5）", 1, 65536},
    {"heat", CLI_TEXT, "FILE", "pictures: draw where the network looked, as PNG or JPEG", "图片：画出网络关注的区域，PNG 或 JPEG", 0, 0},
    {"logprobs", CLI_INT, "N", "tell the N most likely tokens at each place", "列出每个位置最可能的 N 个词元", 0, IG_LOGPROBS_MAX},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_run = {
    .name = "run", .args = "MODEL [PROMPT | PICTURE … | ROW …]",
    .en = "let a model write on from a prompt, or say what is on pictures", .zh = "让模型从提示词续写，或识别图片",
    .more_en = "MODEL is a name of the workspace or a folder.  Without PROMPT it is read from a pipe (one line break at its end does\n"
               "not count), or line by line from a terminal.  Ctrl-C ends the text.\n"
               "Where ingot serve runs in this workspace, it answers (not with --json, --logprobs or a grammar).\n\n"
               "examples:\n  ingot run shakespeare \"ROMEO:\"\n  echo \"Once upon a time\" | ingot run ./gpt2 --max-tokens 50 --seed 1\n"
               "  ingot run clothes boot.jpg --heat where.png\n  ingot run shakespeare \"\" --greedy --json",
    .more_zh = "MODEL 是工作区中的名称或文件夹。不给出 PROMPT 时从管道读取（末尾的一个换行不计），或在终端逐行输入。\n按 Ctrl-C 结束生成。\n"
               "若本工作区正在运行 ingot serve，则由其生成（--json、--logprobs 和语法除外）。\n\n"
               "示例：\n  ingot run poems \"春眠不觉晓\"\n  echo \"Once upon a time\" | ingot run ./gpt2 --max-tokens 50 --seed 1\n"
               "  ingot run poems \"\" --greedy --json",
    .options = options, .min_args = 1, .max_args = CLI_ARGS_MAX, .run = run_run,
};
