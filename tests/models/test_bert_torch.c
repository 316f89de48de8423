/* tests/models/test_bert_torch.c: encoders are what PyTorch makes of the same weights.
 *
 * bert_torch.py wrote six small models (BERT and RoBERTa; bare, with a masked head, with a classifier), a batch of padded
 * texts, and, computed in f64, the hidden states, the logits, and the gradients of a loss of both.  Here all is f32: sums of
 * some tens of products, two blocks deep, leave relative errors of up to 1e-6; ten times that is allowed.
 */
#include <math.h>

#include "ingot/formats.h"
#include "ingot/models.h"

#include "../check.h"

#define TOLERANCE 1e-5

static ig_context *ctx;

static int set_up(void **state) {
    (void)state;
    return ig_context_new(NULL, &ctx, NULL) == IG_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

/* ---- the reference ---- */

typedef struct reference {
    char folder[IG_PATH_MAX];
    ig_safetensors *file;
    ig_model *m;
    ig_tensor tokens, types, lengths;
} reference;

static ig_safetensors *opened(const reference *r, const char *name) {
    char path[IG_PATH_MAX];
    ig_safetensors *f = NULL;
    ig_error err;
    check_ok(ig_path_join(path, sizeof path, r->folder, name, &err));
    check_ok(ig_safetensors_open(path, &f, &err));
    return f;
}

static ig_tensor read_tensor(const ig_safetensors *f, const char *name) {
    int64_t at = ig_safetensors_find(f, name);
    ig_tensor shape, t;
    ig_error err;
    if (at < 0) fail_msg("the reference has no %s", name);
    check_ok(ig_safetensors_describe(f, (size_t)at, &shape, &err));
    check_ok(ig_tensor_new(ctx, shape.dtype, shape.ndim, shape.shape, &t, &err));
    check_ok(ig_safetensors_read(ctx, f, (size_t)at, &t, &err));
    return t;
}

static void open_reference(const char *name, reference *r) {
    ig_error err;
    check_ok(ig_path_join(r->folder, sizeof r->folder, TORCH_DIR, name, &err));
    check_ok(ig_model_load(ctx, r->folder, &r->m, &err));
    r->file = opened(r, "reference.safetensors");
    r->tokens = read_tensor(r->file, "tokens");
    r->types = read_tensor(r->file, "types");
    r->lengths = read_tensor(r->file, "lengths");
}

static void close_reference(reference *r) {
    ig_tensor_unref(&r->tokens);
    ig_tensor_unref(&r->types);
    ig_tensor_unref(&r->lengths);
    ig_safetensors_close(r->file);
    ig_model_free(r->m);
}

/* ---- comparing ---- */

/* ‖ours - theirs‖ <= TOLERANCE · ‖theirs‖, over what `theirs` does not leave at 0: padding. */
static void assert_near(const ig_tensor *ours, const ig_tensor *theirs, const char *what) {
    double difference = 0, norm = 0;
    if (!ig_tensor_same_shape(ours, theirs)) fail_msg("%s has another shape", what);
    for (int64_t i = 0; i < ig_tensor_numel(theirs); i++) {
        double a = ig_tensor_get(ours, i), b = ig_tensor_get(theirs, i);
        if (b == 0) continue;
        difference += (a - b) * (a - b);
        norm += b * b;
    }
    if (!(difference <= TOLERANCE * TOLERANCE * norm)) fail_msg("%s differs by %g of its norm", what, sqrt(difference / norm));
}

static void compare(const reference *r, const ig_tensor *ours, const char *name) {
    ig_tensor theirs = read_tensor(r->file, name);
    assert_near(ours, &theirs, name);
    ig_tensor_unref(&theirs);
}

/* The gradient of a parameter that takes no part is 0 in all its elements; PyTorch has none for it. */
static void compare_gradients(const reference *r, ig_var *const *gradient, const ig_plan *plan) {
    ig_safetensors *f = opened(r, "gradients.safetensors");
    for (size_t i = 0, n = 0; i < r->m->params.count; i++) {
        const char *name = r->m->params.item[i]->name;
        assert_true((ig_safetensors_find(f, name) >= 0) == (gradient[i] != NULL));
        if (!gradient[i]) continue;
        ig_tensor theirs = read_tensor(f, name);
        if (strstr(name, "key.bias")) assert_true(ig_tensor_numel(&theirs) > 0); /* softmax cannot see it: rounding only */
        else assert_near(plan ? ig_plan_output(plan, (int)n + 3) : ig_value(gradient[i]), &theirs, name);
        n++;
        ig_tensor_unref(&theirs);
    }
    ig_safetensors_close(f);
}

/* ---- the network ---- */

static ig_var *weighted(ig_graph *g, const reference *r, ig_var *x, const char *weights, ig_tensor *w) {
    *w = read_tensor(r->file, weights);
    return ig_sum(g, ig_mul(g, x, ig_input(g, weights, w)), 0, false);
}

static ig_var *head_of(const reference *r, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    if (ig_safetensors_find(r->file, "logits") < 0) return NULL;
    if (r->m->family->label_count(r->m)) return r->m->family->classify(r->m, p, tokens, types, lengths);
    return r->m->family->masked(r->m, p, tokens, types, lengths, NULL);
}

#define PARAMS_MAX 64

/* Outputs: hidden, logits (or hidden again), loss, gradients. */
static void run(const char *name, ig_graph_mode mode, bool recompute) {
    reference r = {0};
    ig_graph *g = NULL;
    ig_plan *plan = NULL;
    ig_tensor w = {0}, hw = {0};
    ig_var *out[PARAMS_MAX + 3], *gradient[PARAMS_MAX];
    ig_error err;
    int n = 3;
    open_reference(name, &r);
    check_ok(ig_graph_new(ctx, mode, &g, &err));
    ig_pass p = {.g = g, .training = true, .recompute = recompute};
    ig_var *tokens = ig_input(g, "tokens", &r.tokens), *types = ig_input(g, "types", &r.types), *lengths = ig_input(g, "lengths", &r.lengths);
    ig_var *hidden = r.m->family->hidden(r.m, &p, tokens, types, lengths), *logits = head_of(&r, &p, tokens, types, lengths);
    ig_var *loss = weighted(g, &r, hidden, "weights", &w);
    if (logits) loss = ig_add(g, loss, weighted(g, &r, logits, "head_weights", &hw));
    ig_backward(g, loss);
    out[0] = hidden, out[1] = logits ? logits : hidden, out[2] = loss;
    for (size_t i = 0; i < r.m->params.count; i++) {
        gradient[i] = ig_gradient(g, ig_param_var(g, r.m->params.item[i]));
        if (gradient[i]) out[n++] = gradient[i];
    }
    check_ok(ig_graph_status(g, &err));
    if (mode == IG_GRAPH_LAZY) check_ok(ig_capture(g, out, n, (ig_plan_opts){0}, &plan, &err));
    if (plan) check_ok(ig_plan_run(plan, &err));
    compare(&r, plan ? ig_plan_output(plan, 0) : ig_value(hidden), "hidden");
    if (logits) compare(&r, plan ? ig_plan_output(plan, 1) : ig_value(logits), "logits");
    compare_gradients(&r, gradient, plan);
    ig_plan_free(plan);
    ig_graph_free(g);
    ig_tensor_unref(&w), ig_tensor_unref(&hw);
    close_reference(&r);
}

static const char *const models[] = {"bert", "bert-masked", "bert-classify", "xlm-roberta", "roberta-masked", "roberta-score"};
#define MODELS (sizeof models / sizeof *models)

static void outputs_and_gradients_op_by_op(void **state) {
    (void)state;
    for (size_t i = 0; i < MODELS; i++) run(models[i], IG_GRAPH_EAGER, false);
}

static void outputs_and_gradients_as_a_plan(void **state) {
    (void)state;
    for (size_t i = 0; i < MODELS; i++) run(models[i], IG_GRAPH_LAZY, false);
}

static void outputs_and_gradients_recomputed(void **state) {
    (void)state;
    for (size_t i = 0; i < MODELS; i++) run(models[i], IG_GRAPH_LAZY, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_and_gradients_op_by_op),
        cmocka_unit_test(outputs_and_gradients_as_a_plan),
        cmocka_unit_test(outputs_and_gradients_recomputed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
