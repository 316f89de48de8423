/* cli/verb_embed.c: ingot embed MODEL [TEXT…]: texts to vectors, one a line.
 *
 * Texts are arguments, or the lines of standard input.  They go through in slices, so that the first lines appear while the
 * last are still to be computed; what was cut is told at the end, on standard error.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/infer.h"

#define SLICE 256

typedef struct embedding {
    cli *c;
    ig_embedder *e;
    ig_json *j;          /* --json: the list that is open; else NULL */
    float *out;          /* [SLICE,D] */
    size_t done, cut;
    int64_t tokens;
} embedding;

/* ---- out ---------------------------------------------------------------------------------------------------------------- */

/* Nine digits give every float back. */
static double nine_digits(float x) {
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)x);
    return strtod(text, NULL);
}

static void put_vector(ig_json *j, const float *x, int64_t D) {
    ig_json_open(j, '[');
    for (int64_t i = 0; i < D; i++) ig_json_real(j, nine_digits(x[i]));
    ig_json_close(j, ']');
}

static void put_object(ig_json *j, const float *x, int64_t D, const ig_text_use *use) {
    ig_json_open(j, '{');
    cli_json_pair_int(j, "tokens", use->tokens);
    ig_json_key(j, "truncated"), ig_json_bool(j, use->truncated);
    ig_json_key(j, "embedding"), put_vector(j, x, D);
    ig_json_close(j, '}');
}

static ig_status put_line(const float *x, int64_t D, ig_error *err) {
    ig_buf line = {.max = 1 << 24};
    ig_json j = {.out = &line};
    put_vector(&j, x, D);
    ig_status s = ig_buf_status(&line, err);
    if (s == IG_OK) printf("%s\n", line.data);
    ig_buf_fini(&line);
    return s;
}

/* ---- in ----------------------------------------------------------------------------------------------------------------- */

static ig_status embed_slice(embedding *w, const char *const *texts, size_t n) {
    ig_text_use use[SLICE];
    int64_t D = ig_embedder_dimensions(w->e);
    IG_TRY(ig_embed_texts(w->e, texts, n, w->out, use, &w->c->err));
    for (size_t i = 0; i < n; i++) {
        if (w->j) put_object(w->j, w->out + i * (size_t)D, D, &use[i]);
        else IG_TRY(put_line(w->out + i * (size_t)D, D, &w->c->err));
        w->tokens += use[i].tokens;
        w->cut += use[i].truncated;
    }
    w->done += n;
    return cli_interrupted ? ig_error_set(&w->c->err, IG_E_CANCELLED, "stopped") : IG_OK;
}

/* The lines of `text`, which are ended here.  The last one may be without a line break. */
static ig_status embed_lines(embedding *w, char *text) {
    const char *slice[SLICE];
    size_t n = 0;
    ig_status s = IG_OK;
    for (char *line = text, *next; *line && s == IG_OK; line = next) {
        size_t len = strcspn(line, "\n");
        next = line + len + (line[len] != 0);
        if (len && line[len - 1] == '\r') line[len - 1] = 0;
        line[len] = 0;
        slice[n++] = line;
        if (n < SLICE) continue;
        s = embed_slice(w, slice, n);
        n = 0;
    }
    return s == IG_OK && n ? embed_slice(w, slice, n) : s;
}

static ig_status embed_input(embedding *w) {
    ig_buf text = {0};
    if (w->c->args > 1) return embed_slice(w, w->c->arg + 1, (size_t)w->c->args - 1);
    ig_status s = cli_input_text(w->c, 1, &text);
    if (s == IG_OK && text.len && memchr(text.data, 0, text.len))
        s = ig_error_set(&w->c->err, IG_E_FORMAT, "%s", cli_say(w->c, "the input has a zero byte: it is no text",
                                                                "输入含有零字节，不是文本"));
    if (s == IG_OK && text.len) s = embed_lines(w, text.data);
    ig_buf_fini(&text);
    return s;
}

static int tell(const embedding *w) {
    if (w->cut && !w->c->quiet)
        fprintf(stderr, cli_say(w->c, "%zu of %zu texts are longer than %lld tokens; their ends were cut off\n",
                                "%zu/%zu 个文本超过 %lld 个词元，末尾已截断\n"),
                w->cut, w->done, (long long)ig_embedder_max_tokens(w->e));
    return 0;
}

static int failed(cli *c) {
    if (c->err.code == IG_E_CANCELLED) return 130;
    return cli_failed(c, cli_say(c, "give texts as arguments, or one a line through a pipe", "请以参数给出文本，或通过管道每行给出一个文本"));
}

static int run_json(embedding *w) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    w->j = &j;
    cli_json_pair_int(&j, "dimensions", ig_embedder_dimensions(w->e));
    cli_json_pair_text(&j, "pooling", ig_pooling_name(ig_embedder_pooling(w->e)));
    ig_json_key(&j, "texts"), ig_json_open(&j, '[');
    ig_status s = embed_input(w);
    ig_json_close(&j, ']');
    cli_json_pair_int(&j, "tokens", w->tokens);
    if (s == IG_OK) return cli_json_end(w->c, &j);
    ig_buf_fini(&out);
    return failed(w->c);
}

/* ---- the verb ------------------------------------------------------------------------------------------------------------ */

static int embed(cli *c, ig_model *m, const ig_embedder_opts *o) {
    embedding w = {.c = c};
    int code = 1;
    if (ig_embedder_open(m, o, &w.e, &c->err) != IG_OK)
        return cli_failed(c, cli_say(c, "ingot show tells what a model is", "ingot show 显示模型的信息"));
    cli_catch_interrupt();
    w.out = ig_calloc(SLICE, (size_t)ig_embedder_dimensions(w.e) * sizeof *w.out);
    if (!w.out) {
        ig_error_nomem(&c->err, SLICE * (size_t)ig_embedder_dimensions(w.e) * sizeof *w.out);
        code = failed(c);
    } else if (c->json) {
        code = run_json(&w);
    } else {
        code = embed_input(&w) == IG_OK ? 0 : failed(c);
    }
    if (code == 0) code = tell(&w);
    ig_free(w.out);
    ig_embedder_close(w.e);
    return code;
}

static int run_embed(cli *c) {
    ig_embedder_opts o = {.dimensions = cli_int(c, "dimensions", 0), .raw = cli_flag(c, "raw")};
    ig_model *m = NULL;
    const char *pooling = cli_text(c, "pooling", NULL);
    o.batch.max_tokens = cli_int(c, "max-tokens", 0);
    o.batch.bf16 = cli_flag(c, "bf16");
    if (pooling && !ig_pooling_parse(pooling, &o.pooling))
        return cli_usage(c, cli_say(c, "--pooling: expected mean, cls or last, found \"%s\"",
                                    "--pooling：应为 mean、cls 或 last，而不是“%s”"), pooling);
    int code = cli_open_model(c, c->arg[0], &m);
    if (code == 0) code = embed(c, m, &o);
    ig_model_free(m);
    return code;
}

static const cli_option options[] = {
    {"pooling", CLI_TEXT, "KIND", "mean, cls or last (default: what the model's folder says)", "mean、cls 或 last（默认：以模型文件夹为准）",
     0, 0},
    {"dimensions", CLI_INT, "N", "keep the first N numbers of each vector", "只保留每个向量的前 N 个数", 1, 1e9},
    {"max-tokens", CLI_INT, "N", "cut longer texts (default: as the model's folder says, else its context)",
     "截断更长的文本（默认：以模型文件夹为准，否则为上下文长度）", 1, 1e9},
    {"raw", CLI_FLAG, NULL, "leave the vectors as they are, instead of length 1", "保留向量原样，不归一化为单位长度", 0, 0},
    {"bf16", CLI_FLAG, NULL, "matrix products in bf16", "矩阵乘法使用 bf16", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const cli_verb cli_verb_embed = {
    .name = "embed", .args = "MODEL [TEXT…]",
    .en = "print the vectors of texts", .zh = "输出文本的向量",
    .more_en = "One JSON list a line, in the order of the texts.  Without TEXT each line of standard input is a text.\n\n"
               "examples:\n  ingot embed ./bge-small \"how do I return shoes?\"\n  ingot embed ./bge-small --dimensions 256 < questions.txt > vectors.jsonl",
    .more_zh = "每行一个 JSON 列表，按文本的顺序输出。不给出 TEXT 时，标准输入的每一行是一个文本。\n\n"
               "示例：\n  ingot embed ./bge-small \"鞋子怎么退货？\"\n  ingot embed ./bge-small --dimensions 256 < questions.txt > vectors.jsonl",
    .options = options, .min_args = 1, .max_args = CLI_ARGS_MAX, .run = run_embed,
};
