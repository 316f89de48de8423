/* models/export.c: the weights of a model alone.  export_gguf.c has GGUF; a folder is ig_model_import's. */
#include "models/model_write.h"

ig_status ig_model_export_safetensors(const ig_model *m, const char *path, ig_dtype type, ig_error *err) {
    if (!ig_dtype_is_float(type)) return ig_error_set(err, IG_E_ARG, "weights are f32, f16 or bf16");
    return model_write_safetensors(m, path, type, err);
}
