/* models/gpt/family.c: the family's row in the table, and what commands ask of it. */
#include "models/gpt/gpt.h"
#include "models/model.h"

static ig_status make_range(ig_model *m, gpt *s, ig_error *err) {
    IG_TRY(ig_tensor_new(m->ctx, IG_DTYPE_I64, 1, &s->c.context, &s->range, err));
    for (int64_t i = 0; i < s->c.context; i++) ((int64_t *)s->range.data)[i] = i;
    return IG_OK;
}

/* m->state is set first: whatever fails later, ig_model_free gives back what is there. */
static ig_status build(ig_model *m, ig_error *err) {
    gpt *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    m->state = s;
    IG_TRY(gpt_read_config(m, &s->c, err));
    gpt_read_dropout(m, &s->dropout);
    s->block = ig_calloc((size_t)s->c.layers, sizeof *s->block);
    if (!s->block) return ig_error_nomem(err, (size_t)s->c.layers * sizeof *s->block);
    IG_TRY(make_range(m, s, err));
    IG_TRY(gpt_add_parameters(m, s, err));
    return gpt_complete_config(m, err);
}

static void free_state(void *state) {
    gpt *s = state;
    if (!s) return;
    ig_tensor_unref(&s->range);
    ig_free(s->block);
    ig_free(s);
}

static ig_status settings(ig_model *m, ig_error *err) {
    (void)err;
    gpt_read_dropout(m, &((gpt *)m->state)->dropout);
    return IG_OK;
}

static const gpt_config *config_of(const ig_model *m) { return &((const gpt *)m->state)->c; }

static int cache_layers(const ig_model *m) { return config_of(m)->layers; }
static int64_t context_length(const ig_model *m) { return config_of(m)->context; }
static int64_t vocab_size(const ig_model *m) { return config_of(m)->V; }
static int64_t hidden_size(const ig_model *m) { return config_of(m)->C; }

static void cache_shape(const ig_model *m, int64_t *kv_heads, int64_t *head_size) {
    *kv_heads = config_of(m)->G;
    *head_size = config_of(m)->D;
}

/* Two per weight of a product (tables that are only looked up do not count), and q·kᵀ and scores·v over `context` keys. */
static double flops_per_token(const ig_model *m, int64_t context) {
    const gpt_config *c = config_of(m);
    double attention = (double)c->C * (double)(c->D * (2 * c->H + 2 * c->G));
    double network = (double)c->C * (double)c->F * (c->llama ? 3 : 2);
    double scores = 2 * (double)context * (double)(c->H * c->D);
    return 2 * (c->layers * (attention + network + scores) + (double)c->V * (double)c->C);
}

static const char *const model_types[] = {"gpt2", "llama", "mistral", "qwen2", "qwen3", NULL};

const ig_family ig_family_gpt = {
    .name = "gpt",
    .doc = "decoder-only transformers: GPT-2, Llama, Mistral, Qwen 2 and 3",
    .capabilities = IG_CAN_GENERATE | IG_CAN_EMBED,
    .model_types = model_types,
    .config_schema = gpt_schema,
    .build = build,
    .free_state = free_state,
    .settings = settings,
    .tensor_name = gpt_tensor_name,
    .initialise = gpt_initialise,
    .logits = gpt_logits,
    .hidden = gpt_hidden,
    .hidden_size = hidden_size,
    .cache_layers = cache_layers,
    .cache_shape = cache_shape,
    .context_length = context_length,
    .vocab_size = vocab_size,
    .flops_per_token = flops_per_token,
};
