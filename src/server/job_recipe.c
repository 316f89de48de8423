/* server/job_recipe.c: a fine-tuning job as a recipe for `ingot train`.  What OpenAI calls a learning rate multiplier multiplies
 * the rate that suits low-rank adapters. */
#include <string.h>

#include "server/server.h"

#define LEARNING_RATE 2e-4
#define EPOCHS 3
#define BATCH 4

const ig_tree *job_hyperparameter(const ig_tree *spec, const char *name) {
    const ig_tree *method = field_get(spec, "method");
    const ig_tree *own = method ? field_get(method, ig_tree_text(method, "type", "supervised")) : NULL;
    const ig_tree *place = own ? field_get(own, "hyperparameters") : NULL;
    const ig_tree *v = place ? field_get(place, name) : NULL;
    if (!v) v = ig_tree_get(field_get(spec, "hyperparameters"), name);
    return v && (v->type == IG_TREE_INT || v->type == IG_TREE_REAL) ? v : NULL;
}

static double number(const ig_tree *spec, const char *name, double otherwise) {
    const ig_tree *v = job_hyperparameter(spec, name);
    return v ? v->real : otherwise;
}

/* JSON is YAML. */
ig_status job_recipe(const ig_tree *spec, const char *training_path, const char *validation_path, ig_buf *out, ig_error *err) {
    const char *method = ig_tree_text(field_get(spec, "method"), "type", "supervised");
    ig_json j = {.out = out, .indent = 2};
    ig_json_open(&j, '{');
    reply_pair_text(&j, "name", ig_tree_text(spec, "result", ""));
    reply_pair_int(&j, "seed", ig_tree_int(spec, "seed", 0));
    ig_json_key(&j, "model"), ig_json_open(&j, '{');
    reply_pair_text(&j, "from", ig_tree_text(spec, "model", ""));
    ig_json_close(&j, '}');
    ig_json_key(&j, "lora"), ig_json_open(&j, '{');
    reply_pair_int(&j, "rank", 8);
    ig_json_close(&j, '}');
    ig_json_key(&j, "data"), ig_json_open(&j, '{');
    reply_pair_text(&j, "kind", strcmp(method, "dpo") == 0 ? "preference" : "chat");
    reply_pair_text(&j, "train", training_path);
    if (validation_path) reply_pair_text(&j, "validation", validation_path);
    ig_json_close(&j, '}');
    ig_json_key(&j, "train"), ig_json_open(&j, '{');
    ig_json_key(&j, "epochs"), ig_json_real(&j, number(spec, "n_epochs", EPOCHS));
    reply_pair_int(&j, "batch", (int64_t)number(spec, "batch_size", BATCH));
    ig_json_close(&j, '}');
    ig_json_key(&j, "optimiser"), ig_json_open(&j, '{');
    reply_pair_text(&j, "name", "adamw");
    ig_json_key(&j, "lr"), ig_json_real(&j, LEARNING_RATE * number(spec, "learning_rate_multiplier", 1));
    ig_json_close(&j, '}');
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}
