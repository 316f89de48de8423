/* tests/models/test_train_torch.c: training goes as PyTorch's does.
 *
 * train_torch.py wrote, for GPT-2 and Llama, the weights to start from, the tokens of 20 steps, PyTorch's gradients of the
 * first step and its losses.  The same training runs here, op by op and as a plan.  Both sides compute in f32 and sum in
 * different orders: measured, a gradient differs by at most 1.0e-6 of its norm and a loss, after 20 steps, by 2e-7.  A
 * factor of ten above that is room for other processors, and far below what any mistake makes.
 */
#include <math.h>

#include "tiny.h"

#include "ingot/formats.h"

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
    ig_doc *doc;
    const ig_tree *t;      /* train.json */
    int64_t steps, B, T;
    const ig_tree *token;  /* the next of steps·B·(T+1) */
} reference;

static void path_in(const reference *r, const char *name, char *path) {
    ig_error err;
    check_ok(ig_path_join(path, IG_PATH_MAX, r->folder, name, &err));
}

static void open_reference(const char *name, reference *r) {
    char path[IG_PATH_MAX];
    ig_error err;
    check_ok(ig_path_join(r->folder, sizeof r->folder, TORCH_DIR, name, &err));
    path_in(r, "train.json", path);
    check_ok(ig_doc_load(path, 1 << 20, &r->doc, &err));
    r->t = ig_doc_root(r->doc);
    r->steps = ig_tree_int(r->t, "steps", 0);
    r->B = ig_tree_int(r->t, "batch", 0);
    r->T = ig_tree_int(r->t, "time", 0);
    r->token = ig_tree_get(r->t, "data")->child;
}

static void next_batch(reference *r, const ig_tensor *tokens, const ig_tensor *targets) {
    for (int64_t b = 0; b < r->B; b++) {
        for (int64_t i = 0; i <= r->T; i++, r->token = r->token->next) {
            if (i < r->T) ((int64_t *)tokens->data)[b * r->T + i] = r->token->integer;
            if (i > 0) ((int64_t *)targets->data)[b * r->T + i - 1] = r->token->integer;
        }
    }
}

/* ---- the training ---- */

typedef struct training {
    reference ref;
    ig_model *m;
    ig_optim *optim;
    ig_tensor tokens, targets; /* i64 [B,T] */
} training;

static void start(const char *name, training *w) {
    ig_error err;
    open_reference(name, &w->ref);
    check_ok(ig_model_load(ctx, w->ref.folder, &w->m, &err));
    const ig_tree *t = w->ref.t;
    ig_optim_opts o = {.kind = IG_OPTIM_ADAMW, .beta1 = ig_tree_real(t, "beta1", 0), .beta2 = ig_tree_real(t, "beta2", 0),
                       .eps = ig_tree_real(t, "eps", 0), .weight_decay = ig_tree_real(t, "weight_decay", 0),
                       .clip_norm = ig_tree_real(t, "clip_norm", 0)};
    check_ok(ig_optim_new(ctx, &w->m->params, &o, &w->optim, &err));
    int64_t shape[2] = {w->ref.B, w->ref.T};
    check_ok(ig_tensor_new(ctx, IG_DTYPE_I64, 2, shape, &w->tokens, &err));
    check_ok(ig_tensor_new(ctx, IG_DTYPE_I64, 2, shape, &w->targets, &err));
}

static void finish(training *w) {
    ig_optim_free(w->optim);
    ig_model_free(w->m);
    ig_tensor_unref(&w->tokens);
    ig_tensor_unref(&w->targets);
    ig_doc_free(w->ref.doc);
}

static ig_var *record_loss(training *w, ig_graph *g, bool recompute) {
    ig_pass pass = {.g = g, .training = true, .recompute = recompute};
    ig_var *logits = w->m->family->logits(w->m, &pass, ig_input(g, "tokens", &w->tokens), NULL);
    ig_var *loss = ig_cross_entropy(g, logits, ig_input(g, "targets", &w->targets), (ig_cross_entropy_opts){0});
    ig_backward(g, loss);
    return loss;
}

static void assert_near(double ours, double theirs, const char *what, int64_t step) {
    if (!(fabs(ours - theirs) <= TOLERANCE * fabs(theirs))) fail_msg("%s of step %lld: %.9g, PyTorch has %.9g", what, (long long)step, ours, theirs);
}

static void compare_step(const ig_tree **loss, const ig_tree **norm, double our_loss, double our_norm, int64_t step) {
    assert_near(our_loss, (*loss)->real, "loss", step);
    assert_near(our_norm, (*norm)->real, "gradient norm", step);
    *loss = (*loss)->next;
    *norm = (*norm)->next;
}

static void train_eagerly(const char *name) {
    training w = {0};
    ig_graph *g = NULL;
    ig_error err;
    start(name, &w);
    const ig_tree *loss = ig_tree_get(w.ref.t, "losses")->child, *norm = ig_tree_get(w.ref.t, "norms")->child;
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    for (int64_t step = 0; step < w.ref.steps; step++) {
        next_batch(&w.ref, &w.tokens, &w.targets);
        ig_optim_begin_step(w.optim, ig_tree_real(w.ref.t, "lr", 0));
        ig_var *l = record_loss(&w, g, false), *n = ig_optim_record(w.optim, g, 1);
        check_ok(ig_graph_status(g, &err));
        compare_step(&loss, &norm, ig_tensor_get(ig_value(l), 0), ig_tensor_get(ig_value(n), 0), step);
        ig_graph_reset(g);
    }
    ig_graph_free(g);
    finish(&w);
}

static ig_plan *captured(training *w, bool recompute) {
    ig_graph *g = NULL;
    ig_plan *plan = NULL;
    ig_error err;
    check_ok(ig_graph_new(ctx, IG_GRAPH_LAZY, &g, &err));
    ig_var *out[2] = {record_loss(w, g, recompute)};
    out[1] = ig_optim_record(w->optim, g, 1);
    check_ok(ig_graph_status(g, &err));
    check_ok(ig_capture(g, out, 2, (ig_plan_opts){0}, &plan, &err));
    ig_graph_free(g);
    return plan;
}

static void train_by_plan(const char *name, bool recompute) {
    training w = {0};
    ig_error err;
    start(name, &w);
    const ig_tree *loss = ig_tree_get(w.ref.t, "losses")->child, *norm = ig_tree_get(w.ref.t, "norms")->child;
    ig_plan *plan = captured(&w, recompute);
    for (int64_t step = 0; step < w.ref.steps; step++) {
        next_batch(&w.ref, &w.tokens, &w.targets);
        ig_optim_begin_step(w.optim, ig_tree_real(w.ref.t, "lr", 0));
        ig_alloc_fail_at(0);
        check_ok(ig_plan_run(plan, &err));
        if (step > 0) assert_int_equal(ig_alloc_fail_at(0), 0); /* all memory is there after the first run */
        compare_step(&loss, &norm, ig_tensor_get(ig_plan_output(plan, 0), 0), ig_tensor_get(ig_plan_output(plan, 1), 0), step);
    }
    ig_plan_free(plan);
    finish(&w);
}

/* ---- gradients ---- */

/* ‖ours - theirs‖ / ‖theirs‖ of one tensor */
static double distance(const ig_tensor *ours, const ig_tensor *theirs) {
    double difference = 0, norm = 0;
    for (int64_t i = 0; i < ig_tensor_numel(theirs); i++) {
        double a = ig_tensor_get(ours, i), b = ig_tensor_get(theirs, i);
        difference += (a - b) * (a - b);
        norm += b * b;
    }
    return sqrt(difference / norm);
}

static void compare_gradients(const training *w, const ig_tensor *ours) {
    char path[IG_PATH_MAX];
    ig_safetensors *f = NULL;
    ig_error err;
    path_in(&w->ref, "gradients.safetensors", path);
    check_ok(ig_safetensors_open(path, &f, &err));
    assert_int_equal(ig_safetensors_count(f), w->m->params.count);
    for (size_t i = 0; i < w->m->params.count; i++) {
        const ig_param *p = w->m->params.item[i];
        ig_tensor theirs;
        int64_t at = ig_safetensors_find(f, p->name);
        assert_true(at >= 0 && ig_tensor_same_shape(&ours[i], &p->value));
        check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, p->value.ndim, p->value.shape, &theirs, &err));
        check_ok(ig_safetensors_read(ctx, f, (size_t)at, &theirs, &err));
        double d = distance(&ours[i], &theirs);
        if (!(d <= TOLERANCE)) fail_msg("the gradient of %s differs by %g of its norm", p->name, d);
        ig_tensor_unref(&theirs);
    }
    ig_safetensors_close(f);
}

static ig_var *gradient_of(ig_graph *g, const ig_param *p) { return ig_gradient(g, ig_param_var(g, p)); }

#define PARAMS_MAX 64

static void gradients(const char *name, ig_graph_mode mode) {
    training w = {0};
    ig_graph *g = NULL;
    ig_plan *plan = NULL;
    ig_var *out[PARAMS_MAX];
    ig_tensor ours[PARAMS_MAX];
    ig_error err;
    start(name, &w);
    int n = (int)w.m->params.count;
    next_batch(&w.ref, &w.tokens, &w.targets);
    check_ok(ig_graph_new(ctx, mode, &g, &err));
    record_loss(&w, g, false);
    for (int i = 0; i < n; i++) out[i] = gradient_of(g, w.m->params.item[i]);
    check_ok(ig_graph_status(g, &err));
    if (mode == IG_GRAPH_LAZY) check_ok(ig_capture(g, out, n, (ig_plan_opts){0}, &plan, &err));
    if (plan) check_ok(ig_plan_run(plan, &err));
    for (int i = 0; i < n; i++) ours[i] = plan ? *ig_plan_output(plan, i) : *ig_value(out[i]);
    compare_gradients(&w, ours);
    ig_plan_free(plan);
    ig_graph_free(g);
    finish(&w);
}

static void gradients_of_gpt2_op_by_op(void **state) { (void)state; gradients("gpt2", IG_GRAPH_EAGER); }
static void gradients_of_gpt2_as_a_plan(void **state) { (void)state; gradients("gpt2", IG_GRAPH_LAZY); }
static void gradients_of_llama_op_by_op(void **state) { (void)state; gradients("llama", IG_GRAPH_EAGER); }
static void gradients_of_llama_as_a_plan(void **state) { (void)state; gradients("llama", IG_GRAPH_LAZY); }

static void losses_of_gpt2_op_by_op(void **state) { (void)state; train_eagerly("gpt2"); }
static void losses_of_gpt2_as_a_plan(void **state) { (void)state; train_by_plan("gpt2", false); }
static void losses_of_gpt2_recomputed(void **state) { (void)state; train_by_plan("gpt2", true); }
static void losses_of_llama_op_by_op(void **state) { (void)state; train_eagerly("llama"); }
static void losses_of_llama_as_a_plan(void **state) { (void)state; train_by_plan("llama", false); }
static void losses_of_llama_recomputed(void **state) { (void)state; train_by_plan("llama", true); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_gpt2_op_by_op),
        cmocka_unit_test(gradients_of_gpt2_as_a_plan),
        cmocka_unit_test(gradients_of_llama_op_by_op),
        cmocka_unit_test(gradients_of_llama_as_a_plan),
        cmocka_unit_test(losses_of_gpt2_op_by_op),
        cmocka_unit_test(losses_of_gpt2_as_a_plan),
        cmocka_unit_test(losses_of_gpt2_recomputed),
        cmocka_unit_test(losses_of_llama_op_by_op),
        cmocka_unit_test(losses_of_llama_as_a_plan),
        cmocka_unit_test(losses_of_llama_recomputed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
