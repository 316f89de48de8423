/* tensor/dnnl_room.h: what the files on oneDNN share. */
#ifndef INGOT_TENSOR_DNNL_ROOM_H
#define INGOT_TENSOR_DNNL_ROOM_H

#include <dnnl.h>

#include "tensor/dnnl.h"

struct dnnl_room {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

/* s: a dnnl_status_t that is not success. */
ig_status ig_dnnl_failed(ig_error *err, int s, const char *what);

#define DNNL_TRY(call, what)                                                                                           \
    do {                                                                                                               \
        dnnl_status_t dnnl_try_ = (call);                                                                              \
        if (dnnl_try_ != dnnl_success) return ig_dnnl_failed(err, dnnl_try_, what);                                    \
    } while (0)

#endif
