/* tensor/storage.h: this room's part of the context: the count of storage bytes. */
#ifndef INGOT_TENSOR_STORAGE_H
#define INGOT_TENSOR_STORAGE_H

#include <stdatomic.h>

#include "ingot/tensor.h"

typedef struct tensor_room {
    _Atomic uint64_t bytes, peak_bytes, allocations;
} tensor_room;

ig_status ig_tensor_room(ig_context *ctx, tensor_room **out, ig_error *err);

#endif
