/* tests/server/write_reranker.c: writes a tiny cross-encoder with weights from a fixed seed:   write_reranker DIR */
#include <stdio.h>
#include <string.h>

#include "ingot/models.h"

static const char config[] =
    "{\"model_type\":\"bert\",\"architectures\":[\"BertForSequenceClassification\"],\"vocab_size\":12,\"hidden_size\":16,"
    "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"intermediate_size\":32,\"max_position_embeddings\":32,\"num_labels\":1}";
static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nshoes\nreturn\nhow\nto\nfox\nbrown\nquick\n";

static ig_status make(ig_context *ctx, const char *dir, ig_model **m, ig_error *err) {
    char path[4096];
    IG_TRY(ig_dir_make(dir, err));
    IG_TRY(ig_path_join(path, sizeof path, dir, "vocab.txt", err));
    IG_TRY(ig_file_write(path, vocab, strlen(vocab), err));
    IG_TRY(ig_model_new(ctx, "config", config, strlen(config), m, err));
    IG_TRY(ig_tokenizer_load_bert(path, true, &(*m)->tokenizer, err));
    IG_TRY((*m)->family->initialise(*m, 7, err));
    return ig_model_save(*m, dir, NULL, err);
}

int main(int argc, char **argv) {
    ig_context *ctx = NULL;
    ig_model *m = NULL;
    ig_error err = {0};
    ig_status s = argc == 2 ? ig_context_new(NULL, &ctx, &err) : ig_error_set(&err, IG_E_ARG, "write_reranker DIR");
    if (s == IG_OK) s = make(ctx, argv[1], &m, &err);
    if (s != IG_OK) fprintf(stderr, "%s\n", err.message);
    ig_model_free(m);
    ig_context_free(ctx);
    return s == IG_OK ? 0 : 1;
}
