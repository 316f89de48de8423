/* models/import/import_folder.c: a folder in the Hugging Face layout, with safetensors or PyTorch's pytorch_model.bin. */
#include <string.h>

#include "models/import/import.h"

static bool has(const char *dir, const char *name) {
    char path[IG_PATH_MAX];
    return ig_path_join(path, sizeof path, dir, name, NULL) == IG_OK && ig_path_exists(path);
}

static bool detect(const char *source) { return ig_path_is_dir(source); }

static ig_status fill_from_torch(import_job *job, const char *path, const char *config, const ig_buf *text, ig_error *err) {
    ig_torch *f = NULL;
    IG_TRY(ig_torch_open(path, &f, err));
    model_weights w = model_weights_torch(f);
    ig_status s = import_fill(job, config, text->data ? text->data : "", text->len, &w, err);
    ig_torch_close(f);
    return s;
}

/* A checkpoint of PyTorch's and the config.json that says what it is. */
static ig_status read_torch_with(import_job *job, const char *weights, const char *config, ig_error *err) {
    ig_buf text = {.max = IG_RECIPE_BYTES_MAX};
    ig_status s = ig_file_read(config, IG_RECIPE_BYTES_MAX, &text, err);
    if (s == IG_OK) s = fill_from_torch(job, weights, config, &text, err);
    ig_buf_fini(&text);
    return s;
}

static ig_status read_folder(import_job *job, ig_error *err) {
    char weights[IG_PATH_MAX], config[IG_PATH_MAX];
    const char *dir = job->source;
    bool ours = has(dir, "model.safetensors") || has(dir, "model.safetensors.index.json") || has(dir, "model.gguf");
    if (!has(dir, "config.json")) return ig_error_at(err, IG_E_NOT_FOUND, dir, 0, "has no config.json, so it is not known what model it is");
    IG_TRY(ig_path_join(weights, sizeof weights, dir, "pytorch_model.bin", err));
    IG_TRY(ig_path_join(config, sizeof config, dir, "config.json", err));
    if (!ours && has(dir, "pytorch_model.bin.index.json"))
        return ig_error_at(err, IG_E_UNSUPPORTED, dir, 0, "has its weights in several PyTorch files: take the safetensors of the same model");
    if (ours || !has(dir, "pytorch_model.bin")) {
        job->weights_as_they_are = !job->opts->convert;
        IG_TRY(ig_model_load(job->ctx, dir, &job->m, err));
    } else IG_TRY(read_torch_with(job, weights, config, err));
    if (job->m->tokenizer) return IG_OK;
    return import_tokenizer_folder(dir, &job->m->tokenizer, err);
}

const import_format import_folder = {.name = "folder", .detect = detect, .read = read_folder};

/* ---- one file of PyTorch's ---- */

static bool detect_torch(const char *source) {
    unsigned char head[4];
    static const char *const ends[] = {".bin", ".pt", ".pth", ".th", ".ckpt"};
    bool named = false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) named = named || import_ends_with(source, ends[i]);
    if (!named || !import_peek(source, head, sizeof head)) return false;
    return memcmp(head, "PK\3\4", 4) == 0 || (head[0] == 0x80 && head[1] >= 2 && head[1] <= 5); /* a zip archive, or a pickle */
}

static ig_status read_torch(import_job *job, ig_error *err) {
    char dir[IG_PATH_MAX], config[IG_PATH_MAX];
    const char *name = ig_path_base(job->source);
    snprintf(dir, sizeof dir, "%.*s", name == job->source ? 1 : (int)(name - job->source), name == job->source ? "." : job->source);
    IG_TRY(ig_path_join(config, sizeof config, dir, "config.json", err));
    if (!ig_path_exists(config))
        return ig_error_at(err, IG_E_NOT_FOUND, job->source, 0, "is a PyTorch checkpoint, which does not say what model it is: %s is missing", config);
    IG_TRY(read_torch_with(job, job->source, config, err));
    return import_tokenizer_folder(dir, &job->m->tokenizer, err);
}

const import_format import_torch = {.name = "pytorch", .detect = detect_torch, .read = read_torch};
