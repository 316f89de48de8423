/* cli/args.c: arguments, help, and messages about wrong usage. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"

static const cli_option global_options[] = {
    {"help", CLI_FLAG, NULL, "show this help", "显示帮助", 0, 0},
    {"version", CLI_FLAG, NULL, "show the version", "显示版本", 0, 0},
    {"json", CLI_FLAG, NULL, "results as JSON on stdout", "以 JSON 输出结果", 0, 0},
    {"lang", CLI_TEXT, "en|zh", "language of messages (default: from LANG)", "消息语言（默认取自 LANG）", 0, 0},
    {"seed", CLI_INT, "N", "key of all random numbers", "所有随机数的种子", 0, 9007199254740992.0},
    {"threads", CLI_INT, "N", "threads to compute with (default: all cores)", "计算线程数（默认全部核心）", 1, 1024},
    {"quiet", CLI_FLAG, NULL, "no progress", "不显示进度", 0, 0},
    {"C", CLI_TEXT, "DIR", "work as if started in DIR", "如同在 DIR 中启动", 0, 0},
    {NULL, CLI_FLAG, NULL, NULL, NULL, 0, 0},
};

const char *cli_say(const cli *c, const char *en, const char *zh) { return c->chinese && zh ? zh : en; }

/* ---- asking ------------------------------------------------------------------------------------------------------------- */

const char *cli_nth(const cli *c, const char *option, int i) {
    for (int k = 0; k < c->givens; k++)
        if (strcmp(c->given[k].option->name, option) == 0 && i-- == 0) return c->given[k].value;
    return NULL;
}

bool cli_flag(const cli *c, const char *option) { return cli_nth(c, option, 0) != NULL; }

/* The last use of an option counts. */
static int last_given(const cli *c, const char *option) {
    for (int k = c->givens - 1; k >= 0; k--)
        if (strcmp(c->given[k].option->name, option) == 0) return k;
    return -1;
}

const char *cli_text(const cli *c, const char *option, const char *otherwise) {
    int k = last_given(c, option);
    return k < 0 ? otherwise : c->given[k].value;
}

double cli_real(const cli *c, const char *option, double otherwise) {
    int k = last_given(c, option);
    return k < 0 ? otherwise : c->given[k].number;
}

int64_t cli_int(const cli *c, const char *option, int64_t otherwise) {
    int k = last_given(c, option);
    return k < 0 ? otherwise : (int64_t)c->given[k].number;
}

ig_status cli_enter(cli *c) {
    if (!c->dir || c->entered) return IG_OK;
    if (chdir(c->dir) != 0) return ig_error_errno(&c->err, "-C %s", c->dir);
    c->entered = true;
    return IG_OK;
}

/* ---- messages -------------------------------------------------------------------------------------------------------------- */

int cli_usage(cli *c, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "ingot: ");
    vfprintf(stderr, fmt, args);
    va_end(args);
    if (c->verb) fprintf(stderr, cli_say(c, "\nsee: ingot %s --help\n", "\n请看：ingot %s --help\n"), c->verb->name);
    else fprintf(stderr, "%s", cli_say(c, "\nsee: ingot --help\n", "\n请看：ingot --help\n"));
    return 2;
}

static void write_error_json(const cli *c, const char *advice) {
    ig_buf out = {.max = 1 << 16};
    ig_json j = {.out = &out};
    ig_json_open(&j, '{');
    ig_json_key(&j, "error"), ig_json_open(&j, '{');
    ig_json_key(&j, "code"), ig_json_text(&j, ig_status_name(c->err.code));
    ig_json_key(&j, "message"), ig_json_text(&j, c->err.message);
    if (c->err.file[0]) ig_json_key(&j, "file"), ig_json_text(&j, c->err.file);
    if (c->err.line) ig_json_key(&j, "line"), ig_json_int(&j, c->err.line);
    if (advice) ig_json_key(&j, "advice"), ig_json_text(&j, advice);
    ig_json_close(&j, '}'), ig_json_close(&j, '}');
    if (ig_buf_status(&out, NULL) == IG_OK) printf("%s\n", out.data);
    ig_buf_fini(&out);
}

int cli_failed(cli *c, const char *advice) {
    char text[1100];
    if (c->json) write_error_json(c, advice);
    fprintf(stderr, "ingot: %s\n", ig_error_format(&c->err, text, sizeof text));
    if (advice) fprintf(stderr, "       %s\n", advice);
    return 1;
}

/* ---- help --------------------------------------------------------------------------------------------------------------------- */

static void print_option(const cli *c, const cli_option *o) {
    char left[64];
    snprintf(left, sizeof left, "%s%s%s%.40s", o->name[1] ? "--" : "-", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-26s %s\n", left, cli_say(c, o->en, o->zh));
}

static void print_options(const cli *c, const char *title, const cli_option *o) {
    if (!o) return;
    printf("\n%s\n", title);
    for (; o->name; o++) print_option(c, o);
}

static void help_verb(const cli *c) {
    const cli_verb *v = c->verb;
    printf("%s ingot %s %s\n\n%s\n", cli_say(c, "usage:", "用法："), v->name, v->args, cli_say(c, v->en, v->zh));
    print_options(c, cli_say(c, "options:", "选项："), v->options);
    if (c->more) print_options(c, cli_say(c, "of its kind:", "该类型的选项："), c->more);
    print_options(c, cli_say(c, "everywhere:", "通用选项："), global_options);
    if (v->more_en) printf("\n%s\n", cli_say(c, v->more_en, v->more_zh));
}

int cli_help(const cli *c) {
    if (c->verb) {
        help_verb(c);
        return 0;
    }
    printf("%s\n\n", cli_say(c, "ingot: train, run and improve models on your own data, offline, on one machine",
                             "ingot：在一台机器上离线训练、运行并改进你自己数据上的模型"));
    printf("%s ingot VERB …\n\n", cli_say(c, "usage:", "用法："));
    for (int i = 0; cli_verbs[i]; i++) printf("  %-18s %s\n", cli_verbs[i]->name, cli_say(c, cli_verbs[i]->en, cli_verbs[i]->zh));
    print_options(c, cli_say(c, "everywhere:", "通用选项："), global_options);
    printf("\n%s\n", cli_say(c, "ingot VERB --help tells more about each.", "ingot VERB --help 查看每个命令的说明。"));
    return 0;
}

/* ---- parsing ------------------------------------------------------------------------------------------------------------------- */

static const cli_option *find_option(const cli_option *table, const char *name, size_t len) {
    for (; table && table->name; table++)
        if (strlen(table->name) == len && strncmp(table->name, name, len) == 0) return table;
    return NULL;
}

static void nearest(const cli_option *table, const char *name, const char **best, int *distance) {
    for (; table && table->name; table++) {
        int d = ig_edit_distance(name, table->name, *distance);
        if (d < *distance) *distance = d, *best = table->name;
    }
}

static int unknown_option(cli *c, const char *name) {
    const char *best = NULL;
    int distance = 4;
    nearest(c->verb ? c->verb->options : NULL, name, &best, &distance);
    nearest(c->more, name, &best, &distance);
    nearest(global_options, name, &best, &distance);
    if (best) return cli_usage(c, cli_say(c, "unknown option --%s; did you mean --%s?", "未知选项 --%s；你是想用 --%s 吗？"), name, best);
    return cli_usage(c, cli_say(c, "unknown option --%s", "未知选项 --%s"), name);
}

static int check_number(cli *c, const cli_option *o, const char *value, double *out) {
    char *end = NULL;
    errno = 0;
    double v = strtod(value, &end);
    bool bad = end == value || *end || errno || v != v;
    if (!bad && o->kind == CLI_INT) bad = v != (double)(int64_t)v;
    if (bad)
        return cli_usage(c, o->kind == CLI_INT ? cli_say(c, "--%s needs a whole number, not \"%s\"", "--%s 需要整数，而不是“%s”")
                                               : cli_say(c, "--%s needs a number, not \"%s\"", "--%s 需要数字，而不是“%s”"), o->name, value);
    if (o->max > o->min && (v < o->min || v > o->max))
        return cli_usage(c, cli_say(c, "--%s must be between %g and %g, not %s", "--%s 必须在 %g 与 %g 之间，而不是 %s"), o->name, o->min, o->max, value);
    *out = v;
    return 0;
}

static int add_option(cli *c, const cli_option *o, const char *value) {
    double number = 0;
    if (c->givens >= CLI_ARGS_MAX) return cli_usage(c, "%s", cli_say(c, "too many options", "选项过多"));
    if (o->kind == CLI_INT || o->kind == CLI_REAL) {
        int bad = check_number(c, o, value, &number);
        if (bad) return bad;
    }
    c->given[c->givens].option = o;
    c->given[c->givens].value = value ? value : "";
    c->given[c->givens++].number = number;
    return 0;
}

/* The options that depend on the arguments so far; asked for once. */
static ig_status extend(cli *c) {
    if (!c->verb || !c->verb->extend || c->extended) return IG_OK;
    IG_TRY(cli_enter(c));
    IG_TRY(c->verb->extend(c));
    c->extended = c->more != NULL;
    return IG_OK;
}

/* --name, --name value, --name=value; *i moves past a separate value. */
static int parse_option(cli *c, int argc, char **argv, int *i) {
    const char *text = argv[*i];
    bool dir = strcmp(text, "-C") == 0;
    const char *name = dir ? "C" : strcmp(text, "-h") == 0 ? "help" : text + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const cli_option *o = find_option(c->verb ? c->verb->options : NULL, name, len);
    if (!o) o = find_option(global_options, name, len);
    if (!o && extend(c) != IG_OK) return cli_failed(c, NULL);
    if (!o) o = find_option(c->more, name, len);
    if (!o) return unknown_option(c, name);
    if (o->kind == CLI_FLAG) {
        if (equals) return cli_usage(c, cli_say(c, "--%s takes no value", "--%s 不带值"), o->name);
        return add_option(c, o, NULL);
    }
    const char *value = equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL;
    if (!value) return cli_usage(c, cli_say(c, "--%s needs a value: %s", "--%s 需要值：%s"), o->name, o->value);
    return add_option(c, o, value);
}

static bool is_option(const char *s) { return s[0] == '-' && (s[1] == '-' || strcmp(s, "-C") == 0 || strcmp(s, "-h") == 0); }

/* Options and arguments from argv[i] on; after "--" everything is an argument. */
static int parse_rest(cli *c, int argc, char **argv, int i, bool only_options) {
    bool plain = false;
    for (; i < argc; i++) {
        if (!plain && strcmp(argv[i], "--") == 0) plain = true;
        else if (!plain && is_option(argv[i])) {
            int bad = parse_option(c, argc, argv, &i);
            if (bad) return bad;
        } else if (only_options) return 0;
        else if (c->args < CLI_ARGS_MAX) c->arg[c->args++] = argv[i];
    }
    return 0;
}

static const cli_verb *match_verb(int argc, char **argv, int i, int *words) {
    for (int k = 0; cli_verbs[k]; k++) {
        const char *name = cli_verbs[k]->name, *space = strchr(name, ' ');
        size_t first = space ? (size_t)(space - name) : strlen(name);
        if (strlen(argv[i]) != first || strncmp(argv[i], name, first) != 0) continue;
        if (!space || (i + 1 < argc && strcmp(argv[i + 1], space + 1) == 0)) {
            *words = space ? 2 : 1;
            return cli_verbs[k];
        }
    }
    return NULL;
}

static int unknown_verb(cli *c, const char *word) {
    const char *best = NULL;
    int distance = 4;
    for (int k = 0; cli_verbs[k]; k++) {
        int d = ig_edit_distance(word, cli_verbs[k]->name, distance);
        bool begins = strncmp(cli_verbs[k]->name, word, strlen(word)) == 0;
        if (begins) d = 0;
        if (d < distance) distance = d, best = cli_verbs[k]->name;
    }
    if (best) return cli_usage(c, cli_say(c, "unknown verb \"%s\"; did you mean \"ingot %s\"?", "未知命令“%s”；你是想用“ingot %s”吗？"), word, best);
    return cli_usage(c, cli_say(c, "unknown verb \"%s\"", "未知命令“%s”"), word);
}

/* The first word of verbs of two words, as "tokenizer". */
static bool in_group(const cli_verb *v, const char *word) {
    size_t len = strlen(word);
    return strncmp(v->name, word, len) == 0 && v->name[len] == ' ';
}

static bool is_group(const char *word) {
    for (int k = 0; cli_verbs[k]; k++)
        if (in_group(cli_verbs[k], word)) return true;
    return false;
}

/* `word` begins verbs of two words and what follows is none of them: list them, the nearest first. */
static int unknown_member(cli *c, const char *word, const char *second) {
    const char *best = NULL;
    int distance = 4;
    for (int k = 0; second && cli_verbs[k]; k++) {
        if (!in_group(cli_verbs[k], word)) continue;
        int d = ig_edit_distance(second, cli_verbs[k]->name + strlen(word) + 1, distance);
        if (d < distance) distance = d, best = cli_verbs[k]->name;
    }
    if (best) fprintf(stderr, cli_say(c, "ingot: did you mean \"ingot %s\"?\n", "ingot：你是想用“ingot %s”吗？\n"), best);
    else fprintf(stderr, cli_say(c, "ingot: \"%s\" is followed by one of these:\n", "ingot：“%s”后面应为下列之一：\n"), word);
    for (int k = 0; cli_verbs[k]; k++)
        if (in_group(cli_verbs[k], word)) fprintf(stderr, "  ingot %-18s %s\n", cli_verbs[k]->name, cli_say(c, cli_verbs[k]->en, cli_verbs[k]->zh));
    return 2;
}

static int take_globals(cli *c) {
    const char *lang = cli_text(c, "lang", NULL);
    if (lang && strcmp(lang, "en") != 0 && strcmp(lang, "zh") != 0) return cli_usage(c, "--lang: en | zh");
    if (lang) c->chinese = strcmp(lang, "zh") == 0;
    c->json = cli_flag(c, "json");
    c->quiet = cli_flag(c, "quiet");
    c->has_seed = cli_flag(c, "seed");
    c->seed = (uint64_t)cli_int(c, "seed", 0);
    c->threads = (int)cli_int(c, "threads", 0);
    c->dir = cli_text(c, "C", c->dir);
    return 0;
}

/* --lang and -C count wherever they stand, for messages and options of what stands before them too. */
static void look_ahead(cli *c, int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *value = strncmp(argv[i], "--lang=", 7) == 0 ? argv[i] + 7 : NULL;
        if (strcmp(argv[i], "--lang") == 0 && i + 1 < argc) value = argv[i + 1];
        if (value) c->chinese = strcmp(value, "zh") == 0;
        if (strcmp(argv[i], "-C") == 0 && i + 1 < argc) c->dir = argv[i + 1];
    }
}

int cli_parse(cli *c, int argc, char **argv) {
    int i = 1, words = 0, bad = 0;
    look_ahead(c, argc, argv);
    while (i < argc && is_option(argv[i])) { /* options before the verb */
        if ((bad = parse_option(c, argc, argv, &i))) return bad;
        i++;
    }
    if ((bad = take_globals(c))) return bad;
    if (i < argc) {
        c->verb = match_verb(argc, argv, i, &words);
        if (!c->verb && is_group(argv[i])) return unknown_member(c, argv[i], i + 1 < argc && !is_option(argv[i + 1]) ? argv[i + 1] : NULL);
        if (!c->verb) return unknown_verb(c, argv[i]);
        if ((bad = parse_rest(c, argc, argv, i + words, false)) || (bad = take_globals(c))) return bad;
    }
    if (c->verb && cli_flag(c, "help") && extend(c) != IG_OK) return cli_failed(c, NULL);
    if (!c->verb || cli_flag(c, "help") || cli_flag(c, "version")) return 0;
    if (c->args < c->verb->min_args) return cli_usage(c, cli_say(c, "something is missing: ingot %s %s", "缺少参数：ingot %s %s"), c->verb->name, c->verb->args);
    if (c->args > c->verb->max_args) return cli_usage(c, cli_say(c, "too many arguments, from \"%s\" on", "参数过多，从“%s”开始"), c->arg[c->verb->max_args]);
    return 0;
}
