/* cli/verb_tag.c: ingot tag MODEL [TEXT…]: the tag of every word, in the form that data of the kind tags has.
 *
 * Words stand between spaces; a character of a script that is written without spaces (from U+2E80 on) is a word of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/infer.h"

typedef struct tagging {
    cli *c;
    ig_tagger *t;
    ig_json *j; /* --json: the list that is open; else NULL */
    size_t texts, cut;
} tagging;

/* The words of s, each with a NUL behind it; how many. */
static size_t cut_words(const char *s, ig_buf *out) {
    size_t words = 0, n = strlen(s), len;
    bool open = false;
    for (size_t i = 0; i < n; i += len) {
        uint32_t cp = 0;
        len = ig_utf8_decode(s + i, n - i, &cp);
        if (!len) len = 1;
        bool space = s[i] == ' ' || s[i] == '\t' || s[i] == '\r', alone = cp >= 0x2e80;
        if (open && (space || alone)) ig_buf_putc(out, '\0'), words++, open = false;
        if (!space) ig_buf_append(out, s + i, len), open = true;
        if (alone) ig_buf_putc(out, '\0'), words++, open = false;
    }
    if (open) ig_buf_putc(out, '\0'), words++;
    return words;
}

static void put(const tagging *w, const char *const *word, const int32_t *tag, size_t n) {
    if (w->j) ig_json_open(w->j, '[');
    for (size_t i = 0; i < n; i++) {
        const char *label = ig_tagger_label(w->t, tag[i]);
        if (!w->j) printf("%s\t%s\n", word[i], label ? label : "");
        if (!w->j) continue;
        ig_json_open(w->j, '{');
        cli_json_pair_text(w->j, "word", word[i]);
        cli_json_pair_text(w->j, "tag", label);
        ig_json_close(w->j, '}');
    }
    if (w->j) ig_json_close(w->j, ']');
    else printf("\n");
}

static ig_status tag_words(tagging *w, ig_buf *cut, size_t n) {
    const char **word = ig_calloc(n + 1, sizeof *word);
    int32_t *tag = ig_calloc(n + 1, sizeof *tag);
    ig_status s = word && tag ? IG_OK : ig_error_nomem(&w->c->err, n * sizeof *word);
    const char *at = cut->data;
    for (size_t i = 0; i < n && s == IG_OK; i++, at += strlen(at) + 1) word[i] = at;
    if (s == IG_OK) s = ig_tag_words(w->t, word, n, tag, &w->c->err);
    if (s == IG_OK) put(w, word, tag, n);
    w->cut += s == IG_OK && n && tag[n - 1] < 0;
    w->texts++;
    ig_free(word);
    ig_free(tag);
    return s;
}

static ig_status tag_text(tagging *w, const char *text) {
    ig_buf cut = {.max = 1 << 24};
    if (!ig_utf8_valid(text, strlen(text))) return ig_error_set(&w->c->err, IG_E_FORMAT, "%s",
                                                                cli_say(w->c, "a text is no UTF-8", "文本不是 UTF-8"));
    size_t n = cut_words(text, &cut);
    ig_status s = ig_buf_status(&cut, &w->c->err);
    if (s == IG_OK) s = tag_words(w, &cut, n);
    ig_buf_fini(&cut);
    return s == IG_OK && cli_interrupted ? ig_error_set(&w->c->err, IG_E_CANCELLED, "stopped") : s;
}

static ig_status tag_input(tagging *w) {
    ig_buf text = {0};
    ig_status s = IG_OK;
    for (int i = 1; i < w->c->args && s == IG_OK; i++) s = tag_text(w, w->c->arg[i]);
    if (w->c->args > 1) return s;
    s = cli_input_text(w->c, 1, &text);
    if (s == IG_OK && text.len && memchr(text.data, 0, text.len))
        s = ig_error_set(&w->c->err, IG_E_FORMAT, "%s", cli_say(w->c, "the input has a zero byte: it is no text",
                                                                "输入含有零字节，不是文本"));
    for (char *line = text.data, *next; s == IG_OK && line && *line; line = next) {
        size_t len = strcspn(line, "\n");
        next = line + len + (line[len] != 0);
        line[len] = 0;
        s = tag_text(w, line);
    }
    ig_buf_fini(&text);
    return s;
}

static int finish(tagging *w, ig_status s) {
    cli *c = w->c;
    if (s == IG_E_CANCELLED) return 130;
    if (s != IG_OK) return cli_failed(c, cli_say(c, "give texts as arguments, or one a line through a pipe",
                                                 "请以参数给出文本，或通过管道每行给出一个文本"));
    if (w->cut && !c->quiet)
        fprintf(stderr, cli_say(c, "%zu of %zu texts are longer than the model reads; the words behind have no tag\n",
                                "%zu/%zu 个文本过长，其后的词没有标签\n"), w->cut, w->texts);
    return 0;
}

static int tag(cli *c, ig_model *m) {
    tagging w = {.c = c};
    ig_buf out = {0};
    if (ig_tagger_open(m, &w.t, &c->err) != IG_OK) return cli_failed(c,
                                                                     cli_say(c, "ingot show tells what a model is",
                                                                         "ingot show 显示模型的信息"));
    cli_catch_interrupt();
    ig_json j = {.out = &out};
    if (c->json) {
        j = cli_json_begin(&out);
        ig_json_key(&j, "texts"), ig_json_open(&j, '[');
        w.j = &j;
    }
    ig_status s = tag_input(&w);
    ig_tagger_close(w.t);
    if (!c->json || s != IG_OK) {
        ig_buf_fini(&out);
        return finish(&w, s);
    }
    ig_json_close(&j, ']');
    return cli_json_end(c, &j);
}

static int run_tag(cli *c) {
    ig_model *m = NULL;
    int code = cli_open_model(c, c->arg[0], &m);
    if (code == 0) code = tag(c, m);
    ig_model_free(m);
    return code;
}

static const cli_option options[] = {{NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0}};

const cli_verb cli_verb_tag = {
    .name = "tag", .args = "MODEL [TEXT…]",
    .en = "print the tags of the words of texts", .zh = "输出文本中每个词的标签",
    .more_en = "A word and its tag a line, an empty line between texts.  Without TEXT each line of standard input is a text.\n\n"
               "examples:\n  ingot tag ./names \"Ann lives in Leeds .\"\n  ingot tag ./names --json < letters.txt",
    .more_zh = "每行一个词及其标签，文本之间空一行。不给出 TEXT 时，标准输入的每一行是一个文本。\n\n"
               "示例：\n  ingot tag ./names \"李明住在北京。\"\n  ingot tag ./names --json < letters.txt",
    .options = options, .min_args = 1, .max_args = CLI_ARGS_MAX, .run = run_tag,
};
