/* Fuzz target: an ONNX file from anybody.
 *
 * What opens must be walkable to its last name, and hold no more bytes of weights than the file has.
 */
#include <string.h>

#include "ingot/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

static volatile size_t sink;

static void read_text(const char *s) {
    REQUIRE(s && ig_utf8_valid(s, strlen(s)));
    sink += strlen(s);
}

static void read_value(const ig_onnx_value *v) {
    REQUIRE(v && v->ndim >= -1 && v->ndim <= IG_ONNX_DIMS_MAX);
    read_text(v->name);
    read_text(v->type);
    for (int d = 0; d < v->ndim; d++) {
        REQUIRE(v->shape[d] >= -1);
        if (v->symbol[d]) read_text(v->symbol[d]);
    }
}

static void read_node(const ig_onnx_node *n) {
    REQUIRE(n);
    read_text(n->op);
    read_text(n->domain);
    read_text(n->name);
    for (size_t k = 0; k < n->input_count; k++) read_text(n->inputs[k]);
    for (size_t k = 0; k < n->output_count; k++) read_text(n->outputs[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ig_onnx *m;
    ig_error err;
    uint64_t bytes = 0;
    if (ig_onnx_open_memory("fuzz", data, size, &m, &err) != IG_OK) {
        REQUIRE(err.code == IG_E_FORMAT || err.code == IG_E_LIMIT);
        return 0;
    }
    const ig_onnx_info *about = ig_onnx_about(m);
    read_text(about->producer);
    read_text(about->doc);
    read_text(about->graph);
    for (size_t i = 0; i < about->node_count; i++) read_node(ig_onnx_node_at(m, i));
    for (size_t i = 0; i < about->input_count; i++) read_value(ig_onnx_input_at(m, i));
    for (size_t i = 0; i < about->output_count; i++) read_value(ig_onnx_output_at(m, i));
    for (size_t i = 0; i < about->weight_count; i++)
        read_value(ig_onnx_weight_at(m, i)), bytes += ig_onnx_weight_at(m, i)->bytes;
    REQUIRE(bytes <= size && !ig_onnx_weight_at(m, about->weight_count));
    if (ig_onnx_metadata(m, "config")) read_text(ig_onnx_metadata(m, "config"));
    ig_onnx_close(m);
    return 0;
}
