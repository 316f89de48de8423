/* models/import/import.h: one import, for the files of the formats.
 *
 *     source ──► format's read: job.m with its parameters and tokenizer ──► stage folder beside the target ──► rename
 */
#ifndef INGOT_MODELS_IMPORT_H
#define INGOT_MODELS_IMPORT_H

#include "ingot/limits.h"
#include "models/model.h"
#include "models/model_write.h"
#include "models/weights.h"

typedef struct import_job {
    ig_context *ctx;
    const char *source;
    const ig_model_import_opts *opts;
    ig_model *m;            /* what read makes */
    model_blocks *blocks;   /* [params.count]: matrices that stay in the blocks of the file; NULL: there are none */
    bool weights_as_they_are; /* the source is a folder whose files of weights are copied */
    ig_buf chat_template;
} import_job;

typedef struct import_format {
    const char *name;
    bool (*detect)(const char *source);
    ig_status (*read)(import_job *job, ig_error *err);
} import_format;

extern const import_format import_folder, import_gguf, import_torch, import_llama2c; /* import.c lists them */

/* The first bytes of a file; false when it is shorter or cannot be read. */
bool import_peek(const char *path, void *bytes, size_t n);
bool import_ends_with(const char *path, const char *end);
/* Make job->m out of the text of a config.json, and fill it; matrices stay blocks unless opts convert. */
ig_status import_fill(import_job *job, const char *config_name, const char *config, size_t len, const model_weights *w, ig_error *err);

/* A tokenizer out of any file that holds one: tokenizer.json, SentencePiece's .model, vocab.txt, llama2.c's .bin. */
ig_status import_tokenizer_file(const char *path, ig_tokenizer **out, ig_error *err);
/* The tokenizer of a folder, from whichever files there are; NULL when there are none. */
ig_status import_tokenizer_folder(const char *dir, ig_tokenizer **out, ig_error *err);

/* import_gguf_config.c, import_gguf_vocab.c */
struct gguf_names;
ig_status import_gguf_config(const ig_gguf *g, const char *source, const struct gguf_names *n, bool tied, ig_buf *json, ig_error *err);
ig_status import_gguf_vocab(const ig_gguf *g, const char *source, ig_tokenizer **out, ig_error *err);

#endif
