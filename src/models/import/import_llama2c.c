/* models/import/import_llama2c.c: a llama2.c checkpoint of version 0.  Its tokenizer is a file of its own, to be named. */
#include <string.h>

#include "models/import/import.h"

/* The format has no magic number: seven plausible integers, and then the reader checks the size. */
static bool detect(const char *source) {
    int32_t h[7];
    if (!import_peek(source, h, sizeof h)) return false;
    for (int i = 0; i < 7; i++)
        if (h[i] == 0 || (h[i] < 0 && i != 5)) return false;
    return h[0] <= 1 << 16 && h[1] <= 1 << 18 && h[2] <= IG_LLAMA2C_LAYERS_MAX && h[3] <= h[0] && h[4] <= h[3] && h[6] <= 1 << 20;
}

/* What the header does not say is fixed by the program that the format belongs to: eps 1e-5, base 10,000. */
static void write_config(const ig_llama2c_config *h, ig_buf *out) {
    ig_buf_printf(out, "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], \"vocab_size\": %d, \"hidden_size\": %d, "
                  "\"intermediate_size\": %d, \"num_hidden_layers\": %d, \"num_attention_heads\": %d, \"num_key_value_heads\": %d, "
                  "\"max_position_embeddings\": %d, \"rms_norm_eps\": 1e-05, \"rope_theta\": 10000.0, \"tie_word_embeddings\": %s, "
                  "\"bos_token_id\": 1, \"eos_token_id\": 2}",
                  h->vocab_size, h->dim, h->hidden_dim, h->n_layers, h->n_heads, h->n_kv_heads, h->seq_len,
                  h->shared_classifier ? "true" : "false");
}

static ig_status read_llama2c(import_job *job, ig_error *err) {
    ig_llama2c *f = NULL;
    ig_buf config = {.max = 4096};
    IG_TRY(ig_llama2c_open(job->source, &f, err));
    write_config(ig_llama2c_header(f), &config);
    ig_status s = ig_buf_status(&config, err);
    model_weights w = model_weights_llama2c(f);
    if (s == IG_OK) s = import_fill(job, job->source, config.data, config.len, &w, err);
    ig_buf_fini(&config);
    ig_llama2c_close(f);
    return s;
}

const import_format import_llama2c = {.name = "llama2.c", .detect = detect, .read = read_llama2c};
