/* cli/verb_data_check.c: ingot data check FILE: the checks that `ingot train` runs first, and how many tokens there are; tables
 * are checked in verb_data_check_table.c. */
#include <string.h>

#include "cli/data_words.h"
#include "cli/table_report.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/models.h"

typedef struct check {
    cli *c;
    ig_example_kind kind;
    ig_model *model;         /* NULL: no tokens are counted */
    ig_chat_format *format;
    ig_examples x;
    ig_problems p;
    ig_ids ids;              /* of a text */
    size_t lines;            /* of a text */
} check;

/* ---- reading ---- */

static ig_status open_model(check *k) {
    char path[IG_PATH_MAX];
    const char *name = cli_text(k->c, "model", NULL);
    if (!name) return IG_OK;
    IG_TRY(cli_model_path(k->c, name, path, sizeof path, &k->c->err));
    IG_TRY(ig_model_load(k->c->ctx, path, &k->model, &k->c->err));
    if (!k->model->tokenizer) return ig_error_set(&k->c->err, IG_E_NOT_FOUND, cli_say(k->c, "the model %s has no tokenizer", "模型 %s 没有分词器"), name);
    return ig_chat_format_load(path, k->model->tokenizer, &k->format, &k->c->err);
}

static ig_status read_text(check *k) {
    ig_buf text = {0};
    ig_status s = ig_text_load(&k->c->arg[0], 1, &text, &k->c->err);
    for (size_t i = 0; s == IG_OK && i < text.len; i++) k->lines += text.data[i] == '\n' || i + 1 == text.len;
    if (s == IG_OK) s = ig_text_check(text.data, text.len, &k->p, &k->c->err);
    if (s == IG_OK && k->model) s = ig_tokenizer_encode(k->model->tokenizer, text.data, text.len, IG_ENCODE_SPECIAL, &k->ids, &k->c->err);
    ig_buf_fini(&text);
    return s;
}

static ig_status read_rows(check *k) {
    int64_t positions = k->model && k->model->family->context_length ? k->model->family->context_length(k->model) : 0;
    ig_examples_opts o = {.kind = k->kind, .tokenizer = k->model ? k->model->tokenizer : NULL, .format = k->format,
                          .context = cli_int(k->c, "context", positions)};
    return ig_examples_read(k->c->arg[0], &o, &k->x, &k->p, &k->c->err);
}

static ig_status read_all(check *k) {
    IG_TRY(cli_context(k->c));
    IG_TRY(open_model(k));
    return k->kind == IG_EXAMPLES_TEXT ? read_text(k) : read_rows(k);
}

/* ---- telling ---- */

static size_t tokens_of(const check *k) { return k->kind == IG_EXAMPLES_TEXT ? k->ids.len : k->x.ids.len; }

static void print_text(const check *k) {
    const cli *c = k->c;
    for (size_t i = 0; i < k->p.len; i++) {
        const ig_problem *q = &k->p.item[i];
        printf("%s:%lld: %s%s%s\n", c->arg[0], (long long)q->line, cli_problem_words(c, q->kind), *q->detail ? ": " : "", q->detail);
    }
    if (k->p.count > k->p.len) printf(cli_say(c, "… and %zu more\n", "……另有 %zu 处\n"), k->p.count - k->p.len);
    if (k->kind == IG_EXAMPLES_TEXT) printf(cli_say(c, "lines         %zu\n", "行数          %zu\n"), k->lines);
    else printf(cli_say(c, "good rows     %zu\n", "可用的行      %zu\n"), k->x.count);
    printf(cli_say(c, "bad           %zu\n", "有问题        %zu\n"), k->p.count - k->p.harmless);
    if (k->p.harmless) printf(cli_say(c, "to look at    %zu\n", "需要留意      %zu\n"), k->p.harmless);
    if (!k->model) return;
    printf(cli_say(c, "tokens        %zu\n", "词元          %zu\n"), tokens_of(k));
    if (k->kind == IG_EXAMPLES_TEXT) return;
    printf(cli_say(c, "learned       %zu\nlongest row   %lld\nwritten as    %s\n", "学习的词元    %zu\n最长的行      %lld\n书写形式      %s\n"),
           k->x.learned_count, (long long)k->x.longest, ig_chat_format_name(k->format));
}

static int print_json(check *k) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "kind", ig_example_kind_name(k->kind));
    cli_json_pair_int(&j, "rows", (int64_t)(k->kind == IG_EXAMPLES_TEXT ? k->lines : k->x.count));
    cli_json_pair_int(&j, "bad", (int64_t)(k->p.count - k->p.harmless));
    cli_json_pair_int(&j, "harmless", (int64_t)k->p.harmless);
    if (k->model) cli_json_pair_int(&j, "tokens", (int64_t)tokens_of(k));
    if (k->format && k->kind != IG_EXAMPLES_TEXT) {
        cli_json_pair_int(&j, "learned", (int64_t)k->x.learned_count);
        cli_json_pair_int(&j, "longest", k->x.longest);
        cli_json_pair_text(&j, "format", ig_chat_format_name(k->format));
    }
    ig_json_key(&j, "problems");
    ig_json_open(&j, '[');
    for (size_t i = 0; i < k->p.len; i++) {
        const ig_problem *q = &k->p.item[i];
        ig_json_open(&j, '{');
        cli_json_pair_int(&j, "line", q->line);
        cli_json_pair_text(&j, "problem", ig_problem_name(q->kind));
        cli_json_pair_text(&j, "message", cli_problem_words(k->c, q->kind));
        cli_json_pair_text(&j, "detail", q->detail);
        ig_json_close(&j, '}');
    }
    ig_json_close(&j, ']');
    return cli_json_end(k->c, &j);
}

static int report(check *k) {
    int code = 0;
    if (k->c->json) code = print_json(k);
    else print_text(k);
    return code == 0 && k->p.count > k->p.harmless ? 1 : code;
}

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n > m && strcmp(s + n - m, end) == 0;
}

/* By the end of the name; of JSON by what its objects hold; a question that only tables answer makes it one. */
static const char *guess_kind(const cli *c) {
    static const char *const ends[] = {".csv", ".tsv", ".tab", ".xlsx"}, *const asked[] = {"label", "test", "against", "html", "missing", "drop-stop"};
    const char *file = c->arg[0];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(file, ends[i])) return "table";
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        if (cli_text(c, asked[i], NULL)) return "table";
    if (ends_with(file, ".jsonl") || ends_with(file, ".json")) return cli_looks_like_table(file) ? "table" : "chat";
    return "text";
}

static int run_check(cli *c) {
    check k = {.c = c};
    if (cli_enter(c) != IG_OK) return cli_failed(c, NULL);
    const char *kind = cli_text(c, "kind", NULL);
    if (!kind) kind = guess_kind(c);
    if (strcmp(kind, "table") == 0) return cli_check_table(c);
    if (!ig_example_kind_parse(kind, &k.kind))
        return cli_usage(c, cli_say(c, "--kind is chat, preference, text or table, not \"%s\"", "--kind 为 chat、preference、text 或 table，而不是“%s”"), kind);
    int code = read_all(&k) == IG_OK ? report(&k) : cli_failed(c, NULL);
    ig_examples_fini(&k.x);
    ig_problems_fini(&k.p);
    ig_ids_fini(&k.ids);
    ig_chat_format_free(k.format);
    ig_model_free(k.model);
    return code;
}

static const cli_option options[] = {
    {"kind", CLI_TEXT, "KIND", "chat, preference, text or table (default: by the file)", "chat、preference、text 或 table（默认由文件判断）", 0, 0},
    {"model", CLI_TEXT, "NAME", "count tokens as this model writes them, with its chat template", "按该模型的分词器与聊天模板计算词元", 0, 0},
    {"context", CLI_INT, "N", "refuse rows with more tokens (default: the model's context)", "拒绝词元更多的行（默认：模型的上下文长度）", 2, 1e9},
    {"label", CLI_TEXT, "COLUMN", "table: the column to be predicted (default: guessed)", "表：要预测的列（默认：猜测）", 0, 0},
    {"test", CLI_TEXT, "TABLE", "table: the test table, which must not share rows with FILE", "表：测试表，不应与 FILE 有相同的行", 0, 0},
    {"against", CLI_TEXT, "TABLE", "table: an earlier one; tells what has moved since", "表：较早的一张表，报告此后的变化", 0, 0},
    {"html", CLI_TEXT, "PAGE", "table: write a page with a histogram of every column", "表：写出带各列直方图的网页", 0, 0},
    {"no-header", CLI_FLAG, NULL, "table: the first row holds data; columns are \"column 1\" …", "表：第一行就是数据，列名为 column 1 …", 0, 0},
    {"missing", CLI_TEXT, "WORDS", "table: what means \"no value\", by commas (default: ?,NA,N/A,NaN,null …)", "表：表示缺失的词，用逗号分隔（默认：?,NA,N/A,NaN,null …）", 0, 0},
    {"drop-stop", CLI_TEXT, "COLUMN", "table: a full stop at the end of its values does not count", "表：该列的值末尾的句点不计", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_data_check = {
    .name = "data check", .args = "FILE",
    .en = "find what is wrong with training data, by line", .zh = "逐行检查训练数据的问题",
    .more_en = "The same checks run before `ingot train`.  Exits with 1 when a row is bad; docs/FINE-TUNING.md describes the rows.\n"
               "A table (CSV, TSV, XLSX, JSON) is reported by columns: types, missing values, outliers, leaks, drift.\n\n"
               "examples:\n  ingot data check chats.jsonl --model desk\n  ingot data check pairs.jsonl --kind preference --json\n"
               "  ingot data check customers.csv --label churn --html report.html\n  ingot data check july.csv --against june.csv",
    .more_zh = "`ingot train` 开始前会做同样的检查。有问题的行使退出码为 1；行的格式见 docs/FINE-TUNING.md。\n"
               "表（CSV、TSV、XLSX、JSON）按列报告：类型、缺失、异常值、标签泄漏、分布变化。\n\n"
               "示例：\n  ingot data check chats.jsonl --model desk\n  ingot data check pairs.jsonl --kind preference --json\n"
               "  ingot data check customers.csv --label churn --html report.html\n  ingot data check july.csv --against june.csv",
    .options = options, .min_args = 1, .max_args = 1, .run = run_check,
};
