/* cli/ways.c: see ways.h. */
#include "cli/ways.h"

#include "cli/eval_labels.h"
#include "cli/input.h"
#include "cli/recommend_words.h"

static const cli_way ways[] = {
    {IG_CAN_SEE, cli_see_run, cli_see_eval},
    {IG_CAN_PREDICT, cli_predict_run, cli_predict_eval},
    {IG_CAN_RECOMMEND, NULL, cli_recommend_eval},
    {IG_CAN_CLASSIFY, NULL, cli_eval_labels},
};

static const ig_family *family_of(cli *c, const char *model) {
    char folder[IG_PATH_MAX], path[IG_PATH_MAX];
    ig_doc *d = NULL;
    if (cli_model_path(c, model, folder, sizeof folder, NULL) != IG_OK) return NULL;
    if (ig_path_join(path, sizeof path, folder, "config.json", NULL) != IG_OK) return NULL;
    if (ig_doc_load(path, IG_RECIPE_BYTES_MAX, &d, NULL) != IG_OK) return NULL;
    const ig_family *f = ig_family_by_model_type(ig_tree_text(ig_doc_root(d), "model_type", ""));
    ig_doc_free(d);
    return f;
}

const cli_way *cli_way_of(cli *c, const char *model) {
    const ig_family *f = family_of(c, model);
    for (size_t i = 0; f && !(f->capabilities & IG_CAN_GENERATE) && i < sizeof ways / sizeof *ways; i++)
        if (ways[i].run && (f->capabilities & ways[i].can)) return &ways[i];
    return NULL;
}

const cli_way *cli_way_for(const ig_model *m) {
    for (size_t i = 0; !ig_model_can(m, IG_CAN_GENERATE) && i < sizeof ways / sizeof *ways; i++)
        if (ig_model_can(m, ways[i].can)) return &ways[i];
    return NULL;
}

int cli_way_run(cli *c, int (*way)(cli *c, ig_model *m)) {
    ig_model *m = NULL;
    int code = cli_open_model(c, c->arg[0], &m);
    if (code == 0) code = way(c, m);
    ig_model_free(m);
    return code;
}
