/* models/gpt/parameters.c: the parameters of GPT-2 and Llama: names, shapes, and how a new model is filled.
 *
 * Names and shapes are those of Hugging Face's files, so that model.safetensors goes both ways without a conversion.
 * GPT-2 stores its matrices [in,out] (its layers were one-dimensional convolutions), Llama [out,in].
 *
 * Initialisation (Radford et al. 2019, section 2.3): normal with deviation 0.02; the matrices that add to the residual
 * stream are scaled by 1/sqrt(2·layers), because 2·layers of them add up.  Biases are 0, norms 1.
 */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "models/gpt/gpt.h"
#include "models/model.h"

#define NAME_MAX_BYTES 128

typedef struct builder {
    ig_model *m;
    const gpt_config *c;
    int layer; /* -1 outside of the blocks */
} builder;

/* "transformer.h.3.attn.c_attn.weight", "model.norm.weight" … */
static void full_name(const builder *b, const char *part, const char *kind, char *buf) {
    const char *root = b->c->llama ? "model" : "transformer", *blocks = b->c->llama ? "layers" : "h";
    if (b->layer < 0) snprintf(buf, NAME_MAX_BYTES, "%s.%s.%s", root, part, kind);
    else snprintf(buf, NAME_MAX_BYTES, "%s.%s.%d.%s.%s", root, blocks, b->layer, part, kind);
}

static ig_status add(const builder *b, const char *part, const char *kind, int ndim, const int64_t *shape, const ig_param **out,
                     ig_error *err) {
    char name[NAME_MAX_BYTES];
    full_name(b, part, kind, name);
    return ig_model_add(b->m, name, ndim, shape, out, err);
}

static ig_status add_weights(const builder *b, const char *part, int64_t rows, int64_t columns, ig_param_role role, const ig_param **out,
                             ig_error *err) {
    char name[NAME_MAX_BYTES];
    full_name(b, part, "weight", name);
    return ig_model_add_matrix(b->m, name, rows, columns, role, out, err);
}

static ig_status add_norm(const builder *b, const char *part, gpt_linear *out, ig_error *err) {
    IG_TRY(add(b, part, "weight", 1, &b->c->C, &out->w, err));
    return b->c->bias ? add(b, part, "bias", 1, &b->c->C, &out->b, err) : IG_OK;
}

static ig_status add_linear(const builder *b, const char *part, int64_t in, int64_t out_size, gpt_linear *out, ig_error *err) {
    IG_TRY(add_weights(b, part, in, out_size, IG_PARAM_IN_OUT, &out->w, err));
    return b->c->bias ? add(b, part, "bias", 1, &out_size, &out->b, err) : IG_OK;
}

/* Llama's matrices, [out,in]. */
static ig_status add_matrix(const builder *b, const char *part, int64_t in, int64_t out_size, bool bias, gpt_linear *out, ig_error *err) {
    IG_TRY(add_weights(b, part, out_size, in, IG_PARAM_OUT_IN, &out->w, err));
    return bias ? add(b, part, "bias", 1, &out_size, &out->b, err) : IG_OK;
}

static ig_status add_head_norms(const builder *b, gpt_block *k, ig_error *err) {
    if (!b->c->head_norm) return IG_OK;
    IG_TRY(add(b, "self_attn.q_norm", "weight", 1, &b->c->D, &k->q_norm, err));
    return add(b, "self_attn.k_norm", "weight", 1, &b->c->D, &k->k_norm, err);
}

static ig_status add_gpt2_block(const builder *b, gpt_block *k, ig_error *err) {
    const gpt_config *c = b->c;
    IG_TRY(add_norm(b, "ln_1", &k->norm1, err));
    IG_TRY(add_linear(b, "attn.c_attn", c->C, 3 * c->C, &k->qkv, err));
    IG_TRY(add_linear(b, "attn.c_proj", c->C, c->C, &k->out, err));
    IG_TRY(add_norm(b, "ln_2", &k->norm2, err));
    IG_TRY(add_linear(b, "mlp.c_fc", c->C, c->F, &k->up, err));
    return add_linear(b, "mlp.c_proj", c->F, c->C, &k->down, err);
}

static ig_status add_llama_block(const builder *b, gpt_block *k, ig_error *err) {
    const gpt_config *c = b->c;
    IG_TRY(add_norm(b, "input_layernorm", &k->norm1, err));
    IG_TRY(add_matrix(b, "self_attn.q_proj", c->C, c->H * c->D, c->qkv_bias, &k->q, err));
    IG_TRY(add_matrix(b, "self_attn.k_proj", c->C, c->G * c->D, c->qkv_bias, &k->k, err));
    IG_TRY(add_matrix(b, "self_attn.v_proj", c->C, c->G * c->D, c->qkv_bias, &k->v, err));
    IG_TRY(add_head_norms(b, k, err));
    IG_TRY(add_matrix(b, "self_attn.o_proj", c->H * c->D, c->C, c->out_bias, &k->out, err));
    IG_TRY(add_norm(b, "post_attention_layernorm", &k->norm2, err));
    IG_TRY(add_matrix(b, "mlp.gate_proj", c->C, c->F, false, &k->gate, err));
    IG_TRY(add_matrix(b, "mlp.up_proj", c->C, c->F, false, &k->up, err));
    return add_matrix(b, "mlp.down_proj", c->F, c->C, false, &k->down, err);
}

static ig_status add_head(ig_model *m, gpt *s, ig_error *err) {
    s->head = s->tokens;
    return s->c.tied ? IG_OK : ig_model_add_matrix(m, "lm_head.weight", s->c.V, s->c.C, IG_PARAM_OUT_IN, &s->head, err);
}

ig_status gpt_add_parameters(ig_model *m, gpt *s, ig_error *err) {
    const gpt_config *c = &s->c;
    builder b = {.m = m, .c = c, .layer = -1};
    int64_t positions[2] = {c->context, c->C};
    IG_TRY(add_weights(&b, c->llama ? "embed_tokens" : "wte", c->V, c->C, IG_PARAM_OUT_IN, &s->tokens, err));
    if (!c->llama) IG_TRY(add(&b, "wpe", "weight", 2, positions, &s->positions, err));
    for (b.layer = 0; b.layer < c->layers; b.layer++)
        IG_TRY(c->llama ? add_llama_block(&b, &s->block[b.layer], err) : add_gpt2_block(&b, &s->block[b.layer], err));
    b.layer = -1;
    IG_TRY(add_norm(&b, c->llama ? "norm" : "ln_f", &s->norm, err));
    return add_head(m, s, err);
}

/* ---- a new model ---- */

static ig_status fill(ig_model *m, const ig_param *p, uint64_t seed, ig_init kind, double deviation, ig_error *err) {
    return ig_init_tensor(m->ctx, &p->value, p->name, seed, kind, (ig_init_opts){.b = deviation}, err);
}

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

static bool adds_to_residual(const char *name) {
    return ends_with(name, "c_proj.weight") || ends_with(name, "o_proj.weight") || ends_with(name, "down_proj.weight");
}

ig_status gpt_initialise(ig_model *m, uint64_t seed, ig_error *err) {
    const gpt_config *c = &((gpt *)m->state)->c;
    double residual = c->init_deviation / sqrt(2.0 * c->layers);
    for (size_t i = 0; i < m->params.count; i++) {
        const ig_param *p = m->params.item[i];
        ig_init kind = p->value.ndim > 1 ? IG_INIT_NORMAL : ends_with(p->name, ".bias") ? IG_INIT_ZEROS : IG_INIT_ONES;
        IG_TRY(fill(m, p, seed, kind, adds_to_residual(p->name) ? residual : c->init_deviation, err));
    }
    return IG_OK;
}

/* ---- names in files ---- */

static bool starts_with(const char *s, const char *start) { return strncmp(s, start, strlen(start)) == 0; }

/* Buffers that PyTorch modules store beside their parameters: the causal mask, and the table of rotary frequencies. */
static bool is_buffer(const char *name) {
    return ends_with(name, ".attn.bias") || ends_with(name, ".attn.masked_bias") || ends_with(name, ".rotary_emb.inv_freq");
}

/* Files of the bare network, without its head, leave the first word out: OpenAI's own GPT-2 on the hub does.  Others
 * store a tied head a second time. */
void gpt_tensor_name(const ig_model *m, const char *name, char *buf, size_t size) {
    const gpt *s = m->state;
    const char *root = s->c.llama ? "model." : "transformer.";
    if (is_buffer(name)) name = root = "";
    if (s->c.tied && strcmp(name, "lm_head.weight") == 0) name = s->tokens->name;
    if (starts_with(name, root) || starts_with(name, "lm_head.")) root = "";
    snprintf(buf, size, "%s%s", root, name);
}
