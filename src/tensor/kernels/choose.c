/* tensor/kernels/choose.c: the table for this processor, or for the one that IG_CPU names. */
#include "tensor/kernels/kernels.h"

extern const ig_kernels ig_k_table_reference, ig_k_table_avx2, ig_k_table_avx512;

static const ig_kernels *table_of(ig_cpu cpu) {
    switch (cpu) {
    case IG_CPU_AVX512: return &ig_k_table_avx512;
    case IG_CPU_AVX2: return &ig_k_table_avx2;
    default: return &ig_k_table_reference;
    }
}

const ig_kernels *ig_kernels_of(ig_context *ctx) { return table_of(ig_context_cpu(ctx)); }

const ig_kernels *ig_kernels_for(ig_cpu cpu) {
    ig_context_opts o = {.cpu = cpu, .threads = 1};
    ig_context *probe = NULL;
    if (ig_context_new(&o, &probe, NULL) != IG_OK) return NULL; /* this processor lacks it */
    ig_context_free(probe);
    return table_of(cpu);
}
