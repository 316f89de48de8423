/* cli/train_progress.c: a run as it is watched: one status line, evaluations and events as lines that stay. */
#include <math.h>
#include <string.h>

#include "cli/verb_train.h"
#include "cli/words.h"

static const char *number(double v, char buf[CLI_WORD_MAX]) {
    if (isnan(v)) return "–";
    snprintf(buf, CLI_WORD_MAX, "%.4f", v);
    return buf;
}

static void show_status(cli_train *t, const ig_train_progress *p) {
    char loss[CLI_WORD_MAX], eval[CLI_WORD_MAX], rate[CLI_WORD_MAX], memory[CLI_WORD_MAX], left[CLI_WORD_MAX];
    cli_progress_status(&t->progress,
                        cli_say(t->c, "step %lld/%lld %3.0f%%  loss %s  eval %s  lr %.2e  %s %s/s  %s  %s left",
                                "第 %lld/%lld 步 %3.0f%%  损失 %s  验证 %s  学习率 %.2e  %s %s/秒  %s  剩余 %s"),
                        (long long)p->step, (long long)p->total, 100 * p->share, number(p->loss, loss), number(p->eval_loss, eval), p->lr,
                        cli_word_count(p->tokens_per_second, rate), cli_word_unit(t->c, p->unit), cli_word_bytes(p->memory_bytes, memory),
                        cli_word_seconds(p->left, left));
}

/* What the model wrote, indented; control characters would reach the terminal. */
static void show_sample(cli_train *t, const char *sample) {
    char line[512];
    while (*sample) {
        size_t len = strcspn(sample, "\n"), n = len < sizeof line - 1 ? len : sizeof line - 1;
        for (size_t i = 0; i < n; i++) line[i] = (unsigned char)sample[i] < 0x20 || sample[i] == 0x7F ? ' ' : sample[i];
        line[n] = '\0';
        cli_progress_line(&t->progress, "    │ %s", line);
        sample += len + (sample[len] == '\n');
    }
}

/* "  accuracy 0.9312  macro_f1 0.9201" */
static void format_figures(const ig_train_progress *p, char *out, size_t size) {
    size_t len = 0;
    *out = '\0';
    for (int k = 0; k < p->figures && len < size; k++)
        if (isfinite(p->figure[k].value)) len += (size_t)snprintf(out + len, size - len, "  %s %.4f", p->figure[k].name, p->figure[k].value);
}

static void show_evaluation(cli_train *t, const ig_train_progress *p) {
    char figures[400];
    format_figures(p, figures, sizeof figures);
    char loss[CLI_WORD_MAX], eval[CLI_WORD_MAX], time[CLI_WORD_MAX];
    bool best = p->best_step == p->step;
    cli_progress_line(&t->progress, cli_say(t->c, "step %lld/%lld  loss %s  validation loss %s%s%s  after %s", "第 %lld/%lld 步  损失 %s  验证损失 %s%s%s  用时 %s"),
                      (long long)p->step, (long long)p->total, number(p->loss, loss), number(p->eval_loss, eval), figures,
                      best ? cli_say(t->c, " (best)", "（最佳）") : "", cli_word_seconds(p->elapsed, time));
    if (p->sample) show_sample(t, p->sample);
}

static void show_start(cli_train *t, const ig_train_progress *p) {
    if (p->step > 0)
        cli_progress_line(&t->progress, cli_say(t->c, "going on with %s at step %lld of %lld, in %s", "继续训练 %s，从第 %lld 步（共 %lld 步），位于 %s"),
                          t->recipe->name, (long long)p->step, (long long)p->total, t->shown);
    else
        cli_progress_line(&t->progress, cli_say(t->c, "training %s for %lld steps, in %s (Ctrl-C stops and saves)",
                                                "训练 %s，共 %lld 步，位于 %s（按 Ctrl-C 停止并保存）"), t->recipe->name, (long long)p->total, t->shown);
}

void cli_train_event(void *arg, const ig_train_progress *p) {
    cli_train *t = arg;
    switch (p->event) {
    case IG_TRAIN_STARTED: show_start(t, p); break;
    case IG_TRAIN_STEP:
        if (cli_progress_due(&t->progress)) show_status(t, p);
        break;
    case IG_TRAIN_EVALUATED: show_evaluation(t, p); break;
    case IG_TRAIN_WARNING: cli_progress_line(&t->progress, cli_say(t->c, "warning: %s", "警告：%s"), p->message ? p->message : ""); break;
    case IG_TRAIN_FINISHED:
        if (p->message) cli_progress_line(&t->progress, "%s", p->message);
        cli_progress_clear(&t->progress);
        break;
    case IG_TRAIN_CHECKPOINT:
    case IG_TRAIN_BEST: break;
    }
}
