/* models/gguf_names.h: what llama.cpp's GGUF files call architectures and tensors, and the order of their rows. */
#ifndef INGOT_MODELS_GGUF_NAMES_H
#define INGOT_MODELS_GGUF_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gguf_names {
    const char *arch;       /* general.architecture */
    const char *model_type; /* of config.json */
    bool pairs;             /* q and k rotate neighbours (2i, 2i+1) there, halves (i, i + D/2) here: rows are permuted */
    const char *root, *blocks; /* Hugging Face's words: "model.", "layers." */
    const char *const (*outer)[2], *const (*inner)[2]; /* {GGUF's, Hugging Face's}, ended by NULL */
} gguf_names;

const gguf_names *gguf_names_of_arch(const char *arch);             /* NULL: not supported */
const gguf_names *gguf_names_of_model(const char *model_type);      /* NULL: not supported */
/* "blk.3.attn_q.weight" → "model.layers.3.self_attn.q_proj.weight"; a name that is not known stays as it is. */
void gguf_name_to_hf(const gguf_names *n, const char *name, char *buf, size_t size);
/* Back; false when GGUF has no name for it.  Prefixes of heads ("bert.", "roberta.") do not count. */
bool gguf_name_from_hf(const gguf_names *n, const char *name, char *buf, size_t size);
/* Whether a tensor's rows are permuted ('q', 'k'; 0: no), by its name in GGUF. */
char gguf_permuted(const gguf_names *n, const char *gguf_name);
/* The row of GGUF's file where row `row` of Hugging Face's matrix of heads of D rows stands. */
int64_t gguf_row(int64_t row, int64_t D);

#endif
