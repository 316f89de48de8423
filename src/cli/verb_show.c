/* cli/verb_show.c: ingot show NAME: what a model is, and how it is computed; or a feature with its versions; or an ONNX file. */
#include <string.h>

#include "cli/feature.h"
#include "cli/input.h"
#include "cli/verb_show.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/limits.h"
#include "models/model_folder.h"

static const char *model_type(const ig_model *m) { return ig_tree_text(ig_doc_root(m->config), "model_type", "?"); }

/* card.json of the folder, or NULL. */
static ig_doc *load_card(const ig_model *m) {
    char path[IG_PATH_MAX];
    ig_doc *card = NULL;
    if (!m->path || model_file(m->path, "card.json", path, NULL) != IG_OK || !ig_path_exists(path)) return NULL;
    return ig_doc_load(path, 4 * IG_RECIPE_BYTES_MAX, &card, NULL) == IG_OK ? card : NULL;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------- */

static void tree_json(ig_json *j, const char *key, const ig_doc *d) {
    ig_json_key(j, key);
    if (d) ig_json_tree(j, ig_doc_root(d));
    else ig_json_null(j);
}

static void facts_json(ig_json *j, const ig_model *m) {
    bool reads = ig_model_can(m, IG_CAN_GENERATE) || ig_model_can(m, IG_CAN_EMBED);
    cli_json_pair_text(j, "path", m->path);
    cli_json_pair_text(j, "family", m->family->name);
    cli_json_pair_text(j, "model_type", model_type(m));
    cli_json_pair_int(j, "parameters", ig_params_numel(&m->params));
    cli_json_pair_int(j, "bytes", (int64_t)(m->path ? cli_folder_bytes(m->path) : 0));
    if (reads) cli_json_pair_int(j, "context", m->family->context_length(m));
    if (reads) cli_json_pair_int(j, "vocab_size", m->family->vocab_size(m));
    cli_json_pair_text(j, "tokenizer", m->tokenizer ? ig_tokenizer_kind_name(ig_tokenizer_get_kind(m->tokenizer)) : NULL);
    tree_json(j, "config", m->config);
}

static void plan_json(ig_json *j, const ig_plan *p) {
    ig_plan_stats s;
    ig_plan_stats_get(p, &s);
    ig_json_key(j, "plan"), ig_json_open(j, '{');
    cli_json_pair_int(j, "ops", s.ops);
    cli_json_pair_int(j, "steps", s.steps);
    cli_json_pair_real(j, "flops", s.flops);
    cli_json_pair_int(j, "arena_bytes", (int64_t)s.arena_bytes);
    cli_json_pair_int(j, "unshared_bytes", (int64_t)s.unshared_bytes);
    ig_json_close(j, '}');
}

static int show_json(cli *c, const ig_model *m, const ig_doc *card, const ig_plan *p) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    facts_json(&j, m);
    tree_json(&j, "card", card);
    if (p) plan_json(&j, p);
    return cli_json_end(c, &j);
}

/* ---- for people --------------------------------------------------------------------------------------------------------- */

/* The keys of a map, one a line; long texts (the recipe of a card) only by their size. */
static void print_tree(const cli *c, const char *title, const ig_tree *t) {
    if (!t || t->type != IG_TREE_MAP) return;
    printf("\n%s\n", title);
    for (const ig_tree *v = t->child; v; v = v->next) {
        ig_buf out = {.max = 1 << 22};
        ig_json j = {.out = &out};
        ig_json_tree(&j, v);
        if (v->type == IG_TREE_NULL || !out.data) printf("  %-28s –\n", v->key);
        else if (out.len > 300) printf(cli_say(c, "  %-28s (%zu bytes)\n", "  %-28s（%zu 字节）\n"), v->key, out.len);
        else printf("  %-28s %s\n", v->key, out.data);
        ig_buf_fini(&out);
    }
}

static void print_facts(const cli *c, const ig_model *m) {
    char count[CLI_WORD_MAX], size[CLI_WORD_MAX], flops[CLI_WORD_MAX];
    printf("%s\n", m->path ? m->path : "");
    printf(cli_say(c, "  family       %s (%s)\n", "  系列      %s（%s）\n"), m->family->name, model_type(m));
    printf(cli_say(c, "  parameters   %s (%lld), %s in files\n", "  参数      %s（%lld），文件共 %s\n"), cli_word_count((double)ig_params_numel(&m->params), count),
           (long long)ig_params_numel(&m->params), cli_word_bytes(m->path ? cli_folder_bytes(m->path) : 0, size));
    if (ig_model_can(m, IG_CAN_GENERATE) || ig_model_can(m, IG_CAN_EMBED))
        printf(cli_say(c, "  context      %lld tokens\n  vocabulary   %lld tokens\n  computation  %s FLOP per token, forward\n",
                       "  上下文    %lld 个词元\n  词表      %lld 个词元\n  计算量    每词元前向 %s FLOP\n"),
               (long long)m->family->context_length(m), (long long)m->family->vocab_size(m),
               cli_word_count(m->family->flops_per_token(m, m->family->context_length(m)), flops));
    if (m->tokenizer)
        printf(cli_say(c, "  tokenizer    %s, %zu tokens\n", "  分词器    %s，%zu 个词元\n"), ig_tokenizer_kind_name(ig_tokenizer_get_kind(m->tokenizer)),
               ig_tokenizer_count(m->tokenizer));
}

static int print_plan(cli *c, const ig_plan *p) {
    ig_buf out = {.max = IG_PLAN_BYTES_MAX};
    ig_status s = ig_plan_print(p, &out);
    if (s == IG_OK && out.data) printf("\n%s", out.data);
    else ig_error_set(&c->err, s, "the plan is too long to print");
    ig_buf_fini(&out);
    return s == IG_OK ? 0 : cli_failed(c, NULL);
}

static int show(cli *c, ig_model *m, const ig_plan *p) {
    ig_doc *card = load_card(m);
    int code = 0;
    if (c->json) code = show_json(c, m, card, p);
    else {
        print_facts(c, m);
        print_tree(c, "config.json", ig_doc_root(m->config));
        if (card) print_tree(c, "card.json", ig_doc_root(card));
        if (p) code = print_plan(c, p);
    }
    ig_doc_free(card);
    return code;
}

static bool is_onnx(const char *path) {
    size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".onnx") == 0;
}

static int run_show(cli *c) {
    ig_model *m = NULL;
    cli_plan plan = {0};
    if (cli_is_feature(c, c->arg[0])) return cli_show_feature(c, c->arg[0]);
    if (is_onnx(c->arg[0])) return cli_show_onnx(c, c->arg[0]);
    int code = cli_open_model(c, c->arg[0], &m);
    if (code == 0 && (cli_flag(c, "plan") || cli_flag(c, "forward")) && cli_plan_make(c, m, &plan) != IG_OK)
        code = cli_failed(c, cli_say(c, "try a smaller --batch or --context", "请减小 --batch 或 --context"));
    if (code == 0) code = show(c, m, plan.plan);
    cli_plan_fini(&plan);
    ig_model_free(m);
    return code;
}

static const cli_option options[] = {
    {"plan", CLI_FLAG, NULL, "the plan of one training step (AdamW)", "一次训练步骤（AdamW）的执行计划", 0, 0},
    {"forward", CLI_FLAG, NULL, "the plan of a forward pass instead", "改为一次前向计算的执行计划", 0, 0},
    {"batch", CLI_INT, "N", "rows of the plan's batch (default 1)", "计划的批大小（默认 1）", 1, 4096},
    {"context", CLI_INT, "N", "tokens of a row (default: the model's context, at most 1024)", "每行的词元数（默认：模型上下文，最多 1024）", 1, 1 << 20},
    {"bf16", CLI_FLAG, NULL, "matrix products in bf16", "矩阵乘法用 bf16", 0, 0},
    {"recompute", CLI_FLAG, NULL, "with layers computed a second time instead of kept", "不保存各层中间值，而是重新计算", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_show = {
    .name = "show", .args = "MODEL|FILE.onnx",
    .en = "tell what a model is, and how it is computed", .zh = "查看模型信息及其计算方式",
    .more_en = "examples:\n  ingot show shakespeare\n  ingot show ./gpt2 --plan --batch 4 --context 256\n  ingot show ./gpt2 --forward --json\n  ingot show bge.onnx",
    .more_zh = "示例：\n  ingot show shakespeare\n  ingot show ./gpt2 --plan --batch 4 --context 256\n  ingot show ./gpt2 --forward --json\n  ingot show bge.onnx",
    .options = options, .min_args = 1, .max_args = 1, .run = run_show,
};
