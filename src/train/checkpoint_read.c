/* train/checkpoint_read.c: the reading half of checkpoint.h. */
#include <math.h>
#include <string.h>

#include "train/checkpoint.h"

#define OVERHEAD 20 /* mark, header length, checksum */

#define COUNT(name) { .key = name, .type = IG_TREE_INT, .required = true, .has_range = true, .min = 0, .max = 9.2e18 }
#define NUMBER(name) { .key = name, .type = IG_TREE_REAL, .required = true, .nullable = true }

static const ig_schema_field tensor_fields[] = {
    {.key = "name", .type = IG_TREE_TEXT, .required = true},
    {.key = "dtype", .type = IG_TREE_TEXT, .required = true},
    {.key = "shape", .type = IG_TREE_LIST, .item = IG_TREE_INT, .required = true, .has_range = true, .min = 0, .max = 9.2e18},
    {0},
};

static const ig_schema_field header_fields[] = {
    COUNT("step"), COUNT("tokens"), NUMBER("elapsed"), NUMBER("loss"), NUMBER("grad_norm"),
    NUMBER("eval_loss"), NUMBER("best_eval_loss"), NUMBER("best_score"), COUNT("best_step"),
    {.key = "best_figures", .type = IG_TREE_LIST, .required = true},
    NUMBER("plateau_scale"), NUMBER("plateau_best"), COUNT("plateau_bad"),
    NUMBER("early_stop_best"), COUNT("early_stop_bad"),
    {.key = "stopped", .type = IG_TREE_BOOL, .required = true},
    {.key = "cpu", .type = IG_TREE_TEXT, .required = true}, COUNT("threads"),
    {.key = "settings", .type = IG_TREE_MAP, .required = true},
    {.key = "tensors", .type = IG_TREE_LIST, .item = IG_TREE_MAP, .fields = tensor_fields, .required = true},
    {0},
};

/* ---- what any checkpoint has to be ---- */

static ig_status damaged(const char *name, ig_error *err, const char *why) {
    return ig_error_at(err, IG_E_FORMAT, name, 0, "damaged checkpoint: %s", why);
}

static uint64_t little_endian(const uint8_t *p, int bytes) {
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* Type and shape of a row of the table. */
static ig_status describe(const char *name, const ig_tree *row, ig_tensor *out, ig_error *err) {
    const ig_tree *shape = ig_tree_get(row, "shape");
    int64_t sizes[IG_DIMS_MAX];
    ig_dtype dtype;
    int n = 0;
    if (!ig_dtype_parse(ig_tree_text(row, "dtype", ""), &dtype)) return damaged(name, err, "a tensor of an unknown type");
    if (shape->count > IG_DIMS_MAX) return damaged(name, err, "a tensor of too many dimensions");
    for (const ig_tree *s = shape->child; s; s = s->next) sizes[n++] = s->integer;
    if (ig_tensor_describe(out, dtype, n, sizes, NULL) != IG_OK) return damaged(name, err, "a tensor of an impossible shape");
    return IG_OK;
}

static ig_status check_tensors(const char *name, const checkpoint_view *v, ig_error *err) {
    size_t left = v->tensor_bytes;
    for (const ig_tree *row = ig_tree_get(ig_doc_root(v->header), "tensors")->child; row; row = row->next) {
        ig_tensor t;
        IG_TRY(describe(name, row, &t, err));
        size_t bytes = ig_tensor_bytes(&t);
        if (bytes > left) return damaged(name, err, "its tensors need more bytes than there are");
        left -= bytes;
    }
    return left == 0 ? IG_OK : damaged(name, err, "bytes that belong to no tensor");
}

static ig_status parse_header(const char *name, const char *json, size_t len, checkpoint_view *v, ig_error *err) {
    IG_TRY(ig_json_parse(name, json, len, &v->header, err));
    IG_TRY(ig_schema_check(name, ig_doc_root(v->header), header_fields, err));
    return check_tensors(name, v, err);
}

ig_status checkpoint_parse(const char *name, const uint8_t *bytes, size_t size, checkpoint_view *out, ig_error *err) {
    *out = (checkpoint_view){0};
    if (size < OVERHEAD) return damaged(name, err, "it is too short to be one");
    if (memcmp(bytes, "INGOTCK1", 8) != 0) return damaged(name, err, "it does not begin with INGOTCK1");
    uint64_t header = little_endian(bytes + 8, 8);
    if (header > size - OVERHEAD) return damaged(name, err, "it ends inside of its header");
    if (ig_crc32c(0, bytes, size - 4) != little_endian(bytes + size - 4, 4)) return damaged(name, err, "its checksum does not fit its content");
    out->tensors = bytes + 16 + header;
    out->tensor_bytes = size - OVERHEAD - (size_t)header;
    ig_status status = parse_header(name, (const char *)bytes + 16, (size_t)header, out, err);
    if (status != IG_OK) checkpoint_view_fini(out);
    return status == IG_E_LIMIT ? IG_E_FORMAT : status; /* a header of absurd depth or size is damage */
}

void checkpoint_view_fini(checkpoint_view *v) {
    ig_doc_free(v->header);
    *v = (checkpoint_view){0};
}

/* ---- whether it is this run's ---- */

static void value_text(const ig_tree *t, char *buf, size_t size) {
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    if (t) ig_json_tree(&j, t);
    snprintf(buf, size, "%s", t && b.data ? b.data : "nothing");
    ig_buf_fini(&b);
}

static ig_status compare(const char *name, const char *key, const ig_tree *theirs, const ig_tree *ours, ig_error *err) {
    char a[160], b[160];
    value_text(theirs, a, sizeof a);
    value_text(ours, b, sizeof b);
    if (strcmp(a, b) == 0) return IG_OK;
    return ig_error_at(err, IG_E_STATE, name, 0,
                       "this checkpoint is of another recipe: %.100s is %.100s there and %.100s now; start anew in another folder, or change it back", key, a, b);
}

static ig_status compare_settings(const trainer *t, const char *name, const ig_tree *theirs, ig_error *err) {
    ig_buf text = {.max = (size_t)64 << 20};
    ig_doc *d = NULL;
    ig_status status = trainer_settings(t, &text, err);
    if (status == IG_OK) status = ig_json_parse("settings", text.data, text.len, &d, err);
    const ig_tree *ours = status == IG_OK ? ig_doc_root(d) : NULL;
    for (const ig_tree *s = ours ? ours->child : NULL; s && status == IG_OK; s = s->next) status = compare(name, s->key, ig_tree_get(theirs, s->key), s, err);
    for (const ig_tree *s = theirs->child; s && status == IG_OK; s = s->next)
        if (!ig_tree_get(ours, s->key)) status = compare(name, s->key, s, NULL, err);
    ig_doc_free(d);
    ig_buf_fini(&text);
    return status;
}

static ig_status compare_tensors(const trainer *t, const char *name, const ig_tree *row, ig_error *err) {
    ig_tensor ours, theirs;
    const char *our_name;
    for (size_t i = 0; (our_name = checkpoint_tensor(t, i, &ours)) != NULL; i++, row = row->next) {
        if (!row) return ig_error_at(err, IG_E_STATE, name, 0, "this checkpoint is of another model: it has no %.200s", our_name);
        IG_TRY(describe(name, row, &theirs, err));
        const char *their_name = ig_tree_text(row, "name", "");
        if (strcmp(our_name, their_name) != 0 || ours.dtype != theirs.dtype || !ig_tensor_same_shape(&ours, &theirs))
            return ig_error_at(err, IG_E_STATE, name, 0, "this checkpoint is of another model: it has %.200s where this one has %.200s", their_name, our_name);
    }
    return row ? ig_error_at(err, IG_E_STATE, name, 0, "this checkpoint is of another model: it has %.200s too", ig_tree_text(row, "name", "")) : IG_OK;
}

/* ---- taking it over ---- */

static double real_or(const ig_tree *h, const char *key, double otherwise) {
    const ig_tree *v = ig_tree_get(h, key);
    return v && v->type != IG_TREE_NULL ? v->real : otherwise;
}

static void read_state(const ig_tree *h, train_state *s) {
    s->step = ig_tree_int(h, "step", 0);
    s->tokens = (uint64_t)ig_tree_int(h, "tokens", 0);
    s->elapsed = real_or(h, "elapsed", 0);
    s->loss = real_or(h, "loss", NAN);
    s->grad_norm = real_or(h, "grad_norm", NAN);
    s->eval_loss = real_or(h, "eval_loss", NAN);
    s->best_eval_loss = real_or(h, "best_eval_loss", NAN);
    s->best_score = real_or(h, "best_score", NAN);
    int k = 0;
    for (const ig_tree *f = ig_tree_get(h, "best_figures")->child; f && k < IG_TRAIN_FIGURES_MAX; f = f->next)
        s->best_figure[k++] = f->type == IG_TREE_REAL || f->type == IG_TREE_INT ? f->real : NAN;
    s->best_step = ig_tree_int(h, "best_step", 0);
    s->schedule.plateau_scale = real_or(h, "plateau_scale", 1);
    s->schedule.plateau_best = real_or(h, "plateau_best", INFINITY);
    s->schedule.plateau_bad = ig_tree_int(h, "plateau_bad", 0);
    s->early.best = real_or(h, "early_stop_best", INFINITY);
    s->early.bad = ig_tree_int(h, "early_stop_bad", 0);
    s->stopped = ig_tree_bool(h, "stopped", false);
}

static void read_tensors(trainer *t, const uint8_t *bytes) {
    ig_tensor v;
    for (size_t i = 0; checkpoint_tensor(t, i, &v); i++) {
        size_t n = ig_tensor_bytes(&v);
        memcpy(v.data, bytes, n);
        bytes += n;
    }
    ig_optim_state_loaded(t->optim);
}

ig_status checkpoint_apply(trainer *t, const char *name, const checkpoint_view *v, ig_error *err) {
    const ig_tree *h = ig_doc_root(v->header);
    IG_TRY(compare_settings(t, name, ig_tree_get(h, "settings"), err));
    IG_TRY(compare_tensors(t, name, ig_tree_get(h, "tensors")->child, err));
    if (ig_tree_int(h, "step", 0) > t->steps) return damaged(name, err, "its step is behind the end of the run");
    read_state(h, &t->at);
    read_tensors(t, v->tensors);
    return IG_OK;
}
