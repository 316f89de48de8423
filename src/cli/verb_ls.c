/* cli/verb_ls.c: ingot ls: the models and the features of the workspace.
 *
 * Nothing is loaded: names and types are read from config.json, sizes from the headers of the weights, losses from
 * card.json.  A folder that cannot be read is listed too, with what is wrong.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/feature.h"
#include "cli/verb_show.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ingot/formats.h"
#include "ingot/limits.h"
#include "models/model_folder.h"

typedef struct row {
    char name[256], family[64], date[32];
    int64_t parameters; /* 0: not known */
    uint64_t bytes;
    double loss;        /* NAN: not known */
    bool damaged;
} row;

/* ---- files ------------------------------------------------------------------------------------------------------------ */

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static uint64_t file_bytes(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

/* Do something with each file of a folder. */
typedef void each_fn(void *arg, const char *path);
static void each_file(const char *dir, each_fn *fn, void *arg) {
    char **names = NULL, path[IG_PATH_MAX];
    size_t count = 0;
    if (ig_dir_list(dir, &names, &count, NULL) != IG_OK) return;
    for (size_t i = 0; i < count; i++)
        if (ig_path_join(path, sizeof path, dir, names[i], NULL) == IG_OK) fn(arg, path);
    ig_names_free(names, count);
}

static void add_bytes(void *arg, const char *path) { *(uint64_t *)arg += file_bytes(path); }

uint64_t cli_folder_bytes(const char *dir) {
    uint64_t bytes = 0;
    each_file(dir, add_bytes, &bytes);
    return bytes;
}

/* ---- counting parameters ------------------------------------------------------------------------------------------------ */

typedef struct weights {
    int64_t parameters;
    bool damaged;
} weights;

static void add_gguf(weights *w, const char *path) {
    ig_gguf *g = NULL;
    w->damaged |= ig_gguf_open(path, &g, NULL) != IG_OK;
    for (size_t i = 0; g && i < ig_gguf_count(g); i++) {
        const ig_gguf_tensor *t = ig_gguf_describe(g, i);
        int64_t n = 1;
        for (int d = 0; d < t->ndim; d++) n *= t->shape[d];
        w->parameters += n;
    }
    ig_gguf_close(g);
}

/* Add what the header of a file of weights says; opening checks it against the size of the file. */
static void add_weights(void *arg, const char *path) {
    weights *w = arg;
    if (ends_with(path, "model.gguf")) add_gguf(w, path);
    ig_safetensors *s = NULL;
    ig_tensor shape;
    if (!ends_with(path, ".safetensors")) return;
    w->damaged |= ig_safetensors_open(path, &s, NULL) != IG_OK;
    for (size_t i = 0; s && i < ig_safetensors_count(s); i++)
        if (ig_safetensors_describe(s, i, &shape, NULL) == IG_OK) w->parameters += ig_tensor_numel(&shape);
    ig_safetensors_close(s);
}

/* ---- one model ------------------------------------------------------------------------------------------------------------ */

static ig_doc *load_doc(const char *dir, const char *name) {
    char path[IG_PATH_MAX];
    ig_doc *d = NULL;
    if (model_file(dir, name, path, NULL) != IG_OK || !ig_path_exists(path)) return NULL;
    return ig_doc_load(path, 4 * IG_RECIPE_BYTES_MAX, &d, NULL) == IG_OK ? d : NULL;
}

static void read_config(row *r, const char *dir) {
    ig_doc *config = load_doc(dir, "config.json");
    const char *type = config ? ig_tree_text(ig_doc_root(config), "model_type", NULL) : NULL;
    const ig_family *family = type ? ig_family_by_model_type(type) : NULL;
    r->damaged = !family;
    snprintf(r->family, sizeof r->family, "%s", family ? family->name : type ? type : "?");
    ig_doc_free(config);
}

static void read_card(row *r, const char *dir) {
    static const char *const keys[] = {"metrics.validation_loss", "metrics.eval_loss", "metrics.loss"};
    ig_doc *card = load_doc(dir, "card.json");
    r->loss = NAN;
    if (card) r->parameters = ig_tree_int(ig_doc_root(card), "parameters", 0);
    for (int i = 0; card && isnan(r->loss) && i < 3; i++) {
        const ig_tree *v = ig_tree_path(ig_doc_root(card), keys[i]);
        if (v && (v->type == IG_TREE_REAL || v->type == IG_TREE_INT)) r->loss = v->real;
    }
    ig_doc_free(card);
}

static void read_date(row *r, const char *dir) {
    char path[IG_PATH_MAX];
    struct stat st;
    struct tm tm;
    if (model_file(dir, "config.json", path, NULL) != IG_OK || stat(path, &st) != 0 || !localtime_r(&st.st_mtime, &tm)) return;
    strftime(r->date, sizeof r->date, "%Y-%m-%d %H:%M", &tm);
}

/* False when the folder is no model. */
static bool read_row(row *r, const char *dir) {
    char config[IG_PATH_MAX];
    weights w = {0};
    *r = (row){0};
    if (!ig_path_is_dir(dir) || model_file(dir, "config.json", config, NULL) != IG_OK || !ig_path_exists(config)) return false;
    snprintf(r->name, sizeof r->name, "%s", ig_path_base(dir));
    read_config(r, dir);
    read_card(r, dir);
    read_date(r, dir);
    each_file(dir, add_weights, &w);
    if (!r->parameters) r->parameters = w.parameters;
    r->damaged |= w.damaged || !w.parameters;
    r->bytes = cli_folder_bytes(dir);
    return true;
}

/* ---- the list ------------------------------------------------------------------------------------------------------------- */

static void print_row(const cli *c, const row *r) {
    char count[CLI_WORD_MAX], bytes[CLI_WORD_MAX], loss[CLI_WORD_MAX] = "–";
    if (!isnan(r->loss)) snprintf(loss, sizeof loss, "%.4f", r->loss);
    const char *wrong = r->damaged ? cli_say(c, "  (cannot be loaded)", "  （无法加载）") : "";
    printf("%-24s %-8s %8s %9s  %-7s  %s%s\n", r->name, r->family, cli_word_count((double)r->parameters, count), cli_word_bytes(r->bytes, bytes), loss,
           r->date, wrong);
}

static void row_json(ig_json *j, const row *r, const char *path) {
    ig_json_open(j, '{');
    cli_json_pair_text(j, "name", r->name);
    cli_json_pair_text(j, "path", path);
    cli_json_pair_text(j, "family", r->family);
    cli_json_pair_int(j, "parameters", r->parameters);
    cli_json_pair_int(j, "bytes", (int64_t)r->bytes);
    cli_json_pair_real(j, "loss", r->loss);
    cli_json_pair_text(j, "date", r->date);
    ig_json_key(j, "damaged"), ig_json_bool(j, r->damaged);
    ig_json_close(j, '}');
}

static int list(cli *c, const char *dir, char **names, size_t count) {
    char path[IG_PATH_MAX];
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    size_t found = 0;
    cli_json_pair_text(&j, "folder", dir);
    ig_json_key(&j, "models"), ig_json_open(&j, '[');
    for (size_t i = 0; i < count; i++) {
        row r;
        if (ig_path_join(path, sizeof path, dir, names[i], NULL) != IG_OK || !read_row(&r, path)) continue;
        if (c->json) row_json(&j, &r, path);
        else if (found == 0) printf("%s\n", cli_say(c, "name                     family   parameters    size  loss     saved", "名称                     系列     参数量        大小  损失     保存时间"));
        if (!c->json) print_row(c, &r);
        found++;
    }
    ig_json_close(&j, ']');
    if (!c->json && !found) fprintf(stderr, cli_say(c, "there is no model in %s yet; ingot train RECIPE.yaml makes one\n", "%s 中还没有模型；ingot train RECIPE.yaml 可以训练一个\n"), dir);
    int code = c->args > 0 ? 0 : cli_list_features(c, c->json ? &j : NULL);
    if (c->json && code == 0) return cli_json_end(c, &j);
    ig_buf_fini(&out);
    return code;
}

/* DIR, else the models of the workspace, else runs/ here. */
static ig_status choose_folder(cli *c, char *dir, size_t size) {
    char workspace[IG_PATH_MAX];
    if (c->args > 0) return ig_path_join(dir, size, "", c->arg[0], &c->err);
    IG_TRY(cli_workspace(c, workspace, sizeof workspace, !ig_path_is_dir("runs"), &c->err));
    if (workspace[0]) return ig_path_join(dir, size, workspace, "models", &c->err);
    return ig_path_join(dir, size, "", "runs", &c->err);
}

static int run_ls(cli *c) {
    char dir[IG_PATH_MAX], **names = NULL;
    size_t count = 0;
    ig_status s = choose_folder(c, dir, sizeof dir);
    if (s == IG_OK) s = ig_dir_list(dir, &names, &count, &c->err);
    if (s != IG_OK) return cli_failed(c, cli_say(c, "ingot init makes a workspace; ingot ls DIR lists the models of any folder", "ingot init 建立工作区；ingot ls DIR 列出任意文件夹中的模型"));
    int code = list(c, dir, names, count);
    ig_names_free(names, count);
    return code;
}

const cli_verb cli_verb_ls = {
    .name = "ls", .args = "[DIR]",
    .en = "list the models and features", .zh = "列出模型与功能",
    .more_en = "Lists the models and features of the workspace, outside of one those in runs/, or those in DIR.\n\nexamples:\n  ingot ls\n  ingot ls --json",
    .more_zh = "列出工作区的模型与功能；不在工作区时列出 runs/ 中的模型，或 DIR 中的模型。\n\n示例：\n  ingot ls\n  ingot ls --json",
    .max_args = 1, .run = run_ls,
};
