/* formats/onnx_read.c: what an ONNX file says about itself.  The layout is drawn in formats/onnx.h.
 *
 * One pass: a cursor walks over the fields of a message, and each message that is known has a function that takes its fields.
 * Unknown fields are stepped over.  Texts are copied into blocks that live as long as the model; what they and the lists may
 * take is bounded by IG_ONNX_ITEMS_MAX and the size of the file.
 */
#include <string.h>

#include "formats/onnx.h"
#include "ingot/limits.h"

#define BLOCK_BYTES ((size_t)16 << 10)

typedef struct block {
    struct block *next;
    size_t used, size;
} block;

typedef struct list { /* of anything */
    void *item;
    size_t count, cap;
} list;

typedef struct pair {
    const char *key, *value;
} pair;

struct ig_onnx {
    char *file;
    const uint8_t *start; /* while reading */
    block *blocks;
    ig_onnx_info info;
    list nodes, inputs, outputs, weights, metadata;
    size_t names;         /* of all nodes' inputs and outputs */
    bool graph;
};

typedef struct cursor {
    const uint8_t *at, *end;
} cursor;

typedef struct field {
    uint64_t number, value; /* of a varint; other wire types leave it 0 */
    int wire;
    cursor body;            /* of a message, a text or packed numbers */
} field;

#define FAIL(code, ...) return ig_error_at(err, code, m->file, 0, __VA_ARGS__)

/* ---- fields ---- */

static ig_status damaged(const ig_onnx *m, const cursor *c, const char *what, ig_error *err) {
    FAIL(IG_E_FORMAT, "%s at byte %zu: this is no ONNX model, or it is damaged", what, (size_t)(c->at - m->start));
}

static ig_status take_varint(const ig_onnx *m, cursor *c, uint64_t *out, ig_error *err) {
    *out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (c->at == c->end) return damaged(m, c, "a number is cut short", err);
        uint8_t byte = *c->at++;
        if (shift == 63 && byte > 1) return damaged(m, c, "a number is too large", err);
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return IG_OK;
    }
    return damaged(m, c, "a number is too long", err);
}

static ig_status take_bytes(const ig_onnx *m, cursor *c, uint64_t n, cursor *out, ig_error *err) {
    if (n > (uint64_t)(c->end - c->at)) return damaged(m, c, "a field is longer than what it stands in", err);
    *out = (cursor){c->at, c->at + n};
    c->at += n;
    return IG_OK;
}

static ig_status take_field(const ig_onnx *m, cursor *c, field *f, ig_error *err) {
    uint64_t key = 0, n = 0;
    IG_TRY(take_varint(m, c, &key, err));
    *f = (field){.number = key >> 3, .wire = (int)(key & 7), .body = {c->at, c->at}};
    switch (f->wire) {
    case ONNX_WIRE_VARINT: return take_varint(m, c, &f->value, err);
    case ONNX_WIRE_FIXED64: return take_bytes(m, c, 8, &f->body, err);
    case ONNX_WIRE_FIXED32: return take_bytes(m, c, 4, &f->body, err);
    case ONNX_WIRE_BYTES: IG_TRY(take_varint(m, c, &n, err)); return take_bytes(m, c, n, &f->body, err);
    default: return damaged(m, c, "a field of an unknown kind", err);
    }
}

static bool is_message(const field *f, int number) { return f->number == (uint64_t)number && f->wire == ONNX_WIRE_BYTES; }
static bool is_int(const field *f, int number) { return f->number == (uint64_t)number && f->wire == ONNX_WIRE_VARINT; }

/* ---- memory ---- */

static void *keep(ig_onnx *m, size_t n) {
    n = (n + 7) & ~(size_t)7;
    if (!m->blocks || m->blocks->size - m->blocks->used < n) {
        size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
        block *b = ig_malloc(sizeof *b + size);
        if (!b) return NULL;
        *b = (block){.next = m->blocks, .size = size};
        m->blocks = b;
    }
    void *p = (char *)(m->blocks + 1) + m->blocks->used;
    m->blocks->used += n;
    return p;
}

/* A zeroed item at the end of the list. */
static ig_status append(const ig_onnx *m, list *l, size_t size, void **out, ig_error *err) {
    if (l->count >= IG_ONNX_ITEMS_MAX)
        FAIL(IG_E_LIMIT, "at most %u nodes, inputs, outputs or weights are read", IG_ONNX_ITEMS_MAX);
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 16;
        void *p = ig_realloc_array(l->item, cap, size);
        if (!p) return ig_error_nomem(err, cap * size);
        l->item = p, l->cap = cap;
    }
    *out = memset((char *)l->item + size * l->count++, 0, size);
    return IG_OK;
}

static ig_status take_text(ig_onnx *m, const field *f, const char **out, ig_error *err) {
    size_t n = (size_t)(f->body.end - f->body.at);
    const char *s = (const char *)f->body.at;
    if (n > IG_ONNX_TEXT_BYTES_MAX) FAIL(IG_E_LIMIT, "a text of %zu bytes; at most %u are read", n, IG_ONNX_TEXT_BYTES_MAX);
    if (memchr(s, 0, n) || !ig_utf8_valid(s, n)) return damaged(m, &f->body, "a text is not UTF-8", err);
    char *copy = keep(m, n + 1);
    if (!copy) return ig_error_nomem(err, n + 1);
    memcpy(copy, s, n);
    copy[n] = 0;
    *out = copy;
    return IG_OK;
}

/* ---- types and shapes ---- */

static const char *type_name(uint64_t number) {
    static const char *const others[] = {"undefined", "f32", "u8",  "i8",  "u16", "i16",       "i32",        "i64", "string",
                                         "bool",      "f16", "f64", "u32", "u64", "complex64", "complex128", "bf16"};
    return number < sizeof others / sizeof *others ? others[number] : "unknown";
}

/* Room for one more dimension. */
static ig_status next_dim(const ig_onnx *m, ig_onnx_value *v, int64_t size, ig_error *err) {
    if (v->ndim >= IG_ONNX_DIMS_MAX) FAIL(IG_E_LIMIT, "a shape of more than %d dimensions", IG_ONNX_DIMS_MAX);
    if (size < -1) FAIL(IG_E_FORMAT, "a dimension of the size %lld", (long long)size);
    v->shape[v->ndim++] = size;
    return IG_OK;
}

static ig_status take_dim(ig_onnx *m, cursor c, ig_onnx_value *v, ig_error *err) {
    field f;
    IG_TRY(next_dim(m, v, -1, err));
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (is_int(&f, ONNX_DIM_SIZE)) v->shape[v->ndim - 1] = (int64_t)f.value < 0 ? -1 : (int64_t)f.value;
        if (is_message(&f, ONNX_DIM_SYMBOL)) IG_TRY(take_text(m, &f, &v->symbol[v->ndim - 1], err));
    }
    return IG_OK;
}

static ig_status take_shape(ig_onnx *m, cursor c, ig_onnx_value *v, ig_error *err) {
    field f;
    v->ndim = 0;
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (is_message(&f, ONNX_SHAPE_DIM)) IG_TRY(take_dim(m, f.body, v, err));
    }
    return IG_OK;
}

static ig_status take_tensor_type(ig_onnx *m, cursor c, ig_onnx_value *v, ig_error *err) {
    field f;
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (is_int(&f, ONNX_TENSOR_TYPE_ELEMENT)) v->type = type_name(f.value);
        if (is_message(&f, ONNX_TENSOR_TYPE_SHAPE)) IG_TRY(take_shape(m, f.body, v, err));
    }
    return IG_OK;
}

static ig_status take_type(ig_onnx *m, cursor c, ig_onnx_value *v, ig_error *err) {
    field f;
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (is_message(&f, ONNX_TYPE_TENSOR)) IG_TRY(take_tensor_type(m, f.body, v, err));
    }
    return IG_OK;
}

static ig_status new_value(ig_onnx *m, list *l, ig_onnx_value **out, ig_error *err) {
    void *p = NULL;
    IG_TRY(append(m, l, sizeof **out, &p, err));
    *out = p;
    (*out)->name = "", (*out)->type = type_name(0), (*out)->ndim = -1;
    return IG_OK;
}

static ig_status take_value(ig_onnx *m, cursor c, list *l, ig_error *err) {
    ig_onnx_value *v = NULL;
    field f;
    IG_TRY(new_value(m, l, &v, err));
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (is_message(&f, ONNX_VALUE_NAME)) IG_TRY(take_text(m, &f, &v->name, err));
        if (is_message(&f, ONNX_VALUE_TYPE)) IG_TRY(take_type(m, f.body, v, err));
    }
    return IG_OK;
}

/* ---- weights ---- */

static ig_status take_dims(const ig_onnx *m, const field *f, ig_onnx_value *v, ig_error *err) {
    cursor c = f->body;
    uint64_t size = 0;
    if (f->wire == ONNX_WIRE_VARINT) return next_dim(m, v, (int64_t)f->value, err);
    while (c.at < c.end) { /* packed */
        IG_TRY(take_varint(m, &c, &size, err));
        IG_TRY(next_dim(m, v, (int64_t)size, err));
    }
    return IG_OK;
}

static ig_status take_weight(ig_onnx *m, cursor c, ig_error *err) {
    ig_onnx_value *v = NULL;
    field f;
    IG_TRY(new_value(m, &m->weights, &v, err));
    v->ndim = 0;
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (f.number == ONNX_TENSOR_DIMS) IG_TRY(take_dims(m, &f, v, err));
        else if (is_int(&f, ONNX_TENSOR_TYPE)) v->type = type_name(f.value);
        else if (is_message(&f, ONNX_TENSOR_NAME)) IG_TRY(take_text(m, &f, &v->name, err));
        else if (f.number != ONNX_TENSOR_EXTERNAL)
            v->bytes += (uint64_t)(f.body.end - f.body.at); /* numbers, in whatever field */
    }
    return IG_OK;
}

/* ---- nodes ---- */

static ig_status count_names(ig_onnx *m, cursor c, ig_onnx_node *n, ig_error *err) {
    field f;
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        n->input_count += is_message(&f, ONNX_NODE_INPUT);
        n->output_count += is_message(&f, ONNX_NODE_OUTPUT);
        n->attribute_count += is_message(&f, ONNX_NODE_ATTRIBUTE);
    }
    m->names += n->input_count + n->output_count;
    if (m->names > IG_ONNX_ITEMS_MAX) FAIL(IG_E_LIMIT, "the nodes name more than %u values", IG_ONNX_ITEMS_MAX);
    return IG_OK;
}

static ig_status take_names(ig_onnx *m, cursor c, ig_onnx_node *n, const char **names, ig_error *err) {
    size_t in = 0, out = n->input_count;
    field f;
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (f.wire != ONNX_WIRE_BYTES) continue;
        if (f.number == ONNX_NODE_INPUT) IG_TRY(take_text(m, &f, &names[in++], err));
        if (f.number == ONNX_NODE_OUTPUT) IG_TRY(take_text(m, &f, &names[out++], err));
        if (f.number == ONNX_NODE_NAME) IG_TRY(take_text(m, &f, &n->name, err));
        if (f.number == ONNX_NODE_OP) IG_TRY(take_text(m, &f, &n->op, err));
        if (f.number == ONNX_NODE_DOMAIN) IG_TRY(take_text(m, &f, &n->domain, err));
    }
    return IG_OK;
}

static ig_status take_node(ig_onnx *m, cursor c, ig_error *err) {
    void *p = NULL;
    IG_TRY(append(m, &m->nodes, sizeof(ig_onnx_node), &p, err));
    ig_onnx_node *n = p;
    *n = (ig_onnx_node){.op = "", .domain = "", .name = ""};
    IG_TRY(count_names(m, c, n, err));
    const char **names = keep(m, (n->input_count + n->output_count + 1) * sizeof *names);
    if (!names) return ig_error_nomem(err, (n->input_count + n->output_count) * sizeof *names);
    n->inputs = names, n->outputs = names + n->input_count;
    return take_names(m, c, n, names, err);
}

/* ---- the model ---- */

static ig_status take_graph(ig_onnx *m, cursor c, ig_error *err) {
    field f;
    m->graph = true;
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (f.wire != ONNX_WIRE_BYTES) continue;
        if (f.number == ONNX_GRAPH_NODE) IG_TRY(take_node(m, f.body, err));
        if (f.number == ONNX_GRAPH_NAME) IG_TRY(take_text(m, &f, &m->info.graph, err));
        if (f.number == ONNX_GRAPH_INITIALIZER) IG_TRY(take_weight(m, f.body, err));
        if (f.number == ONNX_GRAPH_INPUT) IG_TRY(take_value(m, f.body, &m->inputs, err));
        if (f.number == ONNX_GRAPH_OUTPUT) IG_TRY(take_value(m, f.body, &m->outputs, err));
    }
    return IG_OK;
}

/* The version of ONNX's own operators; other sets have a domain. */
static ig_status take_opset(ig_onnx *m, cursor c, ig_error *err) {
    const char *domain = "";
    int64_t version = 0;
    field f;
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (is_message(&f, ONNX_OPSET_DOMAIN)) IG_TRY(take_text(m, &f, &domain, err));
        if (is_int(&f, ONNX_OPSET_VERSION)) version = (int64_t)f.value;
    }
    if (!*domain || strcmp(domain, "ai.onnx") == 0) m->info.opset = version;
    return IG_OK;
}

static ig_status take_pair(ig_onnx *m, cursor c, ig_error *err) {
    void *p = NULL;
    field f;
    IG_TRY(append(m, &m->metadata, sizeof(pair), &p, err));
    pair *q = p;
    *q = (pair){"", ""};
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (is_message(&f, ONNX_PAIR_KEY)) IG_TRY(take_text(m, &f, &q->key, err));
        if (is_message(&f, ONNX_PAIR_VALUE)) IG_TRY(take_text(m, &f, &q->value, err));
    }
    return IG_OK;
}

static ig_status take_model(ig_onnx *m, cursor c, ig_error *err) {
    field f;
    while (c.at < c.end) {
        IG_TRY(take_field(m, &c, &f, err));
        if (is_int(&f, ONNX_MODEL_IR)) m->info.ir_version = (int64_t)f.value;
        if (is_message(&f, ONNX_MODEL_PRODUCER)) IG_TRY(take_text(m, &f, &m->info.producer, err));
        if (is_message(&f, ONNX_MODEL_DOC)) IG_TRY(take_text(m, &f, &m->info.doc, err));
        if (is_message(&f, ONNX_MODEL_GRAPH)) IG_TRY(take_graph(m, f.body, err));
        if (is_message(&f, ONNX_MODEL_OPSET)) IG_TRY(take_opset(m, f.body, err));
        if (is_message(&f, ONNX_MODEL_METADATA)) IG_TRY(take_pair(m, f.body, err));
    }
    if (!m->info.ir_version || !m->graph) FAIL(IG_E_FORMAT, "no ONNX model: it has no %s", m->graph ? "ir_version" : "graph");
    return IG_OK;
}

static ig_status parse(ig_onnx *m, const char *name, const uint8_t *bytes, size_t size, ig_error *err) {
    m->file = ig_strdup(name);
    if (!m->file) return ig_error_nomem(err, strlen(name) + 1);
    if (!size) FAIL(IG_E_FORMAT, "the file is empty");
    m->start = bytes;
    m->info = (ig_onnx_info){.producer = "", .doc = "", .graph = ""};
    IG_TRY(take_model(m, (cursor){bytes, bytes + size}, err));
    m->info.node_count = m->nodes.count, m->info.weight_count = m->weights.count;
    m->info.input_count = m->inputs.count, m->info.output_count = m->outputs.count, m->info.metadata_count = m->metadata.count;
    return IG_OK;
}

ig_status ig_onnx_open_memory(const char *name, const void *bytes, size_t size, ig_onnx **out, ig_error *err) {
    *out = NULL;
    ig_onnx *m = ig_calloc(1, sizeof *m);
    if (!m) return ig_error_nomem(err, sizeof *m);
    ig_status s = parse(m, name, bytes, size, err);
    if (s == IG_OK) *out = m;
    else ig_onnx_close(m);
    return s;
}

ig_status ig_onnx_open(const char *path, ig_onnx **out, ig_error *err) {
    ig_map_file f;
    *out = NULL;
    IG_TRY(ig_file_map(path, &f, err));
    ig_status s = ig_onnx_open_memory(path, f.data, f.size, out, err);
    ig_file_unmap(&f);
    return s;
}

void ig_onnx_close(ig_onnx *m) {
    if (!m) return;
    while (m->blocks) {
        block *next = m->blocks->next;
        ig_free(m->blocks);
        m->blocks = next;
    }
    ig_free(m->nodes.item);
    ig_free(m->inputs.item);
    ig_free(m->outputs.item);
    ig_free(m->weights.item);
    ig_free(m->metadata.item);
    ig_free(m->file);
    ig_free(m);
}

/* ---- asking ---- */

const ig_onnx_info *ig_onnx_about(const ig_onnx *m) { return &m->info; }

static const ig_onnx_value *value_at(const list *l, size_t i) {
    return i < l->count ? (const ig_onnx_value *)l->item + i : NULL;
}

const ig_onnx_node *ig_onnx_node_at(const ig_onnx *m, size_t i) {
    return i < m->nodes.count ? (const ig_onnx_node *)m->nodes.item + i : NULL;
}
const ig_onnx_value *ig_onnx_input_at(const ig_onnx *m, size_t i) { return value_at(&m->inputs, i); }
const ig_onnx_value *ig_onnx_output_at(const ig_onnx *m, size_t i) { return value_at(&m->outputs, i); }
const ig_onnx_value *ig_onnx_weight_at(const ig_onnx *m, size_t i) { return value_at(&m->weights, i); }

const char *ig_onnx_metadata(const ig_onnx *m, const char *key) {
    for (size_t i = 0; i < m->metadata.count; i++)
        if (strcmp(((const pair *)m->metadata.item)[i].key, key) == 0) return ((const pair *)m->metadata.item)[i].value;
    return NULL;
}
