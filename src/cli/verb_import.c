/* cli/verb_import.c: ingot import SOURCE NAME: a model of another program becomes one of the workspace. */
#include "cli/new_model.h"
#include "cli/verbs.h"
#include "ingot/limits.h"

static int run_import(cli *c) {
    char dir[IG_PATH_MAX];
    ig_model_import_opts o;
    int bad = cli_import_options(c, &o);
    if (bad) return bad;
    if (cli_new_model_path(c, c->arg[1], dir, sizeof dir, &c->err) != IG_OK)
        return cli_failed(c, cli_say(c, "name the model: ingot import SOURCE NAME", "请给出模型名称：ingot import SOURCE NAME"));
    return cli_import(c, c->arg[0], dir, &o);
}

static const cli_option options[] = {
    {"overwrite", CLI_FLAG, NULL, "replace the model of this name", "替换同名模型", 0, 0},
    {"keep-type", CLI_FLAG, NULL, "weights stay in the type of the source (default)", "权重保持来源的类型（默认）", 0, 0},
    {"dtype", CLI_TEXT, "f32|f16|bf16", "convert the weights; quantised ones become plain numbers", "转换权重类型；量化权重变为普通数值", 0, 0},
    {"tokenizer", CLI_TEXT, "FILE", "tokenizer.json, SentencePiece's .model, vocab.txt, or llama2.c's .bin", "tokenizer.json、SentencePiece 的 .model、vocab.txt 或 llama2.c 的 .bin", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_import = {
    .name = "import", .args = "SOURCE NAME",
    .en = "make a model out of files of another program", .zh = "从其他程序的文件导入模型",
    .more_en = "SOURCE is a folder in the Hugging Face layout, a GGUF file, a PyTorch checkpoint with config.json beside it,\n"
               "or a llama2.c checkpoint.  NAME is a model of the workspace, or a path.\n\n"
               "examples:\n  ingot import Qwen2.5-0.5B-Instruct qwen\n  ingot import llama-q4_k_m.gguf llama\n"
               "  ingot import stories260K.bin stories --tokenizer tok512.bin",
    .more_zh = "SOURCE 可以是 Hugging Face 格式的文件夹、GGUF 文件、旁边有 config.json 的 PyTorch 检查点，\n"
               "或 llama2.c 检查点。NAME 是工作区中的模型名称或路径。\n\n"
               "示例：\n  ingot import Qwen2.5-0.5B-Instruct qwen\n  ingot import llama-q4_k_m.gguf llama\n"
               "  ingot import stories260K.bin stories --tokenizer tok512.bin",
    .options = options, .min_args = 2, .max_args = 2, .run = run_import,
};
