/* models/cnn/networks.c: the list of networks that come with Ingot.  A new one is a file in networks/ and a line here. */
#include <string.h>

#include "models/cnn/cnn.h"

#define TEXTS(X)                                                                                                       \
    X(two_conv) X(resnet_small) X(resnet_basic) X(resnet_bottleneck) X(alexnet) X(alexnet_small) X(inception_v1)       \
    X(inception_v3) X(inception_small) X(squeezenet) X(mobilenet_v2)
#define DECLARE(name) extern const char network_##name[];
TEXTS(DECLARE)
#undef DECLARE

/* resnet_small has 6n + 2 layers, m = n - 1; the others count the blocks of a stage behind its first. */
static const cnn_network networks[] = {
    {"two_conv", network_two_conv, NULL},
    {"resnet20", network_resnet_small, "n=3 m=2"},
    {"resnet32", network_resnet_small, "n=5 m=4"},
    {"resnet44", network_resnet_small, "n=7 m=6"},
    {"resnet56", network_resnet_small, "n=9 m=8"},
    {"resnet110", network_resnet_small, "n=18 m=17"},
    {"resnet18", network_resnet_basic, "a=2 b=1 c=1 d=1"},
    {"resnet34", network_resnet_basic, "a=3 b=3 c=5 d=2"},
    {"resnet50", network_resnet_bottleneck, "c=5"},
    {"resnet101", network_resnet_bottleneck, "c=22"},
    {"alexnet", network_alexnet, NULL},
    {"alexnet_small", network_alexnet_small, NULL},
    {"inception_v1", network_inception_v1, NULL},
    {"inception_v3", network_inception_v3, NULL},
    {"inception_small", network_inception_small, NULL},
    {"squeezenet", network_squeezenet, "border=0"},
    {"squeezenet_caffe", network_squeezenet, "border=1"},
    {"mobilenet_v2", network_mobilenet_v2, NULL},
};
#define NETWORKS (sizeof networks / sizeof *networks)

const cnn_network *cnn_network_by_name(const char *name) {
    for (size_t i = 0; i < NETWORKS; i++)
        if (strcmp(networks[i].name, name) == 0) return &networks[i];
    return NULL;
}

const cnn_network *cnn_network_at(size_t i) { return i < NETWORKS ? &networks[i] : NULL; }
