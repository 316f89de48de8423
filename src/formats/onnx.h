/* formats/onnx.h: writing an ONNX model, message by message; and the numbers of the format, for onnx_read.c too.
 *
 * ONNX (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) is protocol buffers.  A field is its number and wire type as a
 * varint, then a varint, four bytes, or a length and so many bytes:
 *
 *     model:  ir_version, producer, doc string, operator set, metadata
 *             graph:  nodes            op, inputs and outputs by name, attributes
 *                     initializers     name, type, dims, bytes: the weights
 *                     inputs, outputs  name, type, dims that are numbers or symbols
 *
 * Writing is sticky as ig_buf is: what could not be kept is told by onnx_writer_save.
 */
#ifndef INGOT_FORMATS_ONNX_H
#define INGOT_FORMATS_ONNX_H

#include "ingot/formats.h"

#define ONNX_IR_VERSION 8
#define ONNX_OPSET 17

enum { /* field numbers */
       ONNX_MODEL_IR = 1,
       ONNX_MODEL_PRODUCER = 2,
       ONNX_MODEL_PRODUCER_VERSION = 3,
       ONNX_MODEL_DOC = 6,
       ONNX_MODEL_GRAPH = 7,
       ONNX_MODEL_OPSET = 8,
       ONNX_MODEL_METADATA = 14,
       ONNX_OPSET_DOMAIN = 1,
       ONNX_OPSET_VERSION = 2,
       ONNX_PAIR_KEY = 1,
       ONNX_PAIR_VALUE = 2,
       ONNX_GRAPH_NODE = 1,
       ONNX_GRAPH_NAME = 2,
       ONNX_GRAPH_INITIALIZER = 5,
       ONNX_GRAPH_INPUT = 11,
       ONNX_GRAPH_OUTPUT = 12,
       ONNX_NODE_INPUT = 1,
       ONNX_NODE_OUTPUT = 2,
       ONNX_NODE_NAME = 3,
       ONNX_NODE_OP = 4,
       ONNX_NODE_ATTRIBUTE = 5,
       ONNX_NODE_DOMAIN = 7,
       ONNX_ATTRIBUTE_NAME = 1,
       ONNX_ATTRIBUTE_F = 2,
       ONNX_ATTRIBUTE_I = 3,
       ONNX_ATTRIBUTE_S = 4,
       ONNX_ATTRIBUTE_INTS = 8,
       ONNX_ATTRIBUTE_STRINGS = 9,
       ONNX_ATTRIBUTE_TYPE = 20,
       ONNX_TENSOR_DIMS = 1,
       ONNX_TENSOR_TYPE = 2,
       ONNX_TENSOR_NAME = 8,
       ONNX_TENSOR_RAW = 9,
       ONNX_TENSOR_EXTERNAL = 13,
       ONNX_VALUE_NAME = 1,
       ONNX_VALUE_TYPE = 2,
       ONNX_TYPE_TENSOR = 1,
       ONNX_TENSOR_TYPE_ELEMENT = 1,
       ONNX_TENSOR_TYPE_SHAPE = 2,
       ONNX_SHAPE_DIM = 1,
       ONNX_DIM_SIZE = 1,
       ONNX_DIM_SYMBOL = 2,
};

enum { ONNX_WIRE_VARINT = 0, ONNX_WIRE_FIXED64 = 1, ONNX_WIRE_BYTES = 2, ONNX_WIRE_FIXED32 = 5 };

typedef enum onnx_attr_type {
    ONNX_ATTR_FLOAT = 1,
    ONNX_ATTR_INT = 2,
    ONNX_ATTR_TEXT = 3,
    ONNX_ATTR_INTS = 7,
    ONNX_ATTR_TEXTS = 8
} onnx_attr_type;

typedef struct onnx_attr { /* what `type` does not name is not looked at */
    const char *name;
    onnx_attr_type type;
    double f;
    int64_t i;
    const char *s;
    const int64_t *ints;      /* [count] */
    const char *const *texts; /* [count] */
    int count;
} onnx_attr;

typedef struct onnx_extent {
    int64_t size;
    const char *symbol; /* instead of the size; NULL */
} onnx_extent;

typedef struct onnx_node {
    const char *op, *name;
    const char *const *in, *const *out; /* "" for an optional input that is left out */
    int nin, nout;
    const onnx_attr *attr;
    int attrs;
} onnx_node;

/* An initializer, whose bytes stay where they are until the model is saved. */
typedef struct onnx_weight {
    char *name;
    ig_tensor t; /* contiguous; a reference of its own */
} onnx_weight;

typedef struct onnx_writer { /* zero-initialised, with onnx_writer_init */
    ig_buf nodes, values, metadata, message, part, small;
    onnx_weight *weight;
    size_t weights, cap;
    uint64_t weight_bytes; /* of their numbers */
    ig_status status;
} onnx_writer;

void onnx_writer_init(onnx_writer *w);
void onnx_writer_fini(onnx_writer *w);
void onnx_put_node(onnx_writer *w, const onnx_node *n);
void onnx_put_value(onnx_writer *w, bool output, const char *name, ig_dtype type, int ndim, const onnx_extent *dims);
void onnx_put_metadata(onnx_writer *w, const char *key, const char *value);
/* Names must differ; t must be contiguous, and is referenced. */
void onnx_put_weight(onnx_writer *w, const char *name, const ig_tensor *t);
/* Write the file atomically.  IG_E_LIMIT for more than protocol buffers hold, 2 GiB. */
ig_status onnx_writer_save(onnx_writer *w, const char *path, const char *graph_name, const char *doc, ig_error *err);

/* TensorProto.DataType of an element type. */
int onnx_type_number(ig_dtype type);

#endif
