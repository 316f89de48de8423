/* tests/models/test_lstm_torch.c: recurrent networks are what torch.nn.LSTM and torch.nn.GRU make of the same weights.
 *
 * lstm_torch.py wrote five small models (language models with and without a tied decoder, which start from a given state; a
 * classifier and a tagger in both directions, over padded texts) and, computed in f64, their logits, their last states and the
 * gradients of a loss.  Here all is f32: sums of some tens of products, 7 steps and two layers deep, leave relative errors of up
 * to 1e-6; ten times that is allowed.
 */
#include <math.h>

#include "ingot/formats.h"
#include "ingot/models.h"

#include "../check.h"

#define TOLERANCE 1e-5
#define PARAMS_MAX 32

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
    ig_tensor tokens, lengths, weights, state[IG_STATE_MAX];
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

static int states(const reference *r) { return ig_model_can(r->m, IG_CAN_GENERATE) ? r->m->family->state_count(r->m) : 0; }

static void open_reference(const char *name, reference *r) {
    char state[24];
    ig_error err;
    check_ok(ig_path_join(r->folder, sizeof r->folder, TORCH_DIR, name, &err));
    check_ok(ig_model_load(ctx, r->folder, &r->m, &err));
    r->file = opened(r, "reference.safetensors");
    r->tokens = read_tensor(r->file, "tokens");
    r->lengths = read_tensor(r->file, "lengths");
    r->weights = read_tensor(r->file, "weights");
    for (int i = 0; i < states(r); i++) {
        snprintf(state, sizeof state, "first_%d", i);
        r->state[i] = read_tensor(r->file, state);
    }
}

static void close_reference(reference *r) {
    for (int i = 0; i < states(r); i++) ig_tensor_unref(&r->state[i]);
    ig_tensor_unref(&r->tokens);
    ig_tensor_unref(&r->lengths);
    ig_tensor_unref(&r->weights);
    ig_safetensors_close(r->file);
    ig_model_free(r->m);
}

/* ---- comparing ---- */

/* ‖ours - theirs‖ <= TOLERANCE · ‖theirs‖, over what `theirs` does not leave at 0: padding. */
static void compare(const ig_safetensors *f, const ig_tensor *ours, const char *name) {
    double difference = 0, norm = 0;
    ig_tensor theirs = read_tensor(f, name);
    if (!ig_tensor_same_shape(ours, &theirs)) fail_msg("%s has another shape", name);
    for (int64_t i = 0; i < ig_tensor_numel(&theirs); i++) {
        double a = ig_tensor_get(ours, i), b = ig_tensor_get(&theirs, i);
        if (b == 0) continue;
        difference += (a - b) * (a - b);
        norm += b * b;
    }
    if (!(difference <= TOLERANCE * TOLERANCE * norm)) fail_msg("%s differs by %g of its norm", name, sqrt(difference / norm));
    ig_tensor_unref(&theirs);
}

/* ---- the network ---- */

static ig_var *logits_of(reference *r, const ig_pass *p, ig_var **next) {
    const ig_family *f = r->m->family;
    ig_var *tokens = ig_input(p->g, "tokens", &r->tokens), *lengths = ig_input(p->g, "lengths", &r->lengths),
           *state[IG_STATE_MAX];
    char name[24];
    for (int i = 0; i < states(r); i++) {
        snprintf(name, sizeof name, "state/%d", i);
        state[i] = ig_input(p->g, name, &r->state[i]);
    }
    if (ig_model_can(r->m, IG_CAN_GENERATE)) return f->logits_carried(r->m, p, tokens, state, next);
    return ig_model_can(r->m, IG_CAN_TAG) ? f->tag(r->m, p, tokens, NULL, lengths)
                                          : f->classify(r->m, p, tokens, NULL, lengths);
}

static const ig_tensor *value(const ig_plan *plan, ig_var *const *out, int i) {
    return plan ? ig_plan_output(plan, i) : ig_value(out[i]);
}

/* Outputs: logits, states, gradients. */
static void check_outputs(const reference *r, const ig_plan *plan, ig_var *const *out) {
    ig_safetensors *f = opened(r, "gradients.safetensors");
    char name[24];
    compare(r->file, value(plan, out, 0), "logits");
    for (int i = 0; i < states(r); i++) {
        snprintf(name, sizeof name, "last_%d", i);
        compare(r->file, value(plan, out, 1 + i), name);
    }
    for (size_t i = 0; i < r->m->params.count; i++)
        compare(f, value(plan, out, 1 + states(r) + (int)i), r->m->params.item[i]->name);
    ig_safetensors_close(f);
}

static void run(const char *name, ig_graph_mode mode) {
    reference r = {0};
    ig_graph *g = NULL;
    ig_plan *plan = NULL;
    ig_var *out[1 + IG_STATE_MAX + PARAMS_MAX];
    ig_error err;
    open_reference(name, &r);
    check_ok(ig_graph_new(ctx, mode, &g, &err));
    ig_pass p = {.g = g, .training = true};
    out[0] = logits_of(&r, &p, out + 1);
    ig_backward(g, ig_sum(g, ig_mul(g, out[0], ig_input(g, "weights", &r.weights)), 0, false));
    check_ok(ig_graph_status(g, &err));
    int n = 1 + states(&r);
    for (size_t i = 0; i < r.m->params.count; i++) {
        out[n] = ig_gradient(g, ig_param_var(g, r.m->params.item[i]));
        assert_non_null(out[n++]);
    }
    if (mode == IG_GRAPH_LAZY) check_ok(ig_capture(g, out, n, (ig_plan_opts){0}, &plan, &err));
    if (plan) check_ok(ig_plan_run(plan, &err));
    check_outputs(&r, plan, out);
    ig_plan_free(plan);
    ig_graph_free(g);
    close_reference(&r);
}

static const char *const models[] = {"lstm", "lstm-tied", "gru", "lstm-classify", "gru-tag"};
#define MODELS (sizeof models / sizeof *models)

static void outputs_and_gradients_op_by_op(void **state) {
    (void)state;
    for (size_t i = 0; i < MODELS; i++) run(models[i], IG_GRAPH_EAGER);
}

static void outputs_and_gradients_as_a_plan(void **state) {
    (void)state;
    for (size_t i = 0; i < MODELS; i++) run(models[i], IG_GRAPH_LAZY);
}

/* ---- reading on ---- */

static ig_var *columns(ig_graph *g, ig_var *x, int64_t from, int64_t to) { return ig_slice(g, x, 1, from, to); }

/* Tokens 0 … 2 and 3 … 6 with the state between them, against all seven at once.  The products have other sizes. */
static void a_carried_state_reads_on(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        reference r = {0};
        ig_graph *g = NULL;
        ig_error err;
        ig_var *between[IG_STATE_MAX], *after[IG_STATE_MAX];
        open_reference(models[i], &r);
        check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
        ig_pass p = {.g = g};
        ig_var *tokens = ig_input(g, "tokens", &r.tokens), *all = r.m->family->logits(r.m, &p, tokens, NULL);
        ig_var *start = r.m->family->logits_carried(r.m, &p, columns(g, tokens, 0, 3), NULL, between);
        ig_var *rest = r.m->family->logits_carried(r.m, &p, columns(g, tokens, 3, 7), between, after);
        ig_var *joined = ig_concat(g, (ig_var *[]){start, rest}, 2, 1);
        check_ok(ig_graph_status(g, &err));
        for (int64_t k = 0; k < ig_tensor_numel(ig_value(all)); k++)
            assert_true(fabs(ig_tensor_get(ig_value(all), k) - ig_tensor_get(ig_value(joined), k)) <= 1e-6);
        ig_graph_free(g);
        close_reference(&r);
    }
}

/* ---- what config.json may not say ---- */

static void check_refused(const char *rest, ig_status code, const char *words) {
    ig_model *m = NULL;
    ig_error err = {0};
    char json[512];
    int n = snprintf(json, sizeof json,
                     "{\"model_type\":\"lstm\",\"vocab_size\":5,\"hidden_size\":4,\"num_hidden_layers\":1,%s}", rest);
    assert_int_equal(ig_model_new(ctx, "config.json", json, (size_t)n, &m, &err), code);
    if (!strstr(err.message, words)) fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

static void contradictions_are_refused_by_name(void **state) {
    (void)state;
    check_refused("\"bidirectional\":true", IG_E_FORMAT, "bidirectional: a language model");
    check_refused("\"tie_word_embeddings\":true,\"embedding_size\":3", IG_E_FORMAT, "embedding_size is 3 and hidden_size 4");
    check_refused("\"tie_word_embeddings\":true,\"architectures\":[\"LstmForTokenClassification\"]", IG_E_FORMAT,
                  "only a language model");
    check_refused("\"architectures\":[\"LstmForMaskedLM\"]", IG_E_UNSUPPORTED, "ForMaskedLM");
    check_refused("\"weight_drop\":1", IG_E_FORMAT, "weight_drop");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_and_gradients_op_by_op),
        cmocka_unit_test(outputs_and_gradients_as_a_plan),
        cmocka_unit_test(a_carried_state_reads_on),
        cmocka_unit_test(contradictions_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
