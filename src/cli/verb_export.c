/* cli/verb_export.c: ingot export MODEL PATH --to hf|gguf|safetensors|onnx: a model for other programs. */
#include <string.h>

#include "cli/input.h"
#include "cli/new_model.h"
#include "cli/verb_show.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/limits.h"

static int report(cli *c, const char *path, const char *to, const char *type) {
    char bytes[CLI_WORD_MAX];
    ig_map_file f = {0};
    bool folder = ig_path_is_dir(path);
    if (!folder) (void)(ig_file_map(path, &f, NULL) == IG_OK);
    uint64_t size = folder ? cli_folder_bytes(path) : f.size;
    ig_file_unmap(&f);
    if (!c->json) {
        printf("%s: %s, %s, %s\n", path, to, type, cli_word_bytes(size, bytes));
        return 0;
    }
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "path", path);
    cli_json_pair_text(&j, "format", to);
    cli_json_pair_text(&j, "type", type);
    cli_json_pair_int(&j, "bytes", (int64_t)size);
    return cli_json_end(c, &j);
}

static bool plain_type(const char *type, ig_dtype *out) {
    return ig_dtype_parse(type, out) && (*out == IG_DTYPE_F32 || *out == IG_DTYPE_F16 || *out == IG_DTYPE_BF16);
}

static ig_status export_folder(cli *c, const char *path, ig_dtype type) {
    char dir[IG_PATH_MAX];
    IG_TRY(cli_model_path(c, c->arg[0], dir, sizeof dir, &c->err));
    IG_TRY(cli_context(c));
    return ig_model_import(c->ctx, dir, path, &(ig_model_import_opts){.overwrite = cli_flag(c, "overwrite"), .convert = true, .dtype = type}, NULL, &c->err);
}

static int export_file(cli *c, const char *path, const char *to, const char *type) {
    ig_block_type block = IG_BLOCK_F16;
    ig_dtype dtype = IG_DTYPE_F32;
    ig_model *m = NULL;
    bool gguf = strcmp(to, "gguf") == 0, onnx = strcmp(to, "onnx") == 0;
    if (onnx && (!plain_type(type, &dtype) || dtype == IG_DTYPE_BF16)) return cli_usage(c, "--type: f32 | f16");
    if (gguf && !ig_block_parse(type, &block)) return cli_usage(c, "--type: f32 | f16 | bf16 | q8_0 | q4_0 | q5_0 | q4_K | q5_K | q6_K");
    if (!gguf && !plain_type(type, &dtype)) return cli_usage(c, "--type: f32 | f16 | bf16");
    if (ig_path_exists(path) && !cli_flag(c, "overwrite")) {
        ig_error_at(&c->err, IG_E_EXISTS, path, 0, "%s", cli_say(c, "is there already", "已存在"));
        return cli_failed(c, cli_say(c, "choose another path, or add --overwrite", "请换一个路径，或加 --overwrite"));
    }
    int code = cli_open_model(c, c->arg[0], &m);
    if (code == 0) {
        ig_status s = gguf   ? ig_model_export_gguf(m, path, block, &c->err)
                      : onnx ? ig_model_export_onnx(m, path, dtype, &c->err)
                             : ig_model_export_safetensors(m, path, dtype, &c->err);
        code = s == IG_OK ? report(c, path, to, type) : cli_failed(c, NULL);
    }
    ig_model_free(m);
    return code;
}

static int run_export(cli *c) {
    const char *to = cli_text(c, "to", ""), *path = c->arg[1];
    const char *type = cli_text(c, "type", strcmp(to, "gguf") == 0 ? "f16" : "f32");
    ig_dtype dtype;
    if (strcmp(to, "gguf") == 0 || strcmp(to, "safetensors") == 0 || strcmp(to, "onnx") == 0) return export_file(c, path, to, type);
    if (strcmp(to, "hf") != 0) return cli_usage(c, "--to: hf | gguf | safetensors | onnx");
    if (!plain_type(type, &dtype)) return cli_usage(c, "--type: f32 | f16 | bf16");
    if (export_folder(c, path, dtype) != IG_OK) return cli_failed(c, cli_say(c, "nothing was written", "没有写入任何内容"));
    return report(c, path, to, type);
}

static const cli_option options[] = {
    {"to", CLI_TEXT, "hf|gguf|safetensors|onnx", "a Hugging Face folder, a file for llama.cpp, the weights alone, or an ONNX model",
     "Hugging Face 文件夹、llama.cpp 用的文件、仅权重，或 ONNX 模型", 0, 0},
    {"type", CLI_TEXT, "TYPE", "of the weights (default: gguf f16, else f32)", "权重类型（默认：gguf 为 f16，其余为 f32）", 0, 0},
    {"overwrite", CLI_FLAG, NULL, "replace what is there", "替换已有的内容", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_export = {
    .name = "export", .args = "MODEL PATH --to FORMAT",
    .en = "write a model for other programs", .zh = "将模型导出给其他程序使用",
    .more_en = "GGUF takes f32, f16, bf16, q8_0, q4_0, q5_0, q4_K, q5_K and q6_K; onnx f32 and f16; the other formats f32, f16 and bf16.\n\n"
               "examples:\n  ingot export qwen qwen-q4.gguf --to gguf --type q4_K\n  ingot export shakespeare /tmp/shakespeare --to hf --type bf16\n  ingot export bge bge.onnx --to onnx",
    .more_zh = "GGUF 支持 f32、f16、bf16、q8_0、q4_0、q5_0、q4_K、q5_K 和 q6_K；onnx 支持 f32 和 f16；其余格式支持 f32、f16 和 bf16。\n\n"
               "示例：\n  ingot export qwen qwen-q4.gguf --to gguf --type q4_K\n  ingot export shakespeare /tmp/shakespeare --to hf --type bf16\n  ingot export bge bge.onnx --to onnx",
    .options = options, .min_args = 2, .max_args = 2, .run = run_export,
};
