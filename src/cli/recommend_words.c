/* cli/recommend_words.c: figures of models that recommend, and ingot eval of one. */
#include <math.h>

#include "cli/recommend_words.h"
#include "cli/words.h"

#define SHOWN_MAX 5

void cli_bad_row(void *arg, const ig_error *problem) {
    cli_bad_rows *b = arg;
    char text[1200];
    if (b->count++ < SHOWN_MAX && !b->c->quiet)
        fprintf(stderr, cli_say(b->c, "left out: %s\n", "已略去：%s\n"), ig_error_format(problem, text, sizeof text));
}

void cli_bad_rows_tell(cli *c, const cli_bad_rows *b) {
    if (b->count > SHOWN_MAX && !c->quiet) fprintf(stderr, cli_say(c, "%zu rows were left out\n", "共略去 %zu 行\n"), b->count);
}

void cli_recommend_json(ig_json *j, const ig_recommend_metrics *m, size_t k) {
    cli_json_pair_int(j, "k", (int64_t)k);
    cli_json_pair_int(j, "users_measured", (int64_t)m->users);
    cli_json_pair_real(j, "recall_at_k", m->recall);
    cli_json_pair_real(j, "ndcg_at_k", m->ndcg);
    cli_json_pair_real(j, "map_at_k", m->map);
    cli_json_pair_real(j, "precision_at_k", m->precision);
    cli_json_pair_real(j, "hit_rate_at_k", m->hit_rate);
    cli_json_pair_real(j, "coverage", m->coverage);
    cli_json_pair_real(j, "rmse", m->rmse);
    cli_json_pair_real(j, "mae", m->mae);
    cli_json_pair_int(j, "ratings", (int64_t)m->ratings);
    cli_json_pair_int(j, "unknown", (int64_t)m->unknown);
}

void cli_recommend_print(const cli *c, const ig_recommend_metrics *m, size_t k) {
    printf(cli_say(c, "recall@%zu  %.4f   nDCG@%zu  %.4f   MAP@%zu  %.4f   coverage  %.3f   (%zu users)\n",
                   "召回率@%zu  %.4f   nDCG@%zu  %.4f   MAP@%zu  %.4f   覆盖率  %.3f   （%zu 个用户）\n"),
           k, m->recall, k, m->ndcg, k, m->map, m->coverage, m->users);
    if (!isnan(m->rmse)) printf(cli_say(c, "RMSE  %.4f   MAE  %.4f   (%zu values)\n", "RMSE  %.4f   MAE  %.4f   （%zu 个值）\n"), m->rmse, m->mae, m->ratings);
    if (m->unknown) printf(cli_say(c, "%zu pairs have a user or an item that the model does not know\n", "有 %zu 对的用户或物品不为模型所知\n"), m->unknown);
}

/* ---- ingot eval ---- */

static ig_status read_data(cli *c, const char *option, cli_bad_rows *bad, ig_interactions *x) {
    ig_interactions_opts o = {.user = cli_text(c, "user-column", NULL), .item = cli_text(c, "item-column", NULL),
                              .value = cli_text(c, "value-column", NULL), .problem = cli_bad_row, .problem_arg = bad};
    const char *format = cli_text(c, "format", "table");
    if (!ig_interaction_format_parse(format, &o.format))
        return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "--format: expected table, rows or lines, found \"%s\"", "--format：应为 table、rows 或 lines，而不是“%s”"), format);
    for (int i = 0; cli_nth(c, option, i); i++) IG_TRY(ig_interactions_read(x, cli_nth(c, option, i), &o, &c->err));
    return ig_interactions_finish(x, IG_DUPLICATES_LAST, &c->err);
}

static int report(cli *c, const ig_recommend_metrics *m, size_t k) {
    ig_buf out = {0};
    if (!c->json) {
        cli_recommend_print(c, m, k);
        return 0;
    }
    ig_json j = cli_json_begin(&out);
    cli_recommend_json(&j, m, k);
    return cli_json_end(c, &j);
}

int cli_recommend_eval(cli *c, ig_model *m) {
    ig_interactions test = {0}, mask = {0};
    ig_recommend_metrics r = {0};
    cli_bad_rows bad = {.c = c};
    ig_recommend_eval_opts o = {.k = (size_t)cli_int(c, "k", 20), .relevant = cli_real(c, "relevant", NAN), .cancel = &cli_interrupted};
    cli_catch_interrupt();
    ig_status s = read_data(c, "data", &bad, &test);
    if (s == IG_OK) s = read_data(c, "mask", &bad, &mask);
    if (s == IG_OK && mask.count) o.mask = &mask;
    if (s == IG_OK) s = ig_recommend_evaluate(m, &test, &o, &r, &c->err);
    ig_interactions_fini(&test);
    ig_interactions_fini(&mask);
    cli_bad_rows_tell(c, &bad);
    if (s == IG_OK) return report(c, &r, o.k);
    return s == IG_E_CANCELLED ? 130 : cli_failed(c, cli_say(c, "give a table with the columns user and item, and value if there is one",
                                                             "请给出含 user 与 item 列（可含 value 列）的表格"));
}
