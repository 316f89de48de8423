/* tests/models/tiny.h: small models for tests, with weights that make attention and activations do something. */
#ifndef TESTS_MODELS_TINY_H
#define TESTS_MODELS_TINY_H

#include "ingot/models.h"

/* Vocabulary 65, context 32, 2 layers of 32 channels; grouped heads in Llama. */
extern const char tiny_gpt2_json[], tiny_gpt2_untied_json[], tiny_llama_json[], tiny_llama_tied_json[];
extern const char tiny_mistral_json[], tiny_qwen2_json[], tiny_qwen3_json[];
extern const char tiny_llama31_json[], tiny_linear_json[]; /* scaled positions */

/* A model of this config, initialised with seed, biases and norms included.  Fails the test on error. */
ig_model *tiny_model(ig_context *ctx, const char *config_json, uint64_t seed);
/* Logits of one pass without cache in an eager graph: tokens [B,T] → out [B,T,V]. */
void tiny_logits(ig_model *m, const int64_t *tokens, int64_t B, int64_t T, float *out);
/* Token i of a fixed sequence below V. */
int32_t tiny_token(int64_t i);
#define TINY_V 65
#define TINY_CONTEXT 32

#endif
