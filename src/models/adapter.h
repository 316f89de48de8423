/* models/adapter.h: the adapter of a model, between the files that make, merge, write and read it. */
#ifndef INGOT_MODELS_ADAPTER_H
#define INGOT_MODELS_ADAPTER_H

#include "ingot/models.h"

#define ADAPTER_CONFIG "adapter_config.json"
#define ADAPTER_WEIGHTS "adapter_model.safetensors"
#define ADAPTER_NAME_MAX 512

typedef struct adapter_row {
    ig_param *matrix; /* of the model */
    ig_lora lora;
} adapter_row;

typedef struct ig_adapter {
    ig_params params; /* A and B of every row */
    adapter_row *row;
    size_t count;
    int64_t rank;
    double alpha, dropout;
} ig_adapter;

/* An adapter for no matrix yet, with room for `rows` of them; the parameters of the model are frozen. */
ig_status adapter_new(ig_model *m, size_t rows, int64_t rank, double alpha, double dropout, ig_error *err);
ig_status adapter_add(ig_model *m, ig_param *matrix, ig_error *err); /* A and B are zero */
void adapter_free(ig_model *m); /* the model's weights are as without it */

bool adapter_takes(const ig_param *p); /* a matrix of a linear layer that is not the head */
/* "transformer.h.0.attn.c_attn" of "transformer.h.0.attn.c_attn.weight" */
void adapter_layer(const ig_param *p, char buf[ADAPTER_NAME_MAX]);

/* W + B·A·scale as a new tensor. */
ig_status adapter_merged(ig_context *ctx, const ig_param *p, ig_tensor *out, ig_error *err);

/* Whether the folder holds an adapter and no model, and then the folder of its base. */
ig_status adapter_base(const char *dir, char base[IG_PATH_MAX], bool *is_adapter, ig_error *err);

#endif
