/* models/model_gguf.c: writing model.gguf, the weights of a quantised model's folder.
 *
 *     general.architecture "ingot"   general.alignment 32
 *     parameters under their own names; matrices [N,K], blocks along K, whatever their order in model.safetensors is
 */
#include <string.h>

#include "models/model_write.h"
#include "models/weights.h"

typedef struct writing {
    ig_gguf_tensor *tensor; /* [n] */
    ig_tensor *numbers;     /* [n]: what is written from values */
    size_t n;
} writing;

static ig_status add_numbers(const ig_model *m, const ig_param *p, ig_tensor *numbers, ig_gguf_tensor *t, ig_error *err) {
    IG_TRY(model_rows(m->ctx, p, numbers, err));
    t->type = model_ggml_number(IG_BLOCK_F32);
    t->data = numbers->data;
    t->bytes = ig_tensor_bytes(numbers);
    t->ndim = numbers->ndim;
    for (int d = 0; d < numbers->ndim && d < IG_GGUF_DIMS_MAX; d++) t->shape[d] = numbers->shape[d];
    return IG_OK;
}

static ig_status add_blocks(const ig_param *p, const model_blocks *b, ig_gguf_tensor *t, ig_error *err) {
    bool turned = p->role == IG_PARAM_IN_OUT;
    size_t row;
    t->ndim = 2;
    t->shape[0] = p->value.shape[turned], t->shape[1] = p->value.shape[!turned];
    IG_TRY(ig_block_row_bytes(b->type, (size_t)t->shape[1], &row, err));
    t->type = model_ggml_number(b->type);
    t->data = b->data;
    t->bytes = (uint64_t)row * (uint64_t)t->shape[0];
    return IG_OK;
}

static ig_status add_all(const ig_model *m, const model_blocks *blocks, writing *w, ig_error *err) {
    for (; w->n < m->params.count; w->n++) {
        const ig_param *p = m->params.item[w->n];
        w->tensor[w->n].name = p->name;
        if (blocks[w->n].data) IG_TRY(add_blocks(p, &blocks[w->n], &w->tensor[w->n], err));
        else IG_TRY(add_numbers(m, p, &w->numbers[w->n], &w->tensor[w->n], err));
    }
    return IG_OK;
}

ig_status model_write_gguf(const ig_model *m, const model_blocks *blocks, const char *folder, ig_error *err) {
    static const ig_gguf_pair pairs[] = {{.key = "general.architecture", .type = IG_GGUF_TEXT, .text = {"ingot", 5}},
                                         {.key = "general.alignment", .type = IG_GGUF_U32, .integer = 32}};
    char path[IG_PATH_MAX];
    writing w = {0};
    IG_TRY(ig_path_join(path, sizeof path, folder, "model.gguf", err));
    w.tensor = ig_calloc(m->params.count + 1, sizeof *w.tensor);
    w.numbers = ig_calloc(m->params.count + 1, sizeof *w.numbers);
    ig_status s = w.tensor && w.numbers ? IG_OK : ig_error_nomem(err, m->params.count * sizeof *w.tensor);
    if (s == IG_OK) s = add_all(m, blocks, &w, err);
    if (s == IG_OK) s = ig_gguf_save(path, pairs, 2, w.tensor, w.n, err);
    for (size_t i = 0; w.numbers && i < m->params.count; i++) ig_tensor_unref(&w.numbers[i]);
    ig_free(w.tensor);
    ig_free(w.numbers);
    return s;
}
