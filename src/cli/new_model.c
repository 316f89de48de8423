/* cli/new_model.c: see new_model.h. */
#include <string.h>

#include "cli/feature.h"
#include "cli/new_model.h"
#include "cli/verb_show.h"
#include "cli/words.h"
#include "ingot/limits.h"

ig_status cli_new_model_path(cli *c, const char *name, char *path, size_t size, ig_error *err) {
    char workspace[IG_PATH_MAX], models[IG_PATH_MAX];
    if (!*name) return ig_error_set(err, IG_E_ARG, "%s", cli_say(c, "the name of the model is empty", "模型名称为空"));
    IG_TRY(cli_workspace(c, workspace, sizeof workspace, false, err));
    if (strchr(name, '/') || name[0] == '.' || !workspace[0]) IG_TRY(ig_path_join(path, size, "", name, err));
    else {
        if (cli_is_feature(c, name))
            return ig_error_set(err, IG_E_EXISTS, cli_say(c, "there is a feature \"%s\"; features and models share their names", "已有功能“%s”；功能与模型共用名称"), name);
        IG_TRY(ig_path_join(models, sizeof models, workspace, "models", err));
        IG_TRY(ig_dir_make(models, err));
        IG_TRY(ig_path_join(path, size, models, name, err));
    }
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) path[n - 1] = '\0';
    return IG_OK;
}

int cli_import_options(cli *c, ig_model_import_opts *o) {
    const char *type = cli_text(c, "dtype", NULL);
    *o = (ig_model_import_opts){.overwrite = cli_flag(c, "overwrite"), .tokenizer = cli_text(c, "tokenizer", NULL), .convert = type != NULL};
    if (type && cli_flag(c, "keep-type"))
        return cli_usage(c, "%s", cli_say(c, "--keep-type and --dtype contradict each other", "--keep-type 与 --dtype 互相矛盾"));
    if (!type || (ig_dtype_parse(type, &o->dtype) && ig_dtype_is_float(o->dtype) && o->dtype != IG_DTYPE_F64)) return 0;
    return cli_usage(c, "--dtype: f32 | f16 | bf16");
}

static int report_json(cli *c, const char *dir, const ig_model_import_report *r) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "path", dir);
    cli_json_pair_text(&j, "format", r->format);
    cli_json_pair_text(&j, "family", r->family);
    cli_json_pair_int(&j, "parameters", r->parameters);
    cli_json_pair_int(&j, "tensors", (int64_t)r->tensors);
    cli_json_pair_int(&j, "packed", (int64_t)r->packed);
    cli_json_pair_text(&j, "type", r->type);
    cli_json_pair_int(&j, "bytes", (int64_t)cli_folder_bytes(dir));
    cli_json_pair_text(&j, "tokenizer", r->has_tokenizer ? ig_tokenizer_kind_name(r->tokenizer) : NULL);
    ig_json_key(&j, "chat_template"), ig_json_bool(&j, r->chat_template);
    return cli_json_end(c, &j);
}

static int report(cli *c, const char *dir, const ig_model_import_report *r) {
    char count[CLI_WORD_MAX], bytes[CLI_WORD_MAX], quoted[IG_PATH_MAX];
    if (c->json) return report_json(c, dir, r);
    printf(cli_say(c, "%s: %s from %s, %s parameters in %s, %s\n", "%s：%s，来自 %s，%s 个参数，类型 %s，%s\n"), dir, r->family, r->format,
           cli_word_count((double)r->parameters, count), r->type, cli_word_bytes(cli_folder_bytes(dir), bytes));
    if (!r->has_tokenizer)
        printf("%s\n", cli_say(c, "there is no tokenizer: import again with --tokenizer FILE to use it with text",
                               "没有分词器：如需处理文本，请加 --tokenizer FILE 重新导入"));
    printf(cli_say(c, "next: ingot show %s\n", "下一步：ingot show %s\n"), cli_word_quoted(dir, quoted, sizeof quoted));
    return 0;
}

static const char *advice(const cli *c) {
    switch (c->err.code) {
    case IG_E_EXISTS: return cli_say(c, "choose another name, or add --overwrite", "请换一个名称，或加 --overwrite");
    case IG_E_NOT_FOUND: return cli_say(c, "check the path; nothing was imported", "请检查路径；没有导入任何内容");
    default: return cli_say(c, "nothing was imported", "没有导入任何内容");
    }
}

int cli_import(cli *c, const char *source, const char *dir, const ig_model_import_opts *opts) {
    ig_model_import_report r;
    if (cli_context(c) != IG_OK) return cli_failed(c, NULL);
    if (ig_model_import(c->ctx, source, dir, opts, &r, &c->err) != IG_OK) return cli_failed(c, advice(c));
    return report(c, dir, &r);
}
