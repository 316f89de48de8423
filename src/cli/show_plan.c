/* cli/show_plan.c: the plan of a training step or of a forward pass, made to be looked at and never run. */
#include "cli/verb_show.h"

static ig_status make_tensors(cli *c, ig_model *m, cli_plan *p) {
    int64_t context = m->family->context_length(m), shape[2] = {cli_int(c, "batch", 1), cli_int(c, "context", context < 1024 ? context : 1024)}, two = 2;
    if (shape[1] > context)
        return ig_error_set(&c->err, IG_E_ARG, cli_say(c, "--context %lld is more than the model's %lld", "--context %lld 超过模型的 %lld"), (long long)shape[1], (long long)context);
    IG_TRY(ig_tensor_zeros(c->ctx, IG_DTYPE_I64, 2, shape, &p->tokens, &c->err));
    IG_TRY(ig_tensor_zeros(c->ctx, IG_DTYPE_I64, 2, shape, &p->targets, &c->err));
    return ig_tensor_zeros(c->ctx, IG_DTYPE_I64, 1, &two, &p->key, &c->err);
}

/* Forward, loss, backward and update: outputs are the loss and the norm of the gradient. */
static ig_status record_step(cli *c, ig_model *m, cli_plan *p, ig_graph *g, ig_pass *pass) {
    ig_optim_opts adamw = {.kind = IG_OPTIM_ADAMW, .weight_decay = 0.1, .clip_norm = 1};
    IG_TRY(ig_optim_new(c->ctx, &m->params, &adamw, &p->optim, &c->err));
    pass->training = true;
    ig_var *logits = m->family->logits(m, pass, ig_input(g, "tokens", &p->tokens), NULL);
    ig_var *loss = ig_cross_entropy(g, logits, ig_input(g, "targets", &p->targets), (ig_cross_entropy_opts){0});
    ig_backward(g, loss);
    ig_var *outputs[2] = {loss, ig_optim_record(p->optim, g, 1)};
    IG_TRY(ig_graph_status(g, &c->err));
    return ig_capture(g, outputs, 2, (ig_plan_opts){0}, &p->plan, &c->err);
}

static ig_status record_forward(cli *c, ig_model *m, cli_plan *p, ig_graph *g, ig_pass *pass) {
    ig_var *logits = m->family->logits(m, pass, ig_input(g, "tokens", &p->tokens), NULL);
    IG_TRY(ig_graph_status(g, &c->err));
    return ig_capture(g, &logits, 1, (ig_plan_opts){0}, &p->plan, &c->err);
}

ig_status cli_plan_make(cli *c, ig_model *m, cli_plan *out) {
    ig_graph *g = NULL;
    if (!ig_model_can(m, IG_CAN_GENERATE))
        return ig_error_set(&c->err, IG_E_UNSUPPORTED, "plans of the family %s cannot be shown", m->family->name);
    IG_TRY(make_tensors(c, m, out));
    IG_TRY(ig_graph_new(c->ctx, IG_GRAPH_LAZY, &g, &c->err));
    ig_pass pass = {.g = g, .bf16 = cli_flag(c, "bf16"), .recompute = cli_flag(c, "recompute"), .key = ig_input(g, "key", &out->key)};
    ig_status s = cli_flag(c, "forward") ? record_forward(c, m, out, g, &pass) : record_step(c, m, out, g, &pass);
    ig_graph_free(g);
    return s;
}

void cli_plan_fini(cli_plan *p) {
    ig_plan_free(p->plan);
    ig_optim_free(p->optim);
    ig_tensor_unref(&p->tokens);
    ig_tensor_unref(&p->targets);
    ig_tensor_unref(&p->key);
}
