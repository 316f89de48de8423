/* cli/verb_quantize.c: ingot quantize MODEL NEWNAME --to TYPE: the same model in fewer bytes, and what that costs. */
#include <string.h>

#include "cli/input.h"
#include "cli/new_model.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/data.h"
#include "ingot/infer.h"

typedef struct job {
    cli *c;
    cli_progress progress;
    ig_quantize_layer *layers; /* with --layers: [count], names belong to the model */
    size_t count, cap;
    double before, after;      /* perplexity, 0 without --data */
    ig_ids ids;
} job;

static bool keep(job *j, const ig_quantize_layer *l) {
    if (!cli_flag(j->c, "layers")) return true;
    if (j->count == j->cap) {
        size_t cap = j->cap ? 2 * j->cap : 64;
        ig_quantize_layer *grown = ig_realloc_array(j->layers, cap, sizeof *grown);
        if (!grown) return false;
        j->layers = grown, j->cap = cap;
    }
    j->layers[j->count++] = *l;
    return true;
}

static bool on_layer(void *arg, const ig_quantize_layer *l, size_t done, size_t total) {
    job *j = arg;
    if (cli_interrupted || !keep(j, l)) return false;
    if (cli_progress_due(&j->progress))
        cli_progress_status(&j->progress, cli_say(j->c, "matrix %zu/%zu  %s → %s", "矩阵 %zu/%zu  %s → %s"), done, total, l->name, ig_block_name(l->type));
    return true;
}

static bool on_tokens(void *arg, int64_t done, int64_t total) {
    job *j = arg;
    if (cli_interrupted) return false;
    if (cli_progress_due(&j->progress))
        cli_progress_status(&j->progress, cli_say(j->c, "measuring %lld/%lld tokens", "评测 %lld/%lld 词元"), (long long)done, (long long)total);
    return true;
}

static ig_status perplexity(job *j, ig_model *m, double *out) {
    ig_eval_result r;
    ig_eval_opts o = {.progress = on_tokens, .arg = j};
    if (!cli_flag(j->c, "data")) return IG_OK;
    IG_TRY(ig_eval_text(m, j->ids.data, j->ids.len, &o, &r, &j->c->err));
    *out = r.perplexity;
    return IG_OK;
}

static ig_status read_text(job *j, const ig_model *m) {
    const char *path = cli_text(j->c, "data", NULL);
    ig_buf text = {0};
    if (!path) return IG_OK;
    if (!m->tokenizer || !ig_model_can(m, IG_CAN_GENERATE))
        return ig_error_set(&j->c->err, IG_E_UNSUPPORTED, "%s", cli_say(j->c, "perplexity needs a language model with a tokenizer", "困惑度需要带分词器的语言模型"));
    ig_status s = ig_text_load(&path, 1, &text, &j->c->err);
    if (s == IG_OK) s = ig_tokenizer_encode(m->tokenizer, text.data, text.len, 0, &j->ids, &j->c->err);
    ig_buf_fini(&text);
    return s;
}

static ig_status measure_new(job *j, const char *dir) {
    ig_model *m = NULL;
    if (!cli_flag(j->c, "data")) return IG_OK;
    IG_TRY(ig_model_load(j->c->ctx, dir, &m, &j->c->err));
    ig_status s = perplexity(j, m, &j->after);
    ig_model_free(m);
    return s;
}

/* ---- report ---- */

static void json_layers(const job *j, ig_json *out) {
    ig_json_key(out, "layers");
    ig_json_open(out, '[');
    for (size_t i = 0; i < j->count; i++) {
        ig_json_open(out, '{');
        cli_json_pair_text(out, "name", j->layers[i].name);
        cli_json_pair_text(out, "type", ig_block_name(j->layers[i].type));
        cli_json_pair_int(out, "rows", j->layers[i].rows);
        cli_json_pair_int(out, "columns", j->layers[i].columns);
        cli_json_pair_real(out, "error", j->layers[i].error);
        ig_json_close(out, '}');
    }
    ig_json_close(out, ']');
}

static int report_json(job *j, const char *dir, const ig_quantize_report *r) {
    ig_buf out = {0};
    ig_json json = cli_json_begin(&out);
    cli_json_pair_text(&json, "path", dir);
    cli_json_pair_int(&json, "bytes_before", (int64_t)r->bytes_before);
    cli_json_pair_int(&json, "bytes_after", (int64_t)r->bytes_after);
    cli_json_pair_int(&json, "matrices", (int64_t)r->matrices);
    cli_json_pair_int(&json, "fallbacks", (int64_t)r->fallbacks);
    cli_json_pair_real(&json, "error", r->error);
    if (cli_flag(j->c, "data")) {
        cli_json_pair_real(&json, "perplexity_before", j->before);
        cli_json_pair_real(&json, "perplexity_after", j->after);
    }
    if (cli_flag(j->c, "layers")) json_layers(j, &json);
    return cli_json_end(j->c, &json);
}

static int report(job *j, const char *dir, const ig_quantize_report *r) {
    char before[CLI_WORD_MAX], after[CLI_WORD_MAX];
    cli *c = j->c;
    if (c->json) return report_json(j, dir, r);
    for (size_t i = 0; i < j->count; i++)
        printf("%-48s %-5s %8.4f %%\n", j->layers[i].name, ig_block_name(j->layers[i].type), 100 * j->layers[i].error);
    printf(cli_say(c, "%s: %s → %s, relative error of the matrices %.3f %%\n", "%s：%s → %s，矩阵相对误差 %.3f %%\n"), dir,
           cli_word_bytes(r->bytes_before, before), cli_word_bytes(r->bytes_after, after), 100 * r->error);
    if (r->fallbacks)
        printf(cli_say(c, "%zu of %zu matrices have rows that do not fill such blocks and got a finer type\n",
                       "%zu 个矩阵（共 %zu 个）的行不能填满这种块，改用更精细的类型\n"), r->fallbacks, r->matrices);
    if (cli_flag(c, "data")) printf(cli_say(c, "perplexity %.4f → %.4f\n", "困惑度 %.4f → %.4f\n"), j->before, j->after);
    return 0;
}

static int failed(cli *c) {
    if (c->err.code != IG_E_CANCELLED) return cli_failed(c, NULL);
    fprintf(stderr, "%s\n", cli_say(c, "ingot: stopped", "ingot：已停止"));
    return 130;
}

static int quantize(cli *c, ig_model *m, ig_block_type type) {
    char dir[IG_PATH_MAX];
    job j = {.c = c};
    ig_quantize_report r;
    ig_quantize_opts o = {.type = type, .overwrite = cli_flag(c, "overwrite"), .on_layer = on_layer, .arg = &j};
    cli_progress_begin(&j.progress, c);
    cli_catch_interrupt();
    ig_status s = cli_new_model_path(c, c->arg[1], dir, sizeof dir, &c->err);
    if (s == IG_OK) s = read_text(&j, m);
    if (s == IG_OK) s = perplexity(&j, m, &j.before);
    if (s == IG_OK) s = ig_model_quantize(m, dir, &o, &r, &c->err);
    if (s == IG_OK) s = measure_new(&j, dir);
    cli_progress_clear(&j.progress);
    int code = s == IG_OK ? report(&j, dir, &r) : failed(c);
    ig_ids_fini(&j.ids);
    ig_free(j.layers);
    return code;
}

static int run_quantize(cli *c) {
    ig_block_type type;
    ig_model *m = NULL;
    const char *to = cli_text(c, "to", NULL);
    if (!to || !ig_block_parse(to, &type) || type == IG_BLOCK_F32)
        return cli_usage(c, "--to: q8_0 | q4_0 | q5_0 | q4_K | q5_K | q6_K | f16 | bf16");
    int code = cli_open_model(c, c->arg[0], &m);
    if (code == 0) code = quantize(c, m, type);
    ig_model_free(m);
    return code;
}

static const cli_option options[] = {
    {"to", CLI_TEXT, "TYPE", "q8_0, q4_0, q5_0, q4_K, q5_K, q6_K, f16 or bf16", "q8_0、q4_0、q5_0、q4_K、q5_K、q6_K、f16 或 bf16", 0, 0},
    {"data", CLI_TEXT, "FILE", "text on which perplexity is measured before and after", "用来评测前后困惑度的文本", 0, 0},
    {"layers", CLI_FLAG, NULL, "show the relative error of every matrix", "显示每个矩阵的相对误差", 0, 0},
    {"overwrite", CLI_FLAG, NULL, "replace the model of this name", "替换同名模型", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_quantize = {
    .name = "quantize", .args = "MODEL NEWNAME --to TYPE",
    .en = "make a smaller copy of a model, for running", .zh = "生成更小的模型副本，用于运行",
    .more_en = "Matrices are rounded to blocks of few bits; norms and biases stay f32.  The copy cannot be trained.\n\n"
               "examples:\n  ingot quantize shakespeare shakespeare-q8 --to q8_0 --data test.txt\n  ingot quantize qwen qwen-q4 --to q4_K --layers",
    .more_zh = "矩阵按块舍入为少量比特；归一化与偏置保持 f32。副本不能再训练。\n\n"
               "示例：\n  ingot quantize shakespeare shakespeare-q8 --to q8_0 --data test.txt\n  ingot quantize qwen qwen-q4 --to q4_K --layers",
    .options = options, .min_args = 2, .max_args = 2, .run = run_quantize,
};
