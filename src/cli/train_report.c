/* cli/train_report.c: what a run will take, what came of it, and how it goes on. */
#include <math.h>
#include <string.h>

#include "cli/verb_train.h"
#include "cli/words.h"

/* ---- commands that can be typed as they stand --------------------------------------------------------------------------- */

static void add_word(ig_buf *b, const char *option, const char *value) {
    char quoted[IG_PATH_MAX];
    if (b->len) ig_buf_putc(b, ' ');
    if (option) ig_buf_puts(b, option), ig_buf_putc(b, ' ');
    ig_buf_puts(b, cli_word_quoted(value, quoted, sizeof quoted));
}

static void add_program(ig_buf *b, const cli *c) {
    add_word(b, NULL, c->program);
    if (c->dir) add_word(b, "-C", c->dir);
}

/* This command without --check, --resume and --overwrite. */
static void add_train_command(const cli_train *t, ig_buf *out) {
    const cli *c = t->c;
    out->max = 1 << 16;
    add_program(out, c);
    ig_buf_puts(out, " train");
    add_word(out, NULL, c->arg[0]);
    if (cli_text(c, "out", NULL)) add_word(out, "--out", cli_text(c, "out", NULL));
    for (int i = 0; cli_nth(c, "set", i); i++) add_word(out, "--set", cli_nth(c, "set", i));
    if (c->has_seed) add_word(out, "--seed", cli_text(c, "seed", ""));
    if (c->threads) add_word(out, "--threads", cli_text(c, "threads", ""));
}

void cli_train_resume_command(const cli_train *t, ig_buf *out) {
    add_train_command(t, out);
    ig_buf_puts(out, " --resume");
}

/* What `ingot run` and `ingot eval` take for this model. */
static const char *model_argument(const cli_train *t) { return t->in_workspace ? t->recipe->name : t->shown; }

static bool is_kind(const cli_train *t, const char *kind) {
    return strcmp(ig_tree_text(ig_tree_path(ig_doc_root(t->recipe->doc), "data"), "kind", "text"), kind) == 0;
}

/* The same measure as in training: the validation files, or the held out end of the training text. */
static void add_eval_command(const cli_train *t, ig_buf *out) {
    const ig_recipe *r = t->recipe;
    bool own = r->data.validation_count > 0;
    char *const *files = own ? r->data.validation : r->data.train;
    size_t count = own ? r->data.validation_count : r->data.train_count;
    add_program(out, t->c), ig_buf_puts(out, " eval"), add_word(out, NULL, model_argument(t));
    if (count > 3) ig_buf_puts(out, " --data FILE");
    for (size_t i = 0; count <= 3 && i < count; i++) add_word(out, "--data", files[i]);
    if (!own && count <= 3 && r->data.validation_fraction > 0 && is_kind(t, "text")) ig_buf_printf(out, " --last %g", r->data.validation_fraction);
}

/* What such a model is asked with. */
static const char *verb_of(const cli_train *t) {
    const char *kind = ig_tree_text(ig_tree_path(ig_doc_root(t->recipe->doc), "data"), "kind", "text");
    if (strcmp(kind, "labels") == 0 || strcmp(kind, "scores") == 0) return " classify";
    if (strcmp(kind, "pairs") == 0) return " embed";
    if (strcmp(kind, "tags") == 0) return " tag";
    return strcmp(kind, "masked") == 0 ? " show" : " run";
}

/* A share of rows is a sample, not the end of a file, which --last would measure. */
static bool can_be_measured(const cli_train *t) {
    bool labels = strcmp(ig_tree_text(ig_tree_path(ig_doc_root(t->recipe->doc), "data"), "kind", "text"), "labels") == 0;
    return labels ? t->recipe->data.validation_count > 0 : strcmp(verb_of(t), " run") == 0;
}

static void print_next(const cli_train *t) {
    ig_buf run = {.max = 1 << 16};
    add_program(&run, t->c), ig_buf_puts(&run, verb_of(t)), add_word(&run, NULL, model_argument(t));
    if (t->recipe->evaluate.prompt) add_word(&run, NULL, t->recipe->evaluate.prompt);
    if (is_kind(t, "table")) ig_buf_puts(&run, " '{\"COLUMN\": VALUE, …}'");
    if (can_be_measured(t)) ig_buf_puts(&run, "\n "), add_eval_command(t, &run);
    printf(cli_say(t->c, "next:\n  %s\n", "下一步：\n  %s\n"), run.data ? run.data : "");
    ig_buf_fini(&run);
}

/* ---- before: --check ---------------------------------------------------------------------------------------------------- */

static int check_json(cli *c, const ig_train_report *r) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_int(&j, "parameters", r->parameters);
    cli_json_pair_int(&j, "vocab_size", r->vocab_size);
    cli_json_pair_text(&j, "unit", r->unit);
    cli_json_pair_int(&j, "train_tokens", r->train_tokens);
    cli_json_pair_int(&j, "validation_tokens", r->validation_tokens);
    cli_json_pair_int(&j, "steps", r->steps);
    cli_json_pair_int(&j, "tokens_per_step", r->tokens_per_step);
    cli_json_pair_real(&j, "epochs", r->epochs);
    cli_json_pair_text(&j, "precision", r->bf16 ? "bf16" : "f32");
    cli_json_pair_int(&j, "weight_bytes", (int64_t)r->weight_bytes);
    cli_json_pair_int(&j, "optimiser_bytes", (int64_t)r->optimiser_bytes);
    cli_json_pair_int(&j, "arena_bytes", (int64_t)r->arena_bytes);
    cli_json_pair_int(&j, "memory_bytes", (int64_t)r->memory_bytes);
    cli_json_pair_int(&j, "memory_available", (int64_t)r->memory_available);
    cli_json_pair_real(&j, "seconds_per_step", r->seconds_per_step);
    cli_json_pair_real(&j, "seconds_per_evaluation", r->seconds_per_evaluation);
    cli_json_pair_real(&j, "seconds_total", r->seconds_total);
    cli_json_pair_real(&j, "tokens_per_second", r->tokens_per_second);
    cli_json_pair_real(&j, "flops_per_step", r->flops_per_step);
    return cli_json_end(c, &j);
}

static void check_sizes(cli *c, const ig_train_report *r) {
    const char *unit = cli_word_unit(c, r->unit);
    char a[CLI_WORD_MAX], b[CLI_WORD_MAX], d[CLI_WORD_MAX];
    printf(cli_say(c, "model    %s parameters, ", "模型  %s 个参数，"), cli_word_count((double)r->parameters, a));
    if (r->vocab_size) printf(cli_say(c, "vocabulary %lld, ", "词表 %lld，"), (long long)r->vocab_size);
    printf(cli_say(c, "products in %s\n", "矩阵乘法用 %s\n"), r->bf16 ? "bf16" : "f32");
    printf(cli_say(c, "data     %s %s to train on, %s held out\n", "数据  训练用 %s %s，留出 %s\n"), cli_word_count((double)r->train_tokens, a), unit,
           cli_word_count((double)r->validation_tokens, b));
    printf(cli_say(c, "steps    %lld of %s %s: %.2f passes over the data\n", "步数  %lld，每步 %s %s：遍历数据 %.2f 次\n"), (long long)r->steps,
           cli_word_count((double)r->tokens_per_step, a), unit, r->epochs);
    printf(cli_say(c, "memory   %s: weights %s, optimiser %s, ", "内存  %s：权重 %s，优化器 %s，"), cli_word_bytes(r->memory_bytes, a),
           cli_word_bytes(r->weight_bytes, b), cli_word_bytes(r->optimiser_bytes, d));
    printf(cli_say(c, "values of a step %s; the machine can give %s\n", "每步中间值 %s；本机可用 %s\n"), cli_word_bytes(r->arena_bytes, a),
           cli_word_bytes(r->memory_available, b));
}

int cli_train_report_check(cli_train *t, const ig_train_report *r) {
    cli *c = t->c;
    char a[CLI_WORD_MAX], b[CLI_WORD_MAX];
    if (c->json) return check_json(c, r);
    check_sizes(c, r);
    printf(cli_say(c, "time     about %s: %.3f s per step, %s %s/s, %.0f GFLOP/s\n", "时间  约 %s：每步 %.3f 秒，每秒 %s %s，%.0f GFLOP/s\n"),
           cli_word_seconds(r->seconds_total, a), r->seconds_per_step, cli_word_count(r->tokens_per_second, b), cli_word_unit(c, r->unit),
           r->seconds_per_step > 0 ? r->flops_per_step / r->seconds_per_step / 1e9 : 0);
    if (r->memory_bytes > r->memory_available)
        printf("%s\n", cli_say(c, "this is more memory than there is: use a smaller train.batch (and train.accumulate), or train.recompute: true",
                               "内存不足：请减小 train.batch（并用 train.accumulate），或设 train.recompute: true"));
    ig_buf command = {0};
    add_train_command(t, &command);
    printf(cli_say(c, "nothing was written; next:\n  %s\n", "没有写入任何文件；下一步：\n  %s\n"), command.data ? command.data : "");
    ig_buf_fini(&command);
    return 0;
}

/* ---- afterwards ----------------------------------------------------------------------------------------------------------- */

static void pair_path(ig_json *j, const char *key, const char *dir, const char *name) {
    char path[IG_PATH_MAX];
    bool fits = ig_path_join(path, sizeof path, dir, name, NULL) == IG_OK;
    cli_json_pair_text(j, key, fits ? path : NULL);
}

static int result_json(cli_train *t, const ig_train_result *r, const char *resume) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "name", t->recipe->name);
    cli_json_pair_text(&j, "model", t->out);
    pair_path(&j, "log", t->out, "run/log.jsonl");
    pair_path(&j, "chart", t->out, "run/chart.svg");
    cli_json_pair_int(&j, "steps", r->steps);
    cli_json_pair_int(&j, "first_step", r->first_step);
    cli_json_pair_real(&j, "loss", r->loss);
    cli_json_pair_real(&j, "validation_loss", r->eval_loss);
    cli_json_pair_real(&j, "best_validation_loss", r->best_eval_loss);
    cli_json_pair_int(&j, "best_step", r->best_step);
    ig_json_key(&j, "figures"), ig_json_open(&j, '{');
    for (int k = 0; k < r->figures; k++) cli_json_pair_real(&j, r->figure[k].name, r->figure[k].value);
    ig_json_close(&j, '}');
    ig_json_key(&j, "stopped_early"), ig_json_bool(&j, r->stopped_early);
    ig_json_key(&j, "interrupted"), ig_json_bool(&j, resume != NULL);
    cli_json_pair_int(&j, "tokens", (int64_t)r->tokens);
    cli_json_pair_real(&j, "seconds", r->seconds);
    cli_json_pair_real(&j, "tokens_per_second", r->tokens_per_second);
    cli_json_pair_int(&j, "memory_bytes", (int64_t)r->memory_bytes);
    cli_json_pair_text(&j, "checkpoint", r->checkpoint[0] ? r->checkpoint : NULL);
    cli_json_pair_text(&j, "resume", resume);
    return cli_json_end(t->c, &j);
}

static void print_losses(const cli_train *t, const ig_train_result *r) {
    if (isnan(r->best_eval_loss)) {
        printf(cli_say(t->c, "  loss of the last step  %.4f (no validation data)\n", "  最后一步的损失  %.4f（没有验证数据）\n"), r->loss);
        return;
    }
    printf(cli_say(t->c, "  validation loss  %.4f at step %lld", "  验证损失  %.4f，第 %lld 步"), r->best_eval_loss, (long long)r->best_step);
    if (r->generates) printf(cli_say(t->c, " (perplexity %.2f)", "（困惑度 %.2f）"), exp(r->best_eval_loss));
    for (int k = 0; k < r->figures; k++)
        if (isfinite(r->figure[k].value)) printf("  %s %.4f", r->figure[k].name, r->figure[k].value);
    printf("\n");
    if (r->stopped_early)
        printf("%s\n", cli_say(t->c, "  stopped early: the validation loss no longer falls", "  提前停止：验证损失不再下降"));
}

int cli_train_report_done(cli_train *t, const ig_train_result *r) {
    char time[CLI_WORD_MAX], rate[CLI_WORD_MAX], memory[CLI_WORD_MAX];
    if (t->c->json) return result_json(t, r, NULL);
    printf(cli_say(t->c, "trained %s: %lld steps in %s, %s %s/s, %s of memory\n", "已训练 %s：%lld 步，用时 %s，每秒 %s %s，内存 %s\n"), t->recipe->name,
           (long long)r->steps, cli_word_seconds(r->seconds, time), cli_word_count(r->tokens_per_second, rate), cli_word_unit(t->c, r->unit), cli_word_bytes(r->memory_bytes, memory));
    print_losses(t, r);
    printf(cli_say(t->c, "  model  %s\n  chart  %s/run/chart.svg\n  log    %s/run/log.jsonl\n", "  模型  %s\n  图表  %s/run/chart.svg\n  日志  %s/run/log.jsonl\n"),
           t->shown, t->shown, t->shown);
    print_next(t);
    return 0;
}

int cli_train_report_stopped(cli_train *t, const ig_train_result *r) {
    ig_buf command = {0};
    cli_train_resume_command(t, &command);
    const char *resume = command.data ? command.data : "";
    if (t->c->json) result_json(t, r, resume);
    else
        fprintf(stderr, cli_say(t->c, "stopped after step %lld and saved; to go on:\n  %s\n", "已在第 %lld 步后停止并保存；继续训练：\n  %s\n"),
                (long long)r->steps, resume);
    ig_buf_fini(&command);
    return 130;
}
