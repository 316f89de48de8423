/* tensor/quant_pack.h: rows of blocks into panels (kernels/panel.h) and back. */
#ifndef TENSOR_QUANT_PACK_H
#define TENSOR_QUANT_PACK_H

#include "tensor/kernels/panel.h"

/* Bytes of a panel of rows of k values, a multiple of 64. */
size_t ig_panel_bytes(ig_block_type t, size_t k);
/* `rows` rows in GGUF's layout, row_bytes apart, into a zeroed panel. */
void ig_panel_pack(ig_block_type t, uint8_t *panel, const uint8_t *rows_in, size_t row_bytes, size_t rows, size_t k);
/* Row r of a panel as numbers. */
void ig_panel_row_f32(ig_block_type t, const uint8_t *panel, size_t r, size_t k, float *out);

#endif
