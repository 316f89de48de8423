/* cli/verb_eval.c: ingot eval MODEL --data FILE: loss and perplexity over a text; what other models are measured on stands in
 * ways.c. */
#include <math.h>
#include <string.h>

#include "cli/eval_labels.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "cli/ways.h"
#include "cli/words.h"
#include "ingot/data.h"
#include "ingot/infer.h"

typedef struct evaluation {
    cli *c;
    cli_progress progress;
} evaluation;

static bool on_progress(void *arg, int64_t done, int64_t total) {
    evaluation *e = arg;
    double seconds = cli_progress_seconds(&e->progress);
    char left[CLI_WORD_MAX], rate[CLI_WORD_MAX];
    if (cli_interrupted) return false;
    if (!cli_progress_due(&e->progress)) return true;
    cli_progress_status(&e->progress, cli_say(e->c, "%lld/%lld tokens %3.0f%%  %s tok/s  %s left", "词元 %lld/%lld %3.0f%%  %s 词元/秒  剩余 %s"), (long long)done,
                        (long long)total, total ? 100.0 * (double)done / (double)total : 0, cli_word_count(seconds > 0 ? (double)done / seconds : 0, rate),
                        cli_word_seconds(done ? seconds * (double)(total - done) / (double)done : NAN, left));
    return true;
}

/* The files of all --data one after another; with --last F only that share of the end. */
static ig_status load_ids(cli *c, const ig_model *m, ig_ids *ids) {
    const char *paths[CLI_ARGS_MAX];
    size_t count = 0;
    ig_buf text = {0};
    for (const char *s; (s = cli_nth(c, "data", (int)count));) paths[count++] = s;
    if (!m->tokenizer) return ig_error_set(&c->err, IG_E_UNSUPPORTED, "%s", cli_say(c, "the model has no tokenizer.json", "模型没有 tokenizer.json"));
    ig_status s = ig_text_load(paths, count, &text, &c->err);
    if (s == IG_OK) {
        double last = cli_real(c, "last", 1);
        size_t from = last < 1 ? ig_text_split(text.data, text.len, last) : 0;
        s = ig_tokenizer_encode(m->tokenizer, text.data + from, text.len - from, 0, ids, &c->err);
    }
    ig_buf_fini(&text);
    return s;
}

static int report(cli *c, const ig_eval_result *r, double seconds) {
    char tokens[CLI_WORD_MAX], time[CLI_WORD_MAX];
    double rate = seconds > 0 ? (double)r->tokens / seconds : 0;
    if (!c->json) {
        printf(cli_say(c, "loss           %.4f nats per token\nperplexity     %.3f\nbits per byte  %.4f\ntokens         %s (in %s)\n",
                       "损失        每词元 %.4f 奈特\n困惑度      %.3f\n每字节比特  %.4f\n词元        %s（用时 %s）\n"),
               r->loss, r->perplexity, r->bits_per_byte, cli_word_count((double)r->tokens, tokens), cli_word_seconds(seconds, time));
        return 0;
    }
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_real(&j, "loss", r->loss);
    cli_json_pair_real(&j, "perplexity", r->perplexity);
    cli_json_pair_real(&j, "bits_per_byte", r->bits_per_byte);
    cli_json_pair_int(&j, "tokens", r->tokens);
    cli_json_pair_int(&j, "bytes", r->bytes);
    cli_json_pair_real(&j, "seconds", seconds);
    cli_json_pair_real(&j, "tokens_per_second", rate);
    return cli_json_end(c, &j);
}

static int failed(cli *c) {
    if (c->err.code == IG_E_CANCELLED) {
        fprintf(stderr, "%s\n", cli_say(c, "ingot: stopped", "ingot：已停止"));
        return 130;
    }
    return cli_failed(c, cli_say(c, "give a text file of at least two tokens: --data FILE", "请给出至少两个词元的文本文件：--data FILE"));
}

static int measure(cli *c, ig_model *m) {
    evaluation e = {.c = c};
    ig_ids ids = {0};
    ig_eval_result r = {0};
    ig_eval_opts o = {.context_max = cli_int(c, "context", 0), .batch = cli_int(c, "batch", 0), .progress = on_progress, .arg = &e};
    cli_catch_interrupt();
    ig_status s = load_ids(c, m, &ids);
    cli_progress_begin(&e.progress, c);
    if (s == IG_OK) s = ig_eval_text(m, ids.data, ids.len, &o, &r, &c->err);
    cli_progress_clear(&e.progress);
    ig_ids_fini(&ids);
    return s == IG_OK ? report(c, &r, cli_progress_seconds(&e.progress)) : failed(c);
}

static int run_eval(cli *c) {
    ig_model *m = NULL;
    if (!cli_flag(c, "data")) return cli_usage(c, "%s", cli_say(c, "--data FILE is missing: the data to measure on", "缺少 --data FILE：用来评测的数据"));
    int code = cli_open_model(c, c->arg[0], &m);
    const cli_way *way = code == 0 ? cli_way_for(m) : NULL;
    if (code == 0) code = way && way->eval ? way->eval(c, m) : measure(c, m);
    ig_model_free(m);
    return code;
}

static const cli_option options[] = {
    {"data", CLI_TEXT, "FILE", "text file (several are taken as one text), labelled pictures or a table", "文本文件（多个文件按一个文本处理）、带标签的图片或表格", 0, 0},
    {"last", CLI_REAL, "SHARE", "only this share of the end, as data.validation holds it out", "只用末尾的这一比例，与 data.validation 留出的部分一致", 0.000001, 1},
    {"context", CLI_INT, "N", "tokens of a window (default: the model's context)", "窗口的词元数（默认：模型的上下文长度）", 2, 1e9},
    {"column", CLI_TEXT, "ROLE=NAME", "labels: text=, pair= or label= and the column's name or number",
     "分类：text=、pair= 或 label= 加列名或列号", 0, 0},
    {"no-header", CLI_FLAG, NULL, "labels: the first line is a row", "分类：第一行就是数据", 0, 0},
    {"no-quotes", CLI_FLAG, NULL, "labels: quotes are part of a field", "分类：引号是字段内容的一部分", 0, 0},
    {"batch", CLI_INT, "N", "windows at a time", "每批窗口数", 1, 4096},
    {"k", CLI_INT, "N", "recommending: length of the lists (default 20)", "推荐：列表长度（默认 20）", 1, IG_RECOMMEND_MAX},
    {"relevant", CLI_REAL, "VALUE", "recommending: values from here on are to be found (default: all)", "推荐：不小于此值才算相关（默认：全部）", -1e9, 1e9},
    {"mask", CLI_TEXT, "FILE", "recommending: pairs that are not to be found, as validation data", "推荐：不参与排名的交互，例如验证数据", 0, 0},
    {"format", CLI_TEXT, "FORMAT", "recommending: table, rows or lines (default table)", "推荐：table、rows 或 lines（默认 table）", 0, 0},
    {"user-column", CLI_TEXT, "NAME", "recommending: column of the user (default user)", "推荐：用户列（默认 user）", 0, 0},
    {"item-column", CLI_TEXT, "NAME", "recommending: column of the item (default item)", "推荐：物品列（默认 item）", 0, 0},
    {"value-column", CLI_TEXT, "NAME", "recommending: column of the value (default value, if there is one)", "推荐：数值列（默认 value，如有）", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_eval = {
    .name = "eval", .args = "MODEL --data FILE",
    .en = "measure a model on a text, on a table, on labelled pictures or on interactions", .zh = "在文本、表格、带标签的图片或交互数据上评测模型",
    .more_en = "The text is cut into windows that do not overlap; every token but the first is predicted once.\n"
               "A model with labels is measured on a table: accuracy and macro F1, with bootstrap intervals.\n\n"
               "examples:\n  ingot eval shakespeare --data test.txt\n  ingot eval shakespeare --data input.txt --last 0.1 --json\n  ingot eval cafe --data later.csv --k 10",
    .more_zh = "文本被切成互不重叠的窗口；除第一个词元外，每个词元预测一次。\n"
               "带标签的模型在表格上评测：准确率与宏平均 F1 及其自助法区间。\n\n"
               "示例：\n  ingot eval shakespeare --data test.txt\n  ingot eval shakespeare --data input.txt --last 0.1 --json\n  ingot eval cafe --data later.csv --k 10",
    .options = options, .min_args = 1, .max_args = 1, .run = run_eval,
};
