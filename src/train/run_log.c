/* train/run_log.c: the log of a run: appended line by line, cut back when a run goes on from a checkpoint.
 *
 * A line is one write, so a killed process leaves at most one that is incomplete; it stands behind the last checkpoint, like
 * everything that a resumed run does again, and is cut off with that.
 */
#include "train/run_log.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define LOG_BYTES_MAX ((size_t)1 << 30)
#define LINE_BYTES_MAX ((size_t)16 << 20)

const char *run_time_text(double seconds, char buf[32]) {
    long long s = isfinite(seconds) && seconds >= 0 && seconds < 1e12 ? (long long)(seconds + 0.5) : -1;
    if (s < 0) buf[0] = '\0';
    else snprintf(buf, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return buf;
}

static ig_status add_point(log_curve *c, double step, double loss, ig_error *err) {
    if (!isfinite(loss)) return IG_OK;
    if (c->len == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 256;
        log_point *more = ig_realloc_array(c->at, cap, sizeof *more);
        if (!more) return ig_error_nomem(err, cap * sizeof *more);
        c->at = more;
        c->cap = cap;
    }
    c->at[c->len++] = (log_point){step, loss};
    return IG_OK;
}

/* ---- what an earlier call has written ---- */

static ig_status remember(run_log *l, const ig_tree *line, ig_error *err) {
    double step = ig_tree_real(line, "current_steps", 0);
    IG_TRY(add_point(&l->train, step, ig_tree_real(line, "loss", NAN), err));
    return add_point(&l->eval, step, ig_tree_real(line, "eval_loss", NAN), err);
}

/* A line that is no JSON, or of a later step, and all that follow are cut off. */
static bool keeps(const char *line, size_t len, int64_t step, ig_doc **d) {
    *d = NULL;
    if (ig_json_parse("log", line, len, d, NULL) != IG_OK) return false;
    const ig_tree *at = ig_tree_get(ig_doc_root(*d), "current_steps");
    return at && at->type == IG_TREE_INT && at->integer <= step;
}

static ig_status keep_lines(run_log *l, const ig_buf *text, int64_t step, size_t *kept, ig_error *err) {
    ig_status status = IG_OK;
    bool go_on = true;
    while (go_on && status == IG_OK) {
        const char *line = text->data + *kept, *end = memchr(line, '\n', text->len - *kept);
        ig_doc *d = NULL;
        go_on = end && keeps(line, (size_t)(end - line), step, &d);
        if (go_on) {
            status = remember(l, ig_doc_root(d), err);
            *kept = (size_t)(end + 1 - text->data);
        }
        ig_doc_free(d);
    }
    return status;
}

static ig_status cut_back(run_log *l, int64_t step, ig_error *err) {
    ig_buf text = {.max = LOG_BYTES_MAX};
    size_t kept = 0;
    ig_status status = IG_OK;
    if (step >= 0 && ig_path_exists(l->path)) status = ig_file_read(l->path, LOG_BYTES_MAX, &text, err);
    if (status == IG_OK && text.len) status = keep_lines(l, &text, step, &kept, err);
    if (status == IG_OK) status = ig_file_write(l->path, text.data ? text.data : "", kept, err);
    ig_buf_fini(&text);
    return status;
}

ig_status run_log_open(run_log *l, const char *path, int64_t step, ig_error *err) {
    *l = (run_log){0};
    if (strlen(path) >= sizeof l->path) return ig_error_at(err, IG_E_LIMIT, path, 0, "the path is too long");
    memcpy(l->path, path, strlen(path) + 1);
    ig_status status = cut_back(l, step, err);
    if (status == IG_OK) {
        l->file = fopen(path, "ae");
        if (!l->file) status = ig_error_errno_at(err, path, "cannot open the log");
    }
    if (status != IG_OK) run_log_close(l);
    return status;
}

void run_log_close(run_log *l) {
    if (l->file) fclose(l->file);
    ig_free(l->train.at);
    ig_free(l->eval.at);
    *l = (run_log){0};
}

/* ---- lines ---- */

static void put_real(ig_json *j, const char *key, double v) {
    ig_json_key(j, key);
    ig_json_real(j, v);
}

static void put_int(ig_json *j, const char *key, int64_t v) {
    ig_json_key(j, key);
    ig_json_int(j, v);
}

static void put_text(ig_json *j, const char *key, const char *v) {
    ig_json_key(j, key);
    ig_json_text(j, v);
}

/* Dividing by the scale, not multiplying with its inverse, gives the double that prints short. */
static double rounded(double v, double scale) {
    return round(v * scale) / scale;
}

static void put_numbers(ig_json *j, const ig_train_progress *p) {
    char time[32];
    put_real(j, "lr", p->lr);
    put_real(j, "epoch", rounded(p->epoch, 1e4));
    put_real(j, "percentage", rounded(100 * p->share, 1e2));
    put_text(j, "elapsed_time", run_time_text(p->elapsed, time));
    put_text(j, "remaining_time", run_time_text(p->left, time));
    put_real(j, "throughput", rounded(p->tokens_per_second, 10));
    put_int(j, "total_tokens", (int64_t)p->tokens);
    if (p->event != IG_TRAIN_EVALUATED) put_real(j, "grad_norm", p->grad_norm);
    put_int(j, "memory", (int64_t)p->memory_bytes);
}

static void put_line(ig_json *j, const ig_train_progress *p) {
    ig_json_open(j, '{');
    put_int(j, "current_steps", p->step);
    put_int(j, "total_steps", p->total);
    if (p->event == IG_TRAIN_WARNING) {
        put_text(j, "warning", p->message);
    } else {
        bool evaluated = p->event == IG_TRAIN_EVALUATED;
        put_real(j, evaluated ? "eval_loss" : "loss", evaluated ? p->eval_loss : p->loss);
        for (int k = 0; k < p->figures; k++) {
            char key[80];
            snprintf(key, sizeof key, "%s%.60s", evaluated ? "eval_" : "", p->figure[k].name);
            if (isfinite(p->figure[k].value)) put_real(j, key, rounded(p->figure[k].value, 1e6));
        }
        put_numbers(j, p);
        if (p->sample) put_text(j, "sample", p->sample);
    }
    ig_json_close(j, '}');
    ig_buf_putc(j->out, '\n');
}

static ig_status append(run_log *l, const ig_buf *line, ig_error *err) {
    if (fwrite(line->data, 1, line->len, l->file) == line->len && fflush(l->file) == 0) return IG_OK;
    return ig_error_errno_at(err, l->path, "cannot write the log");
}

ig_status run_log_write(run_log *l, const ig_train_progress *p, ig_error *err) {
    ig_buf line = {.max = LINE_BYTES_MAX};
    ig_json j = {.out = &line};
    put_line(&j, p);
    ig_status status = ig_buf_status(&line, err);
    if (status == IG_OK) status = append(l, &line, err);
    if (status == IG_OK && p->event == IG_TRAIN_STEP) status = add_point(&l->train, (double)p->step, p->loss, err);
    if (status == IG_OK && p->event == IG_TRAIN_EVALUATED) status = add_point(&l->eval, (double)p->step, p->eval_loss, err);
    ig_buf_fini(&line);
    return status;
}
