/* train/checkpoint_write.c: the writing half of checkpoint.h.  Numbers that are not finite are null in the header. */
#include <string.h>

#include "train/checkpoint.h"
#include "train/task.h"

#define HEADER_MAX ((size_t)64 << 20)

typedef struct output {
    ig_writer *w;
    uint32_t crc;
} output;

const char *checkpoint_tensor(const trainer *t, size_t i, ig_tensor *out) {
    const char *name = NULL;
    size_t parameters = 0;
    for (size_t k = 0; k < t->trained->count; k++) {
        const ig_param *p = t->trained->item[k];
        if ((p->frozen && p->role != IG_PARAM_STATE) || parameters++ != i) continue;
        *out = p->value;
        return p->name;
    }
    size_t optim = ig_optim_state_count(t->optim);
    if (i - parameters < optim) ig_optim_state_at(t->optim, i - parameters, &name, out);
    else if (t->r->data.task->kept) name = t->r->data.task->kept(t, i - parameters - optim, out);
    return name;
}

static void put_int(ig_json *j, const char *key, int64_t v) {
    ig_json_key(j, key);
    ig_json_int(j, v);
}

static void put_real(ig_json *j, const char *key, double v) {
    ig_json_key(j, key);
    ig_json_real(j, v);
}

static void put_state(ig_json *j, const train_state *s) {
    put_int(j, "step", s->step);
    put_int(j, "tokens", (int64_t)s->tokens);
    put_real(j, "elapsed", s->elapsed);
    put_real(j, "loss", s->loss);
    put_real(j, "grad_norm", s->grad_norm);
    put_real(j, "eval_loss", s->eval_loss);
    put_real(j, "best_eval_loss", s->best_eval_loss);
    put_real(j, "best_score", s->best_score);
    ig_json_key(j, "best_figures");
    ig_json_open(j, '[');
    for (int k = 0; k < IG_TRAIN_FIGURES_MAX; k++) ig_json_real(j, s->best_figure[k]);
    ig_json_close(j, ']');
    put_int(j, "best_step", s->best_step);
    put_real(j, "plateau_scale", s->schedule.plateau_scale);
    put_real(j, "plateau_best", s->schedule.plateau_best);
    put_int(j, "plateau_bad", s->schedule.plateau_bad);
    put_real(j, "early_stop_best", s->early.best);
    put_int(j, "early_stop_bad", s->early.bad);
    ig_json_key(j, "stopped");
    ig_json_bool(j, s->stopped);
}

static void put_machine(ig_json *j, ig_context *ctx) {
    ig_json_key(j, "cpu");
    ig_json_text(j, ig_cpu_name(ig_context_cpu(ctx)));
    put_int(j, "threads", ig_context_threads(ctx));
}

static void put_tensors(ig_json *j, const trainer *t) {
    ig_tensor v;
    const char *name;
    ig_json_key(j, "tensors");
    ig_json_open(j, '[');
    for (size_t i = 0; (name = checkpoint_tensor(t, i, &v)) != NULL; i++) {
        ig_json_open(j, '{');
        ig_json_key(j, "name");
        ig_json_text(j, name);
        ig_json_key(j, "dtype");
        ig_json_text(j, ig_dtype_name(v.dtype));
        ig_json_key(j, "shape");
        ig_json_open(j, '[');
        for (int d = 0; d < v.ndim; d++) ig_json_int(j, v.shape[d]);
        ig_json_close(j, ']');
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
}

static ig_status put_settings(ig_json *j, const trainer *t, ig_error *err) {
    ig_buf text = {.max = HEADER_MAX};
    ig_doc *d = NULL;
    ig_status status = trainer_settings(t, &text, err);
    if (status == IG_OK) status = ig_json_parse("settings", text.data, text.len, &d, err);
    if (status == IG_OK) {
        ig_json_key(j, "settings");
        ig_json_tree(j, ig_doc_root(d));
    }
    ig_doc_free(d);
    ig_buf_fini(&text);
    return status;
}

static ig_status format_header(const trainer *t, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    put_state(&j, &t->at);
    put_machine(&j, t->ctx);
    IG_TRY(put_settings(&j, t, err));
    put_tensors(&j, t);
    ig_json_close(&j, '}');
    while (out->status == IG_OK && out->len % 8) ig_buf_putc(out, ' '); /* tensors begin at a multiple of 8 */
    return ig_buf_status(out, err);
}

static ig_status put(output *o, const void *bytes, size_t n, ig_error *err) {
    o->crc = ig_crc32c(o->crc, bytes, n);
    return ig_writer_write(o->w, bytes, n, err);
}

static ig_status write_all(const trainer *t, const ig_buf *header, output *o, ig_error *err) {
    uint64_t len = header->len;
    ig_tensor v;
    IG_TRY(put(o, "INGOTCK1", 8, err));
    IG_TRY(put(o, &len, sizeof len, err));
    IG_TRY(put(o, header->data, header->len, err));
    for (size_t i = 0; checkpoint_tensor(t, i, &v); i++) IG_TRY(put(o, v.data, ig_tensor_bytes(&v), err));
    uint32_t crc = o->crc;
    IG_TRY(put(o, &crc, sizeof crc, err));
    return ig_writer_commit(o->w, err);
}

ig_status checkpoint_write(const trainer *t, const char *path, ig_error *err) {
    ig_buf header = {.max = HEADER_MAX};
    output o = {0};
    ig_status status = format_header(t, &header, err);
    if (status == IG_OK) status = ig_writer_open(path, &o.w, err);
    if (status == IG_OK) status = write_all(t, &header, &o, err);
    ig_writer_close(o.w);
    ig_buf_fini(&header);
    return status;
}
