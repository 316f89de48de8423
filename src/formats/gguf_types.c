/* formats/gguf_types.c: the tables of GGUF: types of metadata values, and ggml's element types with the size of a block.
 *
 * The numbers are those of ggml's enum ggml_type; 4, 5, 31 to 33 and 36 to 38 were types once and are in no file any more.
 * Blocks are described for all types, so that any file opens and lists; which of them can be computed with is another
 * room's matter.
 */
#include "formats/gguf.h"

static const struct {
    const char *name;
    size_t bytes;
} values[IG_GGUF_TYPE_COUNT] = {
    [IG_GGUF_U8] = {"u8", 1},     [IG_GGUF_I8] = {"i8", 1},   [IG_GGUF_U16] = {"u16", 2},  [IG_GGUF_I16] = {"i16", 2},
    [IG_GGUF_U32] = {"u32", 4},   [IG_GGUF_I32] = {"i32", 4}, [IG_GGUF_F32] = {"f32", 4},  [IG_GGUF_BOOL] = {"bool", 1},
    [IG_GGUF_TEXT] = {"text", 0}, [IG_GGUF_ARRAY] = {"array", 0}, [IG_GGUF_U64] = {"u64", 8}, [IG_GGUF_I64] = {"i64", 8},
    [IG_GGUF_F64] = {"f64", 8},
};

static const ig_ggml_type elements[] = {
    [0] = {"f32", 1, 4},           [1] = {"f16", 1, 2},         [2] = {"q4_0", 32, 18},     [3] = {"q4_1", 32, 20},
    [6] = {"q5_0", 32, 22},        [7] = {"q5_1", 32, 24},      [8] = {"q8_0", 32, 34},     [9] = {"q8_1", 32, 36},
    [10] = {"q2_K", 256, 84},      [11] = {"q3_K", 256, 110},   [12] = {"q4_K", 256, 144},  [13] = {"q5_K", 256, 176},
    [14] = {"q6_K", 256, 210},     [15] = {"q8_K", 256, 292},   [16] = {"iq2_xxs", 256, 66}, [17] = {"iq2_xs", 256, 74},
    [18] = {"iq3_xxs", 256, 98},   [19] = {"iq1_s", 256, 50},   [20] = {"iq4_nl", 32, 18},  [21] = {"iq3_s", 256, 110},
    [22] = {"iq2_s", 256, 82},     [23] = {"iq4_xs", 256, 136}, [24] = {"i8", 1, 1},        [25] = {"i16", 1, 2},
    [26] = {"i32", 1, 4},          [27] = {"i64", 1, 8},        [28] = {"f64", 1, 8},       [29] = {"iq1_m", 256, 56},
    [30] = {"bf16", 1, 2},         [34] = {"tq1_0", 256, 54},   [35] = {"tq2_0", 256, 66},  [39] = {"mxfp4", 32, 17},
};

const char *ig_gguf_type_name(ig_gguf_type t) { return (unsigned)t < IG_GGUF_TYPE_COUNT ? values[t].name : "unknown"; }

size_t gguf_type_bytes(uint32_t type) { return type < IG_GGUF_TYPE_COUNT ? values[type].bytes : 0; }

const ig_ggml_type *ig_ggml_type_find(uint32_t number) {
    return number < sizeof elements / sizeof *elements && elements[number].name ? &elements[number] : NULL;
}

bool gguf_alignment_ok(int64_t a) { return a > 0 && a <= GGUF_ALIGNMENT_MAX && (a & (a - 1)) == 0; }

ig_status gguf_shape_bytes(const ig_ggml_type *type, int ndim, const int64_t *shape, uint64_t *bytes, ig_error *err) {
    ig_tensor t;
    ig_error why;
    int64_t row = ndim ? shape[ndim - 1] : 1;
    if (ndim < 0 || ndim > IG_GGUF_DIMS_MAX)
        return ig_error_set(err, IG_E_FORMAT, "%d dimensions, GGUF has at most %d", ndim, IG_GGUF_DIMS_MAX);
    /* as f64, the widest type that it could be read into, so that every copy of it can be addressed */
    if (ig_tensor_describe(&t, IG_DTYPE_F64, ndim, shape, &why) != IG_OK)
        return ig_error_set(err, IG_E_FORMAT, "its shape: %s", why.message);
    if (row % type->block)
        return ig_error_set(err, IG_E_FORMAT, "rows of %lld elements do not fill blocks of %u, which %s has", (long long)row,
                            type->block, type->name);
    if (__builtin_mul_overflow((uint64_t)ig_tensor_numel(&t) / type->block, (uint64_t)type->bytes, bytes))
        return ig_error_set(err, IG_E_FORMAT, "its shape is too large to address");
    return IG_OK;
}
