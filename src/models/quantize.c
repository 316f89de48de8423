/* models/quantize.c: a folder whose matrices are in blocks: model.gguf, and the other files as they were. */
#include <math.h>
#include <string.h>

#include "models/model_write.h"
#include "models/new_folder.h"

typedef struct quantizing {
    const ig_model *m;
    const ig_quantize_opts *opts;
    ig_quantize_report *report;
    model_blocks *blocks; /* [params.count] */
    size_t done, total;   /* matrices */
    double lost, whole;   /* squares, of all matrices */
} quantizing;

/* Squared length of x, and of what rounding took. */
static ig_status measure(const float *x, int64_t K, ig_block_type type, const void *blocks, float *back, double *lost, double *whole,
                         ig_error *err) {
    IG_TRY(ig_blocks_to_f32(type, blocks, (size_t)K, back, err));
    for (int64_t i = 0; i < K; i++) {
        double d = (double)x[i] - (double)back[i];
        *lost += d * d;
        *whole += (double)x[i] * (double)x[i];
    }
    return IG_OK;
}

static ig_status measure_rows(const ig_tensor *rows, const model_blocks *b, double *lost, double *whole, ig_error *err) {
    int64_t N = rows->shape[0], K = rows->shape[1];
    size_t bytes;
    IG_TRY(ig_block_row_bytes(b->type, (size_t)K, &bytes, err));
    float *back = ig_calloc((size_t)K, sizeof *back);
    ig_status s = back ? IG_OK : ig_error_nomem(err, (size_t)K * sizeof *back);
    for (int64_t i = 0; i < N && s == IG_OK; i++)
        s = measure((const float *)rows->data + i * K, K, b->type, (const char *)b->data + (size_t)i * bytes, back, lost, whole, err);
    ig_free(back);
    return s;
}

static ig_status tell(quantizing *q, const ig_param *p, const ig_tensor *rows, const model_blocks *b, double error, ig_error *err) {
    size_t bytes;
    ig_quantize_layer l = {.name = p->name, .type = b->type, .rows = rows->shape[0], .columns = rows->shape[1], .error = error};
    IG_TRY(ig_block_row_bytes(b->type, (size_t)l.columns, &bytes, err));
    q->report->bytes_after += (uint64_t)bytes * (uint64_t)l.rows;
    q->report->matrices++;
    q->report->fallbacks += ig_block_size(b->type) < ig_block_size(q->opts->type);
    q->done++;
    if (!q->opts->on_layer || q->opts->on_layer(q->opts->arg, &l, q->done, q->total)) return IG_OK;
    return ig_error_set(err, IG_E_CANCELLED, "stopped");
}

static ig_status round_matrix(quantizing *q, const ig_param *p, model_blocks *b, ig_error *err) {
    ig_tensor rows;
    double lost = 0, whole = 0;
    IG_TRY(model_rows(q->m->ctx, p, &rows, err));
    b->type = model_block_type(p, q->opts->type);
    ig_status s = ig_blocks_from_rows(q->m->ctx, b->type, rows.data, (size_t)rows.shape[0], (size_t)rows.shape[1], &b->own, err);
    b->data = b->own;
    if (s == IG_OK) s = measure_rows(&rows, b, &lost, &whole, err);
    if (s == IG_OK) s = tell(q, p, &rows, b, whole > 0 ? sqrt(lost / whole) : 0, err);
    q->lost += lost, q->whole += whole;
    ig_tensor_unref(&rows);
    if (s != IG_OK && s != IG_E_NOMEM && s != IG_E_CANCELLED) return ig_error_set(err, s, "%s cannot be rounded: it holds numbers that are not finite", p->name);
    return s;
}

/* Bytes that a parameter takes now; plain ones as in the file that they came from. */
static uint64_t bytes_of(const ig_param *p) {
    uint64_t n = (uint64_t)ig_tensor_numel(&p->value);
    if (!p->packed) return n * ig_dtype_size(p->stored);
    ig_block_type t = ig_qweight_type(p->packed);
    return n / ig_block_size(t) * ig_block_bytes(t);
}

static ig_status round_all(quantizing *q, ig_error *err) {
    const ig_params *ps = &q->m->params;
    for (size_t i = 0; i < ps->count; i++) q->total += ps->item[i]->role != IG_PARAM_PLAIN;
    for (size_t i = 0; i < ps->count; i++) {
        const ig_param *p = ps->item[i];
        q->report->bytes_before += bytes_of(p);
        if (p->role != IG_PARAM_PLAIN) IG_TRY(round_matrix(q, p, &q->blocks[i], err));
        else q->report->bytes_after += 4 * (uint64_t)ig_tensor_numel(&p->value);
    }
    q->report->error = q->whole > 0 ? sqrt(q->lost / q->whole) : 0;
    return IG_OK;
}

static ig_status write_files(void *arg, const char *stage, ig_error *err) {
    const quantizing *q = arg;
    if (q->m->path) IG_TRY(model_copy_extras(q->m->path, stage, err));
    IG_TRY(model_write_gguf(q->m, q->blocks, stage, err));
    IG_TRY(model_write_tokenizer(q->m, stage, err));
    IG_TRY(model_write_card(q->m, &(ig_model_card){.parent = q->m->path}, stage, err));
    return model_write_config(q->m, stage, "float32", err);
}

ig_status ig_model_quantize(const ig_model *m, const char *dir, const ig_quantize_opts *opts, ig_quantize_report *report,
                            ig_error *err) {
    ig_quantize_report unused;
    quantizing q = {.m = m, .opts = opts, .report = report ? report : &unused};
    *q.report = (ig_quantize_report){0};
    if ((unsigned)opts->type >= IG_BLOCK_COUNT) return ig_error_set(err, IG_E_ARG, "there is no such block type");
    IG_TRY(model_check_new_folder(dir, opts->overwrite, err));
    q.blocks = ig_calloc(m->params.count + 1, sizeof *q.blocks);
    if (!q.blocks) return ig_error_nomem(err, m->params.count * sizeof *q.blocks);
    ig_status s = round_all(&q, err);
    if (s == IG_OK) s = model_make_folder(dir, write_files, &q, err);
    for (size_t i = 0; i < m->params.count; i++) ig_free(q.blocks[i].own);
    ig_free(q.blocks);
    return s;
}
