/* tensor/map_block.h: the body of the map runner, included by map.c once per computing type.
 *
 * REAL is float or double, REAL_DTYPE its tensor type, NAME(x) a suffix, KERNEL(k, m) the table entry.
 */

typedef struct NAME(lane) { /* one operand of one thread: where a block comes from */
    const ig_tensor *t;
    int64_t inner;         /* stride along the collapsed inner dimension, elements */
    bool direct;           /* the kernel reads the tensor's own memory */
    const void *splat;     /* the element that fills `buf` now, for operands constant along the inner dimension */
    size_t splat_n;
    REAL *buf;
} NAME(lane);

static void NAME(load_block)(REAL *dst, const void *src, ig_dtype dtype, int64_t stride, size_t n, const ig_kernels *k) {
    (void)k;
#define IG_LOAD(type, convert)                                                                                         \
    do {                                                                                                               \
        const type *s = src;                                                                                           \
        for (size_t i = 0; i < n; i++, s += stride) { type v = *s; dst[i] = (REAL)(convert); }                         \
    } while (0)
    switch (dtype) {
    case IG_DTYPE_F32: IG_LOAD(float, v); break;
    case IG_DTYPE_F64: IG_LOAD(double, v); break;
    case IG_DTYPE_BF16: IG_LOAD(uint16_t, ig_bf16_to_f32(v)); break;
    case IG_DTYPE_F16: IG_LOAD(uint16_t, ig_f16_to_f32(v)); break;
    case IG_DTYPE_I32: IG_LOAD(int32_t, v); break;
    case IG_DTYPE_I64: IG_LOAD(int64_t, v); break;
    default: IG_LOAD(uint8_t, v); break;
    }
#undef IG_LOAD
}

static void NAME(store_block)(void *dst, ig_dtype dtype, int64_t stride, const REAL *src, size_t n, const ig_kernels *k) {
#define IG_STORE(type, convert)                                                                                        \
    do {                                                                                                               \
        type *d = dst;                                                                                                 \
        for (size_t i = 0; i < n; i++, d += stride) { REAL v = src[i]; *d = (convert); }                               \
    } while (0)
    (void)k;
    switch (dtype) {
    case IG_DTYPE_F32: IG_STORE(float, (float)v); break;
    case IG_DTYPE_F64: IG_STORE(double, (double)v); break;
    case IG_DTYPE_BF16:
        if (stride == 1 && sizeof(REAL) == sizeof(float)) k->f32_to_bf16(dst, (const float *)(const void *)src, n);
        else IG_STORE(uint16_t, ig_f32_to_bf16((float)v));
        break;
    case IG_DTYPE_F16: IG_STORE(uint16_t, ig_f32_to_f16((float)v)); break;
    case IG_DTYPE_I32: IG_STORE(int32_t, (int32_t)saturate((double)v, INT32_MIN, INT32_MAX)); break;
    case IG_DTYPE_I64: IG_STORE(int64_t, saturate_i64((double)v)); break;
    case IG_DTYPE_U8: IG_STORE(uint8_t, (uint8_t)saturate((double)v, 0, 255)); break;
    default: IG_STORE(uint8_t, v != 0); break;
    }
#undef IG_STORE
}

/* Elements [col, col+n) of a row that starts at `offset`: a pointer into the tensor, or the lane's filled buffer. */
static const REAL *NAME(fetch)(NAME(lane) *l, int64_t offset, int64_t col, size_t n, const ig_kernels *k) {
    size_t size = ig_dtype_size(l->t->dtype);
    const char *src = (const char *)l->t->data + (offset + col * l->inner) * (int64_t)size;
    if (l->direct) return (const REAL *)(const void *)src;
    if (l->inner == 0) {
        if (l->splat == src && l->splat_n >= n) return l->buf;
        REAL v;
        NAME(load_block)(&v, src, l->t->dtype, 1, 1, k);
        for (size_t i = 0; i < n; i++) l->buf[i] = v;
        l->splat = src, l->splat_n = n;
        return l->buf;
    }
    if (l->inner == 1 && l->t->dtype == IG_DTYPE_BF16 && sizeof(REAL) == sizeof(float))
        k->bf16_to_f32((float *)(void *)l->buf, (const uint16_t *)(const void *)src, n);
    else NAME(load_block)(l->buf, src, l->t->dtype, l->inner, n, k);
    return l->buf;
}

/* All steps of the program over n elements. */
static void NAME(run_block)(const map_job *j, NAME(lane) *in, NAME(lane) *out, REAL (*temp)[IG_MAP_BLOCK], const int64_t *in_off,
                            const int64_t *out_off, int64_t col, size_t n, uint64_t index) {
    const REAL *result[IG_CHAIN_STEPS_MAX];
    const REAL *loaded[IG_CHAIN_INPUTS_MAX] = {0};
    for (int s = 0; s < j->p->steps; s++) {
        const ig_map_step *st = &j->p->step[s];
        const REAL *arg[3] = {0};
        for (int a = 0; a < j->k->map_arity[st->map]; a++) {
            int r = st->in[a];
            if (r >= 0 && !loaded[r]) loaded[r] = NAME(fetch)(&in[r], in_off[r], col, n, j->k);
            arg[a] = r >= 0 ? loaded[r] : result[-(r + 1)];
        }
        ig_map_args args = {.f = {st->f[0], st->f[1]}, .stream = st->stream, .index = index};
        if (st->key >= 0) args.key = j->in[st->key]->data;
        NAME(lane) *o = st->out >= 0 ? &out[st->out] : NULL;
        REAL *y = temp[s];
        char *dst = NULL;
        if (o) {
            dst = (char *)o->t->data + (out_off[st->out] + col * o->inner) * (int64_t)ig_dtype_size(o->t->dtype);
            if (o->direct) y = (REAL *)(void *)dst;
        }
        KERNEL(j->k, st->map)(y, arg, n, &args);
        result[s] = y;
        if (o && !o->direct) NAME(store_block)(dst, o->t->dtype, o->inner, y, n, j->k);
    }
}

static void NAME(lanes)(NAME(lane) *l, const ig_tensor *const *t, int count, int64_t (*stride)[IG_DIMS_MAX], int inner_dim,
                        REAL (*bufs)[IG_MAP_BLOCK]) {
    for (int i = 0; i < count; i++) {
        int64_t inner = inner_dim >= 0 ? stride[i][inner_dim] : 1;
        l[i] = (NAME(lane)){.t = t[i], .inner = inner, .direct = t[i]->dtype == REAL_DTYPE && inner == 1, .buf = bufs ? bufs[i] : NULL};
    }
}

/* Elements [begin, end) of the logical, row-major order. */
static void NAME(run_range)(void *arg, size_t begin, size_t end, int thread) {
    const map_job *j = arg;
    (void)thread;
    _Alignas(64) REAL temp[IG_CHAIN_STEPS_MAX][IG_MAP_BLOCK];
    _Alignas(64) REAL bufs[IG_CHAIN_INPUTS_MAX][IG_MAP_BLOCK];
    NAME(lane) in[IG_CHAIN_INPUTS_MAX], out[IG_CHAIN_STEPS_MAX];
    int64_t in_off[IG_CHAIN_INPUTS_MAX], out_off[IG_CHAIN_STEPS_MAX];
    int inner_dim = j->ndim - 1;
    size_t inner = inner_dim >= 0 ? (size_t)j->shape[inner_dim] : 1;
    NAME(lanes)(in, j->in, j->p->inputs, ((map_job *)arg)->in_stride, inner_dim, bufs);
    NAME(lanes)(out, j->out, j->p->outputs, ((map_job *)arg)->out_stride, inner_dim, NULL);
    for (size_t at = begin; at < end;) {
        size_t row = at / inner, col = at % inner;
        row_offsets(j, row, in_off, out_off);
        size_t stop = end - at < inner - col ? col + (end - at) : inner;
        while (col < stop) {
            size_t n = stop - col < IG_MAP_BLOCK ? stop - col : IG_MAP_BLOCK;
            NAME(run_block)(j, in, out, temp, in_off, out_off, (int64_t)col, n, at);
            col += n, at += n;
        }
    }
}
