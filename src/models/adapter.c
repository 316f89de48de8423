/* models/adapter.c: low-rank changes upon the matrices of a model   (Hu et al. 2021)
 *
 *     y = x·W + x·Aᵀ·Bᵀ·alpha/rank        A [rank,K] random, B [N,rank] zero: at first nothing changes
 *
 * The layer itself stands in nn/linear.c: any family that computes with ig_nn_dense has it.  A is drawn as PyTorch's linear
 * layers and the PEFT library draw it: uniform in ±1/√K.
 */
#include "models/adapter.h"

#include <math.h>
#include <string.h>

/* ---- which matrices ---- */

void adapter_layer(const ig_param *p, char buf[ADAPTER_NAME_MAX]) {
    size_t n = strlen(p->name);
    snprintf(buf, ADAPTER_NAME_MAX, "%.*s", (int)(n > 7 && n < ADAPTER_NAME_MAX ? n - 7 : 0), p->name);
}

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0 && (n == k || s[n - k - 1] == '.');
}

/* Tables of tokens have the role of matrices, and a head may be one of them. */
bool adapter_takes(const ig_param *p) {
    static const char *const others[] = {"wte.weight", "embed_tokens.weight", "word_embeddings.weight", "lm_head.weight"};
    if (p->role == IG_PARAM_PLAIN || p->value.ndim != 2 || !ends_with(p->name, "weight")) return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ends_with(p->name, others[i])) return false;
    return true;
}

/* What the families call the parts of a block. */
static const char *const aliases[][4] = {
    {"q", "q_proj", "query", "attn.c_attn"},
    {"k", "k_proj", "key", "attn.c_attn"},
    {"v", "v_proj", "value", "attn.c_attn"},
    {"o", "o_proj", "attention.output.dense", "attn.c_proj"},
    {"gate", "gate_proj", NULL, NULL},
    {"up", "up_proj", "intermediate.dense", "mlp.c_fc"},
    {"down", "down_proj", "mlp.c_proj", NULL},
};

static bool is_target(const char *layer, const char *target) {
    if (ends_with(layer, target)) return true;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        for (int k = 1; k < 4 && aliases[i][k]; k++)
            if (strcmp(target, aliases[i][0]) == 0 && ends_with(layer, aliases[i][k])) return true;
    return false;
}

static bool is_chosen(const ig_param *p, const ig_adapter_opts *o, bool *used) {
    char layer[ADAPTER_NAME_MAX];
    bool chosen = o->target_count == 0;
    if (!adapter_takes(p)) return false;
    adapter_layer(p, layer);
    for (size_t i = 0; i < o->target_count; i++) {
        if (!is_target(layer, o->targets[i])) continue;
        chosen = used[i] = true;
    }
    return chosen;
}

/* ---- making ---- */

ig_status adapter_new(ig_model *m, size_t rows, int64_t rank, double alpha, double dropout, ig_error *err) {
    if (m->adapter) return ig_error_set(err, IG_E_STATE, "the model has an adapter already; merge it first");
    ig_adapter *a = ig_calloc(1, sizeof *a);
    if (a) a->row = ig_calloc(rows ? rows : 1, sizeof *a->row);
    if (!a || !a->row) {
        ig_free(a);
        return ig_error_nomem(err, rows * sizeof *a->row);
    }
    ig_params_init(&a->params, m->ctx);
    a->rank = rank, a->alpha = alpha, a->dropout = dropout;
    m->adapter = a;
    for (size_t i = 0; i < m->params.count; i++) m->params.item[i]->frozen = true;
    return IG_OK;
}

ig_status adapter_add(ig_model *m, ig_param *matrix, ig_error *err) {
    ig_adapter *a = m->adapter;
    char layer[ADAPTER_NAME_MAX], name[ADAPTER_NAME_MAX + 32];
    bool in_out = matrix->role == IG_PARAM_IN_OUT;
    int64_t down[2] = {a->rank, matrix->value.shape[!in_out]}, up[2] = {matrix->value.shape[in_out], a->rank};
    ig_param *pa, *pb;
    adapter_layer(matrix, layer);
    snprintf(name, sizeof name, "%s.lora_A.weight", layer);
    IG_TRY(ig_params_add(&a->params, name, IG_DTYPE_F32, 2, down, true, &pa, err));
    snprintf(name, sizeof name, "%s.lora_B.weight", layer);
    IG_TRY(ig_params_add(&a->params, name, IG_DTYPE_F32, 2, up, true, &pb, err));
    adapter_row *row = &a->row[a->count++];
    *row = (adapter_row){.matrix = matrix, .lora = {.a = pa, .b = pb, .scale = a->alpha / (double)a->rank, .dropout = a->dropout}};
    matrix->lora = &row->lora;
    return IG_OK;
}

void adapter_free(ig_model *m) {
    ig_adapter *a = m->adapter;
    if (!a) return;
    for (size_t i = 0; i < a->count; i++) a->row[i].matrix->lora = NULL;
    ig_params_fini(&a->params);
    ig_free(a->row);
    ig_free(a);
    m->adapter = NULL;
}

static ig_status fill(ig_model *m, const ig_adapter_opts *o, bool *used, ig_error *err) {
    const ig_init_opts gain = {.a = 1 / sqrt(3.0)}; /* a bound of 1/√K */
    for (size_t i = 0; i < m->params.count; i++)
        if (is_chosen(m->params.item[i], o, used)) IG_TRY(adapter_add(m, m->params.item[i], err));
    for (size_t i = 0; i < o->target_count; i++)
        if (!used[i]) return ig_error_set(err, IG_E_ARG, "\"%.80s\" is no linear layer of this model", o->targets[i]);
    if (!m->adapter->count) return ig_error_set(err, IG_E_UNSUPPORTED, "models of family %s have no linear layers that an adapter could change", m->family->name);
    for (size_t i = 0; i < m->adapter->count; i++) {
        const ig_param *a = m->adapter->row[i].lora.a;
        IG_TRY(ig_init_tensor(m->ctx, &a->value, a->name, o->seed, IG_INIT_KAIMING_UNIFORM, gain, err));
    }
    return IG_OK;
}

ig_status ig_model_adapt(ig_model *m, const ig_adapter_opts *opts, ig_error *err) {
    int64_t rank = opts->rank ? opts->rank : 8;
    if (rank < 1 || rank > 4096 || opts->alpha < 0 || !(opts->dropout >= 0 && opts->dropout < 1))
        return ig_error_set(err, IG_E_ARG, "an adapter needs a rank of 1 to 4096, a positive alpha and a dropout below 1");
    bool *used = ig_calloc(opts->target_count + 1, sizeof *used);
    if (!used) return ig_error_nomem(err, opts->target_count);
    ig_status status = adapter_new(m, m->params.count, rank, opts->alpha > 0 ? opts->alpha : 16, opts->dropout, err);
    if (status == IG_OK) {
        status = fill(m, opts, used, err);
        if (status != IG_OK) adapter_free(m);
    }
    ig_free(used);
    return status;
}

ig_params *ig_model_adapter_params(const ig_model *m) { return m->adapter ? &m->adapter->params : NULL; }

/* ---- merging ---- */

/* B·A [N,K], transposed where the matrix is [K,N], in f64 sums: once per model, and nobody waits for it. */
ig_status adapter_merged(ig_context *ctx, const ig_param *p, ig_tensor *out, ig_error *err) {
    const ig_lora *l = p->lora;
    const float *A = l->a->value.data, *B = l->b->value.data;
    int64_t K = l->a->value.shape[1], N = l->b->value.shape[0], R = l->a->value.shape[0];
    bool in_out = p->role == IG_PARAM_IN_OUT;
    if (p->packed) return ig_error_set(err, IG_E_STATE, "%s is packed for running; merge before", p->name);
    IG_TRY(ig_tensor_new(ctx, p->value.dtype, 2, p->value.shape, out, err));
    float *w = out->data;
    const float *old = p->value.data;
    for (int64_t n = 0; n < N; n++) {
        for (int64_t k = 0; k < K; k++) {
            double sum = 0;
            for (int64_t r = 0; r < R; r++) sum += (double)B[n * R + r] * (double)A[r * K + k];
            int64_t at = in_out ? k * N + n : n * K + k;
            w[at] = (float)((double)old[at] + l->scale * sum);
        }
    }
    return IG_OK;
}

ig_status ig_model_merge(ig_model *m, ig_error *err) {
    ig_adapter *a = m->adapter;
    for (size_t i = 0; a && i < a->count; i++) {
        ig_param *p = a->row[i].matrix;
        ig_tensor merged;
        IG_TRY(adapter_merged(m->ctx, p, &merged, err));
        memcpy(p->value.data, merged.data, ig_tensor_bytes(&merged));
        ig_tensor_unref(&merged);
        p->lora = NULL; /* after a failure further on, what is merged stays merged */
    }
    adapter_free(m);
    for (size_t i = 0; i < m->params.count; i++) m->params.item[i]->frozen = m->params.item[i]->role == IG_PARAM_STATE;
    return IG_OK;
}
