/* cli/verb_merge.c: ingot merge MODEL NEWNAME: an adapter and its base as one whole model. */
#include <string.h>

#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/models.h"

/* A path, else a name in the workspace. */
static ig_status choose_target(cli *c, const char *name, char *path, size_t size) {
    char workspace[IG_PATH_MAX], models[IG_PATH_MAX];
    if (!*name) return ig_error_set(&c->err, IG_E_ARG, "%s", cli_say(c, "the new name is empty", "新名称为空"));
    IG_TRY(cli_workspace(c, workspace, sizeof workspace, false, &c->err));
    if (strchr(name, '/') || *name == '.' || !workspace[0]) IG_TRY(ig_path_join(path, size, "", name, &c->err));
    else {
        IG_TRY(ig_path_join(models, sizeof models, workspace, "models", &c->err));
        IG_TRY(ig_path_join(path, size, models, name, &c->err));
    }
    if (!ig_path_exists(path)) return IG_OK;
    return ig_error_at(&c->err, IG_E_EXISTS, path, 0, "%s", cli_say(c, "is there already; choose another name", "已存在；请另选名称"));
}

/* The files beside the weights that say how the model is used. */
static ig_status copy_beside(cli *c, const char *from, const char *to) {
    static const char *const files[] = {"tokenizer_config.json", "chat_template.jinja", "generation_config.json"};
    char a[IG_PATH_MAX], b[IG_PATH_MAX];
    ig_status s = IG_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files && s == IG_OK; i++) {
        ig_buf text = {.max = (size_t)16 << 20};
        IG_TRY(ig_path_join(a, sizeof a, from, files[i], &c->err));
        IG_TRY(ig_path_join(b, sizeof b, to, files[i], &c->err));
        if (!ig_path_exists(a)) continue;
        s = ig_file_read(a, text.max, &text, &c->err);
        if (s == IG_OK) s = ig_file_write(b, text.data ? text.data : "", text.len, &c->err);
        ig_buf_fini(&text);
    }
    return s;
}

static ig_status merge(cli *c, char *to, size_t size) {
    char from[IG_PATH_MAX];
    ig_model *m = NULL;
    IG_TRY(cli_model_path(c, c->arg[0], from, sizeof from, &c->err));
    IG_TRY(choose_target(c, c->arg[1], to, size));
    IG_TRY(cli_context(c));
    IG_TRY(ig_model_load(c->ctx, from, &m, &c->err));
    ig_status s = IG_OK;
    if (!m->adapter) s = ig_error_set(&c->err, IG_E_ARG, cli_say(c, "%s is a whole model already", "%s 已是完整的模型"), c->arg[0]);
    if (s == IG_OK) s = ig_model_merge(m, &c->err);
    if (s == IG_OK) s = ig_model_save(m, to, &(ig_model_card){.parent = from}, &c->err);
    ig_model_free(m);
    return s == IG_OK ? copy_beside(c, from, to) : s;
}

static int run_merge(cli *c) {
    char to[IG_PATH_MAX];
    if (merge(c, to, sizeof to) != IG_OK) return cli_failed(c, NULL);
    if (!c->json) {
        printf("%s\n", to);
        return 0;
    }
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "model", to);
    return cli_json_end(c, &j);
}

const cli_verb cli_verb_merge = {
    .name = "merge", .args = "MODEL NEWNAME",
    .en = "make a whole model of an adapter and its base", .zh = "将适配器与其基础模型合并为完整模型",
    .more_en = "An adapter is what a recipe with lora: {merge: false} leaves.\n\nexamples:\n  ingot merge desk-adapter desk",
    .more_zh = "适配器由配方中的 lora: {merge: false} 产生。\n\n示例：\n  ingot merge desk-adapter desk",
    .min_args = 2, .max_args = 2, .run = run_merge,
};
