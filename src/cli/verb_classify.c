/* cli/verb_classify.c: ingot classify MODEL [TEXT…]: the label of each text and its probability, one a line. */
#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/infer.h"

#define SLICE 256

typedef struct classification {
    cli *c;
    ig_classifier *k;
    ig_json *j;   /* --json: the list that is open; else NULL */
    float *out;   /* [SLICE,L] */
    size_t done, cut;
} classification;

static int64_t best_of(const float *p, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (p[i] > p[best]) best = i;
    return best;
}

static void put_object(const classification *w, const float *p, const ig_text_use *use) {
    int64_t L = ig_classifier_count(w->k);
    ig_json_open(w->j, '{');
    cli_json_pair_text(w->j, "label", ig_classifier_label(w->k, best_of(p, L)));
    ig_json_key(w->j, "probabilities"), ig_json_open(w->j, '{');
    for (int64_t i = 0; i < L; i++) cli_json_pair_real(w->j, ig_classifier_label(w->k, i), (double)p[i]);
    ig_json_close(w->j, '}');
    ig_json_key(w->j, "truncated"), ig_json_bool(w->j, use->truncated);
    ig_json_close(w->j, '}');
}

static ig_status classify_slice(classification *w, const char *const *texts, size_t n) {
    ig_text_use use[SLICE];
    int64_t L = ig_classifier_count(w->k);
    IG_TRY(ig_classify_texts(w->k, texts, n, w->out, use, &w->c->err));
    for (size_t i = 0; i < n; i++) {
        const float *p = w->out + i * (size_t)L;
        int64_t best = best_of(p, L);
        if (w->j) put_object(w, p, &use[i]);
        else printf("%s\t%.4f\n", ig_classifier_label(w->k, best), (double)p[best]);
        w->cut += use[i].truncated;
    }
    w->done += n;
    return cli_interrupted ? ig_error_set(&w->c->err, IG_E_CANCELLED, "stopped") : IG_OK;
}

/* The lines of `text`, which are ended here. */
static ig_status classify_lines(classification *w, char *text) {
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
        s = classify_slice(w, slice, n);
        n = 0;
    }
    return s == IG_OK && n ? classify_slice(w, slice, n) : s;
}

static ig_status classify_arguments(classification *w) {
    size_t n = (size_t)w->c->args - 1;
    for (size_t i = 0; i < n; i += SLICE) IG_TRY(classify_slice(w, w->c->arg + 1 + i, n - i < SLICE ? n - i : SLICE));
    return IG_OK;
}

static ig_status classify_input(classification *w) {
    ig_buf text = {0};
    if (w->c->args > 1) return classify_arguments(w);
    ig_status s = cli_input_text(w->c, 1, &text);
    if (s == IG_OK && text.len && memchr(text.data, 0, text.len))
        s = ig_error_set(&w->c->err, IG_E_FORMAT, "%s", cli_say(w->c, "the input has a zero byte: it is no text",
                                                                "输入含有零字节，不是文本"));
    if (s == IG_OK && text.len) s = classify_lines(w, text.data);
    ig_buf_fini(&text);
    return s;
}

static int failed(cli *c) {
    if (c->err.code == IG_E_CANCELLED) return 130;
    return cli_failed(c, cli_say(c, "give texts as arguments, or one a line through a pipe", "请以参数给出文本，或通过管道每行给出一个文本"));
}

static int run_json(classification *w) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    w->j = &j;
    ig_json_key(&j, "texts"), ig_json_open(&j, '[');
    ig_status s = classify_input(w);
    ig_json_close(&j, ']');
    if (s == IG_OK) return cli_json_end(w->c, &j);
    ig_buf_fini(&out);
    return failed(w->c);
}

static int classify(cli *c, ig_model *m) {
    classification w = {.c = c};
    int code = 1;
    if (ig_classifier_open(m, NULL, &w.k, &c->err) != IG_OK) return cli_failed(c,
        cli_say(c, "ingot show tells what a model is", "ingot show 显示模型的信息"));
    cli_catch_interrupt();
    w.out = ig_calloc(SLICE, (size_t)ig_classifier_count(w.k) * sizeof *w.out);
    if (!w.out) {
        ig_error_nomem(&c->err, SLICE * (size_t)ig_classifier_count(w.k) * sizeof *w.out);
        code = failed(c);
    } else if (c->json) {
        code = run_json(&w);
    } else {
        code = classify_input(&w) == IG_OK ? 0 : failed(c);
    }
    if (code == 0 && w.cut && !c->quiet)
        fprintf(stderr, cli_say(c, "%zu of %zu texts are longer than the model reads; their ends were cut off\n",
                                "%zu/%zu 个文本过长，末尾已截断\n"), w.cut, w.done);
    ig_free(w.out);
    ig_classifier_close(w.k);
    return code;
}

static int run_classify(cli *c) {
    ig_model *m = NULL;
    int code = cli_open_model(c, c->arg[0], &m);
    if (code == 0) code = classify(c, m);
    ig_model_free(m);
    return code;
}

static const cli_option options[] = {{NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0}};

const cli_verb cli_verb_classify = {
    .name = "classify", .args = "MODEL [TEXT…]",
    .en = "print the labels of texts", .zh = "输出文本的标签",
    .more_en = "A label and its probability a line, in the order of the texts.  Without TEXT each line of standard input is a text.\n\n"
               "examples:\n  ingot classify ./reviews \"the room was small but clean\"\n  ingot classify ./reviews --json < reviews.txt",
    .more_zh = "每行一个标签及其概率，按文本的顺序输出。不给出 TEXT 时，标准输入的每一行是一个文本。\n\n"
               "示例：\n  ingot classify ./reviews \"房间不大，但很干净\"\n  ingot classify ./reviews --json < reviews.txt",
    .options = options, .min_args = 1, .max_args = CLI_ARGS_MAX, .run = run_classify,
};
