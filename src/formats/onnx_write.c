/* formats/onnx_write.c: an ONNX model as protocol buffers.  The layout is drawn in formats/onnx.h.
 *
 * A message stands behind its length, so messages are made from the inside outwards, each in a buffer of its own.  The numbers
 * of the weights are never copied: the length of the graph is added up first, and they go straight from their tensors into the
 * file.
 */
#include <string.h>

#include "formats/onnx.h"

#define BYTES_MAX ((uint64_t)INT32_MAX) /* of one message, and so of a model */
#define STRUCTURE_MAX ((size_t)256 << 20) /* of everything but the weights */
#define PRODUCER "ingot"

int onnx_type_number(ig_dtype type) {
    static const int number[IG_DTYPE_COUNT] = {
        [IG_DTYPE_F32] = 1,  [IG_DTYPE_U8] = 2,   [IG_DTYPE_I32] = 6,  [IG_DTYPE_I64] = 7,
        [IG_DTYPE_BOOL] = 9, [IG_DTYPE_F16] = 10, [IG_DTYPE_F64] = 11, [IG_DTYPE_BF16] = 16};
    return number[type];
}

void onnx_writer_init(onnx_writer *w) {
    memset(w, 0, sizeof *w);
    w->nodes.max = w->values.max = w->metadata.max = w->message.max = w->part.max = w->small.max = STRUCTURE_MAX;
}

void onnx_writer_fini(onnx_writer *w) {
    for (size_t i = 0; i < w->weights; i++) {
        ig_free(w->weight[i].name);
        ig_tensor_unref(&w->weight[i].t);
    }
    ig_free(w->weight);
    ig_buf_fini(&w->nodes);
    ig_buf_fini(&w->values);
    ig_buf_fini(&w->metadata);
    ig_buf_fini(&w->message);
    ig_buf_fini(&w->part);
    ig_buf_fini(&w->small);
}

/* ---- fields ---- */

static void put_varint(ig_buf *b, uint64_t v) {
    for (; v >= 128; v >>= 7) ig_buf_putc(b, (char)(v | 128));
    ig_buf_putc(b, (char)v);
}

static void put_key(ig_buf *b, int field, int wire) { put_varint(b, (uint64_t)field << 3 | (uint64_t)wire); }

static void put_int(ig_buf *b, int field, int64_t v) {
    put_key(b, field, ONNX_WIRE_VARINT);
    put_varint(b, (uint64_t)v);
}

static void put_bytes(ig_buf *b, int field, const void *bytes, size_t n) {
    put_key(b, field, ONNX_WIRE_BYTES);
    put_varint(b, n);
    if (n) ig_buf_append(b, bytes, n);
}

static void put_text(ig_buf *b, int field, const char *text) { put_bytes(b, field, text, strlen(text)); }

/* The finished message goes into `b`; one that could not be made takes its status along. */
static void put_message(ig_buf *b, int field, const ig_buf *message) {
    if (message->status != IG_OK && b->status == IG_OK) b->status = message->status;
    put_bytes(b, field, message->data, message->len);
}

/* ---- nodes ---- */

static void put_float(ig_buf *b, int field, double v) {
    float single = (float)v;
    put_key(b, field, ONNX_WIRE_FIXED32);
    ig_buf_append(b, &single, sizeof single);
}

static void put_attr(ig_buf *b, const onnx_attr *a) {
    put_text(b, ONNX_ATTRIBUTE_NAME, a->name);
    if (a->type == ONNX_ATTR_FLOAT) put_float(b, ONNX_ATTRIBUTE_F, a->f);
    if (a->type == ONNX_ATTR_INT) put_int(b, ONNX_ATTRIBUTE_I, a->i);
    if (a->type == ONNX_ATTR_TEXT) put_text(b, ONNX_ATTRIBUTE_S, a->s);
    for (int i = 0; a->type == ONNX_ATTR_INTS && i < a->count; i++) put_int(b, ONNX_ATTRIBUTE_INTS, a->ints[i]);
    for (int i = 0; a->type == ONNX_ATTR_TEXTS && i < a->count; i++) put_text(b, ONNX_ATTRIBUTE_STRINGS, a->texts[i]);
    put_int(b, ONNX_ATTRIBUTE_TYPE, a->type);
}

void onnx_put_node(onnx_writer *w, const onnx_node *n) {
    ig_buf *b = &w->message;
    ig_buf_clear(b);
    for (int i = 0; i < n->nin; i++) put_text(b, ONNX_NODE_INPUT, n->in[i]);
    for (int i = 0; i < n->nout; i++) put_text(b, ONNX_NODE_OUTPUT, n->out[i]);
    put_text(b, ONNX_NODE_NAME, n->name);
    put_text(b, ONNX_NODE_OP, n->op);
    for (int i = 0; i < n->attrs; i++) {
        ig_buf_clear(&w->part);
        put_attr(&w->part, &n->attr[i]);
        put_message(b, ONNX_NODE_ATTRIBUTE, &w->part);
    }
    put_message(&w->nodes, ONNX_GRAPH_NODE, b);
}

/* ---- values ---- */

static void put_shape(onnx_writer *w, int ndim, const onnx_extent *dims) { /* into part */
    ig_buf_clear(&w->part);
    for (int d = 0; d < ndim; d++) {
        ig_buf_clear(&w->small);
        if (dims[d].symbol) put_text(&w->small, ONNX_DIM_SYMBOL, dims[d].symbol);
        else put_int(&w->small, ONNX_DIM_SIZE, dims[d].size);
        put_message(&w->part, ONNX_SHAPE_DIM, &w->small);
    }
}

void onnx_put_value(onnx_writer *w, bool output, const char *name, ig_dtype type, int ndim, const onnx_extent *dims) {
    put_shape(w, ndim, dims);
    ig_buf_clear(&w->small);
    put_int(&w->small, ONNX_TENSOR_TYPE_ELEMENT, onnx_type_number(type));
    put_message(&w->small, ONNX_TENSOR_TYPE_SHAPE, &w->part);
    ig_buf_clear(&w->part);
    put_message(&w->part, ONNX_TYPE_TENSOR, &w->small);
    ig_buf_clear(&w->message);
    put_text(&w->message, ONNX_VALUE_NAME, name);
    put_message(&w->message, ONNX_VALUE_TYPE, &w->part);
    put_message(&w->values, output ? ONNX_GRAPH_OUTPUT : ONNX_GRAPH_INPUT, &w->message);
}

void onnx_put_metadata(onnx_writer *w, const char *key, const char *value) {
    ig_buf_clear(&w->message);
    put_text(&w->message, ONNX_PAIR_KEY, key);
    put_text(&w->message, ONNX_PAIR_VALUE, value);
    put_message(&w->metadata, ONNX_MODEL_METADATA, &w->message);
}

/* ---- weights ---- */

static bool grow(onnx_writer *w) {
    if (w->weights < w->cap) return true;
    size_t cap = w->cap ? 2 * w->cap : 64;
    onnx_weight *p = ig_realloc_array(w->weight, cap, sizeof *p);
    if (p) w->weight = p, w->cap = cap;
    return p != NULL;
}

void onnx_put_weight(onnx_writer *w, const char *name, const ig_tensor *t) {
    char *copy = w->status == IG_OK && grow(w) ? ig_strdup(name) : NULL;
    if (!copy) {
        w->status = IG_E_NOMEM;
        return;
    }
    w->weight[w->weights++] = (onnx_weight){.name = copy, .t = *t};
    w->weight_bytes += ig_tensor_bytes(t);
    ig_tensor_ref(t);
}

/* Everything of an initializer up to the numbers themselves, which end the message. */
static void put_weight_head(ig_buf *b, const onnx_weight *p) {
    for (int d = 0; d < p->t.ndim; d++) put_int(b, ONNX_TENSOR_DIMS, p->t.shape[d]);
    put_int(b, ONNX_TENSOR_TYPE, onnx_type_number(p->t.dtype));
    put_text(b, ONNX_TENSOR_NAME, p->name);
    put_key(b, ONNX_TENSOR_RAW, ONNX_WIRE_BYTES);
    put_varint(b, ig_tensor_bytes(&p->t));
}

/* The same with the key and length of the message in front; its whole size in the file is out->len + the numbers. */
static void weight_head(onnx_writer *w, const onnx_weight *p, ig_buf *out) {
    ig_buf_clear(&w->message);
    ig_buf_clear(out);
    put_weight_head(&w->message, p);
    put_key(out, ONNX_GRAPH_INITIALIZER, ONNX_WIRE_BYTES);
    put_varint(out, w->message.len + ig_tensor_bytes(&p->t));
    if (w->message.status != IG_OK) out->status = w->message.status;
    ig_buf_append(out, w->message.data, w->message.len);
}

static ig_status weights_length(onnx_writer *w, uint64_t *out, ig_error *err) {
    for (size_t i = 0; i < w->weights; i++) {
        weight_head(w, &w->weight[i], &w->part);
        IG_TRY(ig_buf_status(&w->part, err));
        *out += w->part.len + ig_tensor_bytes(&w->weight[i].t);
    }
    return IG_OK;
}

/* ---- the file ---- */

static ig_status check(const onnx_writer *w, ig_error *err) {
    const ig_buf *const all[] = {&w->nodes, &w->values, &w->metadata, &w->message, &w->part, &w->small};
    if (w->status != IG_OK) return ig_error_nomem(err, w->cap * sizeof *w->weight);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) IG_TRY(ig_buf_status(all[i], err));
    if (w->weight_bytes + w->nodes.len + w->values.len < BYTES_MAX - (1u << 24)) return IG_OK;
    return ig_error_set(
        err, IG_E_LIMIT,
        "an ONNX file holds at most 2 GiB, and the weights take %.1f: export them with --type f16, or the model as gguf",
        (double)w->weight_bytes / (double)(1u << 30));
}

/* model fields, then key and length of the graph with its name */
static ig_status make_front(onnx_writer *w, uint64_t weights, const char *graph_name, const char *doc, ig_buf *b,
                            ig_error *err) {
    put_int(b, ONNX_MODEL_IR, ONNX_IR_VERSION);
    put_text(b, ONNX_MODEL_PRODUCER, PRODUCER);
    if (doc && *doc) put_text(b, ONNX_MODEL_DOC, doc);
    ig_buf_clear(&w->message);
    put_text(&w->message, ONNX_OPSET_DOMAIN, "");
    put_int(&w->message, ONNX_OPSET_VERSION, ONNX_OPSET);
    put_message(b, ONNX_MODEL_OPSET, &w->message);
    if (w->metadata.len) ig_buf_append(b, w->metadata.data, w->metadata.len);
    ig_buf_clear(&w->message);
    put_text(&w->message, ONNX_GRAPH_NAME, graph_name);
    put_key(b, ONNX_MODEL_GRAPH, ONNX_WIRE_BYTES);
    put_varint(b, w->message.len + w->nodes.len + w->values.len + weights);
    ig_buf_append(b, w->message.data, w->message.len);
    if (w->message.status != IG_OK) b->status = w->message.status;
    return ig_buf_status(b, err);
}

static ig_status write_buf(ig_writer *out, const ig_buf *b, ig_error *err) {
    return b->len ? ig_writer_write(out, b->data, b->len, err) : IG_OK;
}

static ig_status write_weights(onnx_writer *w, ig_writer *out, ig_error *err) {
    for (size_t i = 0; i < w->weights; i++) {
        const ig_tensor *t = &w->weight[i].t;
        weight_head(w, &w->weight[i], &w->part);
        IG_TRY(ig_buf_status(&w->part, err));
        IG_TRY(write_buf(out, &w->part, err));
        if (ig_tensor_bytes(t)) IG_TRY(ig_writer_write(out, t->data, ig_tensor_bytes(t), err));
    }
    return IG_OK;
}

static ig_status write_file(onnx_writer *w, const char *path, const ig_buf *front, ig_error *err) {
    ig_writer *out = NULL;
    IG_TRY(ig_writer_open(path, &out, err));
    ig_status s = write_buf(out, front, err);
    if (s == IG_OK) s = write_buf(out, &w->nodes, err);
    if (s == IG_OK) s = write_weights(w, out, err);
    if (s == IG_OK) s = write_buf(out, &w->values, err);
    if (s == IG_OK) s = ig_writer_commit(out, err);
    ig_writer_close(out);
    return s;
}

ig_status onnx_writer_save(onnx_writer *w, const char *path, const char *graph_name, const char *doc, ig_error *err) {
    ig_buf front = {.max = STRUCTURE_MAX};
    uint64_t weights = 0;
    IG_TRY(check(w, err));
    IG_TRY(weights_length(w, &weights, err));
    ig_status s = make_front(w, weights, graph_name, doc, &front, err);
    if (s == IG_OK) s = write_file(w, path, &front, err);
    ig_buf_fini(&front);
    return s;
}
