/* cli/hub.h: a model hub with Hugging Face's interface: what a repository holds, and its files.
 *
 *     GET ENDPOINT/api/models/OWNER/NAME[/revision/R]?blobs=true    {"siblings": [{"rfilename", "size", "lfs": {"sha256"}}]}
 *     GET ENDPOINT/OWNER/NAME/resolve/R/FILE                        the bytes, from any place on
 *
 * ENDPOINT is $HF_ENDPOINT or https://huggingface.co; $HF_TOKEN, where it is set, is sent and never shown.
 */
#ifndef INGOT_CLI_HUB_H
#define INGOT_CLI_HUB_H

#include "ingot/base.h"
#include "ingot/limits.h"

#define HUB_FILES_MAX 4096

typedef struct hub_file {
    char name[256];   /* at the top of the repository */
    uint64_t size;
    char sha256[65];  /* "" where the hub keeps none: small files */
    bool wanted;
} hub_file;

typedef struct hub {
    char endpoint[512], repository[256], revision[128];
    char authorization[512]; /* header, or "" */
    hub_file *file;
    size_t count;
} hub;

/* "hf:OWNER/NAME"; revision may be NULL. */
ig_status hub_open(hub *h, const char *name, const char *revision, ig_error *err);
void hub_close(hub *h);
/* Mark what a model needs: the files that match `pattern`, or config, tokenizer and the best weights that there are.
 * *gguf is the one GGUF file when that is the model, else NULL. */
ig_status hub_choose(hub *h, const char *pattern, const hub_file **gguf, ig_error *err);
uint64_t hub_wanted_bytes(const hub *h);

/* done of total bytes of all wanted files; false stops with IG_E_CANCELLED. */
typedef bool hub_progress_fn(void *arg, const char *file, uint64_t done, uint64_t total);
/* Fetch the wanted files into `dir`; what is there already in part or whole is not fetched again.  Sizes and checksums are
 * checked; a file that is wrong is removed. */
ig_status hub_fetch(const hub *h, const char *dir, hub_progress_fn *progress, void *arg, ig_error *err);

#endif
