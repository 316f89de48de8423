/* cli/verb_pull.c: ingot pull hf:OWNER/NAME: fetch a model from a hub, after telling how large it is, and import it. */
#include <string.h>
#include <unistd.h>

#include "cli/hub.h"
#include "cli/new_model.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "models/new_folder.h"

typedef struct pulling {
    cli *c;
    cli_progress progress;
    char dir[IG_PATH_MAX], folder[IG_PATH_MAX]; /* the model, and the folder that files arrive in */
} pulling;

static void show_files(const cli *c, const hub *h) {
    char size[CLI_WORD_MAX];
    for (size_t i = 0; i < h->count; i++)
        if (h->file[i].wanted) fprintf(stderr, "  %-40s %s\n", h->file[i].name, cli_word_bytes(h->file[i].size, size));
    fprintf(stderr, cli_say(c, "%s from %s\n", "共 %s，来自 %s\n"), cli_word_bytes(hub_wanted_bytes(h), size), h->endpoint);
}

/* 0: yes; else the exit code. */
static int ask(cli *c, const hub *h) {
    char answer[16] = "";
    if (!c->quiet) show_files(c, h);
    if (cli_flag(c, "yes")) return 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return cli_usage(c, "%s", cli_say(c, "nobody is there to ask: add --yes to fetch the files", "无法询问：请加 --yes 以下载文件"));
    fprintf(stderr, "%s", cli_say(c, "fetch them? [y/N] ", "下载？[y/N] "));
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y')) return 0;
    fprintf(stderr, "%s\n", cli_say(c, "nothing was fetched", "没有下载任何内容"));
    return 1;
}

static bool on_bytes(void *arg, const char *file, uint64_t done, uint64_t total) {
    pulling *p = arg;
    char a[CLI_WORD_MAX], b[CLI_WORD_MAX];
    if (cli_interrupted) return false;
    if (cli_progress_due(&p->progress)) cli_progress_status(&p->progress, "%s  %s / %s", file, cli_word_bytes(done, a), cli_word_bytes(total, b));
    return true;
}

/* Files arrive beside the model's place, so that a call that was broken off goes on where it was. */
static ig_status find_places(pulling *p, const char *name) {
    IG_TRY(cli_new_model_path(p->c, name, p->dir, sizeof p->dir, &p->c->err));
    IG_TRY(model_check_new_folder(p->dir, cli_flag(p->c, "overwrite"), &p->c->err));
    const char *base = ig_path_base(p->dir);
    int n = snprintf(p->folder, sizeof p->folder, "%.*s.ingot-pull-%s", (int)(base - p->dir), p->dir, base);
    return n < (int)sizeof p->folder ? IG_OK : ig_error_set(&p->c->err, IG_E_LIMIT, "the path is too long");
}

static int failed(cli *c) {
    if (c->err.code != IG_E_CANCELLED)
        return cli_failed(c, c->err.code == IG_E_IO ? cli_say(c, "call it again: what has arrived is kept", "请重试：已下载的部分会保留") : NULL);
    fprintf(stderr, "%s\n", cli_say(c, "ingot: stopped; what has arrived is kept", "ingot：已停止，已下载的部分会保留"));
    return 130;
}

static int fetch_and_import(pulling *p, const hub *h, const hub_file *gguf, const ig_model_import_opts *o) {
    char source[IG_PATH_MAX];
    cli *c = p->c;
    cli_catch_interrupt();
    cli_progress_begin(&p->progress, c);
    ig_status s = hub_fetch(h, p->folder, on_bytes, p, &c->err);
    cli_progress_clear(&p->progress);
    if (s == IG_OK) s = ig_path_join(source, sizeof source, p->folder, gguf ? gguf->name : ".", &c->err);
    if (s != IG_OK) return failed(c);
    int code = cli_import(c, gguf ? source : p->folder, p->dir, o);
    if (code == 0) ig_dir_remove(p->folder, NULL);
    return code;
}

static int pull(cli *c, const hub *h, const hub_file *gguf, const ig_model_import_opts *o) {
    pulling p = {.c = c};
    if (find_places(&p, c->args > 1 ? c->arg[1] : ig_path_base(h->repository)) != IG_OK)
        return cli_failed(c, cli_say(c, "choose another name, or add --overwrite", "请换一个名称，或加 --overwrite"));
    int code = ask(c, h);
    return code ? code : fetch_and_import(&p, h, gguf, o);
}

static int run_pull(cli *c) {
    hub h;
    const hub_file *gguf = NULL;
    ig_model_import_opts o;
    int code = cli_import_options(c, &o);
    if (code) return code;
    ig_status s = hub_open(&h, c->arg[0], cli_text(c, "revision", NULL), &c->err);
    if (s == IG_OK) s = hub_choose(&h, cli_text(c, "file", NULL), &gguf, &c->err);
    code = s == IG_OK ? pull(c, &h, gguf, &o) : cli_failed(c, cli_say(c, "nothing was fetched", "没有下载任何内容"));
    hub_close(&h);
    return code;
}

static const cli_option options[] = {
    {"revision", CLI_TEXT, "R", "branch, tag or commit (default: main)", "分支、标签或提交（默认：main）", 0, 0},
    {"file", CLI_TEXT, "PATTERN", "only files like this, e.g. '*q4_k_m.gguf'", "只取匹配的文件，例如 '*q4_k_m.gguf'", 0, 0},
    {"yes", CLI_FLAG, NULL, "do not ask", "不询问", 0, 0},
    {"overwrite", CLI_FLAG, NULL, "replace the model of this name", "替换同名模型", 0, 0},
    {"dtype", CLI_TEXT, "f32|f16|bf16", "convert the weights", "转换权重类型", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_pull = {
    .name = "pull", .args = "hf:OWNER/NAME [NAME]",
    .en = "fetch a model from a hub and import it", .zh = "从模型库下载并导入模型",
    .more_en = "Shows the files and their sizes, and fetches nothing before you agree.  HF_ENDPOINT is the hub\n"
               "(https://huggingface.co), HF_TOKEN opens private models.\n\n"
               "examples:\n  ingot pull hf:Qwen/Qwen2.5-0.5B-Instruct qwen\n  ingot pull hf:OWNER/NAME-GGUF small --file '*q4_k_m.gguf' --yes",
    .more_zh = "先显示文件及大小，同意之前不下载任何内容。HF_ENDPOINT 为模型库地址\n"
               "（https://huggingface.co），HF_TOKEN 用于访问私有模型。\n\n"
               "示例：\n  ingot pull hf:Qwen/Qwen2.5-0.5B-Instruct qwen\n  ingot pull hf:OWNER/NAME-GGUF small --file '*q4_k_m.gguf' --yes",
    .options = options, .min_args = 1, .max_args = 2, .run = run_pull,
};
