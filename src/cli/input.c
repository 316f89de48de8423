/* cli/input.c: texts, tokenizers and models that a verb is given. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/input.h"
#include "ingot/limits.h"

ig_status cli_read_stdin(ig_buf *out, size_t max, ig_error *err) {
    char bytes[1 << 14];
    out->max = max;
    for (;;) {
        ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR && !cli_interrupted) continue;
        if (n < 0) return ig_error_errno(err, "standard input");
        if (n == 0) return ig_buf_status(out, err);
        ig_buf_append(out, bytes, (size_t)n);
        IG_TRY(ig_buf_status(out, err));
    }
}

ig_status cli_input_text(cli *c, int i, ig_buf *out) {
    if (i < c->args) {
        out->max = 1 << 24;
        ig_buf_puts(out, c->arg[i]);
        return ig_buf_status(out, &c->err);
    }
    if (isatty(STDIN_FILENO))
        return ig_error_set(&c->err, IG_E_ARG, "%s", cli_say(c, "there is no text: give it as an argument or through a pipe",
                                                             "没有文本：请作为参数或通过管道给出"));
    return cli_read_stdin(out, IG_TEXT_BYTES_MAX, &c->err);
}

ig_status cli_load_tokenizer(cli *c, const char *arg, ig_tokenizer **out) {
    char dir[IG_PATH_MAX], path[IG_PATH_MAX];
    if (ig_path_exists(arg) && !ig_path_is_dir(arg)) return ig_tokenizer_load(arg, out, &c->err);
    IG_TRY(ig_path_join(path, sizeof path, arg, "tokenizer.json", &c->err));
    if (ig_path_exists(path)) return ig_tokenizer_load(path, out, &c->err);
    IG_TRY(cli_model_path(c, arg, dir, sizeof dir, &c->err));
    IG_TRY(ig_path_join(path, sizeof path, dir, "tokenizer.json", &c->err));
    return ig_tokenizer_load(path, out, &c->err);
}

int cli_open_model(cli *c, const char *arg, ig_model **out) {
    char path[IG_PATH_MAX];
    if (cli_model_path(c, arg, path, sizeof path, &c->err) != IG_OK)
        return cli_failed(c, cli_say(c, "name a model of the workspace (ingot ls) or the folder of one; ingot train makes them",
                                     "请给出工作区中的模型名称（ingot ls）或模型文件夹；ingot train 生成模型"));
    if (cli_context(c) != IG_OK || ig_model_load(c->ctx, path, out, &c->err) != IG_OK)
        return cli_failed(c, cli_say(c, "the folder may be damaged or of another program: copy it again, or train it again",
                                     "文件夹可能已损坏或属于其他程序：请重新复制或重新训练"));
    return 0;
}
