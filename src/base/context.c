/* base/context.c: the owner of what would otherwise be global.
 *
 * A context knows the instruction set, the number of threads, the random key and the log.  Every other room hangs its own
 * part (kernel table, primitive cache …) into a numbered slot; base knows nothing about what is in it.  Slots are made on
 * first use, read without a lock afterwards, and freed in reverse order, because a later one may lean on an earlier one.
 * The lock is recursive for the same reason: making the graph's part may ask for the tensor's.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "ingot/base.h"

#define THREADS_MAX 1024

typedef struct slot_entry {
    _Atomic(void *) part; /* NULL until made */
    ig_slot_free_fn *free_fn;
} slot_entry;

struct ig_context {
    int threads;
    ig_cpu cpu;
    bool bf16;
    uint64_t seed;
    ig_log_fn *log;
    void *log_arg;
    pthread_mutex_t lock; /* guards making of slots */
    pthread_mutex_t cores; /* ig_context_enter */
    slot_entry slot[IG_SLOT_COUNT];
    ig_slot order[IG_SLOT_COUNT]; /* as they were made */
    int made;
};

static ig_status cpu_from_environment(ig_cpu *out, ig_error *err) {
    const char *name = getenv("IG_CPU");
    if (!name || !*name || strcmp(name, "auto") == 0) return IG_OK;
    for (ig_cpu c = IG_CPU_REFERENCE; c <= IG_CPU_AVX512; c++) {
        if (strcmp(name, ig_cpu_name(c)) == 0) {
            *out = c;
            return IG_OK;
        }
    }
    return ig_error_set(err, IG_E_ARG, "IG_CPU is \"%.40s\"; it can be reference, avx2 or avx512", name);
}

static ig_status choose_cpu(ig_cpu wanted, ig_cpu *out, ig_error *err) {
    if (wanted < IG_CPU_AUTO || wanted > IG_CPU_AVX512) {
        return ig_error_set(err, IG_E_ARG, "no such instruction set: %d", (int)wanted);
    }
    if (wanted == IG_CPU_AUTO) IG_TRY(cpu_from_environment(&wanted, err));
    ig_cpu best = ig_cpu_best();
    if (wanted > best) {
        return ig_error_set(err, IG_E_UNSUPPORTED, "%s was asked for, and this processor has only %s", ig_cpu_name(wanted),
                            ig_cpu_name(best));
    }
    *out = wanted == IG_CPU_AUTO ? best : wanted;
    return IG_OK;
}

static void log_to_stderr(void *arg, ig_log_level level, const char *message) {
    (void)arg;
    if (level > IG_LOG_WARN) return;
    fprintf(stderr, "ingot: %s%s\n", level == IG_LOG_WARN ? "warning: " : "", message);
}

static ig_status make_lock(pthread_mutex_t *lock, ig_error *err) {
    pthread_mutexattr_t attr;
    if (pthread_mutexattr_init(&attr) != 0) return ig_error_nomem(err, 0);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    int failed = pthread_mutex_init(lock, &attr);
    pthread_mutexattr_destroy(&attr);
    return failed ? ig_error_nomem(err, 0) : IG_OK;
}

ig_status ig_context_new(const ig_context_opts *opts, ig_context **out, ig_error *err) {
    static const ig_context_opts defaults;
    const ig_context_opts *o = opts ? opts : &defaults;
    *out = NULL;
    if (o->threads < 0 || o->threads > THREADS_MAX) {
        return ig_error_set(err, IG_E_ARG, "threads: expected 0 to %d, found %d", THREADS_MAX, o->threads);
    }
    ig_cpu cpu = IG_CPU_REFERENCE;
    IG_TRY(choose_cpu(o->cpu, &cpu, err));
    ig_context *ctx = ig_calloc(1, sizeof *ctx);
    if (!ctx) return ig_error_nomem(err, sizeof *ctx);
    ig_status status = make_lock(&ctx->lock, err);
    if (status == IG_OK) status = make_lock(&ctx->cores, err);
    if (status != IG_OK) {
        ig_free(ctx);
        return status;
    }
    ctx->threads = o->threads ? o->threads : ig_cpu_cores();
    ctx->cpu = cpu;
    ctx->bf16 = cpu == IG_CPU_AVX512 && ig_cpu_has_bf16();
    ctx->seed = o->seed;
    ctx->log = o->log ? o->log : log_to_stderr;
    ctx->log_arg = o->log_arg;
    *out = ctx;
    return IG_OK;
}

void ig_context_free(ig_context *ctx) {
    if (!ctx) return;
    while (ctx->made > 0) {
        slot_entry *s = &ctx->slot[ctx->order[--ctx->made]];
        void *part = atomic_exchange(&s->part, NULL);
        if (s->free_fn) s->free_fn(part);
    }
    pthread_mutex_destroy(&ctx->lock);
    pthread_mutex_destroy(&ctx->cores);
    ig_free(ctx);
}

void ig_context_enter(ig_context *ctx) { pthread_mutex_lock(&ctx->cores); }
void ig_context_leave(ig_context *ctx) { pthread_mutex_unlock(&ctx->cores); }

int ig_context_threads(const ig_context *ctx) {
    return ctx->threads;
}

ig_cpu ig_context_cpu(const ig_context *ctx) {
    return ctx->cpu;
}

bool ig_context_has_bf16(const ig_context *ctx) {
    return ctx->bf16;
}

uint64_t ig_context_seed(const ig_context *ctx) {
    return ctx->seed;
}

void ig_log_write(ig_context *ctx, ig_log_level level, const char *fmt, ...) {
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (ctx) {
        ctx->log(ctx->log_arg, level, message);
    } else {
        log_to_stderr(NULL, level, message);
    }
}

/* With the lock held. */
static ig_status make_slot(ig_context *ctx, ig_slot slot, ig_slot_make_fn *make, ig_slot_free_fn *free_fn, ig_error *err) {
    slot_entry *s = &ctx->slot[slot];
    if (atomic_load(&s->part)) return IG_OK; /* another thread was first */
    void *part = NULL;
    IG_TRY(make(ctx, &part, err));
    if (!part) return ig_error_set(err, IG_E_INTERNAL, "slot %d of the context was made empty", (int)slot);
    s->free_fn = free_fn;
    ctx->order[ctx->made++] = slot;
    atomic_store_explicit(&s->part, part, memory_order_release);
    return IG_OK;
}

ig_status ig_context_slot(ig_context *ctx, ig_slot slot, ig_slot_make_fn *make, ig_slot_free_fn *free_fn, void **out,
                          ig_error *err) {
    if (slot < 0 || slot >= IG_SLOT_COUNT) return ig_error_set(err, IG_E_ARG, "no such slot: %d", (int)slot);
    slot_entry *s = &ctx->slot[slot];
    ig_status status = IG_OK;
    if (!atomic_load_explicit(&s->part, memory_order_acquire)) {
        pthread_mutex_lock(&ctx->lock);
        status = make_slot(ctx, slot, make, free_fn, err);
        pthread_mutex_unlock(&ctx->lock);
    }
    *out = atomic_load_explicit(&s->part, memory_order_acquire);
    return status;
}
