/* models/cnn/cnn.h: convolutional networks, for the files of this folder.
 *
 * A network is described, not coded: a list of layers in config.json, or the name of a description that comes with Ingot
 * (networks/NAME.yaml), which may be written with blocks of its own:
 *
 *     blocks:
 *       basic:                                     # "$out" and "$stride" are what a call gives
 *         - add:
 *             - [{conv: $out, kernel: 3, stride: $stride, pad: 1, bias: false, name: conv1}, {norm: batch, name: bn1}, relu, …]
 *             - []                                 # an empty branch is the input itself
 *         - relu
 *     layers:
 *       - {conv: 16, kernel: 3, pad: 1, bias: false, name: conv1}
 *       - {block: basic, repeat: 3, name: layer1, out: 16, stride: 1}
 *
 * read.c makes nodes of it, with all shapes known and parameters added; forward.c walks through the nodes.  docs/models/cnn.md
 * describes every layer.  Pictures are NHWC; names of parameters are PyTorch's.
 */
#ifndef INGOT_MODELS_CNN_H
#define INGOT_MODELS_CNN_H

#include "ingot/models.h"

typedef enum cnn_op {
    CNN_CONV, CNN_BATCH_NORM, CNN_GROUP_NORM, CNN_LRN, CNN_RELU, CNN_RELU6, CNN_LEAKY_RELU, CNN_SILU, CNN_HARD_SWISH, CNN_SIGMOID, CNN_TANH,
    CNN_GELU, CNN_MAX_POOL, CNN_AVG_POOL, CNN_ADAPTIVE_POOL, CNN_GLOBAL_POOL, CNN_DROPOUT, CNN_FLATTEN, CNN_LINEAR, CNN_ADD, CNN_CONCAT,
    CNN_SUBSAMPLE, CNN_PAD_CHANNELS, CNN_SHUFFLE
} cnn_op;

typedef struct cnn_shape {
    int64_t height, width, channels; /* height 0: flat, [N,C] */
} cnn_shape;

typedef struct cnn_node cnn_node;
typedef struct cnn_list {
    cnn_node *item;
    size_t count, cap;
} cnn_list;

struct cnn_node {
    cnn_op op;
    cnn_shape out;
    ig_conv_opts conv;
    ig_pool_opts pool;
    int64_t size[2];          /* adaptive pool: rows, columns; channels before and after; step; groups; LRN's size */
    double rate, alpha, beta, k; /* dropout, slope or eps; LRN */
    const ig_param *w, *b;    /* convolution [O,C/groups,KH,KW], linear [O,I]; bias [O] or NULL */
    ig_nn_batch_norm_layer norm; /* group norm: weight and bias of it */
    bool folded;              /* convolution: its packed kernel has the batch norm that follows */
    cnn_list *branch;         /* add, concat */
    size_t branches;
};

typedef struct cnn {
    cnn_shape input;
    int64_t labels;
    bool dropout_given;       /* `dropout` of config.json takes the place of the rates of the layers */
    double dropout;
    cnn_list layers;
} cnn;

#define CNN_NODES_MAX 4096
#define CNN_DEPTH_MAX 16
#define CNN_BRANCHES_MAX 64

/* config.c */
const ig_schema_field *cnn_schema(const char *model_type);
ig_status cnn_read_config(ig_model *m, cnn *s, ig_error *err);
void cnn_read_dropout(const ig_model *m, cnn *s);

/* networks.c: the descriptions that come with Ingot.  NULL for a name that is none. */
typedef struct cnn_network {
    const char *name, *text, *arguments; /* "n=3 m=2": what "$n" and "$m" are in the text */
} cnn_network;
const cnn_network *cnn_network_by_name(const char *name);
const cnn_network *cnn_network_at(size_t i); /* NULL past the last */

/* read.c: nodes and parameters from a description.  `arguments` may be NULL. */
ig_status cnn_read_layers(ig_model *m, cnn *s, const char *name, const ig_tree *description, const char *arguments, ig_error *err);
void cnn_list_fini(cnn_list *l);

/* initialise.c */
ig_status cnn_initialise(ig_model *m, uint64_t seed, ig_error *err);

/* prepare.c */
ig_status cnn_prepare(ig_model *m, ig_error *err);

/* forward.c */
ig_var *cnn_see(ig_model *m, const ig_pass *p, ig_var *pictures, ig_var **features);

#endif
