/* models/onnx/onnx_model.c: ig_model_export_onnx: which pass is recorded, and the file around it.
 *
 * Of the passes that a family has, the first one in `tasks` that this model can do is exported.  Names of inputs and outputs
 * are those of transformers' own exports, so that programs written for these run.  The mask must be 1 for a text and 0 behind
 * it: its sums are the lengths that the family takes.
 */
#include <string.h>

#include "ingot/limits.h"
#include "models/model_folder.h"
#include "models/onnx/onnx.h"

#define DOC_BYTES_MAX ((size_t)1 << 20)

static const onnx_size batch = {{0, 1, 0, 0}}, length = {{0, 0, 1, 0}};

/* ---- tasks ---- */

typedef struct onnx_task {
    const char *name, *output;
    bool (*has)(const ig_model *m);
    void (*describe)(onnx_export *x); /* its inputs */
    /* in[k] is bound to input k, NULL where there is none */
    ig_var *(*record)(ig_model *m, const ig_pass *p, ig_var *const *in);
} onnx_task;

enum { TOKENS, MASK, TYPES, TEXT_INPUTS };

static bool classifies(const ig_model *m) {
    return m->family->classify && m->family->label_count && m->family->label_count(m) > 0;
}
static bool tags(const ig_model *m) { return m->family->tag && m->family->label_count && m->family->label_count(m) > 0; }
static bool fills_masks(const ig_model *m) { return m->family->masked != NULL; }
static bool has_logits(const ig_model *m) { return m->family->logits != NULL; }
static bool has_hidden(const ig_model *m) { return m->family->hidden != NULL; }

static ig_var *record_classify(ig_model *m, const ig_pass *p, ig_var *const *in) {
    return m->family->classify(m, p, in[TOKENS], in[TYPES], in[MASK]);
}
static ig_var *record_tag(ig_model *m, const ig_pass *p, ig_var *const *in) {
    return m->family->tag(m, p, in[TOKENS], in[TYPES], in[MASK]);
}
static ig_var *record_masked(ig_model *m, const ig_pass *p, ig_var *const *in) {
    return m->family->masked(m, p, in[TOKENS], in[TYPES], in[MASK], NULL);
}
static ig_var *record_logits(ig_model *m, const ig_pass *p, ig_var *const *in) {
    return m->family->logits(m, p, in[TOKENS], NULL);
}
static ig_var *record_hidden(ig_model *m, const ig_pass *p, ig_var *const *in) {
    return m->family->hidden(m, p, in[TOKENS], in[TYPES], in[MASK]);
}

static void describe_texts(onnx_export *x) {
    const ig_family *f = x->m->family;
    x->input[TOKENS] = (onnx_input){.name = "input_ids", .dtype = IG_DTYPE_I64, .ndim = 2, .shape = {batch, length}};
    x->input[MASK] =
        (onnx_input){.name = "attention_mask", .dtype = IG_DTYPE_I64, .ndim = 2, .shape = {batch, length}, .is_mask = true};
    x->inputs = TYPES;
    if (!f->type_count || f->type_count(x->m) < 2) return;
    x->input[TYPES] = (onnx_input){.name = "token_type_ids", .dtype = IG_DTYPE_I64, .ndim = 2, .shape = {batch, length}};
    x->inputs = TEXT_INPUTS;
}

/* Channels come first in what others send; the network reads them last. */
static bool sees(const ig_model *m) { return m->family->see != NULL; }

static ig_var *record_see(ig_model *m, const ig_pass *p, ig_var *const *in) {
    ig_var *last = ig_transpose(p->g, ig_transpose(p->g, in[0], 1, 2), 2, 3);
    return m->family->see(m, p, ig_contiguous(p->g, last), NULL);
}

static void describe_pictures(onnx_export *x) {
    int64_t size[3];
    x->m->family->picture_size(x->m, size);
    x->input[0] = (onnx_input){.name = "pixel_values", .dtype = IG_DTYPE_F32, .ndim = 4,
                               .shape = {batch, {{size[2]}}, {{size[0]}}, {{size[1]}}}};
    x->inputs = 1;
}

static const onnx_task tasks[] = {
    {"pictures", "logits", sees, describe_pictures, record_see},
    {"classification", "logits", classifies, describe_texts, record_classify},
    {"tags", "logits", tags, describe_texts, record_tag},
    {"masked tokens", "logits", fills_masks, describe_texts, record_masked},
    {"next tokens", "logits", has_logits, describe_texts, record_logits},
    {"hidden states", "last_hidden_state", has_hidden, describe_texts, record_hidden},
};
#define TASKS (sizeof tasks / sizeof *tasks)

/* ---- recording ---- */

static void free_inputs(onnx_export *x) {
    for (int k = 0; k < ONNX_INPUTS_MAX; k++)
        for (int r = 0; r < ONNX_RECORDINGS; r++) ig_tensor_unref(&x->input[k].t[r]);
    memset(x->input, 0, sizeof x->input);
    x->inputs = 0;
}

/* Memory for the leaves; a lazy graph never reads it. */
static ig_status make_inputs(onnx_export *x, ig_error *err) {
    int64_t longest = x->m->family->context_length ? x->m->family->context_length(x->m) : INT64_MAX;
    if (longest < onnx_length(ONNX_RECORDINGS - 1, longest))
        return ig_error_set(err, IG_E_UNSUPPORTED, "a context of %lld tokens is too short to export", (long long)longest);
    for (int k = 0; k < x->inputs; k++) {
        onnx_input *in = &x->input[k];
        for (int r = 0; r < ONNX_RECORDINGS; r++) {
            int64_t shape[IG_DIMS_MAX], B = onnx_batch(r), T = onnx_length(r, longest);
            for (int d = 0; d < in->ndim; d++)
                shape[d] = onnx_size_is(in->shape[d], batch) ? B : onnx_size_is(in->shape[d], length) ? T : in->shape[d].c[0];
            IG_TRY(ig_tensor_new(x->m->ctx, in->dtype, in->is_mask ? 1 : in->ndim, shape, &in->t[r], err));
        }
    }
    return IG_OK;
}

static ig_status record(onnx_export *x, const onnx_task *task, int r, ig_error *err) {
    ig_var *in[ONNX_INPUTS_MAX] = {0};
    ig_graph_reset(x->g[r]);
    for (int k = 0; k < x->inputs; k++) in[k] = ig_input(x->g[r], x->input[k].name, &x->input[k].t[r]);
    ig_var *y = task->record(x->m, &(ig_pass){.g = x->g[r]}, in);
    if (r == 0) x->result = y;
    return ig_graph_status(x->g[r], err);
}

static ig_status try_task(onnx_export *x, const onnx_task *task, ig_error *err) {
    free_inputs(x);
    task->describe(x);
    IG_TRY(make_inputs(x, err));
    return record(x, task, 0, err);
}

/* The first task that the model can do, recorded at the first size. */
static ig_status choose(onnx_export *x, const onnx_task **out, ig_error *err) {
    ig_status s = ig_error_set(err, IG_E_UNSUPPORTED, "models of the family %s have no pass that can be written in ONNX",
                               x->m->family->name);
    for (size_t i = 0; i < TASKS && s == IG_E_UNSUPPORTED; i++) {
        if (!tasks[i].has(x->m)) continue;
        *out = &tasks[i];
        s = try_task(x, *out, err);
    }
    return s;
}

static ig_status record_all(onnx_export *x, const onnx_task **task, ig_error *err) {
    for (int r = 0; r < ONNX_RECORDINGS; r++) IG_TRY(ig_graph_new(x->m->ctx, IG_GRAPH_LAZY, &x->g[r], err));
    IG_TRY(choose(x, task, err));
    for (int r = 1; r < ONNX_RECORDINGS; r++) IG_TRY(record(x, *task, r, err));
    if (!onnx_same_recordings(x))
        return ig_error_set(err, IG_E_UNSUPPORTED, "the network depends on the sizes of its inputs: it cannot be exported");
    return IG_OK;
}

/* ---- the file ---- */

static bool is_used(const onnx_export *x, int k) {
    for (int i = 0; i < x->g[0]->count; i++)
        if (x->needed[i] && x->g[0]->node[i]->out[0].t.data == x->input[k].t[0].data &&
            ig_var_is_leaf(&x->g[0]->node[i]->out[0]))
            return true;
    return false;
}

static void put_inputs(onnx_export *x) {
    onnx_extent dims[IG_DIMS_MAX];
    for (int k = 0; k < x->inputs; k++) {
        const onnx_input *in = &x->input[k];
        for (int d = 0; d < in->ndim; d++) dims[d] = onnx_file_dim(x, in->shape[d]);
        if (is_used(x, k)) onnx_put_value(&x->out, false, in->name, in->dtype, in->ndim, dims);
    }
}

static void put_output(onnx_export *x, const char *name) {
    onnx_extent dims[IG_DIMS_MAX];
    const ig_var *v = x->result;
    ig_node reader = {.in = (ig_var *[]){x->result}};
    const char *from = onnx_in(x, &reader, 0);
    for (int d = 0; d < v->t.ndim; d++) dims[d] = onnx_file_dim(x, onnx_dim(x, v, d));
    if (onnx_failed(x)) return;
    onnx_put_node(&x->out, &(onnx_node){.op = "Identity", .name = name, .in = &from, .nin = 1, .out = &name, .nout = 1});
    onnx_put_value(&x->out, true, name, v->t.dtype, v->t.ndim, dims);
}

static ig_status put_metadata(onnx_export *x, const onnx_task *task, ig_error *err) {
    ig_buf config = {.max = DOC_BYTES_MAX};
    ig_json j = {.out = &config};
    ig_json_tree(&j, ig_doc_root(x->m->config));
    ig_status s = ig_buf_status(&config, err);
    if (s == IG_OK) {
        onnx_put_metadata(&x->out, "family", x->m->family->name);
        onnx_put_metadata(&x->out, "task", task->name);
        onnx_put_metadata(&x->out, "config", config.data);
    }
    ig_buf_fini(&config);
    return s;
}

/* The model's card, or what the family is. */
static ig_status read_doc(const ig_model *m, ig_buf *out, ig_error *err) {
    char path[IG_PATH_MAX];
    if (m->path) IG_TRY(model_file(m->path, "card.json", path, err));
    if (m->path && ig_path_exists(path)) return ig_file_read(path, DOC_BYTES_MAX, out, err);
    ig_buf_puts(out, m->family->doc);
    return ig_buf_status(out, err);
}

static ig_status save(onnx_export *x, const onnx_task *task, const char *path, ig_error *err) {
    ig_buf doc = {.max = DOC_BYTES_MAX};
    put_inputs(x);
    put_output(x, task->output);
    if (onnx_failed(x)) {
        if (err) *err = x->error;
        return x->error.code;
    }
    ig_status s = put_metadata(x, task, err);
    if (s == IG_OK) s = read_doc(x->m, &doc, err);
    if (s == IG_OK) s = onnx_writer_save(&x->out, path, x->m->family->name, doc.data, err);
    ig_buf_fini(&doc);
    return s;
}

static ig_status export_to(onnx_export *x, const char *path, ig_error *err) {
    const onnx_task *task = NULL;
    IG_TRY(record_all(x, &task, err));
    size_t nodes = (size_t)x->g[0]->count;
    x->needed = ig_calloc(nodes, sizeof *x->needed);
    x->names = ig_calloc(nodes * IG_OP_OUT_MAX, sizeof *x->names);
    if (!x->needed || !x->names) return ig_error_nomem(err, nodes * IG_OP_OUT_MAX * sizeof *x->names);
    onnx_write_rows(x);
    return save(x, task, path, err);
}

static void fini(onnx_export *x) {
    onnx_writer_fini(&x->out);
    for (int r = 0; r < ONNX_RECORDINGS; r++) ig_graph_free(x->g[r]);
    free_inputs(x);
    ig_free(x->constant);
    ig_free(x->needed);
    ig_free(x->names);
}

ig_status ig_model_export_onnx(ig_model *m, const char *path, ig_dtype type, ig_error *err) {
    if (type != IG_DTYPE_F32 && type != IG_DTYPE_F16)
        return ig_error_set(err, IG_E_ARG, "weights of an ONNX file are f32 or f16");
    onnx_export *x = ig_calloc(1, sizeof *x);
    if (!x) return ig_error_nomem(err, sizeof *x);
    x->m = m, x->half = type == IG_DTYPE_F16;
    onnx_writer_init(&x->out);
    ig_status s = export_to(x, path, err);
    fini(x);
    ig_free(x);
    return s;
}
