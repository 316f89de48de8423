/* cli/train_fit.c: ingot train with a recipe whose family has its own fit: data of the kind interactions. */
#include <math.h>
#include <string.h>

#include "cli/recommend_words.h"
#include "cli/verb_train.h"
#include "cli/words.h"
#include "ingot/fit.h"

typedef struct fitting {
    cli_train *t;
    const ig_fit_recipe *r;
    cli_bad_rows bad;
} fitting;

static void on_sweep(void *arg, const ig_fit_progress *p) {
    fitting *f = arg;
    cli *c = f->t->c;
    char left[CLI_WORD_MAX];
    if (!cli_progress_due(&f->t->progress) && p->sweep < p->sweeps) return;
    cli_progress_status(&f->t->progress, cli_say(c, "sweep %d/%d %3.0f%%  loss %.4f  %s left", "第 %d/%d 轮 %3.0f%%  损失 %.4f  剩余 %s"), p->sweep, p->sweeps,
                        100.0 * p->sweep / p->sweeps, p->loss, cli_word_seconds(p->left, left));
}

static int report_json(const fitting *f, const ig_fit_result *r) {
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "model", f->t->out);
    cli_json_pair_int(&j, "users", (int64_t)r->users);
    cli_json_pair_int(&j, "items", (int64_t)r->items);
    cli_json_pair_int(&j, "interactions", (int64_t)r->interactions);
    cli_json_pair_int(&j, "rows_left_out", (int64_t)f->bad.count);
    cli_json_pair_int(&j, "sweeps", r->sweeps);
    cli_json_pair_real(&j, "loss", r->loss);
    cli_json_pair_real(&j, "seconds", r->seconds);
    if (r->validated) cli_recommend_json(&j, &r->metrics, f->r->k);
    return cli_json_end(f->t->c, &j);
}

static int report(const fitting *f, const ig_fit_result *r) {
    cli *c = f->t->c;
    char seconds[CLI_WORD_MAX], word[IG_PATH_MAX];
    if (c->json) return report_json(f, r);
    printf(cli_say(c, "learned from %zu interactions of %zu users with %zu items in %s, loss %.4f\n", "已从 %zu 条交互中学习（%zu 个用户，%zu 个物品），用时 %s，损失 %.4f\n"),
           r->interactions, r->users, r->items, cli_word_seconds(r->seconds, seconds), r->loss);
    if (r->validated) cli_recommend_print(c, &r->metrics, f->r->k);
    const char *name = f->t->in_workspace ? f->r->name : f->t->shown;
    bool path = !f->t->in_workspace && !strchr(name, '/');
    cli_word_quoted(name, word, sizeof word);
    printf(cli_say(c, "the model is in %s\n\n  %s recommend %s%s --user ID\n", "模型位于 %s\n\n  %s recommend %s%s --user ID\n"), f->t->shown, c->program, path ? "./" : "", word);
    return 0;
}

static int check(fitting *f) {
    cli *c = f->t->c;
    ig_interactions x = {0};
    if (ig_fit_recipe_read(f->r, false, cli_bad_row, &f->bad, &x, &c->err) != IG_OK) return cli_failed(c, cli_say(c, "correct the recipe or the data", "请修正配方或数据"));
    ig_fit_result r = {.users = x.users.count, .items = x.items.count, .interactions = x.count};
    ig_interactions_fini(&x);
    if (c->json) return report_json(f, &r);
    printf(cli_say(c, "%zu interactions of %zu users with %zu items; %zu rows left out\n", "%zu 条交互，%zu 个用户，%zu 个物品；略去 %zu 行\n"), r.interactions, r.users, r.items,
           f->bad.count);
    return 0;
}

static const char *advice(const cli *c) {
    switch (c->err.code) {
    case IG_E_EXISTS:
    case IG_E_STATE:
        return cli_say(c, "--resume goes on with an earlier run, --overwrite starts anew, --out DIR writes elsewhere",
                       "--resume 继续先前的训练，--overwrite 重新开始，--out DIR 写到别处");
    case IG_E_NUMERIC: return cli_say(c, "try a larger model.config.regularization with --set and --overwrite", "请用 --set 增大 model.config.regularization，并加 --overwrite");
    default: return cli_say(c, "docs/models/als.md describes every key and the form of the data", "docs/models/als.md 说明了每个键与数据格式");
    }
}

static int run(fitting *f) {
    cli *c = f->t->c;
    ig_fit_result r = {0};
    ig_fit_run_opts o = {.resume = cli_flag(c, "resume"), .overwrite = cli_flag(c, "overwrite"), .problem = cli_bad_row, .problem_arg = &f->bad,
                         .progress = on_sweep, .arg = f, .cancel = &cli_interrupted};
    cli_catch_interrupt();
    cli_progress_begin(&f->t->progress, c);
    ig_status s = ig_fit_run(c->ctx, f->r, f->t->out, &o, &r, &c->err);
    cli_progress_clear(&f->t->progress);
    cli_bad_rows_tell(c, &f->bad);
    if (s == IG_OK) return report(f, &r);
    if (s != IG_E_CANCELLED) return cli_failed(c, advice(c));
    fprintf(stderr, cli_say(c, "stopped after sweep %d; the same command with --resume goes on\n", "已在第 %d 轮后停止；同一命令加 --resume 可继续\n"), r.sweeps);
    return 130;
}

int cli_train_fit(cli_train *t, const char *const *set, size_t sets) {
    cli *c = t->c;
    ig_fit_recipe *r = NULL;
    if (cli_context(c) != IG_OK || ig_fit_recipe_load(c->arg[0], set, sets, &r, &c->err) != IG_OK) return cli_failed(c, advice(c));
    if (c->has_seed) r->seed = c->seed;
    fitting f = {.t = t, .r = r, .bad = {.c = c}};
    int code = cli_train_choose_out(t, r->name) != IG_OK ? cli_failed(c, NULL) : cli_flag(c, "check") ? check(&f) : run(&f);
    ig_fit_recipe_free(r);
    return code;
}
